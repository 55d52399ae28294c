
# Limits on providers, which attempts hold, are those of all hosts that share
# a Redis: they are asked for while the ladder waits, in each of its turns, and
# whatever happens meanwhile nothing stays held and nothing is counted twice.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;
use LLM::Redis;

repeat_each(1);
no_shuffle();

# "a" answers 10 tokens in and 50 out: 0.00011 dollars; one token more was
# reserved

our $Answer = 'json {"choices":[{"index":0,"message":{"content":"well"}}],'
              . '"usage":{"prompt_tokens":10,"completion_tokens":50}}';

our $Cost = 110_000;    # nano-dollars

our $Short = '{"model":"m","messages":[],"max_tokens":50}';

our $Admin = $Route . <<'_EOC_';
    location /llm/ { llm_admin token=plain:test-token; }
_EOC_

# a host: providers "a" and "b", this Redis, these limits on providers, this
# class; model "m" goes to "a", "two" to "b" else

sub host {
    my ($redis, $limits, %o) = @_;

    my $params = $o{params} // 'timeout=2s';
    my $url = $o{url} // 'redis://127.0.0.1:' . $redis->port;
    my $class = $o{class} // 'attempts 1;';
    my $model = $o{model} // '';

    return own(providers(a => '', b => '') . $Key . <<"_EOC_", %o);
    llm_redis $url $params;

@{[ join '', map { "    llm_limit $_;\n" } split /; */, $limits ]}

    llm_class default {
        $class
    }

    llm_model m {
        route  a;
        price  input=1 output=2;
        max_tokens 50;
        $model
    }

    llm_model two {
        route  a;
        route  b priority=2;
        price  input=1 output=2;
        max_tokens 50;
    }

    llm_model other {
        route  b;
        price  input=1 output=2;
        max_tokens 50;
    }
_EOC_
}

sub ask_one {
    my ($n, $model) = @_;
    return answer(start($n->port, asks($model)));
}

sub asks {
    my ($model) = @_;
    return $Short =~ s/"m"/'"' . ($model \/\/ 'm') . '"'/er;
}

# so many at once over these hosts: how often each status came

sub many {
    my ($n, $hosts, $model) = @_;
    my @c = map { start($hosts->[$_ % @$hosts]->port, asks($model)) } 1 .. $n;

    return statuses(map { answer($_, 20) } @c);
}

sub statuses {
    my %s;

    $s{$_->{status}}++ for @_;
    return join ' ', map { "$_=$s{$_}" } sort keys %s;
}

# what the provider's subject has in Redis

sub held { return $_[0]->field('provider=a', 'r') }

sub freed {
    my ($redis) = @_;

    wait_until('nothing is held', sub {
        held($redis) == 0 && $redis->field('provider=a', 'm') == 0
            && $redis->run('ZRANGE', $redis->subject('provider=a')
                           . ':leases', 0, -1) !~ /^l:/m
    });
}

# requests that "a" served at once, at most: each takes so many ms

sub at_once {
    my ($ms) = @_;
    my $most = 0;
    my @times = sort { $a <=> $b }
                map { $_->{time} * 1000 } LLM::Provider::requests();

    for my $t (@times) {
        my $n = grep { $_ <= $t && $_ > $t - $ms } @times;
        $most = $n if $n > $most;
    }

    return $most;
}

run_tests();

__DATA__

=== TEST 1: hundreds at once over two hosts get the provider's requests, and not one more
--- config eval: $::Here
--- provider eval: "a:\n    pause 10\n    $::Answer"
--- steps
for my $limit ('requests=60/day', 'requests=60/h', 'tokens=3601/day') {
    my $redis = LLM::Redis->new;
    my @n = map { main::host($redis, "provider=a $limit", workers => 2,
                             params => 'timeout=5s') } 1 .. 2;
    my $before = sent();

    if ($limit =~ /tokens/) {

        # each reserves one token more than it uses

        for (1 .. 10) {
            last if main::many(60, \@n) =~ /^429/;
        }

    } else {
        is(main::many(250, \@n), '200=60 429=190', "$limit: served or refused");
    }

    is(sent() - $before, 60, "$limit: so many came to the provider");

    my $r = main::ask_one($n[0]);
    is($r->{status}, 429, "$limit: no more");
    holds($r, 'error.code=rate_limit_exceeded error.message~provider'
              . ' decision.0.reason=rate_limit_exceeded');
    ok($r->{headers}{'retry-after'} > 0, 'with a time to come back');

    main::freed($redis);
    main::quits($_) for @n;
}

