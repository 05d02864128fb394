//! Changes of the schema, and instructions that the merge makes itself.

use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, Name, Payload, TableSpec, Value,
};

use super::pairs::{met, set_erase, set_insert};
use super::rules::{index, insert, int, key, merged, update};
use crate::{Branch, ColumnShape, Rules, merge, merge_with_columns};

fn add_table(spec: TableSpec) -> Instruction {
    Instruction::AddTable {
        class: "T".into(),
        spec,
    }
}

fn add_column(
    column_type: ColumnType,
    nullable: bool,
    kind: CollectionKind,
    target: Option<&str>,
) -> Instruction {
    Instruction::AddColumn {
        class: "T".into(),
        field: "m".into(),
        spec: ColumnSpec::new(column_type, nullable, kind, target.map(Into::into)),
    }
}

#[test]
fn a_schema_mismatch_says_what_differs() {
    use CollectionKind::{Dictionary, List, Set, Single};
    let top = |key_nullable, asymmetric| {
        add_table(TableSpec::TopLevel {
            key_field: "_id".into(),
            key_type: KeyType::Int,
            key_nullable,
            asymmetric,
        })
    };
    let column = |kind| add_column(ColumnType::Int, true, kind, None);
    let link = |target| add_column(ColumnType::Link, true, Single, target);
    let cases = [
        (
            top(true, false),
            top(false, true),
            "class T is top-level with nullable key '_id' of type Int on one side and \
             asymmetric with required key '_id' of type Int on the other",
        ),
        (
            top(false, false),
            add_table(TableSpec::Embedded),
            "class T is top-level with required key '_id' of type Int on one side and embedded on the other",
        ),
        (
            column(Single),
            add_column(ColumnType::String, true, Single, None),
            "field 'm' of class T is of type Int on one side and of type String on the other",
        ),
        (
            column(Single),
            add_column(ColumnType::Int, false, Single, None),
            "field 'm' of class T is nullable on one side and required on the other",
        ),
        (
            column(Single),
            column(List),
            "field 'm' of class T is a single value on one side and a list on the other",
        ),
        (
            column(Dictionary),
            column(Set),
            "field 'm' of class T is a dictionary on one side and a set on the other",
        ),
        (
            link(Some("T")),
            link(Some("U")),
            "field 'm' of class T is a link to 'T' on one side and a link to 'U' on the other",
        ),
    ];
    for (ours, theirs, text) in cases {
        let mut ours = [Branch::new(1, 2, vec![ours])];
        let mut theirs = [Branch::new(1, 3, vec![theirs])];
        let error = merge(&mut ours, &mut theirs, Rules::CORRECTED).expect_err("they disagree");
        assert_eq!(error.to_string(), format!("schema mismatch: {text}"));
    }
}

/// Only a link's target says anything; what another column has there is not looked at.
#[test]
fn columns_that_agree_annihilate_each_other() {
    use CollectionKind::Single;
    let same = add_column(ColumnType::Link, true, Single, Some("U"));
    assert_eq!(met(Rules::CORRECTED, &same, &same, true), (vec![], vec![]));
    let plain = add_column(ColumnType::Int, true, Single, None);
    let odd = add_column(ColumnType::Int, true, Single, Some("U"));
    assert_eq!(met(Rules::CORRECTED, &plain, &odd, true), (vec![], vec![]));
}

/// The erasure that a set needs first moves along with the insertion it was made for.
#[test]
fn an_erasure_that_the_merge_makes_has_a_path_of_its_own() {
    let inside = |at| [index(at), key("s")];
    let ours = [
        set_insert(&inside(0), Value::Int(1)),
        insert(&[index(0)], 2),
    ];
    let theirs = [set_insert(&inside(0), Value::Double(1.0))];
    let (left, right) = merged(Rules::CORRECTED, (10, &ours), (20, &theirs));
    assert_eq!(left, ours[1..]);
    let expected = [set_erase, set_insert].map(|edit| edit(&inside(1), Value::Double(1.0)));
    assert_eq!(right, expected);
    // And the other way round: theirs makes room, ours is the later one.
    let (right, left) = merged(Rules::CORRECTED, (20, &theirs), (10, &ours));
    assert_eq!((left, right), (ours[1..].to_vec(), expected.to_vec()));
}

