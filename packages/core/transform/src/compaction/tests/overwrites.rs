//! Several changesets: what separates them, what is forgotten, and the limits of what is remembered.

use tidemark_changeset::Name;

use super::Effect::{Assign, Other};
use super::{Committed, Effect, Folds, Footprint, Overwrites, left_of};
use crate::compaction::footprint::MARKS_MAX;
use crate::compaction::overwrites::CANDIDATES_MAX;

/// Commits what `note` notes, at a time that follows the version.
fn commit_noted(
    overwrites: &mut Overwrites<u32>,
    version: u64,
    note: impl FnOnce(&mut Footprint<u32>),
) -> Vec<u64> {
    let mut footprint = Footprint::default();
    note(&mut footprint);
    let timestamp = version;
    overwrites.commit(Committed { version, timestamp }, footprint, &|_, _| false)
}

fn assigned(object: u32) -> impl FnOnce(&mut Footprint<u32>) {
    move |footprint| footprint.touched(&object, 0, &[], Assign)
}

/// What is left of two commits that are noted like this, of four instructions each, when a third one assigns
/// column 0 of object 1.
fn left_around(
    first: impl FnOnce(&mut Footprint<u32>),
    second: impl FnOnce(&mut Footprint<u32>),
) -> [Vec<u32>; 2] {
    let fill = |footprint: &mut Footprint<u32>| {
        for _ in footprint.length..4 {
            footprint.pass();
        }
    };
    let mut overwrites = Overwrites::new(Folds::ALL);
    commit_noted(&mut overwrites, 1, |footprint| {
        first(footprint);
        fill(footprint);
    });
    commit_noted(&mut overwrites, 2, |footprint| {
        second(footprint);
        fill(footprint);
    });
    commit_noted(&mut overwrites, 3, assigned(1));
    [1, 2].map(|version| overwrites.take_out(version, vec![0, 1, 2, 3]))
}

#[test]
fn every_instruction_counts_as_a_position() {
    let notes: [fn(&mut Footprint<u32>); 4] = [
        Footprint::pass,
        |footprint| footprint.created(&2),
        |footprint| footprint.erased(&2),
        |footprint| footprint.touched(&2, 0, &[], Other),
    ];
    for note in notes {
        let second = |footprint: &mut Footprint<u32>| {
            footprint.pass();
            note(footprint);
            assigned(1)(footprint);
        };
        assert_eq!(left_around(|_| {}, second)[1], [0, 1, 3]);
    }
}

#[test]
fn a_change_of_the_schema_separates() {
    let [first, second] = left_around(assigned(1), |footprint| {
        assigned(1)(footprint);
        footprint.obscure();
        assigned(1)(footprint);
    });
    assert_eq!((first, second), (vec![0, 1, 2, 3], vec![0, 1, 2, 3]));
}

#[test]
fn nothing_is_taken_out_of_earlier_commits_where_that_is_switched_off() {
    let folds = Folds {
        across: false,
        ..Folds::ALL
    };
    let commits: [(u64, &[_]); 2] = [(10, &[(0, Assign)]), (20, &[(0, Assign)])];
    assert_eq!(left_of(&commits, folds), [vec![0], vec![0]]);
    assert_eq!(left_of(&commits, Folds::NONE), [vec![0], vec![0]]);
    let none = Folds {
        within: false,
        ..folds
    };
    assert_eq!(Folds::NONE, none);
}

/// Whoever creates an object anew may do so under a name that means another one.
#[test]
fn what_was_created_separates_its_object() {
    let [first, second] = left_around(assigned(1), |footprint| {
        footprint.created(&1);
        assigned(1)(footprint);
    });
    assert_eq!((first, second), (vec![0, 1, 2, 3], vec![0, 1, 2, 3]));
    let erased = |footprint: &mut Footprint<u32>| footprint.erased(&1);
    let [first, _] = left_around(assigned(1), erased);
    assert_eq!(first, [1, 2, 3]);
    let [first, _] = left_around(assigned(1), |footprint| {
        erased(footprint);
        footprint.doubt_erased();
    });
    assert_eq!(first, [0, 1, 2, 3]);
    let [first, _] = left_around(assigned(1), |footprint| {
        assigned(2)(footprint);
        footprint.doubt_erased();
    });
    assert_eq!(first, [1, 2, 3], "nothing was erased that could be doubted");
}

