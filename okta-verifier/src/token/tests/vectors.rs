//! The published examples: their signatures verify, and none of them is an access token.

use base64::Engine;

use super::checks::expected;
use crate::{
    crypto::{Algorithm, PreparedKey},
    error::VerifyError,
    token::{BASE64URL, checks, jws::Jws, profile::Profile},
};

/// The payload of RFC 7515 A.1 to A.3 and RFC 7519 §6.1; its `exp` is in 2011.
const JOE: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn bytes(text: &str) -> Vec<u8> {
    BASE64URL.decode(text).expect("base64url")
}

/// Returns signing input and signature, as the parser would split them.
fn split(jws: &str) -> (&[u8], Vec<u8>) {
    let (signed, signature) = jws.rsplit_once('.').expect("three parts");
    (signed.as_bytes(), bytes(signature))
}

/// Checks that the key verifies this signature and no other one.
fn assert_verifies(key: &PreparedKey, jws: &str) {
    let (signed, signature) = split(jws);
    assert!(key.verify(signed, &signature).is_ok());
    for (at, _) in signed.iter().enumerate() {
        let mut other = signed.to_vec();
        other[at] ^= 1;
        assert!(key.verify(&other, &signature).is_err(), "byte {at}");
    }
    for (at, _) in signature.iter().enumerate() {
        let mut other = signature.clone();
        other[at] ^= 1;
        assert!(key.verify(signed, &other).is_err(), "byte {at}");
    }
    let longer = [&signature[..], &[0]].concat();
    for other in [
        &signature[1..],
        &signature[..signature.len() - 1],
        &longer,
        &[],
    ] {
        assert!(key.verify(signed, other).is_err());
    }
    // Without `kid`, it is not known which key signed the token.
    assert_names_no_key(jws);
}

// conformance 45, 60, 67, 93, 100
#[test]
fn rfc_7515_a_2_verifies_with_its_rsa_key() {
    let n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let jws = format!("eyJhbGciOiJSUzI1NiJ9.{JOE}.{signature}");
    let key = PreparedKey::rsa(Algorithm::RS256, &bytes(n), &[1, 0, 1]).unwrap();
    assert_verifies(&key, &jws);
    // A key is used with one algorithm only (RFC 8725 §3.1).
    let (signed, signature) = split(&jws);
    for other in [
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
    ] {
        let key = PreparedKey::rsa(other, &bytes(n), &[1, 0, 1]).unwrap();
        assert!(key.verify(signed, &signature).is_err(), "{other}");
    }
}

// conformance 45, 60, 72
#[test]
fn rfc_7515_a_3_verifies_with_its_p_256_key() {
    let point = [
        vec![4],
        bytes("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
        bytes("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
    ]
    .concat();
    let signature =
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let jws = format!("eyJhbGciOiJFUzI1NiJ9.{JOE}.{signature}");
    let key = PreparedKey::ec(Algorithm::ES256, &point).unwrap();
    assert_verifies(&key, &jws);
    let (signed, signature) = split(&jws);
    for signature in [
        vec![0; 64],
        [&[0; 32], &signature[32..]].concat(),
        [&signature[..32], &[0; 32]].concat(),
        vec![255; 64],
    ] {
        assert!(key.verify(signed, &signature).is_err());
    }
}

// conformance 45, 60, 74
#[test]
fn rfc_8037_a_4_verifies_with_its_ed25519_key() {
    let key = PreparedKey::ed25519(&bytes("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")).unwrap();
    assert_verifies(
        &key,
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    );
}

// conformance 56, 67
#[test]
fn rfc_unsecured_and_symmetric_tokens_are_rejected() {
    let unsecured = format!("eyJhbGciOiJub25lIn0.{JOE}."); // RFC 7519 §6.1
    let symmetric = format!(
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    ); // RFC 7515 A.1
    for token in [unsecured, symmetric] {
        let error = super::parse(&token).unwrap_err();
        assert!(matches!(error, VerifyError::AlgorithmNotAllowed), "{error}");
    }
}

// conformance 84, 85
#[test]
fn rfc_9449_figure_12_has_no_published_key() {
    let proof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
    assert_names_no_key(proof);
}

#[track_caller]
fn assert_names_no_key(jws: &str) {
    let Jws { header, .. } = super::parse(jws).unwrap();
    let error = checks::check_header(&header, &expected(Profile::Okta)).unwrap_err();
    assert!(matches!(error, VerifyError::MissingKeyId), "{error}");
}
