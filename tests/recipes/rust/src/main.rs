// SPDX-License-Identifier: Apache-2.0
fn greeting() -> &'static str {
    "hello from Rust"
}

fn main() {
    println!("{}", greeting());
}

#[test]
fn greets() {
    assert!(greeting().starts_with("hello"));
}
