//! decimal128 arithmetic: exact comparison, and the four operations rounded to 34 digits, half to even.

use std::cmp::Ordering;
use std::fmt::Write as _;

use tidemark_changeset::Decimal;

const DIGITS_MAX: usize = 34;
const EXPONENT_MIN: i32 = -6176;
const EXPONENT_MAX: i32 = 6111;
const NAN_EXPONENT: i32 = 9696;
const INFINITY_EXPONENT: i32 = 9184;

pub(crate) const NAN: Decimal = Decimal {
    coefficient: 0,
    exponent: NAN_EXPONENT,
    negative: false,
};

pub(crate) fn infinity(negative: bool) -> Decimal {
    Decimal {
        coefficient: 0,
        exponent: INFINITY_EXPONENT,
        negative,
    }
}

pub(crate) fn is_nan(value: &Decimal) -> bool {
    value.exponent >= NAN_EXPONENT
}

pub(crate) fn is_infinite(value: &Decimal) -> bool {
    value.exponent >= INFINITY_EXPONENT && !is_nan(value)
}

pub(crate) fn from_int(value: i64) -> Decimal {
    Decimal {
        coefficient: u128::from(value.unsigned_abs()),
        exponent: 0,
        negative: value < 0,
    }
}

/// A double at fifteen significant digits, as the original converts.
pub(crate) fn from_double(value: f64) -> Decimal {
    from_binary(value, 15)
}

/// A float at seven significant digits, as the original converts.
pub(crate) fn from_float(value: f32) -> Decimal {
    from_binary(f64::from(value), 7)
}

/// No binary fraction with more digits than a decimal of its precision has a run of zeros this long.
const GUARD: usize = 40;

fn from_binary(value: f64, digits: usize) -> Decimal {
    if value.is_nan() {
        return NAN;
    }
    if value.is_infinite() {
        return infinity(value < 0.0);
    }
    // Exact if that takes no more digits.
    let exact = format!("{value:.GUARD$e}");
    let (mantissa, exponent) = exact.split_once('e').unwrap_or((&exact, "0"));
    let significant = mantissa.trim_start_matches('-').replace('.', "");
    let significant = significant.trim_end_matches('0').len();
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let whole = usize::try_from(exponent + 1).unwrap_or(0);
    if significant.max(whole) <= digits {
        let fraction = i32::try_from(significant).unwrap_or(0) - 1 - exponent;
        let fraction = usize::try_from(fraction).unwrap_or(0);
        return parse(&format!("{value:.fraction$}")).unwrap_or(NAN);
    }
    parse(&format!("{:.*e}", digits - 1, value)).unwrap_or(NAN)
}

/// Reads a decimal number, `nan` and `inf` included; the whole text must be one.
pub(crate) fn parse(text: &str) -> Option<Decimal> {
    let (negative, body) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    if body.eq_ignore_ascii_case("nan") {
        return Some(NAN);
    }
    if body.eq_ignore_ascii_case("inf") || body.eq_ignore_ascii_case("infinity") {
        return Some(infinity(negative));
    }
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => (body.get(..at)?, body.get(at + 1..)?.parse::<i32>().ok()?),
        None => (body, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut digits = Vec::with_capacity(whole.len() + fraction.len());
    for byte in whole.bytes().chain(fraction.bytes()) {
        digits.push(byte.is_ascii_digit().then(|| byte - b'0')?);
    }
    let shift = i32::try_from(fraction.len()).ok()?;
    Some(round(
        &digits,
        exponent.saturating_sub(shift),
        false,
        negative,
    ))
}

/// The digits of a coefficient, most significant first, without leading zeros.
fn digits_of(coefficient: u128) -> Vec<u8> {
    if coefficient == 0 {
        return Vec::new();
    }
    coefficient
        .to_string()
        .bytes()
        .map(|byte| byte - b'0')
        .collect()
}

/// Rounds digits to what decimal128 holds. `sticky` says that something more than zero was cut off before.
fn round(digits: &[u8], exponent: i32, sticky: bool, negative: bool) -> Decimal {
    let leading = digits.iter().take_while(|digit| **digit == 0).count();
    let digits = digits.get(leading..).unwrap_or(&[]);
    let mut kept = digits.len().min(DIGITS_MAX);
    let mut exponent =
        exponent.saturating_add(i32::try_from(digits.len() - kept).unwrap_or(i32::MAX));
    while exponent < EXPONENT_MIN && kept > 0 {
        kept -= 1;
        exponent += 1;
    }
    let mut coefficient = digits
        .iter()
        .take(kept)
        .fold(0_u128, |sum, digit| sum * 10 + u128::from(*digit));
    let rest = digits.get(kept..).unwrap_or(&[]);
    let half = rest.first().copied().unwrap_or(0);
    let more = sticky || rest.iter().skip(1).any(|digit| *digit != 0);
    if half > 5 || (half == 5 && (more || coefficient % 2 == 1)) {
        coefficient += 1;
    }
    if coefficient == 10_u128.pow(34) {
        coefficient /= 10;
        exponent = exponent.saturating_add(1);
    }
    settle(coefficient, exponent, negative)
}

fn settle(mut coefficient: u128, mut exponent: i32, negative: bool) -> Decimal {
    if coefficient == 0 {
        let exponent = exponent.clamp(EXPONENT_MIN, EXPONENT_MAX);
        return Decimal {
            coefficient,
            exponent,
            negative,
        };
    }
    while exponent > EXPONENT_MAX {
        if coefficient >= 10_u128.pow(33) {
            return infinity(negative);
        }
        coefficient *= 10;
        exponent -= 1;
    }
    Decimal {
        coefficient,
        exponent,
        negative,
    }
}

/// Total order by value; NaN equals NaN and is less than every number.
pub(crate) fn compare(left: &Decimal, right: &Decimal) -> Ordering {
    match (is_nan(left), is_nan(right)) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Less,
        (false, true) => return Ordering::Greater,
        (false, false) => {}
    }
    let sign = |value: &Decimal| {
        if value.coefficient == 0 && !is_infinite(value) {
            0
        } else if value.negative {
            -1
        } else {
            1
        }
    };
    let (left_sign, right_sign) = (sign(left), sign(right));
    if left_sign != right_sign || left_sign == 0 {
        return left_sign.cmp(&right_sign);
    }
    let magnitude = compare_magnitude(left, right);
    if left_sign < 0 {
        magnitude.reverse()
    } else {
        magnitude
    }
}

