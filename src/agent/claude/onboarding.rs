//! What a `claude` asks before its first session, while it tells nobody of it: seen on its screen
//! alone, and never answered for the user. Also: which of it a folder and a home have yet to answer.

use serde_json::Value;

/// A dialog before the first session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialog {
    Trust,
    ApiKey,
    Onboarding,
    BypassWarning,
    McpServer,
    /// It asks something.
    Other,
}

/// The words by which each is known.
const KNOWN: [(&str, Dialog); 8] = [
    ("Do you trust the files in this folder", Dialog::Trust),
    ("I trust this folder", Dialog::Trust),
    ("Detected a custom API key", Dialog::ApiKey),
    ("running in Bypass Permissions mode", Dialog::BypassWarning),
    ("New MCP server", Dialog::McpServer),
    ("Select login method", Dialog::Onboarding),
    ("Choose the text style", Dialog::Onboarding),
    ("Unable to connect to Anthropic services", Dialog::Onboarding),
];
/// A question ends like this, on one of the last lines.
const ASKS: [&str; 2] = ["Enter to confirm", "Press Enter to continue"];
const LAST: usize = 4;
/// So much of a key is kept by `claude` to know it again.
const KEY_END: usize = 20;

impl Dialog {
    /// What a screen without a session shows.
    pub fn on(screen: &str) -> Option<Self> {
        let lines: Vec<&str> = screen.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = &lines[lines.len().saturating_sub(LAST)..];
        let asks = last.iter().any(|line| ASKS.iter().any(|words| line.contains(words)));
        let known = KNOWN.into_iter().find(|(words, _)| screen.contains(words)).map(|(_, dialog)| dialog);
        match known {
            // The set-up has steps without that line.
            Some(Self::Onboarding) => known,
            _ if !asks => None,
            known => Some(known.unwrap_or(Self::Other)),
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Trust => "trust dialog",
            Self::ApiKey => "API key dialog",
            Self::Onboarding => "onboarding",
            Self::BypassWarning => "bypass permissions warning",
            Self::McpServer => "MCP server dialog",
            Self::Other => "a dialog at its start",
        }
    }

    /// The one with these words.
    pub fn with_words(words: &str) -> Option<Self> {
        let all = [Self::Trust, Self::ApiKey, Self::Onboarding, Self::BypassWarning, Self::McpServer, Self::Other];
        all.into_iter().find(|dialog| dialog.words() == words)
    }

    /// What a person does about it; it is never done for them.
    pub fn cure(self) -> &'static str {
        match self {
            Self::Trust => {
                "look at the folder and answer in the window; trusting the main checkout once counts for its worktrees too"
            }
            Self::ApiKey => {
                "answer in the window, which Claude Code remembers; or leave ANTHROPIC_API_KEY out of `pass_env` to use your login"
            }
            Self::Onboarding => "run `claude` once in a terminal and finish its set-up",
            Self::BypassWarning => "read it and answer in the window, or choose another `--permission-mode`",
            Self::McpServer => "look at `.mcp.json` and answer in the window",
            Self::Other => "answer in the window",
        }
    }
}

/// What would be asked in a folder. `config`: the text of `.claude.json`; `roots`: the folders from
/// whose trust the folder has its own; `key`: an API key in the environment of the run.
pub fn would_ask(config: &str, roots: &[&str], key: Option<&str>) -> Vec<Dialog> {
    let config: Value = serde_json::from_str(config).unwrap_or(Value::Null);
    let is_true = |value: Option<&Value>| value.and_then(Value::as_bool).unwrap_or(false);
    let trusted = |root: &&str| {
        let project = config.get("projects").and_then(|projects| projects.get(*root));
        is_true(project.and_then(|project| project.get("hasTrustDialogAccepted")))
    };
    let answered = |key: &str| {
        let from = key.char_indices().rev().nth(KEY_END - 1).map_or(0, |(at, _)| at);
        let answers = config.get("customApiKeyResponses");
        ["approved", "rejected"].iter().any(|kind| {
            let keys = answers.and_then(|answers| answers.get(kind)).and_then(Value::as_array);
            keys.is_some_and(|keys| keys.iter().any(|known| known == &key[from..]))
        })
    };
    let mut dialogs = Vec::new();
    if !is_true(config.get("hasCompletedOnboarding")) {
        dialogs.push(Dialog::Onboarding);
    }
    if !roots.iter().any(trusted) {
        dialogs.push(Dialog::Trust);
    }
    if key.is_some_and(|key| !answered(key)) {
        dialogs.push(Dialog::ApiKey);
    }
    dialogs
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUST: &str = "──────\n Accessing workspace:\n\n /r\n\n Claude Code'll be able to read, edit, and execute files here.\n\n Security guide\n\n ❯ No, exit\n   Yes, I trust this folder\n\n Enter to confirm · Esc to cancel\n\n";
    const KEY: &str = "──────\n  Detected a custom API key in your environment\n\n  ANTHROPIC_API_KEY: sk-ant-...x\n\n  Do you want to use this API key?\n\n    Yes\n  ❯ No (recommended)\n\n  Enter to confirm · Esc to cancel\n";
    const IDLE: &str = "▐▛███▛█   Claude Code v2.1.330\n\n────\n❯ \n────\n  ⏵⏵ auto mode on (shift+tab to cycle)";

    #[test]
    fn a_dialog_is_known_by_its_screen() {
        assert_eq!(Dialog::on(TRUST), Some(Dialog::Trust));
        assert_eq!(Dialog::on(KEY), Some(Dialog::ApiKey));
        assert_eq!(Dialog::on("Welcome\n\n Unable to connect to Anthropic services\n"), Some(Dialog::Onboarding));
        assert_eq!(Dialog::on(" Something new\n ❯ 1. Yes\n\n Enter to confirm · Esc to cancel"), Some(Dialog::Other));
        for none in ["", IDLE, "Yes, I trust this folder\n\n\n❯ said the agent\n"] {
            assert_eq!(Dialog::on(none), None, "{none}");
        }
        // Long scrolled past.
        assert_eq!(Dialog::on(&format!("{KEY}\na\nb\nc\nd\n")), None);
        for dialog in [Dialog::Trust, Dialog::ApiKey, Dialog::Onboarding, Dialog::Other] {
            assert_eq!(Dialog::with_words(dialog.words()), Some(dialog));
        }
    }

    #[test]
    fn what_was_answered_is_not_asked() {
        let config = r#"{"hasCompletedOnboarding":true,"projects":{"/r":{"hasTrustDialogAccepted":true},"/n":{"hasTrustDialogAccepted":false}},
            "customApiKeyResponses":{"approved":["dummy-key-0001","56789012345678901234"],"rejected":["no"]}}"#;
        assert_eq!(would_ask(config, &["/r/sub", "/r"], Some("dummy-key-0001")), []);
        assert_eq!(would_ask(config, &["/r"], Some("sk-ant-123456789012345678901234")), []);
        assert_eq!(would_ask(config, &["/r"], Some("no")), []);
        assert_eq!(would_ask(config, &["/n"], None), [Dialog::Trust]);
        assert_eq!(would_ask(config, &["/r"], Some("other")), [Dialog::ApiKey]);
        let all = [Dialog::Onboarding, Dialog::Trust, Dialog::ApiKey];
        for nothing in ["", "{}", "[]", r#"{"projects":5,"customApiKeyResponses":[]}"#] {
            assert_eq!(would_ask(nothing, &["/r"], Some("k")), all, "{nothing}");
        }
    }
}
