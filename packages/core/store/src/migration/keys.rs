//! Another primary key for a class, in two steps: the key becomes a property and the class has keys of its
//! own; later a property becomes the key. The two kinds of keys never equal each other, so that no object is
//! in another's way; and in between the application can give the new ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tidemark_changeset::{CollectionKind, KeyType, Name, PrimaryKey, Value, order};
use tidemark_model::{ClassKind, Column, Node};
use tidemark_storage::{Read, Storage};

use super::SLICE_ROWS_MAX;
use super::reshape::{NewColumn, Source, key_of_value, key_type_of, type_of_key};
use crate::links::origins;
use crate::tables::{ABSENT, ClassId, INDEX, ROWS, index_key, row_key};
use crate::transaction::{WriteTransaction, class_of, decode, encode, no_object};
use crate::{Result, StoreError};

/// An object gets another key: object, the one it has, the one it gets.
type Rekeyed = (u64, PrimaryKey, PrimaryKey);

impl<S: Storage> WriteTransaction<S> {
    /// Makes the primary key of a class an ordinary property, the last one. Links go on to lead to the same
    /// objects.
    ///
    /// # Errors
    ///
    /// If the class has no primary key.
    pub fn release_key(&mut self, name: &Name) -> Result<()> {
        self.begin_migration()?;
        let (id, _) = self.class_named(name)?;
        let class = class_of(&self.catalog, id)?;
        let key = class.key_field().and_then(|key| {
            let column = Column {
                name: key.name.clone(),
                column_type: type_of_key(key.key_type)?,
                nullable: key.nullable,
                collection: CollectionKind::Single,
                target: None,
            };
            Some(NewColumn {
                column,
                source: Source::Key,
            })
        });
        let Some(key) = key else {
            return Err(StoreError::NotFound(format!(
                "Class '{name}' has no primary key"
            )));
        };
        let columns = class.columns.iter().map(kept);
        let columns: Vec<_> = columns.chain([key]).collect();
        let kind = keyed(&class.kind, (Name::from(""), None, false));
        // The name is free for a column once it is not the key's.
        let before = class.kind.clone();
        self.rename_key_away(name, &before);
        self.reshape(name, &columns)?;
        self.each_slice(id, |write, slice| {
            let keys = slice.iter().map(|(object, row)| {
                let loaded = decode(&write.catalog, id, row)?;
                Ok((*object, loaded.key, PrimaryKey::GlobalKey(0, *object)))
            });
            let keys = keys.collect::<Result<Vec<_>>>()?;
            write.rekey(id, &keys)
        })?;
        Arc::make_mut(&mut self.catalog).set_kind(name, kind);
        Ok(())
    }

    /// While the values of the key move to a column, no field has its name.
    fn rename_key_away(&mut self, name: &Name, kind: &ClassKind) {
        let mut kind = kind.clone();
        if let ClassKind::TopLevel { key_field, .. } | ClassKind::Asymmetric { key_field, .. } =
            &mut kind
        {
            *key_field = Name::from("");
        }
        Arc::make_mut(&mut self.catalog).set_kind(name, kind);
    }

    /// Makes a property the primary key of a class that has none. Links go on to lead to the same objects.
    ///
    /// # Errors
    ///
    /// [`StoreError::DuplicateKeys`] if two objects have the same value: the write must be given up then.
    /// Others if the class has a primary key, or no such property of a type that keys have.
    pub fn make_key(&mut self, name: &Name, field: &Name) -> Result<()> {
        self.begin_migration()?;
        let (id, _) = self.class_named(name)?;
        let class = class_of(&self.catalog, id)?;
        let is_free = class.key_field().is_some_and(|key| key.name.is_empty());
        let index = class.column_index(field).filter(|_| is_free);
        let column = index.and_then(|index| class.columns.get(index));
        let key_type = column.and_then(key_type_of);
        let (Some(index), Some(column), Some(key_type)) = (index, column, key_type) else {
            return Err(StoreError::SchemaMismatch(format!(
                "Property '{name}.{field}' cannot be made the primary key."
            )));
        };
        let kind = keyed(
            &class.kind,
            (field.clone(), Some(key_type), column.nullable),
        );
        let default = Node::default_of(column);
        let others = class.columns.iter().filter(|column| column.name != *field);
        let others: Vec<_> = others.map(kept).collect();
        self.each_slice(id, |write, slice| {
            let keys = slice.iter().map(|(object, row)| {
                let loaded = decode(&write.catalog, id, row)?;
                let key = match loaded.document.field(index).unwrap_or(&default) {
                    Node::Value(value) => key_of_value(value),
                    _ => None,
                };
                let key = key.ok_or(StoreError::Damaged("a key of another type"))?;
                Ok((*object, loaded.key, key))
            });
            let keys = keys.collect::<Result<Vec<_>>>()?;
            let is_taken = |key| write.storage.contains(INDEX, &index_key(id, key));
            let mut new = BTreeSet::new();
            for (_, _, key) in &keys {
                if !new.insert(key) || is_taken(key)? {
                    return Err(StoreError::DuplicateKeys(format!("{name}.{field}")));
                }
            }
            write.rekey(id, &keys)
        })?;
        self.reshape(name, &others)?;
        Arc::make_mut(&mut self.catalog).set_kind(name, kind);
        Ok(())
    }

