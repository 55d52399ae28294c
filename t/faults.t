# Providers that fail: not there, silent, cut off, garbage instead of HTTP,
# lengths that lie, bodies that are not what was promised.  Each gets a clear
# error or a clean end, and one usage record.

use lib 't/lib';
use LLM 'no_plan';

use IO::Socket::INET;
use Socket;

repeat_each(2);
no_shuffle();

# a port that takes no more connections: its queue is full

our @Full = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1);

$ENV{TEST_NGINX_FULL_PORT} = $Full[0]->sockport;

for (1 .. 4) {
    push @Full, IO::Socket::INET->new(Blocking => 0, Proto => 'tcp',
                                      PeerAddr => '127.0.0.1',
                                      PeerPort => $Full[0]->sockport);
}

our $Http = <<'_EOC_';
    llm_provider mock {
        protocol  openai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/chat/v1;
        timeout   connect=500ms first_byte=500ms idle=1s;
    }

    llm_provider claude {
        protocol  anthropic;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/claude/v1;
    }

    llm_model gpt-4o  { route mock; }
    llm_model tts     { endpoint audio;  route mock; }
    llm_model claude  { route claude; }

    llm_key caller {
        secret  plain:sk-test;
        models  *;
    }
_EOC_

our $Pool = $Http;

$Pool =~ s{\A}{
    upstream pool {
        server     127.0.0.1:\$TEST_NGINX_PROVIDER_PORT;
        keepalive  4;
    }

};
$Pool =~ s{127\.0\.0\.1:\$TEST_NGINX_PROVIDER_PORT/}{pool/}g;

our $Route = <<'_EOC_';
    location /v1 {
        llm_route;
    }
_EOC_

our $Post = 'POST /v1/chat/completions' . "\n"
            . '{"model": "gpt-4o", "messages": []}';
our $Head = "Authorization: Bearer sk-test\nContent-Type: application/json";

run_tests();

__DATA__

=== TEST 1: a refused connection is a 502 that says so
--- http_config eval: $::Http =~ s/\$TEST_NGINX_PROVIDER_PORT/1/r
--- config eval: $::Route
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_headers
Content-Type: application/json
X-LLM-Provider: mock
X-LLM-Attempts: 1
--- response_json
error.code=upstream_error error.message~connection attempts.length=1
attempts.0.provider=mock
--- error_log
connect() failed
--- usage_log
status=502 outcome=upstream_error code=upstream_error attempts.length=1
attempts.0.error~connection !attempts.0.status !usage cost=0


=== TEST 2: a connection that is not established in time
--- http_config eval
$::Http =~ s/\$TEST_NGINX_PROVIDER_PORT/\$TEST_NGINX_FULL_PORT/r
--- config eval: $::Route
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code_like: ^50[24]$
--- response_json
error.message~"not established in time"
--- error_log
upstream timed out
--- usage_log
outcome=upstream_error attempts.length=1 latency_ms>450 latency_ms<1500
attempts.0.error~"not established in time"


=== TEST 3: no first byte in time is a 504
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    hang
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 504
--- response_json
error.code=upstream_timeout attempts.length=1
--- error_log
upstream timed out
--- calls: 1
--- provider_left: 1
--- usage_log
status=504 outcome=upstream_error code=upstream_timeout
attempts.length=1 !attempts.0.status latency_ms>450 latency_ms<1500 cost=0


=== TEST 4: half of a head, and nothing more, is a timeout too
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    raw HTTP/1.1 200 OK\r\nContent-Type: applic
    hang
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 504
--- response_json
error.code=upstream_timeout
--- error_log
upstream timed out
--- provider_left: 1
--- usage_log
status=504 outcome=upstream_error latency_ms<2000


