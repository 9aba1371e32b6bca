#compdef pegboard
# Completion of pegboard in zsh. To install it, put it into a directory of $fpath and restart zsh:
#   pegboard completions zsh > "${fpath[1]}/_pegboard"
# or add this line to ~/.zshrc, behind compinit:
#   source <(pegboard completions zsh)

_pegboard() {
    local line kind prefix about
    local -a values shown
    while IFS= read -r line; do
        if [[ $line == $'\t'* ]]; then
            kind=${${line#$'\t'}%%$'\t'*}
            prefix=${line##*$'\t'}
            continue
        fi
        about=${line#*$'\t'}
        values+=("${line%%$'\t'*}")
        shown+=("${line%%$'\t'*}${about:+  -- $about}")
    done < <(command pegboard complete zsh -- "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
    local result=1
    if (( $#values )); then
        if [[ "$values" == "$shown" ]]; then
            compadd -a values && result=0
        else
            compadd -l -d shown -a values && result=0
        fi
    fi
    if [[ -n $kind ]]; then
        [[ -n $prefix ]] && compset -P "${(b)prefix}"
        if [[ $kind == directories ]]; then
            _files -/ && result=0
        else
            _files && result=0
        fi
    fi
    return result
}

if [[ $funcstack[1] == _pegboard ]]; then
    _pegboard "$@"
else
    compdef _pegboard pegboard
fi
