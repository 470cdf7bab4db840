//! [`IssuerResolver`]: the settings for issuers that are not known at startup.

use std::{
    error::Error, fmt, future::Future, ops::RangeInclusive, pin::Pin, sync::Arc, time::Duration,
};

use url::Url;

use crate::{
    error::ConfigError,
    issuer::Issuer,
    net::PlainHttp,
    stats::{Counters, IssuerCounters},
    sync::token_bucket::Rate,
};

/// Finds the settings of issuers that are not known at startup, for example in a database of tenants.
///
/// The resolver is an async function from `iss` to the settings of this issuer. It is called for a
/// well-formed token whose `iss` is not configured and has the form of one of the allowed patterns. What it
/// returns decides about the token:
///
/// | result | the token is | and is used for |
/// |---|---|---|
/// | `Ok(Some(issuer))` | verified with these settings | [`ttl`](Self::ttl) |
/// | `Ok(None)`: there is no such issuer | rejected with 401 | [`unknown_ttl`](Self::unknown_ttl) |
/// | `Err(..)`, or no result within [`timeout`](Self::timeout) | rejected with 503 and `Retry-After` | the back-off of this issuer, at most 30 s |
/// | settings of another URL, with an alias or with several tenants, or settings that [`build`](super::VerifierBuilder::build) would reject | rejected with 503 and `Retry-After` | the back-off of this issuer |
///
/// **The resolver decides whose tokens are accepted.** Return settings only for an issuer that is stored as
/// yours. Settings built from the text of `iss` alone accept everyone who can create an issuer under the
/// pattern. The token is not verified when the resolver is called, so strangers choose the text within the
/// pattern.
///
/// Configured issuers take precedence: the resolver is not called for them, their aliases, their tenants
/// and the org authorization servers of their hosts. Tokens that do not name their issuer, which are opaque
/// and encrypted ones, are never resolved, and a resolved issuer introspects signed tokens only.
///
/// # Limits
///
/// A flood of invented issuers is bounded by [`rate_limit`](Self::rate_limit) and
/// [`max_in_flight`](Self::max_in_flight). While the limit is reached, a new issuer gets 503 and not 401,
/// because it may exist. Issuers whose settings are cached are not affected: an invented issuer never enters
/// their cache. Calls to refresh them do not count towards the rate limit, and a quarter of the calls in flight
/// is reserved for them. Concurrent requests for one issuer share one call. The call runs in a task of its own,
/// so that a dropped request cancels nothing. The function must not block its thread.
///
/// # Logs
///
/// The error of the resolver is the [`source`](std::error::Error::source) of
/// [`UnavailableReason::IssuerResolver`](crate::error::UnavailableReason::IssuerResolver). Its text is not
/// logged by this crate, because it may contain `iss`, which a stranger may have written. Log it in the
/// resolver if you know what it contains.
///
/// ```
/// use std::collections::HashMap;
/// # use okta_verifier_testing::TestIssuer;
/// use okta_verifier::{Issuer, IssuerResolver, Verifier};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let tenant = |name| TestIssuer::new("api://orders").at(format!("https://{name}.login.test/oauth2/default"));
/// # let [acme, umbrella] = ["acme", "umbrella"].map(tenant);
/// # let row = acme.issuer().any_client_id();
/// let tenants: HashMap<String, Issuer> = HashMap::from([(acme.issuer_url().to_owned(), row)]);
/// let resolver = IssuerResolver::new(["https://*.login.test/oauth2/default"], move |iss| {
///     let found = tenants.get(&iss).cloned(); // a query of your database
///     async move { Ok::<_, std::io::Error>(found) }
/// });
/// let verifier = Verifier::builder().issuer_resolver(resolver).build()?;
///
/// assert_eq!(verifier.verify(&acme.token("ada").sign()).await?.subject(), "ada");
/// let error = verifier.verify(&umbrella.token("ada").sign()).await.unwrap_err();
/// assert_eq!(error.code(), "unknown_issuer");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct IssuerResolver {
    patterns: Vec<String>,
    resolve: Arc<Resolve>,
    timeout: Duration,
    capacity: usize,
    ttl: Duration,
    unknown_ttl: Duration,
    max_in_flight: usize,
    rate: (u32, u32),
}

