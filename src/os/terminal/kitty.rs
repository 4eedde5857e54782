//! kitty's remote control, if the user enabled it: finds the window of a process.

use serde_json::Value;

/// The id of the window whose program, or foreground process, is `pid`, in the output of `kitty @ ls`.
pub(super) fn window_of(listed: &str, pid: u32) -> Option<u64> {
    let listed: Value = serde_json::from_str(listed).ok()?;
    let below = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let tabs = listed.as_array()?.iter().flat_map(|os_window| below(os_window, "tabs"));
    let mut windows = tabs.flat_map(|tab| below(&tab, "windows"));
    let is_it = |process: &Value| process["pid"].as_u64() == Some(pid.into());
    let found = windows.find(|window| is_it(window) || below(window, "foreground_processes").iter().any(is_it))?;
    found["id"].as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_found_by_its_process() {
        let listed = r#"[{"id":1,"tabs":[{"id":1,"windows":[
            {"id":3,"pid":100,"foreground_processes":[{"pid":100,"cmdline":["zsh"]}]},
            {"id":4,"pid":200,"foreground_processes":[{"pid":201,"cmdline":["tmux"]}]}]}]},
            {"id":2,"tabs":[{"id":2,"windows":[{"id":7,"pid":300}]}]}]"#;
        for (pid, window) in [(100, Some(3)), (200, Some(4)), (201, Some(4)), (300, Some(7)), (1, None)] {
            assert_eq!(window_of(listed, pid), window, "{pid}");
        }
        assert_eq!(window_of("{}", 1), None);
        assert_eq!(window_of("no JSON", 1), None);
    }
}
