# Completion of pegboard in elvish. To install it, write it into a file and use that in ~/.config/elvish/rc.elv:
#   pegboard completions elvish > ~/.config/elvish/lib/pegboard.elv
#   echo 'use pegboard' >> ~/.config/elvish/rc.elv

use str

set edit:completion:arg-completer[pegboard] = {|@words|
  var lines = []
  try {
    set lines = [((external pegboard) complete elvish -- $@words 2>/dev/null | from-lines)]
  } catch e {
    nop
  }
  for line $lines {
    var parts = [(str:split "\t" $line)]
    if (not-eq $parts[0] '') {
      var display = $parts[0]
      if (not-eq $parts[1] '') {
        set display = $parts[0]'  '$parts[1]
      }
      edit:complex-candidate $parts[0] &display=$display &code-suffix=' '
    } else {
      var prefix = $parts[2]
      edit:complete-filename (str:trim-prefix $words[-1] $prefix) | each {|name|
        edit:complex-candidate $prefix$name[stem] &display=$name[stem] &code-suffix=$name[code-suffix]
      }
    }
  }
}
