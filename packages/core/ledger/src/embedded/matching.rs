//! Which live sessions a commit concerns, found from the values of what it touched.
//!
//! Sessions with the same rule for a class are one group. A group whose rule pins fields to constants
//! ([`tidemark_query::Pin`]) is found by the values of a touched object; the rule of any other group is
//! evaluated once for each touched object, whoever subscribed. So what a change costs does not grow with the
//! number of sessions that it does not concern (decision 17).
//!
//! What counts here is the view that a session has for versions to come. A session's own entries, and
//! changes of the schema, concern it whatever they say.

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustc_hash::{FxHashMap, FxHashSet};
use tidemark_changeset::ColumnType;
use tidemark_query::{Pin, PinnedValue, Place, Steps};

use super::before_images::lock;
use super::sessions::{Session, SessionId};
#[cfg(test)]
use super::stored::asked;
use crate::entries::TouchedClass;
use crate::fields::{Fields, ObjectRow};
use crate::limits::{JUDGE_RULE_STEPS_MAX, JUDGE_STEPS_MAX};
use crate::object::ClassNumber;
use crate::predicate::Predicate;
use crate::schema::LedgerSchema;
use crate::view_list::{ClassRule, ElementKind};
use crate::views::{Timeline, View};

/// After so many versions without anything for a client it is told of its new cursor, so that it need not
/// walk them again after a reconnect.
pub(super) const CURSOR_LAG_MAX: u64 = 10_000;

/// One session is looked at for its cursor each time this many versions were made, so that this, too, costs a
/// change the same however many there are.
const VERSIONS_PER_PATROL: u64 = 8;

/// Noting a version with a session takes as long as so many steps of judging.
const STEPS_PER_NOTE: u64 = 4;

/// What the matcher asks of an entry that is about to be committed.
#[derive(Debug)]
pub(super) struct Made {
    /// Its version.
    pub version: u64,
    /// File ident of who made it.
    pub origin: u64,
    /// Whether it changes the schema.
    pub changes_schema: bool,
    /// What it touches.
    pub classes: Vec<TouchedClass>,
}

impl Made {
    /// An entry of these touched objects, whose rows are not looked at.
    pub fn new(
        origin: u64,
        version: u64,
        schema_instructions: usize,
        mut classes: Vec<TouchedClass>,
    ) -> Self {
        for object in classes.iter_mut().flat_map(|class| &mut class.objects) {
            object.image = None;
        }
        Self {
            version,
            origin,
            changes_schema: schema_instructions > 0,
            classes,
        }
    }
}

/// A session by its number.
pub(super) type Numbered = (SessionId, Arc<Session>);

type GroupId = usize;

/// The live sessions, by what they subscribe to.
#[derive(Debug, Default)]
pub(super) struct Matcher {
    members: FxHashMap<SessionId, Member>,
    by_ident: FxHashMap<u64, SessionId>,
    groups: Groups,
    classes: FxHashMap<ClassNumber, ClassGroups>,
    /// Sessions whose view may not say all that they see.
    unsettled: FxHashSet<SessionId>,
    /// All sessions, in the order in which their cursors are looked at.
    patrol: Vec<SessionId>,
    patrol_next: usize,
    patrolled: u64,
    /// Commits and entries that were judged.
    commits: u64,
    entries: u64,
}

#[derive(Debug)]
struct Member {
    session: Arc<Session>,
    groups: Vec<GroupId>,
    /// Where it stands in the patrol.
    patrol: usize,
}

/// Sessions of one version of the schema with one rule for a class.
#[derive(Debug)]
struct Group {
    class: ClassNumber,
    schema_version: u64,
    rule: Arc<ClassRule>,
    /// A view with that rule.
    view: Arc<View>,
    found: Found,
    members: FxHashMap<SessionId, Arc<Session>>,
    /// The entry that was last found to concern it.
    judged: u64,
    /// The commit that was last judged by it, and the steps that has taken.
    cost: (u64, u64),
}

/// How a group is found.
#[derive(Debug)]
enum Found {
    /// By any object of the class.
    Always,
    /// By the value of a field.
    ByValue(Vec<Pin>),
    /// By evaluating its rule.
    ByRule,
}

#[derive(Debug, Default)]
struct Groups {
    slots: Vec<Option<Group>>,
    free: Vec<GroupId>,
}

#[derive(Debug, Default)]
struct ClassGroups {
    /// By the version of the schema in whose names the rule is written.
    by_rule: FxHashMap<u64, FxHashMap<Arc<ClassRule>, GroupId>>,
    always: FxHashSet<GroupId>,
    evaluated: FxHashSet<GroupId>,
    pinned: FxHashMap<Place, FxHashMap<PinnedValue, FxHashSet<GroupId>>>,
}

