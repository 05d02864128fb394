//! A database in a file that crashes, or whose disk fails: what was durable is there, and it goes on.

#![allow(clippy::unwrap_used)]

mod common;

use std::io::ErrorKind;

use common::*;
use redb::StorageBackend;
use tidemark_changeset::{PrimaryKey, Value};
use tidemark_storage::devices::{Dice, Fragile, Recorder};
use tidemark_storage::{Encryption, FileStorage, Storage, StorageError};
use tidemark_store::boundary::update_schema;
use tidemark_store::sync::BootstrapPart;
use tidemark_store::{CLIENT_FORMAT, CopyForm, Database, DatabaseOptions, Result, StoreError};

fn open(
    device: impl StorageBackend,
    is_encrypted: bool,
    dice: &mut Dice,
) -> Result<Database<FileStorage>> {
    let seed = dice.bytes(32);
    let encryption = is_encrypted.then(|| Encryption::new(&[3; 64], &seed).unwrap());
    let storage = FileStorage::with_backend(device, CLIENT_FORMAT, encryption)?;
    Database::open(storage, DatabaseOptions::default())
}

/// Everything that a database says about itself; on the way its indexes are compared with its objects.
fn picture<S: Storage>(database: &Database<S>) -> Result<String> {
    let snapshot = database.read()?;
    let view = snapshot.view();
    let model = view.export()?;
    for key in 0..40 {
        let key = PrimaryKey::Int(key);
        let class = snapshot.catalog().position(&"Person".into());
        let found = match class {
            Some(class) => view.find(class, &key)?.is_some(),
            None => false,
        };
        assert_eq!(
            found,
            model.get(&"Person".into(), &key).is_some(),
            "{key:?}"
        );
    }
    Ok(format!(
        "{:?}\n{:?}\n{:?}\n{}",
        model,
        database.sync_state()?,
        database.subscription_sets()?,
        snapshot.version()
    ))
}

/// One thing that an application or a session does. Whoever asks is shown the database after each commit.
fn step<S: Storage>(
    database: &Database<S>,
    server: &mut u64,
    (dice, large_percent): (&mut Dice, usize),
    seen: &mut dyn FnMut(&Database<S>),
) -> Result<()> {
    let key = i64::try_from(dice.below(40)).unwrap_or_default();
    match dice.below(10) {
        0 => database.set_file_ident(2 + *server, 1)?,
        1 => drop(database.commit_subscription_set(Vec::new(), 7)?),
        2 | 3 => {
            let next = *server + 10;
            let theirs = [create_instruction(key), update(key, "age", Value::Int(key))];
            integrate(database, progress(next, 0), &body(&[(next, 0, &theirs)]))?;
            *server = next;
        }
        4 | 5 => {
            let next = *server + 10;
            let parts = bootstrap(next, key, large_percent, dice);
            for (number, body) in parts.iter().enumerate() {
                let part = BootstrapPart {
                    query_version: newest_set(database)?,
                    is_first: number == 0,
                    is_last: number + 1 == parts.len(),
                    progress: progress(next, 0),
                    body,
                };
                database.store_bootstrap(&part)?;
                seen(database);
            }
            while !database.apply_bootstrap(1)?.is_done {
                seen(database);
            }
            *server = next;
        }
        _ => {
            let mut write = database.begin_write()?;
            for number in 0..=dice.below(30) {
                let key = (key + i64::try_from(number).unwrap_or_default()) % 40;
                let (object, is_new) = write.create(PERSON, &PrimaryKey::Int(key), true)?;
                if !is_new && dice.percent(30) {
                    write.erase(PERSON, object)?;
                } else if !is_new {
                    let text = "x".repeat(dice.below(300));
                    let value = Value::String(text.as_str().into());
                    write.set(&at(object, NAME), false, &payload(value))?;
                }
            }
            database.commit(write, 60)?;
        }
    }
    seen(database);
    Ok(())
}

fn newest_set<S: Storage>(database: &Database<S>) -> Result<u64> {
    let sets = database.subscription_sets()?;
    Ok(sets.last().map_or(0, |set| set.version))
}

/// How many bootstraps of a life have many parts.
const LARGE_PERCENT: usize = 8;

