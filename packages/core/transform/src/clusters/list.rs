//! One list: the minors in clusters, and the majors that go through them.

use super::block::{Act, Edit, Fate, Meeting, Side};
use super::cluster::Cluster;
use super::sequence::{Frame, Place, Sequence, Stretch};

/// What a major does to the list.
#[derive(Clone, Copy, Debug)]
pub(super) enum Major {
    Insert { gap: u32, rank: u32 },
    Erase { element: u32 },
    Update { element: u32 },
}

/// A list with their operations on it.
#[derive(Debug)]
pub(super) struct List {
    sequence: Sequence,
    /// How many insertions and erasures there are among the minors that live.
    pub structural: usize,
    /// Minors up to this place in the order have met a major that changed their sizes: those after the place
    /// where a major died have not met it. One more than the last of them.
    reach: u32,
}

impl List {
    pub fn new(size: u32) -> Self {
        Self {
            sequence: Sequence::new(size),
            structural: 0,
            reach: 0,
        }
    }

    /// How long the list is now: at first, and after the minors.
    pub fn sizes(&self) -> (u32, u32) {
        self.sequence.sizes()
    }

    /// Whether a minor met a major that changed its size.
    pub fn has_met(&self, order: u32) -> bool {
        order < self.reach
    }

    /// Adds a minor that is made after all others; `edit.at` is its index in the list.
    pub fn add(&mut self, edit: Edit) {
        match edit.act {
            Act::Insert => self.add_insertion(edit),
            Act::Erase => self.add_to_element(edit),
            Act::Update => return self.add_to_element(edit),
        }
        self.structural += 1;
    }

    fn add_insertion(&mut self, edit: Edit) {
        let place = self.sequence.at_gap(edit.at, Frame::After);
        let Stretch { cluster, run } = self.sequence.get(place.stretch);
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
        self.sequence
            .insert_after(stretch, Stretch { cluster, run: rest });
    }

    fn passing_next(&self, stretch: u32) -> Option<u32> {
        let next = self.sequence.next(stretch)?;
        self.sequence.get(next).cluster.is_passing().then_some(next)
    }

    /// Takes a major through all minors.
    pub fn go_through(&mut self, major: Major, meeting: &mut impl Meeting) -> Fate {
        match major {
            Major::Insert { gap, rank } => {
                self.reach = u32::MAX;
                Fate::At(self.insert(gap, rank))
            }
            Major::Erase { element } => {
                let fate = self.erase(element, meeting);
                match fate {
                    Fate::At(_) => self.reach = u32::MAX,
                    Fate::Met(order) => self.reach = self.reach.max(order),
                }
                fate
            }
            Major::Update { element } => self.update(element, meeting),
        }
    }

    fn insert(&mut self, gap: u32, rank: u32) -> u32 {
        let place = self.sequence.at_gap(gap, Frame::Before);
        let Stretch { cluster, run } = self.sequence.get(place.stretch);
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
        self.sequence.change(stretch, |stretch| stretch.run += 1);
    }

    fn split(&mut self, stretch: u32, local: u32, rank: u32) -> u32 {
        let (at, new) = self.sequence.change(stretch, |stretch| {
            let cluster = stretch.cluster.split(local, rank);
            let run = std::mem::replace(&mut stretch.run, 1);
            (stretch.cluster.after, Stretch { cluster, run })
        });
        self.sequence.insert_after(stretch, new);
        at
    }

    /// Makes one cluster of all that nothing keeps apart from this one.
    fn join_around(&mut self, stretch: u32) -> Place {
        let mut first = stretch;
        while let Some(previous) = self.sequence.previous(first) {
            let Stretch { cluster, run } = self.sequence.get(previous);
            if *run > 0 || !cluster.is_passing() {
                break;
            }
            first = previous;
        }
        let mut parts = Vec::new();
        let mut run = self.sequence.get(first).run;
        while run == 0
            && let Some(next) = self.passing_next(first)
        {
            let removed = self.sequence.remove(next);
            parts.push(removed.cluster);
            run = removed.run;
        }
        if !parts.is_empty() {
            self.sequence.change(first, |stretch| {
                parts.insert(0, std::mem::take(&mut stretch.cluster));
                stretch.cluster = Cluster::joined(parts);
                stretch.run = run;
            });
        }
        self.sequence.place(first)
    }

    fn erase(&mut self, element: u32, meeting: &mut impl Meeting) -> Fate {
        let place = self.sequence.at_element(element, Frame::Before);
        let mut erasures = 0;
        let fate = self.sequence.change(place.stretch, |stretch| {
            let (cluster, local) = (&mut stretch.cluster, element - place.before);
            if local >= cluster.before {
                stretch.run -= 1;
                return Fate::At(cluster.after + (local - cluster.before));
            }
            let fate = cluster.erase(local, meeting);
            erasures = usize::from(matches!(fate, Fate::Met(_)));
            fate
        });
        self.structural -= erasures;
        in_list(fate, place)
    }

    fn update(&mut self, element: u32, meeting: &mut impl Meeting) -> Fate {
        let place = self.sequence.at_element(element, Frame::Before);
        let cluster = &mut self.sequence.get_mut(place.stretch).cluster;
        let local = element - place.before;
        let fate = if local >= cluster.before {
            Fate::At(cluster.after + (local - cluster.before))
        } else {
            cluster.update(local, meeting)
        };
        in_list(fate, place)
    }

    /// Calls with order, index and prior size of each minor that lives, in their order.
    pub fn each_minor(&self, minors: usize, mut each: impl FnMut(u32, u32, u32)) {
        let mut sums = Sums::new(self.sequence.made());
        let mut found = vec![None; minors];
        for (place, stretch) in self.sequence.iter().enumerate() {
            let Stretch { cluster, run } = self.sequence.get(stretch);
            sums.set(place, cluster.before + run);
            for edit in cluster.edits() {
                found[edit.order as usize] = Some((place, edit));
            }
        }
        sums.build();
        let mut size = self.sequence.sizes().0;
        for (place, edit) in found.into_iter().flatten() {
            each(edit.order, sums.before(place) + edit.at, size);
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
