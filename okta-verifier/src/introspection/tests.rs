//! Under a clock that stands still, with an issuer that answers by a script.

mod answer;
mod failure;
mod flight;
mod flood;
mod gate;
mod issuer;
mod settings;
