//! A Redis server of its own for each test: on loopback, on a free port, without a file.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    process::{Child, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

pub(crate) struct Server {
    pub(crate) port: u16,
    extra: Vec<String>,
    running: Option<Running>,
}

struct Running {
    child: Child,
    /// Kept open, because a server that cannot write a line stops working.
    log: Option<BufReader<ChildStdout>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(extra: &[&str]) -> Self {
        for _ in 0..20 {
            let mut server = Self {
                port: free_port(),
                extra: extra.iter().copied().map(str::to_owned).collect(),
                running: None,
            };
            server.running = server.run();
            if server.running.is_some() {
                return server;
            }
        }
        panic!("redis-server does not start; it comes with the package redis-server");
    }

    pub(crate) fn url(&self, login: &str) -> String {
        format!("redis://{login}127.0.0.1:{}/0", self.port)
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

    /// `STOP`: it holds its connections, and answers nothing. `CONT` ends that.
    pub(crate) fn signal(&self, signal: &str) {
        let running = self.running.as_ref().expect("a running server");
        let pid = running.child.id().to_string();
        let status = Command::new("kill").args([signal, &pid]).status();
        assert!(status.expect("kill").success());
    }

    /// One answer of one line, such as `:1`.
    pub(crate) fn ask(&self, command: &str) -> String {
        let line = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        (&line)
            .write_all(format!("{command}\r\n").as_bytes())
            .expect("sent");
        let mut answer = String::new();
        BufReader::new(line)
            .read_line(&mut answer)
            .expect("an answer");
        answer.trim_end().to_owned()
    }

    pub(crate) fn number(&self, command: &str) -> i64 {
        let answer = self.ask(command);
        answer[1..].parse().expect(&answer)
    }

    /// `None`: it ended at once, most often because somebody was quicker at the port.
    fn run(&self) -> Option<Running> {
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--daemonize", "no", "--logfile", ""])
            .args(["--port", &self.port.to_string(), "--dir"])
            .arg(env::temp_dir())
            .args(&self.extra)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("redis-server, of the package redis-server");
        // A panic from here on ends the server.
        let mut running = Running { child, log: None };
        let stdout = running.child.stdout.take().expect("a pipe");
        let log = running.log.insert(BufReader::new(stdout));
        let is_ready = log
            .lines()
            .map_while(Result::ok)
            .any(|line| line.contains("Ready to accept connections"));
        is_ready.then_some(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
