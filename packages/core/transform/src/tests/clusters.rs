//! Long histories of one list: whatever they are, the result is the one of visiting all pairs.

use tidemark_changeset::{
    CollectionKind, Instruction, PathElement, Payload, PrimaryKey, Target, UpdateKind, Value,
};

use super::generate::Random;
use crate::driver::{Options, merge};
use crate::{Branch, MergeOptions, Rules};

/// What somebody does to a list for a while.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// Inserts and erases anywhere.
    Anywhere,
    /// Types at a place that moves along, and takes back some of it.
    Types,
    Appends,
    Prepends,
    /// Erases everything, from one end or from anywhere.
    Empties(u8),
    /// Assigns elements.
    Assigns,
    /// Assigns and adds to fields inside of elements.
    Inside,
    /// Inserts embedded objects with their fields, and erases some.
    Embeds,
    /// Inserts and erases at few places, so that both sides meet.
    Nearby,
}

const HABITS: [Habit; 11] = [
    Habit::Anywhere,
    Habit::Types,
    Habit::Appends,
    Habit::Prepends,
    Habit::Empties(0),
    Habit::Empties(1),
    Habit::Empties(2),
    Habit::Assigns,
    Habit::Inside,
    Habit::Embeds,
    Habit::Nearby,
];

struct Writer<'a> {
    random: &'a mut Random,
    size: u32,
    cursor: u32,
    container: Vec<PathElement>,
    habits: Vec<Habit>,
}

impl Writer<'_> {
    fn below(&mut self, end: u32) -> u32 {
        u32::try_from(self.random.below(end as usize)).expect("small")
    }

    fn target(&self, index: Option<u32>) -> Target {
        let path = self.container.iter().cloned();
        Target {
            class: "T".into(),
            key: PrimaryKey::Int(1),
            field: "f".into(),
            path: path.chain(index.map(PathElement::Index)).collect(),
        }
    }

    fn value(&mut self) -> Payload {
        match self.random.below(8) {
            0 => Payload::Object,
            1 => Payload::Value(Value::Null),
            value => Payload::Value(Value::Int(i64::try_from(value).expect("small"))),
        }
    }

    fn insert(&mut self, index: u32) -> Instruction {
        self.size += 1;
        Instruction::ArrayInsert {
            target: self.target(Some(index)),
            value: self.value(),
            prior_size: self.size - 1,
        }
    }

    fn erase(&mut self, index: u32) -> Instruction {
        self.size -= 1;
        Instruction::ArrayErase {
            target: self.target(Some(index)),
            prior_size: self.size + 1,
        }
    }

    fn assign(&mut self, index: u32) -> Instruction {
        Instruction::Update {
            target: self.target(Some(index)),
            value: self.value(),
            kind: UpdateKind::Element {
                prior_size: self.size,
            },
        }
    }

    /// An edit at a field, or a field's field, of an element.
    fn edit_inside(&mut self, index: u32) -> Instruction {
        let mut target = self.target(Some(index));
        for _ in 0..=self.random.below(2) {
            let field = *self.random.pick(&["a", "b"]);
            target.path.push(PathElement::Key(field.into()));
        }
        if self.random.one_in(3) {
            let delta = i64::try_from(self.random.below(3)).expect("small");
            return Instruction::AddInteger { target, delta };
        }
        Instruction::Update {
            target,
            value: self.value(),
            kind: UpdateKind::Property {
                is_default: self.random.one_in(4),
            },
        }
    }

    fn step(&mut self, habit: Habit) -> Instruction {
        let size = self.size;
        match habit {
            _ if size >= u32::MAX - 1 => self.erase(size / 2),
            Habit::Appends => self.insert(size),
            Habit::Prepends => self.insert(0),
            _ if size == 0 => self.insert(0),
            Habit::Anywhere if self.random.one_in(2) => {
                let index = self.below(size);
                self.erase(index)
            }
            Habit::Anywhere => {
                let index = self.below(size + 1);
                self.insert(index)
            }
            Habit::Types if self.cursor > 0 && self.cursor <= size && self.random.one_in(4) => {
                self.cursor -= 1;
                self.erase(self.cursor)
            }
            Habit::Types => {
                let index = self.cursor.min(size);
                self.cursor = index + 1;
                self.insert(index)
            }
            Habit::Empties(0) => self.erase(0),
            Habit::Empties(1) => self.erase(size - 1),
            Habit::Assigns | Habit::Inside | Habit::Embeds | Habit::Empties(_) => {
                let index = self.below(size);
                match habit {
                    Habit::Assigns => self.assign(index),
                    Habit::Inside => self.edit_inside(index),
                    Habit::Embeds if self.random.one_in(3) => self.insert(index),
                    Habit::Embeds if !self.random.one_in(4) => self.edit_inside(index),
                    _ => self.erase(index),
                }
            }
            Habit::Nearby => {
                let index = self.below(size.min(4));
                match self.random.below(5) {
                    0 => self.assign(index),
                    1 => self.erase(index),
                    2 => self.edit_inside(index),
                    _ => self.insert(index),
                }
            }
        }
    }

    fn history(&mut self, length: usize) -> Vec<Instruction> {
        let mut made = Vec::new();
        let mut habit = *self.random.pick(&self.habits);
        while made.len() < length {
            if self.random.one_in(12) {
                habit = *self.random.pick(&self.habits);
                self.cursor = self.below(self.size + 1);
            }
            made.push(self.step(habit));
        }
        made
    }
}

