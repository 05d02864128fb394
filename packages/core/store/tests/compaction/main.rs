//! What of the history that was not sent goes, what stays and why, and that what was sent stays as it was.
//! The reasons are in `docs/compaction.md`.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod views;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::*;
use tidemark_changeset::body::{BodyLimits, parse_upload_body};
use tidemark_changeset::{Instruction, PathElement, Payload, UpdateKind, Value, codec};
use tidemark_storage::{OrderedStorage, Storage};
use tidemark_store::boundary::update_schema;
use tidemark_store::{Database, Step, WriteTransaction};
use views::subscribe;

/// Commits without looking at what would be uploaded.
fn commit<S: Storage>(
    database: &Database<S>,
    timestamp: u64,
    work: impl FnOnce(&mut WriteTransaction<S>),
) -> u64 {
    let mut write = database.begin_write().unwrap();
    work(&mut write);
    database.commit(write, timestamp).unwrap()
}

fn int(value: i64) -> Value {
    Value::Int(value)
}

fn text(value: &str) -> Value {
    Value::String(value.into())
}

fn set<S: Storage>(write: &mut WriteTransaction<S>, column: u16, value: Value) {
    write.set(&at(0, column), false, &payload(value)).unwrap();
}

type Uploaded = Vec<(u64, u64, Vec<Instruction>)>;

/// Versions, timestamps and instructions of what is uploaded after a version.
fn uploaded<S: Storage>(database: &Database<S>, after: u64) -> Uploaded {
    let (mut reached, mut entries) = (after, Vec::new());
    while reached < database.version() {
        let upload = database
            .next_upload(reached, 0, u64::MAX, u64::MAX)
            .unwrap();
        assert!(upload.progress_client_version > reached);
        reached = upload.progress_client_version;
        for entry in parse_upload_body(&upload.body, BodyLimits::default()).unwrap() {
            let instructions = codec::decode(entry.changeset).unwrap().instructions;
            entries.push((entry.client_version, entry.timestamp, instructions));
        }
    }
    entries
}

/// Only what the entries say.
fn said<S: Storage>(database: &Database<S>, after: u64) -> Vec<Vec<Instruction>> {
    let entries = uploaded(database, after).into_iter();
    entries.map(|(_, _, instructions)| instructions).collect()
}

/// A database with object 1 of `Person`, which the server has, and its newest version. No session waits.
fn with_person() -> (Memory, Database<Memory>, u64) {
    let (storage, database) = database();
    commit(&database, 2, |write| {
        create(write, 1);
    });
    uploaded(&database, 0);
    drop(database);
    let database = reopen(&storage);
    let version = database.version();
    (storage, database, version)
}

fn age(value: i64) -> Instruction {
    update(1, "age", Value::Int(value))
}

fn name(value: &str) -> Instruction {
    update(1, "name", Value::String(value.into()))
}

fn add(delta: i64) -> Instruction {
    Instruction::AddInteger {
        target: target(1, "age", &[]),
        delta,
    }
}

#[test]
fn a_later_assignment_overwrites_and_nothing_else_changes() {
    let (_storage, database, base) = with_person();
    commit(&database, 10, |write| {
        set(write, AGE, int(1));
        set(write, NAME, text("a"));
    });
    commit(&database, 11, |write| {
        write.add_integer(&at(0, AGE), 5).unwrap();
    });
    commit(&database, 12, |write| set(write, AGE, int(2)));
    let expected = [
        (base + 1, 10, vec![name("a")]),
        (base + 3, 12, vec![age(2)]),
    ];
    assert_eq!(uploaded(&database, base), expected);
}

#[test]
fn embedded_fields_and_dictionary_entries_are_overwritten_too() {
    let (_storage, database, base) = with_person();
    let weight = below(0, PART_OF, &[Step::Key("weight".into())]);
    commit(&database, 9, |write| {
        write.set(&at(0, PART_OF), false, &Payload::Object).unwrap();
    });
    for value in [1, 2] {
        commit(&database, 10, |write| {
            write
                .set(&weight, false, &payload(Value::Int(value)))
                .unwrap();
            let boss = below(0, BY_ROLE, &[Step::Key("boss".into())]);
            write.set(&boss, false, &payload(link(1))).unwrap();
        });
    }
    let said = said(&database, base);
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(said[1].len(), 2);
}

#[test]
fn one_transaction_folds_by_itself() {
    let (_storage, database, base) = with_person();
    commit(&database, 10, |write| {
        set(write, AGE, int(1));
        write.add_integer(&at(0, AGE), 5).unwrap();
        set(write, NAME, text("a"));
        set(write, NAME, text("b"));
        let second = create(write, 2);
        write
            .set(&at(second, NAME), false, &payload(text("c")))
            .unwrap();
        write.erase(PERSON, second).unwrap();
    });
    assert_eq!(
        said(&database, base),
        [[age(6), name("b"), erase_instruction(2)]]
    );
}

