//! Lists: ArrayInsert, ArrayMove, ArrayErase, and Updates of elements of the same list.
//!
//! Both sides saw the list at one size and speak in its indexes; after the pair each speaks in indexes of the
//! list as the other left it. Letters: p, q sizes; i, j insertions; u an updated element; e, f erased or
//! moved from; t moved to.

use super::{Outcome, drop_both};
use crate::driver::Context;
use crate::error::TransformError;
use crate::operation::{Assigned, Kind, Operation, Step};

/// Where the element at `index` is after an element moved from `from` to `to`.
pub(super) fn follow_move(index: u32, from: u32, to: u32) -> u32 {
    if index == from {
        return to;
    }
    let taken_out = if index > from { index - 1 } else { index };
    if taken_out >= to {
        taken_out.wrapping_add(1)
    } else {
        taken_out
    }
}

/// Edits of one list were made at one size; otherwise at least one is not from the common state.
pub(super) fn require_same_size(
    left: &Operation,
    right: &Operation,
    context: &Context<'_>,
) -> Outcome {
    if left.size == right.size {
        return Ok(());
    }
    let target = super::target(left, context);
    Err(TransformError::SizeMismatch {
        left: left.size,
        right: right.size,
        target,
    })
}

fn require_below(index: u32, size: u32, operation: &Operation, context: &Context<'_>) -> Outcome {
    if index < size {
        return Ok(());
    }
    Err(TransformError::IndexOutOfRange {
        index,
        size,
        target: super::target(operation, context),
    })
}

/// The element that an operation names: below the size.
fn element(operation: &Operation, context: &Context<'_>) -> Result<u32, TransformError> {
    let index = index(operation, context)?;
    require_below(index, operation.size, operation, context)?;
    Ok(index)
}

/// The place of an insertion: up to the size.
fn gap(operation: &Operation, context: &Context<'_>) -> Result<u32, TransformError> {
    let index = index(operation, context)?;
    require_below(index, operation.size.wrapping_add(1), operation, context)?;
    Ok(index)
}

fn index(operation: &Operation, context: &Context<'_>) -> Result<u32, TransformError> {
    let target = || super::target(operation, context);
    operation
        .index()
        .ok_or_else(|| TransformError::NotAList { target: target() })
}

/// Elements from the insertion on move up by one.
pub(super) fn insert_update(
    left: &mut Operation,
    right: &mut Operation,
    context: &Context<'_>,
) -> Outcome {
    let u = index(right, context)?;
    require_same_size(left, right, context)?;
    let (i, u) = (gap(left, context)?, {
        require_below(u, right.size, right, context)?;
        u
    });
    right.set_size(right.size.wrapping_add(1));
    if u >= i {
        right.set_index(u.wrapping_add(1));
    }
    Ok(())
}

/// The update follows the element. The original does not compare sizes here. Where the update makes a
/// collection of the element, the side that has it already moves a collection (OT13).
pub(super) fn move_update(
    left: &mut Operation,
    right: &mut Operation,
    context: &mut Context<'_>,
) -> Outcome {
    let (f, u) = (element(left, context)?, element(right, context)?);
    let makes_collection = matches!(right.assigned, Assigned::List | Assigned::Dictionary);
    if context.rules.ot13_moved_collection && f == u && makes_collection {
        context.uncertain.push(*left);
    }
    right.set_index(follow_move(u, f, left.to));
    Ok(())
}

/// An erased element takes its update along, regardless of time.
pub(super) fn erase_update(
    left: &mut Operation,
    right: &mut Operation,
    context: &Context<'_>,
) -> Outcome {
    let u = index(right, context)?;
    require_same_size(left, right, context)?;
    let e = element(left, context)?;
    require_below(u, right.size, right, context)?;
    right.set_size(right.size - 1);
    if u == e {
        right.drop_it();
    } else if u > e {
        right.set_index(u - 1);
    }
    Ok(())
}

/// Two insertions at one place: the earlier one ends up first, as if the later writer had seen it and added
/// behind it.
#[inline]
pub(super) fn insert_insert(
    left: &mut Operation,
    right: &mut Operation,
    context: &Context<'_>,
) -> Outcome {
    require_same_size(left, right, context)?;
    let (i, j) = (index(left, context)?, index(right, context)?);
    let size = left.size.wrapping_add(1);
    left.set_size(size);
    right.set_size(size);
    if i < j || (i == j && left.rank < right.rank) {
        right.set_index(j.wrapping_add(1));
    } else {
        left.set_index(i.wrapping_add(1));
    }
    Ok(())
}

