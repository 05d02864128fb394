//! The end of a history: everybody comes to rest, and is compared with the server.

use crate::client::{Fault, SetState, Subscription};
use crate::ops::VIEWS;
use crate::rights::restrict;
use crate::world::World;

impl World {
    pub fn settle(&mut self) -> Result<(), Fault> {
        self.say(|| "--- settle".to_owned());
        for round in 0..60 {
            let mut busy = false;
            for at in 0..self.peers.len() {
                busy |= !self.time.has_left(at) && self.pump(at)?;
            }
            let head = self.ledger.version();
            let caught_up = (0..self.peers.len()).all(|at| {
                let client = &self.peers[at].client;
                self.time.has_left(at)
                    || client.is_uploaded()
                        && client.newest_set().state == SetState::Complete
                        && client.download.0 <= head
            });
            if !busy && round > 2 && caught_up {
                return Ok(());
            }
        }
        let states: Vec<_> = self
            .peers
            .iter()
            .map(|peer| {
                (
                    peer.client.ident,
                    peer.client.is_uploaded(),
                    peer.client.newest_set().state,
                )
            })
            .collect();
        Err(format!("never comes to rest: {states:?}"))
    }

    /// Everybody has to hold what its view shows of the server's objects, which a new client with every right
    /// tells.
    pub fn compare(&mut self) -> Result<(), Fault> {
        let mut observer = self.new_peer(false);
        observer.client.subscribe(Subscription {
            values: VIEWS.into_iter().collect(),
            partners: true,
        });
        self.peers.push(observer);
        let last = self.peers.len() - 1;
        for _ in 0..4 {
            self.pump(last)?;
        }
        let truth = self.peers[last].client.database.clone();
        for (at, peer) in self.peers[..last].iter().enumerate() {
            if self.time.has_left(at) {
                continue;
            }
            let mut expected = truth.clone();
            restrict(
                &mut expected,
                &peer.client.newest_set().subscription,
                &peer.rights,
            );
            let mut held = peer.client.database.clone();
            expected.fill();
            held.fill();
            if held.objects != expected.objects {
                return Err(format!(
                    "client {} differs:\n  has  {:?}\n  want {:?}",
                    peer.client.ident, held.objects, expected.objects
                ));
            }
        }
        Ok(())
    }
}
