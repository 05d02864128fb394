//! A client reset with recovery, as coarsely as the histories need it: a fresh file, on which what was not
//! synchronised is done again as far as it still makes sense there.

use tidemark_changeset::{CollectionKind, Instruction, PathElement, Target, UpdateKind};
use tidemark_model::list_size_at;
use tidemark_model::memory::Database;

use crate::client::{Client, apply};

/// A change to be made again, with its time, and how many of its instructions make no sense any more.
pub struct Recovered {
    pub instructions: Vec<Instruction>,
    pub timestamp: u64,
    pub dropped: usize,
}

/// What a client that is given up had not synchronised, fit for a fresh file.
pub fn recover(lost: &Client, fresh: &Database) -> Vec<Recovered> {
    let mut database = fresh.clone();
    let unsynced = lost
        .history
        .iter()
        .filter(|change| !change.remote && change.client_version > lost.upload.0);
    let mut recovered = Vec::new();
    for change in unsynced {
        let all = &change.form.changeset.instructions;
        let mut kept = Vec::new();
        for instruction in all.iter().filter(|instruction| !is_schema(instruction)) {
            let Some(fitted) = fit(&database, instruction) else {
                continue;
            };
            let mut next = database.clone();
            if apply(lost.rules, &mut next, std::slice::from_ref(&fitted)).is_ok() {
                database = next;
                kept.push(fitted);
            }
        }
        let wanted = all.iter().filter(|instruction| !is_schema(instruction));
        recovered.push(Recovered {
            dropped: wanted.count() - kept.len(),
            instructions: kept,
            timestamp: change.timestamp,
        });
    }
    recovered
}

fn is_schema(instruction: &Instruction) -> bool {
    instruction.object().is_none()
}

/// The instruction for the list as it is now; `None` if it has no place there.
fn fit(database: &Database, instruction: &Instruction) -> Option<Instruction> {
    let mut fitted = instruction.clone();
    match &mut fitted {
        Instruction::EraseObject { class, key } => {
            database.get(class, key)?;
        }
        Instruction::ArrayInsert {
            target, prior_size, ..
        } => {
            let size = list_size(database, target)?;
            *prior_size = size;
            if let Some(PathElement::Index(index)) = target.path.last_mut() {
                *index = size.min(*index);
            }
        }
        Instruction::ArrayErase { target, prior_size }
        | Instruction::Update {
            target,
            kind: UpdateKind::Element { prior_size },
            ..
        }
        | Instruction::ArrayMove {
            target, prior_size, ..
        } => *prior_size = list_size(database, target)?,
        Instruction::Clear {
            target,
            collection: CollectionKind::Set,
        }
        | Instruction::SetInsert { target, .. }
        | Instruction::SetErase { target, .. } => {
            database.get(&target.class, &target.key)?;
        }
        _ => {}
    }
    Some(fitted)
}

fn list_size(database: &Database, target: &Target) -> Option<u32> {
    let class = database.schema.class(&target.class)?;
    let document = database.get(&target.class, &target.key)?;
    let size = list_size_at(&database.schema, class, document, target)?;
    u32::try_from(size).ok()
}
