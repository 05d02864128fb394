//! What listeners are told of lists, and of links against their direction.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use tidemark_storage::Storage;
use tidemark_store::boundary::changes_text;
use tidemark_store::{ClassChanges, Database, ListEdit, Step};

fn changes<S: Storage>(database: &Database<S>, since: u64) -> ClassChanges {
    database.changes_since(since).classes[&"Person".into()].clone()
}

fn edits_of(changes: &ClassChanges, object: u64) -> Option<Vec<ListEdit>> {
    changes.lists.get(&(object, FRIENDS)).cloned().flatten()
}

fn element(object: u64, index: u32) -> tidemark_store::Location {
    below(object, FRIENDS, &[Step::Visible(index)])
}

/// Another client deletes the second person.
fn erase_downloaded(database: &Database<Memory>) {
    let version = database.version();
    let body = body(&[(5, version, &[erase_instruction(2)])]);
    integrate(database, progress(5, version), &body).unwrap();
}

/// Three people; the first has the others as friends.
fn people() -> (Memory, Database<Memory>, Vec<u64>) {
    let (storage, database) = database();
    let mut objects = Vec::new();
    write(&database, 2, |write| {
        objects = (1..=3).map(|key| create(write, key)).collect();
        for (index, key) in [(0, 2), (1, 3)] {
            let at = element(objects[0], index);
            write.list_insert(&at, &payload(link(key))).unwrap();
        }
    });
    (storage, database, objects)
}

#[test]
fn edits_of_lists_are_told_over_several_commits() {
    let (_storage, database, objects) = people();
    let since = database.version();
    write(&database, 3, |write| {
        let payload = payload(link(3));
        write
            .list_insert(&element(objects[0], 0), &payload)
            .unwrap();
    });
    write(&database, 4, |write| {
        write.list_move(&element(objects[0], 0), 2).unwrap();
        write.list_erase(&element(objects[0], 1)).unwrap();
        write.clear(&at(objects[0], FRIENDS)).unwrap();
    });
    let expected = [
        ListEdit::Insert { at: 0 },
        ListEdit::Move { from: 0, to: 2 },
        ListEdit::Erase { at: 1 },
        ListEdit::Clear { size: 2 },
    ];
    let told = changes(&database, since);
    assert_eq!(edits_of(&told, objects[0]), Some(expected.to_vec()));
    assert_eq!(
        edits_of(&changes(&database, since + 1), objects[0]).unwrap(),
        expected[1..]
    );
    let text = changes_text(&database.changes_since(since));
    let list = format!(
        "\"lists\":[[{},{FRIENDS},[0,0,0,3,0,2,1,1,0,4,2,0]]]",
        objects[0]
    );
    assert!(text.contains(&list), "{text}");
}

#[test]
fn edits_of_new_objects_are_not_told() {
    let (_storage, database, objects) = people();
    assert_eq!(edits_of(&changes(&database, 1), objects[0]), None);
}

#[test]
fn deleting_an_object_tells_where_it_was_taken_out() {
    let (_storage, database, objects) = people();
    let since = database.version();
    write(&database, 3, |write| {
        write.erase(PERSON, objects[1]).unwrap();
    });
    let told = changes(&database, since);
    assert_eq!(
        edits_of(&told, objects[0]),
        Some(vec![ListEdit::Erase { at: 0 }])
    );
}

#[test]
fn where_links_are_hidden_edits_are_not_known() {
    let (_storage, database, objects) = people();
    let since = database.version();
    erase_downloaded(&database);
    let told = changes(&database, since);
    assert!(told.modified[&objects[0]].contains(FRIENDS));
    assert_eq!(told.lists.get(&(objects[0], FRIENDS)), Some(&None));
    let hidden = database.version();
    write(&database, 3, |write| {
        write.list_erase(&element(objects[0], 0)).unwrap();
    });
    assert_eq!(edits_of(&changes(&database, hidden), objects[0]), None);
    // What comes after cannot make known what came before.
    assert_eq!(edits_of(&changes(&database, since), objects[0]), None);
}

#[test]
fn too_many_edits_are_not_told() {
    let (_storage, database, objects) = people();
    let since = database.version();
    for round in 0..3 {
        write(&database, 3 + round, |write| {
            for _ in 0..700 {
                write
                    .list_insert(&element(objects[0], 0), &payload(link(3)))
                    .unwrap();
            }
        });
    }
    assert_eq!(
        edits_of(&changes(&database, since + 1), objects[0])
            .unwrap()
            .len(),
        1_400
    );
    assert_eq!(edits_of(&changes(&database, since), objects[0]), None);
}

#[test]
fn links_are_found_against_their_direction() {
    let (_storage, database, objects) = people();
    write(&database, 3, |write| {
        let payload = payload(link(3));
        write.set(&at(objects[1], BEST), false, &payload).unwrap();
        write
            .list_insert(&element(objects[0], 0), &payload)
            .unwrap();
    });
    let snapshot = database.read().unwrap();
    let view = snapshot.view();
    let origins = |target: usize, column| {
        let targets = [objects[target]].into_iter();
        let found = view.origins(PERSON, targets, (PERSON, column)).unwrap();
        found.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(origins(2, FRIENDS), [objects[0]]);
    assert_eq!(origins(2, BEST), [objects[1]]);
    assert_eq!(origins(0, BEST), Vec::<u64>::new());
    let positions = |view: tidemark_store::View<'_, _>, target: usize| {
        let targets = [objects[target]].into_iter();
        view.link_positions((PERSON, objects[0], FRIENDS), PERSON, targets)
            .unwrap()
    };
    assert_eq!(positions(view, 2), [0, 2]);
    drop(snapshot);
    // A hidden link has no place.
    erase_downloaded(&database);
    let snapshot = database.read().unwrap();
    assert_eq!(positions(snapshot.view(), 2), [0, 1]);
}
