//! How many requests one service gets at once: halved when it asks for less, one more for each round that went well.
//!
//! A round is as many requests as there may be at once, and counts only if all of them had to wait for their place. Up
//! to the ceiling, each round adds one. At the ceiling, a round that moved more than the best one before doubles it: so
//! concurrency grows while throughput does, and no further. Time comes in as an argument.

use std::time::{Duration, Instant};

/// Where the ceiling begins.
const START: usize = 32;
/// A round of fewer requests says nothing about throughput.
const ROUND: usize = 8;
/// The gain in throughput that is worth twice the concurrency.
const WORTH: f64 = 1.1;
/// Bytes that could have been moved for what a request costs besides.
const COST: u64 = 64 << 10;

#[derive(Debug)]
pub(super) struct Control {
    most: usize,
    limit: usize,
    /// Up to which requests are added without a look at throughput.
    ceiling: usize,
    /// How often the limit was lowered.
    lowered: u64,
    round: Option<Round>,
    /// Bytes a second of the best round.
    best: f64,
}

#[derive(Debug)]
struct Round {
    begun: Instant,
    done: usize,
    moved: u64,
}

impl Control {
    /// Never above `most`.
    pub fn new(most: usize) -> Self {
        let most = most.max(1);
        Control::from(most.min(START), most)
    }

    /// Does not grow: of what is not slowed down by its users.
    pub fn fixed(most: usize) -> Self {
        let most = most.max(1);
        Control::from(most, most)
    }

    fn from(start: usize, most: usize) -> Self {
        Control {
            most,
            limit: start,
            ceiling: start,
            lowered: 0,
            round: None,
            best: 0.0,
        }
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    /// How often the limit was lowered; a request remembers what it was when it was sent.
    pub fn lowered(&self) -> u64 {
        self.lowered
    }

    /// The service asked a request, sent after `lowered`, for less. All that were under way when one was asked are asked
    /// the same: the limit is lowered once for them.
    pub fn throttled(&mut self, lowered: u64, in_flight: usize) {
        if lowered < self.lowered {
            return;
        }
        self.lowered += 1;
        self.limit = (self.limit.min(in_flight) / 2).max(1);
        self.round = None;
    }

    /// A request has ended well. `busy` is whether all places were taken until then.
    pub fn ended(&mut self, bytes: u64, busy: bool, now: Instant) {
        if !busy {
            self.round = None;
            return;
        }
        let Some(round) = &mut self.round else {
            self.begin(now);
            return;
        };
        round.done += 1;
        round.moved += bytes + COST;
        if round.done >= self.limit.max(ROUND) {
            let elapsed = now.duration_since(round.begun);
            let rate = round.moved as f64 / elapsed.max(Duration::from_micros(1)).as_secs_f64();
            self.grow(rate);
            self.begin(now);
        }
    }

    fn begin(&mut self, now: Instant) {
        self.round = Some(Round {
            begun: now,
            done: 0,
            moved: 0,
        });
    }

    fn grow(&mut self, rate: f64) {
        if self.limit < self.ceiling {
            self.limit += 1;
        } else if self.ceiling < self.most && rate > self.best * WORTH {
            self.best = rate;
            self.ceiling = (self.ceiling * 2).min(self.most);
            self.limit = self.ceiling;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND_TRIP: Duration = Duration::from_millis(10);

    /// A service that answers `takes` requests at once within a round trip, and refuses what is beyond `refuses`.
    struct Service {
        takes: usize,
        refuses: usize,
        now: Instant,
        refused: usize,
    }

    impl Service {
        fn new(takes: usize, refuses: usize) -> Self {
            Service {
                takes,
                refuses,
                now: Instant::now(),
                refused: 0,
            }
        }

        /// As many requests as there may be, sent together.
        fn round(&mut self, control: &mut Control) {
            let (limit, sent) = (control.limit(), control.lowered());
            let refused = limit.saturating_sub(self.refuses);
            self.refused += refused;
            for _ in 0..refused {
                control.throttled(sent, limit);
            }
            for done in 1..=limit - refused {
                let trips = done.div_ceil(self.takes) as u32;
                control.ended(1000, true, self.now + ROUND_TRIP * trips);
            }
            self.now += ROUND_TRIP * limit.div_ceil(self.takes) as u32;
        }

        fn rounds(&mut self, control: &mut Control, count: usize) -> Vec<usize> {
            let mut limits = Vec::new();
            for _ in 0..count {
                self.round(control);
                limits.push(control.limit());
            }
            limits
        }
    }

    #[test]
    fn concurrency_grows_while_throughput_does() {
        let mut control = Control::new(1000);
        let mut service = Service::new(100, usize::MAX);

        let limits = service.rounds(&mut control, 200);

        assert!(limits.is_sorted());
        let last = control.limit();
        assert!((100..=256).contains(&last), "{limits:?}");
    }

    #[test]
    fn concurrency_ends_at_what_is_asked_for() {
        let mut control = Control::new(100);

        Service::new(1000, usize::MAX).rounds(&mut control, 200);

        assert_eq!(control.limit(), 100);
    }

    #[test]
    fn what_does_not_grow_is_all_there_from_the_start() {
        assert_eq!(Control::fixed(1000).limit(), 1000);
        assert_eq!((Control::new(3).limit(), Control::new(0).limit()), (3, 1));
    }

    #[test]
    fn the_limit_settles_near_what_the_service_takes() {
        let mut control = Control::new(64);
        let mut service = Service::new(10, 10);
        service.rounds(&mut control, 20);
        let before = service.refused;

        let limits = service.rounds(&mut control, 200);

        assert!(
            limits.iter().all(|limit| (5..=11).contains(limit)),
            "{limits:?}"
        );
        // One too many, once for each time that the limit came up to there from its half.
        assert!(service.refused - before <= 200 / 5, "{}", service.refused);
    }

    #[test]
    fn requests_that_were_under_way_together_lower_the_limit_once() {
        let mut control = Control::new(32);
        let sent = control.lowered();

        for _ in 0..32 {
            control.throttled(sent, 32);
        }
        assert_eq!(control.limit(), 16);
        control.throttled(control.lowered(), 16);
        assert_eq!(control.limit(), 8);
        for _ in 0..10 {
            control.throttled(control.lowered(), 1);
        }
        assert_eq!(control.limit(), 1);
    }

    #[test]
    fn the_limit_comes_back_when_the_service_takes_more_again() {
        let mut control = Control::new(32);
        let mut service = Service::new(100, 2);
        service.rounds(&mut control, 50);
        assert!(control.limit() <= 3);

        service.refuses = usize::MAX;
        let limits = service.rounds(&mut control, 400);

        assert!(
            limits.windows(2).all(|two| two[1] - two[0] <= 1),
            "{limits:?}"
        );
        assert_eq!(control.limit(), 32);
    }

    #[test]
    fn requests_that_did_not_have_to_wait_prove_nothing() {
        let mut control = Control::new(64);
        let now = Instant::now();

        for step in 1..1000 {
            control.ended(1000, false, now + ROUND_TRIP * step);
        }

        assert_eq!(control.limit(), START);
    }
}
