# Health: breakers, pauses that providers ask for, credentials, accounts that
# are full.  What one worker learns all of them know, and a reload forgets
# nothing.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;

repeat_each(1);
no_shuffle();

our $Fail = "status 500\n    json {\"error\":{\"message\":\"down\"}}";

# the workers that served the last requests of the port that is spread

sub served {
    my ($n) = @_;
    my %pids = map { $_ => 1 } LLM::Steps::lines($n->dir . '/logs/pids.log');

    return scalar keys %pids;
}

sub said {
    my ($n, $re) = @_;
    return scalar(() = $n->error_log =~ /$re/g);
}

run_tests();

__DATA__

=== TEST 1: five failures open the breaker, over all workers; one probe closes it
--- config eval: $::Here
--- provider eval: "a:\n    $::Fail\nb:\n    $::Ok"
--- steps
my $n = main::own(main::two('switch on=5xx;'), workers => 3);
my $port = $n->{spread};

for (1 .. 15) {
    is(main::chat(undef, port => $port)->{status}, 200, 'b answers');
}

is(main::calls(), 'a=5 b=15', 'calls');
ok(main::served($n) > 1, 'by more than one worker');

wait_for(1, sub { main::said($n, qr/breaker of "m" at provider "a" opened/) });
is(main::said($n, qr/breaker of "m" at provider "a" opened/), 1, 'told once');

my @r = records(15, $n->usage_file);

is(scalar(grep { @{ $_->{attempts} } == 2 && $_->{rung} eq 'switch' } @r), 5,
   'five were moved');
is(scalar(grep { @{ $_->{attempts} } == 1 && $_->{rung} eq 'first'
                 && $_->{provider} eq 'b' } @r), 10, 'the others began at b');

# half open after five seconds and a little more, drawn

main::between(scalar(select undef, undef, undef, 5.6), 0, 0, 'slept');
LLM::Provider::play("a:\n    pause 400\n    $::Ok\nb:\n    $::Ok");

my @a = main::together(12, $port);

is(scalar(grep { $_->{status} == 200 } @a), 12, 'all were answered');
is(main::calls(), 'a=1 b=11', 'one of them probed');
is(scalar(grep { $_->{headers}{'x-llm-provider'} eq 'a' } @a), 1, 'and well');

wait_for(1, sub { main::said($n, qr/breaker of "m" at provider "a" closed/) });
is(main::said($n, qr/breaker of "m" at provider "a" closed/), 1, 'told');

# what is back gets its share back little by little

main::chat(undef, port => $port) for 1 .. 20;

my $calls = LLM::Provider::calls();

main::between($calls->{a} - 1, 1, 10, 'a share for a');
$n->quit;
quiet($n);


=== TEST 2: an upstream that recovers is used where there is no other
--- config eval: $::Here
--- provider eval: "a:\n    $::Fail"
--- steps
my $http = main::providers(a => '') . 'llm_class default { last_resort off; }'
           . "\nllm_model m { route a; }\n$::Key";
my $n = main::own($http);

main::chat(undef, port => $n->port) for 1 .. 5;

my $r = main::chat(undef, port => $n->port);

is($r->{status}, 503, 'open');
holds($r, 'error.code=no_route decision.0.reason=breaker_open');

select undef, undef, undef, 5.6;
LLM::Provider::play("a:\n    $::Ok");

for (1 .. 10) {
    is(main::chat(undef, port => $n->port)->{status}, 200, "well: $_");
}


=== TEST 3: a failed probe opens it again; a pause changes nothing for others
--- config eval: $::Here
--- provider eval: "a:\n    $::Fail\nb:\n    $::Ok"
--- steps
my $n = main::own(main::two('switch on=5xx;'));

main::chat(undef, port => $n->port) for 1 .. 6;
select undef, undef, undef, 5.6;
main::chat(undef, port => $n->port) for 1 .. 6;

is(main::calls(), 'a=6 b=12', 'one probe');
is(main::said($n, qr/breaker of "m" at provider "a" opened/), 2, 'told');