impl Groups {
    fn add(&mut self, group: Group) -> GroupId {
        if let Some(id) = self.free.pop() {
            if let Some(slot) = self.slots.get_mut(id) {
                *slot = Some(group);
            }
            return id;
        }
        self.slots.push(Some(group));
        self.slots.len() - 1
    }

    fn get_mut(&mut self, id: GroupId) -> Option<&mut Group> {
        self.slots.get_mut(id)?.as_mut()
    }

    fn remove(&mut self, id: GroupId) -> Option<Group> {
        let group = self.slots.get_mut(id)?.take();
        self.free.push(id);
        group
    }
}

impl ClassGroups {
    /// How to find a group with this view: by the pins that the fewest others share.
    fn found_by(&self, view: &View, class: ClassNumber) -> Found {
        if view.contains_all(class) {
            return Found::Always;
        }
        let shared = |pin: &Pin| {
            let values = self.pinned.get(&pin.place);
            values
                .and_then(|values| values.get(&pin.value))
                .map_or(0, FxHashSet::len)
        };
        let cost = |pins: &Vec<Pin>| (pins.iter().map(shared).sum::<usize>(), pins.len());
        let predicates = view.class(class).unwrap_or_default().iter();
        let choices = predicates.flat_map(Predicate::pins);
        choices
            .min_by_key(cost)
            .map_or(Found::ByRule, Found::ByValue)
    }

    fn insert(&mut self, id: GroupId, found: &Found) {
        match found {
            Found::Always => {
                self.always.insert(id);
            }
            Found::ByRule => {
                self.evaluated.insert(id);
            }
            Found::ByValue(pins) => {
                for pin in pins {
                    let values = self.pinned.entry(pin.place).or_default();
                    values.entry(pin.value.clone()).or_default().insert(id);
                }
            }
        }
    }

    fn remove(&mut self, id: GroupId, found: &Found) {
        self.always.remove(&id);
        self.evaluated.remove(&id);
        let Found::ByValue(pins) = found else { return };
        for pin in pins {
            let Some(values) = self.pinned.get_mut(&pin.place) else {
                continue;
            };
            if let Some(groups) = values.get_mut(&pin.value) {
                groups.remove(&id);
                if groups.is_empty() {
                    values.remove(&pin.value);
                }
            }
            if values.is_empty() {
                self.pinned.remove(&pin.place);
            }
        }
    }

    /// Groups found by value that an object with this row may concern.
    fn candidates(&self, row: &ObjectRow<'_>, out: &mut Vec<GroupId>) {
        for (place, values) in &self.pinned {
            match PinnedValue::of(row, *place) {
                Some(value) => out.extend(values.get(&value).into_iter().flatten()),
                None if is_mixed(row, *place) => {}
                None => out.extend(values.values().flatten()),
            }
        }
    }
}

fn is_mixed(row: &ObjectRow<'_>, place: Place) -> bool {
    match place {
        Place::Key => false,
        Place::Column(column) => row
            .columns
            .get(column)
            .is_some_and(|column| column.column_type == ColumnType::Mixed),
    }
}

impl Matcher {
    /// Takes a session in, or notes that it has other views by now. An older session of its client file is no
    /// longer asked about.
    pub fn register(
        &mut self,
        schema: &LedgerSchema,
        (id, session): Numbered,
        timeline: &Timeline,
    ) {
        if let Some(older) = self.by_ident.insert(session.ident, id) {
            self.remove(older);
            self.by_ident.insert(session.ident, id);
        }
        let element = timeline.element_at(u64::MAX);
        if element.kind == ElementKind::Guard {
            self.unsettled.insert(id);
        }
        let view = timeline.view(element.view);
        let rules = timeline.list.rules.get(element.view);
        let mut groups = Vec::new();
        for (class, rule) in rules.iter().flat_map(|rules| &rules.classes) {
            let number = schema.number(&class.as_str().into());
            if let Some(number) = number.filter(|number| view.names(*number)) {
                let rule = (timeline.schema_version, rule);
                groups.push(self.join(number, rule, view, (id, &session)));
            }
        }
        let patrol = self.patrol.len();
        self.patrol.push(id);
        let member = Member {
            session,
            groups,
            patrol,
        };
        self.members.insert(id, member);
    }

