//! Values: what a field, a list element, a set element or a primary key can hold.

use std::fmt;
use std::sync::Arc;

/// A string of the data model: immutable, cheap to clone, ordered by bytes.
///
/// The original's codec does not check that strings are UTF-8, so a `Text` may hold any bytes;
/// [`Text::as_str`] answers `None` for those that are not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<[u8]>);

/// The name of a class or field, a dictionary key, or a string primary key: what the codec interns.
pub type Name = Text;

impl Text {
    /// The bytes, UTF-8 by convention.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, or `None` if the bytes are not UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Arc::from(text.as_bytes()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Arc::from(text.into_bytes()))
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self(Arc::from(bytes))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(&self.0), formatter)
    }
}

/// A point in time: seconds since 1970 and nanoseconds, both of the same sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Nanoseconds, −999 999 999 to 999 999 999, of the sign of `seconds`.
    pub nanoseconds: i32,
}

/// Twelve bytes in the order of the 24-digit hex text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub [u8; 12]);

/// Sixteen bytes in the order of the text form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

/// A decimal128 by its parts as they stand on the wire: (−1)^negative · coefficient · 10^exponent.
///
/// Not normalised: 10.50 and 10.5 differ here. NaN is coefficient 0 with exponent 9696, infinity
/// coefficient 0 with exponent 9184.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// The digits, at most 2^113 − 1.
    pub coefficient: u128,
    /// The unbiased power of ten.
    pub exponent: i32,
    /// The sign.
    pub negative: bool,
}

/// A link to an object, by class and primary key; the object may not exist.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// Class of the target, without any prefix.
    pub class: Name,
    /// Primary key of the target.
    pub key: PrimaryKey,
}

/// The primary key of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrimaryKey {
    /// Null, where the class allows it.
    Null,
    /// An integer.
    Int(i64),
    /// A string (interned on the wire).
    String(Name),
    /// Key of a class without a primary key: (high, low). Never sent by Device Sync, but part of
    /// the codec.
    GlobalKey(u64, u64),
    /// An object id.
    ObjectId(ObjectId),
    /// A UUID.
    Uuid(Uuid),
}

/// A value that can be stored in a field or an element. Equality is of representation: floats by
/// their bits.
#[derive(Clone, Debug)]
pub enum Value {
    /// No value.
    Null,
    /// A 64-bit integer.
    Int(i64),
    /// A truth value.
    Bool(bool),
    /// A string.
    String(Text),
    /// Bytes.
    Binary(Arc<[u8]>),
    /// A point in time.
    Timestamp(Timestamp),
    /// A 32-bit float.
    Float(f32),
    /// A 64-bit float.
    Double(f64),
    /// A decimal128.
    Decimal(Decimal),
    /// A link to an object.
    Link(Box<Link>),
    /// An object id.
    ObjectId(ObjectId),
    /// A UUID.
    Uuid(Uuid),
}

impl Value {
    /// Whether this is a float or double that is zero, of either sign.
    pub fn is_binary_zero(&self) -> bool {
        match self {
            Self::Float(value) => *value == 0.0,
            Self::Double(value) => *value == 0.0,
            _ => false,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Binary(a), Self::Binary(b)) => a == b,
            (Self::Timestamp(a), Self::Timestamp(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Double(a), Self::Double(b)) => a.to_bits() == b.to_bits(),
            (Self::Decimal(a), Self::Decimal(b)) => a == b,
            (Self::Link(a), Self::Link(b)) => a == b,
            (Self::ObjectId(a), Self::ObjectId(b)) => a == b,
            (Self::Uuid(a), Self::Uuid(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

/// What an Update, an insertion or a set operation carries: a value, or a marker that makes or
/// removes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// A plain value.
    Value(Value),
    /// Make an embedded object here (tag −2).
    Object,
    /// Make a dictionary here (tag −3).
    Dictionary,
    /// Remove this dictionary key (tag −4).
    Erased,
    /// Make a list here (tag −5).
    List,
    /// Make a set here (tag −6); every database refuses it.
    Set,
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}
