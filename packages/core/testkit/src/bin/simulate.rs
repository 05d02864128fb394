//! `npm run simulate -- --seed S --count N`: simulated histories, one after the other.
//!
//! Ends with `N passed, N failed` on standard output, and with 1 if any failed.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command speaks to who gave it"
)]

use std::process::ExitCode;

use tidemark_testkit::simulation::{self, Coverage, Faults, Outcome, Script, generate};

const HELP: &str = "\
npm run simulate -- [--seed S] [--count N] [--operations N] [--doublecheck] [--coverage] [--complete]
                    [--trace] [--no-shrink]
npm run simulate -- --script FILE [--trace]

  --seed S         the first seed (1)
  --count N        how many seeds (100)
  --operations N   changes by users in a history (200)
  --doublecheck    runs each seed twice and compares
  --coverage       which pairs of instructions met, where processes died
  --complete       fails if something that has to happen in so many histories never did
  --trace          prints the script of each seed, with what its steps did
  --script FILE    runs a script, such as a failure prints
  --no-shrink      prints a failing script as it is
";

#[allow(clippy::struct_excessive_bools, reason = "independent flags")]
struct Settings {
    seed: u64,
    count: u64,
    operations: usize,
    doublecheck: bool,
    coverage: bool,
    complete: bool,
    trace: bool,
    shrinks: bool,
    script: Option<String>,
    faults: Faults,
}

fn settings(mut words: impl Iterator<Item = String>) -> Result<Settings, String> {
    let mut settings = Settings {
        seed: 1,
        count: 100,
        operations: 200,
        doublecheck: false,
        coverage: false,
        complete: false,
        trace: false,
        shrinks: true,
        script: None,
        faults: Faults::NONE,
    };
    while let Some(word) = words.next() {
        let (word, mut given) = match word.split_once('=') {
            Some((word, value)) => (word.to_owned(), Some(value.to_owned())),
            None => (word, None),
        };
        let mut value = || {
            let value = given.take().or_else(|| words.next());
            value.ok_or_else(|| format!("{word} needs a value"))
        };
        let number = |text: String| text.parse().map_err(|_| format!("{text} is no number"));
        match word.as_str() {
            "--seed" => settings.seed = number(value()?)?,
            "--count" => settings.count = number(value()?)?,
            "--operations" | "--steps" => {
                settings.operations = usize::try_from(number(value()?)?).unwrap_or(usize::MAX);
            }
            "--script" => settings.script = Some(value()?),
            "--doublecheck" => settings.doublecheck = true,
            "--coverage" => settings.coverage = true,
            "--complete" => settings.complete = true,
            "--trace" => settings.trace = true,
            "--no-shrink" => settings.shrinks = false,
            // Not in the help: a deliberate bug, which the smoke run has to find.
            "--flip-tie" => settings.faults.flips_ties = true,
            _ => return Err(format!("{word} is not known\n\n{HELP}")),
        }
    }
    Ok(settings)
}

fn main() -> ExitCode {
    let settings = match settings(std::env::args().skip(1)) {
        Ok(settings) => settings,
        Err(text) => {
            eprintln!("{text}");
            return ExitCode::from(2);
        }
    };
    // A panic inside a history is one of its possible outcomes, and told as such.
    std::panic::set_hook(Box::new(|_| {}));
    let failed = match &settings.script {
        Some(file) => run_file(file, &settings),
        None => Ok(run_seeds(&settings)),
    };
    match failed {
        Ok((passed, failed)) => {
            println!("{passed} passed, {failed} failed");
            ExitCode::from(u8::from(failed > 0))
        }
        Err(text) => {
            eprintln!("{text}");
            ExitCode::from(2)
        }
    }
}

fn run_file(file: &str, settings: &Settings) -> Result<(u64, u64), String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let script = Script::parse(&text).map_err(|error| format!("{file}: {error}"))?;
    let outcome = simulation::run(&script, settings.faults, settings.trace);
    if settings.trace {
        eprintln!("{}", script.annotated(&outcome.notes));
    }
    match outcome.fault {
        None => Ok((1, 0)),
        Some(fault) => {
            eprintln!("{file}: {fault}");
            Ok((0, 1))
        }
    }
}

fn run_seeds(settings: &Settings) -> (u64, u64) {
    let mut coverage = Coverage::default();
    let mut failed = 0;
    for done in 0..settings.count {
        let seed = settings.seed + done;
        let script = generate::script(seed, settings.operations);
        let outcome = simulation::run(&script, settings.faults, settings.trace);
        if settings.trace {
            eprintln!("# seed {seed}\n{}", script.annotated(&outcome.notes));
        }
        coverage.add(&outcome.coverage);
        if let Some(fault) = fault_of(&script, outcome, settings) {
            failed += 1;
            report(seed, &script, &fault, settings);
        }
        if (done + 1) % 500 == 0 {
            eprintln!("{} histories, {failed} failed", done + 1);
        }
    }
    if settings.coverage {
        eprint!("{coverage}");
    } else {
        for missing in coverage.missing() {
            eprintln!("never: {missing}");
        }
    }
    let passed = settings.count - failed;
    let is_incomplete = settings.complete && !coverage.missing().is_empty();
    (passed, failed + u64::from(is_incomplete))
}

fn fault_of(script: &Script, outcome: Outcome, settings: &Settings) -> Option<String> {
    if outcome.fault.is_some() || !settings.doublecheck {
        return outcome.fault;
    }
    let again = simulation::run(script, settings.faults, false);
    let differs = again.digest != outcome.digest || again.fault.is_some();
    differs.then(|| "the same seed went another way the second time".to_owned())
}

fn report(seed: u64, script: &Script, fault: &str, settings: &Settings) {
    eprintln!("seed {seed} failed: {fault}");
    eprintln!(
        "again: npm run simulate -- --seed {seed} --count 1 --operations {}",
        settings.operations
    );
    if !settings.shrinks {
        return;
    }
    let short = simulation::shrink(script, settings.faults);
    let outcome = simulation::run(&short, settings.faults, true);
    eprintln!("# {}", outcome.fault.unwrap_or_default().replace('\n', " "));
    eprintln!("{}", short.annotated(&outcome.notes));
    eprintln!("as a test: put it into packages/core/testkit/tests/scripts, a file of its own");
}
