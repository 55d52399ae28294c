# Active probes: who is asked, how often and by whom, what counts as down,
# and that all workers know of it, over reloads and killed workers.

use lib 't/lib';
use LLM 'no_plan';


our $chat = { model => 'gpt', messages => [] };

our $config = '        location /v1 { llm_route; }';


# A provider "main" that is probed, and one that is not behind it.

our $http = sub {
    my ($check, $more) = @_;

    return <<"_EOC_";
    llm_zone 1m;

    llm_provider main {
        protocol  openai;
        pass      http://127.0.0.1:\$TEST_NGINX_PROVIDER_PORT/main/v1;
        api_key   sk-up;
        timeout   connect=1s first_byte=300ms;
        check     $check;
        @{[ $more // '' ]}
    }

    llm_provider other {
        protocol  openai;
        pass      http://127.0.0.1:\$TEST_NGINX_PROVIDER_PORT/other/v1;
    }

    llm_model gpt {
        route  main;
        route  other priority=2;
    }

    llm_key caller {
        secret  plain:sk-test;
        models  *;
    }
_EOC_
};


our $alive = <<'_EOC_';
main GET /v1/models:
    json {"object": "list", "data": []}
main POST:
    json {"choices": [], "usage": {"prompt_tokens": 1}}
other POST:
    json {"choices": [], "usage": {"prompt_tokens": 1}}
_EOC_

our $dead = $alive =~ s/json .*/status 503\n    json {}/r;


# A list of models that a provider answers with, and what is made of it.

our $verdict = sub {
    my ($actions) = @_;

    return $alive =~ s/json .*\n/$actions\n/r;
};


# For "steps".

package LLM::Steps;

sub played { LLM::Provider::play($_[0]) }

sub probed {
    my ($name) = @_;
    return grep { $_->{method} eq 'GET' && (!$name || $_->{name} eq $name) }
                sent();
}

# whom a request goes to

sub chosen {
    my ($n) = @_;
    my $r = post('/v1/chat/completions', $main::chat, port => $n->port);
    return $r->{headers}{'x-llm-provider'} // "none, status $r->{status}";
}

sub logged {
    my ($n, $re, $seconds) = @_;
    return wait_for($seconds // 5, sub { $n->error_log =~ $re });
}

# pids of workers that took the probes over, in order

sub probers {
    my ($n) = @_;
    my @pids = $n->error_log =~ /(\d+)#\d+: this worker probes/g;
    return @pids;
}

sub clean {
    my ($n) = @_;
    $n->quit;
    quiet($n);
    unlike($n->error_log, qr/open socket|exited on signal/, 'a clean end');
}

package main;

no_shuffle();
no_long_string();
run_tests();

__DATA__

=== a provider goes down after "fall" probes, and up after "rise"
--- config
    location /v1 {
        return 204;
    }
--- steps
played($main::alive);

my $n = nginx(workers => 2, config => $main::config,
              http => $main::http->('interval=100ms rise=2 fall=3'));

ok(wait_for(5, sub { probed() >= 3 }), 'it is probed');
is(chosen($n), 'main', 'and chosen') for 1 .. 4;

played($main::dead);

ok(logged($n, qr/\[warn\].*llm provider "main" is down: 3 probes failed/),
   'it is down');
like($n->error_log, qr/the last one: status 503, upstream: "127/, 'why');
is(chosen($n), 'other', 'all workers know') for 1 .. 8;
ok(wait_for(5, sub { probed() >= 6 }), 'it is still probed');
is(scalar(grep { $_->{name} eq 'main' && $_->{method} eq 'POST' } sent()), 0,
   'and not tried');

played($main::alive);

ok(logged($n, qr/\[notice\].*llm provider "main" is up: 2 probes/), 'up');
is(chosen($n), 'main', 'chosen again') for 1 .. 4;

my @down = $n->error_log =~ /is down/g;
my @up = $n->error_log =~ /is up/g;

is("@down @up", 'is down is up', 'each was told once');
clean($n);



=== fewer failures than "fall", fewer successes than "rise" change nothing
--- steps
my $ask = 'main GET /v1/models';

played("$ask #1-2:\n    status 500\n$ask #3:\n    json {}\n"
       . "$ask #4-5:\n    status 500\n$ask #6+:\n    json {}\n");

my $n = nginx(config => $main::config,
              http => $main::http->('interval=50ms rise=2 fall=3'));

ok(wait_for(5, sub { probed() >= 9 }), 'probes');
unlike($n->error_log, qr/is down/, 'two failures are not three');

played("$ask #1-3:\n    status 500\n$ask #4:\n    json {}\n"
       . "$ask #5:\n    status 500\n$ask #6+:\n    status 500\n");

ok(logged($n, qr/is down/), 'three are');
ok(wait_for(5, sub { probed() >= 9 }), 'more probes');
unlike($n->error_log, qr/is up/, 'one success is not two');
clean($n);



=== four workers ask once an interval
--- steps
played($main::alive);

my $n = nginx(workers => 4, config => $main::config,
              http => $main::http->('interval=200ms'));

ok(wait_for(5, sub { probed() >= 1 }), 'at once');
sleep 2;

my $count = () = probed();

ok($count >= 7 && $count <= 12, "$count in two seconds");
is(scalar(probers($n)), 1, 'by one worker');
clean($n);



=== what is asked for
--- steps
my $pass = 'pass http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT';

played("*:\n    json {}\n");

my $n = nginx(config => $main::config, http => <<"_EOC_");
    llm_zone 1m;

    llm_provider one {
        protocol  openai;
        $pass/one/v1/;
        host      api.one.test:8443;
        api_key   sk-one;
        header    X-Extra yes;
        header    user-agent own;
        check     interval=1s;
    }

    llm_provider two {
        protocol  anthropic;
        $pass/two/v1;
        api_key   sk-two;
        check     interval=1s;
    }

    llm_provider three {
        protocol  gemini;
        $pass/three/v1beta;
        api_key   sk-three;
        check     interval=1s;
    }

    llm_provider four {
        protocol  anthropic;
        $pass/four;
        header    anthropic-version 2099-01-01;
        check     interval=1s;
    }

    llm_provider five {
        protocol  openai;
        $pass/five;
    }
_EOC_

ok(wait_for(5, sub { 4 == keys %{{ map { $_->{name} => 1 } probed() }} }),
   'all with "check"');

my %by = map { $_->{name} => $_ } probed();

is($by{one}{path}, '/one/v1/models', 'path');
is($by{two}{path}, '/two/v1/models', 'path');
is($by{three}{path}, '/three/v1beta/models', 'path');
is($by{four}{path}, '/four/models', 'path');
ok(!$by{five}, 'not the others');

is($by{one}{headers}{host}, 'api.one.test:8443', 'host');
is($by{one}{headers}{authorization}, 'Bearer sk-one', 'credential');
is($by{one}{headers}{'x-extra'}, 'yes', 'header');
is($by{one}{headers}{'user-agent'}, 'own', 'header');
is($by{one}{headers}{'anthropic-version'}, undef, 'no version');
is($by{two}{headers}{'x-api-key'}, 'sk-two', 'credential');
is($by{two}{headers}{'anthropic-version'}, '2023-06-01', 'version');
is($by{two}{headers}{'user-agent'}, 'nginx', 'agent');
is($by{three}{headers}{'x-goog-api-key'}, 'sk-three', 'credential');
is($by{four}{headers}{'anthropic-version'}, '2099-01-01', 'own version');
is($by{four}{headers}{connection}, 'close', 'for one answer');
clean($n);



=== who answers is alive
--- steps
my %answers = (
    'no list'     => "    status 404\n    json {}",
    'busy'        => "    status 429\n    json {}",
    'our fault'   => "    status 400\n    json {}",
    'redirect'    => "    status 301\n    header Location: /x",
    'empty'       => "    status 204",
    'interim'     => "    interim 103 Link: </x>\n    interim 100\n"
                     . "    json {}",
    'endless'     => "    chunked\n    forever fill 5000 x",
    'unfinished'  => "    length 100\n    json {}\n    hang",
    'in pieces'   => "    drip 1 5\n    json {}",
    'no head'     => "    raw HTTP/1.0 200 OK\n    cut",
);

my $n = nginx(config => $main::config,
              http => $main::http->('interval=20ms fall=2'));

# a new script breaks off what is played: one failure may come of that

for my $name (sort keys %answers) {
    played("main:\n$answers{$name}\n");
    ok(wait_for(5, sub { probed() >= 4 }), "probed: $name");
    unlike($n->error_log, qr/is down/, $name);
}

ok(wait_for(3, sub { LLM::Provider::ask(GET => 'open') <= 1 }),
   'connections do not pile up');
clean($n);



=== who does not answer is down
--- steps
my %answers = (
    '500'         => [ "    status 500\n    json {}", 'status 500' ],
    '529'         => [ "    status 529\n    json {}", 'status 529' ],
    'interim 503' => [ "    interim 103 Link: </x>\n    status 503",
                       'status 503' ],
    'close'       => [ "    nohead\n    cut", 'connection was closed' ],
    'reset'       => [ "    nohead\n    reset", 'connection was closed' ],
    'half a line' => [ "    raw HTTP/1.1 2\n    cut",
                       'connection was closed' ],
    'silence'     => [ "    nohead\n    hang", 'it timed out' ],
    'interim'     => [ "    interim 103 Link: </x>\n    nohead\n    hang",
                       'it timed out' ],
    'not HTTP'    => [ "    raw SSH-2.0-nothing_of_use\n    hang",
                       'answer is not HTTP' ],
    'no status'   => [ "    raw HTTP/1.1 999 What\n    hang",
                       'answer is not HTTP' ],
    'long'        => [ "    nohead\n    raw HTTP/1.1 100 \n    fill 9000 x\n"
                       . "    hang", 'answer is not HTTP' ],
);

for my $name (sort keys %answers) {
    my ($script, $reason) = @{ $answers{$name} };

    played("main:\n$script\n");

    my $n = nginx(config => $main::config,
                  http => $main::http->('interval=100ms fall=2'));

    ok(logged($n, qr/is down: 2 probes failed, the last one: \Q$reason\E, /),
       $name) or diag($n->error_log);
    clean($n);
}



=== nobody listens
--- steps
my $http = $main::http->('interval=100ms fall=2');

$http =~ s{127.0.0.1:[^/]+/main}{127.0.0.1:1/main};
played($main::alive);

my $n = nginx(config => $main::config, http => $http);

ok(logged($n, qr/is down.*: connection failed, upstream: "127.0.0.1:1"/),
   'it is down');
is(chosen($n), 'other', 'not chosen');
clean($n);



=== a refused credential is told once, and the provider is down
--- steps
played("main GET /v1/models #1-6:\n    status 401\n    json {}\n"
       . "main GET /v1/models #7+:\n    status 403\n    json {}\n"
       . "other:\n    json {}\n");

my $n = nginx(config => $main::config,
              http => $main::http->('interval=50ms rise=1 fall=2'));

ok(logged($n, qr/is down: 2 probes failed, the last one: status 401/),
   'it is down');
is(chosen($n), 'other', 'not chosen');
ok(wait_for(5, sub { probed() >= 9 }), 'more probes');

my $re = qr/\[crit\].*"main" refused our credential with status 40\d/;

is(scalar(() = $n->error_log =~ /$re/g), 1, 'told once');
unlike($n->error_log, qr/sk-up/, 'the credential is not told');

played($main::alive);
ok(logged($n, qr/is up/), 'it is up');
played("main:\n    status 403\n    json {}\n");
ok(wait_for(5, sub { 2 == (() = $n->error_log =~ /$re/g) }), 'told again');

$n->quit;
unlike($n->error_log, qr/\[(?:alert|emerg)\]/, 'a quiet error log');



=== one probe at a time
--- steps
played("main:\n    nohead\n    hang\n");

my $n = nginx(config => $main::config,
              http => $main::http->('interval=20ms'));

ok(wait_for(5, sub { probed() >= 1 }), 'probed');

my $most = 0;

for (1 .. 60) {
    my $open = LLM::Provider::ask(GET => 'open');
    $most = $open if $open > $most;
    sleep 0.02;
}

is($most, 1, 'connections');

my $count = () = probed();

ok($count >= 2 && $count <= 7, "$count probes of 300 ms");
clean($n);



=== TLS: the provider's name and authority count
--- steps
my $tls = sub {
    my ($host, $ca) = @_;
    my $http = $main::http->('interval=100ms fall=2', "host $host; $ca");

    $http =~ s{http://(\S+)_PORT/main}{https://$1_TLS_PORT/main};
    $http =~ s/connect=1s first_byte=300ms/connect=8s first_byte=8s/;
    played($main::alive);

    return nginx(config => $main::config, http => $http);
};

my $ca = 'tls_ca $TEST_NGINX_CA;';
my $n = $tls->('good.test', $ca);

ok(wait_for(5, sub { probed() >= 3 }), 'probes');
is((probed())[0]{sni}, 'good.test', 'server name');
is((probed())[0]{headers}{host}, 'good.test', 'host');
is(chosen($n), 'main', 'chosen');
unlike($n->error_log, qr/failed/, 'no failure');
clean($n);

for (['wrong.test', $ca, 'certificate is for another name'],
     ['expired.test', $ca, 'certificate is not valid'],
     ['untrusted.test', $ca, 'certificate is not valid'],
     ['good.test', '', 'certificate is not valid'])
{
    my ($host, $by, $reason) = @$_;

    $n = $tls->($host, $by);
    ok(logged($n, qr/is down: 2 probes failed, the last one: $reason/),
       "$host: $reason") or diag($n->error_log);
    is(scalar(probed()), 0, 'nothing was sent');
    clean($n);
}

$n = $tls->('untrusted.test', 'tls_verify off;');
ok(wait_for(5, sub { probed() >= 3 }), 'probes');
unlike($n->error_log, qr/failed/, 'no failure');
clean($n);



=== TLS: a port that does not answer it
--- steps
my $http = $main::http->('interval=100ms fall=2', 'tls_verify off;');

$http =~ s{http://\S+/main}{https://mute/main};
$http .= "upstream mute { server 127.0.0.1:$TEST_NGINX_PROVIDER_PORT; }\n";
played($main::alive);

my $n = nginx(config => $main::config, http => $http);

# the provider takes the handshake for the beginning of a head

ok(logged($n, qr/is down.*the last one: it timed out/, 8), 'it is down');
clean($n);



=== one address that answers is enough
--- steps
for my $zone ('', 'zone replicas 64k;') {
    my $http = $main::http->('interval=50ms rise=2 fall=2');

    $http =~ s{127.0.0.1:\S+/main}{replicas/main};
    $http .= "    upstream replicas {\n        $zone\n"
             . "        server 127.0.0.1:1;\n"
             . "        server 127.0.0.1:3 down;\n"
             . "        server 127.0.0.1:$TEST_NGINX_PROVIDER_PORT;\n"
             . "        server 127.0.0.1:2 backup;\n    }\n";

    played($main::alive);

    my $n = nginx(config => $main::config, http => $http);

    ok(wait_for(5, sub { probed() >= 4 }), "the second, $zone");
    unlike($n->error_log, qr/is down/, 'not down');

    played($main::dead);
    ok(logged($n, qr/is down/), 'down');
    ok(wait_for(5, sub { $n->error_log =~ /127.0.0.1:2"/
                         && $n->error_log =~ /127.0.0.1:1".*127.0.0.1:1"/s }),
       'all of them are asked');
    unlike($n->error_log, qr/127.0.0.1:3"/, 'but what is not in use');

    played($main::alive);
    ok(logged($n, qr/is up/), 'up again');
    clean($n);
}



=== a name that nginx looks up
--- steps
my $http = $main::http->('interval=50ms fall=3');

$http =~ s{127.0.0.1:(\S+)/main}{localhost:$1/main};
played($main::alive);

my $n = nginx(config => $main::config, http => $http);

ok(wait_for(5, sub { probed() >= 4 }), 'probed');
is((probed())[0]{headers}{host} =~ s/:\d+//r, 'localhost', 'host');
unlike($n->error_log, qr/is down/, 'not down');
clean($n);



=== a reload: new workers take over, and old ones rest
--- steps
played($main::alive . "other POST:\n    sse\n    data {}\n    hang\n");

my $n = nginx(workers => 2, config => $main::config,
              http => $main::http->('interval=200ms rise=2 fall=2'));

ok(wait_for(5, sub { probed() >= 2 }), 'probes');

my %old = map { $_ => 1 } $n->workers;

# a client that keeps an old worker

played($main::alive =~ s/main POST:\n.*/main POST:
    sse
    data {"choices":[{"index":0,"delta":{"content":"a"}}]}
    forever pause=50 data {"choices":[{"index":0,"delta":{"content":"a"}}]}/r);

my $client = IO::Socket::INET->new("127.0.0.1:" . $n->port);
my $body = '{"model":"gpt","messages":[],"stream":true}';

print $client "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
              . "Authorization: Bearer sk-test\r\nContent-Length: "
              . length($body) . "\r\nContent-Type: application/json\r\n\r\n"
              . $body;
ok(defined <$client>, 'a stream');

$n->reload;

is(scalar(probers($n)), 2, 'a second one probes');
ok(!$old{ (probers($n))[1] }, 'a new one');

my $before = () = probed();

sleep 2;

my $count = (() = probed()) - $before;

ok($count >= 7 && $count <= 12, "$count in two seconds");

# what is known lasts

played($main::dead);
ok(logged($n, qr/is down/), 'down');
$n->reload;
is(chosen($n), 'other', 'still down');
ok(wait_for(5, sub { 3 == probers($n) }), 'a third one probes');

# but not without a probe

played($main::dead =~ s/main POST:\n.*\n.*/main POST:\n    json {}/r);
$n->reload(http => $main::http->('off'));
is(chosen($n), 'main', 'chosen when nobody probes') for 1 .. 4;

$before = () = probed();
sleep 1;
is(scalar(probed()), $before, 'nobody does');

close $client;
clean($n);



=== a worker that is killed, or stops, is replaced
--- steps
played($main::alive);

my $n = nginx(workers => 3, config => $main::config,
              http => $main::http->('interval=100ms'));

ok(wait_for(5, sub { 1 == probers($n) }), 'one probes');

my ($first) = probers($n);

kill KILL => $first;
ok(wait_for(5, sub { 2 == probers($n) }), 'the next one');

my $second = (probers($n))[1];

isnt($second, $first, 'another one');
played($main::alive);
ok(wait_for(5, sub { probed() >= 5 }), 'probes go on');

kill STOP => $second;
ok(wait_for(8, sub { 3 == probers($n) }), 'one after it');

my $third = (probers($n))[2];

isnt($third, $second, 'another one');
kill CONT => $second;
sleep 0.5;
played($main::alive);
sleep 1;

my $count = () = probed();

ok($count >= 6 && $count <= 12, "$count in a second");
is(scalar(probers($n)), 3, 'it stays');

kill TERM => $third;
ok(wait_for(5, sub { 4 == probers($n) }), 'one that left');

$n->quit;
unlike($n->error_log, qr/\[(?:crit|emerg)\]|open socket/, 'a clean end');



=== nginx quits while a probe is under way
--- steps
for my $signal (qw(QUIT TERM)) {
    for my $script ("    nohead\n    hang", "    length 9\n    hang") {

        played("main:\n$script\n");

        my $http = $main::http->('interval=100ms')
                   =~ s/first_byte=300ms/first_byte=1h/r;
        my $n = nginx(workers => 2, config => $main::config, http => $http);

        ok(wait_for(5, sub { probed() >= 1 }), 'under way');
        sleep 0.05;

        my $begin = Time::HiRes::time();

        $n->quit($signal);
        ok(Time::HiRes::time() - $begin < 2, "$signal: at once");
        quiet($n);
        unlike($n->error_log, qr/open socket|exited on signal/, 'clean');
    }
}



=== nginx quits in the middle of a handshake
--- steps
my $http = $main::http->('interval=100ms', 'tls_verify off;');

$http =~ s{http://\S+/main}{https://mute/main};
$http .= "upstream mute { server 127.0.0.1:$TEST_NGINX_PROVIDER_PORT; }\n";
$http =~ s{connect=1s}{connect=1h};
played($main::alive);

my $n = nginx(config => $main::config, http => $http);

ok(wait_for(5, sub { LLM::Provider::ask(GET => 'open') >= 1 }), 'under way');

my $begin = Time::HiRes::time();

$n->quit;
ok(Time::HiRes::time() - $begin < 2, 'at once');
quiet($n);
unlike($n->error_log, qr/open socket/, 'clean');



=== one process
--- steps
played($main::dead);

my $n = nginx(config => $main::config, main => 'master_process off;',
              http => $main::http->('interval=50ms fall=2 rise=1'));

ok(logged($n, qr/is down/), 'down');
played($main::alive);
ok(logged($n, qr/is up/), 'up');
clean($n);
