# Clients and providers that speak different protocols: what goes out, what
# comes back, whole and in a stream that is cut anywhere, errors in the
# client's own words, and a ladder that leads from one protocol to another.

use lib 't/lib';
use LLM 'no_plan';

use Compress::Raw::Zlib ();
use File::Temp;
use MIME::Base64 ();

repeat_each(1);
no_shuffle();

our $Dir = File::Temp->newdir;

sub put {
    my ($name, $text) = @_;

    open my $fh, '>:raw', "$Dir/$name" or die "$Dir/$name: $!";
    print $fh $text;
    close $fh;
    chmod 0600, "$Dir/$name";
    return "$Dir/$name";
}

# a service account, whose token the scripted provider hands out

my $key = `openssl genrsa 2048 2>/dev/null`;
$key =~ s/\n/\\n/g;

add_block_preprocessor(sub {
    my $block = shift;

    put('account.json', qq({"client_email": "gate\@test", "private_key": "$key",
        "token_uri": "http://127.0.0.1:$ENV{TEST_NGINX_PROVIDER_PORT}/token/"}));
    put('nowhere.json', qq({"client_email": "gate\@test",
        "private_key": "$key", "token_uri": "http://127.0.0.1:1/"}));
});

$ENV{TEST_NGINX_ACCOUNT} = "$Dir/account.json";

our $Http = <<'_EOC_';
    llm_provider mock {
        protocol  openai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/chat/v1;
        api_key   key-openai;
    }

    llm_provider claude {
        protocol  anthropic;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/claude/v1;
        api_key   key-anthropic;
    }

    llm_provider google {
        protocol  gemini;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/google/v1beta;
        api_key   key-gemini;
    }

    llm_provider nova {
        protocol    bedrock;
        pass        http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/nova;
        credential  aws region=eu-west-1 access_key=AKID secret_key=s3cret;
    }

    llm_provider old {
        protocol  openai;
        api       chat;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/chat/v1;
    }

    llm_model gpt     { route mock model=gpt-4o; price input=1 output=2; }
    llm_model sonnet  { route claude model=claude-sonnet-4-5; max_tokens 500;
                        price input=1 output=2; default temperature=0.5; }
    llm_model flash   { route google model=gemini-2.5-flash; price input=1 output=2; }
    llm_model nova    { route nova model=amazon.nova-2-lite-v1:0; }
    llm_model haiku   { route nova model=anthropic.claude-haiku-4-5-v1:0; }
    llm_model old     { route old model=gpt-4o; }
    llm_model chain   { route claude model=claude-a; route mock model=gpt-b priority=2;
                        price input=1 output=2; }

    llm_key caller {
        secret  plain:sk-test;
        models  *;
    }
_EOC_

our $Vertex = <<'_EOC_';
    llm_provider vertex {
        protocol    gemini quirks=vertex;
        pass        http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/vertex/v1;
        credential  google file:$TEST_NGINX_ACCOUNT;
    }

    llm_model vertex { route vertex model=gemini-2.5-flash; }
_EOC_

our $Route = <<'_EOC_';
    location /v1 {
        llm_route;
    }
_EOC_

sub crc { pack 'N', Compress::Raw::Zlib::crc32($_[0]) }

# one message of an AWS event stream

sub frame {
    my ($type, $payload, $kind) = @_;

    $kind //= 'event';

    my $headers = join '', map {
        pack('C/a C n/a', $_->[0], 7, $_->[1])
    } [":$kind-type", $type], [':content-type', 'application/json'],
      [':message-type', $kind];

    my $prelude = pack 'N N', 16 + length($headers) + length $payload,
                              length $headers;
    $prelude .= crc($prelude);

    my $text = $prelude . $headers . $payload;
    return $text . crc($text);
}

