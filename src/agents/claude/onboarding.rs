//! The dialogs of a `claude` before its first session, while its hooks are silent: recognised on its screen, and
//! predicted from the answers in `.claude.json`.

use std::path::PathBuf;

use serde_json::Value;

use crate::agents::window::{Dialog, Variable};

const TRUST: Dialog = Dialog {
    name: "trust dialog",
    fix: "look at the folder and answer in the window; trusting the main checkout once counts for its worktrees too",
};
const API_KEY: Dialog = Dialog {
    name: "API key dialog",
    fix: "answer in the window, which Claude Code remembers; or leave ANTHROPIC_API_KEY out of `pass_env` to use your login",
};
const ONBOARDING: Dialog = Dialog { name: "onboarding", fix: "run `claude` once in a terminal and finish its set-up" };
const BYPASS_WARNING: Dialog = Dialog {
    name: "bypass permissions warning",
    fix: "read it and answer in the window, or choose another `--permission-mode`",
};
const MCP_SERVER: Dialog = Dialog { name: "MCP server dialog", fix: "look at `.mcp.json` and answer in the window" };
const OTHER: Dialog = Dialog { name: "a dialog at its start", fix: "answer in the window" };

/// The text by which each dialog is recognised. The set-up has steps without a line of [`ASKS`].
const KNOWN: [(&str, Dialog); 8] = [
    ("Do you trust the files in this folder", TRUST),
    ("I trust this folder", TRUST),
    ("Detected a custom API key", API_KEY),
    ("running in Bypass Permissions mode", BYPASS_WARNING),
    ("New MCP server", MCP_SERVER),
    ("Select login method", ONBOARDING),
    ("Choose the text style", ONBOARDING),
    ("Unable to connect to Anthropic services", ONBOARDING),
];
/// One of the last lines of a question contains one of these.
const ASKS: [&str; 2] = ["Enter to confirm", "Press Enter to continue"];
const LAST: usize = 4;
/// How many of a key's last characters `claude` stores.
const KEY_END: usize = 20;

/// The dialog on a screen without a session.
pub(super) fn dialog_on(screen: &str) -> Option<Dialog> {
    let lines: Vec<&str> = screen.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LAST)..];
    let asks = last.iter().any(|line| ASKS.iter().any(|words| line.contains(words)));
    let known = KNOWN.into_iter().find(|(words, _)| screen.contains(words)).map(|(_, dialog)| dialog);
    match known {
        Some(ONBOARDING) => known,
        _ if !asks => None,
        known => Some(known.unwrap_or(OTHER)),
    }
}

/// `.claude.json`, which holds the user's answers.
pub(super) fn file(variable: Variable<'_>) -> PathBuf {
    variable("CLAUDE_CONFIG_DIR").or_else(|| variable("HOME")).unwrap_or_default().join(".claude.json")
}

/// The dialogs that would be shown. `config` is the text of `.claude.json`; `key` an API key in the environment of the
/// run.
pub(super) fn would_ask(config: &str, roots: &[&str], key: Option<&str>) -> Vec<Dialog> {
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
        dialogs.push(ONBOARDING);
    }
    if !roots.iter().any(trusted) {
        dialogs.push(TRUST);
    }
    if key.is_some_and(|key| !answered(key)) {
        dialogs.push(API_KEY);
    }
    dialogs
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUST_SCREEN: &str = "──────\n Accessing workspace:\n\n /r\n\n Claude Code'll be able to read, edit, and execute files here.\n\n Security guide\n\n ❯ No, exit\n   Yes, I trust this folder\n\n Enter to confirm · Esc to cancel\n\n";
    const KEY: &str = "──────\n  Detected a custom API key in your environment\n\n  ANTHROPIC_API_KEY: sk-ant-...x\n\n  Do you want to use this API key?\n\n    Yes\n  ❯ No (recommended)\n\n  Enter to confirm · Esc to cancel\n";
    const IDLE: &str = "▐▛███▛█   Claude Code v2.1.330\n\n────\n❯ \n────\n  ⏵⏵ auto mode on (shift+tab to cycle)";

    #[test]
    fn a_dialog_is_known_by_its_screen() {
        assert_eq!(dialog_on(TRUST_SCREEN), Some(TRUST));
        assert_eq!(dialog_on(KEY), Some(API_KEY));
        assert_eq!(dialog_on("Welcome\n\n Unable to connect to Anthropic services\n"), Some(ONBOARDING));
        assert_eq!(dialog_on(" Something new\n ❯ 1. Yes\n\n Enter to confirm · Esc to cancel"), Some(OTHER));
        for none in ["", IDLE, "Yes, I trust this folder\n\n\n❯ said the agent\n"] {
            assert_eq!(dialog_on(none), None, "{none}");
        }
        // Scrolled up, away from the last lines.
        assert_eq!(dialog_on(&format!("{KEY}\na\nb\nc\nd\n")), None);
    }

    #[test]
    fn what_was_answered_is_not_asked() {
        let config = r#"{"hasCompletedOnboarding":true,"projects":{"/r":{"hasTrustDialogAccepted":true},"/n":{"hasTrustDialogAccepted":false}},
            "customApiKeyResponses":{"approved":["dummy-key-0001","56789012345678901234"],"rejected":["no"]}}"#;
        assert_eq!(would_ask(config, &["/r/sub", "/r"], Some("dummy-key-0001")), []);
        assert_eq!(would_ask(config, &["/r"], Some("sk-ant-123456789012345678901234")), []);
        assert_eq!(would_ask(config, &["/r"], Some("no")), []);
        assert_eq!(would_ask(config, &["/n"], None), [TRUST]);
        assert_eq!(would_ask(config, &["/r"], Some("other")), [API_KEY]);
        let all = [ONBOARDING, TRUST, API_KEY];
        for nothing in ["", "{}", "[]", r#"{"projects":5,"customApiKeyResponses":[]}"#] {
            assert_eq!(would_ask(nothing, &["/r"], Some("k")), all, "{nothing}");
        }
    }
}
