//! Views, compiled: which objects a client sees, and which it saw at any version.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tidemark_changeset::Name;

use crate::field_access::FieldAccess;
use crate::fields::ObjectRow;
use crate::object::ClassNumber;
use crate::predicate::{Predicate, means_everything};
use crate::schema::LedgerSchema;
use crate::schema_versions::{Names, shown_text};
use crate::view_list::{ClassRule, Element, ElementKind, ViewList, ViewRules};

/// What a user may do in one class: predicates over its objects, and access to their fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassRole {
    /// Which objects the user may read.
    pub read: String,
    /// Which objects the user may write, before and after the write.
    pub write: String,
    /// Which objects the user may create, as the creation leaves them; includes `write`.
    pub insert: String,
    /// Which objects the user may delete, as they were; includes `write`.
    pub delete: String,
    /// Which fields the user may read. What may be written may be read as well.
    pub readable: FieldAccess,
    /// Which fields the user may write.
    pub writable: FieldAccess,
}

impl ClassRole {
    /// The role that reads by one predicate and writes, creates and deletes by another, with all fields.
    pub fn by_predicates(read: &str, write: &str) -> Self {
        Self {
            read: read.to_owned(),
            write: write.to_owned(),
            insert: write.to_owned(),
            delete: write.to_owned(),
            readable: FieldAccess::all(),
            writable: FieldAccess::all(),
        }
    }

    /// Which fields the user is sent.
    pub fn visible(&self) -> FieldAccess {
        self.readable.union(&self.writable)
    }
}

/// What a user may read and write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// For classes not named.
    pub default: ClassRole,
    /// For classes by name.
    pub classes: BTreeMap<String, ClassRole>,
}

impl Role {
    /// The role that may do everything.
    pub fn everything() -> Self {
        let everything = crate::predicate::EVERYTHING;
        Self {
            default: ClassRole::by_predicates(everything, everything),
            classes: BTreeMap::new(),
        }
    }

    /// The rules for a class, by its physical name as well: they are written for the shown one.
    pub fn of(&self, class: &str) -> &ClassRole {
        self.classes.get(shown_text(class)).unwrap_or(&self.default)
    }
}

/// The rules of a view, by physical names of classes: what was subscribed to, as far as the role allows
/// reading it. `names` are those of the client's version of the schema.
pub fn effective_rules(
    names: &Names<'_>,
    subscriptions: &BTreeMap<String, String>,
    role: &Role,
) -> ViewRules {
    let schema = names.schema;
    let newest = schema.newest_names();
    let classes = subscriptions.iter().filter_map(|(class, subscription)| {
        // What only other versions have is not in the view.
        let number = names.number(&Name::from(class.as_str()))?;
        let name = schema.name(number)?;
        let of_class = role.of(class);
        let read = &of_class.read;
        let reads = if means_everything(read) {
            Vec::new()
        } else {
            vec![read.clone()]
        };
        let unbound = !newest.shows(number)
            || reads
                .iter()
                .any(|read| Predicate::compile(&newest, name, read).is_err());
        let version = reads
            .iter()
            .map(|read| first_version(schema, name, read))
            .max();
        let rule = ClassRule {
            subscription: subscription.clone(),
            reads,
            unbound,
            readable: of_class.visible(),
            version: version.unwrap_or(0),
            gone: gone_fields(names, number, class, subscription),
        };
        Some((name.as_str()?.to_owned(), rule))
    });
    ViewRules {
        classes: classes.collect(),
    }
}

/// The first version of the schema from which on a rule means what it means in the newest: rules that are
/// compared must differ only where a change of the schema concerns them.
fn first_version(schema: &LedgerSchema, class: &Name, text: &str) -> u64 {
    let bind = |version| Predicate::compile(&schema.names(version)?, class, text).ok();
    let mut first = schema.newest_version();
    let newest = bind(first);
    let is_same = |other: Option<Predicate>| match (&newest, other) {
        (Some(newest), Some(other)) => newest.reads_as(&other),
        (None, None) => true,
        _ => false,
    };
    while first > 0 && is_same(bind(first - 1)) {
        first -= 1;
    }
    first
}

