//! [`Verifier::explain`]: makes the checks of [`decision`](super::decision) one after another, whether or not an
//! earlier one failed.
//!
//! The verdict is that of [`Verifier::verify`], so nothing is fetched, resolved or introspected that `verify` does
//! not need. The checks call the same functions as the decision, and add what each of them expects and found.

mod claims;
mod report;
mod signature;

use std::sync::Arc;

use self::report::Report;
use super::{
    ActiveIssuer, Verifier,
    decision::{RequestDecision, Step, TokenRequest, reason_of_unsigned, unavailable_now},
};
use crate::{
    error::{UnavailableReason, VerifyError},
    explain::{Explanation, Nearest, Shown, UnverifiedClaim, nearest_issuer},
    introspection::IntrospectionReason,
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
    pub async fn explain(&self, token: &str) -> Explanation {
        let before = Now::read();
        let verdict = self.verify(token).await.map(|_| ());
        self.explanation(token, verdict, before, false)
    }

    /// Explains a token like [`explain`](Self::explain) without sending any request. If a request is needed, for
    /// the keys, for introspection or by the [`IssuerResolver`](crate::IssuerResolver), the verdict is
    /// [`VerifyError::Unavailable`], and the other checks are made.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Issuer, Verifier};
    /// # let okta = TestIssuer::new("api://orders");
    /// let token = okta.token("ada").audience("api://other").sign();
    /// // The keys would have to be fetched.
    /// let issuer = Issuer::okta(okta.issuer_url(), "api://orders").any_client_id();
    /// let verifier = Verifier::builder().issuer(issuer).build()?;
    /// let codes: Vec<_> = verifier.explain_offline(&token).codes().collect();
    /// assert_eq!(codes, ["unavailable", "wrong_audience"]);
    ///
    /// let pinned = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// assert!(pinned.explain_offline(&okta.token("ada").sign()).verdict().is_ok());
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn explain_offline(&self, token: &str) -> Explanation {
        let before = Now::read();
        let request = TokenRequest {
            token: token.as_bytes(),
            max_age: None,
            mount: None,
            may_be_expired: false,
            sender: None,
        };
        let verdict = match RequestDecision::new(self, request, before).begin() {
            Ok(Step::Accepted(_)) => Ok(()),
            Ok(_) => Err(unavailable_now()),
            Err(rejected) => Err(rejected.error),
        };
        self.explanation(token, verdict, before, true)
    }

    fn explanation(
        &self,
        token: &str,
        verdict: Result<(), VerifyError>,
        before: Now,
        is_offline: bool,
    ) -> Explanation {
        let explained = Explained {
            verifier: self,
            token: token.as_bytes(),
            shown: Shown::of(token.as_bytes()),
            verdict: &verdict,
            before,
            after: Now::read(),
            is_offline,
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
    /// Whether no request was sent.
    is_offline: bool,
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

    fn unavailable(&self, source: &UnavailableReason) -> String {
        match self.is_offline {
            true => "unknown, because no request is sent".to_owned(),
            false => self.shown.message(source),
        }
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
                Ok(()) => report.pass("required", "present"),
                Err(error) => report.fail(
                    "required",
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
                report.pass(
                    "scope",
                    match count {
                        1 => "1 scope".to_owned(),
                        count => format!("{count} scopes"),
                    },
                );
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
        self.check_revocation(claims, &entry, report);
        self.check_introspection(claims, &entry, is_lightweight, report);
        match binding {
            Ok(Some(to)) => self.check_sender(&to, report),
            Ok(None) if expected.require_dpop => {
                report.fail(
                    "sender",
                    &VerifyError::BindingRequired,
                    "a token that is bound to a key, because of Issuer::require_dpop",
                    "not bound",
                );
                report.hint(Some(
                    "let the client request a new token with a DPoP proof; at Okta, turn on \"Require DPoP\" for the client"
                        .to_owned(),
                ));
            }
            _ => {}
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
            Err(rejected) => rejected.error,
        };
        let issuers = self.verifier.configured();
        let configured: Vec<&Arc<ActiveIssuer>> = issuers.iter().collect();
        let urls = configured.iter().map(|issuer| issuer.url());
        let found = match &error {
            VerifyError::Unavailable { source, .. } => self.unavailable(source),
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
            (Err(error), _) => {
                report.fail("key_id", &error, "a kid", "none");
                report.hint(Some(
                    "if the issuer publishes a single key without kid, set Issuer::allow_missing_key_id"
                        .to_owned(),
                ));
            }
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

    /// Records what the revocation rules say, if there are any. The token must have passed every other check, because
    /// the rules are not compared with unverified claims.
    fn check_revocation(&self, claims: &Claims<'_>, entry: &Entry, report: &mut Report) {
        if entry.issuer.origin.revocations.is_none() {
            return;
        }
        match self.verdict {
            Err(error @ VerifyError::Revoked(_)) => {
                report.fail(
                    "revocation",
                    error,
                    "no rule that matches the token",
                    error.to_string(),
                );
            }
            _ if claims.iat.is_none() => {
                let error = VerifyError::MissingClaim { claim: "iat" };
                let expected = "a token with iat, because of VerifierBuilder::revocations";
                report.fail("revocation", &error, expected, "none");
            }
            Err(
                error @ VerifyError::Unavailable {
                    source:
                        reason @ (UnavailableReason::RevocationLog | UnavailableReason::EventStream),
                    ..
                },
            ) => {
                let expected = "rules that are complete";
                let found = match reason {
                    UnavailableReason::RevocationLog => {
                        "the shared log was not read in time, so Doubt decides"
                    }
                    _ => {
                        "a stream of security events is paused, disabled or silent, so Doubt decides"
                    }
                };
                report.fail("revocation", error, expected, found);
            }
            Ok(()) if self.is_in_doubt(entry) => report.pass(
                "revocation",
                "no known rule matches the token; rules may be missing, and Doubt accepted it",
            ),
            Ok(()) => report.pass("revocation", "no rule matches the token"),
            Err(_) => {}
        }
    }

    /// Returns whether revocation rules may be missing.
    fn is_in_doubt(&self, entry: &Entry) -> bool {
        let rules = entry.issuer.origin.revocations.as_ref();
        rules.is_some_and(|rules| rules.doubt(Now::read()).is_some())
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
                    self.unavailable(source),
                );
            }
            // The rules are applied after the response.
            Err(VerifyError::BindingUnchecked | VerifyError::Revoked(_)) | Ok(()) => {
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
}

fn bound_to(to: &Confirmation) -> &'static str {
    match (to.jkt, to.x5t_s256) {
        (Some(_), Some(_)) => "bound to a key and to a certificate",
        (Some(_), None) => "bound to a key",
        (None, _) => "bound to a certificate",
    }
}
