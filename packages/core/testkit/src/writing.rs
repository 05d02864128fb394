//! Random writing: instructions on objects that link to each other, and doing as an application what an
//! instruction says.

use tidemark_changeset::{Instruction, PathElement, Payload, PrimaryKey, Target, UpdateKind};
use tidemark_model::Problem;
use tidemark_model::memory::Database as Model;
use tidemark_storage::Storage;
use tidemark_store::{Location, Step, WriteTransaction};

use crate::dice::Dice;
use crate::generators;

/// The generators' schema with a few of its columns, so that histories meet in them: mostly lists.
pub fn some_columns(dice: &mut Dice) -> Vec<Instruction> {
    let mut schema = generators::schema();
    schema.retain(|instruction| match instruction {
        Instruction::AddColumn { class, field, .. } if *class == "T".into() => {
            let chance = match field.as_str() {
                Some("Mixed List true") => 100,
                Some("Link List false" | "embedded List") => 70,
                _ => 7,
            };
            dice.chance(chance)
        }
        _ => true,
    });
    schema
}

/// A random instruction that fits the model; sometimes about the objects that are linked to.
pub fn instruction(dice: &mut Dice, model: &Model) -> Instruction {
    if !dice.chance(12) {
        return generators::fitting_instruction(dice, model);
    }
    let (class, key) = match dice.below(3) {
        0 => ("T", PrimaryKey::Int(dice.below(3).cast_signed() as i64)),
        _ => (
            "U",
            PrimaryKey::String(format!("u{}", dice.below(3)).into()),
        ),
    };
    let class = class.into();
    if dice.chance(60) {
        Instruction::CreateObject { class, key }
    } else {
        Instruction::EraseObject { class, key }
    }
}

/// The size of the list that the target is in: what the model says to an erasure that claims another.
fn size_of(model: &mut Model, target: &Target) -> u32 {
    let claim = Instruction::ArrayErase {
        target: target.clone(),
        prior_size: u32::MAX,
    };
    match model.apply(&[claim]).map_err(|error| error.problem) {
        Err(Problem::PriorSize { size, .. }) => u32::try_from(size).expect("a short list"),
        _ => 0,
    }
}

/// So many random instructions, applied to the model as far as they fit.
pub fn evolve(dice: &mut Dice, model: &mut Model, count: usize) -> Vec<Instruction> {
    let mut applied = Vec::new();
    for _ in 0..count {
        let mut instruction = instruction(dice, model);
        if let Instruction::Update {
            target,
            kind: UpdateKind::Element { prior_size },
            ..
        } = &mut instruction
        {
            *prior_size = size_of(model, target);
        }
        if model.apply(std::slice::from_ref(&instruction)).is_ok() {
            applied.push(instruction);
        }
    }
    applied
}

fn location<S: Storage>(write: &mut WriteTransaction<S>, target: &Target) -> Option<Location> {
    let class = write.catalog().position(&target.class)?;
    let definition = write.catalog().class(&target.class)?;
    let column = definition.column_index(&target.field)?;
    let object = write.view().expect("readable").find(class, &target.key);
    let steps = target.path.iter().map(|element| match element {
        PathElement::Index(index) => Step::Visible(*index),
        PathElement::Key(key) => Step::Key(key.clone()),
    });
    Some(Location {
        class,
        object: object.expect("readable")?,
        column: u16::try_from(column).expect("few columns"),
        steps: steps.collect(),
    })
}

/// Does as an application what an instruction says, if that is possible.
pub fn perform<S: Storage>(write: &mut WriteTransaction<S>, instruction: &Instruction) {
    let outcome = match instruction {
        Instruction::CreateObject { class, key } => {
            let class = write.catalog().position(class).expect("it is there");
            write.create(class, key, true).map(drop)
        }
        Instruction::EraseObject { class, key } => {
            let class = write.catalog().position(class).expect("it is there");
            let object = write.view().expect("readable").find(class, key);
            match object.expect("readable") {
                Some(object) => write.erase(class, object),
                None => Ok(()),
            }
        }
        _ => {
            let target = instruction.target().expect("it acts inside an object");
            let Some(at) = location(write, target) else {
                return;
            };
            mutate(write, &at, instruction)
        }
    };
    // What does not fit is refused, as an application's mistake is.
    drop(outcome);
}

fn mutate<S: Storage>(
    write: &mut WriteTransaction<S>,
    at: &Location,
    instruction: &Instruction,
) -> tidemark_store::Result<()> {
    match instruction {
        Instruction::Update { value, .. } => write.set(at, false, value),
        Instruction::AddInteger { delta, .. } => write.add_integer(at, *delta),
        Instruction::ArrayInsert { value, .. } => write.list_insert(at, value),
        Instruction::ArrayMove { to, .. } => write.list_move(at, *to),
        Instruction::ArrayErase { .. } => write.list_erase(at),
        Instruction::Clear { .. } => write.clear(at),
        Instruction::SetInsert {
            value: Payload::Value(value),
            ..
        } => write.set_insert(at, value),
        Instruction::SetErase {
            value: Payload::Value(value),
            ..
        } => write.set_erase(at, value),
        _ => Ok(()),
    }
}
