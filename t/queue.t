# The queue: requests that wait for a route with room, in their turn, within
# bounds, and leave nothing behind.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;

repeat_each(1);
no_shuffle();

# one route, with room for one, under a class

sub one {
    my ($class, $limit) = @_;

    $limit //= 'limit inflight=1;';

    return providers(a => $limit) . <<"_EOC_" . $Key;
    llm_class default {
        $class
    }

    llm_model m {
        route  a;
    }
_EOC_
}

# requests by name, begun one after the other

sub named {
    my ($name) = @_;
    return qq({"model": "m", "messages": [], "user": "$name"});
}

sub begin {
    my ($port, $name, %o) = @_;

    my $c = start($port, named($name), %o);

    select undef, undef, undef, 0.03;
    return $c;
}

# the names in the order in which they came to the provider

sub order {
    return join ' ', map { $_->{body} =~ /"user": "(\w+)"/ }
                         LLM::Provider::requests();
}

# kB of memory that a process holds

sub memory {
    my ($pid) = @_;

    open my $fh, '<', "/proc/$pid/status" or die;
    return (join '', <$fh>) =~ /VmRSS:\s+(\d+)/ ? $1 : die;
}

run_tests();

__DATA__

=== TEST 1: each waits its turn
--- http_config eval
"log_format queue '\$llm_queue_ms';\n" . main::one('queue 5s;')
--- config
    location /v1 {
        access_log  logs/queue.log queue;
        llm_route;
    }
--- provider eval: "a:\n    pause 400\n    $::Ok"
--- steps
my $port = $Test::Nginx::Util::ServerPort;
my @c = map { main::begin($port, $_) } qw(one two three four);
my @r = map { main::answer($_) } @c;

is(join(' ', map { $_->{status} } @r), '200 200 200 200', 'all are served');
is(main::order(), 'one two three four', 'in their order');
is($r[3]{headers}{'x-llm-rung'}, 'first', 'rung');
is($r[3]{headers}{'x-llm-attempts'}, 1, 'attempts');

my @records = records(4);

ok(!defined $records[0]{queue_ms}, 'the first one has not waited');
main::between($records[$_]{queue_ms}, 400 * $_ - 300, 400 * $_ + 3000,
              "waited: $_") for 1 .. 3;
holds($records[3], 'outcome=ok attempts.length=1 latency_ms>900');
ok($records[3]{attempts}[0]{start_ms} >= $records[3]{queue_ms},
   'the attempt began afterwards');

my @lines = LLM::Steps::lines($Test::Nginx::Util::ServRoot
                              . '/logs/queue.log');
is($lines[-1], "$records[3]{queue_ms}\n", 'and so says the variable');


=== TEST 2: by the priority of their classes, then by arrival
--- config eval: $::Here
--- provider eval: "a:\n    pause 200\n    $::Ok"
--- steps
my $n = main::own(main::one('queue 5s priority=2;') . <<'_EOC_');
    llm_class late { queue 5s priority=9; }
    llm_class soon { queue 5s; }
    llm_key late { secret plain:sk-late; models *; class late; }
    llm_key soon { secret plain:sk-soon; models *; class soon; }
_EOC_

my @c = map { main::begin($n->port, "$_->[0]$_->[1]", key => "sk-$_->[0]") }
            [ test => 0 ], [ late => 1 ], [ test => 1 ], [ late => 2 ],
            [ soon => 1 ], [ test => 2 ], [ soon => 2 ];

is(join(' ', map { main::answer($_)->{status} } @c), '200' . ' 200' x 6, 'all');
is(main::order(), 'test0 soon1 soon2 test1 test2 late1 late2', 'order');


=== TEST 3: a queue that is full refuses, with a time to come back
--- http_config eval
main::one('queue 5s size=2;') . <<'_EOC_'
    llm_class other { queue 5s size=1; }
    llm_key other { secret plain:sk-other; models *; class other; }
_EOC_
--- config eval: $::Route
--- provider eval: "a:\n    pause 300\n    $::Ok"
--- steps
my $port = $Test::Nginx::Util::ServerPort;
my @c = map { main::begin($port, $_) } qw(one two three);
my $r = main::chat();

