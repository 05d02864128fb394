//! Binding of arithmetic and aggregates (rql.md §7, §8).

use tidemark_changeset::{CollectionKind, ColumnType};

use crate::arithmetic;
use crate::ast::{self, Aggregate, ArithmeticOperator};
use crate::bind::Binder;
use crate::bound::{AggregateExpression, DataType, End, Expression, PathExpression};
use crate::compare::Owned;
use crate::describe;
use crate::error::{QueryError, Result};

impl Binder<'_> {
    pub(crate) fn arithmetic(
        &mut self,
        operator: ArithmeticOperator,
        left: &ast::Expression,
        right: &ast::Expression,
        hint: Option<DataType>,
    ) -> Result<Expression> {
        let left_constant = is_plain_constant(left);
        let (left, right) = if left_constant && is_plain_constant(right) {
            // Constants alone are folded as they were written; the hint of the comparison does not reach
            // them.
            (self.expression(left, None)?, self.expression(right, None)?)
        } else if left_constant {
            let right = self.expression(right, hint)?;
            (self.expression(left, right.data_type())?, right)
        } else {
            let left = self.expression(left, hint)?;
            let right = self.expression(right, left.data_type())?;
            (left, right)
        };
        let numeric = |side: &Expression| match side {
            Expression::List { .. } => true,
            other => other
                .data_type()
                .is_some_and(|data_type| data_type.is_numeric() || data_type == DataType::MIXED),
        };
        if !numeric(&left) || !numeric(&right) {
            return Err(QueryError::InvalidQueryArg(format!(
                "Cannot perform '{}' operation on '{}' and '{}'",
                describe::arithmetic_text(operator),
                describe::expression_text(&left, describe::Form::Typed),
                describe::expression_text(&right, describe::Form::Typed)
            )));
        }
        if let (Expression::Constant { value: left }, Expression::Constant { value: right }) =
            (&left, &right)
        {
            let value = arithmetic::apply(operator, &left.view(), &right.view());
            return Ok(Expression::Constant {
                value: Owned::Value(value),
            });
        }
        let data_type = left.data_type();
        Ok(Expression::Arithmetic {
            operator,
            left: Box::new(left),
            right: Box::new(right),
            data_type,
        })
    }

    pub(crate) fn aggregate(
        &mut self,
        path: &ast::Path,
        operation: Aggregate,
        property: Option<&str>,
    ) -> Result<Expression> {
        let mut path = self.path(path)?;
        let refused = |name: &str| {
            Err(QueryError::InvalidQuery(format!(
                "Cannot use aggregate '{name}' for this type of property"
            )))
        };
        let text = operation_text(operation);
        let (property, source) = match property {
            Some(name) => {
                if !matches!(path.end, End::Objects) {
                    return Err(QueryError::InvalidQuery(format!(
                        "Operation '{text}' cannot apply to property '{}' because it is not a list",
                        path.name
                    )));
                }
                let name = &self.stored_name(&path.class, name.to_owned());
                let Some(found) = self.catalog.property(&path.class, name) else {
                    return Err(QueryError::InvalidQuery(format!(
                        "'{}' has no property '{name}'",
                        path.class
                    )));
                };
                let dates = matches!(operation, Aggregate::Min | Aggregate::Max);
                let fits = is_summable(found.column_type)
                    || (dates && found.column_type == ColumnType::Timestamp);
                if !fits || found.collection != CollectionKind::Single {
                    return refused(text);
                }
                (
                    Some((found.place, describe::escape_name(name))),
                    found.column_type,
                )
            }
            None => match &path.end {
                End::Field {
                    collection,
                    column_type,
                    indexes,
                    ..
                } if *collection != CollectionKind::Single
                    && is_summable(*column_type)
                    && is_whole(indexes)
                    && path.post.is_none() =>
                {
                    (None, *column_type)
                }
                _ => return refused(text),
            },
        };
        strip_wildcard(&mut path);
        let data_type = result_type(operation, source);
        Ok(Expression::Aggregate(Box::new(AggregateExpression {
            path,
            operation,
            property,
            source,
            data_type,
        })))
    }
}

fn is_whole(indexes: &[crate::bound::Index]) -> bool {
    matches!(indexes, [] | [crate::bound::Index::All])
}

/// Aggregates print the name of a dictionary alone.
fn strip_wildcard(path: &mut PathExpression) {
    if let Some(text) = path.text.strip_suffix("[*]") {
        path.text = text.to_owned();
    }
}

fn is_plain_constant(expression: &ast::Expression) -> bool {
    match expression {
        ast::Expression::Constant(_) | ast::Expression::List(_) => true,
        ast::Expression::Arithmetic { left, right, .. } => {
            is_plain_constant(left) && is_plain_constant(right)
        }
        _ => false,
    }
}

fn is_summable(column: ColumnType) -> bool {
    matches!(
        column,
        ColumnType::Int
            | ColumnType::Float
            | ColumnType::Double
            | ColumnType::Decimal
            | ColumnType::Mixed
    )
}

fn result_type(operation: Aggregate, source: ColumnType) -> DataType {
    match (operation, source) {
        (Aggregate::Min | Aggregate::Max, _) | (Aggregate::Sum, ColumnType::Int) => {
            DataType::Column(source)
        }
        (_, ColumnType::Mixed) => DataType::MIXED,
        (_, ColumnType::Decimal) => DataType::DECIMAL,
        _ => DataType::DOUBLE,
    }
}

fn operation_text(operation: Aggregate) -> &'static str {
    match operation {
        Aggregate::Min => ".@min",
        Aggregate::Max => ".@max",
        Aggregate::Sum => ".@sum",
        Aggregate::Average => ".@avg",
    }
}
