# The ladder as a table: each way in which a provider fails, under classes
# that allow some moves, all of them or none, for answers and for streams.
# What is asked for each: whom it called, what the client got, what the record
# tells, and that money was counted once.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder qw(full_port);

repeat_each(1);
no_shuffle();

($ENV{TEST_NGINX_FULL_PORT}, our $Full) = full_port();

# Routes "a" and "b" of a model fail alike, but under "default", where "b" is
# well; "c" is the approved backup of "all", and well.  What follows a failure
# of each kind, as rung and route; "!" is where it ends without an answer, and
# why.

our %Ladder = (
    connect => {
        default => 'first a, retry a, switch b',
        dead    => 'first a, retry a, switch b !attempts',
        all     => 'first a, retry a, switch b, retry b, backup c',
        none    => 'first a !class',
    },
    timeout => {
        default => 'first a, switch b',
        dead    => 'first a, switch b !no_more_routes',
        all     => 'first a, retry a, switch b, retry b, backup c',
        none    => 'first a !class',
    },
    reset => {
        default => 'first a !class',
        dead    => 'first a !class',
        all     => 'first a, retry a, switch b, retry b, backup c',
        none    => 'first a !class',
    },
    auth => {
        default => 'first a !class',
        dead    => 'first a !class',
        all     => 'first a, switch b, backup c',
        none    => 'first a !class',
    },
    context => {
        default => 'first a !class',
        dead    => 'first a !class',
        all     => 'first a, backup c',
        none    => 'first a !class',
    },
    caller => {
        default => 'first a !',
        dead    => 'first a !',
        all     => 'first a !',
        none    => 'first a !',
    },

    # a provider that asks for more patience than the back-off has, or whose
    # account is used up

    patience => {
        default => 'first a, switch b',
        dead    => 'first a, switch b !no_more_routes',
        all     => 'first a, switch b, backup c',
        none    => 'first a !class',
    },
);

$Ladder{'5xx'} = $Ladder{429} = $Ladder{timeout};
$Ladder{invalid} = $Ladder{reset};

our $Moves = 'connect,timeout,reset,429,5xx,invalid';

our $Classes = <<"_EOC_";
    llm_class all {
        retry     1 on=$Moves backoff=10ms,20ms;
        switch    on=$Moves,auth;
        backup    on=$Moves,auth,context;
        attempts  5;
    }

    llm_class none {
        retry off;  switch off;  backup off;  queue off;
    }
_EOC_

our %Class = (default => '', dead => '', all => 'all', none => 'none');
our @Columns = qw(default dead all none);
our @Modes = qw(unary stream);

our $Locations = join '', map {
    "    location /$_/ { llm_route $Class{$_}; }\n"
} @Columns;


our %Good = (
    unary => '{"id":"1","choices":[{"index":0,"message":{"role":"assistant",'
             . '"content":"from %s"},"finish_reason":"stop"}],'
             . '"usage":{"prompt_tokens":8,"completion_tokens":3}}',
    stream => 'data: {"choices":[{"index":0,"delta":{"content":"from %s"},'
              . '"finish_reason":"stop"}]}' . "\n\n" . "data: [DONE]\n\n",
);

our $Usage = '{"choices":[],'
             . '"usage":{"prompt_tokens":8,"completion_tokens":3}}';

sub good {
    my ($name, $route) = @_;

    my ($event) = sprintf($Good{stream}, $route) =~ /data: (.*)\n/;

    return "$name unary:\n    json " . sprintf($Good{unary}, $route)
           . "\n$name stream:\n    sse\n    data $event\n    data $Usage\n"
           . "    done\n";
}


# An entry is a name, the kind it counts as, what the provider does ("unary"
# and "stream" where that is not the same), and where the ladder ends on it:
# with a status of our own, or "pass" for the provider's answer.  "word" is
# what the record says; "pass" is where the provider is, if not at its port.

our $Port = '$TEST_NGINX_PROVIDER_PORT';
our @Table;

