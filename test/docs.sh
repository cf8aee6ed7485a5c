#!/bin/bash
# Holds the pages to the code: links lead somewhere, what they name exists, and what exists is named.
#
#   test/docs.sh [folder]    checks that folder instead of the tree this file lies in
#
# One line "ok - promise" or "not ok - promise" for each promise, before it every offender.
# shellcheck disable=SC2016 # backquotes of Markdown
set -uo pipefail
# shellcheck source=test/promise.sh
. "$(dirname "$0")/promise.sh"
export LC_ALL=C.UTF-8
cd "${1:-$(dirname "$0")/..}" || exit 2

pages=(README.md CONTRIBUTING.md docs/*.md)

# missing KNOWN TEXT: lines "page: name" whose name is not a line of the file KNOWN. TEXT says what they are.
missing() {
    awk -v what="$2" 'NR == FNR { known[$0]; next } !($2 in known) { print $0 ": " what }' "$1" - | sort -u
}

# named PATTERN: every match in the pages, as "page: match".
named() { grep -oHE "$1" "${pages[@]}" | sed 's/:/: /'; }

# --- what there is

settings_in() {
    grep -oE '^ +\{"[a-z_0-9]+", "' src/postgres/settings.cpp | grep -oE '[a-z_][a-z_0-9]*'
    tr -d '\n ' <src/postgres/settings.cpp | grep -oE 'Variable\("instagram_insights\.[a-z_0-9]+' | sed 's/.*\.//'
}
settings_in | sort -u >"$scratch/settings"
grep -ohE '^CREATE (OR REPLACE )?(FUNCTION|TYPE) [a-z_]+' schema/*.sql | grep -oE '[a-z_]+$' |
    sort -u >"$scratch/functions"
grep -ohE '^CREATE (TABLE|VIEW|SEQUENCE) [a-z_0-9]+' schema/*.sql | awk '{ print $3 }' |
    sort -u >"$scratch/relations"
# A COMMENT that begins with "Internal:" says that nobody calls it by hand.
cat schema/*.sql | tr -s '\n ' ' ' | grep -oE "COMMENT ON FUNCTION [a-z_]+\([^)]*\) IS '.{9}" |
    grep -v "'Internal:" | sed 's/^COMMENT ON FUNCTION //; s/(.*//' | sort -u >"$scratch/public"

{
    [ "$(wc -l <"$scratch/settings")" -ge 20 ] || echo 'src/postgres/settings.cpp: fewer than 20 settings found'
    [ "$(wc -l <"$scratch/functions")" -ge 20 ] || echo 'schema: fewer than 20 functions found'
    [ "$(wc -l <"$scratch/public")" -ge 15 ] || echo 'schema: fewer than 15 functions for people found'
    [ "$(wc -l <"$scratch/relations")" -ge 15 ] || echo 'schema: fewer than 15 tables and views found'
} | promise 'settings, functions, tables and views are found in the code'

# --- links

# The anchors of a page, as GitHub makes them of its headings.
anchors_of() {
    awk '/^```/ { code = !code } !code && /^#+ / { sub(/^#+ /, ""); print tolower($0) }' "$1" |
        sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}
for page in "${pages[@]}"; do
    awk '/^```/ { code = !code } !code' "$page" | grep -oE '\]\([^)]+\)' | sed 's/^](//; s/)$//' |
        while IFS= read -r link; do
            case $link in
            http://* | https://*) continue ;;
            esac
            file=${link%%#*}
            target=$page
            [ -z "$file" ] || target=$(dirname "$page")/$file
            if [ ! -e "$target" ]; then
                echo "$page: $link: no such file"
            elif [[ $link == *'#'* ]] && ! anchors_of "$target" | grep -qxF "${link#*#}"; then
                echo "$page: $link: no such heading"
            fi
        done
done | promise 'every link leads to a file and heading that exists'

grep -oHE '`(src|schema|test|script|docs|sql|expected|bench|\.ci)/[A-Za-z0-9_./]*`' "${pages[@]}" | tr -d '`' |
    while IFS=: read -r page path; do
        [ -e "$path" ] || echo "$page: $path: no such file"
    done | promise 'every path that is named exists'

# "script/test --only PART NAME...", in text and in blocks: each name begins one of that part's tests.
declare -A folder_of=([regress]='sql/*.sql' [isolation]='test/isolation/specs/*.spec' [pgtap]='test/pgtap/*.sql'
    [cluster]='test/cluster/*.pl')
named 'script/test --only [a-z]+( [0-9a-z_]+)*' | while read -r page _ _ part names; do
    for name in $names; do
        compgen -G "${folder_of[$part]:-none}" | grep -qE "/${name}[^/]*$" || echo "${page%:} $part $name: no such test"
    done
done | promise 'every test that is named to be run exists'

# --- names in the pages

# Names after the schema's: settings, tables, views, functions and types; and files named after the extension.
{ cat "$scratch/settings" "$scratch/functions" "$scratch/relations" && printf '%s\n' control key so; } |
    sed 's/^/instagram_insights./' | sort -u >"$scratch/qualified"
named 'instagram_insights\.[a-z_0-9]+' | missing "$scratch/qualified" 'no such setting, table, view or function' |
    promise 'everything that is named in schema or settings instagram_insights exists'

# Names of Meta's that look like ours.
{ cat "$scratch/functions" && printf '%s\n' ig_exchange_token ig_refresh_token; } >"$scratch/ig"
named '\big_[a-z_]+' | missing "$scratch/ig" 'no such function or type' |
    promise 'every function that is named exists'

named '([Vv]iew|[Tt]able) `[a-z_0-9]+`' | sed -E 's/: .*`([a-z_0-9]+)`/: \1/' |
    missing "$scratch/relations" 'no such table or view' | promise 'every table and view that is named exists'

# The first column of the tables under a heading "Settings", to the next heading.
awk 'FNR == 1 { on = 0 } /^#/ { on = /Settings/ }
     on && /^\| `/ { split($0, column, "|"); n = split(column[2], name, "`")
                    for (i = 2; i <= n; i += 2) print FILENAME ": " name[i] }' \
    "${pages[@]}" | tee "$scratch/listed" | missing "$scratch/settings" 'no such setting' |
    promise 'every setting that is listed exists'

# --- and the other way round

while IFS= read -r setting; do
    for page in README.md docs/reference.md; do
        grep -qxF "$page: $setting" "$scratch/listed" || echo "$setting is not listed in $page"
    done
done <"$scratch/settings" | promise 'every setting is listed in README.md and docs/reference.md'

# Building blocks of policies are explained where policies are.
blocks='ig_target_user ig_is_admin ig_only_account'
while IFS= read -r function; do
    where=(README.md docs/reference.md)
    [[ " $blocks " != *" $function "* ]] || where=(docs/security.md)
    grep -qwF "$function" "${where[@]}" || echo "$function is not named in ${where[*]}"
done <"$scratch/public" | promise 'every function for people is in the reference, blocks of policies in docs/security.md'

grep -oE '"[0-9A-Z]{5}"' src/postgres/errors.hpp | tr -d '"' | sort -u | while IFS= read -r state; do
    grep -qE "^\| *$state *\|" docs/reference.md || echo "SQLSTATE $state is not explained in docs/reference.md"
done | promise 'every SQLSTATE is explained'

grep -oE 'return "[a-z_]+"' src/platform/failure.cpp | grep -oE '[a-z_]+"' | tr -d '"' | sort -u |
    while IFS= read -r kind; do
        for page in docs/connect.md docs/reference.md; do
            grep -qF "\`$kind\`" "$page" || echo "kind $kind is not explained in $page"
        done
    done | promise 'every kind of failure is explained'

# Quoted with a space inside; three dots stand for what differs. The words in italics are the API's own.
awk '/^## / { on = /When it does not work/ } on && /^\|/' docs/connect.md | grep -oE '`[^`]+`' | tr -d '`' |
    grep -F ' ' | grep -vE '^(GRANT|UPDATE|SET|permission denied for schema) ' |
    sed 's/\.\.\./\n/g' | sed 's/^ *//; s/[ ;(")]*$//' | grep -E '.{6}' | while IFS= read -r words; do
        grep -rqF --include='*.cpp' -- "$words" src || echo "docs/connect.md: \"$words\": no such message"
    done | promise 'every message that is quoted is one of ours'

grep -ohE "SELECT '[a-z_ ]+',( |$)" schema/88_budgets.sql schema/8?_doctor*.sql | cut -d"'" -f2 | sort -u | while IFS= read -r check; do
    grep -qF "| \`$check\` |" docs/operations.md || echo "check $check of ig_doctor() is not in docs/operations.md"
done | promise 'every check of ig_doctor() is in the runbook'

# What is not ok has a row of its own, where the code says check and status side by side.
grep -ohE "SELECT '[a-z_ ]+', '(warn|fail)'" schema/8?_doctor*.sql | sort -u | while IFS="'" read -r _ check _ status _; do
    grep -qF "| \`$check\` | $status |" docs/operations.md ||
        echo "check $check with status $status is not in docs/operations.md"
done | promise 'every warning and failure of ig_doctor() is in the runbook'

# states COLUMN FILE: the words that the column's CHECK allows.
states() {
    tr '\n' ' ' <"$2" | grep -oE "\b$1 text[^,]*CHECK \($1 = ANY \(ARRAY\[[^]]*\]" | grep -oE "'[a-z_]+'" |
        tr -d "'" | sort -u
}
{ states state schema/60_queue.sql && states status schema/40_accounts.sql && printf '%s\n' expiring throttled; } |
    while IFS= read -r state; do
        grep -qE "^\| \`$state\` \|" docs/operations.md || echo "state $state is not in docs/operations.md"
    done | promise 'every state of a job and of an account is in the runbook'

# Lines of the server's log, up to the first thing that differs.
grep -rohE '(ereport\((LOG|WARNING)|elog\(DEBUG1).*"instagram_insights[^%"]*' src | sed 's/.*"//; s/ *$//' | sort -u |
    while IFS= read -r words; do
        grep -qF "$words" docs/operations.md || echo "log line \"$words\" is not in docs/operations.md"
    done | promise 'every line that is written to the log is in the runbook'

end_of_promises docs
