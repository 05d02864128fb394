//! The leaves of the grammar: literals, paths with what follows them, subqueries, shapes, descriptors.

use crate::ast::{
    Aggregate, Constant, Coordinate, Descriptor, Expression, Geo, Point, Predicate, Quantifier,
};
use crate::error::Result;
use crate::lexer::Kind;
use crate::number;
use crate::parser::{Parser, argument_index, unquote};

impl Parser<'_> {
    /// One value: literal, list, property, aggregate or subquery.
    pub(crate) fn value(&mut self, depth: usize) -> Result<Expression> {
        if let Some(quantifier) = self.quantifier()? {
            return match self.kind() {
                Kind::Punctuation(b'{') => {
                    Ok(Expression::List(self.list_elements(Some(quantifier))?))
                }
                Kind::Argument => {
                    let index = argument_index(self.advance()?.text, 1);
                    Ok(Expression::Constant(Constant::QuantifiedArgument(
                        quantifier, index,
                    )))
                }
                _ => self.quantified_path(quantifier),
            };
        }
        match self.kind() {
            Kind::Punctuation(b'{') => Ok(Expression::List(self.list_elements(None)?)),
            Kind::Subquery => self.subquery(depth),
            Kind::Binary => self.binary_or_path(),
            kind if is_constant_start(kind) => Ok(Expression::Constant(self.constant()?)),
            _ => self.property(),
        }
    }

    fn quantified_path(&mut self, quantifier: Quantifier) -> Result<Expression> {
        let path = self.path(Some(quantifier))?;
        if self.aggregate_kind().is_some() {
            return Err(self.unexpected());
        }
        Ok(Expression::Path(path))
    }

    fn property(&mut self) -> Result<Expression> {
        let path = self.path(None)?;
        let Some(operation) = self.aggregate_kind() else {
            return Ok(Expression::Path(path));
        };
        self.advance()?;
        let property = if self.accept(b'.')? {
            Some(self.name()?)
        } else {
            None
        };
        Ok(Expression::Aggregate {
            path,
            operation,
            property,
        })
    }

    fn aggregate_kind(&self) -> Option<Aggregate> {
        if !self.dotted {
            return None;
        }
        match self.kind() {
            Kind::Min => Some(Aggregate::Min),
            Kind::Max => Some(Aggregate::Max),
            Kind::Sum => Some(Aggregate::Sum),
            Kind::Average => Some(Aggregate::Average),
            _ => None,
        }
    }

    /// `binary('…')`, or a property named binary.
    fn binary_or_path(&mut self) -> Result<Expression> {
        let word = self.token.text.to_owned();
        self.advance()?;
        if self.is_punctuation(b'(') {
            return Ok(Expression::Constant(self.binary_content()?));
        }
        self.path_after(word)
    }

    fn path_after(&mut self, first: String) -> Result<Expression> {
        let path = self.path_from(first)?;
        let Some(operation) = self.aggregate_kind() else {
            return Ok(Expression::Path(path));
        };
        self.advance()?;
        let property = if self.accept(b'.')? {
            Some(self.name()?)
        } else {
            None
        };
        Ok(Expression::Aggregate {
            path,
            operation,
            property,
        })
    }

    fn binary_content(&mut self) -> Result<Constant> {
        self.punctuation(b'(')?;
        let constant = match self.kind() {
            Kind::String => Constant::Binary(unquote(self.token.text).as_bytes().to_vec()),
            Kind::Base64 => match number::decode_base64(base64_body(self.token.text)) {
                Some(bytes) => Constant::Binary(bytes),
                None => Constant::BadBase64,
            },
            _ => return Err(self.unexpected()),
        };
        self.advance()?;
        self.punctuation(b')')?;
        Ok(constant)
    }

    fn subquery(&mut self, depth: usize) -> Result<Expression> {
        self.advance()?;
        self.punctuation(b'(')?;
        let path = self.plain_path()?;
        self.punctuation(b',')?;
        let variable = self.name()?;
        self.punctuation(b',')?;
        let predicate: Predicate = self.nested_predicate(depth)?;
        self.punctuation(b')')?;
        self.punctuation(b'.')?;
        self.expect(Kind::Size)?;
        Ok(Expression::Subquery {
            path,
            variable,
            predicate: Box::new(predicate),
        })
    }

    /// A literal.
    pub(crate) fn constant(&mut self) -> Result<Constant> {
        let text = self.token.text;
        let constant = match self.kind() {
            Kind::Any | Kind::All | Kind::None => {
                let quantifier = self.quantifier()?.unwrap_or(Quantifier::Any);
                let index = argument_index(self.expect(Kind::Argument)?.text, 1);
                return Ok(Constant::QuantifiedArgument(quantifier, index));
            }
            Kind::Obj => return self.object(),
            Kind::Binary => {
                self.advance()?;
                return self.binary_content();
            }
            Kind::Infinity => Constant::Infinity {
                negative: text.starts_with('-'),
            },
            Kind::Nan => Constant::Nan,
            Kind::Base64 => match number::decode_base64(base64_body(text)) {
                Some(bytes) => Constant::String(bytes),
                None => Constant::BadBase64,
            },
            Kind::Float => float_constant(text),
            Kind::Timestamp => Constant::Timestamp(text.to_owned()),
            Kind::Date => Constant::Date(text.to_owned()),
            Kind::Link | Kind::TypedLink => Constant::InternalLink,
            Kind::True => Constant::Bool(true),
            Kind::False => Constant::Bool(false),
            Kind::Null => Constant::Null,
            _ => return self.key(),
        };
        self.advance()?;
        Ok(constant)
    }

    /// The literals that may be a primary key.
    fn key(&mut self) -> Result<Constant> {
        let text = self.token.text;
        let constant = match self.kind() {
            Kind::Natural | Kind::Number => Constant::Int(number::parse_int(text)),
            Kind::String => Constant::String(unquote(text).as_bytes().to_vec()),
            Kind::Uuid => Constant::Uuid(hex_bytes(text)),
            Kind::ObjectId => Constant::ObjectId(hex_bytes(text)),
            Kind::Argument => Constant::Argument(argument_index(text, 1)),
            _ => return Err(self.unexpected()),
        };
        self.advance()?;
        Ok(constant)
    }

    fn object(&mut self) -> Result<Constant> {
        self.advance()?;
        self.punctuation(b'(')?;
        let class = unquote(self.expect(Kind::String)?.text).to_owned();
        self.punctuation(b',')?;
        let key = Box::new(self.key()?);
        self.punctuation(b')')?;
        Ok(Constant::Object { class, key })
    }

    /// SORT, DISTINCT and LIMIT in the order written.
    pub(crate) fn descriptors(&mut self) -> Result<Vec<Descriptor>> {
        let mut descriptors = Vec::new();
        loop {
            let descriptor = match self.kind() {
                Kind::Sort => {
                    self.advance()?;
                    self.punctuation(b'(')?;
                    let mut columns = vec![self.sort_column()?];
                    while self.accept(b',')? {
                        columns.push(self.sort_column()?);
                    }
                    Descriptor::Sort(columns)
                }
                Kind::Distinct => {
                    self.advance()?;
                    self.punctuation(b'(')?;
                    let mut columns = vec![self.plain_path()?];
                    while self.accept(b',')? {
                        columns.push(self.plain_path()?);
                    }
                    Descriptor::Distinct(columns)
                }
                Kind::Limit => {
                    self.advance()?;
                    self.punctuation(b'(')?;
                    let count = number::parse_int(self.expect(Kind::Natural)?.text);
                    Descriptor::Limit(count.unsigned_abs())
                }
                _ => return Ok(descriptors),
            };
            self.punctuation(b')')?;
            descriptors.push(descriptor);
        }
    }

    fn sort_column(&mut self) -> Result<(crate::ast::Path, bool)> {
        let path = self.plain_path()?;
        let ascending = match self.kind() {
            Kind::Ascending => true,
            Kind::Descending => false,
            _ => return Err(self.unexpected()),
        };
        self.advance()?;
        Ok((path, ascending))
    }

    /// The right side of GEOWITHIN.
    pub(crate) fn geo(&mut self) -> Result<Geo> {
        match self.kind() {
            Kind::Argument => Ok(Geo::Argument(argument_index(self.advance()?.text, 1))),
            Kind::GeoBox => {
                self.advance()?;
                self.punctuation(b'(')?;
                let first = self.point()?;
                self.punctuation(b',')?;
                let second = self.point()?;
                self.punctuation(b')')?;
                Ok(Geo::Box(first, second))
            }
            Kind::GeoCircle => {
                self.advance()?;
                self.punctuation(b'(')?;
                let centre = self.point()?;
                self.punctuation(b',')?;
                let radius = self.coordinate()?;
                self.punctuation(b')')?;
                Ok(Geo::Circle(centre, radius))
            }
            Kind::GeoPolygon => {
                self.advance()?;
                self.punctuation(b'(')?;
                let mut rings = vec![self.ring()?];
                while self.accept(b',')? {
                    rings.push(self.ring()?);
                }
                self.punctuation(b')')?;
                Ok(Geo::Polygon(rings))
            }
            _ => Err(self.unexpected_among("geobox or geopolygon or geocircle or argument")),
        }
    }

    fn ring(&mut self) -> Result<Vec<Point>> {
        self.punctuation(b'{')?;
        let mut points = vec![self.point()?];
        while self.accept(b',')? {
            points.push(self.point()?);
        }
        self.punctuation(b'}')?;
        Ok(points)
    }

    fn point(&mut self) -> Result<Point> {
        self.punctuation(b'[')?;
        let longitude = self.coordinate()?;
        self.punctuation(b',')?;
        let latitude = self.coordinate()?;
        let mut altitude = None;
        if self.accept(b',')? {
            let text = self.expect(Kind::Float)?.text;
            altitude = Some(number::parse_double(text));
        }
        self.punctuation(b']')?;
        Ok(Point {
            longitude,
            latitude,
            altitude,
        })
    }

    fn coordinate(&mut self) -> Result<Coordinate> {
        let text = self.token.text;
        let coordinate = match self.kind() {
            Kind::Float | Kind::Natural => Coordinate::Value(number::parse_double(text)),
            Kind::Argument => Coordinate::Argument(argument_index(text, 1)),
            _ => return Err(self.unexpected_among("natural0 or float or argument")),
        };
        self.advance()?;
        Ok(coordinate)
    }
}

