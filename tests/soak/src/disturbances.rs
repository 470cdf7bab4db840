//! What happens to the instances: outages, wrong answers, rotations and floods, in an order that the seed determines.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use okta_verifier_testing::{Endpoint, Fault, MockOkta, Rotation};
use tokio::task::block_in_place;

use crate::{
    instance::MAX_LAG,
    outages::{What, lock},
    proxy::{Mode, Proxy},
    random::Random,
    server::Server,
    world::{Checked, Flood, World, wait},
};

#[derive(Clone, Copy, Debug)]
enum Disturbance {
    /// Redis is down for longer than `max_lag`.
    LongOutage,
    Restart,
    /// The network drops what one instance and Redis send each other, for longer than `max_lag`.
    CutOff,
    Rotation,
    KeysFail,
    IntrospectionFails,
    InventedKeyIds,
    InventedOpaqueTokens,
}

use Disturbance::{
    CutOff, IntrospectionFails, InventedKeyIds, InventedOpaqueTokens, KeysFail, LongOutage,
    Restart, Rotation as Rotate,
};

/// The longest time that all disturbances take once, with the pauses between them.
const ROUND: Duration = Duration::from_secs(36);
const FLOOD: Duration = Duration::from_secs(2);

/// The Redis of the instances.
pub(crate) struct Redis {
    pub(crate) server: Server,
    /// Between the server and one instance.
    pub(crate) proxy: Proxy,
}

/// Disturbs until `end`, and returns the number of rounds. The last round ends before `end`.
pub(crate) async fn disturb(
    world: Arc<World>,
    mut redis: Redis,
    end: Instant,
) -> Checked<(usize, Redis)> {
    let mut random = world.random("disturbances", 0);
    let mut generations = VecDeque::from([world.demo.customers.key_ids()]);
    let mut rounds = 0;
    while rounds == 0 || Instant::now() + ROUND < end {
        let mut round = [
            LongOutage,
            Restart,
            CutOff,
            Rotate,
            KeysFail,
            IntrospectionFails,
            InventedKeyIds,
            InventedOpaqueTokens,
        ];
        random.shuffle(&mut round);
        for disturbance in round {
            wait(random.millis(300..1_000)).await;
            let after = world.begun.elapsed().as_secs_f32();
            println!("{after:6.1} s: {disturbance:?}");
            match disturbance {
                LongOutage => {
                    world.outages.begin(What::Redis);
                    redis.server.kill();
                    wait(MAX_LAG + Duration::from_secs(2)).await;
                    block_in_place(|| redis.server.restart());
                    world.outages.end(What::Redis);
                }
                Restart => {
                    world.outages.begin(What::Redis);
                    block_in_place(|| redis.server.restart());
                    world.outages.end(What::Redis);
                }
                CutOff => {
                    world.outages.begin(What::Network);
                    redis.proxy.set(Mode::Swallow);
                    wait(MAX_LAG + Duration::from_secs(2)).await;
                    redis.proxy.set(Mode::Pass);
                    redis.proxy.cut();
                    world.outages.end(What::Network);
                }
                Rotate => rotate(&world, &mut generations),
                KeysFail => {
                    world.outages.begin(What::Keys);
                    let fault = fault(&mut random, &[Fault::EmptyKeys, Fault::NoKeys]);
                    let issuer = &world.demo.customers;
                    for endpoint in [Endpoint::Discovery, Endpoint::Keys, Endpoint::OrgKeys] {
                        issuer.fault(endpoint, fault.clone());
                    }
                    fail(&world, What::Keys, issuer, &mut random).await;
                }
                IntrospectionFails => {
                    world.outages.begin(What::Introspection);
                    let wrong = [
                        Fault::Without("active"),
                        Fault::Member("active", r#""true""#),
                    ];
                    let fault = fault(&mut random, &wrong);
                    let issuer = &world.demo.partner;
                    issuer.fault(Endpoint::Introspection, fault);
                    fail(&world, What::Introspection, issuer, &mut random).await;
                }
                InventedKeyIds => flood(&world, Flood::KeyIds).await,
                InventedOpaqueTokens => {
                    world.outages.begin(What::OpaqueFlood);
                    flood(&world, Flood::OpaqueTokens).await;
                    world.outages.end(What::OpaqueFlood);
                }
            }
        }
        rounds += 1;
    }
    while Instant::now() < end {
        wait(Duration::from_millis(100)).await;
    }
    Ok((rounds, redis))
}

/// Returns what an issuer does that is down, slow or wrong.
fn fault(random: &mut Random, wrong: &[Fault]) -> Fault {
    let mut faults = vec![
        Fault::Status(500),
        Fault::Status(503),
        Fault::Status(429),
        Fault::Drop,
        Fault::Hang,
        Fault::Slow(Duration::from_secs(2)),
        Fault::Html,
        Fault::Half,
        Fault::Truncate,
        Fault::Drip(Duration::from_millis(100)),
    ];
    faults.extend_from_slice(wrong);
    let fault = random.choose(&faults).clone();
    println!("          {fault:?}");
    fault
}

async fn fail(world: &World, what: What, issuer: &MockOkta, random: &mut Random) {
    wait(random.millis(2_000..4_000)).await;
    issuer.clear_faults();
    world.outages.end(what);
}

/// Publishes new keys beside the old ones, and withdraws those that no caller has a token of.
fn rotate(world: &World, generations: &mut VecDeque<Vec<String>>) {
    let customers = &world.demo.customers;
    let mut published = lock(&world.published);
    let known = customers.key_ids();
    customers.rotate(Rotation::Overlap);
    *published = Some(Instant::now());
    let new = customers
        .key_ids()
        .into_iter()
        .filter(|kid| !known.contains(kid));
    generations.push_back(new.collect());
    if generations.len() > 3 {
        let old = generations.pop_front().unwrap_or_default();
        old.iter().for_each(|kid| customers.withdraw(kid));
    }
}

async fn flood(world: &World, flood: Flood) {
    *lock(&world.flood) = Some(flood);
    wait(FLOOD).await;
    *lock(&world.flood) = None;
}
