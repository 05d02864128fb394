//! How queries read data: borrowed views of fields, whatever holds the row.
//!
//! A row of packed bytes and a document tree both implement [`Row`]. Scalars come as [`Scalar`], which is
//! `Copy` and borrows text from the row; collections come as [`Items`], which are walked, never copied.

use std::ops::ControlFlow;

use tidemark_changeset::{
    CollectionKind, ColumnType, Decimal, Link, ObjectId, PrimaryKey, Timestamp, Uuid, Value,
};

use crate::catalog::Place;
use crate::error::Result;

/// A borrowed value that is not a collection.
#[derive(Clone, Copy, Debug)]
pub enum Scalar<'a> {
    /// No value.
    Null,
    /// A 64-bit integer.
    Int(i64),
    /// A truth value.
    Bool(bool),
    /// A string by its bytes, UTF-8 by convention.
    String(&'a [u8]),
    /// Bytes.
    Binary(&'a [u8]),
    /// A point in time.
    Timestamp(Timestamp),
    /// A 32-bit float.
    Float(f32),
    /// A 64-bit float.
    Double(f64),
    /// A decimal128.
    Decimal(Decimal),
    /// A link to a top-level object; the object may not exist.
    Link(LinkView<'a>),
    /// An object id.
    ObjectId(ObjectId),
    /// A UUID.
    Uuid(Uuid),
    /// A collection inside a mixed value, as comparisons see it: by its kind alone. Rows never answer
    /// this; they answer [`Field::List`] or [`Field::Dictionary`].
    Collection(CollectionKind),
}

/// A borrowed link: class and primary key of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkView<'a> {
    /// Class of the target, without any prefix.
    pub class: &'a [u8],
    /// Primary key of the target.
    pub key: KeyView<'a>,
}

/// A borrowed primary key. The order of the variants is the order of the types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyView<'a> {
    /// Null.
    Null,
    /// An integer.
    Int(i64),
    /// A string by its bytes.
    String(&'a [u8]),
    /// Key of an object without a primary key.
    GlobalKey(u64, u64),
    /// An object id.
    ObjectId(ObjectId),
    /// A UUID.
    Uuid(Uuid),
}

/// What a field or an element holds.
pub enum Field<'a> {
    /// A value.
    Scalar(Scalar<'a>),
    /// A list, by its elements in order (real slots: links to absent objects included).
    List(Box<dyn Items<'a> + 'a>),
    /// A set, by its elements in database order.
    Set(Box<dyn Items<'a> + 'a>),
    /// A dictionary, by its entries in order of the key bytes.
    Dictionary(Box<dyn Items<'a> + 'a>),
    /// An embedded object.
    Object(Box<dyn Row + 'a>),
}

impl Field<'_> {
    /// What a column holds where a row is older than the column.
    pub fn default_of(collection: CollectionKind, column_type: ColumnType, nullable: bool) -> Self {
        match collection {
            CollectionKind::List => return Self::List(Box::new(NoItems)),
            CollectionKind::Set => return Self::Set(Box::new(NoItems)),
            CollectionKind::Dictionary => return Self::Dictionary(Box::new(NoItems)),
            CollectionKind::Single => {}
        }
        if nullable {
            return Self::Scalar(Scalar::Null);
        }
        Self::Scalar(match column_type {
            ColumnType::Int => Scalar::Int(0),
            ColumnType::Bool => Scalar::Bool(false),
            ColumnType::String => Scalar::String(b""),
            ColumnType::Binary => Scalar::Binary(b""),
            ColumnType::Timestamp => Scalar::Timestamp(Timestamp {
                seconds: 0,
                nanoseconds: 0,
            }),
            ColumnType::Float => Scalar::Float(0.0),
            ColumnType::Double => Scalar::Double(0.0),
            ColumnType::Decimal => Scalar::Decimal(Decimal {
                coefficient: 0,
                exponent: 0,
                negative: false,
            }),
            ColumnType::ObjectId => Scalar::ObjectId(ObjectId([0; 12])),
            ColumnType::Uuid => Scalar::Uuid(Uuid([0; 16])),
            _ => Scalar::Null,
        })
    }
}

/// A collection without elements.
struct NoItems;

impl<'a> Items<'a> for NoItems {
    fn len(&self) -> usize {
        0
    }

    fn each(&self, _visit: &mut dyn FnMut(Option<&'a [u8]>, Field<'a>) -> ControlFlow<()>) {}
}

/// The elements of a collection.
pub trait Items<'a> {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shows the elements in order until the visitor breaks; keys come with dictionaries only.
    fn each(&self, visit: &mut dyn FnMut(Option<&'a [u8]>, Field<'a>) -> ControlFlow<()>);

    /// The element at an index.
    fn at(&self, index: usize) -> Option<Field<'a>> {
        let mut left = index;
        let mut found = None;
        self.each(&mut |_, field| {
            if left == 0 {
                found = Some(field);
                return ControlFlow::Break(());
            }
            left -= 1;
            ControlFlow::Continue(())
        });
        found
    }

    /// The value of a dictionary key.
    fn get(&self, key: &[u8]) -> Option<Field<'a>> {
        let mut found = None;
        self.each(&mut |name, field| {
            if name == Some(key) {
                found = Some(field);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        found
    }
}

/// One object, top-level or embedded.
pub trait Row {
    /// Class and primary key. An embedded object that has no identity of its own answers `None`; it has
    /// then no backlinks.
    fn link(&self) -> Option<LinkView<'_>>;

    /// The field in a column; a column the row does not hold yet reads as the type's default.
    fn column(&self, index: usize) -> Field<'_>;
}

/// The other objects: targets of links, and the objects that link here.
pub trait Objects {
    /// Shows the target of a link; `false` if it does not exist, and then the link reads as null.
    fn visit(&self, link: LinkView<'_>, visitor: &mut dyn FnMut(&dyn Row)) -> Result<bool>;

    /// Whether the target of a link exists.
    fn exists(&self, link: LinkView<'_>) -> Result<bool> {
        self.visit(link, &mut |_| ())
    }

    /// Shows the objects of class `origin` whose `property` links to `target`, once per occurrence, in
    /// table order.
    fn backlinks(
        &self,
        target: LinkView<'_>,
        origin: &str,
        property: &str,
        visitor: &mut dyn FnMut(&dyn Row),
    ) -> Result<()>;

    /// How many links of any kind lead to `target`, by occurrence.
    fn backlink_count(&self, target: LinkView<'_>) -> Result<u64>;

    /// Where rows of a class hold a property, for names below a link inside a mixed value, whose class no
    /// binding knows. `None` gives such paths no value.
    fn place(&self, _class: &[u8], _property: &[u8]) -> Option<Place> {
        None
    }

    /// Where the object stands in its table, for SORT by a link; `None` sorts by primary key.
    fn position(&self, _link: LinkView<'_>) -> Option<u64> {
        None
    }
}

/// No other objects: every link reads as null. Enough for queries that follow no links.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObjects;

impl Objects for NoObjects {
    fn visit(&self, _link: LinkView<'_>, _visitor: &mut dyn FnMut(&dyn Row)) -> Result<bool> {
        Ok(false)
    }

    fn backlinks(
        &self,
        _target: LinkView<'_>,
        _origin: &str,
        _property: &str,
        _visitor: &mut dyn FnMut(&dyn Row),
    ) -> Result<()> {
        Ok(())
    }

    fn backlink_count(&self, _target: LinkView<'_>) -> Result<u64> {
        Ok(0)
    }
}

impl<'a> From<&'a Value> for Scalar<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Int(value) => Self::Int(*value),
            Value::Bool(value) => Self::Bool(*value),
            Value::String(value) => Self::String(value.as_bytes()),
            Value::Binary(value) => Self::Binary(value),
            Value::Timestamp(value) => Self::Timestamp(*value),
            Value::Float(value) => Self::Float(*value),
            Value::Double(value) => Self::Double(*value),
            Value::Decimal(value) => Self::Decimal(*value),
            Value::Link(value) => Self::Link(LinkView::from(&**value)),
            Value::ObjectId(value) => Self::ObjectId(*value),
            Value::Uuid(value) => Self::Uuid(*value),
        }
    }
}

