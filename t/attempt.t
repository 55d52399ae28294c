# What a provider gets to see of a request and a client of its answer, and
# the connection between gateway and provider.

use lib 't/lib';
use LLM 'no_plan';

repeat_each(2);
no_shuffle();

our $All = <<'_EOC_';
    llm_provider mock {
        protocol  openai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/chat/v1;
        host      api.openai.test;
        api_key   sk-upstream;
        header    OpenAI-Organization  org-ours;
        header    X-Team               "search and more";
    }

    llm_provider claude {
        protocol  anthropic;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/claude/v1;
        api_key   sk-ant-upstream;
    }

    llm_provider google {
        protocol  gemini;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/google/v1beta;
        api_key   AIza-upstream;
    }

    llm_provider open {
        protocol  openai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/open;
    }

    llm_model gpt-4o  { route mock model=gpt-4o-2024-11-20; }
    llm_model claude  { route claude model=claude-sonnet-4-5; }
    llm_model gemini  { route google model=gemini-2.5-flash; }
    llm_model x       { route open model=gpt-4o; }
    llm_model any     { alias ~^any/(.*)$;  route open model=$1; }
    llm_model anyg    { alias ~^g/(.*)$;  route google model=$1; }

    llm_key caller {
        secret  plain:sk-test;
        models  *;
    }
_EOC_

our $Pool = <<'_EOC_';
    upstream pool {
        server     127.0.0.1:$TEST_NGINX_PROVIDER_PORT;
        keepalive  4;
    }

    llm_provider mock {
        protocol  openai;
        pass      http://pool/chat/v1;
        timeout   first_byte=2s idle=2s;
    }

    llm_model gpt-4o { route mock; }

    llm_key caller {
        secret  plain:sk-test;
        models  *;
    }
_EOC_

our $Post = 'POST /v1/chat/completions' . "\n"
            . '{"model": "gpt-4o", "messages": []}';
our $Head = "Authorization: Bearer sk-test\nContent-Type: application/json";

run_tests();

__DATA__

=== TEST 1: host, path and credential are the provider's own
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat:
    json {"object": "chat.completion"}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- response_json
object=chat.completion
--- provider_request_like
\APOST /chat/v1/chat/completions HTTP/1\.1\r\nHost: api\.openai\.test\r\n
^Authorization: Bearer sk-upstream\r$
^OpenAI-Organization: org-ours\r$
^X-Team: search and more\r$
^Content-Type: application/json\r$
--- provider_request_unlike
sk-test
^Connection:
^Host:.*^Host:
^Authorization:.*^Authorization:
--- provider_json
model=gpt-4o-2024-11-20
--- usage_log
status=200 outcome=ok provider=mock upstream_model=gpt-4o-2024-11-20


=== TEST 2: without an api_key there is no credential at all
--- http_config eval: $::All
--- config
    location /any/prefix/v1 {
        llm_route;
    }
--- provider
open:
    json {}
--- post: /any/prefix/v1/chat/completions
--- body
{"model": "x", "messages": []}
--- more_headers
X-Api-Key: sk-test
Content-Type: application/json
--- response_body: {}
--- provider_request_like
\APOST /open/chat/completions HTTP/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\n
--- provider_request_unlike
(?i)authorization
(?i)api-key
sk-test
--- usage_log
status=200 outcome=ok


=== TEST 3: anthropic gets its key in x-api-key, and a version
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
--- provider
claude:
    json {"type": "message", "content": []}
--- post: /v1/messages
--- body
{"model": "claude", "max_tokens": 9, "messages": []}
--- response_json
type=message
--- provider_request_like
\APOST /claude/v1/messages HTTP/1\.1\r$
^x-api-key: sk-ant-upstream\r$
^anthropic-version: 2023-06-01\r$
--- provider_request_unlike
(?i)^authorization:
sk-test
(?i)^anthropic-version:.*^anthropic-version:
--- usage_log
status=200 outcome=ok protocol=anthropic


