//! Which resets are begun after which.

use super::common::*;
use super::scene::*;
use tidemark_store::StoreError;
use tidemark_store::sync::{
    PendingReset, ResetAction, ResetDemand, ResetFailure, ResetMode, ResetPolicy,
};

/// Pending (mode, action, and how it ended), policy, action, and what follows.
const TABLE: &str = "
    -                         recover  reset    -> recover
    -                         either   reset    -> recover
    -                         discard  reset    -> discard
    -                         recover  without  -> forbidden
    -                         either   without  -> discard
    -                         discard  without  -> discard
    recover/reset/done        recover  reset    -> again
    recover/reset/done        either   reset    -> discard
    recover/reset/done        discard  reset    -> discard
    discard/reset/done        recover  reset    -> again
    discard/reset/done        either   reset    -> again
    discard/reset/done        discard  reset    -> again
    discard/without/done      recover  without  -> forbidden
    discard/without/done      either   without  -> again
    discard/without/done      discard  without  -> again
    recover/reset/done        recover  without  -> forbidden
    recover/reset/done        either   without  -> discard
    recover/reset/done        discard  without  -> discard
    discard/reset/done        either   without  -> discard
    discard/reset/done        discard  without  -> discard
    discard/without/done      recover  reset    -> recover
    discard/without/done      either   reset    -> recover
    discard/without/done      discard  reset    -> discard
    recover/reset/died        recover  reset    -> recover
    recover/reset/died        either   reset    -> recover
    recover/reset/died        discard  reset    -> discard
    recover/reset/died        either   without  -> discard
    discard/reset/died        recover  reset    -> recover
    discard/reset/died        either   reset    -> discard
    discard/reset/died        discard  reset    -> discard
    recover/reset/died-thrice recover  reset    -> again
    recover/reset/died-thrice either   reset    -> discard
    discard/reset/died-thrice either   reset    -> again
    discard/reset/died-thrice discard  reset    -> again
    recover/reset/died-thrice discard  without  -> discard";

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
        let parts: Vec<&str> = pending.split('/').collect();
        let previous = match parts[..] {
            [before, demanded, end] => Some(PendingReset {
                mode: mode(before),
                action: action(demanded),
                is_applied: end == "done",
                attempts: if end == "died-thrice" { 3 } else { 1 },
                begun_at_ms: 5,
                error_code: 208,
                error_message: String::new(),
            }),
            _ => None,
        };
        let policy = match policy {
            "recover" => ResetPolicy::Recover,
            "either" => ResetPolicy::RecoverOrDiscard,
            _ => ResetPolicy::Discard,
        };
        let wanted = match (wanted, &previous) {
            ("forbidden", _) => Err(ResetFailure::RecoveryForbidden),
            ("again", Some(PendingReset { mode, .. })) => {
                Err(ResetFailure::Repeated { mode: *mode })
            }
            (word, _) => Ok(mode(word)),
        };
        assert_eq!(
            policy.decide(action(demanded), previous.as_ref()),
            wanted,
            "{row}"
        );
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
    // A process that died before the commit has changed nothing: the second attempt is like the first.
    assert!(!pending.is_applied);
    assert_eq!(reopened.begin_reset(&asked).unwrap(), ResetMode::Recover);
    assert_eq!(reopened.pending_reset().unwrap().unwrap().attempts, 2);
    reopened.reset_from(&scene.fresh, 70).unwrap();
    assert!(reopened.pending_reset().unwrap().unwrap().is_applied);
    // It did not help: the next one discards, and the one after it is refused.
    assert_eq!(
        reopened.check_reset(asked.policy, asked.action).unwrap(),
        ResetMode::Discard
    );
    assert_eq!(reopened.begin_reset(&asked).unwrap(), ResetMode::Discard);
    let (_, other) = downloaded(8, FRESH_VERSION, &schema());
    reopened.reset_from(&other, 80).unwrap();
    let refused = reopened.begin_reset(&asked).unwrap_err();
    assert_eq!(refused.code(), "client-reset-failed");
    let check = reopened.check_reset(asked.policy, asked.action);
    assert_eq!(check.unwrap_err().code(), "client-reset-failed");
    assert_eq!(
        reopened.pending_reset().unwrap().unwrap().mode,
        ResetMode::Discard
    );
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
