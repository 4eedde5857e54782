//! Reads from Claude's transcript whether a typed text has arrived, and in which form.
//!
//! The transcript is no documented interface: each line is one JSON object, and unknown ones are skipped. A transcript
//! without a known form of the text proves neither arrival nor loss.

use serde_json::Value;

use crate::agents::claude::input::skeleton;
use crate::agents::window::Arrival;

/// The best match of `text` in these lines.
pub(super) fn arrival(lines: &[u8], text: &str) -> Option<Arrival> {
    let lines = lines.split(|byte| *byte == b'\n');
    lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok()).filter_map(|event| of_event(&event, text)).max()
}

fn of_event(event: &Value, text: &str) -> Option<Arrival> {
    let is = |key: &str| event.get(key).and_then(Value::as_bool).unwrap_or(false);
    if is("isSidechain") || is("isMeta") {
        return None;
    }
    let said = match event.get("type")?.as_str()? {
        "user" => texts(event.get("message")?.get("content")?),
        // Typed while the agent works: sent when the turn is over.
        "queue-operation" if event.get("operation")? == "enqueue" => texts(event.get("content")?),
        "attachment" => {
            let attached = event.get("attachment")?;
            if attached.get("type")? != "queued_command" {
                return None;
            }
            texts(attached.get("prompt")?)
        }
        _ => return None,
    };
    said.iter().filter_map(|said| compare(said, text)).max()
}

/// The texts of a message: a string, or blocks, each alone and all together.
fn texts(content: &Value) -> Vec<String> {
    if let Some(text) = content.as_str() {
        return vec![text.to_owned()];
    }
    let blocks = content.as_array().into_iter().flatten();
    let mut texts: Vec<String> = blocks.filter_map(|block| Some(block.get("text")?.as_str()?.to_owned())).collect();
    if texts.len() > 1 {
        texts.push(texts.join("\n"));
    }
    texts
}

fn compare(said: &str, text: &str) -> Option<Arrival> {
    if said == text || is_command(said, text) {
        return Some(Arrival::Exact);
    }
    // `claude` replaces a tab by four spaces, drops blanks at the end and composes accents.
    let rewritten = text.replace('\t', "    ");
    let rewritten = rewritten.trim_end();
    if said.trim_end() == rewritten {
        return Some(Arrival::Rewritten);
    }
    let bare = skeleton(text);
    if !bare.is_empty() && skeleton(said) == bare {
        return Some(Arrival::Rewritten);
    }
    (!rewritten.is_empty() && said.contains(rewritten)).then_some(Arrival::Mixed)
}

/// The transcript holds `/name arguments` and `!command` in tags.
fn is_command(said: &str, text: &str) -> bool {
    let within = |tag: &str| {
        let (_, rest) = said.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once(&format!("</{tag}>"))?.0.trim())
    };
    if let Some(command) = text.strip_prefix('!') {
        return within("bash-input") == Some(command.trim());
    }
    let (name, arguments) = text.trim_end().split_once(char::is_whitespace).unwrap_or((text.trim_end(), ""));
    text.starts_with('/')
        && within("command-name") == Some(name)
        && within("command-args").unwrap_or_default() == arguments.trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> String {
        serde_json::json!({ "type": "user", "isSidechain": false, "message": { "role": "user", "content": text } })
            .to_string()
    }

    fn of(lines: &str, text: &str) -> Option<Arrival> {
        arrival(lines.as_bytes(), text)
    }

    #[test]
    fn a_text_has_arrived_said_or_queued() {
        assert_eq!(of(&user("one\ntwo"), "one\ntwo"), Some(Arrival::Exact));
        let blocks = r#"{"type":"user","message":{"content":[{"type":"text","text":"one"},{"type":"image"}]}}"#;
        assert_eq!(of(blocks, "one"), Some(Arrival::Exact));
        assert_eq!(
            of(r#"{"type":"queue-operation","operation":"enqueue","content":"one"}"#, "one"),
            Some(Arrival::Exact)
        );
        let attached = r#"{"type":"attachment","attachment":{"type":"queued_command","prompt":"one"}}"#;
        assert_eq!(of(attached, "one"), Some(Arrival::Exact));
        let noise = format!("not json\n{{}}\n[1]\n{{\"type\":\"mode\"}}\n{}\n{{\"type\":\"us", user("one"));
        assert_eq!(of(&noise, "one"), Some(Arrival::Exact));
    }

    #[test]
    fn others_words_are_not_ours() {
        assert_eq!(of(&user("another"), "one"), None);
        let tool = r#"{"type":"user","message":{"content":[{"type":"tool_result","content":"one"}]}}"#;
        assert_eq!(of(tool, "one"), None);
        for mark in ["isSidechain", "isMeta"] {
            let line = format!(r#"{{"type":"user","{mark}":true,"message":{{"content":"one"}}}}"#);
            assert_eq!(of(&line, "one"), None, "{mark}");
        }
        assert_eq!(of(r#"{"type":"assistant","message":{"content":"one"}}"#, "one"), None);
        assert_eq!(of(r#"{"type":"queue-operation","operation":"dequeue"}"#, "one"), None);
        assert_eq!(of(&user("4"), "\u{65e5}"), None, "no letters are not the same letters");
    }

    #[test]
    fn what_the_agent_rewrites_is_told() {
        for (said, text) in [("a    b", "a\tb"), ("end", "end\n\n"), ("  x", "  x  "), ("caf\u{e9} 1", "cafe\u{301} 1")]
        {
            assert_eq!(of(&user(said), text), Some(Arrival::Rewritten), "{text:?}");
        }
        assert_eq!(of(&user("a draft and ours"), "and ours"), Some(Arrival::Mixed));
        // The best of several matches counts: first queued, then sent.
        let both = format!("{}\n{}", user("draft ours"), user("ours"));
        assert_eq!(of(&both, "ours"), Some(Arrival::Exact));
    }

    #[test]
    fn commands_are_known_by_their_tags() {
        let clear = "<command-name>/clear</command-name>\n  <command-message>clear</command-message>\n  <command-args></command-args>";
        assert_eq!(of(&user(clear), "/clear"), Some(Arrival::Exact));
        assert_eq!(of(&user(clear), "/compact"), None);
        let review = "<command-message>review</command-message>\n<command-name>/review</command-name>\n<command-args>12 x</command-args>";
        assert_eq!(of(&user(review), "/review 12 x"), Some(Arrival::Exact));
        assert_eq!(of(&user(review), "/review 13"), None);
        assert_eq!(of(&user("<bash-input>echo hi</bash-input>"), "!echo hi"), Some(Arrival::Exact));
    }
}
