package LLM::Ladder;

# What suites of the ladder, health and the queue have in common.

use strict;
use warnings;

use Exporter 'import';
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(sleep time);

use LLM::Client;
use LLM::Nginx;
use LLM::Port;
use LLM::Provider;
use LLM::Steps;

our @EXPORT = qw(
    $Key $Kinds $All $Route $Here $Ok $Ask $AskStream
    member providers two chat times calls between own leave quits
    start answer together full_port
);

our $Key = <<'_EOC_';
    llm_key caller {
        secret  plain:sk-test;
        models  *;
    }
_EOC_

our $Route = <<'_EOC_';
    location /v1 {
        llm_route;
    }
_EOC_

# nginx of the block itself, where others of LLM::Nginx are asked

our $Here = <<'_EOC_';
    location = / { return 204; }
_EOC_

our $Kinds = 'connect,timeout,reset,429,5xx,invalid';

our $All = "switch on=$Kinds,auth; backup on=$Kinds,auth,context;";

our $Ok = 'json {"choices":[{"index":0,"message":{"content":"well"}}],'
          . '"usage":{"prompt_tokens":8,"completion_tokens":3}}';

our $Ask = '{"model": "m", "messages": []}';
our $AskStream = '{"model": "m", "messages": [], "stream": true}';


# The same key, of somebody whom limits may hold for, with these lines.

sub member {
    my ($lines) = @_;

    return <<"_EOC_";
    llm_key caller {
        secret  plain:sk-test;
        models  *;
        owner   acme;
        team    search;
        env     prod;
        @{[ $lines // '' ]}
    }
_EOC_
}


# Providers by name, each with a scenario of its name, and lines of its own.

sub providers {
    my (%p) = @_;

    return join '', map { <<"_EOC_" } sort keys %p;
    llm_provider $_ {
        protocol  openai;
        pass      http://127.0.0.1:\$TEST_NGINX_PROVIDER_PORT/$_/v1;
        $p{$_}
    }
_EOC_
}


# The usual two routes, tried in order, under a class.

sub two {
    my ($class, %p) = @_;

    return providers(a => '', b => '', %p) . <<"_EOC_" . $Key;
    llm_class default {
        $class
    }

    llm_model m {
        route  a;
        route  b priority=2;
        price  input=1 output=2;
    }
_EOC_
}


sub chat {
    my ($body, %o) = @_;

    return LLM::Steps::post('/v1/chat/completions', $body // $Ask, %o);
}


# When each request came to the provider, in ms after the first.

sub times {
    my @r = LLM::Provider::requests();

    return map { sprintf '%.0f', ($_->{time} - $r[0]{time}) * 1000 } @r;
}


sub calls {
    my $calls = LLM::Provider::calls();

    return join ' ', map { "$_=$calls->{$_}" } sort keys %$calls;
}


sub between {
    my ($n, $low, $high, $name) = @_;

    $n //= 'nothing';
    LLM::Steps::ok($n ne 'nothing' && $n >= $low && $n <= $high,
                   "$name: $low <= $n <= $high");
}


# A port that takes no more connections, since its queue is full; it is so as
# long as what is returned lives.

sub full_port {
    my @full = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1);
    my $port = $full[0]->sockport;

    for (1 .. 4) {
        push @full, IO::Socket::INET->new(Blocking => 0, Proto => 'tcp',
                                          PeerAddr => '127.0.0.1',
                                          PeerPort => $port);
    }

    return ($port, \@full);
}


# An nginx of its own.  With workers => N it has "spread", a port whose
# connections the kernel spreads over them; logs/pids.log says which was whose.

sub own {
    my ($http, %o) = @_;

    my $spread = '';

    if (($o{workers} // 1) > 1) {
        $o{spread} //= LLM::Port::take();
        $spread = <<"_EOC_";
    log_format pids '\$pid';

    server {
        listen 127.0.0.1:$o{spread} reuseport;
        access_log logs/pids.log pids;

$Route
    }
_EOC_
    }

    return LLM::Nginx->new(
        config => $Route, %o,
        http => "llm_zone 8m;\nllm_usage_log \$DIR/logs/usage.jsonl"
                . " flush=10ms;\n$http\n$spread");
}


sub raw {
    my ($body, %o) = @_;

    my $key = $o{key} // 'sk-test';
    my $path = $o{path} // '/v1/chat/completions';
    my $head = $o{head} // '';

    $body //= $Ask;

    return "POST $path HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
           . "Authorization: Bearer $key\r\n${head}Content-Length: "
           . length($body) . "\r\n\r\n$body";
}


# A client that leaves after so many ms, by "close" or "reset".

sub leave {
    my ($n, $ms, $how, $body) = @_;

    my $text = raw($body) =~ s/\r/\\r/gr =~ s/\n/\\n/gr;

    LLM::Client::run($n->port, "send $text\npause $ms\n$how\n", 3);
}


# Begins a request, with more of a head; answer() waits for its end.

sub start {
    my ($port, $body, %o) = @_;

    my $s = LLM::Client::connection($port);
    my $time = time;

    syswrite $s, raw($body, %o);

    return { s => $s, got => '', time => $time };
}


sub answer {
    my ($c, $timeout) = @_;

    my $until = time + ($timeout // 10);

    while ((my $left = $until - time) > 0) {
        last if !IO::Select->new($c->{s})->can_read($left);
        last if !sysread $c->{s}, $c->{got}, 65536, length $c->{got};
    }

    my ($head, $content) = split /\r\n\r\n/, $c->{got}, 2;
    my ($status) = ($head // '') =~ /^HTTP\/1\.1 (\d+)/;
    my %headers = map { /^([^:]+): (.*)$/ ? (lc $1, $2) : () }
                      split /\r\n/, $head // '';

    close $c->{s};

    return { status => $status // 0, headers => \%headers, reason => '',
             content => $content // '', ms => (time - $c->{time}) * 1000,
             json => scalar eval { JSON::PP::decode_json($content) } };
}


# So many at once.

sub together {
    my ($n, $port, $body, %o) = @_;

    my @c = map { start($port, $body, %o) } 1 .. $n;

    return map { answer($_) } @c;
}


# It leaves nothing behind: no timer that keeps the worker, no socket.

sub quits {
    my ($n) = @_;

    my $start = time;

    $n->quit;
    LLM::Steps::ok(time - $start < 2, 'it quits at once');
    LLM::Steps::quiet($n);
}


1;
