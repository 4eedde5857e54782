//! Reads the answer of `scontrol show config`. Pure.

use std::time::Duration;

use crate::executor::EngineSettings;

/// The settings that matter here; one that is missing or cannot be read is `None`.
pub(super) fn settings(answer: &str) -> EngineSettings {
    let value = |name: &str| {
        answer.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == name).then(|| value.trim())
        })
    };
    // `30 sec`.
    let seconds = |text: &str| text.split_whitespace().next()?.parse().ok();
    EngineSettings {
        kill_wait: value("KillWait").and_then(seconds).map(Duration::from_secs),
        limits_memory: value("TaskPlugin").map(|plugins| plugins.contains("cgroup")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_is_read_and_the_rest_is_not() {
        let answer = "Configuration data as of now\nKillWait                = 30 sec\n\
                      TaskPlugin              = task/cgroup,task/affinity\nOther = x\n";
        let known = settings(answer);
        assert_eq!(known.kill_wait, Some(Duration::from_secs(30)));
        assert_eq!(known.limits_memory, Some(true));
        assert_eq!(settings("").kill_wait, None);
    }
}
