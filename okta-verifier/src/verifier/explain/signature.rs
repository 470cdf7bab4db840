//! The key and the signature of a token.

use std::sync::Arc;

use super::{Entry, Explained, Parts, report::Report};
use crate::{
    error::VerifyError,
    introspection::IntrospectionReason,
    keys::{Key, KeyLookup},
    token::{claims::Claims, jws::Header},
    verifier::{ActiveIssuer, decision::is_signed_with},
};

impl Explained<'_> {
    pub(super) fn check_signature(
        &self,
        parts: &Parts<'_>,
        claims: &Claims<'_>,
        entry: &Entry,
        report: &mut Report,
    ) {
        let Some(header) = &parts.header else {
            return;
        };
        let issuer = &entry.issuer;
        // If an earlier check failed, `verify` did not look up the key, so the keys may be too old to be used.
        let may_be_stale = !report.has_failed();
        let mut tried: Option<Arc<Key>> = None;
        let iss = issuer
            .origin
            .expected
            .has_keys_of_tenants()
            .then_some(&*claims.iss);
        // A token without `kid` may be signed with the successor of the only key.
        let (found, is_signed) = loop {
            let lookup = KeyLookup {
                kid: header.kid.as_deref(),
                algorithm: header.algorithm,
                arrived: self.before,
                acceptable: &|| false,
                tried: tried.as_ref(),
            };
            let found = issuer.keys.look_at(lookup, may_be_stale, self.after);
            let (Some(Ok(key)), Some(signature)) = (&found, &parts.signature) else {
                break (found, false);
            };
            let is_signed = is_signed_with(key, iss, parts.signed, signature);
            if is_signed || header.kid.is_some() || tried.is_some() {
                break (found, is_signed);
            }
            tried = Some(key.clone());
        };
        let found = match (found, self.verdict) {
            // `verify` waited for the keys, and knows more than the current key set shows.
            (None | Some(Err(_)), Err(error)) if may_be_stale && is_about_key(error) => {
                Some(Err(error.clone()))
            }
            (found, _) => found,
        };
        match found {
            Some(Ok(key)) => self.record_signature(&key, is_signed, parts, report),
            Some(Err(VerifyError::BadSignature)) => {
                report.pass("key", "the only key of the issuer");
                self.record_bad_signature(report);
            }
            Some(Err(VerifyError::UnknownKeyId))
                if may_be_stale
                    && (issuer.introspector_for(IntrospectionReason::UnknownKey)).is_some()
                    && !matches!(self.verdict, Err(VerifyError::UnknownKeyId)) =>
            {
                report.skip(
                    "key",
                    "the issuer publishes no such key, so its introspection response decides",
                );
            }
            Some(Err(error)) => self.record_missing_key(&error, header, issuer, report),
            None => report.skip("key", "the keys were not needed, so they were not fetched"),
        }
    }

    fn record_signature(&self, key: &Key, is_signed: bool, parts: &Parts<'_>, report: &mut Report) {
        let kid = key
            .kid
            .as_deref()
            .map_or("none".to_owned(), |kid| self.shown.text(kid));
        let key = format!("kid {kid}, {}", key.algorithm);
        report.pass("key", key.clone());
        match (is_signed, &parts.signature) {
            (true, _) => report.pass_signature(key),
            (false, Some(_)) => self.record_bad_signature(report),
            (false, None) => {}
        }
    }

    fn record_bad_signature(&self, report: &mut Report) {
        report.fail(
            "signature",
            &VerifyError::BadSignature,
            "a signature of this key over header and payload",
            "another signature",
        );
        report.hint(Some(
            "the token was cut or edited on its way, or it is a forgery; compare what was issued with what arrived"
                .to_owned(),
        ));
    }

    fn record_missing_key(
        &self,
        error: &VerifyError,
        header: &Header,
        issuer: &ActiveIssuer,
        report: &mut Report,
    ) {
        if let VerifyError::Unavailable { source, .. } = error {
            report.fail(
                "key",
                error,
                "the keys of the issuer",
                self.unavailable(source),
            );
            let hint = match self.is_offline {
                true => "the keys were not fetched before; explain the token without --offline",
                false => "the keys cannot be fetched from here; run okta-verifier doctor",
            };
            report.hint(Some(hint.to_owned()));
            return;
        }
        let kid = self.kid(header);
        let health = issuer.keys.health(issuer.url(), self.after);
        let published = self.shown.list(&health.key_ids);
        report.fail(
            "key",
            error,
            format!("a published key of this algorithm: kid {published}"),
            format!("kid {kid}, {}", header.algorithm),
        );
        let hint = match error {
            VerifyError::UnknownKeyId => {
                "the key was withdrawn, or another server uses this iss; request a new token"
            }
            _ => return,
        };
        report.hint(Some(hint.to_owned()));
    }
}

/// Returns whether the error says that the key of a token is not known.
fn is_about_key(error: &VerifyError) -> bool {
    matches!(
        error,
        VerifyError::UnknownKeyId | VerifyError::Unavailable { .. }
    )
}
