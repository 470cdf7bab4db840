//! `rediss://`: the system's roots decide, and nobody is spoken to before.

use std::{env, fs, path::Path, process::Command};

use okta_verifier_testing::Certificate;

use crate::{
    ask,
    server::{Server, free_port},
    store,
};

/// The roots are the process's: the test runs itself again, once with our certificate among them.
#[test]
fn a_certificate_that_the_system_trusts_is_needed() {
    const CHILD: &str = "REDIS_TLS_CHILD";
    if let Some(expected) = env::var_os(CHILD) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().expect("a runtime");
        return runtime.block_on(as_child(expected.to_str().expect("a word")));
    }
    let ours = Certificate::new("localhost");
    let file = env::temp_dir().join(format!("redis-roots-{}.pem", std::process::id()));
    fs::write(&file, ours.pem()).expect("a file");
    for (roots, expected) in [(Some(&file), "trusted"), (None, "unknown")] {
        let mut child = Command::new(env::current_exe().expect("this program"));
        child
            .args([
                "--exact",
                "tls::a_certificate_that_the_system_trusts_is_needed",
            ])
            .env(CHILD, expected)
            .env("REDIS_TLS_CERT", ours.pem())
            .env("REDIS_TLS_KEY", ours.key_pem());
        if let Some(roots) = roots {
            child.env("SSL_CERT_FILE", roots);
        }
        let output = child.output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && text.contains("1 passed"),
            "{expected}: {text}"
        );
    }
    let _ = fs::remove_file(file);
}

async fn as_child(expected: &str) {
    let folder = env::temp_dir().join(format!("redis-tls-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let server = server(&folder);
    let url = |host: &str| format!("rediss://default:hunter2@{host}:{}", server.tls);
    let right = ask(&store(&url("localhost")), 1).await;
    // The certificate is for that name, and for no other.
    let wrong = ask(&store(&url("127.0.0.1")), 2).await;
    let plain = ask(&store(&url("localhost").replace("rediss:", "redis:")), 3).await;
    let stored = server.server.number("DBSIZE");
    fs::remove_dir_all(folder).expect("ours");
    for refused in [&wrong, &plain] {
        let text = refused.as_ref().expect_err("refused");
        assert!(!text.contains("hunter2"), "{text}");
    }
    match expected {
        "trusted" => assert_eq!((right, stored), (Ok(true), 1)),
        _ => {
            let text = right.expect_err("no root is ours");
            assert!(text.contains("certificate") && stored == 0, "{text}");
        }
    }
}

struct Tls {
    server: Server,
    tls: u16,
}

fn server(folder: &Path) -> Tls {
    let path = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
    for (name, variable) in [("cert.pem", "REDIS_TLS_CERT"), ("key.pem", "REDIS_TLS_KEY")] {
        fs::write(path(name), env::var(variable).expect("from above")).expect("a file");
    }
    let tls = free_port();
    let server = Server::with(&[
        "--tls-port",
        &tls.to_string(),
        "--tls-cert-file",
        &path("cert.pem"),
        "--tls-key-file",
        &path("key.pem"),
        "--tls-auth-clients",
        "no",
    ]);
    Tls { server, tls }
}
