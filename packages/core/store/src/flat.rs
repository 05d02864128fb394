//! Objects of plain values only, changed as the rows that they are stored as.
//!
//! Most classes hold neither links nor collections nor embedded objects. Their objects need not be decoded
//! to be created, assigned or erased: what comes packed is checked and put where it belongs.
//!
//! Invariants:
//! * what is done here gives the same rows, records and notes as the general way ([`crate::local`]);
//! * whatever does not fit here is left to the general way, which knows how to refuse it;
//! * an object that is held decoded is changed there and never here.

use std::sync::Arc;

use tidemark_changeset::codec::STRING_BYTES_MAX;
use tidemark_changeset::packed::{Packed, RowView, RowWriter, read_key, write_key};
use tidemark_changeset::{
    CollectionKind, ColumnType, Instruction, Payload, PrimaryKey, Target, UpdateKind,
};
use tidemark_model::{Class, ClassKind, Column, Node};
use tidemark_storage::{Read, Storage};

use crate::indexes::{Plain, change_entries, move_entry};
use crate::local::Location;
use crate::tables::{ClassId, INDEX, ROWS, index_key, row_key};
use crate::transaction::{Touch, WriteTransaction, class_of, no_object, split_row};
use crate::{Result, StoreError};

/// A value as it came: packed, and read.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// Whether the application did not give it: a declared default.
    pub is_default: bool,
    /// Its packed form.
    pub bytes: &'a [u8],
    /// What that says.
    pub value: Packed<'a>,
}

/// Whether a column may hold such a value, as far as that can be said here.
fn fits(column: &Column, value: &Packed<'_>) -> bool {
    let value_type = match value {
        Packed::Null => return column.nullable,
        Packed::Int(_) => ColumnType::Int,
        Packed::Bool(_) => ColumnType::Bool,
        Packed::String(bytes) if bytes.len() <= STRING_BYTES_MAX => ColumnType::String,
        Packed::Binary(bytes) if bytes.len() <= STRING_BYTES_MAX => ColumnType::Binary,
        Packed::Timestamp(_) => ColumnType::Timestamp,
        Packed::Float(_) => ColumnType::Float,
        Packed::Double(_) => ColumnType::Double,
        Packed::Decimal(_) => ColumnType::Decimal,
        Packed::ObjectId(_) => ColumnType::ObjectId,
        Packed::Uuid(_) => ColumnType::Uuid,
        _ => return false,
    };
    column.column_type == value_type
}

/// Whether objects of the class are kept, and hold plain values of one type only.
fn is_flat(class: &Class) -> bool {
    let is_plain = |column: &Column| {
        column.collection == CollectionKind::Single
            && column.target.is_none()
            && column.column_type != ColumnType::Mixed
    };
    matches!(class.kind, ClassKind::TopLevel { .. }) && class.columns.iter().all(is_plain)
}

/// A stored row with another value in a column; `None` if the row is older than the column.
fn with_column(stored: &[u8], column: usize, value: &[u8]) -> Result<Option<Arc<[u8]>>> {
    let damaged = |_| StoreError::Damaged("a row cannot be read");
    let (_, row) = split_row(stored)?;
    let view = RowView::new(row).map_err(damaged)?;
    let Some(before) = view.column_bytes(column).map_err(damaged)? else {
        return Ok(None);
    };
    if before.len() == value.len() {
        let start = before.as_ptr().addr() - stored.as_ptr().addr();
        let mut out = Arc::<[u8]>::from(stored);
        if let Some(place) =
            Arc::get_mut(&mut out).and_then(|out| out.get_mut(start..start + value.len()))
        {
            place.copy_from_slice(value);
            return Ok(Some(out));
        }
    }
    let mut out = Vec::with_capacity(stored.len() + value.len());
    out.extend_from_slice(stored.get(..stored.len() - row.len()).unwrap_or_default());
    let mut writer = RowWriter::new(&mut out, view.len());
    for index in 0..view.len() {
        let kept = view
            .column_bytes(index)
            .map_err(damaged)?
            .unwrap_or_default();
        let bytes = if index == column { value } else { kept };
        writer.column(|out| out.extend_from_slice(bytes));
    }
    writer.finish();
    Ok(Some(Arc::from(out)))
}

