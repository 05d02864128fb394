//! What instructions say of the data model, in words without names and values, by which vectors and
//! histories show that they have come by all of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use tidemark_changeset::{
    CollectionKind, ColumnType, Instruction, PathElement, Payload, PrimaryKey, TableSpec, Target,
    Value,
};
use tidemark_model::{Column, Schema};

/// The types of columns.
pub const TYPES: [ColumnType; 12] = [
    ColumnType::Mixed,
    ColumnType::Int,
    ColumnType::Bool,
    ColumnType::String,
    ColumnType::Binary,
    ColumnType::Timestamp,
    ColumnType::Float,
    ColumnType::Double,
    ColumnType::Decimal,
    ColumnType::Link,
    ColumnType::ObjectId,
    ColumnType::Uuid,
];
/// What a column holds of its type.
pub const COLLECTIONS: [CollectionKind; 4] = [
    CollectionKind::Single,
    CollectionKind::List,
    CollectionKind::Dictionary,
    CollectionKind::Set,
];
/// Kinds of values, as [`words`] says them: what a mixed value may be.
const KINDS: [&str; 12] = [
    "Null",
    "Int",
    "Bool",
    "String",
    "Binary",
    "Timestamp",
    "Float",
    "Double",
    "Decimal",
    "Link",
    "ObjectId",
    "Uuid",
];
/// Levels of collections inside each other that are told apart; what is deeper counts as the last.
const DEPTH_MAX: usize = 4;

/// Lines of words.
pub type Said = BTreeSet<String>;

/// A kind of value by its name, and what belongs to it.
type Special = (&'static str, fn(&Value) -> bool);

/// Values at an end of what their type holds, or that are easily mistaken for others.
const SPECIAL: [Special; 20] = [
    ("greatest int", |value| *value == Value::Int(i64::MAX)),
    ("smallest int", |value| *value == Value::Int(i64::MIN)),
    ("int that no double holds", |value| {
        *value == Value::Int((1 << 53) + 1)
    }),
    ("empty string", |value| {
        string(value).is_some_and(<[u8]>::is_empty)
    }),
    ("long string", |value| {
        string(value).is_some_and(|text| text.len() > 256)
    }),
    ("string with a zero", |value| {
        string(value).is_some_and(|text| text.contains(&0))
    }),
    ("astral string", |value| {
        string(value).is_some_and(|text| text.first() >= Some(&0xf0))
    }),
    (
        "empty binary",
        |value| matches!(value, Value::Binary(bytes) if bytes.is_empty()),
    ),
    (
        "long binary",
        |value| matches!(value, Value::Binary(bytes) if bytes.len() > 256),
    ),
    (
        "nanoseconds before 1970",
        |value| matches!(value, Value::Timestamp(time) if time.nanoseconds < 0),
    ),
    (
        "float NaN",
        |value| matches!(value, Value::Float(number) if number.to_bits() == 0x7fc0_0000),
    ),
    (
        "another float NaN",
        |value| matches!(value, Value::Float(number) if number.is_nan()),
    ),
    (
        "float infinity",
        |value| matches!(value, Value::Float(number) if number.is_infinite()),
    ),
    (
        "double NaN",
        |value| matches!(value, Value::Double(number) if number.to_bits() == 0x7ff8 << 48),
    ),
    (
        "another double NaN",
        |value| matches!(value, Value::Double(number) if number.is_nan()),
    ),
    (
        "double infinity",
        |value| matches!(value, Value::Double(number) if number.is_infinite()),
    ),
    (
        "negative zero",
        |value| matches!(value, Value::Double(number) if number.to_bits() == 1 << 63),
    ),
    (
        "decimal NaN",
        |value| matches!(value, Value::Decimal(number) if number.is_nan()),
    ),
    (
        "decimal infinity",
        |value| matches!(value, Value::Decimal(number) if number.is_infinite()),
    ),
    (
        "decimal of 34 digits",
        |value| matches!(value, Value::Decimal(number) if number.coefficient >= 10_u128.pow(33)),
    ),
];

fn string(value: &Value) -> Option<&[u8]> {
    match value {
        Value::String(text) => Some(text.as_bytes()),
        _ => None,
    }
}

/// What an instruction says under a schema.
pub fn words(schema: &Schema, instruction: &Instruction) -> Vec<String> {
    let one = |operation: &str, target: &Target, payload: Option<&Payload>| {
        let Some((collection, place)) = place(schema, target) else {
            return Vec::new();
        };
        let kind = payload.map(kind).unwrap_or_default();
        let mut told = vec![format!("{operation} {kind} {place}")];
        if let Some(Payload::Value(value)) = payload.filter(|_| operation != "SetErase") {
            let special = SPECIAL.iter().find(|(_, is)| is(value));
            told.extend(special.map(|(name, _)| format!("{name} in {collection:?}")));
        }
        told
    };
    match instruction {
        Instruction::AddTable { spec, .. } => vec![table(spec)],
        Instruction::CreateObject { key, .. } => vec![format!("CreateObject {}", key_kind(key))],
        Instruction::EraseObject { key, .. } => vec![format!("EraseObject {}", key_kind(key))],
        Instruction::Update { target, value, .. } => one("Update", target, Some(value)),
        Instruction::AddInteger { target, .. } => one("AddInteger", target, None),
        Instruction::ArrayInsert { target, value, .. } => one("ArrayInsert", target, Some(value)),
        Instruction::ArrayMove { target, .. } => one("ArrayMove", target, None),
        Instruction::ArrayErase { target, .. } => one("ArrayErase", target, None),
        Instruction::Clear { target, .. } => one("Clear", target, None),
        Instruction::SetInsert { target, value } => one("SetInsert", target, Some(value)),
        Instruction::SetErase { target, value } => one("SetErase", target, Some(value)),
        _ => Vec::new(),
    }
}

fn table(spec: &TableSpec) -> String {
    match spec {
        TableSpec::Embedded => "AddTable embedded".to_owned(),
        TableSpec::TopLevel {
            asymmetric: true, ..
        } => "AddTable asymmetric".to_owned(),
        TableSpec::TopLevel {
            key_type,
            key_nullable,
            ..
        } => {
            format!("AddTable {key_type:?}{}", mark(*key_nullable))
        }
    }
}

/// The mark of what may be null.
fn mark(nullable: bool) -> &'static str {
    if nullable { "?" } else { "" }
}

