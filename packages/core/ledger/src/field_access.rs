//! Which fields of objects a user may read or write.
//!
//! A tree over the fields of a class and, inside embedded objects (and lists and dictionaries of them), over
//! theirs. It goes by names alone: what it says of a field does not depend on when the schema gets it, so an
//! access that was once put into a view never says something else later.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use tidemark_changeset::{CollectionKind, Instruction, Name, PathElement, Target};
use tidemark_model::{Class, Document, Node, Schema};

use crate::error::{LedgerError, Result};
use crate::limits::{FIELD_ACCESS_BYTES_MAX, FIELD_ACCESS_DEPTH_MAX, FIELD_ACCESS_FIELDS_MAX};
use crate::schema_versions::shown;

/// Access to the fields of an object. Its primary key is no part of it: whoever sees an object sees its key.
///
/// Equal accesses are equal values: only fields that differ from the others are named.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldAccess {
    /// Whether fields that are not named are open.
    others: bool,
    fields: BTreeMap<Name, FieldAccess>,
}

static ALL: FieldAccess = FieldAccess {
    others: true,
    fields: BTreeMap::new(),
};
static NONE: FieldAccess = FieldAccess {
    others: false,
    fields: BTreeMap::new(),
};

/// How far the place that an instruction acts on is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// With everything in it.
    All,
    /// An embedded object, or a collection of them, with some of its fields.
    Part,
    /// Not at all.
    Nothing,
}

impl FieldAccess {
    /// Access to all fields.
    pub fn all() -> Self {
        ALL.clone()
    }

    /// Access to no field.
    pub fn none() -> Self {
        NONE.clone()
    }

    /// Access to some fields, and to the others or not.
    pub fn new(others: bool, fields: impl IntoIterator<Item = (Name, Self)>) -> Self {
        let differs =
            |(_, access): &(Name, Self)| !access.fields.is_empty() || access.others != others;
        Self {
            others,
            fields: fields.into_iter().filter(differs).collect(),
        }
    }

    /// Whether all fields are open.
    pub fn is_all(&self) -> bool {
        self.others && self.fields.is_empty()
    }

    /// Whether no field is open.
    pub fn is_none(&self) -> bool {
        !self.others && self.fields.is_empty()
    }

    /// The access to one field, by its physical name as well: what is said of a name holds whatever a version
    /// of the schema means by it.
    pub fn member(&self, field: &Name) -> &Self {
        let others = if self.others { &ALL } else { &NONE };
        self.fields.get(&shown(field)).unwrap_or(others)
    }

    /// What at least one of two opens.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.joined(other, |left, right| left || right)
    }

    /// What both of two open.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.joined(other, |left, right| left && right)
    }

    fn joined(&self, other: &Self, join: fn(bool, bool) -> bool) -> Self {
        // Each name once: what both name would be joined twice, and four times one level deeper.
        let named: BTreeSet<&Name> = self.fields.keys().chain(other.fields.keys()).collect();
        let fields = named.into_iter().map(|name| {
            let access = self.member(name).joined(other.member(name), join);
            (name.clone(), access)
        });
        Self::new(join(self.others, other.others), fields)
    }

    /// Reads `[others, [[name, access], …]]`, JSON text with accesses in the same form.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > FIELD_ACCESS_BYTES_MAX {
            return Err(bad("too long"));
        }
        let json: Json = serde_json::from_str(text).map_err(|_| bad("not JSON"))?;
        let mut fields_left = FIELD_ACCESS_FIELDS_MAX;
        read(&json, FIELD_ACCESS_DEPTH_MAX, &mut fields_left)
    }

    /// The text that [`FieldAccess::parse`] reads, the same for the same access.
    pub fn text(&self) -> String {
        write(self).to_string()
    }

    /// How far the place is open that an instruction acts on.
    ///
    /// What is open in part is open as an embedded object, of which there may be some: that they are there,
    /// and in which order, belongs to what is open. A field of any other kind is open as a whole or not at
    /// all.
    pub fn reach(&self, schema: &Schema, target: &Target) -> Reach {
        let mut access = self.member(&target.field);
        let (mut class, mut field) = (schema.class(&target.class), &target.field);
        let mut path = target.path.as_slice();
        loop {
            if access.is_all() {
                return Reach::All;
            }
            let found = class.and_then(|class| class.columns.get(class.column_index(field)?));
            let embedded = found.and_then(|column| schema.embedded_target(column));
            let (Some(column), Some(embedded), false) = (found, embedded, access.is_none()) else {
                return Reach::Nothing;
            };
            if column.collection != CollectionKind::Single {
                path = path.get(1..).unwrap_or_default();
            }
            match path.split_first() {
                None => return Reach::Part,
                Some((PathElement::Key(name), rest)) => {
                    access = access.member(name);
                    (class, field, path) = (Some(embedded), name, rest);
                }
                Some((PathElement::Index(_), _)) => return Reach::Nothing,
            }
        }
    }

    /// Whether an instruction on an object is one that a reader with this access is to see.
    pub fn shows(&self, schema: &Schema, instruction: &Instruction) -> bool {
        let target = instruction.target();
        target.is_none_or(|target| self.reach(schema, target) != Reach::Nothing)
    }

    /// Makes of a document what a reader with this access is to see of it: what is closed holds its default.
    pub fn cover(&self, schema: &Schema, class: &Class, document: &mut Document) {
        for (column, node) in class.columns.iter().zip(&mut document.fields) {
            let access = self.member(&column.name);
            if access.is_all() {
                continue;
            }
            let Some(embedded) = schema.embedded_target(column).filter(|_| !access.is_none())
            else {
                *node = Node::default_of(column);
                continue;
            };
            let cover = |node: &mut Node| {
                if let Node::Object(object) = node {
                    access.cover(schema, embedded, object);
                }
            };
            match node {
                Node::List(elements) => elements.iter_mut().for_each(cover),
                Node::Dictionary(entries) => entries.values_mut().for_each(cover),
                single => cover(single),
            }
        }
    }
}

fn bad(what: &str) -> LedgerError {
    LedgerError::Argument(format!("a role's access to fields is {what}"))
}

fn read(json: &Json, depth_left: usize, fields_left: &mut usize) -> Result<FieldAccess> {
    let shape = || bad("not of the form [others, [[name, access], …]]");
    let [Json::Bool(others), Json::Array(named)] = &**json.as_array().ok_or_else(shape)? else {
        return Err(shape());
    };
    let depth_left = depth_left.checked_sub(1).ok_or_else(|| bad("too deep"))?;
    *fields_left = fields_left
        .checked_sub(named.len())
        .ok_or_else(|| bad("too large"))?;
    let field = |field: &Json| match field.as_array().map(Vec::as_slice) {
        Some([Json::String(name), access]) => Ok((
            Name::from(name.as_str()),
            read(access, depth_left, fields_left)?,
        )),
        _ => Err(shape()),
    };
    let fields = named.iter().map(field).collect::<Result<Vec<_>>>()?;
    let count = fields.len();
    let access = FieldAccess {
        others: *others,
        fields: fields.into_iter().collect(),
    };
    if access.fields.len() < count {
        return Err(bad("not clear: it names a field twice"));
    }
    Ok(FieldAccess::new(access.others, access.fields))
}

fn write(access: &FieldAccess) -> Json {
    let fields = access.fields.iter();
    let fields =
        fields.map(|(name, access)| Json::from(vec![Json::from(name.to_string()), write(access)]));
    Json::from(vec![
        Json::Bool(access.others),
        Json::Array(fields.collect()),
    ])
}

#[cfg(test)]
mod tests;
