//! Every log line of the process: of `tracing`, and of `log`, which reqwest and rustls write to.

use std::{
    fmt::{self, Write},
    sync::{Mutex, MutexGuard, OnceLock},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

/// What was logged since [`begin`], with the name of who logged it before each line.
pub(crate) fn lines() -> String {
    kept().clone()
}

/// From here on everything is kept; more than once is once.
pub(crate) fn begin() {
    static BEGUN: OnceLock<()> = OnceLock::new();
    BEGUN.get_or_init(|| {
        tracing::subscriber::set_global_default(Keep).unwrap();
        log::set_logger(&Keep).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
    });
}

fn kept() -> MutexGuard<'static, String> {
    static KEPT: Mutex<String> = Mutex::new(String::new());
    KEPT.lock().unwrap()
}

fn keep(target: &str, record: impl FnOnce(&mut Line)) {
    let mut line = Line(format!("{target}: "));
    record(&mut line);
    let mut kept = kept();
    kept.push_str(&line.0);
    kept.push('\n');
}

struct Keep;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl Subscriber for Keep {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        keep(span.metadata().target(), |line| span.record(line));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        keep("span", |line| values.record(line));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        keep(event.metadata().target(), |line| event.record(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl log::Log for Keep {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        keep(record.target(), |line| {
            write!(line.0, "{}", record.args()).unwrap();
        });
    }

    fn flush(&self) {}
}
