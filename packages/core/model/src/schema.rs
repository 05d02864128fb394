//! Classes and columns, and the instructions that make and drop them.

use std::collections::BTreeMap;

use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, Link, Name, PathElement,
    PrimaryKey, TableSpec, Target,
};

use crate::error::{ApplyError, Problem};
use crate::{CLASS_NAME_BYTES_MAX, FIELD_NAME_BYTES_MAX};

/// All classes, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// The classes.
    pub classes: BTreeMap<Name, Class>,
}

/// A class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// Name without any prefix.
    pub name: Name,
    /// What its objects are.
    pub kind: ClassKind,
    /// The columns in order of addition. The primary key is not among them.
    pub columns: Vec<Column>,
}

/// What the objects of a class are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClassKind {
    /// Objects with a key.
    TopLevel {
        /// Name of the primary key field; empty for a class without one.
        key_field: Name,
        /// Type of the primary key.
        key_type: KeyType,
        /// Whether the key may be null.
        key_nullable: bool,
    },
    /// Objects with a key that are only sent up.
    Asymmetric {
        /// Name of the primary key field.
        key_field: Name,
        /// Type of the primary key.
        key_type: KeyType,
        /// Whether the key may be null.
        key_nullable: bool,
    },
    /// Objects that live inside others.
    Embedded,
}

/// The primary key of a class, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyField<'a> {
    /// Name of the field; empty for a class without a primary key.
    pub name: &'a Name,
    /// Type of the keys.
    pub key_type: KeyType,
    /// Whether a key may be null.
    pub nullable: bool,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name of the field.
    pub name: Name,
    /// Type of the values.
    pub column_type: ColumnType,
    /// Whether values may be null. Mixed always may; links may, but in lists and sets.
    pub nullable: bool,
    /// Single value or kind of collection.
    pub collection: CollectionKind,
    /// Class of the targets; `Some` exactly for links.
    pub target: Option<Name>,
}

impl Class {
    /// The primary key, or `None` for embedded classes.
    pub fn key_field(&self) -> Option<KeyField<'_>> {
        match &self.kind {
            ClassKind::TopLevel {
                key_field,
                key_type,
                key_nullable,
            }
            | ClassKind::Asymmetric {
                key_field,
                key_type,
                key_nullable,
            } => Some(KeyField {
                name: key_field,
                key_type: *key_type,
                nullable: *key_nullable,
            }),
            ClassKind::Embedded => None,
        }
    }

    /// Whether objects live inside others.
    pub fn is_embedded(&self) -> bool {
        self.kind == ClassKind::Embedded
    }

    /// Whether objects are only sent up.
    pub fn is_asymmetric(&self) -> bool {
        matches!(self.kind, ClassKind::Asymmetric { .. })
    }

    /// Position of a column.
    pub fn column_index(&self, field: &Name) -> Option<usize> {
        self.columns.iter().position(|column| column.name == *field)
    }

    /// Whether `key` can be the key of an object of this class.
    pub fn accepts_key(&self, key: &PrimaryKey) -> bool {
        let Some(field) = self.key_field() else {
            return false;
        };
        match key {
            PrimaryKey::Null => field.nullable && field.key_type != KeyType::GlobalKey,
            PrimaryKey::Int(_) => field.key_type == KeyType::Int,
            PrimaryKey::String(_) => field.key_type == KeyType::String,
            PrimaryKey::GlobalKey(..) => field.key_type == KeyType::GlobalKey,
            PrimaryKey::ObjectId(_) => field.key_type == KeyType::ObjectId,
            PrimaryKey::Uuid(_) => field.key_type == KeyType::Uuid,
        }
    }
}

impl Schema {
    /// The class of that name.
    pub fn class(&self, name: &Name) -> Option<&Class> {
        self.classes.get(name)
    }

    pub(crate) fn expect_class(&self, name: &Name) -> Result<&Class, Problem> {
        self.classes
            .get(name)
            .ok_or_else(|| Problem::NoSuchClass(name.clone()))
    }

