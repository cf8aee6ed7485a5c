# shellcheck shell=bash disable=SC2154,SC2034 # tree, work, logs, data, bindir, stage_dir, jobs: from test/long
# Step asan-server: the library with address and undefined behaviour sanitizers inside an ordinary server, under
# pg_regress and some cluster tests. What the server pallocs is not watched; what the library's own containers hold is.

asan_tests=(010 130 150 165)

# Programs as the tests call them: all are the server's own, but that the server starts with the sanitizer before it.
# Nothing else may have it preloaded: some programs would wait for ever (early.c).
make_programs() {
    local programs=$1 reports=$2 program
    mkdir -p "$programs"
    gcc -O0 -shared -fPIC -Wl,-z,initfirst -o "$work/early.so" "$tree/test/memory/early.c"
    chmod a+rx "$work" "$work/early.so"
    for program in "$bindir"/*; do ln -sf "$program" "$programs"; done
    rm "$programs/postgres" "$programs/pg_ctl"
    cat >"$programs/postgres" <<END
#!/bin/sh
# The server with the sanitizer's runtime first.
LD_PRELOAD='$(gcc -print-file-name=libasan.so) $work/early.so' \
ASAN_OPTIONS='detect_leaks=0:abort_on_error=1:log_path=$reports/asan' \
UBSAN_OPTIONS='print_stacktrace=1:halt_on_error=1:log_path=$reports/ubsan' exec '$bindir/postgres' "\$@"
END
    cat >"$programs/pg_ctl" <<END
#!/bin/sh
# Starts that server instead of the one beside the real pg_ctl.
exec '$bindir/pg_ctl' -p '$programs/postgres' "\$@"
END
    chmod 755 "$programs/postgres" "$programs/pg_ctl"
}

# Without optimisation, which would take ten times as long to compile and hide some faults. The flags replace those that
# PGXS puts after the compiler's name: there its -O2 would win, and with it the checks of _FORTIFY_SOURCE.
build_with_sanitizers() {
    local flags='-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer'
    # RapidJSON adds to a null pointer in its stack, harmlessly.
    build_options=(with_llvm=no
        CXXFLAGS="-O0 -g1 -fno-strict-aliasing -fwrapv $flags -fno-sanitize=pointer-overflow,null"
        SHLIB_LINK="-fsanitize=address,undefined $(pkg-config --libs libcurl libsodium) -lstdc++ \
            -Wl,--version-script=src/instagram_insights.map")
    limit 1800 make -s -C "$tree" -j "$jobs" PG_CONFIG="$PG_CONFIG" WERROR="$WERROR" "${build_options[@]}"
    install_extension
}

run_asan_server() {
    local reports status=0
    # Objects of their own beside those of the other steps; the sandbox is shared.
    limit 120 cmake -S "$tree" -B "$work/unit" -G Ninja -DCMAKE_CXX_FLAGS_RELWITHDEBINFO='-O1 -g1'
    limit 900 ninja -C "$work/unit" -j "$jobs" graph_sandbox
    mkdir -p "$work/asan"
    ln -sfn "$work/unit" "$work/asan/unit"
    work=$work/asan
    tree=$work/tree
    stage_dir=$work/stage
    copy_tree
    build_with_sanitizers
    prepare_data
    trap 'stop_servers_below "$data"; rm -rf "$data"' EXIT
    chmod 755 "$data"
    reports=$data/reports
    mkdir -p "$reports"
    chmod 777 "$reports"
    make_programs "$data/programs" "$reports"
    bindir=$data/programs
    run_regress || status=1
    [ "$status" = 0 ] && echo "= pg_regress: all as expected"
    chosen=("${asan_tests[@]}")
    if run_cluster; then echo "= cluster tests ${asan_tests[*]}: passed"; else status=1; fi
    if [ -n "$(find "$reports" -type f -size +0)" ]; then
        cat "$reports"/*
        echo '= the sanitizers report something'
        status=1
    fi
    return "$status"
}
