//! Codec, bootstrap, and downloads that meet unsynced writes.
//!
//! Class `Item` as everywhere in the benchmarks, with a list of integers more. Integrating is what the store
//! does with a DOWNLOAD: parse, merge with what is not uploaded, apply, commit. Bootstraps go to a file, with
//! all its syncs; the rest goes to memory, since it is about merging.

use std::hint::black_box;
use std::time::Duration;

use tidemark_changeset::{Changeset, Instruction, PathElement, Payload, PrimaryKey, Value, codec};
use tidemark_model::Node;
use tidemark_storage::FileStorage;
use tidemark_store::CLIENT_FORMAT;
use tidemark_store::sync::{BootstrapPart, Subscription};

use crate::device::{
    self, Device, InMemory, NEWER, OLDER, create, element, in_memory, property, target, update,
};
use crate::{Bench, timed, timed_by_clock};

const SCHEMA: &str = r#"[
  {"name":"Item","kind":"top","primaryKey":{"name":"_id","type":"int","nullable":false},"columns":[
    {"name":"name","type":"string","nullable":false},
    {"name":"n","type":"int","nullable":false},
    {"name":"d","type":"double","nullable":false},
    {"name":"b","type":"bool","nullable":false},
    {"name":"t","type":"timestamp","nullable":false},
    {"name":"note","type":"string","nullable":false},
    {"name":"list","type":"int","collection":"list","nullable":false}]}]"#;

const N: u16 = 1;
const LIST: u16 = 6;

pub fn measure(bench: &mut Bench) {
    codec_figures(bench);
    bootstrap(bench);
    updates(bench);
    insertions(bench);
}

/// An object with four properties: five instructions.
fn item(key: i64) -> [Instruction; 5] {
    let half = f64::from(i32::try_from(key).expect("few objects")) / 2.0;
    [
        create("Item", PrimaryKey::Int(key)),
        update(
            "Item",
            key,
            "name",
            Value::String(format!("name-{key}").into()),
        ),
        update("Item", key, "n", Value::Int(key * 7919 % 1000)),
        update("Item", key, "d", Value::Double(half)),
        update("Item", key, "b", Value::Bool(key % 2 == 1)),
    ]
}

fn items(keys: std::ops::Range<i64>) -> Vec<Instruction> {
    keys.flat_map(item).collect()
}

fn codec_figures(bench: &mut Bench) {
    let count = i64::from(bench.count(20_000));
    bench.measure("core-C0-build", || timed(|| black_box(items(0..count))).0);
    let changeset = items(0..count);
    let bytes = codec::encode(&changeset);
    if bench.wants("core-C1-bytes") {
        Bench::figure("core-C1-bytes", "bytes", as_f64(bytes.len()));
    }
    bench.measure("core-C1-encode", || {
        timed(|| black_box(codec::encode(black_box(&changeset)))).0
    });
    bench.measure("core-C2-parse", || {
        let (took, parsed) = timed(|| codec::decode(black_box(&bytes)));
        let Changeset { instructions, .. } = parsed.expect("our own bytes");
        assert_eq!(instructions.len(), changeset.len());
        took
    });
}

fn as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// Many objects into an empty class, stored and durable, then applied and durable: in ten changesets, and in
/// one that goes column by column.
fn bootstrap(bench: &mut Bench) {
    let count = i64::from(bench.count(100_000));
    bench.measure("core-B1-bootstrap", || {
        let parts = (0..10).map(|part| items(part * count / 10..(part + 1) * count / 10));
        in_a_file(&parts.collect::<Vec<_>>(), count)
    });
    bench.measure("core-B1-bootstrap-columns", || {
        let columns = (0..5)
            .flat_map(|column| (0..count).filter_map(move |key| item(key).into_iter().nth(column)));
        in_a_file(&[columns.collect()], count)
    });
}

