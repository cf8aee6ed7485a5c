#!/bin/bash
# Holds the C++ to .clang-format and .clang-tidy: one line "ok - promise" or "not ok - promise", before it the offenders.
#
#   test/style.sh [--fix]    --fix writes every file as clang-format would, and checks nothing
#
# Both programs of version 14 (Debian 12): each version formats a little otherwise. JOBS says how many run at a time.
set -uo pipefail
# shellcheck source=test/promise.sh
. "$(dirname "$0")/promise.sh"
cd "$(dirname "$0")/.." || exit 2

sources() { find src bench test \( -name '*.cpp' -o -name '*.hpp' \) -type f -print0 | sort -z; }

if [ "${1:-}" = --fix ]; then
    sources | xargs -0 clang-format-14 -i
    exit
fi
for program in clang-format-14 clang-tidy-14; do
    command -v "$program" >/dev/null || {
        echo "not ok - $program is not installed: script/bootstrap does that on Debian 12"
        exit 1
    }
done
jobs=${JOBS:-$(nproc)}
sources | xargs -0 -P "$jobs" -n 20 clang-format-14 --dry-run --Werror 2>&1 | promise 'every C++ file is as clang-format writes it'

# The server's headers as the system's: what is in them is not ours to mend.
read -r -a flags <<<"-std=c++20 -Isrc -isystem $("${PG_CONFIG:-pg_config}" --includedir-server) \
    $(pkg-config --cflags libcurl libsodium) -Wno-register -DIG_VERSION=\"0\""
find src -name '*.cpp' -print0 | sort -z |
    xargs -0 -P "$jobs" -I{} clang-tidy-14 --quiet {} -- "${flags[@]}" >"$scratch/found" 2>"$scratch/said"
# What it says of warnings it suppressed is no finding; a file that does not compile is.
{
    cat "$scratch/found"
    grep -E '(error|fatal)' "$scratch/said"
} | promise 'clang-tidy finds nothing in src'
end_of_promises style
