# TLS towards providers: whom they are asked for by name, whom they are
# believed to be, and that no connection serves a provider that would not
# have opened it.

use lib 't/lib';
use LLM 'no_plan';

repeat_each(2);
no_shuffle();

our $Models = <<'_EOC_';
    llm_model gpt-4o {
        route  mock;
    }

    llm_key caller {
        secret  plain:sk-test;
        models  *;
    }
_EOC_

# a provider over TLS, with lines of the block's own

our $provider = sub {
    my ($host, $more) = @_;

    return <<_EOC_;
    llm_provider mock {
        protocol  openai;
        pass      https://127.0.0.1:\$TEST_NGINX_PROVIDER_TLS_PORT/chat/v1;
        host      $host;
        api_key   sk-upstream;
        $more
    }
$Models
_EOC_
};

our $ca = 'tls_ca  $TEST_NGINX_CA;';

run_tests();

__DATA__

=== TEST 1: a provider is verified, and asked for by its name
--- http_config eval: $::provider->('good.test', $::ca)
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat:
    json {"sni": "{{sni}}", "usage": {"prompt_tokens": 9, "completion_tokens": 2}}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- response_json
sni=good.test
--- provider_request_like
^Host: good\.test\r$
^Authorization: Bearer sk-upstream\r$
--- usage_log
status=200 outcome=ok attempts.length=1 usage.input=9


=== TEST 2: another name gets another certificate
--- http_config eval: $::provider->('other.test:8443', $::ca)
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat:
    json {"sni": "{{sni}}"}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- response_json
sni=other.test
--- provider_request_like
^Host: other\.test:8443\r$
--- usage_log
status=200 outcome=ok


=== TEST 3: an address is not sent as a server name
--- http_config eval: $::provider->('127.0.0.1', 'tls_verify  off;')
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat:
    json {"sni": "{{sni}}"}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- response_body_like eval: qr/"sni": ""/
--- usage_log
status=200 outcome=ok


=== TEST 4: the name of an upstream block is not the provider's name
--- http_config eval
qq{
    upstream good.test.pool {
        server     127.0.0.1:\$TEST_NGINX_PROVIDER_TLS_PORT;
        keepalive  4;
    }

    llm_provider mock {
        protocol  openai;
        pass      https://good.test.pool/chat/v1;
        host      good.test;
        $::ca
    }
} . $::Models
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat:
    json {"sni": "{{sni}}"}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- response_json
sni=good.test
--- provider_request_like
^Host: good\.test\r$
--- usage_log
status=200 outcome=ok


=== TEST 5: a certificate for another name is refused before anything is sent
--- http_config eval: $::provider->('wrong.test', $::ca)
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat:
    json {}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.code=upstream_error attempts.length=1
--- error_log
upstream SSL certificate does not match "wrong.test"
--- calls: 0
--- usage_log
status=502 outcome=upstream_error code=upstream_error attempts.length=1
attempts.0.error !attempts.0.status


=== TEST 6: a certificate of an unknown authority is refused
--- http_config eval: $::provider->('untrusted.test', $::ca)
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat:
    json {}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.code=upstream_error
--- error_log
upstream SSL certificate verify error
--- calls: 0
--- usage_log
status=502 outcome=upstream_error attempts.length=1


=== TEST 7: a certificate that has expired is refused
--- http_config eval: $::provider->('expired.test', $::ca)
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat:
    json {}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.code=upstream_error
--- error_log
upstream SSL certificate verify error
--- calls: 0
--- usage_log
status=502 outcome=upstream_error attempts.length=1


=== TEST 8: without a word about it, the system's authorities decide
--- http_config eval: $::provider->('good.test', '')
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat:
    json {}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.code=upstream_error
--- error_log
upstream SSL certificate verify error
--- calls: 0
--- usage_log
status=502 outcome=upstream_error attempts.length=1


=== TEST 9: verification may be turned off, the name is still told
--- http_config eval: $::provider->('untrusted.test', 'tls_verify  off;')
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat:
    json {"sni": "{{sni}}"}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- response_json
sni=untrusted.test
--- usage_log
status=200 outcome=ok


=== TEST 10: a plain port does not answer TLS
--- http_config eval
my $conf = $::provider->('good.test', $::ca);
$conf =~ s/PROVIDER_TLS_PORT/PROVIDER_PORT/r
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat:
    json {}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- timeout: 10
--- error_code: 504
--- response_json
error.code=upstream_timeout
--- calls: 0
--- usage_log
status=504 outcome=upstream_error attempts.length=1
attempts.0.error~^connect:


=== TEST 11: requests share a connection, verified once
--- http_config eval
qq{
    upstream pool {
        server     127.0.0.1:\$TEST_NGINX_PROVIDER_TLS_PORT;
        keepalive  4;
    }

    llm_provider mock {
        protocol  openai;
        pass      https://pool/chat/v1;
        host      good.test;
        $::ca
    }
} . $::Models
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat:
    json {"conn": {{conn}}, "n": {{n}}}
--- pipelined_requests eval
[("POST /v1/chat/completions\n" . '{"model": "gpt-4o", "messages": []}') x 3]
--- more_headers
Authorization: Bearer sk-test
Content-Type: application/json
--- response_body_like eval
[qr/"conn": (\d+), "n": 1/, qr/"n": 2/, qr/"n": 3/]
--- provider_connections: 1
--- usage_log
#* status=200 outcome=ok attempts.length=1


