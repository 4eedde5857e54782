#compdef dispatch
# Completion of `dispatch` for zsh. Install it as a file in a folder of $fpath, before `compinit`:
#   dispatch completions zsh > ~/.zfunc/_dispatch
# or load it after `compinit`:
#   source <(dispatch completions zsh)

_dispatch_agents() {
    local index=$((CURRENT - 1))
    local separator=$'\n'
    local -a found dirs other
    found=("${(@f)$(
        _CLAP_IFS="$separator" \
        _CLAP_COMPLETE_INDEX="$index" \
        COMPLETE=zsh \
        command dispatch -- "${words[@]}" 2>/dev/null
    )}")
    local completion value
    for completion in $found; do
        value="${completion%%:*}"
        if [[ "$value" == */ ]]; then
            if [[ "$completion" == *:* ]]; then
                dirs+=("${value%/}:${completion#*:}")
            else
                dirs+=("${value%/}")
            fi
        else
            other+=("$completion")
        fi
    done
    (( $#dirs )) && _describe -V 'values' dirs -S '/' -r '/'
    (( $#other )) && _describe -V 'values' other
}

# zsh's completion system has a function `_dispatch`. Where this file bears that name and comes first in
# $fpath, zsh has loaded it in the place of its own, which is loaded now from the next folder that has it.
_dispatch_restore() {
    local folder
    local -a others
    for folder in $fpath; do
        [[ -r $folder/_dispatch && "$(head -n 1 -- $folder/_dispatch)" == '#compdef dispatch' ]] || others+=("$folder")
    done
    () {
        local -a fpath=("$@")
        unfunction _dispatch 2>/dev/null
        autoload -Uz +X _dispatch
    } "${others[@]}"
}

if (( ${+functions[compdef]} )); then
    compdef _dispatch_agents dispatch
else
    print -u2 'dispatch: load the completion after `autoload -Uz compinit && compinit`'
fi

# Loaded by zsh in the middle of a completion: go on with what was asked for.
if (( ${+compstate} )); then
    if [[ "${funcstack[1]}" == _dispatch ]]; then
        _dispatch_restore
        _dispatch "$@"
    else
        _dispatch_agents "$@"
    fi
fi
