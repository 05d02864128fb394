//! From a seed to a script.

use tidemark_changeset::{CollectionKind, ColumnSpec, ColumnType};

use super::disk::{Fuse, Side};
use super::layout::{
    COLUMN_TYPES, ClassLayout, ClassUse, ColumnLayout, KEY_TYPES, KEYS, Layout, VIEWS,
};
use super::script::{Act, Edit, Pick, Script, Step};
use crate::dice::Dice;

/// Weights of what happens, by [`draw`].
type Mood = [usize; 20];

/// What happens: write, send, serve, commit, pull, receive, exchange, connect, cut, drop, serve a dropped
/// connection, subscribe, role, clock, crash, crash of the server, restart, restart of the server, reset,
/// upkeep.
const MOODS: [Mood; 5] = [
    // Busy lines.
    [
        100, 90, 90, 40, 80, 90, 25, 40, 12, 8, 6, 8, 4, 3, 6, 4, 2, 1, 1, 4,
    ],
    // Everybody sees everything at once, conflicts come from what is under way.
    [
        120, 40, 40, 25, 40, 40, 60, 30, 6, 4, 2, 3, 1, 2, 3, 2, 1, 1, 1, 3,
    ],
    // Long times without a connection.
    [
        150, 30, 30, 20, 30, 30, 14, 8, 25, 6, 3, 4, 2, 4, 4, 2, 3, 1, 2, 6,
    ],
    // Nothing lasts.
    [
        80, 90, 100, 40, 100, 100, 10, 70, 35, 25, 20, 35, 8, 3, 10, 6, 4, 2, 2, 4,
    ],
    // Processes that die.
    [
        100, 70, 80, 35, 70, 80, 20, 50, 12, 10, 6, 10, 3, 3, 40, 20, 10, 5, 3, 4,
    ],
];

/// A silence that counts in full against the time that a client may be away, and so many until it is over.
const SILENCE_MS: u32 = 150;
const SILENCES_UNTIL_EXPIRY: u32 = 12;

fn below(dice: &mut Dice, end: u32) -> u32 {
    u32::try_from(dice.below(end as usize)).expect("below 32 bits")
}

fn number(dice: &mut Dice) -> u32 {
    below(dice, 10_000)
}

/// The script of a seed, with about so many operations of users.
pub fn script(seed: u64, operations: usize) -> Script {
    let dice = &mut Dice::new(seed);
    let clients = 2 + below(dice, 5).min(below(dice, 5));
    let slice = *dice.pick(&[1, 3, 10, 4_000]);
    let narrow = dice.chance(35);
    let mut layout = match narrow {
        true if dice.chance(50) => lists_in_lists(dice),
        true => narrow_layout(dice),
        false => layout(dice),
    };
    // Not drawn, so that the histories of the other seeds stay what they are.
    layout.is_odd = seed.is_multiple_of(2);
    let mood = dice.pick(&MOODS);
    let mut script = Script {
        clients,
        slice,
        layout,
        steps: Vec::new(),
    };
    let mut done = 0;
    let habits = Habits {
        narrow,
        focused: dice.chance(30),
        hasty: dice.chance(25),
    };
    first_subscriptions(dice, &mut script);
    let mut absence_at = dice.chance(25).then(|| dice.below(operations));
    while done < operations {
        let who = below(dice, clients);
        if absence_at.take_if(|at| done >= *at).is_some() {
            done += absence(dice, &mut script, habits);
        }
        if slice <= 10 && dice.chance(1) {
            done += interrupted_bootstrap(dice, &mut script, who, habits);
        }
        let left = operations.saturating_sub(done);
        let act = draw(dice, mood, &script.layout, habits, left);
        match &act {
            Act::Write { edits, .. } => done += edits.len(),
            // A process that dies at the first thing it does.
            Act::Restart | Act::Reset(_) if dice.chance(50) => {
                let act = Act::Crash(fuse(dice, 3));
                script.steps.push(Step { who, act });
            }
            _ => {}
        }
        let is_receiving = matches!(act, Act::Receive(_));
        script.steps.push(step(who, act));
        // An application that writes while a download is being taken in, and may die in it.
        if is_receiving && dice.chance(12) {
            if dice.chance(25) {
                let act = Act::Crash(fuse(dice, 2));
                script.steps.push(Step { who, act });
            }
            let act = write(
                dice,
                &script.layout,
                habits,
                operations.saturating_sub(done),
            );
            if let Act::Write { edits, .. } = &act {
                done += edits.len();
            }
            script.steps.push(Step { who, act });
        }
    }
    script
}

