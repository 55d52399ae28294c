# Streams: byte for byte at any cut, flushed at once, a head that waits for
# the first content, an explicit end where they break, and usage that clients
# see only if they asked.

use lib 't/lib';
use LLM 'no_plan';

use File::Temp;

repeat_each(2);
no_shuffle();
worker_connections(1024);

our $Http = <<'_EOC_';
    llm_provider mock {
        protocol  openai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/chat/v1;
        timeout   connect=1s first_byte=700ms idle=1s;
    }

    llm_provider claude {
        protocol  anthropic;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/claude/v1;
        timeout   connect=1s first_byte=700ms idle=1s;
    }

    llm_provider google {
        protocol  gemini;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/google/v1beta;
        timeout   connect=1s first_byte=700ms idle=1s;
    }

    llm_model gpt-4o  { route mock; }
    llm_model claude  { route claude; }
    llm_model gemini  { route google; }

    llm_key caller {
        secret  plain:sk-test;
        models  *;
    }
_EOC_

# where the time that an answer takes is not what is looked at

our $Patient = $Http =~ s/first_byte=700ms idle=1s/first_byte=15s idle=15s/gr;

our $Route = <<'_EOC_';
    location /v1 {
        llm_route;
    }
_EOC_

our $Dir = File::Temp->newdir;

our $Ask = '{"model": "gpt-4o", "stream": true, "messages": []}';

our $Long = "Grüße, 世界 \xf0\x9f\x98\x80 ";

our $Chat = join '', map { "data: $_\n\n" }
    '{"id":"c1","model":"gpt-4o-1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}',
    qq({"id":"c1","choices":[{"index":0,"delta":{"content":"$Long"},"finish_reason":null}]}),
    '{"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t1","function":{"name":"f","arguments":"{\"a\": \"data: [DONE]\\\\n\\\\n\"}"}}]}}]}',
    qq({"id":"c1","choices":[{"index":0,"delta":{"content":"$Long$Long"}}]}),
    '{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}',
    '[DONE]';

our $Usage = 'data: {"id":"c1","choices":[],"usage":{"prompt_tokens":21,"completion_tokens":7,"total_tokens":28}}' . "\n\n";

our $ChatUsage = $Chat =~ s/(data: \[DONE\]\n\n\z)/$Usage$1/r;

our $Messages = join '', map { /"type":"(\w+)"/; "event: $1\ndata: $_\n\n" }
    '{"type":"message_start","message":{"id":"msg_1","model":"claude-1","content":[],"usage":{"input_tokens":11,"output_tokens":1}}}',
    '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
    '{"type":"ping"}',
    qq({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"$Long"}}),
    '{"type":"content_block_stop","index":0}',
    '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}',
    '{"type":"message_stop"}';

our $Responses = join '', map { /"type":"([\w.]+)"/; "event: $1\ndata: $_\n\n" }
    '{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","status":"in_progress"}}',
    '{"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_1","object":"response","status":"in_progress"}}',
    qq({"type":"response.output_text.delta","sequence_number":2,"item_id":"msg_1","delta":"$Long"}),
    qq({"type":"response.completed","sequence_number":3,"response":{"id":"resp_1","object":"response","status":"completed","output":[],"usage":{"input_tokens":5,"output_tokens":6,"total_tokens":11}}});

our @Gemini = (
    qq({"candidates": [{"content": {"parts": [{"text": "$Long"}], "role": "model"}, "index": 0}], "modelVersion": "gemini-1"}),
    qq({"candidates": [{"content": {"parts": [{"text": "[{,}]"}], "role": "model"}}]}),
    '{"candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 8, "totalTokenCount": 12}}',
);

our $Gemini = join '', map { "data: $_\r\n\r\n" } @Gemini;
our $Array = '[' . join("\r\n,\r\n", @Gemini) . "\r\n]\n";

sub put {
    my ($name, $text) = @_;

    open my $fh, '>:raw', "$Dir/$name" or die "$Dir/$name: $!";
    print $fh $text;
    close $fh;
    return "$Dir/$name";
}

put('chat', $Chat);
put('chat-usage', $ChatUsage);
put('messages', $Messages);
put('responses', $Responses);
put('gemini', $Gemini);
put('array', $Array);
put('chat-crlf', $ChatUsage =~ s/\n/\r\n/gr);

