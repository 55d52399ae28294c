# Recorded traffic of many providers, through the gateway: what a provider
# sent is what the client gets, byte for byte, however it was cut on the way,
# and usage is what an independent reader made of it.
#
# The recordings lie in the directory that LLM_FIXTURES names, by default
# ../shared/fixtures; without it there is nothing to test here.

use lib 't/lib';
use LLM;

use JSON::PP ();


our $root = $ENV{LLM_FIXTURES} // '../shared/fixtures';

if (-f "$root/INDEX.tsv") {
    plan('no_plan');

} else {
    plan(skip_all => "no recorded traffic in $root");
}


our $http = <<'_EOC_';
    llm_provider oa {
        protocol  openai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/up/v1;
        api_key   key;
        tag       speaks=openai;
    }

    llm_provider an {
        protocol  anthropic;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/up/v1;
        api_key   key;
        tag       speaks=anthropic;
    }

    llm_provider ge {
        protocol  gemini;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/up/v1;
        api_key   key;
        tag       speaks=gemini;
    }

    llm_model any {
        alias     "~^(.*)$";
        endpoint  chat responses completions embeddings moderations images
                  audio video messages gemini;
        route     oa model=$1;
        route     an model=$1;
        route     ge model=$1;
    }

    llm_key caller {
        secret  plain:sk-test;
        models  *;
    }

    # recorded failures set providers aside, and a route of another protocol
    # would then translate: here each client meets its own

    map $uri $speaks {
        default                                   openai;
        ~/messages                                anthropic;
        "~:(generate|stream|count|embed|predict|batch)"  gemini;
        ~/operations/                             gemini;
    }

    llm_class openai    { require speaks=openai;    last_resort on; }
    llm_class anthropic { require speaks=anthropic; last_resort on; }
    llm_class gemini    { require speaks=gemini;    last_resort on; }
_EOC_

our $config = <<'_EOC_';
    location ~ . {
        llm_route $speaks;
        client_max_body_size 32m;
    }
_EOC_


# protocols that nobody speaks here, and paths that are no endpoint

our $foreign = qr{^bedrock/(?!mantle)|^vertex/predict-embed/
                  |^xai/video/unary-video-submit}x;


sub slurp {
    my ($file) = @_;

    open my $fh, '<:raw', $file or return;
    local $/;
    return scalar <$fh>;
}


sub fixtures {
    my ($which) = @_;

    return grep { $_ !~ $foreign && $_ =~ $which }
           map { (split /\t/)[0] } grep { !/^id\t/ }
           split /\n/, slurp("$root/INDEX.tsv");
}


# method, path, headers and body of the recorded request, or one like it