type Resolve = dyn Fn(String) -> ResolveFuture + Send + Sync;
type ResolveFuture =
    Pin<Box<dyn Future<Output = Result<Option<Issuer>, Arc<dyn Error + Send + Sync>>> + Send>>;

impl IssuerResolver {
    /// Resolves the issuers of these patterns with `resolve`, which receives `iss` as it is in the token.
    ///
    /// A pattern is the URL of an issuer with one `*`, which stands for one segment of the path, or for the
    /// first label of the host: `https://login.example/tenants/*` or `https://*.login.example/oauth2/default`.
    /// A segment has 1 to 128 of the characters `A-Z a-z 0-9 - . _ ~` and is not `.` or `..`; a label has 1
    /// to 63 of `a-z 0-9 -`, and neither begins nor ends with a hyphen (RFC 3986 §2.3 and §3.3, RFC 1123
    /// §2.1). Everything else is compared exactly. An `iss` above 512 bytes has no pattern.
    ///
    /// The patterns are texts and not a function, because a comparison such as `starts_with` is easily too
    /// wide: `https://login.example` is also the beginning of `https://login.example.evil.test`. They are
    /// checked by [`build`](super::VerifierBuilder::build), and an error in the log can name them.
    ///
    /// ```
    /// use okta_verifier::{IssuerResolver, Verifier};
    ///
    /// let build = |pattern: &str| {
    ///     let resolver = IssuerResolver::new([pattern], |_| async { Ok::<_, std::io::Error>(None) });
    ///     Verifier::builder().issuer_resolver(resolver).build()
    /// };
    /// assert!(build("https://login.example/tenants/*").is_ok());
    /// assert!(build("https://*.login.example/oauth2/default").is_ok());
    ///
    /// assert!(build("https://*").is_err()); // every issuer
    /// assert!(build("https://login.example/tenant-*").is_err()); // not a whole segment
    /// assert!(build("http://login.example/tenants/*").is_err()); // not https
    /// ```
    pub fn new<P, F, E>(
        patterns: impl IntoIterator<Item = P>,
        resolve: impl Fn(String) -> F + Send + Sync + 'static,
    ) -> Self
    where
        P: Into<String>,
        F: Future<Output = Result<Option<Issuer>, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Self {
            patterns: patterns.into_iter().map(Into::into).collect(),
            resolve: Arc::new(move |iss| {
                let resolved = resolve(iss);
                Box::pin(async move { resolved.await.map_err(|error| Arc::from(error.into())) })
            }),
            timeout: DEFAULT_TIMEOUT,
            capacity: DEFAULT_CAPACITY,
            ttl: DEFAULT_TTL,
            unknown_ttl: DEFAULT_UNKNOWN_TTL,
            max_in_flight: DEFAULT_IN_FLIGHT,
            rate: DEFAULT_RATE,
        }
    }

    /// Sets the timeout of one call. Default 3 s; 50 ms to 30 s. A call that has to wait for others in
    /// flight may wait for as long again.
    ///
    /// ```
    /// use std::time::Duration;
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Issuer, IssuerResolver, Verifier};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let tenant = TestIssuer::new("api://orders").at("https://acme.login.test/oauth2/default");
    /// let resolver = IssuerResolver::new(["https://*.login.test/oauth2/default"], |_| {
    ///     std::future::pending::<Result<Option<Issuer>, std::io::Error>>() // a database that hangs
    /// });
    /// let verifier = Verifier::builder().issuer_resolver(resolver.clone().timeout(Duration::from_millis(50))).build()?;
    /// let error = verifier.verify(&tenant.token("ada").sign()).await.unwrap_err(); // 50 ms later
    /// assert_eq!(error.code(), "unavailable");
    ///
    /// assert!(Verifier::builder().issuer_resolver(resolver.timeout(Duration::ZERO)).build().is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the maximum number of issuers whose settings and keys are cached. Default 1,000; 1 to 100,000.
    ///
    /// Beyond it, the issuer that was used least recently is evicted, its cached tokens are rejected, and it
    /// must be resolved like a new one. Set it above the number of your tenants.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, IssuerResolver, Verifier};
    /// # let resolver = || IssuerResolver::new(["https://*.login.test"], |_| async { Ok::<_, std::io::Error>(None) });
    /// let builds = |resolver| Verifier::builder().issuer_resolver(resolver).build().is_ok();
    /// assert!(builds(resolver().capacity(20_000)));
    /// assert!(!builds(resolver().capacity(0)));
    /// ```
    pub fn capacity(mut self, issuers: usize) -> Self {
        self.capacity = issuers;
        self
    }

    /// Sets how long the settings of a resolved issuer are used. Default 10 min; 1 s to 24 h.
    ///
    /// After half of this time, the next token of the issuer causes a call in the background. If it returns
    /// the same settings, keys and cached tokens stay; if it returns others, the cached tokens are verified
    /// again; if it returns `None`, the tokens are rejected. If the calls fail until the end of this time,
    /// the tokens of the issuer are rejected with 503. An issuer that is removed from your database
    /// is therefore accepted for this long at most.
    ///
    /// ```
    /// use std::time::Duration;
    /// # use okta_verifier::{Issuer, IssuerResolver, Verifier};
    /// # let resolver = || IssuerResolver::new(["https://*.login.test"], |_| async { Ok::<_, std::io::Error>(None) });
    /// let builds = |resolver| Verifier::builder().issuer_resolver(resolver).build().is_ok();
    /// assert!(builds(resolver().ttl(Duration::from_secs(60))));
    /// assert!(!builds(resolver().ttl(Duration::ZERO)));
    /// ```
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// Sets how long tokens of an issuer for which the resolver returned `None` are rejected without a call.
    /// Default 60 s; 1 s to 1 h. A new tenant whose token was rejected before is accepted after this time.
    ///
    /// At most 10,000 such issuers are stored, as keyed hashes of 16 bytes.
    ///
    /// ```
    /// use std::time::Duration;
    /// # use okta_verifier::{Issuer, IssuerResolver, Verifier};
    /// # let resolver = || IssuerResolver::new(["https://*.login.test"], |_| async { Ok::<_, std::io::Error>(None) });
    /// let builds = |resolver| Verifier::builder().issuer_resolver(resolver).build().is_ok();
    /// assert!(builds(resolver().unknown_ttl(Duration::from_secs(5))));
    /// assert!(!builds(resolver().unknown_ttl(Duration::ZERO)));
    /// ```
    pub fn unknown_ttl(mut self, ttl: Duration) -> Self {
        self.unknown_ttl = ttl;
        self
    }

    /// Sets the maximum number of concurrent calls. Default 32; 4 to 1,000. Calls about issuers that are not
    /// cached have three quarters of them at most.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, IssuerResolver, Verifier};
    /// # let resolver = || IssuerResolver::new(["https://*.login.test"], |_| async { Ok::<_, std::io::Error>(None) });
    /// let builds = |resolver| Verifier::builder().issuer_resolver(resolver).build().is_ok();
    /// assert!(builds(resolver().max_in_flight(8))); // no more than the connections to the database
    /// assert!(!builds(resolver().max_in_flight(0)));
    /// ```
    pub fn max_in_flight(mut self, calls: usize) -> Self {
        self.max_in_flight = calls;
        self
    }

    /// Sets how many calls about issuers that are not cached are made per second, after `burst` calls at once.
    /// Default 10 and 100; 1 to 1,000 and 1 to 10,000.
    ///
    /// Beyond it, tokens of such issuers are rejected with 503 and `Retry-After`. After a restart no issuer
    /// is cached: with many tenants, raise the burst.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, IssuerResolver, Verifier};
    /// # let resolver = || IssuerResolver::new(["https://*.login.test"], |_| async { Ok::<_, std::io::Error>(None) });
    /// let builds = |resolver| Verifier::builder().issuer_resolver(resolver).build().is_ok();
    /// assert!(builds(resolver().rate_limit(50, 500)));
    /// assert!(!builds(resolver().rate_limit(0, 500)));
    /// ```
    pub fn rate_limit(mut self, per_second: u32, burst: u32) -> Self {
        self.rate = (per_second, burst);
        self
    }

    /// Checks the settings.
    pub(super) fn prepare(self, counters: &Counters) -> Result<Settings, ConfigError> {
        let fail = |problem: String| Err(ConfigError::IssuerResolver { problem });
        if self.patterns.is_empty() {
            return fail(format!("there is no pattern; write one, such as {EXAMPLE}"));
        }
        let mut patterns = Vec::new();
        for text in self.patterns {
            match IssuerPattern::new(&text, counters) {
                Ok(pattern) => patterns.push(pattern),
                Err(problem) => return fail(format!("pattern {text:?}: {problem}")),
            }
        }
        let (per_second, burst) = self.rate;
        let problem = if !TIMEOUTS.contains(&self.timeout) {
            "timeout: write 50 ms to 30 s"
        } else if !CAPACITIES.contains(&self.capacity) {
            "capacity: write 1 to 100,000 issuers"
        } else if !TTLS.contains(&self.ttl) {
            "ttl: write 1 s to 24 h"
        } else if !UNKNOWN_TTLS.contains(&self.unknown_ttl) {
            "unknown_ttl: write 1 s to 1 h"
        } else if !IN_FLIGHT.contains(&self.max_in_flight) {
            "max_in_flight: write 4 to 1,000 calls"
        } else if !PER_SECOND.contains(&per_second) || !BURST.contains(&burst) {
            "rate_limit: write 1 to 1,000 calls per second, and a burst of 1 to 10,000"
        } else {
            return Ok(Settings {
                patterns,
                resolve: self.resolve,
                timeout: self.timeout,
                capacity: self.capacity,
                ttl: self.ttl,
                unknown_ttl: self.unknown_ttl,
                max_in_flight: self.max_in_flight,
                rate: Rate::per_second(per_second, burst),
            });
        };
        fail(problem.to_owned())
    }
}

