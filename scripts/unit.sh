#!/bin/sh
# Runs the unit tests named; a test passes by ending with 0.

passed=0 failed=0

for t in "$@"; do
    if UBSAN_OPTIONS=print_stacktrace=1 "$t" > "$t.log" 2>&1; then
        passed=$((passed + 1))
        echo "ok      $(basename "$t")  $(tail -n 1 "$t.log")"
    else
        failed=$((failed + 1))
        echo "not ok  $(basename "$t"), its output:"
        tail -n 40 "$t.log"
    fi
done

echo "unit: $passed passed, $failed failed"
[ $failed = 0 ]
