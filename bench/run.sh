#!/bin/sh

# The gateway against plain proxy_pass, in one nginx, before one upstream:
# what a request, a chunk of a stream and a waiting stream cost.
#
#     make bench            about eight minutes
#     QUICK=1 make bench    half a minute, for a look
#     CONTROL=1 make bench  plain proxy_pass in both places: ratios are 1.00
#                           but for noise, which this shows
#
# CPU is what the kernel says the nginx worker ran (/proc/PID/schedstat),
# divided by requests.  The worker has a core of its own, provider and load
# share another.  Both ways take turns in short rounds; columns are medians
# over the rounds, and the ratio is the median of each round's own, so that a
# machine that was busy for a while does not tilt it.
#
# A worker that sends to a process which sleeps on the same host pays for waking
# it, which clients and providers elsewhere do not ask of it.  CPU per whole
# answer is therefore measured with bench/ask.c, which never sleeps; the column
# "wrk" has the ratio with wrk, which does, and wrk counts requests a second
# and times.
#
# Other settings: ROUNDS, SECONDS_EACH, ASK_MS, STREAMS, CHUNKS, GAP_MS,
# CONNECTIONS, BODY_BUFFER (1m: a 5 MB body goes through a file, as it does by
# the examples; 8m: it stays in memory), TARGET (some of: unary class refused
# limits keys redis stream translate idle queued), QUEUED, KEYS, PROXY_BUFFER,
# BENCH_PORT.

set -eu

cd "$(dirname "$0")/.."

PATH=$PATH:/usr/sbin:/sbin
root=$PWD
control=${CONTROL:-}
target=${TARGET:-unary class refused limits keys redis stream translate idle \
queued}
keys=${KEYS:-100000}

ask_ms=${ASK_MS:-1000}

if [ -n "${QUICK:-}" ]; then
    rounds=${ROUNDS:-1} seconds=${SECONDS_EACH:-2} stream_rounds=1
    streams=${STREAMS:-1000} chunks=${CHUNKS:-100} gap=${GAP_MS:-40}
    queued=${QUEUED:-2000}
else
    rounds=${ROUNDS:-5} seconds=${SECONDS_EACH:-2} stream_rounds=3
    streams=${STREAMS:-1000} chunks=${CHUNKS:-300} gap=${GAP_MS:-40}
    queued=${QUEUED:-10000}
fi

connections=${CONNECTIONS:-32}
body_buffer=${BODY_BUFFER:-1m}
module=${LLM_MODULE:-$root/build/ngx_llm_gateway_module.so}

work=
pids=
master=


fail() {
    echo "bench: $1" >&2
    [ -z "$work" ] || tail -n 5 "$work/logs/error.log" >&2 || true
    exit 1
}


nginx_stop() {
    [ -n "$master" ] || return 0

    kill -TERM "$master" 2>/dev/null || true

    while kill -0 "$master" 2>/dev/null; do
        sleep 0.05
    done

    master=
}


cleanup() {
    nginx_stop

    for p in $pids; do
        kill "$p" 2>/dev/null || true
    done

    [ -z "$work" ] || rm -rf "$work"
}

trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP


# a core for the worker, another for everybody else

if [ "$(nproc)" -gt 1 ]; then
    pin_nginx="taskset -c 0" pin_load="taskset -c 1"
else
    pin_nginx='' pin_load=''
    echo "bench: one core only: nginx and its load share it" >&2
fi

for tool in nginx wrk cc awk; do
    command -v $tool > /dev/null || fail "$tool is missing"
done

files=$((queued + 1000))
[ $files -ge 5000 ] || files=5000
[ "$(ulimit -n)" -ge $files ] || ulimit -n $files 2>/dev/null \
    || fail "at least $files open files are needed (ulimit -n)"

work=$(mktemp -d "${TMPDIR:-/tmp}/llm-bench.XXXXXX")
chmod 755 "$work"
mkdir "$work/logs" "$work/conf"

for p in provider ask load; do
    sources="bench/$p.c bench/tool.c"
    [ $p = load ] || sources="$sources bench/serve.c"

    # shellcheck disable=SC2086
    cc -D_GNU_SOURCE -O2 -W -Wall -Werror -o "$work/$p" $sources
done

port=${BENCH_PORT:-18080}
provider_port=$((port + 1))
redis_port=$((port + 2))


# the same buffers in both: see ngx_http_llm_attempt.c.  $1: where limits are
# counted, "zone" or "redis"; a number: so many keys; nothing: there are none

