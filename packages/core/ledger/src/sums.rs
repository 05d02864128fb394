//! Sums with null, where one version of the schema sees null and another sees zero.

use std::sync::Arc;

use tidemark_changeset::{Instruction, Payload, Target, UpdateKind, Value};
use tidemark_model::{Class, Document, Node, apply_to_document, node_at};

use crate::error::{LedgerError, Result};
use crate::object::{ClassNumber, ObjectKey};
use crate::schema_versions::Names;

/// Says what the sums of a client come to.
pub(crate) struct Sums<'a> {
    /// Those of the client's version of the schema.
    pub names: Names<'a>,
}

impl Sums<'_> {
    /// Whether the client added to a value that others see otherwise where it is null. What it merged that
    /// with, it saw otherwise as well: if there was anything, it is to be given the object afresh.
    pub fn adds_to_zero(&self, instructions: &[Instruction]) -> bool {
        let adds = |one: &&Instruction| matches!(one, Instruction::AddInteger { .. });
        let targets = instructions
            .iter()
            .filter(adds)
            .filter_map(Instruction::target);
        targets
            .into_iter()
            .any(|target| self.divided(target).is_some())
    }

    fn divided(&self, target: &Target) -> Option<(ClassNumber, u16)> {
        let (class, column) = self.names.end_of(target)?;
        let is_divided = self.names.schema.is_divided(class, column);
        is_divided.then_some((class, column))
    }

    /// Makes of each sum with null what it comes to for its client: for who sees zero, that number; for who
    /// sees null, nothing. `row`: the object before the instructions.
    pub fn settle(
        &self,
        object: &ObjectKey,
        row: Option<&Arc<[u8]>>,
        instructions: &mut Vec<Instruction>,
    ) -> Result<()> {
        const DAMAGED: LedgerError =
            LedgerError::Damaged("an object's row or class cannot be read");
        let schema = self.names.schema;
        let class = schema.class(object.class()).ok_or(DAMAGED)?;
        let mut document = match row {
            Some(row) => Document::from_row(row).map_err(|_| DAMAGED)?,
            None => Document::new(class),
        };
        for instruction in std::mem::take(instructions) {
            let Some(instruction) = self.settled(class, &document, instruction) else {
                continue;
            };
            match &instruction {
                Instruction::CreateObject { .. } => {}
                Instruction::EraseObject { .. } => document = Document::new(class),
                // What cannot be applied is refused when all of them are.
                other => drop(apply_to_document(
                    &schema.model,
                    class,
                    &mut document,
                    other,
                )),
            }
            instructions.push(instruction);
        }
        Ok(())
    }

    fn settled(
        &self,
        class: &Class,
        document: &Document,
        instruction: Instruction,
    ) -> Option<Instruction> {
        let Instruction::AddInteger { target, delta } = instruction else {
            return Some(instruction);
        };
        let node = node_at(&self.names.schema.model, class, document, &target);
        let is_null = matches!(node, Some(Node::Value(Value::Null)) | None);
        match self.divided(&target).filter(|_| is_null) {
            None => Some(Instruction::AddInteger { target, delta }),
            Some((class, column)) if self.names.requires(class, column) => {
                let value = Payload::Value(Value::Int(delta));
                let kind = UpdateKind::Property { is_default: false };
                Some(Instruction::Update {
                    target,
                    value,
                    kind,
                })
            }
            Some(_) => None,
        }
    }
}