#[test]
fn erasures_are_taken_over_with_their_doubts() {
    for (is_doubted, left) in [(false, vec![1, 2, 3]), (true, vec![0, 1, 2, 3])] {
        let [first, second] = left_around(assigned(1), |footprint| {
            let mut other = Footprint::default();
            other.erased(&1);
            assigned(3)(&mut other);
            if is_doubted {
                other.doubt_erased();
            }
            footprint.adopt_erased(&other);
        });
        assert_eq!((first, second), (left, vec![0, 1, 2, 3]));
    }
}

/// Places: a column, and keys on the way down from there. One meets those above and below it.
#[test]
fn an_edit_separates_what_it_meets() {
    let path = |names: &[&str]| -> Vec<Name> { names.iter().map(|name| (*name).into()).collect() };
    let cases: [(u16, &[&str], bool); 6] = [
        (0, &["k", "x"], true),
        (0, &["k"], true),
        (0, &[], true),
        (0, &["k", "x", "y"], true),
        (0, &["k", "y"], false),
        (1, &["k", "x"], false),
    ];
    for (column, names, meets) in cases {
        // Said twice, and after something elsewhere.
        for elsewhere in [None, Some((2, path(names))), Some((0, path(&["l"])))] {
            let mut overwrites = Overwrites::new(Folds::ALL);
            let assign = |footprint: &mut Footprint<u32>| {
                footprint.touched(&1, 0, &path(&["k", "x"]), Assign);
            };
            commit_noted(&mut overwrites, 1, assign);
            commit_noted(&mut overwrites, 2, |footprint| {
                if let Some((column, path)) = &elsewhere {
                    footprint.touched(&1, *column, path, Other);
                }
                footprint.touched(&1, column, &path(names), Other);
                footprint.touched(&1, column, &path(names), Other);
            });
            commit_noted(&mut overwrites, 3, assign);
            let left = overwrites.take_out(1, vec![0]);
            assert_eq!(left.is_empty(), !meets, "{column} {names:?}");
        }
    }
}

#[test]
fn what_a_write_does_at_one_place_counts_in_its_order() {
    let touch = |effects: &'static [Effect]| {
        move |footprint: &mut Footprint<u32>| {
            for effect in effects {
                footprint.touched(&1, 0, &[], *effect);
            }
        }
    };
    let all = vec![0, 1, 2, 3];
    let [first, second] = left_around(touch(&[Assign]), touch(&[Assign, Other]));
    assert_eq!((first, second), (vec![1, 2, 3], all.clone()));
    let [first, second] = left_around(touch(&[Assign]), touch(&[Other, Assign]));
    assert_eq!((first, second), (all.clone(), vec![0, 2, 3]));
    let [first, second] = left_around(touch(&[Assign]), touch(&[Other, Other, Assign]));
    assert_eq!((first, second), (all, vec![0, 1, 3]));
}

#[test]
fn needless_instructions_outlast_what_separates() {
    let mut overwrites = Overwrites::new(Folds::ALL);
    commit_noted(&mut overwrites, 1, |footprint| {
        assigned(1)(footprint);
        assigned(2)(footprint);
    });
    assert!(!overwrites.is_pending(1));
    commit_noted(&mut overwrites, 2, assigned(1));
    assert!(overwrites.is_pending(1) && !overwrites.is_pending(2));
    assert_eq!(overwrites.entries(), 2);
    overwrites.separate();
    assert!(overwrites.is_pending(1));
    assert_eq!(overwrites.entries(), 1, "of the second nothing is needless");
    assert_eq!(overwrites.take_out(1, vec![0, 1]), [1]);
    assert_eq!(overwrites.entries(), 0);
}

