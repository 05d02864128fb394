//! How a history ends: what everybody has to hold then.

use crate::client::{Fault, Subscription};
use crate::ops::VIEWS;
use crate::rights::restrict;
use crate::world::World;

impl World {
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
