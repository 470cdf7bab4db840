//! The figures of RFC 9449.

use base64::Engine;

use super::case::Case;
use crate::{
    error::{ProofError, VerifyError},
    token::BASE64URL,
};

/// RFC 9449 §7.1, figure 12.
const RESOURCE_PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
/// RFC 9449 §4.1, figure 1: for the token endpoint, without `ath`.
const TOKEN_PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
/// RFC 9449 §7.1, figure 13.
const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
/// RFC 9449 §6.1, figure 9.
const JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

fn case() -> Case<'static> {
    Case {
        base: "https://resource.example.org",
        target: "/protectedresource",
        token: TOKEN,
        jkt: BASE64URL.decode(JKT).unwrap().try_into().unwrap(),
        now: 1_562_262_618,
        ..Case::default()
    }
}

// conformance 155, 158, 160, 161, 166, 167
#[test]
fn rfc_9449_figure_12_is_accepted_for_its_own_request_only() {
    let used = case().verify_proof(RESOURCE_PROOF).unwrap();
    assert_eq!(used.until, 1_562_262_618 + 60);

    let refused = |case: Case<'_>, expected: VerifyError| {
        let error = case.verify_proof(RESOURCE_PROOF).unwrap_err();
        assert_eq!(format!("{error:?}"), format!("{expected:?}"));
    };
    let post = Case {
        method: "POST",
        ..case()
    };
    refused(post, ProofError::Method.into());
    let elsewhere = Case {
        target: "/protectedresource/",
        ..case()
    };
    refused(elsewhere, ProofError::Url.into());
    let other_token = Case {
        token: &TOKEN[1..],
        ..case()
    };
    refused(other_token, ProofError::TokenHash.into());
    let other_key = Case {
        jkt: [7; 32],
        ..case()
    };
    refused(other_key, VerifyError::BindingMismatch);
    let late = Case {
        now: 1_562_262_618 + 61,
        ..case()
    };
    refused(late, ProofError::TooOld { seconds: 61 }.into());
}

// conformance 155
#[test]
fn rfc_9449_figure_1_is_for_the_token_endpoint() {
    let error = case().verify_proof(TOKEN_PROOF).unwrap_err();
    assert!(matches!(
        error,
        VerifyError::InvalidProof(ProofError::Claim { claim: "ath" })
    ));
}
