//! The schema as the database keeps it: the model's schema, with a number for every class.
//!
//! Numbers (ids) stand in the keys of tables and never change while the class lives. The boundary names
//! classes by their position in order of creation ([`Catalog::position`]), which is the id as long as no
//! class was erased.

use rustc_hash::FxHashMap;
use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, Name, TableSpec, codec,
};
use tidemark_model::{Class, ClassKind, Column, Schema};

use crate::record::{RecordReader, RecordWriter};
use crate::tables::{ClassId, IndexId};
use crate::{Result, StoreError};

/// Schema of a version of the database.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// Grows with each change of the schema.
    pub(crate) version: u64,
    pub(crate) schema: Schema,
    /// By position.
    entries: Vec<Entry>,
    /// Names are looked up by their bytes, as packed links have them.
    by_name: FxHashMap<Box<[u8]>, usize>,
    next_id: ClassId,
    next_index: IndexId,
}

/// An index of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ColumnIndex {
    pub column: usize,
    pub id: IndexId,
}

#[derive(Clone, Debug)]
struct Entry {
    id: ClassId,
    name: Name,
    /// Which columns may hold links to objects of their own, directly or inside embedded objects or mixed
    /// values.
    linking: Vec<bool>,
    /// Which columns have indexes. They are the file's own: no instruction makes them.
    indexes: Vec<ColumnIndex>,
}

