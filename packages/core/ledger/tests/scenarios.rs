//! The two scenarios of `docs/ledger.md`, message by message.

mod common;

use common::{
    Made, Peer, Received, SALT, TestLedger, city_schema, create, entries, erase, insert, open,
    options, set, steady, text,
};
use tidemark_changeset::{CollectionKind, Instruction, PathElement, PrimaryKey, Value};
use tidemark_ledger::embedded::{DownloadPart, Ledger, Options};
use tidemark_ledger::select::{SERVER_IDENT, SYNTHETIC_TIMESTAMP};
use tidemark_ledger::switches::Switches;
use tidemark_model::Node;
use tidemark_model::memory::Database;
use tidemark_storage::OrderedStorage;

const CITY: i64 = 7;
const ALL: &str = r#"{"City":"TRUEPREDICATE"}"#;
const DANISH: &str = r#"{"City":"country == \"DK\""}"#;

type TestPeer<'a> = Peer<'a, OrderedStorage>;

fn country(code: &str) -> Instruction {
    set("City", CITY, "country", text(code))
}

fn tag(index: u32, value: &str, prior_size: u32) -> Instruction {
    insert("City", CITY, "tags", index, text(value), prior_size)
}

/// Anna sees all cities, Bert the Danish ones; there is City 7 {DK, tags [a]}. Versions are raised to 10,
/// where both are up to date, Bert's client version being 20.
fn stage(ledger: &TestLedger) -> (TestPeer<'_>, TestPeer<'_>) {
    let mut anna = Peer::new(ledger);
    let mut bert = Peer::new(ledger);
    anna.identify((0, 0), 0, "{}"); // 2
    anna.drain();
    anna.send((2, 2), 2, &[(2, 0, 1, city_schema())]); // 3
    anna.query(1, ALL); // 4
    anna.drain();
    bert.identify((0, 0), 0, "{}"); // 5
    bert.drain();
    bert.query(1, DANISH); // 6
    bert.drain();
    let city = vec![create("City", CITY), country("DK"), tag(0, "a", 0)];
    anna.send((3, 4), 4, &[(3, 4, 2, city)]); // 7
    bert.drain();
    anna.drain();
    let other = |version: i64| -> Made {
        (
            version.cast_unsigned(),
            6,
            3,
            vec![
                create("City", 100 + version),
                set("City", 100 + version, "country", text("DK")),
            ],
        )
    };
    bert.send((20, 6), 6, &[other(10), other(15), other(20)]); // 8, 9, 10
    assert_eq!(ledger.version(), 10);
    anna.drain();
    let part = bert.only();
    assert_eq!(
        (part.download_server_version, part.download_client_version),
        (10, 20)
    );
    (anna, bert)
}

fn synthetic(version: u64, client_version: u64, instructions: Vec<Instruction>) -> Received {
    Received {
        version,
        client_version,
        timestamp: SYNTHETIC_TIMESTAMP,
        origin: SERVER_IDENT,
        instructions,
    }
}

fn header(part: &DownloadPart) -> (u64, u64, u64, u64) {
    assert!(steady(part));
    (
        part.download_server_version,
        part.download_client_version,
        part.upload_client_version,
        part.upload_server_version,
    )
}

fn image(tags: &[&str], name: Option<&str>) -> Vec<Instruction> {
    let mut all = vec![erase("City", CITY), create("City", CITY)];
    all.extend(name.map(|name| set("City", CITY, "name", text(name))));
    all.push(country("DK"));
    for (index, value) in (0..).zip(tags) {
        all.push(tag(index, value, index));
    }
    all
}

fn leaves_and_reenters(ledger: &TestLedger) -> (TestPeer<'_>, TestPeer<'_>) {
    let (anna, mut bert) = stage(ledger);
    bert.identify((10, 20), 1, DANISH);
    ledger.end_session(bert.session);
    anna.send(
        (13, 10),
        10,
        &[
            (11, 10, 600, vec![country("SE")]),
            (12, 10, 610, vec![tag(0, "q", 1)]),
            (13, 10, 620, vec![country("DK")]),
        ],
    );
    assert_eq!(ledger.version(), 13);
    assert!(!bert.identify((10, 20), 1, DANISH).bootstrap_due);
    let part = bert.only();
    assert_eq!(header(&part), (13, 20, 20, 6));
    assert_eq!(
        entries(&part),
        [
            synthetic(11, 20, vec![erase("City", CITY)]),
            synthetic(13, 20, image(&["q", "a"], None)),
        ]
    );
    anna.drain();
    (anna, bert)
}

