//! The servers: how each is started, and its process.

use std::{
    env,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// A server on the verifier of one project.
pub(crate) struct Server {
    /// The package, which is the row of the table.
    pub(crate) name: &'static str,
    pub(crate) language: &'static str,
    /// The file with the version, and the name that comes before it there.
    pinned: (&'static str, &'static str),
    /// Whether the library responds to requests itself, so that its challenges count.
    pub(crate) has_http: bool,
    /// Packages that had to be added, because the library needs them and does not declare them.
    pub(crate) undeclared: &'static [&'static str],
    start: fn(&Settings) -> Command,
}

/// What a server is told.
pub(crate) struct Settings {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) token: String,
    pub(crate) jwk: String,
    /// A directory with the certificate of the authority, as PEM and as a trust store of Java.
    pub(crate) certificates: PathBuf,
    /// Where ci/others builds the servers.
    pub(crate) built: PathBuf,
}

pub(crate) const SERVERS: &[Server] = &[
    Server {
        name: "okta-verifier",
        language: "Rust",
        pinned: ("../../Cargo.toml", "version"),
        has_http: true,
        undeclared: &[],
        start: |_| {
            let program = env::current_exe().expect("this program has a path");
            Command::new(program.with_file_name("okta-verifier-server"))
        },
    },
    Server {
        name: "@okta/jwt-verifier",
        language: "Node",
        pinned: ("servers/node/package.json", "@okta/jwt-verifier"),
        has_http: false,
        undeclared: &[],
        start: |_| node("@okta/jwt-verifier"),
    },
    Server {
        name: "okta-jwt-verifier",
        language: "Python",
        pinned: ("servers/python/requirements.txt", "okta-jwt-verifier=="),
        has_http: false,
        undeclared: &["requests", "cryptography"],
        start: |settings| {
            let mut command = Command::new(settings.built.join("python/bin/python"));
            command.arg("servers/python/server.py");
            command
        },
    },
    Server {
        name: "com.okta.jwt:okta-jwt-verifier",
        language: "Java",
        pinned: (
            "servers/okta-java/pom.xml",
            "okta-jwt-verifier</artifactId>",
        ),
        has_http: false,
        undeclared: &[],
        start: |settings| java("okta-java", settings),
    },
    Server {
        name: "Spring Boot",
        language: "Java",
        pinned: ("servers/spring/pom.xml", "spring-boot-starter-parent"),
        has_http: true,
        undeclared: &[],
        start: |settings| java("spring", settings),
    },
    Server {
        name: "go-oidc",
        language: "Go",
        pinned: ("servers/go/go.mod", "go-oidc/v3"),
        has_http: false,
        undeclared: &[],
        start: |settings| Command::new(settings.built.join("go-oidc")),
    },
    Server {
        name: "express-oauth2-jwt-bearer",
        language: "Node",
        pinned: ("servers/node/package.json", "express-oauth2-jwt-bearer"),
        has_http: true,
        undeclared: &[],
        start: |_| node("express-oauth2-jwt-bearer"),
    },
    Server {
        name: "aws-jwt-verify",
        language: "Node",
        pinned: ("servers/node/package.json", "aws-jwt-verify"),
        has_http: false,
        undeclared: &[],
        start: |_| node("aws-jwt-verify"),
    },
];

fn node(name: &str) -> Command {
    let mut command = Command::new("node");
    command.args(["servers/node/server.mjs", name]);
    command
}

fn java(name: &str, settings: &Settings) -> Command {
    let built = settings.built.join(name);
    let store = settings.certificates.join(TRUST_STORE);
    let mut command = Command::new("java");
    command
        .arg(format!("-Djavax.net.ssl.trustStore={}", store.display()))
        .arg(format!("-Djavax.net.ssl.trustStorePassword={PASSWORD}"))
        .args(["-Xmx512m", "-cp"])
        .arg(format!("{0}/classes:{0}/lib/*", built.display()))
        .arg("others.Server");
    command
}

impl Server {
    /// Returns the version that is pinned for the package.
    pub(crate) fn version(&self) -> String {
        let (file, before) = self.pinned;
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = std::fs::read_to_string(&path).expect("the file with the version exists");
        let (_, rest) = text.split_once(before).expect("the file names the package");
        let is_part = |c: char| c.is_ascii_digit() || c == '.';
        let begin = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
        rest[begin..].chars().take_while(|c| is_part(*c)).collect()
    }

