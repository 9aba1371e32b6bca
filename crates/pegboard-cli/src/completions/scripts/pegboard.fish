# Completion of pegboard in fish. To install it:
#   pegboard completions fish > ~/.config/fish/completions/pegboard.fish

function __pegboard_complete
    set -l current (commandline -ct)
    for line in (command pegboard complete fish -- (commandline -opc) "$current" 2>/dev/null)
        set -l parts (string split \t -- $line)
        if test -n "$parts[1]"
            echo $line
            continue
        end
        set -l prefix $parts[3]
        set -l path (string sub -s (math (string length -- "$prefix") + 1) -- "$current")
        set -l names
        if test "$parts[2]" = directories
            set names (__fish_complete_directories "$path" '')
        else
            set names (__fish_complete_path "$path")
        end
        for name in $names
            echo $prefix$name
        end
    end
end

complete -c pegboard -f -a '(__pegboard_complete)'
