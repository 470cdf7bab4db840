//! One instance of the shop, as a process of its own, so that its memory is that of the service alone.

use std::{
    env,
    error::Error,
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{self, Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, mpsc::sync_channel},
    thread,
    time::Duration,
};

use okta_verifier::{
    dpop::DpopSettings,
    revocation::{EventHook, Revocations},
};
use okta_verifier_redis::{RedisConfig, RedisReplayStore, RedisRevocationLog};
use shop::Shop;

/// How long the instances trust the rules that they have read. The default is 10 s.
pub(crate) const MAX_LAG: Duration = Duration::from_secs(5);
/// The secret of the event hooks.
pub(crate) const HOOK_SECRET: &str = "the secret of the event hooks of the soak";
/// The URL under which clients know both instances. Proofs name it.
pub(crate) const API: SocketAddr = SocketAddr::new(
    std::net::IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 1)),
    8_080,
);
/// Small, so that the cache is full after some minutes, and memory does not grow because tokens are cached.
const TOKEN_CACHE: u64 = 500;
/// A busy machine may be slow. The default is 1 s.
const REDIS_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves the shop until stdin is closed.
pub(crate) async fn serve(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let [framework, settings, org, redis] = arguments else {
        return Err("an instance has four arguments".into());
    };
    let redis = || {
        RedisConfig::server(redis)
            .plaintext()
            .timeout(REDIS_TIMEOUT)
    };
    let revocations = Revocations::builder()
        .log(RedisRevocationLog::new(redis())?)
        .max_lag(MAX_LAG)
        .event_hook(EventHook::okta(org, HOOK_SECRET));
    let proofs = RedisReplayStore::new(redis())?;
    let dpop = DpopSettings::base_url(format!("http://{API}")).replay_store(proofs);
    let (audit, lines) = sync_channel(1_000);
    thread::spawn(move || lines.iter().for_each(drop));
    let shop = Shop::read_with(Path::new(settings), audit, revocations, |verifier| {
        verifier.dpop(dpop).token_cache_capacity(TOKEN_CACHE)
    })?;
    let shop = Arc::new(shop);
    shop.verifier().warm_up().await?;
    let (public, internal) = (listen()?, listen()?);
    println!("{} {}", public.local_addr()?, internal.local_addr()?);
    let runtime = tokio::runtime::Handle::current();
    // The instance ends with the process that started it.
    thread::spawn(move || {
        for _ in std::io::stdin().lines().map_while(Result::ok) {
            println!("{}", runtime.metrics().num_alive_tasks());
        }
        process::exit(0);
    });
    match &**framework {
        "axum" => shop::axum::serve(shop, public, internal).await,
        _ => shop::actix::serve(shop, public, internal).await,
    }
}

fn listen() -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?; // tokio requires it
    Ok(listener)
}

/// A running instance, seen from outside.
pub(crate) struct Instance {
    pub(crate) framework: &'static str,
    pub(crate) address: String,
    pub(crate) metrics: String,
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// What an instance uses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// The tasks of the main runtime. The workers of actix-web have runtimes of their own, which are not counted.
    pub(crate) tasks: u64,
    pub(crate) threads: u64,
    pub(crate) files: u64,
}

impl Instance {
    /// Starts an instance, and returns when it listens.
    pub(crate) fn start(
        framework: &'static str,
        settings: &Path,
        org: &str,
        redis: &str,
    ) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(env::current_exe()?)
            .args(["instance", framework])
            .arg(settings)
            .args([org, redis])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take().ok_or("a pipe")?;
        let stdout = child.stdout.take().ok_or("a pipe")?;
        let mut instance = Self {
            framework,
            address: String::new(),
            metrics: String::new(),
            child,
            stdin,
            stdout: BufReader::new(stdout),
        };
        let line = instance.line()?;
        let (address, metrics) = line.split_once(' ').ok_or("the instance did not start")?;
        instance.address = format!("http://{address}");
        instance.metrics = format!("http://{metrics}/metrics");
        Ok(instance)
    }

    /// Returns what the instance uses now.
    pub(crate) fn usage(&mut self) -> Result<Usage, Box<dyn Error>> {
        self.stdin.write_all(b"\n")?;
        Ok(Usage {
            tasks: self.line()?.parse()?,
            threads: status(self.child.id(), "Threads")?,
            files: fs::read_dir(format!("/proc/{}/fd", self.child.id()))?.count() as u64,
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the resident memory of a process in KiB.
pub(crate) fn resident(process: u32) -> Result<u64, Box<dyn Error>> {
    status(process, "VmRSS")
}

fn status(process: u32, name: &str) -> Result<u64, Box<dyn Error>> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let field = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = field.and_then(|field| field.split_whitespace().next());
    Ok(number.ok_or("no such field")?.parse()?)
}
