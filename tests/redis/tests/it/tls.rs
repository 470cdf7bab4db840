//! TLS: which certificates are accepted, and that the process's crypto providers do not matter. This
//! process has two, and none is installed.

use std::{env, fs, process::Command, sync::Arc};

use okta_verifier::dpop::ProofUse;
use okta_verifier_redis::RedisConfig;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, aws_lc_rs, ring},
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::{
    authority::{Authority, Files},
    first_use,
    server::{Server, free_port},
    store,
};

pub(crate) struct Tls {
    /// Its `port` is without TLS.
    pub(crate) server: Server,
    tls_port: u16,
    _files: Files,
}

impl Tls {
    pub(crate) fn start(authority: &Authority, name: &str, more: &[&str]) -> Self {
        let (files, tls_port) = (authority.files(name), free_port());
        let mut options = files.options(tls_port);
        options.extend(more.iter().copied().map(str::to_owned));
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        Self {
            server: Server::with(&options),
            tls_port,
            _files: files,
        }
    }

    pub(crate) fn address(&self, host: &str) -> String {
        format!("{host}:{}", self.tls_port)
    }

    fn config(&self, host: &str) -> RedisConfig {
        RedisConfig::server(self.address(host)).login("default", "hunter2")
    }
}

fn no_provider_is_installed() {
    assert!(CryptoProvider::get_default().is_none());
}

#[tokio::test]
async fn tls_certificate_of_another_ca_or_name_is_rejected() {
    no_provider_is_installed();
    let (authority, other) = (Authority::new(), Authority::new());
    let redis = Tls::start(&authority, "localhost", &[]);
    for (config, part) in [
        (redis.config("localhost"), "cannot be reached"),
        (
            redis.config("localhost").root_certificates(&other.pem),
            "cannot be reached",
        ),
        // The certificate does not have this address.
        (
            redis.config("127.0.0.1").root_certificates(&authority.pem),
            "cannot be reached",
        ),
        // The port speaks TLS only.
        (redis.config("localhost").plaintext(), "Redis"),
    ] {
        let error = first_use(&store(config), 1).await.expect_err("no TLS");
        assert!(
            error.contains(part) && !error.contains("hunter2"),
            "{error}"
        );
    }
    assert_eq!(redis.server.number("DBSIZE"), 0);
}

#[tokio::test]
async fn tls_with_two_crypto_providers_in_the_process_does_not_panic() {
    no_provider_is_installed();
    let authority = Authority::new();
    let redis = Tls::start(&authority, "localhost", &[]);
    let config = || RedisConfig::server(redis.address("localhost"));
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.pem.as_bytes()).expect("PEM");
    roots.add(root).expect("a root");
    let own = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let private = || config().root_certificates(&authority.pem);
    for (number, config) in [
        private(),
        private().crypto_provider(Arc::new(ring::default_provider())),
        private().crypto_provider(Arc::new(aws_lc_rs::default_provider())),
        config().tls_config(own),
    ]
    .into_iter()
    .enumerate()
    {
        let expected = if number == 0 {
            ProofUse::First
        } else {
            ProofUse::Replayed
        };
        assert_eq!(first_use(&store(config), 1).await, Ok(expected), "{number}");
    }
    no_provider_is_installed();
}

/// The system's roots are the process's: the test runs itself again, once with the CA among them.
#[test]
fn tls_trusts_the_roots_of_the_system() {
    const CHILD: &str = "REDIS_TLS_CHILD";
    if let Some(address) = env::var_os(CHILD) {
        let config = RedisConfig::server(address.to_str().expect("UTF-8"));
        return print_first_use(config);
    }
    let authority = Authority::new();
    let redis = Tls::start(&authority, "localhost", &[]);
    let test = "tls::tls_trusts_the_roots_of_the_system";
    let variables = [(CHILD, redis.address("localhost"))];
    for (roots, expected) in [
        (None, "cannot be reached"),
        (Some(&authority), "answer: First"),
    ] {
        let text = run_again(test, &variables, roots);
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

/// A sentinel can name any host. The client must not log in where another CA than its own issued the
/// certificate, although the system trusts that CA.
#[test]
fn tls_only_root_certificates_keep_the_login_from_a_host_that_a_sentinel_names() {
    const SENTINEL: &str = "REDIS_ONLY_ROOT_SENTINEL";
    const PEM: &str = "REDIS_ONLY_ROOT_PEM";
    const BESIDE: &str = "REDIS_ONLY_ROOT_BESIDE";
    if let (Ok(sentinel), Ok(pem)) = (env::var(SENTINEL), env::var(PEM)) {
        let config = RedisConfig::sentinel("orders", [sentinel]).login("default", "hunter2");
        return print_first_use(match env::var_os(BESIDE) {
            Some(_) => config.root_certificates(pem),
            None => config.only_root_certificates(pem),
        });
    }
    let (public, private) = (Authority::new(), Authority::new());
    let named = Tls::start(&public, "127.0.0.1", &["--requirepass", "hunter2"]);
    let (files, tls_port) = (private.files("127.0.0.1"), free_port());
    let mut configuration: String = files
        .options(tls_port)
        .chunks(2)
        .map(|option| format!("{} {}\n", &option[0][2..], option[1]))
        .collect();
    let address = named.address("127.0.0.1").replace(':', " ");
    configuration += &format!("sentinel monitor orders {address} 1\n");
    let _sentinel = Server::sentinel(&configuration);
    let test = "tls::tls_only_root_certificates_keep_the_login_from_a_host_that_a_sentinel_names";
    let mut variables = vec![
        (SENTINEL, format!("127.0.0.1:{tls_port}")),
        (PEM, private.pem.clone()),
    ];
    let text = run_again(test, &variables, Some(&public));
    assert!(text.contains("error: no sentinel names"), "{text}");
    // The same host with `root_certificates`: only the roots kept the login from it.
    variables.push((BESIDE, String::new()));
    let text = run_again(test, &variables, Some(&public));
    assert!(text.contains("answer: First"), "{text}");
    // And the only root is accepted.
    let redis = Tls::start(&private, "localhost", &[]);
    let config = redis
        .config("localhost")
        .only_root_certificates(&private.pem);
    let answer = runtime().block_on(first_use(&store(config), 1));
    assert_eq!(answer, Ok(ProofUse::First));
}

/// Runs one test in a process of its own, whose system has the CA `roots`, and returns what it printed.
fn run_again(test: &str, variables: &[(&str, String)], roots: Option<&Authority>) -> String {
    let mut child = Command::new(env::current_exe().expect("this program"));
    child.args(["--exact", test, "--nocapture"]);
    child.envs(variables.iter().map(|(name, value)| (name, value)));
    let file = env::temp_dir().join(format!("redis-roots-{}.pem", free_port()));
    if let Some(roots) = roots {
        fs::write(&file, &roots.pem).expect("a file");
        child.env("SSL_CERT_FILE", &file);
    }
    let output = child.output().expect("it runs");
    let _ = fs::remove_file(file);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn print_first_use(config: RedisConfig) {
    match runtime().block_on(first_use(&store(config), 1)) {
        Ok(answer) => println!("answer: {answer:?}"),
        Err(error) => println!("error: {error}"),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().expect("a runtime")
}
