//! Queries over rows as they are stored: a scalar predicate reads its bytes where they lie.

use std::ops::ControlFlow;

use tidemark_changeset::packed::{Packed, PackedDictionary, PackedList, RowView, read_all};
use tidemark_changeset::{CollectionKind, ColumnType, KeyType, Name};
use tidemark_model::{Class, Column};
use tidemark_query::{
    Argument, Catalog as QueryCatalog, Field, Items, KeyView, LinkView, Objects, PackedRow, Place,
    Property, QueryError, Row, Scalar, bind, parse,
};
use tidemark_storage::Read;

use crate::catalog::Catalog;
use crate::links::origins;
use crate::names::QueryNames;
use crate::search::Search;
use crate::tables::ClassId;
use crate::transaction::{class_of, split_row};
use crate::{Result, StoreError, View};

/// An argument of a query from its packed form.
pub(crate) fn argument(value: &Packed<'_>) -> Result<Argument> {
    let no_value = || StoreError::MalformedArgument("an argument holds no plain value".to_owned());
    match value {
        Packed::List(list) | Packed::Set(list) => {
            let values = list
                .iter()
                .map(|element| element?.to_value().ok_or_else(no_value));
            Ok(Argument::List(values.collect::<Result<_>>()?))
        }
        scalar => Ok(Argument::Value(scalar.to_value().ok_or_else(no_value)?)),
    }
}

/// What a query found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Keys of the objects, in order.
    pub objects: Vec<u64>,
    /// How many rows were read to find them: all of the class, unless its predicate restricts the primary
    /// key, an indexed property, or what an object links to.
    pub rows_visited: u64,
}

impl<R: Read> View<'_, R> {
    /// Keys of the objects that match a query, with its SORT, DISTINCT and LIMIT; otherwise in order of
    /// creation.
    ///
    /// `restrict`: objects to choose from, in the order given.
    pub fn query(
        &self,
        class: usize,
        text: &str,
        arguments: &[Argument],
        restrict: Option<&[u64]>,
    ) -> Result<Vec<u64>> {
        let found = self.query_counted(class, text, arguments, restrict)?;
        Ok(found.objects)
    }

    /// [`View::query`], and what it took.
    pub fn query_counted(
        &self,
        class: usize,
        text: &str,
        arguments: &[Argument],
        restrict: Option<&[u64]>,
    ) -> Result<Found> {
        let id = self.catalog.id_at(class)?;
        let definition = self.catalog.class_at(class)?;
        let name = definition.name.to_string();
        let query = bind(&parse(text)?, &name, &self.query_catalog(), arguments)?;
        let mut search = Search::new(self, definition, &query);
        match restrict {
            Some(objects) => search.among(id, objects, false)?,
            None => search.of_class(id)?,
        }
        search.finish()
    }

    fn query_catalog(&self) -> Names<'_> {
        Names {
            catalog: self.catalog,
            given: self.names,
        }
    }

    /// The query as text without arguments: what a subscription sends.
    pub fn describe_query(
        &self,
        class: usize,
        text: &str,
        arguments: &[Argument],
    ) -> Result<String> {
        let name = self.catalog.class_at(class)?.name.to_string();
        Ok(bind(&parse(text)?, &name, &self.query_catalog(), arguments)?.subscription_text())
    }

    fn find_link(&self, link: LinkView<'_>) -> Result<Option<(ClassId, u64)>> {
        let Some(class) = self.catalog.id_of_bytes(link.class) else {
            return Ok(None);
        };
        Ok(self
            .find_by_id(class, &link.key.to_key())?
            .map(|object| (class, object)))
    }

    /// How often a column of an object links to a target.
    fn occurrences(row: &StoredRow<'_>, column: u16, target: LinkView<'_>) -> usize {
        count_links(&row.column(usize::from(column)), target)
    }

    fn each_origin(
        &self,
        target: LinkView<'_>,
        wanted: impl Fn(ClassId, u16) -> bool,
        visitor: &mut dyn FnMut(&StoredRow<'_>, usize),
    ) -> Result<()> {
        let Some(class) = self.catalog.id_of_bytes(target.class) else {
            return Ok(());
        };
        for origin in origins(self.storage, class, &target.key.to_key())? {
            if !wanted(origin.class, origin.column) {
                continue;
            }
            let Some(bytes) = self.row_by_id(origin.class, origin.object)? else {
                continue;
            };
            let class = class_of(self.catalog, origin.class)?;
            let row = StoredRow::of_bytes(self.catalog, class, &bytes)?;
            let times = Self::occurrences(&row, origin.column, target);
            visitor(&row, times);
        }
        Ok(())
    }
}

fn count_links(field: &Field<'_>, target: LinkView<'_>) -> usize {
    match field {
        Field::Scalar(Scalar::Link(link)) => usize::from(*link == target),
        Field::List(items) | Field::Set(items) | Field::Dictionary(items) => {
            let mut count = 0;
            items.each(&mut |_, item| {
                count += count_links(&item, target);
                ControlFlow::Continue(())
            });
            count
        }
        // Links inside embedded objects belong to those.
        Field::Scalar(_) | Field::Object(_) => 0,
    }
}

