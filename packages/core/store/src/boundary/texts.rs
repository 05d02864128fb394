//! The rare calls' JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use tidemark_storage::Sizes;

use super::{malformed, number_of};
use crate::changes::ClassChanges;
use crate::json::{Json, write_array, write_string};
use crate::sync::{
    BootstrapApplied, DownloadProgress, Integrated, RuleFields, Subscription, SubscriptionSet,
    SyncState, Upload,
};
use crate::{
    Changes, ClassNames, CopyForm, DatabaseOptions, ListEdit, ListEdits, QueryNames, Result,
};

/// Reads `{ synced, readOnly? }`; the second answer is whether only reading is allowed.
pub fn options_of(text: &str) -> Result<(DatabaseOptions, bool)> {
    let json = Json::parse(text).ok_or_else(|| malformed("the options are not JSON"))?;
    let flag = |name: &str| json.get(name).and_then(Json::as_bool).unwrap_or(false);
    let options = DatabaseOptions {
        is_synced: flag("synced"),
        ..DatabaseOptions::default()
    };
    Ok((options, flag("readOnly")))
}

/// Reads what a copy is to be: `local` or `synced`.
pub fn copy_form_of(name: &str) -> Result<CopyForm> {
    match name {
        "local" => Ok(CopyForm::Local),
        "synced" => Ok(CopyForm::Synced),
        _ => Err(malformed("there is no such form of a copy")),
    }
}

/// Writes what `sizes` answers.
pub fn sizes_text(sizes: Sizes) -> String {
    let (total, used) = (sizes.total_bytes, sizes.used_bytes);
    format!("{{\"totalBytes\":{total},\"usedBytes\":{used}}}")
}

/// Writes what `changesSince` answers.
pub fn changes_text(changes: &Changes) -> String {
    let (to, complete, schema) = (changes.to, changes.complete, changes.schema);
    let mut out =
        format!("{{\"to\":{to},\"complete\":{complete},\"schema\":{schema},\"classes\":{{");
    for (index, (name, class)) in changes.classes.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(&mut out, &name.to_string());
        write_class(&mut out, class);
    }
    out.push_str("}}");
    out
}

fn write_numbers<T: std::fmt::Display>(out: &mut String, numbers: impl IntoIterator<Item = T>) {
    write_array(out, numbers, |out, number| {
        let _ = write!(out, "{number}");
    });
}

fn write_class(out: &mut String, class: &ClassChanges) {
    out.push_str(":{\"inserted\":");
    write_numbers(out, &class.inserted);
    out.push_str(",\"deleted\":");
    write_numbers(out, &class.deleted);
    out.push_str(",\"modified\":{");
    let mut modified: Vec<_> = class.modified.iter().collect();
    modified.sort_unstable_by_key(|(object, _)| **object);
    for (index, (object, columns)) in modified.into_iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let _ = write!(out, "{comma}\"{object}\":");
        write_numbers(out, columns.iter());
    }
    out.push('}');
    if !class.lists.is_empty() {
        out.push_str(",\"lists\":");
        write_array(out, &class.lists, write_list);
    }
    out.push('}');
}

/// Writes the edits of a list: object, column, then for each edit a code and its indexes, or nothing but
/// `null`.
fn write_list(out: &mut String, ((object, column), edits): (&(u64, u16), &ListEdits)) {
    let _ = write!(out, "[{object},{column},");
    match edits {
        None => out.push_str("null"),
        Some(edits) => write_array(out, edits, |out, edit| {
            let _ = match edit {
                ListEdit::Insert { at } => write!(out, "0,{at},0"),
                ListEdit::Erase { at } => write!(out, "1,{at},0"),
                ListEdit::Set { at } => write!(out, "2,{at},0"),
                ListEdit::Move { from, to } => write!(out, "3,{from},{to}"),
                ListEdit::Clear { size } => write!(out, "4,{size},0"),
            };
        }),
    }
    out.push(']');
}

