//! Values → packed bytes.

use super::tag;
use crate::{Link, Payload, PrimaryKey, Value};

/// Appends a value.
pub fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(tag::NULL),
        Value::Int(value) => {
            out.push(tag::INT);
            out.extend_from_slice(&value.to_le_bytes());
        }
        Value::Bool(value) => out.extend_from_slice(&[tag::BOOL, u8::from(*value)]),
        Value::String(text) => {
            out.push(tag::STRING);
            write_bytes(out, text.as_bytes());
        }
        Value::Binary(bytes) => {
            out.push(tag::BINARY);
            write_bytes(out, bytes);
        }
        Value::Timestamp(time) => {
            out.push(tag::TIMESTAMP);
            out.extend_from_slice(&time.seconds.to_le_bytes());
            out.extend_from_slice(&time.nanoseconds.to_le_bytes());
        }
        Value::Float(value) => {
            out.push(tag::FLOAT);
            out.extend_from_slice(&value.to_le_bytes());
        }
        Value::Double(value) => {
            out.push(tag::DOUBLE);
            out.extend_from_slice(&value.to_le_bytes());
        }
        Value::Decimal(decimal) => {
            out.push(tag::DECIMAL);
            out.extend_from_slice(&decimal.coefficient.to_le_bytes());
            out.extend_from_slice(&decimal.exponent.to_le_bytes());
            out.push(u8::from(decimal.negative));
        }
        Value::Link(link) => write_link(out, link),
        Value::ObjectId(id) => {
            out.push(tag::OBJECT_ID);
            out.extend_from_slice(&id.0);
        }
        Value::Uuid(id) => {
            out.push(tag::UUID);
            out.extend_from_slice(&id.0);
        }
    }
}

fn write_link(out: &mut Vec<u8>, link: &Link) {
    let class = link.class.as_bytes();
    out.push(tag::LINK);
    // Class names that a database takes are far shorter; longer ones never get here.
    let length = u16::try_from(class.len()).expect("class names are checked when classes are made");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(class);
    write_key(out, &link.key);
}

/// Appends a primary key.
pub fn write_key(out: &mut Vec<u8>, key: &PrimaryKey) {
    match key {
        PrimaryKey::Null => out.push(tag::NULL),
        PrimaryKey::Int(value) => {
            out.push(tag::INT);
            out.extend_from_slice(&value.to_le_bytes());
        }
        PrimaryKey::String(text) => {
            out.push(tag::STRING);
            write_bytes(out, text.as_bytes());
        }
        PrimaryKey::GlobalKey(high, low) => {
            out.push(tag::GLOBAL_KEY);
            out.extend_from_slice(&high.to_le_bytes());
            out.extend_from_slice(&low.to_le_bytes());
        }
        PrimaryKey::ObjectId(id) => {
            out.push(tag::OBJECT_ID);
            out.extend_from_slice(&id.0);
        }
        PrimaryKey::Uuid(id) => {
            out.push(tag::UUID);
            out.extend_from_slice(&id.0);
        }
    }
}

/// Appends a value or a marker, as mutations carry them.
pub fn write_payload(out: &mut Vec<u8>, payload: &Payload) {
    match payload {
        Payload::Value(value) => write_value(out, value),
        Payload::Object => out.push(tag::MARK_OBJECT),
        Payload::List => out.push(tag::MARK_LIST),
        Payload::Dictionary => out.push(tag::MARK_DICTIONARY),
        Payload::Erased => out.push(tag::MARK_ERASED),
        Payload::Set => out.push(tag::MARK_SET),
    }
}

/// Appends a length and bytes: dictionary keys, and the rest of strings and binaries.
pub fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&size(bytes.len()).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Which collection [`begin`] opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerKind {
    /// Values.
    List,
    /// Keys ([`write_bytes`]) and values, sorted by key.
    Dictionary,
    /// Values in database order.
    Set,
}

/// A collection that is being written; give it back to [`end`].
#[derive(Debug)]
#[must_use = "a collection must be ended"]
pub struct Container(usize);

/// Opens a collection of `count` elements, which the caller then appends.
pub fn begin(out: &mut Vec<u8>, kind: ContainerKind, count: usize) -> Container {
    let container = open(
        out,
        match kind {
            ContainerKind::List => tag::LIST,
            ContainerKind::Dictionary => tag::DICTIONARY,
            ContainerKind::Set => tag::SET,
        },
    );
    out.extend_from_slice(&size(count).to_le_bytes());
    container
}

/// Closes a collection: its byte length is now known.
#[allow(
    clippy::needless_pass_by_value,
    reason = "ending a collection uses it up"
)]
pub fn end(out: &mut [u8], container: Container) {
    let Container(start) = container;
    let length = size(out.len() - start);
    let place = out
        .get_mut(start - 4..start)
        .expect("the collection was opened in this vector");
    place.copy_from_slice(&length.to_le_bytes());
}

/// Opens an embedded object; the caller appends its row.
pub fn begin_object(out: &mut Vec<u8>) -> Container {
    open(out, tag::OBJECT)
}

/// Closes an embedded object.
pub fn end_object(out: &mut [u8], container: Container) {
    end(out, container);
}

fn open(out: &mut Vec<u8>, tag: u8) -> Container {
    out.push(tag);
    out.extend_from_slice(&[0; 4]);
    Container(out.len())
}

pub(super) fn size(length: usize) -> u32 {
    u32::try_from(length).expect("a packed value stays below 4 GiB")
}
