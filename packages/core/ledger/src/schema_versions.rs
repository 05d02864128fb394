//! Versions of the schema: which classes and columns each shows, and under which names.
//!
//! The ledger never drops a class or a column: what any version has stays as a *physical* one, with data. A
//! version shows some of them. Where a name means something else than in another version, the physical name
//! has a mark and a number behind it, so that the shown name is the part before the mark, whoever looks. A
//! client file belongs to one version for life; its changesets are translated when they come
//! ([`Names::inward`]) and when they go ([`Names::outward`]), and nothing between knows of versions.

use std::collections::BTreeMap;

use tidemark_changeset::{CollectionKind, ColumnType, KeyType, Name};
use tidemark_model::{Class, ClassKind};
use tidemark_query::{Catalog, Place, Property};

use crate::bytes::{Reader, put_number};
use crate::error::{LedgerError, Result};
use crate::limits::SCHEMA_VERSIONS_MAX;
use crate::object::ClassNumber;
use crate::schema::{LedgerSchema, key_field};

/// Stands in physical names before the number that tells them apart. No name from outside may hold it.
const MARK: u8 = 1;

/// Whether a name is a physical one that is never shown so.
pub(crate) fn is_marked(name: &Name) -> bool {
    name.as_bytes().contains(&MARK)
}

/// The name that clients know a class or column by.
pub(crate) fn shown(name: &Name) -> Name {
    if is_marked(name) {
        Name::from(shown_bytes(name.as_bytes()))
    } else {
        name.clone()
    }
}

/// … of a name as text.
pub(crate) fn shown_text(name: &str) -> &str {
    name.split(char::from(MARK)).next().unwrap_or(name)
}

fn shown_bytes(name: &[u8]) -> &[u8] {
    name.split(|byte| *byte == MARK).next().unwrap_or(name)
}

/// Takes marks and their numbers out of a text for somebody outside.
pub(crate) fn without_marks(text: &str) -> String {
    let mut parts = text.split(char::from(MARK));
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.trim_start_matches(|character: char| character.is_ascii_digit())
    })
}

/// The first physical name for a shown one that is not taken.
pub(crate) fn physical(shown: &Name, is_taken: impl Fn(&Name) -> bool) -> Name {
    let mut name = shown.clone();
    let mut number = 1u64;
    while is_taken(&name) {
        number += 1;
        let mut bytes = shown.as_bytes().to_vec();
        bytes.push(MARK);
        bytes.extend_from_slice(number.to_string().as_bytes());
        name = Name::from(bytes.as_slice());
    }
    name
}

/// What one version shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaVersion {
    pub(crate) classes: BTreeMap<ClassNumber, ShownClass>,
    /// Classes by the names they are shown under.
    numbers: BTreeMap<Name, ClassNumber>,
}

/// A class in one version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShownClass {
    /// Whether keys may be null.
    pub key_nullable: bool,
    /// Shown columns, and whether the values of each may be null. Of collections the column itself says it.
    pub columns: BTreeMap<u16, bool>,
    /// Columns by the names they are shown under.
    fields: BTreeMap<Name, u16>,
}

impl ShownClass {
    /// Shows a column; another one of that name is no longer shown.
    pub fn show(&mut self, name: &Name, column: u16, nullable: bool) {
        if let Some(other) = self.fields.insert(shown(name), column) {
            self.columns.remove(&other);
        }
        self.columns.insert(column, nullable);
    }

    /// No longer shows a column.
    pub fn hide(&mut self, field: &Name) {
        if let Some(column) = self.fields.remove(field) {
            self.columns.remove(&column);
        }
    }

    /// The column shown under a name.
    pub fn column(&self, field: &Name) -> Option<u16> {
        self.fields.get(field).copied()
    }
}

impl SchemaVersion {
    /// Shows a class; another one of that name is no longer shown.
    pub fn show(
        &mut self,
        name: &Name,
        number: ClassNumber,
        key_nullable: bool,
    ) -> &mut ShownClass {
        if let Some(other) = self.numbers.insert(shown(name), number)
            && other != number
        {
            self.classes.remove(&other);
        }
        let class = self.classes.entry(number).or_default();
        class.key_nullable = key_nullable;
        class
    }

    /// No longer shows a class.
    pub fn hide(&mut self, class: &Name) {
        if let Some(number) = self.numbers.remove(class) {
            self.classes.remove(&number);
        }
    }

    /// The class shown under a name.
    pub fn number(&self, class: &Name) -> Option<ClassNumber> {
        self.numbers.get(class).copied()
    }
}

/// Whether the keys of a class may be null.
pub(crate) fn has_null_keys(class: &Class) -> bool {
    class.key_field().is_some_and(|key| key.nullable)
}

