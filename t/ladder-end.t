# How ladders end: a provider's error that was given up for a rung which then
# could not be taken is still the client's answer.  And what takes its time to
# show: bodies without an end, upstreams that fail by half, breakers that open
# again, minutes that are used up.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;

repeat_each(1);
no_shuffle();

our $Error = '{"error": {"message": "its own words", "code": "x"}}';

sub fails {
    my ($status, @more) = @_;

    return join "\n    ", "status $status", 'header X-Own: kept', @more,
                          "json $Error\n";
}

# the provider's answer, as it came

sub passed {
    my ($r, $status, $name) = @_;

    LLM::Steps::is($r->{status}, $status, "$name: status");
    LLM::Steps::is($r->{content}, $Error, "$name: its own words");
    LLM::Steps::is($r->{headers}{'x-own'}, 'kept', "$name: its header");
    LLM::Steps::is($r->{headers}{'content-type'}, 'application/json',
                   "$name: type");
}

sub stopped {
    my ($r, $say, $name) = @_;

    LLM::Steps::holds($r, "outcome=upstream_error !code cost=0 $say", $name);
}

run_tests();

__DATA__

=== TEST 1: a breaker that opens in a back-off: the error that came passes
--- http_config eval
main::providers(a => '') . <<"_EOC_" . $::Key
    llm_class default { retry 1 on=5xx backoff=1s,1s; }
    llm_class plain   { retry off; }
    llm_model m       { route a; price input=1 output=2; }
    llm_key other     { secret plain:sk-other; models *; class plain; }
_EOC_
--- config eval: $::Route
--- provider eval: "a:\n    " . main::fails(500)
--- steps
my $c = main::start($Test::Nginx::Util::ServerPort);

select undef, undef, undef, 0.1;
main::chat(undef, key => 'sk-other') for 1 .. 4;

main::passed(main::answer($c), 500, 'after the back-off');
is(main::calls(), 'a=5', 'no retry');

my @r = records(5);

main::stopped($r[4], 'status=500 attempts.length=1 rung=first latency_ms>400'
                     . ' attempts.0.error~"stopped by class$"', 'its record');


=== TEST 2: a rung that has no room: the error that came passes
--- http_config eval
main::two('switch on=5xx;', b => 'limit rpm=1;') . "llm_model n { route b; }\n"
--- config eval: $::Route
--- provider eval
"a:\n    " . main::fails(503) . "b:\n    $::Ok"
--- steps
is(main::chat('{"model": "n", "messages": []}')->{status}, 200, 'fills b');

my $r = main::chat();

main::passed($r, 503, 'b is full');
is($r->{headers}{'x-llm-attempts'}, 1, 'attempts');
is($r->{headers}{'x-llm-provider'}, 'a', 'provider');
is($r->{headers}{'retry-after'}, 1, 'Retry-After');
is(main::calls(), 'a=1 b=1', 'calls');

my @r = records(2);

main::stopped($r[1], 'status=503 attempts.length=1'
                     . ' attempts.0.error~"stopped by no_more_routes$"',
              'its record');


=== TEST 3: a queue in which no room comes: the 429 that came passes
--- http_config eval
main::providers(a => '') . <<"_EOC_" . $::Key
    llm_class default { queue 300ms on=429; }
    llm_class hurry   { queue 5s on=429; deadline 300ms; }
    llm_class narrow  { queue 5s on=429 size=1; }
    llm_model m       { route a; price input=1 output=2; }
    llm_model n       { route a model=n; price input=1 output=2; }
    llm_key hurry     { secret plain:sk-hurry; models *; class hurry; }
    llm_key narrow    { secret plain:sk-narrow; models *; class narrow; }
_EOC_
--- config eval: $::Route
--- provider eval
"a:\n    " . main::fails(429, 'header retry-after-ms: 2500')
--- steps
my $r = main::chat();

main::passed($r, 429, 'queue_timeout');
is($r->{headers}{'retry-after'}, 3, 'Retry-After, in seconds');
main::passed(main::chat('{"model": "n", "messages": []}', key => 'sk-hurry'),
             429, 'deadline');
is(main::calls(), 'a=2', 'calls');

my @r = records(2);

main::stopped($r[0], 'status=429 queue_ms>250 attempts.length=1'
                     . ' attempts.0.error~"stopped by queue$"', 'its record');
main::stopped($r[1], 'status=429 queue_ms>250 attempts.length=1'
                     . ' attempts.0.error~"stopped by deadline$"',
              'its record');


