# The usage record: one line per request, whatever becomes of it, with names
# in their order, valid JSON, and none lost or broken on the way to the file.

use lib 't/lib';
use LLM 'no_plan';

use POSIX ();


our $http = <<'_EOC_';
    llm_provider mock {
        protocol  openai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/chat/v1;
        api_key   up-secret;
        timeout   connect=1s first_byte=300ms idle=300ms;
    }

    llm_provider nobody {
        protocol  openai;
        pass      http://127.0.0.1:1/v1;
    }

    llm_provider google {
        protocol  gemini;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/chat/v1;
    }

    llm_model gpt {
        endpoint  chat images gemini;
        alias     "~^any-(.*)$";
        route     mock model=up-gpt;
        route     google;
        price     input=1 cached_input=0.1 output=10;
    }

    llm_model "own" {
        alias  "~(?s)^own-(.*)$";
        route  mock model=$1;
    }

    llm_model gone {
        route  nobody;
    }

    llm_model idle {
        route  mock active=off;
    }

    llm_class gold { last_resort on; }

    llm_key caller {
        secret  plain:sk-test;
        owner acme;  team search;  app web;  env production;
        models  *;
        class   gold;
    }

    llm_key narrow   { secret plain:sk-narrow; models none; endpoint chat; }
    llm_key disabled { secret plain:sk-disabled; models *; active off; }
    llm_key expired  { secret plain:sk-expired; models *; expires 2020-01-01; }
    llm_key rotated  { secret plain:sk-old until=2020-01-01;
                       secret plain:sk-new; models *; }
    llm_key far      { secret plain:sk-far; models *; cidr 10.0.0.0/8; }
_EOC_

our $config = <<'_EOC_';
    location /v1 {
        llm_route;
    }
_EOC_

our $provider = <<'_EOC_';
chat:
    json {"choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":5,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}}
_EOC_

our $chat = '{"model":"gpt","messages":[{"role":"user","content":"secret'
            . ' prompt"}]}';


# names of an object's members, in their order; of one in it by its name

sub names {
    my ($line, $inside) = @_;

    if (defined $inside) {
        ($line) = $line =~ /"$inside":\[?(\{.*)/s or return;
    }

    my ($depth, $quoted, @names) = (0, 0);

    while ($line =~ /\G("((?:[^"\\]|\\.)*)"(:?)|[{\[]|[}\]]|[^"{}\[\]]+)/gs) {
        if (defined $2) {
            push @names, $2 if $3 && $depth == 1;

        } elsif ($1 eq '{' || $1 eq '[') {
            $depth++;

        } elsif ($1 eq '}' || $1 eq ']') {
            last if --$depth == 0;
        }
    }

    return "@names";
}


# runs code in children at once; true if all went well

sub at_once {
    my ($n, $code) = @_;

    my @pids = map {
        my $i = $_;
        my $pid = fork // die "fork: $!\n";

        if ($pid == 0) {
            POSIX::_exit(eval { $code->($i) } ? 0 : 1);
        }

        $pid;
    } 1 .. $n;

    my $bad = 0;

    for (@pids) {
        waitpid $_, 0;
        $bad++ if $?;
    }

    return !$bad;
}


# What code finds, with nginx and the directory, where the usage log lies on a
# disk of this size.  Only root can make one.

sub full_disk {
    my ($size, $buffer, $code) = @_;

    my $dir = File::Temp::tempdir('llm-full-XXXXXX', TMPDIR => 1,
                                  CLEANUP => 1);

    SKIP: {
        Test::More::skip('no tmpfs can be mounted here', 1)
            if system("mount -t tmpfs -o size=$size none $dir 2>/dev/null")
               != 0;

        chmod 0777, $dir;

        my $done = eval {
            my $n = LLM::Steps::nginx(config => $config, http => <<"_EOC_");
    llm_zone 1m;
    llm_usage_log $dir/u.jsonl $buffer;
    $http
_EOC_

            LLM::Provider::play($provider);
            $code->($n, $dir);
            1;
        };

        my $error = $@;

        system "umount $dir";
        LLM::Steps::ok($done, "to the end $error");
    }
}


no_shuffle();
no_long_string();
run_tests();

__DATA__

