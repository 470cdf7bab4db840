//! The demo without settings: a mock Okta in this process, certificates, and lines to paste.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use okta_verifier_testing::{CLIENT_ID, Certificate, MockOkta};

use crate::settings::Settings;

const AUDIENCE: &str = "https://orders.example";

/// The lifetime of the printed tokens, long enough to try them.
const LIFETIME: Duration = Duration::from_secs(12 * 3600);

pub(crate) struct Demo {
    okta: MockOkta,
    server: Certificate,
    client: Certificate,
    thief: Certificate,
    /// The directory in which `curl` finds the certificates.
    directory: PathBuf,
}

impl Demo {
    pub(crate) async fn start() -> std::io::Result<Self> {
        let okta = MockOkta::start().await;
        okta.set_audience(AUDIENCE);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos = now.map_or(0, |now| now.as_nanos());
        let directory = std::env::temp_dir().join(format!("mtls-orders-{nanos}"));
        // The directory must be new, because private keys are written to it.
        fs::create_dir(&directory)?;
        let demo = Self {
            okta,
            server: Certificate::new("127.0.0.1"),
            client: Certificate::new("client"),
            thief: Certificate::new("thief"),
            directory,
        };
        fs::write(demo.file("server.pem"), demo.server.pem())?;
        for (name, made) in [("client.pem", &demo.client), ("thief.pem", &demo.thief)] {
            fs::write(demo.file(name), made.pem().to_owned() + &made.key_pem())?;
        }
        Ok(demo)
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            issuer: self.okta.issuer(AUDIENCE).client_id(CLIENT_ID),
            certificate: self.server.pem().to_owned(),
            key: self.server.key_pem(),
            // Each certificate is its own trust anchor here. A real API would trust a certificate
            // authority.
            client_roots: self.client.pem().to_owned() + self.thief.pem(),
        }
    }

    pub(crate) fn guide(&self, api: SocketAddr) -> String {
        let token = || {
            let token = self.okta.token("ada").expires_in(LIFETIME);
            token.scope("orders:read")
        };
        let bound = || token().bound_to_certificate(self.client.der());
        let tries = [
            (
                "a token and the certificate it is bound to",
                bound().sign(),
                Some("client.pem"),
                200,
            ),
            (
                "a thief has another certificate",
                bound().sign(),
                Some("thief.pem"),
                401,
            ),
            ("or none", bound().sign(), None, 401),
            (
                "a certificate without a token",
                "no-token".to_owned(),
                Some("client.pem"),
                401,
            ),
            (
                "a bound token without the scope",
                bound().without("scp").sign(),
                Some("client.pem"),
                403,
            ),
            ("an unbound token", token().sign(), None, 200),
        ];
        let server = self.file("server.pem");
        let tries = tries.map(|(what, jwt, certificate, expect)| {
            let certificate =
                certificate.map(|name| format!("--cert {} ", self.file(name).display()));
            format!(
                "# {what}\n# expect {expect}\n\
                 curl -i --cacert {} {}-H 'Authorization: Bearer {jwt}' https://{api}/orders\n\n",
                server.display(),
                certificate.unwrap_or_default(),
            )
        });
        format!(
            "A mock Okta issues tokens at {}, bound to a client's certificate.\n\
             Paste a line into another terminal; the number above it is the status it gets.\n\n{}",
            self.okta.issuer_url(),
            tries.concat()
        )
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// Deletes the directory with the private keys, which are used in this run only.
impl Drop for Demo {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}
