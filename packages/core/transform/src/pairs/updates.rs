//! Assignments: Update against Update, and AddInteger against Update.

use tidemark_changeset::{CollectionKind, Instruction, PathElement, Payload, Target};

use super::{Outcome, drop_both, lists};
use crate::driver::Context;
use crate::operation::{Assigned, Kind, Operation};

/// Two assignments to one place.
///
/// * In a list both must have seen the same size.
/// * An explicit value, null too, beats the making of an embedded object regardless of time: the object is
///   made only
///   where nothing is, and its content would be applied to what the other side put there.
/// * Two markers of one kind of collection are one: both stay, their contents merge.
/// * Two embedded objects: the later marker stays. Under a dictionary key both go, since each side has the
///   object already, and a
///   marker in a dictionary would replace it with all that the other side put in (OT4). Contents merge.
/// * Otherwise the later one stays, but a schema default loses against any explicit value.
///
/// Where one of them is a zero, the original's storage may keep the sign of another zero that only one side
/// had there (OT12); nothing assigned can prevent that, so it is reported.
pub(super) fn update_update(
    left: &mut Operation,
    right: &mut Operation,
    context: &mut Context<'_>,
) -> Outcome {
    if left.index().is_some() {
        lists::require_same_size(left, right, context)?;
    }
    match (left.assigned, right.assigned) {
        (Assigned::List, Assigned::List) | (Assigned::Dictionary, Assigned::Dictionary) => {
            return Ok(());
        }
        (Assigned::Object, Assigned::Object) => {
            let replaces =
                !context.rules.ot4_embedded_under_key && context.is_dictionary_entry(left);
            return if replaces {
                drop_both(left, right)
            } else {
                last_writer(left, right, context)
            };
        }
        (Assigned::Object, _) => left.drop_it(),
        (_, Assigned::Object) => right.drop_it(),
        (Assigned::Zero, _) | (_, Assigned::Zero) if context.rules.ot12_kept_zero => {
            context.uncertain.push(*left);
            return last_writer(left, right, context);
        }
        _ => return last_writer(left, right, context),
    }
    Ok(())
}

fn last_writer(left: &mut Operation, right: &mut Operation, context: &mut Context<'_>) -> Outcome {
    let left_loses = if left.is_default == right.is_default {
        left.rank < right.rank
    } else {
        left.is_default
    };
    if left_loses {
        overrule(right, left, context);
    } else {
        overrule(left, right, context);
    }
    Ok(())
}

/// Drops the loser of two assignments — unless the winner is a collection marker that may have kept old
/// content.
///
/// A marker makes an empty collection, but leaves one of its own kind as it is. Where the loser was applied
/// first, the collection starts empty; where the marker was, old content may still be there (OT11). The merge
/// does not know whether there is any. If what follows the marker in its changeset fills a new collection, or
/// clears it, there is none. Otherwise the loser turns into a Clear of the winner's kind, so that the
/// collection is empty on both sides.
///
/// Either answer can be wrong: the loser's side may have made and filled a collection itself before, and what
/// followed the marker may be gone, dropped by an earlier merge on one side and not yet on the other. So the
/// object is reported, for whoever can send it anew.
pub(super) fn overrule(winner: &Operation, loser: &mut Operation, context: &mut Context<'_>) {
    let kind = match winner.assigned {
        Assigned::List => CollectionKind::List,
        Assigned::Dictionary => CollectionKind::Dictionary,
        _ => return loser.drop_it(),
    };
    context.uncertain.push(*winner);
    if context.rules.ot11_kept_content || starts_empty(winner, context) {
        return loser.drop_it();
    }
    (loser.kind, loser.collection, loser.is_default) = (Kind::Clear, kind, false);
    loser.assigned = Assigned::Other;
    loser.changed = true;
}

/// Whether the changeset of a collection marker goes on as if the collection were new or replaced. Only what
/// merges rarely change is asked, so that the answer seldom depends on how the histories are cut into merges.
fn starts_empty(marker: &Operation, context: &Context<'_>) -> bool {
    let (Some(branch), Some(instruction)) = (context.branch(marker), context.instruction(marker))
    else {
        return true;
    };
    let Some(place) = instruction.target() else {
        return true;
    };
    let mut following = branch
        .instructions
        .iter()
        .skip(marker.position as usize + 1);
    following
        .find_map(|next| continues(place, next))
        .unwrap_or(false)
}

/// What `next` says about the collection at `place`: `Some(true)` if it must be new, was replaced or is gone,
/// `Some(false)` if old content is used, `None` if nothing. An erasure of the object says nothing: it takes a
/// Clear of the other side along.
fn continues(place: &Target, next: &Instruction) -> Option<bool> {
    let target = next.target()?;
    if target.field != place.field || target.key != place.key || target.class != place.class {
        return None;
    }
    let list_edit = matches!(
        next,
        Instruction::ArrayInsert { .. }
            | Instruction::ArrayMove { .. }
            | Instruction::ArrayErase { .. }
    );
    if target.path.len() <= place.path.len() {
        let container = &target.path[..target.path.len() - usize::from(list_edit)];
        if !place.path.starts_with(container) {
            return None;
        }
        // A sibling edit may shift the place; from there on its path says nothing.
        let replaced = match next {
            Instruction::Update {
                value: Payload::List | Payload::Dictionary,
                ..
            } => target.path.len() < place.path.len(),
            Instruction::AddInteger { .. } => false,
            _ => true,
        };
        return replaced.then_some(true);
    }
    let inner = target.path.strip_prefix(place.path.as_slice())?;
    Some(match (next, inner) {
        (Instruction::ArrayInsert { .. }, [_]) => true,
        (Instruction::Update { value, .. }, [PathElement::Key(_)]) => *value != Payload::Erased,
        _ => false,
    })
}

/// An addition on top of an assignment. If the addition is later (a default always counts as earlier), it is
/// applied to the assigned number: the assignment takes the sum for the side where the addition came first,
/// and the addition lives on for the other. To null nothing can be added, but the addition survives, to count
/// for a value that sorts between. An earlier addition, or one to something that is no number, goes.
pub(super) fn add_integer_update(add: &mut Operation, update: &mut Operation) -> Outcome {
    let later = update.rank < add.rank || update.is_default;
    match update.assigned {
        Assigned::Null if later => {}
        Assigned::Int if later => {
            update.changed |= add.number != 0;
            update.number = update.number.wrapping_add(add.number);
        }
        _ => add.drop_it(),
    }
    Ok(())
}
