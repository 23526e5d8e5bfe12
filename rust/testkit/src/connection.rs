//! One connection: requests in, faults applied, answers out, until one side ends it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::control;
use crate::fault::{Action, Plan, UploadFault};
use crate::http::{Content, Delivery, Head, Outcome, Reader, Request, Response, send};
use crate::journal::is_authorized;
use crate::server::Shared;
use crate::service::Context;

/// A client that was answered early may still be sending; after this long it is cut off.
const LINGER: Duration = Duration::from_secs(10);

pub(crate) async fn serve(stream: TcpStream, number: u64, shared: Arc<Shared>) {
    // An error here is the client's end of the connection: there is nobody left to tell.
    let _ = stream.set_nodelay(true);
    let (input, output) = stream.into_split();
    let mut connection = Connection {
        reader: Reader::new(input),
        output,
        number,
        shared,
    };
    let _ = connection.run().await;
}

struct Connection {
    reader: Reader<OwnedReadHalf>,
    output: OwnedWriteHalf,
    number: u64,
    shared: Arc<Shared>,
}

impl Connection {
    async fn run(&mut self) -> io::Result<()> {
        let shared = self.shared.clone();
        while let Some(mut head) = self.reader.head().await? {
            head.request_id = shared.next_request_id();
            let keep_alive = head.keep_alive;
            let is_control = control::is_control(&head);
            // A request that is held open is in flight until the client gives up.
            let _in_flight = (!is_control).then(|| shared.enter());
            let outcome = if is_control {
                self.control(head).await?
            } else {
                self.exchange(head).await?
            };
            match outcome {
                Outcome::KeepAlive if keep_alive => {}
                Outcome::KeepAlive | Outcome::Close => return Ok(()),
                Outcome::Reset => return self.output.as_ref().set_zero_linger(),
                Outcome::Hold => {
                    peer_closed(self.reader.stream()).await;
                    return Ok(());
                }
                Outcome::Linger => {
                    self.output.shutdown().await?;
                    let _ = tokio::time::timeout(LINGER, self.reader.until_closed()).await;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn control(&mut self, head: Head) -> io::Result<Outcome> {
        let body = self.reader.body(&head).await?;
        let response = control::answer(&self.shared, &Request { head, body });
        send(&mut self.output, &response, true, &Delivery::default()).await
    }

    async fn exchange(&mut self, mut head: Head) -> io::Result<Outcome> {
        let shared = self.shared.clone();
        let op = shared.service.operation(&head);
        let plan = Plan(match shared.is_overrun() {
            true => vec![Action::slow_down()],
            false => shared.script.fire(&head, op),
        });
        let entry = shared.journal.open(&head, op, self.number, plan.0.clone());

        if let Some(fault) = plan.upload() {
            return self.break_upload(&head, fault).await;
        }
        let early = plan.is_early();
        let mut body = if early {
            Content::default()
        } else {
            self.body(&head).await?
        };
        shared
            .journal
            .update(entry, |record| record.body_length = body.len());

        // Even a sleep of nothing waits for the next tick of the timer.
        if let Some(delay) = plan.delay() {
            tokio::time::sleep(delay).await;
        }
        if let Some(reset) = plan.loses_request() {
            return Ok(end(reset));
        }
        plan.strip(&mut head);
        plan.damage(&mut body);
        let with_body = head.method != "HEAD";
        let request = Request { head, body };
        let response = self.respond(op, &request, &plan);
        if let Some((seed, size)) = plan.replacement() {
            shared.service.replace(&request.head.path, seed, size);
        }
        // The body may be large, and the answer may take long to send.
        drop(request);

        if let Some(reset) = plan.loses_answer() {
            return Ok(end(reset));
        }
        if plan.stalls_before_head() {
            return Ok(Outcome::Hold);
        }
        shared
            .journal
            .update(entry, |record| record.status = Some(response.status));
        let outcome = send(&mut self.output, &response, with_body, &plan.delivery()).await?;
        Ok(if early { Outcome::Linger } else { outcome })
    }

    async fn body(&mut self, head: &Head) -> io::Result<Content> {
        let asks_first = head
            .header("expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"));
        if asks_first {
            self.output
                .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
                .await?;
        }
        self.reader.body(head).await
    }

    async fn break_upload(&mut self, head: &Head, fault: UploadFault) -> io::Result<Outcome> {
        if head.header("expect").is_some() {
            self.output
                .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
                .await?;
        }
        match fault {
            UploadFault::Cut(after) => {
                self.reader.discard(after).await?;
                Ok(Outcome::Reset)
            }
            UploadFault::Stall(after) => {
                self.reader.discard(after).await?;
                Ok(Outcome::Hold)
            }
        }
    }

    fn respond(&self, op: &'static str, request: &Request, plan: &Plan) -> Response {
        let service = &*self.shared.service;
        let options = self.shared.options();
        if options.require_authorization && !is_authorized(&request.head) {
            return service.refuse_anonymous(&request.head);
        }
        let context = Context {
            options,
            quirks: plan.quirks(),
        };
        let mut response = match plan.substitute(&request.head, service) {
            Some((response, work)) => {
                if work {
                    service.handle(op, request, &context);
                }
                response
            }
            None => service.handle(op, request, &context),
        };
        plan.edit(&mut response);
        response
    }
}

fn end(reset: bool) -> Outcome {
    if reset {
        Outcome::Reset
    } else {
        Outcome::Close
    }
}

/// Waits until the peer has closed its side, without reading what it may have sent.
async fn peer_closed(stream: &OwnedReadHalf) {
    // Readiness tells of the close even while unread bytes wait before it; but those bytes make
    // the stream ready at once, so this looks again after a while.
    while let Ok(ready) = stream.ready(Interest::READABLE).await {
        if ready.is_read_closed() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Counts a request as in flight while it lives.
pub(crate) struct InFlight<'a>(pub(crate) &'a Shared);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
