#![doc = include_str!("../../README.md")]
//!
//! (This package compiles and runs the code blocks above, and is not published.)