    /// Gives objects other keys. None of the new ones is that of an object.
    fn rekey(&mut self, class: ClassId, keys: &[Rekeyed]) -> Result<()> {
        let mut bytes = Vec::new();
        for (object, old, new) in keys {
            let row = self.storage.get(ROWS, &row_key(class, *object))?;
            let row = row.ok_or_else(|| no_object(*object))?;
            let mut loaded = decode(&self.catalog, class, &row)?;
            loaded.key = new.clone();
            bytes.clear();
            encode(&loaded, &mut bytes);
            self.storage.put(ROWS, &row_key(class, *object), &bytes);
            self.storage.delete(INDEX, &index_key(class, old));
            let entry = index_key(class, new);
            self.put_index(class, &entry, *object);
            if self.storage.contains(ABSENT, &entry)? {
                self.storage.delete(ABSENT, &entry);
                self.counters(class)?.absent -= 1;
                self.hiding += 1;
            }
        }
        let name = class_of(&self.catalog, class)?.name.clone();
        let new_keys: BTreeMap<_, _> = keys.iter().map(|(_, old, new)| (old, new)).collect();
        // A place with links to many of these objects is gone through once.
        let mut relinked = BTreeSet::new();
        for (_, old, _) in keys {
            if self.buffer.len() > SLICE_ROWS_MAX {
                self.let_go()?;
            }
            for origin in origins(&self.storage, class, old)? {
                if !relinked.insert((origin.class, origin.object, origin.column)) {
                    continue;
                }
                let column = usize::from(origin.column);
                self.touch(origin.class, origin.object, column)?;
                let loaded = self.load(origin.class, origin.object)?;
                if let Some(node) = loaded.document.fields.get_mut(column) {
                    relink(node, &name, &new_keys);
                }
                self.rewritten(origin.class, origin.object)?;
            }
        }
        Ok(())
    }
}

fn kept(column: &Column) -> NewColumn {
    NewColumn {
        column: column.clone(),
        source: Source::Column(column.name.clone()),
    }
}

/// The same kind of class with another key; with one of its own if there is no type.
fn keyed(kind: &ClassKind, key: (Name, Option<KeyType>, bool)) -> ClassKind {
    let (key_field, key_type, key_nullable) = key;
    let key_type = key_type.unwrap_or(KeyType::GlobalKey);
    match kind {
        ClassKind::Embedded => ClassKind::Embedded,
        ClassKind::TopLevel { .. } => ClassKind::TopLevel {
            key_field,
            key_type,
            key_nullable,
        },
        ClassKind::Asymmetric { .. } => ClassKind::Asymmetric {
            key_field,
            key_type,
            key_nullable,
        },
    }
}

/// Makes links lead to objects by their new keys.
fn relink(node: &mut Node, class: &Name, keys: &BTreeMap<&PrimaryKey, &PrimaryKey>) {
    let follow = |value: &mut Value| {
        let Value::Link(link) = value else { return };
        if link.class != *class {
            return;
        }
        if let Some(key) = keys.get(&link.key) {
            link.key = PrimaryKey::clone(key);
        }
    };
    match node {
        Node::Value(value) => follow(value),
        Node::Set(elements) => {
            elements.iter_mut().for_each(follow);
            elements.sort_by(order::compare);
        }
        Node::List(elements) => elements.iter_mut().for_each(|it| relink(it, class, keys)),
        Node::Dictionary(entries) => entries.values_mut().for_each(|it| relink(it, class, keys)),
        Node::Object(object) => object
            .fields
            .iter_mut()
            .for_each(|it| relink(it, class, keys)),
    }
}
