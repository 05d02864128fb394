//! What a session does between a client's store and a ledger, in words that both understand, and downloads in
//! one go for tests that do not care where a connection breaks. The simulator, which does, takes them in step
//! by step.

use std::collections::{BTreeMap, BTreeSet};

use tidemark_ledger::embedded::{
    BatchState, DownloadLimits, DownloadPart, Identification, Ledger, SessionId,
};
use tidemark_ledger::views::Role;
use tidemark_storage::Storage;
use tidemark_store::Database;
use tidemark_store::sync::{
    BootstrapPart, DownloadProgress, SubscriptionSet, SubscriptionState, SyncState,
};

/// Bytes in a DOWNLOAD of [`download`].
const DOWNLOAD_BYTES_MAX: usize = 1 << 20;

/// The header of a download, as the store takes it.
pub fn progress_of(part: &DownloadPart) -> DownloadProgress {
    DownloadProgress {
        download_server_version: part.download_server_version,
        download_client_version: part.download_client_version,
        latest_server_version: part.latest_server_version,
        latest_server_version_salt: part.latest_server_version_salt,
        upload_client_version: part.upload_client_version,
        upload_server_version: part.upload_server_version,
        progress_estimate: part.progress_estimate,
    }
}

/// The set that the server is to sync: the newest that has arrived.
pub fn active_set(sets: &[SubscriptionSet]) -> Option<&SubscriptionSet> {
    let arrived = |set: &&SubscriptionSet| {
        matches!(
            set.state,
            SubscriptionState::Complete | SubscriptionState::AwaitingMark
        )
    };
    sets.iter().rfind(arrived)
}

/// The JSON of a subscription set in IDENT and QUERY.
pub fn subscription_text(set: Option<&SubscriptionSet>) -> String {
    let mut classes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for subscription in set
        .map(|set| set.subscriptions.as_slice())
        .unwrap_or_default()
    {
        let queries = classes.entry(&subscription.class_name).or_default();
        queries.insert(&subscription.query);
    }
    let joined = classes.into_iter().map(|(class, queries)| {
        let queries: Vec<String> = queries
            .into_iter()
            .map(|query| format!("({query})"))
            .collect();
        (class, queries.join(" OR "))
    });
    let joined: BTreeMap<&str, String> = joined.collect();
    serde_json::to_string(&joined).expect("texts make JSON")
}

/// IDENT of a client of ours, who may do everything.
pub fn identification(
    user: &str,
    state: &SyncState,
    active: Option<&SubscriptionSet>,
) -> Identification {
    let progress = &state.progress;
    Identification {
        file_ident: state.file_ident,
        file_ident_salt: state.file_ident_salt,
        user: user.to_owned(),
        download_server_version: progress.download_server_version,
        download_client_version: progress.download_client_version,
        latest_server_version: progress.latest_server_version,
        latest_server_version_salt: progress.latest_server_version_salt,
        query_version: active.map_or(0, |set| set.version),
        query: subscription_text(active),
        role: Role::everything(),
        is_own_client: true,
        protocol_version: 14,
        schema_version: 0,
    }
}

/// Takes in everything that a session is owed; bootstraps are complete without a MARK. Says whether there was
/// anything.
pub fn download<C: Storage, S: Storage>(
    database: &Database<C>,
    ledger: &Ledger<S>,
    session: SessionId,
    now_ms: u64,
) -> Result<bool, String> {
    let (mut was_any, mut is_first) = (false, true);
    let limits = DownloadLimits::of(DOWNLOAD_BYTES_MAX);
    while let Some(part) = ledger.next_download(session, limits).map_err(words)? {
        was_any = true;
        let progress = progress_of(&part);
        if part.batch_state == BatchState::Steady {
            let prepared = database.prepare_download(progress, &part.body);
            let mut prepared = prepared.map_err(words)?;
            while !database
                .integrate_slice(&mut prepared, now_ms)
                .map_err(words)?
                .is_done
            {}
            continue;
        }
        let is_last = part.batch_state == BatchState::LastInBatch;
        let stored = BootstrapPart {
            query_version: part.query_version,
            is_first,
            is_last,
            progress,
            body: &part.body,
        };
        database.store_bootstrap(&stored).map_err(words)?;
        is_first = is_last;
        if is_last {
            while !database.apply_bootstrap(now_ms).map_err(words)?.is_done {}
            let complete = SubscriptionState::Complete;
            let set = database.set_subscription_state(part.query_version, complete, None);
            set.map_err(words)?;
        }
    }
    Ok(was_any)
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
