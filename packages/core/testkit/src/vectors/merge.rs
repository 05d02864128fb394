//! Replay of `merge/merge.jsonl`: what the original made of two diverged histories.

use std::path::Path;

use serde_json::Value as Json;
use tidemark_changeset::json::to_hex;
use tidemark_changeset::{Name, codec};
use tidemark_model::{Schema, memory::Database, original};
use tidemark_transform::{
    Branch, ColumnShape, Columns, Entry, MergeOptions, Rules, TransformError,
    merge_beside_original, merge_changesets,
};

use super::{Outcome, array, hex, instructions, member, named, parse, text};

/// Replays one line: with the original's rules everything must be equal, bytes and dirty flags included.
pub fn replay_line(line: &str, _file: Option<&Path>) -> Result<Outcome, String> {
    let case = parse(line)?;
    named(&case, replay(&case))
}

fn replay(case: &Json) -> Result<Outcome, String> {
    let merged = merge_case(case, Rules::ORIGINAL, None)?;
    let expected = member(case, "expected")?;
    match (merged, expected.get("error")) {
        (Err(_), Some(_)) => {}
        (Ok(_), Some(error)) => return Err(format!("merged, but the original gives {error}")),
        (Err(error), None) => return Err(format!("failed: {error}")),
        (Ok((ours, theirs)), None) => {
            compare(case, "ours", &ours)?;
            compare(case, "theirs", &theirs)?;
        }
    }
    Ok(Outcome::Passed)
}

/// Checks that both orders of a line end equal by the corrected rules, where the line has a state to start
/// from and its input can be applied. `None` where it does not.
pub fn converges_corrected(line: &str) -> Option<Result<Outcome, String>> {
    let case = match parse(line) {
        Ok(case) => case,
        Err(error) => return Some(Err(error)),
    };
    must_converge(&case).then(|| {
        named(
            &case,
            converge(&case, Rules::CORRECTED).map(|_| Outcome::Passed),
        )
    })
}

/// Whether both orders of a line end equal by the rules given. `None` where the line has no state to start
/// from, or its input cannot be applied.
pub fn converges_by(line: &str, rules: Rules) -> Option<bool> {
    let case = parse(line).ok()?;
    must_converge(&case).then(|| converge(&case, rules).is_ok())
}

/// A recorded case with a client of the original's as theirs, and our server as ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldAndNew {
    /// Whether the client ends elsewhere than the server, or cannot merge or apply at all.
    pub apart: bool,
    /// Whether the server says that this may be.
    pub noticed: bool,
}

/// Merges a line by the corrected rules at the server, and by the original's at the client, which also stores
/// as the original does.
pub fn old_and_new(line: &str) -> Option<Result<OldAndNew, String>> {
    let case = match parse(line) {
        Ok(case) => case,
        Err(error) => return Some(Err(error)),
    };
    must_converge(&case).then(|| named(&case, meet(&case)))
}

fn meet(case: &Json) -> Result<OldAndNew, String> {
    let input = member(case, "input")?;
    let (log, uploads) = (entries(input, "ours")?, entries(input, "theirs")?);
    let mut base = Database::new();
    let setup = codec::decode(&hex(case, "base")?).map_err(|error| error.to_string())?;
    base.apply(&setup.instructions)
        .map_err(|error| format!("base: {error}"))?;
    let columns = |class: &Name, field: &Name| column_shape(&base.schema, class, field);
    let local = number(input, "localFileIdent")?;
    let branches = |entries: &[Entry]| -> Vec<Branch> {
        let ident = |entry: &Entry| if entry.ident == 0 { local } else { entry.ident };
        let branch = |entry: &Entry| {
            let instructions = entry.changeset.instructions.clone();
            Branch::new(entry.timestamp, ident(entry), instructions)
        };
        entries.iter().map(branch).collect()
    };
    let (mut ours, mut theirs) = (branches(&log), branches(&uploads));
    let mut server = base.clone();
    let mut noticed = apply_noticing(&mut server, &ours)?;
    noticed |= merge_beside_original(&mut ours, &mut theirs, MergeOptions::with_columns(&columns))
        .map_err(|error| error.to_string())?;
    noticed |= apply_noticing(&mut server, &theirs)?;
    server.fill();
    let client = original_client(&base, &log, &uploads, (local, &columns));
    let apart = client.is_none_or(|client| client.objects != server.objects);
    Ok(OldAndNew { apart, noticed })
}

/// Applies branches; the answer is whether the original's storage would make something else of any.
fn apply_noticing(database: &mut Database, branches: &[Branch]) -> Result<bool, String> {
    let mut noticed = false;
    for instruction in branches.iter().flat_map(|branch| &branch.instructions) {
        let document = instruction.object().and_then(|(class, key)| {
            let document = database.get(class, key)?;
            Some((database.schema.class(class)?, document))
        });
        noticed |= document.is_some_and(|(class, document)| {
            original::is_misapplied(&database.schema, class, document, instruction)
        });
        database
            .apply(std::slice::from_ref(instruction))
            .map_err(|error| error.to_string())?;
    }
    Ok(noticed)
}

