//! What needs the limits of tests: those of products take long to reach.

use tidemark_changeset::body::{UploadEntry, write_upload_body};
use tidemark_changeset::{Instruction, KeyType, TableSpec, codec};
use tidemark_storage::OrderedStorage;

use super::DownloadLimits;
use super::before_images::lock;
use super::{Identification, Ledger, Options, SessionId, Upload};
use crate::error::{Action, LedgerError, Stop, codes};
use crate::limits::{BOOTSTRAPS_UNARRIVED_MAX, REPAIR_ENTRIES_MAX, VIEWS_BYTES_MAX};
use crate::switches::Switches;
use crate::views::Role;

const SALT: u64 = 77;

/// A ledger with the class `City`, and a file that it knows.
fn ledger() -> (Ledger<OrderedStorage>, u64) {
    let options = Options {
        epoch_salt: SALT,
        development_mode: true,
        switches: Switches::ALL,
    };
    let ledger = Ledger::open(OrderedStorage::new(), options).expect("a new ledger opens");
    let ident = ledger.allocate_file_ident("user", 5, 0);
    let ident = ident.expect("an ident is given");
    let session = identify(&ledger, ident, 0, "{}").expect("it is let in");
    let spec = TableSpec::TopLevel {
        key_field: "_id".into(),
        key_type: KeyType::Int,
        key_nullable: false,
        asymmetric: false,
    };
    let class = "City".into();
    let changeset = codec::encode(&[Instruction::AddTable { class, spec }]);
    let body = write_upload_body(&[UploadEntry {
        client_version: 2,
        server_version: 0,
        timestamp: 1,
        origin_file_ident: 0,
        changeset: &changeset,
    }]);
    let upload = Upload {
        session,
        progress_client_version: 2,
        progress_server_version: 0,
        locked_server_version: 0,
        body: &body,
    };
    let answers = ledger.integrate(&[upload], 0).expect("the ledger works");
    assert!(answers.iter().all(|answer| answer.refusal.is_none()));
    (ledger, ident)
}

/// An IDENT of a file that has integrated everything up to a version.
fn identify(
    ledger: &Ledger<OrderedStorage>,
    ident: u64,
    version: u64,
    query: &str,
) -> Result<SessionId, Stop> {
    let said = Identification {
        file_ident: ident,
        file_ident_salt: 5,
        user: "user".to_owned(),
        download_server_version: version,
        download_client_version: 0,
        latest_server_version: version,
        latest_server_version_salt: if version == 0 { 0 } else { SALT },
        query_version: 1,
        query: query.to_owned(),
        role: Role::everything(),
        is_own_client: true,
        protocol_version: 14,
        schema_version: 0,
    };
    ledger
        .identify(said, 0)
        .map(|identified| identified.session)
}

