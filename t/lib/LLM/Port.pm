package LLM::Port;

# Ports for what a test starts, none of them taken twice on one machine.
#
#   my $port = LLM::Port::take();
#
# They lie below the range from which the kernel takes the ports of clients:
# a connection that nginx closed first keeps its port for a minute, and what
# is started anew on it for every block could not listen there.  Redis' bus
# (its port + 10000) stays below that range too.

use strict;
use warnings;

use File::Spec ();
use IO::Socket::INET;
use Socket qw(AF_UNIX SOCK_STREAM pack_sockaddr_un);

use constant { FIRST => 10000, LAST => 19999 };

my (@held, $root, $owner);


# A name of the abstract namespace stands for each port that is in use: it
# goes with the process, however that ends.

sub take {
    for (1 .. 1000) {
        my $port = FIRST + int rand(LAST - FIRST + 1);

        socket my $name, AF_UNIX, SOCK_STREAM, 0 or die "socket: $!\n";
        bind $name, pack_sockaddr_un("\0llm-port-$port") or next;

        my $s = IO::Socket::INET->new(LocalPort => $port, Proto => 'tcp',
                                      Listen => 1, ReuseAddr => 1)
            or next;

        close $s;
        push @held, $name;

        return $port;
    }

    die "no free port\n";
}


# Port and directory of Test::Nginx for this process, the directory gone at
# its end; TEST_NGINX_RANDOMIZE=0 leaves both to Test::Nginx.

sub server {
    return if ($ENV{TEST_NGINX_RANDOMIZE} // '') eq '0';

    my $port = take();

    $ENV{TEST_NGINX_RANDOMIZE} = 0;
    $ENV{TEST_NGINX_SERVER_PORT} = $port;
    $ENV{TEST_NGINX_SERVROOT} = $root
        = File::Spec->tmpdir . "/llm-servroot-$port";
    $owner = $$;
}


# compiled before Test::Nginx, so that this comes after its own end

END {
    if (defined $root && $owner == $$) {
        local $?;
        system 'rm', '-rf', $root;
    }
}


1;
