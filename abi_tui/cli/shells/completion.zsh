#compdef abi
# Completion of abi for zsh; written by: abi completions zsh
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

_abi_descriptions() {
  reply=''
  case "$1" in
@DESCRIPTIONS@
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

# Offers what `reply` says: words, files, or values that abi knows.
_abi_offer_reply() {
  local -a ask values
  case "$reply" in
    ''|-) ;;
    @files) _files ;;
    @*)
      ask=("${reply#@}")
      [[ $reply == *+ ]] && ask=("${ask[1]%+}" -- "$before")
      values=(${(f)"$(abi completions values $place $ask 2>/dev/null </dev/null)"})
      compadd -- ${values:#*=}
      compadd -S '' -- ${(M)values:#*=}
      ;;
    *) compadd -- ${=reply} ;;
  esac
}

_abi() {
  local reply='' walked='' previous='' before='' word
  local -i arguments=0 only_arguments=0 index
  local -a described place
  for ((index = 2; index < CURRENT; index++)); do
    word="${(Q)words[index]}"
    if [[ -n $previous ]]; then
      case "$previous" in
        --attach|--config|--data-dir) place+=("$previous" "${word/#\~\//$HOME/}") ;;
      esac
      previous=''
    elif (( ! only_arguments )) && [[ $word == -- ]]; then
      only_arguments=1
    elif (( ! only_arguments )) && [[ $word == --*=* ]]; then
      case "$word" in
        --attach=*|--config=*|--data-dir=*) place+=("${word/=\~\//=$HOME/}") ;;
      esac
    elif (( ! only_arguments )) && [[ $word == -?* ]]; then
      _abi_values "$walked|$word"
      [[ -n $reply ]] && previous="$word"
    else
      if [[ -z $walked ]]; then
        _abi_alias "$word"
        [[ -n $reply ]] && word="$reply"
      fi
      _abi_commands "$walked"
      [[ $walked == 'help '* ]] && _abi_commands "${walked#help }"
      if [[ " $reply " == *" $word "* && $arguments -eq 0 ]]; then
        walked="${walked:+$walked }$word"
      else
        ((arguments++))
        before="$word"
      fi
    fi
  done

  if [[ -n $previous ]]; then
    _abi_values "$walked|$previous"
    _abi_offer_reply
  elif (( ! only_arguments )) && [[ $words[CURRENT] == --*=* ]]; then
    _abi_values "$walked|${words[CURRENT]%%=*}"
    compset -P '--*='
    _abi_offer_reply
  elif (( ! only_arguments )) && [[ $words[CURRENT] == -* ]]; then
    _abi_options "$walked"
    compadd -- ${=reply} @SHARED@
  else
    _abi_descriptions "${walked#help }"
    if [[ -n $reply && $arguments -eq 0 && $walked != help ]]; then
      described=("${(@Q)${(z)reply}}")
      _describe command described
      return
    fi
    _abi_commands "${walked#help }"
    if [[ -z $reply || $arguments -gt 0 ]]; then
      _abi_arguments "$walked|$arguments"
    fi
    _abi_offer_reply
  fi
}

if [[ $funcstack[1] == _abi ]]; then
  _abi "$@"
else
  compdef _abi abi
fi
