//! The order that a database keeps among values of any type: that of sets, of sorting, of minimum
//! and maximum.
//!
//! null < bool < numbers < string < binary < date < object id < uuid < link. Numbers compare by
//! what they are worth, whatever their type; with a decimal on one side a double counts with 15
//! significant digits and a float with 7, as the original does. A NaN is less than every number.
//! Links compare by class name, then key: the original compares positions in its file there, which
//! no other file shares.

use std::cmp::Ordering;

use crate::{Decimal, Value};

/// Exponent field from which the bits say infinity, and from which they say NaN.
const INFINITY_EXPONENT: i32 = 9184;
const NAN_EXPONENT: i32 = 9696;
/// Largest exponent of a finite decimal128.
const FINITE_EXPONENT_MAX: i32 = 6111;
/// Decimals have at most 34 digits.
const COEFFICIENT_END: u128 = 10_u128.pow(34);

/// Digits of a double or float that count against a decimal.
const DOUBLE_DIGITS: usize = 15;
const FLOAT_DIGITS: usize = 7;

impl Decimal {
    /// The quiet NaN.
    pub const NAN: Self = Self {
        coefficient: 0,
        exponent: NAN_EXPONENT,
        negative: false,
    };
    /// Positive infinity.
    pub const INFINITY: Self = Self {
        coefficient: 0,
        exponent: INFINITY_EXPONENT,
        negative: false,
    };

    /// Whether this is not a number.
    pub fn is_nan(&self) -> bool {
        self.exponent >= NAN_EXPONENT
    }

    /// Whether this is infinite, of either sign.
    pub fn is_infinite(&self) -> bool {
        (INFINITY_EXPONENT..NAN_EXPONENT).contains(&self.exponent)
    }

    /// Coefficient and exponent of a finite number; bit patterns that decimal128 calls
    /// non-canonical are zero.
    fn magnitude(&self) -> (u128, i32) {
        if self.exponent > FINITE_EXPONENT_MAX || self.coefficient >= COEFFICIENT_END {
            (0, 0)
        } else {
            (self.coefficient, self.exponent)
        }
    }

    /// Whether this is worth zero, of either sign.
    pub fn is_zero(&self) -> bool {
        !self.is_nan() && !self.is_infinite() && self.magnitude().0 == 0
    }

