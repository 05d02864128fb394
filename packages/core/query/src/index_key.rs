//! Keys of an index: bytes that sort as the values they stand for do in queries.
//!
//! A reader with such an index looks up ranges of keys and asks the whole predicate of what it finds, so a
//! key may stand for several values as long as their order is kept: long texts are cut, links are all one,
//! and decimals, which equal binary numbers only after rounding, stand apart from those.

use tidemark_changeset::{CollectionKind, Decimal};

use crate::compare::as_decimal;
use crate::decimal;
use crate::row::Scalar;

/// Bytes of a text that its key holds at most.
const TEXT_BYTES_MAX: usize = 256;

/// What follows the zero at the end of a text in its key.
const TEXT_END: u8 = 1;
const TEXT_CUT: u8 = 2;

/// What follows the section of numbers that are none, and of all others.
const NAN: u8 = 0;
const NUMBER: u8 = 1;

const NULL: u8 = 0;
const BOOL: u8 = 1;
/// Integers, floats and doubles, which compare exactly.
const BINARY_NUMBER: u8 = 2;
const DECIMAL: u8 = 3;
const STRING: u8 = 4;
const BINARY: u8 = 5;
const TIMESTAMP: u8 = 6;
const OBJECT_ID: u8 = 7;
const UUID: u8 = 8;
const LINK: u8 = 9;
const LIST: u8 = 10;
const SET: u8 = 11;
const DICTIONARY: u8 = 12;

/// How much a float and a decimal that compare as equal may differ, relatively: a float is compared at seven
/// digits.
const FLOAT_SLACK: f64 = 1e-6;

/// A range of keys: from, to (not included).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// The first key.
    pub from: Vec<u8>,
    /// What all keys are below.
    pub to: Vec<u8>,
}

/// Appends the key of a value. No key is the beginning of another value's.
pub fn write_index_key(out: &mut Vec<u8>, value: &Scalar<'_>) {
    out.push(section(value));
    match value {
        Scalar::Null | Scalar::Link(_) | Scalar::Collection(_) => {}
        Scalar::Bool(value) => out.push(u8::from(*value)),
        Scalar::Int(value) => write_int(out, *value),
        Scalar::Float(value) => write_double(out, f64::from(*value)),
        Scalar::Double(value) => write_double(out, *value),
        Scalar::Decimal(value) => write_decimal(out, value),
        Scalar::String(bytes) | Scalar::Binary(bytes) => {
            let kept = bytes.get(..TEXT_BYTES_MAX).unwrap_or(bytes);
            write_text(out, kept);
            let is_whole = kept.len() == bytes.len();
            out.extend_from_slice(&[0, if is_whole { TEXT_END } else { TEXT_CUT }]);
        }
        Scalar::Timestamp(time) => {
            out.extend_from_slice(&flipped(time.seconds).to_be_bytes());
            let nanoseconds = time.nanoseconds.cast_unsigned() ^ (1 << 31);
            out.extend_from_slice(&nanoseconds.to_be_bytes());
        }
        Scalar::ObjectId(id) => out.extend_from_slice(&id.0),
        Scalar::Uuid(id) => out.extend_from_slice(&id.0),
    }
}

fn section(value: &Scalar<'_>) -> u8 {
    match value {
        Scalar::Null => NULL,
        Scalar::Bool(_) => BOOL,
        Scalar::Int(_) | Scalar::Float(_) | Scalar::Double(_) => BINARY_NUMBER,
        Scalar::Decimal(_) => DECIMAL,
        Scalar::String(_) => STRING,
        Scalar::Binary(_) => BINARY,
        Scalar::Timestamp(_) => TIMESTAMP,
        Scalar::ObjectId(_) => OBJECT_ID,
        Scalar::Uuid(_) => UUID,
        Scalar::Link(_) => LINK,
        Scalar::Collection(CollectionKind::List | CollectionKind::Single) => LIST,
        Scalar::Collection(CollectionKind::Set) => SET,
        Scalar::Collection(CollectionKind::Dictionary) => DICTIONARY,
    }
}

fn flipped(value: i64) -> u64 {
    value.cast_unsigned() ^ (1 << 63)
}