#[test]
fn counters_of_different_transactions_stay() {
    let (_storage, database, base) = with_person();
    for timestamp in [10, 11] {
        commit(&database, timestamp, |write| {
            write.add_integer(&at(0, AGE), 1).unwrap();
        });
    }
    assert_eq!(said(&database, base), [[add(1)], [add(1)]]);
}

#[test]
fn a_clock_that_was_set_back_overwrites_nothing() {
    let (_storage, database, base) = with_person();
    commit(&database, 20, |write| set(write, AGE, int(1)));
    commit(&database, 10, |write| set(write, AGE, int(2)));
    assert_eq!(said(&database, base), [[age(1)], [age(2)]]);
}

#[test]
fn a_default_overwrites_nothing() {
    let (_storage, database, base) = with_person();
    commit(&database, 10, |write| set(write, AGE, int(1)));
    commit(&database, 11, |write| {
        write.set(&at(0, AGE), true, &payload(int(2))).unwrap();
    });
    assert_eq!(said(&database, base).len(), 2);
}

#[test]
fn mixed_values_and_list_elements_are_left_alone() {
    let (_storage, database, base) = with_person();
    commit(&database, 9, |write| {
        let first = below(0, PARTS, &[Step::Visible(0)]);
        write.list_insert(&first, &Payload::Object).unwrap();
    });
    let weight = below(0, PARTS, &[Step::Visible(0), Step::Key("weight".into())]);
    for value in [1, 2] {
        commit(&database, 10, |write| {
            set(write, ANYTHING, int(value));
            write
                .set(&weight, false, &payload(Value::Int(value)))
                .unwrap();
        });
    }
    let counts: Vec<usize> = said(&database, base).iter().map(Vec::len).collect();
    assert_eq!(counts, [1, 2, 2]);
}

/// The object is judged with what it was created with; and an erasure alone would be refused, since nobody
/// could tell that the object was ever there.
#[test]
fn what_an_object_was_created_with_stays() {
    let (_storage, database, base) = with_person();
    let mut second = 0;
    commit(&database, 10, |write| {
        second = create(write, 2);
        write
            .set(&at(second, AGE), false, &payload(int(1)))
            .unwrap();
    });
    for value in [2, 3] {
        commit(&database, 11, |write| {
            write
                .set(&at(second, AGE), false, &payload(int(value)))
                .unwrap();
        });
    }
    commit(&database, 12, |write| write.erase(PERSON, second).unwrap());
    let created = vec![create_instruction(2), update(2, "age", Value::Int(1))];
    assert_eq!(said(&database, base), [created, vec![erase_instruction(2)]]);
}

#[test]
fn an_erasure_takes_earlier_edits_along_whatever_their_time() {
    let (_storage, database, base) = with_person();
    commit(&database, 90, |write| set(write, AGE, int(1)));
    commit(&database, 10, |write| write.erase(PERSON, 0).unwrap());
    assert_eq!(said(&database, base), [[erase_instruction(1)]]);
}

/// Uncompacted, a server that refuses the edit of an object it does not show refuses what follows as well;
/// an object that is made anew in the same transaction would be judged by itself.
#[test]
fn an_erasure_with_a_new_beginning_takes_nothing_along() {
    let (_storage, database, base) = with_person();
    commit(&database, 10, |write| set(write, AGE, int(1)));
    commit(&database, 11, |write| {
        write.erase(PERSON, 0).unwrap();
        create(write, 1);
    });
    assert_eq!(
        said(&database, base),
        [
            vec![age(1)],
            vec![erase_instruction(1), create_instruction(1)]
        ]
    );
}

#[test]
fn nothing_is_folded_across_new_subscriptions_or_a_download() {
    let (_storage, database, base) = with_person();
    commit(&database, 10, |write| set(write, AGE, int(1)));
    subscribe(&database, "TRUEPREDICATE");
    commit(&database, 11, |write| set(write, AGE, int(2)));
    let theirs = [update(1, "name", Value::String("x".into()))];
    integrate(&database, progress(5, base), &body(&[(5, base, &theirs)])).unwrap();
    commit(&database, 12, |write| set(write, AGE, int(3)));
    assert_eq!(said(&database, base), [[age(1)], [age(2)], [age(3)]]);
}