/// Where a client of the original's ends that made `uploads` and then received `log`.
fn original_client(
    base: &Database,
    log: &[Entry],
    uploads: &[Entry],
    (local, columns): (u64, Columns<'_>),
) -> Option<Database> {
    let (mut pending, mut received) = (uploads.to_vec(), log.to_vec());
    let rules = Rules::ORIGINAL;
    merge_changesets(local, &mut received, &mut pending, rules, Some(columns)).ok()?;
    let mut database = base.clone();
    for entry in uploads.iter().chain(&received) {
        original::apply(&mut database, &entry.changeset.instructions).ok()?;
    }
    database.fill();
    Some(database)
}

/// Both sides of a case after the merge, or why it is impossible.
type Merged = Result<(Vec<Entry>, Vec<Entry>), TransformError>;

/// Merges a case's input by the rules given. The outer error is about the line itself.
fn merge_case(case: &Json, rules: Rules, columns: Option<Columns<'_>>) -> Result<Merged, String> {
    let input = member(case, "input")?;
    let local = number(input, "localFileIdent")?;
    let (mut ours, mut theirs) = (entries(input, "ours")?, entries(input, "theirs")?);
    let merged = merge_changesets(local, &mut ours, &mut theirs, rules, columns);
    Ok(merged.map(|()| (ours, theirs)))
}

/// One side of a case's input.
fn entries(input: &Json, side: &str) -> Result<Vec<Entry>, String> {
    array(input, side)?
        .iter()
        .map(|row| {
            let entry = Entry::decode(
                number(row, "version")?,
                number(row, "lastIntegratedRemoteVersion")?,
                number(row, "timestamp")?,
                number(row, "ident")?,
                &hex(row, "hex")?,
            )
            .map_err(|error| error.to_string())?;
            // The readable form is optional; where it is given it must say what the bytes say.
            if row.get("instructions").is_some()
                && instructions(row)? != entry.changeset.instructions
            {
                return Err("hex and instructions of a changeset differ".to_owned());
            }
            Ok(entry)
        })
        .collect()
}

/// Whether a case with a common state must converge under the corrected rules: its input can be applied at
/// all.
fn must_converge(case: &Json) -> bool {
    case.get("base").is_some_and(Json::is_string)
        && case.get("converges").is_some_and(Json::is_boolean)
}

/// Merges a case by the rules given and applies both orders to its base: ours, then theirs rewritten; theirs,
/// then ours rewritten. The answer is the common end state; the error shows both.
fn converge(case: &Json, rules: Rules) -> Result<Database, String> {
    let input = member(case, "input")?;
    let (ours, theirs) = (entries(input, "ours")?, entries(input, "theirs")?);
    let mut base = Database::new();
    let setup = codec::decode(&hex(case, "base")?).map_err(|error| error.to_string())?;
    base.apply(&setup.instructions)
        .map_err(|error| format!("base: {error}"))?;
    let columns = |class: &Name, field: &Name| column_shape(&base.schema, class, field);
    let merged = merge_case(case, rules, Some(&columns))?.map_err(|error| error.to_string())?;
    let ours_first =
        in_order(&base, &ours, &merged.1).map_err(|error| format!("ours first: {error}"))?;
    let theirs_first =
        in_order(&base, &theirs, &merged.0).map_err(|error| format!("theirs first: {error}"))?;
    if ours_first == theirs_first {
        Ok(ours_first)
    } else {
        Err(format!(
            "ours first: {:#?}\ntheirs first: {:#?}",
            ours_first.objects, theirs_first.objects
        ))
    }
}

/// What a merge asks of a schema.
fn column_shape(schema: &Schema, class: &Name, field: &Name) -> Option<ColumnShape> {
    let class = schema.class(class)?;
    let column = class.columns.get(class.column_index(field)?)?;
    Some(ColumnShape {
        collection: column.collection,
        target: column.target.clone(),
    })
}

fn in_order(base: &Database, first: &[Entry], second: &[Entry]) -> Result<Database, String> {
    let mut state = base.clone();
    for entry in first.iter().chain(second) {
        state
            .apply(&entry.changeset.instructions)
            .map_err(|error| error.to_string())?;
    }
    state.fill();
    Ok(state)
}

fn compare(case: &Json, side: &str, merged: &[Entry]) -> Result<(), String> {
    let expected = array(member(case, "expected")?, side)?;
    let input = array(member(case, "input")?, side)?;
    if expected.len() != merged.len() {
        return Err(format!(
            "{side}: {} changesets instead of {}",
            merged.len(),
            expected.len()
        ));
    }
    for (at, ((entry, row), source)) in merged.iter().zip(expected).zip(input).enumerate() {
        compare_entry(side, entry, row, source)
            .map_err(|error| format!("{side}[{at}]: {error}"))?;
    }
    Ok(())
}

fn compare_entry(side: &str, entry: &Entry, row: &Json, source: &Json) -> Result<(), String> {
    let wanted = hex(row, "hex")?;
    let decoded = codec::decode(&wanted).map_err(|error| error.to_string())?;
    let found = &entry.changeset.instructions;
    let wanted_instructions = if row.get("instructions").is_some() {
        instructions(row)?
    } else {
        decoded.instructions
    };
    if *found != wanted_instructions {
        return Err(format!(
            "instructions are {found:#?} instead of {wanted_instructions:#?}"
        ));
    }
    // What was not changed in the own history is not written again, so its bytes stay as they were.
    let keeps_bytes = side == "ours" && !entry.dirty;
    let found = if keeps_bytes {
        hex(source, "hex")?
    } else {
        codec::encode_canonical(&entry.changeset)
    };
    if found != wanted {
        return Err(format!(
            "bytes are {} instead of {}",
            to_hex(&found),
            to_hex(&wanted)
        ));
    }
    if member(row, "dirty")?.as_bool() != Some(entry.dirty) {
        return Err(format!("dirty is {}", entry.dirty));
    }
    Ok(())
}

fn number(json: &Json, name: &str) -> Result<u64, String> {
    text(json, name)?
        .parse()
        .map_err(|_| format!("{name} is not a number"))
}
