//! A server that speaks as much of Redis as a test wants.

use std::{
    collections::HashMap,
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
    replies: Mutex<HashMap<&'static str, Reply>>,
    otherwise: Mutex<Reply>,
    commands: Mutex<Vec<Vec<String>>>,
    connections: Mutex<Vec<TcpStream>>,
    closed: AtomicUsize,
}

impl Fake {
    /// Answers each `SET` with `reply`, and everything else with `OK`.
    pub(super) fn new(reply: impl Into<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let this = Self(Arc::new(Shared {
            port: listener.local_addr().unwrap().port(),
            replies: Mutex::new(HashMap::from([("SET", reply.into())])),
            otherwise: Mutex::new(Reply::from("+OK\r\n")),
            commands: Mutex::default(),
            connections: Mutex::default(),
            closed: AtomicUsize::new(0),
        }));
        let fake = this.clone();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (fake, connection) = (fake.clone(), connection.unwrap());
                let kept = connection.try_clone().unwrap();
                fake.0.connections.lock().unwrap().push(kept);
                thread::spawn(move || {
                    fake.serve(connection);
                    fake.0.closed.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        this
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.0.port)
    }

    pub(super) fn port(&self) -> u16 {
        self.0.port
    }

    /// Sets the reply to `SET`.
    pub(super) fn reply(&self, reply: impl Into<Reply>) {
        self.reply_to("SET", reply);
    }

    pub(super) fn reply_to(&self, command: &'static str, reply: impl Into<Reply>) {
        self.0.replies.lock().unwrap().insert(command, reply.into());
    }

    /// Sets the reply to the other commands.
    pub(super) fn otherwise(&self, reply: impl Into<Reply>) {
        *self.0.otherwise.lock().unwrap() = reply.into();
    }

    pub(super) fn commands(&self) -> Vec<Vec<String>> {
        self.0.commands.lock().unwrap().clone()
    }

    /// The commands of one name.
    pub(super) fn count(&self, name: &str) -> usize {
        let commands = self.0.commands.lock().unwrap();
        commands.iter().filter(|command| command[0] == name).count()
    }

    /// How many connections were made.
    pub(super) fn connections(&self) -> usize {
        self.0.connections.lock().unwrap().len()
    }

    /// How many of them the client has closed, or the server by [`Reply::Close`].
    pub(super) fn closed(&self) -> usize {
        self.0.closed.load(Ordering::SeqCst)
    }

    /// Sends something on every connection that is no reply to a command.
    pub(super) fn send(&self, text: &str) {
        for mut connection in self.0.connections.lock().unwrap().iter() {
            let _ = connection.write_all(text.as_bytes());
        }
    }

    /// Ends the replies on every connection; the server still listens.
    pub(super) fn end_replies(&self) {
        for connection in self.0.connections.lock().unwrap().iter() {
            let _ = connection.shutdown(Shutdown::Write);
        }
    }

    fn serve(&self, connection: TcpStream) {
        let mut reader = BufReader::new(connection.try_clone().unwrap());
        while let Some(command) = command(&mut reader) {
            let reply = self.0.replies.lock().unwrap().get(&*command[0]).cloned();
            let reply = reply.unwrap_or_else(|| self.0.otherwise.lock().unwrap().clone());
            self.0.commands.lock().unwrap().push(command);
            match reply {
                Reply::Bytes(bytes) => drop((&connection).write_all(&bytes)),
                Reply::Silence => {}
                Reply::Close => {
                    let _ = connection.shutdown(Shutdown::Both);
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

impl From<String> for Reply {
    fn from(text: String) -> Self {
        Self::Bytes(text.into())
    }
}

/// Reads `*2`, then `$3`, `GET`, `$1`, `k`. Returns `None` at the end and for anything else.
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

/// A bulk string.
pub(super) fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}
