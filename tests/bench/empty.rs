//! The least that a Rust program can take: the benchmark's yardstick for start-up.

fn main() {}
