//! Client resets of random files onto random fresh states.
//!
//! Whatever the two are: a discarding reset makes the file equal to the fresh state, a recovering one makes
//! it equal to the fresh state with the recovered changesets applied by the normal applier, and in both cases
//! indexes, backlinks and what listeners are told agree with the rows.

mod common;

use std::sync::Arc;

use common::{compare, compare_changes, export, rows};
use tidemark_changeset::body::{
    BodyLimits, DownloadEntry, parse_upload_body, write_download_entry,
};
use tidemark_changeset::{Instruction, codec};
use tidemark_model::memory::Database as Model;
use tidemark_storage::OrderedStorage;
use tidemark_store::sync::{
    DownloadProgress, ResetAction, ResetDemand, ResetMode, ResetPolicy, ResetReport,
};
use tidemark_store::{Database, DatabaseOptions};
use tidemark_testkit::dice::Dice;
use tidemark_testkit::writing::{evolve, instruction, perform, some_columns};

type Memory = Arc<OrderedStorage>;
type Store = Database<Memory>;

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

fn model_of(database: &Store) -> Model {
    export(&database.read().expect("readable"))
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
    let changes = scene.local.changes_since(since);
    compare_changes(&changes, &before, &rows(&scene.local), false, &context);
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
