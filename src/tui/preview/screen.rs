//! The screen of a run's window, captured at intervals; of an ended run the last recorded one.

use std::time::Duration;

use ratatui::text::Line;

use crate::lifecycle::window::attach;
use crate::tui::preview::styled_text;
use crate::tui::preview::{PreviewRequest, PreviewTools};

/// Interval while the screen changes; doubled up to the other while it does not.
const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(2);

pub(super) struct ScreenPreview {
    request: PreviewRequest,
    /// The last capture.
    shown: Option<Vec<u8>>,
    interval: Duration,
}

impl ScreenPreview {
    pub(super) fn new(request: PreviewRequest) -> Self {
        Self { request, shown: None, interval: SHORTEST }
    }

    pub(super) fn interval(&self) -> Option<Duration> {
        self.request.run.is_active().then_some(self.interval)
    }

    pub(super) fn step(&mut self, tools: &PreviewTools) -> bool {
        let screen = match attach::styled_screen(tools.live.store(), &self.request.run) {
            Ok(screen) => screen.unwrap_or_default(),
            Err(error) => error.to_string().into_bytes(),
        };
        if self.shown.as_ref() == Some(&screen) {
            self.interval = (self.interval * 2).min(LONGEST);
            return true;
        }
        self.interval = SHORTEST;
        let mut lines = styled_text::lines(&screen);
        let is_blank = |line: &Line<'_>| line.spans.iter().all(|span| span.content.trim().is_empty());
        while lines.last().is_some_and(is_blank) {
            lines.pop();
        }
        if lines.is_empty() {
            lines.push(Line::raw("the window shows nothing"));
        }
        self.shown = Some(screen);
        tools.replace(&self.request.id, lines)
    }
}
