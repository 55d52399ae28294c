# What is no conversation, served by providers that have another call for it:
# embeddings, images, audio, videos, counts of tokens.  What goes out, what
# comes back, what is recorded and billed, and errors in the client's words.

use lib 't/lib';
use LLM 'no_plan';

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

our $Http = <<'_EOC_';
    llm_provider mock {
        protocol  openai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/chat/v1;
        api_key   key-openai;
    }

    llm_provider azure {
        protocol     openai quirks=azure;
        api_version  2024-10-21;
        pass         http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/azure/openai;
        api_key      key-azure;
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

    llm_provider vertex {
        protocol  gemini quirks=vertex;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/vertex/v1/projects/p/locations/l/publishers/google;
        api_key   key-vertex;
    }

    llm_provider aws {
        protocol    bedrock;
        pass        http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/aws;
        credential  aws region=eu-west-1 access_key=AKID secret_key=s3cret;
    }

    llm_provider xai {
        protocol  openai quirks=xai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/xai/v1;
        api_key   key-xai;
    }

    llm_key caller {
        secret  plain:sk-test;
        models  *;
    }

    llm_key other {
        secret  plain:sk-other;
        models  *;
    }
_EOC_

our $Embed = $Http . <<'_EOC_';
    llm_model small  { endpoint embeddings gemini; route mock model=text-embedding-3-small;
                       price input=0.02; }
    llm_model azure  { endpoint embeddings gemini; route azure model=my-embed; }
    llm_model gecko  { endpoint embeddings gemini; route google model=gemini-embedding-001;
                       price input=0.15; default dimensions=2; }
    llm_model vertex { endpoint embeddings gemini; route vertex model=text-embedding-005; }
    llm_model titan  { endpoint embeddings gemini; route aws model=amazon.titan-embed-text-v2:0; }
    llm_model cohere { endpoint embeddings; route aws model=cohere.embed-v4:0; }
    llm_model claude { endpoint embeddings; route claude model=claude-a; }
    llm_model chain  { endpoint embeddings;
                       route google model=gemini-embedding-001;
                       route mock model=text-embedding-3-small;
                       price input=1; }
_EOC_

our $Count = $Http . <<'_EOC_';
    llm_model gpt    { route mock model=gpt-4o; price input=1 output=2; }
    llm_model sonnet { route claude model=claude-sonnet-4-5; price input=1 output=2; }
    llm_model flash  { route google model=gemini-2.5-flash; price input=1 output=2; }
    llm_model pro    { route vertex model=gemini-2.5-pro; }
    llm_model nova   { route aws model=amazon.nova-2-lite-v1:0; }
    llm_model haiku  { route aws model=anthropic.claude-haiku-4-5-v1:0; }
    llm_model chain  { route claude model=claude-a; route mock model=gpt-b priority=2; }
_EOC_

our $Media = $Http . <<'_EOC_';
    llm_model banana { endpoint images; route google model=gemini-2.5-flash-image;
                       price input=0.3 output=2.5 image_output=30; }
    llm_model imagen { endpoint images; route vertex model=imagen-4.0-generate-001;
                       price image=0.04; }
    llm_model tts    { endpoint audio; route google model=gemini-2.5-flash-preview-tts; }
    llm_model hear   { endpoint audio; route google model=gemini-2.5-flash; }
    llm_model veo    { endpoint video; route google model=veo-3.0-generate-001;
                       price video_second=0.4; }
    llm_model vveo   { endpoint video; route vertex model=veo-3.0-generate-001; }
    llm_model grok   { endpoint video; route xai model=grok-imagine-video;
                       price video_second=0.05; }
_EOC_

our $Route = <<'_EOC_';
    location /v1 {
        llm_route;
    }

    location /llm/ {
        llm_admin token=plain:admin-token;
    }
_EOC_

our $Gecko = '{"embeddings":[{"values":[0.5,-1e-3]},{"values":[1,2]}]}';

our $Small = '{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.25,3]}],"model":"m","usage":{"prompt_tokens":7,"total_tokens":7}}';

sub LLM::Steps::form {
    return join('', map { "--B\r\nContent-Disposition: form-data; $_\r\n" } @_)
           . "--B--\r\n";
}

run_tests();

__DATA__

=== an OpenAI client's embeddings by Gemini
--- http_config eval: $::Embed
--- config eval: $::Route
--- post: /v1/embeddings
--- body: {"model": "gecko", "input": ["first", "second"], "user": "u1"}
--- provider eval
"google POST /v1beta/models/gemini-embedding-001:batchEmbedContents:
    header x-goog-ratelimit: 5
    json $::Gecko"
--- response_json
object=list model=gecko data.0.object=embedding data.0.index=0 data.0.embedding.0=0.5
data.1.index=1 data.1.embedding.1=2 usage.prompt_tokens>0 usage.total_tokens>0
--- response_headers
X-LLM-Provider: google
X-LLM-Upstream-Model: gemini-embedding-001
X-LLM-Attempts: 1
X-LLM-Dropped: user
Content-Type: application/json
!x-goog-ratelimit
--- provider_json
requests.length=2 requests.0.model=models/gemini-embedding-001
requests.0.content.parts.0.text=first requests.1.content.parts.0.text=second
requests.0.outputDimensionality=2 !model !input
--- provider_request_like
^POST /google/v1beta/models/gemini-embedding-001:batchEmbedContents HTTP/1\.1\r$
x-goog-api-key: key-gemini
Content-Type: application/json
--- provider_request_unlike
sk-test
--- usage_log
endpoint=embeddings protocol=openai provider=google outcome=ok status=200
usage.input>0 usage.requests=1 estimated=true attempts.length=1 attempts.0.status=200 cost~^0\.


=== embeddings as base64, which the OpenAI SDKs ask for
--- http_config eval: $::Embed
--- config eval: $::Route
--- post: /v1/embeddings
--- body: {"model": "gecko", "input": "first", "encoding_format": "base64"}
--- provider
google POST:
    json {"embeddings":[{"values":[0.5,-2]}],"usageMetadata":{"promptTokenCount":3}}
--- response_json eval
'usage.prompt_tokens=3 data.0.embedding='
    . MIME::Base64::encode(pack('f<2', 0.5, -2), '')
--- response_headers
X-LLM-Cost: 0.00000045
--- usage_log
usage.input=3 estimated=false cost=0.00000045


=== Vertex AI, Titan and Cohere
--- http_config eval: $::Embed
--- config eval: $::Route
--- steps
LLM::Provider::play('
vertex POST /v1/projects/p/locations/l/publishers/google/models/text-embedding-005:predict:
    json {"predictions":[{"embeddings":{"values":[1,2],"statistics":{"token_count":4}}}]}
aws POST /model/amazon.titan-embed-text-v2%3A0/invoke:
    json {"embedding":[3,4],"inputTextTokenCount":5}
aws POST /model/cohere.embed-v4%3A0/invoke:
    json {"embeddings":{"float":[[5,6],[7,8]]}}
');

my $r = post('/v1/embeddings', '{"model": "vertex", "input": "a", "dimensions": 2}');
holds($r, 'data.0.embedding.1=2 usage.prompt_tokens=4', 'Vertex');

my ($sent) = reverse sent();
is($sent->{body}, '{"instances":[{"content":"a"}],"parameters":{"outputDimensionality":2}}',
   'what it was asked');
is($sent->{headers}{'x-goog-api-key'}, 'key-vertex', 'with its key');

$r = post('/v1/embeddings', '{"model": "titan", "input": "a"}');
holds($r, 'data.0.embedding.0=3 usage.prompt_tokens=5', 'Titan');

($sent) = reverse sent();
is($sent->{body}, '{"inputText":"a"}', 'what it was asked');
like($sent->{headers}{authorization},
     qr{^AWS4-HMAC-SHA256 Credential=AKID/\d{8}/eu-west-1/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=[0-9a-f]{64}$},
     'its signature');

$r = post('/v1/embeddings', '{"model": "titan", "input": ["a", "b"]}');
is($r->{status}, 400, 'Titan embeds one text a request');
holds($r, 'error.code=unsupported_parameter error.param=input', 'and says so');

$r = post('/v1/embeddings', '{"model": "cohere", "input": ["a", "b"]}');
holds($r, 'data.1.embedding.1=8', 'Cohere');

my @records = records(4);
holds($records[0], 'provider=vertex usage.input=4 cost=null');
holds($records[2], 'outcome=rejected code=unsupported_parameter');


=== a Gemini client's embeddings by an OpenAI provider, one and many
--- http_config eval: $::Embed
--- config eval: $::Route
--- steps
LLM::Provider::play("chat POST /v1/embeddings:\n json $::Small\n"
                    . "azure POST /openai/deployments/my-embed/embeddings:\n json $::Small\n");

my $one = '"content": {"parts": [{"text": "a"}]}, "taskType": "RETRIEVAL_QUERY"';

my $r = post('/v1beta/models/small:embedContent', "{$one}");
holds($r, 'embedding.values.0=0.25', 'one');
is($r->{headers}{'x-llm-dropped'}, 'taskType', 'what was left out');

my ($sent) = reverse sent();
holds({ content => '', reason => '', json => JSON::PP::decode_json($sent->{body}) },
      'model=text-embedding-3-small input.0=a encoding_format=float', 'what was asked');
is($sent->{headers}{authorization}, 'Bearer key-openai', 'with its key');

$r = post('/v1beta/models/small:batchEmbedContents',
          qq({"requests": [{"model": "models/small", $one}]}));
holds($r, 'embeddings.0.values.1=3', 'many');

$r = post('/v1beta/models/azure:embedContent', "{$one}");
holds($r, 'embedding.values.0=0.25', "by Azure's dated path");

($sent) = reverse sent();
is("$sent->{path}?$sent->{query}", '/azure/openai/deployments/my-embed/embeddings?api-version=2024-10-21',
   'which it was');
is($sent->{headers}{'api-key'}, 'key-azure', 'with its key');

holds($_, 'endpoint=gemini protocol=gemini usage.input=7 estimated=false') for records(3);


=== a route of the client's own protocol goes first in one priority
--- http_config eval: $::Embed
--- config eval: $::Route
--- steps
LLM::Provider::play("chat POST:\n json $::Small\n");

for (1 .. 4) {
    my $r = post('/v1/embeddings', '{"model": "chain", "input": "a"}');
    is($r->{headers}{'x-llm-provider'}, 'mock', 'its provider');
    is($r->{content}, $::Small, 'byte for byte');
}

my $r = post('/llm/explain?path=/v1/embeddings', '{"model": "chain", "input": "a"}',
             key => 'admin-token');

holds($r, 'plan.0=chain#2 plan.1=chain#1 decision.0.translated=true decision.0.kept=true !decision.1.translated',
      'and explain says so');

records(4);


=== a ladder leads from one protocol to another
--- http_config eval: $::Embed
--- config eval: $::Route
--- ladder
--- post: /v1/embeddings
--- body: {"model": "chain", "input": "a"}
--- provider
chat POST:
    status 500
    json {"error":{"message":"broken"}}

google POST:
    json {"embeddings":[{"values":[0.5]}]}
--- response_json
data.0.embedding.0=0.5
--- response_headers
X-LLM-Rung: switch
X-LLM-Provider: google
X-LLM-Attempts: 2
--- calls: chat=1 google=1
--- usage_log
outcome=ok attempts.0.status=500 attempts.0.cost=0 attempts.1.provider=google
attempts.1.rung=switch


=== a failure of a converted call is one of the ladder's, and the last one is told
--- http_config eval: $::Embed
--- config eval: $::Route
--- ladder
--- steps
LLM::Provider::play('
chat POST:
    status 500
    json {"error":{"message":"broken"}}

google POST:
    status 429
    header Retry-After: 7
    json {"error":{"code":429,"message":"Quota exceeded for the day","status":"RESOURCE_EXHAUSTED"}}
');

my $r = post('/v1/embeddings', '{"model": "chain", "input": "a"}');

is($r->{status}, 429, 'status');
is($r->{headers}{'retry-after'}, 7, 'when to ask again');
is($r->{headers}{'content-type'}, 'application/json', 'type');
holds($r, 'error.message="Quota exceeded for the day" error.type~. !error.status', 'its words, OpenAI shape');

my ($record) = records(1);
holds($record, 'outcome=upstream_error status=429 attempts.1.status=429 cost=0');


=== errors of a provider in the words of a Gemini client
--- http_config eval: $::Embed
--- config eval: $::Route
--- steps
LLM::Provider::play('
chat POST:
    status 400
    json {"error":{"message":"too many dimensions","type":"invalid_request_error","param":"dimensions","code":null}}
');

my $r = post('/v1beta/models/small:embedContent', '{"content": {"parts": [{"text": "a"}]}}');

is($r->{status}, 400, 'status');
holds($r, 'error.code=400 error.message="too many dimensions" error.status=INVALID_ARGUMENT', 'words');

LLM::Provider::play("chat POST:\n status 401\n json {\"error\":{\"message\":\"Incorrect API key provided: key-openai\"}}\n");

$r = post('/v1beta/models/small:embedContent', '{"content": {"parts": [{"text": "a"}]}}');

is($r->{status}, 502, 'our key is not the client\'s fault');
unlike($r->{content}, qr/key-openai/, 'and stays here');

records(2);
--- may_log: [crit]


=== answers that make no sense are failures
--- http_config eval: $::Embed
--- config eval: $::Route
--- steps
my %bad = (
    'too few'    => 'json {"embeddings":[]}',
    'no JSON'    => 'text <html>',
    'a stream'   => "sse\n data {\"a\":1}",
    'nothing'    => 'length 0',
    'no content' => 'status 204',
    'compressed' => "gzip\n json {\"embeddings\":[{\"values\":[1]}]}",
);

for my $how (sort keys %bad) {
    LLM::Provider::play("google POST:\n $bad{$how}\n");

    my $r = post('/v1/embeddings', '{"model": "gecko", "input": "a"}');
    is($r->{status}, 502, "$how: status");
    holds($r, 'error.code=upstream_error', "$how: code");
}

holds($_, 'outcome=upstream_error cost=0') for records(scalar keys %bad);


=== an answer that is cut is a failure that may have cost something
--- http_config eval: $::Embed
--- config eval: $::Route
--- post: /v1/embeddings
--- body: {"model": "gecko", "input": "a"}
--- provider
google POST:
    length 100
    body {"embed
    cut
--- error_code: 502
--- usage_log
outcome=upstream_error estimated=true cost~^0.0


=== a body in chunks, or that ends with its connection
--- http_config eval: $::Embed
--- config eval: $::Route
--- steps
for my $how ('chunked', 'close') {
    LLM::Provider::play("google POST:\n $how\n body {\"embeddings\":[\n pause 20\n body {\"values\":[0.5]}]}\n");

    my $r = post('/v1/embeddings', '{"model": "gecko", "input": "a"}');
    holds($r, 'data.0.embedding.0=0.5', $how);
}

holds($_, 'outcome=ok') for records(2);


=== a stall is a timeout
--- config eval: $::Route
--- post: /v1/embeddings
--- body: {"model": "slow", "input": "a"}
--- http_config eval
$::Http . 'llm_provider slow { protocol gemini; timeout first_byte=100ms;
                               pass http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/slow; }
           llm_model slow { endpoint embeddings; route slow model=m; }'
--- provider
slow POST:
    hang
--- error_code: 504
--- usage_log
outcome=upstream_error code=upstream_timeout


=== what cannot be asked of a provider is refused by its name
--- http_config eval: $::Embed
--- config eval: $::Route
--- steps
my $r = post('/v1/embeddings', '{"model": "gecko", "input": [1, 2, 3]}');
is($r->{status}, 400, 'tokens: status');
holds($r, 'error.code=unsupported_parameter error.param=input decision.0.reason=untranslatable', 'tokens');

$r = post('/v1/embeddings', '{"model": "claude", "input": "a"}');
is($r->{status}, 503, 'no embeddings there: status');
holds($r, 'error.code=no_route decision.0.reason=protocol_mismatch', 'no embeddings there');

is(scalar sent(), 0, 'and nobody was called');

records(2);


=== where one route cannot take it, another does
--- http_config eval: $::Embed
--- config eval: $::Route
--- steps
LLM::Provider::play("chat POST:\n json $::Small\n");

my $r = post('/v1/embeddings', '{"model": "chain", "input": [1, 2, 3]}');
is($r->{headers}{'x-llm-provider'}, 'mock', 'its provider');

records(1);


=== a budget is charged with what the provider told
--- http_config eval
$::Embed . 'llm_limit key=caller budget=0.000002/day;'
--- config eval: $::Route
--- steps
LLM::Provider::play('
google POST:
    json {"embeddings":[{"values":[0.5]}],"usageMetadata":{"promptTokenCount":4}}
');

# 8 tokens are reserved for each, 4 are charged: 0.6e-6 USD

for my $status (200, 200, 402) {
    my $r = post('/v1/embeddings', '{"model": "gecko", "input": "a"}');
    is($r->{status}, $status, "status $status");
}

records(3);

=== tokens are counted by the provider's own counter, and are free
--- http_config eval: $::Count
--- config eval: $::Route
--- steps
LLM::Provider::play('
google POST /v1beta/models/gemini-2.5-flash:countTokens:
    json {"totalTokens":17,"promptTokensDetails":[]}
vertex POST /v1/projects/p/locations/l/publishers/google/models/gemini-2.5-pro:countTokens:
    json {"totalTokens":18}
aws POST /model/amazon.nova-2-lite-v1%3A0/count-tokens:
    json {"inputTokens":19}
aws POST /model/anthropic.claude-haiku-4-5-v1%3A0/count-tokens:
    json {"inputTokens":20}
claude POST /v1/messages/count_tokens:
    json {"input_tokens":21}
');

my %headers = ('anthropic-version' => '2023-06-01', 'anthropic-beta' => 'token-counting-1');
my $ask = '"system": "Be brief.", "messages": [{"role": "user", "content": "Hi"}]}';

for (['flash', 17, 'google'], ['pro', 18, 'vertex'], ['nova', 19, 'aws'],
     ['haiku', 20, 'aws'], ['sonnet', 21, 'claude'])
{
    my ($model, $tokens, $provider) = @$_;
    my $r = post('/v1/messages/count_tokens?beta=true', qq({"model": "$model", $ask),
                 headers => \%headers);

    is($r->{status}, 200, "$model: status");
    holds($r, "input_tokens=$tokens", "$model: tokens");
    is($r->{headers}{'x-llm-provider'}, $provider, "$model: provider");
}

my @sent = sent();

is($sent[0]{body}, '{"generateContentRequest":{"model":"models/gemini-2.5-flash",'
    . '"systemInstruction":{"parts":[{"text":"Be brief."}]},'
    . '"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}}', 'what Gemini was asked')
    or diag($sent[0]{body});
like($sent[1]{body}, qr/^\{"systemInstruction":.*"contents":/, 'what Vertex AI was asked');
like($sent[2]{body}, qr/^\{"input":\{"converse":\{/, 'what Nova was asked');
like($sent[3]{body}, qr/^\{"input":\{"invokeModel":\{"body":"/, 'what Claude on Bedrock was asked');
is($sent[4]{query}, 'beta=true', 'Anthropic is asked as the client did');
unlike($sent[0]{raw}, qr/anthropic/i, 'the client\'s own headers stay here');

holds($_, 'endpoint=messages outcome=ok cost=0 !usage.input') for records(5);


=== a Gemini client's tokens, by Anthropic and Bedrock
--- http_config eval: $::Count
--- config eval: $::Route
--- steps
LLM::Provider::play('
claude POST /v1/messages/count_tokens:
    json {"input_tokens":21}
aws POST /model/amazon.nova-2-lite-v1%3A0/count-tokens:
    json {"inputTokens":19}
google POST /v1beta/models/gemini-2.5-flash:countTokens:
    json {"totalTokens":17}
');

my $ask = '{"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}';

for (['sonnet', 21], ['nova', 19], ['flash', 17]) {
    my $r = post("/v1beta/models/$_->[0]:countTokens", $ask);
    holds($r, "totalTokens=$_->[1]", $_->[0]);
}

my ($sent) = sent();
like($sent->{body}, qr/"model":"claude-sonnet-4-5".*"messages":\[/, 'what Anthropic was asked');
unlike($sent->{body}, qr/"max_tokens"/, 'no more than it takes');

holds($_, 'endpoint=gemini outcome=ok cost=0') for records(3);


=== where a provider has no counter the gateway estimates, and calls nobody
--- http_config eval
$::Count . 'llm_limit key=caller inflight=1;'
--- config eval: $::Route
--- steps
my $ask = '"messages": [{"role": "user", "content": "' . ('word ' x 400) . '"}]}';

my $r = post('/v1/messages/count_tokens', qq({"model": "gpt", $ask));

is($r->{status}, 200, 'status');
is($r->{headers}{'content-type'}, 'application/json', 'type');
ok($r->{headers}{'x-llm-request-id'}, 'its id');
ok(!exists $r->{headers}{'x-llm-provider'}, 'no provider');
holds($r, 'input_tokens>400 input_tokens<800', 'tokens');

$r = post('/v1beta/models/gpt:countTokens', '{"contents": [{"parts": [{"text": "'
          . ('word ' x 400) . '"}]}]}');
holds($r, 'totalTokens>400 totalTokens<800', 'of a Gemini client');

is(scalar sent(), 0, 'nobody was called');

holds($_, 'outcome=ok status=200 model=gpt attempts.length=0 cost=0 !provider') for records(2);


=== one who waits for another route is answered by the gateway
--- http_config eval
$::Http . <<'_EOC_2'
    llm_class default { retry off; switch off; queue 10s on=429; attempts 3; }

    llm_model either {
        endpoint  messages;
        route     claude;
        route     mock priority=2;
    }
_EOC_2
--- config eval: $::Route
--- steps
LLM::Provider::play('claude POST:
    status 429
    header Retry-After: 60
    json {"type":"error","error":{"type":"rate_limit_error","message":"no"}}
');

my $ask = '{"model": "either", "messages": [{"role": "user", "content": "Hi"}]}';
my $r = post('/v1/messages/count_tokens', $ask);

is($r->{status}, 200, 'status');
holds($r, 'input_tokens>0', 'tokens');
is(scalar sent(), 1, 'the other one was called');

$r = post('/v1/messages/count_tokens', $ask);
is($r->{status}, 200, 'and the next one');

holds($_, 'outcome=ok status=200') for records(2);


=== a count that cannot be made is told in the client's words
--- http_config eval: $::Count
--- config eval: $::Route
--- steps
my $r = post('/v1/messages/count_tokens', '{"model": "gpt", "messages": 5}');

is($r->{status}, 400, 'status');
holds($r, 'type=error error.type=invalid_request_error', 'shape');

LLM::Provider::play('
aws POST:
    status 400
    json {"message":"The provided model doesn\'t support counting tokens."}
');

$r = post('/v1/messages/count_tokens', '{"model": "nova", "messages": [{"role": "user", "content": "Hi"}]}');

is($r->{status}, 400, 'a provider\'s: status');
holds($r, 'type=error error.message="The provided model doesn\'t support counting tokens."', 'its words');

records(2);


=== a count moves on to where it can be estimated
--- http_config eval: $::Count
--- config eval: $::Route
--- ladder
--- post: /v1/messages/count_tokens
--- body: {"model": "chain", "messages": [{"role": "user", "content": "Hi"}]}
--- provider
claude POST:
    status 529
    json {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}
--- response_json
input_tokens>0
--- calls: claude=1
--- usage_log
outcome=ok status=200 attempts.length=1 attempts.0.status=529 cost=0

=== a connection stays open behind an answer of the gateway's own
--- http_config eval: $::Count
--- config eval: $::Route
--- client eval
my $body = '{"model": "gpt", "messages": [{"role": "user", "content": "Hi"}]}';
my $ask = "POST /v1/messages/count_tokens HTTP/1.1\\r\\nHost: x\\r\\nx-api-key: sk-test\\r\\n"
          . 'Content-Length: ' . length($body) . "\\r\\n\\r\\n$body";
"send $ask\nuntil input_tokens\nsend $ask\nuntil (?s)input_tokens.*input_tokens\n"
--- client_like
(?s)200 OK.*input_tokens.*200 OK.*input_tokens
--- usage_records: 2


=== images by Gemini: generations and edits
--- http_config eval: $::Media
--- config eval: $::Route
--- steps
my $png = "\x89PNG\r\n\x1a\n" . ("\0" x 40);
my $data = MIME::Base64::encode($png, '');

LLM::Provider::play(qq(
google POST /v1beta/models/gemini-2.5-flash-image:generateContent:
    json {"candidates":[{"content":{"parts":[{"text":"Here"},{"inlineData":{"mimeType":"image/png","data":"$data"}}],"role":"model"},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":1290,"totalTokenCount":1298,"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1290}]}}
));

my $r = post('/v1/images/generations', '{"model": "banana", "prompt": "A cat", "n": 1,
    "size": "1536x1024", "quality": "high", "response_format": "b64_json"}');

is($r->{status}, 200, 'status');
holds($r, "data.length=1 data.0.b64_json=$data created>1 output_format=png usage.input_tokens=8 usage.output_tokens=1290", 'the image');
is($r->{headers}{'x-llm-dropped'}, 'quality', 'what was left out');
is($r->{headers}{'x-llm-cost'}, '0.0387024', 'its cost, by tokens');

my ($sent) = sent();
is($sent->{body}, '{"contents":[{"role":"user","parts":[{"text":"A cat"}]}],"generationConfig":{"responseModalities":["TEXT","IMAGE"],"imageConfig":{"aspectRatio":"3:2"}}}', 'what was asked');

my $form = join '', map { "--B\r\nContent-Disposition: form-data; $_\r\n" }
    qq(name="image[]"; filename="cat.png"\r\nContent-Type: image/png\r\n\r\n$png),
    qq(name="prompt"\r\n\r\nMake it blue),
    qq(name="model"\r\n\r\nbanana);

$r = post('/v1/images/edits', "$form--B--\r\n", type => 'multipart/form-data; boundary=B');
is($r->{status}, 200, 'an edit: status') or diag($r->{content});

($sent) = reverse sent();
like($sent->{body}, qr/"parts":\[\{"text":"Make it blue"\},\{"inlineData":\{"mimeType":"image\/png","data":"\Q$data\E"\}\}\]/, 'what was asked');
is($sent->{headers}{'content-type'}, 'application/json', 'as JSON');

holds($_, 'endpoint=images provider=google usage.image_output=1290 usage.input=8 outcome=ok') for records(2);


=== images by Imagen, billed by the piece
--- http_config eval: $::Media
--- config eval: $::Route
--- post: /v1/images/generations
--- body: {"model": "imagen", "prompt": "A cat", "n": 2}
--- provider
vertex POST /v1/projects/p/locations/l/publishers/google/models/imagen-4.0-generate-001:predict:
    json {"predictions":[{"mimeType":"image/png","bytesBase64Encoded":"AAAA"},{"mimeType":"image/png","bytesBase64Encoded":"BBBB"}]}
--- response_json
data.length=2 data.1.b64_json=BBBB !usage
--- response_headers
X-LLM-Cost: 0.08
--- provider_json
instances.0.prompt="A cat" parameters.sampleCount=2
--- usage_log
usage.images=2 cost=0.08 estimated=false


=== an image against the provider's rules is the caller's error, and free
--- http_config eval: $::Media
--- config eval: $::Route
--- ladder
--- steps
LLM::Provider::play('
vertex POST:
    json {"predictions":[{"raiFilteredReason":"Unsafe prompt, code 42"}]}
');

my $r = post('/v1/images/generations', '{"model": "imagen", "prompt": "A cat"}');

is($r->{status}, 400, 'status');
is($r->{headers}{'content-type'}, 'application/json', 'type');
holds($r, 'error.code=content_policy_violation error.message~Unsafe', 'words');

my ($record) = records(1);
holds($record, 'outcome=upstream_error status=400 attempts.length=1 attempts.0.status=200 cost=0');
unlike(JSON::PP::encode_json($record), qr/Unsafe/, 'and none of its words in the record');


=== what images cannot be asked for
--- http_config eval: $::Media
--- config eval: $::Route
--- steps
for (['"n": 2', 'n'], ['"size": "100x37"', 'size'], ['"stream": true', 'stream'],
     ['"response_format": "url"', 'response_format'])
{
    my $r = post('/v1/images/generations', qq({"model": "banana", "prompt": "A cat", $_->[0]}));
    is($r->{status}, 400, "$_->[1]: status");
    holds($r, "error.code=unsupported_parameter error.param=$_->[1]", $_->[1]);
}

my $r = post('/v1/images/generations', '{"model": "imagen", "prompt": "A cat", "n": 5}');
holds($r, 'error.param=n', 'Imagen: n');

is(scalar sent(), 0, 'nobody was called');

records(5);


=== speech by Gemini, as PCM and as a WAVE file
--- http_config eval: $::Media
--- config eval: $::Route
--- steps
my $pcm = pack 's<*', 1 .. 50;
my $data = MIME::Base64::encode($pcm, '');

LLM::Provider::play(qq(
google POST /v1beta/models/gemini-2.5-flash-preview-tts:generateContent:
    json {"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"audio/L16;codec=pcm;rate=24000","data":"$data"}}],"role":"model"},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":100,"totalTokenCount":105,"candidatesTokensDetails":[{"modality":"AUDIO","tokenCount":100}]}}
));

my $ask = '"model": "tts", "input": "Hello", "voice": "Kore"';

my $r = post('/v1/audio/speech', qq({$ask, "response_format": "pcm", "speed": 1.5}));
is($r->{status}, 200, 'status');
is($r->{headers}{'content-type'}, 'audio/pcm', 'type');
is($r->{headers}{'content-length'}, 100, 'length');
is($r->{content}, $pcm, 'bytes');
is($r->{headers}{'x-llm-dropped'}, 'speed', 'what was left out');

$r = post('/v1/audio/speech', qq({$ask, "response_format": "wav"}));
is($r->{headers}{'content-type'}, 'audio/wav', 'a file: type');
like($r->{content}, qr/^RIFF\x88\0\0\0WAVEfmt /, 'its head');
is(substr($r->{content}, 44), $pcm, 'its bytes');

my ($sent) = sent();
like($sent->{body}, qr/"voiceName":"Kore"/, 'the voice');

$r = post('/v1/audio/speech', qq({$ask}));
is($r->{status}, 400, 'mp3 is not to be had: status');
holds($r, 'error.code=unsupported_parameter error.param=response_format', 'and says so');

my @records = records(3);
holds($_, 'endpoint=audio usage.audio_output=100 usage.input=5 outcome=ok') for @records[0, 1];


=== transcripts and translations by Gemini
--- http_config eval: $::Media
--- config eval: $::Route
--- steps
LLM::Provider::play('
google POST /v1beta/models/gemini-2.5-flash:generateContent:
    json {"candidates":[{"content":{"parts":[{"text":"Hello there."}],"role":"model"},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":30,"candidatesTokenCount":3,"totalTokenCount":33,"promptTokensDetails":[{"modality":"TEXT","tokenCount":10},{"modality":"AUDIO","tokenCount":20}]}}
');

my $mp3 = "ID3" . ("\1" x 100_000);
my $file = qq(name="file"; filename="a.mp3"\r\nContent-Type: audio/mpeg\r\n\r\n$mp3);

sub field { return qq(name="$_[0]"\r\n\r\n$_[1]) }

my @type = (type => 'multipart/form-data; boundary=B');

# the model comes behind the file

my $r = post('/v1/audio/transcriptions', form($file, field(language => 'en'), field(model => 'hear')), @type);
is($r->{status}, 200, 'status') or diag($r->{content});
holds($r, 'text="Hello there." usage.input_tokens=30', 'text');

my ($sent) = sent();
like($sent->{body}, qr/"inlineData":\{"mimeType":"audio\/mp3","data":"SUQz/, 'what was asked');
is($sent->{length}, $sent->{headers}{'content-length'}, 'all of it');

$r = post('/v1/audio/translations', form(field(model => 'hear'), field(response_format => 'text'), $file), @type);
is($r->{content}, "Hello there.\n", 'a translation, as text');
like($r->{headers}{'content-type'}, qr{^text/plain}, 'its type');

($sent) = reverse sent();
like($sent->{body}, qr/English/, 'into English');

$r = post('/v1/audio/transcriptions', form(field(model => 'hear'), field(response_format => 'srt'), $file), @type);
holds($r, 'error.code=unsupported_parameter error.param=response_format', 'subtitles are not to be had');

my @records = records(3);
holds($_, 'endpoint=audio usage.input=10 usage.audio_input=20 usage.output=3 outcome=ok') for @records[0, 1];


=== an upload is written anew for each attempt, without piling up
--- http_config eval
$::Media . 'llm_class default { retry 4 on=5xx backoff=1ms,1ms; attempts 5; }'
--- config
location /v1 {
    llm_route;
    client_max_body_size     64m;
    client_body_buffer_size  64k;
}
--- ladder
--- steps
my $wav = "RIFF\0\0\0\0WAVEfmt " . ("\1" x 15_000_000);

my $ask = form(qq(name="model"\r\n\r\nhear), qq(name="file"; filename="a.wav"\r\n\r\n$wav));
my @type = (type => 'multipart/form-data; boundary=B', timeout => 60);

LLM::Provider::play('
google POST #1-4:
    status 503
    json {"error":{"code":503,"message":"busy"}}

google POST:
    json {"candidates":[{"content":{"parts":[{"text":"One."}],"role":"model"},"finishReason":"STOP"}]}
');

my $r = post('/v1/audio/transcriptions', $ask, @type);
is($r->{status}, 200, 'status') or diag($r->{content});
is($r->{headers}{'x-llm-attempts'}, 5, 'attempts');
is(scalar(grep { $_->{length} > 20_000_000 } sent()), 5, 'whole each time');

$wav .= "\1" x 7_000_000;
$ask = form(qq(name="model"\r\n\r\nhear), qq(name="file"; filename="a.wav"\r\n\r\n$wav));

$r = post('/v1/audio/transcriptions', $ask, @type);
is($r->{status}, 413, 'more than Google takes: status');
holds($r, 'error.code=request_too_large decision.0.reason=untranslatable', 'and why');

records(2);

=== a video by Veo: created, polled, fetched
--- http_config eval: $::Media
--- config eval: $::Route
--- steps
my $mp4 = "\0\0\0\x18ftypmp42" . join('', map { chr($_ % 256) } 1 .. 70_000);
my $op = 'models/veo-3.0-generate-001/operations/a1b2';

main::put('mp4', $mp4);

LLM::Provider::play(qq(
google POST /v1beta/models/veo-3.0-generate-001:predictLongRunning:
    json {"name":"$op"}

google GET /v1beta/$op #2-3:
    json {"name":"$op","metadata":{}}

google GET /v1beta/$op:
    json {"name":"$op","done":true,"response":{"generateVideoResponse":{"generatedSamples":[{"video":{"uri":"https://generativelanguage.googleapis.com/v1beta/files/f00:download?alt=media"}}]}}}

google GET /v1beta/files/f00:download:
    header Content-Type: video/mp4
    file $::Dir/mp4 split=30000 pause=20
));

my $r = post('/v1/videos', '{"model": "veo", "prompt": "A cat", "seconds": "4", "size": "720x1280"}');

is($r->{status}, 200, 'status') or diag($r->{content});
holds($r, 'object=video status=queued progress=0 seconds=4 size=720x1280 model=veo error=null', 'the job');
is($r->{headers}{'x-llm-cost'}, '1.6', 'its cost');

my $id = $r->{json}{id};
like($id, qr/^video_[\w-]+_g[\w-]{24}$/, 'its id');

my ($sent) = sent();
is($sent->{body}, '{"instances":[{"prompt":"A cat"}],"parameters":{"durationSeconds":4,"aspectRatio":"9:16","resolution":"720p","sampleCount":1}}', 'what was asked');

$r = get("/v1/videos/$id");
is($r->{status}, 200, 'a poll: status');
holds($r, "status=in_progress id=$id seconds=4 size=720x1280", 'it is made');

$r = get("/v1/videos/$id/content");
is($r->{status}, 404, 'not ready: status');
holds($r, 'error.code=video_not_ready', 'not ready');

$r = get("/v1/videos/$id");
holds($r, "status=completed progress=100 id=$id", 'it is there');

$r = get("/v1/videos/$id/content");
is($r->{status}, 200, 'its content: status');
is($r->{headers}{'content-type'}, 'video/mp4', 'type');
is($r->{headers}{'content-length'}, length $mp4, 'length');
ok($r->{content} eq $mp4, 'bytes');
is($r->{headers}{'x-llm-attempts'}, 1, 'two calls are one attempt');

($sent) = reverse sent();
is("$sent->{method} $sent->{path}?$sent->{query}", 'GET /google/v1beta/files/f00:download?alt=media', 'whence');
is($sent->{headers}{'x-goog-api-key'}, 'key-gemini', 'with our key');
unlike($sent->{raw}, qr/sk-test/, 'and not the client\'s');

$r = get("/v1/videos/$id", key => 'sk-other');
is($r->{status}, 404, 'it is not another key\'s');

my @records = records(6);

holds($records[0], 'endpoint=video model=veo provider=google usage.video_seconds=4 cost=1.6 outcome=ok');
holds($_, 'endpoint=video model=veo cost=0 !usage.video_seconds') for @records[1 .. 4];
holds($records[4], 'outcome=ok attempts.length=1 attempts.0.status=200 attempts.0.bytes='
                   . length $mp4);
holds($records[5], 'outcome=rejected code=model_not_found');


=== a file that is elsewhere: the client is led there, without our key
--- http_config eval: $::Media
--- config eval: $::Route
--- steps
my $op = 'models/veo-3.0-generate-001/operations/a1b2';

my $play = sub {
    LLM::Provider::play(qq(
google POST:
    json {"name":"$op"}

google GET /v1beta/$op:
    json {"name":"$op","done":true,"response":{"generateVideoResponse":{"generatedSamples":[{"video":{"uri":"https://x/v1beta/files/f00:download"}}]}}}

google GET /v1beta/files/f00:download:
    status 302
    header Location: $_[0]
    header Set-Cookie: a=b
    header X-Secret: key-gemini
    text moved
));
};

$play->('');
my $id = post('/v1/videos', '{"model": "veo", "prompt": "A cat"}')->{json}{id};

$play->('https://storage.example/f00?sig=1');
my $r = get("/v1/videos/$id/content");

is($r->{status}, 302, 'status');
is($r->{headers}{location}, 'https://storage.example/f00?sig=1', 'where to');
is($r->{content}, '', 'no more than that');
is($r->{headers}{'content-length'}, 0, 'and it says so');
unlike(JSON::PP::encode_json($r->{headers}), qr/key-gemini|a=b/, 'nor any of its headers');
is(scalar sent(), 2, 'nobody went there');

for ('https://storage.example/f00?key=key-gemini', '/elsewhere', 'javascript:1') {
    $play->($_);
    $r = get("/v1/videos/$id/content");
    is($r->{status}, 502, "$_: status");
    ok(!exists $r->{headers}{location}, "$_: no Location");
    unlike($r->{content}, qr/key-gemini/, "$_: no key");
}

my @records = records(5);
holds($records[1], 'outcome=ok status=302 attempts.0.status=302 cost=0');
holds($records[2], 'outcome=upstream_error status=502 cost=0');


=== the second call of an attempt fails as the first one does
--- http_config eval
$::Media . 'llm_class default { retry 1 on=5xx backoff=1ms,1ms; }'
--- config eval: $::Route
--- ladder
--- steps
my $op = 'models/veo-3.0-generate-001/operations/a1b2';
my $done = qq(json {"name":"$op","done":true,"response":{"generateVideoResponse":{"generatedSamples":[{"video":{"uri":"https://x/v1beta/files/f00:download"}}]}}});

LLM::Provider::play(qq(google POST:\n json {"name":"$op"}\n));
my $id = post('/v1/videos', '{"model": "veo", "prompt": "A cat", "seconds": 8}')->{json}{id};

LLM::Provider::play(qq(
google GET /v1beta/$op:
    $done

google GET /v1beta/files/f00:download #2:
    status 503
    json {"error":{"code":503,"message":"busy"}}

google GET /v1beta/files/f00:download:
    header Content-Type: video/mp4
    text MP4
));

my $r = get("/v1/videos/$id/content");
is($r->{content}, 'MP4', 'after a retry: bytes');
is($r->{headers}{'x-llm-attempts'}, 2, 'attempts');
is(scalar sent(), 4, 'calls');

LLM::Provider::play(qq(
google GET /v1beta/$op:
    $done

google GET /v1beta/files/f00:download:
    status 404
    json {"error":{"code":404,"message":"File not found","status":"NOT_FOUND"}}
));

$r = get("/v1/videos/$id/content");
is($r->{status}, 404, 'it is gone: status');
holds($r, 'error.message="File not found"', 'its words');

LLM::Provider::play(qq(
google GET /v1beta/$op:
    $done

google GET /v1beta/files/f00:download:
    header Content-Type: video/mp4
    length 100
    text half
    cut
));

# which this client tries twice

$r = get("/v1/videos/$id/content");
is($r->{status}, 599, 'one that is cut is no whole answer');

my @records = records(5);
holds($records[0], 'usage.video_seconds=8 cost=3.2');
holds($records[1], 'outcome=ok attempts.length=2 attempts.0.status=503 attempts.1.status=200');
holds($records[3], 'outcome=truncated cost=0');


=== a video by Veo on Vertex AI, whose bytes are in its answer
--- http_config eval: $::Media
--- config eval: $::Route
--- steps
my $op = 'projects/p/locations/l/publishers/google/models/veo-3.0-generate-001/operations/77';
my $data = MIME::Base64::encode('MP4 bytes', '');
my $base = '/v1/projects/p/locations/l/publishers/google/models/veo-3.0-generate-001';

LLM::Provider::play(qq(
vertex POST $base:predictLongRunning:
    json {"name":"$op"}

vertex POST $base:fetchPredictOperation #2:
    json {"name":"$op"}

vertex POST $base:fetchPredictOperation #3-4:
    json {"name":"$op","done":true,"response":{"videos":[{"bytesBase64Encoded":"$data","mimeType":"video/mp4"}]}}

vertex POST $base:fetchPredictOperation:
    json {"name":"$op","done":true,"error":{"code":3,"message":"against our rules"}}
));

my $form = LLM::Steps::form(qq(name="model"\r\n\r\nvveo), qq(name="prompt"\r\n\r\nA cat),
    qq(name="input_reference"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n........));

my $r = post('/v1/videos', $form, type => 'multipart/form-data; boundary=B');
is($r->{status}, 200, 'status') or diag($r->{content});
holds($r, 'status=queued seconds=4 size=1280x720', 'the job');

my ($sent) = sent();
like($sent->{body}, qr/"prompt":"A cat","image":\{"mimeType":"image\/png","bytesBase64Encoded":"iVBORw0KGgo/, 'what was asked');

my $id = $r->{json}{id};

holds(get("/v1/videos/$id"), 'status=in_progress', 'a poll');

($sent) = reverse sent();
is($sent->{body}, qq({"operationName":"$op"}), 'which is a POST to Vertex');
is($sent->{headers}{'content-type'}, 'application/json', 'of JSON');

holds(get("/v1/videos/$id"), 'status=completed', 'another one');

$r = get("/v1/videos/$id/content");
is($r->{content}, 'MP4 bytes', 'its content');
is($r->{headers}{'content-type'}, 'video/mp4', 'type');

$r = get("/v1/videos/$id");
is($r->{status}, 200, 'a job that failed: status');
holds($r, 'status=failed error.message="against our rules" error.code=3', 'and why');

$r = get("/v1/videos/$id/content");
is($r->{status}, 404, 'and has no content');

my @records = records(6);
holds($records[0], 'usage.video_seconds=4 cost=null');
holds($records[4], 'outcome=ok cost=0');


=== a job of a route that takes its model from the name asked for
--- http_config eval
$::Http . 'llm_model film { alias ~^film/(.*)$; endpoint video; route vertex model=$1; }'
--- config eval: $::Route
--- steps
my $op = 'projects/p/locations/l/publishers/google/models/veo-3.1/operations/77';
my $base = '/v1/projects/p/locations/l/publishers/google/models/veo-3.1';

LLM::Provider::play(qq(
vertex POST $base:predictLongRunning:
    json {"name":"$op"}

vertex POST $base:fetchPredictOperation:
    json {"name":"$op"}
));

my $id = post('/v1/videos', '{"model": "film/veo-3.1", "prompt": "A cat"}')->{json}{id};

holds(get("/v1/videos/$id"), 'status=in_progress', 'a poll finds it');

records(2);


=== a video by xAI, which is public
--- http_config eval: $::Media
--- config eval: $::Route
--- steps
LLM::Provider::play('
xai POST /v1/videos/generations:
    json {"request_id":"abc-1"}

xai GET /v1/videos/abc-1 #2:
    status 202
    json {"status":"pending","progress":40}

xai GET /v1/videos/abc-1:
    json {"status":"done","video":{"url":"https://vidgen.x.ai/a.mp4","duration":6,"respect_moderation":true}}
');

my $r = post('/v1/videos', '{"model": "grok", "prompt": "A cat", "seconds": "6"}');
is($r->{status}, 200, 'status') or diag($r->{content});
holds($r, 'status=queued seconds=6', 'the job');
is($r->{headers}{'x-llm-cost'}, '0.3', 'its cost');

my ($sent) = sent();
is($sent->{body}, '{"model":"grok-imagine-video","prompt":"A cat","duration":6,"aspect_ratio":"16:9","resolution":"720p"}', 'what was asked');

my $id = $r->{json}{id};

$r = get("/v1/videos/$id");
is($r->{status}, 200, 'a poll: status');
holds($r, 'status=in_progress progress=40', 'it is made');

holds(get("/v1/videos/$id"), 'status=completed', 'it is there');

$r = get("/v1/videos/$id/content");
is($r->{status}, 302, 'its content: status');
is($r->{headers}{location}, 'https://vidgen.x.ai/a.mp4', 'where it is');

for (['DELETE', "/v1/videos/$id"], ['POST', "/v1/videos/$id/remix", '{"prompt": "B"}']) {
    $r = ask(@$_);
    is($r->{status}, 400, "$_->[0]: status");
    holds($r, 'error.code=untranslatable', "$_->[0]: code");
}

$r = get("/v1/videos/$id/content?variant=thumbnail");
is($r->{status}, 400, 'no previews: status');
holds($r, 'error.code=unsupported_parameter error.param=variant', 'no previews');

is(scalar sent(), 4, 'calls');

my @records = records(7);
holds($records[0], 'usage.video_seconds=6 cost=0.3');
holds($records[3], 'outcome=ok status=302 cost=0');


=== a video's seconds are reserved, also where the client tells none
--- http_config eval
$::Media . 'llm_limit key=caller budget=1.5/day;'
--- config eval: $::Route
--- steps
LLM::Provider::play('google POST:
    json {"name":"models/veo-3.0-generate-001/operations/1"}
');

my $r = post('/v1/videos', '{"model": "veo", "prompt": "A cat"}');
is($r->{status}, 402, '4 seconds are 1.6 USD');

$r = post('/v1/videos', '{"model": "veo", "prompt": "A cat", "seconds": "2"}');
is($r->{status}, 200, '2 are 0.8');

$r = post('/v1/videos', '{"model": "veo", "prompt": "A cat", "seconds": "2"}');
is($r->{status}, 402, 'for which there is room once');

records(3);