/// What was needless before a download may go after it; an entry that the download changed stays whole.
#[test]
fn entries_that_a_download_changed_are_left_alone() {
    let (_storage, database, base) = with_person();
    commit(&database, 10, |write| {
        set(write, AGE, int(1));
        set(write, NAME, text("a"));
        write.set(&at(0, BEST), false, &payload(link(1))).unwrap();
    });
    commit(&database, 10, |write| {
        set(write, AGE, int(2));
        let known = at(0, KNOWN);
        write.set_insert(&known, &link(1)).unwrap();
        write.set(&at(0, PART_OF), false, &Payload::Object).unwrap();
    });
    commit(&database, 99, |write| set(write, AGE, int(3)));
    // Made at 50: it beats the name of the first entry, and meets nothing else.
    let theirs = [update(1, "name", Value::String("x".into()))];
    integrate(&database, progress(5, base), &body(&[(5, base, &theirs)])).unwrap();
    let said = said(&database, base);
    let lengths: Vec<usize> = said.iter().map(Vec::len).collect();
    assert_eq!(lengths, [3, 2, 1], "{said:?}");
    let field = field(&database, 1, NAME).unwrap();
    assert_eq!(field, tidemark_model::Node::Value(text("x")));
}

#[test]
fn what_was_handed_out_is_handed_out_again_in_the_same_form() {
    let (storage, database, base) = with_person();
    commit(&database, 10, |write| {
        set(write, AGE, int(1));
        set(write, NAME, text("a"));
    });
    let first = uploaded(&database, base);
    drop(database);
    let database = reopen(&storage);
    commit(&database, 11, |write| set(write, AGE, int(2)));
    commit(&database, 11, |write| set(write, AGE, int(3)));
    let again = uploaded(&database, base);
    assert_eq!(again[..1], first);
    assert_eq!(again[1..], [(base + 3, 11, vec![age(3)])]);
}

#[test]
fn a_part_that_was_handed_out_stays_and_the_rest_folds() {
    let (_storage, database, base) = with_person();
    for value in 1..=4 {
        commit(&database, 10, |write| {
            set(write, AGE, int(value));
            if value == 2 {
                set(write, NAME, text("a"));
            }
        });
    }
    // One changeset is enough for the message; the one before it has nothing left to say.
    let first = database.next_upload(base, 0, base + 3, 1).unwrap();
    assert_eq!(
        (first.progress_client_version, first.entries),
        (base + 2, 1)
    );
    commit(&database, 11, |write| set(write, NAME, text("b")));
    commit(&database, 11, |write| set(write, AGE, int(5)));
    let expected = [[name("a")], [name("b")], [age(5)]];
    assert_eq!(said(&database, base), expected);
}

/// Commits an age, the first one with what nobody overwrites.
fn commit_age(database: &Database<Memory>, value: i64) {
    commit(database, 10, |write| {
        set(write, AGE, int(value));
        if value == 1 {
            set(write, NAME, text("a"));
            write.set(&at(0, BEST), false, &payload(link(1))).unwrap();
        }
    });
}

#[test]
fn a_restart_folds_on() {
    let (storage, mut database, base) = with_person();
    for value in 1..=5 {
        commit_age(&database, value);
        drop(database);
        database = reopen(&storage);
    }
    let said = said(&database, base);
    assert_eq!(said.len(), 2);
    assert_eq!(said[0].len(), 2);
    assert_eq!(said[1], [age(5)]);
}

/// A session begins with a download, even after a restart.
#[test]
fn what_was_needless_before_a_download_goes_after_it() {
    let (storage, database, base) = with_person();
    for value in 1..=3 {
        commit_age(&database, value);
    }
    drop(database);
    let database = reopen(&storage);
    integrate(&database, progress(5, base), &[]).unwrap();
    let said = said(&database, base);
    assert_eq!((said.len(), said[0].len()), (2, 2), "{said:?}");
}

#[test]
fn a_write_that_is_not_committed_overwrites_nothing() {
    let (_storage, database, base) = with_person();
    commit(&database, 10, |write| set(write, AGE, int(1)));
    let mut write = database.begin_write().unwrap();
    set(&mut write, AGE, int(2));
    drop(write);
    assert_eq!(said(&database, base), [[age(1)]]);
}

#[test]
fn progress_counts_what_was_committed() {
    let (_storage, database, base) = with_person();
    for value in 1..=100 {
        commit(&database, 10, |write| set(write, AGE, int(value)));
    }
    let before = database.sync_state().unwrap();
    assert_eq!(uploaded(&database, base).len(), 1);
    let state = database.sync_state().unwrap();
    assert_eq!(state.bytes_uploadable, before.bytes_uploadable);
    let newest = database.version();
    integrate(&database, progress(5, newest), &[]).unwrap();
    let state = database.sync_state().unwrap();
    assert_eq!(state.bytes_uploaded, state.bytes_uploadable);
}

/// A file that counts its commits.
fn counting() -> (Database<Arc<OrderedStorage>>, impl Fn() -> usize) {
    let commits = Arc::new(AtomicUsize::new(0));
    let observed = Arc::clone(&commits);
    let storage = Arc::new(OrderedStorage::with_observer(Box::new(move |_, _| {
        observed.fetch_add(1, Ordering::Relaxed);
        Ok(())
    })));
    let database = reopen(&storage);
    commit(&database, 1, |write| update_schema(write, SCHEMA).unwrap());
    (database, move || commits.load(Ordering::Relaxed))
}

