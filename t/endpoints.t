# Every operation that the gateway knows, there and back in its protocol:
# the right path upstream, the model's name exchanged and nothing else, the
# answer byte for byte, one usage record.

use lib 't/lib';
use LLM 'no_plan';


our $http = <<'_EOC_';
    llm_provider oa {
        protocol  openai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/oa/v1;
        api_key   up-openai;
    }

    llm_provider an {
        protocol  anthropic;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/an/v1;
        api_key   up-anthropic;
    }

    llm_provider ge {
        protocol  gemini;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/ge/v1beta;
        api_key   up-gemini;
    }

    llm_model small {
        endpoint  chat responses completions embeddings rerank images audio
                  video messages gemini;
        route     oa model=up-small;
        route     an model=up-claude;
        route     ge model=up-gemini;
    }

    llm_model guard {
        endpoint  moderations;
        route     oa model=up-guard;
    }

    llm_key caller {
        secret  plain:sk-test;
        models  *;
    }
_EOC_

our $config = <<'_EOC_';
    location /v1 {
        llm_route;
    }
_EOC_


# the answer as a scenario: whole, and in pieces

sub unary {
    my ($who, $answer, @more) = @_;

    return join "\n    ", "$who:", @more, "json <<END\n$answer\nEND\n";
}


sub events {
    my ($who, $answer, @more) = @_;

    return join "\n    ", "$who:", 'sse', @more, 'drip 37 1',
                          "text <<END\n$answer\nEND\n";
}


# an event stream of JSON texts, with their types as names or without names

sub stream_of {
    my ($named, @events) = @_;

    return join '', map {
        (!$named ? '' : /"type"\s*:\s*"([^"]+)"/ ? "event: $1\n" : '')
        . "data: $_\n\n"
    } @events;
}


# a body that must come upstream as it is

sub body_is {
    my ($body) = @_;

    return qr/\r\n\r\n\Q$body\E\z/;
}


# a form: [name => value], [name => value, filename, type]

sub form {
    my (@fields) = @_;

    my $text = '';

    for my $f (@fields) {
        my ($name, $value, $file, $type) = @$f;

        $text .= "--x-boundary-x\r\nContent-Disposition: form-data;"
                 . " name=\"$name\""
                 . ($file ? "; filename=\"$file\"\r\nContent-Type: $type"
                          : '')
                 . "\r\n\r\n$value\r\n";
    }

    # without the last line's end: Test::Nginx takes it off

    return $text . '--x-boundary-x--';
}


our $form_headers = "Authorization: Bearer sk-test\n"
                    . 'Content-Type: multipart/form-data;'
                    . ' boundary=x-boundary-x';

our $wave = "RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\r\n--x-boundary\r\n\xff\xfe\0";
our $picture = "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x01\0--x-\xff\xd9";


