//! Long histories of one list, merged without going through all pairs.
//!
//! Two edits of one list that are not at one place do the same to each other whatever they are: one shifts
//! the other by one, and both change the other's size. Only those at one place have more to say: which of two
//! insertions goes first, whether both erase the same element. So their operations on a list (the minors) are
//! kept in *clusters*: windows of neighbouring places, with the edits in each in the order they were made and
//! in coordinates of the window. Between two clusters stands at least one element that is there all the time,
//! and that neither side has erased. Clusters and what is between them form a [`sequence`], which finds a
//! place, and sums what is before it, in logarithmic time. One of ours (a major)
//!
//! * between clusters costs nothing more: an inserted element is one more that keeps clusters apart, an
//!   erased one is one less; where it was the last, two clusters meet, and become one when that matters;
//! * that inserts in a cluster goes through the edits of that cluster, and of no other. The new element is
//!   one that no minor touches, so the cluster falls into two; an end is reached without a walk where the
//!   ranks say so, and [`block`]s of edits on one side are passed in one step;
//! * that erases or assigns an element in a cluster goes through its edits until the element is erased there
//!   too, which neither the major nor that minor survives, if both erase.
//!
//! Indexes and sizes of minors are computed once, at the end, from what is before each at its time.
//!
//! # Why the results are those of the pairwise way
//!
//! 1. *A pair in two clusters, or with a major between clusters, never ties.* The element between them is
//!    there in both states a pair is in, with all of one operation's places on one side of it and all of the
//!    other's on the other side. Every rule then shifts the right one by what the left one adds or takes,
//!    which is what sums over the sequence say. By induction over the pairs the order of the two never
//!    changes.
//! 2. *A pair in one cluster* goes by the same rules, in coordinates of the window. Rules compare indexes and
//!    shift them; what is before the window is before both, so it can be subtracted from both. Clusters with
//!    nothing between them any more become one only for an insertion, which could tie in both: an erasure is
//!    of an element inside one window, and that is never at the place of an edit in another one.
//! 3. *A cluster falls apart rightly.* The new element is on the same side of each edit at the time of the
//!    pair, as the walk found; later majors are made where it is there, so 1 holds for what is on its sides.
//! 4. *Sizes.* Both operations of a pair say the same size, if both sides began with one size and counted
//!    rightly; that is checked before. So no rule fails, and a prior size is the size at the start plus what
//!    those before it add. Where a major and a minor both go, those after the minor are not visited by it,
//!    but what one of the two would have taken from their sizes the other one does not take any more.
//! 5. *Changed or not.* Each major insertion or erasure changes the size of every minor that it meets, which
//!    are all that live, or all up to the one it dies with; and a minor that of every major. Edits inside an
//!    element say no size: they are changed by what moves their element, which is noted where it happens.
//!
//! Edits inside elements (an assignment or addition in an embedded object) follow their element like an
//! Update of it. Whatever does not fit goes the pairwise way, all pairs of the field: moves, Clears,
//! collections inside elements, edits of several lists in one field, sizes that do not agree; also objects,
//! classes and columns that one side erases. Moves would need a window over all between their two places; a
//! few would make one cluster of everything.

mod block;
mod cluster;
mod list;
mod sequence;

use rustc_hash::FxHashSet;

use crate::driver::Context;
use crate::error::TransformError;
use crate::index::{Groups, Index};
use crate::operation::{Assigned, Kind, Operation, Side, Step};
use crate::pairs;

use block::{Act, Edit, Fate, Meeting};
use list::List;

/// How many pairs each operation of a field would have to pay for on average, before clusters are worth
/// making: n · m pairs against n + m operations. Below, the pairwise way is the faster one.
pub(crate) const PAIRS_PER_OPERATION: u64 = 64;

/// The operations of one field, as positions on both sides.
struct Field<'a> {
    majors: &'a [u32],
    minors: &'a [u32],
}

