//! What is checked at the end, and the table.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use crate::{
    instance::{Instance, MAX_LAG, Usage},
    outages::{What, lock},
    world::{World, wait},
};

/// The resident memory of an instance may grow by this after the warm-up: the caches of tokens and of introspection
/// responses are full later, and there is a rule for each revoked user.
const MAX_GROWTH: u64 = 8 * 1_024;
/// Connections to issuers and to Redis that idle may be open at the end, and each has a task.
const MORE: u64 = 16;

/// The resident memory of both instances in KiB, by the time since the beginning.
#[derive(Default)]
pub(crate) struct Memory(Vec<(Duration, [u64; 2])>);

impl Memory {
    pub(crate) fn add(&mut self, time: Duration, resident: [u64; 2]) {
        self.0.push((time, resident));
    }

    /// Returns the memory of an instance at the end of the warm-up, at the end, and at most after the warm-up.
    fn of(&self, instance: usize, warm_up: Duration) -> Option<(u64, u64, u64)> {
        let all = self.0.iter().filter(|(time, _)| *time >= warm_up);
        let all: Vec<_> = all.map(|(_, resident)| resident[instance]).collect();
        Some((*all.first()?, *all.last()?, *all.iter().max()?))
    }

    pub(crate) fn check(&self, warm_up: Duration) -> Result<(), Box<dyn Error>> {
        for instance in [0, 1] {
            let (warm, end, _) = self.of(instance, warm_up).ok_or("the soak is too short")?;
            if end > warm + MAX_GROWTH {
                let growth = end - warm;
                return Err(
                    format!("the memory of the instance {instance} grew by {growth} KiB").into(),
                );
            }
        }
        Ok(())
    }
}

/// Returns the counters of requests by outcome and code, from the metrics of an instance.
pub(crate) fn requests(text: &str) -> Result<BTreeMap<(String, String), u64>, Box<dyn Error>> {
    let mut counts = BTreeMap::new();
    for line in text.lines() {
        let Some(sample) = line.strip_prefix("okta_verifier_requests_total{") else {
            continue;
        };
        let (labels, count) = sample.rsplit_once("} ").ok_or("a sample without a value")?;
        let label = |name: &str| {
            let (_, rest) = labels.split_once(&format!("{name}=\""))?;
            Some(rest.split_once('"')?.0.to_owned())
        };
        let key = label("outcome")
            .zip(label("code"))
            .ok_or("a label is missing")?;
        *counts.entry(key).or_default() += count.parse::<u64>()?;
    }
    Ok(counts)
}

/// Compares the counters of each instance with the responses that the clients saw.
pub(crate) fn check_counters(
    world: &World,
    stats: &[BTreeMap<(String, String), u64>; 2],
) -> Result<(), Box<dyn Error>> {
    for (instance, stats) in stats.iter().enumerate() {
        let mut counted = BTreeMap::<&str, u64>::new();
        for ((outcome, code), count) in stats {
            // Both are 503 if the application cannot store a rule; the application rejects with 404 too.
            let name = match &**code {
                "unavailable" | "application" => "unavailable or rejected by the application",
                "insufficient_scope" | "forbidden" => "forbidden",
                _ => outcome,
            };
            *counted.entry(name).or_default() += count;
        }
        let mut seen = BTreeMap::<&str, u64>::new();
        for (status, count) in world.verified(instance) {
            let name = match status {
                200..=299 => "accepted",
                404 | 503 => "unavailable or rejected by the application",
                403 => "forbidden",
                _ => "rejected",
            };
            *seen.entry(name).or_default() += count;
        }
        if counted != seen {
            return Err(format!(
                "the instance {instance} counted {counted:?}, and the clients saw {seen:?}"
            )
            .into());
        }
    }
    Ok(())
}

/// Waits until both instances use no more than before the first request, and returns what they use.
pub(crate) async fn until_idle(
    instances: &mut [Instance; 2],
    before: &[Usage; 2],
) -> Result<[Usage; 2], Box<dyn Error>> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let now = [instances[0].usage()?, instances[1].usage()?];
        let is_idle = now.iter().zip(before).all(|(now, before)| {
            now.tasks <= before.tasks + MORE
                && now.threads <= before.threads + MORE
                && now.files <= before.files + MORE
        });
        if is_idle {
            return Ok(now);
        }
        if Instant::now() > deadline {
            return Err(
                format!("tasks, threads or files are left: {before:?}, now {now:?}").into(),
            );
        }
        wait(Duration::from_millis(200)).await;
    }
}

/// Prints the table.
pub(crate) fn print(world: &World, seed: u64, rounds: usize, elapsed: Duration, memory: &Memory) {
    let counts = world.counts();
    let mut kinds = BTreeMap::<&str, Vec<String>>::new();
    for ((kind, status), count) in &counts {
        kinds
            .entry(kind)
            .or_default()
            .push(format!("{count} times {status}"));
    }
    println!("| request | responses |\n|---|---|");
    for (kind, responses) in kinds {
        println!("| {kind} | {} |", responses.join(", "));
    }
    let all: u64 = counts.values().sum();
    let per_second = all as f64 / elapsed.as_secs_f64();
    let mut lags = lock(&world.lags).clone();
    lags.sort_unstable();
    let lag = |part: usize| lags.get((lags.len() * part / 100).min(lags.len().saturating_sub(1)));
    let [median, most, longest] = [50, 99, 100].map(|part| millis(lag(part)));
    let outages = &world.outages;
    let recovery = |what| {
        format!(
            "{} times; the last 503 was sent {} ms after its end",
            outages.count(what),
            outages.recovery(what).as_millis()
        )
    };
    let mib = |instance| {
        let (warm, end, most) = memory.of(instance, crate::WARM_UP).unwrap_or_default();
        let [warm, end, most] = [warm, end, most].map(|it| it as f64 / 1_024.0);
        format!(
            "{warm:.1} MiB after {} s, {end:.1} MiB at the end, at most {most:.1} MiB",
            crate::WARM_UP.as_secs()
        )
    };
    println!("\n| figure | |\n|---|---|");
    for (name, value) in [
        (
            "length, rounds, seed",
            format!("{} s, {rounds}, {seed}", elapsed.as_secs()),
        ),
        ("requests per second", format!("{per_second:.0}, of {all}")),
        ("revocations", lags.len().to_string()),
        (
            "a revoked token was accepted by the other instance for",
            format!(
                "{median} ms (median), {most} ms (99 %), {longest} ms (longest), less than {} ms allowed",
                MAX_LAG.as_millis()
            ),
        ),
        (
            "streams that ended with their token",
            world.ended_streams.load(Ordering::Relaxed).to_string(),
        ),
        ("Redis was down", recovery(What::Redis)),
        (
            "the instance on actix-web was cut off from Redis",
            recovery(What::Network),
        ),
        (
            "the keys of the customers' issuer could not be fetched",
            recovery(What::Keys),
        ),
        ("introspection failed", recovery(What::Introspection)),
        (
            "invented opaque tokens above the limit",
            recovery(What::OpaqueFlood),
        ),
        ("memory of the instance on axum", mib(0)),
        ("memory of the instance on actix-web", mib(1)),
    ] {
        println!("| {name} | {value} |");
    }
}

fn millis(time: Option<&Duration>) -> u128 {
    time.map_or(0, Duration::as_millis)
}
