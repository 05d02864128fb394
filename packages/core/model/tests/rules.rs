//! Rules of applying that the recorded vectors do not reach, one line each.

use serde_json::{Value as Json, json};
use tidemark_changeset::json::{instruction_from_json, value_to_json};
use tidemark_changeset::{Instruction, Name, PrimaryKey, Value};
use tidemark_model::memory::Database;
use tidemark_model::{Document, NESTING_MAX, Node, Problem, image};

fn instructions(forms: &[Json]) -> Vec<Instruction> {
    forms
        .iter()
        .map(|form| instruction_from_json(form).expect("well-formed"))
        .collect()
}

fn column(
    class: &str,
    field: &str,
    column_type: &str,
    collection: &str,
    target: Option<&str>,
) -> Json {
    let mut form = json!({ "op": "AddColumn", "table": class, "field": field, "type": column_type,
        "nullable": false, "collectionType": collection });
    if let Some(target) = target {
        form["target"] = json!(target);
    }
    if collection == "dictionary" {
        form["keyType"] = json!("string");
    }
    form
}

/// Classes `A` (integer keys, one object 1) and `B`, and the embedded class `E`.
fn database() -> Database {
    let top = json!({ "kind": "top", "pkField": "_id", "pkType": "int", "pkNullable": false });
    let setup = [
        json!({ "op": "AddTable", "table": "A", "spec": top }),
        json!({ "op": "AddTable", "table": "B", "spec": top }),
        json!({ "op": "AddTable", "table": "E", "spec": { "kind": "embedded" } }),
        column("A", "i", "int", "single", None),
        column("A", "m", "mixed", "single", None),
        column("A", "d", "int", "dictionary", None),
        column("A", "e", "link", "single", Some("E")),
        column("A", "le", "link", "list", Some("E")),
        column("A", "de", "link", "dictionary", Some("E")),
        column("A", "toB", "link", "single", Some("B")),
        column("E", "x", "int", "single", None),
        column("E", "y", "int", "single", None),
        column("E", "e", "link", "single", Some("E")),
        json!({ "op": "CreateObject", "table": "A", "pk": { "int": "1" } }),
    ];
    let mut database = Database::new();
    database
        .apply(&instructions(&setup))
        .expect("a legal setup");
    database
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "literals read better without a borrow"
)]
fn on(op: &str, field: &str, path: Json, rest: Json) -> Json {
    let mut form =
        json!({ "op": op, "table": "A", "pk": { "int": "1" }, "field": field, "path": path });
    for (name, value) in rest.as_object().expect("an object") {
        form[name.as_str()] = value.clone();
    }
    form
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "literals read better without a borrow"
)]
fn set(field: &str, path: Json, value: Json) -> Json {
    on(
        "Update",
        field,
        path,
        json!({ "value": value, "isDefault": false }),
    )
}

/// What the last of some instructions says, the others being legal.
fn problem_of(forms: &[Json]) -> Option<Problem> {
    let mut database = database();
    let instructions = instructions(forms);
    let (last, before) = instructions.split_last().expect("some instructions");
    database.apply(before).expect("legal up to the last");
    database
        .apply(std::slice::from_ref(last))
        .err()
        .map(|error| error.problem)
}

fn object(database: &Database) -> &Document {
    database
        .get(&"A".into(), &PrimaryKey::Int(1))
        .expect("the object is there")
}

fn field<'a>(database: &'a Database, name: &str) -> &'a Node {
    let class = database.schema.class(&"A".into()).expect("A is there");
    let index = class
        .column_index(&name.into())
        .expect("the field is there");
    object(database)
        .field(index)
        .expect("the document is filled")
}

#[test]
fn names_have_limits() {
    let spec = json!({ "kind": "embedded" });
    let table =
        |length: usize| json!({ "op": "AddTable", "table": "t".repeat(length), "spec": spec });
    assert_eq!(problem_of(&[table(57)]), None);
    assert_eq!(problem_of(&[table(58)]), Some(Problem::NameTooLong));
    let long = |length: usize| column("A", &"f".repeat(length), "int", "single", None);
    assert_eq!(problem_of(&[long(63)]), None);
    assert_eq!(problem_of(&[long(64)]), Some(Problem::NameTooLong));
}

#[test]
fn types_that_only_the_codec_knows_make_no_columns() {
    assert_eq!(
        problem_of(&[column("A", "f", "globalKey", "single", None)]),
        Some(Problem::ColumnType)
    );
    assert_eq!(
        problem_of(&[column("A", "f", "object", "list", None)]),
        Some(Problem::ColumnType)
    );
    let mut keyed = column("A", "f", "int", "dictionary", None);
    keyed["keyType"] = json!("int");
    assert_eq!(problem_of(&[keyed]), Some(Problem::ColumnType));
    let missing = Some(Problem::NoSuchClass("Nope".into()));
    assert_eq!(
        problem_of(&[column("A", "f", "link", "single", Some("Nope"))]),
        missing
    );
}

#[test]
fn the_primary_key_is_not_a_field() {
    assert_eq!(
        problem_of(&[set("_id", json!([]), json!({ "int": "2" }))]),
        Some(Problem::KeyField)
    );
    let erase = json!({ "op": "EraseColumn", "table": "A", "field": "_id" });
    assert_eq!(problem_of(&[erase]), Some(Problem::KeyField));
}

