//! WezTerm's command line: finds the pane on a tty.

use serde_json::Value;

/// The id of the pane on `tty`, in the output of `wezterm cli list --format json`.
pub(super) fn pane_of(listed: &str, tty: &str) -> Option<u64> {
    let listed: Value = serde_json::from_str(listed).ok()?;
    listed.as_array()?.iter().find(|pane| pane["tty_name"] == tty)?["pane_id"].as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pane_is_found_by_its_tty() {
        let listed = r#"[{"window_id":0,"tab_id":0,"pane_id":0,"tty_name":"/dev/ttys001","title":"zsh"},
            {"window_id":0,"tab_id":1,"pane_id":12,"tty_name":"/dev/ttys010","title":"a \"b\""}]"#;
        assert_eq!(pane_of(listed, "/dev/ttys010"), Some(12));
        assert_eq!(pane_of(listed, "/dev/ttys01"), None);
        assert_eq!(pane_of("", "/dev/ttys01"), None);
    }
}
