//! Every log line of the process: from `tracing`, and from `log`, which reqwest and rustls use.

use std::{
    cell::RefCell,
    fmt::{self, Write},
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use okta_verifier::Rejection;

use crate::search;

/// A line that was logged through `tracing`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Line {
    /// The level.
    pub level: Level,
    /// The target.
    pub target: String,
    /// All fields, including the message.
    pub text: String,
}

/// Returns the lines that this thread logs through `tracing` during `act`.
pub fn logged(act: impl FnOnce()) -> Vec<Line> {
    LINES.set(Some(Vec::new()));
    act();
    LINES.take().unwrap_or_default()
}

/// Asserts that this thread has logged exactly one event about a rejection since the last call, with the code
/// and the status of `rejection`, or none if the request was accepted.
///
/// # Panics
///
/// Panics if the events are others.
#[track_caller]
pub fn assert_rejection_event(rejection: Option<&Rejection>) {
    let events = REJECTIONS.take();
    let code = |it: &Rejection| format!("code={:?} status={} ", it.code(), it.status().as_u16());
    match (&events[..], rejection.map(code)) {
        ([], None) => {}
        ([event], Some(expected)) => assert_eq!(*event, expected),
        (_, expected) => panic!("{expected:?}, but logged: {events:?}"),
    }
}

/// Runs `act` without recording its lines.
pub(crate) fn aside(act: impl FnOnce()) {
    let (lines, rejections) = (LINES.take(), REJECTIONS.take());
    act();
    LINES.set(lines);
    REJECTIONS.set(rejections);
}

thread_local! {
    static LINES: RefCell<Option<Vec<Line>>> = const { RefCell::new(None) };
    /// The code and the status of each event about a rejection.
    static REJECTIONS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Installs the subscriber and the logger.
///
/// # Panics
///
/// Panics if the process already has a subscriber or a logger, whose lines would not be searched.
pub(crate) fn begin() {
    tracing::subscriber::set_global_default(Watch).expect("no other subscriber is installed");
    log::set_logger(&Watch).expect("no other logger is installed");
    log::set_max_level(log::LevelFilter::Trace);
}

struct Watch;

#[derive(Default)]
struct Text {
    all: String,
    /// The fields that must not contain a secret.
    searched: String,
    /// Whether the line is an event about a rejection.
    is_rejection: bool,
    /// Its code and its status.
    rejection: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{field}={value:?} ");
        self.all.push_str(&text);
        if self.is_rejection && ["code", "status"].contains(&field.name()) {
            self.rejection.push_str(&text);
        }
        if !(self.is_rejection && SHOWN.contains(&field.name())) {
            self.searched.push_str(&text);
        }
    }
}

fn searched(target: &str, record: impl FnOnce(&mut Text)) -> String {
    let mut text = Text {
        is_rejection: target == "okta_verifier::rejected",
        ..Text::default()
    };
    record(&mut text);
    search(target, text.searched.as_bytes());
    if text.is_rejection {
        let _ = REJECTIONS.try_with(|events| events.borrow_mut().push(text.rejection));
    }
    text.all
}

/// The fields of the event about a rejection that show the audience and the client of a verified token.
const SHOWN: [&str; 2] = ["aud", "client_id"];

impl Subscriber for Watch {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        searched(span.metadata().target(), |text| span.record(text));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        searched("a span", |text| values.record(text));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let text = searched(metadata.target(), |text| event.record(text));
        // The thread-local is unavailable while the thread ends.
        let _ = LINES.try_with(|lines| {
            if let Some(lines) = lines.borrow_mut().as_mut() {
                lines.push(Line {
                    level: *metadata.level(),
                    target: metadata.target().to_owned(),
                    text,
                });
            }
        });
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl log::Log for Watch {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        searched(record.target(), |text| {
            let _ = write!(text.searched, "{}", record.args());
        });
    }

    fn flush(&self) {}
}
