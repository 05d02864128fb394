//! What a place accepts.

use std::collections::BTreeMap;

use tidemark_changeset::codec::STRING_BYTES_MAX;
use tidemark_changeset::{ColumnType, Payload, Value};

use crate::document::{Document, Node};
use crate::error::Problem;
use crate::schema::{Class, Column, Schema};

/// The rules of the values of a column, or of the elements of a collection inside a mixed value.
#[derive(Clone, Copy)]
pub(super) struct Rules<'s> {
    schema: &'s Schema,
    column_type: ColumnType,
    nullable: bool,
    /// For links: the column that says where to.
    column: Option<&'s Column>,
    /// For columns of embedded objects.
    embedded: Option<&'s Class>,
}

impl<'s> Rules<'s> {
    pub(super) fn of(schema: &'s Schema, column: &'s Column) -> Self {
        Self {
            schema,
            column_type: column.column_type,
            nullable: column.nullable,
            column: Some(column),
            embedded: schema.embedded_target(column),
        }
    }

    pub(super) fn is_mixed(&self) -> bool {
        self.column_type == ColumnType::Mixed
    }

    pub(super) fn embedded(&self) -> Option<&'s Class> {
        self.embedded
    }

    /// Checks a plain value: its type, whether it may be null, where a link leads.
    pub(super) fn check(&self, value: &Value) -> Result<(), Problem> {
        let value_type = match value {
            Value::Null => {
                return if self.nullable {
                    Ok(())
                } else {
                    Err(Problem::NullNotAllowed)
                };
            }
            Value::Link(link) => {
                if !self.is_mixed() && self.column_type != ColumnType::Link {
                    return Err(Problem::TypeMismatch);
                }
                if self
                    .column
                    .and_then(|column| column.target.as_ref())
                    .is_some_and(|target| *target != link.class)
                {
                    return Err(Problem::TargetMismatch);
                }
                return self.schema.check_link(link);
            }
            Value::Int(_) => ColumnType::Int,
            Value::Bool(_) => ColumnType::Bool,
            Value::String(text) => {
                check_length(text.len())?;
                ColumnType::String
            }
            Value::Binary(bytes) => {
                check_length(bytes.len())?;
                ColumnType::Binary
            }
            Value::Timestamp(_) => ColumnType::Timestamp,
            Value::Float(_) => ColumnType::Float,
            Value::Double(_) => ColumnType::Double,
            Value::Decimal(_) => ColumnType::Decimal,
            Value::ObjectId(_) => ColumnType::ObjectId,
            Value::Uuid(_) => ColumnType::Uuid,
        };
        if self.is_mixed() || self.column_type == value_type {
            Ok(())
        } else {
            Err(Problem::TypeMismatch)
        }
    }

    /// The node that a payload makes in an empty place `depth` levels below its field.
    pub(super) fn make(&self, payload: &Payload, depth: usize) -> Result<Node, Problem> {
        if !matches!(payload, Payload::Value(_)) && depth >= crate::NESTING_MAX {
            return Err(Problem::TooDeep);
        }
        match payload {
            Payload::Value(value) => {
                self.check(value)?;
                Ok(Node::Value(value.clone()))
            }
            Payload::Object => match self.embedded {
                Some(class) => Ok(Node::Object(Document::new(class))),
                None => Err(Problem::Marker),
            },
            Payload::List if self.is_mixed() => Ok(Node::List(Vec::new())),
            Payload::Dictionary if self.is_mixed() => Ok(Node::Dictionary(BTreeMap::new())),
            _ => Err(Problem::Marker),
        }
    }
}

/// A binary can be longer on the wire, but nothing longer than this can be stored.
fn check_length(length: usize) -> Result<(), Problem> {
    if length > STRING_BYTES_MAX {
        Err(Problem::TooLong)
    } else {
        Ok(())
    }
}
