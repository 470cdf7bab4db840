//! The demo without settings: mock issuers in this process, a settings file for them, and lines to paste.

use std::{
    fs,
    io::Result,
    net::SocketAddr,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use okta_verifier_testing::{Client, MockOkta, TestIssuer, TokenBuilder};

use crate::SHOP_TOML;

/// The lifetime of the printed tokens, long enough to try them.
const LIFETIME: Duration = Duration::from_secs(12 * 3600);

const CLERKS: &str = "https://sso.example.com/realms/clerks";
const PARTNER_SECRET: &str = "the partner's secret of the demo";

/// The secret of the stream of security events.
pub const EVENTS_SECRET: &str = "Bearer the secret of the stream of the demo";
/// The `aud` of the security events.
pub const EVENTS_AUDIENCE: &str = "https://shop.example.com/events/ssf";

/// The issuers of the settings file as mocks, and a directory with a settings file for them.
#[derive(Debug)]
#[non_exhaustive]
pub struct Demo {
    /// The Okta of the customers.
    pub customers: MockOkta,
    /// The authorization server of the partner, which introspects.
    pub partner: MockOkta,
    /// The Keycloak of the clerks. It serves nothing: its keys are in a file.
    pub clerks: TestIssuer,
    directory: PathBuf,
}

impl Demo {
    /// Starts the issuers, and writes a settings file for the API at this address.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be written.
    pub async fn start(api: SocketAddr) -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("shop-{}-{}-{number}", process::id(), api.port());
        let demo = Self {
            customers: MockOkta::start().await,
            partner: MockOkta::start().await,
            clerks: TestIssuer::keycloak("shop-api").at(CLERKS),
            directory: std::env::temp_dir().join(name),
        };
        for mock in [&demo.customers, &demo.partner] {
            mock.set_audience("api://shop");
        }
        demo.partner.set_client("0oa9shop", PARTNER_SECRET);
        // The directory must be new, because its files decide who may call.
        fs::create_dir(&demo.directory)?;
        fs::write(demo.file("partner"), PARTNER_SECRET)?;
        fs::write(demo.file("events"), EVENTS_SECRET)?;
        fs::write(demo.file("clerks.jwks"), demo.clerks.jwks())?;
        fs::write(demo.settings(), demo.adapt(api))?;
        Ok(demo)
    }

    /// Returns the path of the settings file.
    pub fn settings(&self) -> PathBuf {
        self.file("shop.toml")
    }

    /// Returns the token of a customer with these scopes.
    pub fn customer(&self, scopes: &[&str]) -> TokenBuilder {
        scoped(self.customers.token("ada").client_id("0oa1web"), scopes)
    }

    /// Returns the token of a clerk with these scopes, who is a cashier.
    pub fn cashier(&self, scopes: &[&str]) -> TokenBuilder {
        let token = self
            .clerks
            .token("grace")
            .client_id("till")
            .group("cashier");
        // The tokens of TestIssuer are those of Keycloak's password grant, which have no `auth_time`.
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| now.as_secs());
        scoped(
            token.claim("sid", "session-1").claim("auth_time", now),
            scopes,
        )
    }

    /// Returns the token of a customer of the partner with these scopes.
    pub fn partners_customer(&self, scopes: &[&str]) -> TokenBuilder {
        scoped(self.partner.token("alan").client_id("0oa9partner"), scopes)
    }

    /// Returns the token of an administrator with these scopes.
    pub fn admin(&self, scopes: &[&str]) -> TokenBuilder {
        let token = self.customers.token("root").client_id("0oa2app");
        scoped(token.group("Admins"), scopes)
    }

    /// Returns the lines to paste. Their order matters: the last ones change orders, and reject tokens.
    pub fn guide(&self, api: SocketAddr) -> String {
        let calls: String = self.calls(api).iter().map(|it| it.line(api)).collect();
        format!(
            "The shop reads {}. Its issuers are mocks in this process.\n\
             Paste the lines into another terminal, from top to bottom and within a minute; the number above\n\
             each is the expected status.\n\n{calls}",
            self.settings().display()
        )
    }

    fn calls(&self, api: SocketAddr) -> Vec<Call> {
        let bearer = |token: TokenBuilder| Some(format!("Bearer {}", token.sign()));
        let reader = || self.customer(&["shop:read"]);
        let buyer = bearer(self.customer(&["shop:buy"]));
        let unbound = bearer(self.customer(&["shop:pay"]));
        let client = Client::new();
        let payer = client.bind(self.customer(&["shop:pay"])).sign();
        let url = format!("http://{api}/orders/1/pay");
        let proof = client.proof("POST", &url).token(&payer).sign();
        let payer = Some(format!("DPoP {payer}"));
        let cashier = || self.cashier(&["shop:refund"]);
        let earlier = cashier().claim("auth_time", 1_700_000_000);
        let admin = bearer(self.admin(&["shop:admin"]));
        let old = bearer(reader());
        let pushed = Some(EVENTS_SECRET.to_owned());
        let event = self.customers.session_revoked("ada");
        let event = event.audience(EVENTS_AUDIENCE).sign();
        vec![
            Call::new("GET /health", None, 200, "open to everyone"),
            Call::new("GET /articles", old.clone(), 200, "a customer of Okta"),
            Call::new("GET /articles", None, 401, "no token"),
            Call::new(
                "GET /articles",
                Some("Bearer not,a,token".to_owned()),
                400,
                "a malformed token",
            ),
            Call::new(
                "GET /articles",
                bearer(self.customer(&[])),
                403,
                "without the scope",
            ),
            Call::new(
                "GET /articles",
                bearer(self.cashier(&["shop:read"])),
                200,
                "a clerk of Keycloak",
            ),
            Call::new(
                "GET /articles",
                bearer(self.partners_customer(&["shop:read"])),
                200,
                "a partner, introspected",
            ),
            Call::new("POST /orders", buyer.clone(), 201, "an order").body("book"),
            Call::new("POST /orders", buyer, 422, "the shop has no such article").body("moon"),
            Call::new(
                "POST /orders/1/pay",
                unbound,
                401,
                "a payment with a token that is not bound",
            ),
            Call::new("POST /orders/1/pay", payer, 200, "a payment with a proof").proof(proof),
            Call::new(
                "POST /orders/1/refund",
                bearer(earlier),
                401,
                "a cashier must log in again",
            ),
            Call::new(
                "POST /orders/1/refund",
                bearer(cashier()),
                200,
                "a cashier who has just logged in",
            ),
            Call::new(
                "POST /events/ssf",
                Some("Bearer wrong".to_owned()),
                400,
                "an event without the secret",
            )
            .body(&event),
            Call::new("GET /articles", old.clone(), 200, "nothing has changed"),
            Call::new(
                "POST /events/ssf",
                pushed,
                202,
                "Okta says that ada's sessions were revoked",
            )
            .body(&event),
            Call::new("GET /articles", old, 401, "her token is rejected"),
            Call::new(
                "POST /lock-outs",
                admin,
                204,
                "an administrator locks bob out",
            )
            .body("bob"),
        ]
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Replaces the issuers by the mocks, and the paths by those of the directory. The demo
    /// starts no Keycloak, so the keys of that issuer are in a file.
    fn adapt(&self, api: SocketAddr) -> String {
        let keys = format!(
            "url = \"{CLERKS}\"\nkeys_file = {}",
            quoted(&self.file("clerks.jwks"))
        );
        [
            (
                "https://acme.okta.com/oauth2/default",
                self.customers.issuer_url(),
            ),
            ("https://acme.okta.com", self.customers.org_url()),
            (
                "https://partner.okta.com/oauth2/default",
                self.partner.issuer_url(),
            ),
            (
                "base_url = \"https://shop.example.com\"",
                &format!("base_url = \"http://{api}\""),
            ),
            (&format!("url = \"{CLERKS}\""), &keys),
            (
                "\"/run/secrets/shop-partner\"",
                &quoted(&self.file("partner")),
            ),
            (
                "\"/run/secrets/shop-events\"",
                &quoted(&self.file("events")),
            ),
        ]
        .iter()
        .fold(SHOP_TOML.to_owned(), |text, (from, to)| {
            text.replace(from, to)
        })
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn scoped(token: TokenBuilder, scopes: &[&str]) -> TokenBuilder {
    let token = token.expires_in(LIFETIME);
    scopes
        .iter()
        .fold(token, |token, scope| token.scope(*scope))
}

/// Returns the path as a literal string of TOML, in which a backslash is an ordinary character.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}

/// A request to try.
struct Call {
    request: &'static str,
    authorization: Option<String>,
    proof: Option<String>,
    body: Option<String>,
    expect: u16,
    what: &'static str,
}

impl Call {
    fn new(
        request: &'static str,
        authorization: Option<String>,
        expect: u16,
        what: &'static str,
    ) -> Self {
        Self {
            request,
            authorization,
            proof: None,
            body: None,
            expect,
            what,
        }
    }

    fn body(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    fn proof(mut self, proof: String) -> Self {
        self.proof = Some(proof);
        self
    }

    fn line(&self, api: SocketAddr) -> String {
        let (method, path) = self
            .request
            .split_once(' ')
            .unwrap_or(("GET", self.request));
        let method = match method {
            "GET" => String::new(),
            method => format!("-X {method} "),
        };
        let header = |name: &str, value: &Option<String>| {
            let value = value.as_ref();
            value.map_or(String::new(), |value| format!("-H '{name}: {value}' "))
        };
        let body = self.body.as_ref();
        format!(
            "# {}: {}\n# expect {}\ncurl -i {method}{}{}{}http://{api}{path}\n\n",
            self.request,
            self.what,
            self.expect,
            header("Authorization", &self.authorization),
            header("DPoP", &self.proof),
            body.map_or(String::new(), |body| format!("-d '{body}' ")),
        )
    }
}
