//! Generates the services of the gRPC blocks, as tonic-prost-build does from a `.proto` file.

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
    let watch = Method::builder()
        .name("watch")
        .route_name("Watch")
        .input_type("String")
        .output_type("String")
        .codec_path("tonic_prost::ProstCodec")
        .server_streaming()
        .build();
    let updates = Service::builder()
        .package("orders.v1")
        .name("Updates")
        .method(watch)
        .build();
    Builder::new()
        .build_transport(false)
        .compile(&[orders, updates]);
}