=== TEST 2: so it is with its money, to the nano-dollar
--- config eval: $::Here
--- provider eval: "a:\n    pause 10\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my @n = map { main::host($redis, 'provider=a budget=0.022001/day', workers => 2,
                         params => 'timeout=5s') } 1 .. 2;

like(main::many(200, \@n), qr/^200=\d+ 402=\d+$/, 'served or refused');
main::wait_until('what was held and not used is used', sub {
    main::many(50, \@n) =~ /^402/
});

is($redis->field('provider=a', 's'), 22_000_000, 'to the nano-dollar');
main::freed($redis);
main::wait_until('the logs say the same',
                 sub { main::logged(@n) == 22_000_000 });
main::quits($_) for @n;

=== TEST 3: so many at once, over two hosts
--- config eval: $::Here
--- provider eval: "a:\n    pause 400\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my @n = map { main::host($redis, 'provider=a inflight=5', workers => 2,
                         params => 'timeout=5s') } 1 .. 2;

my @c = map { main::start($n[$_ % 2]->port, main::asks()) } 1 .. 40;
my @r = map { main::answer($_) } @c;

like(main::statuses(@r), qr/^200=([5-9]|1\d) 429=\d+$/, 'some are let in');
is(main::at_once(390), 5, 'five at a time');
my ($refused) = grep { $_->{status} == 429 } @r;
holds($refused, 'error.code=concurrency_exceeded');
main::freed($redis);
is(main::many(5, \@n), '200=5', 'and five more');
main::quits($_) for @n;

=== TEST 4: who is refused goes to the next route
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer\nb:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my @n = map { main::host($redis, 'provider=a requests=10/day; '
                                 . 'provider=b requests=15/day') } 1 .. 2;

is(main::many(30, \@n, 'two'), '200=25 429=5', 'both have served');
is(main::calls(), 'a=10 b=15', 'as many as they may');
is($redis->field('provider=b', 's'), 15, 'the second one is counted, too');

my $r = main::ask_one($n[0], 'two');
holds($r, 'decision.0.reason=rate_limit_exceeded'
          . ' decision.1.reason=rate_limit_exceeded');
main::quits($_) for @n;

=== TEST 5: a failed attempt gives back, and is billed for what it made
--- config eval: $::Here
--- provider eval
"a #1-2:\n    status 500\n    json {\"error\":{\"message\":\"no\"}}\n"
. "a:\n    $::Answer\nb:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'provider=a budget=0.000112/day inflight=1;'
                           . ' provider=b budget=1/day',
                   class => 'retry 1 on=5xx backoff=20ms,20ms; switch on=5xx;');

my $r = main::ask_one($n, 'two');
is($r->{status}, 200, 'served');
is($r->{headers}{'x-llm-provider'}, 'b', 'after a retry of the first');
is(main::calls(), 'a=2 b=1', 'calls');
is($redis->field('provider=a', 's'), 0, 'the failed ones took nothing');
is($redis->field('provider=b', 's'), $main::Cost, 'the last one did');
is(main::ask_one($n, 'two')->{headers}{'x-llm-provider'}, 'a',
   'so that there is room');
is(main::ask_one($n, 'two')->{headers}{'x-llm-provider'}, 'b',
   'until it is spent');
main::freed($redis);
main::quits($n);

=== TEST 6: a retry that a limit refuses is none, and the ladder goes on
--- config eval: $::Here
--- provider eval
"a:\n    status 503\n    json {\"error\":{\"message\":\"busy\"}}\nb:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'provider=a requests=1/day shadow;'
                   . ' provider=a input_tokens=1k/day;'
                   . ' provider=b requests=2/day',
                   class => 'retry 2 on=5xx backoff=20ms,20ms; switch on=5xx;'
                            . ' attempts 9;');

my $r = main::ask_one($n, 'two');
is($r->{headers}{'x-llm-attempts'}, 4, 'a limit in shadow refuses nothing');
like($n->error_log, qr/\[warn\].*provider=a/, 'and tells');
is(main::calls(), 'a=3 b=1', 'calls');
main::quits($n);

