//! The gate that every request of a client to one service passes: how many may be under way at once, how many bytes
//! they may move, and whose turn it is.
//!
//! A request that has to try again gives its place to others while it waits, and tells the gate where the service asked
//! for less. Retry loops know nothing of gates, so the request under way is found through its task.

mod control;
mod queue;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use self::control::Control;
use self::queue::{Queue, Waiter};

/// One of so many places is not for parts of large objects, where there are that many.
const RESERVED: usize = 8;

tokio::task_local! {
    static UNDER_WAY: Place;
}

/// What a request wants of the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ask {
    /// Of one object there are many such requests.
    part: bool,
    bytes: u64,
}

impl Ask {
    /// A request that somebody waits for by itself; it moves at most so many bytes.
    pub fn single(bytes: u64) -> Self {
        Ask { part: false, bytes }
    }

    /// One of the many requests for a large object.
    pub fn part(bytes: u64) -> Self {
        Ask { part: true, bytes }
    }
}

/// Counts the requests of one client to one service.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    control: Control,
    queue: Queue,
    in_flight: usize,
    parts_in_flight: usize,
    bytes: u64,
    most_bytes: u64,
}

impl Gate {
    /// For a service that may ask to slow down; at most `concurrency` requests, which move at most `bytes` but always one
    /// of any size.
    pub fn new(concurrency: usize, bytes: u64) -> Arc<Self> {
        Gate::with(Control::new(concurrency), bytes)
    }

    /// For what takes so many requests at any time.
    pub fn fixed(concurrency: usize, bytes: u64) -> Arc<Self> {
        Gate::with(Control::fixed(concurrency), bytes)
    }

    fn with(control: Control, most_bytes: u64) -> Arc<Self> {
        Arc::new(Gate {
            state: Mutex::new(State {
                control,
                queue: Queue::default(),
                in_flight: 0,
                parts_in_flight: 0,
                bytes: 0,
                most_bytes,
            }),
        })
    }

    /// Does `work`, one request and its further tries, when it is its turn.
    pub async fn pass<T>(self: &Arc<Self>, ask: Ask, work: impl Future<Output = T>) -> T {
        let permit = self.admit(ask, Queue::push).await;
        let work = async {
            let result = work.await;
            here(|place| {
                if let Some(permit) = &mut *place.permit() {
                    permit.done = true;
                }
            });
            result
        };
        UNDER_WAY.scope(Place::of(permit), work).await
    }

    async fn admit(self: &Arc<Self>, ask: Ask, line: fn(&mut Queue, Waiter)) -> Permit {
        let opened = {
            let mut state = self.state();
            if state.queue.is_empty() && state.has_place(ask) && state.has_memory(ask) {
                state.queue.passed(ask);
                return self.enter(&mut state, ask);
            }
            let (open, opened) = oneshot::channel();
            line(&mut state.queue, Waiter { ask, open });
            opened
        };
        // It may be the first that can go, where those before it need what it does not.
        self.open();
        opened.await.expect("a gate lets everybody in who waits")
    }

    fn enter(self: &Arc<Self>, state: &mut State, ask: Ask) -> Permit {
        state.in_flight += 1;
        state.parts_in_flight += usize::from(ask.part);
        state.bytes += ask.bytes;
        Permit {
            gate: Arc::clone(self),
            ask,
            lowered: state.control.lowered(),
            refused: false,
            done: false,
        }
    }

    /// Lets in everybody for whom there is a place.
    fn open(self: &Arc<Self>) {
        loop {
            let (waiter, permit) = {
                let mut state = self.state();
                let Some(waiter) = state.next() else { return };
                let permit = self.enter(&mut state, waiter.ask);
                (waiter, permit)
            };
            // What nobody waits for any more is given back as it is dropped.
            let _unwanted = waiter.open.send(permit);
        }
    }

    fn leave(self: &Arc<Self>, permit: &Permit) {
        {
            let mut state = self.state();
            let busy = state.in_flight >= state.control.limit() || !state.queue.is_empty();
            state.in_flight -= 1;
            state.parts_in_flight -= usize::from(permit.ask.part);
            state.bytes -= permit.ask.bytes;
            if permit.done && !permit.refused {
                state.control.ended(permit.ask.bytes, busy, Instant::now());
            }
        }
        self.open();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_place(&self, ask: Ask) -> bool {
        let limit = self.control.limit();
        let for_parts = limit - limit / RESERVED;
        self.in_flight < limit && (!ask.part || self.parts_in_flight < for_parts)
    }

    fn has_memory(&self, ask: Ask) -> bool {
        ask.bytes == 0 || self.bytes == 0 || self.bytes.saturating_add(ask.bytes) <= self.most_bytes
    }

    fn next(&mut self) -> Option<Waiter> {
        let mut queue = std::mem::take(&mut self.queue);
        let next = queue.next(|ask| self.has_place(ask), |ask| self.has_memory(ask));
        self.queue = queue;
        next
    }
}

/// A place in the gate; free again when this is dropped.
#[derive(Debug)]
struct Permit {
    gate: Arc<Gate>,
    ask: Ask,
    /// How often the limit had been lowered when this was given.
    lowered: u64,
    /// The service asked for less, or did not answer.
    refused: bool,
    done: bool,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let gate = Arc::clone(&self.gate);
        gate.leave(self);
    }
}

/// Of the request that a task is busy with; empty while it pauses.
#[derive(Debug)]
struct Place(Mutex<Option<Permit>>);

impl Place {
    fn of(permit: Permit) -> Self {
        Place(Mutex::new(Some(permit)))
    }

    fn permit(&self) -> MutexGuard<'_, Option<Permit>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the gate of the request under way that the service asked it for less.
pub(crate) fn throttled() {
    here(|place| {
        if let Some(permit) = &mut *place.permit() {
            permit.refused = true;
            let mut state = permit.gate.state();
            let in_flight = state.in_flight;
            state.control.throttled(permit.lowered, in_flight);
        }
    });
}

/// Waits before the request under way is tried again; others have its place meanwhile.
pub(crate) async fn pause(wait: Duration) {
    pause_until(tokio::time::sleep(wait)).await;
}

async fn pause_until(over: impl Future<Output = ()>) {
    let Some(permit) = here(|place| place.permit().take()).flatten() else {
        return over.await;
    };
    let (gate, ask) = (Arc::clone(&permit.gate), permit.ask);
    drop(permit);
    over.await;
    let permit = gate.admit(ask, Queue::push_returned).await;
    here(|place| *place.permit() = Some(permit));
}

/// `None` outside a gate: there is nobody to tell, and nothing to give back.
fn here<T>(what: impl FnOnce(&Place) -> T) -> Option<T> {
    UNDER_WAY.try_with(what).ok()
}

#[cfg(test)]
mod tests;
