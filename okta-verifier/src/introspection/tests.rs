//! Under a clock that stands still, with an issuer that answers by a script.

mod answer;
mod confirm;
mod endpoint;
mod failure;
mod flight;
mod flood;
mod gate;
mod isolation;
mod issuer;
mod kind;
mod settings;
mod subject_kind;
