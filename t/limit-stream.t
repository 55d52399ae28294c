# Streams that outrun what was reserved for them: more is reserved as long as
# limits have it, then they end as answers that reached their longest do.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;
use LLM::Redis;

repeat_each(1);
no_shuffle();

# A provider that does not stop: 16 bytes are 4 tokens, at a millionth of a
# dollar each.

our $Word = 'fifteen letters ';

our %Stream = (
    chat => ['/v1/chat/completions', 'chat', <<'_EOC_'],
a:
    sse
    data {"id":"c1","object":"chat.completion.chunk","created":7,"model":"real","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}
    forever pause=2 data {"id":"c1","object":"chat.completion.chunk","created":7,"model":"real","choices":[{"index":0,"delta":{"content":"fifteen letters "},"finish_reason":null}]}
_EOC_
    completions => ['/v1/completions', 'completions', <<'_EOC_'],
a:
    sse
    forever pause=2 data {"id":"t1","object":"text_completion","created":7,"model":"real","choices":[{"index":0,"text":"fifteen letters ","finish_reason":null}]}
_EOC_
    messages => ['/v1/messages', 'messages', <<'_EOC_'],
b:
    sse
    typed {"type":"message_start","message":{"id":"msg_1","model":"real","content":[],"usage":{"input_tokens":11,"output_tokens":1}}}
    typed {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}
    typed {"type":"ping"}
    forever pause=2 typed {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"fifteen letters "}}
_EOC_
    responses => ['/v1/responses', 'responses', <<'_EOC_'],
a:
    sse
    typed {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":7,"status":"in_progress","model":"real","output":[],"usage":null}}
    typed {"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}
    typed {"type":"response.content_part.added","sequence_number":2,"item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}
    forever pause=2 typed {"type":"response.output_text.delta","sequence_number":3,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"fifteen letters "}
_EOC_
    gemini => ['/v1beta/models/g:streamGenerateContent?alt=sse', 'gemini',
               <<'_EOC_'],
c:
    sse
    forever pause=2 data {"candidates":[{"content":{"parts":[{"text":"fifteen letters "}],"role":"model"},"index":0}],"modelVersion":"real","responseId":"r1"}
_EOC_
    array => ['/v1beta/models/g:streamGenerateContent', 'gemini', <<'_EOC_'],
c:
    header Content-Type: application/json
    chunked
    body [{"candidates":[{"content":{"parts":[{"text":"fifteen letters "}],"role":"model"},"index":0}],"modelVersion":"real","responseId":"r1"}
    forever pause=2 body ,\r\n{"candidates":[{"content":{"parts":[{"text":"fifteen letters "}],"role":"model"},"index":0}],"modelVersion":"real","responseId":"r1"}
_EOC_
);

our %Ask = (
    chat => '{"model":"m","stream":true,"max_tokens":20,"messages":[]}',
    completions => '{"model":"m","stream":true,"max_tokens":20,"prompt":"a"}',
    messages => '{"model":"k","stream":true,"max_tokens":20,"messages":'
                . '[{"role":"user","content":"a"}]}',
    responses => '{"model":"m","stream":true,"max_output_tokens":20,'
                 . '"input":"a"}',
    gemini => '{"contents":[],"generationConfig":{"maxOutputTokens":20}}',
);

$Ask{array} = $Ask{gemini};

sub http {
    my ($limit, $more) = @_;

    $more //= '';

    return providers(a => '') . <<"_EOC_";
    llm_provider b {
        protocol  anthropic;
        pass      http://127.0.0.1:\$TEST_NGINX_PROVIDER_PORT/b/v1;
    }

    llm_provider c {
        protocol  gemini;
        pass      http://127.0.0.1:\$TEST_NGINX_PROVIDER_PORT/c/v1beta;
    }

    llm_model m {
        route a; price input=1 output=1;
        endpoint chat responses messages gemini completions;
    }
    llm_model k { route b; price input=1 output=1; }
    llm_model g { route c; price input=1 output=1; }

    llm_key caller {
        secret  plain:sk-test;
        models  *;
        limit   $limit;
    }

    $more
_EOC_
}

our $Here = $Route . <<'_EOC_';
    location /llm/ { llm_admin token=plain:test-token; }
_EOC_

# asks for a stream of this kind; its answer's events, undone

sub stream {
    my ($kind, %o) = @_;

    my $r = LLM::Steps::post($Stream{$kind}[0], $Ask{$kind}, timeout => 20,
                             %o);
    my $text = $r->{content};

    $r->{done} = $text =~ /^data: \[DONE\]\n\n\z/m;

    $r->{events} = $kind eq 'array'
        ? JSON::PP::decode_json($text)
        : [ map { JSON::PP::decode_json($_) }
                $text =~ /^data: (\{.*\})\r?$/mg ];

    return $r;
}

# what the limits of a key say, millionths of a dollar

sub spent {
    my (%o) = @_;

    my $r = LLM::Steps::get('/llm/limits', key => 'test-token', %o);
    return sprintf '%.0f', $r->{json}{limits}[0]{counters}[0]{spent} / 1000;
}

# one of each is used up: what was spent is what the record says, and at most
# an event more than there was

sub used_up {
    my ($kind, %o) = @_;

    my $r = stream($kind, %o);
    my ($record) = LLM::Steps::records(1, $o{file});

    LLM::Steps::is($r->{status}, 200, 'it began well');
    LLM::Steps::holds($record, 'outcome=truncated code=budget_exceeded'
                      . ' estimated=true attempts.length=1 stream=true'
                      . ' attempts.0.error~limit');
    between($record->{cost} * 1e6, 496, 504, 'cost in the record');

    return ($r, $record);
}

run_tests();

__DATA__

=== TEST 1: chat: a chunk that tells of the length, usage if it was asked for, the mark
--- http_config eval: main::http('budget=0.0005/day')
--- config eval: $::Here
--- provider eval: $::Stream{chat}[2]
--- may_log: [warn]
--- steps
my ($r, $record) = main::used_up('chat');
my @e = @{ $r->{events} };

ok($r->{done}, 'the end mark');
is($e[-1]{choices}[0]{finish_reason}, 'length', 'why');
is($e[-1]{choices}[0]{index}, 0, 'of which');
is("$e[-1]{id} $e[-1]{model} $e[-1]{created} $e[-1]{object}",
   'c1 real 7 chat.completion.chunk', 'as all chunks have it');
is(scalar(grep { $_->{usage} } @e), 0, 'no usage');
main::between(main::spent(), 496, 504, 'spent');
is(sprintf('%.0f', $record->{cost} * 1e6), main::spent(), 'and in the record');
wait_for(5, sub { LLM::Provider::left() });
is(LLM::Provider::left(), 1, 'the provider was left');
like($Test::Nginx::Util::ErrLogFile ? do { local @ARGV = $Test::Nginx::Util::ErrLogFile; join '', <> } : '',
     qr/limit "budget=0.0005\/day" of key=caller has no more/, 'logged');

$r = main::stream('chat');
is($r->{status}, 402, 'nothing is left');

=== TEST 2: chat: usage where it was asked for, and each of several answers
--- http_config eval: main::http('budget=0.0005/day')
--- config eval: $::Here
--- provider
a:
    sse
    forever pause=2 data {"id":"c1","object":"chat.completion.chunk","created":7,"model":"real","choices":[{"index":{{i}},"delta":{"content":"fifteen letters "},"finish_reason":null}]}
--- may_log: [warn]
--- steps
local $main::Ask{chat}
    = '{"model":"m","stream":true,"max_tokens":20,"n":2,'
      . '"stream_options":{"include_usage":true},"messages":[]}';

my ($r) = main::used_up('chat');
my @e = @{ $r->{events} };

ok($r->{done}, 'the end mark');
is(join(' ', map { "$_->{choices}[0]{index} $_->{choices}[0]{finish_reason}" }
             @e[-3, -2]), '0 length 1 length', 'both end');
is(scalar @{ $e[-1]{choices} }, 0, 'then usage');
main::between($e[-1]{usage}{total_tokens}, 496, 504, 'of all');
main::between(main::spent(), 496, 504, 'spent');

=== TEST 3: legacy completions
--- http_config eval: main::http('budget=0.0005/day')
--- config eval: $::Here
--- provider eval: $::Stream{completions}[2]
--- may_log: [warn]
--- steps
my ($r) = main::used_up('completions');
my $e = $r->{events}[-1];

ok($r->{done}, 'the end mark');
holds($e, 'choices.0.finish_reason=length choices.0.text= id=t1'
          . ' object=text_completion model=real');
main::between(main::spent(), 496, 504, 'spent');

=== TEST 4: messages: the block is closed, then the message
--- http_config eval: main::http('budget=0.0005/day')
--- config eval: $::Here
--- provider eval: $::Stream{messages}[2]
--- may_log: [warn]
--- steps
my ($r) = main::used_up('messages');
my @e = @{ $r->{events} };

is(join(' ', map { $_->{type} } @e[-4 .. -1]),
   'content_block_delta content_block_stop message_delta message_stop',
   'in order');
is($e[-3]{index}, 0, 'the open block');
is($e[-2]{delta}{stop_reason}, 'max_tokens', 'why');
main::between($e[-2]{usage}{output_tokens}, 485, 493, 'usage');
is($e[-2]{usage}{input_tokens}, 11, 'as it was told');
main::between(main::spent(), 496, 504, 'spent');

=== TEST 5: responses: all that was said, incomplete
--- http_config eval: main::http('budget=0.0005/day')
--- config eval: $::Here
--- provider eval: $::Stream{responses}[2]
--- may_log: [warn]
--- steps
my ($r) = main::used_up('responses');
my @e = @{ $r->{events} };
my $said = join '', map { $_->{delta} // '' } @e;

is(join(' ', map { $_->{type} } @e[-4 .. -1]),
   'response.output_text.done response.content_part.done'
   . ' response.output_item.done response.incomplete', 'in order');
is(join(' ', map { $_->{sequence_number} } @e[-4 .. -1]), '4 5 6 7',
   'numbers go on');
is($e[-4]{text}, $said, 'the text');
holds($e[-1], 'response.status=incomplete response.output.length=1'
              . ' response.incomplete_details.reason=max_output_tokens'
              . ' response.output.0.status=incomplete'
              . ' response.output.0.content.length=1 response.model=real'
              . ' response.usage.output_tokens>480');
is($e[-1]{response}{output}[0]{content}[0]{text}, $said, 'all of it');
is($e[-1]{response}{id}, $e[0]{response}{id}, 'the id is the same');
like($e[-1]{response}{id}, qr/^resp_1_g/, 'and carries its route');
main::between(main::spent(), 496, 504, 'spent');

=== TEST 6: gemini, as events
--- http_config eval: main::http('budget=0.0005/day')
--- config eval: $::Here
--- provider eval: $::Stream{gemini}[2]
--- may_log: [warn]
--- steps
my ($r) = main::used_up('gemini');

holds($r->{events}[-1], 'candidates.0.finishReason=MAX_TOKENS'
      . ' candidates.0.index=0 modelVersion=real responseId=r1'
      . ' usageMetadata.candidatesTokenCount>400');
main::between(main::spent(), 496, 504, 'spent');

=== TEST 7: gemini, as an array
--- http_config eval: main::http('budget=0.0005/day')
--- config eval: $::Here
--- provider eval: $::Stream{array}[2]
--- may_log: [warn]
--- steps
my ($r) = main::used_up('array');

holds($r->{events}[-1], 'candidates.0.finishReason=MAX_TOKENS'
      . ' usageMetadata.totalTokenCount>400');
main::between(main::spent(), 496, 504, 'spent');

=== TEST 8: translated: the client's own ending
--- http_config eval
main::http('budget=0.0005/day') =~ s/llm_model k \{ route b;/llm_model k { route a;/r
--- config eval: $::Here
--- provider eval: $::Stream{chat}[2]
--- may_log: [warn]
--- steps
my ($r) = main::used_up('messages');
my @e = @{ $r->{events} };

is(join(' ', map { $_->{type} } @e[-4 .. -1]),
   'content_block_delta content_block_stop message_delta message_stop',
   'in order');
is($e[-2]{delta}{stop_reason}, 'max_tokens', 'why');
main::between($e[-2]{usage}{output_tokens}, 470, 493, 'usage');
main::between(main::spent(), 496, 504, 'spent');

=== TEST 9: a stream that goes on is topped up as long as there is room, and ends by itself
--- http_config eval: main::http('budget=1/day tpm=100k')
--- config eval: $::Here
--- provider
a:
    sse
    times 1000 data {"id":"c1","object":"chat.completion.chunk","created":7,"model":"real","choices":[{"index":0,"delta":{"content":"fifteen letters "},"finish_reason":null}]}
    data {"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
    data {"id":"c1","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":4000}}
    done
--- steps
my $r = main::stream('chat');
my ($record) = records(1);

is(scalar @{ $r->{events} }, 1001, 'all of it');
ok($r->{done}, 'the end mark');
holds($record, 'outcome=ok !code cost=0.00401');
is(main::spent(), 4010, 'spent is what it came to');

=== TEST 10: other limits end it too, and are told
--- http_config eval: main::http('output_tokens=300/day budget=1/day')
--- config eval: $::Here
--- provider eval: $::Stream{chat}[2]
--- may_log: [warn]
--- steps
my $r = main::stream('chat');
my ($record) = records(1);

is($r->{events}[-1]{choices}[0]{finish_reason}, 'length', 'why');
holds($record, 'outcome=truncated code=rate_limit_exceeded');
main::between($record->{usage}{output}, 300, 304, 'tokens');

=== TEST 11: a provider's budget ends it
--- http_config eval
main::http('rpm=100', 'llm_limit provider=a budget=0.0005/day;')
--- config eval: $::Here
--- provider eval: $::Stream{chat}[2]
--- may_log: [warn]
--- steps
main::used_up('chat');

=== TEST 12: a limit in shadow ends nothing
--- http_config eval
main::http('rpm=100', 'llm_limit key=* budget=0.0005/day shadow;')
--- config eval: $::Here
--- provider
a:
    sse
    times 200 data {"id":"c1","choices":[{"index":0,"delta":{"content":"fifteen letters "},"finish_reason":null}]}
    data {"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
    done
--- may_log: [warn]
--- steps
my $r = main::stream('chat');
is(scalar @{ $r->{events} }, 201, 'all of it');
ok($r->{done}, 'the end mark');

=== TEST 13: counted in Redis: the same
--- config eval: $::Here
--- provider eval: $::Stream{chat}[2]
--- may_log: [warn]
--- steps
my $redis = LLM::Redis->new;
my $n = main::own('llm_redis redis://127.0.0.1:' . $redis->port
                  . " timeout=1s;\n" . main::http('budget=0.0005/day'));

my ($r) = main::used_up('chat', port => $n->port, file => $n->usage_file);

is($r->{events}[-1]{choices}[0]{finish_reason}, 'length', 'why');
ok($r->{done}, 'the end mark');
wait_for(5, sub { $redis->field('key=caller', 's') > 0 });
main::between($redis->field('key=caller', 's') / 1000, 496, 504, 'spent');
is($redis->field('key=caller', $_), 0, "nothing is held: $_")
    for 'm', 'o', 'r';
main::quits($n);

=== TEST 14: several at once share what Redis has, and spend no more
--- config eval: $::Here
--- provider eval: $::Stream{chat}[2]
--- may_log: [warn]
--- steps
my $redis = LLM::Redis->new;
my @n = map { main::own('llm_redis redis://127.0.0.1:' . $redis->port
                        . " timeout=1s;\n"
                        . main::http('budget=0.002/day')) } 1 .. 2;

my @c = map { main::start($n[$_ % 2]->port, $main::Ask{chat}) } 1 .. 8;
my @r = map { main::answer($_, 30) } @c;

is(join(' ', map { $_->{status} } @r), join(' ', (200) x 8), 'all began');
is(scalar(grep { $_->{content} =~ /"finish_reason":"length"/ } @r), 8,
   'and ended so');
wait_for(5, sub { $redis->field('key=caller', 'm') == 0 });
is($redis->field('key=caller', 'm'), 0, 'nothing is held');
main::between($redis->field('key=caller', 's') / 1000, 1980, 2048,
              'spent, an event of each at most above it');
main::quits($_) for @n;

=== TEST 15: Redis goes away in the middle of a stream
--- config eval: $::Here
--- provider eval: $::Stream{chat}[2]
--- may_log: [warn]
--- steps
for my $how ('local', 'closed') {
    my $redis = LLM::Redis->new;
    my $n = main::own('llm_redis redis://127.0.0.1:' . $redis->port
                      . " timeout=500ms on_error=$how;\n"
                      . main::http('budget=0.002/day'));

    my $c = main::start($n->port, $main::Ask{chat});

    IO::Select->new($c->{s})->can_read(5);
    $redis->kill;

    my $r = main::answer($c, 30);
    my ($record) = records(1, $n->usage_file);

    like($r->{content}, qr/"finish_reason":"length"/, "$how: it ends");
    holds($record, $how eq 'local' ? 'code=budget_exceeded'
                                   : 'code=quota_unavailable');
    ok($record->{cost} <= 0.002004, "$how: no more than there was");
    main::quits($n);
}
