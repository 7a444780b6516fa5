//! A new migration is compiled in without anyone touching the code.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=migrations-keys");
}