/// An operation that the merge makes stands before the one it was made for, also for those of ours that come
/// to it later: what is before it shifts them before they meet it.
#[test]
fn an_erasure_that_the_merge_makes_is_met_in_its_place() {
    let inside = |at| [index(at), key("s")];
    let room = insert(&[index(0)], 2);
    let put = |at, value| set_insert(&inside(at), value);
    let late = |value| Branch::new(30, 2, vec![set_erase(&inside(0), value)]);
    let around = vec![
        put(0, Value::Double(1.0)),
        room.clone(),
        put(1, Value::Double(2.0)),
    ];
    let cases = [
        (
            vec![room.clone(), put(1, Value::Double(1.0))],
            vec![Value::Int(1)],
            vec![room.clone()],
        ),
        (
            around.clone(),
            vec![Value::Int(1), Value::Int(2)],
            vec![
                room.clone(),
                set_erase(&inside(1), Value::Double(2.0)),
                put(1, Value::Double(2.0)),
            ],
        ),
        (
            around.clone(),
            vec![Value::Int(2), Value::Int(1)],
            vec![
                room.clone(),
                set_erase(&inside(1), Value::Double(2.0)),
                put(1, Value::Double(2.0)),
            ],
        ),
    ];
    for (theirs, ours, expected) in cases {
        let first = ours.into_iter().map(|value| put(0, value)).collect();
        let mut ours = [Branch::new(10, 2, first), late(Value::Int(1))];
        let mut theirs = [Branch::new(20, 3, theirs)];
        merge(&mut ours, &mut theirs, Rules::CORRECTED).expect("mergeable");
        assert_eq!(ours[0].instructions, []);
        assert_eq!(ours[1].instructions, [set_erase(&inside(1), Value::Int(1))]);
        assert_eq!(theirs[0].instructions, expected);
    }
}

/// Two markers of an embedded object under a dictionary key annihilate each other, since each would replace
/// the other's object; in a field the later one stays. The schema tells which it is.
#[test]
fn the_schema_tells_a_dictionary_key_from_a_field() {
    let shape = |collection, target: Option<&str>| {
        Some(ColumnShape {
            collection,
            target: target.map(Into::into),
        })
    };
    let columns = |class: &Name, field: &Name| match (class.as_bytes(), field.as_bytes()) {
        (b"E", b"e") => shape(CollectionKind::Single, Some("E")),
        (b"E", b"d") => shape(CollectionKind::Dictionary, Some("E")),
        (b"T", b"m") | (b"E", b"l") => shape(CollectionKind::List, Some("E")),
        _ => None,
    };
    let cases = [
        (vec![index(0), key("e")], true),
        (vec![index(0), key("d"), key("e")], false),
        (vec![index(0), key("d"), key("e"), key("e")], true),
        (vec![index(0), key("e"), key("d"), key("d")], false),
        (vec![index(0), key("l"), index(1), key("e")], true),
        (
            vec![index(0), key("l"), index(1), key("d"), key("e")],
            false,
        ),
        // What the schema does not know, or contradicts, is taken for a dictionary's.
        (vec![index(0), key("x"), key("e")], false),
        (vec![key("a"), key("e")], false),
    ];
    for (path, is_field) in cases {
        let marker = update(&path, Payload::Object);
        let mut ours = [Branch::new(10, 2, vec![marker.clone()])];
        let mut theirs = [Branch::new(20, 3, vec![marker.clone()])];
        merge_with_columns(&mut ours, &mut theirs, Rules::CORRECTED, &columns).expect("mergeable");
        let expected = if is_field { vec![marker] } else { vec![] };
        assert_eq!(ours[0].instructions, [], "{path:?}");
        assert_eq!(theirs[0].instructions, expected, "{path:?}");
    }
}

/// The erasure of a column that the merge makes meets what comes after the addition, and nothing before it.
#[test]
fn an_erasure_of_a_column_meets_what_follows_the_addition() {
    let erase_table = Instruction::EraseTable { class: "U".into() };
    let erase_column = Instruction::EraseColumn {
        class: "T".into(),
        field: "m".into(),
    };
    let link = add_column(ColumnType::Link, true, CollectionKind::Single, Some("U"));
    for before in [
        vec![erase_column.clone()],
        vec![update(&[], int(1)), erase_column.clone()],
    ] {
        let theirs = [before.clone(), vec![link.clone(), update(&[], int(2))]].concat();
        for (ours_at, theirs_at) in [(10, 20), (20, 10)] {
            let ours = (ours_at, std::slice::from_ref(&erase_table));
            let (left, right) = merged(Rules::CORRECTED, ours, (theirs_at, &theirs));
            assert_eq!(left, [erase_column.clone(), erase_table.clone()]);
            assert_eq!(right, before);
        }
    }
}
