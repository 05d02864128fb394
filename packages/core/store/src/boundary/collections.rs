//! Single values of collections, which an open write answers from what it holds decoded: a row with a long
//! list is not encoded for each element that is asked for.

use std::cell::RefCell;

use tidemark_changeset::packed::{Reader, read_key, write_value};
use tidemark_changeset::{ColumnType, order};
use tidemark_model::Node;
use tidemark_storage::{Bytes, Read, Storage};

use super::batch::steps_of;
use super::reading::KeyGuess;
use super::{ViewWork, malformed, number_of, object_of_number, reading};
use crate::hidden::{OfView, OfWrite, Visibility};
use crate::tables::ClassId;
use crate::transaction::{Loaded, WriteTransaction, class_of, decode, no_object};
use crate::view::View;
use crate::walk::{Walk, walk};
use crate::{Catalog, Result, StoreError};

/// Collections with more elements make their rows too long to be encoded for a question.
const SHORT_MAX: usize = 64;

/// What asks for something in an object.
trait Question {
    /// Position of the class, object, column, and the path from there.
    fn place(&self) -> (usize, f64, u16, &[u8]);
    /// The answer, if the path leads somewhere.
    fn answer(&self, walk: &Walk<'_>, visibility: &dyn Visibility) -> Result<Answer>;
}

type Answer = Vec<u8>;

fn in_view<R: Read>(view: View<'_, R>, question: &impl Question) -> Result<Option<Answer>> {
    let (class, object, column, path) = question.place();
    let class = view.catalog.id_at(class)?;
    let object = object_of_number(object);
    let row = object
        .map(|object| view.row_by_id(class, object))
        .transpose()?;
    let Some(row) = row.flatten() else {
        return Ok(None);
    };
    let loaded = decode(view.catalog, class, &row)?;
    let visibility = OfView(&view);
    ask(
        view.catalog,
        (class, &loaded),
        (column, path),
        &visibility,
        question,
    )
}

fn in_write<S: Storage>(
    write: &mut WriteTransaction<S>,
    question: &impl Question,
) -> Result<Option<Answer>> {
    let (class, object, column, path) = question.place();
    let class = write.catalog().id_at(class)?;
    let Some(object) = object_of_number(object) else {
        return Ok(None);
    };
    // Links that came or went decide what is hidden.
    write.flush_links()?;
    match write.load(class, object) {
        Ok(_) => {}
        Err(StoreError::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error),
    }
    let loaded = write.buffer.get(&(class, object));
    let loaded = loaded.ok_or_else(|| no_object(object))?;
    let known: &RefCell<_> = &loaded.hidden;
    let visibility = OfWrite {
        write: &*write,
        known,
        column,
    };
    ask(
        write.catalog(),
        (class, loaded),
        (column, path),
        &visibility,
        question,
    )
}

fn ask(
    catalog: &Catalog,
    (class, loaded): (ClassId, &Loaded),
    (column, path): (u16, &[u8]),
    visibility: &dyn Visibility,
    question: &impl Question,
) -> Result<Option<Answer>> {
    let definition = class_of(catalog, class)?;
    let steps = steps_of(path)?;
    let column = usize::from(column);
    let (schema, document) = (&catalog.schema, &loaded.document);
    match walk(schema, definition, document, column, &steps, visibility) {
        Ok(walk) => question.answer(&walk, visibility).map(Some),
        // The path leads through what is something else by now.
        Err(StoreError::NotFound(_) | StoreError::InvalidMutation(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// How many elements of a collection are seen, and how many it has: two `u32`, then `u8` 1 for a list, 2
/// for a set, 3 for a dictionary; nothing if no collection is there.
pub struct CollectionSizes<'a> {
    /// Position of the class.
    pub class: usize,
    /// The object.
    pub object: f64,
    /// Its column.
    pub column: u16,
    /// The path from there, as in mutations.
    pub path: &'a [u8],
}

impl Question for CollectionSizes<'_> {
    fn place(&self) -> (usize, f64, u16, &[u8]) {
        (self.class, self.object, self.column, self.path)
    }

    fn answer(&self, walk: &Walk<'_>, visibility: &dyn Visibility) -> Result<Answer> {
        let (seen, size, kind) = match walk.slot.node() {
            Some(Node::List(list)) => {
                let mut seen = list.len();
                visibility.with_hidden(walk.column, &walk.path, list, &mut |hidden| {
                    seen -= hidden.len();
                })?;
                (seen, list.len(), 1)
            }
            Some(Node::Set(elements)) => {
                let mut seen = elements.len();
                if walk.column.column_type == ColumnType::Link {
                    seen -= visibility.hidden_in_set(walk.column, elements)?;
                }
                (seen, elements.len(), 2)
            }
            Some(Node::Dictionary(entries)) => (entries.len(), entries.len(), 3),
            _ => return Ok(Vec::new()),
        };
        let number = |size: usize| u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes();
        Ok([&number(seen)[..], &number(size), &[kind]].concat())
    }
}

/// The packed value at a place of an object; nothing if there is none.
pub struct ValueAt<'a> {
    /// Position of the class.
    pub class: usize,
    /// The object.
    pub object: f64,
    /// Its column.
    pub column: u16,
    /// The path from there, as in mutations.
    pub path: &'a [u8],
}

impl Question for ValueAt<'_> {
    fn place(&self) -> (usize, f64, u16, &[u8]) {
        (self.class, self.object, self.column, self.path)
    }

    fn answer(&self, walk: &Walk<'_>, _: &dyn Visibility) -> Result<Answer> {
        let mut out = Vec::new();
        if let Some(node) = walk.slot.node() {
            node.write_packed(&mut out);
        }
        Ok(out)
    }
}

/// Whether a set has an element with exactly these bytes.
pub struct Contains<'a> {
    /// Position of the class.
    pub class: usize,
    /// The object.
    pub object: f64,
    /// Its column.
    pub column: u16,
    /// The path from there, as in mutations.
    pub path: &'a [u8],
    /// The packed value.
    pub value: &'a [u8],
}

