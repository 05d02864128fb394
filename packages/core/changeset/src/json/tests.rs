use serde_json::{Value as Json, json};

use super::*;
use crate::Value;

#[test]
fn floats_are_written_as_the_vectors_do() {
    let double = |value: f64| value_to_json(&Value::Double(value));
    for (value, text) in [
        (-0.0, "-0"),
        (1.5, "1.5"),
        (0.1, "0.1"),
        (1e21, "1e+21"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e+308"),
        (9_007_199_254_740_992.0, "9007199254740992"),
    ] {
        assert_eq!(double(value), json!({ "double": text }));
        assert_eq!(value_from_json(&double(value)), Ok(Value::Double(value)));
    }
    assert_eq!(
        value_to_json(&Value::Float(f32::MAX)),
        json!({ "float": "3.4028235e+38" })
    );
    assert_eq!(
        double(f64::INFINITY),
        json!({ "doubleBits": "7ff0000000000000" })
    );
    let nan = f32::from_bits(0x7fc0_0001);
    assert_eq!(
        value_from_json(&value_to_json(&Value::Float(nan))),
        Ok(Value::Float(nan))
    );
}

#[test]
fn instructions_survive_the_round_trip() {
    let forms = [
        json!({ "op": "AddTable", "table": "T", "spec": { "kind": "embedded" } }),
        json!({ "op": "AddTable", "table": "T", "spec": {
            "kind": "asymmetric", "pkField": "_id", "pkType": "objectId", "pkNullable": true } }),
        json!({ "op": "AddColumn", "table": "T", "field": { "hex": "ff" }, "type": "link", "nullable": true,
            "collectionType": "dictionary", "target": "U", "keyType": "string" }),
        json!({ "op": "Update", "table": "T", "pk": { "globalKey": ["18446744073709551615", "5"] },
            "field": "f",
            "path": [0, "key"], "value": { "stringHex": "c328" }, "isDefault": true }),
        json!({ "op": "Update", "table": "T", "pk": { "null": true }, "field": "f",
            "path": ["key", 4_294_967_295_u32],
            "value": { "marker": "set" }, "priorSize": 3 }),
        json!({ "op": "ArrayMove", "table": "T", "pk": { "uuid": "00112233-4455-6677-8899-aabbccddeeff" },
            "field": "f", "path": [1], "to": 2, "priorSize": 3 }),
        json!({ "op": "SetErase", "table": "T", "pk": { "string": "k" }, "field": "f", "path": [],
            "value": { "link": { "table": "U", "pk": { "objectId": "000102030405060708090a0b" } } } }),
        json!({ "op": "AddInteger", "table": "T", "pk": { "int": "-1" }, "field": "f", "path": [],
            "delta": "-9223372036854775808" }),
        json!({ "op": "Clear", "table": "T", "pk": { "int": "1" }, "field": "f", "path": [],
            "collectionType": "single" }),
    ];
    for form in forms {
        let instruction = instruction_from_json(&form).expect("well-formed");
        assert_eq!(instruction_to_json(&instruction), form);
    }
    assert!(instruction_from_json(&json!({ "op": "Nothing", "table": "T" })).is_err());
    assert!(value_from_json(&Json::Null).is_err());
    assert!(value_from_json(&json!({ "int": "1", "bool": true })).is_err());
}
