//! Who links to whom: the backlink table, kept up with the objects, and the targets that do not exist.
//!
//! The table is told when it is needed, not at each change: within one write a list may grow by thousands of
//! links one by one. What it has to be told is counted edit by edit ([`crate::link_counts`]).

use rustc_hash::FxHashMap;
use tidemark_changeset::{CollectionKind, Instruction, Link, Payload, PrimaryKey, Value, order};
use tidemark_model::{Class, Document, Node, Schema, node_at};
use tidemark_storage::{Read, Storage};

use crate::link_counts::{LinkAt, LinkCounts};
use crate::tables::{ABSENT, BACKLINKS, ClassId, INDEX, backlink_key, backlink_prefix, index_key};
use crate::transaction::{Links, WriteTransaction, no_object};
use crate::walk::each_link;
use crate::{Result, StoreError};

/// The links where an instruction acts, as far as it may take them away (before) or bring them (after).
pub(crate) fn links_at(
    schema: &Schema,
    (class, document): (&Class, &Document),
    instruction: &Instruction,
    is_after: bool,
) -> Vec<Link> {
    let mut links = Vec::new();
    let is_looked_at = match instruction {
        Instruction::AddInteger { .. } | Instruction::ArrayMove { .. } => false,
        Instruction::ArrayInsert { .. } => is_after,
        Instruction::ArrayErase { .. } => !is_after,
        _ => true,
    };
    let Some(target) = instruction.target().filter(|_| is_looked_at) else {
        return links;
    };
    let node = node_at(schema, class, document, target);
    match (instruction, node) {
        (
            Instruction::SetInsert { value, .. } | Instruction::SetErase { value, .. },
            Some(Node::Set(elements)),
        ) => {
            if let Payload::Value(Value::Link(link)) = value
                && elements
                    .binary_search_by(|element| order::compare(element, &Value::Link(link.clone())))
                    .is_ok()
            {
                links.push(Link::clone(link));
            }
        }
        (_, Some(node)) => each_link(node, &mut |link| links.push(link.clone())),
        (_, None) => {}
    }
    links
}

/// Where a link comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin {
    pub class: ClassId,
    pub column: u16,
    pub object: u64,
}

impl Origin {
    /// Reads the end of a key of the backlink table.
    pub fn of_key(rest: &[u8]) -> Result<Self> {
        let damaged = || StoreError::Damaged("a backlink is too short");
        let (class, rest) = rest.split_first_chunk::<2>().ok_or_else(damaged)?;
        let (column, rest) = rest.split_first_chunk::<2>().ok_or_else(damaged)?;
        let object = rest.first_chunk::<8>().ok_or_else(damaged)?;
        Ok(Self {
            class: ClassId::from_be_bytes(*class),
            column: u16::from_be_bytes(*column),
            object: u64::from_be_bytes(*object),
        })
    }
}

/// The objects and columns that link to a target, in the order of class, column, creation.
pub(crate) fn origins(from: &impl Read, class: ClassId, key: &PrimaryKey) -> Result<Vec<Origin>> {
    let prefix = backlink_prefix(class, key);
    let entries = from.prefix(BACKLINKS, &prefix)?;
    entries
        .map(|entry| {
            let (key, _) = entry?;
            Origin::of_key(key.get(prefix.len()..).unwrap_or_default())
        })
        .collect()
}

impl<S: Storage> WriteTransaction<S> {
    /// Remembers that an object's links are about to change, and which ones the table knows of.
    pub(crate) fn relink(&mut self, class: ClassId, object: u64) -> Result<()> {
        let known = self.load(class, object)?.links.is_some();
        if !known {
            let links = self.links_of(class, object)?;
            self.load(class, object)?.links = Some(LinkCounts::known(links));
        }
        // Consecutive changes mostly concern one object.
        if self.relinked.last() != Some(&(class, object)) {
            self.relinked.push((class, object));
        }
        Ok(())
    }

    /// An object's document was changed otherwise than by instructions, after [`WriteTransaction::relink`].
    pub(crate) fn rewritten(&mut self, class: ClassId, object: u64) -> Result<()> {
        let loaded = self.load(class, object)?;
        loaded.hidden.get_mut().clear();
        if let Some(links) = &mut loaded.links {
            links.is_stale = true;
        }
        Ok(())
    }

    /// The links of an object as it is now, counted.
    fn links_of(&mut self, class: ClassId, object: u64) -> Result<FxHashMap<LinkAt, u32>> {
        self.load(class, object)?;
        let mut links = FxHashMap::default();
        let loaded = self
            .buffer
            .get(&(class, object))
            .ok_or_else(|| no_object(object))?;
        let mut steps = 0;
        for (column, node) in loaded.document.fields.iter().enumerate() {
            if self.catalog.is_linking(class, column) {
                let column = u16::try_from(column).unwrap_or(u16::MAX);
                each_link(node, &mut |link| {
                    *links.entry((column, link.clone())).or_insert(0) += 1;
                    steps += 1;
                });
            }
        }
        self.took_steps(steps);
        Ok(links)
    }

