//! How a `MockOkta` answers when nothing is wrong.

use std::time::Duration;

use super::{Endpoint, MetadataForm, MockOkta};

impl MockOkta {
    /// Answers every request this much later, before any fault. Default: at once.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # use okta_verifier_testing::MockOkta;
    /// # let okta = MockOkta::start().await;
    /// okta.set_latency(std::time::Duration::from_millis(20));
    /// # }
    /// ```
    pub fn set_latency(&self, latency: Duration) {
        self.shared.state().latency = latency;
    }

    /// The `aud` of tokens from now on. Default: `api://default`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # use okta_verifier_testing::MockOkta;
    /// # let okta = MockOkta::start().await;
    /// okta.set_audience("api://orders");
    /// let issuer = okta.issuer("api://orders").any_client_id();
    /// # }
    /// ```
    pub fn set_audience(&self, audience: impl Into<String>) {
        self.shared.state().audience = audience.into();
    }

    /// Serves a form of the metadata, or answers 404 to it. Default: all are served.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # use okta_verifier_testing::{MetadataForm, MockOkta};
    /// # let okta = MockOkta::start().await;
    /// okta.set_metadata(MetadataForm::OpenId, false);
    /// # }
    /// ```
    pub fn set_metadata(&self, form: MetadataForm, served: bool) {
        let mut state = self.shared.state();
        state.unserved.retain(|it| *it != form);
        if !served {
            state.unserved.push(form);
        }
    }

    /// The `Cache-Control` of an endpoint's good answers. Default: Okta's
    /// `max-age=3832304, must-revalidate` for metadata and keys.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # use okta_verifier_testing::{Endpoint, MockOkta};
    /// # let okta = MockOkta::start().await;
    /// okta.set_cache_control(Endpoint::Keys, "max-age=1");
    /// # }
    /// ```
    pub fn set_cache_control(&self, endpoint: Endpoint, value: &str) {
        self.set_header(endpoint, "cache-control", Some(value));
    }

    /// Sets a field of an endpoint's good answers, or takes it away.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # use okta_verifier_testing::{Endpoint, MockOkta};
    /// # let okta = MockOkta::start().await;
    /// okta.set_header(Endpoint::Keys, "age", Some("3500"));
    /// okta.set_header(Endpoint::Keys, "cache-control", None);
    /// # }
    /// ```
    pub fn set_header(&self, endpoint: Endpoint, name: &str, value: Option<&str>) {
        let mut state = self.shared.state();
        state
            .headers
            .retain(|(of, field, _)| *of != endpoint || !field.eq_ignore_ascii_case(name));
        if let Some(value) = value {
            state
                .headers
                .push((endpoint, name.to_owned(), value.to_owned()));
        }
    }

    /// Names each answer of the keys endpoint by an `ETag`, and answers 304 without a body to an
    /// `If-None-Match` of that name, unless a fault disturbs the request. Default: no names.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use okta_verifier::Verifier;
    /// use okta_verifier_testing::MockOkta;
    ///
    /// let okta = MockOkta::start().await;
    /// okta.set_etags(true);
    /// let issuer = okta.issuer("api://default").any_client_id();
    /// let verifier = Verifier::builder().issuer(issuer).build()?;
    /// verifier.warm_up().await?;
    /// verifier.refresh().await?; // the keys are the same, and are not sent again
    /// assert_eq!((okta.hits().keys, okta.hits().not_modified), (2, 1));
    /// # Ok(()) }
    /// ```
    pub fn set_etags(&self, named: bool) {
        self.shared.state().etags = named;
    }
}
