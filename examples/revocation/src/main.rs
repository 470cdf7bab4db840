//! Two instances of a service that share revocation rules through Redis: `cargo run -p revocation`.
//!
//! A user is suspended, the org tells one instance, and both reject the user's token. One of them is restarted, and
//! still rejects it. The example starts a mock Okta and a Redis server, and prints what it sees. If `REDIS_URL` is set,
//! it uses that server instead.

mod instance;
mod redis;
mod story;

use std::{error::Error, process::ExitCode};

use okta_verifier_redis::RedisRevocationLog;

use redis::Redis;

#[tokio::main]
async fn main() -> ExitCode {
    example_support::log("error");
    example_support::report("revocation", run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let redis = Redis::from_env_or_start().await?;
    // Each instance has a connection of its own.
    story::tell(
        || Ok(RedisRevocationLog::new(redis.config()?)?),
        |line| {
            example_support::print(&format!("{line}\n"));
        },
    )
    .await
}
