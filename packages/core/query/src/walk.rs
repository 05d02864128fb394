//! Following a path from a row to its values, without copying them.

use std::ops::ControlFlow;

use tidemark_changeset::{CollectionKind, ColumnType};

use crate::bound::{End, Index, PathExpression, PostOperation, Step};
use crate::catalog::Place;
use crate::error::Result;
use crate::row::{Field, Items, KeyView, LinkView, Row, Scalar};
use crate::steps::{Given, Steps};
use crate::types;

/// What a path gives, in order.
pub(crate) enum Event<'a> {
    Value(Scalar<'a>),
    /// The values before and after belong to different elements of an inner wildcard and are compared
    /// apart.
    Split,
}

type Sink<'s> = &'s mut dyn FnMut(Event<'_>) -> Result<()>;

/// Shows every value of a path.
pub(crate) fn values(
    path: &PathExpression,
    row: &dyn Row,
    given: Given<'_>,
    sink: Sink<'_>,
) -> Result<()> {
    let unary = path.is_unary();
    match &path.end {
        End::Objects if path.post == Some(PostOperation::Size) => {
            let Some((last, before)) = path.steps.split_last() else {
                return Ok(());
            };
            let unary = before.iter().all(Step::is_single);
            walk(before, row, given, unary, &mut |owner| {
                let count = match owner {
                    Some(owner) => count(last, owner, given)?,
                    None => 0,
                };
                sink(Event::Value(Scalar::Int(count)))
            })
        }
        End::Objects => objects_of(path, row, given, sink),
        End::AllBacklinks => {
            let mut total = 0;
            walk(&path.steps, row, given, unary, &mut |target| {
                if let Some(link) = target.and_then(Row::link) {
                    total += given.objects.backlink_count(link)?;
                }
                Ok(())
            })?;
            sink(Event::Value(Scalar::Int(
                i64::try_from(total).unwrap_or(i64::MAX),
            )))
        }
        End::Field {
            place,
            collection,
            column_type,
            indexes,
        } => {
            let reader = Reader {
                path,
                collection: *collection,
                column_type: *column_type,
                indexes,
                given,
            };
            // Each collection behind links of a list is a list of its own.
            let apart = !unary && *collection != CollectionKind::Single && !path.counts_container();
            let mut started = false;
            walk(&path.steps, row, given, unary, &mut |target| {
                let Some(target) = target else {
                    return reader.absent(sink);
                };
                if started && apart {
                    sink(Event::Split)?;
                }
                started = true;
                reader.field(read(target, *place), sink)
            })
        }
    }
}

/// The objects at the end of a path of links, as links.
fn objects_of(
    path: &PathExpression,
    row: &dyn Row,
    given: Given<'_>,
    sink: Sink<'_>,
) -> Result<()> {
    // A dictionary key that is missing or leads nowhere reads as null, if the dictionary has entries.
    if let Some((
        Step::Link {
            column,
            index: Some(Index::Key(key)),
            ..
        },
        before,
    )) = path.steps.split_last()
    {
        let unary = before.iter().all(Step::is_single);
        return walk(before, row, given, unary, &mut |owner| {
            let Some(owner) = owner else { return Ok(()) };
            let Field::Dictionary(items) = owner.column(*column) else {
                return Ok(());
            };
            if items.is_empty() {
                return Ok(());
            }
            let mut shown = false;
            if let Some(field) = get(&*items, key, given.steps)? {
                target(&field, given, &mut |row| {
                    shown = true;
                    sink(Event::Value(Scalar::Link(identity(row))))
                })?;
            }
            if !shown {
                sink(Event::Value(Scalar::Null))?;
            }
            Ok(())
        });
    }
    walk(&path.steps, row, given, path.is_unary(), &mut |target| {
        sink(Event::Value(match target {
            Some(row) => Scalar::Link(identity(row)),
            None => Scalar::Null,
        }))
    })
}

/// An object as a value. An embedded object without identity equals no link, but is not null either.
fn identity(row: &dyn Row) -> LinkView<'_> {
    row.link().unwrap_or(LinkView {
        class: b"",
        key: KeyView::Null,
    })
}

/// A field of a row, the primary key included.
#[inline]
pub(crate) fn read(row: &dyn Row, place: Place) -> Field<'_> {
    match place {
        Place::Key => Field::Scalar(row.link().map_or(Scalar::Null, |link| link.key.scalar())),
        Place::Column(column) => row.column(column),
    }
}

type Visit<'v> = &'v mut dyn FnMut(Option<&dyn Row>) -> Result<()>;

/// Follows links. With `nulls`, a to-one link that leads nowhere is shown as `None`; otherwise it gives
/// nothing.
pub(crate) fn walk(
    steps: &[Step],
    row: &dyn Row,
    given: Given<'_>,
    nulls: bool,
    visit: Visit<'_>,
) -> Result<()> {
    given.steps.take(1)?;
    let Some((step, rest)) = steps.split_first() else {
        return visit(Some(row));
    };
    let mut found = false;
    follow(step, row, given, &mut |target| {
        found = true;
        walk(rest, target, given, nulls, visit)
    })?;
    if !found && nulls { visit(None) } else { Ok(()) }
}

