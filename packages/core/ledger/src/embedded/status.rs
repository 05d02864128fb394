//! What the server shows about a ledger, and the server's own changes of its schema.

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Map, Value, json};
use tidemark_changeset::{
    CollectionKind, ColumnSpec, ColumnType, Instruction, KeyType, Name, TableSpec,
};
use tidemark_model::{Class, ClassKind, Column};
use tidemark_storage::Storage;

use super::Ledger;
use crate::entries::Origin;
use crate::error::{LedgerError, Result};
use crate::outcome::Outcome;
use crate::schema::LedgerSchema;
use crate::schema_change::Speaker;
use crate::schema_conflict::{Extension, SchemaConflict};
use crate::schema_versions::{shown, without_marks};
use crate::select::{SERVER_IDENT, SYNTHETIC_TIMESTAMP};

/// Figures about a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Newest version.
    pub version: u64,
    /// Number of epochs that made versions, this one included.
    pub epoch: u64,
    /// Client files given out.
    pub clients: u64,
    /// Open sessions.
    pub sessions: usize,
    /// Objects by class.
    pub objects: Vec<(String, u64)>,
    /// Bytes of all entries of the log.
    pub bytes: u64,
    /// Entries up to this version are gone.
    pub trimmed: u64,
    /// Client files that expired, of those given out.
    pub expired: u64,
}

const COLUMN_TYPES: [(&str, ColumnType); 12] = [
    ("mixed", ColumnType::Mixed),
    ("int", ColumnType::Int),
    ("bool", ColumnType::Bool),
    ("string", ColumnType::String),
    ("binary", ColumnType::Binary),
    ("timestamp", ColumnType::Timestamp),
    ("float", ColumnType::Float),
    ("double", ColumnType::Double),
    ("decimal", ColumnType::Decimal),
    ("link", ColumnType::Link),
    ("objectId", ColumnType::ObjectId),
    ("uuid", ColumnType::Uuid),
];

const KEY_TYPES: [(&str, KeyType); 4] = [
    ("int", KeyType::Int),
    ("string", KeyType::String),
    ("objectId", KeyType::ObjectId),
    ("uuid", KeyType::Uuid),
];

const COLLECTIONS: [(&str, CollectionKind); 4] = [
    ("single", CollectionKind::Single),
    ("list", CollectionKind::List),
    ("dictionary", CollectionKind::Dictionary),
    ("set", CollectionKind::Set),
];