sub entry {
    my ($name, $kind, %o) = @_;

    $o{unary} //= $o{do} // '';
    $o{stream} //= $o{do} // '';
    $o{pass} //= "http://127.0.0.1:$Port";

    # what hangs is to end soon, all else has the time that it takes

    $o{time} //= "$o{pass} $o{unary} $o{stream}" =~ /FULL_PORT|hang$/
                 ? '150ms' : '3s';

    push @Table, { name => $name, kind => $kind, ladder => $kind, own => 502,
                   word => '', %o };
}

entry 'connect refused', 'connect',
      pass => 'http://127.0.0.1:1', mute => 1, word => 'no connection';
entry 'connect hang', 'connect',
      pass => 'http://127.0.0.1:$TEST_NGINX_FULL_PORT', mute => 1, own => 504,
      word => 'not established in time';
entry 'TLS, a certificate of another name', 'connect',
      pass => 'https://127.0.0.1:$TEST_NGINX_PROVIDER_TLS_PORT', mute => 1,
      more => 'host wrong.test; tls_ca $TEST_NGINX_CA;';
entry 'TLS, an authority that nobody knows', 'connect',
      pass => 'https://127.0.0.1:$TEST_NGINX_PROVIDER_TLS_PORT', mute => 1,
      more => 'host untrusted.test; tls_ca $TEST_NGINX_CA;';
entry 'closed before the head', 'reset', do => 'cut', word => 'closed';
entry 'reset before the head', 'reset', do => 'reset';
entry 'reset after the head', 'reset',
      unary  => "length 100\njson {\"a\": 1,\npause 20\nreset",
      stream => "sse\nbody : hello\\n\\n\npause 20\nreset";
entry 'cut after half a head', 'reset',
      do => 'raw HTTP/1.1 200 OK\r\nContent-Ty' . "\ncut";
entry 'no head', 'timeout', do => 'hang', own => 504, word => 'in time';
entry 'half a head', 'timeout', own => 504,
      do => 'raw HTTP/1.1 200 OK\r\nContent-Ty' . "\nhang";
entry 'an interim answer and no more', 'timeout', own => 504,
      do => "interim 103 Link: </a>\nhang";
entry 'garbage instead of a head', 'invalid',
      do => 'raw \x00\x01SSH-2.0-OpenSSH\r\n\r\n' . "\ncut",
      word => 'did not speak HTTP';
entry 'a redirect', 'invalid', word => 'redirect',
      do => "status 302\nheader Location: http://127.0.0.1/\ntext moved";

for my $status (400, 404, 405, 409, 413, 415, 422, 451) {
    entry "$status", 'caller', status => $status;
}

entry '400, a prompt that is too long', 'context', status => 400,
      told => 'This model\'s maximum context length is 8 tokens',
      code => 'context_length_exceeded';
entry '400, a key that is not good', 'auth', status => 400,
      told => 'Incorrect API key provided: sk-1';
entry '403, content that was flagged', 'caller', status => 403,
      code => 'content_policy_violation';

entry "$_", 'auth', status => $_ for 401, 403;
entry '403 for one model', 'auth', status => 403, code => 'model_not_found',
      told => 'Project p does not have access to model m';

entry '408', 'timeout', status => 408;
entry '429', '429', status => 429;
entry '429 with Retry-After', '429', status => 429, ladder => 'patience',
      header => 'Retry-After: 30';
entry '429 with retry-after-ms', '429', status => 429, ladder => 'patience',
      header => 'retry-after-ms: 2500';
entry '429, a quota that is used up', '429', status => 429,
      ladder => 'patience', code => 'insufficient_quota';
entry '400, no credit', '429', status => 400, ladder => 'patience',
      told => 'Your credit balance is too low to access the API';
entry '402', '429', status => 402, ladder => 'patience';
entry '429, a pause in its body', '429', status => 429, ladder => 'patience',
      told => 'Quota exceeded. Please retry in 34.4s.';
