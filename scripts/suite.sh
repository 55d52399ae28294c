#!/bin/sh
# Runs Test::Nginx suites against NGINX_BIN (the packaged nginx by default).
#
#   scripts/suite.sh t               all of them
#   scripts/suite.sh t/00-load.t     one

set -eu

bin=${NGINX_BIN:-/usr/sbin/nginx}
jobs=${TEST_JOBS:-$(($(nproc) + 1))}

for f in "$@"; do
    if [ -d "$f" ]; then
        set -- "$@" "$f"/*.t
    else
        set -- "$@" "$f"
    fi
    shift
done

# the long ones first, so that none of them is left alone at the end

# shellcheck disable=SC2046
set -- $(ls -S "$@")

export TEST_NGINX_BINARY="$bin"

# valgrind's own reports go to files: a process that made one failed, even
# where its test passed

if [ -n "${TEST_NGINX_USE_VALGRIND:-}" ]; then
    reports=$PWD/build/valgrind
    rm -rf "$reports"
    mkdir -p "$reports"

    export TEST_NGINX_USE_VALGRIND="--leak-check=full \
--keep-debuginfo=yes --show-possibly-lost=no --num-callers=30 \
--suppressions=valgrind.suppress --log-file=$reports/%p"
    export TEST_NGINX_SLEEP=1 TEST_NGINX_TIMEOUT=20

    status=0
    prove --timer -It/lib "$@" || status=1

    for f in "$reports"/*; do
        [ -s "$f" ] || continue
        echo "valgrind: $(basename "$f")"
        head -n 40 "$f"
        status=1
    done

    exit $status
fi

mkdir -p "${BUILD:-build}"

exec prove -j"$jobs" --timer -It/lib "$@"
