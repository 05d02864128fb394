//! The app's schema: classes by number, and which fields are evaluated in entries.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use tidemark_changeset::{
    Changeset, CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, Name, PrimaryKey,
    TableSpec, codec,
};
use tidemark_model::{Class, ClassKind, Column, Schema};
use tidemark_query::{Catalog, Place, Property};

use crate::bytes::{Reader, put_bytes, put_number};
use crate::error::{LedgerError, Result};
use crate::limits::{CLASS_NAME_BYTES_MAX, CLASSES_MAX, COLUMNS_MAX, FIELD_NAME_BYTES_MAX};
use crate::object::{ClassNumber, ObjectKey};

/// The schema with what the ledger adds to it.
#[derive(Clone, Debug, Default)]
pub struct LedgerSchema {
    /// The classes.
    pub model: Schema,
    names: Vec<Name>,
    numbers: FxHashMap<Name, ClassNumber>,
    evaluated: Vec<Evaluated>,
}

/// The columns of a class whose values entries keep.
#[derive(Clone, Debug, Default)]
struct Evaluated {
    /// Ascending.
    columns: Arc<[u16]>,
    /// The last version whose entry does not keep them, column by column.
    since: Vec<u64>,
}

/// Why a schema instruction is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaConflict {
    /// It would add something, which was not asked for.
    Addition(String),
    /// It contradicts what exists, or erases.
    Breaking(String),
}

impl LedgerSchema {
    /// Number of a class.
    pub fn number(&self, class: &Name) -> Option<ClassNumber> {
        self.numbers.get(class).copied()
    }

    /// Name of a class.
    pub fn name(&self, class: ClassNumber) -> Option<&Name> {
        self.names.get(class as usize)
    }

    /// A class by its number.
    pub fn class(&self, class: ClassNumber) -> Option<&Class> {
        self.model.classes.get(self.name(class)?)
    }

    /// A class that has objects of its own.
    pub fn object_class(&self, class: ClassNumber) -> Option<&Class> {
        self.class(class).filter(|class| !class.is_embedded())
    }

    /// Whether a field is a class's primary key.
    pub fn is_key(&self, class: ClassNumber, field: &str) -> bool {
        let key = self.class(class).and_then(key_field);
        key.is_some_and(|key| key.as_bytes() == field.as_bytes())
    }

    /// How many classes there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no class yet.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Name of an object, if its class exists and has objects of that type of key.
    pub fn object(&self, class: &Name, key: &PrimaryKey) -> Option<ObjectKey> {
        let number = self.number(class)?;
        let fits = match &self.model.classes.get(class)?.kind {
            ClassKind::TopLevel {
                key_type,
                key_nullable,
                ..
            }
            | ClassKind::Asymmetric {
                key_type,
                key_nullable,
                ..
            } => key_fits(key, *key_type, *key_nullable),
            ClassKind::Embedded => false,
        };
        fits.then(|| ObjectKey::new(number, key))
    }

    /// Whether objects of a class are only sent up, never down.
    pub fn is_asymmetric(&self, class: ClassNumber) -> bool {
        matches!(
            self.class(class).map(|class| &class.kind),
            Some(ClassKind::Asymmetric { .. })
        )
    }

    /// Columns whose values entries keep, in ascending order.
    pub fn evaluated(&self, class: ClassNumber) -> Arc<[u16]> {
        self.evaluated
            .get(class as usize)
            .map(|known| Arc::clone(&known.columns))
            .unwrap_or_default()
    }

    /// Whether all entries after a version keep a column's values.
    pub fn is_evaluated_after(&self, class: ClassNumber, column: u16, version: u64) -> bool {
        let Some(known) = self.evaluated.get(class as usize) else {
            return false;
        };
        let place = known.columns.binary_search(&column).ok();
        place
            .and_then(|place| known.since.get(place))
            .is_some_and(|since| *since <= version)
    }

