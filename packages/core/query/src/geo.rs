//! GEOWITHIN: points of embedded objects within shapes on the globe (rql.md §10.3).

use std::ops::ControlFlow;

use tidemark_changeset::{CollectionKind, ColumnType, Value};

use crate::argument::{Argument, GeoShape};
use crate::ast::{self, Coordinate, Geo};
use crate::bind::Binder;
use crate::bound::{Condition, DataType, End, PathExpression, type_of};
use crate::catalog::Place;
use crate::compare::Owned;
use crate::error::{QueryError, Result};
use crate::evaluate::quantified;
use crate::limits::POLYGON_VERTICES_MAX;
use crate::number::general;
use crate::parser;
use crate::row::{Field, Row, Scalar};
use crate::sphere::{Cap, Loop, vector};
use crate::steps::Given;
use crate::walk;

/// A point of a shape as it was written, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    longitude: f64,
    latitude: f64,
    altitude: Option<f64>,
}

/// A shape as it was written.
#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Circle(Point, f64),
    Polygon(Vec<Vec<Point>>),
}

/// The points of a shape.
#[derive(Clone, Debug, PartialEq)]
enum Region {
    Cap(Cap),
    /// An outer loop and holes.
    Loops(Vec<Loop>),
}

/// A shape ready to be asked, with the places of what it asks about.
#[derive(Clone, Debug)]
pub(crate) struct Within {
    shape: Shape,
    region: Region,
    /// The kind of geometry, in the objects at the end of the path.
    kind: Place,
    coordinates: Place,
}

/// Digits of numbers in descriptions.
const DIGITS: usize = 6;

impl Point {
    fn new([longitude, latitude]: [f64; 2]) -> Self {
        Self {
            longitude,
            latitude,
            altitude: None,
        }
    }

    fn text(&self, number: impl Fn(f64) -> String) -> String {
        let parts = [self.longitude, self.latitude]
            .into_iter()
            .chain(self.altitude);
        let parts: Vec<String> = parts.map(number).collect();
        format!("[{}]", parts.join(", "))
    }

    fn vector(&self) -> std::result::Result<[f64; 3], String> {
        // What is no number is out of bounds as well.
        let is_place = self.longitude.abs() <= 180.0 && self.latitude.abs() <= 90.0;
        if is_place {
            return Ok(vector(self.longitude, self.latitude));
        }
        Err(format!(
            "Longitude/latitude is out of bounds, lng: {} lat: {}",
            general(self.longitude, DIGITS),
            general(self.latitude, DIGITS)
        ))
    }
}

impl Shape {
    /// A box by two opposite corners, which is the polygon through all four.
    fn of_box(first: Point, second: Point) -> Self {
        let corner = |longitude, latitude| Point::new([longitude, latitude]);
        let ring = vec![
            first,
            corner(first.longitude, second.latitude),
            second,
            corner(second.longitude, first.latitude),
            first,
        ];
        Self::Polygon(vec![ring])
    }

    fn of_argument(shape: &GeoShape) -> Self {
        match shape {
            GeoShape::Box(first, second) => Self::of_box(Point::new(*first), Point::new(*second)),
            GeoShape::Circle(centre, radius) => Self::Circle(Point::new(*centre), *radius),
            GeoShape::Polygon(rings) => {
                let ring = |ring: &Vec<[f64; 2]>| ring.iter().copied().map(Point::new).collect();
                Self::Polygon(rings.iter().map(ring).collect())
            }
        }
    }

    fn text(&self, number: impl Fn(f64) -> String) -> String {
        match self {
            Self::Circle(centre, radius) => {
                format!("GeoCircle({}, {})", centre.text(&number), number(*radius))
            }
            Self::Polygon(rings) => {
                let ring = |ring: &Vec<Point>| {
                    let points: Vec<String> =
                        ring.iter().map(|point| point.text(&number)).collect();
                    format!("{{{}}}", points.join(", "))
                };
                let rings: Vec<String> = rings.iter().map(ring).collect();
                format!("GeoPolygon({})", rings.join(", "))
            }
        }
    }

    /// The points of the shape, or why it has none.
    fn region(&self) -> std::result::Result<Region, String> {
        match self {
            Self::Circle(centre, radius) => {
                let is_radius = *radius >= 0.0;
                if !is_radius {
                    return Err("The radius of a circle must be a non-negative number".to_owned());
                }
                Ok(Region::Cap(Cap::new(centre.vector()?, *radius)))
            }
            Self::Polygon(rings) => {
                let mut loops: Vec<Loop> = Vec::with_capacity(rings.len());
                for (at, ring) in rings.iter().enumerate() {
                    let made = loop_of(at, ring)?;
                    if loops.first().is_some_and(|outer| !outer.surrounds(&made)) {
                        return Err(format!(
                            "Secondary ring {at} not contained by first exterior ring - secondary rings must \
                             be holes in the first ring"
                        ));
                    }
                    loops.push(made);
                }
                if loops.is_empty() {
                    return Err("Polygon has no rings.".to_owned());
                }
                Ok(Region::Loops(loops))
            }
        }
    }

