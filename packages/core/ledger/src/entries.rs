//! Entries of the log: one per version, with what selecting and integrating need to know about it.
//!
//! An entry holds the transformed changeset and, per touched object, the queryable values before and after.
//! One that changes a queryable value of an existing object also holds its whole after-image. The
//! instructions of one object stand together, so that a part of an entry can be sent without sorting it
//! first.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use tidemark_changeset::{Instruction, codec};

use crate::bytes::{Reader, put_bytes, put_number};
use crate::error::{LedgerError, Result};
use crate::object::{ClassNumber, ObjectKey};

const FORMAT: u8 = 2;

/// Entries that do not name their ghosts.
const FORMAT_WITHOUT_GHOSTS: u8 = 1;
const HAS_SCHEMA: u8 = 1;

const BEFORE: u8 = 1;
const AFTER: u8 = 2;
const SAME: u8 = 4;
const IMAGE: u8 = 8;

const CLASS_BYTES: usize = 4;

/// Who made an entry, and when by the clock of whoever made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// File ident of the client; 1 is the server.
    pub ident: u64,
    /// The client's own version of the change.
    pub client_version: u64,
    /// Milliseconds since 2015-01-01.
    pub timestamp: u64,
}

/// One touched object of an entry to be written.
#[derive(Clone, Debug)]
pub struct TouchedObject {
    /// The object.
    pub object: ObjectKey,
    /// Its queryable values before, `None` if it did not exist; each as [`put_bytes`] of a packed value.
    pub before: Option<Vec<u8>>,
    /// Its queryable values after.
    pub after: Option<Vec<u8>>,
    /// The row after, if it existed before and a queryable value changed.
    pub image: Option<Arc<[u8]>>,
    /// Which of the changeset's instructions are its own.
    pub instructions: Range<usize>,
}

impl TouchedObject {
    /// Whether the object may have entered or left a view by this.
    pub fn moves(&self) -> bool {
        self.before != self.after
    }
}

/// Touched objects of one class, sorted, with the columns that were queryable then.
#[derive(Clone, Debug)]
pub struct TouchedClass {
    /// The class.
    pub class: ClassNumber,
    /// Column indexes that the values are of.
    pub columns: Arc<[u16]>,
    /// The objects.
    pub objects: Vec<TouchedObject>,
}

/// Writes an entry. Schema instructions stand first in the changeset; `classes` and their objects are sorted.
/// `ghosts` are the objects that only the index connects with it.
pub fn write_entry(
    origin: Origin,
    schema_instructions: usize,
    changeset: &[u8],
    classes: &[TouchedClass],
    ghosts: &[ObjectKey],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(changeset.len() + 64);
    out.push(FORMAT);
    out.push(if schema_instructions > 0 {
        HAS_SCHEMA
    } else {
        0
    });
    put_number(&mut out, origin.ident);
    put_number(&mut out, origin.client_version);
    put_number(&mut out, origin.timestamp);
    put_number(&mut out, schema_instructions as u64);
    put_bytes(&mut out, changeset);
    put_number(&mut out, classes.len() as u64);
    let mut body = Vec::new();
    for class in classes {
        body.clear();
        put_number(&mut out, u64::from(class.class));
        put_number(&mut out, class.columns.len() as u64);
        for column in &*class.columns {
            put_number(&mut out, u64::from(*column));
        }
        put_number(&mut out, class.objects.len() as u64);
        for touched in &class.objects {
            write_touched(&mut body, touched);
        }
        put_bytes(&mut out, &body);
    }
    for ghost in ghosts {
        put_bytes(&mut out, ghost.as_bytes());
    }
    out
}

