
# A ladder that moves on to what costs more reserves more first: with Redis as
# exactly as without, over all hosts, and whatever happens while it waits for
# Redis nothing stays held and nothing is counted twice.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;
use LLM::Redis;

repeat_each(1);
no_shuffle();

# A request of model "m" reserves 0.000111 dollars, its backup "dear", which
# uses all that is asked for, ten times that.

our $Cheap = 111_000;       # nano-dollars
our $Dear = 1_110_000;

our $Short = '{"model":"m","messages":[],"max_tokens":50}';

our $Dead = "status 500\n    json {\"error\":{\"message\":\"no\"}}";
our $Answer = 'json {"choices":[{"index":0,"message":{"content":"well"}}],'
              . '"usage":{"prompt_tokens":11,"completion_tokens":50}}';

our $Admin = $Route . <<'_EOC_';
    location /llm/ { llm_admin token=plain:test-token; }
_EOC_

# a host: the first route is cheap, its backup dear; limits of subjects

sub host {
    my ($redis, $limits, %o) = @_;

    my $params = $o{params} // 'timeout=2s';
    my $url = $o{url} // ($redis && 'redis://127.0.0.1:' . $redis->port);
    my $llm_redis = $url ? "llm_redis $url $params;" : '';
    my $class = $o{class} // 'attempts 3; retry off; backup on=5xx;';

    return own(providers(a => '', b => '') . <<"_EOC_", config => $Admin, %o);
    $llm_redis

@{[ join '', map { "    llm_limit $_;\n" } split /; */, $limits ]}

    llm_class default {
        last_resort  on;
        $class
    }

    llm_model m {
        route       a;
        backup      dear;
        price       input=1 output=2;
        max_tokens  50;
    }

    llm_model dear {
        route       b;
        price       input=10 output=20;
        max_tokens  50;
    }

@{[ member() ]}
_EOC_
}

sub begin {
    return start($_[0]->port, $Short, head => "X-LLM-Explain: test-token\r\n");
}

sub ask_one { return answer(begin($_[0]), 20) }

# what an operator is told: its status, and why the dear route was not taken

