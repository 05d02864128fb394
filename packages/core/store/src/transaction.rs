//! A write in progress: objects held decoded until they are needed as rows, everything else in the
//! storage's write.
//!
//! Both ways of changing objects end here: local mutations ([`crate::local`]) and downloaded instructions
//! ([`WriteTransaction::apply`]). What a local mutation does is written as instructions, applied like
//! downloaded ones and recorded, so that state and history cannot disagree.

mod flushing;
mod schema;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tidemark_changeset::codec::Encoder;
use tidemark_changeset::packed::{self, write_key};
use tidemark_changeset::{CollectionKind, Instruction, Link, Name, PrimaryKey};
use tidemark_model::{Class, Document, Problem, apply_to_document};
use tidemark_storage::{Read, Storage, Write};

use crate::catalog::Catalog;
use crate::changes::{Changes, Columns};
use crate::compaction::Notes;
use crate::greatest::Greatest;
use crate::head::{Counters, Head};
use crate::hidden::{self, HiddenSlots};
use crate::indexes::IndexKeys;
use crate::link_counts::LinkCounts;
use crate::links::links_at;
use crate::list_edits::{ListEdit, list_edit};
use crate::tables::{ClassId, INDEX, ROWS, index_key, row_key};
use crate::view::View;
use crate::{Result, StoreError};

/// Links of one object: column and target.
pub(crate) type Links = BTreeSet<(u16, Link)>;

/// An object that this write has touched.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub key: PrimaryKey,
    pub document: Document,
    /// Whether the row in the storage's write is older than the document.
    pub is_dirty: bool,
    /// Whether this write created it.
    pub is_fresh: bool,
    /// Columns that this write touched.
    pub touched: Columns,
    /// The object's links, once they may differ from those that the backlink table knows of.
    pub links: Option<LinkCounts>,
    /// Slots that the application does not see, of lists that were looked through.
    pub hidden: RefCell<Vec<HiddenSlots>>,
    /// Where in a list a link was taken away last because its target went: the next one is likely near.
    pub nullified_at: usize,
    /// The keys that the indexes know the object by, once an indexed column may differ.
    pub index_keys: Option<IndexKeys>,
}

/// How an instruction found a column of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touch {
    pub column: u16,
    /// Whether this write had not touched it.
    pub is_first: bool,
    /// Whether this write created the object.
    pub is_fresh: bool,
}

/// An object that a downloaded instruction erased, in case a later one of the same commit creates it again.
#[derive(Debug)]
pub(crate) struct Erased {
    pub object: u64,
    pub document: Document,
}

/// The one open write of a database.
pub struct WriteTransaction<S: Storage> {
    pub(crate) storage: Write<S>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) head: Head,
    counters: FxHashMap<ClassId, KnownCounters>,
    /// The first object of each class that this write created as a row alone ([`crate::flat`]).
    pub(crate) flat_from: FxHashMap<ClassId, u64>,
    /// What is known of the keys of each class.
    pub(crate) greatest: FxHashMap<ClassId, Greatest>,
    /// Room for a row that is being written.
    pub(crate) row: Vec<u8>,
    pub(crate) buffer: FxHashMap<(ClassId, u64), Loaded>,
    /// Objects whose row must be written.
    dirty: Vec<(ClassId, u64)>,
    /// Objects whose links must be compared with the backlink table.
    pub(crate) relinked: Vec<(ClassId, u64)>,
    pub(crate) erased: FxHashMap<(ClassId, PrimaryKey), Erased>,
    /// Objects of asymmetric classes: gone at the commit.
    pub(crate) asymmetric: Vec<(ClassId, u64)>,
    pub(crate) changes: Changes,
    /// Takes what a local write does; `None` when nothing is recorded.
    pub(crate) recorder: Option<Encoder>,
    /// Follows what is recorded, for compaction.
    pub(crate) notes: Option<Notes>,
    /// What was looked for last, and what was found: consecutive instructions mostly speak of one object, and
    /// in a bootstrap of one that is not there.
    pub(crate) last_find: Option<(ClassId, PrimaryKey, Option<u64>)>,
    /// Grows whenever links that stay where they are become hidden or visible.
    pub(crate) hiding: u64,
    /// See [`WriteTransaction::steps`].
    steps: Cell<u64>,
}

