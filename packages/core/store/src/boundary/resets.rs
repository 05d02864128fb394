//! The JSON of client resets.

use std::fmt::Write;

use tidemark_changeset::PathElement;
use tidemark_changeset::packed::write_key;

use super::malformed;
use crate::Result;
use crate::json::{Json, write_array, write_string};
use crate::sync::{
    DropReason, Dropped, PendingReset, ResetAction, ResetDemand, ResetMode, ResetPolicy,
    ResetReport,
};

fn policy_of(name: &str) -> Result<ResetPolicy> {
    match name {
        "recover" => Ok(ResetPolicy::Recover),
        "recover-or-discard" => Ok(ResetPolicy::RecoverOrDiscard),
        "discard" => Ok(ResetPolicy::Discard),
        _ => Err(malformed("there is no such policy of resets")),
    }
}

fn action_of(allows_recovery: bool) -> ResetAction {
    if allows_recovery {
        ResetAction::Reset
    } else {
        ResetAction::ResetWithoutRecovery
    }
}

/// A policy and an action by what the boundary calls them.
pub fn check_of(policy: &str, allows_recovery: bool) -> Result<(ResetPolicy, ResetAction)> {
    Ok((policy_of(policy)?, action_of(allows_recovery)))
}

/// The name of a mode.
pub fn reset_mode_name(mode: ResetMode) -> &'static str {
    match mode {
        ResetMode::Recover => "recover",
        ResetMode::Discard => "discard",
    }
}

/// Reads `{ policy, allowsRecovery, nowMs, errorCode, errorMessage }`.
pub fn demand_of(text: &str) -> Result<ResetDemand> {
    let json = Json::parse(text).ok_or_else(|| malformed("the demand is not JSON"))?;
    let policy = json.get("policy").and_then(Json::as_str);
    let allows_recovery = json.get("allowsRecovery").and_then(Json::as_bool);
    let number = |name: &str| json.get(name).and_then(Json::as_u64).unwrap_or(0);
    let message = json.get("errorMessage").and_then(Json::as_str);
    Ok(ResetDemand {
        policy: policy_of(policy.unwrap_or_default())?,
        action: action_of(allows_recovery.unwrap_or(false)),
        now_ms: number("nowMs"),
        error_code: u32::try_from(number("errorCode")).unwrap_or(0),
        error_message: message.unwrap_or_default().to_owned(),
    })
}

/// Writes a `PendingReset`.
pub fn pending_reset_text(pending: &PendingReset) -> String {
    let mode = reset_mode_name(pending.mode);
    let allows_recovery = pending.action == ResetAction::Reset;
    let PendingReset {
        is_applied,
        attempts,
        begun_at_ms,
        error_code,
        ..
    } = pending;
    let mut out = format!(
        "{{\"mode\":\"{mode}\",\"allowsRecovery\":{allows_recovery},\"isApplied\":{is_applied}"
    );
    let _ = write!(
        out,
        ",\"attempts\":{attempts},\"begunAtMs\":{begun_at_ms},\"errorCode\":{error_code}"
    );
    out.push_str(",\"errorMessage\":");
    write_string(&mut out, &pending.error_message);
    out.push('}');
    out
}

/// Writes a `ResetReport`; keys of objects are packed, in hexadecimal digits.
pub fn reset_report_text(report: &ResetReport) -> String {
    let mut out = format!("{{\"mode\":\"{}\"", reset_mode_name(report.mode));
    let _ = write!(out, ",\"fileIdent\":\"{}\"", report.file_ident);
    let numbers = [
        ("version", report.version),
        ("changesets", report.changesets),
        ("changesetsRecovered", report.changesets_recovered),
        ("instructions", report.instructions),
        ("instructionsRecovered", report.instructions_recovered),
        ("instructionsNeedless", report.instructions_needless),
        (
            "instructionsInCopiedLists",
            report.instructions_in_copied_lists,
        ),
        ("listsCopied", report.lists_copied),
        ("droppedCount", report.dropped_count),
        ("objectsCreated", report.objects_created),
        ("objectsDeleted", report.objects_deleted),
        ("objectsChanged", report.objects_changed),
    ];
    for (name, number) in numbers {
        let _ = write!(out, ",\"{name}\":{number}");
    }
    out.push_str(",\"subscriptionSetsDropped\":");
    write_array(
        &mut out,
        &report.subscription_sets_dropped,
        |out, version| {
            let _ = write!(out, "{version}");
        },
    );
    out.push_str(",\"dropped\":");
    write_array(&mut out, &report.dropped, write_dropped);
    out.push('}');
    out
}

