//! Traces: what was said, on one line each.

use tidemark_changeset::codec;

use crate::client::Message;
use crate::peer::Answer;

pub fn message(message: &Message) -> String {
    match message {
        Message::Upload {
            progress,
            locked,
            changes,
        } => {
            let changes: Vec<String> = changes
                .iter()
                .map(|change| {
                    format!(
                        "cv {} base {} {}",
                        change.client_version,
                        change.base,
                        instructions(&change.instructions)
                    )
                })
                .collect();
            format!("upload {progress:?} {locked} {changes:?}")
        }
        other => format!("{other:?}"),
    }
}

pub fn answer(answer: &Answer) -> String {
    match answer {
        Answer::Mark => "mark".to_owned(),
        Answer::Compensation(version, client) => format!("231 {version} {client}"),
        Answer::Part(part) => {
            let entries = tidemark_changeset::body::parse_download_body(
                &part.body,
                tidemark_changeset::body::BodyLimits::default(),
            )
            .expect("the server writes what can be read");
            let entries: Vec<String> = entries
                .iter()
                .map(|entry| {
                    let changeset =
                        codec::decode(entry.changeset).expect("the server writes what can be read");
                    format!(
                        "[v{} cv{} ts{} #{} {}]",
                        entry.server_version,
                        entry.client_version,
                        entry.timestamp,
                        entry.origin_file_ident,
                        instructions(&changeset.instructions)
                    )
                })
                .collect();
            format!(
                "download ({}, {}) up ({}, {}) qv {} {:?} {}",
                part.download_server_version,
                part.download_client_version,
                part.upload_client_version,
                part.upload_server_version,
                part.query_version,
                part.batch_state,
                entries.join(" ")
            )
        }
    }
}

pub fn instructions(instructions: &[tidemark_changeset::Instruction]) -> String {
    use tidemark_changeset::Instruction as I;
    let one = |instruction: &I| match instruction {
        I::AddTable { .. } | I::AddColumn { .. } => "schema".to_owned(),
        I::CreateObject { key, .. } => format!("create {key:?}"),
        I::EraseObject { key, .. } => format!("erase {key:?}"),
        I::Update { target, value, .. } => format!(
            "{:?}.{}{:?}={value:?}",
            target.key, target.field, target.path
        ),
        other => format!("{other:?}"),
    };
    let mut all: Vec<String> = instructions.iter().map(one).collect();
    all.dedup();
    all.join("; ")
}
