use tidemark_changeset::{
    ColumnSpec, ColumnType, KeyType, Payload, PrimaryKey, TableSpec, UpdateKind,
};

use super::*;

fn parse(text: &str) -> FieldAccess {
    FieldAccess::parse(text).expect("an access")
}

/// `Person { name, home: Address, homes: [Address], byName: {Address}, note: mixed }`,
/// `Address { city, floor: Floor }`, `Floor { number }`.
fn schema() -> Schema {
    use CollectionKind::{Dictionary, List, Single};
    use ColumnType::{Link, Mixed, String};
    let mut schema = Schema::default();
    let mut apply = |instruction| schema.apply(&instruction).expect("it fits");
    let table = |class: &str, spec| Instruction::AddTable {
        class: class.into(),
        spec,
    };
    apply(table(
        "Person",
        TableSpec::TopLevel {
            key_field: "_id".into(),
            key_type: KeyType::Int,
            key_nullable: false,
            asymmetric: false,
        },
    ));
    apply(table("Address", TableSpec::Embedded));
    apply(table("Floor", TableSpec::Embedded));
    let mut column = |class: &str, field: &str, of, kind, target: Option<&str>| {
        apply(Instruction::AddColumn {
            class: class.into(),
            field: field.into(),
            spec: ColumnSpec::new(
                of,
                kind != CollectionKind::List,
                kind,
                target.map(Name::from),
            ),
        });
    };
    column("Person", "name", String, Single, None);
    column("Person", "home", Link, Single, Some("Address"));
    column("Person", "homes", Link, List, Some("Address"));
    column("Person", "byName", Link, Dictionary, Some("Address"));
    column("Person", "note", Mixed, Single, None);
    column("Address", "city", String, Single, None);
    column("Address", "floor", Link, Single, Some("Floor"));
    column("Floor", "number", String, Single, None);
    schema
}

fn target(field: &str, path: &[&str]) -> Target {
    let element = |text: &&str| {
        text.parse()
            .map_or_else(|_| PathElement::Key((*text).into()), PathElement::Index)
    };
    Target {
        class: "Person".into(),
        key: PrimaryKey::Int(1),
        field: field.into(),
        path: path.iter().map(element).collect(),
    }
}

