
# Limits that hosts share through Redis: they hold over hosts to the
# nano-dollar, and a Redis that is slow, gone or empty again loses no spend
# and counts none twice.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;
use LLM::Redis;

repeat_each(1);
no_shuffle();

# "a" answers 100 tokens in and 50 out: 0.0002 dollars

our $Answer = 'json {"choices":[{"index":0,"message":{"content":"well"}}],'
              . '"usage":{"prompt_tokens":100,"completion_tokens":50}}';

our $Cost = 200_000;    # nano-dollars

# a host: nginx with this Redis, a key with these limits, this on_error

sub host {
    my ($redis, $limit, %o) = @_;

    my $params = $o{params} // 'timeout=1s';
    my $url = $o{url} // 'redis://127.0.0.1:' . $redis->port;
    my $more = $o{more} // '';

    return own(providers(a => '') . <<"_EOC_", %o);
    llm_redis $url $params;

    llm_class default {
        attempts 1;
        missing_price allow;
    }

    llm_model m {
        route  a;
        price  input=1 output=2;
        max_tokens 50;
    }

@{[ member("limit $limit;") ]}
$more
_EOC_
}

our $Short = '{"model":"m","messages":[],"max_tokens":50}';

sub ask_one {
    my ($n) = @_;
    return answer(start($n->port, $Short));
}

run_tests();

__DATA__

=== TEST 1: what one host spends another one cannot
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $a = main::host($redis, 'budget=0.001/day');
my $b = main::host($redis, 'budget=0.001/day');

is(main::ask_one($_)->{status}, 200, 'one of five') for $a, $b, $a, $b, $a;

my $r = main::ask_one($b);
is($r->{status}, 402, 'one too many');
holds($r, 'error.code=budget_exceeded');
is($redis->field('key=caller', 's'), 1_000_000, 'all of it is spent');
is($redis->field('key=caller', 'm'), 0, 'nothing is held');

main::wait_until('logs', sub { main::logged($a, $b) == 1_000_000 });
main::quits($_) for $a, $b;

=== TEST 2: hundreds at once over two hosts spend the limit to the nano-dollar
--- config eval: $::Here
--- provider eval: "a:\n    pause 20\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my @n = map { main::host($redis, 'budget=0.02/day', workers => 2,
                         params => 'timeout=5s') } 1 .. 2;
my (%status, @c);

for my $round (1 .. 3) {
    @c = map { main::start($n[$_ % 2]->port, $main::Short) } 1 .. 100;
    $status{main::answer($_)->{status}}++ for @c;
}

is(join(' ', sort keys %status), '200 402', 'served or refused');
is($status{200}, 100, 'as many as the budget has');
is($redis->field('key=caller', 's'), 20_000_000, 'to the nano-dollar');
is($redis->field('key=caller', 'm'), 0, 'nothing is held');
main::wait_until('the logs say the same',
                 sub { main::logged(@n) == 20_000_000 });
main::quits($_) for @n;


=== TEST 3: what was reserved and not used can be used
--- config eval: $::Here
--- provider
a #1:
    pause 400
    status 500
    json {"error":{"message":"no"}}
a:
    json {"choices":[{"index":0,"message":{"content":"well"}}],"usage":{"prompt_tokens":100,"completion_tokens":50}}
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'budget=0.0002/day');

my $c = main::start($n->port, $main::Short);
select undef, undef, undef, 0.15;

my $r = main::ask_one($n);
is($r->{status}, 402, 'all is held');
like($r->{content}, qr/reserved/, 'and it is said that it is');

is(main::answer($c)->{status}, 500, 'the first one fails');
is($redis->field('key=caller', 'm'), 0, 'which gives all back');
is(main::ask_one($n)->{status}, 200, 'for the next one');
is(main::ask_one($n)->{status}, 402, 'and no more');
main::quits($n);


=== TEST 4: a client that leaves while Redis is asked takes nothing
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'inflight=1 rpm=100', params => 'timeout=3s');

