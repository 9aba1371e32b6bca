# Completion of pegboard in Nushell. To install it:
#   mkdir ($nu.user-autoload-dirs | first)
#   pegboard completions nushell | save --force ($nu.user-autoload-dirs | first | path join pegboard.nu)
# Whatever completes other programs goes on doing so.

do --env {
    let others = $env.config.completions.external.completer?
    $env.config.completions.external.completer = {|spans|
        if ($spans | first) != 'pegboard' {
            if $others != null { do $others $spans }
        } else {
            let answer = ^pegboard complete nushell -- ...$spans | complete
            let rows = $answer.stdout | lines | each { split row "\t" }
            let candidates = $rows | where { $in.0 != '' } | each { { value: $in.0, description: $in.1 } }
            # Where files fit, nothing at all lets Nushell complete them.
            if ($candidates | is-empty) and ($rows | is-not-empty) { null } else { $candidates }
        }
    }
}