configure() {
    limits "$@" > "$work/conf/limits.conf"

    if [ -n "$control" ]; then
        load_module='' gateway_conf=/dev/null
        gateway='proxy_pass http://bench' gateway_log=''
    else
        # a copy: whoever builds meanwhile writes over the original
        cp "$module" "$work/module.so" || fail "$module is not built"
        load_module="load_module $work/module.so;"
        gateway_conf=$root/bench/gateway.conf
        gateway='llm_route; #'
        gateway_log='access_log logs/access.log llm buffer=64k flush=1s;'
    fi

    sed -e "s|@LOAD_MODULE@|$load_module|" \
        -e "s|@GATEWAY_CONF@|$gateway_conf|" \
        -e "s|@LIMITS_CONF@|$work/conf/limits.conf|" \
        -e "s|@GATEWAY_LOG@|$gateway_log|" \
        -e "s|@GATEWAY@ |$gateway|" \
        -e "s|@PORT@|$port|" \
        -e "s|@PROVIDER_PORT@|$provider_port|" \
        -e "s|@BODY_BUFFER@|$body_buffer|" \
        -e "s|@PROXY_BUFFER@|${PROXY_BUFFER:-16k}|" \
        bench/nginx.conf > "$work/conf/nginx.conf"
}


# a caller who is limited by all that he may be, and is never refused

limits() {
    case ${1:-} in
    '')
        return ;;
    [0-9]*)
        awk -v n="$1" 'BEGIN {
            for (i = 0; i < n; i++) {
                printf "llm_key key-%06d { secret plain:bench-key-%06d; " \
                       "owner acme; team search; app web; env bench; " \
                       "models unary; }\n", i, i
            }
        }'
        return ;;
    esac

    [ "$1" = zone ] || echo "llm_redis redis://127.0.0.1:$redis_port" \
                            "timeout=1s on_error=closed;"

    cat << EOF
llm_key limited {
    secret  plain:limited-key;
    owner   acme;
    team    search;
    app     web;
    env     bench;
    models  unary;
    limit   rpm=100m tpm=1000m inflight=10k budget=1000000/day;
}

llm_limit team=search budget=1000000/month tpm=1000m;
llm_limit env=bench budget=1000000/month;
EOF
}