# plays a recorded stream cut in all the ways

our $all_cuts = sub {
    my ($name, $file, $type, $ask) = @_;

    my $n = 0;

    for my $how ('', 'split=1', 'split=7', 'split=1,2,50', 'split=100,3',
                 'split=1000', 'events=1')
    {
        for my $frame ('chunked', 'close', '') {
            next if $how && $frame eq '';

            LLM::Provider::play("$name:\n header Content-Type: $type\n "
                                . ($frame ? "$frame\n " : '')
                                . "file $Dir/$file $how\n");
            $ask->("$how $frame");
            $n++;
        }
    }

    return $n;
};

run_tests();

__DATA__

=== TEST 1: a chat stream passes byte for byte, however it is cut
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
my $n = $::all_cuts->('chat', 'chat', 'text/event-stream', sub {
    my $r = post('/v1/chat/completions', $::Ask);
    is($r->{content}, $::Chat, "the stream $_[0]");
    is($r->{headers}{'content-type'}, 'text/event-stream');
});
holds($_, 'status=200 outcome=ok stream=true estimated=true') for records($n);


=== TEST 2: its usage chunk is asked for, read, and hidden, however it is cut
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
my $n = $::all_cuts->('chat', 'chat-usage', 'text/event-stream', sub {
    my $r = post('/v1/chat/completions', $::Ask);
    is($r->{content}, $::Chat, "the stream $_[0]");
    holds(JSON::PP::decode_json((sent())[-1]{body}),
          'stream_options.include_usage=true stream=true model=gpt-4o');
});
holds($_, 'status=200 outcome=ok usage.input=21 usage.output=7') for records($n);