=== TEST 4: a 429 and a 503 without Retry-After get what is known
--- http_config eval
main::providers(a => '', b => '', c => '')
. CORE::join('', map { "llm_model $_ { route $_; }\n" } qw(a b c)) . $::Key
--- config eval: $::Route
--- provider eval
"a:\n    " . main::fails(429)
. "b:\n    status 429\n    json {\"error\":{\"details\":[{\"retryDelay\":"
. "\"34.4s\"}]}}\n"
. "c:\n    " . main::fails(503, 'header Retry-After: 7')
--- steps
my @s = map { main::chat(qq({"model": "$_", "messages": []}))
                  ->{headers}{'retry-after'} } qw(a b c);

is(CORE::join(' ', @s), '1 35 7', 'Retry-After');


=== TEST 5: an error in pieces is judged whole, and passes whole
--- http_config eval
main::two('switch on=429;', b => 'limit rpm=1;')
. "llm_model n { route b; }\n"
--- config eval: $::Route
--- provider
a:
    status 429
    header Content-Type: application/json
    chunked
    text {"error": {"code": "insuff
    pause 20
    text icient_quota"}}
b:
    json {"choices":[{"index":0,"message":{"content":"well"}}]}
--- steps
main::chat('{"model": "n", "messages": []}');

my $r = main::chat();

is($r->{status}, 429, 'status');
is($r->{content}, '{"error": {"code": "insufficient_quota"}}', 'body');

$r = main::chat();
is($r->{json}{error}{code}, 'insufficient_quota', 'and so it is forced later');
--- error_log
llm account of provider "a" is used up


=== TEST 6: a body without an end: the deadline ends it, and money is counted
--- http_config eval
main::providers(a => '', b => '') . <<"_EOC_" . $::Key
    llm_class default { deadline 400ms; switch on=timeout; }
    llm_model m       { route a; route b priority=2; price input=1 output=2; }
_EOC_
--- config eval: $::Route
--- provider eval
"a unary:\n    chunked\n    header Content-Type: application/json\n"
. "    text {\"choices\":[{\"message\":{\"content\":\"\n"
. "    forever pause=20 text aaaa\n"
. "a stream:\n    sse\n    forever pause=20 body : ping\\n\\n\nb:\n    $::Ok"
--- steps
for my $ask ($::Ask, $::AskStream) {
    my $r = main::chat($ask);

    is($r->{status}, 504, 'status');
    holds($r, 'error.code=upstream_timeout attempts.length=1'
              . ' attempts.0.error~"stopped by deadline$"');
}

is(main::calls(), 'a=2', 'calls');
wait_for(2, sub { LLM::Provider::left() == 2 });
is(LLM::Provider::left(), 2, 'the provider is left');

my @r = records(2);

for my $r (@r) {
    holds($r, 'outcome=upstream_error code=upstream_timeout status=504'
              . ' estimated=true latency_ms>350 latency_ms<2000');
    is($r->{cost}, $r->{attempts}[0]{cost}, 'cost is the attempt\'s');
}


=== TEST 7: half of twenty fail: the breaker opens, though never five in a row
--- http_config eval
main::providers(a => '') . <<"_EOC_" . $::Key
    llm_class default { last_resort off; }
    llm_model m       { route a; price input=1 output=2; }
_EOC_
--- config eval: $::Route
--- provider eval
CORE::join('', map { "a #$_:\n    " . ($_ % 2 ? $::Ok : "status 500\n    json {}")
                     . "\n" } 1 .. 40)
--- steps
my @s = map { main::chat()->{status} } 1 .. 19;

is(scalar(grep { $_ == 200 } @s), 10, 'ten are well');
is(main::chat()->{status}, 500, 'the twentieth');

my $r = main::chat();

is($r->{status}, 503, 'then it is open');
holds($r, 'error.code=no_route decision.0.reason=breaker_open');
main::between($r->{headers}{'retry-after'}, 5, 6, 'Retry-After');
is(main::calls(), 'a=20', 'calls');

my @r = records(21);

holds($r[20], 'outcome=rejected code=no_route attempts.length=0 status=503');
is(scalar(grep { $_->{outcome} eq 'ok' && $_->{cost} eq '0.000014' } @r), 10,
   'cost of those that are well');
is(scalar(grep { $_->{outcome} eq 'upstream_error' && $_->{cost} eq '0' } @r),
   10, 'and of the others');


=== TEST 8: a probe that fails doubles the time for which it is open
--- http_config eval
main::providers(a => '') . <<"_EOC_" . $::Key
    llm_class default { last_resort off; }
    llm_model m       { route a; }
_EOC_
--- config eval: $::Route
--- provider eval: "a:\n    status 500\n    json {}"
--- timeout: 30
--- steps
main::chat() for 1 .. 5;
main::between(main::chat()->{headers}{'retry-after'}, 5, 6, 'the first time');

select undef, undef, undef, 5.6;
is(main::chat()->{status}, 500, 'the probe');
main::between(main::chat()->{headers}{'retry-after'}, 10, 11, 'the second');
is(main::calls(), 'a=6', 'calls');


=== TEST 9: tokens a minute: who waits is served when less was used
--- http_config eval
main::providers(a => 'limit tpm=1000;') . <<"_EOC_" . $::Key
    llm_class default { queue 5s on=limit; }
    llm_model m       { route a; price input=1 output=2; max_tokens 900; }
_EOC_
--- config eval: $::Route
--- provider eval: "a #1:\n    pause 400\n    $::Ok\na:\n    $::Ok"
--- steps
my $c = main::start($Test::Nginx::Util::ServerPort);

select undef, undef, undef, 0.1;

my $r = main::chat();

is($r->{status}, 200, 'status');
is($r->{headers}{'x-llm-rung'}, 'first', 'rung');
is(main::answer($c)->{status}, 200, 'the first');
is(main::calls(), 'a=2', 'calls');

my @r = records(2);

my ($waited) = grep { $_->{queue_ms} } @r;

holds($waited, 'outcome=ok queue_ms>200 queue_ms<2000 attempts.length=1'
             . ' cost=0.000014');


=== TEST 10: requests a minute: who waits in vain is told for how long
--- http_config eval
main::providers(a => 'limit rpm=1;') . <<"_EOC_" . $::Key
    llm_class default { queue 300ms on=limit; }
    llm_model m       { route a; price input=1 output=2; }
_EOC_
--- config eval: $::Route
--- provider eval: "a:\n    $::Ok"
--- steps
is(main::chat()->{status}, 200, 'the one');

my $r = main::chat();

is($r->{status}, 429, 'status');
holds($r, 'error.code=queue_timeout decision.0.reason=account_full');
main::between($r->{headers}{'retry-after'}, 55, 61, 'Retry-After');
is(main::calls(), 'a=1', 'calls');

my @r = records(2);

holds($r[1], 'outcome=rejected code=queue_timeout status=429 queue_ms>250'
             . ' attempts.length=0 cost=0');


=== TEST 11: a client that leaves while the connection hangs
--- config eval: $::Here
--- provider eval: "a:\n    $::Ok"
--- steps
my ($port, $full) = LLM::Ladder::full_port();
my $n = main::own(<<"_EOC_" . $::Key);
    llm_provider a { protocol openai; pass http://127.0.0.1:$port/v1;
                     timeout connect=5s; }
    llm_class default { retry 3 on=connect; }
    llm_model m { route a; }
_EOC_

main::leave($n, 100, 'close');

my @r = records(1, $n->usage_file);

holds($r[0], 'outcome=client_closed attempts.length=1 latency_ms<2000');
main::quits($n);


=== TEST 12: an error of another protocol passes in the client's words
--- http_config eval
<<"_EOC_" . $::Key
    llm_provider a {
        protocol  anthropic;
        pass      http://127.0.0.1:\$TEST_NGINX_PROVIDER_PORT/a/v1;
    }

    llm_class default { queue 300ms on=429; }
    llm_model m       { route a; price input=1 output=2; }
_EOC_
--- config eval: $::Route
--- provider
a:
    status 429
    json {"type":"error","error":{"type":"rate_limit_error","message":"slower"}}
--- steps
my $r = main::chat('{"model": "m", "max_tokens": 5, "messages": '
                   . '[{"role": "user", "content": "a"}]}');

is($r->{status}, 429, 'status');
holds($r, 'error.message~slower error.type !type');
is($r->{headers}{'content-type'}, 'application/json', 'type');
is($r->{headers}{'content-length'}, length $r->{content}, 'length');

my @r = records(1);

main::stopped($r[0], 'status=429 attempts.length=1'
                     . ' attempts.0.error~"stopped by queue$"', 'its record');
