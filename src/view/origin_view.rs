//! Where the values of a run come from, as JSON.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

/// The answer of `render --show-origin`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OriginsView {
    pub mode: String,
    pub task: String,
    pub values: Vec<OriginView>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OriginView {
    /// Its path in the manifest: `timeout` of the mode, `env.CI`, `worktree.path`.
    pub key: String,
    /// As it is written, null if nothing sets it. Missing for variables of the environment: they may be secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// `builtIn manifest defaults extended commandFile mode local commandLine`.
    pub source: &'static str,
    /// The extended mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}
