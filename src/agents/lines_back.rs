//! Reads a log's lines from its end, in bounded memory.

use std::io::{self, Read, Seek, SeekFrom};

use memchr::memrchr;

/// Longest line, in bytes; of a longer one only its place is known.
pub(in crate::agents) const LINE_MAX: usize = 16 << 20;
const CHUNK: usize = 64 << 10;

/// Calls `visit` with each line, without its newline, from the last to the first, until it returns false; with `None` for
/// a line that is too long. A log that grows meanwhile is read up to the length it had. Fails where the log cannot be
/// read.
pub(in crate::agents) fn lines_back<R: Read + Seek>(
    mut log: R,
    mut visit: impl FnMut(Option<&[u8]>) -> bool,
) -> io::Result<()> {
    let mut start = log.seek(SeekFrom::End(0))?;
    // The end of a line whose beginning is not read yet.
    let mut rest: Vec<u8> = Vec::new();
    let mut too_long = false;
    while start > 0 {
        // The read size doubles with a long line, so that the line is not copied once for each chunk.
        let size = usize::try_from(start).unwrap_or(usize::MAX).min(CHUNK.max(rest.len()));
        start -= size as u64;
        log.seek(SeekFrom::Start(start))?;
        let mut block = vec![0; size];
        log.read_exact(&mut block)?;
        let fresh = block.len();
        block.append(&mut rest);
        let mut end = block.len();
        let mut search = fresh;
        while let Some(newline) = memrchr(b'\n', &block[..search]) {
            let fits = !too_long && end - newline - 1 <= LINE_MAX;
            if !visit(fits.then(|| &block[newline + 1..end])) {
                return Ok(());
            }
            too_long = false;
            end = newline;
            search = newline;
        }
        block.truncate(end);
        rest = block;
        if rest.len() > LINE_MAX {
            too_long = true;
            rest = Vec::new();
        }
    }
    visit((!too_long).then_some(&rest));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn all(log: &[u8]) -> Vec<Option<Vec<u8>>> {
        let mut lines = Vec::new();
        lines_back(Cursor::new(log), |line| {
            lines.push(line.map(<[u8]>::to_vec));
            true
        })
        .unwrap();
        lines
    }

    #[test]
    fn of_a_line_that_is_too_long_only_the_place_is_known() {
        let mut log = b"first\n".to_vec();
        log.resize(log.len() + LINE_MAX + CHUNK * 3, b'x');
        log.extend(b"\nlast");
        assert_eq!(all(&log), [Some(b"last".to_vec()), None, Some(b"first".to_vec())]);
        assert_eq!(all(&vec![b'y'; LINE_MAX + 1]), [None]);
    }

    #[test]
    fn stops_when_told() {
        let mut seen = 0;
        lines_back(Cursor::new(b"a\nb\nc"), |_| {
            seen += 1;
            seen < 2
        })
        .unwrap();
        assert_eq!(seen, 2);
    }

    proptest! {
        #[test]
        fn gives_the_lines_of_the_log(lines in proptest::collection::vec((0..3usize, 0..90_000usize), 1..12)) {
            let lines: Vec<Vec<u8>> = lines.iter().map(|(kind, n)| vec![b'a'; [0, n % 50, *n][*kind]]).collect();
            let log = lines.join(&b'\n');
            let mut back: Vec<Vec<u8>> = all(&log).into_iter().flatten().collect();
            back.reverse();
            // An empty log has no line.
            let expected = if log.is_empty() { vec![Vec::new()] } else { lines };
            prop_assert_eq!(back, expected);
        }
    }
}
