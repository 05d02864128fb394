//! Random subscriptions and roles: predicates over `view`, `count` and the key.

use std::collections::BTreeMap;

use tidemark_changeset::{KeyType, Name, PrimaryKey};
use tidemark_ledger::field_access::FieldAccess;
use tidemark_ledger::views::{ClassRole, Role};

use super::layout::{ClassLayout, ClassUse, ColumnLayout, Layout, VIEWS};
use crate::dice::Dice;

const EVERYTHING: &str = "TRUEPREDICATE";

/// A number for which [`subscriptions`] are to everything.
pub const SUBSCRIBES_TO_ALL: u32 = 2;

fn some_views(dice: &mut Dice) -> String {
    let view = dice.below(VIEWS as usize);
    match dice.below(7) {
        0 => format!("view == {view}"),
        1 => format!("view != {view}"),
        2 => format!("view < {view}"),
        3 => format!("view >= {view}"),
        4 => format!("view == 0 OR view == {view}"),
        5 => format!("view IN {{0, {view}}}"),
        _ => format!("NOT (view == {view} AND count >= 0)"),
    }
}

fn query(dice: &mut Dice, class: &ClassLayout) -> Option<String> {
    match dice.below(10) {
        0 => None,
        1..4 => Some(EVERYTHING.to_owned()),
        4 => Some(format!("count {} 2", dice.pick(&["<", ">="]))),
        5 => match (
            class.class_use,
            class.key(u32::try_from(dice.below(4)).unwrap_or_default()),
        ) {
            (
                ClassUse::Top {
                    key_type: KeyType::Int,
                    ..
                },
                PrimaryKey::Int(key),
            ) => Some(format!("_id == {key} OR view == 0")),
            (
                ClassUse::Top {
                    key_type: KeyType::String,
                    ..
                },
                PrimaryKey::String(key),
            ) => Some(format!("_id == \"{key}\" OR view == 0")),
            _ => Some("view == 1 OR count == 0".to_owned()),
        },
        _ => Some(some_views(dice)),
    }
}

/// What an application subscribes to: class to query.
pub fn subscriptions(layout: &Layout, number: u32) -> BTreeMap<String, String> {
    let dice = &mut Dice::new(u64::from(number));
    let everything = dice.chance(25);
    let classes = layout.tops().filter_map(|class| {
        let query = if everything {
            Some(EVERYTHING.to_owned())
        } else {
            query(dice, class)
        };
        Some((class.name.clone(), query?))
    });
    classes.collect()
}

/// All objects of all classes.
pub fn everything(layout: &Layout) -> BTreeMap<String, String> {
    layout
        .tops()
        .map(|class| (class.name.clone(), EVERYTHING.to_owned()))
        .collect()
}

/// What a user may do.
pub fn role(layout: &Layout, number: u32) -> Role {
    let dice = &mut Dice::new(u64::from(number));
    // Of its own, so that scripts from before there was more to a role say what they said.
    let more = &mut Dice::new(u64::from(number) | 1 << 40);
    let mut role = Role::everything();
    if dice.chance(30) {
        return role;
    }
    for class in layout.tops() {
        let read = match dice.below(8) {
            0..4 => EVERYTHING.to_owned(),
            4 => "FALSEPREDICATE".to_owned(),
            _ => some_views(dice),
        };
        let write = match dice.below(4) {
            0..2 => read.clone(),
            2 => EVERYTHING.to_owned(),
            _ => some_views(dice),
        };
        let mut of_class = ClassRole::by_predicates(&read, &write);
        narrow(more, layout, class, &mut of_class);
        role.classes.insert(class.name.clone(), of_class);
    }
    role
}

/// Lets fewer objects be created and deleted, and fewer fields be read and written.
fn narrow(dice: &mut Dice, layout: &Layout, class: &ClassLayout, role: &mut ClassRole) {
    for predicate in [&mut role.insert, &mut role.delete] {
        match dice.below(6) {
            0 => "FALSEPREDICATE".clone_into(predicate),
            1 => *predicate = format!("({predicate}) AND ({})", some_views(dice)),
            _ => {}
        }
    }
    if dice.chance(40) {
        role.readable = access(dice, layout, class, true);
        role.writable = access(dice, layout, class, false).intersection(&role.readable);
    } else if dice.chance(20) {
        role.writable = access(dice, layout, class, false);
    }
}

/// Access to some fields of a class. What subscriptions ask for may always be read: what they show otherwise
/// is a matter of the ledger's own tests.
fn access(dice: &mut Dice, layout: &Layout, class: &ClassLayout, reads: bool) -> FieldAccess {
    let leaf = |open: bool| {
        if open {
            FieldAccess::all()
        } else {
            FieldAccess::none()
        }
    };
    let special = ["view", "count", "tokens"].map(|field| {
        let open = (reads && field != "tokens") || dice.chance(85);
        (Name::from(field), leaf(open))
    });
    let mut fields = special.to_vec();
    for column in &class.columns {
        let target = column.spec.target.as_ref();
        let is_embedded = |class: &&ClassLayout| {
            class.class_use == ClassUse::Embedded
                && target.is_some_and(|name| *name == Name::from(class.name.as_str()))
        };
        let access = match layout.classes.iter().find(is_embedded) {
            Some(embedded) if dice.chance(60) => {
                let parts = embedded.columns.iter();
                let part =
                    |part: &ColumnLayout| (Name::from(part.name.as_str()), leaf(dice.chance(60)));
                let parts: Vec<_> = parts.map(part).collect();
                FieldAccess::new(dice.chance(50), parts)
            }
            _ => leaf(dice.chance(65)),
        };
        fields.push((Name::from(column.name.as_str()), access));
    }
    FieldAccess::new(dice.chance(70), fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::generate;

    #[test]
    fn one_number_subscribes_to_everything() {
        let layout = generate::script(1, 1).layout;
        assert_eq!(
            subscriptions(&layout, SUBSCRIBES_TO_ALL),
            everything(&layout)
        );
    }
}
