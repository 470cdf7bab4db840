//! That who sends a token is who it was issued to: asked after the verdict over the token, of a
//! remembered one as of any.

use super::Verifier;
use crate::{
    dpop::{self, Dpop, Expected, Holder, Place, Replay, Trouble, Used},
    error::{ProofError, VerifyError},
    http::{HeaderName, HeaderValue, Lines, Scheme, Shown, nonce_headers, nonce_value},
    mtls,
    net::Peers,
    sync::clock::Now,
    verified_token::VerifiedToken,
};

/// How bindings are checked.
#[derive(Debug)]
pub(crate) struct Binding {
    /// `None`: a token that is bound to a key is rejected.
    dpop: Option<Dpop>,
    /// Whether the certificate of a TLS session counts as the caller's.
    client_certificates: bool,
    /// The proxies whose header says which certificate a caller has.
    client_cert_from: Option<Peers>,
    /// Whether the log knows that the store of used proofs is full, for all callers or for one.
    pub(super) full: Trouble,
    /// Whether the log knows that the store of used proofs has failed. Apart, so that a caller over
    /// its share cannot hide it.
    pub(super) failed: Trouble,
}

/// A request with a token in it.
#[derive(Clone, Copy)]
pub(super) struct Sent<'a> {
    pub(super) token: &'a [u8],
    pub(super) scheme: Scheme,
    pub(super) shown: &'a Shown<'a>,
}

impl Verifier {
    /// What every answer carries beside its own headers: a nonce for the caller's next proof
    /// where nonces are demanded ([`DpopNonces`](crate::DpopNonces)), and then
    /// `Cache-Control: no-store`. Nothing otherwise. The adapters add it by themselves; it replaces
    /// headers of the same name.
    ///
    /// ```
    /// # use okta_verifier::{DpopNonces, DpopSettings, Issuer, Verifier};
    /// # let issuer = || Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
    /// let dpop = DpopSettings::base_url("https://api.example.com").nonces(DpopNonces::random());
    /// let verifier = Verifier::builder().issuer(issuer()).dpop(dpop).build()?;
    /// let mut answer = http::Response::new("orders");
    /// for (name, value) in verifier.response_headers() {
    ///     answer.headers_mut().insert(name, value);
    /// }
    /// assert!(answer.headers().contains_key("dpop-nonce"));
    /// assert_eq!(answer.headers()["cache-control"], "no-store"); // a nonce is for one caller
    ///
    /// let usual = Verifier::builder().issuer(issuer()).build()?;
    /// assert_eq!(usual.response_headers().count(), 0);
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn response_headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        nonce_headers(self.nonce())
    }

    /// Which header holds proofs; `None`: none is looked at.
    #[must_use]
    pub fn dpop_header(&self) -> Option<&str> {
        self.0.binding.dpop.as_ref().map(|_| "dpop")
    }

    /// In which header the trusted proxy says the external host
    /// ([`DpopSettings::trusted_proxy`](crate::DpopSettings::trusted_proxy)).
    #[must_use]
    pub fn forwarded_header(&self) -> Option<&str> {
        self.0.binding.dpop.as_ref()?.external.header()
    }

    /// In which header named peers say the caller's certificate
    /// ([`VerifierBuilder::client_cert_header_from`](crate::VerifierBuilder::client_cert_header_from)).
    ///
    /// ```
    /// # use okta_verifier::{DpopSettings, Issuer, Verifier};
    /// # let issuer = || Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
    /// /// Which headers an adapter hands on, beside `Authorization`.
    /// fn wanted(verifier: &Verifier) -> Vec<&str> {
    ///     let names = [verifier.dpop_header(), verifier.forwarded_header(), verifier.client_cert_header()];
    ///     names.into_iter().flatten().collect()
    /// }
    ///
    /// let behind = DpopSettings::trusted_proxy(["10.0.0.0/8"], "Forwarded").hosts(["api.example.com"]);
    /// let all = Verifier::builder().issuer(issuer()).dpop(behind).client_cert_header_from(["10.0.0.0/8"]);
    /// assert_eq!(wanted(&all.build()?), ["dpop", "forwarded", "client-cert"]);
    /// assert!(wanted(&Verifier::builder().issuer(issuer()).build()?).is_empty());
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn client_cert_header(&self) -> Option<&str> {
        let peers = self.0.binding.client_cert_from.as_ref();
        peers.map(|_| "client-cert")
    }

    pub(super) fn nonce_value(&self) -> Option<HeaderValue> {
        nonce_value(self.nonce())
    }

    fn nonce(&self) -> Option<String> {
        let nonces = self.0.binding.dpop.as_ref()?.nonces.as_ref()?;
        Some(nonces.current(Now::read().unix))
    }

    /// `None`: a store elsewhere must be asked, and nothing was changed.
    pub(super) fn bind_now(
        &self,
        token: VerifiedToken,
        sent: Sent<'_>,
        now: Now,
    ) -> Result<Option<VerifiedToken>, VerifyError> {
        let Some((dpop, holder)) = self.check_holder(&token, sent)? else {
            return Ok(Some(token));
        };
        let Replay::Memory(memory) = &dpop.replay else {
            return Ok(None);
        };
        let used = dpop.judge(holder, sent, now)?;
        self.0.binding.memory(memory, &used, &token, now)?;
        Ok(Some(token))
    }

    pub(super) async fn bind(
        &self,
        token: VerifiedToken,
        sent: Sent<'_>,
    ) -> Result<VerifiedToken, VerifyError> {
        let Some((dpop, holder)) = self.check_holder(&token, sent)? else {
            return Ok(token);
        };
        let now = Now::read();
        let used = dpop.judge(holder, sent, now)?;
        let binding = &self.0.binding;
        match &dpop.replay {
            Replay::Memory(memory) => binding.memory(memory, &used, &token, now)?,
            Replay::Remote(remote) => binding.remote(remote, &used, &token, now).await?,
        }
        Ok(token)
    }

    /// Scheme and certificate; and the key whose proof is still to be judged.
    fn check_holder<'t>(
        &self,
        token: &'t VerifiedToken,
        sent: Sent<'_>,
    ) -> Result<Option<(&Dpop, Holder<'t>)>, VerifyError> {
        let binding = &self.0.binding;
        let bound = token.bound();
        let holder = bound.and_then(|bound| {
            let jkt = bound.to.jkt.as_ref()?;
            let token_hash = &bound.token_hash;
            Some(Holder { jkt, token_hash })
        });
        let to_prove = match (sent.scheme, holder, &binding.dpop) {
            (_, Some(_), None) => return Err(VerifyError::BindingUnchecked),
            (Scheme::Bearer, Some(_), Some(_)) => return Err(VerifyError::BoundTokenAsBearer),
            (Scheme::Dpop, None, _) => return Err(VerifyError::NotBound),
            (Scheme::Bearer, None, _) => None,
            (Scheme::Dpop, Some(holder), Some(dpop)) => Some((dpop, holder)),
        };
        if let Some(expected) = bound.and_then(|bound| bound.to.x5t_s256) {
            if !binding.accepts_certificates() {
                return Err(VerifyError::BindingUnchecked);
            }
            match binding.certificate(sent.shown) {
                None => return Err(VerifyError::NoCertificate),
                // Hashes of public values: this need not take constant time.
                Some(found) if found == expected => {}
                Some(_) => return Err(VerifyError::BindingMismatch),
            }
        }
        Ok(to_prove)
    }
}

