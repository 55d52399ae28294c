# $llm_*: each of them in log_format, of requests of each kind, and where
# there is none; and in other directives.

use lib 't/lib';
use LLM 'no_plan';


our @text = qw(id key owner team app env class endpoint protocol stream model
               requested_model outcome code reason rung provider route
               upstream_model upstream_addr usage raw_usage estimated cost
               price_version reserved limit time client_addr);

our @numbers = qw(status attempts input_tokens output_tokens total_tokens
                  input cache_read cache_write_5m cache_write_1h audio_input
                  image_input output reasoning audio_output image_output
                  images video_seconds audio_seconds characters searches
                  requests latency_ms ttft_ms queue_ms overhead_us);

our @all = (@text, @numbers);

our $format = join "\n", "    log_format all escape=none '{'",
              (map { "        '$_=\$llm_$_\x01'" } @all), "        '}';\n";

our $http = $format . <<'_EOC_';
    llm_provider mock {
        protocol  openai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/chat/v1;
    }

    llm_provider claude {
        protocol  anthropic;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/claude/v1;
    }

    llm_model gpt {
        alias     other-name;
        endpoint  chat audio images video messages;
        route     mock model=up-gpt;
        route     claude model=up-claude;
        price     input=1 output=10 image=0.5 character=0.001 search=1
                  audio_second=0.1 video_second=0.1;
    }

    llm_class gold { }

    llm_key caller {
        secret  plain:sk-test;
        owner acme;  team search;  app web;  env production;
        models  *;
        class   gold;
    }
_EOC_

our $config = <<'_EOC_';
    access_log logs/all.log all;

    location /v1 {
        llm_route;
    }

    location /plain {
        return 200 "plain\n";
    }
_EOC_

our $chat = '{"model":"other-name","messages":[]}';

our $provider = <<'_EOC_';
chat:
    json {"choices":[{"message":{"content":"Hi"}}],"usage":{"prompt_tokens":12,"completion_tokens":5,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}}
_EOC_


# variables of the request that came last, by name; absent ones are "-"

my $seen = 0;

sub variables {
    my $file = Test::Nginx::Util::server_root() . '/logs/all.log';
    my @lines;

    LLM::Provider::wait_for(3, sub {
        @lines = LLM::Steps::lines($file);
        $seen = 0 if @lines < $seen;
        return @lines > $seen;
    });

    $seen = @lines;

    my %v = map { split /=/, $_, 2 }
            split /\x01/, $lines[-1] =~ s/\A\{|\}\n\z//gr;

    $_ = length $_ ? $_ : '-' for values %v;

    return \%v;
}


# the names whose variables are there, in the order of @all

sub present {
    my ($v) = @_;

    return join ' ', grep { $v->{$_} ne '-' } @all;
}


no_shuffle();
no_long_string();
run_tests();

__DATA__

=== README names each of them
--- http_config eval: $::http
--- config eval: $::config
--- steps
my $readme = join '', lines("$TEST_NGINX_TOP/README.md");
my %told = map { $_ => 1 } $readme =~ /`\$llm_(\w+)`/g;

is(join(' ', grep { !$told{$_} } @main::all), '', 'in README');
is(join(' ', grep { my $n = $_; !grep { $_ eq $n } @main::all } sort keys %told),
   '', 'in this test');



=== of a request that went well
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: $::provider
--- steps
my $r = post('/v1/chat/completions', $main::chat);
my ($rec) = records(1);
my $v = main::variables();

is(main::present($v),
   join(' ', grep { !/^(?:code|reason|reserved|limit|cache_write.*|audio.*|image.*|video.*
                         |characters|searches|queue_ms)$/x } @main::all),
   'those that there are');

is($v->{id}, $r->{headers}{'x-llm-request-id'}, 'id');
is($v->{id}, $rec->{id}, 'id of the record');
is("$v->{key} $v->{owner} $v->{team} $v->{app} $v->{env} $v->{class}",
   'caller acme search web production gold', 'who');
is("$v->{endpoint} $v->{protocol} $v->{stream} $v->{model}"
   . " $v->{requested_model}", 'chat openai false gpt other-name', 'what');
is("$v->{status} $v->{outcome} $v->{rung} $v->{attempts}", '200 ok first 1',
   'how it went');
is("$v->{provider} $v->{route} $v->{upstream_model} $v->{upstream_addr}",
   "mock gpt#1 up-gpt 127.0.0.1:$TEST_NGINX_PROVIDER_PORT", 'where');
