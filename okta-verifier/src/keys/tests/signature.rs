//! Signatures of published vectors, and changed ones.

use base64::Engine;
use serde_json::{Value, json};

use super::{ed25519, p256, p521, with};
use crate::{
    crypto::BadSignature,
    keys::{KeyOptions, jwk::Key},
    token::BASE64URL,
};

fn key(jwk: &Value) -> Key {
    Key::parse(&jwk.to_string(), KeyOptions::default()).unwrap()
}

fn decode(text: &str) -> Vec<u8> {
    BASE64URL.decode(text).unwrap()
}

/// The signing input and the signature.
fn parts(jws: &str) -> (&[u8], Vec<u8>) {
    let (signed, signature) = jws.rsplit_once('.').unwrap();
    (signed.as_bytes(), decode(signature))
}

// conformance 72
#[test]
fn ecdsa_signature_of_another_form_or_out_of_range_is_rejected() {
    let p256_order = "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE"; // SEC 2 §2.4.2
    refuses_every_other_form(&key(&p256()), ES256_JWS, p256_order);
    let p521_order =
        "Af__________________________________________-lGGh4O_L5Zrf8wBSPcJpdA7tcm4iZxHrrtvtx6ROGQJ"; // SEC 2 §2.6.1
    refuses_every_other_form(&key(&p521()), ES512_JWS, p521_order);
}

fn refuses_every_other_form(key: &Key, jws: &str, order: &str) {
    let (signed, good) = parts(jws);
    assert_eq!(key.verify(signed, &good), Ok(()));

    let length = good.len() / 2;
    let (r, s) = good.split_at(length);
    let bounds = [decode(order), vec![0; length], vec![0xFF; length]];
    let mut rejected = vec![
        Vec::new(),
        good[1..].to_vec(),
        good[..good.len() - 1].to_vec(),
        [&good[..], &[0]].concat(),
        [&[0][..], &good].concat(),
        [s, r].concat(),
        vec![0; 64],
        vec![0; 96],
        vec![0; 132],
        der(r, s),
    ];
    for bound in &bounds {
        rejected.push([bound, s].concat());
        rejected.push([r, bound].concat());
    }
    for signature in rejected {
        let result = key.verify(signed, &signature);
        assert_eq!(result, Err(BadSignature), "{signature:02x?}");
    }
    assert_eq!(key.verify(&signed[1..], &good), Err(BadSignature));
}

/// ECDSA-Sig-Value (RFC 3279 §2.2.3): what other protocols use, and JWS does not.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let number = &number[zeros..];
        let sign = if number[0] < 0x80 { &[][..] } else { &[0] };
        let number = [sign, number].concat();
        [&[2, u8::try_from(number.len()).unwrap()][..], &number].concat()
    };
    let body = [integer(r), integer(s)].concat();
    let length = u8::try_from(body.len()).unwrap();
    let header: &[u8] = match length {
        0..0x80 => &[0x30, length],
        _ => &[0x30, 0x81, length],
    };
    [header, &body].concat()
}

// conformance 74
#[test]
fn ed25519_signature_of_rfc_8037_verifies_and_changed_ones_do_not() {
    let (signed, good) = parts(ED25519_JWS);
    for alg in ["EdDSA", "Ed25519"] {
        let key = key(&with(ed25519(), "alg", alg));
        assert_eq!(key.verify(signed, &good), Ok(()));
        for signature in [&good[1..], &good[..63], &[&good[..], &[0]].concat(), &[]] {
            assert_eq!(key.verify(signed, signature), Err(BadSignature));
        }
        // S must be below the order of the group (RFC 8032 §5.1.7). Otherwise a signature would have two
        // encodings.
        let mut malleable = good.clone();
        add_order(&mut malleable[32..]);
        assert_eq!(key.verify(signed, &malleable), Err(BadSignature));
    }
}

