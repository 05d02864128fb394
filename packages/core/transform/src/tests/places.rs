//! Two erasures from one set, by the original's rules: it compares strings, binaries and links by where they
//! lie in their changesets (OT3). What lies before a value, and how the changeset was written, decides.

use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, Link, PathElement, Payload,
    PrimaryKey, TableSpec, Target, UpdateKind, Value, codec,
};

use crate::{Entry, Rules, merge_changesets};

fn at(class: &str, key: i64, field: &str, path: Vec<PathElement>) -> Target {
    Target {
        class: class.into(),
        key: PrimaryKey::Int(key),
        field: field.into(),
        path,
    }
}

fn update(target: Target, value: Value) -> Instruction {
    Instruction::Update {
        target,
        value: Payload::Value(value),
        kind: UpdateKind::Property { is_default: false },
    }
}

fn erase(value: Value) -> Instruction {
    Instruction::SetErase {
        target: at("T", 1, "m", vec![]),
        value: Payload::Value(value),
    }
}

fn text(text: &str) -> Value {
    Value::String(text.into())
}

fn binary(bytes: &[u8]) -> Value {
    Value::Binary(bytes.into())
}

fn link(class: &str, key: PrimaryKey) -> Value {
    Value::Link(Box::new(Link {
        class: class.into(),
        key,
    }))
}

fn entry(version: u64, base: u64, timestamp: u64, bytes: &[u8]) -> Entry {
    Entry::decode(version, base, timestamp, version, bytes).expect("a changeset")
}

/// How many erasures are left of two, each the last of its changeset.
fn left_of(ours: &[u8], theirs: &[u8]) -> usize {
    let mut ours = [entry(5, 0, 10, ours)];
    let mut theirs = [entry(6, 0, 20, theirs)];
    merge_changesets(1, &mut ours, &mut theirs, Rules::ORIGINAL, None).expect("mergeable");
    let erases = |entry: &Entry| {
        let last = entry.changeset.instructions.last();
        usize::from(matches!(last, Some(Instruction::SetErase { .. })))
    };
    erases(&ours[0]) + erases(&theirs[0])
}

/// The same, as clients write them, with something before the erasure of a string.
fn left_behind(ours: &Instruction, theirs: &Instruction) -> usize {
    let bytes = |before: &Instruction, value| codec::encode(&[before.clone(), erase(text(value))]);
    left_of(&bytes(ours, "x"), &bytes(theirs, "y"))
}

#[test]
fn values_of_one_length_at_one_place_are_taken_for_one() {
    let left = |one: Value, other: Value| {
        left_of(
            &codec::encode(&[erase(one)]),
            &codec::encode(&[erase(other)]),
        )
    };
    assert_eq!(left(text("x"), text("y")), 1);
    assert_eq!(left(text("x"), text("yy")), 2);
    assert_eq!(left(binary(b"x"), binary(b"y")), 1);
    assert_eq!(left(binary(b"x"), binary(b"yy")), 2);
    assert_eq!(left(text("x"), binary(b"x")), 2);
    assert_eq!(
        left(link("V", PrimaryKey::Int(1)), link("W", PrimaryKey::Int(1))),
        1
    );
    assert_eq!(
        left(link("V", PrimaryKey::Int(1)), link("V", PrimaryKey::Int(2))),
        2
    );
    // By the number of a name in its changeset, and not by its length.
    let named = |key: &str| PrimaryKey::String(key.into());
    assert_eq!(left(link("V", named("p")), link("W", named("qq"))), 1);
    assert_eq!(left(link("V", named("V")), link("W", named("qq"))), 2);
    assert_eq!(left(link("V", named("p")), link("T", named("p"))), 2);
}

/// Each pair differs in the length of one name, and stands before erasures at one place but for that.
#[test]
fn names_before_a_value_shift_it() {
    let column = |field: &str, target: Option<&str>| Instruction::AddColumn {
        class: "U".into(),
        field: field.into(),
        spec: ColumnSpec::new(
            if target.is_some() {
                ColumnType::Link
            } else {
                ColumnType::Int
            },
            true,
            CollectionKind::Single,
            target.map(Into::into),
        ),
    };
    let erase_column = |field: &str| Instruction::EraseColumn {
        class: "U".into(),
        field: field.into(),
    };
    let table = |class: &str, key_field: &str| Instruction::AddTable {
        class: class.into(),
        spec: TableSpec::TopLevel {
            key_field: key_field.into(),
            key_type: KeyType::Int,
            key_nullable: false,
            asymmetric: false,
        },
    };
    let create = |class: &str, key: &str| Instruction::CreateObject {
        class: class.into(),
        key: PrimaryKey::String(key.into()),
    };
    let edit = |field: &str, path| update(at("U", 1, field, path), Value::Int(1));
    let key = |name: &str| vec![PathElement::Key(name.into())];
    let cases = [
        (column("a", None), column("b", None), column("bb", None)),
        (
            column("a", Some("V")),
            column("b", Some("W")),
            column("b", Some("WW")),
        ),
        (erase_column("a"), erase_column("b"), erase_column("bb")),
        (table("U", "a"), table("V", "b"), table("V", "bb")),
        (create("U", "a"), create("V", "b"), create("VV", "b")),
        (create("U", "a"), create("U", "b"), create("U", "bb")),
        (edit("a", vec![]), edit("b", vec![]), edit("bb", vec![])),
        (
            edit("a", key("k")),
            edit("a", key("l")),
            edit("a", key("ll")),
        ),
    ];
    for (ours, alike, longer) in cases {
        assert_eq!(left_behind(&ours, &alike), 1, "{alike:?}");
        assert_eq!(left_behind(&ours, &longer), 2, "{longer:?}");
    }
}

