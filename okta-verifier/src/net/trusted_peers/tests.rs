//! Networks of trusted proxies.

use std::net::IpAddr;

use crate::{error::ConfigError, net::Peers};

fn peers(cidrs: &[&str]) -> Result<Peers, ConfigError> {
    let cidrs: Vec<String> = cidrs.iter().map(|cidr| (*cidr).to_owned()).collect();
    Peers::new(&cidrs)
}

fn contain(peers: &Peers, address: &str) -> bool {
    peers.contain(Some(address.parse::<IpAddr>().unwrap()))
}

// conformance 163
#[test]
fn network_that_is_invalid_is_rejected() {
    for cidr in [
        "",
        "/8",
        "proxy.internal",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/+8",
        "10.0.0.0/8/8",
        "10.0.0.1/8",
        "10.0.0.0 /8",
        "0.0.0.0/0",
        "::/0",
        "fd00::/129",
        "fd00::1/8",
        "::ffff:10.0.0.0/104",
    ] {
        assert!(peers(&[cidr]).is_err(), "{cidr}");
    }
    assert!(peers(&[]).is_err());
    assert!(peers(&["10.0.0.0/8", "10.0.0.1/8"]).is_err());
}

// conformance 163
#[test]
fn peer_outside_or_unknown_is_not_trusted() {
    let peers = peers(&["10.0.0.0/8", "192.168.1.7", "fd00::/8", "2001:db8::1"]).unwrap();
    assert!(!peers.contain(None));
    for address in [
        "9.255.255.255",
        "11.0.0.0",
        "192.168.1.6",
        "192.168.1.8",
        "127.0.0.1",
        "::",
        "::10.0.0.1",
        "::ffff:11.0.0.1",
        "fc00::1",
        "fe00::",
        "2001:db8::2",
    ] {
        assert!(!contain(&peers, address), "{address}");
    }
    for address in [
        "10.0.0.0",
        "10.255.255.255",
        "::ffff:10.1.2.3",
        "192.168.1.7",
        "fd00::1",
        "fdff::",
        "2001:db8::1",
    ] {
        assert!(contain(&peers, address), "{address}");
    }
}