=== TEST 4: a client's own anthropic-version and betas are kept
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
--- provider
claude:
    json {"type": "message", "content": []}
--- post: /v1/messages?beta=true
--- body
{"model": "claude", "max_tokens": 9, "messages": []}
--- more_headers
x-api-key: sk-test
Authorization: Bearer sk-test
Anthropic-Version: 2024-10-22
anthropic-beta: prompt-caching-2024-07-31,output-128k-2025-02-19
anthropic-dangerous-direct-browser-access: true
Content-Type: application/json
--- response_json
type=message
--- provider_request_like
\APOST /claude/v1/messages\?beta=true HTTP/1\.1\r$
^Anthropic-Version: 2024-10-22\r$
^anthropic-beta: prompt-caching-2024-07-31,output-128k-2025-02-19\r$
^x-api-key: sk-ant-upstream\r$
--- provider_request_unlike
2023-06-01
sk-test
--- usage_log
status=200 outcome=ok


=== TEST 5: a provider's "header" wins over the client's and over defaults
--- http_config eval
'    llm_provider claude {
        protocol  anthropic;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/claude/v1;
        header    anthropic-version  2099-01-01;
        header    Anthropic-Beta     ours;
    }
    llm_model claude { route claude; }
    llm_key caller { secret plain:sk-test; models *; }
'
--- config
    location /v1 {
        llm_route;
    }
--- provider
claude:
    json {"type": "message", "content": []}
--- post: /v1/messages
--- body
{"model": "claude", "max_tokens": 9, "messages": []}
--- more_headers
x-api-key: sk-test
Anthropic-Version: 2024-10-22
anthropic-beta: theirs
Content-Type: application/json
--- response_json
type=message
--- provider_request_like
^anthropic-version: 2099-01-01\r$
^Anthropic-Beta: ours\r$
--- provider_request_unlike
2023-06-01
2024-10-22
theirs
--- usage_log
status=200 outcome=ok


=== TEST 6: gemini gets its key in x-goog-api-key, and the model in its path
--- http_config eval: $::All
--- config
    location /v1beta {
        llm_route query_key=on;
    }
--- provider
google:
    json {"candidates": []}
--- post: /v1beta/models/gemini:generateContent?key=sk-test&$fields=a,b&keys=kept&x=
--- body
{"contents": []}
--- more_headers
Content-Type: application/json
x-goog-api-client: genai-js/1.0
--- response_body_like: candidates
--- provider_request_like eval
qr{\APOST /google/v1beta/models/gemini-2\.5-flash:generateContent\?\$fields=a,b&keys=kept&x= HTTP/1\.1\r\n}
--- provider_request_unlike
sk-test
(?i)^authorization:
--- provider_json
contents=[] !model
--- usage_log
status=200 outcome=ok protocol=gemini


=== TEST 7: gemini's credential, and a query that was only a key
--- http_config eval: $::All
--- config
    location /v1beta {
        llm_route query_key=on;
    }
--- provider
google:
    json {"candidates": []}
--- post: /v1beta/models/gemini:generateContent?key=sk-test
--- body
{"contents": []}
--- more_headers
Content-Type: application/json
--- response_body_like: candidates
--- provider_request_like
\APOST /google/v1beta/models/gemini-2\.5-flash:generateContent HTTP/1\.1\r$
^x-goog-api-key: AIza-upstream\r$
--- usage_log
status=200 outcome=ok


=== TEST 8: a key in the query never travels on, however it is repeated
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat:
    json {}
--- post: /v1/chat/completions?&key=a&&api-version=2024-10-21&key&key=b&monkey=c
--- body
{"model": "gpt-4o", "messages": []}
--- response_body: {}
--- provider_request_like
\APOST /chat/v1/chat/completions\?api-version=2024-10-21&monkey=c HTTP/1\.1\r$
--- usage_log
status=200 outcome=ok


