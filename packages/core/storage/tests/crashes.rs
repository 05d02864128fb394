//! Every file that a crash can leave opens, to what was durable then or to something committed later.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use tidemark_storage::devices::{Dice, Recorder};
use tidemark_storage::{Durability, FileStorage, Storage};

/// A state, and when it was asked for and promised.
struct Step {
    model: Model,
    /// Position of the device when the commit began.
    begun: usize,
    /// Position when it was known to be durable.
    durable: usize,
}

/// What a file may show that a crash left at a position.
fn allowed(steps: &[Step], position: usize) -> impl Iterator<Item = &Model> {
    let first = steps.iter().rposition(|step| step.durable <= position);
    steps[first.unwrap_or_default()..]
        .iter()
        .take_while(move |step| step.begun <= position)
        .map(|step| &step.model)
}

/// Commits, compactions and clean restarts, recorded.
fn live(recorder: &Recorder, is_encrypted: bool, start: Model, dice: &mut Dice) -> Vec<Step> {
    let mut model = start.clone();
    let mut steps = vec![Step {
        model: start,
        begun: 0,
        durable: 0,
    }];
    let mut storage = Some(open(recorder.clone(), is_encrypted, dice.roll()).unwrap());
    for _ in 0..3 + dice.below(9) {
        let open_storage = storage.take().unwrap();
        match dice.below(20) {
            0 => {
                open_storage.close().unwrap();
                drop(open_storage);
                storage = Some(open(recorder.clone(), is_encrypted, dice.roll()).unwrap());
            }
            1 => {
                open_storage.compact().unwrap();
                storage = Some(open_storage);
            }
            number => {
                let is_durable = number > 4;
                let begun = recorder.position();
                let durability = if is_durable {
                    Durability::Durable
                } else {
                    Durability::Later
                };
                commit(&open_storage, &mut model, durability, dice).unwrap();
                let durable = if is_durable {
                    recorder.position()
                } else {
                    usize::MAX
                };
                steps.push(Step {
                    model: model.clone(),
                    begun,
                    durable,
                });
                storage = Some(open_storage);
            }
        }
    }
    // Closing makes durable what was to become so later, which nobody has promised.
    drop(storage);
    steps
}

/// Opens what crashes leave, lets it crash while it is repaired, and goes on with the last one.
fn crash(seed: u64, is_encrypted: bool) -> usize {
    let mut dice = Dice::new(seed);
    let mut images = 0;
    let (mut content, mut start) = (Vec::new(), Model::new());
    for generation in 0..2 {
        let recorder = Recorder::new(content.clone());
        let steps = live(&recorder, is_encrypted, start.clone(), &mut dice);
        for _ in 0..4 {
            let position = dice.below(recorder.position() + 1);
            let image = recorder.crashed(position, &mut dice);
            let repairing = Recorder::new(image);
            let found = |storage: &FileStorage| {
                let found = contents(storage).unwrap();
                let is_allowed = allowed(&steps, position).any(|model| *model == found);
                assert!(
                    is_allowed,
                    "seed {seed}, generation {generation}, position {position}: another state"
                );
                found
            };
            let storage =
                open(repairing.clone(), is_encrypted, dice.roll()).unwrap_or_else(|error| {
                    panic!("seed {seed}, generation {generation}, position {position}: {error}")
                });
            let repaired = found(&storage);
            let length = repairing.position();
            drop(storage);
            let again = dice.below(length + 1);
            let twice = Recorder::new(repairing.crashed(again, &mut dice));
            let storage = open(twice.clone(), is_encrypted, dice.roll()).unwrap_or_else(|error| {
                panic!(
                    "seed {seed}, generation {generation}, position {position}, {again}: {error}"
                )
            });
            start = found(&storage);
            // The repair itself must not lose what it showed, once that was shown to anybody.
            if again == length {
                assert_eq!(start, repaired, "seed {seed}: a repaired file forgets");
            }
            commit(&storage, &mut start, Durability::Durable, &mut dice).unwrap();
            drop(storage);
            content = twice.content();
            images += 2;
        }
    }
    images
}

fn crash_all(is_encrypted: bool) {
    let mut images = 0;
    let count = seeds(150, 5_000);
    for seed in 0..count {
        images += crash(seed, is_encrypted);
    }
    assert!(
        images as u64 >= count * 16,
        "{images} files of {count} seeds"
    );
}

#[test]
fn a_crash_loses_nothing_durable() {
    crash_all(false);
}

#[test]
fn a_crash_of_an_encrypted_file_loses_nothing_durable() {
    crash_all(true);
}

/// The test above can fail: a device that forgets to sync loses what was promised.
#[test]
fn a_lost_sync_is_found() {
    let recorder = Recorder::default();
    let mut dice = Dice::new(1);
    let steps = live(&recorder, false, Model::new(), &mut dice);
    let last = steps
        .iter()
        .rev()
        .find(|step| step.durable != usize::MAX)
        .unwrap();
    let lost = (0..200).any(|_| {
        // As if the last sync had not been asked for.
        let image = recorder.crashed(last.durable - 1, &mut dice);
        let storage = open(Recorder::new(image), false, 1).unwrap();
        contents(&storage).unwrap() != last.model
    });
    assert!(lost);
}
