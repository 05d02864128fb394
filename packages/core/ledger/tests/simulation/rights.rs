//! What users may see: predicates of subscriptions and roles, and what they leave of a database.

use std::collections::{BTreeMap, BTreeSet};

use tidemark_changeset::{Name, Value};
use tidemark_model::Node;
use tidemark_model::memory::Database;

use crate::client::Subscription;
use crate::ops::{OBJECT, PARTNER, VIEWS};

/// Values of `view` that a user may read and write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    pub read: BTreeSet<&'static str>,
    pub write: BTreeSet<&'static str>,
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
    let seen = |node: Option<&Node>| match node {
        Some(Node::Value(Value::String(value))) => {
            let value = value.as_str().expect("views are ASCII");
            subscription.values.contains(value) && rights.read.contains(value)
        }
        _ => false,
    };
    if let Some(objects) = database.objects.get_mut(&Name::from(OBJECT)) {
        objects.retain(|_, document| seen(document.field(column)));
    }
    if !subscription.partners {
        database.objects.remove(&Name::from(PARTNER));
    }
}
