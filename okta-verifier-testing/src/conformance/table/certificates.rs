//! Tokens bound to a certificate (RFC 8705 §3), and bindings that cannot be checked.

use serde_json::{Value, json};

use super::super::case::{Case, accepted, invalid};
use crate::keys::fingerprint;

pub(super) fn cases() -> Vec<Case> {
    let bound = |case: Case| {
        case.okta(|token| token.bound_to_certificate(MINE))
            .beside_dpop()
    };
    let mut cases = vec![
        bound(accepted("a certificate-bound token", &[182, 183])).certificate(MINE),
        bound(invalid(
            "a certificate-bound token without the certificate",
            &[185],
        )),
        bound(invalid(
            "a certificate-bound token with another certificate",
            &[182],
        ))
        .certificate(OTHER),
        accepted("a certificate with an unbound token", &[182])
            .okta(|token| token)
            .certificate(MINE)
            .beside_dpop(),
        invalid("a certificate digest with padding", &[183])
            .okta(|token| token.claim("cnf", json!({ "x5t#S256": fingerprint(MINE) + "=" })))
            .certificate(MINE)
            .beside_dpop(),
    ];
    cases.extend(UNKNOWN.map(|(name, cnf)| {
        let cnf: fn() -> Value = cnf;
        invalid(name, &[187])
            .okta(move |token| token.claim("cnf", cnf()))
            .certificate(MINE)
            .beside_dpop()
    }));
    cases
}

type Unknown = (&'static str, fn() -> Value);

const UNKNOWN: [Unknown; 9] = [
    ("cnf, an unknown member", || json!({ "x": "y" })),
    (
        "cnf, an unknown member beside a known one",
        || json!({ "x5t#S256": fingerprint(MINE), "x": "y" }),
    ),
    (
        "cnf, a whole key",
        || json!({ "jwk": { "kty": "oct", "k": "AA" } }),
    ),
    ("cnf, empty", || json!({})),
    ("cnf, null", || json!(null)),
    ("cnf, a string", || json!(fingerprint(MINE))),
    ("cnf, a list", || json!([{ "x5t#S256": fingerprint(MINE) }])),
    ("cnf, a digest as a number", || json!({ "x5t#S256": 1 })),
    ("cnf, an empty digest", || json!({ "x5t#S256": "" })),
];

/// The parts of a certificate that a verifier reads, in DER. The key is missing, so no client can
/// present this certificate in a TLS handshake.
pub(super) const MINE: &[u8] = b"0\x09\x30\x00\x30\x00\x03\x03\x00\x01\x02";
const OTHER: &[u8] = b"0\x09\x30\x00\x30\x00\x03\x03\x00\x01\x03";
