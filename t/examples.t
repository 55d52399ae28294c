#!/usr/bin/perl

# Every file in conf-examples/ is a whole nginx.conf that "nginx -t" accepts,
# with nothing left out.  What an example expects of a machine is made up in
# a directory of the test's own: keys, certificates, environment, and names
# of providers, which nginx would look up, become loopback addresses.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;

my $root = abs_path(dirname(__FILE__) . '/..');
my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';
my $module = $ENV{LLM_MODULE} || "$root/build/ngx_llm_gateway_module.so";

$ENV{PATH} .= ':/usr/sbin:/sbin';

my @wanted = qw(quickstart openai anthropic gemini multi-provider
                staging-production claude-code classes keys);
my @found = map { basename($_, '.conf') } glob("$root/conf-examples/*.conf");

BAIL_OUT("$module is not built") unless -f $module;

for my $name (@wanted) {
    ok((grep { $_ eq $name } @found), "$name.conf is there");
}

my $dir = tempdir(CLEANUP => 1);

chmod 0755, $dir;
make_path(map { "$dir/$_" } qw(conf logs modules log llm tls run tmp));
symlink($module, "$dir/modules/ngx_llm_gateway_module.so")
    or die "symlink: $!";

certificate();
put("$dir/conf/prices.json", get("$root/conf-examples/prices.json"));

for my $name (@found) {
    my $conf = localize(get("$root/conf-examples/$name.conf"));
    my ($ok, $out) = check($name, $conf);

    ok($ok, "nginx -t takes $name.conf") or diag($out);
    unlike($out, qr/\[(?:warn|error|crit|alert|emerg)\]/,
           "$name.conf gives no warnings");

    # the check above must be able to fail, and to say where

    (my $broken = $conf) =~ s/^(\s+route\s+)[^\s;]+/$1no-such-provider/m
        or die "$name.conf has no route";

    ($ok, $out) = check($name, $broken);
    ok(!$ok, "nginx -t refuses $name.conf with an unknown provider");
    like($out, qr/no-such-provider.*$name\.conf:\d+/s,
         "and names it, with file and line");
}

done_testing();


sub check {
    my ($name, $conf) = @_;

    put("$dir/conf/$name.conf", $conf);

    my @env = map { "$_=dummy-of-$_" } $conf =~ /\benv:(\w+)/g;

    open(my $fh, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', 'env', @env,
         $nginx, '-t', '-p', "$dir/", '-e', 'stderr',
         '-c', "$dir/conf/$name.conf")
        or die "nginx: $!";

    my $out = do { local $/; <$fh> };
    close($fh);

    return ($? == 0, $out);
}


# what a machine of its own would have at these places

sub localize {
    my ($conf) = @_;

    for my $key ($conf =~ m{\bfile:/etc/nginx/(\S+?);}g) {
        put("$dir/$key", "dummy-of-$key\n");
        chmod(0600, "$dir/$key");
    }

    $conf =~ s{/etc/nginx/tls/\S+\.pem}{$dir/tls/cert.pem}g;
    $conf =~ s{/etc/nginx/tls/\S+\.key}{$dir/tls/cert.key}g;
    $conf =~ s{/etc/nginx/}{$dir/}g;
    $conf =~ s{/var/log/nginx/}{$dir/log/}g;
    $conf =~ s{/run/nginx\.pid}{$dir/run/nginx.pid};

    # without root, "user" is warned of, and low ports are not to be had

    $conf =~ s{^user\s.*$}{}m if $> != 0;
    $conf =~ s{^(\s+listen\s+)(?:127\.0\.0\.1:)?(\d+)}
              {$1 . '127.0.0.1:' . (20000 + $2)}gme;

    # servers of upstream blocks: the only names that nginx looks up

    $conf =~ s{^(\s+server\s+)[\w.-]+:(\d+)}{${1}127.0.0.1:$2}gm;

    unless ($conf =~ /temp_path/) {
        my $paths = join '', map { "    ${_}_temp_path $dir/tmp/$_;\n" }
                    qw(client_body proxy fastcgi uwsgi scgi);
        $conf =~ s/^http \{\n/http {\n$paths/m;
    }

    return $conf;
}


sub certificate {
    my $rc = system('openssl req -x509 -newkey rsa:2048 -nodes -days 2'
                    . " -subj /CN=localhost -keyout $dir/tls/cert.key"
                    . " -out $dir/tls/cert.pem > $dir/log/openssl 2>&1");
    $rc == 0 or BAIL_OUT('openssl made no certificate');
}


sub get {
    my ($path) = @_;

    open(my $fh, '<', $path) or die "$path: $!";
    local $/;
    my $text = <$fh>;
    close($fh);

    return $text;
}


sub put {
    my ($path, $text) = @_;

    open(my $fh, '>', $path) or die "$path: $!";
    print $fh $text;
    close($fh) or die "$path: $!";
}