#[test]
fn values_before_a_value_shift_it() {
    let edits = |value: Value| {
        let payload = Payload::Value(value);
        let element = at("U", 1, "f", vec![PathElement::Index(0)]);
        [
            Instruction::Update {
                target: at("U", 1, "f", vec![]),
                value: payload.clone(),
                kind: UpdateKind::Property { is_default: false },
            },
            Instruction::ArrayInsert {
                target: element,
                value: payload.clone(),
                prior_size: 0,
            },
            Instruction::SetInsert {
                target: at("U", 1, "f", vec![]),
                value: payload.clone(),
            },
            Instruction::SetErase {
                target: at("U", 1, "f", vec![]),
                value: payload,
            },
        ]
    };
    let named = |key: &str| PrimaryKey::String(key.into());
    let cases = [
        (text("a"), text("b"), text("bb")),
        (binary(b"a"), binary(b"b"), binary(b"bb")),
        (
            link("V", named("a")),
            link("W", named("b")),
            link("WW", named("b")),
        ),
        (
            link("V", named("a")),
            link("V", named("b")),
            link("V", named("bb")),
        ),
    ];
    for (ours, alike, longer) in cases {
        let (ours, alike, longer) = (edits(ours), edits(alike), edits(longer));
        for ((ours, alike), longer) in ours.iter().zip(&alike).zip(&longer) {
            assert_eq!(left_behind(ours, alike), 1, "{alike:?}");
            assert_eq!(left_behind(ours, longer), 2, "{longer:?}");
        }
    }
}

#[test]
fn a_name_lies_in_a_changeset_once() {
    let create = |key| Instruction::CreateObject {
        class: "U".into(),
        key: PrimaryKey::Int(key),
    };
    let ours = codec::encode(&[create(1), erase(text("x"))]);
    let theirs = codec::encode(&[create(1), create(2), erase(text("y"))]);
    assert_eq!(left_of(&ours, &theirs), 1);
}

/// Written anew all names come first; a client writes each before the first instruction that needs it.
#[test]
fn the_bytes_decide_what_lies_before_a_value() {
    let create = Instruction::CreateObject {
        class: "U".into(),
        key: PrimaryKey::Int(1),
    };
    let client = codec::encode(&[erase(text("x")), create]);
    let changeset = codec::decode(&client).expect("a changeset");
    let canonical = codec::encode_canonical(&changeset);
    assert_ne!(client, canonical);
    let erased = |ours: &[u8]| {
        let mut ours = [entry(5, 0, 10, ours)];
        let mut theirs = [entry(6, 0, 20, &codec::encode(&[erase(text("y"))]))];
        merge_changesets(1, &mut ours, &mut theirs, Rules::ORIGINAL, None).expect("mergeable");
        ours[0].changeset.instructions.len() == 1
    };
    assert_eq!(entry(5, 0, 10, &client), entry(5, 0, 10, &client));
    assert!(erased(&client));
    assert!(!erased(&canonical));
}

/// What earlier runs of a merge dropped, or put in, does not shift what is known of the others.
#[test]
fn places_stay_with_their_instructions() {
    let assign = |key, value| update(at("T", key, "n", vec![]), Value::Int(value));
    let ours = codec::encode(&[assign(1, 1), erase(text("x"))]);
    let first = codec::encode(&[assign(1, 2)]);
    let second = codec::encode(&[assign(2, 3), erase(text("y"))]);
    let mut ours = [entry(5, 0, 10, &ours)];
    let mut theirs = [entry(6, 0, 20, &first), entry(7, 1, 20, &second)];
    merge_changesets(1, &mut ours, &mut theirs, Rules::ORIGINAL, None).expect("mergeable");
    assert_eq!(ours[0].changeset.instructions, []);
    assert_eq!(theirs[0].changeset.instructions, [assign(1, 2)]);
    assert_eq!(
        theirs[1].changeset.instructions,
        [assign(2, 3), erase(text("y"))]
    );
}

/// An instruction that the merge makes brings its names along, each once, for the bytes of the original.
#[test]
fn what_the_merge_puts_in_brings_its_names() {
    let erase_table = Instruction::EraseTable { class: "T".into() };
    let link = |field: &str| Instruction::AddColumn {
        class: "U".into(),
        field: field.into(),
        spec: ColumnSpec::new(
            ColumnType::Link,
            true,
            CollectionKind::Single,
            Some("T".into()),
        ),
    };
    let erase_column = |field: &str| Instruction::EraseColumn {
        class: "U".into(),
        field: field.into(),
    };
    let names = |entry: &Entry| -> Vec<String> {
        entry
            .changeset
            .strings
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    let erasing = codec::encode(std::slice::from_ref(&erase_table));
    let adding = codec::encode(&[link("m"), link("n")]);
    let expected = [erase_column("m"), erase_column("n"), erase_table];
    for swapped in [false, true] {
        let mut sides = [[entry(5, 0, 10, &erasing)], [entry(6, 0, 20, &adding)]];
        let [erasing, adding] = &mut sides;
        let (ours, theirs) = if swapped {
            (&mut *adding, &mut *erasing)
        } else {
            (&mut *erasing, &mut *adding)
        };
        merge_changesets(1, ours, theirs, Rules::ORIGINAL, None).expect("mergeable");
        assert_eq!(erasing[0].changeset.instructions, expected);
        assert_eq!(names(&erasing[0]), ["T", "U", "m", "n"]);
        assert_eq!(adding[0].changeset.instructions, []);
        assert_eq!(names(&adding[0]), ["U", "m", "T", "n"]);
        assert!(erasing[0].dirty && adding[0].dirty);
    }
}
