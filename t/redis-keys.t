# Keys made at run time are those of all hosts that share a Redis: a change on
# one host holds on the others within a second, one that starts later knows
# them all, and a Redis that was away brings nothing back.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;
use LLM::Redis;

use Time::HiRes;

repeat_each(1);
no_shuffle();

our $Small = '{"model":"m","max_tokens":3,"messages":[]}';

sub host {
    my ($redis, %o) = @_;

    my $state = $o{state} ? " state=$o{state}" : '';

    return LLM::Nginx->new(
        workers => 2, %o,
        config => $Route . 'location /llm/ { llm_admin token=plain:secret-token; }',
        http => "llm_zone 8m$state;\nllm_usage_log \$DIR/logs/usage.jsonl"
                . " flush=10ms;\n" . providers(a => '') . <<"_EOC_");
    llm_redis redis://127.0.0.1:@{[ $redis->port ]} timeout=1s;

    llm_model m {
        route  a;
        price  input=1 output=2;
    }
_EOC_
}

sub admin {
    my ($n, $method, $path, $body) = @_;

    return LLM::Steps::ask($method, "/llm$path", $body, port => $n->port,
                           key => 'secret-token');
}

sub with {
    my ($n, $secret) = @_;

    return LLM::Steps::post('/v1/chat/completions', $Small, port => $n->port,
                            key => $secret)->{status};
}

# how long it took until this was so, seconds; a busy machine may take more

sub within {
    my ($what, $code) = @_;

    my $from = Time::HiRes::time();

    LLM::Provider::wait_for(10, $code);
    between(Time::HiRes::time() - $from, 0, 2, $what);
    LLM::Steps::ok($code->(), $what);
}

run_tests();

__DATA__

=== TEST 1: made, changed, disabled, rotated and removed on one host, so on the other
--- config eval: $::Here
--- provider eval: "a:\n    $::Ok\n"
--- steps
my $redis = LLM::Redis->new;
my ($a, $b) = map { main::host($redis) } 1 .. 2;

my $r = main::admin($a, 'POST', '/keys', { name => 'k', models => ['*'] });
my $secret = $r->{json}{secret};

is($r->{status}, 201, 'made');
is(main::with($a, $secret), 200, 'good at once where it was made');
main::within('made', sub { main::with($b, $secret) == 200 });

holds(main::admin($b, 'GET', '/keys/k'), 'name=k source=runtime');

main::admin($b, 'PATCH', '/keys/k', { models => ['other'] });
main::within('changed', sub { main::with($a, $secret) == 403 });

main::admin($a, 'PATCH', '/keys/k', { models => ['*'] });
main::within('changed back', sub { main::with($b, $secret) == 200 });

main::admin($b, 'POST', '/keys/k/disable');
main::within('disabled', sub { main::with($a, $secret) == 403 });

main::admin($a, 'POST', '/keys/k/enable');
main::within('enabled', sub { main::with($b, $secret) == 200 });

$r = main::admin($b, 'POST', '/keys/k/rotate', { grace => 0 });
my $new = $r->{json}{secret};

main::within('rotated', sub { main::with($a, $new) == 200 });
is(main::with($a, $secret), 401, 'the old one is over');

my $c = main::host($redis);
main::within('a host that starts later', sub { main::with($c, $new) == 200 });

main::admin($a, 'DELETE', '/keys/k');
main::within('removed', sub { main::with($_, $new) == 401 }) for $b, $c;
is(main::admin($b, 'GET', '/keys/k')->{status}, 404, 'and told so');
holds(main::admin($b, 'GET', '/keys'), 'keys.length=0 total=0');

$r = main::admin($b, 'POST', '/keys', { name => 'k', models => ['*'] });
is($r->{status}, 201, 'its name is free again');
main::within('made anew', sub { main::with($a, $r->{json}{secret}) == 200 });

my $all = $redis->run('HGETALL', 'llm:{keys}:records');
like($all, qr/models/, 'Redis has them');
unlike($all, qr/sk-llm-/, 'but no secret');

main::quits($_) for $a, $b, $c;

=== TEST 2: while Redis is away hosts go on, and agree when it is back
--- config eval: $::Here
--- provider eval: "a:\n    $::Ok\n"
--- steps
my $redis = LLM::Redis->new(conf => "appendonly yes\nappendfsync always\n");
my ($a, $b) = map { main::host($redis) } 1 .. 2;

my %secret = map {
    $_ => main::admin($a, 'POST', '/keys',
                      { name => $_, models => ['*'] })->{json}{secret}
} 'gone', 'changed', 'both';

main::within("$_ is there", sub { main::with($b, $secret{$_}) == 200 })
    for sort keys %secret;

$redis->kill;

is(main::admin($a, 'DELETE', '/keys/gone')->{status}, 200, 'removed meanwhile');
main::admin($a, 'POST', '/keys/changed/disable');
main::admin($a, 'POST', '/keys/both/disable');
select undef, undef, undef, 0.05;
main::admin($b, 'PATCH', '/keys/both', { team => 'late' });

my $new = main::admin($b, 'POST', '/keys', { name => 'new', models => ['*'] })
    ->{json}{secret};

is(main::with($b, $secret{gone}), 200, 'the other does not know yet');

$redis->start;

