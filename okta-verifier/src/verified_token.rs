//! [`VerifiedToken`]: an access token that passed every check, and its claims.

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::HashSet,
    fmt,
    ops::Deref,
    panic::{RefUnwindSafe, UnwindSafe},
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use memchr::memchr;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::{
    caller::{Caller, CallerKey},
    error::{ClaimError, VerifyError},
    http::{Challenges, Remedy, logs_rejections},
    revocation::{InDoubt, IssuerRules, TokenMarks},
    stats::IssuerCounters,
    sync::{clock::Now, retirement::Retirement},
    token::{
        SubjectKind,
        checks::{self, Checked, Expected},
        claims::{Claims, Dates},
        confirmation::{Bound, Confirmation},
        json::{self, Object},
        logged_claims::LoggedClaims,
    },
};

/// A verified access token. It can only be obtained from a [`Verifier`](crate::Verifier).
///
/// Clones share the claims, so cloning is cheap. To identify the subject, use the pair
/// ([`issuer`](Self::issuer), [`subject`](Self::subject)). `Debug` shows the issuer only.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::Verifier;
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let okta = TestIssuer::new("api://orders");
/// let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build().unwrap();
///
/// let jwt = okta.token("ada").scope("orders:read").claim("department", "sales").sign();
/// let token = verifier.verify(&jwt).await.unwrap();
/// assert_eq!(token.subject(), "ada");
/// assert!(token.has_scope("orders:read") && !token.has_scope("orders:write"));
///
/// let department: Option<String> = token.claim("department").unwrap();
/// assert_eq!(department.as_deref(), Some("sales"));
/// assert!(token.claim::<u64>("department").is_err());
/// # }
/// ```
#[derive(Clone)]
pub struct VerifiedToken {
    inner: Arc<Inner>,
    /// What the layer that verified the token adds to its rejections. `None` if it adds nothing, which is the
    /// case for most layers.
    place: Option<Arc<Place>>,
}

/// What the layer that verified a token adds to each rejection of this token: its challenges, and its floor.
pub(crate) struct Place {
    pub(crate) challenges: Arc<Challenges>,
    /// `None` if the layer requires no policy.
    pub(crate) floor: Option<Box<dyn Floor>>,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").finish_non_exhaustive()
    }
}

/// The policy that a layer requires of every token. A policy inside the layer requires more, and its challenge
/// names the scopes of both.
pub(crate) trait Floor: Send + Sync + UnwindSafe + RefUnwindSafe {
    /// Returns what would make the token meet the policy, or `None` if there is no remedy.
    fn remedy(&self, token: &VerifiedToken) -> Option<Remedy<'_>>;
}

struct Inner {
    origin: Arc<Origin>,
    evidence: Evidence,
    texts: Texts<7>,
    subject_kind: SubjectKind,
    /// The configured audiences that the token is for, as a set of positions.
    audiences: u64,
    /// Whether the token needs an introspection response, because it leaves out claims.
    is_lightweight: bool,
    dates: Dates,
    auth_time: Option<u64>,
    /// `None` if the token is not bound, which is the case for most tokens. A copy with fewer scopes
    /// shares this value, so that the hash of the token is computed only once.
    bound: Option<Arc<Bound>>,
    /// What revocation rules are compared with. `None` without revocation rules, and for a token without `iat`.
    marks: Option<Arc<TokenMarks>>,
    /// The groups are read at first use, because most requests need only the scopes.
    groups: OnceLock<Box<[Box<str>]>>,
}

/// What shows that the token is genuine.
#[derive(Clone, Debug)]
pub(crate) enum Evidence {
    /// Nothing, because the signature was not verified yet.
    Missing,
    /// A signature of the key with this retirement. The key itself is not kept.
    Key(Arc<Retirement>),
    /// The introspection response alone.
    IntrospectionResponse,
}

/// The data that all tokens of one issuer share.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) expected: Expected,
    /// The path of the claim that lists groups. For a top-level claim it has one name.
    pub(crate) groups_claim: Arc<[Box<str>]>,
    pub(crate) challenges: Arc<Challenges>,
    pub(crate) caller_key: &'static CallerKey,
    pub(crate) counters: Arc<IssuerCounters>,
    /// `None` without revocation rules.
    pub(crate) revocations: Option<Arc<IssuerRules>>,
}

