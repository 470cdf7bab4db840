//! Generates `orders.v1` from Rust, so that this example needs no protoc. A service with `.proto`
//! files uses tonic-prost-build, which generates the same modules.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let health = service("Health").method(method("Check", "Text")).build();
    let orders = service("Orders")
        .method(method("Me", "Identity"))
        .method(method("List", "Text"))
        .build();
    let admin = service("Admin").method(method("Greet", "Text")).build();
    Builder::new().compile(&[health, orders, admin]);
}

fn service(name: &str) -> tonic_build::manual::ServiceBuilder {
    Service::builder().package("orders.v1").name(name)
}

/// Returns a method from `Empty` to `response`; both types are in src/proto.rs.
fn method(name: &str, response: &str) -> Method {
    Method::builder()
        .name(name.to_lowercase())
        .route_name(name)
        .input_type("crate::proto::Empty")
        .output_type(format!("crate::proto::{response}"))
        .codec_path("tonic_prost::ProstCodec")
        .build()
}
