//! The package `orders.v1`, as tonic-prost-build generates it from `.proto` files.
#![allow(unreachable_pub)]

/// `message Empty {}`
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Empty {}

/// `message Text { string text = 1; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Text {
    #[prost(string, tag = "1")]
    pub text: String,
}

/// The user or service that makes the call, as the token describes it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Identity {
    #[prost(string, tag = "1")]
    pub subject: String,
    #[prost(string, optional, tag = "2")]
    pub client_id: Option<String>,
    #[prost(string, repeated, tag = "3")]
    pub scopes: Vec<String>,
    #[prost(string, repeated, tag = "4")]
    pub groups: Vec<String>,
    #[prost(bool, tag = "5")]
    pub is_user: bool,
}

tonic::include_proto!("orders.v1.Health");
tonic::include_proto!("orders.v1.Orders");
tonic::include_proto!("orders.v1.Admin");
