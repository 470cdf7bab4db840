use okta_verifier::{DpopSettings, Presented};

use super::{TARGET, World, code};

fn send(world: &World, peer: Option<&str>, forwarded: &[&str]) -> &'static str {
    let (authorization, proof) = (format!("DPoP {}", world.jwt), world.proof().sign());
    let mut presented = Presented::new([authorization.as_bytes()])
        .dpop([proof.as_bytes()])
        .request("GET", TARGET)
        .forwarded(forwarded.iter().map(|line| line.as_bytes()));
    if let Some(peer) = peer {
        presented = presented.peer(peer.parse().unwrap());
    }
    code(&world.verifier.authenticate_now(&presented).unwrap())
}

// conformance 163
#[test]
fn only_the_named_proxy_says_where_the_service_is() {
    let world = World::with(DpopSettings::trusted_proxy(
        ["10.0.0.0/8"],
        "X-Forwarded-Host",
    ));
    assert_eq!(world.verifier.forwarded_header(), Some("x-forwarded-host"));
    let host = "api.example.com";
    assert_eq!(send(&world, Some("10.1.2.3"), &[host]), "ok");
    assert_eq!(send(&world, Some("::ffff:10.1.2.3"), &[host]), "ok");
    for (peer, forwarded) in [
        (None, &[host][..]),
        (Some("192.0.2.1"), &[host]),
        (Some("127.0.0.1"), &[host]),
        (Some("10.1.2.3"), &[]),
        (Some("10.1.2.3"), &["evil.example"]),
        (Some("10.1.2.3"), &[host, host]),
        (Some("10.1.2.3"), &["api.example.com, evil.example"]),
    ] {
        assert_eq!(
            send(&world, peer, forwarded),
            "invalid_dpop_proof",
            "{peer:?}"
        );
    }
}
