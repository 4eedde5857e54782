//! The arguments that this program adds to a `claude`: its conversation, its name and its budget.

use crate::agents::protocol::LaunchOptions;

pub(super) const SESSION_ID: &str = "--session-id";
pub(super) const RESUME: &str = "--resume";

/// `base ++ ours ++ flags ++ extras`. Ours are `--session-id UUID`, which makes the conversation known before the
/// start, or `--resume UUID`; `-n LABEL`; and `--max-budget-usd USD`, which `claude` refuses in a window. Each is left
/// out where the user's arguments already decide it.
pub(super) fn compose(
    base: &[String],
    flags: &[String],
    extras: &[String],
    options: &LaunchOptions<'_>,
) -> Vec<String> {
    let given = || [base.get(1..).unwrap_or_default(), flags, extras].into_iter().flatten().map(String::as_str);
    let mut argv = base.to_vec();
    let mut add = |option: &str, value: String| argv.extend([option.to_owned(), value]);
    if !has(given(), &[SESSION_ID, RESUME, "--continue", "--from-pr"], &['r', 'c']) {
        if let Some(id) = options.resume {
            add(RESUME, id.to_owned());
        } else if let Some(id) = options.session_id {
            add(SESSION_ID, id.to_owned());
        }
    }
    if !has(given(), &["--name"], &['n']) {
        add("-n", options.label.to_owned());
    }
    if let Some(usd) = options.max_budget_usd.filter(|_| !has(given(), &["--max-budget-usd"], &[])) {
        add("--max-budget-usd", usd.to_string());
    }
    argv.extend(flags.iter().chain(extras).cloned());
    argv
}

/// `argv` with the session id `fresh` in place of `used`, for the next attempt: `claude` starts no second conversation
/// under a used id, and refuses to resume one of which it has stored nothing. `None` if `used` is not in it.
pub(super) fn with_session_id(argv: &[String], used: &str, fresh: &str) -> Option<Vec<String>> {
    let at = position(argv, SESSION_ID, used)?;
    let mut argv = argv.to_vec();
    fresh.clone_into(&mut argv[at + 1]);
    Some(argv)
}

/// `argv` without the words `option` and `id`, if they follow each other in it.
pub(super) fn without(argv: &[String], option: &str, id: Option<&str>) -> Vec<String> {
    let mut argv = argv.to_vec();
    if let Some(at) = id.and_then(|id| position(&argv, option, id)) {
        argv.drain(at..at + 2);
    }
    argv
}

fn position(argv: &[String], option: &str, id: &str) -> Option<usize> {
    argv.windows(2).position(|pair| pair[0] == option && pair[1] == id)
}

/// Whether one of the options is among `args`, as `--long`, `--long=value`, `-s` or within `-ps`.
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
            // `-p` takes no value: the letters after it in one word are another option.
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

    fn argv(base: &str, flags: &str, extras: &str) -> String {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let options = LaunchOptions { session_id: Some("UUID"), label: "T-m", ..LaunchOptions::default() };
        compose(&words(base), &words(flags), &words(extras), &options).join(" ")
    }

    #[test]
    fn adds_session_and_name_before_the_users_flags() {
        let claude = |flags, extras| argv("claude -p", flags, extras);
        assert_eq!(claude("--model x", "-v"), "claude -p --session-id UUID -n T-m --model x -v");
        for taken in ["--session-id=Z", "--session-id Z", "-r Z", "-rZ", "--resume", "-c", "-pc", "--continue"] {
            assert_eq!(claude(taken, ""), format!("claude -p -n T-m {taken}"), "{taken}");
            assert_eq!(claude("", taken), format!("claude -p -n T-m {taken}"), "{taken}");
        }
        for taken in ["-n mine", "--name mine", "--name=mine"] {
            assert_eq!(claude(taken, ""), format!("claude -p --session-id UUID {taken}"), "{taken}");
        }
        assert_eq!(claude("", "-- -r --name"), "claude -p --session-id UUID -n T-m -- -r --name");
        assert_eq!(argv("-c", "", ""), "-c --session-id UUID -n T-m");
    }

    #[test]
    fn no_session_id_without_one() {
        let options = LaunchOptions { label: "L", ..LaunchOptions::default() };
        let argv = compose(&["claude".to_owned()], &[], &[], &options);
        assert_eq!(argv, ["claude", "-n", "L"]);
    }

    #[test]
    fn resuming_takes_the_place_of_a_new_session_and_a_budget_is_told_once() {
        let options =
            LaunchOptions { session_id: Some("NEW"), resume: Some("OLD"), max_budget_usd: Some(0.5), label: "L" };
        let argv = |flags: &str| {
            let flags: Vec<String> = flags.split_whitespace().map(str::to_owned).collect();
            compose(&["claude".to_owned(), "-p".to_owned()], &flags, &[], &options).join(" ")
        };
        assert_eq!(argv(""), "claude -p --resume OLD -n L --max-budget-usd 0.5");
        let own = "--max-budget-usd=9 -c";
        assert_eq!(argv(own), format!("claude -p -n L {own}"));
    }

    #[test]
    fn each_attempt_has_an_id_of_its_own_and_none_is_left_of_it() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let argv = words("claude -p --session-id A -n L --append A");
        assert_eq!(with_session_id(&argv, "A", "B").unwrap(), words("claude -p --session-id B -n L --append A"));
        assert_eq!(without(&argv, SESSION_ID, Some("A")), words("claude -p -n L --append A"));
        for (other, chosen) in
            [("claude --session-id=A", "A"), ("claude --resume A", "A"), ("claude --session-id Z", "A")]
        {
            assert_eq!(with_session_id(&words(other), chosen, "B"), None, "the user's own, or resumed");
            assert_eq!(without(&words(other), SESSION_ID, Some(chosen)), words(other));
        }
        assert_eq!(without(&argv, SESSION_ID, None), argv);
    }
}
