//! The demo without settings: a mock Okta per tenant in this process, and lines to paste.

use std::{net::SocketAddr, time::Duration};

use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta, TokenBuilder};

use crate::{database::Tenant, settings::Settings};

const AUDIENCE: &str = "api://orders";

/// The lifetime of the printed tokens, long enough to try them.
const LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// A mock Okta for our own staff, and one per tenant. The last tenant is not active at first.
#[derive(Debug)]
pub(crate) struct Mocks {
    staff: MockOkta,
    acme: MockOkta,
    globex: MockOkta,
    initech: MockOkta,
}

impl Mocks {
    pub(crate) async fn start() -> Self {
        let mocks = Self {
            staff: MockOkta::start().await,
            acme: MockOkta::start().await,
            globex: MockOkta::start().await,
            initech: MockOkta::start().await,
        };
        for mock in [&mocks.staff, &mocks.acme, &mocks.globex, &mocks.initech] {
            mock.set_audience(AUDIENCE);
        }
        mocks
    }

    pub(crate) fn settings(&self) -> Settings {
        let tenants = [
            ("acme", &self.acme, true),
            ("globex", &self.globex, true),
            ("initech", &self.initech, false),
        ];
        let row = |(name, mock, active): (&str, &MockOkta, bool)| {
            let issuer = mock.issuer_url().to_owned();
            (name.to_owned(), Tenant { issuer, active })
        };
        Settings {
            staff: self.staff.issuer_url().to_owned(),
            tenants: tenants.map(row).into(),
            audience: AUDIENCE.to_owned(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
        }
    }

    /// Returns the lines to paste. Their order matters, because some of them activate and deactivate
    /// tenants.
    pub(crate) fn guide(&self, api: SocketAddr) -> String {
        let tries = self.tries();
        let tries = tries.map(|(method, path, jwt, expect, what)| {
            let method = match method {
                "GET" => String::new(),
                other => format!("-X {other} "),
            };
            format!(
                "# {what}\n# expect {expect}\n\
                 curl -i {method}-H 'Authorization: Bearer {jwt}' http://{api}{path}\n\n"
            )
        });
        let [acme, globex, initech] = [&self.acme, &self.globex, &self.initech];
        format!(
            "Three tenants, each with an Okta of its own (mocks, all of them):\n  \
             acme {}, globex {}, and initech {}, which is not let in yet.\n\
             Paste the lines into another terminal, from top to bottom; the number above each is\n\
             the status it gets.\n\n{}",
            acme.issuer_url(),
            globex.issuer_url(),
            initech.issuer_url(),
            tries.concat()
        )
    }

    fn tries(&self) -> [(&'static str, &'static str, String, u16, &'static str); 14] {
        let token = |mock: &MockOkta| {
            let token = mock.token("ada").expires_in(LIFETIME);
            token.scope("orders:read").scope("payments:write")
        };
        let [acme, globex, initech] = [&self.acme, &self.globex, &self.initech];
        let a = token(acme).sign();
        let (b, c) = (token(globex).sign(), token(initech).sign());
        let revoked = token(acme).sign();
        acme.revoke(&revoked);
        // This token is signed with acme's key but names globex as its issuer.
        let in_anothers_name = token(acme).claim("iss", globex.issuer_url()).sign();
        let operators = |token: TokenBuilder| token.group("Operators").sign();
        let operator = operators(token(&self.staff));
        let self_made = operators(token(globex));
        let (orders, payments, tenant) = ("/orders", "/payments", "/tenants/initech");
        [
            ("GET", orders, a.clone(), 200, "ada of acme"),
            ("GET", orders, b, 200, "ada of globex, another user"),
            (
                "GET",
                orders,
                in_anothers_name,
                401,
                "acme's key with globex as issuer",
            ),
            ("GET", orders, c.clone(), 401, "initech is not a tenant yet"),
            (
                "PUT",
                tenant,
                a.clone(),
                401,
                "a tenant cannot activate tenants",
            ),
            (
                "PUT",
                tenant,
                self_made,
                401,
                "not even with a group of the same name",
            ),
            (
                "PUT",
                tenant,
                operator.clone(),
                204,
                "our operator activates initech",
            ),
            ("GET", orders, c.clone(), 200, "initech is a tenant now"),
            (
                "DELETE",
                tenant,
                operator,
                204,
                "our operator deactivates initech",
            ),
            ("GET", orders, c, 401, "its tokens are rejected at once"),
            ("POST", payments, a, 200, "ada of acme pays"),
            (
                "POST",
                payments,
                token(globex).without("scp").sign(),
                403,
                "without the scope",
            ),
            (
                "GET",
                orders,
                revoked.clone(),
                200,
                "a token that acme revoked can still read",
            ),
            (
                "POST",
                payments,
                revoked,
                401,
                "a token that acme revoked cannot pay",
            ),
        ]
    }
}
