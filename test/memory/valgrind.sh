# shellcheck shell=bash disable=SC2154,SC2016 # tree, work, logs, data, bindir, stage_dir, jobs: from test/long
# Step valgrind: the server under memcheck, first alone with every SQL function, then with its worker; no report may be
# ours or PostgreSQL's but for the suppressions.

under_valgrind=(valgrind --quiet --num-callers=40 --leak-check=no --trace-children=yes
    --trace-children-skip='/bin/*,/usr/bin/*')

# The extension as users have it, installed below stage_dir; the sandbox; the folder of the servers.
prepare_server() {
    limit 900 make -s -C "$tree" -j "$jobs" PG_CONFIG="$PG_CONFIG" WERROR="$WERROR" with_llvm=no
    install_extension with_llvm=no
    limit 120 cmake -S "$tree" -B "$work/unit" -G Ninja -DCMAKE_CXX_FLAGS_RELWITHDEBINFO='-O1 -g1'
    limit 900 ninja -C "$work/unit" -j "$jobs" graph_sandbox
    prepare_data
}

# The sandbox ends when descriptor 7 is closed, which is when this step ends.
start_sandbox() {
    local dir=$data/sandbox program
    program=$(sandbox)
    mkdir -p "$dir"
    chmod 755 "$data" "$dir"
    exec 7> >(exec "$program" --dir "$dir" --accounts 2 --exit-with-stdin)
    limit 30 bash -c 'until [ -s "$1" ]; do read -rt 0.05 <> <(:) || true; done' _ "$dir/ports.json"
    https=$(sed 's/.*"https": *\([0-9]*\).*/\1/' "$dir/ports.json")
    control=http://127.0.0.1:$(sed 's/.*"control": *\([0-9]*\).*/\1/' "$dir/ports.json")
    curl -sf "$control/apps" -d '{"app_id":"1234567890","secret":"secretoftheapp","login":"facebook",
        "redirect_uris":["https://app.example.org/back"]}' >/dev/null
    signed_request=$(curl -sf "$control/signed_request" -d '{"app_id":"1234567890","user_id":"10220000000000077"}' |
        sed 's/.*"signed_request":"\([^"]*\)".*/\1/')
}

make_cluster() {
    as_server_user 60 initdb -D "$1" -U postgres -A trust -E UTF8 --no-locale --no-sync >/dev/null
    {
        cat "$work/where.conf"
        printf "%s\n" 'fsync = off' "listen_addresses = ''" "unix_socket_directories = '$data'" \
            'track_functions = all' \
            "instagram_insights.identity = setting" "instagram_insights.ca_file = '$data/sandbox/ca.pem'" \
            "instagram_insights.fetch_timeout = 5min" "instagram_insights.request_timeout = 2min" \
            "instagram_insights.connect_timeout = 1min" \
            "instagram_insights.graph_url = 'https://localhost:$https'" \
            "instagram_insights.instagram_graph_url = 'https://localhost:$https'"
    } >>"$1/postgresql.conf"
}

# Every statement must have run, no fetch may have failed, and no function may have been left out.
single_user() {
    local cluster=$data/single answers=$logs/valgrind_single_user.log status=0
    make_cluster "$cluster"
    sed "s/:'signed_request'/'$signed_request'/" "$tree/test/memory/single_user.sql" >"$data/calls.sql"
    as_server_user 900 "${under_valgrind[@]}" --error-exitcode=99 \
        --suppressions="$tree/test/memory/valgrind.supp" "$bindir/postgres" --single -j -D "$cluster" postgres \
        <"$data/calls.sql" >"$answers" 2>&1 || status=$?
    [ "$status" = 0 ] || echo "= valgrind reports something, or the server ended badly ($status): $answers"
    grep -q 'every call was made' "$answers" || status=1
    if grep -E 'never_called = "|epoll|status = "(failed|partial|throttled)"' "$answers"; then
        echo "= not all that should be called was called: $answers"
        status=1
    fi
    [ "$status" = 0 ] && echo "= single-user mode: $(grep -c '^[A-Z]' "$data/calls.sql") statements, no report"
    return "$status"
}

# A whole server with preload (where an exit code of valgrind's own would look like a crash): a
# fetch in a session, and the same by the worker.
with_worker() {
    local cluster=$data/several reports=$data/reports postmaster status=0
    local ask=(as_server_user 300 psql -XAtq -h "$data" -U postgres -v ON_ERROR_STOP=1)
    make_cluster "$cluster"
    echo "shared_preload_libraries = 'instagram_insights'" >>"$cluster/postgresql.conf"
    mkdir -p "$reports"
    chmod 777 "$reports"
    as_server_user 900 "${under_valgrind[@]}" --suppressions="$tree/test/memory/valgrind.supp" \
        --log-file="$reports/%p" "$bindir/postgres" -D "$cluster" >"$logs/valgrind_server.log" 2>&1 &
    postmaster=$!
    as_server_user 120 bash -c 'until pg_isready -q -h "$1"; do :; done' _ "$data"
    "${ask[@]}" -d postgres -f "$tree/test/memory/worker.sql" || status=1
    as_server_user 120 pg_ctl -D "$cluster" -m fast -w stop || status=1
    wait "$postmaster" || status=1
    if [ -n "$(find "$reports" -type f -size +0)" ]; then
        cat "$reports"/*
        echo "= valgrind reports something about a server with its worker"
        status=1
    fi
    [ "$status" = 0 ] && echo "= with its worker: $(find "$reports" -type f | wc -l) processes, no report"
    return "$status"
}

run_valgrind() {
    local status=0
    command -v valgrind >/dev/null || {
        echo '= valgrind is missing: apt-get install valgrind'
        return 1
    }
    prepare_server
    trap 'stop_servers_below "$data"; rm -rf "$data"' EXIT
    start_sandbox
    single_user || status=1
    with_worker || status=1
    return "$status"
}
