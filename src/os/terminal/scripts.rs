//! AppleScript for the terminals of macOS. Each script gets names as arguments, so that no quote in a name can end a
//! string of the script.

/// Opens a window that runs the command line in the first argument.
pub(super) const OPEN_ITERM2: &str = r#"on run argv
  tell application id "com.googlecode.iterm2"
    create window with default profile command (item 1 of argv)
    activate
  end tell
end run"#;

/// Types the command line in the first argument into a new window. `activate` comes after it: before, it would open
/// another window.
pub(super) const OPEN_APPLE_TERMINAL: &str = r#"on run argv
  tell application id "com.apple.Terminal"
    do script (item 1 of argv)
    activate
  end tell
end run"#;

/// What a script returns if it found the terminal's window.
pub(super) const RAISED: &str = "raised";

/// Brings the session on the tty in the first argument to the front, if iTerm2 runs.
pub(super) const RAISE_ITERM2: &str = r#"on run argv
  if application id "com.googlecode.iterm2" is not running then return "no"
  tell application id "com.googlecode.iterm2"
    repeat with aWindow in windows
      repeat with aTab in tabs of aWindow
        repeat with aSession in sessions of aTab
          if tty of aSession is (item 1 of argv) then
            tell aWindow to select
            tell aTab to select
            tell aSession to select
            activate
            return "raised"
          end if
        end repeat
      end repeat
    end repeat
  end tell
  return "no"
end run"#;

/// Brings the tab on the tty in the first argument to the front, if Terminal runs.
pub(super) const RAISE_APPLE_TERMINAL: &str = r#"on run argv
  if application id "com.apple.Terminal" is not running then return "no"
  tell application id "com.apple.Terminal"
    repeat with aWindow in windows
      repeat with aTab in tabs of aWindow
        if tty of aTab is (item 1 of argv) then
          set selected of aTab to true
          set miniaturized of aWindow to false
          set index of aWindow to 1
          activate
          return "raised"
        end if
      end repeat
    end repeat
  end tell
  return "no"
end run"#;
