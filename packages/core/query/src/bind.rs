//! Tying a parsed query to a schema: names, types, constants, and the choice of how to evaluate.

use std::collections::BTreeSet;

use tidemark_changeset::{CollectionKind, ColumnType};

use crate::argument::Argument;
use crate::ast::{self, Ast, Operator, Predicate, Quantifier};
use crate::bind_compare::check_types;
use crate::bound::{
    Comparison, Condition, DataType, End, Expression, Index, PathExpression, PostOperation, Step,
    type_of,
};
use crate::catalog::Catalog;
use crate::compare::Owned;
use crate::describe;
use crate::error::{QueryError, Result};
use crate::limits::ARGUMENTS_MAX;
use crate::query::Query;
use crate::types;

/// Ties a query to a class: resolves names, converts constants toward the types they are compared with, and
/// inlines the arguments.
pub fn bind(
    ast: &Ast,
    class: &str,
    catalog: &dyn Catalog,
    arguments: &[Argument],
) -> Result<Query> {
    if arguments.len() > ARGUMENTS_MAX {
        return Err(QueryError::LimitExceeded(format!(
            "more than {ARGUMENTS_MAX} arguments"
        )));
    }
    if !catalog.has_class(class) {
        return Err(QueryError::InvalidQuery(format!(
            "Unknown object type '{class}'"
        )));
    }
    let root = Scope {
        class: class.to_owned(),
        variable: None,
        printed: None,
    };
    let mut binder = Binder {
        catalog,
        arguments,
        fields: BTreeSet::new(),
        scopes: vec![root],
    };
    let condition = binder.predicate(&ast.predicate)?;
    let descriptors = binder.descriptors(&ast.descriptors)?;
    Ok(Query::new(
        class,
        condition,
        descriptors,
        binder.fields.into_iter().collect(),
    ))
}

pub(crate) struct Binder<'b> {
    pub(crate) catalog: &'b dyn Catalog,
    pub(crate) arguments: &'b [Argument],
    fields: BTreeSet<String>,
    scopes: Vec<Scope>,
}

/// The class that names are looked up in, and the variable that stands for its objects in a subquery.
pub(crate) struct Scope {
    pub(crate) class: String,
    pub(crate) variable: Option<String>,
    pub(crate) printed: Option<String>,
}

