//! The primary keys a predicate restricts to, for readers that have an index of them.

use tidemark_changeset::{PrimaryKey, Value};

use crate::ast::Operator;
use crate::bound::{Condition, End, Expression, PathExpression, Plan};
use crate::catalog::Place;
use crate::compare::Owned;

/// Keys of which a matching row has one; `None` if the predicate says nothing about the key by itself.
///
/// Only what a look-up finds exactly: a constant of the key's own type, compared with its case.
pub(crate) fn candidates(condition: &Condition) -> Option<Vec<PrimaryKey>> {
    match condition {
        Condition::And(parts) => parts
            .iter()
            .filter_map(candidates)
            .min_by_key(std::vec::Vec::len),
        Condition::Or(parts) | Condition::Nested(parts) => {
            let parts: Option<Vec<_>> = parts.iter().map(candidates).collect();
            parts.map(|parts| parts.concat())
        }
        Condition::Compare(comparison) => match (&comparison.plan, &comparison.right) {
            (
                Plan::Direct {
                    place: Place::Key, ..
                },
                Expression::Constant { value },
            ) if comparison.operator == Operator::Equal && comparison.case_sensitive => {
                Some(vec![key_of(value)?])
            }
            _ => None,
        },
        Condition::OneOf { path, elements } if is_key(path) => {
            elements.iter().map(key_of).collect()
        }
        _ => None,
    }
}

fn is_key(path: &PathExpression) -> bool {
    let is_field = matches!(
        path.end,
        End::Field {
            place: Place::Key,
            ..
        }
    );
    is_field && path.steps.is_empty() && path.quantifier.is_none() && path.post.is_none()
}

fn key_of(value: &Owned) -> Option<PrimaryKey> {
    let Owned::Value(value) = value else {
        return None;
    };
    Some(match value {
        Value::Null => PrimaryKey::Null,
        Value::Int(value) => PrimaryKey::Int(*value),
        Value::String(text) => PrimaryKey::String(text.clone()),
        Value::ObjectId(id) => PrimaryKey::ObjectId(*id),
        Value::Uuid(id) => PrimaryKey::Uuid(*id),
        _ => return None,
    })
}
