//! Indexes over columns: their entries move with the rows, whichever way those change.
//!
//! As with backlinks, the table is compared with an object when its row is written, not at each change. A
//! class without indexes pays for one look at an empty list.

use std::ops::Bound;
use std::sync::Arc;

use tidemark_changeset::packed::Packed;
use tidemark_changeset::{CollectionKind, ColumnType, Name};
use tidemark_model::{Column, Document, Node};
use tidemark_query::{Field, Scalar, write_index_key};
use tidemark_storage::keys::after_prefix;
use tidemark_storage::{Read, Storage, Write};

use crate::catalog::{Catalog, ColumnIndex, type_name};
use crate::tables::{ClassId, INDEXES, IndexId, ROWS, object_of};
use crate::transaction::{WriteTransaction, class_of, decode, no_object};
use crate::{Result, StoreError};

/// What all entries of an object's value begin with, for each index of its class: number and key.
pub(crate) type IndexKeys = Vec<Vec<u8>>;

/// Whether an index can stand over a column.
pub(crate) fn is_indexable(column: &Column) -> bool {
    column.collection == CollectionKind::Single
        && matches!(
            column.column_type,
            ColumnType::Int
                | ColumnType::Bool
                | ColumnType::String
                | ColumnType::Timestamp
                | ColumnType::ObjectId
                | ColumnType::Uuid
                | ColumnType::Mixed
        )
}

fn scalar<'d>(node: Option<&'d Node>, column: Option<&Column>) -> Scalar<'d> {
    match (node, column) {
        (Some(Node::Value(value)), _) => Scalar::from(value),
        (Some(Node::List(_)), _) => Scalar::Collection(CollectionKind::List),
        (Some(Node::Set(_)), _) => Scalar::Collection(CollectionKind::Set),
        (Some(Node::Dictionary(_)), _) => Scalar::Collection(CollectionKind::Dictionary),
        (None, Some(column)) => default_scalar(column),
        _ => Scalar::Null,
    }
}

fn default_scalar<'d>(column: &Column) -> Scalar<'d> {
    match Field::default_of(column.collection, column.column_type, column.nullable) {
        Field::Scalar(scalar) => scalar,
        _ => Scalar::Null,
    }
}

fn write_key(out: &mut Vec<u8>, index: IndexId, value: &Scalar<'_>) {
    out.extend_from_slice(&index.to_be_bytes());
    write_index_key(out, value);
}

fn keys_of(catalog: &Catalog, class: ClassId, document: &Document) -> IndexKeys {
    let columns = catalog.class_of_id(class).map(|class| &class.columns);
    let key = |index: &ColumnIndex| {
        let column = columns.and_then(|columns| columns.get(index.column));
        let mut key = Vec::with_capacity(28);
        write_key(
            &mut key,
            index.id,
            &scalar(document.field(index.column), column),
        );
        key
    };
    catalog.indexes_of(class).iter().map(key).collect()
}

fn entry(key: &[u8], object: u64) -> Vec<u8> {
    [key, &object.to_be_bytes()].concat()
}

/// Makes the entries of an object those of its document. `known`: what the table has.
pub(crate) fn update_entries<S: Storage>(
    storage: &mut Write<S>,
    catalog: &Catalog,
    (class, object): (ClassId, u64),
    document: &Document,
    known: &mut IndexKeys,
) {
    let now = keys_of(catalog, class, document);
    for (at, key) in now.iter().enumerate() {
        let before = known.get(at);
        if before == Some(key) {
            continue;
        }
        if let Some(before) = before {
            storage.delete(INDEXES, &entry(before, object));
        }
        storage.put(INDEXES, &entry(key, object), &[]);
    }
    *known = now;
}

/// A plain value as an index sees it; `None` is the column's default.
fn plain_scalar<'p>(value: Option<Packed<'p>>, column: Option<&Column>) -> Scalar<'p> {
    let Some(value) = value else {
        return match column {
            Some(column) => default_scalar(column),
            None => Scalar::Null,
        };
    };
    match value {
        Packed::Int(value) => Scalar::Int(value),
        Packed::Bool(value) => Scalar::Bool(value),
        Packed::String(bytes) => Scalar::String(bytes),
        Packed::Binary(bytes) => Scalar::Binary(bytes),
        Packed::Timestamp(time) => Scalar::Timestamp(time),
        Packed::Float(value) => Scalar::Float(value),
        Packed::Double(value) => Scalar::Double(value),
        Packed::Decimal(value) => Scalar::Decimal(value),
        Packed::ObjectId(id) => Scalar::ObjectId(id),
        Packed::Uuid(id) => Scalar::Uuid(id),
        // Classes of plain values hold none of these.
        Packed::Null
        | Packed::Link(_)
        | Packed::List(_)
        | Packed::Dictionary(_)
        | Packed::Set(_)
        | Packed::Object(_)
        | Packed::GlobalKey(..) => Scalar::Null,
    }
}

