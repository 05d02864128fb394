//! Taking in: instructions become [`Operation`]s, names and keys become numbers.

use rustc_hash::FxHashMap;
use tidemark_changeset::{
    Instruction, Name, PathElement, Payload, PrimaryKey, Target, UpdateKind, Value,
};

use crate::Branch;
use crate::equality::Identities;
use crate::error::TransformError;
use crate::operation::{Assigned, Kind, NONE, Operation, Side, Step};
use crate::places::Places;
use crate::rules::Rules;

/// One side, taken in.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    pub operations: Vec<Operation>,
    /// The path elements of all operations but each path's last.
    pub steps: Vec<Step>,
}

/// The numbers given so far, common to both sides.
#[derive(Default)]
pub(crate) struct Numbers<'a> {
    names: FxHashMap<&'a Name, u32>,
    objects: FxHashMap<(u32, &'a PrimaryKey), u32>,
    fields: FxHashMap<(u32, u32), u32>,
    pub identities: Identities,
    ranks: Vec<(u64, u64)>,
}

/// What decides between two branches: the time, then the ident.
fn tie_break(branch: &Branch) -> (u64, u64) {
    #[cfg(not(feature = "simulation"))]
    let ident = branch.ident;
    #[cfg(feature = "simulation")]
    let ident = crate::simulation::tie_break(branch.ident);
    (branch.timestamp, ident)
}

fn next<K>(map: &FxHashMap<K, u32>) -> u32 {
    u32::try_from(map.len())
        .expect("fewer names than instructions and path elements, which were counted")
}

impl<'a> Numbers<'a> {
    /// Numbers for a merge of these branches. The tie-breaks are ranked here, once.
    pub fn new(ours: &[Branch], theirs: &[Branch], rules: Rules) -> Self {
        let mut ranks: Vec<_> = ours.iter().chain(theirs).map(tie_break).collect();
        ranks.sort_unstable();
        ranks.dedup();
        Self {
            ranks,
            identities: Identities::new(rules),
            ..Self::default()
        }
    }

    /// How many objects have a number.
    pub fn objects(&self) -> usize {
        self.objects.len()
    }

    /// How many fields of objects have a number.
    pub fn fields(&self) -> usize {
        self.fields.len()
    }

    fn name(&mut self, name: &'a Name) -> u32 {
        let fresh = next(&self.names);
        *self.names.entry(name).or_insert(fresh)
    }

    fn object(&mut self, class: u32, key: &'a PrimaryKey) -> u32 {
        let fresh = next(&self.objects);
        *self.objects.entry((class, key)).or_insert(fresh)
    }

    fn field(&mut self, object: u32, name: u32) -> u32 {
        let fresh = next(&self.fields);
        *self.fields.entry((object, name)).or_insert(fresh)
    }

    /// Takes in all branches of one side.
    pub fn take_in(
        &mut self,
        branches: &'a [Branch],
        side: Side,
        places: Option<&[Places]>,
    ) -> Result<Intake, TransformError> {
        let count: usize = branches
            .iter()
            .map(|branch| branch.instructions.len())
            .sum();
        // A path has at most as many elements as bytes; numbers stay far below `NONE` with room for what is
        // added.
        if count >= NONE as usize / 2 {
            return Err(TransformError::TooLarge);
        }
        let mut intake = Intake {
            operations: Vec::with_capacity(count),
            steps: Vec::new(),
        };
        for (number, branch) in branches.iter().enumerate() {
            let rank = self
                .ranks
                .binary_search(&tie_break(branch))
                .unwrap_or_default();
            let places = places.and_then(|places| places.get(number));
            for (position, instruction) in branch.instructions.iter().enumerate() {
                let blank = Operation::new(
                    Kind::AddTable,
                    side,
                    index(rank),
                    index(number),
                    index(position),
                );
                let mut operation = self.one(blank, instruction, &mut intake.steps)?;
                if operation.kind == Kind::SetErase {
                    operation.place = self.identities.place(places, position);
                }
                intake.operations.push(operation);
            }
        }
        if intake.steps.len() >= NONE as usize {
            return Err(TransformError::TooLarge);
        }
        Ok(intake)
    }

    fn one(
        &mut self,
        mut operation: Operation,
        instruction: &'a Instruction,
        steps: &mut Vec<Step>,
    ) -> Result<Operation, TransformError> {
        operation.class = self.name(instruction.class());
        operation.kind = kind(instruction);
        if let Some((_, key)) = instruction.object() {
            operation.object = self.object(operation.class, key);
        }
        if let Some(target) = instruction.target() {
            self.locate(&mut operation, target, steps)?;
        }
        self.operands(&mut operation, instruction);
        if !consistent(instruction, operation.index().is_some()) {
            let target = crate::pairs::place_of(instruction);
            return Err(TransformError::Malformed {
                operation: kind_name(operation.kind),
                target,
            });
        }
        Ok(operation)
    }

