//! The views of a client as they are stored: which rules were in force from which version on.
//!
//! Everything later derived from views (what was withheld, where the client was sent an erasure) is derived
//! from rules that are frozen here when they are decided: the view, the view it replaced, and what else a
//! bootstrap had to repair. Only the state of an element changes afterwards.

use rustc_hash::FxHashMap;

use crate::bytes::{Reader, put_number};
use crate::error::{LedgerError, Result};
pub use crate::view_rules::{ClassRule, ViewRules};

/// Stands before lists that say which fields are in a view; older ones begin with a number that is not zero.
const FORMAT_MARK: u64 = 0;
const FORMAT: u8 = 3;
/// Lists whose rules do not say of which version of the schema they are.
const FORMAT_WITHOUT_VERSIONS: u8 = 2;

/// How an element came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementKind {
    /// The empty view every client begins with.
    Initial,
    /// A bootstrap: the client is sent the difference.
    Bootstrap,
    /// A narrowing by new rules, in force until the bootstrap that follows; the client is sent nothing for
    /// it.
    Guard,
}

/// What is known of a bootstrap's arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementState {
    /// It may have arrived.
    Unconfirmed,
    /// It arrived.
    Confirmed,
    /// It did not arrive whole before the session ended. Never in force again; its parts may still be applied
    /// together with a later bootstrap.
    Dead,
}

/// An earlier bootstrap or narrowing whose traces a bootstrap had to repair, frozen when that one was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Version as of which the two views differ.
    pub at: u64,
    /// Objects that entered or left one of the two views up to here count too.
    pub through: u64,
    /// Index of the view replaced.
    pub before: usize,
    /// Index of the view put in its place.
    pub view: usize,
}

/// One element of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// How it came to be.
    pub kind: ElementKind,
    /// Version from which on it is in force. A bootstrap's own version D.
    pub from: u64,
    /// Of a guard, what the client had integrated when it was made: it was sent no more than the guard's
    /// fields from then on, although the guard's view came later.
    pub since: u64,
    /// Query version it answers.
    pub query_version: u64,
    /// Index of its rules.
    pub view: usize,
    /// Index of the rules it replaced.
    pub before: usize,
    /// Whether the client has it.
    pub state: ElementState,
    /// What else it repaired.
    pub leftovers: Vec<Leftover>,
}

/// All elements still needed, oldest first, and the rules they name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewList {
    /// Rules by index.
    pub rules: Vec<ViewRules>,
    /// The elements.
    pub elements: Vec<Element>,
}

impl Default for ViewList {
    fn default() -> Self {
        let initial = Element {
            kind: ElementKind::Initial,
            from: 0,
            since: 0,
            query_version: 0,
            view: 0,
            before: 0,
            state: ElementState::Confirmed,
            leftovers: Vec::new(),
        };
        Self {
            rules: vec![ViewRules::default()],
            elements: vec![initial],
        }
    }
}

impl ViewList {
    /// Index of the element in force at a version.
    pub fn in_force(&self, version: u64) -> usize {
        self.elements
            .iter()
            .rposition(|element| element.state != ElementState::Dead && element.from <= version)
            .unwrap_or(0)
    }

    /// Index of these rules, added if they are new.
    pub fn intern(&mut self, rules: &ViewRules) -> usize {
        if let Some(index) = self.rules.iter().position(|known| known == rules) {
            return index;
        }
        self.rules.push(rules.clone());
        self.rules.len() - 1
    }

    /// Takes note of an IDENT: what was not integrated by then never will be as it was.
    pub fn identified(&mut self, download_version: u64) -> bool {
        let mut changed = false;
        for element in &mut self.elements {
            if element.state == ElementState::Unconfirmed {
                let arrived = download_version >= element.from;
                element.state = if arrived {
                    ElementState::Confirmed
                } else {
                    // What it had to repair is left over itself, until a bootstrap arrives.
                    element.leftovers.clear();
                    ElementState::Dead
                };
                changed = true;
            }
        }
        if changed {
            self.drop_repeated_dead();
        }
        changed
    }

    /// Of the dead elements since the last that arrived that took one view to one other, keeps the first and
    /// the last: a client that keeps failing must not make its list grow for ever.
    fn drop_repeated_dead(&mut self) {
        let unarrived = self.first_unarrived();
        let mut ends: FxHashMap<(usize, usize), (usize, usize)> = FxHashMap::default();
        for (at, element) in self.elements.iter().enumerate().skip(unarrived) {
            if element.state == ElementState::Dead {
                ends.entry((element.before, element.view))
                    .or_insert((at, at))
                    .1 = at;
            }
        }
        let (count, mut next) = (self.elements.len(), 0);
        self.elements.retain(|element| {
            let at = next;
            next += 1;
            let repeats = |(first, last): &(usize, usize)| *first < at && at < *last;
            let is_dead = at >= unarrived && element.state == ElementState::Dead;
            !(is_dead
                && ends
                    .get(&(element.before, element.view))
                    .is_some_and(repeats))
        });
        if self.elements.len() < count {
            self.drop_unused_rules();
        }
    }

