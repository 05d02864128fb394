//! What a reset leaves in the file beside the objects: ident, cursors, history, counters, subscriptions.

use super::common::*;
use super::scene::*;
use tidemark_changeset::PrimaryKey;
use tidemark_store::sync::{
    BootstrapPart, DownloadProgress, DropReason, ResetMode, ResetPolicy, Subscription,
    SubscriptionState, SyncState,
};

#[test]
fn ident_cursors_and_counters_are_the_fresh_ones() {
    let scene = scene(&people(&[1]), &people(&[2]));
    let header = DownloadProgress {
        latest_server_version: FRESH_VERSION + 5,
        ..progress(FRESH_VERSION, 0)
    };
    integrate(&scene.fresh, header, &[]).unwrap();
    let first = scene.write(|write| write.set(&at(0, AGE), false, &number(5)).unwrap());
    let second = scene.write(|write| _ = create(write, 3));
    // The first one is acknowledged: it is the server's, and what became of it is in the fresh copy.
    integrate(&scene.local, progress(BASE_VERSION, first), &[]).unwrap();
    let before = scene.local.version();
    let report = scene.recover_all();
    assert_eq!((report.changesets, report.changesets_recovered), (1, 1));
    assert_eq!((report.version, report.file_ident), (before + 1, 7));
    let uploads = emitted(&scene.local);
    assert_eq!(uploads, [(second, people(&[3]))]);
    let bytes = tidemark_changeset::codec::encode(&people(&[3])).len() as u64;
    let wanted = SyncState {
        file_ident: 7,
        file_ident_salt: 107,
        progress: DownloadProgress {
            download_server_version: FRESH_VERSION,
            latest_server_version: FRESH_VERSION + 5,
            latest_server_version_salt: 7,
            ..DownloadProgress::default()
        },
        client_version: before + 1,
        newest_uploadable_version: second,
        bytes_uploaded: 0,
        bytes_uploadable: bytes,
        bytes_downloaded: 0,
        bytes_downloadable: 0,
        pending_bootstrap_bytes: 0,
    };
    assert_eq!(scene.local.sync_state().unwrap(), wanted);
    assert_eq!(reopen(&scene.storage).sync_state().unwrap(), wanted);
    assert_eq!(scene.field(1, AGE), tidemark_model::Node::NULL);
}

/// A server that was restored gives idents away again. The salt tells the files apart.
#[test]
fn the_fresh_ident_may_be_the_old_one_with_another_salt() {
    let first = schema();
    let (storage, local) = downloaded_as(2, 102, BASE_VERSION, &first);
    let (_, fresh) = downloaded_as(2, 900, FRESH_VERSION, &first);
    let scene = Scene {
        storage,
        local,
        fresh,
    };
    scene.write(|write| _ = create(write, 3));
    let report = scene.recover_all();
    assert_eq!((report.file_ident, report.changesets_recovered), (2, 1));
    assert_eq!(scene.local.sync_state().unwrap().file_ident_salt, 900);
    assert_eq!(scene.uploads(), people(&[3]));
}

/// The changesets keep their versions and times, and are merged and acknowledged like any others.
#[test]
fn recovered_changesets_are_merged_and_acknowledged() {
    let scene = scene(&people(&[1]), &[]);
    let version = scene.write(|write| {
        write
            .set(&at(0, NAME), false, &payload(text("ours")))
            .unwrap();
    });
    scene.recover_all();
    let upload = scene.local.next_upload(0, 0, u64::MAX, u64::MAX).unwrap();
    assert_eq!(
        (upload.entries, upload.progress_server_version),
        (1, FRESH_VERSION)
    );
    // Made at 50, before ours: it loses. Another one, made at 80, wins.
    for (server_version, timestamp, wins) in [(21, 50, false), (22, 80, true)] {
        let theirs = [update(1, "name", text("theirs"))];
        let body = body_at(timestamp, &[(server_version, 0, &theirs)]);
        integrate(&scene.local, progress(server_version, 0), &body).unwrap();
        let wanted = if wins { "theirs" } else { "ours" };
        assert_eq!(
            scene.field(1, NAME),
            tidemark_model::Node::Value(text(wanted))
        );
    }
    integrate(&scene.local, progress(23, version), &[]).unwrap();
    let state = scene.local.sync_state().unwrap();
    assert_eq!(state.bytes_uploaded, state.bytes_uploadable);
    assert_eq!(emitted(&scene.local), []);
}

