//! What the server of a history does with the messages of its clients, and what it sends.

use tidemark_changeset::body::{BodyLimits, parse_download_body};
use tidemark_changeset::codec;
use tidemark_ledger::embedded::{DownloadLimits, DownloadPart, Identification, Upload};
use tidemark_ledger::error::{Stop, codes};
use tidemark_ledger::{LedgerError, Refusal};
use tidemark_transform::Rules;

use crate::client::{Fault, Message, Subscription};
use crate::peer::{Answer, encode_upload};
use crate::rights::query_text;
use crate::show;
use crate::world::World;

impl World {
    /// The server takes the next message of a client, perhaps with uploads of others in one commit.
    pub fn serve(&mut self, at: usize) -> Result<(), Fault> {
        let Some(message) = self.peers[at].up.pop_front() else {
            return Ok(());
        };
        self.say(|| {
            format!(
                "server < {} {}",
                self.peers[at].client.ident,
                show::message(&message)
            )
        });
        match message {
            Message::Ident {
                download,
                latest,
                query_version,
                subscription,
            } => self.identify(at, download, latest, query_version, &subscription),
            Message::Mark => {
                self.peers[at].marks += usize::from(self.peers[at].session.is_some());
                Ok(())
            }
            Message::Query {
                version,
                subscription,
            } => {
                let Some(session) = self.peers[at].session else {
                    return Ok(());
                };
                self.tally.bootstraps += 1;
                let answer = self
                    .ledger
                    .query(session, version, &query_text(&subscription));
                self.peers[at].marks += 1;
                if let (Some(shadow), Ok(_)) = (&self.shadow, &answer) {
                    shadow.query(session, version, &query_text(&subscription));
                }
                match answer {
                    Ok(None) => Ok(()),
                    Err(LedgerError::Trimmed) => self.told_to_reset(at, "QUERY"),
                    other => Err(format!("query refused: {other:?}")),
                }
            }
            upload @ Message::Upload { .. } => self.integrate(at, upload),
        }
    }

    fn identify(
        &mut self,
        at: usize,
        download: (u64, u64),
        latest: (u64, u64),
        query_version: u64,
        subscription: &Subscription,
    ) -> Result<(), Fault> {
        let role = self.peers[at].rights.role();
        let peer = &self.peers[at];
        let said = Identification {
            file_ident: peer.client.ident,
            file_ident_salt: peer.salt,
            user: "user".to_owned(),
            download_server_version: download.0,
            download_client_version: download.1,
            latest_server_version: latest.0,
            latest_server_version_salt: latest.1,
            query_version,
            query: query_text(subscription),
            role,
            is_own_client: peer.client.rules == Rules::CORRECTED,
            protocol_version: 14,
        };
        let copy = said.clone();
        let identified = match self.ledger.identify(said, self.time.now_ms) {
            Ok(identified) => identified,
            Err(Stop::Refused(refusal)) if refusal.code == codes::CLIENT_FILE_EXPIRED => {
                return self.told_to_reset(at, "IDENT");
            }
            Err(Stop::Refused(refusal)) => return Err(format!("ident refused: {refusal}")),
            Err(Stop::Failed(error)) => return Err(format!("the ledger fails: {error}")),
        };
        if let Some(shadow) = &mut self.shadow {
            shadow.identify(copy, &identified)?;
        }
        let peer = &mut self.peers[at];
        peer.session = Some(identified.session);
        for told in identified.compensations {
            peer.down.push_back(Answer::Compensation(
                told.server_version,
                told.rejected_client_version,
            ));
        }
        Ok(())
    }