    /// How many bootstraps and narrowings there were since the last bootstrap that is known to have arrived.
    pub fn unarrived(&self) -> usize {
        self.elements.len() - self.first_unarrived()
    }

    /// Index of the first element after the last bootstrap that arrived.
    fn first_unarrived(&self) -> usize {
        let arrived = |element: &Element| {
            element.state == ElementState::Confirmed && element.kind != ElementKind::Guard
        };
        self.elements
            .iter()
            .rposition(arrived)
            .map_or(0, |index| index + 1)
    }

    /// The lowest version that this list may make a derivation look behind, given that no upload can have a
    /// base below `horizon`: what bootstraps had to repair, and what the next one may have to.
    pub fn floor(&self, horizon: u64) -> u64 {
        let kept = self
            .elements
            .iter()
            .filter(|element| element.kind == ElementKind::Bootstrap && element.from > horizon);
        let repaired = kept.flat_map(|element| element.leftovers.iter().map(|left| left.at));
        let since = self.elements.get(self.first_unarrived()..);
        let unarrived = since.unwrap_or_default().iter().map(|element| {
            let is_guard = element.kind == ElementKind::Guard;
            element.from.saturating_sub(u64::from(is_guard))
        });
        repaired.chain(unarrived).min().unwrap_or(u64::MAX)
    }

    /// Takes note of a locked version: the client has integrated everything up to it in this session.
    pub fn locked(&mut self, version: u64) -> bool {
        let mut changed = false;
        for element in &mut self.elements {
            if element.state == ElementState::Unconfirmed && version >= element.from {
                element.state = ElementState::Confirmed;
                changed = true;
            }
        }
        changed
    }

    /// [`ViewList::identified`] without the rule that dead elements stay dead; for tests of that rule.
    pub fn identified_carelessly(&mut self, download_version: u64, query_version: u64) -> bool {
        for element in &mut self.elements {
            if element.query_version == query_version || download_version >= element.from {
                element.state = ElementState::Confirmed;
            } else if element.state == ElementState::Unconfirmed {
                element.state = ElementState::Dead;
            }
        }
        true
    }

    /// [`ViewList::locked`] without the rule that dead elements stay dead; for tests of that rule.
    pub fn locked_carelessly(&mut self, version: u64) -> bool {
        for element in self
            .elements
            .iter_mut()
            .filter(|element| element.from <= version)
        {
            element.state = ElementState::Confirmed;
        }
        true
    }

    /// What a bootstrap made now has to repair: everything sent or narrowed since the last one that arrived.
    ///
    /// `newest_entry` is the version of the client's newest entry, `last` the version before the bootstrap's
    /// own.
    pub fn leftovers(&self, newest_entry: u64, last: u64) -> Vec<Leftover> {
        let since = self.elements.get(self.first_unarrived()..);
        let leftover = |element: &Element| match (element.kind, element.state) {
            (ElementKind::Guard, _) => Some(Leftover {
                at: element.from.saturating_sub(1),
                through: last,
                before: element.before,
                view: element.view,
            }),
            (_, ElementState::Dead) => Some(Leftover {
                at: element.from,
                through: newest_entry.max(element.from),
                before: element.before,
                view: element.view,
            }),
            _ => None,
        };
        let mut leftovers: Vec<Leftover> = Vec::new();
        let mut known: FxHashMap<(usize, usize), usize> = FxHashMap::default();
        for new in since.unwrap_or_default().iter().filter_map(leftover) {
            let alike = *known
                .entry((new.before, new.view))
                .or_insert(leftovers.len());
            match leftovers.get_mut(alike) {
                // What differed at the later version differs at the earlier, or passed a border between.
                Some(known) => {
                    known.at = known.at.min(new.at);
                    known.through = known.through.max(new.through);
                }
                None => leftovers.push(new),
            }
        }
        leftovers
    }

    /// Drops elements that nothing can ask for any more: older than a bootstrap that arrived, when no upload
    /// can have a base below it. `horizon` is the lowest version any later derivation looks at.
    pub fn prune(&mut self, horizon: u64) -> bool {
        let settled = |element: &Element| {
            element.kind != ElementKind::Guard
                && element.state == ElementState::Confirmed
                && element.from <= horizon
        };
        let Some(keep) = self
            .elements
            .iter()
            .rposition(settled)
            .filter(|keep| *keep > 0)
        else {
            return false;
        };
        self.elements.drain(..keep);
        if let Some(first) = self.elements.first_mut() {
            first.leftovers.clear();
            first.before = first.view;
        }
        self.drop_unused_rules();
        true
    }

