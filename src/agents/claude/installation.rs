//! How Claude Code's own program is queried.

use serde_json::Value;

use crate::agents::installation::{Installation, Login};

pub(super) const INSTALLATION: Installation = Installation {
    program: "claude",
    version_args: &["--version"],
    login_args: &["auth", "status"],
    login_since: (2, 1),
    read_login,
    install: "npm install -g @anthropic-ai/claude-code",
    update: "update",
    log_in: "auth login; or `pass_env: [ANTHROPIC_API_KEY]`",
    onboard: "run `claude` once in a terminal",
};

fn read_login(answer: &[u8]) -> Option<Login> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let method = answer["authMethod"].as_str().map(str::to_owned);
    Some(Login { is_logged_in: answer["loggedIn"].as_bool()?, method })
}