sub told {
    my ($r) = @_;

    my $d = JSON::PP::decode_json($r->{headers}{'x-llm-decision'} // '[]');
    my ($dear) = grep { ($_->{route} // '') eq 'dear#1' } @$d;
    my ($limit) = grep { $_->{limit} } @$d;

    return join ' ', $r->{status}, $dear->{reason} // 'not looked at',
                     map { "$_=$limit->{$_}" }
                         grep { defined $limit->{$_} }
                              qw(subject limit spent reserved asked);
}

# so many at once over these hosts

sub many {
    my ($n, @hosts) = @_;
    my @c = map { begin($hosts[$_ % @hosts]) } 1 .. $n;

    return map { answer($_, 30)->{status} } @c;
}

# what Redis has of a subject, on whichever server

sub counted {
    my ($field, $id, @redis) = @_;
    my $sum = 0;

    $sum += $_->field($id, $field) for @redis;
    return $sum;
}

sub freed {
    my ($id, @redis) = @_;

    wait_until("nothing of $id is held", sub {
        my $leases = 0;

        for my $r (@redis) {
            my $key = $r->subject($id) // next;
            $leases += () = $r->run('ZRANGE', "$key:leases", 0, -1) =~ /^l:/mg;
        }

        return counted('m', $id, @redis) == 0
               && counted('r', $id, @redis) == 0 && $leases == 0;
    });
}

run_tests();

__DATA__

=== TEST 1: parallel requests over two hosts that all move to a dearer route spend no more than there is
--- config eval: $::Here
--- provider eval: "a:\n    pause 100\n    $::Dead\nb:\n    pause 20\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my @n = map { main::host($redis, "key=* budget=0.0222/day", workers => 2,
                         params => 'timeout=10s') } 1 .. 2;
my %status;

$status{$_}++ for main::many(80, @n);

like(join(' ', sort keys %status), qr/^200( 402)? 500$/, 'served, or refused');
ok($redis->field('key=caller', 's') <= 20 * $main::Dear, 'no more than it is');
main::freed('key=caller', $redis);

# what was refused is there for others

for (1 .. 10) {
    last if $redis->field('key=caller', 's') == 20 * $main::Dear;
    main::many(20, @n);
}

is($redis->field('key=caller', 's'), 20 * $main::Dear, 'to the nano-dollar');
main::freed('key=caller', $redis);
is(LLM::Provider::calls()->{b}, 20, 'so many came to the dear one');
main::wait_until('the logs say the same',
                 sub { main::logged(@n) == 20 * $main::Dear });
main::quits($_) for @n;


=== TEST 2: the same on a cluster, where each subject has its node: all of them, or none
--- config eval: $::Here
--- provider eval: "a:\n    pause 100\n    $::Dead\nb:\n    pause 20\n    $::Answer"
--- steps
my @redis = main::cluster();
my @n = map { main::host(undef, 'env=prod budget=0.0111/day;'
                         . ' key=* budget=1/day; model=m budget=1/day',
                         workers => 2, params => 'cluster=on timeout=10s',
                         url => 'redis://127.0.0.1:' . $redis[$_]->port)
              } 0, 1;

main::many(60, @n);

for (1 .. 10) {
    my $spent = main::counted('s', 'env=prod', @redis);
    ok($spent <= 10 * $main::Dear, "no more than it is: $spent");
    last if $spent == 10 * $main::Dear;
    main::many(20, @n);
}

for my $id ('env=prod', 'key=caller', 'model=m') {
    is(main::counted('s', $id, @redis), 10 * $main::Dear, "$id: spent");
    main::freed($id, @redis);
}

is(LLM::Provider::calls()->{b}, 10, 'so many came to the dear one');
main::quits($_) for @n;


=== TEST 3: a refusal is that of one host, and what was held before goes on to hold
--- config eval: $::Here
--- provider eval: "a:\n    $::Dead\nb:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;

for my $limit ('key=* budget=0.0012/day', 'team=search tokens=61/day',
               'key=* budget=0.0005/day', 'owner=acme output_tokens=100/h',
               'key=* budget=0.0005/day shadow')
{
    my $zone = main::host(undef, $limit);
    my $shared = main::host($redis, $limit);

    for (1 .. 2) {
        my $want = main::told(main::ask_one($zone));
        is(main::told(main::ask_one($shared)), $want, "$limit: $want");
    }

    main::freed('key=caller', $redis);
    $redis->run('FLUSHALL');
    $_->quit for $zone, $shared;
}


=== TEST 4: Redis is asked once more where more is needed, and not where it is not
--- config eval: $::Here
--- provider eval
"a #1:\n    $::Answer\na:\n    $::Dead\nb:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'key=* budget=1/day');

sub scripts {
    my $all = $redis->run('INFO', 'commandstats');
    my ($n) = $all =~ /cmdstat_evalsha:calls=(\d+)/;
    return $n // 0;
}

# the first ones teach Redis its scripts

is(main::ask_one($n)->{status}, 200, 'by the cheap one');
is(main::ask_one($n)->{headers}{'x-llm-rung'}, 'backup', 'by the dear one');
main::freed('key=caller', $redis);

my $before = scripts();
is(main::ask_one($n)->{headers}{'x-llm-rung'}, 'backup', 'and again');
main::freed('key=caller', $redis);
is(scripts() - $before, 4, 'two reservations, each with its end');

LLM::Provider::play("a:\n    $::Answer");
$before = scripts();
is(main::ask_one($n)->{headers}{'x-llm-rung'}, 'first', 'by the cheap one');
main::freed('key=caller', $redis);
is(scripts() - $before, 2, 'one of each');
main::quits($n);


=== TEST 5: what follows a failed attempt that is billed takes more, on the same route too
--- config eval: $::Here
--- provider
a:
    pause 50
    json {"error":{"message":"no"},"usage":{"prompt_tokens":11,"completion_tokens":50}}
--- steps
my $redis = LLM::Redis->new;
my @n = map { main::host($redis, 'key=* budget=0.000777/day', workers => 2,
                         params => 'timeout=10s',
                         class => 'attempts 3; retry 2 on=invalid'
                                  . ' backoff=10ms,10ms;') } 1 .. 2;

main::many(30, @n);

my $spent = $redis->field('key=caller', 's');
is($spent % $main::Cheap, 0, 'so many attempts');
ok($spent <= 7 * $main::Cheap, 'no more than there is money for');
is(scalar(sent()), $spent / $main::Cheap, 'all of them are counted');
main::freed('key=caller', $redis);

main::many(2, @n) for 1 .. 7;
is($redis->field('key=caller', 's'), 7 * $main::Cheap, 'to the nano-dollar');
main::wait_until('the logs say the same',
                 sub { main::logged(@n) == 7 * $main::Cheap });
main::quits($_) for @n;


=== TEST 6: Redis goes between a request's first attempt and the dear one: on_error
--- config eval: $::Here
--- provider eval: "a:\n    pause 1000\n    $::Dead\nb:\n    $::Answer"
--- steps
my @cases = (
    ['closed', 'budget=1/day',      '500 quota_unavailable'],
    ['open',   'budget=0.0005/day', '200 kept'],
    ['local',  'budget=1/day',      '200 kept'],
    ['local',  'budget=0.0005/day', '500 budget_exceeded'],
);

for my $how ('kill', 'stop') {
    for my $case (@cases) {
        my ($on_error, $limit, $want) = @$case;
        my $name = "$how, $on_error, $limit";
        my $redis = LLM::Redis->new(conf => "appendonly yes\n"
                                    . "appendfsync always\n");
        my $n = main::host($redis, "key=* $limit",
                           params => "timeout=200ms on_error=$on_error");

        my $c = main::begin($n);
        main::wait_until("$name: it is sent",
                         sub { LLM::Provider::calls()->{a} });
        $redis->$how;

        my $r = main::answer($c);
        my ($status) = $want =~ /^(\d+)/;
        like(main::told($r), qr/^$want/, "$name: status, and why");
        is($r->{headers}{'x-llm-attempts'}, $status == 200 ? 2 : 1,
           "$name: attempts");

        $how eq 'kill' ? $redis->start : $redis->cont;

        main::wait_until("$name: Redis has what was used", sub {
            $redis->field('key=caller', 's')
                == ($status == 200 ? $main::Dear : 0)
        });
        main::freed('key=caller', $redis);
        main::wait_until("$name: so has the log", sub {
            main::logged($n) == ($status == 200 ? $main::Dear : 0)
        });
        $n->quit;
        LLM::Provider::play("a:\n    pause 1000\n    $::Dead\n"
                            . "b:\n    $::Answer");
    }
}


=== TEST 7: a client that leaves while Redis is asked for more takes nothing
--- config eval: $::Here
--- provider eval: "a:\n    pause 1000\n    $::Dead\nb:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'key=* budget=0.00111/day', params => 'timeout=5s');

is(main::ask_one($n)->{headers}{'x-llm-rung'}, 'backup', 'one before');
$redis->run('FLUSHALL');

my $c = main::begin($n);
main::wait_until('it is sent', sub { LLM::Provider::calls()->{a} == 2 });
$redis->stop;
select undef, undef, undef, 1.5;
close $c->{s};
main::wait_until('its record', sub {
    grep { /"outcome":"client_closed"/ } LLM::Steps::lines($n->usage_file)
});
$redis->cont;

main::freed('key=caller', $redis);
is(LLM::Provider::calls()->{b}, 1, 'it went nowhere');
is(main::ask_one($n)->{headers}{'x-llm-rung'}, 'backup',
   'all is there for the next one');
is($redis->field('key=caller', 's'), $main::Dear, 'which spends it');
main::quits($n);


=== TEST 8: the class's deadline holds while Redis is asked for more
--- config eval: $::Here
--- provider eval: "a:\n    pause 1000\n    $::Dead\nb:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'key=* budget=0.00111/day', params => 'timeout=5s',
                   class => 'attempts 3; retry off; backup on=5xx;'
                            . ' deadline 2s;');

