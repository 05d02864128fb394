//! One changeset by itself.

use rustc_hash::FxHashMap;
use tidemark_changeset::{Instruction, Name, PathElement, Payload, PrimaryKey, Target, Value};

use super::{Effect, effect};

type Object<'i> = (&'i Name, &'i PrimaryKey);

/// Where an object stands while a changeset is gone through.
#[derive(Default)]
struct Seen<'i> {
    /// Everything that was said about it.
    positions: Vec<usize>,
    /// Values that a later instruction may overwrite or add to.
    values: Vec<(&'i Target, usize)>,
    /// The creation that was the first thing said about it, and that an erasure took out.
    taken_creation: Option<usize>,
}

/// Shortens a changeset that nobody has seen, if that is possible: all of its instructions count as made at
/// the same time, so whatever beats or loses to one of two that are folded does so to the other.
///
/// * an assignment goes when a later explicit one follows at its place;
/// * an addition goes into the addition or the explicit assignment before it;
/// * all that was said about an object goes when it is erased. If it is created again after that, the
///   creation with which everything began stays: whoever judges the changeset looks at how it begins.
///
/// `is_plain` says whether a place holds a plain value of a column with a type.
pub fn fold(
    instructions: &[Instruction],
    is_plain: &dyn Fn(&Target) -> bool,
) -> Option<Vec<Instruction>> {
    let mut kept: Vec<Option<Instruction>> = instructions.iter().cloned().map(Some).collect();
    let mut objects: FxHashMap<Object<'_>, Seen<'_>> = FxHashMap::default();
    let mut is_shorter = false;
    for (position, instruction) in instructions.iter().enumerate() {
        let Some(object) = instruction.object() else {
            // What a change of the schema makes of earlier instructions is not looked into.
            objects.clear();
            continue;
        };
        let seen = objects.entry(object).or_default();
        if matches!(instruction, Instruction::EraseObject { .. }) {
            let is_creation =
                |at: &usize| matches!(kept.get(*at), Some(Some(Instruction::CreateObject { .. })));
            seen.taken_creation = seen.positions.first().copied().filter(is_creation);
            for earlier in seen.positions.drain(..) {
                is_shorter |= take(&mut kept, earlier).is_some();
            }
            seen.values.clear();
        } else if let (Instruction::CreateObject { .. }, Some(first)) =
            (instruction, seen.taken_creation.take())
        {
            if let Some(kept) = kept.get_mut(first) {
                *kept = instructions.get(first).cloned();
            }
            seen.positions.insert(0, first);
        } else if let Some(target) = instruction.target() {
            is_shorter |= seen.edit(&mut kept, target, position, is_plain);
        }
        seen.positions.push(position);
    }
    is_shorter.then(|| kept.into_iter().flatten().collect())
}

impl<'i> Seen<'i> {
    /// Takes note of an instruction inside the object. Says whether it made another needless, or itself.
    fn edit(
        &mut self,
        kept: &mut [Option<Instruction>],
        target: &'i Target,
        position: usize,
        is_plain: &dyn Fn(&Target) -> bool,
    ) -> bool {
        let found = kept.get(position).and_then(Option::as_ref).map(effect);
        let effect = match found {
            Some(effect) if is_plain(target) => effect,
            _ => Effect::Other,
        };
        if effect == Effect::Other {
            self.values.retain(|(other, _)| !meet(other, target));
            return false;
        }
        let last = self.values.iter().rposition(|(other, _)| *other == target);
        let earlier = last
            .and_then(|at| self.values.get(at))
            .map(|(_, position)| *position);
        match (effect, earlier) {
            (Effect::Assign, Some(_)) => {
                self.values.retain(|(other, earlier)| {
                    let stays = *other != target;
                    if !stays {
                        take(kept, *earlier);
                    }
                    stays
                });
            }
            (Effect::Add, Some(earlier)) => {
                if add_up(kept, earlier, position) {
                    return true;
                }
                self.values.push((target, position));
                return false;
            }
            _ => {}
        }
        self.values.push((target, position));
        effect == Effect::Assign && earlier.is_some()
    }
}

fn take(kept: &mut [Option<Instruction>], position: usize) -> Option<Instruction> {
    kept.get_mut(position)?.take()
}

/// Adds the addition at `position` to what stands at `earlier`, if that is an addition or an explicit
/// assignment of a number. (A default loses against assignments that the addition would have lived with.)
fn add_up(kept: &mut [Option<Instruction>], earlier: usize, position: usize) -> bool {
    let Some(Some(Instruction::AddInteger { delta, .. })) = kept.get(position) else {
        return false;
    };
    let delta = *delta;
    let Some(Some(before)) = kept.get_mut(earlier) else {
        return false;
    };
    let is_explicit = effect(before) == Effect::Assign;
    let sum = match before {
        Instruction::AddInteger { delta: sum, .. } => sum,
        Instruction::Update {
            value: Payload::Value(Value::Int(sum)),
            ..
        } if is_explicit => sum,
        _ => return false,
    };
    *sum = sum.wrapping_add(delta);
    take(kept, position);
    true
}

/// Whether two places of one object are the same, or one lies in the other. A list's elements count as one.
fn meet(one: &Target, other: &Target) -> bool {
    let same = |(mine, theirs): (&PathElement, &PathElement)| {
        mine == theirs
            || matches!(
                (mine, theirs),
                (PathElement::Index(_), PathElement::Index(_))
            )
    };
    one.field == other.field && one.path.iter().zip(&other.path).all(same)
}
