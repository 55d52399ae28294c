# From a model's name to a route: aliases, priorities and weights, what a key
# may use, and the class of a request.

use lib 't/lib';
use LLM 'no_plan';

our $providers = <<'_EOC_';
    llm_provider one   { protocol openai;
                         pass http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/one; }
    llm_provider two   { protocol openai;
                         pass http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/two; }
    llm_provider three { protocol openai;
                         pass http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/three; }
    llm_provider ant   { protocol anthropic;
                         pass http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/ant; }
    llm_provider gem   { protocol gemini;
                         pass http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/gem; }

    llm_key caller { secret plain:sk-test; models *; }
_EOC_

our $answers = <<'_EOC_';
*:
    json {"id": "1", "object": "chat.completion", "choices": []}
_EOC_

our $scopes = $providers . <<'_EOC_';
    llm_model gpt-4o        { alias gpt-4o-latest openai/gpt-4o; route one; }
    llm_model gpt-4o-mini   { alias mini-*; route one; }
    llm_model o1            { alias "~^o1-(.+)$"; route one model=$1; }
    llm_model claude-opus   { alias claude-4; route ant; }
    llm_model gemini-flash  { route gem; }

    llm_key exact   { secret plain:sk-exact;   models gpt-4o o1; }
    llm_key globs   { secret plain:sk-globs;   models gpt-* claude-*;
                      deny *-mini; }
    llm_key denied  { secret plain:sk-denied;  models *;
                      deny gpt-4o-latest o1-pro claude-opus; }
    llm_key alias   { secret plain:sk-alias;   models openai/gpt-4o; }
    llm_key nothing { secret plain:sk-nothing; }
_EOC_

sub chats {
    return [ map { "POST /v1/chat/completions\n{\"model\": \"$_\"}" } @_ ];
}

# $n requests on one connection: chance decides on each

sub many {
    my ($n, $body) = @_;

    my $length = length $body;
    my $head = 'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n'
               . 'x-api-key: sk-test\r\nContent-Length: ' . $length . '\r\n';

    return "send $head\\r\\n$body\n" x ($n - 1)
           . "send ${head}Connection: close\\r\\n\\r\\n$body\nend\n";
}

repeat_each(2);
no_shuffle();
run_tests();

__DATA__

