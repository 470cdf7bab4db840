use base64::{Engine, engine::general_purpose::STANDARD};
use okta_verifier::{
    ConfigError, Verifier, adapter::RequestCredentials, dpop::DpopSettings, mtls::ClientCertificate,
};
use okta_verifier_testing::{Certificate, Client, TestIssuer};
use serde_json::json;

use crate::support::dpop_fixture::{BASE, TARGET, URL, code_of};

/// Returns the result code of a request with this certificate in its TLS session and no peer address.
fn bearer(verifier: &Verifier, jwt: &str, der: Option<&[u8]>) -> &'static str {
    let authorization = format!("Bearer {jwt}");
    let mut credentials = RequestCredentials::new([authorization.as_bytes()]);
    if let Some(der) = der {
        credentials = credentials.client_certificate(der);
    }
    code_of(&verifier.authenticate(&credentials).into_ready().unwrap())
}

fn verifier(okta: &TestIssuer) -> Verifier {
    let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
    builder.client_certificates().build().unwrap()
}

// conformance 182, 183, 185
#[test]
fn mtls_certificate_of_the_session_must_be_the_tokens() {
    let okta = TestIssuer::new("api://orders");
    let verifier = verifier(&okta);
    let (mine, other) = (Certificate::new("mine"), Certificate::new("other"));
    let jwt = okta.token("ada").bound_to_certificate(mine.der()).sign();
    for _ in 0..2 {
        assert_eq!(bearer(&verifier, &jwt, None), "no_certificate");
        let theirs = bearer(&verifier, &jwt, Some(other.der()));
        assert_eq!(theirs, "binding_mismatch");
        let broken = bearer(&verifier, &jwt, Some(&mine.der()[1..]));
        assert_eq!(broken, "no_certificate");
        let mine = ClientCertificate::new(mine.der());
        let valid = bearer(&verifier, &jwt, Some(mine.der()));
        assert_eq!(valid, "ok");
    }
    // A client with a certificate may use a token that is not bound.
    let unbound = okta.token("ada").sign();
    let valid = bearer(&verifier, &unbound, Some(mine.der()));
    assert_eq!(valid, "ok");
}

// conformance 184
#[test]
fn mtls_certificate_header_counts_from_configured_peers_only() {
    let okta = TestIssuer::new("api://orders");
    let (mine, proxy_certificate) = (Certificate::new("mine"), Certificate::new("proxy"));
    let jwt = okta.token("ada").bound_to_certificate(mine.der()).sign();
    let value = format!(":{}:", STANDARD.encode(mine.der()));
    let other = format!(":{}:", STANDARD.encode(proxy_certificate.der()));
    let header = |verifier: &Verifier, peer: &str, values: &[&str]| {
        let authorization = format!("Bearer {jwt}");
        let credentials = RequestCredentials::new([authorization.as_bytes()])
            .client_cert(values.iter().map(|value| value.as_bytes()))
            .client_certificate(proxy_certificate.der())
            .peer(peer.parse().unwrap());
        code_of(&verifier.authenticate(&credentials).into_ready().unwrap())
    };
    // By default, the header is ignored.
    let without_header = verifier(&okta);
    assert_eq!(
        header(&without_header, "10.0.0.1", &[&value]),
        "binding_mismatch"
    );

    let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
    let verifier = builder
        .client_certificates()
        .trusted_proxies(["10.0.0.0/8"])
        .client_cert_header("Client-Cert")
        .build()
        .unwrap();
    assert_eq!(header(&verifier, "10.0.0.1", &[&value]), "ok");
    assert_eq!(
        header(&verifier, "192.0.2.1", &[&value]),
        "binding_mismatch"
    );
    assert_eq!(header(&verifier, "10.0.0.1", &[&other]), "binding_mismatch");
    let list = format!("{value}, {value}");
    let bad_der = format!(":{}:", STANDARD.encode(&mine.der()[1..]));
    for values in [
        &[][..],
        &[&*value, &*value],
        &[&*list],
        &[value.trim_matches(':')],
        &[&*bad_der],
        &[""],
        &["::"],
    ] {
        assert_eq!(
            header(&verifier, "10.0.0.1", values),
            "no_certificate",
            "{values:?}"
        );
    }
}

// Behind a proxy that uses its own certificate, the session's certificate is the proxy's, and
// a token that is bound to it would be accepted from every client of the proxy.
// conformance 184, 185
#[test]
fn mtls_certificate_from_an_unconfigured_peer_is_ignored() {
    let okta = TestIssuer::new("api://orders");
    let (proxy_certificate, directs) = (Certificate::new("proxy"), Certificate::new("direct"));
    let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
    let builder = builder
        .trusted_proxies(["10.0.0.0/8"])
        .client_cert_header("Client-Cert");
    let verifier = builder.client_certificates().build().unwrap();
    let send = |of: &Certificate, session: &Certificate, header: Option<&Certificate>, peer| {
        let jwt = okta.token("ada").bound_to_certificate(of.der()).sign();
        let authorization = format!("Bearer {jwt}");
        let header = header.map(|shown| format!(":{}:", STANDARD.encode(shown.der())));
        let mut credentials = RequestCredentials::new([authorization.as_bytes()])
            .client_cert(header.iter().map(String::as_bytes))
            .client_certificate(session.der());
        if let Some(peer) = peer {
            let peer: &str = peer;
            credentials = credentials.peer(peer.parse().unwrap());
        }
        code_of(&verifier.authenticate(&credentials).into_ready().unwrap())
    };
    for header in [None, Some(&proxy_certificate), Some(&directs)] {
        let unknown = send(&proxy_certificate, &proxy_certificate, header, None);
        assert_eq!(unknown, "no_certificate", "session only");
        let unknown = send(&directs, &proxy_certificate, header, None);
        assert_eq!(unknown, "no_certificate", "header only");
        // From a known client that is not a TLS terminator, only the session's certificate counts.
        let direct = Some("192.0.2.1");
        assert_eq!(send(&directs, &directs, header, direct), "ok");
        let borrowed = send(&proxy_certificate, &directs, header, direct);
        assert_eq!(borrowed, "binding_mismatch");
    }
    let named = Some("10.0.0.1");
    let own = send(
        &proxy_certificate,
        &proxy_certificate,
        Some(&directs),
        named,
    );
    assert_eq!(own, "binding_mismatch");
    assert_eq!(
        send(&proxy_certificate, &proxy_certificate, None, named),
        "no_certificate"
    );
    assert_eq!(
        send(&directs, &proxy_certificate, Some(&directs), named),
        "ok"
    );
}