impl Binding {
    pub(crate) fn new(
        dpop: Option<Dpop>,
        client_certificates: bool,
        client_cert_from: Option<Peers>,
    ) -> Self {
        Self {
            dpop,
            client_certificates,
            client_cert_from,
            full: Trouble::default(),
            failed: Trouble::default(),
        }
    }

    pub(crate) fn offers_dpop(&self) -> bool {
        self.dpop.is_some()
    }

    /// Whether a setting accepts tokens that are bound to a key or to a certificate.
    pub(crate) fn accepts_bound_tokens(&self) -> bool {
        self.offers_dpop() || self.accepts_certificates()
    }

    fn accepts_certificates(&self) -> bool {
        self.client_certificates || self.client_cert_from.is_some()
    }

    /// The hash of the caller's certificate. Where a named peer ends TLS for its callers, the
    /// session's certificate is the peer's own and would count for every one of them (RFC 9440 §4):
    /// no certificate counts until the adapter has given the address of the peer.
    fn certificate(&self, shown: &Shown<'_>) -> Option<[u8; 32]> {
        if let Some(terminators) = &self.client_cert_from {
            let peer = shown.peer?;
            if terminators.contain(Some(peer)) {
                let der = mtls::decode(shown.client_cert.one()?)?;
                return mtls::thumbprint(&der);
            }
        }
        let session = shown.certificate.filter(|_| self.client_certificates);
        mtls::thumbprint(session?)
    }
}

impl Dpop {
    fn judge(&self, holder: Holder<'_>, sent: Sent<'_>, now: Now) -> Result<Used, VerifyError> {
        let Shown {
            proof,
            method,
            target,
            peer,
            forwarded,
            ..
        } = *sent.shown;
        // RFC 9449 §4.3, item 1. A list is several in one line (RFC 9110 §5.3).
        let proof = match proof {
            Lines::Absent => return Err(ProofError::Missing.into()),
            Lines::One(proof) if !proof.contains(&b',') => proof,
            Lines::One(_) | Lines::Repeated => return Err(ProofError::Repeated.into()),
        };
        let expected = Expected {
            method,
            place: Place {
                target,
                peer,
                forwarded: forwarded.one(),
            },
            external: &self.external,
            token: sent.token,
            holder,
            window: self.window,
            nonces: self.nonces.as_ref(),
            keys: &self.keys,
        };
        dpop::judge(proof, &expected, now.unix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dpop::DpopSettings;

    #[test]
    fn bound_tokens_are_accepted_by_each_setting_for_them() {
        let dpop = || DpopSettings::base_url("https://api.example.com").resolve();
        let peers = || Peers::new(&["10.0.0.0/8".to_owned()]);
        for (binding, accepts) in [
            (Binding::new(None, false, None), false),
            (Binding::new(Some(dpop().unwrap()), false, None), true),
            (Binding::new(None, true, None), true),
            (Binding::new(None, false, Some(peers().unwrap())), true),
        ] {
            assert_eq!(binding.accepts_bound_tokens(), accepts, "{binding:?}");
        }
    }
}
