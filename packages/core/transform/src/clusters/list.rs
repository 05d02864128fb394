//! One list: the minors in clusters, and the majors that go through them.

use super::block::{Act, Edit, Fate, Meeting, Side};
use super::cluster::Cluster;
use super::sequence::{Frame, Place, Sequence, Stretch};

/// A list with their operations on it.
#[derive(Debug)]
pub(super) struct List {
    sequence: Sequence,
    /// Minors up to this place in the order have met a major that changed their sizes: those after the place
    /// where a major died have not met it. One more than the last of them.
    reach: u32,
}

impl List {
    pub fn new(size: u32) -> Self {
        Self {
            sequence: Sequence::new(size),
            reach: 0,
        }
    }

    /// How long the list is now: at first, and after the minors.
    pub fn sizes(&self) -> (u32, u32) {
        self.sequence.sizes()
    }

    /// How many of the minors that live change the size.
    pub fn structural(&self) -> u32 {
        self.sequence.structural()
    }

    /// Whether a minor met a major that changed its size.
    pub fn has_met(&self, order: u32) -> bool {
        order < self.reach
    }

    /// Adds a minor that is made after all others; `edit.at` is its index in the list.
    pub fn add(&mut self, edit: Edit) {
        match edit.act {
            Act::Insert => self.add_insertion(edit),
            Act::Erase | Act::Update | Act::Inside => self.add_to_element(edit),
        }
    }

    fn add_insertion(&mut self, edit: Edit) {
        let place = self.sequence.at_gap(edit.at, Frame::After);
        let Stretch { cluster, run, .. } = self.sequence.get(place.stretch);
        let local = edit.at - place.after;
        if cluster.is_passing() && local <= cluster.after {
            return self.push(place.stretch, edit, local);
        }
        let (before, run) = (local - cluster.after, *run);
        if before == run
            && let Some(next) = self.passing_next(place.stretch)
        {
            return self.push(next, edit, 0);
        }
        self.cut(place.stretch, before, 0, edit);
    }

    fn add_to_element(&mut self, edit: Edit) {
        let place = self.sequence.at_element(edit.at, Frame::After);
        let Stretch { cluster, .. } = self.sequence.get(place.stretch);
        let local = edit.at - place.after;
        if local < cluster.after {
            return self.push(place.stretch, edit, local);
        }
        let before = local - cluster.after;
        if before == 0 && edit.act == Act::Erase && cluster.is_passing() {
            return self.sequence.change(place.stretch, |stretch| {
                stretch.cluster.widen();
                stretch.cluster.push(Edit { at: local, ..edit });
                stretch.run -= 1;
            });
        }
        self.cut(place.stretch, before, 1, edit);
    }

    fn push(&mut self, stretch: u32, edit: Edit, at: u32) {
        self.sequence
            .change(stretch, |stretch| stretch.cluster.push(Edit { at, ..edit }));
    }

    /// Cuts a run, and puts a new cluster there, with as many of its elements as it takes.
    fn cut(&mut self, stretch: u32, before: u32, taken: u32, edit: Edit) {
        let rest = self.sequence.change(stretch, |stretch| {
            let rest = stretch.run - before - taken;
            stretch.run = before;
            rest
        });
        let cluster = Cluster::new(Edit { at: 0, ..edit });
        let new = Stretch {
            cluster,
            run: rest,
            moves: 0,
        };
        self.sequence.insert_after(stretch, new);
    }

    fn passing_next(&self, stretch: u32) -> Option<u32> {
        let next = self.sequence.next(stretch)?;
        self.sequence.get(next).cluster.is_passing().then_some(next)
    }

    /// Takes a major's insertion through all minors. The answer is where it ends up.
    pub fn insert(&mut self, gap: u32, rank: u32) -> u32 {
        self.reach = u32::MAX;
        let place = self.sequence.at_gap(gap, Frame::Before);
        let Stretch { cluster, run, .. } = self.sequence.get(place.stretch);
        let local = gap - place.before;
        let mut group = None;
        if cluster.is_passing() && local <= cluster.before {
            group = Some(place.stretch);
        } else if local - cluster.before == *run {
            group = self.passing_next(place.stretch);
        }
        let Some(group) = group else {
            let index = place.after + cluster.after + (local - cluster.before);
            self.lengthen(place.stretch);
            return index;
        };
        let place = self.join_around(group);
        let cluster = &self.sequence.get(place.stretch).cluster;
        let local = gap - place.before;
        match cluster.side(local, rank) {
            Side::Before => {
                let previous = self.sequence.previous(place.stretch);
                self.lengthen(previous.expect("the border is before all clusters"));
                place.after
            }
            Side::Behind => {
                let index = place.after + cluster.after;
                self.lengthen(place.stretch);
                index
            }
            Side::Amid => place.after + self.split(place.stretch, local, rank),
        }
    }

    fn lengthen(&mut self, stretch: u32) {
        self.sequence.change(stretch, |stretch| {
            (stretch.run, stretch.moves) = (stretch.run + 1, u32::MAX);
        });
    }

    fn split(&mut self, stretch: u32, local: u32, rank: u32) -> u32 {
        let (at, new) = self.sequence.change(stretch, |stretch| {
            let cluster = stretch.cluster.split(local, rank);
            let run = std::mem::replace(&mut stretch.run, 1);
            let moves = std::mem::replace(&mut stretch.moves, u32::MAX);
            let new = Stretch {
                cluster,
                run,
                moves,
            };
            (stretch.cluster.after, new)
        });
        self.sequence.insert_after(stretch, new);
        at
    }

