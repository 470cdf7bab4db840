//! [`Mount`]: a verifier at one place of a service, with what this place requires beyond a verified token.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{Authentication, Verifier, resources::Resources};
use crate::{
    http::{Anonymous, Challenges, Rejection, RequestCredentials},
    policy::OwnedPolicy,
    verified_token::{Floor, Place, VerifiedToken},
};

/// A [`Verifier`] at one place of a service, with what this place requires beyond a verified token: the resource
/// or the audience of the token, and a policy. The layers of the adapters have one.
///
/// The policy is the floor of the place. It is checked after the token was verified, and a policy inside can only
/// require more. The challenges name the resource and the scopes of the place:
///
/// | setting | what it changes |
/// |---|---|
/// | [`resource`](Self::resource) | only tokens for the audience of this resource; `resource_metadata` in each challenge (RFC 9728 §5.1) |
/// | [`audience`](Self::audience) | only tokens for this audience; `resource_metadata` if a resource has this audience |
/// | [`require`](Self::require) | only tokens that meet the policy; its scopes in the `scope` of each 401 (RFC 6750 §3), and in the 403 of a policy inside |
/// | none | with one [`Resource`](crate::Resource), that resource; without one, each audience of the issuers |
///
/// If the settings do not fit the verifier, each request is rejected with 500, and an event at `error` says what to
/// write: if the verifier has several resources and the place names none, if no resource has the URL, or if the
/// audience is not that of the resource.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// use okta_verifier::{Policy, Resource, Verifier, adapter::{Mount, RequestCredentials}};
///
/// # let okta = TestIssuer::new("https://mcp.example.com/mcp");
/// let resource = Resource::new("https://mcp.example.com/mcp");
/// let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).resource(resource).build()?;
/// let mount = Mount::new(verifier).require(Policy::scope("files:read"));
/// let authenticate = |jwt: String| {
///     let authorization = format!("Bearer {jwt}");
///     mount.authenticate(&RequestCredentials::new([authorization.as_bytes()])).into_ready().expect("no I/O")
/// };
///
/// let token = authenticate(okta.token("ada").scope("files:read").sign());
/// assert!(mount.verifier().has_admitted(token.as_ref().ok(), None));
/// assert_eq!(authenticate(okta.token("ada").sign()).unwrap_err().status(), 403);
///
/// // The client learns what to request before it has a token.
/// let rejection = mount.authenticate(&RequestCredentials::new([])).into_ready().expect("no I/O").unwrap_err();
/// let (_, challenge) = rejection.headers().next().expect("a challenge");
/// assert_eq!(
///     challenge,
///     r#"Bearer realm="api", scope="files:read", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp""#
/// );
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[derive(Clone)]
#[must_use = "a mount does nothing until a request is authenticated at it"]
pub struct Mount {
    verifier: Verifier,
    /// `None` if no setting was made.
    settings: Option<Arc<MountSettings>>,
}

/// The settings of a mount, with what follows from them for the verifier.
#[derive(Debug)]
pub(super) struct MountSettings {
    written: Written,
    /// The only audience that is accepted, or `None` if each audience of the issuers is.
    audience: Option<Box<str>>,
    challenges: Arc<Challenges>,
    /// What verified tokens carry. `None` if the challenges are those of the verifier and no policy is required.
    place: Option<Arc<Place>>,
    /// Why each request is rejected with 500.
    problem: Option<&'static str>,
    is_reported: AtomicBool,
}

/// The settings as they were written.
#[derive(Clone, Debug, Default)]
struct Written {
    resource: Option<Box<str>>,
    audience: Option<Box<str>>,
    policy: Option<OwnedPolicy>,
}

impl Mount {
    /// Returns the verifier at a place without settings.
    pub fn new(verifier: Verifier) -> Self {
        Self {
            verifier,
            settings: None,
        }
    }