fn first_subscriptions(dice: &mut Dice, script: &mut Script) {
    for who in 0..script.clients {
        let act = Act::Subscribe(number(dice));
        script.steps.push(Step { who, act });
        if dice.chance(70) {
            let act = Act::Exchange;
            script.steps.push(Step { who, act });
        }
    }
}

/// What the server does, is nobody's.
fn step(who: u32, act: Act) -> Step {
    let is_of_server = matches!(
        act,
        Act::Commit | Act::CrashServer(_) | Act::RestartServer | Act::Maintain { .. }
    );
    let who = if is_of_server { 0 } else { who };
    Step { who, act }
}

/// A bootstrap in many parts, in the midst of which the application writes or its process ends, and may die
/// in it. The answer is how many operations that was.
fn interrupted_bootstrap(dice: &mut Dice, script: &mut Script, who: u32, habits: Habits) -> usize {
    let mut steps = vec![
        Act::Exchange,
        Act::Subscribe(number(dice)),
        Act::Send(20),
        Act::Serve(20),
        Act::Commit,
        Act::Send(20),
        Act::Serve(20),
        Act::Pull {
            bytes: 1,
            count: 1_000,
        },
        Act::Receive(1 + below(dice, 14)),
    ];
    if dice.chance(70) {
        steps.push(Act::Crash(fuse(dice, 1)));
    }
    let mut done = 0;
    if dice.chance(60) {
        let act = write(dice, &script.layout, habits, usize::MAX);
        if let Act::Write { edits, .. } = &act {
            done = edits.len();
        }
        steps.push(act);
    } else {
        steps.push(Act::Restart);
    }
    script
        .steps
        .extend(steps.into_iter().map(|act| step(who, act)));
    done
}

/// A client is away for longer than the server waits, while the others go on. The answer is how many
/// operations that was.
fn absence(dice: &mut Dice, script: &mut Script, habits: Habits) -> usize {
    let away = below(dice, script.clients);
    let mut steps = vec![(away, Act::Cut)];
    let mut done = 0;
    for _ in 0..SILENCES_UNTIL_EXPIRY + below(dice, SILENCES_UNTIL_EXPIRY) {
        let who = below(dice, script.clients);
        if dice.chance(30) {
            let act = write(dice, &script.layout, habits, usize::MAX);
            if let Act::Write { edits, .. } = &act {
                done += edits.len();
            }
            steps.push((who, act));
        }
        if who != away && dice.chance(70) {
            steps.push((who, Act::Exchange));
        }
        let act = Act::Maintain {
            wait: SILENCE_MS,
            budget: *dice.pick(&[10, 300, 300]),
        };
        steps.push((0, act));
    }
    let steps = steps.into_iter().map(|(who, act)| step(who, act));
    script.steps.extend(steps);
    done
}

/// What users do with their objects.
#[derive(Clone, Copy)]
struct Habits {
    /// Nearly all changes are inside few objects.
    narrow: bool,
    /// Some objects are changed more than others.
    focused: bool,
    /// Everything happens in the same millisecond.
    hasty: bool,
}

fn fuse(dice: &mut Dice, commits: u32) -> Fuse {
    let side = if dice.chance(50) {
        Side::Before
    } else {
        Side::After
    };
    Fuse {
        commits: below(dice, commits),
        side,
        again: dice.chance(20),
    }
}

fn draw(dice: &mut Dice, mood: &Mood, layout: &Layout, habits: Habits, left: usize) -> Act {
    let mut roll = dice.below(mood.iter().sum());
    let choice = mood
        .iter()
        .take_while(|weight| {
            roll.checked_sub(**weight)
                .inspect(|rest| roll = *rest)
                .is_some()
        })
        .count();
    match choice {
        0 => write(dice, layout, habits, left),
        1 => Act::Send(1 + below(dice, 4)),
        2 => Act::Serve(1 + below(dice, 4)),
        3 => Act::Commit,
        4 => Act::Pull {
            bytes: *dice.pick(&[1, 60, 300, 5_000]),
            count: 1 + below(dice, 5),
        },
        5 => Act::Receive(1 + below(dice, 4)),
        6 => Act::Exchange,
        7 => Act::Connect {
            fast: dice.chance(70),
        },
        8 => Act::Cut,
        9 => Act::Drop,
        10 => Act::ServeDropped,
        11 => Act::Subscribe(number(dice)),
        12 => Act::Role(number(dice)),
        13 => Act::Clock(*dice.pick(&[0, 1, -1, 50, -50, 4_000, -4_000])),
        14 => Act::Crash(fuse(dice, 4)),
        15 => Act::CrashServer(fuse(dice, 4)),
        16 => Act::Restart,
        17 => Act::RestartServer,
        18 => Act::Reset(below(dice, 3)),
        _ => Act::Maintain {
            wait: *dice.pick(&[0, 10, 300, 1_000]),
            budget: *dice.pick(&[1, 10, 300]),
        },
    }
}