/// Where an instruction is at work, such as `List Int? in an embedded object` or `Single Mixed?
/// nested 2 entry`.
fn place(schema: &Schema, target: &Target) -> Option<(CollectionKind, String)> {
    let class = schema.class(&target.class)?;
    let mut column = class.columns.get(class.column_index(&target.field)?)?;
    let mut path = target.path.as_slice();
    let mut within = if class.is_asymmetric() {
        " of an asymmetric class"
    } else {
        ""
    };
    while let Some(embedded) = schema.embedded_target(column) {
        let steps = usize::from(column.collection != CollectionKind::Single);
        let Some(PathElement::Key(field)) = path.get(steps) else {
            break;
        };
        path = path.get(steps + 1..)?;
        column = embedded.columns.get(embedded.column_index(field)?)?;
        within = " in an embedded object";
    }
    let mut text = shape(schema, column);
    text.push_str(within);
    let own = usize::from(column.collection != CollectionKind::Single);
    if path.len() > own {
        let last = if matches!(path.last(), Some(PathElement::Index(_))) {
            "element"
        } else {
            "entry"
        };
        let depth = (path.len() - own).min(DEPTH_MAX);
        let _ = write!(text, " nested {depth} {last}");
    }
    Some((column.collection, text))
}

fn shape(schema: &Schema, column: &Column) -> String {
    let Column {
        collection,
        column_type,
        nullable,
        ..
    } = column;
    match schema.embedded_target(column) {
        Some(_) => format!("{collection:?} Embedded"),
        None => format!("{collection:?} {column_type:?}{}", mark(*nullable)),
    }
}

fn kind(payload: &Payload) -> String {
    match payload {
        Payload::Value(value) => variant(value),
        marker => variant(marker),
    }
}

fn key_kind(key: &PrimaryKey) -> String {
    variant(key)
}

/// The name of an enum's variant.
fn variant(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    let end = text
        .find(|c: char| !c.is_alphanumeric())
        .unwrap_or(text.len());
    text[..end].to_owned()
}

/// Whether columns of a type may be null: each way that there is.
fn nullability(column_type: ColumnType, collection: CollectionKind) -> &'static [bool] {
    match (column_type, collection) {
        (ColumnType::Mixed, _)
        | (ColumnType::Link, CollectionKind::Single | CollectionKind::Dictionary) => &[true],
        (ColumnType::Link, _) => &[false],
        _ => &[false, true],
    }
}

/// Each way to put a value into a kind of property; the first one adds it.
fn writes(collection: CollectionKind) -> &'static [&'static str] {
    match collection {
        CollectionKind::List => &["ArrayInsert", "Update"],
        CollectionKind::Set => &["SetInsert", "SetErase"],
        _ => &["Update"],
    }
}

/// What is done with a kind of property without a value.
fn others(collection: CollectionKind) -> &'static [&'static str] {
    match collection {
        CollectionKind::Single => &[],
        CollectionKind::List => &["ArrayMove ", "ArrayErase ", "Clear "],
        CollectionKind::Dictionary => &["Update Erased", "Clear "],
        CollectionKind::Set => &["Clear "],
    }
}