/// Zero bytes are followed by `ff`, so that what ends the text sorts before all that could go on.
fn write_text(out: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
}

/// Integers up to this one are doubles too.
const DOUBLES_MAX: u64 = 1 << 53;

/// The double at or below an integer, and how far above it the integer is: at most 1024.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn parts_of_int(value: i64) -> (f64, u16) {
    if value.unsigned_abs() <= DOUBLES_MAX {
        return (value as f64, 0);
    }
    let nearest = value as f64;
    let whole = i128::from(value);
    let below = if (nearest as i128) > whole {
        nearest.next_down()
    } else {
        nearest
    };
    let rest = u16::try_from(whole - below as i128).unwrap_or(u16::MAX);
    (below, rest)
}

fn write_int(out: &mut Vec<u8>, value: i64) {
    let (below, rest) = parts_of_int(value);
    write_number(out, below, rest);
}

/// The first bytes of an integer's key as a number; they are all that are not zero.
#[inline]
pub(crate) fn beginning_of_int(value: i64) -> u128 {
    let (below, rest) = parts_of_int(value);
    let tags = u128::from(u16::from_be_bytes([BINARY_NUMBER, NUMBER]));
    tags << 112 | u128::from(sorted_bits(below)) << 48 | u128::from(rest) << 32
}

/// The first bytes of a string's key as a number, and whether all others are zero; `None` if the string
/// begins with what has to be written in another way.
#[inline]
pub(crate) fn beginning_of_text(text: &[u8]) -> Option<(u128, bool)> {
    const LENGTH: usize = size_of::<u128>();
    let mut bytes = [0; LENGTH];
    let (tag, rest) = bytes.split_first_mut()?;
    *tag = STRING;
    let kept = text.get(..LENGTH - 1).unwrap_or(text);
    if kept.contains(&0) {
        return None;
    }
    rest.get_mut(..kept.len())?.copy_from_slice(kept);
    if let Some(end) = rest.get_mut(text.len() + 1) {
        // A zero, and that the text is whole.
        *end = TEXT_END;
        return Some((u128::from_be_bytes(bytes), true));
    }
    Some((u128::from_be_bytes(bytes), false))
}

fn write_double(out: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        // Before all numbers, among each other by their bits.
        out.push(NAN);
        out.extend_from_slice(&value.to_bits().to_be_bytes());
        out.extend_from_slice(&[0; 2]);
    } else {
        write_number(out, value, 0);
    }
}

fn write_number(out: &mut Vec<u8>, value: f64, rest: u16) {
    out.push(NUMBER);
    out.extend_from_slice(&sorted_bits(value).to_be_bytes());
    out.extend_from_slice(&rest.to_be_bytes());
}

/// Bits that compare as the numbers do.
fn sorted_bits(value: f64) -> u64 {
    // Adding zero makes the negative one the other.
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits ^ (1 << 63)
    }
}

fn write_decimal(out: &mut Vec<u8>, value: &Decimal) {
    /// Digits of the largest coefficient that 113 bits hold.
    const DIGITS: u32 = 35;
    if decimal::is_nan(value) {
        return out.push(0);
    }
    let is_infinite = decimal::is_infinite(value);
    if value.coefficient == 0 && !is_infinite {
        return out.push(2);
    }
    let (top, digits) = if is_infinite {
        (u16::MAX, 0)
    } else {
        let place = value.coefficient.ilog10();
        let top = i64::from(value.exponent) + i64::from(place) + 10_000;
        let digits = value.coefficient * 10_u128.pow((DIGITS - 1).saturating_sub(place));
        (u16::try_from(top.max(0)).unwrap_or(u16::MAX - 1), digits)
    };
    let mut magnitude = [0; 18];
    magnitude[..2].copy_from_slice(&top.to_be_bytes());
    magnitude[2..].copy_from_slice(&digits.to_be_bytes());
    if value.negative {
        for byte in &mut magnitude {
            *byte = !*byte;
        }
    }
    out.push(if value.negative { 1 } else { 3 });
    out.extend_from_slice(&magnitude);
}

/// How values stand to the constant they are looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    BeginsWith,
}

