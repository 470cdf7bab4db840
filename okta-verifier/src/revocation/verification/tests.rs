//! The requests, under a paused clock.
