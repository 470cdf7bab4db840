//! `okta-verifier mock`: an issuer for development and integration tests.

use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Certificate, MockOkta};
use serde_json::json;

use crate::output::Output;

/// Runs an issuer for development and integration tests, until SIGINT or SIGTERM.
///
/// It mints tokens for every program that can reach it: never use it in production. The first line of standard
/// output is the issuer. GET /_mock/token?sub=ada&scope=orders:read at its origin returns a token as text.
#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 ended by a signal, 1 could not start, 2 wrong use.")]
pub(crate) struct Options {
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// The port to listen on; 0 lets the system choose one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Allow an address that other machines can reach. They can then get a token for any user.
    #[arg(long)]
    allow_remote: bool,
    /// The issuer, if it differs from the scheme, the first host and the port [default: with the path
    /// /oauth2/default].
    #[arg(long, value_name = "URL")]
    issuer_url: Option<String>,
    /// A host name under which clients reach the mock, such as the name of a compose service. Repeatable; the
    /// first one is the host of the issuer, and the certificate is valid for all of them.
    #[arg(long = "host", value_name = "NAME", value_parser = host)]
    hosts: Vec<String>,
    /// Serve https with a new certificate.
    #[arg(long, requires = "ca_file")]
    tls: bool,
    /// Write the CA certificate to this file, for the OKTA_CA_FILE of the service.
    #[arg(long, value_name = "PATH", requires = "tls")]
    ca_file: Option<PathBuf>,
    /// The audience of the tokens.
    #[arg(long, default_value = "api://default")]
    audience: String,
    /// The ID of the client.
    #[arg(long, value_name = "ID", default_value = CLIENT_ID)]
    client_id: String,
    /// The secret of the client.
    #[arg(long, value_name = "SECRET", default_value = CLIENT_SECRET)]
    client_secret: String,
    /// Let the client use authorization codes and refresh tokens without a secret, as an app in a browser does.
    #[arg(long)]
    public_client: bool,
    /// Let clients register themselves at /v1/clients (RFC 7591), as the clients of MCP servers do.
    #[arg(long)]
    registration: bool,
    /// A resource that a client may name in the parameter resource (RFC 8707). It becomes the audience of the token.
    /// Repeatable [default: none, and the parameter is ignored].
    #[arg(long = "resource", value_name = "URL")]
    resources: Vec<String>,
    /// A user of the login page. Repeatable [default: ada, bob].
    #[arg(long = "user", value_name = "NAME")]
    users: Vec<String>,
    /// A redirect URI of the client, compared exactly. Repeatable [default: every URL on loopback].
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
}

/// Why the mock did not start.
#[derive(Debug)]
enum Failure {
    WrongUse(&'static str),
    NotStarted(String),
}

pub(crate) async fn run(options: Options, mut output: Output) -> ExitCode {
    let started = match start(&options).await {
        Ok(okta) => signals().map(|ended| (okta, ended)).map_err(not_started),
        Err(failure) => Err(failure),
    };
    let (okta, ended) = match started {
        Ok(started) => started,
        Err(Failure::WrongUse(text)) => {
            complain(text);
            return ExitCode::from(2);
        }
        Err(Failure::NotStarted(text)) => {
            complain(&text);
            return ExitCode::FAILURE;
        }
    };
    warn(&options);
    output.line(okta.issuer_url());
    output.object(&json!({
        "issuer": okta.issuer_url(),
        "address": okta.address(),
        "audience": options.audience,
        "client_id": options.client_id,
        "ca_file": options.ca_file,
    }));
    ended.await;
    ExitCode::SUCCESS
}

async fn start(options: &Options) -> Result<MockOkta, Failure> {
    if !options.bind.is_loopback() && !options.allow_remote {
        return Err(Failure::WrongUse(REMOTE));
    }
    let mut builder = MockOkta::builder().bind(SocketAddr::from((options.bind, options.port)));
    if let Some(url) = issuer_url(options)? {
        builder = builder.issuer_url(url);
    }
    if !options.users.is_empty() {
        builder = builder.users(&options.users);
    }
    for uri in &options.redirect_uris {
        builder = builder.redirect_uri(uri);
    }
    let mut authority = None;
    if options.tls {
        let (pem, server) = Certificate::with_authority(names(options));
        builder = builder.tls(server);
        authority = Some(pem);
    }
    let okta = builder.start().await.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => Failure::WrongUse(SETTINGS),
        _ => Failure::NotStarted(format!(
            "cannot listen on {}: {error}",
            SocketAddr::from((options.bind, options.port))
        )),
    })?;
    okta.set_audience(&options.audience);
    okta.set_client(&options.client_id, &options.client_secret);
    okta.set_public_client(options.public_client);
    okta.set_registration(options.registration);
    okta.set_resources(&options.resources);
    // After the port is bound, so that a second mock does not replace the file of the first one.
    if let (Some(path), Some(pem)) = (&options.ca_file, authority) {
        write_authority(path, &pem).map_err(|error| {
            Failure::NotStarted(format!("cannot write {}: {error}", path.display()))
        })?;
    }
    Ok(okta)
}

