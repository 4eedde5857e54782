//! The walks of ARCHITECTURE.md name functions that exist.

use std::fs;
use std::path::Path;

/// The file and the functions of a line such as `` - `a/b.rs`: `f`, `g` ``.
fn step(line: &str) -> Option<(&str, Vec<&str>)> {
    let mut words = line.strip_prefix("- `")?.split('`').step_by(2);
    let file = words.next().filter(|file| file.ends_with(".rs"))?;
    let functions = words.filter(|word| !word.contains('.') && *word != "prompt" && !word.is_empty());
    Some((file, functions.collect()))
}

/// What of the section is not in the sources, by what `read` says of a file.
fn missing(section: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut missing = Vec::new();
    for (file, functions) in section.lines().filter_map(step) {
        let Some(text) = read(file) else {
            missing.push(format!("no src/{file}"));
            continue;
        };
        let declared = |name: &str| text.contains(&format!("fn {name}(")) || text.contains(&format!("fn {name}<"));
        missing.extend(functions.iter().filter(|name| !declared(name)).map(|name| format!("src/{file}: no `{name}`")));
    }
    missing
}

#[test]
fn the_walks_name_functions_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let (_, section) = text.split_once("## Four walks").unwrap();
    let section = section.split("\n## ").next().unwrap();
    assert!(section.lines().filter_map(step).count() > 30, "the steps were found");
    let missing = missing(section, |file| fs::read_to_string(root.join("src").join(file)).ok());
    assert!(missing.is_empty(), "ARCHITECTURE.md: {}", missing.join("; "));
}

#[test]
fn a_function_that_is_gone_is_found() {
    let read = |file: &str| (file == "a.rs").then(|| "fn one() {} fn two<T>() {}".to_owned());
    assert_eq!(missing("- `a.rs`: `one`, `two` ⟶ the file `prompt`", read), Vec::<String>::new());
    assert_eq!(missing("- `a.rs`: `one`, `three`\n- `b.rs`: `one`", read), ["src/a.rs: no `three`", "no src/b.rs"]);
}
