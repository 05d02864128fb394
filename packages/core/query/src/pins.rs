//! The fields that a predicate pins to constants, for who finds predicates by the values of a row.
//!
//! The other way round than [`crate::Query::access`]: there one query asks many rows, here one row
//! asks many queries.

use tidemark_changeset::{ColumnType, ObjectId, Timestamp, Uuid, Value};

use crate::ast::Operator;
use crate::bound::{Comparison, Condition, DataType, Expression, PathExpression};
use crate::catalog::Place;
use crate::compare::Owned;
use crate::row::{Field, Row, Scalar};
use crate::walk;

/// A choice of more pins is no choice: looking them all up would cost more than evaluating the predicate.
pub const PINS_MAX: usize = 256;

/// A value as an equality sees it: what is equal has the same, but not all that has the same is equal (NaN).
/// Numbers have one whatever their type is; `1`, `1.0` and `1.0f` are the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PinnedValue {
    /// No value.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number that is a 64-bit integer.
    Int(i64),
    /// Bits of any other number that is not a decimal; all NaNs share one form.
    Double(u64),
    /// A string by its bytes.
    String(Box<[u8]>),
    /// Bytes.
    Binary(Box<[u8]>),
    /// A point in time.
    Timestamp(Timestamp),
    /// An object id.
    ObjectId(ObjectId),
    /// A UUID.
    Uuid(Uuid),
    /// A collection in a mixed value: nothing pins a field to it.
    Collection,
}

/// A field with the value that it is pinned to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pin {
    /// The field.
    pub place: Place,
    /// What equals the constant has this.
    pub value: PinnedValue,
}

impl PinnedValue {
    /// What a row holds in a place, as equalities with constants see it. `None` for links and decimals, of
    /// which that cannot be told without looking at the constant: any pin of the place may hold then, unless
    /// the field is mixed. What links and decimals can equal, mixed fields are not pinned to.
    pub fn of(row: &dyn Row, place: Place) -> Option<Self> {
        match walk::read(row, place) {
            Field::Scalar(scalar) => Self::from_scalar(&scalar),
            Field::List(_) | Field::Set(_) | Field::Dictionary(_) => Some(Self::Collection),
            Field::Object(_) => None,
        }
    }

    fn from_scalar(scalar: &Scalar<'_>) -> Option<Self> {
        Some(match scalar {
            Scalar::Null => Self::Null,
            Scalar::Bool(value) => Self::Bool(*value),
            Scalar::Int(value) => Self::Int(*value),
            Scalar::Float(value) => Self::from_double(f64::from(*value)),
            Scalar::Double(value) => Self::from_double(*value),
            Scalar::String(bytes) => Self::String(Box::from(*bytes)),
            Scalar::Binary(bytes) => Self::Binary(Box::from(*bytes)),
            Scalar::Timestamp(value) => Self::Timestamp(*value),
            Scalar::ObjectId(value) => Self::ObjectId(*value),
            Scalar::Uuid(value) => Self::Uuid(*value),
            Scalar::Collection(_) => Self::Collection,
            // A decimal equals doubles that differ from one another, and a link to an absent object is null.
            Scalar::Decimal(_) | Scalar::Link(_) => return None,
        })
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "whole and in range, so the conversion is exact"
    )]
    fn from_double(value: f64) -> Self {
        const TWO_63: f64 = 9_223_372_036_854_775_808.0;
        let is_whole = value.fract() == 0.0 && (-TWO_63..TWO_63).contains(&value);
        if is_whole {
            Self::Int(value as i64)
        } else if value.is_nan() {
            Self::Double(f64::NAN.to_bits())
        } else {
            Self::Double(value.to_bits())
        }
    }
}

/// Choices of pins: for each of them, every row that satisfies the condition has at least one of its pins.
pub(crate) fn choices(condition: &Condition) -> Vec<Vec<Pin>> {
    match condition {
        Condition::False => vec![Vec::new()],
        Condition::And(parts) => parts.iter().flat_map(choices).collect(),
        Condition::Or(parts) | Condition::Nested(parts) => {
            let mut together = Vec::new();
            for part in parts {
                let Some(fewest) = choices(part).into_iter().min_by_key(Vec::len) else {
                    return Vec::new();
                };
                together.extend(fewest);
                if together.len() > PINS_MAX {
                    return Vec::new();
                }
            }
            vec![together]
        }
        Condition::Compare(comparison) => equality(comparison).into_iter().collect(),
        Condition::OneOf { path, elements } => one_of(path, elements).into_iter().collect(),
        Condition::True
        | Condition::Not(_)
        | Condition::Text { .. }
        | Condition::GeoWithin { .. }
        | Condition::Between { .. } => Vec::new(),
    }
}

fn equality(comparison: &Comparison) -> Option<Vec<Pin>> {
    if comparison.operator != Operator::Equal || !comparison.case_sensitive || comparison.types {
        return None;
    }
    match (&comparison.left, &comparison.right) {
        (Expression::Path(path), Expression::Constant { value })
        | (Expression::Constant { value }, Expression::Path(path)) => {
            one_of(path, std::slice::from_ref(value))
        }
        _ => None,
    }
}

fn one_of(path: &PathExpression, elements: &[Owned]) -> Option<Vec<Pin>> {
    let place = path.direct()?;
    if elements.len() > PINS_MAX {
        return None;
    }
    let pin = |element| {
        let value = constant(path.data_type, element)?;
        Some(Pin { place, value })
    };
    elements.iter().map(pin).collect()
}

/// A constant, if whatever a field of a type holds that equals it has the same pinned value.
fn constant(field: DataType, element: &Owned) -> Option<PinnedValue> {
    let (DataType::Column(column), Owned::Value(value)) = (field, element) else {
        return None;
    };
    match column {
        ColumnType::Int
        | ColumnType::Bool
        | ColumnType::String
        | ColumnType::Binary
        | ColumnType::Timestamp
        | ColumnType::Float
        | ColumnType::Double
        | ColumnType::ObjectId
        | ColumnType::Uuid => {}
        // It may hold decimals, and links to absent objects, which equal null.
        ColumnType::Mixed => match value {
            Value::Null | Value::Int(_) | Value::Float(_) | Value::Double(_) => return None,
            _ => {}
        },
        _ => return None,
    }
    PinnedValue::from_scalar(&Scalar::from(value))
}
