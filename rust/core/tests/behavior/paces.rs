//! Services that are slow: those that move are waited for, those that stand still are not.

use s3dlio::ErrorKind;
use s3dlio_testkit::{Action, Fault};

use crate::cuts::Rig;

/// Slow enough that an answer takes longer than the limit for silence.
const SIZE: usize = 3000;
const LIMIT: &[(&str, &str)] = &[("stall_timeout", "1"), ("max_attempts", "2")];

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_drips_is_read_to_its_end() {
    for rig in Rig::all(SIZE, LIMIT).await {
        rig.fault_reads(Fault::always(Action::Throttle {
            bytes_per_second: 1500.0,
        }));

        let bytes = rig.client.get(&rig.object).await.unwrap();

        assert!(*bytes == *rig.sent, "{}", rig.name);
        assert_eq!(rig.service.server().requests().len(), 1, "{}", rig.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_hardly_moves_is_given_up_and_asked_for_again() {
    for rig in Rig::all(SIZE, LIMIT).await {
        let crawl = || Action::Throttle {
            bytes_per_second: 0.1,
        };
        rig.fault_reads(Fault::once(crawl()));

        let bytes = rig.client.get(&rig.object).await.unwrap();

        assert!(*bytes == *rig.sent, "{}", rig.name);
        assert_eq!(rig.service.server().requests().len(), 2, "{}", rig.name);

        rig.fault_reads(Fault::always(crawl()));

        let error = rig.client.get(&rig.object).await.unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert_eq!((error.attempts(), error.retryable()), (2, true), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_begins_late_is_waited_for_up_to_the_limit() {
    for rig in Rig::all(SIZE, LIMIT).await {
        rig.fault_reads(Fault::once(Action::Delay { ms: 100 }));
        rig.client.get(&rig.object).await.unwrap();
        assert_eq!(rig.service.server().requests().len(), 1, "{}", rig.name);

        // It would come after all, and is not to be taken for the answer to anything.
        rig.fault_reads(Fault::once(Action::Delay { ms: 60_000 }));
        let bytes = rig.client.get(&rig.object).await.unwrap();

        assert!(*bytes == *rig.sent, "{}", rig.name);
        assert_eq!(rig.service.server().requests().len(), 3, "{}", rig.name);
    }
}
