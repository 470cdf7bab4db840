//! DPoP-bound tokens (RFC 9449) and the proofs sent with them.

mod authentication;
mod challenge;
mod external_url;
mod proof;
mod replay;
mod required;
