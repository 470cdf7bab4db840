//! Generates `orders.v1` without `.proto` files, so this example does not need protoc. For `.proto`
//! files, use tonic-prost-build, which generates the same modules.

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

/// Returns a method that takes `Empty` and returns `response`. Both types are in src/proto.rs.
fn method(name: &str, response: &str) -> Method {
    Method::builder()
        .name(name.to_lowercase())
        .route_name(name)
        .input_type("crate::proto::Empty")
        .output_type(format!("crate::proto::{response}"))
        .codec_path("tonic_prost::ProstCodec")
        .build()
}
