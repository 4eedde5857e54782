//! Whole files in, problems out.
