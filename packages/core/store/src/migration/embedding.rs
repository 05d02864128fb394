//! Objects of their own become objects inside those that link to them.

use std::sync::Arc;

use tidemark_changeset::{CollectionKind, ColumnType, Link, Name, PrimaryKey, Value};
use tidemark_model::{Class, ClassKind, Document, NESTING_MAX, Node};
use tidemark_storage::{Read, Storage};

use super::Slice;
use super::reshape::links_of;
use crate::catalog::Catalog;
use crate::links::origins;
use crate::tables::{ClassId, INDEX, ROWS, index_key, row_key};
use crate::transaction::{
    Links, Loaded, WriteTransaction, class_of, decode, encode, object_number,
};
use crate::walk::each_link;
use crate::{Result, StoreError};

impl<S: Storage> WriteTransaction<S> {
    /// Makes the objects of a class embedded ones: each moves to where the link to it is. The class must have
    /// no primary key ([`WriteTransaction::release_key`]).
    ///
    /// `resolves`: objects that nothing links to are removed, those with several links go to each place as a
    /// copy.
    ///
    /// # Errors
    ///
    /// If an object would have to be removed or copied and may not be, holds itself, or is held by a set or a
    /// mixed value.
    pub fn embed(&mut self, name: &Name, resolves: bool) -> Result<()> {
        self.begin_migration()?;
        let (id, _) = self.class_named(name)?;
        let definition = class_of(&self.catalog, id)?;
        let is_free = definition
            .key_field()
            .is_some_and(|key| key.name.is_empty());
        if !is_free || definition.is_asymmetric() {
            return Err(refusal(name, "it has a primary key"));
        }
        self.check_embeddable(name, id, resolves)?;
        let before = Arc::clone(&self.catalog);
        for column in 0..class_of(&before, id)?.columns.len() {
            self.drop_index(id, column)?;
        }
        Arc::make_mut(&mut self.catalog).set_kind(name, ClassKind::Embedded);
        let top_level = before
            .classes()
            .filter(|class| !class.is_embedded() && class.name != *name);
        let mut moved = 0;
        let linking = top_level.filter_map(|class| before.id(&class.name));
        for class in linking.filter(|class| before.has_links(*class)) {
            self.each_slice(class, |write, slice| {
                write.embed_slice(&before, class, id, (slice, &mut moved))
            })?;
        }
        // Without copies each object was moved once, but for those that only lead to each other.
        if !resolves && moved != self.counters(id)?.objects {
            return Err(refusal(name, HOLDS_ITSELF));
        }
        // What is left of the class is what was copied from, and what nothing links to.
        self.each_slice(id, |write, slice| {
            for (object, row) in slice {
                let loaded = decode(&before, id, &row)?;
                let known = links_of(&before, id, &loaded.document);
                write.update_links((id, object), &known, &Links::new())?;
                write.storage.delete(ROWS, &row_key(id, object));
                write.storage.delete(INDEX, &index_key(id, &loaded.key));
            }
            Ok(())
        })?;
        self.counters(id)?.objects = 0;
        Ok(())
    }

    fn check_embeddable(&mut self, name: &Name, id: ClassId, resolves: bool) -> Result<()> {
        let catalog = Arc::clone(&self.catalog);
        self.each_slice(id, |write, slice| {
            for (_, row) in slice {
                let key = decode(&catalog, id, &row)?.key;
                let mut links = 0;
                for origin in origins(&write.storage, id, &key)? {
                    let column = usize::from(origin.column);
                    let definition = class_of(&catalog, origin.class)?;
                    if definition.columns.get(column).is_some_and(|column| {
                        column.column_type == ColumnType::Mixed
                            || column.collection == CollectionKind::Set
                    }) {
                        return Err(refusal(name, "a set or a mixed value links to an object"));
                    }
                    let row = write
                        .storage
                        .get(ROWS, &row_key(origin.class, origin.object))?;
                    let row = row.ok_or(StoreError::Damaged("a backlink of no object"))?;
                    let document = decode(&catalog, origin.class, &row)?.document;
                    each_link(document.field(column).unwrap_or(&Node::NULL), &mut |link| {
                        links += usize::from(link.class == *name && link.key == key);
                    });
                }
                match links {
                    1 => {}
                    _ if resolves => {}
                    0 => return Err(refusal(name, NO_LINKS)),
                    _ => return Err(refusal(name, MANY_LINKS)),
                }
            }
            Ok(())
        })
    }