entry "$_", '5xx', status => $_ for 500, 502, 503, 504, 529;
entry '503 with Retry-After', '5xx', status => 503, ladder => 'patience',
      header => 'Retry-After: 30';
entry '500 without a body', '5xx', status => 500, empty => 1;
entry '500 in HTML', '5xx', status => 500, html => 1;

entry 'an error in a 200', 'invalid', word => 'answered with an error',
      says => 'of its own',
      unary  => 'json {"error":{"message":"of its own","type":"server"}}',
      stream => "sse\n" . 'data {"error":{"message":"of its own"}}'
                . "\ndone";
entry 'an error after pings', 'invalid', word => 'answered with an error',
      says => 'of its own',
      unary  => 'json {"error":{"message":"of its own"},"choices":[]}',
      stream => "sse\nbody : ping\\n\\n\n"
                . 'data {"choices":[],"prompt_filter_results":[]}'
                . "\n" . 'data {"error":{"message":"of its own"}}';
entry 'an empty 200', 'invalid', word => 'empty',
      do => "header Content-Type: application/json\nlength 0";
entry 'a stream without content', 'invalid',
      unary  => "chunked\nheader Content-Type: application/json",
      stream => "sse\n" . 'data {"choices":[],"usage":null}' . "\ndone";
entry 'the other kind of answer', 'invalid',
      unary  => "sse\n" . 'data {"choices":[{"index":0,"delta":{"content":'
                . '"a"}}]}' . "\ndone",
      stream => 'json {"choices":[{"index":0,"message":{"content":"a"}}]}';
entry 'HTML', 'invalid',
      do => "header Content-Type: text/html\ntext <html>maintenance</html>";
entry 'malformed', 'invalid',
      unary  => 'json {"choices": [}',
      stream => "sse\n" . 'data {"choices": [}' . "\ndone";
entry 'malformed at first', 'invalid',
      unary  => 'json null',
      stream => 'raw HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n'
                . '\r\ndata: {"choices": [}\n\n' . "\npause 20\n"
                . 'raw data: {"choices":[{"index":0,"delta":{"content":"a"}}]}'
                . '\n\ndata: [DONE]\n\n' . "\ncut";
entry 'no object, an end alone', 'invalid',
      unary  => 'json []',
      stream => 'raw HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n'
                . '\r\ndata: [DONE]\n\n' . "\ncut";
entry 'no JSON, no events', 'invalid',
      unary  => 'json "a"',
      stream => "sse\ntimes 3 fill 100000 A\nhang";
entry '204', 'invalid', word => 'empty',
      do => 'raw HTTP/1.1 204 No Content\r\n\r\n' . "\ncut";
entry 'broken chunks', 'invalid', word => 'chunks',
      do => 'raw HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n'
            . 'Transfer-Encoding: chunked\r\n\r\nzz\r\n' . "\ncut";
entry 'cut before content', 'reset',
      unary  => "chunked\n" . 'json {"choices":' . "\npause 20\ncut",
      stream => "sse\nbody : ping\\n\\n\npause 20\ncut";
entry 'stall before content', 'timeout', own => 504,
      unary  => "length 100\n" . 'json {"choices":' . "\nhang",
      stream => "sse\nbody : ping\\n\\n\nhang";
entry 'shorter than promised', 'reset',
      unary  => "length 1000\n" . 'json {"choices":[]}' . "\npause 20\ncut",
      stream => "length 1000\nheader Content-Type: text/event-stream\n"
                . "body : ping\\n\\n\npause 20\ncut";


# the provider's own words, and how it says them

sub words {
    my ($e) = @_;

    return '' if $e->{empty};
    return '<html>out of order</html>' if $e->{html};

    my $told = $e->{told} // "this is a $e->{status}";
    my $code = defined $e->{code} ? qq("$e->{code}") : 'null';

    return qq({"error": {"message": "$told", "type": "t", "code": $code}});
}

