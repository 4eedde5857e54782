//! Which options of `sbatch` the manifest must not give, because this program sets them itself or cannot honour them.

/// Long and short names. `None` for the short one where there is none.
const RESERVED: [(&str, Option<char>); 31] = [
    ("array", Some('a')),
    ("bell", None),
    ("chdir", Some('D')),
    ("clusters", Some('M')),
    ("comment", None),
    ("dependency", Some('d')),
    ("error", Some('e')),
    ("export", None),
    ("export-file", None),
    ("get-user-env", None),
    ("gid", None),
    ("help", Some('h')),
    ("hold", Some('H')),
    ("ignore-pbs", None),
    ("input", Some('i')),
    ("job-name", Some('J')),
    ("kill-on-invalid-dep", None),
    ("no-requeue", None),
    ("open-mode", None),
    ("output", Some('o')),
    ("parsable", None),
    ("propagate", None),
    ("quiet", Some('Q')),
    ("requeue", None),
    ("signal", None),
    ("test-only", None),
    ("uid", None),
    ("usage", None),
    ("version", Some('V')),
    ("wait", Some('W')),
    ("wrap", None),
];

/// Short options without a value; several may stand in one word.
const FLAGS: &[char] = &['H', 'h', 'I', 'k', 'O', 'Q', 's', 'v', 'V', 'W'];

/// The first of `options` that is reserved, by its name, or no option at all.
pub(super) fn refused(options: &[String]) -> Option<String> {
    let mut words = options.iter();
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--") {
            let name = long.split('=').next().unwrap_or_default();
            // The command accepts an option by the beginning of its name.
            let is_reserved = |(known, _): &(&str, _)| *known == name || (name.len() > 1 && known.starts_with(name));
            if name.is_empty() || RESERVED.iter().any(is_reserved) {
                return Some(if name.is_empty() { "--".to_owned() } else { format!("--{name}") });
            }
            continue;
        }
        let Some(short) = word.strip_prefix('-').filter(|short| !short.is_empty()) else {
            // The value of the option before it, or a script's name, which is ours.
            return Some(word.clone());
        };
        let mut letters = short.chars().peekable();
        while let Some(letter) = letters.next() {
            if RESERVED.iter().any(|(_, short)| *short == Some(letter)) {
                return Some(format!("-{letter}"));
            }
            if !FLAGS.contains(&letter) {
                // The rest of the word is its value, or the next word is.
                if letters.peek().is_none() {
                    words.next();
                }
                break;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused_of(line: &str) -> Option<String> {
        refused(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_ours_is_refused_by_name_in_every_spelling() {
        for (line, name) in [
            ("-J x", "-J"),
            ("-Jx", "-J"),
            ("--job-name=x", "--job-name"),
            ("--job-n x", "--job-n"),
            ("-o /tmp/x", "-o"),
            ("--export=ALL", "--export"),
            ("--requeue", "--requeue"),
            ("--array=1-5", "--array"),
            ("-a 1-5", "-a"),
            ("--wait", "--wait"),
            ("-sW", "-W"),
            ("-p main -W", "-W"),
            ("--wrap=ls", "--wrap"),
            ("script.sh", "script.sh"),
            ("-p main script.sh", "script.sh"),
            ("--", "--"),
        ] {
            assert_eq!(refused_of(line).as_deref(), Some(name), "{line}");
        }
    }

    #[test]
    fn what_places_and_limits_a_job_is_passed_on() {
        for line in [
            "--partition=main --account=lab --cpus-per-task=2",
            "-p main -A lab -c 2",
            "-pmain -t 10",
            "--time=10 --mem=4G --gres=gpu:1 --qos=high --constraint=a --exclusive --nice=5 --ntasks=1",
            "-w n2",
            "--nodelist=n2",
        ] {
            assert_eq!(refused_of(line), None, "{line}");
        }
    }
}
