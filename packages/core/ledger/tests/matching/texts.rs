//! Random values and random predicates on them.

use tidemark_changeset::{
    CollectionKind, ColumnType, Decimal, KeyType, Link, ObjectId, PrimaryKey, Timestamp, Uuid,
    Value,
};

use crate::dice::Dice;

/// A field of every class of these histories.
pub struct Field {
    pub name: &'static str,
    pub column_type: ColumnType,
    pub nullable: bool,
    pub collection: CollectionKind,
}

const fn single(name: &'static str, column_type: ColumnType, nullable: bool) -> Field {
    Field {
        name,
        column_type,
        nullable,
        collection: CollectionKind::Single,
    }
}

pub const FIELDS: [Field; 15] = [
    single("i", ColumnType::Int, false),
    single("in", ColumnType::Int, true),
    single("d", ColumnType::Double, false),
    single("dn", ColumnType::Double, true),
    single("f", ColumnType::Float, true),
    single("b", ColumnType::Bool, true),
    single("s", ColumnType::String, false),
    single("sn", ColumnType::String, true),
    single("bin", ColumnType::Binary, true),
    single("o", ColumnType::ObjectId, true),
    single("u", ColumnType::Uuid, false),
    single("t", ColumnType::Timestamp, true),
    single("dec", ColumnType::Decimal, true),
    single("x", ColumnType::Mixed, true),
    Field {
        name: "tags",
        column_type: ColumnType::String,
        nullable: true,
        collection: CollectionKind::List,
    },
];

/// Classes, with the types of their keys.
pub const CLASSES: [(&str, KeyType); 3] = [
    ("Alpha", KeyType::Int),
    ("Beta", KeyType::String),
    ("Gamma", KeyType::ObjectId),
];

const INTS: [i64; 6] = [0, 1, 2, -1, 9_007_199_254_740_993, i64::MIN];
const DOUBLES: [f64; 9] = [
    0.0,
    -0.0,
    1.0,
    2.0,
    0.1,
    1.5,
    f64::NAN,
    f64::INFINITY,
    9_007_199_254_740_992.0,
];
const FLOATS: [f32; 6] = [0.0, -0.0, 1.0, 0.1, f32::NAN, 1.5];
const STRINGS: [&str; 8] = ["", "a", "A", "ab", "é", "É", "1", "null"];

fn object_id(dice: &mut Dice) -> ObjectId {
    ObjectId([u8::try_from(dice.below(2)).expect("small"); 12])
}

fn uuid(dice: &mut Dice) -> Uuid {
    Uuid([u8::try_from(dice.below(2)).expect("small"); 16])
}

fn decimal(dice: &mut Dice) -> Decimal {
    // 0, 1, 1.0, 0.1 and 2.
    let (coefficient, exponent) = *dice.pick(&[(0, 0), (1, 0), (10, -1), (1, -1), (2, 0)]);
    Decimal {
        coefficient,
        exponent,
        negative: false,
    }
}

/// A value that a field of a type may hold.
pub fn value(dice: &mut Dice, column_type: ColumnType, nullable: bool) -> Value {
    if nullable && dice.chance(200) {
        return Value::Null;
    }
    match column_type {
        ColumnType::Int => Value::Int(*dice.pick(&INTS)),
        ColumnType::Double => Value::Double(*dice.pick(&DOUBLES)),
        ColumnType::Float => Value::Float(*dice.pick(&FLOATS)),
        ColumnType::Bool => Value::Bool(dice.chance(500)),
        ColumnType::String => Value::String((*dice.pick(&STRINGS)).into()),
        ColumnType::Binary => Value::Binary(dice.pick(&STRINGS).as_bytes().into()),
        ColumnType::ObjectId => Value::ObjectId(object_id(dice)),
        ColumnType::Uuid => Value::Uuid(uuid(dice)),
        ColumnType::Timestamp => Value::Timestamp(Timestamp {
            seconds: *dice.pick(&[0, 1, 86_400]),
            nanoseconds: 0,
        }),
        ColumnType::Decimal => Value::Decimal(decimal(dice)),
        _ if dice.chance(100) => Value::Link(Box::new(Link {
            class: CLASSES[0].0.into(),
            key: PrimaryKey::Int(99),
        })),
        _ => {
            let kinds = [
                ColumnType::Int,
                ColumnType::Double,
                ColumnType::Float,
                ColumnType::Bool,
                ColumnType::String,
                ColumnType::Binary,
                ColumnType::Decimal,
                ColumnType::Timestamp,
            ];
            let kind = *dice.pick(&kinds);
            value(dice, kind, false)
        }
    }
}

fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        "inf".to_owned()
    } else {
        format!("{value:?}")
    }
}

/// A constant as queries write it.
fn literal(value: &Value) -> String {
    let hex = |bytes: &[u8]| {
        let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
        digits.collect::<Vec<_>>().concat()
    };
    match value {
        Value::Int(value) => value.to_string(),
        Value::Double(value) => number(*value),
        Value::Float(value) => number(f64::from(*value)),
        Value::Bool(value) => value.to_string(),
        Value::String(text) => format!("\"{}\"", text.as_str().expect("UTF-8")),
        Value::ObjectId(id) => format!("oid({})", hex(&id.0)),
        Value::Uuid(id) => {
            let hex = hex(&id.0);
            let parts = [
                &hex[..8],
                &hex[8..12],
                &hex[12..16],
                &hex[16..20],
                &hex[20..],
            ];
            format!("uuid({})", parts.join("-"))
        }
        Value::Timestamp(time) => format!("T{}:0", time.seconds),
        Value::Decimal(value) => {
            let (digits, point) = (value.coefficient, value.exponent);
            if point == 0 {
                digits.to_string()
            } else {
                format!("{}.{}", digits / 10, digits % 10)
            }
        }
        _ => "NULL".to_owned(),
    }
}

/// A constant, often of the field's type, sometimes of another that compares with it.
fn constant(dice: &mut Dice, column_type: ColumnType) -> String {
    let numbers = [
        ColumnType::Int,
        ColumnType::Double,
        ColumnType::Float,
        ColumnType::Decimal,
    ];
    if dice.chance(150) {
        return "NULL".to_owned();
    }
    let other = numbers.contains(&column_type) && dice.chance(400);
    let column_type = if other {
        *dice.pick(&numbers)
    } else {
        column_type
    };
    literal(&value(dice, column_type, false))
}

fn comparison(dice: &mut Dice, focus: &[usize], class: usize) -> String {
    if dice.chance(120) {
        let (first, second) = match CLASSES[class].1 {
            KeyType::Int => ("1".to_owned(), "2".to_owned()),
            KeyType::String => ("\"1\"".to_owned(), "\"2\"".to_owned()),
            _ => {
                let id = |byte| literal(&Value::ObjectId(ObjectId([byte; 12])));
                (id(1), id(2))
            }
        };
        return match dice.below(3) {
            0 => format!("_id == {first}"),
            1 => format!("_id IN {{{first}, {second}}}"),
            _ => format!("_id != {second}"),
        };
    }
    let field = &FIELDS[*dice.pick(focus)];
    let (name, column_type) = (field.name, field.column_type);
    let right = constant(dice, column_type);
    if field.collection == CollectionKind::List {
        let before = *dice.pick(&["", "ANY ", "ALL ", "NONE "]);
        return match dice.below(3) {
            0 => format!("{name}.@count == {}", dice.below(3)),
            _ => format!("{before}{name} == {right}"),
        };
    }
    match dice.below(11) {
        0..=3 => format!("{name} == {right}"),
        4 => format!("{right} == {name}"),
        5 | 6 => {
            let others: Vec<String> = (0..dice.below(3))
                .map(|_| constant(dice, column_type))
                .collect();
            let all = [vec![right], others].concat();
            format!("{name} IN {{{}}}", all.join(", "))
        }
        7 => format!("{name} != {right}"),
        8 => format!("{name} ==[c] {right}"),
        9 => format!("{name} BEGINSWITH {right}"),
        _ => format!("{name} {} {right}", dice.pick(&["<", "<=", ">", ">="])),
    }
}

/// A predicate on some fields; some do not fit the schema and are refused.
pub fn predicate(dice: &mut Dice, focus: &[usize], class: usize, depth: u64) -> String {
    match dice.below(if depth == 0 { 4 } else { 10 }) {
        4 | 5 => {
            let (left, right) = (
                predicate(dice, focus, class, depth - 1),
                predicate(dice, focus, class, depth - 1),
            );
            format!("({left}) AND ({right})")
        }
        6 | 7 => {
            let (left, right) = (
                predicate(dice, focus, class, depth - 1),
                predicate(dice, focus, class, depth - 1),
            );
            format!("({left}) OR ({right})")
        }
        8 => format!("NOT ({})", predicate(dice, focus, class, depth - 1)),
        9 => (*dice.pick(&["TRUEPREDICATE", "FALSEPREDICATE"])).to_owned(),
        _ => comparison(dice, focus, class),
    }
}
