//! A private CA and the certificates of its servers.

use std::{fs, path::PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

pub(crate) struct Authority {
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// Files of a server, for its options; removed with this.
pub(crate) struct Files(PathBuf);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    /// A certificate for `name`, with its key and this CA.
    pub(crate) fn files(&self, name: &str) -> Files {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        let unique = format!(
            "redis-tls-{}-{}",
            std::process::id(),
            crate::server::free_port()
        );
        let folder = std::env::temp_dir().join(unique);
        fs::create_dir_all(&folder).expect("a folder");
        for (name, pem) in [
            ("cert.pem", certificate.pem()),
            ("key.pem", key.serialize_pem()),
            ("ca.pem", self.pem.clone()),
        ] {
            fs::write(folder.join(name), pem).expect("a file");
        }
        Files(folder)
    }
}

impl Files {
    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("UTF-8").to_owned()
    }

    /// Options of a server or a sentinel, by name and value.
    pub(crate) fn options(&self, tls_port: u16) -> Vec<String> {
        [
            ("tls-port", tls_port.to_string()),
            ("tls-cert-file", self.path("cert.pem")),
            ("tls-key-file", self.path("key.pem")),
            ("tls-ca-cert-file", self.path("ca.pem")),
            ("tls-auth-clients", "no".to_owned()),
        ]
        .into_iter()
        .flat_map(|(name, value)| [format!("--{name}"), value])
        .collect()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