is(main::ask_one($n)->{status}, 200, 'one before');
$redis->stop;
main::leave($n, 100, 'close', $main::Short);
select undef, undef, undef, 0.3;
$redis->cont;
main::wait_until('nothing is held', sub { $redis->field('key=caller', 'r') == 0 });
is(main::ask_one($n)->{status}, 200, 'one after');
is(scalar(sent()), 2, 'it went nowhere');
main::quits($n);


=== TEST 5: scripts that Redis forgot are sent again
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'budget=1/day', params => 'timeout=9s');

for (1 .. 3) {
    is(main::ask_one($n)->{status}, 200, 'served');
    is($redis->run('SCRIPT', 'FLUSH'), 'OK', 'forgotten');
}

is($redis->field('key=caller', 's'), 3 * $main::Cost, 'counted');
unlike($n->error_log, qr/redis is unavailable/, 'no failure');
main::quits($n);


=== TEST 6: on_error=closed refuses while Redis is gone
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'budget=1/day',
                   params => 'timeout=100ms on_error=closed');

is(main::ask_one($n)->{status}, 200, 'served');
$redis->kill;

my $r = main::ask_one($n);
is($r->{status}, 503, 'refused');
holds($r, 'error.code=quota_unavailable');
ok($r->{headers}{'retry-after'}, 'for a while');

$redis->start;
main::wait_until('it is back', sub { main::ask_one($n)->{status} == 200 });
main::quits($n);


=== TEST 7: on_error=open lets through, and counts in the end
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new(conf => "appendonly yes\nappendfsync always\n");
my $n = main::host($redis, 'budget=0.0004/day',
                   params => 'timeout=100ms on_error=open');

is(main::ask_one($n)->{status}, 200, 'served');
$redis->kill;
is(main::ask_one($n)->{status}, 200, 'served without Redis') for 1 .. 5;
$redis->start;

main::wait_until('all is counted', sub {
    $redis->field('key=caller', 's') == 6 * $main::Cost
});
main::wait_until('and holds', sub { main::ask_one($n)->{status} == 402 });
is($redis->field('key=caller', 's'), 6 * $main::Cost, 'once');
main::wait_until('the log says the same',
                 sub { main::logged($n) == 6 * $main::Cost });
main::quits($n);


=== TEST 8: on_error=local has this host's zone hold the limit
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new(conf => "appendonly yes\nappendfsync always\n");
my $n = main::host($redis, 'budget=0.001/day', params => 'timeout=100ms');

is(main::ask_one($n)->{status}, 200, 'served by Redis') for 1 .. 2;
$redis->kill;
is(main::ask_one($n)->{status}, 200, 'served by the zone') for 1 .. 3;
is(main::ask_one($n)->{status}, 402, 'which knows of all five');
$redis->start;

main::wait_until('Redis learns of them', sub {
    $redis->field('key=caller', 's') == 5 * $main::Cost
});
main::wait_until('and is asked again', sub {
    $n->error_log =~ /redis has all that was used/
});
is(main::ask_one($n)->{status}, 402, 'it holds');
is($redis->field('key=caller', 's'), 5 * $main::Cost, 'once');
is($redis->field('team=acme/search', 's'), 0, 'no limit, no counter');
main::quits($n);


=== TEST 9: a slow Redis is a dead one
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'budget=1/day', params => 'timeout=200ms');

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
    $redis->field('key=caller', 's') == 3 * $main::Cost
        && $redis->field('key=caller', 'm') == 0
});
select undef, undef, undef, 1.5;
is($redis->field('key=caller', 's'), 3 * $main::Cost, 'once');
main::wait_until('it is asked again', sub {
    main::ask_one($n);
    $redis->field('key=caller', 's') > 3 * $main::Cost
});
main::quits($n);


