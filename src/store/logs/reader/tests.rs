//! Both logs are read in the order in which they were written.

use super::*;

fn folder(stdout: &[u8], stderr: &[u8], marks: &str) -> (tempfile::TempDir, RunFolder) {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::at(dir.path());
    std::fs::write(folder.stdout(), stdout).unwrap();
    std::fs::write(folder.stderr(), stderr).unwrap();
    std::fs::write(folder.marks(), marks).unwrap();
    (dir, folder)
}

fn read(folder: &RunFolder, from: ReadFrom) -> String {
    let both = LogStreams { stdout: true, stderr: true };
    let mut all = Vec::new();
    let mut reader = RunLogReader::open(folder, both, from).unwrap();
    reader
        .read(&mut |piece| {
            all.extend_from_slice(piece.bytes);
            Ok(())
        })
        .unwrap();
    String::from_utf8(all).unwrap()
}

#[test]
fn marks_interleave_and_no_byte_is_lost_without_them() {
    let (_dir, folder) = folder(b"o1\no2\no3\n", b"e1\ne2\n", "1000 3 0\n2000 3 3\n3000 6 3\n");
    assert_eq!(read(&folder, ReadFrom::Start), "o1\ne1\no2\no3\ne2\n");
    std::fs::remove_file(folder.marks()).unwrap();
    assert_eq!(read(&folder, ReadFrom::Start), "o1\no2\no3\ne1\ne2\n");
}

#[test]
fn tail_counts_lines_over_both_logs() {
    let (_dir, folder) = folder(b"o1\no2\no3", b"e1\ne2\n", "1000 3 0\n2000 3 3\n3000 6 3\n");
    // `o3` has no newline yet: it shares its line with `e2`.
    for (lines, expected) in [(0, ""), (1, "o3e2\n"), (2, "o2\no3e2\n"), (9, "o1\ne1\no2\no3e2\n")] {
        assert_eq!(read(&folder, ReadFrom::Tail(lines)), expected, "{lines}");
    }
}

#[test]
fn since_keeps_what_came_later() {
    let (_dir, folder) = folder(b"o1\no2\n", b"e1\n", "1000 3 0\n2000 3 3\n3000 6 3\n");
    assert_eq!(read(&folder, ReadFrom::Since(Timestamp::from_millisecond(2000).unwrap())), "e1\no2\n");
}

#[test]
fn a_follower_gets_only_what_is_new() {
    let (_dir, folder) = folder(b"o1\n", b"", "1000 3 0\n");
    let both = LogStreams { stdout: true, stderr: true };
    let mut reader = RunLogReader::open(&folder, both, ReadFrom::Start).unwrap();
    let mut all = Vec::new();
    let mut sink = |piece: LogPiece<'_>| {
        all.extend_from_slice(piece.bytes);
        Ok(())
    };
    reader.read(&mut sink).unwrap();
    std::fs::write(folder.stdout(), b"o1\no2\n").unwrap();
    assert_eq!(reader.read(&mut sink).unwrap(), 3);
    assert_eq!(reader.read(&mut sink).unwrap(), 0);
    assert_eq!(all, b"o1\no2\n");
}

fn pieces(reader: &mut RunLogReader, most: usize) -> Vec<(LogStream, u64, String)> {
    let mut all = Vec::new();
    while let Some(piece) = reader.next(most).unwrap() {
        all.push((piece.stream, piece.offset, String::from_utf8(piece.bytes.to_vec()).unwrap()));
    }
    all
}

#[test]
fn from_offsets_each_byte_comes_once_whatever_was_cut() {
    let (_dir, folder) = folder(b"o1\no2\no3\n", b"e1\ne2\n", "1000 3 0\n2000 3 3\n3000 6 3\n");
    let both = LogStreams { stdout: true, stderr: true };
    for (stdout, stderr) in (0..=9).flat_map(|out| (0..=6).map(move |err| (out, err))) {
        let mut reader = RunLogReader::open(&folder, both, ReadFrom::At { stdout, stderr }).unwrap();
        let mut at = (stdout, stderr);
        let mut text = (String::new(), String::new());
        for (stream, offset, bytes) in pieces(&mut reader, 2) {
            let (at, text) = match stream {
                LogStream::Stdout => (&mut at.0, &mut text.0),
                LogStream::Stderr => (&mut at.1, &mut text.1),
            };
            assert_eq!(offset, *at);
            assert!(bytes.len() <= 2);
            *at += bytes.len() as u64;
            text.push_str(&bytes);
        }
        assert_eq!(text.0, "o1\no2\no3\n"[usize::try_from(stdout).unwrap()..]);
        assert_eq!(text.1, "e1\ne2\n"[usize::try_from(stderr).unwrap()..]);
    }
}

#[test]
fn without_times_what_lies_together_is_one_piece() {
    let (_dir, folder) = folder(b"o1\no2\no3\n", b"", "1000 3 0\n2000 6 0\n3000 9 0\n");
    let both = LogStreams { stdout: true, stderr: true };
    let mut reader = RunLogReader::open(&folder, both, ReadFrom::At { stdout: 1, stderr: 0 }).unwrap();
    assert_eq!(pieces(&mut reader, 64), [(LogStream::Stdout, 1, "1\no2\no3\n".to_owned())]);
    let mut reader = RunLogReader::open(&folder, both, ReadFrom::Start).unwrap();
    assert_eq!(pieces(&mut reader, 64).len(), 3);
}

#[test]
fn an_offset_beyond_the_end_waits_for_it() {
    let (_dir, folder) = folder(b"o1\n", b"", "1000 3 0\n");
    let both = LogStreams { stdout: true, stderr: true };
    let mut reader = RunLogReader::open(&folder, both, ReadFrom::At { stdout: 6, stderr: 1 }).unwrap();
    assert_eq!(pieces(&mut reader, 64), []);
    std::fs::write(folder.stdout(), "o1\no2\nmore").unwrap();
    std::fs::write(folder.stderr(), "e").unwrap();
    assert_eq!(pieces(&mut reader, 64), [(LogStream::Stdout, 6, "more".to_owned())]);
}

#[test]
fn marks_beyond_one_block_keep_the_order() {
    let lines = 20_000_u64;
    let marks: String = (1..=lines).map(|n| format!("{n} {} {}\n", n * 2, (n - 1) * 2)).collect();
    let (out, err) = ("o\n".repeat(usize::try_from(lines).unwrap()), "e\n".repeat(usize::try_from(lines).unwrap()));
    let (_dir, folder) = folder(out.as_bytes(), err.as_bytes(), &marks);
    let expected = format!("o\n{}e\n", "o\ne\n".repeat(usize::try_from(lines - 1).unwrap()));
    assert!(read(&folder, ReadFrom::Start) == expected, "another order");
    assert_eq!(read(&folder, ReadFrom::Tail(3)), "o\ne\ne\n");
    let from = ReadFrom::At { stdout: lines * 2 - 2, stderr: lines * 2 - 4 };
    assert_eq!(read(&folder, from), "o\ne\ne\n");
}
