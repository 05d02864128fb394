//! A client of the original's protocol that was opened with a version of the schema, and its messages.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tidemark_changeset::body::{UploadEntry, write_upload_body};
use tidemark_changeset::codec;
use tidemark_ledger::embedded::{DownloadLimits, Identification, SessionId, Upload};
use tidemark_ledger::views::Role;
use tidemark_transform::Rules;

use crate::client::{Change, Client, Fault, Message, Subscription};
use crate::common::TestLedger;
use crate::dice::Dice;
use crate::writer::{VIEWS, Writer};

/// A client of a version with its connection.
pub struct Peer {
    pub client: Client,
    pub version: u64,
    pub session: Option<SessionId>,
    marks: usize,
    pub up: VecDeque<Message>,
}

fn query_text(version: u64, subscription: &Subscription) -> String {
    let views: Vec<String> = subscription
        .values
        .iter()
        .map(|value| format!("view == '{value}'"))
        .collect();
    let mut all = BTreeMap::new();
    if !views.is_empty() {
        all.insert("Object", views.join(" OR "));
    }
    if subscription.partners {
        all.insert("Partner", "TRUEPREDICATE".to_owned());
    }
    if subscription.partners && version > 0 {
        all.insert("Extra", "TRUEPREDICATE".to_owned());
    }
    serde_json::to_string(&all).expect("texts make JSON")
}

impl Peer {
    pub fn new(ledger: &TestLedger, version: u64) -> Self {
        let ident = ledger
            .allocate_file_ident("user", 7, 0)
            .expect("an ident is given");
        let client = Client::new(ident, Rules::CORRECTED);
        Self {
            client,
            version,
            session: None,
            marks: 0,
            up: VecDeque::new(),
        }
    }

    pub fn cut(&mut self, ledger: &TestLedger) {
        self.client.disconnect(false);
        self.up.clear();
        self.marks = 0;
        if let Some(session) = self.session.take() {
            ledger.end_session(session);
        }
    }

    pub fn connect(&mut self, ledger: &TestLedger) {
        self.cut(ledger);
        let delayed = self.client.download == (0, 0);
        self.up = self.client.connect(delayed).into();
    }

    pub fn serve(&mut self, ledger: &TestLedger) -> Result<(), Fault> {
        let Some(message) = self.up.pop_front() else {
            return Ok(());
        };
        match message {
            Message::Ident {
                download,
                latest,
                query_version,
                subscription,
            } => {
                let said = Identification {
                    file_ident: self.client.ident,
                    file_ident_salt: 7,
                    user: "user".to_owned(),
                    download_server_version: download.0,
                    download_client_version: download.1,
                    latest_server_version: latest.0,
                    latest_server_version_salt: latest.1,
                    query_version,
                    query: query_text(self.version, &subscription),
                    role: Role::everything(),
                    is_own_client: true,
                    protocol_version: 14,
                    schema_version: self.version,
                };
                let identified = ledger
                    .identify(said, 0)
                    .map_err(|stop| format!("ident: {stop}"))?;
                self.session = Some(identified.session);
                for told in identified.compensations {
                    self.client
                        .receive_compensation(told.server_version, told.rejected_client_version)?;
                }
            }
            Message::Mark => self.marks += 1,
            Message::Query {
                version,
                subscription,
            } => {
                let session = self.session.ok_or("no session")?;
                let answer =
                    ledger.query(session, version, &query_text(self.version, &subscription));
                self.marks += 1;
                if !matches!(answer, Ok(None)) {
                    return Err(format!("query: {answer:?}"));
                }
            }
            Message::Upload {
                progress,
                locked,
                changes,
            } => self.upload(ledger, progress, locked, &changes)?,
        }
        Ok(())
    }

    fn upload(
        &mut self,
        ledger: &TestLedger,
        progress: (u64, u64),
        locked: u64,
        changes: &[Change],
    ) -> Result<(), Fault> {
        let encode = |change: &Change| codec::encode(&change.instructions);
        let encoded: Vec<Vec<u8>> = changes.iter().map(encode).collect();
        let entries = changes.iter().zip(&encoded);
        let entries = entries.map(|(change, changeset)| UploadEntry {
            client_version: change.client_version,
            server_version: change.base,
            timestamp: change.timestamp,
            origin_file_ident: 0,
            changeset,
        });
        let entries: Vec<UploadEntry<'_>> = entries.collect();
        let upload = Upload {
            session: self.session.ok_or("no session")?,
            progress_client_version: progress.0,
            progress_server_version: progress.1,
            locked_server_version: locked,
            body: &write_upload_body(&entries),
        };
        let answers = ledger.integrate(&[upload], 0);
        for answer in answers.map_err(|error| format!("upload: {error}"))? {
            if let Some(refusal) = answer.refusal {
                let version = self.version;
                return Err(format!("upload of version {version} refused: {refusal}"));
            }
            for told in answer.compensations {
                let (version, client) = (told.server_version, told.rejected_client_version);
                self.client.receive_compensation(version, client)?;
            }
        }
        Ok(())
    }

    /// Takes some of what is owed, or all.
    pub fn receive(&mut self, ledger: &TestLedger, count: usize) -> Result<(), Fault> {
        let Some(session) = self.session else {
            return Ok(());
        };
        for _ in 0..count {
            let bytes_max = if count > 9 { 1 << 20 } else { 100 };
            let part = ledger.next_download(session, DownloadLimits::of(bytes_max));
            let Some(part) = part.map_err(|error| format!("download: {error}"))? else {
                for _ in 0..std::mem::take(&mut self.marks) {
                    self.client.receive_mark();
                }
                return Ok(());
            };
            self.client.receive(&part)?;
        }
        Ok(())
    }

    pub fn pump(&mut self, ledger: &TestLedger) -> Result<bool, Fault> {
        let mut busy = false;
        if self.session.is_none() {
            self.connect(ledger);
        }
        for _ in 0..200 {
            let message = self.client.next_message(5);
            busy |= matches!(&message, Some(Message::Query { .. }));
            busy |=
                matches!(&message, Some(Message::Upload { changes, .. }) if !changes.is_empty());
            self.up.extend(message);
            if self.up.is_empty() {
                break;
            }
            while !self.up.is_empty() {
                self.serve(ledger)?;
            }
            self.receive(ledger, 1000)?;
        }
        self.receive(ledger, 1000)?;
        Ok(busy)
    }

    pub fn subscribe(&mut self, dice: &mut Dice) {
        let values: BTreeSet<_> = VIEWS.into_iter().filter(|_| dice.chance(750)).collect();
        self.client.subscribe(Subscription {
            values,
            partners: dice.chance(800),
        });
    }

    pub fn write(&mut self, dice: &mut Dice, timestamp: u64) {
        let mut writer = Writer {
            dice,
            database: self.client.database.clone(),
            out: Vec::new(),
        };
        for _ in 0..writer.dice.between(1, 4) {
            writer.instruction();
        }
        let out = writer.out;
        if !out.is_empty() {
            self.client.write(out, timestamp);
        }
    }
}
