//! Common mistakes: the message ends with the text to write.

use super::*;

#[test]
fn one_value_where_a_list_belongs_is_shown_as_a_list() {
    for (text, expected) in [
        ("modes: { a: { flags: --verbose --max 3 } }", "`flags: [--verbose, --max, \"3\"]`"),
        ("modes: { a: { flags: \"{{ task.id }} x\" } }", "`flags: [\"{{ task.id }} x\"]`"),
        ("modes: { a: { prompt: x, needs: a } }", "`needs: [a]`"),
        ("pass_env: A, B", "`pass_env: [A, B]`"),
        ("mode_files: .claude/commands/*.md", "`mode_files: [\".claude/commands/*.md\"]`"),
        ("tasks: tasks/*.md", "`tasks: [{ files: \"tasks/*.md\" }]`"),
        ("tasks: { files: \"tasks/*.md\" }", "`tasks: [{ files: \"tasks/*.md\" }]`"),
        ("tasks: [{ list: T-1 }]", "`list: [{ id: T-1 }]`"),
        ("runs: a", "`runs: [{ mode: MODE, tasks: [TASK] }]`"),
        ("worktree: { path: x, copy: .env }", "`copy: [\".env\"]`"),
        ("modes: { a: { prompt: x, retry: { max: 1, on: crash } } }", "`on: [crash]`"),
    ] {
        let found = problems(&format!("version: 1\n{text}\n"));
        assert_eq!(found.len(), 1, "{text}: {found:#?}");
        assert!(found[0].contains(" must be a list, found "), "{found:#?}");
        assert!(
            found[0].ends_with(&format!(" | write {expected}")),
            "{text}\nfound:    {}\nexpected: {expected}",
            found[0]
        );
    }
}

#[test]
fn a_key_that_stands_too_far_out_is_told_its_indentation() {
    for (text, expected) in [
        (
            "version: 1\nmodes:\n  lint:\n    description: d\n  prompt: x\n",
            "dispatch.yaml:5:3:«prompt» `prompt` is a key of a mode, not a name below `modes` | indent it by 2 more spaces, so that it stands in `modes.lint`: `    prompt: x`",
        ),
        (
            "version: 1\nmodes:\n  lint:\n  prompt: x\n",
            "dispatch.yaml:4:3:«prompt» `prompt` is a key of a mode, not a name below `modes` | indent it by 2 more spaces, so that it stands in `modes.lint`: `    prompt: x`",
        ),
        (
            "version: 1\nmodes:\n  lint:\n    description: d\nprompt: x\njobs: 2\n",
            "dispatch.yaml:5:1:«prompt» unknown key `prompt` in the manifest | indent it by 4 more spaces, so that it stands in `modes.lint`: `    prompt: x`",
        ),
        (
            "version: 1\nmodes:\nlint:\n  prompt: x\n",
            "dispatch.yaml:3:1:«lint» unknown key `lint` in the manifest | indent it by 2 more spaces, so that it stands in `modes`: `  lint:`",
        ),
        (
            "version: 1\ntasks:\n  - list: []\n  - files: \"*.md\"\nmode_files: []\nagents:\n  a:\n    headless: x\n  protocol: text\n",
            "dispatch.yaml:9:3:«protocol» `protocol` is a key of an agent, not a name below `agents` | indent it by 2 more spaces, so that it stands in `agents.a`: `    protocol: text`",
        ),
        (
            "version: 1\nmodes:\n  a:\n    prompt: x\n    limits:\n      cpu: 1m\n    memory: 1GiB\n",
            "dispatch.yaml:7:5:«memory» unknown key `memory` in `modes.a` | indent it by 2 more spaces, so that it stands in `limits`: `      memory: 1GiB`",
        ),
        (
            "version: 1\nworktree:\n  path: x\ncreate: true\n",
            "dispatch.yaml:4:1:«create» unknown key `create` in the manifest | indent it by 2 more spaces, so that it stands in `worktree`: `  create: true`",
        ),
        (
            "version: 1\nmodes:\n  prompt: x\n",
            "dispatch.yaml:3:3:«prompt» `prompt` is a key of a mode, not a name below `modes` | write it below the name of a mode: `modes: { NAME: { prompt: x } }`",
        ),
    ] {
        let found = problems(text);
        let found: Vec<_> =
            found.iter().filter(|line| line.contains(" is a key of ") || line.contains("unknown key")).collect();
        assert_eq!(found, [expected], "{text}");
    }
}