/// Shows the objects one step leads to.
fn follow(
    step: &Step,
    row: &dyn Row,
    given: Given<'_>,
    visit: &mut dyn FnMut(&dyn Row) -> Result<()>,
) -> Result<()> {
    match step {
        Step::Backlinks { class, property } => {
            let Some(link) = row.link() else {
                return Ok(());
            };
            let mut result = Ok(());
            given
                .objects
                .backlinks(link, class, property, &mut |origin| {
                    if result.is_ok() {
                        result = visit(origin);
                    }
                })?;
            result
        }
        Step::Link { column, index, .. } => match row.column(*column) {
            Field::List(items) | Field::Set(items) => match index {
                None => each(&*items, given.steps, &mut |field| {
                    target(&field, given, visit).map(|_| ())
                }),
                Some(index) => nth(&*items, index, given, visit),
            },
            Field::Dictionary(items) => match index {
                Some(Index::Key(key)) => match get(&*items, key, given.steps)? {
                    Some(field) => target(&field, given, visit).map(|_| ()),
                    None => Ok(()),
                },
                _ => each(&*items, given.steps, &mut |field| {
                    target(&field, given, visit).map(|_| ())
                }),
            },
            field => target(&field, given, visit).map(|_| ()),
        },
    }
}

/// The element of a list of links at an index that counts existing targets only.
fn nth(
    items: &dyn Items<'_>,
    index: &Index,
    given: Given<'_>,
    visit: &mut dyn FnMut(&dyn Row) -> Result<()>,
) -> Result<()> {
    let wanted = match index {
        Index::At(at) => *at,
        Index::Last => {
            let mut count = 0;
            each(items, given.steps, &mut |field| {
                target(&field, given, &mut |_| Ok(())).map(|found| {
                    count += usize::from(found);
                })
            })?;
            match count {
                0 => return Ok(()),
                count => count - 1,
            }
        }
        _ => 0,
    };
    let mut at = 0;
    each(items, given.steps, &mut |field| {
        if at > wanted {
            return Ok(());
        }
        let found = target(&field, given, &mut |row| {
            if at == wanted { visit(row) } else { Ok(()) }
        })?;
        at += usize::from(found);
        Ok(())
    })
}

/// Shows the object a field leads to; `false` if there is none.
fn target(
    field: &Field<'_>,
    given: Given<'_>,
    visit: &mut dyn FnMut(&dyn Row) -> Result<()>,
) -> Result<bool> {
    match field {
        Field::Object(row) => visit(&**row).map(|()| true),
        Field::Scalar(Scalar::Link(link)) => {
            let mut result = Ok(());
            let found = given.objects.visit(*link, &mut |row| result = visit(row))?;
            result.map(|()| found)
        }
        _ => Ok(false),
    }
}

fn each<'a>(
    items: &dyn Items<'a>,
    steps: &Steps,
    visit: &mut dyn FnMut(Field<'a>) -> Result<()>,
) -> Result<()> {
    let mut result = Ok(());
    items.each(&mut |_, field| {
        result = steps.take(1).and_then(|()| visit(field));
        flow(&result)
    });
    result
}

/// The value of a dictionary key; entries are looked at one after the other.
fn get<'a>(items: &dyn Items<'a>, key: &[u8], steps: &Steps) -> Result<Option<Field<'a>>> {
    steps.take(items.len())?;
    Ok(items.get(key))
}

/// On to the next element, unless something failed.
fn flow(result: &Result<()>) -> ControlFlow<()> {
    if result.is_ok() {
        ControlFlow::Continue(())
    } else {
        ControlFlow::Break(())
    }
}

fn count(step: &Step, row: &dyn Row, given: Given<'_>) -> Result<i64> {
    let mut count = 0;
    follow(step, row, given, &mut |_| {
        count += 1;
        given.steps.take(1)
    })?;
    Ok(count)
}

/// Reads one property with its indexes and post operation.
struct Reader<'r> {
    path: &'r PathExpression,
    collection: CollectionKind,
    column_type: ColumnType,
    indexes: &'r [Index],
    given: Given<'r>,
}

