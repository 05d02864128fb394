//! Clear, against everything that acts on the same collection or on the list it is an element of.

use tidemark_changeset::CollectionKind;

use super::updates::overrule;
use super::{Outcome, drop_lower, lists};
use crate::driver::Context;
use crate::operation::{Assigned, Kind, Operation};

/// A Clear can address a collection that is itself an element of a list. It then moves with the element, and
/// goes when the element is erased. The original leaves its index alone (OT2). It leaves a collection there,
/// which one side then moves (OT13).
pub(super) fn clear_list_edit(
    clear: &mut Operation,
    edit: &Operation,
    context: &mut Context<'_>,
) -> Outcome {
    let (Some(cleared), Some(index)) = (clear.index(), edit.index()) else {
        return Ok(());
    };
    let moves = edit.kind == Kind::ArrayMove && cleared == index;
    if context.rules.ot13_moved_collection && moves {
        context.uncertain.push(*clear);
    }
    if context.rules.ot2_clear_of_element {
        return Ok(());
    }
    match edit.kind {
        Kind::ArrayInsert if cleared >= index => clear.set_index(cleared.wrapping_add(1)),
        Kind::ArrayErase if cleared == index => clear.drop_it(),
        Kind::ArrayErase if cleared > index => clear.set_index(cleared - 1),
        Kind::ArrayMove => clear.set_index(lists::follow_move(cleared, index, edit.to)),
        _ => {}
    }
    Ok(())
}

/// A Clear leaves an empty collection of its kind, so it agrees with a marker of that kind; with any other
/// assignment it cannot share the place, and the later one stays.
///
/// Against the erasure of the dictionary key that it clears, the Clear goes regardless of time: it could not
/// be applied where the key is gone. (The original keeps a later Clear, which then fails.)
pub(super) fn clear_update(
    left: &mut Operation,
    right: &mut Operation,
    context: &mut Context<'_>,
) -> Outcome {
    if context.rules.ot12_kept_zero && right.assigned == Assigned::Zero {
        context.uncertain.push(*right);
    }
    match (left.collection, right.assigned) {
        (CollectionKind::List, Assigned::List)
        | (CollectionKind::Dictionary, Assigned::Dictionary) => Ok(()),
        (_, Assigned::Erased) if !context.rules.clear_of_erased_key => {
            left.drop_it();
            Ok(())
        }
        _ if left.rank < right.rank => {
            overrule(right, left, context);
            Ok(())
        }
        _ => {
            right.drop_it();
            Ok(())
        }
    }
}

/// What was added to is no number any more, regardless of time.
pub(super) fn clear_add_integer(_clear: &Operation, add: &mut Operation) -> Outcome {
    add.drop_it();
    Ok(())
}

/// One Clear is enough; the later one stays, which also decides between two kinds of collections.
pub(super) fn clear_clear(left: &mut Operation, right: &mut Operation) -> Outcome {
    drop_lower(left, right)
}

/// A cleared set stays empty of what others did to it meanwhile, regardless of time.
pub(super) fn set_edit_clear(edit: &mut Operation, _clear: &Operation) -> Outcome {
    edit.drop_it();
    Ok(())
}