fn write(dice: &mut Dice, layout: &Layout, habits: Habits, left: usize) -> Act {
    let count = 1 + dice.below(5).min(left.saturating_sub(1));
    let edits = (0..count).map(|_| edit(dice, layout, habits)).collect();
    // Equal times are common, so that idents decide.
    Act::Write {
        wait: if habits.hasty {
            0
        } else {
            *dice.pick(&[0, 0, 0, 1, 7])
        },
        edits,
    }
}

fn edit(dice: &mut Dice, layout: &Layout, habits: Habits) -> Edit {
    let classes = u32::try_from(layout.tops().count()).expect("few classes");
    let key = match habits {
        Habits { narrow: true, .. } => below(dice, 20) / 9,
        Habits { focused: true, .. } => below(dice, KEYS).min(below(dice, KEYS)),
        _ => below(dice, KEYS),
    };
    let object = Pick {
        class: below(dice, classes),
        key,
    };
    // Where all is about the inside of objects, the rest is rare.
    let roll = dice.below(if habits.narrow { 250 } else { 100 });
    match roll {
        0..22 => Edit::Create {
            object,
            view: below(dice, VIEWS),
            defaults: if dice.chance(30) { number(dice) } else { 0 },
        },
        22..27 => Edit::Erase { object },
        27..35 => Edit::Move {
            object,
            view: below(dice, VIEWS),
        },
        35..43 => Edit::Count {
            object,
            delta: i32::try_from(below(dice, 9)).expect("small") - 3,
        },
        43..51 => Edit::Token { object },
        51..53 => Edit::Extend(number(dice)),
        53 => Edit::Send(number(dice)),
        54..58 if layout.asymmetric(0).is_some() => Edit::Send(number(dice)),
        _ => {
            // A few columns more often than the others, so that changes meet.
            let column = below(dice, 8).min(below(dice, 8));
            Edit::Change {
                object,
                column,
                dice: number(dice),
            }
        }
    }
}

fn layout(dice: &mut Dice) -> Layout {
    let mut layout = Layout::default();
    let (tops, embedded) = (1 + dice.below(2), dice.below(3));
    for name in ["A", "B"].into_iter().take(tops) {
        let class_use = ClassUse::Top {
            key_type: dice.pick(&KEY_TYPES).1,
            nullable: dice.chance(15),
        };
        add_class(&mut layout, name, class_use);
    }
    for name in ["E", "F"].into_iter().take(embedded) {
        add_class(&mut layout, name, ClassUse::Embedded);
    }
    if dice.chance(35) {
        add_class(&mut layout, "Q", ClassUse::Asymmetric);
    }
    for class in 0..layout.classes.len() {
        let count = match layout.classes[class].class_use {
            ClassUse::Top { .. } => 3 + dice.below(5),
            ClassUse::Asymmetric => 1 + dice.below(4),
            ClassUse::Embedded => 1 + dice.below(3),
        };
        for number in 0..count {
            // An asymmetric class may hold whatever a class of its own may.
            let within = class.saturating_sub(tops + embedded);
            let spec = column(dice, tops, embedded, if within > 0 { 0 } else { class });
            let is_extra = number > 1 && dice.chance(25);
            let prefix = if is_extra { 'x' } else { 'f' };
            let name = format!("{prefix}{number}");
            layout.classes[class].columns.push(ColumnLayout {
                name,
                spec,
                is_extra,
            });
        }
    }
    layout
}

