//! The driving loop: each of our operations, in order, against all of theirs that it can touch.

use std::collections::BTreeSet;

use tidemark_changeset::{
    CollectionKind, Instruction, Name, PathElement, Payload, PrimaryKey, Target, Value,
};

use crate::equality::Identities;
use crate::error::TransformError;
use crate::index::Index;
use crate::intake::{Intake, Numbers};
use crate::operation::{Operation, Side, Step};
use crate::pairs;
use crate::places::Places;
use crate::rules::Rules;
use crate::write_back::{Edits, write_back};
use crate::{Branch, Budget, ColumnShape, Columns, MergeOptions, clusters};

/// How to merge.
pub(crate) struct Options<'a> {
    pub rules: Rules,
    /// The schema, if it is known.
    pub columns: Option<Columns<'a>>,
    /// From how many pairs an operation on lists are merged by clusters; `u64::MAX` for never.
    pub pairs_per_operation: u64,
    /// How many pairs may be visited.
    pub budget: Option<&'a Budget>,
}

impl<'a> Options<'a> {
    /// How the original merges, or we do.
    pub fn new(rules: Rules, options: MergeOptions<'a>) -> Self {
        let MergeOptions { columns, budget } = options;
        Self {
            rules,
            columns,
            budget,
            pairs_per_operation: clusters::PAIRS_PER_OPERATION,
        }
    }
}

/// An operation that a rule asks for, to stand directly before the one that made it necessary.
#[derive(Clone, Debug)]
pub(crate) struct Extra {
    /// What it is; side, branch and position are those of the one it stands before.
    pub operation: Operation,
    /// What it was when it was made; its path is patched when it is written back.
    pub instruction: Instruction,
}

/// What rules may look at and ask for, besides the two operations of a pair.
pub(crate) struct Context<'a> {
    pub rules: Rules,
    columns: Option<Columns<'a>>,
    pub identities: Identities,
    pub ours: &'a [Branch],
    pub theirs: &'a [Branch],
    our_steps: Vec<Step>,
    their_steps: Vec<Step>,
    /// Operations of pairs that may end differently on the two sides, which the merge cannot see.
    pub uncertain: Vec<Operation>,
    /// What the rule for the present pair asks for.
    pub request: Option<Box<Extra>>,
}

impl<'a> Context<'a> {
    /// A context for two sides that were taken in, with the steps of both.
    pub fn new(
        options: &Options<'a>,
        identities: Identities,
        ours: &'a [Branch],
        theirs: &'a [Branch],
        (our_steps, their_steps): (Vec<Step>, Vec<Step>),
    ) -> Self {
        let Options { rules, columns, .. } = *options;
        Self {
            rules,
            columns,
            identities,
            ours,
            theirs,
            our_steps,
            their_steps,
            uncertain: Vec::new(),
            request: None,
        }
    }

    /// The steps of ours and of theirs, when all is done.
    pub fn into_steps(self) -> (Vec<Step>, Vec<Step>) {
        (self.our_steps, self.their_steps)
    }

    /// The path elements of one side's operations.
    pub fn steps(&self, side: Side) -> &[Step] {
        match side {
            Side::Ours => &self.our_steps,
            Side::Theirs => &self.their_steps,
        }
    }

    fn steps_mut(&mut self, side: Side) -> &mut Vec<Step> {
        match side {
            Side::Ours => &mut self.our_steps,
            Side::Theirs => &mut self.their_steps,
        }
    }

