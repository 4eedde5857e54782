//! What an agent is started with, beside what the manifest says.

use crate::model::protocol::Protocol;

const SESSION_ID: &str = "--session-id";

/// What we add to an agent's own words.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ours<'a> {
    /// The id of a new conversation.
    pub session_id: Option<&'a str>,
    /// The conversation to go on in, in place of a new one. It keeps its id.
    pub resume: Option<&'a str>,
    /// What a headless run may cost at most; `claude` refuses it in a window.
    pub max_budget_usd: Option<f64>,
    /// Names the conversation in the agent's own lists.
    pub label: &'a str,
}

/// The whole argv but the prompt: `argv ++ ours ++ flags ++ extras`.
///
/// For `claude`, ours are `--session-id UUID`, which makes the conversation known before it
/// starts, or `--resume UUID`; `-n LABEL`; and `--max-budget-usd USD`. Each is left out where the
/// user's words already decide it; resuming decides the session. A text agent gets none of them.
pub fn compose_argv(
    protocol: Protocol,
    base: &[String],
    flags: &[String],
    extras: &[String],
    ours: &Ours<'_>,
) -> Vec<String> {
    let mut argv = base.to_vec();
    if protocol == Protocol::Claude {
        let given = || [base.get(1..).unwrap_or_default(), flags, extras].into_iter().flatten().map(String::as_str);
        let session = [SESSION_ID, "--resume", "--continue", "--from-pr"];
        if !has(given(), &session, &['r', 'c']) {
            if let Some(id) = ours.resume {
                argv.extend(["--resume".to_owned(), id.to_owned()]);
            } else if let Some(id) = ours.session_id {
                argv.extend([SESSION_ID.to_owned(), id.to_owned()]);
            }
        }
        if !has(given(), &["--name"], &['n']) {
            argv.extend(["-n".to_owned(), ours.label.to_owned()]);
        }
        if let Some(usd) = ours.max_budget_usd.filter(|_| !has(given(), &["--max-budget-usd"], &[])) {
            argv.extend(["--max-budget-usd".to_owned(), usd.to_string()]);
        }
    }
    argv.extend(flags.iter().chain(extras).cloned());
    argv
}

/// `argv` for a further attempt: `claude` starts no second conversation under an id that was used,
/// and refuses to resume one of which it has kept nothing. So each attempt has a new id.
pub fn with_session(argv: &[String], used: &str, fresh: &str) -> Vec<String> {
    let mut argv = argv.to_vec();
    if let Some(at) = session_at(&argv, used) {
        fresh.clone_into(&mut argv[at + 1]);
    }
    argv
}

/// `argv` without the id that was chosen for this run alone: what is the same from run to run.
pub fn without_session(argv: &[String], chosen: Option<&str>) -> Vec<String> {
    let mut argv = argv.to_vec();
    if let Some(at) = chosen.and_then(|id| session_at(&argv, id)) {
        argv.drain(at..at + 2);
    }
    argv
}

/// Where `--session-id ID` stands in `argv`.
fn session_at(argv: &[String], id: &str) -> Option<usize> {
    argv.windows(2).position(|pair| pair[0] == SESSION_ID && pair[1] == id)
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
        let ours = Ours { session_id: Some("UUID"), label: "T-m", ..Ours::default() };
        compose_argv(protocol, &words(base), &words(flags), &words(extras), &ours).join(" ")
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
        let argv =
            compose_argv(Protocol::Claude, &["claude".to_owned()], &[], &[], &Ours { label: "L", ..Ours::default() });
        assert_eq!(argv, ["claude", "-n", "L"]);
    }

    #[test]
    fn resuming_takes_the_place_of_a_new_session_and_a_budget_is_told_once() {
        let ours = Ours { session_id: Some("NEW"), resume: Some("OLD"), max_budget_usd: Some(0.5), label: "L" };
        let argv = |protocol, flags: &str| {
            let flags: Vec<String> = flags.split_whitespace().map(str::to_owned).collect();
            compose_argv(protocol, &["claude".to_owned(), "-p".to_owned()], &flags, &[], &ours).join(" ")
        };
        assert_eq!(argv(Protocol::Claude, ""), "claude -p --resume OLD -n L --max-budget-usd 0.5");
        let own = "--max-budget-usd=9 -c";
        assert_eq!(argv(Protocol::Claude, own), format!("claude -p -n L {own}"));
        assert_eq!(argv(Protocol::Text, ""), "claude -p");
    }

    #[test]
    fn each_attempt_has_an_id_of_its_own_and_none_is_left_of_it() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let argv = words("claude -p --session-id A -n L --append A");
        assert_eq!(with_session(&argv, "A", "B"), words("claude -p --session-id B -n L --append A"));
        assert_eq!(without_session(&argv, Some("A")), words("claude -p -n L --append A"));
        for (other, chosen) in
            [("claude --session-id=A", "A"), ("claude --resume A", "A"), ("claude --session-id Z", "A")]
        {
            assert_eq!(with_session(&words(other), chosen, "B"), words(other), "the user's own, or resumed");
            assert_eq!(without_session(&words(other), Some(chosen)), words(other));
        }
        assert_eq!(without_session(&argv, None), argv);
    }
}
