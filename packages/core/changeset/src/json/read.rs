//! JSON → values and instructions.

use std::str::FromStr;
use std::sync::Arc;

use serde_json::Value as Json;

use super::{JsonError, from_hex};
use crate::{
    CollectionKind, ColumnSpec, ColumnType, Decimal, Instruction, KeyType, Link, Name, ObjectId,
    PathElement, Payload, PrimaryKey, TableSpec, Target, Text, Timestamp, UpdateKind, Uuid, Value,
};

type Result<T> = std::result::Result<T, JsonError>;

fn unexpected(expected: &'static str, found: &Json) -> JsonError {
    JsonError {
        expected,
        found: found.to_string().chars().take(100).collect(),
    }
}

fn member<'a>(json: &'a Json, name: &'static str) -> Result<&'a Json> {
    json.get(name).ok_or_else(|| unexpected(name, json))
}

fn text<'a>(json: &'a Json, expected: &'static str) -> Result<&'a str> {
    json.as_str().ok_or_else(|| unexpected(expected, json))
}

fn boolean(json: &Json) -> Result<bool> {
    json.as_bool().ok_or_else(|| unexpected("a boolean", json))
}

fn parsed<T: FromStr>(json: &Json, expected: &'static str) -> Result<T> {
    text(json, expected)?
        .parse()
        .map_err(|_| unexpected(expected, json))
}

fn small(json: &Json) -> Result<u32> {
    json.as_u64()
        .and_then(|number| u32::try_from(number).ok())
        .ok_or_else(|| unexpected("an index or size", json))
}

fn bytes(json: &Json) -> Result<Vec<u8>> {
    from_hex(text(json, "hex text")?).ok_or_else(|| unexpected("hex text", json))
}

fn id<const N: usize>(json: &Json, expected: &'static str) -> Result<[u8; N]> {
    let digits = text(json, expected)?.replace('-', "");
    from_hex(&digits)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| unexpected(expected, json))
}

fn pair<T: FromStr, U: FromStr>(json: &Json, expected: &'static str) -> Result<(T, U)> {
    match json.as_array().map(Vec::as_slice) {
        Some([first, second]) => Ok((parsed(first, expected)?, parsed(second, expected)?)),
        _ => Err(unexpected(expected, json)),
    }
}

/// The float of a shortest decimal text, or of eight hex digits.
fn bits<T>(json: &Json, from_bits: impl FnOnce(u64) -> T) -> Result<T> {
    u64::from_str_radix(text(json, "hex digits")?, 16)
        .map(from_bits)
        .map_err(|_| unexpected("hex digits", json))
}

fn float_from_bits(bits: u64) -> f32 {
    f32::from_bits(u32::try_from(bits & u64::from(u32::MAX)).expect("masked to 32 bits"))
}

/// A name: a string or `{"hex"}`.
pub fn name_from_json(json: &Json) -> Result<Name> {
    match json.as_str() {
        Some(text) => Ok(Name::from(text)),
        None => Ok(Name::from(bytes(member(json, "hex")?)?.as_slice())),
    }
}

/// The only member of an object.
fn tagged(json: &Json) -> Result<(&str, &Json)> {
    match json.as_object() {
        Some(members) if members.len() == 1 => {
            let (tag, content) = members.iter().next().expect("there is one");
            Ok((tag, content))
        }
        _ => Err(unexpected("an object with one member", json)),
    }
}

/// A value.
pub fn value_from_json(json: &Json) -> Result<Value> {
    let (tag, content) = tagged(json)?;
    Ok(match tag {
        "null" => Value::Null,
        "int" => Value::Int(parsed(content, "an integer")?),
        "bool" => Value::Bool(boolean(content)?),
        "string" => Value::String(Text::from(text(content, "a string")?)),
        "stringHex" => Value::String(Text::from(bytes(content)?.as_slice())),
        "binary" => Value::Binary(Arc::from(bytes(content)?)),
        "timestamp" => {
            let (seconds, nanoseconds) = pair(content, "seconds and nanoseconds")?;
            Value::Timestamp(Timestamp {
                seconds,
                nanoseconds,
            })
        }
        "float" => Value::Float(parsed(content, "a float")?),
        "double" => Value::Double(parsed(content, "a double")?),
        "floatBits" => Value::Float(bits(content, float_from_bits)?),
        "doubleBits" => Value::Double(bits(content, f64::from_bits)?),
        "decimal" => Value::Decimal(decimal(content)?),
        "link" => Value::Link(Box::new(Link {
            class: name_from_json(member(content, "table")?)?,
            key: key_from_json(member(content, "pk")?)?,
        })),
        "objectId" => Value::ObjectId(ObjectId(id(content, "24 hex digits")?)),
        "uuid" => Value::Uuid(Uuid(id(content, "a UUID")?)),
        _ => return Err(unexpected("a value", json)),
    })
}