/// Writes a `SyncState`.
pub fn sync_state_text(state: &SyncState) -> String {
    let progress = &state.progress;
    let mut out = format!(
        "{{\"fileIdent\":\"{}\",\"fileIdentSalt\":\"{}\"",
        state.file_ident, state.file_ident_salt
    );
    let _ = write!(
        out,
        ",\"latestServerVersionSalt\":\"{}\"",
        progress.latest_server_version_salt
    );
    let numbers = [
        ("downloadServerVersion", progress.download_server_version),
        ("downloadClientVersion", progress.download_client_version),
        ("latestServerVersion", progress.latest_server_version),
        ("uploadClientVersion", progress.upload_client_version),
        ("uploadServerVersion", progress.upload_server_version),
        ("clientVersion", state.client_version),
        ("newestUploadableVersion", state.newest_uploadable_version),
        ("bytesUploaded", state.bytes_uploaded),
        ("bytesUploadable", state.bytes_uploadable),
        ("bytesDownloaded", state.bytes_downloaded),
        ("bytesDownloadable", state.bytes_downloadable),
        ("pendingBootstrapBytes", state.pending_bootstrap_bytes),
    ];
    for (name, number) in numbers {
        let _ = write!(out, ",\"{name}\":{number}");
    }
    out.push('}');
    out
}

/// Reads a `DownloadProgress`.
pub fn progress_of(text: &str) -> Result<DownloadProgress> {
    let json = Json::parse(text).ok_or_else(|| malformed("the progress is not JSON"))?;
    let number = |name: &str| {
        let number = json.get(name).and_then(Json::as_u64);
        number.ok_or_else(|| malformed(&format!("the progress has no {name}")))
    };
    Ok(DownloadProgress {
        download_server_version: number("downloadServerVersion")?,
        download_client_version: number("downloadClientVersion")?,
        latest_server_version: number("latestServerVersion")?,
        latest_server_version_salt: number("latestServerVersionSalt")?,
        upload_client_version: number("uploadClientVersion")?,
        upload_server_version: number("uploadServerVersion")?,
        progress_estimate: json
            .get("progressEstimate")
            .and_then(Json::as_f64)
            .unwrap_or(1.0),
    })
}

/// Writes an upload: `f64` client version, `f64` server version, `u32` entries, body.
pub fn upload_bytes(upload: &Upload) -> Vec<u8> {
    let mut out = Vec::with_capacity(upload.body.len() + 20);
    out.extend_from_slice(&number_of(upload.progress_client_version).to_le_bytes());
    out.extend_from_slice(&number_of(upload.progress_server_version).to_le_bytes());
    out.extend_from_slice(&upload.entries.to_le_bytes());
    out.extend_from_slice(&upload.body);
    out
}

/// Writes what `integrate` answers.
pub fn integrated_text(integrated: Integrated) -> String {
    format!(
        "{{\"version\":{},\"done\":{}}}",
        integrated.version, integrated.is_done
    )
}

/// Writes what `applyBootstrap` answers; query version −1 says that none was waiting.
pub fn bootstrap_text(applied: BootstrapApplied) -> String {
    let query_version = applied
        .query_version
        .map_or_else(|| "-1".to_owned(), |version| version.to_string());
    let (version, done) = (applied.version, applied.is_done);
    format!("{{\"version\":{version},\"done\":{done},\"queryVersion\":{query_version}}}")
}

fn write_optional(out: &mut String, text: Option<&str>) {
    match text {
        Some(text) => write_string(out, text),
        None => out.push_str("null"),
    }
}

