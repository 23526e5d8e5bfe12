//! The bar of a transfer: bytes, rate, time left, objects.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

const KNOWN_SIZE: &str = "{bar:30} {binary_bytes}/{binary_total_bytes}, {binary_bytes_per_sec}, {objects} objects, {eta} left";
const UNKNOWN_SIZE: &str =
    "{spinner} {binary_bytes}, {binary_bytes_per_sec}, {objects} objects, {elapsed}";

/// Told of what has moved, from any task. The default one shows nothing.
#[derive(Debug, Clone, Default)]
pub struct Progress(Option<Bar>);

#[derive(Debug, Clone)]
struct Bar {
    bar: ProgressBar,
    objects: Arc<AtomicU64>,
}

impl Progress {
    /// A bar on stderr for that many objects, and bytes if their sum is known.
    pub fn shown(objects: u64, bytes: Option<u64>) -> Self {
        let done = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&done);
        let template = if bytes.is_some() {
            KNOWN_SIZE
        } else {
            UNKNOWN_SIZE
        };
        let style = ProgressStyle::with_template(template).expect("the templates above are valid");
        let style = style.with_key(
            "objects",
            move |_: &ProgressState, text: &mut dyn fmt::Write| {
                // A bar that cannot be drawn is no reason to fail.
                let _ = write!(text, "{}/{objects}", counter.load(Ordering::Relaxed));
            },
        );
        let bar =
            ProgressBar::with_draw_target(bytes, ProgressDrawTarget::stderr()).with_style(style);
        Progress(Some(Bar { bar, objects: done }))
    }

    pub fn bytes(&self, count: u64) {
        if let Some(Bar { bar, .. }) = &self.0 {
            bar.inc(count);
        }
    }

    pub fn object(&self) {
        self.objects(1);
    }

    pub fn objects(&self, count: u64) {
        if let Some(Bar { bar, objects }) = &self.0 {
            objects.fetch_add(count, Ordering::Relaxed);
            bar.tick();
        }
    }

    /// Writes to the terminal while the bar is out of the way.
    pub fn suspend(&self, write: impl FnOnce()) {
        match &self.0 {
            Some(Bar { bar, .. }) => bar.suspend(write),
            None => write(),
        }
    }

    /// Takes the bar off the screen.
    pub fn end(&self) {
        if let Some(Bar { bar, .. }) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
