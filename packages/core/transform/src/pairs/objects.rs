//! Whole objects: CreateObject and EraseObject.
//!
//! Creating is idempotent, so two creations leave each other alone: each finds the object or makes it.

use super::Outcome;
use crate::operation::Operation;

/// Erasing wins regardless of time: the one who erased did see an object with this key, or made and unmade
/// one.
pub(super) fn erase_object_create_object(left: &mut Operation, right: &mut Operation) -> Outcome {
    if left.object == right.object {
        right.drop_it();
    }
    Ok(())
}

/// One erasure is enough, but it must live on to beat further concurrent creations: the later one does, since
/// it was made knowing more.
pub(super) fn erase_object_erase_object(left: &mut Operation, right: &mut Operation) -> Outcome {
    if left.object == right.object {
        if right.rank < left.rank {
            right.drop_it();
        } else {
            left.drop_it();
        }
    }
    Ok(())
}
