//! A query tied to a schema: names are places, literals have the type they are compared with.

use tidemark_changeset::{CollectionKind, ColumnType};

use crate::ast::{Aggregate, ArithmeticOperator, Operator, Quantifier};
use crate::catalog::Place;
use crate::compare::{Owned, Test};
use crate::full_text::Search;
use crate::geo::Within;
use crate::text::Needle;

/// The type of an expression, for checks and conversions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataType {
    Column(ColumnType),
    /// A link that names its class: what `obj(…)` gives.
    TypedLink,
    /// What `@type` gives.
    TypeOfValue,
}

impl DataType {
    pub(crate) const INT: Self = Self::Column(ColumnType::Int);
    pub(crate) const DOUBLE: Self = Self::Column(ColumnType::Double);
    pub(crate) const DECIMAL: Self = Self::Column(ColumnType::Decimal);
    pub(crate) const STRING: Self = Self::Column(ColumnType::String);
    pub(crate) const MIXED: Self = Self::Column(ColumnType::Mixed);
    pub(crate) const LINK: Self = Self::Column(ColumnType::Link);

    pub(crate) fn is_numeric(self) -> bool {
        matches!(
            self,
            Self::Column(
                ColumnType::Int | ColumnType::Float | ColumnType::Double | ColumnType::Decimal
            )
        )
    }

    /// The name in error texts.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TypedLink => "typedLink",
            Self::TypeOfValue => "@type",
            Self::Column(column) => match column {
                ColumnType::Mixed => "mixed",
                ColumnType::Int => "int",
                ColumnType::Bool => "bool",
                ColumnType::String => "string",
                ColumnType::Binary => "binary",
                ColumnType::Timestamp => "timestamp",
                ColumnType::Float => "float",
                ColumnType::Double => "double",
                ColumnType::Decimal => "decimal128",
                ColumnType::Link => "link",
                ColumnType::ObjectId => "objectId",
                ColumnType::Uuid => "uuid",
                _ => "unknown",
            },
        }
    }
}

/// A condition on one row.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    True,
    False,
    And(Vec<Condition>),
    Or(Vec<Condition>),
    /// An OR that prints nested to the left.
    Nested(Vec<Condition>),
    Not(Box<Condition>),
    Compare(Box<Comparison>),
    /// A scalar property of the class among constants; sorted in database order.
    OneOf {
        path: PathExpression,
        elements: Vec<Owned>,
    },
    /// Words of a text.
    Text {
        path: PathExpression,
        search: Search,
        /// The words as they were given.
        words: Vec<u8>,
    },
    /// Points within a shape.
    GeoWithin {
        path: PathExpression,
        within: Box<Within>,
    },
    /// An int or date property of the class between two constants.
    Between {
        path: PathExpression,
        low: Owned,
        high: Owned,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    pub(crate) operator: Operator,
    pub(crate) case_sensitive: bool,
    pub(crate) left: Expression,
    pub(crate) right: Expression,
    pub(crate) plan: Plan,
    /// The constant on the right, if it is text that is looked for.
    pub(crate) needle: Option<Needle>,
    /// Whether both sides are `@type` masks.
    pub(crate) types: bool,
    /// Whether one side is a link under a dictionary's key and the other a link of a property: the original
    /// never finds those equal, unless both are null.
    pub(crate) unlike_links: bool,
}

/// How a comparison is evaluated.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    /// Both sides are evaluated to values first.
    General,
    /// The left side is a scalar property of the row itself and the right side a constant.
    Direct {
        place: Place,
        /// Float and double columns compare by IEEE rules against their own type.
        ieee: bool,
        /// The property is mixed, which shows in how the constant is printed.
        mixed: bool,
        /// The original prints the null of a list of floats as NaN.
        null_as_nan: bool,
    },
}

