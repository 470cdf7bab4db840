//! `Sentinels`: finds the current primary.

use std::{collections::HashSet, sync::Arc};

use redis::Value;
use tokio::{task::JoinSet, time::timeout};

use super::{Settings, address::Address, failure::Failure, session::Session};

pub(super) struct Sentinels {
    pub(super) name: Arc<str>,
    pub(super) addresses: Vec<Address>,
}

impl Sentinels {
    /// Connects to the first server that a sentinel names and that reports itself as a primary. All
    /// sentinels are queried at the same time, because a sentinel that is down never replies.
    pub(super) async fn connect_primary(
        &self,
        settings: &Arc<Settings>,
    ) -> Result<Session, Failure> {
        let mut answers = JoinSet::new();
        for address in &self.addresses {
            let (name, address) = (self.name.clone(), address.clone());
            let settings = settings.clone();
            answers.spawn(async move { named_primary(&name, &address, &settings).await });
        }
        let mut last = Failure::Abandoned;
        let mut tried = HashSet::new();
        while let Some(answer) = answers.join_next().await {
            let address = match answer.unwrap_or(Err(Failure::Abandoned)) {
                Ok(address) => address,
                Err(failure) => {
                    last = failure;
                    continue;
                }
            };
            if !tried.insert(address.clone()) {
                continue;
            }
            // An outdated sentinel may name a server that is gone, so leave time for the answer of
            // another sentinel.
            let attempt = timeout(
                settings.connect_timeout / 2,
                open_primary(&address, settings),
            );
            match attempt.await.unwrap_or(Err(Failure::Silent(address))) {
                Ok(session) => return Ok(session),
                Err(failure) => last = failure,
            }
        }
        Err(Failure::NoPrimary(self.name.clone(), Arc::new(last)))
    }
}

async fn named_primary(
    name: &str,
    sentinel: &Address,
    settings: &Settings,
) -> Result<Address, Failure> {
    let session = Session::open_sentinel(sentinel, settings).await?;
    let mut command = redis::cmd("SENTINEL");
    command.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
    let reply = session.call(&command, false).await;
    let named = match reply.and_then(Value::extract_error) {
        Ok(Value::Array(parts)) => address(&parts),
        Ok(Value::Nil) => return Err(Failure::NotMonitored(sentinel.clone())),
        Ok(_) => None,
        Err(error) => return Err(Failure::of(&error, sentinel)),
    };
    named.ok_or_else(|| Failure::UnexpectedReply(sentinel.clone()))
}

fn address(parts: &[Value]) -> Option<Address> {
    let [Value::BulkString(host), Value::BulkString(port)] = parts else {
        return None;
    };
    let port = std::str::from_utf8(port).ok()?.parse().ok()?;
    Address::new(std::str::from_utf8(host).ok()?, port)
}

/// Connects to `address` and checks its role, because a former primary may still be reachable.
async fn open_primary(address: &Address, settings: &Settings) -> Result<Session, Failure> {
    let session = Session::open(address, settings).await?;
    let reply = session.call(&redis::cmd("ROLE"), false).await;
    match reply.and_then(Value::extract_error) {
        Ok(Value::Array(parts)) => match parts.first() {
            Some(Value::BulkString(role)) if role == b"master" => Ok(session),
            _ => Err(Failure::NotPrimary(address.clone())),
        },
        Ok(_) => Err(Failure::UnexpectedReply(address.clone())),
        Err(error) => Err(Failure::of(&error, address)),
    }
}
