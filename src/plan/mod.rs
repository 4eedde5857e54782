//! Pure decisions: what a look at the world means, and what is to be done about it.
//!
//! No clock, no environment, no IO. Everything here can be compared, printed and tested as values.

pub mod actual;
pub mod retention;
