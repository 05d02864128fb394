//! Stretches of a list in their order, found by position.
//!
//! A splay tree whose nodes know how long their subtrees are, before and after the minors. It takes
//! logarithmic time per step over any series of steps, whoever chooses them, needs neither chance nor
//! recursion, and is faster still where steps stay near each other, as those of somebody who types do. The
//! nodes also form a linked list, since neighbours are asked for all the time.

use super::cluster::Cluster;

/// Number of no stretch.
pub(super) const NIL: u32 = u32::MAX;

/// The first stretch: elements before all that the minors touch. It has no cluster and is never taken away.
pub(super) const FIRST: u32 = 0;

/// What is at one place: a cluster, then elements that no minor touches.
#[derive(Debug)]
pub(super) struct Stretch {
    pub cluster: Cluster,
    /// How many untouched elements follow.
    pub run: u32,
    /// Majors behind some of this stretch, and before all that follows it, have moved what follows, as far
    /// as it was made before the minor of this order.
    pub moves: u32,
}

#[derive(Clone, Copy, Debug)]
struct Links {
    parent: u32,
    left: u32,
    right: u32,
    previous: u32,
    next: u32,
    /// Elements of the stretch before and after the minors, and minors that change the size.
    own: [u32; 3],
    /// The same of the subtree.
    total: [u32; 3],
}

/// Which of the two states positions are counted in: the one that the minors start from, or the one they
/// lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Frame {
    Before,
    After,
}

/// A stretch, and where it begins in both states.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub stretch: u32,
    pub before: u32,
    pub after: u32,
    /// How many minors before it change the size.
    pub structural: u32,
}

/// All stretches of a list.
#[derive(Debug)]
pub(super) struct Sequence {
    stretches: Vec<Stretch>,
    links: Vec<Links>,
    root: u32,
}

impl Sequence {
    /// A list of untouched elements.
    pub fn new(size: u32) -> Self {
        let mut sequence = Self {
            stretches: Vec::new(),
            links: Vec::new(),
            root: FIRST,
        };
        sequence.make(Stretch {
            cluster: Cluster::border(),
            run: size,
            moves: 0,
        });
        sequence.measure(FIRST);
        sequence
    }

    fn make(&mut self, stretch: Stretch) -> u32 {
        let fresh = u32::try_from(self.stretches.len()).expect("fewer stretches than operations");
        self.stretches.push(stretch);
        self.links.push(Links {
            parent: NIL,
            left: NIL,
            right: NIL,
            previous: NIL,
            next: NIL,
            own: [0; 3],
            total: [0; 3],
        });
        self.count(fresh);
        fresh
    }

    /// How many elements the list has in both states.
    pub fn sizes(&self) -> (u32, u32) {
        let [before, after, _] = self.link(self.root).total;
        (before, after)
    }

    /// How many minors change the size.
    pub fn structural(&self) -> u32 {
        self.link(self.root).total[2]
    }

    pub fn get(&self, stretch: u32) -> &Stretch {
        &self.stretches[stretch as usize]
    }

    /// A stretch, to be changed in what does not count elements.
    pub fn get_mut(&mut self, stretch: u32) -> &mut Stretch {
        &mut self.stretches[stretch as usize]
    }

    /// Changes a stretch, its lengths included.
    pub fn change<T>(&mut self, stretch: u32, change: impl FnOnce(&mut Stretch) -> T) -> T {
        self.splay(stretch);
        let answer = change(self.get_mut(stretch));
        self.count(stretch);
        self.measure(stretch);
        answer
    }

    pub fn next(&self, stretch: u32) -> Option<u32> {
        Some(self.link(stretch).next).filter(|next| *next != NIL)
    }

    pub fn previous(&self, stretch: u32) -> Option<u32> {
        Some(self.link(stretch).previous).filter(|previous| *previous != NIL)
    }