    /// Entries after `version` keep these columns' values.
    pub fn evaluate(&mut self, class: ClassNumber, columns: &[u16], version: u64) {
        let Some(known) = self.evaluated.get_mut(class as usize) else {
            return;
        };
        let mut all: Vec<(u16, u64)> = known
            .columns
            .iter()
            .copied()
            .zip(known.since.iter().copied())
            .collect();
        all.extend(columns.iter().map(|column| (*column, version)));
        all.sort_unstable();
        all.dedup_by_key(|(column, _)| *column);
        known.columns = all.iter().map(|(column, _)| *column).collect();
        known.since = all.into_iter().map(|(_, since)| since).collect();
    }

    /// Whether subscriptions may use a field at all: scalars, collections of scalars, and embedded points.
    pub fn is_eligible(&self, class: &Name, field: &str) -> bool {
        let Some(class) = self.model.classes.get(class) else {
            return false;
        };
        if key_field(class).is_some_and(|key| key.as_bytes() == field.as_bytes()) {
            return true;
        }
        let column = class
            .columns
            .iter()
            .find(|column| column.name.as_bytes() == field.as_bytes());
        let Some(column) = column else { return false };
        if column.column_type != ColumnType::Link {
            return column.collection != CollectionKind::Dictionary;
        }
        let target = column
            .target
            .as_ref()
            .and_then(|target| self.model.classes.get(target));
        column.collection == CollectionKind::Single && target.is_some_and(is_point)
    }

    /// Takes a schema instruction: `Ok(true)` if it added something, `Ok(false)` if that exists already.
    pub fn extend(
        &mut self,
        instruction: &Instruction,
    ) -> std::result::Result<bool, SchemaConflict> {
        if self.exists(instruction)? {
            return Ok(false);
        }
        self.check_limits(instruction)?;
        let refused = |error: &dyn std::fmt::Display| {
            SchemaConflict::Breaking(format!("{error} in schema \"{}\"", instruction.class()))
        };
        let columns = self.columns_of(instruction.class());
        self.model
            .apply(instruction)
            .map_err(|error| refused(&error))?;
        // An AddColumn that repeats the primary key is accepted and adds nothing.
        let adds_column = matches!(instruction, Instruction::AddColumn { .. });
        if adds_column && columns == self.columns_of(instruction.class()) {
            return Ok(false);
        }
        if let Instruction::AddTable { class, .. } = instruction {
            let number = ClassNumber::try_from(self.names.len()).unwrap_or(ClassNumber::MAX);
            self.names.push(class.clone());
            self.numbers.insert(class.clone(), number);
            self.evaluated.push(Evaluated::default());
        }
        Ok(true)
    }

    fn columns_of(&self, class: &Name) -> usize {
        self.model
            .classes
            .get(class)
            .map_or(0, |class| class.columns.len())
    }

    /// What an addition would be called in a refusal.
    pub fn describe_addition(instruction: &Instruction) -> String {
        match instruction {
            Instruction::AddColumn { class, field, spec } => format!(
                "adding \"{}\" column at field \"{field}\" in schema \"{class}\"",
                describe_type(spec)
            ),
            other => format!("adding schema for Realm table \"{}\"", other.class()),
        }
    }

    fn exists(&self, instruction: &Instruction) -> std::result::Result<bool, SchemaConflict> {
        let breaking = |text: String| Err(SchemaConflict::Breaking(text));
        match instruction {
            Instruction::AddTable { class, spec } => match self.model.classes.get(class) {
                None => Ok(false),
                Some(known) if table_spec(known) == *spec => Ok(true),
                Some(_) => breaking(format!(
                    "changing kind or primary key of schema \"{class}\""
                )),
            },
            Instruction::AddColumn { class, field, spec } => {
                let Some(known) = self.model.classes.get(class) else {
                    return breaking(format!("no schema \"{class}\""));
                };
                match known.columns.iter().find(|column| column.name == *field) {
                    None => Ok(false),
                    Some(column) if column_spec(column) == *spec => Ok(true),
                    Some(column) => breaking(format!(
                        "changing \"{}\" column at field \"{field}\" in schema \"{class}\" to \"{}\"",
                        describe_type(&column_spec(column)),
                        describe_type(spec)
                    )),
                }
            }
            Instruction::EraseTable { class } => breaking(format!("removing schema \"{class}\"")),
            Instruction::EraseColumn { class, field } => {
                breaking(format!("removing field \"{field}\" in schema \"{class}\""))
            }
            _ => breaking("not a schema change".to_owned()),
        }
    }