=== TEST 4: it is of a model at a provider: other models there are not concerned
--- http_config eval
main::two('switch on=5xx;') . "llm_model n { route a; }\n"
--- config eval: $::Route
--- provider eval: "a #1-5:\n    $::Fail\na:\n    $::Ok\nb:\n    $::Ok"
--- steps
main::chat() for 1 .. 7;
is(main::calls(), 'a=5 b=7', 'm has its breaker');
is(main::chat('{"model": "n", "messages": []}')->{status}, 200, 'n has not');


=== TEST 5: a retry stops at a breaker that its own failures opened
--- http_config eval
main::two('retry 9 on=5xx backoff=1ms,2ms; switch on=5xx; attempts 16;')
--- config eval: $::Route
--- provider eval: "a:\n    $::Fail\nb:\n    $::Ok"
--- steps
my $r = main::chat();

is($r->{status}, 200, 'status');
is(main::calls(), 'a=5 b=1', 'calls');
is($r->{headers}{'x-llm-rung'}, 'switch', 'rung');


=== TEST 6: it is the provider's answer that passes, where nothing else is left
--- http_config eval
main::two('retry 9 on=5xx backoff=1ms,2ms; attempts 16;')
--- config eval: $::Route
--- provider eval: "a:\n    status 500\n    json {\"of\": \"its own\"}"
--- steps
my $r = main::chat();

is(main::calls(), 'a=5', 'calls');
main::between($r->{status}, 500, 502, 'status');
is($r->{headers}{'x-llm-attempts'}, 5, 'attempts');


=== TEST 7: callers' errors, and callers that leave, open nothing
--- config eval: $::Here
--- provider
a #1-8:
    status 400
    json {"error": {"message": "bad"}}
a #9-14:
    hang
a:
    json {"choices": []}
--- steps
my $n = main::own(main::two('switch on=5xx;'));

is(main::chat(undef, port => $n->port)->{status}, 400, 'refused') for 1 .. 8;
main::leave($n, 50, 'close') for 1 .. 6;
is(main::chat(undef, port => $n->port)->{headers}{'x-llm-provider'}, 'a',
   'a is asked');
is(main::calls(), 'a=15', 'calls');


=== TEST 8: 429 with Retry-After: the next one goes elsewhere, in each worker
--- config eval: $::Here
--- provider eval
"a #1:\n    status 429\n    header Retry-After: 2\n    json {}\n"
. "a:\n    $::Ok\nb:\n    $::Ok"
--- steps
my $n = main::own(main::two('switch on=429;'), workers => 3);
my $port = $n->{spread};

is(main::chat(undef, port => $port)->{headers}{'x-llm-rung'}, 'switch', 'first');

for (1 .. 9) {
    my $r = main::chat(undef, port => $port);
    is($r->{headers}{'x-llm-provider'}, 'b', 'b');
    is($r->{headers}{'x-llm-attempts'}, 1, 'at once');
}

is(main::calls(), 'a=1 b=10', 'calls');
ok(main::served($n) > 1, 'by more than one worker');

select undef, undef, undef, 2.1;
is(main::chat(undef, port => $port)->{headers}{'x-llm-provider'}, 'a', 'over');


=== TEST 9: 429 without it is a pause of a second; a 503 may ask for one
--- http_config eval
main::two('switch on=429,5xx;') . main::providers(c => '')
. "llm_model n { route c; route b priority=2; }\n"
--- config eval: $::Route
--- provider eval
"a #1:\n    status 429\n    json {}\na:\n    $::Ok\nb:\n    $::Ok\n"
. "c #1:\n    status 503\n    header Retry-After: 1\n    json {}\nc:\n    $::Ok\n"
--- steps
my $ask = '{"model": "n", "messages": []}';

main::chat();
main::chat($ask);
is(main::chat()->{headers}{'x-llm-provider'}, 'b', 'a pauses');
is(main::chat($ask)->{headers}{'x-llm-provider'}, 'b', 'c pauses');
select undef, undef, undef, 1.2;
is(main::chat()->{headers}{'x-llm-provider'}, 'a', 'a is back');
is(main::chat($ask)->{headers}{'x-llm-provider'}, 'c', 'c is back');


