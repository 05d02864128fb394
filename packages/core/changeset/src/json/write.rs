//! Values and instructions → JSON.

use serde_json::{Map, Value as Json, json};

use super::to_hex;
use crate::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, Link, Name, PathElement, Payload,
    PrimaryKey, TableSpec, Target, Text, UpdateKind, Uuid, Value,
};

/// The name of a collection kind: `single list dictionary set`.
pub fn collection_name(kind: CollectionKind) -> &'static str {
    match kind {
        CollectionKind::Single => "single",
        CollectionKind::List => "list",
        CollectionKind::Dictionary => "dictionary",
        CollectionKind::Set => "set",
    }
}

/// The name of a column type.
pub fn column_type_name(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Mixed => "mixed",
        ColumnType::Int => "int",
        ColumnType::Bool => "bool",
        ColumnType::String => "string",
        ColumnType::Binary => "binary",
        ColumnType::Timestamp => "timestamp",
        ColumnType::Float => "float",
        ColumnType::Double => "double",
        ColumnType::Decimal => "decimal",
        ColumnType::Link => "link",
        ColumnType::ObjectId => "objectId",
        ColumnType::Uuid => "uuid",
        ColumnType::Set => "set",
        ColumnType::List => "list",
        ColumnType::Erased => "erased",
        ColumnType::Dictionary => "dictionary",
        ColumnType::Object => "object",
        ColumnType::GlobalKey => "globalKey",
    }
}

/// The name of a primary key type.
pub fn key_type_name(key_type: KeyType) -> &'static str {
    match key_type {
        KeyType::GlobalKey => "globalKey",
        KeyType::Int => "int",
        KeyType::String => "string",
        KeyType::ObjectId => "objectId",
        KeyType::Uuid => "uuid",
    }
}

/// A name: a string, or `{"hex"}` if it is not UTF-8.
pub fn name_to_json(name: &Name) -> Json {
    match name.as_str() {
        Some(text) => json!(text),
        None => json!({ "hex": to_hex(name.as_bytes()) }),
    }
}

fn text_to_json(text: &Text) -> Json {
    match text.as_str() {
        Some(text) => json!({ "string": text }),
        None => json!({ "stringHex": to_hex(text.as_bytes()) }),
    }
}

fn uuid_text(uuid: &Uuid) -> String {
    let hex = to_hex(&uuid.0);
    let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    let parts: Vec<&str> = parts
        .iter()
        .filter_map(|(start, end)| hex.get(*start..*end))
        .collect();
    parts.join("-")
}

/// Rust's shortest digits, with an exponent where JavaScript would write one.
fn number_text(scientific: &str, plain: String) -> String {
    let exponent = scientific
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse::<i32>().ok());
    match exponent {
        Some(exponent) if exponent >= 21 => scientific.replace('e', "e+"),
        Some(exponent) if exponent < -6 => scientific.to_owned(),
        _ => plain,
    }
}

fn float_to_json(value: f32) -> Json {
    if value.is_finite() {
        json!({ "float": number_text(&format!("{value:e}"), value.to_string()) })
    } else {
        json!({ "floatBits": format!("{:08x}", value.to_bits()) })
    }
}

fn double_to_json(value: f64) -> Json {
    if value.is_finite() {
        json!({ "double": number_text(&format!("{value:e}"), value.to_string()) })
    } else {
        json!({ "doubleBits": format!("{:016x}", value.to_bits()) })
    }
}

fn link_to_json(link: &Link) -> Json {
    json!({ "link": { "table": name_to_json(&link.class), "pk": key_to_json(&link.key) } })
}

/// A value.
pub fn value_to_json(value: &Value) -> Json {
    match value {
        Value::Null => json!({ "null": true }),
        Value::Int(value) => json!({ "int": value.to_string() }),
        Value::Bool(value) => json!({ "bool": value }),
        Value::String(text) => text_to_json(text),
        Value::Binary(bytes) => json!({ "binary": to_hex(bytes) }),
        Value::Timestamp(time) => {
            json!({ "timestamp": [time.seconds.to_string(), time.nanoseconds.to_string()] })
        }
        Value::Float(value) => float_to_json(*value),
        Value::Double(value) => double_to_json(*value),
        Value::Decimal(decimal) => json!({ "decimal": {
            "coefficient": decimal.coefficient.to_string(),
            "exponent": decimal.exponent,
            "negative": decimal.negative,
        } }),
        Value::Link(link) => link_to_json(link),
        Value::ObjectId(id) => json!({ "objectId": to_hex(&id.0) }),
        Value::Uuid(id) => json!({ "uuid": uuid_text(id) }),
    }
}

/// A primary key.
pub fn key_to_json(key: &PrimaryKey) -> Json {
    match key {
        PrimaryKey::Null => json!({ "null": true }),
        PrimaryKey::Int(value) => json!({ "int": value.to_string() }),
        PrimaryKey::String(text) => text_to_json(text),
        PrimaryKey::GlobalKey(high, low) => {
            json!({ "globalKey": [high.to_string(), low.to_string()] })
        }
        PrimaryKey::ObjectId(id) => json!({ "objectId": to_hex(&id.0) }),
        PrimaryKey::Uuid(id) => json!({ "uuid": uuid_text(id) }),
    }
}

