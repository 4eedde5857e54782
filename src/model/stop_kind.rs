//! How a run is stopped.

/// How forcefully a run is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopKind {
    /// TERM, and KILL after the mode's grace.
    Stop,
    /// [`StopKind::Stop`] by Ctrl-C in the starting command: supervisors get INT instead of TERM.
    Interrupt,
    /// KILL now, by a second Ctrl-C: supervisors get QUIT.
    Kill,
}
