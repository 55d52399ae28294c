#!/bin/sh

# Builds the module, starts conf-examples/quickstart.conf on loopback, sends
# three requests through it and shows what came back and what was recorded.
#
#     sh scripts/demo.sh          everything, then stops and cleans up
#     sh scripts/demo.sh keep     leaves nginx running, says how to stop it
#
# Missing Debian packages are installed first.  DEMO_PORT and
# DEMO_PROVIDER_PORT set the ports; without them the first free ones from 8080
# on are taken.

set -eu

cd "$(dirname "$0")/.."

PATH=$PATH:/usr/sbin:/sbin

keep=
[ "${1:-}" = keep ] && keep=1

work=
policy=


say() {
    if [ -t 1 ]; then
        printf '\n\033[1m%s\033[0m\n' "$1"
    else
        printf '\n== %s\n' "$1"
    fi
}


fail() {
    echo "demo: $1" >&2
    exit 1
}


stop() {
    pid=$(cat "$work/logs/nginx.pid" 2>/dev/null) || return 0

    kill -QUIT "$pid" 2>/dev/null || return 0

    n=0
    while kill -0 "$pid" 2>/dev/null; do
        n=$((n + 1))
        [ $n -lt 50 ] || { kill -TERM "$pid" 2>/dev/null || true; return 0; }
        sleep 0.1
    done
}


cleanup() {
    rc=$?
    [ -z "$policy" ] || rm -f "$policy"
    [ -n "$work" ] || return 0

    stop
    [ $rc = 0 ] || tail -n 5 "$work/logs/error.log" >&2 2>/dev/null || true
    rm -rf "$work"
}

trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP


# scripts/deps.sh says nothing if all is there.  A fresh nginx package would
# open port 80 at once: policy-rc.d is Debian's way to keep it from that.

install_packages() {
    if [ "$(id -u)" = 0 ] && [ ! -e /usr/sbin/policy-rc.d ] \
        && ! command -v nginx > /dev/null
    then
        policy=/usr/sbin/policy-rc.d
        printf '#!/bin/sh\nexit 101\n' > $policy
        chmod 755 $policy
    fi

    sh scripts/deps.sh build || fail "installing packages failed"

    if [ -n "$policy" ]; then
        rm -f "$policy"
        policy=
    fi
}


# the first port from $1 on that refuses connections

free_port() {
    port=$1

    while :; do
        rc=0
        curl -s -o /dev/null --noproxy '*' -m 1 "http://127.0.0.1:$port/" \
            || rc=$?
        [ $rc -ne 7 ] || break
        port=$((port + 1))
        [ $port -lt $(($1 + 100)) ] || fail "no free port from $1 on"
    done

    echo $port
}


build() {
    say "Building the module against $(nginx -v 2>&1 | sed 's/.*: //')"

    make -s -j"$(nproc)" > "$work/make.log" 2>&1 || {
        tail -n 30 "$work/make.log" >&2
        fail "make failed"
    }

    ls -l build/ngx_llm_gateway_module.so \
        | awk '{ printf "%s, %d kB\n", $NF, $5 / 1024 }'
}


start() {
    gateway=${DEMO_PORT:-$(free_port 8080)}
    provider=${DEMO_PROVIDER_PORT:-$(free_port $((gateway + 1)))}

    chmod 755 "$work"
    mkdir "$work/conf" "$work/logs" "$work/modules"
    cp build/ngx_llm_gateway_module.so "$work/modules/"
    cp conf-examples/prices.json "$work/conf/"
    sed -e "s/127\.0\.0\.1:8080/@gateway@/" \
        -e "s/127\.0\.0\.1:8081/127.0.0.1:$provider/" \
        -e "s/@gateway@/127.0.0.1:$gateway/" \
        conf-examples/quickstart.conf > "$work/conf/quickstart.conf"

    say "Starting nginx with conf-examples/quickstart.conf"

    nginx -p "$work/" -e logs/error.log -c conf/quickstart.conf \
        || fail "nginx did not start"

    echo "gateway on 127.0.0.1:$gateway, toy provider on 127.0.0.1:$provider"
}


