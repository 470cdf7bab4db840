//! What happens when a user is suspended.

use std::{
    error::Error,
    net::SocketAddr,
    time::{Duration, Instant},
};

use okta_verifier::revocation::{EventHook, RevocationLog};
use okta_verifier_testing::MockOkta;
use reqwest::{Client, StatusCode};
use tokio::time::sleep;

use crate::instance::Instance;

/// Suspends a user, and checks what two instances do. `connect` returns a new connection to the log, and `say` gets
/// each line of the report.
///
/// # Errors
///
/// Returns an error if an instance accepts the token a second after the user was suspended, or after a restart.
pub(crate) async fn tell<L: RevocationLog>(
    connect: impl Fn() -> Result<L, Box<dyn Error>>,
    say: impl Fn(&str),
) -> Result<(), Box<dyn Error>> {
    let okta = MockOkta::start().await;
    let issuer = || okta.issuer("api://default").any_client_id();
    let hook = || EventHook::okta(okta.org_url(), SECRET);
    let start = async || Instance::start(issuer(), hook(), connect()?).await;
    let first = start().await?;
    let second = start().await?;
    let (ada, bob) = (okta.token("ada").sign(), okta.token("bob").sign());

    say("Two instances share their rules through one log, and ada and bob call both.");
    for instance in [&first, &second] {
        expect(instance.address, &ada, StatusCode::OK).await?;
        expect(instance.address, &bob, StatusCode::OK).await?;
    }

    say("ada is suspended. An event hook of the org tells the first instance.");
    let suspended = okta.hook("user.lifecycle.suspend", "ada").body();
    let sent = okta.send_hook(first.address, "/events/hook", SECRET, &suspended);
    let status = sent.await?;
    let told = Instant::now();
    if status != 204 {
        return Err(format!("the first instance answered the event with {status}").into());
    }
    expect(first.address, &ada, StatusCode::UNAUTHORIZED).await?;
    say("The first instance rejects ada's token.");
    while call(second.address, &ada).await? != StatusCode::UNAUTHORIZED {
        if told.elapsed() > Duration::from_secs(1) {
            return Err("the second instance accepts ada's token after a second".into());
        }
        sleep(Duration::from_millis(5)).await;
    }
    let passed = told.elapsed().as_millis();
    say(&format!(
        "The second instance rejects it {passed} ms later."
    ));

    drop(second);
    let second = start().await?;
    expect(second.address, &ada, StatusCode::UNAUTHORIZED).await?;
    say("The second instance was restarted, and still rejects ada's token.");
    for instance in [&first, &second] {
        expect(instance.address, &bob, StatusCode::OK).await?;
    }
    say("Both accept bob's token.");
    Ok(())
}

async fn expect(
    instance: SocketAddr,
    jwt: &str,
    expected: StatusCode,
) -> Result<(), Box<dyn Error>> {
    let status = call(instance, jwt).await?;
    match status == expected {
        true => Ok(()),
        false => Err(format!("{instance} answered {status} instead of {expected}").into()),
    }
}

async fn call(instance: SocketAddr, jwt: &str) -> Result<StatusCode, reqwest::Error> {
    // A client that keeps no connection, so that an instance can stop.
    let client = Client::builder().pool_max_idle_per_host(0).build()?;
    let request = client.get(format!("http://{instance}/orders"));
    Ok(request.bearer_auth(jwt).send().await?.status())
}

const SECRET: &str = "32 random bytes or more, as text";

#[cfg(test)]
mod tests {
    use okta_verifier_testing::MemoryRevocationLog;
    use secret_scan as _;

    use super::*;

    #[tokio::test]
    async fn story_ends_with_a_log_in_memory() {
        let log = MemoryRevocationLog::new();
        let told = tell(|| Ok(log.clone()), |_| {}).await;
        assert!(told.is_ok(), "{told:?}");
    }

    #[tokio::test]
    async fn story_fails_if_the_instances_do_not_share_a_log() {
        let told = tell(|| Ok(MemoryRevocationLog::new()), |_| {}).await;
        assert!(told.is_err());
    }
}
