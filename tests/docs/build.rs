//! Generates the service of the README's gRPC block, as tonic-prost-build does from a `.proto` file.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let list = Method::builder()
        .name("list")
        .route_name("List")
        .input_type("String")
        .output_type("String")
        .codec_path("tonic_prost::ProstCodec")
        .build();
    let orders = Service::builder()
        .package("orders.v1")
        .name("Orders")
        .method(list)
        .build();
    Builder::new().build_transport(false).compile(&[orders]);
}
