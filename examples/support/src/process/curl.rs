//! The subset of `curl` that the printed lines use:
//! `curl -i [--fail --retry N --retry-all-errors] [-X METHOD] [-H 'Name: value']... [-d 'body'] http://host:port/path`.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

/// The time before the first retry, which doubles each time. That of `curl` is a second.
const RETRY_DELAY: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(crate) struct Curl {
    retries: u32,
    method: String,
    headers: Vec<String>,
    body: String,
    host: String,
    path: String,
}

impl Curl {
    pub(crate) fn parse(line: &str) -> Self {
        let mut rest = line
            .strip_prefix("curl -i ")
            .unwrap_or_else(|| panic!("not a curl line: {line}"));
        let mut retries = 0;
        if let Some(options) = rest.strip_prefix("--fail --retry ") {
            let (number, after) = options
                .split_once(" --retry-all-errors ")
                .expect("retries for every error");
            (retries, rest) = (number.parse().expect("a number"), after);
        }
        let mut method = "GET";
        if let Some(named) = rest.strip_prefix("-X ") {
            (method, rest) = named.split_once(' ').expect("a method");
        }
        let mut headers = Vec::new();
        while let Some(quoted) = rest.strip_prefix("-H '") {
            let (header, after) = quoted.split_once("' ").expect("a closing quote");
            headers.push(header.to_owned());
            rest = after;
        }
        let mut body = "";
        if let Some(quoted) = rest.strip_prefix("-d '") {
            (body, rest) = quoted.split_once("' ").expect("a closing quote");
            method = "POST";
        }
        let address = rest.strip_prefix("http://").expect("an http URL");
        let (host, path) = address.split_once('/').expect("a path");
        assert!(!path.contains(' '), "{line}");
        Self {
            retries,
            method: method.to_owned(),
            headers,
            body: body.to_owned(),
            host: host.to_owned(),
            path: format!("/{path}"),
        }
    }

    pub(crate) fn run(&self) -> Answer {
        let mut answer = self.send();
        for retry in 0..self.retries {
            if answer.status < 400 {
                break;
            }
            thread::sleep(RETRY_DELAY * 2_u32.pow(retry));
            answer = self.send();
        }
        answer
    }

    fn send(&self) -> Answer {
        let mut stream = TcpStream::connect(&self.host).expect("a listener");
        let fields = self.headers.iter().map(|header| format!("{header}\r\n"));
        let mut fields: String = fields.collect();
        let Self {
            method,
            host,
            path,
            body,
            ..
        } = self;
        if !body.is_empty() {
            fields += &format!("Content-Length: {}\r\n", body.len());
        }
        let start = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        stream
            .write_all(format!("{start}{fields}\r\n{body}").as_bytes())
            .expect("the connection is open");
        let lines = BufReader::new(stream)
            .lines()
            .map(|line| line.expect("UTF-8"));
        let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        let code = head.first().and_then(|line| line.split(' ').nth(1));
        let status = code.expect("a status line").parse().expect("a status");
        Answer { status, head }
    }
}

/// The head of a response.
#[derive(Debug)]
#[non_exhaustive]
pub struct Answer {
    /// The status, such as 200.
    pub status: u16,
    head: Vec<String>,
}

impl Answer {
    /// Returns the value of the first line of a field. The name is case-insensitive.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields(name).next()
    }

    /// Returns the values of all lines of a field.
    pub fn fields(&self, name: &str) -> impl Iterator<Item = &str> {
        let lines = self.head.iter().skip(1);
        let lines = lines.filter_map(|line| line.split_once(':'));
        lines
            .filter(move |(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}
