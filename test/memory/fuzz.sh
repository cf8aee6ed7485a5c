# shellcheck shell=bash disable=SC2154 # tree, work, logs, jobs, seconds: set by test/long
# Step fuzz: every harness of test/fuzz for some seconds, beginning from a copy of its corpus.

# fuzz_one NAME: what it finds new stays in the copy, a crash beside it.
fuzz_one() {
    local name=$1 inputs=$work/inputs/$1 program=$work/fuzz/test/fuzz/fuzz_$1 crash status=0
    rm -rf "$inputs" "$inputs"-*
    mkdir -p "$inputs"
    cp "$tree/test/fuzz/corpus/$name"/* "$inputs"
    limit $((seconds + 120)) "$program" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$inputs-" "$inputs" >"$logs/fuzz_$name.log" 2>&1 || status=$?
    if [ "$status" = 0 ]; then
        echo "= $name: $(awk '/number_of_executed_units/ { print $2 }' "$logs/fuzz_$name.log") inputs tried," \
            "nothing found"
        return 0
    fi
    for crash in "$inputs"-*; do
        if [ -e "$crash" ]; then
            echo "= $name: FOUND something; to see it again: $program $crash"
        else
            echo "= $name: ended with status $status, see $logs/fuzz_$name.log"
        fi
    done
    return 1
}

run_fuzz() {
    local corpus running=0 status=0
    build_fuzzers
    for corpus in "$tree"/test/fuzz/corpus/*; do
        if [ "$running" -ge "$jobs" ]; then
            wait -n || status=1
        else
            running=$((running + 1))
        fi
        fuzz_one "${corpus##*/}" &
    done
    while [ "$running" -gt 0 ]; do
        wait -n || status=1
        running=$((running - 1))
    done
    return "$status"
}