$redis->run('FLUSHALL');
$n = main::host($redis, 'provider=a requests=1/day; provider=b requests=1/day',
                class => 'retry 2 on=5xx backoff=20ms,20ms; switch on=5xx;');

$r = main::ask_one($n, 'two');
is($r->{status}, 200, 'served');
is(join(' ', @{$r->{headers}}{qw(x-llm-attempts x-llm-rung x-llm-provider)}),
   '2 switch b', 'by the other route');

$r = main::ask_one($n, 'two');
is($r->{status}, 429, 'both are used up');

$redis->run('FLUSHALL');
$r = main::ask_one($n, 'm');
is($r->{status}, 503, 'without another route its error is the answer');
is($r->{headers}{'x-llm-attempts'}, 1, 'of its one attempt');
main::quits($n);

=== TEST 7: a backup, and the last resort, are asked for, too
--- config eval: $::Here
--- provider eval
"a #1-5:\n    status 500\n    json {\"error\":{\"message\":\"no\"}}\n"
. "a:\n    $::Answer\nb:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'provider=a requests=6/day; provider=b requests=1/day',
                   class => 'switch on=5xx; backup on=429;',
                   model => 'backup other;');

is(main::ask_one($n)->{status}, 500, 'it fails') for 1 .. 5;

my $r = main::ask_one($n);
is($r->{status}, 200, 'its breaker is open, but there is nothing else');
holds((records(6, $n->usage_file))[5], 'attempts.0.provider=a');

$r = main::ask_one($n);
is($r->{status}, 200, 'what is used up has a backup');
is(join(' ', @{$r->{headers}}{qw(x-llm-rung x-llm-provider)}), 'backup b',
   'which serves');

$r = main::ask_one($n);
is($r->{status}, 429, 'until it is used up, too');
holds($r, 'error.code=rate_limit_exceeded');
is(main::calls(), 'a=6 b=1', 'calls');
main::quits($n);

=== TEST 8: a client that leaves while Redis is asked takes nothing
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'provider=a inflight=1', params => 'timeout=3s');

is(main::ask_one($n)->{status}, 200, 'one before');
$redis->stop;
main::leave($n, 100, 'close', $main::Short);
main::wait_until('its record', sub {
    open my $fh, '<', $n->usage_file or return 0;
    return scalar(grep { /"outcome":"client_closed"/ && /"attempts":\[\]/ }
                  <$fh>) == 1;
});
$redis->cont;
main::freed($redis);
is(main::ask_one($n)->{status}, 200, 'one after');
is(scalar(sent()), 2, 'it went nowhere');
main::quits($n);

=== TEST 9: the deadline of the class holds while Redis is asked
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'provider=a inflight=1', params => 'timeout=3s',
                   class => 'attempts 1; deadline 300ms;');

is(main::ask_one($n)->{status}, 200, 'one before');
$redis->stop;

my $r = main::ask_one($n);
is($r->{status}, 504, 'refused');
holds($r, 'error.code=upstream_timeout');
main::between($r->{ms}, 280, 1500, 'in time');

$redis->cont;
main::freed($redis);
is(main::ask_one($n)->{status}, 200, 'one after');
is(scalar(sent()), 2, 'it went nowhere');
main::quits($n);

=== TEST 10: in a queue two hosts share what there is, and all are served
--- config eval: $::Here
--- provider eval: "a:\n    pause 60\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my @n = map { main::host($redis, 'provider=a inflight=2', workers => 2,
                         params => 'timeout=5s',
                         class => 'attempts 1; queue 20s;') } 1 .. 2;

is(main::many(24, \@n), '200=24', 'all are served');
ok(main::at_once(55) <= 2, 'two at a time');
main::freed($redis);

my ($record) = grep { $_->{queue_ms} } records(12, $n[0]->usage_file);
ok($record->{queue_ms}, 'with the time that they waited');
main::quits($_) for @n;

=== TEST 11: a queue in front of Redis: clients that leave, a time that ends, room that comes at once
--- config eval: $::Here
--- provider eval: "a:\n    pause 600\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'provider=a inflight=1', params => 'timeout=3s',
                   class => 'attempts 1; queue 2s;');

# Redis knows the scripts from now on

is(main::ask_one($n)->{status}, 200, 'served');

my $c = main::start($n->port, main::asks());
main::wait_until('one is held', sub { main::held($redis) == 1 });

