//! Writing back: what the merge did to operations is done to the instructions they came from.

use tidemark_changeset::{Instruction, Name, PathElement, Payload, Target, UpdateKind, Value};

use crate::Branch;
use crate::driver::Extra;
use crate::operation::{Assigned, Kind, Operation, Step};
use crate::places::Places;

/// What became of one side.
pub(crate) struct Edits {
    /// One per instruction, in order.
    pub operations: Vec<Operation>,
    pub steps: Vec<Step>,
    /// In the order they were made; those for one position follow each other.
    pub extra: Vec<Extra>,
}

/// Rewrites the branches of one side. The answer is the names that extra instructions brought from the other
/// side.
pub(crate) fn write_back(
    branches: &mut [Branch],
    edits: Edits,
    mut places: Option<&mut [Places]>,
) -> Vec<(usize, Name)> {
    let Edits {
        operations,
        steps,
        mut extra,
    } = edits;
    let adopted = extra.iter().flat_map(adopted_names).collect();
    // Stable: those made for one position stay in the order they were made.
    extra.sort_by_key(|extra| (extra.operation.branch, extra.operation.position));
    let (mut operations, mut extra) = (operations.as_slice(), extra.as_slice());
    for (number, branch) in branches.iter_mut().enumerate() {
        let (own, later) = operations.split_at(branch.instructions.len().min(operations.len()));
        let own_extra = extra.partition_point(|extra| extra.operation.branch as usize <= number);
        let (made, made_later) = extra.split_at(own_extra);
        (operations, extra) = (later, made_later);
        let dropped = own.iter().any(|operation| !operation.alive);
        branch.dirty |=
            dropped || !made.is_empty() || own.iter().any(|operation| operation.changed);
        for (operation, instruction) in own.iter().zip(&mut branch.instructions) {
            if operation.alive && operation.changed {
                patch(instruction, operation, &steps);
            }
        }
        if dropped || !made.is_empty() {
            let old = std::mem::take(&mut branch.instructions);
            let (instructions, positions) = rebuild(old, own, made, &steps);
            branch.instructions = instructions;
            if let Some(places) = places.as_mut().and_then(|places| places.get_mut(number)) {
                places.keep(positions.into_iter());
            }
        }
    }
    adopted
}

/// The instructions that are left, the made ones between them, each with its old position.
fn rebuild(
    old: Vec<Instruction>,
    operations: &[Operation],
    mut made: &[Extra],
    steps: &[Step],
) -> (Vec<Instruction>, Vec<Option<usize>>) {
    let mut instructions = Vec::with_capacity(old.len() + made.len());
    let mut positions = Vec::with_capacity(old.len() + made.len());
    for (position, (instruction, operation)) in old.into_iter().zip(operations).enumerate() {
        let here = made.partition_point(|extra| extra.operation.position as usize <= position);
        let (before, rest) = made.split_at(here);
        made = rest;
        for extra in before.iter().filter(|extra| extra.operation.alive) {
            let mut instruction = extra.instruction.clone();
            patch(&mut instruction, &extra.operation, steps);
            instructions.push(instruction);
            positions.push(None);
        }
        if operation.alive {
            instructions.push(instruction);
            positions.push(Some(position));
        }
    }
    (instructions, positions)
}

fn adopted_names(extra: &Extra) -> Vec<(usize, Name)> {
    match &extra.instruction {
        Instruction::EraseColumn { class, field } => {
            let branch = extra.operation.branch as usize;
            vec![(branch, class.clone()), (branch, field.clone())]
        }
        _ => Vec::new(),
    }
}

fn patch(instruction: &mut Instruction, operation: &Operation, steps: &[Step]) {
    if operation.kind == Kind::Clear
        && !matches!(instruction, Instruction::Clear { .. })
        && let Some(target) = instruction.target().cloned()
    {
        *instruction = Instruction::Clear {
            target,
            collection: operation.collection,
        };
    }
    match instruction {
        Instruction::Update {
            target,
            value,
            kind,
        } => {
            patch_path(target, operation, steps);
            if operation.assigned == Assigned::Int {
                *value = Payload::Value(Value::Int(operation.number));
            }
            if let UpdateKind::Element { prior_size } = kind {
                *prior_size = operation.size;
            }
        }
        Instruction::ArrayMove {
            target,
            to,
            prior_size,
        } => {
            patch_path(target, operation, steps);
            (*to, *prior_size) = (operation.to, operation.size);
        }
        Instruction::ArrayInsert {
            target, prior_size, ..
        }
        | Instruction::ArrayErase { target, prior_size } => {
            patch_path(target, operation, steps);
            *prior_size = operation.size;
        }
        Instruction::Clear { target, collection } => {
            patch_path(target, operation, steps);
            *collection = operation.collection;
        }
        Instruction::AddInteger { target, .. }
        | Instruction::SetInsert { target, .. }
        | Instruction::SetErase { target, .. } => patch_path(target, operation, steps),
        _ => {}
    }
}

fn patch_path(target: &mut Target, operation: &Operation, steps: &[Step]) {
    let path = operation
        .container(steps)
        .iter()
        .chain(std::iter::once(&operation.last));
    for (element, step) in target.path.iter_mut().zip(path) {
        if let (PathElement::Index(index), Step::Index(now)) = (element, step) {
            *index = *now;
        }
    }
}