/// A version that the copy's session may have told the server of is never used for a recovered changeset.
#[test]
fn versions_are_lifted_above_those_of_the_copy() {
    let scene = scene(&people(&[1]), &[]);
    for round in 0..10 {
        let version = FRESH_VERSION + round;
        integrate(&scene.fresh, progress(version, 0), &[]).unwrap();
    }
    let taken = scene.fresh.version();
    let first = scene.write(|write| _ = create(write, 3));
    scene.write(|_| ());
    let second = scene.write(|write| _ = create(write, 4));
    assert!(second < taken);
    let since = scene.local.version();
    scene.recover_all();
    let versions: Vec<u64> = emitted(&scene.local).iter().map(|entry| entry.0).collect();
    assert_eq!(versions, [taken + 1, taken + 1 + second - first]);
    assert_eq!(scene.local.version(), since + taken + 1 - first + 1);
    let state = scene.local.sync_state().unwrap();
    assert_eq!(state.newest_uploadable_version, versions[1]);
    assert!(scene.local.changes_since(since).complete);
    // What was known of the old history is forgotten.
    let theirs = [erase_instruction(3)];
    let next = FRESH_VERSION + 10;
    integrate(
        &scene.local,
        progress(next, 0),
        &body(&[(next, 0, &theirs)]),
    )
    .unwrap();
    let reopened = reopen(&scene.storage);
    assert_eq!(reopened.version(), scene.local.version());
    // Without anything to recover, the next write is above them too.
    let scene = self::scene(&[], &[]);
    for round in 0..10 {
        integrate(&scene.fresh, progress(FRESH_VERSION + round, 0), &[]).unwrap();
    }
    scene.discard();
    assert!(scene.local.version() > scene.fresh.version());
}

#[test]
fn a_changeset_that_comes_to_nothing_is_not_uploaded() {
    let scene = scene(&people(&[1]), &[erase_instruction(1)]);
    scene.write(|write| write.set(&at(0, AGE), false, &number(5)).unwrap());
    let report = scene.recover();
    assert_eq!((report.changesets, report.changesets_recovered), (1, 0));
    assert_eq!(
        scene.local.sync_state().unwrap().newest_uploadable_version,
        0
    );
    // The file goes on.
    let version = scene.write(|write| _ = create(write, 9));
    assert_eq!(emitted(&scene.local), [(version, people(&[9]))]);
}

/// Changes that downloads have transformed are recovered in their transformed form.
#[test]
fn the_reciprocal_form_is_replayed() {
    let base = [people(&[1]), numbers(1, 0, &[1])].concat();
    let theirs = numbers(1, 1, &[2, 3]);
    let scene = scene(&base, &theirs);
    scene.write(|write| {
        write
            .list_insert(&below(0, NUMBERS, &[visible(1)]), &number(9))
            .unwrap();
    });
    integrate(
        &scene.local,
        progress(11, 0),
        &body_at(40, &[(11, 0, &theirs)]),
    )
    .unwrap();
    assert_eq!(scene.field(1, NUMBERS), ints(&[1, 2, 3, 9]));
    scene.recover_all();
    assert_eq!(scene.field(1, NUMBERS), ints(&[1, 2, 3, 9]));
    assert_eq!(scene.uploads(), numbers(1, 3, &[9]));
}

#[test]
fn discarding_leaves_nothing_to_upload() {
    let scene = scene(&people(&[1]), &people(&[2]));
    scene.write(|write| _ = create(write, 3));
    scene.write(|write| _ = create(write, 4));
    let report = scene.discard();
    assert_eq!((report.mode, report.changesets), (ResetMode::Discard, 2));
    assert_eq!((report.objects_created, report.objects_deleted), (1, 2));
    assert_eq!(scene.uploads(), []);
    let state = scene.local.sync_state().unwrap();
    assert_eq!(
        (state.newest_uploadable_version, state.bytes_uploadable),
        (0, 0)
    );
    assert_eq!(model(&scene.local), model(&scene.fresh));
}

