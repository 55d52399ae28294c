# The usage log and the counters say the same, whenever a worker is killed:
# between what is counted and its record; at each step on the way there; and
# where an attempt was billed and its request goes on.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;
use LLM::Ledger;

repeat_each(1);
no_shuffle();

# an answer uses all that it asked for: 100 x 2 millionths, and no input

our $All = 'json {"choices":[{"index":0,"message":{"content":"well"}}],'
           . '"usage":{"prompt_tokens":0,"completion_tokens":100}}';

our $Max = '{"model": "m", "max_tokens": 100, "messages": []}';

our $Limits = 'limit budget=1/day budget=2/total tpm=1m inflight=50;';

sub host {
    my ($rest, %o) = @_;

    return own(providers(a => $o{a} // '', b => '') . <<"_EOC_" . $rest,
    llm_model m { route a; route b priority=2; price input=0 output=2; }
    llm_key caller { secret plain:sk-test; models *; team t;
                     @{[$o{limits} // $Limits]} }
_EOC_
        workers => 1,
        config => $Route
                  . 'location /llm/ { llm_admin token=plain:test-token; }');
}

run_tests();

__DATA__

=== TEST 1: an answer was counted, and its client had not read it when the worker was killed
--- config eval: $::Route
--- provider eval
"a:\n    header Content-Type: application/json\n"
. "    body {\"choices\":[{\"index\":0,\"message\":{\"content\":\"\n"
. "    fill 3000000 x\n"
. "    body \"}}],\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":100}}\n"
--- steps
my $n = main::host('llm_limit provider=a budget=5/day;');
my $c = main::start($n->{port}, $::Max);

ok(LLM::Steps::wait_for(10, sub { main::spent($n, 'key=caller') }),
   'its use was counted');
is(scalar main::records($n), 0, 'and has no record yet');

my ($pid) = $n->workers;

kill KILL => $pid;
ok(main::reborn($n, $pid), 'another worker is there');

is(main::agree($n), 'all the same', 'log, counters and sums agree');

my ($r) = main::records($n);
is($r->{cost}, '0.0002', 'the record has the cost');
is($r->{code}, 'internal_error', 'and says what happened');
is($r->{attempts}[0]{provider}, 'a', 'whose account it was');

is(main::spent($n, 'key=caller'), 200_000, 'the key spent it');
is(main::spent($n, 'provider=a'), 200_000, 'the account, too');


=== TEST 2: the same where the provider has a limit, and nobody else
--- config eval: $::Route
--- provider eval
"a:\n    header Content-Type: application/json\n"
. "    body {\"choices\":[{\"index\":0,\"message\":{\"content\":\"\n"
. "    fill 3000000 x\n"
. "    body \"}}],\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":100}}\n"
--- steps
my $n = main::host('llm_limit provider=a budget=5/day;', limits => '');
my $c = main::start($n->{port}, $::Max);

ok(LLM::Steps::wait_for(10, sub { main::spent($n, 'provider=a') }),
   'its use was counted');

my ($pid) = $n->workers;

kill KILL => $pid;
ok(main::reborn($n, $pid), 'another worker is there');

is(main::agree($n), 'all the same', 'log, counters and sums agree');
is((main::records($n))[0]{attempts}[0]{cost}, '0.0002', 'the attempt cost it');


=== TEST 3: an attempt was billed, and the worker killed in the next one
--- config eval: $::Route
--- provider eval
"a:\n    sse\n    data {\"choices\":[],\"usage\":{\"prompt_tokens\":0,"
. "\"completion_tokens\":100}}\n    cut\n"
. "b:\n    pause 60000\n"
--- steps
my $n = main::host('llm_limit provider=a budget=5/day;
                    llm_limit provider=b budget=5/day;
                    llm_class default { switch on=reset,invalid,5xx; }');
my $c = main::start($n->{port}, $::Max =~ s/\}$/, "stream": true}/r);

LLM::Steps::wait_for(10, sub { grep { $_->{path} =~ /^\/b/ }
                                    LLM::Provider::requests() });

my $billed = main::spent($n, 'provider=a');
ok($billed > 0, "the first attempt cost $billed");

my ($pid) = $n->workers;

kill KILL => $pid;
ok(main::reborn($n, $pid), 'another worker is there');

is(main::agree($n), 'all the same', 'log, counters and sums agree');
is(main::spent($n, 'key=caller'), $billed, 'the key paid for it');
is(main::spent($n, 'provider=b'), 0, 'and not for what nobody knows');


=== TEST 4: the same, when the budget's window turned in between
--- config eval: $::Route
--- provider eval
"a:\n    sse\n    data {\"choices\":[],\"usage\":{\"prompt_tokens\":0,"
. "\"completion_tokens\":100}}\n    cut\n"
. "b:\n    pause 90000\n"
--- steps
my $n = main::host('llm_limit provider=a budget=5/day;
                    llm_class default { switch on=reset,invalid,5xx; }',
                   limits => 'limit budget=1/minute;');

# not just before its end

sleep 1 while time % 60 > 50;

my $c = main::start($n->{port}, $::Max =~ s/\}$/, "stream": true}/r);

LLM::Steps::wait_for(10, sub { grep { $_->{path} =~ /^\/b/ }
                                    LLM::Provider::requests() });

my $billed = main::spent($n, 'provider=a');
my $minute = int time / 60;

ok($billed > 0, "the first attempt cost $billed");
sleep 1 while int time / 60 == $minute;

my ($pid) = $n->workers;

kill KILL => $pid;
ok(main::reborn($n, $pid), 'another worker is there');

is(main::agree($n), 'all the same', 'log, counters and sums agree');
is(main::spent($n, 'key=caller'), $billed, 'the key paid for it');


=== TEST 5: at each step from what is reserved to the record, log and counters agree
--- config eval: $::Route
--- provider eval: "a:\n    $::All\n"
--- steps
SKIP: {
    main::skip('gdb cannot attach to a process here', 1) if !main::gdb();

    my $n = main::host('llm_limit provider=a budget=5/day;');
    my $killed = 0;

    for my $function (qw(ngx_llm_zone_done ngx_llm_zone_unlock
                         ngx_llm_log_commit ngx_llm_log_committed))
    {
        for my $nth (0 .. ($function =~ /zone/ ? 5 : 0)) {

            my ($pid, $gdb) = main::deadly($n, $function, $nth);
            my $r = main::answer(main::start($n->{port}, $::Max), 3);

            # there are fewer: it is still alive

            if (!grep { $_ == $pid } $n->workers) {
                $killed++;

            } else {
                kill KILL => $pid;
            }

            waitpid $gdb, 0;
            main::reborn($n, $pid);

            my $said = main::agree($n);
            is($said, 'all the same', "$function, $nth");
        }
    }

    ok($killed > 8, "$killed workers died there");
    like($n->error_log, qr/exited on signal 9/, 'killed');
}