impl VerifiedToken {
    /// Returns the token with these claims, without evidence. The token must not be used before its signature
    /// was verified, unless the claims come from an introspection response.
    pub(crate) fn new(
        claims: &Claims<'_>,
        checked: &Checked<'_>,
        payload: &str,
        origin: &Arc<Origin>,
    ) -> Self {
        let mut texts = [""; 7];
        texts[PAYLOAD] = payload;
        texts[SUBJECT] = &checked.subject;
        texts[SCOPE] = &checked.scope;
        // An absent claim is stored as an empty string. Empty claims were rejected before.
        texts[CLIENT_ID] = checked.client_id.as_deref().unwrap_or_default();
        texts[JTI] = claims.jti.as_deref().unwrap_or_default();
        texts[ACR] = claims.acr.as_deref().unwrap_or_default();
        if origin.expected.tenants.is_some() {
            texts[ISSUER] = &claims.iss;
        }
        Self::of(Inner {
            origin: origin.clone(),
            evidence: Evidence::Missing,
            texts: Texts::new(texts),
            subject_kind: checked.subject_kind,
            audiences: checked.audiences,
            is_lightweight: checked.is_lightweight,
            dates: claims.dates(),
            auth_time: claims.auth_time,
            bound: checked.confirmation.map(|to| Arc::new(to.into())),
            marks: None,
            groups: OnceLock::new(),
        })
    }

