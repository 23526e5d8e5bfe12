//! Who waits at the gate, and whose turn it is.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::{Ask, Permit};

/// One request that waits for its place.
#[derive(Debug)]
pub(super) struct Waiter {
    pub ask: Ask,
    pub open: oneshot::Sender<Permit>,
}

/// Those that come back from a pause.
const RETURNED: usize = 3;

/// Four lines. Whoever comes back from a pause goes first; requests that hold no memory, those that do, and parts of
/// large objects take turns, so that none waits for more than one of each other line, however long that is.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lines: [VecDeque<Waiter>; 4],
    /// The line whose turn was last.
    last: usize,
    /// The line whose first one had its turn but not its memory. Others take none before it has: it would never get it.
    wanting: Option<usize>,
}

impl Queue {
    pub fn push(&mut self, waiter: Waiter) {
        self.lines[line_of(waiter.ask)].push_back(waiter);
    }

    pub fn push_returned(&mut self, waiter: Waiter) {
        self.lines[RETURNED].push_back(waiter);
    }

    pub fn is_empty(&self) -> bool {
        self.lines.iter().all(VecDeque::is_empty)
    }

    /// One went in without waiting.
    pub fn passed(&mut self, ask: Ask) {
        self.last = line_of(ask);
    }

    /// The next one for whom there is a place and memory.
    pub fn next(
        &mut self,
        has_place: impl Fn(Ask) -> bool,
        has_memory: impl Fn(Ask) -> bool,
    ) -> Option<Waiter> {
        for line in &mut self.lines {
            while line.front().is_some_and(|waiter| waiter.open.is_closed()) {
                line.pop_front();
            }
        }
        self.wanting = self.wanting.filter(|line| !self.lines[*line].is_empty());
        let turn = |step: usize| (self.last + step) % RETURNED;
        for line in [RETURNED, turn(1), turn(2), turn(3)] {
            let Some(ask) = self.lines[line].front().map(|waiter| waiter.ask) else {
                continue;
            };
            if !has_place(ask) {
                continue;
            }
            if ask.bytes > 0 {
                if *self.wanting.get_or_insert(line) != line {
                    continue;
                }
                if !has_memory(ask) {
                    continue;
                }
                self.wanting = None;
            }
            self.last = line_of(ask);
            return self.lines[line].pop_front();
        }
        None
    }
}

fn line_of(ask: Ask) -> usize {
    match ask {
        Ask { part: true, .. } => 2,
        Ask { bytes: 0, .. } => 0,
        Ask { .. } => 1,
    }
}
