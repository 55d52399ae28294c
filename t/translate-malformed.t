# Providers whose answers are not what their protocol promises, and a client
# of another one: a clear error in the client's words, an attempt that the
# ladder may move on from, or a stream that ends by an error it can read.
# Never a clean end, never silence, never a worker that dies of it.

use lib 't/lib';
use LLM 'no_plan';

use Compress::Raw::Zlib ();
use File::Temp;

repeat_each(1);
no_shuffle();

our $Dir = File::Temp->newdir;

our $Http = join '', <<'_EOC_', map { "    llm_model $_ { route $_; }\n" }
    llm_provider chat { protocol openai; api chat;
        pass http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/chat/v1; }

    llm_provider responses { protocol openai; api responses;
        pass http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/responses/v1; }

    llm_provider claude { protocol anthropic;
        pass http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/claude/v1; }

    llm_provider google { protocol gemini;
        pass http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/google/v1beta; }

    llm_provider nova { protocol bedrock;
        pass        http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/nova;
        credential  aws region=eu-west-1 access_key=AKID secret_key=s3cret; }

    llm_key caller { secret plain:sk-test; models *; }

    llm_model both { route claude; route chat priority=2; }
_EOC_
    qw(chat responses claude google nova);

our $Route = <<'_EOC_';
    location /v1 {
        llm_route;
    }
_EOC_

# ---- what providers answer; TEXT stands in a string

our %Whole = (
    chat => '{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"TEXT"},"finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}}',
    responses => '{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"m","output":[{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"TEXT","annotations":[]}]}],"usage":{"input_tokens":2,"output_tokens":1,"total_tokens":3}}',
    claude => '{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"TEXT"}],"stop_reason":"end_turn","usage":{"input_tokens":2,"output_tokens":1}}',
    google => '{"candidates":[{"content":{"parts":[{"text":"TEXT"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":2,"candidatesTokenCount":1,"totalTokenCount":3}}',
    nova => '{"output":{"message":{"role":"assistant","content":[{"text":"TEXT"}]}},"stopReason":"end_turn","usage":{"inputTokens":2,"outputTokens":1,"totalTokens":3}}',
);

# before its content, the content, and what ends it: [name, data]

our %Stream = (
    chat => [
        [['', '{"id":"c1","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}']],
        ['', '{"id":"c1","choices":[{"index":0,"delta":{"content":"TEXT"}}]}'],
        [['', '{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'],
         ['', '[DONE]']] ],
    responses => [
        [['response.created', '{"type":"response.created","response":{"id":"resp_1","model":"m"}}'],
         ['response.output_item.added', '{"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"msg_1"}}']],
        ['response.output_text.delta', '{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"TEXT"}'],
        [['response.completed', '{"type":"response.completed","response":{"id":"resp_1","status":"completed","output":[]}}']] ],
    claude => [
        [['message_start', '{"type":"message_start","message":{"id":"msg_1","model":"m","content":[],"usage":{"input_tokens":2,"output_tokens":1}}}'],
         ['content_block_start', '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}']],
        ['content_block_delta', '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"TEXT"}}'],
        [['content_block_stop', '{"type":"content_block_stop","index":0}'],
         ['message_delta', '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}'],
         ['message_stop', '{"type":"message_stop"}']] ],
    google => [
        [],
        ['', '{"candidates":[{"content":{"parts":[{"text":"TEXT"}],"role":"model"},"index":0}]}'],
        [['', '{"candidates":[{"content":{"parts":[{"text":"."}],"role":"model"},"finishReason":"STOP","index":0}]}']] ],
    nova => [
        [['messageStart', '{"role":"assistant"}']],
        ['contentBlockDelta', '{"contentBlockIndex":0,"delta":{"text":"TEXT"}}'],
        [['contentBlockStop', '{"contentBlockIndex":0}'],
         ['messageStop', '{"stopReason":"end_turn"}'],
         ['metadata', '{"usage":{"inputTokens":2,"outputTokens":1,"totalTokens":3}}']] ],
);

our %Bad = (
    'cut in its middle'  => sub { substr $_[0], 0, length($_[0]) / 2 },
    'no JSON'            => sub { 'Bad Gateway' },
    'invalid UTF-8'      => sub { $_[0] =~ s/TEXT/a\xff\xfeb/r },
    'too deep'           => sub { $_[0] =~ s/\}\z/',"x":' . '[' x 5000
                                                 . ']' x 5000 . '}'/er },
    'a bare zero byte'   => sub { $_[0] =~ s/TEXT/a\0b/r },
);

sub crc { pack 'N', Compress::Raw::Zlib::crc32($_[0]) }

