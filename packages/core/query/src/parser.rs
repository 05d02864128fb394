//! Tokens to tree: precedence climbing with a bound on depth.

use crate::ast::{
    ArithmeticOperator, Ast, Expression, Geo, List, Operator, Path, PathElement, Post, Predicate,
    Quantifier,
};
use crate::error::{QueryError, Result};
use crate::lexer::{Kind, Lexer, Token};
use crate::limits::{DEPTH_MAX, PATH_ELEMENTS_MAX, QUERY_BYTES_MAX};

/// Parses a query with its descriptors.
pub fn parse(text: &str) -> Result<Ast> {
    let mut parser = Parser::new(text)?;
    let root = parser.or(0)?;
    let predicate = parser.flatten(root, false);
    let descriptors = parser.descriptors()?;
    if parser.token.kind != Kind::End {
        return Err(parser.unexpected());
    }
    Ok(Ast {
        predicate,
        descriptors,
    })
}

/// Parses a shape of GEOWITHIN on its own.
pub(crate) fn parse_shape(text: &str) -> Result<Geo> {
    let mut parser = Parser::new(text)?;
    let shape = parser.geo()?;
    parser.expect(Kind::End)?;
    Ok(shape)
}

/// A node while parsing. AND and OR stay binary here, by index, because the order in which the original
/// flattens them depends on the shape of the tree.
pub(crate) enum Node {
    And(usize, usize),
    Or(usize, usize),
    Not(usize),
    Leaf(Predicate),
    Taken,
}

/// What a parenthesis may hold.
enum Either {
    Predicate(usize),
    Expression(Expression),
}

pub(crate) struct Parser<'t> {
    lexer: Lexer<'t>,
    pub(crate) token: Token<'t>,
    pub(crate) nodes: Vec<Node>,
    /// Arithmetic operators of the comparison so far, which may all lie one inside the other.
    operators: usize,
    /// Whether the path just read ended at a dot, with an aggregate to follow.
    pub(crate) dotted: bool,
    /// Whether `@size` and the like are unexpected in a path.
    only_plain: bool,
}

impl<'t> Parser<'t> {
    pub(crate) fn new(text: &'t str) -> Result<Self> {
        if text.len() > QUERY_BYTES_MAX {
            return Err(QueryError::LimitExceeded(format!(
                "the query is longer than {QUERY_BYTES_MAX} bytes"
            )));
        }
        let mut lexer = Lexer::new(text);
        let token = lexer.next()?;
        Ok(Self {
            lexer,
            token,
            nodes: Vec::new(),
            operators: 0,
            dotted: false,
            only_plain: false,
        })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.token.kind
    }

