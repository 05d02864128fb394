//! One cluster: a window of a list, and what the minors do in it, in coordinates of the window.
//!
//! The walks below are the flat rules of `pairs::lists` once more, for edits whose sizes are known to agree.
//! They are what a merge spends its time with when everything happens at one place, so they touch nothing
//! but sixteen bytes an edit.

/// What a minor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Act {
    Insert,
    Erase,
    /// An Update of the element.
    Update,
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
}

impl Edit {
    /// The size of a list after the edit.
    pub fn resized(self, size: u32) -> u32 {
        match self.act {
            Act::Insert => size + 1,
            Act::Erase => size - 1,
            Act::Update => size,
        }
    }
}

/// What the elements in a window have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Content {
    /// None is there from the beginning to the end: each is inserted or erased by the minors, or both.
    #[default]
    Passing,
    /// One element, which stays, with Updates of it. It keeps its neighbours apart.
    Staying,
    /// None: the border before the list's first element, which keeps nothing apart but ends everything.
    Border,
}

/// A window with its edits.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    /// Elements in the window before and after the edits.
    pub before: u32,
    pub after: u32,
    pub content: Content,
    /// In the order they were made.
    pub edits: Vec<Edit>,
    /// The ranks of the insertions, as bounds; without insertions the lowest is above the highest.
    ranks: Ranks,
}

#[derive(Clone, Copy, Debug)]
struct Ranks {
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
    fn of(edits: &[Edit]) -> Self {
        let mut ranks = Self::default();
        for edit in edits {
            ranks.count(*edit);
        }
        ranks
    }

    fn count(&mut self, edit: Edit) {
        if edit.act == Act::Insert {
            self.lowest = self.lowest.min(edit.rank);
            self.highest = self.highest.max(Some(edit.rank));
        }
    }
}

/// Where a major's insertion ends up in a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Before all of the window, at all times.
    Front,
    /// Behind all of it, at all times.
    Back,
    /// The edits have to be gone through.
    Inside,
}

/// What became of a major that names an element in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It lives on, at this index of the window.
    At(u32),
    /// It met the edit with this order, and is gone.
    Met(u32),
}

/// What happens to both when a major and a minor name one element. Minors are named by their order.
pub(super) trait Meeting {
    /// The major takes the minor along.
    fn drop_minor(&mut self, order: u32);

    /// Two Updates: which of them lives on, first the major, then the minor?
    fn tie(&mut self, order: u32) -> (bool, bool);
}

impl Cluster {
    /// What begins a list.
    pub fn border() -> Self {
        Self {
            content: Content::Border,
            ..Self::default()
        }
    }

    /// A window with one edit, the first that is made there.
    pub fn new(first: Edit) -> Self {
        let (before, after, content) = match first.act {
            Act::Insert => (0, 1, Content::Passing),
            Act::Erase => (1, 0, Content::Passing),
            Act::Update => (1, 1, Content::Staying),
        };
        let mut ranks = Ranks::default();
        ranks.count(first);
        Self {
            before,
            after,
            content,
            edits: vec![first],
            ranks,
        }
    }

    /// Whether insertions at its borders meet its edits.
    pub fn is_passing(&self) -> bool {
        self.content == Content::Passing
    }

    /// Adds an edit that is made after all others.
    pub fn push(&mut self, edit: Edit) {
        self.after = edit.resized(self.after);
        if edit.act == Act::Erase {
            self.content = Content::Passing;
        }
        self.ranks.count(edit);
        self.edits.push(edit);
    }

    /// The erasure of the untouched element right behind the window.
    pub fn push_erasure_behind(&mut self, mut edit: Edit) {
        edit.at = self.after;
        self.before += 1;
        self.edits.push(edit);
    }

    /// Which end an insertion of this rank at the gap goes to, if that is clear without a walk.
    ///
    /// At the front a tie is won by every insertion with a greater rank, which pushes the window away, and an
    /// erasure is always behind; so an insertion that loses no tie stays at the front. At the back likewise.
    pub fn side(&self, gap: u32, rank: u32) -> Side {
        if gap == 0 && rank < self.ranks.lowest {
            Side::Front
        } else if gap == self.before && Some(rank) >= self.ranks.highest {
            Side::Back
        } else {
            Side::Inside
        }
    }