    fn embed_slice(
        &mut self,
        before: &Catalog,
        class: ClassId,
        embedded: ClassId,
        (slice, moved): (Slice, &mut u64),
    ) -> Result<()> {
        let mut bytes = Vec::new();
        for (object, row) in slice {
            let mut loaded: Loaded = decode(before, class, &row)?;
            let known = links_of(before, class, &loaded.document);
            let name = &class_of(before, embedded)?.name;
            if !known.iter().any(|(_, link)| link.class == *name) {
                continue;
            }
            let mut inliner = Inliner {
                write: self,
                before,
                class: class_of(before, embedded)?,
                id: embedded,
                around: Vec::new(),
                moved: 0,
            };
            inliner.document(&mut loaded.document)?;
            *moved += inliner.moved;
            bytes.clear();
            encode(&loaded, &mut bytes);
            self.storage.put(ROWS, &row_key(class, object), &bytes);
            let now = links_of(&self.catalog, class, &loaded.document);
            self.update_links((class, object), &known, &now)?;
        }
        Ok(())
    }
}

const NO_LINKS: &str = "at least one object has no incoming links and would be deleted";
const HOLDS_ITSELF: &str = "an object would hold itself";
const MANY_LINKS: &str = "at least one object has more than one incoming link";

fn refusal(class: &Name, why: &str) -> StoreError {
    StoreError::SchemaMismatch(format!("Cannot convert '{class}' to embedded: {why}."))
}

/// Puts objects where links to them are.
struct Inliner<'a, S: Storage> {
    write: &'a WriteTransaction<S>,
    before: &'a Catalog,
    class: &'a Class,
    id: ClassId,
    /// The objects that the place at hand is in: none of them can be inside itself.
    around: Vec<PrimaryKey>,
    moved: u64,
}

impl<S: Storage> Inliner<'_, S> {
    fn document(&mut self, document: &mut Document) -> Result<()> {
        let mut fields = document.fields.iter_mut();
        fields.try_for_each(|node| self.node(node))
    }

    fn node(&mut self, node: &mut Node) -> Result<()> {
        match node {
            Node::Value(Value::Link(link)) if link.class == self.class.name => {
                *node = self.target(link)?;
            }
            Node::Value(_) | Node::Set(_) => {}
            Node::List(elements) => {
                elements.iter_mut().try_for_each(|it| self.node(it))?;
                if elements.iter().any(|it| matches!(it, Node::Object(_))) {
                    // A hidden link leaves nothing: a list of embedded objects has no empty slots.
                    elements.retain(|it| !it.is_null());
                }
            }
            Node::Dictionary(entries) => {
                entries.values_mut().try_for_each(|it| self.node(it))?;
            }
            Node::Object(object) => self.document(object)?,
        }
        Ok(())
    }

    fn target(&mut self, link: &Link) -> Result<Node> {
        let entry = index_key(self.id, &link.key);
        let Some(object) = self.write.storage.get(INDEX, &entry)? else {
            return Ok(Node::NULL);
        };
        if self.around.contains(&link.key) || self.around.len() >= NESTING_MAX {
            return Err(refusal(&self.class.name, HOLDS_ITSELF));
        }
        let row = row_key(self.id, object_number(&object)?);
        let row = self.write.storage.get(ROWS, &row)?;
        let row = row.ok_or(StoreError::Damaged("an index entry of no object"))?;
        let mut document = decode(self.before, self.id, &row)?.document;
        self.moved += 1;
        self.around.push(link.key.clone());
        self.document(&mut document)?;
        self.around.pop();
        Ok(Node::Object(document))
    }
}
