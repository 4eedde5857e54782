//! Reads only `state_dir:` of a manifest, also where the rest of the text has errors: the runs of the project can then be
//! shown and the manifest repaired.

use std::path::{Path, PathBuf};

use crate::manifest::document::Document;
use crate::manifest::fields::SectionFields;
use crate::manifest::home::Home;
use crate::manifest::keys;
use crate::manifest::settings_section;
use crate::manifest::source::{self, MANIFEST_MAX, Source};
use crate::manifest::tree::Node;

/// The state folder of the manifest at `path`, which is absolute and lies in the folder `root`. `None` if the file cannot
/// be read, or it is not clear which folder its `state_dir` means.
pub fn state_dir_of(path: &Path, root: &Path, home: &Home) -> Option<PathBuf> {
    let source = source::read(path, "manifest", MANIFEST_MAX).ok()?;
    let document = Document::new(source.clone());
    if let Some(node) = document.parse() {
        return read(&document, &node, root, home);
    }
    // After a syntax error, the key's own line is read. Within braces, a line is no whole entry.
    if source.text.trim_start().starts_with('{') {
        return None;
    }
    let Some(line) = source.text.lines().find(|line| is_key_line(line)) else {
        return Some(home.usual_state_dir());
    };
    let document = Document::new(Source { text: line.into(), ..source });
    read(&document, &document.parse()?, root, home)
}

/// Whether a line without indentation sets `state_dir`; the key may be quoted.
fn is_key_line(line: &str) -> bool {
    line.split_once(':').is_some_and(|(key, _)| key.trim_end().trim_matches(['"', '\'']) == "state_dir")
}

fn read(document: &Document, node: &Node, root: &Path, home: &Home) -> Option<PathBuf> {
    let Some(fields) = SectionFields::new(document, node, "the manifest", &keys::MANIFEST) else {
        return Some(home.usual_state_dir());
    };
    match fields.get("state_dir") {
        None => Some(home.usual_state_dir()),
        Some(_) => settings_section::state_dir(&fields, root, home).map(|text| home.state_dir(&text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_folder_is_known_in_spite_of_errors() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let path = root.join("dispatch.yaml");
        let home = Home::in_folder(&root);
        for (text, folder) in [
            ("version: 1\n", Some(".dispatch")),
            ("version: 1\nodd: 1\nstate_dir: state\n", Some("state")),
            ("version: 1\nmodes: [\nstate_dir: 'my state' # x\n", Some("my state")),
            ("version: 1\nmodes: [\n  state_dir: no key of the manifest\n", Some(".dispatch")),
            ("modes: [\nstate_dir_old: other\n\"state_dir\" : state\n", Some("state")),
            ("modes: [\n'state_dir': state\n", Some("state")),
            ("{ version: 1,\n\"state_dir\": \"state\", modes: [\n", None),
            ("- a\n- list\n", Some(".dispatch")),
            ("modes: [\nstate_dir: [\n", None),
            ("modes: [\nstate_dir:\n  below\n", None),
            ("version: 1\nstate_dir: .\n", None),
            ("modes: [\nstate_dir: ..\n", None),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(state_dir_of(&path, &root, &home), folder.map(|folder| root.join(folder)), "{text}");
        }
        std::fs::write(&path, [0xff, 0xfe, 0]).unwrap();
        assert_eq!(state_dir_of(&path, &root, &home), None, "no text");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(state_dir_of(&path, &root, &home), None, "no file");
    }
}
