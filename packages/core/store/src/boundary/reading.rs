//! Rows and queries.

use tidemark_changeset::packed::{Reader, read_key};
use tidemark_query::Argument;
use tidemark_storage::Read;

use super::{malformed, number_of, object_of_number};
use crate::{Result, View};

/// The object with a packed primary key, or −1.
pub fn find<R: Read>(view: View<'_, R>, class: usize, packed_key: &[u8]) -> Result<f64> {
    let key = read_key(packed_key)?;
    Ok(view.find(class, &key)?.map_or(-1.0, number_of))
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

fn scan_rows<R: Read>(
    view: View<'_, R>,
    class: usize,
    objects: &[f64],
    (first, last): (u64, u64),
    out: &mut Vec<u8>,
) -> Result<()> {
    let mut found = view.objects_between(class, first, last)?.peekable();
    for &object in objects {
        let mut row = None;
        while let Some(entry) = found.next_if(|entry| match entry {
            Ok((key, _)) => number_of(*key) <= object,
            Err(_) => true,
        }) {
            let (key, bytes) = entry?;
            row = (object_of_number(object) == Some(key)).then_some(bytes);
        }
        append_row(out, row.as_deref())?;
    }
    Ok(())
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
