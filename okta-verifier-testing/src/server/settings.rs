//! Settings of `MockOkta` that are not faults.

use std::time::Duration;

use super::{Endpoint, MetadataForm, MockOkta};
use crate::listener;

impl MockOkta {
    /// Delays every response by this time, in addition to any fault. The default is no delay.
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

    /// Sets the `aud` of tokens that are made from now on. The default is `api://default`.
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

    /// Sets the resources for which the server issues tokens (RFC 8707). A client names one in the parameter
    /// `resource`, which becomes the `aud` of its access tokens, and any other is rejected with
    /// `invalid_target`. A client that names none gets the [audience](Self::set_audience). The default is none:
    /// the parameter is then ignored, as an Okta server does that has no such setting.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # use okta_verifier_testing::MockOkta;
    /// # let okta = MockOkta::start().await;
    /// okta.set_resources(["https://mcp.example.com/mcp"]);
    /// # }
    /// ```
    pub fn set_resources<R: Into<String>>(&self, resources: impl IntoIterator<Item = R>) {
        let resources: Vec<String> = resources.into_iter().map(Into::into).collect();
        resources.iter().for_each(|it| listener::public(it));
        self.shared.state().resources = resources;
    }

    /// Sets whether clients may register themselves at `/v1/clients` (RFC 7591). The default is `false`: the
    /// endpoint responds with 404, and the metadata does not have it.
    ///
    /// A client registers for authorization codes and refresh tokens, with up to ten redirect URIs: https, any
    /// URL on loopback, or the scheme of a native app. On loopback the port may differ (RFC 8252 §7.3). With
    /// the authentication method `none` it gets no secret. The server remembers the last thousand clients.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # use okta_verifier_testing::MockOkta;
    /// # let okta = MockOkta::start().await;
    /// okta.set_registration(true);
    /// # }
    /// ```
    pub fn set_registration(&self, open: bool) {
        self.shared.state().clients.registered.open = open;
    }

    /// Sets whether the server serves a form of the metadata; if not, the response is 404. By default
    /// all forms are served.
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

    /// Sets the `Cache-Control` of an endpoint's successful responses. The default is Okta's
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

    /// Sets a field of an endpoint's successful responses. `None` removes a field that was set before,
    /// and the default `Cache-Control` of metadata and keys. The default `Content-Type` can be replaced
    /// but not removed.
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

    /// Sets whether responses of the keys endpoint have an `ETag`, so that a request with a matching
    /// `If-None-Match` gets a 304 without a body. A request with a fault never gets a 304. The default
    /// is `false`.
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
    /// verifier.refresh().await?; // the keys did not change, so they are not sent again
    /// assert_eq!((okta.hits().keys, okta.hits().not_modified), (2, 1));
    /// # Ok(()) }
    /// ```
    pub fn set_etags(&self, named: bool) {
        self.shared.state().etags = named;
    }
}