my $left = main::start($n->port, main::asks());
my $next = main::start($n->port, main::asks());
close $left->{s};

my ($first, $second) = map { main::answer($_) } $c, $next;
is("$first->{status} $second->{status}", '200 200', 'served');
my @t = main::times();
main::between($t[2] - $t[1], 590, 1000,
              'as soon as there is room: not at the next look');
main::freed($redis);

# held by somebody else, for longer than anybody waits

$redis->run('HSET', $redis->subject('provider=a'), 'r', 1);
my $r = main::ask_one($n);
is($r->{status}, 429, 'nobody waits for ever');
holds($r, 'error.code=queue_timeout');
main::between($r->{ms}, 1900, 3000, 'but that long');

# Redis stands still while the head asks, and those behind it wait for it

$redis->run('HSET', $redis->subject('provider=a'), 'r', 0);
$redis->stop;
my @c = map { main::start($n->port, main::asks()) } 1 .. 3;
select undef, undef, undef, 0.2;
close $c[0]{s};
select undef, undef, undef, 0.2;
$redis->cont;
is(main::statuses(map { main::answer($_) } @c[1, 2]), '200=2', 'all the same');
main::freed($redis);
main::quits($n);

=== TEST 12: Redis is away: on_error
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer\nb:\n    $::Answer"
--- steps
my $conf = "appendonly yes\nappendfsync always\n";

my $redis = LLM::Redis->new(conf => $conf);
my $n = main::host($redis, 'provider=a requests=5/day budget=1/day',
                   params => 'timeout=100ms on_error=closed');

is(main::ask_one($n)->{status}, 200, 'closed: served');
$redis->kill;
my $r = main::ask_one($n);
is($r->{status}, 503, 'closed: refused');
holds($r, 'error.code=quota_unavailable'
          . ' decision.0.reason=quota_unavailable');
ok($r->{headers}{'retry-after'}, 'closed: for a while');
$r = main::ask_one($n, 'two');
is($r->{headers}{'x-llm-provider'}, 'b', 'closed: others have no limit');
$redis->start;
main::wait_until('closed: it is back',
                 sub { main::ask_one($n)->{status} == 200 });
main::quits($n);

$redis->run('FLUSHALL');
$n = main::host($redis, 'provider=a requests=5/day budget=1/day',
                params => 'timeout=100ms on_error=open');
is(main::ask_one($n)->{status}, 200, 'open: served');
$redis->kill;
is(main::ask_one($n)->{status}, 200, 'open: served') for 1 .. 6;
$redis->start;
main::wait_until('open: all is counted', sub {
    $redis->field('provider=a', 's') == 7 * $main::Cost + 7
});
main::wait_until('open: and holds',
                 sub { main::ask_one($n)->{status} == 429 });
main::wait_until('open: the log says the same',
                 sub { main::logged($n) == 7 * $main::Cost });
main::quits($n);

$redis->run('FLUSHALL');
my @n = map { main::host($redis, 'provider=a requests=5/day budget=1/day',
                         params => 'timeout=100ms') } 1 .. 2;
is(main::ask_one($n[0])->{status}, 200, 'local: served') for 1 .. 2;
$redis->kill;
is(main::ask_one($n[0])->{status}, 200, 'local: by the zone') for 1 .. 3;
is(main::ask_one($n[0])->{status}, 429, 'local: which knows of all five');
is(main::ask_one($n[1])->{status}, 200, 'local: of this host alone');
$redis->start;
main::wait_until('local: Redis learns of them', sub {
    $redis->field('provider=a', 's') == 6 * $main::Cost + 6
});
main::wait_until('local: and is asked again', sub {
    main::ask_one($n[1])->{status} == 429
});
is($redis->field('provider=a', 's'), 6 * $main::Cost + 6, 'local: once');
main::quits($_) for @n;

=== TEST 13: a slow Redis is a dead one
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'provider=a budget=1/day inflight=3',
                   params => 'timeout=200ms');

is(main::ask_one($n)->{status}, 200, 'served');
$redis->stop;

my $r = main::ask_one($n);
is($r->{status}, 200, 'served by the zone');
main::between($r->{ms}, 150, 2000, 'after the time that Redis had');
$r = main::ask_one($n);
is($r->{status}, 200, 'another');
main::between($r->{ms}, 0, 150, 'nobody waits for it any more');