    /// Returns the verifier.
    #[must_use]
    #[inline]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Accepts tokens for this resource only: one of [`VerifierBuilder::resource`](crate::VerifierBuilder::resource),
    /// by its URL as configured. The challenges name its metadata.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Resource, Verifier, adapter::{Mount, RequestCredentials}};
    /// const FILES: &str = "https://mcp.example.com/files";
    /// const MAIL: &str = "https://mcp.example.com/mail";
    /// # let okta = TestIssuer::new(FILES);
    /// let verifier = Verifier::builder()
    ///     .issuer(okta.issuer().audience(MAIL).any_client_id()) // and FILES
    ///     .resource(Resource::new(FILES))
    ///     .resource(Resource::new(MAIL))
    ///     .build()?;
    /// let authorization = format!("Bearer {}", okta.token("ada").sign()); // for FILES
    /// let status = |mount: Mount| {
    ///     let credentials = RequestCredentials::new([authorization.as_bytes()]);
    ///     let result = mount.authenticate(&credentials).into_ready().expect("no I/O");
    ///     result.map_or_else(|rejection| rejection.status().as_u16(), |_| 200)
    /// };
    /// assert_eq!(status(Mount::new(verifier.clone()).resource(FILES)), 200);
    /// assert_eq!(status(Mount::new(verifier.clone()).resource(MAIL)), 401);
    /// assert_eq!(status(Mount::new(verifier)), 500); // which of the two?
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn resource(self, url: impl Into<String>) -> Self {
        self.with(|written| written.resource = Some(url.into().into()))
    }

    /// Accepts tokens for this audience only, for one of several APIs behind one verifier. The audience is one
    /// of [`Issuer::audience`](crate::Issuer::audience). If a resource has this audience, the challenges name its
    /// metadata, as with [`resource`](Self::resource). With both settings, the audience must be that of the
    /// resource.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{adapter::{Mount, RequestCredentials}, Verifier};
    /// # let okta = TestIssuer::new("api://orders");
    /// let issuer = okta.issuer().audience("api://billing").any_client_id(); // and api://orders
    /// let verifier = Verifier::builder().issuer(issuer).build()?;
    /// let authorization = format!("Bearer {}", okta.token("ada").sign()); // for api://orders
    /// let credentials = RequestCredentials::new([authorization.as_bytes()]);
    ///
    /// let orders = Mount::new(verifier.clone()).audience("api://orders");
    /// assert!(orders.authenticate(&credentials).into_ready().unwrap().is_ok());
    /// let billing = Mount::new(verifier).audience("api://billing");
    /// let rejection = billing.authenticate(&credentials).into_ready().unwrap().unwrap_err();
    /// assert_eq!(rejection.error().unwrap().code(), "wrong_audience");
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn audience(self, audience: impl Into<String>) -> Self {
        self.with(|written| written.audience = Some(audience.into().into()))
    }

    /// Accepts only tokens that meet this policy, which is the floor of everything inside. The rejection is that
    /// of [`VerifiedToken::require`]. The challenges of a 401 name the scopes of the policy, of each
    /// [`Policy::any`](crate::Policy::any) those of the first alternative. The challenge of a policy inside names
    /// the scopes of both, because a client may replace the scopes of its token by those of the challenge. A second
    /// call replaces the policy.
    pub fn require(self, policy: impl Into<OwnedPolicy>) -> Self {
        self.with(|written| written.policy = Some(policy.into()))
    }

    fn with(self, change: impl FnOnce(&mut Written)) -> Self {
        let mut written = self
            .settings
            .map_or_else(Written::default, |settings| settings.written.clone());
        change(&mut written);
        let inner = &*self.verifier.0;
        let settings = MountSettings::new(&inner.resources, &inner.challenges, written);
        Self {
            settings: Some(Arc::new(settings)),
            verifier: self.verifier,
        }
    }

    /// Authenticates a request like [`Verifier::authenticate`], and checks what the mount requires.
    ///
    /// # Errors
    ///
    /// Returns the [`Rejection`] to respond with.
    #[inline]
    pub fn authenticate(&self, credentials: &RequestCredentials<'_>) -> Authentication {
        self.verifier.authenticate_at(self.settings(), credentials)
    }

    /// Returns the extension that an optional layer inserts for requests without credentials, like
    /// [`Verifier::anonymous`], with the challenges of the mount. The policy of the mount is not checked, because
    /// there is no token.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Policy, Verifier, adapter::Mount};
    /// # let okta = TestIssuer::new("api://files");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let mount = Mount::new(verifier).require(Policy::scope("files:read"));
    /// let anonymous = mount.anonymous()?;
    /// let rejection = Policy::scope("files:write").admit(None, Some(&anonymous)).unwrap_err();
    /// let (_, challenge) = rejection.headers().next().expect("a challenge");
    /// assert_eq!(challenge, r#"Bearer realm="api", scope="files:read files:write""#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns a 500 if the settings of the mount do not fit the verifier.
    pub fn anonymous(&self) -> Result<Anonymous, Rejection> {
        let mount = self.settings();
        match mount.and_then(|mount| mount.misconfigured()) {
            Some(rejection) => Err(rejection),
            None => Ok(Anonymous::new(self.verifier.challenges_at(mount).clone())),
        }
    }