    fn check_limits(&self, instruction: &Instruction) -> std::result::Result<(), SchemaConflict> {
        let breaking = |text: &str| Err(SchemaConflict::Breaking(text.to_owned()));
        match instruction {
            Instruction::AddTable { class, spec } => {
                let named = !class.is_empty() && class.len() <= CLASS_NAME_BYTES_MAX;
                if !named || class.as_str().is_none() {
                    return breaking("bad class name");
                }
                if self.names.len() >= CLASSES_MAX {
                    return breaking("too many classes");
                }
                match spec {
                    TableSpec::TopLevel { key_field, .. } if key_field.is_empty() => {
                        breaking("a class needs a primary key")
                    }
                    _ => Ok(()),
                }
            }
            Instruction::AddColumn { class, field, spec } => {
                let columns = self.columns_of(class);
                let named = !field.is_empty() && field.len() <= FIELD_NAME_BYTES_MAX;
                if !named || field.as_str().is_none() {
                    return breaking("bad field name");
                }
                if columns >= COLUMNS_MAX {
                    return breaking("too many fields");
                }
                if spec.column_type.is_storable() {
                    Ok(())
                } else {
                    breaking("bad column type")
                }
            }
            _ => Ok(()),
        }
    }

    /// The instructions that build the whole schema from nothing: classes first, so that link targets exist.
    pub fn instructions(&self) -> Vec<Instruction> {
        let classes = || {
            self.names
                .iter()
                .filter_map(|name| self.model.classes.get(name))
        };
        let tables = classes().map(|class| Instruction::AddTable {
            class: class.name.clone(),
            spec: table_spec(class),
        });
        let columns = classes().flat_map(|class| {
            class.columns.iter().map(|column| Instruction::AddColumn {
                class: class.name.clone(),
                field: column.name.clone(),
                spec: column_spec(column),
            })
        });
        tables.chain(columns).collect()
    }

    /// The schema as bytes.
    pub fn write(&self) -> Vec<u8> {
        let instructions = self.instructions();
        let changeset = Changeset {
            strings: Vec::new(),
            instructions,
        };
        let mut out = Vec::new();
        put_bytes(&mut out, &codec::encode_canonical(&changeset));
        for known in &self.evaluated {
            put_number(&mut out, known.since.len() as u64);
            for (column, since) in known.columns.iter().zip(&known.since) {
                put_number(&mut out, u64::from(*column));
                put_number(&mut out, *since);
            }
        }
        out
    }

    /// Reads what [`LedgerSchema::write`] wrote.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        const DAMAGED: LedgerError = LedgerError::Damaged("the schema cannot be read");
        let mut reader = Reader::new(bytes);
        let changeset = codec::decode(reader.bytes()?).map_err(|_| DAMAGED)?;
        let mut schema = Self::default();
        for instruction in &changeset.instructions {
            schema.extend(instruction).map_err(|_| DAMAGED)?;
        }
        for class in 0..schema.names.len() {
            let class = ClassNumber::try_from(class).map_err(|_| DAMAGED)?;
            for _ in 0..reader.length()? {
                let column = u16::try_from(reader.number()?).map_err(|_| DAMAGED)?;
                schema.evaluate(class, &[column], reader.number()?);
            }
        }
        Ok(schema)
    }
}

