//! Rows and queries.

use std::io::Write as _;

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

/// For each object a `u32` length (0 if there is none) and what [`row`] gives.
pub fn rows<R: Read>(view: View<'_, R>, class: usize, objects: &[f64]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(objects.len() * 128);
    for &object in objects {
        match row(view, class, object)? {
            Some(row) => {
                let length =
                    u32::try_from(row.len()).map_err(|_| malformed("a row is too large"))?;
                out.extend_from_slice(&length.to_le_bytes());
                // Writing to a vector does not fail.
                let _ = out.write_all(&row);
            }
            None => out.extend_from_slice(&0_u32.to_le_bytes()),
        }
    }
    Ok(out)
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
