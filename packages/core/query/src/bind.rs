//! Tying a parsed query to a schema: names, types, constants, and the choice of how to evaluate.

use std::collections::BTreeSet;

use tidemark_changeset::{ColumnType, Value};

use crate::argument::Argument;
use crate::ast::{self, Ast, Operator, Predicate, Quantifier};
use crate::bind_constant::types_compare;
use crate::bound::{
    AggregateExpression, Comparison, Condition, DataType, End, Expression, PathExpression, Plan,
};
use crate::catalog::Catalog;
use crate::compare::{Folded, Owned};
use crate::describe;
use crate::error::{QueryError, Result};
use crate::limits::ARGUMENTS_MAX;
use crate::query::Query;
use crate::row::Scalar;

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
            Predicate::GeoWithin { .. } => Err(QueryError::Unsupported(
                "GEOWITHIN is not supported by this engine".into(),
            )),
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
        if operator == Operator::Text {
            return Err(QueryError::Unsupported(
                "TEXT is not supported by this engine".into(),
            ));
        }
        let (left, right) = self.sides(left, right)?;
        let comparison = Comparison {
            operator,
            case_sensitive,
            left,
            right,
            plan: Plan::General,
            types: false,
        };
        self.check_comparison(comparison)
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
            (true, false) => {
                let right = self.expression(right, None)?;
                let left = self.expression(left, right.data_type())?;
                Ok((left, right))
            }
            (false, true) => {
                let left = self.expression(left, None)?;
                let right = self.expression(right, left.data_type())?;
                Ok((left, right))
            }
            (false, false) => {
                let right = self.expression(right, None)?;
                let left = self.expression(left, right.data_type())?;
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
                Ok(constant_type(path).unwrap_or_else(|path| Expression::Path(Box::new(path))))
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
                Expression::List { elements: inner, .. } => elements.extend(inner.into_iter().take(1)),
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
                "The subquery variable '{variable}' is invalid. The variable must start with '$' and cannot be \
                 empty; for example '$x'."
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
                "Unable to create a subquery expression with variable '{variable}' since an identical variable \
                 already exists in this context"
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
        let part = |operator, constant| Comparison {
            operator,
            case_sensitive: true,
            left: bound.clone(),
            right: Expression::Constant { value: constant },
            plan: Plan::General,
            types: false,
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
            self.check_types(Some(path.data_type), crate::bound::type_of(bound))?;
        }
        Ok(Condition::Between {
            path: path.clone(),
            low,
            high,
        })
    }

    pub(crate) fn check_types(
        &self,
        left: Option<DataType>,
        right: Option<DataType>,
    ) -> Result<()> {
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

    /// The rules of which operands an operator takes, then the plan.
    fn check_comparison(&self, mut comparison: Comparison) -> Result<Condition> {
        let (left_type, right_type) = (comparison.left.data_type(), comparison.right.data_type());
        if comparison.operator == Operator::In && !comparison.right.is_list() {
            return Err(QueryError::InvalidQueryArg(format!(
                "The keypath following 'IN' must contain a list. Found '{}'",
                describe::expression_text(&comparison.right, describe::Form::Typed)
            )));
        }
        if left_type == Some(DataType::TypeOfValue) || right_type == Some(DataType::TypeOfValue) {
            return self.compare_types(comparison);
        }
        if !is_text_operator(comparison.operator) {
            self.check_operand_types(&comparison, left_type, right_type)?;
        }
        if is_text_operator(comparison.operator) || !comparison.case_sensitive {
            check_text_operands(&mut comparison, left_type, right_type)?;
        }
        check_list_to_list(&comparison)?;
        self.plan(comparison)
    }

    fn check_operand_types(
        &self,
        comparison: &Comparison,
        left: Option<DataType>,
        right: Option<DataType>,
    ) -> Result<()> {
        let is_link = |data_type| matches!(data_type, Some(DataType::LINK | DataType::TypedLink));
        let equality = matches!(
            comparison.operator,
            Operator::Equal | Operator::NotEqual | Operator::In
        );
        if !equality && (left == Some(DataType::LINK) || right == Some(DataType::LINK)) {
            return Err(QueryError::InvalidQuery(format!(
                "Unsupported operator {} in query. Only equal (==) and not equal (!=) are supported for this type.",
                describe::operator_text(comparison.operator)
            )));
        }
        if is_link(left) && is_link(right) {
            check_link_classes(comparison)?;
        }
        for (path, other) in [
            (&comparison.left, &comparison.right),
            (&comparison.right, &comparison.left),
        ] {
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
        self.check_types(left, right)
    }

    /// Chooses how to evaluate, and turns memberships of scalar properties into their own conditions.
    fn plan(&self, mut comparison: Comparison) -> Result<Condition> {
        let Expression::Path(path) = &comparison.left else {
            return Ok(Condition::Compare(Box::new(comparison)));
        };
        let Some(place) = path.direct() else {
            return Ok(Condition::Compare(Box::new(comparison)));
        };
        let DataType::Column(column_type) = path.data_type else {
            return Ok(Condition::Compare(Box::new(comparison)));
        };
        match &comparison.right {
            Expression::Constant { value } => {
                let found = crate::bound::type_of(value);
                let same = found == Some(path.data_type) || found.is_none();
                let direct = same
                    || column_type == ColumnType::Mixed
                    || is_text_operator(comparison.operator);
                if !direct {
                    return Ok(Condition::Compare(Box::new(comparison)));
                }
                let ieee = found == Some(path.data_type)
                    && matches!(column_type, ColumnType::Float | ColumnType::Double);
                let folded = match value.view() {
                    Scalar::String(text) | Scalar::Binary(text) if !comparison.case_sensitive => {
                        Some(Folded::new(text))
                    }
                    _ => None,
                };
                shift_int(&mut comparison, column_type);
                let mixed = column_type == ColumnType::Mixed;
                comparison.plan = Plan::Direct {
                    place,
                    ieee,
                    folded,
                    mixed,
                    null_as_nan: false,
                };
                Ok(Condition::Compare(Box::new(comparison)))
            }
            Expression::List {
                quantifier: None | Some(Quantifier::Any),
                elements,
                ..
            } if matches!(comparison.operator, Operator::Equal | Operator::In)
                && !elements.is_empty() =>
            {
                self.membership(path, elements, column_type)
                    .map_or_else(|| Ok(Condition::Compare(Box::new(comparison.clone()))), Ok)
            }
            _ => Ok(Condition::Compare(Box::new(comparison))),
        }
    }

    /// `property IN {…}` for a scalar property of the class.
    fn membership(
        &self,
        path: &PathExpression,
        elements: &[Owned],
        column_type: ColumnType,
    ) -> Option<Condition> {
        let hint = path.data_type;
        let nullable = self.is_nullable(path);
        let fitting = |element: &Owned| match crate::bound::type_of(element) {
            None => true,
            found => found == Some(hint),
        };
        match column_type {
            ColumnType::Int | ColumnType::String | ColumnType::ObjectId | ColumnType::Uuid => {
                let keeps_null = nullable || column_type != ColumnType::Int;
                let mut kept: Vec<Owned> = elements
                    .iter()
                    .filter(|element| fitting(element) && (keeps_null || !element.is_null()))
                    .cloned()
                    .collect();
                kept.sort_by(|left, right| crate::compare::order(&left.view(), &right.view()));
                kept.dedup();
                Some(Condition::OneOf {
                    path: path.clone(),
                    elements: kept,
                })
            }
            ColumnType::Bool
            | ColumnType::Float
            | ColumnType::Double
            | ColumnType::Decimal
            | ColumnType::Timestamp
            | ColumnType::Binary => {
                let mut parts = Vec::new();
                for element in elements {
                    if !fitting(element) || (element.is_null() && !nullable) {
                        continue;
                    }
                    let comparison = Comparison {
                        operator: Operator::Equal,
                        case_sensitive: true,
                        left: Expression::Path(Box::new(path.clone())),
                        right: Expression::Constant {
                            value: element.clone(),
                        },
                        plan: Plan::General,
                        types: false,
                    };
                    let mut part = self.plan(comparison).ok()?;
                    if let Condition::Compare(comparison) = &mut part
                        && let Plan::Direct { null_as_nan, .. } = &mut comparison.plan
                    {
                        *null_as_nan =
                            matches!(column_type, ColumnType::Float | ColumnType::Double);
                    }
                    parts.push(part);
                }
                Some(match parts.len() {
                    0 => Condition::False,
                    1 => parts.remove(0),
                    _ => Condition::Or(parts),
                })
            }
            // One element of a mixed property's list is a constant like any other.
            ColumnType::Mixed => {
                let [element] = elements else { return None };
                let comparison = Comparison {
                    operator: Operator::Equal,
                    case_sensitive: true,
                    left: Expression::Path(Box::new(path.clone())),
                    right: Expression::Constant {
                        value: element.clone(),
                    },
                    plan: Plan::General,
                    types: false,
                };
                self.plan(comparison).ok()
            }
            _ => None,
        }
    }

    fn is_nullable(&self, path: &PathExpression) -> bool {
        self.catalog
            .property(&path.class, &path.name)
            .is_some_and(|property| property.nullable)
    }
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

/// The original reads the path of BETWEEN twice, and names below a mixed value are gone the second time; both
/// reads then see an empty name.
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
        if matches!(element, ast::PathElement::Name(_)) && matches!(index, crate::bound::Index::Key(_)) {
            *index = crate::bound::Index::Key(Vec::new());
        }
    }
    if let Some(at) = path.text.rfind(&text) {
        text = path.text.get(..at + text.len()).unwrap_or("").to_owned();
        for index in indexes.iter() {
            text.push_str(&crate::bind_path::index_print(index));
        }
        path.text = text;
    }
}

