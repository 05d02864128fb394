//! Why an instruction cannot be applied.

use std::fmt;

use tidemark_changeset::{Instruction, Name, PrimaryKey};

/// An instruction that does not fit the state: what is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} ({})", Place(self))]
pub struct ApplyError {
    /// What is wrong.
    pub problem: Problem,
    /// The class that the instruction names.
    pub class: Name,
    /// The object, for instructions that name one.
    pub key: Option<PrimaryKey>,
    /// The field, for instructions that name one.
    pub field: Option<Name>,
}

struct Place<'a>(&'a ApplyError);

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "class {}", self.0.class)?;
        if let Some(key) = &self.0.key {
            write!(formatter, ", object {key:?}")?;
        }
        if let Some(field) = &self.0.field {
            write!(formatter, ", field {field}")?;
        }
        Ok(())
    }
}

impl Problem {
    /// The error of an instruction that has this problem.
    pub fn at(self, instruction: &Instruction) -> ApplyError {
        let field = match instruction {
            Instruction::AddColumn { field, .. } | Instruction::EraseColumn { field, .. } => {
                Some(field.clone())
            }
            _ => instruction.target().map(|target| target.field.clone()),
        };
        ApplyError {
            problem: self,
            class: instruction.class().clone(),
            key: instruction.object().map(|(_, key)| key.clone()),
            field,
        }
    }
}

/// What is wrong with an instruction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A class that does not exist.
    #[error("no such class: {0}")]
    NoSuchClass(Name),
    /// A class that exists with another kind or key.
    #[error("the existing class differs")]
    ClassMismatch,
    /// A class that columns of other classes link to cannot be erased.
    #[error("the class is the target of links")]
    ClassIsTarget,
    /// A class or field name that is too long.
    #[error("the name is too long")]
    NameTooLong,
    /// A field that does not exist.
    #[error("no such field: {0}")]
    NoSuchField(Name),
    /// A column that exists with another type, kind or target.
    #[error("the existing column differs")]
    ColumnMismatch,
    /// A column type or dictionary key type that no database has.
    #[error("no column can be of this type")]
    ColumnType,
    /// The primary key is not an ordinary field.
    #[error("the primary key cannot be changed")]
    KeyField,
    /// A primary key whose type, or being null, does not fit the class.
    #[error("the primary key does not fit the class")]
    KeyMismatch,
    /// An object that does not exist.
    #[error("no such object")]
    NoSuchObject,
    /// A list where the path goes on with a key, or a dictionary or object where it goes on with an
    /// index.
    #[error("the path goes on with the wrong kind of element")]
    PathElement,
    /// A path through an embedded object that is null.
    #[error("the path leads through null")]
    ThroughNull,
    /// A path through a value that cannot be entered: a scalar, a set, a link to an object of its
    /// own.
    #[error("the path leads through a value that holds nothing")]
    ThroughValue,
    /// A path through a list element or dictionary key that is not there.
    #[error("the path leads through an absent element")]
    ThroughAbsent,
    /// The instruction cannot act on what the path leads to.
    #[error("the instruction cannot act here")]
    InvalidPath,
    /// A value of another type than the field.
    #[error("the value is of another type")]
    TypeMismatch,
    /// Null where null is not allowed.
    #[error("null is not allowed here")]
    NullNotAllowed,
    /// A link to another class than the field's.
    #[error("the link leads to another class")]
    TargetMismatch,
    /// A link to an object of an embedded class.
    #[error("the link leads to an embedded class")]
    LinkToEmbedded,
    /// A marker where no such thing can be made.
    #[error("the marker does not fit here")]
    Marker,
    /// An index beyond the list.
    #[error("index {index} is beyond the list of {size}")]
    IndexOutOfRange {
        /// The index.
        index: u32,
        /// Number of elements.
        size: usize,
    },
    /// A prior size that is not the size of the list.
    #[error("prior size {prior_size} of a list of {size}")]
    PriorSize {
        /// What the instruction says.
        prior_size: u32,
        /// Number of elements.
        size: usize,
    },
    /// A move that goes nowhere.
    #[error("the element moves to where it is")]
    MoveToSameIndex,
    /// A Clear of another kind of collection.
    #[error("the collection is of another kind")]
    CollectionMismatch,
    /// An `AddInteger` on something that is no integer.
    #[error("not an integer")]
    NotAnInteger,
    /// A dictionary key that begins with `$` or contains a dot.
    #[error("not a legal dictionary key")]
    DictionaryKey,
    /// Deeper than [`NESTING_MAX`](crate::NESTING_MAX).
    #[error("nested too deeply")]
    TooDeep,
    /// A string or binary that is too long to be stored.
    #[error("the value is too long")]
    TooLong,
    /// The instruction is of another sort than the function takes: on the schema, on objects,
    /// inside an object.
    #[error("the instruction is not of the sort that acts here")]
    NotAPathInstruction,
}

impl Problem {
    /// A number for each variant that never changes.
    pub fn code(&self) -> u32 {
        match self {
            Self::NoSuchClass(_) => 1,
            Self::ClassMismatch => 2,
            Self::ClassIsTarget => 3,
            Self::NameTooLong => 4,
            Self::NoSuchField(_) => 5,
            Self::ColumnMismatch => 6,
            Self::ColumnType => 7,
            Self::KeyField => 8,
            Self::KeyMismatch => 9,
            Self::NoSuchObject => 10,
            Self::PathElement => 11,
            Self::ThroughNull => 12,
            Self::ThroughValue => 13,
            Self::ThroughAbsent => 14,
            Self::InvalidPath => 15,
            Self::TypeMismatch => 16,
            Self::NullNotAllowed => 17,
            Self::TargetMismatch => 18,
            Self::LinkToEmbedded => 19,
            Self::Marker => 20,
            Self::IndexOutOfRange { .. } => 21,
            Self::PriorSize { .. } => 22,
            Self::MoveToSameIndex => 23,
            Self::CollectionMismatch => 24,
            Self::NotAnInteger => 25,
            Self::DictionaryKey => 26,
            Self::TooDeep => 27,
            Self::TooLong => 28,
            Self::NotAPathInstruction => 29,
        }
    }
}
