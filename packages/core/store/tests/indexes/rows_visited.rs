//! What an index answers is not looked for anywhere else.

use std::sync::Arc;

use tidemark_changeset::{Link, Payload, PrimaryKey, Value};
use tidemark_query::Argument;
use tidemark_storage::OrderedStorage;
use tidemark_store::boundary::update_schema;
use tidemark_store::{Database, DatabaseOptions, Location};

use crate::common::Memory;

const COUNT: i64 = 10_000;
const ITEM: usize = 0;

const SCHEMA: &str = r#"[
  {"name":"Item","kind":"top","primaryKey":{"name":"_id","type":"int","nullable":false},"columns":[
    {"name":"n","type":"int","indexed":true},
    {"name":"name","type":"string","indexed":true},
    {"name":"mix","type":"mixed","indexed":true},
    {"name":"plain","type":"int"},
    {"name":"when","type":"timestamp","indexed":true},
    {"name":"owner","type":"link","nullable":true,"target":"Owner"}]},
  {"name":"Owner","kind":"top","primaryKey":{"name":"_id","type":"string","nullable":false},"columns":[
    {"name":"age","type":"int","indexed":true}]}]"#;

fn items() -> Database<Memory> {
    let database =
        Database::open(Arc::new(OrderedStorage::new()), DatabaseOptions::default()).unwrap();
    let mut write = database.begin_write().unwrap();
    update_schema(&mut write, SCHEMA).unwrap();
    let owner = |at: i64| PrimaryKey::String(format!("owner-{at}").as_str().into());
    for at in 0..100 {
        let (object, _) = write.create(1, &owner(at), false).unwrap();
        let place = Location {
            class: 1,
            object,
            column: 0,
            steps: Vec::new(),
        };
        write
            .set(&place, false, &Payload::Value(Value::Int(at)))
            .unwrap();
    }
    for key in 0..COUNT {
        let (object, _) = write.create(ITEM, &PrimaryKey::Int(key), false).unwrap();
        let link = Link {
            class: "Owner".into(),
            key: owner(key % 100),
        };
        let any = match key % 2 {
            0 => Value::Int(key),
            #[allow(clippy::cast_precision_loss)]
            _ => Value::Double(key as f64),
        };
        let values = [
            Value::Int(key * 7919 % 1000),
            Value::String(format!("name-{key:05}").as_str().into()),
            any,
            Value::Int(key),
            Value::Timestamp(tidemark_changeset::Timestamp {
                seconds: key,
                nanoseconds: 0,
            }),
            Value::Link(Box::new(link)),
        ];
        for (column, value) in (0..).zip(values) {
            let place = Location {
                class: ITEM,
                object,
                column,
                steps: Vec::new(),
            };
            write.set(&place, false, &Payload::Value(value)).unwrap();
        }
    }
    database.commit(write, 1).unwrap();
    database
}

/// An argument of a query.
#[derive(Clone, Copy)]
enum Given {
    Nothing,
    /// The numbers 3, 5 and 20,000.
    List,
    /// The owner with number 7.
    Link,
}

