# The request's body: however it arrives, it is read once, checked to the
# byte, held to limits, and passed on as it came.

use lib 't/lib';
use LLM 'no_plan';

use Digest::SHA qw(sha256_hex);

our $models = <<'_EOC_';
    llm_provider mock {
        protocol  openai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/chat/v1;
    }

    llm_provider claude {
        protocol  anthropic;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/claude/v1;
    }

    llm_model gpt-4o   { route mock; }
    llm_model short    { route mock model=a-much-longer-upstream-name; }
    llm_model claude   { route claude; }
    llm_model whisper  { endpoint audio; route mock model=whisper-1; }
    llm_model dall-e   { endpoint images; route mock model=dall-e-3; }

    llm_key caller { secret plain:sk-test; models *; }
_EOC_

# tells what the provider has got

our $digest = <<'_EOC_';
*:
    json <<END
    {"id": "chatcmpl-1", "object": "chat.completion", "choices": [],
     "length": {{length}}, "sha256": "{{sha256}}"}
    END
_EOC_

sub posts {
    return [ map { "POST /v1/chat/completions\n$_" } @_ ];
}

# "<!>" stands before the byte that is told of

sub unmarked {
    my ($body) = @_;
    $body =~ s/<!>//;
    return $body;
}

sub bad {
    return posts(map { unmarked($_->[0]) } @_);
}

sub bad_at {
    my ($code) = (shift);

    return [ map { sprintf 'error.code=%s error.message~"%s.* at byte %d$"',
                           $code, $_->[1], index $_->[0], '<!>' } @_ ];
}

sub status {
    my ($status, @list) = @_;
    return [ ($status) x @list ];
}

our @malformed = (
    [ '{"model": "gpt-4o", "messages": [<!>',     'ends before its value' ],
    [ '{"model": "gpt-4o"<!>',                    'ends before its value' ],
    [ '{<!>',                                     'ends before its value' ],
    [ '{"model": "gpt-4<!>',                      'ends inside a string' ],
    [ '{"model": "gpt-4o\\<!>',                   'ends inside a string' ],
    [ '{"model": "gpt-4o", "n": tr<!>',           'ends before its value' ],
    [ '{"model": "gpt-4o"}<!>x',                  'something follows' ],
    [ '{"model": "gpt-4o"}<!>{"model": "x"}',     'something follows' ],
    [ '{"model": "gpt-4o" <!>"a": 1}',            'must follow' ],
    [ '{"model": "gpt-4o",<!>}',                  'comma before' ],
    [ '{"model" <!>"gpt-4o"}',                    'colon' ],
    [ '{<!>model: "gpt-4o"}',                     'name in quotes' ],
    [ '{"model": <!>\'gpt-4o\'}',                 'not a value' ],
    [ '{"model": "gpt-4o", "a": [1,<!>]}',        'comma before' ],
    [ '{"model": "gpt-4o", "a": <!>NaN}',         'not a value' ],
    [ '{"model": "gpt-4o", "a": t<!>ure}',        '.*' ],
    [ '{"model": "gpt-4o", "a": 0<!>1}',          '.*' ],
    [ '{"model": "gpt-4o", "a": <!>+1}',          'not a value' ],
    [ '{"model": "gpt-4o", "a": 1.<!>}',          '.*' ],
    [ '{"model": "gpt-4o", "a": 1e<!>}',          '.*' ],
    [ '{"model": "gpt-4o", "a": -<!>}',           '.*' ],
    [ '{"model": "gpt-4o", <!>/* a */ "b": 1}',   '.*' ],
    [ '<!>data: {"model": "gpt-4o"}',             'not a value' ],
);

our @bytes = (
    [ "{\"model\": \"gpt-4o\", \"a\": \"x<!>\0y\"}",        '.*' ],
    [ "{\"model\": \"gpt-4o\", \"a\": \"x<!>\ny\"}",        '.*' ],
    [ "{\"model\": \"gpt-4o\", \"a\": \"x<!>\x1fy\"}",      '.*' ],
    [ "{\"model\": \"gpt-4o\",<!>\0 \"a\": 1}",             '.*' ],
    [ "{\"model\": \"gpt-4o\",<!>\x0b \"a\": 1}",           '.*' ],
    [ "<!>\xef\xbb\xbf{\"model\": \"gpt-4o\"}",             'byte order' ],
    [ "{\"model\": \"gpt-4o\", \"a\": \"x<!>\x80y\"}",      'UTF-8' ],
    [ "{\"model\": \"gpt-4o\", \"a\": \"x\xc3<!>y\"}",      'UTF-8' ],
    [ "{\"model\": \"gpt-4o\", \"a\": \"x<!>\xc0\xafy\"}",  'UTF-8' ],
    [ "{\"model\": \"gpt-4o\", \"a\": \"x\xed<!>\xa0\x80\"}", 'UTF-8' ],
    [ "{\"model\": \"gpt-4o\", \"a\": \"x<!>\xff\"}",       'UTF-8' ],
    [ "{\"model\": \"gpt-4o\", \"a\": \"\xf4<!>\x90\x80\x80\"}", 'UTF-8' ],
    [ "{\"model\": \"gpt-4o\", \"a\": \"x\\<!>qy\"}",       'invalid escape' ],
    [ "{\"model\": \"gpt-4o\", \"a\": \"\\u12<!>g4\"}",     'invalid escape' ],
    [ "{\"model\": \"gpt-4o\", <!>\"\\u0000\": 1}",         'NUL' ],
    [ "{\"model\": \"gpt-4o\", <!>\"\\ud800\": 1}",         'surrogate' ],
);