impl Reader<'_> {
    fn field(&self, field: Field<'_>, sink: Sink<'_>) -> Result<()> {
        if self.path.counts_container() {
            let count = match &field {
                Field::List(items) | Field::Set(items) | Field::Dictionary(items) => items.len(),
                _ => 0,
            };
            return sink(Event::Value(size(count)));
        }
        if self.collection != CollectionKind::Single && self.indexes.is_empty() {
            return match field {
                Field::List(items) | Field::Set(items) | Field::Dictionary(items) => {
                    each(&*items, self.given.steps, &mut |field| {
                        self.leaf(&field, sink)
                    })
                }
                _ => Ok(()),
            };
        }
        self.descend(field, self.indexes, &mut false, sink)
    }

    /// The value of a path through a null link.
    fn absent(&self, sink: Sink<'_>) -> Result<()> {
        if self.path.counts_container() {
            sink(Event::Value(Scalar::Int(0)))
        } else if self.collection == CollectionKind::Single && self.indexes.is_empty() {
            sink(Event::Value(match self.path.post {
                Some(PostOperation::Type) => Scalar::Int(i64::from(types::mask_of(&Scalar::Null))),
                _ => Scalar::Null,
            }))
        } else {
            Ok(())
        }
    }

    fn descend(
        &self,
        field: Field<'_>,
        indexes: &[Index],
        started: &mut bool,
        sink: Sink<'_>,
    ) -> Result<()> {
        let Some((index, rest)) = indexes.split_first() else {
            return self.leaf(&field, sink);
        };
        match (index, field) {
            (Index::All, Field::List(items) | Field::Set(items) | Field::Dictionary(items)) => {
                let inner = rest
                    .split_last()
                    .is_some_and(|(_, middle)| middle.contains(&Index::All));
                each(&*items, self.given.steps, &mut |field| {
                    if !rest.is_empty() && !inner {
                        if *started {
                            sink(Event::Split)?;
                        }
                        *started = true;
                    }
                    self.descend(field, rest, started, sink)
                })
            }
            (Index::At(_) | Index::First | Index::Last, Field::List(items)) => {
                let at = match index {
                    Index::At(at) => *at,
                    Index::Last => items.len().saturating_sub(1),
                    _ => 0,
                };
                self.given.steps.take(at.min(items.len()))?;
                match items.at(at) {
                    Some(field) => self.descend(field, rest, started, sink),
                    None => self.missing(items.is_empty() || !rest.is_empty(), sink),
                }
            }
            (Index::Keys, Field::Dictionary(items)) => self.keys(&*items, sink),
            (Index::Key(key), Field::Dictionary(items)) => {
                match get(&*items, key, self.given.steps)? {
                    Some(field) => self.descend(field, rest, started, sink),
                    None if key == b"@keys" && rest.is_empty() => self.keys(&*items, sink),
                    None => self.missing(items.is_empty() || !rest.is_empty(), sink),
                }
            }
            (Index::Key(name), Field::Scalar(Scalar::Link(link))) => {
                self.linked(link, name, rest, started, sink)
            }
            _ => Ok(()),
        }
    }

    /// A property of the object that a mixed value links to.
    fn linked(
        &self,
        link: LinkView<'_>,
        name: &[u8],
        rest: &[Index],
        started: &mut bool,
        sink: Sink<'_>,
    ) -> Result<()> {
        let Some(place) = self.given.objects.place(link.class, name) else {
            return Ok(());
        };
        let mut result = Ok(());
        self.given.objects.visit(link, &mut |row| {
            result = self.descend(read(row, place), rest, started, sink);
        })?;
        result
    }

    fn missing(&self, nothing: bool, sink: Sink<'_>) -> Result<()> {
        if nothing {
            Ok(())
        } else {
            self.leaf(&Field::Scalar(Scalar::Null), sink)
        }
    }

    /// One value, with what `@size`, `@type` or `.length` make of it.
    fn leaf(&self, field: &Field<'_>, sink: Sink<'_>) -> Result<()> {
        let scalar = leaf_scalar(field, self.given)?;
        let value = match self.path.post {
            None => scalar,
            Some(PostOperation::Type) => Scalar::Int(i64::from(types::mask_of(&scalar))),
            Some(PostOperation::Size) => match (field, scalar) {
                (Field::List(items) | Field::Set(items) | Field::Dictionary(items), _) => {
                    size(items.len())
                }
                (_, Scalar::String(bytes) | Scalar::Binary(bytes)) => size(bytes.len()),
                _ => Scalar::Null,
            },
            Some(PostOperation::Length) => match scalar {
                Scalar::String(bytes) | Scalar::Binary(bytes) => size(bytes.len()),
                Scalar::Null if self.column_type != ColumnType::Mixed => Scalar::Int(0),
                _ => return Ok(()),
            },
        };
        sink(Event::Value(value))
    }

    fn keys(&self, items: &dyn Items<'_>, sink: Sink<'_>) -> Result<()> {
        let mut result = self.given.steps.take(items.len());
        if result.is_ok() {
            items.each(&mut |key, _| {
                result = sink(Event::Value(Scalar::String(key.unwrap_or(&[]))));
                flow(&result)
            });
        }
        result
    }
}

fn size(length: usize) -> Scalar<'static> {
    Scalar::Int(i64::try_from(length).unwrap_or(i64::MAX))
}

/// A field as a value: collections by their kind, links to absent objects as null.
pub(crate) fn leaf_scalar<'a>(field: &'a Field<'_>, given: Given<'_>) -> Result<Scalar<'a>> {
    Ok(match field {
        Field::Scalar(Scalar::Link(link)) if !given.objects.exists(*link)? => Scalar::Null,
        Field::Scalar(scalar) => *scalar,
        Field::List(_) => Scalar::Collection(CollectionKind::List),
        Field::Set(_) => Scalar::Collection(CollectionKind::Set),
        Field::Dictionary(_) => Scalar::Collection(CollectionKind::Dictionary),
        Field::Object(row) => Scalar::Link(identity(&**row)),
    })
}
