# Ids of responses, videos and operations: they lead back to the route that
# made them, from anywhere, and for nobody else.

use lib 't/lib';
use LLM 'no_plan';


# two accounts of one model; each makes ids of its own

our $http = <<'_EOC_';
    llm_provider one {
        protocol  openai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/one/v1;
        api_key   up-one;
    }

    llm_provider two {
        protocol  openai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/two/v1;
        api_key   up-two;
    }

    llm_provider goo {
        protocol  gemini;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/goo/v1beta;
        api_key   up-goo;
    }

    llm_model gpt {
        endpoint  responses video gemini;
        route     one weight=1;
        route     two weight=1;
        route     goo model=veo;
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

our $config = <<'_EOC_';
    location /v1 {
        llm_route;
    }
_EOC_

our $provider = <<'_EOC_';
one POST /v1/responses:
    json {"id":"resp_1n{{n}}","object":"response","status":"completed","output":[]}
two POST /v1/responses:
    json {"id":"resp_2n{{n}}","object":"response","status":"completed","output":[]}
one GET:
    json {"id":"back at one","object":"response","status":"completed","output":[]}
two GET:
    json {"id":"back at two","object":"response","status":"completed","output":[]}
_EOC_

our %names = (1 => 'one', 2 => 'two');


no_shuffle();
no_long_string();
run_tests();

__DATA__

=== a response is asked for where it was made
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: $::provider
--- steps
my %made;

for (1 .. 20) {
    my $id = post('/v1/responses', '{"model":"gpt","input":""}')->{json}{id};
    my ($name, $bare) = $id =~ /\A(resp_([12])n\d+)_g[\w-]{24}\z/
                        ? ($main::names{$2}, $1) : ();

    $made{$name}++;

    my $r = get("/v1/responses/$id");
    my $last = (sent())[-1];

    like($r->{json}{id}, qr/^back at $name/, "GET goes to $name");
    is($last->{path}, "/$name/v1/responses/$bare", 'under its own id');
    like($last->{raw}, qr/^Authorization: Bearer up-$name\r$/m, 'its key');
}

ok($made{one} && $made{two}, 'both routes were used');
ok($made{one} + $made{two} == 20, 'each id was signed');

my @rec = records(40);

is(scalar(grep { $_->{provider} eq 'one' && $_->{route} eq 'gpt#1' }
               @rec), $made{one} * 2, 'records of one');



=== an id works in each worker, and after a reload
--- steps
my $n = nginx(workers => 4, http => "llm_zone 1m;\n$main::http",
              config => $main::config);

LLM::Provider::play($main::provider);

my @ids = map { post('/v1/responses', '{"model":"gpt","input":""}',
                     port => $n->port)->{json}{id} } 1 .. 4;
my $good = 0;

for (1 .. 10) {
    for my $id (@ids) {
        my $r = get("/v1/responses/$id", port => $n->port);
        my ($who) = $id =~ /resp_(\d)/;
        $good++ if ($r->{json}{id} // '') =~ /^back at $main::names{$who}/;
    }
}

is($good, 40, 'from any worker');

$n->reload;

for my $id (@ids) {
    is(get("/v1/responses/$id", port => $n->port)->{status}, 200,
       'after a reload');
}

$n->reload(http => "llm_zone 1m;\n" . ($main::http =~ s/weight=1/weight=9/r)
                   . "llm_model first { route one; }");

for my $id (@ids) {
    is(get("/v1/responses/$id", port => $n->port)->{status}, 200,
       'after a reload with another configuration');
}

quiet($n);



=== an id works after a restart, where the provider has an api_key
--- steps
my $n = nginx(http => "llm_zone 1m;\n$main::http", config => $main::config);

LLM::Provider::play($main::provider);

my $id = post('/v1/responses', '{"model":"gpt","input":""}',
              port => $n->port)->{json}{id};

$n->quit;
$n->start;

is(get("/v1/responses/$id", port => $n->port)->{status}, 200);
quiet($n);



=== without an api_key the zone's secret signs: reload yes, restart no
--- steps
(my $http = $main::http) =~ s/api_key.*//g;

my $n = nginx(http => "llm_zone 1m;\n$http", config => $main::config);

LLM::Provider::play($main::provider);

my $id = post('/v1/responses', '{"model":"gpt","input":""}',
              port => $n->port)->{json}{id};

is(get("/v1/responses/$id", port => $n->port)->{status}, 200, 'at once');

$n->reload;
is(get("/v1/responses/$id", port => $n->port)->{status}, 200, 'reload');

$n->quit;
$n->start;
is(get("/v1/responses/$id", port => $n->port)->{status}, 404, 'restart');
quiet($n);



=== one llm_id_secret makes two hosts one
--- steps
(my $http = $main::http) =~ s/api_key.*//g;

my ($a, $b, $c) = map {
    nginx(http => "llm_zone 1m;\nllm_id_secret $_;\n$http",
          config => $main::config)
} qw(shared-secret shared-secret another-secret);

LLM::Provider::play($main::provider);

my $id = post('/v1/responses', '{"model":"gpt","input":""}',
              port => $a->port)->{json}{id};

is(get("/v1/responses/$id", port => $a->port)->{status}, 200, 'here');
is(get("/v1/responses/$id", port => $b->port)->{status}, 200, 'there');
is(get("/v1/responses/$id", port => $c->port)->{status}, 404, 'a stranger');
quiet($_) for $a, $b, $c;



=== llm_id_secret goes before the provider's key, which may be rotated
--- steps
my $n = nginx(http => "llm_zone 1m;\nllm_id_secret s;\n$main::http",
              config => $main::config);

LLM::Provider::play($main::provider);

my $id = post('/v1/responses', '{"model":"gpt","input":""}',
              port => $n->port)->{json}{id};

$n->reload(http => "llm_zone 1m;\nllm_id_secret s;\n"
                   . ($main::http =~ s/up-(one|two)/rotated-$1/gr));

is(get("/v1/responses/$id", port => $n->port)->{status}, 200);
like((sent())[-1]{raw}, qr/^Authorization: Bearer rotated-/m, 'the new key');
quiet($n);



=== an id is only for the key that made it
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: $::provider
--- steps
my $id = post('/v1/responses', '{"model":"gpt","input":""}')->{json}{id};

for my $call ([ GET => "/v1/responses/$id" ],
              [ DELETE => "/v1/responses/$id" ],
              [ POST => "/v1/responses/$id/cancel" ],
              [ GET => "/v1/responses/$id/input_items" ])
{
    my $r = ask(@$call, undef, key => 'sk-other');

    is($r->{status}, 404, "$call->[0] by another key");
    holds($r, 'error.code=model_not_found', 'is told nothing');
}

my $r = post('/v1/responses',
             { model => 'gpt', input => '', previous_response_id => $id },
             key => 'sk-other');

is($r->{status}, 404, 'nor may it go on with it');
holds($r, 'error.code=model_not_found error.param=previous_response_id');

is(get("/v1/responses/$id")->{status}, 200, 'its own key may');
is(scalar sent(), 2, 'calls');

my @rec = records(7);
holds($_, 'status=404 outcome=rejected key=other code=model_not_found')
    for @rec[1 .. 5];



=== an id outlives the secret that its key had, not its key
--- steps
my $n = nginx(http => "llm_zone 1m;\n$main::http", config => $main::config);

LLM::Provider::play($main::provider);

my $id = post('/v1/responses', '{"model":"gpt","input":""}',
              port => $n->port)->{json}{id};

$n->reload(http => "llm_zone 1m;\n"
                   . ($main::http =~ s/sk-test/sk-rotated/r));

is(get("/v1/responses/$id", port => $n->port, key => 'sk-rotated')->{status},
   200, 'the key by its new secret');

$n->reload(http => "llm_zone 1m;\n"
                   . ($main::http =~ s/llm_key caller/llm_key renamed/r));

is(get("/v1/responses/$id", port => $n->port)->{status}, 404,
   'another key by the old secret');
quiet($n);



=== what was tampered with, or comes from elsewhere, is not found
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: $::provider
--- steps
my $id = post('/v1/responses', '{"model":"gpt","input":""}')->{json}{id};
my $length = length $id;
my @bad;

for my $at (0 .. $length - 1) {
    my $c = substr $id, $at, 1;
    my $bad = $id;

    substr $bad, $at, 1, $c eq 'A' ? 'B' : 'A';
    push @bad, $bad;
}

push @bad, 'resp_123', "resp_9$id", substr($id, 0, -1), "${id}x",
     substr($id, 0, -26), "_g" . substr($id, -24), substr($id, -26),
     'x' x 1000, "$id%2F..%2Fother", '%E2%82%AC', '%FF%FE',
     substr($id, 0, -26) . '_g' . 'A' x 24;

my @wrong = grep { get("/v1/responses/$_")->{status} != 404 } @bad;

is("@wrong", '', scalar(@bad) . ' bad ids');
is(scalar sent(), 1, 'nothing of it went upstream');
holds($_, 'outcome=rejected') for (records(1 + @bad))[1 .. 3, -1];



=== previous_response_id leads back, bare upstream and signed to the client
--- http_config eval: $::http
--- config eval: $::config
--- provider
* POST /v1/responses:
    json {"id":"resp_{{n}}","previous_response_id": "resp_0","status":"completed","output":[]}
--- steps
for (1 .. 10) {
    my $id = post('/v1/responses', '{"model":"gpt","input":"Hi"}')->{json}{id};
    my $first = (sent())[-1];
    my $r = post('/v1/responses', '{"previous_response_id": "' . $id
                                  . '", "model":"gpt","input":"And?"}');
    my $last = (sent())[-1];

    is($r->{status}, 200);
    is($last->{name}, $first->{name}, 'the same provider');
    is($last->{body}, '{"previous_response_id": "resp_' . $first->{n}
                      . '", "model":"gpt","input":"And?"}', 'bare');
    like($r->{json}{previous_response_id}, qr/\Aresp_0_g[\w-]{24}\z/,
         'signed');

    get("/v1/responses/$r->{json}{previous_response_id}");
    is((sent())[-1]{path}, "/$last->{name}/v1/responses/resp_0", 'and known');
}

records(30);



=== previous_response_id of another model is refused
--- http_config eval
$::http . '
    llm_model gpt-2 {
        endpoint  responses;
        route     one;
    }'
--- config eval: $::config
--- provider eval: $::provider
--- steps
my $id = post('/v1/responses', '{"model":"gpt","input":""}')->{json}{id};
my $r = post('/v1/responses', { model => 'gpt-2', input => '',
                                previous_response_id => $id });

is($r->{status}, 400);
holds($r, 'error.code=unsupported_parameter'
          . ' error.param=previous_response_id');

$r = post('/v1/responses', { model => 'gpt', input => '',
                             previous_response_id => 'resp_foreign' });
is($r->{status}, 404, 'one that nobody signed');
holds($r, 'error.param=previous_response_id');

is(scalar sent(), 1, 'calls');
records(3);



=== a route that left the configuration takes its ids with it
--- steps
my $n = nginx(http => "llm_zone 1m;\n" . ($main::http =~ s/route +two.*//r),
              config => $main::config);

LLM::Provider::play($main::provider);

my $id = post('/v1/responses', '{"model":"gpt","input":""}',
              port => $n->port)->{json}{id};

$n->reload(http => "llm_zone 1m;\n" . ($main::http =~ s/route +one.*//r));

my $r = get("/v1/responses/$id", port => $n->port);

is($r->{status}, 404);
holds($r, 'error.code=model_not_found');
is(scalar sent(), 1, 'no other route was asked');

$n->reload(http => "llm_zone 1m;\n" . ($main::http =~ s/weight=1/active=off/r));

is(get("/v1/responses/$id", port => $n->port)->{status}, 200,
   'an inactive route still knows what it made');
quiet($n);



=== a key that lost its model has no more of it
--- steps
my $n = nginx(http => "llm_zone 1m;\n$main::http", config => $main::config);

LLM::Provider::play($main::provider);

my $id = post('/v1/responses', '{"model":"gpt","input":""}',
              port => $n->port)->{json}{id};

$n->reload(http => "llm_zone 1m;\n"
                   . ($main::http =~ s/sk-test;/sk-test; deny gpt;/r));

my $r = get("/v1/responses/$id", port => $n->port);

is($r->{status}, 403);
holds($r, 'error.code=model_not_allowed');
quiet($n);



=== ids of streams are signed in each event, and work
--- http_config eval: $::http
--- config eval: $::config
--- provider
one POST /v1/responses stream:
    sse
    drip 11 0
    typed {"type":"response.created","response":{"id":"resp_s","previous_response_id":"resp_0","status":"in_progress"}}
    typed {"type":"response.output_item.added","item":{"id":"msg_1","type":"message"}}
    typed {"type":"response.output_text.delta","delta":"resp_s"}
    typed {"type":"response.completed","response":{"id":"resp_s","previous_response_id":"resp_0","status":"completed","usage":{"input_tokens":1,"output_tokens":1,"total_tokens":2}}}
one GET /v1/responses/resp_s stream:
    status 500
one GET /v1/responses/resp_s:
    sse
    typed {"type":"response.created","response":{"id":"resp_s","status":"in_progress"}}
    typed {"type":"response.completed","response":{"id":"resp_s","status":"completed"}}
two POST:
    status 500
    json {}
--- steps
my $r;

for (1 .. 40) {
    $r = post('/v1/responses', '{"model":"gpt","input":"","stream":true}');
    last if $r->{status} == 200;
}

my @ids = $r->{content} =~ /"id":"(resp_[^"]*)"/g;

is(scalar @ids, 2, 'two events have it');
is($ids[0], $ids[1], 'the same');
like($ids[0], qr/\Aresp_s_g[\w-]{24}\z/, 'signed');

my @previous = $r->{content} =~ /"previous_response_id":"([^"]*)"/g;

is(scalar @previous, 2, 'two events have the previous one');
like($previous[0], qr/\Aresp_0_g[\w-]{24}\z/, 'signed');
like($r->{content}, qr/"id":"msg_1"/, 'other ids stay');
like($r->{content}, qr/"delta":"resp_s"/, 'and so does text');

$r = get("/v1/responses/$ids[0]?stream=true&starting_after=1");
is($r->{status}, 200);
is(() = $r->{content} =~ /"id":"\Q$ids[0]\E"/g, 2, 'a stream by GET');
is((sent())[-1]{query}, 'stream=true&starting_after=1', 'its query');



=== ids in escapes are the same ids
--- http_config eval: $::http
--- config eval: $::config
--- provider eval: $::provider
--- steps
my $id = post('/v1/responses', '{"model":"gpt","input":""}')->{json}{id};

(my $percent = $id) =~ s/_/%5F/;
is(get("/v1/responses/$percent")->{status}, 200, 'in a path');

(my $escaped = $id) =~ s/_/\\u005f/;
my $r = post('/v1/responses', '{"model":"gpt","input":"",'
                              . '"previous_response_id":"' . $escaped . '"}');
is($r->{status}, 200, 'in JSON');
like((sent())[-1]{body}, qr/"previous_response_id":"resp_\dn1"/, 'bare');



=== an answer without an id, or with one that is no text, passes
--- http_config eval: $::http =~ s/route +two.*//r
--- config eval: $::config
--- provider
* #1:
    json {"status":"completed","output":[]}
* #2:
    json {"id":null,"status":"completed","output":[]}
* #3:
    json {"id":17,"status":"completed","output":[]}
* #4:
    json {"id":"","status":"completed","output":[]}
--- steps
for my $id ('', '"id":null,', '"id":17,', '"id":"",') {
    is(post('/v1/responses', '{"model":"gpt","input":""}')->{content},
       "{$id\"status\":\"completed\",\"output\":[]}", "$id");
}

records(4);



=== an error is no response: its ids stay
--- http_config eval: $::http
--- config eval: $::config
--- provider
*:
    status 400
    json {"id":"resp_1","error":{"message":"no","type":"invalid_request_error"}}
--- post: /v1/responses
--- body
{"model":"gpt","input":""}
--- error_code: 400
--- response_body chomp
{"id":"resp_1","error":{"message":"no","type":"invalid_request_error"}}
--- usage_log
outcome=upstream_error



=== a video, its content and what is made of it
--- http_config eval: $::http
--- config eval: $::config
--- provider
one POST /v1/videos:
    json {"id":"video_1","object":"video","status":"queued","seconds":"4"}
two POST /v1/videos:
    json {"id":"video_2","object":"video","status":"queued","seconds":"4"}
* GET /v1/videos/video_*/content:
    header Content-Type: video/mp4
    body \x00{{path}}\xff
* POST /v1/videos/*/remix:
    json {"id":"video_3","object":"video","remixed_from_video_id":"video_1"}
* GET:
    json {"id":"video_1","object":"video","status":"completed"}
* DELETE:
    json {"id":"video_1","object":"video.deleted","deleted":true}
--- steps
for (1 .. 6) {
    my $id = post('/v1/videos', '{"model":"gpt","prompt":""}')->{json}{id};
    my ($bare, $n) = $id =~ /\A(video_([12]))_g[\w-]{24}\z/ or die $id;
    my $who = $main::names{$n};

    is(get("/v1/videos/$id/content")->{content},
       "\0/$who/v1/videos/$bare/content\xff", 'content');
    is(get("/v1/videos/$id")->{status}, 200, 'its state');

    my $r = post("/v1/videos/$id/remix", '{"prompt":"b"}');

    is((sent())[-1]{path}, "/$who/v1/videos/$bare/remix", 'remix');
    is(get("/v1/videos/$r->{json}{id}")->{status}, 200, 'of the remix');
    is((sent())[-1]{path}, "/$who/v1/videos/video_3", 'at the same provider');

    is(ask('DELETE', "/v1/videos/$id", undef, key => 'sk-other')->{status},
       404, 'not for another key');
    is(ask('DELETE', "/v1/videos/$id")->{status}, 200, 'deleted');
}



=== an operation, by its whole name or by less of it
--- http_config eval: $::http
--- config eval: $::config
--- provider
goo POST /v1beta/models/veo:predictLongRunning:
    json {"name":"models/veo/operations/abc-1"}
goo GET /v1beta/models/veo/operations/abc-1:
    json {"name":"models/veo/operations/abc-1","done":true}
--- steps
my $name = post('/v1beta/models/gpt:predictLongRunning',
                '{"instances":[]}')->{json}{name};

like($name, qr{\Amodels/veo/operations/abc-1_g[\w-]{24}\z}, 'signed');

my $r = get("/v1beta/$name");

holds($r, "name=$name done=true", 'asked for');
is((sent())[-1]{path}, '/goo/v1beta/models/veo/operations/abc-1');

is(get("/v1beta/$name", key => 'sk-other')->{status}, 404, 'another key');

(my $short = $name) =~ s{.*/operations}{operations};
is(get("/v1beta/$short")->{status}, 404, 'a part of it is another name');