fn key_fits(key: &PrimaryKey, key_type: KeyType, nullable: bool) -> bool {
    match key {
        PrimaryKey::Null => nullable,
        PrimaryKey::Int(_) => key_type == KeyType::Int,
        PrimaryKey::String(_) => key_type == KeyType::String,
        PrimaryKey::ObjectId(_) => key_type == KeyType::ObjectId,
        PrimaryKey::Uuid(_) => key_type == KeyType::Uuid,
        PrimaryKey::GlobalKey(..) => key_type == KeyType::GlobalKey,
    }
}

fn is_point(class: &Class) -> bool {
    let has = |name: &str, column_type, collection| {
        class.columns.iter().any(|column| {
            column.name.as_bytes() == name.as_bytes()
                && column.column_type == column_type
                && column.collection == collection
        })
    };
    matches!(class.kind, ClassKind::Embedded)
        && has("type", ColumnType::String, CollectionKind::Single)
        && has("coordinates", ColumnType::Double, CollectionKind::List)
}

/// Name of a class's primary key field.
pub(crate) fn key_field(class: &Class) -> Option<&Name> {
    match &class.kind {
        ClassKind::TopLevel { key_field, .. } | ClassKind::Asymmetric { key_field, .. } => {
            Some(key_field)
        }
        ClassKind::Embedded => None,
    }
}

/// What `AddTable` says of the class.
pub(crate) fn table_spec(class: &Class) -> TableSpec {
    let spec = |key_field: &Name, key_type, key_nullable, asymmetric| TableSpec::TopLevel {
        key_field: key_field.clone(),
        key_type,
        key_nullable,
        asymmetric,
    };
    match &class.kind {
        ClassKind::TopLevel {
            key_field,
            key_type,
            key_nullable,
        } => spec(key_field, *key_type, *key_nullable, false),
        ClassKind::Asymmetric {
            key_field,
            key_type,
            key_nullable,
        } => spec(key_field, *key_type, *key_nullable, true),
        ClassKind::Embedded => TableSpec::Embedded,
    }
}

/// What `AddColumn` says of the column.
pub(crate) fn column_spec(column: &Column) -> ColumnSpec {
    ColumnSpec::new(
        column.column_type,
        column.nullable,
        column.collection,
        column.target.clone(),
    )
}

fn describe_type(spec: &ColumnSpec) -> String {
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
    match spec.collection {
        CollectionKind::Single => element,
        CollectionKind::List => format!("List of {element}"),
        CollectionKind::Set => format!("Set of {element}"),
        CollectionKind::Dictionary => format!("Dictionary of {element}"),
    }
}

impl Catalog for LedgerSchema {
    fn has_class(&self, class: &str) -> bool {
        self.numbers.contains_key(&Name::from(class))
    }

    fn property(&self, class: &str, name: &str) -> Option<Property> {
        let class = self.model.classes.get(&Name::from(class))?;
        if key_field(class).is_some_and(|key| key.as_bytes() == name.as_bytes()) {
            return key_property(class);
        }
        let (index, column) = class
            .columns
            .iter()
            .enumerate()
            .find(|(_, column)| column.name.as_bytes() == name.as_bytes())?;
        Some(Property {
            place: Place::Column(index),
            column_type: column.column_type,
            nullable: column.nullable,
            collection: column.collection,
            target: column
                .target
                .as_ref()
                .and_then(|target| target.as_str())
                .map(str::to_owned),
            full_text: false,
        })
    }
}

fn key_property(class: &Class) -> Option<Property> {
    let (ClassKind::TopLevel {
        key_type,
        key_nullable,
        ..
    }
    | ClassKind::Asymmetric {
        key_type,
        key_nullable,
        ..
    }) = &class.kind
    else {
        return None;
    };
    Some(Property {
        place: Place::Key,
        column_type: match key_type {
            KeyType::Int => ColumnType::Int,
            KeyType::String => ColumnType::String,
            KeyType::ObjectId => ColumnType::ObjectId,
            KeyType::Uuid => ColumnType::Uuid,
            KeyType::GlobalKey => return None,
        },
        nullable: *key_nullable,
        collection: CollectionKind::Single,
        target: None,
        full_text: false,
    })
}