=== TEST 5: half of a JSON answer, and nothing more, is a timeout too
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    length 100
    json {"half":
    hang
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 504
--- response_json
error.code=upstream_timeout
--- error_log
upstream timed out
--- provider_left: 1
--- usage_log
status=504 outcome=upstream_error latency_ms>950 latency_ms<2500


=== TEST 6: a slow answer that keeps coming is no timeout
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    drip 12 60
    json {"slow": "but it comes", "usage": {"prompt_tokens": 8, "completion_tokens": 3}}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- response_json
slow="but it comes"
--- usage_log
status=200 outcome=ok usage.input=8 latency_ms>700


=== TEST 7: closed before the head
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    cut
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.code=upstream_error error.message~closed
--- calls: 1
--- usage_log
status=502 outcome=upstream_error attempts.length=1 cost=0


=== TEST 8: reset before the head
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    reset
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.code=upstream_error
--- calls: 1
--- usage_log
status=502 outcome=upstream_error attempts.length=1


=== TEST 9: reset after the head
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    length 100
    json {"a": 1,
    pause 50
    reset
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.code=upstream_error
--- usage_log
status=502 outcome=upstream_error attempts.length=1 attempts.0.status=200
usage.output=0 estimated=true


=== TEST 10: half a status line
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    raw HTTP/1.1 2
    cut
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.code=upstream_error
--- usage_log
status=502 outcome=upstream_error !attempts.0.status


=== TEST 11: garbage instead of a status line
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    raw \x00\x01\xff\xfe SSH-2.0-OpenSSH_9.2\r\n\r\n
    cut
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.message~"did not speak HTTP"
--- usage_log
status=502 outcome=upstream_error


=== TEST 12: a status that is none
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    raw HTTP/1.1 099 Low\r\nContent-Length: 2\r\n\r\n{}
    cut
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.message~"did not speak HTTP"
--- usage_log
status=502 outcome=upstream_error


=== TEST 13: a header that is none
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    raw HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nno\x00good: x\r\n\r\n{}
    cut
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.message~"invalid header"
--- usage_log
status=502 outcome=upstream_error


=== TEST 14: a head without an end
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    nohead
    raw HTTP/1.1 200 OK\r\n
    times 4000 body X-More: 12345678901234567890\r\n
    hang
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.message~"too large"
--- provider_left: 1
--- usage_log
status=502 outcome=upstream_error


=== TEST 15: one header line without an end
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    raw HTTP/1.1 200 OK\r\nX-Long:
    nohead
    times 10 fill 10000 a
    hang
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.message~"too large"
--- provider_left: 1
--- usage_log
status=502 outcome=upstream_error


=== TEST 16: a head of 15 kB passes
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    header X-Long: {{header:x-fill}}
    json {"n": 1}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- more_headers eval: "$::Head\nX-Fill: " . ('f' x 7000)
--- response_headers eval: 'X-Long: ' . ('f' x 7000)
--- response_json
n=1
--- usage_log
status=200 outcome=ok


=== TEST 17: an empty connection after a good status line
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    raw HTTP/1.1 200 OK\r\n\r\n
    cut
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.code=upstream_error
--- usage_log
status=502 outcome=upstream_error attempts.0.status=200


=== TEST 18: interim answers are passed over
--- http_config eval: $::Pool
--- config eval: $::Route
--- provider
chat:
    interim 100
    interim 103 Link: </style>; rel=preload
    pause 30
    interim 103 X-Early: hint
    interim 102
    header X-Late: real
    json {"n": {{n}}, "usage": {"prompt_tokens": 8, "completion_tokens": 3}}
--- pipelined_requests eval: [$::Post, $::Post]
--- more_headers eval: $::Head
--- response_body_like eval: ['"n": 1', '"n": 2']
--- response_headers eval: ["X-Late: real\nX-Early:\nLink:", "X-Late: real"]
--- provider_connections: 1
--- usage_log
#* status=200 outcome=ok attempts.0.status=200 usage.input=8


=== TEST 19: interim answers without an end are no head
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    nohead
    forever pause=20 body HTTP/1.1 103 Early\r\nX-A: b\r\n\r\n
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code_like: ^50[24]$
--- timeout: 5
--- provider_left: 1
--- usage_log
outcome=upstream_error


=== TEST 20: nor are they counted for ever, however fast they come
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    nohead
    times 40 body HTTP/1.1 103 Early\r\nX-A: b\r\n\r\n
    body HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n
    body {"choices":[]}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- usage_log
outcome=upstream_error attempts.0.error~"interim answers do not end"


=== TEST 21: nginx's own variables tell of the answer, not of what came before it
--- http_config eval
"log_format statuses '\$upstream_status';\n$::Http"
--- config
    location /v1 {
        access_log  logs/statuses.log statuses;
        llm_route;
    }
--- provider
chat:
    interim 103 X-A: b
    json {"choices": [{"index": 0, "message": {"content": "a"}}]}
--- steps
post('/v1/chat/completions', {model => 'gpt-4o', messages => []});
holds((records(1))[0], 'outcome=ok attempts.0.status=200');

my @lines = LLM::Steps::lines($Test::Nginx::Util::ServRoot
                              . '/logs/statuses.log');
is($lines[-1], "200\n", 'the status');


=== TEST 22: protocols are not switched
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    raw HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nhello
    hang
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- more_headers
Authorization: Bearer sk-test
Upgrade: websocket
--- error_code: 502
--- response_json
error.message~"switched protocols"
--- provider_left: 1
--- usage_log
status=502 outcome=upstream_error


=== TEST 23: redirects are not followed, and not passed on
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    status 307 Temporary Redirect
    header Location: http://127.0.0.1:1/elsewhere
    json {"moved": true}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_headers
Location:
--- response_json
error.message~redirected !moved
--- calls: 1
--- usage_log
status=502 outcome=upstream_error attempts.0.status=307 cost=0


=== TEST 24: not modified is no answer either
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    status 304 Not Modified
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.code=upstream_error
--- usage_log
status=502 outcome=upstream_error attempts.0.status=304


=== TEST 25: a length and chunks together are refused
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    raw HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n
    hang
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.message~"both Content-Length and chunks"
--- usage_log
status=502 outcome=upstream_error


=== TEST 26: chunks first and a length behind them are refused as well
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    raw HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n
    hang
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.message~"both Content-Length and chunks"
--- usage_log
status=502 outcome=upstream_error


=== TEST 27: two lengths that differ are refused
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    raw HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}
    hang
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.message~Content-Length
--- usage_log
status=502 outcome=upstream_error


=== TEST 28: a length that is no number is refused
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    raw HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}
    hang
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.message~Content-Length
--- usage_log
status=502 outcome=upstream_error