/// A device that writes faster than it uploads does not write a mark for each message.
#[test]
fn a_full_message_marks_what_follows_up_to_a_bound() {
    let (database, count) = counting();
    uploaded(&database, 0);
    database.uploads_paused();
    let base = database.version();
    for (key, length) in [(1, 1), (2, 1), (3, 1 << 20), (4, 1)] {
        commit(&database, 10, |write| {
            let object = create(write, key);
            let long = text(&"x".repeat(length));
            write.set(&at(object, NAME), false, &payload(long)).unwrap();
        });
    }
    let commits_for = |after: u64| {
        let before = count();
        let upload = database.next_upload(after, 0, u64::MAX, 1).unwrap();
        assert_eq!(
            (upload.progress_client_version, upload.entries),
            (after + 1, 1)
        );
        count() - before
    };
    assert_eq!(commits_for(base), 1);
    assert_eq!(database.handed_out_version().unwrap(), base + 3);
    assert_eq!(commits_for(base + 1), 0);
    assert_eq!(commits_for(base + 2), 0);
    assert_eq!(commits_for(base + 3), 1);
}

/// What is marked may hold nothing any more: the message goes on to what is not marked.
#[test]
fn marked_entries_without_a_content_do_not_hold_up_what_follows() {
    let (_storage, database, base) = with_person();
    commit(&database, 10, |write| set(write, AGE, int(1)));
    commit(&database, 11, |write| {
        set(write, NAME, text(&"x".repeat(1 << 20)));
    });
    commit(&database, 12, |write| set(write, NAME, text("b")));
    let first = database.next_upload(base, 0, u64::MAX, 1).unwrap();
    assert_eq!(
        (first.progress_client_version, first.entries),
        (base + 1, 1)
    );
    assert_eq!(database.handed_out_version().unwrap(), base + 2);
    assert!(database.hands_out(base + 1, u64::MAX).unwrap());
    let second = database.next_upload(base + 1, 0, u64::MAX, 1).unwrap();
    assert_eq!(
        (second.progress_client_version, second.entries),
        (base + 3, 1)
    );
    assert!(!database.hands_out(base + 1, u64::MAX).unwrap());
}

/// A session that waits takes each commit without a write of its own before the message.
#[test]
fn a_commit_that_is_awaited_says_itself_that_it_may_be_sent() {
    let (database, count) = counting();
    let before = count();
    uploaded(&database, 0);
    assert_eq!(count() - before, 1, "the first one is written down");
    for key in 1..=3 {
        commit(&database, 10, |write| {
            create(write, key);
        });
        let before = count();
        assert_eq!(uploaded(&database, database.version() - 1).len(), 1);
        assert_eq!(count() - before, 0);
    }
    // The same where the session is a little behind.
    commit(&database, 11, |write| set(write, AGE, int(1)));
    commit(&database, 12, |write| set(write, AGE, int(2)));
    let before = count();
    assert_eq!(said(&database, database.version() - 2).len(), 2);
    assert_eq!(count() - before, 0);
    // Without a session nothing is awaited: the older value goes.
    database.uploads_paused();
    commit(&database, 13, |write| set(write, AGE, int(3)));
    commit(&database, 14, |write| set(write, AGE, int(4)));
    let before = count();
    assert_eq!(said(&database, database.version() - 2).len(), 1);
    assert_eq!(count() - before, 1);
    // Far behind is like without.
    let long = || Value::String("x".repeat(1 << 20).as_str().into());
    commit(&database, 15, |write| set(write, NAME, long()));
    commit(&database, 16, |write| set(write, AGE, int(5)));
    commit(&database, 17, |write| set(write, AGE, int(6)));
    assert_eq!(said(&database, database.version() - 3).len(), 2);
}

#[test]
fn the_key_of_a_dictionary_that_goes_separates() {
    let (_storage, database, base) = with_person();
    let boss = below(0, BY_ROLE, &[Step::Key("boss".into())]);
    commit(&database, 10, |write| {
        write.set(&boss, false, &payload(link(1))).unwrap();
    });
    commit(&database, 11, |write| {
        write.set(&boss, false, &Payload::Erased).unwrap();
    });
    commit(&database, 12, |write| {
        write.set(&boss, false, &payload(link(1))).unwrap();
    });
    let said = said(&database, base);
    assert_eq!(said.len(), 3);
    let erased = Instruction::Update {
        target: target(1, "byRole", &[PathElement::Key("boss".into())]),
        value: Payload::Erased,
        kind: UpdateKind::Property { is_default: false },
    };
    assert_eq!(said[1], [erased]);
}