=== TEST 10: nothing remaining, until it resets: the next one goes elsewhere
--- http_config eval: main::two('')
--- config eval: $::Route
--- provider eval
"a #1:\n    header x-ratelimit-remaining-requests: 5\n"
. "    header x-ratelimit-reset-requests: 10s\n    $::Ok\n"
. "a #2 unary:\n    header x-ratelimit-remaining-requests: 0\n"
. "    header x-ratelimit-reset-requests: 1s\n"
. "    header x-ratelimit-remaining-tokens: 100\n"
. "    header x-ratelimit-reset-tokens: 6m0s\n    $::Ok\n"
. "a:\n    $::Ok\nb:\n    $::Ok"
--- steps
is(main::chat()->{headers}{'x-llm-provider'}, 'a', 'some remain');
is(main::chat()->{headers}{'x-llm-provider'}, 'a', 'the last one');
is(main::chat()->{headers}{'x-llm-provider'}, 'b', 'none remain');
is(main::calls(), 'a=2 b=1', 'no 429 was earned');
select undef, undef, undef, 1.15;
is(main::chat()->{headers}{'x-llm-provider'}, 'a', 'it was reset');


=== TEST 11: 401 takes the provider out, with all its models, and cries
--- config eval: $::Here
--- provider eval
"a:\n    status 401\n    json {\"error\":{\"message\":\"no\"}}\nb:\n    $::Ok"
--- steps
my $http = main::two('switch on=auth; last_resort off;') . "llm_model n { route a; }\n";
my $n = main::own($http, workers => 3);
my $port = $n->{spread};

my $r = main::chat(undef, port => $port);
is($r->{status}, 200, 'another one helps');
is($r->{headers}{'x-llm-rung'}, 'switch', 'rung');

is(main::chat(undef, port => $port)->{headers}{'x-llm-attempts'}, 1, 'left out')
    for 1 .. 6;

$r = main::chat('{"model": "n", "messages": []}', port => $port);
is($r->{status}, 503, 'for other models too');
holds($r, 'error.code=no_route decision.0.reason=provider_denied');
main::between($r->{headers}{'retry-after'}, 25, 40, 'Retry-After');

$n->reload;

$r = main::chat('{"model": "n", "messages": []}', port => $n->port);
holds($r, 'error.code=no_route decision.0.reason=provider_denied',
      'after a reload');

is(main::calls(), 'a=1 b=7', 'calls');
like($n->error_log, qr/\[crit\].*llm provider "a" refused our credential/,
     'it cries');
is(main::said($n, qr/refused our credential/), 1, 'once');
unlike($n->error_log, qr/\[alert\]|\[emerg\]/, 'and nothing else');


=== TEST 12: 403 alike; not one about content, nor one model's
--- http_config eval
main::providers(map { $_ => '' } qw(a c d)) . "llm_class default { last_resort off; }\n"
. CORE::join('', map { "llm_model $_ { route $_; }\n" } qw(a c d)) . $::Key
. "llm_model d2 { route d model=other; }\n"
--- config eval: $::Route
--- provider
a:
    status 403
    json {"error":{"message":"not yours"}}
c:
    status 403
    json {"error":{"message":"flagged","code":"content_policy_violation"}}
d #1:
    status 403
    json {"error":{"message":"no access to model d","code":"model_not_found"}}
d:
    json {"choices":[{"index":0,"message":{"content":"well"}}]}
--- steps
for my $m (qw(a c d)) {
    main::chat(qq({"model": "$m", "messages": []})) for 1 .. 3;
}

is(main::calls(), 'a=1 c=3 d=1', 'calls');
holds(main::chat('{"model": "d", "messages": []}'),
      'error.code=no_route decision.0.reason=model_denied', 'one model');
is(main::chat('{"model": "d2", "messages": []}')->{status}, 200,
   'others of that account go on');
--- error_log
[crit]
refused our credential with
refused our credential for model "d"
--- may_log
[crit]