/// Merges the fields that have long histories and fit. The answer says which those are, by number; empty if
/// none. All other operations are untouched.
pub(crate) fn merge_lists(
    majors: &mut [Operation],
    minors: &mut [Operation],
    index: &Index,
    context: &mut Context<'_>,
    (fields, pairs_per_operation): (usize, u64),
) -> Result<Vec<bool>, TransformError> {
    let mut done = Vec::new();
    let mut counts = vec![0u64; fields];
    for major in majors.iter().filter(|major| major.has_path()) {
        counts[major.field as usize] += 1;
    }
    let long: Vec<u32> = (0u32..)
        .zip(&counts)
        .filter(|(field, ours)| {
            let theirs = index.of_field(*field).len() as u64;
            **ours > 0
                && theirs > 0
                && **ours * theirs >= pairs_per_operation.saturating_mul(**ours + theirs)
        })
        .map(|(field, _)| field)
        .collect();
    if long.is_empty() || index.is_destructive() || majors.iter().any(Operation::is_destructive) {
        return Ok(done);
    }
    let erased: FxHashSet<u32> = majors
        .iter()
        .filter(|major| major.kind == Kind::EraseObject)
        .map(|major| major.object)
        .collect();
    let groups = Groups::new(majors, fields, |major| {
        major.has_path().then_some(major.field)
    });
    for number in long {
        let field = Field {
            majors: groups.of(number),
            minors: index.of_field(number),
        };
        if let Some(list) = one_list(&field, majors, minors, &erased, index, context) {
            done.resize(fields, false);
            done[number as usize] = true;
            merge_list(&field, &list, majors, minors, context)?;
        }
    }
    Ok(done)
}

/// The list, if a field's operations are edits of one, from one size, and can only meet each other.
fn one_list(
    field: &Field<'_>,
    majors: &[Operation],
    minors: &[Operation],
    erased: &FxHashSet<u32>,
    index: &Index,
    context: &Context<'_>,
) -> Option<Place> {
    let on_side = |side: Side| match side {
        Side::Ours => (field.majors, majors, context.steps(side)),
        Side::Theirs => (field.minors, minors, context.steps(side)),
    };
    let first = |side: Side| {
        let (list, operations, steps) = on_side(side);
        first_of_list(list, operations, steps)
    };
    // A side that only edits inside of elements says no size.
    let place = first(Side::Ours).or_else(|| first(Side::Theirs))?;
    if is_erased(field, majors, minors, erased, index) {
        return None;
    }
    let inserted = |side: Side| {
        let (list, operations, steps) = on_side(side);
        let operations = list.iter().map(|at| &operations[*at as usize]);
        edits_of_one_list(operations, steps, &place)
    };
    let inserted = inserted(Side::Ours)? + inserted(Side::Theirs)?;
    (u64::from(place.size) + inserted < u64::from(u32::MAX)).then_some(place)
}

/// The list that a field's operations edit, as the first of them that says a size has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    container: Vec<Step>,
    size: u32,
}

impl Place {
    /// Number of path elements of its elements.
    fn depth(&self) -> u32 {
        u32::try_from(self.container.len() + 1).expect("a depth is a u32")
    }
}

fn first_of_list(list: &[u32], operations: &[Operation], steps: &[Step]) -> Option<Place> {
    let operations = list.iter().map(|at| &operations[*at as usize]);
    let mut edits = operations.filter(|operation| operation.index().is_some());
    edits.next().map(|operation| Place {
        container: operation.container(steps).to_vec(),
        size: operation.size,
    })
}

fn is_erased(
    field: &Field<'_>,
    majors: &[Operation],
    minors: &[Operation],
    erased: &FxHashSet<u32>,
    index: &Index,
) -> bool {
    let object = field.majors.first().map(|at| majors[*at as usize].object);
    object.is_none_or(|object| {
        let mut lives = index.of_life(object).iter();
        erased.contains(&object) || lives.any(|at| minors[*at as usize].kind == Kind::EraseObject)
    })
}

/// How many elements a series of edits inserts, if all act on elements of one list, or inside them, and count
/// its size rightly.
fn edits_of_one_list<'a>(
    operations: impl Iterator<Item = &'a Operation>,
    steps: &[Step],
    list: &Place,
) -> Option<u64> {
    let (mut size, mut inserted) = (list.size, 0);
    for operation in operations {
        let Some(Step::Index(index)) = operation.step(steps, list.depth() - 1) else {
            return None;
        };
        let path = operation.container(steps);
        if path.get(..list.container.len()) != Some(list.container.as_slice()) {
            return None;
        }
        // A marker that wins can turn the other assignment into a Clear.
        let is_marker = matches!(operation.assigned, Assigned::List | Assigned::Dictionary);
        if operation.depth > list.depth() {
            let is_plain = matches!(operation.kind, Kind::Update | Kind::AddInteger)
                && operation.ends_with_key()
                && !is_marker;
            if !is_plain || index >= size {
                return None;
            }
            continue;
        }
        match operation.kind {
            _ if operation.size != size => return None,
            Kind::ArrayInsert if index <= size => {
                size = size.checked_add(1)?;
                inserted += 1;
            }
            Kind::ArrayErase if index < size => size -= 1,
            Kind::Update if index < size && !is_marker => {}
            _ => return None,
        }
    }
    Some(inserted)
}