/// The parts of a bootstrap. One of so many pieces becomes durable before it is applied, and on the way.
fn bootstrap(version: u64, key: i64, large_percent: usize, dice: &mut Dice) -> Vec<Vec<u8>> {
    let parts = if dice.percent(large_percent) { 34 } else { 2 };
    let part = |part: i64| {
        let instructions: Vec<_> = (0..6)
            .flat_map(|number| {
                let key = (key + part + number) % 40;
                [
                    create_instruction(key),
                    update(key, "age", Value::Int(part * number)),
                ]
            })
            .collect();
        body(&[(version, 0, &instructions)])
    };
    (0..parts).map(part).collect()
}

/// A state that a crash may leave.
struct Stage {
    picture: String,
    version: u64,
    /// Position of the device when what led to it began.
    begun: usize,
    /// When it was promised; never, if a crash may take it back.
    durable: usize,
    /// The action that led to it, and whether that was all of it.
    action: usize,
    is_whole: bool,
}

/// Where a life stands before an action.
#[derive(Clone)]
struct Moment {
    dice: Dice,
    server: u64,
}

const ACTIONS: usize = 10;

/// The action at a moment, and the moment after it. The first one gives the file its classes.
fn act<S: Storage>(
    database: &Database<S>,
    action: usize,
    moment: &Moment,
    seen: &mut dyn FnMut(&Database<S>),
) -> Moment {
    let mut after = moment.clone();
    if action == 0 {
        write(database, 1, |write| update_schema(write, SCHEMA).unwrap());
        seen(database);
    } else {
        step(
            database,
            &mut after.server,
            (&mut after.dice, LARGE_PERCENT),
            seen,
        )
        .unwrap();
    }
    after
}

/// What a life ends with, whichever way it went. What waits to be sent is compacted in another way by a file
/// that was opened anew: how much it is, each stage shows.
fn outcome<S: Storage>(database: &Database<S>) -> String {
    let state = database.sync_state().unwrap();
    let sets = database.subscription_sets().unwrap();
    let sets: Vec<_> = sets.iter().map(|set| (set.version, set.state)).collect();
    format!(
        "{:?}\n{sets:?}\n{:?} {} {}",
        database.read().unwrap().view().export().unwrap(),
        state.progress,
        state.file_ident,
        state.pending_bootstrap_bytes
    )
}

/// A life that nothing disturbs: its stages, the moments before its actions, and what it ends with.
fn live(
    recorder: &Recorder,
    is_encrypted: bool,
    dice: &mut Dice,
) -> (Vec<Stage>, Vec<Moment>, String) {
    let database = open(recorder.clone(), is_encrypted, dice).unwrap();
    let mut stages = vec![Stage {
        picture: picture(&database).unwrap(),
        version: database.version(),
        begun: 0,
        durable: recorder.position(),
        action: 0,
        is_whole: false,
    }];
    let mut moment = Moment {
        dice: dice.clone(),
        server: 0,
    };
    let mut moments = Vec::new();
    for action in 0..=ACTIONS {
        let mut begun = recorder.position();
        let after = act(&database, action, &moment, &mut |database| {
            let position = recorder.position();
            let is_durable = recorder.has_synced_since(begun);
            stages.push(Stage {
                picture: picture(database).unwrap(),
                version: database.version(),
                begun,
                durable: if is_durable { position } else { usize::MAX },
                action,
                is_whole: false,
            });
            begun = position;
        });
        stages.last_mut().unwrap().is_whole = true;
        moments.push(std::mem::replace(&mut moment, after));
    }
    *dice = moment.dice;
    let end = outcome(&database);
    (stages, moments, end)
}

/// Goes on from a stage as a client does that was started again, to the end of its life.
fn go_on(database: &Database<FileStorage>, stage: &Stage, moments: &[Moment]) {
    let mut next = stage.action + usize::from(stage.is_whole);
    // A bootstrap that had come whole is applied; of one in part the server begins anew.
    if !stage.is_whole && stage.action > 0 && database.discard_partial_bootstrap().unwrap() {
        while !database.apply_bootstrap(1).unwrap().is_done {}
        next += 1;
    }
    for (action, moment) in moments.iter().enumerate().skip(next) {
        act(database, action, moment, &mut |_| {});
    }
}

/// The version before the action that a stage is of.
fn before_of(stages: &[Stage], stage: &Stage) -> u64 {
    let earlier = stages.iter().rfind(|it| it.action < stage.action);
    earlier.map_or(0, |it| it.version)
}