/// Query, argument, how many objects it finds, and how many rows are visited for that.
const CASES: &[(&str, Given, usize, u64)] = &[
    ("_id == 77", Given::Nothing, 1, 1),
    ("_id IN {1, 2, 3, 99999}", Given::Nothing, 3, 3),
    ("_id IN $0", Given::List, 2, 2),
    ("_id < 10", Given::Nothing, 10, 10),
    ("_id > 9990 AND _id <= 9995", Given::Nothing, 5, 5),
    ("_id BETWEEN {10, 19}", Given::Nothing, 10, 10),
    ("_id >= 5000", Given::Nothing, 5_000, 5_000),
    ("n == 500", Given::Nothing, 10, 10),
    ("500 == n", Given::Nothing, 10, 10),
    ("n IN {1, 2}", Given::Nothing, 20, 20),
    ("n IN $0", Given::List, 20, 20),
    ("n == 500 AND plain < 5000", Given::Nothing, 5, 10),
    ("plain < 5000 AND n == 500", Given::Nothing, 5, 10),
    ("n == 500 OR name == 'name-00003'", Given::Nothing, 11, 11),
    (
        "(n == 500 OR _id == 3) AND plain > 3",
        Given::Nothing,
        10,
        11,
    ),
    ("n == 500 OR plain == 3", Given::Nothing, 11, 10_000),
    ("n >= 100 AND n < 200", Given::Nothing, 1_000, 1_000),
    ("n >= 990", Given::Nothing, 100, 100),
    ("n > 997", Given::Nothing, 20, 20),
    ("n <= 1", Given::Nothing, 20, 20),
    ("n < 1", Given::Nothing, 10, 10),
    ("n BETWEEN {5, 6}", Given::Nothing, 20, 20),
    ("n == 500 AND n == 501", Given::Nothing, 0, 0),
    ("n > 5 AND n < 5", Given::Nothing, 0, 0),
    ("name == 'name-00042'", Given::Nothing, 1, 1),
    ("name IN {'name-00042', 'x'}", Given::Nothing, 1, 1),
    ("name BEGINSWITH 'name-0004'", Given::Nothing, 10, 10),
    (
        "name BEGINSWITH 'name-0004' AND n >= 0",
        Given::Nothing,
        10,
        10,
    ),
    ("name > 'name-09989'", Given::Nothing, 10, 10),
    ("name <= 'name-00002'", Given::Nothing, 3, 3),
    ("name ==[c] 'NAME-00042'", Given::Nothing, 1, 10_000),
    ("name != 'name-00042'", Given::Nothing, 9_999, 10_000),
    ("mix == 100", Given::Nothing, 1, 1),
    ("mix == 101.0", Given::Nothing, 1, 1),
    ("mix IN {100, 101, 'x'}", Given::Nothing, 2, 2),
    ("mix < 10", Given::Nothing, 10, 10),
    ("mix BETWEEN {10, 19}", Given::Nothing, 10, 10),
    ("mix == 'x'", Given::Nothing, 0, 0),
    ("when == T55:0", Given::Nothing, 1, 1),
    ("when >= T9990:0", Given::Nothing, 10, 10),
    ("when BETWEEN {T10:0, T19:0}", Given::Nothing, 10, 10),
    ("owner == $0", Given::Link, 100, 100),
    ("owner == obj('Owner', 'owner-7')", Given::Nothing, 100, 100),
    ("owner == obj('Owner', 'nobody')", Given::Nothing, 0, 0),
    ("owner._id == 'owner-7'", Given::Nothing, 100, 100),
    (
        "owner._id IN {'owner-7', 'owner-8'}",
        Given::Nothing,
        200,
        200,
    ),
    // The owners are rows too.
    ("owner.age == 7", Given::Nothing, 100, 101),
    ("owner.age < 2", Given::Nothing, 200, 202),
    ("owner.age == 7 AND n == 707", Given::Nothing, 0, 10),
    ("n == 1 SORT(name DESC) LIMIT(3)", Given::Nothing, 3, 10),
    // Of two indexes the one that leads to fewer is taken, whichever is named first.
    ("n == 500 AND name == 'name-00500'", Given::Nothing, 1, 1),
    (
        "n BETWEEN {0, 400} AND name <= 'name-00001'",
        Given::Nothing,
        1,
        2,
    ),
    ("owner.age == 7 AND n < 400", Given::Nothing, 40, 102),
    // One that leads to most objects is none.
    ("n >= 10", Given::Nothing, 9_900, 10_000),
    // Along an index, until the values after the limit.
    (
        "TRUEPREDICATE SORT(name ASC) LIMIT(3)",
        Given::Nothing,
        3,
        3,
    ),
    (
        "TRUEPREDICATE SORT(name DESC) LIMIT(3)",
        Given::Nothing,
        3,
        3,
    ),
    (
        "TRUEPREDICATE SORT(n ASC) LIMIT(15)",
        Given::Nothing,
        15,
        20,
    ),
    (
        "TRUEPREDICATE SORT(n DESC, plain DESC) LIMIT(1)",
        Given::Nothing,
        1,
        10,
    ),
    (
        "plain >= 100 SORT(when ASC) LIMIT(2)",
        Given::Nothing,
        2,
        102,
    ),
    (
        "n < 400 SORT(when DESC) LIMIT(2) DISTINCT(n)",
        Given::Nothing,
        2,
        2,
    ),
    // Not if too many are in between, nor without a limit.
    (
        "plain >= 9000 SORT(when ASC) LIMIT(2)",
        Given::Nothing,
        2,
        11_250,
    ),
    (
        "TRUEPREDICATE SORT(when ASC)",
        Given::Nothing,
        10_000,
        10_000,
    ),
    (
        "TRUEPREDICATE SORT(plain ASC) LIMIT(2)",
        Given::Nothing,
        2,
        10_000,
    ),
    ("NOT n == 1", Given::Nothing, 9_990, 10_000),
    ("FALSEPREDICATE", Given::Nothing, 0, 0),
    ("TRUEPREDICATE", Given::Nothing, 10_000, 10_000),
    ("TRUEPREDICATE LIMIT(5)", Given::Nothing, 5, 5),
];

#[test]
fn no_more_rows_are_visited_than_an_index_leads_to() {
    let database = items();
    let snapshot = database.read().unwrap();
    let list = Argument::List(vec![Value::Int(3), Value::Int(5), Value::Int(20_000)]);
    let link = Argument::Value(Value::Link(Box::new(Link {
        class: "Owner".into(),
        key: PrimaryKey::String("owner-7".into()),
    })));
    for (text, given, found, visited) in CASES {
        let argument = match given {
            Given::Nothing => None,
            Given::List => Some(&list),
            Given::Link => Some(&link),
        };
        let arguments: Vec<Argument> = argument.cloned().into_iter().collect();
        let answer = snapshot
            .view()
            .query_counted(ITEM, text, &arguments, None)
            .unwrap();
        assert_eq!(
            (answer.objects.len(), answer.rows_visited),
            (*found, *visited),
            "{text}"
        );
    }
}

#[test]
fn text_keys_are_looked_up_by_ranges_too() {
    let database = items();
    let snapshot = database.read().unwrap();
    for (text, found) in [
        ("_id BEGINSWITH 'owner-1'", 11),
        ("_id BEGINSWITH ''", 100),
        ("_id BEGINSWITH 'x'", 0),
        ("_id < 'owner-1'", 1),
        ("_id <= 'owner-1'", 2),
        ("_id > 'owner-98'", 1),
        ("_id >= 'owner-98'", 2),
        ("_id BETWEEN {'owner-10', 'owner-12'}", 3),
        ("_id IN {'owner-5', 'nobody'}", 1),
        ("_id == 'owner-5' AND _id > 'owner-6'", 0),
    ] {
        let answer = snapshot.view().query_counted(1, text, &[], None).unwrap();
        assert_eq!(
            (answer.objects.len(), answer.rows_visited),
            (found, found as u64),
            "{text}"
        );
    }
}
