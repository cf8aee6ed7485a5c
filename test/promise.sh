# shellcheck shell=bash
# What the checks that only read share: promises on standard output, each after those who break it.
#
# Sourced. Whoever pipes into promise needs lastpipe, so that it counts in this shell.
shopt -s lastpipe
problems=0
promises=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# promise TEXT: the offenders come on standard input, one a line; "ok - TEXT" if there are none, else "not ok - TEXT".
promise() {
    local found
    found=$(cat)
    promises=$((promises + 1))
    if [ -z "$found" ]; then
        echo "ok - $1"
    else
        printf '%s\n' "$found"
        problems=$((problems + $(wc -l <<<"$found")))
        echo "not ok - $1"
    fi
}

# end_of_promises NAME: the last line, and whether all were kept.
end_of_promises() {
    echo "$1: $promises promises, $problems problems"
    [ "$problems" = 0 ]
}
