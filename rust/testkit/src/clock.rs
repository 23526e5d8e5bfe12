//! Times as HTTP headers and listings write them.

use std::time::SystemTime;

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const HTTP: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);
const ISO: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// `Tue, 05 Mar 2024 10:00:00 GMT`, for headers.
pub(crate) fn http_date(at: SystemTime) -> String {
    format(at, HTTP)
}

/// `2024-03-05T10:00:00.000Z`, for XML.
pub(crate) fn iso_date(at: SystemTime) -> String {
    format(at, ISO)
}

/// The time an HTTP header names, if it names one.
pub(crate) fn parse_http_date(text: &str) -> Option<SystemTime> {
    let parsed = time::PrimitiveDateTime::parse(text, HTTP).ok()?;
    Some(parsed.assume_utc().into())
}

fn format(at: SystemTime, format: &[BorrowedFormatItem<'_>]) -> String {
    OffsetDateTime::from(at)
        .format(format)
        .expect("every field of the format is in a full date")
}
