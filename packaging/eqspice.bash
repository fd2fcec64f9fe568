# bash completion for eqspice: commands, options, solvers, experiments and files, asked of the program itself.

_eqspice_commands() {
    "$1" --help 2>/dev/null | sed -n 's/^  \([a-z]*\)  *.*/\1/p'
}

_eqspice_listed() { # names that `eqspice list WHAT` prints
    "$1" list "$2" 2>/dev/null | sed -n 's/^  \([^ ]*\).*/\1/p'
}

_eqspice() {
    local program=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]}
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_eqspice_commands "$program") --help --version" -- "$current")
        return
    fi
    case $previous in
    --solver) mapfile -t COMPREPLY < <(compgen -W "$(_eqspice_listed "$program" solvers)" -- "$current"); return ;;
    --phase) mapfile -t COMPREPLY < <(compgen -W "free nudged nudged+ nudged-" -- "$current"); return ;;
    --analysis) mapfile -t COMPREPLY < <(compgen -W "op tran" -- "$current"); return ;;
    --dialect) mapfile -t COMPREPLY < <(compgen -W "ngspice xyce ltspice" -- "$current"); return ;;
    --set)
        mapfile -t COMPREPLY < <(compgen -S = -W "$("$program" config --reference 2>/dev/null |
            awk -F'`' '/^## / {section = NF > 1 ? $2 "." : ""} /^\| `/ {print section $2}')" -- "$current")
        compopt -o nospace 2>/dev/null
        return ;;
    esac
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$("$program" "$command" --help 2>/dev/null |
            grep -o -- '--[a-z][a-z-]*' | sort -u)" -- "$current")
        return
    fi
    local names=
    case $command in
    list) names=$("$program" list --help 2>/dev/null | sed -n 's/.*\[\([a-z|]*\)\]$/\1/p' | tr '|' ' ') ;;
    train | relax | export | simulate | gradcheck | study | config) names=$(_eqspice_listed "$program" experiments) ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$names" -- "$current"; compgen -f -- "$current")
    compopt -o filenames 2>/dev/null
}

complete -F _eqspice eqspice