=== TEST 13: an account that is used up is left out, as is a model's quota
--- http_config eval
main::providers(map { $_ => '' } qw(a b c d z))
. "llm_class default { switch on=429; last_resort off; }\n"
. CORE::join('', map { "llm_model $_ { route $_; route z priority=2; }\n"
                       . "llm_model $_-2 { route $_; }\n" } qw(a b c d))
. $::Key
--- config eval: $::Route
--- provider eval
"a:\n    status 402\n    json {\"error\":{\"message\":\"pay\"}}\n"
. "b:\n    status 429\n    json {\"error\":{\"code\":\"insufficient_quota\"}}\n"
. "c:\n    status 400\n    json {\"error\":{\"message\":\"Your credit balance is "
. "too low to access\"}}\n"
. "d:\n    status 429\n    json {\"error\":{\"details\":[{\"quotaId\":"
. "\"GenerateRequestsPerDayPerProjectPerModel-FreeTier\"}]}}\nz:\n    $::Ok\n"
--- steps
for my $m (qw(a b c d)) {
    my $ask = qq({"model": "$m", "messages": []});

    my $r = main::chat($ask);
    is($r->{status}, 200, "$m: another one helps");
    is($r->{headers}{'x-llm-attempts'}, 2, "$m: after an attempt");
    is(main::chat($ask)->{headers}{'x-llm-attempts'}, 1, "$m: left out");
}

is(main::calls(), 'a=1 b=1 c=1 d=1 z=8', 'calls');

for my $m (qw(a b c)) {
    my $r = main::chat(qq({"model": "$m-2", "messages": []}));

    is($r->{status}, 503, "$m: all of its account");
    holds($r, 'error.code=no_route decision.0.reason=account_spent');
    main::between($r->{headers}{'retry-after'}, 200, 300, "$m: Retry-After");
}

is(main::chat('{"model": "d-2", "messages": []}')->{status}, 429,
   'd: not its other models');

my @r = records(12);

holds($r[0], 'outcome=ok attempts.0.status=402 attempts.0.error~"^429: "');


=== TEST 14: what each provider calls its limits
--- http_config eval
main::providers(map { $_ => '' } qw(a b c d z))
. "llm_class default { switch on=429; }\n"
. CORE::join('', map { "llm_model $_ { route $_; route z priority=2; }\n" }
                     qw(a b c d))
. $::Key
--- config eval: $::Route
--- provider eval
my $later = do { my @t = gmtime(time + 60);
                 sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900,
                         $t[4] + 1, @t[3, 2, 1, 0] };
"a:\n    header anthropic-ratelimit-input-tokens-remaining: 0\n"
. "    header anthropic-ratelimit-input-tokens-reset: $later\n    $::Ok\n"
. "b #1:\n    header x-ratelimit-remaining-requests: 0\n    $::Ok\n"
. "b:\n    $::Ok\n"
. "c:\n    header x-ratelimit-remaining-tokens: 0\n"
. "    header x-ratelimit-reset-tokens: 2m59.56s\n"
. "    header x-ratelimit-remaining-requests: 100\n"
. "    header x-ratelimit-reset-requests: 10ms\n    $::Ok\n"
. "d:\n    status 429\n    json {\"error\":{\"code\":429,\"message\":\"x\","
. "\"details\":[{\"retryDelay\":\"34.4s\"}]}}\n"
. "z:\n    $::Ok\n"
--- steps
for my $m (qw(a b c d)) {
    my $ask = qq({"model": "$m", "messages": []});

    is(main::chat($ask)->{status}, 200, "$m: well");
    is(main::chat($ask)->{headers}{'x-llm-provider'}, 'z', "$m: left out");
}

select undef, undef, undef, 1.2;

my @who = map { main::chat(qq({"model": "$_", "messages": []}))
                    ->{headers}{'x-llm-provider'} } qw(a b c d);

is(CORE::join(' ', @who), 'z b z z', 'b told no time: a second');


