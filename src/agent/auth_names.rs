//! The environment variables that let an agent in: names only, never values.

use crate::model::protocol::Protocol;

const CLAUDE: &[&str] = &["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];

/// Names of variables that an agent of `protocol` takes a key or a login from. A text agent is not
/// known to us: it has none.
pub fn auth_names(protocol: Protocol) -> &'static [&'static str] {
    match protocol {
        Protocol::Claude => CLAUDE,
        Protocol::Text => &[],
    }
}
