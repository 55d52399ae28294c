# Limits, one request after another: what is let in, what is refused and how
# that is told, what comes back when a request ends.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;

repeat_each(1);
no_shuffle();

# One route; a request costs 8 x 1 + 3 x 2 = 14 millionths of a dollar, and
# may cost up to 100 answers' tokens more.

our $Max = '{"model": "m", "max_tokens": 100, "messages": []}';

sub limits {
    my ($key, $rest) = @_;

    $rest //= '';

    return providers(a => '') . <<"_EOC_";
    llm_model m {
        route  a;
        price  input=1 output=2;
    }

    llm_key caller {
        secret  plain:sk-test;
        models  *;
        owner acme; team search; app web; env staging;
        $key
    }

    $rest
_EOC_
}

run_tests();

__DATA__

=== TEST 1: a rate lets its burst through, and refuses what comes after it
--- http_config eval: main::limits('limit rpm=3;')
--- config eval: $::Route
--- provider eval: "a:\n    $::Ok\n"
--- steps
my $r;

for my $left (2, 1, 0) {
    $r = main::chat();
    is($r->{status}, 200, 'allowed');
    is($r->{headers}{'x-ratelimit-limit-requests'}, 3, 'of how many');
    is($r->{headers}{'x-ratelimit-remaining-requests'}, $left, "$left left");
}

like($r->{headers}{'x-ratelimit-reset-requests'}, qr/^(?:1m0s|59s)$/,
     'whole again in a minute');

$r = main::chat();

is($r->{status}, 429, 'the fourth is refused');
main::between($r->{headers}{'retry-after'}, 19, 20, 'for a third of the minute');
is($r->{headers}{'x-ratelimit-remaining-requests'}, 0, 'none is left');
holds($r, 'error.code=rate_limit_exceeded error.message~rpm=3'
          . ' error.message~caller decision.length=2'
          . ' decision.1.limit=rpm=3 decision.1.subject=key=caller'
          . ' decision.1.reason=rate_limit_exceeded decision.1.kept=false'
          . ' decision.1.spent=3');
is(main::calls(), 'a=3', 'nobody was asked');

my @r = records(4);
is(join(' ', map { "$_->{outcome}/$_->{status}" } @r),
   'ok/200 ok/200 ok/200 rejected/429', 'records');


=== TEST 2: a budget is money: what a request may cost is held, what it cost is spent
--- http_config eval: main::limits('limit budget=0.00025/day;')
--- config eval: $::Route
--- provider eval: "a:\n    $::Ok\n"
--- steps
my $r = main::chat($::Max);

is($r->{status}, 200, 'allowed');
is($r->{headers}{'x-llm-cost'}, '0.000014', 'cost');
is($r->{headers}{'x-ratelimit-limit-requests'}, undef, 'no limit on requests');

# 49 bytes are 13 tokens: 213 millionths are asked for

main::chat($::Max) for 1 .. 2;
$r = main::chat($::Max);

is($r->{status}, 402, 'the fourth might cost too much');
is($r->{headers}{'retry-after'}, undef, 'SDKs need not try again');
holds($r, 'error.code=budget_exceeded error.message~0.00025'
          . ' error.message~resets decision.1.spent=0.000042'
          . ' decision.1.asked=0.000213 decision.1.amount=0.00025'
          . ' decision.1.reserved=0 decision.1.resets~T00:00:00Z');

$r = main::chat('{"model": "m", "max_tokens": 60, "messages": []}');
is($r->{status}, 200, 'one that asks for less is let in');

my @r = records(5);
is($r[0]{reserved}, '0.000213', 'reserved');
is($r[0]{cost}, '0.000014', 'and spent');
