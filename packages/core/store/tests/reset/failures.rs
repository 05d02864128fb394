//! Resets that cannot be done: the file is as it was.

use super::common::*;
use super::scene::*;
use std::sync::Arc;
use tidemark_changeset::{CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, TableSpec};
use tidemark_storage::OrderedStorage;
use tidemark_store::Database;
use tidemark_store::sync::{BootstrapPart, ResetFailure, ResetPolicy};

fn add_table(class: &str, key_type: KeyType) -> Instruction {
    let spec = TableSpec::TopLevel {
        key_field: "_id".into(),
        key_type,
        key_nullable: false,
        asymmetric: false,
    };
    let class = class.into();
    Instruction::AddTable { class, spec }
}

fn add_integers(class: &str, field: &str) -> Instruction {
    add_column(class, field, ColumnType::Int, CollectionKind::Single)
}

/// A scene of two files that have nothing in common but what is given.
fn two(local: &[Instruction], fresh: &[Instruction]) -> Scene {
    let (storage, local) = downloaded(2, BASE_VERSION, local);
    let (_, fresh) = downloaded(7, FRESH_VERSION, fresh);
    Scene {
        storage,
        local,
        fresh,
    }
}

/// Whatever fails, nothing has changed.
fn fails(scene: &Scene, policy: ResetPolicy) -> ResetFailure {
    let before = (
        model(&scene.local),
        scene.local.sync_state().unwrap(),
        emitted(&scene.local),
    );
    let failure = scene.failure(policy);
    let after = (
        model(&scene.local),
        scene.local.sync_state().unwrap(),
        emitted(&scene.local),
    );
    assert_eq!(before, after);
    failure
}

#[test]
fn a_class_that_is_missing_remotely() {
    let (a, b) = (add_table("A", KeyType::Int), add_table("B", KeyType::Int));
    let scene = two(&[a.clone(), b], &[a]);
    let wanted = ResetFailure::ClassMissing("B".into());
    assert_eq!(fails(&scene, ResetPolicy::Discard), wanted);
}

#[test]
fn a_column_that_is_missing_remotely() {
    let a = add_table("A", KeyType::Int);
    let scene = two(&[a.clone(), add_integers("A", "n")], &[a]);
    let wanted = ResetFailure::ColumnMissing("A".into(), "n".into());
    assert_eq!(fails(&scene, ResetPolicy::Recover), wanted);
}

#[test]
fn a_class_of_another_kind() {
    let embedded = Instruction::AddTable {
        class: "A".into(),
        spec: TableSpec::Embedded,
    };
    for other in [embedded, add_table("A", KeyType::String)] {
        let scene = two(&[add_table("A", KeyType::Int)], &[other]);
        assert_eq!(
            fails(&scene, ResetPolicy::Discard),
            ResetFailure::ClassDiffers("A".into())
        );
    }
}

#[test]
fn a_column_of_another_type() {
    let a = add_table("A", KeyType::Int);
    let nullable = ColumnSpec::new(ColumnType::Int, true, CollectionKind::Single, None);
    let nullable = Instruction::AddColumn {
        class: "A".into(),
        field: "n".into(),
        spec: nullable,
    };
    let others = [
        add_column("A", "n", ColumnType::Double, CollectionKind::Single),
        add_column("A", "n", ColumnType::Int, CollectionKind::Set),
        nullable,
    ];
    for other in others {
        let scene = two(&[a.clone(), add_integers("A", "n")], &[a.clone(), other]);
        let wanted = ResetFailure::ColumnDiffers("A".into(), "n".into());
        assert_eq!(fails(&scene, ResetPolicy::Discard), wanted);
    }
}

