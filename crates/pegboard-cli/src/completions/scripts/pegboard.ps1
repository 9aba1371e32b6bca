# Completion of pegboard in PowerShell. To install it, add this line to the file that $PROFILE names:
#   pegboard completions powershell | Out-String | Invoke-Expression

Register-ArgumentCompleter -Native -CommandName pegboard -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $before = @()
    $current = ''
    foreach ($element in $commandAst.CommandElements) {
        $extent = $element.Extent
        if ($extent.StartOffset -ge $cursorPosition) {
            break
        }
        if ($extent.EndOffset -ge $cursorPosition) {
            $current = $extent.Text.Substring(0, $cursorPosition - $extent.StartOffset).TrimStart("'", '"')
            break
        }
        $isText = $element -is [System.Management.Automation.Language.StringConstantExpressionAst]
        $before += if ($isText) { $element.Value } else { $extent.Text }
    }
    # An empty last word would be lost on the way, in older versions.
    $lines = & pegboard complete powershell '--' @before ":$current" 2>$null
    foreach ($line in $lines) {
        $parts = $line.Split("`t")
        if ($parts[0]) {
            $about = if ($parts[1]) { $parts[1] } else { $parts[0] }
            [System.Management.Automation.CompletionResult]::new($parts[0], $parts[0], 'ParameterValue', $about)
        } else {
            $prefix = $parts[2]
            $path = $current.Substring([Math]::Min($prefix.Length, $current.Length))
            foreach ($name in [System.Management.Automation.CompletionCompleters]::CompleteFilename($path)) {
                $text = $prefix + $name.CompletionText
                [System.Management.Automation.CompletionResult]::new($text, $name.ListItemText, $name.ResultType, $name.ToolTip)
            }
        }
    }
}