fn source(error: &StoreError) -> QueryError {
    QueryError::Source(error.to_string())
}

impl<R: Read> Objects for View<'_, R> {
    fn visit(
        &self,
        link: LinkView<'_>,
        visitor: &mut dyn FnMut(&dyn Row),
    ) -> tidemark_query::Result<bool> {
        let visit = || -> Result<bool> {
            let Some((class, object)) = self.find_link(link)? else {
                return Ok(false);
            };
            let Some(bytes) = self.row_by_id(class, object)? else {
                return Ok(false);
            };
            visitor(&StoredRow::of_bytes(
                self.catalog,
                class_of(self.catalog, class)?,
                &bytes,
            )?);
            Ok(true)
        };
        visit_result(visit)
    }

    fn exists(&self, link: LinkView<'_>) -> tidemark_query::Result<bool> {
        self.find_link(link)
            .map(|found| found.is_some())
            .map_err(|error| source(&error))
    }

    fn backlinks(
        &self,
        target: LinkView<'_>,
        origin: &str,
        property: &str,
        visitor: &mut dyn FnMut(&dyn Row),
    ) -> tidemark_query::Result<()> {
        let name = Name::from(origin);
        let (Some(class), Some(definition)) = (self.catalog.id(&name), self.catalog.class(&name))
        else {
            return Ok(());
        };
        let Some(column) = definition.column_index(&Name::from(property)) else {
            return Ok(());
        };
        let wanted = |id: ClassId, of: u16| id == class && usize::from(of) == column;
        self.each_origin(target, wanted, &mut |row, times| {
            for _ in 0..times {
                visitor(row);
            }
        })
        .map_err(|error| source(&error))
    }

    fn backlink_count(&self, target: LinkView<'_>) -> tidemark_query::Result<u64> {
        let mut count = 0;
        self.each_origin(target, |_, _| true, &mut |_, times| count += times as u64)
            .map_err(|error| source(&error))?;
        Ok(count)
    }

    fn place(&self, class: &[u8], property: &[u8]) -> Option<Place> {
        let class = self.catalog.class(&Name::from(class))?;
        place_of(class, &Name::from(property))
    }

    fn position(&self, link: LinkView<'_>) -> Option<u64> {
        self.find_link(link).ok()?.map(|(_, object)| object)
    }
}

fn visit_result(visit: impl FnOnce() -> Result<bool>) -> tidemark_query::Result<bool> {
    visit().map_err(|error| source(&error))
}

fn place_of(class: &Class, property: &Name) -> Option<Place> {
    if class
        .key_field()
        .is_some_and(|key| key.name == property && !property.is_empty())
    {
        return Some(Place::Key);
    }
    class.column_index(property).map(Place::Column)
}

/// The schema as the binding of queries asks for it.
pub(crate) struct Names<'a> {
    pub catalog: &'a Catalog,
    /// The application's own names.
    pub given: Option<&'a QueryNames>,
}

impl QueryCatalog for Names<'_> {
    fn stored_name(&self, class: &str, name: &str) -> Option<String> {
        self.given?.stored(class, name).cloned()
    }

    fn linking(&self, class: &str, name: &str) -> Option<(String, String)> {
        self.given?.linking(class, name).cloned()
    }

    fn has_class(&self, class: &str) -> bool {
        self.catalog.class(&Name::from(class)).is_some()
    }

    fn property(&self, class: &str, name: &str) -> Option<Property> {
        let full_text = self
            .given
            .is_some_and(|given| given.is_full_text(class, name));
        let class = self.catalog.class(&Name::from(class))?;
        let place = place_of(class, &Name::from(name))?;
        match place {
            Place::Key => {
                let key = class.key_field()?;
                Some(Property {
                    place,
                    column_type: column_type_of(key.key_type)?,
                    nullable: key.nullable,
                    collection: CollectionKind::Single,
                    target: None,
                    full_text,
                })
            }
            Place::Column(index) => {
                let column = class.columns.get(index)?;
                Some(Property {
                    place,
                    column_type: column.column_type,
                    nullable: column.nullable,
                    collection: column.collection,
                    target: column.target.as_ref().map(ToString::to_string),
                    full_text,
                })
            }
        }
    }
}

fn column_type_of(key_type: KeyType) -> Option<ColumnType> {
    Some(match key_type {
        KeyType::GlobalKey => return None,
        KeyType::Int => ColumnType::Int,
        KeyType::String => ColumnType::String,
        KeyType::ObjectId => ColumnType::ObjectId,
        KeyType::Uuid => ColumnType::Uuid,
    })
}

/// A stored object, or one embedded in it.
pub(crate) struct StoredRow<'a> {
    catalog: &'a Catalog,
    class: &'a Class,
    /// Packed primary key, which few conditions ask for; embedded objects have none.
    key: Option<&'a [u8]>,
    row: RowView<'a>,
}

impl<'a> StoredRow<'a> {
    pub(crate) fn new(catalog: &'a Catalog, class: &'a Class, packed: PackedRow<'a>) -> Self {
        Self {
            catalog,
            class,
            key: Some(packed.key),
            row: packed.columns,
        }
    }

