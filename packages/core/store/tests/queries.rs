//! Queries over stored rows: what the index may shorten, what links lead to, what an open write sees.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use tidemark_changeset::{Name, Payload, PrimaryKey, Value};
use tidemark_query::Argument;
use tidemark_store::{Database, Step, StoreError, boundary};

fn people() -> Database<Memory> {
    let (_storage, database) = database();
    write(&database, 2, |write| {
        for key in 0..20 {
            let object = create(write, key * 10);
            write
                .set(&at(object, AGE), false, &payload(Value::Int(key % 4)))
                .unwrap();
        }
        for (object, friend) in [(0, 10), (0, 20), (1, 20), (2, 20)] {
            let place = below(object, FRIENDS, &[Step::Visible(0)]);
            write.list_insert(&place, &payload(link(friend))).unwrap();
        }
        write.set(&at(3, BEST), false, &payload(link(20))).unwrap();
        write.set(&at(4, PART_OF), false, &Payload::Object).unwrap();
        let owner = below(4, PART_OF, &[Step::Key(Name::from("owner"))]);
        write.set(&owner, false, &payload(link(50))).unwrap();
    });
    database
}

fn ask(database: &Database<Memory>, text: &str) -> Vec<u64> {
    database
        .read()
        .unwrap()
        .view()
        .query(PERSON, text, &[], None)
        .unwrap()
}

#[test]
fn predicates_over_rows() {
    let database = people();
    assert_eq!(ask(&database, "age == 3"), [3, 7, 11, 15, 19]);
    assert_eq!(ask(&database, "friends.age == 2"), [0, 1, 2]);
    assert_eq!(ask(&database, "best.age == 2"), [3]);
    assert_eq!(ask(&database, "part.owner.age == 1"), [4]);
    assert_eq!(ask(&database, "@links.Person.friends.@count == 3"), [2]);
    assert_eq!(ask(&database, "@links.@count == 4"), [2]);
    assert_eq!(ask(&database, "friends.@count > 1"), [0]);
    assert_eq!(
        ask(&database, "age < 2 SORT(age DESC, _id DESC) LIMIT(2)"),
        [17, 13]
    );
    assert_eq!(ask(&database, "TRUEPREDICATE DISTINCT(age)"), [0, 1, 2, 3]);
}

#[test]
fn keys_are_looked_up_and_still_tested() {
    let database = people();
    assert_eq!(ask(&database, "_id == 50"), [5]);
    assert_eq!(ask(&database, "_id == 51"), [] as [u64; 0]);
    assert_eq!(ask(&database, "_id IN {70, 50, 50, 9}"), [5, 7]);
    assert_eq!(ask(&database, "_id IN {50, 70} AND age == 3"), [7]);
    assert_eq!(ask(&database, "_id == 50 OR _id == 10"), [1, 5]);
    assert_eq!(
        ask(&database, "_id == 50 OR age == 3"),
        [3, 5, 7, 11, 15, 19]
    );
    assert_eq!(ask(&database, "NOT _id == 0 AND _id < 30"), [1, 2]);
    let snapshot = database.read().unwrap();
    let view = snapshot.view();
    let arguments = [Argument::List(vec![Value::Int(30), Value::Int(10)])];
    assert_eq!(
        view.query(PERSON, "_id IN $0", &arguments, None).unwrap(),
        [1, 3]
    );
    // A result that is narrowed keeps its own order.
    assert_eq!(
        view.query(PERSON, "age == 3", &[], Some(&[11, 3, 4, 99]))
            .unwrap(),
        [11, 3]
    );
    assert_eq!(
        view.describe_query(PERSON, "age == $0", &[Argument::Value(Value::Int(5))])
            .unwrap(),
        "age == 5"
    );
}

#[test]
fn queries_may_use_the_names_of_the_application() {
    let database = people();
    let names = boundary::query_names_of(
        r#"{ "Person": {
            "stored": { "years": "age", "circle": "friends" },
            "linking": { "admirers": ["Person", "friends"] }
        } }"#,
    )
    .unwrap();
    let snapshot = database.read().unwrap();
    let view = snapshot.view().with_names(&names);
    let ask = |text: &str| view.query(PERSON, text, &[], None).unwrap();
    assert_eq!(ask("years == 3"), [3, 7, 11, 15, 19]);
    assert_eq!(ask("age == 3"), [3, 7, 11, 15, 19]);
    assert_eq!(ask("ANY circle.years == 2"), [0, 1, 2]);
    assert_eq!(ask("admirers.@count == 3"), [2]);
    assert_eq!(ask("ANY admirers.years == 1"), [2]);
    assert_eq!(ask("circle.@min.years >= 1"), [0, 1, 2]);
    assert_eq!(ask("@links.Person.circle.@count == 3"), [2]);
    assert_eq!(
        ask("years < 2 SORT(years DESC, _id DESC) LIMIT(2)"),
        [17, 13]
    );
    // The server knows the names of the file alone.
    let sent = |text: &str| view.describe_query(PERSON, text, &[]).unwrap();
    assert_eq!(sent("years == 3"), "age == 3");
    for wrong in [
        "[]",
        r#"{"A":{"stored":[]}}"#,
        r#"{"A":{"linking":{"b":["C"]}}}"#,
        r#"{"A":{"fullText":"b"}}"#,
        r#"{"A":{"fullText":[1]}}"#,
    ] {
        assert!(boundary::query_names_of(wrong).is_err());
    }
}

