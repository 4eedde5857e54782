//! Renders a task's Markdown as harmless HTML: the source's own HTML is shown as text, link targets are visible, and
//! nothing is loaded. Pure, without recursion; the length of the output is bounded by that of the input.

use std::collections::HashMap;
use std::fmt::Write as _;

use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag};

/// Deeper nesting of quotes, lists and emphasis is rendered as plain text: a browser lays out the elements by
/// recursion.
pub(super) const DEEPEST: usize = 24;
/// Characters of a heading that form its anchor.
const ANCHOR: usize = 80;
/// The schemes of links that lead out of the page.
const OUTSIDE: [&str; 3] = ["https://", "http://", "mailto:"];

/// The text as HTML. Its anchors begin with `md`, so that they differ from the page's own.
pub(super) fn html(text: &str) -> String {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
    let mut writer = Writer { out: String::with_capacity(text.len() * 3 / 2), ..Writer::default() };
    Parser::new_ext(text, options).for_each(|event| writer.event(event));
    writer.out
}

/// The output, and the elements that are open.
#[derive(Debug, Default)]
struct Writer {
    out: String,
    open: Vec<Close>,
    /// The number of [`Close::Nested`] in `open`.
    depth: usize,
    /// A link is open; HTML has no nested links.
    in_link: bool,
    heading: Option<Heading>,
    columns: Vec<Alignment>,
    column: usize,
    in_head: bool,
    /// The names of anchors, and how often each was used.
    anchors: HashMap<String, usize>,
    /// The numbers of footnotes.
    notes: HashMap<String, usize>,
}

/// What is written at the end of an element.
#[derive(Debug)]
enum Close {
    Tag(&'static str),
    /// The end tag of an element that can contain itself; empty if the element was too deep to be opened.
    Nested(&'static str),
    Heading(HeadingLevel),
    /// Whether a link was opened, the text after its words, and the address to show if it was not opened.
    Link {
        opened: bool,
        words: &'static str,
        address: String,
    },
}

/// A heading whose text is not complete yet.
#[derive(Debug)]
struct Heading {
    /// The offset at which its start tag is inserted.
    at: usize,
    words: String,
}

impl Writer {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => {
                let close = self.start(tag);
                self.open.push(close);
            }
            Event::End(_) => self.end(),
            // HTML in the source is not trusted and is shown as text.
            Event::Text(text)
            | Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text) => self.text(&text),
            Event::Code(text) => {
                self.out.push_str("<code>");
                self.text(&text);
                self.out.push_str("</code>");
            }
            Event::SoftBreak => self.out.push('\n'),
            Event::HardBreak => self.out.push_str("<br>\n"),
            Event::Rule => self.out.push_str("<hr>\n"),
            Event::TaskListMarker(done) => {
                let (mark, word) = if done { ('☑', "done") } else { ('☐', "open") };
                let _ = write!(self.out, "<span class=\"box\" role=\"img\" aria-label=\"{word}\">{mark}</span> ");
            }
            Event::FootnoteReference(label) => {
                let number = self.note(&label);
                let _ = match self.in_link {
                    false => write!(self.out, "<sup><a href=\"#mdfn-{number}\">{number}</a></sup>"),
                    true => write!(self.out, "<sup>{number}</sup>"),
                };
            }
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(heading) = &mut self.heading {
            heading.words.push_str(text);
        }
        escape(&mut self.out, text);
    }

    fn start(&mut self, tag: Tag<'_>) -> Close {
        match tag {
            Tag::Paragraph => self.tag("<p>", "</p>\n"),
            Tag::Heading { level, .. } => {
                self.heading = Some(Heading { at: self.out.len(), words: String::new() });
                Close::Heading(level)
            }
            Tag::BlockQuote(_) => self.nested("<blockquote>\n", "</blockquote>\n"),
            Tag::CodeBlock(kind) => self.code_block(&kind),
            Tag::HtmlBlock => self.tag("<p class=\"raw\">", "</p>\n"),
            Tag::List(Some(first)) => self.nested(&format!("<ol start=\"{first}\">\n"), "</ol>\n"),
            Tag::List(None) => self.nested("<ul>\n", "</ul>\n"),
            // An item only if its list was opened.
            Tag::Item => match self.open.last() {
                Some(Close::Nested(list)) if !list.is_empty() => self.tag("<li>", "</li>\n"),
                _ => self.tag("", "\n"),
            },
            Tag::FootnoteDefinition(label) => {
                let number = self.note(&label);
                let _ = write!(self.out, "<div class=\"note\" id=\"mdfn-{number}\"><sup>{number}</sup> ");
                Close::Tag("</div>\n")
            }
            Tag::Table(columns) => {
                self.columns = columns;
                let open = "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table>";
                self.tag(open, "</tbody></table></div>\n")
            }
            Tag::TableHead => {
                (self.in_head, self.column) = (true, 0);
                self.tag("<thead><tr>", "</tr></thead><tbody>\n")
            }
            Tag::TableRow => {
                (self.in_head, self.column) = (false, 0);
                self.tag("<tr>", "</tr>\n")
            }
            Tag::TableCell => self.cell(),
            Tag::Emphasis => self.nested("<em>", "</em>"),
            Tag::Strong => self.nested("<strong>", "</strong>"),
            Tag::Strikethrough => self.nested("<del>", "</del>"),
            Tag::Link { dest_url, .. } => self.link(&dest_url, "", ""),
            Tag::Image { dest_url, .. } => self.link(&dest_url, "[image: ", "]"),
            // Other elements are reduced to their text.
            _ => self.tag("", ""),
        }
    }