(my $moved = $name) =~ s{veo}{ve0};
is(get("/v1beta/$moved")->{status}, 404, 'of another model');

records(5);



=== an operation of Vertex, whose name holds more
--- http_config eval
$::http =~ s{goo/v1beta}{goo/v1/projects/p/locations/l/publishers/google}r
--- config eval: $::config
--- provider
goo POST /v1/projects/p/locations/l/publishers/google/models/veo:predictLongRunning:
    json {"name":"projects/p/locations/l/publishers/google/models/veo/operations/9f-1"}
goo GET /v1/projects/p/locations/l/publishers/google/models/veo/operations/9f-1:
    json {"name":"projects/p/locations/l/publishers/google/models/veo/operations/9f-1","done":true}
--- steps
my $name = post('/v1beta/models/gpt:predictLongRunning',
                '{"instances":[]}')->{json}{name};

like($name, qr{/models/veo/operations/9f-1_g[\w-]{24}\z}, 'signed');

my $r = get("/v1beta/$name");

is($r->{status}, 200, 'asked for');
holds($r, 'done=true');



=== without keys ids are signed for everybody
--- http_config eval: $::http
--- config
    location /v1 {
        llm_route key=off;
    }
--- provider eval: $::provider
--- steps
my $id = post('/v1/responses', '{"model":"gpt","input":""}',
              key => undef)->{json}{id};

is(get("/v1/responses/$id", key => undef)->{status}, 200, 'by nobody');
is(get("/v1/responses/$id", key => 'sk-test')->{status}, 404, 'by a key');
