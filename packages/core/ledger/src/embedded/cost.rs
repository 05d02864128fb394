//! That the cost of an upload follows what it holds and what it meets, not their product, nor the number of
//! sessions that it does not concern: counted, not timed.

use tidemark_changeset::{
    CollectionKind, ColumnType, Instruction, KeyType, PathElement, PrimaryKey, Target, Value,
};

use super::common::{
    Made, Peer, TestLedger, add_column, add_table, create, insert, open, role, set, text,
};
use super::stored::asked::{Asked, during};
use crate::embedded::{BatchState, DownloadLimits, DownloadPart, QueryableFields, UploadAnswer};
use crate::error::{Action, LedgerError, codes};
use crate::limits::{JUDGE_RULE_STEPS_MAX, JUDGE_STEPS_MAX};
use crate::predicate::COMPILED;

const ALL: &str = r#"{"Thing":"TRUEPREDICATE"}"#;

/// A ledger with one object that everybody may know.
fn ledger() -> TestLedger {
    let ledger = open();
    let mut first = Peer::new(&ledger);
    first.identify((0, 0), 0, "{}");
    first.drain();
    let schema = vec![
        add_table("Thing", KeyType::Int),
        add_column("Thing", "value", ColumnType::Int, CollectionKind::Single),
        add_column("Thing", "list", ColumnType::Int, CollectionKind::List),
        add_column("Thing", "text", ColumnType::String, CollectionKind::Single),
    ];
    first.send((2, 0), 0, &[(2, 0, 1, schema)]);
    first.query(1, ALL);
    first.drain();
    first.send((3, 0), 0, &[(3, 0, 2, vec![create("Thing", 0)])]);
    ledger
}

/// A client that holds what it asks for; the answer is its base.
fn subscribed<'a>(ledger: &'a TestLedger, query: &str, write: &str) -> (Client<'a>, u64) {
    let mut client = Peer::new(ledger);
    client.role = role("TRUEPREDICATE", write);
    client.identify((0, 0), 0, "{}");
    client.drain();
    client.query(1, query);
    client.drain();
    (client, ledger.version())
}

type Client<'a> = Peer<'a, tidemark_storage::OrderedStorage>;

fn inserted(at: u32) -> Vec<Instruction> {
    vec![insert("Thing", 0, "list", at / 2, Value::Int(1), at)]
}

fn set_value(at: u32) -> Vec<Instruction> {
    let value = Value::Int(i64::from(at));
    vec![set("Thing", 0, "value", value)]
}

/// Changesets on one base, each of one edit.
fn made(
    base: u64,
    timestamp: u64,
    count: u32,
    edit: impl Fn(u32) -> Vec<Instruction>,
) -> Vec<Made> {
    let one = |at| (10 + u64::from(at), base, timestamp, edit(at));
    (0..count).map(one).collect()
}

fn upload(client: &Client<'_>, base: u64, made: &[Made]) -> UploadAnswer {
    let newest = made.last().map_or(0, |last| last.0);
    client.send((newest, base), base, made)
}

/// What integrating so many changesets asks for, counted for one changeset, all in one UPLOAD.
fn each(client: &Client<'_>, base: u64, made: &[Made]) -> (UploadAnswer, Asked) {
    let mut answer = UploadAnswer::default();
    let asked = during(|| answer = upload(client, base, made));
    assert_eq!(answer.changesets, made.len() as u64);
    (answer, asked)
}

/// Few questions a changeset, and a few for the upload.
#[track_caller]
fn assert_linear(asked: Asked, changesets: u32) {
    let most = 6 * changesets as usize + 20;
    let Asked {
        touches,
        entries,
        own_instructions,
        forms,
        ..
    } = asked;
    assert!(touches <= most, "{asked:?}");
    assert!(entries <= most, "{asked:?}");
    assert!(own_instructions <= most, "{asked:?}");
    assert!(forms <= most, "{asked:?}");
}

const MANY: u32 = 300;

#[test]
fn many_edits_of_one_object_cost_as_many_looks() {
    let ledger = ledger();
    let (client, base) = subscribed(&ledger, ALL, "TRUEPREDICATE");
    let (answer, asked) = each(&client, base, &made(base, 5, MANY, inserted));
    assert_eq!((answer.conflicts, answer.refreshes), (0, 0));
    assert_linear(asked, MANY);
}

