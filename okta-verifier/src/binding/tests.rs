//! Refusals first. The one accepting proof of the RFC is typed in; others are signed here.

mod case;
mod certificate;
mod external;
mod htu;
mod judge;
mod key;
mod mutations;
mod nonce;
mod peers;
mod proof;
mod replay;
mod settings;
mod signer;
mod vectors;
