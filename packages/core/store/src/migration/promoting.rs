//! Embedded objects become objects of their own, linked to from where they were.

use std::sync::Arc;

use tidemark_changeset::{KeyType, Link, Name, PrimaryKey, Value};
use tidemark_model::{Class, ClassKind, Document, Node};
use tidemark_storage::Storage;

use super::Slice;
use super::reshape::holds;
use crate::catalog::Catalog;
use crate::tables::ClassId;
use crate::transaction::{WriteTransaction, class_of, decode};
use crate::{Result, StoreError};

impl<S: Storage> WriteTransaction<S> {
    /// Makes the objects of an embedded class objects of their own, without a primary key: a link to each is
    /// where it was.
    ///
    /// # Errors
    ///
    /// If the class is not embedded.
    pub fn promote(&mut self, name: &Name) -> Result<()> {
        self.begin_migration()?;
        let (id, _) = self.class_named(name)?;
        if !class_of(&self.catalog, id)?.is_embedded() {
            return Err(StoreError::SchemaMismatch(format!(
                "Class '{name}' is not embedded."
            )));
        }
        let before = Arc::clone(&self.catalog);
        let kind = ClassKind::TopLevel {
            key_field: Name::from(""),
            key_type: KeyType::GlobalKey,
            key_nullable: false,
        };
        Arc::make_mut(&mut self.catalog).set_kind(name, kind);
        let holders = before
            .classes()
            .filter(|class| !class.is_embedded() && holds(&before, class, name, &mut Vec::new()));
        for class in holders.filter_map(|class| before.id(&class.name)) {
            self.each_slice(class, |write, slice| {
                write.promote_slice(&before, (name, id), class, slice)
            })?;
        }
        Ok(())
    }

    fn promote_slice(
        &mut self,
        before: &Catalog,
        promoted: (&Name, ClassId),
        holder: ClassId,
        slice: Slice,
    ) -> Result<()> {
        let definition = class_of(before, holder)?;
        for (object, row) in slice {
            let document = decode(before, holder, &row)?.document;
            let places = definition.columns.iter().zip(document.fields).enumerate();
            for (index, (column, mut node)) in places {
                let Some(inner) = before.schema.embedded_target(column) else {
                    continue;
                };
                if self.promote_node(before, promoted, inner, &mut node)? {
                    self.touch(holder, object, index)?;
                    let fields = &mut self.load(holder, object)?.document.fields;
                    let field = fields.get_mut(index);
                    *field.ok_or(StoreError::Damaged("a row ends early"))? = node;
                    self.rewritten(holder, object)?;
                }
            }
        }
        Ok(())
    }

    /// Says whether anything was there.
    fn promote_node(
        &mut self,
        before: &Catalog,
        promoted: (&Name, ClassId),
        class: &Class,
        node: &mut Node,
    ) -> Result<bool> {
        let mut is_changed = false;
        match node {
            Node::Value(_) | Node::Set(_) => {}
            Node::List(elements) => {
                for element in elements {
                    is_changed |= self.promote_node(before, promoted, class, element)?;
                }
            }
            Node::Dictionary(entries) => {
                for entry in entries.values_mut() {
                    is_changed |= self.promote_node(before, promoted, class, entry)?;
                }
            }
            Node::Object(document) => {
                for (column, field) in class.columns.iter().zip(&mut document.fields) {
                    if let Some(inner) = before.schema.embedded_target(column) {
                        is_changed |= self.promote_node(before, promoted, inner, field)?;
                    }
                }
                if class.name == *promoted.0 {
                    let key = self.settle(promoted.1, std::mem::take(&mut document.fields))?;
                    *node = Node::Value(Value::Link(Box::new(Link {
                        class: class.name.clone(),
                        key,
                    })));
                    is_changed = true;
                }
            }
        }
        Ok(is_changed)
    }

    /// A new object with these fields.
    fn settle(&mut self, class: ClassId, fields: Vec<Node>) -> Result<PrimaryKey> {
        let key = PrimaryKey::GlobalKey(0, self.counters(class)?.next_object);
        let object = self.insert(class, &key)?;
        for column in 0..fields.len() {
            self.touch(class, object, column)?;
        }
        self.load(class, object)?.document = Document { fields };
        self.rewritten(class, object)?;
        Ok(key)
    }
}
