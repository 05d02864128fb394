//! Nested rules: what an outer operation does to one that goes deeper.

use super::Outcome;
use crate::driver::Context;
use crate::error::TransformError;
use crate::operation::{Assigned, Kind, Operation, Step, extends, slot};

/// An erased class takes everything in it along, an erased object every edit of it, whatever the times are:
/// there is nothing left that the edit could be applied to, and whoever erased did not mean a part of it to
/// stay.
pub(super) fn whole(major: &mut Operation, minor: &mut Operation) {
    if covers(major, minor) {
        minor.drop_it();
    } else if covers(minor, major) {
        major.drop_it();
    }
}

fn covers(outer: &Operation, inner: &Operation) -> bool {
    match outer.kind {
        Kind::EraseTable => {
            outer.class == inner.class && !matches!(inner.kind, Kind::AddTable | Kind::EraseTable)
        }
        Kind::EraseObject => outer.object == inner.object && inner.has_path(),
        _ => false,
    }
}

/// Both act in one field, and `inner`'s path is the longer one.
pub(super) fn path(
    outer: &mut Operation,
    inner: &mut Operation,
    context: &mut Context<'_>,
) -> Outcome {
    match outer.kind {
        Kind::Update if update_replaces(outer, inner, context) => inner.drop_it(),
        // A number has no inside: the edit speaks of a collection that the other side did not see there.
        // A Clear empties what the edit acts in; that it wins regardless of time keeps a cleared list empty.
        Kind::AddInteger | Kind::Clear if next(outer, inner, context).is_some() => inner.drop_it(),
        Kind::ArrayInsert => insert(outer, inner, context)?,
        Kind::ArrayErase => erase(outer, inner, context)?,
        Kind::ArrayMove => shift_by_move(outer, inner, context)?,
        _ => {}
    }
    Ok(())
}

fn next(outer: &Operation, inner: &Operation, context: &Context<'_>) -> Option<Step> {
    extends(
        outer,
        context.steps(outer.side),
        inner,
        context.steps(inner.side),
    )
}

/// An assignment replaces what was there, and edits of the replaced content go with it, regardless of time. A
/// collection marker keeps edits that fit the collection: both sides meant one, and their contents merge.
///
/// Under a dictionary key the marker of an embedded object replaces the object each time it is applied, so
/// edits of the replaced object go too (OT4; the original lets them live, and they survive on one side only).
fn update_replaces(outer: &Operation, inner: &Operation, context: &Context<'_>) -> bool {
    let Some(next) = next(outer, inner, context) else {
        return false;
    };
    match outer.assigned {
        Assigned::Object => {
            !context.rules.ot4_embedded_under_key && context.is_dictionary_entry(outer)
        }
        Assigned::List => !matches!(next, Step::Index(_)),
        Assigned::Dictionary => !matches!(next, Step::Key(_)),
        _ => true,
    }
}

/// The element that `inner` goes through, if it is of the list that `outer` edits.
fn element(
    outer: &Operation,
    inner: &Operation,
    context: &Context<'_>,
) -> Result<Option<(u32, u32)>, TransformError> {
    match slot(
        outer,
        context.steps(outer.side),
        inner,
        context.steps(inner.side),
    ) {
        None => Ok(None),
        Some(Step::Index(slot)) => Ok(outer.index().map(|index| (slot, index))),
        Some(Step::Key(_)) => Err(TransformError::NotAList {
            target: super::target(inner, context),
        }),
    }
}

fn insert(outer: &mut Operation, inner: &mut Operation, context: &mut Context<'_>) -> Outcome {
    if let Some((slot, index)) = element(outer, inner, context)?
        && slot >= index
    {
        context.set_slot(inner, outer.depth - 1, slot.wrapping_add(1));
    }
    Ok(())
}

fn erase(outer: &mut Operation, inner: &mut Operation, context: &mut Context<'_>) -> Outcome {
    match element(outer, inner, context)? {
        Some((slot, index)) if slot == index => inner.drop_it(),
        Some((slot, index)) if slot > index => context.set_slot(inner, outer.depth - 1, slot - 1),
        _ => {}
    }
    Ok(())
}

/// The edit follows the element it is in. The original instead rewrites the move's own source (OT1).
fn shift_by_move(
    outer: &mut Operation,
    inner: &mut Operation,
    context: &mut Context<'_>,
) -> Outcome {
    let Some((slot, from)) = element(outer, inner, context)? else {
        return Ok(());
    };
    if context.rules.ot1_nested_move {
        outer.set_index(super::lists::follow_move(from, slot, outer.to));
    } else {
        context.set_slot(
            inner,
            outer.depth - 1,
            super::lists::follow_move(slot, from, outer.to),
        );
    }
    Ok(())
}
