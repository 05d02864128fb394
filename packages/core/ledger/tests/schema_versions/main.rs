//! Several versions of one schema on the same data.

mod asking;
#[path = "../common/mod.rs"]
mod common;
mod peer;
mod run;
mod stage;
mod writer;

#[path = "../simulation/client.rs"]
#[allow(dead_code, reason = "a run needs a part of it")]
mod client;
#[path = "../simulation/dice.rs"]
#[allow(dead_code, reason = "a run needs a part of it")]
mod dice;
#[path = "../simulation/storage.rs"]
#[allow(dead_code, reason = "a test needs a part of it")]
mod storage;

use common::{add_column, add_table, create, insert, set, target, text};
use stage::{EVERYTHING, NULL, Replica, breaking, city, class, classes, int, with_schema};
use tidemark_changeset::{
    CollectionKind, ColumnType, Instruction, KeyType, Link, PathElement, Payload, PrimaryKey,
    UpdateKind, Value,
};
use tidemark_ledger::embedded::{DownloadLimits, Ledger};
use tidemark_ledger::error::{Action, Stop};

use crate::common::options;

#[test]
fn what_a_version_lacks_is_invisible_and_null_in_one_is_zero_in_another() {
    let ledger = with_schema(&city(&["name string", "size int?", "old string"]));
    let mut old = Replica::with_cities(&ledger, 0);
    old.write(vec![create("City", 1), set("City", 1, "old", text("kept"))]);
    let change = breaking(
        &ledger,
        &city(&["name string", "size int", "flag bool"]),
        &["City.old"],
    );
    assert!(change.is_breaking && change.changed);
    assert_eq!((change.version, ledger.schema_version()), (1, 1));
    assert_eq!(
        old.take(),
        [],
        "nothing is told to files of the first version"
    );

    let mut new = Replica::with_cities(&ledger, 1);
    assert!(!new.has_field("City", "old") && new.has_field("City", "flag"));
    assert!(!old.has_field("City", "flag") && old.has_field("City", "old"));
    assert_eq!((old.value(1, "size"), new.value(1, "size")), (NULL, int(0)));
    // The field that one of them lacks changes at the same time as the one that both have.
    old.write(vec![
        set("City", 1, "old", text("b")),
        set("City", 1, "size", Value::Int(4)),
    ]);
    assert_eq!(new.take(), [set("City", 1, "size", Value::Int(4))]);
    new.write(vec![
        set("City", 1, "flag", Value::Bool(true)),
        set("City", 1, "name", text("N")),
    ]);
    assert_eq!(old.take(), [set("City", 1, "name", text("N"))]);
    old.write(vec![set("City", 1, "size", Value::Null)]);
    assert_eq!(new.take(), [set("City", 1, "size", Value::Int(0))]);
    assert_eq!((old.value(1, "size"), new.value(1, "size")), (NULL, int(0)));
    // An object of the new version has the old field's default.
    new.write(vec![create("City", 2)]);
    old.take();
    assert_eq!(old.value(2, "old"), Some(text("")));
    assert_eq!((old.value(2, "size"), new.value(2, "size")), (NULL, int(0)));
}