    fn integrate(&mut self, at: usize, message: Message) -> Result<(), Fault> {
        let Some(session) = self.peers[at].session else {
            return Ok(());
        };
        let mut batch = vec![(at, session, message)];
        // Uploads of others that wait as well may share the commit.
        for other in 0..self.peers.len() {
            let waits = matches!(self.peers[other].up.front(), Some(Message::Upload { .. }));
            if other != at && waits && self.dice.chance(500) {
                let message = self.peers[other].up.pop_front().expect("it was there");
                if let Some(session) = self.peers[other].session {
                    batch.push((other, session, message));
                }
            }
        }
        let encoded: Vec<(Vec<u8>, (u64, u64), u64)> = batch
            .iter()
            .map(|(_, _, message)| encode_upload(message))
            .collect();
        let uploads: Vec<Upload<'_>> = batch
            .iter()
            .zip(&encoded)
            .map(|((_, session, _), (body, progress, locked))| Upload {
                session: *session,
                progress_client_version: progress.0,
                progress_server_version: progress.1,
                locked_server_version: *locked,
                body,
            })
            .collect();
        let dies = self.plan.kills && self.dice.chance(20);
        if dies {
            self.disk.die_in_next_commit();
        }
        let answers = match self.ledger.integrate(&uploads, self.time.now_ms) {
            Err(_) if dies => {
                self.kill();
                return Ok(());
            }
            answers => answers.map_err(|error| format!("the ledger fails: {error}"))?,
        };
        self.disk.revive();
        // Where everything is refused there is nothing to commit.
        if dies && answers.iter().any(|answer| answer.refusal.is_none()) {
            return Err("a commit that dies was reported as done".to_owned());
        }
        if let Some(shadow) = &self.shadow {
            shadow.integrate(&uploads, &answers)?;
        }
        for ((at, _, _), answer) in batch.into_iter().zip(answers) {
            self.tally.uploads += answer.changesets;
            self.tally.conflicts += answer.conflicts;
            self.tally.compensations += answer.compensations.len() as u64;
            self.tally.refreshes += answer.refreshes;
            if let Some(refusal) = answer.refusal {
                self.refused(at, &refusal)?;
                continue;
            }
            for told in answer.compensations {
                self.say(|| format!("   231 for {} {told:?}", self.peers[at].client.ident));
                let told = Answer::Compensation(told.server_version, told.rejected_client_version);
                self.peers[at].down.push_back(told);
            }
        }
        Ok(())
    }

    fn refused(&mut self, at: usize, refusal: &Refusal) -> Result<(), Fault> {
        if refusal.code == codes::CLIENT_FILE_EXPIRED {
            return self.told_to_reset(at, "UPLOAD");
        }
        let client = &self.peers[at].client;
        if !client.may_fail {
            return Err(format!("upload of {} refused: {refusal}", client.ident));
        }
        self.say(|| format!("refused: {refusal}"));
        self.tally.refusals += 1;
        self.reset(at)
    }

    /// The server sends a client some of what it is owed; `all` for everything.
    pub fn send(&mut self, at: usize, all: bool) -> Result<(), Fault> {
        let Some(session) = self.peers[at].session else {
            return Ok(());
        };
        if let Some(shadow) = &self.shadow {
            shadow.send(session);
        }
        let bytes_max = if all {
            1 << 20
        } else {
            *self.dice.pick(&[1, 60, 300, 5000])
        };
        let count = if all {
            usize::MAX
        } else {
            *self.dice.pick(&[1, 1, 2, 5])
        };
        for _ in 0..count {
            let limits = DownloadLimits::of(bytes_max);
            let part = self.ledger.next_download(session, limits);
            if let (Some(shadow), Ok(part)) = (&self.shadow, &part) {
                shadow.next(session, limits, part.as_ref())?;
            }
            match part {
                Ok(Some(part)) => {
                    self.check_readable(at, &part)?;
                    self.peers[at].down.push_back(Answer::Part(Box::new(part)));
                }
                Ok(None) => {
                    while self.peers[at].marks > 0 {
                        self.peers[at].marks -= 1;
                        self.peers[at].down.push_back(Answer::Mark);
                    }
                    return Ok(());
                }
                Err(LedgerError::Trimmed) => return self.told_to_reset(at, "DOWNLOAD"),
                Err(error) => return Err(format!("the ledger fails: {error}")),
            }
        }
        Ok(())
    }

    /// Whatever is sent in a session is what its user may read.
    fn check_readable(&mut self, at: usize, part: &DownloadPart) -> Result<(), Fault> {
        let peer = &self.peers[at];
        let parsed = parse_download_body(&part.body, BodyLimits::default());
        let parsed = parsed.map_err(|error| format!("bad body: {error}"))?;
        for entry in parsed {
            let changeset = codec::decode(entry.changeset);
            let changeset = changeset.map_err(|error| format!("bad changeset: {error}"))?;
            let schema = &peer.client.database.schema;
            peer.rights.check(schema, &changeset)?;
        }
        Ok(())
    }
}
