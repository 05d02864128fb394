//! Rows and queries.

use tidemark_changeset::packed::{Packed, Reader, RowView, read_key};
use tidemark_changeset::{CollectionKind, ColumnType, PrimaryKey};
use tidemark_model::Node;
use tidemark_query::Argument;
use tidemark_storage::Read;

use super::{malformed, number_of, object_of_number};
use crate::transaction::split_row;
use crate::{Result, View};

/// The object with a packed primary key, or −1.
pub fn find<R: Read>(view: View<'_, R>, class: usize, packed_key: &[u8]) -> Result<f64> {
    let key = read_key(packed_key)?;
    Ok(view.find(class, &key)?.map_or(-1.0, number_of))
}

/// Looked for by the index alone after a guess was wrong.
const UNGUESSED_AFTER_MISS: u8 = 64;

/// Where objects of a class with an integer key are likely to be. Keys that an application counts up are as
/// far from those of their objects as the last one was; looking there first spares the way through the index.
/// Whether it was right the row itself says, which holds the primary key.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyGuess {
    distance: Option<i64>,
    wait: u8,
}

impl KeyGuess {
    fn object(&mut self, key: &PrimaryKey) -> Option<u64> {
        let (PrimaryKey::Int(key), Some(distance)) = (key, self.distance) else {
            return None;
        };
        if self.wait > 0 {
            self.wait -= 1;
            return None;
        }
        u64::try_from(key.checked_add(distance)?).ok()
    }

    fn missed(&mut self) {
        self.wait = UNGUESSED_AFTER_MISS;
    }

    fn found(&mut self, key: &PrimaryKey, object: u64) {
        if let (PrimaryKey::Int(key), Ok(object)) = (key, i64::try_from(object)) {
            self.distance = object.checked_sub(*key);
        }
    }
}

/// The object with a packed primary key, and what [`row`] gives of it.
pub fn find_row<R: Read>(
    view: View<'_, R>,
    class: usize,
    packed_key: &[u8],
    guess: &mut KeyGuess,
) -> Result<Option<(f64, tidemark_storage::Bytes)>> {
    let key = read_key(packed_key)?;
    if let Some(object) = guess.object(&key) {
        if let Some(row) = view.row(class, object)?
            && split_row(&row)?.0 == packed_key
        {
            return Ok(Some((number_of(object), row)));
        }
        guess.missed();
    }
    let Some(object) = view.find(class, &key)? else {
        return Ok(None);
    };
    guess.found(&key, object);
    Ok(view.row(class, object)?.map(|row| (number_of(object), row)))
}

/// `u32` length of the packed primary key, the key, the row; `None` if there is no such object.
pub fn row<R: Read>(
    view: View<'_, R>,
    class: usize,
    object: f64,
) -> Result<Option<tidemark_storage::Bytes>> {
    match object_of_number(object) {
        Some(object) => view.row(class, object),
        None => Ok(None),
    }
}

/// Runs of ascending keys are read by scanning if at most this many keys lie in the range for each one
/// asked for.
const SCAN_DENSITY: u64 = 4;

/// For each object a `u32` length (0 if there is none) and what [`row`] gives.
pub fn rows<R: Read>(view: View<'_, R>, class: usize, objects: &[f64]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(objects.len() * 128);
    let ascending = objects.is_sorted_by(|a, b| a < b);
    let span = objects
        .first()
        .zip(objects.last())
        .and_then(|(first, last)| {
            let (first, last) = (object_of_number(*first)?, object_of_number(*last)?);
            (ascending && last - first <= SCAN_DENSITY * objects.len() as u64)
                .then_some((first, last))
        });
    match span {
        Some((first, last)) => scan_rows(view, class, objects, (first, last), &mut out)?,
        None => {
            for &object in objects {
                append_row(&mut out, row(view, class, object)?.as_deref())?;
            }
        }
    }
    Ok(out)
}

/// The packed values of one column, back to back: of all objects of a class in order of creation, or of those
/// given which exist. A row that is older than the column has its default. A negative column stands for the
/// primary key.
pub fn column<R: Read>(
    view: View<'_, R>,
    class: usize,
    column: i32,
    objects: Option<&[f64]>,
) -> Result<Vec<u8>> {
    let definition = view.catalog().class_at(class)?;
    let index = usize::try_from(column).ok();
    let of = index.and_then(|index| definition.columns.get(index));
    if index.is_some() && of.is_none() {
        return Err(malformed("the class has no such column"));
    }
    let mut out = Vec::new();
    let mut append = |stored: &[u8]| -> Result<()> {
        let (key, row) = split_row(stored)?;
        let (Some(index), Some(of)) = (index, of) else {
            out.extend_from_slice(key);
            return Ok(());
        };
        match RowView::new(row)?.column_bytes(index)? {
            Some(bytes) => out.extend_from_slice(bytes),
            None => Node::default_of(of).write_packed(&mut out),
        }
        Ok(())
    };
    if let Some(objects) = objects {
        for &object in objects {
            if let Some(stored) = row(view, class, object)? {
                append(&stored)?;
            }
        }
    } else {
        let class = view.catalog().id_at(class)?;
        view.scan(class, (0, u64::MAX), &mut |_, stored| {
            append(stored).map(|()| true)
        })?;
    }
    Ok(out)
}

/// The greatest integer that JavaScript's numbers hold with all smaller ones.
const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;

