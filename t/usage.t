# What a request used and what it cost: in the record, in variables and in
# X-LLM-Cost, of every endpoint, whole and streamed.

use lib 't/lib';
use LLM 'no_plan';

use Digest::SHA qw(sha256_hex);
use JSON::PP ();


# a price of its own for each unit, so that a sum tells what was counted

our $prices = <<'_EOC_';
{
"sample_spec": {"input_cost_per_token": "a number"},

"all": {"litellm_provider": "openai", "mode": "chat",
    "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-05,
    "cache_read_input_token_cost": 1e-07,
    "cache_creation_input_token_cost": 1.25e-06,
    "cache_creation_input_token_cost_above_1hr": 2e-06,
    "output_cost_per_reasoning_token": 2e-05,
    "input_cost_per_audio_token": 3e-05,
    "output_cost_per_audio_token": 4e-05,
    "input_cost_per_image_token": 5e-06,
    "output_cost_per_image_token": 6e-05,
    "search_context_cost_per_query": {"search_context_size_low": 0.005,
        "search_context_size_medium": 0.01,
        "search_context_size_high": 0.02}},

"plain": {"input_cost_per_token": 1e-06, "output_cost_per_token": 1e-05},
"half": {"input_cost_per_token": 1e-06},
"free": {"input_cost_per_token": 0, "output_cost_per_token": 0.0},
"empty": {"max_tokens": 4096, "mode": "chat"},

"long": {"input_cost_per_token": 1e-06,
    "input_cost_per_token_above_200k_tokens": 2e-06,
    "cache_read_input_token_cost": 1e-07,
    "cache_read_input_token_cost_above_200k_tokens": 2e-07,
    "output_cost_per_token": 1e-05,
    "output_cost_per_token_above_200k_tokens": 1.5e-05},

"tiered": {"input_cost_per_token": 1e-06,
    "input_cost_per_token_priority": 2e-06,
    "input_cost_per_token_flex": 5e-07,
    "output_cost_per_token": 1e-05,
    "output_cost_per_token_priority": 3e-05},

"ranged": {"tiered_pricing": [
    {"range": [0, 32000], "input_cost_per_token": 1e-06,
     "output_cost_per_token": 1e-05},
    {"range": [32000, 128000], "input_cost_per_token": 3e-06,
     "output_cost_per_token": 3e-05}]},

"standard/1024-x-1024/draw": {"mode": "image_generation",
    "input_cost_per_image": 0.04},
"hd/1024-x-1024/draw": {"mode": "image_generation",
    "input_cost_per_image": 0.08},
"256-x-256/draw": {"mode": "image_generation",
    "input_cost_per_pixel": 2.4414e-07},
"draw": {"mode": "image_generation", "output_cost_per_image": 0.05},

"say": {"mode": "audio_speech", "input_cost_per_character": 1.5e-05},
"hear": {"mode": "audio_transcription", "input_cost_per_second": 0.0001,
    "output_cost_per_second": 0.0001},
"film": {"mode": "video_generation",
    "output_cost_per_video_per_second": 0.1},
"rank": {"mode": "rerank", "input_cost_per_query": 0.002},

"oa/looked-up": {"input_cost_per_token": 1e-06},
"openai/looked-up": {"input_cost_per_token": 2e-06},
"looked-up": {"input_cost_per_token": 3e-06},
"public": {"input_cost_per_token": 4e-06},
"anthropic/by-protocol": {"input_cost_per_token": 5e-06,
    "output_cost_per_token": 0},
"vertex_ai/by-seller": {"input_cost_per_token": 6e-06,
    "output_cost_per_token": 0},

"fine": {"input_cost_per_token": 1e-10, "output_cost_per_token": 4e-10},
"odd": {"input_cost_per_token": 1.5e-07, "output_cost_per_token": 0.1},
"fees": {"input_cost_per_token": 1e-06, "output_cost_per_token": 1e-05,
    "input_cost_per_request": 0.003}
}
_EOC_

our $http = <<'_EOC_';
    llm_prices $TEST_NGINX_HTML_DIR/prices.json;

    log_format bill '$llm_cost|$llm_input_tokens|$llm_output_tokens|'
                    '$llm_total_tokens|$llm_estimated|$llm_price_version';

    llm_provider oa {
        protocol  openai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/up/v1;
    }

    llm_provider an {
        protocol  anthropic;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/up/v1;
    }

    llm_provider ge {
        protocol  gemini;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/up/v1;
    }

    llm_model "any" {
        alias     "~^(.*)$";
        endpoint  chat responses completions embeddings moderations rerank
                  images audio video messages gemini;
        route     oa model=$1;
        route     an model=$1;
        route     ge model=$1;
    }

    llm_key caller {
        secret  plain:sk-test;
        models  *;
    }
_EOC_

our $config = <<'_EOC_';
    location /v1 {
        llm_route;
        access_log logs/bill.log bill;
    }
_EOC_

our $bill_log = server_root() . '/logs/bill.log';

$ENV{TEST_NGINX_HTML_DIR} //= html_dir();