    fn locate(
        &mut self,
        operation: &mut Operation,
        target: &'a Target,
        steps: &mut Vec<Step>,
    ) -> Result<(), TransformError> {
        operation.name = self.name(&target.field);
        operation.field = self.field(operation.object, operation.name);
        operation.depth = u32::try_from(target.path.len()).map_err(|_| TransformError::TooLarge)?;
        operation.steps = u32::try_from(steps.len()).map_err(|_| TransformError::TooLarge)?;
        if let Some((last, before)) = target.path.split_last() {
            for element in before {
                let step = self.step(element);
                steps.push(step);
            }
            operation.last = self.step(last);
        }
        Ok(())
    }

    fn step(&mut self, element: &'a PathElement) -> Step {
        match element {
            PathElement::Index(index) => Step::Index(*index),
            PathElement::Key(key) => Step::Key(self.name(key)),
        }
    }

    fn operands(&mut self, operation: &mut Operation, instruction: &'a Instruction) {
        match instruction {
            Instruction::AddColumn { field, spec, .. } => {
                operation.name = self.name(field);
                if let Some(target) = &spec.target {
                    operation.value = self.name(target);
                }
            }
            Instruction::EraseColumn { field, .. } => operation.name = self.name(field),
            Instruction::Update { value, kind, .. } => {
                (operation.assigned, operation.number) = assigned(value);
                match kind {
                    UpdateKind::Element { prior_size } => operation.size = *prior_size,
                    UpdateKind::Property { is_default } => operation.is_default = *is_default,
                }
            }
            Instruction::AddInteger { delta, .. } => operation.number = *delta,
            Instruction::ArrayInsert { prior_size, .. }
            | Instruction::ArrayErase { prior_size, .. } => {
                operation.size = *prior_size;
            }
            Instruction::ArrayMove { to, prior_size, .. } => {
                (operation.to, operation.size) = (*to, *prior_size);
            }
            Instruction::Clear { collection, .. } => operation.collection = *collection,
            Instruction::SetInsert { value, .. } | Instruction::SetErase { value, .. } => {
                (operation.value, operation.numeric) = self.identities.identify(value);
            }
            _ => {}
        }
    }
}

fn index(number: usize) -> u32 {
    u32::try_from(number).expect("fewer branches and instructions than were counted")
}

fn assigned(value: &Payload) -> (Assigned, i64) {
    match value {
        Payload::Value(Value::Null) => (Assigned::Null, 0),
        Payload::Value(Value::Int(number)) => (Assigned::Int, *number),
        Payload::Value(value) if value.is_binary_zero() => (Assigned::Zero, 0),
        Payload::Value(_) | Payload::Set => (Assigned::Other, 0),
        Payload::Object => (Assigned::Object, 0),
        Payload::Dictionary => (Assigned::Dictionary, 0),
        Payload::List => (Assigned::List, 0),
        Payload::Erased => (Assigned::Erased, 0),
    }
}

/// Whether the operands of a list instruction fit the end of its path; decoded ones always do.
fn consistent(instruction: &Instruction, ends_with_index: bool) -> bool {
    match instruction {
        Instruction::Update {
            kind: UpdateKind::Element { .. },
            ..
        }
        | Instruction::ArrayInsert { .. }
        | Instruction::ArrayMove { .. }
        | Instruction::ArrayErase { .. } => ends_with_index,
        Instruction::Update {
            kind: UpdateKind::Property { .. },
            ..
        } => !ends_with_index,
        _ => true,
    }
}

pub(crate) fn kind(instruction: &Instruction) -> Kind {
    match instruction {
        Instruction::AddTable { .. } => Kind::AddTable,
        Instruction::EraseTable { .. } => Kind::EraseTable,
        Instruction::CreateObject { .. } => Kind::CreateObject,
        Instruction::EraseObject { .. } => Kind::EraseObject,
        Instruction::Update { .. } => Kind::Update,
        Instruction::AddInteger { .. } => Kind::AddInteger,
        Instruction::AddColumn { .. } => Kind::AddColumn,
        Instruction::EraseColumn { .. } => Kind::EraseColumn,
        Instruction::ArrayInsert { .. } => Kind::ArrayInsert,
        Instruction::ArrayMove { .. } => Kind::ArrayMove,
        Instruction::ArrayErase { .. } => Kind::ArrayErase,
        Instruction::Clear { .. } => Kind::Clear,
        Instruction::SetInsert { .. } => Kind::SetInsert,
        Instruction::SetErase { .. } => Kind::SetErase,
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Update => "Update",
        Kind::ArrayInsert => "ArrayInsert",
        Kind::ArrayMove => "ArrayMove",
        Kind::ArrayErase => "ArrayErase",
        _ => "instruction",
    }
}
