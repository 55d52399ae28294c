#!/usr/bin/perl

# Thousands of keys and hundreds of models load in well under a second, and
# twice as many take about twice as long: nothing is quadratic.

use strict;
use warnings;

use Cwd qw(abs_path);
use Digest::SHA qw(sha256_hex);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More tests => 4;

my $root = abs_path(dirname(__FILE__) . '/..');
my $nginx = $ENV{TEST_NGINX_BINARY} || '/usr/sbin/nginx';
my $module = $ENV{TEST_NGINX_LOAD_MODULES}
             || "$root/build/ngx_llm_gateway_module.so";
my $dir = tempdir(CLEANUP => 1);

make_path("$dir/logs");

my $once = seconds(500, 5000);
my $twice = seconds(1000, 10000);

# sanitizers and valgrind have their own idea of time

my $slack = $ENV{TEST_NGINX_USE_VALGRIND} || $ENV{ASAN_OPTIONS} ? 20 : 1;

cmp_ok($once, '<', 0.5 * $slack, 'a big configuration loads at once');
cmp_ok($twice, '<', 3 * $once + 0.05, 'twice the size, about twice the time');


# The least CPU time of three "nginx -t" with so many models and keys.

sub seconds {
    my ($models, $keys) = @_;

    open my $fh, '>', "$dir/nginx.conf" or die "nginx.conf: $!";
    print $fh config($models, $keys);
    close $fh;

    my ($least, $ok) = (1e9, 1);

    for (1 .. 3) {
        my $before = (times)[2] + (times)[3];

        system("$nginx -t -p $dir/ -c $dir/nginx.conf 2> $dir/said") == 0
            or $ok = 0;

        my $spent = (times)[2] + (times)[3] - $before;

        $least = $spent if $spent < $least;
    }

    ok($ok, "$models models and $keys keys") or diag(qx(tail -3 $dir/said));

    return $least;
}


sub config {
    my ($models, $keys) = @_;

    my $text = "load_module $module;\npid $dir/pid;\n"
               . "error_log $dir/logs/error.log;\nevents { }\nhttp {\n";

    for my $i (0 .. 99) {
        my $port = 2000 + $i;

        $text .= "llm_provider p$i { protocol openai; api_key key-$i;"
                 . " pass https://127.0.0.1:$port/v1; tls_verify off; }\n";
    }

    for my $i (1 .. $models) {
        my ($one, $two) = ($i % 100, ($i + 1) % 100);

        $text .= "llm_model model-$i {\n"
                 . "  alias latest-$i vendor/model-$i family-$i-*;\n"
                 . "  route p$one model=gpt weight=3;\n"
                 . "  route p$two model=gpt priority=2;\n"
                 . "  price input=2.50 output=10;\n}\n";
    }

    for my $i (1 .. $keys) {
        my ($old, $new) = (sha256_hex("old $i"), sha256_hex("new $i"));

        $text .= "llm_key key-$i {\n"
                 . "  secret sha256:$new;\n"
                 . "  secret sha256:$old until=2031-12-31;\n"
                 . "  owner owner-$i; models model-* family-*;\n}\n";
    }

    return "$text}\n";
}
