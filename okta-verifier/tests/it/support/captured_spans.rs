//! Captured spans.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    layer::{Context, Layer, SubscriberExt},
    registry::{LookupSpan, Registry},
};

/// One span, as it is when it is read.
#[derive(Clone, Debug)]
pub(crate) struct CapturedSpan {
    pub(crate) id: Id,
    pub(crate) name: &'static str,
    pub(crate) target: String,
    pub(crate) level: Level,
    pub(crate) fields: BTreeMap<&'static str, String>,
    pub(crate) parent: Option<Id>,
    pub(crate) follows: Vec<Id>,
    pub(crate) is_closed: bool,
    /// The messages of the events inside.
    pub(crate) events: Vec<String>,
}

impl CapturedSpan {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

/// Collects the spans of one thread.
#[derive(Clone, Default)]
pub(crate) struct CapturedSpans(Arc<Mutex<Vec<CapturedSpan>>>);

impl CapturedSpans {
    /// Runs `future` on a runtime of this thread, and collects its spans and those of its tasks.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        let subscriber = Registry::default().with(self.clone());
        tracing::subscriber::with_default(subscriber, || {
            let result = runtime.block_on(future);
            drop(runtime); // ends the tasks while the spans are still collected
            result
        })
    }

    /// Returns the spans of fetches so far.
    pub(crate) fn fetches(&self) -> Vec<CapturedSpan> {
        let spans = self.0.lock().unwrap();
        let fetches = spans
            .iter()
            .filter(|it| it.target == "okta_verifier::fetch");
        fetches.cloned().collect()
    }

    /// Changes the last span with this ID: an ID may be used again after its span was closed.
    fn change(&self, id: &Id, change: impl FnOnce(&mut CapturedSpan)) {
        let mut spans = self.0.lock().unwrap();
        change(spans.iter_mut().rfind(|it| it.id == *id).unwrap());
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for CapturedSpans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let metadata = attributes.metadata();
        let parent = context.span(id).unwrap().parent().map(|it| it.id());
        self.0.lock().unwrap().push(CapturedSpan {
            id: id.clone(),
            name: metadata.name(),
            target: metadata.target().to_owned(),
            level: *metadata.level(),
            fields: fields.0,
            parent,
            follows: Vec::new(),
            is_closed: false,
            events: Vec::new(),
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        self.change(id, |span| span.fields.extend(fields.0));
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, _: Context<'_, S>) {
        self.change(id, |span| span.follows.push(follows.clone()));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        if let Some(span) = context.event_span(event) {
            let text = fields.0.remove("message").unwrap_or_default();
            self.change(&span.id(), |span| span.events.push(text));
        }
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.change(&id, |span| span.is_closed = true);
    }
}

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        secret_scan::shown(value);
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}");
        secret_scan::shown(&value);
        self.0.insert(field.name(), value);
    }
}
