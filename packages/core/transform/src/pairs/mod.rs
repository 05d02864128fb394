//! What two operations of diverged histories do to each other: one file per family of pairs.
//!
//! First the *nested* rule: if one operation goes deeper than the other, the outer one acts on the inner one.
//! If both live on, the *flat* rule of the two kinds follows. In a flat rule "left" is the one with the
//! higher opcode, and of two of one kind the major (ours); this has nothing to do with who wins. A pair that
//! no rule names is left alone.

#![allow(
    clippy::unnecessary_wraps,
    reason = "rules have one shape, so that the tables below read alike"
)]

mod clears;
mod lists;
mod nested;
mod objects;
mod schema;
mod sets;
mod updates;

use tidemark_changeset::{Instruction, PathElement};

pub(crate) use lists::run_of_insertions;

use crate::driver::Context;
use crate::error::TransformError;
use crate::operation::{Kind, Operation, same_container, same_path};

type Outcome = Result<(), TransformError>;

/// Lets one of ours (`major`) and one of theirs (`minor`) change each other, or drop out.
#[inline]
pub(crate) fn pair(
    major: &mut Operation,
    minor: &mut Operation,
    context: &mut Context<'_>,
) -> Outcome {
    #[cfg(feature = "simulation")]
    crate::simulation::count(major, minor, context);
    if !(major.has_path() && minor.has_path()) {
        return whole(major, minor, context);
    }
    if major.field != minor.field {
        return Ok(());
    }
    if major.depth < minor.depth {
        nested::path(major, minor, context)
    } else if major.depth > minor.depth {
        nested::path(minor, major, context)
    } else if major.kind >= minor.kind {
        path(major, minor, context)
    } else {
        path(minor, major, context)
    }
}

/// Pairs of which at least one is about a class, a column or a whole object.
fn whole(major: &mut Operation, minor: &mut Operation, context: &mut Context<'_>) -> Outcome {
    nested::whole(major, minor);
    if !(major.alive && minor.alive) {
        return Ok(());
    }
    let (left, right) = if major.kind >= minor.kind {
        (major, minor)
    } else {
        (minor, major)
    };
    match (left.kind, right.kind) {
        (Kind::AddTable, Kind::AddTable) => schema::add_table_add_table(left, right, context),
        (Kind::EraseTable, Kind::AddTable) => schema::erase_table_add_table(left, right),
        (Kind::EraseTable, Kind::EraseTable) => schema::erase_table_erase_table(left, right),
        (Kind::AddColumn, Kind::EraseTable) => schema::add_column_erase_table(left, right, context),
        (Kind::AddColumn, Kind::AddColumn) => schema::add_column_add_column(left, right, context),
        (Kind::EraseColumn, Kind::AddColumn) => schema::erase_column_add_column(left, right),
        (Kind::EraseColumn, Kind::EraseColumn) => schema::erase_column_erase_column(left, right),
        (Kind::EraseColumn, _) => schema::erase_column_edit(left, right, context),
        (_, Kind::EraseColumn) => schema::erase_column_edit(right, left, context),
        (Kind::EraseObject, Kind::CreateObject) => objects::erase_object_create_object(left, right),
        (Kind::EraseObject, Kind::EraseObject) => objects::erase_object_erase_object(left, right),
        _ => Ok(()),
    }
}

/// Flat rules of operations in one field, at paths of one length.
#[inline]
fn path(left: &mut Operation, right: &mut Operation, context: &mut Context<'_>) -> Outcome {
    let (left_steps, right_steps) = (context.steps(left.side), context.steps(right.side));
    let siblings = || same_container(left, left_steps, right, right_steps);
    let same = || same_path(left, left_steps, right, right_steps);
    match (left.kind, right.kind) {
        (Kind::ArrayInsert, Kind::ArrayInsert) if siblings() => {
            lists::insert_insert(left, right, context)
        }
        (Kind::ArrayInsert, Kind::Update) if siblings() => {
            lists::insert_update(left, right, context)
        }
        (Kind::ArrayMove, Kind::Update) if siblings() => lists::move_update(left, right, context),
        (Kind::ArrayErase, Kind::Update) if siblings() => lists::erase_update(left, right, context),
        (Kind::ArrayMove, Kind::ArrayInsert) if siblings() => {
            lists::move_insert(left, right, context)
        }
        (Kind::ArrayErase, Kind::ArrayInsert) if siblings() => {
            lists::erase_insert(left, right, context)
        }
        (Kind::ArrayMove, Kind::ArrayMove) if siblings() => lists::move_move(left, right, context),
        (Kind::ArrayErase, Kind::ArrayMove) if siblings() => {
            lists::erase_move(left, right, context)
        }
        (Kind::ArrayErase, Kind::ArrayErase) if siblings() => {
            lists::erase_erase(left, right, context)
        }
        (Kind::Clear, Kind::ArrayInsert | Kind::ArrayMove | Kind::ArrayErase) if siblings() => {
            clears::clear_list_edit(left, right, context)
        }
        (Kind::Update, Kind::Update) if same() => updates::update_update(left, right, context),
        (Kind::AddInteger, Kind::Update) if same() => updates::add_integer_update(left, right),
        (Kind::Clear, Kind::Update) if same() => clears::clear_update(left, right, context),
        (Kind::Clear, Kind::AddInteger) if same() => clears::clear_add_integer(left, right),
        (Kind::Clear, Kind::Clear) if same() => clears::clear_clear(left, right),
        (Kind::SetInsert | Kind::SetErase, Kind::Clear) if same() => {
            clears::set_edit_clear(left, right)
        }
        (Kind::SetInsert, Kind::SetInsert) if same() => sets::insert_insert(left, right, context),
        (Kind::SetErase, Kind::SetInsert) if same() => sets::erase_insert(left, right, context),
        (Kind::SetErase, Kind::SetErase) if same() => sets::erase_erase(left, right, context),
        _ => Ok(()),
    }
}

/// Of two that exclude each other the later one stays: the greater (timestamp, ident). On equality, which a
/// server never lets happen, the right one goes, as it does in the original.
fn drop_lower(left: &mut Operation, right: &mut Operation) -> Outcome {
    if left.rank < right.rank {
        left.drop_it();
    } else {
        right.drop_it();
    }
    Ok(())
}

fn drop_both(left: &mut Operation, right: &mut Operation) -> Outcome {
    left.drop_it();
    right.drop_it();
    Ok(())
}

/// Where an operation acts, in words, for errors.
fn target(operation: &Operation, context: &Context<'_>) -> String {
    context
        .instruction(operation)
        .map(place_of)
        .unwrap_or_default()
}

/// Where an instruction acts, in words, for errors.
pub(crate) fn place_of(instruction: &Instruction) -> String {
    let mut parts = vec![instruction.class().to_string()];
    if let Some((_, key)) = instruction.object() {
        parts.push(format!("[{key:?}]"));
    }
    if let Some(target) = instruction.target() {
        parts.push(format!(".{}", target.field));
        parts.extend(target.path.iter().map(|element| match element {
            PathElement::Index(index) => format!("[{index}]"),
            PathElement::Key(key) => format!("[{key:?}]"),
        }));
    }
    parts.concat()
}