=== TEST 12: a stream over TLS arrives event by event
--- http_config eval: $::provider->('good.test', $::ca)
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat:
    sse
    times 20 data {"choices":[{"index":0,"delta":{"content":"{{i}} "}}]}
    data {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
    data {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":20}}
    done
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": [], "stream": true}
--- response_body_like
"content":"1 ".*"content":"20 ".*\[DONE\]
--- usage_log
status=200 outcome=ok stream=true usage.input=5 usage.output=20


=== TEST 13: a large body goes out, and a large answer comes back
--- http_config eval: $::provider->('good.test', $::ca)
--- config
    client_body_buffer_size  64k;

    location /v1 {
        llm_route;
    }
--- provider
chat:
    chunked
    json {"length": {{length}}, "text": "
    times 100 fill 30000 a
    text "}
--- post: /v1/chat/completions
--- body eval
'{"model": "gpt-4o", "messages": [], "user": "' . ('u' x 3_000_000) . '"}'
--- timeout: 10
--- response_body_like eval
qr/\A\{"length": 3000\d\d\d, "text": "(?:a{30000}){100}"\}\z/
--- usage_log
status=200 outcome=ok


=== TEST 14: the connection is cut in the middle of an answer
--- http_config eval: $::provider->('good.test', $::ca)
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat:
    length 1000
    json {"half": "
    cut
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.code=upstream_error
--- usage_log
status=502 outcome=upstream_error attempts.length=1


=== TEST 15: two names on one upstream block are refused
--- http_config eval
qq{
    upstream pool {
        server  127.0.0.1:1;
    }

    llm_provider one {
        protocol  openai;
        pass      https://pool/v1;
        host      good.test;
        $::ca
    }

    llm_provider two {
        protocol  openai;
        pass      https://pool/v1;
        host      other.test;
        $::ca
    }
}
--- config
--- must_die
--- error_log eval
qr/\[emerg\].*"two" and llm_provider "one" in .*nginx\.conf:\d+ share upstream "pool" but differ in TLS name/


=== TEST 16: two authorities on one upstream block are refused
--- http_config eval
qq{
    upstream pool {
        server  127.0.0.1:1;
    }

    llm_provider one {
        protocol  openai;
        pass      https://pool/v1;
        host      good.test;
        $::ca
    }

    llm_provider two {
        protocol  openai;
        pass      https://pool/v1;
        host      good.test;
    }
}
--- config
--- must_die
--- error_log eval
qr/\[emerg\].* share upstream "pool" but differ in "tls_ca"/


=== TEST 17: an upstream block that is verified for one and not for another
--- http_config eval
qq{
    upstream pool {
        server  127.0.0.1:1;
    }

    llm_provider one {
        protocol  openai;
        pass      https://pool/v1;
        host      good.test;
        $::ca
    }

    llm_provider two {
        protocol    openai;
        pass        https://pool/v1;
        host        good.test;
        tls_verify  off;
    }
}
--- config
--- must_die
--- error_log eval
qr/\[emerg\].* share upstream "pool" but differ in "tls_verify"/


=== TEST 18: plain and TLS on one upstream block are refused
--- http_config eval
qq{
    upstream pool {
        server  127.0.0.1:1;
    }

    llm_provider one {
        protocol  openai;
        pass      https://pool/v1;
        $::ca
    }

    llm_provider two {
        protocol  openai;
        pass      http://pool/v1;
    }
}
--- config
--- must_die
--- error_log eval
qr/\[emerg\].* share upstream "pool" but differ in scheme/


=== TEST 19: providers with one identity share an upstream block
--- http_config eval
qq{
    upstream pool {
        server     127.0.0.1:\$TEST_NGINX_PROVIDER_TLS_PORT;
        keepalive  4;
    }

    llm_provider mock {
        protocol  openai;
        pass      https://pool/chat/v1;
        host      good.test;
        api_key   sk-one;
        $::ca
    }

    llm_provider other {
        protocol  anthropic;
        pass      https://pool/claude/v1;
        host      Good.Test;
        api_key   sk-two;
        $::ca
    }

    llm_model claude {
        route  other;
    }
} . $::Models
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat:
    json {"conn": {{conn}}}
claude:
    json {"conn": {{conn}}, "type": "message"}
--- pipelined_requests eval
["POST /v1/chat/completions\n" . '{"model": "gpt-4o", "messages": []}',
 "POST /v1/messages\n" . '{"model": "claude", "max_tokens": 5, "messages": []}']
--- more_headers
Authorization: Bearer sk-test
Content-Type: application/json
--- error_code eval
[200, 200]
--- provider_connections: 1
--- provider_request_like
Authorization: Bearer sk-one
x-api-key: sk-two
--- usage_log
#1 provider=mock outcome=ok
#2 provider=other outcome=ok


=== TEST 20: an authority's file that is not there is named
--- http_config eval
$::provider->('good.test', 'tls_ca  /nowhere/ca.pem;')
--- config
--- must_die
--- error_log eval
qr/\[emerg\].*"\/nowhere\/ca\.pem" failed.* in .*nginx\.conf:\d+/
