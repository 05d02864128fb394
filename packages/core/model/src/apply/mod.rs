//! One instruction on one object at hand.
//!
//! Everything is checked before anything is changed: an instruction that fails leaves the document
//! as it was (but for defaults of newer columns, which may have been made explicit).

mod collections;
mod resolve;
mod update;
mod values;

use tidemark_changeset::{Instruction, Target};

use crate::document::Document;
use crate::error::{ApplyError, Problem};
use crate::schema::{Class, Schema};
use resolve::{Slot, resolve};

/// Applies an instruction that acts inside an object to that object.
///
/// `class` is the object's class in `schema`. That the instruction is about this object is the
/// caller's word; creating and erasing objects, and the schema, are the caller's part too
/// ([`apply_instruction`](crate::apply_instruction) does all of it).
pub fn apply_to_document(
    schema: &Schema,
    class: &Class,
    document: &mut Document,
    instruction: &Instruction,
) -> Result<(), ApplyError> {
    let Some(target) = instruction.target() else {
        return Err(Problem::NotAPathInstruction.at(instruction));
    };
    apply_at(schema, class, document, instruction, target)
        .map_err(|problem| problem.at(instruction))
}

fn apply_at(
    schema: &Schema,
    class: &Class,
    document: &mut Document,
    instruction: &Instruction,
    target: &Target,
) -> Result<(), Problem> {
    if !class.accepts_key(&target.key) {
        return Err(Problem::KeyMismatch);
    }
    let place = resolve(schema, class, document, target)?;
    match instruction {
        Instruction::Update { value, .. } => update::update(place, value),
        Instruction::AddInteger { delta, .. } => match place.slot {
            Slot::Property { collection, node } => update::add_integer(collection, node, *delta),
            _ => Err(Problem::InvalidPath),
        },
        Instruction::Clear { collection, .. } => collections::clear(place, *collection),
        Instruction::SetInsert { value, .. } => collections::set_insert(place, value),
        Instruction::SetErase { value, .. } => collections::set_erase(place, value),
        Instruction::ArrayInsert {
            value, prior_size, ..
        } => collections::array_insert(place, value, *prior_size),
        Instruction::ArrayMove { to, prior_size, .. } => {
            collections::array_move(place, *to, *prior_size)
        }
        Instruction::ArrayErase { prior_size, .. } => collections::array_erase(place, *prior_size),
        _ => Err(Problem::NotAPathInstruction),
    }
}