#[test]
fn edits_that_move_an_object_across_a_view_cost_as_many_looks() {
    let ledger = ledger();
    let query = r#"{"Thing":"value < 100"}"#;
    let (client, base) = subscribed(&ledger, query, "TRUEPREDICATE");
    let (answer, asked) = each(&client, base, &made(base, 5, MANY, set_value));
    assert!(answer.refreshes > 0 && !answer.compensations.is_empty());
    assert_linear(asked, MANY);
}

#[test]
fn edits_that_are_compensated_cost_as_many_looks() {
    let ledger = ledger();
    let (client, base) = subscribed(&ledger, ALL, "value < 0");
    let (answer, asked) = each(&client, base, &made(base, 5, MANY, set_value));
    assert_eq!(answer.compensations.len(), MANY as usize);
    assert_linear(asked, MANY);
}

#[test]
fn edits_of_an_own_new_object_cost_as_many_looks() {
    let ledger = ledger();
    let (client, base) = subscribed(&ledger, r#"{"Thing":"value < 100"}"#, "TRUEPREDICATE");
    let edit = |at| {
        if at == 0 {
            return vec![create("Thing", 7)];
        }
        let prior_size = at - 1;
        vec![insert("Thing", 7, "list", 0, Value::Int(1), prior_size)]
    };
    let (answer, asked) = each(&client, base, &made(base, 5, MANY, edit));
    assert_eq!(answer.compensations, []);
    assert_linear(asked, MANY);
}

#[test]
fn each_foreign_change_is_loaded_once() {
    for (theirs, conflicts) in [
        (inserted as fn(u32) -> Vec<Instruction>, u64::from(MANY)),
        (set_value, u64::from(MANY)),
    ] {
        let ledger = ledger();
        let (one, base) = subscribed(&ledger, ALL, "TRUEPREDICATE");
        let (other, other_base) = subscribed(&ledger, ALL, "TRUEPREDICATE");
        upload(&one, base, &made(base, 6, MANY, theirs));
        let (answer, asked) = each(&other, other_base, &made(other_base, 5, MANY, inserted));
        assert_eq!(answer.conflicts, conflicts);
        assert_linear(asked, 2 * MANY);
    }
}

#[test]
fn uploads_one_after_the_other_load_what_is_there_once_each() {
    let ledger = ledger();
    let (one, base) = subscribed(&ledger, ALL, "TRUEPREDICATE");
    let (other, other_base) = subscribed(&ledger, ALL, "TRUEPREDICATE");
    upload(&one, base, &made(base, 6, MANY, inserted));
    let all = made(other_base, 5, MANY, inserted);
    let (first, second) = all.split_at(all.len() / 2);
    each(&other, other_base, first);
    let (_, asked) = each(&other, other_base, second);
    assert_linear(asked, 2 * MANY);
}

/// A move in a list of three, which makes each edit of it meet each of the others', and so many insertions.
fn move_and_insert(insertions: u32) -> Vec<Instruction> {
    let moved = Instruction::ArrayMove {
        target: Target {
            class: "Thing".into(),
            key: PrimaryKey::Int(0),
            field: "list".into(),
            path: vec![PathElement::Index(0)],
        },
        to: 2,
        prior_size: 3,
    };
    let inserted = (3..3 + insertions).flat_map(inserted);
    std::iter::once(moved).chain(inserted).collect()
}

/// Histories of moves that are long enough would keep everybody else waiting for hours.
#[test]
fn an_upload_that_meets_too_much_is_refused() {
    let ledger = ledger();
    let (one, base) = subscribed(&ledger, ALL, "TRUEPREDICATE");
    upload(&one, base, &made(base, 5, 3, inserted));
    let (one, base) = subscribed(&ledger, ALL, "TRUEPREDICATE");
    let (other, other_base) = subscribed(&ledger, ALL, "TRUEPREDICATE");
    let (third, third_base) = subscribed(&ledger, ALL, "TRUEPREDICATE");
    upload(&one, base, &[(10, base, 6, move_and_insert(1_100))]);
    let many = [(10, other_base, 8, move_and_insert(1_100))];
    let refusal = other.upload((10, other_base), other_base, &many).refusal;
    let refusal = refusal.expect("too many");
    assert_eq!(refusal.action, Action::ClientReset);
    let reason = "touch each other at too many places";
    assert!(refusal.message.contains(reason), "{}", refusal.message);
    let few = [(10, third_base, 7, move_and_insert(10))];
    assert_eq!(
        upload(&third, third_base, &few).conflicts,
        1,
        "others go on"
    );
}

/// What one change asks for whose object concerns one of so many sessions, and what that one's download asks
/// for.
fn one_change_among(sessions: i64, rule: impl Fn(i64) -> String) -> (Asked, Asked) {
    let ledger = ledger();
    let (writer, base) = subscribed(&ledger, ALL, "TRUEPREDICATE");
    let query = |number| format!(r#"{{"Thing":"{}"}}"#, rule(number));
    let watchers: Vec<_> = (0..sessions)
        .map(|number| subscribed(&ledger, &query(number), "TRUEPREDICATE").0)
        .collect();
    ledger.take_touched();
    let edit = |number| vec![set("Thing", 0, "value", Value::Int(number))];
    upload(&writer, base, &[(10, base, 5, edit(-5))]);
    // Two that see everything, and who saw the value before.
    assert!(ledger.take_touched().len() <= 3);
    let moved = [(11, base, 6, edit(sessions - 1))];
    let changed = during(|| drop(upload(&writer, base, &moved)));
    let watcher = watchers.last().expect("there are some");
    assert!(ledger.take_touched().contains(&watcher.session));
    let fetched = during(|| assert_eq!(watcher.drain().len(), 1));
    (changed, fetched)
}

#[test]
fn a_change_asks_no_session_that_it_does_not_concern() {
    let equality = |number: i64| format!("value == {number}");
    let conjunction = |number: i64| format!("list.@count == 0 AND value IN {{{number}, -1}}");
    for rule in [&equality as &dyn Fn(i64) -> String, &conjunction] {
        let (few, _) = one_change_among(3, rule);
        let (many, fetched) = one_change_among(200, rule);
        assert_eq!(few.rules, many.rules);
        // The one that sees everything, and the one that the value names.
        assert_eq!(many.rules, 2);
        // The watcher does not read the change before.
        assert_eq!(fetched.entries_read, 1);
    }
}

#[test]
fn sessions_with_one_rule_have_it_evaluated_once() {
    let (asked, _) = one_change_among(100, |number| {
        format!("value > {}", if number == 99 { 50 } else { 1000 })
    });
    // Each of the three rules at most for the values before and for those after.
    assert!(asked.rules <= 6, "{asked:?}");
}

/// How many texts of rules a changeset of 100 objects binds, with a write rule and an indexed field.
fn bound_for_many(write: &str, indexed: Option<&str>) -> usize {
    let ledger = ledger();
    ledger.set_queryable_fields(QueryableFields {
        indexed: indexed.map(str::to_owned),
        ..QueryableFields::default()
    });
    let mut client = Peer::new(&ledger);
    client.role = role("TRUEPREDICATE", write);
    client.identify((0, 0), 0, "{}");
    client.drain();
    let base = ledger.version();
    let before = COMPILED.get();
    let all = (100..200).map(|key| create("Thing", key)).collect();
    upload(&client, base, &[(10, base, 5, all)]);
    COMPILED.get() - before
}

#[test]
fn rules_are_bound_once_for_many_objects() {
    for (write, indexed) in [
        ("TRUEPREDICATE", None),
        ("value >= 0", None),
        // What is not there, and what is no column.
        ("value >= 0", Some("owner")),
        ("value >= 0", Some("_id")),
        ("nothing == 3", None),
    ] {
        let bound = bound_for_many(write, indexed);
        assert!(bound <= 3, "{bound} for {write} and {indexed:?}");
    }
}

#[test]
fn rules_are_bound_when_what_they_name_is_there() {
    let ledger = ledger();
    ledger.set_queryable_fields(QueryableFields {
        indexed: Some("owner".to_owned()),
        ..QueryableFields::default()
    });
    let mut client = Peer::new(&ledger);
    client.role = role("TRUEPREDICATE", "size == 3");
    client.identify((0, 0), 0, "{}");
    client.drain();
    client.query(1, ALL);
    client.drain();
    let base = ledger.version();
    let column = |field| add_column("Thing", field, ColumnType::Int, CollectionKind::Single);
    let owned_by = |value| set("Thing", 1, "owner", Value::Int(value));
    let thing = |key| {
        vec![
            create("Thing", key),
            set("Thing", key, "size", Value::Int(3)),
        ]
    };
    // One commit, in which the schema changes more than once.
    let all = [
        (10, base, 5, vec![column("other"), create("Thing", 9)]),
        (11, base, 6, [vec![column("size")], thing(1)].concat()),
        (12, base, 7, vec![column("owner"), owned_by(1)]),
        (13, base, 8, thing(2)),
    ];
    let answer = upload(&client, base, &all);
    let rejected: Vec<_> = answer
        .compensations
        .iter()
        .map(|one| one.rejected_client_version)
        .collect();
    // What no rule allows yet; and the indexed field is kept from where it is there.
    assert_eq!(rejected, [10, 12]);
}

fn set_text(value: &str) -> Vec<Instruction> {
    vec![set("Thing", 0, "text", text(value))]
}

/// The sessions that a commit names among these, and the steps that finding them takes.
fn named_among(
    ledger: &TestLedger,
    watchers: &[Client<'_>],
    commit: impl FnOnce(),
) -> (Vec<bool>, usize) {
    ledger.take_touched();
    let asked = during(commit);
    let named = ledger.take_touched();
    let is_named = watchers
        .iter()
        .map(|watcher| named.contains(&watcher.session));
    (is_named.collect(), asked.steps)
}

fn rule(condition: &str) -> String {
    format!(r#"{{"Thing":"{condition}"}}"#)
}

#[test]
fn judging_a_text_costs_as_much_as_it_and_the_needle_are_long() {
    const HALF: usize = 8_000;
    let beginning = "a".repeat(HALF);
    for condition in [
        format!("text CONTAINS '{beginning}b'"),
        format!("text CONTAINS[c] '{beginning}B'"),
        format!("text LIKE '*{beginning}b*'"),
        format!("text LIKE[c] '*{beginning}B*'"),
    ] {
        let ledger = ledger();
        let (writer, base) = subscribed(&ledger, ALL, "TRUEPREDICATE");
        let (watcher, _) = subscribed(&ledger, &rule(&condition), "TRUEPREDICATE");
        let changed = [(10, base, 5, set_text(&"a".repeat(2 * HALF)))];
        let (named, steps) = named_among(&ledger, &[watcher], || {
            drop(upload(&writer, base, &changed));
        });
        assert_eq!(named, [false]);
        assert!(steps <= 6 * (3 * HALF / 16) + 50, "{steps}");
    }
}

#[test]
fn a_session_whose_rule_costs_too_much_looks_itself() {
    let ledger = ledger();
    let (writer, base) = subscribed(&ledger, ALL, "TRUEPREDICATE");
    let rules = ["text CONTAINS 'b'", &long_condition(), "value > 5"];
    let watchers = rules.map(|condition| subscribed(&ledger, &rule(condition), "TRUEPREDICATE").0);
    let long = "a".repeat(200_000);
    let both = [set_text(&long), set_value(5)].concat();
    let changed = [
        (10, base, 5, both),
        (11, base, 6, set_value(4)),
        (12, base, 7, set_value(5)),
    ];
    let (named, steps) = named_among(&ledger, &watchers, || drop(upload(&writer, base, &changed)));
    assert_eq!(named, [true, true, false]);
    // Once in a commit, and no further.
    assert!(steps as u64 <= 2 * JUDGE_RULE_STEPS_MAX + 100, "{steps}");
    for watcher in &watchers {
        let sent: usize = watcher.drain().iter().map(|part| part.entries).sum();
        assert_eq!(sent, 0);
    }
    let small = [(13, base, 8, vec![create("Thing", 5)])];
    let (named, _) = named_among(&ledger, &watchers, || drop(upload(&writer, base, &small)));
    assert_eq!(named, [false; 3], "a commit by itself");
}

/// A commit of so many edits among sessions with these rules, and what each of them is sent of it: everybody
/// is named, whatever the rule, and nobody by the next commit.
fn assert_concerns_everybody(
    rules: impl Iterator<Item = String>,
    edits: (u32, impl Fn(u32) -> Vec<Instruction>),
) -> Vec<usize> {
    let ledger = ledger();
    let (writer, base) = subscribed(&ledger, ALL, "TRUEPREDICATE");
    let watchers: Vec<_> = rules
        .map(|condition| subscribed(&ledger, &rule(&condition), "TRUEPREDICATE").0)
        .collect();
    let changed = made(base, 5, edits.0, edits.1);
    let (named, steps) = named_among(&ledger, &watchers, || {
        upload(&writer, base, &changed);
    });
    assert!(named.iter().all(|named| *named));
    let most = JUDGE_STEPS_MAX + JUDGE_RULE_STEPS_MAX;
    assert!(steps as u64 <= most, "{steps}");
    let entries = |watcher: &Client<'_>| watcher.drain().iter().map(|part| part.entries).sum();
    let sent = watchers.iter().map(entries).collect();
    let small = [(1_000, base, 9, vec![create("Thing", 5)])];
    let (named, _) = named_among(&ledger, &watchers, || drop(upload(&writer, base, &small)));
    assert_eq!(named.first(), Some(&false));
    sent
}

#[test]
fn a_commit_that_too_many_rules_have_to_judge_concerns_everybody() {
    // None costs too much by itself.
    let costly = (0..100).map(|number| format!("text CONTAINS 'b' AND value > {number}"));
    let rules = std::iter::once("value == 1000".to_owned()).chain(costly);
    let edit = |at| [set_value(at), set_text(&"a".repeat(20_000))].concat();
    let sent = assert_concerns_everybody(rules, (3, edit));
    assert!(sent.iter().all(|entries| *entries == 0));
}

#[test]
fn a_commit_of_which_too_much_has_to_be_noted_concerns_everybody() {
    let all = (0..100).map(|_| "TRUEPREDICATE".to_owned());
    let rules = std::iter::once("value == 1000".to_owned()).chain(all);
    let sent = assert_concerns_everybody(rules, (200, set_value));
    let (first, rest) = sent.split_first().expect("there are some");
    assert_eq!(*first, 0);
    assert!(rest.iter().all(|entries| *entries == 200));
}

/// A condition of so many, of which all have to be looked at unless there is no text.
fn long_condition() -> String {
    format!(
        "text != '' AND ({})",
        vec!["text == 'b'"; 1_800].join(" OR ")
    )
}

/// Others' uploads wait while one is judged by its client's view.
#[test]
fn an_upload_that_takes_too_long_to_judge_by_its_own_query_is_refused() {
    let ledger = ledger();
    let (one, base) = subscribed(&ledger, &rule(&long_condition()), "TRUEPREDICATE");
    let (other, other_base) = subscribed(&ledger, ALL, "TRUEPREDICATE");
    let edit = |at: u32| {
        let key = i64::from(at) + 10;
        vec![create("Thing", key), set("Thing", key, "text", text("a"))]
    };
    let version = ledger.version();
    let many = made(base, 5, MANY, edit);
    let refusal = one
        .upload((10 + u64::from(MANY), base), base, &many)
        .refusal;
    let refusal = refusal.expect("it takes too long");
    assert_eq!(
        (refusal.code, refusal.action),
        (codes::BAD_QUERY, Action::ApplicationBug)
    );
    assert_eq!(ledger.version(), version, "nothing of it is stored");
    upload(&other, other_base, &made(other_base, 5, MANY, edit));
    assert_eq!(ledger.version(), version + u64::from(MANY));
}

/// A part that takes long to look for is sent before it is full.
#[test]
fn a_bootstrap_that_takes_long_to_judge_is_sent_in_more_parts() {
    let ledger = ledger();
    let (writer, base) = subscribed(&ledger, ALL, "TRUEPREDICATE");
    let edit = |at: u32| {
        let key = i64::from(at) + 10;
        vec![create("Thing", key), set("Thing", key, "text", text("a"))]
    };
    upload(&writer, base, &made(base, 5, 100, edit));
    let mut reader = Peer::new(&ledger);
    reader.identify((0, 0), 0, "{}");
    reader.drain();
    reader.query(1, &rule(&format!("{} OR text == 'a'", long_condition())));
    let parts = reader.drain();
    let is_part = |part: &&DownloadPart| part.batch_state != BatchState::Steady;
    assert!(parts.iter().filter(is_part).count() > 5, "{}", parts.len());
    let instructions = parts.iter().flat_map(super::common::entries);
    let created = instructions
        .flat_map(|entry| entry.instructions)
        .filter(|one| matches!(one, Instruction::CreateObject { .. }));
    assert_eq!(created.count(), 100);
}

#[test]
fn a_download_that_takes_too_long_to_judge_ends_its_session() {
    let condition = "text CONTAINS 'b'";
    let long = set_text(&"a".repeat(3_000_000));
    let fails = |client: &Client<'_>| {
        let part = client
            .ledger
            .next_download(client.session, DownloadLimits::of(1 << 20));
        matches!(part, Err(LedgerError::TooCostly))
    };
    let ledger = ledger();
    let (writer, base) = subscribed(&ledger, ALL, "TRUEPREDICATE");
    let (watcher, _) = subscribed(&ledger, &rule(condition), "TRUEPREDICATE");
    upload(&writer, base, &[(10, base, 5, long)]);
    assert!(fails(&watcher) && fails(&watcher), "an entry");
    let mut reader = Peer::new(&ledger);
    reader.identify((0, 0), 0, "{}");
    reader.drain();
    reader.query(1, &rule(condition));
    assert!(fails(&reader) && fails(&reader), "a bootstrap");
    assert!(writer.next().is_some(), "others go on");
}