/// Fields of a subscription that are not in the client's version of the schema, or not in the newest: it asks
/// in vain for what they hold.
fn gone_fields(names: &Names<'_>, class: ClassNumber, shown: &str, text: &str) -> Vec<String> {
    if names.are_plain() {
        return Vec::new();
    }
    let newest = names.schema.newest_names();
    let mut fields = Predicate::fields(&names.with_others(), shown, text).unwrap_or_default();
    fields.retain(|field| {
        let name = Name::from(field.as_str());
        let column = names.column(class, &name);
        let stays = column.is_some() && newest.column(class, &name) == column;
        !stays && !names.schema.is_key(class, field)
    });
    fields
}

/// Rules narrowed by what a new role allows: in force after `download` until the bootstrap under the new role
/// was sent: which objects, and which of their fields.
/// `None` if that narrows nothing. A class whose new rule reads what entries since do not say is left out
/// whole: where its objects passed the border could not be told. So is one that the newest version of the
/// schema lacks, or in which the rule means something else than in the names of the old rules.
pub fn narrowed_rules(
    schema: &LedgerSchema,
    rules: &ViewRules,
    role: &Role,
    download: u64,
) -> Option<ViewRules> {
    let newest = schema.newest_names();
    let mut narrowed = rules.clone();
    for (class, rule) in &mut narrowed.classes {
        let of_class = role.of(class);
        rule.readable = rule.readable.intersection(&of_class.visible());
        let name = Name::from(class.as_str());
        let number = schema.number(&name);
        rule.unbound |= !number.is_some_and(|class| newest.shows(class));
        let read = &of_class.read;
        if means_everything(read) {
            continue;
        }
        // The rules mean what they meant in the names of an older version, also the one that is still said.
        rule.unbound |= rule.version != first_version(schema, &name, read);
        if rule.reads.contains(read) {
            continue;
        }
        let evaluated = |predicate: &Predicate| {
            number.is_some_and(|class| {
                let mut columns = predicate.columns().iter();
                columns.all(|column| schema.is_evaluated_after(class, *column, download))
            })
        };
        let compiled = Predicate::compile(&newest, &name, read);
        rule.unbound |= !compiled.is_ok_and(|read| evaluated(&read));
        rule.reads.push(read.clone());
    }
    (narrowed != *rules).then_some(narrowed)
}

/// A view, bound to the schema. Columns are only ever added, and versions keep their names, so the binding
/// stays right.
#[derive(Debug, Default)]
pub struct View {
    classes: Vec<(ClassNumber, Vec<Predicate>)>,
    /// Which fields, of classes of which it is not all. Also of those of which no object is in the view.
    readable: FxHashMap<ClassNumber, FieldAccess>,
}

impl View {
    /// Binds rules, the subscriptions in the names of a client. Rules that do not fit match nothing.
    pub fn compile(names: &Names<'_>, rules: &ViewRules) -> Self {
        let schema = names.schema;
        let (mut classes, mut readable) = (Vec::new(), FxHashMap::default());
        for (class, rule) in &rules.classes {
            let name = Name::from(class.as_str());
            let Some(number) = schema.number(&name) else {
                continue;
            };
            if !rule.readable.is_all() {
                readable.insert(number, rule.readable.clone());
            }
            if rule.unbound || schema.is_asymmetric(number) {
                continue;
            }
            let open = (&rule.readable, rule.gone.as_slice());
            let asked = Predicate::compile_readable(names, &name, &rule.subscription, open);
            let of_roles = schema.names(rule.version);
            let reads = rule.reads.iter().map(|text| {
                let names = of_roles.as_ref().ok_or("no such version of the schema")?;
                Predicate::compile(names, &name, text)
            });
            let mut predicates: Vec<Predicate> = std::iter::once(asked)
                .chain(reads)
                .map(|predicate| predicate.unwrap_or(Predicate::Nothing))
                .collect();
            predicates.retain(|predicate| !matches!(predicate, Predicate::Everything));
            classes.push((number, predicates));
        }
        classes.sort_by_key(|(number, _)| *number);
        Self { classes, readable }
    }