impl Question for Contains<'_> {
    fn place(&self) -> (usize, f64, u16, &[u8]) {
        (self.class, self.object, self.column, self.path)
    }

    fn answer(&self, walk: &Walk<'_>, visibility: &dyn Visibility) -> Result<Answer> {
        let value = Reader::new(self.value).value()?.to_value();
        let value = value.ok_or_else(|| malformed("a set holds plain values only"))?;
        let Some(Node::Set(elements)) = walk.slot.node() else {
            return Ok(Vec::new());
        };
        let place = elements.binary_search_by(|element| order::compare(element, &value));
        let Some(element) = place.ok().and_then(|place| elements.get(place)) else {
            return Ok(Vec::new());
        };
        let is_seen = walk.column.column_type != ColumnType::Link
            || visibility.hidden_in_set(walk.column, std::slice::from_ref(element))? == 0;
        let mut bytes = Vec::new();
        write_value(&mut bytes, element);
        Ok(if is_seen && bytes == self.value {
            vec![1]
        } else {
            Vec::new()
        })
    }
}

macro_rules! work {
    ($question:ident) => {
        impl ViewWork<Vec<u8>> for $question<'_> {
            fn work<R: Read>(self, view: View<'_, R>) -> Result<Vec<u8>> {
                Ok(in_view(view, &self)?.unwrap_or_default())
            }

            fn work_in_write<S: Storage>(self, write: &mut WriteTransaction<S>) -> Result<Vec<u8>> {
                Ok(in_write(write, &self)?.unwrap_or_default())
            }
        }
    };
}
work!(CollectionSizes);
work!(ValueAt);
work!(Contains);

/// [`reading::find_row`] in a write. An object whose long row would have to be encoded comes without it.
pub(super) fn find_row_in_write<S: Storage>(
    write: &mut WriteTransaction<S>,
    class: usize,
    packed_key: &[u8],
    guess: &mut KeyGuess,
) -> Result<Option<(f64, Option<Bytes>)>> {
    let id = write.catalog().id_at(class)?;
    // A row that waits to be encoded is an old one in the storage, or none yet.
    let found = reading::find_row(write.view_of_keys(), class, packed_key, guess)?;
    let is_newest = match &found {
        Some((object, _)) => !write.waits(id, *object),
        None => write.buffer.is_empty(),
    };
    if is_newest {
        return Ok(found.map(|(object, row)| (object, Some(row))));
    }
    let Some(object) = write.view_of_keys().find(class, &read_key(packed_key)?)? else {
        return Ok(None);
    };
    if write.has_long_row(id, object) {
        return Ok(Some((number_of(object), None)));
    }
    let view = write.view_of_rows(id, std::iter::once(object));
    Ok(view
        .row(class, object)?
        .map(|row| (number_of(object), Some(row))))
}

/// [`reading::column`] of one object in a write.
pub(super) fn column_in_write<S: Storage>(
    write: &mut WriteTransaction<S>,
    class: usize,
    column: i32,
    object: f64,
) -> Result<Vec<u8>> {
    let id = write.catalog().id_at(class)?;
    let Some(number) = object_of_number(object) else {
        return Ok(Vec::new());
    };
    if let Ok(column) = u16::try_from(column)
        && write.has_long_row(id, number)
    {
        let path = &[];
        return ValueAt {
            class,
            object,
            column,
            path,
        }
        .work_in_write(write);
    }
    let view = write.view_of_rows(id, std::iter::once(number));
    reading::column(view, class, column, Some(&[object]))
}

impl<S: Storage> WriteTransaction<S> {
    /// Whether an object waits to be encoded.
    fn waits(&self, class: ClassId, object: f64) -> bool {
        object_of_number(object)
            .and_then(|object| self.buffer.get(&(class, object)))
            .is_some_and(|loaded| loaded.is_dirty)
    }

    /// Whether an object waits to be encoded, and is long.
    fn has_long_row(&self, class: ClassId, object: u64) -> bool {
        self.buffer.get(&(class, object)).is_some_and(|loaded| {
            loaded.is_dirty
                && loaded.document.fields.iter().any(|node| match node {
                    Node::List(elements) => elements.len() > SHORT_MAX,
                    Node::Set(elements) => elements.len() > SHORT_MAX,
                    Node::Dictionary(entries) => entries.len() > SHORT_MAX,
                    Node::Value(_) | Node::Object(_) => false,
                })
        })
    }
}
