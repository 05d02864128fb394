//! Documents ⇄ row bytes. Rows describe themselves, so no schema is needed either way.

use std::collections::BTreeMap;

use tidemark_changeset::Name;
use tidemark_changeset::packed::{self, ContainerKind, Packed, PackedError, RowView, RowWriter};

use crate::NESTING_MAX;
use crate::document::{Document, Node};

/// The deepest object may have collections of its own.
const DEPTH_MAX: usize = NESTING_MAX + 1;

/// Why bytes are not a row of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// The bytes are damaged.
    #[error(transparent)]
    Packed(#[from] PackedError),
    /// Deeper than [`NESTING_MAX`].
    #[error("row is nested too deeply")]
    TooDeep,
    /// A value that documents do not hold: a set inside a collection, a global key.
    #[error("row holds a value that documents do not")]
    Unexpected,
}

impl RowError {
    /// A number for each variant that never changes.
    pub fn code(self) -> u32 {
        match self {
            Self::Packed(_) => 1,
            Self::TooDeep => 2,
            Self::Unexpected => 3,
        }
    }
}

impl Document {
    /// The row bytes of the document.
    pub fn to_row(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_row(&mut out);
        out
    }

    /// Appends the row bytes of the document.
    pub fn write_row(&self, out: &mut Vec<u8>) {
        let mut row = RowWriter::new(out, self.fields.len());
        for node in &self.fields {
            row.column(|out| write_node(out, node));
        }
        row.finish();
    }

    /// The document of row bytes.
    pub fn from_row(bytes: &[u8]) -> Result<Self, RowError> {
        read_row(RowView::new(bytes)?, DEPTH_MAX)
    }
}

impl Node {
    /// Appends the packed form of the node.
    pub fn write_packed(&self, out: &mut Vec<u8>) {
        write_node(out, self);
    }

    /// The node of a packed value.
    pub fn from_packed(value: Packed<'_>) -> Result<Self, RowError> {
        read_node(value, DEPTH_MAX)
    }
}

fn write_node(out: &mut Vec<u8>, node: &Node) {
    match node {
        Node::Value(value) => packed::write_value(out, value),
        Node::List(elements) => {
            let list = packed::begin(out, ContainerKind::List, elements.len());
            for element in elements {
                write_node(out, element);
            }
            packed::end(out, list);
        }
        Node::Set(elements) => {
            let set = packed::begin(out, ContainerKind::Set, elements.len());
            for element in elements {
                packed::write_value(out, element);
            }
            packed::end(out, set);
        }
        Node::Dictionary(entries) => {
            let dictionary = packed::begin(out, ContainerKind::Dictionary, entries.len());
            for (key, entry) in entries {
                packed::write_bytes(out, key.as_bytes());
                write_node(out, entry);
            }
            packed::end(out, dictionary);
        }
        Node::Object(document) => {
            let object = packed::begin_object(out);
            document.write_row(out);
            packed::end_object(out, object);
        }
    }
}

fn read_row(row: RowView<'_>, depth_left: usize) -> Result<Document, RowError> {
    let mut fields = Vec::with_capacity(row.len());
    for column in 0..row.len() {
        let value = row.column(column)?.ok_or(PackedError::Offsets)?;
        fields.push(read_node(value, depth_left)?);
    }
    Ok(Document { fields })
}

fn read_node(value: Packed<'_>, depth_left: usize) -> Result<Node, RowError> {
    let deeper = || depth_left.checked_sub(1).ok_or(RowError::TooDeep);
    Ok(match value {
        Packed::List(list) => {
            let deeper = deeper()?;
            let elements = list.iter().map(|element| read_node(element?, deeper));
            Node::List(elements.collect::<Result<_, _>>()?)
        }
        Packed::Set(set) => {
            let elements = set
                .iter()
                .map(|element| element?.to_value().ok_or(RowError::Unexpected));
            Node::Set(elements.collect::<Result<_, _>>()?)
        }
        Packed::Dictionary(dictionary) => {
            let deeper = deeper()?;
            let entries = dictionary.iter().map(|entry| {
                let (key, value) = entry?;
                Ok((Name::from(key), read_node(value, deeper)?))
            });
            Node::Dictionary(entries.collect::<Result<BTreeMap<_, _>, RowError>>()?)
        }
        Packed::Object(row) => Node::Object(read_row(row, deeper()?)?),
        scalar => Node::Value(scalar.to_value().ok_or(RowError::Unexpected)?),
    })
}
