# Completion of abi for fish 3.1 and later; written by: abi completions fish
# Nothing here starts abi but values that only abi knows.

function __abi_alias
    switch "$argv[1]"
@ALIASES@
    end
end

function __abi_commands
    switch "$argv[1]"
@COMMANDS@
    end
end

function __abi_descriptions
    switch "$argv[1]"
@DESCRIPTIONS@
    end
end

function __abi_flags
    switch "$argv[1]"
@FLAGS@
    end
end

function __abi_shared_flags
    printf '%s\t%s\n' -h 'Show help and leave.' --help 'Show help and leave.'
    switch ''
@SHARED_FLAGS@
    end
end

function __abi_values
    switch "$argv[1]"
@VALUES@
    end
end

function __abi_arguments
    switch "$argv[1]"
@ARGUMENTS@
    end
end

# Prints what a reply says, each with `$lead` in front: words, files, or values that abi knows.
# The arguments: the reply, the argument before, where the engine is.
function __abi_offer -S
    set -l kind (string replace -r '^@' '' -- "$argv[1]")
    switch "$argv[1]"
        case '' -
            return
        case '@files'
            __fish_complete_path (string replace -- "$lead" '' (commandline -ct)) | string replace -r '^' -- "$lead"
        case '@*+'
            abi completions values $place (string trim -r -c + -- $kind) -- "$before" 2>/dev/null </dev/null
        case '@*'
            abi completions values $place $kind 2>/dev/null </dev/null | string replace -r '^' -- "$lead"
        case '*'
            string split ' ' -- $argv[1] | string replace -r '^' -- "$lead"
    end
end

function __abi_complete
    set -l typed (commandline -ct)
    set -l path ''
    set -l previous ''
    set -l before ''
    set -l lead ''
    set -l place
    set -l arguments 0
    set -l only_arguments 0
    set -l words (commandline -opc)
    for word in $words[2..-1]
        if test -n "$previous"
            if contains -- $previous --attach --config --data-dir
                set -a place $previous (string replace -r '^~/' "$HOME/" -- $word)
            end
            set previous ''
        else if test $only_arguments -eq 0; and test "$word" = --
            set only_arguments 1
        else if test $only_arguments -eq 0; and string match -q -- '--*=*' $word
            if string match -qr -- '^--(attach|config|data-dir)=' $word
                set -a place (string replace -- '=~/' "=$HOME/" $word)
            end
        else if test $only_arguments -eq 0; and string match -q -- '-?*' $word
            if test -n "$(__abi_values "$path|$word")"
                set previous $word
            end
        else
            if test -z "$path"
                set -l meant (__abi_alias $word)
                test -n "$meant"; and set word $meant
            end
            set -l known (__abi_commands (string replace -r '^help ' '' -- $path) | string split ' ')
            if test $arguments -eq 0; and contains -- $word $known
                set path (string trim -- "$path $word")
            else
                set arguments (math $arguments + 1)
                set before $word
            end
        end
    end

    if test -n "$previous"
        __abi_offer (__abi_values "$path|$previous")
    else if test $only_arguments -eq 0; and string match -q -- '--*=*' $typed
        set lead (string replace -r '=.*' '=' -- $typed)
        __abi_offer (__abi_values "$path|"(string replace -r '=.*' '' -- $typed))
    else if test $only_arguments -eq 0; and string match -q -- '-*' $typed
        __abi_flags $path
        __abi_shared_flags
    else
        set -l below (string replace -r '^help ' '' -- $path)
        set -l known (__abi_commands "$below")
        if test -z "$known" -o $arguments -gt 0
            __abi_offer (__abi_arguments "$path|$arguments")
        else if test "$path" = help
            __abi_offer $known
        else
            __abi_descriptions "$below"
        end
    end
end

complete -c abi -e
complete -c abi -f -a '(__abi_complete)'