/// Omits the function.
impl fmt::Debug for IssuerResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerResolver")
            .field("patterns", &self.patterns)
            .field("timeout", &self.timeout)
            .field("capacity", &self.capacity)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

/// Checked settings of the resolver.
pub(super) struct Settings {
    patterns: Vec<IssuerPattern>,
    resolve: Arc<Resolve>,
    pub(super) timeout: Duration,
    pub(super) capacity: usize,
    pub(super) ttl: Duration,
    pub(super) unknown_ttl: Duration,
    pub(super) max_in_flight: usize,
    pub(super) rate: Rate,
}

impl Settings {
    /// Returns the text of the pattern of an `iss`, or `None` if the resolver must not be called for it.
    pub(super) fn pattern_of(&self, iss: &str) -> Option<&str> {
        self.counters_of(iss).map(|counters| counters.issuer())
    }

    /// Returns the counters of the pattern of an `iss`. They name the pattern instead of an issuer.
    pub(super) fn counters_of(&self, iss: &str) -> Option<&Arc<IssuerCounters>> {
        if iss.len() > MAX_ISS {
            return None;
        }
        let pattern = self.patterns.iter().find(|pattern| pattern.matches(iss))?;
        Some(&pattern.counters)
    }

    /// Returns the text with the pattern's `*` in place of what `iss` has there.
    pub(super) fn without_place(&self, iss: &str, text: &str) -> String {
        let pattern = self.patterns.iter().find(|pattern| pattern.matches(iss));
        let Some((pattern, place)) = pattern.and_then(|it| Some((it, it.place_of(iss)?))) else {
            return String::new();
        };
        let before = &*pattern.before;
        text.replace(&format!("{before}{place}"), &format!("{before}{PLACE}"))
    }

