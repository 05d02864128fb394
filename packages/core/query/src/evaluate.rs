//! Does a row satisfy a condition?

use crate::arithmetic;
use crate::ast::{Operator, Quantifier};
use crate::bind_compare::is_text_operator;
use crate::bound::{Comparison, Condition, DataType, Expression, PathExpression, Plan};
use crate::catalog::Place;
use crate::compare::{Owned, Test, order, rank};
use crate::error::{QueryError, Result};
use crate::row::{Field, Row, Scalar};
use crate::steps::{Given, Steps};
use crate::walk::{self, Event};
use crate::{full_text, geo};

/// Columns that are passed over in one step.
const COLUMNS_PER_STEP: usize = 16;

/// The values of one side of a comparison.
pub(crate) struct Values {
    /// Whether they are a list, as opposed to the one value of a scalar.
    list: bool,
    items: Vec<Owned>,
}

pub(crate) fn matches(condition: &Condition, row: &dyn Row, given: Given<'_>) -> Result<bool> {
    given.steps.take(1)?;
    match condition {
        Condition::True => Ok(true),
        Condition::False => Ok(false),
        Condition::And(children) => {
            for child in children {
                if !matches(child, row, given)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Condition::Or(children) | Condition::Nested(children) => {
            for child in children {
                if matches(child, row, given)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Condition::Not(inner) => Ok(!matches(inner, row, given)?),
        Condition::Compare(comparison) => compare(comparison, row, given),
        Condition::Text { path, search, .. } => full_text::matches(path, search, row, given),
        Condition::GeoWithin { path, within } => geo::matches(path, within, row, given),
        Condition::OneOf { path, elements } => direct(path, row, given, |value| {
            let looks = elements.len().checked_ilog2().unwrap_or(0) as usize + 1;
            given.steps.take(looks)?;
            given
                .steps
                .take_bytes(value.text_bytes().saturating_mul(looks))?;
            let found = elements.binary_search_by(|element| order(&element.view(), value));
            Ok(found.is_ok())
        }),
        Condition::Between { path, low, high } => direct(path, row, given, |value| {
            let holds = |operator, bound: &Owned| {
                Test::of(operator).holds(value, &bound.view(), given.steps)
            };
            Ok(holds(Operator::GreaterEqual, low)? && holds(Operator::LessEqual, high)?)
        }),
    }
}

fn direct(
    path: &PathExpression,
    row: &dyn Row,
    given: Given<'_>,
    test: impl FnOnce(&Scalar<'_>) -> Result<bool>,
) -> Result<bool> {
    match path.direct() {
        Some(place) => with_scalar(row, place, given, test),
        None => Ok(false),
    }
}

#[inline]
fn with_scalar<T>(
    row: &dyn Row,
    place: Place,
    given: Given<'_>,
    test: impl FnOnce(&Scalar<'_>) -> Result<T>,
) -> Result<T> {
    if let Place::Column(column) = place {
        // Rows that hold a few values only are read from their beginning.
        given.steps.take(column / COLUMNS_PER_STEP)?;
    }
    match walk::read(row, place) {
        Field::Scalar(scalar) if !matches!(scalar, Scalar::Link(_)) => test(&scalar),
        field => test(&walk::leaf_scalar(&field, given)?),
    }
}

fn compare(comparison: &Comparison, row: &dyn Row, given: Given<'_>) -> Result<bool> {
    let steps = given.steps;
    if let (Plan::Direct { place, ieee, .. }, Expression::Constant { value }) =
        (&comparison.plan, &comparison.right)
    {
        return with_scalar(row, *place, given, |left| {
            direct_holds(comparison, left, &value.view(), *ieee, steps)
        });
    }
    if let (Expression::Path(path), Expression::Constant { value }) =
        (&comparison.left, &comparison.right)
    {
        return stream(comparison, path, value, row, given);
    }
    if is_simple(&comparison.left) && is_simple(&comparison.right) {
        let mut result = false;
        simple(&comparison.left, row, given, &mut |left| {
            simple(&comparison.right, row, given, &mut |right| {
                result = pair(comparison, left, right, steps)?;
                Ok(())
            })
        })?;
        return Ok(result);
    }
    let left = evaluate(&comparison.left, row, given)?;
    let right = evaluate(&comparison.right, row, given)?;
    let keys = matches!(&comparison.left, Expression::Path(path) if path.gives_keys());
    for left in left.iter().filter(|left| !keys || !left.items.is_empty()) {
        for right in &right {
            if decide(comparison, left, right, steps)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// A scalar property of the row against a constant.
#[inline]
pub(crate) fn direct_holds(
    comparison: &Comparison,
    left: &Scalar<'_>,
    right: &Scalar<'_>,
    ieee: bool,
    steps: &Steps,
) -> Result<bool> {
    let operator = comparison.operator;
    if let (Scalar::Int(left), Scalar::Int(right)) = (left, right) {
        return Ok(ints_hold(operator, *left, *right));
    }
    if ieee {
        return Ok(match (left, right) {
            (Scalar::Double(left), Scalar::Double(right)) => ieee_holds(operator, *left, *right),
            (Scalar::Float(left), Scalar::Float(right)) => {
                ieee_holds(operator, f64::from(*left), f64::from(*right))
            }
            // A null row.
            _ => operator == Operator::NotEqual,
        });
    }
    Ok(match (&comparison.needle, left, right) {
        (Some(needle), Scalar::String(subject), Scalar::String(_))
        | (Some(needle), Scalar::Binary(subject), Scalar::Binary(_)) => {
            needle.holds(subject, steps)?
        }
        // A null needle is found even in null.
        (_, Scalar::Null, Scalar::Null) if is_text_operator(operator) => true,
        (_, Scalar::Binary(_), Scalar::Null) if is_text_operator(operator) => {
            operator != Operator::Like
        }
        // For string properties, and only for them, null is a string before all others.
        (_, Scalar::String(_), Scalar::Null) if is_string(comparison) => {
            matches!(
                operator,
                Operator::Greater | Operator::GreaterEqual | Operator::NotEqual
            ) || (is_text_operator(operator) && operator != Operator::Like)
        }
        (_, Scalar::Null, Scalar::String(_)) if is_string(comparison) => {
            matches!(
                operator,
                Operator::Less | Operator::LessEqual | Operator::NotEqual
            )
        }
        _ => pair(comparison, left, right, steps)?,
    })
}

fn is_string(comparison: &Comparison) -> bool {
    comparison.left.data_type() == Some(DataType::STRING)
}

#[inline]
fn ints_hold(operator: Operator, left: i64, right: i64) -> bool {
    match operator {
        Operator::Equal | Operator::In => left == right,
        Operator::NotEqual => left != right,
        Operator::Less => left < right,
        Operator::LessEqual => left <= right,
        Operator::Greater => left > right,
        Operator::GreaterEqual => left >= right,
        _ => false,
    }
}

#[allow(clippy::float_cmp)]
fn ieee_holds(operator: Operator, left: f64, right: f64) -> bool {
    match operator {
        Operator::Equal | Operator::In => left == right,
        Operator::NotEqual => left != right,
        Operator::Less => left < right,
        Operator::LessEqual => left <= right,
        Operator::Greater => left > right,
        Operator::GreaterEqual => left >= right,
        _ => false,
    }
}

pub(crate) fn pair(
    comparison: &Comparison,
    left: &Scalar<'_>,
    right: &Scalar<'_>,
    steps: &Steps,
) -> Result<bool> {
    if comparison.types {
        let same = match (left, right) {
            (Scalar::Int(left), Scalar::Int(right)) => left & right != 0,
            _ => false,
        };
        return Ok(same == (comparison.operator != Operator::NotEqual));
    }
    if comparison.unlike_links && matches!((left, right), (Scalar::Link(_), Scalar::Link(_))) {
        return Ok(comparison.operator == Operator::NotEqual);
    }
    comparison.test().holds(left, right, steps)
}

/// A path against one constant: the values are compared where they lie.
fn stream(
    comparison: &Comparison,
    path: &PathExpression,
    constant: &Owned,
    row: &dyn Row,
    given: Given<'_>,
) -> Result<bool> {
    // Counts are single values, to which no quantifier applies.
    let quantifier = path
        .quantifier
        .filter(|_| path.is_list())
        .unwrap_or(Quantifier::Any);
    let right = constant.view();
    let keys = path.gives_keys();
    let (mut any, mut all, mut seen, mut result) = (false, true, false, false);
    walk::values(path, row, given, &mut |event| {
        match event {
            Event::Value(value) => {
                let found = pair(comparison, &value, &right, given.steps)?;
                seen = true;
                any |= found;
                all &= found;
            }
            Event::Split => {
                result |= (seen || !keys) && quantified(quantifier, any, all);
                (any, all, seen) = (false, true, false);
            }
        }
        Ok(())
    })?;
    Ok(result || ((seen || !keys) && quantified(quantifier, any, all)))
}

pub(crate) fn quantified(quantifier: Quantifier, any: bool, all: bool) -> bool {
    match quantifier {
        Quantifier::Any => any,
        Quantifier::All => all,
        Quantifier::None => !any,
    }
}

/// Two sets of values, with their quantifiers.
fn decide(comparison: &Comparison, left: &Values, right: &Values, steps: &Steps) -> Result<bool> {
    let left_quantifier = comparison.left.quantifier();
    let right_quantifier = comparison.right.quantifier();
    let lists = left.list && right.list;
    let holds = |left: &Owned, right: &Owned| {
        steps.take(1)?;
        pair(comparison, &left.view(), &right.view(), steps)
    };
    if lists && left_quantifier == Some(Quantifier::All) && right_quantifier.is_none() {
        // The original gives up where elements of one place are of types that do not compare.
        let mut places = left.items.iter().zip(&right.items);
        if places.any(|(left, right)| rank(&left.view()) != rank(&right.view())) {
            return Ok(false);
        }
    }
    if lists && left_quantifier.is_none() && right_quantifier.is_none() {
        if left.items.len() != right.items.len() {
            return Ok(comparison.operator == Operator::NotEqual);
        }
        for (left, right) in left.items.iter().zip(&right.items) {
            if !holds(left, right)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    over(&left.items, left_quantifier, |left| {
        over(&right.items, right_quantifier, |right| holds(left, right))
    })
}

fn over(
    items: &[Owned],
    quantifier: Option<Quantifier>,
    test: impl Fn(&Owned) -> Result<bool>,
) -> Result<bool> {
    let quantifier = quantifier.unwrap_or(Quantifier::Any);
    for item in items {
        let holds = test(item)?;
        match quantifier {
            Quantifier::Any if holds => return Ok(true),
            Quantifier::All if !holds => return Ok(false),
            Quantifier::None if holds => return Ok(false),
            _ => {}
        }
    }
    Ok(quantifier != Quantifier::Any)
}

/// Whether an expression is made of scalar properties of the row and constants alone.
pub(crate) fn is_simple(expression: &Expression) -> bool {
    match expression {
        Expression::Constant { .. } => true,
        Expression::Path(path) => path.direct().is_some(),
        Expression::Arithmetic { left, right, .. } => is_simple(left) && is_simple(right),
        _ => false,
    }
}

/// Shows the one value of a simple expression, where it lies.
fn simple(
    expression: &Expression,
    row: &dyn Row,
    given: Given<'_>,
    show: &mut dyn FnMut(&Scalar<'_>) -> Result<()>,
) -> Result<()> {
    match expression {
        Expression::Constant { value } => show(&value.view()),
        Expression::Path(path) => match path.direct() {
            Some(place) => with_scalar(row, place, given, |value| show(value)),
            None => Ok(()),
        },
        Expression::Arithmetic {
            operator,
            left,
            right,
            ..
        } => simple(left, row, given, &mut |left| {
            simple(right, row, given, &mut |right| {
                let value = arithmetic::apply(*operator, left, right);
                show(&Scalar::from(&value))
            })
        }),
        _ => Ok(()),
    }
}

impl Values {
    fn one(value: Owned) -> Vec<Self> {
        vec![Self {
            list: false,
            items: vec![value],
        }]
    }
}

/// The values of an expression, in the groups that are compared apart (one, except for inner wildcards).
pub(crate) fn evaluate(
    expression: &Expression,
    row: &dyn Row,
    given: Given<'_>,
) -> Result<Vec<Values>> {
    let list = expression.is_list();
    match expression {
        Expression::Constant { value } => Ok(Values::one(value.clone())),
        Expression::List { elements, .. } => {
            given.steps.take(elements.len())?;
            Ok(vec![Values {
                list,
                items: elements.clone(),
            }])
        }
        Expression::Path(path) => {
            let mut groups = vec![Values {
                list,
                items: Vec::new(),
            }];
            walk::values(path, row, given, &mut |event| {
                match event {
                    Event::Value(value) => {
                        given.steps.take_bytes(value.text_bytes())?;
                        if let Some(group) = groups.last_mut() {
                            group.items.push(Owned::from(value));
                        }
                    }
                    Event::Split => groups.push(Values {
                        list,
                        items: Vec::new(),
                    }),
                }
                Ok(())
            })?;
            Ok(groups)
        }
        Expression::Aggregate(aggregate) => {
            let items = crate::aggregate::evaluate(aggregate, row, given)?;
            Ok(vec![Values { list, items }])
        }
        Expression::Subquery {
            path, condition, ..
        } => {
            let mut count = 0;
            walk::walk(&path.steps, row, given, false, &mut |target| {
                if let Some(target) = target
                    && matches(condition, target, given)?
                {
                    count += 1;
                }
                Ok(())
            })?;
            Ok(Values::one(Owned::from(Scalar::Int(count))))
        }
        Expression::Arithmetic {
            operator,
            left,
            right,
            ..
        } => {
            let left = evaluate(left, row, given)?;
            let right = evaluate(right, row, given)?;
            let mut groups = Vec::new();
            for left in &left {
                for right in &right {
                    given
                        .steps
                        .take(left.items.len().saturating_mul(right.items.len()))?;
                    groups.push(combine(*operator, left, right)?);
                }
            }
            Ok(groups)
        }
    }
}

fn combine(
    operator: crate::ast::ArithmeticOperator,
    left: &Values,
    right: &Values,
) -> Result<Values> {
    if left.list && right.list {
        return Err(QueryError::InvalidQuery(
            "Operations involving two lists are not supported".into(),
        ));
    }
    let mut items = Vec::new();
    for left in &left.items {
        for right in &right.items {
            items.push(Owned::Value(arithmetic::apply(
                operator,
                &left.view(),
                &right.view(),
            )));
        }
    }
    Ok(Values {
        list: left.list || right.list,
        items,
    })
}