    /// The embedded class whose objects a column holds, if it holds embedded objects.
    pub fn embedded_target(&self, column: &Column) -> Option<&Class> {
        self.classes
            .get(column.target.as_ref()?)
            .filter(|class| class.is_embedded())
    }

    /// The class of the object whose field the target's path ends in: the innermost embedded one on
    /// the way, or the top-level class itself. `None` where the schema does not know the way.
    pub fn owner(&self, target: &Target) -> Option<&Class> {
        let mut class = self.class(&target.class)?;
        let mut field = &target.field;
        let mut path = target.path.as_slice();
        loop {
            let column = class.columns.get(class.column_index(field)?)?;
            let Some(embedded) = self.embedded_target(column) else {
                return Some(class);
            };
            if column.collection != CollectionKind::Single {
                path = path.get(1..).unwrap_or_default();
            }
            match path.split_first() {
                Some((PathElement::Key(key), rest)) => (class, field, path) = (embedded, key, rest),
                _ => return Some(class),
            }
        }
    }

    /// Whether a link can lead there, judging by the schema alone: the object need not exist.
    pub(crate) fn check_link(&self, link: &Link) -> Result<(), Problem> {
        let class = self.expect_class(&link.class)?;
        if class.is_embedded() {
            return Err(Problem::LinkToEmbedded);
        }
        if class.accepts_key(&link.key) {
            Ok(())
        } else {
            Err(Problem::KeyMismatch)
        }
    }

    /// Applies a schema instruction; others are an error.
    ///
    /// What it means for objects is the caller's part: [`Instruction::EraseTable`] drops the
    /// class's objects, [`Instruction::EraseColumn`] takes a field out of every document
    /// ([`Document::erase_column`](crate::Document::erase_column));
    /// [`apply_instruction`](crate::apply_instruction) does both. A new column needs nothing: rows
    /// with fewer columns hold its default.
    pub fn apply(&mut self, instruction: &Instruction) -> Result<(), ApplyError> {
        let result = match instruction {
            Instruction::AddTable { class, spec } => self.add_table(class, spec),
            Instruction::EraseTable { class } => self.erase_table(class),
            Instruction::AddColumn { class, field, spec } => self.add_column(class, field, spec),
            Instruction::EraseColumn { class, field } => self.erase_column(class, field),
            _ => Err(Problem::NotAPathInstruction),
        };
        result.map_err(|problem| problem.at(instruction))
    }

    fn add_table(&mut self, name: &Name, spec: &TableSpec) -> Result<(), Problem> {
        if let Some(existing) = self.classes.get(name) {
            return if agrees(existing, spec) {
                Ok(())
            } else {
                Err(Problem::ClassMismatch)
            };
        }
        if name.len() > CLASS_NAME_BYTES_MAX {
            return Err(Problem::NameTooLong);
        }
        let kind = match spec {
            TableSpec::Embedded => ClassKind::Embedded,
            TableSpec::TopLevel {
                key_field,
                key_type,
                key_nullable,
                asymmetric,
            } => {
                if key_field.len() > FIELD_NAME_BYTES_MAX {
                    return Err(Problem::NameTooLong);
                }
                let (key_field, key_type, key_nullable) = match key_type {
                    KeyType::GlobalKey => (Name::from(""), KeyType::GlobalKey, false),
                    other => (key_field.clone(), *other, *key_nullable),
                };
                if *asymmetric {
                    ClassKind::Asymmetric {
                        key_field,
                        key_type,
                        key_nullable,
                    }
                } else {
                    ClassKind::TopLevel {
                        key_field,
                        key_type,
                        key_nullable,
                    }
                }
            }
        };
        self.classes.insert(
            name.clone(),
            Class {
                name: name.clone(),
                kind,
                columns: Vec::new(),
            },
        );
        Ok(())
    }

    fn erase_table(&mut self, name: &Name) -> Result<(), Problem> {
        self.expect_class(name)?;
        let is_target = self
            .classes
            .values()
            .filter(|class| class.name != *name)
            .flat_map(|class| &class.columns)
            .any(|column| column.target.as_ref() == Some(name));
        if is_target {
            return Err(Problem::ClassIsTarget);
        }
        self.classes.remove(name);
        Ok(())
    }