    pub(super) async fn resolve(
        &self,
        iss: String,
    ) -> Result<Option<Issuer>, Arc<dyn Error + Send + Sync>> {
        (self.resolve)(iss).await
    }
}

/// The form of the issuers that may be resolved: a URL with one place for a segment or a label.
struct IssuerPattern {
    counters: Arc<IssuerCounters>,
    before: String,
    after: String,
    is_host: bool,
}

impl IssuerPattern {
    /// # Errors
    ///
    /// Returns what is wrong with the pattern, and what to write.
    fn new(text: &str, counters: &Counters) -> Result<Self, String> {
        let form = || format!("write the URL of an issuer with one *, such as {EXAMPLE}");
        let (before, after) = text.split_once(PLACE).ok_or_else(form)?;
        let is_host = matches!(before, "https://" | "http://");
        if after.contains(PLACE) {
            return Err(form());
        }
        let is_whole = match is_host {
            true => after.starts_with('.'),
            // The first slash of the path is the third one of the URL.
            false => {
                before.ends_with('/')
                    && before.matches('/').count() >= 3
                    && (after.is_empty() || after.starts_with('/'))
            }
        };
        if !is_whole {
            return Err(format!(
                "the * must stand for one whole segment of the path or for the first label of the host; {}",
                form()
            ));
        }
        // The parser would repair what `iss` is compared with exactly.
        let sample = format!("{before}tenant{after}");
        let url = Url::parse(&sample).map_err(|_| form())?;
        if !PlainHttp::new(true, Vec::new()).allows(&url) {
            return Err(
                "the scheme is not https; http is supported for issuers on 127.0.0.0/8, [::1] and localhost"
                    .to_owned(),
            );
        }
        let is_bare = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !is_bare || url.as_str().trim_end_matches('/') != sample.trim_end_matches('/') {
            return Err(
                "write it as in `iss`: in lower case, without user name, password, query, fragment and dot segments"
                    .to_owned(),
            );
        }
        let host = url.domain().unwrap_or_default();
        if is_host && host.matches('.').count() < 2 {
            return Err(
                "everyone can register such a host; write a domain of your own after the *"
                    .to_owned(),
            );
        }
        Ok(Self {
            counters: counters.configured(text),
            before: before.to_owned(),
            after: after.to_owned(),
            is_host,
        })
    }

