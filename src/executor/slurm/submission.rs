//! What `sbatch` is given, and what its answer means. Pure.

use std::path::Path;
use std::time::Duration;

use crate::executor::JobWants;
use crate::executor::slurm::listing::job_name;

/// Whether a job was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SubmitAnswer {
    Accepted {
        job: String,
    },
    /// No job exists; the engine's words.
    Refused(String),
    /// A job may exist; the words.
    Unsure(String),
}

/// Errors after which a job may exist all the same: the connection broke, and not the request.
const UNSURE: [&str; 8] = [
    "Unable to contact",
    "timed out",
    "Zero Bytes were transmitted",
    "Unexpected message received",
    "Connection refused",
    "Connection reset",
    "Communication",
    "not responding",
];

/// The script of the job, which becomes the hidden command `word` of this program.
pub(super) fn script(program: &Path, word: &str, folder: &Path) -> Vec<u8> {
    let mut script = b"#!/bin/sh\nexec ".to_vec();
    for path in [program, Path::new(word), folder] {
        script.extend(quoted(path));
        script.push(b' ');
    }
    script.extend(b"\"$SLURMD_NODENAME\" \"$SLURM_JOB_ID\"\n");
    script
}

/// In single quotes, for `sh`.
fn quoted(path: &Path) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'\'' => quoted.extend(br"'\''"),
            other => quoted.push(*other),
        }
    }
    quoted.push(b'\'');
    quoted
}

/// The arguments: first what the mode's limits give, then the manifest's options, which win, then what must hold.
pub(super) fn arguments(wants: &JobWants, folder: &Path) -> Vec<std::ffi::OsString> {
    let name = job_name(&wants.run);
    let mut arguments: Vec<std::ffi::OsString> = Vec::new();
    arguments.extend(wants.time.map(|time| format!("--time={}", minutes(time)).into()));
    // In KiB, the smallest unit; rounded up.
    arguments.extend(wants.memory.map(|bytes| format!("--mem={}K", bytes.get().div_ceil(1024)).into()));
    arguments.extend(wants.options.iter().map(Into::into));
    for own in ["--parsable", "--no-requeue", "--propagate=NONE", "--open-mode=append"] {
        arguments.push(own.into());
    }
    arguments.push(format!("--job-name={name}").into());
    arguments.push(format!("--comment={}", wants.run).into());
    let mut output = std::ffi::OsString::from("--output=");
    output.push(without_patterns(&folder.join("engine.log")));
    arguments.push(output);
    let mut place = std::ffi::OsString::from("--chdir=");
    place.push(folder);
    arguments.push(place);
    arguments
}

fn minutes(time: Duration) -> u64 {
    time.as_secs().div_ceil(60).max(1)
}

/// A path in which `%` stands for itself.
fn without_patterns(path: &Path) -> std::ffi::OsString {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    let mut bytes = Vec::new();
    for byte in path.as_os_str().as_bytes() {
        bytes.extend(if *byte == b'%' { b"%%".as_slice() } else { std::slice::from_ref(byte) });
    }
    std::ffi::OsString::from_vec(bytes)
}

/// The meaning of an answer: `code` is the exit code, `None` for a signal.
pub(super) fn answer(code: Option<i32>, stdout: &str, stderr: &str) -> SubmitAnswer {
    let words = one_line(stderr);
    match code {
        Some(0) => match stdout.trim().split(';').next().filter(|id| !id.is_empty()) {
            Some(id) => SubmitAnswer::Accepted { job: id.to_owned() },
            None => SubmitAnswer::Unsure("`sbatch` printed no job id".to_owned()),
        },
        Some(_) if !UNSURE.iter().any(|text| words.contains(text)) => SubmitAnswer::Refused(words),
        Some(_) => SubmitAnswer::Unsure(words),
        None => SubmitAnswer::Unsure("its command was killed".to_owned()),
    }
}

/// The error's words without the name of the command.
pub(super) fn one_line(stderr: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in stderr.lines() {
        let line = line.split_once(": error: ").map_or(line, |(_, words)| words).trim();
        if !line.is_empty() && !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::bytes::Bytes;
    use crate::model::run_id::RunId;

    #[test]
    fn a_path_with_quotes_and_spaces_is_one_word() {
        let script = script(Path::new("/a b/dispatch"), "__node", Path::new("/it's/$x"));
        let text = String::from_utf8(script).unwrap();
        let wanted = "#!/bin/sh\nexec '/a b/dispatch' '__node' '/it'\\''s/$x' \"$SLURMD_NODENAME\" \"$SLURM_JOB_ID\"\n";
        assert_eq!(text, wanted);
    }

    #[test]
    fn limits_become_options_and_the_manifests_options_come_after_them() {
        let wants = JobWants {
            run: RunId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap(),
            program: "/bin/dispatch".into(),
            options: vec!["--partition=main".to_owned()],
            memory: Some(Bytes::new(1025)),
            time: Some(Duration::from_secs(61)),
        };
        let words: Vec<String> =
            arguments(&wants, Path::new("/100%/r")).iter().map(|word| word.display().to_string()).collect();
        assert_eq!(words[..3], ["--time=2", "--mem=2K", "--partition=main"]);
        assert!(words.contains(&"--output=/100%%/r/engine.log".to_owned()), "{words:?}");
        assert!(words.contains(&"--job-name=dispatch-01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned()), "{words:?}");
    }

    #[test]
    fn only_an_answer_that_rules_a_job_out_is_a_refusal() {
        assert_eq!(answer(Some(0), "17\n", ""), SubmitAnswer::Accepted { job: "17".to_owned() });
        assert_eq!(answer(Some(0), "17;test\n", ""), SubmitAnswer::Accepted { job: "17".to_owned() });
        assert!(matches!(answer(Some(0), "", ""), SubmitAnswer::Unsure(_)));
        assert!(matches!(answer(None, "", ""), SubmitAnswer::Unsure(_)));
        let refused = "sbatch: error: Batch job submission failed: Invalid partition name specified\n";
        let words = "Batch job submission failed: Invalid partition name specified".to_owned();
        assert_eq!(answer(Some(1), "", refused), SubmitAnswer::Refused(words));
        let down = "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)\n";
        assert!(matches!(answer(Some(1), "", down), SubmitAnswer::Unsure(_)));
        let cut = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation\n";
        assert!(matches!(answer(Some(1), "", cut), SubmitAnswer::Unsure(_)));
    }
}
