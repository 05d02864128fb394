//! Deleting an object here takes every link to it away first, and says so: object by object, column by
//! column, the first link of a collection first. (A downloaded erasure leaves links: they are hidden until
//! the object is back.)

use tidemark_changeset::{
    ColumnType, Instruction, Link, PathElement, Payload, PrimaryKey, Target, UpdateKind, Value,
    order,
};
use tidemark_model::{Column, Node, Schema};
use tidemark_storage::Storage;

use crate::Result;
use crate::links::origins;
use crate::tables::ClassId;
use crate::transaction::{WriteTransaction, class_of, no_object};
use crate::walk::narrow;

impl<S: Storage> WriteTransaction<S> {
    /// Takes away every link to an object; `emitted` is shown each instruction that did it.
    pub(crate) fn nullify_links(
        &mut self,
        class: ClassId,
        key: &PrimaryKey,
        emitted: &mut dyn FnMut(&Instruction),
    ) -> Result<()> {
        self.flush_links()?;
        let name = class_of(&self.catalog, class)?.name.clone();
        let link = Link {
            class: name,
            key: key.clone(),
        };
        for origin in origins(&self.storage, class, key)? {
            self.relink(origin.class, origin.object)?;
            let loaded = self.load(origin.class, origin.object)?;
            let links = loaded.links.as_ref();
            let count = links.map_or(0, |links| links.count(&(origin.column, link.clone())));
            for left in (1..=count).rev() {
                let (object, column) = ((origin.class, origin.object), origin.column);
                let Some(instruction) =
                    self.next_nullification(object, column, &link, left == 1)?
                else {
                    break;
                };
                self.emit(origin.class, origin.object, &instruction)?;
                emitted(&instruction);
            }
        }
        // Nobody links to it any more when it goes: no link is hidden, not even for a moment.
        self.flush_links()
    }

    /// The instruction that takes away the first link to `link` in a column.
    fn next_nullification(
        &mut self,
        (class, object): (ClassId, u64),
        column: u16,
        link: &Link,
        is_only: bool,
    ) -> Result<Option<Instruction>> {
        self.load(class, object)?;
        let definition = class_of(&self.catalog, class)?;
        let loaded = self
            .buffer
            .get(&(class, object))
            .ok_or_else(|| no_object(object))?;
        let column = usize::from(column);
        let (Some(node), Some(definition_column)) = (
            loaded.document.field(column),
            definition.columns.get(column),
        ) else {
            return Ok(None);
        };
        let target = Target {
            class: definition.name.clone(),
            key: loaded.key.clone(),
            field: definition_column.name.clone(),
            path: Vec::new(),
        };
        let mut finder = Finder {
            schema: &self.catalog.schema,
            link,
            target,
            // Whatever is looked for second must be the first.
            near: if is_only { loaded.nullified_at } else { 0 },
            steps: 0,
        };
        let found = finder.find(definition_column, node);
        let (near, steps) = (finder.near, finder.steps);
        self.took_steps(steps);
        self.load(class, object)?.nullified_at = near;
        found
    }
}

/// Looks for a link below a field and says how it is taken away.
struct Finder<'a> {
    schema: &'a Schema,
    link: &'a Link,
    target: Target,
    /// Where in a typed list to begin.
    near: usize,
    /// Elements that were looked at.
    steps: usize,
}

impl Finder<'_> {
    fn is_it(&self, node: &Node) -> bool {
        matches!(node, Node::Value(Value::Link(link)) if **link == *self.link)
    }

    fn nullify(&self, kind: UpdateKind) -> Instruction {
        Instruction::Update {
            target: self.target.clone(),
            value: Payload::Value(Value::Null),
            kind,
        }
    }

    /// Index of the link in a list, looked for on both sides of where the last one was.
    fn nearest(&mut self, elements: &[Node]) -> Option<usize> {
        let near = self.near.min(elements.len());
        for distance in 0..=elements.len() {
            self.steps += 1;
            let behind = near + distance;
            let before = near.checked_sub(distance + 1);
            for index in [Some(behind), before].into_iter().flatten() {
                if elements
                    .get(index)
                    .is_some_and(|element| self.is_it(element))
                {
                    self.near = index;
                    return Some(index);
                }
            }
        }
        None
    }

    fn find(&mut self, column: &Column, node: &Node) -> Result<Option<Instruction>> {
        match node {
            Node::Value(_) if self.is_it(node) => Ok(Some(
                self.nullify(UpdateKind::Property { is_default: false }),
            )),
            Node::Value(_) => Ok(None),
            Node::Set(elements) => {
                let value = Value::Link(Box::new(self.link.clone()));
                let place = elements.binary_search_by(|element| order::compare(element, &value));
                Ok(place.is_ok().then(|| Instruction::SetErase {
                    target: self.target.clone(),
                    value: Payload::Value(value),
                }))
            }
            // Of links to objects of their own, not of embedded objects.
            Node::List(elements)
                if column.column_type == ColumnType::Link
                    && self.schema.embedded_target(column).is_none() =>
            {
                let prior_size = narrow(elements.len())?;
                let Some(index) = self.nearest(elements) else {
                    return Ok(None);
                };
                let mut target = self.target.clone();
                target.path.push(PathElement::Index(narrow(index)?));
                Ok(Some(Instruction::ArrayErase { target, prior_size }))
            }
            Node::List(elements) => self.find_among(column, elements),
            Node::Dictionary(entries) => {
                for (key, entry) in entries {
                    self.target.path.push(PathElement::Key(key.clone()));
                    let found = self.find(column, entry)?;
                    if found.is_some() {
                        return Ok(found);
                    }
                    self.target.path.pop();
                }
                Ok(None)
            }
            Node::Object(object) => {
                let Some(embedded) = self.schema.embedded_target(column) else {
                    return Ok(None);
                };
                for (inner, node) in embedded.columns.iter().zip(&object.fields) {
                    self.target.path.push(PathElement::Key(inner.name.clone()));
                    let found = self.find(inner, node)?;
                    if found.is_some() {
                        return Ok(found);
                    }
                    self.target.path.pop();
                }
                Ok(None)
            }
        }
    }

    /// The same in a list whose elements are looked at one by one.
    fn find_among(&mut self, column: &Column, elements: &[Node]) -> Result<Option<Instruction>> {
        let prior_size = narrow(elements.len())?;
        for (index, element) in elements.iter().enumerate() {
            self.target.path.push(PathElement::Index(narrow(index)?));
            if self.is_it(element) {
                let target = self.target.clone();
                // A typed list closes the gap, one of mixed values keeps a null there.
                let is_typed = column.column_type == ColumnType::Link;
                return Ok(Some(if is_typed {
                    Instruction::ArrayErase { target, prior_size }
                } else {
                    self.nullify(UpdateKind::Element { prior_size })
                }));
            }
            let found = self.find(column, element)?;
            if found.is_some() {
                return Ok(found);
            }
            self.target.path.pop();
        }
        Ok(None)
    }
}