/// Files that crashes leave of one life: each is at its last durable commit or a later one, and ends as the
/// life ended that nothing disturbed. The answer: how many had a bootstrap that was not applied, or in part.
fn crash(seed: u64, is_encrypted: bool) -> [u64; 2] {
    let mut dice = Dice::new(seed);
    let recorder = Recorder::default();
    let (stages, moments, end) = live(&recorder, is_encrypted, &mut dice);
    let born = stages[0].durable;
    let mut within = [0; 2];
    for _ in 0..IMAGES {
        let position = born + dice.below(recorder.position() + 1 - born);
        let image = recorder.crashed(position, &mut dice);
        let database = open(Recorder::new(image), is_encrypted, &mut dice)
            .unwrap_or_else(|error| panic!("seed {seed}, position {position}: {error}"));
        let found = picture(&database).unwrap();
        let durable = stages.iter().rposition(|stage| stage.durable <= position);
        let stage = stages[durable.unwrap()..]
            .iter()
            .take_while(|stage| stage.begun <= position)
            .find(|stage| stage.picture == found)
            .unwrap_or_else(|| panic!("seed {seed}, position {position}: another state"));
        let is_applied = database.version() > before_of(&stages, stage);
        go_on(&database, stage, &moments);
        assert!(
            outcome(&database) == end,
            "seed {seed}, position {position}: it ends otherwise than without a crash"
        );
        if !stage.is_whole && stage.action > 0 {
            within[usize::from(is_applied)] += 1;
        }
        database.close().unwrap();
    }
    within
}

/// Files of each life.
const IMAGES: u64 = 4;

#[allow(clippy::disallowed_methods)] // How much to test comes from outside.
fn seeds(few: u64, many: u64) -> u64 {
    let chosen = std::env::var("TIDEMARK_SEEDS").ok();
    let is_slow = std::env::var_os("TIDEMARK_SLOW").is_some();
    chosen
        .and_then(|text| text.parse().ok())
        .unwrap_or(if is_slow { many } else { few })
}

fn crash_all(is_encrypted: bool) {
    let count = seeds(250, 5_000);
    let mut within = [0; 2];
    for seed in 0..count {
        let [stored, applied] = crash(seed, is_encrypted);
        within = [within[0] + stored, within[1] + applied];
    }
    let few = within.iter().any(|images| *images < count / 50);
    assert!(!few, "{within:?} images within bootstraps of {count} lives");
}

#[test]
fn a_crash_leaves_the_last_durable_state() {
    crash_all(false);
}

#[test]
fn a_crash_of_an_encrypted_file_leaves_the_last_durable_state() {
    crash_all(true);
}

/// A life in which the device fails at one call. Whether there was such a call is the answer.
fn fail_at(call: u64, seed: u64, is_encrypted: bool) -> bool {
    let mut dice = Dice::new(seed);
    let device = Fragile::default();
    let mut server = 0;
    let database = open(device.clone(), is_encrypted, &mut dice).unwrap();
    write(&database, 1, |write| update_schema(write, SCHEMA).unwrap());
    for _ in 0..4 {
        step(&database, &mut server, (&mut dice, 0), &mut |_| {}).unwrap();
    }
    let start = device.calls();
    device.fail(call, ErrorKind::StorageFull, true);
    for _ in 0..6 {
        let before = server;
        // A bootstrap has several commits, some of which become durable with later ones.
        let mut committed = vec![picture(&database).unwrap()];
        let mut seen =
            |database: &Database<FileStorage>| committed.push(picture(database).unwrap());
        // The same dice again: what failed is done once more.
        let mut again = dice.clone();
        if let Err(error) = step(&database, &mut server, (&mut dice, 0), &mut seen) {
            let is_expected = matches!(
                error,
                StoreError::Storage(StorageError::Full(_) | StorageError::Device(_))
            );
            assert!(is_expected, "seed {seed}, call {call}: {error:?}");
            let found = picture(&database).unwrap();
            assert!(
                committed.contains(&found),
                "seed {seed}, call {call}: it is not as of a commit"
            );
            // As a session does that was started again.
            if database.discard_partial_bootstrap().unwrap() {
                while !database.apply_bootstrap(1).unwrap().is_done {}
                server = before + 10;
            } else {
                server = before;
                step(&database, &mut server, (&mut again, 0), &mut |_| {}).unwrap();
            }
        }
        assert_eq!(database.version(), database.read().unwrap().version());
    }
    let is_reached = device.calls() >= start + call;
    let expected = picture(&database).unwrap();
    drop(database);
    let database = open(Fragile::new(device.content()), is_encrypted, &mut dice).unwrap();
    assert_eq!(
        picture(&database).unwrap(),
        expected,
        "seed {seed}, call {call}"
    );
    is_reached
}

