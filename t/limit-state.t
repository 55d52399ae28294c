# Counters that survive: restarts and killed hosts, and limits of keys that
# are made at run time.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;
use Time::HiRes qw(sleep);

repeat_each(1);
no_shuffle();

our $All = 'json {"choices":[{"index":0,"message":{"content":"well"}}],'
           . '"usage":{"prompt_tokens":0,"completion_tokens":100}}';

our $Max = '{"model": "m", "max_tokens": 100, "messages": []}';

run_tests();

__DATA__

=== TEST 1: what was spent is spent after a restart
--- config eval: $::Route
--- provider eval: "a:\n    $::All\n"
--- steps
my $http = main::providers(a => '') . <<'_EOC_';
    llm_model m { route a; price input=0 output=2; }
    llm_key caller { secret plain:sk-test; models *;
                     limit budget=0.0005/total; limit requests=100/day; }
_EOC_

my $n = LLM::Nginx->new(config => $::Route, http =>
    "llm_zone 8m state=\$DIR/state;\n$http");

is(main::answer(main::start($n->port, $::Max))->{status}, 200, 'one')
    for 1 .. 2;

sleep 1.5;

for my $signal ('QUIT', 'KILL') {
    $n->quit($signal);
    $n->start;

    my $r = main::answer(main::start($n->port, $::Max));
    is($r->{status}, 402, "spent after $signal");
    like($r->{content}, qr/0\.0004 USD spent, 0 USD reserved/, 'so much');
}