impl LedgerSchema {
    /// Number of the newest version; the first is 0.
    pub fn newest_version(&self) -> u64 {
        self.versions.len().saturating_sub(1) as u64
    }

    /// The names of a version, if there is one of that number.
    pub fn names(&self, version: u64) -> Option<Names<'_>> {
        if version > self.newest_version() {
            return None;
        }
        let shown = self.versions.get(usize::try_from(version).ok()?);
        Some(Names {
            schema: self,
            shown,
            version,
            others: false,
        })
    }

    /// The names of the newest version: rules and queryable fields are written in them.
    pub fn newest_names(&self) -> Names<'_> {
        let (shown, version) = (self.versions.last(), self.newest_version());
        Names {
            schema: self,
            shown,
            version,
            others: false,
        }
    }

    /// Whether a column's values may be null in one version and are zero in another.
    pub(crate) fn is_divided(&self, class: ClassNumber, column: u16) -> bool {
        let of = |version: &SchemaVersion| {
            let class = version.classes.get(&class);
            class.and_then(|class| class.columns.get(&column).copied())
        };
        let mut shown = self.versions.iter().filter_map(of);
        let first = shown.next();
        shown.any(|nullable| Some(nullable) != first)
    }

    /// The version that shows all there is.
    pub(crate) fn whole(&self) -> SchemaVersion {
        let mut version = SchemaVersion::default();
        let classes = (0..).map_while(|number| Some((number, self.class(number)?)));
        for (number, class) in classes {
            let shown = version.show(&class.name, number, has_null_keys(class));
            for (index, column) in (0..).zip(&class.columns) {
                shown.show(&column.name, index, column.nullable);
            }
        }
        version
    }

    /// Appends the versions as bytes.
    pub(crate) fn write_versions(&self, out: &mut Vec<u8>) {
        put_number(out, self.versions.len() as u64);
        for version in &self.versions {
            put_number(out, version.classes.len() as u64);
            for (number, class) in &version.classes {
                put_number(out, u64::from(*number));
                out.push(u8::from(class.key_nullable));
                put_number(out, class.columns.len() as u64);
                for (column, nullable) in &class.columns {
                    put_number(out, u64::from(*column) << 1 | u64::from(*nullable));
                }
            }
        }
    }

    /// Reads what [`LedgerSchema::write_versions`] wrote.
    pub(crate) fn read_versions(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        const DAMAGED: LedgerError =
            LedgerError::Damaged("the versions of the schema cannot be read");
        let count = reader.length()?;
        if count > SCHEMA_VERSIONS_MAX {
            return Err(DAMAGED);
        }
        for _ in 0..count {
            let mut version = SchemaVersion::default();
            for _ in 0..reader.length()? {
                let number = reader.small()?;
                let key_nullable = reader.byte()? != 0;
                let class = self.class(number).ok_or(DAMAGED)?;
                let shown = version.show(&class.name, number, key_nullable);
                for _ in 0..reader.length()? {
                    let bits = reader.number()?;
                    let index = u16::try_from(bits >> 1).map_err(|_| DAMAGED)?;
                    let column = class.columns.get(usize::from(index)).ok_or(DAMAGED)?;
                    shown.show(&column.name, index, bits & 1 != 0);
                }
            }
            self.versions.push(version);
        }
        Ok(())
    }
}

/// The names of one version, and what they stand for.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    pub(crate) schema: &'a LedgerSchema,
    /// `None` for the version that shows everything as it is.
    pub(crate) shown: Option<&'a SchemaVersion>,
    version: u64,
    /// Whether names that only other versions have are known as well.
    others: bool,
}

impl<'a> Names<'a> {
    /// Number of the version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether every name is that of a class or column, and stands for it.
    pub fn are_plain(&self) -> bool {
        self.shown.is_none()
    }

    /// The same, and names that only other versions have: what a subscription may ask for without getting it.
    #[must_use]
    pub fn with_others(self) -> Self {
        Self {
            others: true,
            ..self
        }
    }

    /// The class of a name.
    pub fn number(&self, class: &Name) -> Option<ClassNumber> {
        match self.shown {
            None => self.schema.number(class),
            Some(version) => version.number(class),
        }
    }

    /// The class of a name in this version or, if those are known, in another one.
    pub fn any_number(&self, class: &Name) -> Option<ClassNumber> {
        self.classes_of(class).next().map(|(number, _)| number)
    }

    /// Whether a class is shown.
    pub fn shows(&self, class: ClassNumber) -> bool {
        self.shown
            .is_none_or(|version| version.classes.contains_key(&class))
    }

