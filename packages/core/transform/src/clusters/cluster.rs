//! One cluster: a window of a list, and what the minors do in it, in coordinates of the window.

use super::block::{Act, Block, Edit, Fate, MOST, Meeting, Ranks, Side};

/// What the elements in a window have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Content {
    /// None is there from the beginning to the end: each is inserted or erased by the minors, or both.
    #[default]
    Passing,
    /// One element, which stays, with edits of it and inside it. It keeps its neighbours apart.
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
    content: Content,
    /// In the order they were made.
    blocks: Vec<Block>,
    /// How many edits change the size of the list.
    structural: u32,
    ranks: Ranks,
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
        let (before, content) = match first.act {
            Act::Insert => (0, Content::Passing),
            Act::Erase => (1, Content::Passing),
            Act::Update | Act::Inside => (1, Content::Staying),
        };
        let mut cluster = Self {
            before,
            after: before,
            content,
            ..Self::default()
        };
        cluster.push(first);
        cluster
    }

    fn with(blocks: Vec<Block>, before: u32, after: u32) -> Self {
        let mut ranks = Ranks::default();
        for block in &blocks {
            ranks.include(block.ranks());
        }
        let structural = blocks.iter().map(Block::structural).sum();
        Self {
            before,
            after,
            content: Content::Passing,
            blocks,
            structural,
            ranks,
        }
    }

    /// Whether insertions at its borders meet its edits.
    pub fn is_passing(&self) -> bool {
        self.content == Content::Passing
    }

    /// How many edits change the size of the list.
    pub fn structural(&self) -> u32 {
        self.structural
    }

    /// The edits, with indexes in the window.
    pub fn edits(&self) -> impl Iterator<Item = Edit> {
        self.blocks.iter().flat_map(Block::edits)
    }

    /// Adds an edit that is made after all others.
    pub fn push(&mut self, edit: Edit) {
        self.after = edit.resized(self.after);
        if edit.act == Act::Erase {
            self.content = Content::Passing;
        }
        self.structural += u32::from(edit.act.is_structural());
        self.ranks.count(edit);
        push(&mut self.blocks, edit);
    }

    /// Makes the element right behind the window one of it.
    pub fn widen(&mut self) {
        (self.before, self.after) = (self.before + 1, self.after + 1);
    }

    /// Notes that the edits made before one were moved.
    pub fn move_before(&mut self, order: u32) {
        for block in &mut self.blocks {
            block.move_before(order);
        }
    }

    /// Where an insertion of this rank is, if that is clear without looking at the edits.
    ///
    /// At the front a tie is won by every insertion with a greater rank, which pushes the window away, and an
    /// erasure is always behind; so an insertion that loses no tie stays at the front. At the back likewise.
    pub fn side(&self, gap: u32, rank: u32) -> Side {
        if gap == 0 && self.ranks.all_above(rank) {
            Side::Before
        } else if gap == self.before && self.ranks.none_above(rank) {
            Side::Behind
        } else {
            Side::Amid
        }
    }

    /// A major's insertion at a gap, gone through the edits. The new element is one that no minor touches, so
    /// the window falls into what is before it and what is behind it. This cluster keeps what is before; the
    /// answer is what is behind.
    pub fn split(&mut self, gap: u32, rank: u32) -> Self {
        let (before, after) = (self.before, self.after);
        let (mut kept, mut behind, mut at) = (Vec::new(), Vec::new(), gap);
        for mut block in std::mem::take(&mut self.blocks) {
            #[cfg(test)]
            crate::driver::visits::count_step();
            match block.gap_side(at, rank) {
                Side::Before => {
                    block.cut_front(at);
                    append(&mut behind, block);
                }
                Side::Behind => {
                    at = block.moved(at);
                    append(&mut kept, block);
                }
                Side::Amid => {
                    let (first, second, moved) = block.split(at, rank);
                    at = moved;
                    append(&mut kept, first);
                    append(&mut behind, second);
                }
            }
        }
        *self = Self::with(kept, gap, at);
        Self::with(behind, before - gap, after - at)
    }

    /// A major's erasure of an element in the window.
    pub fn erase(&mut self, mut element: u32, meeting: &mut impl Meeting) -> Fate {
        self.before -= 1;
        if self.content == Content::Staying {
            self.content = Content::Passing;
        }
        for (position, block) in self.blocks.iter_mut().enumerate() {
            #[cfg(test)]
            crate::driver::visits::count_step();
            match block.element_side(element) {
                Side::Before => block.erase_before(),
                Side::Behind => element = block.moved(element),
                Side::Amid => match block.erase(element, meeting) {
                    Fate::At(moved) => element = moved,
                    met @ Fate::Met(_) => {
                        self.structural -= 1;
                        // What the minor took from the window, the major has taken: the end is the same.
                        if block.is_empty() {
                            self.blocks.remove(position);
                        }
                        return met;
                    }
                },
            }
        }
        self.after -= 1;
        Fate::At(element)
    }

    /// A major's edit of an element in the window, or inside it.
    pub fn edit_element(&mut self, mut element: u32, meeting: &mut impl Meeting) -> Fate {
        for block in &mut self.blocks {
            #[cfg(test)]
            crate::driver::visits::count_step();
            match block.element_side(element) {
                Side::Before => {}
                Side::Behind => element = block.moved(element),
                Side::Amid => match block.edit_element(element, meeting) {
                    Fate::At(moved) => element = moved,
                    met @ Fate::Met(_) => return met,
                },
            }
        }
        Fate::At(element)
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

    /// This cluster, and one whose window follows. What is before an edit of the second one is the size of
    /// the first window at its time.
    fn join(self, second: &Self) -> Self {
        if second.blocks.is_empty() {
            return self;
        }
        let mut blocks = Vec::new();
        let mut first = self.edits().peekable();
        let mut size = self.before;
        for edit in second.edits() {
            #[cfg(test)]
            crate::driver::visits::count_step();
            while let Some(earlier) = first.next_if(|other| other.order < edit.order) {
                size = earlier.resized(size);
                push(&mut blocks, earlier);
            }
            let at = edit.at + size;
            push(&mut blocks, Edit { at, ..edit });
        }
        for edit in first {
            push(&mut blocks, edit);
        }
        Self::with(
            blocks,
            self.before + second.before,
            self.after + second.after,
        )
    }
}

fn push(blocks: &mut Vec<Block>, edit: Edit) {
    match blocks.last_mut() {
        Some(last) if last.len() < MOST => last.push(edit),
        _ => {
            let mut block = Block::default();
            block.push(edit);
            blocks.push(block);
        }
    }
}

/// Adds a block; small ones become one.
fn append(blocks: &mut Vec<Block>, block: Block) {
    match blocks.last_mut() {
        _ if block.is_empty() => {}
        Some(last) if last.len() + block.len() <= MOST => last.append(&block),
        _ => blocks.push(block),
    }
}