our %answer = (

    chat => '{"id": "chatcmpl-Bq7","object":"chat.completion", "created": '
        . '1763800000, "model": "up-small-2026-01-01",  "choices": [{"index":'
        . ' 0, "message": {"role": "assistant", "content": "Gr\u00fc\u00df '
        . 'Gott \ud83d\ude00", "refusal": null, "annotations": []},'
        . ' "logprobs": null, "finish_reason": "stop"}], "usage": {'
        . '"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29,'
        . ' "prompt_tokens_details": {"cached_tokens": 4}},'
        . ' "service_tier": "default"}',

    chat_stream => stream_of(0,
        '{"id":"chatcmpl-1","object":"chat.completion.chunk","choices":'
        . '[{"index":0,"delta":{"role":"assistant","content":""},'
        . '"finish_reason":null}],"usage":null}',
        '{"id":"chatcmpl-1","object":"chat.completion.chunk","choices":'
        . '[{"index":0,"delta":{"content":"Grüß dich"},'
        . '"finish_reason":null}],"usage":null}',
        '{"id":"chatcmpl-1","object":"chat.completion.chunk","choices":'
        . '[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}',
        '{"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[],'
        . '"usage":{"prompt_tokens":8,"completion_tokens":3,'
        . '"total_tokens":11}}',
        '[DONE]'),

    response => '{"id": "resp_0a1", "object": "response", "status":'
        . ' "completed", "model": "up-small", "previous_response_id": null,'
        . ' "output": [{"type": "message", "id": "msg_1", "role":'
        . ' "assistant", "content": [{"type": "output_text", "text": "Yes",'
        . ' "annotations": []}]}], "usage": {"input_tokens": 12,'
        . ' "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 2,'
        . ' "output_tokens_details": {"reasoning_tokens": 0},'
        . ' "total_tokens": 14}}',

    completion => '{"id":"cmpl-1","object":"text_completion","choices":['
        . '{"text":" upon a time","index":0,"logprobs":null,'
        . '"finish_reason":"length"}],"usage":{"prompt_tokens":2,'
        . '"completion_tokens":4,"total_tokens":6}}',

    completion_stream => stream_of(0,
        '{"id":"cmpl-1","object":"text_completion","choices":[{"text":" upon'
        . ' a","index":0,"logprobs":null,"finish_reason":null}]}',
        '{"id":"cmpl-1","object":"text_completion","choices":[{"text":'
        . '" time","index":0,"logprobs":null,"finish_reason":"length"}]}',
        '[DONE]'),

    embedding => '{"object":"list","data":[{"object":"embedding","index":0,'
        . '"embedding":[0.0023064255,-0.009327292,1e-7]}],"model":'
        . '"up-small","usage":{"prompt_tokens":5,"total_tokens":5}}',

    moderation => '{"id":"modr-1","model":"up-guard","results":[{"flagged":'
        . 'true,"categories":{"violence":true},"category_scores":'
        . '{"violence":0.98}}]}',

    rerank => '{"id":"rr-1","results":[{"index":1,"relevance_score":0.98},'
        . '{"index":0,"relevance_score":0.02}],"meta":{"billed_units":'
        . '{"search_units":1}}}',

    images => '{"created":1763800000,"data":[{"b64_json":"iVBORw0KGgo="},'
        . '{"b64_json":"iVBORw0KGgp="}],"size":"1024x1024","quality":"low",'
        . '"usage":{"total_tokens":290,"input_tokens":18,"output_tokens":272,'
        . '"input_tokens_details":{"text_tokens":18,"image_tokens":0}}}',

    images_stream => stream_of(1,
        '{"type":"image_generation.partial_image","partial_image_index":0,'
        . '"b64_json":"iVBO"}',
        '{"type":"image_generation.completed","b64_json":"iVBORw0KGgo=",'
        . '"usage":{"total_tokens":100,"input_tokens":50,"output_tokens":50,'
        . '"input_tokens_details":{"text_tokens":10,"image_tokens":40}}}'),

    speech_stream => stream_of(0,
        '{"type":"speech.audio.delta","audio":"SUQzBAAAAAAA"}',
        '{"type":"speech.audio.done","usage":{"input_tokens":9,'
        . '"output_tokens":38,"total_tokens":47}}'),

    transcript => '{"text":"Good evening.","usage":{"type":"tokens",'
        . '"total_tokens":31,"input_tokens":24,"input_token_details":'
        . '{"text_tokens":0,"audio_tokens":24},"output_tokens":7}}',

    transcript_verbose => '{"task":"transcribe","language":"english",'
        . '"duration":8.47,"text":"Good evening.","segments":[{"id":0,'
        . '"start":0.0,"end":8.47,"text":"Good evening."}],"usage":{"type":'
        . '"duration","seconds":9}}',

    transcript_stream => stream_of(0,
        '{"type":"transcript.text.delta","delta":"Good"}',
        '{"type":"transcript.text.done","text":"Good evening.","usage":'
        . '{"type":"tokens","total_tokens":31,"input_tokens":24,'
        . '"input_token_details":{"text_tokens":0,"audio_tokens":24},'
        . '"output_tokens":7}}'),

    video => '{"id":"video_68d7","object":"video","created_at":1763800000,'
        . '"status":"queued","model":"up-small","progress":0,"seconds":"8",'
        . '"size":"720x1280"}',

    message => '{"model":"up-claude","id":"msg_01","type":"message","role":'
        . '"assistant","content":[{"type":"text","text":"Hello!"}],'
        . '"stop_reason":"end_turn","stop_sequence":null,"usage":{'
        . '"input_tokens":10,"cache_creation_input_tokens":0,'
        . '"cache_read_input_tokens":0,"output_tokens":4}}',

    message_stream => stream_of(1,
        '{"type":"message_start","message":{"id":"msg_01","type":"message",'
        . '"role":"assistant","model":"up-claude","content":[],'
        . '"stop_reason":null,"usage":{"input_tokens":10,'
        . '"output_tokens":1}}      }',
        '{"type":"content_block_start","index":0,"content_block":{"type":'
        . '"text","text":""}  }',
        '{"type": "ping"}',
        '{"type":"content_block_delta","index":0,"delta":{"type":'
        . '"text_delta","text":"Hello!"}   }',
        '{"type":"content_block_stop","index":0 }',
        '{"type":"message_delta","delta":{"stop_reason":"end_turn",'
        . '"stop_sequence":null},"usage":{"output_tokens":4}}',
        '{"type":"message_stop" }'),

    gemini => "{\n  \"candidates\": [\n    {\n      \"content\": {\n"
        . "        \"parts\": [{\"text\": \"Hello\"}],\n"
        . "        \"role\": \"model\"\n      },\n      \"finishReason\":"
        . " \"STOP\"\n    }\n  ],\n  \"usageMetadata\": {\n"
        . "    \"promptTokenCount\": 7,\n    \"candidatesTokenCount\": 2,\n"
        . "    \"totalTokenCount\": 9\n  },\n  \"modelVersion\":"
        . " \"up-gemini\"\n}\n",

    gemini_stream => join('', map { "data: $_\r\n\r\n" }
        '{"candidates": [{"content": {"parts": [{"text": "Hel"}],"role":'
        . ' "model"}}],"usageMetadata": {"promptTokenCount": 7,'
        . '"totalTokenCount": 7}}',
        '{"candidates": [{"content": {"parts": [{"text": "lo"}],"role":'
        . ' "model"},"finishReason": "STOP"}],"usageMetadata":'
        . ' {"promptTokenCount": 7,"candidatesTokenCount": 2,'
        . '"totalTokenCount": 9}}'),

    gemini_array => "[{\n  \"candidates\": [{\"content\": {\"parts\":"
        . " [{\"text\": \"Hel\"}],\"role\": \"model\"}}],\n"
        . "  \"usageMetadata\": {\"promptTokenCount\": 7,"
        . "\"totalTokenCount\": 7}\n}\n,\r\n{\n  \"candidates\":"
        . " [{\"content\": {\"parts\": [{\"text\": \"lo\"}],\"role\":"
        . " \"model\"},\"finishReason\": \"STOP\"}],\n  \"usageMetadata\":"
        . " {\"promptTokenCount\": 7,\"candidatesTokenCount\": 2,"
        . "\"totalTokenCount\": 9}\n}\n]\n",

    gemini_embedding => '{"embedding": {"values": [0.013168523,'
        . '-0.008711934]}}',

    gemini_embeddings => '{"embeddings": [{"values": [0.01, -0.02]},'
        . ' {"values": [0.03, 1e-9]}]}',
);


no_shuffle();
no_long_string();
run_tests();

__DATA__

=== chat: a completion
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::unary('oa POST', $::answer{chat})
--- post: /v1/chat/completions
--- body
{"messages": [{"role": "user", "content": "model \"small\""}],  "model" : "small", "seed": 1e2, "x-unknown": [0.10]}
--- provider_request_like eval
[qr{\APOST /oa/v1/chat/completions HTTP/1\.1\r\n},
 qr{^Authorization: Bearer up-openai\r$}m,
 main::body_is('{"messages": [{"role": "user", "content": "model \"small\""}],  "model" : "up-small", "seed": 1e2, "x-unknown": [0.10]}')]
