//! An object as its client has it, as far as views can tell: queryable values with the client's own edits
//! applied.

use tidemark_changeset::packed::Reader;
use tidemark_changeset::{Instruction, Name};
use tidemark_model::{Class, Document, Node, Schema, apply_to_document};

use crate::facts::State;
use crate::fields::Fields;

/// The object in the client's eyes; `None` inside if it does not have it.
#[derive(Clone, Debug)]
pub struct Eye {
    object: Option<Seen>,
}

#[derive(Clone, Debug)]
struct Seen {
    document: Document,
    /// Columns whose values are known; `None` for all.
    known: Option<Vec<u16>>,
}

impl Eye {
    /// The client does not have the object.
    pub fn absent() -> Self {
        Self { object: None }
    }

    /// The client has the object in this state.
    pub fn new(class: &Class, state: &State) -> Self {
        let object = match state {
            State::Absent => None,
            State::Row(row) => {
                let document = Document::from_row(row);
                document.ok().map(|document| Seen {
                    document,
                    known: None,
                })
            }
            State::Values { columns, values } => {
                let fields = Fields::Some { columns, values };
                let mut document = Document::new(class);
                for column in columns {
                    let node = fields
                        .column(usize::from(*column))
                        .and_then(|bytes| Reader::new(bytes).value().ok())
                        .and_then(|value| Node::from_packed(value).ok());
                    if let (Some(place), Some(node)) =
                        (document.fields.get_mut(usize::from(*column)), node)
                    {
                        *place = node;
                    }
                }
                Some(Seen {
                    document,
                    known: Some(columns.clone()),
                })
            }
        };
        Self { object }
    }

    /// Applies the client's own instructions as far as they concern known values. What does not apply is
    /// skipped: this only asks whether the client was, or is, inside its view.
    pub fn apply(&mut self, schema: &Schema, class: &Class, instructions: &[Instruction]) {
        for instruction in instructions {
            match instruction {
                Instruction::CreateObject { .. } => {
                    self.object.get_or_insert_with(|| Seen {
                        document: Document::new(class),
                        known: None,
                    });
                }
                Instruction::EraseObject { .. } => self.object = None,
                other => {
                    let field = other.target().map(|target| &target.field);
                    if let (Some(seen), Some(field)) = (&mut self.object, field)
                        && seen.knows(class, field)
                    {
                        // A failure means the client could not have done this itself.
                        let _ = apply_to_document(schema, class, &mut seen.document, other);
                    }
                }
            }
        }
    }

    /// Whether the client has the object.
    pub fn exists(&self) -> bool {
        self.object.is_some()
    }

    /// The values, in the form views are asked with.
    pub fn state(&self) -> State {
        match &self.object {
            None => State::Absent,
            Some(Seen {
                document,
                known: None,
            }) => State::Row(document.to_row().into()),
            Some(Seen {
                document,
                known: Some(columns),
            }) => {
                let row = document.to_row();
                let values = Fields::Row(&row).pick(columns);
                State::Values {
                    columns: columns.clone(),
                    values,
                }
            }
        }
    }
}

impl Seen {
    fn knows(&self, class: &Class, field: &Name) -> bool {
        let Some(known) = &self.known else {
            return true;
        };
        let index = class.column_index(field);
        known
            .iter()
            .any(|column| Some(usize::from(*column)) == index)
    }
}
