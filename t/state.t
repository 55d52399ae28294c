# llm_zone state=: what the zone holds survives restart, kill -9 and reload, and
# a journal that is damaged costs what is damaged.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;

use Time::HiRes qw(sleep);

repeat_each(1);
no_shuffle();

our $Admin = <<'_EOC_';
    location /v1 {
        llm_route;
    }

    location /llm/ {
        llm_admin token=plain:the-admin-token;
    }
_EOC_

our $Http = <<'_EOC_' . providers(a => '') . <<'_EOC_';
    llm_zone 8m state=$DIR/state;
_EOC_
    llm_model gpt-4o  { route a; price input=1 output=2; }
    llm_key fixed { secret plain:sk-test; models *; }
_EOC_

sub launch {
    my (%o) = @_;

    return LLM::Nginx->new(http => $Http, config => $Admin, workers => 2, %o);
}

sub admin {
    my ($n, $method, $path, $body) = @_;

    return LLM::Steps::ask($method, "/llm$path", $body, port => $n->port,
                           key => 'the-admin-token');
}

sub make {
    my ($n, @names) = @_;

    return map {
        admin($n, 'POST', '/keys', { name => $_, models => ['*'] })
            ->{json}{secret}
    } @names;
}

sub names {
    my ($n) = @_;

    return join ' ', grep { $_ ne 'fixed' } map { $_->{name} }
                     @{ admin($n, 'GET', '/keys?limit=1000')->{json}{keys} };
}

sub works {
    my ($n, $secret) = @_;

    return LLM::Steps::get('/v1/models', port => $n->port, key => $secret)
           ->{status} == 200 ? 1 : 0;
}

sub journal { return "$_[0]{dir}/state/llm.state" }

# a record is there as soon as its name can be read

sub written {
    my ($n, $text) = @_;

    return LLM::Provider::wait_for(5, sub { index(slurp(journal($n)), $text)
                                            >= 0 });
}

sub slurp {
    my ($file) = @_;

    local $/;
    open my $fh, '<:raw', $file or return '';
    return scalar(<$fh>) // '';
}

sub spit {
    my ($file, $text) = @_;

    open my $fh, '>:raw', $file or die "$file: $!\n";
    print $fh $text;
    close $fh or die "$file: $!\n";
}

sub aside {
    my ($n) = @_;

    return map { m{([^/]+)$} } glob journal($n) . '.[a-z]*.[0-9]*';
}

run_tests();

__DATA__

=== TEST 1: what was made is there after a restart, and what was removed is not
--- config
    location /t { return 200; }
--- steps
my $n = main::launch();
my ($a, $b) = main::make($n, 'a', 'b');

main::admin($n, 'PATCH', '/keys/a', { owner => 'acme' });
main::admin($n, 'DELETE', '/keys/b');

$n->quit;

my @st = stat main::journal($n);
is(sprintf('%o', $st[2] & 07777), '600', 'its file is for its user alone');
unlike(main::slurp(main::journal($n)), qr/\Q$a\E/, 'and holds no secret');

$n->start;

is(main::names($n), 'a', 'after quit');
holds(main::admin($n, 'GET', '/keys/a'), 'owner=acme');
is(main::works($n, $a) . main::works($n, $b), '10', 'so are its secrets');

main::make($n, 'c');
$n->quit('TERM');
$n->start;
is(main::names($n), 'a c', 'after stop');

quiet($n);



=== TEST 2: kill -9 of everything costs a second at most
--- config
    location /t { return 200; }
--- steps
my $n = main::launch(workers => 4);

for my $i (1 .. 3) {
    main::make($n, map { "k$i-$_" } 1 .. 5);
    sleep 1.1;
    $n->quit('KILL');
    $n->start;

    is(main::names($n),
       join(' ', map { my $k = $_; map { "k$k-$_" } 1 .. 5 } 1 .. $i),
       "all there after the murder $i");
}

ok(!main::aside($n), 'nothing was wrong with the journal');
unlike($n->error_log, qr/\[error\]/, 'nor told');



=== TEST 3: a killed writer is followed by another, which loses nothing
--- config
    location /t { return 200; }