    /// The stretches in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(FIRST), |at| self.next(*at))
    }

    /// How many stretches were ever made; their numbers are below.
    pub fn made(&self) -> usize {
        self.stretches.len()
    }

    /// Where a stretch begins.
    pub fn place(&mut self, stretch: u32) -> Place {
        self.splay(stretch);
        let left = self.link(stretch).left;
        let [before, after, structural] = self.total(left);
        Place {
            stretch,
            before,
            after,
            structural,
        }
    }

    /// The first stretch that ends at or behind the gap at `position`.
    pub fn at_gap(&mut self, position: u32, frame: Frame) -> Place {
        let found = self.descend(position, frame, |position, end| position <= end);
        self.place(found)
    }

    /// The stretch that holds the element at `position`.
    pub fn at_element(&mut self, position: u32, frame: Frame) -> Place {
        let found = self.descend(position, frame, |position, end| position < end);
        self.place(found)
    }

    /// Puts a stretch behind another.
    pub fn insert_after(&mut self, stretch: u32, inserted: Stretch) -> u32 {
        self.splay(stretch);
        let fresh = self.make(inserted);
        let (right, next) = (self.link(stretch).right, self.link(stretch).next);
        {
            let links = self.link_mut(fresh);
            (links.left, links.right) = (stretch, right);
            (links.previous, links.next) = (stretch, next);
        }
        {
            let links = self.link_mut(stretch);
            (links.parent, links.right, links.next) = (fresh, NIL, fresh);
        }
        if right != NIL {
            self.link_mut(right).parent = fresh;
        }
        if next != NIL {
            self.link_mut(next).previous = fresh;
        }
        self.root = fresh;
        self.measure(stretch);
        self.measure(fresh);
        fresh
    }

    /// Takes a stretch out; never the first one.
    pub fn remove(&mut self, stretch: u32) -> Stretch {
        debug_assert_ne!(stretch, FIRST, "the first stretch stays");
        self.splay(stretch);
        let Links {
            left,
            right,
            previous,
            next,
            ..
        } = *self.link(stretch);
        self.link_mut(left).parent = NIL;
        self.root = left;
        // The last of what is left of it has nothing to its right.
        self.splay(previous);
        self.link_mut(previous).right = right;
        self.link_mut(previous).next = next;
        if right != NIL {
            self.link_mut(right).parent = previous;
        }
        if next != NIL {
            self.link_mut(next).previous = previous;
        }
        self.measure(previous);
        let nothing = Stretch {
            cluster: Cluster::default(),
            run: 0,
            moves: 0,
        };
        std::mem::replace(self.get_mut(stretch), nothing)
    }

    fn descend(&self, mut position: u32, frame: Frame, ends: impl Fn(u32, u32) -> bool) -> u32 {
        let mut at = self.root;
        loop {
            #[cfg(test)]
            crate::driver::visits::count_step();
            let links = self.link(at);
            let left = self.total(links.left)[frame as usize];
            if links.left != NIL && ends(position, left) {
                at = links.left;
                continue;
            }
            position -= left;
            let own = links.own[frame as usize];
            if links.right == NIL || ends(position, own) {
                return at;
            }
            position -= own;
            at = links.right;
        }
    }

    fn total(&self, stretch: u32) -> [u32; 3] {
        match stretch {
            NIL => [0; 3],
            stretch => self.link(stretch).total,
        }
    }

    fn link(&self, stretch: u32) -> &Links {
        &self.links[stretch as usize]
    }

    fn link_mut(&mut self, stretch: u32) -> &mut Links {
        &mut self.links[stretch as usize]
    }

    /// Counts the elements of a stretch anew.
    fn count(&mut self, stretch: u32) {
        let Stretch { cluster, run, .. } = self.get(stretch);
        let (before, after) = (cluster.before + run, cluster.after + run);
        let own = [before, after, cluster.structural()];
        self.link_mut(stretch).own = own;
    }

    /// Counts the elements of a subtree anew, from its parts.
    fn measure(&mut self, stretch: u32) {
        let Links {
            left, right, own, ..
        } = *self.link(stretch);
        let (left, right) = (self.total(left), self.total(right));
        let sum = |frame: usize| left[frame] + own[frame] + right[frame];
        self.link_mut(stretch).total = [sum(0), sum(1), sum(2)];
    }

    /// Brings a stretch to the root.
    fn splay(&mut self, stretch: u32) {
        loop {
            let parent = self.link(stretch).parent;
            if parent == NIL {
                break;
            }
            let grandparent = self.link(parent).parent;
            if grandparent != NIL {
                let straight =
                    (self.link(grandparent).left == parent) == (self.link(parent).left == stretch);
                self.rotate(if straight { parent } else { stretch });
            }
            self.rotate(stretch);
        }
        self.root = stretch;
    }

    /// Exchanges a stretch with its parent.
    fn rotate(&mut self, stretch: u32) {
        #[cfg(test)]
        crate::driver::visits::count_step();
        let parent = self.link(stretch).parent;
        let grandparent = self.link(parent).parent;
        let moved;
        if self.link(parent).left == stretch {
            moved = self.link(stretch).right;
            self.link_mut(parent).left = moved;
            self.link_mut(stretch).right = parent;
        } else {
            moved = self.link(stretch).left;
            self.link_mut(parent).right = moved;
            self.link_mut(stretch).left = parent;
        }
        if moved != NIL {
            self.link_mut(moved).parent = parent;
        }
        self.link_mut(parent).parent = stretch;
        self.link_mut(stretch).parent = grandparent;
        if grandparent != NIL {
            let links = self.link_mut(grandparent);
            if links.left == parent {
                links.left = stretch;
            } else {
                links.right = stretch;
            }
        }
        self.link_mut(stretch).total = self.link(parent).total;
        self.measure(parent);
    }
}