/// Each kind of column: type, what it holds, whether it may be null, and how [`words`] calls it.
fn columns() -> impl Iterator<Item = (ColumnType, CollectionKind, bool, String)> {
    let shapes = TYPES
        .into_iter()
        .flat_map(|column_type| COLLECTIONS.map(|collection| (column_type, collection)));
    shapes.flat_map(|(column_type, collection)| {
        nullability(column_type, collection)
            .iter()
            .map(move |nullable| {
                let shape = format!("{collection:?} {column_type:?}{}", mark(*nullable));
                (column_type, collection, *nullable, shape)
            })
    })
}

/// What so many random histories have to do at least: a value into each kind of column, each odd
/// value into each kind of property, each kind of key, embedded objects and counters.
pub fn of_histories() -> Said {
    let own = columns().map(|(column_type, collection, _, shape)| {
        let value = match column_type {
            ColumnType::Mixed => "Int".to_owned(),
            _ => variant(&column_type),
        };
        format!("{} {value} {shape}", writes(collection)[0])
    });
    let special = SPECIAL
        .iter()
        .flat_map(|(name, _)| COLLECTIONS.map(|collection| format!("{name} in {collection:?}")));
    let keys = ["Int", "String", "ObjectId", "Uuid", "Null"];
    let keys = keys
        .into_iter()
        .flat_map(|key| [format!("CreateObject {key}"), format!("EraseObject {key}")]);
    let counters =
        ["Single Int", "Single Int?", "Single Mixed?"].map(|shape| format!("AddInteger  {shape}"));
    own.chain(special)
        .chain(keys)
        .chain(counters)
        .chain(OF_EMBEDDED.map(str::to_owned))
        .collect()
}

/// All that has to be done.
pub fn everything() -> Said {
    let mut said = Said::new();
    for (column_type, collection, nullable, shape) in columns() {
        let own = variant(&column_type);
        let values: Vec<&str> = match column_type {
            ColumnType::Mixed => KINDS.to_vec(),
            _ if nullable => vec![&own, "Null"],
            _ => vec![&own],
        };
        for operation in writes(collection) {
            said.extend(
                values
                    .iter()
                    .map(|value| format!("{operation} {value} {shape}")),
            );
        }
        said.extend(
            others(collection)
                .iter()
                .map(|operation| format!("{operation} {shape}")),
        );
        if nullable || column_type == ColumnType::Link {
            let (operation, value) = (writes(collection)[0], values[0]);
            said.insert(format!("{operation} {value} {shape} in an embedded object"));
            said.insert(format!(
                "{operation} {value} {shape} of an asymmetric class"
            ));
        }
    }
    said.extend(
        SPECIAL.iter().flat_map(|(name, _)| {
            COLLECTIONS.map(|collection| format!("{name} in {collection:?}"))
        }),
    );
    for key in ["Int", "String", "ObjectId", "Uuid", "Null"] {
        said.extend([format!("CreateObject {key}"), format!("EraseObject {key}")]);
    }
    for shape in ["Single Int", "Single Int?", "Single Mixed?"] {
        said.extend(
            ["", " in an embedded object"].map(|within| format!("AddInteger  {shape}{within}")),
        );
    }
    said.extend(OF_EMBEDDED.map(str::to_owned));
    said.extend(
        NESTED.map(|(operation, place)| format!("{operation} Single Mixed? nested {place}")),
    );
    said.extend(KINDS.map(|kind| format!("Update {kind} Single Mixed? nested {DEPTH_MAX} entry")));
    said
}

const OF_EMBEDDED: [&str; 10] = [
    "AddTable asymmetric",
    "AddTable embedded",
    "Update Object Single Embedded",
    "Update Null Single Embedded",
    "ArrayInsert Object List Embedded",
    "ArrayErase  List Embedded",
    "Clear  List Embedded",
    "Update Object Dictionary Embedded",
    "Update Erased Dictionary Embedded",
    "Clear  Dictionary Embedded",
];

const NESTED: [(&str, &str); 12] = [
    ("ArrayInsert Int", "1 element"),
    ("Update Int", "1 element"),
    ("ArrayErase ", "1 element"),
    ("ArrayMove ", "1 element"),
    ("ArrayInsert List", "2 element"),
    ("ArrayInsert Dictionary", "2 element"),
    ("Clear ", "2 element"),
    ("Clear ", "2 entry"),
    ("Update Int", "2 entry"),
    ("Update Erased", "2 entry"),
    ("Update List", "2 entry"),
    ("Update Dictionary", "2 entry"),
];

/// All that has to be refused: null where it may not be, and what no property holds.
pub fn everything_refused() -> Said {
    let mut said = Said::new();
    for (_, collection, nullable, shape) in columns() {
        for operation in writes(collection) {
            said.insert(format!("{operation} Set {shape}"));
            if !nullable {
                said.insert(format!("{operation} Null {shape}"));
            }
        }
    }
    said
}