add_block_preprocessor(sub {
    my ($block) = @_;

    # prices stay where they were for a block that has its own

    if (!defined $block->user_files) {
        $block->set_value('user_files', ">>> prices.json\n$main::prices");
    }

    $block->set_value('http_config', $main::http)
        if !defined $block->http_config;
    $block->set_value('config', $main::config) if !defined $block->config;
});


# an answer as a stream: JSON texts become events

sub sse {
    my (@events) = @_;

    return join '', map {
        my ($type) = /^\{"type":"([^"]+)"/;
        ($type ? "event: $type\n" : '') . "data: $_\n\n"
    } @events;
}


# One request and its bill: path, body (text or data), answer, the units that
# were used, no others, and the cost; undef: it is not known.  More in %o is
# asserted of the record.

sub bill {
    my ($path, $body, $answer, $usage, $cost, %o) = @_;

    my $stream = $answer =~ /^(?:data|event): /;

    LLM::Provider::play("up:\n" . ($o{header} ? "    $o{header}\n" : '')
                        . ($stream ? "    sse\n    text <<END\n"
                                   : "    json <<END\n")
                        . "$answer\nEND\n");

    my $name = $o{name} // $path;
    my $before = () = LLM::Steps::lines($ENV{TEST_NGINX_USAGE_LOG});
    my $billed = () = LLM::Steps::lines($main::bill_log);
    my $r = LLM::Steps::post($path, $body, type => $o{type});
    my @lines;

    LLM::Provider::wait_for(3, sub {
        @lines = LLM::Steps::lines($ENV{TEST_NGINX_USAGE_LOG});
        splice @lines, 0, $before;
        return scalar @lines;
    });

    LLM::Steps::is(scalar @lines, 1, "$name: one record");
    LLM::Steps::is($r->{status}, $o{status} // 200, "$name: status");

    my $rec = eval { JSON::PP->new->utf8->decode($lines[0]) } // {};
    my %used = map { split /=/ } split ' ', $usage;
    my %have = %{ $rec->{usage} // {} };

    $used{requests} //= 1 if %used;

    LLM::Steps::is(join(' ', map { "$_=$have{$_}" } sort keys %have),
                   join(' ', map { "$_=$used{$_}" } sort keys %used),
                   "$name: usage");
    LLM::Steps::is($rec->{cost}, $cost, "$name: cost");
    LLM::Steps::is($rec->{attempts}[0]{cost}, $cost, "$name: of the attempt");
    LLM::Steps::is($r->{headers}{'x-llm-cost'},
                   $stream || $o{status} ? undef : $cost,
                   "$name: X-LLM-Cost");
    LLM::Steps::holds($rec, $o{record}, "$name: record") if $o{record};

    my @bills = LLM::Steps::lines($main::bill_log);

    splice @bills, 0, $billed;

    my $sum = sub {
        my $n = 0;
        $n += $have{$_} // 0 for @_;
        return %have ? $n : '-';
    };
    my $in = $sum->(qw(input cache_read cache_write_5m cache_write_1h
                       audio_input image_input));
    my $out = $sum->(qw(output reasoning audio_output image_output));

    LLM::Steps::is(join('', @bills),
                   join('|', $cost // '-', $in, $out,
                        $in eq '-' ? '-' : $in + $out,
                        %have ? $rec->{estimated} ? 'true' : 'false' : '-',
                        $rec->{price_version} // '-') . "\n",
                   "$name: variables");

    return ($rec, $r);
}


our $chat_usage = '{"prompt_tokens":100,"completion_tokens":50,'
    . '"total_tokens":150,"prompt_tokens_details":{"cached_tokens":30,'
    . '"cache_write_tokens":20,"audio_tokens":10,"image_tokens":5},'
    . '"completion_tokens_details":{"reasoning_tokens":20,"audio_tokens":5}}';

our $response_usage = '{"input_tokens":100,"input_tokens_details":'
    . '{"cached_tokens":30,"cache_write_tokens":20},"output_tokens":50,'
    . '"output_tokens_details":{"reasoning_tokens":20},"total_tokens":150}';

our $message_usage = '{"input_tokens":50,"cache_read_input_tokens":30,'
    . '"cache_creation_input_tokens":60,"cache_creation":'
    . '{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":40},'
    . '"output_tokens":50,"output_tokens_details":{"thinking_tokens":20},'
    . '"server_tool_use":{"web_search_requests":1}}';

our $gemini_usage = '{"promptTokenCount":100,"cachedContentTokenCount":30,'
    . '"toolUsePromptTokenCount":7,"candidatesTokenCount":30,'
    . '"thoughtsTokenCount":20,"totalTokenCount":157,"promptTokensDetails":['
    . '{"modality":"TEXT","tokenCount":85},{"modality":"AUDIO",'
    . '"tokenCount":10},{"modality":"IMAGE","tokenCount":5}],'
    . '"cacheTokensDetails":[{"modality":"AUDIO","tokenCount":4},'
    . '{"modality":"TEXT","tokenCount":26}],"candidatesTokensDetails":'
    . '[{"modality":"IMAGE","tokenCount":12}]}';


# an answer of a chat with so many tokens

sub chat {
    my ($in, $out, $more) = @_;

    return '{"choices":[{"message":{"content":"Hello"},"finish_reason":'
           . '"stop"}],"usage":{"prompt_tokens":' . $in
           . ',"completion_tokens":' . $out . ',"total_tokens":'
           . ($in + $out) . '}' . ($more // '') . '}';
}


sub form {
    my (@fields) = @_;

    return join('', map {
        "--b\r\nContent-Disposition: form-data; name=\"$_->[0]\""
        . ($_->[0] eq 'file' ? '; filename="a.wav"' : '')
        . "\r\n\r\n$_->[1]\r\n"
    } @fields) . "--b--\r\n";
}

our $form = 'multipart/form-data; boundary=b';


no_shuffle();
no_long_string();
run_tests();

__DATA__

=== chat: cached, written, audio, images, reasoning
--- steps
main::bill('/v1/chat/completions', '{"model":"all","messages":[]}',
           '{"choices":[{"message":{"content":"a"}}],"usage":'
           . $main::chat_usage . '}',
           'input=35 cache_read=30 cache_write_5m=20 audio_input=10'
           . ' image_input=5 output=25 reasoning=20 audio_output=5',
           '0.001238',
           record => 'raw_usage.total_tokens=150 estimated=false');



=== chat: the same of a stream
--- steps
main::bill('/v1/chat/completions', '{"model":"all","stream":true}',
           main::sse('{"choices":[{"delta":{"content":"a"}}],"usage":null}',
                     '{"choices":[],"usage":' . $main::chat_usage . '}',
                     '[DONE]'),
           'input=35 cache_read=30 cache_write_5m=20 audio_input=10'
           . ' image_input=5 output=25 reasoning=20 audio_output=5',
           '0.001238',
           record => 'raw_usage.total_tokens=150 estimated=false');



=== chat: usage beside the last choice, as some providers send it
--- steps
main::bill('/v1/chat/completions', '{"model":"plain","stream":true}',
           main::sse('{"choices":[{"delta":{"content":"a"}}]}',
                     '{"choices":[{"delta":{},"finish_reason":"stop"}],'
                     . '"usage":{"prompt_tokens":7,"completion_tokens":3,'
                     . '"total_tokens":10}}', '[DONE]'),
           'input=7 output=3', '0.000037');

main::bill('/v1/chat/completions', '{"model":"plain","stream":true}',
           main::sse('{"choices":[{"delta":{"content":"a"}}]}',
                     '{"choices":[{"delta":{},"finish_reason":"stop"}],'
                     . '"x_groq":{"usage":{"prompt_tokens":7,'
                     . '"completion_tokens":3,"total_tokens":10}}}',
                     '[DONE]'),
           'input=7 output=3', '0.000037');



=== chat: reasoning that stands outside of the completion
--- steps
main::bill('/v1/chat/completions', '{"model":"all","messages":[]}',
           '{"choices":[{}],"usage":{"prompt_tokens":10,"completion_tokens":5,'
           . '"total_tokens":35,"completion_tokens_details":'
           . '{"reasoning_tokens":20}}}',
           'input=10 output=5 reasoning=20', '0.00046');

main::bill('/v1/chat/completions', '{"model":"all","messages":[]}',
           '{"choices":[{}],"usage":{"prompt_tokens":10,"completion_tokens":5,'
           . '"total_tokens":35}}',
           'input=10 output=5 reasoning=20', '0.00046');



=== chat: cached tokens by the names of others
--- steps
main::bill('/v1/chat/completions', '{"model":"all","messages":[]}',
           '{"choices":[{}],"usage":{"prompt_tokens":100,"completion_tokens":'
           . '1,"total_tokens":101,"prompt_cache_hit_tokens":60,'
           . '"prompt_cache_miss_tokens":40}}',
           'input=40 cache_read=60 output=1', '0.000056');



=== chat: parts larger than their whole count no token twice
--- steps
my ($rec) = main::bill('/v1/chat/completions', '{"model":"all"}',
    '{"choices":[{}],"usage":{"prompt_tokens":10,"completion_tokens":5,'
    . '"total_tokens":15,"prompt_tokens_details":{"cached_tokens":50},'
    . '"completion_tokens_details":{"reasoning_tokens":11}}}',
    'input=0 cache_read=10 output=0 reasoning=5', '0.000101');



=== responses: whole, with searches
--- steps
main::bill('/v1/responses', '{"model":"all","input":""}',
           '{"id":"resp_1","status":"completed","output":[],"usage":'
           . $main::response_usage
           . ',"tool_usage":{"web_search":{"num_requests":2}}}',
           'input=50 cache_read=30 cache_write_5m=20 output=30 reasoning=20'
           . ' searches=2', '0.020778');



=== responses: a stream
--- steps
main::bill('/v1/responses', '{"model":"all","input":"","stream":true}',
           main::sse('{"type":"response.created","response":{"id":"resp_1",'
                     . '"usage":null}}',
                     '{"type":"response.output_text.delta","delta":"a"}',
                     '{"type":"response.completed","response":{"id":"resp_1",'
                     . '"usage":' . $main::response_usage . '}}'),
           'input=50 cache_read=30 cache_write_5m=20 output=30 reasoning=20',
           '0.000778');



=== messages: cached tokens beside the input, two kinds of writes, a search
--- steps
main::bill('/v1/messages', '{"model":"all","max_tokens":9}',
           '{"type":"message","content":[],"usage":' . $main::message_usage
           . '}',
           'input=50 cache_read=30 cache_write_5m=20 cache_write_1h=40'
           . ' output=30 reasoning=20 searches=1', '0.010858');



=== messages: a stream, whose numbers come in two parts
--- steps
main::bill('/v1/messages', '{"model":"all","max_tokens":9,"stream":true}',
           main::sse('{"type":"message_start","message":{"usage":{'
                     . '"input_tokens":50,"cache_read_input_tokens":30,'
                     . '"cache_creation_input_tokens":60,"cache_creation":{'
                     . '"ephemeral_5m_input_tokens":20,'
                     . '"ephemeral_1h_input_tokens":40},"output_tokens":1}}}',
                     '{"type":"content_block_delta","index":0,"delta":{'
                     . '"type":"text_delta","text":"a"}}',
                     '{"type":"message_delta","delta":{},"usage":{'
                     . '"output_tokens":50,"output_tokens_details":{'
                     . '"thinking_tokens":20},"server_tool_use":{'
                     . '"web_search_requests":1}}}',
                     '{"type":"message_stop"}'),
           'input=50 cache_read=30 cache_write_5m=20 cache_write_1h=40'
           . ' output=30 reasoning=20 searches=1', '0.010858',
           record => 'raw_usage.input_tokens=50 raw_usage.output_tokens=50');



=== messages: writes without their kind are short ones
--- steps
main::bill('/v1/messages', '{"model":"all","max_tokens":9}',
           '{"type":"message","content":[],"usage":{"input_tokens":1,'
           . '"cache_creation_input_tokens":100,"output_tokens":1}}',
           'input=1 cache_write_5m=100 output=1', '0.000136');



=== gemini: thoughts beside the answer, modalities inside
--- steps
main::bill('/v1beta/models/all:generateContent', '{"contents":[]}',
           '{"candidates":[{"content":{"parts":[]},"finishReason":"STOP"}],'
           . '"usageMetadata":' . $main::gemini_usage . '}',
           'input=66 cache_read=30 audio_input=6 image_input=5 output=18'
           . ' reasoning=20 image_output=12', '0.001574');



=== gemini: streams, as events and as an array
--- steps
my @chunks = ('{"candidates":[{"content":{"parts":[{"text":"a"}]}}],'
              . '"usageMetadata":{"promptTokenCount":100,'
              . '"totalTokenCount":100}}',
              '{"candidates":[{"content":{"parts":[{"text":"b"}]},'
              . '"finishReason":"STOP"}],"usageMetadata":'
              . $main::gemini_usage . '}');

my $usage = 'input=66 cache_read=30 audio_input=6 image_input=5 output=18'
            . ' reasoning=20 image_output=12';

main::bill('/v1beta/models/all:streamGenerateContent?alt=sse',
           '{"contents":[]}', main::sse(@chunks), $usage, '0.001574');

# without alt=sse it is no event stream, but a stream all the same

LLM::Provider::play("up:\n    json <<END\n[$chunks[0],\n$chunks[1]]\nEND\n");

my $r = post('/v1beta/models/all:streamGenerateContent', '{"contents":[]}');

is($r->{headers}{'x-llm-cost'}, undef, 'no cost in its head');
holds((records(2))[1], 'cost=0.001574 stream=true usage.image_output=12');



=== gemini: a prompt that was blocked, whose zeros are left out
--- steps
main::bill('/v1beta/models/all:generateContent', '{"contents":[]}',
           '{"promptFeedback":{"blockReason":"MODEL_ARMOR"},'
           . '"usageMetadata":{"trafficType":"ON_DEMAND"}}',
           'input=0 output=0', '0', record => 'estimated=false');



=== gemini: sound made
--- steps
main::bill('/v1beta/models/all:generateContent', '{"contents":[]}',
           '{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{'
           . '"promptTokenCount":10,"candidatesTokenCount":100,'
           . '"totalTokenCount":110,"candidatesTokensDetails":[{"modality":'
           . '"AUDIO","tokenCount":100}]}}',
           'input=10 output=0 audio_output=100', '0.00401');



=== gemini: embeddings, told and not told
--- steps
main::bill('/v1beta/models/plain:embedContent',
           '{"content":{"parts":[{"text":"a"}]}}',
           '{"embedding":{"values":[1]},"usageMetadata":{"promptTokenCount":'
           . '9,"totalTokenCount":9}}', 'input=9', '0.000009');
main::bill('/v1beta/models/plain:embedContent',
           '{"content":{"parts":[{"text":"a"}]}}',
           '{"embedding":{"values":[1]}}', 'input=9', '0.000009',
           record => 'estimated=true');



=== completions and embeddings
--- steps
main::bill('/v1/completions', '{"model":"plain","prompt":""}',
           '{"choices":[{"text":"a"}],"usage":{"prompt_tokens":2,'
           . '"completion_tokens":4,"total_tokens":6}}',
           'input=2 output=4', '0.000042');
main::bill('/v1/embeddings', '{"model":"plain","input":""}',
           '{"data":[{"embedding":[0]}],"usage":{"prompt_tokens":12,'
           . '"total_tokens":12}}', 'input=12', '0.000012');
main::bill('/v1/embeddings', '{"model":"half","input":""}',
           '{"data":[{"embedding":[0]}],"usage":{"total_tokens":12}}',
           'input=12', '0.000012');



=== moderations are a request each
--- steps
main::bill('/v1/moderations', '{"model":"free","input":""}',
           '{"results":[{"flagged":false}]}', 'requests=1', '0');



=== rerank: by search units, told or not
--- steps
main::bill('/v1/rerank', '{"model":"rank","query":"","documents":[]}',
           '{"results":[],"meta":{"billed_units":{"search_units":3}}}',
           'searches=3', '0.006');
main::bill('/v1/rerank', '{"model":"rank","query":"","documents":[]}',
           '{"results":[{"index":0,"relevance_score":1}]}',
           'searches=1', '0.002', record => 'estimated=true');



=== images by tokens, whole and streamed
--- steps
my $usage = '{"total_tokens":322,"input_tokens":50,"output_tokens":272,'
            . '"input_tokens_details":{"text_tokens":10,"image_tokens":40}}';

main::bill('/v1/images/generations', '{"model":"all","prompt":"","n":2}',
           '{"data":[{"b64_json":""},{"b64_json":""}],"usage":' . $usage . '}',
           'input=10 image_input=40 output=0 image_output=272', '0.01653');
main::bill('/v1/images/generations', '{"model":"all","stream":true}',
           main::sse('{"type":"image_generation.partial_image","b64_json":""}',
                     '{"type":"image_generation.completed","b64_json":"",'
                     . '"usage":' . $usage . '}'),
           'input=10 image_input=40 output=0 image_output=272', '0.01653');



=== images by number, size and quality
--- steps
my $two = '{"data":[{"url":"a"},{"url":"b"}]}';

for my $case (
    [ '"size":"1024x1024","quality":"hd"',       '0.16' ],
    [ '"size":"1024x1024","quality":"standard"', '0.08' ],
    [ '"size":"1024x1024"',                      '0.08' ],
    [ '"size":"256x256"',                        '0.031999918' ],
    [ '"size":"512x512"',                        '0.1' ],
    [ '"quality":"hd"',                          '0.1' ],
    [ '"n":7,"user":"more were asked for"',      '0.1' ])
{
    main::bill('/v1/images/generations',
               '{"model":"draw","prompt":"",' . $case->[0] . '}', $two,
               'images=2', $case->[1], name => $case->[0]);
}

main::bill('/v1/images/edits',
           main::form([ model => 'draw' ], [ size => '1024x1024' ],
                      [ quality => 'hd' ], [ file => 'x' ]),
           $two, 'images=2', '0.16', type => $main::form, name => 'a form');



=== speech by characters, and by tokens where they are told
--- steps
LLM::Provider::play('up:
    header Content-Type: audio/mpeg
    body ID3\x00
');

my $r = post('/v1/audio/speech', '{"model":"say","input":"Gr\u00fc\u00df'
                                 . ' G\ud83d\ude00tt"}');

is($r->{headers}{'x-llm-cost'}, undef, 'not known with the head')
    if $r->{headers}{'transfer-encoding'};
holds((records(1))[0], 'usage.characters=9 cost=0.000135 estimated=false');

main::bill('/v1/audio/speech',
           '{"model":"all","input":"Hello","stream_format":"sse"}',
           main::sse('{"type":"speech.audio.delta","audio":"AA=="}',
                     '{"type":"speech.audio.done","usage":{"input_tokens":9,'
                     . '"output_tokens":38,"total_tokens":47}}'),
           'input=9 output=0 audio_output=38', '0.001529');



=== transcriptions by tokens, by seconds told and by seconds heard
--- steps
my $body = main::form([ model => 'all' ], [ file => 'RIFF' ]);
my $hear = main::form([ model => 'hear' ], [ file => 'RIFF' ]);
my $path = '/v1/audio/transcriptions';

main::bill($path, $body,
           '{"text":"a","usage":{"type":"tokens","input_tokens":24,'
           . '"input_token_details":{"text_tokens":0,"audio_tokens":24},'
           . '"output_tokens":7,"total_tokens":31}}',
           'input=0 audio_input=24 output=7', '0.00079',
           type => $main::form, name => 'tokens');
main::bill($path, $hear,
           '{"text":"a","usage":{"type":"duration","seconds":9}}',
           'audio_seconds=9', '0.0009', type => $main::form,
           name => 'seconds told');
main::bill($path, $hear, '{"text":"a","duration":8.47,"segments":[]}',
           'audio_seconds=8.47', '0.000847', type => $main::form,
           name => 'seconds heard');
main::bill($path, $hear, '{"text":"a","duration":8.47,"usage":{"type":'
                         . '"duration","seconds":9}}',
           'audio_seconds=9', '0.0009', type => $main::form,
           name => 'both, once');
main::bill($path, $hear, '{"text":"a"}', '', undef, type => $main::form,
           name => 'nothing told');



=== videos by seconds of the job; nothing for its polls
--- steps
main::bill('/v1/videos', '{"model":"film","prompt":"","seconds":"8"}',
           '{"id":"video_1","status":"queued","seconds":"8"}',
           'video_seconds=8', '0.8', name => 'told');
main::bill('/v1/videos', '{"model":"film","prompt":"","seconds":"12"}',
           '{"id":"video_1","status":"queued"}',
           'video_seconds=12', '1.2', name => 'asked for');
main::bill('/v1/videos', main::form([ model => 'film' ], [ seconds => 4 ]),
           '{"id":"video_1","status":"queued"}',
           'video_seconds=4', '0.4', type => $main::form, name => 'a form');
main::bill('/v1beta/models/film:predictLongRunning',
           '{"instances":[],"parameters":{"durationSeconds":4,'
           . '"sampleCount":2}}',
           '{"name":"models/film/operations/1"}', 'video_seconds=8', '0.8');
main::bill('/v1/videos', '{"model":"film","prompt":""}',
           '{"id":"video_1","status":"queued"}', '', undef,
           name => 'neither');

my $id = post('/v1/videos', '{"model":"film","prompt":"","seconds":"8"}')
             ->{json}{id};

LLM::Provider::play('up:
    json {"id":"video_1","status":"completed","seconds":"8"}
');
is(get("/v1/videos/$id")->{headers}{'x-llm-cost'}, '0', 'a poll') for 1 .. 2;
holds($_, 'cost=0 !usage') for (records(8))[6, 7];



=== prices above 200k tokens hold for all of a request that has more
--- steps
my $path = '/v1/chat/completions';

main::bill($path, '{"model":"long"}', main::chat(200000, 10),
           'input=200000 output=10', '0.2001', name => '200000');
main::bill($path, '{"model":"long"}', main::chat(200001, 10),
           'input=200001 output=10', '0.400152', name => '200001');
main::bill('/v1/messages', '{"model":"long","max_tokens":1}',
           '{"content":[],"usage":{"input_tokens":150000,'
           . '"cache_read_input_tokens":60000,"output_tokens":10}}',
           'input=150000 cache_read=60000 output=10', '0.31215',
           name => 'with what was cached');
main::bill($path, '{"model":"ranged"}', main::chat(32000, 10),
           'input=32000 output=10', '0.0321', name => 'ranges, low');
main::bill($path, '{"model":"ranged"}', main::chat(32001, 10),
           'input=32001 output=10', '0.096303', name => 'ranges, high');



=== the service tier of the answer is billed, not that of the request
--- steps
my $path = '/v1/chat/completions';

main::bill($path, '{"model":"tiered","service_tier":"auto"}',
           main::chat(100, 10, ',"service_tier":"priority"'),
           'input=100 output=10', '0.0005', name => 'priority');
main::bill($path, '{"model":"tiered","service_tier":"priority"}',
           main::chat(100, 10, ',"service_tier":"default"'),
           'input=100 output=10', '0.0002', name => 'asked for in vain');
main::bill($path, '{"model":"tiered"}',
           main::chat(100, 10, ',"service_tier":"flex"'),
           'input=100 output=10', '0.00015', name => 'flex');
main::bill($path, '{"model":"plain"}',
           main::chat(100, 10, ',"service_tier":"priority"'),
           'input=100 output=10', '0.0002', name => 'a tier without a price');
main::bill($path, '{"model":"tiered","stream":true}',
           main::sse('{"choices":[{"delta":{"content":"a"}}],'
                     . '"service_tier":"priority"}',
                     '{"choices":[],"usage":{"prompt_tokens":100,'
                     . '"completion_tokens":10,"total_tokens":110}}',
                     '[DONE]'),
           'input=100 output=10', '0.0005', name => 'a stream');
main::bill('/v1/responses', '{"model":"tiered","input":""}',
           '{"id":"r","output":[],"service_tier":"priority","usage":'
           . '{"input_tokens":100,"output_tokens":10,"total_tokens":110}}',
           'input=100 output=10', '0.0005', name => 'a response');



=== a price is looked up by provider, protocol, model, then public name
--- http_config eval
$::http . '
    llm_provider other {
        protocol  openai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/up/v1;
    }

    llm_provider bare {
        protocol  gemini;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/up/v1;
    }

    llm_model a { route oa model=looked-up; }
    llm_model b { route other model=looked-up; }
    llm_model c { route bare model=looked-up; }
    llm_model public { route oa model=unlisted; }
    llm_model nowhere { route oa model=unlisted; }
    llm_model d { route an model=by-protocol; }
    llm_model e { route bare model=by-seller; }'
--- steps
my $embed = sub {
    my ($model, $cost) = @_;

    main::bill('/v1/chat/completions', "{\"model\":\"$model\"}",
               main::chat(1, 0), 'input=1 output=0', $cost, name => $model);
};

$embed->('a', '0.000001');
$embed->('b', '0.000002');
$embed->('public', '0.000004');
$embed->('nowhere', undef);

my $gemini = '{"candidates":[{"finishReason":"STOP"}],"usageMetadata":'
             . '{"promptTokenCount":1,"totalTokenCount":1}}';

main::bill('/v1/models/c:generateContent', '{}', $gemini, 'input=1 output=0',
           '0.000003', name => 'c');
main::bill('/v1/messages', '{"model":"d","max_tokens":1}',
           '{"content":[],"usage":{"input_tokens":1,"output_tokens":0}}',
           'input=1 output=0', '0.000005', name => 'd');
main::bill('/v1/models/e:generateContent', '{}', $gemini, 'input=1 output=0',
           '0.000006', name => 'e');

# an upstream model made of captures is looked up when it is known

$embed->('looked-up', '0.000001');
$embed->('plain', '0.000001');



=== a price of the configuration lies over the catalogue's
--- http_config eval
'
    llm_model over {
        route  oa model=all;
        price  input=5 reasoning=7;
    }

    llm_model captured {
        alias  "~^captured-(.*)$";
        route  oa model=$1;
        price  output=100;
    }

    llm_model alone {
        route  oa model=unlisted;
        price  input=0.15 cached_input=0.075 output=0.60;
    }' . $::http
--- steps
my $chat = '{"choices":[{}],"usage":{"prompt_tokens":100,"completion_tokens":'
           . '50,"total_tokens":150,"prompt_tokens_details":'
           . '{"cached_tokens":30},"completion_tokens_details":'
           . '{"reasoning_tokens":20}}}';
my $used = 'input=70 cache_read=30 output=30 reasoning=20';
my $path = '/v1/chat/completions';

main::bill($path, '{"model":"over"}', $chat, $used, '0.000793',
           record => 'price_version=inline', name => 'over');
main::bill($path, '{"model":"captured-all"}', $chat, $used, '0.003473',
           record => 'price_version=inline', name => 'captured');
main::bill($path, '{"model":"alone"}', $chat, $used, '0.00004275',
           record => 'price_version=inline', name => 'alone');



=== each unit of the configuration's prices
--- http_config eval
$::http . '
    llm_model each {
        endpoint  chat images audio video messages rerank;
        route     oa;
        route     an;
        price     input=1 cached_input=2 cache_write=3 cache_write_1h=4
                  output=5 reasoning=6 audio_input=7 audio_output=8
                  image_input=9;
        price     image_output=10 image=0.5 video_second=0.25
                  audio_second=0.125 character=0.001 search=0.02
                  request=0.000001;
    }'
--- steps
main::bill('/v1/chat/completions', '{"model":"each"}',
           '{"choices":[{}],"usage":' . $main::chat_usage . '}',
           'input=35 cache_read=30 cache_write_5m=20 audio_input=10'
           . ' image_input=5 output=25 reasoning=20 audio_output=5',
           '0.000556', name => 'tokens');
main::bill('/v1/messages', '{"model":"each","max_tokens":9}',
           '{"content":[],"usage":' . $main::message_usage . '}',
           'input=50 cache_read=30 cache_write_5m=20 cache_write_1h=40'
           . ' output=30 reasoning=20 searches=1', '0.020601',
           name => 'writes and searches');
main::bill('/v1/images/generations', '{"model":"each"}',
           '{"data":[{},{}]}', 'images=2', '1.000001', name => 'images');
main::bill('/v1/images/generations', '{"model":"each"}',
           '{"data":[{}],"usage":{"input_tokens":10,"output_tokens":100,'
           . '"total_tokens":110}}',
           'input=10 output=0 image_output=100', '0.001011',
           name => 'tokens of images');
main::bill('/v1/videos', '{"model":"each","seconds":"8"}',
           '{"id":"v","seconds":"8"}', 'video_seconds=8', '2.000001',
           name => 'seconds of video');
main::bill('/v1/audio/transcriptions',
           main::form([ model => 'each' ], [ file => 'x' ]),
           '{"text":"","duration":1.5}', 'audio_seconds=1.5', '0.187501',
           type => $main::form, name => 'seconds of sound');



=== a fee for each request is added once
--- steps
main::bill('/v1/chat/completions', '{"model":"fees"}', main::chat(10, 10),
           'input=10 output=10', '0.00311');



=== an unknown price is no number
--- steps
my ($rec) = main::bill('/v1/chat/completions', '{"model":"unlisted"}',
                       main::chat(5, 5), 'input=5 output=5', undef,
                       record => 'cost=null !price_version');

main::bill('/v1/chat/completions', '{"model":"half"}', main::chat(5, 5),
           'input=5 output=5', undef, name => 'only one of two');
main::bill('/v1/chat/completions', '{"model":"half"}', main::chat(5, 0),
           'input=5 output=0', '0.000005', name => 'the one that is used');
main::bill('/v1/chat/completions', '{"model":"empty"}', main::chat(5, 5),
           'input=5 output=5', undef, name => 'an entry without prices');



=== a price of 0 is free
--- steps
main::bill('/v1/chat/completions', '{"model":"free"}', main::chat(5, 5),
           'input=5 output=5', '0', record => 'cost=0 price_version');



=== without any catalogue nothing has a price
--- http_config eval: $::http =~ s/llm_prices.*//r
--- steps
main::bill('/v1/chat/completions', '{"model":"plain"}', main::chat(5, 5),
           'input=5 output=5', undef);



=== the version of a price is its file's
--- user_files
>>> prices.json
{"one": {"input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06},
 "two": {"input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06}}
>>> newer.json
{"two": {"input_cost_per_token": 2e-06}}
--- http_config eval
$::http =~ s/(llm_prices .*)prices(.json;)/$1prices$2\n    $1newer$2/r
--- steps
my ($old, $new) = map {
    substr main::sha256_hex(join '', lines("$ENV{TEST_NGINX_HTML_DIR}/$_")),
           0, 12
} qw(prices.json newer.json);

main::bill('/v1/chat/completions', '{"model":"one"}', main::chat(1, 1),
           'input=1 output=1', '0.000002', record => "price_version=$old");
main::bill('/v1/chat/completions', '{"model":"two"}', main::chat(1, 1),
           'input=1 output=1', '0.000003', record => "price_version=$new");



=== usage that is not told is estimated, and marked
--- steps
my $prompt = 'x' x 400;
my $text = 'y' x 200;

main::bill('/v1/chat/completions',
           '{"model":"plain","messages":"' . $prompt . '"}',
           '{"choices":[{"message":{"content":"' . $text . '"}}]}',
           'input=108 output=50', '0.000608',
           record => 'estimated=true !raw_usage', name => 'whole');
main::bill('/v1/chat/completions',
           '{"model":"plain","stream":true,"messages":"' . $prompt . '"}',
           main::sse(('{"choices":[{"delta":{"content":"yyyyyyyyyy"}}]}') x 20,
                     '[DONE]'),
           'input=112 output=50', '0.000612',
           record => 'estimated=true !raw_usage', name => 'a stream');
main::bill('/v1/messages', '{"model":"plain","max_tokens":1,"a":"'
                           . $prompt . '"}',
           '{"type":"message","content":[{"type":"text","text":"' . $text
           . '"}]}', 'input=110 output=50', '0.00061',
           record => 'estimated=true', name => 'a message');
main::bill('/v1beta/models/plain:generateContent',
           '{"contents":"' . $prompt . '"}',
           '{"candidates":[{"content":{"parts":[{"text":"' . $text
           . '"}]},"finishReason":"STOP"}]}', 'input=104 output=50',
           '0.000604', record => 'estimated=true', name => 'gemini');



=== a stream that was cut is billed by what had come
--- config
    location /v1 {
        llm_route;
    }
--- steps
LLM::Provider::play('up:
    sse
    times 20 data {"choices":[{"delta":{"content":"yyyyyyyyyy"}}]}
    cut
');
post('/v1/chat/completions', '{"model":"plain","stream":true,"a":"'
                             . 'x' x 362 . '"}');
holds((records(1))[0], 'outcome=truncated estimated=true usage.input=100'
                       . ' usage.output=50 cost=0.0006');

LLM::Provider::play('up:
    sse
    typed {"type":"message_start","message":{"usage":{"input_tokens":33,"output_tokens":1}}}
    times 20 typed {"type":"content_block_delta","delta":{"type":"text_delta","text":"yyyyyyyyyy"}}
    cut
');
post('/v1/messages', '{"model":"plain","stream":true,"max_tokens":9}');
holds((records(2))[1], 'outcome=truncated estimated=true usage.input=33'
                       . ' usage.output=50 cost=0.000533');



=== a client that leaves pays for what had come
--- config
    location /v1 {
        llm_route;
    }
--- steps
LLM::Provider::play('up:
    sse
    times 20 data {"choices":[{"delta":{"content":"yyyyyyyyyy"}}]}
    hang
');

my $body = '{"model":"plain","stream":true,"a":"' . 'x' x 362 . '"}';

LLM::Client::run($Test::Nginx::Util::ServerPort,
                 'send POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n'
                 . 'Authorization: Bearer sk-test\r\nContent-Length: '
                 . length($body) . '\r\n\r\n' . $body
                 . "\nuntil (?s)(?:yyyyyyyyyy.*){20}\nclose\n", 5);

holds((records(1))[0], 'outcome=client_closed estimated=true usage.input=100'
                       . ' usage.output=50 cost=0.0006');



=== an answer that failed costs nothing
--- steps
main::bill('/v1/chat/completions', '{"model":"plain"}',
           '{"error":{"message":"no"},"usage":{"prompt_tokens":9}}',
           '', '0', header => 'status 500', status => 500);



=== decimals are exact, and rounded once
--- steps
my $path = '/v1/chat/completions';

for my $case ([ 'fine', 4, 0, '0' ], [ 'fine', 5, 0, '0.000000001' ],
              [ 'fine', 14, 0, '0.000000001' ],
              [ 'fine', 15, 0, '0.000000002' ],
              [ 'fine', 1, 1, '0.000000001' ],
              [ 'odd', 3, 0, '0.00000045' ], [ 'odd', 1, 3, '0.30000015' ],
              [ 'plain', 1, 0, '0.000001' ],
              [ 'plain', 1000000000, 0, '1000' ],
              [ 'plain', 123456789, 0, '123.456789' ],
              [ 'plain', 9007199254740991, 0, '9007199254.740991' ])
{
    my ($model, $in, $out, $cost) = @$case;

    main::bill($path, "{\"model\":\"$model\"}", main::chat($in, $out),
               "input=$in output=$out", $cost, name => "$model $in $out");
}



=== more money than there is has no number
--- steps
main::bill('/v1/chat/completions', '{"model":"odd"}',
           main::chat(1, 9007199254740990),
           'input=1 output=9007199254740990', undef);
