//! The settings that a `claude` in a window is started with: the user's own, with our hooks added.
//!
//! `claude` uses only the last `--settings`, so the user's settings are read and merged with ours.

use serde_json::{Map, Value, json};

use crate::agents::claude::installation::INSTALLATION;
use crate::agents::window::{HookError, Hooks, ReadFile};

const OPTION: &str = "--settings";
/// The events with hooks. Few: each costs the agent a process, and a version that does not know one of them may refuse
/// them all.
const EVENTS: [&str; 8] = [
    "SessionStart",
    "UserPromptSubmit",
    "PreToolUse",
    "PostToolUse",
    "PermissionRequest",
    "Notification",
    "Stop",
    "StopFailure",
];
/// The agent waits for no hook, and ends one that hangs after this time.
const TIMEOUT_SECONDS: u32 = 10;

/// Why the user's settings are left unchanged, without our hooks.
const NOT_AN_OBJECT: &str = "they are not a JSON object";
const STRANGE_HOOKS: &str = "their `hooks` are not what Claude Code takes for hooks";

/// Where `argv` names the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given<'a> {
    Nowhere,
    /// `--settings` is the last argument, without a value.
    Half,
    Inline(&'a str),
    /// Relative to the agent's folder.
    File(&'a str),
}

/// Hooks by a settings file. Fails for any other program (a container, a remote shell): the agent in it might not see
/// the file, and would refuse to start.
pub(super) fn hooks(
    argv: &[String],
    command: &str,
    settings_path: &str,
    read_file: ReadFile<'_>,
) -> Result<Hooks, HookError> {
    if !argv.first().is_some_and(|program| INSTALLATION.is_program(program)) {
        return Err(HookError::Wrapped(INSTALLATION.program));
    }
    let theirs = match given(argv) {
        Given::Nowhere => None,
        Given::Half => return Err(HookError::NoValue("--settings")),
        Given::Inline(text) => Some(text.to_owned()),
        Given::File(path) => Some(read_file(path)?),
    };
    let settings = with_hooks(theirs.as_deref(), command).map_err(HookError::Unmerged)?;
    Ok(Hooks { argv: with_settings(argv, settings_path), settings })
}

/// The value of the user's last `--settings`.
fn given(argv: &[String]) -> Given<'_> {
    let Some((at, word)) = last_option(argv) else { return Given::Nowhere };
    let value = match word.split_once('=') {
        Some((_, value)) => Some(value),
        None => argv.get(at + 1).map(String::as_str),
    };
    match value {
        None => Given::Half,
        // `claude` distinguishes them in this way.
        Some(value) if value.trim().starts_with('{') && value.trim().ends_with('}') => Given::Inline(value),
        Some(value) => Given::File(value),
    }
}

/// `argv` with the settings at `path` in place of the user's.
fn with_settings(argv: &[String], path: &str) -> Vec<String> {
    let mut argv = argv.to_vec();
    let found = last_option(&argv).map(|(at, word)| (at, word.contains('=')));
    match found {
        Some((at, true)) => argv[at] = format!("{OPTION}={path}"),
        Some((at, false)) if at + 1 < argv.len() => path.clone_into(&mut argv[at + 1]),
        _ => {
            let after_program = 1.min(argv.len());
            argv.splice(after_program..after_program, [OPTION.to_owned(), path.to_owned()]);
        }
    }
    argv
}

/// The user's settings (`None`: there are none) with hooks that run the shell line `command`. Fails where they cannot
/// be merged.
fn with_hooks(theirs: Option<&str>, command: &str) -> Result<String, &'static str> {
    let mut settings: Map<String, Value> = match theirs {
        Some(text) => serde_json::from_str(text).map_err(|_| NOT_AN_OBJECT)?,
        None => Map::new(),
    };
    let hooks = settings.entry("hooks").or_insert_with(|| json!({}));
    let hooks = hooks.as_object_mut().ok_or(STRANGE_HOOKS)?;
    for event in EVENTS {
        let list = hooks.entry(event).or_insert_with(|| json!([]));
        let list = list.as_array_mut().ok_or(STRANGE_HOOKS)?;
        let hook = json!({ "type": "command", "command": command, "async": true, "timeout": TIMEOUT_SECONDS });
        list.push(json!({ "hooks": [hook] }));
    }
    Ok(Value::Object(settings).to_string())
}

