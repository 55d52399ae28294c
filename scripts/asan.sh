#!/bin/sh
# Runs suites under AddressSanitizer and UndefinedBehaviorSanitizer, on an
# nginx built with them from Debian's source package; every ngx_palloc is a
# malloc there, so that what lies beside it is seen.
#
#   scripts/asan.sh t            all of them
#   scripts/asan.sh t/x.t        one
#
# Where no source is to be had, the module alone is instrumented, and the
# packaged nginx runs with the sanitizer preloaded.

set -eu

cd "$(dirname "$0")/.."
. scripts/apt.sh

top=$PWD
dir=$top/build/asan
san="-fsanitize=address,undefined -fno-omit-frame-pointer -O1 -g
-fno-sanitize=nonnull-attribute,pointer-overflow,alignment"
san=$(echo $san)

mkdir -p "$dir"

# 1. the source

src=$(ls -d "$dir"/source/nginx-*/ 2>/dev/null | head -n 1 || true)

if [ -z "$src" ] && suite=$(apt_codename) && apt_open deb-src "$suite"; then
    mkdir -p "$dir/source"
    ( cd "$dir/source" && apt_in "deb-src-$suite" apt-get -q source nginx ) \
        > "$dir/source.log" 2>&1 || tail -n 5 "$dir/source.log"
    src=$(ls -d "$dir"/source/nginx-*/ 2>/dev/null | head -n 1 || true)
fi

# 2. nginx and the module, or the module alone

so=$dir/ngx_llm_gateway_module.so

if [ -n "$src" ]; then
    make --no-print-directory NGINX_BIN= NGINX_SRC="$src" OBJS="$dir/nginx" \
        SO="$so" TARGETS="binary modules" \
        NGINX_OPTS="--with-debug --with-http_stub_status_module \
--with-http_sub_module --with-http_gunzip_module" \
        CC_OPT="$san -DNGX_DEBUG_PALLOC=1" \
        LD_OPT="-fsanitize=address,undefined" "$so"
    export NGINX_BIN="$dir/nginx/nginx"

else
    echo "asan: no source package of nginx, preloading libasan instead"
    make --no-print-directory NGINX_SRC= OBJS="$dir/nginx-dev" SO="$so" \
        CC_OPT="$san -U_FORTIFY_SOURCE" \
        LD_OPT="-fsanitize=address,undefined" "$so"
    TEST_NGINX_LD_PRELOAD="$(gcc -print-file-name=libasan.so) \
$(gcc -print-file-name=libubsan.so)"
    export TEST_NGINX_LD_PRELOAD
fi

# 3. the suites; a report fails the run even where its test passed

rm -f "$dir"/report*

export TEST_NGINX_LOAD_MODULES="$so"

# the options go by a wrapper: Test::Nginx has ideas of its own about them

cat > "$dir/run" <<END
#!/bin/sh
ASAN_OPTIONS=detect_odr_violation=0:detect_leaks=0:log_path=$dir/report
UBSAN_OPTIONS=print_stacktrace=1:log_path=$dir/report-ub
export ASAN_OPTIONS UBSAN_OPTIONS
exec ${NGINX_BIN:-/usr/sbin/nginx} "\$@"
END

chmod +x "$dir/run"
export NGINX_BIN="$dir/run"

status=0
scripts/suite.sh "$@" || status=1

for f in "$dir"/report*; do
    [ -s "$f" ] || continue
    echo "asan: $(basename "$f")"
    head -n 40 "$f"
    status=1
done

exit $status
