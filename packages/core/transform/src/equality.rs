//! Which values of set operations are the same value.
//!
//! A set holds a value once, by the database's equality: numbers are equal across types, and 0 equals −0,
//! though the set keeps the representation that came first. The merge must answer as the set does. Equality
//! between binary and decimal numbers goes through rounding to 15 (double) or 7 (float) digits and so is not
//! transitive; pairs of numbers are therefore compared one by one, everything else by number of its
//! representation.

use std::cmp::Ordering;

use rustc_hash::FxHashMap;
use tidemark_changeset::{Payload, PrimaryKey, Value, order};

use crate::operation::{NONE, Numeric, Operation};
use crate::places::Places;
use crate::rules::Rules;

/// The distinct representations met so far.
#[derive(Debug, Default)]
pub(crate) struct Identities {
    known: FxHashMap<Box<[u8]>, u32>,
    numbers: FxHashMap<u32, Value>,
    rules: Rules,
}

impl Identities {
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            ..Self::default()
        }
    }

    /// The number of this representation, and what kind of number it is itself.
    pub fn identify(&mut self, payload: &Payload) -> (u32, Numeric) {
        let mut bytes = Vec::with_capacity(24);
        write_payload(payload, &mut bytes);
        let identity = self.number_of(&bytes);
        let numeric = match payload {
            Payload::Value(Value::Int(_)) => Numeric::Int,
            Payload::Value(Value::Float(_) | Value::Double(_) | Value::Decimal(_)) => {
                Numeric::Other
            }
            _ => return (identity, Numeric::No),
        };
        if let Payload::Value(number) = payload {
            self.numbers.insert(identity, number.clone());
        }
        (identity, numeric)
    }

    /// The number of the place that a set erasure's value has in its changeset, or `NONE` (see [`Places`]).
    pub fn place(&mut self, places: Option<&Places>, position: usize) -> u32 {
        places
            .and_then(|places| places.of(position))
            .map_or(NONE, |place| self.number_of(place))
    }

    fn number_of(&mut self, bytes: &[u8]) -> u32 {
        if let Some(known) = self.known.get(bytes) {
            return *known;
        }
        let fresh = u32::try_from(self.known.len()).expect("fewer values than instructions");
        self.known.insert(bytes.into(), fresh);
        fresh
    }

    /// Whether two operations carry values that a set takes for one.
    pub fn same(&self, left: &Operation, right: &Operation) -> bool {
        match (left.numeric, right.numeric) {
            (Numeric::No, _) | (_, Numeric::No) | (Numeric::Int, Numeric::Int) => {
                left.value == right.value
            }
            _ => self.numbers_equal(left.value, right.value),
        }
    }

    /// Numbers may be equal though written differently, or (by the original's comparison) different though
    /// written alike.
    fn numbers_equal(&self, left: u32, right: u32) -> bool {
        let (Some(left), Some(right)) = (self.numbers.get(&left), self.numbers.get(&right)) else {
            return left == right;
        };
        if self.rules.ot5_equal_numbers {
            equal_by_type(left, right)
        } else {
            order::compare(left, right) == Ordering::Equal
        }
    }
}

/// The original's comparison of numbers: same type and `==`. (Two integers are compared before.)
fn equal_by_type(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b) == Some(Ordering::Equal),
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b) == Some(Ordering::Equal),
        (Value::Decimal(a), Value::Decimal(b)) => a == b,
        _ => false,
    }
}

/// Bytes that are equal exactly for equal representations: a tag, then data; the key of a link comes last.
fn write_payload(payload: &Payload, out: &mut Vec<u8>) {
    match payload {
        Payload::Value(value) => write_value(value, out),
        Payload::Object => out.push(20),
        Payload::Dictionary => out.push(21),
        Payload::Erased => out.push(22),
        Payload::List => out.push(23),
        Payload::Set => out.push(24),
    }
}

fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(0),
        Value::Int(int) => tagged(1, &int.to_le_bytes(), out),
        Value::Bool(bool) => tagged(2, &[u8::from(*bool)], out),
        Value::String(text) => tagged(3, text.as_bytes(), out),
        Value::Binary(bytes) => tagged(4, bytes, out),
        Value::Timestamp(time) => {
            tagged(5, &time.seconds.to_le_bytes(), out);
            out.extend_from_slice(&time.nanoseconds.to_le_bytes());
        }
        Value::Float(float) => tagged(6, &float.to_bits().to_le_bytes(), out),
        Value::Double(double) => tagged(7, &double.to_bits().to_le_bytes(), out),
        Value::Decimal(decimal) => {
            tagged(8, &decimal.coefficient.to_le_bytes(), out);
            out.extend_from_slice(&decimal.exponent.to_le_bytes());
            out.push(u8::from(decimal.negative));
        }
        Value::Link(link) => {
            tagged(9, &link.class.len().to_le_bytes(), out);
            out.extend_from_slice(link.class.as_bytes());
            write_key(&link.key, out);
        }
        Value::ObjectId(id) => tagged(10, &id.0, out),
        Value::Uuid(id) => tagged(11, &id.0, out),
    }
}

fn write_key(key: &PrimaryKey, out: &mut Vec<u8>) {
    match key {
        PrimaryKey::Null => out.push(0),
        PrimaryKey::Int(int) => tagged(1, &int.to_le_bytes(), out),
        PrimaryKey::String(text) => tagged(3, text.as_bytes(), out),
        PrimaryKey::GlobalKey(high, low) => {
            tagged(12, &high.to_le_bytes(), out);
            out.extend_from_slice(&low.to_le_bytes());
        }
        PrimaryKey::ObjectId(id) => tagged(10, &id.0, out),
        PrimaryKey::Uuid(id) => tagged(11, &id.0, out),
    }
}

fn tagged(tag: u8, data: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(data);
}
