//! A client with its connection, and what a history counts.

use std::collections::VecDeque;

use tidemark_changeset::body::{UploadEntry, write_upload_body};
use tidemark_changeset::codec;
use tidemark_ledger::embedded::{DownloadPart, SessionId};

use crate::client::{Client, Message};
use crate::rights::Rights;

/// What the server sends.
pub enum Answer {
    Mark,
    Compensation(u64, u64),
    Part(Box<DownloadPart>),
}

/// A client with its connection.
pub struct Peer {
    pub client: Client,
    pub rights: Rights,
    /// The rights before them.
    pub rights_before: Rights,
    pub session: Option<SessionId>,
    pub up: VecDeque<Message>,
    pub down: VecDeque<Answer>,
    pub marks: usize,
    /// Client version up to which changes were made again after a reset.
    pub recovered_to: u64,
    /// Resets in a row, each before what the last one made again was acknowledged.
    pub attempts: u64,
    pub salt: u64,
    /// When it was last known to be up to date.
    pub current_ms: u64,
}

/// What happened in a history.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub uploads: u64,
    pub conflicts: u64,
    pub compensations: u64,
    pub bootstraps: u64,
    pub kills: u64,
    /// Objects given afresh, other than after compensations.
    pub refreshes: u64,
    /// Clients that began with a new file.
    pub resets: u64,
    /// … clients of ours among them.
    pub own_resets: u64,
    /// … because an upload was refused.
    pub refusals: u64,
    /// Instructions that were done again after a reset.
    pub recovered: u64,
    /// Changes given up, because doing them again ended in a reset again.
    pub discarded: u64,
    /// Instructions that made no sense any more after a reset.
    pub dropped: u64,
    /// Clients that were told to start over because they were away for too long.
    pub late: u64,
    /// Entries trimmed from the log.
    pub trimmed: u64,
    /// Instructions that were said again later, and went from it.
    pub folded: u64,
}

/// Body, progress and locked version of an UPLOAD.
pub fn encode_upload(message: &Message) -> (Vec<u8>, (u64, u64), u64) {
    let Message::Upload {
        progress,
        locked,
        changes,
    } = message
    else {
        panic!("only uploads are put into a batch");
    };
    let encoded: Vec<Vec<u8>> = changes
        .iter()
        .map(|change| codec::encode(&change.instructions))
        .collect();
    let entries: Vec<UploadEntry<'_>> = changes
        .iter()
        .zip(&encoded)
        .map(|(change, changeset)| UploadEntry {
            client_version: change.client_version,
            server_version: change.base,
            timestamp: change.timestamp,
            origin_file_ident: 0,
            changeset,
        })
        .collect();
    (write_upload_body(&entries), *progress, *locked)
}
