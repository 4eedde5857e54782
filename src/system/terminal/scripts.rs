//! What macOS's terminals are told, as AppleScript. Names never become part of a script: each takes
//! what it is about as an argument, so that no quote in it can end a string.

/// Opens a window with the command line that is its argument.
pub(super) const OPEN_ITERM2: &str = r#"on run argv
  tell application id "com.googlecode.iterm2"
    create window with default profile command (item 1 of argv)
    activate
  end tell
end run"#;

/// Types the command line that is its argument into a new window. (Activated first, Terminal would
/// open a window of its own beside it.)
pub(super) const OPEN_APPLE_TERMINAL: &str = r#"on run argv
  tell application id "com.apple.Terminal"
    do script (item 1 of argv)
    activate
  end tell
end run"#;

/// What a script answers that found the terminal's window.
pub(super) const RAISED: &str = "raised";

/// Brings the session on the tty that is its argument to the front, where iTerm2 runs.
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