=== TEST 9: hop-by-hop headers end here, those that Connection names too
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
--- provider
open:
    json {}
--- post: /v1/chat/completions
--- body
{"model": "x", "messages": []}
--- more_headers
Authorization: Bearer sk-test
Connection: close, X-Hop ,x-hop-too
X-Hop: one
X-Hop-Too: two
X-Hop-Stays: three
Keep-Alive: timeout=5
TE: trailers
Trailer: X-Sum
Upgrade: websocket
HTTP2-Settings: AAA
Proxy-Authorization: Basic eHg6eXk=
Proxy-Connection: keep-alive
Expect: nothing
Content-Type: application/json
--- response_body: {}
--- provider_request_like
^X-Hop-Stays: three\r$
^Content-Type: application/json\r$
--- provider_request_unlike
(?i)^(connection|keep-alive|te|trailer|upgrade|http2-settings|expect):
(?i)^proxy-
^X-Hop:
^X-Hop-Too:
--- usage_log
status=200 outcome=ok


=== TEST 10: nothing of the caller's identity travels on
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
--- provider
open:
    json {}
--- post: /v1/chat/completions
--- body
{"model": "x", "messages": []}
--- more_headers
Authorization: Bearer sk-test
api-key: sk-test
x-api-key: sk-test
X-Goog-Api-Key: sk-test
Cookie: session=secret1
OpenAI-Organization: org-theirs
OpenAI-Project: proj-theirs
X-Goog-User-Project: proj-theirs
Forwarded: for=192.0.2.1
Via: 1.1 secret2
X-Forwarded-For: 192.0.2.1
X-Forwarded-Host: secret3
X-Real-IP: 192.0.2.1
Origin: http://secret4
Referer: http://secret5
X-LLM-Request-Id: secret6
If-None-Match: "secret7"
If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT
Content-Type: application/json
--- response_body: {}
--- provider_request_unlike
sk-test
secret\d
theirs
192\.0\.2\.1
(?i)^(cookie|authorization|api-key|x-|forwarded|via|origin|referer|if-)
--- usage_log
status=200 outcome=ok


=== TEST 11: what SDKs say of a request is kept as they wrote it
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
--- provider
open:
    json {}
--- post: /v1/chat/completions
--- body
{"model": "x", "messages": []}
--- more_headers
Authorization: Bearer sk-test
OpenAI-Beta: assistants=v2
Idempotency-Key: stainless-node-retry-1
X-Stainless-Lang: js
x-stainless-retry-count: 0
X-Client-Request-Id: 1234
User-Agent: OpenAI/JS 4.1
Accept: application/json
Accept-Language: de
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
X-Empty:
Content-Type: application/json; charset=utf-8
--- response_body: {}
--- provider_request_like
^OpenAI-Beta: assistants=v2\r$
^Idempotency-Key: stainless-node-retry-1\r$
^X-Stainless-Lang: js\r$
^x-stainless-retry-count: 0\r$
^X-Client-Request-Id: 1234\r$
^User-Agent: OpenAI/JS 4\.1\r$
^Accept: application/json\r$
^traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r$
^Content-Type: application/json; charset=utf-8\r$
--- usage_log
status=200 outcome=ok


=== TEST 12: answers are asked for without compression
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
--- provider
open:
    json {}
--- post: /v1/chat/completions
--- body
{"model": "x", "messages": []}
--- more_headers
Authorization: Bearer sk-test
Accept-Encoding: gzip, br, zstd
Content-Type: application/json
--- response_body: {}
--- provider_request_like
^Accept-Encoding: identity\r$
--- provider_request_unlike
gzip|br|zstd
--- usage_log
status=200 outcome=ok


=== TEST 13: the length is that of the body with the model spliced in
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat:
    json {"length": {{length}}, "said": "{{header:content-length}}"}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": [{"role": "user", "content": "Grüße"}]}
