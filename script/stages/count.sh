# shellcheck shell=bash
# Reads a stage's log and prints "passed failed skipped"; each counter takes the log and the exit status.
# A log that holds fewer results than the stage announced ("expect N") means that some test did not run: that is a failure.

# The stage is one test.
count_whole() {
    if [ "$2" = 0 ]; then echo 1 0 0; else echo 0 1 0; fi
}

# "ok - what" and "not ok - what".
count_lines() {
    awk '/^ok - /{ p++ } /^not ok - /{ f++ }
         END { if (p + f == 0) f = 1; print p + 0, f + 0, 0 }' "$1"
}

# pg_regress and pg_isolation_regress: "test a ... ok" up to 15, "ok 1 - a" (or "ok 1 + a" in a group) from 16 on.
count_regress() {
    awk '/^expect [0-9]+$/ { expected = $2 }
         /^(test |     )[^ ]+ +\.\.\. ok( |$)/ || /^ok [0-9]+ +[-+] / { p++ }
         /^(test |     )[^ ]+ +\.\.\. FAILED/ || /^not ok [0-9]+ +[-+] / { f++ }
         /^(test |     )[^ ]+ +\.\.\. failed \(ignored\)/ { s++ }
         END { if (p + f + s < expected) f += expected - p - f - s
               if (p + f == 0) f = 1
               print p + 0, f + 0, s + 0 }' "$1"
}

# ctest: one line of sums; skipped tests are among the passed ones there.
count_ctest() {
    awk '/^[0-9]+% tests passed, [0-9]+ tests? failed out of [0-9]+/ { f = $4; total = $NF; seen = 1 }
         /\*\*\*Skipped/ { s++ }
         END { if (!seen || total == 0) { f = 1; total = 1 }
               print total - f - s, f + 0, s + 0 }' "$1"
}

# prove: assertions. The summary names each bad file with its failed assertions; a file that died, broke its plan or
# was skipped whole has none, and counts as one.
count_prove() {
    awk '/^expect [0-9]+$/ { expected = $2 }
         /^Files=[0-9]+, Tests=[0-9]+/ { split($1, a, /[=,]/); files = a[2]; split($2, b, /[=,]/); total = b[2]; seen = 1 }
         /^Test Summary Report/ { summary = 1 }
         summary && /\(Wstat: / { n = $0; sub(/.*Failed: /, "", n); sub(/\).*/, "", n)
                                  if (n + 0 == 0) dead++; else f += n }
         !summary && /^ok [0-9]+.*# (skip|SKIP)/ { s++ }
         !summary && /(\.\. |^1\.\.0 .*)(skipped|# SKIP)/ { whole++ }
         END { if (!seen) { print 0, 1, 0; exit }
               if (files < expected) dead += expected - files
               if (total + dead + whole == 0) dead = 1
               print total - f - s, f + dead, s + whole }' "$1"
}
