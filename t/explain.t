# Explanations: what would be decided for a request, without calling anybody;
# and the same for a request that is made.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;

use File::Temp ();

repeat_each(1);
no_shuffle();

our $Token = 'a-token-of-some-length';
our $File = File::Temp->new;

print $File "$Token\n";
$File->flush;

$ENV{TEST_NGINX_TOKEN} = $File->filename;

our $Admin = <<'_EOC_';
    location /v1 {
        llm_route;
    }

    location /llm/ {
        llm_admin token=file:$TEST_NGINX_TOKEN;
    }
_EOC_

our $Http = providers(a => 'tag region=eu; limit inflight=1;', b => '',
                      c => 'tag region=eu;', down => '') . <<'_EOC_';
    llm_provider ant { protocol anthropic; pass http://127.0.0.1:1/v1; }

    llm_class default { switch on=5xx; backup on=5xx; }
    llm_class eu      { require region=eu; }
    llm_class strict  { missing_price block; }

    llm_class eu-never { require region=eu; last_resort off; }

    llm_model m { alias big; endpoint chat messages;
                  route a; route b priority=2; route c priority=3 without=tools;
                  route ant priority=4; route down priority=5 active=off; }
    llm_model two { route a model=x; route down model=y priority=2; }
    llm_model none { route b; route c priority=2 context=8; }

    llm_key web   { secret plain:sk-test; models m two none; }
    llm_key eu    { secret plain:sk-eu; models m; class eu; }
    llm_key off   { secret plain:sk-off; models *; active off; }
    llm_key old   { secret plain:sk-old; models *; expires 2020-01-01; }
    llm_key embed { secret plain:sk-embed; models *; endpoint embeddings; }
    llm_key far   { secret plain:sk-far; models *; cidr 10.9.9.0/24; }
_EOC_

sub explain {
    my ($args, $body, %o) = @_;

    return LLM::Steps::post("/llm/explain$args",
                            $body // '{"model": "m", "messages": []}',
                            key => $Token, %o);
}

run_tests();

__DATA__

=== TEST 1: what would be decided, and nobody is called
--- http_config eval: $::Http
--- config eval: $::Admin
--- steps
my $r = main::explain('?key=web');

is($r->{status}, 200, 'status');
is($r->{headers}{'content-type'}, 'application/json', 'type');
holds($r, 'allowed=true status=200 !code !message key=web class=default model=m'
          . ' next=m#1 plan.length=4 plan.0=m#1 plan.1=m#2 plan.2=m#3'
          . ' decision.length=5 decision.0.route=m#1 decision.0.provider=a'
          . ' decision.0.kept=true decision.0.reason=kept'
          . ' decision.3.kept=true decision.3.reason=kept'
          . ' decision.4.kept=false decision.4.reason=inactive');

# by alias, without a key, in a class, at another endpoint

holds(main::explain('', '{"model": "big", "messages": []}'),
      'allowed=true model=m !key class=default');
holds(main::explain('?key=web&class=eu'),
      'class=eu plan.length=2 plan.0=m#1 plan.1=m#3'
      . ' decision.1.reason=tag_missing decision.1.kept=false');
holds(main::explain('?key=eu'), 'class=eu plan.length=2');
holds(main::explain('?key=eu&class=default'), 'class=default plan.length=4');
holds(main::explain('?path=/any/v1/messages',
                    '{"model": "m", "max_tokens": 1, "messages": []}'),
      'allowed=true plan.length=4 plan.0=m#1 next=m#1');
holds(main::explain('?path=%2Fv1%2Fmessages',
                    '{"model": "m", "max_tokens": 1, "messages": []}'),
      'allowed=true plan.0=m#1');

is(main::calls(), '', 'nobody is called');
ok(!records(), 'and no record is written');


=== TEST 2: what the request asks for
--- http_config eval: $::Http
--- config eval: $::Admin
--- steps
my $tool = '"tools": [{"type": "function", "function": {"name": "f"}}]';
my $long = 'word ' x 100;

holds(main::explain('', qq({"model": "m", "messages": [], $tool})),
      'plan.length=3 decision.2.reason=tools_missing decision.2.kept=false');
holds(main::explain('', qq({"model": "none", "user": "$long"})),
      'plan.length=1 plan.0=none#1 decision.1.reason=context_exceeded');
holds(main::explain('?class=strict'),
      'allowed=false status=503 code=price_missing message~strict !next'
      . ' plan.length=0 decision.0.reason=price_missing');


=== TEST 3: what would be refused, with status, code and why
--- http_config eval: $::Http
--- config eval: $::Admin
--- steps
my %want = (
    'key=off' => '403 key_disabled',
    'key=old' => '401 expired_api_key',
    'key=embed' => '403 endpoint_not_allowed',
    'key=far&address=10.9.8.1' => '403 address_not_allowed',
    'key=far&address=%3A%3A1' => '403 address_not_allowed',
);

for my $args (sort keys %want) {
    my ($status, $code) = split ' ', $want{$args};
    my $r = main::explain("?$args");

    is($r->{status}, 200, "$args: it is answered");
    holds($r, "allowed=false status=$status code=$code message !next", $args);
}

# a key's cidr is of its caller, not of who asks

holds(main::explain('?key=far'), 'allowed=true', 'from anywhere');
holds(main::explain('?key=far&address=10.9.9.7'), 'allowed=true', 'from there');
holds(main::explain('?key=far&address=nowhere'),
      'error.code=unsupported_parameter error.param=address', 'no address');

holds(main::explain('?key=web', '{"model": "other"}'),
      'allowed=false status=404 code=model_not_found message~other');
holds(main::explain('?key=eu', '{"model": "two"}'),
      'allowed=false status=403 code=model_not_allowed key=eu');
holds(main::explain('?path=/v1/embeddings', '{"model": "m", "input": "a"}'),
      'allowed=false status=403 code=endpoint_not_allowed');

is(main::calls(), '', 'nobody is called');
ok(!records(), 'and no record is written');


=== TEST 4: questions that are none
--- http_config eval: $::Http
--- config eval: $::Admin
--- steps
my $body = '{"model": "m"}';

for my $key (undef, 'wrong', '', "$::Token ", "${\substr $::Token, 0, -1}",
             'sk-test')
{
    my $r = post('/llm/explain', $body, key => $key);
    my $what = defined $key ? "\"$key\"" : 'no token';

    is($r->{status}, 401, "$what: status") if ($key // '') ne "$::Token ";
    holds($r, 'error.code=invalid_api_key', "$what: code")
        if ($key // '') ne "$::Token ";
}

is(post('/llm/explain', $body, key => undef,
        headers => { 'x-api-key' => $::Token })->{status}, 401,
   'in another header');
is(post('/llm/other', $body, key => $::Token)->{status}, 404, 'another path');
is(get('/llm/explain', key => $::Token)->{status}, 404, 'a GET');
is(main::explain('?key=nobody')->{status}, 401, 'no such key');
is(main::explain('?class=none')->{json}{error}{code}, 'no_route',
   'no such class');
is(main::explain('?path=/v1/nothing')->{status}, 404, 'no endpoint');
is(main::explain('?path=/v1/models')->{status}, 404, 'nothing to route');
is(main::explain('', '{"model": ')->{status}, 400, 'no JSON');
is(main::explain('', '{"messages": []}')->{json}{error}{code},
   'missing_parameter', 'no model');
is(main::explain('', '{"model": "m", "model": "n"}')->{status}, 400, 'twice');
is(post('/v1/chat/completions', $body, key => $::Token)->{status}, 401,
   'the token is no key');
is(main::calls(), '', 'nobody is called');


=== TEST 5: what health says, now
--- http_config eval: $::Http
--- config eval: $::Admin
--- provider eval
"a #1-5:\n    status 500\n    json {}\na:\n    hang\nb #1-6:\n    $::Ok\n"
. "b:\n    status 429\n    header Retry-After: 30\n    json {}\nc:\n    hang"
--- steps
main::chat() for 1 .. 5;

holds(main::explain('?key=web'),
      'allowed=true next=m#2 plan.0=m#1 decision.0.kept=false'
      . ' decision.0.reason=breaker_open decision.1.kept=true');

# the only other one is shut: what then is for the class to say

my $shut = '{"model": "m", "tools": [{"type": "function"}]}';

holds(main::explain('?key=eu', $shut),
      'allowed=true next=m#1 rung=first !wait_ms plan.length=1'
      . ' decision.0.reason=least_bad');
holds(main::explain('?key=eu&class=eu-never', $shut),
      'allowed=false status=503 code=no_route !next !rung plan.length=1'
      . ' decision.0.reason=breaker_open');

main::chat('{"model": "none", "messages": []}');
main::chat('{"model": "none", "messages": []}');

holds(main::explain('', '{"model": "none", "messages": []}'),
      'decision.0.reason=cooling_down decision.1.kept=true next=none#2');

# two has a of its own, whose account is full while it is asked

my $c = main::start($Test::Nginx::Util::ServerPort,
                    '{"model": "two", "messages": []}');

wait_for(2, sub { LLM::Provider::calls()->{a} == 6 });
holds(main::explain('', '{"model": "two", "messages": []}'),
      'next=two#2 decision.0.reason=account_full decision.0.kept=false');
close $c->{s};


=== TEST 6: what would be done where no route is fit, as it is done
--- http_config eval
main::providers(a => 'limit inflight=1;', b => '') . $::Key . <<'_EOC_'
    llm_class backup { backup on=5xx,context,429; queue 1s on=limit; }
    llm_class queue  { queue 1s on=limit; }
    llm_class never  { last_resort off; }

    llm_model m     { contract context=1000; route a; backup long; }
    llm_model long  { contract context=9000; route b; }
    llm_model alone { route a; }
_EOC_
--- config eval
$::Admin . "location /backup { llm_route backup; }\n"
. "location /queue { llm_route queue; }\nlocation /never { llm_route never; }\n"
--- provider eval: "a:\n    hang\nb:\n    $::Ok"
--- steps
my $m = '{"model": "m", "messages": []}';
my $long = '{"model": "m", "user": "' . ('word ' x 4000) . '"}';
my $alone = '{"model": "alone", "messages": []}';

my $ask = sub {
    my ($class, $body) = @_;
    return post("/$class/v1/chat/completions", $body)->{headers};
};

# a prompt that is too long for all of them

holds(main::explain('?class=backup', $long),
      'allowed=true next=long#1 rung=backup decision.length=2'
      . ' decision.0.reason=context_exceeded decision.1.reason=kept');
is($ask->('backup', $long)->{'x-llm-rung'}, 'backup', 'so it is');
holds(main::explain('?class=queue', $long),
      'allowed=false status=503 code=no_route !next');
is(post('/queue/v1/chat/completions', $long)->{status}, 503, 'so it is');

# an account that is full

my $c = main::start($Test::Nginx::Util::ServerPort, $alone);

wait_for(2, sub { LLM::Provider::calls()->{a} });
holds(main::explain('?class=backup', $m),
      'next=long#1 rung=backup decision.0.reason=account_full');
is($ask->('backup', $m)->{'x-llm-rung'}, 'backup', 'so it is');
holds(main::explain('?class=queue', $m),
      'allowed=true !next rung=queue wait_ms decision.length=1');
is(post('/queue/v1/chat/completions', $m)->{json}{error}{code},
   'queue_timeout', 'so it does');
holds(main::explain('?class=never', $alone),
      'allowed=false status=503 code=no_route !next !rung');
is(post('/never/v1/chat/completions', $alone)->{status}, 503, 'so it is');
is(main::calls(), 'a=1 b=2', 'explaining called nobody');
close $c->{s};


=== TEST 7: what is left of an account's minute
--- http_config eval
main::providers(a => 'limit rpm=1;', b => 'limit tpm=500;', c => '') . $::Key
. "llm_model m { route a; route b priority=2; route c priority=3; }\n"
--- config eval: $::Admin
--- provider eval: "a:\n    $::Ok\nb:\n    $::Ok"
--- steps
my $long = '{"model": "m", "messages": [], "max_tokens": 600}';
my $short = '{"model": "m", "messages": [], "max_tokens": 10}';

holds(main::explain('', $short), 'next=m#1 decision.0.kept=true', 'all of it');
is(main::chat()->{headers}{'x-llm-provider'}, 'a', 'one request');
holds(main::explain('', $short), 'next=m#2 decision.0.reason=account_full'
                                 . ' decision.0.kept=false', 'rpm') for 1 .. 3;
holds(main::explain('', $long), 'next=m#2', 'tpm, of which nothing is used');
is(main::chat($short)->{headers}{'x-llm-provider'}, 'b', 'some is');
holds(main::explain('', $long), 'next=m#3 decision.1.reason=account_full', 'tpm');
holds(main::explain('', $short), 'next=m#2', 'but there is room for less');
is(main::calls(), 'a=1 b=1', 'nobody was called');


=== TEST 8: explaining takes nothing: no probe, no place
--- http_config eval: $::Http
--- config eval: $::Admin
--- provider eval: "a:\n    status 500\n    json {}\nb:\n    $::Ok"
--- steps
main::chat() for 1 .. 5;
select undef, undef, undef, 5.6;

holds(main::explain('?key=web'), 'next=m#1 decision.0.kept=true') for 1 .. 5;
LLM::Provider::play("a:\n    $::Ok\nb:\n    $::Ok");
is(main::chat()->{headers}{'x-llm-provider'}, 'a', 'the probe is still there');


=== TEST 9: a request that is made tells it to who has the token
--- http_config eval: $::Http
--- config eval: $::Admin
--- provider eval: "a:\n    status 500\n    json {}\nb:\n    $::Ok"
--- steps
my %token = (headers => { 'X-LLM-Explain' => $::Token });
my $r = main::chat(undef, %token);
my $d = JSON::PP::decode_json($r->{headers}{'x-llm-decision'} // 'null');

is($r->{status}, 200, 'status');
holds($d, 'length=5 0.route=m#1 0.kept=true 1.route=m#2 1.kept=true'
          . ' 3.reason=kept 4.reason=inactive');

# refused ones, too

$r = main::chat('{"model": "two", "messages": []}', key => 'sk-eu', %token);
is($r->{status}, 403, 'refused before it was planned');
ok(!defined $r->{headers}{'x-llm-decision'}, 'there is nothing to tell');

$r = main::chat('{"model": "m", "messages": []}', key => 'sk-eu',
                headers => { 'X-LLM-Explain' => $::Token });
like($r->{headers}{'x-llm-decision'} // '', qr/tag_missing/, 'a 5xx tells');

for my $wrong ('', 'wrong', "${\substr $::Token, 1}", '1') {
    $r = main::chat(undef, headers => { 'X-LLM-Explain' => $wrong });
    ok(!defined $r->{headers}{'x-llm-decision'}, "\"$wrong\": nothing");
}

ok(!defined main::chat()->{headers}{'x-llm-decision'}, 'not asked: nothing');
unlike(LLM::Provider::requests_text(), qr/$::Token|x-llm-explain/i,
       'the token stays here');


=== TEST 10: without an llm_admin there is no token to know
--- http_config eval: $::Http
--- config eval: $::Route
--- provider eval: "*:\n    $::Ok"
--- steps
for my $token ('', $::Token) {
    my $r = main::chat(undef, headers => { 'X-LLM-Explain' => $token });
    ok(!defined $r->{headers}{'x-llm-decision'}, "\"$token\": nothing");
}


=== TEST 11: attempts of other requests are not disturbed; a large body is read
--- http_config eval: $::Http
--- config eval: $::Admin
--- steps
my $text = 'x' x 300_000;

holds(main::explain('', qq({"user": "$text", "model": "m"})),
      'allowed=true model=m');


=== TEST 12: limits of providers leave routes out, as on a request that is made
--- http_config eval
main::providers(a => '', b => '') . $::Key . <<'_EOC_'
    llm_limit provider=a requests=1/day;
    llm_limit provider=b requests=1/day;
    llm_limit key=*      budget=0.000600/day;

    llm_class default { attempts 1; backup on=429; }
    llm_class alone   { attempts 1; }
    llm_class queue   { attempts 1; queue 200ms on=limit; }

    llm_model m    { route a; price input=1 output=2; backup dear; }
    llm_model dear { route b; price input=3 output=6; }
_EOC_
--- config eval: $::Admin . "location /queue { llm_route queue; }\n"
--- provider eval: "a:\n    $::Ok\nb:\n    $::Ok"
--- steps
my $short = '{"model": "m", "messages": [], "max_tokens": 50}';
my $long = '{"model": "m", "messages": [], "max_tokens": 200}';

holds(main::explain('?key=caller', $short),
      'allowed=true next=m#1 rung=first counted_by=host limits.length=2'
      . ' limits.0.subject=key=caller limits.1.subject=provider=a'
      . ' limits.1.kept=true') for 1 .. 3;
is(main::chat($short)->{headers}{'x-llm-provider'}, 'a', 'so it is');

holds(main::explain('?key=caller&class=alone', $short),
      'allowed=false status=429 code=rate_limit_exceeded !next'
      . ' decision.0.reason=rate_limit_exceeded decision.0.kept=false');
holds(main::explain('?key=caller&class=queue', $short),
      'allowed=true rung=queue !next wait_ms>0');
is(post('/queue/v1/chat/completions', $short)->{json}{error}{code},
   'queue_timeout', 'so it does');

# the backup takes three times as much

holds(main::explain('?key=caller', $long),
      'allowed=false status=402 code=budget_exceeded'
      . ' decision.0.reason=rate_limit_exceeded'
      . ' decision.1.reason=budget_exceeded');
is(main::chat($long)->{status}, 402, 'so it is');
holds(main::explain('?key=caller', $short),
      'allowed=true next=dear#1 rung=backup decision.1.kept=true');
is(main::chat($short)->{headers}{'x-llm-rung'}, 'backup', 'so it is');
is(main::calls(), 'a=1 b=1', 'explaining called nobody');
