//! Points on the globe, and which of them a circle or a polygon holds. Edges are parts of great circles.
//!
//! Whether a point on an edge or a vertex is inside is told as S2 tells it: of regions that share a border
//! without overlapping, exactly one holds it. That takes signs of determinants that are exact, with ties
//! broken as if every coordinate were off by an infinitely small amount.

// Vertices are the same only if they are the same to the last bit.
#![allow(clippy::float_cmp)]

use std::f64::consts::PI;

/// A unit vector.
pub(crate) type Vector = [f64; 3];

/// The unit vector of a longitude and a latitude in degrees.
pub(crate) fn vector(longitude: f64, latitude: f64) -> Vector {
    let (theta, phi) = (longitude.to_radians(), latitude.to_radians());
    [theta.cos() * phi.cos(), theta.sin() * phi.cos(), phi.sin()]
}

/// Longitude and latitude of a unit vector, in degrees.
fn degrees([x, y, z]: Vector) -> (f64, f64) {
    (y.atan2(x).to_degrees(), z.atan2(x.hypot(y)).to_degrees())
}

fn cross(a: Vector, b: Vector) -> Vector {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn difference(a: Vector, b: Vector) -> Vector {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn unit(a: Vector) -> Vector {
    let length = dot(a, a).sqrt();
    a.map(|part| part / length)
}

/// The angle between two vectors, in radians.
fn angle(a: Vector, b: Vector) -> f64 {
    let sine = cross(a, b);
    dot(sine, sine).sqrt().atan2(dot(a, b))
}

/// What is at most an angle from a point.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cap {
    centre: Vector,
    /// Square of the longest chord from the centre.
    chord_squared: f64,
}

impl Cap {
    pub(crate) fn new(centre: Vector, radians: f64) -> Self {
        let half = (radians.min(PI) / 2.0).sin();
        Self {
            centre,
            chord_squared: 4.0 * half * half,
        }
    }

    pub(crate) fn contains(&self, point: Vector) -> bool {
        let chord = difference(self.centre, point);
        // No chord of the globe is longer than two, but for rounding.
        dot(chord, chord) <= self.chord_squared || self.chord_squared >= 4.0
    }
}

/// A sum of products without rounding, as floats that do not overlap, the least first.
#[derive(Default)]
struct Exact(Vec<f64>);

impl Exact {
    fn add(&mut self, value: f64) {
        let mut carried = value;
        let mut kept = Vec::with_capacity(self.0.len() + 1);
        for part in &self.0 {
            let sum = carried + part;
            let of_part = sum - carried;
            let lost = (carried - (sum - of_part)) + (part - of_part);
            if lost != 0.0 {
                kept.push(lost);
            }
            carried = sum;
        }
        kept.push(carried);
        self.0 = kept;
    }

    fn add_product(&mut self, factors: [f64; 3], sign: f64) {
        let (high, low) = product(factors[0], factors[1]);
        for part in [high, low] {
            let (high, low) = product(part, factors[2] * sign);
            self.add(low);
            self.add(high);
        }
    }

    fn sign(&self) -> i8 {
        self.0
            .iter()
            .rev()
            .find(|part| **part != 0.0)
            .map_or(0, |part| sign(*part))
    }
}

/// A product and what rounding it has cut off.
fn product(a: f64, b: f64) -> (f64, f64) {
    let high = a * b;
    (high, a.mul_add(b, -high))
}

fn sign(value: f64) -> i8 {
    match value {
        value if value > 0.0 => 1,
        value if value < 0.0 => -1,
        _ => 0,
    }
}

/// 1 if three points lie counterclockwise, -1 if they lie clockwise, and 0 if two of them are the same.
fn orientation(a: Vector, b: Vector, c: Vector) -> i8 {
    // Well above what rounding can be off by.
    const CERTAIN: f64 = 1e-14;
    let rough = dot(cross(a, b), c);
    if rough.abs() > CERTAIN {
        return sign(rough);
    }
    if a == b || b == c || c == a {
        return 0;
    }
    let mut points = [a, b, c];
    let mut swapped = 1;
    for (first, second) in [(0, 1), (1, 2), (0, 1)] {
        if points[first].partial_cmp(&points[second]) == Some(std::cmp::Ordering::Greater) {
            points.swap(first, second);
            swapped = -swapped;
        }
    }
    let [a, b, c] = points;
    let mut exact = Exact::default();
    exact.add_product([a[1], b[2], c[0]], 1.0);
    exact.add_product([a[2], b[1], c[0]], -1.0);
    exact.add_product([a[2], b[0], c[1]], 1.0);
    exact.add_product([a[0], b[2], c[1]], -1.0);
    exact.add_product([a[0], b[1], c[2]], 1.0);
    exact.add_product([a[1], b[0], c[2]], -1.0);
    swapped
        * match exact.sign() {
            0 => perturbed(a, b, c),
            sign => sign,
        }
}

/// The sign of a determinant that is zero, had each coordinate an infinitely small addition: the earlier the
/// point in their order and the later the coordinate, the larger.
fn perturbed(a: Vector, b: Vector, c: Vector) -> i8 {
    let minor = |p: Vector, q: Vector, i: usize, j: usize| {
        let mut exact = Exact::default();
        exact.add_product([p[i], q[j], 1.0], 1.0);
        exact.add_product([p[j], q[i], 1.0], -1.0);
        exact.sign()
    };
    let terms = [
        minor(b, c, 0, 1),
        minor(b, c, 2, 0),
        minor(b, c, 1, 2),
        minor(c, a, 0, 1),
        sign(c[0]),
        -sign(c[1]),
        minor(c, a, 2, 0),
        sign(c[2]),
        minor(a, b, 0, 1),
        -sign(b[0]),
        sign(b[1]),
        sign(a[0]),
    ];
    terms.into_iter().find(|term| *term != 0).unwrap_or(1)
}

/// Whether the edges from `o` to `a`, `b` and `c` stand counterclockwise in this order.
fn is_ordered(a: Vector, b: Vector, c: Vector, o: Vector) -> bool {
    let holds = [
        orientation(b, o, a) >= 0,
        orientation(c, o, b) >= 0,
        orientation(a, o, c) > 0,
    ];
    holds.into_iter().filter(|holds| *holds).count() >= 2
}

/// A direction from a point that depends on the point alone and leads to no vertex.
fn reference(a: Vector) -> Vector {
    let [x, y, z] = a.map(f64::abs);
    let largest = if x > y {
        if x > z { 0 } else { 2 }
    } else if y > z {
        1
    } else {
        2
    };
    let mut other = [0.012, 0.0053, 0.00457];
    other[(largest + 2) % 3] = 1.0;
    unit(cross(a, other))
}

/// Whether two edges cross in a point inside of both; `None` if they share a vertex.
fn crosses(a: Vector, b: Vector, c: Vector, d: Vector) -> Option<bool> {
    if a == c || a == d || b == c || b == d {
        return None;
    }
    let side = -orientation(a, b, c);
    Some(
        orientation(a, b, d) == side
            && -orientation(c, d, b) == side
            && orientation(c, d, a) == side,
    )
}

/// Whether passing along one edge changes the side of the other's loop; shared vertices count on one side
/// alone.
fn changes_side(a: Vector, b: Vector, c: Vector, d: Vector) -> bool {
    if let Some(crosses) = crosses(a, b, c, d) {
        return crosses;
    }
    if a == b || c == d {
        false
    } else if a == d {
        is_ordered(reference(a), c, b, a)
    } else if b == c {
        is_ordered(reference(b), d, a, b)
    } else if a == c {
        is_ordered(reference(a), d, b, a)
    } else {
        is_ordered(reference(b), c, a, b)
    }
}

/// The inside of a closed line: the smaller part of the globe that it parts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Loop {
    vertices: Vec<Vector>,
    /// Whether the inside as told by crossings is the other part.
    is_inverted: bool,
    /// Whether the point that crossings are counted from counts as inside.
    holds_origin: bool,
}