// conformance 167, 182
#[test]
fn mtls_and_dpop_bound_token_needs_both() {
    let okta = TestIssuer::new("api://orders");
    let (client, mine) = (Client::new(), Certificate::new("mine"));
    let bound = okta.token("ada").bound_to_certificate(mine.der()).sign();
    let payload: serde_json::Value = {
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let part = bound.split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let cnf = json!({ "x5t#S256": payload["cnf"]["x5t#S256"], "jkt": client.thumbprint() });
    let jwt = okta.token("ada").claim("cnf", cnf).sign();
    let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
    let builder = builder.dpop(DpopSettings::base_url(BASE));
    let verifier = builder.client_certificates().build().unwrap();
    let send_to = |verifier: &Verifier, proof: Option<&str>, der: Option<&[u8]>| {
        let authorization = format!("DPoP {jwt}");
        let mut credentials =
            RequestCredentials::new([authorization.as_bytes()]).request("GET", TARGET);
        if let Some(proof) = proof {
            credentials = credentials.dpop([proof.as_bytes()]);
        }
        if let Some(der) = der {
            credentials = credentials.client_certificate(der);
        }
        code_of(&verifier.authenticate(&credentials).into_ready().unwrap())
    };
    let send = |proof: Option<&str>, der: Option<&[u8]>| send_to(&verifier, proof, der);
    let proof = client.proof("GET", URL).token(&jwt).sign();
    // Without `client_certificates`, the proof does not suffice.
    let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
    let dpop_only = builder.dpop(DpopSettings::base_url(BASE)).build().unwrap();
    for der in [None, Some(mine.der())] {
        assert_eq!(send_to(&dpop_only, Some(&proof), der), "binding_unchecked");
    }
    assert_eq!(send(Some(&proof), None), "no_certificate");
    assert_eq!(send(None, Some(mine.der())), "invalid_dpop_proof");
    let other = Certificate::new("other");
    assert_eq!(send(Some(&proof), Some(other.der())), "binding_mismatch");
    assert_eq!(send(Some(&proof), Some(mine.der())), "ok");
}

// conformance 184
#[test]
fn mtls_peers_that_are_not_networks_are_a_config_error() {
    let okta = TestIssuer::new("api://orders");
    for cidrs in [&[][..], &[""], &["0.0.0.0/0"], &["proxy"], &["10.0.0.1/8"]] {
        let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
        let error = builder
            .trusted_proxies(cidrs.iter().copied())
            .client_cert_header("Client-Cert")
            .build()
            .unwrap_err();
        match cidrs {
            [] => assert!(
                matches!(error, ConfigError::TrustedProxies { .. }),
                "{error}"
            ),
            _ => assert!(matches!(error, ConfigError::ProxyNetwork { .. }), "{error}"),
        }
    }
}

// RFC 8705 §3: whether the session's certificate is the client's depends on the deployment.
#[test]
fn mtls_certificate_without_a_setting_is_ignored() {
    let okta = TestIssuer::new("api://orders");
    let mine = Certificate::new("mine");
    let jwt = okta.token("ada").bound_to_certificate(mine.der()).sign();
    let builder = || Verifier::builder().issuer(okta.issuer().any_client_id());
    let dpop = DpopSettings::base_url(BASE);
    for verifier in [builder().build(), builder().dpop(dpop).build()] {
        let verifier = verifier.unwrap();
        for der in [None, Some(mine.der())] {
            // Uncached, then possibly cached.
            for _ in 0..2 {
                assert_eq!(bearer(&verifier, &jwt, der), "binding_unchecked");
            }
        }
    }
}

#[test]
fn mtls_certificate_of_the_session_needs_its_own_setting() {
    let okta = TestIssuer::new("api://orders");
    let mine = Certificate::new("mine");
    let jwt = okta.token("ada").bound_to_certificate(mine.der()).sign();
    let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
    let builder = builder
        .trusted_proxies(["10.0.0.0/8"])
        .client_cert_header("Client-Cert");
    let verifier = builder.build().unwrap();
    for peer in ["192.0.2.1", "10.0.0.1"] {
        let authorization = format!("Bearer {jwt}");
        let credentials = RequestCredentials::new([authorization.as_bytes()])
            .client_certificate(mine.der())
            .peer(peer.parse().unwrap());
        let result = verifier.authenticate(&credentials).into_ready().unwrap();
        assert_eq!(code_of(&result), "no_certificate", "{peer}");
    }
}
