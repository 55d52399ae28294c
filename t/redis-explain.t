
# "explain" tells how limits stand in Redis, for all hosts that share it, and
# what becomes of a request while Redis is away, as it then is; nothing is
# reserved by asking.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;
use LLM::Redis;

repeat_each(1);
no_shuffle();

# 10 tokens in and 50 out: 0.00011 dollars of "m", one token more is reserved

our $Answer = 'json {"choices":[{"index":0,"message":{"content":"well"}}],'
              . '"usage":{"prompt_tokens":10,"completion_tokens":50}}';

our $Short = '{"model":"m","messages":[],"max_tokens":50}';

our $Admin = $Route . <<'_EOC_';
    location /wait { llm_route wait; }
    location /llm/ { llm_admin token=plain:test-token; }
_EOC_

sub host {
    my ($redis, $limits, %o) = @_;

    my $params = $o{params} // 'timeout=2s';
    my $url = $o{url} // 'redis://127.0.0.1:' . $redis->port;

    return own(providers(a => '', b => '') . <<"_EOC_", config => $Admin, %o);
    llm_redis $url $params;

@{[ join '', map { "    llm_limit $_;\n" } split /; */, $limits ]}

    llm_class default { attempts 1; backup on=429; }
    llm_class alone   { attempts 1; }
    llm_class wait    { attempts 1; queue 300ms on=limit; }

    llm_model m {
        route       a;
        route       b priority=2;
        price       input=1 output=2;
        max_tokens  50;
    }

    llm_model one {
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

sub asks { return $Short =~ s/"m"/"$_[0]"/r }

sub ask_one {
    my ($n, $model, %o) = @_;
    return answer(start($n->port, asks($model // 'm'), %o));
}

sub explain {
    my ($n, $model, $args) = @_;

    return LLM::Steps::post('/llm/explain?key=caller' . ($args // ''),
                            asks($model // 'm'), key => 'test-token',
                            port => $n->port);
}

# all that Redis has, but for what ends by itself

sub everything {
    my ($redis) = @_;

    return join "\n", map {
        my $type = $redis->run('TYPE', $_);
        $type eq 'hash' ? "$_ " . join ' ', sort $redis->run('HGETALL', $_)
                        : "$_ " . join ' ', $redis->run('ZRANGE', $_, 0, -1)
    } sort split /\n/, $redis->run('KEYS', '*');
}

sub settled {
    my ($id, @redis) = @_;
    wait_until('all is settled', sub {
        !grep { $_->field($id, 'r') } @redis
    });
}

run_tests();

__DATA__

=== TEST 1: what other hosts have used, and what would be refused because of it
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my @n = map { main::host($redis, 'key=* budget=0.000331/day requests=100/day;'
                         . ' team=search tokens=1k/day') } 1 .. 2;

holds(main::explain($n[1]),
      'allowed=true counted_by=redis !on_error limits.length=3'
      . ' limits.0.spent=0 limits.0.asked=0.000111');

is(main::ask_one($n[0])->{status}, 200, 'served by the other host') for 1, 2;
main::settled('key=caller', $redis);

my $before = main::everything($redis);

for (1 .. 3) {
    holds(main::explain($n[1]),
          'allowed=true status=200 counted_by=redis next=m#1'
          . ' limits.0.subject=key=caller limits.0.spent=0.00022'
          . ' limits.0.reserved=0 limits.0.kept=true limits.1.limit=requests=100/day'
          . ' limits.1.spent=2 limits.2.subject=team=acme/search'
          . ' limits.2.spent=120 limits.2.asked=61');
}

is(main::everything($redis), $before, 'nothing is taken by asking');

is(main::ask_one($n[0])->{status}, 200, 'one more');
main::settled('key=caller', $redis);

holds(main::explain($n[1]),
      'allowed=false status=402 code=budget_exceeded message~"0.00033 USD spent"'
      . ' !next limits.length=3 limits.0.kept=false'
      . ' limits.0.reason=budget_exceeded limits.0.spent=0.00033'
      . ' limits.1.kept=true limits.2.kept=true counted_by=redis');
is(main::ask_one($n[1])->{status}, 402, 'so it is');
main::quits($_) for @n;

=== TEST 2: limits of providers, route by route, as on a request that is made
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer\nb:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my @n = map { main::host($redis, 'provider=a requests=2/day;'
                         . ' provider=b budget=0.0003/day') } 1 .. 2;

holds(main::explain($n[1]), 'allowed=true next=m#1 counted_by=redis'
      . ' limits.length=1 limits.0.subject=provider=a limits.0.spent=0');
is(main::ask_one($n[0])->{headers}{'x-llm-provider'}, 'a', 'a') for 1, 2;
main::settled('provider=a', $redis);

holds(main::explain($n[1]), 'allowed=true next=m#2 rung=first'
      . ' decision.0.kept=false decision.0.reason=rate_limit_exceeded'
      . ' decision.1.kept=true limits.length=2 limits.0.kept=false'
      . ' limits.0.spent=2 limits.1.subject=provider=b limits.1.kept=true');
is(main::ask_one($n[0])->{headers}{'x-llm-provider'}, 'b', 'b') for 1, 2;
main::settled('provider=b', $redis);

my $before = main::everything($redis);

holds(main::explain($n[1], 'm', '&class=alone'),
      'allowed=false status=402 code=budget_exceeded !next'
      . ' decision.0.reason=rate_limit_exceeded decision.0.kept=false'
      . ' decision.1.reason=budget_exceeded decision.1.kept=false');
is(main::ask_one($n[1])->{json}{error}{code}, 'budget_exceeded', 'so it is');

holds(main::explain($n[1], 'm', '&class=wait'),
      'allowed=true rung=queue !next wait_ms>0');
is(main::ask_one($n[1], 'm', path => '/wait/v1/chat/completions')
       ->{json}{error}{code}, 'queue_timeout', 'so it does');

is(main::everything($redis), $before, 'nothing was taken');
is(main::calls(), 'a=2 b=2', 'nobody was called');
main::quits($_) for @n;

=== TEST 3: a backup, and the money that it takes beyond the model's own
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer\nb:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my @n = map { main::host($redis, 'provider=a requests=1/day;'
                         . ' key=* budget=0.00123/day') } 1 .. 2;

holds(main::explain($n[1], 'one'), 'next=one#1 rung=first');
is(main::ask_one($n[0], 'one')->{headers}{'x-llm-rung'}, 'first', 'first');
main::settled('key=caller', $redis);

holds(main::explain($n[1], 'one'), 'allowed=true next=dear#1 rung=backup'
      . ' decision.0.reason=rate_limit_exceeded decision.1.kept=true');
is(main::ask_one($n[1], 'one')->{headers}{'x-llm-rung'}, 'backup', 'so it is');
main::settled('key=caller', $redis);

holds(main::explain($n[0], 'one'),
      'allowed=false status=402 code=budget_exceeded !next');
is(main::ask_one($n[0], 'one')->{status}, 402, 'so it is');

# room for the model, but not for its backup

$redis->run('DEL', $redis->subject('key=caller'));
is(main::ask_one($n[0], 'dear')->{status}, 200, 'most of it is spent');
main::settled('key=caller', $redis);

holds(main::explain($n[0], 'one'),
      'allowed=false status=402 code=budget_exceeded !next'
      . ' decision.0.reason=rate_limit_exceeded'
      . ' decision.1.reason=budget_exceeded');
my $r = main::ask_one($n[1], 'one');
is($r->{status}, 402, 'so it is');
holds($r, 'decision.0.reason=rate_limit_exceeded'
          . ' decision.1.reason=budget_exceeded');
main::quits($_) for @n;

=== TEST 4: Redis is away: as on_error decides, and it is said
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $limits = 'key=* budget=0.000331/day; provider=a requests=100/day';
my $off = 'provider=a requests=100/day';

for my $how ('stop', 'kill') {
    my $redis = LLM::Redis->new;
    my %n = map {
        $_ => main::host($redis, $limits, params => "timeout=200ms on_error=$_")
    } 'closed', 'open', 'local';
    my $few = main::host($redis, $off,
                         params => 'timeout=200ms on_error=closed');

    is(main::ask_one($n{local})->{status}, 200, 'one of this host');
    is(main::ask_one($n{open})->{status}, 200, 'one of another');
    main::settled('key=caller', $redis);
    holds(main::explain($n{local}), 'limits.0.spent=0.00022 counted_by=redis');

    $redis->$how;

    for (1 .. 2) {
        holds(main::explain($n{closed}),
              'allowed=false status=503 code=quota_unavailable !next'
              . ' limits.length=0 counted_by=nobody on_error=closed',
              "$how, closed");
        holds(main::explain($few), 'allowed=true next=m#2 limits.length=0'
              . ' decision.0.reason=quota_unavailable decision.0.kept=false'
              . ' counted_by=nobody on_error=closed', "$how, closed, provider");
        holds(main::explain($n{open}), 'allowed=true next=m#1 limits.length=0'
              . ' counted_by=nobody on_error=open', "$how, open");
        holds(main::explain($n{local}),
              'allowed=true next=m#1 limits.0.spent=0.00011'
              . ' limits.1.subject=provider=a limits.1.spent=1'
              . ' counted_by=host on_error=local', "$how, local");
    }

    is(main::ask_one($n{closed})->{status}, 503, 'so it is: closed');
    is(main::ask_one($n{open})->{status}, 200, 'so it is: open');
    is(main::ask_one($n{local})->{status}, 200, 'so it is: local') for 1, 2;
    is(main::ask_one($n{local})->{status}, 402, 'until it is spent here');
    holds(main::explain($n{local}),
          'allowed=false status=402 counted_by=host on_error=local',
          "$how, local");

    $how eq 'stop' ? $redis->cont : $redis->start;

    main::wait_until('it is back', sub {
        main::explain($n{closed})->{json}{counted_by} eq 'redis'
    });
    $_->quit for values %n, $few;
}

=== TEST 5: a cluster, where each subject has its node
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer\nb:\n    $::Answer"
--- steps
my @redis = main::cluster();
my @n = map { main::host(undef, 'key=* budget=1/day; env=prod budget=1/day;'
                         . ' team=search requests=9/day; provider=a requests=2/day;'
                         . ' model=m tokens=10k/day',
                         params => 'cluster=on timeout=3s',
                         url => 'redis://127.0.0.1:' . $redis[$_]->port)
              } 0, 1;

main::wait_until('they know it', sub {
    main::explain($n[1])->{json}{counted_by} eq 'redis'
});
is(main::ask_one($n[0])->{headers}{'x-llm-provider'}, 'a', 'served') for 1, 2;
main::settled($_, @redis) for 'key=caller', 'env=prod', 'provider=a';

my $r = main::explain($n[1]);
my %spent = map { $_->{subject} => $_->{spent} } @{ $r->{json}{limits} };

is(join(' ', map { "$_=$spent{$_}" } sort keys %spent),
   'env=prod=0.00022 key=caller=0.00022 model=m=120 provider=a=2'
   . ' team=acme/search=2',
   'of all nodes');
holds($r, 'next=m#2 decision.0.reason=rate_limit_exceeded counted_by=redis');
main::quits($_) for @n;

=== TEST 6: an operator who leaves while Redis is asked, and a worker that is told to
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host($redis, 'key=* budget=1/day', params => 'timeout=3s');

is(main::ask_one($n)->{status}, 200, 'served');
$redis->stop;

my %o = (path => '/llm/explain?key=caller', key => 'test-token');
my $left = main::start($n->port, $main::Short, %o);
my $c = main::start($n->port, $main::Short, %o);
select undef, undef, undef, 0.3;
close $left->{s};
$n->reload;
select undef, undef, undef, 0.3;
$redis->cont;

my $r = main::answer($c);
is($r->{status}, 200, 'who stays is answered');
holds($r, 'allowed=true counted_by=redis');
is(main::ask_one($n)->{status}, 200, 'and all goes on');
main::quits($n);
