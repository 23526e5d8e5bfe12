//! Actions sorted by the moment at which they take effect.

use std::time::Duration;

use super::{Action, FlipOrigin};
use crate::checksum::{decode, encode};
use crate::http::{Content, Cut, Delivery, Head, Response};
use crate::service::Service;

/// Orders that only the service itself can carry out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quirks {
    pub(crate) drop_part: Option<(usize, bool)>,
    pub(crate) repeat_token: bool,
    /// Keys that DeleteObjects must report as failed: key, code, message.
    pub(crate) fail_keys: Vec<(String, String, String)>,
}

/// What happens to the request's body instead of being read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum UploadFault {
    Cut(u64),
    Stall(u64),
}

/// The actions of the rule that fired.
pub(crate) struct Plan(pub(crate) Vec<Action>);

impl Plan {
    pub(crate) fn upload(&self) -> Option<UploadFault> {
        self.0.iter().find_map(|action| match action {
            Action::CutUpload { after } => Some(UploadFault::Cut(*after)),
            Action::StallUpload { after } => Some(UploadFault::Stall(*after)),
            _ => None,
        })
    }

    /// Whether the answer comes before the request's body is read.
    pub(crate) fn is_early(&self) -> bool {
        self.0
            .iter()
            .any(|action| matches!(action, Action::Fail { early: true, .. }))
    }

    pub(crate) fn delay(&self) -> Option<Duration> {
        self.0.iter().find_map(|action| match action {
            Action::Delay { ms } => Some(Duration::from_millis(*ms)),
            _ => None,
        })
    }

    /// Some(reset) when the connection ends before the work.
    pub(crate) fn loses_request(&self) -> Option<bool> {
        self.0.iter().find_map(|action| match action {
            Action::LoseRequest { reset } => Some(*reset),
            _ => None,
        })
    }

    /// Some(reset) when the connection ends after the work, without an answer.
    pub(crate) fn loses_answer(&self) -> Option<bool> {
        self.0.iter().find_map(|action| match action {
            Action::LoseAnswer { reset } => Some(*reset),
            _ => None,
        })
    }

    pub(crate) fn stalls_before_head(&self) -> bool {
        self.0.contains(&Action::Stall { after: None })
    }

    /// (seed, size) of what replaces the object after the request.
    pub(crate) fn replacement(&self) -> Option<(u64, Option<u64>)> {
        self.0.iter().find_map(|action| match action {
            Action::ReplaceObject { seed, size } => Some((*seed, *size)),
            _ => None,
        })
    }

    /// Takes the headers away that are to be ignored.
    pub(crate) fn strip(&self, head: &mut Head) {
        for action in &self.0 {
            if let Action::IgnoreHeader { name } = action {
                let name = name.to_ascii_lowercase();
                head.headers.retain(|(known, _)| {
                    *known != name && !(name == "range" && known == "x-ms-range")
                });
            }
        }
    }

    /// Damages the request's body.
    pub(crate) fn damage(&self, body: &mut Content) {
        for action in &self.0 {
            if let Action::FlipUpload { offset, bit } = action {
                body.flip(*offset, *bit);
            }
        }
    }

    pub(crate) fn quirks(&self) -> Quirks {
        let mut quirks = Quirks::default();
        for action in &self.0 {
            match action {
                Action::DropPart { number, hidden } => quirks.drop_part = Some((*number, *hidden)),
                Action::RepeatToken => quirks.repeat_token = true,
                Action::FailKey { key, code, message } => {
                    quirks
                        .fail_keys
                        .push((key.clone(), code.clone(), message.clone()));
                }
                _ => {}
            }
        }
        quirks
    }

    /// An answer that takes the place of the service's own, and whether the work is done first.
    pub(crate) fn substitute(
        &self,
        head: &Head,
        service: &dyn Service,
    ) -> Option<(Response, bool)> {
        self.0.iter().find_map(|action| match action {
            Action::Fail {
                status,
                code,
                message,
                retry_after,
                work,
                ..
            } => {
                let mut response = service.error(head, *status, code, message);
                if let Some(seconds) = retry_after {
                    response.replace("retry-after", Some(&seconds.to_string()));
                }
                Some((response, *work))
            }
            Action::ErrorIn200 {
                code,
                message,
                work,
            } => {
                let mut response = service.error(head, 500, code, message);
                response.status = 200;
                Some((response, *work))
            }
            Action::Redirect { status, location } => {
                let location = format!("{}{}", location.trim_end_matches('/'), head.target);
                let response = service
                    .error(head, *status, "TemporaryRedirect", "another endpoint")
                    .header("location", location);
                Some((response, false))
            }
            _ => None,
        })
    }

    /// Falsifies a finished answer.
    pub(crate) fn edit(&self, response: &mut Response) {
        for action in &self.0 {
            match action {
                Action::FlipBit { offset, bit, of } => {
                    let start = match of {
                        FlipOrigin::Body => 0,
                        FlipOrigin::Object => range_start(response),
                    };
                    if let Some(at) = offset.checked_sub(start) {
                        response.body.flip(at, *bit);
                    }
                }
                Action::Truncate { by } => {
                    let length = response.body.len().saturating_sub(*by);
                    response.body = response.body.slice(0..length);
                }
                Action::SetHeader { name, value } => response.replace(name, value.as_deref()),
                Action::WrongChecksum => falsify_checksums(response),
                Action::MalformedXml { body } => {
                    response.body = match body {
                        Some(body) => body.clone().into(),
                        None => response.body.slice(0..response.body.len() / 2),
                    };
                }
                _ => {}
            }
        }
    }

    pub(crate) fn delivery(&self) -> Delivery {
        let mut delivery = Delivery::default();
        for action in &self.0 {
            match action {
                Action::Cut { after, reset } => {
                    delivery.cut = Some(Cut {
                        after: *after,
                        reset: *reset,
                    });
                }
                Action::Stall { after } => delivery.stall = *after,
                Action::Throttle { bytes_per_second } => {
                    delivery.bytes_per_second = Some(*bytes_per_second);
                }
                Action::ContentLength { delta } => delivery.length_error = *delta,
                _ => {}
            }
        }
        delivery
    }
}

fn range_start(response: &Response) -> u64 {
    response
        .get("content-range")
        .and_then(|value| {
            value
                .strip_prefix("bytes ")?
                .split('-')
                .next()?
                .parse()
                .ok()
        })
        .unwrap_or(0)
}

fn falsify_checksums(response: &mut Response) {
    for (name, value) in &mut response.headers {
        let is_value = name.starts_with("x-amz-checksum-") && name != "x-amz-checksum-type";
        if !is_value
            && !matches!(
                name.as_str(),
                "content-md5" | "x-ms-content-crc64" | "x-ms-blob-content-md5"
            )
        {
            continue;
        }
        if let Some(mut bytes) = decode(value) {
            for byte in &mut bytes {
                *byte = !*byte;
            }
            *value = encode(&bytes);
        }
    }
}