=== a model is found by name, alias, glob and regular expression
--- http_config eval
$main::providers . '
    llm_model gpt-4o   { alias gpt-4o-latest openai/gpt-4o; route one; }
    llm_model mini     { alias gpt-4o-mini* *-nano; route two; }
    llm_model claude   { alias "~^claude-(\d+)-(?<size>\w+)$";
                         route three model=claude-$2-$1; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval
main::chats('gpt-4o', 'gpt-4o-latest', 'openai/gpt-4o', 'gpt-4o-mini',
            'gpt-4o-mini-2024', 'x-nano', 'claude-4-opus', 'Claude-4-x',
            'claude-4-',
            'claude')
--- more_headers
x-api-key: sk-test
--- error_code eval: [ (200) x 7, 404, 404, 503 ]
--- response_headers_like eval
[ (map { "X-LLM-Model: $_" } 'gpt-4o', 'gpt-4o', 'gpt-4o', 'mini', 'mini',
                              'mini', 'claude'), '', '', '' ]
--- usage_log
#1 model=gpt-4o upstream_model=gpt-4o provider=one
#2 model=gpt-4o upstream_model=gpt-4o provider=one
#3 model=gpt-4o upstream_model=gpt-4o provider=one
#4 model=mini upstream_model=mini provider=two
#6 model=mini provider=two
#7 model=claude upstream_model=claude-opus-4 provider=three
#8 code=model_not_found
#9 code=model_not_found
#10 code=no_route model=claude


=== a regular expression may ignore case, and gives parts to the route
--- http_config eval
$main::providers . '
    llm_model any { alias "~*^any-(\w)(\w)?-?(.*)$";
                    route one model=v$1$2/$3:$1; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::chats('any-ab-rest', 'ANY-x', 'Any-AB-a/b')
--- more_headers
x-api-key: sk-test
--- error_code eval: [ 200, 200, 200 ]
--- provider_json
#1 model=vab/rest:a
#2 model=vx/:x
#3 model=vAB/a/b:A


=== an exact name goes before a glob, a glob before a regular expression
--- http_config eval
$main::providers . '
    llm_model r { alias "~^gpt"; route three; }
    llm_model g { alias gpt-4* gpt-*; route two; }
    llm_model h { alias gpt-5*; route three; }
    llm_model e { alias gpt-4o; route one; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval
main::chats('gpt-4o', 'gpt-4o-mini', 'gpt-5', 'gpt', 'r', 'gp')
--- more_headers
x-api-key: sk-test
--- error_code eval: [ 200, 200, 200, 200, 200, 404 ]
--- usage_log
#1 model=e
#2 model=g
#3 model=g
#4 model=r
#5 model=r


=== names are told apart to the letter
--- http_config eval
$main::providers . ' llm_model gpt-4o { alias a.c; route one; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval
main::chats('gpt-4o', 'GPT-4o', 'gpt-4o ', ' gpt-4o', 'gpt-4', 'gpt-4oo',
            'a.c', 'abc', '*', 'gpt*', '~gpt')
--- more_headers
x-api-key: sk-test
--- error_code eval
[ 200, 404, 404, 404, 404, 404, 200, 404, 404, 404, 404 ]


=== the first priority with a route takes all requests
--- http_config eval
$main::providers . '
    llm_model m { route three priority=3; route two priority=2;
                  route one priority=2;
                  route one model=new priority=1 active=off; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- client eval: main::many(100, '{"model":"m"}')
--- calls: three=0 one=20..80 two=20..80 100
--- usage_records: 100


=== inside one priority weights decide
--- http_config eval
$main::providers . '
    llm_model m { route one weight=5; route two weight=3;
                  route three weight=2; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- client eval: main::many(400, '{"model":"m"}')
--- timeout: 10
--- calls: one=140..260 two=65..175 three=30..130 400
--- usage_records: 400
--- usage_log
#* model=m status=200 attempts.length=1


=== weights are parts of their sum, however large
--- http_config eval
$main::providers . '
    llm_model m { route one weight=3000; route two weight=1000; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- client eval: main::many(400, '{"model":"m"}')
--- timeout: 10
--- calls: one=245..355 two=45..155 400
--- usage_records: 400


=== no weight said is weight 1
--- http_config eval
$main::providers . ' llm_model m { route one; route two; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- client eval: main::many(200, '{"model":"m"}')
--- timeout: 10
--- calls: one=55..145 two=55..145 200
--- usage_records: 200


=== weight 0 is last, and serves where it is alone
--- http_config eval
$main::providers . '
    llm_model m { route two weight=0; route one; route three priority=2; }
    llm_model n { route two weight=0; route one active=off;
                  route three priority=2; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- client eval
main::many(50, '{"model":"m"}') . "open\n" . main::many(50, '{"model":"n"}')
--- calls: one=50 two=50 three=0
--- usage_records: 100


=== a route that is not active is never used
--- http_config eval
$main::providers . '
    llm_model m { route one active=off weight=100; route two; }
    llm_model n { route one active=off; route two active=off; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- client eval
main::many(50, '{"model":"m"}') . "open\n" . main::many(2, '{"model":"n"}')
--- client_like
HTTP/1\.1 503 .*"code":"no_route".*"decision":\[\{"route":"n#1".*"reason":"inactive"
--- calls: one=0 two=50
--- usage_records: 52
--- usage_log
#1 provider=two status=200
#51 status=503 code=no_route outcome=rejected model=n !provider


=== where no route can take a request the decision says why
--- http_config eval
$main::providers . '
    llm_model m { route one active=off; route ant; route gem model=g;
                  endpoint moderations rerank; }'
--- config
    location /v1 { llm_route; }
--- request eval
[ "POST /v1/moderations\n" . '{"model": "m", "input": "x"}',
  "POST /v1/rerank\n" . '{"model": "m", "query": "x", "documents": ["x"]}' ]
--- more_headers
x-api-key: sk-test
--- error_code eval: [ 503, 503 ]
--- response_json eval
[ ('error.code=no_route error.type=server_error error.message~"\"m\""
    decision.length=3
    decision.0.provider=one decision.0.kept=false decision.0.reason=inactive
    decision.1.provider=ant decision.1.reason=protocol_mismatch
    decision.2.provider=gem decision.2.reason=protocol_mismatch
    decision.2.upstream_model=g !attempts') x 2 ]
--- calls: 0
--- usage_log
#* status=503 code=no_route outcome=rejected model=m attempts.length=0


=== each protocol finds the routes that speak it
--- http_config eval
$main::providers . '
    llm_model o { route one; }
    llm_model a { route ant model=claude; route one priority=2; }
    llm_model g { route gem model=g; route ant priority=2; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval
[ "POST /v1/chat/completions\n" . '{"model": "o"}',
  "POST /v1/messages\n" . '{"model": "a", "max_tokens": 1}',
  "POST /v1beta/models/g:generateContent\n" . '{"contents": []}',
  "POST /v1/messages/count_tokens\n" . '{"model": "a"}' ]
--- more_headers
x-api-key: sk-test
--- error_code eval: [ 200, 200, 200, 200 ]
--- calls: one=1 ant=2 gem=1
--- provider_request_like
^POST /one/chat/completions HTTP/1\.1\r$
^POST /ant/messages HTTP/1\.1\r$
^POST /gem/models/g:generateContent HTTP/1\.1\r$
^POST /ant/messages/count_tokens HTTP/1\.1\r$
--- usage_log
#1 provider=one protocol=openai
#2 provider=ant protocol=anthropic upstream_model=claude
#3 provider=gem protocol=gemini upstream_model=g endpoint=gemini
#4 provider=ant endpoint=messages


=== a refusal of an Anthropic or Gemini client has the decision, too
--- http_config eval
$main::providers . '
    llm_class default { require region=eu; }
    llm_model m       { route one; }'
--- config
    location /v1 { llm_route; }
--- request eval
[ "POST /v1/messages/count_tokens\n" . '{"model": "m"}',
  "POST /v1beta/models/m:countTokens\n" . '{"contents": []}' ]
--- more_headers
x-api-key: sk-test
--- error_code eval: [ 503, 503 ]
--- response_json eval
[ 'type=error error.type=overloaded_error error.code=no_route
   decision.0.reason=tag_missing',
  'error.code=503 error.status=UNAVAILABLE
   error.details.0.reason=no_route decision.0.reason=tag_missing' ]
--- calls: 0


=== a model is served on its endpoints only
--- http_config eval
$main::providers . '
    llm_model talk   { endpoint chat; route one; }
    llm_model embed  { endpoint embeddings; route one; }
    llm_model usual  { route one; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval
[ "POST /v1/chat/completions\n" . '{"model": "talk"}',
  "POST /v1/responses\n" . '{"model": "talk", "input": "x"}',
  "POST /v1/embeddings\n" . '{"model": "embed", "input": "x"}',
  "POST /v1/chat/completions\n" . '{"model": "embed"}',
  "POST /v1/responses\n" . '{"model": "usual", "input": "x"}',
  "POST /v1/embeddings\n" . '{"model": "usual", "input": "x"}' ]
--- more_headers
x-api-key: sk-test
--- error_code eval: [ 200, 403, 200, 403, 200, 403 ]
--- response_json eval
[ 'id', 'error.code=endpoint_not_allowed error.message~"\"responses\""', 'id',
  'error.code=endpoint_not_allowed error.param=model', 'id',
  'error.code=endpoint_not_allowed' ]
--- usage_log
#2 status=403 code=endpoint_not_allowed model=talk outcome=rejected


=== a key is held to its models by their own names
--- http_config eval: $main::scopes
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval
main::chats('gpt-4o', 'gpt-4o-latest', 'openai/gpt-4o', 'o1-pro',
            'gpt-4o-mini', 'mini-x', 'claude-4', 'unknown')
--- more_headers
x-api-key: sk-exact
--- error_code eval: [ 200, 200, 200, 200, 403, 403, 403, 404 ]
--- response_json eval
[ ('id') x 4,
  'error.code=model_not_allowed error.param=model
   error.message~"\"exact\".*\"gpt-4o-mini\""',
  ('error.code=model_not_allowed') x 2, 'error.code=model_not_found' ]
--- calls: 4
--- usage_log
#* key=exact
#5 status=403 code=model_not_allowed model=gpt-4o-mini outcome=rejected


=== a key's globs allow and deny, and deny wins
--- http_config eval: $main::scopes
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval
[ @{ main::chats('gpt-4o', 'openai/gpt-4o', 'gpt-4o-mini', 'mini-x',
                 'o1-pro') },
  "POST /v1/messages\n" . '{"model": "claude-opus", "max_tokens": 1}',
  "POST /v1/messages\n" . '{"model": "claude-4", "max_tokens": 1}',
  "POST /v1beta/models/gemini-flash:generateContent\n{}" ]
--- more_headers
x-api-key: sk-globs
--- error_code eval: [ 200, 200, 403, 403, 403, 200, 200, 403 ]


=== a name that is denied is denied as alias, too
--- http_config eval: $main::scopes
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval
[ @{ main::chats('gpt-4o', 'gpt-4o-latest', 'openai/gpt-4o', 'o1-pro',
                 'o1-mini') },
  "POST /v1/messages\n" . '{"model": "claude-4", "max_tokens": 1}' ]
--- more_headers
x-api-key: sk-denied
--- error_code eval: [ 200, 403, 200, 403, 200, 403 ]


=== an alias in "models" does not give the model
--- http_config eval: $main::scopes
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::chats('gpt-4o', 'openai/gpt-4o')
--- more_headers
x-api-key: sk-alias
--- error_code eval: [ 403, 403 ]


=== a key without models may use nothing
--- http_config eval: $main::scopes
--- config
    location /v1 { llm_route; }
--- request eval
[ @{ main::chats('gpt-4o', 'unknown') }, 'GET /v1/models' ]
--- more_headers
Authorization: Bearer sk-nothing
--- error_code eval: [ 403, 404, 200 ]
--- response_json eval
[ 'error.code=model_not_allowed', 'error.code=model_not_found',
  'object=list data.length=0' ]


=== models lists what the key may use, by own names
--- http_config eval: $main::scopes
--- config
    location /v1 { llm_route; }
    location /open/v1 { llm_route key=off; }
--- request eval
[ ('GET /v1/models') x 3, 'GET /open/v1/models' ]
--- more_headers eval
[ (map { "Authorization: Bearer sk-$_" } 'exact', 'globs', 'denied'), '' ]
--- response_json eval
[ 'data.length=2 data.0.id=gpt-4o data.1.id=o1',
  'data.length=2 data.0.id=gpt-4o data.1.id=claude-opus',
  'data.length=4 data.0.id=gpt-4o data.1.id=gpt-4o-mini data.2.id=o1
   data.3.id=gemini-flash',
  'data.length=5' ]
--- usage_records: 4


=== a key without limits to its class has the default one
--- http_config eval
$main::providers . ' llm_class chat { } llm_model m { route one; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::chats('m')
--- more_headers
x-api-key: sk-test
--- response_headers
X-LLM-Class: default
--- usage_log
class=default


=== the class comes from the location, else from the key, else it is default
--- http_config eval
$main::providers . '
    llm_class chat { }  llm_class background { }
    llm_model m { route one; }
    llm_key chatter { secret plain:sk-chat; models *; class chat; }'
--- config
    location /v1/ { llm_route; }
    location /v1/batch/ { llm_route background; }
    location /v1/usual/ { llm_route default; }
--- provider eval: $main::answers
--- request eval
[ map { "POST $_/chat/completions\n" . '{"model": "m"}' }
      '/v1', '/v1/batch', '/v1/usual', '/v1', '/v1/batch' ]
--- more_headers eval
[ ('x-api-key: sk-chat') x 3, ('x-api-key: sk-test') x 2 ]
--- response_headers eval
[ map { "X-LLM-Class: $_" } 'chat', 'background', 'default', 'default',
                             'background' ]
--- usage_log
#1 class=chat
#2 class=background
#3 class=default
#4 class=default
#5 class=background


=== a class from a variable, which may be empty, but not unknown
--- http_config eval
$main::providers . '
    llm_class chat { }  llm_class background { }
    llm_model m { route one; }
    llm_key chatter { secret plain:sk-chat; models *; class chat; }
    map $arg_c $llm_test_class { default ""; b background; x $arg_name; }'
--- config
    location /v1/ { llm_route $llm_test_class; }
--- provider eval: $main::answers
--- request eval
[ map { "POST /v1/chat/completions$_\n" . '{"model": "m"}' }
      '', '?c=b', '?c=x&name=chat', '?c=x&name=nobody', '?c=x&name=Chat' ]
--- more_headers
x-api-key: sk-chat
--- error_code eval: [ 200, 200, 200, 503, 503 ]
--- response_headers eval
[ (map { "X-LLM-Class: $_" } 'chat', 'background', 'chat'), '', '' ]
--- response_body_like eval
[ ('"id"') x 3, '"no_route".*', '"code":"no_route"' ]
--- calls: 3
--- usage_log
#1 class=chat
#2 class=background
#3 class=chat
#4 status=503 code=no_route outcome=rejected


=== a client does not choose its class
--- http_config eval
$main::providers . '
    llm_class chat { }  llm_model m { route one; }'
--- config
    location /v1/ { llm_route; }
--- provider eval: $main::answers
--- post: /v1/chat/completions?class=chat
--- more_headers
x-api-key: sk-test
X-LLM-Class: chat
--- body
{"model": "m", "class": "chat"}
--- response_headers
X-LLM-Class: default
--- provider_request_unlike
^X-LLM-Class
--- usage_log
class=default


=== a path that is no endpoint is told of, whatever the method
--- http_config eval
$main::providers . ' llm_model m { route one; }'
--- config
    location ~ ^ { llm_route; }
--- request eval
[ map { "$_\n" . (/^POST/ ? '{"model": "m"}' : '') }
      'POST /', 'POST /v1', 'POST /v1/chat', 'POST /v1/chat/completions/x',
      'POST /v1/achat/completionss', 'GET /v1/chat/completions',
      'PUT /v1/chat/completions', 'DELETE /v1/models', 'OPTIONS /v1/models',
      'POST /v1/models', 'GET /v1/nothing', 'POST /v1/models/m:doNothing',
      'POST /v1/Chat/Completions' ]
--- more_headers
x-api-key: sk-test
--- error_code eval: [ (404) x 13 ]
--- response_json eval: [ ('error.code=unknown_endpoint error.message') x 13 ]
--- calls: 0
--- usage_records: 13
--- usage_log
#* status=404 code=unknown_endpoint outcome=rejected key=caller !endpoint


=== any prefix will do before an endpoint
--- http_config eval
$main::providers . ' llm_model m { route one; route ant; route gem; }'
--- config
    location ~ ^ { llm_route; }
--- provider eval: $main::answers
--- request eval
[ map { "POST $_\n" . '{"model": "m", "max_tokens": 1}' }
      '/chat/completions', '/v1/chat/completions', '/v1/chat/completions/',
      '/team/a/openai/v1/chat/completions?api-version=1',
      '//v1//chat/completions', '/v1/x%2F..%2Fchat/completions',
      '/anthropic/v1/messages', '/messages',
      '/models/m:generateContent',
      '/google/v1beta/models/m:generateContent',
      '/v1/projects/p/locations/l/publishers/google/models/m:generateContent' ]
--- more_headers
x-api-key: sk-test
--- error_code eval: [ (200) x 11 ]
--- calls: one=6 ant=2 gem=3
--- provider_request_like
^POST /one/chat/completions HTTP/1\.1\r$
^POST /one/chat/completions\?api-version=1 HTTP/1\.1\r$
^POST /ant/messages HTTP/1\.1\r$
^POST /gem/models/m:generateContent HTTP/1\.1\r$
--- provider_request_unlike
team
projects
--- usage_records: 11


=== a model in the path is decoded, and encoded again
--- http_config eval
$main::providers . '
    llm_model a/b  { route gem; }
    llm_model re   { alias "~^re-(.*)$"; route gem model=$1; }'
--- config
    location ~ ^ { llm_route; }
--- provider eval: $main::answers
--- log_level: info
--- request eval
[ map { "POST /v1beta/models/$_:generateContent\n{}" }
      'a/b', 'a%2Fb', 're-x%25y%3Fz', 're-x:streamGenerateContent' ]
--- more_headers
x-api-key: sk-test
--- error_code eval: [ 200, 200, 200, 200 ]
--- provider_request_like
^POST /gem/models/a/b:generateContent HTTP/1\.1\r$
^POST /gem/models/x%25y%3Fz:generateContent HTTP/1\.1\r$
^POST /gem/models/x:streamGenerateContent:generateContent HTTP/1\.1\r$


=== a part of the name asked for does not lead out of the provider's path
--- http_config eval
$main::providers . '
    llm_model re   { alias "~^re-([^#]*)"; route gem model=$1; }'
--- config
    location ~ ^ { llm_route; }
--- log_level: info
--- request eval
[ map { "POST /v1beta/models/$_:generateContent\n{}" }
      're-..', 're-.', 're-%2e%2e%2fadmin', 're-a%2F%2e', 're-x%20y',
      're-%0d%0aX-Evil:1', 're-x%00' ]
--- more_headers
x-api-key: sk-test
--- error_code eval: [ (503) x 6, 400 ]
--- response_body_like eval: [ ('"reason":"no_upstream_model"') x 6, '' ]
--- calls: 0
--- usage_records: 6
--- usage_log
#* status=503 code=no_route outcome=rejected attempts.length=0


=== what a client sends makes no line of the error log
--- http_config eval
$main::providers . ' llm_model m { route one; }'
--- config
    location ~ ^ { llm_route; }
--- log_level: info
--- request eval
[ "POST /v1beta/models/x%0d%0aEvil%7f%1b:generateContent\n{}",
  "POST /v1/x%0aEvil/nothing\n{}", "GET /v1/videos/x%0aEvil",
  "GET /v1/models/x%0aEvil" ]
--- more_headers
x-api-key: sk-test
--- error_code eval: [ 404, 404, 404, 404 ]
--- response_json eval
[ 'error.details.0.reason=model_not_found', 'error.code=unknown_endpoint',
  ('error.code=model_not_found') x 2 ]
--- error_log
llm request refused
--- no_error_log eval: [ qr/^Evil/, qr/[\x7f\x1b]/ ]
--- usage_records: 4


=== TEST 1: images in a prompt do not go to a route without vision
--- http_config eval
<<'_EOC_'
    llm_provider blind {
        protocol  openai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/blind/v1;
    }

    llm_provider sees {
        protocol  openai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/sees/v1;
    }

    llm_model m {
        route  blind without=vision;
        route  sees priority=2;
    }

    llm_model text {
        route  blind without=vision;
    }

    llm_key test { secret plain:sk-test; models *; }
_EOC_
--- config
    location /v1 {
        llm_route;
    }
--- provider
*:
    json {"choices":[{"index":0,"message":{"content":"well"}}]}
--- steps
my $image = '{"type": "image_url", "image_url": {"url": "data:image/png;base64,'
            . 'AA' x 30000 . '"}}';
my $text = '{"type": "text", "text": "image_url"}';

for my $case ([ $text, 'blind' ], [ $image, 'sees' ], [ $text, 'blind' ],
              [ "$text, $image, $text", 'sees' ])
{
    my ($parts, $want) = @$case;
    my $r = post('/v1/chat/completions',
                 qq({"model": "m", "messages": [{"role": "user",)
                 . qq( "content": [$parts]}]}));

    is($r->{headers}{'x-llm-provider'}, $want, "$want: provider");
}

my $r = post('/v1/chat/completions',
             qq({"model": "text", "messages": [{"content": [$image]}]}));

is($r->{status}, 503, 'no route sees');
holds($r, 'error.code=no_route decision.0.reason=vision_missing');
