//! The values of `WWW-Authenticate` (RFC 6750 §3, RFC 9449 §7.1, RFC 9728 §5.1, RFC 9110 §11.6.1), and the remedies that a
//! challenge can name for a token that does not meet a policy (RFC 9470 §3).
//!
//! The parameters have a fixed order and each error code has a fixed description, so equal rejections have
//! equal bytes. The exact cause is only logged (RFC 6750 §5.2).

use std::{iter, ops::Deref, sync::Arc};

use http::HeaderValue;

use crate::{
    crypto::Algorithm,
    error::{ConfigError, VerifyError},
};

/// What all rejections of a verifier, or of one of its layers, have in common: the challenges that do not depend
/// on the request, and which claims the event about a rejection shows. They are built once at startup.
#[derive(Clone, Debug)]
pub(crate) struct Challenges {
    /// Shared by the challenges of all layers of one verifier.
    verifier: Arc<()>,
    realm: Box<str>,
    /// The URL of the metadata of the resource (RFC 9728 §5.1), or an empty text without a resource.
    metadata_url: Box<str>,
    /// The scopes that the layer requires of every token.
    scopes: Box<[Box<str>]>,
    /// The challenge without an error, for a request without credentials (RFC 6750 §3.1).
    pub(crate) bare: HeaderValue,
    pub(crate) invalid_request: HeaderValue,
    pub(crate) invalid_token: HeaderValue,
    /// `None` if DPoP is not offered.
    pub(crate) dpop: Option<DpopChallenges>,
    pub(crate) logged_claims: Box<[Box<str>]>,
}

/// The challenges of RFC 9449 §7.1.
#[derive(Clone, Debug)]
pub(crate) struct DpopChallenges {
    pub(crate) bare: HeaderValue,
    pub(crate) invalid_request: HeaderValue,
    pub(crate) invalid_token: HeaderValue,
    pub(crate) invalid_proof: HeaderValue,
    pub(crate) use_nonce: HeaderValue,
}

/// The authentication scheme of a request. An error is reported in the challenge of the scheme that the
/// client used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Bearer,
    Dpop,
}

impl Challenges {
    /// Returns the challenges for `realm`, without those of DPoP.
    ///
    /// # Errors
    ///
    /// Returns an error if the realm is empty or has a character outside printable ASCII.
    pub(crate) fn new(realm: &str) -> Result<Self, ConfigError> {
        let printable = |byte: u8| matches!(byte, b' '..=b'~');
        if realm.is_empty() || !realm.bytes().all(printable) {
            return Err(ConfigError::Realm);
        }
        let write = |error| challenge(Scheme::Bearer, realm, error, &[]);
        Ok(Self {
            verifier: Arc::default(),
            realm: realm.into(),
            metadata_url: Box::default(),
            scopes: Box::default(),
            bare: write(None)?,
            invalid_request: write(Some(INVALID_REQUEST))?,
            invalid_token: write(Some(INVALID_TOKEN))?,
            dpop: None,
            logged_claims: Box::default(),
        })
    }

    /// Adds the challenges of DPoP.
    pub(crate) fn with_dpop(mut self) -> Result<Self, ConfigError> {
        self.dpop = Some(self.write_dpop()?);
        Ok(self)
    }

    /// Returns the challenges of one layer. They name the metadata of its resource (RFC 9728 §5.1), unless the
    /// URL is empty. Those of a 401 name the scopes that the layer requires of every token.
    pub(crate) fn of_layer(
        &self,
        metadata_url: &str,
        scopes: &[&str],
    ) -> Result<Self, ConfigError> {
        let mut layer = Self {
            metadata_url: metadata_url.into(),
            scopes: scopes.iter().map(|scope| (*scope).into()).collect(),
            ..self.clone()
        };
        let write = |error, scope: &str| layer.write(Scheme::Bearer, error, &[("scope", scope)]);
        let scope = scopes.join(" ");
        let bare = write(None, &scope)?;
        // A malformed request is not about the token, so its challenge names no scope.
        let invalid_request = write(Some(INVALID_REQUEST), "")?;
        let invalid_token = write(Some(INVALID_TOKEN), &scope)?;
        let dpop = match self.dpop {
            Some(_) => Some(layer.write_dpop()?),
            None => None,
        };
        (layer.bare, layer.dpop) = (bare, dpop);
        (layer.invalid_request, layer.invalid_token) = (invalid_request, invalid_token);
        Ok(layer)
    }

    /// Returns whether the challenges name this metadata and these scopes.
    pub(crate) fn has_parameters(&self, metadata_url: &str, scopes: &[&str]) -> bool {
        *self.metadata_url == *metadata_url
            && self
                .scopes
                .iter()
                .map(Deref::deref)
                .eq(scopes.iter().copied())
    }

