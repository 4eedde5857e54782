//! "Did you mean": the nearest known name within edit distance 3.

/// The closest of `known` to `typed`, if one is within distance 3 and nearer than a rewrite.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_ascii_lowercase();
    known
        .into_iter()
        // Optimal string alignment: two characters in the wrong order count once.
        .map(|name| (strsim::osa_distance(&typed, &name.to_ascii_lowercase()), name))
        .filter(|(distance, name)| *distance <= 3 && *distance < name.chars().count())
        .min()
        .map(|(_, name)| name)
}

/// The hint that names the closest of `known`, if one is near.
pub fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(typed, known).map(|name| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_slip_and_leaves_strangers_alone() {
        let known = ["code-review", "interactive", "lint"];
        assert_eq!(nearest("code-reveiw", known), Some("code-review"));
        assert_eq!(nearest("Lint", known), Some("lint"));
        assert_eq!(nearest("deploy", known), None);
        assert_eq!(nearest("x", ["a"]), None);
    }
}
