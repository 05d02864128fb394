//! What the storage of the original's clients makes of instructions, where it differs from what they say.
//! Nothing of ours stores like this: the ledger asks where it differs, to send such clients the object
//! afresh, and tests keep databases as those clients do ([`apply`]).
//!
//! * A zero stored where a zero of the same type is changes nothing, not even the sign (OT12).
//! * A list or dictionary that moves within a list of mixed values cannot be read any more (OT13). Here it
//!   turns into null, so that every later instruction that goes into it fails, as it does in the original.

use tidemark_changeset::{ColumnType, Instruction, PathElement, Payload, UpdateKind, Value};

use crate::document::{Document, Node};
use crate::error::ApplyError;
use crate::find::{column_at, node_at};
use crate::memory::Database;
use crate::schema::{Class, Schema};

/// Applies instructions in order, as the original's storage does. After an error those before have been
/// applied.
pub fn apply(database: &mut Database, instructions: &[Instruction]) -> Result<(), ApplyError> {
    instructions
        .iter()
        .try_for_each(|instruction| apply_one(database, instruction))
}

/// Whether storing a value where this is leaves it as it is, though they differ: zeros of unlike sign.
pub(crate) fn keeps_zero(held: &Node, stored: &Value) -> bool {
    let Node::Value(held) = held else {
        return false;
    };
    let same_type = std::mem::discriminant(held) == std::mem::discriminant(stored);
    same_type && held.is_binary_zero() && stored.is_binary_zero() && held != stored
}

/// Whether this can no longer be read once it moved within its list.
fn is_lost_by_moving(moved: &Node) -> bool {
    matches!(moved, Node::List(_) | Node::Dictionary(_))
}

/// Whether the original's storage makes something else of an instruction than what it says, on this object.
pub fn is_misapplied(
    schema: &Schema,
    class: &Class,
    document: &Document,
    instruction: &Instruction,
) -> bool {
    let held = |target| node_at(schema, class, document, target);
    match instruction {
        Instruction::Update {
            target,
            value: Payload::Value(zero),
            ..
        } if zero.is_binary_zero() => match held(target) {
            Some(held) => keeps_zero(held, zero),
            // The object may be older than the column, and then holds its default.
            None => column_at(schema, target)
                .is_some_and(|column| keeps_zero(&Node::default_of(column), zero)),
        },
        Instruction::ArrayMove { target, .. } => held(target).is_some_and(is_lost_by_moving),
        _ => false,
    }
}

/// How many of these instructions may move a collection: a client that made them may have lost it, also where
/// the merge drops them.
pub fn mixed_moves(schema: &Schema, instructions: &[Instruction]) -> usize {
    let moves_mixed = |instruction: &&Instruction| match instruction {
        Instruction::ArrayMove { target, .. } => {
            column_at(schema, target).is_some_and(|column| column.column_type == ColumnType::Mixed)
        }
        _ => false,
    };
    instructions.iter().filter(moves_mixed).count()
}

fn apply_one(database: &mut Database, instruction: &Instruction) -> Result<(), ApplyError> {
    if !is_misapplied_in(database, instruction) {
        return database.apply(std::slice::from_ref(instruction));
    }
    let Instruction::ArrayMove {
        target,
        to,
        prior_size,
    } = instruction
    else {
        return Ok(()); // The zero stays as it is.
    };
    let mut moved = target.clone();
    if let Some(last) = moved.path.last_mut() {
        *last = PathElement::Index(*to);
    }
    let lost = Instruction::Update {
        target: moved,
        value: Payload::Value(Value::Null),
        kind: UpdateKind::Element {
            prior_size: *prior_size,
        },
    };
    database.apply(&[instruction.clone(), lost])
}

fn is_misapplied_in(database: &Database, instruction: &Instruction) -> bool {
    let Some((class, key)) = instruction.object() else {
        return false;
    };
    let found = database.schema.class(class).zip(database.get(class, key));
    found.is_some_and(|(class, document)| {
        is_misapplied(&database.schema, class, document, instruction)
    })
}
