#!/bin/sh
# Runs Test::Nginx suites against NGINX_BIN (the packaged nginx by default).
#
#   scripts/suite.sh t               all of them
#   scripts/suite.sh t/00-load.t     one

set -eu

bin=${NGINX_BIN:-/usr/sbin/nginx}
jobs=${TEST_JOBS:-2}

for f in "$@"; do
    if [ -d "$f" ]; then
        set -- "$@" "$f"/*.t
    else
        set -- "$@" "$f"
    fi
    shift
done

export TEST_NGINX_BINARY="$bin"
export TEST_NGINX_RANDOMIZE=1

if [ -n "${TEST_NGINX_USE_VALGRIND:-}" ]; then
    export TEST_NGINX_USE_VALGRIND="--tool=memcheck --leak-check=full \
--show-possibly-lost=no --error-exitcode=99 --num-callers=24 \
--suppressions=valgrind.suppress"
    export TEST_NGINX_SLEEP=1 TEST_NGINX_TIMEOUT=20
    jobs=1
fi

mkdir -p "${BUILD:-build}"

exec prove -j"$jobs" --timer -It/lib "$@"
