//! The shop on axum: `cargo run -p shop`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    shop::run::run("shop", shop::axum::serve).await
}