=== names stand in their order
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: $::provider
--- steps
is(post('/v1/chat/completions', $main::chat)->{status}, 200);

my ($line) = record_lines(1);

is(main::names($line),
   'time id key owner team app env class endpoint protocol stream model'
   . ' status outcome rung provider route upstream_model attempts usage'
   . ' raw_usage estimated cost price_version latency_ms ttft_ms'
   . ' overhead_us client_addr', 'of the record');
is(main::names($line, 'attempts'),
   'n rung provider route upstream_model addr status start_ms first_byte_ms'
   . ' total_ms bytes usage cost', 'of an attempt');
is(main::names($line, 'usage'), 'input cache_read output reasoning requests',
   'of usage');
like($line, qr/\A[ -~]+\n\z/, 'one line of ASCII');

my ($r) = records(1);

holds($r, 'time~^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$ id~^[0-9a-f]{32}$'
          . ' key=caller owner=acme team=search app=web env=production'
          . ' class=gold endpoint=chat protocol=openai stream=false model=gpt'
          . ' status=200 outcome=ok !code rung=first provider=mock'
          . ' route=gpt#1 upstream_model=up-gpt estimated=false'
          . ' price_version=inline client_addr=127.0.0.1', 'the values');
holds($r, 'attempts.length=1 attempts.0.n=1 attempts.0.rung=first'
          . ' attempts.0.status=200 !attempts.0.error'
          . " attempts.0.addr=127.0.0.1:$TEST_NGINX_PROVIDER_PORT",
      'of the attempt');
ok($r->{latency_ms} >= $r->{ttft_ms} && $r->{latency_ms} < 5000, 'times');
ok($r->{overhead_us} > 0 && $r->{overhead_us} < 1e6, 'overhead');
ok(abs($r->{attempts}[0]{bytes} - 260) < 100, 'bytes');
holds($r, 'usage.input=8 usage.cache_read=4 usage.output=3'
          . ' usage.reasoning=2 cost=0.0000584 attempts.0.cost=0.0000584',
      'usage and cost');



=== names of a refused request, and of one to nobody
--- http_config eval: $::http
--- config eval: $::config
--- steps
is(post('/v1/chat/completions', $main::chat, key => 'no')->{status}, 401);
is(post('/v1/chat/completions', '{"model":"gone"}')->{status}, 502);

my @lines = record_lines(2);

is(main::names($lines[0]), 'time id class endpoint protocol stream status'
                           . ' outcome code attempts cost latency_ms'
                           . ' overhead_us client_addr', 'refused');
is(main::names($lines[1]),
   'time id key owner team app env class endpoint protocol stream model'
   . ' status outcome code rung provider route upstream_model attempts cost'
   . ' latency_ms overhead_us client_addr', 'nobody');
is(main::names($lines[1], 'attempts'),
   'n rung provider route upstream_model addr error start_ms total_ms bytes'
   . ' cost', 'an attempt at nobody');



=== each refusal has a record, with its code and without an attempt
--- http_config eval: $::http
--- config
    location /v1 {
        llm_route;
        client_max_body_size 4k;
    }

    location /v1/closed {
        deny all;
        llm_route;
    }

    location /v1/class {
        llm_route $arg_class;
    }
--- steps
my $path = '/v1/chat/completions';
my $json = 'application/json';