$redis->cont;
main::wait_until('all is counted', sub {
    $redis->field('provider=a', 's') == 3 * $main::Cost
});
main::freed($redis);
main::quits($n);

=== TEST 14: Redis killed under load, twice, in front of a queue: no spend is lost, none counted twice
--- config eval: $::Here
--- provider eval: "a:\n    pause 10\n    $::Answer"
--- steps
my $redis = LLM::Redis->new(conf => "appendonly yes\nappendfsync always\n");
my @n = map { main::host($redis, 'provider=a budget=1/day inflight=20',
                         workers => 2, params => 'timeout=500ms',
                         class => 'attempts 1; queue 20s;') } 1 .. 2;
my @r;

for my $round (1 .. 8) {
    my @c = map { main::start($n[$_ % 2]->port, main::asks()) } 1 .. 30;

    $redis->kill if $round == 3 || $round == 6;
    push @r, map { main::answer($_, 30) } @c;
    $redis->start if $round == 4 || $round == 7;
}

is(main::statuses(@r), '200=240', 'all were served');
main::wait_until('all is counted', sub {
    $redis->field('provider=a', 's') >= 240 * $main::Cost
});
select undef, undef, undef, 2;
is($redis->field('provider=a', 's'), 240 * $main::Cost, 'once');
main::freed($redis);
main::wait_until('the logs say the same',
                 sub { main::logged(@n) == 240 * $main::Cost });
main::quits($_) for @n;

=== TEST 15: scripts that Redis forgot are sent again
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'provider=a budget=1/day');

for (1 .. 3) {
    is(main::ask_one($n)->{status}, 200, 'served');
    is($redis->run('SCRIPT', 'FLUSH'), 'OK', 'forgotten');
}

main::wait_until('counted', sub {
    $redis->field('provider=a', 's') == 3 * $main::Cost
});
unlike($n->error_log, qr/redis is unavailable/, 'no failure');
main::quits($n);

=== TEST 16: a worker that is killed gives back what its attempts held
--- config eval: $::Here
--- provider eval: "a #1-2:\n    pause 8000\n    $::Answer\na:\n    $::Answer"
--- may_log: [alert]
--- steps
my $redis = LLM::Redis->new;
my @n = map { main::host($redis, 'provider=a inflight=2 budget=1/day',
                         params => 'timeout=1s') } 1 .. 2;

my @c = map { main::start($n[0]->port, main::asks()) } 1 .. 2;
main::wait_until('two are held', sub { main::held($redis) == 2 });
main::wait_until('and sent', sub { sent() == 2 });
is(main::ask_one($n[1])->{status}, 429, 'there is room for no more');

kill 'KILL', $n[0]->workers;
main::wait_until('it is given back, long before its minute is over',
                 sub { main::held($redis) == 0 }, 5);
main::freed($redis);
is(main::many(2, [$n[1]]), '200=2', 'so that there is room');
close $_->{s} for @c;
$_->quit for @n;

=== TEST 17: reload under load, and workers that leave
--- config eval: $::Here
--- provider eval: "a:\n    pause 30\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'provider=a inflight=10 budget=1/day',
                   class => 'attempts 1; queue 20s;');
my $ok = 0;

for (1 .. 3) {
    my @c = map { main::start($n->port, main::asks()) } 1 .. 25;
    $n->reload;
    $ok += main::answer($_, 30)->{status} == 200 for @c;
}

is($ok, 75, 'all were served');
main::wait_until('and counted', sub {
    $redis->field('provider=a', 's') == 75 * $main::Cost
});
main::freed($redis);
main::quits($n);

=== TEST 18: a cluster: each provider on its node
--- config eval: $::Here
--- provider eval: "a:\n    pause 10\n    $::Answer\nb:\n    $::Answer"
--- steps
my @r = main::cluster();

my @n = map { main::host(undef, 'provider=a requests=20/day budget=1/day;'
                         . ' provider=b requests=10/day; key=* budget=1/day',
                         url => 'redis://127.0.0.1:' . $r[$_]->port,
                         params => 'cluster=on timeout=3s') } 0, 1;

is(main::many(40, \@n, 'two'), '200=30 429=10', 'both have served');
is(main::calls(), 'a=20 b=10', 'as many as they may');

sub everywhere {
    my ($id) = @_;
    my $sum = 0;
    $sum += $_->field($id, 's') for @r;
    return $sum;
}