fn is_link_list(path: &PathExpression) -> bool {
    path.steps.last().is_some_and(|step| match step {
        crate::bound::Step::Link { collection, .. } => {
            matches!(
                collection,
                tidemark_changeset::CollectionKind::List | tidemark_changeset::CollectionKind::Set
            )
        }
        crate::bound::Step::Backlinks { .. } => true,
    })
}

/// Whether an expression holds no property: such a side takes the type of the other one.
fn is_constant(expression: &ast::Expression) -> bool {
    match expression {
        ast::Expression::Constant(_) | ast::Expression::List(_) => true,
        ast::Expression::Arithmetic { left, right, .. } => is_constant(left) && is_constant(right),
        _ => false,
    }
}

/// `@type` of a property whose type is known is a constant.
fn constant_type(path: PathExpression) -> std::result::Result<Expression, PathExpression> {
    match &path.end {
        End::Objects if path.post == Some(crate::bound::PostOperation::Type) => {
            let mask = crate::types::mask_of_column(ColumnType::Link);
            Ok(Expression::Constant {
                value: Owned::Types(mask),
            })
        }
        End::Field {
            column_type,
            collection,
            indexes,
            ..
        } if path.post == Some(crate::bound::PostOperation::Type)
            && *column_type != ColumnType::Mixed
            && *collection == tidemark_changeset::CollectionKind::Single
            && indexes.is_empty() =>
        {
            let mask = crate::types::mask_of_column(*column_type);
            Ok(Expression::Constant {
                value: Owned::Types(mask),
            })
        }
        _ => Err(path),
    }
}

