#!/bin/bash
# Builds for the bench: the extension as users run it, staged beside the system, and the programs it is measured with.
#
#   harness/build.sh WORK_FOLDER
# shellcheck disable=SC2034 # tree, stage_dir, jobs, WERROR: read by build.sh of the tests
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
# shellcheck source=script/stages/build.sh
. script/stages/build.sh
export LC_ALL=C.UTF-8 PG_CONFIG=${PG_CONFIG:-pg_config}
WERROR=0
work=$1
tree=$work/tree
stage_dir=$work/stage
jobs=$(nproc)
mkdir -p "$work"
chmod 755 "$work"
copy_tree
limit 1200 nice -n 5 make -s -C "$tree" -j "$jobs" PG_CONFIG="$PG_CONFIG" with_llvm=no
install_extension with_llvm=no
limit 120 cmake -S "$tree/bench" -B "$work/programs"
limit 900 nice -n 5 cmake --build "$work/programs" -j "$jobs"
