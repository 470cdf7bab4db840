//! [`Verifier::explain`]: makes the checks of [`decision`](super::decision) one after another, whether or not an
//! earlier one failed.
//!
//! The verdict is that of [`Verifier::verify`], so nothing is fetched, resolved or introspected that `verify` does
//! not need. The checks call the same functions as the decision, and add what each of them expects and found.

mod report;

use std::sync::Arc;

use self::report::Report;
use super::{
    ActiveIssuer, Verifier,
    decision::{is_signed_with, reason_of_unsigned},
};
use crate::{
    error::VerifyError,
    explain::{
        Explanation, MAX_CLAIMS, Nearest, Shown, UnverifiedClaim, client, clock, nearest_issuer,
        wrong_audience,
    },
    introspection::IntrospectionReason,
    keys::{Key, KeyLookup},
    sync::clock::Now,
    token::{
        checks::{self, Expected},
        claims::Claims,
        confirmation::Confirmation,
        json::{self, Object},
        jws::{Compact, Header},
        profile::{Provider, Source},
    },
};

impl Verifier {
    /// Verifies a token like [`verify`](Self::verify), and makes every check, not only those up to the first one
    /// that fails. The verdict is that of `verify`.
    ///
    /// Nothing is fetched and no request is sent that `verify` would not send. If the `iss` of the token is not
    /// configured, the other checks compare it with the configured issuer that is most like it.
    ///
    /// This is for an operator who looks for the reason of a rejection, as the command `okta-verifier explain`
    /// does. It needs the feature `explain`. Never send the result to a client.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let accepted = verifier.explain(&okta.token("ada").sign()).await;
    /// assert!(accepted.verdict().is_ok());
    ///
    /// let rejected = verifier.explain(&okta.token("ada").audience("api://orders/").sign()).await;
    /// assert_eq!(rejected.verdict().unwrap_err().code(), "wrong_audience");
    /// let hint = rejected.checks().iter().find_map(|check| check.hint()).unwrap();
    /// assert!(hint.contains("slash at the end"));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "explain")))]
    pub async fn explain(&self, token: &str) -> Explanation {
        let before = Now::read();
        let verdict = self.verify(token).await.map(|_| ());
        let explained = Explained {
            verifier: self,
            token: token.as_bytes(),
            shown: Shown::of(token.as_bytes()),
            verdict: &verdict,
            before,
            after: Now::read(),
        };
        let mut report = Report::default();
        let (claims, claims_left_out) = explained.check(&mut report);
        report.agree_with(&verdict);
        Explanation {
            checks: report.into_checks(),
            verdict,
            claims,
            claims_left_out,
            shows_claims: false,
        }
    }
}

/// A token, and what `verify` returned for it.
#[derive(Clone, Copy)]
struct Explained<'t> {
    verifier: &'t Verifier,
    token: &'t [u8],
    shown: Shown<'t>,
    verdict: &'t Result<(), VerifyError>,
    /// When `verify` began and ended. A date may pass in between.
    before: Now,
    after: Now,
}

/// The settings that a token is compared with.
struct Entry {
    issuer: Arc<ActiveIssuer>,
    /// Whether the token is for the audiences of several entries.
    is_ambiguous: bool,
    /// Whether the token's `iss` is that of the entry.
    is_named: bool,
}

/// The parts of a token with the form of a JWT.
struct Parts<'t> {
    signed: &'t [u8],
    /// `None` if the header is malformed.
    header: Option<Header>,
    /// `None` if it is malformed.
    signature: Option<Vec<u8>>,
}

