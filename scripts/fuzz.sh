#!/bin/sh
# Runs the fuzzers named, FUZZ_SECONDS each.  What they find goes to a copy
# of t/fuzz/corpus/NAME under build/, so that the tree stays as it is.

passed=0 failed=0

for t in "$@"; do
    name=$(basename "$t")
    name=${name#fuzz_}
    corpus=$(dirname "$t")/corpus/$name
    set --

    mkdir -p "$corpus"
    if [ -d "t/fuzz/corpus/$name" ]; then
        cp -r "t/fuzz/corpus/$name/." "$corpus/"
    fi
    if [ -f "t/fuzz/$name.dict" ]; then
        set -- -dict="t/fuzz/$name.dict"
    fi

    if "$t" "$@" -max_total_time="${FUZZ_SECONDS:-10}" -max_len=65536 \
        -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$t-" "$corpus" > "$t.log" 2>&1
    then
        passed=$((passed + 1))
        echo "ok      fuzz_$name  $(sed -n \
            's/^stat::number_of_executed_units: *//p' "$t.log") runs"
    else
        failed=$((failed + 1))
        echo "not ok  fuzz_$name, its output:"
        tail -n 40 "$t.log"
    fi
done

echo "fuzz: $passed passed, $failed failed"
[ $failed = 0 ]