/// Adds the order of the Ed25519 group, little-endian (RFC 8032 §5.1).
fn add_order(s: &mut [u8]) {
    const LOW: [u8; 16] = [
        0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6, 0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE,
        0x14,
    ];
    let mut order = [0; 32];
    order[..16].copy_from_slice(&LOW);
    order[31] = 0x10;
    let mut carry = 0;
    for (digit, add) in s.iter_mut().zip(order) {
        let sum = u16::from(*digit) + u16::from(add) + carry;
        *digit = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}

// conformance 68, 75
#[test]
fn pss_signature_needs_salt_and_mask_of_its_own_hash() {
    let jwk = json!({ "kty": "RSA", "kid": "pss", "n": PSS_MODULUS, "e": "AQAB" });
    let message = b"conformance 75";
    let pss = key(&with(jwk.clone(), "alg", "PS256"));
    assert_eq!(pss.verify(message, &decode(PSS_GOOD)), Ok(()));
    for rejected in [PSS_SALT_OF_20, PSS_MASK_OF_SHA1, PKCS1] {
        let result = pss.verify(message, &decode(rejected));
        assert_eq!(result, Err(BadSignature), "{rejected}");
    }
    let pkcs1 = key(&jwk);
    assert_eq!(pkcs1.verify(message, &decode(PKCS1)), Ok(()));
    let result = pkcs1.verify(message, &decode(PSS_GOOD));
    assert_eq!(result, Err(BadSignature));
    for alg in ["RS384", "RS512", "PS384", "PS512"] {
        let other = key(&with(jwk.clone(), "alg", alg));
        for signature in [PKCS1, PSS_GOOD] {
            let result = other.verify(message, &decode(signature));
            assert_eq!(result, Err(BadSignature), "{alg}");
        }
    }
}

/// RFC 7515 §A.3.
const ES256_JWS: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
/// RFC 7520 §4.3.
const ES512_JWS: &str = "eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4.AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2";
/// RFC 8037 §A.4.
const ED25519_JWS: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

// One message, signed with one RSA key by OpenSSL in four ways. The private key was deleted.
const PSS_MODULUS: &str = "4gBvHH-M-7rkVT87l3f6RrE7K5csr1c0dSlLuDn2Ay6fDgXma3S3z4FlHKYD0M5D-bcvvZ1K2NTEY6v7ZDlbsGnBpeVgLmnf-wQnw8AJmEvivYukKySS0SQNFenN4uTVC4jMRdNG65A-GMSrxb7FkZZa6ujtdCYGhM2TrekNkbijJxwoa-nCSOEbxv9JNMvG4ZS0M-9Djb99C3fppEfy4tVrl1adU-fSN0qxNx73aE6HBd8ZQaLZ7OpNR46nWjHWKh9mN7-tOC4SMvLH6e1SUtA3DGQMlfSHyfttBWbF95cQHioPA5N6aibXEbufkBTZLz_x0AhA1clVlMuE4u22Yw";
const PSS_GOOD: &str = "1u_OHjAR7Ths5S2jfV8mlBuxJKEqADzAwhYGf4SvZ-zmlIvVd3hVUXPYe6bWpRr2UQkC7mUkwK95CWlJUaKSg9bNd1dqUcnjTvFqoT8UiX_8-zHyNSWhh1Sb1SUfoW6B-diFIsGHBJUXQIFq76XYGEjxsD7H2dRAQq3noa4yuIbmW0AKPPNZstcL0No9AJLfn4WvzZrVGQ9DVoqW9Ul8oWkRWwH4ghIpu5VUx74IbqeM8huyJHM-PZAUr39HSIqrpPZFCNM_5TUFmG8ZQ9KANhPZp-eO8GsqFVHu_7RvvWQ-zgjHYhB_eCkcV85HYf7UJSPly0__j-NmN-aDg0hEsw";
const PSS_SALT_OF_20: &str = "PQN_RGl69XidBSpJc_4VvhL7-Mp6lH0B7Ww-7rAqCymWZuQo1umoL-tHaJ3ol0vsF74NYsieCifjbLEHpNCRelwGaSIK_Z3hNFOPuhsx3Vc_cG1XiVp9vYq5D2gYe1os973fryx9wFOajqIti2m-JFkI2cbGYze0U3_fYjmUAQ8tvR5ZVMHslsSMgtqdYEM6sOyKOThcr16LmO9y8ta1B-p6BoClQPW7wYQBF9Xe-peaKAVemvoaBm3dqRG2PLl1Xot9T2bjo80pinWznV_9DbPgFvWsSfKumo8i9TjCYmIETBjc3KwWLw4MHlJsR6W5KoyY8B_0HGftVPOo8EvMyw";
const PSS_MASK_OF_SHA1: &str = "IQwJTjagLD9Xf5onA2AYcvylB4OVT9QGqyWD0Oiot7SWWVOJlLlM_u5GunL0PmPm9mfn8TrS9lr303FpzsovVbdtpF5GQytsFbh7jnvZEsbiyWn9alo7XRLAQKLOXmcYU-Cv01IL9Vxs8Sr48AzOzrbUIdJN71Lx_h1C79fkhdqWSKTqr5RCVevrUWh_ork4ms9LQJ9OXVcGv1xQoVpzsjYj7kVoyuIQVgvt_t2VHEKWmM4-_seK4ZIoLjYLB_2Y3wO4XQgi3f6qIQeEbZBb0ldhxZAE9x8ZOTOdX9gAA-mF8kyLifHgtSKRZfVInJNp6W2n5UyXxKZ1N5wuE3Yurw";
const PKCS1: &str = "kSJjmQv7R0wR0G2QgaKB9h_tQX3WkpjKuIi6EPduu8LvJGqxTR1T1vpnfxY_3_6WrdfE8EHG_WRwXQ1iQXKiLaFRNCO6swuShVj0Q-xnQG1F08MIIDOH2c_CotYWtFv_dbaS9an9nmpSm38ZXq6_FtP3KLtEd3hL7LSk6VsYQjAynIdXEPppKxLXOjcB3POLFKp_qdwqwPTbDmnh0J1txhj6CUJbRn5LtWgRtjHkStwuBEjxDaMsxLCsvQgctoM__fIu-4uNXhCkku_nh64eZ2KLCRW_H3fZTIwvptT6tLJTYCNcNltDoQcgj3EVe2HNCbr-B93K-vH9gab2-xon6w";
