//! [`VerifierBuilder`]: builds a [`Verifier`] from settings, and replaces its issuers.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use arc_swap::ArcSwap;
use reqwest::{Certificate, ClientBuilder};

use super::{
    Inner, IssuerResolver, Issuers, MountSettings, ResolvedIssuers, Resources, SenderConstraint,
    TokenCache, Verifier, transmitters,
};
use crate::{
    dpop::{DpopSettings, External},
    error::ConfigError,
    http::{Challenges, DEFAULT_REALM},
    issuer::Issuer,
    net::{Clients, Peers, proxy_header},
    resource::Resource,
    revocation::Revocations,
    stats::Counters,
};

/// Builder for a [`Verifier`].
///
/// ```
/// use okta_verifier::{Issuer, Verifier};
///
/// let verifier = Verifier::builder()
///     .issuer(Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").client_id("0oa1client"))
///     .realm("orders")
///     .build()?;
///
/// assert!(Verifier::builder().build().is_err()); // no issuer
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[must_use]
pub struct VerifierBuilder {
    issuers: Vec<Issuer>,
    issuer_resolver: Option<IssuerResolver>,
    resources: Vec<Resource>,
    realm: String,
    http_client: Option<ClientBuilder>,
    ca_certificates: Vec<u8>,
    fetch_timeout: Duration,
    token_cache_capacity: u64,
    token_cache_ttl: Duration,
    max_token_size: usize,
    dpop: Option<DpopSettings>,
    client_certificates: bool,
    trusted_proxies: Option<Vec<String>>,
    forwarded_host: Option<(String, Vec<String>)>,
    client_cert_header: Option<String>,
    log_claims: Vec<String>,
    revocations: Option<Revocations>,
}

impl Verifier {
    /// Returns a builder with no issuers configured.
    pub fn builder() -> VerifierBuilder {
        VerifierBuilder {
            issuers: Vec::new(),
            issuer_resolver: None,
            resources: Vec::new(),
            realm: DEFAULT_REALM.to_owned(),
            http_client: None,
            ca_certificates: Vec::new(),
            fetch_timeout: DEFAULT_FETCH_TIMEOUT,
            token_cache_capacity: DEFAULT_CACHED_TOKENS,
            token_cache_ttl: DEFAULT_CACHED_FOR,
            max_token_size: DEFAULT_MAX_TOKEN_SIZE,
            dpop: None,
            client_certificates: false,
            trusted_proxies: None,
            forwarded_host: None,
            client_cert_header: None,
            log_claims: Vec::new(),
            revocations: None,
        }
    }
}

impl VerifierBuilder {
    /// Accepts this issuer's tokens. Call this method once per issuer. Each issuer has its own keys.
    pub fn issuer(mut self, issuer: Issuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// Accepts the tokens of issuers that are not known at startup. The configured issuers take precedence,
    /// and [`Verifier::set_issuers`] keeps the resolver. With a resolver, no configured issuer is required.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// use okta_verifier::{IssuerResolver, Verifier};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let tenant = |name| TestIssuer::new("api://orders").at(format!("https://login.test/oauth2/{name}"));
    /// # let [acme, umbrella] = ["acme", "umbrella"].map(tenant);
    /// # let (url, row) = (acme.issuer_url().to_owned(), acme.issuer().any_client_id());
    /// let resolver = IssuerResolver::new(["https://login.test/oauth2/*"], move |iss| {
    ///     let found = (iss == url).then(|| row.clone()); // a query of your database
    ///     async move { Ok::<_, std::io::Error>(found) }
    /// });
    /// let verifier = Verifier::builder().issuer_resolver(resolver).build()?;
    /// assert!(verifier.verify(&acme.token("ada").sign()).await.is_ok());
    /// assert!(verifier.verify(&umbrella.token("ada").sign()).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn issuer_resolver(mut self, resolver: IssuerResolver) -> Self {
        self.issuer_resolver = Some(resolver);
        self
    }