--- steps
my $n = main::launch(workers => 3);
my %made;

# also while its new journal is on its way into place

for my $i (1 .. 12) {
    $made{"w$i"} = 1;
    main::make($n, "w$i");
    sleep 0.004 * $i;

    # whichever it is that writes

    my ($pid) = ($n->workers)[$i % 3];
    kill 'KILL', $pid;
    wait_for(5, sub { my @w = $n->workers; @w == 3
                                          && !grep { $_ == $pid } @w });
}

sleep 1.2;
unlike($n->error_log, qr/written by another nginx/, 'all of them are one nginx');
$n->quit('KILL');
$n->start;

is(main::names($n), join(' ', sort keys %made), 'all keys are there');
ok(!main::aside($n), 'nothing was wrong with the journal');



=== TEST 4: a reload neither loses nor reads anything
--- config
    location /t { return 200; }
--- steps
my $n = main::launch();
my ($a) = main::make($n, 'a');
main::written($n, '"created"');

my $log = length $n->error_log;
main::admin($n, 'DELETE', '/keys/a');
main::make($n, 'b');
$n->reload;

is(main::names($n), 'b', 'what the zone holds counts');
unlike(substr($n->error_log, $log), qr/records were loaded/,
       'the journal is not read');

for my $i (1 .. 3) {
    main::make($n, "r$i");
    $n->reload;
}

is(main::names($n), 'b r1 r2 r3', 'over and over');

sleep 1.1;
$n->quit('KILL');
$n->start;
is(main::names($n), 'b r1 r2 r3', 'new workers write it down');

# another size is another zone: it starts from the journal

sleep 1.1;
$n->reload(http => $::Http =~ s/8m/16m/r);
is(main::names($n), 'b r1 r2 r3', 'another size of the zone');
main::make($n, 's');
sleep 1.1;
$n->quit('KILL');
$n->start;
is(main::names($n), 'b r1 r2 r3 s', 'which is written down, too');

quiet($n);



=== TEST 5: nginx -t neither reads nor writes it
--- config
    location /t { return 200; }
--- steps
my $n = main::launch();
main::make($n, 'a');
main::written($n, '"created"');

my $before = main::slurp(main::journal($n));
my @before = stat main::journal($n);
my $out = `$ENV{TEST_NGINX_BINARY} -t -p $n->{dir} -c nginx.conf 2>&1`;
my @after = stat main::journal($n);

is($?, 0, "nginx -t: $out");
is("@after[1, 7, 9]", "@before[1, 7, 9]", 'the journal is as it was');

$n->quit;
main::spit(main::journal($n), 'garbage');
$out = `$ENV{TEST_NGINX_BINARY} -t -p $n->{dir} -c nginx.conf 2>&1`;
is(main::slurp(main::journal($n)), 'garbage', 'whatever it holds');
ok(!main::aside($n), 'nothing is set aside');



=== TEST 6: a second nginx with this directory does not start
--- config
    location /t { return 200; }
--- steps
my $n = main::launch();
main::make($n, 'a');

my $conf = main::slurp("$n->{dir}/nginx.conf");
my $port = LLM::Port::take();

$conf =~ s/127\.0\.0\.1:$n->{port}/127.0.0.1:$port/;
$conf =~ s{logs/}{logs/second-}g;
main::spit("$n->{dir}/second.conf", $conf);

my $out = `timeout 10 $ENV{TEST_NGINX_BINARY} -p $n->{dir} -c second.conf 2>&1`;

is($? >> 8, 1, 'refused');
like($out, qr/\[emerg\].*state directory ".*" is in use by another nginx/,
     'and says why');
is(main::names($n), 'a', 'the first one goes on');

# the lock goes with its holder, however that ends

main::written($n, '"created"');
sleep 1.1;
$n->quit('KILL');
$n->start;
is(main::names($n), 'a', 'a lock of the dead holds nobody');



=== TEST 7: a journal damaged anywhere keeps the records around the damage
--- config
    location /t { return 200; }
--- steps
my $n = main::launch();
main::make($n, map { "key-$_" } 1 .. 9);
$n->quit;