our @not_an_object = map { [ "<!>$_", 'must be an object' ] }
    '[{"model": "gpt-4o"}]', '"gpt-4o"', '42', 'null', 'true', '[]';

# what would be read differently by one who takes the first, or the last

our @twice = (
    '{"model": "gpt-4o", "messages": [], "model": "short"}',
    '{"model": "gpt-4o", "mod\u0065l": "short"}',
    '{"\u006dodel": "short", "model": "gpt-4o"}',
    '{"model": "gpt-4o", "\u006D\u006F\u0064\u0065\u006C": "gpt-4o"}',
    '{"model": "gpt-4o", "n": 1, "n": 1}',
    '{"model": "gpt-4o", "unheard-of": 1, "unheard-of": 1}',
    '{"model": "gpt-4o", "": 1, "": 2}',
    '{"stream": false, "model": "gpt-4o", "s\u0074ream": true}',
);

# name, value, and what is told

our @wrong = (
    [ model => 'null',        'missing_parameter' ],
    [ model => '""',          'missing_parameter' ],
    [ model => '42',          'must be a string' ],
    [ model => '["gpt-4o"]',  'must be a string' ],
    [ model => '{"a": 1}',    'must be a string' ],
    [ model => 'true',        'must be a string' ],
    [ stream => '"true"',     'true or false' ],
    [ stream => '1',          'true or false' ],
    [ stream => '[]',         'true or false' ],
    [ max_tokens => '"10"',   'positive integer' ],
    [ max_tokens => '-1',     'positive integer' ],
    [ max_tokens => '0',      'positive integer' ],
    [ max_tokens => '1.5',    'positive integer' ],
    [ max_tokens => '1e400',  'positive integer' ],
    [ max_tokens => '99999999999999999999', 'positive integer' ],
    [ max_tokens => '{}',     'positive integer' ],
    [ max_completion_tokens => '"x"', 'positive integer' ],
    [ n => '0',               'from 1 to 128' ],
    [ n => '129',             'from 1 to 128' ],
    [ n => '"2"',             'from 1 to 128' ],
    [ n => '[1]',             'from 1 to 128' ],
    [ stream_options => '"x"',   'must be an object' ],
    [ stream_options => '[]',    'must be an object' ],
    [ stream_options => 'true',  'must be an object' ],
    [ stream_options => '{"include_usage": 1}', 'true or false' ],
);

sub wrong_body {
    my ($name, $value) = @_;

    return $name eq 'model' ? "{\"model\": $value, \"messages\": []}"
                            : "{\"model\": \"gpt-4o\", \"$name\": $value}";
}

sub wrong_told {
    my ($name, undef, $told) = @_;

    return 'error.code=missing_parameter error.param=model'
        if $told eq 'missing_parameter';

    return "error.code=unsupported_parameter error.message~\"$told\""
           . " error.param~$name";
}

# a conversation with images, and what the provider must get of it

our ($big, $big_sent);

sub big {
    if (!$big) {
        my $image = join '', map { chr 65 + $_ % 26 } 1 .. 4096;

        $image x= 1280;    # 5 MB

        my $parts = join ', ', map {
            '{"type": "image_url", "image_url": {"url": '
            . "\"data:image/png;base64,$_$image\"}}"
        } 1 .. 4;

        my $rest = '"messages": [{"role": "user", "content": [' . $parts
                   . ']}], "seed": 9007199254740993}';

        $big = '{"model": "short", ' . $rest;
        $big_sent = '{"model": "a-much-longer-upstream-name", ' . $rest;
    }

    return $big;
}

sub nested {
    my ($depth) = @_;

    return '{"model": "gpt-4o", "a": ' . '[' x ($depth - 1)
           . ']' x ($depth - 1) . '}';
}

