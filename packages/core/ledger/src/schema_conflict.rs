//! What a change of the schema comes to, and why one is not taken, in the words that clients and operators
//! are told.

use std::fmt;

use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, Name, TableSpec,
};

/// What a schema instruction is to the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// It says what is there.
    Known,
    /// It says of an open collection whether its elements may be null: from now on they may, or may not.
    Settled,
    /// It added something.
    Added,
}

/// Why a schema instruction is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaConflict {
    /// It would add something, which was not asked for.
    Addition(String),
    /// It contradicts what exists.
    Contradiction(Contradiction),
    /// It erases, or cannot be in any schema.
    Impossible(String),
}

/// What a schema instruction says otherwise than the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The class.
    pub class: Name,
    /// The property; `None` for what the objects of the class are.
    pub property: Option<Name>,
    /// What the schema has.
    pub known: String,
    /// What the instruction says.
    pub said: String,
}

impl Contradiction {
    /// Of two descriptions of a class.
    pub(crate) fn of_class(class: &Name, known: &TableSpec, said: &TableSpec) -> Self {
        Self {
            class: class.clone(),
            property: None,
            known: describe_class(known),
            said: describe_class(said),
        }
    }

    /// Of two descriptions of a property.
    pub(crate) fn of_property(
        class: &Name,
        property: &Name,
        known: &ColumnSpec,
        said: &ColumnSpec,
    ) -> Self {
        Self {
            class: class.clone(),
            property: Some(property.clone()),
            known: describe_column(known),
            said: describe_column(said),
        }
    }

    /// The text for who is told what the schema has to be: an operator whose configuration says so.
    pub fn against_present(&self) -> String {
        format!(
            "{}: expected {}, found {}",
            self.place(),
            self.said,
            self.known
        )
    }

    fn place(&self) -> String {
        match &self.property {
            Some(property) => format!("class \"{}\", property \"{property}\"", self.class),
            None => format!("class \"{}\"", self.class),
        }
    }
}

impl fmt::Display for Contradiction {
    /// The text for who has to do as the schema says: a client.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place();
        write!(
            formatter,
            "{place}: expected {}, found {}",
            self.known, self.said
        )
    }
}

impl fmt::Display for SchemaConflict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addition(text) | Self::Impossible(text) => formatter.write_str(text),
            Self::Contradiction(contradiction) => contradiction.fmt(formatter),
        }
    }
}

/// What an addition is called in a refusal.
pub fn describe_addition(instruction: &Instruction) -> String {
    match instruction {
        Instruction::AddColumn { class, field, spec } => format!(
            "adding \"{}\" column at field \"{field}\" in schema \"{class}\"",
            describe_type(spec, false)
        ),
        other => format!("adding schema for Realm table \"{}\"", other.class()),
    }
}

fn describe_class(spec: &TableSpec) -> String {
    let TableSpec::TopLevel {
        key_field,
        key_type,
        key_nullable,
        asymmetric,
    } = spec
    else {
        return "an embedded class".to_owned();
    };
    let kind = if *asymmetric {
        "an asymmetric class"
    } else {
        "a class"
    };
    let optional = if *key_nullable { "optional " } else { "" };
    let key_type = match key_type {
        KeyType::Int => "Int",
        KeyType::String => "String",
        KeyType::ObjectId => "ObjectID",
        KeyType::Uuid => "UUID",
        KeyType::GlobalKey => return format!("{kind} without a primary key"),
    };
    format!("{kind} with the primary key \"{key_field}\" of type {optional}{key_type}")
}

fn describe_column(spec: &ColumnSpec) -> String {
    let may_be_either = !matches!(spec.column_type, ColumnType::Mixed | ColumnType::Link);
    describe_type(spec, may_be_either && spec.nullable)
}

fn describe_type(spec: &ColumnSpec, optional: bool) -> String {
    let element = match spec.column_type {
        ColumnType::Mixed => "Mixed".to_owned(),
        ColumnType::Int => "Int".to_owned(),
        ColumnType::Bool => "Bool".to_owned(),
        ColumnType::String => "String".to_owned(),
        ColumnType::Binary => "Binary".to_owned(),
        ColumnType::Timestamp => "Date".to_owned(),
        ColumnType::Float => "Float".to_owned(),
        ColumnType::Double => "Double".to_owned(),
        ColumnType::Decimal => "Decimal".to_owned(),
        ColumnType::ObjectId => "ObjectID".to_owned(),
        ColumnType::Uuid => "UUID".to_owned(),
        ColumnType::Link => spec
            .target
            .as_ref()
            .map_or_else(|| "Link".to_owned(), |target| format!("Link to {target}")),
        _ => "unknown".to_owned(),
    };
    let element = if optional {
        format!("optional {element}")
    } else {
        element
    };
    match spec.collection {
        CollectionKind::Single => element,
        CollectionKind::List => format!("List of {element}"),
        CollectionKind::Set => format!("Set of {element}"),
        CollectionKind::Dictionary => format!("Dictionary of {element}"),
    }
}
