//! Refusals first. The one accepting proof of the RFC is typed in; others are signed here.

mod case;
mod external_url;
mod htu;
mod judge;
mod key;
mod mutations;
mod nonce;
mod proof;
mod replay;
mod settings;
mod signer;
mod vectors;
