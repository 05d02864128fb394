//! `@type`: names of value types, and comparing them as sets of bits (rql.md §9).

use tidemark_changeset::{CollectionKind, ColumnType, Value};

use crate::ast::Operator;
use crate::bind_compare::is_text_operator;
use crate::bound::{Comparison, Condition, DataType, Expression, Plan};
use crate::compare::Owned;
use crate::describe;
use crate::error::{QueryError, Result};
use crate::row::Scalar;

const NULL: u32 = 1;
const INT: u32 = 1 << 1;
const BOOL: u32 = 1 << 2;
const STRING: u32 = 1 << 3;
const BINARY: u32 = 1 << 4;
const DATE: u32 = 1 << 5;
const FLOAT: u32 = 1 << 6;
const DOUBLE: u32 = 1 << 7;
const DECIMAL: u32 = 1 << 8;
const LINK: u32 = 1 << 9;
const OBJECT_ID: u32 = 1 << 10;
const UUID: u32 = 1 << 11;
const DICTIONARY: u32 = 1 << 12;
const LIST: u32 = 1 << 13;
const NUMERIC: u32 = INT | FLOAT | DOUBLE | DECIMAL;
const COLLECTION: u32 = DICTIONARY | LIST;

/// The names a query may use; the first of each mask is the one descriptions print.
const NAMES: &[(&str, u32)] = &[
    ("null", NULL),
    ("int", INT),
    ("integer", INT),
    ("int16", INT),
    ("int32", INT),
    ("int64", INT),
    ("short", INT),
    ("long", INT),
    ("byte", INT),
    ("char", INT),
    ("bool", BOOL),
    ("boolean", BOOL),
    ("string", STRING),
    ("binary", BINARY),
    ("data", BINARY),
    ("bytearray", BINARY),
    ("byte[]", BINARY),
    ("date", DATE),
    ("datetimeoffset", DATE),
    ("timestamp", DATE),
    ("float", FLOAT),
    ("double", DOUBLE),
    ("decimal128", DECIMAL),
    ("decimal", DECIMAL),
    ("objectlink", LINK),
    ("link", LINK),
    ("objectid", OBJECT_ID),
    ("uuid", UUID),
    ("guid", UUID),
    ("numeric", NUMERIC),
    ("bindata", BINARY),
    ("object", DICTIONARY),
    ("dictionary", DICTIONARY),
    ("array", LIST),
    ("list", LIST),
    ("collection", COLLECTION),
];

/// The mask of a value's type.
pub(crate) fn mask_of(value: &Scalar<'_>) -> u32 {
    match value {
        Scalar::Null => NULL,
        Scalar::Int(_) => INT,
        Scalar::Bool(_) => BOOL,
        Scalar::String(_) => STRING,
        Scalar::Binary(_) => BINARY,
        Scalar::Timestamp(_) => DATE,
        Scalar::Float(_) => FLOAT,
        Scalar::Double(_) => DOUBLE,
        Scalar::Decimal(_) => DECIMAL,
        Scalar::Link(_) => LINK,
        Scalar::ObjectId(_) => OBJECT_ID,
        Scalar::Uuid(_) => UUID,
        Scalar::Collection(CollectionKind::Dictionary) => DICTIONARY,
        Scalar::Collection(_) => LIST,
    }
}

pub(crate) fn mask_of_column(column: ColumnType) -> u32 {
    match column {
        ColumnType::Int => INT,
        ColumnType::Bool => BOOL,
        ColumnType::String => STRING,
        ColumnType::Binary => BINARY,
        ColumnType::Timestamp => DATE,
        ColumnType::Float => FLOAT,
        ColumnType::Double => DOUBLE,
        ColumnType::Decimal => DECIMAL,
        ColumnType::Link => LINK,
        ColumnType::ObjectId => OBJECT_ID,
        ColumnType::Uuid => UUID,
        _ => 0,
    }
}

pub(crate) fn mask_name(mask: u32) -> &'static str {
    NAMES
        .iter()
        .find(|(_, candidate)| *candidate == mask)
        .map_or("null", |(name, _)| name)
}

fn parse_mask(value: &Owned) -> Option<Result<u32>> {
    let Owned::Value(Value::String(text)) = value else {
        return None;
    };
    let text = text.to_string();
    let found = NAMES
        .iter()
        .find(|(name, _)| text.eq_ignore_ascii_case(name));
    Some(found.map(|(_, mask)| *mask).ok_or_else(|| {
        QueryError::InvalidQueryArg(format!(
            "Unable to parse the type attribute string '{text}', supported case insensitive values are: [{}]",
            NAMES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
        ))
    }))
}

/// A comparison in which one side is `@type`: the other side must be `@type` too, or name types.
pub(crate) fn compare_types(mut comparison: Comparison) -> Result<Condition> {
    let operator = comparison.operator;
    if is_text_operator(operator) || !comparison.case_sensitive {
        return Err(QueryError::InvalidQuery(format!(
            "Unsupported comparison operator '{}' against type '@type', right side must be a string or \
             binary type",
            describe::operator_name(operator, comparison.case_sensitive)
        )));
    }
    convert(&mut comparison.left)?;
    convert(&mut comparison.right)?;
    if let (Expression::Constant { .. }, Expression::Constant { .. }) =
        (&comparison.left, &comparison.right)
    {
        return Err(QueryError::InvalidQuery(format!(
            "Comparison between two constants is not supported ('{}' and '{}')",
            describe::expression_text(&comparison.left, describe::Form::Typed),
            describe::expression_text(&comparison.right, describe::Form::Typed)
        )));
    }
    let is_type = |side: &Expression| match side {
        Expression::Constant { value } => matches!(value, Owned::Types(_)),
        Expression::List { argument, .. } => !argument,
        other => other.data_type() == Some(DataType::TypeOfValue),
    };
    if !is_type(&comparison.left) || !is_type(&comparison.right) {
        let name = |side: &Expression| match side {
            _ if is_type(side) => "@type",
            Expression::List { .. } => "mixed",
            _ => side.data_type().map_or("null", DataType::name),
        };
        return Err(QueryError::InvalidQueryArg(format!(
            "Unsupported comparison between @type and raw value: '{}' and '{}'",
            name(&comparison.left),
            name(&comparison.right)
        )));
    }
    if !matches!(
        operator,
        Operator::Equal | Operator::NotEqual | Operator::In
    ) {
        return Err(QueryError::InvalidQuery(format!(
            "Unsupported operator {} in query. Only equal (==) and not equal (!=) are supported for \
             this type.",
            describe::operator_text(operator)
        )));
    }
    comparison.types = true;
    comparison.plan = Plan::General;
    comparison.case_sensitive = true;
    Ok(Condition::Compare(Box::new(comparison)))
}

fn convert(side: &mut Expression) -> Result<()> {
    match side {
        Expression::Constant { value } => {
            if let Some(mask) = parse_mask(value) {
                *value = Owned::Types(mask?);
            }
        }
        Expression::List { argument: true, .. } => {}
        Expression::List { elements, .. } => {
            for element in elements {
                match parse_mask(element) {
                    Some(mask) => *element = Owned::Types(mask?),
                    None => {
                        return Err(QueryError::InvalidQuery(format!(
                            "Invalid constant inside constant list: {}",
                            describe::value_text(element, describe::Form::Typed)
                        )));
                    }
                }
            }
        }
        _ => {}
    }
    Ok(())
}
