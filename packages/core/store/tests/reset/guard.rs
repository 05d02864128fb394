//! Which resets are begun after which.

use super::common::*;
use super::scene::*;
use tidemark_store::StoreError;
use tidemark_store::sync::{
    ResetAction, ResetDemand, ResetFailure, ResetMode, ResetPolicy, decide,
};

#[test]
fn the_table() {
    use ResetAction::{Reset, ResetWithoutRecovery as Without};
    use ResetMode::{Discard, Recover};
    use ResetPolicy::RecoverOrDiscard as Either;
    let again = |mode| Err(ResetFailure::Repeated { mode });
    let forbidden = || Err(ResetFailure::RecoveryForbidden);
    let rows = [
        // Nothing is pending.
        (None, ResetPolicy::Recover, Reset, Ok(Recover)),
        (None, Either, Reset, Ok(Recover)),
        (None, ResetPolicy::Discard, Reset, Ok(Discard)),
        (None, ResetPolicy::Recover, Without, forbidden()),
        (None, Either, Without, Ok(Discard)),
        (None, ResetPolicy::Discard, Without, Ok(Discard)),
        // The same is demanded again.
        (
            Some((Recover, Reset)),
            ResetPolicy::Recover,
            Reset,
            again(Recover),
        ),
        (Some((Recover, Reset)), Either, Reset, Ok(Discard)),
        (
            Some((Recover, Reset)),
            ResetPolicy::Discard,
            Reset,
            Ok(Discard),
        ),
        (
            Some((Discard, Reset)),
            ResetPolicy::Recover,
            Reset,
            again(Discard),
        ),
        (Some((Discard, Reset)), Either, Reset, again(Discard)),
        (
            Some((Discard, Reset)),
            ResetPolicy::Discard,
            Reset,
            again(Discard),
        ),
        (
            Some((Discard, Without)),
            ResetPolicy::Recover,
            Without,
            forbidden(),
        ),
        (Some((Discard, Without)), Either, Without, again(Discard)),
        (
            Some((Discard, Without)),
            ResetPolicy::Discard,
            Without,
            again(Discard),
        ),
        // Something else is demanded: a new beginning.
        (
            Some((Recover, Reset)),
            ResetPolicy::Recover,
            Without,
            forbidden(),
        ),
        (Some((Recover, Reset)), Either, Without, Ok(Discard)),
        (
            Some((Recover, Reset)),
            ResetPolicy::Discard,
            Without,
            Ok(Discard),
        ),
        (
            Some((Discard, Reset)),
            ResetPolicy::Discard,
            Without,
            Ok(Discard),
        ),
        (
            Some((Discard, Without)),
            ResetPolicy::Recover,
            Reset,
            Ok(Recover),
        ),
        (Some((Discard, Without)), Either, Reset, Ok(Recover)),
        (
            Some((Discard, Without)),
            ResetPolicy::Discard,
            Reset,
            Ok(Discard),
        ),
    ];
    for (previous, policy, action, wanted) in rows {
        assert_eq!(
            decide(previous, policy, action),
            wanted,
            "{previous:?} {policy:?} {action:?}"
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
