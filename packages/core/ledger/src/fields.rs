//! Objects as queries see them: a whole row, or the queryable values an entry kept.

use std::cell::OnceCell;
use std::ops::ControlFlow;

use tidemark_changeset::packed::{Packed, PackedDictionary, PackedList, Reader, RowView};
use tidemark_changeset::{Name, PrimaryKey};
use tidemark_model::{Column, Schema};
use tidemark_query::{Field, Items, KeyView, LinkView, Row, Scalar};

use crate::bytes;
use crate::object::ObjectKey;

/// The fields of an object, as far as they are known.
#[derive(Clone, Copy, Debug)]
pub enum Fields<'a> {
    /// The whole row.
    Row(&'a [u8]),
    /// The values of some columns, in their order, as an entry keeps them.
    Some {
        /// Which columns.
        columns: &'a [u16],
        /// Their packed values, each after its length.
        values: &'a [u8],
    },
}

impl<'a> Fields<'a> {
    /// Whether the value of a column is known.
    pub fn knows(&self, column: u16) -> bool {
        match self {
            Self::Row(_) => true,
            Self::Some { columns, .. } => columns.contains(&column),
        }
    }

    /// Packed bytes of a column; `None` if the object does not hold the column yet, or it is not known.
    pub fn column(&self, column: usize) -> Option<&'a [u8]> {
        match self {
            Self::Row(row) => RowView::new(row).ok()?.column_bytes(column).ok()?,
            Self::Some { columns, values } => {
                let position = columns
                    .iter()
                    .position(|known| usize::from(*known) == column)?;
                let mut reader = bytes::Reader::new(values);
                for _ in 0..position {
                    reader.bytes().ok()?;
                }
                reader.bytes().ok().filter(|value| !value.is_empty())
            }
        }
    }

    /// The values of these columns in the form an entry keeps: each after its length, empty where the default
    /// holds.
    pub fn pick(&self, columns: &[u16]) -> Vec<u8> {
        let mut out = Vec::new();
        for column in columns {
            bytes::put_bytes(
                &mut out,
                self.column(usize::from(*column)).unwrap_or_default(),
            );
        }
        out
    }
}

/// An object for the query engine.
pub struct ObjectRow<'a> {
    /// The class's name.
    pub class: &'a Name,
    /// The object.
    pub object: &'a ObjectKey,
    /// Its primary key, once it was asked for.
    pub key: OnceCell<PrimaryKey>,
    /// The class's columns.
    pub columns: &'a [Column],
    /// All classes, for embedded objects.
    pub schema: &'a Schema,
    /// The fields.
    pub fields: Fields<'a>,
}

impl Row for ObjectRow<'_> {
    fn link(&self) -> Option<LinkView<'_>> {
        Some(LinkView {
            class: self.class.as_bytes(),
            key: KeyView::from(self.key.get_or_init(|| self.object.key())),
        })
    }

    fn column(&self, index: usize) -> Field<'_> {
        let Some(column) = self.columns.get(index) else {
            return Field::Scalar(Scalar::Null);
        };
        let value = self
            .fields
            .column(index)
            .and_then(|bytes| Reader::new(bytes).value().ok());
        match value {
            Some(value) => field(value, target_of(column, self.schema), self.schema),
            None => default_field(column),
        }
    }
}

/// An embedded object inside a row.
struct EmbeddedRow<'a> {
    row: RowView<'a>,
    columns: &'a [Column],
    schema: &'a Schema,
}

impl Row for EmbeddedRow<'_> {
    fn link(&self) -> Option<LinkView<'_>> {
        None
    }

    fn column(&self, index: usize) -> Field<'_> {
        let Some(column) = self.columns.get(index) else {
            return Field::Scalar(Scalar::Null);
        };
        match self.row.column(index) {
            Ok(Some(value)) => field(value, target_of(column, self.schema), self.schema),
            _ => default_field(column),
        }
    }
}

fn target_of<'a>(column: &'a Column, schema: &'a Schema) -> &'a [Column] {
    let target = column
        .target
        .as_ref()
        .and_then(|target| schema.classes.get(target));
    target.map_or(&[], |class| &class.columns)
}

fn field<'a>(value: Packed<'a>, columns: &'a [Column], schema: &'a Schema) -> Field<'a> {
    Field::Scalar(match value {
        Packed::Null | Packed::GlobalKey(..) => Scalar::Null,
        Packed::Int(value) => Scalar::Int(value),
        Packed::Bool(value) => Scalar::Bool(value),
        Packed::String(value) => Scalar::String(value),
        Packed::Binary(value) => Scalar::Binary(value),
        Packed::Timestamp(value) => Scalar::Timestamp(value),
        Packed::Float(value) => Scalar::Float(value),
        Packed::Double(value) => Scalar::Double(value),
        Packed::Decimal(value) => Scalar::Decimal(value),
        Packed::ObjectId(value) => Scalar::ObjectId(value),
        Packed::Uuid(value) => Scalar::Uuid(value),
        Packed::Link(link) => Scalar::Link(LinkView {
            class: link.class,
            key: key_view(link.key()),
        }),
        Packed::List(list) => {
            return Field::List(Box::new(ListItems {
                list,
                columns,
                schema,
            }));
        }
        Packed::Set(list) => {
            return Field::Set(Box::new(ListItems {
                list,
                columns,
                schema,
            }));
        }
        Packed::Dictionary(dictionary) => {
            return Field::Dictionary(Box::new(DictionaryItems {
                dictionary,
                columns,
                schema,
            }));
        }
        Packed::Object(row) => {
            return Field::Object(Box::new(EmbeddedRow {
                row,
                columns,
                schema,
            }));
        }
    })
}

fn key_view(key: Packed<'_>) -> KeyView<'_> {
    match key {
        Packed::Int(value) => KeyView::Int(value),
        Packed::String(value) => KeyView::String(value),
        Packed::ObjectId(value) => KeyView::ObjectId(value),
        Packed::Uuid(value) => KeyView::Uuid(value),
        Packed::GlobalKey(high, low) => KeyView::GlobalKey(high, low),
        _ => KeyView::Null,
    }
}

struct ListItems<'a> {
    list: PackedList<'a>,
    columns: &'a [Column],
    schema: &'a Schema,
}

impl<'a> Items<'a> for ListItems<'a> {
    fn len(&self) -> usize {
        self.list.len()
    }

    fn each(&self, visit: &mut dyn FnMut(Option<&'a [u8]>, Field<'a>) -> ControlFlow<()>) {
        for value in self.list.iter().flatten() {
            if visit(None, field(value, self.columns, self.schema)).is_break() {
                return;
            }
        }
    }
}

struct DictionaryItems<'a> {
    dictionary: PackedDictionary<'a>,
    columns: &'a [Column],
    schema: &'a Schema,
}

impl<'a> Items<'a> for DictionaryItems<'a> {
    fn len(&self) -> usize {
        self.dictionary.len()
    }

    fn each(&self, visit: &mut dyn FnMut(Option<&'a [u8]>, Field<'a>) -> ControlFlow<()>) {
        for (key, value) in self.dictionary.iter().flatten() {
            if visit(Some(key), field(value, self.columns, self.schema)).is_break() {
                return;
            }
        }
    }
}

fn default_field<'a>(column: &Column) -> Field<'a> {
    Field::default_of(column.collection, column.column_type, column.nullable)
}