sub act {
    my ($e, $mode) = @_;

    return $e->{$mode} if !$e->{status};

    return join "\n", "status $e->{status}", 'header X-Own: kept',
                $e->{header} ? "header $e->{header}" : (),
                $e->{empty} ? 'length 0'
                : ($e->{html} ? 'text ' : 'json ') . words($e);
}


sub http {
    my ($e) = @_;

    my $text = $Classes;

    for my $col (@Columns) {
        for my $mode (@Modes) {
            my $m = "$col-$mode";

            for my $route (qw(a b c)) {
                my $well = $route eq 'c' || $col eq 'default' && $route eq 'b';
                my $pass = $well ? "http://127.0.0.1:$Port" : $e->{pass};
                my $more = $well ? '' : $e->{more} // '';
                my $time = $well ? '3s' : $e->{time};

                $text .= <<"_EOC_";
    llm_provider $m-$route {
        protocol  openai;
        pass      $pass/$m-$route/v1;
        timeout   connect=$time first_byte=$time idle=$time;
        $more
    }
_EOC_
            }

            $text .= <<"_EOC_";
    llm_model $m {
        route   $m-a;
        route   $m-b priority=2;
        backup  $m-c class=all;
        price   input=1 output=2;
    }

    llm_model $m-c {
        route  $m-c;
        price  input=10 output=20;
    }
_EOC_
        }
    }

    return $text . <<'_EOC_';
    llm_key caller {
        secret  plain:sk-test;
        models  *;
    }
_EOC_
}


sub script {
    my ($e) = @_;

    my $text = '';

    for my $m (map { my $col = $_; map { "$col-$_" } @Modes } @Columns) {
        my ($col, $mode) = split /-/, $m;
        my $act = act($e, $mode) =~ s/^/    /gmr;

        $text .= "$m-a:\n$act\n";
        $text .= $col eq 'default' ? good("$m-b", 'b') : "$m-b:\n$act\n";
        $text .= good("$m-c", 'c');
    }

    return $text;
}


# nano-dollars of a record's text

