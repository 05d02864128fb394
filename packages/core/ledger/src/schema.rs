//! The app's schema: classes by number, and which fields are evaluated in entries.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tidemark_changeset::{
    Changeset, CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, Name, PathElement,
    PrimaryKey, TableSpec, Target, codec,
};
use tidemark_model::{Class, ClassKind, Column, Schema};
use tidemark_query::{Catalog, Place, Property};

use crate::bytes::{Reader, put_bytes, put_number};
use crate::error::{LedgerError, Result};
use crate::limits::{CLASS_NAME_BYTES_MAX, CLASSES_MAX, COLUMNS_MAX, FIELD_NAME_BYTES_MAX};
use crate::object::{ClassNumber, ObjectKey};
use crate::schema_conflict::{Contradiction, Extension, SchemaConflict};

/// The schema with what the ledger adds to it.
#[derive(Clone, Debug, Default)]
pub struct LedgerSchema {
    /// The classes.
    pub model: Schema,
    names: Vec<Name>,
    numbers: FxHashMap<Name, ClassNumber>,
    evaluated: Vec<Evaluated>,
    /// Collections of which only the operator spoke until now, by class and column. Schemas outside of
    /// clients do not say whether their elements may be null, and clients must not be told anything else
    /// than they say: so these are not told to clients until one of them names them. What it says holds.
    open: BTreeSet<(ClassNumber, u16)>,
}

/// The columns of a class whose values entries keep.
#[derive(Clone, Debug, Default)]
struct Evaluated {
    /// Ascending.
    columns: Arc<[u16]>,
    /// The last version whose entry does not keep them, column by column.
    since: Vec<u64>,
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

    /// Takes a client's schema instruction.
    pub fn extend(
        &mut self,
        instruction: &Instruction,
    ) -> std::result::Result<Extension, SchemaConflict> {
        if let Some(place) = self.open_column(instruction) {
            self.settle(place, instruction)?;
            return Ok(Extension::Settled);
        }
        if self.exists(instruction)? {
            return Ok(Extension::Known);
        }
        self.check_limits(instruction)?;
        let columns = self.columns_of(instruction.class());
        self.model.apply(instruction).map_err(|error| {
            let class = instruction.class();
            SchemaConflict::Impossible(format!("{error} in schema \"{class}\""))
        })?;
        // An AddColumn that repeats the primary key is accepted and adds nothing.
        let adds_column = matches!(instruction, Instruction::AddColumn { .. });
        if adds_column && columns == self.columns_of(instruction.class()) {
            return Ok(Extension::Known);
        }
        if let Instruction::AddTable { class, .. } = instruction {
            let number = ClassNumber::try_from(self.names.len()).unwrap_or(ClassNumber::MAX);
            self.names.push(class.clone());
            self.numbers.insert(class.clone(), number);
            self.evaluated.push(Evaluated::default());
        }
        Ok(Extension::Added)
    }

    /// Takes the operator's schema instruction, which does not know whether the elements of a collection may
    /// be null: one that is there may have either, and one that is added is open.
    pub fn adopt(
        &mut self,
        instruction: &Instruction,
    ) -> std::result::Result<Extension, SchemaConflict> {
        let Instruction::AddColumn { class, field, spec } = instruction else {
            return self.extend(instruction);
        };
        if spec.collection == CollectionKind::Single {
            return self.extend(instruction);
        }
        if let Some(known) = self.column(class, field) {
            let mut spec = spec.clone();
            spec.nullable = known.nullable;
            if column_spec(known) == spec {
                return Ok(Extension::Known);
            }
        }
        let extension = self.extend(instruction)?;
        if extension == Extension::Added
            && let Some(number) = self.number(class)
            && let Ok(column) = u16::try_from(self.columns_of(class).saturating_sub(1))
        {
            self.open.insert((number, column));
        }
        Ok(extension)
    }

    fn column(&self, class: &Name, field: &Name) -> Option<&Column> {
        let class = self.model.class(class)?;
        class.columns.get(class.column_index(field)?)
    }

    /// Whether a column is open.
    fn is_open(&self, class: &Class, field: &Name) -> bool {
        let place = || {
            let column = u16::try_from(class.column_index(field)?).ok()?;
            Some((self.number(&class.name)?, column))
        };
        !self.open.is_empty() && place().is_some_and(|place| self.open.contains(&place))
    }

    /// The first open column on the way to where an instruction acts: no client may write to one before it,
    /// or another, has named it.
    pub fn open_on_the_way(&self, target: &Target) -> Option<Name> {
        if self.open.is_empty() {
            return None;
        }
        let mut class = self.model.class(&target.class)?;
        let mut field = &target.field;
        let mut path = target.path.as_slice();
        loop {
            if self.is_open(class, field) {
                return Some(field.clone());
            }
            let column = class.columns.get(class.column_index(field)?)?;
            let embedded = self.model.embedded_target(column)?;
            if column.collection != CollectionKind::Single {
                path = path.get(1..).unwrap_or_default();
            }
            match path.split_first()? {
                (PathElement::Key(key), rest) => (class, field, path) = (embedded, key, rest),
                (PathElement::Index(_), _) => return None,
            }
        }
    }

