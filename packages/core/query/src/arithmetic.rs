//! `+ - * /` on two values: the wider type wins, null and anything that is no number give null.

use tidemark_changeset::Value;

use crate::ast::ArithmeticOperator;
use crate::compare::as_decimal;
use crate::decimal;
use crate::row::Scalar;

/// The result of one operation.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn apply(operator: ArithmeticOperator, left: &Scalar<'_>, right: &Scalar<'_>) -> Value {
    match (left, right) {
        (Scalar::Int(left), Scalar::Int(right)) => Value::Int(integers(operator, *left, *right)),
        (Scalar::Decimal(_), _) | (_, Scalar::Decimal(_)) => {
            match (as_decimal(left), as_decimal(right)) {
                (Some(left), Some(right)) => Value::Decimal(decimals(operator, &left, &right)),
                _ => Value::Null,
            }
        }
        (Scalar::Float(left), Scalar::Float(right)) => Value::Float(match operator {
            ArithmeticOperator::Add => left + right,
            ArithmeticOperator::Subtract => left - right,
            ArithmeticOperator::Multiply => left * right,
            ArithmeticOperator::Divide => left / right,
        }),
        (Scalar::Float(left), Scalar::Int(right)) => apply(
            operator,
            &Scalar::Float(*left),
            &Scalar::Float(*right as f32),
        ),
        (Scalar::Int(left), Scalar::Float(right)) => apply(
            operator,
            &Scalar::Float(*left as f32),
            &Scalar::Float(*right),
        ),
        _ => match (as_double(left), as_double(right)) {
            (Some(left), Some(right)) => Value::Double(match operator {
                ArithmeticOperator::Add => left + right,
                ArithmeticOperator::Subtract => left - right,
                ArithmeticOperator::Multiply => left * right,
                ArithmeticOperator::Divide => left / right,
            }),
            _ => Value::Null,
        },
    }
}

#[allow(clippy::cast_precision_loss)]
fn as_double(value: &Scalar<'_>) -> Option<f64> {
    match value {
        Scalar::Int(value) => Some(*value as f64),
        Scalar::Float(value) => Some(f64::from(*value)),
        Scalar::Double(value) => Some(*value),
        _ => None,
    }
}

/// Wraps; division by zero gives the end of the range on the dividend's side.
fn integers(operator: ArithmeticOperator, left: i64, right: i64) -> i64 {
    match operator {
        ArithmeticOperator::Add => left.wrapping_add(right),
        ArithmeticOperator::Subtract => left.wrapping_sub(right),
        ArithmeticOperator::Multiply => left.wrapping_mul(right),
        ArithmeticOperator::Divide if right == 0 => {
            if left >= 0 {
                i64::MAX
            } else {
                i64::MIN
            }
        }
        ArithmeticOperator::Divide => left.wrapping_div(right),
    }
}

fn decimals(
    operator: ArithmeticOperator,
    left: &tidemark_changeset::Decimal,
    right: &tidemark_changeset::Decimal,
) -> tidemark_changeset::Decimal {
    match operator {
        ArithmeticOperator::Add => decimal::add(left, right),
        ArithmeticOperator::Subtract => decimal::add(left, &decimal::negate(right)),
        ArithmeticOperator::Multiply => decimal::multiply(left, right),
        ArithmeticOperator::Divide => decimal::divide(left, right),
    }
}
