//! The canonical text of a query (rql.md §12).

use tidemark_changeset::Value;

use crate::ast::{self, ArithmeticOperator, Operator, Quantifier};
use crate::bound::{
    Comparison, Condition, DataType, End, Expression, PathExpression, Plan, PostOperation,
};
use crate::compare::Owned;
use crate::decimal;
use crate::descriptors::Descriptor;
use crate::number;
use crate::row::KeyView;
use crate::types;

/// How constants are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Typed constants, as the original prints them.
    Typed,
    /// Constants against a mixed property and elements of lists: six digits, `null` in lower case.
    Mixed,
    /// Elements of lists.
    Element,
    /// Everything so that it parses back to the same meaning.
    Precise,
}

pub(crate) fn query_text(condition: &Condition, descriptors: &[Descriptor], form: Form) -> String {
    let mut text = condition_text(condition, form);
    for descriptor in descriptors {
        text.push(' ');
        text.push_str(&descriptor_text(descriptor));
    }
    text
}

fn condition_text(condition: &Condition, form: Form) -> String {
    match condition {
        Condition::True => "TRUEPREDICATE".into(),
        Condition::False => "FALSEPREDICATE".into(),
        Condition::And(children) => joined(children, " and ", form),
        Condition::Or(children) if children.len() == 1 => joined(children, " or ", form),
        Condition::Or(children) => format!("({})", joined(children, " or ", form)),
        Condition::Nested(children) => {
            let parts: Vec<String> = children
                .iter()
                .map(|child| condition_text(child, form))
                .collect();
            let opening = "(".repeat(parts.len().saturating_sub(1));
            match parts.split_first() {
                Some((first, [])) => first.clone(),
                Some((first, rest)) => format!("{opening}{first} or {})", rest.join(") or ")),
                None => String::new(),
            }
        }
        Condition::Not(inner) => format!("!({})", condition_text(inner, form)),
        Condition::Compare(comparison) => comparison_text(comparison, form),
        Condition::Text { path, words, .. } => {
            // The original's word for it, which nothing reads.
            let word = match form {
                Form::Precise => "TEXT",
                _ => operator_text(Operator::Text),
            };
            format!("{} {word} {}", path_text(path), string_text(words))
        }
        Condition::GeoWithin { path, within } => {
            format!(
                "{} GEOWITHIN {}",
                path_text(path),
                within.text(form == Form::Precise)
            )
        }
        Condition::OneOf { elements, .. } if elements.is_empty() && form == Form::Precise => {
            "FALSEPREDICATE".into()
        }
        Condition::OneOf { path, elements } if elements.is_empty() => match path.data_type {
            DataType::INT => format!("{} == -1", path.text),
            _ => "FALSEPREDICATE".into(),
        },
        Condition::OneOf { path, elements } => {
            let elements: Vec<String> = elements
                .iter()
                .map(|element| value_text(element, form))
                .collect();
            format!("{} IN {{{}}}", path.text, elements.join(", "))
        }
        Condition::Between { path, low, high } => {
            format!(
                "{} between {{{}, {}}}",
                path.text,
                value_text(low, form),
                value_text(high, form)
            )
        }
    }
}

fn joined(children: &[Condition], separator: &str, form: Form) -> String {
    children
        .iter()
        .map(|child| condition_text(child, form))
        .collect::<Vec<_>>()
        .join(separator)
}

fn comparison_text(comparison: &Comparison, form: Form) -> String {
    let right_form = match (&comparison.plan, form) {
        (Plan::Direct { mixed: true, .. }, Form::Typed) => Form::Mixed,
        _ => form,
    };
    let left = match (&comparison.left, &comparison.right) {
        // A link property against one object prints without its quantifier.
        (Expression::Path(path), Expression::Constant { .. })
            if matches!(path.end, End::Objects)
                && path.post.is_none()
                && path.steps.len() == 1
                && path.quantifier == Some(Quantifier::Any) =>
        {
            path.text.clone()
        }
        (left, _) => expression_text(left, form),
    };
    let right = match (&comparison.plan, &comparison.right) {
        (
            Plan::Direct {
                null_as_nan: true, ..
            },
            Expression::Constant { value },
        ) if value.is_null() && form == Form::Typed => "nan".into(),
        (_, right) => expression_text(right, right_form),
    };
    let operator = operator_text(comparison.operator);
    let case = if comparison.case_sensitive { "" } else { "[c]" };
    format!("{left} {operator}{case} {right}")
}

