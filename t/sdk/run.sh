#!/bin/sh
# The providers' own packages, as they are, against nginx with the module in
# front of the scripted provider.  Packages go to build/sdk; those want a
# newer node than Debian's, so one comes with them.

set -eu

cd "$(dirname "$0")/../.."

top=$PWD
dir=$top/build/sdk
mkdir -p "$dir"

rm -rf "$dir"/*.mjs "$dir/table"
cp t/sdk/*.mjs "$dir/"

if ! cmp -s t/sdk/package-lock.json "$dir/installed.json"; then
    cp t/sdk/package.json t/sdk/package-lock.json "$dir/"
    ( cd "$dir" && npm ci --no-audit --no-fund --loglevel=error ) \
        > "$dir/npm.log" 2>&1 || { tail -n 20 "$dir/npm.log"; exit 1; }
    cp t/sdk/package-lock.json "$dir/installed.json"
fi

node=$dir/node_modules/.bin/node
[ -x "$node" ] || node=node

export LLM_TOP="$top"
export LLM_SO="${LLM_SO:-$top/build/ngx_llm_gateway_module.so}"
export LLM_FIXTURES="${LLM_FIXTURES:-$top/../shared/fixtures}"

cd "$dir"

if [ $# -gt 0 ]; then
    exec "$node" --test --test-timeout=60000 "$@"
fi

rc=0
"$node" --test --test-timeout=60000 --test-concurrency=2 \
    "$dir"/*.test.mjs || rc=$?

# what works with what

"$node" "$dir/table.mjs" || rc=1
exit $rc
