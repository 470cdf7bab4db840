//! Revocations by each way there is: a security event, an event hook, an administrator, a back-channel logout.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use shop::demo::{EVENTS_AUDIENCE, EVENTS_SECRET};
use tokio::{task::JoinSet, time::timeout};

use crate::{
    instance::{HOOK_SECRET, MAX_LAG},
    outages::lock,
    world::{Answer, Call, Checked, Token, World, wait},
};

#[derive(Clone, Copy)]
enum Way {
    Event,
    Hook,
    Administrator,
    Logout,
}

/// A sender repeats what was not accepted, but not for longer than this.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long a stream may stay open after its instance has rejected the token, on a busy machine.
const STREAM_ENDS: Duration = Duration::from_secs(10);
/// Of the tokens that are sent again after both instances have rejected them.
const KEPT: usize = 500;

pub(crate) fn spawn(world: &Arc<World>, tasks: &mut JoinSet<Checked>) {
    for way in [Way::Event, Way::Hook, Way::Administrator, Way::Logout] {
        tasks.spawn(revoke_again_and_again(world.clone(), way));
    }
}

async fn revoke_again_and_again(world: Arc<World>, way: Way) -> Checked {
    let mut random = world.random("revocations", way as usize);
    let mut number = 0;
    while world.goes_on() {
        number += 1;
        let by = random.below(2);
        revoke(
            &world,
            way,
            &format!("revoked {} {number}", way as usize),
            by,
        )
        .await?;
        wait(random.millis(100..600)).await;
    }
    Ok(())
}

async fn revoke(world: &World, way: Way, user: &str, by: usize) -> Checked {
    let token = match way {
        Way::Logout => Token {
            jwt: world.demo.cashier(&["shop:read"]).claim("sid", user).sign(),
            published: None,
        },
        _ => world.sign(|demo| {
            let token = demo.customers.token(user).client_id("0oa1web");
            token
                .scope("shop:read")
                .expires_in(Duration::from_secs(3_600))
        }),
    };
    let articles = || Call::new("GET /articles").bearer(&token.jwt);
    for instance in [0, 1] {
        let answer = world
            .send("token before its revocation", instance, articles())
            .await?;
        world.check_customer(answer, 200, &token).await?;
    }
    let other = 1 - by;
    let call = Call::new("GET /orders/changes").bearer(&token.jwt);
    let mut stream = world.send("stream", other, call).await?;
    let is_open = stream.status == 200;
    if !is_open {
        let (status, times) = (stream.status, stream.times);
        let is_new = world.key_is_new(token.published, times);
        let is_allowed = match status {
            503 => is_new || world.outages.in_doubt(times),
            status => status == 401 && is_new,
        };
        return world.check(stream, is_allowed).await;
    }

    until_accepted(world, way, user, by).await?;
    let since = Instant::now();
    let answer = world
        .send("revoked token, same instance", by, articles())
        .await?;
    check_rejected(world, answer, &token, false).await?;
    let mut lag = Duration::ZERO;
    loop {
        let answer = world
            .send("revoked token, other instance", other, articles())
            .await?;
        let status = answer.status;
        // Exact, however slow the machine is: the request was sent after the time for which the rules are trusted.
        let after = answer.times.sent.duration_since(since);
        let may_be_accepted = after < MAX_LAG;
        if status == 200 {
            lag = lag.max(after);
        }
        check_rejected(world, answer, &token, may_be_accepted).await?;
        if status == 401 {
            break;
        }
        if since.elapsed() > PATIENCE {
            return Err(format!(
                "{user}: the other instance does not learn of the revocation"
            ));
        }
        wait(Duration::from_millis(50)).await;
    }
    lock(&world.lags).push(lag);
    let ended = timeout(STREAM_ENDS, async {
        while let Ok(Some(_)) = stream.response.chunk().await {}
    });
    if ended.await.is_err() {
        return Err(format!("{user}: the stream did not end with its token"));
    }
    world.ended_streams.fetch_add(1, Ordering::Relaxed);
    let mut revoked = lock(&world.revoked);
    if revoked.len() == KEPT {
        revoked.pop_front();
    }
    revoked.push_back(token.jwt);
    Ok(())
}

async fn check_rejected(
    world: &World,
    answer: Answer,
    token: &Token,
    may_be_accepted: bool,
) -> Checked {
    let is_allowed = match answer.status {
        200 => may_be_accepted,
        503 => {
            world.key_is_new(token.published, answer.times) || world.outages.in_doubt(answer.times)
        }
        status => status == 401,
    };
    world.check(answer, is_allowed).await
}

/// Sends what revokes the user's tokens until an instance accepts it, as each of the senders does.
async fn until_accepted(world: &World, way: Way, user: &str, by: usize) -> Checked {
    let begun = Instant::now();
    let (kind, expected, call) = match way {
        Way::Event => {
            let event = world.demo.customers.session_revoked(user);
            let event = event.audience(EVENTS_AUDIENCE).sign();
            let call = Call::new("POST /events/ssf").authorization(EVENTS_SECRET);
            ("security event", 202, call.body(event))
        }
        Way::Hook => {
            let body = world
                .demo
                .customers
                .hook("user.lifecycle.suspend", user)
                .body();
            let call = Call::new("POST /events/hook").authorization(HOOK_SECRET);
            ("event hook", 204, call.body(body))
        }
        Way::Administrator => {
            let admin = world.demo.admin(&["shop:admin"]).sign();
            let call = Call::new("POST /lock-outs").bearer(&admin);
            ("administrator", 204, call.body(user))
        }
        Way::Logout => {
            let logout = world.demo.clerks.logout_token("grace", "till", user);
            let body = format!("logout_token={}", logout.sign());
            (
                "back-channel logout",
                200,
                Call::new("POST /events/logout").body(body),
            )
        }
    };
    // The key that signed it is at most as new as this one.
    let published = *lock(&world.published);
    loop {
        let answer = world.send(kind, by, call.clone()).await?;
        let status = answer.status;
        let is_new = world.key_is_new(published, answer.times);
        let is_allowed = match status {
            503 => {
                is_new
                    || matches!(way, Way::Event) && world.outages.no_keys(answer.times)
                    || world.outages.no_log(answer.times)
            }
            400 => is_new && matches!(way, Way::Event),
            401 => is_new && matches!(way, Way::Administrator),
            status => status == expected,
        };
        world.check(answer, is_allowed).await?;
        if status == expected {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            return Err(format!("{kind}: it is never accepted"));
        }
        wait(Duration::from_millis(200)).await;
    }
}
