//! Makes a failing script short: takes steps, edits, classes, columns and clients away for as long as it
//! still fails, then makes numbers small.

use super::rights::SUBSCRIBES_TO_ALL;
use super::script::{Act, Edit, Script};

/// How many attempts a shrink makes at most.
const ATTEMPTS_MAX: usize = 2_000;

/// A shorter script for which `fails` is still true.
pub fn shrink(script: &Script, fails: &mut dyn FnMut(&Script) -> bool) -> Script {
    let mut search = Search {
        best: script.clone(),
        attempts: 0,
        fails,
    };
    loop {
        let before = search.best.to_string();
        search.drop_steps();
        search.drop_edits();
        search.drop_columns();
        search.drop_clients();
        search.simplify();
        if search.best.to_string() == before || search.attempts >= ATTEMPTS_MAX {
            return search.best;
        }
    }
}

struct Search<'f> {
    best: Script,
    attempts: usize,
    fails: &'f mut dyn FnMut(&Script) -> bool,
}

impl Search<'_> {
    /// Takes a candidate over if it fails too.
    fn attempt(&mut self, candidate: Script) -> bool {
        if candidate == self.best || self.attempts >= ATTEMPTS_MAX {
            return false;
        }
        self.attempts += 1;
        let fails = (self.fails)(&candidate);
        if fails {
            self.best = candidate;
        }
        fails
    }

    /// Delta debugging: ever smaller runs of steps go.
    fn drop_steps(&mut self) {
        let mut size = (self.best.steps.len() / 2).max(1);
        loop {
            let mut at = 0;
            while at < self.best.steps.len() {
                let mut candidate = self.best.clone();
                let end = (at + size).min(candidate.steps.len());
                candidate.steps.drain(at..end);
                if !self.attempt(candidate) {
                    at += size;
                }
            }
            if size == 1 {
                return;
            }
            size = (size / 2).max(1);
        }
    }

    fn drop_edits(&mut self) {
        for step in 0..self.best.steps.len() {
            let mut at = 0;
            loop {
                let mut candidate = self.best.clone();
                let Some(Act::Write { edits, .. }) =
                    candidate.steps.get_mut(step).map(|step| &mut step.act)
                else {
                    break;
                };
                if at >= edits.len() {
                    break;
                }
                edits.remove(at);
                if !self.attempt(candidate) {
                    at += 1;
                }
            }
        }
    }

    /// Columns from the last on, so that the numbers of the others stay.
    fn drop_columns(&mut self) {
        for class in (0..self.best.layout.classes.len()).rev() {
            for column in (0..self.best.layout.classes[class].columns.len()).rev() {
                let mut candidate = self.best.clone();
                candidate.layout.classes[class].columns.remove(column);
                self.attempt(candidate);
            }
            let mut candidate = self.best.clone();
            candidate.layout.classes.remove(class);
            if candidate.layout.tops().next().is_some() {
                self.attempt(candidate);
            }
        }
    }

    fn drop_clients(&mut self) {
        while self.best.clients > 1 {
            let mut candidate = self.best.clone();
            candidate.clients -= 1;
            if !self.attempt(candidate) {
                return;
            }
        }
    }

    fn simplify(&mut self) {
        if self.best.layout.is_odd {
            let mut candidate = self.best.clone();
            candidate.layout.is_odd = false;
            self.attempt(candidate);
        }
        for slice in [4_000, 1] {
            let mut candidate = self.best.clone();
            candidate.slice = slice;
            if self.attempt(candidate) {
                break;
            }
        }
        for step in 0..self.best.steps.len() {
            for simpler in simpler_acts(&self.best.steps[step].act) {
                let mut candidate = self.best.clone();
                candidate.steps[step].act = simpler;
                if self.attempt(candidate) {
                    break;
                }
            }
        }
    }
}

fn simpler_acts(act: &Act) -> Vec<Act> {
    match act {
        Act::Write { wait, edits } => {
            let mut simpler = Vec::new();
            if *wait > 0 {
                simpler.push(Act::Write {
                    wait: 0,
                    edits: edits.clone(),
                });
            }
            for (at, edit) in edits.iter().enumerate() {
                if let Edit::Create {
                    object,
                    view,
                    defaults,
                } = edit
                    && (*defaults > 0 || *view > 0)
                {
                    let mut edits = edits.clone();
                    let view = if *defaults > 0 { *view } else { 0 };
                    edits[at] = Edit::Create {
                        object: *object,
                        view,
                        defaults: 0,
                    };
                    simpler.push(Act::Write { wait: *wait, edits });
                }
            }
            simpler
        }
        Act::Subscribe(dice) if *dice != SUBSCRIBES_TO_ALL => {
            vec![Act::Subscribe(SUBSCRIBES_TO_ALL), Act::Exchange]
        }
        Act::Send(_) | Act::Serve(_) | Act::Receive(_) | Act::Pull { .. } | Act::Connect { .. } => {
            vec![Act::Exchange]
        }
        _ => Vec::new(),
    }
}
