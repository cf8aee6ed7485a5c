#!/bin/bash
# Holds the library's symbol table to what the server looks up: a name more could clash with, or be bound to, another library.
#
#   test/symbols.sh LIBRARY [folder]    LIBRARY is instagram_insights.so; folder: the tree, else the one this file lies in
#
# The names come from the schema's C functions and from the background workers that the library registers.
set -uo pipefail
# shellcheck source=test/promise.sh
. "$(dirname "$0")/promise.sh"
export LC_ALL=C
library=$(realpath "$1") || exit 2
cd "${2:-$(dirname "$0")/..}" || exit 2

# What the SQL names, each with the record of its calling convention; trailing names of C functions only.
tr '\n' ' ' <<<"$(cat schema/*.sql)" | grep -oE "AS 'MODULE_PATHNAME', '[a-z_0-9]+'" | sed "s/.* '//; s/'//" |
    sort -u >"$scratch/functions"
sed -n "s/.*bgw_function_name, \"\([a-z_0-9]*\)\".*/\1/p" src/postgres/*.cpp | sort -u >"$scratch/workers"
{
    cat "$scratch/functions" "$scratch/workers"
    sed 's/^/pg_finfo_/' "$scratch/functions"
    printf '%s\n' Pg_magic_func _PG_init
} | sort -u >"$scratch/expected"
nm -D --defined-only "$library" | awk '{ print $NF }' | sort -u >"$scratch/exported"

{
    [ "$(wc -l <"$scratch/functions")" -ge 10 ] || echo 'schema: fewer than 10 C functions found'
    [ "$(wc -l <"$scratch/workers")" -ge 2 ] || echo 'src/postgres: fewer than 2 background workers found'
} | promise 'C functions and background workers are found in the sources'
comm -13 "$scratch/expected" "$scratch/exported" | promise 'the library exports nothing but what the server looks up'
comm -23 "$scratch/expected" "$scratch/exported" | promise 'the library exports all that the server looks up'
nm -D --defined-only "$library" | awk '$2 != "T" { print }' | promise 'only code is exported: no data, no weak or unique symbol of a template'
nm -D --undefined-only "$library" | awk '{ print $NF }' |
    grep -E '^(system|popen|exec[vl][a-z]*|dlopen|gets|tmpnam|mktemp|strcpy|strcat|pthread_create)(@|$)' |
    promise 'the library calls no shell, loads no library, starts no thread and copies no string without a bound'
end_of_promises symbols
