//! Any instruction, on whatever keeps the objects.

use tidemark_changeset::{Instruction, Name, PrimaryKey};

use crate::apply::apply_to_document;
use crate::document::Document;
use crate::error::{ApplyError, Problem};
use crate::schema::{Class, Schema};

/// Whatever keeps a schema and objects: a database, or a write in progress on top of one.
pub trait Objects {
    /// What can go wrong: applying, or the storage behind.
    type Error: From<ApplyError>;

    /// The schema.
    fn schema(&self) -> &Schema;

    /// The schema, to be changed. Objects are changed by the other methods.
    fn schema_mut(&mut self) -> &mut Schema;

    /// Whether the object exists.
    fn contains(&mut self, class: &Name, key: &PrimaryKey) -> Result<bool, Self::Error>;

    /// The object, to be changed in place, and the schema beside it; `None` if it does not exist.
    fn edit(
        &mut self,
        class: &Name,
        key: &PrimaryKey,
    ) -> Result<Option<(&Schema, &mut Document)>, Self::Error>;

    /// Adds an object that does not exist.
    fn insert(
        &mut self,
        class: &Name,
        key: &PrimaryKey,
        document: Document,
    ) -> Result<(), Self::Error>;

    /// Removes an object; a missing one is no error.
    fn remove(&mut self, class: &Name, key: &PrimaryKey) -> Result<(), Self::Error>;

    /// Removes all objects of a class, which is about to be dropped.
    fn remove_all(&mut self, class: &Name) -> Result<(), Self::Error>;

    /// Calls `change` for every object of a class; it says whether it changed the document.
    fn change_all(
        &mut self,
        class: &Name,
        change: &mut dyn FnMut(&Schema, &mut Document) -> bool,
    ) -> Result<(), Self::Error>;
}

/// Applies any instruction.
///
/// Creating is idempotent (an existing object stays as it is) and so is erasing. Links to an erased
/// object stay: they lead nowhere until it is created again. Nullifying links is what a client does
/// when its user deletes an object, and then emits.
pub fn apply_instruction<O: Objects>(
    objects: &mut O,
    instruction: &Instruction,
) -> Result<(), O::Error> {
    match instruction {
        Instruction::AddTable { .. } | Instruction::AddColumn { .. } => {
            Ok(objects.schema_mut().apply(instruction)?)
        }
        Instruction::EraseTable { class } => {
            objects.schema_mut().apply(instruction)?;
            objects.remove_all(class)
        }
        Instruction::EraseColumn { class, field } => {
            erase_column(objects, instruction, class, field)
        }
        Instruction::CreateObject { class, key } => {
            let definition = keyed_class(objects.schema(), class, key, instruction)?;
            let document = Document::new(definition);
            if !objects.contains(class, key)? {
                objects.insert(class, key, document)?;
            }
            Ok(())
        }
        Instruction::EraseObject { class, key } => {
            keyed_class(objects.schema(), class, key, instruction)?;
            objects.remove(class, key)
        }
        _ => {
            let (class, key) = instruction
                .object()
                .expect("every other instruction names an object");
            keyed_class(objects.schema(), class, key, instruction)?;
            let Some((schema, document)) = objects.edit(class, key)? else {
                return Err(Problem::NoSuchObject.at(instruction).into());
            };
            let definition = schema
                .expect_class(class)
                .map_err(|problem| problem.at(instruction))?;
            Ok(apply_to_document(
                schema,
                definition,
                document,
                instruction,
            )?)
        }
    }
}

/// The class, if its objects can have such a key.
fn keyed_class<'a>(
    schema: &'a Schema,
    class: &Name,
    key: &PrimaryKey,
    instruction: &Instruction,
) -> Result<&'a Class, ApplyError> {
    let definition = schema
        .expect_class(class)
        .map_err(|problem| problem.at(instruction))?;
    if definition.accepts_key(key) {
        Ok(definition)
    } else {
        Err(Problem::KeyMismatch.at(instruction))
    }
}

/// Takes the field out of the documents of every class that can hold objects of `class`, then out
/// of the schema.
fn erase_column<O: Objects>(
    objects: &mut O,
    instruction: &Instruction,
    class: &Name,
    field: &Name,
) -> Result<(), O::Error> {
    // On a copy first, so that nothing has changed if it fails.
    objects.schema().clone().apply(instruction)?;
    let definition = objects
        .schema()
        .class(class)
        .expect("the column was just found there");
    let column = definition
        .column_index(field)
        .expect("the column was just found");
    let affected: Vec<Name> = if definition.is_embedded() {
        let top_level = objects
            .schema()
            .classes
            .values()
            .filter(|class| !class.is_embedded());
        top_level.map(|class| class.name.clone()).collect()
    } else {
        vec![class.clone()]
    };
    for name in affected {
        objects.change_all(&name, &mut |schema, document| {
            let definition = schema.class(&name).expect("the class is in the schema");
            document.erase_column(schema, definition, class, column)
        })?;
    }
    Ok(objects.schema_mut().apply(instruction)?)
}
