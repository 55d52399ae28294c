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