    fn drop_unused_rules(&mut self) {
        let mut places = vec![None; self.rules.len()];
        let mut kept = Vec::new();
        let rules = std::mem::take(&mut self.rules);
        let mut place = |index: &mut usize| {
            let Some(slot) = places.get_mut(*index) else {
                return;
            };
            *index = *slot.get_or_insert_with(|| {
                kept.push(rules.get(*index).cloned().unwrap_or_default());
                kept.len() - 1
            });
        };
        for element in &mut self.elements {
            place(&mut element.view);
            place(&mut element.before);
            for leftover in &mut element.leftovers {
                place(&mut leftover.before);
                place(&mut leftover.view);
            }
        }
        self.rules = kept;
    }

    /// The list as bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_number(&mut out, FORMAT_MARK);
        out.push(FORMAT);
        put_number(&mut out, self.rules.len() as u64);
        for rules in &self.rules {
            rules.write(&mut out);
        }
        put_number(&mut out, self.elements.len() as u64);
        for element in &self.elements {
            write_element(&mut out, element);
        }
        out
    }

    /// Reads what [`ViewList::write`] wrote.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let reader = &mut reader;
        let (mut count, mut says) = (reader.number()?, (false, false));
        if count == FORMAT_MARK {
            says = match reader.byte()? {
                FORMAT => (true, true),
                FORMAT_WITHOUT_VERSIONS => (true, false),
                _ => {
                    return Err(LedgerError::Damaged(
                        "a client's views have an unknown format",
                    ));
                }
            };
            count = reader.number()?;
        }
        let rules = (0..count)
            .map(|_| ViewRules::read(reader, says))
            .collect::<Result<Vec<_>>>()?;
        let count = reader.length()?;
        let elements = (0..count)
            .map(|_| read_element(reader, says.0))
            .collect::<Result<Vec<_>>>()?;
        let list = Self { rules, elements };
        if list.elements.is_empty() || !list.indexes().all(|index| index < list.rules.len()) {
            return Err(LedgerError::Damaged("a client's views are not whole"));
        }
        Ok(list)
    }

    fn indexes(&self) -> impl Iterator<Item = usize> + '_ {
        self.elements.iter().flat_map(|element| {
            let of_leftovers = element
                .leftovers
                .iter()
                .flat_map(|left| [left.before, left.view]);
            [element.view, element.before]
                .into_iter()
                .chain(of_leftovers)
        })
    }
}

fn write_element(out: &mut Vec<u8>, element: &Element) {
    out.push(match element.kind {
        ElementKind::Initial => 0,
        ElementKind::Bootstrap => 1,
        ElementKind::Guard => 2,
    });
    out.push(match element.state {
        ElementState::Unconfirmed => 0,
        ElementState::Confirmed => 1,
        ElementState::Dead => 2,
    });
    put_number(out, element.from);
    put_number(out, element.since);
    put_number(out, element.query_version);
    put_number(out, element.view as u64);
    put_number(out, element.before as u64);
    put_number(out, element.leftovers.len() as u64);
    for leftover in &element.leftovers {
        put_number(out, leftover.at);
        put_number(out, leftover.through);
        put_number(out, leftover.before as u64);
        put_number(out, leftover.view as u64);
    }
}

