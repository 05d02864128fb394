//! Simulated histories: real clients and the real server, a network, clocks and disks that are none,
//! everything from one seed.
//!
//! A seed gives a [`Script`], a script is interpreted by a [`world::World`], and in the end the
//! [checks](checks) must hold: every replica equals what the server holds of its view, a new one too;
//! whatever was acknowledged is there; nobody hangs. A script that fails is [shrunk](shrink) and printed as a
//! text that is a test.

mod checks;
pub mod client;
pub mod coverage;
pub mod digest;
pub mod disk;
pub mod edits;
pub mod faults;
pub mod generate;
pub mod layout;
pub mod messages;
mod notes;
mod reset;
mod rights;
pub mod script;
mod sent;
pub mod server;
mod session;
pub mod shrink;
mod values;
pub mod world;

use tidemark_transform::simulation as merge_hooks;

pub use coverage::Coverage;
pub use faults::Faults;
pub use script::Script;

use world::World;

/// What a history came to.
#[derive(Debug)]
pub struct Outcome {
    /// What went wrong, if anything.
    pub fault: Option<String>,
    /// What it came by.
    pub coverage: Coverage,
    /// Everything that was said and held, as one number.
    pub digest: u64,
    /// What the steps did, if that was asked for.
    pub notes: Vec<(usize, String)>,
}

/// Runs a script. `with_notes` also says what each step did.
pub fn run(script: &Script, faults: Faults, with_notes: bool) -> Outcome {
    drop(merge_hooks::take_pairs());
    let attempt = std::panic::AssertUnwindSafe(|| play(script, faults, with_notes));
    let mut outcome = std::panic::catch_unwind(attempt).unwrap_or_else(|panic| {
        merge_hooks::flip_equal_times(false);
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Outcome {
            fault: Some(format!("a panic: {}", text.unwrap_or_default())),
            coverage: Coverage::default(),
            digest: 0,
            notes: Vec::new(),
        }
    });
    outcome.coverage.pairs = merge_hooks::take_pairs();
    outcome
}

fn play(script: &Script, faults: Faults, with_notes: bool) -> Outcome {
    let mut world = match World::new(script, faults) {
        Ok(world) => world,
        Err(fault) => {
            return Outcome {
                fault: Some(fault),
                coverage: Coverage::default(),
                digest: 0,
                notes: Vec::new(),
            };
        }
    };
    world.notes = with_notes.then(Vec::new);
    let result = world.play();
    Outcome {
        fault: result.err(),
        coverage: std::mem::take(&mut world.coverage),
        digest: world.digest.value(),
        notes: world.notes.take().unwrap_or_default(),
    }
}

impl World<'_> {
    fn play(&mut self) -> Result<(), String> {
        for (at, step) in self.script.steps.iter().enumerate() {
            self.at = at;
            let outcome = self.step(step);
            outcome.map_err(|fault| format!("step {at} ({step}): {fault}"))?;
        }
        self.at = self.script.steps.len();
        self.settle()?;
        self.check()
    }
}

/// The shortest script found that fails like this one.
pub fn shrink(script: &Script, faults: Faults) -> Script {
    let kind = |outcome: &Outcome| outcome.fault.as_deref().map(kind_of_fault);
    let wanted = kind(&run(script, faults, false));
    shrink::shrink(script, &mut |candidate| {
        kind(&run(candidate, faults, false)) == wanted
    })
}

/// What a fault is about, without numbers and places, so that a shrink stays with one fault.
fn kind_of_fault(fault: &str) -> String {
    let after_step = fault.split_once("): ").map_or(fault, |(_, rest)| rest);
    let words = [
        "differs",
        "hangs",
        "panic",
        "acknowledged",
        "cannot take",
        "violation",
        "refused",
        "fails",
    ];
    let found = words.iter().find(|word| after_step.contains(*word));
    found.map_or_else(
        || after_step.chars().take(30).collect(),
        |word| (*word).to_owned(),
    )
}