#[test]
fn dictionary_keys_have_rules_where_they_are_written() {
    let one = json!({ "int": "1" });
    assert_eq!(problem_of(&[set("d", json!(["a$"]), one.clone())]), None);
    assert_eq!(
        problem_of(&[set("d", json!(["$a"]), one.clone())]),
        Some(Problem::DictionaryKey)
    );
    assert_eq!(
        problem_of(&[set("d", json!(["a.b"]), one.clone())]),
        Some(Problem::DictionaryKey)
    );
    assert_eq!(
        problem_of(&[set("d", json!(["a.b"]), json!({ "marker": "erased" }))]),
        None
    );
    let nested = set("m", json!([]), json!({ "marker": "dictionary" }));
    assert_eq!(
        problem_of(&[nested, set("m", json!(["$"]), one)]),
        Some(Problem::DictionaryKey)
    );
}

#[test]
fn adding_wraps_around() {
    let mut database = database();
    let max = i64::MAX.to_string();
    let add = on("AddInteger", "i", json!([]), json!({ "delta": "2" }));
    let forms = [set("i", json!([]), json!({ "int": max })), add];
    database.apply(&instructions(&forms)).expect("legal");
    assert_eq!(
        *field(&database, "i"),
        Node::Value(Value::Int(i64::MIN + 1))
    );
}

#[test]
fn values_that_cannot_be_stored_are_refused() {
    let mut database = database();
    let long: std::sync::Arc<[u8]> = vec![0; 16_777_200].into();
    let mut update = instructions(&[set("m", json!([]), json!({ "null": true }))]);
    let Some(Instruction::Update { value, .. }) = update.first_mut() else {
        panic!("an update")
    };
    *value = Value::Binary(long).into();
    assert_eq!(
        database.apply(&update).map_err(|error| error.problem),
        Err(Problem::TooLong)
    );
}

#[test]
fn nesting_ends_somewhere() {
    let mut path: Vec<Json> = Vec::new();
    let mut deepen = |depth: usize| {
        let form = set("e", json!(path), json!({ "marker": "object" }));
        path.push(json!("e"));
        (depth, form)
    };
    let mut database = database();
    for (depth, form) in (0..=NESTING_MAX).map(&mut deepen) {
        let result = database
            .apply(&instructions(&[form]))
            .map_err(|error| error.problem);
        assert_eq!(
            result,
            if depth < NESTING_MAX {
                Ok(())
            } else {
                Err(Problem::TooDeep)
            },
            "{depth}"
        );
    }
    let row = object(&database).to_row();
    assert_eq!(Document::from_row(&row).as_ref(), Ok(object(&database)));
}

#[test]
fn erasing_a_column_of_an_embedded_class_reaches_every_object() {
    let mut database = database();
    let marker = json!({ "marker": "object" });
    let forms = [
        set("e", json!([]), marker.clone()),
        set("e", json!(["y"]), json!({ "int": "1" })),
        set("e", json!(["e"]), marker.clone()),
        set("e", json!(["e", "y"]), json!({ "int": "2" })),
        on(
            "ArrayInsert",
            "le",
            json!([0]),
            json!({ "value": marker, "priorSize": 0 }),
        ),
        set("le", json!([0, "y"]), json!({ "int": "3" })),
        set("de", json!(["k"]), marker.clone()),
        set("de", json!(["k", "y"]), json!({ "int": "4" })),
        json!({ "op": "EraseColumn", "table": "E", "field": "x" }),
        set("le", json!([0, "y"]), json!({ "int": "5" })),
    ];
    database.apply(&instructions(&forms)).expect("legal");
    let inner = Document {
        fields: vec![Node::Value(Value::Int(2)), Node::NULL],
    };
    let outer = Document {
        fields: vec![Node::Value(Value::Int(1)), Node::Object(inner)],
    };
    assert_eq!(*field(&database, "e"), Node::Object(outer));
    let element = Document {
        fields: vec![Node::Value(Value::Int(5)), Node::NULL],
    };
    assert_eq!(
        *field(&database, "le"),
        Node::List(vec![Node::Object(element)])
    );
}

#[test]
fn erasing_a_class_drops_its_objects_unless_it_is_a_target() {
    let erase = |class: &str| json!({ "op": "EraseTable", "table": class });
    assert_eq!(problem_of(&[erase("B")]), Some(Problem::ClassIsTarget));
    let mut database = database();
    database
        .apply(&instructions(&[erase("A"), erase("B"), erase("E")]))
        .expect("nothing links any more");
    assert_eq!(database, Database::new());
}

#[test]
fn older_documents_hold_the_defaults_of_newer_columns() {
    let mut database = database();
    let row = object(&database).to_row();
    database
        .apply(&instructions(&[column(
            "A", "new", "string", "single", None,
        )]))
        .expect("legal");
    let mut document = Document::from_row(&row).expect("whole");
    let class = database.schema.class(&Name::from("A")).expect("A is there");
    let index = class.column_index(&"new".into()).expect("just added");
    assert_eq!(document.field(index), None);
    document.fill(class);
    assert_eq!(document, Document::new(class));
}

#[test]
fn an_error_says_where() {
    let mut database = database();
    let error = database
        .apply(&instructions(&[set(
            "d",
            json!(["$"]),
            json!({ "int": "1" }),
        )]))
        .expect_err("illegal");
    assert_eq!(
        error.to_string(),
        "not a legal dictionary key (class A, object Int(1), field d)"
    );
}

#[test]
fn an_image_says_only_what_is_not_default() {
    let mut database = database();
    database
        .apply(&instructions(&[set("i", json!([]), json!({ "int": "7" }))]))
        .expect("legal");
    let class = database.schema.class(&"A".into()).expect("A is there");
    let image = image(
        &database.schema,
        class,
        &PrimaryKey::Int(1),
        object(&database),
    );
    let [
        Instruction::CreateObject { .. },
        Instruction::Update { value, .. },
    ] = image.as_slice()
    else {
        panic!("two instructions, not {image:?}");
    };
    assert_eq!(*value, Value::Int(7).into());
    assert_eq!(value_to_json(&Value::Int(7)), json!({ "int": "7" }));
}
