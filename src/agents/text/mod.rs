//! The `text` protocol: any program. Its output is text, and its exit code decides.

use std::io;

use crate::agents::protocol::{AgentProtocol, SeekableLog};
use crate::agents::report::AgentReport;

#[derive(Debug)]
pub(in crate::agents) struct Text;

impl AgentProtocol for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn read_report(&self, _log: &mut dyn SeekableLog) -> io::Result<AgentReport> {
        Ok(AgentReport::not_due())
    }
}
