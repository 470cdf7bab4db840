//! Responses from closures instead of a network, for tests under a paused clock.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use crate::{
    error::UnavailableReason,
    net::{Revalidated, Validator, client_auth::Form},
};
use reqwest::header::HeaderValue;

type Later<T> = Pin<Box<dyn Future<Output = Result<T, UnavailableReason>> + Send>>;
type Get = dyn Fn(&str, Option<&Validator>) -> Later<Revalidated> + Send + Sync;
type Post = dyn Fn(&str, &Form) -> Later<Vec<u8>> + Send + Sync;

#[derive(Clone)]
pub(crate) struct Script {
    get: Arc<Get>,
    post: Arc<Post>,
}

impl Script {
    /// Returns a script that fails every POST.
    pub(crate) fn new<F>(
        respond: impl Fn(&str, Option<&Validator>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Revalidated, UnavailableReason>> + Send + 'static,
    {
        Self {
            get: Arc::new(move |url, known| Box::pin(respond(url, known))),
            post: Arc::new(|_, _| Box::pin(async { Err(UnavailableReason::Abandoned) })),
        }
    }

    pub(crate) fn posts<F>(self, respond: impl Fn(&str, &Form) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Vec<u8>, UnavailableReason>> + Send + 'static,
    {
        Self {
            post: Arc::new(move |url, form| Box::pin(respond(url, form))),
            ..self
        }
    }

    pub(crate) fn get(&self, url: &str, known: Option<&Validator>) -> Later<Revalidated> {
        (self.get)(url, known)
    }

    pub(crate) fn post(&self, url: &str, form: &Form) -> Later<Vec<u8>> {
        (self.post)(url, form)
    }
}

impl Validator {
    pub(crate) fn etag(etag: &'static str) -> Self {
        Self(HeaderValue::from_static(etag))
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}
