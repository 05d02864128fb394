//! Keys whose bytes sort as the values they stand for.
//!
//! Numbers are big-endian, signed ones with the sign bit turned; byte strings end with `00 00`, a zero byte
//! inside them being `00 ff`, so that a key made of several parts sorts by them in turn.

use std::borrow::Cow;
use std::ops::Bound;

/// Builds a key part by part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyWriter(Vec<u8>);

impl KeyWriter {
    /// An empty key.
    pub fn new() -> Self {
        Self(Vec::with_capacity(24))
    }

    /// Appends an unsigned byte.
    #[must_use]
    pub fn u8(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    /// Appends an unsigned 16-bit number.
    #[must_use]
    pub fn u16(mut self, value: u16) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Appends an unsigned 32-bit number.
    #[must_use]
    pub fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Appends an unsigned 64-bit number.
    #[must_use]
    pub fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Appends a signed 64-bit number.
    #[must_use]
    pub fn i64(self, value: i64) -> Self {
        self.u64(value.cast_unsigned() ^ (1 << 63))
    }

    /// Appends bytes of any length, with an end that other parts may follow.
    #[must_use]
    pub fn bytes(mut self, value: &[u8]) -> Self {
        for &byte in value {
            self.0.push(byte);
            if byte == 0 {
                self.0.push(0xff);
            }
        }
        self.0.extend_from_slice(&[0, 0]);
        self
    }

    /// Appends bytes as they are: for parts of a fixed length, or the last one.
    #[must_use]
    pub fn raw(mut self, value: &[u8]) -> Self {
        self.0.extend_from_slice(value);
        self
    }

    /// The key.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

impl AsRef<[u8]> for KeyWriter {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl std::ops::Deref for KeyWriter {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// Takes a key apart. Every method answers `None` if the bytes are not what it reads.
#[derive(Clone, Debug)]
pub struct KeyReader<'a>(&'a [u8]);

impl<'a> KeyReader<'a> {
    /// Begins at the start of a key.
    pub fn new(key: &'a [u8]) -> Self {
        Self(key)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    /// Reads an unsigned byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    /// Reads an unsigned 16-bit number.
    pub fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }

    /// Reads an unsigned 32-bit number.
    pub fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    /// Reads an unsigned 64-bit number.
    pub fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    /// Reads a signed 64-bit number.
    pub fn i64(&mut self) -> Option<i64> {
        self.u64().map(|value| (value ^ (1 << 63)).cast_signed())
    }

    /// Reads what [`KeyWriter::bytes`] wrote; nothing is copied unless there is a zero byte in it.
    pub fn bytes(&mut self) -> Option<Cow<'a, [u8]>> {
        let mut value = Cow::Borrowed(&[][..]);
        loop {
            let zero = self.0.iter().position(|byte| *byte == 0)?;
            let (part, rest) = self.0.split_at_checked(zero)?;
            if value.is_empty() {
                value = Cow::Borrowed(part);
            } else {
                value.to_mut().extend_from_slice(part);
            }
            let (end, rest) = rest.split_first_chunk::<2>()?;
            self.0 = rest;
            match end[1] {
                0 => return Some(value),
                0xff => value.to_mut().push(0),
                _ => return None,
            }
        }
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }
}

/// The first key after all keys that begin with `prefix`; `None` if there is none (all bytes `ff`).
pub fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != 0xff)?;
    let mut end = prefix[..=last].to_vec();
    if let Some(byte) = end.last_mut() {
        *byte += 1;
    }
    Some(end)
}

/// Whether no key lies between two bounds. The standard map panics on reversed bounds, so they are asked
/// first.
pub(crate) fn is_empty_range(from: Bound<&[u8]>, to: Bound<&[u8]>) -> bool {
    match (from, to) {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Excluded(to))
        | (Bound::Excluded(from), Bound::Included(to)) => from >= to,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back() {
        let key = KeyWriter::new()
            .u8(7)
            .bytes(b"a\0b")
            .i64(-3)
            .u16(9)
            .u32(10)
            .u64(11)
            .raw(b"xy")
            .finish();
        let mut reader = KeyReader::new(&key);
        assert_eq!(reader.u8(), Some(7));
        assert_eq!(reader.bytes().as_deref(), Some(&b"a\0b"[..]));
        assert_eq!(reader.i64(), Some(-3));
        assert_eq!(
            (reader.u16(), reader.u32(), reader.u64()),
            (Some(9), Some(10), Some(11))
        );
        assert_eq!(reader.rest(), b"xy");
        assert_eq!(reader.u64(), None);
    }

    #[test]
    fn order_is_kept() {
        let numbers = [i64::MIN, -65536, -1, 0, 1, 255, 256, i64::MAX];
        for pair in numbers.windows(2) {
            assert!(
                KeyWriter::new().i64(pair[0]).finish() < KeyWriter::new().i64(pair[1]).finish()
            );
        }
        let texts: [&[u8]; 6] = [b"", b"\0", b"\0\0", b"\0a", b"a", b"a\0"];
        for pair in texts.windows(2) {
            let (low, high) = (
                KeyWriter::new().bytes(pair[0]).u8(255),
                KeyWriter::new().bytes(pair[1]).u8(0),
            );
            assert!(low.finish() < high.finish(), "{pair:?}");
        }
    }

    #[test]
    fn prefix_ends() {
        assert_eq!(after_prefix(&[1, 0xff]), Some(vec![2]));
        assert_eq!(after_prefix(&[0xff, 0xff]), None);
        assert_eq!(after_prefix(&[]), None);
        assert_eq!(after_prefix(&[1, 2]), Some(vec![1, 3]));
    }
}