    fn write_dpop(&self) -> Result<DpopChallenges, ConfigError> {
        let write = |error, scope: &str| self.write(Scheme::Dpop, error, &[("scope", scope)]);
        let scope = self.scopes.join(" ");
        Ok(DpopChallenges {
            bare: write(None, &scope)?,
            invalid_request: write(Some(INVALID_REQUEST), "")?,
            invalid_token: write(Some(INVALID_TOKEN), &scope)?,
            invalid_proof: write(Some(INVALID_PROOF), &scope)?,
            use_nonce: write(Some(USE_NONCE), &scope)?,
        })
    }

    /// Returns a challenge of this layer.
    fn write(
        &self,
        scheme: Scheme,
        error: Option<ErrorCode>,
        parameters: &[(&str, &str)],
    ) -> Result<HeaderValue, ConfigError> {
        let metadata = ("resource_metadata", &*self.metadata_url);
        let parameters = [parameters, &[metadata]].concat();
        challenge(scheme, &self.realm, error, &parameters)
    }

    /// Returns whether both belong to the same verifier.
    pub(crate) fn has_same_verifier(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.verifier, &other.verifier)
    }

    /// Returns the challenges of a request without credentials. If the layer requires scopes of every token,
    /// they name `scopes` too, which a policy inside the layer requires.
    pub(super) fn for_anonymous(&self, scopes: &[&str]) -> [Option<HeaderValue>; 2] {
        match self.scopes.is_empty() {
            true => self.naming(&[]),
            false => self.naming(scopes),
        }
    }

    /// Returns the challenges without an error that name the scopes of the layer and these.
    pub(super) fn naming(&self, scopes: &[&str]) -> [Option<HeaderValue>; 2] {
        let dpop = self.dpop.as_ref().map(|dpop| &dpop.bare);
        let mut all: Vec<&str> = self.scopes.iter().map(Deref::deref).collect();
        let of_layer = all.len();
        for scope in scopes {
            if !all.contains(scope) {
                all.push(scope);
            }
        }
        if all.len() == of_layer {
            return [Some(self.bare.clone()), dpop.cloned()];
        }
        let scope = all.join(" ");
        // The scopes are valid, so the challenge can always be written. Otherwise it names those of the layer.
        let write = |scheme, bare: &HeaderValue| {
            let written = self.write(scheme, None, &[("scope", &scope)]);
            written.unwrap_or_else(|_| bare.clone())
        };
        let bearer = write(Scheme::Bearer, &self.bare);
        [Some(bearer), dpop.map(|bare| write(Scheme::Dpop, bare))]
    }

    /// Names the claims that the event about a rejection shows.
    ///
    /// # Errors
    ///
    /// Returns an error if a name is empty, or if there are more than [`MAX_LOGGED_CLAIMS`].
    pub(crate) fn with_logged_claims(mut self, names: &[String]) -> Result<Self, ConfigError> {
        let wrong = |problem| Err(ConfigError::LogClaims { problem });
        if names.iter().any(String::is_empty) {
            return wrong("a name is empty; write the names of claims, such as [\"department\"]");
        }
        if names.len() > MAX_LOGGED_CLAIMS {
            return wrong("write at most 16 names");
        }
        self.logged_claims = names.iter().map(|name| name.as_str().into()).collect();
        Ok(self)
    }

    /// Returns the error in the challenge of the scheme that the client used, and the bare challenge of
    /// the other scheme (RFC 9449 §7.2). If the token must be bound, the error is in the challenge of the
    /// scheme DPoP, because that is the scheme that the client must use (RFC 9449 §7.1). A verifier that
    /// accepts only certificates has no such challenge. The error is then in that of the scheme Bearer, with
    /// which tokens that are bound to a certificate are sent (RFC 8705 §3).
    pub(super) fn for_error(
        &self,
        scheme: Scheme,
        error: &VerifyError,
    ) -> [Option<HeaderValue>; 2] {
        let scheme = match error {
            VerifyError::BindingRequired => Scheme::Dpop,
            _ => scheme,
        };
        match (scheme, &self.dpop) {
            (Scheme::Dpop, Some(dpop)) => {
                let failed = match error {
                    VerifyError::InvalidProof(_) => &dpop.invalid_proof,
                    VerifyError::NonceRequired => &dpop.use_nonce,
                    _ => &dpop.invalid_token,
                };
                [Some(self.bare.clone()), Some(failed.clone())]
            }
            (_, dpop) => {
                let offered = dpop.as_ref().map(|dpop| dpop.bare.clone());
                [Some(self.invalid_token.clone()), offered]
            }
        }
    }

    /// Returns the challenges for malformed credentials. If the scheme is ambiguous, both challenges report
    /// the error.
    pub(super) fn for_malformed(&self, scheme: Option<Scheme>) -> [Option<HeaderValue>; 2] {
        let bearer = match scheme {
            Some(Scheme::Dpop) => &self.bare,
            _ => &self.invalid_request,
        };
        let dpop = self.dpop.as_ref().map(|dpop| match scheme {
            Some(Scheme::Bearer) => &dpop.bare,
            _ => &dpop.invalid_request,
        });
        [Some(bearer.clone()), dpop.cloned()]
    }

    /// Returns the challenge that names the required scopes (RFC 6750 §3.1).
    ///
    /// # Errors
    ///
    /// Returns an error if `scope` is not a list of scope tokens.
    pub(crate) fn insufficient_scope(
        &self,
        scheme: Scheme,
        scope: &str,
    ) -> Result<HeaderValue, ConfigError> {
        if !scope.split(' ').all(is_scope_token) {
            return Err(ConfigError::Scope);
        }
        self.write(scheme, Some(INSUFFICIENT_SCOPE), &[("scope", scope)])
    }

    /// Returns the step-up challenge of RFC 9470 §3, with `scope` if scopes are missing too.
    pub(crate) fn insufficient_authentication(
        &self,
        scheme: Scheme,
        remedy: &Remedy<'_>,
    ) -> Result<HeaderValue, ConfigError> {
        let scope = if remedy.lacks_scope {
            remedy.scopes.join(" ")
        } else {
            String::new()
        };
        let acr_values = remedy.acr_values(None).unwrap_or_default().join(" ");
        let max_age = remedy
            .max_age
            .map(|seconds| seconds.to_string())
            .unwrap_or_default();
        let parameters = [
            ("scope", &*scope),
            ("acr_values", &*acr_values),
            ("max_age", &*max_age),
        ];
        self.write(scheme, Some(INSUFFICIENT_AUTHENTICATION), &parameters)
    }
}

