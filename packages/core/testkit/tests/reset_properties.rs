//! Client resets of random files onto random fresh states.
//!
//! Whatever the two are: a discarding reset makes the file equal to the fresh state, a recovering one makes
//! it equal to the fresh state with the recovered changesets applied by the normal applier, and in both cases
//! indexes, backlinks and what listeners are told agree with the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tidemark_changeset::body::{
    BodyLimits, DownloadEntry, parse_upload_body, write_download_entry,
};
use tidemark_changeset::{Instruction, Link, Value, codec};
use tidemark_model::memory::Database as Model;
use tidemark_model::{Class, Document, Node, Schema};
use tidemark_query::{LinkView, Objects};
use tidemark_storage::{OrderedStorage, Storage};
use tidemark_store::sync::{
    DownloadProgress, ResetAction, ResetDemand, ResetMode, ResetPolicy, ResetReport,
};
use tidemark_store::{Database, DatabaseOptions, Snapshot};
use tidemark_testkit::dice::Dice;
use tidemark_testkit::writing::{evolve, instruction, perform, some_columns};

type Memory = Arc<OrderedStorage>;
type Store = Database<Memory>;
type Rows = BTreeMap<(String, u64), Vec<u8>>;

const BASE_VERSION: u64 = 10;
const MERGED_VERSION: u64 = 11;
const FRESH_VERSION: u64 = 20;

fn open(storage: &Memory) -> Store {
    Database::open(Arc::clone(storage), DatabaseOptions::default()).expect("it opens")
}

fn progress(server_version: u64, client_version: u64) -> DownloadProgress {
    DownloadProgress {
        download_server_version: server_version,
        download_client_version: client_version,
        latest_server_version: server_version,
        latest_server_version_salt: 7,
        upload_client_version: client_version,
        upload_server_version: 0,
        progress_estimate: 1.0,
    }
}

fn download(database: &Store, server_version: u64, instructions: &[Instruction]) {
    let changeset = codec::encode(instructions);
    let mut body = Vec::new();
    let entry = DownloadEntry {
        server_version,
        client_version: 0,
        timestamp: 50,
        origin_file_ident: 99,
        original_size: 0,
        changeset: &changeset,
    };
    write_download_entry(&mut body, &entry);
    let header = progress(server_version, 0);
    let prepared = database.prepare_download(header, &body);
    let mut prepared = prepared.expect("a legal download");
    while !database
        .integrate_slice(&mut prepared, 1)
        .expect("it can be merged")
        .is_done
    {}
}

fn export<S: Storage>(snapshot: &Snapshot<S>) -> Model {
    snapshot.view().export().expect("it can be read")
}

fn model_of(database: &Store) -> Model {
    export(&database.read().expect("readable"))
}

/// A model whose columns stand in the order of their names.
fn sorted(model: &Model) -> Model {
    fn node(schema: &Schema, embedded: &Class, value: &Node) -> Node {
        match value {
            Node::Object(object) => Node::Object(document(schema, embedded, object)),
            Node::List(list) => Node::List(
                list.iter()
                    .map(|value| node(schema, embedded, value))
                    .collect(),
            ),
            Node::Dictionary(entries) => Node::Dictionary(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), node(schema, embedded, value)))
                    .collect(),
            ),
            other => other.clone(),
        }
    }
    fn document(schema: &Schema, class: &Class, old: &Document) -> Document {
        let columns = class.columns.iter().zip(&old.fields);
        let mut fields: Vec<_> = columns
            .map(|(column, value)| {
                let embedded = schema.embedded_target(column);
                let value = embedded
                    .map_or_else(|| value.clone(), |embedded| node(schema, embedded, value));
                (column.name.clone(), value)
            })
            .collect();
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        Document {
            fields: fields.into_iter().map(|(_, value)| value).collect(),
        }
    }
    let mut out = model.clone();
    out.fill();
    let schema = out.schema.clone();
    for (name, objects) in &mut out.objects {
        let class = schema.class(name).expect("the class of its objects");
        for old in objects.values_mut() {
            *old = document(&schema, class, old);
        }
    }
    for class in out.schema.classes.values_mut() {
        class.columns.sort_by(|a, b| a.name.cmp(&b.name));
    }
    out
}

fn rows(database: &Store) -> Rows {
    let snapshot = database.read().expect("readable");
    let mut rows = Rows::new();
    for (position, class) in snapshot.catalog().classes().enumerate() {
        let objects = snapshot.view().objects(position).expect("it is there");
        for entry in objects {
            let (object, row) = entry.expect("readable");
            rows.insert((class.name.to_string(), object), row.to_vec());
        }
    }
    rows
}

