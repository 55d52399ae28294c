package LLM::Steps;

# "steps" of a block: Perl that runs in place of a request, for what needs
# one answer to ask the next question.  In it:
#
#   ask(METHOD, PATH, BODY, %o)   an answer: status, headers, content, json
#   post(PATH, BODY, %o)          BODY: text, or a reference sent as JSON
#   get(PATH, %o)
#       key => 'sk-test' (undef: none), headers => {}, type => '...',
#       port => N
#   holds(ANSWER or DOCUMENT, 'path=value ...', NAME)
#   sent()                        requests that the provider got
#   records(N, FILE)              usage records of this block, N awaited
#   record_lines(N, FILE)         the same as text
#   nginx(...)                    an nginx of its own: see LLM::Nginx
#   quiet(NGINX)                  its error log has nothing grave
#
# and Test::More; names of tests get that of the block before them.

use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP ();
use Test::More ();
use Time::HiRes qw(sleep time);

use LLM::Json;
use LLM::Nginx;
use LLM::Provider;

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

our ($Block, $Before);


sub run {
    my ($block, $idx, $before) = @_;

    ($Block, $Before) = ($block->name, $before);

    my $code = $block->steps;

    $code =~ s/\$(TEST_NGINX_\w+)/$ENV{$1}/g;

    # $code is a test of the project

    my $done = eval "package LLM::Steps; no strict; $code; 1";

    Test::More::fail("$Block - $@") if !$done;

    &Test::Nginx::Socket::check_error_log($block, undef, 0, $idx, 0);
}


sub ok ($;$) { Test::More::ok($_[0], "$Block - " . ($_[1] // 'ok')) }
sub is ($$;$) { Test::More::is($_[0], $_[1], "$Block - " . ($_[2] // 'is')) }

sub isnt ($$;$) {
    Test::More::isnt($_[0], $_[1], "$Block - " . ($_[2] // 'is not'));
}

sub like ($$;$) {
    Test::More::like($_[0], $_[1], "$Block - " . ($_[2] // 'like'));
}

sub unlike ($$;$) {
    Test::More::unlike($_[0], $_[1], "$Block - " . ($_[2] // 'unlike'));
}

sub diag { Test::More::diag(@_) }


sub ask {
    my ($method, $path, $body, %o) = @_;

    my $port = $o{port} // $Test::Nginx::Util::ServerPort;
    my $key = exists $o{key} ? $o{key} : 'sk-test';
    my %headers = %{ $o{headers} // {} };

    $headers{Authorization} = "Bearer $key" if defined $key;

    if (defined $body) {
        $body = $json->encode($body) if ref $body;
        $headers{'Content-Type'} = $o{type} // 'application/json';
    }

    my $r = HTTP::Tiny->new(timeout => $o{timeout} // 10, keep_alive => 0,
                            max_redirect => 0)
        ->request($method, "http://127.0.0.1:$port$path",
                  { headers => \%headers,
                    defined $body ? (content => $body) : () });

    $r->{json} = eval { $json->decode($r->{content}) };

    return $r;
}


sub post {
    my ($path, $body, %o) = @_;
    return ask('POST', $path, $body, %o);
}


sub get {
    my ($path, %o) = @_;
    return ask('GET', $path, undef, %o);
}


sub holds {
    my ($what, $spec, $name) = @_;

    my $doc = ref $what eq 'HASH' && exists $what->{content}
                  && exists $what->{reason} ? $what->{json} : $what;
    my @bad = LLM::Json::fails($spec, [ $doc ]);

    Test::More::ok(!@bad, "$Block - " . ($name // $spec))
        or Test::More::diag(join("\n", @bad, ref $what && $what->{content}
                                             ? $what->{content} : ()));
}


sub sent {
    return LLM::Provider::requests();
}


# A file's lines; none if it is not there.

sub lines {
    my ($file) = @_;
    my @lines;

    if (open my $fh, '<:raw', $file) {
        @lines = <$fh>;
    }

    return @lines;
}


# The records of this block as they were written; N of them are awaited.

sub record_lines {
    my ($n, $file) = @_;

    my $skip = defined $file ? 0 : $Before;
    my @lines;

    $file //= $ENV{TEST_NGINX_USAGE_LOG};

    LLM::Provider::wait_for(3, sub {
        @lines = lines($file);
        splice @lines, 0, $skip;
        return !defined $n || @lines >= $n;
    });

    if (defined $n) {

        # one too many would come with the next flush

        sleep 0.03;
        @lines = lines($file);
        splice @lines, 0, $skip;

        Test::More::is(scalar @lines, $n, "$Block - usage records");
    }

    return @lines;
}


sub records {
    return map { eval { $json->decode($_) } // { broken => $_ } }
               record_lines(@_);
}


sub nginx {
    return LLM::Nginx->new(@_);
}


sub quiet {
    my ($n) = @_;

    unlike($n->error_log, qr/\[(?:alert|crit|emerg)\]/, 'a quiet error log');
}


sub wait_for { return LLM::Provider::wait_for(@_) }


1;