is("$v->{input} $v->{cache_read} $v->{output} $v->{reasoning}"
   . " $v->{requests} $v->{input_tokens} $v->{output_tokens}"
   . " $v->{total_tokens}", '8 4 3 2 1 12 5 17', 'usage');
is("$v->{cost} $v->{estimated} $v->{price_version}",
   '0.000062 false inline', 'cost');
is($v->{usage}, JSON::PP->new->canonical->encode($rec->{usage})
                =~ s/.*/{"input":8,"cache_read":4,"output":3,"reasoning":2,"requests":1}/r,
   'usage as JSON');
like($v->{raw_usage}, qr/\A\{"prompt_tokens":12,.*\}\z/, 'raw usage');
like($v->{$_}, qr/\A\d+\z/, $_) for qw(latency_ms ttft_ms overhead_us);
is($v->{$_}, $rec->{$_}, "$_ is the record's") for qw(ttft_ms overhead_us);



=== of a stream
--- http_config eval: $::http
--- config eval: $::config
--- provider
chat:
    sse
    pause 30
    data {"choices":[{"delta":{"content":"Hi"}}]}
    pause 60
    data {"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":5,"total_tokens":17}}
    done
--- steps
post('/v1/chat/completions', '{"model":"gpt","stream":true}');

my $v = main::variables();

is("$v->{stream} $v->{status} $v->{outcome} $v->{input} $v->{output}"
   . " $v->{cost}", 'true 200 ok 12 5 0.000062');
ok($v->{ttft_ms} >= 20 && $v->{latency_ms} >= $v->{ttft_ms} + 40,
   "times: $v->{ttft_ms} $v->{latency_ms}");



=== of a refused request
--- http_config eval: $::http
--- config eval: $::config
--- steps
post('/v1/chat/completions', '{"model":"none"}');

my $v = main::variables();

is(main::present($v),
   'id key owner team app env class endpoint protocol stream requested_model'
   . ' outcome code reason cost time client_addr status attempts latency_ms'
   . ' overhead_us',
   'those that there are');
is("$v->{status} $v->{outcome} $v->{code} $v->{requested_model} $v->{cost}"
   . " $v->{attempts}", '404 rejected model_not_found none 0 0');
is($v->{reason}, 'model "none" is not configured', 'reason');

post('/v1/chat/completions', $main::chat, key => 'sk-wrong');
$v = main::variables();

is(main::present($v),
   'id class endpoint protocol stream outcome code reason cost time client_addr'
   . ' status attempts latency_ms overhead_us', 'without a key');
unlike(join(' ', %$v), qr/sk-wrong/, 'the key is in none');

post('/v1/nothing', '{}');
$v = main::variables();
is("$v->{endpoint} $v->{code}", '- unknown_endpoint', 'no endpoint');



=== of a provider that failed
--- http_config eval: $::http
--- config eval: $::config
--- provider
chat #1:
    cut
chat #2:
    status 429
    json {"error":{"message":"slow down"}}
--- steps
post('/v1/chat/completions', $main::chat);

my $v = main::variables();

is("$v->{status} $v->{outcome} $v->{code} $v->{attempts} $v->{provider}"
   . " $v->{cost} $v->{usage}", '502 upstream_error upstream_error 1 mock 0 -');

post('/v1/chat/completions', $main::chat);
$v = main::variables();
is("$v->{status} $v->{outcome} $v->{code} $v->{attempts} $v->{cost}",
   '429 upstream_error - 1 0');



=== of other units
--- http_config eval: $::http
--- config eval: $::config
--- provider
chat POST /v1/images/generations:
    json {"data":[{},{},{}]}
chat POST /v1/audio/speech:
    header Content-Type: audio/mpeg
    body ID3
chat POST /v1/audio/transcriptions:
    json {"text":"a","duration":8.250}
chat POST /v1/videos:
    json {"id":"v","seconds":"4"}
claude:
    json {"content":[],"usage":{"input_tokens":1,"cache_creation_input_tokens":30,"cache_creation":{"ephemeral_5m_input_tokens":10,"ephemeral_1h_input_tokens":20},"output_tokens":1,"server_tool_use":{"web_search_requests":2}}}
--- steps
my $v;

post('/v1/images/generations', '{"model":"gpt","prompt":"","n":3}');
$v = main::variables();
is("$v->{images} $v->{cost} $v->{input_tokens}", '3 1.5 0', 'images');

