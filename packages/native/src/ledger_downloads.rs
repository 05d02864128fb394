//! Downloads of the server's ledger for JavaScript: conversion, nothing else.

use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use tidemark_ledger::embedded::DownloadLimits;
use tidemark_ledger::{LedgerError, deflate, embedded};

use crate::ledger::number;

/// A number of bytes.
pub(crate) fn byte_count(bytes: u32) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

pub(crate) fn download_limits(steady_bytes_max: u32, bootstrap_bytes_max: u32) -> DownloadLimits {
    DownloadLimits {
        steady_bytes: byte_count(steady_bytes_max),
        bootstrap_bytes: byte_count(bootstrap_bytes_max),
    }
}

#[napi(object)]
pub struct NativeDownloadPart {
    pub download_server_version: f64,
    pub download_client_version: f64,
    pub latest_server_version: f64,
    pub latest_server_version_salt: String,
    pub upload_client_version: f64,
    pub upload_server_version: f64,
    pub query_version: f64,
    pub batch_state: u32,
    pub progress_estimate: f64,
    pub entries: f64,
    pub is_compressed: bool,
    pub uncompressed_size: f64,
    pub body: Buffer,
    pub is_last: bool,
}

impl From<embedded::DownloadPart> for NativeDownloadPart {
    fn from(part: embedded::DownloadPart) -> Self {
        let compressed = deflate(&part.body);
        Self {
            download_server_version: number(part.download_server_version),
            download_client_version: number(part.download_client_version),
            latest_server_version: number(part.latest_server_version),
            latest_server_version_salt: part.latest_server_version_salt.to_string(),
            upload_client_version: number(part.upload_client_version),
            upload_server_version: number(part.upload_server_version),
            query_version: number(part.query_version),
            batch_state: part.batch_state as u32,
            progress_estimate: part.progress_estimate,
            entries: number(part.entries as u64),
            is_compressed: compressed.is_some(),
            uncompressed_size: number(part.body.len() as u64),
            body: Buffer::from(compressed.unwrap_or(part.body)),
            is_last: part.is_last,
        }
    }
}

#[napi(object)]
pub struct NativeFailure {
    pub code: String,
    pub message: String,
}

/// A message, a failure, or neither.
#[napi(object)]
pub struct NativeDownloadAnswer {
    pub part: Option<NativeDownloadPart>,
    pub failure: Option<NativeFailure>,
}

impl From<Result<Option<embedded::DownloadPart>, LedgerError>> for NativeDownloadAnswer {
    fn from(answer: Result<Option<embedded::DownloadPart>, LedgerError>) -> Self {
        match answer {
            Ok(part) => Self {
                part: part.map(Into::into),
                failure: None,
            },
            Err(error) => Self {
                part: None,
                failure: Some(NativeFailure {
                    code: error.code().to_owned(),
                    message: error.to_string(),
                }),
            },
        }
    }
}
