//! Values of one type straight from their packed bytes: what reads the same column of many rows asks for the
//! type that it expects, and takes the general way where another one lies there.

use super::tag;
use crate::Timestamp;

/// What follows the tag, if the bytes begin with that one and are as long as they must be.
#[inline]
fn body<const N: usize>(bytes: &[u8], tag: u8) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first()?;
    if *first == tag {
        rest.try_into().ok()
    } else {
        None
    }
}

#[inline]
fn sized(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (first, rest) = bytes.split_first()?;
    let (length, text) = rest.split_first_chunk::<4>()?;
    (*first == tag && u32::from_le_bytes(*length) as usize == text.len()).then_some(text)
}

/// Whether a packed value is null.
#[inline]
pub fn is_null(bytes: &[u8]) -> bool {
    bytes == [tag::NULL]
}

/// An integer; `None` if it is anything else.
#[inline]
pub fn read_int(bytes: &[u8]) -> Option<i64> {
    body(bytes, tag::INT).map(i64::from_le_bytes)
}

/// A truth value; `None` if it is anything else.
#[inline]
pub fn read_bool(bytes: &[u8]) -> Option<bool> {
    match body(bytes, tag::BOOL)? {
        [0] => Some(false),
        [1] => Some(true),
        _ => None,
    }
}

/// A 32-bit float; `None` if it is anything else.
#[inline]
pub fn read_float(bytes: &[u8]) -> Option<f32> {
    body(bytes, tag::FLOAT).map(f32::from_le_bytes)
}

/// A 64-bit float; `None` if it is anything else.
#[inline]
pub fn read_double(bytes: &[u8]) -> Option<f64> {
    body(bytes, tag::DOUBLE).map(f64::from_le_bytes)
}

/// A point in time; `None` if it is anything else.
#[inline]
pub fn read_timestamp(bytes: &[u8]) -> Option<Timestamp> {
    let body: [u8; 12] = body(bytes, tag::TIMESTAMP)?;
    let (seconds, rest) = body.split_first_chunk::<8>()?;
    let (nanoseconds, _) = rest.split_first_chunk::<4>()?;
    Some(Timestamp {
        seconds: i64::from_le_bytes(*seconds),
        nanoseconds: i32::from_le_bytes(*nanoseconds),
    })
}

/// The bytes of a string; `None` if it is anything else.
#[inline]
pub fn read_string(bytes: &[u8]) -> Option<&[u8]> {
    sized(bytes, tag::STRING)
}

/// Bytes; `None` if it is anything else.
#[inline]
pub fn read_binary(bytes: &[u8]) -> Option<&[u8]> {
    sized(bytes, tag::BINARY)
}
