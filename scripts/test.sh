#!/bin/sh
# Everything that this project tests, on a fresh Debian machine or a used
# one.  Outputs of the steps lie in build/test; those that failed are shown.
#
#   scripts/test.sh               all steps
#   scripts/test.sh check suite   some of them

set -u

cd "$(dirname "$0")/.."

export BUILD=build
out=build/test
mkdir -p "$out"

passed=0 failed=0 began=$(date +%s)
steps=${*:-deps make check unit fuzz suite sdk asan hup valgrind compat}

# suites for the slow ways to run them

hup_t="t/00-load.t t/ids.t t/record.t t/endpoints.t"
asan_t="t/00-load.t t/attempt.t t/body.t t/conf.t t/faults.t t/ids.t
    t/record.t t/stream.t"
valgrind_t="t/00-load.t"


# what of a step's output says how much passed and failed

count()
{
    perl -ne '
        $ok++      if /^ok +(?:\d+|\S+:|fuzz_)/ && '"$1"' == 1;
        $bad++     if /^not ok +(?:\d+|\S+:|fuzz_)/ && '"$1"' == 1;
        $ok += $1  if /^Files=\d+, Tests=(\d+),/;
        if (/\(Wstat: .* Tests: (\d+) Failed: (\d+)\)/) {
            $bad += $2; $ok -= $2;
        }
        $ok += $1  if /^\S+ pass (\d+)$/;
        $bad += $1 if /^\S+ fail (\d+)$/;
        if (/^(?:unit): (\d+) passed, (\d+) failed/) {
            $ok += $1; $bad += $2;
        }
        END { printf "%d %d\n", $ok // 0, $bad // 0 }
    ' "$out/$2.log"
}


# step NAME SECONDS LINES COMMAND...: LINES is 1 where its "ok" lines count

step()
{
    name=$1 seconds=$2 lines=$3 status=0 at=$(date +%s)
    shift 3

    case " $steps " in *" $name "*) ;; *) return ;; esac

    timeout -k 10 "$seconds" "$@" > "$out/$name.log" 2>&1 || status=$?

    # shellcheck disable=SC2046
    set -- $(count "$lines" "$name")
    ok=$1 bad=$2

    # a step that counts nothing is one test; one that died is a failure

    if [ $status != 0 ] && [ "$bad" = 0 ]; then
        bad=1
    elif [ "$ok" = 0 ] && [ $status = 0 ]; then
        ok=1
    fi

    passed=$((passed + ok)) failed=$((failed + bad))

    printf '%-8s  %5d passed  %3d failed  %4d s\n' \
        "$name" "$ok" "$bad" $(($(date +%s) - at))

    if [ $status != 0 ]; then
        echo "---- the end of $out/$name.log"
        grep -vE '^ok |\[debug\]|^✔|^unknown log name' "$out/$name.log" \
            | cut -c 1-400 | tail -n 60
        echo "----"
    fi
}


step deps     600 0  sh scripts/deps.sh
step make     300 0  make
step check    120 1  make check
step unit     600 0  make -j2 unit
step fuzz     600 1  make -j2 fuzz FUZZ_SECONDS="${FUZZ_SECONDS:-3}"
step suite    900 0  make suite
step sdk      300 0  make sdk
step asan     900 0  env TEST_JOBS=2 make asan ASAN_T="$(echo $asan_t)"
step hup      300 0  make hup HUP_T="$hup_t"
step valgrind 300 0  make valgrind VALGRIND_T="$valgrind_t"
step compat   300 1  make compat

echo "tests took $(($(date +%s) - began)) s"
echo "$passed passed, $failed failed"

[ $failed = 0 ]