--- response_json
length=84 said=84
--- usage_log
status=200 outcome=ok


=== TEST 14: a model name may become shorter
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
--- provider
open:
    echo
--- post: /v1/chat/completions
--- body
{"messages": [], "model": "any/o1"}
--- response_json
body="{\"messages\": [], \"model\": \"o1\"}" headers.content-length=31
length=31
--- usage_log
status=200 outcome=ok upstream_model=o1


=== TEST 15: a chunked request goes out with its length
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
--- provider
open:
    echo
--- client
send POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nConnection: close\r\n
send Authorization: Bearer sk-test\r\nTransfer-Encoding: chunked\r\n
send Content-Type: application/json\r\n\r\n
send 5\r\n{"mod\r\n
pause 20
send 10\r\nel":"x","message\r\n
send 6;ext=1\r\ns":[]}\r\n0\r\nX-Trailer: 1\r\n\r\n
end
--- client_like
\AHTTP/1\.1 200
"content-length":"32"
--- provider_request_like
^Content-Length: 32\r$
--- provider_request_unlike
(?i)transfer-encoding
X-Trailer
--- provider_json
model=gpt-4o messages=[]
--- usage_records: 1
--- usage_log
status=200 outcome=ok


=== TEST 16: requests without a body go out without a length
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
--- provider
open /responses:
    json {"id": "resp_1", "object": "response", "status": "completed"}
open /responses/resp_1:
    echo
--- steps
my $r = post('/v1/responses', { model => 'x', input => 'Hi' });
is($r->{status}, 200);
my $id = $r->{json}{id};
like($id, qr/^resp_1./, 'the id is signed');

$r = get("/v1/responses/$id?include%5B%5D=a&key=b");
is($r->{status}, 200);
holds($r, 'method=GET path=/open/responses/resp_1 query=include%5B%5D=a');
holds($r, '!headers.content-length !headers.transfer-encoding !headers.authorization');
holds($r, 'headers.host~^127');
holds($_, 'status=200 outcome=ok') for records(2);


=== TEST 17: several requests share one connection
--- http_config eval: $::Pool
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat unary #1:
    json {"n": {{n}}}
chat unary #2:
    chunked
    json {"n":
    text  {{n}}}
chat stream:
    sse
    data {"choices":[{"index":0,"delta":{"content":"n {{n}}"}}]}
    data {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
    done
chat #4:
    status 404
    json {}
chat #5:
    status 400
    json {"error": {"message": "n {{n}}"}}
chat #6:
    json {"n": {{n}}}
--- steps
my $body = { model => 'gpt-4o', messages => [] };
my @r = map { post('/v1/chat/completions', $_) }
            $body, $body, { %$body, stream => \1 }, ($body) x 3;
is(join(' ', map { $_->{status} } @r), '200 200 200 404 400 200');
like($r[$_ - 1]{content}, qr/\bn\b\D*$_/, "answer $_") for 1, 2, 3, 5, 6;
--- provider_connections: 1
--- usage_records: 6
--- usage_log
#* attempts.length=1
#6 status=200 outcome=ok


=== TEST 18: a pooled connection that was closed meanwhile is noticed
--- http_config eval: $::Pool
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat #1:
    json {"n": 1}
chat #2+:
    json {"n": 2}
--- steps
is(post('/v1/chat/completions', { model => 'gpt-4o', messages => [] })
   ->{status}, 200);
LLM::Provider::play("chat:\n json {\"n\": 2}\n");
is(post('/v1/chat/completions', { model => 'gpt-4o', messages => [] })
   ->{content}, '{"n": 2}');
holds($_, 'status=200 outcome=ok attempts.length=1') for records(2);
is(scalar(my @s = sent()), 1);


=== TEST 19: a pooled connection that dies is repeated, and is no attempt
--- http_config eval: $::Pool
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat #1:
    json {"n": 1}
chat #2:
    cut
chat #3:
    json {"n": 3, "usage": {"prompt_tokens": 7, "completion_tokens": 1}}
--- pipelined_requests eval: [$::Post, $::Post]
--- more_headers eval: $::Head
--- error_code eval: [200, 200]
--- response_body_like eval: ['"n": 1', '"n": 3']
--- response_headers eval
['X-LLM-Attempts: 1', 'X-LLM-Attempts: 1']
--- calls: 3
--- provider_connections: 2
--- usage_log
#* status=200 outcome=ok attempts.length=1
#2 attempts.0.status=200 usage.input=7 !attempts.0.error


=== TEST 20: so is one that is reset
--- http_config eval: $::Pool
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat #1:
    json {"n": 1}
chat #2:
    reset
chat #3:
    json {"n": 3}
--- pipelined_requests eval: [$::Post, $::Post]
--- more_headers eval: $::Head
--- error_code eval: [200, 200]
--- response_body_like eval: ['"n": 1', '"n": 3']
--- calls: 3
--- usage_log
#* status=200 outcome=ok attempts.length=1


=== TEST 21: it is repeated once only
--- http_config eval: $::Pool
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat #1:
    json {"n": 1}
chat #2+:
    cut
--- pipelined_requests eval: [$::Post, $::Post]
--- more_headers eval: $::Head
--- error_code eval: [200, 502]
--- response_body_like eval: ['"n": 1', 'upstream_error']
--- calls: 3
--- usage_log
#2 status=502 outcome=upstream_error attempts.length=1


=== TEST 22: a fresh connection that dies is not repeated
--- http_config eval: $::Pool
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat:
    cut
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.code=upstream_error
--- calls: 1
--- usage_log
status=502 outcome=upstream_error attempts.length=1


=== TEST 23: a pooled connection is not repeated once it began to answer
--- http_config eval: $::Pool
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat #1:
    json {"n": 1}
chat #2:
    raw HTTP/1.1 200 OK\r\nConte
    cut
chat #3:
    json {"n": 3}
--- pipelined_requests eval: [$::Post, $::Post]
--- more_headers eval: $::Head
--- error_code eval: [200, 502]
--- response_body_like eval: ['"n": 1', 'upstream_error']
--- calls: 2
--- usage_log
#2 status=502 outcome=upstream_error attempts.length=1


=== TEST 24: a repeated body is the whole body, from memory or from a file
--- http_config eval: $::Pool
--- config
    client_body_buffer_size  8k;

    location /v1 {
        llm_route;
    }
--- provider
chat #1:
    json {"n": 1}
chat #2:
    cut
chat #3:
    json {"n": 3, "length": {{length}}, "sha256": "{{sha256}}"}
--- steps
use Digest::SHA qw(sha256_hex);
my $body = '{"model": "gpt-4o", "user": "' . ('u' x 1_000_000) . '"}';
is(post('/v1/chat/completions', $body)->{status}, 200);
my $r = post('/v1/chat/completions', $body);
holds($r, 'n=3 length=' . length $body);
is($r->{json}{sha256}, sha256_hex($body));
holds($_, 'status=200 outcome=ok attempts.length=1') for records(2);


=== TEST 25: headers that a provider means for clients reach them
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
--- provider
open:
    header x-request-id: req_123
    header openai-processing-ms: 87
    header openai-version: 2020-10-01
    header x-ratelimit-remaining-tokens: 999
    header request-id: req_456
    header anthropic-ratelimit-requests-limit: 50
    header Retry-After: 3
    header X-Empty:
    header Cache-Control: no-cache
    header Content-Type: application/json; charset=utf-8
    json {}
--- post: /v1/chat/completions
--- body
{"model": "x", "messages": []}
--- response_body: {}
--- response_headers
x-request-id: req_123
openai-processing-ms: 87
openai-version: 2020-10-01
request-id: req_456
anthropic-ratelimit-requests-limit: 50
Retry-After: 3
Cache-Control: no-cache
Content-Type: application/json; charset=utf-8
Content-Length: 2
X-LLM-Provider: open
X-LLM-Model: x
X-LLM-Upstream-Model: gpt-4o
X-LLM-Class: default
X-LLM-Attempts: 1
X-LLM-Rung: first
--- usage_log
status=200 outcome=ok


=== TEST 26: the account behind the gateway and the hop are hidden
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
--- provider
open:
    header Server: cloudflare-hidden
    header Date: Thu, 01 Jan 1970 00:00:00 GMT
    header Set-Cookie: __cf_bm=hidden
    header CF-RAY: 8f1-hidden
    header cf-cache-status: hidden
    header alt-svc: h3=":443"
    header openai-organization: org-hidden
    header openai-project: proj-hidden
    header anthropic-organization-id: hidden
    header strict-transport-security: max-age=1
    header Keep-Alive: timeout=5
    header Proxy-Authenticate: hidden
    header Upgrade: h2c
    header Status: 299
    json {}
--- post: /v1/chat/completions
--- body
{"model": "x", "messages": []}
--- response_body: {}
--- raw_response_headers_unlike eval
qr/hidden|alt-svc|1970|strict-transport|timeout=5|h2c|^Status:/im
--- usage_log
status=200 outcome=ok


=== TEST 27: a provider cannot speak for the gateway
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
--- provider
open:
    header X-LLM-Request-Id: spoofed
    header X-LLM-Provider: spoofed
    header X-LLM-Cost: 0.spoofed
    header x-llm-anything: spoofed
    json {}
--- post: /v1/chat/completions
--- body
{"model": "x", "messages": []}
--- response_body: {}
--- response_headers
X-LLM-Provider: open
--- raw_response_headers_like eval: qr/^X-LLM-Request-Id: [0-9a-f]{16}/m
--- raw_response_headers_unlike eval: qr/spoofed/i
--- usage_log
status=200 outcome=ok


=== TEST 28: a provider's orders to nginx are not obeyed
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
    location /secret {
        return 200 "secret";
    }
--- provider
open:
    header X-Accel-Redirect: /secret
    header X-Accel-Buffering: yes
    header X-Accel-Limit-Rate: 1
    header X-Accel-Charset: koi8-r
    header X-Accel-Expires: 100
    header X-Sendfile: /etc/passwd
    header Expires: Thu, 01 Jan 2099 00:00:00 GMT
    json {"not": "redirected, and not slow either"}
--- post: /v1/chat/completions
--- body
{"model": "x", "messages": []}
--- response_json
not="redirected, and not slow either"
--- raw_response_headers_unlike eval: qr/x-accel/i
--- usage_log
status=200 outcome=ok


=== TEST 29: a model name with line ends is refused where it would be a path
--- http_config eval: $::All
--- config
    location /v1beta {
        llm_route;
    }
--- provider
google:
    echo
--- post: /v1beta/models/g%2Fa%0d%0aX-Evil:%201%0d%0a:generateContent
--- body
{"contents": []}
--- error_code_like: ^(?:400|404)$
--- calls: 0
--- raw_response_headers_unlike eval: qr/evil/i
--- usage_records: 1
--- usage_log
outcome=rejected


=== TEST 30: a model name with line ends stays inside of its JSON string
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
--- provider
open:
    json {}
--- post: /v1/chat/completions
--- body
{"model": "any/a\r\nX-Evil: 1\"b\\c\u0000", "messages": []}
--- error_code_like: ^(?:200|400|404)$
--- raw_response_headers_unlike eval: qr/^X-Evil/im
--- provider_request_unlike
(?i)^X-Evil
--- usage_records: 1
--- usage_log_unlike
[\x00-\x08]


=== TEST 31: paths cannot be walked up through a model name
--- http_config eval: $::All
--- config
    location /v1beta {
        llm_route;
    }
--- provider
google:
    echo
--- post: /v1beta/models/g%2F..%2F..%2Fadmin%3Fx=:generateContent
--- body
{"contents": []}
--- error_code_like: ^(?:400|404|500|502)$
--- calls: 0
--- usage_records: 1


=== TEST 32: quotes, controls and UTF-8 in header values change nothing else
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
--- provider
open:
    echo
--- client
send POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nConnection: close\r\n
send Authorization: Bearer sk-test\r\nContent-Length: 28\r\n
send User-Agent: "x'\x7f\xc3\xa9\\ \r\nX-Tab: a\tb\r\nX-Ctl: a\x01b\r\n
send X-Esc: a\x1b[31m\r\n\r\n{"model":"x","messages":[] }
end
--- client_like
\AHTTP/1\.1 200
--- provider_request_like
^X-Tab: a\tb\r$
--- provider_request_unlike
^X-Ctl
^X-Esc
[\x00-\x08\x0b\x0c\x0e-\x1f]
--- usage_records: 1
--- usage_log
status=200 outcome=ok


=== TEST 33: a query reaches the provider as it came
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
--- provider
open:
    echo
--- post: /v1/chat/completions?a=%0d%0aX-Evil:1&b=%20%22&c=d?e&f[]=1
--- body
{"model": "x", "messages": []}
--- response_json
query=a=%0d%0aX-Evil:1&b=%20%22&c=d?e&f[]=1 !headers.x-evil
--- usage_log
status=200 outcome=ok


=== TEST 34: a broken header value of a provider is left out
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
--- provider
open:
    header X-Bad: a\x01b
    header X-Bell: \x07
    header X-Good: fine
    json {}
--- post: /v1/chat/completions
--- body
{"model": "x", "messages": []}
--- response_body: {}
--- response_headers
X-Good: fine
X-Bad:
X-Bell:
--- usage_log
status=200 outcome=ok


=== TEST 35: the message of a provider's error is text in ours
--- http_config eval: $::All
--- config
    location /v1 {
        llm_route;
    }
--- provider
open:
    json {"error": {"message": "no \"such\"\r\nX-Evil: 1 \u0007 <b>"}}
--- post: /v1/chat/completions
--- body
{"model": "x", "messages": []}
--- error_code: 502
--- response_json
error.code=upstream_error error.message~such
--- raw_response_headers_unlike eval: qr/^X-Evil/im
--- usage_log
status=502 outcome=upstream_error
--- usage_log_unlike
[\x00-\x08]


=== TEST 36: a request of 200 headers keeps them in order
--- http_config eval: $::All
--- config
    large_client_header_buffers  8 16k;

    location /v1 {
        llm_route;
    }
--- provider
open:
    json {}
--- post: /v1/chat/completions
--- body
{"model": "x", "messages": []}
--- more_headers eval
"Authorization: Bearer sk-test\n" . join "\n", map { "X-H: v$_" } 1 .. 200
--- response_body: {}
--- provider_request_like
X-H: v1\r\n.*X-H: v100\r\n.*X-H: v200\r\n
--- usage_log
status=200 outcome=ok


=== TEST 37: an upstream block's own servers are tried while nothing was sent
--- http_config
    upstream pool {
        server  127.0.0.1:1  max_fails=0;
        server  127.0.0.1:$TEST_NGINX_PROVIDER_PORT  backup;
    }
    llm_provider mock {
        protocol  openai;
        pass      http://pool/chat/v1;
    }
    llm_model gpt-4o { route mock; }
    llm_key caller { secret plain:sk-test; models *; }
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat:
    json {"n": 1}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- response_json
n=1
--- error_log
connect() failed
--- calls: 1
--- usage_log
status=200 outcome=ok attempts.length=1 attempts.0.status=200