    fn vertices(&self) -> usize {
        match self {
            Self::Circle(..) => 1,
            Self::Polygon(rings) => rings.iter().map(Vec::len).sum(),
        }
    }
}

fn loop_of(at: usize, ring: &[Point]) -> std::result::Result<Loop, String> {
    let vertices: std::result::Result<Vec<_>, String> = ring.iter().map(Point::vector).collect();
    let mut vertices = vertices?;
    let (Some(first), Some(last)) = (ring.first(), ring.last()) else {
        return Err(format!("Ring {at} has no vertices."));
    };
    let is_same = |one: &Point, other: &Point| {
        one.longitude.total_cmp(&other.longitude).is_eq()
            && one.latitude.total_cmp(&other.latitude).is_eq()
    };
    if !is_same(first, last) {
        let text = |point: &Point| point.text(|value| general(value, DIGITS));
        return Err(format!(
            "Ring is not closed, first vertex 'GeoPoint({})' does not equal last vertex 'GeoPoint({})'",
            text(first),
            text(last)
        ));
    }
    vertices.dedup();
    vertices.pop();
    if vertices.len() < 3 {
        return Err(format!(
            "Ring {at} must have at least 3 different vertices, {} unique vertices were provided",
            vertices.len()
        ));
    }
    let made = Loop::new(vertices);
    match made.problem() {
        None => Ok(made),
        Some(problem) => Err(format!("Ring {at} is not valid: '{problem}'")),
    }
}

impl Region {
    fn contains(&self, point: [f64; 3]) -> bool {
        match self {
            Self::Cap(cap) => cap.contains(point),
            Self::Loops(loops) => {
                let holding = loops.iter().filter(|one| one.contains(point));
                holding.count() % 2 == 1
            }
        }
    }
}

