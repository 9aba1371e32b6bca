# Completion of pegboard in bash. To install it, add this line to ~/.bashrc:
#   eval "$(pegboard completions bash)"
# or, where the package bash-completion is installed:
#   pegboard completions bash > ~/.local/share/bash-completion/completions/pegboard

_pegboard() {
    local line kind=
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            $'\tfiles\t'*) kind=file ;;
            $'\tdirectories\t'*) kind=directory ;;
            *) COMPREPLY+=("${line%%$'\t'*}") ;;
        esac
    done < <(command pegboard complete bash -- "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
    if [[ -z $kind ]]; then
        return
    fi
    if ((${#COMPREPLY[@]} == 0)); then
        # Nothing but files fits: readline does them best.
        if [[ $kind == directory ]]; then
            compopt -o dirnames
        else
            compopt -o default
        fi
    else
        compopt -o filenames
        while IFS= read -r line; do
            COMPREPLY+=("$line")
        done < <(compgen -A "$kind" -- "$2")
    fi
}

complete -F _pegboard pegboard
