# Who asks: keys in every header that SDKs use, their scope, and refusals
# before the body is read, in the shape of the client's protocol.

use lib 't/lib';
use LLM 'no_plan';

our $keys = <<'_EOC_';
    llm_provider mock {
        protocol  openai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/chat/v1;
        api_key   sk-upstream;
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

    llm_model gpt-4o           { route mock; }
    llm_model claude-sonnet-4  { route claude; }
    llm_model gemini-2.5-flash { route google; }

    # sk-test
    llm_key caller {
        secret    sha256:f3abf2a6cc4f00987743db5f544ba345b4899ae31f326d8ee9c4816de153c9e0;
        owner     acme;
        team      search;
        app       web;
        env       production;
        models    *;
    }

    llm_key other    { secret plain:sk-other;    models *; }
    llm_key expired  { secret plain:sk-expired;  models *;
                       expires 2020-01-01; }
    llm_key lasting  { secret plain:sk-lasting;  models *;
                       expires 2199-01-01T00:00:00Z; }
    llm_key disabled { secret plain:sk-disabled; models *; active off; }
    llm_key remote   { secret plain:sk-remote;   models *;
                       cidr 10.0.0.0/8 192.0.2.7; cidr 2001:db8::/32; }
    llm_key local    { secret plain:sk-local;    models *;
                       cidr 127.0.0.0/8; }
    llm_class talk   { switch on=5xx; }
    llm_key chatter  { secret plain:sk-chatter;  models *;  class talk;
                       endpoint chat messages; }

    llm_key rotated {
        secret    plain:sk-new;
        secret    plain:sk-grace  until=2199-12-31;
        secret    plain:sk-gone   until=2020-12-31;
        models    *;
    }
_EOC_

our $answers = <<'_EOC_';
chat:
    json {"id": "chatcmpl-1", "object": "chat.completion", "choices": []}
claude:
    json {"id": "msg_1", "type": "message", "content": []}
google:
    json {"candidates": []}
_EOC_

# the same chat request for each set of headers

sub chats {
    return [ ("POST /v1/chat/completions\n"
              . '{"model": "gpt-4o", "messages": []}') x shift ];
}

repeat_each(2);
no_shuffle();
run_tests();

__DATA__

=== a key is taken from every header that SDKs use
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::chats(4)
--- more_headers eval
[ 'Authorization: Bearer sk-test', 'x-api-key: sk-test',
  'x-goog-api-key: sk-test', 'api-key: sk-test' ]
--- error_code eval: [ 200, 200, 200, 200 ]
--- calls: chat=4
--- provider_request_like
^Authorization: Bearer sk-upstream\r$
--- provider_request_unlike
sk-test
--- usage_log
#* status=200 outcome=ok key=caller owner=acme team=search app=web
#* env=production endpoint=chat protocol=openai client_addr=127.0.0.1


=== header names and the word "Bearer" are taken in any case
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::chats(5)
--- more_headers eval
[ 'Authorization: bearer sk-test', 'authorization: BEARER sk-test',
  'AUTHORIZATION: bEaReR   sk-test', 'X-API-Key: sk-test',
  'X-Goog-Api-Key: sk-test' ]
--- error_code eval: [ 200, 200, 200, 200, 200 ]
--- usage_log
#* key=caller


=== of several credentials the one that names a key counts, in any order
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::chats(4)
--- more_headers eval
[ "Authorization: Bearer sk-ant-oat01-unknown\nx-api-key: sk-test",
  "x-api-key: sk-unknown\nAuthorization: Bearer sk-test",
  "api-key:\nx-goog-api-key: sk-test\nx-api-key: other",
  "Authorization: Basic c2s6dGVzdA==\nx-api-key: sk-test" ]
--- error_code eval: [ 200, 200, 200, 200 ]
--- provider_request_unlike
sk-test
unknown
c2s6dGVzdA
^x-api-key
^api-key
^x-goog-api-key
--- usage_log
#* key=caller status=200


=== the same key twice is one key
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::chats(3)
--- more_headers eval
[ "Authorization: Bearer sk-test\nx-api-key: sk-test",
  "x-api-key: sk-test\nx-api-key: sk-test",
  "x-api-key: sk-new\nx-goog-api-key: sk-grace" ]
--- error_code eval: [ 200, 200, 200 ]
--- usage_log
#1 key=caller
#2 key=caller
#3 key=rotated


=== two credentials that name different keys are refused
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route; }
--- request eval: main::chats(3)
--- more_headers eval
[ "Authorization: Bearer sk-test\nx-api-key: sk-other",
  "x-api-key: sk-other\nx-api-key: sk-test",
  "api-key: sk-test\nx-goog-api-key: sk-disabled\nx-api-key: sk-test" ]
