# What Redis is owed: it survives nginx, and what Redis may have executed counts
# once.

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

    return LLM::Nginx->new(config => $Route, %o, http => <<"_EOC_");
    llm_zone 8m state=\$DIR/state;
    llm_usage_log \$DIR/logs/usage.jsonl flush=10ms;
    llm_redis $url $params;
    llm_class default { attempts 1; }
@{[providers(a => '')]}
    llm_model m { route a; price input=1 output=2; max_tokens 50; }
    llm_key caller { secret plain:sk-test; models *; limit $limit; }
_EOC_
}

our $Short = '{"model":"m","messages":[],"max_tokens":50}';

sub ask_one {
    my ($n) = @_;
    return answer(start($n->port, $Short));
}

run_tests();

__DATA__

=== TEST 1: with state= what is owed survives nginx, stopped or killed, and is paid
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new(conf => "appendonly yes\nappendfsync always\n");

my $n = main::host($redis, 'budget=1/day', params => 'timeout=100ms');

is(main::ask_one($n)->{status}, 200, 'served');
main::wait_until('counted', sub {
    $redis->field('key=caller', 's') == $main::Cost });

$redis->kill;

for my $signal ('QUIT', 'KILL') {
    is(main::ask_one($n)->{status}, 200, 'served by the zone') for 1 .. 2;
    sleep 2;

    $n->quit($signal);
    $n->start;
}

my $used = main::logged($n);
is($used, 5 * $main::Cost, 'the log has all five');

$redis->start;
main::wait_until('redis has them, too', sub {
    $redis->field('key=caller', 's') == $used });

sleep 2;
$n->quit;
$n->start;
sleep 2;
is($redis->field('key=caller', 's'), $used, 'and once');
$n->quit;


=== TEST 2: a settlement that Redis executes after its worker gave up counts once
--- config eval: $::Here
--- provider eval: "a:\n    pause 1000\n    $::Answer"
--- steps
my $redis = LLM::Redis->new(conf => "appendonly yes\n");
my $n = main::host($redis, 'budget=1/day', params => 'timeout=3s');

my $c = main::start($n->port, $main::Short);

LLM::Steps::wait_for(5, sub { LLM::Provider::requests() });
main::wait_until('reserved', sub { $redis->field('key=caller', 'm') });

# it reads what was sent to it when it goes on

$redis->stop;
is(main::answer($c)->{status}, 200, 'served');
$n->reload;
sleep 6;
$redis->cont;

main::wait_until('counted', sub { $redis->field('key=caller', 's') });
sleep 3;
is($redis->field('key=caller', 's'), $main::Cost, 'once');
is($redis->field('key=caller', 'm'), 0, 'and nothing is held');
$n->quit;
