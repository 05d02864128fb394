//! Client resets: a client starts over, by itself or because the server demands it.
//!
//! Either with a new file: what the old one had committed and the server had not integrated is lost with it.
//! Or as the store does it, with a fresh copy that is downloaded first: what was not acknowledged is
//! recovered or discarded, and the file goes on under the copy's ident.

use std::collections::{BTreeMap, BTreeSet};

use tidemark_changeset::{Text, Value};
use tidemark_model::Node;
use tidemark_model::memory::Database as Model;
use tidemark_store::sync::{ResetAction, ResetDemand, ResetMode, ResetPolicy, ResetReport};
use tidemark_store::{Database, StoreError};

use super::client::{Client, File, Stop};
use super::layout::is_eternal_key;
use super::session::Session;
use super::world::{Peer, World, text};

/// Attempts of one reset: a process that dies in one tries again.
const ATTEMPTS_MAX: usize = 4;

impl World<'_> {
    /// The client of `who` starts over in one of three ways.
    pub(super) fn start_over(&mut self, who: usize, how: u32) -> Result<(), String> {
        match how {
            0 => self.new_file(who),
            1 => self.client_reset(who, ResetPolicy::RecoverOrDiscard),
            _ => self.client_reset(who, ResetPolicy::Discard),
        }
    }

    fn new_file(&mut self, who: usize) -> Result<(), String> {
        self.coverage.count("new files", 1);
        self.cut(who);
        let old = &self.peers[who].client;
        let (user, wanted, offset) = (old.user.clone(), old.wanted.clone(), old.clock_offset);
        let fuse = old.disk.disarm();
        let mut fresh = self.new_client(user, Some(&self.script.layout), &wanted, fuse)?;
        fresh.clock_offset = offset;
        let mut old = std::mem::replace(&mut self.peers[who].client, fresh);
        old.file.acknowledged = old.acknowledged().map_err(text)?;
        old.close().map_err(text)?;
        self.former.push(old.file);
        Ok(())
    }

    pub(super) fn client_reset(&mut self, who: usize, policy: ResetPolicy) -> Result<(), String> {
        self.coverage.count("client resets", 1);
        self.cut(who);
        self.commit()?;
        self.peers[who].client.has_to_reset = false;
        // The session ends first, and with it what it was taking in.
        self.peers[who].client.session = Session::default();
        if self.peers[who].client.file.ident == 0 {
            return self.new_file(who);
        }
        let copy = self.fresh_copy(who)?;
        for _ in 0..ATTEMPTS_MAX {
            let report = match self.peers[who].client.reset_from(&copy, policy) {
                Ok(Some(report)) => Some(report),
                // The two cannot be brought together.
                Ok(None) => break,
                Err(stop) => {
                    self.client_did(who, Err(stop))?;
                    if !self.peers[who].client.has_ident_of(&copy)? {
                        continue;
                    }
                    // It died right after the commit.
                    None
                }
            };
            if let Some(report) = &report {
                self.note(|| format!("{report:?}"));
                self.coverage
                    .count("changesets recovered", report.changesets_recovered);
            }
            let former = self.peers[who].client.adopt(&copy, report.as_ref())?;
            self.former.push(former);
            let result = self.peers[who]
                .client
                .run("finish a reset", Database::finish_reset);
            return self.client_did(who, result);
        }
        self.coverage.count("client resets that failed", 1);
        self.new_file(who)
    }

    /// A new file with the subscriptions that the client's data is of, up to date, with nothing of its own.
    fn fresh_copy(&mut self, who: usize) -> Result<Client, String> {
        let client = &mut self.peers[who].client;
        let user = client.user.clone();
        let active = client.active_set().map_err(text)?;
        let subscriptions = active.map(|set| set.subscriptions).unwrap_or_default();
        let wanted: BTreeMap<String, String> = subscriptions
            .into_iter()
            .map(|subscription| (subscription.class_name, subscription.query))
            .collect();
        let client = self.new_client(user, None, &wanted, None)?;
        self.peers.push(Peer {
            client,
            link: None,
            dropped: Vec::new(),
        });
        let at = self.peers.len() - 1;
        self.exchange(at)?;
        self.cut(at);
        let peer = self.peers.pop().ok_or("the fresh copy is gone")?;
        Ok(peer.client)
    }
}