is($r->{status}, 429, 'status');
main::between($r->{headers}{'retry-after'}, 1, 60, 'Retry-After');
holds($r, 'error.code=queue_full decision.length=1 decision.0.kept=false'
          . ' decision.0.reason=account_full');

# the size is the class's own

push @c, main::begin($port, 'four', key => 'sk-other');
is(main::chat(undef, key => 'sk-other')->{status}, 429, 'of its class');
is(main::answer($_)->{status}, 200, 'those inside are served') for @c;

is(main::chat()->{status}, 200, 'there is room again');
is(main::calls(), 'a=5', 'calls');

my @full = grep { ($_->{code} // '') eq 'queue_full' } records(7);

is(scalar @full, 2, 'refused');
holds($full[0], 'status=429 outcome=rejected attempts.length=0 latency_ms<100'
                . ' !rung !queue_ms cost=0');


=== TEST 4: one that has waited long enough is refused
--- http_config eval: main::one('queue 300ms;')
--- config eval: $::Route
--- provider eval: "a:\n    pause 900\n    $::Ok"
--- steps
my $c = main::begin($Test::Nginx::Util::ServerPort, 'one');
my $r = main::chat();

is($r->{status}, 429, 'status');
main::between($r->{headers}{'retry-after'}, 1, 60, 'Retry-After');
holds($r, 'error.code=queue_timeout error.message~"had room within 300"'
          . ' decision.0.reason=account_full');
is(main::answer($c)->{status}, 200, 'the other one is served');

my @r = records(2);

holds($r[0], 'status=429 outcome=rejected code=queue_timeout queue_ms>280'
             . ' queue_ms<500 attempts.length=0');
is(main::calls(), 'a=1', 'calls');


=== TEST 5: room that comes is seen at once, from another worker soon
--- config eval: $::Here
--- provider eval: "a:\n    pause 300\n    $::Ok"
--- steps
my $n = main::own(main::one('queue 5s;'), workers => 2);

for my $port ($n->port, $n->{spread}) {
    LLM::Provider::play("a:\n    pause 300\n    $::Ok");

    my @c = map { main::begin($port, $_) } 1 .. 4;

    is(main::answer($_)->{status}, 200, 'served') for @c;

    my @t = map { $_->{time} } sent();

    # each one took 300 ms: what is above is the time that nobody was there

    main::between(($t[$_] - $t[$_ - 1]) * 1000, 295, 400, "gap $_")
        for 1 .. 3;
}


=== TEST 6: room at one model's account is room for another's
--- http_config eval
main::one('queue 5s;') . "llm_model n { route a; }\n"
--- config eval: $::Route
--- provider eval: "a:\n    pause 200\n    $::Ok"
--- steps
my $c = main::begin($Test::Nginx::Util::ServerPort, 'one');
my $r = main::chat('{"model": "n", "messages": []}');

is($r->{status}, 200, 'status');
main::between((main::times())[1], 190, 320, 'soon');
main::answer($c);


=== TEST 7: after a 429 it waits for the time that the provider says
--- http_config eval: main::one('queue 5s on=429;', '')
--- config eval: $::Route
--- provider eval
"a #1:\n    status 429\n    header Retry-After: 1\n    json {}\na:\n    $::Ok"
--- steps
my $port = $Test::Nginx::Util::ServerPort;
my $c = main::begin($port, 'one');

is(main::answer($c)->{status}, 200, 'status');
is(main::calls(), 'a=2', 'calls');
main::between((main::times())[1], 950, 1600, 'it waited');

my ($r) = records(1);

holds($r, 'outcome=ok attempts.length=2 attempts.0.status=429'
          . ' attempts.0.error~^429: !attempts.1.error attempts.1.status=200'
          . ' queue_ms>900 queue_ms<1600');


=== TEST 8: and so do requests that come meanwhile
--- http_config eval: main::one('queue 5s;', '')
--- config eval: $::Route
--- provider eval
"a #1:\n    status 429\n    header retry-after-ms: 500\n    json {}\na:\n    $::Ok"
--- steps
my $port = $Test::Nginx::Util::ServerPort;
my @c = map { main::begin($port, $_) } qw(one two three);

is(main::answer($_)->{status}, 200, 'served') for @c;
like(main::order(), qr/^one (?=.*one)(?=.*two)(?=.*three)/, 'asked');
main::between((main::times())[1], 490, 800, 'they waited');
main::between((main::times())[3] - (main::times())[1], 0, 150, 'together');


=== TEST 9: it waits once: a second 429 is the answer
--- http_config eval: main::one('queue 5s on=429;', '')
--- config eval: $::Route
--- provider
a:
    status 429
    header retry-after-ms: 200
    json {"of": "its own"}
--- steps
my $r = main::chat();

is($r->{status}, 429, 'status');
is($r->{content}, '{"of": "its own"}', 'its words');
is(main::calls(), 'a=2', 'calls');


=== TEST 10: other rungs come first
--- http_config eval
main::providers(a => '', b => '', c => '') . <<'_EOC_' . $::Key;
    llm_class default { switch on=429; backup on=429; queue 5s on=429;
                        attempts 9; }

    llm_model m { route a; route b priority=2; backup o; }
    llm_model o { route c; }
_EOC_
--- config eval: $::Route
--- provider eval
CORE::join('', map { "$_ #1:\n    status 429\n    header retry-after-ms: 300\n    json {}\n"
                     . "$_:\n    $::Ok\n" } qw(a b c))
--- steps
my $r = main::chat();

is($r->{status}, 200, 'status');
is(CORE::join(' ', map { $_->{name} } sent()), 'a b c a', 'order');
holds((records(1))[0], 'attempts.length=4 attempts.0.rung=first'
                       . ' attempts.1.rung=switch attempts.2.rung=backup'
                       . ' attempts.3.status=200 queue_ms>200 queue_ms<600');


=== TEST 11: a client that leaves gives its place up
--- config eval: $::Here
--- provider eval: "a:\n    hang"
--- steps
for my $how (qw(close reset)) {
    my $n = main::own(main::one('queue 5s size=1;'));
    my $c = main::begin($n->port, 'one');

    main::leave($n, 150, $how);
    select undef, undef, undef, 0.1;

    my ($r) = records(1, $n->usage_file);

    holds($r, 'status=499 outcome=client_closed attempts.length=0'
              . ' queue_ms>100 queue_ms<500 latency_ms<600', $how);

    # its place is another's now

    my $d = main::begin($n->port, 'two');
    is(main::chat(undef, port => $n->port)->{json}{error}{code}, 'queue_full',
       "$how: one waits");

    close $d->{s};
    close $c->{s};
    records(4, $n->usage_file);
    main::quits($n);
}


=== TEST 12: the deadline holds in the queue, too
--- http_config eval
main::one('queue 5s; deadline 300ms;') . <<'_EOC_'
    llm_class slow { }
    llm_key slow { secret plain:sk-slow; models *; class slow; }
_EOC_
--- config eval: $::Route
--- provider eval: "a:\n    hang"
--- steps
my $c = main::begin($Test::Nginx::Util::ServerPort, 'one', key => 'sk-slow');
my $r = main::chat();

is($r->{status}, 504, 'status');
holds($r, 'error.code=upstream_timeout error.message~deadline');
close $c->{s};

my ($q) = grep { !@{ $_->{attempts} } } records(2);

holds($q, 'status=504 code=upstream_timeout latency_ms>280 latency_ms<600'
          . ' queue_ms>280');


=== TEST 13: a reload while some wait: they are served by the old worker
--- config eval: $::Here
--- provider eval: "a:\n    pause 400\n    $::Ok"
--- steps
my $n = main::own(main::one('queue 10s;'));
my @c = map { main::begin($n->port, $_) } qw(one two three);

$n->reload;

push @c, main::begin($n->port, 'four');

is(main::answer($_)->{status}, 200, 'served') for @c;
is(main::calls(), 'a=4', 'calls');
main::quits($n);


=== TEST 14: so are those that wait when nginx is asked to quit
--- config eval: $::Here
--- provider eval: "a:\n    pause 300\n    $::Ok"
--- steps
my $n = main::own(main::one('queue 10s;'));
my @c = map { main::begin($n->port, $_) } qw(one two three);

kill QUIT => $n->pid;

is(main::answer($_)->{status}, 200, 'served') for @c;
main::quits($n);


=== TEST 15: nobody waits for what is broken, or in a class without a queue
--- http_config eval
main::one('queue 5s; last_resort off;') . <<'_EOC_'
    llm_class strict { queue off; }
    llm_class late   { queue 5s on=429; }
    llm_key strict { secret plain:sk-strict; models *; class strict; }
    llm_key late   { secret plain:sk-late; models *; class late; }
_EOC_
--- config eval: $::Route
--- provider eval
"a #1-5:\n    status 500\n    json {}\na:\n    hang"
--- steps
main::chat() for 1 .. 5;

my $r = main::chat();
is($r->{status}, 503, 'a breaker is open');
holds($r, 'error.code=no_route decision.0.reason=breaker_open');
is(main::calls(), 'a=5', 'calls');
holds((records(6))[-1], 'latency_ms<100 !queue_ms');


=== TEST 16: a full account without a queue is a refusal at once
--- http_config eval
main::one('queue 5s; last_resort off;') . <<'_EOC_'
    llm_class strict { queue off; }
    llm_key strict { secret plain:sk-strict; models *; class strict; }
_EOC_
--- config eval: $::Route
--- provider eval: "a:\n    pause 200\n    $::Ok"
--- steps
my $c = main::begin($Test::Nginx::Util::ServerPort, 'one');
my $r = main::chat(undef, key => 'sk-strict');

is($r->{status}, 503, 'status');
holds($r, 'error.code=no_route decision.0.reason=account_full');
ok($r->{headers}{'retry-after'} >= 1, 'Retry-After');
main::answer($c);


=== TEST 17: two thousand that wait cost little, and all are served
--- config eval: $::Here
--- provider eval: "a #1:\n    pause 4000\n    $::Ok\na:\n    $::Ok"
--- timeout: 30
--- steps
my $count = 2000;
my $n = main::own(main::one('queue 60s size=5000;'), connections => 4200,
                  main => 'worker_rlimit_nofile 9000;');
my $pid;

wait_for(5, sub { ($pid) = $n->workers });

my $before = main::memory($pid);
my $first = main::begin($n->port, 'one');
my @c = map { main::start($n->port) } 1 .. $count;

# one that is asked last is answered when all others wait

wait_for(10, sub {
    my $r = get('/nowhere', port => $n->port);
    return $r->{status} == 404;
});

my $each = (main::memory($pid) - $before) / $count;

# two blocks of nginx's pool, or three where a request has more headers; a
# sanitizer's memory is not ours

ok($each < 14 || $ENV{TEST_NGINX_LOAD_MODULES} =~ /asan/, "kB each: $each");
is(main::calls(), 'a=1', 'they wait');

is(main::answer($first)->{status}, 200, 'the first');
is(scalar(grep { main::answer($_)->{status} == 200 } @c), $count, 'all');

my @r = records($count + 1, $n->usage_file);

is(scalar(grep { ($_->{queue_ms} // 0) > 0 } @r), $count, 'they have waited');
main::quits($n);


=== TEST 18: a provider's limit of our own is waited for, and nothing else stands still
--- config eval: $::Here
--- provider eval: "a:\n    $::Ok\nb:\n    $::Ok\n"
--- steps
my $n = main::own(main::providers(a => '', b => '') . $main::Key . <<'_EOC_');
    llm_limit provider=a requests=1/s;

    llm_class default { attempts 1; queue 5s; }

    llm_model m { route a; }
    llm_model other { route b; }
_EOC_

my @c = map { main::begin($n->port, $_) } qw(one two three);
my $other = main::answer(main::start($n->port, '{"model":"other"}'));

is($other->{status}, 200, 'another provider is asked meanwhile');
main::between($other->{ms}, 0, 500, 'at once');

my @r = map { main::answer($_) } @c;

is(join(' ', map { $_->{status} } @r), '200 200 200', 'all are served');
is(main::order(), 'one two three', 'in turn');
main::between($r[1]->{ms}, 700, 1900, 'the second after a second');
main::between($r[2]->{ms}, 1700, 3500, 'the third after two');

my ($pid) = $n->workers;
open my $fh, '<', "/proc/$pid/stat" or die;
my @stat = split ' ', <$fh> =~ s/.*\)//r;
main::between($stat[11] + $stat[12], 0, 50, 'its worker slept, in ticks');
main::quits($n);