/// A new object is told of as a whole, of others the fields that were written.
#[test]
fn what_is_discarded_is_reported_and_the_report_is_kept() {
    let scene = scene(&people(&[1, 2]), &[]);
    assert_eq!(scene.local.reset_reports().unwrap(), None);
    let first = scene.write(|write| {
        create(write, 3);
        write.set(&at(0, AGE), false, &number(3)).unwrap();
        write.set(&at(0, AGE), false, &number(4)).unwrap();
    });
    let second = scene.write(|write| write.erase(PERSON, 1).unwrap());
    let report = scene.discard();
    let told: Vec<_> = report
        .dropped
        .iter()
        .map(|dropped| {
            assert_eq!(dropped.reason, DropReason::Discarded);
            let field = dropped.field.as_ref().map(ToString::to_string);
            (dropped.client_version, dropped.key.clone(), field)
        })
        .collect();
    let wanted = [
        (first, PrimaryKey::Int(3), None),
        (first, PrimaryKey::Int(1), Some("age".to_owned())),
        (second, PrimaryKey::Int(2), None),
    ];
    assert_eq!(told, wanted);
    assert_eq!(report.dropped_count, 3);
    // As long as nobody has taken note of it, a later one comes beside it.
    let (_, other) = downloaded(8, FRESH_VERSION, &[schema(), people(&[1, 2])].concat());
    scene.local.finish_reset().unwrap();
    scene
        .local
        .begin_reset(&demand(ResetPolicy::Recover))
        .unwrap();
    let later = scene.local.reset_from(&other, 80).unwrap();
    let reopened = reopen(&scene.storage);
    let texts = [&report, &later].map(tidemark_store::boundary::reset_report_text);
    assert_eq!(
        reopened.reset_reports().unwrap(),
        Some(format!("[{},{}]", texts[0], texts[1]))
    );
    reopened.forget_reset_reports().unwrap();
    assert_eq!(reopened.reset_reports().unwrap(), None);
}

fn subscribe(scene: &Scene, query: &str) -> u64 {
    let subscription = Subscription {
        class_name: "Person".to_owned(),
        query: query.to_owned(),
        ..Subscription::default()
    };
    scene
        .local
        .commit_subscription_set(vec![subscription], 1)
        .unwrap()
}

/// Versions and states of the sets.
fn sets(scene: &Scene) -> Vec<(u64, SubscriptionState)> {
    let sets = scene.local.subscription_sets().unwrap();
    sets.iter().map(|set| (set.version, set.state)).collect()
}

/// Set 1 is active, 2 is being answered, 3 waits.
fn with_sets() -> Scene {
    let scene = scene(&[], &[]);
    let active = subscribe(&scene, "age > 1");
    scene
        .local
        .set_subscription_state(active, SubscriptionState::AwaitingMark, None)
        .unwrap();
    let second = subscribe(&scene, "age > 2");
    subscribe(&scene, "age > 3");
    let part = BootstrapPart {
        query_version: second,
        is_first: true,
        is_last: false,
        progress: progress(BASE_VERSION + 1, 0),
        body: &body(&[(BASE_VERSION + 1, 0, &people(&[3]))]),
    };
    scene.local.store_bootstrap(&part).unwrap();
    scene
}

#[test]
fn after_recovering_the_active_set_is_complete_and_others_wait() {
    let scene = with_sets();
    let report = scene.recover();
    assert_eq!(report.subscription_sets_dropped, Vec::<u64>::new());
    let wanted = [
        (1, SubscriptionState::Complete),
        (2, SubscriptionState::Pending),
        (3, SubscriptionState::Pending),
    ];
    assert_eq!(sets(&scene), wanted);
    // The stored part was for another ident.
    assert_eq!(scene.local.sync_state().unwrap().pending_bootstrap_bytes, 0);
    assert!(!scene.local.discard_partial_bootstrap().unwrap());
}

#[test]
fn after_discarding_the_active_set_is_the_newest() {
    let scene = with_sets();
    let report = scene.discard();
    assert_eq!(report.subscription_sets_dropped, [2, 3]);
    assert_eq!(sets(&scene), [(1, SubscriptionState::Complete)]);
}

#[test]
fn without_an_active_set_the_empty_one_is_complete() {
    let scene = scene(&[], &[]);
    subscribe(&scene, "age > 1");
    scene.recover();
    let wanted = [
        (0, SubscriptionState::Complete),
        (1, SubscriptionState::Pending),
    ];
    assert_eq!(sets(&scene), wanted);
}

/// An edit of an object that left the view before the reset is not replayed: that is said.
#[test]
fn what_downloads_have_overruled_is_reported() {
    let scene = scene(&people(&[1, 2]), &[]);
    let version = scene.write(|write| {
        write.set(&at(0, NAME), false, &payload(text("a"))).unwrap();
        write.add_integer(&at(0, AGE), 1).unwrap();
        write.set(&at(1, NAME), false, &payload(text("b"))).unwrap();
    });
    let left = body(&[(BASE_VERSION + 1, 0, &[erase_instruction(1)])]);
    integrate(&scene.local, progress(BASE_VERSION + 1, 0), &left).unwrap();
    let report = scene.recover();
    assert_eq!(report.dropped_count, 1);
    assert_eq!(report.dropped[0].client_version, version);
    assert_eq!(report.dropped[0].key, PrimaryKey::Int(1));
    assert_eq!(report.dropped[0].reason, DropReason::Overruled);
    assert_eq!(
        emitted(&scene.local).len(),
        1,
        "the other edit is recovered"
    );
}