pub(crate) fn expression_text(expression: &Expression, form: Form) -> String {
    match expression {
        Expression::Constant { value } => value_text(value, form),
        Expression::List {
            quantifier,
            elements,
            ..
        } => {
            let element_form = if form == Form::Precise {
                form
            } else {
                Form::Element
            };
            let elements: Vec<String> = elements
                .iter()
                .map(|element| value_text(element, element_form))
                .collect();
            format!(
                "{}{{{}}}",
                quantifier_prefix(*quantifier),
                elements.join(", ")
            )
        }
        Expression::Path(path) => path_text(path),
        Expression::Aggregate(aggregate) => {
            let operation = aggregate.operation_text();
            match &aggregate.property {
                Some((_, name)) => format!("{}{operation}.{name}", aggregate.path.text),
                None => format!("{}{operation}", aggregate.path.text),
            }
        }
        Expression::Subquery {
            path,
            variable,
            condition,
        } => {
            format!(
                "SUBQUERY({}, {variable}, {}).@count",
                path.text,
                condition_text(condition, form)
            )
        }
        Expression::Arithmetic {
            operator,
            left,
            right,
            ..
        } => format!(
            "({} {} {})",
            expression_text(left, form),
            arithmetic_text(*operator),
            expression_text(right, form)
        ),
    }
}

fn path_text(path: &PathExpression) -> String {
    let post = match path.post {
        Some(PostOperation::Type) => ".@type",
        Some(PostOperation::Size) if matches!(path.end, End::Field { .. }) => ".@size",
        Some(PostOperation::Size) => ".@count",
        None if matches!(path.end, End::AllBacklinks) => ".@count",
        Some(PostOperation::Length) | None => "",
    };
    format!("{}{}{post}", quantifier_prefix(path.quantifier), path.text)
}

fn quantifier_prefix(quantifier: Option<Quantifier>) -> String {
    quantifier.map_or_else(String::new, |quantifier| {
        format!("{} ", quantifier_text(quantifier))
    })
}

pub(crate) fn quantifier_text(quantifier: Quantifier) -> &'static str {
    match quantifier {
        Quantifier::Any => "ANY",
        Quantifier::All => "ALL",
        Quantifier::None => "NONE",
    }
}

pub(crate) fn operator_text(operator: Operator) -> &'static str {
    match operator {
        Operator::Equal | Operator::In => "==",
        Operator::NotEqual => "!=",
        Operator::Less => "<",
        Operator::LessEqual => "<=",
        Operator::Greater => ">",
        Operator::GreaterEqual => ">=",
        Operator::BeginsWith => "BEGINSWITH",
        Operator::EndsWith => "ENDSWITH",
        Operator::Contains => "CONTAINS",
        Operator::Like => "LIKE",
        Operator::Text => "FULLTEXT",
    }
}

/// The operator's name in error texts.
pub(crate) fn operator_name(operator: Operator, case_sensitive: bool) -> &'static str {
    match operator {
        Operator::Equal if case_sensitive => "=",
        Operator::Equal => "=[c]",
        Operator::NotEqual if case_sensitive => "!=",
        Operator::NotEqual => "!=[c]",
        Operator::In if case_sensitive => "in",
        Operator::In => "IN[c]",
        Operator::BeginsWith => "beginswith",
        Operator::EndsWith => "endswith",
        Operator::Contains => "contains",
        Operator::Like => "like",
        Operator::Text => "text",
        other => operator_text(other),
    }
}

pub(crate) fn arithmetic_text(operator: ArithmeticOperator) -> &'static str {
    match operator {
        ArithmeticOperator::Add => "+",
        ArithmeticOperator::Subtract => "-",
        ArithmeticOperator::Multiply => "*",
        ArithmeticOperator::Divide => "/",
    }
}

