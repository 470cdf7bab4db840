//! Which proxies are trusted, and what is read from them.

use base64::{Engine, engine::general_purpose::STANDARD};
use okta_verifier::{
    ConfigError, Verifier, VerifierBuilder, adapter::RequestCredentials, dpop::DpopSettings,
};
use okta_verifier_testing::{Certificate, Client, TestIssuer};

use crate::support::dpop_fixture::{BASE, TARGET, URL, code_of};

const PROXY: &str = "10.1.2.3";
const DIRECT: &str = "192.0.2.1";
const HOST: &str = "api.example.com";

/// An issuer, the client of its tokens, and the certificates of that client and of a proxy.
struct Parties {
    okta: TestIssuer,
    client: Client,
    certificate: Certificate,
    proxy_certificate: Certificate,
}

/// A request whose headers name the client's certificate and the external host of the service.
struct Sent<'a> {
    authorization: String,
    proof: Option<&'a str>,
    peer: Option<&'a str>,
    /// The certificate of the TLS session.
    session: &'a Certificate,
}

impl Parties {
    fn new() -> Self {
        Self {
            okta: TestIssuer::new("api://orders"),
            client: Client::new(),
            certificate: Certificate::new("client"),
            proxy_certificate: Certificate::new("proxy"),
        }
    }

    fn builder(&self) -> VerifierBuilder {
        let builder = Verifier::builder().issuer(self.okta.issuer().any_client_id());
        builder.trusted_proxies(["10.0.0.0/8"])
    }

    /// Returns the result code of a request with the token and the proof of `sent`.
    fn code(&self, verifier: &Verifier, sent: &Sent<'_>) -> &'static str {
        let client_cert = format!(":{}:", STANDARD.encode(self.certificate.der()));
        let lines = |name: &str| {
            let value = match name {
                "dpop" => sent.proof.map(str::as_bytes),
                "x-forwarded-host" => Some(HOST.as_bytes()),
                "client-cert" => Some(client_cert.as_bytes()),
                other => panic!("{other} is read"),
            };
            value.into_iter()
        };
        let mut credentials = RequestCredentials::new([sent.authorization.as_bytes()])
            .request("GET", TARGET)
            .client_certificate(sent.session.der());
        if let Some(peer) = sent.peer {
            credentials = credentials.peer(peer.parse().unwrap());
        }
        let by_adapter = verifier.read_sender_headers(credentials, lines);
        let result = verifier.authenticate(&by_adapter).into_ready().unwrap();
        // The verifier ignores these headers too if an adapter passes all of them on.
        if sent.proof.is_none() {
            let by_hand = credentials
                .forwarded(lines("x-forwarded-host"))
                .client_cert(lines("client-cert"));
            let by_hand = verifier.authenticate(&by_hand).into_ready().unwrap();
            assert_eq!(code_of(&by_hand), code_of(&result));
        }
        code_of(&result)
    }

    /// Returns the result code of a request with a token that is bound to `bound_to`, and with `session` in
    /// the TLS session.
    fn certificate_code(
        &self,
        verifier: &Verifier,
        bound_to: &Certificate,
        session: &Certificate,
        peer: Option<&str>,
    ) -> &'static str {
        let token = self.okta.token("ada");
        let jwt = token.bound_to_certificate(bound_to.der()).sign();
        let sent = Sent {
            authorization: format!("Bearer {jwt}"),
            proof: None,
            peer,
            session,
        };
        self.code(verifier, &sent)
    }

    /// Returns the result code of a request with a DPoP proof for [`URL`].
    fn proof_code(&self, verifier: &Verifier, peer: Option<&str>) -> &'static str {
        let jwt = self.client.bind(self.okta.token("ada")).sign();
        let proof = self.client.proof("GET", URL).token(&jwt).sign();
        let sent = Sent {
            authorization: format!("DPoP {jwt}"),
            proof: Some(&proof),
            peer,
            session: &self.proxy_certificate,
        };
        self.code(verifier, &sent)
    }
}

fn with_host(builder: VerifierBuilder) -> VerifierBuilder {
    let builder = builder.dpop(DpopSettings::forwarded_host());
    builder.forwarded_host("X-Forwarded-Host", [HOST])
}