put('nova', join '',
    frame(messageStart => '{"role":"assistant"}'),
    frame(contentBlockDelta => '{"contentBlockIndex":0,"delta":{"text":"Hel"}}'),
    frame(contentBlockDelta => '{"contentBlockIndex":0,"delta":{"text":"lo"}}'),
    frame(contentBlockStop => '{"contentBlockIndex":0}'),
    frame(messageStop => '{"stopReason":"end_turn"}'),
    frame(metadata => '{"usage":{"inputTokens":7,"outputTokens":2,"totalTokens":9}}'));

put('throttled', frame(throttlingException => '{"message":"slow down"}',
                       'exception'));

put('haiku', join '', map {
        frame(chunk => '{"bytes":"' . MIME::Base64::encode($_, '') . '"}')
    }
    '{"type":"message_start","message":{"id":"msg_1","model":"claude-haiku","content":[],"usage":{"input_tokens":11,"output_tokens":1}}}',
    '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
    '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}',
    '{"type":"content_block_stop","index":0}',
    '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":3}}',
    '{"type":"message_stop"}');

put('claude', join '', map { /"type":"(\w+)"/; "event: $1\ndata: $_\n\n" }
    '{"type":"message_start","message":{"id":"msg_1","model":"claude-1","content":[],"usage":{"input_tokens":11,"output_tokens":1}}}',
    '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
    '{"type":"ping"}',
    '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Grüße \ud83d\ude00"}}',
    '{"type":"content_block_stop","index":0}',
    '{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}}}',
    '{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"a\": 1"}}',
    '{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"e400}"}}',
    '{"type":"content_block_stop","index":1}',
    '{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}',
    '{"type":"message_stop"}');

our $Claude = '{"id":"msg_1","type":"message","role":"assistant","model":"claude-1","content":[{"type":"text","text":"Hello"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":11,"output_tokens":9}}';

our $Chat = '{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o-1","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":21,"completion_tokens":7,"total_tokens":28}}';

our $Gemini = '{"candidates":[{"content":{"parts":[{"text":"Hello"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":8,"totalTokenCount":12},"modelVersion":"gemini-1"}';

run_tests();

__DATA__

=== a chat client asks an Anthropic model
--- http_config eval: $::Http
--- config eval: $::Route
--- post: /v1/chat/completions
--- body: {"model": "sonnet", "seed": 9007199254740993, "max_completion_tokens": 50, "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]}
--- provider eval
"claude POST /v1/messages:
    json $::Claude"
--- response_json
object=chat.completion choices.0.message.content=Hello
choices.0.finish_reason=stop usage.prompt_tokens=11 usage.completion_tokens=9
--- response_headers
X-LLM-Provider: claude
X-LLM-Dropped: seed
X-LLM-Cost: 0.000029
Content-Type: application/json
--- provider_json
model=claude-sonnet-4-5 max_tokens=50 temperature=0.5
system.0.text="Be brief." messages.0.role=user messages.0.content.0.text=Hi !seed
--- provider_request_like
x-api-key: key-anthropic
anthropic-version: 2023-06-01
--- provider_request_unlike
sk-test
--- usage_log
endpoint=chat protocol=openai provider=claude outcome=ok usage.input=11 usage.output=9
cost=0.000029 raw_usage.input_tokens=11


=== a stream is translated event by event, wherever it is cut
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
my @how = ('', 'split=1', 'split=7', 'split=1,2,50', 'split=1000');

for my $how (@how) {

    LLM::Provider::play("claude:\n sse\n file $::Dir/claude $how\n");

    my $r = post('/v1/chat/completions', '{"model": "sonnet", "stream": true,
        "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": "Hi"}]}');

    my $body = $r->{content};
    my @data = $body =~ /^data: (.*)$/mg;
    my $text = join '', map { /"content":"((?:[^"\\]|\\.)*)"/ ? $1 : '' } @data;
    my $args = join '', map { /"arguments":"((?:[^"\\]|\\.)*)"/ ? $1 : '' } @data;

    is($r->{status}, 200, "$how: status");
    like($r->{headers}{'content-type'}, qr{^text/event-stream}, "$how: type");
    is($text, "Gr\xc3\xbc\xc3\x9fe \xf0\x9f\x98\x80", "$how: text");
    is($args, '{\"a\": 1e400}', "$how: arguments, to the letter");
    like($body, qr/"finish_reason":"tool_calls"/, "$how: why it stopped");
    like($body, qr/"prompt_tokens":11,"completion_tokens":9/, "$how: usage");
    is($data[-1], '[DONE]', "$how: its end");
}