impl Explained<'_> {
    /// Makes all checks, and returns the first claims of the payload and the number of the others.
    fn check(&self, report: &mut Report) -> (Vec<UnverifiedClaim>, usize) {
        let Some(compact) = self.check_form(report) else {
            return (Vec::new(), 0);
        };
        let header = compact.header().map_err(VerifyError::from);
        let header = self.check_header(header, report);
        let (payload, signature) = (compact.payload(), compact.signature());
        let undecoded = payload
            .as_ref()
            .err()
            .map(|error| VerifyError::from(*error));
        match undecoded.as_ref().or(signature.as_ref().err()) {
            None => report.pass("encoding", "canonical base64url"),
            Some(error) => report.fail(
                "encoding",
                error,
                "payload and signature in canonical base64url",
                report::defect(error),
            ),
        }
        let Ok(payload) = payload else {
            return (Vec::new(), 0);
        };
        let parts = Parts {
            signed: compact.signed,
            header,
            signature: signature.ok(),
        };
        match Claims::parse(&payload) {
            Ok(claims) => {
                report.pass("claims", "each claim has its type");
                self.check_claims(&parts, &claims, report);
            }
            Err(error) => {
                report.fail(
                    "claims",
                    &error,
                    "one JSON object with iss, exp and claims of the right types",
                    report::defect(&error),
                );
            }
        }
        self.claims(&payload)
    }

    /// Checks the size and the number of parts. A token that is not a JWT may be introspected.
    fn check_form(&self, report: &mut Report) -> Option<Compact<'_>> {
        let limit = self.verifier.0.max_token_size;
        let error = match Compact::of_token(self.token, limit) {
            Ok(compact) => {
                let size = self.token.len();
                report.pass("form", format!("three parts, {size} bytes"));
                return Some(compact);
            }
            Err(error) => error,
        };
        let issuers = self.verifier.0.issuers.load();
        let reason = reason_of_unsigned(self.token, &error);
        match reason.and_then(|reason| issuers.introspecting(reason)) {
            Some(issuer) => {
                report.pass("form", "not a signed JWT, so the issuer introspects it");
                self.record_introspection(issuer, report);
            }
            None => {
                report.fail(
                    "form",
                    &error,
                    format!("a JWT of three parts and at most {limit} bytes"),
                    report::form(self.token, &error),
                );
                report.hint(report::form_hint(&error));
            }
        }
        None
    }

    fn check_header(
        &self,
        text: Result<String, VerifyError>,
        report: &mut Report,
    ) -> Option<Header> {
        let error = match text.as_deref().map(Header::parse) {
            Ok(Ok(header)) => {
                let kid = self.kid(&header);
                report.pass("header", format!("alg {}, kid {kid}", header.algorithm));
                return Some(header);
            }
            Ok(Err(error)) => error,
            Err(error) => error.clone(),
        };
        // The name of an unknown algorithm is the only value of a rejected header that helps.
        let object = text
            .as_deref()
            .ok()
            .and_then(|text| Object::parse(text).ok());
        let alg = object.and_then(|header| header.get("alg").and_then(json::string));
        let found = match (&error, alg) {
            (VerifyError::AlgorithmNotAllowed, Some(alg)) => {
                format!("alg {}", self.shown.text(&alg))
            }
            _ => report::defect(&error),
        };
        let expected = "a strict JSON header with a supported asymmetric alg";
        report.fail("header", &error, expected, found);
        None
    }

    fn kid(&self, header: &Header) -> String {
        (header.kid.as_deref()).map_or("none".to_owned(), |kid| self.shown.text(kid))
    }

    /// Makes the checks that depend on the claims, in the order of the decision.
    fn check_claims(&self, parts: &Parts<'_>, claims: &Claims<'_>, report: &mut Report) {
        let Some(entry) = self.check_issuer(claims, report) else {
            return;
        };
        let expected = &entry.issuer.origin.expected;
        if let Some(header) = &parts.header {
            self.check_settings_of_header(header, expected, report);
        }
        self.check_signature(parts, claims, &entry, report);
        self.check_dates(claims, expected, report);
        // Only the `typ` says how some claims are read.
        let source = parts.header.as_ref().map(|header| Source::Jwt(header.typ));
        let any_source = source.unwrap_or(Source::Jwt(crate::token::jws::Typ::Absent));
        if !entry.is_ambiguous {
            match checks::check_issue(claims, any_source, &expected.profile) {
                Ok(()) => report.pass("required_claims", "present"),
                Err(error) => report.fail(
                    "required_claims",
                    &error,
                    "the claims that the profile of the issuer requires, and exp after iat",
                    report::defect(&error),
                ),
            }
        }
        self.check_audience(claims, any_source, &entry, report);
        if let Some(source) = source {
            self.check_caller(claims, source, expected, report);
        }
        match checks::check_scope(claims, expected) {
            Ok(scope) => {
                let count = scope.split(' ').filter(|scope| !scope.is_empty()).count();
                report.pass("scope", format!("{count} scopes"));
            }
            Err(error) => report.fail(
                "scope",
                &error,
                "a string or a list of strings",
                report::defect(&error),
            ),
        }
        let binding = checks::check_binding(claims, expected.custom());
        match &binding {
            Ok(None) => report.pass("binding", "not bound"),
            Ok(Some(to)) => report.pass("binding", bound_to(to)),
            Err(error) => report.fail(
                "binding",
                error,
                "no cnf, or a cnf with jkt or x5t#S256 and nothing else",
                "a cnf that is not supported, or none although the token says that it is bound",
            ),
        }
        let is_lightweight = checks::is_lightweight(claims, any_source, expected);
        self.check_introspection(claims, &entry, is_lightweight, report);
        if let Ok(Some(to)) = binding {
            self.check_sender(&to, report);
        }
    }

    fn check_issuer(&self, claims: &Claims<'_>, report: &mut Report) -> Option<Entry> {
        let iss = &*claims.iss;
        let error = match self.verifier.select(claims, self.after) {
            Ok(Some(selected)) => {
                let configured = selected.issuer.url();
                report.pass(
                    "issuer",
                    match *configured == *iss {
                        true => self.shown.text(iss),
                        false => format!(
                            "{}, which stands for {}",
                            self.shown.text(iss),
                            self.shown.text(configured)
                        ),
                    },
                );
                return Some(Entry {
                    issuer: selected.issuer,
                    is_ambiguous: selected.is_ambiguous,
                    is_named: true,
                });
            }
            // The resolver was called, so `verify` says what came of it.
            Ok(None) => match self.verdict {
                Err(error) => error.clone(),
                Ok(()) => return None,
            },
            Err(error) => error,
        };
        let issuers = self.verifier.configured();
        let configured: Vec<&Arc<ActiveIssuer>> = issuers.iter().collect();
        let urls = configured.iter().map(|issuer| issuer.url());
        let found = match &error {
            VerifyError::Unavailable { source, .. } => self.shown.message(source),
            _ => self.shown.text(iss),
        };
        report.fail("issuer", &error, self.shown.list(urls), found);
        let settings: Vec<(Vec<&str>, &Expected)> = (configured.iter())
            .map(|issuer| (issuer.names().collect(), &issuer.origin.expected))
            .collect();
        let Nearest { position, hint } = nearest_issuer(iss, &settings)?;
        report.hint(hint);
        Some(Entry {
            issuer: configured.get(position).copied()?.clone(),
            is_ambiguous: false,
            is_named: false,
        })
    }

    /// Checks the header against the settings of the issuer.
    fn check_settings_of_header(&self, header: &Header, expected: &Expected, report: &mut Report) {
        let algorithm = header.algorithm.name();
        match checks::check_algorithm(header, expected) {
            Ok(()) => report.pass("algorithm", algorithm),
            Err(error) => {
                let allowed: Vec<&str> = expected.algorithms.names().collect();
                report.fail("algorithm", &error, allowed.join(" "), algorithm);
                report.hint(Some(
                    "add the algorithm with Issuer::algorithms or in OKTA_ALGORITHMS, if the issuer signs with it"
                        .to_owned(),
                ));
            }
        }
        match (checks::check_key_id(header, expected), &header.kid) {
            (Ok(()), Some(kid)) => report.pass("key_id", self.shown.text(kid)),
            (Ok(()), None) => report.pass("key_id", "none, which a setting allows"),
            (Err(error), _) => report.fail("key_id", &error, "a kid", "none"),
        }
        let (found, accepted) = report::types(header, expected, self.shown);
        match checks::check_type(header, expected) {
            Ok(()) => report.pass("type", found),
            Err(error) => {
                report.fail("type", &error, accepted, found);
                report.hint(Some(report::type_hint(header)));
            }
        }
    }

    fn check_signature(
        &self,
        parts: &Parts<'_>,
        claims: &Claims<'_>,
        entry: &Entry,
        report: &mut Report,
    ) {
        let Some(header) = &parts.header else {
            return;
        };
        let issuer = &entry.issuer;
        // If an earlier check failed, `verify` did not look up the key, so the keys may be too old to be used.
        let may_be_stale = !report.has_failed();
        let mut tried: Option<Arc<Key>> = None;
        let iss = issuer
            .origin
            .expected
            .has_keys_of_tenants()
            .then_some(&*claims.iss);
        // A token without `kid` may be signed with the successor of the only key.
        let (found, is_signed) = loop {
            let lookup = KeyLookup {
                kid: header.kid.as_deref(),
                algorithm: header.algorithm,
                arrived: self.before,
                acceptable: &|| false,
                tried: tried.as_ref(),
            };
            let found = issuer.keys.look_at(lookup, may_be_stale, self.after);
            let (Some(Ok(key)), Some(signature)) = (&found, &parts.signature) else {
                break (found, false);
            };
            let is_signed = is_signed_with(key, iss, parts.signed, signature);
            if is_signed || header.kid.is_some() || tried.is_some() {
                break (found, is_signed);
            }
            tried = Some(key.clone());
        };
        let found = match (found, self.verdict) {
            // `verify` waited for the keys, and knows more than the current key set shows.
            (None | Some(Err(_)), Err(error)) if may_be_stale && is_about_key(error) => {
                Some(Err(error.clone()))
            }
            (found, _) => found,
        };
        match found {
            Some(Ok(key)) => self.record_signature(&key, is_signed, parts, report),
            Some(Err(VerifyError::BadSignature)) => {
                report.pass("key", "the only key of the issuer");
                self.record_bad_signature(report);
            }
            Some(Err(VerifyError::UnknownKeyId))
                if may_be_stale
                    && (issuer.introspector_for(IntrospectionReason::UnknownKey)).is_some()
                    && !matches!(self.verdict, Err(VerifyError::UnknownKeyId)) =>
            {
                report.skip(
                    "key",
                    "the issuer publishes no such key, so its introspection response decides",
                );
            }
            Some(Err(error)) => self.record_missing_key(&error, header, issuer, report),
            None => report.skip("key", "the keys were not needed, so they were not fetched"),
        }
    }

    fn record_signature(&self, key: &Key, is_signed: bool, parts: &Parts<'_>, report: &mut Report) {
        let kid = key
            .kid
            .as_deref()
            .map_or("none".to_owned(), |kid| self.shown.text(kid));
        let key = format!("kid {kid}, {}", key.algorithm);
        report.pass("key", key.clone());
        match (is_signed, &parts.signature) {
            (true, _) => report.pass_signature(key),
            (false, Some(_)) => self.record_bad_signature(report),
            (false, None) => {}
        }
    }

    fn record_bad_signature(&self, report: &mut Report) {
        report.fail(
            "signature",
            &VerifyError::BadSignature,
            "a signature of this key over header and payload",
            "another signature",
        );
        report.hint(Some(
            "the token was cut or edited on its way, or it is a forgery; compare what was issued with what arrived"
                .to_owned(),
        ));
    }

    fn record_missing_key(
        &self,
        error: &VerifyError,
        header: &Header,
        issuer: &ActiveIssuer,
        report: &mut Report,
    ) {
        if let VerifyError::Unavailable { source, .. } = error {
            report.fail(
                "key",
                error,
                "the keys of the issuer",
                self.shown.message(source),
            );
            report.hint(Some(
                "the keys cannot be fetched from here; run okta-verifier doctor".to_owned(),
            ));
            return;
        }
        let kid = self.kid(header);
        let health = issuer.keys.health(issuer.url(), self.after);
        let published = self.shown.list(&health.key_ids);
        report.fail(
            "key",
            error,
            format!("a published key of this algorithm: kid {published}"),
            format!("kid {kid}, {}", header.algorithm),
        );
        let hint = match error {
            VerifyError::UnknownKeyId => {
                "the key was withdrawn, or another server uses this iss; request a new token"
            }
            _ => return,
        };
        report.hint(Some(hint.to_owned()));
    }

    fn check_dates(&self, claims: &Claims<'_>, expected: &Expected, report: &mut Report) {
        let (dates, leeway) = (claims.dates(), expected.leeway);
        // A date that passed meanwhile is judged at the time that agrees with `verify`.
        let expiry = match self.verdict {
            Err(VerifyError::Expired { .. }) => self.after,
            _ => self.before,
        };
        let start = match self.verdict {
            Err(VerifyError::NotYetValid { .. } | VerifyError::IssuedInFuture { .. }) => {
                self.before
            }
            _ => self.after,
        };
        let results = [
            checks::check_expiry(dates, leeway, expiry.unix),
            checks::check_not_before(dates, leeway, start.unix),
            checks::check_issued_at(dates, leeway, start.unix),
        ];
        let is_expired = results[0].is_err();
        let errors: Vec<VerifyError> = results.into_iter().filter_map(Result::err).collect();
        match errors.first() {
            None => report.pass("dates", report::dates(dates, self.after.unix)),
            Some(error) => {
                let found: Vec<String> = errors.iter().map(report::date).collect();
                report.fail(
                    "dates",
                    error,
                    format!("a token that is valid now (leeway {leeway} s)"),
                    found.join(", "),
                );
                report.hint(clock(dates, is_expired, self.after.unix));
            }
        }
    }

    fn check_audience(
        &self,
        claims: &Claims<'_>,
        source: Source,
        entry: &Entry,
        report: &mut Report,
    ) {
        let expected = &entry.issuer.origin.expected;
        let found = report::aud(claims, self.shown);
        if entry.is_ambiguous {
            let error = VerifyError::WrongAudience;
            report.fail(
                "audience",
                &error,
                "the audience of one entry of the issuer",
                found,
            );
            report.hint(Some(
                "the token is for the audiences of several entries; write the audiences that one token may have into one entry"
                    .to_owned(),
            ));
            return;
        }
        match checks::check_audience(claims, source, expected) {
            Ok(_) => report.pass("audience", found),
            Err(error) => {
                report.fail(
                    "audience",
                    &error,
                    self.shown.list(&expected.audiences),
                    found,
                );
                report.hint(wrong_audience(claims, expected));
            }
        }
    }

    /// Checks the kind of token, the client, the caller of an identity token and the subject.
    fn check_caller(
        &self,
        claims: &Claims<'_>,
        source: Source,
        expected: &Expected,
        report: &mut Report,
    ) {
        match checks::check_kind(claims, source, expected) {
            Ok(()) => report.pass("kind", "an access token"),
            Err(error) => {
                report.fail(
                    "kind",
                    &error,
                    "an access token",
                    "the claims of another kind of token",
                );
                report.hint(Some(
                    "the client sends its ID token, its refresh token or another JWT; send the access token"
                        .to_owned(),
                ));
            }
        }
        let named = checks::client(claims, source, &expected.profile);
        let id = named.as_ref().ok().and_then(|id| id.as_deref());
        let found = id.map_or("none".to_owned(), |id| self.shown.text(id));
        match checks::check_client(claims, source, expected) {
            Ok(_) => report.pass("client", found),
            Err(error) => {
                let found = match &error {
                    VerifyError::ClientNotAllowed => found,
                    _ => report::defect(&error),
                };
                report.fail(
                    "client",
                    &error,
                    report::clients(expected, self.shown),
                    found,
                );
                report.hint(id.and_then(|id| client(id, claims, expected)));
            }
        }
        if let Some(profile) = expected.custom() {
            match checks::check_provider(claims, profile) {
                Ok(()) => {}
                Err(error) => {
                    let found = match &error {
                        VerifyError::ClientNotAllowed => "a caller that is not listed".to_owned(),
                        _ => report::defect(&error),
                    };
                    report.fail("caller", &error, "a caller that the settings list", found);
                }
            }
        }
        let named = named.ok().flatten();
        match checks::check_subject(claims, named.as_ref(), source, expected) {
            Ok(_) => report.pass("subject", report::subject(claims)),
            Err(error) => {
                report.fail("subject", &error, "a sub", "none");
                if expected.profile.is_of(&Provider::Keycloak) {
                    report.hint(Some(
                        "the client lacks Keycloak's client scope basic, which writes sub"
                            .to_owned(),
                    ));
                }
            }
        }
    }

    /// Records the result of introspection, if `verify` introspected the token.
    fn check_introspection(
        &self,
        claims: &Claims<'_>,
        entry: &Entry,
        is_lightweight: bool,
        report: &mut Report,
    ) {
        let issuer = &entry.issuer;
        let is_required = issuer
            .introspector_for(IntrospectionReason::Accepted)
            .is_some()
            || is_lightweight
            || report.was_skipped("key");
        // A response for another route may have reported the token as inactive.
        let is_inactive = matches!(self.verdict, Err(VerifyError::Inactive));
        if report.has_failed() || !entry.is_named || !(is_required || is_inactive) {
            return;
        }
        self.record_introspection(issuer, report);
        let aud = claims.aud.as_deref().unwrap_or_default();
        let asks = issuer.settings.introspecting_client().unwrap_or_default();
        let is_keycloak = issuer.origin.expected.profile.is_of(&Provider::Keycloak);
        if is_inactive && is_keycloak && !aud.iter().any(|aud| aud == asks) {
            report.hint(Some(
                "Keycloak reports every token as inactive whose aud does not contain the client that introspects; add an audience mapper for this client"
                    .to_owned(),
            ));
        }
    }

    fn record_introspection(&self, issuer: &ActiveIssuer, report: &mut Report) {
        match self.verdict {
            Err(error @ VerifyError::Unavailable { source, .. }) => {
                report.fail(
                    "introspection",
                    error,
                    "a response",
                    self.shown.message(source),
                );
            }
            Err(VerifyError::BindingUnchecked) | Ok(()) => {
                report.pass(
                    "introspection",
                    format!("active, says {}", self.shown.text(issuer.url())),
                );
            }
            Err(error) => {
                let found = error.to_string();
                report.fail(
                    "introspection",
                    error,
                    "an active token for this API",
                    found,
                );
            }
        }
    }

    /// Records that a bound token needs its request.
    fn check_sender(&self, to: &Confirmation, report: &mut Report) {
        let constraint = &self.verifier.0.sender_constraint;
        let accepts_key = to.jkt.is_none() || constraint.offers_dpop();
        let accepts_certificate = to.x5t_s256.is_none() || constraint.accepts_certificates();
        report.fail(
            "sender",
            &VerifyError::BindingUnchecked,
            "a token that is not bound, because there is no request",
            bound_to(to),
        );
        report.hint(Some(match (accepts_key, accepts_certificate) {
            (false, _) => "no setting accepts DPoP: set VerifierBuilder::dpop".to_owned(),
            (_, false) => {
                "no setting accepts certificates: set VerifierBuilder::client_certificates or client_cert_header"
                    .to_owned()
            }
            (true, true) => {
                let proof = to.jkt.map(|_| "the scheme DPoP and a proof with the key of the token");
                let certificate = to.x5t_s256.map(|_| "the client certificate of the token");
                let needed: Vec<&str> = proof.into_iter().chain(certificate).collect();
                format!("a request must come with {}", needed.join(", and "))
            }
        }));
    }

    /// Returns the first claims of the payload, and the number of the others.
    fn claims(&self, payload: &str) -> (Vec<UnverifiedClaim>, usize) {
        let Ok(object) = Object::parse(payload) else {
            return (Vec::new(), 0);
        };
        let members = object.members();
        let left_out = members.len().saturating_sub(MAX_CLAIMS);
        let claim = |(name, value): (&str, &str)| UnverifiedClaim {
            name: self.shown.text(name),
            value: match (json::string(value), json::strings(value)) {
                (Some(text), _) => self.shown.text(&text),
                (_, Some(list)) => self.shown.list(list),
                (None, None) => self.shown.text(value),
            },
            is_hidden: !SHOWN_CLAIMS.contains(&name),
        };
        (members.take(MAX_CLAIMS).map(claim).collect(), left_out)
    }
}

/// Returns whether the error says that the key of a token is not known.
fn is_about_key(error: &VerifyError) -> bool {
    matches!(
        error,
        VerifyError::UnknownKeyId | VerifyError::Unavailable { .. }
    )
}

fn bound_to(to: &Confirmation) -> &'static str {
    match (to.jkt, to.x5t_s256) {
        (Some(_), Some(_)) => "bound to a key and to a certificate",
        (Some(_), None) => "bound to a key",
        (None, _) => "bound to a certificate",
    }
}

/// The claims whose values are shown by default: none of them is personal data.
const SHOWN_CLAIMS: [&str; 15] = [
    "iss",
    "aud",
    "exp",
    "nbf",
    "iat",
    "auth_time",
    "acr",
    "cid",
    "client_id",
    "azp",
    "appid",
    "scope",
    "scp",
    "typ",
    "token_use",
];
