//! The task that reads the shared log, and appends what could not be appended before.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::yield_now,
    time::{Instant, sleep_until, timeout},
};

use super::{
    LogEntry, LogRead,
    shared_log::{Append, LogFailure, MAX_APPEND, Running, SharedLog},
};
use crate::{
    crypto::random_u64,
    error::cause,
    sync::{backoff::BackOff, clock::Now},
};

/// Reads the log until the rules are dropped or another reader has replaced this one.
///
/// Only the log is held while it reads, so that the rules can be dropped.
pub(super) async fn run(running: Running) {
    let log = running.log.clone();
    let mut back_off = BackOff::new(random_u64());
    let mut backlog = Backlog::default();
    loop {
        let asked = Now::read();
        if !running.progress(asked) || log.rules.strong_count() == 0 {
            return;
        }
        let position = log.lock().position.clone();
        let read = log.settings.log.read(position.as_ref());
        let read = timeout(log.read_timeout(), read).await;
        let now = Now::read();
        if !running.progress(now) {
            return;
        }
        let next = match read {
            Ok(Ok(read)) if read.entries.len() <= MAX_ENTRIES => {
                back_off.end();
                let has_more = !read.is_complete && !read.entries.is_empty();
                if !accept(&running, read, asked).await {
                    return;
                }
                log.log_change(Now::read());
                if !backlog.append(&running).await {
                    return;
                }
                match has_more {
                    true => None,
                    false => Some(asked.instant + MIN_INTERVAL),
                }
            }
            result => {
                let (failure, error) = match result {
                    Ok(Ok(_)) => (LogFailure::TooLarge, None),
                    Ok(Err(error)) => (LogFailure::Error, Some(cause(&*error))),
                    Err(_) => (LogFailure::Timeout, None),
                };
                log.fail_read(failure, error.as_deref());
                log.log_change(now);
                let delay = back_off.failed(None, now).min(MAX_DELAY);
                // The longest delay is random too, so that instances do not read at the same time.
                let delay = delay.mul_f64(0.5 + back_off.fraction() / 2.0);
                Some((asked.instant + MIN_INTERVAL).max(Now::read().instant + delay))
            }
        };
        match next {
            Some(next) => sleep_until(next).await,
            None => yield_now().await,
        }
    }
}

/// Applies what was read. Returns false if the reader has to end.
async fn accept(running: &Running, read: LogRead, asked: Now) -> bool {
    let log = &running.log;
    if !read.is_continuous {
        log.begin_gap(Now::read());
        log.log_change(Now::read());
    }
    for entries in read.entries.chunks(MAX_APPLY) {
        let now = Now::read();
        let (true, Some(rules)) = (running.progress(now), log.rules.upgrade()) else {
            return false;
        };
        log.ignore(rules.apply_entries(entries, now));
        drop(rules);
        yield_now().await;
    }
    // Another reader may have begun in the meantime, which may have found a gap.
    let is_last = running.progress(Now::read());
    if is_last {
        log.read_until(read.position, asked, read.is_complete);
    }
    is_last
}

/// The append of everything that is held here, a part at a time, so that the log is read again in time.
#[derive(Default)]
struct Backlog {
    current: Option<(Append, Box<dyn Iterator<Item = LogEntry> + Send>)>,
    /// When the next attempt may begin after a failed one.
    retry_at: Option<Instant>,
}

impl Backlog {
    /// Appends what could not be appended before. Returns false if the reader has to end.
    async fn append(&mut self, running: &Running) -> bool {
        let log = &running.log;
        let end = Now::read().instant + MAX_APPENDING;
        // Announced before the queue is taken: until its entries are stored, a repeated event must not be confirmed.
        let append = log.announce(Now::read());
        let queue = log.take_queue();
        match queue.is_empty() {
            true => append.cancel(),
            // After a failure, the entries are queued again.
            false => drop(append.finish(&queue, true).await),
        }
        loop {
            let now = Now::read();
            if !running.progress(now) {
                return false;
            }
            let is_early = self.retry_at.is_some_and(|it| now.instant < it);
            if is_early || now.instant >= end {
                return true;
            }
            let Some((append, mut rest)) = self.current.take().or_else(|| begin(log)) else {
                return true;
            };
            let entries: Vec<_> = rest.by_ref().take(MAX_APPEND).collect();
            if entries.is_empty() {
                append.cancel();
            } else if append.append(&entries).await.is_ok() {
                self.current = Some((append, rest));
            } else {
                // Dropped, so that everything is appended again.
                self.retry_at = Some(Now::read().instant + APPEND_AGAIN);
            }
        }
    }
}

fn begin(log: &Arc<SharedLog>) -> Option<(Append, Box<dyn Iterator<Item = LogEntry> + Send>)> {
    let rules = log.rules.upgrade()?;
    let append = log.take_all()?;
    Some((append, rules.entries()))
}

/// An answer with more entries is an error of the log.
const MAX_ENTRIES: usize = 100_000;
/// The number of entries that are applied without a pause.
const MAX_APPLY: usize = 1_000;
const MIN_INTERVAL: Duration = Duration::from_millis(200);
/// The longest pause after failures, before it is randomly shortened.
const MAX_DELAY: Duration = Duration::from_secs(1);
/// How long appends delay the next read.
const MAX_APPENDING: Duration = Duration::from_millis(500);
const APPEND_AGAIN: Duration = Duration::from_secs(1);