fn decimal(json: &Json) -> Result<Decimal> {
    let exponent = member(json, "exponent")?;
    Ok(Decimal {
        coefficient: parsed(member(json, "coefficient")?, "a coefficient")?,
        exponent: exponent
            .as_i64()
            .and_then(|exponent| i32::try_from(exponent).ok())
            .ok_or_else(|| unexpected("an exponent", exponent))?,
        negative: boolean(member(json, "negative")?)?,
    })
}

/// A primary key.
pub fn key_from_json(json: &Json) -> Result<PrimaryKey> {
    let (tag, content) = tagged(json)?;
    Ok(match tag {
        "null" => PrimaryKey::Null,
        "int" => PrimaryKey::Int(parsed(content, "an integer")?),
        "string" => PrimaryKey::String(Name::from(text(content, "a string")?)),
        "stringHex" => PrimaryKey::String(Name::from(bytes(content)?.as_slice())),
        "globalKey" => {
            let (high, low) = pair(content, "a global key")?;
            PrimaryKey::GlobalKey(high, low)
        }
        "objectId" => PrimaryKey::ObjectId(ObjectId(id(content, "24 hex digits")?)),
        "uuid" => PrimaryKey::Uuid(Uuid(id(content, "a UUID")?)),
        _ => return Err(unexpected("a primary key", json)),
    })
}

/// A value or marker.
pub fn payload_from_json(json: &Json) -> Result<Payload> {
    let Some(marker) = json.get("marker") else {
        return value_from_json(json).map(Payload::Value);
    };
    Ok(match text(marker, "a marker")? {
        "object" => Payload::Object,
        "dictionary" => Payload::Dictionary,
        "erased" => Payload::Erased,
        "list" => Payload::List,
        "set" => Payload::Set,
        _ => return Err(unexpected("a marker", marker)),
    })
}

fn collection(json: &Json) -> Result<CollectionKind> {
    Ok(match text(json, "a collection type")? {
        "single" => CollectionKind::Single,
        "list" => CollectionKind::List,
        "dictionary" => CollectionKind::Dictionary,
        "set" => CollectionKind::Set,
        _ => return Err(unexpected("a collection type", json)),
    })
}

fn column_type(json: &Json) -> Result<ColumnType> {
    Ok(match text(json, "a type")? {
        "mixed" | "null" => ColumnType::Mixed,
        "int" => ColumnType::Int,
        "bool" => ColumnType::Bool,
        "string" => ColumnType::String,
        "binary" => ColumnType::Binary,
        "timestamp" => ColumnType::Timestamp,
        "float" => ColumnType::Float,
        "double" => ColumnType::Double,
        "decimal" => ColumnType::Decimal,
        "link" => ColumnType::Link,
        "objectId" => ColumnType::ObjectId,
        "uuid" => ColumnType::Uuid,
        "set" => ColumnType::Set,
        "list" => ColumnType::List,
        "erased" => ColumnType::Erased,
        "dictionary" => ColumnType::Dictionary,
        "object" => ColumnType::Object,
        "globalKey" => ColumnType::GlobalKey,
        _ => return Err(unexpected("a type", json)),
    })
}

fn key_type(json: &Json) -> Result<KeyType> {
    Ok(match text(json, "a key type")? {
        "globalKey" => KeyType::GlobalKey,
        "int" => KeyType::Int,
        "string" => KeyType::String,
        "objectId" => KeyType::ObjectId,
        "uuid" => KeyType::Uuid,
        _ => return Err(unexpected("a key type", json)),
    })
}