/// Counters of a class as they are, and as the storage's write has them.
#[derive(Clone, Copy, Debug)]
struct KnownCounters {
    now: Counters,
    stored: Counters,
}

impl<S: Storage> WriteTransaction<S> {
    pub(crate) fn new(storage: Write<S>, catalog: Arc<Catalog>, head: Head, records: bool) -> Self {
        Self {
            storage,
            catalog,
            head,
            counters: FxHashMap::default(),
            flat_from: FxHashMap::default(),
            greatest: FxHashMap::default(),
            row: Vec::new(),
            buffer: FxHashMap::default(),
            dirty: Vec::new(),
            relinked: Vec::new(),
            erased: FxHashMap::default(),
            asymmetric: Vec::new(),
            changes: Changes {
                complete: true,
                ..Changes::default()
            },
            recorder: records.then(Encoder::new),
            notes: None,
            last_find: None,
            hiding: 0,
            steps: Cell::new(0),
        }
    }

    /// How many slots and links of collections were looked through, and bytes of rows written: what one edit
    /// of a long list must not grow with.
    pub fn steps(&self) -> u64 {
        self.steps.get()
    }

    pub(crate) fn took_steps(&self, count: usize) {
        self.steps.set(self.steps.get() + count as u64);
    }

    /// The schema as this write has left it.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The version that the commit will have.
    pub fn next_version(&self) -> u64 {
        self.head.version + 1
    }