--- error_code eval: [ 401, 401, 401 ]
--- response_json eval
[ ('error.code=invalid_api_key error.message~"two different"') x 3 ]
--- calls: 0
--- usage_log
#* status=401 outcome=rejected code=invalid_api_key !key attempts.length=0


=== a missing key is told apart from an unknown one
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route; }
--- request eval: main::chats(9)
--- more_headers eval
[ 'Accept: */*', 'Authorization: Bearer', 'Authorization:', 'x-api-key:',
  'Authorization: sk-test', 'Authorization: Basic sk-test',
  'Authorization: Bearer sk-tes', 'x-api-key: sk-test2',
  'x-api-key: Bearer sk-test' ]
--- error_code eval: [ (401) x 9 ]
--- response_json eval
[ ('error.code=invalid_api_key error.type=invalid_request_error
    error.param=null error.message~"no API key" request_id') x 6,
  ('error.code=invalid_api_key error.message~"not known"') x 3 ]
--- response_headers_like eval
[ ("X-LLM-Request-Id: ^[0-9a-f]{32}\$") x 9 ]
--- calls: 0
--- usage_log
#* status=401 outcome=rejected code=invalid_api_key !key !model


=== a key of 10 kB is no key
--- log_level: info
--- http_config eval: $main::keys
--- config
    large_client_header_buffers  4 32k;
    location /v1 { llm_route; }
--- request eval: main::chats(2)
--- more_headers eval
[ 'Authorization: Bearer ' . 'k' x 10240,
  'x-api-key: sk-test' . 'k' x 10240 ]
--- error_code eval: [ 401, 401 ]
--- response_json eval
[ ('error.code=invalid_api_key error.message~"not known"') x 2 ]
--- no_error_log
kkkkkkkk
--- usage_log_unlike
kkkkkkkk


=== bytes that are no text make an unknown key
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route; }
--- request eval: main::chats(3)
--- more_headers eval
[ "x-api-key: sk-\xff\xfe\x80", 'x-api-key: {"a": "\u0000"}',
  "x-api-key: sk-test\tsk-test" ]
--- error_code eval: [ 401, 401, 401 ]
--- response_json eval
[ ('error.code=invalid_api_key') x 3 ]


=== a secret serves until its day is over, the others go on
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::chats(3)
--- more_headers eval
[ 'x-api-key: sk-new', 'x-api-key: sk-grace', 'x-api-key: sk-gone' ]
--- error_code eval: [ 200, 200, 401 ]
--- response_json eval
[ 'id=chatcmpl-1', 'id=chatcmpl-1',
  'error.code=expired_api_key error.message~"rotated"' ]
--- calls: chat=2
--- usage_log
#* key=rotated
#3 status=401 outcome=rejected code=expired_api_key


=== of two secrets of one key the one that is still good counts
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::chats(4)
--- more_headers eval
[ "x-api-key: sk-gone\napi-key: sk-new",
  "x-api-key: sk-new\napi-key: sk-gone",
  "x-api-key: sk-gone\napi-key: sk-grace",
  "x-api-key: sk-grace\napi-key: sk-gone" ]
--- error_code eval: [ 200, 200, 200, 200 ]
--- usage_log
#* key=rotated status=200


=== a key expires
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::chats(2)
--- more_headers eval
[ 'x-api-key: sk-expired', 'x-api-key: sk-lasting' ]
--- error_code eval: [ 401, 200 ]
--- response_json eval
[ 'error.code=expired_api_key error.message~expired', 'id=chatcmpl-1' ]
--- usage_log
#1 key=expired status=401 code=expired_api_key outcome=rejected
#2 key=lasting status=200


=== a key that is not active is forbidden
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route; }
--- request eval: main::chats(1)
--- more_headers
x-api-key: sk-disabled
--- error_code: 403
--- response_json
error.code=key_disabled error.message~disabled
--- calls: 0
--- usage_log
key=disabled status=403 code=key_disabled outcome=rejected


=== a key works from its networks only
--- http_config eval: $main::keys
--- config
    set_real_ip_from  127.0.0.1;
    real_ip_header    X-Real-IP;
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::chats(8)
--- more_headers eval
[ "x-api-key: sk-remote\nX-Real-IP: 10.1.2.3",
  "x-api-key: sk-remote\nX-Real-IP: 192.0.2.7",
  "x-api-key: sk-remote\nX-Real-IP: 2001:db8:1::1",
  "x-api-key: sk-remote\nX-Real-IP: 192.0.2.8",
  "x-api-key: sk-remote\nX-Real-IP: 2001:db9::1",
  "x-api-key: sk-remote",
  "x-api-key: sk-local",
  "x-api-key: sk-local\nX-Real-IP: 10.1.2.3" ]