fn table_spec(json: &Json) -> Result<TableSpec> {
    let asymmetric = match text(member(json, "kind")?, "a class kind")? {
        "embedded" => return Ok(TableSpec::Embedded),
        "top" => false,
        "asymmetric" => true,
        _ => return Err(unexpected("a class kind", json)),
    };
    Ok(TableSpec::TopLevel {
        key_field: name_from_json(member(json, "pkField")?)?,
        key_type: key_type(member(json, "pkType")?)?,
        key_nullable: boolean(member(json, "pkNullable")?)?,
        asymmetric,
    })
}

fn column_spec(json: &Json) -> Result<ColumnSpec> {
    Ok(ColumnSpec {
        column_type: column_type(member(json, "type")?)?,
        nullable: boolean(member(json, "nullable")?)?,
        collection: collection(member(json, "collectionType")?)?,
        target: json.get("target").map(name_from_json).transpose()?,
        key_type: json.get("keyType").map(column_type).transpose()?,
    })
}

fn target(json: &Json) -> Result<Target> {
    let path = member(json, "path")?;
    let elements = path.as_array().ok_or_else(|| unexpected("a path", path))?;
    let element = |element: &Json| {
        if element.is_number() {
            small(element).map(PathElement::Index)
        } else {
            name_from_json(element).map(PathElement::Key)
        }
    };
    Ok(Target {
        class: class(json)?,
        key: key(json)?,
        field: field(json)?,
        path: elements.iter().map(element).collect::<Result<_>>()?,
    })
}

fn class(json: &Json) -> Result<Name> {
    name_from_json(member(json, "table")?)
}

fn field(json: &Json) -> Result<Name> {
    name_from_json(member(json, "field")?)
}

fn key(json: &Json) -> Result<PrimaryKey> {
    key_from_json(member(json, "pk")?)
}

fn value(json: &Json) -> Result<Payload> {
    payload_from_json(member(json, "value")?)
}

fn prior_size(json: &Json) -> Result<u32> {
    small(member(json, "priorSize")?)
}

/// An instruction.
pub fn instruction_from_json(json: &Json) -> Result<Instruction> {
    Ok(match text(member(json, "op")?, "an op")? {
        "AddTable" => Instruction::AddTable {
            class: class(json)?,
            spec: table_spec(member(json, "spec")?)?,
        },
        "EraseTable" => Instruction::EraseTable {
            class: class(json)?,
        },
        "AddColumn" => Instruction::AddColumn {
            class: class(json)?,
            field: field(json)?,
            spec: column_spec(json)?,
        },
        "EraseColumn" => Instruction::EraseColumn {
            class: class(json)?,
            field: field(json)?,
        },
        "CreateObject" => Instruction::CreateObject {
            class: class(json)?,
            key: key(json)?,
        },
        "EraseObject" => Instruction::EraseObject {
            class: class(json)?,
            key: key(json)?,
        },
        "Update" => Instruction::Update {
            target: target(json)?,
            value: value(json)?,
            kind: match json.get("priorSize") {
                Some(size) => UpdateKind::Element {
                    prior_size: small(size)?,
                },
                None => UpdateKind::Property {
                    is_default: boolean(member(json, "isDefault")?)?,
                },
            },
        },
        "AddInteger" => Instruction::AddInteger {
            target: target(json)?,
            delta: parsed(member(json, "delta")?, "an integer")?,
        },
        "ArrayInsert" => Instruction::ArrayInsert {
            target: target(json)?,
            value: value(json)?,
            prior_size: prior_size(json)?,
        },
        "ArrayMove" => Instruction::ArrayMove {
            target: target(json)?,
            to: small(member(json, "to")?)?,
            prior_size: prior_size(json)?,
        },
        "ArrayErase" => Instruction::ArrayErase {
            target: target(json)?,
            prior_size: prior_size(json)?,
        },
        "Clear" => Instruction::Clear {
            target: target(json)?,
            collection: collection(member(json, "collectionType")?)?,
        },
        "SetInsert" => Instruction::SetInsert {
            target: target(json)?,
            value: value(json)?,
        },
        "SetErase" => Instruction::SetErase {
            target: target(json)?,
            value: value(json)?,
        },
        _ => return Err(unexpected("an instruction", json)),
    })
}
