package LLM::Http2;

# As much of HTTP/2 as a test of concurrent streams needs: requests by prior
# knowledge, in literals of HPACK, and the ends of their answers.
#
#   my $h = LLM::Http2->new($port);
#   my $id = $h->post($path, $body, authorization => 'Bearer sk-test');
#   $h->reset($id);
#   $h->wait(@ids);                 # or until a second without a frame
#   $h->ended($id)  $h->body($id)

use strict;
use warnings;

use IO::Select;

use LLM::Client;


sub new {
    my ($class, $port) = @_;

    my $self = bless { s => LLM::Client::connection($port), in => '',
                       next => 1, body => {}, ended => {} }, $class;

    syswrite $self->{s}, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                         . frame(4, 0, 0, '');
    return $self;
}


sub frame {
    my ($type, $flags, $id, $payload) = @_;

    return substr(pack('N', length $payload), 1)
           . pack('CCN', $type, $flags, $id) . $payload;
}


# A literal that is not indexed, names and values below 127 bytes.

sub literal {
    my ($name, $value) = @_;

    return "\0" . chr(length $name) . $name . chr(length $value) . $value;
}


sub post {
    my ($self, $path, $body, @headers) = @_;

    my $id = $self->{next};
    my $block = '';

    $self->{next} += 2;
    unshift @headers, ':method' => 'POST', ':scheme' => 'http',
                      ':authority' => 'a', ':path' => $path,
                      'content-length' => length $body;

    while (my ($name, $value) = splice @headers, 0, 2) {
        $block .= literal($name, $value);
    }

    syswrite $self->{s}, frame(1, 4, $id, $block) . frame(0, 1, $id, $body);
    return $id;
}


sub reset {
    my ($self, $id) = @_;

    syswrite $self->{s}, frame(3, 0, $id, pack 'N', 8);
}


sub wait {
    my ($self, @ids) = @_;

    while (grep { !$self->{ended}{$_} } @ids) {
        last if !IO::Select->new($self->{s})->can_read(5);
        last if !sysread $self->{s}, $self->{in}, 65536, length $self->{in};

        while (length $self->{in} >= 9) {
            my ($high, $low, $type, $flags, $id)
                = unpack 'CnCCN', $self->{in};
            my $size = $high * 65536 + $low;

            last if length $self->{in} < 9 + $size;

            my $payload = substr $self->{in}, 9, $size;

            substr $self->{in}, 0, 9 + $size, '';

            $self->{body}{$id} .= $payload if $type == 0;
            $self->{ended}{$id} = 'end' if $type < 2 && $flags & 1;
            $self->{ended}{$id} = 'reset' if $type == 3;
        }
    }
}


sub ended { return $_[0]{ended}{ $_[1] } // '' }
sub body { return $_[0]{body}{ $_[1] } // '' }


1;
