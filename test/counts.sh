#!/bin/bash
# Proves that script/test counts right: results that runners print, good and bad, against the numbers they stand for.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
# shellcheck source=script/stages/count.sh
. script/stages/count.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bad=0

# counts WHAT COUNTER STATUS "PASSED FAILED SKIPPED": the log comes on standard input.
counts() {
    local got
    cat >"$scratch/log"
    got=$("$2" "$scratch/log" "$3")
    if [ "$got" = "$4" ]; then
        echo "ok - $1"
    else
        echo "not ok - $1: counted $got instead of $4"
        bad=1
    fi
}

# tap EXPECTED-FILES: really runs prove on the file that comes on standard input.
tap() {
    cat >"$scratch/tap.pl"
    echo "expect $1"
    (cd "$scratch" && prove -v tap.pl 2>&1)
}

printf '%s\n' 'expect 3' 'cannot start the server' | counts 'regress that cannot start' count_regress 2 '0 3 0'
printf '%s\n' 'expect 4' 'test a       ... ok       12 ms' 'test b   ... FAILED 3 ms' \
    'parallel group (2 tests):  c d' '     c        ... ok           5 ms' '     d     ... failed (ignored)   5 ms' |
    counts 'regress of 15' count_regress 1 '2 1 1'
printf '%s\n' 'expect 5' '# parallel group' 'ok 1         - basic    12 ms' 'not ok 2     + b   3 ms' \
    'ok 3     + c   3 ms' 'ok 4 - d 1 ms' '1..4' | counts 'regress of 16 that lost a test' count_regress 1 '3 2 0'

printf '%s\n' '97% tests passed, 1 tests failed out of 30' | counts 'ctest with a failure' count_ctest 8 '29 1 0'
printf '%s\n' '3/9 Test  #3: a ....***Skipped   0.01 sec' '100% tests passed, 0 tests failed out of 9' |
    counts 'ctest with a skipped test' count_ctest 0 '8 0 1'
printf '%s\n' 'No tests were found!!!' | counts 'ctest without tests' count_ctest 0 '0 1 0'

echo 'use Test::More; ok(1); subtest s => sub { ok(1); ok(1); done_testing }; done_testing;' | tap 1 |
    counts 'prove: a subtest is one assertion' count_prove 0 '2 0 0'
echo 'use Test::More; ok(1); ok(0); ok(0); SKIP: { skip "no", 2 } done_testing;' | tap 1 |
    counts 'prove: failed and skipped assertions' count_prove 1 '1 2 2'
echo 'use Test::More tests => 3; ok(1); ok(1);' | tap 1 | counts 'prove: a broken plan' count_prove 1 '2 1 0'
echo 'use Test::More; ok(1); die "oops";' | tap 1 | counts 'prove: a file that dies' count_prove 1 '1 1 0'
echo 'use Test::More; this is bad' | tap 1 | counts 'prove: a file that does not compile' count_prove 1 '0 1 0'
echo 'use Test::More skip_all => "no";' | tap 1 | counts 'prove: a skipped file' count_prove 0 '0 0 1'
echo 'use Test::More; ok(1); done_testing;' | tap 2 | counts 'prove: a file that did not run' count_prove 0 '1 1 0'
echo 'expect 2' | counts 'prove that cannot start' count_prove 1 '0 1 0'

printf '%s\n' 'a:1: bad' 'not ok - a' 'ok - b' | counts 'lines' count_lines 1 '1 1 0'
: | counts 'no lines at all' count_lines 0 '0 1 0'
: | counts 'a whole stage' count_whole 0 '1 0 0'
: | counts 'a whole stage that failed' count_whole 3 '0 1 0'
exit "$bad"
