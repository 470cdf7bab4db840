//! Checks that the sender of a request may use its token. A token that is bound to a key must come with a
//! DPoP proof (RFC 9449), and a token that is bound to a certificate must come with that certificate (RFC
//! 8705).

use std::{error::Error, sync::Arc, time::Duration};

use tokio::runtime::Handle;

use super::decision::Sender;
use crate::{
    dpop::{self, AcceptedProof, Dpop, Expected, Holder, Place, Replay, UseResult},
    error::{ProofError, UnavailableReason, VerifyError, cause},
    http::{Lines, Scheme, Shown},
    mtls,
    net::Peers,
    stats::ReplayFailures,
    sync::{clock::Now, outage_log::OutageLog},
    verified_token::VerifiedToken,
};

/// The settings for bound tokens.
#[derive(Debug)]
pub(crate) struct SenderConstraint {
    /// If `None`, tokens that are bound to a key are rejected.
    pub(super) dpop: Option<Dpop>,
    /// Whether the certificate of the TLS session is accepted as the client's, unless the peer is one of
    /// `proxies`.
    client_certificates: bool,
    /// The trusted proxies. The certificate of a TLS session with a proxy is the proxy's, and never the
    /// client's.
    proxies: Option<Peers>,
    /// The header in which the trusted proxies send the certificate of the client.
    pub(super) client_cert_header: Option<Box<str>>,
    /// Decides which rejections are logged because the replay store is full or a caller has used up its
    /// share.
    full: OutageLog,
    /// Decides which failures of the replay store are logged. It is separate from `full`, so that a caller
    /// who has used up its share cannot hide a failure.
    failed: OutageLog,
    pub(super) replay_failures: ReplayFailures,
}

impl SenderConstraint {
    pub(crate) fn new(
        dpop: Option<Dpop>,
        client_certificates: bool,
        proxies: Option<Peers>,
        client_cert_header: Option<Box<str>>,
    ) -> Self {
        Self {
            dpop,
            client_certificates,
            proxies,
            client_cert_header,
            full: OutageLog::default(),
            failed: OutageLog::default(),
            replay_failures: ReplayFailures::default(),
        }
    }

    pub(crate) fn offers_dpop(&self) -> bool {
        self.dpop.is_some()
    }

    /// Returns whether a setting accepts tokens that are bound to a key or to a certificate.
    pub(crate) fn accepts_bound_tokens(&self) -> bool {
        self.offers_dpop() || self.accepts_certificates()
    }

    pub(super) fn accepts_certificates(&self) -> bool {
        self.client_certificates || self.client_cert_header.is_some()
    }

    /// Checks the scheme, the certificate and the proof. Returns the proof, which the caller must record,
    /// or `None` if the token needs no proof.
    pub(super) fn check(
        &self,
        token: &VerifiedToken,
        jwt: &[u8],
        sender: Sender<'_>,
        now: Now,
    ) -> Result<Option<AcceptedProof>, VerifyError> {
        let bound = token.bound();
        let holder = bound.and_then(|bound| {
            Some(Holder {
                jkt: bound.to.jkt.as_ref()?,
                token_hash: &bound.token_hash,
            })
        });
        let required = match (sender.scheme, holder, &self.dpop) {
            (_, Some(_), None) => return Err(VerifyError::BindingUnchecked),
            (Scheme::Bearer, Some(_), Some(_)) => return Err(VerifyError::BoundTokenAsBearer),
            (Scheme::Dpop, None, _) => return Err(VerifyError::NotBound),
            // RFC 9449 §7.1: a token that is bound to a certificate only is not bound to a key.
            (Scheme::Bearer, None, _) if token.requires_dpop() => {
                return Err(VerifyError::BindingRequired);
            }
            (Scheme::Bearer, None, _) => None,
            (Scheme::Dpop, Some(holder), Some(dpop)) => Some((dpop, holder)),
        };
        if let Some(expected) = bound.and_then(|bound| bound.to.x5t_s256) {
            if !self.accepts_certificates() {
                return Err(VerifyError::BindingUnchecked);
            }
            match self.certificate(sender.shown) {
                None => return Err(VerifyError::NoCertificate),
                // The hashes are of public values, so comparing them need not take constant time.
                Some(found) if found == expected => {}
                Some(_) => return Err(VerifyError::BindingMismatch),
            }
        }
        required
            .map(|(dpop, holder)| dpop.check_proof(holder, jwt, sender.shown, now))
            .transpose()
    }

    /// Returns the hash of the client's certificate, or `None` if the request has no certificate that can
    /// be accepted. The TLS session of a trusted proxy has the certificate of the proxy. If it were
    /// accepted, it would be accepted for every client (RFC 9440 §4). With trusted proxies, no certificate
    /// is therefore accepted unless the adapter has given the address of the peer.
    fn certificate(&self, shown: &Shown<'_>) -> Option<[u8; 32]> {
        if let Some(proxies) = &self.proxies {
            let peer = shown.peer?;
            if proxies.contain(Some(peer)) {
                // Without `client_cert_header`, the proxies are trusted for the host only, and not for
                // certificates.
                self.client_cert_header.as_ref()?;
                let der = mtls::decode(shown.client_cert.one()?)?;
                return mtls::thumbprint(&der);
            }
        }
        let session = shown.certificate.filter(|_| self.client_certificates);
        mtls::thumbprint(session?)
    }

