//! Modes as JSON.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModesView {
    pub modes: Vec<ModeView>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ModeView {
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    pub interactive: bool,
    pub agent: String,
    /// `built in`, `dispatch.yaml:12` or the path of a command file.
    pub origin: String,
}