    /// Reads with the changes of this write.
    pub fn view(&mut self) -> Result<View<'_, Write<S>>> {
        self.flush()?;
        Ok(View::new(&self.storage, &self.catalog))
    }

    pub(crate) fn counters(&mut self, class: ClassId) -> Result<&mut Counters> {
        if !self.counters.contains_key(&class) {
            let stored = Counters::read(&self.storage, class)?;
            let now = stored;
            self.counters.insert(class, KnownCounters { now, stored });
        }
        self.counters
            .get_mut(&class)
            .map(|known| &mut known.now)
            .ok_or(StoreError::Damaged("lost counters"))
    }

    pub(crate) fn known_counters(&self, class: ClassId) -> Option<Counters> {
        self.counters.get(&class).map(|known| known.now)
    }

    /// A class went, and its numbers with it.
    pub(crate) fn forget_counters(&mut self, class: ClassId) {
        self.counters.remove(&class);
    }

    /// The object with this primary key.
    pub(crate) fn find(&mut self, class: ClassId, key: &PrimaryKey) -> Result<Option<u64>> {
        if let Some((last_class, last_key, object)) = &self.last_find
            && *last_class == class
            && last_key == key
        {
            return Ok(*object);
        }
        let entry = self.storage.get(INDEX, &index_key(class, key))?;
        let object = entry.map(|bytes| object_number(&bytes)).transpose()?;
        self.last_find = Some((class, key.clone(), object));
        Ok(object)
    }

    /// Whether links to an object are hidden because it does not exist.
    pub(crate) fn is_absent(&self, link: &Link) -> Result<bool> {
        let Some(class) = self.catalog.id(&link.class) else {
            return Ok(true);
        };
        Ok(self.absent_of(class)? > 0
            && !self.storage.contains(INDEX, &index_key(class, &link.key))?)
    }

    /// The object, decoded.
    pub(crate) fn load(&mut self, class: ClassId, object: u64) -> Result<&mut Loaded> {
        let is_fresh = self.is_flat_fresh(class, object);
        match self.buffer.entry((class, object)) {
            Entry::Occupied(loaded) => Ok(loaded.into_mut()),
            Entry::Vacant(place) => {
                let bytes = self.storage.get(ROWS, &row_key(class, object))?;
                let bytes = bytes.ok_or_else(|| no_object(object))?;
                let mut loaded = decode(&self.catalog, class, &bytes)?;
                if is_fresh {
                    loaded.is_fresh = true;
                    // Which columns it was given is not remembered: any may have been.
                    for column in (0..).take(loaded.document.fields.len()) {
                        loaded.touched.insert(column);
                    }
                }
                Ok(place.insert(loaded))
            }
        }
    }

    /// Adds an object that does not exist.
    pub(crate) fn insert(&mut self, class: ClassId, key: &PrimaryKey) -> Result<u64> {
        let definition = class_of(&self.catalog, class)?;
        let document = Document::new(definition);
        let is_asymmetric = definition.is_asymmetric();
        let revived = self.erased.remove(&(class, key.clone()));
        let counters = self.counters(class)?;
        counters.objects += 1;
        let object = revived
            .as_ref()
            .map_or(counters.next_object, |erased| erased.object);
        counters.next_object = counters.next_object.max(object + 1);
        self.put_index(class, &index_key(class, key), object);
        let loaded = Loaded {
            key: key.clone(),
            document,
            is_dirty: true,
            is_fresh: revived.is_none(),
            touched: Columns::default(),
            links: self.catalog.has_links(class).then(LinkCounts::default),
            hidden: RefCell::default(),
            nullified_at: 0,
            index_keys: (!self.catalog.indexes_of(class).is_empty()).then(IndexKeys::new),
        };
        self.buffer.insert((class, object), loaded);
        self.dirty.push((class, object));
        match revived {
            // Compared with what it was when the write ends.
            Some(erased) => drop(self.erased.insert((class, key.clone()), erased)),
            None => self.note(class, |changes| changes.insert(object)),
        }
        if is_asymmetric {
            self.asymmetric.push((class, object));
        }
        self.last_find = Some((class, key.clone(), Some(object)));
        self.appeared(class, key)?;
        Ok(object)
    }

    /// Removes an object; links to it stay. `may_return` says whether a later instruction may create it
    /// again.
    pub(crate) fn remove(&mut self, class: ClassId, object: u64, may_return: bool) -> Result<()> {
        self.load(class, object)?;
        self.forget_links(class, object)?;
        self.forget_entries(class, object)?;
        let loaded = self
            .buffer
            .remove(&(class, object))
            .ok_or_else(|| no_object(object))?;
        self.last_find = None;
        self.storage.delete(INDEX, &index_key(class, &loaded.key));
        self.storage.delete(ROWS, &row_key(class, object));
        self.counters(class)?.objects -= 1;
        let earlier = self.erased.contains_key(&(class, loaded.key.clone()));
        if may_return && !loaded.is_fresh && !earlier {
            let erased = Erased {
                object,
                document: loaded.document,
            };
            self.erased.insert((class, loaded.key.clone()), erased);
        }
        self.note(class, |changes| changes.delete(object));
        self.disappeared(class, &loaded.key)
    }

    /// Whether this write created the object or changed something in it.
    pub(crate) fn is_touched(&self, class: ClassId, object: u64) -> bool {
        let loaded = self.buffer.get(&(class, object));
        loaded.is_some_and(|loaded| loaded.is_fresh || loaded.touched.iter().next().is_some())
    }

    fn note(&mut self, class: ClassId, note: impl FnOnce(&mut crate::changes::ClassChanges)) {
        if let Some(definition) = self.catalog.class_of_id(class) {
            note(self.changes.class(&definition.name));
        }
    }

    /// Remembers that a column of an object is about to change.
    pub(crate) fn touch(&mut self, class: ClassId, object: u64, column: usize) -> Result<Touch> {
        let linking = self.catalog.is_linking(class, column);
        let is_indexed = self.catalog.index_of(class, column).is_some();
        let loaded = self.load(class, object)?;
        let column = u16::try_from(column).unwrap_or(u16::MAX);
        let touch = Touch {
            column,
            is_first: loaded.touched.insert(column),
            is_fresh: loaded.is_fresh,
        };
        let was_dirty = std::mem::replace(&mut loaded.is_dirty, true);
        if !was_dirty {
            self.dirty.push((class, object));
        }
        if linking {
            self.relink(class, object)?;
        }
        if is_indexed {
            self.remember_entries(class, object)?;
        }
        Ok(touch)
    }

    /// Applies one instruction to the state, with the meaning it has when it was downloaded. It is not
    /// recorded.
    pub fn apply(&mut self, instruction: &Instruction) -> Result<()> {
        let Some((name, key)) = instruction.object() else {
            return self.apply_schema(instruction);
        };
        let class = self.keyed_class(name, key, instruction)?;
        match instruction {
            Instruction::CreateObject { .. } => {
                if self.find(class, key)?.is_none() {
                    self.insert(class, key)?;
                }
                Ok(())
            }
            Instruction::EraseObject { .. } => match self.find(class, key)? {
                Some(object) => self.remove(class, object, true),
                None => Ok(()),
            },
            _ => match self.find(class, key)? {
                Some(object) => self.apply_inside(class, object, instruction).map(drop),
                None => Err(Problem::NoSuchObject.at(instruction).into()),
            },
        }
    }

    /// The class of an instruction, if its objects can have such a key.
    fn keyed_class(
        &self,
        name: &Name,
        key: &PrimaryKey,
        instruction: &Instruction,
    ) -> Result<ClassId> {
        let id = self.catalog.id(name);
        let (Some(id), Some(class)) = (id, self.catalog.class(name)) else {
            return Err(Problem::NoSuchClass(name.clone()).at(instruction).into());
        };
        if !class.accepts_key(key) {
            return Err(Problem::KeyMismatch.at(instruction).into());
        }
        Ok(id)
    }

    /// Applies an instruction that acts inside an object.
    pub(crate) fn apply_inside(
        &mut self,
        class: ClassId,
        object: u64,
        instruction: &Instruction,
    ) -> Result<Touch> {
        let target = instruction
            .target()
            .ok_or_else(|| StoreError::from(Problem::InvalidPath.at(instruction)))?;
        let column = class_of(&self.catalog, class)?.column_index(&target.field);
        let column = column.ok_or_else(|| {
            StoreError::from(Problem::NoSuchField(target.field.clone()).at(instruction))
        })?;
        let touch = self.touch(class, object, column)?;
        let definition = class_of(&self.catalog, class)?;
        let loaded = self
            .buffer
            .get_mut(&(class, object))
            .ok_or_else(|| no_object(object))?;
        let is_list = !touch.is_fresh
            && (definition.columns.get(column))
                .is_some_and(|c| c.collection == CollectionKind::List);
        let edit = is_list.then(|| list_edit(instruction, &loaded.document, column));
        let schema = &self.catalog.schema;
        let before = (loaded.links.is_some() && self.catalog.is_linking(class, column))
            .then(|| links_at(schema, (definition, &loaded.document), instruction, false));
        apply_to_document(schema, definition, &mut loaded.document, instruction)?;
        if let (Some(before), Some(links)) = (before, &mut loaded.links) {
            let after = links_at(schema, (definition, &loaded.document), instruction, true);
            for link in before {
                links.take((touch.column, link));
            }
            for link in after {
                links.add((touch.column, link));
            }
        }
        self.follow_hidden(class, object, touch.column, instruction);
        if let Some(edit) = edit {
            self.note_edit(class, object, touch.column, edit)?;
        }
        Ok(touch)
    }

    fn follow_hidden(
        &mut self,
        class: ClassId,
        object: u64,
        column: u16,
        instruction: &Instruction,
    ) {
        let Some(loaded) = self.buffer.get(&(class, object)) else {
            return;
        };
        let mut known = loaded.hidden.borrow_mut();
        if !known.is_empty() {
            // What cannot be looked up is not followed any more.
            let is_lost = Cell::new(false);
            let is_hidden = |link: &Link| {
                self.is_absent(link).unwrap_or_else(|_| {
                    is_lost.set(true);
                    false
                })
            };
            hidden::follow(&mut known, column, instruction, &is_hidden);
            if is_lost.get() {
                known.clear();
            }
        }
    }

    /// Notes an edit of a list for listeners, unless some of its elements are hidden from them.
    pub(crate) fn note_edit(
        &mut self,
        class: ClassId,
        object: u64,
        column: u16,
        edit: Option<ListEdit>,
    ) -> Result<()> {
        let definition = class_of(&self.catalog, class)?;
        let column_spec = definition.columns.get(usize::from(column));
        let target = column_spec.and_then(|spec| self.catalog.id(spec.target.as_ref()?));
        let absent = match target {
            None => 0,
            Some(target) => self.absent_of(target)?,
        };
        let edit = edit.filter(|_| absent == 0);
        self.note(class, |changes| changes.edit(object, column, edit));
        Ok(())
    }

    pub(crate) fn record(&mut self, instruction: &Instruction) {
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        // A client names the class of the embedded object that it changes, though the instruction does not.
        if let Some(target) = instruction
            .target()
            .filter(|target| !target.path.is_empty())
            && let Some(owner) = self.catalog.schema.owner(target)
            && owner.is_embedded()
        {
            recorder.define(&owner.name);
        }
        recorder.push(instruction);
    }
}

