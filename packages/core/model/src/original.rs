//! A database as the original's clients keep it, where their storage differs from what instructions say. For
//! tests and simulations of such clients: nothing of ours stores like this.
//!
//! * A zero stored where a zero of the same type is changes nothing, not even the sign (OT12).
//! * A list or dictionary that moves within a list of mixed values cannot be read any more (OT13). Here it
//!   turns into null, so that every later instruction that goes into it fails, as it does in the original.

use tidemark_changeset::{Instruction, PathElement, Payload, Target, UpdateKind, Value};

use crate::document::Node;
use crate::error::ApplyError;
use crate::find::node_at;
use crate::memory::Database;

/// Applies instructions in order, as the original's storage does. After an error those before have been
/// applied.
pub fn apply(database: &mut Database, instructions: &[Instruction]) -> Result<(), ApplyError> {
    instructions
        .iter()
        .try_for_each(|instruction| apply_one(database, instruction))
}

/// Whether storing a value where this is leaves it as it is, though they differ: zeros of unlike sign.
pub fn keeps_zero(held: &Node, stored: &Payload) -> bool {
    let (Node::Value(held), Payload::Value(stored)) = (held, stored) else {
        return false;
    };
    let same_type = std::mem::discriminant(held) == std::mem::discriminant(stored);
    same_type && held.is_binary_zero() && stored.is_binary_zero() && held != stored
}

/// Whether this can no longer be read once it moved within its list.
pub fn is_lost_by_moving(moved: &Node) -> bool {
    matches!(moved, Node::List(_) | Node::Dictionary(_))
}

fn apply_one(database: &mut Database, instruction: &Instruction) -> Result<(), ApplyError> {
    match instruction {
        Instruction::Update { target, value, .. }
            if find(database, target).is_some_and(|held| keeps_zero(held, value)) =>
        {
            Ok(())
        }
        Instruction::ArrayMove {
            target,
            to,
            prior_size,
        }
            if find(database, target).is_some_and(is_lost_by_moving) =>
        {
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
        _ => database.apply(std::slice::from_ref(instruction)),
    }
}

fn find<'d>(database: &'d Database, target: &Target) -> Option<&'d Node> {
    let class = database.schema.class(&target.class)?;
    let document = database.get(&target.class, &target.key)?;
    node_at(&database.schema, class, document, target)
}