// conformance 184
#[test]
fn trusted_proxy_for_the_host_is_not_read_for_certificates() {
    let parties = Parties::new();
    let Parties {
        certificate,
        proxy_certificate,
        ..
    } = &parties;
    let verifier = with_host(parties.builder()).build().unwrap();
    for peer in [None, Some(PROXY), Some(DIRECT)] {
        for session in [certificate, proxy_certificate] {
            let code = parties.certificate_code(&verifier, certificate, session, peer);
            assert_eq!(code, "binding_unchecked", "{peer:?}");
        }
    }
    let builder = with_host(parties.builder()).client_certificates();
    let verifier = builder.build().unwrap();
    for peer in [None, Some(PROXY)] {
        for session in [certificate, proxy_certificate] {
            let code = parties.certificate_code(&verifier, certificate, session, peer);
            assert_eq!(code, "no_certificate", "{peer:?}");
        }
    }
    let named = parties.certificate_code(&verifier, certificate, proxy_certificate, Some(DIRECT));
    assert_eq!(named, "binding_mismatch");
}

// conformance 163
#[test]
fn trusted_proxy_for_certificates_is_not_read_for_the_host() {
    let parties = Parties::new();
    // The proofs are for the host of the header, which is not that of this service.
    let other = || DpopSettings::base_url("https://internal.example");
    let builder = || parties.builder().client_cert_header("Client-Cert");
    for builder in [
        builder().dpop(other()),
        builder().dpop(other()).client_certificates(),
    ] {
        let verifier = builder.build().unwrap();
        for peer in [None, Some(PROXY), Some(DIRECT)] {
            let code = parties.proof_code(&verifier, peer);
            assert_eq!(code, "invalid_dpop_proof", "{peer:?}");
        }
    }
    let error = builder()
        .dpop(DpopSettings::forwarded_host())
        .build()
        .unwrap_err();
    assert!(matches!(error, ConfigError::Dpop { .. }), "{error}");
}

// conformance 163, 184
#[test]
fn trusted_proxy_alone_is_read_for_nothing() {
    let parties = Parties::new();
    let error = parties.builder().build().unwrap_err();
    assert!(
        matches!(error, ConfigError::TrustedProxies { .. }),
        "{error}"
    );
    let base_url = parties.builder().dpop(DpopSettings::base_url(BASE));
    let error = base_url.build().unwrap_err();
    assert!(
        matches!(error, ConfigError::TrustedProxies { .. }),
        "{error}"
    );
    // With certificates of TLS sessions, the setting says whose session is not that of the client.
    let builder = parties.builder().client_certificates();
    let verifier = builder.build().unwrap();
    let Parties {
        certificate,
        proxy_certificate,
        ..
    } = &parties;
    for peer in [None, Some(PROXY)] {
        for session in [certificate, proxy_certificate] {
            let code = parties.certificate_code(&verifier, certificate, session, peer);
            assert_eq!(code, "no_certificate", "{peer:?}");
        }
    }
}

// RFC 9440 §4: a token that was issued to the proxy would be accepted from each of its clients.
// conformance 184, 185
#[test]
fn trusted_proxy_session_certificate_is_never_that_of_the_client() {
    let parties = Parties::new();
    let proxy_certificate = &parties.proxy_certificate;
    for settings in 0..8 {
        let [host, header, sessions] = [1, 2, 4].map(|bit| settings & bit != 0);
        let mut builder = parties.builder();
        if host {
            builder = with_host(builder);
        }
        if header {
            builder = builder.client_cert_header("Client-Cert");
        }
        if sessions {
            builder = builder.client_certificates();
        }
        let Ok(verifier) = builder.build() else {
            assert_eq!(settings, 0);
            continue;
        };
        let code =
            |peer| parties.certificate_code(&verifier, proxy_certificate, proxy_certificate, peer);
        let [named, unknown] = match (header, sessions) {
            (false, false) => ["binding_unchecked", "binding_unchecked"],
            (false, true) => ["no_certificate", "no_certificate"],
            (true, _) => ["binding_mismatch", "no_certificate"],
        };
        assert_eq!(code(Some(PROXY)), named, "{settings}");
        assert_eq!(code(Some("::ffff:10.1.2.3")), named, "{settings}");
        assert_eq!(code(None), unknown, "{settings}");
        // The session of a client that connects directly is its own.
        let direct = match (header, sessions) {
            (_, true) => "ok",
            (true, false) => "no_certificate",
            (false, false) => "binding_unchecked",
        };
        assert_eq!(code(Some(DIRECT)), direct, "{settings}");
    }
}

