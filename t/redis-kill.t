# A settlement on its way to Redis, and what becomes of it when its worker, or
# nginx, or Redis is killed: it counts, and once.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;
use LLM::Ledger;
use LLM::Redis;

repeat_each(1);
no_shuffle();

# "a" answers 100 tokens in and 50 out: 0.0002 dollars

our $Answer = 'json {"choices":[{"index":0,"message":{"content":"well"}}],'
              . '"usage":{"prompt_tokens":100,"completion_tokens":50}}';

# the same, and so much that a client that does not read stops it

our $Long = <<'_EOC_';
header Content-Type: application/json
    body {"choices":[{"index":0,"message":{"content":"
    fill 3000000 x
    body "}}],"usage":{"prompt_tokens":100,"completion_tokens":50}}
_EOC_

our $Cost = 200_000;    # nano-dollars

our $Kept = "appendonly yes\nappendfsync always\n";

# a host whose key, team, environment, model and provider "a" have budgets

sub host {
    my ($redis, %o) = @_;

    my $params = $o{params} // 'timeout=1s';
    my $url = $o{url} // 'redis://127.0.0.1:' . $redis->port;
    my $zone = $o{zone} // '8m';

    return LLM::Nginx->new(%o, config => $Route
        . 'location /llm/ { llm_admin token=plain:test-token; }',
        http => <<"_EOC_");
    llm_zone $zone;
    llm_usage_log \$DIR/logs/usage.jsonl flush=10ms;
    llm_redis $url $params;
    llm_class default { attempts 2; switch on=reset,invalid,5xx; }
    llm_limit env=prod budget=2/day;
    llm_limit model=m budget=3/day;
    llm_limit provider=a budget=4/day;
@{[providers(a => '', b => '')]}
    llm_model m {
        route a; route b priority=2; price input=1 output=2; max_tokens 50;
    }
    llm_key caller { secret plain:sk-test; models *; owner acme; team t;
                     env prod; limit budget=1/day rpm=6000; }
    llm_limit team=acme/t tpm=1m budget=1/day;
_EOC_
}

our $Short = '{"model":"m","messages":[],"max_tokens":50}';

our @Subjects = ('key=caller', 'team=acme/t', 'env=prod', 'model=m',
                 'provider=a');

# three nodes, of which each has a part

sub nodes {
    my @r = map { LLM::Redis->new(conf => "cluster-enabled yes\n"
                  . "cluster-node-timeout 2000\n") } 1 .. 3;

    open my $fh, '-|', 'redis-cli', '--cluster', 'create', '--cluster-yes',
         map { '127.0.0.1:' . $_->port } @r or die;
    my $made = do { local $/; <$fh> };
    close $fh;

    main::wait_until('a cluster', sub {
        3 == grep { $_->run('CLUSTER', 'INFO') =~ /cluster_state:ok/ } @r });

    return @r;
}

# What budgets of these subjects have spent in these Redis: "all the same" once
# it is what the log says; else what differs.

sub same {
    my ($n, $redis, @subjects) = @_;

    my $said = '';

    LLM::Steps::wait_for(10, sub {
        my $cost = logged($n);
        my @differ;

        for my $id (@subjects ? @subjects : @Subjects) {
            my $spent = 0;
            $spent += $_->budget($id) for @$redis;
            push @differ, "$id spent $spent" if $spent != $cost;
        }

        $said = @differ ? join(', ', "the log has $cost", @differ)
                        : 'all the same';
        return !@differ });

    return $said;
}

# one request, so that Redis knows the scripts

sub warm {
    my ($n, @redis) = @_;

    is(answer(start($n->port, $Short))->{status}, 200, 'one before');
    is(same($n, [@redis]), 'all the same', 'settled');
}

# has the worker die there, with a request under way; whether it did

sub dies {
    my ($n, $function, $nth) = @_;

    my ($pid, $gdb) = deadly($n, $function, $nth);
    answer(start($n->port, $Short), 3);

    my $died = !grep { $_ == $pid } $n->workers;

    kill KILL => $pid if !$died;
    waitpid $gdb, 0;
    reborn($n, $pid);

    return $died;
}

run_tests();

__DATA__

=== TEST 1: a worker is killed at each step of a settlement: before it is sent, and after it was executed
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
SKIP: {
    main::skip('gdb cannot attach to a process here', 1) if !main::gdb();

    my $redis = LLM::Redis->new;
    my $n = main::host($redis);
    my $killed = 0;

    # the third call of Redis is the request's settlement, or its attempt's

    for my $at (['ngx_llm_redis_eval', 2], ['ngx_llm_redis_eval', 3],
                ['ngx_llm_redis_node_out', 2], ['ngx_llm_redis_node_out', 3],
                ['ngx_llm_redis_replied', 2], ['ngx_llm_redis_replied', 3],
                ['ngx_llm_redis_replied', 4], ['ngx_llm_zone_done', 2],
                ['ngx_llm_zone_done', 3], ['ngx_llm_zone_done', 4])
    {
        $killed += main::dies($n, @$at);
        is(main::same($n, [$redis]), 'all the same', "@$at");
    }

    is(main::agree($n), 'all the same', 'llm_admin says so, too');
    ok($killed > 4, "$killed workers died there");
    $n->quit;
}


=== TEST 2: the same on a cluster, where a request has several settlements
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
SKIP: {
    main::skip('gdb cannot attach to a process here', 1) if !main::gdb();

    my @redis = main::nodes();
    my $n = main::host($redis[0], params => 'timeout=1s cluster=on');
    my $killed = 0;

    for my $at (map { ['ngx_llm_redis_eval', $_] } 4 .. 7) {
        $killed += main::dies($n, @$at);
        is(main::same($n, \@redis), 'all the same', "@$at");
    }

    ok($killed > 2, "$killed workers died there");
    $n->quit;
}


=== TEST 3: Redis was killed, a settlement waits for it, and its worker and the next one are killed
--- config eval: $::Here
--- provider eval: "a:\n    pause 1000\n    $::Answer"
--- steps
my $redis = LLM::Redis->new(conf => $main::Kept);
my $n = main::host($redis);

my @c = map { main::start($n->port, $main::Short) } 1 .. 3;

LLM::Steps::wait_for(5, sub { LLM::Provider::requests() == 3 });
main::wait_until('reserved', sub { $redis->field('key=caller', 'r') == 3 });

$redis->kill;
is(main::answer($_)->{status}, 200, 'served') for @c;

for (1 .. 2) {
    my ($pid) = $n->workers;
    kill KILL => $pid;
    ok(main::reborn($n, $pid), 'another worker is there');
}

$redis->start;
is(main::same($n, [$redis]), 'all the same', 'counted');
is(main::logged($n), 3 * $main::Cost, 'all three');
is($redis->field($_, 'm'), 0, "$_ holds nothing") for @main::Subjects;
is(main::agree($n), 'all the same', 'llm_admin says so, too');
$n->quit;


=== TEST 4: Redis stands still; what it finds afterwards is from a dead worker and from its heir
--- config eval: $::Here
--- provider eval: "a:\n    pause 500\n    $::Answer"
--- steps

# a script that Redis does not know yet is not executed for who is gone

for my $known (0, 1) {
    my $redis = LLM::Redis->new;
    my $n = main::host($redis, params => 'timeout=20s', workers => 2);

    main::warm($n, $redis) if $known;

    my @c = map { main::start($n->port, $main::Short) } 1 .. 8;
    main::wait_until('reserved',
                     sub { $redis->field('provider=a', 'r') == 8 });

    $redis->stop;
    is(main::answer($_)->{status}, 200, 'served') for @c;

    # each finds what the other left

    my @pids = $n->workers;

    kill KILL => $pids[0];
    sleep 3;
    kill KILL => $pids[1];
    ok(main::reborn($n, $pids[1]), 'another worker is there');
    $redis->cont;

    is(main::same($n, [$redis]), 'all the same', 'counted once');
    is(main::logged($n), (8 + $known) * $main::Cost, 'all of them');
    is($redis->field($_, 'm'), 0, "$_ holds nothing") for @main::Subjects;
    sleep 2;
    is(main::same($n, [$redis]), 'all the same', 'and stays so');
    $n->quit;
}


=== TEST 5: with state= all of nginx is killed: Redis had executed one, and not the other
--- config eval: $::Here
--- provider eval: "a:\n    pause 1000\n    $::Answer"
--- steps
for my $executed (0, 1) {
    my $redis = LLM::Redis->new(conf => $main::Kept);
    my $n = main::host($redis, zone => '8m state=$DIR/state',
                       params => 'timeout=20s');

    main::warm($n, $redis);

    my $c = main::start($n->port, $main::Short);

    main::wait_until('reserved',
                     sub { $redis->field('provider=a', 'r') == 1 });

    $executed ? $redis->stop : $redis->kill;

    is(main::answer($c)->{status}, 200, 'served');
    sleep 2;

    my @pids = $n->workers;
    $n->quit('KILL');
    kill KILL => @pids;
    sleep 1;

    # it reads what nginx sent it, or never will

    $executed ? $redis->cont : $redis->start;

    main::wait_until('Redis executed it', sub {
        $redis->budget('key=caller') == 2 * $main::Cost })
        if $executed;

    $n->start;

    is(main::same($n, [$redis]), 'all the same', 'counted');
    is(main::logged($n), 2 * $main::Cost, 'what both cost');
    sleep 2;
    is(main::same($n, [$redis]), 'all the same', 'once');
    $n->quit;
}


=== TEST 6: an attempt was billed, and the worker killed in the next one
--- config eval: $::Here
--- provider eval
"a:\n    sse\n    data {\"choices\":[],\"usage\":{\"prompt_tokens\":100,"
. "\"completion_tokens\":50}}\n    cut\n"
. "b:\n    pause 60000\n"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis);
my $c = main::start($n->{port}, $::Short =~ s/\}$/, "stream": true}/r);

LLM::Steps::wait_for(10, sub { grep { $_->{path} =~ /^\/b/ }
                                    LLM::Provider::requests() });

my $billed = $redis->budget('provider=a');
ok($billed > 0, "the first attempt cost $billed");

my ($pid) = $n->workers;

kill KILL => $pid;
ok(main::reborn($n, $pid), 'another worker is there');

is(main::same($n, [$redis]), 'all the same', 'all of its subjects paid');
is(main::logged($n), $billed, 'as its record says');
is(main::agree($n), 'all the same', 'llm_admin says so, too');
$n->quit;


=== TEST 7: Redis is away, the client has not read its answer, and the worker is killed
--- config eval: $::Here
--- provider eval: "a:\n    $::Long"
--- steps
for my $policy ('local', 'open') {
    my $redis = LLM::Redis->new(conf => $main::Kept);
    my $n = main::host($redis, params => "timeout=1s on_error=$policy");

    is(main::same($n, [$redis]), 'all the same', $policy);
    $redis->kill;

    my $c = main::start($n->port, $main::Short);

    ok(LLM::Steps::wait_for(10, sub { main::spent($n, 'key=caller') }),
       'its use was counted');

    my ($pid) = $n->workers;
    kill KILL => $pid;
    ok(main::reborn($n, $pid), 'another worker is there');

    $redis->start;
    is(main::same($n, [$redis]), 'all the same', 'Redis got it');
    is(main::logged($n), $main::Cost, 'as the log has it');
    is(main::agree($n), 'all the same', 'llm_admin says so, too');
    $n->quit;
}


=== TEST 8: where the zone has no more room for settlements the log says so, and requests go on
--- config eval: $::Here
--- provider eval: "a:\n    pause 500\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, params => 'timeout=20s', zone => '512k');

my @c = map { main::start($n->port, $main::Short) } 1 .. 100;
main::wait_until('reserved', sub { $redis->field('key=caller', 'r') == 100 });

$redis->stop;
my @status = map { main::answer($_, 20)->{status} } @c;
is(scalar(grep { $_ == 200 } @status), 100, 'all are served');

like($n->error_log, qr/the zone has no room for settlements on their way/,
     'the log says so');

$redis->cont;
is(main::same($n, [$redis]), 'all the same', 'all of them are counted');
is(main::logged($n), 100 * $main::Cost, 'and in the log');
$n->quit;