fn write_touched(out: &mut Vec<u8>, touched: &TouchedObject) {
    let same = touched.before.is_some() && touched.before == touched.after;
    let flags = u8::from(touched.before.is_some()) * BEFORE
        + u8::from(touched.after.is_some()) * AFTER
        + u8::from(same) * SAME
        + u8::from(touched.image.is_some()) * IMAGE;
    out.push(flags);
    put_bytes(
        out,
        touched
            .object
            .as_bytes()
            .get(CLASS_BYTES..)
            .unwrap_or_default(),
    );
    put_number(out, touched.instructions.start as u64);
    put_number(out, touched.instructions.len() as u64);
    if let Some(before) = &touched.before {
        put_bytes(out, before);
    }
    if let (Some(after), false) = (&touched.after, same) {
        put_bytes(out, after);
    }
    if let Some(image) = &touched.image {
        put_bytes(out, image);
    }
}

/// A touched object of a read entry.
#[derive(Clone, Debug)]
pub struct Touched {
    /// The object.
    pub object: ObjectKey,
    /// Where its queryable values before stand, if it existed.
    before: Option<Range<usize>>,
    /// Where its queryable values after stand, if it exists.
    after: Option<Range<usize>>,
    image: Option<Range<usize>>,
    /// Which instructions of the changeset are its own.
    pub instructions: Range<usize>,
}

impl Touched {
    /// Whether it existed before.
    pub fn existed(&self) -> bool {
        self.before.is_some()
    }

    /// Whether it exists after.
    pub fn exists(&self) -> bool {
        self.after.is_some()
    }
}

/// The touched objects of one class.
#[derive(Clone, Debug)]
pub struct TouchedGroup {
    /// The class.
    pub class: ClassNumber,
    /// Column indexes that the values are of.
    pub columns: Vec<u16>,
    /// The objects, sorted.
    pub touched: Vec<Touched>,
}

/// An entry as it was read.
#[derive(Debug)]
pub struct Entry {
    /// Its version.
    pub version: u64,
    /// Who made it.
    pub origin: Origin,
    /// How many instructions at the start of the changeset are schema instructions.
    pub schema_instructions: usize,
    bytes: Arc<[u8]>,
    changeset: Range<usize>,
    groups_at: usize,
    names_ghosts: bool,
    groups: OnceLock<Vec<TouchedGroup>>,
    instructions: OnceLock<Vec<Instruction>>,
}

impl Entry {
    /// Reads an entry's head; the rest is read when it is asked for.
    pub fn read(version: u64, bytes: Arc<[u8]>) -> Result<Self> {
        let mut reader = Reader::new(&bytes);
        let format = reader.byte()?;
        if format != FORMAT && format != FORMAT_WITHOUT_GHOSTS {
            return Err(LedgerError::Damaged("an entry has an unknown format"));
        }
        reader.byte()?;
        let origin = Origin {
            ident: reader.number()?,
            client_version: reader.number()?,
            timestamp: reader.number()?,
        };
        let schema_instructions = reader.length()?;
        let length = reader.bytes()?.len();
        let groups_at = bytes.len() - reader.rest().len();
        Ok(Self {
            version,
            origin,
            schema_instructions,
            changeset: groups_at - length..groups_at,
            groups_at,
            names_ghosts: format == FORMAT,
            bytes,
            groups: OnceLock::new(),
            instructions: OnceLock::new(),
        })
    }

    /// The transformed changeset.
    pub fn changeset(&self) -> &[u8] {
        self.slice(&self.changeset)
    }

    /// The instructions of the changeset.
    pub fn instructions(&self) -> Result<&[Instruction]> {
        if let Some(instructions) = self.instructions.get() {
            return Ok(instructions);
        }
        let decoded = codec::decode(self.changeset())
            .map_err(|_| LedgerError::Damaged("a stored changeset cannot be decoded"))?;
        Ok(self.instructions.get_or_init(|| decoded.instructions))
    }

    /// The instructions of one touched object.
    pub fn instructions_of(&self, touched: &Touched) -> Result<&[Instruction]> {
        self.instructions()?
            .get(touched.instructions.clone())
            .ok_or(LedgerError::Damaged(
                "an entry has fewer instructions than it says",
            ))
    }