    /// Adds a protected resource, whose metadata the adapters serve (RFC 9728). Call this method again for
    /// each further resource; each needs an audience and a path of its own. By default there is none.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// use okta_verifier::{Resource, Verifier};
    ///
    /// # let okta = TestIssuer::new("https://mcp.example.com/mcp");
    /// # let issuer = || okta.issuer().any_client_id();
    /// let resource = Resource::new("https://mcp.example.com/mcp").scopes(["files:read"]);
    /// assert!(Verifier::builder().issuer(issuer()).resource(resource).build().is_ok());
    ///
    /// // No issuer has the audience of this resource.
    /// let other = Resource::new("https://mcp.example.com/other");
    /// assert!(Verifier::builder().issuer(issuer()).resource(other).build().is_err());
    /// ```
    pub fn resource(mut self, resource: Resource) -> Self {
        self.resources.push(resource);
        self
    }

    /// Sets the `realm` of challenges (RFC 9110 §11.5). Default `api`.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = realm.into();
        self
    }

    /// Sets the builder of the HTTP client for https issuers, for example to set a proxy, a private CA, a
    /// client certificate or the connect timeout.
    ///
    /// The total timeout, the redirect policy and the decoding of content encodings are overridden.
    ///
    /// The HTTP client sends the `User-Agent` of this builder. If the builder has none, requests have no
    /// `User-Agent`: this crate cannot add one, because reqwest does not show whether one is set. Set a
    /// `User-Agent`, because some firewalls reject requests without it. Without `http_client_builder`, the
    /// `User-Agent` is `okta-verifier/` and the version of this crate.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Verifier};
    /// # let issuer = || Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
    /// let proxy = reqwest::Proxy::https("http://proxy.internal:3128")?;
    /// let client = reqwest::Client::builder().proxy(proxy).user_agent("orders/1.0");
    /// assert!(Verifier::builder().issuer(issuer()).http_client_builder(client).build().is_ok());
    ///
    /// let client = reqwest::Client::builder().user_agent("orders\n"); // no header can hold that
    /// assert!(Verifier::builder().issuer(issuer()).http_client_builder(client).build().is_err());
    /// # Ok::<(), reqwest::Error>(())
    /// ```
    pub fn http_client_builder(mut self, client: ClientBuilder) -> Self {
        self.http_client = Some(client);
        self
    }

    /// Trusts these CA certificates in addition to those of the system, for https issuers whose certificates
    /// a private CA signs. The text is one or more certificates in PEM. They are added to the builder of
    /// [`http_client_builder`](Self::http_client_builder), if there is one.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Verifier};
    /// # let issuer = || Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
    /// let build = |pem: &str| Verifier::builder().issuer(issuer()).ca_certificates(pem).build();
    /// # let ca = okta_verifier_testing::Certificate::new("CA");
    /// # let pem = ca.pem();
    /// assert!(build(pem).is_ok()); // -----BEGIN CERTIFICATE----- …
    /// assert!(build("not a certificate").is_err());
    /// ```
    pub fn ca_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_certificates = pem.into();
        self
    }

    /// Sets the timeout for fetching metadata and keys combined, connecting included. Default 3 s; 50 ms
    /// to 30 s.
    ///
    /// If an attempt times out after the metadata has arrived, the metadata is kept and the next attempt
    /// begins with the keys.
    ///
    /// ```
    /// use std::time::Duration;
    /// # use okta_verifier_testing::{Endpoint, Fault, MockOkta};
    /// # use okta_verifier::{Verifier, error::UnavailableReason};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # let builder = || Verifier::builder().issuer(okta.issuer("api://default").any_client_id());
    /// # okta.fault(Endpoint::Keys, Fault::Hang);
    /// let verifier = builder().fetch_timeout(Duration::from_millis(50)).build()?;
    /// let error = verifier.warm_up().await.unwrap_err(); // 50 ms later
    /// assert!(matches!(error.reason(), UnavailableReason::Timeout));
    ///
    /// assert!(builder().fetch_timeout(Duration::from_millis(49)).build().is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn fetch_timeout(mut self, timeout: Duration) -> Self {
        self.fetch_timeout = timeout;
        self
    }

    /// Sets the maximum number of verified tokens to cache, so that the signature of a cached token is not
    /// verified again. Default 10,000; 0 disables the cache.
    ///
    /// A cached token is rejected once it expires or its key is withdrawn, like any other token. A token
    /// above 4 KiB is not cached.
    pub fn token_cache_capacity(mut self, tokens: u64) -> Self {
        self.token_cache_capacity = tokens;
        self
    }

    /// Sets the maximum time for which a verified token is cached. Default 1 h; zero disables the cache. A
    /// cached token is rejected once it expires, like any other token.
    ///
    /// ```
    /// use std::time::Duration;
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let builder = || Verifier::builder().issuer(okta.issuer().any_client_id());
    /// let busy = builder().token_cache_capacity(100_000).token_cache_ttl(Duration::from_secs(10 * 60)).build()?;
    /// let none = builder().token_cache_capacity(0).build()?; // verifies a signature for each request
    /// for verifier in [busy, none] {
    ///     // The results are the same.
    ///     let (good, late) = (okta.token("ada").sign(), okta.token("ada").expired().sign());
    ///     assert!(verifier.verify(&good).await.is_ok() && verifier.verify(&good).await.is_ok());
    ///     assert_eq!(verifier.verify(&late).await.unwrap_err().code(), "expired");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn token_cache_ttl(mut self, max_age: Duration) -> Self {
        self.token_cache_ttl = max_age;
        self
    }

    /// Sets the maximum size of a token, in bytes of the text that is sent. Default 16 KiB (16,384); 1 KiB
    /// to 64 KiB.
    ///
    /// A larger token is rejected before it is decoded: 400 in a request, and
    /// [`MalformedTokenError::TooLarge`](crate::error::MalformedTokenError::TooLarge) from
    /// [`Verifier::verify`]. HTTP servers and proxies have limits for headers too, such as hyper's 16 KiB for
    /// all headers over HTTP/2. Raise those limits too. Tokens above 4 KiB are not cached, so their signature
    /// is verified at each request. RFC 7519 §7.2 leaves the size to the recipient.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Verifier, VerifyError, error::MalformedTokenError};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let builder = || Verifier::builder().issuer(okta.issuer().any_client_id());
    /// let groups = vec!["a group of a long name"; 800];
    /// let jwt = okta.token("ada").claim("groups", groups).sign();
    ///
    /// let verifier = builder().max_token_size(32 * 1024).build()?;
    /// assert!(verifier.verify(&jwt).await.is_ok());
    ///
    /// let error = builder().build()?.verify(&jwt).await.unwrap_err();
    /// assert!(matches!(error, VerifyError::Malformed(MalformedTokenError::TooLarge { limit: 16_384 })));
    ///
    /// assert!(builder().max_token_size(1_000).build().is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_token_size(mut self, bytes: usize) -> Self {
        self.max_token_size = bytes;
        self
    }

    /// Accepts DPoP-bound tokens (RFC 9449), and offers the scheme `DPoP` in challenges.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Verifier, adapter::RequestCredentials, dpop::DpopSettings};
    /// # let okta = TestIssuer::new("api://orders");
    /// # let builder = || Verifier::builder().issuer(okta.issuer().any_client_id());
    /// let offered = |verifier: Verifier| {
    ///     let refusal = verifier.authenticate(&RequestCredentials::new([])).into_ready().unwrap().unwrap_err();
    ///     refusal.headers().filter(|(name, _)| name == "www-authenticate").count()
    /// };
    /// let settings = DpopSettings::base_url("https://api.example.com");
    /// assert_eq!(offered(builder().dpop(settings).build()?), 2); // Bearer and DPoP
    /// assert_eq!(offered(builder().build()?), 1);
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn dpop(mut self, settings: DpopSettings) -> Self {
        self.dpop = Some(settings);
        self
    }

    /// Accepts certificate-bound tokens (RFC 8705 §3) with the client certificate of the TLS
    /// session, which the server passes on as a [`ClientCertificate`](crate::mtls::ClientCertificate).
    ///
    /// This is off by default, because the TLS session belongs to the client only if no proxy terminates TLS
    /// in front of this process. A proxy that connects with a client certificate of its own must be one of
    /// the [`trusted_proxies`](Self::trusted_proxies). Otherwise the proxy's certificate is accepted as the
    /// client's certificate in every request that the proxy sends. Without this setting and without
    /// [`client_cert_header`](Self::client_cert_header), a certificate-bound token is rejected with
    /// [`VerifyError::BindingUnchecked`](crate::VerifyError::BindingUnchecked).
    ///
    /// ```
    /// # use okta_verifier_testing::{Certificate, TestIssuer};
    /// # use okta_verifier::{adapter::RequestCredentials, Verifier};
    /// # let okta = TestIssuer::new("api://orders");
    /// # let builder = || Verifier::builder().issuer(okta.issuer().any_client_id());
    /// # let own = Certificate::new("client-1");
    /// # let authorization = format!("Bearer {}", okta.token("ada").bound_to_certificate(own.der()).sign());
    /// let credentials = RequestCredentials::new([authorization.as_bytes()]).client_certificate(own.der());
    /// let verifier = builder().client_certificates().build()?;
    /// assert_eq!(verifier.authenticate(&credentials).into_ready().expect("no I/O").unwrap().subject(), "ada");
    ///
    /// let verifier = builder().build()?;
    /// let rejection = verifier.authenticate(&credentials).into_ready().expect("no I/O").unwrap_err();
    /// assert_eq!(rejection.error().unwrap().code(), "binding_unchecked");
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn client_certificates(mut self) -> Self {
        self.client_certificates = true;
        self
    }

    /// Names the proxies in front of this service by their networks, such as `10.0.0.0/8`.
    ///
    /// This setting says which proxies are trusted. [`forwarded_host`](Self::forwarded_host) and
    /// [`client_cert_header`](Self::client_cert_header) say which headers are read from the proxies. Each
    /// of them is separate: `forwarded_host` alone does not make the proxies trusted for certificates, and
    /// `client_cert_header` alone does not make them trusted for the host. The headers are ignored in the
    /// requests of other peers, and if the adapter does not know the peer.
    ///
    /// The certificate of a trusted proxy's own TLS session is never used as the certificate of its
    /// clients. Which certificate is used depends on the peer:
    ///
    /// | peer | certificate of the client |
    /// |---|---|
    /// | in one of these networks | with [`client_cert_header`](Self::client_cert_header) the certificate in that header, otherwise none |
    /// | another | with [`client_certificates`](Self::client_certificates) the certificate of the session, otherwise none |
    /// | unknown: the adapter has no address, or a Unix socket | none |
    ///
    /// [`build`](Self::build) rejects this setting if no other setting uses the proxies, and rejects the
    /// settings of a header without `trusted_proxies`.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Verifier};
    /// # let issuer = || Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
    /// let builder = || Verifier::builder().issuer(issuer()).client_cert_header("Client-Cert");
    /// assert!(builder().trusted_proxies(["10.0.0.0/8", "fd00::/8"]).build().is_ok());
    ///
    /// assert!(builder().trusted_proxies(["proxy.internal"]).build().is_err()); // not a network
    /// assert!(builder().build().is_err()); // no proxy that sends the header
    ///
    /// let nothing_read = Verifier::builder().issuer(issuer()).trusted_proxies(["10.0.0.0/8"]);
    /// assert!(nothing_read.build().is_err());
    /// ```
    pub fn trusted_proxies<C>(mut self, cidrs: impl IntoIterator<Item = C>) -> Self
    where
        C: Into<String>,
    {
        self.trusted_proxies = Some(cidrs.into_iter().map(Into::into).collect());
        self
    }

    /// Reads the external host of a request from the header `header`, which the
    /// [`trusted_proxies`](Self::trusted_proxies) send, for [`DpopSettings::forwarded_host`]. `hosts` are
    /// the hosts under which clients call this service.
    ///
    /// The header must have exactly one line:
    ///
    /// - `Forwarded` (RFC 7239 §4): one element with `host` and `proto`, such as `proxy_set_header
    ///   Forwarded "host=$server_name;proto=https"`. Names are tokens, values are tokens or quoted strings
    ///   (a host with a port must be quoted), and no parameter occurs twice. A comma is rejected anywhere
    ///   in the value;
    /// - any other name: a host, which means https (`X-Forwarded-Host: api.example.com`), or a whole
    ///   origin (`X-External-Origin: https://api.example.com`).
    ///
    /// The proxy must overwrite the header on every request. A list is rejected, because a list means that
    /// the proxy has appended to the client's header. The hosts of this service must be listed, because most
    /// proxies forward any `Host` of the client, and a proof that was made for another API would then be
    /// valid for this API.
    ///
    /// Each of `hosts` is a host, which means https, with its port unless the port is 443, or a whole
    /// origin. Hosts are compared exactly after normalization (RFC 3986 §6.2.2-3). Wildcards are not
    /// supported. If the proxy sends a host that is not listed, the proof of the request is rejected.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Verifier, dpop::DpopSettings};
    /// # let issuer = || Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
    /// let behind = || {
    ///     let builder = Verifier::builder().issuer(issuer()).dpop(DpopSettings::forwarded_host());
    ///     builder.trusted_proxies(["10.0.0.0/8"])
    /// };
    /// let hosts = ["api.example.com", "api.example.org:8443"];
    /// assert!(behind().forwarded_host("X-Forwarded-Host", hosts).build().is_ok());
    /// assert!(behind().forwarded_host("X-Forwarded-Host", [""; 0]).build().is_err());
    /// ```
    pub fn forwarded_host<H>(
        mut self,
        header: impl Into<String>,
        hosts: impl IntoIterator<Item = H>,
    ) -> Self
    where
        H: Into<String>,
    {
        let hosts = hosts.into_iter().map(Into::into).collect();
        self.forwarded_host = Some((header.into(), hosts));
        self
    }

    /// Accepts certificate-bound tokens (RFC 8705 §3) with the certificate that the
    /// [`trusted_proxies`](Self::trusted_proxies) send in this header when they terminate TLS for their
    /// clients. RFC 9440 calls the header `Client-Cert`. With any name, its value must have the form of
    /// that RFC: the certificate's DER in base64, between colons.
    ///
    /// Certificates are public, so a client could send the certificate of another client. The proxy must
    /// remove the header from the requests of its clients, and set it only if the handshake has verified
    /// the certificate.
    ///
    /// ```
    /// # use okta_verifier_testing::{Certificate, TestIssuer};
    /// # use okta_verifier::{adapter::RequestCredentials, Verifier};
    /// # use base64::{Engine, engine::general_purpose::STANDARD};
    /// # let (okta, client, proxy) = (TestIssuer::new("api://orders"), Certificate::new("client"), Certificate::new("proxy"));
    /// let verifier = Verifier::builder()
    ///     .issuer(okta.issuer().any_client_id())
    ///     .trusted_proxies(["10.0.0.0/8"])
    ///     .client_cert_header("Client-Cert")
    ///     .build()?;
    /// # let header = format!(":{}:", STANDARD.encode(client.der()));
    /// // The session has the proxy's own certificate, and the header the client's.
    /// let is_accepted = |bound_to: &Certificate, peer: [u8; 4]| {
    ///     let jwt = okta.token("ada").bound_to_certificate(bound_to.der()).sign();
    ///     let authorization = format!("Bearer {jwt}");
    ///     let request = RequestCredentials::new([authorization.as_bytes()])
    ///         .peer(peer.into())
    ///         .client_certificate(proxy.der())
    ///         .client_cert([header.as_bytes()]);
    ///     verifier.authenticate(&request).into_ready().expect("no I/O").is_ok()
    /// };
    /// assert!(is_accepted(&client, [10, 0, 0, 7]));
    /// assert!(!is_accepted(&proxy, [10, 0, 0, 7]));
    /// assert!(!is_accepted(&client, [192, 0, 2, 1])); // not a trusted proxy
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn client_cert_header(mut self, header: impl Into<String>) -> Self {
        self.client_cert_header = Some(header.into());
        self
    }

    /// Adds these claims of a rejected token to the event about its rejection, in the field `claims`. Default:
    /// none.
    ///
    /// The names are those of top-level claims, at most 16. A claim is shown once the signature of the token
    /// was verified, or if it is from the introspection response of the issuer. Each value is escaped and shortened to
    /// 128 bytes, and at most three values of an array are shown. Nothing is logged about accepted tokens. The
    /// events have the target `okta_verifier::rejected` and the level `debug`; the guide "Log events and codes"
    /// lists their fields.
    ///
    /// Values of claims such as `sub` or `email` are personal data: who can read the log can then follow a
    /// person. Name a claim that identifies no one, such as a department, if it is enough.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Verifier};
    /// # let issuer = || Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
    /// let build = |names: &[&str]| Verifier::builder().issuer(issuer()).log_claims(names.iter().copied()).build();
    /// assert!(build(&["department", "tenant"]).is_ok());
    /// assert!(build(&["department", ""]).is_err()); // no claim has this name
    /// ```
    pub fn log_claims<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.log_claims = names.into_iter().map(Into::into).collect();
        self
    }

    /// Compares every token with these rules, and rejects those that are revoked. By default there are none. Then no
    /// token needs `iat`, and a token is accepted until it expires unless it is introspected.
    ///
    /// Keep a clone of `revocations`, to revoke tokens with it. Several verifiers may share one.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// use okta_verifier::{Verifier, revocation::{Revocations, Rule}};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let (issuer, url) = (okta.issuer().any_client_id(), okta.issuer_url());
    /// let revocations = Revocations::builder().forgets_at_restart().build()?;
    /// let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
    /// let jwt = okta.token("ada").client_id("0oa4retired").sign();
    /// assert!(verifier.verify(&jwt).await.is_ok());
    ///
    /// revocations.revoke(Rule::client(url, "0oa4retired")).await?;
    /// assert_eq!(verifier.verify(&jwt).await.unwrap_err().code(), "revoked");
    /// # Ok(())
    /// # }
    /// ```
    pub fn revocations(mut self, revocations: Revocations) -> Self {
        self.revocations = Some(revocations);
        self
    }

    /// Builds the verifier without network I/O. The service therefore starts even if the issuer is down.
    /// The keys are fetched for the first token, or by [`Verifier::warm_up`].
    ///
    /// # Errors
    ///
    /// Returns the first wrong setting. The text of the error says what to write instead.
    pub fn build(mut self) -> Result<Verifier, ConfigError> {
        if !FETCH_TIMEOUTS.contains(&self.fetch_timeout) {
            return Err(ConfigError::FetchTimeout);
        }
        if !TOKEN_SIZES.contains(&self.max_token_size) {
            return Err(ConfigError::MaxTokenSize);
        }
        let sender_constraint = self.sender_constraint()?;
        let challenges = Challenges::new(&self.realm)?.with_logged_claims(&self.log_claims)?;
        let challenges = match sender_constraint.offers_dpop() {
            true => challenges.with_dpop()?,
            false => challenges,
        };
        let resources = Resources::new(self.resources)?;
        let challenges = Arc::new(match resources.only() {
            Some(resource) => challenges.of_layer(resource.metadata_url(), &[])?,
            None => challenges,
        });
        let mount = MountSettings::of_verifier(&resources, &challenges);
        let ca_certificates = ca_certificates(&self.ca_certificates)?;
        let counters = Arc::new(Counters::default());
        let resolver = self
            .issuer_resolver
            .map(|resolver| resolver.prepare(&counters))
            .transpose()?;
        if self.issuers.is_empty() && resolver.is_none() {
            return Err(ConfigError::NoIssuer);
        }
        let resolved = resolver.map(ResolvedIssuers::new).transpose()?;
        let mut clients = Clients::new(self.http_client, ca_certificates, self.fetch_timeout);
        let revocations = self.revocations;
        let issuers = Issuers::build(
            self.issuers,
            &[],
            &mut clients,
            &challenges,
            &counters,
            revocations.as_ref(),
        )?;
        resources.check_issuers(&issuers)?;
        if let Some(revocations) = &revocations {
            let has_resolver = resolved.is_some();
            transmitters::connect(revocations, &issuers.list, has_resolver, &mut clients)?;
        }
        resources.log_notes();
        let cache = TokenCache::new(self.token_cache_capacity, self.token_cache_ttl);
        Ok(Verifier(Arc::new(Inner {
            issuers: ArcSwap::from_pointee(issuers),
            resolved: resolved.map(Arc::new),
            cache,
            challenges,
            resources,
            mount: mount.map(Arc::new),
            sender_constraint,
            max_token_size: self.max_token_size,
            revocations,
            clients: Mutex::new(clients),
            counters,
        })))
    }

    /// Validates the settings for bound tokens, and moves those of DPoP out of the builder.
    fn sender_constraint(&mut self) -> Result<SenderConstraint, ConfigError> {
        let wrong = |problem| Err(ConfigError::TrustedProxies { problem });
        let proxies = self
            .trusted_proxies
            .as_deref()
            .map(Peers::new)
            .transpose()?;
        let forwarded_host = match (&self.forwarded_host, &proxies) {
            (None, _) => None,
            (Some(_), None) => {
                return wrong(
                    "forwarded_host is read from trusted proxies only; add .trusted_proxies([\"10.0.0.0/8\"])",
                );
            }
            (Some((_, hosts)), _) if hosts.is_empty() => {
                return wrong(
                    "forwarded_host needs the hosts of this service, because most proxies forward any host; write .forwarded_host(\"X-Forwarded-Host\", [\"api.example.com\"])",
                );
            }
            (Some((header, hosts)), Some(proxies)) => {
                Some(External::forwarded(proxies.clone(), header, hosts)?)
            }
        };
        let client_cert_header = match &self.client_cert_header {
            Some(_) if proxies.is_none() => {
                return wrong(
                    "client_cert_header is read from trusted proxies only; add .trusted_proxies([\"10.0.0.0/8\"])",
                );
            }
            header => header.as_deref().map(proxy_header).transpose()?,
        };
        // `client_certificates` also uses the list of proxies: the certificate of a proxy's own TLS
        // session is ignored.
        let are_used = self.client_certificates || self.client_cert_header.is_some();
        if proxies.is_some() && forwarded_host.is_none() && !are_used {
            return wrong(
                "nothing is read from the trusted proxies; add .forwarded_host(..) or .client_cert_header(..), or remove .trusted_proxies(..)",
            );
        }
        if forwarded_host.is_some() && self.dpop.is_none() {
            return wrong(
                "the forwarded host is used for DPoP proofs only; add .dpop(DpopSettings::forwarded_host()), or remove .forwarded_host(..)",
            );
        }
        let dpop = self.dpop.take();
        let dpop = dpop.map(|dpop| dpop.resolve(forwarded_host)).transpose()?;
        Ok(SenderConstraint::new(
            dpop,
            self.client_certificates,
            proxies,
            client_cert_header,
        ))
    }
}

