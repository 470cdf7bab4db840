use okta_verifier::adapter::RequestCredentials;

use crate::support::dpop_fixture::{AuthenticationResult, Fixture, TARGET, code_of, reason};

fn send(fixture: &Fixture, peer: Option<&str>, forwarded: &[&str]) -> AuthenticationResult {
    let (authorization, proof) = (format!("DPoP {}", fixture.jwt), fixture.proof().sign());
    let mut credentials = RequestCredentials::new([authorization.as_bytes()])
        .dpop([proof.as_bytes()])
        .request("GET", TARGET)
        .forwarded(forwarded.iter().map(|line| line.as_bytes()));
    if let Some(peer) = peer {
        credentials = credentials.peer(peer.parse().unwrap());
    }
    fixture
        .verifier
        .authenticate(&credentials)
        .into_ready()
        .unwrap()
}

// conformance 163
#[test]
fn external_url_is_taken_from_the_configured_proxy_only() {
    let fixture = Fixture::behind_proxy(["api.example.com"]);
    let host = "api.example.com";
    assert_eq!(code_of(&send(&fixture, Some("10.1.2.3"), &[host])), "ok");
    assert_eq!(
        code_of(&send(&fixture, Some("::ffff:10.1.2.3"), &[host])),
        "ok"
    );
    for (peer, forwarded) in [
        (None, &[host][..]),
        (Some("192.0.2.1"), &[host]),
        (Some("127.0.0.1"), &[host]),
        (Some("10.1.2.3"), &[]),
        (Some("10.1.2.3"), &["evil.example"]),
        (Some("10.1.2.3"), &[host, host]),
        (Some("10.1.2.3"), &["api.example.com, evil.example"]),
    ] {
        let result = send(&fixture, peer, forwarded);
        assert_eq!(code_of(&result), "invalid_dpop_proof", "{peer:?}");
        assert!(
            reason(result).contains("could not be determined"),
            "{peer:?}"
        );
    }
}

// A client of this API signed a proof for an attacker's API. The attacker sends it to this API with
// its own name as `Host`, which the proxy forwards.
// conformance 163
#[test]
fn external_url_of_another_host_is_rejected_although_the_proxy_sends_it() {
    let fixture = Fixture::behind_proxy(["api.example.com", "api.example.org:8443"]);
    let stolen = |host: &str| {
        let url = format!("https://{host}/orders");
        let proof = fixture.client.proof("GET", &url).token(&fixture.jwt).sign();
        let authorization = format!("DPoP {}", fixture.jwt);
        let credentials = RequestCredentials::new([authorization.as_bytes()])
            .dpop([proof.as_bytes()])
            .request("GET", TARGET)
            .forwarded([host.as_bytes()])
            .peer("10.1.2.3".parse().unwrap());
        fixture
            .verifier
            .authenticate(&credentials)
            .into_ready()
            .unwrap()
    };
    for host in ["evil.example", "api.example.com:8443", "api.example.org"] {
        assert_eq!(code_of(&stolen(host)), "invalid_dpop_proof", "{host}");
    }
    assert_eq!(code_of(&stolen("api.example.org:8443")), "ok");
}
