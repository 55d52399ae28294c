#!/bin/bash
# Configures the module for one nginx, in a directory of its own.
#
#   scripts/configure.sh BUILDDIR
#
# Reads from the environment:
#   NGINX_DEV   a distribution's nginx-dev tree (/usr/share/nginx/src)
#   NGINX_SRC   an unpacked nginx source tree, instead
#   NGINX_BIN   with NGINX_SRC: take the options of this binary (nginx -V)
#   NGINX_OPTS  further options
#   CC_OPT, LD_OPT  further options for compiler and linker
#
# BUILDDIR/from then names the directory to run "make -f BUILDDIR/Makefile"
# in.  Nothing is written to the nginx trees.

set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
dir=$1
opts=()

mkdir -p "$dir"
dir=$(cd "$dir" && pwd)


flags()
{
    if command -v dpkg-buildflags > /dev/null; then
        dpkg-buildflags --get "$1"
    fi
}


if [ -n "${NGINX_SRC:-}" ]; then

    # configure writes a Makefile where it stands: give it a place to stand

    src=$(cd "$NGINX_SRC" && pwd)
    from=$dir/src
    rm -rf "$from"
    mkdir -p "$from"

    for f in "$src"/*; do
        [ "$(basename "$f")" = Makefile ] || ln -s "$f" "$from/"
    done

    configure=./configure
    [ -f "$src/configure" ] || configure=./auto/configure

    if [ -n "${NGINX_BIN:-}" ]; then
        eval "args=($("$NGINX_BIN" -V 2>&1 \
                      | sed -n 's/^configure arguments: //p'))"

        for a in "${args[@]}"; do
            case $a in
                --with-*=dynamic|--add-*module=*|--builddir=*) ;;
                --with-cc-opt=*) CC_OPT="${a#*=} ${CC_OPT:-}" ;;
                --with-ld-opt=*) LD_OPT="${a#*=} ${LD_OPT:-}" ;;
                *) opts+=("$a") ;;
            esac
        done

    else
        opts=(--with-compat --with-threads --with-http_ssl_module
              --with-http_v2_module --with-http_realip_module
              --with-http_auth_request_module)
        CC_OPT="-g -O2 -fPIC ${CC_OPT:-}"
    fi

    opts+=(--with-cc-opt="${CC_OPT:-}" --with-ld-opt="${LD_OPT:-}")

else
    from=${NGINX_DEV:-/usr/share/nginx/src}
    configure=./configure

    if [ ! -f "$from/conf_flags" ]; then
        echo "no nginx-dev in $from: run scripts/deps.sh, or name a source" \
             "tree by NGINX_SRC=DIR" 1>&2
        exit 1
    fi

    . "$from/conf_flags"

    # the older packages leave the compiler's options to the module

    found=

    for a in "${NGX_CONF_FLAGS[@]}"; do
        case $a in
            --with-cc-opt=*) opts+=("$a ${CC_OPT:-}"); found=1 ;;
            --with-ld-opt=*) opts+=("$a ${LD_OPT:-}") ;;
            *) opts+=("$a") ;;
        esac
    done

    if [ -z "$found" ]; then
        opts+=(--with-cc-opt="$(flags CFLAGS) -fPIC $(flags CPPFLAGS) \
${CC_OPT:-}"
               --with-ld-opt="$(flags LDFLAGS) -fPIC ${LD_OPT:-}")
    fi
fi

cd "$from"

# shellcheck disable=SC2086
if ! $configure "${opts[@]}" ${NGINX_OPTS:-} \
    --builddir="$dir" --add-dynamic-module="$top" > "$dir/configure.log" 2>&1
then
    tail -n 20 "$dir/configure.log" 1>&2
    exit 1
fi

echo "$from" > "$dir/from"
