//! Literals and arguments: reading them toward the type they are compared with (rql.md §3, §6).

use tidemark_changeset::{ColumnType, Link, ObjectId, PrimaryKey, Timestamp, Uuid, Value};

use crate::argument::Argument;
use crate::ast::{Constant, Quantifier};
use crate::bind::Binder;
use crate::bound::{DataType, Expression, type_of};
use crate::compare::Owned;
use crate::decimal;
use crate::describe;
use crate::error::{QueryError, Result};
use crate::number;
use crate::row::KeyView;

impl Binder<'_> {
    /// A literal as an expression; an argument that holds a list becomes a list.
    pub(crate) fn constant(
        &self,
        constant: &Constant,
        hint: Option<DataType>,
    ) -> Result<Expression> {
        match constant {
            Constant::Argument(index) => match self.argument(*index)? {
                Argument::List(values) => Ok(list_of(None, values, hint)),
                _ => Ok(Expression::Constant {
                    value: self.scalar(constant, hint)?,
                }),
            },
            Constant::QuantifiedArgument(quantifier, index) => match self.argument(*index)? {
                Argument::List(values) => Ok(list_of(Some(*quantifier), values, hint)),
                _ => Err(QueryError::InvalidQuery(format!(
                    "ANY/ALL/NONE are only allowed on arguments which contain a list but '${index}' is not \
                     a list."
                ))),
            },
            _ => Ok(Expression::Constant {
                value: self.scalar(constant, hint)?,
            }),
        }
    }

    pub(crate) fn argument(&self, index: usize) -> Result<&Argument> {
        self.arguments.get(index).ok_or_else(|| {
            let provided = match self.arguments.len() {
                0 => "no arguments are provided".to_owned(),
                1 => "only 1 argument is provided".to_owned(),
                count => format!("only {count} arguments are provided"),
            };
            QueryError::InvalidQueryArg(format!(
                "Request for argument at index {index} but {provided}"
            ))
        })
    }

    /// A literal as a value.
    pub(crate) fn scalar(&self, constant: &Constant, hint: Option<DataType>) -> Result<Owned> {
        let column = match hint {
            Some(DataType::Column(column)) => Some(column),
            _ => None,
        };
        let value = match constant {
            Constant::Null => Value::Null,
            Constant::Bool(value) => Value::Bool(*value),
            Constant::Int(value) => int_toward(*value, column),
            Constant::Float(value) => float_toward(*value, column)?,
            Constant::Double { value, text } => double_toward(*value, Some(text), column)?,
            Constant::Infinity { negative } => {
                let value = if *negative {
                    f64::NEG_INFINITY
                } else {
                    f64::INFINITY
                };
                double_toward(value, None, column)?
            }
            Constant::Nan if column == Some(ColumnType::Decimal) => Value::Decimal(decimal::NAN),
            Constant::Nan if column == Some(ColumnType::Float) => Value::Float(f32::NAN),
            Constant::Nan => Value::Double(f64::NAN),
            Constant::String(bytes) => string_toward(bytes, column),
            Constant::Binary(bytes) => Value::Binary(bytes.as_slice().into()),
            Constant::BadBase64 => return Err(QueryError::Syntax("Invalid base64 value".into())),
            Constant::Timestamp(text) => Value::Timestamp(timestamp(text)?),
            Constant::Date(text) => Value::Timestamp(date(text)?),
            Constant::ObjectId(bytes) => Value::ObjectId(ObjectId(*bytes)),
            Constant::Uuid(bytes) => Value::Uuid(Uuid(*bytes)),
            Constant::Argument(index) | Constant::QuantifiedArgument(_, index) => {
                self.scalar_argument(*index, hint)?
            }
            Constant::Object { class, key } => self.object(class, key)?,
            Constant::InternalLink => {
                return Err(QueryError::InvalidQuery(
                    "Links by internal key are not supported".into(),
                ));
            }
        };
        Ok(Owned::Value(value))
    }

    fn scalar_argument(&self, index: usize, hint: Option<DataType>) -> Result<Value> {
        let value = match self.argument(index)? {
            Argument::Value(value) => value,
            Argument::List(_) => {
                return Err(QueryError::InvalidQueryArg(format!(
                    "Request for scalar argument at index {index} but a list was provided"
                )));
            }
            Argument::Geo(_) => {
                return Err(QueryError::InvalidQueryArg(format!(
                    "Request for scalar argument at index {index} but a geospatial shape was provided"
                )));
            }
        };
        let column = match hint {
            Some(DataType::Column(column)) => Some(column),
            _ => None,
        };
        let converted = match value {
            Value::Int(value) => int_toward(*value, column),
            Value::Float(value) => float_toward(*value, column)?,
            Value::Double(value) => double_toward(*value, None, column)?,
            Value::String(value) => string_toward(value.as_bytes(), column),
            other => other.clone(),
        };
        check_argument(index, &converted, hint)?;
        Ok(converted)
    }

    fn object(&self, class: &str, key: &Constant) -> Result<Value> {
        let name = if self.catalog.has_class(class) {
            class
        } else {
            class
                .strip_prefix("class_")
                .filter(|name| self.catalog.has_class(name))
                .ok_or_else(|| QueryError::InvalidQuery(format!("Unknown object type '{class}'")))?
        };
        let key = match self.scalar(key, None)? {
            Owned::Value(Value::Int(value)) => PrimaryKey::Int(value),
            Owned::Value(Value::String(value)) => PrimaryKey::String(value),
            Owned::Value(Value::ObjectId(value)) => PrimaryKey::ObjectId(value),
            Owned::Value(Value::Uuid(value)) => PrimaryKey::Uuid(value),
            Owned::Value(Value::Null) => PrimaryKey::Null,
            _ => return Ok(Value::Null),
        };
        if self.catalog.has_object(name, KeyView::from(&key)) == Some(false) {
            return Ok(Value::Null);
        }
        Ok(Value::Link(Box::new(Link {
            class: name.into(),
            key,
        })))
    }
}

