//! A number for everything that was said and held in a run: two runs of one seed must have the same.

/// FNV-1a, taken eight bytes at a time where there are so many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    /// Adds a number.
    pub fn number(&mut self, value: u64) {
        self.0 = (self.0 ^ value)
            .wrapping_mul(0x0000_0100_0000_01b3)
            .rotate_left(23);
    }

    /// Adds bytes and their number.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let word: [u8; 8] = chunk.try_into().expect("chunks of eight");
            self.number(u64::from_le_bytes(word));
        }
        for byte in chunks.remainder() {
            self.number(u64::from(*byte));
        }
    }

    /// What it came to.
    pub fn value(&self) -> u64 {
        self.0
    }
}
