use std::{fmt, time::Duration};

use reqwest::{Client, ClientBuilder};

use super::{Fetch, fetch::USER_AGENT};
use crate::error::ConfigError;

/// The ways to the issuers. Each is built when the first issuer needs it: pinned keys need no CA
/// certificates.
pub(crate) struct Clients {
    https: Option<Fetch>,
    loopback: Option<Fetch>,
    builder: Option<ClientBuilder>,
    /// The caller's builder is spent, and there is no second one: without its proxy, roots and
    /// identity no request may leave.
    failed: Option<ConfigError>,
    deadline: Duration,
}

impl Clients {
    /// `builder` is the caller's proxy, roots and identity.
    pub(crate) fn new(builder: Option<ClientBuilder>, deadline: Duration) -> Self {
        Self {
            https: None,
            loopback: None,
            builder,
            failed: None,
            deadline,
        }
    }

    /// For one fetch.
    pub(crate) fn deadline(&self) -> Duration {
        self.deadline
    }

    pub(crate) fn https(&mut self) -> Result<Fetch, ConfigError> {
        if let Some(fetch) = &self.https {
            return Ok(fetch.clone());
        }
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        // reqwest does not tell whether a builder has a User-Agent, and setting one would replace the
        // caller's: a builder of the caller's stays as it is.
        let builder = self
            .builder
            .take()
            .unwrap_or_else(|| Client::builder().user_agent(USER_AGENT));
        let fetch = Fetch::https(builder, self.deadline)
            .inspect_err(|error| self.failed = Some(error.clone()))?;
        Ok(self.https.insert(fetch).clone())
    }

    pub(crate) fn loopback(&mut self) -> Result<Fetch, ConfigError> {
        if let Some(fetch) = &self.loopback {
            return Ok(fetch.clone());
        }
        Ok(self
            .loopback
            .insert(Fetch::loopback(self.deadline)?)
            .clone())
    }
}

/// Shows nothing: a proxy's password may be in it.
impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").finish_non_exhaustive()
    }
}