fn compare_magnitude(left: &Decimal, right: &Decimal) -> Ordering {
    match (is_infinite(left), is_infinite(right)) {
        (false, false) => {}
        (left, right) => return left.cmp(&right),
    }
    if left.exponent == right.exponent {
        return left.coefficient.cmp(&right.coefficient);
    }
    let top = |value: &Decimal| {
        let digits = value.coefficient.checked_ilog10().map_or(0, i64::from);
        digits + i64::from(value.exponent)
    };
    top(left).cmp(&top(right)).then_with(|| {
        let (mut left_digits, mut right_digits) =
            (digits_of(left.coefficient), digits_of(right.coefficient));
        let length = left_digits.len().max(right_digits.len());
        left_digits.resize(length, 0);
        right_digits.resize(length, 0);
        left_digits.cmp(&right_digits)
    })
}

pub(crate) fn negate(value: &Decimal) -> Decimal {
    Decimal {
        negative: !value.negative,
        ..*value
    }
}

pub(crate) fn add(left: &Decimal, right: &Decimal) -> Decimal {
    if is_nan(left) || is_nan(right) {
        return NAN;
    }
    match (is_infinite(left), is_infinite(right)) {
        (true, true) if left.negative != right.negative => return NAN,
        (true, _) => return *left,
        (_, true) => return *right,
        _ => {}
    }
    if left.coefficient == 0 || right.coefficient == 0 {
        return add_zero(left, right);
    }
    let (high, low) = if left.exponent >= right.exponent {
        (left, right)
    } else {
        (right, left)
    };
    // Beyond this distance the smaller operand cannot change more than the rounding of the larger one.
    let shift = usize::try_from(high.exponent.saturating_sub(low.exponent)).unwrap_or(0);
    if shift > 2 * DIGITS_MAX + 2 {
        return *high;
    }
    let mut wide = digits_of(high.coefficient);
    wide.extend(std::iter::repeat_n(0, shift));
    let narrow = digits_of(low.coefficient);
    if high.negative == low.negative {
        return round(
            &add_digits(&wide, &narrow),
            low.exponent,
            false,
            high.negative,
        );
    }
    let (difference, flipped) = subtract_digits(&wide, &narrow);
    let negative = high.negative != flipped && difference.iter().any(|digit| *digit != 0);
    round(&difference, low.exponent, false, negative)
}

fn add_zero(left: &Decimal, right: &Decimal) -> Decimal {
    let exponent = left.exponent.min(right.exponent);
    if left.coefficient == 0 && right.coefficient == 0 {
        return Decimal {
            coefficient: 0,
            exponent,
            negative: left.negative && right.negative,
        };
    }
    let value = if left.coefficient == 0 { right } else { left };
    let digits = digits_of(value.coefficient);
    let room = DIGITS_MAX.saturating_sub(digits.len());
    let shift = usize::try_from(value.exponent.saturating_sub(exponent))
        .unwrap_or(0)
        .min(room);
    let mut wide = digits;
    wide.extend(std::iter::repeat_n(0, shift));
    round(
        &wide,
        value.exponent - i32::try_from(shift).unwrap_or(0),
        false,
        value.negative,
    )
}

