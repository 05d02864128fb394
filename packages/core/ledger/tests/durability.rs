//! Group commits equal single ones, a lost commit loses nothing that was acknowledged, and a ledger opened
//! again answers as before. And: what is sent does not depend on where it is cut.

mod common;

use std::collections::BTreeMap;

use common::{Made, Peer, SALT, body, city_schema, create, entries, insert, options, set, text};
use tidemark_changeset::Instruction;
use tidemark_ledger::embedded::{DownloadLimits, DownloadPart, Ledger, Upload, tables};
use tidemark_model::memory::Database;
use tidemark_storage::{FileStorage, OrderedStorage, Storage};

const ALL: &str = r#"{"City":"TRUEPREDICATE"}"#;
const DANISH: &str = r#"{"City":"country == \"DK\""}"#;

/// What each of the three clients has integrated.
const BASES: [u64; 3] = [4, 7, 10];

/// Three clients that see all cities; the third sees the Danish ones.
fn ready<S: Storage>(ledger: &Ledger<S>) -> Vec<Peer<'_, S>> {
    let queries = [ALL, ALL, DANISH];
    let mut peers = Vec::new();
    for query in queries {
        let peer = Peer::subscribed(ledger, query);
        peer.drain();
        peers.push(peer);
    }
    peers
}

/// Conflicting uploads of all three, one of which is refused.
fn uploads() -> Vec<(usize, (u64, u64), Vec<Made>)> {
    let [first, second, third] = BASES;
    let country = |code: &str| set("City", 1, "country", text(code));
    let make = |name: &str| {
        vec![
            create("City", 1),
            country("DK"),
            set("City", 1, "name", text(name)),
        ]
    };
    let tag = |index, value: &str, size| insert("City", 1, "tags", index, text(value), size);
    vec![
        (
            0,
            (4, first),
            vec![
                (3, first, 10, make("a")),
                (4, first, 12, vec![tag(0, "x", 0)]),
            ],
        ),
        (1, (3, second), vec![(3, second, 11, make("b"))]),
        (
            2,
            (3, third),
            vec![(3, third, 9, [make("c"), vec![tag(0, "y", 0)]].concat())],
        ),
        (1, (4, second), vec![(4, second, 13, vec![tag(7, "z", 7)])]),
        (
            0,
            (5, first),
            vec![(5, first, 14, vec![country("SE"), tag(0, "w", 1)])],
        ),
    ]
}

