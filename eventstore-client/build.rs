//! Compiles the definitions in `proto/` without a protoc on the machine.

use std::error::Error;

const SERVICES: [&str; 3] = ["streams.proto", "gossip.proto", "serverfeatures.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(SERVICES, ["proto"])?;
    tonic_build::configure()
        // Payloads are handed on as slices of the received frame, not copied.
        .bytes(["."])
        // The maps have three entries: one small node, in an order that can be seen.
        .btree_map(["."])
        .include_file("wire.rs")
        .compile_fds(descriptors)?;
    Ok(())
}
