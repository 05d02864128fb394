//! Values from small pools, so that histories meet: equal numbers of several types, zeros of both signs,
//! texts that sort by bytes.

use std::sync::Arc;

use tidemark_changeset::{ColumnType, Decimal, ObjectId, Text, Timestamp, Uuid, Value};

use crate::dice::Dice;

const PRIMITIVES: [ColumnType; 10] = [
    ColumnType::Int,
    ColumnType::Bool,
    ColumnType::String,
    ColumnType::Binary,
    ColumnType::Timestamp,
    ColumnType::Float,
    ColumnType::Double,
    ColumnType::Decimal,
    ColumnType::ObjectId,
    ColumnType::Uuid,
];

fn decimal(coefficient: u128, exponent: i32, negative: bool) -> Value {
    Value::Decimal(Decimal {
        coefficient,
        exponent,
        negative,
    })
}

/// A value of a type that is no link; for mixed, of any such type.
pub fn value(dice: &mut Dice, column_type: ColumnType) -> Value {
    let number = u8::try_from(dice.below(3)).expect("small");
    match column_type {
        ColumnType::Int => Value::Int(*dice.pick(&[0, 1, 2, -1, i64::MAX, i64::MIN])),
        ColumnType::Bool => Value::Bool(dice.chance(50)),
        ColumnType::String => Value::String(Text::from(*dice.pick(&["", "a", "b", "B", "ä"]))),
        ColumnType::Binary => Value::Binary(Arc::from(*dice.pick(&[&b""[..], b"a", b"\0\xff"]))),
        ColumnType::Timestamp => Value::Timestamp(Timestamp {
            seconds: i64::from(number) - 1,
            nanoseconds: if number == 0 { -1 } else { i32::from(number) },
        }),
        ColumnType::Float => Value::Float(*dice.pick(&[0.0, -0.0, 1.0, 2.5])),
        ColumnType::Double => Value::Double(*dice.pick(&[0.0, -0.0, 1.0, 2.5])),
        ColumnType::Decimal => match dice.below(5) {
            0 => decimal(0, 0, false),
            1 => decimal(1, 0, false),
            2 => decimal(10, -1, false),
            3 => decimal(0, -1, true),
            _ => decimal(25, -1, false),
        },
        ColumnType::ObjectId => Value::ObjectId(ObjectId([number; 12])),
        ColumnType::Uuid => Value::Uuid(Uuid([number; 16])),
        _ => {
            let column_type = *dice.pick(&PRIMITIVES);
            value(dice, column_type)
        }
    }
}
