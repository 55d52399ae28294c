#!/usr/bin/perl

# A provider that plays scripts: see t/lib/README.md for their language.
#
#   provider.pl --port=N [--tls-port=N --certs=DIR] [--script=FILE]
#               [--log=FILE] [--parent=PID]
#
# One process, one event loop, loopback only.  Over its own port it is told
# what to play and asked what it saw:
#
#   POST /-/script   a new script; counters, log and open answers are dropped
#   GET  /-/log      one JSON line per request, and per connection closed
#   GET  /-/calls    {"name": count}
#   GET  /-/open     connections open now, this one not counted

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use Digest::SHA qw(sha256_hex);
use Errno qw(EAGAIN EINTR EWOULDBLOCK);
use Getopt::Long;
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Socket qw(IPPROTO_TCP TCP_NODELAY SOL_SOCKET SO_LINGER);
use Time::HiRes qw(time);

use LLM::Certs;
use LLM::Script;


my %o = (port => 0, parent => 0);

GetOptions(\%o, 'port=i', 'tls-port=i', 'certs=s', 'script=s', 'log=s',
           'parent=i') or exit 2;

$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = $SIG{INT} = sub { exit 0 };

my $json = JSON::PP->new->canonical->ascii->allow_nonref;
my $keep_body = 65536;

my (%conns, %calls, @log, $logfile, $conn_no, $tls_cert, $tls_key);
my $scenarios = [];
my $seq = 0;

my $select_r = IO::Select->new;
my $select_w = IO::Select->new;


sub listener {
    my ($port) = @_;

    my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                                  LocalPort => $port, Proto => 'tcp',
                                  Listen => 1024, ReuseAddr => 1)
        or die "cannot listen on 127.0.0.1:$port: $!\n";

    $s->blocking(0);
    $select_r->add($s);
    return $s;
}


sub record {
    my ($r) = @_;

    push @log, $r;

    if ($o{log}) {
        if (!$logfile) {
            open $logfile, '>>', $o{log} or die "$o{log}: $!\n";
            $logfile->autoflush(1);
        }

        print $logfile $json->encode($r), "\n";
    }
}


sub accept_conn {
    my ($listen, $tls) = @_;

    while (my $fh = $listen->accept) {
        $fh->blocking(0);
        setsockopt($fh, IPPROTO_TCP, TCP_NODELAY, pack 'i', 1);

        my $c = { fh => $fh, in => '', out => '', ops => [], state => 'head',
                  no => ++$conn_no, sent => 0 };

        if ($tls) {
            $c->{state} = 'tls';
            IO::Socket::SSL->start_SSL($fh, SSL_server => 1,
                SSL_startHandshake => 0, SSL_cert_file => $tls_cert,
                SSL_key_file => $tls_key) or next;
        }

        $conns{ fileno $fh } = $c;
        $select_r->add($fh);
    }
}


sub close_conn {
    my ($c, $by) = @_;

    my $fh = $c->{fh};

    $select_r->remove($fh);
    $select_w->remove($fh);
    delete $conns{ fileno $fh };

    if ($c->{req} && !$c->{req}{control}) {
        record({ type => 'close', conn => $c->{no}, by => $by,
                 name => $c->{req}{name}, n => $c->{req}{n},
                 playing => $c->{state} eq 'play' ? 1 : 0,
                 sent => $c->{sent}, time => time,
                 after_ms => int((time - $c->{req}{time}) * 1000) });
    }

    if ($by eq 'reset') {
        setsockopt($fh, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0);
    }

    if ($fh->isa('IO::Socket::SSL')) {
        $fh->close(SSL_no_shutdown => $by ne 'us', SSL_fast_shutdown => 1);

    } else {
        close $fh;
    }
}


sub would_block {
    return 1 if $!{EAGAIN} || $!{EWOULDBLOCK} || $!{EINTR};
    return $_[0]->isa('IO::Socket::SSL')
           && $IO::Socket::SSL::SSL_ERROR
           && ($IO::Socket::SSL::SSL_ERROR
                   == IO::Socket::SSL::SSL_WANT_READ()
               || $IO::Socket::SSL::SSL_ERROR
                   == IO::Socket::SSL::SSL_WANT_WRITE());
}


sub on_read {
    my ($c) = @_;

    if ($c->{state} eq 'tls') {
        if ($c->{fh}->accept_SSL) {
            $c->{state} = 'head';

        } elsif (would_block($c->{fh})) {
            return;

        } else {
            record({ type => 'tls', conn => $c->{no}, time => time,
                     error => "$IO::Socket::SSL::SSL_ERROR" });
            return close_conn($c, 'tls');
        }
    }

    while (1) {
        my $n = sysread $c->{fh}, $c->{in}, 262144, length $c->{in};

        if (!defined $n) {
            last if would_block($c->{fh});
            return close_conn($c, 'peer');
        }

        if ($n == 0) {
            return close_conn($c, 'peer');
        }
    }

    advance($c);
}