fn in_a_file(changesets: &[Vec<Instruction>], count: i64) -> Duration {
    let path = std::env::temp_dir().join(format!("tidemark-bench-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let storage = FileStorage::open(&path, CLIENT_FORMAT).expect("a new file");
    let device = Device::new(storage, SCHEMA);
    let took = bootstrap_of(&device, changesets, count);
    drop(device);
    std::fs::remove_file(&path).expect("the file of this run");
    took
}

fn bootstrap_of(
    device: &Device<FileStorage>,
    changesets: &[Vec<Instruction>],
    count: i64,
) -> Duration {
    let subscription = Subscription {
        id: "0123456789abcdef01234567".to_owned(),
        name: None,
        class_name: "Item".to_owned(),
        query: "TRUEPREDICATE".to_owned(),
        created_at_ms: 1,
        updated_at_ms: 1,
    };
    let database = &device.database;
    let query_version = database.commit_subscription_set(vec![subscription], 5);
    let query_version = query_version.expect("a subscription");
    let download = device.download(NEWER, changesets);
    let part = BootstrapPart {
        query_version,
        is_first: true,
        is_last: true,
        progress: device.progress(&download),
        body: &download.body,
    };
    let (took, ()) = timed_by_clock(|| {
        database.store_bootstrap(&part).expect("a good bootstrap");
        while !database.apply_bootstrap(NEWER).expect("applicable").is_done {}
    });
    let snapshot = database.read().expect("a snapshot");
    let found = snapshot.view().count(0).expect("a class");
    assert_eq!(i64::try_from(found), Ok(count));
    took
}

/// A device that has received objects from another one.
fn with_objects(count: i64) -> InMemory {
    let mut device = in_memory(SCHEMA);
    let objects: Vec<_> = (0..count)
        .map(|key| create("Item", PrimaryKey::Int(key)))
        .collect();
    let download = device.download(OLDER, &[objects]);
    device.integrate(&download);
    device.acknowledge();
    device
}

fn find(device: &InMemory, key: i64) -> u64 {
    let snapshot = device.database.read().expect("a snapshot");
    let found = snapshot.view().find(0, &PrimaryKey::Int(key));
    found.expect("readable").expect("an object that was made")
}

fn field(device: &InMemory, key: i64, column: u16) -> Node {
    let snapshot = device.database.read().expect("a snapshot");
    let model = snapshot.view().export().expect("readable");
    let document = model.get(&"Item".into(), &PrimaryKey::Int(key));
    let field = document.and_then(|document| document.field(usize::from(column)));
    field.expect("an object that was made").clone()
}

/// Assigns `n` of the first objects: all in one transaction, or each in one of its own.
fn write_updates(device: &InMemory, count: i64, at_once: bool) {
    let objects: Vec<_> = (0..count).map(|key| (key, find(device, key))).collect();
    let each = if at_once { objects.len() } else { 1 };
    for some in objects.chunks(each) {
        device.write(|write| {
            for (key, object) in some {
                let value = Payload::Value(Value::Int(key + 5));
                let place = property(*object, N);
                write.set(&place, false, &value).expect("assignable");
            }
        });
    }
}

fn updates(bench: &mut Bench) {
    let count = i64::from(bench.count(10_000));
    // Name, whether there are local writes, whether they meet the others, whether each side has one
    // changeset.
    let workloads = [
        ("core-T0", false, false, false),
        ("core-T1", true, false, false),
        ("core-T2", true, true, false),
        ("core-T3", true, false, true),
        ("core-T4", true, true, true),
    ];
    for (name, writes, meets, at_once) in workloads {
        bench.measure(name, || {
            let mut device = with_objects(2 * count);
            if writes {
                write_updates(&device, count, at_once);
            }
            let first = if meets { 0 } else { count };
            let theirs: Vec<_> = (0..count)
                .map(|at| update("Item", first + at, "n", Value::Int(at)))
                .collect();
            let each = if at_once { theirs.len() } else { 1 };
            let changesets: Vec<_> = theirs.chunks(each).map(<[_]>::to_vec).collect();
            let download = device.download(NEWER, &changesets);
            let took = device.integrate(&download);
            let n = |key| field(&device, key, N);
            assert_eq!(n(first + count - 1), Node::Value(Value::Int(count - 1)));
            if writes && !meets {
                assert_eq!(n(0), Node::Value(Value::Int(5)));
            }
            took
        });
    }
}

fn insertion(at: u32) -> Instruction {
    Instruction::ArrayInsert {
        target: target("Item", 0, "list", &[PathElement::Index(0)]),
        value: Payload::Value(Value::Int(-1 - i64::from(at))),
        prior_size: at,
    }
}

/// Both sides insert at the front of one list.
fn insertions(bench: &mut Bench) {
    for (name, count, at_once) in [
        ("core-T5", 1_000, false),
        ("core-T6", 1_000, true),
        ("core-T7", 2_000, false),
    ] {
        let count = bench.count(count);
        bench.measure(name, || {
            let mut device = with_objects(1);
            let object = find(&device, 0);
            let each = if at_once { count as usize } else { 1 };
            let ours: Vec<u32> = (0..count).collect();
            for some in ours.chunks(each) {
                device.write(|write| {
                    for at in some {
                        let value = Payload::Value(Value::Int(i64::from(*at)));
                        let place = element(object, LIST, 0);
                        write.list_insert(&place, &value).expect("insertable");
                    }
                });
            }
            let theirs: Vec<_> = (0..count).map(insertion).collect();
            let changesets: Vec<_> = theirs.chunks(each).map(<[_]>::to_vec).collect();
            let download = device.download(OLDER, &changesets);
            let took = device.integrate(&download);
            expect_theirs_first(&device, count);
            took
        });
    }
}

/// Each side's elements stand together, the newest first, and the older side's are before the others.
fn expect_theirs_first(device: &device::InMemory, count: u32) {
    let Node::List(elements) = field(device, 0, LIST) else {
        panic!("a list is there");
    };
    let count = i64::from(count);
    let theirs = (0..count).rev().map(|at| -1 - at);
    let expected: Vec<_> = theirs.chain((0..count).rev()).collect();
    let found: Vec<_> = elements
        .iter()
        .map(|node| match node {
            Node::Value(Value::Int(value)) => *value,
            _ => i64::MAX,
        })
        .collect();
    assert_eq!(found, expected);
}
