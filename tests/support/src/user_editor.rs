//! An editor of the user's that writes down with which words it was started.

use std::fs;

use crate::waiting::wait_until;
use crate::world::World;

const SCRIPT: &str =
    "#!/bin/sh\nprintf '%s\\n' \"${0##*/}\" \"$@\" > \"$HOME/opened.new\"\nmv \"$HOME/opened.new\" \"$HOME/opened\"\n";

impl World {
    /// Installs the editor under this name.
    pub fn user_editor(&self, name: &str) {
        self.shadow(name, SCRIPT);
    }

    /// The editor's name and arguments, once it was started since the last call.
    #[track_caller]
    pub fn opened(&self) -> Vec<String> {
        let path = self.root().join("home/opened");
        let text = wait_until("the editor was started", || {
            let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
            fs::remove_file(&path).map_err(|error| error.to_string())?;
            Ok::<String, String>(text)
        });
        text.lines().map(str::to_owned).collect()
    }

    /// No editor was started since the last call of [`Self::opened`].
    #[track_caller]
    pub fn assert_nothing_opened(&self) {
        assert!(!self.root().join("home/opened").exists(), "an editor was started");
    }
}
