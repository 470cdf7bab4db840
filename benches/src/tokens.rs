//! The tokens that are verified.

use okta_verifier::Algorithm;
use okta_verifier_testing::{MockOkta, TestIssuer, TokenBuilder};

/// An access token of a user as Okta issues it: 12 claims, and about 950 bytes with RS256.
pub fn ordinary(okta: &impl Issuing) -> TokenBuilder {
    okta.begin("ada.lovelace@example.com")
        .client_id("0oa2hl2inow5Uqc6c357")
        .scope("openid")
        .scope("profile")
        .scope("orders:read")
        .scope("orders:write")
        .group("Everyone")
        .group("Engineering")
        .group("orders-admin")
}

/// Ordinary tokens that differ, as long as one with RS256 and minted a hundred times as fast.
pub fn many(okta: &impl Issuing, count: usize) -> Vec<String> {
    let padding = "x".repeat(192);
    let token = ordinary(okta)
        .algorithm(Algorithm::ES256)
        .claim("department", padding);
    (0..count)
        .map(|number| {
            token
                .clone()
                .claim("uid", format!("00u{number:017}"))
                .sign()
        })
        .collect()
}

/// Whoever signs tokens for tests.
pub trait Issuing {
    /// Begins a token of `subject`.
    fn begin(&self, subject: &str) -> TokenBuilder;
    /// The published keys.
    fn published(&self) -> String;
}

impl Issuing for TestIssuer {
    fn begin(&self, subject: &str) -> TokenBuilder {
        self.token(subject)
    }

    fn published(&self) -> String {
        self.jwks()
    }
}

impl Issuing for MockOkta {
    fn begin(&self, subject: &str) -> TokenBuilder {
        self.token(subject)
    }

    fn published(&self) -> String {
        self.jwks()
    }
}