    /// Compares by worth: 1.50 equals 1.5, and −0 equals 0. NaNs are equal to each other and below
    /// everything.
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self.is_nan(), other.is_nan()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        let (sign, other_sign) = (self.sign(), other.sign());
        if sign != other_sign || sign == 0 {
            return sign.cmp(&other_sign);
        }
        let order = match (self.is_infinite(), other.is_infinite()) {
            (false, false) => compare_magnitudes(self.magnitude(), other.magnitude()),
            (infinite, other_infinite) => infinite.cmp(&other_infinite),
        };
        if sign < 0 { order.reverse() } else { order }
    }

    fn sign(&self) -> i32 {
        match (self.is_zero(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    /// The decimal of an integer, exactly.
    pub fn from_int(value: i64) -> Self {
        Self {
            coefficient: u128::from(value.unsigned_abs()),
            exponent: 0,
            negative: value < 0,
        }
    }

    /// The decimal of a double, rounded to 15 significant digits.
    pub fn from_double(value: f64) -> Self {
        from_scientific(value, &format!("{:.*e}", DOUBLE_DIGITS - 1, value.abs()))
    }

    /// The decimal of a float, rounded to 7 significant digits.
    pub fn from_float(value: f32) -> Self {
        from_scientific(
            f64::from(value),
            &format!("{:.*e}", FLOAT_DIGITS - 1, value.abs()),
        )
    }
}

/// `text` is the absolute value as `d.ddde±x`.
fn from_scientific(value: f64, text: &str) -> Decimal {
    if value.is_nan() {
        return Decimal::NAN;
    }
    let negative = value.is_sign_negative();
    if value.is_infinite() {
        return Decimal {
            negative,
            ..Decimal::INFINITY
        };
    }
    let (mantissa, exponent) = text
        .split_once('e')
        .expect("scientific notation has an exponent");
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_end_matches('0');
    let coefficient = digits.parse().unwrap_or(0);
    let exponent: i32 = exponent.parse().expect("the exponent is a small number");
    let fraction = i32::try_from(digits.len()).expect("few digits") - 1;
    let exponent = if coefficient == 0 {
        0
    } else {
        exponent - fraction
    };
    Decimal {
        coefficient,
        exponent,
        negative,
    }
}

/// Compares c·10^e of two positive numbers.
fn compare_magnitudes(a: (u128, i32), b: (u128, i32)) -> Ordering {
    let size = |(coefficient, exponent): (u128, i32)| {
        i32::try_from(coefficient.ilog10()).expect("at most 38 digits") + exponent
    };
    size(a).cmp(&size(b)).then_with(|| {
        // Equally many digits before the point: bringing both to the smaller exponent adds at most
        // 33 digits to the shorter coefficient, never beyond 34.
        let scale = |(coefficient, exponent): (u128, i32)| {
            let zeros = exponent.saturating_sub(a.1.min(b.1)).unsigned_abs();
            coefficient.saturating_mul(10_u128.saturating_pow(zeros))
        };
        scale(a).cmp(&scale(b))
    })
}

/// A number of any type.
#[derive(Clone, Copy)]
enum Number {
    Int(i64),
    Float(f32),
    Double(f64),
    Decimal(Decimal),
}

impl Number {
    fn of(value: &Value) -> Option<Self> {
        Some(match *value {
            Value::Int(value) => Self::Int(value),
            Value::Float(value) => Self::Float(value),
            Value::Double(value) => Self::Double(value),
            Value::Decimal(value) => Self::Decimal(value),
            _ => return None,
        })
    }

    fn to_decimal(self) -> Decimal {
        match self {
            Self::Int(value) => Decimal::from_int(value),
            Self::Float(value) => Decimal::from_float(value),
            Self::Double(value) => Decimal::from_double(value),
            Self::Decimal(value) => value,
        }
    }
}

fn compare_numbers(a: Number, b: Number) -> Ordering {
    match (a, b) {
        (Number::Decimal(_), _) | (_, Number::Decimal(_)) => {
            a.to_decimal().compare(&b.to_decimal())
        }
        (Number::Int(a), Number::Int(b)) => a.cmp(&b),
        (Number::Int(a), Number::Float(b)) => compare_int_double(a, f64::from(b)),
        (Number::Int(a), Number::Double(b)) => compare_int_double(a, b),
        (Number::Float(a), Number::Int(b)) => compare_int_double(b, f64::from(a)).reverse(),
        (Number::Double(a), Number::Int(b)) => compare_int_double(b, a).reverse(),
        (Number::Float(a), Number::Float(b)) => compare_doubles(f64::from(a), f64::from(b)),
        (Number::Float(a), Number::Double(b)) => compare_doubles(f64::from(a), b),
        (Number::Double(a), Number::Float(b)) => compare_doubles(a, f64::from(b)),
        (Number::Double(a), Number::Double(b)) => compare_doubles(a, b),
    }
}

/// NaNs come first, among themselves by their bits.
fn compare_doubles(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b)
        .unwrap_or_else(|| match (a.is_nan(), b.is_nan()) {
            (true, true) => a.to_bits().cmp(&b.to_bits()),
            (true, false) => Ordering::Less,
            _ => Ordering::Greater,
        })
}

/// Compares exactly: no integer is rounded to a double.
fn compare_int_double(a: i64, b: f64) -> Ordering {
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    if b.is_nan() {
        return Ordering::Greater;
    }
    if b >= TWO_TO_63 {
        return Ordering::Less;
    }
    if b < -TWO_TO_63 {
        return Ordering::Greater;
    }
    let whole = b.trunc();
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a whole number within the range of i64"
    )]
    let whole_int = whole as i64;
    a.cmp(&whole_int)
        .then_with(|| 0.0.partial_cmp(&(b - whole)).unwrap_or(Ordering::Equal))
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) | Value::Float(_) | Value::Double(_) | Value::Decimal(_) => 2,
        Value::String(_) => 3,
        Value::Binary(_) => 4,
        Value::Timestamp(_) => 5,
        Value::ObjectId(_) => 6,
        Value::Uuid(_) => 7,
        Value::Link(_) => 8,
    }
}

