//! Strangers, who have no valid token and send what they invent or have stolen.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use okta_verifier_testing::Client;
use shop::demo::{EVENTS_AUDIENCE, EVENTS_SECRET};
use tokio::task::JoinSet;

use crate::{
    callers::{OF_EACH_KIND, pay, user},
    instance::API,
    outages::lock,
    random::Random,
    world::{Call, Checked, Flood, World, wait},
};

const STRANGERS: usize = 4;

pub(crate) fn spawn(world: &Arc<World>, tasks: &mut JoinSet<Checked>) {
    for number in 0..STRANGERS {
        tasks.spawn(stranger(world.clone(), number));
        tasks.spawn(holder_of_revoked_tokens(world.clone(), number));
    }
}

async fn stranger(world: Arc<World>, number: usize) -> Checked {
    let mut random = world.random("stranger", number);
    while world.goes_on() {
        let flood = *lock(&world.flood);
        let (kind, pause) = match flood {
            Some(Flood::KeyIds) => (0, Duration::from_millis(2)),
            Some(Flood::OpaqueTokens) => (1, Duration::from_millis(5)),
            None => (random.below(10), random.millis(30..120)),
        };
        let instance = random.below(2);
        attack(&world, kind, instance, &mut random).await?;
        wait(pause).await;
    }
    Ok(())
}

async fn attack(world: &World, kind: usize, instance: usize, random: &mut Random) -> Checked {
    let articles = || Call::new("GET /articles");
    let about = user(random.below(OF_EACH_KIND));
    let forged = || {
        let event = world.demo.customers.session_revoked(&about);
        event.audience(EVENTS_AUDIENCE)
    };
    match kind {
        0 => {
            let kid = random.number();
            let call = articles().bearer(&with_key_id(world, kid));
            let answer = world
                .send("stranger, invented key ID", instance, call)
                .await?;
            let is_allowed = match answer.status {
                503 => world.outages.no_keys(answer.times),
                status => status == 401,
            };
            world.check(answer, is_allowed).await
        }
        1 => {
            let token = format!("invented-{:016x}-{:016x}", random.number(), random.number());
            let call = articles().bearer(&token);
            let answer = world
                .send("stranger, invented opaque token", instance, call)
                .await?;
            // The limit of introspection requests exists for these tokens.
            let is_allowed = [401, 503].contains(&answer.status);
            world.check(answer, is_allowed).await
        }
        2 => {
            let foreign = world.sign(|demo| demo.customer(&["shop:read"]).foreign_key());
            let call = articles().bearer(&foreign.jwt);
            let answer = world
                .send("stranger, token of another key", instance, call)
                .await?;
            let is_new = answer.status == 503 && world.key_is_new(foreign.published, answer.times);
            let is_allowed = answer.status == 401 || is_new;
            world.check(answer, is_allowed).await
        }
        3 => {
            let token = *random.choose(&["a.b.c", "not,a,token", "e30.e30.", "a b"]);
            let answer = world
                .send(
                    "stranger, malformed token",
                    instance,
                    articles().bearer(token),
                )
                .await?;
            let is_allowed = [400, 401].contains(&answer.status);
            world.check(answer, is_allowed).await
        }
        4 => {
            let answer = world
                .send("stranger, no token", instance, articles())
                .await?;
            let is_allowed = answer.status == 401;
            world.check(answer, is_allowed).await
        }
        5 | 6 => {
            let (client, url) = (Client::new(), format!("http://{API}/orders/0/pay"));
            let stolen = world.sign(|demo| client.bind(demo.customer(&["shop:pay"])));
            let (kind, call) = match kind {
                5 => {
                    let call = Call::new("POST /orders/0/pay").bearer(&stolen.jwt);
                    ("thief, bound token as Bearer", call)
                }
                _ => {
                    let proof = Client::new().proof("POST", &url).token(&stolen.jwt).sign();
                    ("thief, proof of another key", pay(&stolen, proof))
                }
            };
            let answer = world.send(kind, instance, call).await?;
            let is_allowed = match answer.status {
                503 => {
                    world.key_is_new(stolen.published, answer.times)
                        || world.outages.no_replay_store(answer.times)
                        || world.outages.in_doubt(answer.times)
                }
                status => status == 401,
            };
            world.check(answer, is_allowed).await
        }
        7 => {
            let event = forged().sign();
            let call = Call::new("POST /events/ssf").authorization("Bearer wrong");
            let answer = world
                .send(
                    "forger, event without the secret",
                    instance,
                    call.body(event),
                )
                .await?;
            let is_allowed = answer.status == 400;
            world.check(answer, is_allowed).await
        }
        8 => {
            let event = forged().foreign_key().sign();
            let call = Call::new("POST /events/ssf").authorization(EVENTS_SECRET);
            let answer = world
                .send("forger, event of another key", instance, call.body(event))
                .await?;
            let is_allowed = match answer.status {
                503 => world.outages.no_keys(answer.times),
                status => status == 400,
            };
            world.check(answer, is_allowed).await
        }
        _ => {
            let body = world
                .demo
                .customers
                .hook("user.lifecycle.suspend", &about)
                .body();
            let call =
                Call::new("POST /events/hook").authorization("a guessed secret of 32 characters");
            let answer = world
                .send(
                    "forger, event hook without the secret",
                    instance,
                    call.body(body),
                )
                .await?;
            let is_allowed = answer.status == 401;
            world.check(answer, is_allowed).await
        }
    }
}

/// Returns a token whose claims are those of a valid one. Its signature is not checked before its key is known.
fn with_key_id(world: &World, kid: u64) -> String {
    let token = world.sign(|demo| demo.customer(&["shop:read"])).jwt;
    let header = format!(r#"{{"alg":"RS256","kid":"invented-{kid:016x}"}}"#);
    let header = URL_SAFE_NO_PAD.encode(header);
    let (_, rest) = token.split_once('.').unwrap_or_default();
    format!("{header}.{rest}")
}

/// Sends tokens that both instances have rejected as revoked.
async fn holder_of_revoked_tokens(world: Arc<World>, number: usize) -> Checked {
    let mut random = world.random("revoked", number);
    while world.goes_on() {
        let token = {
            let revoked = lock(&world.revoked);
            revoked.get(random.below(revoked.len())).cloned()
        };
        if let Some(token) = token {
            let call = Call::new("GET /articles").bearer(&token);
            let answer = world
                .send("revoked token, known", random.below(2), call)
                .await?;
            // A rule that is known applies in doubt too. The key may have been withdrawn meanwhile.
            let is_allowed = match answer.status {
                503 => world.outages.no_keys(answer.times),
                status => status == 401,
            };
            world.check(answer, is_allowed).await?;
        }
        wait(random.millis(50..150)).await;
    }
    Ok(())
}
