//! How many threads a save or a load may use, so that its memory stays what was promised: the shard, a little, and on
//! machines with many cores what keeps each of them busy, within `memory_limit`.

use super::codec::{Compressor, FRAME};
use crate::config::Config;
use crate::error::{Error, Result};

/// What a save may hold beside the shard, however few cores there are. With the rest of a process it stays below 128 MiB.
const SAVE_MEMORY: u64 = 80 << 20;
/// What a load may hold beside the shard, however few cores there are.
const LOAD_MEMORY: u64 = 80 << 20;
/// The pool block that a frame is compressed into; incompressible bytes grow a little.
const OUTPUT: u64 = 10 << 20;

/// The split of a save's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SavePlan {
    /// Frames that are compressed at once.
    pub workers: usize,
    /// Frames under way or waiting for an earlier one.
    pub frames: usize,
    /// Bytes of parts on their way to storage.
    pub upload: u64,
}

impl SavePlan {
    /// A plan for frames of one piece of memory, or of several (`joined`), which takes a copy of each frame.
    ///
    /// # Errors
    /// `InvalidInput` if one worker needs more than `memory_limit`.
    pub fn new(level: i32, joined: bool, config: &Config, cores: usize) -> Result<Self> {
        let copy = if joined { FRAME as u64 } else { 0 };
        let worker = Compressor::memory(level) + OUTPUT + copy;
        // One part is sent while the next one fills.
        let parts = 2 * config.part_size;
        let least = worker + parts;
        if config.memory_limit < least {
            return Err(Error::invalid(format!(
                "memory_limit={}: zstd level {level} with parts of {} bytes takes at least {least}",
                config.memory_limit, config.part_size
            )));
        }
        let cores = cores.max(1) as u64;
        let total = SAVE_MEMORY
            .max(parts + cores * worker)
            .min(config.memory_limit);
        let workers = ((total - parts) / worker).min(cores);
        let spare = total - parts - workers * worker;
        // A frame that is done early waits here, so that its thread need not.
        let ahead = u64::from(spare >= OUTPUT);
        // Parts share blocks with their neighbours and hold them whole.
        let upload = config.part_size + (spare - ahead * OUTPUT) / 2;
        // Both counts are small: they are bounded by a few dozen MiB over one.
        Ok(SavePlan {
            workers: workers as usize,
            frames: (workers + ahead) as usize,
            upload,
        })
    }
}

/// The split of a load's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LoadPlan {
    /// Frames that are decompressed at once.
    pub workers: usize,
    /// Bytes of ranges on their way from storage.
    pub download: u64,
}

impl LoadPlan {
    pub fn new(config: &Config, cores: usize) -> Self {
        let cores = cores.max(1) as u64;
        // Beside its own bytes a frame keeps those that share a part with it.
        let worker = FRAME as u64 + config.part_size / 2;
        let total = LOAD_MEMORY.max(2 * cores * worker).min(config.memory_limit);
        let workers = (total / 2 / worker).clamp(1, cores);
        // One part is being cut, and the frame under way keeps another.
        let held = workers * worker + 2 * config.part_size;
        LoadPlan {
            workers: workers as usize,
            download: total.saturating_sub(held),
        }
    }
}

/// Threads that can work at once.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Options;

    fn config(options: &[(&str, &str)]) -> Config {
        let mut given = Options::default();
        for (name, value) in options {
            given.set(name, *value).unwrap();
        }
        Config::load(&given).unwrap()
    }

    fn held(plan: SavePlan, level: i32, config: &Config) -> u64 {
        plan.workers as u64 * Compressor::memory(level)
            + plan.frames as u64 * OUTPUT
            + plan.upload
            + config.part_size
    }

    #[test]
    fn every_level_keeps_its_promise_and_two_cores_busy() {
        let config = config(&[]);
        for level in 1..=21 {
            for cores in [1, 2] {
                let plan = SavePlan::new(level, false, &config, cores).unwrap();

                let held = held(plan, level, &config);
                assert!(
                    held <= SAVE_MEMORY,
                    "level {level} on {cores} cores: {held}"
                );
                assert_eq!(plan.workers, cores);
                assert!(plan.upload >= config.part_size);
            }
        }
    }

    #[test]
    fn many_cores_are_kept_busy_as_far_as_the_limit_allows() {
        let config = config(&[]);
        for level in 1..=21 {
            let some = SavePlan::new(level, false, &config, 32).unwrap();
            let many = SavePlan::new(level, false, &config, 256).unwrap();

            assert_eq!(some.workers, 32, "level {level}");
            assert!(many.workers < 256, "level {level}");
            assert!(held(many, level, &config) <= config.memory_limit);
        }
        assert_eq!(LoadPlan::new(&config, 32).workers, 32);
        let many = LoadPlan::new(&config, 256);
        assert!(many.workers > 32 && many.workers < 256);
        assert!(many.download >= config.part_size);
    }

    #[test]
    fn a_limit_below_one_worker_is_refused() {
        let error = SavePlan::new(21, false, &config(&[("memory_limit", "30MiB")]), 2).unwrap_err();

        assert!(
            error.to_string().contains("memory_limit=31457280"),
            "{error}"
        );
        assert_eq!(
            SavePlan::new(21, false, &config(&[("memory_limit", "48MiB")]), 2)
                .unwrap()
                .workers,
            1
        );
    }
}
