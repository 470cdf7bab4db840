//! The list of contestants.

use std::path::PathBuf;

/// A verifier with one configuration.
#[derive(Clone, Debug)]
pub(crate) struct Contestant {
    /// The name in the tables.
    pub(crate) name: &'static str,
    pub(crate) program: Program,
    /// The package whose version the tables show.
    pub(crate) package: &'static str,
    pub(crate) role: Role,
    /// The library that verifies signatures.
    pub(crate) crypto: &'static str,
    /// Whether its token cache is on.
    pub(crate) cached: bool,
    /// Whether the verifier fetches keys itself.
    pub(crate) fetches: bool,
    /// Whether the verifier has a layer or an extractor for axum.
    pub(crate) layer: bool,
    /// The version of `package`, set when it was built.
    pub(crate) version: String,
    /// The program and the first arguments of its process, set when it was built.
    pub(crate) command: Vec<PathBuf>,
}

/// The program to build and start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// A package of this workspace.
    Rust(&'static str),
    /// `node/peer.mjs` with this argument.
    Node(&'static str),
}

/// The role of a contestant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The lower bound that all others are compared with.
    Raw,
    Ours,
    Neighbour,
}

/// Returns all contestants, before they are built.
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
        rust("peer-huskarl-resource-server", "huskarl-resource-server"),
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

    /// Marks a contestant that gets its keys from the settings. It fetches none, so it has no layer
    /// that fetches.
    fn given_keys(self) -> Self {
        Self {
            fetches: false,
            layer: false,
            ..self
        }
    }
}
