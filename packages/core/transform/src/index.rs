//! Which of their operations one of ours can touch at all.
//!
//! Rules act between operations of one field, between an object's creation or erasure and what happens to it,
//! and between schema operations and everything. All other pairs are no-ops, so leaving them out changes
//! nothing but the cost: that follows conflicts, not the product of both sides.

use crate::intake::Intake;
use crate::operation::{Kind, Operation};

/// Their operations by what they touch. Every list is in order and holds positions in the intake.
#[derive(Debug, Default)]
pub(crate) struct Index {
    all: Vec<u32>,
    /// AddTable, EraseTable, AddColumn, EraseColumn.
    schema: Vec<u32>,
    /// EraseTable and EraseColumn, which touch objects too.
    destructive: Vec<u32>,
    /// Per object: CreateObject and EraseObject.
    lives: Groups,
    /// Per object: everything.
    objects: Groups,
    /// Per field of an object: everything with a path.
    fields: Groups,
}

impl Index {
    /// Indexes one side; `objects` and `fields` count the numbers given by both.
    pub fn new(intake: &Intake, objects: usize, fields: usize) -> Self {
        let operations = &intake.operations;
        let list = |wanted: &dyn Fn(&Operation) -> bool| -> Vec<u32> {
            (0u32..)
                .zip(operations)
                .filter(|(_, operation)| wanted(operation))
                .map(|(at, _)| at)
                .collect()
        };
        Self {
            all: list(&|_| true),
            schema: list(&is_schema),
            destructive: list(&Operation::is_destructive),
            lives: Groups::new(operations, objects, |operation| {
                matches!(operation.kind, Kind::CreateObject | Kind::EraseObject)
                    .then_some(operation.object)
            }),
            objects: Groups::new(operations, objects, |operation| {
                (!is_schema(operation)).then_some(operation.object)
            }),
            fields: Groups::new(operations, fields, |operation| {
                operation.has_path().then_some(operation.field)
            }),
        }
    }

    /// Everything that acts in a field of an object.
    pub fn of_field(&self, field: u32) -> &[u32] {
        self.fields.of(field)
    }

    /// Creations and erasures of an object.
    pub fn of_life(&self, object: u32) -> &[u32] {
        self.lives.of(object)
    }

    /// Whether anything erases a class or a column.
    pub fn is_destructive(&self) -> bool {
        !self.destructive.is_empty()
    }

    /// The lists that together hold everything `major` can touch.
    pub fn candidates(&self, major: &Operation) -> [&[u32]; 3] {
        match major.kind {
            Kind::AddTable | Kind::AddColumn => [&self.schema, &[], &[]],
            Kind::EraseTable | Kind::EraseColumn => [&self.all, &[], &[]],
            Kind::CreateObject => [self.lives.of(major.object), &self.destructive, &[]],
            Kind::EraseObject => [self.objects.of(major.object), &self.destructive, &[]],
            _ => [
                self.fields.of(major.field),
                self.lives.of(major.object),
                &self.destructive,
            ],
        }
    }
}

fn is_schema(operation: &Operation) -> bool {
    matches!(operation.kind, Kind::AddTable | Kind::AddColumn) || operation.is_destructive()
}

/// Lists by group number, one after another in one allocation.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    /// Where each group begins; one more than there are groups.
    starts: Vec<u32>,
    members: Vec<u32>,
}

impl Groups {
    /// Groups operations by number; those without one, or with one that is not below `groups`, are left out.
    pub fn new(
        operations: &[Operation],
        groups: usize,
        group: impl Fn(&Operation) -> Option<u32>,
    ) -> Self {
        let mut starts = vec![0u32; groups + 1];
        let slot = |operation: &Operation| {
            group(operation)
                .map(|group| group as usize)
                .filter(|g| *g < groups)
        };
        for found in operations.iter().filter_map(slot) {
            starts[found + 1] += 1;
        }
        for group in 0..groups {
            starts[group + 1] += starts[group];
        }
        let mut next = starts.clone();
        let mut members = vec![0u32; starts.last().map_or(0, |total| *total as usize)];
        for (at, operation) in (0u32..).zip(operations) {
            if let Some(found) = slot(operation) {
                members[next[found] as usize] = at;
                next[found] += 1;
            }
        }
        Self { starts, members }
    }

    /// The positions of a group's operations, in order.
    pub fn of(&self, group: u32) -> &[u32] {
        let bound = |at: usize| self.starts.get(at).map(|start| *start as usize);
        match (
            bound(group as usize),
            bound((group as usize).saturating_add(1)),
        ) {
            (Some(start), Some(end)) => self.members.get(start..end).unwrap_or_default(),
            _ => &[],
        }
    }
}