/// Cuts a history into changesets with times that rise, mostly.
fn branches(
    random: &mut Random,
    history: Vec<Instruction>,
    idents: [u64; 2],
    times: usize,
) -> Vec<Branch> {
    let longest = *random.pick(&[1, 3, 1_000]);
    let mut made: Vec<Branch> = Vec::new();
    let mut rest = history.into_iter().peekable();
    let mut timestamp = 10;
    while rest.peek().is_some() {
        let length = 1 + random.below(longest);
        let instructions = rest.by_ref().take(length).collect();
        timestamp += u64::try_from(random.below(times)).expect("few");
        let timestamp = match random.below(10) {
            0 => 10 + u64::try_from(random.below(times * 20)).expect("few"),
            _ => timestamp,
        };
        made.push(Branch::new(timestamp, *random.pick(&idents), instructions));
    }
    made
}

fn draw(random: &mut Random) -> (Vec<Branch>, Vec<Branch>) {
    let size = *random.pick(&[0, 1, 2, 5, 20, 100, u32::MAX - 200, u32::MAX - 3]);
    let container = match random.below(3) {
        0 => vec![PathElement::Key("c".into()), PathElement::Index(2)],
        _ => Vec::new(),
    };
    let times = *random.pick(&[1, 2, 5]);
    let longest = *random.pick(&[3, 12, 60, 60, 200]);
    // Equal ones on both sides, which a server never lets happen, are decided alike all the same.
    let theirs = *random.pick(&[[4, 5], [4, 5], [3, 2]]);
    let mut side = |idents| {
        let count = 1 + random.below(3);
        let habits = (0..count).map(|_| *random.pick(&HABITS)).collect();
        let length = 1 + random.below(longest);
        let mut writer = Writer {
            random,
            size,
            cursor: 0,
            container: container.clone(),
            habits,
        };
        let history = writer.history(length);
        branches(writer.random, history, idents, times)
    };
    (side([2, 3]), side(theirs))
}

/// Both ways, which have to agree in everything, on what clusters can do and on what they cannot.
fn compare(ours: &[Branch], theirs: &[Branch], rules: Rules) -> Result<bool, String> {
    let mut results = [0, u64::MAX].map(|pairs_per_operation| {
        let mut sides = (ours.to_vec(), theirs.to_vec());
        let mut options = Options::new(rules, MergeOptions::default());
        options.pairs_per_operation = pairs_per_operation;
        let outcome = merge(&mut sides.0, &mut sides.1, &options, None);
        (outcome.map(|outcome| outcome.uncertain), sides)
    });
    let [clusters, pairs] = &mut results;
    if clusters == pairs {
        return Ok(clusters.0.is_ok() && clusters.1.0 != ours && clusters.1.1 != theirs);
    }
    Err(format!(
        "ours {ours:#?}\ntheirs {theirs:#?}\nclusters {clusters:#?}\npairs {pairs:#?}"
    ))
}

