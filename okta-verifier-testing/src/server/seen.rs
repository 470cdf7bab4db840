//! A bounded set of used names.

use std::collections::{HashSet, VecDeque};

/// The names that were used last. A server that runs for long forgets the oldest ones.
#[derive(Debug, Default)]
pub(super) struct Seen {
    names: HashSet<String>,
    order: VecDeque<String>,
}

impl Seen {
    /// Adds a name. Returns `false` if the set has it already.
    pub(super) fn insert(&mut self, name: &str) -> bool {
        if !self.names.insert(name.to_owned()) {
            return false;
        }
        self.order.push_back(name.to_owned());
        if self.order.len() > LIMIT
            && let Some(oldest) = self.order.pop_front()
        {
            self.names.remove(&oldest);
        }
        true
    }
}

const LIMIT: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seen_names_are_found_until_they_are_the_oldest() {
        let mut seen = Seen::default();
        assert!(seen.insert("first"));
        for number in 1..LIMIT {
            assert!(seen.insert(&number.to_string()));
        }
        assert!(!seen.insert("first"));
        assert!(seen.insert("one more"));
        assert!(seen.insert("first"));
        assert_eq!(seen.names.len(), LIMIT);
    }
}
