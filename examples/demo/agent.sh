#!/bin/sh
# A stand-in for a coding agent, in plain POSIX sh: no account, no network.
#
# Headless (-p) it reads its prompt from stdin and speaks Claude Code's stream-json; in a terminal it
# takes the prompt as its last argument and prints plain text. The prompt may hold:
#   `demo: ask` asks a question and waits for a line (in a terminal only)
#   `demo: fail` ends with exit code 3
#   `demo: hang` does nothing until it is ended
set -u

headless=no session=00000000-0000-4000-8000-000000000000 prompt=
while [ $# -gt 0 ]; do
  case $1 in
    -p|--print) headless=yes ;;
    --session-id|--resume|-r) session=${2-}; shift ;;
    # Options of the agent it stands in for that have a value.
    --output-format|-n|--name|--settings|--permission-mode|--max-budget-usd|--max-turns|--model|--fallback-model) shift ;;
    --append-system-prompt|--system-prompt|--allowedTools|--disallowedTools|--add-dir|--mcp-config|--agents) shift ;;
    --) shift; prompt=${1-}; break ;;
    -*) ;;
    *) prompt=$1 ;;
  esac
  shift
done
if [ "$headless" = yes ] && [ ! -t 0 ]; then
  given=$(cat)
  [ -z "$given" ] || prompt=$given
fi

pause() { sleep "${DEMO_PACE:-0.3}"; }
asked_to() { case $prompt in *"demo: $1"*) return 0 ;; *) return 1 ;; esac; }

# A text as the inside of a JSON string.
json() {
  printf '%s' "$1" | LC_ALL=C awk '
    BEGIN { ORS = ""; for (i = 1; i < 32; i++) code[sprintf("%c", i)] = sprintf("\\u%04x", i) }
    NR > 1 { print "\\n" }
    {
      for (i = 1; i <= length($0); i++) {
        c = substr($0, i, 1)
        if (c == "\\" || c == "\"") print "\\" c
        else if (c in code) print code[c]
        else print c
      }
    }'
}

event() { printf '%s\n' "$1"; pause; }
says() {
  if [ "$headless" = yes ]; then
    event '{"type":"assistant","message":{"id":"msg_demo","type":"message","role":"assistant","model":"stand-in","content":[{"type":"text","text":"'"$(json "$1")"'"}],"usage":{"input_tokens":100,"output_tokens":25}},"parent_tool_use_id":null,"session_id":"'"$session"'"}'
  else
    printf '%s\n\n' "$1"; pause
  fi
}

# Runs a command for real and shows it as a tool call.
does() {
  output=$(sh -c "$1" 2>&1) && failed=false || failed=true
  if [ "$headless" = yes ]; then
    event '{"type":"assistant","message":{"id":"msg_demo","type":"message","role":"assistant","model":"stand-in","content":[{"type":"tool_use","id":"toolu_demo","name":"Bash","input":{"command":"'"$(json "$1")"'"}}],"usage":{"input_tokens":100,"output_tokens":25}},"parent_tool_use_id":null,"session_id":"'"$session"'"}'
    event '{"type":"user","message":{"role":"user","content":[{"tool_use_id":"toolu_demo","type":"tool_result","content":"'"$(json "$output")"'","is_error":'"$failed"'}]},"parent_tool_use_id":null,"session_id":"'"$session"'"}'
  else
    printf '$ %s\n%s\n\n' "$1" "$output"; pause
  fi
}

# ends SUBTYPE IS_ERROR ANSWER
ends() {
  [ "$headless" = yes ] || return 0
  printf '%s\n' '{"type":"result","subtype":"'"$1"'","is_error":'"$2"',"duration_ms":1800,"duration_api_ms":900,"num_turns":2,"result":"'"$(json "$3")"'","session_id":"'"$session"'","total_cost_usd":0.0123,"usage":{"input_tokens":200,"output_tokens":50,"cache_read_input_tokens":0,"cache_creation_input_tokens":0},"permission_denials":[],"terminal_reason":"completed"}'
}

if [ "$headless" = yes ]; then
  event '{"type":"system","subtype":"init","cwd":"'"$(json "$PWD")"'","session_id":"'"$session"'","tools":["Bash"],"mcp_servers":[],"model":"stand-in","permissionMode":"plan","slash_commands":[],"claude_code_version":"0.0.0-stand-in"}'
fi
says "I look at what the task is about: $(printf '%s\n' "$prompt" | head -n 1)"

if asked_to hang; then
  says "I am thinking. Stop me when you have had enough."
  sleep 86400 & thinking=$!
  trap 'kill "$thinking" 2>/dev/null; exit 143' TERM HUP
  trap 'kill "$thinking" 2>/dev/null; exit 130' INT
  wait "$thinking"
fi

does 'grep -n "name" greet.sh'

if asked_to fail; then
  says "I cannot do this: nobody told me which two languages."
  ends error_during_execution true "which two languages?"
  exit 3
fi

if asked_to ask && [ "$headless" = no ]; then
  # The bell: tmux reports it in other windows, and `dispatch` shows that the run waits.
  printf 'What should be greeted when there is no name? \a'
  read -r answer || exit 1
  says "Then: name=\${1:-$answer}"
fi

answer='Verdict: changes needed

- greet.sh:3: `name=$1` is empty without an argument; `name=${1:-whoever you are}` says what the task asks for.'
says "$answer"
ends success false "$answer"