    /// Records the proof in the replay store of this process (RFC 9449 §11.1). Returns `None` if the store
    /// is remote. [`use_proof_remotely`](Self::use_proof_remotely) must then be called.
    pub(super) fn use_proof_here(
        &self,
        proof: &AcceptedProof,
        token: &VerifiedToken,
        now: Now,
    ) -> Option<Result<(), VerifyError>> {
        let Replay::Memory(memory) = &self.dpop.as_ref()?.replay else {
            return None;
        };
        let result = memory.first_use(proof, token.identity(), now.unix);
        Some(self.accept_use(result, now))
    }

    /// Records the proof in the remote replay store.
    pub(super) async fn use_proof_remotely(
        &self,
        proof: &AcceptedProof,
        token: &VerifiedToken,
    ) -> Result<(), VerifyError> {
        let Some(Replay::Remote(remote)) = self.dpop.as_ref().map(|dpop| &dpop.replay) else {
            return Err(VerifyError::BindingUnchecked);
        };
        if Handle::try_current().is_err() {
            return Err(unavailable(UnavailableReason::NoRuntime)); // The timeout needs the runtime's timer.
        }
        let result = remote
            .first_use(proof, token.identity(), Now::read().unix)
            .await;
        let now = Now::read();
        match result {
            Ok(result) => {
                // `Full` does not show a recovery: the caller has used up its share, so the proof was not
                // sent to the store.
                if result != UseResult::Full && self.failed.succeeded(now.instant) {
                    tracing::info!("DPoP replay store recovered");
                }
                self.accept_use(result, now)
            }
            Err(source) => Err(self.replay_store_failed(source, now)),
        }
    }

    fn accept_use(&self, result: UseResult, now: Now) -> Result<(), VerifyError> {
        match result {
            UseResult::First => {
                if self.full.succeeded(now.instant) {
                    tracing::info!("DPoP replay store has capacity again");
                }
                Ok(())
            }
            UseResult::Replayed => Err(ProofError::Replayed.into()),
            UseResult::Full => {
                self.replay_failures.is_full();
                if self.full.failed(now.instant) {
                    let error = UnavailableReason::ReplayStoreFull;
                    let cause = cause(&error);
                    tracing::warn!(%error, cause, "DPoP replay store is full (global or per-caller limit)");
                }
                Err(unavailable(UnavailableReason::ReplayStoreFull))
            }
        }
    }

    fn replay_store_failed(&self, source: Box<dyn Error + Send + Sync>, now: Now) -> VerifyError {
        self.replay_failures.fail();
        if self.failed.failed(now.instant) {
            let cause = cause(&*source);
            tracing::warn!(error = %source, cause, "DPoP replay store failed");
        }
        unavailable(UnavailableReason::ReplayStore {
            source: Arc::from(source),
        })
    }
}

impl Dpop {
    fn check_proof(
        &self,
        holder: Holder<'_>,
        token: &[u8],
        shown: &Shown<'_>,
        now: Now,
    ) -> Result<AcceptedProof, VerifyError> {
        // RFC 9449 §4.3, item 1: there must be exactly one proof. A comma separates several proofs in one
        // line (RFC 9110 §5.3).
        let proof = match shown.proof {
            Lines::Absent => return Err(ProofError::Missing.into()),
            Lines::One(proof) if !proof.contains(&b',') => proof,
            Lines::One(_) | Lines::Repeated => return Err(ProofError::Repeated.into()),
        };
        let expected = Expected {
            method: shown.method,
            place: Place {
                target: shown.target,
                peer: shown.peer,
                forwarded: shown.forwarded.one(),
            },
            external: &self.external,
            token,
            holder,
            window: self.window,
            nonces: self.nonces.as_ref(),
            keys: &self.keys,
        };
        dpop::verify_proof(proof, &expected, now.unix)
    }
}

fn unavailable(source: UnavailableReason) -> VerifyError {
    VerifyError::unavailable(RETRY_AFTER_STORE, source)
}

/// The time after which a client may retry if its proof could not be recorded. The replay store of this
/// process removes old proofs every second, so it may soon have room again.
const RETRY_AFTER_STORE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dpop::DpopSettings;

    #[test]
    fn bound_tokens_are_accepted_by_each_setting_for_them() {
        let base_url = DpopSettings::base_url("https://api.example.com");
        let dpop = Some(base_url.resolve(None).unwrap());
        let proxies = || Some(Peers::new(&["10.0.0.0/8".to_owned()]).unwrap());
        let header = Some("client-cert".into());
        for (constraint, accepts) in [
            (SenderConstraint::new(None, false, None, None), false),
            (SenderConstraint::new(None, false, proxies(), None), false),
            (SenderConstraint::new(dpop, false, None, None), true),
            (SenderConstraint::new(None, true, None, None), true),
            (SenderConstraint::new(None, false, proxies(), header), true),
        ] {
            assert_eq!(constraint.accepts_bound_tokens(), accepts, "{constraint:?}");
        }
    }
}