    /// Starts the server and waits until it listens.
    pub(crate) async fn start(&self, settings: &Settings) -> Result<Running, String> {
        let mut child = self.spawn(settings, &[])?;
        let stdout = child.stdout.take().ok_or("no stdout")?;
        let mut lines = BufReader::new(stdout).lines();
        let port = async {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(port) = line.strip_prefix("listening on ") {
                    return port.parse::<u16>().ok();
                }
            }
            None
        };
        let port = timeout(START, port)
            .await
            .map_err(|_| "the server did not listen in time")?
            .ok_or("the server ended before it listened")?;
        // A server that prints more must not wait for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Running {
            child,
            address: (Ipv4Addr::LOCALHOST, port).into(),
        })
    }

    /// Measures a warm verification.
    pub(crate) async fn measure(&self, settings: &Settings) -> Result<Vec<Round>, String> {
        let mut child = self.spawn(settings, &["measure"])?;
        let mut stdout = child.stdout.take().ok_or("no stdout")?;
        let mut text = String::new();
        timeout(MEASURE, stdout.read_to_string(&mut text))
            .await
            .map_err(|_| "the measurement took too long")?
            .map_err(|error| error.to_string())?;
        let line = text.lines().find(|it| it.starts_with('{'));
        let line = line.ok_or("the measurement printed no result")?;
        let result: Rounds = serde_json::from_str(line).map_err(|error| error.to_string())?;
        Ok(result.rounds)
    }

    fn spawn(&self, settings: &Settings, arguments: &[&str]) -> Result<Child, String> {
        let authority = settings.certificates.join(AUTHORITY);
        (self.start)(settings)
            .args(arguments)
            .env("ISSUER", &settings.issuer)
            .env("JWKS_URI", format!("{}/v1/keys", settings.issuer))
            .env("AUDIENCE", &settings.audience)
            .env("TOKEN", &settings.token)
            .env("JWK", &settings.jwk)
            // Node, and then OpenSSL (of Python), Go and okta-verifier-server.
            .env("NODE_EXTRA_CA_CERTS", &authority)
            .env("SSL_CERT_FILE", &authority)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // A server may log tokens, and what it rejects.
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", self.name))
    }
}

/// A server that runs. Dropping it ends its process.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Running {
    /// Returns whether the process ends by itself within a second. A connection closes a moment before.
    pub(crate) async fn ends(&mut self) -> bool {
        timeout(Duration::from_secs(1), self.child.wait())
            .await
            .is_ok()
    }

    /// Ends the process and waits for its end.
    pub(crate) async fn end(mut self) {
        let _ = self.child.kill().await;
    }
}

#[derive(Deserialize)]
struct Rounds {
    rounds: Vec<Round>,
}

/// The CPU time of one call in nanoseconds.
#[derive(Deserialize)]
pub(crate) struct Round {
    pub(crate) verify: f64,
    pub(crate) cached: Option<f64>,
    pub(crate) raw: f64,
}

/// Writes the certificate of the authority for each kind of server.
pub(crate) async fn write_certificates(directory: &Path, authority: &str) -> Result<(), String> {
    let pem = directory.join(AUTHORITY);
    std::fs::write(&pem, authority).map_err(|error| error.to_string())?;
    let made = Command::new("keytool")
        .args(["-importcert", "-noprompt", "-alias", "authority"])
        .args(["-storetype", "PKCS12", "-storepass", PASSWORD])
        .arg("-file")
        .arg(&pem)
        .arg("-keystore")
        .arg(directory.join(TRUST_STORE))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    match made {
        Ok(status) if status.success() => Ok(()),
        _ => Err("keytool failed; install Java".to_owned()),
    }
}

const AUTHORITY: &str = "authority.pem";
const TRUST_STORE: &str = "authority.p12";
/// A trust store has public certificates only, but keytool requires a password.
const PASSWORD: &str = "public";

/// Time limits for a machine under other load.
const START: Duration = Duration::from_secs(120);
const MEASURE: Duration = Duration::from_secs(300);
