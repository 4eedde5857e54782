//! The inputs of a run as hashes: its sources, prompt, arguments and program.
//!
//! On any error the run is started. Must not decide what is up to date.

mod sources;

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::model::freshness::{Fingerprint, ProgramIdentity, Tracked};

pub use sources::{has_wildcard, missing, outputs};

/// The inputs of a fingerprint.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    pub cwd: &'a Path,
    pub tracked: &'a Tracked,
    /// The rendered prompt; empty without one.
    pub prompt: &'a [u8],
    /// Without the arguments that differ in each run.
    pub argv: &'a [String],
    pub program: &'a Path,
}

/// The fingerprint of the inputs now. Files that `generates` matches do not count as sources. Fails if a source or
/// the program cannot be read.
pub fn take(inputs: &Inputs<'_>) -> io::Result<Fingerprint> {
    let mut argv = blake3::Hasher::new();
    for word in inputs.argv {
        // No argument contains a NUL, so different lists have different hashes.
        argv.update(word.as_bytes()).update(b"\0");
    }
    let sources = sources::find(inputs.cwd, &inputs.tracked.sources, &inputs.tracked.generates)?;
    let hashed = sources.into_iter().map(|path| {
        let hash = hash_file(&inputs.cwd.join(&path));
        hash.map(|hash| (path.clone(), hash)).map_err(|error| named(&path, &error))
    });
    Ok(Fingerprint {
        sources: hashed.collect::<io::Result<_>>()?,
        prompt: blake3::hash(inputs.prompt).to_string(),
        argv: argv.finalize().to_string(),
        program: identify(inputs.program).map_err(|error| named(inputs.program, &error))?,
    })
}

/// A hash over pieces; moving bytes from one piece to the next changes it.
#[derive(Clone, Debug, Default)]
pub struct Digest(blake3::Hasher);

impl Digest {
    pub fn add(&mut self, piece: &[u8]) {
        self.0.update(&(piece.len() as u64).to_le_bytes()).update(piece);
    }

    pub fn finish(&self) -> String {
        self.0.finalize().to_string()
    }
}

/// A file's path, size and modification time, without reading its content.
pub fn about(path: &Path) -> io::Result<String> {
    Ok(described(path, &std::fs::metadata(path)?))
}

fn described(path: &Path, meta: &std::fs::Metadata) -> String {
    format!("{} {} {}.{}", path.display(), meta.len(), meta.mtime(), meta.mtime_nsec())
}

/// [`about`] for every file below `folder`, sorted. Links are not followed.
pub fn about_folder(folder: &Path) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let meta = entry.metadata()?;
            if meta.is_dir() {
                folders.push(entry.path());
            } else {
                lines.push(described(&entry.path(), &meta));
            }
        }
    }
    lines.sort();
    Ok(lines)
}

fn hash_file(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize().to_string())
}

fn identify(program: &Path) -> io::Result<ProgramIdentity> {
    let meta = std::fs::metadata(program)?;
    let modified = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
    Ok(ProgramIdentity { path: program.to_owned(), size: meta.len(), modified })
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn tracked(sources: &[&str], generates: &[&str]) -> Tracked {
        let words = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        Tracked { sources: words(sources), generates: words(generates) }
    }

    #[test]
    fn every_input_counts_and_only_inputs() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        write("a.rs", "fn a() {}");
        write("b.rs", "fn b() {}");
        write("made.rs", "1");
        write("other", "x");
        write("agent", "#!");
        let some = tracked(&["*.rs"], &["made.*"]);
        let program = dir.path().join("agent");
        let fingerprint = |prompt: &str, argv: &[&str]| {
            let argv: Vec<String> = argv.iter().map(ToString::to_string).collect();
            let inputs =
                Inputs { cwd: dir.path(), tracked: &some, prompt: prompt.as_bytes(), argv: &argv, program: &program };
            take(&inputs).unwrap()
        };
        let first = fingerprint("p", &["x", "y"]);
        assert_eq!(first.sources.keys().map(|path| path.to_str().unwrap()).collect::<Vec<_>>(), ["a.rs", "b.rs"]);
        write("made.rs", "2");
        write("other", "y");
        assert_eq!(fingerprint("p", &["x", "y"]), first);
        let text = serde_json::to_string(&first).unwrap();
        assert_eq!(serde_json::from_str::<Fingerprint>(&text).unwrap(), first);
        assert_ne!(fingerprint("q", &["x", "y"]).prompt, first.prompt);
        assert_ne!(fingerprint("p", &["xy", ""]).argv, first.argv);
        write("a.rs", "fn a() { }");
        let changed = fingerprint("p", &["x", "y"]);
        assert_ne!(changed.sources[Path::new("a.rs")], first.sources[Path::new("a.rs")]);
        assert_eq!(changed.sources[Path::new("b.rs")], first.sources[Path::new("b.rs")]);
        write("agent", "#!/bin/sh");
        assert_ne!(fingerprint("p", &["x", "y"]).program, first.program);
        fs::remove_file(&program).unwrap();
        let inputs = Inputs { cwd: dir.path(), tracked: &some, prompt: b"", argv: &[], program: &program };
        assert!(take(&inputs).unwrap_err().to_string().contains("agent"), "no program: in doubt");
    }

    #[test]
    fn a_large_file_is_read_in_pieces() {
        let dir = tempfile::tempdir().unwrap();
        let content: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
        fs::write(dir.path().join("large"), &content).unwrap();
        assert_eq!(hash_file(&dir.path().join("large")).unwrap(), blake3::hash(&content).to_string());
    }
}
