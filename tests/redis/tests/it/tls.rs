//! TLS: which certificates are accepted, and that the process's crypto providers do not matter. This
//! process has two, and none is installed.

use std::{env, fs, process::Command, sync::Arc};

use okta_verifier::ProofUse;
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
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().expect("a runtime");
        let store = store(RedisConfig::server(address.to_str().expect("UTF-8")));
        match runtime.block_on(first_use(&store, 1)) {
            Ok(answer) => println!("answer: {answer:?}"),
            Err(error) => println!("error: {error}"),
        }
        return;
    }
    let authority = Authority::new();
    let redis = Tls::start(&authority, "localhost", &[]);
    let file = env::temp_dir().join(format!("redis-roots-{}.pem", std::process::id()));
    fs::write(&file, &authority.pem).expect("a file");
    for (roots, expected) in [(None, "cannot be reached"), (Some(&file), "answer: First")] {
        let mut child = Command::new(env::current_exe().expect("this program"));
        child
            .args([
                "--exact",
                "tls::tls_trusts_the_roots_of_the_system",
                "--nocapture",
            ])
            .env(CHILD, redis.address("localhost"));
        if let Some(roots) = roots {
            child.env("SSL_CERT_FILE", roots);
        }
        let output = child.output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let _ = fs::remove_file(file);
}
