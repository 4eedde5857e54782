//! Finds the files below a folder that match a list of globs.
//!
//! `*`, `?` and `[…]` match within one name, `**` any number of folders; as in a shell, none matches a name that starts
//! with a dot. Links to folders inside are followed; a link out of the folder is an error: an unreadable source must
//! not count as unchanged.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern};

const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
/// Most entries of one search; more mean a loop of links.
const ENTRIES_MAX: usize = 1_000_000;

/// The regular files that match one of `patterns` and none of `but`, relative to `cwd`, sorted.
pub(super) fn find(cwd: &Path, patterns: &[String], but: &[String]) -> io::Result<BTreeSet<PathBuf>> {
    let but = but.iter().map(|pattern| parse(pattern)).collect::<io::Result<Vec<_>>>()?;
    let mut found = BTreeSet::new();
    for pattern in patterns {
        SourceWalk::new(cwd, parse(pattern)?)?.run(&mut found)?;
    }
    found.retain(|path| !but.iter().any(|pattern| pattern.matches_path_with(path, OPTIONS)));
    Ok(found)
}

/// The regular files that `generates` matches, relative to `cwd`. Fails if a folder or file cannot be read.
pub fn outputs(cwd: &Path, generates: &[String]) -> io::Result<BTreeSet<PathBuf>> {
    find(cwd, generates, &[])
}

