//! `McpLayer`: bodies, the order of the checks, policies of what is called, sessions and streams.

mod body;
mod events;
mod methods;
mod order;
mod readiness;
mod sessions;
mod socket;
mod streams;
mod support;
mod tools;