    /// The column of a name; `None` for the primary key as well.
    pub fn column(&self, class: ClassNumber, field: &Name) -> Option<u16> {
        match self.shown {
            None => {
                let index = self.schema.class(class)?.column_index(field)?;
                u16::try_from(index).ok()
            }
            Some(version) => version.classes.get(&class)?.column(field),
        }
    }

    /// Whether the values of a column are shown as never null.
    pub fn requires(&self, class: ClassNumber, column: u16) -> bool {
        let definition = || self.schema.class(class)?.columns.get(usize::from(column));
        let nullable = match self.shown {
            None => definition().map(|column| column.nullable),
            Some(version) => {
                let class = version.classes.get(&class);
                class.and_then(|class| class.columns.get(&column).copied())
            }
        };
        let is_single = definition().is_some_and(|of| of.collection == CollectionKind::Single);
        is_single && nullable == Some(false)
    }

    /// The classes as the version shows them, in the order of their numbers.
    pub fn classes(&self) -> Vec<Class> {
        let all = (0..).map_while(|number| Some((number, self.schema.class(number)?)));
        let shown = all.filter(|(number, _)| self.shows(*number));
        shown
            .map(|(number, class)| self.shown_class(number, class))
            .collect()
    }

    fn shown_class(&self, number: ClassNumber, class: &Class) -> Class {
        let Some(known) = self.shown.and_then(|version| version.classes.get(&number)) else {
            return class.clone();
        };
        let mut class = class.clone();
        class.name = shown(&class.name);
        if let ClassKind::TopLevel { key_nullable, .. }
        | ClassKind::Asymmetric { key_nullable, .. } = &mut class.kind
        {
            *key_nullable = known.key_nullable;
        }
        let columns = std::mem::take(&mut class.columns).into_iter().zip(0..);
        let columns = columns.filter_map(|(mut column, index): (_, u16)| {
            let nullable = *known.columns.get(&index)?;
            column.name = shown(&column.name);
            column.target = column.target.as_ref().map(shown);
            if column.collection == CollectionKind::Single {
                column.nullable = nullable;
            }
            Some(column)
        });
        class.columns = columns.collect();
        class
    }

    /// The classes of a name in any version, this one first.
    fn classes_of(&self, class: &Name) -> impl Iterator<Item = (ClassNumber, Names<'a>)> + use<'a> {
        let this = self.number(class).map(|number| (number, *self));
        let others = self.others.then(|| {
            let newest_first = (0..=self.schema.newest_version()).rev();
            let schema = self.schema;
            let class = class.clone();
            newest_first.filter_map(move |version| {
                let names = schema.names(version)?;
                Some((names.number(&class)?, names))
            })
        });
        this.into_iter().chain(others.into_iter().flatten())
    }

    fn own_property(&self, number: ClassNumber, name: &str) -> Option<Property> {
        let class = self.schema.class(number)?;
        if key_field(class).is_some_and(|key| key.as_bytes() == name.as_bytes()) {
            let shown = self.shown.and_then(|version| version.classes.get(&number));
            let nullable = shown.map_or_else(|| has_null_keys(class), |shown| shown.key_nullable);
            return key_property(class, nullable);
        }
        let index = self.column(number, &Name::from(name))?;
        let column = class.columns.get(usize::from(index))?;
        let is_single = column.collection == CollectionKind::Single;
        let target = column.target.as_ref().and_then(|target| target.as_str());
        Some(Property {
            place: Place::Column(usize::from(index)),
            column_type: column.column_type,
            nullable: column.nullable && !(is_single && self.requires(number, index)),
            collection: column.collection,
            target: target.map(|target| shown_text(target).to_owned()),
            full_text: false,
        })
    }
}

impl Catalog for Names<'_> {
    fn has_class(&self, class: &str) -> bool {
        self.classes_of(&Name::from(class)).next().is_some()
    }

    fn property(&self, class: &str, name: &str) -> Option<Property> {
        let class = Name::from(class);
        let mut classes = self.classes_of(&class);
        classes.find_map(|(number, names)| names.own_property(number, name))
    }
}

fn key_property(class: &Class, nullable: bool) -> Option<Property> {
    let (ClassKind::TopLevel { key_type, .. } | ClassKind::Asymmetric { key_type, .. }) =
        &class.kind
    else {
        return None;
    };
    Some(Property {
        place: Place::Key,
        column_type: match key_type {
            KeyType::Int => ColumnType::Int,
            KeyType::String => ColumnType::String,
            KeyType::ObjectId => ColumnType::ObjectId,
            KeyType::Uuid => ColumnType::Uuid,
            KeyType::GlobalKey => return None,
        },
        nullable,
        collection: CollectionKind::Single,
        target: None,
        full_text: false,
    })
}