/// What would make a valid token meet a policy: a binding, scopes, a new authentication of the user, or several
/// of them. The texts are those of the policy.
#[derive(Debug, Default)]
pub(crate) struct Remedy<'p> {
    /// All scopes that the policy requires, including those that the token has (RFC 6750 §3.1). For each
    /// `Policy::any`, the search for the remedy chooses one alternative, and only the scopes of this
    /// alternative are included.
    pub(crate) scopes: Vec<&'p str>,
    /// The `acr` values that satisfy every `acr` rule of the policy and of the chosen alternatives, in the
    /// order of preference (RFC 9470 §3). `None` if there is no such rule.
    pub(crate) acr_values: Option<Vec<&'p str>>,
    /// The maximum age of the authentication, in seconds.
    pub(crate) max_age: Option<u64>,
    pub(crate) lacks_scope: bool,
    pub(crate) lacks_authentication: bool,
    /// Whether the token must be bound to a key or to a certificate, but is not.
    pub(crate) lacks_binding: bool,
}

impl<'p> Remedy<'p> {
    pub(crate) fn scope(&mut self, scope: &'p str, met: bool) {
        if !self.scopes.contains(&scope) {
            self.scopes.push(scope);
        }
        self.lacks_scope |= !met;
    }

    /// Adds an `acr` rule. `within` has the values that the rules around the current alternative allow, or
    /// is `None` if these rules allow every value. Returns whether any value satisfies all rules so far.
    pub(crate) fn acr<T: Deref<Target = str>>(
        &mut self,
        values: &'p [T],
        within: Option<&[&'p str]>,
        met: bool,
    ) -> bool {
        let is_accepted = |other: &&str| values.iter().any(|value| **value == **other);
        let common: Vec<_> = match self.acr_values(within) {
            Some(others) => others.iter().copied().filter(is_accepted).collect(),
            None => values.iter().map(Deref::deref).collect(),
        };
        let satisfiable = !common.is_empty();
        self.acr_values = Some(common);
        self.lacks_authentication |= !met;
        satisfiable
    }

    pub(crate) fn max_age(&mut self, seconds: u64, met: bool) {
        self.max_age = Some(self.max_age.map_or(seconds, |other| other.min(seconds)));
        self.lacks_authentication |= !met;
    }

    /// Adds the remedy of one alternative of a `Policy::any`. `alternative` must have been found with the
    /// [`acr_values`](Self::acr_values) of `self` as `within`. The values of `alternative` then satisfy the
    /// rules of `self` too, and replace the values of `self`.
    pub(crate) fn add(&mut self, alternative: Self) {
        for scope in alternative.scopes {
            self.scope(scope, true);
        }
        if alternative.acr_values.is_some() {
            self.acr_values = alternative.acr_values;
        }
        if let Some(seconds) = alternative.max_age {
            self.max_age(seconds, true);
        }
        self.lacks_scope |= alternative.lacks_scope;
        self.lacks_authentication |= alternative.lacks_authentication;
        self.lacks_binding |= alternative.lacks_binding;
    }

    /// Returns the values that satisfy all `acr` rules added so far, or `within` if no rule was added.
    /// `None` stands for every value.
    pub(crate) fn acr_values<'a>(&'a self, within: Option<&'a [&'p str]>) -> Option<&'a [&'p str]> {
        self.acr_values.as_deref().or(within)
    }

    /// Returns whether the token needs no remedy.
    pub(crate) fn is_met(&self) -> bool {
        !self.lacks_scope && !self.lacks_authentication && !self.lacks_binding
    }
}

