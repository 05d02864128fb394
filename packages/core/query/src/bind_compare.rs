//! Which operands a comparison takes, and how it is evaluated.

use tidemark_changeset::{CollectionKind, ColumnType, Value};

use crate::ast::{Operator, Quantifier};
use crate::bind::Binder;
use crate::bind_constant::types_compare;
use crate::bound::{
    Comparison, Condition, DataType, End, Expression, PathExpression, Plan, Step, type_of,
};
use crate::compare::{Owned, order};
use crate::describe;
use crate::error::{QueryError, Result};
use crate::row::{KeyView, Scalar};
use crate::text::Needle;
use crate::types::compare_types;

/// Refuses two types that never compare.
pub(crate) fn check_types(left: Option<DataType>, right: Option<DataType>) -> Result<()> {
    if let (Some(left), Some(right)) = (left, right)
        && !types_compare(left, right)
    {
        return Err(QueryError::InvalidQuery(format!(
            "Unsupported comparison between type '{}' and type '{}'",
            left.name(),
            right.name()
        )));
    }
    Ok(())
}

impl Binder<'_> {
    /// The rules of which operands an operator takes, then the plan.
    pub(crate) fn check_comparison(&self, mut comparison: Comparison) -> Result<Condition> {
        let (left_type, right_type) = (comparison.left.data_type(), comparison.right.data_type());
        if comparison.operator == Operator::In && !comparison.right.is_list() {
            return Err(QueryError::InvalidQueryArg(format!(
                "The keypath following 'IN' must contain a list. Found '{}'",
                describe::expression_text(&comparison.right, describe::Form::Typed)
            )));
        }
        if left_type == Some(DataType::TypeOfValue) || right_type == Some(DataType::TypeOfValue) {
            return compare_types(comparison);
        }
        if !is_text_operator(comparison.operator) {
            check_operand_types(&comparison, left_type, right_type)?;
        }
        if is_text_operator(comparison.operator) || !comparison.case_sensitive {
            check_text_operands(&mut comparison, left_type, right_type)?;
        }
        check_list_to_list(&comparison)?;
        Ok(self.plan(comparison))
    }

    /// Chooses how to evaluate, and turns memberships of scalar properties into their own conditions.
    fn plan(&self, mut comparison: Comparison) -> Condition {
        comparison.needle = needle(&comparison);
        comparison.unlike_links = unlike_links(&comparison);
        if let Expression::Path(path) = &comparison.left
            && let (Some(place), DataType::Column(column_type)) = (path.direct(), path.data_type)
        {
            match &comparison.right {
                Expression::Constant { value } => {
                    let ieee = type_of(value) == Some(path.data_type) && is_float(column_type);
                    let mixed = column_type == ColumnType::Mixed;
                    comparison.plan = Plan::Direct {
                        place,
                        ieee,
                        mixed,
                        null_as_nan: false,
                    };
                    shift_int(&mut comparison, column_type);
                }
                Expression::List {
                    quantifier: None | Some(Quantifier::Any),
                    elements,
                    ..
                } if matches!(comparison.operator, Operator::Equal | Operator::In)
                    && !elements.is_empty() =>
                {
                    if let Some(condition) = self.membership(path, elements, column_type) {
                        return condition;
                    }
                }
                _ => {}
            }
        }
        Condition::Compare(Box::new(comparison))
    }

    /// `property IN {…}` for a scalar property of the class. Elements of another type never match.
    fn membership(
        &self,
        path: &PathExpression,
        elements: &[Owned],
        column_type: ColumnType,
    ) -> Option<Condition> {
        let property = self.catalog.property(&path.class, &path.name);
        let nullable = property.is_some_and(|property| property.nullable);
        let fitting = |element: &&Owned| match type_of(element) {
            None => nullable,
            found => found == Some(path.data_type),
        };
        match column_type {
            ColumnType::Int | ColumnType::String | ColumnType::ObjectId | ColumnType::Uuid => {
                // A null stays, and shows, except among the integers of a property that cannot be null.
                let keeps_null = column_type != ColumnType::Int;
                let mut kept: Vec<Owned> = elements
                    .iter()
                    .filter(|element| fitting(element) || (keeps_null && element.is_null()))
                    .cloned()
                    .collect();
                kept.sort_by(|left, right| order(&left.view(), &right.view()));
                kept.dedup();
                Some(Condition::OneOf {
                    path: path.clone(),
                    elements: kept,
                })
            }
            // One element of a mixed property's list is a constant like any other.
            ColumnType::Mixed => match elements {
                [element] => Some(self.equality(path, element)),
                _ => None,
            },
            ColumnType::Link => None,
            _ => {
                let mut parts: Vec<Condition> = elements
                    .iter()
                    .filter(fitting)
                    .map(|element| self.equality(path, element))
                    .collect();
                Some(match parts.len() {
                    0 => Condition::False,
                    1 => parts.remove(0),
                    _ => Condition::Or(parts),
                })
            }
        }
    }

    /// One element of a membership.
    fn equality(&self, path: &PathExpression, element: &Owned) -> Condition {
        let left = Expression::Path(Box::new(path.clone()));
        let right = Expression::Constant {
            value: element.clone(),
        };
        let mut condition = self.plan(Comparison::new(Operator::Equal, left, right));
        if let (Condition::Compare(comparison), DataType::Column(column_type)) =
            (&mut condition, path.data_type)
            && let Plan::Direct { null_as_nan, .. } = &mut comparison.plan
        {
            *null_as_nan = is_float(column_type);
        }
        condition
    }
}