sub frame {
    my ($type, $payload) = @_;

    my $headers = join '', map { pack 'C/a C n/a', $_->[0], 7, $_->[1] }
        [':event-type', $type], [':content-type', 'application/json'],
        [':message-type', 'event'];
    my $prelude = pack 'N N', 16 + length($headers) + length $payload,
                              length $headers;

    $prelude .= crc($prelude);
    my $text = $prelude . $headers . $payload;
    return $text . crc($text);
}

sub framed {
    my ($from, $event) = @_;

    return $from eq 'nova' ? frame(@$event)
         : ($event->[0] ? "event: $event->[0]\n" : '') . "data: $event->[1]\n\n";
}

sub put {
    my ($name, $text) = @_;

    open my $fh, '>:raw', "$Dir/$name" or die "$Dir/$name: $!";
    print $fh $text;
    close $fh;
    return "$Dir/$name";
}

# what is played to whoever asks, in pieces

our $n = 0;

sub plays {
    my ($from, $stream, @parts) = @_;

    my $type = !$stream ? 'application/json'
             : $from eq 'nova' ? 'application/vnd.amazon.eventstream'
             : 'text/event-stream';
    my @files = map { ' file ' . put('answer' . $n++, $_) . "\n" } @parts;

    LLM::Provider::play("*:\n header Content-Type: $type\n chunked\n"
                        . join " pause 30\n", @files);
}

# ---- clients, and how they see that something went wrong

my $hi = '"messages": [{"role": "user", "content": "Hi"}]';

our %Client = (
    chat => sub { LLM::Steps::post('/v1/chat/completions',
        qq({"model": "$_[0]", "stream": $_[1], $hi})) },
    responses => sub { LLM::Steps::post('/v1/responses',
        qq({"model": "$_[0]", "stream": $_[1], "input": "Hi"})) },
    messages => sub { LLM::Steps::post('/v1/messages',
        qq({"model": "$_[0]", "stream": $_[1], "max_tokens": 99, $hi})) },
    gemini => sub { LLM::Steps::post("/v1beta/models/$_[0]:"
        . ($_[1] eq 'true' ? 'streamGenerateContent?alt=sse'
                           : 'generateContent'),
        '{"contents": [{"parts": [{"text": "Hi"}]}]}') },
);

