# Limits, one request after another: what is let in, what is refused and how
# that is told, what comes back when a request ends.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;

use File::Temp;

repeat_each(1);
no_shuffle();

# One route; a request costs 8 x 1 + 3 x 2 = 14 millionths of a dollar, and
# may cost up to 100 answers' tokens more.

our $Max = '{"model": "m", "max_tokens": 100, "messages": []}';

our $Dir = File::Temp->newdir;

open my $fh, '>', "$Dir/prices.json" or die "prices: $!";
print $fh '{"priced":{"litellm_provider":"openai","mode":"chat",'
          . '"input_cost_per_token":1e-6,"output_cost_per_token":2e-6}}';
close $fh;

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


=== TEST 3: of several limits the one is told of which least is left
--- http_config eval
main::limits('limit rpm=100 tpm=1m;',
             "llm_limit team=search rpm=3;\nllm_limit app=web tpm=4k;")
--- config eval: $::Route
--- provider eval: "a:\n    $::Ok\n"
--- steps
for my $left (2, 1, 0) {
    my $h = main::chat($::Max)->{headers};
    is($h->{'x-ratelimit-limit-requests'}, 3, "the team's, not the key's");
    is($h->{'x-ratelimit-remaining-requests'}, $left, "$left left");
    is($h->{'x-ratelimit-limit-tokens'}, 4000, "the app's");
}

my $r = main::chat($::Max);

is($r->{status}, 429, 'the fourth is refused');
is($r->{headers}{'x-ratelimit-limit-requests'}, 3, 'by that limit');
is($r->{headers}{'x-ratelimit-remaining-requests'}, 0, 'of which none is left');
holds($r, 'decision.1.subject=team=acme/search');


=== TEST 4: a provider's limits leave its routes out, and refuse where there are no others
--- http_config eval
main::providers(a => '', b => '') . $::Key . <<'_EOC_'
    llm_limit provider=a rpm=1;

    llm_model m {
        route  a;
        route  b priority=2;
        price  input=1 output=2;
    }

    llm_model n { route a; price input=1 output=2; }
_EOC_
--- config eval: $::Route
--- provider eval: "a:\n    $::Ok\nb:\n    $::Ok\n"
--- steps
is(main::chat()->{headers}{'x-llm-provider'}, 'a', 'the first');

my $r = main::chat();
is($r->{headers}{'x-llm-provider'}, 'b', 'its account is used up');
is($r->{headers}{'x-llm-rung'}, 'first', 'which is no failure');
is($r->{headers}{'x-llm-attempts'}, 1, 'nobody was asked in vain');

$r = main::chat('{"model": "n", "messages": []}');
is($r->{status}, 429, 'no other route');
holds($r, 'error.code=rate_limit_exceeded error.message~provider'
          . ' error.message~rpm=1');
main::between($r->{headers}{'retry-after'}, 55, 60, 'when there is room');
is(main::calls(), 'a=1 b=1', 'calls');

=== TEST 5: a provider's tokens and requests in flight
--- http_config eval
main::providers(a => '', b => '', c => 'limit rpm=1 tpm=1k inflight=5;')
. $::Key . <<'_EOC_'
    llm_limit provider=a tpm=150;
    llm_limit provider=b inflight=1;

    llm_model o { route c; price input=1 output=2; }
    llm_model m { route a; price input=1 output=2; }
    llm_model n { route b; price input=1 output=2; }
_EOC_
--- config eval: $::Route
--- provider eval: "a:\n    $::Ok\nb:\n    pause 400\n    $::Ok\nc:\n    $::Ok\n"
--- steps
is(main::chat($::Max)->{status}, 200, '113 tokens may be taken, 11 are');
is(main::chat($::Max)->{status}, 200, 'so that there is room again');

my $r = main::chat('{"model": "m", "max_tokens": 200, "messages": []}');
is($r->{status}, 429, 'it never fits');
holds($r, 'error.message~tpm=150 error.message~max_tokens');

my $port = $Test::Nginx::Util::ServerPort;
my @c = map { main::start($port, '{"model":"n","messages":[]}') } 1 .. 2;
my %s;

$s{main::answer($_)->{status}}++ for @c;
is(join(' ', map { "$_=$s{$_}" } sort keys %s), '200=1 429=1', 'one at once');
is(main::chat('{"model":"n","messages":[]}')->{status}, 200, 'and the next');

is(main::chat('{"model":"o","messages":[]}')->{status}, 200, 'what is allowed');

$r = main::chat('{"model":"o","messages":[]}');
is($r->{status}, 503, 'what an account allows us is no limit of a caller');
holds($r, 'error.code=no_route decision.0.reason=account_full');
ok($r->{headers}{'retry-after'}, 'when to come again');

=== TEST 6: a limit in shadow counts and tells, and refuses nothing
--- http_config eval
main::limits('limit requests=1/day shadow; limit rpm=100;')
--- config eval: $::Route
--- provider eval: "a:\n    $::Ok\n"
--- may_log: [warn]
--- error_log
llm limit "requests=1/day" of key=caller would have refused the request, but is in shadow
--- steps
is(main::chat()->{status}, 200, "request $_") for 1 .. 3;