#[test]
fn a_full_disk_loses_nothing_and_work_goes_on() {
    // Each is a life for every call of the device.
    for seed in 0..seeds(2, 60).min(60) {
        let mut call = 1;
        while fail_at(call, seed, seed % 2 == 1) {
            call += 1;
        }
        assert!(call > 10, "{call}");
    }
}

fn memory() -> FileStorage {
    FileStorage::in_memory(CLIENT_FORMAT).unwrap()
}

fn of(is_synced: bool, storage: FileStorage) -> Database<FileStorage> {
    let options = DatabaseOptions {
        is_synced,
        ..DatabaseOptions::default()
    };
    Database::open(storage, options).unwrap()
}

#[test]
fn copies() {
    let source = of(true, memory());
    write(&source, 1, |write| {
        update_schema(write, SCHEMA).unwrap();
        create(write, 1);
    });
    let target = memory();
    assert!(matches!(
        source.copy_to(&target, CopyForm::Synced),
        Err(StoreError::Unsynced)
    ));
    assert!(matches!(
        of(false, memory()).copy_to(&target, CopyForm::Synced),
        Err(StoreError::NotSynced)
    ));
    source.copy_to(&target, CopyForm::Local).unwrap();
    let objects = |database: &Database<FileStorage>| {
        format!("{:?}", database.read().unwrap().view().export().unwrap())
    };
    let local = of(false, target);
    assert_eq!(objects(&local), objects(&source));
    assert!(local.sync_state().is_err());

    source.set_file_ident(5, 6).unwrap();
    let everything = source.version();
    let theirs = [create_instruction(2)];
    integrate(
        &source,
        progress(9, everything),
        &body(&[(9, everything, &theirs)]),
    )
    .unwrap();
    let target = memory();
    source.copy_to(&target, CopyForm::Synced).unwrap();
    let copy = of(true, target);
    assert_eq!(objects(&copy), objects(&source));
    let state = copy.sync_state().unwrap();
    assert_eq!((state.file_ident, state.file_ident_salt), (0, 0));
    assert_eq!(state.progress.download_server_version, 0);
    assert_eq!(state.progress.upload_client_version, 0);
    assert_eq!(state.newest_uploadable_version, 0);
    hears_from_the_server(&copy);
}

/// A copy takes over what its first bootstrap says, and keeps what was written here since.
fn hears_from_the_server(copy: &Database<FileStorage>) {
    copy.set_file_ident(7, 8).unwrap();
    let (version, emitted) = write(copy, 2, |write| {
        create(write, 3);
    });
    assert!(version > 1 && emitted.len() == 1);
    // The server has deleted the first object since, and made another one.
    let theirs = [create_instruction(2), create_instruction(4)];
    let part = BootstrapPart {
        query_version: 0,
        is_first: true,
        is_last: true,
        progress: progress(20, 0),
        body: &body(&[(20, 0, &theirs)]),
    };
    copy.store_bootstrap(&part).unwrap();
    while !copy.apply_bootstrap(3).unwrap().is_done {}
    let keys = |database: &Database<FileStorage>| -> Vec<i64> {
        let model = database.read().unwrap().view().export().unwrap();
        (0..10)
            .filter(|key| {
                model
                    .get(&"Person".into(), &PrimaryKey::Int(*key))
                    .is_some()
            })
            .collect()
    };
    assert_eq!(keys(copy), [2, 3, 4]);
    // That was once: the next bootstrap takes nothing away.
    let part = BootstrapPart {
        progress: progress(30, 0),
        body: &body(&[(30, 0, &[create_instruction(5)])]),
        ..part
    };
    copy.store_bootstrap(&part).unwrap();
    while !copy.apply_bootstrap(3).unwrap().is_done {}
    assert_eq!(keys(copy), [2, 3, 4, 5]);
}