impl Binder<'_> {
    pub(crate) fn geo_within(&mut self, path: &ast::Path, shape: &Geo) -> Result<Condition> {
        let path = self.path(path)?;
        if path.data_type != DataType::LINK || !matches!(path.end, End::Objects) {
            return Err(QueryError::InvalidQuery(format!(
                "The left hand side of 'geoWithin' must be a link to geoJSON formatted data. But the \
                 provided type is '{}'",
                path.data_type.name()
            )));
        }
        let (shape, is_argument) = match shape {
            Geo::Argument(index) => (self.shape_argument(*index)?, true),
            literal => (self.shape(literal)?, false),
        };
        if shape.vertices() > POLYGON_VERTICES_MAX {
            return Err(QueryError::LimitExceeded(format!(
                "a shape has more than {POLYGON_VERTICES_MAX} vertices"
            )));
        }
        let text = shape.text(|value| general(value, DIGITS));
        let region = shape.region().map_err(|reason| {
            if is_argument {
                QueryError::InvalidQuery(format!(
                    "The Geospatial query argument region is invalid: '{reason}'"
                ))
            } else {
                QueryError::InvalidQueryArg(format!(
                    "Invalid region in GEOWITHIN query for parameter '{text}': '{reason}'"
                ))
            }
        })?;
        let place = |name: &str, column_type: ColumnType, collection: CollectionKind| {
            let property = self.catalog.property(&path.class, name)?;
            let fits = property.column_type == column_type && property.collection == collection;
            fits.then_some(property.place)
        };
        let (Some(kind), Some(coordinates)) = (
            place("type", ColumnType::String, CollectionKind::Single),
            place("coordinates", ColumnType::Double, CollectionKind::List),
        ) else {
            return Err(QueryError::InvalidQuery(format!(
                "Query '{} GEOWITHIN {text}' links to data in the wrong format for a geoWithin query",
                path.text
            )));
        };
        Ok(Condition::GeoWithin {
            path,
            within: Box::new(Within {
                shape,
                region,
                kind,
                coordinates,
            }),
        })
    }

    fn shape(&self, shape: &Geo) -> Result<Shape> {
        Ok(match shape {
            Geo::Box(first, second) => Shape::of_box(self.point(first)?, self.point(second)?),
            Geo::Circle(centre, radius) => {
                Shape::Circle(self.point(centre)?, self.coordinate(radius)?)
            }
            Geo::Polygon(rings) => {
                let ring =
                    |ring: &Vec<ast::Point>| ring.iter().map(|point| self.point(point)).collect();
                Shape::Polygon(rings.iter().map(ring).collect::<Result<_>>()?)
            }
            Geo::Argument(index) => {
                return Err(QueryError::InvalidQuery(format!(
                    "The argument '${index}' cannot stand for a shape here"
                )));
            }
        })
    }

    fn point(&self, point: &ast::Point) -> Result<Point> {
        Ok(Point {
            longitude: self.coordinate(&point.longitude)?,
            latitude: self.coordinate(&point.latitude)?,
            altitude: point.altitude,
        })
    }

    fn coordinate(&self, coordinate: &Coordinate) -> Result<f64> {
        let index = match coordinate {
            Coordinate::Value(value) => return Ok(*value),
            Coordinate::Argument(index) => *index,
        };
        let refused = |text: String| {
            Err(QueryError::InvalidQuery(format!(
                "{text} coordinate at argument '${index}'"
            )))
        };
        match self.argument(index)? {
            #[allow(clippy::cast_precision_loss)]
            Argument::Value(Value::Int(value)) => Ok(*value as f64),
            Argument::Value(Value::Float(value)) => Ok(f64::from(*value)),
            Argument::Value(Value::Double(value)) => Ok(*value),
            Argument::Value(Value::Null) => refused("NULL cannot be used in".to_owned()),
            Argument::List(_) => refused("A list cannot be used in a".to_owned()),
            Argument::Value(value) => {
                refused(format!("Invalid parameter '{}' used in", name_of(value)))
            }
            Argument::Geo(_) => refused("Invalid parameter 'geospatial' used in".to_owned()),
        }
    }

    /// A shape as an argument, or as an argument's text.
    fn shape_argument(&self, index: usize) -> Result<Shape> {
        let name = match self.argument(index)? {
            Argument::Geo(shape) => return Ok(Shape::of_argument(shape)),
            Argument::Value(Value::String(text)) => {
                let text = text.to_string();
                let shape = parser::parse_shape(&text).map_err(|error| {
                    QueryError::InvalidQuery(format!(
                        "Invalid syntax in serialized geospatial object at argument {index}: '{}'",
                        error.message()
                    ))
                })?;
                return self.shape(&shape);
            }
            Argument::Value(value) => name_of(value),
            Argument::List(_) => "mixed",
        };
        Err(QueryError::InvalidQuery(format!(
            "The right hand side of 'geoWithin' must be a geospatial constant value. But the provided type \
             is '{name}'"
        )))
    }
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Link(_) => "link",
        _ => type_of(&Owned::Value(value.clone())).map_or("null", DataType::name),
    }
}

impl Within {
    /// The shape's text; with all digits if it is to be read again.
    pub(crate) fn text(&self, is_precise: bool) -> String {
        if is_precise {
            // A negative whole number keeps its point: without one it would be no coordinate.
            return self.shape.text(|value| format!("{value:?}"));
        }
        self.shape.text(|value| general(value, DIGITS))
    }

    fn holds(&self, row: &dyn Row, given: Given<'_>) -> Result<bool> {
        given.steps.take(self.shape.vertices())?;
        let is_point = matches!(
            walk::read(row, self.kind),
            Field::Scalar(Scalar::String(kind)) if kind.eq_ignore_ascii_case(b"point")
        );
        let Field::List(items) = walk::read(row, self.coordinates) else {
            return Ok(false);
        };
        let mut coordinates = Vec::with_capacity(2);
        items.each(&mut |_, field| {
            if let Field::Scalar(Scalar::Double(value)) = field {
                coordinates.push(value);
            }
            if coordinates.len() == 2 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        let [longitude, latitude] = coordinates[..] else {
            return Ok(false);
        };
        let point = Point::new([longitude, latitude]).vector();
        Ok(is_point && point.is_ok_and(|point| self.region.contains(point)))
    }
}

/// Whether the points that a path leads to lie within a shape.
pub(crate) fn matches(
    path: &PathExpression,
    within: &Within,
    row: &dyn Row,
    given: Given<'_>,
) -> Result<bool> {
    let (mut any, mut all, mut seen) = (false, true, false);
    walk::walk(&path.steps, row, given, false, &mut |target| {
        if let Some(target) = target {
            let holds = within.holds(target, given)?;
            seen = true;
            any |= holds;
            all &= holds;
        }
        Ok(())
    })?;
    // Of no points at all ALL does not hold, other than for values.
    Ok(quantified(
        path.quantifier.unwrap_or(ast::Quantifier::Any),
        any,
        all && seen,
    ))
}
