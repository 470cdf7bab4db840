//! What the transmitters of security events need of a verifier: its issuers, and the HTTP clients for their
//! keys and for verification.

use std::sync::Arc;

use url::Url;

use super::active_issuer::{self, ActiveIssuer};
use crate::{
    crypto::random_u64,
    error::ConfigError,
    keys::{DEFAULT_STALE_IF_ERROR, FetchedKeys, KeyOptions, KeyStore, Location, Metadata, Source},
    net::{Clients, Fetch, IssuerClock, PlainHttp},
    revocation::{ActiveTransmitter, Revocations, Target, VerificationConnection},
    stats::IssuerCounters,
};

/// Chooses the issuers that the events of each transmitter concern, and gives each transmitter a key store of its own.
/// Performs no I/O.
///
/// # Errors
///
/// Returns an error if the events of a transmitter concern none of the issuers, or if an HTTP client cannot be built.
pub(super) fn connect(
    revocations: &Revocations,
    issuers: &[Arc<ActiveIssuer>],
    has_resolver: bool,
    clients: &mut Clients,
) -> Result<(), ConfigError> {
    for transmitter in revocations.active_transmitters() {
        transmitter.choose_targets(&targets(issuers), has_resolver)?;
        if transmitter.needs_keys() {
            transmitter.set_keys(keys(transmitter, issuers, clients)?);
        }
        if let Some(verification) = transmitter.verification()
            && !verification.is_connected()
        {
            verification.connect(verification_connection(transmitter, clients)?);
        }
    }
    Ok(())
}

/// Adds issuers that the events concern after the issuers were replaced. Those that were removed stay, because they may
/// be added again.
pub(super) fn reconnect(revocations: &Revocations, issuers: &[Arc<ActiveIssuer>]) {
    for transmitter in revocations.active_transmitters() {
        // If the events concern none of the new issuers, the transmitter keeps its former ones.
        let _ = transmitter.choose_targets(&targets(issuers), false);
    }
}

fn targets(issuers: &[Arc<ActiveIssuer>]) -> Vec<Target> {
    let mut targets: Vec<Target> = Vec::new();
    for issuer in issuers {
        let names = issuer.names().map(Box::from);
        match targets.iter_mut().find(|it| *it.url == *issuer.url()) {
            // Entries of one issuer may have different aliases.
            Some(known) => known.names.extend(names),
            None => targets.push(Target {
                url: issuer.url().into(),
                names: names.collect(),
                is_known: true,
            }),
        }
    }
    targets
}

/// Returns the key store of a transmitter. Its budget for unknown keys is its own, so that forged events never delay a
/// token whose key is unknown.
fn keys(
    transmitter: &ActiveTransmitter,
    issuers: &[Arc<ActiveIssuer>],
    clients: &mut Clients,
) -> Result<KeyStore, ConfigError> {
    if let Some(pinned) = transmitter.pinned() {
        return Ok(pinned);
    }
    let counters = Arc::new(IssuerCounters::new(transmitter.issuer()));
    let clock = Arc::new(IssuerClock::new(transmitter.issuer()));
    let jwks_uri = transmitter.jwks_uri();
    let mut named = issuers.iter();
    let same = named.find(|issuer| issuer.names().any(|name| name == transmitter.issuer()));
    if let (None, Some(issuer)) = (&jwks_uri, same) {
        let resolved = issuer.settings.clone().resolve()?;
        return active_issuer::keys(&resolved, clients, &clock, &counters);
    }
    let metadata = metadata(transmitter)?;
    let fetch = fetch(jwks_uri.as_deref(), &metadata, &clock, clients)?;
    let source = Source::new(
        fetch,
        jwks_uri.clone(),
        metadata,
        KeyOptions::default(),
        clients.deadline(),
    );
    let keys = FetchedKeys::new(source, random_u64(), DEFAULT_STALE_IF_ERROR, counters);
    Ok(KeyStore::Fetched(Arc::new(keys)))
}

/// Returns how requests for verification events reach the transmitter.
fn verification_connection(
    transmitter: &ActiveTransmitter,
    clients: &mut Clients,
) -> Result<VerificationConnection, ConfigError> {
    let clock = Arc::new(IssuerClock::new(transmitter.issuer()));
    let endpoint = transmitter.verification_endpoint();
    let metadata = metadata(transmitter)?;
    Ok(VerificationConnection {
        fetch: fetch(endpoint.as_deref(), &metadata, &clock, clients)?,
        endpoint: Location::verification_endpoint(endpoint, metadata),
        deadline: clients.deadline(),
    })
}

/// Returns the metadata of a transmitter. It may name URLs of the transmitter's own origin only.
fn metadata(transmitter: &ActiveTransmitter) -> Result<Metadata, ConfigError> {
    let url = Url::parse(transmitter.issuer()).map_err(|_| transmitter.wrong_issuer())?;
    Ok(Metadata {
        issuer: transmitter.issuer().into(),
        document: None,
        origins: Vec::new(),
        plain_http: PlainHttp::new(true, Vec::new()).for_requests(&url),
        url,
    })
}

/// Returns what sends the requests to the configured URL or, without it, to what the metadata names.
fn fetch(
    configured: Option<&str>,
    metadata: &Metadata,
    clock: &Arc<IssuerClock>,
    clients: &mut Clients,
) -> Result<Fetch, ConfigError> {
    let scheme = configured.map_or(metadata.url.scheme(), |url| {
        url.split(':').next().unwrap_or_default()
    });
    clients.fetch([scheme], clock)
}
