//! Random rules and faults on several instances with one log: no instance accepts a token after its rule was confirmed
//! longer ago than the maximum lag, unless it says that it is in doubt, and in the end all of them agree.
//!
//! ```sh
//! # LOG_SEED repeats a run.
//! LOG_STEPS=100000 cargo test -p okta-verifier --lib model_of_the_shared_log
//! ```

use std::{
    env,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::time::Instant;

use super::{
    shared_log::{Fault, Instance, Link, MAX_LAG, Outcome, Store, pass},
    *,
};
use crate::crypto::{random_u64, xorshift};

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = xorshift(self.0);
        (self.0 >> 11) % limit
    }
}

/// A rule about one token.
struct Made {
    jti: String,
    /// The instance that made it.
    by: usize,
    /// When its append was confirmed.
    confirmed: Option<Instant>,
}

struct Model {
    random: Random,
    store: Arc<Mutex<Store>>,
    instances: Vec<Instance>,
    made: Vec<Made>,
}

impl Model {
    fn new(seed: u64, instances: usize) -> Self {
        let store: Arc<Mutex<Store>> = Arc::default();
        Self {
            random: Random(seed),
            instances: (0..instances)
                .map(|_| Instance::new(Link::to(&store)))
                .collect(),
            store,
            made: Vec::new(),
        }
    }

    async fn step(&mut self) {
        let index = self.random.below(self.instances.len() as u64) as usize;
        match self.random.below(100) {
            0..30 => {
                let jti = self.made.len().to_string();
                let result = self.instances[index].revoke(&jti).await;
                // Here it applies in any case.
                assert_eq!(self.instances[index].outcome(&jti), Outcome::Revoked);
                let confirmed = result.ok().map(|()| Instant::now());
                self.made.push(Made {
                    jti,
                    by: index,
                    confirmed,
                });
            }
            // A sender repeats an event that was not confirmed.
            30..40 => {
                if let Some(made) = self.made.iter_mut().rev().find(|it| it.confirmed.is_none()) {
                    let result = self.instances[index].revoke(&made.jti).await;
                    (made.confirmed, made.by) = (result.ok().map(|()| Instant::now()), index);
                }
            }
            40..60 => {
                let fault = match self.random.below(6) {
                    0 => Fault::Refused,
                    1 => Fault::Hangs,
                    2 => Fault::AnswerLost,
                    _ => Fault::None,
                };
                let (page, disorder) =
                    (1 + self.random.below(9) as usize, self.random.below(2) == 0);
                self.instances[index].link.change(|manner| {
                    (manner.fault, manner.page, manner.disorder) = (fault, page, disorder);
                });
            }
            60..63 => {
                self.instances[index] = Instance::new(Link::to(&self.store));
                // What it knew alone is lost. It has said so.
                self.made
                    .retain(|it| it.by != index || it.confirmed.is_some());
            }
            _ => {
                let time = Duration::from_millis(self.random.below(4_000));
                pass(time).await;
            }
        }
    }

    fn check(&self) {
        let now = Instant::now();
        for made in &self.made {
            let is_late = |confirmed| now.duration_since(confirmed) > MAX_LAG;
            if !made.confirmed.is_some_and(is_late) {
                continue;
            }
            for (index, instance) in self.instances.iter().enumerate() {
                let outcome = instance.outcome(&made.jti);
                assert_ne!(outcome, Outcome::Accepted, "{} at {index}", made.jti);
            }
        }
    }

    async fn agree(&mut self) {
        for instance in &self.instances {
            instance.link.change(|manner| manner.fault = Fault::None);
            instance.outcome("");
        }
        pass(2 * MAX_LAG).await;
        for instance in &self.instances {
            for made in &self.made {
                assert_eq!(
                    instance.outcome(&made.jti),
                    Outcome::Revoked,
                    "{}",
                    made.jti
                );
            }
            assert_eq!(instance.outcome("no rule"), Outcome::Accepted);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn model_of_the_shared_log() {
    let number = |name| env::var(name).ok().and_then(|it| it.parse::<u64>().ok());
    let steps = number("LOG_STEPS").unwrap_or(3_000);
    let seed = number("LOG_SEED").unwrap_or_else(random_u64).max(1);
    println!("LOG_SEED={seed}");
    for run in 0..steps / 100 {
        let seed = seed.wrapping_add(run).max(1);
        let mut model = Model::new(seed, 2 + (run % 2) as usize);
        for _ in 0..100 {
            model.step().await;
            model.check();
        }
        model.agree().await;
    }
}

/// Without restarts, because a rule is lost if the log and each instance that knows it have lost it.
#[tokio::test(start_paused = true)]
async fn model_of_a_shared_log_that_loses_entries_agrees_in_the_end() {
    let seed = random_u64().max(1);
    println!("LOG_SEED={seed}");
    for run in 0..20 {
        let mut model = Model::new(seed.wrapping_add(run).max(1), 3);
        for _ in 0..100 {
            let index = model.random.below(3) as usize;
            match model.random.below(10) {
                0 => {
                    let jti = model.made.len().to_string();
                    let _ = model.instances[index].revoke(&jti).await;
                    model.made.push(Made {
                        jti,
                        by: index,
                        confirmed: None,
                    });
                }
                1 => {
                    let mut store = model.store.lock().unwrap_or_else(PoisonError::into_inner);
                    store.entries.clear();
                    store.losses += 1;
                }
                2 => {
                    let fault = [Fault::Refused, Fault::Hangs, Fault::None, Fault::AnswerLost];
                    let fault = fault[model.random.below(4) as usize];
                    model.instances[index]
                        .link
                        .change(|manner| manner.fault = fault);
                }
                _ => pass(Duration::from_millis(model.random.below(2_000))).await,
            }
        }
        model.agree().await;
    }
}