--- calls: 1
--- response_headers
Content-Type: application/json
X-LLM-Model: small
X-LLM-Provider: oa
X-LLM-Upstream-Model: up-small
X-LLM-Class: default
X-LLM-Attempts: 1
X-LLM-Rung: first
--- response_body eval: $::answer{chat}
--- usage_log
endpoint=chat protocol=openai stream=false model=small status=200 outcome=ok
provider=oa upstream_model=up-small usage.input=15 usage.cache_read=4
usage.output=10 raw_usage.total_tokens=29 estimated=false



=== chat: a stream, of which the client asked for usage
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::events('oa POST stream', $::answer{chat_stream})
--- post: /v1/chat/completions
--- body
{"model": "small", "stream": true, "stream_options": {"include_usage": true}, "messages": []}
--- provider_request_like eval
main::body_is('{"model": "up-small", "stream": true, "stream_options": {"include_usage": true}, "messages": []}')
--- response_headers_like
Content-Type: text/event-stream.*
--- response_body eval: $::answer{chat_stream}
--- usage_log
endpoint=chat stream=true status=200 outcome=ok usage.input=8 usage.output=3



=== chat: a stream, of which the client did not ask for usage
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::events('oa POST stream', $::answer{chat_stream})
--- post: /v1/chat/completions
--- body
{"model": "small", "stream": true, "messages": []}
--- provider_json
model=up-small stream_options.include_usage=true
--- response_body eval
(my $s = $::answer{chat_stream}) =~ s/data: [^\n]*"choices":\[\][^\n]*\n\n//;
$s
--- usage_log
endpoint=chat stream=true status=200 outcome=ok usage.input=8 usage.output=3
raw_usage.total_tokens=11 estimated=false



=== responses: one made, then asked for, its input listed, cancelled, deleted
--- http_config eval: $::http
--- config eval: $::config
--- provider eval
main::unary('oa POST /v1/responses', $::answer{response})
. main::unary('oa GET /v1/responses/resp_0a1', $::answer{response})
. main::unary('oa GET /v1/responses/resp_0a1/input_items',
              '{"object":"list","data":[{"id":"msg_0"}],"has_more":false}')
. main::unary('oa POST /v1/responses/resp_0a1/cancel', $::answer{response})
. main::unary('oa DELETE /v1/responses/resp_0a1',
              '{"id":"resp_0a1","object":"response","deleted":true}')
--- steps
my $r = post('/v1/responses',
             '{"input": "Hi", "model": "small", "store": true}');

is($r->{status}, 200);

my $id = $r->{json}{id};

like($id, qr/\Aresp_0a1_g[\w-]{24}\z/, 'a signed id');

(my $same = $r->{content}) =~ s/\Q$id\E/resp_0a1/;
is($same, $::answer{response}, 'all other bytes');

holds((sent())[0], 'method=POST path=/oa/v1/responses');
is((sent())[0]{body}, '{"input": "Hi", "model": "up-small", "store": true}');

$r = get("/v1/responses/$id?include[]=reasoning.encrypted_content");
holds($r, "id=$id status=completed", 'got');
is((sent())[1]{query}, 'include[]=reasoning.encrypted_content', 'query');

holds(get("/v1/responses/$id/input_items?limit=1"), 'data.0.id=msg_0');
holds(post("/v1/responses/$id/cancel", ''), "id=$id");
holds(ask('DELETE', "/v1/responses/$id"), "id=$id deleted=true");

my @sent = sent();

is(scalar @sent, 5, 'calls');
is(join(' ', map { "$_->{method} $_->{path}" } @sent[1 .. 4]),
   'GET /oa/v1/responses/resp_0a1'
   . ' GET /oa/v1/responses/resp_0a1/input_items'
   . ' POST /oa/v1/responses/resp_0a1/cancel'
   . ' DELETE /oa/v1/responses/resp_0a1', 'methods and paths');

my @rec = records(5);

is(join(' ', map { "$_->{endpoint}/$_->{model}/$_->{outcome}" } @rec),
   join(' ', ('responses/small/ok') x 5), 'records');
holds($rec[0], 'usage.input=12 usage.output=2');
holds($_, 'cost=0 !usage !raw_usage', 'polls are free') for @rec[1 .. 4];



=== responses: a stream, whose ids are signed in each event
--- http_config eval: $::http
--- config eval: $::config
--- provider
oa POST stream:
    sse
    drip 60 1
    typed {"type":"response.created","sequence_number":0,"response":{"id":"resp_7","status":"in_progress","previous_response_id":null,"usage":null}}
    typed {"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_7","status":"in_progress"}}
    typed {"type":"response.output_text.delta","sequence_number":2,"item_id":"msg_7","delta":"Yes"}
    typed {"type":"response.completed","sequence_number":3,"response":{"id":"resp_7","status":"completed","usage":{"input_tokens":12,"output_tokens":2,"total_tokens":14}}}
--- post: /v1/responses
--- body
{"model":"small","input":"Hi","stream":true}
--- response_body_like eval
my $re = join '.*?', map { quotemeta }
             "event: response.created\ndata: {\"type\":\"response.created\","
             . "\"sequence_number\":0,\"response\":{\"id\":\"\0\",\"status\":"
             . "\"in_progress\",\"previous_response_id\":null,\"usage\":null"
             . "}}\n\nevent: response.in_progress\ndata: ",
             "\"id\":\"\0\",\"status\":\"in_progress\"}}\n\nevent: ",
             "\"item_id\":\"msg_7\",\"delta\":\"Yes\"}\n\nevent: ",
             "\"id\":\"\0\",\"status\":\"completed\",",
             "\"total_tokens\":14}}}\n\n";

$re =~ s/\\\0/(resp_7_g[\\w-]{24})/;
$re =~ s/\\\0/\\1/g;

qr/\A$re\z/s
--- usage_log
endpoint=responses stream=true outcome=ok usage.input=12 usage.output=2