/// Classes and columns that were made here and never uploaded.
#[test]
fn a_new_class_is_recovered_but_cannot_be_discarded() {
    let a = add_table("A", KeyType::Int);
    let made = [
        add_table("B", KeyType::Int),
        add_integers("B", "n"),
        add_integers("A", "n"),
    ];
    let prepare = |fresh: &[Instruction]| {
        let scene = two(std::slice::from_ref(&a), fresh);
        scene.write(|write| {
            for made in &made {
                write.change_schema(made).unwrap();
            }
        });
        scene
    };
    let wanted = ResetFailure::ColumnMissing("A".into(), "n".into());
    assert_eq!(
        fails(&prepare(std::slice::from_ref(&a)), ResetPolicy::Discard),
        wanted
    );
    let scene = prepare(std::slice::from_ref(&a));
    scene.recover_all();
    assert_eq!(scene.uploads(), made);
    // It is emitted again even where somebody else has made it meanwhile.
    let scene = prepare(&[std::slice::from_ref(&a), &made[..]].concat());
    scene.recover_all();
    assert_eq!(scene.uploads(), made);
}

#[test]
fn a_new_class_that_conflicts() {
    let a = add_table("A", KeyType::Int);
    let column = add_column("A", "n", ColumnType::Double, CollectionKind::Single);
    let scene = two(std::slice::from_ref(&a), &[a.clone(), column]);
    scene.write(|write| write.change_schema(&add_integers("A", "n")).unwrap());
    let failure = fails(&scene, ResetPolicy::Recover);
    assert!(
        matches!(failure, ResetFailure::SchemaConflict(_)),
        "{failure:?}"
    );
}

#[test]
fn an_erased_class_or_column() {
    let schema = [add_table("A", KeyType::Int), add_integers("A", "n")];
    let erased = [
        Instruction::EraseTable { class: "A".into() },
        Instruction::EraseColumn {
            class: "A".into(),
            field: "n".into(),
        },
    ];
    for erase in erased {
        let scene = two(&schema, &schema);
        scene.write(|write| write.change_schema(&erase).unwrap());
        assert_eq!(
            fails(&scene, ResetPolicy::Recover),
            ResetFailure::SchemaErased("A".into())
        );
    }
}

#[test]
fn a_copy_without_an_ident_of_its_own() {
    let first = schema();
    for ident in [0, 2] {
        let (storage, local) = downloaded(2, BASE_VERSION, &first);
        let (_, fresh) = downloaded(ident, FRESH_VERSION, &first);
        let scene = Scene {
            storage,
            local,
            fresh,
        };
        assert_eq!(
            fails(&scene, ResetPolicy::Recover),
            ResetFailure::NoFreshIdent
        );
    }
}

#[test]
fn a_copy_that_was_written_to() {
    let scene = scene(&[], &[]);
    write(&scene.fresh, 60, |write| _ = create(write, 5));
    assert_eq!(
        fails(&scene, ResetPolicy::Recover),
        ResetFailure::FreshCopyWritten
    );
}

#[test]
fn a_copy_with_a_waiting_bootstrap() {
    let scene = scene(&[], &[]);
    for is_last in [false, true] {
        let part = BootstrapPart {
            query_version: 0,
            is_first: !is_last,
            is_last,
            progress: progress(FRESH_VERSION + 1, 0),
            body: &body(&[(FRESH_VERSION + 1, 0, &people(&[3]))]),
        };
        scene.fresh.store_bootstrap(&part).unwrap();
        assert_eq!(
            fails(&scene, ResetPolicy::RecoverOrDiscard),
            ResetFailure::FreshCopyIncomplete
        );
        scene.local.finish_reset().unwrap();
    }
}

#[test]
fn a_file_that_is_not_synchronised() {
    let scene = scene(&[], &[]);
    let options = tidemark_store::DatabaseOptions {
        is_synced: false,
        ..Default::default()
    };
    let plain = Database::open(Arc::new(OrderedStorage::new()), options).unwrap();
    assert_eq!(
        plain.reset_from(&scene.fresh, 1).unwrap_err().code(),
        "not-synced"
    );
}
