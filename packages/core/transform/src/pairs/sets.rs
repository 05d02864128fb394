//! Sets: SetInsert and SetErase.
//!
//! A client says that it inserts a value only if the set did not hold it, and that it erases one only if it
//! did. So two operations on one value either both mean the same, and one is enough, or they exclude each
//! other: in both cases the later one stays.

use tidemark_changeset::Instruction;

use super::{Outcome, drop_lower};
use crate::driver::{Context, Extra};
use crate::operation::{Kind, NONE, Operation};

/// The same value inserted twice: the later insertion stays, so that it can still win over an erasure between
/// them.
///
/// Equal numbers can be written differently (1 and 1.0, 0 and −0). A set keeps what came first, so where the
/// loser's is already in, the winner's is erased (equality finds the other) and inserted anew (OT5).
pub(super) fn insert_insert(
    left: &mut Operation,
    right: &mut Operation,
    context: &mut Context<'_>,
) -> Outcome {
    if !context.identities.same(left, right) {
        return Ok(());
    }
    if left.value != right.value && !context.rules.ot5_equal_numbers {
        let winner = if left.rank < right.rank {
            &*right
        } else {
            &*left
        };
        context.request = erase_before(winner, context);
    }
    drop_lower(left, right)
}

fn erase_before(winner: &Operation, context: &mut Context<'_>) -> Option<Box<Extra>> {
    let Some(Instruction::SetInsert { target, value }) = context.instruction(winner) else {
        return None;
    };
    let instruction = Instruction::SetErase {
        target: target.clone(),
        value: value.clone(),
    };
    let mut operation = *winner;
    operation.kind = Kind::SetErase;
    operation.steps = context.copy_steps(winner);
    operation.place = NONE;
    Some(Box::new(Extra {
        operation,
        instruction,
    }))
}

/// Inserted here, erased there: the later one stays.
pub(super) fn erase_insert(
    left: &mut Operation,
    right: &mut Operation,
    context: &Context<'_>,
) -> Outcome {
    if context.identities.same(left, right) {
        drop_lower(left, right)
    } else {
        Ok(())
    }
}

/// Erased by both: one is enough, and the later one stays. The original compares strings, binaries and links
/// by where they lie in their changesets (OT3). Where that is not known, it may take any two for one: the
/// places depend on the bytes that the other side has, and on what its earlier merges did to them.
pub(super) fn erase_erase(
    left: &mut Operation,
    right: &mut Operation,
    context: &mut Context<'_>,
) -> Outcome {
    let same = if context.rules.ot3_erase_by_place && left.place != NONE && right.place != NONE {
        left.place == right.place
    } else {
        if context.rules.ot3_erase_by_place && context.is_compared_by_place(left) {
            context.uncertain.push(*left);
        }
        context.identities.same(left, right)
    };
    if same {
        drop_lower(left, right)
    } else {
        Ok(())
    }
}
