//! Other columns for a class: added, removed, renamed, put in another order, made optional or required, given
//! another type.

use std::sync::Arc;

use tidemark_changeset::{
    CollectionKind, ColumnType, KeyType, Name, PrimaryKey, Text, Value, order,
};
use tidemark_model::{Class, Column, Document, Node};
use tidemark_storage::Storage;

use super::Slice;
use crate::catalog::Catalog;
use crate::tables::{ClassId, ROWS, row_key};
use crate::transaction::{Links, Loaded, WriteTransaction, class_of, decode, encode};
use crate::walk::each_link;
use crate::{Result, StoreError};

/// Where the values of a column come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Each object gets the default.
    Default,
    /// The column that has this name so far, as far as its values fit: null becomes the default where the new
    /// column has no null, and where the types differ all values do.
    Column(Name),
    /// The primary key.
    Key,
}

/// A column that a class is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewColumn {
    /// The column.
    pub column: Column,
    /// Where its values come from.
    pub source: Source,
}

/// Where a value comes from, by position.
#[derive(Clone, Copy)]
enum From {
    Nowhere,
    Column { index: usize, is_exact: bool },
    Key,
}

/// The new columns of a class.
struct Shape<'a> {
    class: &'a Name,
    columns: Vec<Column>,
    from: Vec<From>,
}

impl<S: Storage> WriteTransaction<S> {
    /// Gives a class exactly these columns. Indexes over columns whose values stay as they are stay too.
    ///
    /// # Errors
    ///
    /// If there is no such class or source, or the columns contradict each other or the rest of the schema.
    pub fn reshape(&mut self, name: &Name, columns: &[NewColumn]) -> Result<()> {
        self.begin_migration()?;
        let (id, _) = self.class_named(name)?;
        let before = Arc::clone(&self.catalog);
        let old = class_of(&before, id)?;
        let from = columns.iter().map(|new| from_of(old, new));
        let from = from.collect::<Result<Vec<_>>>()?;
        let kept: Vec<_> = from.iter().map(|from| from.exact()).collect();
        let wanted: Vec<_> = columns.iter().map(|new| new.column.clone()).collect();
        for column in 0..old.columns.len() {
            if !kept.contains(&Some(column)) {
                self.drop_index(id, column)?;
            }
        }
        Arc::make_mut(&mut self.catalog).set_columns(name, &wanted, &kept)?;
        let is_same = from.len() == old.columns.len()
            && (0..).zip(&kept).all(|(column, kept)| *kept == Some(column));
        if is_same {
            return Ok(());
        }
        let columns = class_of(&self.catalog, id)?.columns.clone();
        let shape = Shape {
            class: name,
            columns,
            from,
        };
        let affected: Vec<ClassId> = if old.is_embedded() {
            let top_level = before.classes().filter(|class| !class.is_embedded());
            let ids = top_level.filter(|class| holds(&before, class, name, &mut Vec::new()));
            ids.filter_map(|class| before.id(&class.name)).collect()
        } else {
            vec![id]
        };
        affected.into_iter().try_for_each(|class| {
            self.each_slice(class, |write, slice| {
                write.reshape_slice(&before, class, &shape, slice)
            })
        })
    }

    fn reshape_slice(
        &mut self,
        before: &Catalog,
        class: ClassId,
        shape: &Shape<'_>,
        slice: Slice,
    ) -> Result<()> {
        let definition = class_of(before, class)?;
        let mut bytes = Vec::new();
        for (object, row) in slice {
            let mut loaded = decode(before, class, &row)?;
            let known = links_of(before, class, &loaded.document);
            let Loaded { key, document, .. } = &mut loaded;
            document.each_of_class(&before.schema, definition, shape.class, &mut |document| {
                shape.apply(key, document);
            });
            bytes.clear();
            encode(&loaded, &mut bytes);
            self.storage.put(ROWS, &row_key(class, object), &bytes);
            let now = links_of(&self.catalog, class, &loaded.document);
            self.update_links((class, object), &known, &now)?;
        }
        Ok(())
    }
}

/// The links of a document, by column.
pub(super) fn links_of(catalog: &Catalog, class: ClassId, document: &Document) -> Links {
    let mut links = Links::new();
    for (column, node) in (0..).zip(&document.fields) {
        if catalog.is_linking(class, usize::from(column)) {
            each_link(node, &mut |link| {
                links.insert((column, link.clone()));
            });
        }
    }
    links
}

/// Whether objects of a class may have objects of an embedded one inside.
pub(super) fn holds(
    catalog: &Catalog,
    class: &Class,
    embedded: &Name,
    seen: &mut Vec<Name>,
) -> bool {
    class.columns.iter().any(|column| {
        let Some(inner) = catalog.schema.embedded_target(column) else {
            return false;
        };
        if inner.name == *embedded {
            return true;
        }
        if seen.contains(&inner.name) {
            return false;
        }
        seen.push(inner.name.clone());
        holds(catalog, inner, embedded, seen)
    })
}

