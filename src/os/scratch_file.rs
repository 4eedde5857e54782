//! A text in a private temporary file, for a program that edits it. Dropping it removes the file.

use std::io::{self, Write as _};
use std::path::Path;

#[derive(Debug)]
pub struct ScratchFile(tempfile::NamedTempFile);

impl ScratchFile {
    pub fn new(text: &str) -> io::Result<Self> {
        let mut file = tempfile::Builder::new().prefix("dispatch-").suffix(".md").tempfile()?;
        file.write_all(text.as_bytes())?;
        Ok(Self(file))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The text now. By its path, since editors replace the file. Fails if it is not UTF-8.
    pub fn read(&self) -> io::Result<String> {
        std::fs::read_to_string(self.path())
    }
}
