//! The key set decides whether a key is used (RFC 7517 §4, §5). Each of these tokens has a valid
//! signature of the key that it names.

use okta_verifier::Algorithm;

use super::super::case::{Case, accepted, invalid};
use super::super::issuers::Source;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let used: [(&str, &[u16]); 12] = [
        ("without use", &[64]),
        ("to verify", &[65]),
        ("RSA without alg", &[66, 68]),
        ("EC without alg", &[66]),
        ("with a foreign x5c", &[77]),
        ("with unknown members", &[61]),
        ("a leading zero in n", &[71]),
        ("members that are null", &[64, 65]),
        ("a leading zero in x", &[73]),
        ("alg Ed25519", &[74]),
        ("EC under a shared kid", &[69]),
        ("OKP under a shared kid", &[69]),
    ];
    cases.extend(used.map(|(name, requirements)| {
        accepted(name, requirements).of(Source::Odd(name), |token, _| token)
    }));
    let skipped: [(&str, &[u16]); 18] = [
        ("for encryption", &[62, 64]),
        ("use in capitals", &[64]),
        ("key_ops with sign only", &[65]),
        ("key_ops as a string", &[62, 65]),
        ("kty in lower case", &[63]),
        ("without kty", &[62, 63]),
        ("an unknown kty", &[62]),
        ("alg of another curve", &[66, 73]),
        ("crv of another alg", &[66, 73]),
        ("alg in lower case", &[66]),
        ("alg of an HMAC", &[67]),
        ("private", &[62]),
        ("a short coordinate", &[73]),
        ("off the curve", &[73]),
        ("without y", &[62]),
        ("an even exponent", &[70]),
        ("the first of two", &[69]),
        ("the second of two", &[69]),
    ];
    cases.extend(skipped.map(|(name, requirements)| {
        invalid(name, requirements).of(Source::Odd(name), |token, _| token)
    }));
    cases.extend([
        invalid("kid as a number", &[62]).of(Source::Odd("kid as a number"), |token, _| token),
        invalid("RSA without alg, with PS256", &[66, 68])
            .of(Source::Odd("RSA without alg"), |token, _| {
                token.algorithm(Algorithm::PS256)
            }),
    ]);
    cases
}