my @cases = (
    [ 401, 'invalid_api_key',  sub { post($path, $main::chat, key => undef) } ],
    [ 401, 'invalid_api_key',  sub { post($path, $main::chat, key => 'x') } ],
    [ 401, 'invalid_api_key',
      sub { post($path, $main::chat,
                 headers => { 'x-api-key' => 'sk-narrow' }) } ],
    [ 401, 'expired_api_key',
      sub { post($path, $main::chat, key => 'sk-expired') } ],
    [ 401, 'expired_api_key',
      sub { post($path, $main::chat, key => 'sk-old') } ],
    [ 403, 'key_disabled',
      sub { post($path, $main::chat, key => 'sk-disabled') } ],
    [ 403, 'address_not_allowed',
      sub { post($path, $main::chat, key => 'sk-far') } ],
    [ 403, 'endpoint_not_allowed',
      sub { post('/v1/embeddings', $main::chat, key => 'sk-narrow') } ],
    [ 403, 'endpoint_not_allowed',
      sub { post('/v1/embeddings', '{"model":"gpt","input":""}') } ],
    [ 403, 'model_not_allowed',
      sub { post($path, $main::chat, key => 'sk-narrow') } ],
    [ 404, 'model_not_found', sub { post($path, '{"model":"none"}') } ],
    [ 404, 'unknown_endpoint', sub { post('/v1/dreams', $main::chat) } ],
    [ 400, 'invalid_json', sub { post($path, '{"model":"gpt",}') } ],
    [ 400, 'invalid_json', sub { post($path, '{"model":"gpt"') } ],
    [ 400, 'invalid_json', sub { post($path, '') } ],
    [ 400, 'invalid_json',
      sub { post($path, '{"model":"gpt","model":"own-x"}') } ],
    [ 400, 'invalid_json', sub { post($path, "{\"model\":\"g\xff\"}") } ],
    [ 400, 'missing_parameter', sub { post($path, '{"messages":[]}') } ],
    [ 400, 'unsupported_parameter', sub { post($path, '{"model":7}') } ],
    [ 400, 'unsupported_parameter',
      sub { post($path, '{"model":"gpt","stream":"yes"}') } ],
    [ 400, 'bad_request',
      sub { post('/v1/images/edits', 'x', type => 'multipart/form-data') } ],
    [ 413, 'request_too_large',
      sub { post($path, '{"model":"gpt","a":' . '[' x 200 . ']' x 200
                        . '}') } ],
    [ 413, 'request_too_large',
      sub { post($path, '{"model":"gpt","a":"' . 'x' x 5000 . '"}') } ],
    [ 415, 'unsupported_media_type',
      sub { post($path, $main::chat,
                 headers => { 'Content-Encoding' => 'gzip' }) } ],
    [ 503, 'no_route', sub { post($path, '{"model":"idle"}') } ],
    [ 503, 'no_route', sub { post("/v1/class$path?class=none",
                                  $main::chat) } ],
    [ 403, 'address_not_allowed', sub { post("/v1/closed$path", $main::chat) } ],
);

for my $c (@cases) {
    my $r = $c->[2]->();

    is($r->{status}, $c->[0], $c->[1]);
    is($r->{json}{error}{code}, $c->[1], $c->[1]);
}

my @rec = records(scalar @cases);

for my $i (0 .. $#cases) {
    my ($status, $code) = @{ $cases[$i] };

    holds($rec[$i], "status=$status outcome=rejected attempts.length=0"
                    . " cost=0 !usage !provider code=$code",
          "record of $status $code");
}

holds($rec[0], '!key class=default');
holds($rec[5], 'key=disabled');
holds($rec[9], 'key=narrow model=gpt');

is(scalar sent(), 0, 'calls');



=== each failure of a provider has a record, with its reason
--- http_config eval: $::http
--- config eval: $::config
--- provider
chat #1:
    cut
chat #2:
    hang
chat #3:
    text HTTP/9.9 hello?
    nohead
