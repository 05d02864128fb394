//! What each change does and refuses.

use tidemark_changeset::{CollectionKind, ColumnType, KeyType, Payload, PrimaryKey, Text, Value};
use tidemark_model::{Document, Node};
use tidemark_store::boundary::{migrate_schema, update_schema};
use tidemark_store::{Database, DatabaseOptions, StoreError, WriteTransaction};

use crate::scene::*;

fn int(value: i64) -> Payload {
    Payload::Value(Value::Int(value))
}

fn text(value: &str) -> Payload {
    Payload::Value(Value::String(Text::from(value)))
}

/// Objects of class `Dog`, with the keys 0 and up, named a, b and so on; `Owner` 0 links to all.
fn dogs(count: i64) -> (Database<Memory>, WriteTransaction<Memory>) {
    let database = open();
    let mut write = database.begin_write().unwrap();
    for instruction in [
        add_table("Dog", Some(("_id", KeyType::Int))),
        add_table("Owner", Some(("_id", KeyType::Int))),
        add_column("Dog", &single("name", ColumnType::String)),
        add_column("Owner", &link("dogs", "Dog", CollectionKind::List)),
        add_column("Owner", &link("best", "Dog", CollectionKind::Single)),
    ] {
        write.change_schema(&instruction).unwrap();
    }
    let owner = PrimaryKey::Int(0);
    write.apply(&create("Owner", owner.clone())).unwrap();
    for number in 0..count {
        let key = PrimaryKey::Int(number);
        write.apply(&create("Dog", key.clone())).unwrap();
        let name = char::from(b'a' + u8::try_from(number % 26).unwrap()).to_string();
        write.apply(&set("Dog", &key, "name", text(&name))).unwrap();
        let index = u32::try_from(number).unwrap();
        let path = [tidemark_changeset::PathElement::Index(index)];
        let insert = tidemark_changeset::Instruction::ArrayInsert {
            target: target("Owner", &owner, &"dogs".into(), &path),
            value: Payload::Value(to("Dog", &key)),
            prior_size: index,
        };
        write.apply(&insert).unwrap();
    }
    (database, write)
}

fn field(write: &mut WriteTransaction<Memory>, class: &str, key: &PrimaryKey, name: &str) -> Node {
    let model = export(write);
    let column = model.schema.classes[&class.into()].column_index(&name.into());
    model.get(&class.into(), key).unwrap().fields[column.unwrap()].clone()
}

#[test]
fn more_rows_than_a_slice_has() {
    let (database, mut write) = dogs(1_200);
    let name = from("name", optional(single("name", ColumnType::String)));
    let age = fresh(single("age", ColumnType::Int));
    write.reshape(&"Dog".into(), &[age, name]).unwrap();
    write.release_key(&"Dog".into()).unwrap();
    write.make_key(&"Dog".into(), &"_id".into()).unwrap();
    database.commit(write, 1).unwrap();
    let model = database.read().unwrap().view().export().unwrap();
    let dogs = &model.objects[&"Dog".into()];
    assert_eq!(dogs.len(), 1_200);
    let last = &dogs[&PrimaryKey::Int(1_199)];
    let name = Node::Value(Value::String(Text::from("d")));
    assert_eq!(last.fields, [Node::Value(Value::Int(0)), name]);
    let owner = model.get(&"Owner".into(), &PrimaryKey::Int(0)).unwrap();
    let links: Vec<Node> = (0..1_200)
        .map(|key| Node::Value(to("Dog", &PrimaryKey::Int(key))))
        .collect();
    assert_eq!(owner.fields[0], Node::List(links));
}

#[test]
fn equal_values_are_no_primary_key() {
    let (_database, mut write) = dogs(3);
    write.release_key(&"Dog".into()).unwrap();
    let key = PrimaryKey::GlobalKey(0, 2);
    write.apply(&set("Dog", &key, "name", text("a"))).unwrap();
    let refused = write.make_key(&"Dog".into(), &"name".into()).unwrap_err();
    assert_eq!(refused.code(), "duplicate-keys");
    assert_eq!(
        refused.to_string(),
        "Primary key property 'Dog.name' has duplicate values after migration."
    );
}

