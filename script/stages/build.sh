# shellcheck shell=bash disable=SC2154 # root, tree, work, jobs, logs, stage_dir: set by script/test
# Stages that need no server: copying, checking the sources, building.

limit() { timeout -k 10 "$@"; }

list_tree() {
    if git -c safe.directory='*' -C "$root" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git -c safe.directory='*' -C "$root" ls-files -co --exclude-standard
    else
        (cd "$root" && find . -name .git -prune -o -type f ! -name '*.o' ! -name '*.bc' ! -name '*.so' ! -name '*.d' \
            -print | sed 's,^\./,,')
    fi | sort -u | while IFS= read -r file; do
        # Listed, but removed in the working tree: not there.
        [ ! -e "$root/$file" ] || printf '%s\n' "$file"
    done
}

# The tests run on a copy: the servers' user can read it, and nobody's editing changes it half way. Times are kept, so
# that make and ninja build only what changed; what vanished takes its objects along.
copy_tree() {
    mkdir -p "$tree"
    list_tree >"$work/tree.now"
    if [ -f "$work/tree.list" ]; then
        comm -23 "$work/tree.list" "$work/tree.now" | while IFS= read -r file; do
            rm -f "$tree/$file" "$tree/${file%.cpp}".{o,bc,d}
        done
    fi
    mv "$work/tree.now" "$work/tree.list"
    tar -C "$root" -cf - -T "$work/tree.list" | tar -C "$tree" -xf - --no-same-owner
    chmod -R a+rX "$tree"
}

layout() {
    local status=0
    limit 120 bash "$tree/test/layout.sh" || status=1
    limit 120 bash "$tree/test/layout_can_fail.sh" || status=1
    return $status
}

counts() { limit 120 bash "$tree/test/counts.sh"; }
documentation() { limit 120 bash "$tree/test/docs.sh"; }

check_style() { JOBS=$jobs limit 1200 bash "$tree/test/style.sh"; }
pg_major() { "$PG_CONFIG" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/'; }

check_scripts() {
    local file bad=0
    cd "$tree" || return
    while IFS= read -r file; do
        if limit 60 shellcheck -x "$file"; then
            echo "ok - $file"
        else
            echo "not ok - $file"
            bad=1
        fi
    done < <(grep -rlE --exclude-dir=.git '^#!.*[/ ](ba)?sh( |$)|^# shellcheck shell=' .ci bench docs script test 2>/dev/null | sort)
    return $bad
}

configure_and_build() {
    local build=$1
    shift
    limit 120 cmake -S "$tree" -B "$build" -G Ninja -DIG_WERROR="$([ "$WERROR" = 1 ] && echo ON || echo OFF)" "$@"
    limit 900 ninja -C "$build" -j "$jobs"
}
# The library that users run is built with -O2 by PGXS; tests compile two to ten times as fast with less.
build_units() { configure_and_build "$work/unit" -DCMAKE_CXX_FLAGS_RELWITHDEBINFO='-O1 -g1'; }
build_units_asan() { configure_and_build "$work/asan" -DIG_SANITIZE=ON -DCMAKE_CXX_FLAGS_RELWITHDEBINFO='-O0 -g1'; }

# libFuzzer comes with clang alone. Each harness reads its corpus once; how it searches on is the matter of test/long.
build_fuzzers() {
    limit 120 cmake -S "$tree" -B "$work/fuzz" -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_C_COMPILER=clang \
        -DIG_WERROR="$([ "$WERROR" = 1 ] && echo ON || echo OFF)"
    limit 1800 ninja -C "$work/fuzz" -j "$jobs" fuzzers
}
run_fuzzers() { limit 300 ctest --test-dir "$work/fuzz" -R '^fuzz\.' -j "$jobs" --timeout 120 --output-on-failure --no-tests=error; }

run_ctest() { limit 600 ctest --test-dir "$1" -j "$jobs" --timeout 120 --output-on-failure --no-tests=error; }
run_units() { run_ctest "$work/unit"; }
run_units_asan() { run_ctest "$work/asan"; }

# An optimised tree of its own: how much is simulated in ten seconds depends on it.
run_simulation() { SIMULATION_FOLDER=$work/simulation SIMULATION_JOBS=$jobs limit 900 "$tree/test/simulation" --seconds 10; }

# With bitcode wherever the server was built with LLVM, so that this half of the build cannot rot.
# The second library is the same under an older number, for the tests of updating.
# QUICK=1 is for slow machines, and for who changes a test: no bitcode and no optimisation.
build_options=()
if [ "${QUICK:-}" = 1 ]; then build_options=(with_llvm=no CXXFLAGS='-O0 -g1 -fno-strict-aliasing -fwrapv'); fi
build_extension() {
    limit 1800 make -s -C "$tree" -j "$jobs" PG_CONFIG="$PG_CONFIG" WERROR="$WERROR" "${build_options[@]}"
    limit 120 make -s -C "$tree" -f test/life/older.mk PG_CONFIG="$PG_CONFIG" WERROR="$WERROR" "${build_options[@]}" \
        test/life/older/instagram_insights.so
    chmod -R a+rX "$tree/test/life"
}

exported_symbols() { limit 60 bash "$tree/test/symbols.sh" "$tree/instagram_insights.so"; }

# Installs below stage_dir and tells temporary servers to look there. A server that cannot (neither Debian's
# extension_destdir nor 18's extension_control_path) gets a real installation. Arguments go to make.
install_extension() {
    local known libdir sharedir
    known=$("$("$PG_CONFIG" --bindir)/postgres" --describe-config | cut -f1)
    libdir=$("$PG_CONFIG" --pkglibdir)
    sharedir=$("$PG_CONFIG" --sharedir)
    rm -rf "$stage_dir"
    : >"$work/where.conf"
    if grep -qx extension_control_path <<<"$known"; then
        echo "extension_control_path = '$stage_dir$sharedir:\$system'" >>"$work/where.conf"
    elif grep -qx extension_destdir <<<"$known"; then
        echo "extension_destdir = '$stage_dir'" >>"$work/where.conf"
    else
        limit 120 make -s -C "$tree" install PG_CONFIG="$PG_CONFIG" "${build_options[@]}" "$@"
        return
    fi
    echo "dynamic_library_path = '$stage_dir$libdir:\$libdir'" >>"$work/where.conf"
    limit 120 make -s -C "$tree" install PG_CONFIG="$PG_CONFIG" DESTDIR="$stage_dir" "${build_options[@]}" "$@"
    chmod -R a+rX "$stage_dir"
    test -s "$stage_dir$libdir/instagram_insights.so"
    test -s "$stage_dir$sharedir/extension/instagram_insights.control"
    ls "$stage_dir$sharedir/extension"/instagram_insights--*.sql
}