nginx_start() {
    nginx_stop
    rm -f "$work"/logs/*

    $pin_nginx nginx -p "$work/" -e logs/error.log -c conf/nginx.conf \
        || fail "nginx did not start"

    master=$(cat "$work/logs/nginx.pid")

    n=0
    while worker=$(cat "/proc/$master/task/$master/children"); \
          [ -z "$worker" ]
    do
        n=$((n + 1))
        [ $n -lt 100 ] || fail "nginx has no worker"
        sleep 0.05
    done

    worker=${worker%% *}
}


# nanoseconds that the worker ran so far; its resident kB

cpu() {
    cut -d ' ' -f 1 "/proc/$worker/schedstat"
}

rss() {
    awk '$1 == "VmRSS:" { print $2 }' "/proc/$worker/status"
}


url() {
    echo "http://127.0.0.1:$port/$1/$2"
}

chat=v1/chat/completions


provider_start() {
    $pin_load "$work/provider" $provider_port "$chunks" "$gap" &
    provider=$!
    pids="$pids $provider"
}

provider_stop() {
    kill $provider
    wait $provider 2>/dev/null || true
    pids=$(echo "$pids" | sed "s/ $provider\\b//")
}


# a chat request of $1 bytes for model $2: up to a megabyte it is text as
# people send it, with its escapes, in many messages; beyond that one message
# with an image inside.  Prints the name of its file.

body() {
    file=$work/body-$2-$1

    [ -s "$file" ] || awk -v size="$1" -v model="$2" '

        function times(text, n,    s) {
            while (n >= 1) {
                if (n % 2) {
                    s = s text
                }
                text = text text
                n = int(n / 2)
            }
            return s
        }

        BEGIN {
            user = "{\"role\":\"user\",\"content\":"
            text = user "\"Please read the following and tell me, in one " \
                   "paragraph, what it says:\\n\\n\\\"The keeper of the " \
                   "gate asks each for a name,\\\" wrote the clerk \\u2014 " \
                   "\\\"and writes down what was owed.\\\"\\n\\tThen the " \
                   "next one comes.\"},"
            open = user "[{\"type\":\"image_url\",\"image_url\":{\"url\":" \
                   "\"data:image/png;base64,"
            close_ = "\"}}]},"
            head = "{\"model\":\"" model "\",\"messages\":["
            tail = user "\"And now?\"}],\"temperature\":0.7," \
                   "\"max_tokens\":1000}"

            room = size - length(head) - length(tail)

            if (size > 1000000) {
                room -= length(open) + length(close_)
                image = "iVBORw0KGgoAAAANSUhEUgAA"
                middle = open times(image, int(room / length(image))) close_

            } else {
                middle = times(text, int(room / length(text)))
            }

            printf "%s%s%s", head, middle, tail
        }' > "$file"

    echo "$file"
}


# $1 row, $2 way to be named in results, $3 path, $4 key, $5 body, $6 how many
# keys, $7 way if it is another one

run_ask() {

    # the same port: what nginx kept open to the provider closes

    provider_stop

    before=$(cpu)

    # shellcheck disable=SC2086
    result=$($pin_load "$work/ask" "$port" "/${7:-gateway}/$3" "$4" "$5" \
                 "$connections" "$ask_ms" "$provider_port" ${6:-})
    after=$(cpu)

    provider_start

    run_result "$1" "$2" "$4" "$result"
}


# whole answers: $1 row, $2 gateway or plain, $3 size, $4 key, $5 seconds of
# wrk, $6 model, $7 way to be named in results, $8 path.
# Adds two lines to results, the second one named wrk-: row, way, CPU us a
# request, requests a second, p50 and p99 us, RSS kB.

run_unary() {
    file=$(body "$3" "${6:-unary}")
    path=${8:-unary/$chat}

    run_ask "$1" "${7:-$2}" "$path" "$4" "$file" '' "$2"

    before=$(cpu)
    result=$($pin_load wrk -t 1 -c "$connections" -d "$5s" --timeout 10s \
                 -s bench/post.lua "$(url "$2" "$path")" -- "$file" "$4" \
             | sed -n 's/^RESULT //p')
    after=$(cpu)

    run_result "wrk-$1" "${7:-$2}" "$4" "$result"
}

run_result() {
    echo "$1 $2 $before $after $(rss) $4" | awk -v key="$3" '
        {
            refused = (key == "unknown-key") ? $6 : 0

            if ($6 == 0 || $8 > 0 || $9 != refused) {
                print "bench: " $1 " by " $2 ": " $6 " requests, " $8 \
                      " failed, " $9 " refused" > "/dev/stderr"
                exit 1
            }
            print $1, $2, ($4 - $3) / 1000 / $6, $6 * 1e6 / $7, $10, $11, $5
        }' >> "$work/results" || fail "$1 failed"
}


# requests that nobody counts, for $3 seconds: $1 key, $2 model

run_wrk() {
    $pin_load wrk -t 1 -c "$connections" -d "$3s" -s bench/post.lua \
        "$(url gateway unary/$chat)" -- "$(body 1000 "$2")" "$1" > /dev/null
}


# all streams to their end; CPU is per event: $1 row, $2 gateway or plain, $3
# path, $4 model

run_streams() {
    before=$(cpu)
    result=$($pin_load "$work/load" stream "$port" "/$2/$3" bench-key "$4" \
                 "$streams" $((chunks * gap / 4)) < /dev/null) \
        || fail "streams failed: $result"
    after=$(cpu)

    want=$((streams * chunks))
    echo "$1 $2 $before $after $(rss) $result" | awk -v want=$want '
        {
            if ($7 < want) {
                print "bench: " $1 " by " $2 ": " $7 " events of " want \
                    > "/dev/stderr"
                exit 1
            }
            print $1, $2, ($4 - $3) / 1000 / want, 0, $11, $12, $5
            print "first-" $1, $2, 0, 0, $9, $10, $5
        }' >> "$work/results" || fail "events are missing"
}


# what the worker grows by when requests wait, per request: $1 idle or queued,
# $2 gateway or plain, $3 path, $4 key, $5 model, $6 how many, $7 row

run_held() {
    nginx_start

    # memory that the first requests take is not theirs

    $pin_load wrk -t 1 -c "$connections" -d 1s -s bench/post.lua \
        "$(url "$2" unary/$chat)" -- "$(body 1000 unary)" bench-key > /dev/null

    before=$(rss)

    mkfifo "$work/hold"
    $pin_load "$work/load" "$1" "$port" "/$2/$3/$chat" \
        "$4" "$5" "$6" 500 < "$work/hold" > "$work/held" &
    load=$!
    exec 9> "$work/hold"

    n=0
    while [ ! -s "$work/held" ]; do
        n=$((n + 1))
        [ $n -lt 200 ] || fail "requests that wait did not start"
        kill -0 $load || fail "requests that wait failed"
        sleep 0.1
    done

    after=$(rss)
    held=$(cat "$work/held")

    exec 9>&-
    wait $load || fail "requests that wait failed"
    rm "$work/hold" "$work/held"

    [ "$held" = "$6" ] || fail "$held of $6 requests were held"

    echo "${7:-$1} $2 $before $after $held" | awk '
        { print $1, $2, 0, 0, 0, 0, ($4 - $3) / $5 }' >> "$work/results"
}

streams() {
    run_streams stream "$1" stream/$chat stream
}


# a client of one protocol, a provider of another; plain proxying is of what
# the provider says

chat_claude_1k() {
    if [ "$1" = gateway ]; then
        run_unary chat-claude "$1" 1000 bench-key "$seconds" claude-unary
    else
        run_unary chat-claude "$1" 1000 bench-key "$seconds" claude-unary "$1" \
            claude-unary/v1/messages
    fi
}

messages_openai_1k() {
    run_unary messages-openai "$1" 1000 bench-key "$seconds" unary "$1" \
        unary/v1/messages
}

chat_claude_streams() {
    if [ "$1" = gateway ]; then
        run_streams chat-claude-stream "$1" stream/$chat claude-stream
    else
        run_streams chat-claude-stream "$1" claude-stream/v1/messages \
            claude-stream
    fi
}

messages_openai_streams() {
    run_streams messages-openai-stream "$1" stream/v1/messages stream
}


run_idle() {
    run_held idle "$1" idle bench-key idle "$streams"
}

# what is held while an Anthropic stream becomes one of chat

run_idle_claude() {
    if [ "$1" = gateway ]; then
        run_held idle gateway idle bench-key claude-idle "$streams" idle-claude
    else
        run_held idle plain claude-idle bench-key idle "$streams" idle-claude
    fi
}

# the first of them has the one place that there is, and waits for no other

run_queued() {
    if [ "$1" = gateway ] && [ -z "$control" ]; then
        run_held queued gateway queued wait-key queued "$queued"
    else
        run_held queued "$1" queued bench-key idle "$queued"
    fi
}


# both ways in turn, the first of them another one each round

both() {
    round=1
    while [ $round -le "$2" ]; do
        if [ $((round % 2)) = 1 ]; then
            "$1" gateway; "$1" plain
        else
            "$1" plain; "$1" gateway
        fi
        round=$((round + 1))
    done
}

unary_1k()   { run_unary 1k "$1" 1000 bench-key "$seconds"; }

# a class that has everything on; then the same with one of three upstreams
# dead, whose breaker opens in the first second

class_1k() {
    if [ "$1" = gateway ]; then
        run_unary class gateway 1000 class-key "$seconds"
    else
        run_unary class plain 1000 bench-key "$seconds"
    fi
}

dead_1k() {
    if [ "$1" = gateway ]; then
        run_unary dead gateway 1000 class-key "$seconds" three
    else
        run_unary dead plain 1000 bench-key "$seconds"
    fi
}

# a caller with limits next to one without, both by the gateway

limits_1k()  { limited_1k limits "$1"; }
redis_1k()   { limited_1k redis "$1"; }

limited_1k() {
    if [ "$2" = gateway ]; then
        run_unary "$1" gateway 1000 limited-key "$seconds"
    else
        run_unary "$1" gateway 1000 bench-key "$seconds" unary plain
    fi
}

# as many keys as there may be beside ten: ten of them are used, then all

keys_1k()    { keys_of keys "$1" 10; }
keys_all()   { keys_of keys-all "$1" "$keys"; }

keys_of() {
    many=$keys use=$3

    if [ "$2" = plain ]; then
        many=10 use=10
    fi

    configure "$many"
    nginx_start
    run_wrk bench-key unary 1
    run_ask "$1" "$2" "unary/$chat" bench-key-000000 "$(body 1000 unary)" $use
}

unary_100k() { run_unary 100k "$1" 100000 bench-key "$seconds"; }
unary_5m()   { run_unary 5m "$1" 5000000 bench-key "$seconds"; }


refused() {
    n=1
    while [ $n -le "$rounds" ]; do
        run_unary refused gateway 1000 unknown-key "$seconds"
        run_unary refused-to plain 1000 bench-key "$seconds"
        n=$((n + 1))
    done
}


report() {
    awk -v streams="$streams" -v queued="$queued" -v keys="$keys" \
        -v chunks="$chunks" -v gap="$gap" -v control="$control" '

        function median(row, way, column) {
            return middle(values[row, way, column])
        }

        # of the rounds, each the gateway by what came next to it

        function ratio_of(row, other,    g, p, i, n, s) {
            n = split(values[row, "gateway", 3], g, " ")
            split(values[other, "plain", 3], p, " ")
            for (i = 1; i <= n; i++) {
                s = s " " g[i] / p[i]
            }
            return middle(s)
        }

        function middle(list,    i, j, n, t, v) {
            n = split(list, v, " ")
            for (i = 2; i <= n; i++) {
                for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) {
                    t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
                }
            }
            return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
        }

        function us(t) {
            if (t >= 100000) {
                return sprintf("%.0f ms", t / 1000)
            }
            return t < 10000 ? sprintf("%.0f us", t) \
                             : sprintf("%.1f ms", t / 1000)
        }

        function line(name, row, other, limit, unit,    g, p, ratio) {
            if (!((row, "gateway", 3) in values)) {
                return
            }
            g = median(row, "gateway", 3)
            p = median(other, "plain", 3)
            ratio = ratio_of(row, other)
            printf "%-28s %9.2f %9.2f %6.2f %6s  %s%s\n", name, g, p, ratio,
                   wrk_ratio(row, other), limit,
                   limit == "-" || ratio <= substr(limit, 3) + 0 ? "" \
                                                                : "  missed"
        }

        function wrk_ratio(row, other) {
            return ("wrk-" row, "gateway", 3) in values \
                   ? sprintf("%.2f", ratio_of("wrk-" row, "wrk-" other)) : "-"
        }

        function times(name, row, other,    c, s) {
            if (("wrk-" row, "gateway", 3) in values) {
                row = "wrk-" row
                other = "wrk-" other
            }
            if (!((row, "gateway", 3) in values)) {
                return
            }
            s = sprintf("%-28s", name)
            c = median(row, "gateway", 4)
            s = s (c ? sprintf(" %7.0f %7.0f", c, median(other, "plain", 4)) \
                     : sprintf(" %7s %7s", "-", "-"))
            for (c = 5; c <= 6; c++) {
                s = s sprintf("  %9s %9s", us(median(row, "gateway", c)),
                              us(median(other, "plain", c)))
            }
            c = median(row, "gateway", 7)
            print s sprintf("  %5.1f %5.1f", c / 1024,
                            median(other, "plain", 7) / 1024)
        }

        function waiting(name, row, limit,    g) {
            if (!((row, "gateway", 7) in values)) {
                return
            }
            g = median(row, "gateway", 7)
            print ""
            printf "%d %s: %.1f kB each by the gateway, %.1f kB plain; " \
                   "wanted <=%d%s\n", streams, name, g,
                   median(row, "plain", 7), limit, g <= limit ? "" : ", missed"
        }

        {
            for (i = 3; i <= 7; i++) {
                values[$1, $2, i] = values[$1, $2, i] " " $i
            }
        }

        END {
            if (control) {
                print "CONTROL: both columns are plain proxy_pass"
                print ""
            }

            printf "%-28s %9s %9s %6s %6s  %s\n", "worker CPU, us",
                   "gateway", "plain", "ratio", "wrk", "wanted"
            line("unary, 1 kB prompt", "1k", "1k", "<=1.25")
            line("unary, class and health", "class", "class", "<=1.25")
            line("unary, one of three dead", "dead", "dead", "<=1.25")
            line("unary, 100 kB prompt", "100k", "100k", "<=1.25")
            line("unary, 5 MB prompt", "5m", "5m", "<=1.30")
            line("refused key / proxied 1 kB", "refused", "refused-to",
                 "<=1.00")
            line("limits in the zone / none", "limits", "limits", "<=1.10")
            line(keys " keys / 10", "keys", "keys", "<=1.05")
            line("the same, all are used", "keys-all", "keys-all", "-")
            line("limits in Redis / none", "redis", "redis", "<=1.60")
            line("stream, per event", "stream", "stream", "<=1.50")
            line("chat to Anthropic", "chat-claude", "chat-claude", "<=2.00")
            line("Messages to OpenAI", "messages-openai", "messages-openai",
                 "<=2.00")
            line("stream, chat to Anthropic", "chat-claude-stream",
                 "chat-claude-stream", "<=2.50")
            line("stream, Messages to OpenAI", "messages-openai-stream",
                 "messages-openai-stream", "<=2.50")

            print ""
            printf "%-28s %15s  %19s  %19s  %11s\n", "", "requests/s",
                   "p50", "p99", "RSS MB"
            printf "%-28s %7s %7s  %9s %9s  %9s %9s  %5s %5s\n", "",
                   "gateway", "plain", "gateway", "plain", "gateway", "plain",
                   "gw", "plain"
            times("unary, 1 kB prompt", "1k", "1k")
            times("unary, class and health", "class", "class")
            times("unary, one of three dead", "dead", "dead")
            times("unary, 100 kB prompt", "100k", "100k")
            times("unary, 5 MB prompt", "5m", "5m")
            times("refused key / proxied 1 kB", "refused", "refused-to")
            times("limits in the zone / none", "limits", "limits")
            times(keys " keys / 10", "keys", "keys")
            times("the same, all are used", "keys-all", "keys-all")
            times("limits in Redis / none", "redis", "redis")
            times("chat to Anthropic", "chat-claude", "chat-claude")
            times("Messages to OpenAI", "messages-openai", "messages-openai")
            times("stream, first event", "first-stream", "first-stream")
            times("stream, an event on its way", "stream", "stream")
            times("the same, chat to Anthropic", "chat-claude-stream",
                  "chat-claude-stream")
            times("the same, Messages to OpenAI", "messages-openai-stream",
                  "messages-openai-stream")

            waiting("waiting streams", "idle", 40)
            waiting("waiting streams, translated", "idle-claude", 60)

            if (("queued", "gateway", 7) in values) {
                g = median("queued", "gateway", 7)
                print ""
                printf "%d queued requests: %.1f kB each by the gateway, " \
                       "%.1f kB where limit_req of plain nginx delays them; " \
                       "wanted <=10%s\n", queued, g,
                       median("queued", "plain", 7), g <= 10 ? "" : ", missed"
            }
        }' "$work/results"
}


configure

provider_start
nginx_start

# warm: code, connections, page cache

for way in gateway plain; do
    run_unary warm $way 1000 bench-key 1
done

echo "nginx $(nginx -v 2>&1 | sed 's/.*nginx.//'), $(nproc) cores," \
     "$rounds round(s) of ${seconds} s with" \
     "$connections connections; $streams streams of $chunks events," \
     "one per $gap ms"

for t in $target; do
    case $t in

    unary)
        both unary_1k "$rounds"
        both unary_100k "$rounds"
        both unary_5m "$rounds"
        ;;

    class)
        # the control has no classes, nor providers
        if [ -z "$control" ]; then
            both class_1k "$rounds"

            # until its breaker is open some fail: the retry budget is spent

            run_wrk class-key three 1
            both dead_1k "$rounds"
        fi
        ;;

    refused)
        # the control has nobody who refuses
        [ -n "$control" ] || refused
        ;;

    limits)
        if [ -z "$control" ]; then
            configure zone
            nginx_start
            run_wrk limited-key unary 1
            both limits_1k "$rounds"
            configure
            nginx_start
        fi
        ;;

    keys)
        if [ -z "$control" ]; then
            both keys_1k "$rounds"
            both keys_all "$rounds"
            configure
            nginx_start
        fi
        ;;

    redis)
        if [ -z "$control" ]; then
            command -v redis-server > /dev/null || fail "no redis-server"
            $pin_load redis-server --port $redis_port --bind 127.0.0.1 \
                --save '' --dir "$work" > /dev/null &
            pids="$pids $!"
            sleep 1

            configure redis
            nginx_start
            run_wrk limited-key unary 1
            both redis_1k "$rounds"
            configure
            nginx_start
        fi
        ;;

    stream)
        nginx_start
        both streams "$stream_rounds"
        ;;

    translate)
        # the control speaks no protocol
        if [ -z "$control" ]; then
            both chat_claude_1k "$rounds"
            both messages_openai_1k "$rounds"
            nginx_start
            both chat_claude_streams "$stream_rounds"
            nginx_start
            both messages_openai_streams "$stream_rounds"
        fi
        ;;

    idle)
        run_idle gateway
        run_idle plain

        if [ -z "$control" ]; then
            run_idle_claude gateway
            run_idle_claude plain
        fi
        ;;

    queued)
        run_queued gateway
        run_queued plain
        ;;

    *)
        fail "no such target: $t"
        ;;

    esac
done

echo
mkdir -p build
report | tee build/bench.txt