/// Refuses an argument that can never equal what it is compared with.
fn check_argument(index: usize, value: &Value, hint: Option<DataType>) -> Result<()> {
    let owned = Owned::Value(value.clone());
    let (Some(hint), Some(found)) = (hint, type_of(&owned)) else {
        return Ok(());
    };
    if hint == DataType::TypeOfValue || types_compare(hint, found) {
        return Ok(());
    }
    let text = match value {
        Value::Link(link) => {
            return Err(QueryError::InvalidQueryArg(format!(
                "Cannot compare ${index} which links to '{}' with primary key '{}' to a {}",
                link.class,
                describe::key_text(KeyView::from(&link.key)),
                hint.name()
            )));
        }
        _ => describe::value_text(&owned, describe::Form::Typed),
    };
    Err(QueryError::InvalidQueryArg(format!(
        "Cannot compare argument ${index} with value '{text}' to a {}",
        hint.name()
    )))
}

/// The elements of a list argument turn toward the type like literals, but none is refused.
fn list_of(quantifier: Option<Quantifier>, values: &[Value], hint: Option<DataType>) -> Expression {
    let column = match hint {
        Some(DataType::Column(column)) => Some(column),
        _ => None,
    };
    let elements = values
        .iter()
        .map(|value| match value {
            Value::Int(int) => int_toward(*int, column),
            Value::Float(float) => float_toward(*float, column).unwrap_or_else(|_| value.clone()),
            Value::Double(double) => {
                double_toward(*double, None, column).unwrap_or_else(|_| value.clone())
            }
            other => other.clone(),
        })
        .map(Owned::Value)
        .collect();
    Expression::List {
        quantifier,
        elements,
        argument: true,
    }
}

/// Whether values of two types may be compared at all.
pub(crate) fn types_compare(left: DataType, right: DataType) -> bool {
    let is_link = |data_type| matches!(data_type, DataType::LINK | DataType::TypedLink);
    left == right
        || (left.is_numeric() && right.is_numeric())
        || left == DataType::MIXED
        || right == DataType::MIXED
        || (is_link(left) && is_link(right))
}

fn int_toward(value: i64, hint: Option<ColumnType>) -> Value {
    match hint {
        Some(ColumnType::Decimal) => Value::Decimal(decimal::from_int(value)),
        _ => Value::Int(value),
    }
}

fn float_toward(value: f32, hint: Option<ColumnType>) -> Result<Value> {
    match hint {
        Some(ColumnType::Int) if value.is_nan() => {
            Err(QueryError::InvalidQuery("NaN not supported for int".into()))
        }
        Some(ColumnType::Int) if value.is_infinite() => Err(QueryError::InvalidQuery(
            "Infinity not supported for int".into(),
        )),
        Some(ColumnType::Int) => {
            Ok(integral(f64::from(value)).map_or(Value::Float(value), Value::Int))
        }
        _ => Ok(Value::Float(value)),
    }
}