/// Omits the HTTP client, because it may contain the password of a proxy.
impl fmt::Debug for VerifierBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierBuilder")
            .field("issuers", &self.issuers)
            .field("issuer_resolver", &self.issuer_resolver)
            .field("realm", &self.realm)
            .field("fetch_timeout", &self.fetch_timeout)
            .finish_non_exhaustive()
    }
}

impl Verifier {
    /// Replaces the issuers, for services that add and remove issuers at run time. Performs no network
    /// I/O.
    ///
    /// An issuer with unchanged settings keeps its state, unless another entry for the same `iss` is added. An
    /// issuer with changed settings keeps its keys if the keys are fetched in the same way. Tokens of a removed issuer are rejected from the next
    /// request on. If a request is waiting while its issuer's settings change, the new settings decide. If
    /// the request is waiting for a [`ReplayStore`](crate::dpop::ReplayStore), it is rejected with 503.
    ///
    /// It is not possible to accept every issuer of a domain, because anyone who can create an issuer
    /// there could then issue tokens. List the issuers that you know, from your database, or look each of
    /// them up with an [`IssuerResolver`]. The resolver stays. An issuer that it returned is replaced by the
    /// configured one.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let tenant = |name| TestIssuer::new("api://orders").at(format!("https://{name}.okta.test/oauth2/default"));
    /// # let [acme, umbrella] = ["acme", "umbrella"].map(tenant);
    /// # let issuer = |it: &TestIssuer| it.issuer().any_client_id();
    /// let verifier = Verifier::builder().issuer(issuer(&acme)).build()?;
    ///
    /// verifier.set_issuers([issuer(&umbrella)])?;
    /// assert!(verifier.verify(&umbrella.token("ada").sign()).await.is_ok());
    /// let refused = verifier.verify(&acme.token("ada").sign()).await.unwrap_err();
    /// assert_eq!(refused.code(), "unknown_issuer");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the first wrong setting. The issuers are then unchanged.
    pub fn set_issuers(
        &self,
        issuers: impl IntoIterator<Item = Issuer>,
    ) -> Result<(), ConfigError> {
        let issuers: Vec<_> = issuers.into_iter().collect();
        if issuers.is_empty() && self.0.resolved.is_none() {
            return Err(ConfigError::NoIssuer);
        }
        self.replace(|clients, challenges| {
            let counters = &self.0.counters;
            let issuers = Issuers::build(
                issuers,
                &self.issuers(),
                clients,
                challenges,
                counters,
                self.0.revocations.as_ref(),
            )?;
            self.0.resources.check_issuers(&issuers)?;
            if let Some(revocations) = &self.0.revocations {
                transmitters::reconnect(revocations, &issuers.list);
            }
            self.0.resources.set_dynamic();
            Ok(issuers)
        })
    }
}

/// Reads CA certificates in PEM. An empty text has none.
fn ca_certificates(pem: &[u8]) -> Result<Vec<Certificate>, ConfigError> {
    if pem.is_empty() {
        return Ok(Vec::new());
    }
    let certificates = Certificate::from_pem_bundle(pem).ok();
    certificates
        .filter(|certificates| !certificates.is_empty())
        .ok_or(ConfigError::CaCertificates)
}

const DEFAULT_FETCH_TIMEOUT: Duration = Duration::from_secs(3);
const DEFAULT_CACHED_TOKENS: u64 = 10_000;
const DEFAULT_CACHED_FOR: Duration = Duration::from_secs(60 * 60);
const DEFAULT_MAX_TOKEN_SIZE: usize = 16 * 1024;
const TOKEN_SIZES: std::ops::RangeInclusive<usize> = 1024..=64 * 1024;
const FETCH_TIMEOUTS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(50)..=Duration::from_secs(30);
