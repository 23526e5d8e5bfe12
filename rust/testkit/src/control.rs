//! The control paths, by which a test in another process does what a Rust test does by calls.
//!
//! | request | does |
//! |---|---|
//! | `POST /__control/faults` | adds the rule, or the list of rules, in the body |
//! | `GET /__control/faults` | the rules, each with its counts `matched` and `fired` |
//! | `DELETE /__control/faults` | removes all rules |
//! | `GET /__control/requests` | the requests seen, in order |
//! | `DELETE /__control/requests` | forgets them |
//! | `GET`, `PUT /__control/options` | the options; what `PUT` leaves out gets its default |
//! | `GET /__control/statistics` | connections and requests in flight |
//! | `POST /__control/synthetic` | makes a container: `{"bucket", "count", "size", "prefix"}` |
//! | `DELETE /__control` | back to an empty server |
//!
//! Answers are JSON; a mistake in a body is a 400 whose `error` says where.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::http::{Head, Request, Response};
use crate::options::Options;
use crate::server::Shared;
use crate::service::SyntheticRequest;

const ROOT: &str = "/__control";

pub(crate) fn is_control(head: &Head) -> bool {
    head.path == ROOT
        || head
            .path
            .strip_prefix(ROOT)
            .is_some_and(|rest| rest.starts_with('/'))
}

pub(crate) fn answer(shared: &Shared, request: &Request) -> Response {
    match dispatch(shared, request) {
        Ok(value) => json_answer(200, &value),
        Err((status, message)) => json_answer(status, &json!({ "error": message })),
    }
}

fn dispatch(shared: &Shared, request: &Request) -> Result<Value, (u16, String)> {
    let path = request.head.path.trim_start_matches(ROOT);
    match (request.head.method.as_str(), path) {
        ("POST", "/faults") => {
            let faults = match parse::<Value>(request)? {
                Value::Array(list) => list,
                single => vec![single],
            };
            // All or none: a script with a mistake in it must not half apply.
            let faults: Vec<Fault> = faults
                .into_iter()
                .map(serde_json::from_value)
                .collect::<Result<_, _>>()
                .map_err(|error| (400, error.to_string()))?;
            for fault in faults {
                shared.script.add(fault);
            }
            Ok(json!(shared.script.snapshot()))
        }
        ("GET", "/faults") => Ok(json!(shared.script.snapshot())),
        ("DELETE", "/faults") => {
            shared.script.clear();
            Ok(Value::Null)
        }
        ("GET", "/requests") => Ok(json!(shared.journal.all())),
        ("DELETE", "/requests") => {
            shared.journal.clear();
            Ok(Value::Null)
        }
        ("GET", "/options") => Ok(json!(shared.options())),
        ("PUT", "/options") => {
            shared.set_options(parse::<Options>(request)?);
            Ok(json!(shared.options()))
        }
        ("GET", "/statistics") => Ok(json!(shared.statistics())),
        ("POST", "/synthetic") => {
            shared
                .service
                .synthesize(parse::<SyntheticRequest>(request)?);
            Ok(Value::Null)
        }
        ("DELETE", "") => {
            shared.reset();
            Ok(Value::Null)
        }
        (method, path) => Err((404, format!("no control {method} {path}"))),
    }
}

fn parse<T: DeserializeOwned>(request: &Request) -> Result<T, (u16, String)> {
    serde_json::from_slice(&request.body.to_bytes()).map_err(|error| (400, error.to_string()))
}

fn json_answer(status: u16, value: &Value) -> Response {
    Response::new(status)
        .header("content-type", "application/json")
        .body(value.to_string())
}