my $c = main::begin($n);
main::wait_until('it is sent', sub { LLM::Provider::calls()->{a} });
$redis->stop;

my $r = main::answer($c);
is($r->{status}, 500, 'it ends with what its attempt said');
main::between($r->{ms}, 1900, 4000, 'in time');
main::wait_until('and tells by what it ended', sub {
    grep { /stopped by deadline/ } LLM::Steps::lines($n->usage_file)
});

$redis->cont;
main::freed('key=caller', $redis);
is(main::ask_one($n)->{headers}{'x-llm-rung'}, 'backup', 'one after');
is(LLM::Provider::calls()->{b}, 1, 'the other one went nowhere');
main::quits($n);


=== TEST 9: a worker that is told to leave waits for the answer, as for a slow provider
--- config eval: $::Here
--- provider eval: "a:\n    pause 1000\n    $::Dead\nb:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'key=* budget=1/day', params => 'timeout=5s');

my $c = main::begin($n);
main::wait_until('it is sent', sub { LLM::Provider::calls()->{a} });
$redis->stop;
select undef, undef, undef, 1.5;
$n->reload;
select undef, undef, undef, 0.3;
$redis->cont;

my $r = main::answer($c);
is($r->{status}, 200, 'served');
is($r->{headers}{'x-llm-rung'}, 'backup', 'by the dear one');
main::wait_until('and counted',
                 sub { $redis->field('key=caller', 's') == $main::Dear });