fn from_of(old: &Class, new: &NewColumn) -> Result<From> {
    let index = match &new.source {
        Source::Default => return Ok(From::Nowhere),
        Source::Key if old.key_field().is_some() => return Ok(From::Key),
        Source::Key => None,
        Source::Column(name) => old.column_index(name),
    };
    let found = index.and_then(|index| old.columns.get(index).map(|column| (index, column)));
    let Some((index, column)) = found else {
        return Err(StoreError::NotFound(format!(
            "Class '{}' has no property for '{}'",
            old.name, new.column.name
        )));
    };
    let (is, was) = (&new.column, column);
    let has_same_type = is.column_type == was.column_type
        && is.collection == was.collection
        && is.target == was.target;
    let has_one_nullability = matches!(is.column_type, ColumnType::Mixed | ColumnType::Link);
    let is_exact = has_one_nullability || is.nullable == was.nullable;
    Ok(if has_same_type {
        From::Column { index, is_exact }
    } else {
        From::Nowhere
    })
}

impl From {
    /// The column whose values this one has, unchanged.
    fn exact(self) -> Option<usize> {
        match self {
            Self::Column {
                index,
                is_exact: true,
            } => Some(index),
            _ => None,
        }
    }
}

impl Shape<'_> {
    fn apply(&self, key: &PrimaryKey, document: &mut Document) {
        let value = |(column, from): (&Column, &From)| {
            let default = || Node::default_of(column);
            match *from {
                From::Nowhere => default(),
                From::Key => Node::Value(value_of_key(key)),
                From::Column { index, is_exact } => match document.fields.get(index) {
                    Some(node) if is_exact || column.nullable => node.clone(),
                    Some(node) => without_null(node, column),
                    None => default(),
                },
            }
        };
        let fields = self.columns.iter().zip(&self.from).map(value).collect();
        document.fields = fields;
    }
}

/// What a column without nulls makes of a value: the default stands for null.
fn without_null(node: &Node, column: &Column) -> Node {
    let single = Column {
        collection: CollectionKind::Single,
        ..column.clone()
    };
    let default = Node::default_of(&single);
    let filled = |node: &Node| {
        if node.is_null() {
            default.clone()
        } else {
            node.clone()
        }
    };
    match node {
        Node::List(elements) => Node::List(elements.iter().map(filled).collect()),
        Node::Dictionary(entries) => {
            let entries = entries.iter();
            Node::Dictionary(entries.map(|(key, it)| (key.clone(), filled(it))).collect())
        }
        Node::Set(elements) => {
            let (nulls, mut values): (Vec<_>, Vec<_>) =
                elements.iter().cloned().partition(|it| *it == Value::Null);
            if let (Some(_), Node::Value(default)) = (nulls.first(), default)
                && let Err(place) = values.binary_search_by(|it| order::compare(it, &default))
            {
                values.insert(place, default);
            }
            Node::Set(values)
        }
        other => filled(other),
    }
}

/// The value of a property that was the primary key.
pub(super) fn value_of_key(key: &PrimaryKey) -> Value {
    match key {
        PrimaryKey::Int(number) => Value::Int(*number),
        PrimaryKey::String(text) => Value::String(text.clone()),
        PrimaryKey::ObjectId(id) => Value::ObjectId(*id),
        PrimaryKey::Uuid(id) => Value::Uuid(*id),
        PrimaryKey::Null | PrimaryKey::GlobalKey(..) => Value::Null,
    }
}

/// The primary key of a value.
pub(super) fn key_of_value(value: &Value) -> Option<PrimaryKey> {
    Some(match value {
        Value::Null => PrimaryKey::Null,
        Value::Int(number) => PrimaryKey::Int(*number),
        Value::String(text) => PrimaryKey::String(Text::clone(text)),
        Value::ObjectId(id) => PrimaryKey::ObjectId(*id),
        Value::Uuid(id) => PrimaryKey::Uuid(*id),
        _ => return None,
    })
}

/// Type of a property that was the primary key; keys of classes without one are no property.
pub(super) fn type_of_key(key: KeyType) -> Option<ColumnType> {
    Some(match key {
        KeyType::Int => ColumnType::Int,
        KeyType::String => ColumnType::String,
        KeyType::ObjectId => ColumnType::ObjectId,
        KeyType::Uuid => ColumnType::Uuid,
        KeyType::GlobalKey => return None,
    })
}

/// Type of the keys that the values of a column can be.
pub(super) fn key_type_of(column: &Column) -> Option<KeyType> {
    if column.collection != CollectionKind::Single {
        return None;
    }
    Some(match column.column_type {
        ColumnType::Int => KeyType::Int,
        ColumnType::String => KeyType::String,
        ColumnType::ObjectId => KeyType::ObjectId,
        ColumnType::Uuid => KeyType::Uuid,
        _ => return None,
    })
}