fn all_parts<S: Storage>(peers: &[Peer<'_, S>]) -> Vec<Vec<DownloadPart>> {
    peers.iter().map(Peer::drain).collect()
}

#[test]
fn uploads_in_one_batch_give_what_single_ones_give() {
    let run = |batch: bool| {
        let ledger =
            Ledger::open(OrderedStorage::new(), options(SALT)).expect("a new ledger opens");
        let peers = ready(&ledger);
        let uploads = uploads();
        let bodies: Vec<Vec<u8>> = uploads.iter().map(|(_, _, made)| body(made)).collect();
        let uploads: Vec<Upload<'_>> = uploads
            .iter()
            .zip(&bodies)
            .map(|((at, progress, _), body)| Upload {
                session: peers[*at].session,
                progress_client_version: progress.0,
                progress_server_version: progress.1,
                locked_server_version: progress.1,
                body,
            })
            .collect();
        let answers = if batch {
            ledger.integrate(&uploads, 0).expect("the ledger works")
        } else {
            uploads
                .iter()
                .flat_map(|upload| ledger.integrate(&[*upload], 0).expect("the ledger works"))
                .collect()
        };
        let parts: Vec<_> = all_parts(&peers)
            .into_iter()
            .map(|parts| parts.iter().flat_map(entries).collect::<Vec<_>>())
            .collect();
        (answers, parts, ledger.version())
    };
    let (answers, parts, version) = run(true);
    assert_eq!((answers.clone(), parts, version), run(false));
    let refused: Vec<bool> = answers
        .iter()
        .map(|answer| answer.refusal.is_some())
        .collect();
    assert_eq!(refused, [false, false, false, true, false]);
}

#[test]
fn a_ledger_opened_again_answers_as_before() {
    let path =
        std::env::temp_dir().join(format!("tidemark-ledger-reopened-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let open = |salt| {
        let storage = FileStorage::open(&path, tables::FORMAT).expect("the file opens");
        Ledger::open(storage, options(salt)).expect("the ledger opens")
    };
    let answers = |ledger: &Ledger<FileStorage>, idents: &[u64]| -> Vec<Vec<DownloadPart>> {
        let mut all = Vec::new();
        let queries = BASES.into_iter().zip([ALL, ALL, DANISH]);
        for (ident, (base, query)) in idents.iter().zip(queries) {
            let mut peer = Peer::with_ident(ledger, *ident);
            peer.identify((base, 2), 1, query);
            all.push(peer.drain());
            ledger.end_session(peer.session);
        }
        all
    };
    let (idents, before, status) = {
        let ledger = open(SALT);
        let peers = ready(&ledger);
        for (at, progress, made) in uploads().into_iter().filter(|(at, _, _)| *at != 1) {
            peers[at].send(progress, progress.1, &made);
        }
        let idents: Vec<u64> = peers.iter().map(|peer| peer.ident).collect();
        let before = answers(&ledger, &idents);
        let status = ledger.status();
        ledger.close().expect("the ledger closes");
        (idents, before, status)
    };
    let ledger = open(SALT + 1);
    assert_eq!(answers(&ledger, &idents), before);
    assert_eq!(ledger.status().objects, status.objects);
    assert_eq!(ledger.version(), status.version);
    drop(ledger);
    let _ = std::fs::remove_file(&path);
}

/// Everything a client is sent, applied in order.
fn state(parts: &[DownloadPart]) -> Database {
    let mut database = Database::new();
    database
        .apply(&city_schema())
        .expect("the client has the schema already");
    for entry in parts.iter().flat_map(entries) {
        database
            .apply(&entry.instructions)
            .unwrap_or_else(|error| panic!("{error}: {entry:?}"));
    }
    database.fill();
    database
}

/// One upload about cities that come, go and move.
fn cities() -> Vec<Made> {
    let base = BASES[0];
    let codes = ["DK", "SE", "NO"];
    let mut made: Vec<Made> = Vec::new();
    let mut alive: BTreeMap<i64, u32> = BTreeMap::new();
    for (version, step) in (10..).zip(0..120i64) {
        let key = step % 7;
        let code = codes[usize::try_from((step * step + step / 3) % 3).expect("small")];
        let mut instructions: Vec<Instruction> = Vec::new();
        let size = alive.entry(key).or_insert_with(|| {
            instructions.push(create("City", key));
            0
        });
        instructions.push(set("City", key, "country", text(code)));
        instructions.push(insert(
            "City",
            key,
            "tags",
            *size / 2,
            text(&step.to_string()),
            *size,
        ));
        *size += 1;
        if step % 17 == 16 {
            instructions.push(common::erase("City", key));
            alive.remove(&key);
        }
        made.push((version, base, 100, instructions));
    }
    made
}

#[test]
fn where_a_range_is_cut_does_not_matter() {
    let made = cities();
    let progress = made.last().map_or(0, |(version, ..)| *version);
    let download = |bytes: usize, cut: usize| {
        let ledger =
            Ledger::open(OrderedStorage::new(), options(SALT)).expect("a new ledger opens");
        let mut peers = ready(&ledger);
        peers[0].send((progress, BASES[0]), BASES[0], &made);
        let peer = &mut peers[2];
        // `cut`: after so many messages the connection breaks, and the last message is lost.
        let mut cursor = (BASES[2], 2);
        let mut taken: Vec<DownloadPart> = Vec::new();
        loop {
            peer.identify(cursor, 1, DANISH);
            let mut got: Vec<DownloadPart> = Vec::new();
            while got.len() < cut {
                match ledger
                    .next_download(peer.session, DownloadLimits::of(bytes))
                    .expect("the ledger works")
                {
                    Some(part) => got.push(part),
                    None => break,
                }
            }
            let done = got.len() < cut;
            if !done && got.len() > 1 {
                got.pop();
            }
            cursor = got.last().map_or(cursor, |part| {
                (part.download_server_version, part.download_client_version)
            });
            taken.extend(got);
            if done {
                return taken;
            }
        }
    };
    let whole = state(&download(1 << 20, usize::MAX));
    assert!(!whole.objects.is_empty());
    for (bytes, cut) in [(1, usize::MAX), (1, 2), (200, 3), (1_000, 2), (5_000, 4)] {
        let cut_state = state(&download(bytes, cut));
        assert_eq!(cut_state, whole, "{bytes} bytes, cut at {cut}");
    }
}

/// A client that died while it took a message in has stored the message's latest version with an earlier
/// cursor. It refuses a message whose latest version is lower, however little that message holds.
#[test]
fn the_latest_version_never_falls() {
    let ledger = Ledger::open(OrderedStorage::new(), options(SALT)).expect("a ledger opens");
    let mut peers = ready(&ledger);
    let base = ledger.version();
    for (client_version, key) in (3..).zip(1..=3) {
        let made = [(client_version, BASES[0], 10, vec![create("City", key)])];
        peers[0].send((client_version, BASES[0]), BASES[0], &made);
    }
    let reader = &mut peers[1];
    let whole = reader.drain();
    let latest = whole.last().map(|part| part.latest_server_version);
    assert_eq!(latest, Some(base + 3));
    let said = tidemark_ledger::embedded::Identification {
        latest_server_version: base + 3,
        ..reader.identification((base + 1, 2), 1, ALL)
    };
    reader.session = reader.try_identify(said).expect("it is let in").session;
    let part = ledger
        .next_download(reader.session, DownloadLimits::of(1))
        .expect("the ledger works");
    let part = part.expect("entries are owed");
    assert_eq!(part.download_server_version, base + 2);
    assert_eq!(part.latest_server_version, base + 3);
    assert_eq!(part.latest_server_version_salt, SALT);
}
