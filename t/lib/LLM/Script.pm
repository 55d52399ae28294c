package LLM::Script;

# The language in which tests say what a provider does: see t/lib/README.md.
# parse() turns a text into scenarios; plan() turns a scenario and a request
# into operations that the server plays one by one.

use strict;
use warnings;

use Compress::Raw::Zlib;
use JSON::PP ();


my %takes = map { $_ => 1 } qw(
    status header length chunked close gzip sse keep
    early stopread nohead head interim
    json text body data event typed done times forever fill file fixture
    echo raw pause drip cut reset hang
);

my $event = qr/^(?:data|event|typed|done)$/;

my %reason = (
    200 => 'OK', 201 => 'Created', 204 => 'No Content',
    400 => 'Bad Request', 401 => 'Unauthorized', 403 => 'Forbidden',
    404 => 'Not Found', 429 => 'Too Many Requests',
    500 => 'Internal Server Error', 503 => 'Service Unavailable',
);

my %escape = (
    r => "\r", n => "\n", t => "\t", 0 => "\0", e => "\e", '\\' => '\\',
);


sub parse {
    my ($text) = @_;

    my @lines = split /\n/, $text;
    my (@scenarios, $current);

    for (my $i = 0; $i < @lines; $i++) {
        my $line = $lines[$i];

        next if $line =~ /^\s*(?:#.*)?$/;

        if ($line =~ /^(\S+?)((?:\s+\S+?)*)\s*:\s*$/) {
            $current = scenario($1, split ' ', $2);
            push @scenarios, $current;
            next;
        }

        $line =~ s/^\s+//;
        $line =~ s/\r$//;

        die "line " . ($i + 1) . ": an action before any scenario\n"
            unless $current;

        my ($verb, $rest) = split ' ', $line, 2;
        $rest //= '';

        die "line " . ($i + 1) . ": unknown action \"$verb\"\n"
            unless $takes{$verb};

        if ($rest =~ s/<<(\w+)\s*$//) {
            my ($end, @doc) = ($1);

            while (++$i < @lines && $lines[$i] !~ /^\s*\Q$end\E\s*$/) {
                push @doc, $lines[$i];
            }

            die "no end \"$end\" of a here document\n" if $i == @lines;

            my ($indent) = ($doc[0] // '') =~ /^(\s*)/;
            s/^\Q$indent\E// for @doc;
            $rest .= join "\n", @doc;
        }

        push @{ $current->{actions} }, [ $verb, $rest ];
    }

    return \@scenarios;
}


sub scenario {
    my ($name, @words) = @_;

    my %s = (name => $name, actions => []);

    for my $w (@words) {
        if ($w =~ /^#(\d+)(\+|-(\d+))?$/) {
            $s{from} = $1;
            $s{to} = !defined $2 ? $1 : $2 eq '+' ? 1e9 : $3;

        } elsif ($w =~ m{^/}) {
            my $re = join '.*', map { quotemeta } split /\*/, $w, -1;
            $s{path} = qr/^$re$/;

        } elsif ($w eq 'stream' || $w eq 'unary') {
            $s{mode} = $w;

        } elsif ($w =~ /^[A-Z]+$/) {
            $s{method} = $w;

        } else {
            die "scenario \"$name\": unknown condition \"$w\"\n";
        }
    }

    return \%s;
}


# The first scenario that fits the request; $calls counts by name.

sub choose {
    my ($scenarios, $req, $calls) = @_;

    for my $s (@$scenarios) {
        next if $s->{name} ne '*' && $s->{name} ne $req->{name};
        next if $s->{method} && $s->{method} ne $req->{method};
        next if $s->{path} && $req->{rest} !~ $s->{path};
        next if $s->{mode} && $s->{mode} ne ($req->{stream} ? 'stream'
                                                            : 'unary');
        next if $s->{from}
                && ($calls < $s->{from} || $calls > $s->{to});
        return $s;
    }

    return;
}


sub is {
    my ($s, $verb) = @_;

    return scalar grep { $_->[0] eq $verb } @{ $s->{actions} };
}


sub unescape {
    my ($text) = @_;

    $text =~ s/\\(?:x([0-9a-fA-F]{2})|([rnt0e\\]))/
               defined $1 ? chr hex $1 : $escape{$2}/gex;
    return $text;
}


sub fill_in {
    my ($text, $req, $i) = @_;

    return $text if index($text, '{{') < 0;

    $text =~ s/\{\{([\w:.-]+)\}\}/value($1, $req, $i)/ge;
    return $text;
}


sub value {
    my ($name, $req, $i) = @_;

    return $i // 0 if $name eq 'i';
    return $req->{headers}{ lc $1 } // '' if $name =~ /^header:(.*)/;
    return $req->{$name} // '';
}


# One body action as a list of pieces.

sub pieces {
    my ($verb, $rest, $req, $i) = @_;

    if ($verb eq 'json' || $verb eq 'text') {
        return fill_in($rest, $req, $i);
    }

    if ($verb eq 'body') {
        return unescape(fill_in($rest, $req, $i));
    }

    if ($verb eq 'data') {
        return 'data: ' . fill_in($rest, $req, $i) . "\n\n";
    }

    if ($verb eq 'done') {
        return "data: [DONE]\n\n";
    }

    if ($verb eq 'event') {
        my ($name, $data) = split ' ', $rest, 2;
        return "event: $name\ndata: " . fill_in($data // '', $req, $i)
               . "\n\n";
    }

    if ($verb eq 'typed') {
        my ($type) = $rest =~ /"type"\s*:\s*"([^"]+)"/;
        return "event: $type\ndata: " . fill_in($rest, $req, $i) . "\n\n";
    }

    if ($verb eq 'fill') {
        my ($n, $char) = split ' ', $rest;
        $char //= 'x';
        return $char x $n;
    }

    if ($verb eq 'echo') {
        my %echo = map { $_ => $req->{$_} }
                       qw(method path query headers body length sha256);
        return JSON::PP->new->canonical->ascii->encode(\%echo);
    }

    die "\"$verb\" has no body\n";
}


# A recorded answer, cut as told: [pieces], pause in ms, status and headers.

sub recorded {
    my ($verb, $rest) = @_;

    my ($path, @opts) = split ' ', $rest;
    my %opt = map { split /=/, $_, 2 } @opts;
    my (%meta, $file);

    if ($verb eq 'fixture') {
        my $root = $ENV{LLM_FIXTURES} // '../shared/fixtures';
        ($file) = grep { -f } map { "$root/$path.response.$_" }
                                  qw(json sse bin eventstream);
        die "no fixture \"$root/$path\"\n" unless $file;

        my $m = JSON::PP::decode_json(slurp("$root/$path.meta.json"));
        %meta = (status => $m->{status}, headers => $m->{response_headers});

        $meta{type} = $file =~ /sse$/ ? 'text/event-stream'
                      : $file =~ /json$/ ? 'application/json'
                      : 'application/octet-stream';

    } else {
        $file = $path;
    }

    my $data = slurp($file);
    my @pieces;

    if (exists $opt{events}) {
        @pieces = $data =~ /\G(.+?(?:\r?\n\r?\n|\z))/sg;

    } elsif (my $split = $opt{split}) {
        my @sizes = split /,/, $split;
        my $n = 0;

        for (my $at = 0; $at < length $data; ) {
            my $size = $sizes[$n++ % @sizes];
            push @pieces, substr $data, $at, $size;
            $at += $size;
        }

    } else {
        @pieces = ($data);
    }

    return { %meta, pieces => \@pieces, pause => $opt{pause} };
}


sub slurp {
    my ($file) = @_;

    open my $fh, '<:raw', $file or die "cannot open \"$file\": $!\n";
    local $/;
    return scalar <$fh>;
}


# Operations: [write => bytes] [pause => sec] [cut] [reset] [hang]
# [forever => piece, sec]; the last is [end => close?].

sub plan {
    my ($s, $req) = @_;

    my %h = (status => 200, header => []);
    my (@ops, @body, $headless);

    for my $a (@{ $s->{actions} }) {
        my ($verb, $rest) = @$a;

        if ($verb eq 'status') {
            $h{status} = fill_in($rest, $req);

        } elsif ($verb eq 'header') {
            push @{ $h{header} }, fill_in(unescape($rest), $req);

        } elsif ($verb eq 'sse') {
            $h{type} = 'text/event-stream';
            $h{chunked} //= 1;

        } elsif ($verb eq 'chunked' || $verb eq 'close' || $verb eq 'gzip'
                 || $verb eq 'length' || $verb eq 'keep')
        {
            $h{$verb} = length $rest ? $rest : 1;

        } elsif ($verb eq 'nohead') {
            $headless = 1;

        } elsif ($verb eq 'early' || $verb eq 'stopread') {
            next;

        } elsif ($verb eq 'pause') {
            push @body, [ pause => $rest / 1000 ];

        } elsif ($verb eq 'drip') {
            push @body, [ drip => split ' ', $rest ];

        } elsif ($verb eq 'head' || $verb eq 'cut' || $verb eq 'reset'
                 || $verb eq 'hang')
        {
            push @body, [ $verb ];

        } elsif ($verb eq 'raw') {
            push @body, [ raw => unescape(fill_in($rest, $req)) ];

        } elsif ($verb eq 'interim') {
            my ($code, $header) = split ' ', $rest, 2;
            push @body, [ raw => "HTTP/1.1 $code Interim\r\n"
                                 . ($header ? "$header\r\n" : '') . "\r\n",
                          1 ];

        } elsif ($verb eq 'times' || $verb eq 'forever') {
            my ($n, $gap, $act) = $rest
                =~ /^(?:(\d+)\s+)?(?:pause=([\d.]+)\s+)?(.*)$/s;
            my ($v, $r) = split ' ', $act, 2;

            $h{type} //= 'text/event-stream' if $v =~ $event;

            if ($verb eq 'forever') {
                $h{chunked} //= 1;
                push @body, [ forever => pieces($v, $r // '', $req),
                              ($gap // 0) / 1000 ];
                next;
            }

            for my $i (1 .. $n) {
                push @body, [ piece => pieces($v, $r // '', $req, $i) ];
                push @body, [ pause => $gap / 1000 ] if $gap;
            }

        } elsif ($verb eq 'file' || $verb eq 'fixture') {
            my $f = recorded($verb, $rest);

            $h{status} = $f->{status} if $f->{status};
            $h{type} //= $f->{type} if $f->{type};
            $h{chunked} //= 1 if ($f->{type} // '') =~ /event/;
            keep_headers(\%h, $f->{headers}) if $f->{headers};

            for my $p (@{ $f->{pieces} }) {
                push @body, [ piece => $p ];
                push @body, [ pause => $f->{pause} / 1000 ] if $f->{pause};
            }

        } else {
            $h{type} //= 'application/json'
                if $verb eq 'json' || $verb eq 'echo';
            $h{type} //= 'text/event-stream'
                if $verb =~ $event;
            push @body, [ piece => pieces($verb, $rest, $req) ];
        }
    }

    # an answer that opens with raw bytes has no head, unless one is asked for

    my ($first) = grep { $_->[0] !~ /^(?:pause|drip)$/
                         && !($_->[0] eq 'raw' && $_->[2]) } @body;

    $headless = 1 if $first && $first->[0] =~ /^(?:raw|cut|reset|hang)$/
                     && !grep { $_->[0] eq 'head' } @body;

    compress(\@body) if $h{gzip};

    return frame(\%h, \@body, $req, $headless);
}


# What a recorded answer said, but for what this connection decides.

sub keep_headers {
    my ($h, $headers) = @_;

    for my $name (sort keys %$headers) {
        next if $name =~ /^(?:connection|transfer-encoding|content-length
                            |content-encoding|date|server|alt-svc
                            |set-cookie|keep-alive)$/xi;

        my $v = $headers->{$name};

        if (lc $name eq 'content-type') {
            $h->{type} = ref $v ? $v->[0] : $v;
            next;
        }

        push @{ $h->{header} }, map { "$name: $_" } ref $v ? @$v : $v;
    }
}


sub compress {
    my ($body) = @_;

    my $z = Compress::Raw::Zlib::Deflate->new(-WindowBits => WANT_GZIP,
                                              -AppendOutput => 1);
    my @pieces = grep { $_->[0] eq 'piece' } @$body;

    for my $p (@pieces) {
        my $out = '';

        $z->deflate($p->[1], $out);
        $z->flush($out, $p == $pieces[-1] ? Z_FINISH : Z_SYNC_FLUSH);
        $p->[1] = $out;
    }
}


sub frame {
    my ($h, $body, $req, $headless) = @_;

    my $bare = $req->{method} eq 'HEAD' || $h->{status} =~ /^(?:204|304)/;
    my $chunked = $h->{chunked} && !$h->{close} && !$h->{length};
    my $length = 0;

    $length += length $_->[1] for grep { $_->[0] eq 'piece' } @$body;

    my $status = $h->{status};

    $status .= ' ' . ($reason{$status} // 'Status') if $status !~ / /;

    my @head = ("HTTP/1.1 $status");

    push @head, "Content-Type: $h->{type}"
        if $h->{type} && !grep { /^content-type:/i } @{ $h->{header} };
    push @head, @{ $h->{header} };
    push @head, 'Content-Encoding: gzip' if $h->{gzip};

    if ($h->{length}) {
        push @head, "Content-Length: $h->{length}";

    } elsif ($chunked) {
        push @head, 'Transfer-Encoding: chunked' if !$bare;

    } elsif (!$h->{close} && $h->{status} !~ /^204/) {
        push @head, "Content-Length: $length";
    }

    push @head, 'Connection: close' if $h->{close};

    my (@ops, $drip, $sent);

    my $write = sub {
        my ($bytes) = @_;

        if (!$drip) {
            push @ops, [ write => $bytes ];
            return;
        }

        for (my $at = 0; $at < length $bytes; $at += $drip->[0]) {
            push @ops, [ pause => $drip->[1] / 1000 ] if @ops;
            push @ops, [ write => substr $bytes, $at, $drip->[0] ];
        }
    };

    my $head = sub {
        return if $sent++ || $headless;
        $write->(join("\r\n", @head) . "\r\n\r\n");
    };

    for my $op (@$body) {
        my ($verb, $data, $arg) = @$op;

        if ($verb eq 'drip') {
            $drip = $data ? [ $data, $arg ] : undef;

        } elsif ($verb eq 'head') {
            $head->();

        } elsif ($verb eq 'raw') {
            $write->($data);

        } elsif ($verb eq 'piece' || $verb eq 'forever') {
            $head->();
            next if $bare || !length $data;

            $data = sprintf("%x\r\n", length $data) . $data . "\r\n"
                if $chunked && !$headless;

            if ($verb eq 'forever') {
                push @ops, [ forever => $data, $arg ];
            } else {
                $write->($data);
            }

        } else {
            push @ops, $op;
        }
    }

    $head->();
    $write->("0\r\n\r\n") if $chunked && !$headless && !$bare;
    push @ops, [ end => ($headless && !$h->{keep}) || $h->{close} ];

    return \@ops;
}


1;
