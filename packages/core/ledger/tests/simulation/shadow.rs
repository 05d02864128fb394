//! A second ledger that takes the same messages and keeps everything, to compare with.

use std::collections::BTreeMap;

use tidemark_ledger::embedded::tables::OBJECTS;
use tidemark_ledger::embedded::{
    DownloadLimits, Identification, Identified, Ledger, SessionId, Upload, UploadAnswer,
};
use tidemark_storage::{Read, Storage};

use crate::client::Fault;
use crate::storage::{Disk, open};
use crate::world::Plan;

pub struct Shadow {
    disk: Disk,
    ledger: Ledger<Disk>,
    sessions: BTreeMap<SessionId, SessionId>,
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
        })
    }

    pub fn allocate(&self, salt: u64) {
        self.ledger
            .allocate_file_ident("user", salt, 0)
            .expect("an ident is given");
    }

    /// Everything is sent whenever the other sends something: nothing that a client says is beyond it.
    pub fn send(&self, session: SessionId) {
        let session = self.sessions[&session];
        let next = || {
            self.ledger
                .next_download(session, DownloadLimits::of(1 << 20))
        };
        while next().expect("the shadow works").is_some() {}
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
        let mut uploads = uploads.to_vec();
        for upload in &mut uploads {
            upload.session = self.sessions[&upload.session];
        }
        let answers = self
            .ledger
            .integrate(&uploads, 0)
            .expect("the shadow works");
        for (answer, real) in answers.iter().zip(real) {
            if (&answer.refusal, &answer.compensations) != (&real.refusal, &real.compensations) {
                return Err(format!("{real:?} instead of {answer:?}"));
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
            return Err("the objects differ from those without upkeep".to_owned());
        }
        Ok(())
    }
}
