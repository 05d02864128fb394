//! Two devices that wrote offline; one has uploaded, the other one gets everything in one DOWNLOAD.
//!
//! What is measured is the receiving store's part: parse, merge, apply, commit. Both write over memory. Where
//! the workloads ask for objects without primary keys, the two devices use keys that never meet.

use tidemark_changeset::{Link, Payload, PrimaryKey, Value};

use crate::Bench;
use crate::device::{InMemory, in_memory, property};

const SCHEMA: &str = r#"[
  {"name":"Thing","kind":"top","primaryKey":{"name":"_id","type":"int","nullable":false},"columns":[
    {"name":"text","type":"string","nullable":false},
    {"name":"number","type":"int","nullable":false}]}]"#;

const CONNECTED: &str = r#"[
  {"name":"Thing","kind":"top","primaryKey":{"name":"_id","type":"string","nullable":false},"columns":[
    {"name":"to","type":"link","nullable":true,"target":"Thing"}]}]"#;

const TEXT: u16 = 0;
const NUMBER: u16 = 1;

pub fn measure(bench: &mut Bench) {
    for full in [100, 500, 1_000, 2_000, 4_000, 8_000, 16_000] {
        let count = i64::from(bench.count(full));
        merge(
            bench,
            &format!("core-merge-transactions-{full}"),
            SCHEMA,
            |device, first| transactions(device, first, count),
        );
    }
    for full in [1_000, 2_000, 4_000, 8_000, 16_000] {
        let count = i64::from(bench.count(full));
        merge(
            bench,
            &format!("core-merge-instructions-{full}"),
            SCHEMA,
            |device, first| instructions(device, first, count),
        );
    }
    let count = bench.count(1_000);
    merge(bench, "core-merge-connected", CONNECTED, |device, _| {
        connected(device, count);
    });
}

/// `write` is told the first key that a device may use.
fn merge(bench: &mut Bench, name: &str, schema: &str, write: impl Fn(&InMemory, i64)) {
    bench.measure(name, || {
        let (mut receiver, sender) = (in_memory(schema), in_memory(schema));
        write(&receiver, 0);
        write(&sender, 1 << 40);
        let download = receiver.download_from(&sender);
        receiver.integrate(&download)
    });
}

/// Transactions that create an object with a text of 500 bytes each; each fourth deletes the first object.
fn transactions(device: &InMemory, first: i64, count: i64) {
    let text = Payload::Value(Value::String("x".repeat(500).into()));
    let mut objects = std::collections::VecDeque::new();
    for at in 1..count {
        device.write(|write| {
            let key = PrimaryKey::Int(first + at);
            let (object, _) = write.create(0, &key, false).expect("a new key");
            let place = property(object, TEXT);
            write.set(&place, false, &text).expect("assignable");
            objects.push_back(object);
            if at % 4 == 0
                && let Some(oldest) = objects.pop_front()
            {
                write.erase(0, oldest).expect("an object");
            }
        });
    }
}

/// One transaction that creates objects and assigns a number; each fourth time it deletes the first object.
fn instructions(device: &InMemory, first: i64, count: i64) {
    let number = Payload::Value(Value::Int(123));
    let mut objects = std::collections::VecDeque::new();
    device.write(|write| {
        for at in 1..=count {
            let key = PrimaryKey::Int(first + at);
            let (object, _) = write.create(0, &key, false).expect("a new key");
            let place = property(object, NUMBER);
            write.set(&place, false, &number).expect("assignable");
            objects.push_back(object);
            if at % 4 == 0
                && let Some(oldest) = objects.pop_front()
            {
                write.erase(0, oldest).expect("an object");
            }
        }
    });
}

/// One transaction that creates an object and many that link to it, with the same keys on both devices.
fn connected(device: &InMemory, count: u32) {
    device.write(|write| {
        let hello = PrimaryKey::String("Hello".into());
        write.create(0, &hello, false).expect("a new key");
        let link = Payload::Value(Value::Link(Box::new(Link {
            class: "Thing".into(),
            key: hello,
        })));
        for at in 0..count {
            let key = PrimaryKey::String(at.to_string().into());
            let (object, _) = write.create(0, &key, false).expect("a new key");
            let place = property(object, 0);
            write.set(&place, false, &link).expect("assignable");
        }
    });
}