    fn join(
        &mut self,
        class: ClassNumber,
        (schema_version, rule): (u64, &ClassRule),
        view: &Arc<View>,
        (id, session): (SessionId, &Arc<Session>),
    ) -> GroupId {
        let groups = self.classes.entry(class).or_default();
        let of_version = groups.by_rule.get(&schema_version);
        let known = of_version.and_then(|rules| rules.get(rule)).copied();
        let group = known.unwrap_or_else(|| {
            let rule = Arc::new(rule.clone());
            let found = groups.found_by(view, class);
            let group = self.groups.add(Group {
                class,
                schema_version,
                rule: Arc::clone(&rule),
                view: Arc::clone(view),
                found,
                members: FxHashMap::default(),
                judged: 0,
                cost: (0, 0),
            });
            if let Some(Group { found, .. }) = self.groups.get_mut(group) {
                groups.insert(group, found);
            }
            let of_version = groups.by_rule.entry(schema_version).or_default();
            of_version.insert(rule, group);
            group
        });
        if let Some(group) = self.groups.get_mut(group) {
            group.members.insert(id, Arc::clone(session));
        }
        group
    }

    /// Forgets a session.
    pub fn remove(&mut self, id: SessionId) {
        let Some(member) = self.members.remove(&id) else {
            return;
        };
        self.unsettled.remove(&id);
        if self.by_ident.get(&member.session.ident) == Some(&id) {
            self.by_ident.remove(&member.session.ident);
        }
        self.patrol.swap_remove(member.patrol);
        if let Some(moved) = self.patrol.get(member.patrol)
            && let Some(moved) = self.members.get_mut(moved)
        {
            moved.patrol = member.patrol;
        }
        for id_of_group in member.groups {
            let Some(group) = self.groups.get_mut(id_of_group) else {
                continue;
            };
            group.members.remove(&id);
            if !group.members.is_empty() {
                continue;
            }
            if let Some(group) = self.groups.remove(id_of_group)
                && let Some(class) = self.classes.get_mut(&group.class)
            {
                if let Some(rules) = class.by_rule.get_mut(&group.schema_version) {
                    rules.remove(&group.rule);
                    if rules.is_empty() {
                        class.by_rule.remove(&group.schema_version);
                    }
                }
                class.remove(id_of_group, &group.found);
            }
        }
    }

    /// The session of a client file.
    pub fn of_ident(&self, ident: u64) -> Option<Numbered> {
        let id = self.by_ident.get(&ident)?;
        Some((*id, Arc::clone(&self.members.get(id)?.session)))
    }

    /// Notes with each session which of these entries concern it, and names those that any does.
    pub fn judge(
        &mut self,
        schema: &LedgerSchema,
        made: &[Made],
        looks_before: bool,
    ) -> Vec<Numbered> {
        self.commits += 1;
        let mut judging = Judging {
            schema,
            looks_before,
            commit: self.commits,
            steps: JUDGE_STEPS_MAX,
            named: Vec::new(),
            open: Vec::new(),
            candidates: Vec::new(),
        };
        for entry in made {
            self.entries += 1;
            if let Some(own) = self.of_ident(entry.origin) {
                judging.concern(entry.version, own.0, &own.1);
            }
            let all = entry
                .changes_schema
                .then_some(&self.members)
                .into_iter()
                .flatten();
            for (id, member) in all {
                judging.concern(entry.version, *id, &member.session);
            }
            let unsettled = self.unsettled.iter().filter(|_| !entry.classes.is_empty());
            for id in unsettled {
                if let Some(member) = self.members.get(id) {
                    judging.concern(entry.version, *id, &member.session);
                }
            }
            for touched in &entry.classes {
                if let Some(class) = self.classes.get(&touched.class) {
                    judging.class(
                        class,
                        &mut self.groups,
                        (entry.version, self.entries),
                        touched,
                    );
                }
            }
            if judging.steps == 0 {
                break;
            }
        }
        if judging.steps == 0
            && let Some(last) = made.last()
        {
            for (id, member) in &self.members {
                lock(&member.session.concerns).note_through(last.version);
                judging.name(*id, &member.session);
            }
        }
        judging.named
    }

