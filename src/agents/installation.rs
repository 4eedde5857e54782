//! What `doctor` can ask an agent's own program, and what a person does where it is not well.

use std::path::Path;

/// How the program of an agent is asked. Its commands must answer at once and start no conversation.
#[derive(Debug)]
pub struct Installation {
    /// The program's name begins with this; the answers of any other program are not known.
    pub program: &'static str,
    pub version_args: &'static [&'static str],
    pub login_args: &'static [&'static str],
    /// The first version that knows `login_args`; an older one would take them for a prompt.
    pub login_since: (u32, u32),
    /// `None` where the answer does not say it.
    pub read_login: fn(&[u8]) -> Option<Login>,
    /// The command that installs it.
    pub install: &'static str,
    /// The arguments that update it.
    pub update: &'static str,
    /// The arguments that log in, and other ways.
    pub log_in: &'static str,
    /// What to do where its onboarding cannot be told.
    pub onboard: &'static str,
}

/// Whether a program is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub is_logged_in: bool,
    pub method: Option<String>,
}

impl Installation {
    /// Whether `program` is the agent itself, and no wrapper around it.
    pub fn is_program(&self, program: &str) -> bool {
        let name = Path::new(program).file_name();
        name.is_some_and(|name| name.to_string_lossy().starts_with(self.program))
    }
}