/// The last `--settings` before a `--`.
fn last_option(argv: &[String]) -> Option<(usize, &str)> {
    let options = argv.iter().map(String::as_str).enumerate().skip(1).take_while(|(_, word)| *word != "--");
    options.filter(|(_, word)| *word == OPTION || word.starts_with("--settings=")).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn ours_stand_where_the_users_stood() {
        for (argv, settings, ours) in [
            ("claude -n L", Given::Nowhere, "claude --settings P -n L"),
            ("claude", Given::Nowhere, "claude --settings P"),
            ("claude --settings a.json -c", Given::File("a.json"), "claude --settings P -c"),
            ("claude --settings=a.json -c", Given::File("a.json"), "claude --settings=P -c"),
            ("claude --settings={\"a\":1}", Given::Inline("{\"a\":1}"), "claude --settings=P"),
            ("claude --settings a --settings b", Given::File("b"), "claude --settings a --settings P"),
            ("claude --settings a --settings=b", Given::File("b"), "claude --settings a --settings=P"),
            ("claude -- --settings a", Given::Nowhere, "claude --settings P -- --settings a"),
            ("claude --settings {a", Given::File("{a"), "claude --settings P"),
        ] {
            let argv = words(argv);
            assert_eq!(given(&argv), settings, "{argv:?}");
            assert_eq!(with_settings(&argv, "P"), words(ours), "{argv:?}");
        }
        assert_eq!(given(&words("claude --settings")), Given::Half);
    }

    #[test]
    fn only_the_program_itself_takes_hooks() {
        for (argv, takes) in
            [("claude", true), ("/opt/bin/claude -c", true), ("claude-next", true), ("docker run x claude", false)]
        {
            assert_eq!(hooks(&words(argv), "c", "P", &|_| Err(HookError::NotUtf8)).is_ok(), takes, "{argv}");
        }
    }

    #[test]
    fn hooks_stand_beside_the_users_and_all_else_stays() {
        let theirs = r#"{"model":"m","hooks":{"Stop":[{"hooks":[{"type":"command","command":"mine"}]}],"Other":[1]}}"#;
        let merged: Value = serde_json::from_str(&with_hooks(Some(theirs), "c 'd'").unwrap()).unwrap();
        assert_eq!((&merged["model"], &merged["hooks"]["Other"]), (&json!("m"), &json!([1])));
        let stop = &merged["hooks"]["Stop"];
        assert_eq!(stop[0]["hooks"][0]["command"], "mine");
        assert_eq!((&stop[1]["hooks"][0]["command"], stop[2].is_null()), (&json!("c 'd'"), true));
        let alone: Value = serde_json::from_str(&with_hooks(None, "c").unwrap()).unwrap();
        assert_eq!(alone["hooks"].as_object().unwrap().len(), EVENTS.len());
        for event in EVENTS {
            assert_eq!(alone["hooks"][event][0]["hooks"][0]["async"], true, "nobody waits for us");
        }
    }

    #[test]
    fn what_cannot_be_merged_is_left_alone() {
        for (theirs, error) in [
            ("", NOT_AN_OBJECT),
            ("[1]", NOT_AN_OBJECT),
            ("// c\n{}", NOT_AN_OBJECT),
            (r#"{"hooks":5}"#, STRANGE_HOOKS),
            (r#"{"hooks":{"Stop":{}}}"#, STRANGE_HOOKS),
        ] {
            assert_eq!(with_hooks(Some(theirs), "c"), Err(error), "{theirs}");
        }
    }
}