#[test]
fn a_class_goes_with_all_links_to_it() {
    let (database, mut write) = dogs(3);
    write
        .change_schema(&add_column("Owner", &single("any", ColumnType::Mixed)))
        .unwrap();
    let owner = PrimaryKey::Int(0);
    let any = Payload::Value(to("Dog", &PrimaryKey::Int(1)));
    write.apply(&set("Owner", &owner, "any", any)).unwrap();
    let refused = write.remove_class(&"Dog".into()).unwrap_err();
    assert!(
        matches!(refused, StoreError::SchemaMismatch(_)),
        "{refused}"
    );
    let any = from("any", single("any", ColumnType::Mixed));
    write.reshape(&"Owner".into(), &[any]).unwrap();
    write.remove_class(&"Dog".into()).unwrap();
    assert_eq!(field(&mut write, "Owner", &owner, "any"), Node::NULL);
    database.commit(write, 1).unwrap();
    assert_eq!(entries(&database, 3), 0);
    assert_eq!(entries(&database, 1), 1);
    // The name is free for another class, which has nothing of the old one.
    let mut write = database.begin_write().unwrap();
    write.change_schema(&add_table("Dog", None)).unwrap();
    assert!(!export(&mut write).objects.contains_key(&"Dog".into()));
}

#[test]
fn the_version_is_kept_and_undone_with_the_write() {
    let database = open();
    let version = |database: &Database<Memory>| {
        let snapshot = database.read().unwrap();
        snapshot.view().declared_version().unwrap()
    };
    assert_eq!(version(&database), None);
    let mut write = database.begin_write().unwrap();
    write.set_declared_version(u64::MAX);
    assert_eq!(
        write.view().unwrap().declared_version().unwrap(),
        Some(u64::MAX)
    );
    drop(write);
    assert_eq!(version(&database), None);
    let mut write = database.begin_write().unwrap();
    write.set_declared_version(7);
    database.commit(write, 1).unwrap();
    assert_eq!(version(&database), Some(7));
}

/// Only this device is concerned: there is nothing to send.
#[test]
fn the_version_of_a_synchronised_file_is_not_uploaded() {
    let storage = std::sync::Arc::new(tidemark_storage::OrderedStorage::new());
    let database = Database::open(storage, DatabaseOptions::default()).unwrap();
    let mut write = database.begin_write().unwrap();
    let table = add_table("Dog", Some(("_id", KeyType::Int)));
    write.change_schema(&table).unwrap();
    database.commit(write, 1).unwrap();
    let upload = || database.next_upload(0, 0, u64::MAX, u64::MAX).unwrap();
    let uploadable = || database.sync_state().unwrap().newest_uploadable_version;
    let before = (upload().body, uploadable(), database.version());
    let mut write = database.begin_write().unwrap();
    write.set_declared_version(7);
    database.commit(write, 2).unwrap();
    assert_eq!((upload().body, uploadable()), (before.0, before.1));
    assert_eq!(database.version(), before.2 + 1);
}

#[test]
fn a_synchronised_file_is_only_added_to() {
    let storage = std::sync::Arc::new(tidemark_storage::OrderedStorage::new());
    let database = Database::open(storage, DatabaseOptions::default()).unwrap();
    let mut write = database.begin_write().unwrap();
    let table = add_table("Dog", Some(("_id", KeyType::Int)));
    write.change_schema(&table).unwrap();
    for refused in [
        write.reshape(&"Dog".into(), &[]),
        write.release_key(&"Dog".into()),
        write.remove_class(&"Dog".into()),
        write.embed(&"Dog".into(), true),
        write.promote(&"Dog".into()),
    ] {
        assert_eq!(refused.unwrap_err().code(), "schema-mismatch");
    }
}

