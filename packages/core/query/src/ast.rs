//! The tree of a query as it was written, before any schema is known.

/// A parsed query, not yet tied to a schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Ast {
    pub(crate) predicate: Predicate,
    pub(crate) descriptors: Vec<Descriptor>,
}

impl Ast {
    /// The conditions of which one has to hold: the parts of an OR that nothing is around, or the whole.
    pub fn alternatives(self) -> Vec<Self> {
        let alone = |predicate| Self {
            predicate,
            descriptors: Vec::new(),
        };
        match self.predicate {
            Predicate::Or(parts) if self.descriptors.is_empty() => {
                parts.into_iter().map(alone).collect()
            }
            _ => vec![self],
        }
    }

    /// The condition that one of these holds, at least one of them.
    pub fn any_of(alternatives: Vec<Self>) -> Self {
        let mut parts: Vec<Predicate> = alternatives.into_iter().map(|one| one.predicate).collect();
        let predicate = match parts.len() {
            0 => Predicate::False,
            1 => parts.remove(0),
            _ => Predicate::Or(parts),
        };
        Self {
            predicate,
            descriptors: Vec::new(),
        }
    }
}

/// A condition. Runs of AND and OR are flat, in the order the original evaluates and prints them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Predicate {
    True,
    False,
    And(Vec<Predicate>),
    Or(Vec<Predicate>),
    /// A run of ORs below a NOT, which the original leaves nested to the left and prints so.
    Nested(Vec<Predicate>),
    Not(Box<Predicate>),
    Compare {
        operator: Operator,
        case_sensitive: bool,
        left: Expression,
        right: Expression,
    },
    Between {
        value: Expression,
        range: List,
    },
    GeoWithin {
        path: Path,
        shape: Geo,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    BeginsWith,
    EndsWith,
    Contains,
    Like,
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantifier {
    Any,
    All,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArithmeticOperator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    Constant(Constant),
    List(List),
    Path(Path),
    Aggregate {
        path: Path,
        operation: Aggregate,
        property: Option<String>,
    },
    Subquery {
        path: Path,
        variable: String,
        predicate: Box<Predicate>,
    },
    Arithmetic {
        operator: ArithmeticOperator,
        left: Box<Expression>,
        right: Box<Expression>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Min,
    Max,
    Sum,
    Average,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct List {
    pub(crate) quantifier: Option<Quantifier>,
    pub(crate) elements: Vec<Constant>,
}

/// A literal. Numbers keep their text where the type they turn into decides how it is read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constant {
    Null,
    Bool(bool),
    Int(i64),
    /// With the final `f`.
    Float(f32),
    Double {
        value: f64,
        text: String,
    },
    Infinity {
        negative: bool,
    },
    Nan,
    String(Vec<u8>),
    Binary(Vec<u8>),
    /// `B64"…"` whose text is not base64.
    BadBase64,
    Timestamp(String),
    Date(String),
    ObjectId([u8; 12]),
    Uuid([u8; 16]),
    Argument(usize),
    QuantifiedArgument(Quantifier, usize),
    Object {
        class: String,
        key: Box<Constant>,
    },
    /// The original's internal object keys, which mean nothing here.
    InternalLink,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Path {
    pub(crate) quantifier: Option<Quantifier>,
    pub(crate) elements: Vec<PathElement>,
    pub(crate) post: Option<Post>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PathElement {
    /// A name, `@links`, `@keys` and `@values` included.
    Name(String),
    Index(usize),
    First,
    Last,
    Wildcard,
    /// `['…']`.
    Key(Vec<u8>),
    /// `[$0]`.
    Argument(usize),
    /// `$K0`.
    KeyPath(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Post {
    Size,
    Count,
    Type,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Descriptor {
    Sort(Vec<(Path, bool)>),
    Distinct(Vec<Path>),
    Limit(u64),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Geo {
    Box(Point, Point),
    Circle(Point, Coordinate),
    Polygon(Vec<Vec<Point>>),
    Argument(usize),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) longitude: Coordinate,
    pub(crate) latitude: Coordinate,
    pub(crate) altitude: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Coordinate {
    Value(f64),
    Argument(usize),
}