main::freed('key=caller', $redis);
main::quits($n);


=== TEST 10: the dear route's provider has a limit of its own: both are asked, one after the other
--- config eval: $::Here
--- provider eval: "a:\n    pause 50\n    $::Dead\nb:\n    pause 20\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my @n = map { main::host($redis, 'key=* budget=1/day;'
                         . ' provider=b budget=0.00555/day', workers => 2,
                         params => 'timeout=10s') } 1 .. 2;

main::many(40, @n);

for (1 .. 10) {
    last if $redis->field('provider=b', 's') == 5 * $main::Dear;
    main::many(5, @n);
}

is($redis->field('provider=b', 's'), 5 * $main::Dear, 'to the nano-dollar');
is($redis->field('key=caller', 's'), 5 * $main::Dear, 'the key, too');
is(LLM::Provider::calls()->{b}, 5, 'so many came there');
main::freed($_, $redis) for 'provider=b', 'key=caller';
main::quits($_) for @n;


=== TEST 11: what Redis grants is held on its own host, too, whatever that has counted
--- config eval: $::Here
--- provider eval
"a #1-2:\n    $::Dead\nb #1-2:\n    $::Answer\n"
. "a:\n    $::Dead\nb:\n    pause 3000\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'key=* budget=0.003/day', params => 'timeout=300ms');

is(main::ask_one($n)->{headers}{'x-llm-rung'}, 'backup', 'served') for 1, 2;
main::freed('key=caller', $redis);

# for Redis nothing is spent any more, for the host all but a little

$redis->run('FLUSHALL');

my $c = main::begin($n);
main::wait_until('the dear one is asked',
                 sub { (LLM::Provider::calls()->{b} // 0) == 3 });
$redis->stop;

my $r = LLM::Steps::get('/llm/limits', key => 'test-token', port => $n->port);
is($r->{json}{limits}[0]{reserved}{usd}, '0.00111', 'all of it');
$redis->cont;

is(main::answer($c)->{status}, 200, 'served');
main::freed('key=caller', $redis);
main::quits($n);


=== TEST 12: a worker that is killed leaves nothing of what its request took later, either
--- config eval: $::Here
--- provider eval: "a:\n    $::Dead\nb:\n    pause 60000\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'key=* budget=1/day; env=prod budget=1/day');

my $c = main::begin($n);
main::wait_until('the dear one is asked', sub { LLM::Provider::calls()->{b} });
is($redis->field('key=caller', 'm'), $main::Dear, 'all of it is held');

kill KILL => ($n->workers)[0];

# lease= is a minute

main::freed($_, $redis) for 'key=caller', 'env=prod';
is($redis->field('key=caller', 's') || 0, 0, 'and nothing was spent');
$n->quit;