chat #4:
    json {"choices":[
chat #5:
    status 500
    json {"error":{"message":"oops"}}
chat #6:
    length 400
    json {"choices":[{"message":{"content":"Hello"}}]}
    cut
--- steps
my @status = map { post('/v1/chat/completions', $main::chat)->{status} } 1 .. 6;

is("@status[0 .. 4]", '502 504 502 502 500', 'statuses');

my @rec = records(6);

holds($_, 'attempts.length=1 cost=0 !usage provider=mock') for @rec[0 .. 4];
holds($rec[0], 'outcome=upstream_error code=upstream_error status=502'
               . ' attempts.0.error~closed');
holds($rec[1], 'outcome=upstream_error code=upstream_timeout status=504'
               . ' attempts.0.error~time');
holds($rec[2], 'outcome=upstream_error code=upstream_error'
               . ' attempts.0.error~HTTP');
holds($rec[3], 'outcome=upstream_error code=upstream_error'
               . ' attempts.0.error~complete');
holds($rec[4], 'outcome=upstream_error status=500 !code'
               . ' attempts.0.status=500 attempts.0.error');
ok($rec[5]{outcome} =~ /^(?:upstream_error|truncated)$/, 'a short body');
unlike(join('', record_lines(6)), qr/hello\?|choices/, 'nothing of it inside');



=== a stream that breaks off, and a client that does
--- http_config eval: $::http
--- config eval: $::config
--- provider
chat #1:
    sse
    data {"choices":[{"delta":{"content":"Hello there"}}]}
    cut
chat #2:
    sse
    data {"choices":[{"delta":{"content":"Hello there"}}]}
    forever pause=20 data {"choices":[{"delta":{"content":"more"}}]}
chat #3:
    hang
--- steps
my $body = '{"model":"gpt","stream":true,"messages":[]}';
my $send = 'send POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n'
           . 'Authorization: Bearer sk-test\r\nContent-Length: '
           . length($body) . '\r\n\r\n' . $body . "\n";

post('/v1/chat/completions', $body);

LLM::Client::run($Test::Nginx::Util::ServerPort,
                 "${send}until there\nclose\n", 5);
records(2);
LLM::Client::run($Test::Nginx::Util::ServerPort,
                 "${send}pause 100\nclose\n", 5);

my @rec = records(3);

holds($rec[0], 'status=200 outcome=truncated estimated=true usage.output>2'
               . ' attempts.0.status=200 attempts.0.error~closed');
holds($rec[1], 'status=200 outcome=client_closed estimated=true'
               . ' usage.output>2');
holds($rec[2], 'outcome=client_closed status=499 !usage cost=0');
is(scalar(LLM::Provider::left()), 2, 'the provider was left');



=== a stream that came at once and broke is told so inside its framing
--- http_config eval: $::http
--- config eval: $::config
--- provider
chat:
    sse
    data {"choices":[{"delta":{"content":"Hello there"}}]}
--- steps
my $r = post('/v1/chat/completions', '{"model":"gpt","stream":true}');

is($r->{headers}{'transfer-encoding'}, 'chunked');
is($r->{headers}{'content-length'}, undef, 'no length');
like($r->{content}, qr/there.*\n\ndata: \{"error":.*\}\n\n\z/s, 'an error event');
holds((records(1))[0], 'outcome=truncated code=upstream_error');



=== a provider's error at the end of a stream, without its blank line
--- http_config eval: $::http
--- config eval: $::config
--- provider
chat:
    sse
    data {"choices":[{"delta":{"content":"Hello there"}}]}
    text data: {"error":{"message":"overloaded"}}
--- steps
my $r = post('/v1/chat/completions', '{"model":"gpt","stream":true}');

like($r->{content},
     qr/there.*\n\ndata: \{"error":\{"message":"overloaded"\}\}\n\n\z/s,
     'is whole');
is(() = $r->{content} =~ /"error"/g, 1, 'and the only one');
holds((records(1))[0], 'outcome=truncated attempts.0.error~committed$');



=== a provider's error in an array
--- http_config eval: $::http
--- config eval: $::config
--- provider
chat:
    json [{"candidates":[{"content":{"parts":[{"text":"a"}]}}]},{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}]
--- steps
my $r = post('/v1beta/models/gpt:streamGenerateContent', '{"contents":[]}');

is($r->{status}, 200);
holds($r, 'length=2 1.error.code=503');
holds((records(1))[0], 'outcome=truncated attempts.0.error~committed$');



=== neither body nor key is in it
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: $::provider
--- post: /v1/chat/completions?key=sk-query
--- body
{"model":"gpt","messages":[{"role":"user","content":"secret prompt"}],"user":"jane"}
--- usage_log_unlike
sk-test|up-secret|secret|Hello|jane|sk-query|Bearer



=== hostile names of models break no record, and do not travel on
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: $::provider
--- steps
my @names = ('a"b', 'a\\b', "a\nb\r", "a\tb\0c", "a\x{7f}", "\x{e9}\x{20ac}",
             "\x{1f600}", '","key":"admin', "}\n{\"time\":1}", "\x{2028}",
             "\x1b[31m", ' ');
my @good = ('</script>', '../../x', '%s%n$1', '{{}}[]', '#?&');

my $json = JSON::PP->new->utf8;
my @status = map {
    post('/v1/chat/completions', $json->encode({ model => "own-$_" }))->{status}
} @names, @good;

ok(!(grep { !/^(?:400|503)$/ } splice @status, 0, @names), 'refused');
is("@status", join(' ', (200) x @good), 'others are not');

my @lines = record_lines(@names + @good);

for my $line (@lines) {
    my $r = eval { $json->decode($line) };

    ok($r, 'valid JSON') or diag($line);
    like($line, qr/\A[^\0-\x1f\x7f]+\n\z/, 'one line');
    is($r->{key}, 'caller', 'whose it is');
}

is(join('|', map { $json->decode($_)->{upstream_model} }
             splice @lines, @names),
   join('|', @good), 'in the record');
is(join('|', map { $json->decode($_->{body})->{model} } sent()),
   join('|', @good), 'and upstream');



=== hostile paths
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: $::provider
--- steps
my @paths = ('any-a%22b', 'any-a%0Ab', 'any-%FF%FE', 'any-%00', 'any-a%5C',
             'any-%C3%A9', 'any-..%2F..%2Fx', 'any-%0D%0AX-Evil:%201',
             'any-%22,%22key%22:%22admin', "any-\xff", 'x%22');

for my $p (@paths) {
    post("/v1beta/models/$p:generateContent", '{"contents":[]}');
    post("/v1/nothing/$p", '{}');
}

my @lines;

# what nginx itself refuses (a NUL in a path) never comes to the gateway

wait_for(2, sub { @lines = record_lines(); @lines >= 20 });

ok(@lines >= 20 && @lines <= 22, scalar(@lines) . ' records');

for (@lines) {
    ok(eval { JSON::PP->new->utf8->decode($_) }, 'valid JSON') or diag($_);
}

unlike(join('', map { $_->{raw} } sent()), qr/^X-Evil/m, 'no header of it');



=== a hostile provider's usage stays on its line
--- http_config eval: $::http
--- config eval: $::config
--- provider
chat #1:
    body {"choices":[{}],"usage":{\n  "prompt_tokens": 3,\r\n\t"completion_tokens": 1, "note": "a\\nb \\" { c"\n}}
chat #2:
    json {"choices":[{}],"usage":{"prompt_tokens":1e3,"completion_tokens":-5}}
chat #3:
    json {"choices":[{}],"usage":{"prompt_tokens":99999999999999999999999999,"completion_tokens":1}}
chat #4:
    json {"choices":[{}],"usage":[1,2]}
chat #5:
    json {"choices":[{}],"usage":{"prompt_tokens":"7","completion_tokens":null}}
--- steps
post('/v1/chat/completions', $main::chat) for 1 .. 5;

my @rec = records(5);

holds($rec[0], 'usage.input=3 raw_usage.prompt_tokens=3');
is($rec[0]{raw_usage}{note}, "a\nb \" { c", 'strings keep their spaces');
holds($_, 'status=200 outcome=ok !broken') for @rec;
ok(!grep({ ($_->{usage}{$_} // 0) < 0 } qw(input output)), 'nothing negative')
    for @rec;



=== records wait for their time, or for a full buffer
--- steps
my $n = nginx(http => "llm_zone 1m;\nllm_usage_log logs/usage.jsonl"
                      . " buffer=4k flush=700ms;\n$main::http",
              config => $main::config);

LLM::Provider::play($main::provider);

my $ask = sub {
    post('/v1/chat/completions', $main::chat, port => $n->port);
};
my $begin = Time::HiRes::time();

$ask->();
sleep 0.2;
is(scalar(lines($n->usage_file)), 0, 'nothing at first')
    if Time::HiRes::time() - $begin < 0.5;

ok(wait_for(3, sub { 1 == lines($n->usage_file) }), 'one in time');
ok(Time::HiRes::time() - $begin > 0.5, 'not before');

$n->reload(http => "llm_zone 1m;\nllm_usage_log logs/usage.jsonl"
                   . " buffer=4k flush=1h;\n$main::http");

$ask->() for 1 .. 12;

my $some = lines($n->usage_file) - 1;

ok($some > 0 && $some < 12, "$some of 12 when the buffer was full");

$n->quit;
records(13, $n->usage_file);
quiet($n);



=== without a buffer each record is written at once
--- steps
my $n = nginx(http => "llm_zone 1m;\nllm_usage_log logs/usage.jsonl"
                      . " buffer=1 flush=1h;\n$main::http",
              config => $main::config);

LLM::Provider::play($main::provider);

for my $i (1 .. 3) {
    post('/v1/chat/completions', $main::chat, port => $n->port);
    ok(wait_for(1, sub { $i == lines($n->usage_file) }), "$i");
}

quiet($n);



=== nginx that stops writes what it holds
--- steps
for my $signal (qw(QUIT TERM)) {
    my $n = nginx(workers => 2,
                  http => "llm_zone 1m;\nllm_usage_log logs/usage.jsonl"
                          . " flush=1h;\n$main::http",
                  config => $main::config);

    LLM::Provider::play($main::provider);

    post('/v1/chat/completions', $main::chat, port => $n->port) for 1 .. 5;
    $n->quit($signal);
    records(5, $n->usage_file);
    quiet($n);
}



=== the file is opened anew when asked
--- steps
my $n = nginx(http => "llm_zone 1m;\nllm_usage_log logs/usage.jsonl"
                      . " flush=1h;\n$main::http",
              config => $main::config);

LLM::Provider::play($main::provider);

my $file = $n->usage_file;

post('/v1/chat/completions', $main::chat, port => $n->port) for 1 .. 3;

rename $file, "$file.1";
$n->reopen;
ok(wait_for(3, sub { -e $file && 3 == lines("$file.1") }),
   'what was held belongs to the old file');

post('/v1/chat/completions', $main::chat, port => $n->port) for 1 .. 2;
$n->quit;
records(3, "$file.1");
records(2, $file);
quiet($n);



=== records of a killed worker are written by the next
--- steps
my $n = nginx(http => "llm_zone 1m;\nllm_usage_log logs/usage.jsonl"
                      . " flush=1h;\n$main::http",
              config => $main::config);

LLM::Provider::play($main::provider);

my (%ids, @old);

for my $round (1 .. 3) {
    for (1 .. 4) {
        my $r = post('/v1/chat/completions', $main::chat, port => $n->port);
        $ids{ $r->{headers}{'x-llm-request-id'} }++;
    }

    # a record is made once the answer is out

    Time::HiRes::sleep(0.05);

    @old = $n->workers;
    kill KILL => @old;

    ok(wait_for(5, sub {
        my @now = $n->workers;
        return @now == 1 && $now[0] != $old[0];
    }), 'a new worker');
    ok(wait_for(3, sub { 4 * $round == lines($n->usage_file) }),
       'wrote them');
}

my @rec = records(12, $n->usage_file);

is(join(' ', sort map { $_->{id} } @rec), join(' ', sort keys %ids),
   'each of them once');
unlike($n->error_log, qr/\[(?:crit|emerg)\]/, 'a quiet error log');



=== a killed worker among several
--- steps
my $n = nginx(workers => 3,
              http => "llm_zone 1m;\nllm_usage_log logs/usage.jsonl"
                      . " flush=1h;\n$main::http",
              config => $main::config);

LLM::Provider::play($main::provider);

ok(main::at_once(6, sub {
    post('/v1/chat/completions', $main::chat, port => $n->port)->{status}
        == 200 || die for 1 .. 5;
    1;
}), 'requests');

my ($victim) = $n->workers;

kill KILL => $victim;
wait_for(5, sub { 3 == grep { $_ != $victim } $n->workers });
$n->quit;

my %seen;

$seen{ $_->{id} }++ for records(30, $n->usage_file);
is(scalar keys %seen, 30, 'each of them once');



=== a reload loses nothing, nor does a stream that outlives it
--- steps
my $http = "llm_zone 1m;\nllm_usage_log logs/usage.jsonl flush=1h;\n"
           . $main::http =~ s/300ms/5s/gr;
my $n = nginx(http => $http, config => $main::config);

LLM::Provider::play('chat stream:
    sse
    data {"choices":[{"delta":{"content":"a"}}]}
    pause 1500
    data {"choices":[{"delta":{},"finish_reason":"stop"}]}
    done
' . $main::provider);

my $pid = fork;

if ($pid == 0) {
    my $r = post('/v1/chat/completions',
                 '{"model":"gpt","stream":true,"messages":[]}',
                 port => $n->port);
    POSIX::_exit($r->{content} =~ /DONE/ ? 0 : 1);
}

wait_for(3, sub { sent() });
post('/v1/chat/completions', $main::chat, port => $n->port) for 1 .. 2;
$n->reload;
post('/v1/chat/completions', $main::chat, port => $n->port) for 1 .. 2;

waitpid $pid, 0;
is($?, 0, 'the stream came to its end');
$n->quit;

my @rec = records(5, $n->usage_file);

is(scalar(grep { $_->{stream} && $_->{outcome} eq 'ok' } @rec), 1,
   'the stream is there');
quiet($n);



=== several workers write whole lines
--- steps
my $n = nginx(workers => 4,
              http => "llm_zone 4m;\nllm_usage_log logs/usage.jsonl"
                      . " buffer=3k flush=5ms;\n$main::http",
              config => $main::config);

LLM::Provider::play('chat:
    json {"choices":[{}],"usage":{"prompt_tokens":1,"completion_tokens":1,"x":"'
    . 'y' x 3000 . '"}}
');

ok(main::at_once(8, sub {
    for (1 .. 25) {
        my $r = post('/v1/chat/completions', $main::chat, port => $n->port);
        die if $r->{status} != 200;
    }
    1;
}), 'requests');
$n->quit;

my (%seen, $broken);

for (records(200, $n->usage_file)) {
    $broken++ if $_->{broken} || length $_->{raw_usage}{x} != 3000;
    $seen{ $_->{id} }++;
}

ok(!$broken, 'each line is whole');
is(scalar keys %seen, 200, 'and there once');
quiet($n);



=== a full disk delays records, not requests, and loses none
--- steps
main::full_disk('8k', 'buffer=8k flush=20ms', sub {
    my ($n, $dir) = @_;

    my $good = 0;

    for (1 .. 12) {
        $good++ if post('/v1/chat/completions', $main::chat,
                        port => $n->port)->{status} == 200;
    }

    is($good, 12, 'requests go on');
    ok(wait_for(10, sub { $n->error_log =~ /\[alert\].*No space left/ }),
       'the error log tells');

    rename "$dir/u.jsonl", "$dir/old.jsonl";
    system "mount -o remount,size=64k $dir";

    # the half of a line, if there is one, is a line too

    my (@lines, @whole);

    wait_for(10, sub {
        @lines = lines("$dir/old.jsonl");
        @whole = grep { eval { JSON::PP::decode_json($_) } } @lines;
        return @whole >= 12;
    });

    is(scalar @whole, 12, 'all of them once there is room');

    # half a line cannot be taken back, but stays alone

    ok(@lines <= 13, 'and no other is broken');
    ok(!grep({ my $l = $_; $l !~ /\A\{"time".*\}\n\z/
               && !grep { index($_, $l =~ s/\n\z//r) == 0 } @whole }
             @lines), 'what was is there again');

    $n->quit;
});



=== what a full disk left behind does not take the room of records that come
--- steps
main::full_disk('12k', 'buffer=16k flush=1h', sub {
    my ($n, $dir) = @_;

    # some 16 fill the buffer: three quarters of it go to the disk

    post('/v1/chat/completions', $main::chat, port => $n->port) for 1 .. 24;

    like($n->error_log, qr/\[alert\].*No space left/, 'it was full');

    system "mount -o remount,size=64k $dir";
    $n->quit;

    my $whole = grep { eval { JSON::PP::decode_json($_) } }
                    lines("$dir/u.jsonl");

    is($whole, 24, 'all of them are there');
});



=== a log that stays full drops whole records, and says how many
--- steps
main::full_disk('8k', 'buffer=4k flush=20ms', sub {
    my ($n, $dir) = @_;

    my $good = 0;

    for (1 .. 60) {
        $good++ if post('/v1/chat/completions', $main::chat,
                        port => $n->port)->{status} == 200;
    }

    is($good, 60, 'requests go on');

    system "mount -o remount,size=256k $dir";
    post('/v1/chat/completions', $main::chat, port => $n->port) for 1 .. 5;
    $n->quit;

    my @lines = lines("$dir/u.jsonl");
    my $whole = grep { eval { JSON::PP::decode_json($_) } } @lines;

    ok($whole >= 5 && $whole < 65, "$whole of 65");
    ok(@lines - $whole <= 1, 'at most one broken line');
    like($n->error_log, qr/\[alert\].* \d+ /, 'told');
});



=== llm_usage_log off writes none, and the rest is there
--- http_config eval
"    llm_usage_log off;\n$::http"
--- config eval: $::config
--- provider eval: $::provider
--- post: /v1/chat/completions
--- body eval: $::chat
--- response_headers
X-LLM-Cost: 0.0000584
--- usage_records: 0



=== no llm_usage_log is none
--- steps
my $n = nginx(http => "llm_zone 1m;\n$main::http", config => $main::config);

LLM::Provider::play($main::provider);
is(post('/v1/chat/completions', $main::chat, port => $n->port)->{status}, 200);
$n->quit;
is(join(' ', sort map { s{.*/}{}r } glob $n->dir . '/logs/*'),
   'error.log stderr.log', 'no file');
quiet($n);



=== an administrator's error_page is shown, and there is one record
--- http_config eval: $::http
--- user_files
>>> denied.html
our own page
--- config
    location /v1 {
        llm_route;
        error_page 401 /denied.html;
        error_page 404 =200 /denied.html;
        error_page 502 = @down;
    }

    location @down {
        return 503 "down for now\n";
    }
--- provider
chat #1:
    cut
chat #2:
    status 404
    json {"error":{"message":"the provider's own"}}
--- steps
my $path = '/v1/chat/completions';
my $r = post($path, $main::chat, key => 'no');

is($r->{status}, 401);
is($r->{content}, "our own page\n", '401');

$r = post($path, '{"model":"none"}');
is($r->{status}, 200);
is($r->{content}, "our own page\n", '404');

$r = post($path, $main::chat);
is($r->{status}, 503);
is($r->{content}, "down for now\n", '502');

$r = post($path, $main::chat);
is($r->{status}, 404, 'a provider\'s error is an answer');
like($r->{content}, qr/the provider's own/, 'and comes as it is');

my @rec = records(4);

holds($rec[0], 'outcome=rejected code=invalid_api_key');
holds($rec[1], 'outcome=rejected code=model_not_found');
holds($rec[2], 'outcome=upstream_error code=upstream_error'
               . ' attempts.length=1 attempts.0.error~closed');
holds($rec[3], 'outcome=upstream_error status=404 attempts.0.status=404');



=== requests that follow each other on a connection
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: $::provider
--- steps
my $send = join '', map {
    'send POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n'
    . "Authorization: Bearer $_\\r\\nContent-Length: "
    . length($main::chat) . '\r\n\r\n' . $main::chat . "\n"
} qw(sk-test sk-wrong sk-test);

LLM::Client::run($Test::Nginx::Util::ServerPort,
                 "${send}until (?s)Hello.*invalid_api_key.*Hello\nclose\n", 5);

my @rec = records(3);

is(join(' ', map { $_->{outcome} } @rec), 'ok rejected ok');
isnt($rec[0]{id}, $rec[2]{id}, 'ids of their own');



=== a request that was asked for elsewhere first
--- http_config eval: $::http
--- config
    location /v1 {
        auth_request /auth;
        llm_route;
    }

    location = /auth {
        internal;
        if ($http_x_no) { return 403; }
        return 204;
    }
--- provider eval: $::provider
--- steps
is(post('/v1/chat/completions', $main::chat)->{status}, 200);
is(post('/v1/chat/completions', $main::chat,
        headers => { 'X-No' => 1 })->{status}, 403);

my @rec = records(2);

holds($rec[0], 'outcome=ok');
holds($rec[1], 'outcome=rejected status=403 attempts.length=0');



=== the client's address behind a proxy that is trusted
--- http_config eval: $::http
--- config
    set_real_ip_from 127.0.0.1;
    real_ip_header   X-Forwarded-For;

    location /v1 {
        llm_route;
    }
--- provider eval: $::provider
--- post: /v1/chat/completions
--- body eval: $::chat
--- more_headers
Authorization: Bearer sk-test
X-Forwarded-For: 2001:db8::7
--- usage_log
client_addr=2001:db8::7