fn aligned(left: &[u8], right: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let length = left.len().max(right.len());
    let pad = |digits: &[u8]| {
        let mut padded = vec![0; length - digits.len()];
        padded.extend_from_slice(digits);
        padded
    };
    (pad(left), pad(right))
}

fn add_digits(left: &[u8], right: &[u8]) -> Vec<u8> {
    let (mut sum, right) = aligned(left, right);
    let mut carry = 0;
    for (digit, other) in sum.iter_mut().zip(&right).rev() {
        let total = *digit + other + carry;
        *digit = total % 10;
        carry = total / 10;
    }
    if carry > 0 {
        sum.insert(0, carry);
    }
    sum
}

/// The distance between two numbers, and whether the second was the larger one.
fn subtract_digits(left: &[u8], right: &[u8]) -> (Vec<u8>, bool) {
    let (left, right) = aligned(left, right);
    let flipped = left < right;
    let (mut high, low) = if flipped {
        (right, left)
    } else {
        (left, right)
    };
    let mut borrow = 0;
    for (digit, other) in high.iter_mut().zip(&low).rev() {
        let taken = other + borrow;
        borrow = u8::from(*digit < taken);
        *digit = *digit + 10 * borrow - taken;
    }
    (high, flipped)
}

pub(crate) fn multiply(left: &Decimal, right: &Decimal) -> Decimal {
    let negative = left.negative != right.negative;
    if is_nan(left) || is_nan(right) {
        return NAN;
    }
    if is_infinite(left) || is_infinite(right) {
        let zero = |value: &Decimal| value.coefficient == 0 && !is_infinite(value);
        return if zero(left) || zero(right) {
            NAN
        } else {
            infinity(negative)
        };
    }
    let (first, second) = (digits_of(left.coefficient), digits_of(right.coefficient));
    let mut product = vec![0_u32; first.len() + second.len()];
    for (i, a) in first.iter().rev().enumerate() {
        for (j, b) in second.iter().rev().enumerate() {
            product[i + j] += u32::from(*a) * u32::from(*b);
        }
    }
    let mut carry = 0;
    let mut digits = Vec::with_capacity(product.len());
    for place in product {
        let total = place + carry;
        digits.push((total % 10) as u8);
        carry = total / 10;
    }
    digits.reverse();
    round(
        &digits,
        left.exponent.saturating_add(right.exponent),
        false,
        negative,
    )
}

pub(crate) fn divide(left: &Decimal, right: &Decimal) -> Decimal {
    let negative = left.negative != right.negative;
    if is_nan(left) || is_nan(right) || (is_infinite(left) && is_infinite(right)) {
        return NAN;
    }
    if is_infinite(left) {
        return infinity(negative);
    }
    if is_infinite(right) {
        return Decimal {
            coefficient: 0,
            exponent: EXPONENT_MIN,
            negative,
        };
    }
    if right.coefficient == 0 {
        return if left.coefficient == 0 {
            NAN
        } else {
            infinity(negative)
        };
    }
    let ideal = left.exponent.saturating_sub(right.exponent);
    let divisor = right.coefficient;
    let mut quotient = Vec::new();
    let mut remainder = 0_u128;
    for digit in digits_of(left.coefficient) {
        remainder = remainder * 10 + u128::from(digit);
        quotient.push(u8::try_from(remainder / divisor).unwrap_or(9));
        remainder %= divisor;
    }
    let mut exponent = ideal;
    let significant =
        |digits: &[u8]| digits.len() - digits.iter().take_while(|digit| **digit == 0).count();
    while remainder != 0 && significant(&quotient) <= DIGITS_MAX {
        remainder *= 10;
        quotient.push(u8::try_from(remainder / divisor).unwrap_or(9));
        remainder %= divisor;
        exponent = exponent.saturating_sub(1);
    }
    round(&quotient, exponent, remainder != 0, negative)
}

/// The text the original prints: one digit before the point where an exponent is left to show.
pub(crate) fn print(value: &Decimal) -> String {
    if is_nan(value) {
        return if value.negative {
            "-NaN".into()
        } else {
            "NaN".into()
        };
    }
    let mut text = String::from(if value.negative { "-" } else { "" });
    if is_infinite(value) {
        text.push_str("Inf");
        return text;
    }
    let digits = value.coefficient.to_string();
    if value.coefficient > u128::from(u64::MAX) {
        let sign = if value.negative { '-' } else { '+' };
        return format!("{sign}{digits}E{:+}", value.exponent);
    }
    let mut before = digits.len();
    let mut exponent = value.exponent;
    while before > 1 && exponent != 0 {
        before -= 1;
        exponent += 1;
    }
    let (whole, fraction) = digits.split_at(before);
    text.push_str(whole);
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
    }
    if exponent != 0 {
        let _ = write!(text, "E{exponent}");
    }
    text
}
