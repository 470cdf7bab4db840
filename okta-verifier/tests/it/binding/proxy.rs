use okta_verifier::{DpopSettings, adapter::RequestCredentials};

use super::{TARGET, Verdict, World, code, reason};

fn send(world: &World, peer: Option<&str>, forwarded: &[&str]) -> Verdict {
    let (authorization, proof) = (format!("DPoP {}", world.jwt), world.proof().sign());
    let mut presented = RequestCredentials::new([authorization.as_bytes()])
        .dpop([proof.as_bytes()])
        .request("GET", TARGET)
        .forwarded(forwarded.iter().map(|line| line.as_bytes()));
    if let Some(peer) = peer {
        presented = presented.peer(peer.parse().unwrap());
    }
    world
        .verifier
        .authenticate(&presented)
        .into_ready()
        .unwrap()
}

// conformance 163
#[test]
fn only_the_named_proxy_says_where_the_service_is() {
    let settings = DpopSettings::trusted_proxy(["10.0.0.0/8"], "X-Forwarded-Host");
    let world = World::with(settings.hosts(["api.example.com"]));
    let host = "api.example.com";
    assert_eq!(code(&send(&world, Some("10.1.2.3"), &[host])), "ok");
    assert_eq!(code(&send(&world, Some("::ffff:10.1.2.3"), &[host])), "ok");
    for (peer, forwarded) in [
        (None, &[host][..]),
        (Some("192.0.2.1"), &[host]),
        (Some("127.0.0.1"), &[host]),
        (Some("10.1.2.3"), &[]),
        (Some("10.1.2.3"), &["evil.example"]),
        (Some("10.1.2.3"), &[host, host]),
        (Some("10.1.2.3"), &["api.example.com, evil.example"]),
    ] {
        let verdict = send(&world, peer, forwarded);
        assert_eq!(code(&verdict), "invalid_dpop_proof", "{peer:?}");
        assert!(
            reason(verdict).contains("could not be determined"),
            "{peer:?}"
        );
    }
}

// A client of ours that was led to somebody else's API signed a proof for that API; the thief
// sends it to ours with the other's name as `Host`, which the proxy passes on.
// conformance 163
#[test]
fn a_proof_for_another_api_does_not_fit_because_the_proxy_names_that_one() {
    let settings = DpopSettings::trusted_proxy(["10.0.0.0/8"], "X-Forwarded-Host");
    let world = World::with(settings.hosts(["api.example.com", "api.example.org:8443"]));
    let stolen = |host: &str| {
        let url = format!("https://{host}/orders");
        let proof = world.client.proof("GET", &url).token(&world.jwt).sign();
        let authorization = format!("DPoP {}", world.jwt);
        let presented = RequestCredentials::new([authorization.as_bytes()])
            .dpop([proof.as_bytes()])
            .request("GET", TARGET)
            .forwarded([host.as_bytes()])
            .peer("10.1.2.3".parse().unwrap());
        world
            .verifier
            .authenticate(&presented)
            .into_ready()
            .unwrap()
    };
    for host in ["evil.example", "api.example.com:8443", "api.example.org"] {
        assert_eq!(code(&stolen(host)), "invalid_dpop_proof", "{host}");
    }
    assert_eq!(code(&stolen("api.example.org:8443")), "ok");
}
