//! Values from small pools, so that histories meet: equal numbers of several types, zeros of both signs,
//! texts that sort by bytes; and odd ones, which are at an end of what a type holds.

use std::sync::Arc;

use tidemark_changeset::{ColumnType, Decimal, ObjectId, Text, Timestamp, Uuid, Value};

use crate::dice::Dice;

/// Keys of dictionaries: empty, with a zero, like a name, astral, long.
pub const ODD_KEYS: [&str; 6] = [
    "",
    "a\0b",
    "_id",
    "😀 ä",
    "a key that is longer than the names of properties, classes or files may ever be, by a good deal of it",
    "0",
];

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

/// A value of a type that is no link, often one that is at an end of what the type holds.
pub fn odd(dice: &mut Dice, column_type: ColumnType) -> Value {
    if dice.chance(40) {
        return value(dice, column_type);
    }
    let choice = dice.below(6);
    match column_type {
        ColumnType::Int => Value::Int(*dice.pick(&[i64::MAX, i64::MIN, (1 << 53) + 1, -64, 64])),
        ColumnType::String => Value::String(odd_text(choice)),
        ColumnType::Binary => Value::Binary(match choice {
            0 | 1 => Arc::from(vec![0; 1_000]),
            2 | 3 => Arc::from(vec![255; 1_000]),
            _ => Arc::from(&b"\0\0"[..]),
        }),
        ColumnType::Timestamp => {
            let (seconds, nanoseconds) = *dice.pick(&[
                (0, -1),
                (-1, -999_999_999),
                (i64::MAX, 999_999_999),
                (i64::MIN + 1, -999_999_999),
                (1_700_000_000, 123_456_789),
                (-1, 0),
            ]);
            Value::Timestamp(Timestamp {
                seconds,
                nanoseconds,
            })
        }
        ColumnType::Float => Value::Float(f32::from_bits(*dice.pick(&[
            0x7fc0_0000,
            0xffc0_0001,
            0x7f80_0001,
            0x7f80_0000,
            0xff80_0000,
            1,
            0x7f7f_ffff,
        ]))),
        ColumnType::Double => Value::Double(f64::from_bits(*dice.pick(&[
            0x7ff8 << 48,
            (0xfff8 << 48) | 1,
            (0x7ff0 << 48) | 1,
            0x7ff0 << 48,
            0xfff0 << 48,
            1,
            0x7fef_ffff_ffff_ffff,
        ]))),
        ColumnType::Decimal => {
            let digits = 10_u128.pow(34) - 1;
            let (coefficient, exponent, negative) = *dice.pick(&[
                (0, 9696, false),
                (0, 9696, true),
                (0, 9184, false),
                (0, 9184, true),
                (0, 0, true),
                (digits, 0, false),
                (digits, 6111, true),
                (1, -6176, false),
            ]);
            decimal(coefficient, exponent, negative)
        }
        ColumnType::Bool => value(dice, column_type),
        ColumnType::ObjectId => Value::ObjectId(ObjectId([255; 12])),
        ColumnType::Uuid => Value::Uuid(Uuid([255; 16])),
        _ => {
            let column_type = *dice.pick(&PRIMITIVES);
            odd(dice, column_type)
        }
    }
}

fn odd_text(choice: usize) -> Text {
    match choice {
        0 => Text::from("a\0b"),
        1 => Text::from("\0"),
        2 => Text::from("😀"),
        3 => Text::from("\u{fffd}"),
        4 => Text::from("long ".repeat(200)),
        _ => Text::from(format!("{}!", "long ".repeat(200))),
    }
}
