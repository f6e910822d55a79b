# Completion of abi for PowerShell 5.1 and later; written by: abi completions powershell
# Nothing here starts abi but values that only abi knows.

Register-ArgumentCompleter -Native -CommandName abi -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)

  $aliases = @{
    'view' = 'show'
  }
  $commands = @{
    '' = 'show'
    'help' = 'show exit-codes environment formats config options'
  }
  $options = @{
    'show' = '-s --sort'
  }
  $values = @{
    'show|-s' = 'up down'
    'show|--sort' = 'up down'
    '*|--config' = '@files'
  }
  $arguments = @{
    'show|0' = '@routes'
  }
  $summaries = @{
    '|show' = 'it''s ‘‘here’’'
    'show|-s' = 'The order.'
    'show|--sort' = 'The order.'
    '*|-q' = 'Don''t talk.'
    '*|--config' = 'A file.'
  }

  # What an element of the line means; nothing is ever evaluated.
  function Get-AbiWord($element) {
    if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) {
      return $element.Value
    }
    return $element.Extent.Text
  }

  function Get-AbiReply($table, $path, $name) {
    foreach ($key in "$path|$name", "*|$name") {
      if ($table.ContainsKey($key)) { return $table[$key] }
    }
    return ''
  }

  $path = ''
  $previous = ''
  $before = ''
  $count = 0
  $onlyArguments = $false
  $place = @()
  $program = Get-AbiWord $commandAst.CommandElements[0]

  foreach ($element in $commandAst.CommandElements | Select-Object -Skip 1) {
    if ($element.Extent.EndOffset -ge $cursorPosition) { break }
    $word = Get-AbiWord $element
    if ($previous -ne '') {
      if ($previous -in '--attach', '--config', '--data-dir') { $place += $previous, $word }
      $previous = ''
    } elseif (-not $onlyArguments -and $word -ceq '--') {
      $onlyArguments = $true
    } elseif (-not $onlyArguments -and $word -clike '--*=*') {
      if ($word -cmatch '^--(attach|config|data-dir)=') { $place += $word }
    } elseif (-not $onlyArguments -and $word -clike '-?*') {
      if ((Get-AbiReply $values $path $word) -ne '') { $previous = $word }
    } else {
      if ($path -eq '' -and $aliases.ContainsKey($word)) { $word = $aliases[$word] }
      $below = $path -creplace '^help ', ''
      if ($count -eq 0 -and $commands.ContainsKey($below) -and
          ($commands[$below] -split ' ') -ccontains $word) {
        $path = "$path $word".Trim()
      } else {
        $count += 1
        $before = $word
      }
    }
  }

  $typed = "$wordToComplete".TrimStart('"', "'")
  $lead = ''
  $below = $path -creplace '^help ', ''
  if ($previous -ne '') {
    $reply = Get-AbiReply $values $path $previous
  } elseif (-not $onlyArguments -and $typed -clike '--*=*') {
    $lead = ($typed -split '=', 2)[0] + '='
    $reply = Get-AbiReply $values $path $lead.TrimEnd('=')
  } elseif (-not $onlyArguments -and $typed -clike '-*') {
    $reply = '-h --help -q --config'
    if ($options.ContainsKey($path)) { $reply = $options[$path] + ' ' + $reply }
  } elseif ($commands.ContainsKey($below) -and $count -eq 0) {
    $reply = $commands[$below]
  } else {
    $reply = Get-AbiReply $arguments $path $count
  }

  # PowerShell itself offers files where nothing is returned.
  if ($reply -ceq '' -or $reply -ceq '-' -or $reply -ceq '@files') { return }
  if ($reply -clike '@*') {
    $ask = @($reply.Trim('@', '+'))
    if ($reply -clike '*+') { $ask += '--', $before }
    $words = @(& $program completions values @place @ask 2>$null)
  } else {
    $words = $reply -split ' '
  }

  foreach ($word in $words) {
    $whole = "$lead$word"
    if (-not $whole.StartsWith($typed, [System.StringComparison]::Ordinal)) { continue }
    $summary = $word
    foreach ($key in "$path|$word", "*|$word") {
      if ($summaries.ContainsKey($key)) { $summary = $summaries[$key]; break }
    }
    $text = $whole
    if ($whole -cnotmatch '^[A-Za-z0-9_./:=-]+$') {
      $text = "'" + [System.Management.Automation.Language.CodeGeneration]::EscapeSingleQuotedStringContent($whole) + "'"
    }
    [System.Management.Automation.CompletionResult]::new($text, $word, 'ParameterValue', $summary)
  }
}
