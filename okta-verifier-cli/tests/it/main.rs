//! The command as a process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod doctor;
mod explain;
mod mock;
mod process;
mod walk;

use secret_scan as _;