=== TEST 15: a reload forgets no breaker and no pause
--- config eval: $::Here
--- provider eval
"a:\n    $::Fail\nb:\n    $::Ok\n"
. "c:\n    status 429\n    header Retry-After: 30\n    json {}"
--- steps
my $http = main::two('switch on=5xx,429;') . main::providers(c => '')
           . "llm_model n { route c; route b priority=2; }\n";
my $n = main::own($http, workers => 2);
my $ask = '{"model": "n", "messages": []}';

main::chat(undef, port => $n->port) for 1 .. 6;
main::chat($ask, port => $n->port);
is(main::calls(), 'a=5 b=7 c=1', 'open, and cooling');

$n->reload;

for (1 .. 3) {
    is(main::chat(undef, port => $n->port)->{headers}{'x-llm-attempts'}, 1,
       'still open');
    is(main::chat($ask, port => $n->port)->{headers}{'x-llm-attempts'}, 1,
       'still cooling');
}

is(main::calls(), 'a=5 b=13 c=1', 'calls');
main::quits($n);


=== TEST 16: rpm of an account: what is above goes elsewhere, from any worker
--- config eval: $::Here
--- provider eval: "a:\n    $::Ok\nb:\n    $::Ok"
--- steps
my $n = main::own(main::two('', a => 'limit rpm=4;'), workers => 3);

main::chat(undef, port => $n->{spread}) for 1 .. 10;
is(main::calls(), 'a=4 b=6', 'calls');
ok(main::served($n) > 1, 'by more than one worker');

my @r = records(10, $n->usage_file);

is(scalar(grep { @{ $_->{attempts} } == 1 && $_->{rung} eq 'first' } @r), 10,
   'each was one attempt');


=== TEST 17: inflight of an account, given back when an attempt ends or leaves
--- config eval: $::Here
--- provider eval
"a #1:\n    hang\na #2:\n    pause 300\n    $::Ok\n"
. "a #3:\n    $::Fail\na:\n    $::Ok\nb:\n    $::Ok"
--- steps
my $n = main::own(main::two('', a => 'limit inflight=1;'), workers => 3);
my $port = $n->{spread};

my $c = main::start($port);
wait_for(2, sub { sent() == 1 });
is(main::chat(undef, port => $port)->{headers}{'x-llm-provider'}, 'b', 'full');

close $c->{s};
wait_for(2, sub { scalar LLM::Provider::left() });
select undef, undef, undef, 0.1;

$c = main::start($port);
wait_for(2, sub { LLM::Provider::calls()->{a} == 2 });
is(main::chat(undef, port => $port)->{headers}{'x-llm-provider'}, 'b', 'full');
is(main::answer($c)->{headers}{'x-llm-provider'}, 'a', 'it was given back');

is(main::chat(undef, port => $port)->{status}, 500, 'a fails');
is(main::chat(undef, port => $port)->{headers}{'x-llm-provider'}, 'a',
   'it was given back again');


=== TEST 18: what a dead worker had in flight comes back
--- config eval: $::Here
--- provider eval: "a #1:\n    hang\na:\n    $::Ok\nb:\n    $::Ok"
--- steps
my $n = main::own(main::two('', a => 'limit inflight=1;'));
my $c = main::start($n->port);

wait_for(2, sub { sent() == 1 });
is(main::chat(undef, port => $n->port)->{headers}{'x-llm-provider'}, 'b',
   'full');

my ($old) = $n->workers;

kill KILL => $old;
wait_for(5, sub { my @w = $n->workers; @w == 1 && $w[0] != $old });
select undef, undef, undef, 1.2;

is(main::chat(undef, port => $n->port)->{headers}{'x-llm-provider'}, 'a',
   'it was given back');


=== TEST 19: tpm of an account: estimated first, then as it was used
--- http_config eval: main::two('', a => 'limit tpm=100;')
--- config eval: $::Route
--- provider eval: "a #1:\n    pause 300\n    $::Ok\na:\n    $::Ok\nb:\n    $::Ok"
--- steps
my $ask = '{"model": "m", "messages": [], "max_tokens": 70}';
my $c = main::start($Test::Nginx::Util::ServerPort, $ask);