    fn of(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
            place: None,
        }
    }

    /// Returns the token with what the layer that verified it adds to its rejections.
    pub(crate) fn at(self, place: &Arc<Place>) -> Self {
        Self {
            place: Some(place.clone()),
            ..self
        }
    }

    /// Returns the policy that the layer requires of every token.
    pub(crate) fn floor(&self) -> Option<&dyn Floor> {
        self.place.as_ref()?.floor.as_deref()
    }

    /// Returns the new token with its evidence. A token that has clones already keeps its own evidence.
    pub(crate) fn with_evidence(mut self, evidence: Evidence) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.evidence = evidence;
        }
        self
    }

    pub(crate) fn evidence(&self) -> &Evidence {
        &self.inner.evidence
    }

    /// Returns the new token with what revocation rules are compared with, if there are any. `claims` are those of the
    /// token, so that its payload is not parsed again. `issued_at` returns the time that the rules are compared with, or
    /// `None` if the token is rejected because it has none.
    pub(crate) fn with_marks(
        mut self,
        claims: &Claims<'_>,
        checked: &Checked<'_>,
        issued_at: impl FnOnce(&Claims<'_>) -> Option<u64>,
    ) -> Self {
        if let Some(rules) = self.revocations()
            && let Some(issued_at) = issued_at(claims)
        {
            let leeway = self.inner.origin.expected.leeway;
            let marks = TokenMarks::new(rules, claims, checked, issued_at, leeway);
            if let Some(inner) = Arc::get_mut(&mut self.inner) {
                inner.marks = Some(Arc::new(marks));
            }
        }
        self
    }

    /// Checks that no revocation rule matches the token, and that it is young enough for the rules to be complete.
    ///
    /// # Errors
    ///
    /// Returns an error if the token is revoked, or if there are rules and the token has no `iat`.
    #[inline]
    pub(crate) fn check_revocation(&self, now: u64) -> Result<(), VerifyError> {
        match (&self.inner.origin.revocations, &self.inner.marks) {
            (None, _) => Ok(()),
            (Some(rules), Some(marks)) if rules.is_seen(marks, now) => Ok(()),
            (Some(rules), Some(marks)) => match rules.find(marks, now) {
                None => Ok(()),
                Some(reason) => Err(VerifyError::Revoked(reason)),
            },
            (Some(_), None) => Err(VerifyError::MissingClaim { claim: "iat" }),
        }
    }

    /// Returns what happens to the token if rules may be missing, or `None` if none are missing. Call it before
    /// [`check_revocation`](Self::check_revocation), so that each rule that was read by then is found.
    #[inline]
    pub(crate) fn doubt(&self, now: Now) -> Option<InDoubt> {
        self.revocations()?.doubt(now)
    }

    /// Returns the revocation rules of the token's issuer, if there are any.
    pub(crate) fn revocations(&self) -> Option<&Arc<IssuerRules>> {
        self.inner.origin.revocations.as_ref()
    }

    /// Rejects this token from now on, because its issuer reports that it is not active.
    #[cold]
    pub(crate) fn revoke_inactive(&self, now: Now) {
        if let (Some(rules), Some(marks)) = (self.revocations(), &self.inner.marks)
            && let Some(token) = marks.token
        {
            rules.revoke_inactive(token, now);
        }
    }

    /// Returns the issuer's URL, as configured, even if the token's `iss` is an alias. For an issuer with
    /// several tenants ([`Issuer::entra_tenants`](crate::Issuer::entra_tenants)), returns the `iss` of the
    /// token's tenant.
    #[must_use]
    pub fn issuer(&self) -> &str {
        let configured = &self.inner.origin.expected.issuer;
        self.inner.texts.present(ISSUER).unwrap_or(configured)
    }

    /// Returns the audiences of the token that the settings accept, in the order of the settings. Other
    /// values of `aud` are left out.
    ///
    /// The list is empty only if the token has no `aud`, which
    /// [`TokenProfile::allow_missing_audience`](crate::TokenProfile::allow_missing_audience) allows.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// let issuer = okta.issuer().audience("api://billing").any_client_id(); // and api://orders
    /// let verifier = Verifier::builder().issuer(issuer).build()?;
    ///
    /// let jwt = okta.token("ada").claim("aud", ["api://billing", "api://other"]).sign();
    /// let token = verifier.verify(&jwt).await?;
    /// assert_eq!(token.audiences().collect::<Vec<_>>(), ["api://billing"]);
    /// assert!(token.has_audience("api://billing") && !token.has_audience("api://other"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        let matched = self.inner.audiences;
        let audiences = self.inner.origin.expected.audiences.iter().enumerate();
        audiences
            .filter(move |(position, _)| matched >> position & 1 == 1)
            .map(|(_, audience)| audience.as_str())
    }

    /// Returns whether the token is for this audience, and the settings accept the audience. The comparison
    /// is exact.
    #[must_use]
    pub fn has_audience(&self, audience: &str) -> bool {
        self.audiences().any(|one| one == audience)
    }

    /// Returns whether the token leaves out claims, so that it must not be accepted without an introspection
    /// response.
    #[inline]
    pub(crate) fn is_lightweight(&self) -> bool {
        self.inner.is_lightweight
    }

    /// Returns the subject, or the session of a lightweight token without a subject.
    pub(crate) fn owner(&self) -> Cow<'_, str> {
        match self.subject() {
            "" => (self.raw_claim("sid"))
                .and_then(json::string)
                .unwrap_or_default(),
            subject => Cow::Borrowed(subject),
        }
    }

    /// Returns the issuer's URL as configured, which has a place for the tenant if it has several tenants.
    pub(crate) fn configured_issuer(&self) -> &str {
        &self.inner.origin.expected.issuer
    }

    /// Returns `sub`: the user, or the client if it acts for itself. The value is unique within the issuer
    /// only.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.inner.texts.get(SUBJECT)
    }

    /// Returns the client that the token was issued to: Okta's `cid`, or `client_id` (RFC 9068 §2.2). Returns
    /// `None` if the token does not name its client.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.inner.texts.present(CLIENT_ID)
    }

    /// Returns who calls, as a key for rate limits and quotas: a keyed digest of the issuer, the client and the
    /// subject. It is stable for the life of this process only. See [`Caller`].
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let ada = verifier.verify(&okta.token("ada").sign()).await?.caller();
    /// let renewed = verifier.verify(&okta.token("ada").scope("orders:read").sign()).await?.caller();
    /// assert_eq!(ada, renewed);
    ///
    /// let bob = verifier.verify(&okta.token("bob").sign()).await?.caller();
    /// let by_phone = verifier.verify(&okta.token("ada").client_id("0oa3mobile").sign()).await?.caller();
    /// assert!(ada != bob && ada != by_phone);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn caller(&self) -> Caller {
        self.inner.origin.caller_key.caller(self.identity())
    }

    /// Returns a keyed digest of the issuer and the subject, whichever client calls.
    #[cfg(feature = "mcp")]
    pub(crate) fn subject_digest(&self) -> Caller {
        let [issuer, _, subject] = self.identity();
        self.inner.origin.caller_key.caller([issuer, "", subject])
    }

    /// Returns the issuer, client and subject, which together identify a caller.
    pub(crate) fn identity(&self) -> [&str; 3] {
        let client = self.client_id().unwrap_or_default();
        [self.issuer(), client, self.subject()]
    }

    /// Returns `jti`, the ID of the token, or `None` if the token has none.
    #[must_use]
    pub fn jti(&self) -> Option<&str> {
        self.inner.texts.present(JTI)
    }

    /// Returns whether the token stands for a user or for a service, or does not show this. The rules are
    /// those of [`SubjectKind`].
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{SubjectKind, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    ///
    /// let user = verifier.verify(&okta.token("ada").client_id("0oa1web").sign()).await?;
    /// assert_eq!(user.subject_kind(), SubjectKind::User);
    /// assert_eq!((user.subject(), user.client_id()), ("ada", Some("0oa1web")));
    ///
    /// let service = verifier.verify(&okta.token("").client_id("0oa2job").service().sign()).await?;
    /// assert_eq!(service.subject_kind(), SubjectKind::Service);
    /// assert!(user.jti().is_some() && user.jti() != service.jti());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn subject_kind(&self) -> SubjectKind {
        self.inner.subject_kind
    }

    /// Returns the granted scopes, from `scp` or `scope`.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        let scope = self.inner.texts.get(SCOPE);
        scope.split(' ').filter(|scope| !scope.is_empty())
    }

    /// Returns whether `scope` was granted. The comparison is exact.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    ///
    /// let token = verifier.verify(&okta.token("ada").scope("orders:read").scope("orders:audit").sign()).await?;
    /// assert!(token.has_scope("orders:read"));
    /// assert!(!token.has_scope("orders") && !token.has_scope("Orders:read"));
    /// assert_eq!(token.scopes().collect::<Vec<_>>(), ["orders:read", "orders:audit"]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        let (mut granted, scope) = (self.inner.texts.get(SCOPE).as_bytes(), scope.as_bytes());
        if scope.is_empty() {
            return false;
        }
        // `memchr` finds the next space in fewer instructions than `split`, which takes single bytes.
        while let Some(end) = memchr(b' ', granted) {
            if granted[..end] == *scope {
                return true;
            }
            granted = &granted[end + 1..];
        }
        granted == scope
    }

    /// Returns the groups, from the claim named by [`Issuer::groups_claim`](crate::Issuer::groups_claim) or
    /// [`Issuer::groups_claim_path`](crate::Issuer::groups_claim_path): an array of strings, an array of objects
    /// with a `value` (RFC 7643 §4.1.2), or one string. A claim of another form gives no groups.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.group_list().iter().map(AsRef::as_ref)
    }

    /// Returns whether the subject is in `group`. The comparison is exact.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    ///
    /// let token = verifier.verify(&okta.token("ada").group("Admins").group("EU Sales").sign()).await?;
    /// assert!(token.has_group("EU Sales"));
    /// assert!(!token.has_group("Sales") && !token.has_group("admins"));
    /// assert_eq!(token.groups().count(), 2);
    ///
    /// let token = verifier.verify(&okta.token("bob").claim("groups", 7).sign()).await?;
    /// assert_eq!(token.groups().count(), 0);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn has_group(&self, group: &str) -> bool {
        self.group_list().iter().any(|member| **member == *group)
    }

    /// Returns the key and the certificate that the sender of this token must possess, or `None` if the token
    /// is not bound.
    pub(crate) fn confirmation(&self) -> Option<Confirmation> {
        self.bound().map(|bound| bound.to)
    }

    /// Returns whether the token's issuer requires that its tokens are bound to a key.
    #[inline]
    pub(crate) fn requires_dpop(&self) -> bool {
        self.inner.origin.expected.require_dpop
    }

    pub(crate) fn bound(&self) -> Option<&Bound> {
        self.inner.bound.as_deref()
    }

    /// Checks the dates. The result may change from one request to the next.
    #[inline]
    pub(crate) fn check_dates(&self, now: u64) -> Result<(), VerifyError> {
        checks::check_dates(self.inner.dates, self.inner.origin.expected.leeway, now)
    }

    /// Returns from when on the token is expired, in seconds since 1970: `exp` plus the leeway.
    pub(crate) fn expired_from(&self) -> u64 {
        let leeway = self.inner.origin.expected.leeway;
        self.inner.dates.exp.saturating_add(leeway)
    }

    /// Returns from when on the token is void in any case, in seconds since 1970: it is expired, or too old for the
    /// revocation rules.
    pub(crate) fn void_from(&self) -> u64 {
        let expired = self.expired_from();
        let too_old = self
            .inner
            .marks
            .as_ref()
            .map(|it| it.last_second.saturating_add(1));
        too_old.map_or(expired, |too_old| expired.min(too_old))
    }

    /// Returns whether the token was accepted with the settings of this issuer.
    pub(crate) fn is_of(&self, origin: &Arc<Origin>) -> bool {
        Arc::ptr_eq(&self.inner.origin, origin)
    }

    #[inline]
    pub(crate) fn counters(&self) -> &Arc<IssuerCounters> {
        &self.inner.origin.counters
    }

    /// Returns the challenges of the layer that verified the token, or else those of the verifier.
    pub(crate) fn challenges(&self) -> &Challenges {
        match &self.place {
            Some(place) => &place.challenges,
            None => &self.inner.origin.challenges,
        }
    }

    /// Returns what the event about a rejection may show of the token, or `None` if the event is not logged.
    #[cold]
    pub(crate) fn logged_claims(&self) -> Option<LoggedClaims> {
        logs_rejections()
            .then(|| LoggedClaims::read(self.payload(), &self.challenges().logged_claims))
    }

    /// Returns the same, with the audiences of the token beside the only one that the route accepts.
    #[cold]
    pub(crate) fn logged_audiences(&self, accepted: &str) -> Option<LoggedClaims> {
        let logged = self.logged_claims()?;
        Some(logged.audience(self.payload(), [accepted]))
    }

    /// Returns the claim as JSON text, or `None` if the token lacks it. The payload was parsed before, so
    /// parsing it again succeeds.
    pub(crate) fn raw_claim(&self, name: &str) -> Option<&str> {
        Object::parse(self.payload()).ok()?.get(name)
    }

    /// Returns the claim at the path as JSON text, or `None` if a member of the path is absent or a value
    /// before the end of the path is not an object.
    pub(crate) fn raw_claim_at(&self, path: &[impl Deref<Target = str>]) -> Option<&str> {
        let (first, inner) = path.split_first()?;
        inner
            .iter()
            .try_fold(self.raw_claim(first)?, |value, name| {
                Object::parse(value).ok()?.get(name)
            })
    }

    /// Returns the size of the payload in bytes.
    pub(crate) fn size(&self) -> usize {
        self.payload().len()
    }

    /// Returns the names of the claims that grant scopes.
    fn scope_claims(&self) -> Vec<&str> {
        let profile = self.inner.origin.expected.custom();
        let mut names = vec!["scp", "scope"];
        for name in profile.iter().flat_map(|it| it.granting_claims()) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    fn payload(&self) -> &str {
        self.inner.texts.get(PAYLOAD)
    }

    fn group_list(&self) -> &[Box<str>] {
        self.inner.groups.get_or_init(|| {
            let value = self.raw_claim_at(&self.inner.origin.groups_claim);
            value.and_then(groups).unwrap_or_default()
        })
    }

    /// Returns `exp`.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    ///
    /// use std::time::{Duration, SystemTime};
    ///
    /// let jwt = okta.token("ada").expires_in(Duration::from_secs(600)).sign();
    /// let token = verifier.verify(&jwt).await?;
    /// let left = token.expires_at().duration_since(SystemTime::now())?; // for a session that must not outlive it
    /// assert!(left <= Duration::from_secs(600) && left > Duration::from_secs(590));
    /// assert!(token.issued_at().is_some_and(|issued_at| issued_at <= SystemTime::now()));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        moment(self.inner.dates.exp)
    }

    /// Returns `iat`, or `None` if the token has none. A refreshed token has a new `iat`, so this is not the
    /// time of authentication.
    #[must_use]
    pub fn issued_at(&self) -> Option<SystemTime> {
        self.inner.dates.iat.map(moment)
    }

    /// Returns `acr`, which says how the user authenticated (RFC 9470 §6.1), or `None` if the token has no
    /// `acr`. Compare the value exactly, because `acr` values have no order.
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.inner.texts.present(ACR)
    }

    /// Returns `auth_time`, the time when the user authenticated, or `None` if the token has no `auth_time`.
    /// The time does not change when the token is refreshed.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    ///
    /// use std::time::{Duration, SystemTime, UNIX_EPOCH};
    ///
    /// let login = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() - 7200;
    /// let jwt = okta.token("ada").claim("auth_time", login).claim("acr", "urn:okta:loa:2fa:any").sign();
    /// let token = verifier.verify(&jwt).await?;
    /// assert_eq!(token.authenticated_at(), Some(UNIX_EPOCH + Duration::from_secs(login)));
    /// assert!(token.issued_at() > token.authenticated_at()); // refreshed since
    /// assert_eq!(token.acr(), Some("urn:okta:loa:2fa:any"));
    ///
    /// let token = verifier.verify(&okta.token("bob").without("auth_time").sign()).await?;
    /// assert_eq!(token.authenticated_at(), None); // the time is unknown
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn authenticated_at(&self) -> Option<SystemTime> {
        self.inner.auth_time.map(moment)
    }

    /// Returns whether the user authenticated at most `max_age` seconds before `now`, plus the leeway. Returns `false` if
    /// `auth_time` is absent, or in the future by more than the leeway.
    pub(crate) fn authenticated_within(&self, max_age: u64, now: u64) -> bool {
        let leeway = self.inner.origin.expected.leeway;
        self.inner.auth_time.is_some_and(|auth_time| {
            auth_time <= now.saturating_add(leeway)
                && now.saturating_sub(auth_time) <= max_age.saturating_add(leeway)
        })
    }

    /// Returns one top-level claim as any type, or `None` if it is absent or null.
    ///
    /// `T` must own its data, because a string with an escape cannot be borrowed from the JSON.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let jwt = okta.token("ada").claim("floor", 3).claim("desk", None::<u8>).sign();
    /// let token = verifier.verify(&jwt).await?;
    /// assert_eq!(token.claim::<u8>("floor")?, Some(3));
    /// assert_eq!(token.claim::<u8>("desk")?, None); // null
    /// assert!(token.claim::<bool>("floor").is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the claim is present and does not fit `T`.
    pub fn claim<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ClaimError> {
        self.raw_claim(name)
            .filter(|value| *value != "null")
            .map(|value| serde_json::from_str(value).map_err(|_| ClaimError::claim(name)))
            .transpose()
    }

    /// Returns the claim at the end of `path` as any type, or `None` if a value of the path is absent or null.
    /// The path has the name of a top-level claim, and then the name of a member at each level. A dot is part
    /// of a name, and elements of arrays cannot be named.
    ///
    /// `T` must own its data, as for [`claim`](Self::claim).
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let access = serde_json::json!({ "orders": { "roles": ["clerk"] } });
    /// let token = verifier.verify(&okta.token("ada").claim("resource_access", access).sign()).await?;
    ///
    /// let roles: Option<Vec<String>> = token.claim_path(&["resource_access", "orders", "roles"])?;
    /// assert_eq!(roles.as_deref(), Some(&["clerk".to_owned()][..]));
    /// assert_eq!(token.claim_path::<Vec<String>>(&["resource_access", "billing", "roles"])?, None);
    ///
    /// assert!(token.claim_path::<u8>(&["resource_access", "orders", "roles"]).is_err());
    /// assert!(token.claim_path::<u8>(&["resource_access", "orders", "roles", "0"]).is_err()); // not an object
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the claim is present and does not fit `T`, if a value before the end of the path is
    /// present and is not an object, or if `path` is empty.
    pub fn claim_path<T: DeserializeOwned>(&self, path: &[&str]) -> Result<Option<T>, ClaimError> {
        let unfit = || ClaimError::claim_path(path);
        let mut value = self.payload();
        if path.is_empty() {
            return Err(unfit());
        }
        for name in path {
            let object = Object::parse(value).map_err(|_| unfit())?;
            match object.present(name) {
                Some(member) => value = member,
                None => return Ok(None),
            }
        }
        serde_json::from_str(value).map(Some).map_err(|_| unfit())
    }

    /// Returns all claims as one type.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Employee {
    ///     department: String,
    ///     floor: Option<u8>,
    /// }
    ///
    /// let token = verifier.verify(&okta.token("ada").claim("department", "engines").sign()).await?;
    /// let ada: Employee = token.claims()?;
    /// assert_eq!((ada.department.as_str(), ada.floor), ("engines", None));
    ///
    /// let visitor = verifier.verify(&okta.token("bob").sign()).await?;
    /// assert!(visitor.claims::<Employee>().is_err()); // no department
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the claims do not fit `T`.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, ClaimError> {
        serde_json::from_str(self.payload()).map_err(|_| ClaimError::whole())
    }

    /// Returns a copy of the token with only the scopes that `other` has too, or this token itself if `other`
    /// has all of its scopes.
    ///
    /// # Errors
    ///
    /// Returns an error if the payload cannot be parsed, which cannot happen, because it was parsed before.
    pub(crate) fn narrowed_to(&self, other: &Self) -> Result<Self, VerifyError> {
        let inner = &*self.inner;
        // A set keeps the cost linear, because either list may be as long as a token.
        let granted: HashSet<&str> = other.scopes().collect();
        if self.scopes().all(|scope| granted.contains(scope)) {
            return Ok(self.clone());
        }
        let common: Vec<&str> = self
            .scopes()
            .filter(|scope| granted.contains(scope))
            .collect();
        let scope = common.join(" ");
        let payload = with_scopes(self.payload(), self.scope_claims(), &common)
            .ok_or(VerifyError::InvalidClaim { claim: "scope" })?;
        let texts = inner.texts.with(SCOPE, &scope).with(PAYLOAD, &payload);
        Ok(self.with(texts, inner.audiences))
    }

    /// Returns the configured audiences that the token is for, as a set of positions, or `None` if the token
    /// has no `aud`.
    pub(crate) fn own_audiences(&self) -> Option<u64> {
        self.raw_claim("aud").map(|_| self.inner.audiences)
    }

    /// Returns this token, whose claims come from an introspection response, with only those of its audiences
    /// that the introspected JWT has too. A response cannot widen the `aud` of a JWT.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no common audience.
    pub(crate) fn within_audiences(&self, audiences: u64) -> Result<Self, VerifyError> {
        let inner = &*self.inner;
        match inner.audiences & audiences {
            0 => Err(VerifyError::WrongAudience),
            common if common == inner.audiences => Ok(self.clone()),
            common => Ok(self.with(inner.texts.with(PAYLOAD, self.payload()), common)),
        }
    }

    /// Returns a copy of the token with these texts and audiences.
    fn with(&self, texts: Texts<7>, audiences: u64) -> Self {
        let inner = &*self.inner;
        Self::of(Inner {
            origin: inner.origin.clone(),
            evidence: inner.evidence.clone(),
            texts,
            subject_kind: inner.subject_kind,
            audiences,
            is_lightweight: inner.is_lightweight,
            dates: inner.dates,
            auth_time: inner.auth_time,
            bound: inner.bound.clone(),
            marks: inner.marks.clone(),
            groups: OnceLock::new(),
        })
    }

    /// Returns this token with the claims of the introspection response, for a lightweight token. The caller
    /// has checked that both have the same client and `jti`.
    ///
    /// The client, the dates and the audience of this token are signed, so the response cannot change them. Its
    /// `aud` counts only if this token has none. All other claims are those of the response.
    ///
    /// # Errors
    ///
    /// Returns an error if `iss`, `sid` or `cnf` is in both and differs.
    pub(crate) fn completed_by(&self, response: &Self) -> Result<Self, VerifyError> {
        let (signed, stated) = (&*self.inner, &*response.inner);
        for claim in ["iss", "sid"] {
            let texts = [self, response].map(|it| it.raw_claim(claim).and_then(json::string));
            if let [Some(one), Some(other)] = texts
                && one != other
            {
                return Err(VerifyError::InvalidClaim { claim });
            }
        }
        let bound = match (&signed.bound, &stated.bound) {
            (Some(one), Some(other)) if one.to != other.to => {
                return Err(VerifyError::InvalidClaim { claim: "cnf" });
            }
            (Some(bound), _) | (None, Some(bound)) => Some(bound.clone()),
            (None, None) => None,
        };
        let subject_kind = match signed.subject_kind {
            SubjectKind::Service => SubjectKind::Service,
            SubjectKind::User | SubjectKind::Unknown => stated.subject_kind,
        };
        let jti = self.jti().or(response.jti()).unwrap_or_default();
        let client_id = self.client_id().or(response.client_id());
        let client_id = client_id.unwrap_or_default();
        // The response may state another `iat`, which is not signed.
        let marks = match (self.revocations(), &signed.marks, &stated.marks) {
            (Some(rules), Some(marks), Some(of_response)) => {
                let leeway = signed.origin.expected.leeway;
                Some(Arc::new(marks.completed_by(
                    of_response,
                    rules,
                    subject_kind,
                    leeway,
                )))
            }
            _ => None,
        };
        Ok(Self::of(Inner {
            origin: signed.origin.clone(),
            evidence: signed.evidence.clone(),
            texts: stated.texts.with(JTI, jti).with(CLIENT_ID, client_id),
            subject_kind,
            audiences: self.own_audiences().unwrap_or(stated.audiences),
            is_lightweight: false,
            dates: signed.dates,
            auth_time: stated.auth_time,
            bound,
            marks,
            groups: OnceLock::new(),
        }))
    }
}

