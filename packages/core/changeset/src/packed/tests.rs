use super::*;
use crate::{Decimal, Link, ObjectId, Payload, PrimaryKey, Timestamp, Uuid, Value};

fn values() -> Vec<Value> {
    vec![
        Value::Null,
        Value::Int(-5),
        Value::Bool(true),
        Value::String("grün".into()),
        Value::Binary([0_u8, 255].as_slice().into()),
        Value::Timestamp(Timestamp {
            seconds: -1,
            nanoseconds: -5,
        }),
        Value::Float(-0.0),
        Value::Double(1.5),
        Value::Decimal(Decimal {
            coefficient: 1050,
            exponent: -2,
            negative: true,
        }),
        Value::Link(Box::new(Link {
            class: "Foo".into(),
            key: PrimaryKey::String("k".into()),
        })),
        Value::Link(Box::new(Link {
            class: "Old".into(),
            key: PrimaryKey::GlobalKey(1, 2),
        })),
        Value::ObjectId(ObjectId([7; 12])),
        Value::Uuid(Uuid([9; 16])),
    ]
}

#[test]
fn values_and_rows_survive_the_round_trip() {
    let values = values();
    let mut bytes = Vec::new();
    let mut row = RowWriter::new(&mut bytes, values.len() + 2);
    for value in &values {
        row.column(|out| write_value(out, value));
    }
    row.column(|out| {
        let list = begin(out, ContainerKind::List, 2);
        write_value(out, &Value::Int(1));
        write_value(out, &Value::Null);
        end(out, list);
    });
    row.column(|out| {
        let dictionary = begin(out, ContainerKind::Dictionary, 1);
        write_bytes(out, b"key");
        write_value(out, &Value::Bool(false));
        end(out, dictionary);
    });
    row.finish();

    let row = RowView::new(&bytes).expect("whole");
    assert_eq!(row.len(), values.len() + 2);
    for (index, value) in values.iter().enumerate() {
        let column = row.column(index).expect("whole").expect("present");
        assert_eq!(column.to_value().as_ref(), Some(value));
    }
    let Ok(Some(Packed::List(list))) = row.column(values.len()) else {
        panic!("a list")
    };
    assert_eq!(list.len(), 2);
    assert!(matches!(list.get(0), Ok(Some(Packed::Int(1)))));
    assert!(matches!(list.get(2), Ok(None)));
    let Ok(Some(Packed::Dictionary(dictionary))) = row.column(values.len() + 1) else {
        panic!("a dictionary")
    };
    assert!(matches!(
        dictionary.get(b"key"),
        Ok(Some(Packed::Bool(false)))
    ));
    assert!(matches!(dictionary.get(b"kez"), Ok(None)));
    assert!(
        row.column(values.len() + 2)
            .expect("beyond the row")
            .is_none()
    );
}

#[test]
fn payloads_and_keys_survive_the_round_trip() {
    let markers = [
        Payload::Object,
        Payload::List,
        Payload::Dictionary,
        Payload::Erased,
        Payload::Set,
    ];
    let payloads: Vec<Payload> = values()
        .into_iter()
        .map(Payload::Value)
        .chain(markers)
        .collect();
    let mut bytes = Vec::new();
    for payload in &payloads {
        write_payload(&mut bytes, payload);
    }
    let mut reader = Reader::new(&bytes);
    let read: Vec<Payload> = payloads
        .iter()
        .map(|_| reader.payload().expect("whole"))
        .collect();
    assert_eq!(read, payloads);
    assert!(reader.is_empty());

    for key in [
        PrimaryKey::Null,
        PrimaryKey::Int(3),
        PrimaryKey::GlobalKey(1, u64::MAX),
    ] {
        let mut bytes = Vec::new();
        write_key(&mut bytes, &key);
        assert_eq!(read_key(&bytes), Ok(key));
    }
}

#[test]
fn damaged_bytes_are_refused() {
    let error = |bytes: &[u8]| read_all(bytes).map(|_| ()).expect_err("damaged");
    assert_eq!(error(&[]), PackedError::Truncated);
    assert_eq!(error(&[0, 0]), PackedError::Trailing);
    assert_eq!(error(&[0x7f]), PackedError::Tag(0x7f));
    assert_eq!(error(&[2, 7]), PackedError::Range);
    assert_eq!(error(&[3, 255, 255, 255, 255, 0]), PackedError::Truncated);
    // A list that says it has four elements in one byte.
    assert_eq!(
        error(&[0x0c, 5, 0, 0, 0, 4, 0, 0, 0, 0]),
        PackedError::Truncated
    );
    // A link whose key is a double.
    assert_eq!(
        error(&[9, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0]),
        PackedError::Tag(7)
    );
    // A row whose offsets descend, and one whose offset leaves it.
    let row = RowView::new(&[2, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0]).expect("whole table");
    assert_eq!(row.column_bytes(1), Err(PackedError::Offsets));
    let row = RowView::new(&[1, 0, 9, 0, 0, 0, 0]).expect("whole table");
    assert_eq!(row.column_bytes(0), Err(PackedError::Offsets));
    assert_eq!(
        RowView::new(&[9, 0, 1]).map(|_| ()),
        Err(PackedError::Truncated)
    );
}