=== TEST 3: who asked for the usage chunk gets it
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
my $ask = $::Ask =~ s/\{/{"stream_options": {"include_usage": true}, /r;
my $n = $::all_cuts->('chat', 'chat-usage', 'text/event-stream', sub {
    my $r = post('/v1/chat/completions', $ask);
    is($r->{content}, $::ChatUsage, "the stream $_[0]");
});
is((sent())[-1]{body}, $ask, 'the body is untouched');
holds($_, 'status=200 outcome=ok usage.input=21 usage.output=7') for records($n);


=== TEST 4: other stream options stay as they are
--- http_config eval: $::Http
--- config eval: $::Route
--- provider eval: "chat:\n sse\n file $::Dir/chat-usage\n"
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "stream": true, "stream_options": {"include_obfuscation": false, "include_usage": false}, "messages": []}
--- response_body eval: $::Chat
--- provider_json
stream_options.include_obfuscation=false stream_options.include_usage=true
--- usage_log
status=200 outcome=ok usage.input=21


=== TEST 5: usage in a chunk with choices is no chunk of ours
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    sse
    data {"choices":[{"index":0,"delta":{"content":"a"}}],"usage":null}
    data {"choices":[{"index":0,"delta":{"content":"b"}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}
    data {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}
    done
--- post: /v1/chat/completions
--- body eval: $::Ask
--- response_body eval
join '', map { "data: $_\n\n" }
    '{"choices":[{"index":0,"delta":{"content":"a"}}],"usage":null}',
    '{"choices":[{"index":0,"delta":{"content":"b"}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}',
    '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}',
    '[DONE]'
--- usage_log
status=200 outcome=ok usage.input=3 usage.output=2


=== TEST 6: a messages stream passes byte for byte
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
my $n = $::all_cuts->('claude', 'messages', 'text/event-stream; charset=utf-8', sub {
    my $r = post('/v1/messages', { model => 'claude', max_tokens => 9,
                                   stream => \1, messages => [] });
    is($r->{content}, $::Messages, "the stream $_[0]");
});
holds($_, 'status=200 outcome=ok usage.input=11 usage.output=9') for records($n);


=== TEST 7: a responses stream passes with its ids signed in every event
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
my $n = $::all_cuts->('chat', 'responses', 'text/event-stream', sub {
    my $r = post('/v1/responses', { model => 'gpt-4o', stream => \1,
                                    input => 'Hi' });
    my @ids = $r->{content} =~ /"id":"(resp_[^"]+)"/g;

    is(scalar(@ids), 3, 'three ids');
    like($ids[0], qr/^resp_1_g[\w-]{24}$/, 'signed');
    is(join(' ', @ids), join(' ', ($ids[0]) x 3), 'all the same');
    is($r->{content} =~ s/(resp_1)_g[\w-]{24}/$1/gr, $::Responses,
       "else the stream $_[0]");
});
holds($_, 'status=200 outcome=ok usage.input=5 usage.output=6') for records($n);


=== TEST 8: a gemini stream passes byte for byte
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
my $n = $::all_cuts->('google', 'gemini', 'text/event-stream', sub {
    my $r = post('/v1beta/models/gemini:streamGenerateContent?alt=sse',
                 { contents => [] });
    is($r->{content}, $::Gemini, "the stream $_[0]");
});
holds($_, 'status=200 outcome=ok usage.input=4 usage.output=8 stream=true')
    for records($n);


=== TEST 9: a gemini stream in an array passes byte for byte
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
my $n = $::all_cuts->('google', 'array', 'application/json; charset=UTF-8', sub {
    my $r = post('/v1beta/models/gemini:streamGenerateContent',
                 { contents => [] });
    is($r->{content}, $::Array, "the stream $_[0]");
    is(scalar(@{ $r->{json} // [] }), 3, 'three answers');
});
holds($_, 'status=200 outcome=ok usage.input=4 usage.output=8 stream=true')
    for records($n);


=== TEST 10: lines that end in CR and LF, with the usage chunk hidden
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
my $n = $::all_cuts->('chat', 'chat-crlf', 'text/event-stream', sub {
    my $r = post('/v1/chat/completions', $::Ask);
    is($r->{content}, $::Chat =~ s/\n/\r\n/gr, "the stream $_[0]");
});
holds($_, 'status=200 outcome=ok usage.input=21 usage.output=7') for records($n);


=== TEST 11: comments, pings and unknown fields pass where they stood
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    sse
    body : OPENROUTER PROCESSING\n\n
    body id: 7\nretry: 10\ndata: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n
    body : ping\n\n\n\n
    body data:{"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"stop"}]}\n:c\n\n
    done
--- post: /v1/chat/completions
--- body eval: $::Ask
--- response_body eval
qq(: OPENROUTER PROCESSING\n\nid: 7\nretry: 10\ndata: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n)
. qq(: ping\n\n\n\ndata:{"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"stop"}]}\n:c\n\ndata: [DONE]\n\n)
--- usage_log
status=200 outcome=ok


=== TEST 12: each event is flushed at once
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    sse
    data {"choices":[{"index":0,"delta":{"content":"one"}}]}
    pause 400
    data {"choices":[{"index":0,"delta":{"content":"two"}}]}
    pause 400
    data {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
    done
--- steps
use Time::HiRes ();
my $start = Time::HiRes::time();
my %at;
HTTP::Tiny->new->post("http://127.0.0.1:$Test::Nginx::Util::ServerPort/v1/chat/completions", {
    content => $::Ask, headers => { Authorization => 'Bearer sk-test' },
    data_callback => sub {
        $at{$_[0] =~ /one/ ? 1 : $_[0] =~ /two/ ? 2 : 3}
            //= Time::HiRes::time() - $start;
    },
});
ok($at{1} < 0.3, "the first came after $at{1}");
ok($at{2} > 0.35 && $at{2} < 0.7, "the second came after $at{2}");
ok($at{3} > 0.75, "the end came after $at{3}");
holds((records(1))[0], 'outcome=ok ttft_ms<300 latency_ms>750');


=== TEST 13: the head waits for the first content
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
claude:
    sse
    typed {"type":"message_start","message":{"id":"m","usage":{"input_tokens":2}}}
    typed {"type":"ping"}
    pause 300
    typed {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}
    pause 300
    typed {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}
    typed {"type":"message_stop"}
--- steps
use IO::Select;
my $s = LLM::Client::connection($Test::Nginx::Util::ServerPort);
my $body = '{"model":"claude","max_tokens":9,"stream":true,"messages":[]}';
syswrite $s, "POST /v1/messages HTTP/1.1\r\nHost: a\r\nx-api-key: sk-test\r\n"
             . "Content-Length: " . length($body) . "\r\n\r\n$body";
ok(!IO::Select->new($s)->can_read(0.2), 'nothing yet');
ok(IO::Select->new($s)->can_read(0.3), 'there it is');
sysread $s, my $got, 65536;
like($got, qr/^HTTP\/1\.1 200 OK\r\n/);
like($got, qr/message_start.*ping.*text_delta/s);
unlike($got, qr/message_stop/);
while (sysread $s, $got, 65536, length $got) { last if $got =~ /\r\n0\r\n/ }
like($got, qr/message_stop/);
holds((records(1))[0], 'outcome=ok ttft_ms>250 usage.input=2 usage.output=1');


=== TEST 14: an error before any content is a 502 with the provider's words
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    sse
    data {"error":{"message":"The server is overloaded","type":"server_error"}}
    done
--- post: /v1/chat/completions
--- body eval: $::Ask
--- error_code: 502
--- response_headers
Content-Type: application/json
--- response_json
error.code=upstream_error error.message~overloaded attempts.length=1
--- usage_log
status=502 outcome=upstream_error stream=true cost=0 attempts.0.status=200
attempts.0.error~^invalid:


=== TEST 15: so is anthropic's, behind its message_start
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
claude:
    sse
    typed {"type":"message_start","message":{"id":"m","usage":{"input_tokens":2}}}
    typed {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}
--- post: /v1/messages
--- body
{"model": "claude", "max_tokens": 9, "stream": true, "messages": []}
--- error_code: 502
--- response_json
type=error error.type=api_error error.message~Overloaded
--- usage_log
status=502 outcome=upstream_error


=== TEST 16: so are those of responses and gemini
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    sse
    typed {"type":"response.created","sequence_number":0,"response":{"id":"resp_1"}}
    typed {"type":"error","sequence_number":1,"code":"x","message":"went wrong"}
google stream /v1beta/*:
    sse
    data {"error":{"code":503,"message":"went wrong","status":"UNAVAILABLE"}}
--- steps
my $r = post('/v1/responses', { model => 'gpt-4o', stream => \1, input => '' });
is($r->{status}, 502);
holds($r, 'error.message~"went wrong"');

$r = post('/v1beta/models/gemini:streamGenerateContent?alt=sse', {});
is($r->{status}, 502);
holds($r, 'error.message~"went wrong" error.code=502');

LLM::Provider::play('google:
    json [{"error":{"code":503,"message":"went wrong","status":"UNAVAILABLE"}}]');
$r = post('/v1beta/models/gemini:streamGenerateContent', {});
is($r->{status}, 502);
holds($r, 'error.message~"went wrong"');
holds($_, 'outcome=upstream_error cost=0') for records(3);


=== TEST 17: a stream without any event is a 502
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
for my $play ('sse', 'sse\n body : ping\n\n', 'sse\n data [DONE]',
    'header Content-Type: text/event-stream', 'sse\n body \n\n\n', 'sse\n cut',
    'sse\n data {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":0}}\n done')
{
    LLM::Provider::play("chat:\n " . $play =~ s/\\n /\n /gr . "\n");
    my $r = post('/v1/chat/completions', $::Ask);
    is($r->{status}, 502, $play);
    holds($r, 'error.code=upstream_error');
}
holds($_, 'status=502 outcome=upstream_error') for records(7);


=== TEST 18: a stall before any content is a 504
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    sse
    body : ping\n\n
    pause 100
    body : ping\n\n
    hang
--- post: /v1/chat/completions
--- body eval: $::Ask
--- error_code: 504
--- response_json
error.code=upstream_timeout
--- error_log
upstream timed out
--- provider_left: 1
--- usage_log
status=504 outcome=upstream_error latency_ms<1500


=== TEST 19: pings do not keep a stream without content alive
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    sse
    forever pause=100 body : ping\n\n
--- post: /v1/chat/completions
--- body eval: $::Ask
--- error_code: 504
--- error_log
upstream timed out
--- provider_left: 1
--- usage_log
status=504 outcome=upstream_error latency_ms<2500


=== TEST 20: a chat stream that is cut ends with an error, and without [DONE]
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    sse
    data {"choices":[{"index":0,"delta":{"content":"Once upon a time"}}]}
    pause 30
    body data: {"choices":[{"index":0,"delta":{"con
    cut
--- post: /v1/chat/completions
--- body eval: $::Ask
--- response_body_like eval
qr/\Adata: \{"choices":\[\{"index":0,"delta":\{"content":"Once upon a time"\}\}\]\}\n\n+data: \{"error":\{"message":"[^\n]*cut[^\n]*"code":"upstream_error"\}[^\n]*\}\n\n\z/
--- response_body_unlike: DONE
--- usage_log
status=200 outcome=truncated estimated=true usage.output>1 usage.output<20
attempts.0.error


=== TEST 21: so does one that ends without [DONE]
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    sse
    data {"choices":[{"index":0,"delta":{"content":"Once"}}]}
--- post: /v1/chat/completions
--- body eval: $::Ask
--- response_body_like eval
qr/"Once".*\n\ndata: \{"error":\{"message":/s
--- response_body_unlike: DONE
--- usage_log
status=200 outcome=truncated estimated=true


=== TEST 22: so does one whose connection is reset
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    sse
    data {"choices":[{"index":0,"delta":{"content":"Once"}}]}
    pause 50
    reset
--- post: /v1/chat/completions
--- body eval: $::Ask
--- response_body_like eval
qr/"Once".*\n\ndata: \{"error":\{"message":/s
--- response_body_unlike: DONE
--- usage_log
status=200 outcome=truncated estimated=true


=== TEST 23: so does one that stalls
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    sse
    data {"choices":[{"index":0,"delta":{"content":"Once"}}]}
    hang
--- post: /v1/chat/completions
--- body eval: $::Ask
--- response_body_like eval
qr/"Once".*\n\ndata: \{"error":\{"message":[^\n]*"code":"upstream_timeout"/s
--- response_body_unlike: DONE
--- error_log
upstream timed out
--- provider_left: 1
--- usage_log
status=200 outcome=truncated estimated=true latency_ms>900 latency_ms<2500


=== TEST 24: so does one with an event that makes no sense
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    sse
    data {"choices":[{"index":0,"delta":{"content":"Once"}}]}
    data {"choices":[{"index":0,"delta":{"content":
    data {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
    done
--- post: /v1/chat/completions
--- body eval: $::Ask
--- response_body_like eval
qr/"Once"\}\}\]\}\n\ndata: \{"error":\{"message":.*\n\n\z/s
--- response_body_unlike: DONE|stop|"content":\n
--- usage_log
status=200 outcome=truncated attempts.0.error~^invalid:.*malformed


=== TEST 25: and one with chunks that are none
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    nohead
    raw HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n
    raw 3f\r\ndata: {"choices":[{"index":0,"delta":{"content":"Once on"}}]}\n\n\r\n
    pause 50
    raw zz\r\n
    hang
--- post: /v1/chat/completions
--- body eval: $::Ask
--- response_body_like eval
qr/Once.*\n\ndata: \{"error":\{"message":/s
--- response_body_unlike: DONE
--- usage_log
status=200 outcome=truncated


=== TEST 26: an anthropic stream that is cut ends with its error event
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
claude:
    sse
    typed {"type":"message_start","message":{"id":"m","usage":{"input_tokens":11,"output_tokens":1}}}
    typed {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Once upon a time there was a stream that was cut"}}
    cut
--- post: /v1/messages
--- body
{"model": "claude", "max_tokens": 9, "stream": true, "messages": []}
--- response_body_like eval
qr/text_delta.*\n\nevent: error\ndata: \{"type":"error","error":\{"type":"api_error","message":"[^\n]*\}\n\n\z/s
--- response_body_unlike: message_stop
--- usage_log
status=200 outcome=truncated usage.input=11 usage.output>5


=== TEST 27: a responses stream that is cut ends with error and response.failed
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    sse
    typed {"type":"response.created","sequence_number":0,"response":{"id":"resp_1"}}
    typed {"type":"response.output_text.delta","sequence_number":1,"delta":"Once"}
    cut
--- post: /v1/responses
--- body
{"model": "gpt-4o", "stream": true, "input": "Hi"}
--- response_body_like eval
qr/Once.*\n\nevent: error\ndata: \{[^\n]*"sequence_number":2[^\n]*\n\nevent: response\.failed\ndata: \{[^\n]*"sequence_number":3[^\n]*\n\n\z/s
--- response_body_unlike: response.completed
--- usage_log
status=200 outcome=truncated


=== TEST 28: gemini streams that are cut end with an error as well
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
google:
    sse
    body data: {"candidates": [{"content": {"parts": [{"text": "Once"}]}}]}\r\n\r\n
    cut
--- steps
my $r = post('/v1beta/models/gemini:streamGenerateContent?alt=sse', {});
like($r->{content}, qr/Once.*\r\n\r\ndata: \{"error":\{"code":502,/s);
like($r->{content}, qr/\r\n\r\n\z/);

for my $cut ('', ', {"candi', '\r\n,\r\n') {
    LLM::Provider::play('google:
        header Content-Type: application/json
        chunked
        body [{"candidates": [{"content": {"parts": [{"text": "Once"}]}}]}' . $cut . '
        cut');
    $r = post('/v1beta/models/gemini:streamGenerateContent', {});
    is($r->{status}, 200);
    holds($r, 'length=2 0.candidates.length=1 1.error.code=502');
}
holds($_, 'status=200 outcome=truncated') for records(4);


=== TEST 29: a provider's own error event in the middle is the end, as it came
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
claude:
    sse
    typed {"type":"message_start","message":{"id":"m","usage":{"input_tokens":11,"output_tokens":1}}}
    typed {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Once"}}
    typed {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}
--- post: /v1/messages
--- body
{"model": "claude", "max_tokens": 9, "stream": true, "messages": []}
--- response_body_like eval
qr/Once.*\n\nevent: error\ndata: \{"type":"error","error":\{"type":"overloaded_error","message":"Overloaded"\}\}\n\n\z/s
--- response_body_unlike: upstream_error
--- usage_log
status=200 outcome=truncated attempts.0.error~committed$


=== TEST 30: OpenAI's, followed by [DONE], is no good end either
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    sse
    data {"choices":[{"index":0,"delta":{"content":"Once"}}]}
    data {"error":{"message":"The server had an error","type":"server_error"}}
    done
--- post: /v1/chat/completions
--- body eval: $::Ask
--- response_body_like: The server had an error
--- response_body_unlike: DONE
--- usage_log
status=200 outcome=truncated attempts.0.error~committed$


=== TEST 31: a response that failed tells it by itself
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    sse
    typed {"type":"response.created","sequence_number":0,"response":{"id":"resp_1"}}
    typed {"type":"response.output_text.delta","sequence_number":1,"delta":"Once"}
    typed {"type":"response.failed","sequence_number":2,"response":{"id":"resp_1","status":"failed","error":{"code":"server_error","message":"no luck"}}}
--- post: /v1/responses
--- body
{"model": "gpt-4o", "stream": true, "input": "Hi"}
--- response_body_like eval: qr/"no luck"\}\}\}\n\n\z/
--- usage_log
status=200 outcome=truncated attempts.0.error~committed$


=== TEST 32: an event of 300 kB, and one of 3 MB
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
for my $size (300_000, 3_000_000) {
    for my $split ('', 'split=5000', 'split=65536,1') {
        my $data = 'data: {"choices":[{"index":0,"delta":{"content":"'
                   . ('A' x $size) . "\"}}]}\n\n";
        my $all = $data . $data . $::Chat;
        ::put('big', $data . $data . $::ChatUsage);
        LLM::Provider::play("chat:\n sse\n file $::Dir/big $split\n");
        my $r = post('/v1/chat/completions', $::Ask, timeout => 20);
        ok($r->{content} eq $all, "$size $split: " . length $r->{content});
    }
}
holds($_, 'status=200 outcome=ok usage.input=21') for records(6);


=== TEST 33: an event without an end is passed on, not kept
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
my $n = nginx(http => "llm_zone 8m;\nllm_usage_log \$DIR/logs/usage.jsonl"
                      . " flush=10ms;\n$::Patient", config => $::Route);
LLM::Provider::play('chat:
    sse
    data {"choices":[{"index":0,"delta":{"content":"Once"}}]}
    body data: {"a": "
    times 400 fill 100000 A
    cut');
my $rss = sub {
    open my $fh, '<', '/proc/' . ($n->workers)[0] . '/status';
    return (join '', <$fh>) =~ /VmHWM:\s+(\d+)/ ? $1 : die;
};
my $before = $rss->();
my $r = post('/v1/chat/completions', $::Ask, port => $n->port, timeout => 30);
ok(length $r->{content} > 40_000_000, 'it passed');
like($r->{content}, qr/Once/);
like($r->{content}, qr/\n\ndata: \{"error"/);
my $grown = $rss->() - $before;
# a sanitizer's memory is not ours

ok($grown < 4000 || $ENV{TEST_NGINX_LOAD_MODULES} =~ /asan/,
   "memory: $grown kB more");
holds((records(1, $n->usage_file))[0], 'outcome=truncated');
$n->quit;
quiet($n);


=== TEST 34: memory does not grow with the length of a stream
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
my $n = nginx(http => "llm_zone 8m;\nllm_usage_log \$DIR/logs/usage.jsonl"
                      . " flush=10ms;\n$::Patient", config => $::Route);
my $rss = sub {
    open my $fh, '<', '/proc/' . ($n->workers)[0] . '/status';
    return (join '', <$fh>) =~ /VmHWM:\s+(\d+)/ ? $1 : die;
};
my $event = 'data: {"choices":[{"index":0,"delta":{"content":"'
            . ('word ' x 20) . "\"}}]}\n\n";
::put('long', $event x 1000 . $::ChatUsage);
post('/v1/chat/completions', $::Ask, port => $n->port)
    for LLM::Provider::play("chat:\n sse\n file $::Dir/long split=777\n");
my $before = $rss->();
::put('long', $event x 60000 . $::ChatUsage);
LLM::Provider::play("chat:\n sse\n file $::Dir/long split=20001\n");
my $r = post('/v1/chat/completions', $::Ask, port => $n->port, timeout => 30);
ok($r->{content} eq $event x 60000 . $::Chat, 'it passed');
my $grown = $rss->() - $before;
ok($grown < 3000, "memory: $grown kB more");
holds((records(2, $n->usage_file))[1], 'outcome=ok usage.output=7');
$n->quit;
quiet($n);


=== TEST 35: no stream where one was asked for is a 502
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    json {"choices": [{"message": {"content": "Hi"}}]}
--- post: /v1/chat/completions
--- body eval: $::Ask
--- error_code: 502
--- response_json
error.message~"without a stream"
--- usage_log
status=502 outcome=upstream_error attempts.0.status=200


=== TEST 36: a stream where none was asked for is a 502
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    sse
    data {"choices":[{"index":0,"delta":{"content":"Once"}}]}
    done
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- error_code: 502
--- response_json
error.message~"not asked for"
--- usage_log
status=502 outcome=upstream_error attempts.0.status=200


=== TEST 37: a stream that is compressed passes as it is
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    sse
    gzip
    data {"choices":[{"index":0,"delta":{"content":"Once"}}]}
    done
--- post: /v1/chat/completions
--- body eval: $::Ask
--- response_headers
Content-Encoding: gzip
--- response_body_like eval: qr/\A\x1f\x8b/
--- usage_log
status=200 outcome=ok estimated=true


=== TEST 38: events without the last blank line, at a good end
--- http_config eval: $::Http
--- config eval: $::Route
--- provider
chat:
    close
    header Content-Type: text/event-stream
    data {"choices":[{"index":0,"delta":{"content":"Once"},"finish_reason":"stop"}]}
    body data: [DONE]
--- post: /v1/chat/completions
--- body eval: $::Ask
--- response_body_like eval: qr/Once.*\n\ndata: \[DONE\]\z/s
--- usage_log
status=200 outcome=ok


=== TEST 39: an HTTP/2 client gets a stream, byte for byte
--- http_config eval: $::Http
--- config eval: $::Route
--- http2
--- provider eval: "chat:\n sse\n file $::Dir/chat-usage split=40 pause=3\n"
--- post: /v1/chat/completions
--- body eval: $::Ask
--- response_body eval: $::Chat
--- usage_records: 1
--- usage_log
status=200 outcome=ok usage.input=21


=== TEST 40: an HTTP/2 client gets a unary answer, and a refusal
--- http_config eval: $::Http
--- config eval: $::Route
--- http2
--- provider
chat:
    json {"n": 1}
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "messages": []}
--- response_json
n=1
--- usage_records: 1
--- usage_log
status=200 outcome=ok


=== TEST 41: an HTTP/2 client sees a cut stream's error event
--- http_config eval: $::Http
--- config eval: $::Route
--- http2
--- provider
chat:
    sse
    data {"choices":[{"index":0,"delta":{"content":"Once"}}]}
    pause 30
    cut
--- post: /v1/chat/completions
--- body eval: $::Ask
--- response_body_like eval: qr/Once.*\n\ndata: \{"error":\{/s
--- usage_records: 1
--- usage_log
status=200 outcome=truncated


=== TEST 42: HTTP/1.0 clients get streams too
--- http_config eval: $::Http
--- config eval: $::Route
--- provider eval: "chat:\n sse\n file $::Dir/chat-usage split=100\n"
--- client
send POST /v1/chat/completions HTTP/1.0\r\nAuthorization: Bearer sk-test\r\n
send Content-Length: 51\r\n\r\n{"model": "gpt-4o", "stream": true, "messages": []}
end
--- client_like eval: [qr/\AHTTP\/1\.1 200 OK\r\n/, qr/\r\n\r\n\Q$::Chat\E\z/]
--- usage_records: 1
--- usage_log
status=200 outcome=ok


=== TEST 43: a pooled connection serves stream after stream
--- http_config eval
my $http = $::Http =~ s/127\.0\.0\.1:\$TEST_NGINX_PROVIDER_PORT\/chat/pool\/chat/r;
"    upstream pool { server 127.0.0.1:\$TEST_NGINX_PROVIDER_PORT; keepalive 2; }
$http"
--- config eval: $::Route
--- provider eval: "chat:\n sse\n file $::Dir/chat-usage split=300\n"
--- steps
is(post('/v1/chat/completions', $::Ask)->{content}, $::Chat) for 1 .. 5;
my %conns = map { $_->{conn} => 1 } sent();
is(scalar(keys %conns), 1, 'one connection');
holds($_, 'outcome=ok') for records(5);


=== TEST 44: a stream that was cut does not go back to the pool
--- http_config eval
my $http = $::Http =~ s/127\.0\.0\.1:\$TEST_NGINX_PROVIDER_PORT\/chat/pool\/chat/r;
"    upstream pool { server 127.0.0.1:\$TEST_NGINX_PROVIDER_PORT; keepalive 2; }
$http"
--- config eval: $::Route
--- provider
chat #1:
    sse
    data {"choices":[{"index":0,"delta":{"content":"Once"}}]}
    hang
chat #2:
    json {"n": 2}
--- steps
like(post('/v1/chat/completions', $::Ask)->{content}, qr/"error"/);
is(post('/v1/chat/completions', { model => 'gpt-4o' })->{content}, '{"n": 2}');
my %conns = map { $_->{conn} => 1 } sent();
is(scalar(keys %conns), 2, 'two connections');
records(2);


=== TEST 45: two hundred streams at once
--- http_config eval: $::Patient
--- config eval: $::Route
--- timeout: 30
--- provider eval: "chat:\n sse\n file $::Dir/chat-usage events=1 pause=30\n"
--- steps
use IO::Select;
my $sel = IO::Select->new;
my %got;
for (1 .. 200) {
    my $s = LLM::Client::connection($Test::Nginx::Util::ServerPort);
    syswrite $s, "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n"
        . "Connection: close\r\nAuthorization: Bearer sk-test\r\n"
        . "Content-Length: " . length($::Ask) . "\r\n\r\n$::Ask";
    $sel->add($s);
    $got{$s} = '';
}
my $end = time + 20;
while ($sel->count && time < $end) {
    for my $s ($sel->can_read(1)) {
        sysread($s, $got{$s}, 65536, length $got{$s}) or $sel->remove($s);
    }
}
my $good = 0;
for my $text (values %got) {
    my ($body) = $text =~ /\AHTTP\/1\.1 200 .*?\r\n\r\n(.*)\z/s;
    my $all = '';
    while ($body =~ s/\A([0-9a-f]+)\r\n//) {
        $all .= substr $body, 0, hex $1, '';
        $body =~ s/\A\r\n//;
    }
    $good++ if $all eq $::Chat;
}
is($good, 200, 'all of them whole');
my @bad = grep { $_->{outcome} ne 'ok' || $_->{usage}{input} != 21 } records(200);
is(scalar(@bad), 0, 'all of them counted');