=== completions: one
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::unary('oa POST /v1/completions', $::answer{completion})
--- post: /v1/completions
--- body
{"model":"small","prompt":"Once","max_tokens":4}
--- provider_request_like eval
main::body_is('{"model":"up-small","prompt":"Once","max_tokens":4}')
--- response_body eval: $::answer{completion}
--- usage_log
endpoint=completions stream=false outcome=ok usage.input=2 usage.output=4



=== completions: a stream of a server that tells no usage
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::events('oa POST stream', $::answer{completion_stream})
--- post: /v1/completions
--- body
{"model":"small","prompt":"Once","stream":true}
--- provider_json
model=up-small stream_options.include_usage=true
--- response_body eval: $::answer{completion_stream}
--- usage_log
endpoint=completions stream=true outcome=ok estimated=true
usage.input=12 usage.output=3 !raw_usage



=== embeddings
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::unary('oa POST /v1/embeddings', $::answer{embedding})
--- post: /v1/embeddings
--- body
{"input":["one","two"],"model":"small","encoding_format":"base64"}
--- provider_request_like eval
main::body_is('{"input":["one","two"],"model":"up-small","encoding_format":"base64"}')
--- response_body eval: $::answer{embedding}
--- usage_log
endpoint=embeddings outcome=ok usage.input=5 !usage.output



=== moderations, of a named model
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::unary('oa POST /v1/moderations', $::answer{moderation})
--- post: /v1/moderations
--- body
{"input":"something","model":"guard"}
--- provider_request_like eval
main::body_is('{"input":"something","model":"up-guard"}')
--- response_body eval: $::answer{moderation}
--- usage_log
endpoint=moderations model=guard outcome=ok usage.requests=1



=== moderations, of the one model that serves them
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::unary('oa POST /v1/moderations', $::answer{moderation})
--- post: /v1/moderations
--- body
{"input":"something"}
--- provider_json
model=up-guard input=something
--- response_body eval: $::answer{moderation}
--- usage_log
endpoint=moderations model=guard outcome=ok usage.requests=1



=== moderations without a model where two serve them
--- http_config eval
$::http . '
    llm_model guard-2 {
        endpoint  moderations;
        route     oa;
    }'
--- config eval: $::config
--- post: /v1/moderations
--- body
{"input":"something"}
--- error_code: 400
--- response_json
error.code=missing_parameter error.param=model
--- calls: 0
--- usage_log
endpoint=moderations outcome=rejected code=missing_parameter



=== rerank
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::unary('oa POST /v1/rerank', $::answer{rerank})
--- post: /v1/rerank
--- body
{"model":"small","query":"nginx","documents":["a","b"],"top_n":2}
--- provider_request_like eval
main::body_is('{"model":"up-small","query":"nginx","documents":["a","b"],"top_n":2}')
--- response_body eval: $::answer{rerank}
--- usage_log
endpoint=rerank outcome=ok usage.searches=1



=== images: generations
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::unary('oa POST /v1/images/generations', $::answer{images})
--- post: /v1/images/generations
--- body
{"model":"small","prompt":"a fox","n":2,"size":"1024x1024","quality":"low"}
--- provider_request_like eval
main::body_is('{"model":"up-small","prompt":"a fox","n":2,"size":"1024x1024","quality":"low"}')
--- response_body eval: $::answer{images}
--- usage_log
endpoint=images stream=false outcome=ok usage.input=18 usage.image_output=272



=== images: generations as a stream
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::events('oa POST stream', $::answer{images_stream})
--- post: /v1/images/generations
--- body
{"model":"small","prompt":"a fox","stream":true,"partial_images":1}
--- provider_request_like eval
main::body_is('{"model":"up-small","prompt":"a fox","stream":true,"partial_images":1}')
--- response_body eval: $::answer{images_stream}
--- usage_log
endpoint=images stream=true outcome=ok usage.input=10 usage.image_input=40
usage.image_output=50



=== images: edits as a form, whose model comes last
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::unary('oa POST /v1/images/edits', $::answer{images})
--- request eval
"POST /v1/images/edits\n"
. main::form([ prompt => 'a red fox' ],
             [ 'image[]' => $::picture, 'fox.png', 'image/png' ],
             [ model => 'small' ])
--- more_headers eval: $::form_headers
--- provider_request_like eval
[qr{^Content-Type: multipart/form-data; boundary=x-boundary-x\r$}m,
 main::body_is(main::form([ prompt => 'a red fox' ],
                          [ 'image[]' => $::picture, 'fox.png', 'image/png' ],
                          [ model => 'up-small' ]))]
--- response_body eval: $::answer{images}
--- usage_log
endpoint=images model=small outcome=ok usage.image_output=272



=== images: edits as JSON
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::unary('oa POST /v1/images/edits', $::answer{images})
--- post: /v1/images/edits
--- body
{"model":"small","prompt":"a red fox","images":[{"image_url":"data:image/png;base64,iVBORw0KGgo="}]}
--- provider_json
model=up-small prompt="a red fox" images.0.image_url~^data:
--- response_body eval: $::answer{images}
--- usage_log
endpoint=images outcome=ok



=== images: edits as a form that asks for a stream
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::events('oa POST', $::answer{images_stream})
--- request eval
"POST /v1/images/edits\n"
. main::form([ model => 'small' ], [ stream => 'true' ],
             [ image => $::picture, 'fox.png', 'image/png' ])
--- more_headers eval: $::form_headers
--- response_body eval: $::answer{images_stream}
--- usage_log
endpoint=images stream=true outcome=ok usage.image_input=40



=== images: variations
--- http_config eval: $::http
--- config eval: $::config
--- provider eval
main::unary('oa POST /v1/images/variations',
            '{"created":1,"data":[{"url":"https://example.com/1.png"}]}')
--- request eval
"POST /v1/images/variations\n"
. main::form([ image => $::picture, 'fox.png', 'image/png' ],
             [ model => 'small' ], [ n => '1' ], [ size => '256x256' ])