fn link_counts(model: &Model) -> BTreeMap<Link, u64> {
    fn count(node: &Node, counts: &mut BTreeMap<Link, u64>) {
        match node {
            Node::Value(Value::Link(link)) => *counts.entry((**link).clone()).or_default() += 1,
            Node::Value(_) | Node::Object(_) => {}
            Node::Set(elements) => {
                for element in elements {
                    count(&Node::Value(element.clone()), counts);
                }
            }
            Node::List(elements) => elements.iter().for_each(|element| count(element, counts)),
            Node::Dictionary(entries) => entries.values().for_each(|entry| count(entry, counts)),
        }
    }
    let mut counts = BTreeMap::new();
    let documents = model.objects.values().flat_map(BTreeMap::values);
    documents
        .flat_map(|document| &document.fields)
        .for_each(|field| count(field, &mut counts));
    counts
}

/// Objects, index, counters and backlinks agree with the model.
fn compare(database: &Store, model: &Model, context: &str) {
    let snapshot = database.read().expect("readable");
    let view = snapshot.view();
    let (found, wanted) = (sorted(&export(&snapshot)), sorted(model));
    assert_eq!(found.schema, wanted.schema, "{context}: schema");
    for (class, objects) in &wanted.objects {
        for (key, wanted) in objects {
            let found = found.get(class, key);
            assert_eq!(found, Some(wanted), "{context}: {class} {key:?}");
        }
    }
    assert_eq!(found, wanted, "{context}");
    for (position, class) in snapshot.catalog().classes().enumerate() {
        let objects = wanted.objects.get(&class.name);
        let count = objects.map_or(0, |objects| objects.len() as u64);
        assert_eq!(view.count(position).expect("counted"), count, "{context}");
        for key in objects.into_iter().flat_map(BTreeMap::keys) {
            let object = view.find(position, key).expect("found");
            assert!(object.is_some(), "{context}: {key:?}");
        }
    }
    for (link, count) in link_counts(&wanted) {
        let found = view.backlink_count(LinkView::from(&link)).expect("counted");
        assert_eq!(found, count, "{context}: links to {link:?}");
    }
}

/// What listeners are told covers what has changed, and exactly which objects came and went.
fn compare_changes(database: &Store, since: u64, before: &Rows, context: &str) {
    let changes = database.changes_since(since);
    let after = rows(database);
    assert!(changes.complete, "{context}");
    let mut told = [BTreeSet::new(), BTreeSet::new(), BTreeSet::new()];
    for (name, class) in &changes.classes {
        let named = |object: &u64| (name.to_string(), *object);
        told[0].extend(class.inserted.iter().map(named));
        told[1].extend(class.deleted.iter().map(named));
        told[2].extend(class.modified.keys().map(named));
    }
    let keys = |rows: &Rows| rows.keys().cloned().collect::<BTreeSet<_>>();
    let (old, new) = (keys(before), keys(&after));
    assert_eq!(told[0], &new - &old, "{context}: inserted");
    assert_eq!(told[1], &old - &new, "{context}: deleted");
    for object in old.intersection(&new) {
        let differs = before[object] != after[object];
        assert!(
            !differs || told[2].contains(object),
            "{context}: {object:?} changed unseen"
        );
    }
    assert!(told[2].is_subset(&new), "{context}: modified");
}

/// A file with unsynced changes and a fresh copy, both from one seed.
struct Scene {
    storage: Memory,
    local: Store,
    fresh: Store,
}

fn scene(seed: u64, has_local_changes: bool) -> Scene {
    let mut dice = Dice::new(seed);
    let mut server = Model::new();
    let schema = some_columns(&mut dice);
    server.apply(&schema).expect("a legal schema");
    let count = dice.below(60);
    let base = evolve(&mut dice, &mut server, count);

    let storage = Arc::new(OrderedStorage::new());
    let local = open(&storage);
    local.set_file_ident(2, 1).expect("it is stored");
    let first: Vec<Instruction> = schema.iter().chain(&base).cloned().collect();
    download(&local, BASE_VERSION, &first);
    let (commits, merge_at) = (dice.below(5), dice.below(8));
    let count = dice.below(40);
    let merged = evolve(&mut dice, &mut server, count);
    for round in 0..commits {
        if round == merge_at {
            download(&local, MERGED_VERSION, &merged);
        }
        let mut write = local.begin_write().expect("it is free");
        for _ in 0..dice.below(25) {
            let model = write.view().and_then(|view| view.export());
            let instruction = instruction(&mut dice, &model.expect("readable"));
            if has_local_changes {
                perform(&mut write, &instruction);
            }
        }
        let timestamp = 40 + dice.number() % 20;
        local.commit(write, timestamp).expect("it commits");
    }

    let fresh = open(&Arc::new(OrderedStorage::new()));
    fresh.set_file_ident(7, 2).expect("it is stored");
    let count = dice.below(60);
    let newer = evolve(&mut dice, &mut server, count);
    let (tables, mut columns): (Vec<_>, Vec<_>) = schema
        .into_iter()
        .partition(|instruction| matches!(instruction, Instruction::AddTable { .. }));
    // The server may have made the columns in another order.
    if dice.chance(50) {
        for index in 0..columns.len() {
            let other = dice.below(columns.len());
            columns.swap(index, other);
        }
    }
    let all = [tables, columns, base, merged, newer].concat();
    download(&fresh, FRESH_VERSION, &all);
    Scene {
        storage,
        local,
        fresh,
    }
}

