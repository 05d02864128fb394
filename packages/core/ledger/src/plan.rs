//! The first step of integrating: decode an upload, bound it, and name the objects it reads and writes.

use std::cell::OnceCell;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tidemark_changeset::{Instruction, Name, PrimaryKey, body, codec};

use crate::error::{Refusal, codes};
use crate::integrate::bad_changeset;
use crate::limits::{CHANGESET_BYTES_MAX, UPLOAD_ENTRIES_MAX};
use crate::object::ObjectKey;
use crate::schema::LedgerSchema;
use crate::schema_change::Speaker;

/// One changeset of an upload, decoded.
#[derive(Clone, Debug)]
pub struct PlannedChangeset {
    /// The client's version.
    pub client_version: u64,
    /// The server version the client had integrated when it made it.
    pub base: u64,
    /// Milliseconds since 2015-01-01, by the client's clock.
    pub timestamp: u64,
    /// What it does to the schema, in order.
    pub schema: Vec<Instruction>,
    /// What it does to objects, by object in order of first mention.
    pub objects: Vec<PlannedObject>,
    /// The bytes as they were uploaded.
    pub original: Vec<u8>,
}

/// The instructions of a changeset on one object.
#[derive(Clone, Debug)]
pub struct PlannedObject {
    /// Its class.
    pub class: Name,
    /// Its primary key.
    pub key: PrimaryKey,
    /// The instructions in order.
    pub instructions: Vec<Instruction>,
}

impl PlannedObject {
    /// The object's name, if the schema has a class for it.
    pub fn object(&self, schema: &LedgerSchema) -> Result<ObjectKey, Refusal> {
        schema.object(&self.class, &self.key).ok_or_else(|| {
            let text = format!(
                "Bad changeset (UPLOAD): no object {:?} can be in \"{}\"",
                self.key, self.class
            );
            Refusal::reset(codes::BAD_CHANGESET, text)
        })
    }
}

/// Changesets of an UPLOAD that follow each other.
#[derive(Debug, Default)]
pub struct PlannedChangesets {
    changesets: Vec<PlannedChangeset>,
    by_object: OnceCell<ByObject>,
}

/// Places of a changeset and of an object in it, by object.
type ByObject = FxHashMap<(Name, PrimaryKey), Vec<(usize, usize)>>;

impl PlannedChangesets {
    /// These.
    pub fn new(changesets: Vec<PlannedChangeset>) -> Self {
        Self {
            changesets,
            by_object: OnceCell::new(),
        }
    }

    /// The changesets in order.
    pub fn as_slice(&self) -> &[PlannedChangeset] {
        &self.changesets
    }

    /// What the changesets after the one at a place say about an object, with their timestamps, as far as
    /// they were made on the same base.
    pub fn later(
        &self,
        place: usize,
        object: &PlannedObject,
    ) -> impl Iterator<Item = (u64, &[Instruction])> {
        let by_object = self.by_object.get_or_init(|| self.index());
        let name = (object.class.clone(), object.key.clone());
        let places = by_object.get(&name).map_or(&[][..], Vec::as_slice);
        let after = places.partition_point(|(at, _)| *at <= place);
        let base = self.changesets.get(place).map(|changeset| changeset.base);
        let places = places.get(after..).unwrap_or_default().iter();
        places.map_while(move |(at, object)| {
            let changeset = self.changesets.get(*at)?;
            let object = changeset.objects.get(*object)?;
            let later = (changeset.timestamp, object.instructions.as_slice());
            (Some(changeset.base) == base).then_some(later)
        })
    }

    fn index(&self) -> ByObject {
        let mut by_object = ByObject::default();
        for (at, changeset) in self.changesets.iter().enumerate() {
            for (place, object) in changeset.objects.iter().enumerate() {
                let name = (object.class.clone(), object.key.clone());
                by_object.entry(name).or_default().push((at, place));
            }
        }
        by_object
    }
}

/// Reads the body of an UPLOAD and checks what can be checked without data.
pub fn read_body(bytes: &[u8]) -> Result<Vec<body::UploadEntry<'_>>, Refusal> {
    let limits = body::BodyLimits {
        entries_max: UPLOAD_ENTRIES_MAX,
        changeset_bytes_max: CHANGESET_BYTES_MAX,
    };
    let entries = body::parse_upload_body(bytes, limits).map_err(|error| {
        Refusal::bug(
            codes::BAD_CHANGESET,
            format!("Bad changeset header syntax (UPLOAD): {error}"),
        )
    })?;
    if entries.iter().any(|entry| entry.origin_file_ident != 0) {
        let text = "Bad origin file identifier (UPLOAD)";
        return Err(Refusal::bug(codes::BAD_ORIGIN_FILE_IDENT, text));
    }
    Ok(entries)
}