impl Catalog {
    /// Version of the schema.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The classes in order of creation.
    pub fn classes(&self) -> impl Iterator<Item = &Class> + '_ {
        self.entries
            .iter()
            .filter_map(|entry| self.schema.class(&entry.name))
    }

    /// The class at a position.
    pub fn class_at(&self, position: usize) -> Result<&Class> {
        let entry = self.entries.get(position);
        entry
            .and_then(|entry| self.schema.class(&entry.name))
            .ok_or_else(|| StoreError::NotFound(format!("No class has index {position}")))
    }

    /// The position of a class.
    pub fn position(&self, name: &Name) -> Option<usize> {
        self.by_name.get(name.as_bytes()).copied()
    }

    /// The class of that name.
    pub fn class(&self, name: &Name) -> Option<&Class> {
        self.schema.class(name)
    }

    pub(crate) fn id_at(&self, position: usize) -> Result<ClassId> {
        let entry = self.entries.get(position);
        entry
            .map(|entry| entry.id)
            .ok_or_else(|| StoreError::NotFound(format!("No class has index {position}")))
    }

    pub(crate) fn id(&self, name: &Name) -> Option<ClassId> {
        self.id_of_bytes(name.as_bytes())
    }

    pub(crate) fn id_of_bytes(&self, name: &[u8]) -> Option<ClassId> {
        self.by_name
            .get(name)
            .and_then(|&position| self.entries.get(position))
            .map(|entry| entry.id)
    }

    fn entry_of_id(&self, id: ClassId) -> Option<&Entry> {
        // Positions are ids until a class is erased.
        match self.entries.get(usize::from(id)) {
            Some(entry) if entry.id == id => Some(entry),
            _ => self.entries.iter().find(|entry| entry.id == id),
        }
    }

    pub(crate) fn class_of_id(&self, id: ClassId) -> Option<&Class> {
        self.schema.class(&self.entry_of_id(id)?.name)
    }

    /// Whether a column may hold links to objects of their own.
    pub(crate) fn is_linking(&self, id: ClassId, column: usize) -> bool {
        let entry = self.entry_of_id(id);
        entry
            .and_then(|entry| entry.linking.get(column))
            .copied()
            .unwrap_or(false)
    }

    /// Whether any column of the class may hold links.
    pub(crate) fn has_links(&self, id: ClassId) -> bool {
        self.entry_of_id(id)
            .is_some_and(|entry| entry.linking.contains(&true))
    }

    /// Whether any class may hold links.
    pub(crate) fn links_anywhere(&self) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.linking.contains(&true))
    }

    /// Applies a schema instruction; says whether anything changed. Objects are the caller's part.
    pub(crate) fn apply(&mut self, instruction: &Instruction) -> Result<bool> {
        let class = instruction.class();
        let before = self.schema.class(class).map(|class| class.columns.len());
        let erased = match instruction {
            Instruction::EraseColumn { class, field } => self
                .schema
                .class(class)
                .and_then(|class| class.column_index(field)),
            _ => None,
        };
        self.schema.apply(instruction)?;
        let after = self.schema.class(class).map(|class| class.columns.len());
        if before == after {
            return Ok(false);
        }
        if after.is_none() {
            self.entries.retain(|entry| entry.name != *class);
        } else if before.is_none() {
            let id = self.next_id;
            self.next_id = id.checked_add(1).ok_or_else(|| {
                StoreError::SchemaMismatch("There are too many classes".to_owned())
            })?;
            self.entries.push(Entry {
                id,
                name: class.clone(),
                linking: Vec::new(),
                indexes: Vec::new(),
            });
        }
        if let Some(column) = erased
            && let Some(entry) = self.entries.iter_mut().find(|entry| entry.name == *class)
        {
            entry.forget_column(column);
        }
        self.refresh();
        Ok(true)
    }

    /// Gives a class other columns; `kept` says for each where it stood, if its values are what they were:
    /// its index then stays. Other indexes of the class must be gone already.
    pub(crate) fn set_columns(
        &mut self,
        name: &Name,
        columns: &[Column],
        kept: &[Option<usize>],
    ) -> Result<()> {
        let mut schema = self.schema.clone();
        let class = schema.classes.get_mut(name);
        class
            .ok_or_else(|| StoreError::NotFound(format!("There is no class '{name}'")))?
            .columns
            .clear();
        for (count, column) in columns.iter().enumerate() {
            let added = schema.apply(&add_column(name, column));
            added.map_err(|error| StoreError::SchemaMismatch(error.to_string()))?;
            // A name that is taken changes nothing.
            if schema.class(name).map(|class| class.columns.len()) != Some(count + 1) {
                let field = &column.name;
                return Err(StoreError::SchemaMismatch(format!(
                    "Property '{name}.{field}' exists already"
                )));
            }
        }
        self.schema = schema;
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.name == *name) {
            for index in &mut entry.indexes {
                let place = kept.iter().position(|from| *from == Some(index.column));
                index.column = place.ok_or(StoreError::Damaged("a lost index"))?;
            }
        }
        self.refresh();
        Ok(())
    }

    /// Makes a class something else.
    pub(crate) fn set_kind(&mut self, name: &Name, kind: ClassKind) {
        if let Some(class) = self.schema.classes.get_mut(name) {
            class.kind = kind;
        }
        self.refresh();
    }

    /// The indexes of a class.
    pub(crate) fn indexes_of(&self, id: ClassId) -> &[ColumnIndex] {
        self.entry_of_id(id)
            .map_or(&[], |entry| entry.indexes.as_slice())
    }

    /// The index over a column.
    pub(crate) fn index_of(&self, id: ClassId, column: usize) -> Option<IndexId> {
        let indexes = self.indexes_of(id).iter();
        indexes
            .copied()
            .find(|index| index.column == column)
            .map(|index| index.id)
    }

    /// Whether a column of a class has an index.
    pub fn is_indexed(&self, class: &Name, column: usize) -> bool {
        self.id(class)
            .is_some_and(|id| self.index_of(id, column).is_some())
    }

    /// Gives a column an index that is empty yet, behind those that the class has.
    pub(crate) fn add_index(&mut self, id: ClassId, column: usize) -> Result<IndexId> {
        let index = self.next_index;
        self.next_index = index
            .checked_add(1)
            .ok_or_else(|| StoreError::SchemaMismatch("There are too many indexes".to_owned()))?;
        let entry = self.entries.iter_mut().find(|entry| entry.id == id);
        let entry = entry.ok_or(StoreError::Damaged("a class is missing"))?;
        entry.indexes.push(ColumnIndex { column, id: index });
        Ok(index)
    }

    /// Forgets the index over a column.
    pub(crate) fn remove_index(&mut self, id: ClassId, column: usize) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == id) {
            entry.indexes.retain(|index| index.column != column);
        }
    }

    /// Works out what follows from the schema.
    fn refresh(&mut self) {
        self.by_name = (0..)
            .zip(&self.entries)
            .map(|(index, entry)| (Box::from(entry.name.as_bytes()), index))
            .collect();
        for index in 0..self.entries.len() {
            let Some(class) = self
                .entries
                .get(index)
                .and_then(|entry| self.schema.class(&entry.name))
            else {
                continue;
            };
            let linking = class
                .columns
                .iter()
                .map(|column| is_linking(&self.schema, column, &mut Vec::new()));
            let linking = linking.collect();
            if let Some(entry) = self.entries.get_mut(index) {
                entry.linking = linking;
            }
        }
    }

    /// The record of the schema: class ids, then the instructions that make it.
    pub(crate) fn to_record(&self) -> Vec<u8> {
        let mut record = RecordWriter::new();
        record.u64(self.version).u16(self.next_id);
        record.u32(u32::try_from(self.entries.len()).expect("classes are counted in 16 bits"));
        for entry in &self.entries {
            record.u16(entry.id);
        }
        record.raw(&codec::encode(&self.to_instructions()));
        record.finish()
    }

    /// The record of the indexes.
    pub(crate) fn to_index_record(&self) -> Vec<u8> {
        let mut record = RecordWriter::new();
        record.u32(self.next_index);
        for entry in &self.entries {
            for index in &entry.indexes {
                let column = u16::try_from(index.column).unwrap_or(u16::MAX);
                record.u16(entry.id).u16(column).u32(index.id);
            }
        }
        record.finish()
    }

    fn read_indexes(&mut self, bytes: &[u8]) -> Result<()> {
        let mut record = RecordReader::new(bytes);
        self.next_index = record.u32()?;
        while !record.is_empty() {
            let (class, column) = (record.u16()?, usize::from(record.u16()?));
            let id = record.u32()?;
            let entry = self.entries.iter_mut().find(|entry| entry.id == class);
            let entry = entry.ok_or(StoreError::Damaged("an index of no class"))?;
            entry.indexes.push(ColumnIndex { column, id });
        }
        Ok(())
    }

    /// The schema of its two records. Without the second there are no indexes.
    pub(crate) fn from_records(schema: &[u8], indexes: Option<&[u8]>) -> Result<Self> {
        let mut catalog = Self::from_record(schema)?;
        if let Some(indexes) = indexes {
            catalog.read_indexes(indexes)?;
        }
        Ok(catalog)
    }

    fn from_record(bytes: &[u8]) -> Result<Self> {
        let mut record = RecordReader::new(bytes);
        let version = record.u64()?;
        let next_id = record.u16()?;
        let ids: Vec<ClassId> = (0..record.u32()?)
            .map(|_| record.u16())
            .collect::<Result<_>>()?;
        let damaged = |_| StoreError::Damaged("the schema cannot be read");
        let changeset = codec::decode(record.rest()).map_err(damaged)?;
        let mut catalog = Self {
            version,
            ..Self::default()
        };
        for instruction in &changeset.instructions {
            catalog
                .apply(instruction)
                .map_err(|_| StoreError::Damaged("the schema is not one"))?;
        }
        if catalog.entries.len() != ids.len() {
            return Err(StoreError::Damaged("classes and their numbers differ"));
        }
        for (entry, id) in catalog.entries.iter_mut().zip(ids) {
            entry.id = id;
        }
        catalog.next_id = next_id;
        Ok(catalog)
    }

    /// The instructions that make this schema: all classes in their order, then their columns.
    fn to_instructions(&self) -> Vec<Instruction> {
        let tables = self
            .classes()
            .map(|class| add_table(&class.name, &class.kind));
        let columns = self.classes().flat_map(|class| {
            class
                .columns
                .iter()
                .map(|column| add_column(&class.name, column))
        });
        tables.chain(columns).collect()
    }
}

