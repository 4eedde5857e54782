//! The final answer of a run: checked for content, and saved where the mode wants it. Must not write outside the run's
//! working directory or leave a partial file.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::store::log_part::LogPart;

/// A text, or a log from the byte where its attempt began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Text(Vec<u8>),
    Log { path: PathBuf, from: u64 },
}

impl Answer {
    /// Whether it holds only blanks. Fails where the log cannot be read.
    pub fn is_blank(&self) -> io::Result<bool> {
        let blank = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_whitespace);
        let mut file = match self {
            Self::Text(text) => return Ok(blank(text)),
            Self::Log { path, from } => LogPart::open(path, *from)?,
        };
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(true),
                count if !blank(&buffer[..count]) => return Ok(false),
                _ => {}
            }
        }
    }

    /// Writes the answer to `relative` below `cwd`, as a whole, with the mode that the user's umask leaves. Fails where
    /// a link leads out of `cwd`.
    pub fn save(&self, cwd: &Path, relative: &Path, umask: u32) -> io::Result<()> {
        let path = cwd.join(relative);
        let parent = path.parent().unwrap_or(cwd);
        fs::create_dir_all(parent)?;
        // The manifest check rejects `..`, but a link that the agent made could lead out.
        if !fs::canonicalize(parent)?.starts_with(fs::canonicalize(cwd)?) {
            return Err(io::Error::other("it leads out of the run's working directory"));
        }
        let mut temp = tempfile::Builder::new().prefix(".dispatch-").tempfile_in(parent)?;
        match self {
            Self::Text(text) => {
                temp.write_all(text)?;
                // The last line of a text file ends with a newline.
                if !text.ends_with(b"\n") && !text.is_empty() {
                    temp.write_all(b"\n")?;
                }
            }
            Self::Log { path, from } => {
                io::copy(&mut LogPart::open(path, *from)?, &mut temp)?;
            }
        }
        temp.as_file().set_permissions(fs::Permissions::from_mode(0o666 & !umask))?;
        temp.persist(&path).map_err(|error| error.error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_saved_whole_and_never_outside() {
        let dir = tempfile::tempdir().unwrap();
        let cwd = dir.path().join("cwd");
        fs::create_dir(&cwd).unwrap();
        Answer::Text(b"fine".to_vec()).save(&cwd, Path::new("reviews/a.md"), 0o022).unwrap();
        assert_eq!(fs::read(cwd.join("reviews/a.md")).unwrap(), b"fine\n");
        assert_eq!(fs::metadata(cwd.join("reviews/a.md")).unwrap().permissions().mode() & 0o777, 0o644);
        std::os::unix::fs::symlink(dir.path(), cwd.join("out")).unwrap();
        assert!(Answer::Text(Vec::new()).save(&cwd, Path::new("out/b.md"), 0o022).is_err());
        assert!(!dir.path().join("b.md").exists());
        assert!(Answer::Text(b" \n\t".to_vec()).is_blank().unwrap());
        let log = |from| Answer::Log { path: cwd.join("reviews/a.md"), from };
        assert!(!log(0).is_blank().unwrap() && log(4).is_blank().unwrap() && log(99).is_blank().unwrap());
        log(2).save(&cwd, Path::new("part.md"), 0o022).unwrap();
        assert_eq!(fs::read(cwd.join("part.md")).unwrap(), b"ne\n");
    }
}