/// Returns the issuer, or `None` if it is that of the address.
fn issuer_url(options: &Options) -> Result<Option<String>, Failure> {
    if let Some(url) = &options.issuer_url {
        return Ok(Some(url.clone()));
    }
    match options.hosts.first() {
        Some(_) if options.port == 0 => Err(Failure::WrongUse(PORT)),
        Some(host) => {
            let scheme = if options.tls { "https" } else { "http" };
            // An IPv6 address is in brackets in a URL.
            let host = match host.parse() {
                Ok(IpAddr::V6(address)) => format!("[{address}]"),
                _ => host.clone(),
            };
            let default_port = if options.tls { 443 } else { 80 };
            let port = match options.port {
                port if port == default_port => String::new(),
                port => format!(":{port}"),
            };
            Ok(Some(format!("{scheme}://{host}{port}/oauth2/default")))
        }
        None if options.bind.is_unspecified() => Err(Failure::WrongUse(UNSPECIFIED)),
        None => Ok(None),
    }
}

/// Returns the names that the certificate is valid for.
fn names(options: &Options) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    if !options.bind.is_unspecified() {
        names.push(options.bind.to_string());
    }
    names.extend_from_slice(&options.hosts);
    let mut unique = Vec::new();
    for name in names {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    unique
}

/// Writes the CA certificate at once as a whole, so that a service never reads a part of it. A file that this
/// command has not written is not replaced.
fn write_authority(path: &Path, pem: &str) -> io::Result<()> {
    match fs::read(path) {
        Ok(old) if !old.starts_with(MARK.as_bytes()) => {
            return Err(io::Error::other(
                "the file exists, and is not that of a mock",
            ));
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".{}", std::process::id()));
    // A new file, never one that a link of this name leads to: others may write to a directory such as /tmp.
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::File::create_new(&part)?;
    file.write_all(format!("{MARK}{pem}").as_bytes())?;
    drop(file);
    fs::rename(&part, path).inspect_err(|_| drop(fs::remove_file(&part)))
}

/// Parses a host name or an IP address.
fn host(text: &str) -> Result<String, &'static str> {
    let label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(inner)
    };
    let is_name = text.len() <= 253 && text.split('.').all(label);
    match is_name || text.parse::<IpAddr>().is_ok() {
        true => Ok(text.to_owned()),
        false => Err("write a host name in lower case or an IP address, without a port"),
    }
}

/// Returns a future that ends with the first SIGINT or SIGTERM.
#[cfg(unix)]
fn signals() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Returns a future that ends with Ctrl-C.
#[cfg(not(unix))]
fn signals() -> io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}

/// Writes the banner to standard error.
fn warn(options: &Options) {
    let mut stream = anstream::stderr();
    let style = anstyle::AnsiColor::Yellow.on_default().bold();
    let _ = writeln!(stream, "{style}warning:{style:#} {BANNER}");
    if options.allow_remote && !options.tls {
        let _ = writeln!(stream, "{style}warning:{style:#} {PLAIN}");
    }
}

fn complain(text: &str) {
    let mut stream = anstream::stderr();
    let style = anstyle::AnsiColor::Red.on_default().bold();
    let _ = writeln!(stream, "{style}error:{style:#} {text}");
}

fn not_started(error: io::Error) -> Failure {
    Failure::NotStarted(format!("cannot wait for signals: {error}"))
}

const BANNER: &str = "this is a mock. It mints valid tokens for every program that can reach it, and scripts of every \
     web page may call it. Never use it in production.";
const PLAIN: &str = "without --tls, okta-verifier accepts this issuer on loopback only.";
const REMOTE: &str = "other machines may reach this address, and could then get a token for any user. Bind a \
     loopback address, or add --allow-remote.";
const UNSPECIFIED: &str =
    "an issuer cannot have this address as its host. Add --host NAME or --issuer-url URL.";
const PORT: &str = "--host needs a fixed --port, unless --issuer-url is given.";
const SETTINGS: &str = "the --issuer-url must be an http or https URL in canonical form, without a slash at its \
     end, and each --redirect-uri a URL without a fragment.";

/// The first line of a CA file, before the certificate. RFC 7468 §2 allows such a text.
const MARK: &str = "CA certificate of okta-verifier mock\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_that_is_not_a_name_is_rejected() {
        for text in [
            "",
            "mock:8080",
            "a b",
            "MOCK",
            "a..b",
            "*.mock",
            "mock/",
            "\u{e4}",
            "[::1]",
        ] {
            assert!(host(text).is_err(), "{text}");
        }
        for text in ["mock", "mock.test", "10.0.0.7", "::1"] {
            assert!(host(text).is_ok(), "{text}");
        }
    }
}
