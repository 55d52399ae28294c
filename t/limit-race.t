# Limits under many requests at once, over several workers: never more than
# the limit, and what was refused can be used after; workers that are killed
# and reloads lose nothing, and the usage log says what counters do.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;
use POSIX ();
use Time::HiRes qw(sleep time);

repeat_each(1);
no_shuffle();

# an answer uses all that it asked for: 100 x 2 millionths, and no input

our $All = 'json {"choices":[{"index":0,"message":{"content":"well"}}],'
           . '"usage":{"prompt_tokens":0,"completion_tokens":100}}';

our $Max = '{"model": "m", "max_tokens": 100, "messages": []}';

sub http {
    my ($limit, $rest) = @_;

    return providers(a => '') . <<"_EOC_" . ($rest // '');
    llm_model m { route a; price input=0 output=2; }

    llm_key caller { secret plain:sk-test; models *; team t; $limit }
_EOC_
}

# All statuses, of so many requests at once, by number.

sub statuses {
    my %n;

    $n{ $_->{status} }++ for @_;

    return join ' ', map { "$_=$n{$_}" } sort keys %n;
}

sub cost {
    my $nano = 0;

    for my $line (LLM::Steps::lines($_[0]->usage_file)) {
        next if $line !~ /"client_addr"|internal_error/;
        my ($cost) = $line =~ /.*"cost":"([0-9.]+)"/ or next;
        $nano += sprintf '%.0f', $cost * 1e9;
    }

    return $nano;
}

run_tests();

__DATA__

=== TEST 1: a small budget, hundreds at once, four workers: spent to the last nano-dollar
--- config eval: $::Route
--- provider eval: "a:\n    pause 20\n    $::All\n"
--- steps
my $n = main::own(main::http('limit budget=0.01/total;'), workers => 4,
                  connections => 512);

# 50 fit, whoever comes first

my @r = main::together(240, $n->{spread}, $::Max);
my $done = grep { $_->{status} == 200 } @r;

ok($done <= 50, "no more than 50 of 240: $done");
is($done + (grep { $_->{status} == 402 } @r), 240, 'the others are refused');

# what is left can be used

my @s = map { main::answer(main::start($n->{spread}, $::Max)) } 1 .. 60;

is($done + (grep { $_->{status} == 200 } @s), 50, 'exactly 50 in all');
is($s[-1]{status}, 402, 'then it is spent');
like($s[-1]{content}, qr/0\.01 USD spent, 0 USD reserved/, 'all of it');

main::quits($n);
is(main::cost($n), 10_000_000, 'the log says 0.01');


=== TEST 2: requests in flight are counted over all workers
--- config eval: $::Route
--- provider eval: "a:\n    pause 400\n    $::All\n"
--- steps
my $n = main::own(main::http('limit inflight=5;'), workers => 4,
                  connections => 512);

my @r = main::together(60, $n->{spread}, $::Max);

is(main::statuses(@r), '200=5 429=55', 'five at once');
is($r[-1]{json}{error}{code}, 'concurrency_exceeded', 'code')
    if $r[-1]{status} == 429;
is(main::statuses(main::together(5, $n->{spread}, $::Max)), '200=5',
   'and five again');

main::quits($n);


=== TEST 3: a worker that is killed gives back what it held, and its requests are told
--- config eval: $::Route
--- provider eval: "a #1-3:\n    pause 60000\na:\n    $::All\n"
--- steps
my $n = main::own(main::http('limit inflight=3 budget=0.001/total rpm=1000;'),
                  workers => 1);

my @c = map { main::start($n->{port}, $::Max) } 1 .. 3;

LLM::Steps::wait_for(5, sub { @{[LLM::Provider::requests()]} == 3 });

my $r = main::answer(main::start($n->{port}, $::Max));
is($r->{status}, 429, 'three are in flight');

my ($pid) = $n->workers;
kill KILL => $pid;

LLM::Steps::wait_for(5, sub {
    my ($now) = $n->workers;
    return $now && $now != $pid;
});

# 200 of 1000 millionths each

is(main::answer(main::start($n->{port}, $::Max))->{status}, 200, "$_ fits")
    for 1 .. 5;

$r = main::answer(main::start($n->{port}, $::Max));
is($r->{status}, 402, 'that is all');
like($r->{content}, qr/0\.001 USD spent, 0 USD reserved/, 'nothing is held');

LLM::Steps::wait_for(5, sub { main::cost($n) == 1_000_000 });
is(main::cost($n), 1_000_000, 'the log says what the counter does');

my @lost = grep { /"code":"internal_error"/ }
           LLM::Steps::lines($n->usage_file);
is(scalar @lost, 3, 'three more records');
like($lost[0], qr/"key":"caller","team":"t".*"model":"m".*"reserved":"0\.0002/,
     'of whom');
unlike($lost[0], qr/"cost"/, 'whose cost nobody knows');

$n->quit;


=== TEST 4: a reload keeps what is held and what is spent
--- config eval: $::Route
--- provider eval: "a:\n    pause 1500\n    $::All\n"
--- steps
my $http = main::http('limit inflight=2 budget=0.0005/total;');
my $n = main::own($http, workers => 1);

my @c = map { main::start($n->{port}, $::Max) } 1 .. 2;

LLM::Steps::wait_for(5, sub { @{[LLM::Provider::requests()]} == 2 });

$n->reload(http => $n->{http});

is(main::answer(main::start($n->{port}, $::Max))->{status}, 429,
   'the new worker knows of them');

is(main::statuses(map { main::answer($_) } @c), '200=2', 'they end well');

my $r = main::answer(main::start($n->{port}, $::Max));
is($r->{status}, 402, 'their money is spent');
like($r->{content}, qr/0\.0004 USD spent, 0 USD reserved/, 'so much');

main::quits($n);


=== TEST 5: every way out gives back
--- config eval: $::Route
--- provider eval
"a #1:\n    status 500\n    text no\n"
. "a #2:\n    length 99\n    json {\n    cut\n"
. "a #3:\n    reset\n"
. "a #4-5:\n    pause 1500\n    $::All\n"
. "a:\n    $::All\n"
--- steps
my $n = main::own(main::http('limit inflight=1 budget=0.0005/total;')
                  . "llm_class default { attempts 1; }\n"
                  =~ s/^/    /r, workers => 1);

for (1 .. 3) {
    my $r = main::answer(main::start($n->{port}, $::Max));
    ok($r->{status} >= 500, "$_: failed with $r->{status}");
}

main::leave($n, 200, 'reset', $::Max);
sleep 0.3;
main::leave($n, 200, 'close', $::Max);
sleep 0.3;

my $r = main::answer(main::start($n->{port}, $::Max));
is($r->{status}, 200, 'nothing is in flight');
is(main::answer(main::start($n->{port}, $::Max))->{status}, 200,
   'and money was held for none of them');

$r = main::answer(main::start($n->{port}, $::Max));
like($r->{content}, qr/0\.0004 USD spent, 0 USD reserved/,
     'two were billed, and no more');

main::quits($n);
is(main::cost($n), 400_000, 'as the log says');


=== TEST 6: after all of it the log and every counter say the same, as anybody can check
--- config eval: $::Route
--- provider eval: "a:\n    pause 200\n    $::All\n"
--- steps
my $n = main::own(main::http('limit budget=0.02/day budget=1/total;',
                  'llm_limit team=t budget=5/month; llm_limit provider=a'
                  . ' budget=5/day;'), workers => 2,
                  config => $::Route
                  . 'location /llm/ { llm_admin token=plain:test-token; }');

for my $round (1 .. 6) {
    my @c = map { main::start($n->{spread}, $::Max) } 1 .. 30;

    sleep 0.02 * $round;
    kill KILL => ($n->workers)[0] if $round % 3 == 1;
    $n->reload(http => $n->{http}) if $round % 3 == 2;

    main::answer($_) for @c;
}

my $check = "perl scripts/check-ledger.pl --admin=http://127.0.0.1:$n->{port}"
            . '/llm --token=test-token ';
my $said;

# what a killed worker held is found out, and records are written

LLM::Steps::wait_for(10, sub {
    $said = qx{$check @{[$n->usage_file]} 2>&1};
    return $? == 0 });

is($?, 0, 'it ends well');
like($said, qr/^4 counters, \d+ records: they say the same$/m, 'and says so');
like($n->error_log, qr/exited on signal 9/, 'after workers were killed');

# a record less, and it is told

open my $in, '<', $n->usage_file or die;
my @lines = <$in>;
my ($i) = grep { $lines[$_] =~ /"cost":"0\.0002"/ } 0 .. $#lines;
splice @lines, $i, 1;
open my $out, '>', $n->usage_file . '.cut' or die;
print $out @lines;
close $out;

$said = qx{$check @{[$n->usage_file]}.cut 2>&1};
is($? >> 8, 1, 'one is missing');
like($said, qr/key=caller: the log has \d+, the counter \d+/, 'of whom');

$n->quit;