#[test]
fn a_pending_edit_while_the_object_leaves_and_reenters() {
    let ledger = open();
    let (anna, bert) = leaves_and_reenters(&ledger);
    // Made offline at base 10: the original form.
    bert.send((24, 13), 13, &[(22, 10, 500, vec![tag(1, "b", 1)])]);
    let part = bert.only();
    assert_eq!(header(&part), (14, 22, 24, 13));
    assert_eq!(
        entries(&part),
        [synthetic(14, 22, image(&["q", "a", "b"], None))]
    );
    let part = anna.only();
    let sent = entries(&part);
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (sent[0].version, sent[0].origin, sent[0].timestamp),
        (14, bert.ident, 500)
    );
    assert_eq!(sent[0].instructions, [tag(2, "b", 2)]);
}

#[test]
fn a_second_pending_edit_merges_in_reciprocal_form_and_is_refreshed_again() {
    let ledger = open();
    let (anna, bert) = leaves_and_reenters(&ledger);
    bert.send((22, 10), 13, &[(22, 10, 500, vec![tag(1, "b", 1)])]);
    bert.send((24, 13), 13, &[(23, 10, 510, vec![tag(2, "c", 2)])]);
    let part = bert.only();
    assert_eq!(header(&part), (15, 23, 24, 13));
    assert_eq!(
        entries(&part),
        [
            synthetic(14, 22, image(&["q", "a", "b"], None)),
            synthetic(15, 23, image(&["q", "a", "b", "c"], None)),
        ]
    );
    let sent = entries(&anna.only());
    assert_eq!(sent[1].instructions, [tag(3, "c", 3)]);
}

#[test]
fn an_edit_made_after_the_wipe_does_not_contain_the_pending_one() {
    let ledger = open();
    let (anna, bert) = leaves_and_reenters(&ledger);
    bert.send((24, 13), 13, &[(22, 10, 500, vec![tag(1, "b", 1)])]);
    // Made on [q, a], after 11 and 13 were integrated but before 14 arrived.
    bert.send((25, 13), 13, &[(25, 13, 520, vec![tag(0, "c", 2)])]);
    let sent = entries(&anna.only());
    assert_eq!(sent[1].instructions, [tag(0, "c", 3)]);
    let sent = entries(&bert.only());
    assert_eq!(
        sent[1],
        synthetic(15, 25, image(&["c", "q", "a", "b"], None))
    );
}

#[test]
fn had_the_object_stayed_out_of_view_only_the_erasure_is_sent() {
    let ledger = open();
    let (anna, mut bert) = stage(&ledger);
    ledger.end_session(bert.session);
    anna.send((11, 10), 10, &[(11, 10, 600, vec![country("SE")])]);
    bert.identify((10, 20), 1, DANISH);
    assert_eq!(
        entries(&bert.only()),
        [synthetic(11, 20, vec![erase("City", CITY)])]
    );
    anna.drain();
    let answer = bert.send((24, 11), 11, &[(22, 10, 500, vec![tag(1, "b", 1)])]);
    assert_eq!(answer.compensations, []);
    assert_eq!(
        entries(&bert.only()),
        [synthetic(12, 22, vec![erase("City", CITY)])]
    );
    assert_eq!(entries(&anna.only())[0].instructions, [tag(1, "b", 1)]);
}

#[test]
fn a_compensating_write() {
    let ledger = open();
    let (anna, mut bert) = leaves_and_reenters(&ledger);
    bert.send((24, 13), 13, &[(22, 10, 500, vec![tag(1, "b", 1)])]);
    bert.drain();
    anna.drain();
    let name = |key, name: &str| set("City", key, "name", text(name));
    let oslo = vec![
        create("City", 500),
        set("City", 500, "country", text("SE")),
        name(CITY, "Z"),
    ];
    let third: Made = (27, 14, 700, oslo);
    let fourth: Made = (28, 14, 710, vec![name(500, "Y")]);
    let answer = bert.send((28, 14), 14, &[third, fourth]);
    let told = |compensations: &[tidemark_ledger::records::Compensation]| -> Vec<(u64, u64, usize, String)> {
        compensations
            .iter()
            .map(|told| {
                let update = &told.rejected_updates[0];
                let updates = told.rejected_updates.len();
                (told.server_version, told.rejected_client_version, updates, update.reason.clone())
            })
            .collect()
    };
    let reason =
        "write to 500 in table \"City\" not allowed; object is outside of the current query view";
    let expected = [
        (15, 27, 1, reason.to_owned()),
        (16, 28, 1, reason.to_owned()),
    ];
    assert_eq!(told(&answer.compensations), expected);

    let expected_entries = [
        synthetic(15, 27, vec![erase("City", 500)]),
        synthetic(16, 28, vec![erase("City", 500)]),
    ];
    let part = bert.only();
    assert_eq!(header(&part), (16, 28, 28, 14));
    assert_eq!(entries(&part), expected_entries);
    let sent = entries(&anna.only());
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (sent[0].version, sent[0].origin, sent[0].timestamp),
        (15, bert.ident, 700)
    );
    assert_eq!(sent[0].instructions, [name(CITY, "Z")]);

    // The connection was lost before Bert integrated: both errors go first, then the same download.
    let identified = bert.identify((14, 22), 1, DANISH);
    assert_eq!(told(&identified.compensations), expected);
    assert_eq!(entries(&bert.only()), expected_entries);
    // Half of it integrated: one is left.
    assert_eq!(bert.identify((15, 27), 1, DANISH).compensations.len(), 1);
    assert_eq!(bert.identify((16, 28), 1, DANISH).compensations.len(), 0);
}

