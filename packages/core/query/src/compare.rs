//! Comparing values: the database order, the comparison operators, and the case folding of `[c]`.

use std::cmp::Ordering;

use tidemark_changeset::{CollectionKind, Value};

use crate::ast::Operator;
use crate::decimal;
use crate::row::Scalar;

/// A value that outlives the row it was read from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Owned {
    Value(Value),
    /// A nested collection, which compares by its kind alone.
    Collection(CollectionKind),
    /// Names of types, as bits.
    Types(u32),
}

impl Owned {
    pub(crate) const NULL: Self = Self::Value(Value::Null);

    pub(crate) fn view(&self) -> Scalar<'_> {
        match self {
            Self::Value(value) => Scalar::from(value),
            Self::Collection(kind) => Scalar::Collection(*kind),
            Self::Types(mask) => Scalar::Int(i64::from(*mask)),
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Value(Value::Null))
    }
}

impl From<Scalar<'_>> for Owned {
    fn from(scalar: Scalar<'_>) -> Self {
        match scalar {
            Scalar::Collection(kind) => Self::Collection(kind),
            other => Self::Value(other.to_value()),
        }
    }
}

/// The place of links in the database order.
pub(crate) const LINK_RANK: u8 = 8;

/// The place of a value's type in the database order; all numbers share one.
pub(crate) fn rank(value: &Scalar<'_>) -> u8 {
    match value {
        Scalar::Null => 0,
        Scalar::Bool(_) => 1,
        Scalar::Int(_) | Scalar::Float(_) | Scalar::Double(_) | Scalar::Decimal(_) => 2,
        Scalar::String(_) => 3,
        Scalar::Binary(_) => 4,
        Scalar::Timestamp(_) => 5,
        Scalar::ObjectId(_) => 6,
        Scalar::Uuid(_) => 7,
        Scalar::Link(_) => LINK_RANK,
        Scalar::Collection(CollectionKind::List | CollectionKind::Single) => 9,
        Scalar::Collection(CollectionKind::Set) => 10,
        Scalar::Collection(CollectionKind::Dictionary) => 11,
    }
}

/// The database order over all values (rql.md §3.1): by type, numbers among each other by value.
pub fn order(left: &Scalar<'_>, right: &Scalar<'_>) -> Ordering {
    match (left, right) {
        (Scalar::Int(left), Scalar::Int(right)) => left.cmp(right),
        (Scalar::Bool(left), Scalar::Bool(right)) => left.cmp(right),
        (Scalar::String(left), Scalar::String(right))
        | (Scalar::Binary(left), Scalar::Binary(right)) => left.cmp(right),
        (Scalar::Timestamp(left), Scalar::Timestamp(right)) => left.cmp(right),
        (Scalar::ObjectId(left), Scalar::ObjectId(right)) => left.cmp(right),
        (Scalar::Uuid(left), Scalar::Uuid(right)) => left.cmp(right),
        (Scalar::Link(left), Scalar::Link(right)) => left.cmp(right),
        _ => rank(left)
            .cmp(&rank(right))
            .then_with(|| order_numbers(left, right)),
    }
}

fn order_numbers(left: &Scalar<'_>, right: &Scalar<'_>) -> Ordering {
    match (left, right) {
        (Scalar::Decimal(_), _) | (_, Scalar::Decimal(_)) => {
            match (as_decimal(left), as_decimal(right)) {
                (Some(left), Some(right)) => decimal::compare(&left, &right),
                _ => Ordering::Equal,
            }
        }
        (Scalar::Int(left), right) => {
            as_double(right).map_or(Ordering::Equal, |right| int_double(*left, right))
        }
        (left, Scalar::Int(right)) => {
            as_double(left).map_or(Ordering::Equal, |left| int_double(*right, left).reverse())
        }
        _ => match (as_double(left), as_double(right)) {
            (Some(left), Some(right)) => order_doubles(left, right),
            _ => Ordering::Equal,
        },
    }
}

fn as_double(value: &Scalar<'_>) -> Option<f64> {
    match value {
        Scalar::Float(value) => Some(f64::from(*value)),
        Scalar::Double(value) => Some(*value),
        _ => None,
    }
}

