package LLM::Client;

# A client that plays a script, for what no library does: one that sends
# slowly, reads slowly, leaves, or speaks rubbish.  A line is a step:
#
#   send TEXT          with \r \n \t \0 \xHH \\ as escapes
#   fill N CHAR        sends CHAR N times
#   slow N MS          from here on send N bytes at a time, MS apart
#   pause MS
#   until REGEX        reads until all that was read matches
#   read N             reads N bytes more
#   drip N MS          reads to the end, N bytes at a time, MS apart
#   end                reads to the end
#   shutdown           sends no more, but reads
#   close, reset       leaves
#   open               a new connection (the first is opened by itself)
#
# run() returns all that was read; a step that waits longer than the
# timeout ends the script with a line of its own.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER SO_RCVBUF);
use Time::HiRes qw(sleep time);

use LLM::Script;


sub run {
    my ($port, $script, $timeout) = @_;

    local $SIG{PIPE} = 'IGNORE';

    my ($s, $slow, $got, $ended) = (connection($port), undef, '', 0);

    my $more = sub {
        my ($n, $until) = @_;

        return 0 if $ended;

        if (!IO::Select->new($s)->can_read($until - time)) {
            $got .= "\n[client: nothing to read in time]\n";
            return $ended = 1, 0;
        }

        my $r = sysread $s, $got, $n, length $got;
        $ended = 1 if !$r;
        return $r // 0;
    };

    my $put = sub {
        my ($bytes) = @_;
        my $step = $slow ? $slow->[0] : 65536;

        for (my $at = 0; $at < length $bytes; $at += $step) {
            syswrite $s, substr($bytes, $at, $step) or return;
            sleep $slow->[1] / 1000 if $slow;
        }
    };

    for my $line (split /\n/, $script) {
        next if $line =~ /^\s*(?:#.*)?$/;

        my ($verb, $rest) = $line =~ /^\s*(\w+)(?:\s(.*))?$/s;
        $rest //= '';

        my $until = time + $timeout;

        if ($verb eq 'send') {
            $put->(LLM::Script::unescape($rest));

        } elsif ($verb eq 'fill') {
            my ($n, $char) = split ' ', $rest;
            $put->($char x $n);

        } elsif ($verb eq 'slow') {
            $slow = [ split ' ', $rest ];

        } elsif ($verb eq 'pause') {
            sleep $rest / 1000;

        } elsif ($verb eq 'until') {
            while ($got !~ /$rest/ && $more->(65536, $until)) { }

        } elsif ($verb eq 'read') {
            my $want = length($got) + $rest;
            while (length $got < $want
                   && $more->($want - length $got, $until)) { }

        } elsif ($verb eq 'end') {
            while ($more->(65536, $until)) { }

        } elsif ($verb eq 'drip') {
            my ($n, $ms) = split ' ', $rest;
            while ($more->($n, time + $timeout)) { sleep $ms / 1000 }

        } elsif ($verb eq 'shutdown') {
            shutdown $s, 1;

        } elsif ($verb eq 'close' || $verb eq 'reset') {
            setsockopt $s, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0
                if $verb eq 'reset';
            close $s;

        } elsif ($verb eq 'open') {
            $s = connection($port);
            $ended = 0;

        } else {
            die "client: unknown step \"$verb\"\n";
        }
    }

    close $s;
    return $got;
}


sub connection {
    my ($port) = @_;

    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port,
                                 Proto => 'tcp', Timeout => 5)
           || die "client: cannot connect: $@\n";
}


1;