post('/v1/audio/speech', '{"model":"gpt","input":"12345"}');
$v = main::variables();
is("$v->{characters} $v->{cost}", '5 0.005', 'characters');

post('/v1/audio/transcriptions', "--b\r\nContent-Disposition: form-data;"
     . " name=\"model\"\r\n\r\ngpt\r\n--b--\r\n",
     type => 'multipart/form-data; boundary=b');
$v = main::variables();
is("$v->{audio_seconds} $v->{cost}", '8.25 0.825', 'seconds of sound');

post('/v1/videos', '{"model":"gpt","prompt":""}');
$v = main::variables();
is("$v->{video_seconds} $v->{cost}", '4 0.4', 'seconds of video');

post('/v1/messages', '{"model":"gpt","max_tokens":1}');
$v = main::variables();
is("$v->{cache_write_5m} $v->{cache_write_1h} $v->{searches}", '10 20 2',
   'writes and searches');



=== where the gateway is not
--- http_config eval: $::http
--- config eval: $::config
--- steps
is(get('/plain')->{content}, "plain\n");
is(main::present(main::variables()), '', 'there are none');

LLM::Client::run($Test::Nginx::Util::ServerPort, "send rubbish\\r\\n\\r\\nend\n",
                 5);
is(main::present(main::variables()), '', 'nor of what is no request');



=== of what nginx refuses before the gateway is asked
--- http_config eval: $::http
--- config
    access_log logs/all.log all;

    location /v1 {
        deny all;
        llm_route;
    }
--- steps
is(post('/v1/chat/completions', $main::chat)->{status}, 403);

my $v = main::variables();

is("$v->{status} $v->{outcome} $v->{attempts} $v->{key}", '403 rejected 0 -');



=== in headers, maps and conditions of logs
--- http_config eval
$::http . '
    map $llm_outcome $is_bad {
        default  1;
        ok       0;
    }

    map $llm_team $team_header {
        search   "team of searchers";
        default  nobody;
    }

    log_format only_bad "bad $llm_code";
'
--- config
    location /v1 {
        llm_route;
        add_header X-Team $team_header always;
        add_header X-Model "$llm_requested_model=$llm_model" always;
        add_header X-Tokens $llm_total_tokens always;
        access_log logs/bad.log only_bad if=$is_bad;
    }
--- provider eval: $::provider
--- steps
my $bad = Test::Nginx::Util::server_root() . '/logs/bad.log';
my $before = () = lines($bad);
my $r = post('/v1/chat/completions', $main::chat);

is($r->{headers}{'x-team'}, 'team of searchers', 'a map');
is($r->{headers}{'x-model'}, 'other-name=gpt', 'a header');
is($r->{headers}{'x-tokens'}, '17', 'known with the head of a whole answer');

$r = post('/v1/chat/completions', $main::chat, key => 'no');
is($r->{headers}{'x-team'}, 'nobody', 'a default');

records(2);

my @bad = lines($bad);

is(join('', splice @bad, $before), "bad invalid_api_key\n", 'if=');



=== the class comes from a variable, not the client's
--- http_config eval
$::http . '
    map $arg_batch $traffic {
        default  "";
        1        gold;
    }
    llm_class silver { }'
--- config
    access_log logs/all.log all;

    location /v1 {
        llm_route $traffic;
    }

    location /v1/silver {
        llm_route silver;
    }
--- provider eval: $::provider
--- steps
post('/v1/silver/chat/completions', $main::chat);
is(main::variables()->{class}, 'silver', 'of the location');
post('/v1/chat/completions?batch=1', $main::chat);
is(main::variables()->{class}, 'gold', 'of the variable');
post('/v1/chat/completions', $main::chat);
is(main::variables()->{class}, 'gold', 'of the key');



=== values that would break a line are escaped by log_format
--- http_config eval
$::http . 'log_format json escape=json \'{"m":"$llm_requested_model","r":"$llm_reason"}\';'
--- config
    location /v1 {
        llm_route;
        access_log logs/json.log json;
    }
--- steps
my $file = Test::Nginx::Util::server_root() . '/logs/json.log';
my $before = () = lines($file);

post('/v1/chat/completions', '{"model":"a\u0022,\u005c \u20ac"}');
records(1);

my @lines = lines($file);

holds(JSON::PP->new->utf8->decode($lines[-1]),
      'm="a\",\\\\ ' . "\x{20ac}" . '" r~configured', 'valid JSON');
is(@lines - $before, 1, 'one line');