/// A bootstrap that does not arrive puts the view before it in force again, also for versions at which an
/// upload was integrated in the meantime: under that view the object left and came back, so the upload has to
/// be given afresh.
fn either_future(switches: Switches) -> Vec<Received> {
    let options = Options {
        switches,
        ..options(SALT)
    };
    let ledger = Ledger::open(OrderedStorage::new(), options).expect("a new ledger opens");
    let (anna, mut bert) = stage(&ledger);
    bert.query(2, r#"{"City":"country == \"DK\" OR country == \"SE\""}"#); // 11, never arrives
    anna.send(
        (12, 10),
        10,
        &[
            (11, 10, 600, vec![country("SE")]),
            (12, 10, 620, vec![country("DK")]),
        ],
    ); // 12, 13
    bert.send((22, 10), 10, &[(22, 10, 500, vec![tag(1, "b", 1)])]); // 14
    anna.drain();
    anna.send((13, 14), 14, &[(13, 14, 700, vec![tag(2, "z", 2)])]); // 15
    assert_eq!(ledger.version(), 15);
    bert.identify((10, 20), 1, DANISH);
    bert.drain().iter().flat_map(entries).collect()
}

#[test]
fn an_upload_is_right_whether_or_not_a_bootstrap_arrives() {
    let last = Received {
        version: 15,
        client_version: 22,
        timestamp: 700,
        origin: 2,
        instructions: vec![tag(2, "z", 2)],
    };
    let expected = [
        synthetic(12, 20, vec![erase("City", CITY)]),
        synthetic(13, 20, image(&["a"], None)),
        synthetic(14, 22, image(&["a", "b"], None)),
        last,
    ];
    assert_eq!(either_future(Switches::ALL), expected);
    // Without the rule the insertion at 15 would meet a list of one.
    let without = either_future(Switches {
        either_future: false,
        ..Switches::ALL
    });
    assert!(!without.iter().any(|entry| entry.version == 14));
}

#[test]
fn rules_come_before_the_view_in_reasons() {
    let ledger = open();
    let (_, mut bert) = stage(&ledger);
    ledger.end_session(bert.session);
    bert.role = common::role("TRUEPREDICATE", "country == \"NO\"");
    bert.identify((10, 20), 1, DANISH);
    bert.drain();
    let city = |key, code: &str| vec![create("City", key), set("City", key, "country", text(code))];
    let all = [city(1, "NO"), city(2, "SE"), city(3, "DK")].concat();
    let answer = bert.send((21, 10), 10, &[(21, 10, 500, all)]);
    let reasons: Vec<&str> = answer.compensations[0]
        .rejected_updates
        .iter()
        .map(|update| &*update.reason)
        .collect();
    assert_eq!(
        reasons,
        [
            "write to 1 in table \"City\" not allowed; object is outside of the current query view",
            "write to 2 in table \"City\" not allowed",
            "write to 3 in table \"City\" not allowed",
        ]
    );
    assert_eq!(answer.compensations.len(), 1);
    let sent = entries(&bert.only());
    assert_eq!(
        sent,
        [synthetic(
            11,
            21,
            (1..=3).map(|key| erase("City", key)).collect()
        )]
    );
}

#[test]
fn lists_of_a_new_object_keep_their_order() {
    // A path with an index and one with a key are different paths.
    let ledger = open();
    let (anna, bert) = stage(&ledger);
    let target = common::target("City", CITY, "tags", vec![PathElement::Index(0)]);
    let update = Instruction::Update {
        target,
        value: Value::String("z".into()).into(),
        kind: tidemark_changeset::UpdateKind::Element { prior_size: 1 },
    };
    anna.send((5, 10), 10, &[(5, 10, 900, vec![update.clone()])]);
    assert_eq!(entries(&bert.only())[0].instructions, [update]);
}

#[test]
fn what_an_image_leaves_out_is_its_default_afterwards() {
    let ledger = open();
    let (anna, bert) = stage(&ledger);
    let mut held = Database::new();
    let take = |held: &mut Database| {
        for received in bert.drain().iter().flat_map(entries) {
            held.apply(&received.instructions).expect("it fits");
        }
        let city = held.get(&"City".into(), &PrimaryKey::Int(CITY));
        city.map(|city| city.fields.clone())
    };
    held.apply(&city_schema()).expect("it fits");
    held.apply(&image(&["a"], None)).expect("it fits");
    let name = |name: &str| set("City", CITY, "name", text(name));
    let tags = Instruction::Clear {
        target: common::target("City", CITY, "tags", Vec::new()),
        collection: CollectionKind::List,
    };
    let fields = |name: &str, tags: &[&str]| {
        let values = tags.iter().map(|tag| Node::Value(text(tag))).collect();
        let [name, country] = [text(name), text("DK")].map(Node::Value);
        Some(vec![name, country, Node::List(values)])
    };
    anna.send((11, 10), 10, &[(11, 10, 600, vec![name("Ribe")])]);
    assert_eq!(take(&mut held), fields("Ribe", &["a"]));
    // It leaves the view and comes back with defaults where it had other values: in steady entries,
    let changes = [country("SE"), name(""), tags, country("DK")];
    let changes = (12..).zip(changes);
    let changes: Vec<Made> = changes
        .map(|(at, one)| (at, 10, 600 + at, vec![one]))
        .collect();
    anna.send((15, 10), 10, &changes);
    assert_eq!(take(&mut held), fields("", &[]));
    // and by bootstraps, while the client wrote something that the server does not know yet.
    let back = vec![name("Ribe"), tag(0, "b", 0)];
    anna.send((16, 10), 10, &[(16, 10, 700, back)]);
    assert_eq!(take(&mut held), fields("Ribe", &["b"]));
    bert.query(2, r#"{"City":"country == \"SE\""}"#);
    assert_eq!(take(&mut held), None);
    let empty = vec![
        name(""),
        Instruction::ArrayErase {
            target: common::target("City", CITY, "tags", vec![PathElement::Index(0)]),
            prior_size: 1,
        },
    ];
    anna.send((17, 10), 10, &[(17, 10, 800, empty)]);
    held.apply(&[create("City", CITY), name("Pending"), tag(0, "p", 0)])
        .expect("it fits");
    bert.query(3, DANISH);
    assert_eq!(take(&mut held), fields("", &[]));
}

/// What is created and erased in one changeset was never outside of any view, also where somebody else
/// creates the object meanwhile.
#[test]
fn what_comes_and_goes_in_one_changeset_is_no_write_outside_of_the_view() {
    let ledger = open();
    let (anna, bert) = leaves_and_reenters(&ledger);
    let danish = vec![create("City", 8), set("City", 8, "country", text("DK"))];
    anna.send((30, 13), 13, &[(30, 13, 900, danish)]);
    let passing = vec![create("City", 8), erase("City", 8)];
    let answer = bert.send((24, 13), 13, &[(22, 10, 500, passing)]);
    assert_eq!(answer.compensations, []);
}

/// An own erasure that loses against a later creation leaves the object there, and it can be edited.
#[test]
fn what_others_created_after_an_own_erasure_can_be_edited() {
    let ledger = open();
    let (anna, bert) = leaves_and_reenters(&ledger);
    let again = vec![
        erase("City", CITY),
        create("City", CITY),
        set("City", CITY, "country", text("DK")),
    ];
    let base = ledger.version();
    anna.drain();
    anna.send((40, base), base, &[(40, base, 900, again)]);
    bert.drain();
    let seen = ledger.version();
    let erased: Made = (22, base, 500, vec![erase("City", CITY)]);
    let edited: Made = (23, seen, 950, vec![set("City", CITY, "name", text("Z"))]);
    let answer = bert.send((24, seen), seen, &[erased, edited]);
    assert_eq!(answer.compensations, []);
    bert.drain();
    let mut late = Peer::new(&ledger);
    late.identify((0, 0), 0, "{}");
    late.drain();
    late.query(1, DANISH);
    let named = late.drain().iter().flat_map(entries).any(|entry| {
        entry
            .instructions
            .contains(&set("City", CITY, "name", text("Z")))
    });
    assert!(named, "the edit is kept");
}
