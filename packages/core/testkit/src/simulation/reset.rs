//! Client resets: a client gives up its file and begins with a new one.
//!
//! What the old file had committed and the server had not integrated is lost with it; the checks count only
//! what reached the log.

use super::world::{World, text};

impl World<'_> {
    /// The client of `who` begins with a new file, and with the subscriptions that its application wants.
    pub(super) fn reset(&mut self, who: usize) -> Result<(), String> {
        self.coverage.count("client resets", 1);
        self.cut(who)?;
        let old = &self.peers[who].client;
        let (user, wanted, offset) = (old.user.clone(), old.wanted.clone(), old.clock_offset);
        let fuse = old.disk.disarm();
        let mut fresh = self.new_client(user, Some(&self.script.layout), &wanted, fuse)?;
        fresh.clock_offset = offset;
        let peer = &mut self.peers[who];
        peer.files += 1;
        let mut old = std::mem::replace(&mut peer.client, fresh);
        old.close().map_err(text)?;
        self.former.push(old);
        Ok(())
    }
}