--- more_headers eval: $::form_headers
--- provider_request_like eval
main::body_is(main::form([ image => $::picture, 'fox.png', 'image/png' ],
                         [ model => 'up-small' ], [ n => '1' ],
                         [ size => '256x256' ]))
--- response_body: {"created":1,"data":[{"url":"https://example.com/1.png"}]}
--- response_json
data.length=1
--- usage_log
endpoint=images outcome=ok usage.images=1



=== audio: speech as sound
--- http_config eval: $::http
--- config eval: $::config
--- provider
oa POST /v1/audio/speech:
    header Content-Type: audio/mpeg
    chunked
    body ID3\x04\x00\x00\xff\xfb\x90\r\n\r\ndata: \x00
    body \xff\xfb\x90{"error":1}
--- post: /v1/audio/speech
--- body
{"model":"small","input":"Grüß Gott","voice":"alloy"}
--- provider_request_like eval
main::body_is('{"model":"up-small","input":"Grüß Gott","voice":"alloy"}')
--- response_headers
Content-Type: audio/mpeg
--- response_body eval
"ID3\x04\x00\x00\xff\xfb\x90\r\n\r\ndata: \x00\xff\xfb\x90{\"error\":1}"
--- usage_log
endpoint=audio stream=false outcome=ok usage.characters=9 !usage.input



=== audio: speech as events
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::events('oa POST', $::answer{speech_stream})
--- post: /v1/audio/speech
--- body
{"model":"small","input":"Hello","voice":"alloy","stream_format":"sse"}
--- response_body eval: $::answer{speech_stream}
--- usage_log
endpoint=audio stream=true outcome=ok usage.input=9 usage.audio_output=38



=== audio: a transcription as JSON
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::unary('oa POST /v1/audio/transcriptions', $::answer{transcript})
--- request eval
"POST /v1/audio/transcriptions\n"
. main::form([ file => $::wave, 'a.wav', 'audio/wav' ],
             [ model => 'small' ], [ response_format => 'json' ])
--- more_headers eval: $::form_headers
--- provider_request_like eval
main::body_is(main::form([ file => $::wave, 'a.wav', 'audio/wav' ],
                         [ model => 'up-small' ],
                         [ response_format => 'json' ]))
--- response_body eval: $::answer{transcript}
--- usage_log
endpoint=audio stream=false outcome=ok usage.audio_input=24 usage.output=7



=== audio: a transcription as verbose JSON, billed by the second
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::unary('oa POST', $::answer{transcript_verbose})
--- request eval
"POST /v1/audio/transcriptions\n"
. main::form([ model => 'small' ], [ response_format => 'verbose_json' ],
             [ file => $::wave, 'a.wav', 'audio/wav' ])
--- more_headers eval: $::form_headers
--- response_body eval: $::answer{transcript_verbose}
--- usage_log
endpoint=audio outcome=ok usage.audio_seconds=9 !usage.input



=== audio: a transcription as text, which tells nothing
--- http_config eval: $::http
--- config eval: $::config
--- provider
oa POST /v1/audio/transcriptions:
    header Content-Type: text/plain; charset=utf-8
    body Good evening.\n
--- request eval
"POST /v1/audio/transcriptions\n"
. main::form([ model => 'small' ], [ response_format => 'text' ],
             [ file => $::wave, 'a.wav', 'audio/wav' ])
--- more_headers eval: $::form_headers
--- response_headers
Content-Type: text/plain; charset=utf-8
--- response_body
Good evening.
--- usage_log
endpoint=audio outcome=ok cost=null !usage



=== audio: a transcription as a stream
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::events('oa POST', $::answer{transcript_stream})
--- request eval
"POST /v1/audio/transcriptions\n"
. main::form([ stream => 'true' ], [ model => 'small' ],
             [ file => $::wave, 'a.wav', 'audio/wav' ])
--- more_headers eval: $::form_headers
--- response_body eval: $::answer{transcript_stream}
--- usage_log
endpoint=audio stream=true outcome=ok usage.audio_input=24 usage.output=7



=== audio: a translation
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::unary('oa POST /v1/audio/translations', $::answer{transcript_verbose})
--- request eval
"POST /v1/audio/translations\n"
. main::form([ file => $::wave, 'a.wav', 'audio/wav' ], [ model => 'small' ])
--- more_headers eval: $::form_headers
--- provider_request_like
^POST /oa/v1/audio/translations HTTP/1.1\r$
--- response_body eval: $::answer{transcript_verbose}
--- usage_log
endpoint=audio outcome=ok usage.audio_seconds=9



=== video: a job from JSON; asked for, its film, remixed, deleted
--- http_config eval: $::http
--- config eval: $::config
--- provider eval
main::unary('oa POST /v1/videos', $::answer{video})
. main::unary('oa GET /v1/videos/video_68d7', $::answer{video})
. "oa GET /v1/videos/video_68d7/content:\n    header Content-Type: video/mp4"
. "\n    body \\x00\\x00\\x00\\x20ftypisom\\r\\n\\xff\n"
. main::unary('oa POST /v1/videos/video_68d7/remix',
              '{"id":"video_99","object":"video","status":"queued",'
              . '"seconds":"8","remixed_from_video_id":"video_68d7"}')
. main::unary('oa DELETE /v1/videos/video_68d7',
              '{"id":"video_68d7","object":"video.deleted","deleted":true}')
--- steps
my $r = post('/v1/videos', '{"model":"small","prompt":"a fox","seconds":"8"}');

is($r->{status}, 200);

my $id = $r->{json}{id};

like($id, qr/\Avideo_68d7_g[\w-]{24}\z/, 'a signed id');

(my $same = $r->{content}) =~ s/\Q$id\E/video_68d7/;
is($same, $::answer{video}, 'all other bytes');
is((sent())[0]{body}, '{"model":"up-small","prompt":"a fox","seconds":"8"}');

holds(get("/v1/videos/$id"), "id=$id status=queued");

