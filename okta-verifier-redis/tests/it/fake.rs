//! A fake Redis server whose replies the test sets.

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

/// The length at which the server ends an endless reply, so that a test ends even if the client reads
/// all of it.
const ENDLESS: usize = 64 << 20;

#[derive(Clone, Debug)]
pub(super) enum Reply {
    Bytes(Vec<u8>),
    /// This text, and then more bytes until the client closes the connection.
    Endless(&'static str),
    /// The command's argument.
    Echo,
    EchoAndClose,
    Silence,
    Close,
}

#[derive(Clone)]
pub(super) struct Fake(Arc<Shared>);

struct Shared {
    port: u16,
    replies: Mutex<HashMap<&'static str, Reply>>,
    otherwise: Mutex<Reply>,
    greeting: Mutex<Reply>,
    commands: Mutex<Vec<Vec<String>>>,
    connections: Mutex<Vec<TcpStream>>,
    closed: AtomicUsize,
    /// The bytes of endless replies that were written to the sockets.
    flooded: AtomicUsize,
}

impl Fake {
    /// Replies to each `SET` with `reply`, to `PING` with its text, and to every other command with
    /// `OK`.
    pub(super) fn new(reply: impl Into<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let this = Self(Arc::new(Shared {
            port: listener.local_addr().unwrap().port(),
            replies: Mutex::new(HashMap::from([
                ("SET", reply.into()),
                ("PING", Reply::Echo),
            ])),
            otherwise: Mutex::new(Reply::from("+OK\r\n")),
            greeting: Mutex::new(Reply::Silence),
            commands: Mutex::default(),
            connections: Mutex::default(),
            closed: AtomicUsize::new(0),
            flooded: AtomicUsize::new(0),
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

    /// Sets the reply to all other commands.
    pub(super) fn otherwise(&self, reply: impl Into<Reply>) {
        *self.0.otherwise.lock().unwrap() = reply.into();
    }

    /// Sets what the server sends on each new connection before the first command.
    pub(super) fn greeting(&self, reply: impl Into<Reply>) {
        *self.0.greeting.lock().unwrap() = reply.into();
    }

    /// Returns the commands other than `PING`.
    pub(super) fn commands(&self) -> Vec<Vec<String>> {
        let mut commands = self.0.commands.lock().unwrap().clone();
        commands.retain(|command| command[0] != "PING");
        commands
    }

    /// Returns the commands with this name.
    pub(super) fn count(&self, name: &str) -> usize {
        let commands = self.0.commands.lock().unwrap();
        commands.iter().filter(|command| command[0] == name).count()
    }

    /// Returns the number of connections that were made.
    pub(super) fn connections(&self) -> usize {
        self.0.connections.lock().unwrap().len()
    }

    /// Returns the number of connections that the client has closed, or the server by [`Reply::Close`].
    pub(super) fn closed(&self) -> usize {
        self.0.closed.load(Ordering::SeqCst)
    }

    /// Sends a text that is not a reply to a command, on every connection.
    pub(super) fn send(&self, text: &str) {
        for mut connection in self.0.connections.lock().unwrap().iter() {
            let _ = connection.write_all(text.as_bytes());
        }
    }

    /// Sends an endless reply on the first connection.
    pub(super) fn flood(&self, begin: &'static str) {
        let connection = self.0.connections.lock().unwrap()[0].try_clone().unwrap();
        let fake = self.clone();
        thread::spawn(move || fake.answer(&connection, Reply::Endless(begin), &[]));
    }

    /// Returns the number of bytes of endless replies that were sent.
    pub(super) fn flooded(&self) -> usize {
        self.0.flooded.load(Ordering::SeqCst)
    }

    /// Closes every connection for writing. The server still accepts new connections.
    pub(super) fn end_replies(&self) {
        for connection in self.0.connections.lock().unwrap().iter() {
            let _ = connection.shutdown(Shutdown::Write);
        }
    }

    fn serve(&self, connection: TcpStream) {
        let mut reader = BufReader::new(connection.try_clone().unwrap());
        let greeting = self.0.greeting.lock().unwrap().clone();
        self.answer(&connection, greeting, &[]);
        while let Some(command) = command(&mut reader) {
            let reply = self.0.replies.lock().unwrap().get(&*command[0]).cloned();
            let reply = reply.unwrap_or_else(|| self.0.otherwise.lock().unwrap().clone());
            self.0.commands.lock().unwrap().push(command.clone());
            self.answer(&connection, reply, &command);
        }
    }

    fn answer(&self, mut connection: &TcpStream, reply: Reply, command: &[String]) {
        let echo = || bulk(command.last().map_or("", String::as_str));
        let closes = matches!(reply, Reply::EchoAndClose | Reply::Close);
        match reply {
            Reply::Bytes(bytes) => drop(connection.write_all(&bytes)),
            Reply::Echo | Reply::EchoAndClose => drop(connection.write_all(echo().as_bytes())),
            Reply::Endless(begin) => {
                let _ = connection.write_all(begin.as_bytes());
                let piece = [b'x'; 1 << 14];
                for _ in 0..ENDLESS / piece.len() {
                    if connection.write_all(&piece).is_err() {
                        break;
                    }
                    self.0.flooded.fetch_add(piece.len(), Ordering::SeqCst);
                }
            }
            Reply::Silence | Reply::Close => {}
        }
        if closes {
            let _ = connection.shutdown(Shutdown::Both);
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

/// Parses a command such as `*2`, `$3`, `GET`, `$1`, `k`. Returns `None` at the end of the stream and
/// for anything else.
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

/// Returns a bulk string.
pub(super) fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}