fn read_element(reader: &mut Reader<'_>, says_fields: bool) -> Result<Element> {
    const DAMAGED: LedgerError = LedgerError::Damaged("a client's view is of an unknown kind");
    let kind = match reader.byte()? {
        0 => ElementKind::Initial,
        1 => ElementKind::Bootstrap,
        2 => ElementKind::Guard,
        _ => return Err(DAMAGED),
    };
    let state = match reader.byte()? {
        0 => ElementState::Unconfirmed,
        1 => ElementState::Confirmed,
        2 => ElementState::Dead,
        _ => return Err(DAMAGED),
    };
    let from = reader.number()?;
    let since = if says_fields {
        reader.number()?
    } else {
        from.saturating_sub(1)
    };
    let query_version = reader.number()?;
    let (view, before) = (reader.length()?, reader.length()?);
    let count = reader.length()?;
    let leftovers = (0..count)
        .map(|_| {
            Ok(Leftover {
                at: reader.number()?,
                through: reader.number()?,
                before: reader.length()?,
                view: reader.length()?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Element {
        kind,
        from,
        since,
        query_version,
        view,
        before,
        state,
        leftovers,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::field_access::FieldAccess;

    fn rules(text: &str) -> ViewRules {
        let rule = ClassRule {
            subscription: text.to_owned(),
            reads: vec!["a == 1".to_owned()],
            unbound: false,
            readable: FieldAccess::parse(r#"[true,[["secret",[false,[]]]]]"#).expect("an access"),
            version: 3,
            gone: vec!["old".to_owned()],
        };
        ViewRules {
            classes: BTreeMap::from([("City".to_owned(), rule)]),
        }
    }

    fn bootstrap(list: &mut ViewList, from: u64, text: &str) {
        let before = list
            .elements
            .get(list.in_force(from))
            .map_or(0, |element| element.view);
        let view = list.intern(&rules(text));
        let leftovers = list.leftovers(from - 1, from - 1);
        let state = ElementState::Unconfirmed;
        let kind = ElementKind::Bootstrap;
        list.elements.push(Element {
            kind,
            from,
            since: from - 1,
            query_version: from,
            view,
            before,
            state,
            leftovers,
        });
    }

    #[test]
    fn an_unconfirmed_view_dies_at_ident_and_is_repaired_by_the_next() {
        let mut list = ViewList::default();
        bootstrap(&mut list, 5, "x");
        assert_eq!(list.in_force(4), 0);
        assert_eq!(list.in_force(5), 1);
        assert!(list.identified(4));
        assert_eq!(list.in_force(9), 0);
        bootstrap(&mut list, 9, "y");
        let expected = Leftover {
            at: 5,
            through: 8,
            before: 0,
            view: 1,
        };
        assert_eq!(
            list.elements
                .last()
                .map(|element| element.leftovers.clone()),
            Some(vec![expected])
        );
        assert!(list.locked(9) && !list.locked(9));
        bootstrap(&mut list, 12, "x");
        assert_eq!(
            list.elements.last().map(|element| element.leftovers.len()),
            Some(0)
        );
        assert_eq!(ViewList::read(&list.write()).expect("just written"), list);
        assert!(list.prune(9));
        assert_eq!(list.elements.len(), 2);
        assert_eq!(list.rules.len(), 2);
        assert_eq!(list.in_force(3), 0);
        assert_eq!(ViewList::read(&list.write()).expect("just written"), list);
    }

    #[test]
    fn a_client_that_keeps_failing_does_not_make_its_list_grow() {
        let mut list = ViewList::default();
        bootstrap(&mut list, 2, "x");
        assert!(list.locked(2));
        for from in 3..100 {
            bootstrap(&mut list, from, if from % 2 == 0 { "y" } else { "z" });
            assert!(list.identified(2));
        }
        // The first and the last of each kind, beside the first two.
        let kept: Vec<u64> = list.elements.iter().map(|element| element.from).collect();
        assert_eq!(kept, [0, 2, 3, 4, 98, 99]);
        assert_eq!((list.in_force(200), list.rules.len()), (1, 4));
        let spans: Vec<_> = list.leftovers(50, 200);
        let spans: Vec<_> = spans.iter().map(|left| (left.at, left.through)).collect();
        assert_eq!(spans, [(3, 99), (4, 98)]);
        assert_eq!(list.floor(0), 3);
        assert_eq!(ViewList::read(&list.write()).expect("just written"), list);
    }

    #[test]
    fn damaged_lists_are_errors() {
        let bytes = ViewList::default().write();
        for length in 0..bytes.len() {
            assert!(ViewList::read(bytes.get(..length).expect("within")).is_err());
        }
    }

    #[test]
    fn lists_that_do_not_say_which_fields_are_of_all() {
        let mut list = ViewList::default();
        bootstrap(&mut list, 5, "x");
        let rule = list.rules[1].classes.get_mut("City").expect("it is there");
        rule.readable = FieldAccess::all();
        (rule.version, rule.gone) = (0, Vec::new());
        let written = list.write();
        let text = FieldAccess::all().text();
        let find = |bytes: &[u8], part: &[u8]| {
            let at = bytes.windows(part.len()).position(|bytes| bytes == part);
            at.expect("it is there")
        };
        // Without the version and the fields that are gone, behind the access.
        let mut older = written.clone();
        let at = find(&older, text.as_bytes());
        older.drain(at + text.len()..at + text.len() + 2);
        older[1] = FORMAT_WITHOUT_VERSIONS;
        assert_eq!(ViewList::read(&older).expect("it can be read"), list);
        let mut older = older[2..].to_vec();
        let at = find(&older, text.as_bytes());
        older.drain(at - 1..at + text.len());
        // The kind, the state and the two versions of an element, of which there was one.
        for (kind, from, since) in [(0, 0, 0), (1, 5, 4)] {
            let at = find(&older, &[kind, u8::from(kind == 0), from, since]);
            older.remove(at + 3);
        }
        list.elements[0].since = 0;
        assert_eq!(ViewList::read(&older).expect("it can be read"), list);
        let mut newer = written;
        newer[1] = FORMAT + 1;
        assert!(ViewList::read(&newer).is_err());
    }
}