/// The constant of a comparison that looks for text, made ready once for all rows.
fn needle(comparison: &Comparison) -> Option<Needle> {
    let Comparison {
        operator,
        case_sensitive,
        ..
    } = *comparison;
    let Expression::Constant { value } = &comparison.right else {
        return None;
    };
    match value.view() {
        Scalar::String(text) | Scalar::Binary(text)
            if is_text_operator(operator) || !case_sensitive =>
        {
            Some(Needle::new(operator, case_sensitive, text))
        }
        _ => None,
    }
}

fn unlike_links(comparison: &Comparison) -> bool {
    let (Expression::Path(left), Expression::Path(right)) = (&comparison.left, &comparison.right)
    else {
        return false;
    };
    matches!((&left.end, &right.end), (End::Objects, End::Objects))
        && left.is_link_under_key() != right.is_link_under_key()
}

fn is_float(column_type: ColumnType) -> bool {
    matches!(column_type, ColumnType::Float | ColumnType::Double)
}

fn check_operand_types(
    comparison: &Comparison,
    left: Option<DataType>,
    right: Option<DataType>,
) -> Result<()> {
    let equality = matches!(
        comparison.operator,
        Operator::Equal | Operator::NotEqual | Operator::In
    );
    if !equality && (left == Some(DataType::LINK) || right == Some(DataType::LINK)) {
        return Err(QueryError::InvalidQuery(format!(
            "Unsupported operator {} in query. Only equal (==) and not equal (!=) are supported for \
             this type.",
            describe::operator_text(comparison.operator)
        )));
    }
    for (path, other) in [
        (&comparison.left, &comparison.right),
        (&comparison.right, &comparison.left),
    ] {
        match (path, other) {
            (Expression::Path(path), Expression::List { elements, .. })
                if path.data_type == DataType::LINK =>
            {
                for element in elements {
                    check_link_classes(path, element)?;
                }
            }
            (Expression::Path(path), Expression::Constant { value })
                if path.data_type == DataType::LINK
                    && matches!(value, Owned::Value(Value::Link(_))) =>
            {
                check_link_classes(path, value)?;
            }
            _ => {}
        }
        if let (Expression::Path(path), Expression::Constant { value }) = (path, other)
            && value.is_null()
            && matches!(path.end, End::Objects)
            && path.data_type == DataType::LINK
            && is_link_list(path)
        {
            let expression = Expression::Path(path.clone());
            return Err(QueryError::InvalidQuery(format!(
                "Cannot compare linklist ('{}') with NULL",
                describe::expression_text(&expression, describe::Form::Typed)
            )));
        }
    }
    check_types(left, right)
}

