//! What decides whether an object is shown and may be written stays as it was said.

use std::collections::BTreeSet;
use std::sync::Arc;

use tidemark_changeset::Value;
use tidemark_storage::OrderedStorage;
use tidemark_store::Database;
use tidemark_store::boundary::update_schema;
use tidemark_store::sync::{RuleFields, Subscription};

use super::*;

pub fn subscribe(database: &Database<Memory>, query: &str) {
    let subscription = Subscription {
        class_name: "Person".to_owned(),
        query: query.to_owned(),
        ..Subscription::default()
    };
    database
        .commit_subscription_set(vec![subscription], 5)
        .unwrap();
}

#[test]
fn what_the_subscriptions_look_at_stays_and_separates() {
    let (_storage, database, _) = with_person();
    subscribe(&database, "age > 3");
    let base = database.version();
    for value in [1, 2] {
        commit(&database, 10, |write| set(write, AGE, int(value)));
    }
    commit(&database, 11, |write| set(write, NAME, text("a")));
    commit(&database, 11, |write| set(write, NAME, text("b")));
    commit(&database, 12, |write| set(write, AGE, int(3)));
    commit(&database, 13, |write| set(write, NAME, text("c")));
    let expected = [[age(1)], [age(2)], [name("b")], [age(3)], [name("c")]];
    assert_eq!(said(&database, base), expected);
}

/// The server judges by its rules each changeset that it is sent.
#[test]
fn what_the_rules_look_at_stays_and_separates() {
    let (storage, database, base) = with_person();
    commit(&database, 10, |write| set(write, AGE, int(1)));
    let told = RuleFields::from([("Person".to_owned(), BTreeSet::from(["age".to_owned()]))]);
    database.set_rule_fields(&told).unwrap();
    let write_twice = |database: &Database<Memory>, field, values: [Value; 2]| {
        for value in values {
            commit(database, 11, |write| set(write, field, value.clone()));
        }
    };
    write_twice(&database, AGE, [int(2), int(3)]);
    drop(database);
    // They count without a connection as well, and after a start.
    let database = reopen(&storage);
    database.set_rule_fields(&told).unwrap();
    write_twice(&database, NAME, [text("a"), text("b")]);
    write_twice(&database, AGE, [int(4), int(5)]);
    let expected = [
        [age(1)],
        [age(2)],
        [age(3)],
        [name("b")],
        [age(4)],
        [age(5)],
    ];
    assert_eq!(said(&database, base), expected);
    database.set_rule_fields(&RuleFields::new()).unwrap();
    database.uploads_paused();
    let base = database.version();
    write_twice(&database, AGE, [int(6), int(7)]);
    assert_eq!(said(&database, base), [[age(7)]]);
}

#[test]
fn a_query_that_cannot_be_read_may_look_at_everything() {
    let (_storage, database, _) = with_person();
    subscribe(&database, "no such language");
    let base = database.version();
    for value in [1, 2] {
        commit(&database, 10, |write| set(write, AGE, int(value)));
    }
    assert_eq!(said(&database, base).len(), 2);
}

/// A commit that an awaiting session takes at once may bring the class that a subscription is about.
#[test]
fn a_class_that_comes_with_an_awaited_commit_is_looked_at_from_then_on() {
    let storage = Arc::new(OrderedStorage::new());
    let database = reopen(&storage);
    let event = r#"[{"name":"Event","kind":"asymmetric","primaryKey":{"name":"_id","type":"int","nullable":false},
      "columns":[{"name":"text","type":"string","nullable":false}]}]"#;
    subscribe(&database, "age > 1");
    commit(&database, 1, |write| update_schema(write, event).unwrap());
    uploaded(&database, 0);
    // Nothing of it is left to be sent, and the session waits.
    commit(&database, 2, |write| update_schema(write, SCHEMA).unwrap());
    commit(&database, 3, |write| {
        create(write, 1);
    });
    let base = database.version();
    for value in [1, 2] {
        commit(&database, 10, |write| set(write, AGE, int(value)));
    }
    assert_eq!(said(&database, base), [[age(1)], [age(2)]]);
}
