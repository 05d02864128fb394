//! What binding needs to know about the schema.

use tidemark_changeset::{CollectionKind, ColumnType};

use crate::row::KeyView;

/// The classes and properties a query may name.
///
/// Only binding asks; evaluation works with the places found here, so a bound query belongs to the schema
/// it was bound against and must be bound again when columns come or go.
pub trait Catalog {
    /// Whether the class exists (name without any prefix).
    fn has_class(&self, class: &str) -> bool;

    /// A stored property of a class, the primary key included.
    fn property(&self, class: &str, name: &str) -> Option<Property>;

    /// The name in the file of a property that the application calls otherwise.
    fn stored_name(&self, _class: &str, _name: &str) -> Option<String> {
        None
    }

    /// The backlinks a class exposes under a name of its own ("linking objects"): class and property of the
    /// origin. The SDKs translate such names into `@links.Class.property`.
    fn linking(&self, _class: &str, _name: &str) -> Option<(String, String)> {
        None
    }

    /// Whether an object exists, where that is known. The original turns `obj(…)` of an absent object
    /// into null when it binds; with `None` an absent object simply never matches.
    fn has_object(&self, _class: &str, _key: KeyView<'_>) -> Option<bool> {
        None
    }
}

/// A property as binding sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Where rows hold it.
    pub place: Place,
    /// Type of the value or of the elements.
    pub column_type: ColumnType,
    /// Whether the value or the elements may be null.
    pub nullable: bool,
    /// Single value or kind of collection.
    pub collection: CollectionKind,
    /// Class of the targets of links and embedded objects.
    pub target: Option<String>,
    /// Whether a full-text index stands over it.
    pub full_text: bool,
}

/// Where a row holds a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The primary key, which is not a column.
    Key,
    /// A column by its index in the class.
    Column(usize),
}
