//! Shows how a transfer of many files goes on, and names what fails while it does.

use std::future::Future;
use std::io::{self, IsTerminal};
use std::pin::pin;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use s3dlio::{Error, Meter};

/// Between two looks.
const EVERY: Duration = Duration::from_millis(100);
const TEMPLATE: &str =
    "{bar:30} {binary_bytes}/{binary_total_bytes}, {binary_bytes_per_sec}, {msg} files, {eta} left";

/// Runs `work` and shows what `meter` tells on a bar, where a person looks at stderr.
pub async fn with_bar<T>(meter: &Meter, work: impl Future<Output = T>) -> T {
    run(meter, io::stderr().is_terminal(), |_| (), work).await
}

/// Runs `work`, with a bar on stderr if wanted, and hands each failure to `name`.
pub(crate) async fn watch<T>(
    meter: &Meter,
    shown: bool,
    name: impl Fn(&Error),
    work: impl Future<Output = T>,
) -> T {
    let tell = |bar: &ProgressBar| {
        let failures = meter.take_failures();
        if !failures.is_empty() {
            bar.suspend(|| failures.iter().for_each(&name));
        }
    };
    run(meter, shown, tell, work).await
}

/// Runs `work`, and `look`s beside the bar at whatever else there is to see.
async fn run<T>(
    meter: &Meter,
    shown: bool,
    look: impl Fn(&ProgressBar),
    work: impl Future<Output = T>,
) -> T {
    let target = match shown {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let style = ProgressStyle::with_template(TEMPLATE).expect("the template above is valid");
    let bar = ProgressBar::with_draw_target(Some(0), target).with_style(style);
    let mut work = pin!(work);
    let mut looks = tokio::time::interval(EVERY);
    let result = loop {
        tokio::select! {
            biased;
            result = &mut work => break result,
            _ = looks.tick() => {
                look(&bar);
                show(meter, &bar);
            }
        }
    };
    look(&bar);
    show(meter, &bar);
    bar.finish_and_clear();
    result
}

fn show(meter: &Meter, bar: &ProgressBar) {
    let now = meter.now();
    bar.set_length(now.bytes_total);
    bar.set_position(now.bytes_done);
    bar.set_message(format!("{}/{}", now.files_done, now.files_total));
}
