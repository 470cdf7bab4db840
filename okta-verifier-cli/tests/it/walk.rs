//! What an operator sees of a rejected request: the response, the event in the log, the counter, and what the command
//! says about the token.

mod codes;
mod faults;
mod issuer;
mod service;
