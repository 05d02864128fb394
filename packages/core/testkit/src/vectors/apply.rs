//! Replay of `apply/apply.jsonl`: what changesets make of an empty database.

use std::path::Path;

use serde_json::{Map, Value as Json, json};
use tidemark_changeset::codec::decode;
use tidemark_changeset::json::{
    collection_name, column_type_name, key_to_json, key_type_name, value_from_json, value_to_json,
};
use tidemark_changeset::{Instruction, KeyType, Link, Name, Payload, Value};
use tidemark_model::memory::Database;
use tidemark_model::{ApplyError, Class, ClassKind, Document, Node};
use tidemark_storage::OrderedStorage;
use tidemark_store::{Database as Store, DatabaseOptions, StoreError};

use super::{Outcome, array, hex, instructions, member, named, parse};

/// Replays one line.
pub fn replay_line(line: &str, _file: Option<&Path>) -> Result<Outcome, String> {
    let case = parse(line)?;
    named(&case, replay(&case))
}

fn replay(case: &Json) -> Result<Outcome, String> {
    let (input, expected) = (member(case, "input")?, member(case, "expected")?);
    let mut database = Database::new();
    for changeset in array(input, "setup")? {
        apply(&mut database, changeset)?.map_err(|error| format!("setup: {error}"))?;
    }
    for (index, changeset) in array(input, "changesets")?.iter().enumerate() {
        let failed = expected.get("failedChangeset").and_then(Json::as_u64) == Some(index as u64);
        match apply(&mut database, changeset)? {
            Ok(()) if failed => {
                return Err(format!(
                    "applied, but the original gives {}",
                    member(expected, "error")?
                ));
            }
            Err(_) if failed => return Ok(Outcome::Passed),
            Err(error) => return Err(format!("failed: {error}")),
            Ok(()) => {}
        }
    }
    compare_states(&database, member(expected, "state")?)?;
    Ok(Outcome::Passed)
}

/// Replays one line in a client's store: it takes and refuses what the model in memory does, and
/// holds the same objects, but for those that are only sent.
pub fn replay_line_in_store(line: &str, _file: Option<&Path>) -> Result<Outcome, String> {
    let case = parse(line)?;
    named(&case, replay_in_store(&case))
}

fn replay_in_store(case: &Json) -> Result<Outcome, String> {
    let (input, expected) = (member(case, "input")?, member(case, "expected")?);
    let words = |error: StoreError| error.to_string();
    let store = Store::open(OrderedStorage::new(), DatabaseOptions::default()).map_err(words)?;
    let mut write = store.begin_write().map_err(words)?;
    let mut model = Database::new();
    for changeset in array(input, "setup")?
        .iter()
        .chain(array(input, "changesets")?)
    {
        for instruction in instructions(changeset)? {
            if stores_an_equal_zero(&model, &instruction) {
                continue;
            }
            let wanted = model.apply(std::slice::from_ref(&instruction)).is_ok();
            let found = write.apply(&instruction);
            match (wanted, found) {
                (true, Ok(())) => {}
                // All that the transaction has done is undone.
                (false, Err(_)) => {
                    drop(write);
                    let left = store.read().and_then(|snapshot| snapshot.view().export());
                    return compare_states(&left.map_err(words)?, &json!({}))
                        .map(|()| Outcome::Passed);
                }
                (_, found) => return Err(format!("the store says {found:?} to {instruction:?}")),
            }
        }
    }
    store.commit(write, 1).map_err(words)?;
    let held = store.read().and_then(|snapshot| snapshot.view().export());
    let mut state = member(expected, "state")?.clone();
    for class in state
        .as_object_mut()
        .into_iter()
        .flat_map(Map::values_mut)
        .filter(|class| class["kind"] == "asymmetric")
    {
        class["objects"] = json!([]);
    }
    compare_states(&held.map_err(words)?, &state)?;
    Ok(Outcome::Passed)
}