/// One class, and columns that hold lists and more inside each other.
fn narrow_layout(dice: &mut Dice) -> Layout {
    let mut layout = Layout::default();
    let key_type = dice.pick(&KEY_TYPES).1;
    add_class(
        &mut layout,
        "A",
        ClassUse::Top {
            key_type,
            nullable: false,
        },
    );
    add_class(&mut layout, "E", ClassUse::Embedded);
    let embedded = |collection: CollectionKind| {
        let nullable = collection != CollectionKind::List;
        ColumnSpec::new(ColumnType::Link, nullable, collection, Some("E".into()))
    };
    let mixed = |collection| ColumnSpec::new(ColumnType::Mixed, true, collection, None);
    let outer = [
        embedded(CollectionKind::List),
        embedded(CollectionKind::List),
        embedded(CollectionKind::Dictionary),
        embedded(CollectionKind::Single),
        mixed(CollectionKind::Single),
        mixed(CollectionKind::List),
        mixed(CollectionKind::Dictionary),
        ColumnSpec::new(ColumnType::String, false, CollectionKind::List, None),
    ];
    let int = |nullable, collection| ColumnSpec::new(ColumnType::Int, nullable, collection, None);
    let inner = [
        int(false, CollectionKind::Single),
        int(true, CollectionKind::Single),
        int(false, CollectionKind::List),
        int(false, CollectionKind::Set),
        mixed(CollectionKind::List),
        mixed(CollectionKind::Single),
        mixed(CollectionKind::Set),
        embedded(CollectionKind::List),
    ];
    let fill = |dice: &mut Dice, class: &mut ClassLayout, specs: &[ColumnSpec], count: usize| {
        for number in 0..count {
            let spec = dice.pick(specs).clone();
            class.columns.push(ColumnLayout {
                name: format!("f{number}"),
                spec,
                is_extra: false,
            });
        }
    };
    let count = 1 + dice.below(2);
    fill(dice, &mut layout.classes[0], &outer, count);
    let count = 1 + dice.below(3);
    fill(dice, &mut layout.classes[1], &inner, count);
    layout
}

/// One class with a list, in whose elements are lists, so that what happens to an element meets what happens
/// in the list inside it.
fn lists_in_lists(dice: &mut Dice) -> Layout {
    let mut layout = Layout::default();
    let class_use = ClassUse::Top {
        key_type: dice.pick(&KEY_TYPES).1,
        nullable: false,
    };
    add_class(&mut layout, "A", class_use);
    add_class(&mut layout, "E", ClassUse::Embedded);
    let list = |column_type, target: Option<&str>| {
        let target = target.map(Into::into);
        let nullable = column_type == ColumnType::Mixed;
        ColumnSpec::new(column_type, nullable, CollectionKind::List, target)
    };
    let outer = if dice.chance(70) {
        list(ColumnType::Link, Some("E"))
    } else {
        list(ColumnType::Mixed, None)
    };
    let inner = list(*dice.pick(&[ColumnType::Int, ColumnType::String]), None);
    let kind = *dice.pick(&[CollectionKind::Single, CollectionKind::Set]);
    let numbers = ColumnSpec::new(ColumnType::Int, false, kind, None);
    for (class, name, spec) in [(0, "f0", outer), (1, "f0", inner), (1, "f1", numbers)] {
        layout.classes[class].columns.push(ColumnLayout {
            name: name.to_owned(),
            spec,
            is_extra: false,
        });
    }
    if dice.chance(50) {
        layout.classes[1].columns.pop();
    }
    layout
}

fn add_class(layout: &mut Layout, name: &str, class_use: ClassUse) {
    layout.classes.push(ClassLayout {
        name: name.to_owned(),
        class_use,
        columns: Vec::new(),
    });
}

fn column(dice: &mut Dice, tops: usize, embedded: usize, class: usize) -> ColumnSpec {
    let collection = *dice.pick(&[
        CollectionKind::Single,
        CollectionKind::Single,
        CollectionKind::List,
        CollectionKind::List,
        CollectionKind::Dictionary,
        CollectionKind::Set,
    ]);
    // Embedded classes hold only embedded ones that come after them: there is no end otherwise.
    let inner = class.saturating_sub(tops) + usize::from(class >= tops);
    if inner < embedded && collection != CollectionKind::Set && dice.chance(30) {
        let name = ["E", "F"][inner + dice.below(embedded - inner)];
        let nullable = collection != CollectionKind::List;
        return ColumnSpec::new(ColumnType::Link, nullable, collection, Some(name.into()));
    }
    let column_type = if dice.chance(30) {
        ColumnType::Mixed
    } else {
        dice.pick(&COLUMN_TYPES).1
    };
    match column_type {
        ColumnType::Link => {
            let name = ["A", "B"][dice.below(tops)];
            let nullable = matches!(
                collection,
                CollectionKind::Single | CollectionKind::Dictionary
            );
            ColumnSpec::new(ColumnType::Link, nullable, collection, Some(name.into()))
        }
        ColumnType::Mixed => ColumnSpec::new(ColumnType::Mixed, true, collection, None),
        column_type => ColumnSpec::new(column_type, dice.chance(40), collection, None),
    }
}
