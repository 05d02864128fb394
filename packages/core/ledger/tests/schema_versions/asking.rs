//! What clients of several versions see of what they ask for, and what rules say of it.

use std::collections::BTreeMap;

use tidemark_changeset::Value;
use tidemark_ledger::embedded::{QueryableFields, Upload};
use tidemark_ledger::field_access::FieldAccess;
use tidemark_ledger::views::{ClassRole, Role};

use crate::common::{TestLedger, body, create, erase, set, text};
use crate::stage::{EVERYTHING, Replica, breaking, city, class, int, with_schema};

#[test]
fn what_a_later_version_removed_is_asked_for_in_vain() {
    let shop = || class("Shop", "top", &["name string"]);
    let of_city = class("City", "top", &["name string", "old string"]);
    let ledger = with_schema(&[of_city, shop()]);
    let mut old = Replica::new(&ledger, 0);
    old.open();
    old.query(r#"{"City":"(old == \"x\") OR (name == \"n\")","Shop":"TRUEPREDICATE"}"#);
    old.write(vec![
        create("City", 1),
        set("City", 1, "old", text("x")),
        create("City", 2),
        set("City", 2, "name", text("n")),
        create("Shop", 1),
    ]);
    assert_eq!((old.keys("City"), old.keys("Shop")), (vec![1, 2], vec![1]));
    breaking(&ledger, &city(&["name string"]), &["City.old", "Shop"]);
    // What it wrote before it hears of that is taken.
    let base = old.download.0;
    let pending = vec![create("City", 3), set("City", 3, "old", text("x"))];
    assert_eq!(old.send_made(base, 3000, pending), None);
    let identified = old.open();
    assert!(identified.bootstrap_due);
    assert_eq!(
        (old.keys("City"), old.keys("Shop")),
        (vec![2], Vec::<i64>::new())
    );
    // Going back to the first version with a new file shows the same.
    let mut back = Replica::new(&ledger, 0);
    back.open();
    back.query(r#"{"City":"(old == \"x\") OR (name == \"n\")","Shop":"TRUEPREDICATE"}"#);
    assert_eq!(
        (back.keys("City"), back.keys("Shop")),
        (vec![2], Vec::<i64>::new())
    );
    assert!(back.has_field("City", "old") && back.has_field("Shop", "name"));
    // Without that condition the objects come again.
    back.query(EVERYTHING);
    assert_eq!(back.keys("City"), [1, 2, 3]);
    assert_eq!(back.value(3, "old"), Some(text("x")));
    // A file of the new version that brings the old subscription along is not refused either.
    let mut new = Replica::new(&ledger, 1);
    new.open();
    new.query(r#"{"City":"(old == \"x\") OR (name == \"n\")","Shop":"TRUEPREDICATE"}"#);
    assert_eq!(new.keys("City"), [2]);
    let unknown = new.try_query(r#"{"City":"never == 1"}"#);
    assert!(unknown.is_some_and(|text| text.contains("never")));
    // Once what is new concerns nobody, nobody is sent anything anew.
    breaking(&ledger, &city(&["size int"]), &[]);
    breaking(&ledger, &city(&["size string"]), &[]);
    assert!(!back.open().bootstrap_due);
}

#[test]
fn a_subscription_sees_zero_where_its_version_does() {
    let ledger = with_schema(&city(&["size int"]));
    breaking(&ledger, &city(&["size int?"]), &[]);
    let zeros = r#"{"City":"size == 0"}"#;
    let mut zero = Replica::new(&ledger, 0);
    let mut null = Replica::new(&ledger, 1);
    for replica in [&mut zero, &mut null] {
        replica.open();
        replica.query(zeros);
    }
    let mut writer = Replica::with_cities(&ledger, 1);
    writer.write(vec![
        create("City", 1),
        create("City", 2),
        set("City", 2, "size", Value::Int(0)),
    ]);
    zero.take();
    null.take();
    assert_eq!(
        (zero.keys("City"), null.keys("City")),
        (vec![1, 2], vec![2])
    );
    writer.write(vec![set("City", 1, "size", Value::Int(1))]);
    zero.take();
    assert_eq!(zero.keys("City"), [2]);
}

#[test]
fn rules_are_written_in_the_names_of_the_newest_version() {
    let ledger = with_schema(&city(&["owner int", "secret int", "name string"]));
    let mut writer = Replica::with_cities(&ledger, 0);
    writer.write(vec![
        create("City", 1),
        set("City", 1, "owner", Value::Int(1)),
        set("City", 1, "secret", Value::Int(9)),
    ]);
    let role = |read: &str, closed: &[&str]| {
        let closed = closed
            .iter()
            .map(|field| ((*field).into(), FieldAccess::none()));
        let access = FieldAccess::new(true, closed);
        Role {
            default: ClassRole {
                readable: access.clone(),
                writable: access,
                ..ClassRole::by_predicates(read, "TRUEPREDICATE")
            },
            classes: BTreeMap::new(),
        }
    };
    let mut old = Replica::new(&ledger, 0);
    old.open_as(role("owner == 1", &["secret"]));
    old.query(EVERYTHING);
    assert_eq!(
        (old.keys("City"), old.value(1, "secret")),
        (vec![1], int(0))
    );
    // Both are of another type now: the rule is about the new field, for older files as well, and what is
    // closed by its name is closed under each of its types.
    breaking(
        &ledger,
        &city(&["owner string", "secret string", "name string"]),
        &[],
    );
    let mut new = Replica::with_cities(&ledger, 1);
    new.write(vec![
        create("City", 2),
        set("City", 2, "owner", text("me")),
        set("City", 2, "secret", text("s")),
    ]);
    old.open_as(role("owner == \"me\"", &["secret"]));
    assert_eq!(
        (
            old.keys("City"),
            old.value(2, "owner"),
            old.value(2, "secret")
        ),
        (vec![2], int(0), int(0))
    );
    writer.take();
    writer.write(vec![
        set("City", 2, "secret", Value::Int(4)),
        set("City", 1, "secret", Value::Int(5)),
    ]);
    assert_eq!(old.take(), []);
    // … under the new one for files of the new version.
    let mut limited = Replica::new(&ledger, 1);
    limited.open_as(role("TRUEPREDICATE", &["secret"]));
    limited.query(EVERYTHING);
    let seen = (limited.value(2, "owner"), limited.value(2, "secret"));
    assert_eq!(seen, (Some(text("me")), Some(text(""))));
    // A new version in which the rule means the same concerns nobody.
    breaking(
        &ledger,
        &city(&["owner string", "secret string", "name string?"]),
        &[],
    );
    old.peer.role = role("owner == \"me\"", &["secret"]);
    assert!(!old.open().bootstrap_due);
    // A rule that no longer fits gives nothing.
    old.open_as(role("owner == 1", &["secret"]));
    assert_eq!(old.keys("City"), Vec::<i64>::new());
}

/// Cities whose owner is the indexed queryable field.
#[test]
fn a_rule_that_has_come_to_mean_something_else_holds_at_once() {
    let of_city = |owner: &str| city(&[owner, "name string"]);
    let ledger = with_schema(&of_city("owner string"));
    let mut anna = Replica::with_cities(&ledger, 0);
    anna.write(vec![
        create("City", 1),
        set("City", 1, "owner", text("bert")),
    ]);
    let reading = Role {
        default: ClassRole::by_predicates("owner == \"bert\"", "FALSEPREDICATE"),
        classes: BTreeMap::new(),
    };
    let mut bert = Replica::new(&ledger, 0);
    bert.open_as(reading.clone());
    bert.query(EVERYTHING);
    bert.open();
    assert_eq!(bert.keys("City"), [1]);
    // The owner is another column now, which says of nobody's city that it is Bert's.
    breaking(&ledger, &of_city("owner mixed"), &[]);
    let mut later = Replica::with_cities(&ledger, 1);
    later.write(vec![set("City", 1, "name", text("secret"))]);
    assert!(bert.try_open(0).expect("it is let in").bootstrap_due);
    let told = bert.take_all();
    assert!(
        !told.contains(&set("City", 1, "name", text("secret"))),
        "{told:?}"
    );
    assert_eq!(bert.keys("City"), Vec::<i64>::new());
}

#[test]
fn a_class_that_has_come_to_be_another_is_held_back_at_once() {
    let ledger = with_schema(&city(&["name string"]));
    let mut anna = Replica::with_cities(&ledger, 0);
    anna.write(vec![create("City", 1)]);
    let mut bert = Replica::with_cities(&ledger, 0);
    bert.open();
    breaking(
        &ledger,
        &[class("Shop", "top", &["name string"])],
        &["City"],
    );
    anna.write(vec![set("City", 1, "name", text("secret"))]);
    assert!(bert.try_open(0).expect("it is let in").bootstrap_due);
    let told = bert.take_all();
    assert!(
        !told.contains(&set("City", 1, "name", text("secret"))),
        "{told:?}"
    );
    assert_eq!(bert.keys("City"), Vec::<i64>::new());
}

fn with_indexed_owner() -> TestLedger {
    let ledger = with_schema(&city(&["owner string", "name string", "size int"]));
    ledger.set_queryable_fields(QueryableFields {
        global: ["owner", "name", "size"].map(str::to_owned).into(),
        indexed: Some("owner".to_owned()),
        ..QueryableFields::default()
    });
    ledger
}

#[test]
fn the_indexed_field_is_asked_for() {
    let ledger = with_indexed_owner();
    let mut anna = Replica::new(&ledger, 0);
    anna.open();
    let refused = |anna: &mut Replica<'_>, query: &str| {
        anna.try_query(&format!(r#"{{"City":"{query}"}}"#))
            .is_some()
    };
    for bad in [
        "TRUEPREDICATE",
        "",
        "name == 'a'",
        "owner != 'a'",
        "owner >= 'a'",
        "owner ==[c] 'a'",
        "owner BEGINSWITH 'a'",
        "NOT owner == 'a'",
        "owner == 'a' OR name == 'b'",
        "name == 'b' AND (owner == 'a' OR size == 1)",
        "(owner == 'a') OR (TRUEPREDICATE)",
    ] {
        assert!(refused(&mut anna, bad), "{bad}");
    }
    let text_of = anna
        .try_query(r#"{"City":"name == 'a'"}"#)
        .unwrap_or_default();
    assert_eq!(
        text_of,
        "Invalid query: unsupported query for table \"City\": every query must compare the indexed queryable \
         field \"owner\" with a constant by == or IN, joined by AND"
    );
    for good in [
        "owner == 'a'",
        "'a' == owner",
        "owner IN {'a', 'b'}",
        "owner == 'a' AND (size == 1 OR size == 2)",
        "(owner == 'a' AND size > 1) OR (owner == 'b')",
        "owner == 'a' OR owner == 'b'",
    ] {
        assert!(!refused(&mut anna, good), "{good}");
    }
}

#[test]
fn the_indexed_field_is_kept() {
    let ledger = with_indexed_owner();
    let mut anna = Replica::new(&ledger, 0);
    anna.open();
    anna.query(r#"{"City":"owner IN {'', 'a', 'b'}"}"#);
    anna.write(vec![create("City", 1), set("City", 1, "owner", text("a"))]);
    // Set to what it is, with another field, or anew: all of that is no change.
    anna.write(vec![
        set("City", 1, "owner", text("a")),
        set("City", 1, "size", Value::Int(2)),
    ]);
    let changes = vec![
        set("City", 1, "owner", text("b")),
        set("City", 1, "size", Value::Int(3)),
    ];
    let base = anna.download.0;
    let sent = body(&[(20, base, 9000, changes)]);
    let upload = Upload {
        session: anna.peer.session,
        progress_client_version: 20,
        progress_server_version: base,
        locked_server_version: base,
        body: &sent,
    };
    let answers = ledger.integrate(&[upload], 0).expect("it works");
    let told = &answers[0].compensations;
    assert_eq!(told.len(), 1, "{answers:?}");
    assert!(told[0].rejected_updates[0].reason.ends_with("not allowed"));
    anna.take();
    assert_eq!(
        (anna.value(1, "owner"), anna.value(1, "size")),
        (Some(text("a")), int(2))
    );
}

#[test]
fn the_indexed_field_may_change_with_the_object() {
    let ledger = with_schema(&city(&["owner string"]));
    ledger.set_queryable_fields(QueryableFields {
        global: vec!["owner".to_owned()],
        indexed: Some("owner".to_owned()),
        ..QueryableFields::default()
    });
    let mut anna = Replica::new(&ledger, 0);
    anna.open();
    anna.query(r#"{"City":"owner IN {'', 'a', 'b'}"}"#);
    anna.write(vec![create("City", 1), set("City", 1, "owner", text("a"))]);
    anna.write(vec![
        erase("City", 1),
        create("City", 1),
        set("City", 1, "owner", text("b")),
    ]);
    assert_eq!(anna.value(1, "owner"), Some(text("b")));
}

#[test]
fn sessions_of_several_versions_are_found_by_what_each_means() {
    let ledger = with_schema(&city(&["kind int", "size int"]));
    let query = r#"{"City":"kind == 1 AND size == 0"}"#;
    let mut old = Replica::new(&ledger, 0);
    old.open();
    old.query(query);
    breaking(&ledger, &city(&["kind double", "size int?"]), &[]);
    let mut new = Replica::new(&ledger, 1);
    new.open();
    new.query(query);
    // The same text, and another field: who is told of a change must be asked by versions.
    let mut writer = Replica::with_cities(&ledger, 1);
    writer.write(vec![
        create("City", 1),
        set("City", 1, "size", Value::Int(0)),
        set("City", 1, "kind", Value::Double(1.0)),
    ]);
    old.take();
    new.take();
    assert_eq!((old.keys("City"), new.keys("City")), (vec![], vec![1]));
    let mut older = Replica::with_cities(&ledger, 0);
    older.write(vec![
        create("City", 2),
        set("City", 2, "kind", Value::Int(1)),
    ]);
    old.take();
    new.take();
    assert_eq!((old.keys("City"), new.keys("City")), (vec![2], vec![1]));
    // Null is the zero that one of them asks for.
    let before = old.download;
    writer.take();
    writer.write(vec![set("City", 2, "size", Value::Int(3))]);
    old.take();
    writer.write(vec![set("City", 2, "size", Value::Null)]);
    old.take();
    assert!(old.download > before);
    assert_eq!(old.keys("City"), [2]);
}
