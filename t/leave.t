# Clients that leave, and clients that are slow: the provider is left at
# once, the record says who ended it, and memory stays bounded.

use lib 't/lib';
use LLM 'no_plan';

repeat_each(2);
no_shuffle();

our $Http = <<'_EOC_';
    upstream pool {
        server     127.0.0.1:$TEST_NGINX_PROVIDER_PORT;
        keepalive  4;
    }

    llm_provider mock {
        protocol  openai;
        pass      http://pool/chat/v1;
        timeout   first_byte=5s idle=5s;
    }

    llm_model gpt-4o  { route mock; }
    llm_model tts     { endpoint audio;  route mock; }

    llm_key caller {
        secret  plain:sk-test;
        models  *;
    }
_EOC_

our $Route = <<'_EOC_';
    location /v1 {
        llm_route;
    }
_EOC_

# a request as a raw client sends it

sub raw {
    my ($path, $body, @headers) = @_;

    return join "\r\n", "POST /v1/$path HTTP/1.1", 'Host: a',
                        'Authorization: Bearer sk-test', @headers,
                        'Content-Length: ' . length($body), '', $body;
}

our $Unary = raw('chat/completions', '{"model": "gpt-4o"}')
             =~ s/\r/\\r/gr =~ s/\n/\\n/gr;
our $Stream = raw('chat/completions', '{"model": "gpt-4o", "stream": true}')
              =~ s/\r/\\r/gr =~ s/\n/\\n/gr;
our $Speech = raw('audio/speech', '{"model": "tts", "input": "abc"}')
              =~ s/\r/\\r/gr =~ s/\n/\\n/gr;

# after how many ms the gateway left the provider

sub left_after {
    LLM::Provider::wait_for(3, sub { scalar LLM::Provider::left() });
    return (map { $_->{after_ms} } LLM::Provider::left())[-1] // 1e9;
}

# an nginx of its own, with what its worker's memory peaked at, in kB

our $own = sub {
    my $n = LLM::Nginx->new(
        http => "llm_zone 8m;\nllm_usage_log \$DIR/logs/usage.jsonl"
                . " flush=10ms;\n$Http",
        config => $Route);

    return ($n, sub {
        open my $fh, '<', '/proc/' . ($n->workers)[0] . '/status' or die;
        return (join '', <$fh>) =~ /VmHWM:\s+(\d+)/ ? $1 : die;
    });
};

run_tests();

__DATA__

=== TEST 1: a client that leaves before the head takes the provider along
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    hang
--- steps
LLM::Client::run($Test::Nginx::Util::ServerPort,
                 "send $::Unary\npause 150\nclose\n", 3);
my $ms = ::left_after();
ok($ms < 400, "the provider was left after $ms ms");
holds((records(1))[0], 'status=499 outcome=client_closed attempts.length=1');


=== TEST 2: so does one that resets
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    hang
--- steps
LLM::Client::run($Test::Nginx::Util::ServerPort,
                 "send $::Unary\npause 150\nreset\n", 3);
my $ms = ::left_after();
ok($ms < 400, "the provider was left after $ms ms");
holds((records(1))[0], 'status=499 outcome=client_closed attempts.length=1');


