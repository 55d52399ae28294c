package LLM::Nginx;

# An nginx of a test's own, for what the one of Test::Nginx cannot be put
# through: restarts, killed workers, a second host.
#
#   my $n = LLM::Nginx->new(http => '...', config => '...', workers => 2,
#                           connections => 1000);
#   $n->port  $n->dir  $n->error_log  $n->workers (their pids)
#   $n->reload(http => '...')   $n->reopen   $n->quit   $n->start
#
# quit() and the end of the object wait for all its processes; quit('KILL')
# kills every one of them at once, as when a host dies.  A directory goes with
# the object that made it.

use strict;
use warnings;

use File::Temp ();
use IO::Socket::INET;
use Time::HiRes qw(sleep);

use LLM::Port;
use LLM::Provider;

our %Running;


sub new {
    my ($class, %o) = @_;

    my $self = bless { workers => 1, connections => 256, http => '',
                       config => '', main => '', %o, owner => $$ }, $class;

    $self->{dir} = File::Temp::tempdir('llm-nginx-XXXXXX', TMPDIR => 1);
    chmod 0755, $self->{dir};
    mkdir "$self->{dir}/logs" or die "$self->{dir}/logs: $!\n";

    $self->{port} = LLM::Port::take();

    return $self->start;
}


sub port { return $_[0]{port} }
sub dir { return $_[0]{dir} }
sub pid { return $_[0]{pid} }
sub usage_file { return "$_[0]{dir}/logs/usage.jsonl" }


sub write_conf {
    my ($self) = @_;

    my $text = <<"_EOC_";
load_module $ENV{TEST_NGINX_LOAD_MODULES};
worker_processes $self->{workers};
error_log logs/error.log info;
pid logs/nginx.pid;
daemon off;
$self->{main}

events {
    worker_connections $self->{connections};
}

http {
    access_log off;
    keepalive_timeout 68;

    client_body_temp_path  body;
    proxy_temp_path        proxy;
    fastcgi_temp_path      fastcgi;
    uwsgi_temp_path        uwsgi;
    scgi_temp_path         scgi;

$self->{http}
    server {
        listen 127.0.0.1:$self->{port};

$self->{config}
    }
}
_EOC_

    $text =~ s/\$(TEST_NGINX_PROVIDER_\w+)/$ENV{$1}/g;
    $text =~ s/\$DIR\b/$self->{dir}/g;

    open my $fh, '>', "$self->{dir}/nginx.conf" or die "nginx.conf: $!\n";
    print $fh $text;
    close $fh or die "nginx.conf: $!\n";
}


sub start {
    my ($self) = @_;

    $self->write_conf;

    my $pid = fork // die "fork: $!\n";

    if ($pid == 0) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>>', "$self->{dir}/logs/stderr.log";
        exec $ENV{TEST_NGINX_BINARY}, '-p', $self->{dir}, '-c', 'nginx.conf';
        exit 127;
    }

    $self->{pid} = $pid;
    $Running{$pid} = $self->{owner};

    LLM::Provider::wait_for(10, sub { $self->answers })
        or die "nginx did not start: " . $self->error_log;

    return $self;
}


sub answers {
    my ($self) = @_;

    return IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                 PeerPort => $self->{port},
                                 Proto => 'tcp', Timeout => 1);
}


# Worker processes, those that are leaving not counted.

# a worker has its title only a moment after it was born

sub workers {
    my ($self) = @_;

    for (1 .. 100) {
        my @pids = $self->titled;
        return @pids if @pids;
        select undef, undef, undef, 0.02;
    }

    return;
}


sub titled {
    my ($self) = @_;

    my @pids;

    for my $pid (children($self->{pid})) {
        open my $fh, '<', "/proc/$pid/cmdline" or next;
        push @pids, $pid if (<$fh> // '') =~ /worker process(?! is shutting)/;
    }

    return sort { $a <=> $b } @pids;
}


# State and parent of a process; nothing if there is none, or nothing left of
# it but its exit status.

sub status {
    my ($pid) = @_;

    open my $fh, '<', "/proc/$pid/stat" or return;
    my ($state, $parent) = (scalar <$fh> // '') =~ /^\d+ \(.*\) (\S) (\d+)/s
        or return;

    return $state eq 'Z' ? () : ($state, $parent);
}


sub children {
    my ($of) = @_;

    return grep { ((status($_))[1] // 0) == $of }
           map { m{^/proc/(\d+)$} } glob '/proc/[0-9]*';
}


sub signal {
    my ($self, $name) = @_;

    kill $name => $self->{pid} or die "kill: $!\n";
}


# New workers have come and the old ones are on their way out.

sub reload {
    my ($self, %o) = @_;

    my %old = map { $_ => 1 } $self->workers;

    $self->{$_} = $o{$_} for keys %o;
    $self->write_conf;
    $self->signal('HUP');

    LLM::Provider::wait_for(10, sub {
        my @now = $self->workers;
        return @now == $self->{workers} && !grep { $old{$_} } @now;
    }) or die "nginx did not reload: " . $self->error_log;
}


sub reopen { $_[0]->signal('USR1') }


sub quit {
    my ($self, $signal) = @_;

    return unless $self->{pid};

    end(delete $self->{pid}, $signal // 'QUIT');
}


# A master that is killed leaves its workers behind, with their listening
# sockets, and so does one that dies by itself.

sub end {
    my ($pid, $signal) = @_;

    # one that is stopped makes no more of them

    if ($signal eq 'KILL') {
        kill STOP => $pid;
        LLM::Provider::wait_for(1, sub { ((status($pid))[0] // 'T') eq 'T' });
    }

    my @workers = children($pid);

    kill STOP => @workers if $signal eq 'KILL';
    kill $signal => $pid;
    kill KILL => @workers if $signal eq 'KILL';

    waitpid $pid, 0;
    delete $Running{$pid};

    my $left = sub { grep { status($_) } @workers };

    LLM::Provider::wait_for(5, sub { !$left->() })
        or kill KILL => $left->();
}


sub error_log {
    my ($self) = @_;

    local $/;
    open my $fh, '<', "$self->{dir}/logs/error.log" or return '';
    return scalar(<$fh>) // '';
}


sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$;

    local ($?, $!, $@);

    $self->quit('TERM');
    system 'rm', '-rf', $self->{dir} if $self->{dir} =~ /llm-nginx-/;
}


END {
    local $?;

    end($_, 'TERM') for grep { $Running{$_} == $$ } keys %Running;
}


1;
