//! The API's listener: loopback, on the port of the environment variable `PORT`.

use std::{
    env,
    error::Error,
    io::ErrorKind,
    net::{Ipv4Addr, TcpListener},
};

const DEFAULT_PORT: u16 = 3000;

/// Returns a non-blocking listener.
///
/// # Errors
///
/// Returns an error if `PORT` is not a port number, if the port is taken, or if no socket is available.
pub fn listen() -> Result<TcpListener, Box<dyn Error>> {
    let port = match env::var("PORT") {
        Ok(text) => parse(&text)?,
        Err(env::VarError::NotPresent) => DEFAULT_PORT,
        Err(error) => return Err(format!("PORT: {error}").into()),
    };
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => taken(port),
            _ => format!("cannot listen on 127.0.0.1:{port}: {error}"),
        })?;
    listener.set_nonblocking(true)?; // tokio requires it
    Ok(listener)
}

fn taken(port: u16) -> String {
    let next = port.checked_add(1).unwrap_or(DEFAULT_PORT);
    format!(
        "port {port} on 127.0.0.1 is taken; choose another one, such as PORT={next}, \
         or PORT=0 for any free one"
    )
}

fn parse(text: &str) -> Result<u16, String> {
    text.parse()
        .map_err(|_| format!("PORT must be a number from 0 to 65535, not {text:?}"))
}
