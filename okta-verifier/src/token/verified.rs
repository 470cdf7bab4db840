mod claims;
mod narrow;
mod times;

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use super::{
    checks::{self, Expected},
    claims::{Claims, Dates},
    confirmation::{Bound, Confirmation},
    groups::groups,
    json::Object,
    jws::Typ,
    subject_kind::SubjectKind,
    texts::Texts,
};
use crate::{error::VerifyError, request::Challenges};

/// An access token that passed every check: the proof is that there is no other way to get one.
///
/// `Clone` is a reference count. Its identity is the pair ([`issuer`](Self::issuer),
/// [`subject`](Self::subject)). `Debug` shows the issuer only.
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
pub struct VerifiedToken(Arc<Inner>);

struct Inner {
    origin: Arc<Origin>,
    texts: Texts<6>,
    subject_kind: SubjectKind,
    dates: Dates,
    auth_time: Option<u64>,
    /// Apart, because most tokens are bound to nothing; and what is hashed for one is for all that
    /// come of the same token.
    bound: Option<Arc<Bound>>,
    /// Read at first use: most requests ask for scopes only.
    groups: OnceLock<Box<[Box<str>]>>,
}

/// What a token shares with all of its issuer.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) expected: Expected,
    pub(crate) groups_claim: Arc<str>,
    pub(crate) challenges: Arc<Challenges>,
}

impl VerifiedToken {
    /// The token that was signed, once it passed the last check.
    pub(crate) fn new(
        claims: &Claims<'_>,
        typ: Typ,
        confirmation: Option<Confirmation>,
        payload: &str,
        origin: &Arc<Origin>,
    ) -> Self {
        let profile = origin.expected.profile;
        let client_id = checks::client(claims, typ, profile);
        let kind = SubjectKind::of_token(claims, client_id, profile);
        Self::with_kind(claims, client_id, kind, confirmation, payload, origin)
    }

    /// The token that an introspection answer describes.
    pub(crate) fn of(
        claims: &Claims<'_>,
        client_id: Option<&str>,
        confirmation: Option<Confirmation>,
        payload: &str,
        origin: &Arc<Origin>,
    ) -> Self {
        let kind = SubjectKind::of_answer(claims, client_id, origin.expected.profile);
        Self::with_kind(claims, client_id, kind, confirmation, payload, origin)
    }

    fn with_kind(
        claims: &Claims<'_>,
        client_id: Option<&str>,
        subject_kind: SubjectKind,
        confirmation: Option<Confirmation>,
        payload: &str,
        origin: &Arc<Origin>,
    ) -> Self {
        let mut texts = [""; 6];
        texts[PAYLOAD] = payload;
        texts[SUBJECT] = &claims.sub;
        texts[SCOPE] = &claims.scope;
        // Absent is empty here: an empty one was refused.
        texts[CLIENT_ID] = client_id.unwrap_or_default();
        texts[JTI] = claims.jti.as_deref().unwrap_or_default();
        texts[ACR] = claims.acr.as_deref().unwrap_or_default();
        Self(Arc::new(Inner {
            origin: origin.clone(),
            texts: Texts::new(texts),
            subject_kind,
            dates: claims.dates(),
            auth_time: claims.auth_time,
            bound: confirmation.map(|to| Arc::new(to.into())),
            groups: OnceLock::new(),
        }))
    }

    /// `iss`, as configured.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.origin.expected.issuer
    }

    /// `sub`: the user, or for client credentials the client. Unique within the issuer only.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.0.texts.get(SUBJECT)
    }

    /// The client that the token was issued to: Okta's `cid`, or `client_id` (RFC 9068 §2.2).
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.0.texts.present(CLIENT_ID)
    }

    /// `jti`, the token's own id.
    #[must_use]
    pub fn jti(&self) -> Option<&str> {
        self.0.texts.present(JTI)
    }

    /// Returns whether the token stands for a user, for a service, or does not show which. The
    /// rules are those of [`SubjectKind`].
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
        self.0.subject_kind
    }

    /// The granted scopes, from `scp` or `scope`.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        let scope = self.0.texts.get(SCOPE);
        scope.split(' ').filter(|scope| !scope.is_empty())
    }

    /// Whether `scope` was granted; compared to the letter.
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
        self.scopes().any(|granted| granted == scope)
    }

    /// The groups, from the claim named by [`Issuer::groups_claim`](crate::Issuer::groups_claim):
    /// an array of strings, an array of objects with a `value` (RFC 7643 §4.1.2), or one string.
    /// A claim of another shape gives no group.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.group_list().iter().map(AsRef::as_ref)
    }

    /// Whether the subject is in `group`; compared whole and to the letter.
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

    /// What a request with this token must show.
    pub(crate) fn confirmation(&self) -> Option<Confirmation> {
        self.bound().map(|bound| bound.to)
    }

    pub(crate) fn bound(&self) -> Option<&Bound> {
        self.0.bound.as_deref()
    }

    /// Whether the token is still valid: what may change between two requests with it.
    pub(crate) fn check_dates(&self, now: u64) -> Result<(), VerifyError> {
        checks::check_dates(self.0.dates, self.0.origin.expected.leeway, now)
    }

    pub(crate) fn challenges(&self) -> &Challenges {
        &self.0.origin.challenges
    }

    /// The claim as it is written. The payload parsed before, so it parses again.
    pub(crate) fn raw_claim(&self, name: &str) -> Option<&str> {
        Object::parse(self.payload()).ok()?.get(name)
    }

    /// The bytes of its claims.
    pub(crate) fn size(&self) -> usize {
        self.payload().len()
    }

    fn payload(&self) -> &str {
        self.0.texts.get(PAYLOAD)
    }

    fn group_list(&self) -> &[Box<str>] {
        self.0.groups.get_or_init(|| {
            let value = self.raw_claim(&self.0.origin.groups_claim);
            value.and_then(groups).unwrap_or_default()
        })
    }
}

impl fmt::Debug for VerifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedToken")
            .field("issuer", &self.issuer())
            .finish_non_exhaustive()
    }
}

/// Places in the texts.
const PAYLOAD: usize = 0;
const SUBJECT: usize = 1;
const SCOPE: usize = 2;
const CLIENT_ID: usize = 3;
const JTI: usize = 4;
const ACR: usize = 5;