pub(crate) fn as_decimal(value: &Scalar<'_>) -> Option<tidemark_changeset::Decimal> {
    match value {
        Scalar::Int(value) => Some(decimal::from_int(*value)),
        Scalar::Float(value) => Some(decimal::from_float(*value)),
        Scalar::Double(value) => Some(decimal::from_double(*value)),
        Scalar::Decimal(value) => Some(*value),
        _ => None,
    }
}

/// NaN stands before every number; NaNs among each other by their bits.
fn order_doubles(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right)
        .unwrap_or_else(|| match (left.is_nan(), right.is_nan()) {
            (true, true) => left.to_bits().cmp(&right.to_bits()),
            (true, false) => Ordering::Less,
            _ => Ordering::Greater,
        })
}

/// An exact comparison: no rounding of large integers.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn int_double(left: i64, right: f64) -> Ordering {
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    if right.is_nan() || right < -TWO_63 {
        return Ordering::Greater;
    }
    if right >= TWO_63 {
        return Ordering::Less;
    }
    // In range, so the whole part converts exactly and the fraction decides a tie.
    let whole = right.trunc();
    left.cmp(&(whole as i64)).then_with(|| {
        let fraction = right - whole;
        0.0_f64.partial_cmp(&fraction).unwrap_or(Ordering::Equal)
    })
}

/// Whether two values are of types that order against each other.
fn comparable(left: &Scalar<'_>, right: &Scalar<'_>) -> bool {
    rank(left) == rank(right)
}

/// A comparison or string operator on two values, with the total order for NaN.
pub(crate) fn holds(
    operator: Operator,
    case_sensitive: bool,
    left: &Scalar<'_>,
    right: &Scalar<'_>,
) -> bool {
    match operator {
        Operator::Equal | Operator::In => equal(case_sensitive, left, right),
        Operator::NotEqual => !equal(case_sensitive, left, right),
        Operator::Less => ordered(left, right) && order(left, right) == Ordering::Less,
        Operator::Greater => ordered(left, right) && order(left, right) == Ordering::Greater,
        Operator::LessEqual => comparable(left, right) && order(left, right) != Ordering::Greater,
        Operator::GreaterEqual => comparable(left, right) && order(left, right) != Ordering::Less,
        Operator::BeginsWith
        | Operator::EndsWith
        | Operator::Contains
        | Operator::Like
        | Operator::Text => text_holds(operator, case_sensitive, left, right),
    }
}

fn ordered(left: &Scalar<'_>, right: &Scalar<'_>) -> bool {
    comparable(left, right) && !matches!(left, Scalar::Null)
}

fn equal(case_sensitive: bool, left: &Scalar<'_>, right: &Scalar<'_>) -> bool {
    if !case_sensitive {
        return match (left, right) {
            (Scalar::String(left), Scalar::String(right))
            | (Scalar::Binary(left), Scalar::Binary(right)) => {
                left.len() == right.len() && Folded::new(right).equals(left)
            }
            _ => equal(true, left, right),
        };
    }
    comparable(left, right) && order(left, right) == Ordering::Equal
}

fn text_holds(
    operator: Operator,
    case_sensitive: bool,
    left: &Scalar<'_>,
    right: &Scalar<'_>,
) -> bool {
    let (subject, needle) = match (left, right) {
        // An absent needle is found in everything there is, but only null is like null.
        (Scalar::Null, Scalar::Null) => return operator == Operator::Like,
        (_, Scalar::Null) => return operator != Operator::Like && case_sensitive,
        (Scalar::String(left), Scalar::String(right))
        | (Scalar::Binary(left), Scalar::Binary(right)) => (*left, *right),
        _ => return false,
    };
    let folded = (!case_sensitive).then(|| Folded::new(needle));
    text_matches(operator, subject, needle, folded.as_ref())
}