impl Binder<'_> {
    pub(crate) fn scope(&self) -> &Scope {
        self.scopes
            .last()
            .expect("the root scope stays for as long as the binder lives")
    }

    /// Notes a top-level field of the query's own class.
    pub(crate) fn record_field(&mut self, name: &str) {
        if self.scopes.len() == 1 {
            self.fields.insert(name.to_owned());
        }
    }

    fn predicate(&mut self, predicate: &Predicate) -> Result<Condition> {
        match predicate {
            Predicate::True => Ok(Condition::True),
            Predicate::False => Ok(Condition::False),
            Predicate::And(children) => Ok(Condition::And(self.predicates(children)?)),
            Predicate::Or(children) => Ok(Condition::Or(self.predicates(children)?)),
            Predicate::Nested(children) => Ok(Condition::Nested(self.predicates(children)?)),
            Predicate::Not(inner) => Ok(Condition::Not(Box::new(self.predicate(inner)?))),
            Predicate::Compare {
                operator,
                case_sensitive,
                left,
                right,
            } => self.compare(*operator, *case_sensitive, left, right),
            Predicate::Between { value, range } => self.between(value, range),
            Predicate::GeoWithin { path, shape } => self.geo_within(path, shape),
        }
    }

    fn predicates(&mut self, children: &[Predicate]) -> Result<Vec<Condition>> {
        children.iter().map(|child| self.predicate(child)).collect()
    }

    fn compare(
        &mut self,
        operator: Operator,
        case_sensitive: bool,
        left: &ast::Expression,
        right: &ast::Expression,
    ) -> Result<Condition> {
        let (left, right) = self.sides(left, right)?;
        if operator == Operator::Text {
            return self.text(left, right);
        }
        self.check_comparison(Comparison {
            case_sensitive,
            ..Comparison::new(operator, left, right)
        })
    }

    /// Both sides, the constant one converted toward the type of the other.
    fn sides(
        &mut self,
        left: &ast::Expression,
        right: &ast::Expression,
    ) -> Result<(Expression, Expression)> {
        match (is_constant(left), is_constant(right)) {
            (true, true) => Err(QueryError::InvalidQuery(
                "Cannot compare two constants".into(),
            )),
            // Of two sides that are no constants, too, the original reads the right one first.
            (_, false) => {
                let right = self.expression(right, None)?;
                let left = self.expression(left, right.data_type())?;
                Ok((left, right))
            }
            (false, true) => {
                let left = self.expression(left, None)?;
                let right = self.expression(right, left.data_type())?;
                Ok((left, right))
            }
        }
    }

    pub(crate) fn expression(
        &mut self,
        expression: &ast::Expression,
        hint: Option<DataType>,
    ) -> Result<Expression> {
        match expression {
            ast::Expression::Constant(constant) => self.constant(constant, hint),
            ast::Expression::List(list) => self.list(list, hint),
            ast::Expression::Path(path) => {
                let path = self.path(path)?;
                Ok(match constant_type(&path) {
                    Some(mask) => Expression::Constant {
                        value: Owned::Types(mask),
                    },
                    None => Expression::Path(Box::new(path)),
                })
            }
            ast::Expression::Aggregate {
                path,
                operation,
                property,
            } => self.aggregate(path, *operation, property.as_deref()),
            ast::Expression::Subquery {
                path,
                variable,
                predicate,
            } => self.subquery(path, variable, predicate),
            ast::Expression::Arithmetic {
                operator,
                left,
                right,
            } => self.arithmetic(*operator, left, right, hint),
        }
    }

    fn list(&mut self, list: &ast::List, hint: Option<DataType>) -> Result<Expression> {
        let mut elements = Vec::with_capacity(list.elements.len());
        for constant in &list.elements {
            // Of a list argument inside braces the original takes the first element.
            match self.constant(constant, hint)? {
                Expression::List {
                    elements: inner, ..
                } => elements.extend(inner.into_iter().take(1)),
                Expression::Constant { value } => elements.push(value),
                _ => {}
            }
        }
        Ok(Expression::List {
            quantifier: list.quantifier,
            elements,
            argument: false,
        })
    }

    /// A path that must lead to links of a list, and a predicate on their targets.
    fn subquery(
        &mut self,
        path: &ast::Path,
        variable: &str,
        predicate: &Predicate,
    ) -> Result<Expression> {
        if !variable.starts_with('$') || variable.len() < 2 {
            return Err(QueryError::Syntax(format!(
                "The subquery variable '{variable}' is invalid. The variable must start with '$' and cannot \
                 be empty; for example '$x'."
            )));
        }
        let written = describe::written_path(path);
        let bound = match self.path(path) {
            Err(QueryError::InvalidQuery(text)) if text.contains("has no property") => {
                return Err(QueryError::InvalidQuery(format!(
                    "A subquery can not operate on a list of primitive values (property '{written}')"
                )));
            }
            other => other?,
        };
        check_subquery_path(&bound)?;
        let class = bound.class.clone();
        let clash = self
            .scopes
            .iter()
            .any(|scope| scope.variable.as_deref() == Some(variable) && scope.class == class);
        if clash {
            return Err(QueryError::InvalidQuery(format!(
                "Unable to create a subquery expression with variable '{variable}' since an identical \
                 variable already exists in this context"
            )));
        }
        let printed = describe::variable(self.scopes.len() - 1);
        let scope = Scope {
            class,
            variable: Some(variable.to_owned()),
            printed: Some(printed.clone()),
        };
        self.scopes.push(scope);
        let condition = self.predicate(predicate);
        self.scopes.pop();
        Ok(Expression::Subquery {
            path: Box::new(bound),
            variable: printed,
            condition: Box::new(condition?),
        })
    }

    fn between(&mut self, value: &ast::Expression, range: &ast::List) -> Result<Condition> {
        let [low, high] = range.elements.as_slice() else {
            return Err(QueryError::InvalidQuery(
                "Operator 'BETWEEN' requires list with 2 elements.".into(),
            ));
        };
        if is_constant(value) {
            return Err(QueryError::InvalidQuery(
                "Cannot compare two constants".into(),
            ));
        }
        if let ast::Expression::Path(path) = value
            && matches!(path.elements.first(), Some(ast::PathElement::KeyPath(_)))
        {
            return Err(QueryError::InvalidQuery(
                "Key path argument cannot be mixed with other elements".into(),
            ));
        }
        let mut bound = self.expression(value, None)?;
        if let (Expression::Path(bound), ast::Expression::Path(written)) = (&mut bound, value) {
            blank_names(bound, written);
        }
        if let Expression::Path(path) = &bound {
            let stored =
                matches!(&path.end, End::Field { .. }) && path.post.is_none() && path.is_list();
            let primitive = stored && path.is_primitive_list();
            if primitive && path.quantifier != Some(Quantifier::All) {
                return Err(QueryError::InvalidQuery(
                    "Only 'ALL' supported for operator 'BETWEEN' when applied to lists.".into(),
                ));
            }
            if let Some(column) = path.direct().and(Some(path.data_type))
                && matches!(
                    column,
                    DataType::Column(ColumnType::Int | ColumnType::Timestamp)
                )
            {
                return self.between_direct(path, low, high);
            }
        }
        let low = self.scalar(low, bound.data_type())?;
        let high = self.scalar(high, bound.data_type())?;
        let part = |operator, value| {
            Comparison::new(operator, bound.clone(), Expression::Constant { value })
        };
        Ok(Condition::And(vec![
            self.check_comparison(part(Operator::GreaterEqual, low))?,
            self.check_comparison(part(Operator::LessEqual, high))?,
        ]))
    }

    fn between_direct(
        &mut self,
        path: &PathExpression,
        low: &ast::Constant,
        high: &ast::Constant,
    ) -> Result<Condition> {
        let low = self.scalar(low, Some(path.data_type))?;
        let high = self.scalar(high, Some(path.data_type))?;
        if low.is_null() || high.is_null() {
            return Err(QueryError::InvalidArgument(
                "'from' or 'to' must not be null".into(),
            ));
        }
        for bound in [&low, &high] {
            check_types(Some(path.data_type), type_of(bound))?;
        }
        Ok(Condition::Between {
            path: path.clone(),
            low,
            high,
        })
    }
}

