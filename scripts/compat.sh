#!/bin/sh
# Compiles the module against the nginx-dev of Debian's newer suites, as far
# as they can be had here; nothing of them is installed.  Warnings are
# errors there as well.

set -eu

cd "$(dirname "$0")/.."
. scripts/apt.sh

passed=0 failed=0 skipped=0

for s in ${COMPAT_SUITES:-trixie forky}; do
    at=$PWD/build/compat/$s

    if [ ! -f "$at/x/usr/share/nginx/src/conf_flags" ]; then
        mkdir -p "$at"
        rm -rf "$at/x" "$at"/*.deb

        if ! apt_download "$s" nginx-dev "$at" \
            || ! dpkg-deb -x "$at"/nginx-dev_*.deb "$at/x"
        then
            echo "skip    $s: its nginx-dev cannot be had here"
            skipped=$((skipped + 1))
            continue
        fi
    fi

    dev=$at/x/usr/share/nginx/src
    version=$(sed -n 's/^#define NGINX_VERSION *"\(.*\)"/\1/p' \
                  "$dev/src/core/nginx.h")

    if make --no-print-directory NGINX_SRC= NGINX_DEV="$dev" \
        OBJS="$at/nginx" SO="$at/ngx_llm_gateway_module.so" \
        "$at/ngx_llm_gateway_module.so" > "$at/make.log" 2>&1
    then
        echo "ok      $s: nginx $version"
        passed=$((passed + 1))
    else
        echo "not ok  $s: nginx $version"
        grep -E 'error|Error' "$at/make.log" | head -n 20
        failed=$((failed + 1))
    fi
done

echo "compat: $passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