impl Scene {
    fn reset(&self, policy: ResetPolicy) -> ResetReport {
        let demand = ResetDemand {
            policy,
            action: ResetAction::Reset,
            now_ms: 5,
            error_code: 211,
            error_message: "diverging histories".to_owned(),
        };
        self.local.begin_reset(&demand).expect("nothing is pending");
        self.local
            .reset_from(&self.fresh, 70)
            .expect("it can be done")
    }

    fn uploads(&self) -> Vec<(u64, u64, Vec<Instruction>)> {
        let upload = self.local.next_upload(0, 0, u64::MAX, u64::MAX);
        let upload = upload.expect("readable");
        let entries = parse_upload_body(&upload.body, BodyLimits::default());
        let entries = entries.expect("a legal body");
        entries
            .iter()
            .map(|entry| {
                let changeset = codec::decode(entry.changeset).expect("a legal changeset");
                let (version, base) = (entry.client_version, entry.server_version);
                (version, base, changeset.instructions)
            })
            .collect()
    }
}

fn run(seed: u64, policy: ResetPolicy, has_local_changes: bool) -> ResetReport {
    let context = format!("seed {seed} {policy:?}");
    let scene = scene(seed, has_local_changes);
    let (before, since) = (rows(&scene.local), scene.local.version());
    let fresh = model_of(&scene.fresh);
    let report = scene.reset(policy);
    assert_eq!(model_of(&scene.fresh), fresh, "{context}: the fresh copy");
    let uploads = scene.uploads();
    let mut wanted = fresh;
    for (version, base, instructions) in &uploads {
        assert_eq!(*base, FRESH_VERSION, "{context}");
        assert!(
            *version > scene.fresh.version() && *version < report.version,
            "{context}"
        );
        wanted
            .apply(instructions)
            .unwrap_or_else(|error| panic!("{context}: {error}"));
    }
    assert_eq!(report.changesets_recovered, uploads.len() as u64);
    let emitted: usize = uploads.iter().map(|upload| upload.2.len()).sum();
    // Never more than was made; less, where what was made is said more shortly.
    assert!(emitted as u64 <= report.instructions_recovered, "{context}");
    assert_eq!(
        emitted == 0,
        report.instructions_recovered == 0,
        "{context}"
    );
    if policy == ResetPolicy::Discard || !has_local_changes {
        assert!(uploads.is_empty(), "{context}");
    }
    compare(&scene.local, &wanted, &context);
    compare_changes(&scene.local, since, &before, &context);
    let state = scene.local.sync_state().expect("readable");
    assert_eq!((state.file_ident, state.file_ident_salt), (7, 2));
    assert_eq!(state.progress.download_server_version, FRESH_VERSION);
    assert_eq!(state.progress.download_client_version, 0);
    // Nothing of it is only in memory, and what the server sends next can be merged with it.
    let Scene { storage, local, .. } = scene;
    drop(local);
    let local = open(&storage);
    compare(&local, &wanted, &format!("{context}, reopened"));
    download(&local, FRESH_VERSION + 1, &[]);
    report
}

/// So many seeds from a first one; many more in the slow group.
fn seeds(first: u64, count: u64) -> std::ops::Range<u64> {
    let is_slow = std::env::var_os("TIDEMARK_SLOW").is_some();
    first..first + count * if is_slow { 50 } else { 1 }
}

#[test]
fn a_discarding_reset_makes_the_file_equal_to_the_fresh_state() {
    for seed in seeds(0, 100) {
        let report = run(seed, ResetPolicy::Discard, true);
        assert_eq!(report.mode, ResetMode::Discard);
    }
}

#[test]
fn a_recovering_reset_records_what_it_applies() {
    let mut sums = [0_u64; 5];
    for seed in seeds(1_000_000, 150) {
        let report = run(seed, ResetPolicy::Recover, true);
        let found = [
            report.instructions_recovered,
            report.dropped_count,
            report.instructions_needless,
            report.lists_copied,
            report.instructions_in_copied_lists,
        ];
        for (sum, found) in sums.iter_mut().zip(found) {
            *sum += found;
        }
    }
    // The histories do reach the rules.
    assert!(sums.iter().all(|sum| *sum > 60), "{sums:?}");
}

#[test]
fn without_local_changes_recovering_is_discarding() {
    for seed in seeds(2_000_000, 30) {
        let recovered = run(seed, ResetPolicy::Recover, false);
        let discarded = run(seed, ResetPolicy::Discard, false);
        assert_eq!(
            (
                recovered.objects_created,
                recovered.objects_deleted,
                recovered.objects_changed
            ),
            (
                discarded.objects_created,
                discarded.objects_deleted,
                discarded.objects_changed
            )
        );
    }
}
