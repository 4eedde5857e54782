//! Decides whether a run would repeat its last success, by comparing its inputs. Pure.
//! In doubt a run is stale: it must never be skipped by mistake.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::model::freshness::{Fingerprint, FreshRecord, Tracked};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Freshness {
    UpToDate,
    /// The reasons, at least one.
    Stale(Vec<String>),
}

/// The outputs that exist now.
#[derive(Clone, Copy, Debug)]
pub struct OutputsNow<'a> {
    /// The files that `generates` matches.
    pub files: &'a BTreeSet<PathBuf>,
    /// The patterns of `generates` that match no file.
    pub unmatched: &'a [String],
    /// Whether a pattern of `generates` can match several names.
    pub has_wildcards: bool,
}

/// Compares `record`, the pair's last success, with `now`, the inputs of a run started now.
pub fn compare(record: &FreshRecord, now: &Fingerprint, tracked: &Tracked, outputs: OutputsNow<'_>) -> Freshness {
    let FreshRecord { version: _, run_id: _, tracked: before, fingerprint: then, outputs: made } = record;
    let mut reasons = Vec::new();
    let mut say = |differs: bool, what: &str| {
        if differs {
            reasons.push(what.to_owned());
        }
    };
    say(before.sources != tracked.sources, "`sources` changed");
    say(before.generates != tracked.generates, "`generates` changed");
    say(now.sources.is_empty(), "`sources` match no file");
    say(then.prompt != now.prompt, "the prompt changed");
    say(then.argv != now.argv, "the arguments changed");
    say(then.program != now.program, "the agent's program changed");
    reasons.extend(changes(&then.sources, &now.sources));
    let gone = made.iter().flatten().filter(|path| !outputs.files.contains(*path));
    reasons.extend(gone.map(|path| format!("`{}` is missing", path.display())));
    for pattern in outputs.unmatched {
        let reason = format!("`{pattern}` is missing");
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    // Without wildcards the patterns are the file names; with wildcards only the record knows them.
    if made.is_none() && outputs.has_wildcards {
        reasons.push("the last success did not note its outputs".to_owned());
    }
    if reasons.is_empty() { Freshness::UpToDate } else { Freshness::Stale(reasons) }
}

fn changes(then: &BTreeMap<PathBuf, String>, now: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let here = now.iter().filter_map(|(path, content)| match then.get(path) {
        None => Some(format!("`{}` is new", path.display())),
        Some(before) if before != content => Some(format!("`{}` changed", path.display())),
        Some(_) => None,
    });
    let gone = then.keys().filter(|path| !now.contains_key(*path)).map(|path| format!("`{}` is gone", path.display()));
    here.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::freshness::ProgramIdentity;
    use crate::plan::for_tests::run;

    fn fingerprint(sources: &[(&str, &str)]) -> Fingerprint {
        Fingerprint {
            sources: sources.iter().map(|(path, content)| (PathBuf::from(path), (*content).to_owned())).collect(),
            prompt: "p".to_owned(),
            argv: "a".to_owned(),
            program: ProgramIdentity { path: "/bin/agent".into(), size: 1, modified: 2 },
        }
    }

    fn tracked() -> Tracked {
        Tracked { sources: vec!["src/*".to_owned()], generates: vec!["out".to_owned()] }
    }

    fn stale(now: &Fingerprint, tracked: &Tracked, missing: &[String]) -> Vec<String> {
        let made = BTreeSet::from([PathBuf::from("out")]);
        let files = if missing.is_empty() { made.clone() } else { BTreeSet::new() };
        reasons(Some(made), now, tracked, OutputsNow { files: &files, unmatched: missing, has_wildcards: false })
    }

    fn reasons(
        made: Option<BTreeSet<PathBuf>>,
        now: &Fingerprint,
        tracked: &Tracked,
        outputs: OutputsNow<'_>,
    ) -> Vec<String> {
        let fingerprint = fingerprint(&[("src/a", "1"), ("src/b", "2")]);
        let record = FreshRecord { version: 1, run_id: run(1), tracked: self::tracked(), fingerprint, outputs: made };
        match compare(&record, now, tracked, outputs) {
            Freshness::UpToDate => Vec::new(),
            Freshness::Stale(reasons) => reasons,
        }
    }

    #[test]
    fn each_output_of_the_last_success_must_be_there() {
        let set = |names: &[&str]| names.iter().map(PathBuf::from).collect::<BTreeSet<_>>();
        let same = fingerprint(&[("src/a", "1"), ("src/b", "2")]);
        let now = |made: Option<&[&str]>, files: &[&str], has_wildcards| {
            let files = set(files);
            let outputs = OutputsNow { files: &files, unmatched: &[], has_wildcards };
            reasons(made.map(set), &same, &tracked(), outputs)
        };
        assert!(now(Some(&["o/a", "o/b"]), &["o/a", "o/b", "o/c"], true).is_empty(), "one more is nobody's loss");
        assert_eq!(now(Some(&["o/a", "o/b"]), &["o/a", "o/x"], true), ["`o/b` is missing"]);
        // A record of an older version: without wildcards the patterns name the outputs.
        assert!(now(None, &["o/a"], false).is_empty());
        assert_eq!(now(None, &["o/a"], true), ["the last success did not note its outputs"]);
    }

    #[test]
    fn only_what_is_the_same_in_everything_is_up_to_date() {
        let same = fingerprint(&[("src/a", "1"), ("src/b", "2")]);
        assert!(stale(&same, &tracked(), &[]).is_empty());
        let sources = fingerprint(&[("src/a", "x"), ("src/c", "2")]);
        assert_eq!(stale(&sources, &tracked(), &[]), ["`src/a` changed", "`src/c` is new", "`src/b` is gone"]);
        assert_eq!(stale(&same, &tracked(), &["out".to_owned()]), ["`out` is missing"]);
        let prompt = Fingerprint { prompt: "q".to_owned(), ..same.clone() };
        assert_eq!(stale(&prompt, &tracked(), &[]), ["the prompt changed"]);
        let argv = Fingerprint { argv: "b".to_owned(), ..same.clone() };
        assert_eq!(stale(&argv, &tracked(), &[]), ["the arguments changed"]);
        for program in [
            ProgramIdentity { path: "/bin/other".into(), ..same.program.clone() },
            ProgramIdentity { size: 9, ..same.program.clone() },
            ProgramIdentity { modified: 9, ..same.program.clone() },
        ] {
            let now = Fingerprint { program, ..same.clone() };
            assert_eq!(stale(&now, &tracked(), &[]), ["the agent's program changed"]);
        }
        let other = Tracked { sources: vec![], generates: vec![] };
        assert_eq!(stale(&same, &other, &[]), ["`sources` changed", "`generates` changed"]);
        assert!(stale(&fingerprint(&[]), &tracked(), &[]).contains(&"`sources` match no file".to_owned()));
    }
}