sub request_of {
    my ($id, $meta) = @_;

    my ($path) = $meta->{url} =~ m{^https?://[^/]+(/.*)};
    my $body = slurp("$root/$id.request.json")
               // slurp("$root/$id.request.bin");
    my $type = $meta->{request_headers}{'content-type'}
               // $meta->{request_headers}{'Content-Type'};

    $type = $type->[0] if ref $type;

    if (!defined $body && $meta->{method} eq 'POST') {
        my %body = (model => $meta->{model}, messages => []);

        $body{stream} = JSON::PP::true if $meta->{stream};
        $body = JSON::PP::encode_json($path =~ /:\w+(?:\?|$)/ ? {} : \%body);
    }

    return ($path, $type // 'application/json', $body);
}


# what must come out: the bytes that went in, but for the chunk with usage
# that the gateway alone had asked for

sub expected {
    my ($sent, $meta, $body) = @_;

    return $sent if !$meta->{stream} || ($body // '') =~ /"include_usage"/;

    $sent =~ s/^data: [^\n]*"choices": ?\[\][^\n]*"usage": ?\{[^\n]*\n\r?\n//m
        if $meta->{url} =~ /completions/ && $sent !~ /"choices": ?\[\],"pro/;

    return $sent;
}


sub total {
    my ($u, @units) = @_;
    my $n = 0;

    $n += $u->{$_} // 0 for @units;
    return $n;
}


# what differs, in words

sub differs {
    my ($usage, $want) = @_;

    # tokens that are in the total alone were thoughts

    if (($want->{total_reported} // 0)
        > $want->{input_total} + $want->{output_total})
    {
        my $hidden = $want->{total_reported} - $want->{input_total}
                     - $want->{output_total};

        $want = { %$want, output_total => $want->{output_total} + $hidden,
                  reasoning => $want->{reasoning} + $hidden };
    }

    my %have = (
        input_total => total($usage, qw(input cache_read cache_write_5m
                                        cache_write_1h audio_input
                                        image_input)),
        output_total => total($usage, qw(output reasoning audio_output
                                         image_output)),
        cache_read => $usage->{cache_read} // 0,
        cache_write => total($usage, qw(cache_write_5m cache_write_1h)),
        cache_write_1h => $usage->{cache_write_1h} // 0,
        reasoning => $usage->{reasoning} // 0,
    );

    return map { "$_ is $have{$_}, not $want->{$_}" }
           grep { defined $want->{$_} && $want->{$_} != $have{$_} }
           sort keys %have;
}


sub replay {
    my ($id, $how) = @_;

    my $meta = JSON::PP::decode_json(slurp("$root/$id.meta.json"));
    my ($path, $type, $body) = request_of($id, $meta);
    my ($sent) = grep { defined } map { slurp("$root/$id.response.$_") }
                                  qw(json sse bin);

    my $script = "up $meta->{method}:\n    fixture $id $how\n";

    # what is asked for by its id has to be made first

    if ($meta->{method} eq 'GET') {
        my ($name, $made) = $path =~ m{/(responses|videos)/([^/?]+)};

        LLM::Provider::play("up POST:\n    json {\"id\":\"$made\"}\n");

        my $r = LLM::Steps::post("/v1/$name", '{"model":"m"}');

        $path =~ s{\Q$made\E}{$r->{json}{id}};
    }

    LLM::Provider::play($script);

    my $before = () = LLM::Steps::lines($ENV{TEST_NGINX_USAGE_LOG});
    my $r = LLM::Steps::ask($meta->{method}, $path, $body, type => $type);
    my @records;

    LLM::Provider::wait_for(3, sub {
        @records = LLM::Steps::lines($ENV{TEST_NGINX_USAGE_LOG});
        splice @records, 0, $before;
        return scalar @records;
    });

    my $record = eval { JSON::PP::decode_json($records[0]) } // {};

    return ($meta, $r, $sent, expected($sent, $meta, $body), $record,
            scalar @records);
}


sub check {
    my ($which, $how, $most) = @_;

    my @ids = fixtures($which);
    my $n = 0;

    LLM::Steps::ok(@ids > 0, "recordings of $which");

    for my $id (@ids) {
        my ($size) = grep { defined } map { -s "$root/$id.response.$_" }
                                      qw(json sse bin);

        next if $most && $size > $most;

        my ($meta, $r, $sent, $want, $rec, $records) = replay($id, $how);
        my $got = $r->{content};
        my $expect = $meta->{expect} // {};
        my $failed = $expect->{midstream_error}
                     || $meta->{stream} && $sent =~ /^\{\s+"error":/m;

        $got =~ s/_g[\w-]{24}(?=")//g if $meta->{url} =~ /responses|videos/;
        $n++;

        # an error before any content is no answer yet: not the client's 200

        if ($failed && $sent !~ /"delta"|"candidates"/) {
            LLM::Steps::is($r->{status}, 502, "$id: status");
            LLM::Steps::is($rec->{outcome}, 'upstream_error', "$id: outcome");
            next;
        }

        LLM::Steps::is($r->{status}, $meta->{status}, "$id: status");

        if ($got ne $want) {
            my $at = 0;

            $at++ while $at < length $got
                        && substr($got, $at, 1) eq substr($want, $at, 1);
            LLM::Steps::diag("from byte $at on: \"",
                             substr($got, $at, 200), "\"\nnot \"",
                             substr($want, $at, 200), '"');
        }

        LLM::Steps::ok($got eq $want, "$id: bytes");
        LLM::Steps::is($records, 1, "$id: one record");

        my $outcome = $meta->{status} >= 400 ? 'upstream_error'
                      : $failed ? 'truncated' : 'ok';

        LLM::Steps::is($rec->{outcome}, $outcome, "$id: outcome");

        next if $meta->{status} >= 400;

        if ($meta->{method} eq 'GET' || $id =~ m{/count}) {
            LLM::Steps::ok(!$rec->{usage}, "$id: free");
            next;
        }

        if (my $usage = $expect->{usage}) {
            my @bad = differs($rec->{usage} // {}, $usage);

            LLM::Steps::is(join(', ', @bad), '', "$id: usage");
        }
    }

    return $n;
}


no_shuffle();
no_long_string();
run_tests();

__DATA__

=== anthropic
--- http_config eval: $::http
--- config eval: $::config
--- may_log: [crit]
--- steps
main::check(qr{^anthropic/}, '');



=== gemini and vertex
--- http_config eval: $::http
--- config eval: $::config
--- may_log: [crit]
--- steps
main::check(qr{^(?:gemini/(?!openai-compat)|vertex/)}, '');



=== openai: chat, of all who speak it
--- http_config eval: $::http
--- config eval: $::config
--- may_log: [crit]
--- steps
main::check(qr{/(?:chat|openai-compat|completions)/}, '');



=== openai: responses
--- http_config eval: $::http
--- config eval: $::config
--- may_log: [crit]
--- steps
main::check(qr{responses/}, '');



=== openai: all the others
--- http_config eval: $::http
--- config eval: $::config
--- may_log: [crit]
--- steps
main::check(qr{/(?:audio-\w+|embeddings|images|moderations|video)/}, '');



=== each event in a packet of its own
--- http_config eval: $::http
--- config eval: $::config
--- may_log: [crit]
--- steps
main::check(qr{/stream}, 'events=1 pause=0.2');



=== in pieces of 7 and 1 and 100 bytes
--- http_config eval: $::http
--- config eval: $::config
--- timeout: 60
--- may_log: [crit]
--- steps
main::check(qr{.}, 'split=7,1,100', 20000);
