//! The table through [`Verifier::authenticate`] and [`Verifier::authenticate_now`], as a gateway
//! without a framework calls them: in this process, and from behind a bare HTTP server. Each case
//! names its requirements.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use http::{Response, header::AUTHORIZATION, request::Parts};
use http_body_util::Empty;
use hyper::{body::Bytes, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use okta_verifier::{Policy, Presented, Rejection, VerifiedToken, Verifier};
use okta_verifier_testing::conformance::{self, Answer, Issuers, Request};
use serde::Deserialize;
use tokio::net::TcpListener;

#[tokio::test]
async fn the_conformance_table() {
    let issuers = Issuers::new();
    let gateway = Gateway::new(issuers.verifier());
    let ask = async |request: &Request| Some(call(&gateway, request).await);
    conformance::run(&issuers, ask).await.assert();
}

/// Nothing is another where the verifier is not asked first whether it can decide at once.
#[tokio::test]
async fn the_conformance_table_with_authenticate_alone() {
    let issuers = Issuers::new();
    let gateway = Gateway {
        asks_now: false,
        ..Gateway::new(issuers.verifier())
    };
    let ask = async |request: &Request| Some(call(&gateway, request).await);
    conformance::run(&issuers, ask).await.assert();
}

#[tokio::test]
async fn the_conformance_table_over_a_socket() {
    let issuers = Issuers::new();
    let address = serve(Gateway::new(issuers.verifier())).await;
    conformance::run_server(&issuers, address).await.assert();
}

async fn call(gateway: &Gateway, request: &Request) -> Answer {
    let lines: Vec<&[u8]> = request.authorization().collect();
    match gateway.admit(request.path(), &lines, request.query()).await {
        Ok(()) => Answer::new(200, [("", ""); 0], ""),
        Err(rejection) => {
            let fields = rejection
                .headers()
                .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
            Answer::new(rejection.status().as_u16(), fields, "")
        }
    }
}

async fn serve(gateway: Gateway) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let gateway = gateway.clone();
            let service = service_fn(move |request: http::Request<_>| {
                let (gateway, parts) = (gateway.clone(), request.into_parts().0);
                async move { Ok::<_, Infallible>(respond(&gateway, &parts).await) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

async fn respond(gateway: &Gateway, parts: &Parts) -> Response<Empty<Bytes>> {
    let lines = parts.headers.get_all(AUTHORIZATION).iter();
    let lines: Vec<&[u8]> = lines.map(|value| value.as_bytes()).collect();
    match gateway
        .admit(parts.uri.path(), &lines, parts.uri.query())
        .await
    {
        Ok(()) => Response::default(),
        Err(rejection) => rejection.into_response(),
    }
}

#[derive(Clone)]
struct Gateway {
    verifier: Verifier,
    asks_now: bool,
}

impl Gateway {
    fn new(verifier: Verifier) -> Self {
        Self {
            verifier,
            asks_now: true,
        }
    }

    async fn admit(
        &self,
        path: &str,
        authorization: &[&[u8]],
        query: Option<&str>,
    ) -> Result<(), Rejection> {
        let policy = match path {
            "/health" => return Ok(()),
            "/forgotten" => return Policy::any_token().admit(None, None),
            "/orders" | "/maybe/orders" => Policy::scope("orders:read"),
            "/admin" => Policy::group("Admins"),
            "/transfer" => TRANSFER,
            _ => Policy::any_token(),
        };
        if path.starts_with("/maybe") && authorization.is_empty() {
            return match path {
                "/maybe" => Ok(()),
                _ => policy.admit(None, Some(&self.verifier.anonymous())),
            };
        }
        let presented = Presented::new(authorization.iter().copied()).query(query);
        let token = self.authenticate(&presented).await?;
        policy.admit(Some(&token), None)?;
        if path == "/claims" {
            let employee = token.claims::<Employee>();
            employee.map_err(|error| Rejection::unreadable_claims(&error))?;
        }
        Ok(())
    }

    async fn authenticate(&self, presented: &Presented<'_>) -> Result<VerifiedToken, Rejection> {
        if self.asks_now
            && let Some(decided) = self.verifier.authenticate_now(presented)
        {
            return decided;
        }
        self.verifier.authenticate(presented).await
    }
}

const TRANSFER: Policy = Policy::all(&[
    Policy::scope("orders:read"),
    Policy::acr(&["phrh", "phr"]),
    Policy::max_age(Duration::from_secs(300)),
]);

#[derive(Deserialize)]
struct Employee {
    #[serde(rename = "department")]
    _department: String,
}
