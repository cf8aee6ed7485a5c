# shellcheck shell=bash disable=SC2154 # tree, work, logs, chosen: set by script/test
# Stages that run temporary servers: pg_regress, isolation, pgTAP and the cluster tests.

# Where clusters live: in memory if there is room for some, else in the work folder.
prepare_data() {
    local free
    bindir=$("$PG_CONFIG" --bindir)
    pgxs_dir=$(dirname "$("$PG_CONFIG" --pgxs)")/../..
    free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)
    if [ "${free:-0}" -gt 2000000 ] && [ -w /dev/shm ]; then
        data=$(mktemp -d /dev/shm/ig-test.XXXXXX)
    else
        data=$(mktemp -d "$work/data.XXXXXX")
    fi
    mkdir -p "$logs/regress" "$logs/isolation" "$logs/pgtap" "$logs/cluster"
    if [ "$(id -u)" = 0 ]; then
        chown postgres "$data" "$logs/regress" "$logs/isolation" "$logs/pgtap" "$logs/cluster"
    fi
}

# as_server_user SECONDS COMMAND...: initdb and postgres refuse root, so root becomes postgres here.
as_server_user() {
    local seconds=$1
    shift
    if [ "$(id -u)" = 0 ]; then
        runuser -u postgres -- env HOME="$data" PATH="$bindir:$PATH" timeout -k 10 "$seconds" "$@"
    else
        env PATH="$bindir:$PATH" timeout -k 10 "$seconds" "$@"
    fi
}

# Ends servers that a stage left behind. They are ours: their data lies in our folder.
stop_servers_below() {
    local file pid
    [ -d "$1" ] || return 0
    while IFS= read -r file; do
        pid=$(head -n 1 "$file")
        if [ "$(readlink "/proc/$pid/cwd")" = "${file%/postmaster.pid}" ]; then
            kill -QUIT "$pid" && timeout 10 tail --pid="$pid" -f /dev/null
        fi
    done < <(find "$1" -name postmaster.pid 2>/dev/null)
    return 0
}

# The names in a folder without their ending, one a line; none is an error, for a stage without tests is broken.
tests_in() {
    local file name beginning found=''
    for file in "$1"/*."$2"; do
        name=${file##*/}
        name=${name%.*}
        [ -e "$file" ] || continue
        for beginning in "${chosen[@]:-}"; do
            [[ $name == "$beginning"* ]] || continue
            printf '%s\n' "$name"
            found=1
            break
        done
    done
    [ -n "$found" ] || {
        echo "no tests found: $1/*.$2 ${chosen[*]}" >&2
        return 1
    }
}

# Without shared_preload_libraries: what `make installcheck` meets on most machines.
regress() {
    local runner=$1 input=$2 output=$3 database=$4 names=$5 status=0
    mapfile -t names <<<"$names"
    echo "expect ${#names[@]}"
    {
        cat "$work/where.conf"
        printf "%s\n" 'fsync = off' "listen_addresses = ''" 'max_worker_processes = 32'
    } >"$work/regress.conf"
    chmod a+r "$work/regress.conf"
    cd "$input" || return
    as_server_user 600 "$pgxs_dir/$runner" --inputdir="$input" --outputdir="$output" --bindir="$bindir" \
        --temp-instance="$data/${output##*/}" --temp-config="$work/regress.conf" --no-locale --encoding=UTF8 \
        --dbname="$database" "${names[@]}" || status=$?
    if [ -s "$output/regression.diffs" ]; then cat "$output/regression.diffs"; fi
    return $status
}

run_regress() {
    local names
    names=$(tests_in "$tree/sql" sql)
    regress src/test/regress/pg_regress "$tree" "$logs/regress" contrib_regression "$names"
}

run_isolation() {
    local names
    names=$(tests_in "$tree/test/isolation/specs" spec)
    regress src/test/isolation/pg_isolation_regress "$tree/test/isolation" "$logs/isolation" isolation_regression "$names"
}

