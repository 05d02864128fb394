//! Some consecutive edits of a cluster, with what lets a major pass them by in one step.
//!
//! The walks are the flat rules of `pairs::lists` once more, for edits whose sizes are known to agree. A
//! major that is before all edits of a block stays there, and one that is behind all of them at their times
//! stays there too; [`Block::gap_side`] and [`Block::element_side`] tell, from bounds that are kept with the
//! block. So what a walk costs is the number of blocks, and the edits of those that the major is amid.

/// The most edits in a block: about the root of how many edits a long history has. Fewer in tests, so that
/// short histories have several blocks.
pub(super) const MOST: usize = if cfg!(test) { 16 } else { 128 };

/// What a minor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Act {
    Insert,
    Erase,
    /// An Update of the element.
    Update,
    /// An edit of something inside the element.
    Inside,
}

impl Act {
    /// Whether it changes the size of the list.
    pub fn is_structural(self) -> bool {
        matches!(self, Self::Insert | Self::Erase)
    }
}

/// One minor, in its cluster.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edit {
    /// Index in the window, as the window is when the edit is made.
    pub at: u32,
    pub rank: u32,
    /// Its place among all minors of the list: the time.
    pub order: u32,
    pub act: Act,
    /// Whether a major before it has moved it; not all that have are noted here (see `Stretch::moves`).
    pub is_moved: bool,
}

impl Edit {
    /// The size of a list after the edit.
    pub fn resized(self, size: u32) -> u32 {
        match self.act {
            Act::Insert => size + 1,
            Act::Erase => size - 1,
            Act::Update | Act::Inside => size,
        }
    }
}

/// What happens to both when a major and a minor name one element. Minors are named by their order.
pub(super) trait Meeting {
    /// The major takes the minor along.
    fn drop_minor(&mut self, order: u32);

    /// Two edits of the element or inside it: which of them lives on, first the major, then the minor?
    fn tie(&mut self, order: u32) -> (bool, bool);
}

/// What became of a major that names an element in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It lives on, at this index.
    At(u32),
    /// It met the edit with this order, and is gone.
    Met(u32),
}

/// Where a major is, seen from a whole block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Before all edits, which moves them and not the major.
    Before,
    /// Behind all edits, which move the major.
    Behind,
    Amid,
}

/// The ranks of some insertions, as bounds; of none, the lowest is above all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ranks {
    lowest: u32,
    highest: Option<u32>,
}

impl Default for Ranks {
    fn default() -> Self {
        Self {
            lowest: u32::MAX,
            highest: None,
        }
    }
}

impl Ranks {
    pub fn count(&mut self, edit: Edit) {
        if edit.act == Act::Insert {
            self.lowest = self.lowest.min(edit.rank);
            self.highest = self.highest.max(Some(edit.rank));
        }
    }

    pub fn include(&mut self, other: Self) {
        self.lowest = self.lowest.min(other.lowest);
        self.highest = self.highest.max(other.highest);
    }

    /// Whether an insertion goes before each of these that is at its place.
    pub fn all_above(self, rank: u32) -> bool {
        rank < self.lowest
    }

    /// Whether an insertion goes behind each of these that is at its place.
    pub fn none_above(self, rank: u32) -> bool {
        Some(rank) >= self.highest
    }
}

/// Consecutive edits of one window.
#[derive(Clone, Debug)]
pub(super) struct Block {
    edits: Vec<Edit>,
    /// Where the window begins: indexes of edits, and the two bounds below, are greater by this.
    start: u32,
    /// The least index.
    first: u32,
    /// The least place, as the window is before the block, from which a major is behind all edits; at the
    /// place itself insertions may tie.
    behind: i64,
    /// What the edits add to the window's size.
    net: i64,
    /// How many edits change the size.
    structural: u32,
    ranks: Ranks,
    /// Whether all edits are moved.
    is_moved: bool,
}

impl Default for Block {
    fn default() -> Self {
        Self {
            edits: Vec::new(),
            start: 0,
            first: u32::MAX,
            behind: i64::MIN,
            net: 0,
            structural: 0,
            ranks: Ranks::default(),
            is_moved: false,
        }
    }
}

impl Block {
    pub fn len(&self) -> usize {
        self.edits.len()
    }

    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    pub fn ranks(&self) -> Ranks {
        self.ranks
    }

    pub fn structural(&self) -> u32 {
        self.structural
    }

    /// The edits, with indexes in the window.
    pub fn edits(&self) -> impl Iterator<Item = Edit> {
        self.edits.iter().map(|edit| Edit {
            at: edit.at - self.start,
            is_moved: edit.is_moved || self.is_moved,
            ..*edit
        })
    }

    /// Adds an edit that is made after the others. Nothing may be noted for all of them.
    pub fn push(&mut self, edit: Edit) {
        debug_assert!(self.start == 0 && !self.is_moved, "the block is settled");
        self.count(edit);
        self.edits.push(edit);
    }

    /// Takes over a block whose edits are made after those of this one.
    pub fn append(&mut self, later: &Self) {
        self.settle();
        self.recount();
        self.edits.reserve(later.edits.len());
        for edit in later.edits() {
            self.push(edit);
        }
    }

    /// Lets the window begin later, before all edits still.
    pub fn cut_front(&mut self, by: u32) {
        self.start += by;
    }

    /// Takes an element out that is before all edits.
    pub fn erase_before(&mut self) {
        self.start += 1;
        self.is_moved = true;
    }