    /// The branch that an operation came from.
    pub fn branch(&self, operation: &Operation) -> Option<&'a Branch> {
        let branches = match operation.side {
            Side::Ours => self.ours,
            Side::Theirs => self.theirs,
        };
        branches.get(operation.branch as usize)
    }

    /// The instruction that an operation was taken from (or that an extra one stands before).
    pub fn instruction(&self, operation: &Operation) -> Option<&'a Instruction> {
        self.branch(operation)?
            .instructions
            .get(operation.position as usize)
    }

    /// Whether what the operation addresses is the value under a dictionary key, rather than a field of an
    /// embedded object. Where the schema does not say, a key is taken for a dictionary's.
    pub fn is_dictionary_entry(&self, operation: &Operation) -> bool {
        if !operation.ends_with_key() {
            return false;
        }
        let target = self.instruction(operation).and_then(Instruction::target);
        target
            .and_then(|target| ends_in_dictionary(target, self.columns?))
            .unwrap_or(true)
    }

    /// Whether an edit goes through the column that another operation erases, in an embedded object on its
    /// way.
    pub fn goes_through(&self, edit: &Operation, erase: &Operation) -> bool {
        let (Some(columns), Some(target)) = (
            self.columns,
            self.instruction(edit).and_then(Instruction::target),
        ) else {
            return false;
        };
        match self.instruction(erase) {
            Some(Instruction::EraseColumn { class, field }) => {
                goes_through(target, class, field, columns)
            }
            _ => false,
        }
    }

    /// Whether the original compares this erasure's value with another's by their places.
    pub fn is_compared_by_place(&self, erase: &Operation) -> bool {
        let Some(Instruction::SetErase {
            value: Payload::Value(value),
            ..
        }) = self.instruction(erase)
        else {
            return false;
        };
        matches!(value, Value::String(_) | Value::Binary(_) | Value::Link(_))
    }

    /// Puts another index at a place in the middle of an operation's path.
    pub fn set_slot(&mut self, operation: &mut Operation, depth: u32, index: u32) {
        let place = operation.steps.saturating_add(depth) as usize;
        if let Some(step) = self.steps_mut(operation.side).get_mut(place) {
            operation.changed |= *step != Step::Index(index);
            *step = Step::Index(index);
        }
    }

    /// Puts a step at a place in the middle of an operation's path, and says nothing of a change.
    pub fn put_step(&mut self, operation: &Operation, depth: u32, step: Step) {
        let place = operation.steps.saturating_add(depth) as usize;
        if let Some(known) = self.steps_mut(operation.side).get_mut(place) {
            *known = step;
        }
    }

    /// The objects of the uncertain operations, each once.
    fn uncertain_objects(&self) -> Vec<(Name, PrimaryKey)> {
        let object = |marker: &Operation| self.instruction(marker).and_then(Instruction::object);
        let objects = self.uncertain.iter().filter_map(object);
        let distinct: BTreeSet<_> = objects.collect();
        distinct
            .into_iter()
            .map(|(class, key)| (class.clone(), key.clone()))
            .collect()
    }

    /// A copy of an operation's steps, for another operation to own; the answer is where they begin.
    pub fn copy_steps(&mut self, operation: &Operation) -> u32 {
        let steps = self.steps_mut(operation.side);
        let copy = operation.container(steps).to_vec();
        let start = u32::try_from(steps.len()).expect("steps were counted, and few are copied");
        steps.extend(copy);
        start
    }
}

/// Whether a path goes through a field of an embedded class, as far as the schema is known.
fn goes_through(target: &Target, class: &Name, field: &Name, columns: Columns<'_>) -> bool {
    let mut column = columns(&target.class, &target.field);
    for element in &target.path {
        let Some(ColumnShape { collection, target }) = column else {
            return false;
        };
        column = match (collection, element) {
            (CollectionKind::Single, PathElement::Key(name)) => {
                if target.as_ref() == Some(class) && name == field {
                    return true;
                }
                target.and_then(|target| columns(&target, name))
            }
            _ => Some(ColumnShape {
                collection: CollectionKind::Single,
                target,
            }),
        };
    }
    false
}

/// Follows a path through the schema. `None` where the schema does not know it.
fn ends_in_dictionary(target: &Target, columns: Columns<'_>) -> Option<bool> {
    let mut column = columns(&target.class, &target.field)?;
    let mut in_dictionary = false;
    for element in &target.path {
        in_dictionary = false;
        match (column.collection, element) {
            (CollectionKind::Dictionary, PathElement::Key(_)) => {
                in_dictionary = true;
                column.collection = CollectionKind::Single;
            }
            (CollectionKind::List, PathElement::Index(_)) => {
                column.collection = CollectionKind::Single;
            }
            (CollectionKind::Single, PathElement::Key(field)) => {
                column = columns(&column.target?, field)?;
            }
            _ => return None,
        }
    }
    Some(in_dictionary)
}

/// Their operations, and those that the merge puts between them.
struct Minors {
    operations: Vec<Operation>,
    /// How many of them came in; those after are extra.
    received: usize,
    /// Position in the order of each extra one.
    extra_orders: Vec<u64>,
    /// The extra ones, in order.
    extra: Vec<u32>,
    instructions: Vec<Instruction>,
}

impl Minors {
    /// The order of an operation. Extra ones come before the one they were made for, in the order they were
    /// made.
    fn order(&self, at: u32) -> u64 {
        match (at as usize).checked_sub(self.received) {
            None => (u64::from(at) << 32) | u64::from(u32::MAX),
            Some(extra) => self.extra_orders.get(extra).copied().unwrap_or(u64::MAX),
        }
    }