    #[inline]
    fn settings(&self) -> Option<&Arc<MountSettings>> {
        self.settings.as_ref().or(self.verifier.0.mount.as_ref())
    }
}

impl MountSettings {
    /// Returns what a request needs if its layer has no settings, or `None` if it needs only a verified token.
    pub(super) fn of_verifier(resources: &Resources, challenges: &Arc<Challenges>) -> Option<Self> {
        (!resources.is_empty()).then(|| Self::new(resources, challenges, Written::default()))
    }

    fn new(resources: &Resources, challenges: &Arc<Challenges>, written: Written) -> Self {
        let audience = written.audience.as_deref();
        let (resource, problem) = match &written.resource {
            Some(url) => match resources.with_url(url) {
                None => (None, Some(UNKNOWN_RESOURCE)),
                Some(resource) if audience.is_some_and(|it| it != resource.audience()) => {
                    (None, Some(OTHER_AUDIENCE))
                }
                found => (found, None),
            },
            None => match audience {
                Some(audience) => (resources.with_audience(audience), None),
                None if resources.is_empty() => (None, None),
                None => match resources.only() {
                    None => (None, Some(NO_RESOURCE)),
                    found => (found, None),
                },
            },
        };
        let audience = resource.map(|it| it.audience()).or(audience);
        let metadata_url = resource.map_or("", |it| it.metadata_url());
        let scopes = written
            .policy
            .as_ref()
            .map_or_else(Vec::new, OwnedPolicy::first_scopes);
        let (own, problem) = match challenges.has_parameters(metadata_url, &scopes) {
            true => (challenges.clone(), problem),
            false => match challenges.of_layer(metadata_url, &scopes) {
                Ok(own) => (Arc::new(own), problem),
                // The parts are valid, so the challenges can always be written.
                Err(_) => (challenges.clone(), Some(UNWRITABLE)),
            },
        };
        let floor = written
            .policy
            .clone()
            .map(|policy| Box::new(policy) as Box<dyn Floor>);
        let place = (floor.is_some() || !Arc::ptr_eq(&own, challenges)).then(|| {
            Arc::new(Place {
                challenges: own.clone(),
                floor,
            })
        });
        Self {
            audience: audience.map(Box::from),
            challenges: own,
            place,
            problem,
            is_reported: AtomicBool::new(false),
            written,
        }
    }

    /// Returns the only audience that is accepted, or `None` if each audience of the issuers is.
    #[inline]
    pub(super) fn audience(&self) -> Option<&str> {
        self.audience.as_deref()
    }

    pub(super) fn challenges(&self) -> &Arc<Challenges> {
        &self.challenges
    }

    /// Returns the rejection of each request if the settings do not fit the verifier.
    #[inline]
    pub(super) fn misconfigured(&self) -> Option<Rejection> {
        self.problem.map(|problem| self.reject(problem))
    }

    #[cold]
    fn reject(&self, problem: &'static str) -> Rejection {
        if !self.is_reported.swap(true, Ordering::Relaxed) {
            tracing::error!(
                problem,
                "the settings of a layer do not fit its verifier, so each request is rejected with 500"
            );
        }
        Rejection::misconfigured_layer(problem)
    }
}

/// Returns the token with what the mount adds to its rejections, or the rejection if it does not meet the policy of
/// the mount.
#[inline]
pub(super) fn admit(
    mount: Option<&Arc<MountSettings>>,
    token: VerifiedToken,
) -> Result<VerifiedToken, Rejection> {
    let Some((mount, place)) = mount.and_then(|mount| Some((mount, mount.place.as_ref()?))) else {
        return Ok(token);
    };
    let token = token.at(place);
    if let Some(policy) = &mount.written.policy {
        token.require(policy)?;
    }
    Ok(token)
}

/// Shows the verifier and the settings.
impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount")
            .field("verifier", &self.verifier)
            .field("settings", &self.settings.as_ref().map(|it| &it.written))
            .finish()
    }
}

const NO_RESOURCE: &str = "the verifier has several resources, and the layer names none; call .resource(url) of the layer with the URL of one of them";
const UNKNOWN_RESOURCE: &str = "no resource of the verifier has the URL that the layer names; write the URL exactly as in Resource::new(url)";
const OTHER_AUDIENCE: &str = "the audience that the layer names is not that of the resource that it names; remove .audience(..) of the layer";
const UNWRITABLE: &str = "the challenges of the layer cannot be written";