/// One of ours among theirs.
struct Pairing<'a, 'b> {
    major: &'a mut Operation,
    minors: &'a mut [Operation],
    /// Where the minors of this list are, by their order.
    positions: &'a [u32],
    context: &'a mut Context<'b>,
    depth: u32,
    outcome: Result<(), TransformError>,
}

impl Meeting for Pairing<'_, '_> {
    fn drop_minor(&mut self, order: u32) {
        self.minors[self.positions[order as usize] as usize].drop_it();
    }

    fn tie(&mut self, order: u32) -> (bool, bool) {
        let minor = &mut self.minors[self.positions[order as usize] as usize];
        // They name one element of one state; both get their indexes and sizes later.
        for operation in [&mut *self.major, &mut *minor] {
            put(operation, self.depth, (0, 0), self.context);
        }
        if let Err(error) = pairs::pair(self.major, minor, self.context) {
            self.outcome = Err(error);
        }
        (self.major.alive, minor.alive)
    }
}

/// Says where in its list an operation acts, and how long that is, and nothing of having changed.
fn put(
    operation: &mut Operation,
    depth: u32,
    (index, size): (u32, u32),
    context: &mut Context<'_>,
) {
    if operation.depth == depth {
        (operation.last, operation.size) = (Step::Index(index), size);
    } else {
        context.put_step(operation, depth - 1, Step::Index(index));
    }
}

fn merge_list(
    field: &Field<'_>,
    place: &Place,
    majors: &mut [Operation],
    minors: &mut [Operation],
    context: &mut Context<'_>,
) -> Result<(), TransformError> {
    let depth = place.depth();
    let mut list = List::new(place.size);
    for (order, at) in (0u32..).zip(field.minors) {
        let minor = &minors[*at as usize];
        let (act, at) = act(minor, depth, context.steps(Side::Theirs));
        list.add(Edit {
            at,
            rank: minor.rank,
            order,
            act,
            is_moved: false,
        });
    }
    for at in field.majors {
        let major = &mut majors[*at as usize];
        let size = list.sizes().1;
        let (act, at) = act(major, depth, context.steps(Side::Ours));
        let mut pairing = Pairing {
            major,
            minors,
            positions: field.minors,
            context,
            depth,
            outcome: Ok(()),
        };
        let mut changed = list.structural() > 0;
        let fate = match act {
            Act::Insert => Fate::At(list.insert(at, pairing.major.rank)),
            Act::Erase => list.erase(at, &mut pairing),
            Act::Update => list.edit_element(at, &mut pairing).0,
            Act::Inside => {
                let (fate, is_moved) = list.edit_element(at, &mut pairing);
                changed = is_moved;
                fate
            }
        };
        pairing.outcome?;
        match fate {
            Fate::At(index) => {
                put(major, depth, (index, size), context);
                major.changed |= changed;
            }
            Fate::Met(_) => major.drop_it(),
        }
    }
    list.each_minor(field.minors.len(), |edit, size| {
        let minor = &mut minors[field.minors[edit.order as usize] as usize];
        put(minor, depth, (edit.at, size), context);
        minor.changed |= match edit.act {
            Act::Inside => edit.is_moved,
            _ => list.has_met(edit.order),
        };
    });
    Ok(())
}

/// What an operation does to the list whose elements are at a depth, and where.
fn act(operation: &Operation, depth: u32, steps: &[Step]) -> (Act, u32) {
    let act = match operation.kind {
        _ if operation.depth > depth => Act::Inside,
        Kind::ArrayInsert => Act::Insert,
        Kind::ArrayErase => Act::Erase,
        _ => Act::Update,
    };
    match operation.step(steps, depth - 1) {
        Some(Step::Index(index)) => (act, index),
        _ => (act, 0),
    }
}
