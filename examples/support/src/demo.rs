//! The demo without settings: the API trusts a mock Okta in this process, and prints tokens for it.

use std::{error::Error, net::SocketAddr, time::Duration};

use okta_verifier::Verifier;
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta, TokenBuilder};

use crate::paste::Paste;

const AUDIENCE: &str = "api://orders";

/// The lifetime of the printed tokens, long enough to try them.
const LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// Returns a verifier that trusts `okta`, and the lines to paste.
///
/// # Errors
///
/// Never returns an error, because the settings are constants of this file.
pub(crate) fn start(
    okta: &MockOkta,
    api: SocketAddr,
    paste: Paste<'_>,
) -> Result<(Verifier, String), Box<dyn Error>> {
    okta.set_audience(AUDIENCE);
    // The verifier now fetches metadata and keys from the mock, as it would from Okta.
    let issuer = okta.issuer(AUDIENCE).client_id(CLIENT_ID);
    let verifier = Verifier::builder().issuer(issuer).build()?;
    Ok((verifier, guide(okta, api, paste)))
}

fn guide(okta: &MockOkta, api: SocketAddr, paste: Paste<'_>) -> String {
    let issuer = okta.issuer_url();
    let tries = tries(okta).map(|attempt| attempt.at(api, paste)).concat();
    format!(
        "A mock Okta issues tokens at {issuer}, and this API accepts them.\n\
         Paste a line into another terminal; the number above it is the expected status.\n\
         \n\
         {tries}\
         # a token from the mock itself, as a service would get one from Okta\n\
         curl -s -u {CLIENT_ID}:{CLIENT_SECRET} -d grant_type=client_credentials -d scope=orders:read {issuer}/v1/token\n\
         \n"
    )
}

/// A request to try. A script can run the line after `# expect` and compare the status.
struct Try {
    what: &'static str,
    path: &'static str,
    credentials: Option<String>,
    expect: u16,
}

fn tries(okta: &MockOkta) -> [Try; 10] {
    let token = || okta.token("ada").expires_in(LIFETIME);
    let reader = || token().scope("orders:read");
    let request = |path, jwt: TokenBuilder, expect, what| Try {
        what,
        path,
        credentials: Some(jwt.sign()),
        expect,
    };
    [
        Try {
            what: "open to everyone",
            path: "/health",
            credentials: None,
            expect: 200,
        },
        request("/me", token(), 200, "any valid token"),
        Try {
            what: "no token",
            path: "/me",
            credentials: None,
            expect: 401,
        },
        request("/me", okta.token("ada").expired(), 401, "an expired token"),
        request(
            "/me",
            token().foreign_key(),
            401,
            "a token with the signature of another key",
        ),
        Try {
            what: "a malformed token",
            path: "/me",
            credentials: Some("not,a,token".to_owned()),
            expect: 400,
        },
        request(
            "/orders",
            reader(),
            200,
            "a token with the scope orders:read",
        ),
        request("/orders", token(), 403, "a valid token without the scope"),
        request(
            "/admin",
            token().group("Admins"),
            200,
            "a token of a member of Admins",
        ),
        request("/admin", reader(), 403, "a valid token without the group"),
    ]
}

impl Try {
    fn at(&self, api: SocketAddr, paste: Paste<'_>) -> String {
        let Self { what, path, .. } = self;
        let title = paste.title(path);
        let expect = paste.expectation(self.expect);
        let line = paste.line(api, path, self.credentials.as_deref());
        format!("# {title}: {what}\n# expect {expect}\n{line}\n\n")
    }
}
