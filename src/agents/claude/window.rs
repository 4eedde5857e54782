//! The window part of the `claude` protocol: each method calls the module beside this one that implements it.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::agents::claude::delivery::PasteDelivery;
use crate::agents::claude::{Claude, activity, hook, onboarding, settings, status_file};
use crate::agents::hook_event::HookEvent;
use crate::agents::window::{
    ActivityInputs, Dialog, HookError, Hooks, InputDelivery, ReadFile, StatusFile, Variable, WindowProtocol,
};
use crate::model::activity::Activity;

impl WindowProtocol for Claude {
    fn hooks(
        &self,
        argv: &[String],
        command: &str,
        settings_path: &str,
        read_file: ReadFile<'_>,
    ) -> Result<Hooks, HookError> {
        settings::hooks(argv, command, settings_path, read_file)
    }

    fn read_hook(&self, input: &mut dyn Read) -> Option<HookEvent> {
        hook::read(input)
    }

    fn hook_pid_variable(&self) -> &'static str {
        "CLAUDE_PID"
    }

    fn home(&self, cwd: &Path, variable: Variable<'_>) -> Option<PathBuf> {
        let own = variable("CLAUDE_CONFIG_DIR").map(|folder| cwd.join(folder));
        own.or_else(|| variable("HOME").map(|home| home.join(".claude")))
    }

    fn status_file(&self, home: &Path, pid: u32) -> PathBuf {
        home.join("sessions").join(format!("{pid}.json"))
    }

    fn read_status_file(&self, bytes: &[u8]) -> Option<StatusFile> {
        status_file::read(bytes)
    }

    fn dialog_on(&self, screen: &str) -> Option<Dialog> {
        onboarding::dialog_on(screen)
    }

    fn onboarding_file(&self, variable: Variable<'_>) -> PathBuf {
        onboarding::file(variable)
    }

    fn onboarding(&self, answered: &str, roots: &[&str], variable: Variable<'_>) -> Vec<Dialog> {
        let key = variable("ANTHROPIC_API_KEY");
        onboarding::would_ask(answered, roots, key.as_deref().and_then(Path::to_str))
    }

    fn activity(&self, inputs: &ActivityInputs<'_>) -> Activity {
        activity::judge(inputs)
    }

    fn conversation(&self, inputs: &ActivityInputs<'_>) -> Option<String> {
        activity::conversation(inputs)
    }

    fn delivery<'a>(&self, text: &'a str) -> Box<dyn InputDelivery + 'a> {
        Box::new(PasteDelivery::new(text))
    }
}
