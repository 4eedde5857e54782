//! What an agent is started with, beside what the manifest says.

use crate::model::protocol::Protocol;

/// The whole argv but the prompt: `argv ++ ours ++ flags ++ extras`.
///
/// For `claude`, ours are `--session-id UUID`, which makes the conversation known before it
/// starts, and `-n LABEL`, which names it in the agent's own lists. Each is left out where the
/// user's words already decide it; resuming decides the session.
pub fn compose_argv(
    protocol: Protocol,
    base: &[String],
    flags: &[String],
    extras: &[String],
    session_id: Option<&str>,
    label: &str,
) -> Vec<String> {
    let mut argv = base.to_vec();
    if protocol == Protocol::Claude {
        let given = || [base.get(1..).unwrap_or_default(), flags, extras].into_iter().flatten().map(String::as_str);
        let session = ["--session-id", "--resume", "--continue", "--from-pr"];
        if let Some(id) = session_id.filter(|_| !has(given(), &session, &['r', 'c'])) {
            argv.extend(["--session-id".to_owned(), id.to_owned()]);
        }
        if !has(given(), &["--name"], &['n']) {
            argv.extend(["-n".to_owned(), label.to_owned()]);
        }
    }
    argv.extend(flags.iter().chain(extras).cloned());
    argv
}

/// Whether `--` must stand before a prompt that is an argument: several of the agent's options
/// take any number of values and would swallow it, and a prompt may start with `-`.
pub fn prompt_needs_dash_dash(protocol: Protocol) -> bool {
    protocol == Protocol::Claude
}

/// Environment variables to set unless the manifest or the caller sets them.
pub fn default_env(protocol: Protocol, headless: bool) -> &'static [(&'static str, &'static str)] {
    match (protocol, headless) {
        // A headless agent that ends its turn with shells in the background loses their work.
        (Protocol::Claude, true) => &[("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1")],
        _ => &[],
    }
}

/// One of the options is among `args`, as `--long`, `--long=value`, `-s` or within `-ps`.
fn has<'a>(args: impl Iterator<Item = &'a str>, long: &[&str], short: &[char]) -> bool {
    for arg in args {
        if arg == "--" {
            return false;
        }
        if arg.starts_with("--") {
            let name = arg.split('=').next().unwrap_or(arg);
            if long.contains(&name) {
                return true;
            }
        } else if let Some(letters) = arg.strip_prefix('-') {
            // `-p` takes no value, so that what follows it in one word is another option.
            if letters.trim_start_matches('p').starts_with(short) {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(protocol: Protocol, base: &str, flags: &str, extras: &str) -> String {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        compose_argv(protocol, &words(base), &words(flags), &words(extras), Some("UUID"), "T-m").join(" ")
    }

    #[test]
    fn adds_session_and_name_before_the_users_flags() {
        let claude = |flags, extras| argv(Protocol::Claude, "claude -p", flags, extras);
        assert_eq!(claude("--model x", "-v"), "claude -p --session-id UUID -n T-m --model x -v");
        for taken in ["--session-id=Z", "--session-id Z", "-r Z", "-rZ", "--resume", "-c", "-pc", "--continue"] {
            assert_eq!(claude(taken, ""), format!("claude -p -n T-m {taken}"), "{taken}");
            assert_eq!(claude("", taken), format!("claude -p -n T-m {taken}"), "{taken}");
        }
        for taken in ["-n mine", "--name mine", "--name=mine"] {
            assert_eq!(claude(taken, ""), format!("claude -p --session-id UUID {taken}"), "{taken}");
        }
        assert_eq!(claude("", "-- -r --name"), "claude -p --session-id UUID -n T-m -- -r --name");
        assert_eq!(argv(Protocol::Claude, "-c", "", ""), "-c --session-id UUID -n T-m");
        assert_eq!(argv(Protocol::Text, "codex exec", "-a b", "c"), "codex exec -a b c");
    }

    #[test]
    fn no_session_id_without_one() {
        let argv = compose_argv(Protocol::Claude, &["claude".to_owned()], &[], &[], None, "L");
        assert_eq!(argv, ["claude", "-n", "L"]);
    }
}