/// Writes `SubscriptionSetInformation[]`.
pub fn subscription_sets_text(sets: &[SubscriptionSet]) -> String {
    let mut out = String::new();
    write_array(&mut out, sets, |out, set| {
        let (version, state) = (set.version, set.state.name());
        let _ = write!(
            out,
            "{{\"version\":{version},\"state\":\"{state}\",\"error\":"
        );
        write_optional(out, set.error.as_deref());
        let _ = write!(
            out,
            ",\"snapshotVersion\":{},\"subscriptions\":",
            set.snapshot_version
        );
        write_array(out, &set.subscriptions, |out, subscription| {
            out.push_str("{\"id\":");
            write_string(out, &subscription.id);
            out.push_str(",\"name\":");
            write_optional(out, subscription.name.as_deref());
            out.push_str(",\"className\":");
            write_string(out, &subscription.class_name);
            out.push_str(",\"query\":");
            write_string(out, &subscription.query);
            let (created, updated) = (subscription.created_at_ms, subscription.updated_at_ms);
            let _ = write!(
                out,
                ",\"createdAtMs\":{created},\"updatedAtMs\":{updated}}}"
            );
        });
        out.push('}');
    });
    out
}

/// Reads `SubscriptionInformation[]`.
pub fn subscriptions_of(text: &str) -> Result<Vec<Subscription>> {
    let json = Json::parse(text).ok_or_else(|| malformed("the subscriptions are not JSON"))?;
    let listed = json
        .as_array()
        .ok_or_else(|| malformed("the subscriptions are not a list"))?;
    listed.iter().map(read_subscription).collect()
}

/// Reads `{ <class>: [<field>, …], … }`.
pub fn rule_fields_of(text: &str) -> Result<RuleFields> {
    let wrong = || malformed("the fields of rules are not lists of names by class");
    let Some(Json::Object(classes)) = Json::parse(text) else {
        return Err(wrong());
    };
    let read = |(class, fields): (String, Json)| {
        let fields = fields.as_array().ok_or_else(wrong)?;
        let name = |field: &Json| field.as_str().map(str::to_owned).ok_or_else(wrong);
        Ok((class, fields.iter().map(name).collect::<Result<_>>()?))
    };
    classes.into_iter().map(read).collect()
}

/// Names that queries may use: by class `stored`, the application's names of properties with those of the
/// file, `linking`, names of linking objects with class and property of the origin, and `fullText`, the
/// properties, by their names in the file, that may be searched for words.
pub fn query_names_of(text: &str) -> Result<QueryNames> {
    let wrong = || malformed("the names for queries are not names by class");
    let named = |json: &Json| json.as_str().map(str::to_owned).ok_or_else(wrong);
    let members = |json: Option<&Json>| match json {
        None => Ok(BTreeMap::new()),
        Some(Json::Object(members)) => Ok(members.clone()),
        Some(_) => Err(wrong()),
    };
    let mut names = QueryNames::default();
    let parsed = Json::parse(text).ok_or_else(wrong)?;
    for (class, json) in members(Some(&parsed))? {
        let mut known = ClassNames::default();
        for (name, stored) in members(json.get("stored"))? {
            known.properties.insert(name, named(&stored)?);
        }
        for (name, origin) in members(json.get("linking"))? {
            let [class, property] = origin.as_array().ok_or_else(wrong)? else {
                return Err(wrong());
            };
            known
                .linking
                .insert(name, (named(class)?, named(property)?));
        }
        let full_text = match json.get("fullText") {
            None => &[][..],
            Some(properties) => properties.as_array().ok_or_else(wrong)?,
        };
        known.full_text = full_text.iter().map(named).collect::<Result<_>>()?;
        names.classes.insert(class, known);
    }
    Ok(names)
}

fn read_subscription(json: &Json) -> Result<Subscription> {
    let text = |name: &str| {
        let text = json.get(name).and_then(Json::as_str).map(str::to_owned);
        text.ok_or_else(|| malformed(&format!("a subscription has no {name}")))
    };
    // Dates may come with a fraction; whole milliseconds are kept.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let date = |name: &str| {
        json.get(name)
            .and_then(Json::as_f64)
            .map_or(0, |date| date as u64)
    };
    Ok(Subscription {
        id: text("id")?,
        name: json.get("name").and_then(Json::as_str).map(str::to_owned),
        class_name: text("className")?,
        query: text("query")?,
        created_at_ms: date("createdAtMs"),
        updated_at_ms: date("updatedAtMs"),
    })
}