my $whole = main::slurp(main::journal($n));
my $at = index $whole, 'key-5';
my %damage = (
    'a bit in a value'  => sub { substr($_[0], $at + 60, 1) ^= "\x10" },
    'a bit in a length' => sub { substr($_[0], $at - 3, 1) ^= "\x01" },
    'a hole of zeros'   => sub { substr($_[0], $at - 12, 90) = "\0" x 90 },
    'bytes cut out'     => sub { substr($_[0], $at + 9, 33) = '' },
    'bytes put in'      => sub { substr($_[0], $at + 9, 0) = 'x' x 33 },
);

for my $what (sort keys %damage) {
    my $text = $whole;
    $damage{$what}->($text);
    main::spit(main::journal($n), $text);
    my $log = length $n->error_log;
    $n->start;

    is(main::names($n), join(' ', map { "key-$_" } 1 .. 4, 6 .. 9),
       "$what: the others are there");
    like(substr($n->error_log, $log),
         qr/\[error\].*was damaged in 1 places.*8 were loaded.*\.corrupt\./,
         'the error log says so');

    my @aside = main::aside($n);

    is(scalar @aside, 1, 'and where the file is now');
    is(main::slurp("$n->{dir}/state/$aside[0]"), $text, 'as it was');
    unlink "$n->{dir}/state/$aside[0]";

    $n->quit;
    $n->start;
    ok(!main::aside($n), 'the next start finds it whole');
    $n->quit;
}



=== TEST 8: no journal, none at all, and one of another version
--- config
    location /t { return 200; }
--- steps
my $n = main::launch();
main::make($n, 'a');
$n->quit;

my $whole = main::slurp(main::journal($n));
my %other = (
    'no journal'   => [ "hello\n" x 100, 'corrupt', qr/was damaged/ ],
    'an empty one' => [ '', 'corrupt', qr/was damaged/ ],
    'half a header' => [ substr($whole, 0, 9), 'corrupt', qr/was damaged/ ],
    'a version 0'  => [ "llmstate\0\0\0\0\xb9\xbe\x59\x2a", 'version',
                        qr/is of version 0, this is version 1/ ],
);

# a CRC of zlib's, so that the header is a good one

eval { require Compress::Zlib };
$other{'a version 0'}[0] = "llmstate\0\0\0\0"
    . pack('V', Compress::Zlib::crc32("llmstate\0\0\0\0"))
    . substr($whole, 16) if !$@;

for my $what (sort keys %other) {
    my ($text, $why, $said) = @{ $other{$what} };

    next if $what eq 'a version 0' && $@;

    main::spit(main::journal($n), $text);
    $n->start;

    is(main::names($n), '', "$what: nothing is there");
    like($n->error_log, qr/\[error\].*$said/, 'which is told');

    my ($aside) = main::aside($n);

    like($aside, qr/^llm\.state\.$why\.\d+$/, 'it is set aside');
    is(main::slurp("$n->{dir}/state/$aside"), $text, 'whole');
    unlink "$n->{dir}/state/$aside";

    main::make($n, 'new');
    $n->quit;
    $n->start;
    is(main::names($n), 'new', 'and a new one is kept');
    $n->quit;
}



=== TEST 9: a record that was being written when everything died is no damage
--- config
    location /t { return 200; }
--- steps
my $n = main::launch();
main::make($n, map { "key-$_" } 1 .. 3);
$n->quit;

my $whole = main::slurp(main::journal($n));
my $last = index($whole, 'key-3') - 12;

for my $cut ($last + 1, $last + 11, $last + 14, length($whole) - 1) {
    main::spit(main::journal($n), substr $whole, 0, $cut);
    my $log = length $n->error_log;
    $n->start;

    is(main::names($n), 'key-1 key-2', "cut at $cut");
    ok(!main::aside($n), 'nothing is set aside');
    unlike(substr($n->error_log, $log), qr/\[error\]/, 'no error');
    like(substr($n->error_log, $log), qr/not written to its end/, 'but told');
    $n->quit;
}



=== TEST 10: a new journal that was not finished is no journal
--- config
    location /t { return 200; }
--- steps
my $n = main::launch();
main::make($n, 'a');
$n->quit;

main::spit(main::journal($n) . '.new',
           substr main::slurp(main::journal($n)), 0, 40);
