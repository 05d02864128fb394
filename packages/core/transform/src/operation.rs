//! Instructions as the merge sees them: small, flat, with names and keys replaced by numbers.
//!
//! A merge looks at pairs, so what one look costs decides everything. Taking in an [`Instruction`] once turns
//! every comparison of strings into one of integers, and all that a rule can change is held in plain
//! integers.
//!
//! [`Instruction`]: tidemark_changeset::Instruction

use tidemark_changeset::CollectionKind;

/// Number of nothing: an operation without object or field.
pub(crate) const NONE: u32 = u32::MAX;

/// The fourteen kinds, in the order of their opcodes: which of a pair is "left" depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Kind {
    AddTable,
    EraseTable,
    CreateObject,
    EraseObject,
    Update,
    AddInteger,
    AddColumn,
    EraseColumn,
    ArrayInsert,
    ArrayMove,
    ArrayErase,
    Clear,
    SetInsert,
    SetErase,
}

/// What an Update assigns, as far as rules ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Assigned {
    /// Not an Update, or any value not named here.
    Other,
    Null,
    /// An integer; `number` has it.
    Int,
    /// A float or double that is zero, of either sign.
    Zero,
    Object,
    List,
    Dictionary,
    Erased,
}

/// What kind of number a value is: numbers of different types can be equal in a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Numeric {
    No,
    Int,
    /// A float, double or decimal.
    Other,
}

/// One step of a path. Keys are numbers of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Index(u32),
    Key(u32),
}

/// Which list of branches an operation came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Side {
    Ours,
    Theirs,
}

/// One instruction under merge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    pub kind: Kind,
    pub side: Side,
    /// False once it was dropped.
    pub alive: bool,
    /// Whether it differs from the instruction it was taken from.
    pub changed: bool,
    pub assigned: Assigned,
    /// Whether it is an Update by a schema default.
    pub is_default: bool,
    pub collection: CollectionKind,
    /// What kind of number a set operation's value is.
    pub numeric: Numeric,
    /// Number of path elements; 0 for the field itself and for what has no path.
    pub depth: u32,
    /// Place of its (timestamp, ident) among all of this merge; equal ranks mean equal pairs.
    pub rank: u32,
    /// Numbers of the names of class and field.
    pub class: u32,
    pub name: u32,
    /// Numbers of (class, key) and of (class, key, field).
    pub object: u32,
    pub field: u32,
    /// Where in the side's steps the path begins, its last element excepted.
    pub steps: u32,
    /// The last path element; at depth 0 a key without a name.
    pub last: Step,
    /// Size of the list before.
    pub size: u32,
    /// Where an ArrayMove goes.
    pub to: u32,
    /// Number of a set operation's value; for AddColumn the number of the target class's name.
    pub value: u32,
    /// Number of the value's place in its changeset, for the original's comparison.
    pub place: u32,
    /// The integer that is assigned or added.
    pub number: i64,
    /// The branch it is of, and its position there; `NONE` for one that the merge itself made.
    pub branch: u32,
    pub position: u32,
}

impl Operation {
    /// An operation with everything empty but kind, side and tie-break.
    pub fn new(kind: Kind, side: Side, rank: u32, branch: u32, position: u32) -> Self {
        Self {
            kind,
            side,
            alive: true,
            changed: false,
            assigned: Assigned::Other,
            is_default: false,
            collection: CollectionKind::Single,
            numeric: Numeric::No,
            depth: 0,
            rank,
            class: NONE,
            name: NONE,
            object: NONE,
            field: NONE,
            steps: 0,
            last: Step::Key(NONE),
            size: 0,
            to: 0,
            value: NONE,
            place: NONE,
            number: 0,
            branch,
            position,
        }
    }

    /// Whether it acts at a path below an object's field.
    pub fn has_path(&self) -> bool {
        self.field != NONE
    }

    /// Whether it erases a class or a column, with what others do in it.
    pub fn is_destructive(&self) -> bool {
        matches!(self.kind, Kind::EraseTable | Kind::EraseColumn)
    }

    /// The last path element as an index; list rules ask only where intake made sure that it is one.
    pub fn index(&self) -> Option<u32> {
        match self.last {
            Step::Index(index) => Some(index),
            Step::Key(_) => None,
        }
    }

    /// Whether the last path element is a key: of a dictionary, or the field of an embedded object.
    pub fn ends_with_key(&self) -> bool {
        self.depth > 0 && matches!(self.last, Step::Key(_))
    }

    /// Moves the last path element to another index.
    pub fn set_index(&mut self, index: u32) {
        let last = Step::Index(index);
        self.changed |= self.last != last;
        self.last = last;
    }

    /// Says how many elements the list has now.
    pub fn set_size(&mut self, size: u32) {
        self.changed |= self.size != size;
        self.size = size;
    }

    /// Moves the destination of an ArrayMove.
    pub fn set_to(&mut self, to: u32) {
        self.changed |= self.to != to;
        self.to = to;
    }

    /// Removes it from its changeset.
    pub fn drop_it(&mut self) {
        self.alive = false;
    }

    /// The path without its last element.
    pub fn container<'a>(&self, steps: &'a [Step]) -> &'a [Step] {
        let length = self.depth.saturating_sub(1) as usize;
        let start = self.steps as usize;
        steps.get(start..start + length).unwrap_or_default()
    }

    /// The path element at `depth`.
    pub fn step(&self, steps: &[Step], depth: u32) -> Option<Step> {
        if depth.checked_add(1)? == self.depth {
            return Some(self.last);
        }
        self.container(steps).get(depth as usize).copied()
    }
}

/// Whether two operations of one field have the same path.
pub(crate) fn same_path(a: &Operation, a_steps: &[Step], b: &Operation, b_steps: &[Step]) -> bool {
    a.depth == b.depth && (a.depth == 0 || a.last == b.last) && same_prefix(a, a_steps, b, b_steps)
}

/// Whether two operations of one field act on elements of the same collection.
pub(crate) fn same_container(
    a: &Operation,
    a_steps: &[Step],
    b: &Operation,
    b_steps: &[Step],
) -> bool {
    a.depth == b.depth && a.depth > 0 && same_prefix(a, a_steps, b, b_steps)
}

fn same_prefix(a: &Operation, a_steps: &[Step], b: &Operation, b_steps: &[Step]) -> bool {
    a.depth <= 1 || a.container(a_steps) == b.container(b_steps)
}

/// Whether `inner` goes through what `outer` addresses; the answer is the element after `outer`'s path.
pub(crate) fn extends(
    outer: &Operation,
    outer_steps: &[Step],
    inner: &Operation,
    inner_steps: &[Step],
) -> Option<Step> {
    if outer.depth >= inner.depth {
        return None;
    }
    if outer.depth > 0 {
        slot(outer, outer_steps, inner, inner_steps).filter(|slot| *slot == outer.last)?;
    }
    inner.step(inner_steps, outer.depth)
}

/// `inner`'s element at `outer`'s last position, if up to there it goes through the same collection.
pub(crate) fn slot(
    outer: &Operation,
    outer_steps: &[Step],
    inner: &Operation,
    inner_steps: &[Step],
) -> Option<Step> {
    let position = (outer.depth as usize).checked_sub(1)?;
    let path = inner.container(inner_steps);
    let found = path.get(position).copied()?;
    (path.get(..position)? == outer.container(outer_steps)).then_some(found)
}