# Reads requests off the input, one after the other.

sub advance {
    my ($c) = @_;

    if ($c->{state} eq 'head') {
        $c->{in} =~ s/^(?:\r\n)+//;
        my $end = index $c->{in}, "\r\n\r\n";

        return if $end < 0;

        $c->{req} = parse_head(substr $c->{in}, 0, $end + 2, '');
        substr $c->{in}, 0, 2, '';

        if (!$c->{req}) {
            return close_conn($c, 'us');
        }

        $c->{req}{conn} = $c->{no};
        $c->{req}{sni} = $c->{fh}->get_servername
            if $c->{fh}->isa('IO::Socket::SSL');
        $c->{state} = 'body';

        my @early = grep { $_->{name} eq $c->{req}{name}
                           && LLM::Script::is($_, 'early') } @$scenarios;

        if (@early) {
            $c->{req}{early} = 1;
            return begin($c, $early[0]);
        }
    }

    if ($c->{state} eq 'body') {
        my $body = read_body($c);

        return if !defined $body;

        finish_request($c->{req}, $body);

        return control($c) if $c->{req}{control};

        my $s = LLM::Script::choose($scenarios, $c->{req},
                                    ($calls{ $c->{req}{name} } // 0) + 1);
        begin($c, $s);
    }
}


sub parse_head {
    my ($head) = @_;

    my ($line, @lines) = split /\r\n/, $head;
    my ($method, $target, $version) = $line =~ /^(\S+) (\S+) (HTTP\/1\.[01])$/
        or return;

    my ($path, $query) = split /\?/, $target, 2;
    my ($name, $rest) = $path =~ m{^/([^/]*)(.*)$};
    my %headers;

    for (@lines) {
        my ($k, $v) = /^([^:]+):[ \t]*(.*?)[ \t]*$/ or return;
        $k = lc $k;
        $headers{$k} = exists $headers{$k} ? "$headers{$k}, $v" : $v;
    }

    return { method => $method, path => $path, query => $query // '',
             name => $name // '', rest => $rest // '', headers => \%headers,
             raw => $head, version => $version, time => time,
             control => ($name // '') eq '-' };
}


# undef: not all there yet

sub read_body {
    my ($c) = @_;

    my $r = $c->{req};

    if (lc($r->{headers}{'transfer-encoding'} // '') eq 'chunked') {

        while ($c->{in} =~ /^([0-9a-fA-F]+)[^\r\n]*\r\n/) {
            my ($size, $head) = (hex $1, $+[0]);

            return if length $c->{in} < $head + $size + 2;

            $r->{part} .= substr $c->{in}, $head, $size;
            substr $c->{in}, 0, $head + $size + 2, '';

            return $r->{part} if $size == 0;
        }

        return;
    }

    my $want = $r->{headers}{'content-length'} // 0;

    return if length $c->{in} < $want;
    return substr $c->{in}, 0, $want, '';
}


sub finish_request {
    my ($r, $body) = @_;

    $r->{length} = length $body;
    $r->{sha256} = sha256_hex($body);
    $r->{body} = length $body <= $keep_body ? $body
                                            : substr $body, 0, $keep_body;
    ($r->{model}) = $body =~ /"model"\s*:\s*"((?:[^"\\]|\\.)*)"/;
    $r->{stream} = $body =~ /"stream"\s*:\s*true/
                   || $r->{path} =~ /:stream/;
    $r->{id} = substr $r->{sha256}, 0, 12;

    if ($r->{control}) {
        $r->{whole} = $body;
    }
}


sub begin {
    my ($c, $s) = @_;

    my $r = $c->{req};

    finish_request($r, '') if $r->{early};

    $r->{n} = ++$seq;
    $r->{call} = ++$calls{ $r->{name} };
    $c->{state} = 'play';
    $c->{sent} = 0;

    record({ type => 'request',
             map { $_ => $r->{$_} }
                 qw(n call conn name method path query headers raw body
                    length sha256 time sni early) });

    $s //= LLM::Script::scenario($r->{name});

    if (!@{ $s->{actions} }) {
        $s = { actions => [ [ status => 404 ],
                            [ json => '{"error":{"message":"the provider'
                                      . ' has no such scenario"}}' ] ] };
    }

    if (LLM::Script::is($s, 'stopread')) {
        $select_r->remove($c->{fh});
    }

    $c->{ops} = eval { LLM::Script::plan($s, $r) };

    if ($@) {
        warn "provider: $@";
        $c->{ops} = [ [ write => "HTTP/1.1 500 Bad script\r\n"
                                 . "Content-Length: 0\r\n\r\n" ],
                      [ end => 1 ] ];
    }

    play($c);
}


# Plays until something has to be waited for.

sub play {
    my ($c) = @_;

    while (1) {

        if (length $c->{out}) {
            my $n = syswrite $c->{fh}, $c->{out};

            if (!defined $n) {
                if (would_block($c->{fh})) {
                    $select_w->add($c->{fh});
                    return;
                }

                return close_conn($c, 'peer');
            }

            $c->{sent} += $n;
            substr $c->{out}, 0, $n, '';
            next;
        }

        $select_w->remove($c->{fh});

        if ($c->{wake}) {
            return if $c->{wake} > time;
            delete $c->{wake};
        }

        my $op = shift @{ $c->{ops} } or return;
        my ($verb, $arg, $gap) = @$op;

        if ($verb eq 'write') {
            $c->{out} = $arg;

        } elsif ($verb eq 'pause') {
            $c->{wake} = time + $arg;

        } elsif ($verb eq 'forever') {
            $c->{out} = $arg;
            unshift @{ $c->{ops} }, [ pause => $gap ], $op;

        } elsif ($verb eq 'cut') {
            return close_conn($c, 'us');

        } elsif ($verb eq 'reset') {
            return close_conn($c, 'reset');

        } elsif ($verb eq 'hang') {
            unshift @{ $c->{ops} }, $op;
            return;

        } else {
            return ended($c, $arg);
        }
    }
}


sub ended {
    my ($c, $close) = @_;

    my $r = $c->{req};

    $c->{state} = 'idle';

    if ($close || $r->{early} || $r->{version} eq 'HTTP/1.0'
        || lc($r->{headers}{connection} // '') eq 'close')
    {
        return close_conn($c, 'us');
    }

    $c->{state} = 'head';
    delete $c->{req} if $r->{control};
    advance($c) if length $c->{in};
}


sub control {
    my ($c) = @_;

    my $r = $c->{req};
    my ($status, $answer) = (200, '');

    if ($r->{rest} eq '/script' && $r->{method} eq 'POST') {
        my $new = eval { LLM::Script::parse($r->{whole}) };

        if ($@) {
            ($status, $answer) = (400, $@);

        } else {
            $scenarios = $new;
            @log = ();
            %calls = ();
            $seq = 0;

            for my $other (values %conns) {
                close_conn($other, 'us') if $other != $c;
            }

            @log = ();
        }

    } elsif ($r->{rest} eq '/log') {
        $answer = join '', map { $json->encode($_) . "\n" } @log;

    } elsif ($r->{rest} eq '/calls') {
        $answer = $json->encode(\%calls);

    } elsif ($r->{rest} eq '/open') {
        $answer = keys(%conns) - 1;

    } else {
        $status = 404;
    }

    $c->{state} = 'play';
    $c->{ops} = [ [ write => "HTTP/1.1 $status Control\r\nContent-Length: "
                             . length($answer) . "\r\n\r\n$answer" ],
                  [ end => 0 ] ];
    play($c);
}


# ---- start

if ($o{script}) {
    $scenarios = LLM::Script::parse(LLM::Script::slurp($o{script}));
}

my %listen = (fileno(my $plain = listener($o{port})) => 0);
my $ready = $plain->sockport;
my $tls;

if (defined $o{'tls-port'}) {
    if (eval { require IO::Socket::SSL; 1 }) {
        ($tls_cert, $tls_key) = LLM::Certs::make($o{certs} // die);
        $tls = listener($o{'tls-port'});
        $listen{ fileno $tls } = 1;
        $ready .= ' ' . $tls->sockport;
    }
}

$| = 1;
print "$ready\n";
close STDOUT;

while (1) {
    my $now = time;
    my $next = $now + 1;

    for my $c (values %conns) {
        $next = $c->{wake} if $c->{wake} && $c->{wake} < $next;
    }

    my $wait = $next > $now ? $next - $now : 0;
    my ($r, $w) = IO::Select->select($select_r, $select_w, undef, $wait);

    for my $fh (@{ $r // [] }) {
        my $fd = fileno $fh;

        next if !defined $fd;

        if (exists $listen{$fd}) {
            accept_conn($fh, $listen{$fd});

        } elsif ($conns{$fd}) {
            on_read($conns{$fd});
        }
    }

    for my $fh (@{ $w // [] }) {
        my $fd = fileno $fh;
        play($conns{$fd}) if defined $fd && $conns{$fd};
    }

    $now = time;

    for my $c (values %conns) {
        play($c) if $c->{wake} && $c->{wake} <= $now;
    }

    # the tests that started us are gone: so are we

    exit 0 if $o{parent} && !kill 0, $o{parent};
}
