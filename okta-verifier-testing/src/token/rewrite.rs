//! Changes to the JSON text itself, for what no value can say: duplicates, escapes, odd numbers.

use super::TokenBuilder;

impl TokenBuilder {
    /// The audience that the issuer writes, whatever edits do to `aud`.
    pub(crate) fn own_audience(&self) -> &str {
        &self.audience
    }

    /// Signs what `rewrite` makes of the header's text; later edits of the header do nothing.
    pub(crate) fn rewrite_header<T: Into<Vec<u8>>>(self, rewrite: impl Fn(String) -> T) -> Self {
        let header = self.header_of(self.ring.signer(self.algorithm));
        self.raw_header(rewrite(text(header)))
    }

    /// Signs what `rewrite` makes of the payload's text; later edits of the claims do nothing.
    pub(crate) fn rewrite_payload<T: Into<Vec<u8>>>(self, rewrite: impl Fn(String) -> T) -> Self {
        let payload = self.payload();
        self.raw_payload(rewrite(text(payload)))
    }
}

fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).expect("we wrote it")
}