#[allow(
    clippy::disallowed_methods,
    reason = "a switch for whoever runs the tests"
)]
fn histories(count: u64) -> u64 {
    let wanted = std::env::var("TIDEMARK_HISTORIES").ok();
    wanted.and_then(|text| text.parse().ok()).unwrap_or(count)
}

#[test]
fn clusters_give_what_pairs_give() -> Result<(), String> {
    let count = histories(2_500);
    let mut changed = 0;
    for seed in 0..count {
        let (ours, theirs) = draw(&mut Random(seed));
        let both = compare(&ours, &theirs, Rules::CORRECTED)
            .map_err(|error| format!("seed {seed}: {error}"))?;
        changed += u64::from(both);
    }
    assert!(changed > count / 2, "only {changed} histories met");
    Ok(())
}

/// Lets an edit of a list act at its end or beyond, of the size that it says.
fn overreach(instruction: &mut Instruction, beyond: u32) {
    let (Instruction::ArrayInsert {
        target, prior_size, ..
    }
    | Instruction::ArrayErase { target, prior_size }
    | Instruction::Update {
        target,
        kind: UpdateKind::Element { prior_size },
        ..
    }) = instruction
    else {
        return;
    };
    if let Some(PathElement::Index(index)) = target.path.last_mut() {
        *index = prior_size.saturating_add(beyond);
    }
}

/// Something that clusters do not do, anywhere in one of the histories.
fn disturb(random: &mut Random, branches: &mut [Branch]) {
    let count = branches.len();
    let branch = &mut branches[random.below(count)];
    let at = random.below(branch.instructions.len());
    let Some(target) = branch.instructions[at].target().cloned() else {
        return;
    };
    let mut inner = target.clone();
    inner.path.push(PathElement::Key("a".into()));
    let mut whole = target.clone();
    whole.path.pop();
    let kind = UpdateKind::Property { is_default: false };
    let zero = Payload::Value(Value::Int(0));
    let small = u32::try_from(random.below(4)).expect("small");
    let disturbance = match random.below(11) {
        0 => Instruction::Update {
            target: inner,
            value: if small > 1 { Payload::List } else { zero },
            kind,
        },
        1 if !whole.ends_with_index() => Instruction::Update {
            target: whole,
            value: if small > 1 { Payload::List } else { zero },
            kind,
        },
        2 => Instruction::Clear {
            target: whole,
            collection: CollectionKind::List,
        },
        3 => Instruction::ArrayMove {
            target,
            to: small,
            prior_size: 4,
        },
        4 => Instruction::ArrayErase {
            target,
            prior_size: 4,
        },
        5 => Instruction::EraseObject {
            class: "T".into(),
            key: PrimaryKey::Int(1),
        },
        6 => Instruction::EraseColumn {
            class: "T".into(),
            field: "f".into(),
        },
        7 => Instruction::Update {
            target,
            value: Payload::Dictionary,
            kind: UpdateKind::Element { prior_size: 4 },
        },
        8 => Instruction::EraseTable { class: "T".into() },
        9 => return overreach(&mut branch.instructions[at], small),
        _ => Instruction::CreateObject {
            class: "T".into(),
            key: PrimaryKey::Int(1),
        },
    };
    branch.instructions.insert(at, disturbance);
}

#[test]
fn what_clusters_cannot_do_goes_by_pairs() -> Result<(), String> {
    for seed in 0..histories(2_500) {
        let mut random = Random(seed);
        let (mut ours, mut theirs) = draw(&mut random);
        match random.below(3) {
            0 => disturb(&mut random, &mut ours),
            1 => disturb(&mut random, &mut theirs),
            _ => {
                disturb(&mut random, &mut ours);
                disturb(&mut random, &mut theirs);
            }
        }
        let rules = *random.pick(&[Rules::CORRECTED, Rules::ORIGINAL]);
        compare(&ours, &theirs, rules).map_err(|error| format!("seed {seed}: {error}"))?;
    }
    Ok(())
}

