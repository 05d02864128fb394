//! Packed bytes → borrowed values.

use std::sync::Arc;

use super::{PackedError, RowView, tag};
use crate::{Decimal, Link, Name, ObjectId, Payload, PrimaryKey, Text, Timestamp, Uuid, Value};

/// One packed value, borrowed: collections and objects are read when they are walked.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Packed<'a> {
    Null,
    Int(i64),
    Bool(bool),
    /// UTF-8 by convention.
    String(&'a [u8]),
    Binary(&'a [u8]),
    Timestamp(Timestamp),
    Float(f32),
    Double(f64),
    Decimal(Decimal),
    Link(PackedLink<'a>),
    ObjectId(ObjectId),
    Uuid(Uuid),
    List(PackedList<'a>),
    Dictionary(PackedDictionary<'a>),
    Set(PackedList<'a>),
    Object(RowView<'a>),
    /// Only as a primary key.
    GlobalKey(u64, u64),
}

impl Packed<'_> {
    /// The value as its own, or `None` for collections, objects and global keys.
    pub fn to_value(&self) -> Option<Value> {
        Some(match *self {
            Self::Null => Value::Null,
            Self::Int(value) => Value::Int(value),
            Self::Bool(value) => Value::Bool(value),
            Self::String(text) => Value::String(Text::from(text)),
            Self::Binary(bytes) => Value::Binary(Arc::from(bytes)),
            Self::Timestamp(time) => Value::Timestamp(time),
            Self::Float(value) => Value::Float(value),
            Self::Double(value) => Value::Double(value),
            Self::Decimal(decimal) => Value::Decimal(decimal),
            Self::Link(link) => Value::Link(Box::new(link.to_link())),
            Self::ObjectId(id) => Value::ObjectId(id),
            Self::Uuid(id) => Value::Uuid(id),
            Self::List(_)
            | Self::Dictionary(_)
            | Self::Set(_)
            | Self::Object(_)
            | Self::GlobalKey(..) => return None,
        })
    }

    /// The value as a primary key, or `None` if keys are not of its type.
    pub fn to_key(&self) -> Option<PrimaryKey> {
        Some(match *self {
            Self::Null => PrimaryKey::Null,
            Self::Int(value) => PrimaryKey::Int(value),
            Self::String(text) => PrimaryKey::String(Name::from(text)),
            Self::ObjectId(id) => PrimaryKey::ObjectId(id),
            Self::Uuid(id) => PrimaryKey::Uuid(id),
            Self::GlobalKey(high, low) => PrimaryKey::GlobalKey(high, low),
            _ => return None,
        })
    }
}

/// A borrowed link.
#[derive(Clone, Copy, Debug)]
pub struct PackedLink<'a> {
    /// Class of the target.
    pub class: &'a [u8],
    /// The packed primary key of the target, known to be well-formed.
    key: &'a [u8],
}

impl<'a> PackedLink<'a> {
    /// The packed bytes of the key.
    pub fn key_bytes(&self) -> &'a [u8] {
        self.key
    }

    /// The key as a borrowed value.
    pub fn key(&self) -> Packed<'a> {
        Reader::new(self.key)
            .value()
            .expect("the key was read when the link was")
    }

    /// The link as its own.
    pub fn to_link(&self) -> Link {
        let key = self
            .key()
            .to_key()
            .expect("the key was read when the link was");
        Link {
            class: Name::from(self.class),
            key,
        }
    }
}

/// A borrowed list or set. Elements are checked as they are walked.
#[derive(Clone, Copy, Debug)]
pub struct PackedList<'a> {
    count: u32,
    elements: &'a [u8],
}

impl<'a> PackedList<'a> {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The elements in order; ends after the first error.
    pub fn iter(&self) -> impl Iterator<Item = Result<Packed<'a>, PackedError>> + use<'a> {
        let mut reader = Reader::new(self.elements);
        let mut left = self.count;
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            let element = reader.value();
            left = if element.is_ok() { left - 1 } else { 0 };
            Some(element)
        })
    }

    /// The element at `index`, or `None` beyond the end. Skips what lies before.
    pub fn get(&self, index: usize) -> Result<Option<Packed<'a>>, PackedError> {
        self.iter().nth(index).transpose()
    }
}

/// A borrowed dictionary, sorted by key bytes.
#[derive(Clone, Copy, Debug)]
pub struct PackedDictionary<'a> {
    count: u32,
    entries: &'a [u8],
}

impl<'a> PackedDictionary<'a> {
    /// Number of entries.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Keys and values in order of the keys; ends after the first error.
    pub fn iter(
        &self,
    ) -> impl Iterator<Item = Result<(&'a [u8], Packed<'a>), PackedError>> + use<'a> {
        let mut reader = Reader::new(self.entries);
        let mut left = self.count;
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            let entry = reader.sized().and_then(|key| Ok((key, reader.value()?)));
            left = if entry.is_ok() { left - 1 } else { 0 };
            Some(entry)
        })
    }

    /// The value under `key`. Skips what lies before.
    pub fn get(&self, key: &[u8]) -> Result<Option<Packed<'a>>, PackedError> {
        for entry in self.iter() {
            let (found, value) = entry?;
            if found == key {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }
}

/// Reads one value; the rest of the bytes come back with it.
pub fn read_value(bytes: &[u8]) -> Result<(Packed<'_>, &[u8]), PackedError> {
    let mut reader = Reader::new(bytes);
    let value = reader.value()?;
    Ok((value, reader.rest()))
}

