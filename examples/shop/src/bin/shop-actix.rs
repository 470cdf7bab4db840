//! The shop on actix-web: `cargo run -p shop --bin shop-actix`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    shop::run::run("shop-actix", shop::actix::serve).await
}
