//! What clients and the server say to each other: the messages of the wire protocol, version 14, without
//! their framing.

use tidemark_ledger::embedded::DownloadPart;
use tidemark_ledger::error::Refusal;
use tidemark_ledger::records::Compensation;
use tidemark_store::sync;

use super::digest::Digest;

/// From a client.
#[derive(Clone, Debug)]
pub enum Request {
    Bind {
        needs_file_ident: bool,
    },
    Ident(Ident),
    Mark(u64),
    Query {
        version: u64,
        text: String,
    },
    Upload {
        upload: sync::Upload,
        locked_server_version: u64,
    },
    /// A download that could not be taken in.
    Error {
        code: u16,
        text: String,
    },
}

/// What IDENT says.
#[derive(Clone, Debug)]
pub struct Ident {
    pub file_ident: u64,
    pub file_ident_salt: u64,
    pub progress: sync::DownloadProgress,
    pub query_version: u64,
    pub query: String,
}

/// From the server.
#[derive(Clone, Debug)]
pub enum Answer {
    Ident { file_ident: u64, salt: u64 },
    Download(Box<DownloadPart>),
    Mark(u64),
    Compensation(Compensation),
    QueryError { version: u64, text: String },
    Error(Refusal),
}

impl Request {
    /// Adds the message to what a run is compared by.
    pub fn digest(&self, digest: &mut Digest) {
        match self {
            Self::Bind { needs_file_ident } => digest.number(u64::from(*needs_file_ident)),
            Self::Ident(ident) => {
                digest.number(ident.file_ident);
                digest.number(ident.progress.download_server_version);
                digest.number(ident.progress.download_client_version);
                digest.number(ident.query_version);
                digest.bytes(ident.query.as_bytes());
            }
            Self::Mark(request) => digest.number(*request),
            Self::Query { version, text } => {
                digest.number(*version);
                digest.bytes(text.as_bytes());
            }
            Self::Upload {
                upload,
                locked_server_version,
            } => {
                digest.number(upload.progress_client_version);
                digest.number(upload.progress_server_version);
                digest.number(*locked_server_version);
                digest.bytes(&upload.body);
            }
            Self::Error { code, text } => {
                digest.number(u64::from(*code));
                digest.bytes(text.as_bytes());
            }
        }
    }
}

impl Answer {
    /// Adds the message to what a run is compared by.
    pub fn digest(&self, digest: &mut Digest) {
        match self {
            Self::Ident { file_ident, salt } => {
                digest.number(*file_ident);
                digest.number(*salt);
            }
            Self::Download(part) => {
                digest.number(part.download_server_version);
                digest.number(part.download_client_version);
                digest.number(part.latest_server_version);
                digest.number(part.upload_client_version);
                digest.number(part.query_version);
                digest.number(part.batch_state as u64);
                digest.bytes(&part.body);
            }
            Self::Mark(request) => digest.number(*request),
            Self::Compensation(told) => digest.number(told.server_version),
            Self::QueryError { version, text } => {
                digest.number(*version);
                digest.bytes(text.as_bytes());
            }
            Self::Error(refusal) => digest.number(u64::from(refusal.code)),
        }
    }
}