    fn matches(&self, iss: &str) -> bool {
        self.place_of(iss).is_some()
    }

    /// Returns what `iss` has at the place, or `None` if `iss` does not match.
    fn place_of<'i>(&self, iss: &'i str) -> Option<&'i str> {
        let rest = iss.strip_prefix(&*self.before)?;
        let place = rest.strip_suffix(&*self.after)?;
        let is_place = match self.is_host {
            true => is_label(place),
            false => is_segment(place),
        };
        is_place.then_some(place)
    }
}

/// Returns whether the text is a label of a host name in lower case (RFC 1123 §2.1).
fn is_label(text: &str) -> bool {
    let is_in_label = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(is_in_label)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Returns whether the text is a segment of unreserved characters (RFC 3986 §2.3) and not a dot segment.
fn is_segment(text: &str) -> bool {
    let is_unreserved =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    (1..=128).contains(&text.len())
        && text.bytes().all(is_unreserved)
        && !matches!(text, "." | "..")
}

const PLACE: char = '*';
const EXAMPLE: &str =
    "\"https://login.example/tenants/*\" or \"https://*.login.example/oauth2/default\"";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);
const DEFAULT_CAPACITY: usize = 1_000;
const DEFAULT_TTL: Duration = Duration::from_secs(10 * 60);
const DEFAULT_UNKNOWN_TTL: Duration = Duration::from_secs(60);
const DEFAULT_IN_FLIGHT: usize = 32;
const DEFAULT_RATE: (u32, u32) = (10, 100);
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(30);
const CAPACITIES: RangeInclusive<usize> = 1..=100_000;
const TTLS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(24 * 60 * 60);
const UNKNOWN_TTLS: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(60 * 60);
const IN_FLIGHT: RangeInclusive<usize> = 4..=1_000;
const PER_SECOND: RangeInclusive<u32> = 1..=1_000;
const BURST: RangeInclusive<u32> = 1..=10_000;
/// The maximum length of an `iss` for which the resolver is called, in bytes.
const MAX_ISS: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Result<IssuerPattern, String> {
        IssuerPattern::new(text, &Counters::default())
    }

    #[test]
    fn pattern_matches_one_segment_or_one_label_only() {
        let path = pattern("https://login.example/tenants/*/v2.0").unwrap();
        let host = pattern("https://*.login.example/oauth2/default").unwrap();
        for (pattern, iss, expected) in [
            (&path, "https://login.example/tenants/acme/v2.0", true),
            (&path, "https://login.example/tenants/A_c.m~e-1/v2.0", true),
            (&path, "https://login.example/tenants//v2.0", false),
            (&path, "https://login.example/tenants/../v2.0", false),
            (&path, "https://login.example/tenants/./v2.0", false),
            (&path, "https://login.example/tenants/a/b/v2.0", false),
            (&path, "https://login.example/tenants/a%2fb/v2.0", false),
            (&path, "https://login.example/tenants/a?b/v2.0", false),
            (&path, "https://login.example/tenants/a#b/v2.0", false),
            (&path, "https://login.example/tenants/a\u{e9}/v2.0", false),
            (&path, "https://login.example/tenants/acme/v2.0/", false),
            (&path, "https://login.example/tenants/acme", false),
            (&path, "https://login.example/tenants/v2.0", false),
            (&path, "https://login.example/tenants/*/v2.0", false),
            (&path, "https://LOGIN.example/tenants/acme/v2.0", false),
            (
                &path,
                "https://login.example.evil.test/tenants/acme/v2.0",
                false,
            ),
            (&path, "http://login.example/tenants/acme/v2.0", false),
            (&host, "https://acme.login.example/oauth2/default", true),
            (&host, "https://a-1.login.example/oauth2/default", true),
            (&host, "https://.login.example/oauth2/default", false),
            (&host, "https://a.b.login.example/oauth2/default", false),
            (&host, "https://ACME.login.example/oauth2/default", false),
            (&host, "https://-a.login.example/oauth2/default", false),
            (&host, "https://a-.login.example/oauth2/default", false),
            (
                &host,
                "https://user@acme.login.example/oauth2/default",
                false,
            ),
            (
                &host,
                "https://evil.test/.login.example/oauth2/default",
                false,
            ),
            (
                &host,
                "https://evil.test#.login.example/oauth2/default",
                false,
            ),
            (
                &host,
                "https://evil.test?.login.example/oauth2/default",
                false,
            ),
            (&host, "", false),
        ] {
            assert_eq!(pattern.matches(iss), expected, "{iss}");
        }
        let long = |length| format!("https://login.example/tenants/{}/v2.0", "a".repeat(length));
        assert!(path.matches(&long(128)) && !path.matches(&long(129)));
    }

    #[test]
    fn pattern_that_is_too_wide_or_not_a_url_is_an_error() {
        for text in [
            "",
            "*",
            "https://*",
            "https://*/",
            "https://*.com",
            "https://*.example/tenants",
            "https://*example.com",
            "https://login.*.example/oauth2/default",
            "https://login.example*",
            "https://login.example/tenant-*",
            "https://login.example/*x",
            "https://login.example/*/*",
            "https://*.login.example/*",
            "https://login.example/?tenant=/*",
            "https://login.example/#/*",
            "https://login.example/a/../*",
            "https://user@login.example/*",
            "https://LOGIN.example/*",
            "https://login.example/{tenant}",
            "https://login.example/{}/*",
            "https://login .example/*",
            "http://login.example/*",
            "ftp://login.example/*",
            "login.example/*",
        ] {
            assert!(pattern(text).is_err(), "{text}");
        }
        for text in [
            "https://login.example/*",
            "https://login.example:8443/*/",
            "https://login.example/realms/*",
            "https://*.login.example",
            "https://*.login.example:8443/oauth2/default",
            "http://127.0.0.1:8080/oauth2/*",
            "http://localhost/*",
        ] {
            assert!(pattern(text).is_ok(), "{text}");
        }
    }
}