--- error_code eval: [ 200, 200, 200, 403, 403, 403, 200, 403 ]
--- response_json eval
[ ('id=chatcmpl-1') x 3,
  'error.code=address_not_allowed error.message~"192\.0\.2\.8"',
  'error.code=address_not_allowed error.message~"2001:db9::1"',
  'error.code=address_not_allowed error.message~"127\.0\.0\.1"',
  'id=chatcmpl-1',
  'error.code=address_not_allowed' ]
--- provider_request_unlike
X-Real-IP
--- calls: chat=4
--- usage_log
#1 client_addr=10.1.2.3 key=remote
#3 client_addr=2001:db8:1::1
#4 client_addr=192.0.2.8 key=remote status=403 code=address_not_allowed
#7 key=local
#8 client_addr=10.1.2.3 key=local status=403


=== an IPv4 address written as IPv6 is the address that it stands for
--- http_config eval: $main::keys
--- config
    set_real_ip_from  127.0.0.1;
    real_ip_header    X-Real-IP;
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::chats(2)
--- more_headers eval
[ "x-api-key: sk-remote\nX-Real-IP: ::ffff:10.1.2.3",
  "x-api-key: sk-remote\nX-Real-IP: ::ffff:11.1.2.3" ]
--- error_code eval: [ 200, 403 ]


=== where no key is required a key still tells who asks
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route key=off; }
--- provider eval: $main::answers
--- request eval: main::chats(4)
--- more_headers eval
[ 'Accept: */*', 'x-api-key: sk-test', 'x-api-key: sk-unknown',
  'x-api-key: sk-expired' ]
--- error_code eval: [ 200, 200, 200, 401 ]
--- provider_request_unlike
sk-test
sk-unknown
^x-api-key
--- usage_log
#1 !key status=200
#2 key=caller status=200
#3 !key status=200
#4 key=expired status=401


=== a key in the query counts only where it is allowed
--- http_config eval: $main::keys
--- config
    location /v1/on/ { llm_route query_key=on; }
    location /v1/    { llm_route; }
--- provider eval: $main::answers
--- request eval
[ map { "POST $_\n" . '{"model": "gpt-4o", "messages": []}' }
      '/v1/on/chat/completions?key=sk-test',
      '/v1/on/chat/completions?a=1&key=sk%2Dtest&b=2',
      '/v1/chat/completions?key=sk-test',
      '/v1/on/chat/completions?key=',
      '/v1/on/chat/completions?key=sk-unknown',
      '/v1/on/chat/completions?monkey=sk-test' ]
--- error_code eval: [ 200, 200, 401, 401, 401, 401 ]
--- provider_request_like
^POST /chat/v1/chat/completions HTTP/1\.1\r$
^POST /chat/v1/chat/completions\?a=1&b=2 HTTP/1\.1\r$
--- provider_request_unlike
sk-test
sk%2Dtest
--- usage_log
#1 key=caller
#2 key=caller
#3 !key status=401 code=invalid_api_key


=== keys in a header and in the query must be the same
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route query_key=on; }
--- provider eval: $main::answers
--- request eval
[ map { "POST /v1/chat/completions?key=$_\n"
        . '{"model": "gpt-4o", "messages": []}' }
      'sk-test', 'sk-other', 'sk-unknown' ]
--- more_headers
x-api-key: sk-test
--- error_code eval: [ 200, 401, 200 ]


=== the key reaches neither provider nor log, whatever it came in
--- log_level: info
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route query_key=on; }
--- provider eval: $main::answers
--- request eval
[ map { "POST /v1/chat/completions?key=$_\n"
        . '{"model": "gpt-4o", "messages": []}' }
      '', '', '', '', '', '' ]
--- more_headers eval
[ 'Authorization: Bearer sk-test', 'x-api-key: sk-test',
  'x-goog-api-key: sk-test', 'api-key: sk-test',
  "Authorization: Bearer sk-test\nx-api-key: sk-test\nCookie: k=sk-test",
  "x-api-key: sk-other\napi-key: sk-test" ]