#[test]
fn texts_come_back_and_say_the_same_of_the_same() {
    for text in [
        "[true,[]]",
        "[false,[]]",
        r#"[false,[["a",[true,[]]],["b",[true,[["c",[false,[]]]]]]]]"#,
    ] {
        assert_eq!(parse(text).text(), text);
    }
    let spelt =
        parse(r#"[true,[["b",[false,[["x",[false,[]]]]]],["a",[true,[["y",[true,[]]]]]]]]"#);
    assert_eq!(spelt.text(), r#"[true,[["b",[false,[]]]]]"#);
    assert!(parse(r#"[true,[["a",[true,[]]]]]"#).is_all());
    assert!(parse(r#"[false,[["a",[false,[]]]]]"#).is_none());
}

#[test]
fn texts_of_another_form_are_refused() {
    let deep = |depth: usize| {
        let open = r#"[false,[["a","#.repeat(depth);
        format!("{open}[true,[]]{}", "]]]".repeat(depth))
    };
    let wide = |count: usize| {
        let fields: Vec<_> = (0..count)
            .map(|at| format!(r#"["f{at}",[true,[]]]"#))
            .collect();
        format!("[false,[{}]]", fields.join(","))
    };
    assert!(FieldAccess::parse(&deep(FIELD_ACCESS_DEPTH_MAX - 1)).is_ok());
    assert!(FieldAccess::parse(&wide(FIELD_ACCESS_FIELDS_MAX)).is_ok());
    let long = format!("[true,[]{}]", " ".repeat(FIELD_ACCESS_BYTES_MAX));
    for text in [
        "",
        "true",
        "[true]",
        "[1,[]]",
        "[true,[],1]",
        r#"[true,["a",[true,[]]]]"#,
        r#"[true,[["a"]]]"#,
        "[true,[[1,[true,[]]]]]",
        r#"[true,[["a",[false,[]]],["a",[true,[]]]]]"#,
        &deep(FIELD_ACCESS_DEPTH_MAX),
        &wide(FIELD_ACCESS_FIELDS_MAX + 1),
        &deep(10_000),
        &long,
    ] {
        assert!(FieldAccess::parse(text).is_err(), "{text:.80}");
    }
}

#[test]
fn both_and_one_of_two() {
    let left = parse(r#"[true,[["a",[false,[]]],["e",[false,[["x",[true,[]]]]]]]]"#);
    let right = parse(r#"[false,[["a",[true,[]]],["e",[true,[["x",[false,[]]]]]]]]"#);
    assert!(left.union(&right).is_all());
    assert!(left.intersection(&right).is_none());
    assert_eq!(left.union(&FieldAccess::none()), left);
    assert_eq!(left.intersection(&FieldAccess::all()), left);
}

/// Each level is looked at once for each of the two, or this would not end.
#[test]
fn deep_accesses_are_joined_as_well() {
    let nested = |text: String, _| format!(r#"[false,[["a",{text}],["b",[true,[]]]]]"#);
    let deep = |innermost: &str| {
        let levels = 1..FIELD_ACCESS_DEPTH_MAX;
        parse(&levels.fold(innermost.to_owned(), nested))
    };
    let (open, closed) = (deep("[true,[]]"), deep(r"[false,[]]"));
    assert_eq!(open.union(&open), open);
    assert_eq!(open.intersection(&open), open);
    assert_eq!(open.union(&closed), open);
    assert_eq!(closed.intersection(&open), closed);
}

#[test]
fn a_path_is_as_open_as_what_it_leads_to() {
    let schema = schema();
    let access = parse(
        r#"[true,[
            ["byName",[true,[["city",[false,[]]]]]],
            ["home",[false,[["floor",[true,[["number",[false,[]]]]]]]]],
            ["homes",[false,[["city",[true,[]]]]]],
            ["name",[false,[]]],
            ["note",[true,[["x",[false,[]]]]]]
        ]]"#,
    );
    for (field, path, expected) in [
        ("name", &[][..], Reach::Nothing),
        ("later", &[], Reach::All),
        ("note", &["x"], Reach::Nothing),
        ("note", &[], Reach::Nothing),
        ("home", &[], Reach::Part),
        ("home", &["city"], Reach::Nothing),
        ("home", &["floor"], Reach::Part),
        ("home", &["floor", "number"], Reach::Nothing),
        ("homes", &[], Reach::Part),
        ("homes", &["3"], Reach::Part),
        ("homes", &["3", "city"], Reach::All),
        ("homes", &["3", "floor", "number"], Reach::Nothing),
        ("homes", &["3", "4"], Reach::Nothing),
        ("byName", &["city"], Reach::Part),
        ("byName", &["k", "city"], Reach::Nothing),
        ("byName", &["k", "floor"], Reach::All),
        ("byName", &["k", "floor", "number"], Reach::All),
    ] {
        assert_eq!(
            access.reach(&schema, &target(field, path)),
            expected,
            "{field} {path:?}"
        );
    }
    let nothing = FieldAccess::none();
    let create = Instruction::CreateObject {
        class: "Person".into(),
        key: PrimaryKey::Int(1),
    };
    let update = Instruction::Update {
        target: target("home", &[]),
        value: Payload::Object,
        kind: UpdateKind::Property { is_default: false },
    };
    assert!(nothing.shows(&schema, &create) && !nothing.shows(&schema, &update));
    assert!(access.shows(&schema, &update));
}

#[test]
fn what_is_closed_is_covered_with_its_default() {
    let schema = schema();
    let class = schema.class(&"Person".into()).expect("it is there");
    let text = |text: &str| Node::Value(tidemark_changeset::Value::String(text.into()));
    let address = |city: Node| {
        let floor = Document {
            fields: vec![text("3")],
        };
        Node::Object(Document {
            fields: vec![city, Node::Object(floor)],
        })
    };
    let person = |name: Node, city: &str, others: [Node; 2], note: Node| {
        let by_name = BTreeMap::from([("k".into(), address(text(city)))]);
        Document {
            fields: vec![
                name,
                others[0].clone(),
                Node::List(vec![others[1].clone()]),
                Node::Dictionary(by_name),
                note,
            ],
        }
    };
    let full = address(text("Oslo"));
    let mut document = person(text("Ann"), "Oslo", [full.clone(), full.clone()], text("n"));
    let access = parse(
        r#"[true,[
            ["home",[false,[]]],
            ["homes",[true,[["city",[false,[]]]]]],
            ["name",[false,[]]],
            ["note",[true,[["x",[false,[]]]]]]
        ]]"#,
    );
    access.cover(&schema, class, &mut document);
    let expected = person(
        Node::NULL,
        "Oslo",
        [Node::NULL, address(Node::NULL)],
        Node::NULL,
    );
    assert_eq!(document, expected);
}
