//! The rules in force and their counters: which of them fires for a request.

use std::sync::Mutex;

use serde::Serialize;

use super::{Action, Fault};
use crate::http::Head;

/// A rule and how often it has matched and fired.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Rule {
    #[serde(flatten)]
    fault: Fault,
    matched: u64,
    fired: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Script(Mutex<Vec<Rule>>);

impl Script {
    pub(crate) fn add(&self, fault: Fault) {
        self.rules().push(Rule {
            fault,
            matched: 0,
            fired: 0,
        });
    }

    pub(crate) fn clear(&self) {
        self.rules().clear();
    }

    pub(crate) fn snapshot(&self) -> Vec<Rule> {
        self.rules().clone()
    }

    /// Counts the request at each rule up to the first that fires; that one's actions.
    pub(crate) fn fire(&self, head: &Head, op: &str) -> Vec<Action> {
        self.rules()
            .iter_mut()
            .filter(|rule| rule.fault.fits(head, op))
            .find_map(Rule::count)
            .unwrap_or_default()
    }

    fn rules(&self) -> std::sync::MutexGuard<'_, Vec<Rule>> {
        self.0.lock().expect("no holder of the lock panics")
    }
}

impl Rule {
    fn count(&mut self) -> Option<Vec<Action>> {
        self.matched += 1;
        let fault = &self.fault;
        let since_first = self.matched.checked_sub(fault.nth.max(1))?;
        let due = since_first.is_multiple_of(fault.every.max(1));
        let left = fault.times.is_none_or(|times| self.fired < times);
        (due && left).then(|| {
            self.fired += 1;
            self.fault.actions.clone()
        })
    }
}

impl Fault {
    fn fits(&self, head: &Head, op: &str) -> bool {
        let fits = |wanted: &Option<String>, test: &dyn Fn(&str) -> bool| {
            wanted.as_deref().is_none_or(test)
        };
        fits(&self.op, &|wanted| wanted == op)
            && fits(&self.method, &|wanted| {
                wanted.eq_ignore_ascii_case(&head.method)
            })
            && fits(&self.path, &|wanted| {
                if wanted.contains('*') {
                    glob(wanted, &head.path)
                } else {
                    head.path.contains(wanted)
                }
            })
            && fits(&self.query, &|wanted| match wanted.split_once('=') {
                Some((key, value)) => head.query(key) == Some(value),
                None => head.query(wanted).is_some(),
            })
            && fits(&self.header, &|wanted| {
                let wanted = wanted.to_ascii_lowercase();
                head.headers.iter().any(|(name, _)| glob(&wanted, name))
            })
    }
}

/// Whether `pattern`, in which `*` stands for any text, is all of `text`.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(start) else {
        return false;
    };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let end = pieces.pop().expect("split gives at least one piece");
    for piece in pieces {
        let Some(at) = text.find(piece) else {
            return false;
        };
        text = &text[at + piece.len()..];
    }
    text.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::{Script, glob};
    use crate::fault::{Action, Fault};
    use crate::http::Head;

    fn fired(script: &Script, requests: usize) -> Vec<bool> {
        let head = Head::new("GET", "/b/k?partNumber=2", vec![]);
        (0..requests)
            .map(|_| !script.fire(&head, "GetObject").is_empty())
            .collect()
    }

    #[test]
    fn nth_every_and_times_select_the_requests() {
        let script = Script::default();
        script.add(Fault::times(2, Action::slow_down()).nth(2).every(3));

        assert_eq!(
            fired(&script, 9),
            [false, true, false, false, true, false, false, false, false]
        );
    }

    #[test]
    fn a_rule_sees_nothing_while_one_before_it_fires() {
        let script = Script::default();
        script.add(Fault::times(2, Action::slow_down()));
        script.add(Fault::once(Action::WrongChecksum));
        let head = Head::new("GET", "/b/k", vec![]);

        let actions: Vec<_> = (0..4).map(|_| script.fire(&head, "GetObject")).collect();

        assert_eq!(actions[1], [Action::slow_down()]);
        assert_eq!(actions[2], [Action::WrongChecksum]);
        assert!(actions[3].is_empty());
    }

    #[test]
    fn each_matcher_excludes() {
        let head = Head::new(
            "PUT",
            "/b/k?partNumber=2",
            vec![("x-amz-checksum-crc32c".to_owned(), String::new())],
        );
        let base = || Fault::always(Action::WrongChecksum);

        for fits in [
            base().op("UploadPart").method("put"),
            base().path("/b/"),
            base().path("/*/k"),
            base().query("partNumber"),
            base().query("partNumber=2"),
            base().header("x-amz-checksum-*"),
        ] {
            assert!(fits.fits(&head, "UploadPart"), "{fits:?}");
        }
        for misses in [
            base().op("PutObject"),
            base().method("GET"),
            base().path("/c/"),
            base().path("/*/x"),
            base().query("uploadId"),
            base().query("partNumber=3"),
            base().header("range"),
        ] {
            assert!(!misses.fits(&head, "UploadPart"), "{misses:?}");
        }
    }

    #[test]
    fn globs_take_all_of_the_text() {
        assert!(glob("a*c*e", "abcde"));
        assert!(glob("*", ""));
        assert!(!glob("a*c", "abcd"));
        assert!(!glob("ab*bc", "abc"));
    }
}
