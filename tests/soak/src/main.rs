//! `cargo run -p soak -- SECONDS [SEED]`: two instances of the example shop, one on axum and one on actix-web, which share
//! rules and used proofs through Redis, for this time, while keys are rotated, issuers and Redis fail, tokens are revoked
//! and strangers send what they like.
//!
//! A model knows what each response may be. The program prints a table, and exits with 1 at the first response that the
//! model does not allow, or if memory, tasks or counters are not as they must be. `ci/redis` runs it for 30 s and
//! `ci/full soak` for ten minutes. It needs redis-server, and /proc.
//!
//! The instances are processes of their own, which log nothing, so there is no `secret_scan`.

#![expect(
    clippy::print_stdout,
    reason = "the table, and what an instance tells the process that started it"
)]

mod callers;
mod disturbances;
mod instance;
mod outages;
#[allow(dead_code, reason = "the tests with Redis use the rest")]
#[path = "../../redis/tests/it/proxy.rs"]
mod proxy;
mod random;
mod report;
mod revocations;
#[allow(dead_code, reason = "the tests with Redis use the rest")]
#[path = "../../redis/tests/it/server.rs"]
mod server;
mod strangers;
mod world;

use std::{
    env,
    error::Error,
    process::ExitCode,
    sync::{Arc, atomic::Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use shop::demo::Demo;
use tokio::task::JoinSet;

use crate::{
    disturbances::Redis,
    instance::{API, Instance, resident},
    outages::CUT_OFF,
    proxy::Proxy,
    report::Memory,
    server::Server,
    world::{World, wait},
};

/// When the tasks have to be at their end after the time has passed.
const AFTERWARDS: Duration = Duration::from_secs(120);
/// Memory is compared with that at this time, after which pools and buffers have their size.
const WARM_UP: Duration = Duration::from_secs(15);

#[tokio::main(worker_threads = 4)]
async fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let result = match arguments.split_first() {
        Some((first, rest)) if first == "instance" => instance::serve(rest).await,
        _ => soak(&arguments).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn soak(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    const USAGE: &str = "usage: soak [SECONDS [SEED]]";
    let seconds = arguments.first().map_or(Ok(30), |text| text.parse());
    let length = Duration::from_secs(seconds.map_err(|_| USAGE)?);
    let seed = match arguments.get(1) {
        Some(text) => text.parse().map_err(|_| USAGE)?,
        None => SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros() as u64,
    };
    println!("the seed is {seed}");

    let server = Server::with(&["--appendonly", "yes", "--appendfsync", "everysec"]);
    let proxy = Proxy::to(server.port);
    let demo = Demo::start(API).await?;
    let (settings, org) = (demo.settings(), demo.customers.org_url().to_owned());
    let start = |number| {
        let framework = ["axum", "actix-web"][number];
        let port = if number == CUT_OFF {
            proxy.port
        } else {
            server.port
        };
        Instance::start(framework, &settings, &org, &format!("127.0.0.1:{port}"))
    };
    let mut instances = [start(0)?, start(1)?];
    let addresses = instances.each_ref().map(|it| it.address.clone());
    let before = [instances[0].usage()?, instances[1].usage()?];
    let world = Arc::new(World::new(seed, demo, addresses)?);

    let mut tasks = JoinSet::new();
    callers::spawn(&world, &mut tasks);
    strangers::spawn(&world, &mut tasks);
    revocations::spawn(&world, &mut tasks);
    let end = world.begun + length;
    let disturbances = disturbances::disturb(world.clone(), Redis { server, proxy }, end);
    let disturbances = tokio::spawn(disturbances);
    let mut memory = Memory::default();
    let (mut rounds, mut is_sampled) = (None, Duration::ZERO);
    let mut disturbances = Some(disturbances);
    // The first error ends the soak: what follows may be its consequence.
    while !tasks.is_empty() {
        while let Some(ended) = tasks.try_join_next() {
            ended??;
        }
        if let Some(task) = disturbances.take_if(|task| task.is_finished()) {
            rounds = Some(task.await??);
            world.is_over.store(true, Ordering::Relaxed);
        }
        let elapsed = world.begun.elapsed();
        if elapsed > length + AFTERWARDS {
            return Err("the tasks do not end".into());
        }
        if elapsed >= is_sampled + Duration::from_secs(1) {
            is_sampled = elapsed;
            let resident = [resident(instances[0].id())?, resident(instances[1].id())?];
            memory.add(elapsed, resident);
            // The shop forgets callers whose limit is unused when its metrics are read.
            for instance in &instances {
                world.metrics(&instance.metrics).await?;
            }
        }
        wait(Duration::from_millis(20)).await;
    }
    let elapsed = world.begun.elapsed();
    let (rounds, redis) = rounds.ok_or("the disturbances did not end")?;
    let stats = [
        report::requests(&world.metrics(&instances[0].metrics).await?)?,
        report::requests(&world.metrics(&instances[1].metrics).await?)?,
    ];
    report::print(&world, seed, rounds, elapsed, &memory);
    report::check_counters(&world, &stats)?;
    memory.check(WARM_UP)?;
    // Closes the connections of the callers.
    let world = Arc::into_inner(world).ok_or("a task goes on")?;
    let demo = world.close();
    let after = report::until_idle(&mut instances, &before).await;
    for (instance, (before, after)) in instances.iter().zip(before.iter().zip(&after?)) {
        println!("{}: {before:?} before, {after:?} after", instance.framework);
    }
    drop((demo, redis));
    Ok(())
}