impl Entry {
    /// A column went: its index too, and those behind it are nearer to the front.
    fn forget_column(&mut self, column: usize) {
        self.indexes.retain(|index| index.column != column);
        for index in &mut self.indexes {
            index.column -= usize::from(index.column > column);
        }
    }
}

fn is_linking(schema: &Schema, column: &Column, seen: &mut Vec<Name>) -> bool {
    if column.column_type == ColumnType::Mixed {
        return true;
    }
    let Some(target) = &column.target else {
        return false;
    };
    let Some(embedded) = schema.embedded_target(column) else {
        return true;
    };
    if seen.contains(target) {
        return false;
    }
    seen.push(target.clone());
    embedded
        .columns
        .iter()
        .any(|inner| is_linking(schema, inner, seen))
}

/// The instruction that makes a class.
pub(crate) fn add_table(name: &Name, kind: &ClassKind) -> Instruction {
    let spec = match kind {
        ClassKind::Embedded => TableSpec::Embedded,
        ClassKind::TopLevel {
            key_field,
            key_type,
            key_nullable,
        } => TableSpec::TopLevel {
            key_field: key_field.clone(),
            key_type: *key_type,
            key_nullable: *key_nullable,
            asymmetric: false,
        },
        ClassKind::Asymmetric {
            key_field,
            key_type,
            key_nullable,
        } => TableSpec::TopLevel {
            key_field: key_field.clone(),
            key_type: *key_type,
            key_nullable: *key_nullable,
            asymmetric: true,
        },
    };
    Instruction::AddTable {
        class: name.clone(),
        spec,
    }
}

