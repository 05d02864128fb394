//! What steps did, in words: comments of a printed script.

use tidemark_changeset::body::{BodyLimits, parse_download_body, parse_upload_body};
use tidemark_changeset::{Instruction, PathElement, Payload, Target, codec};

use super::messages::{Answer, Request};

fn place(target: &Target) -> String {
    let mut text = format!("{}[{:?}].{}", target.class, target.key, target.field);
    for element in &target.path {
        let step = match element {
            PathElement::Index(index) => format!("[{index}]"),
            PathElement::Key(key) => format!(".{key}"),
        };
        text.push_str(&step);
    }
    text
}

fn payload(value: &Payload) -> String {
    match value {
        Payload::Value(value) => format!("{value:?}"),
        marker => format!("{marker:?}"),
    }
}

fn instruction(instruction: &Instruction) -> String {
    match instruction {
        Instruction::CreateObject { class, key } => format!("create {class}[{key:?}]"),
        Instruction::EraseObject { class, key } => format!("erase {class}[{key:?}]"),
        Instruction::Update { target, value, .. } => {
            format!("{} = {}", place(target), payload(value))
        }
        Instruction::AddInteger { target, delta } => format!("{} += {delta}", place(target)),
        Instruction::ArrayInsert {
            target,
            value,
            prior_size,
        } => {
            format!(
                "insert {} of {prior_size} {}",
                place(target),
                payload(value)
            )
        }
        Instruction::ArrayMove {
            target,
            to,
            prior_size,
        } => {
            format!("move {} of {prior_size} to {to}", place(target))
        }
        Instruction::ArrayErase { target, prior_size } => {
            format!("remove {} of {prior_size}", place(target))
        }
        Instruction::Clear { target, .. } => format!("clear {}", place(target)),
        Instruction::SetInsert { target, value } => {
            format!("{} add {}", place(target), payload(value))
        }
        Instruction::SetErase { target, value } => {
            format!("{} take {}", place(target), payload(value))
        }
        schema => format!("schema of {}", schema.class()),
    }
}

fn instructions(changeset: &[u8]) -> String {
    let Ok(changeset) = codec::decode(changeset) else {
        return "something unreadable".to_owned();
    };
    let mut words: Vec<String> = changeset.instructions.iter().map(instruction).collect();
    words.dedup();
    words.join("; ")
}

/// What a client said.
pub fn request(request: &Request) -> String {
    let Request::Upload {
        upload,
        locked_server_version,
    } = request
    else {
        return format!("{request:?}");
    };
    let entries = parse_upload_body(&upload.body, BodyLimits::default()).unwrap_or_default();
    let entries = entries.iter().map(|entry| {
        format!(
            "[{} on {} at {}: {}]",
            entry.client_version,
            entry.server_version,
            entry.timestamp,
            instructions(entry.changeset)
        )
    });
    format!(
        "upload to ({}, {}), locked {locked_server_version}: {}",
        upload.progress_client_version,
        upload.progress_server_version,
        entries.collect::<Vec<_>>().join(" ")
    )
}

/// What the server said.
pub fn answer(answer: &Answer) -> String {
    match answer {
        Answer::Download(part) => {
            let entries =
                parse_download_body(&part.body, BodyLimits::default()).unwrap_or_default();
            let entries = entries.iter().map(|entry| {
                format!(
                    "[{} ({}) by {} at {}: {}]",
                    entry.server_version,
                    entry.client_version,
                    entry.origin_file_ident,
                    entry.timestamp,
                    instructions(entry.changeset)
                )
            });
            format!(
                "download to ({}, {}) acknowledging ({}, {}), query {}, {:?}: {}",
                part.download_server_version,
                part.download_client_version,
                part.upload_client_version,
                part.upload_server_version,
                part.query_version,
                part.batch_state,
                entries.collect::<Vec<_>>().join(" ")
            )
        }
        other => format!("{other:?}"),
    }
}
