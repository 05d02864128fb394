//! Conditions on plain properties of the row itself, decided on its packed bytes.
//!
//! What is asked most (a number, a date, a truth value or a text against a constant, and AND, OR and NOT of
//! those) builds no values here. Whatever is not of the expected type is judged by the very function that the
//! general evaluation asks, and what cannot be judged here at all is left to that evaluation, row by row.

use std::cmp::Ordering;

use tidemark_changeset::packed::{
    Packed, RowView, is_null, read_all, read_binary, read_bool, read_double, read_float, read_int,
    read_string, read_timestamp, write_value,
};
use tidemark_changeset::{Timestamp, Value};

use crate::arithmetic;
use crate::ast::{ArithmeticOperator, Operator};
use crate::bound::{Comparison, Condition, DataType, Expression, PathExpression, Plan};
use crate::catalog::Place;
use crate::compare::{Owned, Test, order};
use crate::evaluate::{direct_holds, is_simple, pair};
use crate::row::Scalar;
use crate::steps::Steps;
use crate::text::Needle;

/// An object as it is stored.
#[derive(Clone, Copy, Debug)]
pub struct PackedRow<'a> {
    /// The packed primary key.
    pub key: &'a [u8],
    /// The columns.
    pub columns: RowView<'a>,
}

impl<'a> PackedRow<'a> {
    /// The packed value at a place; `None` if the row is older than the column, or damaged.
    #[inline]
    pub(crate) fn bytes(&self, place: Place) -> Option<&'a [u8]> {
        match place {
            Place::Key => Some(self.key),
            Place::Column(column) => self.columns.column_bytes(column).ok().flatten(),
        }
    }
}

/// A packed value, if it is a plain one: links are asked whether they lead anywhere, which is not done here.
fn plain(bytes: &[u8]) -> Option<Scalar<'_>> {
    Some(match read_all(bytes).ok()? {
        Packed::Null => Scalar::Null,
        Packed::Int(value) => Scalar::Int(value),
        Packed::Bool(value) => Scalar::Bool(value),
        Packed::String(text) => Scalar::String(text),
        Packed::Binary(bytes) => Scalar::Binary(bytes),
        Packed::Timestamp(time) => Scalar::Timestamp(time),
        Packed::Float(value) => Scalar::Float(value),
        Packed::Double(value) => Scalar::Double(value),
        Packed::Decimal(value) => Scalar::Decimal(value),
        Packed::ObjectId(id) => Scalar::ObjectId(id),
        Packed::Uuid(id) => Scalar::Uuid(id),
        _ => return None,
    })
}

/// Judges rows without the general evaluation, where it can. Made by [`crate::Query::direct`].
#[derive(Debug)]
pub struct Direct<'q> {
    root: Node<'q>,
    steps: Steps,
}

impl<'q> Direct<'q> {
    /// `None` if it could judge no row.
    pub(crate) fn new(condition: &'q Condition) -> Option<Self> {
        let root = Node::new(condition);
        let first = match &root {
            Node::And(parts) | Node::Or(parts) => parts.first(),
            other => Some(other),
        };
        (!matches!(first, Some(Node::Unknown))).then(|| Self {
            root,
            steps: Steps::unlimited(),
        })
    }

    /// Whether the row satisfies the predicate; `None` if [`crate::Query::matches`] has to be asked.
    #[inline]
    pub fn holds(&self, row: &PackedRow<'_>) -> Option<bool> {
        self.root.holds(row, &self.steps)
    }
}

