#!/bin/sh
# Installs what building and testing need, and nothing that is there already.
#
#   scripts/deps.sh build    compiler, nginx, nginx-dev, cJSON, hiredis, curl
#   scripts/deps.sh          the same, and what the tests need
#
# Test::Nginx is packaged since Debian 14 only.  Its package (pure Perl) is
# taken from there as one file; all it depends on comes from this machine's
# own suite, and apt's configuration stays as it is.

set -eu

cd "$(dirname "$0")/.."
. scripts/apt.sh

mkdir -p "$apt_root"

build="gcc libc6-dev make dpkg-dev nginx nginx-dev libcjson-dev
    libhiredis-dev curl ca-certificates"
test="clang llvm libclang-rt-dev valgrind gdb perl openssl wrk procps
    libio-socket-ssl-perl libpcre2-dev zlib1g-dev libssl-dev tzdata
    redis-server redis-sentinel redis-tools"

want=$build
[ "${1:-test}" = build ] || want="$want $test"

if [ "${1:-test}" != build ] && ! command -v npm > /dev/null; then
    want="$want nodejs npm"
fi

missing=

for p in $want; do
    if ! dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null \
        | grep -q '^ii'
    then
        missing="$missing $p"
    fi
done

if [ -n "$missing" ]; then
    echo "deps: installing$missing"
    apt_sudo apt-get -q update > "$apt_root/deps.log" 2>&1 \
        || echo "deps: apt-get update did not end well, going on" 1>&2

    # shellcheck disable=SC2086
    if ! apt_sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
        --no-install-recommends install $missing >> "$apt_root/deps.log" 2>&1
    then
        tail -n 30 "$apt_root/deps.log" 1>&2
        exit 1
    fi
fi

[ "${1:-test}" = build ] && exit 0

if ! perl -MTest::Nginx::Socket -e 1 2>/dev/null; then

    if ! apt_sudo apt-get -q -y install libtest-nginx-perl \
        > "$apt_root/test-nginx.log" 2>&1
    then
        for suite in forky sid; do
            apt_download $suite libtest-nginx-perl "$apt_root/debs" && break
        done

        deb=$(ls "$apt_root"/debs/libtest-nginx-perl_*.deb 2>/dev/null) || {
            echo "deps: no suite has libtest-nginx-perl, see" \
                 "$apt_root/deb-*/update.log" 1>&2
            exit 1
        }

        echo "deps: installing Test::Nginx of $suite"

        if ! apt_sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
            --no-install-recommends install "$deb" \
            >> "$apt_root/test-nginx.log" 2>&1
        then
            tail -n 30 "$apt_root/test-nginx.log" 1>&2
            exit 1
        fi
    fi

    perl -MTest::Nginx::Socket -e 1
fi
