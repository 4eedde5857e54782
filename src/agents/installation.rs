//! What `doctor` can query of an agent's own program, and the fixes that it shows.

use std::path::Path;

/// How an agent's program is queried. Its commands must answer at once and start no conversation.
#[derive(Debug)]
pub struct Installation {
    /// The program's name begins with this; the output format of any other program is unknown.
    pub program: &'static str,
    pub version_args: &'static [&'static str],
    pub login_args: &'static [&'static str],
    /// The first version that knows `login_args`; an older one would take them for a prompt.
    pub login_since: (u32, u32),
    /// `None` where the output does not contain the login state.
    pub read_login: fn(&[u8]) -> Option<Login>,
    /// The command that installs it.
    pub install: &'static str,
    /// The arguments that update it.
    pub update: &'static str,
    /// The arguments that log in, and other ways.
    pub log_in: &'static str,
    /// The fix where the state of its onboarding is unknown.
    pub onboard: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub is_logged_in: bool,
    pub method: Option<String>,
}

impl Installation {
    /// Whether `program` is the agent itself and not a wrapper around it.
    pub fn is_program(&self, program: &str) -> bool {
        let name = Path::new(program).file_name();
        name.is_some_and(|name| name.to_string_lossy().starts_with(self.program))
    }
}