fn is_constant_start(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Obj
            | Kind::Infinity
            | Kind::Nan
            | Kind::Base64
            | Kind::Float
            | Kind::Timestamp
            | Kind::Date
            | Kind::Link
            | Kind::TypedLink
            | Kind::True
            | Kind::False
            | Kind::Null
            | Kind::Natural
            | Kind::Number
            | Kind::String
            | Kind::Uuid
            | Kind::ObjectId
            | Kind::Argument
    )
}

fn base64_body(text: &str) -> &str {
    text.get(4..text.len().saturating_sub(1)).unwrap_or("")
}

fn float_constant(text: &str) -> Constant {
    match text.strip_suffix('f') {
        Some(body) => Constant::Float(number::parse_float(body)),
        None => Constant::Double {
            value: number::parse_double(text),
            text: text.to_owned(),
        },
    }
}

/// The hex digits of `oid(…)` or `uuid(…)`, which the lexer has counted.
fn hex_bytes<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    let body = text.split_once('(').map_or("", |(_, body)| body);
    let digits = body
        .bytes()
        .filter_map(|byte| char::from(byte).to_digit(16));
    for (index, digit) in digits.enumerate() {
        if let Some(byte) = bytes.get_mut(index / 2) {
            *byte = (*byte << 4) | u8::try_from(digit).unwrap_or(0);
        }
    }
    bytes
}
