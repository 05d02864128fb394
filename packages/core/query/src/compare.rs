//! Comparing values: the database order, and the comparison operators.

use std::cmp::Ordering;

use tidemark_changeset::{CollectionKind, Value};

use crate::ast::Operator;
use crate::bind_compare::is_text_operator;
use crate::decimal;
use crate::error::Result;
use crate::row::Scalar;
use crate::steps::Steps;
use crate::text::Needle;

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

/// How two values are compared.
#[derive(Clone, Copy)]
pub(crate) struct Test<'c> {
    pub(crate) operator: Operator,
    pub(crate) case_sensitive: bool,
    /// The right value made ready, if that was possible.
    pub(crate) needle: Option<&'c Needle>,
}

impl Test<'_> {
    /// An operator on values of which case counts.
    pub(crate) fn of(operator: Operator) -> Self {
        Self {
            operator,
            case_sensitive: true,
            needle: None,
        }
    }

    /// Whether it holds for two values, with the total order for NaN.
    pub(crate) fn holds(
        &self,
        left: &Scalar<'_>,
        right: &Scalar<'_>,
        steps: &Steps,
    ) -> Result<bool> {
        if is_text_operator(self.operator) {
            return self.text_holds(left, right, steps);
        }
        let is_equality = matches!(
            self.operator,
            Operator::Equal | Operator::In | Operator::NotEqual
        );
        if is_equality
            && !self.case_sensitive
            && let Some((subject, needle)) = texts(left, right)
        {
            return self.finds(subject, needle, steps);
        }
        steps.take_bytes(left.text_bytes().min(right.text_bytes()))?;
        Ok(match self.operator {
            Operator::NotEqual => !equal(left, right),
            Operator::Less => ordered(left, right) && order(left, right) == Ordering::Less,
            Operator::Greater => ordered(left, right) && order(left, right) == Ordering::Greater,
            Operator::LessEqual => {
                comparable(left, right) && order(left, right) != Ordering::Greater
            }
            Operator::GreaterEqual => {
                comparable(left, right) && order(left, right) != Ordering::Less
            }
            _ => equal(left, right),
        })
    }

    fn text_holds(&self, left: &Scalar<'_>, right: &Scalar<'_>, steps: &Steps) -> Result<bool> {
        let is_like = self.operator == Operator::Like;
        match (left, right) {
            // An absent needle is found in everything there is, but only null is like null.
            (Scalar::Null, Scalar::Null) => Ok(is_like),
            (_, Scalar::Null) => Ok(!is_like && self.case_sensitive),
            _ => match texts(left, right) {
                Some((subject, needle)) => self.finds(subject, needle, steps),
                None => Ok(false),
            },
        }
    }

    fn finds(&self, subject: &[u8], needle: &[u8], steps: &Steps) -> Result<bool> {
        if let Some(needle) = self.needle {
            return needle.holds(subject, steps);
        }
        steps.take_bytes(needle.len())?;
        Needle::new(self.operator, self.case_sensitive, needle).holds(subject, steps)
    }
}

/// Two values of one type that is text.
fn texts<'a>(left: &Scalar<'a>, right: &Scalar<'a>) -> Option<(&'a [u8], &'a [u8])> {
    match (left, right) {
        (Scalar::String(left), Scalar::String(right))
        | (Scalar::Binary(left), Scalar::Binary(right)) => Some((left, right)),
        _ => None,
    }
}

fn ordered(left: &Scalar<'_>, right: &Scalar<'_>) -> bool {
    comparable(left, right) && !matches!(left, Scalar::Null)
}

fn equal(left: &Scalar<'_>, right: &Scalar<'_>) -> bool {
    comparable(left, right) && order(left, right) == Ordering::Equal
}