main::wait_until('counted', sub {
    everywhere('provider=a') == 20 * $main::Cost + 20
        && everywhere('provider=b') == 10
        && everywhere('key=caller') == 30 * $main::Cost
});
main::quits($_) for @n;

=== TEST 19: a stream that outruns the provider's money ends, on both hosts
--- config eval: $::Here
--- provider
a:
    sse
    times 200 pause=2 data {"id":"c1","choices":[{"index":0,"delta":{"content":"fifteen letters "},"finish_reason":null}]}
    done
--- may_log: [warn]
--- steps
my $redis = LLM::Redis->new;
my @n = map { main::host($redis, 'provider=a budget=0.001/day') } 1 .. 2;
my $ask = $main::Short =~ s/\{/{"stream":true,/r =~ s/50/20/r;

my @c = map { main::start($n[$_ % 2]->port, $ask) } 1 .. 4;
my @r = map { main::answer($_, 30) } @c;

my @began = grep { $_->{status} == 200 } @r;

# who comes late finds nothing

like(main::statuses(@r), qr/^200=[234](?: 402=\d)?$/, 'they began');
is(scalar(grep { $_->{content} !~ /"finish_reason":"length"/ } @began), 0,
   'and ended so');
main::freed($redis);
main::between($redis->field('provider=a', 's') / 1000, 980, 1040,
              'spent, an event of each at most above it');
main::wait_until('the logs say the same', sub {
    main::logged(@n) == $redis->field('provider=a', 's')
});
main::quits($_) for @n;

=== TEST 20: a provider without limits is not asked for
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer\nb:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'provider=a requests=100/day');

is(main::ask_one($n, 'other')->{status}, 200, 'served') for 1 .. 3;
unlike($redis->run('INFO', 'commandstats'), qr/evalsha/, 'without a script');
is(main::ask_one($n)->{status}, 200, 'served');
like($redis->run('INFO', 'commandstats'), qr/evalsha/, 'with one');
main::quits($n);


=== TEST 21: what is counted is told of all hosts, and is what their logs say
--- config eval: $::Here
--- provider eval: "a:\n    pause 300\n    $::Answer\nb:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new(conf => "appendonly yes\nappendfsync always\n");
my @n = map { main::host($redis, 'provider=a budget=1/day inflight=9;'
                         . ' provider=b budget=1/total rpm=100;'
                         . ' key=* budget=1/month',
                         params => 'timeout=300ms',
                         config => $main::Admin) } 1 .. 2;

sub told {
    my ($n) = @_;
    my $r = LLM::Steps::get('/llm/limits', key => 'test-token',
                            port => $n->port);
    return { map { $_->{subject} => $_ } @{ $r->{json}{limits} } };
}

sub spent {
    my ($of) = @_;
    my ($c) = grep { $_->{counts} eq 'budget' } @{ $of->{counters} };
    return $c->{spent};
}

is(main::many(6, \@n), '200=6', 'served');
is(main::many(3, [$n[0]], 'other'), '200=3', 'and by the other');
is(main::many(1, [$n[1]], 'other'), '200=1', 'on each host');
main::freed($redis);

for my $n (@n) {
    my $told = told($n);
    is(spent($told->{'provider=a'}), 6 * $main::Cost, 'of all hosts');
    is(spent($told->{'provider=b'}), 4 * $main::Cost, 'of each provider');
    is(spent($told->{'key=caller'}), 10 * $main::Cost, 'and of a key');
}

my $c = main::start($n[0]->port, main::asks());
main::wait_until('one is in flight', sub { main::held($redis) == 1 });
is(told($n[1])->{'provider=a'}{reserved}{requests}, 1, 'which the other tells');
main::answer($c);
main::freed($redis);

# both logs together are the ledger

my $all = $redis->dir . '/all.jsonl';
main::wait_until('the logs say the same', sub {
    system("cat @{[ map { $_->usage_file } @n ]} > $all");
    my $said = qx{perl scripts/check-ledger.pl --token=test-token --admin=http://127.0.0.1:@{[$n[1]->port]}/llm $all 2>&1};
    return $? == 0 && $said =~ /^3 counters, 11 records: they say the same$/m;
});

# pages, and Redis away

my $r = LLM::Steps::get('/llm/limits?limit=2', key => 'test-token',
                        port => $n[0]->port);
is(scalar @{ $r->{json}{limits} }, 2, 'two of them');
$r = LLM::Steps::get("/llm/limits?limit=2&after=$r->{json}{next}",
                     key => 'test-token', port => $n[0]->port);
is(scalar @{ $r->{json}{limits} }, 1, 'and the third');
is($r->{json}{next}, undef, 'which is the last');

$redis->stop;
is(spent(told($n[1])->{'provider=b'}), $main::Cost,
   'what this host counts where Redis does not tell');
$redis->cont;
main::quits($_) for @n;

=== TEST 22: who has limits is told, whichever host counts it, in pages, once
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer\nb:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my @n = map { main::host($redis, 'provider=a budget=1/day; provider=b rpm=9;'
                         . ' key=* budget=1/month rpm=100;'
                         . ' team=* budget=2/day; model=m requests=7/day',
                         params => 'timeout=300ms',
                         config => $main::Admin) } 1 .. 2;

sub admin {
    my ($n, $path, $body) = @_;
    my @o = (key => 'test-token', port => $n->port);
    return ($body ? LLM::Steps::post("/llm/$path", $body, @o)
                  : LLM::Steps::get("/llm/$path", @o))->{json};
}

# what a subject has spent of money or requests, by the list of this host, a
# page of so many after the other

sub listed {
    my ($n, $page) = @_;
    my ($next, %of, $twice) = ('');

    while (defined $next) {
        my $r = admin($n, "limits?limit=$page&after=$next");

        for (@{ $r->{limits} }) {
            my ($c) = grep { $_->{counts} eq 'budget' } @{ $_->{counters} };
            $twice = 1 if exists $of{$_->{subject}};
            $of{$_->{subject}} = ($c // $_->{counters}[0])->{spent};
        }

        die "too many in a page\n" if @{ $r->{limits} } > $page;
        $next = $r->{next};
    }

    return ($twice ? 'twice ' : '') . join ' ', map { "$_=$of{$_}" }
                                                    sort keys %of;
}

# a key that one host makes, and the other one uses

my $made = admin($n[1], 'keys', '{"name": "made", "owner": "acme",'
                       . ' "team": "search", "models": ["*"],'
                       . ' "limit": ["tokens=1k/day"]}');

is(listed($n[0], 100), 'key=caller=0 model=m=0 provider=a=0 provider=b=0',
   'of nginx.conf');
main::wait_until('and of the other host', sub {
    listed($n[0], 100) =~ /^key=caller=0 key=made=0 .* team=acme\/search=0$/
});

is(main::ask_one($n[0])->{status}, 200, 'served');
is(main::answer(main::start($n[0]->port, main::asks(),
                            key => $made->{secret}))->{status}, 200,
   'by the new key, too');
main::freed($redis);

my $want = "key=caller=$main::Cost key=made=$main::Cost model=m=2"
           . " provider=a=" . 2 * $main::Cost . ' provider=b=0'
           . " team=acme/search=$main::Cost";

for my $page (1, 2, 3, 5, 6, 7, 1000) {
    is(listed($_, $page), $want, "the same of both, $page a page") for @n;
}

my ($of) = grep { $_->{subject} eq 'key=made' }
                @{ admin($n[1], 'limits')->{limits} };
holds($of, 'counters.length=3 reserved.requests=0');
my %c = map { $_->{counts} => $_ } @{ $of->{counters} };
is($c{tokens}{spent}, 60, 'each of its limits');
like($c{budget}{resets}, qr/^\d{4}-\d\d-01T00:00:00Z$/, 'when it turns');

# other hosts' are not known where Redis does not tell

$redis->stop;
is(listed($n[1], 100), '', 'this host has counted nothing');
like(listed($n[0], 100), qr/^key=caller=$main::Cost key=made=$main::Cost model/,
     'the other one has');
$redis->cont;

# keys are read whole, which is done for a thousand of them

main::wait_until('it is back', sub { listed($n[1], 100) eq $want });
is(admin($n[1], 'limits')->{cut}, undef, 'all of them');
admin($n[1], 'keys', qq({"name": "k$_"})) for 1 .. 1000;
my $r = admin($n[1], 'limits?limit=1000');
is($r->{cut}, JSON::PP::true, 'there are others, and it is said');
is(scalar @{ $r->{limits} }, 1000, 'a page is full');
main::quits($_) for @n;