=== TEST 7: windows turn: rates by the second, budgets of a few seconds
--- http_config eval
main::limits('limit requests=2/s budget=0.000028/2s;')
--- config eval: $::Route
--- provider eval: "a:\n    $::Ok\n"
--- steps
# 12 tokens may be 6 x 1 + 4 x 2: a budget of two requests

my $small = '{"model":"m","max_tokens":3,"messages":[]}';
my ($served, $money, $rate) = (0, 0, 0);
my $until = time + 6;

while (time < $until) {
    my $r = main::chat($small);

    $served++ if $r->{status} == 200;
    $money++ if $r->{status} == 402;
    $rate++ if $r->{status} == 429;

    select undef, undef, undef, 0.1;
}

main::between($served, 3, 8, 'about one by the second, as money allows');
ok($money > 0, 'the budget refused');
is($money + $rate > 0, 1, 'and something was refused');

=== TEST 8: what ended without an answer, or badly, holds nothing
--- http_config eval
main::providers(a => 'timeout first_byte=200ms;', b => '') . <<'_EOC_'
    llm_class default { attempts 2; switch on=timeout,5xx,reset; retry off; }

    llm_model m {
        route  a;
        route  b priority=2;
        price  input=1 output=2;
        endpoint chat embeddings;
    }

    llm_key caller {
        secret  plain:sk-test;
        models  *;
        limit   budget=0.001/day inflight=1;
    }
_EOC_
--- config eval
$::Route . 'location /llm/ { llm_admin token=plain:test-token; }'
--- provider eval
"a #1:\n    hang\na #2:\n    status 500\n    json {}\na #3:\n    hang\n"
. "a #4+:\n    json {\"data\":[{\"embedding\":[1]}],\"usage\":"
. "{\"prompt_tokens\":50}}\n"
. "b #1:\n    $::Ok\nb #2:\n    status 500\n    json {}\n"
. "b #3+:\n    hang\n"
--- steps
sub stands {
    my $l = get('/llm/limits', key => 'test-token')->{json}{limits}[0];
    my $r = $l->{reserved};

    is("$r->{requests} $r->{input_tokens} $r->{output_tokens} $r->{usd}",
       '0 0 0 0', "$_[1]: nothing is held");
    is($l->{counters}[0]{spent}, $_[0], "$_[1]: spent, nano-dollars");
}

is(main::chat($::Max)->{status}, 200, 'timeout, then an answer');
stands(14_000, 'switched');

is(main::chat($::Max)->{status}, 500, 'two errors');
stands(14_000, 'failed');

my $c = main::start($Test::Nginx::Util::ServerPort, $::Max);
select undef, undef, undef, 0.1;
close $c->{s};
wait_for(5, sub {
    get('/llm/limits', key => 'test-token')
        ->{json}{limits}[0]{reserved}{requests} == 0 });
stands(14_000, 'left');

is(post('/v1/embeddings', '{"model":"m","input":"a"}')->{status}, 200,
   'another endpoint');
stands(64_000, 'embeddings');

=== TEST 9: a failed attempt that made something is billed, and so is the next
--- http_config eval
main::providers(a => '', b => '') . <<'_EOC_'
    llm_class default { attempts 2; switch on=invalid; retry off; }

    llm_model m {
        route  a;
        route  b priority=2;
        price  input=1 output=2;
    }

    llm_key caller {
        secret  plain:sk-test;
        models  *;
        limit   budget=0.001/day;
    }
_EOC_
--- config eval
$::Route . 'location /llm/ { llm_admin token=plain:test-token; }'
--- provider eval
"a:\n    json {\"error\":{\"message\":\"no\"},"
. "\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":5}}\nb:\n    $::Ok\n"
--- steps
is(main::chat($::Max)->{status}, 200, 'an error in a good status, an answer');

my ($r) = records(1);
my $l = get('/llm/limits', key => 'test-token')->{json}{limits}[0];

holds($r, 'attempts.length=2 attempts.0.cost=0.000015'
          . ' attempts.1.cost=0.000014 cost=0.000029');
is($l->{counters}[0]{spent}, 29_000, 'both are spent');

=== TEST 10: each field of the record is a variable, and so is the limit that refused
--- http_config eval
main::limits('limit requests=1/day budget=1/day;', q{log_format l escape=none
    '$llm_time|$llm_client_addr|$llm_reserved|$llm_limit|$llm_code';})
--- config eval: $::Route . 'access_log logs/vars.log l;'
--- provider eval: "a:\n    $::Ok\n"
--- steps
main::chat($::Max);
main::chat($::Max);

my ($dir) = $Test::Nginx::Util::ServRoot;
my @lines;

wait_for(3, sub { @lines = LLM::Steps::lines("$dir/logs/vars.log");
                  @lines == 2 });

