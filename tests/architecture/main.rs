//! The rules of ARCHITECTURE.md, checked on every source file.

#![cfg(test)]

mod calls;
mod imports;
mod names;
mod sizes;
mod sources;
mod walks;
