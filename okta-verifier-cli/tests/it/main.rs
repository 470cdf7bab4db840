//! The command as a process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod explain;
mod mock;

use secret_scan as _;
