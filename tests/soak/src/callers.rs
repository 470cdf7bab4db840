//! Honest callers, whose requests must be served except where a document says otherwise.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use okta_verifier_testing::Client;
use tokio::task::JoinSet;

use crate::{
    instance::API,
    world::{Call, Checked, Token, World, unix_seconds, wait},
};

/// The leeway of the issuers, which is the default.
const LEEWAY: u64 = 60;
/// How many callers of each kind there are. Strangers forge events about them.
pub(crate) const OF_EACH_KIND: usize = 3;
const READ: &[&str] = &["shop:read"];

pub(crate) fn spawn(world: &Arc<World>, tasks: &mut JoinSet<Checked>) {
    for number in 0..OF_EACH_KIND {
        tasks.spawn(customer(world.clone(), number));
        tasks.spawn(clerk(world.clone(), number));
        tasks.spawn(partners_customer(world.clone(), number, false));
        tasks.spawn(partners_customer(world.clone(), number, true));
        tasks.spawn(payer(world.clone(), number));
        tasks.spawn(late_customer(world.clone(), number));
    }
}

/// Returns the user of a customer.
pub(crate) fn user(number: usize) -> String {
    format!("customer {number}")
}

fn articles(token: &str) -> Call {
    Call::new("GET /articles").bearer(token)
}

async fn customer(world: Arc<World>, number: usize) -> Checked {
    let mut random = world.random("customer", number);
    while world.goes_on() {
        let token = world.sign(|demo| {
            let token = demo.customers.token(user(number)).client_id("0oa1web");
            token.scope("shop:read")
        });
        let until = Instant::now() + random.millis(6_000..12_000);
        while world.goes_on() && Instant::now() < until {
            let instance = random.below(2);
            let answer = world
                .send("customer", instance, articles(&token.jwt))
                .await?;
            world.check_customer(answer, 200, &token).await?;
            wait(random.millis(20..100)).await;
        }
    }
    Ok(())
}

async fn clerk(world: Arc<World>, number: usize) -> Checked {
    let mut random = world.random("clerk", number);
    while world.goes_on() {
        let sid = format!("clerk {number}");
        let token = world.demo.cashier(READ).claim("sid", sid).sign();
        let until = Instant::now() + random.millis(6_000..12_000);
        while world.goes_on() && Instant::now() < until {
            let answer = world
                .send("clerk", random.below(2), articles(&token))
                .await?;
            let is_allowed = match answer.status {
                503 => world.outages.in_doubt(answer.times),
                status => status == 200,
            };
            world.check(answer, is_allowed).await?;
            wait(random.millis(20..100)).await;
        }
    }
    Ok(())
}

async fn partners_customer(world: Arc<World>, number: usize, is_opaque: bool) -> Checked {
    let kind = match is_opaque {
        true => "partner's customer, opaque token",
        false => "partner's customer, signed token",
    };
    let mut random = world.random(kind, number);
    while world.goes_on() {
        let user = format!("partner's customer {number}");
        let partner = &world.demo.partner;
        let token = match is_opaque {
            true => partner.opaque_token(user),
            false => partner.token(user),
        };
        let token = token.client_id("0oa9partner").scope("shop:read").sign();
        let mut is_known = [false; 2];
        // Longer than `max_age` in the settings, so that some are introspected again.
        let until = Instant::now() + random.millis(8_000..25_000);
        while world.goes_on() && Instant::now() < until {
            let instance = random.below(2);
            let answer = world.send(kind, instance, articles(&token)).await?;
            let may_exceed_the_limit = is_opaque && !is_known[instance];
            let is_allowed = match answer.status {
                503 => {
                    world.outages.no_introspection(answer.times)
                        || may_exceed_the_limit && world.outages.opaque_flood(answer.times)
                }
                status => status == 200,
            };
            is_known[instance] |= answer.status == 200;
            world.check(answer, is_allowed).await?;
            wait(random.millis(40..160)).await;
        }
    }
    Ok(())
}

/// Pays with a new proof, and then sends the same proof to the other instance.
async fn payer(world: Arc<World>, number: usize) -> Checked {
    let mut random = world.random("payer", number);
    let (client, url) = (Client::new(), format!("http://{API}/orders/0/pay"));
    while world.goes_on() {
        let token = world.sign(|demo| client.bind(demo.customer(&["shop:pay"])));
        let until = Instant::now() + random.millis(6_000..12_000);
        while world.goes_on() && Instant::now() < until {
            let instance = random.below(2);
            let proof = client.proof("POST", &url).token(&token.jwt).sign();
            let call = pay(&token, proof);
            let answer = world
                .send("payer, new proof", instance, call.clone())
                .await?;
            let status = answer.status;
            // The token and the proof are valid, and the order does not exist.
            let is_new = world.key_is_new(token.published, answer.times);
            let is_allowed = match status {
                503 => {
                    is_new
                        || world.outages.no_replay_store(answer.times)
                        || world.outages.in_doubt(answer.times)
                }
                401 => is_new,
                status => status == 404,
            };
            world.check(answer, is_allowed).await?;
            if status == 404 {
                let answer = world.send("payer, used proof", 1 - instance, call).await?;
                let is_allowed = match answer.status {
                    503 => {
                        world.key_is_new(token.published, answer.times)
                            || world.outages.no_replay_store(answer.times)
                            || world.outages.in_doubt(answer.times)
                    }
                    status => status == 401,
                };
                world.check(answer, is_allowed).await?;
            }
            wait(random.millis(40..160)).await;
        }
    }
    Ok(())
}

/// Returns the request of a payer.
pub(crate) fn pay(token: &Token, proof: String) -> Call {
    let call = Call::new("POST /orders/0/pay").proof(proof);
    call.authorization(format!("DPoP {}", token.jwt))
}

/// Sends a token until it has expired, and some times after that.
async fn late_customer(world: Arc<World>, number: usize) -> Checked {
    let mut random = world.random("late customer", number);
    while world.goes_on() {
        let end = unix_seconds() + 2 + random.number() % 4;
        let exp = end - LEEWAY;
        let token = world.sign(|demo| {
            let token = demo.customers.token("late customer").client_id("0oa1web");
            let token = token.scope("shop:read").issued_at(exp - 3_600);
            token.expires_at(exp)
        });
        let until = Instant::now() + Duration::from_secs(8);
        while world.goes_on() && Instant::now() < until {
            let before = unix_seconds();
            let instance = random.below(2);
            let call = articles(&token.jwt);
            let answer = world.send("token that expires", instance, call).await?;
            let after = unix_seconds();
            if after + 1 < end || answer.status == 503 {
                world.check_customer(answer, 200, &token).await?;
            } else {
                let is_rejected = answer.status == 401;
                let may_be_accepted = before <= end && answer.status == 200;
                world.check(answer, is_rejected || may_be_accepted).await?;
            }
            wait(random.millis(50..200)).await;
        }
    }
    Ok(())
}
