//! Whether a folder is on a disk of this machine, which decides how the index may be written.

#[cfg(all(target_os = "linux", not(dispatch_posix)))]
mod linux;
#[cfg(all(target_os = "linux", not(dispatch_posix)))]
pub(super) use linux::is_local;

/// Assumed where the system has no way to tell that we know.
#[cfg(not(all(target_os = "linux", not(dispatch_posix))))]
pub(super) fn is_local(_folder: &std::path::Path) -> bool {
    true
}