our %Error = (
    chat      => qr/\A\{"error":\{"message":"[^"]/,
    responses => qr/\A\{"error":\{"message":"[^"]/,
    messages  => qr/\A\{"type":"error","error":\{"type":"api_error","message":"[^"]/,
    gemini    => qr/\A\{"error":\{"code":502,"message":"[^"]/,
);

our %Last = (
    chat      => qr/(?:\A|\n)data: \{"error":\{"message":"[^"].*\n\n\z/,
    responses => qr/\nevent: response\.failed\ndata: .*"status":"failed".*\n\n\z/,
    messages  => qr/\nevent: error\ndata: \{"type":"error".*\n\n\z/,
    gemini    => qr/\ndata: \{"error":\{"code":\d+,.*\r\n\r\n\z/,
);

our %Clean = (
    chat      => qr/\[DONE\]/,
    responses => qr/"type":"response\.(completed|incomplete)"/,
    messages  => qr/message_stop/,
    gemini    => qr/"finishReason"/,
);

our %Own = (chat => 'chat', responses => 'responses', claude => 'messages',
            google => 'gemini', nova => '');

# each provider and each client that speaks another protocol

sub pairs {
    return map {
        my $from = $_;
        map { [$from, $_] } grep { $_ ne $Own{$from} } sort keys %Client
    } sort keys %Whole;
}

# good text comes through to the client

sub is_text {
    my ($r, $want, $name) = @_;

    LLM::Steps::is($r->{status}, 200, "$name: status");
    LLM::Steps::ok(index($r->{content}, $want) >= 0, "$name: its text");
}

run_tests();

__DATA__

=== a whole answer that is malformed is an error in the client's words
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
my $n = 0;

for my $bad (sort keys %main::Bad) {
    for my $pair (main::pairs()) {
        my ($from, $client) = @$pair;
        my $name = "$from, $bad, $client";

        main::plays($from, 0, $main::Bad{$bad}->($main::Whole{$from}));

        my $r = $main::Client{$client}->($from, 'false');

        is($r->{status}, 502, "$name: status");
        like($r->{content}, $main::Error{$client}, "$name: an error");
        ok($r->{json}, "$name: of valid JSON");
        $n++;
    }
}

my @records = grep { $_->{outcome} ne 'upstream_error'
                     || $_->{attempts}[0]{error} !~ /^(invalid|.*translat|.*JSON)/ }
              records($n);
is(scalar @records, 0, 'each is a failed attempt');
diag(JSON::PP->new->encode($records[0])) if @records;


=== one in a stream before its content is a failed attempt
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
my $n = 0;

for my $bad (sort keys %main::Bad) {
    for my $pair (main::pairs()) {
        my ($from, $client) = @$pair;
        my $name = "$from, $bad, $client";
        my ($before, $content, $after) = @{ $main::Stream{$from} };

        # of what comes before, the first event tells no content

        main::plays($from, 1, join '', map { main::framed($from, $_) }
            @$before[0 .. (@$before ? 0 : -1)], [$content->[0], $main::Bad{$bad}->($content->[1])],
            @$after);

        my $r = $main::Client{$client}->($from, 'true');

        is($r->{status}, 502, "$name: status");
        like($r->{content}, $main::Error{$client}, "$name: an error");
        $n++;
    }
}

is(scalar(grep { $_->{outcome} ne 'upstream_error' } records($n)), 0,
   'each is a failed attempt');


=== one behind content ends the stream by an error that the client can read
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
my $n = 0;

for my $bad (sort keys %main::Bad) {
    for my $pair (main::pairs()) {
        my ($from, $client) = @$pair;
        my $name = "$from, $bad, $client";
        my ($before, $content, $after) = @{ $main::Stream{$from} };

        main::plays($from, 1,
            join('', map { main::framed($from, $_) } @$before, $content),
            join('', map { main::framed($from, $_) }
                [$content->[0], $main::Bad{$bad}->($content->[1])], @$after));

        my $r = $main::Client{$client}->($from, 'true');

        is($r->{status}, 200, "$name: status");
        like($r->{content}, qr/TEXT/, "$name: what came before");
        like($r->{content}, $main::Last{$client}, "$name: its end");
        unlike($r->{content}, $main::Clean{$client}, "$name: is no clean one");
        $n++;
    }
}

is(scalar(grep { $_->{outcome} ne 'truncated' } records($n)), 0,
   'each is truncated');


=== what is odd but has a meaning is taken by it
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
my %odd = (
    'half of a pair'   => ['a\ud83dz', "a\xef\xbf\xbdz"],
    'a whole pair'     => ['a\ud83d\ude00z', "a\xf0\x9f\x98\x80z"],
    'an escaped zero'  => ['a\u0000z', 'a\u0000z'],
    'a separator'      => ['a\u2028z', "a\xe2\x80\xa8z"],
);

for my $odd (sort keys %odd) {
    my ($text, $want) = @{ $odd{$odd} };

    for my $pair (main::pairs()) {
        my ($from, $client) = @$pair;
        my ($before, $content, $after) = @{ $main::Stream{$from} };

        main::plays($from, 0, $main::Whole{$from} =~ s/TEXT/$text/r);
        main::is_text($main::Client{$client}->($from, 'false'), $want,
                      "$from, $odd, $client");

        main::plays($from, 1, join '', map { main::framed($from, $_) }
            @$before, [$content->[0], $content->[1] =~ s/TEXT/$text/r],
            @$after);

        # a half waits for the other one, and is an event of its own

        main::is_text($main::Client{$client}->($from, 'true'),
                      $odd eq 'half of a pair' ? "\xef\xbf\xbd" : $want,
                      "$from, $odd, $client, stream");
    }
}

is(scalar(grep { $_->{outcome} ne 'ok' } records()), 0, 'all is well');


=== numbers beyond any type are no usage, and do not end an answer
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
for my $pair (main::pairs()) {
    my ($from, $client) = @$pair;

    for my $number ('1e400', '-1', '99999999999999999999', '"2"', '{}') {
        main::plays($from, 0, $main::Whole{$from}
            =~ s/((?:input|output|prompt|completion|total|candidates)_?[tT]okens?(?:Count)?"):\d+/$1:$number/gr);
        main::is_text($main::Client{$client}->($from, 'false'), 'TEXT',
                      "$from, $number, $client");
    }
}

my @odd = grep { grep { $_ !~ /^\d{1,9}\z/ } values %{ $_->{usage} } }
          records();
is(scalar @odd, 0, 'usage is sane');


=== ten megabytes on one line
--- http_config eval: $::Http
--- config eval
$::Route =~ s/llm_route;/llm_route; client_max_body_size 1m;/r
--- steps
my $big = 'x' x (10 * 1024 * 1024);

for my $from (sort keys %main::Whole) {
    my ($before, $content, $after) = @{ $main::Stream{$from} };
    my ($client) = grep { $_ ne $main::Own{$from} } sort keys %main::Client;

    for my $stream (0, 1) {
        my $name = "$from, $client" . ($stream ? ', stream' : '');

        main::plays($from, $stream, $stream
            ? join('', map { main::framed($from, $_) } @$before,
                   [$content->[0], $content->[1] =~ s/TEXT/$big/r], @$after)
            : $main::Whole{$from} =~ s/TEXT/$big/r);

        my $r = $main::Client{$client}->($from, $stream ? 'true' : 'false');

        # all of it, or an error: never a part of it

        if ($r->{status} == 200 && length $r->{content} < length $big) {
            like($r->{content}, $main::Last{$client}, "$name: an error");

        } elsif ($r->{status} == 200) {
            ok(length $r->{content} > length $big, "$name: all of it");

        } else {
            is($r->{status}, 502, "$name: status");
            like($r->{content}, $main::Error{$client}, "$name: an error");
        }
    }
}

records(10);


=== pings without an end are no stream
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
my $ping = ':' . 'x' x 1000 . "\n\n";
main::put('pings', $ping x 9000);

LLM::Provider::play("*:\n header Content-Type: text/event-stream\n chunked\n"
                    . " file $::Dir/pings\n hang\n");

my $start = Time::HiRes::time();
my $r = $main::Client{chat}->('claude', 'true');

is($r->{status}, 502, 'status');
ok(Time::HiRes::time() - $start < 30, 'nobody waits for its timeout');
holds((records(1))[0], 'outcome=upstream_error'
                       . ' attempts.0.error~"stream has no content"');


=== an AWS event stream whose bytes were changed
--- http_config eval: $::Http
--- config eval: $::Route
--- steps
my ($before, $content, $after) = @{ $main::Stream{nova} };
my @frames = map { main::frame(@$_) } @$before, $content, @$after;
my $n = 0;

# in its lengths, in a header, in its payload, in its own sum

for my $at (1, 5, 9, 20, -30, -2) {
    my @bad = @frames;
    my $byte = $at < 0 ? length($bad[1]) + $at : $at;

    substr($bad[1], $byte, 1) = chr(ord(substr $bad[1], $byte, 1) ^ 0x41);

    main::plays('nova', 1, join '', @bad);

    my $r = $main::Client{chat}->('nova', 'true');

    is($r->{status}, 502, "before content, byte $at: status");
    like($r->{content}, $main::Error{chat}, "before content, byte $at: error");

    main::plays('nova', 1, join('', @frames[0, 1]), join('', @bad[1 .. 4]));

    $r = $main::Client{messages}->('nova', 'true');

    is($r->{status}, 200, "behind content, byte $at: status");
    like($r->{content}, $main::Last{messages}, "behind content, byte $at: end");
    $n += 2;
}

# a stream that ends inside of a message

main::plays('nova', 1, join('', @frames[0, 1]), substr $frames[1], 0, 30);
like($main::Client{chat}->('nova', 'true')->{content}, $main::Last{chat},
     'half a message');

my %outcomes;
$outcomes{ $_->{outcome} }++ for records($n + 1);
is($outcomes{truncated}, $n / 2 + 1, 'truncated');
is($outcomes{upstream_error}, $n / 2, 'or failed');


=== the ladder moves on from what is malformed before content
--- config eval: $::Route
--- http_config eval
$::Http . 'llm_class default { switch on=invalid; }'
--- ladder
--- steps
my ($before, $content, $after) = @{ $main::Stream{claude} };
my $n = 0;

for my $bad (sort keys %main::Bad) {
    for my $stream (0, 1) {
        my $file = main::put("bad$stream", $stream
            ? join('', map { main::framed('claude', $_) } $before->[0],
                   [$content->[0], $main::Bad{$bad}->($content->[1])], @$after)
            : $main::Bad{$bad}->($main::Whole{claude}));
        my $good = main::put("good$stream", $stream
            ? join('', map { main::framed('chat', $_) }
                   map { ref $_->[0] ? @$_ : $_ } @{ $main::Stream{chat} })
            : $main::Whole{chat});
        my $type = $stream ? 'text/event-stream' : 'application/json';

        LLM::Provider::play("claude:\n header Content-Type: $type\n"
                            . " file $file\n"
                            . "chat:\n header Content-Type: $type\n"
                            . " file $good\n");

        my $r = $main::Client{gemini}->('both', $stream ? 'true' : 'false');

        is($r->{status}, 200, "$bad: status");
        like($r->{content}, qr/TEXT/, "$bad: the other one's answer");
        is($r->{headers}{'x-llm-provider'}, 'chat', "$bad: provider");

        # until its breaker opens

        is($r->{headers}{'x-llm-rung'}, 'switch', "$bad: rung") if $n++ < 4;
    }
}

records(2 * keys %main::Bad);