#[test]
fn a_changed_type_is_another_field_of_the_same_name() {
    let ledger = with_schema(&city(&["kind int", "tags string[]"]));
    let mut old = Replica::with_cities(&ledger, 0);
    old.write(vec![add_column(
        "City",
        "tags",
        ColumnType::String,
        CollectionKind::List,
    )]);
    old.write(vec![
        create("City", 1),
        set("City", 1, "kind", Value::Int(7)),
        insert("City", 1, "tags", 0, text("a"), 0),
    ]);
    breaking(&ledger, &city(&["kind string", "tags int[]"]), &[]);
    let mut new = Replica::with_cities(&ledger, 1);
    new.write(vec![add_column(
        "City",
        "tags",
        ColumnType::Int,
        CollectionKind::List,
    )]);
    assert_eq!(new.value(1, "kind"), Some(text("")));
    new.write(vec![
        set("City", 1, "kind", text("big")),
        insert("City", 1, "tags", 0, Value::Int(1), 0),
    ]);
    assert_eq!(old.take(), []);
    assert_eq!(old.value(1, "kind"), int(7));
    old.write(vec![set("City", 1, "kind", Value::Int(8))]);
    assert_eq!(new.take(), []);
    let again = Replica::with_cities(&ledger, 1);
    assert_eq!(again.value(1, "kind"), Some(text("big")));
    assert_eq!(again.database.objects, new.database.objects);
    // Back to what it was: the values of then are there again.
    let change = breaking(&ledger, &city(&["kind int"]), &[]);
    assert_eq!((change.is_breaking, change.version), (true, 2));
    assert_eq!(Replica::with_cities(&ledger, 2).value(1, "kind"), int(8));
    assert!(
        ledger
            .schema_json()
            .contains(r#""name":"kind","nullable":false,"type":"int""#)
    );
    assert!(!ledger.schema_json().contains('\u{1}'));
}

#[test]
fn an_embedded_class_has_versions_too() {
    let part = |properties: &[&str]| class("Part", "embedded", properties);
    let of_city = class("City", "top", &["part ->Part", "any mixed", "next ->City"]);
    let ledger = with_schema(&[of_city.clone(), part(&["size int?", "color string"])]);
    let mut old = Replica::with_cities(&ledger, 0);
    let change = breaking(
        &ledger,
        &[of_city, part(&["size int", "weight int"])],
        &["Part.color"],
    );
    assert_eq!(change.version, 1);
    let mut new = Replica::with_cities(&ledger, 1);
    let in_part = |field: &str, value: Value| Instruction::Update {
        target: target("City", 1, "part", vec![PathElement::Key(field.into())]),
        value: Payload::Value(value),
        kind: UpdateKind::Property { is_default: false },
    };
    let make = Instruction::Update {
        target: target("City", 1, "part", Vec::new()),
        value: Payload::Object,
        kind: UpdateKind::Property { is_default: false },
    };
    old.write(vec![
        create("City", 1),
        make.clone(),
        in_part("color", text("red")),
        in_part("size", Value::Null),
    ]);
    assert_eq!(
        new.take(),
        [create("City", 1), make, in_part("size", Value::Int(0))]
    );
    new.write(vec![
        in_part("weight", Value::Int(3)),
        in_part("size", Value::Int(2)),
    ]);
    assert_eq!(old.take(), [in_part("size", Value::Int(2))]);
    let fresh = |version| {
        let mut database = Replica::with_cities(&ledger, version).database;
        database.fill();
        database.objects
    };
    old.database.fill();
    new.database.fill();
    assert_eq!(fresh(0), old.database.objects);
    assert_eq!(fresh(1), new.database.objects);
}

#[test]
fn links_lead_to_the_class_that_a_version_knows() {
    let of_city = |extra: &[&str]| {
        let properties = [&["any mixed", "shop ->Shop", "all mixed[]"], extra].concat();
        class("City", "top", &properties)
    };
    let shop = class("Shop", "top", &["name string"]);
    let ledger = with_schema(&[of_city(&[]), shop]);
    let mut old = Replica::new(&ledger, 0);
    old.open();
    old.query(r#"{"City":"TRUEPREDICATE","Shop":"TRUEPREDICATE"}"#);
    let nullable =
        |field: &str| match add_column("City", field, ColumnType::Mixed, CollectionKind::List) {
            Instruction::AddColumn {
                class,
                field,
                mut spec,
            } => {
                spec.nullable = true;
                Instruction::AddColumn { class, field, spec }
            }
            other => other,
        };
    old.write(vec![nullable("all")]);
    // The class is embedded from now on, so that nothing can link to it any more.
    let part = class("Shop", "embedded", &["name string"]);
    breaking(
        &ledger,
        &[of_city(&["in_shop ->Shop"]), part],
        &["City.shop"],
    );
    let mut new = Replica::with_cities(&ledger, 1);
    let link = |class: &str, key| {
        let key = PrimaryKey::Int(key);
        Value::Link(Box::new(Link {
            class: class.into(),
            key,
        }))
    };
    old.write(vec![
        create("Shop", 5),
        create("City", 1),
        set("City", 1, "any", link("Shop", 5)),
        set("City", 1, "shop", link("Shop", 5)),
        insert("City", 1, "all", 0, link("Shop", 5), 0),
        insert("City", 1, "all", 1, link("City", 1), 1),
    ]);
    let expected = [
        create("City", 1),
        set("City", 1, "any", Value::Null),
        insert("City", 1, "all", 0, Value::Null, 0),
        insert("City", 1, "all", 1, link("City", 1), 1),
    ];
    assert_eq!(new.take(), expected);
    let to_hidden = vec![set("City", 1, "any", link("Nothing", 5))];
    assert_eq!(new.send(to_hidden), Some(212));
}

#[test]
fn a_file_keeps_the_version_that_it_came_with() {
    let ledger = with_schema(&city(&["size int"]));
    let mut old = Replica::with_cities(&ledger, 0);
    breaking(&ledger, &city(&["size string"]), &[]);
    let refused = |stop: Result<_, Stop>| match stop {
        Err(Stop::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    let refusal = refused(old.try_open(3));
    let expected = "Client provided invalid schema version: client presented schema version \"3\" is greater \
                    than latest schema version \"1\"";
    assert_eq!(
        (refusal.code, refusal.action),
        (235, Action::ApplicationBug)
    );
    assert_eq!(refusal.message, expected);
    // Opened with another version: told so each time, and nothing else changes.
    for _ in 0..2 {
        let identified = old.try_open(1).expect("it is let in");
        assert_eq!(identified.previous_schema_version, Some(0));
        assert!(!identified.bootstrap_due);
        old.take();
        old.write(vec![
            create("City", 1),
            set("City", 1, "size", Value::Int(4)),
        ]);
    }
    assert_eq!(old.open().previous_schema_version, None);
    let mut new = Replica::new(&ledger, 1);
    assert_eq!(new.open().previous_schema_version, None);
    new.query(EVERYTHING);
    assert_eq!(new.value(1, "size"), Some(text("")));
    assert_eq!(
        new.try_open(0)
            .expect("it is let in")
            .previous_schema_version,
        Some(1)
    );
}

#[test]
fn a_client_writes_in_the_names_of_its_version() {
    let ledger = with_schema(&city(&["size int?", "old string"]));
    let mut old = Replica::with_cities(&ledger, 0);
    breaking(&ledger, &city(&["size int", "new string"]), &["City.old"]);
    let shops = class("Shop", "top", &["name string"]);
    let change = ledger.set_schema(&classes(&[shops])).expect("it works");
    assert_eq!(
        (change.changed, change.is_breaking, change.version),
        (true, false, 1)
    );
    let mut new = Replica::with_cities(&ledger, 1);
    assert!(new.has_field("Shop", "name"));
    assert_eq!(old.take(), []);
    new.write(vec![create("City", 1)]);
    old.take();
    assert_eq!(old.send(vec![set("City", 1, "new", text("x"))]), Some(212));
    old.open();
    assert_eq!(old.send(vec![create("Shop", 1)]), Some(212));
    old.open();
    for bad in [
        set("City", 1, "old", text("x")),
        set("City", 1, "size", Value::Null),
        set("City", 1, "size\u{1}2", Value::Int(1)),
    ] {
        assert_eq!(new.send(vec![bad]), Some(212));
        new.open();
    }
    old.write(vec![
        set("City", 1, "old", text("x")),
        set("City", 1, "size", Value::Null),
    ]);
    // What contradicts the version is refused, what it has is not.
    let string =
        |field: &str| add_column("City", field, ColumnType::String, CollectionKind::Single);
    assert_eq!(old.send(vec![string("size")]), Some(225));
    old.open();
    let table = add_table("City", KeyType::Int);
    old.write(vec![table.clone(), string("old")]);
    new.write(vec![table, string("new")]);
    assert_eq!(new.send(vec![string("old")]), Some(225));
}

#[test]
fn additions_of_clients_go_to_the_newest_version() {
    let ledger = with_schema(&city(&["old string"]));
    let mut old = Replica::with_cities(&ledger, 0);
    old.write(vec![create("City", 1), set("City", 1, "old", text("x"))]);
    breaking(&ledger, &city(&[]), &["City.old"]);
    ledger.set_development_mode(true);
    let mut new = Replica::with_cities(&ledger, 1);
    let mut other = Replica::with_cities(&ledger, 1);
    let string =
        |field: &str| add_column("City", field, ColumnType::String, CollectionKind::Single);
    // The name is free again; what it stood for is not taken up under the feet of who has none of it.
    new.write(vec![string("old"), set("City", 1, "old", text("y"))]);
    assert_eq!(
        other.take(),
        [string("old"), set("City", 1, "old", text("y"))]
    );
    assert_eq!(old.take(), []);
    assert_eq!(old.value(1, "old"), Some(text("x")));
    new.write(vec![add_table("Shop", KeyType::Int), create("Shop", 1)]);
    let base = old.download.0;
    let (code, message) = old
        .send_made(base, 9, vec![string("more")])
        .expect("it is refused");
    assert_eq!(code, 225);
    assert!(message.ends_with(
        "adding \"String\" column at field \"more\" in schema \"City\", schema version 0 can no longer be \
         changed, the newest one is 1"
    ), "{message}");
}

#[test]
fn several_changes_make_one_version_and_without_leave_none() {
    let ledger = with_schema(&city(&["size int", "kind int", "old string"]));
    let wanted = city(&["size string", "kind int?"]);
    let change = ledger.set_schema(&classes(&wanted)).expect("it works");
    let expected = [
        "class \"City\", property \"size\": expected String, found Int",
        "class \"City\", property \"kind\": expected optional Int, found Int",
    ];
    assert_eq!(change.conflicts, expected);
    assert_eq!((change.changed, ledger.schema_version()), (false, 0));
    assert_eq!(breaking(&ledger, &wanted, &["City.old"]).version, 1);
    let again = breaking(&ledger, &wanted, &["City.old"]);
    assert_eq!((again.changed, again.version), (false, 1));
    assert!(
        ledger
            .schema_json()
            .contains(r#""name":"kind","nullable":true"#)
    );
    // Removing alone breaks as well.
    let change = breaking(&ledger, &city(&[]), &["City.size"]);
    assert_eq!((change.is_breaking, change.version), (true, 2));
    // A class whose keys are of another type is another class.
    let keys = class("City", "top", &["kind int?"]).replace(
        r#""type":"int","nullable":false},"col"#,
        r#""type":"string","nullable":false},"col"#,
    );
    assert_eq!(breaking(&ledger, &[keys], &[]).version, 3);
    let mut strings = Replica::with_cities(&ledger, 3);
    let key = PrimaryKey::String("a".into());
    strings.write(vec![Instruction::CreateObject {
        class: "City".into(),
        key,
    }]);
    let ints = Replica::with_cities(&ledger, 2);
    assert_eq!(ints.keys("City"), Vec::<i64>::new());
    assert_eq!(ledger.status().objects, [("City".to_owned(), 1)]);
}

#[test]
fn versions_are_stored_and_can_start_over() {
    let disk = storage::Disk::new();
    {
        let ledger = Ledger::open(disk.clone(), options(common::SALT)).expect("it opens");
        ledger
            .set_schema(&classes(&city(&["size int"])))
            .expect("it works");
        breaking(&ledger, &city(&["size string", "tags string[]"]), &[]);
        breaking(&ledger, &[class("City", "embedded", &[])], &[]);
    }
    let ledger = Ledger::open(disk, options(common::SALT)).expect("it opens");
    assert_eq!(ledger.schema_version(), 2);
    let mut middle = Replica::with_cities(&ledger, 1);
    middle.write(vec![create("City", 1), set("City", 1, "size", text("x"))]);
    let policy = tidemark_ledger::embedded::SchemaPolicy {
        start_over: true,
        ..Default::default()
    };
    let newest = [class("City", "embedded", &[])];
    let change = ledger
        .set_schema_as(&classes(&newest), &policy)
        .expect("it works");
    assert_eq!(
        (change.changed, change.is_breaking, change.version),
        (true, false, 0)
    );
    assert_eq!(ledger.schema_version(), 0);
    assert!(ledger.schema_json().contains(r#""kind":"embedded""#));
    // An app that had versions elsewhere goes on counting.
    let policy = tidemark_ledger::embedded::SchemaPolicy {
        version_min: 4,
        ..Default::default()
    };
    for changed in [true, false] {
        let change = ledger
            .set_schema_as(&classes(&newest), &policy)
            .expect("it works");
        assert_eq!((change.changed, change.version), (changed, 4));
    }
    for version in [0, 3, 4] {
        assert_eq!(
            Replica::new(&ledger, version)
                .open()
                .previous_schema_version,
            None
        );
    }
}

#[test]
fn files_start_over_with_the_versions_by_one_commit() {
    let disk = storage::Disk::new();
    let ledger = Ledger::open(disk.clone(), options(common::SALT)).expect("it opens");
    let first = city(&["size int"]);
    let second = city(&["size string"]);
    ledger.set_schema(&classes(&first)).expect("it works");
    let mut old = Replica::with_cities(&ledger, 0);
    breaking(&ledger, &second, &[]);
    let start_over = |ledger: &Ledger<storage::Disk>, all: &[String]| {
        let policy = tidemark_ledger::embedded::SchemaPolicy {
            start_over: true,
            allow_breaking: true,
            ..Default::default()
        };
        ledger.set_schema_as(&classes(all), &policy)
    };
    disk.die_in_next_commit();
    start_over(&ledger, &second).expect_err("it dies");
    disk.revive();
    let ledger = Ledger::open(disk.clone(), options(common::SALT)).expect("it opens");
    assert_eq!(ledger.schema_version(), 1);
    old = old.of(&ledger);
    assert_eq!(old.open().previous_schema_version, None);
    let change = start_over(&ledger, &second).expect("it works");
    assert_eq!((change.changed, change.version), (true, 0));
    // Its version 0 is another one than that of today: it is not to go on, and not to come back.
    assert!(
        ledger
            .next_download(old.peer.session, DownloadLimits::of(1))
            .is_err()
    );
    let pending = old
        .peer
        .upload((9, 0), 0, &[(9, 0, 1, vec![create("City", 1)])]);
    let refused = pending.refusal.map(|refusal| refusal.action);
    assert_eq!(refused, Some(Action::Transient));
    let ledger = Ledger::open(disk, options(common::SALT)).expect("it opens");
    let Err(Stop::Refused(refusal)) = old.of(&ledger).try_open(0) else {
        panic!("let in")
    };
    assert_eq!((refusal.code, refusal.action), (208, Action::ClientReset));
    // Nobody starts over where the versions do not …
    let mut new = Replica::with_cities(&ledger, 0);
    assert!(!start_over(&ledger, &second).expect("it works").changed);
    new.write(vec![create("City", 1), set("City", 1, "size", text("x"))]);
    new.open();
    // … and everybody where a new version takes the number of the old one.
    let change = start_over(&ledger, &first).expect("it works");
    assert_eq!((change.is_breaking, change.version), (true, 0));
    assert!(new.try_open(0).is_err());
}

fn sum(key: i64, delta: i64) -> Instruction {
    Instruction::AddInteger {
        target: target("City", key, "size", Vec::new()),
        delta,
    }
}

#[test]
fn null_plus_something_comes_to_the_same_for_everybody() {
    let ledger = with_schema(&city(&["size int"]));
    let mut zero = Replica::with_cities(&ledger, 0);
    let mut other_zero = Replica::with_cities(&ledger, 0);
    breaking(&ledger, &city(&["size int?"]), &[]);
    let mut null = Replica::with_cities(&ledger, 1);
    null.write(vec![create("City", 1)]);
    zero.take();
    other_zero.take();
    assert_eq!(
        (zero.value(1, "size"), null.value(1, "size")),
        (int(0), NULL)
    );
    zero.write(vec![sum(1, 5)]);
    assert_eq!(null.take(), [set("City", 1, "size", Value::Int(5))]);
    other_zero.take();
    assert_eq!(other_zero.value(1, "size"), int(5));
    null.write(vec![set("City", 1, "size", Value::Null)]);
    // For who sees null, null plus something is null.
    null.write(vec![sum(1, 7)]);
    zero.take();
    assert_eq!(
        (zero.value(1, "size"), null.value(1, "size")),
        (int(0), NULL)
    );
    // What one adds to what another takes away is given to it afresh.
    other_zero.take();
    let base = zero.download.0;
    other_zero.write(vec![set("City", 1, "size", Value::Int(3))]);
    null.take();
    null.write(vec![set("City", 1, "size", Value::Null)]);
    assert_eq!(zero.send_made(base, 5000, vec![sum(1, 2)]), None);
    let held = zero.value(1, "size");
    other_zero.take();
    null.take();
    assert_eq!(held, other_zero.value(1, "size"));
    let fresh = |version| Replica::with_cities(&ledger, version).value(1, "size");
    assert_eq!((fresh(0), fresh(1)), (held, null.value(1, "size")));
}

#[test]
fn a_sum_with_null_stands_in_the_way_of_nothing() {
    let ledger = with_schema(&city(&["size int", "name string"]));
    breaking(&ledger, &city(&["size int?", "name string"]), &[]);
    let mut null = Replica::with_cities(&ledger, 1);
    null.write(vec![create("City", 1)]);
    let base = null.download.0;
    // The sums come to nothing, and both are looked at by what is made on top of them.
    let made = [
        (10, base, 2000, vec![sum(1, 7)]),
        (11, base, 2001, vec![sum(1, 8)]),
    ];
    null.peer.send((11, base), base, &made);
    // … in an UPLOAD of its own as well.
    let made = [(12, base, 2002, vec![set("City", 1, "name", text("N"))])];
    null.peer.send((12, base), base, &made);
    null.take();
    let fresh = Replica::with_cities(&ledger, 1);
    assert_eq!(fresh.value(1, "size"), NULL);
    assert_eq!(fresh.value(1, "name"), Some(text("N")));
}
