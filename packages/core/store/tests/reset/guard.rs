//! Which resets are begun after which.

use super::common::*;
use super::scene::*;
use tidemark_store::StoreError;
use tidemark_store::sync::{
    ResetAction, ResetDemand, ResetFailure, ResetMode, ResetPolicy, decide,
};

/// Pending (mode and action), policy, action, and what follows.
const TABLE: &str = "
    -                recover  reset    -> recover
    -                either   reset    -> recover
    -                discard  reset    -> discard
    -                recover  without  -> forbidden
    -                either   without  -> discard
    -                discard  without  -> discard
    recover/reset    recover  reset    -> again
    recover/reset    either   reset    -> discard
    recover/reset    discard  reset    -> discard
    discard/reset    recover  reset    -> again
    discard/reset    either   reset    -> again
    discard/reset    discard  reset    -> again
    discard/without  recover  without  -> forbidden
    discard/without  either   without  -> again
    discard/without  discard  without  -> again
    recover/reset    recover  without  -> forbidden
    recover/reset    either   without  -> discard
    recover/reset    discard  without  -> discard
    discard/reset    either   without  -> discard
    discard/reset    discard  without  -> discard
    discard/without  recover  reset    -> recover
    discard/without  either   reset    -> recover
    discard/without  discard  reset    -> discard";

fn mode(word: &str) -> ResetMode {
    match word {
        "recover" => ResetMode::Recover,
        "discard" => ResetMode::Discard,
        other => panic!("{other}"),
    }
}

fn action(word: &str) -> ResetAction {
    match word {
        "reset" => ResetAction::Reset,
        "without" => ResetAction::ResetWithoutRecovery,
        other => panic!("{other}"),
    }
}

#[test]
fn the_table() {
    for row in TABLE.trim().lines() {
        let words: Vec<&str> = row.split_whitespace().collect();
        let [pending, policy, demanded, _, wanted] = words[..] else {
            panic!("{row}");
        };
        let previous = pending
            .split_once('/')
            .map(|(before, demanded)| (mode(before), action(demanded)));
        let policy = match policy {
            "recover" => ResetPolicy::Recover,
            "either" => ResetPolicy::RecoverOrDiscard,
            _ => ResetPolicy::Discard,
        };
        let wanted = match (wanted, previous) {
            ("forbidden", _) => Err(ResetFailure::RecoveryForbidden),
            ("again", Some((mode, _))) => Err(ResetFailure::Repeated { mode }),
            (word, _) => Ok(mode(word)),
        };
        assert_eq!(decide(previous, policy, action(demanded)), wanted, "{row}");
    }
}

#[test]
fn the_record_lasts_until_the_reset_is_finished() {
    let scene = scene(&people(&[1]), &[]);
    assert_eq!(scene.local.pending_reset().unwrap(), None);
    let asked = ResetDemand {
        error_message: "größer".to_owned(),
        ..demand(ResetPolicy::RecoverOrDiscard)
    };
    assert_eq!(scene.local.begin_reset(&asked).unwrap(), ResetMode::Recover);
    let reopened = reopen(&scene.storage);
    let pending = reopened.pending_reset().unwrap().unwrap();
    assert_eq!(
        (
            pending.mode,
            pending.action,
            pending.begun_at_ms,
            pending.error_code
        ),
        (ResetMode::Recover, ResetAction::Reset, 5, 208)
    );
    assert_eq!(pending.error_message, "größer");
    // The second attempt discards, the third one is refused, and the record is still the second's.
    assert_eq!(reopened.begin_reset(&asked).unwrap(), ResetMode::Discard);
    let refused = reopened.begin_reset(&asked).unwrap_err();
    assert_eq!(refused.code(), "client-reset-failed");
    assert_eq!(
        reopened.pending_reset().unwrap().unwrap().mode,
        ResetMode::Discard
    );
    reopened.reset_from(&scene.fresh, 70).unwrap();
    assert!(reopened.pending_reset().unwrap().is_some());
    reopened.finish_reset().unwrap();
    assert_eq!(reopened.pending_reset().unwrap(), None);
    reopened.finish_reset().unwrap();
}

#[test]
fn nothing_is_reset_that_was_not_begun() {
    let scene = scene(&people(&[1]), &[]);
    let refused = scene.local.reset_from(&scene.fresh, 70);
    assert!(matches!(
        refused,
        Err(StoreError::ResetFailed(ResetFailure::NotBegun))
    ));
}