impl Loop {
    /// A loop of at least three vertices, each given once.
    pub(crate) fn new(vertices: Vec<Vector>) -> Self {
        let mut made = Self {
            vertices,
            is_inverted: false,
            holds_origin: false,
        };
        let [first, second, third] = [0, 1, 2].map(|at| made.vertex(at));
        let holds_second = is_ordered(reference(second), first, third, second);
        made.holds_origin = made.counts_inside(second) != holds_second;
        made.is_inverted = made.turning() < -1e-14;
        made
    }

    fn vertex(&self, at: usize) -> Vector {
        let count = self.vertices.len().max(1);
        self.vertices
            .get(at % count)
            .copied()
            .unwrap_or([1.0, 0.0, 0.0])
    }

    /// How far one turns to the left on the way around, in radians; negative if the larger part is on the
    /// left.
    fn turning(&self) -> f64 {
        let count = self.vertices.len();
        let turn = |at: usize| {
            let [a, b, c] = [at, at + 1, at + 2].map(|at| self.vertex(at));
            let turned = angle(cross(a, b), cross(b, c));
            if orientation(a, b, c) > 0 {
                turned
            } else {
                -turned
            }
        };
        (0..count).map(turn).sum()
    }

    fn counts_inside(&self, point: Vector) -> bool {
        let origin = unit([0.00457, 1.0, 0.0321]);
        let edges = (0..self.vertices.len()).map(|at| (self.vertex(at), self.vertex(at + 1)));
        edges.fold(self.holds_origin, |inside, (from, to)| {
            inside ^ changes_side(origin, point, from, to)
        })
    }

