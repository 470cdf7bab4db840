//! As much of `curl` as the printed lines use: `curl -i [-H 'Name: value'] http://host:port/path`.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
};

#[derive(Debug)]
pub(crate) struct Curl {
    header: Option<String>,
    host: String,
    path: String,
}

impl Curl {
    pub(crate) fn parse(line: &str) -> Self {
        let rest = line
            .strip_prefix("curl -i ")
            .unwrap_or_else(|| panic!("no curl line: {line}"));
        let (header, url) = match rest.strip_prefix("-H '") {
            Some(quoted) => {
                let (header, url) = quoted.split_once("' ").expect("a closing quote");
                (Some(header.to_owned()), url)
            }
            None => (None, rest),
        };
        let address = url.strip_prefix("http://").expect("an http URL");
        let (host, path) = address.split_once('/').expect("a path");
        assert!(!path.contains(' '), "{line}");
        Self {
            header,
            host: host.to_owned(),
            path: format!("/{path}"),
        }
    }

    /// The answer's status.
    pub(crate) fn run(&self) -> u16 {
        let mut stream = TcpStream::connect(&self.host).expect("a listener");
        let header = self
            .header
            .iter()
            .map(|header| format!("{header}\r\n"))
            .collect::<String>();
        let Self { host, path, .. } = self;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{header}\r\n");
        stream
            .write_all(request.as_bytes())
            .expect("an open connection");
        let mut status = String::new();
        BufReader::new(stream)
            .read_line(&mut status)
            .expect("an answer");
        let code = status.split(' ').nth(1).expect("a status line");
        code.parse().expect("a status")
    }
}