fn write_dropped(out: &mut String, dropped: &Dropped) {
    let _ = write!(out, "{{\"clientVersion\":{}", dropped.client_version);
    out.push_str(",\"className\":");
    write_string(out, &dropped.class.to_string());
    let mut key = Vec::new();
    write_key(&mut key, &dropped.key);
    out.push_str(",\"key\":\"");
    for byte in key {
        let _ = write!(out, "{byte:02x}");
    }
    out.push_str("\",\"field\":");
    match &dropped.field {
        Some(field) => write_string(out, &field.to_string()),
        None => out.push_str("null"),
    }
    out.push_str(",\"path\":");
    write_array(out, &dropped.path, |out, element| match element {
        PathElement::Index(index) => {
            let _ = write!(out, "{index}");
        }
        PathElement::Key(key) => write_string(out, &key.to_string()),
    });
    let (reason, detail) = reason_of(&dropped.reason);
    let _ = write!(out, ",\"reason\":\"{reason}\",\"detail\":");
    match detail {
        Some(detail) => write_string(out, &detail),
        None => out.push_str("null"),
    }
    out.push('}');
}

/// The name of a reason, and what else there is to say.
fn reason_of(reason: &DropReason) -> (&'static str, Option<String>) {
    match reason {
        DropReason::ObjectMissing => ("object-missing", None),
        DropReason::PathGone => ("path-gone", None),
        DropReason::LinkTargetMissing { link, became_null } => {
            let end = if *became_null {
                ", null stands there now"
            } else {
                ""
            };
            let text = format!("link to class {}{end}", link.class);
            ("link-target-missing", Some(text))
        }
        DropReason::NotAnInteger => ("not-an-integer", None),
        DropReason::DefaultOvertaken => ("default-overtaken", None),
        DropReason::ListNotCopied => ("list-not-copied", None),
        DropReason::Overruled => ("overruled", None),
        DropReason::Discarded => ("discarded", None),
        DropReason::Refused(problem) => ("refused", Some(problem.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::check_of;
    use tidemark_changeset::PrimaryKey;

    #[test]
    fn a_demand_is_read_and_nonsense_refused() {
        let text = r#"{"policy":"recover-or-discard","allowsRecovery":true,"nowMs":5,"errorCode":222,"errorMessage":"away"}"#;
        let demand = demand_of(text).expect("a demand");
        assert_eq!(demand.policy, ResetPolicy::RecoverOrDiscard);
        assert_eq!(demand.action, ResetAction::Reset);
        assert_eq!((demand.now_ms, demand.error_code), (5, 222));
        assert_eq!(demand.error_message, "away");
        for text in ["", "{}", r#"{"policy":"manual"}"#, "[1]"] {
            assert_eq!(
                demand_of(text).map_err(|error| error.code()).err(),
                Some("malformed-argument")
            );
        }
        assert_eq!(
            check_of("discard", false).expect("a policy"),
            (ResetPolicy::Discard, ResetAction::ResetWithoutRecovery)
        );
    }

    #[test]
    fn what_was_dropped_is_written_out() {
        let dropped = Dropped {
            client_version: 7,
            class: "Dog".into(),
            key: PrimaryKey::Int(1),
            field: Some("tags".into()),
            path: vec![PathElement::Index(2), PathElement::Key("a\"".into())],
            reason: DropReason::Refused(tidemark_model::Problem::TooDeep),
        };
        let mut out = String::new();
        write_dropped(&mut out, &dropped);
        let json = Json::parse(&out).expect("JSON");
        let text = |name: &str| json.get(name).and_then(Json::as_str);
        assert_eq!(text("key"), Some("010100000000000000"));
        assert_eq!(
            (text("field"), text("reason")),
            (Some("tags"), Some("refused"))
        );
        assert!(text("detail").is_some());
        let path = json.get("path").and_then(Json::as_array).expect("a path");
        assert_eq!((path[0].as_u64(), path[1].as_str()), (Some(2), Some("a\"")));
    }
}
