//! What the library logs: its fetches, as its spans show them, and its warnings about the settings.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    layer::{Context, Layer, SubscriberExt},
    registry::Registry,
};

/// One fetch.
#[derive(Clone, Debug)]
pub(super) struct Fetch {
    id: Id,
    began: Instant,
    /// `None` until the fetch has ended.
    pub(super) took: Option<Duration>,
    fields: Fields,
}

#[derive(Clone, Debug, Default)]
struct Fields {
    issuer: String,
    document: String,
    url: Option<String>,
    code: Option<String>,
}

impl Fetch {
    pub(super) fn url(&self) -> Option<&str> {
        self.fields.url.as_deref()
    }

    pub(super) fn is_ok(&self) -> bool {
        self.fields.code.as_deref() == Some("ok")
    }
}

/// A warning, such as one about settings that are accepted but are probably wrong.
#[derive(Clone, Debug, Default)]
pub(super) struct Warning {
    pub(super) message: String,
    /// The issuer that the warning is about, as configured.
    pub(super) issuer: Option<String>,
}

/// The fetches and the warnings so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Log(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    fetches: Vec<Fetch>,
    warnings: Vec<Warning>,
}

impl Log {
    /// Begins to collect the fetches and the warnings of the process, and nothing else that is logged.
    pub(super) fn collect() -> Self {
        let log = Self::default();
        // Fails if the process collects already. Then the checks have no times.
        let subscriber = Registry::default().with(log.clone());
        let _ = tracing::subscriber::set_global_default(subscriber);
        log
    }

    /// Returns the warnings since the last call.
    pub(super) fn take_warnings(&self) -> Vec<Warning> {
        std::mem::take(&mut self.lock().warnings)
    }

    /// Returns the first fetch of a document of the issuer.
    pub(super) fn first(&self, issuer: &str, document: &str) -> Option<Fetch> {
        let entries = self.lock();
        let first = entries
            .fetches
            .iter()
            .find(|it| it.fields.issuer == issuer && it.fields.document == document);
        first.cloned()
    }

    fn change(&self, id: &Id, change: impl FnOnce(&mut Fetch)) {
        // An ID may be used again after its span was closed.
        if let Some(fetch) = self.lock().fetches.iter_mut().rfind(|it| it.id == *id) {
            change(fetch);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for Log {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        match metadata.is_span() {
            true => metadata.target() == "okta_verifier::fetch",
            false => {
                *metadata.level() == Level::WARN && metadata.target().starts_with("okta_verifier")
            }
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut warning = Warning::default();
        event.record(&mut warning);
        self.lock().warnings.push(warning);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        self.lock().fetches.push(Fetch {
            id: id.clone(),
            began: Instant::now(),
            took: None,
            fields,
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        self.change(id, |fetch| values.record(&mut fetch.fields));
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.change(&id, |fetch| fetch.took = Some(fetch.began.elapsed()));
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "issuer" => value.clone_into(&mut self.issuer),
            "document" => value.clone_into(&mut self.document),
            "url" => self.url = Some(value.to_owned()),
            "code" => self.code = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

impl Visit for Warning {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "issuer" {
            self.issuer = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            "issuer" => self.issuer = Some(format!("{value:?}")),
            _ => {}
        }
    }
}