fn city(key: usize) -> String {
    format!(r#"{{"City":"_id == {key}"}}"#)
}

#[test]
fn a_client_to_which_no_bootstrap_arrives_starts_over_at_last() {
    let (ledger, ident) = ledger();
    let version = ledger.version();
    // One view is repaired once, however often it did not arrive; its first and last bootstrap are kept.
    for _ in 0..2 * BOOTSTRAPS_UNARRIVED_MAX {
        identify(&ledger, ident, version, &city(0)).expect("it is let in");
    }
    for key in 1..BOOTSTRAPS_UNARRIVED_MAX {
        identify(&ledger, ident, version, &city(key)).expect("it is let in");
    }
    let too_many = city(BOOTSTRAPS_UNARRIVED_MAX);
    let last = identify(&ledger, ident, version, &too_many);
    let Err(Stop::Refused(refusal)) = last else {
        panic!("not refused: {last:?}")
    };
    let expired = (codes::CLIENT_FILE_EXPIRED, Action::ClientReset);
    assert_eq!((refusal.code, refusal.action), expired);
}

#[test]
fn a_session_whose_bootstraps_are_not_confirmed_begins_anew_at_last() {
    let (ledger, ident) = ledger();
    let mut version = ledger.version();
    let mut key = 0;
    for _ in 0..2 {
        let session = identify(&ledger, ident, version, &city(key)).expect("it is let in");
        let restart = loop {
            key += 1;
            match ledger.query(session, key as u64, &city(key)) {
                Ok(refused) => assert_eq!(refused, None),
                Err(error) => break error,
            }
        };
        assert!(matches!(restart, LedgerError::Restart(_)), "{restart:?}");
        // It has them all, as it says the next time.
        version = ledger.version();
    }
    assert!((2 * BOOTSTRAPS_UNARRIVED_MAX - 4..=2 * BOOTSTRAPS_UNARRIVED_MAX).contains(&key));
}

/// A subscription of so many bytes.
fn long(bytes: usize, key: usize) -> String {
    let alternative = format!("_id == {key} OR ");
    let alternatives = alternative.repeat(bytes / alternative.len());
    format!(r#"{{"City":"{alternatives}_id == {key}"}}"#)
}

#[test]
fn views_that_have_become_too_large_begin_anew_and_start_over_at_last() {
    let (ledger, ident) = ledger();
    let mut version = ledger.version();
    let mut key = 0;
    let mut queries = 0;
    let last = loop {
        let session = match identify(&ledger, ident, version, &long(1_000, key)) {
            Ok(session) => session,
            Err(stop) => break stop,
        };
        let restart = loop {
            key += 1;
            match ledger.query(session, key as u64, &long(VIEWS_BYTES_MAX / 8, key)) {
                Ok(refused) => assert_eq!(refused, None),
                Err(error) => break error,
            }
            queries += 1;
        };
        assert!(matches!(restart, LedgerError::Restart(_)), "{restart:?}");
        // All has arrived, but the client never says that it needs nothing older.
        version = ledger.version();
    };
    let Stop::Refused(refusal) = last else {
        panic!("not refused: {last:?}")
    };
    let expired = (codes::CLIENT_FILE_EXPIRED, Action::ClientReset);
    assert_eq!((refusal.code, refusal.action), expired);
    // A session always gets somewhere before.
    assert!(queries >= 4, "{queries}");
}

#[test]
fn what_a_bootstrap_has_to_repair_is_searched_some_entries_at_a_time() {
    let (ledger, ident) = ledger();
    let version = ledger.version();
    identify(&ledger, ident, version, &city(0)).expect("it is let in");
    // Its bootstrap does not arrive, and much happens.
    let other = ledger.allocate_file_ident("user", 5, 0);
    let other = other.expect("an ident is given");
    let all = r#"{"City":"TRUEPREDICATE"}"#;
    let session = identify(&ledger, other, 0, all).expect("it is let in");
    let parts = |session| -> Vec<_> {
        let next = || ledger.next_download(session, DownloadLimits::of(1 << 20));
        std::iter::from_fn(|| next().expect("the ledger works")).collect()
    };
    parts(session);
    let base = ledger.version();
    for written in 1..=3 * REPAIR_ENTRIES_MAX {
        let class = "City".into();
        let key = tidemark_changeset::PrimaryKey::Int(1_000 + written.cast_signed());
        let changeset = codec::encode(&[Instruction::CreateObject { class, key }]);
        let body = write_upload_body(&[UploadEntry {
            client_version: written + 2,
            server_version: base,
            timestamp: 1,
            origin_file_ident: 0,
            changeset: &changeset,
        }]);
        let upload = Upload {
            session,
            progress_client_version: written + 2,
            progress_server_version: base,
            locked_server_version: base,
            body: &body,
        };
        let answers = ledger.integrate(&[upload], 0).expect("the ledger works");
        assert!(answers.iter().all(|answer| answer.refusal.is_none()));
    }
    let session = identify(&ledger, ident, version, &city(1)).expect("it is let in");
    let given = parts(session);
    let steady = |part: &&super::DownloadPart| part.batch_state == super::BatchState::Steady;
    let bootstrap = given.iter().skip_while(steady).count();
    assert_eq!(bootstrap, 4, "three parts that searched, and the last");
}

/// An upload between a QUERY's commit and its views would be judged as if there were no such QUERY, at a
/// version after its bootstrap's.
#[test]
fn nobody_writes_before_a_query_has_its_views() {
    let (ledger, ident) = ledger();
    let version = ledger.version();
    let id = identify(&ledger, ident, version, &city(0)).expect("it is let in");
    let session = ledger.sessions.get(id).expect("it is live");
    let upload = lock(&session.upload);
    let version = ledger.version();
    std::thread::scope(|scope| {
        let query = scope.spawn(|| ledger.query(id, 2, &city(1)));
        while ledger.version() == version {
            std::thread::yield_now();
        }
        for _ in 0..1000 {
            assert!(ledger.writer.try_lock().is_err(), "the writer is free");
            std::thread::yield_now();
        }
        drop(upload);
        let answer = query.join().expect("it does not panic");
        assert_eq!(answer.expect("it works"), None);
    });
    let upload = lock(&session.upload);
    let known = upload.timeline.list.elements.last().map(|last| last.from);
    assert_eq!(known, Some(ledger.version()));
}
