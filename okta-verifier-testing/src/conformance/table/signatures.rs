//! The bytes of a signature: only the algorithm's length and form are valid.

use okta_verifier::Algorithm;

use super::super::case::{Case, invalid};

/// A change to the bytes of a signature.
type Bytes = fn(Vec<u8>) -> Vec<u8>;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let edits: [(&str, Bytes); 8] = [
        ("one bit changed", |mut bytes| {
            bytes[7] ^= 1;
            bytes
        }),
        ("one byte shorter", |bytes| bytes[1..].to_vec()),
        ("one byte longer", |bytes| [&bytes[..], &[0]].concat()),
        ("one leading zero byte", |bytes| [&[0], &bytes[..]].concat()),
        ("all zeros", |bytes| vec![0; bytes.len()]),
        ("all ones", |bytes| vec![0xff; bytes.len()]),
        ("twice", |bytes| bytes.repeat(2)),
        ("one kilobyte", |_| vec![1; 1024]),
    ];
    for algorithm in [Algorithm::ES256, Algorithm::RS256, Algorithm::EdDSA] {
        cases.extend(edits.map(|(name, edit)| {
            invalid(format!("{algorithm}, {name}"), &[14, 60])
                .okta(move |token| token.algorithm(algorithm).edit_signature(edit))
        }));
    }
    let ecdsa: [(&str, Bytes); 3] = [
        ("in DER", der),
        ("with r zero", |bytes| [&[0; 32], &bytes[32..]].concat()),
        ("with s zero", |bytes| [&bytes[..32], &[0; 32]].concat()),
    ];
    cases.extend(ecdsa.map(|(name, edit)| {
        invalid(format!("ES256, {name}"), &[72]).okta(move |token| token.edit_signature(edit))
    }));
    cases
}

/// Returns R and S in the DER form of X.509, which RFC 7518 §3.4 does not allow.
fn der(signature: Vec<u8>) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let bytes = &bytes[zeros..];
        let sign: &[u8] = if bytes[0] < 0x80 { &[] } else { &[0] };
        let length = u8::try_from(sign.len() + bytes.len()).expect("33 bytes at most");
        [&[2, length], sign, bytes].concat()
    };
    let (r, s) = signature.split_at(32);
    let numbers = [integer(r), integer(s)].concat();
    let length = u8::try_from(numbers.len()).expect("70 bytes at most");
    [&[0x30, length], &numbers[..]].concat()
}