#[derive(Debug)]
enum Node<'q> {
    Always(bool),
    And(Vec<Node<'q>>),
    Or(Vec<Node<'q>>),
    Not(Box<Node<'q>>),
    Leaf(Leaf<'q>),
    /// Properties and constants that are calculated with.
    Simple(&'q Comparison),
    /// Left to the general evaluation.
    Unknown,
}

impl<'q> Node<'q> {
    fn new(condition: &'q Condition) -> Self {
        match condition {
            Condition::True => Self::Always(true),
            Condition::False => Self::Always(false),
            Condition::And(parts) => Self::And(conjunction(parts)),
            Condition::Or(parts) | Condition::Nested(parts) => {
                Self::Or(parts.iter().map(Self::new).collect())
            }
            Condition::Not(inner) => Self::Not(Box::new(Self::new(inner))),
            Condition::Compare(comparison) => Self::comparison(comparison),
            Condition::OneOf { path, elements } => {
                Self::of_path(path, Rule::OneOf(elements), fast_membership(elements))
            }
            Condition::Between { path, low, high } => {
                Self::of_path(path, Rule::Between(low, high), fast_between(low, high))
            }
            // Words and shapes have their own cost beside which that of values is small.
            Condition::Text { .. } | Condition::GeoWithin { .. } => Self::Unknown,
        }
    }

    fn comparison(comparison: &'q Comparison) -> Self {
        if comparison.types || comparison.unlike_links {
            return Self::Unknown;
        }
        match (&comparison.plan, &comparison.left, &comparison.right) {
            (Plan::Direct { ieee, .. }, Expression::Path(path), Expression::Constant { value }) => {
                let rule = Rule::Compare(comparison, value, *ieee);
                Self::of_path(path, rule, fast_comparison(comparison, value, *ieee))
            }
            // Asked as values of a list.
            (_, Expression::Path(_), Expression::Constant { .. }) => Self::Unknown,
            (_, left, right) if is_simple(left) && is_simple(right) => Self::Simple(comparison),
            _ => Self::Unknown,
        }
    }

    fn of_path(path: &PathExpression, rule: Rule<'q>, fast: Fast<'q>) -> Self {
        let Some(place) = path.direct() else {
            return Self::Unknown;
        };
        let Some(null) = rule.holds(&Scalar::Null, &Steps::unlimited()) else {
            return Self::Unknown;
        };
        Self::Leaf(Leaf {
            place,
            null,
            is_int: path.data_type == DataType::INT,
            fast,
            rule: Some(rule),
        })
    }

    #[inline]
    fn holds(&self, row: &PackedRow<'_>, steps: &Steps) -> Option<bool> {
        match self {
            Self::Leaf(leaf) => leaf.holds(row, steps),
            Self::And(parts) => {
                for part in parts {
                    if !part.holds(row, steps)? {
                        return Some(false);
                    }
                }
                Some(true)
            }
            Self::Or(parts) => {
                for part in parts {
                    if part.holds(row, steps)? {
                        return Some(true);
                    }
                }
                Some(false)
            }
            Self::Not(inner) => inner.holds(row, steps).map(|holds| !holds),
            Self::Always(holds) => Some(*holds),
            Self::Simple(comparison) => {
                let left = simple(&comparison.left, row)?;
                let right = simple(&comparison.right, row)?;
                pair(comparison, &left, &right, steps).ok()
            }
            Self::Unknown => None,
        }
    }
}

/// The parts of an AND; several ranges of one property of integers in a row are one.
fn conjunction(parts: &[Condition]) -> Vec<Node<'_>> {
    let mut nodes: Vec<Node<'_>> = Vec::with_capacity(parts.len());
    for node in parts.iter().map(Node::new) {
        if let (Some(Node::Leaf(before)), Node::Leaf(leaf)) = (nodes.last_mut(), &node)
            && before.narrow(leaf)
        {
            continue;
        }
        nodes.push(node);
    }
    nodes
}

/// A condition on one property.
#[derive(Debug)]
struct Leaf<'q> {
    place: Place,
    /// What it says of null.
    null: bool,
    /// Whether the property holds integers or null alone.
    is_int: bool,
    fast: Fast<'q>,
    /// `None`: what the fast way does not know is left to the general evaluation.
    rule: Option<Rule<'q>>,
}

impl Leaf<'_> {
    #[inline]
    fn holds(&self, row: &PackedRow<'_>, steps: &Steps) -> Option<bool> {
        let bytes = row.bytes(self.place)?;
        match self.fast.holds(bytes, steps) {
            Some(holds) => Some(holds),
            None if is_null(bytes) => Some(self.null),
            None => self.rule.as_ref()?.holds(&plain(bytes)?, steps),
        }
    }

    /// Takes another range of the same integers in; `false` if that is not what they are.
    fn narrow(&mut self, other: &Leaf<'_>) -> bool {
        let (
            Fast::Ints {
                low,
                high,
                is_inside: true,
            },
            Fast::Ints {
                low: from,
                high: to,
                is_inside: true,
            },
        ) = (&mut self.fast, &other.fast)
        else {
            return false;
        };
        if self.place != other.place || !self.is_int {
            return false;
        }
        *low = (*low).max(*from);
        *high = (*high).min(*to);
        self.null &= other.null;
        self.rule = None;
        true
    }
}

/// What the general evaluation asks of one value.
#[derive(Debug)]
enum Rule<'q> {
    Compare(&'q Comparison, &'q Owned, bool),
    OneOf(&'q [Owned]),
    Between(&'q Owned, &'q Owned),
}

impl Rule<'_> {
    fn holds(&self, value: &Scalar<'_>, steps: &Steps) -> Option<bool> {
        match self {
            Self::Compare(comparison, constant, ieee) => {
                direct_holds(comparison, value, &constant.view(), *ieee, steps).ok()
            }
            Self::OneOf(elements) => {
                let found = elements.binary_search_by(|element| order(&element.view(), value));
                Some(found.is_ok())
            }
            Self::Between(low, high) => {
                let holds = |operator, bound: &Owned| {
                    Test::of(operator).holds(value, &bound.view(), steps).ok()
                };
                let is_above = holds(Operator::GreaterEqual, low)?;
                Some(is_above && holds(Operator::LessEqual, high)?)
            }
        }
    }
}

