package LLM::Checks;

# What LLM.pm adds to a block: defaults before it runs, and the sections
# that look at the provider, at the usage log and at JSON answers.

use strict;
use warnings;

use JSON::PP ();
use Test::More ();
use Time::HiRes qw(sleep time);

use LLM::Client;
use LLM::Json;
use LLM::Provider;
use LLM::Steps;

my $json = JSON::PP->new->utf8->allow_nonref;
my $blocks = 0;


sub defaults {
    my ($block) = @_;

    post_request($block) if defined $block->post;

    my $config = join '', grep { defined } $block->http_config,
                                           $block->config;

    if ($config =~ /\bllm_/ && !defined $block->bare) {
        my $http = $block->http_config // '';

        $http = "    llm_usage_log \$TEST_NGINX_USAGE_LOG flush=10ms;\n$http"
            if $http !~ /\bllm_usage_log\b/;

        # another size than the block before: with HUP, a zone of its own

        my $zone = 8 + $blocks++ % 2;

        $http = "    llm_zone ${zone}m;\n$http" if $http !~ /\bllm_zone\b/;

        # most blocks are about one attempt

        $http = "    llm_class default { last_resort on; }\n$http"
            if $http !~ /\bllm_class\s+default\b/
               && !defined $block->ladder;
        $block->set_value('http_config', $http);
    }

    if ((defined $block->client || defined $block->steps)
        && !defined $block->request)
    {
        $block->set_value('request', 'GET /');
    }

    if (defined $block->must_die) {
        $block->set_value('suppress_stderr', 1);
        return;
    }

    my $never = $block->no_error_log;
    my $may = ($block->error_log // '') . ($block->may_log // '');
    my @never = grep { index($may, $_) < 0 }
                    qw([alert] [crit] [emerg]);

    if (!defined $never) {
        $block->set_value('no_error_log', join "\n", @never) if @never;

    } elsif (!ref $never) {
        chomp $never;
        $block->set_value('no_error_log', join "\n", $never,
                          grep { index($never, $_) < 0 } @never);
    }
}


# "post" names a path, "body" is sent byte for byte.

sub post_request {
    my ($block) = @_;

    my $path = $block->post;
    my $body = $block->body // '';

    $path =~ s/^\s+|\s+$//g;
    chomp $body;

    $block->set_value('request', "POST $path\n$body");

    if (!defined $block->more_headers) {
        $block->set_value('more_headers',
                          "Authorization: Bearer sk-test\n"
                          . 'Content-Type: application/json');
    }
}


sub around {
    my ($run) = @_;

    return sub {
        my ($block, $dry_run, $idx) = @_;

        if ($dry_run) {
            return $run->(@_);
        }

        LLM::Provider::play($block->provider // '');

        my $before = usage_lines();

        await_nginx() if $ENV{TEST_NGINX_USE_VALGRIND};

        if (defined $block->client) {
            run_client($block, $idx);

        } elsif (defined $block->steps) {
            LLM::Steps::run($block, $idx, $before);

        } else {
            $run->(@_);
        }

        if (!defined $block->must_die) {
            check_provider($block);
            check_usage($block, $before);
        }
    };
}


# Under valgrind it takes its time, and only requests are tried again.

sub await_nginx {
    LLM::Provider::wait_for(20, sub {
        IO::Socket::INET->new(PeerAddr => '127.0.0.1', Proto => 'tcp',
                              PeerPort => $Test::Nginx::Util::ServerPort);
    });
}


sub run_client {
    my ($block, $idx) = @_;

    my $name = $block->name;
    my $port = $Test::Nginx::Util::ServerPort;
    my $script = $block->client;

    $script =~ s/\$(TEST_NGINX_\w+)/$ENV{$1}/g;

    my $got = LLM::Client::run($port, $script, $block->timeout || 5);

    like($got, $block->client_like, "$name - the client got")
        if defined $block->client_like;
    unlike($got, $block->client_unlike, "$name - the client got not")
        if defined $block->client_unlike;

    sleep $block->wait if $block->wait;

    &Test::Nginx::Socket::check_error_log($block, undef, 0, $idx, 0);
}


sub like {
    my ($got, $want, $name) = @_;

    for my $re (regexes($want)) {
        Test::More::like($got, $re, $name);
    }
}


sub unlike {
    my ($got, $want, $name) = @_;

    for my $re (regexes($want)) {
        Test::More::unlike($got, $re, $name);
    }
}


# A section is a regex per line; a list of strings or qr// comes from eval.

sub regexes {
    my ($want) = @_;

    return map { ref eq 'Regexp' ? $_ : qr/$_/sm }
               ref $want eq 'ARRAY' ? @$want
               : ref $want ? $want
               : grep { length } split /\n/, $want;
}


sub holds {
    my ($spec, $docs, $name) = @_;

    my @bad = LLM::Json::fails($spec, $docs);

    Test::More::ok(!@bad, $name);
    return if !@bad;

    Test::More::diag(map { "$_\n" } @bad);
    Test::More::diag($json->canonical->pretty->encode($docs->[-1]))
        if @$docs;
}


sub check_provider {
    my ($block) = @_;

    my $name = $block->name;

    if (defined $block->calls) {
        my $calls = LLM::Provider::calls();

        for my $want (split ' ', $block->calls) {
            my ($who, $n, $most)
                = $want =~ /^(?:(.+)=)?(\d+)(?:\.\.(\d+))?$/;
            my $have = 0;

            if (defined $who) {
                $have = $calls->{$who} // 0;

            } else {
                $have += $_ for values %$calls;
            }

            my $what = "$name - calls of " . ($who // 'all providers');

            if (defined $most) {
                Test::More::cmp_ok($have, '>=', $n, $what);
                Test::More::cmp_ok($have, '<=', $most, $what);

            } else {
                Test::More::is($have, $n, $what);
            }
        }
    }

    like(LLM::Provider::requests_text(), $block->provider_request_like,
         "$name - the provider was asked")
        if defined $block->provider_request_like;

    unlike(LLM::Provider::requests_text(), $block->provider_request_unlike,
           "$name - the provider was not asked")
        if defined $block->provider_request_unlike;

    if (defined $block->provider_connections) {
        my %conns = map { $_->{conn} => 1 } LLM::Provider::requests();

        Test::More::is(scalar keys %conns, $block->provider_connections + 0,
                       "$name - connections to the provider");
    }

    if (defined $block->provider_json) {
        my @docs = map { eval { $json->decode($_->{body}) } // {} }
                       LLM::Provider::requests();

        holds($block->provider_json, \@docs, "$name - JSON sent upstream");
    }

    if (defined $block->provider_left) {
        my $n = $block->provider_left + 0;

        LLM::Provider::wait_for(3, sub { LLM::Provider::left() >= $n })
            if $n;
        Test::More::is(scalar(my @l = LLM::Provider::left()), $n,
                       "$name - answers left by the gateway");
    }
}


sub usage_lines {
    open my $fh, '<:raw', $ENV{TEST_NGINX_USAGE_LOG} or return 0;

    my $n = 0;
    $n++ while <$fh>;
    return $n;
}


sub usage_since {
    my ($before) = @_;

    open my $fh, '<:raw', $ENV{TEST_NGINX_USAGE_LOG} or return;

    my @lines = <$fh>;
    return @lines[$before .. $#lines];
}


# How many records the block must have written: what it says, else one per
# request if each of them goes to the gateway.

sub usage_wanted {
    my ($block) = @_;

    return $block->usage_records + 0 if defined $block->usage_records;
    return if defined $block->client || defined $block->steps
              || defined $block->raw_request || defined $block->http2
              || ($block->config // '') !~ /llm_route/;

    my $list = $block->pipelined_requests // $block->request;
    my @reqs = ref $list eq 'ARRAY' ? @$list : ($list);

    for my $r (@reqs) {
        return unless defined $r && !ref $r && $r =~ m{^\s*[A-Z]+\s+/v1};
    }

    return scalar @reqs;
}


sub check_usage {
    my ($block, $before) = @_;

    my $name = $block->name;
    my $want = usage_wanted($block);
    my @asked = grep { defined $block->$_ }
                    qw(usage_log usage_log_like usage_log_unlike);

    return if !defined $want && !@asked;

    my $least = $want // 1;

    LLM::Provider::wait_for(3, sub {
        my $n = () = usage_since($before);
        return $n >= $least;
    });

    # one too many would come with the next flush

    sleep 0.03 if defined $want;

    my @lines = usage_since($before);

    Test::More::is(scalar @lines, $want, "$name - usage records")
        if defined $want;

    my @docs = map { eval { $json->decode($_) } // { broken => $_ } } @lines;

    Test::More::ok(!(grep { exists $_->{broken} } @docs),
                   "$name - usage records are JSON");

    holds($block->usage_log, \@docs, "$name - usage record")
        if defined $block->usage_log;
    like(join('', @lines), $block->usage_log_like, "$name - usage log")
        if defined $block->usage_log_like;
    unlike(join('', @lines), $block->usage_log_unlike, "$name - usage log")
        if defined $block->usage_log_unlike;
}


# "response_json" on the answer, or on each answer of a block with several.

sub body_check {
    return sub {
        my ($block, $body, $req_idx) = @_;

        my $spec = $block->response_json;

        return unless defined $spec;

        $spec = $spec->[$req_idx] if ref $spec eq 'ARRAY';

        my $doc = eval { $json->decode($body) };

        Test::More::ok(defined $doc, $block->name . ' - the answer is JSON')
            or Test::More::diag($body), return;

        holds($spec, [ $doc ], $block->name . ' - JSON answer');
    };
}


1;
