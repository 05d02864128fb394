//! Objects as trees of values.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidemark_changeset::{
    CollectionKind, ColumnType, Decimal, Name, ObjectId, Payload, Text, Timestamp, Uuid, Value,
};

use crate::schema::{Class, Column, Schema};

/// One object, or an object embedded in another: a node per column, in the class's column order.
///
/// There may be fewer nodes than columns, namely where columns were added after the document was
/// written; the missing ones hold their defaults. [`Document::fill`] makes them explicit, and so
/// does applying an instruction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// The nodes, aligned to the columns of the class.
    pub fields: Vec<Node>,
}

/// What a field or an element holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A plain value, null included. A link is a value, whether or not its target exists.
    Value(Value),
    /// A list: a column's, or one inside a mixed value.
    List(Vec<Node>),
    /// A set, in database order, without two elements that compare equal.
    Set(Vec<Value>),
    /// A dictionary: a column's, or one inside a mixed value.
    Dictionary(BTreeMap<Name, Node>),
    /// An embedded object.
    Object(Document),
}

impl Node {
    /// The null value.
    pub const NULL: Self = Self::Value(Value::Null);

    /// Whether this is the null value.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Value(Value::Null))
    }

    /// The payload that makes this, or its empty form.
    pub fn marker(&self) -> Payload {
        match self {
            Self::Value(value) => Payload::Value(value.clone()),
            Self::List(_) => Payload::List,
            Self::Dictionary(_) => Payload::Dictionary,
            Self::Object(_) => Payload::Object,
            // No column holds a set inside something else.
            Self::Set(_) => Payload::Value(Value::Null),
        }
    }

    /// What a new object holds in a column.
    pub fn default_of(column: &Column) -> Self {
        match column.collection {
            CollectionKind::List => Self::List(Vec::new()),
            CollectionKind::Dictionary => Self::Dictionary(BTreeMap::new()),
            CollectionKind::Set => Self::Set(Vec::new()),
            CollectionKind::Single => Self::Value(default_value(column)),
        }
    }
}

fn default_value(column: &Column) -> Value {
    if column.nullable {
        return Value::Null;
    }
    match column.column_type {
        ColumnType::Int => Value::Int(0),
        ColumnType::Bool => Value::Bool(false),
        ColumnType::String => Value::String(Text::from("")),
        ColumnType::Binary => Value::Binary(Arc::from([].as_slice())),
        ColumnType::Timestamp => Value::Timestamp(Timestamp {
            seconds: 0,
            nanoseconds: 0,
        }),
        ColumnType::Float => Value::Float(0.0),
        ColumnType::Double => Value::Double(0.0),
        ColumnType::Decimal => Value::Decimal(Decimal {
            coefficient: 0,
            exponent: 0,
            negative: false,
        }),
        ColumnType::ObjectId => Value::ObjectId(ObjectId([0; 12])),
        ColumnType::Uuid => Value::Uuid(Uuid([0; 16])),
        _ => Value::Null,
    }
}

impl Document {
    /// A new object of a class: all fields hold their defaults.
    pub fn new(class: &Class) -> Self {
        Self {
            fields: class.columns.iter().map(Node::default_of).collect(),
        }
    }

    /// The node of a column, or `None` where the column's default holds because the document is
    /// older.
    pub fn field(&self, column: usize) -> Option<&Node> {
        self.fields.get(column)
    }

    /// Appends the defaults of columns that the document does not have yet.
    pub fn fill(&mut self, class: &Class) {
        let missing = class.columns.get(self.fields.len()..).unwrap_or_default();
        self.fields.extend(missing.iter().map(Node::default_of));
    }

    /// Like [`Document::fill`], for embedded objects too: documents of equal content are then
    /// equal.
    pub fn fill_deep(&mut self, schema: &Schema, class: &Class) {
        self.fill(class);
        self.each_embedded(schema, class, &mut |embedded, object| {
            object.fill_deep(schema, embedded);
        });
    }

    /// Calls `visit` for the objects directly embedded in this one.
    fn each_embedded(
        &mut self,
        schema: &Schema,
        class: &Class,
        visit: &mut dyn FnMut(&Class, &mut Document),
    ) {
        for (column, node) in class.columns.iter().zip(&mut self.fields) {
            let Some(embedded) = schema.embedded_target(column) else {
                continue;
            };
            let mut enter = |node: &mut Node| {
                if let Node::Object(object) = node {
                    visit(embedded, object);
                }
            };
            match node {
                Node::List(elements) => elements.iter_mut().for_each(enter),
                Node::Dictionary(entries) => entries.values_mut().for_each(enter),
                single => enter(single),
            }
        }
    }

    /// Takes out a column of `erased`, wherever this document holds objects of that class: itself,
    /// if it is of that class, and embedded ones. `schema` is the one that still has the column.
    /// Says whether anything changed.
    pub fn erase_column(
        &mut self,
        schema: &Schema,
        class: &Class,
        erased: &Name,
        column: usize,
    ) -> bool {
        let mut changed = false;
        self.each_of_class(schema, class, erased, &mut |document| {
            if column < document.fields.len() {
                document.fields.remove(column);
                changed = true;
            }
        });
        changed
    }

    /// Calls `visit` for every object of `wanted` in this document: embedded ones, and itself, if it is of
    /// that class; those inside others before them. `schema` is the one that the document fits.
    pub fn each_of_class(
        &mut self,
        schema: &Schema,
        class: &Class,
        wanted: &Name,
        visit: &mut dyn FnMut(&mut Document),
    ) {
        self.each_embedded(schema, class, &mut |embedded, object| {
            object.each_of_class(schema, embedded, wanted, visit);
        });
        if class.name == *wanted {
            visit(self);
        }
    }
}