/// Compares two values in database order. Values of different representation may be equal: int 1
/// and double 1.0.
pub fn compare(a: &Value, b: &Value) -> Ordering {
    if let (Some(a), Some(b)) = (Number::of(a), Number::of(b)) {
        return compare_numbers(a, b);
    }
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Binary(a), Value::Binary(b)) => a.cmp(b),
        (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
        (Value::ObjectId(a), Value::ObjectId(b)) => a.cmp(b),
        (Value::Uuid(a), Value::Uuid(b)) => a.cmp(b),
        (Value::Link(a), Value::Link(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(coefficient: u128, exponent: i32) -> Value {
        Value::Decimal(Decimal {
            coefficient,
            exponent,
            negative: false,
        })
    }

    #[test]
    fn numbers_compare_by_worth() {
        let two_to_53 = 1_i64 << 53;
        let equal = [
            (Value::Int(1), Value::Double(1.0)),
            (Value::Int(1), decimal(100, -2)),
            (Value::Double(-0.0), Value::Int(0)),
            (Value::Double(-0.0), Value::Double(0.0)),
            (Value::Float(0.1), decimal(1, -1)),
            (Value::Double(0.1), decimal(1, -1)),
            (
                Value::Double(f64::INFINITY),
                Value::Decimal(Decimal::INFINITY),
            ),
            (decimal(5, 0), decimal(5 * 10_u128.pow(33), -33)),
        ];
        for (a, b) in equal {
            assert_eq!(compare(&a, &b), Ordering::Equal, "{a:?} {b:?}");
            assert_eq!(compare(&b, &a), Ordering::Equal, "{b:?} {a:?}");
        }
        let ascending = [
            Value::Double(f64::NEG_INFINITY),
            Value::Int(i64::MIN),
            Value::Double(-1.5),
            Value::Int(-1),
            Value::Double(0.5),
            Value::Double(9_007_199_254_740_992.0),
            Value::Int(two_to_53 + 1),
            Value::Int(i64::MAX),
            Value::Double(9_223_372_036_854_775_808.0),
            decimal(1, 300),
        ];
        for (index, a) in ascending.iter().enumerate() {
            for b in &ascending[index + 1..] {
                assert_eq!(compare(a, b), Ordering::Less, "{a:?} {b:?}");
                assert_eq!(compare(b, a), Ordering::Greater, "{b:?} {a:?}");
            }
        }
    }

    #[test]
    fn not_a_number_is_below_every_number_and_equal_to_itself() {
        let other = f64::from_bits(f64::NAN.to_bits() | 1);
        assert_eq!(compare_doubles(f64::NAN, f64::NAN), Ordering::Equal);
        assert_eq!(compare_doubles(f64::NAN, other), Ordering::Less);
        assert_eq!(compare_doubles(f64::NAN, f64::NEG_INFINITY), Ordering::Less);
        assert_eq!(
            compare_doubles(f64::NEG_INFINITY, f64::NAN),
            Ordering::Greater
        );
        assert_eq!(
            compare(&Value::Double(f64::NAN), &Value::Int(i64::MIN)),
            Ordering::Less
        );
        assert_eq!(
            compare(&Value::Int(i64::MIN), &Value::Double(f64::NAN)),
            Ordering::Greater
        );
        assert_eq!(
            compare(&Value::Decimal(Decimal::NAN), &Value::Int(0)),
            Ordering::Less
        );
        assert_eq!(
            compare(&Value::Double(f64::NAN), &Value::Bool(true)),
            Ordering::Greater
        );
    }
}