#[allow(clippy::cast_possible_truncation)]
fn double_toward(value: f64, text: Option<&str>, hint: Option<ColumnType>) -> Result<Value> {
    if value.is_infinite()
        && let Some(hint) = hint
        && !matches!(
            hint,
            ColumnType::Float | ColumnType::Double | ColumnType::Decimal | ColumnType::Mixed
        )
    {
        let name = DataType::Column(hint).name();
        return Err(QueryError::InvalidQuery(format!(
            "Infinity not supported for {name}"
        )));
    }
    Ok(match hint {
        Some(ColumnType::Float) => Value::Float(match text {
            Some(text) => number::parse_float(text),
            None => value as f32,
        }),
        Some(ColumnType::Decimal) => Value::Decimal(
            text.and_then(decimal::parse)
                .unwrap_or_else(|| decimal::from_double(value)),
        ),
        Some(ColumnType::Int) => integral(value).map_or(Value::Double(value), Value::Int),
        _ => Value::Double(value),
    })
}

/// The integer a double is, if it is exactly one.
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn integral(value: f64) -> Option<i64> {
    let in_range = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value);
    (in_range && value.fract() == 0.0).then_some(value as i64)
}

/// Strings become numbers where a number is expected and the text begins with one.
fn string_toward(bytes: &[u8], hint: Option<ColumnType>) -> Value {
    let parsed = std::str::from_utf8(bytes).ok().and_then(|text| {
        let text = text.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
        match hint? {
            ColumnType::Int => leading_int(text).map(Value::Int),
            ColumnType::Float => leading_double(text)?.parse().ok().map(Value::Float),
            ColumnType::Double => leading_double(text)?.parse().ok().map(Value::Double),
            ColumnType::Decimal => {
                let value = decimal::parse(text)?;
                (value.exponent < 9000).then_some(Value::Decimal(value))
            }
            _ => None,
        }
    });
    parsed.unwrap_or_else(|| Value::String(bytes.into()))
}

fn leading_int(text: &str) -> Option<i64> {
    let sign = usize::from(text.starts_with(['+', '-']));
    let digits = text
        .bytes()
        .skip(sign)
        .take_while(u8::is_ascii_digit)
        .count();
    if digits == 0 {
        return None;
    }
    text.get(..sign + digits)?.parse().ok()
}

fn leading_double(text: &str) -> Option<&str> {
    let word = text.strip_prefix(['+', '-']).unwrap_or(text);
    if ["nan", "inf", "infinity"]
        .iter()
        .any(|name| word.eq_ignore_ascii_case(name))
    {
        return Some(text);
    }
    number::leading_float(text)
}

/// `T<seconds>:<nanoseconds>`, both of one sign.
fn timestamp(text: &str) -> Result<Timestamp> {
    let invalid = || QueryError::Syntax("Invalid timestamp format".into());
    let (seconds, nanoseconds) = text
        .strip_prefix('T')
        .and_then(|body| body.split_once(':'))
        .ok_or_else(invalid)?;
    let seconds: i64 = seconds.parse().map_err(|_| invalid())?;
    let nanoseconds: i32 = nanoseconds.parse().map_err(|_| invalid())?;
    if (seconds > 0 && nanoseconds < 0) || (seconds < 0 && nanoseconds > 0) {
        return Err(invalid());
    }
    if nanoseconds.unsigned_abs() >= 1_000_000_000 {
        return Err(invalid());
    }
    Ok(Timestamp {
        seconds,
        nanoseconds,
    })
}

/// `Y-M-D@h:m:s[:ns]` in UTC, with fields carried over as C's `timegm` does.
fn date(text: &str) -> Result<Timestamp> {
    let numbers: Vec<i64> = text
        .split(['-', '@', 'T', ':'])
        .map(|part| {
            part.parse()
                .unwrap_or(i64::from(i32::MAX))
                .min(i64::from(i32::MAX))
        })
        .collect();
    let field = |index: usize| numbers.get(index).copied().unwrap_or(0);
    if field(0) < 1900 {
        return Err(QueryError::InvalidQuery(
            "Conversion of dates before 1900 is not supported.".into(),
        ));
    }
    let seconds = number::seconds_of(field(0), field(1), field(2), field(3), field(4), field(5));
    // The original keeps the calendar form in 32 bits; `T…:…` has no such limit.
    #[allow(clippy::cast_possible_truncation)]
    let seconds = i64::from(seconds as i32);
    let nanoseconds = i32::try_from(field(6))
        .ok()
        .filter(|nanoseconds| *nanoseconds < 1_000_000_000)
        .ok_or_else(|| QueryError::Syntax("Invalid timestamp format".into()))?;
    let nanoseconds = if seconds < 0 {
        -nanoseconds
    } else {
        nanoseconds
    };
    Ok(Timestamp {
        seconds,
        nanoseconds,
    })
}