=== TEST 29: a length of more than can be is refused
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    raw HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n{}
    hang
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.message~Content-Length
--- usage_log
status=502 outcome=upstream_error


=== TEST 30: an encoding of the transfer that nobody asked for is refused
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    raw HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n
    hang
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.message~Transfer-Encoding
--- usage_log
status=502 outcome=upstream_error


=== TEST 31: a chunk whose size is no number
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    raw HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n\r\n
    hang
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.message~"chunks are invalid"
--- usage_log
status=502 outcome=upstream_error


=== TEST 32: chunks that end without their last one
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    raw HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n
    cut
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.code=upstream_error
--- usage_log
status=502 outcome=upstream_error


=== TEST 33: trailers behind chunks are dropped, the connection goes on
--- http_config eval: $::Pool
--- config eval: $::Route
--- provider
chat:
    nohead
    keep
    raw HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nX-Trailer: x\r\n\r\n
--- pipelined_requests eval: [$::Post, $::Post]
--- more_headers eval: $::Head
--- response_body eval: ['{}', '{}']
--- provider_connections: 1
--- usage_log
#* status=200 outcome=ok


=== TEST 34: a body longer than promised ends at its length
--- http_config eval: $::Pool
--- config eval: $::Route
--- provider
chat:
    nohead
    keep
    raw HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsmuggle
--- pipelined_requests eval: [$::Post, $::Post]
--- more_headers eval: $::Head
--- response_body eval: ['{}', '{}']
--- provider_connections: 2
--- usage_log
#* status=200 outcome=ok


=== TEST 35: so do chunks with something behind them
--- http_config eval: $::Pool
--- config eval: $::Route
--- provider
chat:
    nohead
    keep
    raw HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n
--- pipelined_requests eval: [$::Post, $::Post]
--- more_headers eval: $::Head
--- response_body eval: ['{}', '{}']
--- provider_connections: 2
--- usage_log
#* status=200 outcome=ok


=== TEST 36: what follows later on a pooled connection is no answer
--- http_config eval: $::Pool
--- config eval: $::Route
--- provider
chat #1:
    nohead
    keep
    raw HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}
    pause 60
    raw HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"smug": 1}
    pause 100
chat #2+:
    json {"n": 2}
--- steps
my $body = { model => 'gpt-4o', messages => [] };
is(post('/v1/chat/completions', $body)->{content}, '{}');
sleep 0.2;
is(post('/v1/chat/completions', $body)->{content}, '{"n": 2}');
holds($_, 'status=200 outcome=ok') for records(2);


=== TEST 37: a JSON answer shorter than promised is a 502
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    length 200
    json {"id": "c", "usage": {"prompt_tokens": 8, "completion_tokens": 3}}
    cut
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.code=upstream_error !id
--- usage_log
status=502 outcome=upstream_error attempts.0.status=200


=== TEST 38: a binary answer shorter than promised ends with its connection
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    header Content-Type: audio/mpeg
    length 1000
    fill 600 m
    cut
--- client
send POST /v1/audio/speech HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sk-test\r\n
send Content-Length: 30\r\n\r\n{"model": "tts", "input": "x"}
end
--- client_like
\AHTTP/1\.1 200 OK\r\n
^Content-Length: 1000\r$
\r\n\r\nm{600}\z
--- usage_records: 1
--- usage_log
status=200 outcome=truncated endpoint=audio attempts.0.error usage.characters=1


=== TEST 39: a binary answer in chunks that is cut ends without its last one
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    header Content-Type: audio/mpeg
    chunked
    fill 600 m
    cut
--- client
send POST /v1/audio/speech HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sk-test\r\n
send Content-Length: 30\r\n\r\n{"model": "tts", "input": "x"}
end
--- client_like
\AHTTP/1\.1 200 OK\r\n
m{600}
--- client_unlike
\r\n0\r\n
--- usage_records: 1
--- usage_log
status=200 outcome=truncated


=== TEST 40: a binary answer that stalls is cut after the idle timeout
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    header Content-Type: audio/mpeg
    length 1000
    fill 600 m
    hang
--- client
send POST /v1/audio/speech HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sk-test\r\n
send Content-Length: 30\r\n\r\n{"model": "tts", "input": "x"}
end
--- client_like
\r\n\r\nm{600}\z
--- client_unlike
client: nothing to read
--- error_log
upstream timed out
--- provider_left: 1
--- usage_records: 1
--- usage_log
status=200 outcome=truncated latency_ms>950 latency_ms<2500


=== TEST 41: a binary answer passes byte for byte
--- http_config eval: $::Pool
--- config eval: $::Route
--- provider
chat:
    header Content-Type: audio/mpeg
    body \x00\xff\xfbID3\r\n\r\n{"error": 1}\x00
    times 30 fill 100000 m
    body \x00end
--- post: /v1/audio/speech
--- body
{"model": "tts", "input": "Grüße"}
--- response_headers
Content-Type: audio/mpeg
Content-Length: 3000027
--- response_body_like eval
qr/\A\x00\xff\xfbID3\r\n\r\n\{"error": 1\}\x00(?:m{30000}){100}\x00end\z/
--- usage_log
status=200 outcome=ok endpoint=audio usage.characters=5 attempts.0.bytes=3000027