/// Writes the entry of an object with a plain value.
fn write_plain_entry(out: &mut Vec<u8>, index: IndexId, value: &Scalar<'_>, object: u64) {
    out.clear();
    write_key(out, index, value);
    out.extend_from_slice(&object.to_be_bytes());
}

/// What becomes of the entries of an object that is not held decoded.
#[derive(Clone, Copy)]
pub(crate) enum Plain {
    Add,
    Remove,
}

/// Makes, or takes away, the entries of an object of plain values: `None` is a column's default.
pub(crate) fn change_entries<'p, S: Storage>(
    storage: &mut Write<S>,
    catalog: &Catalog,
    (class, object): (ClassId, u64),
    what: Plain,
    value_of: impl Fn(usize) -> Result<Option<Packed<'p>>>,
) -> Result<()> {
    let indexes = catalog.indexes_of(class);
    if indexes.is_empty() {
        return Ok(());
    }
    let columns = catalog.class_of_id(class).map(|class| &class.columns);
    let mut entry = Vec::with_capacity(36);
    for index in indexes {
        let column = columns.and_then(|columns| columns.get(index.column));
        let value = plain_scalar(value_of(index.column)?, column);
        write_plain_entry(&mut entry, index.id, &value, object);
        match what {
            Plain::Add => storage.put(INDEXES, &entry, &[]),
            Plain::Remove => storage.delete(INDEXES, &entry),
        }
    }
    Ok(())
}

/// Moves the entry of an object that is not held decoded from one plain value to another.
pub(crate) fn move_entry<S: Storage>(
    storage: &mut Write<S>,
    (index, object): (IndexId, u64),
    before: Packed<'_>,
    after: Packed<'_>,
) {
    let (mut old, mut new) = (Vec::with_capacity(36), Vec::with_capacity(36));
    write_plain_entry(&mut old, index, &plain_scalar(Some(before), None), object);
    write_plain_entry(&mut new, index, &plain_scalar(Some(after), None), object);
    if old != new {
        storage.delete(INDEXES, &old);
        storage.put(INDEXES, &new, &[]);
    }
}

/// Shows objects whose value lies between two keys of an index, in the order of the values, until the visitor
/// wants no more.
pub(crate) fn objects_between(
    from: &impl Read,
    index: IndexId,
    (first, after): (&[u8], &[u8]),
    visit: &mut dyn FnMut(u64) -> bool,
) -> Result<()> {
    let index = index.to_be_bytes();
    let (first, after) = ([&index, first].concat(), [&index, after].concat());
    for entry in from.range(INDEXES, Bound::Included(&first), Bound::Excluded(&after))? {
        let object = object_of(&entry?.0);
        if !visit(object.ok_or(StoreError::Damaged("an index entry is too short"))?) {
            break;
        }
    }
    Ok(())
}

/// Shows all objects in the order of their values in an index, or in the reverse one, until the visitor wants
/// no more: the key of the value, then the object. Those of one key come in no particular order.
pub(crate) fn objects_along(
    from: &impl Read,
    index: IndexId,
    is_ascending: bool,
    visit: &mut dyn FnMut(&[u8], u64) -> Result<bool>,
) -> Result<()> {
    let mut entries = from.prefix(INDEXES, &index.to_be_bytes())?;
    loop {
        let entry = if is_ascending {
            entries.next()
        } else {
            entries.next_back()
        };
        let Some(entry) = entry else {
            return Ok(());
        };
        let key = entry?.0;
        let short = || StoreError::Damaged("an index entry is too short");
        let object = object_of(&key).ok_or_else(short)?;
        let value = key.get(..key.len() - size_of::<u64>()).ok_or_else(short)?;
        if !visit(value, object)? {
            return Ok(());
        }
    }
}

