//! A set of small numbers.

/// The positions of a changeset that something is true of.
#[derive(Clone, Debug, Default)]
pub(super) struct Bits {
    words: Vec<u64>,
    count: u32,
}

fn split(position: u32) -> (usize, u64) {
    ((position / 64) as usize, 1 << (position % 64))
}

impl Bits {
    pub fn contains(&self, position: u32) -> bool {
        let (word, bit) = split(position);
        self.words.get(word).is_some_and(|bits| bits & bit != 0)
    }

    pub fn insert(&mut self, position: u32) {
        let (word, bit) = split(position);
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        if let Some(bits) = self.words.get_mut(word)
            && *bits & bit == 0
        {
            *bits |= bit;
            self.count += 1;
        }
    }

    pub fn count(&self) -> u32 {
        self.count
    }

    /// Takes all of another set in.
    pub fn absorb(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            *mine |= theirs;
        }
        self.count = self.words.iter().map(|word| word.count_ones()).sum();
    }
}
