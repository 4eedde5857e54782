//! Files that are no manifest, are too large, or are reached through a link or special file.

use super::*;

#[test]
fn files_that_are_no_manifest_are_refused_at_once() {
    let folder = folder(&[]);
    let path = folder.path().join("dispatch.yaml");
    assert_eq!(lines(&load(&path, None)), ["dispatch.yaml cannot read the manifest: there is no such file"]);
    fs::write(&path, b"version: 1\nx: \xff\n").unwrap();
    assert_eq!(lines(&load(&path, None)), ["dispatch.yaml:2:4:«\u{fffd}» the manifest is not UTF-8: byte 0xff"]);
    fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
    assert_eq!(
        lines(&load(&path, None)),
        ["dispatch.yaml cannot read the manifest: it is 1048577 bytes, more than the 1024 KiB allowed"]
    );
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(lines(&load(&path, None)), ["dispatch.yaml cannot read the manifest: it is a folder"]);
    fs::remove_dir(&path).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert_eq!(lines(&load(&path, None)), ["dispatch.yaml cannot read the manifest: it is not a regular file"]);
}

/// CPU time of this thread, so that a busy machine fails no test.
fn processor_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(
        text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).expect("Linux counts it"),
    )
}

#[test]
fn bombs_end_in_an_error_soon() {
    let mut laughs = "version: 1\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{},", level - 1).repeat(10);
        laughs.push_str(&format!("a{level}: &a{level} [{before}]\n"));
    }
    let many_keys: String = (0..60_000).map(|n| format!("k{n}: 1\n")).collect();
    for (what, text) in [
        ("laughs", laughs),
        ("self", "version: 1\na: &a [*a]\n".to_owned()),
        ("deep flow", format!("a: {}", "[".repeat(200_000))),
        ("deep closed flow", format!("a: {}{}", "[".repeat(5000), "]".repeat(5000))),
        ("deep block", format!("a:\n{}x", "- ".repeat(200_000))),
        ("deep indent", (0..1400).map(|n| format!("{}a:\n", " ".repeat(n))).collect()),
        ("question marks", "? ".repeat(200_000)),
        ("many keys", many_keys),
        ("many mistakes", (0..5000).map(|n| format!("k{n}: 1\n")).collect()),
        ("big key", format!("{}: 1", "k".repeat(1_000_000))),
    ] {
        let start = processor_time();
        let found = problems(&text);
        let took = processor_time().saturating_sub(start);
        assert!(!found.is_empty() && found.len() <= 51, "{what}: {found:#?}");
        assert!(took < Duration::from_secs(4), "{what} took {took:?}: {}", found[0]);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_loader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dispatch.yaml");
        fs::write(&path, &bytes).unwrap();
        let loaded = load(&path, None);
        prop_assert!(loaded.manifest.is_some() || loaded.problems.iter().any(Problem::is_error));
    }

    #[test]
    fn no_yaml_like_text_makes_the_loader_panic(text in "(version: 1\n)?([a-z]{0,3}(modes|env|tasks|agents|prompt|: |\n|  |- |\\[|\\]|\\{|\\}|\"|'|\\||>|&a|\\*a|!!s |é|\\{\\{ x|\\}\\}|%|#|,)){0,30}") {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dispatch.yaml");
        fs::write(&path, &text).unwrap();
        for problem in load(&path, None).problems {
            line(&problem);
        }
    }
}

#[test]
fn a_relative_path_means_the_same_manifest() {
    let folder = folder(&[("dispatch.yaml", "version: 1\n")]);
    let manifest = load_in(&folder).manifest.unwrap();
    assert!(manifest.path.is_absolute() && manifest.root == folder.path().canonicalize().unwrap());
    assert!(load(Path::new("/"), None).manifest.is_none());
}