=== TEST 3: a client that leaves while its answer is held
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    length 1000
    json {"half": "
    hang
--- steps
LLM::Client::run($Test::Nginx::Util::ServerPort,
                 "send $::Unary\npause 150\nclose\n", 3);
my $ms = ::left_after();
ok($ms < 400, "the provider was left after $ms ms");
holds((records(1))[0], 'status=499 outcome=client_closed attempts.length=1');


=== TEST 4: a client that leaves while its stream's head is held
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    sse
    forever pause=20 body : ping\n\n
--- steps
LLM::Client::run($Test::Nginx::Util::ServerPort,
                 "send $::Stream\npause 150\nclose\n", 3);
my $ms = ::left_after();
ok($ms < 400, "the provider was left after $ms ms");
holds((records(1))[0], 'status=499 outcome=client_closed');


=== TEST 5: a client that leaves in the middle of a stream
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    sse
    forever pause=20 data {"choices":[{"index":0,"delta":{"content":"word "}}]}
--- steps
my $got = LLM::Client::run($Test::Nginx::Util::ServerPort,
    "send $::Stream\nuntil word(?s:.*)word\npause 100\nclose\n", 3);
like($got, qr/word/);
my $ms = ::left_after();
ok($ms < 600, "the provider was left after $ms ms");
holds((records(1))[0], 'status=200 outcome=client_closed estimated=true'
                       . ' usage.output>1 usage.output<200');


=== TEST 6: a client that leaves in the middle of a silent stream
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    sse
    data {"choices":[{"index":0,"delta":{"content":"word "}}]}
    hang
--- steps
LLM::Client::run($Test::Nginx::Util::ServerPort,
    "send $::Stream\nuntil word\npause 100\nclose\n", 3);
my $ms = ::left_after();
ok($ms < 500, "the provider was left after $ms ms");
holds((records(1))[0], 'status=200 outcome=client_closed');


=== TEST 7: a client that leaves in the middle of a binary answer
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    header Content-Type: audio/mpeg
    forever pause=10 fill 20000 m
--- steps
LLM::Client::run($Test::Nginx::Util::ServerPort,
    "send $::Speech\nread 50000\nclose\n", 3);
my $ms = ::left_after();
ok($ms < 600, "the provider was left after $ms ms");
holds((records(1))[0], 'status=200 outcome=client_closed');


=== TEST 8: a client that leaves while its body is read
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    json {}
--- client
send POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n
send Authorization: Bearer sk-test\r\nContent-Length: 100\r\n\r\n{"model":
pause 50
close
--- calls: 0
--- usage_records: 1
--- usage_log
outcome=client_closed !attempts.0


=== TEST 9: a client that says it sends no more still gets its answer
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    pause 100
    json {"n": 1}
--- client eval
"send $::Unary\nshutdown\nend"
--- client_unlike
client: nothing to read
--- usage_records: 1
--- usage_log
outcome~^(ok|client_closed)$


=== TEST 10: an answer is not lost because the client is slow
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    json {"text": "
    times 20 fill 100000 a
    text ", "usage": {"prompt_tokens": 8, "completion_tokens": 3}}
--- steps
my $got = LLM::Client::run($Test::Nginx::Util::ServerPort,
    "send $::Unary\npause 300\ndrip 100000 10\n" =~ s/Host: a/Host: a\\r\\nConnection: close/r, 5);
my ($body) = $got =~ /\r\n\r\n(.*)\z/s;
like($body, qr/\A\{"text": "(?:a{20000}){100}", "usage": \{[^}]*\}\}\z/);
holds((records(1))[0], 'status=200 outcome=ok usage.input=8');


=== TEST 11: a stream of 20 MB to a client that does not read is not buffered
--- http_config eval: $::Http
--- config eval: $::Route
--- timeout: 20
--- steps
my ($n, $peak) = $::own->();
my $event = '{"choices":[{"index":0,"delta":{"content":"' . 'A' x 20_000 . '"}}]}';
LLM::Provider::play("chat:\n sse\n times 1000 data $event\n"
    . ' data {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}' . "\n done\n");
my $before = $peak->();
my $got = LLM::Client::run($n->port, "send $::Stream\npause 700\nend\n"
    =~ s/Host: a/Host: a\\r\\nConnection: close/r, 15);
ok(length $got > 20_000_000, 'it passed: ' . length $got);
like(substr($got, -40), qr/\[DONE\]/);
my $grown = $peak->() - $before;
ok($grown < 4000, "memory: $grown kB more");
holds((records(1, $n->usage_file))[0], 'status=200 outcome=ok');
$n->quit;
quiet($n);


=== TEST 12: nor is a binary answer of 20 MB
--- http_config eval: $::Http
--- config eval: $::Route
--- timeout: 20
--- steps
my ($n, $peak) = $::own->();
LLM::Provider::play("chat:\n header Content-Type: audio/mpeg\n"
                    . " times 200 fill 100000 m\n");
my $before = $peak->();
my $got = LLM::Client::run($n->port, "send $::Speech\npause 700\nend\n"
    =~ s/Host: a/Host: a\\r\\nConnection: close/r, 15);
ok(length $got > 20_000_000, 'it passed: ' . length $got);
my $grown = $peak->() - $before;
ok($grown < 2500, "memory: $grown kB more");
holds((records(1, $n->usage_file))[0],
      'status=200 outcome=ok attempts.0.bytes=20000000');
$n->quit;
quiet($n);


=== TEST 13: a JSON answer of 30 MB is held to 8 MB
--- http_config eval: $::Http
--- config eval: $::Route
--- timeout: 20
--- steps
my ($n, $peak) = $::own->();
LLM::Provider::play("chat:\n json {\"a\": \"\n times 300 fill 100000 m\n text \"}\n");
my $before = $peak->();
my $got = LLM::Client::run($n->port, "send $::Unary\npause 700\nend\n"
    =~ s/Host: a/Host: a\\r\\nConnection: close/r, 15);
ok(length $got > 30_000_000, 'it passed: ' . length $got);
my $grown = $peak->() - $before;
ok($grown < 14000, "memory: $grown kB more");
holds((records(1, $n->usage_file))[0], 'status=200 outcome=ok');
$n->quit;
quiet($n);


=== TEST 14: a client that stops reading is left after send_timeout
--- http_config eval: $::Http
--- config eval: "send_timeout 500ms; $::Route"
--- timeout: 10
--- provider
chat:
    header Content-Type: audio/mpeg
    forever fill 100000 m
--- steps
use IO::Select;
my $s = LLM::Client::connection($Test::Nginx::Util::ServerPort);
syswrite $s, LLM::Script::unescape($::Speech);
my $ms = ::left_after();
ok($ms > 400 && $ms < 3000, "the provider was left after $ms ms");
close $s;
holds((records(1))[0], 'status=200 outcome=client_closed');


=== TEST 15: HEAD is answered without a body, and the connection goes on
--- http_config eval: $::Http
--- config eval: $::Route
--- client
send HEAD /v1/models HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sk-test\r\n\r\n
until \r\n\r\n
send GET /v1/models/gpt-4o HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sk-test\r\n
send Connection: close\r\n\r\n
end
--- client_like
\AHTTP/1\.1 200 OK\r\n(?:[^\r\n]+\r\n)+\r\nHTTP/1\.1 200 OK\r\n(?:[^\r\n]+\r\n)+\r\n\{.*gpt-4o
--- usage_records: 2
--- usage_log
#* status=200 outcome=ok


=== TEST 16: HEAD of what a provider has goes there as HEAD
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat POST:
    json {"id": "resp_1", "object": "response", "status": "completed"}
chat HEAD:
    json {"id": "resp_1", "object": "response", "status": "completed"}
chat GET:
    json {"id": "resp_1", "n": {{n}}}
--- steps
my $id = post('/v1/responses', { model => 'gpt-4o', input => '' })->{json}{id};
my $r = ask('HEAD', "/v1/responses/$id");
is($r->{status}, 200);
is($r->{content} // '', '');
is((sent())[-1]{method}, 'HEAD');
$r = get("/v1/responses/$id");
is($r->{json}{n}, 3);
my %conns = map { $_->{conn} => 1 } sent();
is(scalar(keys %conns), 1, 'one connection');
holds($_, 'status=200 outcome=ok') for records(3);


=== TEST 17: an HTTP/2 client that leaves takes the provider along
--- http_config eval: $::Http
--- config eval: $::Route
--- http2
--- provider
chat:
    sse
    data {"choices":[{"index":0,"delta":{"content":"word "}}]}
    hang
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "stream": true}
--- curl_options: -m 1
--- curl_error eval: qr/timed out/
--- response_body_like: word
--- provider_left: 1
--- usage_records: 1
--- usage_log
status=200 outcome=client_closed


=== TEST 18: after all of it a worker leaves with nothing open
--- http_config
--- config
--- timeout: 20
--- steps
my ($n) = $::own->();
my @plays = ("hang", "length 100\n json {", "sse\n forever pause=5 body : x\\n\\n",
    "sse\n forever pause=5 data {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}",
    "header Content-Type: audio/mpeg\n forever fill 100000 m");
my $i = 0;
for my $play (@plays) {
    LLM::Provider::play("chat:\n " . $play . "\n");
    for my $ask ($::Unary, $::Stream, $::Speech) {
        for my $leave ('close', 'reset') {
            LLM::Client::run($n->port, "send $ask\npause 60\n$leave\n", 3);
            $i++;
        }
    }
}
records($i, $n->usage_file);
my ($worker) = $n->workers;
my $fds = () = glob "/proc/$worker/fd/*";
ok($fds < 30, "descriptors in use: $fds");
$n->quit;
quiet($n);
unlike($n->error_log, qr/open socket|exited on signal/, 'a clean end');