    pub(crate) fn advance(&mut self) -> Result<Token<'t>> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.token, next))
    }

    pub(crate) fn unexpected(&self) -> QueryError {
        self.lexer.error(&format!(
            "syntax error, unexpected {}",
            self.token.kind.name()
        ))
    }

    /// [`Parser::unexpected`] with what could have stood there.
    pub(crate) fn unexpected_among(&self, expected: &str) -> QueryError {
        self.lexer.error(&format!(
            "syntax error, unexpected {}, expecting {expected}",
            self.token.kind.name()
        ))
    }

    pub(crate) fn expect(&mut self, kind: Kind) -> Result<Token<'t>> {
        if self.token.kind == kind {
            self.advance()
        } else {
            Err(self.unexpected())
        }
    }

    pub(crate) fn punctuation(&mut self, byte: u8) -> Result<()> {
        self.expect(Kind::Punctuation(byte)).map(|_| ())
    }

    pub(crate) fn is_punctuation(&self, byte: u8) -> bool {
        self.token.kind == Kind::Punctuation(byte)
    }

    /// Takes the token if it is this punctuation.
    pub(crate) fn accept(&mut self, byte: u8) -> Result<bool> {
        let found = self.is_punctuation(byte);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    pub(crate) fn check_depth(depth: usize) -> Result<()> {
        if depth > DEPTH_MAX {
            return Err(QueryError::LimitExceeded(format!(
                "the query nests deeper than {DEPTH_MAX} levels"
            )));
        }
        Ok(())
    }

    fn push(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// A predicate of a subquery, on its own.
    pub(crate) fn nested_predicate(&mut self, depth: usize) -> Result<Predicate> {
        let root = self.or(depth + 1)?;
        Ok(self.flatten(root, true))
    }

    fn or(&mut self, depth: usize) -> Result<usize> {
        let first = self.and(depth)?;
        self.or_rest(first, depth)
    }

    fn or_rest(&mut self, first: usize, depth: usize) -> Result<usize> {
        let mut left = first;
        while self.kind() == Kind::Or {
            self.advance()?;
            let right = self.and(depth)?;
            left = self.push(Node::Or(left, right));
        }
        Ok(left)
    }

    fn and(&mut self, depth: usize) -> Result<usize> {
        let first = self.not(depth)?;
        self.and_rest(first, depth)
    }

    fn and_rest(&mut self, first: usize, depth: usize) -> Result<usize> {
        let mut left = first;
        while self.kind() == Kind::And {
            self.advance()?;
            let right = self.not(depth)?;
            left = self.push(Node::And(left, right));
        }
        Ok(left)
    }

    fn not(&mut self, depth: usize) -> Result<usize> {
        match self.either_unit(depth)? {
            Either::Predicate(node) => Ok(node),
            Either::Expression(_) => Err(self.unexpected()),
        }
    }

    /// One operand of AND or OR, or, inside parentheses, a value expression.
    fn either_unit(&mut self, depth: usize) -> Result<Either> {
        Self::check_depth(depth)?;
        let before = self.operators;
        let unit = self.unit(depth)?;
        if let Either::Predicate(_) = unit {
            // What follows lies beside these operators, and not inside of them.
            self.operators = before;
        }
        Ok(unit)
    }

    fn unit(&mut self, depth: usize) -> Result<Either> {
        match self.kind() {
            Kind::Not => {
                self.advance()?;
                let inner = self.not(depth + 1)?;
                Ok(Either::Predicate(self.push(Node::Not(inner))))
            }
            Kind::TruePredicate => {
                self.advance()?;
                Ok(Either::Predicate(self.push(Node::Leaf(Predicate::True))))
            }
            Kind::FalsePredicate => {
                self.advance()?;
                Ok(Either::Predicate(self.push(Node::Leaf(Predicate::False))))
            }
            Kind::Punctuation(b'(') => {
                self.advance()?;
                let inner = self.either(depth + 1)?;
                self.punctuation(b')')?;
                match inner {
                    Either::Predicate(node) => Ok(Either::Predicate(node)),
                    Either::Expression(value) => self.compare_or_value(value, false, depth),
                }
            }
            _ => {
                let value = self.value(depth)?;
                self.compare_or_value(value, true, depth)
            }
        }
    }

    /// The content of parentheses.
    fn either(&mut self, depth: usize) -> Result<Either> {
        match self.either_unit(depth)? {
            Either::Predicate(node) => {
                let node = self.and_rest(node, depth)?;
                Ok(Either::Predicate(self.or_rest(node, depth)?))
            }
            value @ Either::Expression(_) => Ok(value),
        }
    }

    /// Continues after a value: arithmetic, then a comparison if one follows.
    fn compare_or_value(&mut self, value: Expression, plain: bool, depth: usize) -> Result<Either> {
        let before = self.operators;
        let left = self.arithmetic(value, 0, depth)?;
        let plain = plain && self.operators == before;
        let operator = match self.kind() {
            Kind::Equal => Operator::Equal,
            Kind::NotEqual => Operator::NotEqual,
            Kind::In => Operator::In,
            Kind::Less => Operator::Less,
            Kind::LessEqual => Operator::LessEqual,
            Kind::Greater => Operator::Greater,
            Kind::GreaterEqual => Operator::GreaterEqual,
            _ if plain => return self.compare_plain(left, depth),
            _ => return Ok(Either::Expression(left)),
        };
        self.advance()?;
        let may_fold = matches!(
            operator,
            Operator::Equal | Operator::NotEqual | Operator::In
        );
        let case_sensitive = !(may_fold && self.accept_case()?);
        let right = self.expression(depth)?;
        let leaf = Predicate::Compare {
            operator,
            case_sensitive,
            left,
            right,
        };
        Ok(Either::Predicate(self.push(Node::Leaf(leaf))))
    }

    /// The operators whose operands are single values.
    fn compare_plain(&mut self, left: Expression, depth: usize) -> Result<Either> {
        let operator = match self.kind() {
            Kind::BeginsWith => Operator::BeginsWith,
            Kind::EndsWith => Operator::EndsWith,
            Kind::Contains => Operator::Contains,
            Kind::Like => Operator::Like,
            Kind::Text => Operator::Text,
            Kind::Between => {
                self.advance()?;
                let leaf = Predicate::Between {
                    value: left,
                    range: self.list()?,
                };
                return Ok(Either::Predicate(self.push(Node::Leaf(leaf))));
            }
            Kind::GeoWithin => {
                let Expression::Path(path) = left else {
                    return Err(self.unexpected());
                };
                self.advance()?;
                let leaf = Predicate::GeoWithin {
                    path,
                    shape: self.geo()?,
                };
                return Ok(Either::Predicate(self.push(Node::Leaf(leaf))));
            }
            _ => return Ok(Either::Expression(left)),
        };
        self.advance()?;
        let case_sensitive = operator == Operator::Text || !self.accept_case()?;
        let right = self.value(depth)?;
        let leaf = Predicate::Compare {
            operator,
            case_sensitive,
            left,
            right,
        };
        Ok(Either::Predicate(self.push(Node::Leaf(leaf))))
    }

    fn accept_case(&mut self) -> Result<bool> {
        let found = self.kind() == Kind::Case;
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    pub(crate) fn expression(&mut self, depth: usize) -> Result<Expression> {
        let left = self.operand(depth)?;
        self.arithmetic(left, 0, depth)
    }

    fn operand(&mut self, depth: usize) -> Result<Expression> {
        Self::check_depth(depth)?;
        if self.accept(b'(')? {
            let inner = self.expression(depth + 1)?;
            self.punctuation(b')')?;
            return Ok(inner);
        }
        self.value(depth)
    }

    fn arithmetic(&mut self, first: Expression, minimum: u8, depth: usize) -> Result<Expression> {
        let mut left = first;
        loop {
            let (operator, level) = match self.kind() {
                Kind::Punctuation(b'+') => (ArithmeticOperator::Add, 1),
                Kind::Punctuation(b'-') => (ArithmeticOperator::Subtract, 1),
                Kind::Punctuation(b'*') => (ArithmeticOperator::Multiply, 2),
                Kind::Punctuation(b'/') => (ArithmeticOperator::Divide, 2),
                _ => return Ok(left),
            };
            if level <= minimum {
                return Ok(left);
            }
            self.advance()?;
            self.operators += 1;
            Self::check_depth(self.operators)?;
            let operand = self.operand(depth)?;
            let right = self.arithmetic(operand, level, depth)?;
            left = Expression::Arithmetic {
                operator,
                left: Box::new(left),
                right: Box::new(right),
            };
        }
    }

    pub(crate) fn quantifier(&mut self) -> Result<Option<Quantifier>> {
        let quantifier = match self.kind() {
            Kind::Any => Quantifier::Any,
            Kind::All => Quantifier::All,
            Kind::None => Quantifier::None,
            _ => return Ok(None),
        };
        self.advance()?;
        Ok(Some(quantifier))
    }

    pub(crate) fn list(&mut self) -> Result<List> {
        let quantifier = self.quantifier()?;
        self.list_elements(quantifier)
    }

    pub(crate) fn list_elements(&mut self, quantifier: Option<Quantifier>) -> Result<List> {
        self.punctuation(b'{')?;
        let mut elements = Vec::new();
        // The original's grammar lets a list begin with a comma.
        if !self.is_punctuation(b'}') && !self.is_punctuation(b',') {
            elements.push(self.constant()?);
        }
        while self.accept(b',')? {
            elements.push(self.constant()?);
        }
        self.punctuation(b'}')?;
        Ok(List {
            quantifier,
            elements,
        })
    }

    /// A path: names, indexes, and perhaps `@size` or `@type` at the end.
    pub(crate) fn path(&mut self, quantifier: Option<Quantifier>) -> Result<Path> {
        let mut path = Path {
            quantifier,
            elements: Vec::new(),
            post: None,
        };
        if self.kind() == Kind::KeyPathArgument {
            let index = argument_index(self.advance()?.text, 2);
            path.elements.push(PathElement::KeyPath(index));
        } else {
            let name = self.name()?;
            path.elements.push(PathElement::Name(name));
        }
        self.path_rest(path)
    }

    /// A path that ends in a property: nothing is asked about what it leads to.
    pub(crate) fn plain_path(&mut self) -> Result<Path> {
        self.only_plain = true;
        let path = self.path(None);
        self.only_plain = false;
        path
    }

    /// A path whose first name is already read.
    pub(crate) fn path_from(&mut self, first: String) -> Result<Path> {
        let elements = vec![PathElement::Name(first)];
        self.path_rest(Path {
            quantifier: None,
            elements,
            post: None,
        })
    }

    fn path_rest(&mut self, mut path: Path) -> Result<Path> {
        self.dotted = false;
        loop {
            if path.elements.len() > PATH_ELEMENTS_MAX {
                return Err(QueryError::LimitExceeded(format!(
                    "a path is longer than {PATH_ELEMENTS_MAX} elements"
                )));
            }
            if self.accept(b'[')? {
                if self.kind() == Kind::IndexSize && !self.only_plain {
                    self.advance()?;
                    self.punctuation(b']')?;
                    path.post = Some(Post::Size);
                    return Ok(path);
                }
                let element = self.index()?;
                self.punctuation(b']')?;
                path.elements.push(element);
            } else if self.accept(b'.')? {
                match self.kind() {
                    Kind::Size | Kind::Type | Kind::Min | Kind::Max | Kind::Sum | Kind::Average
                        if self.only_plain =>
                    {
                        return Err(self.unexpected());
                    }
                    Kind::Size if self.token.text == "@count" => path.post = Some(Post::Count),
                    Kind::Size => path.post = Some(Post::Size),
                    Kind::Type => path.post = Some(Post::Type),
                    Kind::Min | Kind::Max | Kind::Sum | Kind::Average => {
                        self.dotted = true;
                        return Ok(path);
                    }
                    _ => {
                        let name = self.name()?;
                        path.elements.push(PathElement::Name(name));
                        continue;
                    }
                }
                self.advance()?;
                return Ok(path);
            } else {
                return Ok(path);
            }
        }
    }

    fn index(&mut self) -> Result<PathElement> {
        let element = match self.kind() {
            Kind::Natural => {
                let index = crate::number::parse_int(self.token.text);
                PathElement::Index(usize::try_from(index).unwrap_or(usize::MAX))
            }
            Kind::First => PathElement::First,
            Kind::Last => PathElement::Last,
            Kind::Punctuation(b'*') => PathElement::Wildcard,
            Kind::String => PathElement::Key(unquote(self.token.text).as_bytes().to_vec()),
            Kind::Argument => PathElement::Argument(argument_index(self.token.text, 1)),
            _ => return Err(self.unexpected()),
        };
        self.advance()?;
        Ok(element)
    }

    /// An identifier, or one of the keywords that may stand for one.
    pub(crate) fn name(&mut self) -> Result<String> {
        match self.kind() {
            Kind::Identifier
            | Kind::BeginsWith
            | Kind::EndsWith
            | Kind::Contains
            | Kind::Like
            | Kind::Between
            | Kind::Sort
            | Kind::Distinct
            | Kind::Limit
            | Kind::Ascending
            | Kind::Descending
            | Kind::In
            | Kind::Text
            | Kind::Binary
            | Kind::First
            | Kind::Last
            | Kind::IndexSize
            | Kind::Links
            | Kind::KeysOrValues => Ok(unescape(self.advance()?.text)),
            _ => Err(self.unexpected()),
        }
    }
}

/// The number of `$12` or `$K12`; saturates, and then no argument has it.
pub(crate) fn argument_index(text: &str, skip: usize) -> usize {
    let digits = text.get(skip..).unwrap_or("");
    let index = digits
        .parse::<u64>()
        .unwrap_or(u64::MAX)
        .min(i64::MAX.unsigned_abs());
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// The raw text between the quotes: the language does not unescape strings.
pub(crate) fn unquote(text: &str) -> &str {
    text.get(1..text.len().saturating_sub(1)).unwrap_or("")
}

/// An identifier with its four escapes replaced by what they stand for.
fn unescape(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut name = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => name.push(match characters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                _ => ' ',
            }),
            _ => name.push(character),
        }
    }
    name
}