/// A value or marker.
pub fn payload_to_json(payload: &Payload) -> Json {
    let marker = match payload {
        Payload::Value(value) => return value_to_json(value),
        Payload::Object => "object",
        Payload::Dictionary => "dictionary",
        Payload::Erased => "erased",
        Payload::List => "list",
        Payload::Set => "set",
    };
    json!({ "marker": marker })
}

/// An instruction.
pub fn instruction_to_json(instruction: &Instruction) -> Json {
    let mut members = Members(Map::new());
    members.put("op", json!(op_name(instruction)));
    members.put("table", name_to_json(instruction.class()));
    if let Some((_, key)) = instruction.object() {
        members.put("pk", key_to_json(key));
    }
    if let Some(target) = instruction.target() {
        members.target(target);
    }
    match instruction {
        Instruction::AddTable { spec, .. } => members.put("spec", table_spec(spec)),
        Instruction::AddColumn { field, spec, .. } => {
            members.put("field", name_to_json(field));
            members.column(spec);
        }
        Instruction::EraseColumn { field, .. } => members.put("field", name_to_json(field)),
        Instruction::Update { value, kind, .. } => {
            members.put("value", payload_to_json(value));
            match kind {
                UpdateKind::Element { prior_size } => members.put("priorSize", json!(prior_size)),
                UpdateKind::Property { is_default } => members.put("isDefault", json!(is_default)),
            }
        }
        Instruction::AddInteger { delta, .. } => members.put("delta", json!(delta.to_string())),
        Instruction::ArrayInsert {
            value, prior_size, ..
        } => {
            members.put("value", payload_to_json(value));
            members.put("priorSize", json!(prior_size));
        }
        Instruction::ArrayMove { to, prior_size, .. } => {
            members.put("to", json!(to));
            members.put("priorSize", json!(prior_size));
        }
        Instruction::ArrayErase { prior_size, .. } => members.put("priorSize", json!(prior_size)),
        Instruction::Clear { collection, .. } => {
            members.put("collectionType", json!(collection_name(*collection)));
        }
        Instruction::SetInsert { value, .. } | Instruction::SetErase { value, .. } => {
            members.put("value", payload_to_json(value));
        }
        Instruction::EraseTable { .. }
        | Instruction::CreateObject { .. }
        | Instruction::EraseObject { .. } => {}
    }
    Json::Object(members.0)
}

fn op_name(instruction: &Instruction) -> &'static str {
    match instruction {
        Instruction::AddTable { .. } => "AddTable",
        Instruction::EraseTable { .. } => "EraseTable",
        Instruction::AddColumn { .. } => "AddColumn",
        Instruction::EraseColumn { .. } => "EraseColumn",
        Instruction::CreateObject { .. } => "CreateObject",
        Instruction::EraseObject { .. } => "EraseObject",
        Instruction::Update { .. } => "Update",
        Instruction::AddInteger { .. } => "AddInteger",
        Instruction::ArrayInsert { .. } => "ArrayInsert",
        Instruction::ArrayMove { .. } => "ArrayMove",
        Instruction::ArrayErase { .. } => "ArrayErase",
        Instruction::Clear { .. } => "Clear",
        Instruction::SetInsert { .. } => "SetInsert",
        Instruction::SetErase { .. } => "SetErase",
    }
}

fn table_spec(spec: &TableSpec) -> Json {
    match spec {
        TableSpec::Embedded => json!({ "kind": "embedded" }),
        TableSpec::TopLevel {
            key_field,
            key_type,
            key_nullable,
            asymmetric,
        } => json!({
            "kind": if *asymmetric { "asymmetric" } else { "top" },
            "pkField": name_to_json(key_field),
            "pkType": key_type_name(*key_type),
            "pkNullable": key_nullable,
        }),
    }
}

/// The members of an instruction in the making.
struct Members(Map<String, Json>);

impl Members {
    fn put(&mut self, name: &str, value: Json) {
        self.0.insert(name.to_owned(), value);
    }

    fn target(&mut self, target: &Target) {
        self.put("field", name_to_json(&target.field));
        let path = target.path.iter().map(|element| match element {
            PathElement::Index(index) => json!(index),
            PathElement::Key(key) => name_to_json(key),
        });
        self.put("path", path.collect());
    }

    fn column(&mut self, spec: &ColumnSpec) {
        self.put("type", json!(column_type_name(spec.column_type)));
        self.put("nullable", json!(spec.nullable));
        self.put("collectionType", json!(collection_name(spec.collection)));
        if let Some(target) = &spec.target {
            self.put("target", name_to_json(target));
        }
        if let Some(key_type) = spec.key_type {
            self.put("keyType", json!(column_type_name(key_type)));
        }
    }
}
