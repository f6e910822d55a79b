# Completion of abi for bash 4 and later; written by: abi completions bash
# Nothing here starts abi but values that only a running engine knows.

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

# Offers those of the given words that begin with what is typed.
_abi_offer() {
  local word
  for word in "$@"; do
    [[ $word == "$typed"* ]] && COMPREPLY+=("$word ")
  done
}

# Offers what `reply` says: words, files, or the names that the running engine knows.
_abi_offer_reply() {
  local value quoted
  case "$reply" in
    -) ;;
    @files)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$typed")
      ;;
    @*)
      while IFS= read -r value; do
        printf -v quoted '%q' "$value"
        [[ $value == "$typed"* || $quoted == "$typed"* ]] && COMPREPLY+=("$quoted ")
      done < <("${1:-abi}" completions values "${reply#@}" 2>/dev/null)
      ;;
    *) local IFS=' '; _abi_offer $reply ;;
  esac
}

_abi() {
  local reply='' line="${COMP_LINE:0:COMP_POINT}" typed='' path='' previous='' word
  local arguments=0 index last
  local -a words
  # COMP_WORDS is cut at every colon, and URLs have some.
  read -ra words <<< "$line"
  last=$((${#words[@]} - 1))
  if [[ $line == *[[:space:]] ]]; then
    last=${#words[@]}
  else
    typed="${words[last]}"
  fi
  typed="${typed#[\'\"]}"
  COMPREPLY=()

  for ((index = 1; index < last; index++)); do
    word="${words[index]}"
    if [[ -n $previous ]]; then previous=''; continue; fi
    if [[ $word == -* ]]; then
      _abi_values "$path|$word"
      [[ -n $reply ]] && previous="$word"
      continue
    fi
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
    fi
  done

  if [[ -n $previous ]]; then
    _abi_values "$path|$previous"
    _abi_offer_reply "${words[0]}"
  elif [[ $typed == -* ]]; then
    _abi_options "$path"
    local IFS=' '
    _abi_offer $reply @SHARED@
  else
    _abi_commands "${path#help }"
    if [[ -n $reply && $arguments -eq 0 ]]; then
      _abi_offer_reply "${words[0]}"
    else
      _abi_arguments "$path|$arguments"
      _abi_offer_reply "${words[0]}"
    fi
  fi

  # readline replaces only what follows the last colon.
  if [[ $typed == *:* && $COMP_WORDBREAKS == *:* ]]; then
    local before="${typed%"${typed##*:}"}"
    COMPREPLY=("${COMPREPLY[@]#"$before"}")
  fi
}

complete -o nospace -F _abi abi
