#!/bin/bash
# Proves that each rule of layout.sh can fail: plants one offence in a small good tree and looks for the complaint.
set -uo pipefail
layout=$(cd "$(dirname "$0")" && pwd)/layout.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
bad=0

good_tree() {
    rm -rf "${tree:?}"/*
    mkdir -p "$tree"/src/{http,platform/instagram,postgres,sync,vault} "$tree/schema" "$tree/script"
    printf '%s\n' '// Reads.' '#include <string>' '#include "platform/a.hpp"' 'int assertion();' \
        '// the exit(0) of a comment, and time(0)' 'const char *text = "abort() exit(1) ::now()";' \
        'int x = run_time(1); int y = a.time(2);' >"$tree/src/platform/a.cpp"
    printf '%s\n' '// Says.' '#pragma once' >"$tree/src/platform/a.hpp"
    printf '%s\n' '// Lives.' '#include "postgres.h"' 'proc_exit(0);' >"$tree/src/postgres/a.cpp"
    printf '%s\n' '-- Holds.' 'SELECT 1;' >"$tree/schema/a.sql"
    printf '%s\n' '#!/bin/sh' '# Runs.' 'exit 0' >"$tree/script/a"
}

tell() {
    if [ "$1" = 0 ]; then
        echo "ok - $2"
    else
        echo "not ok - $2"
        bad=1
    fi
}

# offence RULE FILE LINE TEXT...: the file with these lines breaks the rule, and the complaint names file and line.
offence() {
    local name=$1 file=$2 line=$3 out
    shift 3
    good_tree
    mkdir -p "$(dirname "$tree/$file")"
    printf '%s\n' "$@" >"$tree/$file"
    out=$("$BASH" "$layout" "$tree")
    [ $? = 1 ] && [ "$(grep '^not ok' <<<"$out" | grep -c "$name")" = 1 ] && [ "$(grep -c '^not ok' <<<"$out")" = 1 ] &&
        grep -qE "^$file(:$line:|\$)" <<<"$out" && grep -q ', 1 problems$' <<<"$out"
    tell $? "noticed: $name ($file: ${*: -1})"
}

good_tree
"$BASH" "$layout" "$tree" | grep -q '^layout: [1-9][0-9]* promises, 0 problems$'
tell $? 'a good tree has no problem'

many() { yes "$1" | head -n "$2"; }
mapfile -t long_file < <(many 'int x();' 300)
mapfile -t long_function < <(many '    x();' 61)

offence 'platform includes' src/platform/b.cpp 2 '// B.' '#include "http/client.hpp"'
offence 'platform includes' src/platform/instagram/b.cpp 2 '// B.' '#include <curl/curl.h>'
offence 'platform includes' src/platform/b.cpp 2 '// B.' '#include <unistd.h>'
offence 'platform includes' src/platform/b.cpp 2 '// B.' '#include "postgres.h"'
offence 'platform includes' src/platform/b.cpp 2 '// B.' '#  include  "sync/plan.hpp" // why'
offence 'sync includes' src/sync/b.cpp 2 '// B.' '#include <sodium.h>'
offence 'sync includes' src/sync/b.cpp 2 '// B.' '#include <sys/socket.h>'
offence 'sync includes' src/sync/b.cpp 2 '// B.' '#include "vault/vault.hpp"'
offence 'http includes' src/http/b.cpp 2 '// B.' '#include "platform/a.hpp"'
offence 'http includes' src/http/b.cpp 2 '// B.' '#include "fmgr.h"'
offence 'vault includes' src/vault/b.cpp 2 '// B.' '#include "http/message.hpp"'
offence 'vault includes' src/vault/b.cpp 2 '// B.' '#include <utils/elog.h>'
offence 'nobody includes' src/postgres/b.cpp 2 '// B.' '#include <thread>'
offence 'nobody includes' src/postgres/b.cpp 2 '// B.' '#include "../sync/plan.hpp"'
offence 'five layers' src/common/b.cpp 1 '// B.'
offence 'where the Makefile looks' src/b.cpp 1 '// B.'
offence 'read no clock' src/sync/b.cpp 2 '// B.' 'auto t = std::chrono::system_clock::now();'
offence 'read no clock' src/sync/b.cpp 2 '// B.' 'auto t = std::time(nullptr);'
offence 'read no clock' src/platform/b.cpp 2 '// B.' 'long t = time(nullptr);'
offence 'read no clock' src/platform/b.cpp 2 '// B.' 'clock_gettime(CLOCK_REALTIME, &t);'
offence 'no thread' src/http/b.cpp 2 '// B.' 'std::thread t;'
offence 'no thread' src/postgres/b.cpp 2 '// B.' 'std::cerr << 1;'
offence 'ends the process' src/postgres/b.cpp 2 '// B.' 'assert(x);'
offence 'ends the process' src/vault/b.cpp 3 '// B.' '/* a' 'b */ std::abort();'
offence 'ends the process' src/postgres/b.cpp 2 '// B.' '    if (x) exit(1);'
offence 'sleeps' src/postgres/b.cpp 2 '// B.' 'pg_usleep(1000);'
offence 'opens with a comment' src/sync/b.cpp 1 'int x;'
offence 'opens with a comment' schema/b.sql 1 'SELECT 1;'
offence 'opens with a comment' script/b 2 '#!/bin/sh' 'exit 0'
offence 'opens with a comment' script/b.sh 1 'exit 0'
offence 'more than 300 lines' src/sync/b.cpp 301 '// B.' "${long_file[@]}"
offence 'more than 60 lines' src/sync/b.cpp 3 '// B.' 'void f()' '{' "${long_function[@]}" '}'
update() { # update LINE...: an update script around these lines
    # shellcheck disable=SC2016,SC2028 # what the script holds, to the letter
    printf '%s\n' '-- Updates.' "\\echo Use \"ALTER EXTENSION a UPDATE TO '1.1'\" to load this file. \\quit" \
        'SELECT ARRAY[1, 1] FROM ig_process_state();' "$@" 'SELECT ig_wake_worker();'
}
script=schema/updates/instagram_insights--1.0--1.1.sql
offending_update() { # offending_update RULE LINE TEXT...: an update script with these lines breaks the rule
    local name=$1 line=$2 lines
    shift 2
    mapfile -t lines < <(update "$@")
    offence "$name" "$script" "$line" "${lines[@]}"
}
offending_update 'one EXECUTE a statement' 4 'ALTER TABLE insights ADD COLUMN IF NOT EXISTS x integer;'
offending_update 'one EXECUTE a statement' 4 'DROP TRIGGER late_insert ON insights;'
offending_update 'one EXECUTE a statement' 6 'DO body' 'BEGIN' "    EXECUTE 'ALTER TABLE insights" "        ADD COLUMN x integer';" 'END body;'
offending_update 'one EXECUTE a statement' 5 'DO body BEGIN' "    EXECUTE 'CREATE INDEX IF NOT EXISTS a ON b (c); ANALYZE b';" 'END body;'
offending_update 'one EXECUTE a statement' 5 'DO body BEGIN' "    EXECUTE 'DROP POLICY p ON b';" 'END body;'
mapfile -t lines < <(update 'SELECT 1;')
offence 'starts the next worker last' "$script" 4 "${lines[@]:0:4}"
offence 'starts the next worker last' "$script" 2 "${lines[0]}" "${lines[@]:2}"
offence 'starts the next worker last' "$script" 1 "${lines[@]:0:2}" "${lines[@]:3}"
offence 'starts the next worker last' schema/updates/instagram_insights--1.1.sql 1 "${lines[@]}"

offence 'included once' src/sync/b.hpp 1 '// B.'
offence 'left open' src/sync/b.cpp 2 '// B.' "// TO""DO"

exit "$bad"
