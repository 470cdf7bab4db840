//! The demo without settings: mock issuers in this process, settings files for them, and lines to paste.

use std::{
    fs,
    io::Result,
    net::SocketAddr,
    path::{Path, PathBuf},
    process,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use okta_verifier_testing::{MockOkta, TestIssuer, TokenBuilder};

/// The lifetime of the printed tokens, long enough to try them.
const LIFETIME: Duration = Duration::from_secs(12 * 3600);

const STAFF: &str = "https://sso.example.com/realms/staff";

/// A mock Okta for each tenant, the Keycloak of our own staff, and a directory with settings files for them.
/// Initech is a tenant in `next.toml` only.
#[derive(Debug)]
pub(crate) struct Demo {
    pub(crate) acme: MockOkta,
    pub(crate) globex: MockOkta,
    pub(crate) initech: MockOkta,
    staff: TestIssuer,
    directory: PathBuf,
}

impl Demo {
    pub(crate) async fn start() -> Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos = now.map_or(0, |now| now.as_nanos());
        let name = format!("multi-tenant-{}-{nanos}", process::id());
        let demo = Self {
            acme: MockOkta::start().await,
            globex: MockOkta::start().await,
            initech: MockOkta::start().await,
            staff: TestIssuer::keycloak("orders-api").at(STAFF),
            directory: std::env::temp_dir().join(name),
        };
        for mock in [&demo.acme, &demo.globex, &demo.initech] {
            mock.set_audience("api://orders");
        }
        demo.acme.set_client("0oa1orders", "the secret of the demo");
        // The directory must be new, because its files decide who may call.
        fs::create_dir(&demo.directory)?;
        fs::write(demo.file("acme.secret"), "the secret of the demo\n")?;
        fs::write(demo.file("staff.jwks"), demo.staff.jwks())?;
        demo.write(
            "settings.toml",
            &demo.adapt(include_str!("../settings.toml")),
        )?;
        demo.write("next.toml", &demo.adapt(include_str!("../next.toml")))?;
        let wrong = include_str!("../next.toml").replace("realm = \"orders\"", "realm = \"\"");
        let wrong = wrong.replace("\nread = ", "\nraed = ");
        demo.write("wrong.toml", &demo.adapt(&wrong))?;
        Ok(demo)
    }

    /// Returns the path of the settings file.
    pub(crate) fn settings(&self) -> PathBuf {
        self.file("settings.toml")
    }

    /// Writes a file into the directory.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<()> {
        fs::write(self.file(name), text)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Replaces the issuers by the mocks, and the paths by those of the directory. There is no Keycloak from
    /// which keys could be fetched, so its keys are in a file.
    fn adapt(&self, settings: &str) -> String {
        let mut settings = settings.to_owned();
        for (tenant, mock) in [
            ("acme", &self.acme),
            ("globex", &self.globex),
            ("initech", &self.initech),
        ] {
            let url = format!("https://{tenant}.okta.com/oauth2/default");
            settings = settings.replace(&url, mock.issuer_url());
        }
        let url = format!("url = \"{STAFF}\"");
        let keys = format!("{url}\nkeys_file = {}", quoted(&self.file("staff.jwks")));
        settings = settings.replace(&url, &keys);
        let secret = quoted(&self.file("acme.secret"));
        settings.replace("\"/etc/orders/acme.secret\"", &secret)
    }

    pub(crate) fn token_of_acme(&self) -> TokenBuilder {
        user(self.acme.token("ada")).client_id("0oa1acme")
    }

    pub(crate) fn token_of_globex(&self) -> TokenBuilder {
        user(self.globex.token("ada")).client_id("0oa1globex")
    }

    pub(crate) fn token_of_initech(&self) -> TokenBuilder {
        user(self.initech.token("ada")).client_id("0oa1initech")
    }

    pub(crate) fn token_of_staff(&self) -> TokenBuilder {
        let token = self.staff.token("grace").client_id("orders-console");
        token.expires_in(LIFETIME)
    }

    /// Returns the lines to paste. Their order matters, because some of them change the settings.
    pub(crate) fn guide(&self, api: SocketAddr) -> String {
        let calls =
            |calls: &[Call]| -> String { calls.iter().map(|call| call.line(api)).collect() };
        let mut guide = format!(
            "The API reads {}. Its issuers are mocks in this process.\n\
             Paste the lines into another terminal, from top to bottom; the number above each is\n\
             the status it gets, or the exit code of a command.\n\n",
            self.settings().display()
        );
        guide += &calls(&self.before());
        // Other systems have no SIGHUP.
        if cfg!(unix) {
            guide += &self.install(
                "wrong.toml",
                "a file with two mistakes, which the log of the API names",
            );
            guide += &calls(&self.after_wrong());
            guide += &self.install(
                "next.toml",
                "a file with initech, without globex, and with a stricter policy",
            );
            guide += &calls(&self.after_next());
        }
        guide
    }

    fn before(&self) -> [Call; 12] {
        let acme = || self.token_of_acme();
        let globex = || self.token_of_globex();
        let revoked = acme().sign();
        self.acme.revoke(&revoked);
        let old = "api://orders-v1";
        // This token is signed with acme's key but names globex as its issuer.
        let in_anothers_name = acme().claim("iss", self.globex.issuer_url());
        [
            Call::orders(acme().sign(), 200, "ada of acme"),
            Call::orders(globex().sign(), 200, "ada of globex, another user"),
            Call::orders(
                globex().audience(old).sign(),
                200,
                "a token for globex's older audience",
            ),
            Call::orders(
                acme().audience(old).sign(),
                401,
                "acme has only one audience",
            ),
            Call::orders(
                in_anothers_name.sign(),
                401,
                "acme's key with globex as issuer",
            ),
            Call::orders(
                self.token_of_initech().sign(),
                401,
                "initech is not a tenant yet",
            ),
            Call::payments(acme().sign(), 200, "ada of acme pays"),
            Call::payments(acme().without("scp").sign(), 403, "without the scope"),
            Call::orders(
                revoked.clone(),
                200,
                "a token that acme revoked can still read",
            ),
            Call::payments(revoked, 401, "a token that acme revoked cannot pay"),
            Call::audit(
                self.token_of_staff().group("auditor").sign(),
                200,
                "our own auditor",
            ),
            Call::audit(
                globex().group("auditor").sign(),
                403,
                "globex can name a group so too",
            ),
        ]
    }

    fn after_wrong(&self) -> [Call; 1] {
        let token = self.token_of_globex().sign();
        [Call::orders(token, 200, "nothing has changed")]
    }

    fn after_next(&self) -> [Call; 4] {
        let accountant = self.token_of_acme().group("Accounting");
        [
            // The signal is asynchronous: this line repeats the request until the file is in effect.
            Call {
                is_repeated: true,
                ..Call::orders(
                    self.token_of_initech().sign(),
                    200,
                    "initech is a tenant now",
                )
            },
            Call::orders(self.token_of_globex().sign(), 401, "globex is not any more"),
            Call::payments(
                self.token_of_acme().sign(),
                403,
                "the group is required now",
            ),
            Call::payments(accountant.sign(), 200, "ada is in the group"),
        ]
    }

    /// Returns a line that replaces the settings file and sends the signal. A rename replaces the file at once,
    /// so that the API cannot read half of it.
    fn install(&self, name: &str, what: &str) -> String {
        let (from, to) = (self.file(name), self.settings());
        format!(
            "# {what}\n# expect 0\nmv '{}' '{}' && kill -HUP {}\n\n",
            from.display(),
            to.display(),
            process::id()
        )
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn user(token: TokenBuilder) -> TokenBuilder {
    let token = token.scope("orders:read").scope("payments:write");
    token.expires_in(LIFETIME)
}

/// Returns the path as a literal string of TOML, in which a backslash is an ordinary character.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}

/// A request to try.
struct Call {
    method: &'static str,
    path: &'static str,
    jwt: String,
    expect: u16,
    what: &'static str,
    is_repeated: bool,
}

impl Call {
    fn new(
        (method, path): (&'static str, &'static str),
        jwt: String,
        expect: u16,
        what: &'static str,
    ) -> Self {
        Self {
            method,
            path,
            jwt,
            expect,
            what,
            is_repeated: false,
        }
    }

    fn orders(jwt: String, expect: u16, what: &'static str) -> Self {
        Self::new(("GET", "/orders"), jwt, expect, what)
    }

    fn payments(jwt: String, expect: u16, what: &'static str) -> Self {
        Self::new(("POST", "/payments"), jwt, expect, what)
    }

    fn audit(jwt: String, expect: u16, what: &'static str) -> Self {
        Self::new(("GET", "/audit"), jwt, expect, what)
    }

    fn line(&self, api: SocketAddr) -> String {
        let Self {
            path,
            jwt,
            expect,
            what,
            ..
        } = self;
        let repeat = match self.is_repeated {
            true => "--fail --retry 6 --retry-all-errors ",
            false => "",
        };
        let method = match self.method {
            "GET" => String::new(),
            other => format!("-X {other} "),
        };
        format!(
            "# {what}\n# expect {expect}\n\
             curl -i {repeat}{method}-H 'Authorization: Bearer {jwt}' http://{api}{path}\n\n"
        )
    }
}
