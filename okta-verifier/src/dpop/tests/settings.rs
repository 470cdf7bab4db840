//! The settings of DPoP.

use std::time::Duration;

use crate::{
    dpop::{
        DpopNonces, DpopSettings, ProofUse, ReplayAnswer, ReplayStore,
        proof::Window,
        settings::{Dpop, Replay},
    },
    error::ConfigError,
};

fn settings() -> DpopSettings {
    DpopSettings::base_url("https://api.example.com")
}

fn seconds(past: u64, future: u64) -> Result<Dpop, ConfigError> {
    let settings = settings().window(Duration::from_secs(past), Duration::from_secs(future));
    settings.resolve()
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
    assert!(beyond.resolve().is_err());
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
    let dpop = settings().resolve().unwrap();
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
        assert!(settings().replay_capacity(capacity).resolve().is_err());
    }
    assert!(
        settings()
            .replay_capacity(10)
            .replay_store(Shared)
            .resolve()
            .is_err()
    );
    let shared = settings().replay_store(Shared).resolve().unwrap();
    assert!(matches!(shared.replay, Replay::Remote(_)));
}

// finding 9
#[test]
fn replay_capacity_per_caller_out_of_bounds_is_rejected() {
    let memory = |capacity, share| {
        let settings = settings().replay_capacity(capacity);
        settings.replay_capacity_per_caller(share).resolve()
    };
    let remote = |share| {
        let settings = settings().replay_store(Shared);
        settings.replay_capacity_per_caller(share).resolve()
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
            .resolve()
            .is_ok()
    );
    assert!(
        settings()
            .replay_capacity_per_caller(1_000_001)
            .resolve()
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
        (
            DpopSettings::trusted_proxy(["10.0.0.1/8"], "Forwarded").hosts(["api.example.com"]),
            "first address",
        ),
        (
            DpopSettings::trusted_proxy(["0.0.0.0/0"], "Forwarded").hosts(["api.example.com"]),
            "every address",
        ),
        (
            DpopSettings::trusted_proxy(Vec::<String>::new(), "Forwarded")
                .hosts(["api.example.com"]),
            "10.0.0.0/8",
        ),
        (
            DpopSettings::trusted_proxy(["10.0.0.0/8"], "Host").hosts(["api.example.com"]),
            "Forwarded",
        ),
        (
            DpopSettings::trusted_proxy(["10.0.0.0/8"], "Forwarded"),
            ".hosts(",
        ),
        (
            DpopSettings::trusted_proxy(["10.0.0.0/8"], "Forwarded").hosts(Vec::<String>::new()),
            ".hosts(",
        ),
        (
            DpopSettings::trusted_proxy(["10.0.0.0/8"], "Forwarded").hosts(["*.example.com"]),
            "wildcards, lists and paths",
        ),
        (settings().hosts(["api.example.com"]), "remove .hosts"),
        (
            settings().nonces(DpopNonces::shared("short")),
            "32 random bytes",
        ),
    ] {
        let error = settings.resolve().unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}