$r = get("/v1/videos/$id/content?variant=thumbnail");
is($r->{content}, "\0\0\0\x20ftypisom\r\n\xff", 'the film');
is($r->{headers}{'content-type'}, 'video/mp4');
is((sent())[2]{query}, 'variant=thumbnail', 'query');

$r = post("/v1/videos/$id/remix", '{"prompt":"a red fox"}');
like($r->{json}{id}, qr/\Avideo_99_g[\w-]{24}\z/, 'the remix is signed');
is($r->{json}{remixed_from_video_id}, $id, 'and what it was made from');
is((sent())[3]{body}, '{"prompt":"a red fox"}', 'the remix');

holds(get("/v1/videos/$r->{json}{id}"), '!id', 'no such film upstream');
holds(ask('DELETE', "/v1/videos/$id"), "id=$id deleted=true");

my @rec = records(6);

holds($rec[0], 'endpoint=video model=small outcome=ok usage.video_seconds=8');
holds($rec[$_], 'endpoint=video cost=0 !usage') for 1, 2, 4, 5;
holds($rec[3], 'endpoint=video outcome=ok usage.video_seconds=8');
holds($rec[4], 'status=404 outcome=upstream_error');



=== video: a job from a form with a picture
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::unary('oa POST /v1/videos', $::answer{video})
--- request eval
"POST /v1/videos\n"
. main::form([ model => 'small' ], [ prompt => 'a fox' ], [ seconds => '8' ],
             [ input_reference => $::picture, 'fox.png', 'image/png' ])
--- more_headers eval: $::form_headers
--- provider_request_like eval
main::body_is(main::form([ model => 'up-small' ], [ prompt => 'a fox' ],
                         [ seconds => '8' ],
                         [ input_reference => $::picture, 'fox.png',
                           'image/png' ]))
--- response_json
id~^video_68d7_g[\w-]{24}$ status=queued
--- usage_log
endpoint=video outcome=ok usage.video_seconds=8



=== messages: one
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::unary('an POST /v1/messages', $::answer{message})
--- post: /v1/messages?beta=true
--- body
{"model":"small","max_tokens":64,"system":[{"type":"text","text":"x-anthropic-billing-header: a"}],"messages":[{"role":"user","content":"Hi"}]}
--- more_headers
x-api-key: sk-test
anthropic-version: 2023-06-01
anthropic-beta: one-2026-01-01,two
Content-Type: application/json
--- provider_request_like eval
[qr{\APOST /an/v1/messages\?beta=true HTTP/1\.1\r\n},
 qr{^x-api-key: up-anthropic\r$}m,
 qr{^anthropic-version: 2023-06-01\r$}m,
 qr{^anthropic-beta: one-2026-01-01,two\r$}m,
 main::body_is('{"model":"up-claude","max_tokens":64,"system":[{"type":"text","text":"x-anthropic-billing-header: a"}],"messages":[{"role":"user","content":"Hi"}]}')]
--- response_body eval: $::answer{message}
--- usage_log
endpoint=messages protocol=anthropic stream=false outcome=ok provider=an
usage.input=10 usage.output=4