fn check_subquery_path(path: &PathExpression) -> Result<()> {
    let last_is_list = path.steps.last().is_some_and(|step| match step {
        crate::bound::Step::Link {
            collection, index, ..
        } => *collection == tidemark_changeset::CollectionKind::List && index.is_none(),
        crate::bound::Step::Backlinks { .. } => true,
    });
    match &path.end {
        End::Objects if last_is_list => Ok(()),
        End::Field { collection, .. }
            if *collection != tidemark_changeset::CollectionKind::Single =>
        {
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

fn check_text_operands(
    comparison: &mut Comparison,
    left: Option<DataType>,
    right: Option<DataType>,
) -> Result<()> {
    let textual = |data_type: Option<DataType>| {
        matches!(
            data_type,
            Some(DataType::Column(
                ColumnType::String | ColumnType::Binary | ColumnType::Mixed
            ))
        )
    };
    let lists = matches!(comparison.right, Expression::List { .. });
    let null_needle = right.is_none()
        && matches!(
            left,
            Some(DataType::Column(ColumnType::String | ColumnType::Binary))
        );
    if right.is_none() && !lists && !is_text_operator(comparison.operator) {
        comparison.case_sensitive = true;
        return Ok(());
    }
    if textual(right) || lists || null_needle {
        return Ok(());
    }
    if !is_text_operator(comparison.operator) {
        comparison.case_sensitive = left != Some(DataType::MIXED);
        return Ok(());
    }
    Err(QueryError::InvalidQuery(format!(
        "Unsupported comparison operator '{}' against type '{}', right side must be a string or binary type",
        describe::operator_name(comparison.operator, comparison.case_sensitive),
        right.map_or("null", DataType::name)
    )))
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
fn check_link_classes(comparison: &Comparison) -> Result<()> {
    for (path, other) in [
        (&comparison.left, &comparison.right),
        (&comparison.right, &comparison.left),
    ] {
        let Expression::Path(path) = path else {
            continue;
        };
        let Expression::Constant {
            value: Owned::Value(Value::Link(link)),
        } = other
        else {
            continue;
        };
        if path.data_type == DataType::LINK && link.class.as_bytes() != path.class.as_bytes() {
            return Err(QueryError::InvalidQueryArg(format!(
                "The relationship '{}' which links to type '{}' cannot be compared to an argument of type '{}' with \
                 primary key '{}'",
                path.text,
                path.class,
                link.class,
                describe::key_text(crate::row::KeyView::from(&link.key))
            )));
        }
    }
    Ok(())
}

impl PathExpression {
    /// Whether the path ends in a stored collection of values that are no links.
    pub(crate) fn is_primitive_list(&self) -> bool {
        self.post.is_none()
            && matches!(&self.end, End::Field { collection, indexes, .. }
                if *collection != tidemark_changeset::CollectionKind::Single
                    && indexes.last() != Some(&crate::bound::Index::Keys))
    }
}

impl AggregateExpression {
    pub(crate) fn operation_text(&self) -> &'static str {
        match self.operation {
            ast::Aggregate::Min => ".@min",
            ast::Aggregate::Max => ".@max",
            ast::Aggregate::Sum => ".@sum",
            ast::Aggregate::Average => ".@avg",
        }
    }
}