/// Whether `pattern` can match more than one name.
pub fn has_wildcard(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

/// The patterns that no file matches. Fails for a pattern that is no glob or leads out of `cwd`.
pub fn missing(cwd: &Path, patterns: &[String]) -> io::Result<Vec<String>> {
    let mut missing = Vec::new();
    for pattern in patterns {
        let mut found = BTreeSet::new();
        SourceWalk::new(cwd, parse(pattern)?)?.run(&mut found)?;
        if found.is_empty() {
            missing.push(pattern.clone());
        }
    }
    Ok(missing)
}

fn parse(text: &str) -> io::Result<Pattern> {
    let path = Path::new(text);
    let below = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if text.is_empty() || !path.components().all(below) {
        return Err(io::Error::other(format!("`{text}` must stay below the run's working directory")));
    }
    // `./a//b` is `a/b`.
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    Pattern::new(&parts.join("/")).map_err(|error| io::Error::other(format!("`{text}` is not a glob: {error}")))
}

struct SourceWalk {
    cwd: PathBuf,
    /// `cwd` resolved, to detect links that lead out of it.
    real: PathBuf,
    pattern: Pattern,
    /// The names of the pattern before its first wildcard.
    literal: PathBuf,
    /// How many names a matching path has; `None` with `**`.
    depth: Option<usize>,
    /// Whether a part of the pattern starts with a dot.
    hidden: bool,
    seen: usize,
}

impl SourceWalk {
    fn new(cwd: &Path, pattern: Pattern) -> io::Result<Self> {
        let parts: Vec<&str> = pattern.as_str().split('/').collect();
        let literal = parts.iter().take_while(|part| !has_wildcard(part)).collect::<PathBuf>();
        let depth = (!parts.contains(&"**")).then_some(parts.len());
        let hidden = parts.iter().any(|part| part.starts_with('.'));
        Ok(Self { cwd: cwd.to_owned(), real: fs::canonicalize(cwd)?, literal, depth, hidden, pattern, seen: 0 })
    }

    fn run(mut self, found: &mut BTreeSet<PathBuf>) -> io::Result<()> {
        let start = self.literal.clone();
        self.visit(&start, &mut Vec::new(), found)
    }

    /// Visits one path. `above` are the resolved folders on the way to it.
    fn visit(&mut self, path: &Path, above: &mut Vec<PathBuf>, found: &mut BTreeSet<PathBuf>) -> io::Result<()> {
        self.seen += 1;
        if self.seen > ENTRIES_MAX {
            return Err(io::Error::other(format!("`{}` looks at too many files", self.pattern)));
        }
        let names = path.components().count();
        let matches = self.pattern.matches_path_with(path, OPTIONS);
        let may_go_on = self.depth.is_none_or(|depth| names < depth);
        if !matches && !may_go_on {
            return Ok(());
        }
        let full = self.cwd.join(path);
        let (meta, real) = match Self::resolve(&full, above.last()) {
            Ok(resolved) => resolved,
            // Removed since it was listed, or a dangling link: once the target exists, it is a new source.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(());
            }
            Err(error) => return Err(super::named(path, &error)),
        };
        if !(meta.is_dir() && may_go_on || meta.is_file() && matches) {
            return Ok(());
        }
        if !real.starts_with(&self.real) {
            return Err(io::Error::other(format!("`{}` leads out of the run's working directory", path.display())));
        }
        if meta.is_file() {
            if path.to_str().is_none() {
                return Err(io::Error::other(format!("`{}` is not UTF-8", path.display())));
            }
            found.insert(path.to_owned());
            return Ok(());
        }
        if above.contains(&real) {
            // A link back to an ancestor folder, whose entries are being read already.
            return Ok(());
        }
        above.push(real);
        for entry in fs::read_dir(&full).map_err(|error| super::named(path, &error))? {
            let name = entry.map_err(|error| super::named(path, &error))?.file_name();
            if self.hidden || !name.as_encoded_bytes().starts_with(b".") {
                self.visit(&path.join(name), above, found)?;
            }
        }
        above.pop();
        Ok(())
    }

    /// The metadata and the resolved path of `full`. Below a resolved folder only links need resolving.
    fn resolve(full: &Path, parent: Option<&PathBuf>) -> io::Result<(fs::Metadata, PathBuf)> {
        let meta = fs::symlink_metadata(full)?;
        match (parent, full.file_name()) {
            (Some(parent), Some(name)) if !meta.is_symlink() => Ok((meta, parent.join(name))),
            _ => Ok((fs::metadata(full)?, fs::canonicalize(full)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn found(cwd: &Path, patterns: &[&str]) -> Result<Vec<String>, String> {
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        let found = find(cwd, &patterns, &[]).map_err(|error| error.to_string())?;
        Ok(found.into_iter().map(|path| path.to_str().unwrap().to_owned()).collect())
    }

    #[test]
    fn files_match_as_in_a_shell() {
        let dir = tempfile::tempdir().unwrap();
        let cwd = dir.path();
        fs::create_dir_all(cwd.join("src/deep/er")).unwrap();
        fs::create_dir_all(cwd.join(".git/x")).unwrap();
        for file in ["a.rs", ".b.rs", "src/c.rs", "src/deep/er/d.rs", "src/e.txt", ".git/x/f.rs"] {
            fs::write(cwd.join(file), file).unwrap();
        }
        rustix::fs::mkfifoat(rustix::fs::CWD, cwd.join("src/fifo.rs"), rustix::fs::Mode::RUSR).unwrap();
        fs::create_dir(cwd.join("folder.rs")).unwrap();
        for (patterns, expected) in [
            (&["**/*.rs"][..], &["a.rs", "src/c.rs", "src/deep/er/d.rs"][..]),
            (&["src/*"], &["src/c.rs", "src/e.txt"]),
            (&["./src//c.rs", "*.rs"], &["a.rs", "src/c.rs"]),
            (&["src/**"], &["src/c.rs", "src/deep/er/d.rs", "src/e.txt"]),
            (&[".git/**/*.rs", ".b.rs"], &[".b.rs", ".git/x/f.rs"]),
            (&["s*/[cd].rs"], &["src/c.rs"]),
            (&["none/*", "a.rs/x"], &[]),
        ] {
            assert_eq!(found(cwd, patterns).unwrap(), expected, "{patterns:?}");
        }
        for outside in ["../x", "/etc/passwd", "", "a[", "src/../../x"] {
            assert!(found(cwd, &[outside]).is_err(), "{outside}");
        }
        assert!(found(&cwd.join("nowhere"), &["*"]).is_err());
        let patterns = ["src/*.rs", "out/*.md"].map(str::to_owned);
        assert_eq!(missing(cwd, &patterns).unwrap(), ["out/*.md"]);
    }

    #[test]
    fn links_are_walked_inside_and_refused_outside() {
        let dir = tempfile::tempdir().unwrap();
        let cwd = dir.path().join("cwd");
        fs::create_dir_all(cwd.join("lib")).unwrap();
        fs::write(cwd.join("lib/a.rs"), "a").unwrap();
        fs::write(dir.path().join("secret.rs"), "s").unwrap();
        symlink("lib", cwd.join("inside")).unwrap();
        symlink("..", cwd.join("lib/back")).unwrap();
        symlink("nothing", cwd.join("dangling.rs")).unwrap();
        assert_eq!(found(&cwd, &["**/*.rs"]).unwrap(), ["inside/a.rs", "lib/a.rs"]);
        symlink("../secret.rs", cwd.join("out.txt")).unwrap();
        assert_eq!(found(&cwd, &["**/*.rs"]).unwrap().len(), 2, "it matches nothing");
        assert!(found(&cwd, &["*.txt"]).unwrap_err().contains("leads out"));
        symlink(dir.path(), cwd.join("lib/up")).unwrap();
        assert!(found(&cwd, &["**/*.rs"]).unwrap_err().contains("leads out"));
    }
}