#[derive(Clone, Debug)]
pub(crate) enum Expression {
    Constant {
        value: Owned,
    },
    List {
        quantifier: Option<Quantifier>,
        elements: Vec<Owned>,
        /// The list came as an argument, unchecked.
        argument: bool,
    },
    Path(Box<PathExpression>),
    Aggregate(Box<AggregateExpression>),
    Subquery {
        path: Box<PathExpression>,
        variable: String,
        condition: Box<Condition>,
    },
    Arithmetic {
        operator: ArithmeticOperator,
        left: Box<Expression>,
        right: Box<Expression>,
        data_type: Option<DataType>,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct AggregateExpression {
    pub(crate) path: PathExpression,
    pub(crate) operation: Aggregate,
    /// The property of the targets, for aggregates over links.
    pub(crate) property: Option<(Place, String)>,
    pub(crate) source: ColumnType,
    pub(crate) data_type: DataType,
}

/// A way from the row to values.
#[derive(Clone, Debug)]
pub(crate) struct PathExpression {
    pub(crate) quantifier: Option<Quantifier>,
    pub(crate) steps: Vec<Step>,
    pub(crate) end: End,
    pub(crate) post: Option<PostOperation>,
    /// The canonical text, without quantifier and post operation.
    pub(crate) text: String,
    pub(crate) data_type: DataType,
    /// The class that holds the end, or that the links lead to.
    pub(crate) class: String,
    /// Name of the last property.
    pub(crate) name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PostOperation {
    Size,
    Type,
    /// `.length` on the elements of a collection.
    Length,
}

/// One link to follow.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Link {
        column: usize,
        collection: CollectionKind,
        index: Option<Index>,
    },
    Backlinks {
        class: String,
        property: String,
    },
}

impl Step {
    /// Whether the step leads to at most one object by its kind.
    pub(crate) fn is_single(&self) -> bool {
        matches!(
            self,
            Self::Link {
                collection: CollectionKind::Single,
                ..
            }
        )
    }
}

#[derive(Clone, Debug)]
pub(crate) enum End {
    /// The objects the steps lead to.
    Objects,
    /// `@links`: all incoming links.
    AllBacklinks,
    /// A property of the objects the steps lead to.
    Field {
        place: Place,
        collection: CollectionKind,
        column_type: ColumnType,
        indexes: Vec<Index>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Index {
    At(usize),
    First,
    Last,
    All,
    Key(Vec<u8>),
    Keys,
}

impl PathExpression {
    /// Whether every link on the way leads to at most one object.
    pub(crate) fn is_unary(&self) -> bool {
        self.steps.iter().all(Step::is_single)
    }

    /// Whether evaluation gives a list of values.
    pub(crate) fn is_list(&self) -> bool {
        if !self.counted_steps().iter().all(Step::is_single) {
            return true;
        }
        match &self.end {
            End::Field {
                collection,
                indexes,
                ..
            } => {
                !self.counts_container()
                    && (*collection != CollectionKind::Single || !indexes.is_empty())
            }
            _ => false,
        }
    }

    /// Whether `@size` counts the elements of the property rather than the bytes or elements of its values.
    pub(crate) fn counts_container(&self) -> bool {
        match &self.end {
            End::Field {
                collection,
                indexes,
                ..
            } => {
                self.post == Some(PostOperation::Size)
                    && match collection {
                        CollectionKind::Single => false,
                        // The original counts the dictionary even where a key is named.
                        CollectionKind::Dictionary => true,
                        _ => matches!(indexes.as_slice(), [] | [Index::All]),
                    }
            }
            _ => false,
        }
    }

    /// Whether the end is the link under a dictionary's key.
    pub(crate) fn is_link_under_key(&self) -> bool {
        matches!(self.end, End::Objects)
            && matches!(
                self.steps.last(),
                Some(Step::Link {
                    index: Some(Index::Key(_)),
                    ..
                })
            )
    }

    /// Whether the values are the keys of a dictionary. An empty dictionary gives no such list at all,
    /// which no quantifier is true of.
    pub(crate) fn gives_keys(&self) -> bool {
        self.is_unary()
            && matches!(&self.end, End::Field { indexes, .. } if indexes.last() == Some(&Index::Keys))
    }

    /// The links whose targets each give a value: for `links.@count` not the last one.
    pub(crate) fn counted_steps(&self) -> &[Step] {
        match (&self.end, self.post) {
            (End::Objects, Some(PostOperation::Size)) => {
                self.steps.split_last().map_or(&[], |(_, before)| before)
            }
            _ => &self.steps,
        }
    }

    /// The place of a scalar property of the row itself, reached by no link and no index.
    pub(crate) fn direct(&self) -> Option<Place> {
        match &self.end {
            End::Field {
                place,
                collection: CollectionKind::Single,
                indexes,
                ..
            } if self.steps.is_empty() && indexes.is_empty() && self.post.is_none() => Some(*place),
            _ => None,
        }
    }
}

impl Expression {
    pub(crate) fn data_type(&self) -> Option<DataType> {
        match self {
            Self::Constant { value } => type_of(value),
            Self::List { .. } => None,
            Self::Path(path) => Some(path.data_type),
            Self::Aggregate(aggregate) => Some(aggregate.data_type),
            Self::Subquery { .. } => Some(DataType::INT),
            Self::Arithmetic { data_type, .. } => *data_type,
        }
    }

    pub(crate) fn quantifier(&self) -> Option<Quantifier> {
        match self {
            Self::List { quantifier, .. } => *quantifier,
            Self::Path(path) => path.quantifier,
            Self::Arithmetic { left, right, .. } => left.quantifier().or(right.quantifier()),
            _ => None,
        }
    }

    pub(crate) fn is_list(&self) -> bool {
        match self {
            Self::List { .. } => true,
            Self::Path(path) => path.is_list(),
            Self::Aggregate(aggregate) => aggregate.is_list(),
            Self::Arithmetic { left, right, .. } => left.is_list() || right.is_list(),
            _ => false,
        }
    }
}

impl AggregateExpression {
    /// Aggregates of collections give one value per object that holds one.
    pub(crate) fn is_list(&self) -> bool {
        self.property.is_none() && !self.path.is_unary()
    }
}

/// The type of a constant; null has none.
pub(crate) fn type_of(value: &Owned) -> Option<DataType> {
    use tidemark_changeset::Value;
    let value = match value {
        Owned::Value(value) => value,
        Owned::Types(_) => return Some(DataType::TypeOfValue),
        Owned::Collection(_) => return Some(DataType::MIXED),
    };
    let column = match value {
        Value::Null => return None,
        Value::Int(_) => ColumnType::Int,
        Value::Bool(_) => ColumnType::Bool,
        Value::String(_) => ColumnType::String,
        Value::Binary(_) => ColumnType::Binary,
        Value::Timestamp(_) => ColumnType::Timestamp,
        Value::Float(_) => ColumnType::Float,
        Value::Double(_) => ColumnType::Double,
        Value::Decimal(_) => ColumnType::Decimal,
        Value::Link(_) => return Some(DataType::TypedLink),
        Value::ObjectId(_) => ColumnType::ObjectId,
        Value::Uuid(_) => ColumnType::Uuid,
    };
    Some(DataType::Column(column))
}

impl PathExpression {
    /// Whether the path ends in a stored collection of values that are no links.
    pub(crate) fn is_primitive_list(&self) -> bool {
        self.post.is_none()
            && matches!(&self.end, End::Field { collection, indexes, .. }
                if *collection != CollectionKind::Single
                    && indexes.last() != Some(&Index::Keys))
    }
}

impl AggregateExpression {
    /// The operation as queries write it.
    pub(crate) fn operation_text(&self) -> &'static str {
        match self.operation {
            Aggregate::Min => ".@min",
            Aggregate::Max => ".@max",
            Aggregate::Sum => ".@sum",
            Aggregate::Average => ".@avg",
        }
    }
}

impl Comparison {
    /// How a pair of values is compared.
    pub(crate) fn test(&self) -> Test<'_> {
        Test {
            operator: self.operator,
            case_sensitive: self.case_sensitive,
            needle: self.needle.as_ref(),
        }
    }

    /// A comparison that respects case, not yet planned.
    pub(crate) fn new(operator: Operator, left: Expression, right: Expression) -> Self {
        Self {
            operator,
            case_sensitive: true,
            left,
            right,
            plan: Plan::General,
            needle: None,
            types: false,
            unlike_links: false,
        }
    }
}
