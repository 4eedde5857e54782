//! "Did you mean": the nearest known name within edit distance 3.

/// The name closest to `typed`, if its distance is at most 3 and less than its length.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_ascii_lowercase();
    known
        .into_iter()
        // Optimal string alignment: two swapped characters count once.
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
