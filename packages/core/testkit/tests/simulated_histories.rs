//! The simulator: scripts that failed once, some seeds, and that each deliberate fault is found.
//!
//! A script of `tests/scripts` is what `npm run simulate` prints for a failing seed.

use std::ops::RangeInclusive;

use tidemark_testkit::dice::Dice;
use tidemark_testkit::simulation::server::ServerFaults;
use tidemark_testkit::simulation::{self, Faults, Script, generate};

const OPERATIONS: usize = 200;

fn assert_passes(name: &str, script: &Script) -> u64 {
    let outcome = simulation::run(script, Faults::NONE, false);
    assert_eq!(outcome.fault, None, "{name}");
    outcome.digest
}

#[test]
fn scripts_that_failed_once_pass() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scripts");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|file| file.expect("it can be read").path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("it can be read");
        let script = Script::parse(&text).expect("it is a script");
        assert_passes(&file.display().to_string(), &script);
    }
}

#[test]
fn seeds_pass_and_go_the_same_way_twice() {
    for seed in 1..=10 {
        let script = generate::script(seed, OPERATIONS);
        assert!(script.operations() >= OPERATIONS);
        let name = format!("seed {seed}");
        assert_eq!(
            assert_passes(&name, &script),
            assert_passes(&name, &script),
            "{name}"
        );
    }
}

#[test]
fn scripts_are_texts() {
    for seed in 1..=50 {
        let script = generate::script(seed, 50);
        let read = Script::parse(&script.annotated(&[(0, "a note".to_owned())]));
        let read = read.expect("it is a script");
        assert_eq!(read.to_string(), script.to_string(), "seed {seed}");
        assert_eq!(read, script, "seed {seed}");
    }
    for bad in [
        "",
        "class A int\n0 fly",
        "class A int\n0 write x:",
        "column A f0 list int",
        "class A int\n0 write 0: move 1 2",
    ] {
        assert!(Script::parse(bad).is_err(), "{bad:?}");
    }
}

/// Whatever is taken out of a script, the rest can be played.
#[test]
fn any_part_of_a_script_can_be_played() {
    let dice = &mut Dice::new(5);
    for seed in 30..=40 {
        let mut script = generate::script(seed, 80);
        script.steps.retain(|_| dice.chance(50));
        if dice.chance(50) {
            script.layout.classes[0].columns.pop();
        }
        assert_passes(&format!("half of seed {seed}"), &script);
    }
}

/// The first of some seeds that fails with a fault, and what it says.
fn found(faults: Faults, mut seeds: RangeInclusive<u64>) -> (Script, String) {
    let all = seeds.clone();
    seeds
        .find_map(|seed| {
            let script = generate::script(seed, OPERATIONS);
            let fault = simulation::run(&script, faults, false).fault;
            fault.map(|fault| (script, fault))
        })
        .unwrap_or_else(|| panic!("{faults:?} is not found in the seeds {all:?}"))
}

fn of_server(faults: ServerFaults) -> Faults {
    Faults {
        server: faults,
        ..Faults::NONE
    }
}

#[test]
fn a_flipped_tie_break_is_found_and_shrinks_to_a_few_steps() {
    let faults = Faults {
        flips_ties: true,
        ..Faults::NONE
    };
    let (script, fault) = found(faults, 1..=60);
    assert!(fault.contains("differs"), "{fault}");
    let short = simulation::shrink(&script, faults);
    assert!(short.operations() <= 12, "{short}");
    let read = Script::parse(&short.to_string()).expect("it is a script");
    assert!(simulation::run(&read, faults, false).fault.is_some());
    assert_passes("without the fault", &read);
}

#[test]
fn a_lost_upload_is_found() {
    let faults = ServerFaults {
        loses_uploads: true,
        ..ServerFaults::default()
    };
    let (_, fault) = found(of_server(faults), 1..=20);
    assert!(
        ["acknowledged", "differs", "refused"]
            .iter()
            .any(|word| fault.contains(word)),
        "{fault}"
    );
}

#[test]
fn a_lost_download_is_found() {
    let faults = ServerFaults {
        loses_downloads: true,
        ..ServerFaults::default()
    };
    found(of_server(faults), 1..=20);
}

#[test]
fn silence_about_a_rejected_write_is_found() {
    let faults = ServerFaults {
        is_silent_about_rejections: true,
        ..ServerFaults::default()
    };
    let (_, fault) = found(of_server(faults), 1..=60);
    assert!(fault.contains("acknowledged"), "{fault}");
}

#[test]
fn a_mark_without_an_answer_is_found() {
    let faults = ServerFaults {
        forgets_marks: true,
        ..ServerFaults::default()
    };
    let (_, fault) = found(of_server(faults), 1..=20);
    assert!(fault.contains("hangs"), "{fault}");
}

#[test]
fn a_disk_that_forgets_is_found() {
    let faults = Faults {
        forgets_commits: true,
        ..Faults::NONE
    };
    found(faults, 1..=60);
}

#[test]
fn a_field_that_is_shown_to_who_may_not_read_it_is_found() {
    let faults = ServerFaults {
        shows_all_fields: true,
        ..ServerFaults::default()
    };
    let (_, fault) = found(of_server(faults), 1..=60);
    assert!(fault.contains("may not be read"), "{fault}");
}

#[test]
fn a_field_that_is_taken_from_who_may_not_write_it_is_found() {
    let faults = ServerFaults {
        takes_all_fields: true,
        ..ServerFaults::default()
    };
    // It shows in one of some hundreds of histories.
    let (_, fault) = found(of_server(faults), 301..=360);
    assert!(fault.contains("differs"), "{fault}");
}