impl Client {
    /// Begins a reset and does it. `None`: the store says that it cannot be done.
    fn reset_from(
        &mut self,
        copy: &Self,
        policy: ResetPolicy,
    ) -> Result<Option<ResetReport>, Stop> {
        let demand = ResetDemand {
            policy,
            action: ResetAction::Reset,
            error_code: 222,
            error_message: "Client file has expired".to_owned(),
            now_ms: 1,
        };
        match self.attempt("begin a reset", |database| database.begin_reset(&demand))? {
            Ok(_) => {}
            Err(StoreError::ResetFailed(_)) => return Ok(None),
            Err(error) => return Err(self.stop(&error)),
        }
        self.acknowledged_before_reset = self.acknowledged()?;
        self.tokens_before_reset = self.tokens()?;
        let fresh = copy.database()?;
        match self.attempt("reset", |database| database.reset_from(fresh, 1))? {
            Ok(report) => Ok(Some(report)),
            Err(StoreError::ResetFailed(_)) => Ok(None),
            Err(error) => Err(self.stop(&error)),
        }
    }

    /// All tokens in the file.
    fn tokens(&self) -> Result<BTreeSet<Text>, Stop> {
        let Model { schema, objects } = self.export()?;
        let columns = objects.iter().filter_map(|(class, objects)| {
            let column = schema.class(class)?.column_index(&"tokens".into())?;
            Some(
                objects
                    .values()
                    .filter_map(move |document| document.field(column)),
            )
        });
        let elements = columns.flatten().filter_map(|node| match node {
            Node::Set(elements) => Some(elements),
            _ => None,
        });
        let tokens = elements.flatten().filter_map(|value| match value {
            Value::String(token) => Some(token.clone()),
            _ => None,
        });
        Ok(tokens.collect())
    }

    fn has_ident_of(&mut self, copy: &Self) -> Result<bool, String> {
        let state = self.run("read", Database::sync_state).map_err(text)?;
        Ok(state.file_ident == copy.file.ident)
    }

    /// The file is the copy's successor now. The answer is what was known of it before.
    fn adopt(&mut self, copy: &Self, report: Option<&ResetReport>) -> Result<File, String> {
        self.forget_sets();
        let version = self.database().map_err(text)?.version();
        let newest = self.sets().map_err(text)?.last().cloned();
        self.wanted = newest
            .into_iter()
            .flat_map(|set| set.subscriptions)
            .map(|subscription| (subscription.class_name, subscription.query))
            .collect();
        let mut file = File {
            ident: copy.file.ident,
            ..File::default()
        };
        let times = self.file.committed.iter().map(|commit| commit.timestamp);
        let times = times.chain(
            self.file
                .recovered
                .iter()
                .flat_map(|(_, times)| times.clone()),
        );
        file.recovered = Some((version, times.collect()));
        let brings_back = report
            .is_some_and(|report| report.mode == ResetMode::Recover && report.dropped_count == 0);
        if brings_back {
            let acknowledged = self.acknowledged_before_reset;
            let unsynced = self.file.committed.iter();
            let unsynced = unsynced.filter(|commit| commit.version > acknowledged);
            let tokens = unsynced.flat_map(|commit| commit.tokens.clone());
            let is_due = |(_, key, token): &(_, _, _)| {
                is_eternal_key(key) && self.tokens_before_reset.contains(token)
            };
            file.promised = tokens.filter(is_due).collect();
        }
        let mut former = std::mem::replace(&mut self.file, file);
        former.acknowledged = self.acknowledged_before_reset;
        Ok(former)
    }
}