/// The original reads the path of BETWEEN twice, and names below a mixed value are gone the second time;
/// both reads then see an empty name.
fn blank_names(path: &mut PathExpression, written: &ast::Path) {
    let End::Field {
        indexes,
        column_type: ColumnType::Mixed,
        ..
    } = &mut path.end
    else {
        return;
    };
    let first = written.elements.len() - indexes.len().min(written.elements.len());
    let mut text = path.name.clone();
    for (index, element) in indexes.iter_mut().zip(written.elements.iter().skip(first)) {
        if matches!(element, ast::PathElement::Name(_)) && matches!(index, Index::Key(_)) {
            *index = Index::Key(Vec::new());
        }
    }
    if let Some(at) = path.text.rfind(&text) {
        path.text
            .get(..at + text.len())
            .unwrap_or("")
            .clone_into(&mut text);
        for index in indexes.iter() {
            text.push_str(&crate::bind_path::index_print(index));
        }
        path.text = text;
    }
}

/// Whether an expression holds no property: such a side takes the type of the other one.
fn is_constant(expression: &ast::Expression) -> bool {
    match expression {
        ast::Expression::Constant(_) | ast::Expression::List(_) => true,
        ast::Expression::Arithmetic { left, right, .. } => is_constant(left) && is_constant(right),
        _ => false,
    }
}

/// The mask that `@type` of a property gives if its type is known.
fn constant_type(path: &PathExpression) -> Option<u32> {
    if path.post != Some(PostOperation::Type) {
        return None;
    }
    match &path.end {
        End::Objects => Some(types::mask_of_column(ColumnType::Link)),
        End::Field {
            column_type,
            collection: CollectionKind::Single,
            indexes,
            ..
        } if *column_type != ColumnType::Mixed && indexes.is_empty() => {
            Some(types::mask_of_column(*column_type))
        }
        _ => None,
    }
}

fn check_subquery_path(path: &PathExpression) -> Result<()> {
    let last_is_list = path.steps.last().is_some_and(|step| match step {
        Step::Link {
            collection, index, ..
        } => *collection == CollectionKind::List && index.is_none(),
        Step::Backlinks { .. } => true,
    });
    match &path.end {
        End::Objects if last_is_list => Ok(()),
        End::Field { collection, .. } if *collection != CollectionKind::Single => {
            Err(QueryError::InvalidQuery(format!(
                "A subquery can not operate on a list of primitive values (property '{}')",
                path.text
            )))
        }
        _ => Err(QueryError::InvalidQuery(format!(
            "A subquery must operate on a list property, but '{}' is type '{}'",
            path.text,
            path.data_type.name()
        ))),
    }
}