/// A column of a stored row; `None` if the row is older than the column.
fn column_of(stored: &[u8], column: usize) -> Result<Option<Packed<'_>>> {
    let damaged = |_| StoreError::Damaged("a row cannot be read");
    let (_, row) = split_row(stored)?;
    RowView::new(row)
        .and_then(|view| view.column(column))
        .map_err(damaged)
}

impl<S: Storage> WriteTransaction<S> {
    /// Creates an object with the values of its columns in their order; `None` leaves a column's default.
    /// Fails if there is one with that key.
    pub fn create_with(
        &mut self,
        class: usize,
        key: &PrimaryKey,
        values: &[Option<Given<'_>>],
    ) -> Result<u64> {
        let id = self.catalog.id_at(class)?;
        let catalog = Arc::clone(&self.catalog);
        let definition = class_of(&catalog, id)?;
        let all_fit = values.len() <= definition.columns.len()
            && values
                .iter()
                .zip(&definition.columns)
                .all(|(given, column)| given.is_none_or(|given| fits(column, &given.value)));
        if !all_fit || !is_flat(definition) || !definition.accepts_key(key) {
            return self.create_and_set(class, key, values);
        }
        let entry = index_key(id, key);
        if self.is_taken(id, &entry)? {
            return Err(StoreError::ObjectExists(definition.name.to_string()));
        }
        self.last_find = None;
        let counters = self.counters(id)?;
        let object = counters.next_object;
        counters.objects += 1;
        counters.next_object += 1;
        self.flat_from.entry(id).or_insert(object);
        self.put_index(id, &entry, object);
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        write_new_row(&mut row, definition, key, values);
        self.storage.put(ROWS, &row_key(id, object), &row);
        self.row = row;
        let value_of = |column| -> Result<_> {
            let given = values.get(column).copied().flatten();
            Ok(given.map(|given: Given<'_>| given.value))
        };
        change_entries(
            &mut self.storage,
            &catalog,
            (id, object),
            Plain::Add,
            value_of,
        )?;
        self.changes.class(&definition.name).insert(object);
        self.record_creation(definition, (id, object), key, values);
        self.appeared(id, key)?;
        Ok(object)
    }

    /// The general way to do the same.
    fn create_and_set(
        &mut self,
        class: usize,
        key: &PrimaryKey,
        values: &[Option<Given<'_>>],
    ) -> Result<u64> {
        let (object, _) = self.create(class, key, false)?;
        for (column, given) in (0..).zip(values) {
            let Some(given) = given else { continue };
            let location = Location {
                class,
                object,
                column,
                steps: Vec::new(),
            };
            let value = given.value.to_value();
            let value = value.ok_or_else(|| {
                StoreError::MalformedArgument("an object is created of plain values".to_owned())
            })?;
            self.set(&location, given.is_default, &Payload::Value(value))?;
        }
        Ok(object)
    }

    fn record_creation(
        &mut self,
        definition: &Class,
        id: (ClassId, u64),
        key: &PrimaryKey,
        values: &[Option<Given<'_>>],
    ) {
        if let Some(notes) = &mut self.notes {
            notes.create();
        }
        if self.recorder.is_none() {
            return;
        }
        let (class, key) = (definition.name.clone(), key.clone());
        self.record(&Instruction::CreateObject {
            class: class.clone(),
            key: key.clone(),
        });
        for (column, (given, of)) in (0..).zip(values.iter().zip(&definition.columns)) {
            let Some((given, value)) =
                given.and_then(|given| Some((given, given.value.to_value()?)))
            else {
                continue;
            };
            let instruction = Instruction::Update {
                target: Target {
                    class: class.clone(),
                    key: key.clone(),
                    field: of.name.clone(),
                    path: Vec::new(),
                },
                value: Payload::Value(value),
                kind: UpdateKind::Property {
                    is_default: given.is_default,
                },
            };
            if let Some(notes) = &mut self.notes {
                let touch = Touch {
                    column,
                    is_first: true,
                    is_fresh: true,
                };
                notes.edit(&self.catalog.schema, id, touch, &instruction);
            }
            self.record(&instruction);
        }
    }

    /// Assigns a column of an object that is not held decoded. Says whether it did: if not, nothing has
    /// changed.
    pub fn set_plain(
        &mut self,
        class: usize,
        object: u64,
        column: u16,
        given: &Given<'_>,
    ) -> Result<bool> {
        let id = self.catalog.id_at(class)?;
        // What is recorded follows which columns were touched before, which is kept with decoded objects.
        if self.recorder.is_some() || self.buffer.contains_key(&(id, object)) {
            return Ok(false);
        }
        let definition = class_of(&self.catalog, id)?;
        let index = usize::from(column);
        let fits = definition
            .columns
            .get(index)
            .is_some_and(|column| fits(column, &given.value));
        if !fits || !is_flat(definition) {
            return Ok(false);
        }
        let place = row_key(id, object);
        let Some(stored) = self.storage.get(ROWS, &place)? else {
            return Ok(false);
        };
        let Some(row) = with_column(&stored, index, given.bytes)? else {
            return Ok(false);
        };
        self.storage.put_shared(ROWS, &place, row);
        if let Some(number) = self.catalog.index_of(id, index)
            && let Some(before) = column_of(&stored, index)?
        {
            move_entry(&mut self.storage, (number, object), before, given.value);
        }
        self.changes.class(&definition.name).modify(object, column);
        Ok(true)
    }

    /// Deletes an object that is not held decoded. Says whether it did: if not, nothing has changed.
    pub(crate) fn erase_plain(&mut self, id: ClassId, object: u64) -> Result<bool> {
        let definition = class_of(&self.catalog, id)?;
        if self.buffer.contains_key(&(id, object)) || !is_flat(definition) {
            return Ok(false);
        }
        let class = definition.name.clone();
        let is_linked_to = self.catalog.links_anywhere();
        let place = row_key(id, object);
        let stored = self.storage.get(ROWS, &place)?;
        let stored = stored.ok_or_else(|| no_object(object))?;
        let key = read_key(split_row(&stored)?.0)
            .map_err(|_| StoreError::Damaged("a key cannot be read"))?;
        if is_linked_to {
            self.nullify_links(id, &key, &mut |_| {})?;
        }
        let was_touched = self.is_flat_fresh(id, object);
        self.last_find = None;
        self.storage.delete(INDEX, &index_key(id, &key));
        self.storage.delete(ROWS, &place);
        let value_of = |column| column_of(&stored, column);
        let of = (id, object);
        change_entries(
            &mut self.storage,
            &self.catalog,
            of,
            Plain::Remove,
            value_of,
        )?;
        self.counters(id)?.objects -= 1;
        self.changes.class(&class).delete(object);
        if is_linked_to {
            self.disappeared(id, &key)?;
        }
        if let Some(notes) = &mut self.notes {
            notes.erase((id, object), was_touched);
        }
        if self.recorder.is_some() {
            self.record(&Instruction::EraseObject { class, key });
        }
        Ok(true)
    }

    /// Whether this write created the object here.
    pub(crate) fn is_flat_fresh(&self, id: ClassId, object: u64) -> bool {
        self.flat_from
            .get(&id)
            .is_some_and(|first| object >= *first)
    }
}

/// Writes the row of a new object.
fn write_new_row(
    row: &mut Vec<u8>,
    definition: &Class,
    key: &PrimaryKey,
    values: &[Option<Given<'_>>],
) {
    row.extend_from_slice(&[0; 4]);
    write_key(row, key);
    let length = u32::try_from(row.len() - 4).expect("keys are far below 4 GiB");
    row[..4].copy_from_slice(&length.to_le_bytes());
    let mut writer = RowWriter::new(row, definition.columns.len());
    for (index, column) in definition.columns.iter().enumerate() {
        writer.column(|out| match values.get(index).copied().flatten() {
            Some(given) => out.extend_from_slice(given.bytes),
            None => Node::default_of(column).write_packed(out),
        });
    }
    writer.finish();
}
