//! Checks the folders of records and worktrees (locks, writes, free space), and the clock against the disk and the
//! records.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::lifecycle::doctor::{Finding, quote};
use crate::lifecycle::failure::Failure;
use crate::lifecycle::project::{Project, older_state, project_store};
use crate::lifecycle::refresh;
use crate::lifecycle::worktree::work;
use crate::os::folder::{self, FolderError};
use crate::os::{clock, ids};

const STATE: &str = "state folder";
/// Free bytes below which `room` warns, and below which it fails.
const LITTLE: u64 = 1 << 30;
const TOO_LITTLE: u64 = 16 << 20;
/// With a larger difference of clocks, records are sorted wrongly.
const SKEW: Duration = Duration::from_secs(2);
const FUTURE_MS: i64 = 60_000;

pub(super) fn examine(project: Option<&Project>) -> Vec<Finding> {
    let Some(project) = project else { return Vec::new() };
    let path = &project.manifest.state_dir;
    let mut findings = vec![records(project, path)];
    findings.extend(older_state::older_states(project).into_iter().map(|older| {
        let found = format!("`{}` is of an older version, and is no longer used", older.path.display());
        Finding::warn("older state", found, format!("rm -r {}", quote(&older.path)))
    }));
    // Before the first run: the existing folder in which it will be created.
    let Some(place) = folder::nearest(path) else { return findings };
    if let Ok(Some(served)) = folder::served_by(&place) {
        findings.push(Finding::warn(
            "disk",
            format!("`{}` is on {served}: locks may not reach other machines, and syncs are slow", place.display()),
            "set `state_dir` to a folder on a disk of this machine",
        ));
    }
    match folder::try_out(&place) {
        Ok(tried) => findings.push(clock_finding(project, tried.skew)),
        Err(error) => findings.push(broken(&place, &error)),
    }
    findings.extend(room(project, &place));
    findings
}

fn records(project: &Project, path: &Path) -> Finding {
    let shown = path.display().to_string();
    match project_store::find(project) {
        Ok(Some(store)) => match refresh::all(&store) {
            Ok(observed) if observed.notices.is_empty() => Finding::ok(STATE, shown),
            Ok(observed) => Finding::warn(STATE, observed.notices.join("; "), format!("look into {}", quote(path))),
            Err(error) => Finding::fail(STATE, error.to_string(), format!("rm {}", quote(&path.join("dispatch.db")))),
        },
        Ok(None) => Finding::ok(STATE, format!("{shown} (not made yet)")),
        Err(error) => {
            let failure = Failure::from(error);
            Finding::fail(STATE, failure.to_string(), failure.hints.join("; "))
        }
    }
}

fn broken(place: &Path, error: &FolderError) -> Finding {
    let fix = match error {
        FolderError::Write(_) => format!("chmod u+rwx {}", quote(place)),
        FolderError::Lock(_) | FolderError::LockIgnored | FolderError::Rename(_) | FolderError::Sync(_) => {
            "set `state_dir` to a folder on a disk of this machine".to_owned()
        }
    };
    Finding::fail("disk", format!("`{}`: {error}", place.display()), fix)
}

/// Checks the clock: the order of the history and the daily budget depend on it.
fn clock_finding(project: &Project, skew: Duration) -> Finding {
    const FIX: &str = "timedatectl set-ntp true";
    if skew > SKEW {
        let found = format!("the disk's clock is {} s from this machine's", skew.as_secs());
        return Finding::warn("clock", found, FIX);
    }
    // Prefer the record's time: if the clock was wrong once, an id may be the last id plus one.
    let newest = || {
        let store = project_store::find(project).ok()??;
        let newest = store.state().run_ids().ok()?.pop()?;
        let recorded = store.folder(&newest).read_spec().map(|spec| spec.created_at);
        recorded.ok().or_else(|| ids::made_at(&newest))
    };
    let now = clock::now();
    match newest().filter(|made| made.as_millisecond() > now.as_millisecond() + FUTURE_MS) {
        Some(made) => {
            let found = format!("the last run was started at {}, which is still to come", clock::local_minute(made));
            Finding::warn("clock", found, FIX)
        }
        None => Finding::ok("clock", "agrees with the disk and with the records"),
    }
}

fn room(project: &Project, state: &Path) -> Vec<Finding> {
    let mut places: Vec<PathBuf> = vec![state.to_owned()];
    if project.manifest.worktree.is_some() {
        let tasks = project.tasks();
        let first = tasks.tasks().first().and_then(|task| work::work_of(project, &tasks, task).ok());
        places.extend(first.and_then(|worktree| folder::nearest(&worktree.path)));
    }
    let known: Vec<(PathBuf, u64)> =
        places.into_iter().filter_map(|at| Some((at.clone(), folder::free(&at).ok()?))).collect();
    let Some((place, free)) = known.into_iter().min_by_key(|(_, free)| *free) else { return Vec::new() };
    vec![room_finding(&place, free)]
}

fn room_finding(place: &Path, free: u64) -> Finding {
    let found = format!("{} free in `{}`", size(free), place.display());
    match free {
        0..TOO_LITTLE => Finding::fail("room", found, "dispatch prune"),
        TOO_LITTLE..LITTLE => Finding::warn("room", found, "dispatch prune"),
        LITTLE.. => Finding::ok("room", found),
    }
}

fn size(bytes: u64) -> String {
    let mib = bytes >> 20;
    if mib < 10_240 { format!("{mib} MiB") } else { format!("{} GiB", mib >> 10) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::doctor::FindingState;

    #[test]
    fn little_room_is_told_and_none_is_bad() {
        let state = |free| room_finding(Path::new("/x"), free).state;
        assert_eq!(
            [state(0), state(TOO_LITTLE), state(LITTLE - 1), state(LITTLE)],
            [FindingState::Fail, FindingState::Warn, FindingState::Warn, FindingState::Ok]
        );
        assert_eq!(room_finding(Path::new("/x"), 20 << 30).found, "20 GiB free in `/x`");
    }
}