$n->start;

is(main::names($n), 'a', 'the old one counts');
main::make($n, 'b');
sleep 1.1;
$n->quit('KILL');
$n->start;
is(main::names($n), 'a b', 'and goes on');



=== TEST 11: much is written anew, and killed in the middle of it nothing is lost
--- config
    location /t { return 200; }
--- steps
my $n = main::launch();
my $long = join ',', map { sprintf '"%s"', $_ x 200 } 'a' .. 'm';

# some megabytes of changes to a few keys

main::make($n, map { "key-$_" } 1 .. 9);
my $largest = 0;

for my $round (1 .. 200) {
    main::admin($n, 'PATCH', '/keys/key-' . (1 + $round % 9),
                qq({"models": [$long], "owner": "o$round"}));

    my $size = -s main::journal($n);
    $largest = $size if $size > $largest;

    if ($round % 50 == 0) {
        sleep 1.1;
        $n->quit('KILL');
        $n->start;
        is(main::admin($n, 'GET', '/keys/key-' . (1 + $round % 9))
           ->{json}{owner}, "o$round", "the last change of round $round");
    }
}

ok($largest < 3e6, "it does not grow for ever: $largest bytes");
is(scalar split(' ', main::names($n)), 9, 'all there');
ok(!main::aside($n), 'nothing was wrong');



=== TEST 12: a directory that cannot be used is an error of nginx -t
--- config
    location /t { return 200; }
--- steps
my $n = main::launch();
$n->quit;

my $nginx = "$ENV{TEST_NGINX_BINARY} -t -p $n->{dir} -c nginx.conf 2>&1";
my $with = sub {
    local $n->{http} = $::Http =~ s/state=\S+;/state=$_[0]/r;
    $n->write_conf;
    return `$nginx`;
};

main::spit("$n->{dir}/file", '');

like($with->('/nowhere/at/all;'),
     qr{\[emerg\].*directory "/nowhere/at/all" cannot be made .*conf:\d+},
     'no such place');
like($with->("$n->{dir}/file;"), qr/\[emerg\].*is no directory/, 'a file');
like($with->(';'), qr/\[emerg\].*invalid value "state=" in "llm_zone"/,
     'nothing');
like($with->("$n->{dir}/state more=1;"), qr/\[emerg\].*invalid number of arg/,
     'too much');
like($with->('/proc/1;'), qr/\[emerg\]/, 'a place for nobody');



=== TEST 13: a full disk is told of, and what it has no room for is written later
--- config
    location /t { return 200; }
--- steps
my $n = main::launch();
$n->quit;

# a disk of its own, where there may be one

if (system("mount -t tmpfs -o size=256k,mode=0777 tmpfs $n->{dir}/state"
           . ' 2>/dev/null') != 0)
{
    ok(1, 'no disk could be mounted here');
    return;
}

# gone with the test, however that ends

my $mounted = bless { dir => "$n->{dir}/state", owner => $$ }, 'main::Mounted';

sub main::Mounted::DESTROY {
    system 'umount', '-l', $_[0]{dir} if $_[0]{owner} == $$;
}

$n->start;
main::make($n, 'before');
ok(main::written($n, 'before'), 'it is kept');

open my $fill, '>', "$n->{dir}/state/fill" or die;
$fill->autoflush(1);
1 while print $fill 'x' x 4096;
close $fill;

# more than a page, the last of which may have room

main::make($n, map { "full-$_" } 1 .. 40);
sleep 1.5;

is(scalar split(' ', main::names($n)), 41, 'keys are there all the same');

my @alerts = $n->error_log =~ /\[alert\].*No space left on device/g;
is(scalar @alerts, 1, 'it is told, once a minute');
unlike(main::slurp(main::journal($n)), qr/full-40/, 'but not written');

unlink "$n->{dir}/state/fill";
ok(main::written($n, 'full-40'), 'written when there is room');

sleep 1.2;
$n->quit('KILL');
$n->start;
is(scalar split(' ', main::names($n)), 41, 'nothing is lost');
ok(!main::aside($n), 'nothing was wrong with the journal');
$n->quit;
undef $mounted;
