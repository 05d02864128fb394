//! Random values and operations through every way that objects change.

use std::sync::Arc;

use tidemark_changeset::{Instruction, codec};
use tidemark_storage::OrderedStorage;
use tidemark_store::boundary::update_schema;
use tidemark_store::sync::{BootstrapPart, ResetAction, ResetDemand, ResetPolicy, Subscription};
use tidemark_store::{Database, DatabaseOptions};

use crate::common::{Memory, body, integrate, progress};
use crate::things::{Dice, check_database, mutate, schema};

const SEEDS: u64 = 12;

fn open(slice_instructions_max: usize) -> Database<Memory> {
    let options = DatabaseOptions {
        slice_instructions_max,
        ..DatabaseOptions::default()
    };
    let database = Database::open(Arc::new(OrderedStorage::new()), options).unwrap();
    let mut write = database.begin_write().unwrap();
    update_schema(&mut write, &schema(true)).unwrap();
    database.commit(write, 1).unwrap();
    database
}

fn downloaded(dice: &mut Dice, count: u64) -> Vec<Instruction> {
    (0..=dice.below(count))
        .flat_map(|_| dice.instruction())
        .collect()
}

#[test]
fn local_writes() {
    for seed in 0..SEEDS {
        let mut dice = Dice(seed);
        let database = open(1_000);
        for _ in 0..30 {
            let mut write = database.begin_write().unwrap();
            mutate(&mut write, &mut dice);
            if dice.below(4) == 0 {
                drop(write);
            } else {
                database.commit(write, 2).unwrap();
            }
            check_database(&database, &mut dice, 12);
        }
    }
}

#[test]
fn downloads_that_are_merged_with_local_writes() {
    for seed in 100..100 + SEEDS {
        let mut dice = Dice(seed);
        let database = open(7);
        database.set_file_ident(2, 1).unwrap();
        for round in 1..15 {
            let mut write = database.begin_write().unwrap();
            mutate(&mut write, &mut dice);
            database.commit(write, 2).unwrap();
            let changesets: Vec<_> = (0..3).map(|_| downloaded(&mut dice, 10)).collect();
            let entries: Vec<_> = (0..3)
                .map(|at| {
                    (
                        round * 3 + at,
                        0,
                        &changesets[usize::try_from(at).unwrap()][..],
                    )
                })
                .collect();
            let body = body(&entries);
            let mut download = database
                .prepare_download(progress(round * 3 + 2, 0), &body)
                .unwrap();
            while !database.integrate_slice(&mut download, 0).unwrap().is_done {
                check_database(&database, &mut dice, 2);
            }
            check_database(&database, &mut dice, 12);
        }
    }
}

#[test]
fn bootstraps_in_slices() {
    for seed in 200..200 + SEEDS {
        let mut dice = Dice(seed);
        let database = open(9);
        database.set_file_ident(2, 1).unwrap();
        let mut write = database.begin_write().unwrap();
        mutate(&mut write, &mut dice);
        database.commit(write, 2).unwrap();
        for query_version in 1..4 {
            let subscription = Subscription {
                id: "0123456789abcdef01234567".to_owned(),
                name: None,
                class_name: "Thing".to_owned(),
                query: "TRUEPREDICATE".to_owned(),
                created_at_ms: 1,
                updated_at_ms: 2,
            };
            database
                .commit_subscription_set(vec![subscription], 5)
                .unwrap();
            let changesets: Vec<_> = (0..8).map(|_| downloaded(&mut dice, 6)).collect();
            let version = query_version * 20;
            let entries: Vec<_> = changesets
                .iter()
                .map(|one| (version, 0, &one[..]))
                .collect();
            let part = BootstrapPart {
                query_version,
                is_first: true,
                is_last: true,
                progress: progress(version, 0),
                body: &body(&entries),
            };
            database.store_bootstrap(&part).unwrap();
            while !database.apply_bootstrap(0).unwrap().is_done {
                check_database(&database, &mut dice, 4);
            }
            check_database(&database, &mut dice, 20);
        }
    }
}

#[test]
fn client_resets() {
    for seed in 300..300 + SEEDS {
        let mut dice = Dice(seed);
        let local = open(100);
        local.set_file_ident(2, 102).unwrap();
        let before = downloaded(&mut dice, 40);
        integrate(&local, progress(10, 0), &body(&[(10, 0, &before)])).unwrap();
        let mut write = local.begin_write().unwrap();
        mutate(&mut write, &mut dice);
        local.commit(write, 2).unwrap();

        let fresh = Database::open(Arc::new(OrderedStorage::new()), DatabaseOptions::default());
        let fresh: Database<Memory> = fresh.unwrap();
        fresh.set_file_ident(7, 107).unwrap();
        let upload = open(100).next_upload(0, 0, u64::MAX, u64::MAX).unwrap();
        let limits = tidemark_changeset::body::BodyLimits::default();
        let first = tidemark_changeset::body::parse_upload_body(&upload.body, limits).unwrap();
        let mut instructions = codec::decode(first[0].changeset).unwrap().instructions;
        instructions.extend(before);
        instructions.extend(downloaded(&mut dice, 40));
        integrate(&fresh, progress(20, 0), &body(&[(20, 0, &instructions)])).unwrap();

        let policy = if seed % 2 == 0 {
            ResetPolicy::Recover
        } else {
            ResetPolicy::Discard
        };
        let demand = ResetDemand {
            policy,
            action: ResetAction::Reset,
            now_ms: 5,
            error_code: 208,
            error_message: "unknown file ident".to_owned(),
        };
        local.begin_reset(&demand).unwrap();
        local.reset_from(&fresh, 70).unwrap();
        check_database(&local, &mut dice, 60);
        let mut write = local.begin_write().unwrap();
        mutate(&mut write, &mut dice);
        local.commit(write, 2).unwrap();
        check_database(&local, &mut dice, 60);
    }
}