fn name_of<T: Copy + PartialEq>(names: &[(&'static str, T)], value: T) -> &'static str {
    names
        .iter()
        .find(|(_, known)| *known == value)
        .map_or("unknown", |(name, _)| name)
}

fn value_of<T: Copy>(names: &[(&str, T)], name: Option<&Value>) -> Option<T> {
    let name = name?.as_str()?;
    names
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| *value)
}

fn class_json(class: &Class) -> Value {
    let key = |kind: &str, name: &Name, key_type: KeyType, nullable: bool| {
        json!({
            "name": class.name.to_string(),
            "kind": kind,
            "primaryKey": {
                "name": name.to_string(),
                "type": name_of(&KEY_TYPES, key_type),
                "nullable": nullable,
            },
        })
    };
    let mut value = match &class.kind {
        ClassKind::TopLevel {
            key_field,
            key_type,
            key_nullable,
        } => key("top", key_field, *key_type, *key_nullable),
        ClassKind::Asymmetric {
            key_field,
            key_type,
            key_nullable,
        } => key("asymmetric", key_field, *key_type, *key_nullable),
        ClassKind::Embedded => json!({ "name": class.name.to_string(), "kind": "embedded" }),
    };
    if let Some(fields) = value.as_object_mut() {
        let columns = class.columns.iter().map(column_json).collect();
        fields.insert("columns".to_owned(), Value::Array(columns));
    }
    value
}

fn column_json(column: &Column) -> Value {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    set("name", Value::from(column.name.to_string()));
    set(
        "type",
        Value::from(name_of(&COLUMN_TYPES, column.column_type)),
    );
    set("nullable", Value::from(column.nullable));
    set(
        "collection",
        Value::from(name_of(&COLLECTIONS, column.collection)),
    );
    if let Some(target) = &column.target {
        set("target", Value::from(target.to_string()));
    }
    Value::Object(fields)
}

/// The newest version of the schema as JSON: an array of classes, as in the engine's `SchemaInformation`.
pub(super) fn schema_json(schema: &LedgerSchema) -> String {
    let classes = schema.newest_names().classes();
    Value::Array(classes.iter().map(class_json).collect()).to_string()
}

fn parse_class(class: &Value) -> Option<(Instruction, Vec<Instruction>)> {
    let name = Name::from(class.get("name")?.as_str()?);
    let spec = match class.get("kind")?.as_str()? {
        "embedded" => TableSpec::Embedded,
        kind @ ("top" | "asymmetric") => {
            let key = class.get("primaryKey")?;
            TableSpec::TopLevel {
                key_field: Name::from(key.get("name")?.as_str()?),
                key_type: value_of(&KEY_TYPES, key.get("type"))?,
                key_nullable: key.get("nullable")?.as_bool()?,
                asymmetric: kind == "asymmetric",
            }
        }
        _ => return None,
    };
    let columns = class.get("columns")?.as_array()?;
    let columns = columns
        .iter()
        .map(|column| {
            let target = match column.get("target") {
                Some(target) => Some(Name::from(target.as_str()?)),
                None => None,
            };
            Some(Instruction::AddColumn {
                class: name.clone(),
                field: Name::from(column.get("name")?.as_str()?),
                spec: ColumnSpec::new(
                    value_of(&COLUMN_TYPES, column.get("type"))?,
                    column.get("nullable")?.as_bool()?,
                    value_of(&COLLECTIONS, column.get("collection"))?,
                    target,
                ),
            })
        })
        .collect::<Option<Vec<_>>>()?;
    Some((Instruction::AddTable { class: name, spec }, columns))
}

impl<S: Storage> Ledger<S> {
    /// Figures about the ledger.
    pub fn status(&self) -> Status {
        let newest = self.newest();
        let count = |class: usize| newest.state.objects.get(class).copied().unwrap_or_default();
        let names = (0..).map_while(|number| newest.schema.name(number));
        let mut objects: Vec<(String, u64)> = Vec::new();
        let mut places = FxHashMap::default();
        for (at, name) in names.enumerate() {
            // What only some versions of the schema mean by a name is counted with the rest.
            let name = shown(name).to_string();
            let place = *places.entry(name.clone()).or_insert(objects.len());
            match objects.get_mut(place) {
                Some((_, sum)) => *sum += count(at),
                None => objects.push((name, count(at))),
            }
        }
        Status {
            version: newest.state.version,
            epoch: newest.state.epochs_dropped + newest.state.epochs.len() as u64,
            clients: newest.state.clients,
            sessions: self.sessions.len(),
            objects,
            bytes: newest.state.entry_bytes,
            trimmed: newest.state.trimmed,
            expired: newest.state.expired,
        }
    }

    /// The newest version of the schema as JSON: an array of classes, as in the engine's `SchemaInformation`.
    pub fn schema_json(&self) -> String {
        schema_json(&self.newest().schema)
    }

    /// [`Ledger::set_schema_as`] with what breaks nobody.
    pub fn set_schema(&self, classes: &str) -> Result<SchemaChange> {
        self.set_schema_as(classes, &SchemaPolicy::default())
    }

    /// Makes the newest version of the schema hold these classes by the operator's decision, also with
    /// Development Mode off: what is missing is added, by an entry of one version that clients are given in
    /// its turn. If something contradicts what is there, or is to be removed, that makes a new version of the
    /// schema where the policy allows it; otherwise nothing is changed.
    ///
    /// Whether elements of collections may be null is not compared, and left to the first client that names
    /// the collection.
    ///
    /// # Errors
    ///
    /// Fails if the text is not a list of classes as [`Ledger::schema_json`] gives them.
    pub fn set_schema_as(&self, classes: &str, policy: &SchemaPolicy) -> Result<SchemaChange> {
        let bad = || LedgerError::Argument("not a list of classes".to_owned());
        let parsed: Value = serde_json::from_str(classes).map_err(|_| bad())?;
        let parsed = parsed.as_array().ok_or_else(bad)?.iter().map(parse_class);
        let parsed = parsed.collect::<Option<Vec<_>>>().ok_or_else(bad)?;
        let tables = parsed.iter().map(|(table, _)| table);
        let columns = parsed.iter().flat_map(|(_, columns)| columns);
        let instructions: Vec<Instruction> = tables.chain(columns).cloned().collect();
        self.write(|batch| {
            let before = &batch.newest.schema;
            let mut schema = (**before).clone();
            let mut change = take_all(&mut schema, &instructions);
            let removed = policy.removed_from(before);
            let breaks = !change.conflicts.is_empty() || !removed.is_empty();
            if policy.allow_breaking && breaks {
                schema = (**before).clone();
                change.conflicts = match schema.advance(&instructions, &removed) {
                    Ok(()) => Vec::new(),
                    Err(conflict) => vec![without_marks(&conflict.to_string())],
                };
                change.is_breaking = change.conflicts.is_empty();
                change.changed = change.is_breaking;
            }
            change.changed &= change.conflicts.is_empty();
            let is_later = schema.newest_version() > 0;
            let starts_over = policy.start_over && change.conflicts.is_empty() && is_later;
            if starts_over {
                schema.start_over();
                change.changed = true;
            }
            if policy.version_min > schema.newest_version() && change.conflicts.is_empty() {
                match schema.count_from(policy.version_min) {
                    Ok(()) => change.changed = true,
                    Err(conflict) => change.conflicts.push(conflict.to_string()),
                }
                change.changed &= change.conflicts.is_empty();
            }
            let made = if change.changed { &schema } else { before };
            change.version = made.newest_version();
            if !change.changed {
                return Ok(change);
            }
            let known = before.instructions();
            let known: FxHashSet<(&Name, Option<&Name>)> = known.iter().map(place_of).collect();
            let mut added = schema.instructions();
            added.retain(|instruction| !known.contains(&place_of(instruction)));
            *batch.schema_mut() = schema;
            if starts_over {
                // The numbers mean other versions now: nobody may go on who knows of one.
                self.sessions.clear();
                batch.reset_clients()?;
            }
            let origin = Origin {
                ident: SERVER_IDENT,
                client_version: 0,
                timestamp: SYNTHETIC_TIMESTAMP,
            };
            let outcome = Outcome {
                schema_instructions: added.len(),
                instructions: added,
                ..Outcome::default()
            };
            batch.apply(origin, outcome);
            Ok(change)
        })
    }
}

/// Takes what breaks nobody, and says what contradicts.
fn take_all(schema: &mut LedgerSchema, instructions: &[Instruction]) -> SchemaChange {
    let mut change = SchemaChange::default();
    for instruction in instructions {
        match schema.extend_as(Speaker::Operator, instruction) {
            Ok((extension, _)) => change.changed |= extension == Extension::Added,
            Err(SchemaConflict::Contradiction(what)) => {
                change.conflicts.push(what.against_present());
            }
            Err(other) => change.conflicts.push(without_marks(&other.to_string())),
        }
    }
    change
}

/// What a change of the schema by an operator may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaPolicy {
    /// Whether it may make a new version of the schema.
    pub allow_breaking: bool,
    /// Classes, and properties of classes, that are to be there no longer. Without `allow_breaking` they
    /// stay, as does what the given classes do not name.
    pub removed: Vec<(String, Option<String>)>,
    /// Whether the versions are counted from 0 again. If there are any, every client file starts over, by the
    /// same commit, and all sessions end.
    pub start_over: bool,
    /// Number that the newest version has at least, for an app that had versions elsewhere: those that are
    /// missing hold what the newest does.
    pub version_min: u64,
}

impl SchemaPolicy {
    /// What of it the newest version of a schema has.
    fn removed_from(&self, schema: &LedgerSchema) -> Vec<(Name, Option<Name>)> {
        let names = schema.newest_names();
        let removed = self.removed.iter().map(|(class, field)| {
            let field = field.as_ref().map(|field| Name::from(field.as_str()));
            (Name::from(class.as_str()), field)
        });
        let is_there = |(class, field): &(Name, Option<Name>)| {
            let number = names.number(class);
            number.is_some_and(|number| {
                let mut field = field.iter();
                field.all(|field| names.column(number, field).is_some())
            })
        };
        removed.filter(is_there).collect()
    }
}

/// What became of a schema that an operator set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaChange {
    /// Whether anything is otherwise than before.
    pub changed: bool,
    /// Whether it made a new version of the schema.
    pub is_breaking: bool,
    /// The newest version of the schema afterwards.
    pub version: u64,
    /// What contradicts the present schema: class, property, what was expected and what is there.
    pub conflicts: Vec<String>,
}

/// The class, and the column, that a schema instruction makes.
fn place_of(instruction: &Instruction) -> (&Name, Option<&Name>) {
    let column = match instruction {
        Instruction::AddColumn { field, .. } => Some(field),
        _ => None,
    };
    (instruction.class(), column)
}
