# What the gateway changes in a body, and that it changes nothing else: the
# bytes that the provider gets, exactly.

use lib 't/lib';
use LLM 'no_plan';

# each line is a request's body and, behind "=>", what the provider gets

sub pairs {
    return map { [ map { s/^\s+|\s+$//gr } split /=>/ ] }
           grep { /\S/ } split /\n/, shift;
}

sub asked {
    my ($pairs, $path) = @_;

    $path //= '/v1/chat/completions';

    return [ map { "POST $path\n$_->[0]" } pairs($pairs) ];
}

sub sent {
    my $bodies = join '\n\n', map {
        '(?:[^\r\n]+\r\n)+\r\n' . quotemeta $_->[1]
    } pairs(shift);

    return qr/\A$bodies\z/;
}

our $provider = <<'_EOC_';
    llm_provider mock {
        protocol  openai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/chat/v1;
    }

    llm_provider google {
        protocol  gemini;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/google/v1beta;
    }

    llm_key caller { secret plain:sk-test; models *; }
_EOC_

our $answers = <<'_EOC_';
chat stream:
    sse
    data {"id": "1", "choices": [{"index": 0, "delta": {"content": "a"}}]}
    done
chat:
    json {"id": "1", "object": "chat.completion", "choices": []}
google:
    json {"candidates": []}
_EOC_

our $names = <<'_EOC_';
{"model":"m"} => {"model":"up/stream-1"}
{"model":"m","messages":[]} => {"model":"up/stream-1","messages":[]}
{"messages":[],"model":"m"} => {"messages":[],"model":"up/stream-1"}
{ "a" : 1 , "model" : "m" , "b" : 2 } => { "a" : 1 , "model" : "up/stream-1" , "b" : 2 }
{"mod\u0065l":"m"} => {"mod\u0065l":"up/stream-1"}
{"model":"\u006d"} => {"model":"up/stream-1"}
{"x":{"model":"m"},"model":"m","y":"\"model\":\"m\""} => {"x":{"model":"m"},"model":"up/stream-1","y":"\"model\":\"m\""}
{"model":"up/stream-1-x"} => {"model":"up/stream-1"}
_EOC_

our $same = <<'_EOC_';
{"model":"gpt-4o"} => {"model":"gpt-4o"}
{"model":"gpt\u002d4o"} => {"model":"gpt\u002d4o"}
{ "model":"gpt-4o" ,"a":[ ] } => { "model":"gpt-4o" ,"a":[ ] }
_EOC_

our $captured = <<'_EOC_';
{"model":"e-4"} => {"model":"4"}
{"model":"e-a/b?c#d%e+f<g>&{h}$1"} => {"model":"a/b?c#d%e+f<g>&{h}$1"}
{"model":"e-\u0034"} => {"model":"4"}
_EOC_

our $members = <<'_EOC_';
{"model":"m"} => {"model":"m","temperature":0.7,"service_tier":"default"}
{"model":"m","temperature":0} => {"model":"m","temperature":0,"service_tier":"default"}
{"temperature":null,"model":"m"} => {"temperature":null,"model":"m","service_tier":"default"}
{"service_tier":"auto","model":"m"} => {"service_tier":"default","model":"m","temperature":0.7}
{"model":"m","service_tier":{"a":[1]},"x":1} => {"model":"m","service_tier":"default","x":1,"temperature":0.7}
{"user":"u","model":"m"} => {"model":"m","temperature":0.7,"service_tier":"default"}
{"model":"m","user":"u"} => {"model":"m","temperature":0.7,"service_tier":"default"}
{"model":"m","user":"u","temperature":1} => {"model":"m","temperature":1,"service_tier":"default"}
{"user":"u","metadata":{"a":"}"},"model":"m"} => {"model":"m","temperature":0.7,"service_tier":"default"}
{"model":"m","user":"u","metadata":{}} => {"model":"m","temperature":0.7,"service_tier":"default"}
{"user":1,"model":"m","metadata":2} => {"model":"m","temperature":0.7,"service_tier":"default"}
{"user":1,"temperature":2,"metadata":3,"model":"m","service_tier":4} => {"temperature":2,"model":"m","service_tier":"default"}
{"x":{"user":"u","temperature":1},"model":"m"} => {"x":{"user":"u","temperature":1},"model":"m","temperature":0.7,"service_tier":"default"}
{"us\u0065r":"u","model":"m","temp\u0065rature":1} => {"model":"m","temp\u0065rature":1,"service_tier":"default"}
{"User":"u","model":"m","TEMPERATURE":1} => {"User":"u","model":"m","TEMPERATURE":1,"temperature":0.7,"service_tier":"default"}
_EOC_

our $spaced = <<'_EOC_';
{ "user" : "u" , "model" : "m" } => { "model" : "m" }
{ "model" : "m" , "user" : "u" } => { "model" : "m" }
{ "a" : 1 , "user" : "u" , "model" : "m" } => { "a" : 1 , "model" : "m" }
_EOC_

our $values = <<'_EOC_';
{"model":"m"} => {"model":"m","text":"END","empty":"","number":1.50,"big":12345678901234567890,"yes":true,"nothing":null,"list":[1, 2],"object":{"type":"json_object"},"quoted":"0.5","odd":"a\"b","word":"truest"}
_EOC_

our $alone = <<'_EOC_';
{} => {"a":1}
{ } => { "a":1}
{"user":"u"} => {"a":1}
{"user":"u","a":0} => {"a":0}
{"contents":[],"user":"u"} => {"contents":[],"a":1}
{"model":"gemini","contents":[]} => {"model":"gemini","contents":[],"a":1}
_EOC_

our $empty = <<'_EOC_';
{"user":"u"} => {}
{"user":"u","metadata":1} => {}
{ "user" : "u" , "metadata" : 1 } => {  }
_EOC_

our $options = <<'_EOC_';
{"model":"m","stream":true} => {"model":"m","stream":true,"stream_options":{"include_usage":true}}
{"stream":true,"model":"m","messages":[]} => {"stream":true,"model":"m","messages":[],"stream_options":{"include_usage":true}}
{"model":"m","stream":true,"stream_options":null} => {"model":"m","stream":true,"stream_options":{"include_usage":true}}
{"model":"m","stream_options":{},"stream":true} => {"model":"m","stream_options":{"include_usage":true},"stream":true}
{"model":"m","stream_options":{ },"stream":true} => {"model":"m","stream_options":{"include_usage":true },"stream":true}
{"model":"m","stream":true,"stream_options":{"include_usage":true}} => {"model":"m","stream":true,"stream_options":{"include_usage":true}}
{"model":"m","stream":true,"stream_options":{"include_usage":false}} => {"model":"m","stream":true,"stream_options":{"include_usage":true}}
{"model":"m","stream":true,"stream_options":{"include_usage":null, "x" : [1]}} => {"model":"m","stream":true,"stream_options":{"include_usage":true, "x" : [1]}}
{"model":"m","stream":true,"stream_options":{ "include_obfuscation" : false }} => {"model":"m","stream":true,"stream_options":{"include_usage":true, "include_obfuscation" : false }}
{"model":"m","stream":true,"stream_options":{"x":{"include_usage":true}}} => {"model":"m","stream":true,"stream_options":{"include_usage":true,"x":{"include_usage":true}}}
{"model":"m","stream":true,"stream_\u006fptions":{"a":1}} => {"model":"m","stream":true,"stream_\u006fptions":{"include_usage":true,"a":1}}
_EOC_

our $unasked = <<'_EOC_';
{"model":"m"} => {"model":"m"}
{"model":"m","stream":false} => {"model":"m","stream":false}
{"model":"m","stream":null} => {"model":"m","stream":null}
_EOC_

our $all = <<'_EOC_';
{"user":"u","stream":true,"model":"s","top_p":1,"messages":[]} => {"stream":true,"model":"up","top_p":0.5,"messages":[],"seed":7,"stream_options":{"include_usage":true}}
{"messages":[],"model":"s","stream_options":{"a":1},"stream":true,"user":"u"} => {"messages":[],"model":"up","stream_options":{"include_usage":true,"a":1},"stream":true,"seed":7,"top_p":0.5}
_EOC_

repeat_each(2);
no_shuffle();
run_tests();

__DATA__

=== only the model's name changes, wherever it stands
--- http_config eval
$main::provider . ' llm_model m { alias up/*; route mock model=up/stream-1; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::asked($main::names)
--- more_headers
x-api-key: sk-test
--- provider_request_like eval: main::sent($main::names)
--- usage_log
#* status=200 model=m upstream_model=up/stream-1


=== a model that has its own name upstream changes nothing at all
--- http_config eval
$main::provider . ' llm_model gpt-4o { route mock; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::asked($main::same)
--- more_headers
x-api-key: sk-test
--- provider_request_like eval: main::sent($main::same)


=== an alias goes upstream by the model's own name
--- http_config eval
$main::provider . ' llm_model gpt-4o { alias latest; route mock; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- post: /v1/chat/completions
--- body
{"model":"latest","a":1}
--- provider_request_like eval
main::sent('x => {"model":"gpt-4o","a":1}')


=== a part of the name asked for goes upstream
--- http_config eval
$main::provider . ' llm_model e { alias "~^e-(.+)$"; route mock model=$1; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::asked($main::captured)
--- more_headers
x-api-key: sk-test
--- provider_request_like eval: main::sent($main::captured)


=== a part that could be no model's name does not go upstream
--- http_config eval
$main::provider . ' llm_model e { alias "~^e-(.*)$"; route mock model=$1; }'
--- config
    location /v1 { llm_route; }
--- request eval
main::asked('{"model":"e-"} =>
{"model":"e-a\"b"} =>
{"model":"e-a\\\\b"} =>
{"model":"e-a b"} =>
{"model":"e-\u00e9"} =>
{"model":"e-a\u0027"} =>')
--- more_headers
x-api-key: sk-test
--- error_code eval: [ (503) x 6 ]
--- response_json eval
[ ('error.code=no_route decision.0.reason=no_upstream_model') x 6 ]
--- calls: 0


=== default, override and drop act in every position
--- http_config eval
$main::provider . ' llm_model m { route mock; default temperature=0.7;
    override service_tier=default; drop user metadata; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::asked($main::members)
--- more_headers
x-api-key: sk-test
--- provider_request_like eval: main::sent($main::members)


=== what is dropped takes one comma and the space around it along
--- http_config eval
$main::provider . ' llm_model m { route mock; drop user; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::asked($main::spaced)
--- more_headers
x-api-key: sk-test
--- provider_json
#* model=m !user


=== values that are JSON stay as they are written, others are text
--- http_config eval
$main::provider . q( llm_model m { route mock;
    default  text=END empty= number=1.50 big=12345678901234567890;
    override yes=true nothing=null 'list=[1, 2]';
    default  'object={"type":"json_object"}' 'quoted="0.5"' 'odd=a"b'
             word=truest; })
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::asked($main::values)
--- more_headers
x-api-key: sk-test
--- provider_request_like eval: main::sent($main::values)


=== a body whose model is in the path keeps all but what is named
--- http_config eval
$main::provider . ' llm_model gemini { route google; default a=1; drop user; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval
main::asked($main::alone, '/v1beta/models/gemini:generateContent')
--- more_headers
x-api-key: sk-test
--- provider_request_like eval: main::sent($main::alone)


=== an object that loses all its members is an empty one
--- http_config eval
$main::provider . ' llm_model gemini { route google; drop user metadata; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval
main::asked($main::empty, '/v1beta/models/gemini:generateContent')
--- more_headers
x-api-key: sk-test
--- provider_request_like eval: main::sent($main::empty)


=== a stream is asked to tell its usage, and keeps its other options
--- http_config eval
$main::provider . ' llm_model m { route mock; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::asked($main::options)
--- more_headers
x-api-key: sk-test
--- provider_request_like eval: main::sent($main::options)
--- usage_log
#* status=200 stream=true


=== where nothing streams nobody asks for usage
--- http_config eval
$main::provider . ' llm_model m { route mock; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::asked($main::unasked)
--- more_headers
x-api-key: sk-test
--- provider_request_like eval: main::sent($main::unasked)
--- usage_log
#* status=200 stream=false


=== streams that tell their usage unasked are left alone
--- http_config eval
$main::provider . ' llm_model m { route mock; }'
--- config
    location /v1 { llm_route; }
--- provider
chat:
    typed {"type": "response.output_text.delta", "delta": "a"}
    typed {"type": "response.completed", "response": {"id": "resp_1"}}
--- request eval
main::asked('{"model":"m","stream":true,"input":"x"}', '/v1/responses')
--- more_headers
x-api-key: sk-test
--- provider_request_like eval
main::sent('x => {"model":"m","stream":true,"input":"x"}')


=== all of it at once, in memory
--- http_config eval
$main::provider . ' llm_model s { route mock model=up; default seed=7;
    override top_p=0.5; drop user; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::asked($main::all)
--- more_headers
x-api-key: sk-test
--- provider_request_like eval: main::sent($main::all)


=== all of it at once, from a file
--- http_config eval
$main::provider . ' llm_model s { route mock model=up; default seed=7;
    override top_p=0.5; drop user; }'
--- config
    client_body_in_file_only  clean;
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- request eval: main::asked($main::all)
--- more_headers
x-api-key: sk-test
--- provider_request_like eval: main::sent($main::all)


=== space before and behind the object is kept
--- http_config eval
$main::provider . ' llm_model s { route mock model=up; default seed=7; }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- client
send POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nx-api-key: sk-test\r\n
send Connection: close\r\nContent-Length: 21\r\n\r\n\r\n\t {"model":"s"}\r\n\n\x20
end
--- client_like
^HTTP/1\.1 200 OK\r
--- provider_request_like eval
qr/\r\n\r\n\r\n\t \{"model":"up","seed":7\}\r\n\n \z/
--- usage_records: 1


=== two hundred members, one in three of them changed
--- http_config eval
$main::provider . ' llm_model s { route mock model=up; '
. CORE::join(' ', map { "override m$_=-$_;" } grep { $_ % 3 == 0 } 1 .. 200) . ' '
. CORE::join(' ', map { "drop m$_;" } grep { $_ % 3 == 1 } 1 .. 200) . ' }'
--- config
    location /v1 { llm_route; }
--- provider eval: $main::answers
--- post: /v1/chat/completions
--- body eval
'{' . CORE::join(', ', map { "\"m$_\": [$_]" } 1 .. 100) . ', "model": "s", '
. CORE::join(', ', map { "\"m$_\": [$_]" } 101 .. 200) . '}'
--- provider_request_like eval
my $member = sub { my $n = shift; "\"m$n\": " . ($n % 3 ? "[$n]" : -$n) };
main::sent('x => {' . CORE::join(', ', map { $member->($_) }
                                     grep { $_ % 3 != 1 } 1 .. 100)
           . ', "model": "up", '
           . CORE::join(', ', map { $member->($_) }
                            grep { $_ % 3 != 1 } 101 .. 200) . '}')
