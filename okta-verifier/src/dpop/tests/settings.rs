//! The settings of DPoP.

use std::time::Duration;

use crate::{
    dpop::{
        DpopNonces, DpopSettings, External, ProofUse, ReplayAnswer, ReplayStore,
        settings::{Dpop, Replay},
        window::Window,
    },
    error::ConfigError,
    net::Peers,
};

fn settings() -> DpopSettings {
    DpopSettings::base_url("https://api.example.com")
}

fn seconds(past: u64, future: u64) -> Result<Dpop, ConfigError> {
    let settings = settings().window(Duration::from_secs(past), Duration::from_secs(future));
    settings.resolve(None)
}

struct Shared;

impl ReplayStore for Shared {
    fn first_use<'a>(&'a self, _: &'a [u8; 32], _: Duration) -> ReplayAnswer<'a> {
        Box::pin(async { Ok(ProofUse::First) })
    }
}

// conformance 165
#[test]
fn window_out_of_bounds_is_rejected() {
    for (past, future) in [(0, 30), (301, 30), (60, 61), (u64::MAX, 0)] {
        assert!(seconds(past, future).is_err(), "{past} {future}");
    }
    let beyond = settings().window(Duration::from_secs(60), Duration::from_millis(60_001));
    assert!(beyond.resolve(None).is_err());
    let window = seconds(300, 60).unwrap().window;
    assert_eq!(
        window,
        Window {
            past: 300,
            future: 60
        }
    );
    assert!(seconds(1, 0).is_ok());
}

#[test]
fn dpop_settings_defaults_are_those_of_the_docs() {
    let dpop = settings().resolve(None).unwrap();
    assert_eq!(
        dpop.window,
        Window {
            past: 60,
            future: 30
        }
    );
    assert!(matches!(dpop.replay, Replay::Memory(_)));
    assert!(dpop.nonces.is_none());
    assert!(dpop.external.header().is_none());
}

// conformance 170
#[test]
fn replay_capacity_out_of_bounds_or_with_a_store_is_rejected() {
    for capacity in [0, 16_000_001, usize::MAX] {
        assert!(settings().replay_capacity(capacity).resolve(None).is_err());
    }
    assert!(
        settings()
            .replay_capacity(10)
            .replay_store(Shared)
            .resolve(None)
            .is_err()
    );
    let shared = settings().replay_store(Shared).resolve(None).unwrap();
    assert!(matches!(shared.replay, Replay::Remote(_)));
}

// finding 9
#[test]
fn replay_capacity_per_caller_out_of_bounds_is_rejected() {
    let memory = |capacity, share| {
        let settings = settings().replay_capacity(capacity);
        settings.replay_capacity_per_caller(share).resolve(None)
    };
    let remote = |share| {
        let settings = settings().replay_store(Shared);
        settings.replay_capacity_per_caller(share).resolve(None)
    };
    for error in [
        memory(10, 0),
        memory(10, 11),
        remote(0),
        remote(16_000_001),
        remote(usize::MAX),
    ] {
        let error = error.unwrap_err().to_string();
        assert!(error.contains("replay_capacity_per_caller"), "{error}");
    }
    assert!(memory(10, 1).is_ok() && memory(10, 10).is_ok());
    assert!(remote(1).is_ok() && remote(16_000_000).is_ok());
    assert!(
        settings()
            .replay_capacity_per_caller(1_000_000)
            .resolve(None)
            .is_ok()
    );
    assert!(
        settings()
            .replay_capacity_per_caller(1_000_001)
            .resolve(None)
            .is_err()
    );
}

// conformance 163, 173
#[test]
fn dpop_settings_errors_say_what_to_write() {
    for (settings, word) in [
        (
            DpopSettings::base_url("http://api.example.com"),
            "https://api.example.com",
        ),
        (DpopSettings::base_url(""), "https://api.example.com"),
        (DpopSettings::forwarded_host(), "add .trusted_proxies"),
        (
            settings().nonces(DpopNonces::shared("short")),
            "32 random bytes",
        ),
    ] {
        let error = settings.resolve(None).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    let peers = Peers::new(&["10.0.0.0/8".to_owned()]).unwrap();
    let forwarded = External::forwarded(peers, "Forwarded", &["api.example.com".to_owned()]);
    let error = settings().resolve(forwarded.ok()).unwrap_err().to_string();
    assert!(error.contains("remove .forwarded_host(..)"), "{error}");
}