impl fmt::Debug for VerifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedToken")
            .field("issuer", &self.configured_issuer())
            .finish_non_exhaustive()
    }
}

// Limits the time to the end of the year 9999, because a NumericDate may be beyond the range of the
// platform's `SystemTime`, and the addition would then panic.
fn moment(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds.min(253_402_300_799))
}

/// Returns the payload with these scopes in the claims `names`, so that the claims themselves contain no more
/// scopes than `has_scope` finds. An array stays an array, and a string stays a string. Only the text of
/// these values is replaced, because parsing and writing the whole payload could change numbers. Returns
/// `None` if the payload cannot be parsed.
fn with_scopes(payload: &str, names: Vec<&str>, scopes: &[&str]) -> Option<String> {
    let claims = Object::parse(payload).ok()?;
    let mut lists = Vec::with_capacity(names.len());
    for name in names {
        if let Some(list) = claims.present(name) {
            let shorter = match list.starts_with('[') {
                true => serde_json::to_string(scopes),
                false => serde_json::to_string(&scopes.join(" ")),
            };
            // The value is a slice of the payload.
            let start = (list.as_ptr() as usize).checked_sub(payload.as_ptr() as usize)?;
            lists.push((start..start + list.len(), shorter.ok()?));
        }
    }
    // Replaces the last value first, so that the earlier position stays valid.
    lists.sort_unstable_by_key(|(place, _)| Reverse(place.start));
    let mut narrowed = payload.to_owned();
    for (place, shorter) in lists {
        narrowed.replace_range(place, &shorter);
    }
    Some(narrowed)
}

