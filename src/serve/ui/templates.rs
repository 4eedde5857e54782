//! The templates of the pages, compiled into the program. All data in them is escaped.

use std::sync::OnceLock;

use jiff::Timestamp;
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, HtmlEscape, Value};

use crate::serve::refusal::Refusal;

/// Serialises the named values (`name` or `name => expression`) as the context of a template.
macro_rules! context {
    (@value $key:ident) => { minijinja::Value::from(minijinja::value::Serde(&$key)) };
    (@value $key:ident $value:expr) => { minijinja::Value::from(minijinja::value::Serde(&$value)) };
    ($($key:ident $(=> $value:expr)?),* $(,)?) => {
        minijinja::context! { $($key => $crate::serve::ui::templates::context!(@value $key $($value)?)),* }
    };
}
pub(super) use context;

const TEMPLATES: &[(&str, &str)] = &[
    ("badge.html", include_str!("templates/badge.html")),
    ("broken.html", include_str!("templates/broken.html")),
    ("board.html", include_str!("templates/board.html")),
    ("chart.html", include_str!("templates/chart.html")),
    ("diff.html", include_str!("templates/diff.html")),
    ("edit.html", include_str!("templates/edit.html")),
    ("history.html", include_str!("templates/history.html")),
    ("last_lines.html", include_str!("templates/last_lines.html")),
    ("now.html", include_str!("templates/now.html")),
    ("now_detail.html", include_str!("templates/now_detail.html")),
    ("now_summary.html", include_str!("templates/now_summary.html")),
    ("open_file.html", include_str!("templates/open_file.html")),
    ("plan.html", include_str!("templates/plan.html")),
    ("problem_place.html", include_str!("templates/problem_place.html")),
    ("row.html", include_str!("templates/row.html")),
    ("run.html", include_str!("templates/run.html")),
    ("rows.html", include_str!("templates/rows.html")),
    ("run_line.html", include_str!("templates/run_line.html")),
    ("run_table.html", include_str!("templates/run_table.html")),
    ("subtasks.html", include_str!("templates/subtasks.html")),
    ("summary.html", include_str!("templates/summary.html")),
    ("task.html", include_str!("templates/task.html")),
    ("task_gone.html", include_str!("templates/task_gone.html")),
];

fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: OnceLock<Environment<'static>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
            environment.set_syntax(syntax);
        }
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        environment.add_filter("status", |status: &str| status_word(status));
        environment.add_filter("path", |path: &str| address(path));
        environment.add_filter("short", |ms: u64| short(ms));
        environment.add_filter("clock", |time: &str| clock(time));
        environment.add_filter("timed", |text: &str| Value::from_safe_string(timed(text)));
        for (name, source) in TEMPLATES {
            // A test parses each template.
            if let Err(error) = environment.add_template(name, source) {
                tracing::error!(%error, name, "a template of ours is broken");
            }
        }
        environment
    })
}

pub(super) fn render(name: &str, context: Value) -> Result<String, Refusal> {
    let template = environment().get_template(name).map_err(Refusal::internal)?;
    template.render(context).map_err(|error| Refusal::internal(format!("{error:#}")))
}

/// A task's status for people: `in_progress` → `in progress`.
fn status_word(status: &str) -> String {
    match status {
        "todo" => "to do".to_owned(),
        "review" => "in review".to_owned(),
        other => other.replace('_', " "),
    }
}

/// A relative path as part of an address.
pub(super) fn address(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A duration in at most two units, as `assets/time.js` formats it.
fn short(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h {}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86400, seconds / 3600 % 24),
    }
}

/// `text` as HTML: escaped, and its times as elements that the page's script shows in the user's time zone.
fn timed(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        let is_edge = |c: char| c.is_whitespace() || "()[],;`'\"".contains(c);
        let time = word.trim_matches(is_edge).trim_end_matches('.');
        match (time.len() > 15).then(|| time.parse::<Timestamp>()) {
            Some(Ok(at)) => {
                let (before, after) = word.split_once(time).unwrap_or_default();
                let shown = at.strftime("%Y-%m-%d %H:%M:%S UTC");
                html.push_str(&format!(
                    "{}<time datetime=\"{at}\" data-tick=\"at\">{shown}</time>{}",
                    escaped(before),
                    escaped(after)
                ));
            }
            _ => html.push_str(&escaped(word)),
        }
    }
    html
}

fn escaped(text: &str) -> String {
    HtmlEscape(text).to_string()
}

/// A time to the second in UTC; the page's script shows it in the user's time zone.
fn clock(time: &str) -> String {
    time.parse::<Timestamp>()
        .map_or_else(|_| time.to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_two_units_at_most() {
        for (ms, text) in [(0, "0s"), (59_999, "59s"), (61_000, "1m 1s"), (3_660_000, "1h 1m"), (90_000_000, "1d 1h")] {
            assert_eq!(short(ms), text);
        }
    }

    #[test]
    fn a_path_in_an_address_holds_nothing_special() {
        assert_eq!(address(".claude/sub task?#%.yml"), ".claude/sub%20task%3F%23%25.yml");
        assert_eq!(address("é"), "%C3%A9");
    }

    #[test]
    fn times_in_a_text_are_elements_and_its_markup_is_text() {
        assert_eq!(timed("a <b> & \"c\""), "a &lt;b&gt; &amp; &quot;c&quot;");
        let text = timed("retry (at 2026-11-29T07:20:01.123456789Z), <i>2026-11-29T07:20:01Z");
        let start = "retry (at <time datetime=\"2026-11-29T07:20:01.123456789Z\" data-tick=\"at\">2026-11-29 07:20:01 UTC</time>), &lt;i";
        assert!(text.starts_with(start) && text.matches("<time").count() == 1, "{text}");
    }

    #[test]
    fn every_template_can_be_read() {
        for (name, _) in TEMPLATES {
            environment().get_template(name).unwrap_or_else(|error| panic!("{name}: {error:#}"));
        }
    }
}