/// The original runs `p >= 5` on an int property as `p > 4`, and shows it so.
fn shift_int(comparison: &mut Comparison, column_type: ColumnType) {
    if column_type != ColumnType::Int {
        return;
    }
    let Expression::Constant {
        value: Owned::Value(Value::Int(value)),
    } = &mut comparison.right
    else {
        return;
    };
    match comparison.operator {
        Operator::GreaterEqual => {
            if let Some(shifted) = value.checked_sub(1) {
                *value = shifted;
                comparison.operator = Operator::Greater;
            }
        }
        Operator::LessEqual => {
            if let Some(shifted) = value.checked_add(1) {
                *value = shifted;
                comparison.operator = Operator::Less;
            }
        }
        _ => {}
    }
}

pub(crate) fn is_text_operator(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::BeginsWith
            | Operator::EndsWith
            | Operator::Contains
            | Operator::Like
            | Operator::Text
    )
}

fn is_link_list(path: &PathExpression) -> bool {
    path.steps.last().is_some_and(|step| match step {
        Step::Link { collection, .. } => {
            matches!(collection, CollectionKind::List | CollectionKind::Set)
        }
        Step::Backlinks { .. } => true,
    })
}

fn check_text_operands(
    comparison: &mut Comparison,
    left: Option<DataType>,
    right: Option<DataType>,
) -> Result<()> {
    let is_text = |data_type| {
        matches!(
            data_type,
            DataType::Column(ColumnType::String | ColumnType::Binary | ColumnType::Mixed)
        )
    };
    // Beside a string or binary, null is an absent one.
    let absent_text = right.is_none()
        && matches!(
            left,
            Some(DataType::Column(ColumnType::String | ColumnType::Binary))
        );
    let is_equality = !is_text_operator(comparison.operator);
    if is_equality && disregards_case(comparison, left, right) {
        let keeps = right.is_some() && left == Some(DataType::MIXED);
        comparison.case_sensitive = !keeps;
        return Ok(());
    }
    if absent_text
        || right.is_some_and(is_text)
        || matches!(comparison.right, Expression::List { .. })
    {
        return Ok(());
    }
    Err(QueryError::InvalidQuery(format!(
        "Unsupported comparison operator '{}' against type '{}', right side must be a string or binary type",
        describe::operator_name(comparison.operator, comparison.case_sensitive),
        right.map_or("null", DataType::name)
    )))
}

/// Whether an equality is one of a property of the class, or of a link, with a constant that has no case.
fn disregards_case(
    comparison: &Comparison,
    left: Option<DataType>,
    right: Option<DataType>,
) -> bool {
    let (Expression::Path(path), Expression::Constant { .. }) =
        (&comparison.left, &comparison.right)
    else {
        return false;
    };
    if path.data_type == DataType::LINK {
        return true;
    }
    let has_case = matches!(
        right,
        Some(DataType::Column(ColumnType::String | ColumnType::Binary))
    );
    let takes_null = matches!(
        left,
        Some(DataType::Column(
            ColumnType::String | ColumnType::Binary | ColumnType::Mixed
        ))
    );
    let fits = match right {
        None => takes_null,
        right => left == right || left == Some(DataType::MIXED),
    };
    path.direct().is_some() && !has_case && fits
}

fn check_list_to_list(comparison: &Comparison) -> Result<()> {
    if let (Expression::Path(left), Expression::Path(right)) = (&comparison.left, &comparison.right)
        && left.is_primitive_list()
        && right.is_primitive_list()
    {
        return Err(QueryError::InvalidQuery(format!(
            "Ordered comparison between two primitive lists is not implemented yet ('{}' and '{}')",
            describe::expression_text(&comparison.right, describe::Form::Typed),
            describe::expression_text(&comparison.left, describe::Form::Typed)
        )));
    }
    Ok(())
}

/// A link property only ever holds objects of one class.
fn check_link_classes(path: &PathExpression, element: &Owned) -> Result<()> {
    let Owned::Value(Value::Link(link)) = element else {
        return check_types(Some(path.data_type), type_of(element));
    };
    if link.class.as_bytes() == path.class.as_bytes() {
        return Ok(());
    }
    Err(QueryError::InvalidQueryArg(format!(
        "The relationship '{}' which links to type '{}' cannot be compared to an argument of type '{}' with \
         primary key '{}'",
        path.text,
        path.class,
        link.class,
        describe::key_text(KeyView::from(&link.key))
    )))
}