#[test]
fn words_are_looked_for_where_the_application_says_so() {
    let (_storage, database) = database();
    write(&database, 2, |write| {
        for (key, name) in [(10, "The quick brown fox"), (20, "A lazy dog; CAF\u{c9}")] {
            let object = create(write, key);
            let text = payload(Value::String(name.into()));
            write.set(&at(object, NAME), false, &text).unwrap();
        }
    });
    let names = boundary::query_names_of(r#"{ "Person": { "fullText": ["name"] } }"#).unwrap();
    let snapshot = database.read().unwrap();
    let ask = |text: &str| {
        snapshot
            .view()
            .with_names(&names)
            .query(PERSON, text, &[], None)
    };
    assert_eq!(ask("name TEXT 'fox qui*'").unwrap(), [0]);
    assert_eq!(ask("name TEXT 'cafe -fox'").unwrap(), [1]);
    assert!(ask("name TEXT ''").is_err());
    let unknown = snapshot.view().query(PERSON, "name TEXT 'fox'", &[], None);
    assert_eq!(
        unknown.unwrap_err().to_string(),
        "Column has no fulltext index"
    );
}

#[test]
fn an_open_write_is_asked_with_its_changes() {
    let database = people();
    let mut write = database.begin_write().unwrap();
    let object = create(&mut write, 1_000);
    write
        .set(&at(object, AGE), false, &payload(Value::Int(77)))
        .unwrap();
    write
        .set(&at(0, AGE), false, &payload(Value::Int(77)))
        .unwrap();
    write.erase(PERSON, 2).unwrap();
    let view = write.view().unwrap();
    assert_eq!(
        view.query(PERSON, "age == 77", &[], None).unwrap(),
        [0, object]
    );
    assert_eq!(
        view.query(PERSON, "friends.@count > 0", &[], None).unwrap(),
        [0]
    );
    assert_eq!(view.find(PERSON, &PrimaryKey::Int(20)).unwrap(), None);
    drop(write);
    assert_eq!(ask(&database, "age == 77"), [] as [u64; 0]);
}

#[test]
fn texts_that_are_no_queries_are_refused() {
    let database = people();
    let snapshot = database.read().unwrap();
    for text in ["age ==", "nothing == 1", "age == 'x'", "age == $0"] {
        let refused = snapshot.view().query(PERSON, text, &[], None);
        assert!(
            matches!(refused, Err(StoreError::InvalidQuery(_))),
            "{text}: {refused:?}"
        );
    }
}

/// Rows by scanning and by looking up are the same rows.
#[test]
fn rows_come_in_the_order_asked_for() {
    let database = people();
    write(&database, 3, |write| {
        for object in [5, 6, 19] {
            write.erase(PERSON, object).unwrap();
        }
    });
    let snapshot = database.read().unwrap();
    let one_by_one = |objects: &[f64]| -> Vec<u8> {
        objects
            .iter()
            .flat_map(|object| {
                let row = boundary::row(snapshot.view(), PERSON, *object).unwrap();
                let row = row.map(|row| row.to_vec()).unwrap_or_default();
                [
                    u32::try_from(row.len()).unwrap().to_le_bytes().to_vec(),
                    row,
                ]
                .concat()
            })
            .collect()
    };
    for objects in [
        &[][..],
        &[0.0, 1.0, 2.0, 3.0],
        &[4.0, 5.0, 6.0, 7.0, 9.0],
        &[17.0, 18.0, 19.0, 20.0, 25.0],
        &[3.0, 1.0, 3.0],
        &[0.0, 1_000_000.0],
        &[-1.0, 0.5, 2.0],
        &[5.0],
    ] {
        let rows = boundary::rows(snapshot.view(), PERSON, objects).unwrap();
        assert_eq!(rows, one_by_one(objects), "{objects:?}");
    }
}
