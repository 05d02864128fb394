//! A second ledger to compare with: it takes the same messages, but each changeset as an UPLOAD of its
//! own, and keeps everything.

use std::collections::BTreeMap;

use tidemark_changeset::body::{BodyLimits, UploadEntry, parse_upload_body, write_upload_body};
use tidemark_ledger::embedded::tables::OBJECTS;
use tidemark_ledger::embedded::{
    DownloadLimits, DownloadPart, Identification, Identified, Ledger, SessionId, Upload,
    UploadAnswer,
};
use tidemark_storage::{Read, Storage};

use crate::client::Fault;
use crate::storage::{Disk, open};
use crate::upkeep::Upkeep;
use crate::world::Plan;

pub struct Shadow {
    disk: Disk,
    ledger: Ledger<Disk>,
    sessions: BTreeMap<SessionId, SessionId>,
    /// Whether everything is the same, down to what is sent: upkeep takes away entries that are said again.
    is_alike: bool,
}

/// Progress and body of an UPLOAD.
type Piece = ((u64, u64), Vec<u8>);

/// An UPLOAD for each changeset of one. What is refused is refused whole.
fn pieces(upload: &Upload<'_>, is_refused: bool) -> Vec<Piece> {
    let stated = (
        upload.progress_client_version,
        upload.progress_server_version,
    );
    let entries = parse_upload_body(upload.body, BodyLimits::default()).expect("well-formed");
    if is_refused || entries.is_empty() {
        return vec![(stated, upload.body.to_vec())];
    }
    let last = entries.len() - 1;
    let piece = |(at, entry): (usize, &_)| {
        let UploadEntry {
            client_version,
            server_version,
            ..
        } = *entry;
        let so_far = (client_version, server_version.min(stated.1));
        let progress = if at == last { stated } else { so_far };
        (progress, write_upload_body(std::slice::from_ref(entry)))
    };
    entries.iter().enumerate().map(piece).collect()
}

fn objects(disk: &Disk) -> Vec<(Vec<u8>, Vec<u8>)> {
    let snapshot = disk.snapshot().expect("the disk is there");
    let lines = snapshot.prefix(OBJECTS, &[]).expect("readable");
    lines
        .map(|line| {
            let (key, row) = line.expect("readable");
            (key.to_vec(), row.to_vec())
        })
        .collect()
}

impl Shadow {
    pub fn new(plan: &Plan) -> Option<Self> {
        let disk = Disk::new();
        plan.shadow.then(|| Self {
            ledger: open(&disk, 0, plan.switches),
            disk,
            sessions: BTreeMap::new(),
            is_alike: plan.upkeep == Upkeep::None,
        })
    }

    pub fn allocate(&self, salt: u64) {
        self.ledger
            .allocate_file_ident("user", salt, 0)
            .expect("an ident is given");
    }

    /// Where not the same is sent, everything is whenever the other sends something: nothing that a client
    /// says is beyond it.
    pub fn send(&self, session: SessionId) {
        if self.is_alike {
            return;
        }
        let session = self.sessions[&session];
        let next = || {
            self.ledger
                .next_download(session, DownloadLimits::of(1 << 20))
        };
        while next().expect("the shadow works").is_some() {}
    }

    /// Sends what the other sends.
    pub fn next(
        &self,
        session: SessionId,
        limits: DownloadLimits,
        real: Option<&DownloadPart>,
    ) -> Result<(), Fault> {
        if !self.is_alike {
            return Ok(());
        }
        let part = self.ledger.next_download(self.sessions[&session], limits);
        let mut part = part.expect("the shadow works");
        if let (Some(part), Some(real)) = (&mut part, real) {
            // Each ledger has a salt of its own.
            part.latest_server_version_salt = real.latest_server_version_salt;
        }
        if part.as_ref() != real {
            return Err(format!("{real:?} is sent instead of {part:?}"));
        }
        Ok(())
    }

    pub fn identify(&mut self, said: Identification, real: &Identified) -> Result<(), Fault> {
        let identified = self.ledger.identify(said, 0);
        let identified = identified.map_err(|stop| format!("the shadow: {stop}"))?;
        if identified.compensations != real.compensations {
            return Err("IDENT tells of other compensations".to_owned());
        }
        self.sessions.insert(real.session, identified.session);
        Ok(())
    }

    pub fn query(&self, session: SessionId, version: u64, query: &str) {
        let session = self.sessions[&session];
        let refused = self.ledger.query(session, version, query);
        assert_eq!(refused.expect("the shadow works"), None);
    }

    pub fn end_session(&mut self, session: SessionId) {
        if let Some(session) = self.sessions.remove(&session) {
            self.ledger.end_session(session);
        }
    }

    pub fn integrate(&self, uploads: &[Upload<'_>], real: &[UploadAnswer]) -> Result<(), Fault> {
        let pieces: Vec<Vec<Piece>> = uploads
            .iter()
            .zip(real)
            .map(|(upload, real)| pieces(upload, real.refusal.is_some()))
            .collect();
        let single: Vec<Upload<'_>> = uploads
            .iter()
            .zip(&pieces)
            .flat_map(|(upload, pieces)| {
                let session = self.sessions[&upload.session];
                pieces.iter().map(move |(progress, body)| Upload {
                    session,
                    progress_client_version: progress.0,
                    progress_server_version: progress.1,
                    body,
                    ..*upload
                })
            })
            .collect();
        let answers = self.ledger.integrate(&single, 0).expect("the shadow works");
        let mut answers = answers.into_iter();
        for (pieces, real) in pieces.iter().zip(real) {
            let mut all = UploadAnswer::default();
            for answer in answers.by_ref().take(pieces.len()) {
                all.refusal = all.refusal.or(answer.refusal);
                all.compensations.extend(answer.compensations);
                all.changesets += answer.changesets;
                all.conflicts += answer.conflicts;
                all.refreshes += answer.refreshes;
            }
            let told = |answer: &UploadAnswer| {
                let counts = (answer.changesets, answer.conflicts, answer.refreshes);
                let counts = self.is_alike.then_some(counts);
                (answer.refusal.clone(), answer.compensations.clone(), counts)
            };
            if told(&all) != told(real) {
                return Err(format!("{real:?} instead of {all:?}"));
            }
        }
        Ok(())
    }

    /// The two hold the same objects, down to the last byte.
    pub fn compare(&self, disk: &Disk, ledger: &Ledger<Disk>) -> Result<(), Fault> {
        if ledger.version() != self.ledger.version() {
            return Err("the versions differ".to_owned());
        }
        if objects(disk) != objects(&self.disk) {
            return Err("the objects differ from those of the shadow".to_owned());
        }
        Ok(())
    }
}