/// A string operator on bytes; `folded` is the needle of a `[c]` comparison.
pub(crate) fn text_matches(
    operator: Operator,
    subject: &[u8],
    needle: &[u8],
    folded: Option<&Folded>,
) -> bool {
    match (operator, folded) {
        (Operator::BeginsWith, None) => subject.starts_with(needle),
        (Operator::EndsWith, None) => subject.ends_with(needle),
        (Operator::Contains, None) => find(subject, needle),
        (Operator::BeginsWith, Some(folded)) => subject
            .get(..needle.len())
            .is_some_and(|part| folded.equals(part)),
        (Operator::EndsWith, Some(folded)) => subject
            .len()
            .checked_sub(needle.len())
            .and_then(|start| subject.get(start..))
            .is_some_and(|part| folded.equals(part)),
        (Operator::Contains, Some(folded)) => {
            needle.is_empty()
                || subject
                    .windows(needle.len())
                    .any(|part| folded.equals(part))
        }
        (Operator::Like, None) => like(subject, needle, needle),
        (Operator::Like, Some(folded)) => like(subject, &folded.lower, &folded.upper),
        _ => false,
    }
}

fn find(subject: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else {
        return true;
    };
    let mut rest = subject;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        rest = rest.get(at..).unwrap_or(&[]);
        if rest.starts_with(needle) {
            return true;
        }
        rest = rest.get(1..).unwrap_or(&[]);
    }
    false
}

/// Upper and lower copies of a needle, of the same length: a character of the subject must equal either
/// one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Folded {
    lower: Vec<u8>,
    upper: Vec<u8>,
}

impl Folded {
    pub(crate) fn new(needle: &[u8]) -> Self {
        let (mut lower, mut upper) = (needle.to_vec(), needle.to_vec());
        for index in 0..needle.len() {
            let byte = needle.get(index).copied().unwrap_or(0);
            let after_c3 = index > 0 && needle.get(index - 1) == Some(&0xc3);
            let pair = match byte {
                b'A'..=b'Z' | b'a'..=b'z' => Some((byte | 0x20, byte & !0x20)),
                // U+00C0–U+00DE and U+00E0–U+00FE are C3 80–9E and C3 A0–BE; × and ÷ have no case.
                0x80..=0x9e | 0xa0..=0xbe if after_c3 && byte & 0x1f != 0x17 => {
                    Some((byte | 0x20, byte & !0x20))
                }
                _ => None,
            };
            if let (Some((small, large)), Some(low), Some(high)) =
                (pair, lower.get_mut(index), upper.get_mut(index))
            {
                *low = small;
                *high = large;
            }
        }
        Self { lower, upper }
    }

    pub(crate) fn equals(&self, part: &[u8]) -> bool {
        part.len() == self.lower.len()
            && part
                .iter()
                .zip(self.lower.iter().zip(&self.upper))
                .all(|(byte, (lower, upper))| byte == lower || byte == upper)
    }
}

/// Length of the UTF-8 character that begins here; a byte that begins none counts as one character.
fn character_length(bytes: &[u8]) -> usize {
    let length = match bytes.first() {
        Some(0xc0..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf7) => 4,
        _ => 1,
    };
    length.min(bytes.len()).max(1)
}

/// Whole-string match with `?` for one character and `*` for any number; the pattern comes in two cases.
fn like(subject: &[u8], lower: &[u8], upper: &[u8]) -> bool {
    let (mut at, mut pattern) = (0, 0);
    let mut resume: Option<(usize, usize)> = None;
    while at < subject.len() {
        let rest = subject.get(at..).unwrap_or(&[]);
        match lower.get(pattern) {
            Some(b'*') => {
                resume = Some((pattern + 1, at));
                pattern += 1;
                continue;
            }
            Some(b'?') => {
                at += character_length(rest);
                pattern += 1;
                continue;
            }
            Some(_) => {
                let length = character_length(lower.get(pattern..).unwrap_or(&[]));
                let part = rest.get(..length);
                if part.is_some()
                    && (part == lower.get(pattern..pattern + length)
                        || part == upper.get(pattern..pattern + length))
                {
                    at += length;
                    pattern += length;
                    continue;
                }
            }
            None => {}
        }
        let Some((after, from)) = resume else {
            return false;
        };
        let next = from + character_length(subject.get(from..).unwrap_or(&[]));
        resume = Some((after, next));
        pattern = after;
        at = next;
    }
    lower
        .get(pattern..)
        .unwrap_or(&[])
        .iter()
        .all(|byte| *byte == b'*')
}
