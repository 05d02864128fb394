//! The simplest keeper of objects: ordered maps. For tests, vectors and the simulator.

use std::collections::BTreeMap;

use tidemark_changeset::{Instruction, Name, PrimaryKey};

use crate::document::Document;
use crate::error::ApplyError;
use crate::objects::{Objects, apply_instruction};
use crate::schema::Schema;

/// A schema and objects in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Database {
    /// The schema.
    pub schema: Schema,
    /// Objects by class and key; classes without objects may be missing.
    pub objects: BTreeMap<Name, BTreeMap<PrimaryKey, Document>>,
}

impl Database {
    /// An empty database.
    pub fn new() -> Self {
        Self::default()
    }

    /// The object of that class and key.
    pub fn get(&self, class: &Name, key: &PrimaryKey) -> Option<&Document> {
        self.objects.get(class)?.get(key)
    }

    /// Applies instructions in order. After an error those before have been applied: whoever wants
    /// all or nothing works on a copy.
    pub fn apply(&mut self, instructions: &[Instruction]) -> Result<(), ApplyError> {
        instructions
            .iter()
            .try_for_each(|instruction| apply_instruction(self, instruction))
    }

    /// Makes the defaults of columns that are newer than a document explicit everywhere, so that
    /// databases of equal content are equal.
    pub fn fill(&mut self) {
        let Self { schema, objects } = self;
        objects.retain(|_, objects| !objects.is_empty());
        for (class, objects) in objects {
            let Some(class) = schema.class(class) else {
                continue;
            };
            for document in objects.values_mut() {
                document.fill_deep(schema, class);
            }
        }
    }
}

impl Objects for Database {
    type Error = ApplyError;

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn schema_mut(&mut self) -> &mut Schema {
        &mut self.schema
    }

    fn contains(&mut self, class: &Name, key: &PrimaryKey) -> Result<bool, ApplyError> {
        Ok(self.get(class, key).is_some())
    }

    fn edit(
        &mut self,
        class: &Name,
        key: &PrimaryKey,
    ) -> Result<Option<(&Schema, &mut Document)>, ApplyError> {
        let document = self
            .objects
            .get_mut(class)
            .and_then(|objects| objects.get_mut(key));
        Ok(document.map(|document| (&self.schema, document)))
    }

    fn insert(
        &mut self,
        class: &Name,
        key: &PrimaryKey,
        document: Document,
    ) -> Result<(), ApplyError> {
        self.objects
            .entry(class.clone())
            .or_default()
            .insert(key.clone(), document);
        Ok(())
    }

    fn remove(&mut self, class: &Name, key: &PrimaryKey) -> Result<(), ApplyError> {
        if let Some(objects) = self.objects.get_mut(class) {
            objects.remove(key);
        }
        Ok(())
    }

    fn remove_all(&mut self, class: &Name) -> Result<(), ApplyError> {
        self.objects.remove(class);
        Ok(())
    }

    fn change_all(
        &mut self,
        class: &Name,
        change: &mut dyn FnMut(&Schema, &mut Document) -> bool,
    ) -> Result<(), ApplyError> {
        for document in self
            .objects
            .get_mut(class)
            .into_iter()
            .flat_map(BTreeMap::values_mut)
        {
            change(&self.schema, document);
        }
        Ok(())
    }
}
