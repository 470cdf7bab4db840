//! A server that speaks as much of Redis as it is told to.

use std::{
    io::{BufRead, BufReader, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

#[derive(Clone, Debug)]
pub(super) enum Reply {
    Bytes(Vec<u8>),
    Silence,
    Close,
}

#[derive(Clone)]
pub(super) struct Fake(Arc<Shared>);

struct Shared {
    port: u16,
    reply: Mutex<Reply>,
    login: Mutex<&'static str>,
    commands: Mutex<Vec<Vec<String>>>,
    lines: Mutex<Vec<TcpStream>>,
    left: AtomicUsize,
}

impl Fake {
    /// Answers each `SET` with `reply`, and everything else with `OK`.
    pub(super) fn new(reply: impl Into<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let this = Self(Arc::new(Shared {
            port: listener.local_addr().unwrap().port(),
            reply: Mutex::new(reply.into()),
            login: Mutex::new("+OK\r\n"),
            commands: Mutex::default(),
            lines: Mutex::default(),
            left: AtomicUsize::new(0),
        }));
        let fake = this.clone();
        thread::spawn(move || {
            for line in listener.incoming() {
                let (fake, line) = (fake.clone(), line.unwrap());
                fake.0.lines.lock().unwrap().push(line.try_clone().unwrap());
                thread::spawn(move || {
                    fake.serve(line);
                    fake.0.left.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        this
    }

    pub(super) fn url(&self, scheme: &str, login: &str) -> String {
        format!("{scheme}://{login}127.0.0.1:{}/", self.0.port)
    }

    pub(super) fn reply(&self, reply: impl Into<Reply>) {
        *self.0.reply.lock().unwrap() = reply.into();
    }

    /// What is answered to everything but `SET`.
    pub(super) fn login(&self, reply: &'static str) {
        *self.0.login.lock().unwrap() = reply;
    }

    pub(super) fn commands(&self) -> Vec<Vec<String>> {
        self.0.commands.lock().unwrap().clone()
    }

    /// How many connections were made.
    pub(super) fn lines(&self) -> usize {
        self.0.lines.lock().unwrap().len()
    }

    /// How many of them the other side has closed, or we by [`Reply::Close`].
    pub(super) fn left(&self) -> usize {
        self.0.left.load(Ordering::SeqCst)
    }

    /// Says something on every connection, unasked.
    pub(super) fn say(&self, text: &str) {
        for mut line in self.0.lines.lock().unwrap().iter() {
            let _ = line.write_all(text.as_bytes());
        }
    }

    /// Says on every connection that nothing more will come; it still listens.
    pub(super) fn hang_up(&self) {
        for line in self.0.lines.lock().unwrap().iter() {
            let _ = line.shutdown(Shutdown::Write);
        }
    }

    fn serve(&self, line: TcpStream) {
        let mut reader = BufReader::new(line.try_clone().unwrap());
        while let Some(command) = command(&mut reader) {
            let reply = match command[0].as_str() {
                "SET" => self.0.reply.lock().unwrap().clone(),
                _ => Reply::from(*self.0.login.lock().unwrap()),
            };
            self.0.commands.lock().unwrap().push(command);
            match reply {
                Reply::Bytes(bytes) => drop((&line).write_all(&bytes)),
                Reply::Silence => {}
                Reply::Close => {
                    let _ = line.shutdown(Shutdown::Both);
                }
            }
        }
    }
}

impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        Self::Bytes(text.into())
    }
}

/// `*2`, then `$3`, `GET`, `$1`, `k`. `None`: what came is no command, or the end.
fn command(reader: &mut impl BufRead) -> Option<Vec<String>> {
    let count = number(reader, '*')?;
    (0..count)
        .map(|_| {
            let length = number(reader, '$')?;
            let mut word = vec![0; length + 2];
            reader.read_exact(&mut word).ok()?;
            word.truncate(length);
            String::from_utf8(word).ok()
        })
        .collect()
}

fn number(reader: &mut impl BufRead, sign: char) -> Option<usize> {
    let mut text = String::new();
    reader.read_line(&mut text).ok()?;
    text.strip_prefix(sign)?.trim_end().parse().ok()
}
