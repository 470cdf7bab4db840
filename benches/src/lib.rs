//! Shared code of the benchmarks: tokens, bare cryptography, a plain cache, apps, and rounds.

pub mod actix_app;
pub mod apps;
pub mod crowds;
pub mod plain_cache;
pub mod proofs;
pub mod raw;
pub mod rounds;
pub mod table;
pub mod tokens;
pub mod verifiers;