/// Decodes one changeset and sorts its instructions by object. Where the schema has versions, `tentative` is
/// the schema as it will be after the changesets before, to be extended by this one, and the client's
/// version.
pub fn plan_changeset(
    entry: &body::UploadEntry<'_>,
    tentative: Option<(&mut Arc<LedgerSchema>, u64)>,
) -> Result<PlannedChangeset, Refusal> {
    let changeset = codec::decode(entry.changeset).map_err(|error| {
        Refusal::bug(
            codes::BAD_CHANGESET,
            format!("Bad changeset (UPLOAD): {error}"),
        )
    })?;
    let (instructions, original) = inward(tentative, changeset.instructions, entry.changeset)?;
    let mut schema = Vec::new();
    let mut objects: Vec<PlannedObject> = Vec::new();
    let mut places: FxHashMap<(Name, PrimaryKey), usize> = FxHashMap::default();
    for instruction in instructions {
        let Some((class, key)) = instruction.object() else {
            schema.push(instruction);
            continue;
        };
        // Most often the instruction is on the same object as the one before.
        if let Some(last) = objects.last_mut()
            && last.key == *key
            && last.class == *class
        {
            last.instructions.push(instruction);
            continue;
        }
        let name = (class.clone(), key.clone());
        if let Some(object) = places.get(&name).and_then(|place| objects.get_mut(*place)) {
            object.instructions.push(instruction);
        } else {
            places.insert(name.clone(), objects.len());
            let (class, key) = name;
            objects.push(PlannedObject {
                class,
                key,
                instructions: vec![instruction],
            });
        }
    }
    Ok(PlannedChangeset {
        client_version: entry.client_version,
        base: entry.server_version,
        timestamp: entry.timestamp,
        schema,
        objects,
        original,
    })
}

/// The instructions on objects in physical names, and what is kept of the changeset: itself if the names are
/// physical.
fn inward(
    tentative: Option<(&mut Arc<LedgerSchema>, u64)>,
    instructions: Vec<Instruction>,
    bytes: &[u8],
) -> Result<(Vec<Instruction>, Vec<u8>), Refusal> {
    let Some((schema, version)) = tentative else {
        return Ok((instructions, bytes.to_vec()));
    };
    let of_schema = |one: &&Instruction| one.object().is_none();
    for instruction in instructions.iter().filter(of_schema) {
        // What cannot be taken is refused when its turn comes.
        let _ = Arc::make_mut(schema).extend_as(Speaker::Client(version), instruction);
    }
    let names = schema.names(version);
    let named = instructions.into_iter().map(|instruction| match &names {
        Some(names) if instruction.object().is_some() => names.inward(&instruction),
        _ => Ok(instruction),
    });
    let named = named.collect::<Result<Vec<_>, String>>();
    let named = named.map_err(|text| bad_changeset(&text))?;
    let bytes = codec::encode(&named);
    Ok((named, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidemark_changeset::{KeyType, TableSpec};

    /// A class with an integer for its key.
    fn table(class: &str) -> Instruction {
        let spec = TableSpec::TopLevel {
            key_field: "_id".into(),
            key_type: KeyType::Int,
            key_nullable: false,
            asymmetric: false,
        };
        let class = class.into();
        Instruction::AddTable { class, spec }
    }

    #[test]
    fn the_schema_is_copied_for_changesets_that_speak_of_it() {
        let mut schema = LedgerSchema::default();
        schema.extend(&table("City")).expect("it can be added");
        schema.versions.push(schema.whole());
        let known = Arc::new(schema);
        let mut tentative = Arc::clone(&known);
        let mut plan = |instructions: &[Instruction]| {
            let changeset = codec::encode(instructions);
            let entry = body::UploadEntry {
                client_version: 1,
                server_version: 1,
                timestamp: 1,
                origin_file_ident: 0,
                changeset: &changeset,
            };
            plan_changeset(&entry, Some((&mut tentative, 0))).expect("it can be planned");
            Arc::ptr_eq(&known, &tentative)
        };
        let create = |class: &str| {
            let (class, key) = (class.into(), PrimaryKey::Int(1));
            Instruction::CreateObject { class, key }
        };
        assert!(plan(&[create("City")]));
        assert!(!plan(&[table("Shop"), create("Shop")]));
        assert!(
            !plan(&[create("Shop")]),
            "what was added is known from then on"
        );
    }
}