main::within('removed', sub { main::with($b, $secret{gone}) == 401 });
main::within('disabled', sub { main::with($b, $secret{changed}) == 403 });
main::within('made', sub { main::with($a, $new) == 200 });
main::within('the later change counts', sub {
    (main::admin($a, 'GET', '/keys/both')->{json}{team} // '') eq 'late' });

is(main::with($a, $secret{gone}), 401, 'and does not come back');
main::quits($_) for $a, $b;

=== TEST 3: a Redis that comes back empty gets all of them from the hosts
--- config eval: $::Here
--- provider eval: "a:\n    $::Ok\n"
--- steps
my $redis = LLM::Redis->new;
my ($a, $b) = map { main::host($redis) } 1 .. 2;

my @secret = map {
    main::admin($a, 'POST', '/keys', { name => "k$_", models => ['*'] })
        ->{json}{secret}
} 1 .. 100;

main::within('all are there', sub { main::with($b, $secret[99]) == 200 });

$redis->run('FLUSHALL');

main::within('told again', sub {
    $redis->run('HLEN', 'llm:{keys}:records') =~ /100/ });

my $c = main::host($redis);
main::within('a new host has them', sub {
    (main::admin($c, 'GET', '/keys')->{json}{total} // 0) == 100 });
is(main::with($c, $secret[$_]), 200, "k$_") for 0, 50, 99;

main::quits($_) for $a, $b, $c;

=== TEST 4: a host that was off when a key was removed does not bring it back
--- config eval: $::Here
--- provider eval: "a:\n    $::Ok\n"
--- steps
my $redis = LLM::Redis->new;
my $a = main::host($redis);
my $b = main::host($redis, state => '$DIR/state');

my $secret = main::admin($a, 'POST', '/keys', { name => 'k', models => ['*'] })
    ->{json}{secret};

main::within('made', sub { main::with($b, $secret) == 200 });
select undef, undef, undef, 1.5;

$b->quit;
main::admin($a, 'DELETE', '/keys/k');
$b->start;

main::within('it is gone there, too', sub { main::with($b, $secret) == 401 });
is(main::with($a, $secret), 401, 'and did not come back');

# removed here while Redis is away, and stopped before it is back

$secret = main::admin($b, 'POST', '/keys', { name => 'l', models => ['*'] })
    ->{json}{secret};
main::within('made', sub { main::with($a, $secret) == 200 });

$redis->stop;
main::admin($b, 'DELETE', '/keys/l');
select undef, undef, undef, 1.5;
$b->quit;
$redis->cont;
is(main::with($a, $secret), 200, 'nobody else knows');
$b->start;

main::within('it is told after the start', sub {
    main::with($a, $secret) == 401 });

main::quits($_) for $a, $b;

=== TEST 5: workers that are killed, and a reload, in the middle of changes
--- config eval: $::Here
--- provider eval: "a:\n    $::Ok\n"
--- steps
my $redis = LLM::Redis->new;
my ($a, $b) = map { main::host($redis) } 1 .. 2;
my @secret;

for my $i (1 .. 40) {
    my $r = main::admin($a, 'POST', '/keys', { name => "k$i",
                                               models => ['*'] });

    push @secret, $r->{json}{secret} if $r->{status} == 201;

    kill 'KILL', ($a->workers)[0] if $i == 10;
    $b->reload if $i == 20;
    kill 'KILL', ($b->workers)[0] if $i == 30;
}

main::within('all of them', sub {
    (main::admin($b, 'GET', '/keys')->{json}{total} // 0) == 40
        && main::with($b, $secret[-1]) == 200 });
is(scalar(grep { main::with($b, $_) != 200 } @secret), 0, 'each is good');

$_->quit for $a, $b;     # a worker that was killed is an alert

=== TEST 6: budgets are reset and topped up for all hosts
--- config eval: $::Here
--- provider eval: "a:\n    $::Ok\n"
--- steps
my $redis = LLM::Redis->new;
my ($a, $b) = map { main::host($redis) } 1 .. 2;

my $secret = main::admin($a, 'POST', '/keys', { name => 'k', owner => 'acme',
    models => ['*'], limit => ['requests=2/day', 'budget=0.00005/total'] })
    ->{json}{secret};

main::within('made', sub {
    main::admin($b, 'GET', '/keys/k')->{status} == 200 });
is(main::with($b, $secret), 200, 'the first');
is(main::with($a, $secret), 200, 'the second');
is(main::with($b, $secret), 429, 'and no more');

# settlements are not waited for

wait_for(5, sub { $redis->field('key=k', 'r') == 0 });

for my $n ($a, $b) {
    my $live = main::admin($n, 'GET', '/keys/k');
    holds($live, 'usage.length=2 usage.0.subject=key=k usage.0.spent=2'
                 . ' usage.0.reserved=0 usage.0.left=0 usage.1.left=0.000022'
                 . ' usage.1.spent=0.000028');
}

my %limit = (subject => 'key=k', limit => 'requests=2/day');

is(main::admin($a, 'POST', '/limits/reset', \%limit)->{status}, 200, 'reset');
is(main::with($b, $secret), 200, 'on the other host, too');
is(main::with($b, $secret), 402, 'until money is spent');

my $r = main::admin($a, 'POST', '/limits/topup', { subject => 'key=k',
    limit => 'budget=0.00005/total', amount => '1' });
holds($r, 'topped_up=true subject=key=k');
is(main::with($b, $secret), 200, 'topped up');

$r = main::admin($a, 'POST', '/limits/reset', { %limit,
                                               subject => 'key=nobody' });
is("$r->{status} $r->{json}{error}{param}", '400 subject', 'of nobody');

$redis->kill;
main::with($a, $secret);
holds(main::admin($a, 'GET', '/keys/k'), 'usage.length=2 usage.0.limit=requests=2/day');
$r = main::admin($a, 'POST', '/limits/reset', \%limit);
is("$r->{status} $r->{json}{error}{code}", '503 quota_unavailable',
   'not without Redis');

main::quits($_) for $a, $b;
