//! The gate in front of the one write: who may begin, and who goes first.
//!
//! The storage refuses a second writer at once; here threads wait for their turn instead. The application
//! goes before the session, a thread that already holds the write is refused rather than left to wait for
//! itself, and waiting ends with a time-out.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use tidemark_store::StoreError;

/// Who wants to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// The application, on a thread that a person may be waiting for.
    Application,
    /// The session: it waits until no application does.
    Session,
}

#[derive(Debug, Default)]
struct State {
    owner: Option<ThreadId>,
    applications_waiting: usize,
    is_closed: bool,
}

/// The gate.
#[derive(Debug, Default)]
pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the right to write and takes it; [`Gate::leave`] gives it back.
    pub fn enter(&self, writer: Writer, timeout: Duration) -> Result<(), StoreError> {
        let me = std::thread::current().id();
        let deadline = Instant::now().checked_add(timeout);
        let mut state = self.state();
        if state.owner == Some(me) {
            return Err(StoreError::WriteInProgress);
        }
        let is_application = writer == Writer::Application;
        state.applications_waiting += usize::from(is_application);
        let result = loop {
            if state.is_closed {
                break Err(StoreError::Closed);
            }
            if state.owner.is_none() && (is_application || state.applications_waiting == 0) {
                state.owner = Some(me);
                break Ok(());
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                break Err(StoreError::WriteTimeout);
            }
            let left = left.unwrap_or(Duration::from_secs(60));
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        };
        state.applications_waiting -= usize::from(is_application);
        drop(state);
        self.changed.notify_all();
        result
    }

    /// Gives the right to write back.
    pub fn leave(&self) {
        self.state().owner = None;
        self.changed.notify_all();
    }

    /// Does something while holding the right to write.
    pub fn with<T>(
        &self,
        writer: Writer,
        timeout: Duration,
        work: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.enter(writer, timeout)?;
        let turn = Turn(self);
        let result = work();
        drop(turn);
        result
    }

    /// Sends everybody away who waits or comes.
    pub fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_all();
    }
}

/// Gives the right back also when the work panics.
struct Turn<'a>(&'a Gate);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn a_thread_does_not_wait_for_itself() {
        let gate = Gate::default();
        gate.enter(Writer::Application, LONG).expect("it is free");
        assert!(matches!(
            gate.enter(Writer::Application, LONG),
            Err(StoreError::WriteInProgress)
        ));
        assert!(matches!(
            gate.enter(Writer::Session, LONG),
            Err(StoreError::WriteInProgress)
        ));
        gate.leave();
        gate.enter(Writer::Session, LONG).expect("it is free again");
    }

    #[test]
    fn the_application_goes_first_and_waiting_ends() {
        let gate = Arc::new(Gate::default());
        gate.enter(Writer::Application, LONG).expect("it is free");
        let (told, heard) = channel();
        let mut threads = Vec::new();
        for writer in [Writer::Session, Writer::Application] {
            let (gate, told) = (Arc::clone(&gate), told.clone());
            threads.push(std::thread::spawn(move || {
                gate.enter(writer, LONG).expect("its turn comes");
                told.send(writer).expect("the test listens");
                gate.leave();
            }));
            std::thread::sleep(Duration::from_millis(50));
        }
        let other = Arc::clone(&gate);
        let late =
            std::thread::spawn(move || other.enter(Writer::Session, Duration::from_millis(30)));
        assert!(matches!(
            late.join().expect("no panic"),
            Err(StoreError::WriteTimeout)
        ));
        gate.leave();
        assert_eq!(heard.recv(), Ok(Writer::Application));
        assert_eq!(heard.recv(), Ok(Writer::Session));
        for thread in threads {
            thread.join().expect("no panic");
        }
        gate.close();
        assert!(matches!(
            gate.enter(Writer::Session, LONG),
            Err(StoreError::Closed)
        ));
    }
}