like($lines[0], qr/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\|127\.0\.0\.1
                    \|0\.000213\|\|$/x, 'served');
like($lines[1], qr/\|127\.0\.0\.1\|\|key=caller\ requests=1\/day
                    \|rate_limit_exceeded$/x, 'refused');

=== TEST 11: a zone that is full refuses, and says so
--- http_config eval: main::limits('limit rpm=1000;')
--- config eval: $::Route
--- provider eval: "a:\n    $::Ok\n"
--- steps
my $keys = join '', map { <<"_EOC_" } 1 .. 3000;
    llm_key k$_ { secret plain:sk-$_; models *; limit requests=5/month; }
_EOC_

my $n = LLM::Nginx->new(config => $main::Route,
    http => "llm_zone 256k;\n" . main::providers(a => '')
            . "llm_model m { route a; price input=1 output=2; }\n$keys");
my ($full, $served, %code) = (0, 0);

for my $i (1 .. 3000) {
    my $r = main::chat(undef, port => $n->port, key => "sk-$i");

    $served++ if $r->{status} == 200;
    next if $r->{status} == 200;

    $code{"$r->{status} $r->{json}{error}{code}"}++;
    last if ++$full == 5;
}

is(join(' ', keys %code), '503 quota_unavailable', 'how it is told');
ok($served > 50, "there was room for $served");
like($n->error_log, qr/the zone has no room for counters/, 'and logged');

# those that it knows go on, some of them at once

my @known = map { main::start($n->port, undef, key => "sk-$_") } 1 .. 8;

is(join(' ', map { main::answer($_)->{status} } @known), '200 ' x 7 . '200',
   'those that had room have it still');

my %s;
$s{main::chat(undef, port => $n->port, key => 'sk-9')->{status}}++ for 1 .. 6;
is("$s{200} $s{429}", '4 2', 'and are counted');
main::quits($n);

=== TEST 12: whose window is over makes room, whose counts does not
--- http_config eval: main::limits('limit rpm=1000;')
--- config eval: $::Route
--- provider eval: "a:\n    $::Ok\n"
--- steps
my $keys = join '', map { <<"_EOC_" } 1 .. 2500;
    llm_key k$_ { secret plain:sk-$_; models *; limit requests=1000/s; }
_EOC_

my $n = LLM::Nginx->new(config => $main::Route,
    http => "llm_zone 256k;\n" . main::providers(a => '')
            . "llm_model m { route a; price input=1 output=2; }\n$keys"
            . "llm_key kept { secret plain:sk-kept; models *;"
            . " limit requests=3/month; }\n");
my %s;

$s{main::chat(undef, port => $n->port, key => 'sk-kept')->{status}}++
    for 1 .. 3;
is($s{200}, 3, 'one whose window lasts');

%s = ();
$s{main::chat(undef, port => $n->port, key => "sk-$_")->{status}}++
    for 1 .. 2500;

is($s{200}, 2500, 'more keys than the zone has room for, one after another');
is(main::chat(undef, port => $n->port, key => 'sk-kept')->{status}, 429,
   'and nothing of it is forgotten');
main::quits($n);

=== TEST 13: a reload that keeps no state any more makes room as well
--- http_config eval: main::limits('limit rpm=1000;')
--- config eval: $::Route
--- provider eval: "a:\n    $::Ok\n"
--- steps
my $keys = join '', map { <<"_EOC_" } 1 .. 2500;
    llm_key k$_ { secret plain:sk-$_; models *; limit requests=1000/s; }
_EOC_

my $http = main::providers(a => '')
           . "llm_model m { route a; price input=1 output=2; }\n$keys";
my $n = LLM::Nginx->new(config => $main::Route,
                        http => "llm_zone 256k state=\$DIR/state;\n$http");

is(main::chat(undef, port => $n->port, key => 'sk-1')->{status}, 200,
   'its state is kept');
sleep 1.2;

$n->reload(http => "llm_zone 256k;\n$http");

my %s;
$s{main::chat(undef, port => $n->port, key => "sk-$_")->{status}}++
    for 1 .. 2500;

is($s{200}, 2500, 'what nobody will write may be forgotten');
main::quits($n);

=== TEST 14: a class that blocks what has no price sees the price of what an alias names
--- http_config eval
main::providers(a => '') . $::Key . <<"_EOC_"
    llm_prices $::Dir/prices.json;

    llm_class default { attempts 1; missing_price block; }

    llm_model m {
        alias  ~^any/(.+)\$;
        route  a model=\$1;
    }
_EOC_
--- config eval: $::Route
--- provider eval: "a:\n    $::Ok\n"
--- steps
my $r = main::chat('{"model":"any/priced","messages":[]}');
is($r->{status}, 200, 'one with a price');
is($r->{headers}{'x-llm-cost'}, '0.000014', 'what it costs');

$r = main::chat('{"model":"any/unpriced","messages":[]}');
is($r->{status}, 503, 'one without');
holds($r, 'error.code=price_missing');
is(main::calls(), 'a=1', 'was not asked for');
