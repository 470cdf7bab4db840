//! A signed token before its signature was verified: [`Parsed`] and [`Unverified`].

use std::sync::Arc;

use super::RequestDecision;
use crate::{
    error::VerifyError,
    introspection::IntrospectionReason,
    keys::{Key, KeyLookup},
    sync::clock::Now,
    token::{
        checks,
        claims::{Claims, Dates},
        jws::{self, Jws},
        profile::Source,
    },
    verified_token::VerifiedToken,
    verifier::{ActiveIssuer, decision_error::DecisionError},
};

/// A well-formed token.
#[expect(
    clippy::large_enum_variant,
    reason = "it is matched where it is returned, and nearly every token is of the large variant"
)]
pub(super) enum Parsed {
    /// With the result of the look-up of the key, or `None` if the keys must be fetched first.
    Unverified(Unverified, Option<Result<Arc<Key>, VerifyError>>),
    /// The issuer resolver must be called for this `iss`.
    UnknownIssuer(Box<str>),
}

/// A signed token of a configured or resolved issuer, parsed and checked except for its signature and its
/// dates. Nothing in it may be trusted yet.
pub(in crate::verifier) struct Unverified {
    pub(in crate::verifier) issuer: Arc<ActiveIssuer>,
    pub(super) header: jws::Header,
    signature: Vec<u8>,
    /// The length of the signed part, from the beginning of the token.
    signed: usize,
    pub(super) dates: Dates,
    /// The unverified `iss`, if a key may be that of another tenant.
    iss: Option<Box<str>>,
    pub(super) has_confirmation: bool,
    /// The token, or the error of its claims. Neither may be used or reported before the signature was
    /// verified.
    pub(super) claims: Result<VerifiedToken, VerifyError>,
    /// For a token without `kid`: the issuer's only key, if it was tried and did not verify the signature.
    pub(super) tried: Option<Arc<Key>>,
}

impl Parsed {
    pub(super) fn new(
        jws: Jws<'_>,
        decision: &RequestDecision<'_>,
        now: Now,
    ) -> Result<Self, DecisionError> {
        let claims = Claims::parse(&jws.payload)?;
        let Some(entry) = decision.verifier.select(&claims, now)? else {
            return Ok(Self::UnknownIssuer(claims.iss.as_ref().into()));
        };
        let issuer = entry.issuer;
        let (source, expected) = (Source::Jwt(jws.header.typ), &issuer.origin.expected);
        checks::check_header(&jws.header, expected)
            .map_err(|error| DecisionError::of(error, &issuer))?;
        let checked = match entry.is_ambiguous {
            false => checks::check_claims(&claims, source, expected),
            true => Err(VerifyError::WrongAudience),
        };
        let dates = claims.dates();
        let lookup = KeyLookup {
            kid: jws.header.kid.as_deref(),
            algorithm: jws.header.algorithm,
            arrived: decision.arrived,
            acceptable: &|| {
                checked.is_ok() && checks::check_dates(dates, expected.leeway, now.unix).is_ok()
            },
            tried: None,
        };
        let found = match issuer.keys.find(lookup, now) {
            // Only an introspection response could replace the key. The claims are copied below, which a flood of
            // tokens with unknown keys must not cost.
            Some(Err(error))
                if issuer
                    .introspector_for(IntrospectionReason::UnknownKey)
                    .is_none() =>
            {
                return Err(DecisionError::of(error, &issuer));
            }
            found => found,
        };
        let unverified = Unverified {
            iss: (expected.has_keys_of_tenants()).then(|| claims.iss.as_ref().into()),
            dates,
            has_confirmation: claims.contains("cnf"),
            claims: checked.map(|checked| {
                VerifiedToken::new(&claims, &checked, &jws.payload, &issuer.origin).with_marks(
                    &claims,
                    &checked,
                    |claims| claims.issued_in_second(),
                )
            }),
            signed: jws.signed.len(),
            signature: jws.signature,
            header: jws.header,
            issuer,
            tried: None,
        };
        Ok(Self::Unverified(unverified, found))
    }
}

impl Unverified {
    pub(super) fn error(&self, error: VerifyError) -> DecisionError {
        DecisionError::of(error, &self.issuer)
    }

    pub(super) fn find_key(&self, arrived: Now, now: Now) -> Option<Result<Arc<Key>, VerifyError>> {
        let acceptable = || self.is_acceptable(now);
        self.issuer
            .keys
            .find(self.key_lookup(arrived, &acceptable), now)
    }

    /// Fetches the key, or waits for a fetch in flight.
    pub(in crate::verifier) async fn fetch_key(
        &self,
        arrived: Now,
    ) -> Result<Arc<Key>, VerifyError> {
        let acceptable = || self.is_acceptable(arrived);
        let lookup = self.key_lookup(arrived, &acceptable);
        self.issuer.keys.find_or_fetch(lookup).await
    }

    fn key_lookup<'w>(
        &'w self,
        arrived: Now,
        acceptable: &'w (dyn Fn() -> bool + Sync),
    ) -> KeyLookup<'w> {
        KeyLookup {
            kid: self.header.kid.as_deref(),
            algorithm: self.header.algorithm,
            arrived,
            acceptable,
            tried: self.tried.as_ref(),
        }
    }

    pub(super) fn is_signed_with(&self, key: &Key, token: &[u8]) -> bool {
        let signed = token.get(..self.signed).unwrap_or_default();
        is_signed_with(key, self.iss.as_deref(), signed, &self.signature)
    }

    /// Returns whether the unverified claims leave out what an introspection response would have to state.
    pub(super) fn is_lightweight(&self) -> bool {
        (self.claims.as_ref()).is_ok_and(VerifiedToken::is_lightweight)
    }

    /// Returns whether the unverified claims would be accepted. The result may only decide whether a
    /// request is sent to the issuer. It must never affect the response to the client.
    pub(super) fn is_acceptable(&self, now: Now) -> bool {
        let leeway = self.issuer.origin.expected.leeway;
        self.claims.is_ok() && checks::check_dates(self.dates, leeway, now.unix).is_ok()
    }
}

/// Returns whether `key` has signed the token. `iss` is the token's issuer if a key may be that of another
/// tenant.
pub(in crate::verifier) fn is_signed_with(
    key: &Key,
    iss: Option<&str>,
    signed: &[u8],
    signature: &[u8],
) -> bool {
    let is_of_tenant = iss.is_none_or(|iss| key.is_of_issuer(iss));
    is_of_tenant && key.verify(signed, signature).is_ok()
}
