//! Reads the input line of a `claude` in a window from its screen: whether it is visible, and its content.
//!
//! The screen is no documented interface and changes with versions. An unknown screen is [`InputContent::Hidden`], and
//! nothing is typed into it; a dialog has no input line either.

use crate::agents::window::InputContent;

/// A line of these above and below frames the input; the upper one may contain the conversation's name.
const RULE: char = '─';
const RULE_LEAST: usize = 10;
/// The first input line begins with the prompt, or in shell mode with the `!` that was typed.
const PROMPT: char = '❯';
const SHELL: char = '!';
/// Bytes that must be visible of a text that is shown in part, to recognise it.
const SURE: usize = 16;

/// Matches a dialog whose cursor is on a choice, where nothing may be typed. tmux checks this immediately before it
/// types.
pub(super) const CHOICE: &str = r"❯ [0-9]+\. ";

/// Reads a screen with attributes (`capture-pane -e`): faint text is a hint of the agent, not input.
pub(super) fn read_input(screen: &str) -> InputContent {
    let mut style = Style::default();
    let lines: Vec<ScreenLine> = screen.split('\n').map(|line| style.read(line)).collect();
    let rules: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].is_rule()).collect();
    let frame = rules.windows(2).rev().find(|pair| {
        lines.get(pair[0] + 1).is_some_and(|line| pair[0] + 1 < pair[1] && line.all.starts_with([PROMPT, SHELL]))
    });
    let Some(&[above, below]) = frame else { return InputContent::Hidden };
    let mut text = String::new();
    for (number, line) in lines[above + 1..below].iter().enumerate() {
        let typed = line.typed.trim_end_matches(is_blank);
        match number {
            0 => text.push_str(typed.strip_prefix(PROMPT).unwrap_or(typed).trim_start_matches(is_blank)),
            _ => {
                text.push('\n');
                text.push_str(typed.strip_prefix("  ").unwrap_or(typed));
            }
        }
    }
    if text.trim_matches(is_blank).is_empty() { InputContent::Empty } else { InputContent::Holds(text) }
}

fn is_blank(c: char) -> bool {
    c.is_whitespace()
}

/// Whether `input` holds `text` and nothing else: lines may be wrapped, and a long text is shown as a placeholder.
pub(super) fn shows(input: &InputContent, text: &str) -> bool {
    let InputContent::Holds(held) = input else { return false };
    if let Some(lines) = placeholder(held) {
        return lines == text.matches('\n').count();
    }
    let is_command = text.starts_with('/');
    let (held, text) = (skeleton(held), skeleton(text));
    // After a command the agent shows its arguments, in a grey colour without the faint attribute.
    if is_command && held.strip_prefix(&text).is_some_and(|hint| hint.starts_with(['[', '<'])) {
        return true;
    }
    // A text without ASCII characters cannot be compared: any content counts.
    text.is_empty() || held == text || (held.len() >= SURE && text.contains(&held))
}

/// `[Pasted text #1 +8 lines]`: the number of its newlines.
fn placeholder(held: &str) -> Option<usize> {
    let inside = held.trim().strip_prefix("[Pasted text #")?.strip_suffix(']')?;
    let (number, lines) = inside.split_once(' ').unwrap_or((inside, "+0 lines"));
    number.parse::<u64>().ok()?;
    lines.strip_prefix('+')?.strip_suffix(" lines")?.parse().ok()
}

/// The part of a text that wrapping, indentation and Unicode composition keep: its visible ASCII characters without
/// those that carry an accent.
pub(super) fn skeleton(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before_is_ours = false;
    for c in text.chars() {
        if matches!(c, '\u{300}'..='\u{36f}') && before_is_ours {
            out.pop();
        }
        before_is_ours = c.is_ascii_graphic();
        if before_is_ours {
            out.push(c);
        }
    }
    out
}

struct ScreenLine {
    all: String,
    /// Without faint text.
    typed: String,
}

impl ScreenLine {
    fn is_rule(&self) -> bool {
        self.all.chars().take_while(|c| *c == RULE).count() >= RULE_LEAST
    }
}

/// The attributes that matter; they last from line to line.
#[derive(Clone, Copy, Default)]
struct Style {
    faint: bool,
    reverse: bool,
}

impl Style {
    fn read(&mut self, line: &str) -> ScreenLine {
        let (mut all, mut typed) = (String::new(), String::new());
        let mut rest = line.chars();
        // The cursor is a cell in reverse video. On a hint, that cell belongs to the hint.
        let mut under_cursor = None;
        while let Some(c) = rest.next() {
            if c == '\u{1b}' {
                // tmux writes only colours and attributes here.
                let sequence: String = rest.by_ref().take_while(|c| !c.is_ascii_alphabetic()).collect();
                self.apply(sequence.trim_start_matches('['));
                continue;
            }
            all.push(c);
            if self.faint {
                if under_cursor.take() == Some(typed.len()) {
                    typed.pop();
                }
                continue;
            }
            typed.push(c);
            under_cursor = self.reverse.then_some(typed.len());
        }
        ScreenLine { all, typed }
    }

