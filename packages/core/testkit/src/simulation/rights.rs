//! Random subscriptions and roles: predicates over `view`, `count` and the key.

use std::collections::BTreeMap;

use tidemark_changeset::{KeyType, PrimaryKey};
use tidemark_ledger::views::{ClassRole, Role};

use super::layout::{ClassLayout, ClassUse, Layout, VIEWS};
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
        role.classes
            .insert(class.name.clone(), ClassRole::by_predicates(&read, &write));
    }
    role
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
