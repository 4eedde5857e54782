//! The files that `dispatch init` writes.

const MANIFEST: &str = include_str!("starter/dispatch.yaml");
const INTERACTIVE: &str = include_str!("starter/interactive.md");
const CODE_REVIEW: &str = include_str!("starter/code-review.md");
const EXAMPLE_TASK: &str = include_str!("starter/EXAMPLE-1.md");

/// Paths relative to the new manifest's folder, with their contents.
pub fn starter_files() -> &'static [(&'static str, &'static str)] {
    &[
        ("dispatch.yaml", MANIFEST),
        ("templates/interactive.md", INTERACTIVE),
        ("templates/code-review.md", CODE_REVIEW),
        ("tasks/EXAMPLE-1.md", EXAMPLE_TASK),
    ]
}
