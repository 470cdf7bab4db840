//! What the end-to-end tests share with those of `tests/live`.

pub mod mcp;