    pub(crate) fn contains(&self, point: Vector) -> bool {
        self.counts_inside(point) != self.is_inverted
    }

    pub(crate) fn len(&self) -> usize {
        self.vertices.len()
    }

    /// Why the vertices make no loop: the first that comes twice, or the first edges that cross.
    pub(crate) fn problem(&self) -> Option<String> {
        let count = self.vertices.len();
        let mut seen: Vec<(Vector, usize)> = self.vertices.iter().copied().zip(0..).collect();
        seen.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
        let twice = seen.windows(2).filter(|pair| pair[0].0 == pair[1].0);
        if let Some(pair) = twice.min_by_key(|pair| pair[1].1) {
            return Some(format!(
                "Duplicate vertices: {} and {}",
                pair[0].1, pair[1].1
            ));
        }
        for one in 0..count {
            let (a, b) = (self.vertex(one), self.vertex(one + 1));
            for other in one + 2..count {
                let (c, d) = (self.vertex(other), self.vertex(other + 1));
                if crosses(a, b, c, d) == Some(true) {
                    return Some(format!(
                        "Edges {one} and {other} cross. Edge locations in degrees: {}-{} and {}-{}",
                        place(a),
                        place(b),
                        place(c),
                        place(d)
                    ));
                }
            }
        }
        None
    }

    /// Whether another loop lies inside of this one.
    pub(crate) fn surrounds(&self, other: &Self) -> bool {
        other
            .vertices
            .iter()
            .all(|vertex| self.contains(*vertex) || self.vertices.contains(vertex))
            && (0..self.len()).all(|one| {
                let (a, b) = (self.vertex(one), self.vertex(one + 1));
                let crosses = |at| crosses(a, b, other.vertex(at), other.vertex(at + 1));
                (0..other.len()).all(|at| crosses(at) != Some(true))
            })
    }
}