sub members {
    my ($n) = @_;

    return '{"model": "gpt-4o", '
           . join(', ', map { "\"m$_\": $_" } 2 .. $n) . '}';
}

# a form: [name, value, more of the part's header]

sub form {
    my $body = '';

    for my $f (@_) {
        $body .= "--frontier\r\nContent-Disposition: form-data; "
                 . "name=\"$f->[0]\"" . ($f->[2] // '') . "\r\n\r\n"
                 . "$f->[1]\r\n";
    }

    return "$body--frontier--";
}

our $wave = '; filename="a.wav"' . "\r\nContent-Type: audio/wav";

repeat_each(2);
no_shuffle();
run_tests();

__DATA__

=== a body in memory is passed on as it came
--- http_config eval: $main::models
--- config
    client_body_buffer_size  64k;
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- post: /v1/chat/completions
--- body eval
'{ "messages":[ {"role" :"user","content":"' . 'x' x 30000 . '\u00e9"}],'
. "\n\t \"model\":\"gpt-4o\" , \"x\": 1.0E+2}"
--- response_json eval
'length=30086 sha256=' . Digest::SHA::sha256_hex(
'{ "messages":[ {"role" :"user","content":"' . 'x' x 30000 . '\u00e9"}],'
. "\n\t \"model\":\"gpt-4o\" , \"x\": 1.0E+2}")
--- no_error_log
[error]
temporary file


=== a body in a temporary file is passed on as it came, but for its model
--- http_config eval: $main::models
--- config
    client_body_buffer_size  1k;
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- request eval
main::posts('{"model": "gpt-4o", "a": "' . 'x' x 100000 . '"}',
            '{"model": "short", "a": "' . 'x' x 100000 . '"}',
            '{"a": "' . 'x' x 100000 . '", "model": "short"}',
            '{"a": "' . 'x' x 9 . '", "model": "short", "b": "'
            . 'x' x 100000 . '"}')
--- more_headers
x-api-key: sk-test
--- response_json eval
[ map { 'sha256=' . Digest::SHA::sha256_hex($_) }
  '{"model": "gpt-4o", "a": "' . 'x' x 100000 . '"}',
  '{"model": "a-much-longer-upstream-name", "a": "' . 'x' x 100000 . '"}',
  '{"a": "' . 'x' x 100000 . '", "model": "a-much-longer-upstream-name"}',
  '{"a": "' . 'x' x 9 . '", "model": "a-much-longer-upstream-name", "b": "'
  . 'x' x 100000 . '"}' ]
--- error_log
buffered to a temporary file
--- no_error_log
[error]


=== a body that always goes to a file is passed on as it came
--- http_config eval: $main::models
--- config
    client_body_in_file_only  clean;
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- request eval
main::posts('{"model": "gpt-4o"}', '{"model":"short","a":[1,2]}')
--- more_headers
x-api-key: sk-test
--- response_json eval
[ map { 'sha256=' . Digest::SHA::sha256_hex($_) }
  '{"model": "gpt-4o"}',
  '{"model":"a-much-longer-upstream-name","a":[1,2]}' ]
--- no_error_log
[error]


=== a chunked body goes on with its length
--- http_config eval: $main::models
--- config
    client_body_buffer_size  1k;
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- client
send POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nx-api-key: sk-test\r\n
send Transfer-Encoding: chunked\r\nTrailer: X-T\r\nConnection: close\r\n\r\n
send 8\r\n{"model"\r\n1;ext=1\r\n:\r\n4\r\n"sho\r\n10\r\nrt","x": "012345\r\n
send 800\r\n
fill 2048 y
send \r\n2\r\n"}\r\n0\r\nX-T: 1\r\n\r\n
end
--- client_like eval
my $sum = Digest::SHA::sha256_hex('{"model":"a-much-longer-upstream-name",'
                                  . '"x": "012345' . 'y' x 2048 . '"}');
[ qr{^HTTP/1\.1 200 OK\r}, qr/"length": 2101, "sha256": "$sum"/ ]
--- provider_request_like
^Content-Length: 2101\r$
--- provider_request_unlike
^Transfer-Encoding
^X-T
^Trailer
--- usage_records: 1


=== a body that comes in slow pieces is read as one
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- client eval
CORE::join "pause 30\n", map { "send $_\n" }
    'POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n'
    . 'x-api-key: sk-test\r\nContent-Length: 77\r\n',
    'Connection: close\r\n\r\n{', '"mo', 'd', 'el', '": "sh', 'or', 't", "s": 1.',
    '5e', '1, "t": tr', 'ue, "u": "', '\xc3', '\xa9', '\\\\', 'u00', 'e9', '",',
    ' "v": "0123456789"}', "\nend"
--- client_like eval
my $sum = Digest::SHA::sha256_hex(
    '{"model": "a-much-longer-upstream-name", "s": 1.5e1, "t": true, "u": "'
    . "\xc3\xa9" . '\\u00e9", "v": "0123456789"}');
[ qr{^HTTP/1\.1 200 OK\r}, qr/"$sum"/ ]
--- usage_records: 1
--- usage_log
status=200 latency_ms>300


=== a body byte by byte, in chunks of one, is read as one
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- client eval
CORE::join '', "send POST /v1/chat/completions HTTP/1.1\\r\\nHost: x\\r\\n\n",
    "send x-api-key: sk-test\\r\\nTransfer-Encoding: chunked\\r\\n\n",
    "send Connection: close\\r\\n\\r\\n\nslow 3 1\n",
    (map { "send 1\\r\\n$_\\r\\n\n" } split //, '{"model":"short","n":1}'),
    "send 0\\r\\n\\r\\n\nend\n"
--- client_like eval
my $sum = Digest::SHA::sha256_hex(
    '{"model":"a-much-longer-upstream-name","n":1}');
[ qr{^HTTP/1\.1 200 OK\r}, qr/"$sum"/ ]
--- usage_records: 1


=== a conversation of 20 MB with images is passed on, but for its model
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- timeout: 20
--- request eval: main::posts(main::big())
--- more_headers
x-api-key: sk-test
--- response_json eval
main::big();
'length=' . length($main::big_sent) . ' sha256='
. Digest::SHA::sha256_hex($main::big_sent)
--- usage_log
status=200 model=short


=== the same in memory
--- http_config eval: $main::models
--- config
    client_body_buffer_size  30m;
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- timeout: 20
--- request eval: main::posts(main::big())
--- more_headers
x-api-key: sk-test
--- response_json eval
main::big();
'length=' . length($main::big_sent) . ' sha256='
. Digest::SHA::sha256_hex($main::big_sent)


=== a body over client_max_body_size is refused in the client's shape
--- http_config eval: $main::models
--- config
    location /v1 {
        client_max_body_size  2k;
        llm_route;
    }
--- request eval
[ map { "POST $_\n" . '{"model": "gpt-4o", "a": "' . 'x' x 3000 . '"}' }
      '/v1/chat/completions', '/v1/messages' ]
--- more_headers
x-api-key: sk-test
--- error_code eval: [ 413, 413 ]
--- response_headers_like eval
[ ("Content-Type: ^application/json\$") x 2 ]
--- response_json eval
[ 'error.code=request_too_large error.type=invalid_request_error request_id',
  'type=error error.type=request_too_large' ]
--- error_log
client intended to send too large body
--- no_error_log
[crit]
--- calls: 0
--- usage_log
#* status=413 outcome=rejected code=request_too_large


=== a chunked body over client_max_body_size ends, and leaks nothing
--- http_config eval: $main::models
--- config
    location /v1 {
        client_max_body_size  2k;
        llm_route;
    }
--- client
send POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nx-api-key: sk-test\r\n
send Transfer-Encoding: chunked\r\n\r\n20\r\n{"model": "gpt-4o", "abcd":    "\r\n
pause 50
send c00\r\n
fill 3072 x
send \r\n2\r\n"}\r\n0\r\n\r\n
end
--- timeout: 8
--- client_like
^HTTP/1\.1 413 .*\{"error":.*"code":"request_too_large".*"request_id":"\w{32}"\}
^Connection: close\r
--- client_unlike
nothing to read
--- error_log
client intended to send too large chunked body
--- no_error_log
[crit]
--- no_shutdown_error_log
[alert]
open socket
--- calls: 0
--- usage_records: 1
--- usage_log
key=caller status=413 outcome=rejected code=request_too_large


=== the same with all of it in one read, and again on a new connection
--- http_config eval: $main::models
--- config
    location /v1 {
        client_max_body_size  1k;
        llm_route;
    }
--- client
send POST /v1/messages HTTP/1.1\r\nHost: x\r\nx-api-key: sk-test\r\nTransfer-Encoding: chunked\r\n\r\n900\r\n
fill 2304 x
send \r\n0\r\n\r\n
end
open
send POST /v1/messages HTTP/1.1\r\nHost: x\r\nx-api-key: sk-test\r\nTransfer-Encoding: chunked\r\n\r\n900\r\nx
end
--- timeout: 8
--- client_like
^HTTP/1\.1 413 .*"type":"request_too_large".*HTTP/1\.1 413 .*"type":"request_too_large"
--- client_unlike
nothing to read
--- no_shutdown_error_log
[alert]
open socket
--- usage_records: 2


=== malformed JSON is refused with the offset of its first wrong byte
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- request eval: main::bad(@main::malformed)
--- more_headers
x-api-key: sk-test
--- error_code eval: main::status(400, @main::malformed)
--- response_json eval: main::bad_at('invalid_json', @main::malformed)
--- calls: 0
--- usage_log
#* status=400 outcome=rejected code=invalid_json key=caller endpoint=chat
#* !model attempts.length=0


=== the offset is right in a large body that went to a file
--- http_config eval: $main::models
--- config
    client_body_buffer_size  1k;
    location /v1 { llm_route; }
--- post: /v1/chat/completions
--- body eval: '{"model": "gpt-4o", "a": "' . 'x' x 300000 . '" "b": 1}'
--- error_code: 400
--- response_json
error.code=invalid_json error.message~"at byte 300028$"


=== control bytes, a byte order mark and what is no UTF-8 are refused
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- request eval: main::bad(@main::bytes)
--- more_headers
x-api-key: sk-test
--- error_code eval: main::status(400, @main::bytes)
--- response_json eval: main::bad_at('invalid_json', @main::bytes)
--- calls: 0


=== a body must be an object
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- request eval: main::bad(@main::not_an_object)
--- more_headers
x-api-key: sk-test
--- error_code eval: main::status(400, @main::not_an_object)
--- response_json eval: main::bad_at('invalid_json', @main::not_an_object)
--- calls: 0


=== an empty body is refused
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- request eval: main::posts('', '')
--- more_headers eval
[ "x-api-key: sk-test\nContent-Length: 0", 'x-api-key: sk-test' ]
--- error_code eval: [ 400, 400 ]
--- response_json eval
[ ('error.code=invalid_json error.message~"empty text at byte 0$"') x 2 ]


=== a member named twice is refused, however its name is written
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- request eval: main::posts(@main::twice)
--- more_headers
x-api-key: sk-test
--- error_code eval: main::status(400, @main::twice)
--- response_json eval
[ map { 'error.code=invalid_json error.message~"named twice"'
        . ($_ ? " error.param=$_" : '') }
      'model', 'model', 'model', 'model', 'n', 'unheard-of', '', 'stream' ]
--- calls: 0
--- usage_log
#* status=400 code=invalid_json


=== members of inner objects are nobody's business
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- provider
chat:
    json {"id": "x", "object": "chat.completion", "choices": []}
--- post: /v1/chat/completions
--- body
{"metadata": {"model": "a", "model": "b"}, "model": "short", "messages": [{"model": "c", "stream": "d", "n": -1}], "tools": [{"model": "short"}]}
--- provider_request_like eval
qr/\r\n\r\n\Q{"metadata": {"model": "a", "model": "b"}, "model": "a-much-longer-upstream-name", "messages": [{"model": "c", "stream": "d", "n": -1}], "tools": [{"model": "short"}]}\E\z/
--- usage_log
model=short status=200


=== nesting is taken to 128 levels, and no further
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- request eval
main::posts(main::nested(128), main::nested(129), main::nested(100000),
            '{"model": "gpt-4o", "a": ' . '{"a":' x 100000)
--- more_headers
x-api-key: sk-test
--- error_code eval: [ 200, 413, 413, 413 ]
--- response_json eval
[ 'sha256=' . Digest::SHA::sha256_hex(main::nested(128)),
  'error.code=request_too_large error.message~"128 levels.* at byte 152$"',
  'error.code=request_too_large error.message~"at byte 152$"',
  'error.code=request_too_large error.message~"128 levels"' ]
--- calls: 1


=== an object has 256 members, and no more
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- request eval
main::posts(main::members(256), main::members(257), main::members(50000))
--- more_headers
x-api-key: sk-test
--- error_code eval: [ 200, 413, 413 ]
--- response_json eval
[ 'sha256=' . Digest::SHA::sha256_hex(main::members(256)),
  ('error.code=request_too_large error.message~"256"') x 2 ]
--- calls: 1


=== a member's name has 256 bytes, and no more
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- request eval
main::posts(map { '{"model": "gpt-4o", "' . 'x' x $_ . '": 1}' }
                256, 257, 100000)
--- more_headers
x-api-key: sk-test
--- error_code eval: [ 200, 413, 413 ]
--- calls: 1


=== wrong types and values are refused by the member's name
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- request eval: main::posts(map { main::wrong_body(@$_) } @main::wrong)
--- more_headers
x-api-key: sk-test
--- error_code eval: main::status(400, @main::wrong)
--- response_json eval: [ map { main::wrong_told(@$_) } @main::wrong ]
--- calls: 0
--- usage_log
#* status=400 outcome=rejected


=== null is as good as nothing
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- post: /v1/chat/completions
--- body
{"model": "gpt-4o", "stream": null, "max_tokens": null, "n": null, "stream_options": null, "user": null, "tools": null}
--- response_json eval
'sha256=' . Digest::SHA::sha256_hex('{"model": "gpt-4o", "stream": null, '
. '"max_tokens": null, "n": null, "stream_options": null, "user": null, '
. '"tools": null}')
--- usage_log
status=200 stream=false


=== a model's name is text, and harmless in answer and log
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- log_level: info
--- request eval
main::posts('{"model": "gpt\"4o"}', '{"model": "gpt\n4o"}',
            '{"model": "gpt-4o\u0000"}', '{"model": "gpt-4o\r\nX-Evil: 1"}',
            '{"model": "../gpt-4o"}', '{"model": "gpt-4o/../.."}',
            '{"model": "' . 'm' x 256 . '"}', '{"model": "' . 'm' x 257 . '"}',
            '{"model": "' . 'm' x 9000 . '"}', '{"model": "gpt-4o\u007f"}',
            '{"model": "\ud800"}', '{"model": "<b>%s%n\u00e9\u0153"}')
--- more_headers
x-api-key: sk-test
--- error_code eval
[ 404, 400, 400, 400, 404, 404, 404, 400, 400, 400, 400, 404 ]
--- raw_response_headers_unlike eval: [ ('Evil') x 12 ]
--- response_json eval
[ 'error.code=model_not_found error.param=model error.message~"gpt\"4o"',
  'error.code=unsupported_parameter error.message~"control characters"',
  'error.code=unsupported_parameter error.param=model',
  'error.code=unsupported_parameter error.message~"control characters"',
  'error.code=model_not_found', 'error.code=model_not_found',
  'error.code=model_not_found',
  'error.code=unsupported_parameter error.message~"too long"',
  'error.code=unsupported_parameter error.message~"too long"',
  'error.code=unsupported_parameter error.message~"control characters"',
  'error.code=unsupported_parameter error.message~"valid text"',
  'error.code=model_not_found error.message~"<b>%s%n"' ]
--- calls: 0
--- usage_log
#* !model outcome=rejected attempts.length=0


=== an escaped model name is the model that it spells
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- request eval
main::posts('{"mod\u0065l": "gpt\u002d4o", "a": 1}',
            '{"\u006dodel": "s\u0068ort", "a": 1}')
--- more_headers
x-api-key: sk-test
--- response_json eval
[ 'sha256=' . Digest::SHA::sha256_hex(
      '{"mod\u0065l": "gpt\u002d4o", "a": 1}'),
  'sha256=' . Digest::SHA::sha256_hex(
      '{"\u006dodel": "a-much-longer-upstream-name", "a": 1}') ]
--- usage_log
#1 model=gpt-4o
#2 model=short upstream_model=a-much-longer-upstream-name


=== numbers are passed on digit by digit
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- post: /v1/chat/completions
--- body
{"model":"short","a":1e400,"b":-1E-400,"c":12345678901234567890,"seed":9007199254740993,"d":0.10000000000000000000000001,"e":-0,"f":1.0,"max_tokens":1e2}
--- response_json eval
'sha256=' . Digest::SHA::sha256_hex('{"model":"a-much-longer-upstream-name",'
. '"a":1e400,"b":-1E-400,"c":12345678901234567890,"seed":9007199254740993,'
. '"d":0.10000000000000000000000001,"e":-0,"f":1.0,"max_tokens":1e2}')


=== text is passed on escape by escape
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- post: /v1/chat/completions
--- body
{"model":"short","a":"\ud83d\ude00\ud800 \u0000 \/ \" \\ é 😀","\u0001":1}
--- response_json eval
'sha256=' . Digest::SHA::sha256_hex('{"model":"a-much-longer-upstream-name",'
. '"a":"\ud83d\ude00\ud800 \u0000 \/ \" \\\\ ' . "\xc3\xa9 \xf0\x9f\x98\x80"
. '","\u0001":1}')


=== an encoded body is refused before it is read
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- client
send POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nx-api-key: sk-test\r\n
send Content-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n
until \}$
close
--- timeout: 3
--- client_like
^HTTP/1\.1 415 .*"code":"unsupported_media_type"
--- client_unlike
nothing to read
--- calls: 0
--- usage_records: 1
--- usage_log
status=415 outcome=rejected code=unsupported_media_type key=caller


=== "identity" is no encoding
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- request eval: main::posts('{"model": "gpt-4o"}', '{"model": "gpt-4o"}')
--- more_headers eval
[ "x-api-key: sk-test\nContent-Encoding: Identity",
  "x-api-key: sk-test\nContent-Encoding: br" ]
--- error_code eval: [ 200, 415 ]


=== the content type of a JSON body does not matter
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- request eval: main::posts(('{"model": "gpt-4o"}') x 4)
--- more_headers eval
[ 'x-api-key: sk-test', "x-api-key: sk-test\nContent-Type: text/plain",
  "x-api-key: sk-test\nContent-Type: application/x-www-form-urlencoded",
  "x-api-key: sk-test\nContent-Type: application/json; charset=utf-8" ]
--- error_code eval: [ 200, 200, 200, 200 ]


=== a form yields its model, before or after the file
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- request eval
[ map { "POST /v1/audio/transcriptions\n$_" }
      main::form([ model => 'whisper' ],
                 [ file => "RIFF\0\xff\r\n--front", $main::wave ]),
      main::form([ file => "RIFF\0\xff\r\n--front" x 999, $main::wave ],
                 [ model => 'whisper' ], [ language => 'en' ]) ]
--- more_headers
x-api-key: sk-test
Content-Type: multipart/form-data; boundary=frontier
--- response_json eval
[ map { 'sha256=' . Digest::SHA::sha256_hex($_) }
      main::form([ model => 'whisper-1' ],
                 [ file => "RIFF\0\xff\r\n--front", $main::wave ]),
      main::form([ file => "RIFF\0\xff\r\n--front" x 999, $main::wave ],
                 [ model => 'whisper-1' ], [ language => 'en' ]) ]
--- provider_request_like
^Content-Type: multipart/form-data; boundary=frontier\r$
--- usage_log
#* model=whisper upstream_model=whisper-1 endpoint=audio status=200


=== a large form in a file, with its model last, is passed on
--- http_config eval: $main::models
--- config
    client_body_buffer_size  4k;
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- timeout: 20
--- request eval
[ "POST /v1/audio/transcriptions\n"
  . main::form([ file => "\r\n--fronti\0" x 200000, $main::wave ],
               [ model => 'whisper' ]) ]
--- more_headers
x-api-key: sk-test
Content-Type: multipart/form-data; boundary="frontier"
--- response_json eval
'sha256=' . Digest::SHA::sha256_hex(
    main::form([ file => "\r\n--fronti\0" x 200000, $main::wave ],
               [ model => 'whisper-1' ]))


=== a form that could be read in two ways is refused
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- request eval
[ map { "POST /v1/audio/transcriptions\n$_" }
      main::form([ model => 'whisper' ], [ model => 'other' ]),
      main::form([ language => 'en' ]),
      main::form([ model => '' ]),
      main::form([ model => 'whisper', '; filename="m"' ]),
      main::form([ model => "whi\0sper" ]),
      main::form([ model => 'm' x 300 ]),
      main::form([ model => 'nobody' ]),
      '--frontier--',
      'no form at all' ]
--- more_headers
x-api-key: sk-test
Content-Type: multipart/form-data; boundary=frontier
--- error_code eval: [ 400, 400, 400, 400, 400, 400, 404, 400, 400 ]
--- response_json eval
[ 'error.code=unsupported_parameter error.message~"more than once"',
  'error.code=missing_parameter error.param=model',
  'error.code=missing_parameter error.param=model',
  'error.code=unsupported_parameter error.message~"not be a file"',
  'error.param=model', 'error.param=model error.message~"too long"',
  'error.code=model_not_found',
  'error.code', 'error.code' ]
--- calls: 0
--- usage_log
#* outcome=rejected endpoint=audio


=== a form without its end, or without a boundary, is refused
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- request eval
[ map { "POST /v1/audio/transcriptions\n$_" }
      substr(main::form([ model => 'whisper' ]), 0, -2),
      substr(main::form([ model => 'whisper' ]), 0, -12),
      '--frontier',
      main::form([ model => 'whisper' ]), main::form([ model => 'whisper' ]),
      main::form([ model => 'whisper' ]) ]
--- more_headers eval
[ ("x-api-key: sk-test\n"
   . 'Content-Type: multipart/form-data; boundary=frontier') x 3,
  map { "x-api-key: sk-test\nContent-Type: multipart/$_" }
      'form-data', 'form-data; boundary=' . 'b' x 71, 'mixed; boundary=x' ]
--- error_code eval: [ (400) x 6 ]
--- response_json eval
[ ('error.code=bad_request error.message~"at byte \d+$"') x 3,
  ('error.code=bad_request error.message~boundary') x 3 ]
--- calls: 0


=== a form is no chat, and JSON may be where a form may be
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- request eval
[ "POST /v1/chat/completions\n" . main::form([ model => 'gpt-4o' ]),
  "POST /v1/images/edits\n" . '{"model": "dall-e", "prompt": "x"}' ]
--- more_headers eval
[ "x-api-key: sk-test\nContent-Type: multipart/form-data; boundary=frontier",
  "x-api-key: sk-test\nContent-Type: application/json" ]
--- error_code eval: [ 415, 200 ]
--- response_json eval
[ 'error.code=unsupported_media_type',
  'sha256=' . Digest::SHA::sha256_hex('{"model": "dall-e-3", "prompt": "x"}') ]


=== a client that leaves in the middle of its body is told of
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- client
send POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nx-api-key: sk-test\r\n
send Content-Length: 1000\r\n\r\n{"model": "gpt-4o",\x20
pause 50
close
open
send POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nx-api-key: sk-test\r\n
send Transfer-Encoding: chunked\r\n\r\n20\r\n{"model":
pause 50
reset
--- no_shutdown_error_log
[alert]
open socket
--- calls: 0
--- usage_records: 2
--- usage_log
#* outcome=client_closed key=caller endpoint=chat attempts.length=0


=== a client that stops in the middle of its body times out
--- http_config eval: $main::models
--- config
    client_body_timeout  200ms;
    location /v1 { llm_route; }
--- client
send POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nx-api-key: sk-test\r\n
send Content-Length: 1000\r\n\r\n{"model": "gpt-4o",\x20
end
--- timeout: 3
--- client_unlike
nothing to read
--- no_shutdown_error_log
[alert]
--- calls: 0
--- usage_records: 1
--- usage_log
status=408 outcome=rejected


=== broken chunks are refused
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- client
send POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nx-api-key: sk-test\r\n
send Transfer-Encoding: chunked\r\n\r\n5\r\n{"mod\r\nzz\r\nx
end
--- timeout: 3
--- client_like
^HTTP/1\.1 400 .*"code":"bad_request"
--- no_shutdown_error_log
[alert]
--- calls: 0
--- usage_records: 1
--- usage_log
status=400 outcome=rejected


=== a client that expects it is told to go on
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- client
send POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nx-api-key: sk-test\r\n
send Expect: 100-continue\r\nContent-Length: 19\r\nConnection: close\r\n\r\n
until 100 Continue\r\n\r\n
send {"model": "gpt-4o"}
end
--- client_like
^HTTP/1\.1 100 Continue\r\n\r\nHTTP/1\.1 200 OK\r
--- provider_request_unlike
^Expect
--- usage_records: 1


=== two requests on one connection are two
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- client
send POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nx-api-key: sk-test\r\nContent-Length: 19\r\n\r\n{"model": "gpt-4o"}POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nx-api-key: sk-test\r\nConnection: close\r\nContent-Length: 18\r\n\r\n{"model": "short"}
end
--- client_like
^HTTP/1\.1 200 OK\r.*HTTP/1\.1 200 OK\r
--- calls: 2
--- usage_records: 2
--- usage_log
#1 model=gpt-4o
#2 model=short
#* status=200 outcome=ok


=== HTTP/2: a small body
--- http2
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- request eval: main::posts('{"model": "short", "a": 1}')
--- more_headers
x-api-key: sk-test
--- response_json eval
'sha256=' . Digest::SHA::sha256_hex(
    '{"model": "a-much-longer-upstream-name", "a": 1}')
--- provider_request_like
^POST /chat/v1/chat/completions HTTP/1\.1\r$
^Content-Length: 48\r$
--- usage_records: 1


=== HTTP/2: 20 MB
--- http2
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- provider eval: $main::digest
--- timeout: 20
--- request eval: main::posts(main::big())
--- more_headers
x-api-key: sk-test
--- response_json eval
main::big();
'length=' . length($main::big_sent) . ' sha256='
. Digest::SHA::sha256_hex($main::big_sent)
--- usage_records: 1


=== HTTP/2: refusals, where curl does not mind an answer before its body
--- http2
--- http_config eval: $main::models
--- config
    location /v1 { llm_route; }
--- request eval
[ @{ main::posts('{"model": "gpt-4o"', '{"model": "nobody"}', '') },
  'GET /v1/models' ]
--- more_headers eval
[ ('x-api-key: sk-test') x 3, 'x-api-key: sk-no' ]
--- error_code eval: [ 400, 404, 400, 401 ]
--- response_json eval
[ 'error.code=invalid_json error.message~"at byte 18$"',
  'error.code=model_not_found', 'error.code=invalid_json',
  'error.code=invalid_api_key' ]
--- usage_records: 4
--- calls: 0
