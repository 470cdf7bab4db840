//! Server-issued nonces.

use crate::{dpop::DpopNonces, error::ConfigError};

const NOW: u64 = 1_700_000_000;

// conformance 173
#[test]
fn nonce_has_characters_of_nqchar() {
    let nonce = DpopNonces::random().current(NOW);
    assert_eq!(nonce.len(), 43);
    let nqchar = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    assert!(nonce.bytes().all(nqchar));
}

// conformance 164, 173
#[test]
fn nonce_expires() {
    let nonces = DpopNonces::random();
    let start = NOW - NOW % 180;
    let nonce = nonces.current(start);
    assert_eq!(nonce, nonces.current(start + 179));
    assert_ne!(nonce, nonces.current(start + 180));
    for (now, good) in [
        (start - 181, false),
        (start - 180, true), // another instance's clock
        (start, true),
        (start + 359, true),
        (start + 360, false),
        (u64::MAX, false),
        (0, false),
    ] {
        assert_eq!(nonces.accept(&nonce, now), good, "{now}");
    }
}

// conformance 164
#[test]
fn nonce_of_another_key_is_rejected() {
    let nonces = DpopNonces::shared([7; 32]);
    let nonce = nonces.current(NOW);
    assert!(!DpopNonces::random().accept(&nonce, NOW));
    assert!(!DpopNonces::shared([8; 32]).accept(&nonce, NOW));
    for other in [
        "",
        "A",
        &nonce[..42],
        &nonce[1..],
        &format!("{nonce}A"),
        &format!("{nonce}="),
        &"A".repeat(43),
    ] {
        assert!(!nonces.accept(other, NOW), "{other}");
    }
}

// conformance 173
#[test]
fn nonce_of_a_shared_or_previous_secret_is_accepted() {
    let (old, new) = ([7; 32], [8; 32]);
    let nonce = DpopNonces::shared(old).current(NOW);
    assert!(DpopNonces::shared(old).accept(&nonce, NOW));
    let rotating = DpopNonces::shared(new).or_previous(old);
    assert!(rotating.accept(&nonce, NOW));
    assert_eq!(rotating.current(NOW), DpopNonces::shared(new).current(NOW));
}

#[test]
fn nonce_secret_that_is_short_is_rejected() {
    let short = [7; 31];
    for nonces in [
        DpopNonces::shared(short),
        DpopNonces::random().or_previous(short),
    ] {
        assert!(matches!(nonces.resolve(), Err(ConfigError::Dpop { .. })));
    }
    let long_enough = DpopNonces::shared([7; 32]).or_previous([8; 32]);
    assert!(long_enough.resolve().is_ok());
}

#[test]
fn nonce_debug_shows_no_key() {
    assert_eq!(
        format!("{:?}", DpopNonces::shared([7; 32])),
        "DpopNonces { .. }"
    );
}
