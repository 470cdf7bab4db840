//! Tests of the receiver without a verifier: the rules that an event makes.

use okta_verifier_testing::{EVENT_AUDIENCE, EventBuilder, TestIssuer};
use serde_json::json;

use super::*;
use crate::revocation::{
    Event, Reaction, SubjectClaim, Target,
    rule::{self, Kind as RuleKind},
};

mod rejected;
mod rules;
mod stream;

/// The settings name each claim.
const ALL: ConfiguredClaims = ConfiguredClaims {
    email: true,
    session: true,
};

/// A receiver of the events of one issuer.
struct Fixture {
    issuer: TestIssuer,
    receiver: Receiver,
}

impl Fixture {
    fn okta() -> Self {
        Self::new(TestIssuer::new("api://orders"), |it| it)
    }

    fn keycloak() -> Self {
        Self::new(TestIssuer::keycloak("orders"), |it| it)
    }

    fn new(issuer: TestIssuer, change: impl FnOnce(Transmitter) -> Transmitter) -> Self {
        let transmitter = match issuer.org_url() == issuer.issuer_url() {
            true => Transmitter::new(issuer.issuer_url()),
            false => Transmitter::okta(issuer.org_url()),
        };
        let transmitter = transmitter.audience(EVENT_AUDIENCE).keys(issuer.jwks());
        let receiver = receiver(vec![change(transmitter)], &[issuer.issuer_url()]);
        Self { issuer, receiver }
    }

    /// Delivers an event and confirms it. Returns its rules.
    async fn deliver(&self, event: &str) -> Result<Vec<Rule>, EventResponse> {
        let delivery = self.receiver.receive("POST", [], event.as_bytes()).await?;
        let rules = delivery.rules.clone();
        assert_eq!(delivery.confirm(), EventResponse::Accepted);
        Ok(rules)
    }

    async fn rules(&self, event: EventBuilder) -> Vec<Rule> {
        self.deliver(&event.sign()).await.unwrap()
    }

    #[track_caller]
    fn assert_ignored(&self, event: &str, reason: &str) {
        let state = self.receiver.states().remove(0);
        assert_eq!(state.ignored, [(event, reason, 1)]);
        assert!(state.applied.is_empty());
    }
}

impl Receiver {
    async fn receive<'h>(
        &self,
        method: &str,
        authorization: impl IntoIterator<Item = &'h [u8]>,
        body: &[u8],
    ) -> Result<Delivery, EventResponse> {
        let authenticated = self.authenticate_event(method, authorization)?;
        self.receive_event(&authenticated, body).await
    }
}

fn build(transmitters: Vec<Transmitter>) -> Result<Receiver, ConfigError> {
    let senders = Senders {
        transmitters,
        ..Senders::default()
    };
    Receiver::new(senders, ALL)
}

fn receiver(transmitters: Vec<Transmitter>, issuers: &[&str]) -> Receiver {
    let receiver = build(transmitters).unwrap();
    let known: Vec<_> = issuers.iter().map(|issuer| target(issuer, &[])).collect();
    for transmitter in receiver.transmitters() {
        transmitter.choose_targets(&known, false).unwrap();
        transmitter.set_keys(transmitter.pinned().unwrap());
    }
    receiver
}

fn target(issuer: &str, aliases: &[&str]) -> Target {
    let names = std::iter::once(&issuer).chain(aliases);
    Target {
        url: issuer.into(),
        names: names.map(|name| Box::from(*name)).collect(),
        is_known: true,
    }
}

/// Returns the `uid` of a user's access tokens.
fn uid(okta: &TestIssuer, subject: &str) -> String {
    use base64::Engine;
    let token = okta.token(subject).sign();
    let payload = token.split('.').nth(1).unwrap();
    let payload = crate::token::BASE64URL.decode(payload).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    claims["uid"].as_str().unwrap().to_owned()
}

fn user(claim: SubjectClaim, value: &str) -> RuleKind {
    let value = value.into();
    RuleKind::Subject { claim, value }
}

/// Checks that the rules are these, about this issuer and now.
#[track_caller]
fn assert_rules(rules: &[Rule], issuer: &str, kinds: &[rule::Kind]) {
    let now = Now::read().unix;
    assert_eq!(rules.len(), kinds.len());
    for (rule, kind) in rules.iter().zip(kinds) {
        assert!(rule.kind == *kind);
        assert_eq!(&*rule.issuer, issuer);
        assert!(rule.before <= now && rule.before + 30 > now);
    }
}