/// What is decided on the bytes of a value of one type.
#[derive(Debug)]
enum Fast<'q> {
    Nothing,
    /// Whether an integer lies between two, or not. From above to shows that none does.
    Ints {
        low: i64,
        high: i64,
        is_inside: bool,
    },
    OneOfInts(Vec<i64>),
    Bool {
        value: bool,
        is_equal: bool,
    },
    Times {
        low: Timestamp,
        high: Timestamp,
        is_inside: bool,
    },
    Doubles(Operator, f64),
    Floats(Operator, f64),
    /// A value that is the same byte for byte.
    Exactly {
        packed: Vec<u8>,
        is_equal: bool,
    },
    TextEquals {
        text: &'q [u8],
        is_equal: bool,
    },
    TextStands(Operator, &'q [u8]),
    Text(&'q Needle),
    Binary(&'q Needle),
}

impl Fast<'_> {
    #[inline]
    fn holds(&self, bytes: &[u8], steps: &Steps) -> Option<bool> {
        Some(match self {
            Self::Nothing => return None,
            Self::Ints {
                low,
                high,
                is_inside,
            } => {
                let value = read_int(bytes)?;
                (*low <= value && value <= *high) == *is_inside
            }
            Self::OneOfInts(values) => values.binary_search(&read_int(bytes)?).is_ok(),
            Self::Bool { value, is_equal } => (read_bool(bytes)? == *value) == *is_equal,
            Self::Times {
                low,
                high,
                is_inside,
            } => {
                let value = read_timestamp(bytes)?;
                (*low <= value && value <= *high) == *is_inside
            }
            Self::Doubles(operator, value) => stands(*operator, read_double(bytes)?, *value),
            Self::Floats(operator, value) => {
                stands(*operator, f64::from(read_float(bytes)?), *value)
            }
            Self::Exactly { packed, is_equal } => {
                let is_like = bytes.len() == packed.len() && bytes.first() == packed.first();
                if !is_like {
                    return None;
                }
                (bytes == packed.as_slice()) == *is_equal
            }
            Self::TextEquals { text, is_equal } => (read_string(bytes)? == *text) == *is_equal,
            Self::TextStands(operator, text) => {
                ordered_so(*operator, read_string(bytes)?.cmp(*text))
            }
            Self::Text(needle) => return needle.holds(read_string(bytes)?, steps).ok(),
            Self::Binary(needle) => return needle.holds(read_binary(bytes)?, steps).ok(),
        })
    }
}

#[inline]
fn stands(operator: Operator, left: f64, right: f64) -> bool {
    left.partial_cmp(&right)
        .map_or(operator == Operator::NotEqual, |ordering| {
            ordered_so(operator, ordering)
        })
}

#[inline]
fn ordered_so(operator: Operator, ordering: Ordering) -> bool {
    match operator {
        Operator::Equal | Operator::In => ordering.is_eq(),
        Operator::NotEqual => ordering.is_ne(),
        Operator::Less => ordering.is_lt(),
        Operator::LessEqual => ordering.is_le(),
        Operator::Greater => ordering.is_gt(),
        Operator::GreaterEqual => ordering.is_ge(),
        _ => false,
    }
}

fn is_ordering(operator: Operator) -> bool {
    ordered_so(operator, Ordering::Less)
        || ordered_so(operator, Ordering::Equal)
        || ordered_so(operator, Ordering::Greater)
}

fn fast_comparison<'q>(comparison: &'q Comparison, constant: &'q Owned, ieee: bool) -> Fast<'q> {
    let operator = comparison.operator;
    let is_equal = matches!(operator, Operator::Equal | Operator::In);
    let is_equality = is_equal || operator == Operator::NotEqual;
    let Owned::Value(constant) = constant else {
        return Fast::Nothing;
    };
    if let Some(needle) = &comparison.needle {
        return match constant {
            Value::String(_) => Fast::Text(needle),
            Value::Binary(_) => Fast::Binary(needle),
            _ => Fast::Nothing,
        };
    }
    if !is_ordering(operator) {
        return Fast::Nothing;
    }
    match constant {
        Value::Int(value) => fast_ints(operator, *value),
        Value::Timestamp(value) => fast_times(operator, *value),
        Value::Double(value) if ieee => Fast::Doubles(operator, *value),
        Value::Float(value) if ieee => Fast::Floats(operator, f64::from(*value)),
        Value::Bool(value) if is_equality => Fast::Bool {
            value: *value,
            is_equal,
        },
        Value::String(_) if !comparison.case_sensitive => Fast::Nothing,
        Value::String(text) if is_equality => Fast::TextEquals {
            text: text.as_bytes(),
            is_equal,
        },
        Value::String(text) => Fast::TextStands(operator, text.as_bytes()),
        Value::ObjectId(_) | Value::Uuid(_) if is_equality => {
            let mut packed = Vec::new();
            write_value(&mut packed, constant);
            Fast::Exactly { packed, is_equal }
        }
        _ => Fast::Nothing,
    }
}

fn fast_ints(operator: Operator, value: i64) -> Fast<'static> {
    let (low, high) = match operator {
        Operator::Less => match value.checked_sub(1) {
            Some(high) => (i64::MIN, high),
            None => (i64::MAX, i64::MIN),
        },
        Operator::Greater => match value.checked_add(1) {
            Some(low) => (low, i64::MAX),
            None => (i64::MAX, i64::MIN),
        },
        Operator::LessEqual => (i64::MIN, value),
        Operator::GreaterEqual => (value, i64::MAX),
        _ => (value, value),
    };
    Fast::Ints {
        low,
        high,
        is_inside: operator != Operator::NotEqual,
    }
}