impl<'a> From<&'a Link> for LinkView<'a> {
    fn from(link: &'a Link) -> Self {
        Self {
            class: link.class.as_bytes(),
            key: KeyView::from(&link.key),
        }
    }
}

impl<'a> From<&'a PrimaryKey> for KeyView<'a> {
    fn from(key: &'a PrimaryKey) -> Self {
        match key {
            PrimaryKey::Null => Self::Null,
            PrimaryKey::Int(value) => Self::Int(*value),
            PrimaryKey::String(value) => Self::String(value.as_bytes()),
            PrimaryKey::GlobalKey(high, low) => Self::GlobalKey(*high, *low),
            PrimaryKey::ObjectId(value) => Self::ObjectId(*value),
            PrimaryKey::Uuid(value) => Self::Uuid(*value),
        }
    }
}

impl<'a> KeyView<'a> {
    /// The key as a value, as a query on the primary key property sees it.
    pub fn scalar(self) -> Scalar<'a> {
        match self {
            Self::Null | Self::GlobalKey(..) => Scalar::Null,
            Self::Int(value) => Scalar::Int(value),
            Self::String(value) => Scalar::String(value),
            Self::ObjectId(value) => Scalar::ObjectId(value),
            Self::Uuid(value) => Scalar::Uuid(value),
        }
    }

    /// The key with its text copied.
    pub fn to_key(self) -> PrimaryKey {
        match self {
            Self::Null => PrimaryKey::Null,
            Self::Int(value) => PrimaryKey::Int(value),
            Self::String(value) => PrimaryKey::String(value.into()),
            Self::GlobalKey(high, low) => PrimaryKey::GlobalKey(high, low),
            Self::ObjectId(value) => PrimaryKey::ObjectId(value),
            Self::Uuid(value) => PrimaryKey::Uuid(value),
        }
    }
}

impl Scalar<'_> {
    /// How long a string is, or bytes are.
    pub(crate) fn text_bytes(&self) -> usize {
        match self {
            Self::String(bytes) | Self::Binary(bytes) => bytes.len(),
            _ => 0,
        }
    }

    /// The value with its text copied.
    pub fn to_value(self) -> Value {
        match self {
            Self::Null | Self::Collection(_) => Value::Null,
            Self::Int(value) => Value::Int(value),
            Self::Bool(value) => Value::Bool(value),
            Self::String(value) => Value::String(value.into()),
            Self::Binary(value) => Value::Binary(value.into()),
            Self::Timestamp(value) => Value::Timestamp(value),
            Self::Float(value) => Value::Float(value),
            Self::Double(value) => Value::Double(value),
            Self::Decimal(value) => Value::Decimal(value),
            Self::Link(link) => Value::Link(Box::new(Link {
                class: link.class.into(),
                key: link.key.to_key(),
            })),
            Self::ObjectId(value) => Value::ObjectId(value),
            Self::Uuid(value) => Value::Uuid(value),
        }
    }
}