    /// Looks at a few sessions, and names those whose clients were not told of their cursor for long.
    pub fn patrol(&mut self, newest: u64, named: &mut Vec<Numbered>) {
        let round = VERSIONS_PER_PATROL.saturating_mul(self.patrol.len() as u64);
        self.patrolled = self.patrolled.max(newest.saturating_sub(round));
        while self.patrolled + VERSIONS_PER_PATROL <= newest && !self.patrol.is_empty() {
            self.patrolled += VERSIONS_PER_PATROL;
            self.patrol_next = (self.patrol_next + 1) % self.patrol.len();
            let id = self.patrol.get(self.patrol_next);
            let member = id.and_then(|id| Some((*id, self.members.get(id)?)));
            if let Some((id, member)) = member {
                let sent = member.session.sent.load(Ordering::Acquire);
                if newest.saturating_sub(sent) >= CURSOR_LAG_MAX {
                    named.push((id, Arc::clone(&member.session)));
                }
            }
        }
    }
}

/// The entries of one commit being judged.
struct Judging<'a> {
    schema: &'a LedgerSchema,
    looks_before: bool,
    /// Number of the commit: a session is named once in it.
    commit: u64,
    /// Steps that are left. When there are none, everybody is concerned.
    steps: u64,
    named: Vec<Numbered>,
    /// Groups that the entry at hand does not concern so far, of those that any object may.
    open: Vec<GroupId>,
    candidates: Vec<GroupId>,
}

impl Judging<'_> {
    fn take(&mut self, steps: u64) {
        #[cfg(test)]
        asked::count(
            |asked| &mut asked.steps,
            usize::try_from(steps).unwrap_or(0),
        );
        self.steps = self.steps.saturating_sub(steps);
    }

    fn concern(&mut self, version: u64, id: SessionId, session: &Arc<Session>) {
        self.take(STEPS_PER_NOTE);
        lock(&session.concerns).note(version);
        self.name(id, session);
    }

    fn name(&mut self, id: SessionId, session: &Arc<Session>) {
        // Numbers of commits begin with 1, marks with what no number is.
        if session.named_in.swap(self.commit, Ordering::Relaxed) != self.commit {
            self.named.push((id, Arc::clone(session)));
        }
    }

    fn class(
        &mut self,
        class: &ClassGroups,
        groups: &mut Groups,
        entry: (u64, u64),
        touched: &TouchedClass,
    ) {
        let (Some(name), Some(definition)) = (
            self.schema.name(touched.class),
            self.schema.class(touched.class),
        ) else {
            return;
        };
        let mut open = std::mem::take(&mut self.open);
        let mut candidates = std::mem::take(&mut self.candidates);
        open.extend(&class.always);
        open.extend(&class.evaluated);
        for object in &touched.objects {
            let before = object.before.as_deref().filter(|_| self.looks_before);
            let after = object
                .after
                .as_deref()
                .filter(|after| Some(*after) != before);
            for values in before.into_iter().chain(after) {
                let row = ObjectRow {
                    class: name,
                    object: &object.object,
                    key: OnceCell::new(),
                    columns: &definition.columns,
                    schema: &self.schema.model,
                    fields: Fields::Some {
                        columns: &touched.columns,
                        values,
                    },
                };
                open.retain(|id| !self.looks_at(groups.get_mut(*id), entry, &row));
                class.candidates(&row, &mut candidates);
                for id in candidates.drain(..) {
                    self.looks_at(groups.get_mut(id), entry, &row);
                }
            }
            if self.steps == 0 {
                break;
            }
        }
        open.clear();
        (self.open, self.candidates) = (open, candidates);
    }

    /// Judges a row by the rule of a group. Whether the entry is known to concern the group.
    fn looks_at(
        &mut self,
        group: Option<&mut Group>,
        (version, entry): (u64, u64),
        row: &ObjectRow<'_>,
    ) -> bool {
        self.take(1);
        let Some(group) = group else { return true };
        if group.judged == entry {
            return true;
        }
        if !self.may_hold(group, row) {
            return false;
        }
        group.judged = entry;
        for (id, session) in &group.members {
            self.concern(version, *id, session);
        }
        true
    }

    /// Whether a row is in the view of a group, or finding that out would take more steps than there are.
    fn may_hold(&mut self, group: &mut Group, row: &ObjectRow<'_>) -> bool {
        #[cfg(test)]
        asked::count(|asked| &mut asked.rules, 1);
        if group.cost.0 != self.commit {
            group.cost = (self.commit, 0);
        }
        let left = JUDGE_RULE_STEPS_MAX.saturating_sub(group.cost.1);
        let most = left.min(self.steps);
        let steps = Steps::new(most);
        let holds = |rule: &Predicate| rule.matches_within(row, &steps);
        let rules = group.view.class(group.class).unwrap_or_default();
        let first = rules.iter().map(holds).find(|holds| *holds != Some(true));
        let taken = most - steps.left();
        group.cost.1 += taken;
        self.take(taken);
        first != Some(Some(false))
    }
}
