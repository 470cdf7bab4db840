//! Who takes part.

use std::path::PathBuf;

/// One verifier, in one setting.
#[derive(Clone, Debug)]
pub(crate) struct Contestant {
    /// As the tables show it.
    pub(crate) name: &'static str,
    pub(crate) program: Program,
    /// The package whose version the tables show.
    pub(crate) package: &'static str,
    pub(crate) role: Role,
    /// Who verifies the signature.
    pub(crate) crypto: &'static str,
    /// Its own cache of tokens is on.
    pub(crate) cached: bool,
    /// It fetches keys by itself.
    pub(crate) fetches: bool,
    /// It has a layer or an extractor for axum.
    pub(crate) layer: bool,
    /// Of `package`; filled in when it was built.
    pub(crate) version: String,
    /// Program and first arguments of its process; filled in when it was built.
    pub(crate) command: Vec<PathBuf>,
}

/// What to build and start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// This package of the workspace.
    Rust(&'static str),
    /// `node/peer.mjs` with this argument.
    Node(&'static str),
}

/// Why it takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The limit that all others are compared with.
    Raw,
    Ours,
    Neighbour,
}

/// Everybody, before anything was built.
pub(crate) fn all() -> Vec<Contestant> {
    vec![
        rust("peer-raw", "aws-lc-rs")
            .named("the signature alone")
            .role(Role::Raw)
            .given_keys(),
        rust("peer-okta-verifier", "okta-verifier")
            .named("okta-verifier, cached")
            .role(Role::Ours)
            .cached(),
        rust("peer-okta-verifier", "okta-verifier").role(Role::Ours),
        rust("peer-jwt-authorizer", "jwt-authorizer").by("ring"),
        rust("peer-aliri", "aliri").by("ring"),
        rust("peer-oauth-resource-server", "oauth-resource-server").by("ring"),
        rust("peer-huskarl-resource-server", "huskarl-resource-server").without_layer(),
        rust("peer-okta-jwt-verifier", "okta-jwt-verifier")
            .by("RustCrypto")
            .without_layer(),
        rust("peer-okta-jwt-verifier-aws-lc", "okta-jwt-verifier")
            .named("okta-jwt-verifier, other backend")
            .without_layer(),
        rust(
            "peer-tower-oauth2-resource-server",
            "tower-oauth2-resource-server",
        )
        .by("RustCrypto"),
        rust(
            "peer-tower-oauth2-resource-server-aws-lc",
            "tower-oauth2-resource-server",
        )
        .named("tower-oauth2-resource-server, other backend"),
        rust("peer-axum-jwt-auth", "axum-jwt-auth").by("RustCrypto"),
        node("fast-jwt")
            .named("fast-jwt, cached")
            .cached()
            .given_keys(),
        node("fast-jwt").given_keys(),
        node("jose"),
        node("aws-jwt-verify"),
        node("@okta/jwt-verifier"),
    ]
}

fn rust(program: &'static str, package: &'static str) -> Contestant {
    Contestant {
        name: package,
        program: Program::Rust(program),
        package,
        role: Role::Neighbour,
        crypto: "aws-lc-rs",
        cached: false,
        fetches: true,
        layer: true,
        version: String::new(),
        command: Vec::new(),
    }
}

fn node(package: &'static str) -> Contestant {
    Contestant {
        program: Program::Node(package),
        ..rust("", package).by("Node").without_layer()
    }
}

impl Contestant {
    pub(crate) fn is(&self, role: Role) -> bool {
        self.role == role
    }

    fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    fn role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    fn by(self, crypto: &'static str) -> Self {
        Self { crypto, ..self }
    }

    fn cached(self) -> Self {
        Self {
            cached: true,
            ..self
        }
    }

    fn without_layer(self) -> Self {
        Self {
            layer: false,
            ..self
        }
    }

    /// It fetches none, so it has no layer that would.
    fn given_keys(self) -> Self {
        Self {
            fetches: false,
            layer: false,
            ..self
        }
    }
}