    fn end(&mut self) {
        match self.open.pop() {
            Some(Close::Tag(close)) => self.out.push_str(close),
            Some(Close::Nested(close)) => {
                self.depth = self.depth.saturating_sub(1);
                self.out.push_str(close);
            }
            Some(Close::Heading(level)) => self.end_heading(level),
            Some(Close::Link { opened, words, address }) => {
                self.out.push_str(words);
                if opened {
                    self.in_link = false;
                    self.out.push_str("</a>");
                }
                if !address.is_empty() {
                    self.out.push_str(" (<code>");
                    escape(&mut self.out, &address);
                    self.out.push_str("</code>)");
                }
            }
            None => {}
        }
    }

    fn tag(&mut self, open: &str, close: &'static str) -> Close {
        self.out.push_str(open);
        Close::Tag(close)
    }

    fn nested(&mut self, open: &str, close: &'static str) -> Close {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Close::Nested("");
        }
        self.out.push_str(open);
        Close::Nested(close)
    }

    fn code_block(&mut self, kind: &CodeBlockKind<'_>) -> Close {
        let language = match kind {
            CodeBlockKind::Fenced(words) => words.split([' ', ',']).next().unwrap_or_default(),
            CodeBlockKind::Indented => "",
        };
        // It scrolls, so it must be reachable by keyboard.
        self.out.push_str("<pre tabindex=\"0\"");
        if !language.is_empty() {
            self.out.push_str(" data-language=\"");
            escape(&mut self.out, language);
            self.out.push('"');
        }
        self.tag("><code>", "</code></pre>\n")
    }

    fn cell(&mut self) -> Close {
        let side = match self.columns.get(self.column) {
            Some(Alignment::Center) => " class=\"center\"",
            Some(Alignment::Right) => " class=\"right\"",
            _ => "",
        };
        self.column += 1;
        let (name, close) = if self.in_head { ("th", "</th>") } else { ("td", "</td>") };
        let _ = write!(self.out, "<{name}{side}>");
        Close::Tag(close)
    }

    /// `before` and `after` enclose the link's text.
    fn link(&mut self, address: &str, before: &str, after: &'static str) -> Close {
        let opened = !self.in_link && self.open_link(address);
        self.in_link |= opened;
        self.out.push_str(before);
        let address = if opened { String::new() } else { address.to_owned() };
        Close::Link { opened, words: after, address }
    }

    /// Opens a link. `false` for an address that is neither an anchor nor one of [`OUTSIDE`], or that hides its scheme.
    fn open_link(&mut self, address: &str) -> bool {
        // A browser removes these before it reads the scheme.
        if address.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return false;
        }
        if let Some(anchor) = address.strip_prefix('#') {
            self.out.push_str("<a href=\"#md-");
            escape(&mut self.out, anchor);
            self.out.push_str("\">");
            return true;
        }
        let is_start =
            |scheme: &&str| address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
        if !OUTSIDE.iter().any(is_start) {
            return false;
        }
        self.out.push_str("<a href=\"");
        escape(&mut self.out, address);
        self.out.push_str("\" rel=\"noreferrer noopener\" target=\"_blank\">");
        true
    }

    /// Headings are one level lower than in the source, below the page's own title.
    fn end_heading(&mut self, level: HeadingLevel) {
        let level = (level as usize + 1).min(6);
        let Some(Heading { at, words }) = self.heading.take() else { return };
        let mut name = anchor(&words);
        let given = self.anchors.entry(name.clone()).or_default();
        *given += 1;
        if *given > 1 {
            let _ = write!(name, "-{}", *given - 1);
        }
        let mut open = format!("<h{level} id=\"md-");
        escape(&mut open, &name);
        open.push_str("\">");
        self.out.insert_str(at, &open);
        let _ = writeln!(self.out, "</h{level}>");
    }

    /// The number of a footnote, in order of first use.
    fn note(&mut self, label: &str) -> usize {
        let next = self.notes.len() + 1;
        *self.notes.entry(label.to_owned()).or_insert(next)
    }
}

/// A heading's anchor, as forges name it: `What is left?` → `what-is-left`.
fn anchor(words: &str) -> String {
    let kept = words.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.take(ANCHOR).flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn escape(out: &mut String, text: &str) {
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let entity = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\'' => "&#39;",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        out.push_str(entity);
        from = at + 1;
    }
    out.push_str(&text[from..]);
}
