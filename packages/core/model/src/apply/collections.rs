//! Instructions on lists and sets, and clearing.

use tidemark_changeset::{CollectionKind, Payload, Value, order};

use super::resolve::{Place, Slot};
use crate::document::Node;
use crate::error::Problem;

/// The list and index of an instruction on an element.
macro_rules! element {
    ($slot:expr) => {
        match $slot {
            Slot::Element { list, index } => (list, index),
            _ => return Err(Problem::InvalidPath),
        }
    };
}

fn check_prior_size(list: &[Node], prior_size: u32) -> Result<(), Problem> {
    let size = list.len();
    if prior_size as usize == size {
        Ok(())
    } else {
        Err(Problem::PriorSize { prior_size, size })
    }
}

fn check_index(list: &[Node], index: u32) -> Result<usize, Problem> {
    let size = list.len();
    let position = index as usize;
    if position < size {
        Ok(position)
    } else {
        Err(Problem::IndexOutOfRange { index, size })
    }
}

pub(super) fn array_insert(
    place: Place<'_, '_>,
    payload: &Payload,
    prior_size: u32,
) -> Result<(), Problem> {
    let (list, index) = element!(place.slot);
    check_prior_size(list, prior_size)?;
    let position = index as usize;
    if position > list.len() {
        return Err(Problem::IndexOutOfRange {
            index,
            size: list.len(),
        });
    }
    let node = place.rules.make(payload, place.depth)?;
    list.insert(position, node);
    Ok(())
}

pub(super) fn array_move(place: Place<'_, '_>, to: u32, prior_size: u32) -> Result<(), Problem> {
    let (list, index) = element!(place.slot);
    check_prior_size(list, prior_size)?;
    let from = check_index(list, index)?;
    let to = check_index(list, to)?;
    match from.cmp(&to) {
        std::cmp::Ordering::Less => list
            .get_mut(from..=to)
            .expect("both are in range")
            .rotate_left(1),
        std::cmp::Ordering::Equal => return Err(Problem::MoveToSameIndex),
        std::cmp::Ordering::Greater => {
            list.get_mut(to..=from)
                .expect("both are in range")
                .rotate_right(1);
        }
    }
    Ok(())
}

pub(super) fn array_erase(place: Place<'_, '_>, prior_size: u32) -> Result<(), Problem> {
    let (list, index) = element!(place.slot);
    check_prior_size(list, prior_size)?;
    let position = check_index(list, index)?;
    list.remove(position);
    Ok(())
}

/// Empties a collection. Inside mixed values it moreover turns what is there into an empty one of
/// the given kind.
pub(super) fn clear(place: Place<'_, '_>, kind: CollectionKind) -> Result<(), Problem> {
    let Place { rules, slot, depth } = place;
    let node = match slot {
        Slot::Property {
            collection: CollectionKind::Single,
            node,
        } => node,
        Slot::Property { collection, node } => {
            // Clients before protocol 13 wrote a zero here.
            if kind != collection && kind != CollectionKind::Single {
                return Err(Problem::CollectionMismatch);
            }
            match node {
                Node::List(elements) => elements.clear(),
                Node::Dictionary(entries) => entries.clear(),
                Node::Set(elements) => elements.clear(),
                Node::Value(_) | Node::Object(_) => return Err(Problem::CollectionMismatch),
            }
            return Ok(());
        }
        Slot::Element { list, index } => {
            let size = list.len();
            list.get_mut(index as usize)
                .ok_or(Problem::IndexOutOfRange { index, size })?
        }
        Slot::Entry { dictionary, key } => dictionary.get_mut(key).ok_or(Problem::ThroughAbsent)?,
    };
    if !rules.is_mixed() {
        return Err(Problem::InvalidPath);
    }
    let marker = match kind {
        CollectionKind::List => Payload::List,
        CollectionKind::Dictionary => Payload::Dictionary,
        CollectionKind::Single | CollectionKind::Set => return Err(Problem::CollectionMismatch),
    };
    *node = rules.make(&marker, depth)?;
    Ok(())
}

/// The set, and where the value is or belongs.
type Found<'d, 'v> = (&'d mut Vec<Value>, &'v Value, Result<usize, usize>);

#[allow(
    clippy::needless_pass_by_value,
    reason = "a place is used up by acting there"
)]
fn find<'d, 'v>(place: Place<'_, 'd>, payload: &'v Payload) -> Result<Found<'d, 'v>, Problem> {
    let Place {
        rules,
        slot: Slot::Property {
            node: Node::Set(set),
            ..
        },
        ..
    } = place
    else {
        return Err(Problem::InvalidPath);
    };
    let Payload::Value(value) = payload else {
        return Err(Problem::Marker);
    };
    rules.check(value)?;
    let position = set.binary_search_by(|element| order::compare(element, value));
    Ok((set, value, position))
}

/// Values that compare equal count as one: the first representation stays.
pub(super) fn set_insert(place: Place<'_, '_>, payload: &Payload) -> Result<(), Problem> {
    let (set, value, position) = find(place, payload)?;
    if let Err(position) = position {
        set.insert(position, value.clone());
    }
    Ok(())
}

pub(super) fn set_erase(place: Place<'_, '_>, payload: &Payload) -> Result<(), Problem> {
    let (set, _, position) = find(place, payload)?;
    if let Ok(position) = position {
        set.remove(position);
    }
    Ok(())
}
