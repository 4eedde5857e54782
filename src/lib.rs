//! A declarative runner for coding agents.
//!
//! Every command has one form: **change what is wanted → reconcile → show the report.**
//!
//! ARCHITECTURE.md shows how the data flows. The modules below are in the order of that flow; `tests/architecture`
//! checks their imports.

pub mod model;

pub mod manifest;
pub mod tasks;

pub mod plan;

pub mod executor;
pub mod os;
pub mod store;

pub mod agents;

pub mod supervisor;

pub mod lifecycle;
pub mod snapshot;
pub mod worker;

pub mod view;

pub mod serve;
pub mod tui;

pub mod cli;
