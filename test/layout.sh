#!/bin/bash
# Holds the sources to the layers of the design: who may include whom, what no layer may do, and the shape of files.
#
#   test/layout.sh [folder]    checks that folder instead of the tree this file lies in
#
# One line "ok - promise" or "not ok - promise" for each rule, before it every offending file:line.
# shellcheck disable=SC2016 # awk programs
set -uo pipefail
# shellcheck source=test/promise.sh
. "$(dirname "$0")/promise.sh"
export LC_ALL=C.UTF-8
cd "${1:-$(dirname "$0")/..}" || exit 2

files_in() {
    local folder
    for folder in "$@"; do
        [ ! -e "$folder" ] || find "$folder" -type f ! -path '*/.git/*'
    done | sort
}
cpp_in() { files_in "$@" | grep -E '\.(cpp|hpp)$'; }

# Includes as "file:line:<name>" or "file:line:"name"", and code as "file:line:text" without comments and strings.
cpp_in src | xargs -r -d '\n' awk '
    match($0, /^[ \t]*#[ \t]*include[ \t]*[<"][^>"]*[>"]/) {
        name = $0; sub(/^[ \t]*#[ \t]*include[ \t]*/, "", name); sub(/[>"][^>"]*$/, "", name)
        print FILENAME ":" FNR ":" name (substr(name, 1, 1) == "<" ? ">" : "\"") }' >"$scratch/includes"
cpp_in src | xargs -r -d '\n' awk '
    FNR == 1 { in_comment = 0 }
    { line = $0; code = ""
      while (line != "") {
          if (in_comment) {
              end = index(line, "*/")
              if (!end) break
              line = substr(line, end + 2); in_comment = 0; continue }
          if (match(line, /^"([^"\\]|\\.)*"/) || match(line, /^\047([^\047\\]|\\.)+\047/)) {
              code = code "\"\""; line = substr(line, RLENGTH + 1); continue }
          if (substr(line, 1, 2) == "//") break
          if (substr(line, 1, 2) == "/*") { in_comment = 1; line = substr(line, 3); continue }
          code = code substr(line, 1, 1); line = substr(line, 2) }
      if (code !~ /^[ \t]*$/) print FILENAME ":" FNR ":" code }' >"$scratch/code"

# includes_outside LAYER ALLOWED: what the layer includes beyond its own headers and the pattern.
includes_outside() {
    grep "^src/$1/" "$scratch/includes" | grep -vE "^[^:]*:[0-9]+:(\"$1/[^\"]*\"|$2)\$"
}
standard='<[a-z_0-9]+>'
shared='"(http/message|vault/secret|vault/hmac)\.hpp"'
system='<(sys|netinet|arpa|net)/[a-z_0-9]+\.h>|<(unistd|fcntl|errno|poll|signal|pthread|netdb|string|strings|time)\.h>'

includes_outside platform "$standard|$shared|<rapidjson/[^>]*>" |
    promise 'platform includes only std, RapidJSON and the shared values'
includes_outside sync "$standard|$shared|\"platform/[^\"]*\"" |
    promise 'sync includes only std, platform and the shared values'
includes_outside http "$standard|$system|<curl/[^>]*>|\"vault/(secret|hmac)\.hpp\"" |
    promise 'http includes only std, the system, libcurl and Secret'
includes_outside vault "$standard|$system|<sodium[^>]*>" |
    promise 'vault includes only std, the system and libsodium'
grep -E ':"(\.|test/|/)|:<(thread|regex|iostream|filesystem|future|ranges|format|locale|cassert|assert\.h)>$' \
    "$scratch/includes" | promise 'nobody includes threads, regex, iostream, filesystem, assert or a relative path'

cpp_in src | grep '^src/[^/]*/' | grep -vE '^src/(http|platform|postgres|sync|vault)/' |
    promise 'src holds the five layers and no other folder'
find src \( -name '*.cpp' -o -name '*.hpp' \) 2>/dev/null | grep -vE '^src/[^/]+/([^/]+/)?[^/]+$' |
    promise 'every source lies where the Makefile looks: src/LAYER or one folder below'

before='(^[^:]*:[0-9]+:|[^A-Za-z0-9_.>:]|std::|[^A-Za-z0-9_]::)'
grep -E '^src/(platform|sync)/' "$scratch/code" |
    grep -E "::now *\(|${before}time *\(|gettimeofday|clock_gettime|localtime|gmtime|mktime" |
    promise 'platform and sync read no clock'
grep -E 'std::(thread|jthread|async|mutex|regex|locale|cout|cerr|clog|filesystem)' "$scratch/code" |
    promise 'no thread, regex, locale, stream or filesystem in src'
grep -E "${before}(assert|abort|exit|_exit|quick_exit|terminate) *\(" "$scratch/code" |
    promise 'nothing in src ends the process: no assert, abort, exit, terminate'
grep -E "${before}(sleep|usleep|nanosleep|pg_usleep|system|popen|signal|sleep_for|sleep_until) *\(" "$scratch/code" |
    promise 'nothing in src sleeps, starts a shell or replaces a signal handler'

