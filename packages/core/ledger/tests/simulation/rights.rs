//! What users may see: predicates of subscriptions and roles, fields, and what they leave of a database.

use std::collections::{BTreeMap, BTreeSet};

use tidemark_changeset::{Changeset, Name, Value};
use tidemark_ledger::field_access::FieldAccess;
use tidemark_ledger::views::{ClassRole, Role};
use tidemark_model::memory::Database;
use tidemark_model::{Node, Schema};

use crate::client::{Fault, Subscription};
use crate::dice::Dice;
use crate::ops::{OBJECT, PARTNER, VIEWS};

/// Values of `view` that a user may read, write, create and delete, and fields that it may read and write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    pub read: BTreeSet<&'static str>,
    pub write: BTreeSet<&'static str>,
    pub insert: BTreeSet<&'static str>,
    pub delete: BTreeSet<&'static str>,
    pub readable: FieldAccess,
    pub writable: FieldAccess,
}

impl Rights {
    pub fn everything() -> Self {
        let all: BTreeSet<_> = VIEWS.into_iter().collect();
        Self {
            read: all.clone(),
            write: all.clone(),
            insert: all.clone(),
            delete: all,
            readable: FieldAccess::all(),
            writable: FieldAccess::all(),
        }
    }

    /// Rights over whole objects.
    pub fn random(dice: &mut Dice) -> Self {
        let (mut read, mut write) = (BTreeSet::new(), BTreeSet::new());
        for value in VIEWS {
            if dice.chance(750) {
                read.insert(value);
                if dice.chance(800) {
                    write.insert(value);
                }
            }
        }
        Self {
            insert: write.clone(),
            delete: write.clone(),
            read,
            write,
            ..Self::everything()
        }
    }

    /// Makes fewer objects be created and deleted, and fewer fields be read and written.
    pub fn narrow(&mut self, dice: &mut Dice) {
        for values in [&mut self.insert, &mut self.delete] {
            if dice.chance(300) {
                values.retain(|_| dice.chance(600));
            }
        }
        if dice.chance(750) {
            self.readable = access(dice, 300);
        }
        if dice.chance(600) {
            self.writable = access(dice, 350);
        }
        // What may be written may be read.
        if dice.chance(850) {
            self.writable = self.writable.intersection(&self.readable);
        }
    }

    pub fn role(&self) -> Role {
        let rules = ClassRole {
            read: predicate(&self.read),
            write: predicate(&self.write),
            insert: predicate(&self.insert),
            delete: predicate(&self.delete),
            readable: self.readable.clone(),
            writable: self.writable.clone(),
        };
        Role {
            classes: BTreeMap::from([(OBJECT.to_owned(), rules)]),
            ..Role::everything()
        }
    }

    /// Whether nothing in a changeset, and no text in it, is of a field that the user may not read.
    pub fn check(&self, schema: &Schema, changeset: &Changeset) -> Result<(), Fault> {
        let visible = self.readable.union(&self.writable);
        if visible.is_all() {
            return Ok(());
        }
        for instruction in &changeset.instructions {
            let is_schema = instruction.object().is_none();
            let is_covered = *instruction.class() == Name::from(OBJECT);
            if !is_schema && is_covered && !visible.shows(schema, instruction) {
                return Err(format!("sent what may not be read: {instruction:?}"));
            }
        }
        let said = format!("{:?}", changeset.instructions);
        let unsaid = |text: &&Name| !said.contains(&text.to_string());
        match changeset.strings.iter().find(unsaid) {
            Some(text) => Err(format!("sent a text that nothing says: {text}")),
            None => Ok(()),
        }
    }
}

/// Access to some fields of `Object`; each is closed in so many of a thousand.
fn access(dice: &mut Dice, closed: u64) -> FieldAccess {
    let leaf = |open: bool| {
        if open {
            FieldAccess::all()
        } else {
            FieldAccess::none()
        }
    };
    let others = dice.chance(700);
    let mut fields = Vec::new();
    for field in ["n", "s", "l", "d", "t", "m", "p", "ps"] {
        fields.push((Name::from(field), leaf(!dice.chance(closed))));
    }
    fields.push((Name::from("view"), leaf(!dice.chance(closed / 5))));
    for field in ["e", "es"] {
        let access = if dice.chance(500) {
            let parts = ["size", "names"];
            let parts = parts.map(|part| (Name::from(part), leaf(!dice.chance(400))));
            FieldAccess::new(dice.chance(300), parts)
        } else {
            leaf(!dice.chance(closed))
        };
        fields.push((Name::from(field), access));
    }
    FieldAccess::new(others, fields)
}

pub fn predicate(values: &BTreeSet<&'static str>) -> String {
    if values.len() == VIEWS.len() {
        return "TRUEPREDICATE".to_owned();
    }
    let alternatives: Vec<String> = values
        .iter()
        .map(|value| format!("view == \"{value}\""))
        .collect();
    if alternatives.is_empty() {
        "FALSEPREDICATE".to_owned()
    } else {
        alternatives.join(" OR ")
    }
}

pub fn query_text(subscription: &Subscription) -> String {
    let mut classes = BTreeMap::new();
    if !subscription.values.is_empty() {
        classes.insert(OBJECT, format!("({})", predicate(&subscription.values)));
    }
    if subscription.partners {
        classes.insert(PARTNER, "(TRUEPREDICATE)".to_owned());
    }
    serde_json::to_string(&classes).expect("texts make JSON")
}

pub fn restrict(database: &mut Database, subscription: &Subscription, rights: &Rights) {
    let class = database
        .schema
        .class(&Name::from(OBJECT))
        .expect("the class exists");
    let column = class
        .column_index(&Name::from("view"))
        .expect("the field exists");
    let visible = rights.readable.union(&rights.writable);
    // Who may not read `view` sees what is subscribed to without asking for it.
    let asks = subscription.values.len() < VIEWS.len();
    let is_blind = asks && !visible.member(&Name::from("view")).is_all();
    let seen = |node: Option<&Node>| match node {
        Some(Node::Value(Value::String(value))) => {
            let value = value.as_str().expect("views are ASCII");
            !is_blind && subscription.values.contains(value) && rights.read.contains(value)
        }
        _ => false,
    };
    if let Some(objects) = database.objects.get_mut(&Name::from(OBJECT)) {
        objects.retain(|_, document| seen(document.field(column)));
        let schema = &database.schema;
        let class = schema.class(&Name::from(OBJECT)).expect("it exists");
        for document in objects.values_mut() {
            visible.cover(schema, class, document);
        }
    }
    if !subscription.partners {
        database.objects.remove(&Name::from(PARTNER));
    }
}
