//! Names of signals.

/// Names without `SIG`, and the numbers on this system.
const SIGNALS: [(&str, i32); 18] = [
    ("HUP", libc::SIGHUP),
    ("INT", libc::SIGINT),
    ("QUIT", libc::SIGQUIT),
    ("ILL", libc::SIGILL),
    ("TRAP", libc::SIGTRAP),
    ("ABRT", libc::SIGABRT),
    ("BUS", libc::SIGBUS),
    ("FPE", libc::SIGFPE),
    ("KILL", libc::SIGKILL),
    ("USR1", libc::SIGUSR1),
    ("SEGV", libc::SIGSEGV),
    ("USR2", libc::SIGUSR2),
    ("PIPE", libc::SIGPIPE),
    ("ALRM", libc::SIGALRM),
    ("TERM", libc::SIGTERM),
    ("XCPU", libc::SIGXCPU),
    ("XFSZ", libc::SIGXFSZ),
    ("SYS", libc::SIGSYS),
];

/// The number of a signal name such as `TERM` or `SIGTERM`, in any case.
pub fn signal_number(name: &str) -> Option<i32> {
    let name = name.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    SIGNALS.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// `number` with the name of `signal`: `9 (SIGKILL)`; for an exit code of 128 + 9, `137 (SIGKILL)`.
pub fn with_signal_name(number: i32, signal: i32) -> String {
    match SIGNALS.iter().find(|(_, known)| *known == signal) {
        Some((name, _)) => format!("{number} (SIG{name})"),
        None => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names() {
        assert_eq!((signal_number("sigterm"), signal_number("TERM"), signal_number("NO")), (Some(15), Some(15), None));
        assert_eq!(with_signal_name(143, 15), "143 (SIGTERM)");
        assert_eq!(with_signal_name(200, 72), "200");
    }
}