/// Returns whether the text is a scope token (RFC 6749 §3.3: `1*( %x21 / %x23-5B / %x5D-7E )`). A scope
/// token needs no escapes in a quoted string.
pub(crate) const fn is_scope_token(token: &str) -> bool {
    let bytes = token.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        if !matches!(bytes[index], 0x21 | 0x23..=0x5B | 0x5D..=0x7E) {
            return false;
        }
        index += 1;
    }
    !bytes.is_empty()
}

/// An error code and its description.
#[derive(Clone, Copy)]
struct ErrorCode(&'static str, &'static str);

/// The maximum number of claims that the event about a rejection shows.
const MAX_LOGGED_CLAIMS: usize = 16;
const INVALID_REQUEST: ErrorCode =
    ErrorCode("invalid_request", "The request's credentials are malformed");
const INVALID_TOKEN: ErrorCode = ErrorCode(
    "invalid_token",
    "The access token is invalid or has expired",
);
const INSUFFICIENT_SCOPE: ErrorCode = ErrorCode(
    "insufficient_scope",
    "The access token lacks a required scope",
);

const INSUFFICIENT_AUTHENTICATION: ErrorCode = ErrorCode(
    "insufficient_user_authentication",
    "The user must authenticate again or more strongly",
);

const INVALID_PROOF: ErrorCode =
    ErrorCode("invalid_dpop_proof", "The DPoP proof is missing or invalid");
const USE_NONCE: ErrorCode = ErrorCode(
    "use_dpop_nonce",
    "The DPoP proof needs the nonce of this response",
);

/// Builds a challenge with the realm, the error and the parameters, in this order. Empty parameters are
/// left out. A DPoP challenge ends with the algorithms that a proof may use (RFC 9449 §7.1).
fn challenge(
    scheme: Scheme,
    realm: &str,
    error: Option<ErrorCode>,
    parameters: &[(&str, &str)],
) -> Result<HeaderValue, ConfigError> {
    let mut value = String::from(match scheme {
        Scheme::Bearer => "Bearer",
        Scheme::Dpop => "DPoP",
    });
    push_parameter(&mut value, "realm", realm);
    if let Some(ErrorCode(code, description)) = error {
        push_parameter(&mut value, "error", code);
        push_parameter(&mut value, "error_description", description);
    }
    for (name, text) in parameters.iter().filter(|(_, text)| !text.is_empty()) {
        push_parameter(&mut value, name, text);
    }
    if scheme == Scheme::Dpop {
        push_parameter(&mut value, "algs", &Algorithm::names());
    }
    HeaderValue::try_from(value).map_err(|_| ConfigError::Realm)
}

/// Appends a parameter whose value is a quoted string (RFC 9110 §5.6.4).
fn push_parameter(value: &mut String, name: &str, text: &str) {
    value.push_str(if value.contains('=') { ", " } else { " " });
    value.push_str(name);
    value.push_str("=\"");
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            value.push('\\');
        }
        value.push(character);
    }
    value.push('"');
}

/// Reads the names and the values of the parameters of a challenge that [`challenge`] has built. This is the
/// inverse of [`push_parameter`].
pub(super) fn parameters(challenge: &HeaderValue) -> impl Iterator<Item = (&str, String)> {
    let text = challenge.to_str().unwrap_or_default();
    let mut rest = text.split_once(' ').map_or("", |(_scheme, rest)| rest);
    iter::from_fn(move || {
        let (name, quoted) = rest.split_once("=\"")?;
        let mut characters = quoted.chars();
        let mut value = String::new();
        loop {
            match characters.next()? {
                '"' => break,
                '\\' => value.push(characters.next()?),
                character => value.push(character),
            }
        }
        rest = characters.as_str();
        Some((name.trim_start_matches(", "), value))
    })
}
