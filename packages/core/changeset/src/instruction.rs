//! Instructions: the fourteen things a changeset can say.

use crate::value::{Name, Payload, PrimaryKey};

/// The kind of collection a column or a Clear speaks of. The numbers are those of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum CollectionKind {
    /// Not a collection.
    Single = 0,
    /// A list.
    List = 1,
    /// A dictionary with string keys.
    Dictionary = 2,
    /// A set.
    Set = 3,
}

/// The type of a column's values. The numbers are the payload tags of the wire; null's tag stands
/// for mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ColumnType {
    /// Any value.
    Mixed = 0,
    /// 64-bit integers.
    Int = 1,
    /// Truth values.
    Bool = 2,
    /// Strings.
    String = 3,
    /// Bytes.
    Binary = 4,
    /// Points in time.
    Timestamp = 5,
    /// 32-bit floats.
    Float = 6,
    /// 64-bit floats.
    Double = 7,
    /// decimal128 numbers.
    Decimal = 8,
    /// Links; an embedded object is a link to an embedded class.
    Link = 9,
    /// Object ids.
    ObjectId = 10,
    /// UUIDs.
    Uuid = 11,
    /// Tag −6. This and the five below pass the original's codec as a column type, so a changeset
    /// can say them, but no database makes such a column.
    Set = 250,
    /// Tag −5.
    List = 251,
    /// Tag −4.
    Erased = 252,
    /// Tag −3.
    Dictionary = 253,
    /// Tag −2.
    Object = 254,
    /// Tag −1.
    GlobalKey = 255,
}

impl ColumnType {
    /// Whether a database can have a column of this type.
    pub fn is_storable(self) -> bool {
        (self as u8) <= Self::Uuid as u8
    }
}

/// The type of a primary key, by its wire tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i8)]
pub enum KeyType {
    /// Class without a primary key.
    GlobalKey = -1,
    /// 64-bit integers.
    Int = 1,
    /// Strings.
    String = 3,
    /// Object ids.
    ObjectId = 10,
    /// UUIDs.
    Uuid = 11,
}

/// What kind of class `AddTable` makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableSpec {
    /// A class of objects with keys.
    TopLevel {
        /// Name of the primary key field; empty for a class without one.
        key_field: Name,
        /// Type of the primary key.
        key_type: KeyType,
        /// Whether the key may be null.
        key_nullable: bool,
        /// Whether objects are only sent up, never kept or sent down.
        asymmetric: bool,
    },
    /// A class of objects that live inside others.
    Embedded,
}

/// What `AddColumn` makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Type of the values.
    pub column_type: ColumnType,
    /// Whether values may be null.
    pub nullable: bool,
    /// Single value or kind of collection.
    pub collection: CollectionKind,
    /// Class of the targets; `Some` exactly for `ColumnType::Link`. (Empty: any class.)
    pub target: Option<Name>,
    /// Type of the keys; `Some` exactly for `CollectionKind::Dictionary`. A database takes `String`
    /// alone.
    pub key_type: Option<ColumnType>,
}

impl ColumnSpec {
    /// The spec of a column, with string keys if it is a dictionary.
    pub fn new(
        column_type: ColumnType,
        nullable: bool,
        collection: CollectionKind,
        target: Option<Name>,
    ) -> Self {
        let key_type = (collection == CollectionKind::Dictionary).then_some(ColumnType::String);
        Self {
            column_type,
            nullable,
            collection,
            target,
            key_type,
        }
    }
}

/// One step of a path below a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathElement {
    /// Index into a list: real slots, links to absent objects included.
    Index(u32),
    /// Key of a dictionary, or field of an embedded object.
    Key(Name),
}

/// Where a path instruction acts: an object, a field of it, and the way down from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Class of the top-level object.
    pub class: Name,
    /// Its primary key.
    pub key: PrimaryKey,
    /// The top-level field.
    pub field: Name,
    /// The way down; empty for the field itself.
    pub path: Vec<PathElement>,
}

impl Target {
    /// Whether the last path element is an index ("array-like").
    pub fn ends_with_index(&self) -> bool {
        matches!(self.path.last(), Some(PathElement::Index(_)))
    }
}

/// The operand that Update carries beside its value: it depends on whether the path ends with an
/// index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateKind {
    /// The path ends with an index: number of elements in the list before.
    Element {
        /// Size of the list before.
        prior_size: u32,
    },
    /// A property or dictionary key.
    Property {
        /// Whether the value is a schema default, which loses against any explicit value.
        is_default: bool,
    },
}

/// One instruction. Class names are without any prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Instruction {
    AddTable {
        class: Name,
        spec: TableSpec,
    },
    EraseTable {
        class: Name,
    },
    AddColumn {
        class: Name,
        field: Name,
        spec: ColumnSpec,
    },
    EraseColumn {
        class: Name,
        field: Name,
    },
    CreateObject {
        class: Name,
        key: PrimaryKey,
    },
    EraseObject {
        class: Name,
        key: PrimaryKey,
    },
    Update {
        target: Target,
        value: Payload,
        kind: UpdateKind,
    },
    AddInteger {
        target: Target,
        delta: i64,
    },
    ArrayInsert {
        target: Target,
        value: Payload,
        prior_size: u32,
    },
    /// `to` is the index the element has after the move.
    ArrayMove {
        target: Target,
        to: u32,
        prior_size: u32,
    },
    ArrayErase {
        target: Target,
        prior_size: u32,
    },
    Clear {
        target: Target,
        collection: CollectionKind,
    },
    SetInsert {
        target: Target,
        value: Payload,
    },
    SetErase {
        target: Target,
        value: Payload,
    },
}

impl Instruction {
    /// The class the instruction names.
    pub fn class(&self) -> &Name {
        match self {
            Self::AddTable { class, .. }
            | Self::EraseTable { class }
            | Self::AddColumn { class, .. }
            | Self::EraseColumn { class, .. }
            | Self::CreateObject { class, .. }
            | Self::EraseObject { class, .. } => class,
            _ => {
                &self
                    .target()
                    .expect("every other instruction has a target")
                    .class
            }
        }
    }

    /// The object the instruction acts on, or `None` for schema instructions.
    pub fn object(&self) -> Option<(&Name, &PrimaryKey)> {
        match self {
            Self::CreateObject { class, key } | Self::EraseObject { class, key } => {
                Some((class, key))
            }
            _ => self.target().map(|target| (&target.class, &target.key)),
        }
    }

    /// Where a path instruction acts, or `None` for the others.
    pub fn target(&self) -> Option<&Target> {
        match self {
            Self::Update { target, .. }
            | Self::AddInteger { target, .. }
            | Self::ArrayInsert { target, .. }
            | Self::ArrayMove { target, .. }
            | Self::ArrayErase { target, .. }
            | Self::Clear { target, .. }
            | Self::SetInsert { target, .. }
            | Self::SetErase { target, .. } => Some(target),
            _ => None,
        }
    }
}