// conformance 163, 184
#[test]
fn trusted_proxy_for_both_is_read_for_both() {
    let parties = Parties::new();
    let Parties {
        certificate,
        proxy_certificate,
        ..
    } = &parties;
    let builder = with_host(parties.builder()).client_cert_header("Client-Cert");
    let verifier = builder.build().unwrap();
    for (peer, proof, bound) in [
        (None, "invalid_dpop_proof", "no_certificate"),
        (Some(DIRECT), "invalid_dpop_proof", "no_certificate"),
        (Some(PROXY), "ok", "ok"),
    ] {
        assert_eq!(parties.proof_code(&verifier, peer), proof, "{peer:?}");
        let code = parties.certificate_code(&verifier, certificate, proxy_certificate, peer);
        assert_eq!(code, bound, "{peer:?}");
    }
}

#[test]
fn client_cert_header_has_the_configured_name() {
    let parties = Parties::new();
    let builder = parties.builder().client_cert_header("X-Client-Cert");
    let verifier = builder.build().unwrap();
    let jwt = parties.okta.token("ada");
    let jwt = jwt.bound_to_certificate(parties.certificate.der()).sign();
    let authorization = format!("Bearer {jwt}");
    let value = format!(":{}:", STANDARD.encode(parties.certificate.der()));
    let code = |sent: &str| {
        let credentials =
            RequestCredentials::new([authorization.as_bytes()]).peer(PROXY.parse().unwrap());
        let lines = |name: &str| (name == sent).then_some(value.as_bytes());
        let credentials = verifier.read_sender_headers(credentials, lines);
        code_of(&verifier.authenticate(&credentials).into_ready().unwrap())
    };
    assert_eq!(code("client-cert"), "no_certificate");
    assert_eq!(code("x-client-cert"), "ok");
}

// conformance 163, 184
#[test]
fn trusted_proxies_errors_say_what_to_write() {
    let okta = TestIssuer::new("api://orders");
    let builder = || Verifier::builder().issuer(okta.issuer().any_client_id());
    let dpop = || builder().dpop(DpopSettings::forwarded_host());
    let proxies = ["10.0.0.0/8"];
    let behind = |cidr: &str| {
        builder()
            .trusted_proxies([cidr])
            .client_cert_header("Client-Cert")
    };
    let host = |hosts: &[&str]| {
        let builder = dpop().trusted_proxies(proxies);
        builder.forwarded_host("Forwarded", hosts.iter().copied())
    };
    for (builder, words) in [
        (behind("10.0.0.1/8"), "first address"),
        (behind("0.0.0.0/0"), "every address"),
        (behind("proxy.internal"), "such as 10.0.0.0/8"),
        (
            behind(""),
            "trusted_proxies: \"\": an entry is empty; write",
        ),
        (
            builder()
                .trusted_proxies([""; 0])
                .client_cert_header("Client-Cert"),
            "trusted_proxies: the list is empty; write the networks",
        ),
        (
            builder().trusted_proxies(proxies),
            "add .forwarded_host(..) or",
        ),
        (
            builder().client_cert_header("Client-Cert"),
            "client_cert_header is read from trusted proxies only; add .trusted_proxies",
        ),
        (
            dpop().forwarded_host("Forwarded", [HOST]),
            "forwarded_host is read from trusted proxies only; add .trusted_proxies",
        ),
        (host(&[]), "needs the hosts"),
        (host(&["*.example.com"]), "wildcards, lists and paths"),
        (
            dpop()
                .trusted_proxies(proxies)
                .forwarded_host("Host", [HOST]),
            "\"Forwarded\"",
        ),
        (
            builder()
                .trusted_proxies(proxies)
                .client_cert_header("DPoP"),
            "\"Client-Cert\"",
        ),
        (
            builder().trusted_proxies(proxies).client_cert_header(""),
            "\"Client-Cert\"",
        ),
        (dpop(), "add .trusted_proxies"),
        (
            builder()
                .trusted_proxies(proxies)
                .forwarded_host("Forwarded", [HOST]),
            "add .dpop(DpopSettings::forwarded_host())",
        ),
        (
            builder()
                .dpop(DpopSettings::base_url(BASE))
                .trusted_proxies(proxies)
                .forwarded_host("Forwarded", [HOST]),
            "remove .forwarded_host(..)",
        ),
    ] {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