/// The outer error is about the line itself.
fn apply(database: &mut Database, changeset: &Json) -> Result<Result<(), ApplyError>, String> {
    let decoded = decode(&hex(changeset, "hex")?).map_err(|error| error.to_string())?;
    if decoded.instructions != instructions(changeset)? {
        return Err("hex and instructions of a changeset differ".to_owned());
    }
    for instruction in &decoded.instructions {
        if stores_an_equal_zero(database, instruction) {
            continue;
        }
        if let Err(error) = database.apply(std::slice::from_ref(instruction)) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

/// The original skips storing a number that equals the one there, so that −0 and 0 depend on the
/// order (defect OT12). Ours stores it; here it is skipped too.
#[allow(clippy::float_cmp, reason = "equality is what the original tests")]
fn stores_an_equal_zero(database: &Database, instruction: &Instruction) -> bool {
    let Instruction::Update {
        target,
        value: Payload::Value(new),
        ..
    } = instruction
    else {
        return false;
    };
    if !target.path.is_empty() {
        return false;
    }
    let old = database
        .schema
        .class(&target.class)
        .and_then(|class| class.column_index(&target.field));
    let document = database.get(&target.class, &target.key);
    let old = document
        .zip(old)
        .and_then(|(document, column)| document.field(column));
    match (old, new) {
        (Some(Node::Value(Value::Float(old))), Value::Float(new)) => old == new,
        (Some(Node::Value(Value::Double(old))), Value::Double(new)) => old == new,
        _ => false,
    }
}

/// Compares a database with a state in the form of the vectors.
pub fn compare_states(database: &Database, expected: &Json) -> Result<(), String> {
    let (actual, expected) = (state(database), normalise(expected));
    if actual == expected {
        Ok(())
    } else {
        Err(first_difference("state", &actual, &expected))
    }
}

/// The database in the form of the vectors.
pub fn state(database: &Database) -> Json {
    let mut filled = database.clone();
    filled.fill();
    let classes = filled.schema.classes.values();
    classes
        .map(|class| (class.name.to_string(), class_state(&filled, class)))
        .collect::<Map<_, _>>()
        .into()
}

fn class_state(database: &Database, class: &Class) -> Json {
    let mut members = Map::new();
    let kind = match class.kind {
        ClassKind::TopLevel { .. } => "top",
        ClassKind::Asymmetric { .. } => "asymmetric",
        ClassKind::Embedded => "embedded",
    };
    members.insert("kind".to_owned(), json!(kind));
    if let Some(key) = class.key_field().filter(|key| !key.name.is_empty()) {
        let pk = json!({
            "name": key.name.to_string(),
            "type": key_type_name(key.key_type),
            "nullable": key.nullable,
        });
        members.insert("pk".to_owned(), pk);
    }
    let columns = class.columns.iter().map(|column| {
        let mut members = Map::new();
        members.insert(
            "type".to_owned(),
            json!(column_type_name(column.column_type)),
        );
        members.insert("nullable".to_owned(), json!(column.nullable));
        members.insert(
            "collection".to_owned(),
            json!(collection_name(column.collection)),
        );
        if let Some(target) = &column.target {
            members.insert("target".to_owned(), json!(target.to_string()));
        }
        (column.name.to_string(), Json::Object(members))
    });
    members.insert("columns".to_owned(), columns.collect::<Map<_, _>>().into());
    if !class.is_embedded() {
        let objects = database.objects.get(&class.name);
        let objects = objects.into_iter().flatten().map(|(key, document)| {
            json!({ "pk": key_to_json(key), "fields": fields(database, class, document) })
        });
        let mut objects: Vec<Json> = objects.collect();
        if class
            .key_field()
            .is_some_and(|key| key.key_type == KeyType::GlobalKey)
        {
            objects.sort_by_key(|object| object["pk"].to_string());
        }
        members.insert("objects".to_owned(), objects.into());
    }
    Json::Object(members)
}

fn fields(database: &Database, class: &Class, document: &Document) -> Json {
    let fields = class
        .columns
        .iter()
        .zip(&document.fields)
        .map(|(column, node)| {
            let embedded = database.schema.embedded_target(column);
            (
                column.name.to_string(),
                node_state(database, embedded, node),
            )
        });
    fields.collect::<Map<_, _>>().into()
}

fn node_state(database: &Database, embedded: Option<&Class>, node: &Node) -> Json {
    match node {
        Node::Value(value) => value_state(database, value),
        Node::List(elements) => {
            let elements = elements
                .iter()
                .map(|element| node_state(database, embedded, element));
            json!({ "list": elements.collect::<Json>() })
        }
        Node::Set(elements) => {
            let elements = elements
                .iter()
                .map(|element| value_state(database, element));
            json!({ "set": links_last(elements.collect()) })
        }
        Node::Dictionary(entries) => {
            let entries = entries
                .iter()
                .map(|(key, entry)| (key.to_string(), node_state(database, embedded, entry)));
            json!({ "dictionary": entries.collect::<Map<_, _>>() })
        }
        Node::Object(document) => {
            json!({ "object": embedded.map(|class| fields(database, class, document)) })
        }
    }
}

fn value_state(database: &Database, value: &Value) -> Json {
    match value {
        Value::Link(link) if !exists(database, link) => {
            let mut form = value_to_json(value);
            json!({ "unresolvedLink": form["link"].take() })
        }
        _ => value_to_json(value),
    }
}

fn exists(database: &Database, link: &Link) -> bool {
    let class: &Name = &link.class;
    database.get(class, &link.key).is_some()
}

/// Links have no order that two databases share, so they come last, by their text.
fn links_last(elements: Vec<Json>) -> Vec<Json> {
    let is_link =
        |element: &Json| element.get("link").is_some() || element.get("unresolvedLink").is_some();
    let (mut links, mut others): (Vec<Json>, Vec<Json>) = elements.into_iter().partition(is_link);
    links.sort_by_key(Json::to_string);
    others.append(&mut links);
    others
}

/// Brings an expected state to the very texts this implementation writes: floats have several
/// shortest forms.
fn normalise(json: &Json) -> Json {
    match json {
        Json::Object(members) => {
            let is_float = members.contains_key("float") || members.contains_key("double");
            if let (true, Ok(value)) = (is_float, value_from_json(json)) {
                return value_to_json(&value);
            }
            let members = members.iter().map(|(name, content)| {
                let content = normalise(content);
                match (name.as_str(), content) {
                    ("set", Json::Array(elements)) => (name.clone(), links_last(elements).into()),
                    (_, content) => (name.clone(), content),
                }
            });
            members.collect::<Map<_, _>>().into()
        }
        Json::Array(elements) => elements.iter().map(normalise).collect(),
        scalar => scalar.clone(),
    }
}

fn first_difference(path: &str, actual: &Json, expected: &Json) -> String {
    match (actual, expected) {
        (Json::Object(a), Json::Object(b)) => {
            let names = a.keys().chain(b.keys());
            for name in names {
                let (a, b) = (
                    a.get(name).unwrap_or(&Json::Null),
                    b.get(name).unwrap_or(&Json::Null),
                );
                if a != b {
                    return first_difference(&format!("{path}.{name}"), a, b);
                }
            }
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                if a != b {
                    return first_difference(&format!("{path}[{index}]"), a, b);
                }
            }
        }
        _ => {}
    }
    format!("{path} is {actual}, expected {expected}")
}