    /// The touched objects by class.
    pub fn groups(&self) -> Result<&[TouchedGroup]> {
        if let Some(groups) = self.groups.get() {
            return Ok(groups);
        }
        let groups = self.read_groups(&mut self.reader_of_groups())?;
        Ok(self.groups.get_or_init(|| groups))
    }

    /// One touched object, with its class's queryable columns.
    pub fn find(&self, object: &ObjectKey) -> Result<Option<(&TouchedGroup, &Touched)>> {
        for group in self.groups()? {
            if group.class == object.class() {
                let found = group
                    .touched
                    .binary_search_by(|touched| touched.object.cmp(object));
                return Ok(found
                    .ok()
                    .and_then(|at| Some((group, group.touched.get(at)?))));
            }
        }
        Ok(None)
    }

    /// Queryable values before, in the order of the group's columns.
    pub fn before(&self, touched: &Touched) -> Option<&[u8]> {
        touched.before.as_ref().map(|range| self.slice(range))
    }

    /// Queryable values after.
    pub fn after(&self, touched: &Touched) -> Option<&[u8]> {
        touched.after.as_ref().map(|range| self.slice(range))
    }

    /// The row after, where the entry keeps it.
    pub fn image(&self, touched: &Touched) -> Option<&[u8]> {
        touched.image.as_ref().map(|range| self.slice(range))
    }

    /// Size of the entry as it is stored.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }

    /// The objects that have a line in the index for this version: touched ones, and ghosts.
    pub fn indexed(&self) -> Result<Vec<ObjectKey>> {
        let mut reader = self.reader_of_groups();
        let groups = self.read_groups(&mut reader)?;
        let mut indexed: Vec<ObjectKey> = groups
            .into_iter()
            .flat_map(|group| group.touched)
            .map(|touched| touched.object)
            .collect();
        while self.names_ghosts && !reader.is_empty() {
            indexed.push(ObjectKey::from_bytes(reader.bytes()?)?);
        }
        Ok(indexed)
    }

    fn reader_of_groups(&self) -> Reader<'_> {
        Reader::new(self.bytes.get(self.groups_at..).unwrap_or_default())
    }

    fn read_groups(&self, reader: &mut Reader<'_>) -> Result<Vec<TouchedGroup>> {
        let count = reader.length()?;
        let mut groups = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            let class = reader.small()?;
            let columns = (0..reader.length()?)
                .map(|_| {
                    let column = u16::try_from(reader.number()?);
                    column.map_err(|_| LedgerError::Damaged("an entry names a bad column"))
                })
                .collect::<Result<Vec<u16>>>()?;
            let objects = reader.length()?;
            let body = reader.bytes()?;
            let mut body = Reader::new(body);
            let mut touched = Vec::with_capacity(objects.min(body.rest().len()));
            let end_of_body = self.bytes.len() - reader.rest().len();
            for _ in 0..objects {
                touched.push(read_touched(&mut body, class, end_of_body)?);
            }
            groups.push(TouchedGroup {
                class,
                columns,
                touched,
            });
        }
        Ok(groups)
    }
}