/// [`insert_insert`] against the first of `list`, for as long as they are insertions into the same list
/// directly in a field: what long histories meet most, so that a long run of them gets a short way. The
/// answer is how many were dealt with; whatever is special about the next one, its own rule sees to it.
pub(crate) fn run_of_insertions(
    major: &mut Operation,
    list: &[u32],
    operations: &mut [Operation],
) -> usize {
    let (Kind::ArrayInsert, 1, Some(mut i)) = (major.kind, major.depth, major.index()) else {
        return 0;
    };
    let (rank, mut size) = (major.rank, major.size);
    let mut done = 0;
    for at in list {
        let Some(minor) = operations.get_mut(*at as usize) else {
            break;
        };
        if minor.alive {
            let (Kind::ArrayInsert, 1, Step::Index(j)) = (minor.kind, minor.depth, minor.last)
            else {
                break;
            };
            if minor.size != size {
                break;
            }
            size = size.wrapping_add(1);
            minor.size = size;
            minor.changed = true;
            if i < j || (i == j && rank < minor.rank) {
                minor.last = Step::Index(j.wrapping_add(1));
            } else {
                i = i.wrapping_add(1);
            }
        }
        done += 1;
    }
    major.set_index(i);
    major.set_size(size);
    #[cfg(feature = "simulation")]
    crate::simulation::count_insertions(done);
    done
}

/// First the moved element is taken out of the other's indexes (or the insertion pushes it up), then it is
/// put back in. At one place the later one ends up first, other than of two insertions or of two moves. The
/// original does not compare sizes here.
pub(super) fn move_insert(
    left: &mut Operation,
    right: &mut Operation,
    context: &Context<'_>,
) -> Outcome {
    let (mut f, mut t, mut j) = (index(left, context)?, left.to, index(right, context)?);
    left.set_size(left.size.wrapping_add(1));
    if j > f {
        j -= 1;
    } else {
        f = f.wrapping_add(1);
    }
    if j < t || (j == t && left.rank < right.rank) {
        t = t.wrapping_add(1);
    } else {
        j = j.wrapping_add(1);
    }
    left.set_index(f);
    left.set_to(t);
    right.set_index(j);
    Ok(())
}

/// The erased element is below or above the insertion; neither can be the other's.
pub(super) fn erase_insert(
    left: &mut Operation,
    right: &mut Operation,
    context: &Context<'_>,
) -> Outcome {
    require_same_size(left, right, context)?;
    let (e, j) = (element(left, context)?, gap(right, context)?);
    left.set_size(left.size.wrapping_add(1));
    right.set_size(right.size - 1);
    if j <= e {
        left.set_index(e.wrapping_add(1));
    } else {
        right.set_index(j - 1);
    }
    Ok(())
}

/// Two moves. Of one element: the later move decides where it is, and starts from where the earlier one left
/// it. Of two elements: each is taken out of and put into the other's indexes; at one place the earlier one
/// ends up first. A move that ends where it starts is none.
pub(super) fn move_move(
    left: &mut Operation,
    right: &mut Operation,
    context: &Context<'_>,
) -> Outcome {
    require_same_size(left, right, context)?;
    let (mut f1, mut f2) = (element(left, context)?, element(right, context)?);
    let (mut t1, mut t2) = (left.to, right.to);
    require_below(t1, left.size, left, context)?;
    require_below(t2, right.size, right, context)?;
    if f1 == f2 {
        let (winner, loser) = if left.rank < right.rank {
            (right, left)
        } else {
            (left, right)
        };
        winner.set_index(loser.to);
        loser.drop_it();
        if winner.to == loser.to {
            winner.drop_it();
        }
        return Ok(());
    }
    if f1 < f2 {
        f2 -= 1;
    } else {
        f1 -= 1;
    }
    if t1 > f2 {
        t1 -= 1;
    } else {
        f2 += 1;
    }
    if f1 < t2 {
        t2 -= 1;
    } else {
        f1 += 1;
    }
    if t1 < t2 || (t1 == t2 && left.rank < right.rank) {
        t2 += 1;
    } else {
        t1 += 1;
    }
    left.set_index(f1);
    left.set_to(t1);
    right.set_index(f2);
    right.set_to(t2);
    if f1 == t1 {
        left.drop_it();
    }
    if f2 == t2 {
        right.drop_it();
    }
    Ok(())
}

/// Erasing wins over moving: it finds the element where the move put it. Otherwise each is rewritten for the
/// list without the other's element.
pub(super) fn erase_move(
    left: &mut Operation,
    right: &mut Operation,
    context: &Context<'_>,
) -> Outcome {
    require_same_size(left, right, context)?;
    let (mut e, mut f, mut t) = (element(left, context)?, element(right, context)?, right.to);
    right.set_size(right.size - 1);
    if e == f {
        left.set_index(t);
        right.drop_it();
        return Ok(());
    }
    if e > f {
        e -= 1;
    } else {
        f -= 1;
    }
    if e >= t {
        e = e.wrapping_add(1);
    } else {
        t -= 1;
    }
    left.set_index(e);
    right.set_index(f);
    right.set_to(t);
    if f == t {
        right.drop_it();
    }
    Ok(())
}

/// One element erased twice is erased on both sides already.
pub(super) fn erase_erase(
    left: &mut Operation,
    right: &mut Operation,
    context: &Context<'_>,
) -> Outcome {
    require_same_size(left, right, context)?;
    let (i, j) = (element(left, context)?, element(right, context)?);
    left.set_size(left.size - 1);
    right.set_size(right.size - 1);
    match i.cmp(&j) {
        std::cmp::Ordering::Greater => left.set_index(i - 1),
        std::cmp::Ordering::Less => right.set_index(j - 1),
        std::cmp::Ordering::Equal => return drop_both(left, right),
    }
    Ok(())
}