# One preloaded server, one database with pgTAP, pg_cron and the extension, for all files; each file rolls back.
run_pgtap() {
    local cluster=$data/pgtap names files=()
    names=$(tests_in "$tree/test/pgtap" sql)
    mapfile -t files <<<"$names"
    files=("${files[@]/#/test/pgtap/}")
    files=("${files[@]/%/.sql}")
    echo "expect ${#files[@]}"
    as_server_user 60 initdb -D "$cluster" -U postgres -A trust -E UTF8 --no-locale --no-sync >/dev/null
    {
        cat "$work/where.conf"
        printf "%s\n" 'fsync = off' "listen_addresses = ''" "unix_socket_directories = '$data'" \
            "shared_preload_libraries = 'pg_cron, instagram_insights'" "cron.database_name = 'pgtap'" \
            "cron.host = '$data'" 'max_worker_processes = 32'
    } >>"$cluster/postgresql.conf"
    as_server_user 60 pg_ctl -D "$cluster" -l "$logs/pgtap/server.log" -w start
    as_server_user 60 createdb -h "$data" -U postgres pgtap
    as_server_user 60 psql -h "$data" -U postgres -d pgtap -v ON_ERROR_STOP=1 -q \
        -c 'CREATE EXTENSION pgtap' -c 'CREATE EXTENSION pg_cron' -c 'CREATE EXTENSION instagram_insights'
    cd "$tree" || return
    as_server_user 600 pg_prove -h "$data" -U postgres -d pgtap -v \
        "${files[@]}"
}

# The one that was built, or that the environment names.
sandbox() {
    if [ -n "${GRAPH_SANDBOX:-}" ]; then
        printf '%s\n' "$GRAPH_SANDBOX"
    else
        find "$work/unit/" -name graph_sandbox -type f -perm /111 -print -quit
    fi
}

# in_small_volumes COMMAND...: as as_server_user, with two small file systems that can be filled, if mounting is permitted. They
# are mounted for these processes alone, so that nothing is left behind however they end.
in_small_volumes() {
    local folder=$data/small
    mkdir -p "$folder/tables" "$folder/wal"
    if [ "$(id -u)" = 0 ] && unshare --mount mount -t tmpfs tmpfs "$folder/wal" 2>/dev/null; then
        export -f as_server_user
        export data bindir SMALL_VOLUMES=$folder
        # shellcheck disable=SC2016 # for the inner shell
        unshare --mount bash -c '
            mount -t tmpfs -o size=8m,mode=700,uid=postgres tmpfs "$SMALL_VOLUMES/tables" &&
                mount -t tmpfs -o size=24m,mode=700,uid=postgres tmpfs "$SMALL_VOLUMES/wal" && as_server_user "$@"' small "$@"
    else
        as_server_user "$@"
    fi
}

# TAP tests in Perl that start, kill, copy and promote servers of their own.
run_cluster() {
    local names files=() status=0
    names=$(tests_in "$tree/test/cluster" pl)
    mapfile -t files <<<"$names"
    files=("${files[@]/#/test/cluster/}")
    files=("${files[@]/%/.pl}")
    echo "expect ${#files[@]}"
    GRAPH_SANDBOX=$(sandbox)
    [ -n "$GRAPH_SANDBOX" ] || {
        echo 'the program graph_sandbox was not built' >&2
        return 1
    }
    export OLDER_LIBRARY=$tree/test/life/older/instagram_insights.so
    export GRAPH_SANDBOX TEMP_CONFIG=$work/where.conf TESTDIR=$data TESTDATADIR=$data/tmp_check \
        TESTLOGDIR=$logs/cluster PG_REGRESS="$pgxs_dir/src/test/regress/pg_regress" top_builddir=$data
    cd "$tree" || return
    in_small_volumes 2700 prove -v -I "$pgxs_dir/src/test/perl" -I test/cluster "${files[@]}" || status=$?
    cp -r "$data/tmp_check/log/." "$logs/cluster" 2>/dev/null || true
    return $status
}
