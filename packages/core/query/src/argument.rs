//! Arguments of a query: what `$0` stands for.

use tidemark_changeset::Value;

/// What an argument holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// A value.
    Value(Value),
    /// A list of values.
    List(Vec<Value>),
    /// A shape for GEOWITHIN.
    Geo(GeoShape),
}

/// A shape on the globe; points are longitude and latitude in degrees.
#[derive(Clone, Debug, PartialEq)]
pub enum GeoShape {
    /// Two opposite corners.
    Box([f64; 2], [f64; 2]),
    /// A centre and a radius in radians.
    Circle([f64; 2], f64),
    /// An outer ring and holes, each closed.
    Polygon(Vec<Vec<[f64; 2]>>),
}

impl From<Value> for Argument {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}
