use std::collections::HashMap;

use tokio::task::JoinSet;

use super::*;

const NO_LIMIT: u64 = u64::MAX;
const SINGLE: Ask = Ask {
    part: false,
    bytes: 0,
};
const PART: Ask = Ask {
    part: true,
    bytes: 0,
};

type Pause = oneshot::Receiver<()>;

/// Requests that are under way until they are told to end.
#[derive(Default)]
struct Requests {
    tasks: JoinSet<()>,
    begun: Arc<Mutex<Vec<String>>>,
    ends: HashMap<String, oneshot::Sender<()>>,
}

impl Requests {
    async fn send(&mut self, gate: &Arc<Gate>, name: &str, ask: Ask) {
        self.send_again(gate, name, ask, None).await;
    }

    /// One that is first asked to come again, when that pause is over.
    async fn send_again(&mut self, gate: &Arc<Gate>, name: &str, ask: Ask, pause: Option<Pause>) {
        let (end, ended) = oneshot::channel();
        self.ends.insert(name.to_owned(), end);
        let (gate, begun, name) = (Arc::clone(gate), Arc::clone(&self.begun), name.to_owned());
        let work = async move {
            if let Some(pause) = pause {
                throttled();
                pause_until(async move { drop(pause.await) }).await;
            }
            begun.lock().unwrap().push(name);
            let _ended = ended.await;
        };
        self.tasks.spawn(async move { gate.pass(ask, work).await });
        settle().await;
    }

    async fn send_all(&mut self, gate: &Arc<Gate>, names: &[&str], ask: Ask) {
        for name in names {
            self.send(gate, name, ask).await;
        }
    }

    async fn end(&mut self, name: &str) {
        self.ends.remove(name).unwrap().send(()).unwrap();
        settle().await;
    }

    /// Those that began since the last call.
    fn begun(&self) -> Vec<String> {
        std::mem::take(&mut self.begun.lock().unwrap())
    }
}

/// Lets every task do what it can.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

fn limit(gate: &Gate) -> usize {
    gate.state().control.limit()
}

fn is_empty(gate: &Gate) -> bool {
    let state = gate.state();
    (state.in_flight, state.parts_in_flight, state.bytes) == (0, 0, 0) && state.queue.is_empty()
}

#[tokio::test]
async fn a_single_request_waits_for_one_part_however_many_there_are() {
    let gate = Gate::fixed(2, NO_LIMIT);
    let mut requests = Requests::default();
    requests
        .send_all(&gate, &["p1", "p2", "p3", "p4", "p5"], PART)
        .await;
    requests.send_all(&gate, &["s1", "s2"], SINGLE).await;
    assert_eq!(requests.begun(), ["p1", "p2"]);

    requests.end("p1").await;
    assert_eq!(requests.begun(), ["s1"]);
    requests.end("p2").await;
    assert_eq!(requests.begun(), ["p3"]);
    requests.end("p3").await;
    assert_eq!(requests.begun(), ["s2"]);
    requests.end("s2").await;
    assert_eq!(requests.begun(), ["p4"]);
}

#[tokio::test]
async fn of_many_places_some_are_not_for_parts() {
    let gate = Gate::fixed(16, NO_LIMIT);
    let mut requests = Requests::default();
    let names: Vec<String> = (0..20).map(|i| format!("p{i}")).collect();
    for name in &names {
        requests.send(&gate, name, PART).await;
    }
    assert_eq!(requests.begun().len(), 14);

    requests.send_all(&gate, &["s1", "s2", "s3"], SINGLE).await;

    assert_eq!(requests.begun(), ["s1", "s2"]);
    requests.end("s1").await;
    assert_eq!(requests.begun(), ["s3"]);
}

#[tokio::test]
async fn what_moves_together_is_bounded_in_bytes() {
    let gate = Gate::fixed(100, 10);
    let mut requests = Requests::default();
    requests.send(&gate, "6", Ask::single(6)).await;
    requests.send(&gate, "more than all", Ask::part(20)).await;
    requests.send(&gate, "2", Ask::single(2)).await;
    requests.send(&gate, "nothing", SINGLE).await;
    // There would be memory for the small one, but never for the large one then; what takes none need not wait.
    assert_eq!(requests.begun(), ["6", "nothing"]);

    requests.end("6").await;
    assert_eq!(requests.begun(), ["more than all"]);
    requests.end("more than all").await;
    assert_eq!(requests.begun(), ["2"]);
}

#[tokio::test]
async fn a_request_gives_its_place_to_others_while_it_pauses() {
    let gate = Gate::fixed(1, 10);
    let (over, pause) = oneshot::channel();
    let mut requests = Requests::default();
    requests
        .send_again(&gate, "again", Ask::single(10), Some(pause))
        .await;

    requests
        .send_all(&gate, &["next", "last"], Ask::single(10))
        .await;

    assert_eq!(requests.begun(), ["next"]);
    over.send(()).unwrap();
    settle().await;
    assert!(requests.begun().is_empty());
    requests.end("next").await;
    // It has waited before.
    assert_eq!(requests.begun(), ["again"]);
    requests.end("again").await;
    assert_eq!(requests.begun(), ["last"]);
    requests.end("last").await;
    assert!(is_empty(&gate));
}

#[tokio::test]
async fn a_service_that_asks_for_less_gets_less() {
    let gate = Gate::new(16, NO_LIMIT);
    let mut requests = Requests::default();
    let mut pauses = Vec::new();
    for name in ["a", "b"] {
        let (over, pause) = oneshot::channel();
        pauses.push(over);
        requests.send_again(&gate, name, SINGLE, Some(pause)).await;
    }

    // Each was alone when it was asked.
    assert_eq!(limit(&gate), 1);
    for over in pauses {
        over.send(()).unwrap();
    }
    settle().await;
    assert_eq!(requests.begun(), ["a"]);
    requests.end("a").await;
    assert_eq!(requests.begun(), ["b"]);
}

#[tokio::test]
async fn one_that_is_given_up_leaves_no_trace() {
    let gate = Gate::fixed(1, NO_LIMIT);
    let mut requests = Requests::default();
    requests.send_all(&gate, &["under way"], SINGLE).await;
    let mut waiting = Box::pin(gate.pass(PART, async { unreachable!("it was given up") }));
    assert!(futures::poll!(&mut waiting).is_pending());
    requests.send(&gate, "next", SINGLE).await;

    drop(waiting);
    requests.tasks.abort_all();
    while requests.tasks.join_next().await.is_some() {}

    assert!(is_empty(&gate));
    let mut requests = Requests::default();
    requests.send(&gate, "later", SINGLE).await;
    assert_eq!(requests.begun(), ["later"]);
}

#[tokio::test]
async fn outside_a_gate_a_pause_is_just_a_pause() {
    throttled();
    pause(Duration::ZERO).await;
}
