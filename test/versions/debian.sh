# shellcheck shell=bash disable=SC2034,SC2154 # tree: for copy_tree; cache, fresh, logs: set by test/matrix
# Debians in folders: how test/matrix makes them, copies the tree in, and runs a command there.

declare -A suites=([17]=trixie [18]=sid)
debian='' # the folder of the Debian that was prepared last
# shellcheck disable=SC2016 # apt's own variable
package_mirror() { apt-get indextargets --format '$(SITE)' | head -n 1; }

# prepare_debian VERSION: makes it or takes the one that is there, with all that the tests need and the tree as it is.
prepare_debian() {
    local version=$1 began=$SECONDS
    debian=$cache/debian-$version
    if [ "$(id -u)" != 0 ]; then
        echo 'a Debian in a folder needs root: mmdebstrap and chroot'
        return 1
    fi
    [ -z "$fresh" ] || [ -e "$logs/fresh-$version" ] || rm -rf --one-file-system "$debian"
    : >"$logs/fresh-$version"
    if ! [ -e "$debian" ]; then
        echo "making $debian" | tee /dev/stderr
        make_debian "$version" || return
    fi
    in_debian sh script/bootstrap || return
    echo "ready in $((SECONDS - began)) s"
}

# The package lists of sid are older than they say they may be.
make_debian() {
    if ! command -v mmdebstrap >/dev/null; then
        echo 'this needs mmdebstrap: apt-get install --no-install-recommends mmdebstrap'
        return 1
    fi
    rm -rf --one-file-system "$debian.new"
    mmdebstrap --variant=apt --include=ca-certificates,procps \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
        "${suites[$1]}" "$debian.new" "$(package_mirror)" || return
    # No server of the packages' own: the tests start theirs.
    mkdir -p "$debian.new/etc/postgresql-common"
    echo 'create_main_cluster = false' >"$debian.new/etc/postgresql-common/createcluster.conf"
    printf '#!/bin/sh\nexit 101\n' >"$debian.new/usr/sbin/policy-rc.d"
    chmod 755 "$debian.new/usr/sbin/policy-rc.d"
    mv "$debian.new" "$debian"
}

# copy_into_debian: what is built there stays there and is built again only where a source changed.
copy_into_debian() {
    local work=$debian/matrix
    tree=$work/tree
    mkdir -p "$work/temporary"
    chmod 1777 "$work/temporary"
    copy_tree
}

# in_debian COMMAND...: in the tree's copy there. Its mounts are private and its processes end with the command: all of
# them live in namespaces of their own, whose first process the kernel kills with us.
in_debian() {
    copy_into_debian || return
    # shellcheck disable=SC2016 # the inner shell's own variables
    setsid unshare --mount --pid --fork --kill-child -- bash -c '
        debian=$1
        shift
        mount -t proc proc "$debian/proc" && mount --rbind /dev "$debian/dev" &&
            mount -t tmpfs -o mode=1777 tmpfs "$debian/dev/shm" && mount -t tmpfs -o mode=755 tmpfs "$debian/run" || exit 125
        cp -L /etc/resolv.conf "$debian/etc/resolv.conf"
        exec chroot "$debian" /usr/bin/env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
            LC_ALL=C.UTF-8 TMPDIR=/matrix/temporary WERROR=1 \
            ${QUICK:+"QUICK=$QUICK"} ${GRAPH_SANDBOX:+"GRAPH_SANDBOX=$GRAPH_SANDBOX"} bash -c "cd /matrix/tree && exec \"\$@\"" bash "$@"
    ' in_debian "$debian" "$@" </dev/null &
    wait_for_running
}

# What runs is waited for in the background, so that a signal to us is seen at once and ends it.
wait_for_running() {
    local status
    running=$!
    wait "$running"
    status=$?
    running=''
    return $status
}

# It leads a session of its own, so all of it can be told. A namespace ends with the process that made it, and nothing less
# than KILL ends that; a runner on this machine stops its servers when asked to end.
end_running() {
    [ -z "$running" ] || kill -TERM -- "-$running" 2>/dev/null
    [ -z "$running" ] || [ -z "$debian" ] || kill -KILL "$running" 2>/dev/null
}