/// The instruction that makes a column.
pub(crate) fn add_column(class: &Name, column: &Column) -> Instruction {
    let spec = ColumnSpec::new(
        column.column_type,
        column.nullable,
        column.collection,
        column.target.clone(),
    );
    Instruction::AddColumn {
        class: class.clone(),
        field: column.name.clone(),
        spec,
    }
}

/// The name of a column type at the boundary.
pub(crate) fn type_name(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Int => "int",
        ColumnType::Bool => "bool",
        ColumnType::String => "string",
        ColumnType::Binary => "binary",
        ColumnType::Timestamp => "timestamp",
        ColumnType::Float => "float",
        ColumnType::Double => "double",
        ColumnType::Decimal => "decimal",
        ColumnType::Link => "link",
        ColumnType::ObjectId => "objectId",
        ColumnType::Uuid => "uuid",
        _ => "mixed",
    }
}

/// The column type of a name at the boundary.
pub(crate) fn type_of_name(name: &str) -> Option<ColumnType> {
    Some(match name {
        "mixed" => ColumnType::Mixed,
        "int" => ColumnType::Int,
        "bool" => ColumnType::Bool,
        "string" => ColumnType::String,
        "binary" => ColumnType::Binary,
        "timestamp" => ColumnType::Timestamp,
        "float" => ColumnType::Float,
        "double" => ColumnType::Double,
        "decimal" => ColumnType::Decimal,
        "link" => ColumnType::Link,
        "objectId" => ColumnType::ObjectId,
        "uuid" => ColumnType::Uuid,
        _ => return None,
    })
}

/// The name of a key type at the boundary.
pub(crate) fn key_type_name(key_type: KeyType) -> &'static str {
    match key_type {
        KeyType::GlobalKey => "globalKey",
        KeyType::Int => "int",
        KeyType::String => "string",
        KeyType::ObjectId => "objectId",
        KeyType::Uuid => "uuid",
    }
}

/// The key type of a name at the boundary.
pub(crate) fn key_type_of_name(name: &str) -> Option<KeyType> {
    Some(match name {
        "globalKey" => KeyType::GlobalKey,
        "int" => KeyType::Int,
        "string" => KeyType::String,
        "objectId" => KeyType::ObjectId,
        "uuid" => KeyType::Uuid,
        _ => return None,
    })
}

/// The name of a collection kind at the boundary.
pub(crate) fn collection_name(collection: CollectionKind) -> &'static str {
    match collection {
        CollectionKind::Single => "single",
        CollectionKind::List => "list",
        CollectionKind::Dictionary => "dictionary",
        CollectionKind::Set => "set",
    }
}

/// The collection kind of a name at the boundary.
pub(crate) fn collection_of_name(name: &str) -> Option<CollectionKind> {
    Some(match name {
        "single" => CollectionKind::Single,
        "list" => CollectionKind::List,
        "dictionary" => CollectionKind::Dictionary,
        "set" => CollectionKind::Set,
        _ => return None,
    })
}
