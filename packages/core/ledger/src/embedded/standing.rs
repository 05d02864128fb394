//! Where a client that identifies stands: whether it may go on, and what it has to be told again.

use tidemark_storage::{Read, Storage};

use super::batch::Batch;
use super::identify::Identification;
use super::tables::{self, RECORDS};
use crate::error::{LedgerError, Refusal, Result, Stop, codes};
use crate::object::ObjectKey;
use crate::records::{Compensation, RejectedUpdate};
use crate::rows::{ClientRow, Record};

/// The checks of the protocol, in their order.
pub(super) fn check<S: Storage>(
    batch: &Batch<S>,
    said: &Identification,
) -> std::result::Result<ClientRow, Stop> {
    let state = &batch.newest.state;
    let refuse = |code, text: &str| Err(Stop::Refused(Refusal::reset(code, text)));
    let row = if said.file_ident < 2 {
        None
    } else {
        batch.client(said.file_ident)?
    };
    let was_given = (2..state.next_ident).contains(&said.file_ident);
    if row.is_none() && was_given {
        return Err(Refusal::expired("IDENT").into());
    }
    // The operator's word comes before whatever else may be wrong.
    let Some(row) = row.filter(|row| !row.reset) else {
        return refuse(
            codes::BAD_CLIENT_FILE_IDENT,
            "Bad client file identifier (IDENT)",
        );
    };
    if row.salt != said.file_ident_salt {
        return refuse(
            codes::DIVERGING_HISTORIES,
            "Diverging histories (IDENT): wrong salt of the file identifier",
        );
    }
    if row.user != said.user {
        let text = "User mismatch (IDENT): the file belongs to another user";
        return Err(Refusal::bug(codes::USER_MISMATCH, text).into());
    }
    let download = said.download_server_version;
    // What a role takes away is held back from the stated cursor on: who has less said too much then, or
    // restored an older copy of its file.
    if download < row.progress.1.max(row.download.0) {
        return refuse(
            codes::BAD_SERVER_VERSION,
            "Bad server version (IDENT): older than stated before",
        );
    }
    let begins = download == 0 && row.integrated == 0;
    let needs = if download == 0 { row.born } else { download };
    if row.expired || (!begins && needs < batch.trimmed()) {
        return Err(Refusal::expired("IDENT").into());
    }
    if download > state.version {
        return refuse(
            codes::BAD_SERVER_VERSION,
            "Bad server version (IDENT): beyond the server's history",
        );
    }
    if said.download_client_version > row.integrated {
        return refuse(
            codes::BAD_CLIENT_VERSION,
            "Bad client version (IDENT): never uploaded",
        );
    }
    let latest = said.latest_server_version;
    if latest < download || latest > state.version {
        return refuse(
            codes::BAD_SERVER_VERSION,
            "Bad server version (IDENT): bad latest server version",
        );
    }
    if latest > 0 && state.salt(latest) != Some(said.latest_server_version_salt) {
        return refuse(
            codes::DIVERGING_HISTORIES,
            "Diverging histories (IDENT): wrong salt of the server version",
        );
    }
    Ok(row)
}

/// The 231s whose compensation the client has not integrated yet, by version.
pub(super) fn pending_compensations<S: Storage>(
    batch: &Batch<S>,
    ident: u64,
    download: u64,
) -> Result<Vec<Compensation>> {
    const DAMAGED: LedgerError = LedgerError::Damaged("a record's key is too short");
    let facts = batch.facts();
    let from = tables::of_client(ident, download + 1);
    let to = tables::of_client(ident, u64::MAX);
    let range = facts.read.range(
        RECORDS,
        std::ops::Bound::Included(&from[..]),
        std::ops::Bound::Excluded(&to[..]),
    )?;
    let mut compensations: Vec<Compensation> = Vec::new();
    for line in range {
        let (key, value) = line?;
        let record = Record::read(&value)?;
        let Some(rejection) = record.rejection else {
            continue;
        };
        let version = tables::last_number(key.get(..16).ok_or(DAMAGED)?)?;
        let object = ObjectKey::from_bytes(key.get(16..).ok_or(DAMAGED)?)?;
        let class = facts
            .schema
            .name(object.class())
            .ok_or(LedgerError::Damaged("an object without a class"))?;
        let update = RejectedUpdate::new(class, &object.key(), rejection);
        match compensations.last_mut() {
            Some(last) if last.server_version == version => last.rejected_updates.push(update),
            _ => compensations.push(Compensation {
                server_version: version,
                rejected_client_version: record.client_version,
                rejected_updates: vec![update],
            }),
        }
    }
    Ok(compensations)
}