/// Reads one value that fills the bytes.
pub fn read_all(bytes: &[u8]) -> Result<Packed<'_>, PackedError> {
    let (value, rest) = read_value(bytes)?;
    if rest.is_empty() {
        Ok(value)
    } else {
        Err(PackedError::Trailing)
    }
}

/// Reads a primary key that fills the bytes.
pub fn read_key(bytes: &[u8]) -> Result<PrimaryKey, PackedError> {
    let value = read_all(bytes)?;
    value
        .to_key()
        .ok_or_else(|| PackedError::Tag(bytes.first().copied().unwrap_or_default()))
}

/// Reads a value or marker, as mutations carry them; the rest of the bytes come back with it.
pub fn read_payload(bytes: &[u8]) -> Result<(Payload, &[u8]), PackedError> {
    let mut reader = Reader::new(bytes);
    let payload = reader.payload()?;
    Ok((payload, reader.rest()))
}

/// Walks packed bytes front to back.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader at the start of the bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What was not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `length` bytes.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], PackedError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(PackedError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes as an array: for little-endian numbers between values.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], PackedError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(PackedError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// A `u32` length and that many bytes.
    pub fn sized(&mut self) -> Result<&'a [u8], PackedError> {
        let length = u32::from_le_bytes(self.array()?);
        self.take(length as usize)
    }

    fn boolean(&mut self) -> Result<bool, PackedError> {
        match self.array::<1>()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(PackedError::Range),
        }
    }

    /// The next value.
    pub fn value(&mut self) -> Result<Packed<'a>, PackedError> {
        let [tag] = self.array()?;
        Ok(match tag {
            tag::NULL => Packed::Null,
            tag::INT => Packed::Int(i64::from_le_bytes(self.array()?)),
            tag::BOOL => Packed::Bool(self.boolean()?),
            tag::STRING => Packed::String(self.sized()?),
            tag::BINARY => Packed::Binary(self.sized()?),
            tag::TIMESTAMP => {
                let seconds = i64::from_le_bytes(self.array()?);
                let nanoseconds = i32::from_le_bytes(self.array()?);
                Packed::Timestamp(Timestamp {
                    seconds,
                    nanoseconds,
                })
            }
            tag::FLOAT => Packed::Float(f32::from_le_bytes(self.array()?)),
            tag::DOUBLE => Packed::Double(f64::from_le_bytes(self.array()?)),
            tag::DECIMAL => {
                let coefficient = u128::from_le_bytes(self.array()?);
                let exponent = i32::from_le_bytes(self.array()?);
                Packed::Decimal(Decimal {
                    coefficient,
                    exponent,
                    negative: self.boolean()?,
                })
            }
            tag::LINK => Packed::Link(self.link()?),
            tag::OBJECT_ID => Packed::ObjectId(ObjectId(self.array()?)),
            tag::UUID => Packed::Uuid(Uuid(self.array()?)),
            tag::LIST => Packed::List(self.list()?),
            tag::DICTIONARY => {
                let PackedList { count, elements } = self.list()?;
                Packed::Dictionary(PackedDictionary {
                    count,
                    entries: elements,
                })
            }
            tag::SET => Packed::Set(self.list()?),
            tag::OBJECT => Packed::Object(RowView::new(self.sized()?)?),
            tag::GLOBAL_KEY => Packed::GlobalKey(
                u64::from_le_bytes(self.array()?),
                u64::from_le_bytes(self.array()?),
            ),
            other => return Err(PackedError::Tag(other)),
        })
    }

    fn link(&mut self) -> Result<PackedLink<'a>, PackedError> {
        let length = u16::from_le_bytes(self.array()?);
        let class = self.take(usize::from(length))?;
        let start = self.rest;
        let tag = start.first().copied().unwrap_or_default();
        if !matches!(
            tag,
            tag::NULL | tag::INT | tag::STRING | tag::OBJECT_ID | tag::UUID | tag::GLOBAL_KEY
        ) {
            return Err(PackedError::Tag(tag));
        }
        self.value()?;
        let (key, _) = start.split_at(start.len() - self.rest.len());
        Ok(PackedLink { class, key })
    }

    fn list(&mut self) -> Result<PackedList<'a>, PackedError> {
        let mut content = Reader::new(self.sized()?);
        let count = u32::from_le_bytes(content.array()?);
        // Each element takes a byte at least.
        if count as usize > content.rest.len() {
            return Err(PackedError::Truncated);
        }
        Ok(PackedList {
            count,
            elements: content.rest,
        })
    }

    /// The next value or marker, as mutations carry them.
    pub fn payload(&mut self) -> Result<Payload, PackedError> {
        let tag = self.rest.first().copied().ok_or(PackedError::Truncated)?;
        let marker = match tag {
            tag::MARK_OBJECT => Payload::Object,
            tag::MARK_LIST => Payload::List,
            tag::MARK_DICTIONARY => Payload::Dictionary,
            tag::MARK_ERASED => Payload::Erased,
            tag::MARK_SET => Payload::Set,
            _ => {
                let value = self.value()?.to_value().ok_or(PackedError::Tag(tag))?;
                return Ok(Payload::Value(value));
            }
        };
        self.take(1)?;
        Ok(marker)
    }

    /// The next value as a primary key.
    pub fn key(&mut self) -> Result<PrimaryKey, PackedError> {
        let tag = self.rest.first().copied().ok_or(PackedError::Truncated)?;
        self.value()?.to_key().ok_or(PackedError::Tag(tag))
    }
}
