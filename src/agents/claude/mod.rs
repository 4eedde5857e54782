//! The `claude` protocol: Claude Code.
//!
//! Headless it prints stream-json: its last `result` event decides together with the exit code, since it exits with 0
//! when it is interrupted or stops halfway. In a window its hooks and its status file report its activity; its screen
//! and transcript show whether a text arrived.

mod activity;
mod answer;
mod argv;
mod delivery;
mod events;
mod hook;
mod input;
mod installation;
mod last_turn;
mod onboarding;
mod rate_limit;
mod report;
mod result;
mod settings;
mod status_file;
mod transcript;
mod turn_event;
mod window;

#[cfg(test)]
mod tests;

use std::io;

use crate::agents::installation::Installation;
use crate::agents::protocol::{
    AgentProtocol, BuiltInAgent, Capabilities, EventRenderer, LastTurn, LaunchOptions, RateLimit, SeekableLog,
};
use crate::agents::report::AgentReport;
use crate::agents::window::WindowProtocol;
use crate::model::protocol::PromptDelivery;
use crate::model::run_form::RunForm;

#[derive(Debug)]
pub(in crate::agents) struct Claude;

impl AgentProtocol for Claude {
    fn name(&self) -> &'static str {
        "claude"
    }

    fn built_in(&self) -> Option<BuiltInAgent> {
        Some(BuiltInAgent {
            name: "claude",
            interactive: &["claude"],
            headless: &["claude", "-p", "--output-format", "stream-json", "--verbose"],
            prompt_interactive: PromptDelivery::Arg,
            prompt_headless: PromptDelivery::Stdin,
            model: &["--model", "{{ model }}"],
        })
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            resume: true,
            chooses_session_id: true,
            reports: true,
            tells_turns: true,
            needs_prompt: true,
            prompt_needs_dash_dash: true,
            reads_prompt_from_stdin_in_window: true,
        }
    }

    fn argv(&self, base: &[String], flags: &[String], extras: &[String], options: &LaunchOptions<'_>) -> Vec<String> {
        argv::compose(base, flags, extras, options)
    }

    fn argv_for_retry(&self, argv: &[String], used: &str, fresh: &str) -> Option<Vec<String>> {
        argv::with_session_id(argv, used, fresh)
    }

    fn argv_without_session_id(&self, argv: &[String], session_id: Option<&str>) -> Vec<String> {
        argv::without(argv, argv::SESSION_ID, session_id)
    }

    fn argv_without_conversation(&self, argv: &[String], session_id: Option<&str>) -> Vec<String> {
        argv::without(&argv::without(argv, argv::SESSION_ID, session_id), argv::RESUME, session_id)
    }

    fn default_env(&self, form: RunForm) -> &'static [(&'static str, &'static str)] {
        // A headless agent that ends its turn with shells in the background loses their work.
        match form {
            RunForm::Headless => &[("CLAUDE_CODE_DISABLE_BACKGROUND_TASKS", "1")],
            RunForm::Interactive => &[],
        }
    }

    fn login_variables(&self) -> &'static [&'static str] {
        &["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"]
    }

    fn read_report(&self, log: &mut dyn SeekableLog) -> io::Result<AgentReport> {
        report::read(log)
    }

    fn read_last_turn(&self, log: &mut dyn SeekableLog) -> io::Result<LastTurn> {
        last_turn::read(log)
    }

    fn read_rate_limit(&self, log: &mut dyn SeekableLog) -> io::Result<Option<RateLimit>> {
        rate_limit::read(log)
    }

    fn window(&self) -> Option<&dyn WindowProtocol> {
        Some(self)
    }

    fn installation(&self) -> Option<&'static Installation> {
        Some(&installation::INSTALLATION)
    }

    fn renderer(&self) -> Option<Box<dyn EventRenderer>> {
        Some(Box::new(events::Events::default()))
    }
}