    fn prepend(&mut self, before: u32, extra: Extra) {
        let at = u32::try_from(self.operations.len()).expect("few operations are made by a merge");
        let order = (u64::from(before) << 32) | u64::from(at);
        self.operations.push(extra.operation);
        self.instructions.push(extra.instruction);
        self.extra_orders.push(order);
        let place = self
            .extra
            .partition_point(|other| self.order(*other) < order);
        self.extra.insert(place, at);
    }
}

/// Goes through several ordered lists of positions as one.
struct Walk<'a> {
    lists: [&'a [u32]; 3],
    extras: usize,
}

impl Walk<'_> {
    #[inline]
    fn next(&mut self, minors: &Minors) -> Option<u32> {
        let [first, second, third] = &mut self.lists;
        if second.is_empty() && third.is_empty() && minors.extra.len() <= self.extras {
            let (next, rest) = first.split_first()?;
            *first = rest;
            return Some(*next);
        }
        self.next_of_several(minors)
    }

    #[cold]
    fn next_of_several(&mut self, minors: &Minors) -> Option<u32> {
        let [first, second, third] = self.lists;
        let heads = [
            first.first(),
            second.first(),
            third.first(),
            minors.extra.get(self.extras),
        ];
        let candidates = heads.into_iter().enumerate();
        let (list, at) = candidates
            .filter_map(|(list, at)| Some((list, *at?)))
            .min_by_key(|(_, at)| minors.order(*at))?;
        match self.lists.get_mut(list) {
            Some(list) => *list = list.get(1..).unwrap_or_default(),
            None => self.extras += 1,
        }
        Some(at)
    }
}

struct Merge<'a> {
    budget: Option<&'a Budget>,
    context: Context<'a>,
    index: Index,
    minors: Minors,
    /// What the merge put between our operations.
    extra: Vec<Extra>,
}

impl Merge<'_> {
    /// One of ours against those of theirs that come after `after` in the order.
    fn run(&mut self, major: &mut Operation, after: u64) -> Result<(), TransformError> {
        // The index is only read; taking it out for the time lets the operations change meanwhile.
        let index = std::mem::take(&mut self.index);
        let result = self.walk(major, after, &index);
        self.index = index;
        result
    }

    fn spend(&self, pairs: u64) -> Result<(), TransformError> {
        self.budget.map_or(Ok(()), |budget| budget.spend(pairs))
    }

    fn walk(
        &mut self,
        major: &mut Operation,
        after: u64,
        index: &Index,
    ) -> Result<(), TransformError> {
        let mut lists = index.candidates(major);
        if let ([first, [], []], true, 0) = (&mut lists, self.minors.extra.is_empty(), after) {
            let done = pairs::run_of_insertions(major, first, &mut self.minors.operations);
            *first = first.get(done..).unwrap_or_default();
            self.spend(done as u64)?;
        }
        let mut walk = Walk { lists, extras: 0 };
        while let Some(at) = walk.next(&self.minors) {
            self.spend(1)?;
            if after != 0 && self.minors.order(at) <= after {
                continue;
            }
            let Some(minor) = self
                .minors
                .operations
                .get_mut(at as usize)
                .filter(|minor| minor.alive)
            else {
                continue;
            };
            #[cfg(test)]
            visits::count();
            pairs::pair(major, minor, &mut self.context)?;
            if let Some(request) = self.context.request.take() {
                self.prepend(*request, at, index)?;
            }
            if !major.alive {
                break;
            }
        }
        Ok(())
    }

    /// An extra operation of theirs is done with the present one of ours. An extra one of ours meets the rest
    /// of theirs first, then the one that it was made for goes on.
    fn prepend(
        &mut self,
        mut request: Extra,
        at: u32,
        index: &Index,
    ) -> Result<(), TransformError> {
        if request.operation.side == Side::Theirs {
            self.minors.prepend(at, request);
            return Ok(());
        }
        let after = self.minors.order(at);
        self.walk(&mut request.operation, after, index)?;
        self.extra.push(request);
        Ok(())
    }

    fn finish(self, majors: Vec<Operation>) -> Plan {
        let uncertain = self.context.uncertain_objects();
        let Minors {
            mut operations,
            received,
            instructions,
            ..
        } = self.minors;
        let made = operations.split_off(received).into_iter().zip(instructions);
        let extra = made
            .map(|(operation, instruction)| Extra {
                operation,
                instruction,
            })
            .collect();
        let (our_steps, their_steps) = self.context.into_steps();
        let ours = Edits {
            operations: majors,
            steps: our_steps,
            extra: self.extra,
        };
        let theirs = Edits {
            operations,
            steps: their_steps,
            extra,
        };
        Plan {
            ours,
            theirs,
            uncertain,
        }
    }
}

