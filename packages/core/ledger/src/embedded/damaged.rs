//! What is damaged stops who needs it, and nobody else.

use tidemark_changeset::Instruction;
use tidemark_storage::{Durability, OrderedStorage, Storage};

use super::common::{Made, Peer, TestLedger, body, city_schema, create, open, set, text};
use super::tables::{self, ENTRIES};
use super::{Upload, UploadAnswer};
use crate::error::{Action, codes};

const ALL: &str = r#"{"City":"TRUEPREDICATE"}"#;

/// A client that holds all cities, and what it has integrated.
struct Client<'a> {
    peer: Peer<'a, OrderedStorage>,
    base: u64,
}

impl<'a> Client<'a> {
    fn new(ledger: &'a TestLedger) -> Self {
        let mut peer = Peer::new(ledger);
        peer.identify((0, 0), 0, "{}");
        peer.drain();
        peer.query(1, ALL);
        peer.drain();
        let base = ledger.version();
        Self { peer, base }
    }

    /// An UPLOAD with one edit for each client version.
    fn made(&self, edits: &[(u64, i64)]) -> Vec<Made> {
        let one = |(version, key): &(u64, i64)| (*version, self.base, *version, rename(*key));
        edits.iter().map(one).collect()
    }
}

/// Integrates UPLOADs together.
fn together(ledger: &TestLedger, uploads: &[(&Client<'_>, Vec<Made>)]) -> Vec<UploadAnswer> {
    let bodies: Vec<_> = uploads.iter().map(|(_, made)| body(made)).collect();
    let with_bodies = uploads.iter().zip(&bodies);
    let uploads = with_bodies.map(|((client, made), body)| Upload {
        session: client.peer.session,
        progress_client_version: made.last().map_or(0, |made| made.0),
        progress_server_version: client.base,
        locked_server_version: client.base,
        body,
    });
    let uploads: Vec<_> = uploads.collect();
    ledger.integrate(&uploads, 0).expect("the ledger works")
}

fn rename(key: i64) -> Vec<Instruction> {
    vec![set("City", key, "name", text("a"))]
}

#[test]
fn an_upload_that_meets_damage_is_undone_alone() {
    let ledger = open();
    let mut anna = Peer::new(&ledger);
    anna.identify((0, 0), 0, "{}");
    anna.drain();
    anna.send((2, 0), 0, &[(2, 0, 1, city_schema())]);
    anna.query(1, ALL);
    anna.drain();
    let cities = (1..=3).map(|key| create("City", key)).collect();
    anna.send((3, 0), 0, &[(3, 0, 2, cities)]);
    let [bert, carl, dora] = [(); 3].map(|()| Client::new(&ledger));
    anna.send((4, 0), 0, &[(4, 0, 3, rename(1))]);
    let lost = ledger.version();
    let mut write = ledger.storage.begin_write().expect("a write");
    write.delete(ENTRIES, &tables::number(lost));
    write.commit(Durability::Durable).expect("a commit");

    let answers = together(
        &ledger,
        &[
            (&carl, carl.made(&[(10, 2)])),
            // What is integrated before the damage is met goes with it.
            (&bert, bert.made(&[(10, 3), (11, 1)])),
            (&bert, bert.made(&[(12, 3)])),
            (&dora, dora.made(&[(10, 3)])),
        ],
    );
    let integrated: Vec<u64> = answers.iter().map(|answer| answer.changesets).collect();
    assert_eq!(integrated, [1, 0, 0, 1]);
    assert_eq!(ledger.version(), lost + 2);
    let told = |at: usize| answers[at].refusal.as_ref();
    assert_eq!((told(0), told(3)), (None, None));
    for refusal in [told(1), told(2)] {
        let refusal = refusal.expect("it cannot be integrated");
        let expected = (codes::OTHER_SESSION_ERROR, Action::Transient);
        assert_eq!((refusal.code, refusal.action), expected);
        assert_eq!(refusal.message, "internal server error");
        // Whoever runs the server is told more.
        assert_eq!(refusal.damage, Some("an entry of the log is missing"));
    }
}