=== messages: a stream
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::events('an POST stream', $::answer{message_stream})
--- post: /v1/messages
--- body
{"model":"small","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"Hi"}]}
--- provider_request_like eval
main::body_is('{"model":"up-claude","max_tokens":64,"stream":true,"messages":[{"role":"user","content":"Hi"}]}')
--- response_body eval: $::answer{message_stream}
--- usage_log
endpoint=messages stream=true outcome=ok usage.input=10 usage.output=4
raw_usage.input_tokens=10 raw_usage.output_tokens=4



=== messages: tokens counted, for nothing
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::unary('an POST /v1/messages/count_tokens', '{"input_tokens":14}')
--- post: /v1/messages/count_tokens
--- body
{"model":"small","messages":[{"role":"user","content":"Hi"}]}
--- provider_request_like eval
main::body_is('{"model":"up-claude","messages":[{"role":"user","content":"Hi"}]}')
--- response_body chomp
{"input_tokens":14}
--- usage_log
endpoint=messages outcome=ok cost=0 !usage



=== gemini: generateContent
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::unary('ge POST', $::answer{gemini})
--- post: /v1beta/models/small:generateContent
--- body
{"contents": [{"role": "user", "parts": [{"text": "model"}]}], "model": "models/kept"}
--- more_headers
x-goog-api-key: sk-test
Content-Type: application/json
--- provider_request_like eval
[qr{\APOST /ge/v1beta/models/up-gemini:generateContent HTTP/1\.1\r\n},
 qr{^x-goog-api-key: up-gemini\r$}m,
 main::body_is('{"contents": [{"role": "user", "parts": [{"text": "model"}]}], "model": "models/kept"}')]
--- response_body eval: $::answer{gemini}
--- usage_log
endpoint=gemini protocol=gemini stream=false outcome=ok provider=ge
usage.input=7 usage.output=2



=== gemini: streamGenerateContent as events
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::events('ge POST', $::answer{gemini_stream})
--- post: /v1beta/models/small:streamGenerateContent?alt=sse
--- body
{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}
--- provider_request_like
\APOST /ge/v1beta/models/up-gemini:streamGenerateContent\?alt=sse HTTP/1.1\r$
--- response_body eval: $::answer{gemini_stream}
--- usage_log
endpoint=gemini stream=true outcome=ok usage.input=7 usage.output=2



=== gemini: streamGenerateContent as an array
--- http_config eval: $::http
--- config eval: $::config
--- provider eval
main::unary('ge POST', $::answer{gemini_array}, 'chunked', 'drip 37 1')
--- post: /v1beta/models/small:streamGenerateContent
--- body
{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}
--- provider_request_like
\APOST /ge/v1beta/models/up-gemini:streamGenerateContent HTTP/1.1\r$
--- response_headers_like
Content-Type: application/json.*
--- response_body eval: $::answer{gemini_array}
--- usage_log
endpoint=gemini stream=true outcome=ok usage.input=7 usage.output=2



=== gemini: countTokens, for nothing
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::unary('ge POST', '{"totalTokens": 11}')
--- post: /v1beta/models/small:countTokens
--- body
{"contents":[{"parts":[{"text":"Hi"}]}]}
--- provider_request_like
\APOST /ge/v1beta/models/up-gemini:countTokens HTTP/1.1\r$
--- response_body chomp
{"totalTokens": 11}
--- usage_log
endpoint=gemini outcome=ok cost=0 !usage



=== gemini: embedContent
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::unary('ge POST', $::answer{gemini_embedding})
--- post: /v1beta/models/small:embedContent
--- body
{"content":{"parts":[{"text":"Hello world"}]}}
--- provider_request_like
\APOST /ge/v1beta/models/up-gemini:embedContent HTTP/1.1\r$
--- response_body eval: $::answer{gemini_embedding}
--- usage_log
endpoint=gemini outcome=ok estimated=true usage.input=12 !usage.output



=== gemini: batchEmbedContents
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: main::unary('ge POST', $::answer{gemini_embeddings})
--- post: /v1beta/models/small:batchEmbedContents
--- body
{"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]}}]}
--- provider_request_like
\APOST /ge/v1beta/models/up-gemini:batchEmbedContents HTTP/1.1\r$
--- response_body eval: $::answer{gemini_embeddings}
--- usage_log
endpoint=gemini outcome=ok estimated=true usage.input=22



=== gemini: predictLongRunning and its operation
--- http_config eval: $::http
--- config eval: $::config
--- provider
ge POST /v1beta/models/up-gemini:predictLongRunning:
    json {"name": "models/up-gemini/operations/k7x2"}
ge GET /v1beta/models/up-gemini/operations/k7x2:
    json {"name": "models/up-gemini/operations/k7x2", "done": true, "response": {"generateVideoResponse": {"generatedSamples": [{"video": {"uri": "https://example.com/f"}}]}}}
--- steps
my $r = post('/v1beta/models/small:predictLongRunning',
             '{"instances":[{"prompt":"a fox"}],'
             . '"parameters":{"durationSeconds":4,"sampleCount":2}}');

is($r->{status}, 200);

my $name = $r->{json}{name};

like($name, qr{\Amodels/up-gemini/operations/k7x2_g[\w-]{24}\z}, 'signed');

$r = get("/v1beta/$name");
holds($r, "name=$name done=true");
is((sent())[1]{path}, '/ge/v1beta/models/up-gemini/operations/k7x2');

my @rec = records(2);

holds($rec[0], 'endpoint=gemini model=small usage.video_seconds=8');
holds($rec[1], 'endpoint=gemini model=small cost=0 !usage');



=== models: in the shape of OpenAI, only those that the key may use
--- http_config eval
$::http . '
    llm_key narrow {
        secret  plain:sk-narrow;
        models  guard sm*;
        deny    small;
    }'
--- config eval: $::config
--- request
GET /v1/models
--- more_headers
Authorization: Bearer sk-narrow
--- response_headers
Content-Type: application/json
--- response_json
object=list data.length=1 data.0.id=guard data.0.object=model
data.0.created>1700000000 data.0.owned_by=oa
--- calls: 0
--- usage_log
endpoint=models protocol=openai outcome=ok status=200 key=narrow cost=0 !usage



=== models: in the shape of Anthropic, page by page
--- http_config eval: $::http
--- config eval: $::config
--- request eval
["GET /v1/models?limit=1", "GET /v1/models?limit=1&after_id=small",
 "GET /v1/models?limit=1000"]
--- more_headers
x-api-key: sk-test
anthropic-version: 2023-06-01
--- response_json eval
["data.length=1 data.0.type=model data.0.id=small data.0.display_name=small
  data.0.created_at~^20\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ\$
  has_more=true first_id=small last_id=small",
 "data.length=1 data.0.id=guard has_more=false",
 "data.length=2 has_more=false first_id=small last_id=guard"]
--- calls: 0
--- usage_log
#* endpoint=models protocol=anthropic outcome=ok



=== models: in the shape of Gemini
--- http_config eval: $::http
--- config eval: $::config
--- request
GET /v1beta/models
--- more_headers
x-goog-api-key: sk-test
--- response_json
models.length=2 models.0.name=models/small models.0.displayName=small
models.0.supportedGenerationMethods.0=generateContent
--- calls: 0
--- usage_log
endpoint=models protocol=gemini outcome=ok



=== models: one, in each of the shapes
--- http_config eval: $::http
--- config eval: $::config
--- steps
holds(get('/v1/models/small'), 'id=small object=model');
holds(get('/v1/models/small', key => undef,
          headers => { 'x-api-key' => 'sk-test',
                       'anthropic-version' => '2023-06-01' }),
      'id=small type=model');
holds(get('/v1beta/models/small', key => undef,
          headers => { 'x-goog-api-key' => 'sk-test' }),
      'name=models/small');
is(scalar sent(), 0, 'calls');
records(3);



=== models: one that is not there, in each of the shapes
--- http_config eval: $::http
--- config eval: $::config
--- steps
my $r = get('/v1/models/large');

is($r->{status}, 404);
holds($r, 'error.code=model_not_found');

$r = get('/v1/models/large', key => undef,
         headers => { 'x-api-key' => 'sk-test' });
is($r->{status}, 404);
holds($r, 'type=error error.type=not_found_error');

$r = get('/v1beta/models/large', key => undef,
         headers => { 'x-goog-api-key' => 'sk-test' });
is($r->{status}, 404);
holds($r, 'error.code=404 error.status=NOT_FOUND');
records(3);



=== models: one that the key may not use
--- http_config eval
$::http . '
    llm_key narrow {
        secret  plain:sk-narrow;
        models  guard;
    }'
--- config eval: $::config
--- request
GET /v1/models/small
--- more_headers
Authorization: Bearer sk-narrow
--- error_code: 403
--- response_json
error.code=model_not_allowed
--- usage_log
outcome=rejected code=model_not_allowed key=narrow



=== models: without a key nobody learns which there are
--- http_config eval: $::http
--- config eval: $::config
--- request
GET /v1/models
--- error_code: 401
--- response_json
error.code=invalid_api_key !data
--- usage_log
endpoint=models outcome=rejected code=invalid_api_key



=== any prefix works, and a slash at the end
--- http_config eval: $::http
--- config
    location ~ . {
        llm_route;
    }
--- provider eval: main::unary('oa POST', $::answer{chat})
--- request eval
[map { "POST $_\n{\"model\":\"small\",\"messages\":[]}" }
     '/chat/completions', '/a/b/openai/v1/chat/completions',
     '/openai/deployments/d/chat/completions?api-version=1',
     '/v1/chat/completions/']
--- more_headers
api-key: sk-test
Content-Type: application/json
--- response_body eval
[($::answer{chat}) x 4]
--- provider_request_like
^POST /oa/v1/chat/completions HTTP
--- provider_request_unlike
^POST (?!/oa/v1/chat/completions)
--- calls: 4
--- usage_records: 4



=== what is no endpoint, or not by this method
--- http_config eval: $::http
--- config eval: $::config
--- steps
for my $call ([ GET => '/v1/chat/completions' ], [ POST => '/v1/nothing' ],
              [ DELETE => '/v1/models/small' ], [ PUT => '/v1/responses' ],
              [ POST => '/v1beta/models/small:dream' ],
              [ GET => '/v1/' ])
{
    my $r = ask(@$call, $call->[0] eq 'GET' ? undef : '{"model":"small"}');

    is($r->{status}, 404, "@$call");
    holds($r, 'error.code=unknown_endpoint', "@$call");
}

is(scalar sent(), 0, 'calls');
holds($_, 'outcome=rejected code=unknown_endpoint !endpoint') for records(6);



=== HEAD of what GET answers has its head
--- http_config eval: $::http
--- config eval: $::config
--- request
HEAD /v1/models
--- more_headers
Authorization: Bearer sk-test
--- response_headers
Content-Type: application/json
--- response_body:
--- usage_log
endpoint=models outcome=ok status=200



=== HEAD of the location itself is answered without a key
--- http_config eval: $::http
--- config
    location /claude {
        llm_route;
    }

    location /some/llm/ {
        llm_route;
    }
--- steps
for my $path ('/claude', '/some/llm/', '/claude/?beta=true') {
    my $r = ask('HEAD', $path, undef, key => undef);

    is($r->{status}, 200, "$path: status");
    is($r->{content} // "", "", "$path: no body");
    ok($r->{headers}{'x-llm-request-id'}, "$path: its id");
}

is(ask('HEAD', '/claude/v1/models', undef, key => undef)->{status}, 401, 'no more than that');
is(ask('GET', '/claude', undef, key => undef)->{status}, 401, 'nor by GET');
is(ask('HEAD', '/claude/other')->{status}, 404, 'nor of what is not there');

my @records = records(6);

holds($_, 'outcome=ok status=200 !key !endpoint attempts.length=0 cost=0') for @records[0 .. 2];


=== models: methods of the Gemini API are those that each is for
--- http_config
    llm_provider ge {
        protocol  gemini;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/ge/v1beta;
    }

    llm_model talk   { route ge; }
    llm_model only   { endpoint gemini; route ge; }
    llm_model embed  { endpoint embeddings gemini; route ge; }
    llm_model closed { endpoint embeddings; route ge; }
    llm_model film   { endpoint video gemini; route ge; }

    llm_key caller { secret plain:sk-test; models *; }
--- config eval: $::config
--- steps
my $models = get('/v1beta/models')->{json}{models};
my %methods = map { $_->{displayName} => join ' ', @{ $_->{supportedGenerationMethods} } } @$models;

is($methods{talk}, 'generateContent countTokens', 'talk');
is($methods{only}, 'generateContent countTokens', 'only');
is($methods{embed}, 'embedContent batchEmbedContents', 'embed');
is($methods{closed}, '', 'closed');
is($methods{film}, 'predictLongRunning', 'film');

is(get('/v1/models')->{json}{data}[4]{id}, 'film', 'OpenAI has them all');
is(get('/v1/models', headers => { 'anthropic-version' => '2023-06-01' })->{json}{last_id}, 'film',
   'and Anthropic');

records(3);


=== a provider's error comes as it is, in each protocol
--- http_config eval: $::http
--- config eval: $::config
--- provider
oa:
    status 429
    header Retry-After: 7
    header x-ratelimit-remaining-tokens: 0
    json {"error": {"message": "Rate limit", "type": "tokens", "param": null, "code": "rate_limit_exceeded"}}
an:
    status 529 Overloaded
    json {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}
ge:
    status 400
    json {"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}
--- steps
my $r = post('/v1/chat/completions', '{"model":"small","messages":[]}');

is($r->{status}, 429);
is($r->{headers}{'retry-after'}, 7);
is($r->{headers}{'x-ratelimit-remaining-tokens'}, 0);
is($r->{content}, '{"error": {"message": "Rate limit", "type": "tokens",'
                  . ' "param": null, "code": "rate_limit_exceeded"}}');

$r = post('/v1/messages', '{"model":"small","max_tokens":1,"messages":[]}');
is($r->{status}, 529);
is($r->{content}, '{"type":"error","error":{"type":"overloaded_error",'
                  . '"message":"Overloaded"},"request_id":"req_1"}');

$r = post('/v1beta/models/small:generateContent', '{"contents":[]}');
is($r->{status}, 400);
is($r->{content}, '{"error": {"code": 400, "message": "API key not valid.",'
                  . ' "status": "INVALID_ARGUMENT"}}');

my @rec = records(3);

holds($rec[0], 'status=429 outcome=upstream_error cost=0 !usage');
holds($rec[1], 'status=529 outcome=upstream_error cost=0');
holds($rec[2], 'status=400 outcome=upstream_error cost=0');
