package LLM::Redis;

# A redis-server of a test's own, on a port and a socket of its own.
#
#   my $r = LLM::Redis->new(conf => "appendonly yes\n");
#   $r->port  $r->sock
#   $r->run('HGET', 'key', 'field')    what redis-cli prints
#   $r->field('key=k', 's')            of a subject's hash: the sum of fields
#                                      that begin so
#   $r->budget('key=k')                what its budgets have spent
#   $r->kill (-9)  $r->start  $r->stop (SIGSTOP)  $r->cont
#
# It goes with the object.  run() is of user, password and db, if given; mode
# => 'sentinel' makes a sentinel of it, tls => 1 has TLS on its port.
#
# Its suites have wait_until(), logged() and cluster() of it.

use strict;
use warnings;

use Exporter 'import';
use File::Temp ();
use Time::HiRes qw(sleep);

use LLM::Port;
use LLM::Provider;
use LLM::Steps ();

# the first byte of a budget's id: see llm_limit.h
my $BUDGET = 6;

our @EXPORT = qw(wait_until logged cluster);


# a check: what code says comes true within so many seconds, 10 without

sub wait_until {
    my ($what, $code, $seconds) = @_;
    LLM::Steps::ok(LLM::Provider::wait_for($seconds // 10, $code), $what);
}


# what the usage logs of these nginx sum up to, nano-dollars

sub logged {
    my $sum = 0;

    for my $n (@_) {
        for my $line (LLM::Steps::lines($n->usage_file)) {
            $sum += sprintf '%.0f', $1 * 1e9
                if $line =~ /"cost":"([\d.]+)"[^\]]*$/;
        }
    }

    return $sum;
}


# three servers that are a cluster, with these lines in their configuration

sub cluster {
    my ($conf) = @_;

    my @r = map { LLM::Redis->new(conf => "cluster-enabled yes\n"
                                  . "cluster-node-timeout 2000\n"
                                  . ($conf // '')) } 1 .. 3;

    open my $fh, '-|', 'redis-cli', '--cluster', 'create', '--cluster-yes',
         map { '127.0.0.1:' . $_->port } @r or die "redis-cli: $!\n";
    my $made = do { local $/; <$fh> };
    close $fh;

    LLM::Steps::like($made, qr/All 16384 slots covered/, 'a cluster');

    wait_until('it is whole', sub {
        3 == grep { $_->run('CLUSTER', 'INFO') =~ /cluster_state:ok/ } @r
    });

    return @r;
}


sub new {
    my ($class, %o) = @_;

    my $self = bless { conf => '', args => [], %o, owner => $$ }, $class;

    $self->{dir} = File::Temp::tempdir('llm-redis-XXXXXX', TMPDIR => 1,
                                       CLEANUP => 1);
    chmod 0755, $self->{dir};

    $self->{port} //= LLM::Port::take();

    return $self->start;
}


sub port { return $_[0]{port} }
sub sock { return "$_[0]{dir}/redis.sock" }
sub dir { return $_[0]{dir} }


sub start {
    my ($self) = @_;

    my $port = $self->{tls} ? 0 : $self->{port};
    my $certs = $ENV{TEST_NGINX_CA} =~ s{/[^/]*$}{}r;
    my $tls = !$self->{tls} ? '' : <<"_EOC_";
tls-port $self->{port}
tls-cert-file $certs/good.test.pem
tls-key-file $certs/good.test.key
tls-ca-cert-file $ENV{TEST_NGINX_CA}
tls-auth-clients no
_EOC_

    open my $fh, '>', "$self->{dir}/redis.conf" or die "redis.conf: $!\n";
    print $fh "bind 127.0.0.1\nport $port\ndir $self->{dir}\n",
              "logfile $self->{dir}/redis.log\n",
              $self->{mode} ? () : "save \"\"\nunixsocket " . $self->sock
                                   . "\nunixsocketperm 777\n",
              $tls, $self->{conf};
    close $fh or die "redis.conf: $!\n";

    my $pid = fork // die "fork: $!\n";

    if ($pid == 0) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec 'redis-server', "$self->{dir}/redis.conf",
             $self->{mode} ? "--$self->{mode}" : ();
        exit 127;
    }

    $self->{pid} = $pid;

    LLM::Provider::wait_for(10, sub {
        $self->run('PING') =~ /PONG|NOAUTH|NOPERM/
    }) or die "redis did not start\n";

    return $self;
}


sub cli {
    my ($self) = @_;

    return ('redis-cli',
            $self->{mode} ? ('-p', $self->{port}) : ('-s', $self->sock),
            '-n', $self->{db} // 0,
            $self->{user} ? ('--no-auth-warning', '--user', $self->{user},
                             '-a', $self->{password}) : ());
}


sub run {
    my ($self, @words) = @_;

    open my $fh, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', $self->cli, @words
        or die "redis-cli: $!\n";
    my $text = do { local $/; <$fh> } // '';
    close $fh;

    chomp $text;
    return $text;
}


# the first key that holds this subject, and not its leases

sub subject {
    my ($self, $id) = @_;

    my ($key) = grep { /\}:\Q$id\E$/ } split /\n/, $self->run('KEYS', '*');

    return $key;
}


sub field {
    my ($self, $id, $name) = @_;

    my $key = $self->subject($id) // return 0;
    my $all = $self->run('HGETALL', $key);
    my %h = split /\n/, $all =~ /^ERR|^MOVED/ ? "" : $all;
    my $sum = 0;

    $sum += $h{$_} for grep { /^\Q$name\E\d*$/ } keys %h;

    return $sum;
}


# what the subject's budgets have spent, nano-dollars

sub budget {
    my ($self, $id) = @_;

    my $key = $self->subject($id) // return 0;
    my $all = $self->run('HGETALL', $key);
    my %h = split /\n/, $all =~ /^ERR|^MOVED/ ? "" : $all;
    my ($sum, $kind) = (0);

    for my $id (map { /^s(\d+)$/ ? $1 : () } keys %h) {
        $sum += $h{"s$id"} if $id >> 56 == $BUDGET;
    }

    return $sum;
}


sub signal {
    my ($self, $signal) = @_;
    CORE::kill($signal, $self->{pid});
}

sub stop { $_[0]->signal('STOP') }
sub cont { $_[0]->signal('CONT') }


sub kill {
    my ($self) = @_;

    return if !$self->{pid};

    CORE::kill('KILL', $self->{pid});
    waitpid $self->{pid}, 0;
    undef $self->{pid};
}


sub DESTROY {
    my ($self) = @_;

    local ($?, $!);

    $self->kill if $self->{owner} == $$;
}


1;
