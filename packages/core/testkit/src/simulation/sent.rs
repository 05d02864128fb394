//! Objects of asymmetric classes: what was sent is with the server as it was, and nowhere else.

use std::collections::BTreeMap;

use tidemark_changeset::{Instruction, Name, PrimaryKey};
use tidemark_model::memory::Database as Model;
use tidemark_model::{Class, Column, Document, Node};
use tidemark_storage::Storage;
use tidemark_store::Result;

use super::checks::Log;
use super::client::File;
use super::edits::Writer;
use crate::dice::Dice;

/// Keys that everybody sends objects under, in a quarter of all cases.
const SHARED_KEYS: usize = 3;

/// Changes of a column while an object is made: fewer than this.
const CHANGES: usize = 4;

/// An object that was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    pub class: Name,
    pub key: PrimaryKey,
    /// All that it held, as [`content`] says it.
    pub content: String,
}

impl<S: Storage> Writer<'_, S> {
    /// Sends an object of an asymmetric class; what is in it is drawn from the number.
    pub(super) fn send(&mut self, number: u32) -> Result<()> {
        let class = self.layout.asymmetric(number);
        let Some(position) = class.and_then(|class| self.position(class)) else {
            return Ok(());
        };
        let dice = &mut Dice::new(u64::from(number));
        let key = if dice.chance(25) {
            -1 - i64::try_from(dice.below(SHARED_KEYS)).unwrap_or_default()
        } else {
            *self.next_token += 1;
            i64::try_from(*self.next_token).unwrap_or_default()
        };
        let key = PrimaryKey::Int(key);
        let (object, _) = self.write.create(position, &key, true)?;
        for column in 0..self.write.catalog().class_at(position)?.columns.len() {
            for _ in 0..dice.below(CHANGES) {
                self.change_column(position, object, column, dice)?;
            }
        }
        self.sent.insert((position, key), object);
        Ok(())
    }

    /// What the transaction sends, as it is by now.
    pub(super) fn take_sent(&mut self) -> Result<Vec<Sent>> {
        let mut all = Vec::new();
        for ((position, key), object) in std::mem::take(&mut self.sent) {
            let document = self.document(position, object)?.unwrap_or_default();
            let catalog = self.write.catalog();
            let class = catalog.class_at(position)?;
            let content = content(class, &document, &|name| catalog.class(name));
            let class = class.name.clone();
            all.push(Sent {
                class,
                key,
                content,
            });
        }
        Ok(all)
    }
}

/// What a document holds, by names: equal however the columns are ordered, and whether or not there are
/// columns that it knows nothing of.
fn content<'s>(
    class: &Class,
    document: &Document,
    classes: &impl Fn(&Name) -> Option<&'s Class>,
) -> String {
    let fields = class.columns.iter().zip(&document.fields);
    let told = fields.filter(|(column, node)| **node != Node::default_of(column));
    let told: BTreeMap<String, String> = told
        .map(|(column, node)| (column.name.to_string(), field(column, node, classes)))
        .collect();
    format!("{told:?}")
}

fn field<'s>(
    column: &Column,
    node: &Node,
    classes: &impl Fn(&Name) -> Option<&'s Class>,
) -> String {
    let target = column.target.as_ref().and_then(classes);
    let Some(embedded) = target.filter(|class| class.is_embedded()) else {
        return format!("{node:?}");
    };
    let inner = |node: &Node| match node {
        Node::Object(document) => content(embedded, document, classes),
        other => format!("{other:?}"),
    };
    match node {
        Node::List(elements) => format!("{:?}", elements.iter().map(inner).collect::<Vec<_>>()),
        Node::Dictionary(entries) => {
            let entries = entries.iter().map(|(key, node)| (key, inner(node)));
            format!("{:?}", entries.collect::<BTreeMap<_, _>>())
        }
        single => inner(single),
    }
}

/// What arrived under each key: by version of the log, with its content if that is known.
type Arrivals<'f> = BTreeMap<(Name, PrimaryKey), BTreeMap<u64, Option<&'f str>>>;

fn arrivals<'f>(
    files: impl Iterator<Item = &'f File>,
    log: &Log,
    held: &Model,
) -> std::result::Result<Arrivals<'f>, String> {
    let mut all = Arrivals::new();
    for file in files {
        for commit in &file.committed {
            let Some(entry) = log.get(&(file.ident, commit.version)) else {
                continue;
            };
            for sent in &commit.sent {
                let versions = all
                    .entry((sent.class.clone(), sent.key.clone()))
                    .or_default();
                versions.insert(entry.version, Some(&*sent.content));
            }
        }
        let Some((through, _)) = file.recovered else {
            continue;
        };
        // A client reset brings back what was sent, under other versions.
        for (_, entry) in log.range((file.ident, 0)..=(file.ident, through)) {
            for instruction in entry.instructions().map_err(|error| error.to_string())? {
                if let Instruction::CreateObject { class, key } = instruction
                    && held.schema.class(class).is_some_and(Class::is_asymmetric)
                {
                    let versions = all.entry((class.clone(), key.clone())).or_default();
                    versions.insert(entry.version, None);
                }
            }
        }
    }
    Ok(all)
}

/// Of everything that arrived under a key the first is held, as it was, and nothing else is. The answer is
/// how many objects that were, and for how many of them others came too late.
pub(super) fn check<'f>(
    files: impl Iterator<Item = &'f File>,
    log: &Log,
    held: &Model,
) -> std::result::Result<(u64, u64), String> {
    let arrivals = arrivals(files, log, held)?;
    for ((class, key), versions) in &arrivals {
        let document = held.get(class, key);
        let found = held.schema.class(class).zip(document);
        let found = found
            .map(|(class, document)| content(class, document, &|name| held.schema.class(name)));
        let first = versions.values().next().copied().flatten();
        let is_kept = found
            .as_deref()
            .is_some_and(|found| first.is_none_or(|first| first == found));
        if !is_kept {
            return Err(format!(
                "{class}[{key:?}] is {found:?}, {first:?} was acknowledged"
            ));
        }
    }
    for (class, objects) in &held.objects {
        if held.schema.class(class).is_some_and(Class::is_asymmetric) {
            let unknown = objects
                .keys()
                .find(|key| !arrivals.contains_key(&(class.clone(), (*key).clone())));
            if let Some(key) = unknown {
                return Err(format!("{class}[{key:?}] is there, and nobody sent it"));
            }
        }
    }
    let late = arrivals
        .values()
        .filter(|versions| versions.len() > 1)
        .count();
    Ok((arrivals.len() as u64, late as u64))
}
