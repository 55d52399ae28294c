# The module loads into the packaged nginx, and one chat request passes
# through it to a provider and back.

use lib 't/lib';
use LLM 'no_plan';

repeat_each(2);
no_shuffle();
run_tests();

__DATA__

=== TEST 1: the module loads, and does nothing where it is not asked to
--- bare
--- config
    location /t {
        return 200 "plain";
    }
--- request
GET /t
--- response_body: plain


=== TEST 2: one chat request, there and back
--- http_config eval: $LLM::basic
--- config
    location /v1 {
        llm_route;
    }
--- provider
chat:
    json <<END
    {"id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-4o-2024",
     "choices": [{"index": 0, "finish_reason": "stop",
                  "message": {"role": "assistant", "content": "Hello"}}],
     "usage": {"prompt_tokens": 9, "completion_tokens": 2,
               "total_tokens": 11}}
    END
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
--- response_json
id=chatcmpl-1 choices.0.message.content=Hello usage.total_tokens=11
--- response_headers
X-LLM-Provider: mock
--- calls: chat=1
--- provider_request_like
^POST /chat/v1/chat/completions HTTP/1\.1\r$
^Authorization: Bearer sk-upstream\r$
--- provider_request_unlike
sk-test
--- provider_json
model=gpt-4o messages.0.content=Hi
--- usage_log
status=200 outcome=ok key=caller model=gpt-4o provider=mock
usage.input=9 usage.output=2 attempts.length=1 attempts.0.status=200


=== TEST 3: an unknown key is refused before the provider is asked
--- http_config eval: $LLM::basic
--- config
    location /v1 {
        llm_route;
    }
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- more_headers
Authorization: Bearer sk-wrong
--- error_code: 401
--- response_json
error.code=invalid_api_key
--- calls: 0
--- usage_log
status=401 outcome=rejected code=invalid_api_key


=== TEST 4: nginx -t names what is wrong
--- http_config
    llm_provider mock {
        protocol  openai;
        pass      http://127.0.0.1:1/v1;
    }
    llm_model gpt-4o {
        route  nowhere;
    }
--- config
--- must_die
--- error_log eval
qr/\[emerg\] .*nowhere.* in .*nginx\.conf:\d+/