    /// Notes that the edits made before one were moved.
    pub fn move_before(&mut self, order: u32) {
        for edit in &mut self.edits {
            edit.is_moved |= edit.order < order;
        }
    }

    fn count(&mut self, edit: Edit) {
        let element = i64::from(edit.act != Act::Insert);
        self.first = self.first.min(edit.at);
        self.behind = self.behind.max(i64::from(edit.at) - self.net + element);
        self.net += match edit.act {
            Act::Insert => 1,
            Act::Erase => -1,
            Act::Update | Act::Inside => 0,
        };
        self.structural += u32::from(edit.act.is_structural());
        self.ranks.count(edit);
    }

    /// Finds the bounds anew, after edits were changed.
    fn recount(&mut self) {
        let edits = std::mem::take(&mut self.edits);
        *self = Self::default();
        for edit in &edits {
            self.count(*edit);
        }
        self.edits = edits;
    }

    /// Gives each edit what is noted for all; the bounds have to be found anew then.
    fn settle(&mut self) {
        if self.start > 0 || self.is_moved {
            for edit in &mut self.edits {
                edit.at -= self.start;
                edit.is_moved |= self.is_moved;
            }
            (self.start, self.is_moved) = (0, false);
        }
    }

    /// Where a major is after the block, if it is behind it.
    pub fn moved(&self, at: u32) -> u32 {
        let moved = i64::from(at) + self.net;
        u32::try_from(moved).expect("within the window")
    }

    /// Where an insertion at a gap is. At one place with insertions it is before them if it ranks below, and
    /// behind them otherwise; an erasure at its place is of the element behind it.
    pub fn gap_side(&self, gap: u32, rank: u32) -> Side {
        let gap = i64::from(gap) + i64::from(self.start);
        let first = i64::from(self.first);
        if gap < first || (gap == first && self.ranks.all_above(rank)) {
            Side::Before
        } else if gap > self.behind || (gap == self.behind && self.ranks.none_above(rank)) {
            Side::Behind
        } else {
            Side::Amid
        }
    }

    /// Where the element that a major names is. An insertion at its place pushes it away.
    pub fn element_side(&self, element: u32) -> Side {
        let element = i64::from(element) + i64::from(self.start);
        if element < i64::from(self.first) {
            Side::Before
        } else if element >= self.behind {
            Side::Behind
        } else {
            Side::Amid
        }
    }

    /// Takes an insertion through all edits. This block keeps those before the new element; the answer is
    /// those behind it, in coordinates that begin there, and where the insertion ends up.
    pub fn split(mut self, gap: u32, rank: u32) -> (Self, Self, u32) {
        self.settle();
        let (mut kept, mut behind, mut at) = (Self::default(), Self::default(), gap);
        let mut write = 0;
        for read in 0..self.edits.len() {
            #[cfg(test)]
            crate::driver::visits::count();
            let edit = self.edits[read];
            let is_behind = match edit.act {
                Act::Insert => at < edit.at || (at == edit.at && rank < edit.rank),
                _ => at <= edit.at,
            };
            if is_behind {
                behind.push(Edit {
                    at: edit.at - at,
                    ..edit
                });
            } else {
                self.edits[write] = edit;
                write += 1;
                kept.count(edit);
                at = edit.resized(at);
            }
        }
        self.edits.truncate(write);
        kept.edits = self.edits;
        (kept, behind, at)
    }

    /// Takes an erasure of an element through the edits.
    pub fn erase(&mut self, mut element: u32, meeting: &mut impl Meeting) -> Fate {
        self.settle();
        let mut drops = false;
        let mut met = None;
        for (position, edit) in self.edits.iter_mut().enumerate() {
            #[cfg(test)]
            crate::driver::visits::count();
            match edit.act {
                Act::Insert if edit.at <= element => element += 1,
                Act::Erase if edit.at < element => element -= 1,
                Act::Erase if edit.at == element => {
                    met = Some(position);
                    break;
                }
                Act::Update | Act::Inside if edit.at < element => {}
                Act::Update | Act::Inside if edit.at == element => {
                    meeting.drop_minor(edit.order);
                    edit.at = u32::MAX;
                    drops = true;
                }
                _ => (edit.at, edit.is_moved) = (edit.at - 1, true),
            }
        }
        let mut fate = Fate::At(element);
        if let Some(position) = met {
            let edit = self.edits.remove(position);
            meeting.drop_minor(edit.order);
            fate = Fate::Met(edit.order);
        }
        if drops {
            self.edits.retain(|edit| edit.at != u32::MAX);
        }
        self.recount();
        fate
    }

    /// Takes an edit of an element, or inside it, through the edits.
    pub fn edit_element(&mut self, mut element: u32, meeting: &mut impl Meeting) -> Fate {
        self.settle();
        let mut drops = false;
        let mut met = None;
        for edit in &mut self.edits {
            #[cfg(test)]
            crate::driver::visits::count();
            match edit.act {
                Act::Insert if edit.at <= element => element += 1,
                Act::Erase if edit.at < element => element -= 1,
                Act::Erase if edit.at == element => met = Some(edit.order),
                Act::Update | Act::Inside if edit.at == element => {
                    let (major, minor) = meeting.tie(edit.order);
                    if !minor {
                        edit.at = u32::MAX;
                        drops = true;
                    }
                    if !major {
                        met = Some(edit.order);
                    }
                }
                _ => {}
            }
            if met.is_some() {
                break;
            }
        }
        if drops {
            self.edits.retain(|edit| edit.at != u32::MAX);
        }
        self.recount();
        met.map_or(Fate::At(element), Fate::Met)
    }
}