/// What an erasure moves as a whole block is changed for good, though the block then falls apart: here edits
/// inside an element that theirs inserted (`p`), behind one that both sides erase.
#[test]
fn what_moved_with_its_block_stays_moved() -> Result<(), String> {
    fn writer(random: &mut Random) -> Writer<'_> {
        Writer {
            random,
            size: 3,
            cursor: 0,
            container: Vec::new(),
            habits: Vec::new(),
        }
    }
    let mut random = Random(1);
    let mut theirs = writer(&mut random);
    let p = vec![theirs.insert(1)];
    let mut later = vec![theirs.insert(2)];
    later.extend((0..20).map(|_| theirs.edit_inside(1)));
    later.push(theirs.erase(0));
    let theirs = [Branch::new(10, 3, p), Branch::new(30, 3, later)];
    let mut ours = writer(&mut random);
    let behind = vec![ours.insert(1)];
    let between = vec![ours.erase(0), ours.insert(0)];
    let ours = [Branch::new(40, 2, behind), Branch::new(20, 2, between)];
    assert!(compare(&ours, &theirs, Rules::CORRECTED)?);
    Ok(())
}

/// Edits of an element and inside it, of every kind.
fn edits_at(element: u32) -> Vec<Instruction> {
    let at = |path: &[PathElement]| Target {
        class: "T".into(),
        key: PrimaryKey::Int(1),
        field: "f".into(),
        path: path.to_vec(),
    };
    let key = |name: &str| PathElement::Key(name.into());
    let index = PathElement::Index;
    let kind = UpdateKind::Property { is_default: false };
    let number = |number| Payload::Value(Value::Int(number));
    let list = CollectionKind::List;
    let element = index(element);
    let field = at(&[element.clone(), key("x")]);
    let inner = at(&[element.clone(), key("x"), index(0)]);
    let update = |value| Instruction::Update {
        target: field.clone(),
        value,
        kind,
    };
    let put = |value| Instruction::SetInsert {
        target: field.clone(),
        value: Payload::Value(value),
    };
    vec![
        update(number(1)),
        update(Payload::List),
        update(Payload::Dictionary),
        update(Payload::Object),
        Instruction::AddInteger {
            target: field.clone(),
            delta: 2,
        },
        Instruction::Clear {
            target: field.clone(),
            collection: list,
        },
        put(Value::Int(1)),
        put(Value::Double(1.0)),
        Instruction::ArrayInsert {
            target: inner.clone(),
            value: number(1),
            prior_size: 1,
        },
        Instruction::ArrayErase {
            target: inner.clone(),
            prior_size: 1,
        },
        Instruction::Update {
            target: inner,
            value: number(3),
            kind: UpdateKind::Element { prior_size: 1 },
        },
        Instruction::Update {
            target: at(std::slice::from_ref(&element)),
            value: Payload::List,
            kind: UpdateKind::Element { prior_size: 3 },
        },
        Instruction::Update {
            target: at(std::slice::from_ref(&element)),
            value: number(4),
            kind: UpdateKind::Element { prior_size: 3 },
        },
        Instruction::Clear {
            target: at(&[element]),
            collection: list,
        },
    ]
}

/// [`edits_at`] against each other and among edits of the list.
#[test]
fn whatever_meets_inside_an_element_ends_as_by_pairs() -> Result<(), String> {
    let number = |number| Payload::Value(Value::Int(number));
    let insert = |place, prior_size| Instruction::ArrayInsert {
        target: Target {
            class: "T".into(),
            key: PrimaryKey::Int(1),
            field: "f".into(),
            path: vec![PathElement::Index(place)],
        },
        value: number(9),
        prior_size,
    };
    for one in edits_at(1) {
        for other in [edits_at(1), edits_at(2)].concat() {
            for (our_time, their_time) in [(10, 20), (20, 10)] {
                let ours = vec![one.clone(), insert(0, 3)];
                let theirs = vec![other.clone(), insert(1, 3), insert(3, 4)];
                let ours = [Branch::new(our_time, 2, ours)];
                let theirs = [Branch::new(their_time, 3, theirs)];
                for rules in [Rules::CORRECTED, Rules::ORIGINAL] {
                    compare(&ours, &theirs, rules)?;
                    compare(&theirs, &ours, rules)?;
                }
            }
        }
    }
    Ok(())
}
