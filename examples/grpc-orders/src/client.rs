//! `grpc-orders client URL METHOD [TOKEN]`: makes one call and prints its status and response.

use std::{
    fmt::Write as _,
    io::{self, Write},
    process::ExitCode,
};

use tonic::{Code, Request, Status, metadata::MetadataValue, transport::Endpoint};

use crate::proto::{
    Empty, Identity, Text, admin_client::AdminClient, health_client::HealthClient,
    orders_client::OrdersClient,
};

/// Prints `grpc-status: N` and the details. The exit code is also `N`.
pub(crate) async fn run(url: &str, method: &str, token: Option<&str>) -> ExitCode {
    let Some(answer) = call(url, method, token).await else {
        return usage();
    };
    let code = answer.as_ref().map_or_else(Status::code, |_| Code::Ok);
    let text = answer.unwrap_or_else(|status| describe(&status));
    let text = format!("grpc-status: {}\n{text}", i32::from(code));
    // Ignores a closed stdout, as in `| head`, so that the exit code stays the gRPC status.
    let _ = writeln!(io::stdout(), "{}", text.trim_end());
    u8::try_from(i32::from(code)).map_or(ExitCode::FAILURE, ExitCode::from)
}

pub(crate) fn usage() -> ExitCode {
    eprintln!("usage: grpc-orders");
    eprintln!("       grpc-orders client http://HOST:PORT health|me|orders|admin [TOKEN]");
    ExitCode::FAILURE
}

/// Calls `method`. Returns `None` if there is no such method.
async fn call(url: &str, method: &str, token: Option<&str>) -> Option<Result<String, Status>> {
    let request = match request(token) {
        Ok(request) => request,
        Err(status) => return Some(Err(status)),
    };
    let channel = match Endpoint::from_shared(url.to_owned()) {
        Ok(endpoint) => endpoint.connect_lazy(),
        Err(error) => return Some(Err(Status::invalid_argument(format!("{url}: {error}")))),
    };
    Some(match method {
        "health" => shown(HealthClient::new(channel).check(request).await, text),
        "me" => shown(OrdersClient::new(channel).me(request).await, identity),
        "orders" => shown(OrdersClient::new(channel).list(request).await, text),
        "admin" => shown(AdminClient::new(channel).greet(request).await, text),
        _ => return None,
    })
}

fn request(token: Option<&str>) -> Result<Request<Empty>, Status> {
    let mut request = Request::new(Empty {});
    if let Some(token) = token {
        let value = MetadataValue::try_from(format!("Bearer {token}")).map_err(|_| {
            Status::invalid_argument("the token has a character that is not allowed in a header")
        })?;
        request.metadata_mut().insert("authorization", value);
    }
    Ok(request)
}

fn shown<M>(
    answer: Result<tonic::Response<M>, Status>,
    show: fn(M) -> String,
) -> Result<String, Status> {
    answer.map(|answer| show(answer.into_inner()))
}

fn text(message: Text) -> String {
    message.text
}

fn identity(message: Identity) -> String {
    format!("{message:?}")
}

/// Returns the message, the challenge and `Retry-After`, which tell the client what to do.
fn describe(status: &Status) -> String {
    let mut text = status.message().to_owned();
    for name in ["www-authenticate", "retry-after"] {
        for value in status.metadata().get_all(name) {
            let value = value.to_str().unwrap_or("(not ASCII)");
            let _ = write!(text, "\n{name}: {value}");
        }
    }
    text.trim_start().to_owned()
}
