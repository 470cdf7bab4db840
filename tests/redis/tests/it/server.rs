//! Redis servers and sentinels of a test: on loopback, on free ports, and ended with the test.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use okta_verifier_redis::RedisConfig;

pub(crate) struct Server {
    pub(crate) port: u16,
    settings: Vec<String>,
    folder: PathBuf,
    running: Option<Running>,
}

struct Running {
    child: Child,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With further options, each with its value.
    pub(crate) fn with(options: &[&str]) -> Self {
        let options: Vec<_> = options.iter().copied().map(str::to_owned).collect();
        Self::launch(|_| {
            let mut settings = ["--save", "", "--appendonly", "no"]
                .map(str::to_owned)
                .to_vec();
            settings.extend(options.iter().cloned());
            settings
        })
    }

    /// With the options that `options` returns for a new port.
    pub(crate) fn launch(options: impl Fn(u16) -> Vec<String>) -> Self {
        for _ in 0..20 {
            let port = free_port();
            let mut server = Self {
                port,
                settings: options(port),
                folder: folder(port),
                running: None,
            };
            server.running = server.run();
            if server.running.is_some() {
                return server;
            }
        }
        panic!("redis-server does not start; it comes with the package redis-server");
    }

    /// A sentinel with this configuration, which it writes to.
    pub(crate) fn sentinel(configuration: &str) -> Self {
        Self::launch(|port| {
            let file = folder(port).join("sentinel.conf");
            fs::write(&file, configuration).expect("a file");
            vec![
                file.to_str().expect("UTF-8").to_owned(),
                "--sentinel".to_owned(),
            ]
        })
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn config(&self) -> RedisConfig {
        RedisConfig::server(self.address()).plaintext()
    }

    /// As a machine that loses its power.
    pub(crate) fn kill(&mut self) {
        self.running = None;
    }

    pub(crate) fn restart(&mut self) {
        self.kill();
        for _ in 0..20 {
            self.running = self.run();
            if self.running.is_some() {
                return;
            }
        }
        panic!("the port {} was taken", self.port);
    }

    /// `-STOP`: it keeps its connections and answers nothing. `-CONT` ends that.
    pub(crate) fn signal(&self, signal: &str) {
        let running = self.running.as_ref().expect("a running server");
        let pid = running.child.id().to_string();
        let status = Command::new("kill").args([signal, &pid]).status();
        assert!(status.expect("kill").success());
    }

    /// Sends an inline command. The items of an array are lines of the reply.
    pub(crate) fn call(&self, command: &str) -> String {
        self.try_call(command).expect(command)
    }

    pub(crate) fn try_call(&self, command: &str) -> io::Result<String> {
        let connection = TcpStream::connect(("127.0.0.1", self.port))?;
        connection.set_read_timeout(Some(Duration::from_secs(10)))?;
        (&connection).write_all(format!("{command}\r\n").as_bytes())?;
        reply(&mut BufReader::new(connection))
    }

    pub(crate) fn number(&self, command: &str) -> i64 {
        let reply = self.call(command);
        reply.parse().expect(&reply)
    }

    /// The value of a field in the reply to `INFO section`, or in another one of such lines.
    pub(crate) fn field(&self, command: &str, name: &str) -> Option<String> {
        let reply = self.try_call(command).ok()?;
        let mut values = reply
            .lines()
            .filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        Some(values.next()?.trim_end().to_owned())
    }

    /// How many `SET` commands it has executed.
    pub(crate) fn sets(&self) -> u32 {
        let Some(statistics) = self.field("INFO commandstats", "cmdstat_set") else {
            return 0;
        };
        let calls = statistics
            .split(',')
            .find_map(|part| part.strip_prefix("calls="));
        calls.expect(&statistics).parse().expect("a number")
    }

    /// `None`: it ended at once, most often because another process has the port.
    fn run(&self) -> Option<Running> {
        let child = Command::new("redis-server")
            .args(&self.settings)
            .args(["--bind", "127.0.0.1", "--daemonize", "no", "--logfile", ""])
            .args(["--port", &self.port.to_string(), "--dir"])
            .arg(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("redis-server, of the package redis-server");
        // A panic from here on ends the server.
        let mut running = Running { child };
        let stdout = running.child.stdout.take().expect("a pipe");
        let mut log = BufReader::new(stdout);
        let is_ready = log.by_ref().lines().map_while(Result::ok).any(|line| {
            line.contains("Ready to accept connections") || line.contains("Sentinel ID is")
        });
        // A server that cannot write a line stops working.
        thread::spawn(move || io::copy(&mut log, &mut io::sink()));
        is_ready.then_some(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A folder for the files of the server with this port.
fn folder(port: u16) -> PathBuf {
    let folder = env::temp_dir().join(format!("redis-tests-{}-{port}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn reply(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let (kind, rest) = line.trim_end().split_at(1);
    let length = || rest.parse::<i64>().expect("a length");
    Ok(match kind {
        "$" if length() >= 0 => {
            let mut bytes = vec![0; usize::try_from(length()).expect("small") + 2];
            reader.read_exact(&mut bytes)?;
            String::from_utf8_lossy(&bytes[..bytes.len() - 2]).into_owned()
        }
        "*" => {
            let items = (0..length()).map(|_| reply(reader));
            items.collect::<io::Result<Vec<_>>>()?.join("\n")
        }
        _ => rest.to_owned(),
    })
}

/// Returns a port on which nothing listens, another one at each call of this process.
///
/// The range ends below the one from which Linux and macOS take the ports of outgoing connections: such a connection
/// could otherwise take the port while a server is down, or before it starts.
pub(crate) fn free_port() -> u16 {
    const PORTS: std::ops::Range<u16> = 20_000..32_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let length = u32::from(PORTS.end - PORTS.start);
    for _ in 0..length {
        // Processes that run at the same time begin at different ports.
        let start = std::process::id().wrapping_mul(101);
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % length;
        let port = PORTS.start + u16::try_from(offset).expect("less than the length");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port from {PORTS:?} is free");
}