=== TEST 42: an empty 200 is no answer
--- http_config eval: $::Pool
--- config eval: $::Route
--- provider
chat:
    header Content-Type: application/json
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.code=upstream_error
--- usage_log
status=502 outcome=upstream_error attempts.0.status=200 cost=0


=== TEST 43: an empty chunked 200 is none either
--- http_config eval: $::Pool
--- config eval: $::Route
--- provider
chat:
    header Content-Type: application/json
    chunked
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.code=upstream_error
--- usage_log
status=502 outcome=upstream_error attempts.0.status=200 cost=0


=== TEST 44: a page of HTML under a 200
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    header Content-Type: text/html
    text <html><body>Sign in to the hotel's network</body></html>
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_headers
Content-Type: application/json
--- response_json
error.code=upstream_error
--- usage_log
status=502 outcome=upstream_error attempts.0.status=200 cost=0


=== TEST 45: the message of an error object under a 200 is for the client alone
--- http_config eval: $::Pool
--- config eval: $::Route
--- provider
chat:
    json {"error": {"message": "model is overloaded", "code": 503}}
--- pipelined_requests eval: [$::Post, $::Post]
--- more_headers eval: $::Head
--- error_code eval: [502, 502]
--- response_body_like eval: ['model is overloaded', 'upstream_error']
--- usage_log
#* status=502 outcome=upstream_error attempts.0.status=200 cost=0
#* attempts.0.error~^invalid:
--- usage_log_unlike
overloaded


=== TEST 46: "error": null is none
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    json {"error": null, "usage": {"prompt_tokens": 8, "completion_tokens": 3}}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- response_json
error=null
--- usage_log
status=200 outcome=ok usage.input=8


