package LLM::Provider;

# Starts provider.pl for a test file, tells it what to play, and asks it
# what it saw.

use strict;
use warnings;

use Cwd ();
use File::Basename qw(dirname);
use File::Temp ();
use HTTP::Tiny;
use JSON::PP ();
use Time::HiRes qw(sleep time);

our ($Port, $TlsPort);

my ($pid, $owner, $dir);
my $http = HTTP::Tiny->new(timeout => 10);


sub start {
    $dir = File::Temp::tempdir('llm-provider-XXXXXX', TMPDIR => 1,
                               CLEANUP => 1);
    $owner = $$;

    my $program = dirname(Cwd::abs_path(__FILE__)) . '/../provider.pl';

    # its pipe is the only way to know the ports, and that it listens

    pipe my $out, my $in or die "pipe: $!\n";

    $pid = fork // die "fork: $!\n";

    if ($pid == 0) {
        open STDOUT, '>&', $in or die "dup: $!\n";
        exec $^X, $program, '--port=0', '--tls-port=0', "--certs=$dir",
             "--parent=$owner";
        die "cannot start $program: $!\n";
    }

    close $in;
    ($Port, $TlsPort) = split ' ', <$out> // '';
    die "the provider did not start\n" unless $Port;

    $ENV{TEST_NGINX_PROVIDER_PORT} = $Port;
    $ENV{TEST_NGINX_PROVIDER_TLS_PORT} = $TlsPort // 1;
    $ENV{TEST_NGINX_CA} = "$dir/ca.pem";
}


sub stop {
    return unless $pid && $owner == $$;

    local $?;

    kill TERM => $pid;
    waitpid $pid, 0;
    undef $pid;
}


END {
    stop();
}


sub ask {
    my ($method, $path, $content) = @_;

    my $r = $http->request($method, "http://127.0.0.1:$Port/-/$path",
                           { content => $content // '' });

    die "provider: $path: $r->{content}\n" unless $r->{success};
    return $r->{content};
}


sub play {
    my ($script) = @_;

    $script =~ s/\$(TEST_NGINX_\w+)/$ENV{$1} \/\/ die "no $1\n"/gex;

    ask(POST => 'script', $script);
}


sub log_records {
    return map { JSON::PP::decode_json($_) } split /\n/, ask(GET => 'log');
}


sub requests {
    return grep { $_->{type} eq 'request' } log_records();
}


# The requests as text, each with its head and body as they came.

sub requests_text {
    return join "\n\n", map { $_->{raw} . "\r\n" . $_->{body} } requests();
}


sub calls {
    return JSON::PP::decode_json(ask(GET => 'calls'));
}


# Waits until $what is true, for at most $seconds, and no less than ten: how
# long it takes is the machine's business.

sub wait_for {
    my ($seconds, $what) = @_;

    my $end = time + ($seconds < 10 ? 10 : $seconds);

    while (!$what->()) {
        return 0 if time > $end;
        sleep 0.01;
    }

    return 1;
}


# Connections that the gateway closed while an answer was being played.

sub left {
    return grep { $_->{type} eq 'close' && $_->{by} eq 'peer'
                  && $_->{playing} } log_records();
}


1;