/// The sum of a column of numbers, added in JavaScript's way: of all objects of a class in order of creation,
/// or of those given which exist. `None` if it is a column of something else, or holds an integer that is no
/// number of JavaScript's.
pub fn sum<R: Read>(
    view: View<'_, R>,
    class: usize,
    column: i32,
    objects: Option<&[f64]>,
) -> Result<Option<f64>> {
    let definition = view.catalog().class_at(class)?;
    let index = usize::try_from(column).unwrap_or(usize::MAX);
    let is_number = definition.columns.get(index).is_some_and(|column| {
        column.collection == CollectionKind::Single
            && matches!(
                column.column_type,
                ColumnType::Int | ColumnType::Float | ColumnType::Double
            )
    });
    if !is_number {
        return Ok(None);
    }
    let mut sum = Some(0.0);
    let mut add = |stored: &[u8]| -> Result<bool> {
        let number = match RowView::new(split_row(stored)?.1)?.column(index)? {
            // The default of what is older than the column adds nothing either.
            None | Some(Packed::Null) => 0.0,
            #[allow(clippy::cast_precision_loss)]
            Some(Packed::Int(value)) if value.unsigned_abs() <= SAFE_INTEGER_MAX => value as f64,
            Some(Packed::Float(value)) => f64::from(value),
            Some(Packed::Double(value)) => value,
            Some(_) => f64::NAN,
        };
        sum = match number {
            nan if nan.is_nan() => None,
            number => sum.map(|sum| sum + number),
        };
        Ok(sum.is_some())
    };
    match objects {
        Some(objects) => {
            for &object in objects {
                if let Some(stored) = row(view, class, object)?
                    && !add(&stored)?
                {
                    break;
                }
            }
        }
        None => view.scan(
            view.catalog().id_at(class)?,
            (0, u64::MAX),
            &mut |_, stored| add(stored),
        )?,
    }
    Ok(sum)
}

fn scan_rows<R: Read>(
    view: View<'_, R>,
    class: usize,
    objects: &[f64],
    (first, last): (u64, u64),
    out: &mut Vec<u8>,
) -> Result<()> {
    let mut wanted = objects.iter().peekable();
    view.scan(
        view.catalog().id_at(class)?,
        (first, last),
        &mut |object, row| {
            let is_before =
                |wanted: &&f64| object_of_number(**wanted).is_none_or(|key| key < object);
            while wanted.next_if(is_before).is_some() {
                append_row(out, None)?;
            }
            if wanted
                .next_if(|wanted| object_of_number(**wanted) == Some(object))
                .is_some()
            {
                append_row(out, Some(row))?;
            }
            Ok(true)
        },
    )?;
    wanted.try_for_each(|_| append_row(out, None))
}

fn append_row(out: &mut Vec<u8>, row: Option<&[u8]>) -> Result<()> {
    let row = row.unwrap_or_default();
    let length = u32::try_from(row.len()).map_err(|_| malformed("a row is too large"))?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(row);
    Ok(())
}

fn arguments_of(parameters: &[u8]) -> Result<Vec<Argument>> {
    if parameters.is_empty() {
        return Ok(Vec::new());
    }
    let mut reader = Reader::new(parameters);
    let count = u32::from_le_bytes(reader.array()?);
    let mut arguments = Vec::new();
    for _ in 0..count {
        arguments.push(crate::query::argument(&reader.value()?)?);
    }
    Ok(arguments)
}

/// Keys of the objects that match a query, with its SORT, DISTINCT and LIMIT.
pub fn query<R: Read>(
    view: View<'_, R>,
    class: usize,
    text: &str,
    parameters: &[u8],
    restrict: Option<&[f64]>,
) -> Result<Vec<f64>> {
    let arguments = arguments_of(parameters)?;
    let restrict: Option<Vec<u64>> = restrict.map(|objects| {
        objects
            .iter()
            .filter_map(|&object| object_of_number(object))
            .collect()
    });
    let found = view.query(class, text, &arguments, restrict.as_deref())?;
    Ok(found.into_iter().map(number_of).collect())
}

/// The query as text without parameters.
pub fn describe_query<R: Read>(
    view: View<'_, R>,
    class: usize,
    text: &str,
    parameters: &[u8],
) -> Result<String> {
    view.describe_query(class, text, &arguments_of(parameters)?)
}

/// Keys of the objects whose column of a class links to one of `targets`, in order of creation.
pub fn origins<R: Read>(
    view: View<'_, R>,
    class: usize,
    targets: &[f64],
    origin: (usize, u16),
) -> Result<Vec<f64>> {
    let targets = targets
        .iter()
        .filter_map(|&target| object_of_number(target));
    let found = view.origins(class, targets, origin)?;
    Ok(found.into_iter().map(number_of).collect())
}

/// Indexes, in the list or set of a column, of links to `targets`; those that are hidden do not count.
pub fn link_positions<R: Read>(
    view: View<'_, R>,
    (class, object, column): (usize, f64, u16),
    target: usize,
    targets: &[f64],
) -> Result<Vec<f64>> {
    let Some(object) = object_of_number(object) else {
        return Ok(Vec::new());
    };
    let targets = targets
        .iter()
        .filter_map(|&target| object_of_number(target));
    let found = view.link_positions((class, object, column), target, targets)?;
    Ok(found.into_iter().map(number_of).collect())
}