=== TEST 10: Redis killed under load, twice: no spend is lost, none counted twice
--- config eval: $::Here
--- provider eval: "a:\n    pause 10\n    $::Answer"
--- steps
my $redis = LLM::Redis->new(conf => "appendonly yes\nappendfsync always\n");
my @n = map { main::host($redis, 'budget=1/day tpm=100m', workers => 2,
                         params => 'timeout=500ms') } 1 .. 2;
my %status;

for my $round (1 .. 8) {
    my @c = map { main::start($n[$_ % 2]->port, $main::Short) } 1 .. 30;

    $redis->kill if $round == 3 || $round == 6;
    $status{main::answer($_)->{status}}++ for @c;
    $redis->start if $round == 4 || $round == 7;
}

is(join(' ', sort keys %status), '200', 'all were served');
main::wait_until('all is counted', sub {
    $redis->field('key=caller', 's') >= 240 * $main::Cost
});
select undef, undef, undef, 2;
is($redis->field('key=caller', 's'), 240 * $main::Cost, 'once');
main::wait_until('the logs say the same',
                 sub { main::logged(@n) == 240 * $main::Cost });
main::quits($_) for @n;


=== TEST 11: a Redis that comes back empty starts anew, with what it is owed
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'budget=1/day', params => 'timeout=200ms');

is(main::ask_one($n)->{status}, 200, 'served');
$redis->kill;
is(main::ask_one($n)->{status}, 200, 'served by the zone');
$redis->start;
main::wait_until('what it is owed', sub {
    $redis->field('key=caller', 's') == $main::Cost
});
main::quits($n);


=== TEST 12: a worker that ends leaves what it owes to the next one
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new(conf => "appendonly yes\nappendfsync always\n");
my $n = main::host($redis, 'budget=1/day', params => 'timeout=100ms');

is(main::ask_one($n)->{status}, 200, 'served');
$redis->kill;
is(main::ask_one($n)->{status}, 200, 'served by the zone');

$n->reload;
is(main::ask_one($n)->{status}, 200, 'by the next worker, too');
kill 'KILL', $n->workers;
main::wait_until('another worker', sub {
    main::ask_one($n)->{status} == 200
});

my $used = main::logged($n);
$redis->start;
main::wait_until('all is counted', sub {
    $redis->field('key=caller', 's') == main::logged($n)
        && main::logged($n) >= 4 * $main::Cost
});
$n->quit;


=== TEST 13: reload under load
--- config eval: $::Here
--- provider eval: "a:\n    pause 30\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'inflight=500 budget=1/day',
                   params => 'timeout=2s');
my $ok = 0;

for (1 .. 3) {
    my @c = map { main::start($n->port, $main::Short) } 1 .. 25;
    $n->reload;
    $ok += main::answer($_)->{status} == 200 for @c;
}

is($ok, 75, 'all were served');
main::wait_until('and counted', sub {
    $redis->field('key=caller', 's') == 75 * $main::Cost
});
is($redis->field('key=caller', 'r'), 0, 'nothing is held');
main::wait_until('old workers have left', sub {
    my @c = grep { /name=nginx-llm-gateway/ }
                split /\n/, $redis->run('CLIENT', 'LIST');
    @c == 1;
});
main::quits($n);


=== TEST 14: reservations of a host that is gone come back
--- config eval: $::Here
--- provider
a #1:
    hang
a:
    json {"choices":[{"index":0,"message":{"content":"well"}}],"usage":{"prompt_tokens":100,"completion_tokens":50}}
--- steps
my $redis = LLM::Redis->new;
my ($a, $b) = map { main::host($redis, 'inflight=1',
                               params => 'timeout=1s lease=2s') } 1 .. 2;

my $c = main::start($a->port, $main::Short);
main::wait_until('one is held', sub { $redis->field('key=caller', 'r') == 1 });
is(main::ask_one($b)->{status}, 429, 'there is room for one');

select undef, undef, undef, 3;
is(main::ask_one($b)->{status}, 429, 'as long as its host holds it');

$a->quit('KILL');
main::wait_until('the room comes back',
                 sub { main::ask_one($b)->{status} == 200 });
main::quits($b);
