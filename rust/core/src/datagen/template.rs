//! Names of generated objects.

use crate::error::{Error, Result};

const PLACE: &str = "{}";

/// A name in which the first `{}` stands for the object's number, from 0, and a second one for how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    before: String,
    /// What follows the number; the total is already in it. `None` where the name has no number.
    after: Option<String>,
}

impl Template {
    /// For `total` objects.
    ///
    /// # Errors
    /// `InvalidInput` for an empty name, for one with three `{}` or more, and for one without if there are several
    /// objects: they would all have the same name.
    pub fn new(text: &str, total: u64) -> Result<Self> {
        let refuse = |why: &str| Err(Error::invalid(format!("template {text:?}: {why}")));
        if text.is_empty() {
            return refuse("a name is needed");
        }
        let parts: Vec<&str> = text.split(PLACE).collect();
        let after = match parts[1..] {
            [] if total > 1 => return refuse("without {} all objects have the same name"),
            [] => None,
            [after] => Some(after.to_owned()),
            [middle, after] => Some(format!("{middle}{total}{after}")),
            _ => return refuse("it takes {} twice at most: the number, and how many there are"),
        };
        Ok(Template {
            before: parts[0].to_owned(),
            after,
        })
    }

    /// The name of object `number`.
    pub fn name(&self, number: u64) -> String {
        match &self.after {
            Some(after) => format!("{}{number}{after}", self.before),
            None => self.before.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn name(text: &str, total: u64, number: u64) -> String {
        Template::new(text, total).unwrap().name(number)
    }

    #[test]
    fn two_places_are_number_and_total_and_one_is_the_number() {
        assert_eq!(name("object_{}_of_{}.dat", 100, 7), "object_7_of_100.dat");
        assert_eq!(name("{}{}", 3, 1), "13");
        assert_eq!(name("run/{}.obj", 1200, 999), "run/999.obj");
    }

    #[test]
    fn a_name_without_a_place_serves_one_object() {
        assert_eq!(name("only.dat", 1, 0), "only.dat");
        assert!(Template::new("only.dat", 2).is_err());
    }

    #[test]
    fn other_braces_are_ordinary_characters() {
        assert_eq!(name("{0}-{}-{", 2, 1), "{0}-1-{");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", "{}{}{}"] {
            let error = Template::new(text, 2).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text:?}");
        }
    }
}
