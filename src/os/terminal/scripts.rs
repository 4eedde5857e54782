//! AppleScript for macOS's terminals. Each script gets names as arguments: no quote in a name can end a string of
//! the script.

/// Opens a window with a command line, its argument.
pub(super) const OPEN_ITERM2: &str = r#"on run argv
  tell application id "com.googlecode.iterm2"
    create window with default profile command (item 1 of argv)
    activate
  end tell
end run"#;

/// Types a command line, its argument, into a new window. (If Terminal was activated first, it would open another
/// window.)
pub(super) const OPEN_APPLE_TERMINAL: &str = r#"on run argv
  tell application id "com.apple.Terminal"
    do script (item 1 of argv)
    activate
  end tell
end run"#;

/// The answer of a script that found the terminal's window.
pub(super) const RAISED: &str = "raised";

/// Brings the session on a tty, its argument, to the front, if iTerm2 runs.
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

/// The same in Terminal.
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
