//! tonic on a loopback socket, and its clients.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use http::{Method, Request, Response, header::AUTHORIZATION, uri::PathAndQuery};
use okta_verifier::{Policy, VerifiedToken, Verifier};
use okta_verifier_tower::{RequireLayer, VerifyLayer};
use tokio::net::TcpListener;
use tonic::{
    Status,
    body::Body,
    client,
    codegen::{
        BoxFuture,
        tokio_stream::{self, Stream},
    },
    server::{self, NamedService},
    service::{LayerExt, Routes},
    transport::{Channel, Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn, util::option_layer};

const WHOAMI: &str = "/test.Whoami/Get";
const OPEN: &str = "/test.Open/Get";

/// A server and one connection to it. The server ends with the test's runtime.
pub(crate) struct Api {
    pub(crate) address: String,
    pub(crate) channel: Channel,
}

impl Api {
    /// Serves all services behind both layers, with `grpc` on.
    pub(crate) async fn new(verifier: Verifier, policy: Policy) -> Self {
        let verify = VerifyLayer::new(verifier).grpc();
        Self::layered(Some(verify), RequireLayer::new(policy).grpc()).await
    }

    /// Serves all services without `VerifyLayer`.
    pub(crate) async fn unverified(policy: Policy) -> Self {
        Self::layered(None, RequireLayer::new(policy).grpc()).await
    }

    /// Serves all services behind these layers.
    pub(crate) async fn layered(verify: Option<VerifyLayer>, require: RequireLayer) -> Self {
        let layers = ServiceBuilder::new()
            .layer(option_layer(verify))
            .layer(require);
        Self::serve(layers.service(Routes::new(Whoami))).await
    }

    /// Serves `test.Whoami` behind both layers, and `test.Open` without any.
    pub(crate) async fn with_an_open_service(verifier: Verifier, policy: Policy) -> Self {
        let layers = ServiceBuilder::new()
            .layer(VerifyLayer::new(verifier).grpc())
            .layer(RequireLayer::new(policy).grpc());
        Self::serve(Routes::new(layers.named_layer(Whoami)).add_service(Open(Whoami))).await
    }

    async fn serve<S>(service: S) -> Self
    where
        S: Service<Request<Body>, Response: Into<Response<Body>>, Error = Infallible>,
        S: Clone + Send + 'static,
        S::Future: Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        let address = listener.local_addr().expect("bound").to_string();
        let server = Server::builder().accept_http1(true).serve_with_incoming(
            service.map_response(Into::into),
            TcpIncoming::from(listener),
        );
        tokio::spawn(server);
        let channel = Channel::from_shared(format!("http://{address}")).expect("the URI is valid");
        let channel = channel.connect().await.expect("a listener");
        Self { address, channel }
    }

    /// Calls `test.Whoami/Get` with these values of the metadata `authorization`.
    pub(crate) async fn call(&self, authorization: &[&str]) -> Result<String, Status> {
        let request = tokio_stream::once(());
        self.call_method(WHOAMI, request, authorization).await
    }

    /// Calls `test.Open/Get`, which has no layer.
    pub(crate) async fn call_open(&self) -> Result<String, Status> {
        self.call_method(OPEN, tokio_stream::once(()), &[]).await
    }

    /// Calls `test.Whoami/Get` with a request that never ends.
    pub(crate) async fn call_endless(&self) -> Result<String, Status> {
        self.call_method(WHOAMI, tokio_stream::pending(), &[]).await
    }

    async fn call_method(
        &self,
        method: &'static str,
        messages: impl Stream<Item = ()> + Send + 'static,
        authorization: &[&str],
    ) -> Result<String, Status> {
        let mut client = client::Grpc::new(self.channel.clone());
        client.ready().await.expect("a connection");
        let mut request = tonic::Request::new(messages);
        for value in authorization {
            let value = value.parse().expect("ASCII");
            request.metadata_mut().append(AUTHORIZATION.as_str(), value);
        }
        let (method, codec) = (PathAndQuery::from_static(method), ProstCodec::default());
        let response = client.client_streaming(request, method, codec).await;
        response.map(tonic::Response::into_inner)
    }

    /// Sends an empty request with these headers over HTTP/2 and returns the response unchanged.
    pub(crate) async fn send(&self, method: Method, headers: &[(&str, &str)]) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(WHOAMI);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::default()).expect("the request is valid");
        let response = self.channel.clone().oneshot(request).await;
        response.expect("a response")
    }
}

/// What `tonic-prost-build` would generate for a service `test.Whoami` with one method. The messages are
/// protobuf's `Empty` and `StringValue`.
#[derive(Clone)]
struct Whoami;

impl NamedService for Whoami {
    const NAME: &'static str = "test.Whoami";
}

impl Service<Request<Body>> for Whoami {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut server = server::Grpc::new(ProstCodec::<String, ()>::default());
            Ok(server.unary(service_fn(whoami), request).await)
        })
    }
}

/// A handler that responds with the token's subject.
async fn whoami(request: tonic::Request<()>) -> Result<tonic::Response<String>, Status> {
    let token = request.extensions().get::<VerifiedToken>();
    let subject = token.map_or("anonymous", VerifiedToken::subject);
    Ok(tonic::Response::new(subject.to_owned()))
}

/// The same service under another name.
#[derive(Clone)]
struct Open(Whoami);

impl NamedService for Open {
    const NAME: &'static str = "test.Open";
}

impl Service<Request<Body>> for Open {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.0.call(request)
    }
}
