//! Classes and columns: AddTable, EraseTable, AddColumn, EraseColumn.
//!
//! Clients that know the same schema all announce it, so agreeing announcements annihilate each other;
//! disagreeing ones cannot be reconciled by anyone. An erasure beats an addition: the addition is void, not
//! the erasure.

use tidemark_changeset::{CollectionKind, ColumnSpec, ColumnType, Instruction, TableSpec};

use super::{Outcome, drop_both};
use crate::driver::{Context, Extra};
use crate::error::TransformError;
use crate::operation::{Kind, NONE, Operation};

fn mismatch<T>(subject: String, left: &str, right: &str) -> Result<T, TransformError> {
    Err(TransformError::SchemaMismatch {
        subject,
        left: left.into(),
        right: right.into(),
    })
}

fn yes_no(value: bool, yes: &'static str, no: &'static str) -> &'static str {
    if value { yes } else { no }
}

/// Both made the class: they must agree about it, and then each side already has it.
pub(super) fn add_table_add_table(
    left: &mut Operation,
    right: &mut Operation,
    context: &Context<'_>,
) -> Outcome {
    if left.class != right.class {
        return Ok(());
    }
    if let (
        Some(Instruction::AddTable { class, spec: a }),
        Some(Instruction::AddTable { spec: b, .. }),
    ) = (context.instruction(left), context.instruction(right))
        && a != b
    {
        return table_mismatch(format!("class {class}"), a, b);
    }
    drop_both(left, right)
}

fn table_mismatch<T>(subject: String, a: &TableSpec, b: &TableSpec) -> Result<T, TransformError> {
    let describe = |spec: &TableSpec| match spec {
        TableSpec::Embedded => "embedded".to_owned(),
        TableSpec::TopLevel {
            key_field,
            key_type,
            key_nullable,
            asymmetric,
        } => format!(
            "{} with {} key '{key_field}' of type {key_type:?}",
            yes_no(*asymmetric, "asymmetric", "top-level"),
            yes_no(*key_nullable, "nullable", "required"),
        ),
    };
    mismatch(subject, &describe(a), &describe(b))
}

/// The erasure stays: the class that it erases is there on both sides.
pub(super) fn erase_table_add_table(left: &mut Operation, right: &mut Operation) -> Outcome {
    if left.class == right.class {
        right.drop_it();
    }
    Ok(())
}

/// Gone on both sides.
pub(super) fn erase_table_erase_table(left: &mut Operation, right: &mut Operation) -> Outcome {
    if left.class == right.class {
        drop_both(left, right)
    } else {
        Ok(())
    }
}

/// A link column was added towards a class that the other side erased. A class that is linked to cannot be
/// erased, so where the column exists it is erased first; where the class is gone the column is not added.
pub(super) fn add_column_erase_table(
    left: &mut Operation,
    right: &mut Operation,
    context: &mut Context<'_>,
) -> Outcome {
    if left.value == NONE || left.value != right.class {
        return Ok(());
    }
    if let Some(Instruction::AddColumn { class, field, .. }) = context.instruction(left) {
        let mut operation = Operation::new(
            Kind::EraseColumn,
            right.side,
            right.rank,
            right.branch,
            right.position,
        );
        (operation.class, operation.name) = (left.class, left.name);
        let instruction = Instruction::EraseColumn {
            class: class.clone(),
            field: field.clone(),
        };
        context.request = Some(Box::new(Extra {
            operation,
            instruction,
        }));
    }
    left.drop_it();
    Ok(())
}

fn same_column(left: &Operation, right: &Operation) -> bool {
    left.class == right.class && left.name == right.name
}

/// Both made the column: they must agree about it, and then each side already has it.
pub(super) fn add_column_add_column(
    left: &mut Operation,
    right: &mut Operation,
    context: &Context<'_>,
) -> Outcome {
    if !same_column(left, right) {
        return Ok(());
    }
    if let (
        Some(Instruction::AddColumn {
            class,
            field,
            spec: a,
        }),
        Some(Instruction::AddColumn { spec: b, .. }),
    ) = (context.instruction(left), context.instruction(right))
    {
        check_columns(&format!("field '{field}' of class {class}"), a, b)?;
    }
    drop_both(left, right)
}

fn check_columns(subject: &str, a: &ColumnSpec, b: &ColumnSpec) -> Outcome {
    let subject = || subject.to_owned();
    if a.column_type != b.column_type {
        let name = |spec: &ColumnSpec| format!("of type {:?}", spec.column_type);
        return mismatch(subject(), &name(a), &name(b));
    }
    if a.nullable != b.nullable {
        let name = |spec: &ColumnSpec| yes_no(spec.nullable, "nullable", "required");
        return mismatch(subject(), name(a), name(b));
    }
    if a.collection != b.collection {
        let name = |spec: &ColumnSpec| match spec.collection {
            CollectionKind::Single => "a single value",
            CollectionKind::List => "a list",
            CollectionKind::Dictionary => "a dictionary",
            CollectionKind::Set => "a set",
        };
        return mismatch(subject(), name(a), name(b));
    }
    if a.column_type == ColumnType::Link && a.target != b.target {
        let name = |spec: &ColumnSpec| {
            format!(
                "a link to '{}'",
                spec.target.clone().unwrap_or_else(|| "".into())
            )
        };
        return mismatch(subject(), &name(a), &name(b));
    }
    Ok(())
}

/// The erasure stays: the column that it erases is there on both sides.
pub(super) fn erase_column_add_column(left: &mut Operation, right: &mut Operation) -> Outcome {
    if same_column(left, right) {
        right.drop_it();
    }
    Ok(())
}

/// Gone on both sides.
pub(super) fn erase_column_erase_column(left: &mut Operation, right: &mut Operation) -> Outcome {
    if same_column(left, right) {
        drop_both(left, right)
    } else {
        Ok(())
    }
}

/// An erased column takes every edit of it along, at any depth. The original drops only Updates (OT6), and
/// the others then fail with "no such field". A field of an embedded class is found on an edit's way if the
/// schema is known.
pub(super) fn erase_column_edit(
    erase: &mut Operation,
    edit: &mut Operation,
    context: &Context<'_>,
) -> Outcome {
    if !edit.has_path() {
        return Ok(());
    }
    let original = context.rules.ot6_erased_column;
    let falls = if same_column(erase, edit) {
        edit.kind == Kind::Update || !original
    } else {
        !original && context.goes_through(edit, erase)
    };
    if falls {
        edit.drop_it();
    }
    Ok(())
}