# $1 key, $2 body: shows the request, then sends it

show() {
    cat <<END
\$ curl http://127.0.0.1:$gateway/v1/chat/completions \\
      -H 'Authorization: Bearer $1' \\
      -d '$2'

END
}


send() {
    curl -sS -N --noproxy '*' -m 20 -D "$work/head" \
        -H "Authorization: Bearer $1" -H 'Content-Type: application/json' \
        -d "$2" "http://127.0.0.1:$gateway/v1/chat/completions"
}


# status line and the gateway's own headers of the answer just received

head_of() {
    tr -d '\r' < "$work/head" | grep -i -E '^(HTTP/|content-type|x-llm-)'
    echo
}


# an event stream from standard input, each event with its time of arrival

events() {
    began=$(date +%s%N)
    first=1

    while IFS= read -r line; do
        [ -n "$line" ] || continue
        [ -z "$first" ] || head_of
        first=
        ms=$((($(date +%s%N) - began) / 1000000))
        printf '%5d ms  %s\n' $ms "$(printf %s "$line" \
            | sed -e 's/"id":.*"choices"/... "choices"/' \
                  -e 's/,"finish_reason":null}\],"usage":null}/ .../')"
    done
}


# JSON of one line from standard input, in lines of a screen's width

wrap() {
    perl -pe 's/("(?:[^"\\]|\\.)*")|,/defined $1 ? $1 : ", "/ge' \
        | fold -s -w 76 | sed -e 's/^/  /' -e 's/ $//'
    echo
}


# the $1-th usage record

record() {
    n=0
    while [ "$(wc -l < "$work/logs/llm-usage.jsonl")" -lt "$1" ]; do
        n=$((n + 1))
        [ $n -lt 50 ] || fail "usage record $1 was not written"
        sleep 0.1
    done

    sed -n "$1p" "$work/logs/llm-usage.jsonl" | tr -d '\n' | wrap
}


work=$(mktemp -d "${TMPDIR:-/tmp}/llm-demo.XXXXXX")

install_packages

build
start


say "1. A chat, as any OpenAI client sends it"

body='{"model": "demo-chat", "messages":
           [{"role": "user", "content": "Hello!"}]}'

show demo-key "$body"
send demo-key "$body" > "$work/body"
head_of
cat "$work/body"


say "2. A stream: every event is passed on when it comes"

body='{"model": "demo-large", "stream": true, "messages":
           [{"role": "user", "content": "What is a stream?"}]}'

show demo-key "$body"
send demo-key "$body" | events


say "3. A refusal: the guest's key may not use the large model"

body='{"model": "demo-large", "messages":
           [{"role": "user", "content": "Hello?"}]}'

show guest-key "$body"
send guest-key "$body" > "$work/body"
head_of
wrap < "$work/body"


say "What was written down: one line of JSON per request"

cat <<END

The chat.  The toy provider told 1210 prompt tokens, 1024 of them from its
cache, and 64 completion tokens, 38 of them spent on thought: "raw_usage".
"usage" holds the same tokens, each counted once, and "cost" is in USD by the
catalogue whose version is "price_version".

END
record 1

cat <<END

The stream.  The provider was asked for usage although the client had not
asked, and the event that told it was taken out of the stream again.  "ttft_ms"
is the time to the first event; the price is the one in the configuration.

END
record 2

cat <<END

The refusal.  "attempts" is empty: nothing was sent to a provider, and nothing
is owed.

END
record 3


say "With a real provider"

cat <<END
    make install
    OPENAI_API_KEY=sk-... LLM_APP_KEY=a-secret-of-yours \\
        nginx -c \$PWD/conf-examples/openai.conf

Then give a client the base URL http://127.0.0.1:8080/v1 and LLM_APP_KEY as its
API key: the provider's own key stays in the gateway.  anthropic.conf,
gemini.conf, claude-code.conf and others lie beside it; README.md tells more.
END

if [ -n "$keep" ]; then
    cat <<END

nginx goes on running in $work.  To stop it:
    kill \$(cat $work/logs/nginx.pid); rm -r $work
END
    work=
fi