    /// A major's insertion at a gap, gone through the edits. The new element is one that no minor touches, so
    /// the window falls into what is before it and what is behind it. This cluster keeps what is before; the
    /// answer is what is behind.
    pub fn split(&mut self, gap: u32, rank: u32, behind: &mut Vec<Edit>) -> Self {
        let (before, after) = (self.before, self.after);
        let (kept, at) = partition(&mut self.edits, gap, rank, behind);
        // The allocation stays with the longer part.
        let edits = if behind.len() > kept {
            let shorter = self.edits[..kept].to_vec();
            self.edits.clear();
            self.edits.extend_from_slice(behind);
            std::mem::replace(&mut self.edits, shorter)
        } else {
            self.edits.truncate(kept);
            behind.clone()
        };
        behind.clear();
        (self.before, self.after) = (gap, at);
        self.ranks = Ranks::of(&self.edits);
        Self {
            before: before - gap,
            after: after - at,
            content: Content::Passing,
            ranks: Ranks::of(&edits),
            edits,
        }
    }

    /// A major's erasure of an element in the window.
    pub fn erase(&mut self, mut element: u32, meeting: &mut impl Meeting) -> Fate {
        let mut updates = false;
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
                Act::Update if edit.at < element => {}
                Act::Update if edit.at == element => {
                    meeting.drop_minor(edit.order);
                    edit.at = u32::MAX;
                    updates = true;
                }
                _ => edit.at -= 1,
            }
        }
        self.before -= 1;
        let fate = if let Some(position) = met {
            let edit = self.edits.remove(position);
            meeting.drop_minor(edit.order);
            Fate::Met(edit.order)
        } else {
            self.after -= 1;
            Fate::At(element)
        };
        if updates {
            self.edits.retain(|edit| edit.at != u32::MAX);
        }
        if self.content == Content::Staying {
            self.content = Content::Passing;
        }
        fate
    }

    /// A major's Update of an element in the window.
    pub fn update(&mut self, mut element: u32, meeting: &mut impl Meeting) -> Fate {
        let mut updates = false;
        let mut met = None;
        for edit in &mut self.edits {
            #[cfg(test)]
            crate::driver::visits::count();
            match edit.act {
                Act::Insert if edit.at <= element => element += 1,
                Act::Erase if edit.at < element => element -= 1,
                Act::Erase if edit.at == element => met = Some(edit.order),
                Act::Update if edit.at == element => {
                    let (major, minor) = meeting.tie(edit.order);
                    if !minor {
                        edit.at = u32::MAX;
                        updates = true;
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
        if updates {
            self.edits.retain(|edit| edit.at != u32::MAX);
        }
        met.map_or(Fate::At(element), Fate::Met)
    }

    /// One cluster out of several whose windows follow each other.
    pub fn joined(mut parts: Vec<Self>) -> Self {
        while parts.len() > 1 {
            let mut halves = Vec::with_capacity(parts.len().div_ceil(2));
            let mut rest = parts.into_iter();
            while let Some(first) = rest.next() {
                halves.push(match rest.next() {
                    Some(second) => first.join(&second),
                    None => first,
                });
            }
            parts = halves;
        }
        parts.pop().unwrap_or_default()
    }

    fn join(self, behind: &Self) -> Self {
        if behind.edits.is_empty() {
            return self;
        }
        let mut edits = Vec::with_capacity(self.edits.len() + behind.edits.len());
        let mut front = self.edits.iter().copied().peekable();
        let mut size = self.before;
        for edit in &behind.edits {
            while let Some(earlier) = front.next_if(|other| other.order < edit.order) {
                size = earlier.resized(size);
                edits.push(earlier);
            }
            edits.push(Edit {
                at: edit.at + size,
                ..*edit
            });
        }
        edits.extend(front);
        #[cfg(test)]
        for _ in &edits {
            crate::driver::visits::count_step();
        }
        Self {
            before: self.before + behind.before,
            after: self.after + behind.after,
            content: Content::Passing,
            ranks: Ranks {
                lowest: self.ranks.lowest.min(behind.ranks.lowest),
                highest: self.ranks.highest.max(behind.ranks.highest),
            },
            edits,
        }
    }
}

/// Goes through the edits with an insertion at `gap`. Those that end up behind the new element go to
/// `behind`, in coordinates that begin there; the others move together at the front. The answer is how many
/// those are, and where the insertion ends up.
fn partition(edits: &mut [Edit], gap: u32, rank: u32, behind: &mut Vec<Edit>) -> (usize, u32) {
    let mut at = gap;
    let mut kept = 0;
    for position in 0..edits.len() {
        #[cfg(test)]
        crate::driver::visits::count();
        let edit = edits[position];
        let is_behind = match edit.act {
            Act::Insert => at < edit.at || (at == edit.at && rank < edit.rank),
            Act::Erase | Act::Update => at <= edit.at,
        };
        if is_behind {
            behind.push(Edit {
                at: edit.at - at,
                ..edit
            });
        } else {
            edits[kept] = edit;
            kept += 1;
            at = edit.resized(at);
        }
    }
    (kept, at)
}