impl<S: Storage> WriteTransaction<S> {
    /// Remembers what the indexes know of an object: one of its indexed columns is about to change.
    pub(crate) fn remember_entries(&mut self, class: ClassId, object: u64) -> Result<()> {
        self.load(class, object)?;
        let loaded = self.buffer.get_mut(&(class, object));
        let loaded = loaded.ok_or_else(|| no_object(object))?;
        if loaded.index_keys.is_none() {
            loaded.index_keys = Some(keys_of(&self.catalog, class, &loaded.document));
        }
        Ok(())
    }

    /// Takes all entries of an object away: it is about to go.
    pub(crate) fn forget_entries(&mut self, class: ClassId, object: u64) -> Result<()> {
        if self.catalog.indexes_of(class).is_empty() {
            return Ok(());
        }
        self.remember_entries(class, object)?;
        for key in self
            .load(class, object)?
            .index_keys
            .take()
            .unwrap_or_default()
        {
            self.storage.delete(INDEXES, &entry(&key, object));
        }
        Ok(())
    }

    /// Gives a column an index, made of the objects that are there, or takes it away. Nothing is recorded:
    /// indexes are this file's own.
    pub fn set_indexed(&mut self, class: &Name, field: &Name, is_indexed: bool) -> Result<()> {
        let (Some(id), Some(definition)) = (self.catalog.id(class), self.catalog.class(class))
        else {
            return Err(StoreError::NotFound(format!("There is no class '{class}'")));
        };
        let Some((index, column)) = definition.column_index(field).and_then(|index| {
            let column = definition.columns.get(index)?;
            Some((index, column))
        }) else {
            return Err(StoreError::NotFound(format!(
                "Class '{class}' has no property '{field}'"
            )));
        };
        if self.catalog.index_of(id, index).is_some() == is_indexed {
            return Ok(());
        }
        if is_indexed && !is_indexable(column) {
            return Err(not_indexable(class, column));
        }
        self.flush()?;
        if is_indexed {
            let number = Arc::make_mut(&mut self.catalog).add_index(id, index)?;
            self.fill_index(
                id,
                ColumnIndex {
                    column: index,
                    id: number,
                },
            )?;
        } else {
            self.drop_index(id, index)?;
        }
        self.forget_known_keys(id);
        self.changes.schema = true;
        Ok(())
    }

    /// Takes away the index over a column, if it has one.
    pub(crate) fn drop_index(&mut self, class: ClassId, column: usize) -> Result<()> {
        let Some(index) = self.catalog.index_of(class, column) else {
            return Ok(());
        };
        let prefix = index.to_be_bytes();
        let end = after_prefix(&prefix);
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        self.storage
            .delete_range(INDEXES, Bound::Included(&prefix), to)?;
        Arc::make_mut(&mut self.catalog).remove_index(class, column);
        Ok(())
    }

    /// The table agrees with the rows, and all rows are written: which indexes there are may change.
    pub(crate) fn forget_known_keys(&mut self, class: ClassId) {
        for ((of, _), loaded) in &mut self.buffer {
            if *of == class {
                loaded.index_keys = None;
            }
        }
    }

    fn fill_index(&mut self, class: ClassId, index: ColumnIndex) -> Result<()> {
        let mut entries = Vec::new();
        let column = class_of(&self.catalog, class)?.columns.get(index.column);
        for row in self.storage.prefix(ROWS, &class.to_be_bytes())? {
            let (key, row) = row?;
            let object = object_of(&key).ok_or(StoreError::Damaged("a row key is too short"))?;
            let document = decode(&self.catalog, class, &row)?.document;
            let mut key = Vec::with_capacity(28);
            write_key(
                &mut key,
                index.id,
                &scalar(document.field(index.column), column),
            );
            entries.push(entry(&key, object));
        }
        for entry in entries {
            self.storage.put(INDEXES, &entry, &[]);
        }
        Ok(())
    }
}

pub(crate) fn not_indexable(class: &Name, column: &Column) -> StoreError {
    let kind = match column.collection {
        CollectionKind::Single => type_name(column.column_type).to_owned(),
        collection => crate::catalog::collection_name(collection).to_owned(),
    };
    StoreError::SchemaMismatch(format!(
        "Property '{class}.{}' of type '{kind}' cannot be indexed.",
        column.name
    ))
}
