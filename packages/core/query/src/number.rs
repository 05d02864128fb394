//! Numbers and bytes as text: C's integer bases, `%g` forms, base64.

/// An integer as C reads it: `0x` is hexadecimal, a leading `0` octal, and the ends of the range saturate.
pub(crate) fn parse_int(text: &str) -> i64 {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..).unwrap_or("")),
        Some(b'+') => (false, text.get(1..).unwrap_or("")),
        _ => (false, text),
    };
    let (radix, digits) = if let Some(hex) = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
    {
        (16, hex)
    } else if digits.starts_with('0') {
        (8, digits)
    } else {
        (10, digits)
    };
    let mut value: u64 = 0;
    for digit in digits
        .chars()
        .map_while(|character| character.to_digit(radix))
    {
        value = value
            .saturating_mul(u64::from(radix))
            .saturating_add(u64::from(digit));
    }
    let bounded = i64::try_from(value).unwrap_or(i64::MAX);
    match (negative, value > i64::MAX.unsigned_abs()) {
        (true, true) => i64::MIN,
        (true, false) => -bounded,
        (false, _) => bounded,
    }
}

/// A double from the text of a FLOAT or NATURAL0 token.
pub(crate) fn parse_double(text: &str) -> f64 {
    text.strip_suffix('f')
        .unwrap_or(text)
        .parse()
        .unwrap_or(f64::NAN)
}

/// A float from the text of a FLOAT token.
pub(crate) fn parse_float(text: &str) -> f32 {
    text.strip_suffix('f')
        .unwrap_or(text)
        .parse()
        .unwrap_or(f32::NAN)
}

/// C's `%.{precision}g`.
pub(crate) fn general(value: f64, precision: usize) -> String {
    if value.is_nan() {
        return if value.is_sign_negative() {
            "-nan".into()
        } else {
            "nan".into()
        };
    }
    if value.is_infinite() {
        return if value < 0.0 {
            "-inf".into()
        } else {
            "inf".into()
        };
    }
    let scientific = format!("{:.*e}", precision - 1, value);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= i32::try_from(precision).unwrap_or(i32::MAX) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!(
            "{}e{sign}{:02}",
            trim_zeros(mantissa),
            exponent.unsigned_abs()
        );
    }
    let decimals = i32::try_from(precision).unwrap_or(0) - 1 - exponent;
    let fixed = format!("{:.*}", usize::try_from(decimals).unwrap_or(0), value);
    trim_zeros(&fixed).to_owned()
}

fn trim_zeros(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

/// The longest leading part that reads as a floating-point number, as a C++ stream would take it.
pub(crate) fn leading_float(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        bytes
            .iter()
            .skip(from)
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let whole = digits(at);
    at += whole;
    let mut fraction = 0;
    if bytes.get(at) == Some(&b'.') {
        fraction = digits(at + 1);
        at += 1 + fraction;
    }
    if whole + fraction == 0 {
        return None;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    text.get(..at)
}

/// Standard base64; the padding may be missing. `None` for anything else.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    let padding = bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    if padding > 2 {
        return None;
    }
    let body = bytes.get(..bytes.len() - padding)?;
    if body.len() % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3);
    let mut buffer = 0_u32;
    let mut bits = 0;
    for byte in body {
        buffer = (buffer << 6) | u32::from(sextet(*byte)?);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(((buffer >> bits) & 0xff) as u8);
        }
    }
    Some(out)
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// Standard base64 with padding.
pub(crate) fn encode_base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for index in 0..4 {
            if index > chunk.len() {
                text.push('=');
            } else {
                let sextet = (group >> (18 - 6 * index)) & 0x3f;
                text.push(char::from(ALPHABET[sextet as usize]));
            }
        }
    }
    text
}

/// Seconds since 1970 of a calendar time, with fields out of their range carried over as C's `timegm` does.
pub(crate) fn seconds_of(
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
) -> i64 {
    let months = month.saturating_sub(1);
    let year = year.saturating_add(months.div_euclid(12));
    let month = months.rem_euclid(12);
    let days = days_before_month(year, month).saturating_add(day.saturating_sub(1));
    days.saturating_mul(86_400)
        .saturating_add(hour.saturating_mul(3_600))
        .saturating_add(minute.saturating_mul(60))
        .saturating_add(second)
}

/// Days from 1970-01-01 to the first of a month (0 to 11), in the Gregorian calendar.
fn days_before_month(year: i64, month: i64) -> i64 {
    // Years begin in March here, so that the leap day is a year's last day.
    let shifted = if month < 2 {
        year.saturating_sub(1)
    } else {
        year
    };
    let from_march = (month + 10) % 12;
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * from_march + 2) / 5;
    let days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    era.saturating_mul(146_097)
        .saturating_add(days)
        .saturating_sub(719_468)
}