    fn apply(&mut self, sequence: &str) {
        let mut codes = sequence.split(';');
        while let Some(code) = codes.next() {
            match code {
                "" | "0" => *self = Self::default(),
                "2" => self.faint = true,
                "22" => self.faint = false,
                "7" => self.reverse = true,
                "27" => self.reverse = false,
                // An extended colour: its numbers are no attributes.
                "38" | "48" | "58" => match codes.next() {
                    Some("2") => drop(codes.by_ref().take(3).count()),
                    _ => drop(codes.next()),
                },
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "\x1b[38;5;37m────────────────────";

    fn screen(input: &str) -> String {
        format!(
            "● ok\n\n❯ said before\n{RULES} \x1b[38;5;16mT-1 \x1b[38;5;37m──\n{input}\n\x1b[0m{RULES}\n  ? for shortcuts\n"
        )
    }

    fn read(input: &str) -> InputContent {
        read_input(&screen(input))
    }

    #[test]
    fn a_hint_is_not_text() {
        assert_eq!(read("\x1b[39m❯\u{a0}\x1b[7m"), InputContent::Empty);
        assert_eq!(
            read("\x1b[38;5;246m❯\u{a0}\x1b[7m\x1b[39mP\x1b[0;2m\x1b[39mress\x1b[0m \x1b[2mup\x1b[0m"),
            InputContent::Empty
        );
        assert_eq!(read("❯\u{a0}hello draft\x1b[7m \x1b[0m"), InputContent::Holds("hello draft".to_owned()));
        assert_eq!(read("❯\u{a0}/review\x1b[7m \x1b[0;2m[pr]\x1b[0m"), InputContent::Holds("/review".to_owned()));
        assert_eq!(read("❯\u{a0}one\n  two\n    three"), InputContent::Holds("one\ntwo\n  three".to_owned()));
        assert_eq!(read("!\u{a0}ls -l"), InputContent::Holds("!\u{a0}ls -l".to_owned()));
        // The numbers of a colour are no attributes.
        assert_eq!(read("❯\u{a0}\x1b[38;5;2mgreen\x1b[38;2;2;7;2m too"), InputContent::Holds("green too".to_owned()));
    }

    #[test]
    fn where_a_dialog_asks_there_is_no_input() {
        let asks = format!(
            "❯ run it\n\n{RULES}\n Bash command\n\n Do you want to proceed?\n ❯ 1. Yes\n   3. No\n\n Esc to cancel\n"
        );
        assert_eq!(read_input(&asks), InputContent::Hidden);
        assert_eq!(read_input(""), InputContent::Hidden);
        assert_eq!(read_input(&format!("{RULES}\n  Settings  Status\n{RULES}\n")), InputContent::Hidden);
        assert_eq!(read_input(&format!("{RULES}\n{RULES}\n")), InputContent::Hidden);
    }

    #[test]
    fn a_text_is_known_however_it_is_shown() {
        assert!(shows(&read("❯\u{a0}first\n  second \"x\"\n     third"), "first\nsecond \"x\"\n   third"));
        assert!(shows(&read("❯\u{a0}a long line that was wr\n  apped"), "a long line that was wrapped"));
        assert!(shows(&read("❯\u{a0}[Pasted text #2 +8 lines]"), "1\n2\n3\n4\n5\n6\n7\n8\n9"));
        assert!(shows(&read("❯\u{a0}[Pasted text #1]"), &"x".repeat(1500)));
        assert!(!shows(&read("❯\u{a0}[Pasted text #2 +8 lines]"), "1\n2"));
        assert!(!shows(&read("❯\u{a0}[Pasted text #2] and more"), &"x".repeat(1500)));
        assert!(!shows(&read("❯\u{a0}a draft of hers, and ours"), "and ours"));
        assert!(!shows(&read("❯\u{a0}ours"), "ours and all that follows"), "too little to be sure");
        assert!(shows(&read("❯\u{a0}ours and all that fo"), "ours and all that follows"));
        assert!(shows(&read("❯\u{a0}café 4"), "cafe\u{301} 4"), "composed by the agent");
        assert!(shows(&read("❯\u{a0}!\u{a0}echo hi"), "!echo hi"));
        assert!(shows(&read("❯\u{a0}日本語"), "日本語"));
        let hinted = read("\x1b[39m❯\u{a0}\x1b[38;5;153m/clear\x1b[39m \x1b[7m \x1b[0m\x1b[38;5;246m[name]\x1b[39m");
        assert!(shows(&hinted, "/clear") && !shows(&hinted, "/cle"));
        assert!(!shows(&InputContent::Empty, "x") && !shows(&InputContent::Hidden, "x"));
    }
}
