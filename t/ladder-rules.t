# What bounds the ladder, and what each rung may use: stop conditions, delays,
# clients that leave, backups, order.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;

$ENV{TEST_NGINX_HTML_DIR} ||= html_dir();

repeat_each(1);
no_shuffle();

($ENV{TEST_NGINX_FULL_PORT}, our $Full) = full_port();

run_tests();

__DATA__

=== TEST 1: nothing is replayed after the first content event
--- http_config eval
main::providers(map { $_ => 'timeout first_byte=300ms idle=300ms;' }
                    qw(cut reset stall bad err short))
. main::providers(spare => '')
. "llm_class default { retry 2 on=$::Kinds; $::All }\n"
. CORE::join('', map { "llm_model $_ { route $_; route spare priority=2;"
                 . " backup spare; }\n" } qw(cut reset stall bad err short))
. "llm_model spare { route spare; }\n" . $::Key
--- config eval: $::Route
--- provider
cut:
    sse
    data {"choices":[{"index":0,"delta":{"content":"one"}}]}
    pause 20
    cut
reset:
    sse
    data {"choices":[{"index":0,"delta":{"content":"one"}}]}
    pause 20
    reset
stall:
    sse
    data {"choices":[{"index":0,"delta":{"content":"one"}}]}
    hang
