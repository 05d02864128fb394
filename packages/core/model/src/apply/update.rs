//! Assignments: Update and `AddInteger`.

use tidemark_changeset::{CollectionKind, Name, Payload, Value};

use super::resolve::{Place, Slot};
use super::values::Rules;
use crate::document::Node;
use crate::error::Problem;

pub(super) fn update(place: Place<'_, '_>, payload: &Payload) -> Result<(), Problem> {
    let Place { rules, depth, slot } = place;
    match slot {
        Slot::Property {
            collection: CollectionKind::Single,
            node,
        } => update_property(rules, depth, node, payload),
        // A collection as a whole is only ever cleared.
        Slot::Property { .. } => Err(Problem::InvalidPath),
        Slot::Element { list, index } => {
            let size = list.len();
            let node = list
                .get_mut(index as usize)
                .ok_or(Problem::IndexOutOfRange { index, size })?;
            match payload {
                // Embedded elements are made by inserting; saying so again is harmless.
                Payload::Object => Ok(()),
                Payload::Erased => Err(Problem::Marker),
                _ => assign(rules, depth, node, payload),
            }
        }
        Slot::Entry { dictionary, key } => {
            if *payload == Payload::Erased {
                dictionary.remove(key);
                return Ok(());
            }
            check_dictionary_key(key)?;
            if let Some(node) = dictionary.get_mut(key) {
                // An object marker replaces an object that is there by a fresh one, unlike
                // everywhere else.
                assign(rules, depth, node, payload)
            } else {
                let node = rules.make(payload, depth)?;
                dictionary.insert(key.clone(), node);
                Ok(())
            }
        }
    }
}

fn update_property(
    rules: Rules<'_>,
    depth: usize,
    node: &mut Node,
    payload: &Payload,
) -> Result<(), Problem> {
    match payload {
        // Made only where nothing is; whatever is there stays, of whatever type.
        Payload::Object if !node.is_null() => Ok(()),
        _ => assign(rules, depth, node, payload),
    }
}

/// Puts the payload in place of what is there; a list or dictionary marker keeps a collection of
/// its kind.
fn assign(
    rules: Rules<'_>,
    depth: usize,
    node: &mut Node,
    payload: &Payload,
) -> Result<(), Problem> {
    let keeps = matches!(
        (payload, &*node),
        (Payload::List, Node::List(_)) | (Payload::Dictionary, Node::Dictionary(_))
    );
    let new = rules.make(payload, depth)?;
    if !keeps {
        *node = new;
    }
    Ok(())
}

/// Keys that the documents of a mirror could not have as field names are refused where they are
/// written.
fn check_dictionary_key(key: &Name) -> Result<(), Problem> {
    let bytes = key.as_bytes();
    if bytes.first() == Some(&b'$') || bytes.contains(&b'.') {
        return Err(Problem::DictionaryKey);
    }
    Ok(())
}

pub(super) fn add_integer(
    collection: CollectionKind,
    node: &mut Node,
    delta: i64,
) -> Result<(), Problem> {
    if collection != CollectionKind::Single {
        return Err(Problem::InvalidPath);
    }
    match node {
        // What null plus something would be is nobody's business: nothing happens.
        Node::Value(Value::Null) => Ok(()),
        Node::Value(Value::Int(value)) => {
            *value = value.wrapping_add(delta);
            Ok(())
        }
        _ => Err(Problem::NotAnInteger),
    }
}
