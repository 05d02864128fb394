//! Names that an application's queries may use beside those of the file.

use std::collections::{BTreeMap, BTreeSet};

/// Names of one class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassNames {
    /// Properties by the application's names, with their names in the file.
    pub properties: BTreeMap<String, String>,
    /// Linking objects by the application's names: class and property of the origin, by their names in the
    /// file.
    pub linking: BTreeMap<String, (String, String)>,
    /// Properties that may be searched for words, by their names in the file.
    pub full_text: BTreeSet<String>,
}

/// Names by class. One that is not here stands for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryNames {
    /// Classes by their names in the file.
    pub classes: BTreeMap<String, ClassNames>,
}

impl QueryNames {
    /// Name in the file of what an application calls a property.
    pub(crate) fn stored(&self, class: &str, name: &str) -> Option<&String> {
        self.classes.get(class)?.properties.get(name)
    }

    /// Whether a property may be searched for words.
    pub(crate) fn is_full_text(&self, class: &str, property: &str) -> bool {
        let known = self.classes.get(class);
        known.is_some_and(|known| known.full_text.contains(property))
    }

    /// Origin of linking objects.
    pub(crate) fn linking(&self, class: &str, name: &str) -> Option<&(String, String)> {
        self.classes.get(class)?.linking.get(name)
    }
}