sub nano { return sprintf '%.0f', ($_[0] // 'nan') * 1e9 }


# One cell of the table: asks, and returns what the record has to tell.

sub cell {
    my ($e, $col, $mode) = @_;

    my $m = "$col-$mode";
    my $here = "$col, $mode";
    my ($steps, $end) = $Ladder{ $e->{ladder} }{$col} =~ /^(.*?)(?: !(.*))?$/;
    my @steps = map { [ split ' ' ] } split /, /, $steps;
    my ($rung, $route) = @{ $steps[-1] };

    my $r = LLM::Steps::post("/$col/chat/completions",
                             qq({"model": "$m", "messages": [])
                             . ($mode eq 'stream' ? ', "stream": true}'
                                                  : '}'));

    my %calls = map { $_ => 0 } qw(a b c);

    for (@steps) {
        my $well = $_->[1] eq 'c' || $col eq 'default' && $_->[1] eq 'b';
        $calls{ $_->[1] }++ if $well || !$e->{mute};
    }

    my $calls = LLM::Provider::calls();

    LLM::Steps::is(join(' ', map { $calls->{"$m-$_"} // 0 } qw(a b c)),
                   join(' ', map { $calls{$_} } qw(a b c)),
                   "$here: calls of a, b and c");

    LLM::Steps::is($r->{headers}{'x-llm-rung'}, $rung, "$here: rung");
    LLM::Steps::is($r->{headers}{'x-llm-attempts'}, @steps + 0,
                   "$here: attempts");
    LLM::Steps::is($r->{headers}{'x-llm-provider'}, "$m-$route",
                   "$here: provider");

    if (!defined $end) {
        LLM::Steps::is($r->{status}, 200, "$here: status");
        LLM::Steps::is($r->{content}, sprintf($Good{$mode}, $route),
                       "$here: the answer of $route");

    } elsif ($e->{status}) {
        LLM::Steps::is($r->{status}, $e->{status}, "$here: status");
        LLM::Steps::is($r->{content}, words($e), "$here: its own words");
        LLM::Steps::is($r->{headers}{'x-own'}, 'kept', "$here: its header");

    } else {
        LLM::Steps::is($r->{status}, $e->{own}, "$here: status");
        LLM::Steps::holds($r, 'error.code='
                              . ($e->{own} == 504 ? 'upstream_timeout'
                                                  : 'upstream_error')
                              . ' request_id decision.length=2'
                              . ' attempts.length=' . @steps
                              . ' decision.0.route~. decision.0.kept=true'
                              . ($e->{says} ? " error.message~\"$e->{says}\""
                                            : ''),
                          "$here: our own error");
    }

    return { here => $here, e => $e, m => $m, steps => \@steps, end => $end,
             mode => $mode };
}


sub told {
    my ($c, $r) = @_;

    my ($e, $m, $steps, $end) = @$c{qw(e m steps end)};
    my ($rung, $route) = @{ $steps->[-1] };
    my $code = $e->{own} == 504 ? 'upstream_timeout' : 'upstream_error';
    my $status = !defined $end ? 200 : $e->{status} // $e->{own};
    my $last = $#$steps;

    my $class = $Class{ (split /-/, $m)[0] } || 'default';
    my @say = ("class=$class", "model=$m", "status=$status", "rung=$rung",
               "provider=$m-$route", 'attempts.length=' . @$steps,
               'outcome=' . (defined $end ? 'upstream_error' : 'ok'),
               defined $end && !$e->{status} ? "code=$code" : '!code');

    for my $n (0 .. $last) {
        push @say, "attempts.$n.n=" . ($n + 1),
                   "attempts.$n.rung=$steps->[$n][0]",
                   "attempts.$n.provider=$m-$steps->[$n][1]",
                   "attempts.$n.total_ms<10000";

        if ($n == $last && !defined $end) {
            push @say, "attempts.$n.status=200", "!attempts.$n.error";
            next;
        }

        push @say, "attempts.$n.status=$e->{status}" if $e->{status};
        push @say, "attempts.$n.error~\"$e->{word}\"" if $e->{word};

        next if $e->{kind} eq 'caller';

        push @say, "attempts.$n.error~\"^$e->{kind}: \"";
        push @say, "attempts.$n.error~\"stopped by $end\$\"" if $n == $last;
    }

    LLM::Steps::holds($r, join(' ', @say), "$c->{here}: record");

    # what a failed attempt may have used is estimated, and no more

    my $sum = 0;

    $sum += nano($_->{cost}) for @{ $r->{attempts} };
    LLM::Steps::is(nano($r->{cost}), $sum, "$c->{here}: cost is the sum");

    LLM::Steps::is(nano($r->{attempts}[-1]{cost}),
                   $route eq 'c' ? 140000 : 14000,
                   "$c->{here}: cost of the answer")
        if !defined $end;

    LLM::Steps::is($sum, 0, "$c->{here}: errors are free")
        if defined $end && ($e->{status} || $e->{mute});
}


sub block {
    my ($n) = @_;

    my $e = $Table[$n];
    my $log = $e->{kind} eq 'auth' ? "--- error_log\n[crit]\n"
                                     . "refused our credential\n"
                                   : '';

    return <<"_EOC_";
=== TEST @{[ $n + 1 ]}: $e->{name}
--- http_config eval: main::http(\$::Table[$n])
--- config eval: \$::Locations
--- ladder
--- provider eval: main::script(\$::Table[$n])
--- steps
main::row(\$::Table[$n]);
$log

_EOC_
}

sub row {
    my ($e) = @_;

    my @cells;

    for my $col (@Columns) {
        push @cells, cell($e, $col, $_) for @Modes;
    }

    my @records = LLM::Steps::records(scalar @cells);

    told($cells[$_], $records[$_]) for 0 .. $#cells;
}


spec_string(join '', map { block($_) } 0 .. $#Table);

run_tests();
