//! The conformance table through [`Verifier::authenticate`], as a gateway without a framework calls
//! it: in this process, and behind a bare HTTP server. Each case names its requirements.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use http::{Response, request::Parts};
use http_body_util::Empty;
use hyper::{body::Bytes, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use okta_verifier::{
    Policy, ProblemDetails, Rejection, VerifiedToken, Verifier, VerifyError,
    adapter::{Anonymous, Mount, RequestCredentials},
};
use okta_verifier_testing::{
    MockOkta,
    conformance::{self, Answer, Issuers, Request},
};
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpListener;

#[tokio::test]
async fn conformance_table_is_answered() {
    in_process(&Issuers::new()).await;
}

#[tokio::test]
async fn conformance_table_of_bound_tokens_is_answered() {
    in_process(&Issuers::bound()).await;
}

#[tokio::test]
async fn conformance_table_of_bound_tokens_is_answered_over_a_socket() {
    over_a_socket(&Issuers::bound()).await;
}

#[tokio::test]
async fn conformance_table_of_providers_is_answered() {
    in_process(&Issuers::providers()).await;
}

#[tokio::test]
async fn conformance_table_of_providers_is_answered_over_a_socket() {
    over_a_socket(&Issuers::providers()).await;
}

#[tokio::test]
async fn conformance_table_of_resources_is_answered() {
    in_process(&resources()).await;
}

#[tokio::test]
async fn conformance_table_of_resources_is_answered_over_a_socket() {
    over_a_socket(&resources()).await;
}

#[tokio::test]
async fn conformance_table_of_introspection_is_answered() {
    let okta = MockOkta::start().await;
    in_process(&Issuers::asking(&okta)).await;
    // The verifier is new, so nothing is cached from the first run.
    over_a_socket(&Issuers::asking(&okta)).await;
}

/// The responses are the same if the caller awaits `authenticate` without calling `into_ready`.
#[tokio::test]
async fn conformance_table_is_answered_with_authenticate_alone() {
    let issuers = Issuers::new();
    let gateway = Gateway {
        asks_now: false,
        ..Gateway::new(issuers.verifier())
    };
    let respond = async |request: &Request| Some(call(&gateway, request).await);
    conformance::run(&issuers, respond).await.assert();
}

#[tokio::test]
async fn conformance_table_is_answered_over_a_socket() {
    over_a_socket(&Issuers::new()).await;
}

/// Returns the issuers of the table of resources, whose audiences are public.
fn resources() -> Issuers {
    secret_scan::public(FILES);
    secret_scan::public(MAIL);
    Issuers::resources()
}

async fn in_process(issuers: &Issuers) {
    let gateway = Gateway::new(issuers.verifier());
    let respond = async |request: &Request| Some(call(&gateway, request).await);
    conformance::run(issuers, respond).await.assert();
}

async fn over_a_socket(issuers: &Issuers) {
    let address = serve(Gateway::new(issuers.verifier())).await;
    conformance::run_server(issuers, address).await.assert();
}

async fn call(gateway: &Gateway, request: &Request) -> Answer {
    let target = request.target();
    let lines = |name: &str| {
        let of = request
            .fields()
            .filter(|(field, _)| field.eq_ignore_ascii_case(name));
        of.map(|(_, value)| value).collect()
    };
    let call = Call {
        method: request.method(),
        target: &target,
        authorization: lines("authorization"),
        dpop: lines("dpop"),
        certificate: request.client_certificate(),
        client_cert: Vec::new(),
        peer: Some(request.peer()),
    };
    let result = gateway.admit(&call).await;
    secret_scan::assert_rejection_event(result.as_ref().err());
    match result {
        Ok(()) => Answer::new(200, [("", ""); 0], ""),
        Err(rejection) => {
            assert_body_repeats_the_challenge(&rejection);
            let fields = rejection
                .headers()
                .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
            let code = rejection.error().map(VerifyError::code);
            Answer::new(rejection.status().as_u16(), fields, "").code(code)
        }
    }
}

/// Asserts that the problem details say what the status and the challenges say, and nothing else. The
/// challenges are read by the crate http-auth.
fn assert_body_repeats_the_challenge(rejection: &Rejection) {
    let status = rejection.status();
    let mut expected = BTreeMap::from([
        ("type".to_owned(), Value::from("about:blank")),
        ("title".to_owned(), Value::from(status.canonical_reason())),
        ("status".to_owned(), Value::from(status.as_u16())),
    ]);
    let headers: Vec<_> = rejection.headers().collect();
    for (_, value) in headers
        .iter()
        .filter(|(name, _)| name == "www-authenticate")
    {
        let challenges = http_auth::parse_challenges(value.to_str().expect("ASCII"));
        for (name, value) in challenges
            .expect("challenges")
            .into_iter()
            .flat_map(|it| it.params)
        {
            let text = value.to_unescaped();
            let value = match name {
                "realm" | "algs" => continue,
                "max_age" => Value::from(text.parse::<u64>().expect("seconds")),
                _ => Value::from(text),
            };
            expected.insert(name.to_owned(), value);
        }
    }
    let body = ProblemDetails::new().body(rejection);
    let body: BTreeMap<String, Value> = serde_json::from_str(&body).expect("a JSON object");
    assert_eq!(body, expected);
}

async fn serve(gateway: Gateway) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            let gateway = gateway.clone();
            let service = service_fn(move |request: http::Request<_>| {
                let (gateway, parts) = (gateway.clone(), request.into_parts().0);
                async move { Ok::<_, Infallible>(respond(&gateway, &parts, peer.ip()).await) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

async fn respond(gateway: &Gateway, parts: &Parts, peer: IpAddr) -> Response<Empty<Bytes>> {
    let lines = |name: &str| {
        let of = parts.headers.get_all(name).iter();
        of.map(|value| value.as_bytes()).collect()
    };
    let target = parts.uri.to_string();
    let call = Call {
        method: parts.method.as_str(),
        target: &target,
        authorization: lines("authorization"),
        dpop: lines("dpop"),
        certificate: None,
        client_cert: lines("client-cert"),
        peer: Some(peer),
    };
    match gateway.admit(&call).await {
        Ok(()) => Response::default(),
        Err(rejection) => rejection.into_response(),
    }
}

/// The parts of a request that a gateway passes to the verifier.
struct Call<'a> {
    method: &'a str,
    target: &'a str,
    authorization: Vec<&'a [u8]>,
    dpop: Vec<&'a [u8]>,
    certificate: Option<&'a [u8]>,
    client_cert: Vec<&'a [u8]>,
    peer: Option<IpAddr>,
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

    async fn admit(&self, call: &Call<'_>) -> Result<(), Rejection> {
        let (path, query) = match call.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (call.target, None),
        };
        let authorization = &call.authorization;
        let policy = match path {
            "/health" => return Ok(()),
            "/forgotten" => return Policy::any_token().admit(None, None).map(|_| ()),
            "/orders" | "/maybe/orders" | "/maybe/expired/orders" => Policy::scope("orders:read"),
            "/admin" => Policy::group("Admins"),
            "/transfer" => TRANSFER,
            "/bound" => Policy::bound(),
            "/files/write" | "/maybe/files/write" => WRITE,
            "/mail/send" => Policy::scope("mail:send"),
            "/mail/admin" => Policy::group("Admins"),
            "/mail/transfer" => STRONG,
            _ => Policy::any_token(),
        };
        let mount = Mount::new(self.verifier.clone());
        let mount = match path {
            "/files" | "/files/write" | "/maybe/files/write" => {
                mount.resource(FILES).require(Policy::scope("files:read"))
            }
            path if path.starts_with("/mail") => mount.resource(MAIL),
            _ => mount,
        };
        let admit_anonymous = |anonymous: &Anonymous| match path {
            "/maybe" | "/maybe/expired" => Ok(()),
            _ => policy.admit(None, Some(anonymous)).map(|_| ()),
        };
        if path.starts_with("/maybe") && authorization.is_empty() {
            return admit_anonymous(&mount.anonymous()?);
        }
        let mut credentials = RequestCredentials::new(authorization.iter().copied())
            .query(query)
            .request(call.method, call.target)
            .dpop(call.dpop.iter().copied())
            .client_cert(call.client_cert.iter().copied());
        if let Some(der) = call.certificate {
            credentials = credentials.client_certificate(der);
        }
        if let Some(peer) = call.peer {
            credentials = credentials.peer(peer);
        }
        if path.starts_with("/maybe/expired") {
            credentials = credentials.expired_as_anonymous();
        }
        let token = match self.authenticate(&mount, &credentials).await {
            Ok(token) => token,
            Err(rejection) => {
                let anonymous = rejection.as_anonymous().cloned().ok_or(rejection)?;
                return admit_anonymous(&anonymous);
            }
        };
        policy.admit(Some(&token), None)?;
        if path == "/claims" {
            let employee = token.claims::<Employee>();
            employee.map_err(|error| token.unreadable_claims(&error))?;
        }
        Ok(())
    }

    async fn authenticate(
        &self,
        mount: &Mount,
        credentials: &RequestCredentials<'_>,
    ) -> Result<VerifiedToken, Rejection> {
        let authentication = mount.authenticate(credentials);
        if !self.asks_now {
            return authentication.await;
        }
        match authentication.into_ready() {
            Ok(result) => result,
            Err(pending) => pending.await,
        }
    }
}

const FILES: &str = "https://api.example.com/files";
const MAIL: &str = "https://api.example.com/mail";
const WRITE: Policy = Policy::any(&[Policy::scope("files:write"), Policy::scope("files:admin")]);
const STRONG: Policy = Policy::all(&[
    Policy::acr(&["phrh", "phr"]),
    Policy::max_age(Duration::from_secs(300)),
]);
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