holds($_, 'outcome=ok usage.input=11 usage.output=9 stream=true')
    for records(scalar @how);


=== a provider's pings become the client's, once its stream has begun
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
my $ping = 'event ping {"type":"ping"}';

LLM::Provider::play("claude:
    sse
    typed {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"c\",\"content\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}
    $ping
    pause 50
    typed {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}
    typed {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hel\"}}
    pause 50
    $ping
    pause 50
    typed {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"lo\"}}
    typed {\"type\":\"content_block_stop\",\"index\":0}
    typed {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":9}}
    typed {\"type\":\"message_stop\"}
    $ping

chat:
    sse
    data {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hel\"}}]}
    pause 50
    body : PROCESSING\\n\\n
    pause 50
    data {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}
    done
");

my $ask = '"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}';

my $r = post('/v1/chat/completions', qq({"model": "sonnet", "stream": true, $ask));
is(scalar(() = $r->{content} =~ /^: keep-alive\n\n/mg), 1, 'a comment');
like($r->{content}, qr/"content":"Hel".*\n\n: keep-alive\n\ndata: .*"content":"lo"/, 'between two events');

$r = post('/v1/messages', qq({"model": "gpt", "stream": true, $ask));
like($r->{content}, qr/"text":"Hel".*\n\nevent: ping\ndata: \{"type": "ping"\}\n\nevent: .*\n.*"text":"lo"/, 'a ping');

$r = post('/v1beta/models/sonnet:streamGenerateContent?alt=sse', '{"contents": [{"parts": [{"text": "Hi"}]}]}');
unlike($r->{content}, qr/^(?!data: |\r?$)/m, 'none for a Gemini client');

holds($_, 'outcome=ok') for records(3);


=== a Messages client asks a chat model
--- http_config eval: $::Http
--- config eval: $::Route
--- post: /v1/messages
--- more_headers
x-api-key: sk-test
anthropic-version: 2023-06-01
anthropic-beta: some-beta-1
--- body: {"model": "gpt", "max_tokens": 100, "top_k": 5, "system": "Be brief.", "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}
--- provider eval
"chat POST /v1/chat/completions:
    json $::Chat"
--- response_json
type=message role=assistant model=gpt content.0.type=text content.0.text=Hello
stop_reason=end_turn usage.input_tokens=21 usage.output_tokens=7
--- provider_json
model=gpt-4o messages.0.role~system|developer messages.0.content="Be brief." messages.1.content=Hi
--- provider_request_like
Authorization: Bearer key-openai
--- provider_request_unlike
(?i)anthropic-
--- usage_log
endpoint=messages protocol=anthropic provider=mock cost=0.000035


=== a Gemini client asks an Anthropic model, whole and as an array
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
LLM::Provider::play("claude POST /v1/messages unary:\n json $::Claude\n"
                    . "claude POST /v1/messages stream:\n"
                    . " sse\n file $::Dir/claude split=30\n");

my $ask = '{"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}';

my $r = post('/v1beta/models/sonnet:generateContent', $ask);
like($r->{content}, qr/"text":"Hello"/, 'whole');
like($r->{content}, qr/"promptTokenCount":11,"candidatesTokenCount":9/, 'its usage');

$r = post('/v1beta/models/sonnet:streamGenerateContent', $ask);
is(ref $r->{json}, 'ARRAY', 'an array');
is($r->{json}[-1]{candidates}[0]{finishReason}, 'STOP', 'that ends');

$r = post('/v1beta/models/sonnet:streamGenerateContent?alt=sse', $ask);
like($r->{content}, qr/^data: \{.*\}\r$/m, 'events');
unlike($r->{content}, qr/\[DONE\]/, 'without an end of their own');

holds($_, 'outcome=ok endpoint=gemini provider=claude') for records(3);


=== a chat client asks a Gemini model, whose stream is asked for by its path
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
LLM::Provider::play("google POST /*:streamGenerateContent:\n sse\n data $::Gemini\n"
                    . "google POST /*:generateContent:\n json $::Gemini\n");

my $ask = '"messages": [{"role": "user", "content": "Hi"}]}';

my $r = post('/v1/chat/completions', '{"model": "flash", ' . $ask);
like($r->{content}, qr/"content":"Hello"/, 'whole');

$r = post('/v1/chat/completions', '{"model": "flash", "stream": true, ' . $ask);
like($r->{content}, qr/"content":"Hello"/, 'a stream');
like($r->{content}, qr/\[DONE\]\n\n\z/, 'that ends');
unlike($r->{content}, qr/"usage":\{/, 'without usage, which was not asked for');

holds($_, 'usage.input=4 usage.output=8') for records(2);

my ($sent) = reverse sent();
is($sent->{query}, 'alt=sse', 'the query');
is($sent->{headers}{'x-goog-api-key'}, 'key-gemini', 'the key');


=== a Responses client is served by a provider that has chat completions alone
--- http_config eval: $::Http
--- config eval: $::Route
--- post: /v1/responses
--- body: {"model": "old", "input": "Hi", "store": false}
--- provider eval
"chat POST /v1/chat/completions:
    json $::Chat"
--- response_json
object=response status=completed output.0.type=message output.0.content.0.text=Hello
usage.input_tokens=21 usage.output_tokens=7
--- provider_json
messages.0.role=user messages.0.content=Hi


=== what has no word on the other side is refused by its name, before a call
--- http_config eval: $::Http
--- config eval: $::Route
--- post: /v1/chat/completions
--- body: {"model": "sonnet", "n": 2, "messages": [{"role": "user", "content": "Hi"}]}
--- error_code: 400
--- response_json
error.code=unsupported_parameter error.param=n decision.0.reason=untranslatable
--- calls: 0
--- usage_log
outcome=rejected code=unsupported_parameter status=400


=== what a provider without the Responses API cannot remember is refused by its name
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
for my $model ('sonnet', 'old') {
    for (['"previous_response_id": "resp_1"', 'previous_response_id'],
         ['"conversation": "conv_1"', 'conversation'], ['"background": true', 'background'])
    {
        my $r = post('/v1/responses', qq({"model": "$model", "input": "Hi", $_->[0]}));
        is($r->{status}, 400, "$model, $_->[1]: status");
        holds($r, "error.code=unsupported_parameter error.param=$_->[1]", "$model, $_->[1]");
    }
}

is(scalar sent(), 0, 'and nobody was called');

my $r = post('/v1/responses', '{"model": "gpt", "input": "Hi", "previous_response_id": "resp_1"}');
is($r->{status}, 404, 'where it is remembered it must be known');

holds($_, 'outcome=rejected') for records(7);


=== where another route can take it, it does
--- http_config eval: $::Http
--- config eval: $::Route
--- post: /v1/chat/completions
--- body: {"model": "chain", "n": 2, "messages": [{"role": "user", "content": "Hi"}]}
--- provider eval
"chat POST /v1/chat/completions:
    json $::Chat"
--- response_headers
X-LLM-Provider: mock
--- calls: chat=1 claude=0


=== a ladder leads from one protocol to another
--- http_config eval: $::Http
--- config eval: $::Route
--- ladder
--- post: /v1/chat/completions
--- body: {"model": "chain", "messages": [{"role": "user", "content": "Hi"}]}
--- provider eval
"claude POST /v1/messages:
    status 529
    json {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}

chat POST /v1/chat/completions:
    json $::Chat"
--- response_headers
X-LLM-Rung: switch
X-LLM-Provider: mock
--- response_json
choices.0.message.content=Hello
--- calls: claude=1 chat=1


=== a longest answer is the model's, the catalogue's, or 4096
--- http_config eval
$::Http . 'llm_prices ' . main::put('prices.json', '{
    "claude-big": {"max_output_tokens": 64000, "input_cost_per_token": 1e-6,
                   "output_cost_per_token": 2e-6}}') . ';
    llm_model big     { route claude model=claude-big; }
    llm_model capped  { route claude model=claude-big; max_tokens 1000; }
    llm_model unknown { route claude model=claude-other; }
    llm_model any     { alias ~^any/(.*)$; route claude model=$1; }'
--- config eval: $::Route
--- steps
LLM::Provider::play("claude POST /v1/messages:\n json $::Claude\n");

my $ask = '"messages": [{"role": "user", "content": "Hi"}]}';

for (['big', '', 64000], ['big', '"max_tokens": 100000,', 64000],
     ['big', '"max_tokens": 10,', 10], ['capped', '', 1000],
     ['capped', '"max_completion_tokens": 2000,', 1000], ['unknown', '', 4096],
     ['unknown', '"max_tokens": 9000,', 9000], ['any/claude-big', '', 64000],
     ['any/claude-other', '', 4096])
{
    my ($model, $more, $max) = @$_;
    my $r = post('/v1/chat/completions', qq({"model": "$model", $more $ask));
    is($r->{status}, 200, "$model: status");

    my ($sent) = reverse sent();
    like($sent->{body}, qr/"max_tokens":$max\b/, "$model $more: $max");
}

records(9);


=== a provider's error is told in the client's words
--- http_config eval: $::Http
--- config eval: $::Route
--- post: /v1/chat/completions
--- body: {"model": "sonnet", "messages": [{"role": "user", "content": "Hi"}]}
--- error_code: 400
--- provider
claude POST /v1/messages:
    status 400
    json {"type":"error","error":{"type":"invalid_request_error","message":"messages: odd"}}
--- response_json
error.message="messages: odd" error.type=invalid_request_error !type
--- usage_log
outcome=upstream_error status=400 attempts.0.status=400


=== an error inside a stream, before its content, is one of the ladder's
--- config eval: $::Route
--- ladder
--- post: /v1/chat/completions
--- body: {"model": "chain", "stream": true, "messages": [{"role": "user", "content": "Hi"}]}
--- http_config eval
$::Http . 'llm_class default { switch on=invalid; }'
--- provider
claude POST /v1/messages:
    sse
    event error {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}

chat POST /v1/chat/completions:
    sse
    data {"id":"c1","choices":[{"index":0,"delta":{"role":"assistant","content":"Hello"}}]}
    data {"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
    done
--- response_body_like: Hello
--- calls: claude=1 chat=1


=== a stream that is cut ends with an error event of the client's protocol
--- http_config eval: $::Http
--- config eval: $::Route
--- post: /v1/messages
--- more_headers
x-api-key: sk-test
anthropic-version: 2023-06-01
--- body: {"model": "gpt", "max_tokens": 100, "stream": true, "messages": [{"role": "user", "content": "Hi"}]}
--- provider
chat POST /v1/chat/completions:
    sse
    data {"id":"c1","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"}}]}
    cut
--- response_body_like chomp
(?s)event: message_start.*"text":"Hel".*event: error\ndata: \{"type":"error".*\n\n\z
--- usage_log
outcome=truncated


=== Bedrock: requests are signed, event streams are read at any cut
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
my $type = ' header Content-Type: application/vnd.amazon.eventstream';
my @how = ('', 'split=1', 'split=5,90');
my $ask = '{"model": "nova", "stream": true,
            "messages": [{"role": "user", "content": "Hi"}]}';

for my $how (@how) {
    LLM::Provider::play("nova POST /model/*/converse-stream:\n$type\n chunked\n"
                        . " file $::Dir/nova $how\n");

    my $r = post('/v1/chat/completions', $ask);
    my $text = join '', $r->{content} =~ /"content":"([^"]*)"/g;

    is($text, 'Hello', "$how: text");
    like($r->{content}, qr/"finish_reason":"stop"/, "$how: why it stopped");
    like($r->{content}, qr/\[DONE\]\n\n\z/, "$how: its end");

    my ($sent) = reverse sent();
    like($sent->{headers}{authorization},
         qr{^AWS4-HMAC-SHA256 Credential=AKID/\d{8}/eu-west-1/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=[0-9a-f]{64}$},
         "$how: signature");
}

LLM::Provider::play("nova POST /model/*/invoke-with-response-stream:\n$type\n"
                    . " chunked\n file $::Dir/haiku split=9\n");

my $r = post('/v1/messages', '{"model": "haiku", "stream": true, "max_tokens": 9,
    "messages": [{"role": "user", "content": "Hi"}]}');

like($r->{content}, qr/"text_delta","text":"Hi"/, 'Claude: text');
like($r->{content}, qr/event: message_stop\n/, 'Claude: its end');

LLM::Provider::play("nova POST /model/*/converse-stream:\n$type\n chunked\n"
                    . " file $::Dir/throttled\n");

$r = post('/v1/chat/completions', $ask);

is($r->{status}, 502, 'an exception instead of content: status');
like($r->{content}, qr/slow down/, 'and its words');

my @records = records(@how + 2);

holds($records[0], 'usage.input=7 usage.output=2');
holds($records[-2], 'usage.input=11 usage.output=3 provider=nova');
holds($records[-1], 'outcome=upstream_error');


=== Google's tokens are fetched, and requests wait for the first one
--- http_config eval: $::Vertex . 'llm_key caller { secret plain:sk-test; models *; }'
--- config eval: $::Route
--- provider eval
"token POST /:
    pause 300
    json {\"access_token\": \"ya29.secret\", \"expires_in\": 3600}

vertex POST /*:generateContent:
    json $::Gemini"
--- may_log: [crit]
--- steps
my $r = post('/v1/chat/completions', '{"model": "vertex",
    "messages": [{"role": "user", "content": "Hi"}]}');

is($r->{status}, 200, 'status');

my ($sent) = grep { $_->{name} eq 'vertex' } sent();
is($sent->{headers}{authorization}, 'Bearer ya29.secret', 'the token');

my ($token) = grep { $_->{name} eq 'token' } sent();
like($token->{body}, qr/^grant_type=urn%3A.*&assertion=[\w-]+\.[\w-]+\.[\w-]+$/,
     'what it was asked for with');


=== nobody waits for a token beyond the deadline of the class
--- http_config eval
$::Vertex . 'llm_class default { attempts 1; deadline 500ms; last_resort on; }
    llm_key caller { secret plain:sk-test; models *; }'
--- config eval: $::Route
--- provider eval
"token POST /:
    pause 4000
    json {\"access_token\": \"ya29.secret\", \"expires_in\": 3600}"
--- may_log: [crit]
--- steps
my $from = Time::HiRes::time();
my $r = post('/v1/chat/completions', '{"model": "vertex",
    "messages": [{"role": "user", "content": "Hi"}]}');
my $passed = Time::HiRes::time() - $from;

is("$r->{status} $r->{json}{error}{code}", '504 upstream_timeout', 'status');
ok($passed > 0.4 && $passed < 3, "it took $passed s");
like($r->{json}{error}{message}, qr/no access token came in time/, 'why');


=== a client who leaves while a token is fetched is not waited for
--- http_config eval
$::Vertex . 'llm_class default { attempts 1; last_resort on; }
    llm_key caller { secret plain:sk-test; models *; }'
--- config eval: $::Route
--- provider eval
"token POST /:
    pause 4000
    json {\"access_token\": \"ya29.secret\", \"expires_in\": 3600}

vertex POST /*:generateContent:
    json $::Gemini"
--- may_log: [crit]
--- steps
my $from = Time::HiRes::time();
my $ask = '{"model": "vertex", "messages": [{"role": "user", "content": "Hi"}]}';

LLM::Client::run($Test::Nginx::Util::ServerPort,
    'send POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n'
    . 'Authorization: Bearer sk-test\r\nContent-Length: ' . length($ask)
    . '\r\n\r\n' . "$ask\npause 200\nclose\n", 3);
my $record = (records(1))[0];
my $passed = Time::HiRes::time() - $from;

ok($passed < 2, "its record came after $passed s");
holds($record, 'status=499 outcome=client_closed');


=== nor for one that cannot be asked for
--- http_config eval
($::Vertex =~ s/\$TEST_NGINX_ACCOUNT/$::Dir\/nowhere.json/gr)
    . 'llm_key caller { secret plain:sk-test; models *; }'
--- config eval: $::Route
--- may_log: [crit]
--- steps
for my $n (1 .. 3) {
    my $r = post('/v1/chat/completions', '{"model": "vertex",
        "messages": [{"role": "user", "content": "Hi"}]}');
    is($r->{status}, 502, "request $n is answered");
}


=== a token from a file, which is read again when it changes
--- http_config eval
main::put('entra', "first.token\n");
'llm_provider azure {
     protocol     openai quirks=azure;
     api_version  2024-10-21;
     pass         http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/chat/openai;
     credential   bearer file:' . "$::Dir/entra" . ';
 }

 llm_model gpt { route azure model=my-gpt; }
 llm_key caller { secret plain:sk-test; models *; }'
--- config eval: $::Route
--- may_log: [crit]
--- steps
LLM::Provider::play("chat POST:\n json $::Chat\n");

my $token = sub {
    my $r = post('/v1/chat/completions', '{"model": "gpt", "messages": []}');
    my ($sent) = reverse sent();
    return "$r->{status} $sent->{headers}{authorization}" . ($sent->{headers}{'api-key'} // '');
};

is($token->(), '200 Bearer first.token', 'the first one');

main::put('entra.new', 'second.token');
rename "$::Dir/entra.new", "$::Dir/entra";

ok(LLM::Provider::wait_for(15, sub { sleep 1; $token->() eq '200 Bearer second.token' }),
   'the second one');

main::put('entra.new', "no token\n");
rename "$::Dir/entra.new", "$::Dir/entra";
sleep 6;
is($token->(), '200 Bearer second.token', 'which stays while the file has none');

my $log = do { local (@ARGV, $/) = "$Test::Nginx::Util::ErrLogFile"; <> };
is(scalar(() = $log =~ /\[crit\].*token file ".*" of llm provider "azure" cannot be read: it holds no token/g),
   1, 'as is told once');
unlike($log, qr/first\.token|second\.token/, 'and no token is');


=== a file without a token is refused by nginx -t
--- http_config eval
main::put('empty', " \n");
'llm_provider p { protocol openai; pass http://127.0.0.1:1; credential bearer file:' . "$::Dir/empty; }"
--- config
--- must_die
--- error_log
in "credential" directive holds no token


=== a credential of AWS is for what it can sign
--- http_config
    llm_provider p {
        protocol    openai;
        pass        http://127.0.0.1:1;
        credential  aws region=eu-west-1 access_key=a secret_key=b;
    }
--- config
--- must_die
--- error_log
"credential aws" of llm_provider "p" needs "protocol bedrock"


=== credentials that do not fit are refused by nginx -t
--- http_config
    llm_provider p {
        protocol    bedrock;
        pass        http://127.0.0.1:1;
        credential  aws access_key=a secret_key=b;
    }
--- config
--- must_die
--- error_log
no "region=" in "credential" of llm_provider "p", and its host names none


=== quirks are known by name
--- http_config
    llm_provider p {
        protocol  openai quirks=depseek;
        pass      http://127.0.0.1:1;
    }
--- config
--- must_die
--- error_log
unknown quirk "depseek" in "protocol" directive