/// The ranges in which the keys of all values lie that stand so to a constant. `is_mixed` says whether values
/// may be of another type than it.
pub(crate) fn ranges(
    relation: Relation,
    constant: &Scalar<'_>,
    is_mixed: bool,
) -> Option<Vec<KeyRange>> {
    if relation == Relation::BeginsWith {
        return prefix_range(constant).map(|range| vec![range]);
    }
    match constant {
        Scalar::Null => {
            if relation != Relation::Equal {
                return None;
            }
            // A link to an object that does not exist reads as null.
            let sections: &[u8] = if is_mixed { &[NULL, LINK] } else { &[NULL] };
            Some(sections.iter().map(|&start| whole(start)).collect())
        }
        Scalar::Decimal(value) => Some(vec![
            near(relation, value),
            spanned(relation, constant, true),
        ]),
        Scalar::Int(_) | Scalar::Float(_) | Scalar::Double(_) => {
            let mut ranges = vec![spanned(relation, constant, true)];
            if let Some(value) = as_decimal(constant).filter(|_| is_mixed) {
                ranges.push(spanned(relation, &Scalar::Decimal(value), true));
            }
            Some(ranges)
        }
        Scalar::Link(_) | Scalar::Collection(_) => {
            (relation == Relation::Equal).then(|| vec![whole(section(constant))])
        }
        Scalar::String(bytes) | Scalar::Binary(bytes) => Some(vec![spanned(
            relation,
            constant,
            bytes.len() <= TEXT_BYTES_MAX,
        )]),
        _ => Some(vec![spanned(relation, constant, true)]),
    }
}

/// The keys of null.
pub(crate) fn null_range() -> KeyRange {
    whole(NULL)
}

fn whole(section: u8) -> KeyRange {
    KeyRange {
        from: vec![section],
        to: vec![section + 1],
    }
}

/// The range of a constant's own section. Where its key stands for other values too, they are in it.
fn spanned(relation: Relation, constant: &Scalar<'_>, is_exact: bool) -> KeyRange {
    let mut key = Vec::new();
    write_index_key(&mut key, constant);
    let KeyRange { from, to } = whole(section(constant));
    let after = after(&key);
    match relation {
        Relation::Less if is_exact => KeyRange { from, to: key },
        Relation::Less | Relation::LessEqual => KeyRange { from, to: after },
        Relation::Greater if is_exact => KeyRange { from: after, to },
        Relation::Greater | Relation::GreaterEqual => KeyRange { from: key, to },
        _ => KeyRange {
            from: key,
            to: after,
        },
    }
}

/// The first key after those that begin so. Sections are few, so there always is one.
fn after(key: &[u8]) -> Vec<u8> {
    let last = key.iter().rposition(|&byte| byte != 0xff).unwrap_or(0);
    let mut end = key.get(..=last).unwrap_or(key).to_vec();
    if let Some(byte) = end.last_mut() {
        *byte += 1;
    }
    end
}

fn prefix_range(constant: &Scalar<'_>) -> Option<KeyRange> {
    let (Scalar::String(prefix) | Scalar::Binary(prefix)) = constant else {
        return None;
    };
    let mut from = vec![section(constant)];
    write_text(&mut from, prefix.get(..TEXT_BYTES_MAX).unwrap_or(prefix));
    let to = after(&from);
    Some(KeyRange { from, to })
}