    /// Brings the backlink table up to date.
    pub(crate) fn flush_links(&mut self) -> Result<()> {
        for (class, object) in std::mem::take(&mut self.relinked) {
            let Some(loaded) = self.buffer.get(&(class, object)) else {
                continue;
            };
            if loaded.links.as_ref().is_some_and(|links| links.is_stale) {
                let now = self.links_of(class, object)?;
                if let Some(links) = &mut self.load(class, object)?.links {
                    links.replace(now);
                }
            }
            let Some(links) = &mut self.load(class, object)?.links else {
                continue;
            };
            let changes = links.take_changes();
            for (column, link) in &changes.gone {
                self.unregister(class, object, *column, link)?;
            }
            for (column, link) in &changes.came {
                self.register(class, object, *column, link)?;
            }
        }
        Ok(())
    }

    /// Makes what the backlink table knows of an object what it is now.
    pub(crate) fn update_links(
        &mut self,
        (class, object): (ClassId, u64),
        known: &Links,
        now: &Links,
    ) -> Result<()> {
        for (column, link) in known.difference(now) {
            self.unregister(class, object, *column, link)?;
        }
        for (column, link) in now.difference(known) {
            self.register(class, object, *column, link)?;
        }
        Ok(())
    }

    fn register(&mut self, class: ClassId, object: u64, column: u16, link: &Link) -> Result<()> {
        let Some(target) = self.catalog.id(&link.class) else {
            return Ok(());
        };
        let key = backlink_key((target, &link.key), class, column, object);
        self.storage.put(BACKLINKS, &key, &[]);
        let entry = index_key(target, &link.key);
        if !self.storage.contains(INDEX, &entry)? && !self.storage.contains(ABSENT, &entry)? {
            self.storage.put(ABSENT, &entry, &[]);
            self.counters(target)?.absent += 1;
            self.hiding += 1;
        }
        Ok(())
    }

    fn unregister(&mut self, class: ClassId, object: u64, column: u16, link: &Link) -> Result<()> {
        let Some(target) = self.catalog.id(&link.class) else {
            return Ok(());
        };
        self.storage.delete(
            BACKLINKS,
            &backlink_key((target, &link.key), class, column, object),
        );
        if self.counters(target)?.absent > 0 {
            let entry = index_key(target, &link.key);
            let is_last = self
                .storage
                .prefix(BACKLINKS, &backlink_prefix(target, &link.key))?
                .next()
                .is_none();
            if is_last && self.storage.contains(ABSENT, &entry)? {
                self.storage.delete(ABSENT, &entry);
                self.counters(target)?.absent -= 1;
            }
        }
        Ok(())
    }

    /// Takes all links of an object out of the table: it is about to go.
    pub(crate) fn forget_links(&mut self, class: ClassId, object: u64) -> Result<()> {
        if !self.catalog.has_links(class) {
            return Ok(());
        }
        let known = match self.load(class, object)?.links.take() {
            Some(links) => links,
            None => LinkCounts::known(self.links_of(class, object)?),
        };
        self.load(class, object)?.links = Some(LinkCounts::default());
        for (column, link) in &known.into_known() {
            self.unregister(class, object, *column, link)?;
        }
        Ok(())
    }

    /// An object came to be: links to it come alive.
    pub(crate) fn appeared(&mut self, class: ClassId, key: &PrimaryKey) -> Result<()> {
        if self.counters(class)?.absent == 0 {
            return Ok(());
        }
        let entry = index_key(class, key);
        if self.storage.contains(ABSENT, &entry)? {
            self.storage.delete(ABSENT, &entry);
            self.counters(class)?.absent -= 1;
            self.hiding += 1;
            self.note_origins(class, key)?;
        }
        Ok(())
    }

    /// An object went: links to it are hidden.
    pub(crate) fn disappeared(&mut self, class: ClassId, key: &PrimaryKey) -> Result<()> {
        if self
            .storage
            .prefix(BACKLINKS, &backlink_prefix(class, key))?
            .next()
            .is_some()
        {
            self.storage.put(ABSENT, &index_key(class, key), &[]);
            self.counters(class)?.absent += 1;
            self.hiding += 1;
            self.note_origins(class, key)?;
        }
        Ok(())
    }

    /// What the reader sees of the origins has changed, though their rows have not.
    fn note_origins(&mut self, class: ClassId, key: &PrimaryKey) -> Result<()> {
        for origin in origins(&self.storage, class, key)? {
            if let Some(definition) = self.catalog.class_of_id(origin.class) {
                let column = definition.columns.get(usize::from(origin.column));
                let is_list = column.is_some_and(|c| c.collection == CollectionKind::List);
                let changes = self.changes.class(&definition.name);
                changes.modify(origin.object, origin.column);
                if is_list {
                    changes.edit(origin.object, origin.column, None);
                }
            }
        }
        Ok(())
    }
}
