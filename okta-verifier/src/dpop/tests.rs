//! DPoP proofs, URLs, nonces and replays. The proofs are those of RFC 9449, or are signed here.

mod case;
mod checks;
mod external_url;
mod htu;
mod key;
mod mutations;
mod nonce;
mod proof;
mod replay;
mod settings;
mod signer;
mod vectors;