/// Latitude and longitude of a vertex, as problems name it.
fn place(vertex: Vector) -> String {
    let (longitude, latitude) = degrees(vertex);
    format!("[{latitude:.7}, {longitude:.7}]")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn ring(points: &[(f64, f64)]) -> Loop {
        Loop::new(
            points
                .iter()
                .map(|(longitude, latitude)| vector(*longitude, *latitude))
                .collect(),
        )
    }

    #[test]
    fn a_loop_holds_what_is_on_its_smaller_side() {
        let there = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)];
        let mut back = there;
        back.reverse();
        for loop_ in [ring(&there), ring(&back)] {
            assert!(loop_.contains(vector(5.0, 5.0)));
            assert!(!loop_.contains(vector(-5.0, 5.0)));
            assert!(!loop_.contains(vector(175.0, -5.0)));
            assert!(loop_.problem().is_none());
        }
        let over_the_date_line =
            ring(&[(170.0, -5.0), (-170.0, -5.0), (-170.0, 5.0), (170.0, 5.0)]);
        assert!(over_the_date_line.contains(vector(179.9, 0.0)));
        assert!(!over_the_date_line.contains(vector(0.0, 0.0)));
        let around_the_pole = ring(&[(0.0, 80.0), (120.0, 80.0), (-120.0, 80.0)]);
        assert!(around_the_pole.contains(vector(77.0, 90.0)));
        assert!(!around_the_pole.contains(vector(60.0, 80.0)));
    }

    /// Tiles that meet in vertices and edges: every point is in exactly one.
    #[test]
    fn what_lies_on_a_border_is_in_one_of_the_neighbours() {
        let tiles: Vec<Loop> = (0..12)
            .flat_map(|column| (0..6).map(move |row| (column, row)))
            .map(|(column, row)| {
                let (west, south) = (f64::from(column) * 30.0, f64::from(row) * 30.0 - 90.0);
                let corner = |longitude: f64, latitude: f64| {
                    let longitude = if longitude >= 360.0 { 0.0 } else { longitude };
                    let pole = latitude.abs() >= 90.0;
                    vector(if pole { 0.0 } else { longitude }, latitude)
                };
                let mut corners = vec![
                    corner(west, south),
                    corner(west + 30.0, south),
                    corner(west + 30.0, south + 30.0),
                    corner(west, south + 30.0),
                ];
                corners.dedup();
                if corners.first() == corners.last() {
                    corners.pop();
                }
                Loop::new(corners)
            })
            .collect();
        let holders = |point| tiles.iter().filter(|tile| tile.contains(point)).count();
        for column in 0..24 {
            for row in 0..=12 {
                let (longitude, latitude) =
                    (f64::from(column) * 15.0, f64::from(row) * 15.0 - 90.0);
                let longitude = if row == 0 || row == 12 {
                    0.0
                } else {
                    longitude
                };
                assert_eq!(
                    holders(vector(longitude, latitude)),
                    1,
                    "{longitude} {latitude}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_loop_says_why() {
        let bow_tie = ring(&[(0.0, 0.0), (10.0, 0.0), (0.0, 10.0), (10.0, 10.0)]);
        assert_eq!(
            bow_tie.problem().unwrap(),
            "Edges 1 and 3 cross. Edge locations in degrees: [0.0000000, 10.0000000]-[10.0000000, 0.0000000] \
             and [10.0000000, 10.0000000]-[0.0000000, 0.0000000]"
        );
        let twice = ring(&[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (1.0, 0.0), (2.0, 2.0)]);
        assert_eq!(twice.problem().unwrap(), "Duplicate vertices: 1 and 3");
    }

    #[test]
    fn a_cap_holds_what_is_near() {
        let cap = Cap::new(vector(10.0, 10.0), 0.1);
        assert!(cap.contains(vector(10.0, 15.7)));
        assert!(!cap.contains(vector(10.0, 15.8)));
        assert!(Cap::new(vector(1.0, 2.0), 0.0).contains(vector(1.0, 2.0)));
        assert!(Cap::new(vector(0.0, 0.0), 4.0).contains(vector(180.0, 0.0)));
        assert!(!Cap::new(vector(0.0, 0.0), 3.1).contains(vector(180.0, 0.0)));
    }
}
