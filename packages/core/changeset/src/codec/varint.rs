//! The integer form of the codec: seven bits a byte while more follows, six in the last, sign in
//! bit 0x40 of the last byte, negative numbers as their one's complement.

use super::decode::Reader;
use super::{DecodeError, DecodeErrorKind};

const MORE: u8 = 0x80;
const NEGATIVE: u8 = 0x40;
/// Payload of the last byte.
const LAST_BITS: u8 = 0x3f;

/// Longest forms that are read; over-long ones within them are legal, though nobody writes them.
const BYTES_MAX_64: usize = 10;
const BYTES_MAX_32: usize = 5;
const BYTES_MAX_8: usize = 2;
const BYTES_MAX_128: usize = 17;

/// Appends an unsigned number.
pub(super) fn write_unsigned(out: &mut Vec<u8>, value: u64) {
    write_magnitude(out, value, 0);
}

/// Appends a signed number.
pub(super) fn write_signed(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        write_magnitude(out, (!value).cast_unsigned(), NEGATIVE);
    } else {
        write_magnitude(out, value.cast_unsigned(), 0);
    }
}

fn write_magnitude(out: &mut Vec<u8>, mut magnitude: u64, sign: u8) {
    while magnitude > u64::from(LAST_BITS) {
        out.push(MORE | low_seven(magnitude));
        magnitude >>= 7;
    }
    out.push(low_seven(magnitude) | sign);
}

/// Appends the coefficient of a decimal: the same scheme without a sign bit.
pub(super) fn write_coefficient(out: &mut Vec<u8>, mut value: u128) {
    while value > u128::from(LAST_BITS) {
        out.push(MORE | u8::try_from(value & 0x7f).expect("seven bits fit"));
        value >>= 7;
    }
    out.push(u8::try_from(value).expect("six bits fit"));
}

fn low_seven(value: u64) -> u8 {
    (value & 0x7f).to_le_bytes()[0]
}

impl Reader<'_> {
    /// Reads sign and magnitude of at most `bytes_max` bytes; a magnitude beyond 64 bits is an
    /// error.
    #[inline]
    fn varint(&mut self, bytes_max: usize) -> Result<(bool, u64), DecodeError> {
        let byte = self.byte()?;
        if byte <= LAST_BITS {
            // Nearly every number in a changeset is small.
            return Ok((false, u64::from(byte)));
        }
        self.long_varint(byte, bytes_max)
    }

    fn long_varint(&mut self, mut byte: u8, bytes_max: usize) -> Result<(bool, u64), DecodeError> {
        let mut magnitude = 0_u64;
        let mut shift = 0_u32;
        for index in 0..bytes_max {
            if index > 0 {
                byte = self.byte()?;
            }
            let (bits, last) = if byte & MORE == 0 {
                (byte & LAST_BITS, true)
            } else {
                (byte & 0x7f, false)
            };
            let chunk = u64::from(bits);
            if shift > 57 && (chunk << shift) >> shift != chunk {
                return Err(self.error(DecodeErrorKind::IntegerOutOfRange));
            }
            magnitude |= chunk << shift;
            if last {
                return Ok((byte & NEGATIVE != 0, magnitude));
            }
            shift += 7;
        }
        Err(self.error(DecodeErrorKind::IntegerOutOfRange))
    }

    fn unsigned(&mut self, bytes_max: usize, max: u64) -> Result<u64, DecodeError> {
        let (negative, magnitude) = self.varint(bytes_max)?;
        if negative || magnitude > max {
            return Err(self.error(DecodeErrorKind::IntegerOutOfRange));
        }
        Ok(magnitude)
    }

    fn signed(&mut self, bytes_max: usize, max: u64) -> Result<i64, DecodeError> {
        let (negative, magnitude) = self.varint(bytes_max)?;
        if magnitude > max {
            return Err(self.error(DecodeErrorKind::IntegerOutOfRange));
        }
        let value = magnitude.cast_signed();
        Ok(if negative { !value } else { value })
    }

    pub(super) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.unsigned(BYTES_MAX_64, u64::MAX)
    }

    pub(super) fn u32(&mut self) -> Result<u32, DecodeError> {
        let value = self.unsigned(BYTES_MAX_32, u64::from(u32::MAX))?;
        u32::try_from(value).map_err(|_| self.error(DecodeErrorKind::IntegerOutOfRange))
    }

    pub(super) fn u8(&mut self) -> Result<u8, DecodeError> {
        let value = self.unsigned(BYTES_MAX_8, u64::from(u8::MAX))?;
        u8::try_from(value).map_err(|_| self.error(DecodeErrorKind::IntegerOutOfRange))
    }

    pub(super) fn i64(&mut self) -> Result<i64, DecodeError> {
        self.signed(BYTES_MAX_64, i64::MAX.cast_unsigned())
    }

    pub(super) fn i32(&mut self) -> Result<i32, DecodeError> {
        let value = self.signed(BYTES_MAX_32, u64::from(i32::MAX.cast_unsigned()))?;
        i32::try_from(value).map_err(|_| self.error(DecodeErrorKind::IntegerOutOfRange))
    }

    /// Reads a decimal's coefficient; here the last byte carries seven bits.
    pub(super) fn coefficient(&mut self) -> Result<u128, DecodeError> {
        let mut value = 0_u128;
        for index in 0..BYTES_MAX_128 {
            let byte = self.byte()?;
            value |= u128::from(byte & 0x7f) << (7 * index);
            if byte & MORE == 0 {
                return Ok(value);
            }
        }
        Err(self.error(DecodeErrorKind::IntegerOutOfRange))
    }
}