--- error_code eval: [ 200, 200, 200, 200, 200, 401 ]
--- response_body_unlike eval: [ ('sk-test|sk-other|sk-upstream') x 6 ]
--- provider_request_unlike
sk-test
^Cookie
key=
--- no_error_log
sk-test
sk-other
sk-upstream
--- no_access_log
sk-test
sk-upstream
--- usage_log_unlike
sk-test
sk-upstream


=== a provider that refuses our credential tells neither it nor the key
--- log_level: info
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route query_key=on; }
--- provider
chat:
    status 401
    json {"error": {"message": "no"}}
--- post: /v1/chat/completions?key=sk-test
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 401
--- response_body_unlike: sk-
--- may_log: [crit]
--- no_error_log
sk-test
sk-upstream
[alert]
[emerg]
--- no_access_log
sk-upstream
--- usage_log
key=caller status=401 outcome=upstream_error attempts.0.status=401
--- usage_log_unlike
sk-test
sk-upstream


=== a provider that breaks off is told of without the keys
--- log_level: info
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route query_key=on; }
--- provider
google:
    cut
--- post: /v1beta/models/gemini-2.5-flash:generateContent?a=b
--- more_headers
x-goog-api-key: sk-test
--- body
{"contents": []}
--- error_code: 502
--- response_json
error.code=502 error.status=UNAVAILABLE
--- response_body_unlike: sk-test|AIza
--- error_log
prematurely closed
--- no_error_log
sk-test
AIza
--- usage_log
key=caller status=502 outcome=upstream_error
--- usage_log_unlike
sk-test
AIza


=== a key is held to its endpoints
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval
[ "POST /v1/chat/completions\n" . '{"model": "gpt-4o", "messages": []}',
  "POST /v1/messages\n"
  . '{"model": "claude-sonnet-4", "max_tokens": 5, "messages": []}',
  "POST /v1/responses\n" . '{"model": "gpt-4o", "input": "hi"}',
  "POST /v1/embeddings\n" . '{"model": "gpt-4o", "input": "hi"}',
  "POST /v1beta/models/gemini-2.5-flash:generateContent\n"
  . '{"contents": []}',
  'GET /v1/models' ]
--- more_headers
x-api-key: sk-chatter
--- error_code eval: [ 200, 200, 403, 403, 403, 403 ]
--- response_json eval
[ 'id=chatcmpl-1', 'id=msg_1',
  'error.code=endpoint_not_allowed error.message~"\"responses\""',
  'error.code=endpoint_not_allowed error.message~"\"embeddings\""',
  'error.code=403 error.details.0.reason=endpoint_not_allowed',
  'type=error error.type=permission_error error.code=endpoint_not_allowed' ]
--- usage_log
#* key=chatter class=talk
#3 status=403 code=endpoint_not_allowed endpoint=responses
#4 endpoint=embeddings
#5 endpoint=gemini
#6 endpoint=models


=== a refusal does not wait for the body
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route; }
--- client
send POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nx-api-key: sk-no\r\n
send Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n
until \}$
close
--- timeout: 3
--- client_like
^HTTP/1\.1 401 Unauthorized\r
"code":"invalid_api_key"
--- client_unlike
nothing to read
--- calls: 0
--- usage_records: 1
--- usage_log
status=401 code=invalid_api_key outcome=rejected latency_ms<2000


=== a scope is checked before the body, too, in chunks or behind Expect
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route; }
--- client
send POST /v1/responses HTTP/1.1\r\nHost: x\r\nx-api-key: sk-chatter\r\n
send Transfer-Encoding: chunked\r\n\r\n
until \}$
close
open
send POST /v1/responses HTTP/1.1\r\nHost: x\r\nx-api-key: sk-disabled\r\n
send Expect: 100-continue\r\nContent-Length: 100\r\n\r\n
until key_disabled.*\}$
close
--- timeout: 3
--- client_like
^HTTP/1\.1 403 Forbidden\r
"code":"endpoint_not_allowed"
"code":"key_disabled"
--- client_unlike
nothing to read
HTTP/1.1 100
--- usage_records: 2


=== an error has the shape of the endpoint's protocol
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route; }
--- request eval
[ "POST /v1/chat/completions\n{}", "POST /v1/messages\n{}",
  "POST /v1/messages/count_tokens\n{}",
  "POST /v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse\n{}",
  "POST /v1/responses\n{}", "POST /v1/nothing\n{}" ]
--- more_headers
x-api-key: sk-unknown
--- error_code eval: [ (401) x 6 ]
--- response_headers_like eval
[ ("Content-Type: ^application/json\$\n"
   . "X-LLM-Request-Id: ^[0-9a-f]{32}\$") x 6 ]
