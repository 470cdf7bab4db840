//! Several texts in one allocation: a remembered token is to be small, and made at once.

/// `N` texts.
pub(super) struct Texts<const N: usize> {
    all: Box<str>,
    ends: [usize; N],
}

impl<const N: usize> Texts<N> {
    pub(super) fn new(texts: [&str; N]) -> Self {
        let mut all = String::with_capacity(texts.iter().map(|text| text.len()).sum());
        let ends = texts.map(|text| {
            all.push_str(text);
            all.len()
        });
        Self {
            all: all.into_boxed_str(),
            ends,
        }
    }

    /// The same, but for one.
    pub(super) fn with(&self, place: usize, text: &str) -> Self {
        let mut texts = std::array::from_fn(|place| self.get(place));
        texts[place] = text;
        Self::new(texts)
    }

    pub(super) fn get(&self, place: usize) -> &str {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[start..self.ends[place]]
    }

    /// `None` for an empty one.
    pub(super) fn present(&self, place: usize) -> Option<&str> {
        Some(self.get(place)).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_found_in_its_place() {
        let texts = Texts::new(["", "ada", "", "größer", ""]);
        let found: Vec<_> = (0..5).map(|place| texts.get(place)).collect();
        assert_eq!(found, ["", "ada", "", "größer", ""]);
        assert_eq!(texts.present(1), Some("ada"));
        assert_eq!(texts.present(2), None);
        let other = texts.with(3, "x");
        let found: Vec<_> = (0..5).map(|place| other.get(place)).collect();
        assert_eq!(found, ["", "ada", "", "x", ""]);
    }
}
