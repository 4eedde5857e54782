//! Formats lines for people, as `logs` and `run` show them: a label and a text.

/// Further lines of `text` are indented below the first.
pub(super) fn append(label: &str, text: &str, out: &mut Vec<u8>) {
    let mut label = label;
    for line in text.trim_end().split('\n') {
        out.extend(format!("{label:<9}  {line}").trim_end().as_bytes());
        out.push(b'\n');
        label = "";
    }
}

pub(super) fn outcome(failure: Option<&str>) -> String {
    failure.map_or_else(|| "success".to_owned(), |reason| format!("failed: {reason}"))
}

pub(super) fn dollars(cost: f64) -> String {
    if cost < 0.1 { format!("${cost:.4}") } else { format!("${cost:.2}") }
}
