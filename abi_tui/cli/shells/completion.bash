# Completion of abi for bash 4 and later; written by: abi completions bash
# Nothing here starts abi but values that only abi knows.

_abi_alias() {
  reply=''
  case "$1" in
@ALIASES@
  esac
}

_abi_commands() {
  reply=''
  case "$1" in
@COMMANDS@
  esac
}

_abi_options() {
  reply=''
  case "$1" in
@OPTIONS@
  esac
}

_abi_values() {
  reply=''
  case "$1" in
@VALUES@
  esac
}

_abi_arguments() {
  reply=''
  case "$1" in
@ARGUMENTS@
  esac
}

# Cuts a line into `words` as bash would, and leaves in `typed` what the last, unfinished word
# means, in `quote` the quote that is open, and in `kept` how many of its letters readline keeps.
# Nothing is ever evaluated.
_abi_split() {
  local rest="$1" chunk breaks='' letter begun=0
  local spaces='^[[:space:]]+' plain='^[^[:space:]\"'\'']+' double='^"(([^"\]|\\.)*)"'
  words=() typed='' quote='' kept=0
  for letter in @ '>' '<' = ';' '|' '&' '(' ':'; do
    [[ $COMP_WORDBREAKS == *"$letter"* ]] && breaks+="$letter"
  done
  while [[ -n $rest ]]; do
    if [[ $rest =~ $spaces ]]; then
      ((begun)) && words+=("$typed")
      rest="${rest:${#BASH_REMATCH[0]}}" typed='' kept=0 begun=0
      continue
    fi
    begun=1
    if [[ $rest =~ $plain ]]; then
      chunk="${BASH_REMATCH[0]}"
      rest="${rest:${#chunk}}"
      if [[ -n $breaks && $chunk == *[$breaks]* ]]; then
        letter="${chunk##*[$breaks]}"
        kept=$((${#typed} + ${#chunk} - ${#letter}))
      fi
      typed+="$chunk"
    elif [[ $rest == \\* ]]; then
      typed+="${rest:1:1}"
      rest="${rest:2}"
    elif [[ $rest == \'*\'* ]]; then
      rest="${rest:1}"
      typed+="${rest%%\'*}"
      rest="${rest#*\'}"
    elif [[ $rest =~ $double ]]; then
      chunk="${BASH_REMATCH[1]}"
      rest="${rest:${#BASH_REMATCH[0]}}"
      _abi_within_double "$chunk"
    else
      quote="${rest:0:1}" kept=${#typed}
      chunk="${rest:1}" rest=''
      if [[ $quote == \" ]]; then _abi_within_double "$chunk"; else typed+="$chunk"; fi
    fi
  done
}

# Adds to `typed` what a text within double quotes means.
_abi_within_double() {
  local text="$1" next
  while [[ $text == *\\* ]]; do
    typed+="${text%%\\*}"
    text="${text#*\\}"
    next="${text:0:1}"
    [[ $next == [\"\\\$\`] ]] || typed+='\'
    typed+="$next"
    text="${text:1}"
  done
  typed+="$text"
}

# Offers one value, if it begins with what is typed, ready for the quote that is open.
_abi_offer() {
  local value="$lead$1" quoted
  [[ $value == "$typed"* ]] || return 0
  value="${value:kept}"
  case "$quote" in
    "'") COMPREPLY+=("${value//\'/\'\\\'\'}") ;;
    '"')
      value="${value//\\/\\\\}" value="${value//\"/\\\"}"
      value="${value//\$/\\\$}" value="${value//\`/\\\`}"
      [[ $value == *'!'* ]] || COMPREPLY+=("$value")
      ;;
    *)
      printf -v quoted '%q' "$value"
      [[ -n $value ]] || quoted=''
      [[ $value == *= ]] && COMPREPLY+=("$quoted") || COMPREPLY+=("$quoted ")
      ;;
  esac
}

# Offers what `reply` says: words, files, or values that abi knows.
_abi_offer_reply() {
  local value IFS=$' \t\n'
  case "$reply" in
    '' | -) ;;
    @files)
      compopt -o filenames
      while IFS= read -r value; do
        value="$lead$value"
        COMPREPLY+=("${value:kept}")
      done < <(compgen -f -- "${typed:${#lead}}")
      ;;
    @*)
      local -a ask=("${reply#@}")
      [[ $reply == *+ ]] && ask=("${ask[0]%+}" "--" "$before")
      while IFS= read -r value; do
        _abi_offer "$value"
      done < <("${words[0]/#'~/'/$HOME/}" completions values "${place[@]}" "${ask[@]}" \
        2>/dev/null </dev/null)
      ;;
    *) for value in $reply; do _abi_offer "$value"; done ;;
  esac
}

_abi() {
  local reply='' typed='' quote='' kept=0 path='' previous='' before='' lead='' word
  local arguments=0 index only_arguments=0
  local -a words place=()
  COMPREPLY=()
  ((COMP_POINT <= 4096)) || return 0
  # COMP_WORDS is cut at every colon, and URLs have some.
  _abi_split "${COMP_LINE:0:COMP_POINT}"
  ((${#words[@]})) || return 0

  for ((index = 1; index < ${#words[@]}; index++)); do
    word="${words[index]}"
    if [[ -n $previous ]]; then
      case "$previous" in
        --attach | --config | --data-dir) place+=("$previous" "${word/#'~/'/$HOME/}") ;;
      esac
      previous=''
    elif [[ $only_arguments -eq 0 && $word == -- ]]; then
      only_arguments=1
    elif [[ $only_arguments -eq 0 && $word == --*=* ]]; then
      case "$word" in
        --attach=* | --config=* | --data-dir=*) place+=("${word/='~/'/=$HOME/}") ;;
      esac
    elif [[ $only_arguments -eq 0 && $word == -?* ]]; then
      _abi_values "$path|$word"
      [[ -n $reply ]] && previous="$word"
    else
      if [[ -z $path ]]; then
        _abi_alias "$word"
        [[ -n $reply ]] && word="$reply"
      fi
      _abi_commands "$path"
      [[ $path == 'help '* ]] && _abi_commands "${path#help }"
      if [[ " $reply " == *" $word "* && $arguments -eq 0 ]]; then
        path="${path:+$path }$word"
      else
        ((arguments++))
        before="$word"
      fi
    fi
  done

  if [[ -n $previous ]]; then
    _abi_values "$path|$previous"
  elif [[ $only_arguments -eq 0 && $typed == --*=* ]]; then
    _abi_values "$path|${typed%%=*}"
    lead="${typed%%=*}="
  elif [[ $only_arguments -eq 0 && $typed == -* ]]; then
    _abi_options "$path"
    reply+=' @SHARED@'
  else
    _abi_commands "${path#help }"
    if [[ -z $reply || $arguments -gt 0 ]]; then
      _abi_arguments "$path|$arguments"
    fi
  fi
  _abi_offer_reply
}

complete -o nospace -F _abi abi