bad:
    sse
    data {"choices":[{"index":0,"delta":{"content":"one"}}]}
    pause 20
    data {"choices": [}
    done
err:
    sse
    data {"choices":[{"index":0,"delta":{"content":"one"}}]}
    pause 20
    data {"error":{"message":"of its own"}}
    done
short:
    length 1000
    header Content-Type: text/event-stream
    body data: {"choices":[{"index":0,"delta":{"content":"one"}}]}\n\n
    pause 20
    cut
spare:
    sse
    data {"choices":[{"index":0,"delta":{"content":"two"}}]}
    done
--- steps
my @names = qw(cut reset stall bad err short);

for my $m (@names) {
    my $r = main::chat(qq({"model": "$m", "messages": [], "stream": true}));

    is($r->{status}, 200, "$m: status");
    like($r->{content}, qr/"one"/, "$m: what came passed");
    like($r->{content}, qr/"error"/, "$m: the end is an error");
    unlike($r->{content}, qr/two/, "$m: nothing else follows");
    is($r->{headers}{'x-llm-rung'}, 'first', "$m: rung");
    is($r->{headers}{'x-llm-attempts'}, 1, "$m: attempts");
}

is(main::calls(), join(' ', map { "$_=1" } sort @names), 'calls');

for my $r (records(scalar @names)) {
    holds($r, 'status=200 outcome=truncated rung=first attempts.length=1'
              . ' attempts.0.error', "$r->{model}: record");
}
--- ladder


=== TEST 2: attempts stop the ladder, whatever rungs are left
--- http_config eval
main::providers(a => '', b => '') . CORE::join('', map {
    "llm_class c$_ { retry 15 on=5xx backoff=1ms,2ms; switch on=5xx;"
    . " attempts $_; }\nllm_key k$_ { secret plain:sk-$_; models *;"
    . " class c$_; }\n"
    . "llm_model m$_ { route a model=a$_; route b model=b$_ priority=2; }\n" } 1 .. 4)
--- config eval: $::Route
--- provider
a:
    status 500
    json {"error": {"message": "a"}}
b:
    status 500
    json {"error": {"message": "b"}}
--- steps
for my $n (1 .. 4) {
    my $r = main::chat(qq({"model": "m$n", "messages": []}), key => "sk-$n");

    is($r->{status}, 500, "$n: status");
    is($r->{content}, '{"error": {"message": "a"}}', "$n: the last answer");
    is($r->{headers}{'x-llm-attempts'}, $n, "$n: attempts");
    is($r->{headers}{'x-llm-rung'}, $n == 1 ? 'first' : 'retry', "$n: rung");
}

is(main::calls(), 'a=10', 'calls');

my $n = 0;

for my $r (records(4)) {
    my $last = $n++;
    holds($r, "attempts.length=$n outcome=upstream_error"
              . " attempts.$last.error~\"stopped by attempts\$\"",
          "$n: record");
}
--- ladder


=== TEST 3: retries are of a route: another one has its own
--- http_config eval
main::two('retry 2 on=5xx backoff=1ms,2ms; switch on=5xx; attempts 10;')
--- config eval: $::Route
--- provider
a:
    status 500
    json {}
b:
    status 503
    json {"last": "word"}
--- post: /v1/chat/completions
--- body eval: $::Ask
--- error_code: 503
--- response_body chomp
{"last": "word"}
--- calls: a=3 b=3
--- response_headers
X-LLM-Attempts: 6
X-LLM-Rung: retry
--- usage_log
attempts.length=6 attempts.2.rung=retry attempts.3.rung=switch
attempts.4.rung=retry attempts.5.error~"stopped by no_more_routes"


=== TEST 4: a breaker that opens ends retries that the class has left
--- http_config eval
main::providers(a => '') . 'llm_model m { route a; }' . $::Key
. 'llm_class default { retry 15 on=5xx backoff=1ms,1ms; attempts 16; }'
--- config eval: $::Route
--- provider
a:
    status 500
    json {}
--- post: /v1/chat/completions
--- body
{"model": "m", "messages": []}
--- error_code: 500
--- usage_log
attempts.length=5 attempts.4.error~no_more_routes$


=== TEST 5: the deadline ends an attempt that has not answered
--- http_config eval
main::two('retry 1 on=timeout; switch on=timeout; deadline 300ms;')
--- config eval: $::Route
--- provider
*:
    hang
--- post: /v1/chat/completions
--- body eval: $::Ask
--- error_code: 504
--- response_json
error.code=upstream_timeout error.message~deadline attempts.length=1
attempts.0.error~deadline
--- calls: a=1
--- provider_left: 1
--- error_log
stopped by deadline
--- error_log: deadline
--- usage_log
status=504 outcome=upstream_error code=upstream_timeout
attempts.0.error~"^timeout: .*stopped by deadline$"
latency_ms>280 latency_ms<600


=== TEST 6: it ends one whose connection hangs, and no other of its block is tried
--- http_config eval
"upstream full { server 127.0.0.1:\$TEST_NGINX_FULL_PORT;"
. " server 127.0.0.1:\$TEST_NGINX_FULL_PORT; }\n"
. main::providers(b => '') . "llm_provider a { protocol openai;"
. " pass http://full/v1; timeout connect=2s first_byte=2s; }\n"
. "llm_class default { switch on=$::Kinds; deadline 300ms; }\n"
. "llm_model m { route a; route b priority=2; }\n$::Key"
--- config eval: $::Route
--- provider eval: "b:\n    $::Ok"
--- post: /v1/chat/completions
--- body eval: $::Ask
--- error_code: 504
--- response_json
error.code=upstream_timeout attempts.length=1
--- calls: 0
--- usage_log
status=504 attempts.0.error~"stopped by deadline$"
latency_ms>280 latency_ms<600


=== TEST 7: it ends one that is held: a stream without content, half of a body
--- http_config eval
main::two('switch on=timeout; deadline 300ms;')
--- config eval: $::Route
--- provider
a stream:
    sse
    forever pause=30 body : ping\n\n
a:
    length 1000
    forever pause=30 body {
--- steps
for my $body ($::Ask, $::AskStream) {
    my $r = main::chat($body);
    is($r->{status}, 504, 'status');
    holds($r, 'error.code=upstream_timeout attempts.length=1');
}

for my $r (records(2)) {
    holds($r, 'status=504 outcome=upstream_error latency_ms>280'
              . ' latency_ms<600 attempts.0.status=200'
              . ' attempts.0.error~"stopped by deadline$"');
}


=== TEST 8: it does not cut what has begun to come
--- http_config eval
main::two('switch on=timeout; deadline 200ms;')
--- config eval: $::Route
--- provider
a:
    sse
    times 10 pause=50 data {"choices":[{"index":0,"delta":{"content":"{{i}}"}}]}
    done
--- post: /v1/chat/completions
--- body eval: $::AskStream
--- response_body_like: "10".*DONE
--- usage_log
outcome=ok latency_ms>400 !attempts.0.error


=== TEST 9: no retry is begun that would wait beyond it; one under way is cut
--- http_config eval
main::two('retry 9 on=5xx backoff=200ms,200ms; attempts 10; deadline 350ms;')
--- config eval: $::Route
--- provider
a:
    status 500
    json {"of": "its own"}
--- post: /v1/chat/completions
--- body eval: $::Ask
--- error_code_like: ^50[04]$
--- response_body_like: its own|deadline
--- calls: 2..4
--- usage_log
latency_ms<600 attempts.-1.error~"stopped by deadline$"


=== TEST 10: the retry budget stops it: three moves, or a share of requests
--- http_config eval
main::providers(c => '')
. main::two('retry 1 on=5xx backoff=1ms,2ms; retry_budget 50%;')
. "llm_class small { retry 1 on=5xx backoff=1ms,2ms; retry_budget 10%; }\n"
. "llm_key small { secret plain:sk-small; models *; class small; }\n"
. "llm_model s { route c; }\n"
--- config eval: $::Route
--- provider eval
"a #1-8:\n    $::Ok\n"
. CORE::join('', map { "a #$_:\n    status 500\n    json {}\n" } 9, 11, 13, 15)
. CORE::join('', map { "c #$_:\n    status 500\n    json {\"no\": 2}\n" } 1, 3, 5, 7)
. "a:\n    $::Ok\nc:\n    $::Ok"
--- steps
is(main::chat()->{headers}{'x-llm-rung'}, 'first', 'a is well') for 1 .. 8;
is(main::chat()->{headers}{'x-llm-rung'}, 'retry', 'half of 9 and more')
    for 1 .. 4;

for my $n (1 .. 4) {
    my $r = main::chat('{"model": "s", "messages": []}', key => 'sk-small');

    if ($n < 4) {
        is($r->{headers}{'x-llm-rung'}, 'retry', "three moves are free: $n");
        next;
    }

    is($r->{status}, 500, 'a tenth of 4 is none');
    is($r->{content}, '{"no": 2}', 'the answer passes');
    is($r->{headers}{'x-llm-attempts'}, 1, 'one attempt');
}

is(main::calls(), 'a=16 c=7', 'calls');
holds((records(16))[-1], 'attempts.0.error~"stopped by retry_budget$"');


=== TEST 11: a switch is counted where it goes
--- http_config eval
main::two('switch on=5xx; retry_budget 10%; last_resort on;')
--- config eval: $::Route
--- provider eval: "a:\n    status 500\n    json {}\nb:\n    $::Ok"
--- steps
is(main::chat()->{headers}{'x-llm-rung'}, 'switch', 'three are free')
    for 1 .. 3;
is(main::chat()->{status}, 500, 'b is to get no more');
is(main::calls(), 'a=4 b=3', 'calls');
holds((records(4))[-1], 'attempts.0.error~"stopped by retry_budget$"');


=== TEST 12: a back-off doubles up to its bound, half of it drawn
--- http_config eval
main::two('retry 4 on=5xx backoff=100ms,300ms; attempts 5;')
--- config eval: $::Route
--- provider
a:
    status 503
    json {}
--- steps
main::chat();
my @t = main::times();
my @gap = map { $t[$_ + 1] - $t[$_] } 0 .. $#t - 1;

is(scalar @gap, 4, 'four retries');
main::between($gap[0], 45, 190, 'first');
main::between($gap[1], 95, 290, 'second');
main::between($gap[2], 145, 390, 'third');
main::between($gap[3], 145, 390, 'fourth');


=== TEST 13: back-offs are not in step
--- http_config eval
main::two('retry 1 on=5xx backoff=200ms,200ms; last_resort on;')
--- config eval: $::Route
--- provider
a:
    status 503
    json {}
--- steps
my %gaps;

for (1 .. 6) {
    LLM::Provider::play("a #1:\n    status 503\n    json {}\na:\n    $::Ok");
    main::chat();
    $gaps{int(((main::times())[1] // 0) / 5)} = 1;
}

ok(keys %gaps > 2, 'delays differ');


=== TEST 14: Retry-After that the back-off has patience for is waited
--- http_config eval
main::two('retry 1 on=429 backoff=10ms,2s; switch on=429;')
--- config eval: $::Route
--- provider eval
"a #1:\n    status 429\n    header retry-after-ms: 400\n    json {}\n"
. "a:\n    $::Ok\nb:\n    $::Ok"
--- steps
is(main::chat()->{headers}{'x-llm-rung'}, 'retry', 'rung');
is(main::calls(), 'a=2', 'calls');
main::between((main::times())[1], 395, 700, 'waited');


=== TEST 15: Retry-After beyond it: another route at once
--- http_config eval
main::two('retry 1 on=429 backoff=10ms,20ms; switch on=429; deadline 10s;')
--- config eval: $::Route
--- provider eval
"a:\n    status 429\n    header Retry-After: 2\n    json {}\nb:\n    $::Ok"
--- steps
is(main::chat()->{headers}{'x-llm-rung'}, 'switch', 'rung');
is(main::calls(), 'a=1 b=1', 'calls');
main::between((main::times())[1], 0, 100, 'at once');


=== TEST 16: Retry-After beyond the deadline: another route at once
--- http_config eval
main::two('retry 1 on=429 backoff=10ms,10s; switch on=429; deadline 2s;')
--- config eval: $::Route
--- provider eval
"a:\n    status 429\n    header Retry-After: 5\n    json {}\nb:\n    $::Ok"
--- steps
is(main::chat()->{headers}{'x-llm-rung'}, 'switch', 'rung');
main::between((main::times())[1], 0, 100, 'at once');


=== TEST 17: and the provider's answer where there is no other route
--- http_config eval
main::two('retry 1 on=429 backoff=10ms,10s; deadline 2s;')
--- config eval: $::Route
--- provider
a:
    status 429
    header Retry-After: 5
    json {"of": "its own"}
--- post: /v1/chat/completions
--- body eval: $::Ask
--- error_code: 429
--- response_headers
Retry-After: 5
X-LLM-Attempts: 1
--- response_body chomp
{"of": "its own"}
--- usage_log
latency_ms<150 attempts.0.error~"^429: .*stopped by deadline$"


=== TEST 18: a long Retry-After is waited where nothing else is left, and the deadline has room
--- http_config eval
main::two('retry 1 on=429 backoff=10ms,20ms; deadline 3s;')
--- config eval: $::Route
--- provider eval
"a #1:\n    status 429\n    header Retry-After: 1\n    json {}\na:\n    $::Ok"
--- steps
is(main::chat()->{status}, 200, 'status');
main::between((main::times())[1], 990, 1400, 'waited');


=== TEST 19: the last failure is what the client gets, an answer or none
--- http_config eval
main::providers(b => '')
. "llm_provider a { protocol openai; pass http://127.0.0.1:1/v1; }\n"
. "llm_class default { switch on=connect,5xx; }\n$::Key"
. "llm_model ab { route a; route b priority=2; }\n"
. "llm_model ba { route b; route a priority=2; }\n"
--- config eval: $::Route
--- provider
b:
    status 503
    header X-Own: yes
    json {"error": {"message": "b is overloaded"}}
--- steps
my $r = main::chat('{"model": "ab", "messages": []}');

is($r->{status}, 503, 'status of b');
is($r->{content}, '{"error": {"message": "b is overloaded"}}', 'words of b');
is($r->{headers}{'x-own'}, 'yes', 'header of b');

$r = main::chat('{"model": "ba", "messages": []}');

is($r->{status}, 502, 'status of our own');
holds($r, 'error.code=upstream_error attempts.length=2 attempts.0.status=503'
          . ' !attempts.1.status attempts.0.provider=b attempts.1.provider=a'
          . ' decision.length=2');
is(main::calls(), 'b=2', 'calls');


=== TEST 20: each attempt has its provider's model, credential and path
--- http_config eval
main::providers(a => 'api_key sk-a; header X-Who a;', b => 'api_key sk-b;')
. "llm_class default { switch on=5xx; }\n"
. "llm_model m { route a model=gpt-a; route b model=gpt-b priority=2; }\n"
. $::Key
--- config eval: $::Route
--- provider eval: "a:\n    status 500\n    json {}\nb:\n    $::Ok"
--- post: /v1/chat/completions
--- body eval: $::Ask
--- response_headers
X-LLM-Upstream-Model: gpt-b
X-LLM-Provider: b
--- provider_json
#1 model=gpt-a
#2 model=gpt-b
--- steps
main::chat();
my @r = sent();
like($r[0]{raw}, qr/Bearer sk-a\r/, 'credential of a');
like($r[0]{raw}, qr/X-Who: a\r/, 'header of a');
like($r[1]{raw}, qr/Bearer sk-b\r/, 'credential of b');
unlike($r[1]{raw}, qr/sk-a|X-Who/, 'nothing of a');
is($r[1]{path}, '/b/v1/chat/completions', 'path');


=== TEST 21: a body is sent whole each time, from memory or from a file
--- http_config eval
main::two('retry 1 on=5xx backoff=1ms,2ms; switch on=5xx; attempts 4;')
--- config
    location /v1 {
        client_body_buffer_size  16k;
        llm_route;
    }
--- provider
a:
    status 500
    json {}
b:
    status 500
    json {}
--- steps
for my $size (10, 300_000) {
    my $text = 'x' x $size;

    LLM::Provider::play("a:\n    status 500\n    json {}\n"
                        . "b:\n    status 500\n    json {}");
    main::chat(qq({"model": "m", "messages": [], "user": "$text"}));

    my @r = sent();

    is(scalar @r, 4, "$size: requests");
    is(scalar(keys %{{ map { $_->{sha256} => 1 } @r }}), 1, "$size: the same");
    ok($r[3]{length} > $size, "$size: whole");
}


=== TEST 22: one line at warn for each move: what failed, what is next, why
--- http_config eval
main::two('retry 1 on=5xx backoff=1ms,2ms; switch on=5xx;')
--- config eval: $::Route
--- log_level: warn
--- provider eval: "a:\n    status 500\n    json {}\nb:\n    $::Ok"
--- post: /v1/chat/completions
--- body eval: $::Ask
--- grep_error_log eval: qr/\[warn\].*?llm attempt .*?class "\w+", \w+/
--- grep_error_log_out eval
my $line = sub {
    qr/\[warn\].* llm attempt $_[0] on route "m#1" failed, 5xx: [^;]*; next: $_[1] after \d+ ms, class "default", allowed\n/;
};
qr/\A${\$line->(1, 'retry')}${\$line->(2, 'switch')}\z/


=== TEST 23: variables tell rung, attempts and what stopped the ladder
--- http_config eval
"log_format ladder '\$llm_rung|\$llm_attempts|\$llm_reason|\$llm_outcome';\n"
. main::two('retry 1 on=5xx backoff=1ms,2ms; switch on=5xx;')
--- config
    location /v1 {
        access_log  logs/ladder.log ladder;
        llm_route;
    }
--- provider eval
"a:\n    status 500\n    json {}\nb #1:\n    $::Ok\n"
. "b:\n    status 500\n    json {}"
--- steps
my $file = $Test::Nginx::Util::ServRoot . '/logs/ladder.log';
my $skip = () = LLM::Steps::lines($file);

main::chat() for 1 .. 2;
wait_for(2, sub { $skip + 2 == (() = LLM::Steps::lines($file)) });

my @lines = LLM::Steps::lines($file);

like($lines[-2], qr/^switch\|3\|-\|ok$/, 'a good end');
like($lines[-1], qr/^switch\|3\|all attempts of the class were made\|upstream_error$/,
     'a bad one');


=== TEST 24: a client that leaves in a back-off
--- config
    location = / { return 204; }
--- provider
a:
    status 500
    json {}
--- steps
for my $how (qw(close reset)) {
    my $n = main::own(main::two('retry 1 on=5xx backoff=20s,20s;'));

    main::leave($n, 150, $how);
    holds((records(1, $n->usage_file))[0],
          'status=499 outcome=client_closed attempts.length=1 latency_ms<5000'
          . ' attempts.0.status=500 attempts.0.error~"^5xx"',
          $how);
    main::quits($n);
}

is(main::calls(), 'a=2', 'calls');


=== TEST 25: a client that leaves while a later rung is tried
--- config
    location = / { return 204; }
--- provider
a:
    status 500
    json {}
b:
    hang
--- steps
for my $body ($::Ask, $::AskStream) {
    my $n = main::own(main::two('switch on=5xx;'));

    main::leave($n, 150, 'close', $body);
    holds((records(1, $n->usage_file))[0],
          'status=499 outcome=client_closed attempts.length=2 rung=switch'
          . ' latency_ms<600 attempts.0.status=500 attempts.1.error');
    main::quits($n);
}

wait_for(2, sub { 2 == (() = LLM::Provider::left()) });
is(scalar(my @l = LLM::Provider::left()), 2, 'b was left');


=== TEST 26: a reload in a back-off: the old worker goes on
--- config
    location = / { return 204; }
--- provider eval: "a #1:\n    status 500\n    json {}\na:\n    $::Ok"
--- steps
my $http = main::two('retry 1 on=5xx backoff=1s,1s;');
my $n = main::own($http);
my $pid = fork // die;

if ($pid == 0) {
    select undef, undef, undef, 0.2;
    $n->reload;
    require POSIX;
    POSIX::_exit(0);
}

my $r = main::chat(undef, port => $n->port);
waitpid $pid, 0;

is($r->{status}, 200, 'status');
is($r->{headers}{'x-llm-rung'}, 'retry', 'rung');
main::quits($n);


=== TEST 27: a pooled connection that dies is no attempt of the ladder
--- http_config eval
"upstream pool { server 127.0.0.1:\$TEST_NGINX_PROVIDER_PORT; keepalive 4; }\n"
. main::providers(b => '')
. "llm_provider a { protocol openai; pass http://pool/a/v1; }\n"
. "llm_class default { retry 2 on=$::Kinds backoff=1ms,2ms; $::All }\n"
. "llm_model m { route a; route b priority=2; price input=1 output=2; }\n"
. $::Key
--- config eval: $::Route
--- provider eval
"a #1:\n    $::Ok\na #2:\n    cut\na #3:\n    $::Ok\na #4:\n    cut\n"
. "a #5:\n    cut\na:\n    $::Ok\nb:\n    $::Ok"
--- steps
my $r = main::chat();
is($r->{headers}{'x-llm-attempts'}, 1, 'well');

$r = main::chat();
is($r->{headers}{'x-llm-attempts'}, 1, 'a pooled connection was cut');
is($r->{headers}{'x-llm-rung'}, 'first', 'rung');
is($r->{headers}{'x-llm-cost'}, '0.000014', 'cost');

$r = main::chat();
is($r->{headers}{'x-llm-attempts'}, 2, 'and so was the one after it');
is($r->{headers}{'x-llm-rung'}, 'retry', 'rung');

is(main::calls(), 'a=6', 'calls');

my @r = records(3);
holds($r[1], 'attempts.length=1 !attempts.0.error cost=0.000014');
holds($r[2], 'attempts.length=2 attempts.0.error~"^reset:"');


=== TEST 28: a backup is for its classes only, and not for keys that deny it
--- http_config eval
main::providers(a => '', b => '') . <<'_EOC_' . $::Key;
    llm_class one { backup on=5xx; }
    llm_class two { backup on=5xx; }

    llm_model m     { route a model=x; backup other class=one; }
    llm_model other { route b; }

    llm_key one   { secret plain:sk-one; models m; class one; }
    llm_key two   { secret plain:sk-two; models m; class two; }
    llm_key deny  { secret plain:sk-deny; models *; deny oth*; class one; }
_EOC_
--- config eval: $::Route
--- provider eval
"a:\n    status 500\n    json {\"a\": 1}\nb:\n    $::Ok"
--- steps
my $r = main::chat(undef, key => 'sk-one');
is($r->{status}, 200, 'one: status');
is($r->{headers}{'x-llm-rung'}, 'backup', 'one: rung');
is($r->{headers}{'x-llm-model'}, 'm', 'one: the model that was asked for');
is($r->{headers}{'x-llm-upstream-model'}, 'other', 'one: upstream model');

for my $key (qw(two deny test)) {
    $r = main::chat(undef, key => "sk-$key");
    is($r->{status}, 500, "$key: status");
    is($r->{content}, '{"a": 1}', "$key: the answer");
    is($r->{headers}{'x-llm-attempts'}, 1, "$key: attempts");
}

is(main::calls(), 'a=4 b=1', 'calls');

my @r = records(4);
holds($r[0], 'model=m upstream_model=other rung=backup provider=b');
holds($r[1], 'attempts.0.error~"stopped by no_more_routes$"');
holds($r[2], 'attempts.0.error~"stopped by no_more_routes$"');
holds($r[3], 'attempts.0.error~"stopped by class$"');


=== TEST 29: what the class requires holds on every rung
--- http_config eval
main::providers(us => 'tag region=us;', eu => 'tag region=eu zero=yes;',
                both => 'tag region=eu;', free => '') . <<'_EOC_' . $::Key;
    llm_class default { require region=eu; switch on=5xx; backup on=5xx;
                        attempts 5; }

    llm_model m { route us; route both priority=2; route free priority=3;
                  backup b1; backup b2; backup b3; }
    llm_model b1 { route free; route us; }
    llm_model b2 { route us; route eu priority=2; }
    llm_model b3 { route both; }
    llm_model us { route us; route free; }
_EOC_
--- config eval: $::Route
--- provider
both:
    status 500
    json {"error": {"message": "both"}}
eu:
    status 500
    json {"error": {"message": "eu"}}
*:
    json {}
--- steps
my $r = main::chat();

is($r->{content}, '{"error": {"message": "both"}}', 'the last one');
is($r->{headers}{'x-llm-attempts'}, 3, 'attempts');
is(main::calls(), 'both=2 eu=1', 'calls');

$r = main::chat('{"model": "us", "messages": []}');
is($r->{status}, 503, 'no route at all');
holds($r, 'error.code=no_route decision.length=2'
          . ' decision.0.kept=false decision.0.reason=tag_missing'
          . ' decision.1.kept=false decision.1.reason=tag_missing');

my @r = records(2);
holds($r[0], 'attempts.0.provider=both attempts.1.provider=eu'
             . ' attempts.2.provider=both attempts.2.rung=backup');
holds($r[1], 'outcome=rejected code=no_route attempts.length=0');


=== TEST 30: backups are tried in order, with all their routes
--- http_config eval
main::providers(a => '', b => '', c => '', d => '') . <<'_EOC_' . $::Key;
    llm_class default { switch on=5xx; backup on=5xx,context; attempts 9; }

    llm_model m  { route a; backup b1; backup b2; }
    llm_model b1 { route b; route c priority=2; }
    llm_model b2 { route d; }
_EOC_
--- config eval: $::Route
--- provider eval
"a:\n    status 500\n    json {}\nb:\n    status 500\n    json {}\n"
. "c:\n    status 500\n    json {}\nd:\n    $::Ok"
--- post: /v1/chat/completions
--- body eval: $::Ask
--- calls: a=1 b=1 c=1 d=1
--- response_headers
X-LLM-Rung: backup
X-LLM-Attempts: 4
--- usage_log
attempts.1.rung=backup attempts.2.rung=switch attempts.3.rung=backup
attempts.3.upstream_model=b2


=== TEST 31: a route that lacks what the request asks for is not used on any rung
--- http_config eval
main::providers(a => '', b => '', c => '', d => '') . <<'_EOC_' . $::Key;
    llm_class default { switch on=5xx; backup on=5xx; attempts 9; }

    llm_model m { route a; route b priority=2 without=tools;
                  route c priority=3 context=10; route d priority=4; }
_EOC_
--- config eval: $::Route
--- provider eval
"a:\n    status 500\n    json {\"error\":{\"message\":\"no\"}}\n"
. "b:\n    status 500\n    json {\"error\":{\"message\":\"no\"}}\n"
. "c:\n    status 500\n    json {\"error\":{\"message\":\"no\"}}\n"
. "d:\n    $::Ok"
--- steps
my $text = 'word ' x 100;
my $tool = '"tools": [{"type": "function", "function": {"name": "f"}}]';

main::chat('{"model": "m", "messages": []}');
is(main::calls(), 'a=1 b=1 c=1 d=1', 'nothing asked');

main::chat(qq({"model": "m", "messages": [], $tool}));
is(main::calls(), 'a=2 b=1 c=1 d=2', 'tools, and too long for c');

main::chat(qq({"model": "m", "messages": [{"role": "user", "content": "$text"}]}));
is(main::calls(), 'a=3 b=2 c=1 d=3', 'a long prompt');


=== TEST 32: order price: the cheapest first, then the next
--- user_files
>>> prices.json
{"cheap": {"input_cost_per_token": 1e-7, "output_cost_per_token": 1e-7},
 "mid":   {"input_cost_per_token": 2e-7, "output_cost_per_token": 2e-7},
 "dear":  {"input_cost_per_token": 3e-7, "output_cost_per_token": 9e-7}}
--- http_config eval
"llm_prices \$TEST_NGINX_HTML_DIR/prices.json;\n"
. main::providers(a => '', b => '', c => '', d => '') . <<'_EOC_' . $::Key;
    llm_class default { switch on=5xx; order price; attempts 4; }

    llm_model m { route a model=dear; route b model=mid; route c model=cheap;
                  route d model=unknown; }
_EOC_
--- config eval: $::Route
--- provider eval
CORE::join '', map { "$_:\n    status 500\n    json {}\n" } qw(a b c d)
--- steps
main::chat();
holds((records(1))[0], 'attempts.0.provider=c attempts.1.provider=b'
                       . ' attempts.2.provider=a attempts.3.provider=d');


=== TEST 33: order price: by what captures of an alias name
--- user_files
>>> prices.json
{"cheap-one": {"input_cost_per_token": 1e-7, "output_cost_per_token": 1e-7},
 "dear-one":  {"input_cost_per_token": 3e-7, "output_cost_per_token": 9e-7},
 "mid":       {"input_cost_per_token": 2e-7, "output_cost_per_token": 2e-7}}
--- http_config eval
"llm_prices \$TEST_NGINX_HTML_DIR/prices.json;\n"
. main::providers(a => '', b => '', c => '', d => '') . <<'_EOC_' . $::Key;
    llm_class default { switch on=5xx; order price; attempts 4; }

    llm_model m { alias "~^m-(.*)$"; route a model=dear-$1; route b model=mid;
                  route c model=cheap-$1; route d model=unknown-$1; }
_EOC_
--- config eval: $::Route
--- provider eval
CORE::join '', map { "$_:\n    status 500\n    json {}\n" } qw(a b c d)
--- steps
main::chat('{"model": "m-one", "messages": []}');
holds((records(1))[0], 'attempts.0.provider=c attempts.1.provider=b'
                       . ' attempts.2.provider=a attempts.3.provider=d');


=== TEST 34: order least_inflight: the one that is not at work
--- http_config eval
main::providers(a => '', b => '')
. "llm_class default { order least_inflight; }\n"
. "llm_model m { route a; route b; }\n$::Key"
--- config eval: $::Route
--- provider eval: "* #1:\n    hang\n*:\n    $::Ok"
--- steps
my $s = LLM::Client::connection($Test::Nginx::Util::ServerPort);

print $s "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n"
         . "Authorization: Bearer sk-test\r\nContent-Length: "
         . length($::Ask) . "\r\n\r\n$::Ask";
$s->flush;
wait_for(2, sub { scalar sent() });

my $first = (sent())[0]{name};
my $other = $first eq 'a' ? 'b' : 'a';

sleep 1;
is(main::calls(), "$first=1", 'one hangs');

# each scenario's first call hangs: the other's is left to time out

my $t = LLM::Client::connection($Test::Nginx::Util::ServerPort);

print $t "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n"
         . "Authorization: Bearer sk-test\r\nContent-Length: "
         . length($::Ask) . "\r\n\r\n$::Ask";
$t->flush;
wait_for(2, sub { sent() > 1 });
is(main::calls(), 'a=1 b=1', 'the second goes to the other');
close $t;
wait_for(2, sub { scalar LLM::Provider::left() });

main::chat() for 1 .. 6;
is(main::calls() =~ /$other=(\d+)/ ? $1 : 0, 7, 'and so do all others');
close $s;
records(8);


=== TEST 35: order latency: the faster one
--- http_config eval
main::providers(a => '', b => '')
. "llm_class default { order latency; }\n"
. "llm_model m { route a; route b; }\n$::Key"
--- config eval: $::Route
--- provider eval: "a:\n    pause 150\n    $::Ok\nb:\n    $::Ok"
--- steps
main::chat() for 1 .. 12;

my $calls = LLM::Provider::calls();

main::between($calls->{a} // 0, 0, 2, 'the slow one was measured');
main::between($calls->{b} // 0, 10, 12, 'the fast one was used');


=== TEST 36: order weight: a draw for each request, and for each move
--- http_config eval
main::providers(a => '', b => '', c => '')
. "llm_class default { switch on=5xx; last_resort on; }\n"
. "llm_model m { route a weight=3; route b weight=1; route c weight=0; }\n"
. $::Key
--- config eval: $::Route
--- provider eval: "a:\n    $::Ok\nb:\n    $::Ok\nc:\n    $::Ok"
--- steps
main::chat() for 1 .. 80;

my $calls = LLM::Provider::calls();

main::between($calls->{a}, 45, 75, 'three quarters');
main::between($calls->{b}, 5, 35, 'one quarter');
is($calls->{c} // 0, 0, 'none for a weight of 0');


=== TEST 37: other protocols move alike, and their errors pass as they are
--- http_config eval
CORE::join('', map { <<"_EOC_" } qw(a b))
    llm_provider c$_ { protocol anthropic;
        pass http://127.0.0.1:\$TEST_NGINX_PROVIDER_PORT/c$_/v1; }
    llm_provider g$_ { protocol gemini;
        pass http://127.0.0.1:\$TEST_NGINX_PROVIDER_PORT/g$_/v1beta; }
_EOC_
. "llm_class default { switch on=5xx,invalid,429; }\n"
. "llm_model claude { route ca; route cb priority=2; }\n"
. "llm_model gemini { route ga; route gb priority=2; }\n$::Key"
--- config eval: $::Route
--- provider
ca stream:
    sse
    event error {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}
ca:
    status 529
    json {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}
cb #1-2 stream:
    sse
    typed {"type":"message_start","message":{"id":"1","type":"message","role":"assistant","content":[],"model":"c","usage":{"input_tokens":5,"output_tokens":1}}}
    typed {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}
    typed {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"well"}}
    typed {"type":"content_block_stop","index":0}
    typed {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}
    typed {"type":"message_stop"}
cb #1-2:
    json {"id":"1","type":"message","role":"assistant","content":[{"type":"text","text":"well"}],"usage":{"input_tokens":5,"output_tokens":2}}
cb:
    status 529
    json {"type":"error","error":{"type":"overloaded_error","message":"b, too"}}
ga:
    status 503
    json {"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}
gb #1:
    json {"candidates":[{"content":{"parts":[{"text":"well"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":2}}
gb:
    status 503
    json {"error":{"code":503,"message":"b, too","status":"UNAVAILABLE"}}
--- steps
my $ask = '{"model": "claude", "max_tokens": 9, "messages": []}';
my $gem = '/v1/models/gemini:generateContent';

for my $body ($ask, $ask =~ s/9,/9, "stream": true,/r) {
    my $r = post('/v1/messages', $body);
    is($r->{status}, 200, 'anthropic: status');
    like($r->{content}, qr/well/, 'anthropic: content');
    is($r->{headers}{'x-llm-rung'}, 'switch', 'anthropic: rung');
}

my $r = post('/v1/messages', $ask);
is($r->{status}, 529, 'anthropic: no other is left');
is($r->{content}, '{"type":"error","error":{"type":"overloaded_error",'
                  . '"message":"b, too"}}', 'anthropic: its words');

$r = post($gem, '{"contents": []}');
is($r->{status}, 200, 'gemini: status');
is($r->{headers}{'x-llm-rung'}, 'switch', 'gemini: rung');

$r = post($gem, '{"contents": []}');
is($r->{status}, 503, 'gemini: no other is left');
holds($r, 'error.message="b, too"', 'gemini: its words');


=== TEST 38: what has to stay with its route stays there
--- http_config eval
main::providers(a => '', b => '')
. "llm_class default { retry 1 on=5xx backoff=1ms,2ms; switch on=5xx;"
. " backup on=5xx; }\n"
. "llm_model m { route a; route b priority=2; backup other; }\n"
. "llm_model other { route b; }\n$::Key"
--- config eval: $::Route
--- provider
a #1:
    json {"id":"resp_1","object":"response","status":"completed","output":[]}
a:
    status 500
    json {"error": {"message": "a"}}
b:
    json {"id":"resp_2","object":"response","status":"completed","output":[]}
--- steps
my $r = post('/v1/responses', '{"model": "m", "input": "a"}');
my $id = $r->{json}{id};

like($id, qr/^resp_1/, 'made by a');

$r = get("/v1/responses/$id");
is($r->{status}, 500, 'asked for: status');
is($r->{content}, '{"error": {"message": "a"}}', 'asked for: of a');

$r = post('/v1/responses',
          qq({"model": "m", "input": "a", "previous_response_id": "$id"}));
is($r->{status}, 500, 'gone on with: status');
is(main::calls(), 'a=5', 'calls');


=== TEST 39: requests that follow each other on one connection, through back-off and queue
--- config eval: $::Here
--- provider eval
CORE::join('', map { "a #$_:\n    status 500\n    json {}\n" } 1, 3, 5)
. "a:\n    pause 50\n    $::Ok\nb:\n    pause 50\n    $::Ok"
--- steps
my $n = main::own(main::two('retry 1 on=5xx backoff=50ms,50ms; queue 5s;',
                            b => 'limit inflight=1;')
                  . "llm_model q { route b; }\n");
my $one = sub {
    my ($model, $more) = @_;
    my $body = qq({"model": "$model", "messages": []});

    return 'send POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n' . $more
           . 'Authorization: Bearer sk-test\r\nContent-Length: '
           . length($body) . '\r\n\r\n' . "$body\n";
};

my $got = LLM::Client::run($n->port, $one->('m', '') x 2
                           . $one->('m', 'Connection: close\r\n') . "end\n", 5);

is(scalar(() = $got =~ /HTTP\/1\.1 200/g), 3, 'three answers');
is(scalar(() = $got =~ /X-LLM-Rung: retry/g), 3, 'after a retry each');

my @c = map {
    my $pid = open my $fh, '-|' // die;

    if (!$pid) {
        print LLM::Client::run($n->port, $one->('q', '') x 2
                               . $one->('q', 'Connection: close\r\n')
                               . "end\n", 5);
        close STDOUT;
        POSIX::_exit(0);
    }

    $fh;
} 1 .. 3;

for my $fh (@c) {
    local $/;
    is(scalar(() = <$fh> =~ /HTTP\/1\.1 200/g), 3, 'three from the queue');
}

is(main::calls(), 'a=6 b=9', 'calls');
main::quits($n);


=== TEST 40: HTTP/2: streams of one connection wait by themselves
--- config eval: $::Here
--- provider eval
"a:\n    status 500\n    json {}\nb:\n    pause 100\n    $::Ok\n"
. "c #1:\n    status 500\n    json {}\nc:\n    $::Ok"
--- steps
my $port = LLM::Port::take();
my $n = main::own(main::providers(a => '', b => 'limit inflight=1;', c => '')
                  . <<"_EOC_");
    llm_class default { queue 5s; }
    llm_class short   { retry 1 on=5xx backoff=200ms,200ms; }
    llm_class long    { retry 1 on=5xx backoff=20s,20s; }

    llm_model a { route a; }
    llm_model b { route b; }
    llm_model c { route c; }

    llm_key caller { secret plain:sk-test; models *; }
    llm_key short  { secret plain:sk-short; models *; class short; }
    llm_key long   { secret plain:sk-long; models *; class long; }

    server {
        listen 127.0.0.1:$port http2;
$::Route
    }
_EOC_

require LLM::Http2;

my $h = LLM::Http2->new($port);
my $post = sub {
    my ($model, $key) = @_;

    return $h->post('/v1/chat/completions',
                    qq({"model": "$model", "messages": []}),
                    'content-type' => 'application/json',
                    authorization => "Bearer sk-$key");
};

my $long = $post->('a', 'long');
my @queue = map { $post->('b', 'test') } 1 .. 4;
my $short = $post->('c', 'short');

wait_for(2, sub { sent() >= 3 });
$h->reset($long);
$h->reset($queue[2]);
$h->wait($short, @queue[0, 1, 3]);

like($h->body($_), qr/well/, "stream $_ was served")
    for $short, @queue[0, 1, 3];
is($h->ended($short), 'end', 'with its end');
is(main::calls(), 'a=1 b=3 c=2', 'calls');

my @r = records(6, $n->usage_file);
my @left = grep { $_->{outcome} eq 'client_closed' } @r;

is(scalar @left, 2, 'two have left');
holds($_, 'status=499 latency_ms<1000') for @left;
is(scalar(grep { $_->{outcome} eq 'ok' } @r), 4, 'four were served');

undef $h;
main::quits($n);


=== TEST 41: a reload in the middle of a stream
--- config eval: $::Here
--- provider eval
"a stream:\n    status 500\n    json {}\nb stream:\n    sse\n"
. '    times 20 pause=50 data {"choices":[{"index":0,"delta":{"content":"{{i}}"}}]}'
. "\n    done"
--- steps
my $n = main::own(main::two('switch on=5xx;'));
my $c = main::start($n->port, $::AskStream);

wait_for(2, sub { sent() == 2 });
$n->reload;

my $r = main::answer($c);

is($r->{status}, 200, 'status');
like($r->{content}, qr/"20".*DONE/s, 'to its end');
holds((records(1, $n->usage_file))[0], 'outcome=ok rung=switch');
main::quits($n);
