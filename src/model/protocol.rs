//! How an agent receives its prompt and how its output is read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::words::words;

/// How an agent's output and state are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Claude Code: stream-json events, a final `result`.
    Claude,
    /// Any program: text, and its exit code.
    #[default]
    Text,
    /// Any program whose last line of output is a JSON object with `result`, `error`, `costUsd`, `sessionId`.
    Jsonl,
}

/// How the prompt reaches the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PromptDelivery {
    /// As the last argument.
    Arg,
    /// On standard input, which is then closed.
    Stdin,
    /// As the last argument: the path of a file that holds it.
    File,
    /// Not at all.
    None,
}

words!(PromptDelivery { Arg: "arg", Stdin: "stdin", File: "file", None: "none" });