=== TEST 47: JSON that ends too early
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    json {"choices": [{"message": {"content": "Hel
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.code=upstream_error
--- usage_log
status=502 outcome=upstream_error attempts.0.status=200


=== TEST 48: two JSON texts are not one
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    json {"a": 1}{"b": 2}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.code=upstream_error
--- usage_log
status=502 outcome=upstream_error


=== TEST 49: invalid UTF-8 and members named twice are the client's to judge
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    body {"a": 1, "a": 2, "usage": {"prompt_tokens": 8, "completion_tokens": 3}}\r\n
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- response_body eval
qq({"a": 1, "a": 2, "usage": {"prompt_tokens": 8, "completion_tokens": 3}}\r\n)
--- usage_log
status=200 outcome=ok usage.input=8


=== TEST 50: an answer of 12 MB passes, though it is too large to be held
--- http_config eval: $::Pool
--- config eval: $::Route
--- provider
chat:
    json {"image": "
    times 120 fill 100000 A
    text ", "usage": {"prompt_tokens": 8, "completion_tokens": 3}}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- timeout: 15
--- response_body_like eval
qr/\A\{"image": "(?:A{30000}){400}", "usage": \{[^}]*\}\}\z/
--- usage_log
status=200 outcome=ok usage.input=8 usage.output=3 attempts.0.bytes>12000000


=== TEST 51: an answer of 12 MB that is cut ends with its connection
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    chunked
    json {"image": "
    times 120 fill 100000 A
    cut
--- client
send POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sk-test\r\n
send Content-Length: 34\r\n\r\n{"model": "gpt-4o","messages": []}
end
--- timeout: 15
--- client_like
\AHTTP/1\.1 200 OK\r\n
\{"image": "AAA
--- client_unlike
\r\n0\r\n\r\n
client: nothing to read
--- usage_records: 1
--- usage_log
status=200 outcome=truncated attempts.0.bytes>12000000


=== TEST 52: an answer of 7 MB in small chunks is held, and has its cost
--- http_config eval
$::Http =~ s/llm_model gpt-4o/llm_model gpt-4o-/r . '
    llm_model gpt-4o { route mock; price input=1 output=1; }
'
--- config eval: $::Route
--- provider
chat:
    chunked
    json {"image": "
    times 7000 fill 1000 A
    text ", "usage": {"prompt_tokens": 8, "completion_tokens": 3}}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- timeout: 15
--- response_headers
X-LLM-Cost: 0.000011
Transfer-Encoding:
--- response_body_like eval
qr/\A\{"image": "(?:A{7000}){1000}", "usage": \{[^}]*\}\}\z/
--- usage_log
status=200 outcome=ok usage.input=8 usage.output=3 cost=0.000011


=== TEST 53: JSON that ends with its connection
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    close
    json {"n": 1, "usage": {"prompt_tokens": 8, "completion_tokens": 3}}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- response_json
n=1
--- usage_log
status=200 outcome=ok usage.input=8


=== TEST 54: JSON of HTTP/1.0, in pieces, with white space behind it
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    nohead
    raw HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n
    drip 5 3
    json {"n": 1, "usage": {"prompt_tokens": 8, "completion_tokens": 3}}
    drip 0
    body \r\n\r\n
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- response_json
n=1
--- usage_log
status=200 outcome=ok usage.input=8


=== TEST 55: JSON that ends with its connection, too early
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    close
    json {"n": 1, "usage": {"prompt_tokens": 8, "compl
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.code=upstream_error
--- usage_log
status=502 outcome=upstream_error


=== TEST 56: text that ends with its connection
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    close
    header Content-Type: text/vtt
    text WEBVTT
    pause 30
    body \n\n00:00.000 --> 00:01.000\nHello\n
--- raw_request eval
my $body = join "\r\n", '--b', 'Content-Disposition: form-data; name="model"',
    '', 'tts', '--b',
    'Content-Disposition: form-data; name="response_format"', '', 'vtt',
    '--b', 'Content-Disposition: form-data; name="file"; filename="a.mp3"',
    '', 'ID3', '--b--', '';
"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
. "Authorization: Bearer sk-test\r\n"
. "Content-Type: multipart/form-data; boundary=b\r\n"
. 'Content-Length: ' . length($body) . "\r\n\r\n$body"
--- response_body eval: "WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n"
--- response_headers
Content-Type: text/vtt
--- usage_records: 1
--- usage_log
status=200 outcome=ok endpoint=audio


=== TEST 57: a compressed answer passes as it is, its usage is estimated
--- http_config eval: $::Pool
--- config eval: $::Route
--- provider
chat:
    gzip
    json {"choices": [], "usage": {"prompt_tokens": 800, "completion_tokens": 300}}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- response_headers
Content-Encoding: gzip
Content-Type: application/json
--- response_body_like eval: qr/\A\x1f\x8b/
--- usage_log
status=200 outcome=ok estimated=true usage.input>1 usage.input<100


=== TEST 58: 204 is no answer to a question, and the client's connection goes on
--- http_config eval: $::Pool
--- config eval: $::Route
--- provider
chat #1:
    status 204
chat #2:
    json {"n": 2}
--- client
send POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sk-test\r\n
send Content-Length: 34\r\n\r\n{"model": "gpt-4o","messages": []}
until \r\n\r\n
send POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sk-test\r\n
send Connection: close\r\nContent-Length: 34\r\n\r\n{"model": "gpt-4o","messages": []}
end
--- client_like
\AHTTP/1\.1 502 Bad Gateway\r\n(?:[^\r]+\r\n)*\r\n\{"error":.*empty answer.*\}HTTP/1\.1 200 OK\r\n.*\r\n\r\n\{"n": 2\}\z
--- usage_records: 2
--- usage_log
#1 status=502 outcome=upstream_error attempts.0.error~^invalid:
#2 status=200 outcome=ok


=== TEST 59: 400 passes byte for byte
--- http_config eval: $::Pool
--- config eval: $::Route
--- provider
chat:
    status 400
    header x-request-id: req_1
    json {"error": {"message": "bad \u00e9", "type":  "invalid_request_error", "param": null}}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 400
--- response_headers
Content-Type: application/json
x-request-id: req_1
X-LLM-Provider: mock
--- response_body chomp
{"error": {"message": "bad \u00e9", "type":  "invalid_request_error", "param": null}}
--- usage_log
status=400 outcome=upstream_error attempts.0.status=400 cost=0 !usage
attempts.0.error="it answered with an error"


=== TEST 60: 401 and 403 of the provider pass
--- http_config eval: $::Pool
--- config eval: $::Route
--- provider
chat #1:
    status 401
    header WWW-Authenticate: Bearer
    json {"error": {"message": "Incorrect API key provided"}}
chat #2:
    status 403
    json {"error": {"message": "no access"}}
--- pipelined_requests eval: [$::Post, $::Post]
--- more_headers eval: $::Head
--- error_code eval: [401, 403]
--- response_body eval
['{"error": {"message": "Incorrect API key provided"}}',
 '{"error": {"message": "no access"}}']
--- provider_connections: 1
--- usage_log
#1 status=401 outcome=upstream_error
#2 status=403 outcome=upstream_error
--- may_log: [crit]


=== TEST 61: 404, 408, 413 and 422 of the provider pass
--- http_config eval: $::Pool
--- config eval: $::Route
--- provider
chat #1:
    status 404
    json {"error": {"message": "four"}}
chat #2:
    status 408 Request Timeout
    json {"error": {"message": "eight"}}
chat #3:
    status 413 Too Large
    json {"error": {"message": "thirteen"}}
chat #4:
    status 422 Unprocessable
    json {"error": {"message": "twentytwo"}}
--- pipelined_requests eval: [($::Post) x 4]
--- more_headers eval: $::Head
--- error_code eval: [404, 408, 413, 422]
--- response_body eval
[map { "{\"error\": {\"message\": \"$_\"}}" } qw(four eight thirteen twentytwo)]
--- provider_connections: 1
--- usage_log
#* outcome=upstream_error cost=0 attempts.length=1


=== TEST 62: 429 passes with its Retry-After
--- http_config eval: $::Pool
--- config eval: $::Route
--- provider
chat:
    status 429
    header Retry-After: 17
    header retry-after-ms: 16500
    header x-ratelimit-reset-requests: 17s
    json {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 429
--- response_headers
Retry-After: 17
retry-after-ms: 16500
x-ratelimit-reset-requests: 17s
--- response_body chomp
{"error": {"message": "slow down", "code": "rate_limit_exceeded"}}
--- usage_log
status=429 outcome=upstream_error attempts.0.status=429


=== TEST 63: 500, 503 and 529 pass, each as it came
--- http_config eval: $::Pool
--- config eval: $::Route
--- provider
chat #1:
    status 500
    json {"error": {"message": "five hundred"}}
chat #2:
    status 503
    header Retry-After: 3
    chunked
    text upstream connect error
chat #3:
    status 529 Overloaded
    json {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
--- pipelined_requests eval: [($::Post) x 3]
--- more_headers eval: $::Head
--- error_code eval: [500, 503, 529]
--- response_body eval
['{"error": {"message": "five hundred"}}', 'upstream connect error',
 '{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}']
--- response_headers eval: ['', 'Retry-After: 3', '']
--- provider_connections: 1
--- usage_log
#1 attempts.0.status=500 status=500
#2 attempts.0.status=503 status=503
#3 attempts.0.status=529 status=529 attempts.0.error~^5xx:


=== TEST 64: an error in a list, in HTML, in bytes, or without a body passes
--- http_config eval: $::Pool
--- config eval: $::Route
--- provider
chat #1:
    status 400
    json [{"error": {"code": 400, "message": "in a list"}}]
chat #2:
    status 502 Bad Gateway
    header Content-Type: text/html
    text <html>Bad Gateway</html>
chat #3:
    status 500
    header Content-Type: application/octet-stream
    body \x00\x01\xff
chat #4:
    status 503
chat #5:
    status 500
    close
    text cut off by its connec
--- pipelined_requests eval: [($::Post) x 5]
--- more_headers eval: $::Head
--- error_code eval: [400, 502, 500, 503, 500]
--- response_body eval
['[{"error": {"code": 400, "message": "in a list"}}]',
 '<html>Bad Gateway</html>', "\x00\x01\xff", '', 'cut off by its connec']
--- usage_log
#* outcome=upstream_error cost=0
#1 attempts.0.error="it answered with an error"


=== TEST 65: an error under a stream request passes as it is
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
claude:
    status 429
    header retry-after: 5
    json {"type":"error","error":{"type":"rate_limit_error","message":"This would exceed your limit"}}
--- post: /v1/messages
--- body
{"model": "claude", "max_tokens": 5, "stream": true, "messages": []}
--- error_code: 429
--- response_headers
Content-Type: application/json
Retry-After: 5
--- response_body chomp
{"type":"error","error":{"type":"rate_limit_error","message":"This would exceed your limit"}}
--- usage_log
status=429 outcome=upstream_error stream=true protocol=anthropic


=== TEST 66: an error body that is cut is no answer
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    status 500
    length 100
    json {"error": {"message": "hal
    cut
--- client
send POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sk-test\r\n
send Connection: close\r\nContent-Length: 34\r\n\r\n{"model": "gpt-4o","messages": []}
end
--- client_like
\AHTTP/1\.1 502\b.*"upstream_error"
--- client_unlike
client: nothing to read
--- usage_records: 1
--- usage_log
status=502 outcome=upstream_error
attempts.0.status=500 attempts.0.error~^reset:


=== TEST 67: an endless error body does not stay
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    status 500
    chunked
    times 200 fill 100000 e
    text end
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 500
--- timeout: 15
--- response_body_like eval: qr/\A(?:e{20000}){1000}end\z/
--- usage_log
status=500 outcome=upstream_error


=== TEST 68: an answer that comes before the body was sent
--- http_config eval: $::Http
--- config eval
"client_max_body_size 30m; client_body_buffer_size 64k; $::Route" =~ s/client_max_body_size 30m; //r
--- provider
chat:
    early
    stopread
    status 413 Too Large
    json {"error": {"message": "too large for me"}}
--- post: /v1/chat/completions
--- body eval
'{"model": "gpt-4o", "user": "' . ('u' x 9_000_000) . '"}'
--- timeout: 15
--- error_code_like: ^(?:413|502)$
--- usage_log
outcome=upstream_error attempts.length=1


=== TEST 69: after all of it a worker leaves with nothing open
--- http_config
--- config
--- steps
my $n = nginx(http => "llm_zone 8m;\nllm_usage_log \$DIR/logs/usage.jsonl"
                      . " flush=10ms;\nllm_class default { last_resort on; }\n"
                      . $::Pool, config => $::Route);
my $body = { model => 'gpt-4o', messages => [] };
my $answers = 0;

for my $play ("cut", "reset", "raw HTTP/1.1 2\n cut", "raw garbage\r\n\n cut",
    "status 307", "status 204", "status 500\n json {\"error\":1}",
    "length 50\n json {\"a\":\n cut", "chunked\n json {\"a\":\n reset",
    "json {}", "length 5\n json {}\n hang", "gzip\n json {}",
    "raw HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}more\n hang",
    "close\n json {\"n\":1}", "header Content-Type: text/html\n text <html>",
    "sse\n data {}\n cut")
{
    LLM::Provider::play("chat:\n $play\n");

    for my $stream (\0, \1) {
        my $r = post('/v1/chat/completions', { %$body, stream => $stream },
                     port => $n->port);
        $answers++ if $r->{status} =~ /^(?:200|204|500|502|504)$/;
    }
}

is($answers, 32, 'each request had its answer');
records(32, $n->usage_file);

my ($worker) = $n->workers;
my $fds = () = glob "/proc/$worker/fd/*";
ok($fds < 30, "descriptors in use: $fds");

$n->quit;
quiet($n);
unlike($n->error_log, qr/open socket|exited on signal/, 'a clean end');
