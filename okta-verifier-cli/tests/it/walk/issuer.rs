//! The issuer of the walk, in threads of its own, so that it responds while a test waits for the command.

use std::ops::Deref;

use okta_verifier_testing::{CLIENT_ID, MockOkta, TokenBuilder};
use tokio::runtime::{Builder, Runtime};

/// A subject that must appear nowhere.
pub(super) const SUBJECT: &str = "ada.lovelace@customer.example";

pub(super) struct Issuer {
    okta: MockOkta,
    _runtime: Runtime,
}

impl Issuer {
    pub(super) fn start() -> Self {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        let okta = runtime.block_on(MockOkta::start());
        secret_scan::public(okta.issuer_url());
        Self {
            okta,
            _runtime: runtime,
        }
    }

    pub(super) fn user_token(&self) -> TokenBuilder {
        self.okta.token(SUBJECT)
    }

    /// Returns the settings of a service, with further keys of the service and of this issuer.
    pub(super) fn settings(&self, service: &str, issuer: &str) -> String {
        settings(self.issuer_url(), service, issuer)
    }
}

impl Deref for Issuer {
    type Target = MockOkta;

    fn deref(&self) -> &MockOkta {
        &self.okta
    }
}

/// Returns the settings of a service with one issuer.
pub(super) fn settings(url: &str, service: &str, issuer: &str) -> String {
    format!(
        "{service}\n[[issuers]]\nprovider = \"okta\"\nurl = \"{url}\"\naudiences = [\"api://default\"]\nclient_ids = [\"{CLIENT_ID}\"]\n{issuer}\n"
    )
}
