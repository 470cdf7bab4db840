//! Requests to the issuer, as they are sent, and the responses that are accepted.

mod ca_certificates;
mod http_client;
mod plain_http;
