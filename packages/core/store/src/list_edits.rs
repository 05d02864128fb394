//! What a commit did to lists, edit by edit: listeners of a long list need not compare it as a whole.

use tidemark_changeset::{CollectionKind, Instruction, PathElement};
use tidemark_model::{Document, Node};

/// Edits of one list that are remembered; a list that was edited more often is compared as a whole.
pub(crate) const EDITS_MAX: usize = 2_000;

/// One edit of a list. Indexes are those at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListEdit {
    /// An element came.
    Insert {
        /// Where.
        at: u32,
    },
    /// An element went.
    Erase {
        /// Where.
        at: u32,
    },
    /// An element was replaced, or something inside it changed.
    Set {
        /// Where.
        at: u32,
    },
    /// An element was taken out and put in again.
    Move {
        /// Where it was.
        from: u32,
        /// Where it is.
        to: u32,
    },
    /// All elements went.
    Clear {
        /// How many there were.
        size: u32,
    },
}

/// Edits of a list in their order; `None` if they are not known.
pub type ListEdits = Option<Vec<ListEdit>>;

/// What an instruction does to the list in a column; `None` if that cannot be said by indexes. The list is as
/// it was before.
pub(crate) fn list_edit(
    instruction: &Instruction,
    document: &Document,
    column: usize,
) -> Option<ListEdit> {
    let path = &instruction.target()?.path;
    let Some(PathElement::Index(at)) = path.first() else {
        let Some(Node::List(elements)) = document.field(column) else {
            return None;
        };
        let size = u32::try_from(elements.len()).ok()?;
        return matches!(
            instruction,
            Instruction::Clear {
                collection: CollectionKind::List,
                ..
            }
        )
        .then_some(ListEdit::Clear { size });
    };
    let at = *at;
    if path.len() > 1 {
        return Some(ListEdit::Set { at });
    }
    Some(match instruction {
        Instruction::ArrayInsert { .. } => ListEdit::Insert { at },
        Instruction::ArrayErase { .. } => ListEdit::Erase { at },
        Instruction::ArrayMove { to, .. } => ListEdit::Move { from: at, to: *to },
        _ => ListEdit::Set { at },
    })
}