--- response_json eval
[ 'error.message error.type=invalid_request_error error.param=null
   error.code=invalid_api_key request_id~^[0-9a-f]{32}$ !type',
  ('type=error error.type=authentication_error error.message
    error.code=invalid_api_key request_id') x 2,
  'error.code=401 error.status=UNAUTHENTICATED error.message
   error.details.0.reason=invalid_api_key',
  ('error.code=invalid_api_key') x 2 ]
--- usage_log
#1 protocol=openai endpoint=chat
#2 protocol=anthropic endpoint=messages
#3 protocol=anthropic endpoint=messages
#4 protocol=gemini endpoint=gemini
#5 protocol=openai endpoint=responses
#6 protocol=openai !endpoint


=== an error of the models endpoint has the shape that the headers ask for
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route; }
--- request eval
[ 'GET /v1/models', 'GET /v1/models', 'GET /v1/models', 'GET /v1/models',
  'GET /v1beta/models', 'GET /v1/models/gpt-4o' ]
--- more_headers eval
[ 'Authorization: Bearer sk-no', 'x-api-key: sk-no',
  "Authorization: Bearer sk-no\nanthropic-version: 2023-06-01",
  'x-goog-api-key: sk-no', 'Authorization: Bearer sk-no',
  'Authorization: Bearer sk-no' ]
--- error_code eval: [ (401) x 6 ]
--- response_json eval
[ 'error.code=invalid_api_key !type', 'type=error', 'type=error',
  'error.status=UNAUTHENTICATED', 'error.status=UNAUTHENTICATED',
  'error.code=invalid_api_key !type' ]


=== HEAD of models is answered, and refused, without a body
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route; }
--- request eval
[ 'HEAD /v1/models', 'HEAD /v1/models', 'HEAD /v1/chat/completions' ]
--- more_headers eval
[ 'x-api-key: sk-test', 'x-api-key: sk-no', 'x-api-key: sk-test' ]
--- error_code eval: [ 200, 401, 404 ]
--- response_headers_like eval
[ ("Content-Type: ^application/json\$\n"
   . "Content-Length: ^[1-9][0-9]+\$") x 3 ]
--- response_body eval: [ '', '', '' ]
--- usage_log
#1 status=200 outcome=ok endpoint=models key=caller
#2 status=401 outcome=rejected
#3 status=404 code=unknown_endpoint


=== a second Authorization header is refused by nginx
--- http_config eval: $main::keys
--- config
    location /v1 { llm_route; }
--- request eval: main::chats(1)
--- more_headers
Authorization: Bearer sk-test
Authorization: Bearer sk-test
--- error_code: 400
--- usage_records: 0
--- calls: 0


=== nginx's own access rules come first, and have the client's shape
--- http_config eval: $main::keys
--- config
    location /v1/ {
        deny  all;
        llm_route;
    }
--- request eval
[ "POST /v1/chat/completions\n{}", "POST /v1/messages\n{}" ]
--- more_headers
x-api-key: sk-test
--- error_code eval: [ 403, 403 ]
--- response_json eval
[ 'error.code=address_not_allowed', 'type=error error.type=permission_error' ]
--- usage_log
#* status=403 outcome=rejected code=address_not_allowed


=== "satisfy any" does not let a request pass without its key
--- http_config eval: $main::keys
--- config
    location /v1/ {
        satisfy  any;
        allow    all;
        llm_route;
    }
--- request eval: main::chats(1)
--- more_headers
x-api-key: sk-unknown
--- error_code: 500
--- response_json
error.code=internal_error
--- error_log
[alert]
without passing the access phase
--- calls: 0
--- usage_log
status=500 outcome=rejected


=== an internal redirect does not lose who asks
--- http_config eval: $main::keys
--- config
    location /v1/old/ {
        rewrite  ^/v1/old/(.*)$ /v1/$1 last;
    }
    location /v1/ { llm_route; }
--- provider eval: $main::answers
--- request eval
[ "POST /v1/old/chat/completions\n"
  . '{"model": "gpt-4o", "messages": []}' ]
--- more_headers
x-api-key: sk-test
--- error_code: 200
--- provider_request_like
^POST /chat/v1/chat/completions HTTP/1\.1\r$
--- usage_log
key=caller status=200


=== an error page of one's own keeps the record
--- http_config eval: $main::keys
--- config
    error_page  401 /denied;
    location = /denied { return 401 "go away\n"; }
    location /v1/ { llm_route; }
--- request eval: main::chats(1)
--- more_headers
x-api-key: sk-unknown
--- error_code: 401
--- usage_log
status=401 code=invalid_api_key outcome=rejected