fn read_touched(body: &mut Reader<'_>, class: ClassNumber, end: usize) -> Result<Touched> {
    let flags = body.byte()?;
    let key = body.bytes()?;
    let mut name = Vec::with_capacity(CLASS_BYTES + key.len());
    name.extend_from_slice(&class.to_be_bytes());
    name.extend_from_slice(key);
    let first = body.length()?;
    let past = first
        .checked_add(body.length()?)
        .ok_or(LedgerError::Damaged("an entry has a bad instruction count"))?;
    let span = |body: &mut Reader<'_>| -> Result<Range<usize>> {
        let length = body.bytes()?.len();
        let at = end - body.rest().len();
        Ok(at - length..at)
    };
    let before = if flags & BEFORE != 0 {
        Some(span(body)?)
    } else {
        None
    };
    let after = match (flags & AFTER != 0, flags & SAME != 0) {
        (true, true) => before.clone(),
        (true, false) => Some(span(body)?),
        (false, _) => None,
    };
    let image = if flags & IMAGE != 0 {
        Some(span(body)?)
    } else {
        None
    };
    let object = ObjectKey::from_bytes(&name)?;
    Ok(Touched {
        object,
        before,
        after,
        image,
        instructions: first..past,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidemark_changeset::PrimaryKey;

    fn touched(
        key: i64,
        before: Option<&[u8]>,
        after: Option<&[u8]>,
        instructions: Range<usize>,
    ) -> TouchedObject {
        TouchedObject {
            object: ObjectKey::new(3, &PrimaryKey::Int(key)),
            before: before.map(<[u8]>::to_vec),
            after: after.map(<[u8]>::to_vec),
            image: (before.is_some() && after.is_some() && before != after)
                .then(|| Arc::from(&b"row"[..])),
            instructions,
        }
    }

    #[test]
    fn an_entry_comes_back() {
        let create = |key| Instruction::CreateObject {
            class: "T".into(),
            key: PrimaryKey::Int(key),
        };
        let changeset = codec::encode(&[create(1), create(2), create(2)]);
        let class = TouchedClass {
            class: 3,
            columns: Arc::from([4u16, 9]),
            objects: vec![
                touched(1, None, Some(b"a"), 0..1),
                touched(2, Some(b"b"), Some(b"b"), 1..3),
                touched(3, Some(b"c"), Some(b"d"), 3..3),
                touched(4, Some(b"e"), None, 3..3),
            ],
        };
        let origin = Origin {
            ident: 2,
            client_version: 7,
            timestamp: 99,
        };
        let ghosts = [ObjectKey::new(1, &PrimaryKey::Int(8))];
        let bytes = write_entry(origin, 0, &changeset, &[class], &ghosts);
        let entry = Entry::read(12, Arc::from(bytes)).expect("just written");
        assert_eq!(
            (entry.version, entry.origin, entry.changeset()),
            (12, origin, &changeset[..])
        );
        let find = |key| {
            let object = ObjectKey::new(3, &PrimaryKey::Int(key));
            let (group, touched) = entry.find(&object).expect("readable").expect("touched");
            assert_eq!(group.columns, [4, 9]);
            touched
        };
        assert_eq!(
            (entry.before(find(1)), entry.after(find(1))),
            (None, Some(&b"a"[..]))
        );
        assert_eq!(
            (entry.before(find(2)), entry.after(find(2))),
            (Some(&b"b"[..]), Some(&b"b"[..]))
        );
        assert_eq!(entry.image(find(3)), Some(&b"row"[..]));
        assert_eq!(
            (entry.before(find(4)), entry.after(find(4))),
            (Some(&b"e"[..]), None)
        );
        assert_eq!(entry.instructions_of(find(2)).expect("decodes").len(), 2);
        let named = [1, 2, 3, 4].map(|key| ObjectKey::new(3, &PrimaryKey::Int(key)));
        let indexed = entry.indexed().expect("readable");
        assert_eq!(indexed, [&named[..], &ghosts[..]].concat());
        assert!(
            entry
                .find(&ObjectKey::new(3, &PrimaryKey::Int(9)))
                .expect("readable")
                .is_none()
        );
    }

    #[test]
    fn damaged_entries_are_errors() {
        let origin = Origin {
            ident: 2,
            client_version: 7,
            timestamp: 99,
        };
        let class = TouchedClass {
            class: 0,
            columns: Arc::from([]),
            objects: vec![touched(1, None, Some(b""), 0..0)],
        };
        let bytes = write_entry(origin, 0, b"", &[class], &[]);
        for length in 0..bytes.len() {
            let cut = Arc::from(bytes.get(..length).expect("within"));
            let read = Entry::read(1, cut).and_then(|entry| entry.groups().map(<[_]>::len));
            assert!(read.is_err(), "cut at {length}");
        }
    }
}
