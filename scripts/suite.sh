#!/bin/sh
# Runs Test::Nginx suites against NGINX_BIN (the packaged nginx by default).
#
#   scripts/suite.sh t               all of them
#   scripts/suite.sh t/00-load.t     one
#
# A process that outlives the tests that started it fails the run.

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

mkdir -p "${BUILD:-build}"

# Whatever the tests start inherits this descriptor, daemons too, and whatever
# they leave in files lies in this directory; workers of other users pass it.

TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/llm-suite-XXXXXX")
export TMPDIR
chmod 711 "$TMPDIR"
trap 'rm -rf "$TMPDIR"' EXIT
exec 9> "$TMPDIR/mark"

# a run that is broken off clears up, too

status=0
trap 'status=1' INT TERM


# Those that hold the descriptor: pids

holders()
{
    find /proc/[0-9]*/fd -lname "$TMPDIR/mark" 2>/dev/null \
        | cut -d / -f 3 | sort -un
}


# None may be left; one that is just ending is given its time.

leftovers()
{
    exec 9>&-

    for _ in 1 2 3 4 5 6 7 8 9 10; do
        left=$(holders)
        [ -n "$left" ] || return 0
        sleep 0.5
    done

    for pid in $left; do
        echo "suite: left behind: $pid" \
             "$(tr '\0' ' ' < "/proc/$pid/cmdline")" \
             "in $(readlink "/proc/$pid/cwd")"
        kill -KILL "$pid" || true
    done

    status=1
}


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
    jobs=1
fi

prove -j"$jobs" --timer -It/lib "$@" || status=1
leftovers

if [ -n "${reports:-}" ]; then
    for f in "$reports"/*; do
        [ -s "$f" ] || continue
        echo "valgrind: $(basename "$f")"
        head -n 40 "$f"
        status=1
    done
fi

exit $status
