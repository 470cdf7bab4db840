//! No settings: each tenant has a mock Okta of this process, and there are lines to paste.

use std::{net::SocketAddr, time::Duration};

use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta, TokenBuilder};

use crate::{database::Tenant, settings::Settings};

const AUDIENCE: &str = "api://orders";

/// Long enough for an afternoon with the printed lines.
const LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// A mock Okta for our own people, and one for each tenant; the last one is not let in yet.
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

    /// Lines to paste, in this order: tenants come and go between them.
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
        // Signed with acme's key, in the name of globex.
        let in_anothers_name = token(acme).claim("iss", globex.issuer_url()).sign();
        let operators = |token: TokenBuilder| token.group("Operators").sign();
        let operator = operators(token(&self.staff));
        let self_made = operators(token(globex));
        let (orders, payments, tenant) = ("/orders", "/payments", "/tenants/initech");
        [
            ("GET", orders, a.clone(), 200, "ada of acme"),
            ("GET", orders, b, 200, "ada of globex, somebody else"),
            (
                "GET",
                orders,
                in_anothers_name,
                401,
                "acme's key, globex's name",
            ),
            ("GET", orders, c.clone(), 401, "initech is no tenant yet"),
            (
                "PUT",
                tenant,
                a.clone(),
                401,
                "a tenant cannot let tenants in",
            ),
            (
                "PUT",
                tenant,
                self_made,
                401,
                "not even with a group of that name",
            ),
            ("PUT", tenant, operator.clone(), 204, "our operator can"),
            ("GET", orders, c.clone(), 200, "initech is a tenant now"),
            ("DELETE", tenant, operator, 204, "and gone again"),
            ("GET", orders, c, 401, "its tokens are refused at once"),
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
                "a token that acme revoked: it can still read",
            ),
            ("POST", payments, revoked, 401, "but not pay"),
        ]
    }
}
