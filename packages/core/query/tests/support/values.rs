//! Values as the vectors write them: plain JSON, or an object whose only name says the type.

use serde_json::Value as Json;
use tidemark_changeset::{Decimal, Link, ObjectId, PrimaryKey, Timestamp, Uuid, Value};
use tidemark_query::{Argument, GeoShape};

/// A value in the tagged form of the vectors.
pub fn scalar(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(value) => Value::Int(value.as_i64().unwrap()),
        Json::String(value) => Value::String(value.as_str().into()),
        Json::Object(entries) => {
            let (tag, body) = entries.iter().next().unwrap();
            if tag == "$link" {
                let class = body[0].as_str().unwrap();
                return Value::Link(Box::new(Link {
                    class: class.into(),
                    key: to_key(&scalar(&body[1])),
                }));
            }
            tagged(tag, body.as_str().unwrap())
        }
        Json::Array(_) => panic!("an array is no value"),
    }
}

/// The key that a value is.
pub fn to_key(value: &Value) -> PrimaryKey {
    match value {
        Value::Null => PrimaryKey::Null,
        Value::Int(value) => PrimaryKey::Int(*value),
        Value::String(value) => PrimaryKey::String(value.clone()),
        Value::ObjectId(value) => PrimaryKey::ObjectId(*value),
        Value::Uuid(value) => PrimaryKey::Uuid(*value),
        other => panic!("no key: {other:?}"),
    }
}

fn tagged(tag: &str, text: &str) -> Value {
    match tag {
        "$int" => Value::Int(text.parse().unwrap()),
        "$float" => Value::Float(text.parse().unwrap()),
        "$double" => Value::Double(text.parse().unwrap()),
        "$decimal" => Value::Decimal(decimal(text)),
        "$binary" => Value::Binary(base64(text).into()),
        "$date" => {
            let (seconds, nanoseconds) = text.split_once(':').unwrap();
            Value::Timestamp(Timestamp {
                seconds: seconds.parse().unwrap(),
                nanoseconds: nanoseconds.parse().unwrap(),
            })
        }
        "$oid" => Value::ObjectId(ObjectId(hex(text).try_into().unwrap())),
        "$uuid" => Value::Uuid(Uuid(hex(&text.replace('-', "")).try_into().unwrap())),
        other => panic!("tag {other}"),
    }
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

fn base64(text: &str) -> Vec<u8> {
    let (mut bytes, mut buffer, mut bits) = (Vec::new(), 0_u32, 0);
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let sextet = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        buffer = (buffer << 6) | u32::from(sextet);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((buffer >> bits) & 0xff).unwrap());
        }
    }
    bytes
}

fn decimal(text: &str) -> Decimal {
    let (negative, body) = match text.strip_prefix('-') {
        Some(body) => (true, body),
        None => (false, text),
    };
    if body.eq_ignore_ascii_case("nan") {
        return Decimal {
            coefficient: 0,
            exponent: 9696,
            negative,
        };
    }
    if body.to_ascii_lowercase().starts_with("inf") {
        return Decimal {
            coefficient: 0,
            exponent: 9184,
            negative,
        };
    }
    let body = body.to_ascii_lowercase();
    let (mantissa, exponent) = body.split_once('e').unwrap_or((&body, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    Decimal {
        coefficient: format!("{whole}{fraction}").parse().unwrap(),
        exponent: exponent.parse::<i32>().unwrap() - i32::try_from(fraction.len()).unwrap(),
        negative,
    }
}

/// An argument of a case.
pub fn argument(json: &Json) -> Argument {
    if let Some(list) = json.get("$list").and_then(Json::as_array) {
        return Argument::List(list.iter().map(scalar).collect());
    }
    let point = |json: &Json| [json[0].as_f64().unwrap(), json[1].as_f64().unwrap()];
    if let Some(shape) = json.get("$geobox") {
        return Argument::Geo(GeoShape::Box(point(&shape[0]), point(&shape[1])));
    }
    if let Some(shape) = json.get("$geocircle") {
        return Argument::Geo(GeoShape::Circle(
            point(&shape[0]),
            shape[1].as_f64().unwrap(),
        ));
    }
    if let Some(shape) = json.get("$geopolygon").and_then(Json::as_array) {
        let ring = |ring: &Json| ring.as_array().unwrap().iter().map(point).collect();
        return Argument::Geo(GeoShape::Polygon(shape.iter().map(ring).collect()));
    }
    Argument::Value(scalar(json))
}