    fn add_column(&mut self, name: &Name, field: &Name, spec: &ColumnSpec) -> Result<(), Problem> {
        let class = self.expect_class(name)?;
        let key_type_fits = match spec.collection {
            CollectionKind::Dictionary => spec.key_type == Some(ColumnType::String),
            _ => true,
        };
        if !spec.column_type.is_storable() || !key_type_fits {
            return Err(Problem::ColumnType);
        }
        if class
            .key_field()
            .is_some_and(|key| key.name == field && !field.is_empty())
        {
            return if is_key_column(class, spec) {
                Ok(())
            } else {
                Err(Problem::ColumnMismatch)
            };
        }
        if let Some(index) = class.column_index(field) {
            let existing = class.columns.get(index).expect("the index was just found");
            let same = existing.column_type == spec.column_type
                && existing.collection == spec.collection
                && (spec.column_type != ColumnType::Link || existing.target == spec.target);
            return if same {
                Ok(())
            } else {
                Err(Problem::ColumnMismatch)
            };
        }
        if field.len() > FIELD_NAME_BYTES_MAX {
            return Err(Problem::NameTooLong);
        }
        let target = match (spec.column_type, &spec.target) {
            (ColumnType::Link, Some(target)) => {
                self.expect_class(target)?;
                Some(target.clone())
            }
            (ColumnType::Link, None) => return Err(Problem::NoSuchClass(Name::from(""))),
            _ => None,
        };
        let nullable = match spec.column_type {
            ColumnType::Mixed => true,
            ColumnType::Link => {
                matches!(
                    spec.collection,
                    CollectionKind::Single | CollectionKind::Dictionary
                )
            }
            _ => spec.nullable,
        };
        let (column_type, collection) = (spec.column_type, spec.collection);
        let column = Column {
            name: field.clone(),
            column_type,
            nullable,
            collection,
            target,
        };
        let class = self
            .classes
            .get_mut(name)
            .expect("the class was just found");
        class.columns.push(column);
        Ok(())
    }

    fn erase_column(&mut self, name: &Name, field: &Name) -> Result<(), Problem> {
        let class = self
            .classes
            .get_mut(name)
            .ok_or_else(|| Problem::NoSuchClass(name.clone()))?;
        if class
            .key_field()
            .is_some_and(|key| key.name == field && !field.is_empty())
        {
            return Err(Problem::KeyField);
        }
        let index = class
            .column_index(field)
            .ok_or_else(|| Problem::NoSuchField(field.clone()))?;
        class.columns.remove(index);
        Ok(())
    }
}

/// Whether an `AddTable` of an existing class changes nothing. The type of the key is not compared,
/// and a spec without a key agrees with any class: so does the original.
fn agrees(existing: &Class, spec: &TableSpec) -> bool {
    match spec {
        TableSpec::Embedded => existing.is_embedded(),
        TableSpec::TopLevel {
            key_type: KeyType::GlobalKey,
            ..
        } => true,
        TableSpec::TopLevel {
            key_field,
            key_nullable,
            asymmetric,
            ..
        } => {
            existing.is_asymmetric() == *asymmetric
                && existing.key_field().is_some_and(|key| {
                    key.key_type != KeyType::GlobalKey
                        && key.name == key_field
                        && key.nullable == *key_nullable
                })
        }
    }
}

/// Whether a spec describes the class's primary key, which the original keeps as a column.
fn is_key_column(class: &Class, spec: &ColumnSpec) -> bool {
    let key_type = class.key_field().map(|key| key.key_type);
    spec.collection == CollectionKind::Single
        && match spec.column_type {
            ColumnType::Int => key_type == Some(KeyType::Int),
            ColumnType::String => key_type == Some(KeyType::String),
            ColumnType::ObjectId => key_type == Some(KeyType::ObjectId),
            ColumnType::Uuid => key_type == Some(KeyType::Uuid),
            _ => false,
        }
}