    /// Makes one cluster of all that nothing keeps apart from this one.
    fn join_around(&mut self, stretch: u32) -> Place {
        let mut first = stretch;
        while let Some(previous) = self.sequence.previous(first) {
            let Stretch { cluster, run, .. } = self.sequence.get(previous);
            if *run > 0 || !cluster.is_passing() {
                break;
            }
            first = previous;
        }
        let mut parts = Vec::new();
        let Stretch { run, moves, .. } = self.sequence.get(first);
        let (mut run, mut moves) = (*run, *moves);
        while run == 0
            && let Some(next) = self.passing_next(first)
        {
            let mut removed = self.sequence.remove(next);
            // What moved all that followed is noted with each, now that it does not stand between them.
            if moves > 0 {
                removed.cluster.move_before(moves);
            }
            parts.push(removed.cluster);
            (run, moves) = (removed.run, moves.max(removed.moves));
        }
        if !parts.is_empty() {
            self.sequence.change(first, |stretch| {
                parts.insert(0, std::mem::take(&mut stretch.cluster));
                stretch.cluster = Cluster::joined(parts);
                (stretch.run, stretch.moves) = (run, moves);
            });
        }
        self.sequence.place(first)
    }

    /// Takes a major's erasure of an element through all minors.
    pub fn erase(&mut self, element: u32, meeting: &mut impl Meeting) -> Fate {
        let place = self.sequence.at_element(element, Frame::Before);
        let (fate, reach) = self.sequence.change(place.stretch, |stretch| {
            let (cluster, local) = (&mut stretch.cluster, element - place.before);
            let fate = if local < cluster.before {
                cluster.erase(local, meeting)
            } else {
                stretch.run -= 1;
                Fate::At(cluster.after + (local - cluster.before))
            };
            let reach = match fate {
                Fate::At(_) => u32::MAX,
                Fate::Met(order) => order,
            };
            stretch.moves = stretch.moves.max(reach);
            (fate, reach)
        });
        self.reach = self.reach.max(reach);
        in_list(fate, place)
    }

    /// Takes a major's edit of an element, or inside it, through all minors. The second answer is whether a
    /// minor has moved the element.
    pub fn edit_element(&mut self, element: u32, meeting: &mut impl Meeting) -> (Fate, bool) {
        let place = self.sequence.at_element(element, Frame::Before);
        let cluster = &mut self.sequence.get_mut(place.stretch).cluster;
        let local = element - place.before;
        let (fate, structural) = if local < cluster.before {
            // What lives on in a window is the one element that stays there: nothing in the window moves it.
            (cluster.edit_element(local, meeting), 0)
        } else {
            let index = cluster.after + (local - cluster.before);
            (Fate::At(index), cluster.structural())
        };
        (in_list(fate, place), place.structural + structural > 0)
    }

    /// Calls for each minor that lives, in their order, with its index and prior size.
    pub fn each_minor(&self, minors: usize, mut each: impl FnMut(Edit, u32)) {
        let mut sums = Sums::new(self.sequence.made());
        let mut found = vec![None; minors];
        let mut moves = 0;
        for (place, stretch) in self.sequence.iter().enumerate() {
            let Stretch { cluster, run, .. } = self.sequence.get(stretch);
            sums.set(place, cluster.before + run);
            for edit in cluster.edits() {
                let is_moved = edit.is_moved || edit.order < moves;
                found[edit.order as usize] = Some((place, Edit { is_moved, ..edit }));
            }
            moves = moves.max(self.sequence.get(stretch).moves);
        }
        sums.build();
        let mut size = self.sequence.sizes().0;
        for (place, edit) in found.into_iter().flatten() {
            let at = sums.before(place) + edit.at;
            each(Edit { at, ..edit }, size);
            size = edit.resized(size);
            sums.add(place, edit.resized(1).wrapping_sub(1));
        }
    }
}

fn in_list(fate: Fate, place: Place) -> Fate {
    match fate {
        Fate::At(local) => Fate::At(place.after + local),
        met @ Fate::Met(_) => met,
    }
}

/// Sums over a row of lengths that change one by one: a Fenwick tree.
struct Sums(Vec<u32>);

impl Sums {
    fn new(count: usize) -> Self {
        Self(vec![0; count])
    }

    /// Sets a length; before [`Sums::build`] only.
    fn set(&mut self, place: usize, length: u32) {
        self.0[place] = length;
    }

    fn build(&mut self) {
        for place in 0..self.0.len() {
            let above = place | (place + 1);
            if above < self.0.len() {
                self.0[above] = self.0[above].wrapping_add(self.0[place]);
            }
        }
    }

    /// Adds to a length, modulo 2³².
    fn add(&mut self, mut place: usize, amount: u32) {
        while let Some(sum) = self.0.get_mut(place) {
            *sum = sum.wrapping_add(amount);
            place |= place + 1;
        }
    }

    /// The sum of all lengths before a place.
    fn before(&self, mut place: usize) -> u32 {
        let mut sum = 0u32;
        while place > 0 {
            sum = sum.wrapping_add(self.0[place - 1]);
            place &= place - 1;
        }
        sum
    }
}