/// The binary numbers that may stand so to a decimal, which they are compared with after rounding.
fn near(relation: Relation, value: &Decimal) -> KeyRange {
    let all = whole(BINARY_NUMBER);
    let about: f64 = decimal::print(value).parse().unwrap_or(f64::NAN);
    if !about.is_finite() {
        return all;
    }
    let slack = about.abs() * FLOAT_SLACK + f64::MIN_POSITIVE;
    let low = Scalar::Double(about - slack);
    let high = Scalar::Double(about + slack);
    match relation {
        Relation::Less | Relation::LessEqual => spanned(Relation::LessEqual, &high, true),
        Relation::Greater | Relation::GreaterEqual => spanned(Relation::GreaterEqual, &low, true),
        _ => KeyRange {
            from: spanned(Relation::GreaterEqual, &low, true).from,
            to: spanned(Relation::LessEqual, &high, true).to,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tidemark_changeset::{ObjectId, Timestamp, Uuid, Value};

    use super::*;
    use crate::ast::Operator;
    use crate::compare::Test;
    use crate::steps::Steps;

    fn near_power() -> impl Strategy<Value = i64> {
        (0..63_u32, -2..=2_i64, any::<bool>()).prop_map(|(power, off, negative)| {
            let value = (1_i64 << power).saturating_add(off);
            if negative { -value } else { value }
        })
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    fn number() -> impl Strategy<Value = Value> {
        let small = -3..=3_i64;
        let whole = prop_oneof![any::<i64>(), near_power(), small, Just(i64::MIN)];
        let double = prop_oneof![
            any::<f64>(),
            near_power().prop_map(|value| value as f64),
            (-30..=30_i64).prop_map(|tenths| tenths as f64 / 10.0),
            Just(0.1 + 0.2),
            Just(-0.0),
            Just(f64::NAN),
        ];
        let decimal = prop_oneof![
            (any::<u64>(), -40..40_i32),
            (0..40_u64, -3..3_i32),
            (0..3_u64, -6176..6111_i32),
            Just((0, 9696)),
            Just((0, 9184)),
        ];
        let decimal = (decimal, any::<bool>()).prop_map(|((coefficient, exponent), negative)| {
            Value::Decimal(Decimal {
                coefficient: coefficient.into(),
                exponent,
                negative,
            })
        });
        prop_oneof![
            whole.prop_map(Value::Int),
            double.clone().prop_map(Value::Double),
            double.prop_map(|value| Value::Float(value as f32)),
            decimal,
        ]
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        let letter = prop_oneof![Just(0_u8), Just(1), Just(b'a'), Just(0xff)];
        (any::<bool>(), prop::collection::vec(letter, 0..4)).prop_map(|(is_long, end)| {
            let mut text = vec![b'x'; if is_long { TEXT_BYTES_MAX - 1 } else { 0 }];
            text.extend(end);
            text
        })
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            8 => number(),
            2 => text().prop_map(|text| Value::String(text.as_slice().into())),
            2 => text().prop_map(|text| Value::Binary(text.into())),
            1 => Just(Value::Null),
            1 => any::<bool>().prop_map(Value::Bool),
            1 => (-2..3_i64, -2..3_i32).prop_map(|(seconds, nanoseconds)| {
                Value::Timestamp(Timestamp { seconds, nanoseconds })
            }),
            1 => (0..3_u8).prop_map(|byte| Value::ObjectId(ObjectId([byte; 12]))),
            1 => (0..3_u8).prop_map(|byte| Value::Uuid(Uuid([byte; 16]))),
        ]
    }

    fn key(value: &Scalar<'_>) -> Vec<u8> {
        let mut key = Vec::new();
        write_index_key(&mut key, value);
        // Something follows in every entry.
        key.push(0x80);
        key
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        /// Whatever a comparison holds for lies in the ranges; and where types compare exactly, nothing else.
        #[test]
        fn ranges_hold_what_comparisons_do(value in value(), constant in value()) {
            let (value, constant) = (Scalar::from(&value), Scalar::from(&constant));
            let key = key(&value);
            for (operator, relation) in [
                (Operator::Equal, Relation::Equal),
                (Operator::Less, Relation::Less),
                (Operator::LessEqual, Relation::LessEqual),
                (Operator::Greater, Relation::Greater),
                (Operator::GreaterEqual, Relation::GreaterEqual),
                (Operator::BeginsWith, Relation::BeginsWith),
            ] {
                let steps = Steps::unlimited();
                let holds = Test::of(operator).holds(&value, &constant, &steps);
                let holds = holds.expect("steps do not end");
                let Some(ranges) = ranges(relation, &constant, true) else {
                    continue;
                };
                let is_found = ranges.iter().any(|range| range.from <= key && key < range.to);
                let is_exact = !matches!(constant, Scalar::Decimal(_))
                    && value.text_bytes().max(constant.text_bytes()) <= TEXT_BYTES_MAX;
                prop_assert!(is_found || !holds, "{relation:?} is missed");
                prop_assert!(holds || !is_found || !is_exact, "{relation:?} finds too much");
            }
        }
    }
}