const FIRST: Timestamp = Timestamp {
    seconds: i64::MIN,
    nanoseconds: i32::MIN,
};
const LAST: Timestamp = Timestamp {
    seconds: i64::MAX,
    nanoseconds: i32::MAX,
};

fn fast_times(operator: Operator, value: Timestamp) -> Fast<'static> {
    // What is not less is between the value and the last one.
    let (low, high, is_inside) = match operator {
        Operator::Less => (value, LAST, false),
        Operator::Greater => (FIRST, value, false),
        Operator::LessEqual => (FIRST, value, true),
        Operator::GreaterEqual => (value, LAST, true),
        _ => (value, value, operator != Operator::NotEqual),
    };
    Fast::Times {
        low,
        high,
        is_inside,
    }
}

fn fast_between(low: &Owned, high: &Owned) -> Fast<'static> {
    match (low, high) {
        (Owned::Value(Value::Int(low)), Owned::Value(Value::Int(high))) => Fast::Ints {
            low: *low,
            high: *high,
            is_inside: true,
        },
        (Owned::Value(Value::Timestamp(low)), Owned::Value(Value::Timestamp(high))) => {
            Fast::Times {
                low: *low,
                high: *high,
                is_inside: true,
            }
        }
        _ => Fast::Nothing,
    }
}

fn fast_membership(elements: &[Owned]) -> Fast<'static> {
    let mut ints = Vec::with_capacity(elements.len());
    for element in elements {
        match element {
            Owned::Value(Value::Int(value)) => ints.push(*value),
            Owned::Value(Value::Null) => {}
            _ => return Fast::Nothing,
        }
    }
    Fast::OneOfInts(ints)
}

/// The one value of an expression of properties and constants.
fn simple<'v>(expression: &'v Expression, row: &PackedRow<'v>) -> Option<Scalar<'v>> {
    match expression {
        Expression::Constant { value } => Some(value.view()),
        Expression::Path(path) => {
            let bytes = row.bytes(path.direct()?)?;
            read_int(bytes).map(Scalar::Int).or_else(|| plain(bytes))
        }
        Expression::Arithmetic {
            operator,
            left,
            right,
            ..
        } => calculated(*operator, &simple(left, row)?, &simple(right, row)?),
        _ => None,
    }
}

/// What comes of two values; a number, or null.
fn calculated(
    operator: ArithmeticOperator,
    left: &Scalar<'_>,
    right: &Scalar<'_>,
) -> Option<Scalar<'static>> {
    Some(match arithmetic::apply(operator, left, right) {
        Value::Null => Scalar::Null,
        Value::Int(value) => Scalar::Int(value),
        Value::Float(value) => Scalar::Float(value),
        Value::Double(value) => Scalar::Double(value),
        Value::Decimal(value) => Scalar::Decimal(value),
        _ => return None,
    })
}
