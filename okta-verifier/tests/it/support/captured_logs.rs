//! Captured log lines.

use tracing::Level;

/// Returns the level and the text of every line that `act` logs on this thread.
pub(crate) fn logged(act: impl FnOnce()) -> Vec<(Level, String)> {
    let lines = secret_scan::logged(act).into_iter();
    lines.map(|line| (line.level, line.text)).collect()
}

/// Returns what `future` logs at `info` and above, on a runtime of its own.
pub(crate) fn logged_above_debug(
    mut runtime: tokio::runtime::Builder,
    future: impl Future<Output = ()>,
) -> Vec<(Level, String)> {
    let runtime = runtime.enable_all().build().unwrap();
    let mut lines = logged(|| runtime.block_on(future));
    lines.retain(|(level, _)| *level <= Level::INFO);
    lines
}