/// A constant.
pub(crate) fn value_text(value: &Owned, form: Form) -> String {
    let value = match value {
        Owned::Value(value) => value,
        Owned::Types(mask) => return format!("\"{}\"", types::mask_name(*mask)),
        Owned::Collection(_) => return "NULL".into(),
    };
    let loose = matches!(form, Form::Mixed | Form::Element);
    match value {
        Value::Null if form == Form::Mixed => "null".into(),
        Value::Null => "NULL".into(),
        Value::Int(value) => value.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::String(text) => string_text(text.as_bytes()),
        Value::Binary(bytes) => format!("binary({})", string_text(bytes)),
        Value::Timestamp(value) => format!("T{}:{}", value.seconds, value.nanoseconds),
        Value::Float(value) if form == Form::Precise => {
            format!(
                "{}{}",
                number::general(f64::from(*value), 9),
                if value.is_finite() { "f" } else { "" }
            )
        }
        Value::Float(value) => number::general(f64::from(*value), if loose { 6 } else { 9 }),
        Value::Double(value) if form == Form::Precise => precise_double(*value),
        Value::Double(value) => number::general(*value, if loose { 6 } else { 17 }),
        Value::Decimal(value) if form == Form::Precise => precise_decimal(&decimal::print(value)),
        Value::Decimal(value) => decimal::print(value),
        Value::Link(link) => {
            format!(
                "obj(\"class_{}\",{})",
                link.class,
                key_text(KeyView::from(&link.key))
            )
        }
        Value::ObjectId(value) => format!("oid({})", hex(&value.0)),
        Value::Uuid(value) => uuid_text(&value.0),
    }
}

/// A whole number that is no 64-bit integer has an exponent, so that it is not read as one.
fn precise_decimal(text: &str) -> String {
    let is_whole = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'-');
    if is_whole && text.parse::<i64>().is_err() {
        return format!("{text}E0");
    }
    text.to_owned()
}

/// A whole double keeps a point, so that it parses back as a double.
fn precise_double(value: f64) -> String {
    let text = number::general(value, 17);
    if value.is_finite()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-')
    {
        return format!("{text}.0");
    }
    text
}

pub(crate) fn key_text(key: KeyView<'_>) -> String {
    match key {
        KeyView::Null => "NULL".into(),
        KeyView::Int(value) => value.to_string(),
        KeyView::String(text) => string_text(text),
        KeyView::GlobalKey(high, low) => format!("{high:x}-{low:x}"),
        KeyView::ObjectId(value) => format!("oid({})", hex(&value.0)),
        KeyView::Uuid(value) => uuid_text(&value.0),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn uuid_text(bytes: &[u8; 16]) -> String {
    let digits = hex(bytes);
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or("");
    format!(
        "uuid({}-{}-{}-{}-{})",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )
}

/// A string in quotes if every character can stand there unescaped, else base64.
fn string_text(bytes: &[u8]) -> String {
    let plain = |character: char| {
        character.is_ascii_alphanumeric()
            || !character.is_ascii()
            || "{|}~:;<=>?@!#$%&()*+,-./[]^_` ".contains(character)
    };
    match std::str::from_utf8(bytes) {
        Ok(text) if text.chars().all(plain) => format!("\"{text}\""),
        _ => format!("B64\"{}\"", number::encode_base64(bytes)),
    }
}

/// A name with the characters escaped that would end it.
pub(crate) fn escape_name(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            ' ' => text.push_str("\\ "),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
    text
}

pub(crate) fn key_index_text(key: &[u8]) -> String {
    format!("['{}']", String::from_utf8_lossy(key))
}

/// The name of a subquery's variable by its depth: `$x`, `$y`, `$z`, then from the beginning of the
/// alphabet.
pub(crate) fn variable(depth: usize) -> String {
    const LETTERS: &[u8] = b"xyzabcdefghijklmnopqrstuvw";
    match LETTERS.get(depth) {
        Some(letter) => format!("${}", char::from(*letter)),
        None => format!("$x{depth}"),
    }
}

/// A path as it was written, for errors.
pub(crate) fn written_path(path: &ast::Path) -> String {
    let names: Vec<&str> = path
        .elements
        .iter()
        .filter_map(|element| match element {
            ast::PathElement::Name(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    names.join(".")
}

fn descriptor_text(descriptor: &Descriptor) -> String {
    match descriptor {
        Descriptor::Sort(columns) => {
            let columns: Vec<String> = columns
                .iter()
                .map(|(column, ascending)| {
                    format!(
                        "{} {}",
                        column.text,
                        if *ascending { "ASC" } else { "DESC" }
                    )
                })
                .collect();
            format!("SORT({})", columns.join(", "))
        }
        Descriptor::Distinct(columns) => {
            let columns: Vec<&str> = columns.iter().map(|column| column.text.as_str()).collect();
            format!("DISTINCT({})", columns.join(", "))
        }
        Descriptor::Limit(count) => format!("LIMIT({count})"),
    }
}