    /// Whether an object is in the view.
    pub fn contains(&self, class: ClassNumber, object: &ObjectRow<'_>) -> bool {
        let predicates = self.class(class);
        predicates.is_some_and(|all| all.iter().all(|predicate| predicate.matches(object)))
    }

    /// Whether the view holds every object of a class.
    pub fn contains_all(&self, class: ClassNumber) -> bool {
        self.class(class).is_some_and(<[_]>::is_empty)
    }

    /// Which fields of the objects of a class are in the view, if not all.
    pub fn readable(&self, class: ClassNumber) -> Option<&FieldAccess> {
        self.readable.get(&class)
    }

    /// Whether objects of a class can be in the view.
    pub fn names(&self, class: ClassNumber) -> bool {
        self.class(class).is_some()
    }

    /// The classes of which objects can be in the view.
    pub fn classes(&self) -> impl Iterator<Item = ClassNumber> + '_ {
        self.classes.iter().map(|(class, _)| *class)
    }

    /// Columns the view's predicates read, by class.
    pub fn columns(&self) -> impl Iterator<Item = (ClassNumber, Vec<u16>)> + '_ {
        self.classes.iter().map(|(class, predicates)| {
            let columns = predicates.iter().flat_map(Predicate::columns);
            (*class, columns.copied().collect())
        })
    }

    /// The predicates that an object of a class has to match, all of them; `None` if none can be in the view.
    pub fn class(&self, class: ClassNumber) -> Option<&[Predicate]> {
        let found = self
            .classes
            .binary_search_by_key(&class, |(number, _)| *number)
            .ok()?;
        self.classes
            .get(found)
            .map(|(_, predicates)| predicates.as_slice())
    }
}

/// The views of a client over the versions, compiled.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// File ident of the client.
    pub ident: u64,
    /// Whether the client merges and stores as the original does.
    pub is_original: bool,
    /// The version of the schema that the client file is of.
    pub schema_version: u64,
    /// The list as it is stored.
    pub list: ViewList,
    views: Vec<Arc<View>>,
}

impl Timeline {
    /// Compiles a stored list in the names of the client's version of the schema.
    pub fn new(ident: u64, is_original: bool, names: &Names<'_>, list: ViewList) -> Self {
        let mut timeline = Self {
            ident,
            is_original,
            schema_version: names.version(),
            list,
            views: Vec::new(),
        };
        timeline.refresh(names);
        timeline
    }

    /// Compiles rules that were added to the list since.
    pub fn refresh(&mut self, names: &Names<'_>) {
        let new = self.list.rules.get(self.views.len()..).unwrap_or_default();
        let compiled: Vec<_> = new
            .iter()
            .map(|rules| Arc::new(View::compile(names, rules)))
            .collect();
        self.views.extend(compiled);
    }

    /// A view by its index in the list.
    pub fn view(&self, index: usize) -> &Arc<View> {
        self.views
            .get(index)
            .expect("a view list names only rules it holds")
    }

    /// The element in force at a version.
    pub fn element_at(&self, version: u64) -> &Element {
        let index = self.list.in_force(version);
        self.list
            .elements
            .get(index)
            .expect("a view list has at least one element")
    }

    /// Which fields of a class the client is sent of a version, if not all: those of the view that is in
    /// force then, less what a role took away that came while the client was on its way to it.
    pub fn readable_at(&self, version: u64, class: ClassNumber) -> Option<Cow<'_, FieldAccess>> {
        let mut readable = self.view_at(version).readable(class).map(Cow::Borrowed);
        for element in &self.list.elements {
            let held_back = element.kind == ElementKind::Guard
                && element.since < version
                && version < element.from;
            let by_guard = self.view(element.view).readable(class);
            if let Some(by_guard) = by_guard.filter(|_| held_back) {
                readable = Some(match readable {
                    Some(readable) => Cow::Owned(readable.intersection(by_guard)),
                    None => Cow::Borrowed(by_guard),
                });
            }
        }
        readable
    }

    /// The view in force at a version.
    pub fn view_at(&self, version: u64) -> &Arc<View> {
        self.view(self.element_at(version).view)
    }
}