pub(crate) fn class_of(catalog: &Catalog, class: ClassId) -> Result<&Class> {
    catalog
        .class_of_id(class)
        .ok_or(StoreError::Damaged("a class is missing"))
}

pub(crate) fn no_object(object: u64) -> StoreError {
    StoreError::NotFound(format!("No object has key {object}"))
}

pub(crate) fn object_number(bytes: &[u8]) -> Result<u64> {
    let bytes = bytes
        .first_chunk::<8>()
        .ok_or(StoreError::Damaged("an index entry ends early"))?;
    Ok(u64::from_le_bytes(*bytes))
}

pub(crate) fn object_at(key: &[u8]) -> Result<u64> {
    crate::tables::object_of(key).ok_or(StoreError::Damaged("a row key is too short"))
}

pub(crate) fn encode(loaded: &Loaded, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0; 4]);
    write_key(out, &loaded.key);
    let length = u32::try_from(out.len() - 4).expect("keys are far below 4 GiB");
    out[..4].copy_from_slice(&length.to_le_bytes());
    loaded.document.write_row(out);
}

/// Takes a stored row apart: packed primary key and row bytes.
pub(crate) fn split_row(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let (length, rest) = bytes
        .split_first_chunk::<4>()
        .ok_or(StoreError::Damaged("a row ends early"))?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
        .ok_or(StoreError::Damaged("a row ends early"))
}

pub(crate) fn decode(catalog: &Catalog, class: ClassId, bytes: &[u8]) -> Result<Loaded> {
    let (key, row) = split_row(bytes)?;
    let key = packed::read_key(key).map_err(|_| StoreError::Damaged("a key cannot be read"))?;
    let mut document =
        Document::from_row(row).map_err(|_| StoreError::Damaged("a row cannot be read"))?;
    document.fill_deep(&catalog.schema, class_of(catalog, class)?);
    Ok(Loaded {
        key,
        document,
        is_dirty: false,
        is_fresh: false,
        touched: Columns::default(),
        links: None,
        hidden: RefCell::default(),
        nullified_at: 0,
        index_keys: None,
    })
}
