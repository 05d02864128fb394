//! The instructions that make one value equal to another one with few writes: equal beginnings and ends of
//! lists stay, elements between are assigned one by one, embedded objects are changed in place.
//!
//! Links to objects that do not exist are not written, as a client never writes them: they are left out of
//! lists and sets, and null elsewhere. Such links that stand on both sides already stay.

use std::collections::BTreeMap;

use tidemark_changeset::{
    CollectionKind, Instruction, Link, Name, PathElement, Payload, Target, UpdateKind, Value, order,
};
use tidemark_model::{Class, Column, Document, Node, Schema};

use crate::walk::narrow;
use crate::{Result, StoreError};

/// Collects the instructions.
pub(super) struct Painter<'a> {
    schema: &'a Schema,
    exists: &'a dyn Fn(&Link) -> Result<bool>,
    /// Where the painter is.
    target: Target,
    pub out: Vec<Instruction>,
    /// Links that were not written because nothing is there.
    pub missing: Vec<Link>,
}

impl<'a> Painter<'a> {
    pub fn new(
        schema: &'a Schema,
        exists: &'a dyn Fn(&Link) -> Result<bool>,
        target: Target,
    ) -> Self {
        Self {
            schema,
            exists,
            target,
            out: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// Makes the list at the target equal to another one.
    pub fn list(&mut self, column: &Column, source: &[Node], target: &[Node]) -> Result<()> {
        let common = |pairs: &mut dyn Iterator<Item = (&Node, &Node)>| {
            pairs
                .take_while(|(source, target)| source == target)
                .count()
        };
        let start = common(&mut source.iter().zip(target));
        let shorter = source.len().min(target.len()) - start;
        let end = common(&mut source.iter().rev().zip(target.iter().rev())).min(shorter);
        let source = source.get(start..source.len() - end).unwrap_or_default();
        let middle = target.get(start..target.len() - end).unwrap_or_default();
        let mut wanted = Vec::with_capacity(source.len());
        for element in source {
            if !self.is_missing(element)? {
                wanted.push(element);
            }
        }
        let mut size = target.len();
        for (index, (source, target)) in (start..).zip(wanted.iter().zip(middle)) {
            if *source != target {
                let kind = UpdateKind::Element {
                    prior_size: narrow(size)?,
                };
                self.inside(PathElement::Index(narrow(index)?), |painter| {
                    painter.place(column, source, Some(target), kind)
                })?;
            }
        }
        for (index, source) in (start..).zip(&wanted).skip(middle.len()) {
            let prior_size = narrow(size)?;
            size += 1;
            self.inside(PathElement::Index(narrow(index)?), |painter| {
                let target = painter.target.clone();
                let value = source.marker();
                painter.out.push(Instruction::ArrayInsert {
                    target,
                    value,
                    prior_size,
                });
                painter.fill(column, source)
            })?;
        }
        for index in (start + wanted.len()..start + middle.len()).rev() {
            let prior_size = narrow(size)?;
            size -= 1;
            self.inside(PathElement::Index(narrow(index)?), |painter| {
                let target = painter.target.clone();
                painter
                    .out
                    .push(Instruction::ArrayErase { target, prior_size });
                Ok(())
            })?;
        }
        Ok(())
    }

    fn inside(
        &mut self,
        element: PathElement,
        work: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.target.path.push(element);
        let result = work(self);
        self.target.path.pop();
        result
    }

    /// Whether an element is a link to nothing; it is noted then.
    fn is_missing(&mut self, node: &Node) -> Result<bool> {
        match node {
            Node::Value(value) => self.is_missing_value(value),
            _ => Ok(false),
        }
    }

    fn is_missing_value(&mut self, value: &Value) -> Result<bool> {
        let Value::Link(link) = value else {
            return Ok(false);
        };
        if (self.exists)(link)? {
            return Ok(false);
        }
        self.missing.push((**link).clone());
        Ok(true)
    }

    fn update(&mut self, value: Payload, kind: UpdateKind) {
        let target = self.target.clone();
        self.out.push(Instruction::Update {
            target,
            value,
            kind,
        });
    }

    /// Makes what stands at the target, in a property, list or dictionary, equal to `source`. `old` is what
    /// stands there: nothing under a new key.
    fn place(
        &mut self,
        column: &Column,
        source: &Node,
        old: Option<&Node>,
        kind: UpdateKind,
    ) -> Result<()> {
        match (source, old) {
            (Node::List(source), Some(Node::List(old))) => self.list(column, source, old),
            (Node::Dictionary(source), Some(Node::Dictionary(old))) => {
                self.dictionary(column, source, old)
            }
            (Node::Object(source), Some(Node::Object(old))) => {
                self.object(self.embedded(column)?, source, old)
            }
            (Node::Value(value), _) => {
                let value = if self.is_missing_value(value)? {
                    Value::Null
                } else {
                    value.clone()
                };
                self.update(Payload::Value(value), kind);
                Ok(())
            }
            _ => {
                self.update(source.marker(), kind);
                self.fill(column, source)
            }
        }
    }

    /// Fills what was just made at the target.
    fn fill(&mut self, column: &Column, source: &Node) -> Result<()> {
        match source {
            Node::Value(_) | Node::Set(_) => Ok(()),
            Node::List(source) => self.list(column, source, &[]),
            Node::Dictionary(source) => self.dictionary(column, source, &BTreeMap::new()),
            Node::Object(source) => {
                let class = self.embedded(column)?;
                self.object(class, source, &Document::new(class))
            }
        }
    }

    fn embedded(&self, column: &Column) -> Result<&'a Class> {
        let schema = self.schema;
        let class = schema.embedded_target(column);
        class.ok_or(StoreError::Damaged("an embedded object without a class"))
    }

    fn dictionary(
        &mut self,
        column: &Column,
        source: &BTreeMap<Name, Node>,
        old: &BTreeMap<Name, Node>,
    ) -> Result<()> {
        let kind = UpdateKind::Property { is_default: false };
        for key in old.keys().filter(|key| !source.contains_key(*key)) {
            self.inside(PathElement::Key(key.clone()), |painter| {
                painter.update(Payload::Erased, kind);
                Ok(())
            })?;
        }
        for (key, node) in source {
            let old = old.get(key);
            if old != Some(node) {
                self.inside(PathElement::Key(key.clone()), |painter| {
                    painter.place(column, node, old, kind)
                })?;
            }
        }
        Ok(())
    }

    fn object(&mut self, class: &'a Class, source: &Document, old: &Document) -> Result<()> {
        let fields = source.fields.iter().zip(&old.fields);
        for (column, (source, old)) in class.columns.iter().zip(fields) {
            if source != old {
                self.inside(PathElement::Key(column.name.clone()), |painter| {
                    painter.field(column, source, old)
                })?;
            }
        }
        Ok(())
    }

    fn field(&mut self, column: &Column, source: &Node, old: &Node) -> Result<()> {
        let (Node::Set(source), Node::Set(old)) = (source, old) else {
            debug_assert!(column.collection != CollectionKind::Set);
            let kind = UpdateKind::Property { is_default: false };
            return self.place(column, source, Some(old), kind);
        };
        let is_in = |set: &[Value], value: &Value| {
            set.binary_search_by(|element| order::compare(element, value))
                .is_ok()
        };
        for value in old.iter().filter(|value| !is_in(source, value)) {
            let (target, value) = (self.target.clone(), Payload::Value(value.clone()));
            self.out.push(Instruction::SetErase { target, value });
        }
        for value in source.iter().filter(|value| !is_in(old, value)) {
            if !self.is_missing_value(value)? {
                let (target, value) = (self.target.clone(), Payload::Value(value.clone()));
                self.out.push(Instruction::SetInsert { target, value });
            }
        }
        Ok(())
    }
}