#[test]
fn a_known_key_in_the_wrong_section_is_told_where_it_belongs() {
    for (text, expected) in [
        (
            "timeout: 30m",
            "dispatch.yaml:2:1:«timeout» unknown key `timeout` in the manifest | `timeout` belongs in a mode: `modes: { NAME: { timeout: 30m } }`",
        ),
        (
            "modes: { a: { prompt: x, jobs: 4 } }",
            "dispatch.yaml:2:26:«jobs» unknown key `jobs` in `modes.a` | `jobs` belongs at the top level of the manifest, without indentation: `jobs: 4`",
        ),
        (
            "modes: { a: { prompt: x, memory: 1GiB } }",
            "dispatch.yaml:2:26:«memory» unknown key `memory` in `modes.a` | `memory` belongs in the `limits` of a mode: `limits: { memory: 1GiB }`",
        ),
        (
            "worktree: { path: x, runs_per_pair: 3 }",
            "dispatch.yaml:2:22:«runs_per_pair» unknown key `runs_per_pair` in `worktree` | `runs_per_pair` belongs in `retention`: `retention: { runs_per_pair: 3 }`",
        ),
    ] {
        assert_eq!(problems(&format!("version: 1\n{text}\n")), [expected]);
    }
    // The key resembles one of this section, and is a key of another section.
    let found = problems("version: 1\nagent: claude\n");
    assert_eq!(
        found,
        [
            "dispatch.yaml:2:1:«agent» unknown key `agent` in the manifest | did you mean `agents`? | `agent` belongs in a mode: `modes: { NAME: { agent: claude } }`"
        ]
    );
}

#[test]
fn quotes_that_make_a_text_of_a_number_are_to_be_removed() {
    for (text, expected) in [
        ("jobs: \"4\"", "`jobs: 4`"),
        ("modes: { a: { prompt: x, interactive: \"true\" } }", "`interactive: true`"),
        ("budget: { day: \"2.5\" }", "`day: 2.5`"),
    ] {
        let found = problems(&format!("version: 1\n{text}\n"));
        assert!(found[0].ends_with(&format!(" | remove the quotes: {expected}")), "{found:#?}");
    }
}

#[test]
fn a_missing_colon_is_shown_in_its_own_line() {
    for (text, expected) in [
        ("jobs 4\nmodes:\n  a: { prompt: x }\n", "2:1:«jobs 4» a `:` is missing after `jobs` | write `jobs: 4`"),
        ("jobs 4\n", "2:1:«jobs 4» a `:` is missing after `jobs` | write `jobs: 4`"),
        ("modes:\n  lint\n    prompt: x\n", "3:3:«lint» a `:` is missing after `lint` | write `lint:`"),
        (
            "modes:\n  lint:\n    interactive true\n    prompt: x\n",
            "4:5:«interactive true» a `:` is missing after `interactive` | write `interactive: true`",
        ),
        ("jobs:4\nmodes: {}\n", "2:1:«jobs:4» a space is missing after `jobs:` | write `jobs: 4`"),
        ("tasks\n  - files: x\n", "2:1:«tasks» a `:` is missing after `tasks` | write `tasks:`"),
        (
            "modes:\n  a:\n    prompt: Note: do it\n",
            "4:5:«prompt: Note: do it» the text of `prompt` holds `: `, so it needs quotes | write `prompt: \"Note: do it\"`",
        ),
        (
            "tasks:\n  - files \"x\"\n  - list: []\n",
            "3:5:«files \"x\"» `tasks` must be a mapping, found `files \"x\"` | a `:` is missing: write `files: \"x\"`",
        ),
    ] {
        let found = problems(&format!("version: 1\n{text}"));
        assert_eq!(found, [format!("dispatch.yaml:{expected}")], "{text}");
    }
    assert_eq!(
        problems("version 1\njobs: 4\n"),
        ["dispatch.yaml:1:1:«version 1» a `:` is missing after `version` | write `version: 1`"]
    );
}