/// Reads a groups claim: one string, an array of strings, or an array of objects with a `value` (RFC 7643
/// §4.1.2). Returns `None` for any other form.
fn groups(value: &str) -> Option<Box<[Box<str>]>> {
    if let Some(one) = json::string(value) {
        return Some(Box::new([one.into()]));
    }
    if let Some(names) = json::strings(value) {
        return Some(names.into_iter().map(Into::into).collect());
    }
    // The objects are not read with a derived `Deserialize`, because serde_json would then also read an
    // array as an object, as in `[["Admins"]]`.
    let members: Vec<&RawValue> = serde_json::from_str(value).ok()?;
    let name = |member: &RawValue| {
        let member = Object::parse(member.get()).ok()?;
        json::string(member.get("value")?).map(Into::into)
    };
    members.into_iter().map(name).collect()
}

/// Packs several strings into one allocation to keep cached tokens small. A string that is a part of the first one,
/// such as a claim of the payload, is not stored again.
struct Texts<const N: usize> {
    all: Box<str>,
    /// Where each string begins, and its length.
    parts: [(u32, u32); N],
}

impl<const N: usize> Texts<N> {
    fn new(texts: [&str; N]) -> Self {
        let first = texts.first().copied().unwrap_or_default();
        let inside: [_; N] = std::array::from_fn(|index| match index {
            0 => None,
            _ => place_inside(first, texts[index]),
        });
        let stored = texts.iter().zip(&inside);
        let stored = stored.filter(|(_, inside)| inside.is_none());
        let mut all = String::with_capacity(stored.map(|(text, _)| text.len()).sum());
        let parts = std::array::from_fn(|index| {
            let text = texts[index];
            let start = inside[index].unwrap_or_else(|| {
                all.push_str(text);
                all.len() - text.len()
            });
            // A token has at most 64 KiB, and a response about one is not much larger.
            (start as u32, text.len() as u32)
        });
        Self {
            all: all.into_boxed_str(),
            parts,
        }
    }

    /// Returns the same strings, with the string at `place` replaced by `text`.
    fn with(&self, place: usize, text: &str) -> Self {
        let mut texts = std::array::from_fn(|place| self.get(place));
        texts[place] = text;
        Self::new(texts)
    }

    fn get(&self, place: usize) -> &str {
        let (start, length) = self.parts[place];
        let start = start as usize;
        &self.all[start..start + length as usize]
    }

    /// Returns the string at this position, or `None` if it is empty.
    fn present(&self, place: usize) -> Option<&str> {
        Some(self.get(place)).filter(|text| !text.is_empty())
    }
}

/// Returns where `part` begins in `whole`, if it is a slice of it. An equal string elsewhere is not searched for.
fn place_inside(whole: &str, part: &str) -> Option<usize> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let found = whole.get(start..start.checked_add(part.len())?)?;
    (found == part).then_some(start)
}

// The positions of the strings in `Texts`.
const PAYLOAD: usize = 0;
const SUBJECT: usize = 1;
const SCOPE: usize = 2;
const CLIENT_ID: usize = 3;
const JTI: usize = 4;
const ACR: usize = 5;
/// The `iss` of an issuer with several tenants.
const ISSUER: usize = 6;

#[cfg(test)]
pub(crate) mod tests;