    fn of_bytes(catalog: &'a Catalog, class: &'a Class, bytes: &'a [u8]) -> Result<Self> {
        Ok(Self::new(catalog, class, packed_row(bytes)?))
    }
}

/// The parts of a stored row.
#[inline]
pub(crate) fn packed_row(bytes: &[u8]) -> Result<PackedRow<'_>> {
    let (key, row) = split_row(bytes)?;
    let columns = RowView::new(row).map_err(|_| StoreError::Damaged("a row cannot be read"))?;
    Ok(PackedRow { key, columns })
}

impl Row for StoredRow<'_> {
    fn link(&self) -> Option<LinkView<'_>> {
        Some(LinkView {
            class: self.class.name.as_bytes(),
            key: key_view(&read_all(self.key?).ok()?)?,
        })
    }

    fn column(&self, index: usize) -> Field<'_> {
        let Some(column) = self.class.columns.get(index) else {
            return Field::Scalar(Scalar::Null);
        };
        match self.row.column(index) {
            Ok(Some(value)) => field(
                self.catalog,
                self.catalog.schema.embedded_target(column),
                value,
            ),
            // A damaged value reads as the default, as a missing one does.
            Ok(None) | Err(_) => default_field(column),
        }
    }
}

fn key_view<'a>(value: &Packed<'a>) -> Option<KeyView<'a>> {
    Some(match *value {
        Packed::Null => KeyView::Null,
        Packed::Int(value) => KeyView::Int(value),
        Packed::String(text) => KeyView::String(text),
        Packed::ObjectId(id) => KeyView::ObjectId(id),
        Packed::Uuid(id) => KeyView::Uuid(id),
        Packed::GlobalKey(high, low) => KeyView::GlobalKey(high, low),
        _ => return None,
    })
}

/// A packed value as queries see it; `embedded` is the class of embedded objects below it.
fn field<'a>(catalog: &'a Catalog, embedded: Option<&'a Class>, value: Packed<'a>) -> Field<'a> {
    Field::Scalar(match value {
        Packed::Null | Packed::GlobalKey(..) => Scalar::Null,
        Packed::Int(value) => Scalar::Int(value),
        Packed::Bool(value) => Scalar::Bool(value),
        Packed::String(text) => Scalar::String(text),
        Packed::Binary(bytes) => Scalar::Binary(bytes),
        Packed::Timestamp(time) => Scalar::Timestamp(time),
        Packed::Float(value) => Scalar::Float(value),
        Packed::Double(value) => Scalar::Double(value),
        Packed::Decimal(decimal) => Scalar::Decimal(decimal),
        Packed::ObjectId(id) => Scalar::ObjectId(id),
        Packed::Uuid(id) => Scalar::Uuid(id),
        Packed::Link(link) => match key_view(&link.key()) {
            Some(key) => Scalar::Link(LinkView {
                class: link.class,
                key,
            }),
            None => Scalar::Null,
        },
        Packed::List(list) => {
            return Field::List(Box::new(StoredList {
                catalog,
                embedded,
                list,
            }));
        }
        Packed::Set(list) => {
            return Field::Set(Box::new(StoredList {
                catalog,
                embedded,
                list,
            }));
        }
        Packed::Dictionary(dictionary) => {
            return Field::Dictionary(Box::new(StoredDictionary {
                catalog,
                embedded,
                dictionary,
            }));
        }
        Packed::Object(row) => {
            return match embedded {
                Some(class) => Field::Object(Box::new(StoredRow {
                    catalog,
                    class,
                    key: None,
                    row,
                })),
                None => Field::Scalar(Scalar::Null),
            };
        }
    })
}

struct StoredList<'a> {
    catalog: &'a Catalog,
    embedded: Option<&'a Class>,
    list: PackedList<'a>,
}

impl<'a> Items<'a> for StoredList<'a> {
    fn len(&self) -> usize {
        self.list.len()
    }

    fn each(&self, visit: &mut dyn FnMut(Option<&'a [u8]>, Field<'a>) -> ControlFlow<()>) {
        for value in self.list.iter().map_while(std::result::Result::ok) {
            if visit(None, field(self.catalog, self.embedded, value)).is_break() {
                return;
            }
        }
    }
}

struct StoredDictionary<'a> {
    catalog: &'a Catalog,
    embedded: Option<&'a Class>,
    dictionary: PackedDictionary<'a>,
}

impl<'a> Items<'a> for StoredDictionary<'a> {
    fn len(&self) -> usize {
        self.dictionary.len()
    }

    fn each(&self, visit: &mut dyn FnMut(Option<&'a [u8]>, Field<'a>) -> ControlFlow<()>) {
        for (key, value) in self.dictionary.iter().map_while(std::result::Result::ok) {
            if visit(Some(key), field(self.catalog, self.embedded, value)).is_break() {
                return;
            }
        }
    }
}

fn default_field<'a>(column: &Column) -> Field<'a> {
    Field::default_of(column.collection, column.column_type, column.nullable)
}
