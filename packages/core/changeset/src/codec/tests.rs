//! Worked examples, each byte run made by the original encoder.

use super::*;
use crate::{
    Changeset, CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, PrimaryKey, TableSpec,
};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .collect();
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).expect("two digits"))
        .collect()
}

/// The instructions behind `hex` are those given, and a client would have emitted exactly these
/// bytes.
fn check(text: &str, expected: &[Instruction]) {
    let bytes = hex(text);
    let changeset = decode(&bytes).expect("legal");
    assert_eq!(changeset.instructions, expected);
    assert_eq!(encode(expected), bytes);
    assert_eq!(decode(&encode_canonical(&changeset)), Ok(changeset));
}

fn top_level(key_field: &str, key_type: KeyType, asymmetric: bool) -> TableSpec {
    TableSpec::TopLevel {
        key_field: key_field.into(),
        key_type,
        key_nullable: false,
        asymmetric,
    }
}

#[test]
fn classes() {
    let add = |class: &str, spec| {
        [Instruction::AddTable {
            class: class.into(),
            spec,
        }]
    };
    check(
        "3f0003466f6f 3f01035f6964 000000010100",
        &add("Foo", top_level("_id", KeyType::Int, false)),
    );
    check("3f0003456d62 000001", &add("Emb", TableSpec::Embedded));
    check(
        "3f0003457674 3f01035f6964 000002010a00",
        &add("Evt", top_level("_id", KeyType::ObjectId, true)),
    );
    check(
        "3f00034f6c64 3f0100 000000014000",
        &add("Old", top_level("", KeyType::GlobalKey, false)),
    );
}

#[test]
fn columns_intern_an_empty_target() {
    let spec = ColumnSpec::new(ColumnType::Int, false, CollectionKind::Single, None);
    let add = Instruction::AddColumn {
        class: "Foo".into(),
        field: "n".into(),
        spec,
    };
    check("3f0003466f6f 3f01016e 3f0200 060001010000", &[add]);
    let spec = ColumnSpec::new(
        ColumnType::Link,
        false,
        CollectionKind::List,
        Some("Foo".into()),
    );
    let add = Instruction::AddColumn {
        class: "Foo".into(),
        field: "n".into(),
        spec,
    };
    check("3f0003466f6f 3f01016e 06000109000100", &[add]);
}

#[test]
fn integers_are_not_leb128() {
    for (value, bytes) in [
        (0, "00"),
        (-1, "40"),
        (63, "3f"),
        (-64, "7f"),
        (64, "c000"),
        (-65, "c040"),
        (300, "ac02"),
        (i64::MAX, "ffffffffffffffffff00"),
        (i64::MIN, "ffffffffffffffffff40"),
    ] {
        let create = Instruction::CreateObject {
            class: "Foo".into(),
            key: PrimaryKey::Int(value),
        };
        check(&format!("3f0003466f6f 020001{bytes}"), &[create]);
    }
}

#[test]
fn many_strings_go_through_the_hash_table() {
    let create = |index: i32| Instruction::CreateObject {
        class: "Foo".into(),
        key: PrimaryKey::String(index.to_string().as_str().into()),
    };
    let instructions: Vec<_> = (0..1000).chain(0..1000).map(create).collect();
    let decoded = decode(&encode(&instructions)).expect("legal");
    assert_eq!(decoded.instructions, instructions);
    assert_eq!(decoded.strings.len(), 1001);
    let again = decode(&encode_canonical(&Changeset {
        strings: Vec::new(),
        instructions,
    }))
    .expect("legal");
    assert_eq!(again, decoded);
}

#[test]
fn hostile_counts_do_not_allocate() {
    // A path of 2^32 − 1 elements, a string of 2^62 bytes.
    let path = hex("3f000154 3f010166 05 00 0101 01 ffffffff0f");
    assert_eq!(
        decode(&path).map_err(|error| error.kind),
        Err(DecodeErrorKind::Truncated)
    );
    let string = hex("3f000154 3f010166 04 00 0101 01 00 03 ffffffffffffffff3f");
    assert_eq!(
        decode(&string).map_err(|error| error.kind),
        Err(DecodeErrorKind::StringTooLong)
    );
    let binary = hex("3f000154 3f010166 04 00 0101 01 00 04 ffffffffffffffff3f");
    assert_eq!(
        decode(&binary).map_err(|error| error.kind),
        Err(DecodeErrorKind::Truncated)
    );
}

#[test]
fn pieces_stand_in_any_order() {
    let erase = |key: &str| Instruction::EraseObject {
        class: "Foo".into(),
        key: PrimaryKey::String(key.into()),
    };
    let [first, second] = [erase("a"), erase("b")];
    let mut encoder = PieceEncoder::new();
    assert!(encoder.is_empty());
    encoder.push(&first);
    let middle = encoder.pieces().len();
    encoder.push(&second);
    let end = encoder.pieces().len();
    let length = encoder.len();
    let bytes = encoder.finish([middle..end, 0..middle]);
    assert_eq!(bytes.len(), length);
    let decoded = decode(&bytes).expect("definitions come first");
    assert_eq!(decoded.instructions, [second, first]);
    assert_eq!(encode_canonical(&decoded), bytes);
}