own() { files_in .ci bench docs schema script sql src test; ls Makefile CMakeLists.txt 2>/dev/null; }
program() { own | grep -vE '/(expected|fixtures|corpus|golden|vendor)/' | grep -E "$1"; }
scripts() { own | xargs -r -d '\n' grep -lE '^#!.*[/ ](ba)?sh( |$)|^# shellcheck shell=' | grep -vE '\.md$' | sort; }

{
    program '\.(cpp|hpp)$' | xargs -r -d '\n' awk 'FNR == 1 && !/^\/\/ .*[A-Za-z]/ { print FILENAME ":1:" $0 }'
    program '\.sql$' | xargs -r -d '\n' awk 'FNR == 1 && !/^-- .*[A-Za-z]/ { print FILENAME ":1:" $0 }'
    { program '(\.(sh|pl|pm|spec|py)|Makefile|CMakeLists\.txt)$'; scripts; } | sort -u | xargs -r -d '\n' awk '
        FNR == 1 && /^#!/ { shebang = 1; next }
        FNR == 1 + shebang { if (!/^# .*[A-Za-z]/) print FILENAME ":" FNR ":" $0; shebang = 0 }'
    own | while IFS= read -r file; do
        case $file in
        *.cpp | *.hpp | *.sql | *.sh | *.pl | *.pm | *.spec) [ -s "$file" ] || echo "$file:1: is empty" ;;
        esac
    done
} | promise 'every file opens with a comment that says what it is for'

reason='(//|--|#).*([Ll]ong|300|60 lines|one file|one place|one table|not split)'
{ program '\.(cpp|hpp|sql|sh|pl|pm|py)$'; scripts; } | sort -u | while IFS= read -r file; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 300 ] || head -n 10 "$file" | grep -qE "$reason" ||
        echo "$file:$lines: more than 300 lines, no reason given"
done | promise 'a file of more than 300 lines gives the reason in its first 10 lines'

program '\.(cpp|hpp)$' | while IFS= read -r file; do
    head -n 10 "$file" | grep -qE "$reason" || awk '
        /^\{$/ { from = FNR }
        /^\}$/ && from { if (FNR - from - 1 > 60) print FILENAME ":" from ": a function of " FNR - from - 1 " lines"
                         from = 0 }' "$file"
done | promise 'a function of more than 60 lines has its reason at the top of the file'

# Update scripts (schema/updates/README.md). A statement that is executed is looked at whole, up to its semicolon.
files_in schema/updates | grep -E '\.sql$' | while IFS= read -r file; do
    version=$(sed -nE 's/^.*instagram_insights--[0-9.]+--([0-9]+\.[0-9]+)\.sql$/\1/p' <<<"$file")
    if [ -z "$version" ]; then
        echo "$file:1: is not named after two versions"
        continue
    fi
    sed -n 2p "$file" | grep -qE "^.echo Use .*UPDATE TO '$version'.* .quit$" || echo "$file:2: has no guard against psql"
    if ! grep -qF "ARRAY[${version/./, }]" "$file" || ! grep -qF 'ig_process_state()' "$file"; then
        echo "$file:1: does not look at the version of the library"
    fi
    [ "$(grep -vE '^(--.*)?$' "$file" | tail -n 1)" = 'SELECT ig_wake_worker();' ] ||
        echo "$file:$(wc -l <"$file"): does not end with SELECT ig_wake_worker();"
done | promise 'an update script is guarded, looks at the library first, and starts the next worker last'
files_in schema/updates | grep -E '\.sql$' | xargs -r -d '\n' awk '
    function complain() { print FILENAME ":" from ":" statement }
    FNR == 1 { from = 0 }
    { line = $0; sub(/^[ \t]*--.*/, "", line) }
    line ~ /^(ALTER TABLE|(CREATE|CREATE UNIQUE|DROP|ALTER) (INDEX|TRIGGER|POLICY)|DROP TABLE)/ {
        from = FNR; statement = line; complain(); from = 0 }
    line ~ /^[ \t]+EXECUTE / { from = FNR; statement = "" }
    from { statement = statement " " line }
    from && line ~ /;[ \t]*$/ {
        sub(/;[ \t]*$/, "", statement)
        if (statement ~ /;/ ||
            statement ~ /(ADD COLUMN|CREATE (UNIQUE )?INDEX|CREATE TABLE) / && statement !~ / IF NOT EXISTS / ||
            statement ~ /DROP (TABLE|COLUMN|CONSTRAINT|INDEX|TRIGGER|POLICY) / && statement !~ / IF EXISTS /) complain()
        from = 0 }' | promise 'an update script changes tables one EXECUTE a statement, each fit to be run twice'

program '\.hpp$' | xargs -r -d '\n' grep -LE '^#pragma once$' | promise 'every header is included once'
program '.' | xargs -r -d '\n' grep -nHE 'T[O]DO|F[I]XME|not (yet )?i[m]plemented' | promise 'nothing is left open'

end_of_promises layout
