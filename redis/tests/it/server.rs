//! A Redis server of its own for each test: on loopback, on a free port, without a file.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
};

pub(crate) struct Server {
    pub(crate) port: u16,
    extra: Vec<String>,
    running: Option<Running>,
}

struct Running {
    child: Child,
    /// Kept open, or the server could write no line any more.
    _log: BufReader<ChildStdout>,
    /// Here `.ci/redis` finds whom to end if we cannot.
    pid_file: PathBuf,
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
        let folder = env::var_os("REDIS_FOLDER").map_or_else(env::temp_dir, PathBuf::from);
        let name = format!("redis-{}-{}.pid", std::process::id(), self.port);
        let mut child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--daemonize", "no", "--logfile", ""])
            .args(["--port", &self.port.to_string(), "--dir"])
            .arg(&folder)
            .args(&self.extra)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("redis-server, of the package redis-server");
        let pid_file = folder.join(name);
        fs::write(&pid_file, child.id().to_string()).expect("a file for the process id");
        let mut log = BufReader::new(child.stdout.take().expect("a pipe"));
        let is_ready = log
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .any(|line| line.contains("Ready to accept connections"));
        let running = Running {
            child,
            _log: log,
            pid_file,
        };
        is_ready.then_some(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.pid_file);
    }
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    listener.local_addr().expect("its address").port()
}