/// What a merge will do to both sides.
struct Plan {
    ours: Edits,
    theirs: Edits,
    uncertain: Vec<(Name, PrimaryKey)>,
}

fn plan(
    ours: &[Branch],
    theirs: &[Branch],
    options: &Options<'_>,
    places: Option<(&[Places], &[Places])>,
) -> Result<Plan, TransformError> {
    let mut numbers = Numbers::new(ours, theirs, options.rules);
    let majors = numbers.take_in(ours, Side::Ours, places.map(|(ours, _)| ours))?;
    let minors = numbers.take_in(theirs, Side::Theirs, places.map(|(_, theirs)| theirs))?;
    let index = Index::new(&minors, numbers.objects(), numbers.fields());
    let Intake {
        operations: mut majors,
        steps: our_steps,
    } = majors;
    let Intake {
        operations,
        steps: their_steps,
    } = minors;
    let identities = std::mem::take(&mut numbers.identities);
    let steps = (our_steps, their_steps);
    let mut merge = Merge {
        budget: options.budget,
        context: Context::new(options, identities, ours, theirs, steps),
        index,
        minors: Minors {
            received: operations.len(),
            operations,
            extra_orders: Vec::new(),
            extra: Vec::new(),
            instructions: Vec::new(),
        },
        extra: Vec::new(),
    };
    let Merge {
        context,
        index,
        minors,
        ..
    } = &mut merge;
    let long = (numbers.fields(), options.pairs_per_operation);
    let done = clusters::merge_lists(&mut majors, &mut minors.operations, index, context, long)?;
    for major in &mut majors {
        if done.get(major.field as usize) != Some(&true) {
            merge.run(major, 0)?;
        }
    }
    Ok(merge.finish(majors))
}

/// See [`crate::merge`]. `places` are kept in step with the instructions; without them the original's
/// comparison by place is one by content.
pub(crate) fn merge(
    ours: &mut [Branch],
    theirs: &mut [Branch],
    options: &Options<'_>,
    mut places: Option<(&mut [Places], &mut [Places])>,
) -> Result<Outcome, TransformError> {
    let empty = |branches: &[Branch]| branches.iter().all(|branch| branch.instructions.is_empty());
    if empty(ours) || empty(theirs) {
        return Ok(Outcome::default());
    }
    let known = places.as_ref().map(|(ours, theirs)| (&**ours, &**theirs));
    let plan = plan(ours, theirs, options, known)?;
    let (our_places, their_places) = match &mut places {
        Some((ours, theirs)) => (Some(&mut **ours), Some(&mut **theirs)),
        None => (None, None),
    };
    let adopted = Adopted {
        ours: write_back(ours, plan.ours, our_places),
        theirs: write_back(theirs, plan.theirs, their_places),
    };
    Ok(Outcome {
        adopted,
        uncertain: plan.uncertain,
    })
}

/// What a merge has to say besides the branches.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub adopted: Adopted,
    pub uncertain: Vec<(Name, PrimaryKey)>,
}

/// Names that branches took over from the other side: (branch, name), in the order they were taken.
#[derive(Debug, Default)]
pub(crate) struct Adopted {
    pub ours: Vec<(usize, Name)>,
    pub theirs: Vec<(usize, Name)>,
}

/// How many pairs this thread has visited: the cost of a merge that no clock is needed for.
#[cfg(test)]
pub(crate) mod visits {
    use std::cell::Cell;

    thread_local! {
        static VISITED: Cell<u64> = const { Cell::new(0) };
        static STEPS: Cell<u64> = const { Cell::new(0) };
    }

    /// A pair.
    pub fn count() {
        VISITED.set(VISITED.get() + 1);
    }

    /// A step of what finds pairs.
    pub fn count_step() {
        STEPS.set(STEPS.get() + 1);
    }

    /// Pairs visited by some work.
    pub fn during(work: impl FnOnce()) -> u64 {
        pairs_and_steps(work).0
    }

    /// Pairs visited, and steps taken to find them.
    pub fn pairs_and_steps(work: impl FnOnce()) -> (u64, u64) {
        let before = (VISITED.get(), STEPS.get());
        work();
        (VISITED.get() - before.0, STEPS.get() - before.1)
    }
}