wait_for(2, sub { sent() == 1 });
is(main::chat($ask)->{headers}{'x-llm-provider'}, 'b', 'estimated: full');
is(main::answer($c)->{headers}{'x-llm-provider'}, 'a', 'the first');
is(main::chat($ask)->{headers}{'x-llm-provider'}, 'a', 'used: 11 of 100');
is(main::chat('{"model": "m", "messages": [], "max_tokens": 90}')
   ->{headers}{'x-llm-provider'}, 'b', 'this one would not fit');


=== TEST 20: where all routes are shut, the refusal says why and until when
--- http_config eval
main::providers(open => '', cool => '', full => 'limit rpm=1;', denied => '')
. "llm_class default { last_resort off; }\n"
. CORE::join('', map { "llm_model $_ { route $_ model=x; }\n" }
             qw(open cool full denied))
. "llm_model all { route open model=x; route cool model=x;"
. " route full model=x; route denied model=x; }\n" . $::Key
--- config eval: $::Route
--- provider eval
"open:\n    $::Fail\nfull:\n    $::Ok\n"
. "cool:\n    status 429\n    header Retry-After: 20\n    json {}\n"
. "denied:\n    status 401\n    json {}\n"
--- steps
main::chat('{"model": "open", "messages": []}') for 1 .. 5;
main::chat(qq({"model": "$_", "messages": []})) for qw(cool full denied);
is(main::calls(), 'cool=1 denied=1 full=1 open=5', 'calls');

my $r = main::chat('{"model": "all", "messages": []}');

is($r->{status}, 503, 'status');
main::between($r->{headers}{'retry-after'}, 1, 6, 'Retry-After of the next');
holds($r, 'error.code=no_route error.message~all decision.length=4'
          . ' decision.0.route=all#1 decision.0.kept=false'
          . ' decision.0.reason=breaker_open'
          . ' decision.1.reason=cooling_down'
          . ' decision.2.reason=account_full decision.2.provider=full'
          . ' decision.3.reason=provider_denied decision.3.kept=false');
is(main::calls(), 'cool=1 denied=1 full=1 open=5', 'nobody was asked');

holds((records(9))[-1],
      'status=503 outcome=rejected code=no_route attempts.length=0 !rung');
--- error_log
[crit]
refused our credential
--- ladder


=== TEST 21: last_resort: the one that looks least bad is tried all the same
--- http_config eval
main::providers(a => '', b => '') . <<'_EOC_' . $::Key;
    llm_class default { last_resort on; }
    llm_class strict  { last_resort off; }
    llm_class backup  { backup on=5xx; }

    llm_model m { route a; route b; }
    llm_model a { route a model=m; }
    llm_model b { route b model=m; }
    llm_model s { route a model=m; backup other; }
    llm_model other { route b model=y; }

    llm_key strict { secret plain:sk-strict; models *; class strict; }
    llm_key backup { secret plain:sk-backup; models *; class backup; }
_EOC_
--- config eval: $::Route
--- provider eval
"a:\n    $::Fail\nb #1:\n    status 429\n    header Retry-After: 1\n    json {}\n"
. "b:\n    $::Ok\n"
--- steps
main::chat('{"model": "a", "messages": []}') for 1 .. 5;
main::chat('{"model": "b", "messages": []}');

is(main::chat(undef, key => 'sk-strict')->{status}, 503, 'strict');
is(main::calls(), 'a=5 b=1', 'calls');

my $r = main::chat();
is($r->{status}, 200, 'status');
is($r->{headers}{'x-llm-provider'}, 'b', 'the one that is nearest to its end');
is($r->{headers}{'x-llm-rung'}, 'first', 'rung');

# a backup is no last resort

$r = main::chat('{"model": "s", "messages": []}', key => 'sk-backup');
is($r->{status}, 200, 'backup: status');
is($r->{headers}{'x-llm-rung'}, 'backup', 'backup: rung');
is($r->{headers}{'x-llm-attempts'}, 1, 'backup: attempts');
is(main::calls(), 'a=5 b=3', 'calls');
--- ladder