#[test]
fn an_entry_that_has_to_stay_is_left() {
    let mut overwrites = Overwrites::new(Folds::ALL);
    commit_noted(&mut overwrites, 1, assigned(1));
    commit_noted(&mut overwrites, 2, assigned(1));
    overwrites.leave(1);
    assert_eq!(overwrites.take_out(1, vec![0]), [0]);
}

/// Entries that nothing can be taken out of any more are not remembered.
#[test]
fn entries_are_forgotten_when_they_are_done() {
    let mut overwrites = Overwrites::new(Folds::ALL);
    commit_noted(&mut overwrites, 1, assigned(1));
    commit_noted(&mut overwrites, 2, |footprint| {
        footprint.touched(&1, 0, &[], Other);
    });
    assert_eq!(overwrites.entries(), 0, "the assignment has to stay");
    for version in 3..=5 {
        commit_noted(&mut overwrites, version, assigned(1));
    }
    assert_eq!(overwrites.entries(), 3);
    assert!(overwrites.take_out(3, vec![0]).is_empty());
    assert_eq!(overwrites.entries(), 2);
    overwrites.sent(4);
    assert_eq!(overwrites.entries(), 1);
    overwrites.sent(5);
    assert_eq!(overwrites.entries(), 0);
}

/// Assigns a column of so many objects, and says whether that made the version before needless.
fn assign_objects(overwrites: &mut Overwrites<u32>, version: u64, objects: usize) -> bool {
    let objects = u32::try_from(objects).expect("few");
    let due = commit_noted(overwrites, version, |footprint| {
        for object in 0..objects {
            assigned(object)(footprint);
        }
    });
    due.contains(&(version - 1))
}

/// A write with more marks than that overwrites nothing, and is not overwritten.
#[test]
fn a_write_with_too_many_marks_is_not_followed() {
    for (objects, is_followed) in [(MARKS_MAX, true), (MARKS_MAX + 1, false)] {
        let mut overwrites = Overwrites::new(Folds::ALL);
        assert!(!assign_objects(&mut overwrites, 1, 1));
        assert_eq!(assign_objects(&mut overwrites, 2, objects), is_followed);
        assert_eq!(assign_objects(&mut overwrites, 3, MARKS_MAX), is_followed);
    }
}

/// Beyond as many candidates as are remembered all are forgotten. Those that are overwritten or released
/// count no more, nor do any once all is sent.
#[test]
fn only_so_many_candidates_are_remembered() {
    let fill = |overwrites: &mut Overwrites<u32>, version: u32, count: usize| {
        let (first, count) = (1_000_000 * version, u32::try_from(count).expect("few"));
        commit_noted(overwrites, u64::from(version), |footprint| {
            for object in first..first + count {
                assigned(object)(footprint);
            }
        });
    };
    let half = CANDIDATES_MAX / 2;
    // Whether the first of two large commits can be overwritten after so many more.
    for (more, is_remembered) in [(0, true), (1, false)] {
        let mut overwrites = Overwrites::new(Folds::ALL);
        fill(&mut overwrites, 1, half);
        fill(&mut overwrites, 2, half);
        fill(&mut overwrites, 3, more);
        commit_noted(&mut overwrites, 4, assigned(1_000_000));
        assert_eq!(overwrites.is_pending(1), is_remembered);
    }
    let mut overwrites = Overwrites::new(Folds::ALL);
    for version in 1..=3 {
        // Overwritten again and again.
        assign_objects(&mut overwrites, version, half);
    }
    overwrites.sent(3);
    fill(&mut overwrites, 4, half);
    fill(&mut overwrites, 5, half);
    for round in 0..3 {
        // Released by an edit of another kind, and assigned again.
        for (version, effect) in [(6 + 2 * round, Other), (7 + 2 * round, Assign)] {
            commit_noted(&mut overwrites, version, |footprint| {
                for object in 5_000_000..5_000_000 + u32::try_from(half).expect("few") {
                    footprint.touched(&object, 0, &[], effect);
                }
            });
        }
    }
    commit_noted(&mut overwrites, 12, assigned(4_000_000));
    assert!(overwrites.is_pending(4), "still remembered");
}