#[test]
fn objects_move_into_what_links_to_them() {
    let (database, mut write) = dogs(2);
    write.release_key(&"Dog".into()).unwrap();
    write.embed(&"Dog".into(), false).unwrap();
    database.commit(write, 1).unwrap();
    let model = database.read().unwrap().view().export().unwrap();
    let owner = model.get(&"Owner".into(), &PrimaryKey::Int(0)).unwrap();
    let dog = |name: &str, key: i64| {
        Node::Object(Document {
            fields: vec![
                Node::Value(Value::String(Text::from(name))),
                Node::Value(Value::Int(key)),
            ],
        })
    };
    assert_eq!(owner.fields[0], Node::List(vec![dog("a", 0), dog("b", 1)]));
    assert!(!model.objects.contains_key(&"Dog".into()));
    assert_eq!([2, 3, 4].map(|table| entries(&database, table)), [1, 0, 0]);
    // They are embedded objects like any other.
    let mut write = database.begin_write().unwrap();
    let name = from("name", single("name", ColumnType::String));
    write.reshape(&"Dog".into(), &[name]).unwrap();
    let Node::List(dogs) = field(&mut write, "Owner", &PrimaryKey::Int(0), "dogs") else {
        panic!("a list");
    };
    assert_eq!(dogs.len(), 2);
}

/// Back again: whatever they are in, each is an object of its own afterwards, and what it links to knows.
#[test]
fn embedded_objects_become_objects_of_their_own() {
    let (database, mut write) = dogs(2);
    write.release_key(&"Dog".into()).unwrap();
    let toy = link("toy", "Toy", CollectionKind::Single);
    let seller = link("seller", "Owner", CollectionKind::Single);
    let parts = link("parts", "Toy", CollectionKind::Dictionary);
    for instruction in [
        add_embedded("Toy"),
        add_column("Toy", &seller),
        add_column("Toy", &parts),
        add_column("Dog", &toy),
    ] {
        write.change_schema(&instruction).unwrap();
    }
    let (owner, dog) = (PrimaryKey::Int(0), PrimaryKey::GlobalKey(0, 1));
    let toy_field = |path: &[tidemark_changeset::PathElement], value: Payload| {
        tidemark_changeset::Instruction::Update {
            target: target("Dog", &dog, &"toy".into(), path),
            kind: tidemark_changeset::UpdateKind::Property { is_default: false },
            value,
        }
    };
    let in_parts = ["parts".into(), "wheel".into()].map(tidemark_changeset::PathElement::Key);
    let in_seller =
        ["parts".into(), "wheel".into(), "seller".into()].map(tidemark_changeset::PathElement::Key);
    write.apply(&toy_field(&[], Payload::Object)).unwrap();
    write.apply(&toy_field(&in_parts, Payload::Object)).unwrap();
    let to_owner = Payload::Value(to("Owner", &owner));
    write.apply(&toy_field(&in_seller, to_owner)).unwrap();
    write.embed(&"Dog".into(), false).unwrap();
    database.commit(write, 1).unwrap();

    let mut write = database.begin_write().unwrap();
    write.promote(&"Dog".into()).unwrap();
    let Node::List(links) = field(&mut write, "Owner", &owner, "dogs") else {
        panic!("a list");
    };
    let keys = links.iter().filter_map(|it| match it {
        Node::Value(Value::Link(link)) => Some(link.key.clone()),
        _ => None,
    });
    let keys: Vec<_> = keys.collect();
    let names = keys.iter().map(|key| field(&mut write, "Dog", key, "name"));
    let wanted = ["a", "b"].map(|name| Node::Value(Value::String(Text::from(name))));
    assert_eq!(names.collect::<Vec<_>>(), wanted);
    assert!(matches!(
        field(&mut write, "Dog", &keys[1], "toy"),
        Node::Object(_)
    ));

    // Those that are in objects of their own kind, inside other embedded ones.
    write.promote(&"Toy".into()).unwrap();
    database.commit(write, 2).unwrap();
    let model = database.read().unwrap().view().export().unwrap();
    let count = |class: &str| model.objects[&class.into()].len();
    assert_eq!([count("Dog"), count("Toy"), count("Owner")], [2, 2, 1]);
    // Of each dog, of each toy, of the seller.
    assert_eq!(entries(&database, 3), 5);
    let mut write = database.begin_write().unwrap();
    let refused = write.promote(&"Toy".into()).unwrap_err();
    assert_eq!(refused.to_string(), "Class 'Toy' is not embedded.");
}