    fn open_column(&self, instruction: &Instruction) -> Option<(ClassNumber, u16)> {
        let Instruction::AddColumn { class, field, .. } = instruction else {
            return None;
        };
        let known = self.model.class(class)?;
        if !self.is_open(known, field) {
            return None;
        }
        Some((
            self.number(class)?,
            u16::try_from(known.column_index(field)?).ok()?,
        ))
    }

    /// Closes an open column as a client says.
    fn settle(
        &mut self,
        place: (ClassNumber, u16),
        instruction: &Instruction,
    ) -> std::result::Result<(), SchemaConflict> {
        let Instruction::AddColumn { class, field, spec } = instruction else {
            return Ok(());
        };
        let of_class = self.model.classes.get_mut(class);
        let column = of_class.and_then(|of_class| of_class.columns.get_mut(usize::from(place.1)));
        let Some(column) = column else { return Ok(()) };
        let mut known = column_spec(column);
        known.nullable = spec.nullable;
        if known != *spec {
            let contradiction = Contradiction::of_property(class, field, &known, spec);
            return Err(SchemaConflict::Contradiction(contradiction));
        }
        column.nullable = spec.nullable;
        self.open.remove(&place);
        Ok(())
    }

    fn columns_of(&self, class: &Name) -> usize {
        self.model
            .classes
            .get(class)
            .map_or(0, |class| class.columns.len())
    }

    fn exists(&self, instruction: &Instruction) -> std::result::Result<bool, SchemaConflict> {
        let impossible = |text: String| Err(SchemaConflict::Impossible(text));
        let contradiction = |what| Err(SchemaConflict::Contradiction(what));
        match instruction {
            Instruction::AddTable { class, spec } => {
                let known = self.model.classes.get(class).map(table_spec);
                match known {
                    None => Ok(false),
                    Some(known) if known == *spec => Ok(true),
                    Some(known) => contradiction(Contradiction::of_class(class, &known, spec)),
                }
            }
            Instruction::AddColumn { class, field, spec } => {
                if !self.model.classes.contains_key(class) {
                    return impossible(format!("no schema \"{class}\""));
                }
                match self.column(class, field).map(column_spec) {
                    None => Ok(false),
                    Some(known) if known == *spec => Ok(true),
                    Some(known) => {
                        contradiction(Contradiction::of_property(class, field, &known, spec))
                    }
                }
            }
            Instruction::EraseTable { class } => impossible(format!("removing schema \"{class}\"")),
            Instruction::EraseColumn { class, field } => {
                impossible(format!("removing field \"{field}\" in schema \"{class}\""))
            }
            _ => impossible("not a schema change".to_owned()),
        }
    }

    fn check_limits(&self, instruction: &Instruction) -> std::result::Result<(), SchemaConflict> {
        let impossible = |text: &str| Err(SchemaConflict::Impossible(text.to_owned()));
        match instruction {
            Instruction::AddTable { class, spec } => {
                let named = !class.is_empty() && class.len() <= CLASS_NAME_BYTES_MAX;
                if !named || class.as_str().is_none() {
                    return impossible("bad class name");
                }
                if self.names.len() >= CLASSES_MAX {
                    return impossible("too many classes");
                }
                match spec {
                    TableSpec::TopLevel { key_field, .. } if key_field.is_empty() => {
                        impossible("a class needs a primary key")
                    }
                    _ => Ok(()),
                }
            }
            Instruction::AddColumn { class, field, spec } => {
                let columns = self.columns_of(class);
                let named = !field.is_empty() && field.len() <= FIELD_NAME_BYTES_MAX;
                if !named || field.as_str().is_none() {
                    return impossible("bad field name");
                }
                if columns >= COLUMNS_MAX {
                    return impossible("too many fields");
                }
                if spec.column_type.is_storable() {
                    Ok(())
                } else {
                    impossible("bad column type")
                }
            }
            _ => Ok(()),
        }
    }

    /// The instructions that build the schema from nothing, as clients are told of it.
    pub fn instructions(&self) -> Vec<Instruction> {
        let mut all = self.all_instructions();
        if !self.open.is_empty() {
            all.retain(|instruction| self.open_column(instruction).is_none());
        }
        all
    }

    /// … with what is open: classes first, so that link targets exist.
    fn all_instructions(&self) -> Vec<Instruction> {
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
        let instructions = self.all_instructions();
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
        put_number(&mut out, self.open.len() as u64);
        for (class, column) in &self.open {
            put_number(&mut out, u64::from(*class));
            put_number(&mut out, u64::from(*column));
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
        // Older ones end here.
        let open = if reader.is_empty() {
            0
        } else {
            reader.length()?
        };
        for _ in 0..open {
            let class = reader.small()?;
            let column = u16::try_from(reader.number()?).map_err(|_| DAMAGED)?;
            schema.open.insert((class, column));
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
