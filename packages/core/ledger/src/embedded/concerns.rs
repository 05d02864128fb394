//! The versions that concern one session.

use std::collections::VecDeque;

/// As many versions are listed for a session that does not take its downloads; what is older it reads whole.
const LISTED_MAX: usize = 1024;

/// A list that was long keeps no room for more than this.
const ROOM_MAX: usize = 16;

/// Which versions may hold something for a session. Never leaves one out.
#[derive(Debug)]
pub(super) struct Concerns {
    /// Every version up to this one may.
    since: u64,
    /// Those above it that may, in order.
    listed: VecDeque<u64>,
}

impl Concerns {
    /// All versions up to one, and none of the later ones until they are noted. `u64::MAX`: all.
    pub fn all_through(version: u64) -> Self {
        Self {
            since: version,
            listed: VecDeque::new(),
        }
    }

    /// A version does. The same one may be noted again, and lower ones: a commit that fails takes its
    /// versions back.
    pub fn note(&mut self, version: u64) {
        let Err(place) = self.listed.binary_search(&version) else {
            return;
        };
        self.listed.insert(place, version);
        if self.listed.len() > LISTED_MAX
            && let Some(oldest) = self.listed.pop_front()
        {
            self.since = self.since.max(oldest);
        }
    }

    /// All versions up to one do.
    pub fn note_through(&mut self, version: u64) {
        self.since = self.since.max(version);
    }

    /// The first version above `after` that may; those up to `after` are forgotten.
    pub fn next(&mut self, after: u64) -> Option<u64> {
        if after < self.since {
            return Some(after + 1);
        }
        while self.listed.front().is_some_and(|version| *version <= after) {
            self.listed.pop_front();
        }
        if self.listed.is_empty() {
            self.listed.shrink_to(ROOM_MAX);
        }
        self.listed.front().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_noted_versions_come_after_the_first() {
        let mut concerns = Concerns::all_through(5);
        assert_eq!(concerns.next(3), Some(4));
        assert_eq!(concerns.next(4), Some(5));
        assert_eq!(concerns.next(5), None);
        for version in [9, 7, 9, 12] {
            concerns.note(version);
        }
        assert_eq!(concerns.next(5), Some(7));
        assert_eq!(concerns.next(5), Some(7));
        assert_eq!(concerns.next(7), Some(9));
        assert_eq!(concerns.next(9), Some(12));
        assert_eq!(concerns.next(12), None);
    }

    #[test]
    fn all_through_a_noted_version_come() {
        let mut concerns = Concerns::all_through(2);
        concerns.note(4);
        concerns.note(9);
        concerns.note_through(6);
        let all: Vec<u64> =
            std::iter::successors(concerns.next(2), |at| concerns.next(*at)).collect();
        assert_eq!(all, [3, 4, 5, 6, 9]);
    }

    #[test]
    fn what_no_longer_fits_is_read_whole() {
        let mut concerns = Concerns::all_through(0);
        let last = 2 * (LISTED_MAX as u64 + 10);
        for version in (2..=last).step_by(2) {
            concerns.note(version);
        }
        assert_eq!(concerns.listed.len(), LISTED_MAX);
        let mut at = 0;
        let mut given = Vec::new();
        while let Some(next) = concerns.next(at) {
            given.push(next);
            at = next;
        }
        assert_eq!(at, last);
        assert_eq!(
            given.iter().filter(|version| **version % 2 == 0).count(),
            LISTED_MAX + 10
        );
        assert_eq!(
            given.iter().filter(|version| **version % 2 == 1).count(),
            10
        );
        assert!(concerns.listed.capacity() <= ROOM_MAX);
    }
}