#[test]
fn what_cannot_move_is_said() {
    let embedded = |change: &dyn Fn(&mut WriteTransaction<Memory>), resolves: bool| {
        let (_database, mut write) = dogs(2);
        write.release_key(&"Dog".into()).unwrap();
        change(&mut write);
        let done = write.embed(&"Dog".into(), resolves);
        done.map(|()| export(&mut write))
            .map_err(|error| error.to_string())
    };
    let owner = PrimaryKey::Int(0);
    let twice = |write: &mut WriteTransaction<Memory>| {
        let best = Payload::Value(to("Dog", &PrimaryKey::GlobalKey(0, 1)));
        write.apply(&set("Owner", &owner, "best", best)).unwrap();
    };
    assert_eq!(
        embedded(&twice, false).unwrap_err(),
        "Cannot convert 'Dog' to embedded: at least one object has more than one incoming link."
    );
    let model = embedded(&twice, true).unwrap();
    let document = model.get(&"Owner".into(), &owner).unwrap();
    let Node::List(list) = &document.fields[0] else {
        panic!("a list")
    };
    assert_eq!(list[1], document.fields[1]);

    let never = |write: &mut WriteTransaction<Memory>| {
        let key = PrimaryKey::GlobalKey(0, 2);
        write.apply(&create("Dog", key)).unwrap();
    };
    assert_eq!(
        embedded(&never, false).unwrap_err(),
        "Cannot convert 'Dog' to embedded: at least one object has no incoming links and would be deleted."
    );
    assert!(embedded(&never, true).is_ok());

    let circle = |write: &mut WriteTransaction<Memory>| {
        let friend = link("friend", "Dog", CollectionKind::Single);
        write.change_schema(&add_column("Dog", &friend)).unwrap();
        let [first, second] = [0, 1].map(|number| PrimaryKey::GlobalKey(0, number));
        for (from, other) in [(&first, &second), (&second, &first)] {
            let friend = Payload::Value(to("Dog", other));
            write.apply(&set("Dog", from, "friend", friend)).unwrap();
        }
    };
    assert_eq!(
        embedded(&circle, true).unwrap_err(),
        "Cannot convert 'Dog' to embedded: an object would hold itself."
    );
}

#[test]
fn the_boundary_takes_operations_as_json() {
    let (database, mut write) = dogs(2);
    write
        .apply(&set("Dog", &PrimaryKey::Int(1), "name", text("b")))
        .unwrap();
    let operations = r#"[
        {"operation":"reshape","class":"Owner","columns":[]},
        {"operation":"releaseKey","class":"Dog"},
        {"operation":"reshape","class":"Dog","columns":[
          {"name":"title","type":"string","nullable":true,"from":"name"},
          {"name":"age","type":"int"}]},
        {"operation":"makeKey","class":"Dog","name":"title"},
        {"operation":"removeClass","class":"Owner"}]"#;
    migrate_schema(&mut write, operations).unwrap();
    let key = PrimaryKey::String("b".into());
    assert_eq!(
        field(&mut write, "Dog", &key, "age"),
        Node::Value(Value::Int(0))
    );
    let classes = r#"[{"name":"Dog","kind":"top",
        "primaryKey":{"name":"title","type":"string","nullable":true},
        "columns":[{"name":"age","type":"int","indexed":true}]}]"#;
    update_schema(&mut write, classes).unwrap();
    let age = set("Dog", &key, "age", int(3));
    write.apply(&age).unwrap();
    database.commit(write, 1).unwrap();
    let mut write = database.begin_write().unwrap();
    for malformed in [
        "",
        "{}",
        r#"[{"class":"Dog"}]"#,
        r#"[{"operation":"reshape","class":"Dog"}]"#,
    ] {
        let refused = migrate_schema(&mut write, malformed).unwrap_err();
        assert_eq!(refused.code(), "malformed-argument", "{malformed}");
    }
}
