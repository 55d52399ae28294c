
# Redis as it comes: users, databases, sockets, TLS, a cluster, sentinels; and
# what "llm_redis" may say of it.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;
use LLM::Redis;

repeat_each(1);
no_shuffle();

our $Answer = 'json {"choices":[{"index":0,"message":{"content":"well"}}],'
              . '"usage":{"prompt_tokens":100,"completion_tokens":50}}';

our $Cost = 200_000;    # nano-dollars

sub host {
    my ($url, %o) = @_;

    return own(providers(a => '') . <<"_EOC_", %o);
    llm_redis $url;

    llm_class default {
        attempts 1;
    }

    llm_model m {
        route  a;
        price  input=1 output=2;
    }

@{[ member('limit budget=1/day rpm=1000;') ]}

    llm_limit team=search budget=100/month;
    llm_limit env=prod budget=100/month;
_EOC_
}

our $Short = '{"model":"m","messages":[],"max_tokens":50}';

sub ask_one {
    my ($n) = @_;
    return answer(start($n->port, $Short))->{status};
}

# asked until it says so: connecting takes a moment

sub served {
    my ($n, $redis, $name) = @_;

    LLM::Steps::is(ask_one($n), 200, $name // 'served');
    LLM::Steps::ok(LLM::Provider::wait_for(10, sub {
        $redis->field('key=caller', 's') > 0
    }), 'and counted in Redis');
}

sub refused_conf {
    my ($url) = @_;

    my $dir = File::Temp::tempdir(CLEANUP => 1);
    mkdir "$dir/logs";

    open my $fh, '>', "$dir/nginx.conf" or die;
    print $fh "load_module $ENV{TEST_NGINX_LOAD_MODULES};\nevents {}\n",
              "pid $dir/pid;\nhttp {\nllm_redis $url;\n}\n";
    close $fh;

    return `$ENV{TEST_NGINX_BINARY} -t -p $dir -c nginx.conf 2>&1`;
}

run_tests();

__DATA__

=== TEST 1: a user with a password from a file, and a database
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new(conf =>
    "user default off\nuser gate on >se:cret ~llm:* " . "+\@connection +\@scripting +\@hash +\@sortedset +time"
    . " +pexpire +pttl +role\n"
    . "user admin on >pw ~* &* +\@all\n",
    user => 'admin', password => 'pw', db => 3);

open my $fh, '>', $redis->dir . '/pw' or die;
print $fh "se:cret\n";
close $fh;
chmod 0600, $redis->dir . '/pw';

my $port = $redis->port;
my $n = main::host("redis://gate:file:" . $redis->dir
                   . "/pw\@127.0.0.1:$port/3 timeout=1s");
main::served($n, $redis);
unlike($n->error_log, qr/se:cret/, 'the password is in no log');
main::quits($n);

$n = main::host("redis://127.0.0.1:$port db=3 user=gate password=se:cret"
                . " timeout=1s");
$redis->run('FLUSHALL');
main::served($n, $redis, 'as parameters');
main::quits($n);

$n = main::host("redis://gate:se%3Acret\@127.0.0.1:$port/3 timeout=1s");
$redis->run('FLUSHALL');
main::served($n, $redis, 'escaped in the address');
main::quits($n);


=== TEST 2: a wrong password is told once, and the zone holds the limits
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new(conf => "requirepass right\n");
my $n = main::host('redis://:wrong@127.0.0.1:' . $redis->port . ' timeout=1s');

is(main::ask_one($n), 200, 'served by the zone');
main::wait_until('it is said', sub {
    $n->error_log =~ /\[crit\].*redis refused user and password: "WRONGPASS/
});
unlike($n->error_log, qr/wrong\b/, 'without the password');
$n->quit;


=== TEST 3: a unix socket
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new;
my $n = main::host('unix:' . $redis->sock . ' timeout=1s prefix=gw:');
main::served($n, $redis);
like($redis->run('KEYS', '*'), qr/^gw:\{owner=acme\}:key=caller$/m,
     'keys have this prefix');
main::quits($n);


=== TEST 4: TLS, verified
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $redis = LLM::Redis->new(tls => 1);
my $url = 'rediss://127.0.0.1:' . $redis->port;
my $n = main::host("$url timeout=1s tls_ca=$ENV{TEST_NGINX_CA}"
                   . " tls_name=good.test");
main::served($n, $redis);
main::quits($n);

$redis->run('FLUSHALL');
$n = main::host("$url timeout=1s tls_ca=$ENV{TEST_NGINX_CA}"
                . " tls_name=evil.test");
is(main::ask_one($n), 200, 'served by the zone');
main::wait_until('another name is refused', sub {
    $n->error_log =~ /redis is unavailable: certificate is for another name/
});
is($redis->field('key=caller', 's'), 0, 'nothing was sent');
$n->quit;

$n = main::host("$url timeout=1s tls_name=good.test");
is(main::ask_one($n), 200, 'served by the zone');
main::wait_until('another authority is refused', sub {
    $n->error_log =~ /redis is unavailable: (?:certificate is not valid)/
});
$n->quit;


=== TEST 5: a cluster of three, slots that move, a node that is gone
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my @r = main::cluster("cluster-require-full-coverage no\n"
                      . "appendonly yes\nappendfsync always\n");

my $n = main::host('redis://127.0.0.1:' . $r[0]->port
                   . ' cluster=on timeout=1s', workers => 2);

is(main::ask_one($n), 200, 'served') for 1 .. 5;

sub everywhere {
    my ($id) = @_;
    my $sum = 0;
    $sum += $_->field($id, 's') for grep { $_->{pid} } @r;
    return $sum;
}

main::wait_until('the key is counted on one node',
                 sub { everywhere('key=caller') == 5 * $main::Cost });
is(everywhere('team=acme/search') || everywhere('team=search'),
   5 * $main::Cost, 'its team');
is(everywhere('env=prod'), 5 * $main::Cost, 'and its environment, elsewhere');

# a key made on one host is one of the other

my ($c, $d) = map { main::host(
    'redis://127.0.0.1:' . $r[$_]->port . ' cluster=on timeout=1s',
    config => $main::Route . 'location /llm/ {
        llm_admin token=plain:secret-token;
    }')
} 1, 2;

sub told {
    my ($n, $method, $path, $body) = @_;
    return LLM::Steps::ask($method, "/llm$path", $body, port => $n->port,
                           key => 'secret-token');
}

my $secret = told($c, 'POST', '/keys', { name => 'k', owner => 'o',
                  models => ['*'], limit => ['rpm=100', 'budget=1/day'] })
             ->{json}{secret};

main::wait_until('it works there', sub {
    post('/v1/chat/completions', $main::Short, port => $d->port,
         key => $secret)->{status} == 200
}, 3);
main::wait_until('and what it spent is told here', sub {
    (told($c, 'GET', '/keys/k')->{json}{usage}[1]{spent} // '') eq '0.0002'
}, 3);
told($d, 'DELETE', '/keys/k');
main::wait_until('until it is deleted', sub {
    told($c, 'GET', '/keys/k')->{status} == 404
}, 3);
$_->quit for $c, $d;

# the slot of the owner moves

my ($from) = grep { $_->subject('key=caller') } @r;
my ($to) = grep { $_ != $from } @r;
my $slot = $from->run('CLUSTER', 'KEYSLOT', '{owner=acme}');
my ($from_id, $to_id) = map { $_->run('CLUSTER', 'MYID') } $from, $to;

$to->run('CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $from_id);
$from->run('CLUSTER', 'SETSLOT', $slot, 'MIGRATING', $to_id);

my @keys = split /\n/, $from->run('CLUSTER', 'GETKEYSINSLOT', $slot, 100);
$from->run('MIGRATE', '127.0.0.1', $to->port, '', 0, 5000, 'KEYS', @keys);

is(main::ask_one($n), 200, 'served while a slot moves');
$_->run('CLUSTER', 'SETSLOT', $slot, 'NODE', $to_id) for $to, $from, @r;

is(main::ask_one($n), 200, 'served when it has moved');
main::wait_until('and counted', sub {
    everywhere('key=caller') == 7 * $main::Cost
});
unlike($n->error_log, qr/redis is unavailable/, 'no failure all the while');

# its node goes, and comes back

$to->kill;
is(main::ask_one($n), 200, 'served without the node') for 1 .. 2;
$to->start;
main::wait_until('it is told when it is back', sub {
    everywhere('key=caller') == 9 * $main::Cost
}, 20);
main::wait_until('and so are the others', sub {
    everywhere('env=prod') == 9 * $main::Cost
}, 20);
$n->quit;


=== TEST 6: a replica takes over, as sentinels say
--- config eval: $::Here
--- provider eval: "a:\n    $::Answer"
--- steps
my $master = LLM::Redis->new;
my $replica = LLM::Redis->new(conf => 'replicaof 127.0.0.1 '
                                      . $master->port . "\n");
my @sentinel = map { LLM::Redis->new(mode => 'sentinel', conf =>
    'sentinel monitor gate 127.0.0.1 ' . $master->port . " 2\n"
    . "sentinel down-after-milliseconds gate 500\n"
    . "sentinel failover-timeout gate 3000\n") } 1 .. 3;

main::wait_until('they know each other', sub {
    $sentinel[0]->run('SENTINEL', 'CKQUORUM', 'gate') =~ /^OK 3/
        && $master->run('INFO', 'replication') =~ /state=online/
}, 20);

my $list = join ',', map { '127.0.0.1:' . $_->port } @sentinel;
my $n = main::host("redis://$list sentinel=gate timeout=1s");

main::served($n, $master);
main::wait_until('the replica has it', sub {
    $replica->field('key=caller', 's') == $main::Cost
});

$master->kill;
is(main::ask_one($n), 200, 'served by the zone');
main::wait_until('the replica took over and is told', sub {
    $replica->field('key=caller', 's') == 2 * $main::Cost
}, 30);
main::wait_until('it is asked', sub {
    main::ask_one($n);
    $replica->run('CLIENT', 'LIST') =~ /name=nginx-llm-gateway/
}, 10);
$n->quit;


=== TEST 7: what llm_redis may not say
--- config eval: $::Here
--- steps
my %wrong = (
    'http://a' => 'invalid address in "llm_redis" directive, it must be',
    'redis://127.0.0.1:x' => 'invalid address "127.0.0.1:x" in "llm_redis"',
    'redis://127.0.0.1/x' => 'invalid database in the address',
    'redis://127.0.0.1 timeout=0' => 'invalid value "timeout=0"',
    'redis://127.0.0.1 on_error=maybe' => 'it must be "local", "open" or "closed"',
    'redis://127.0.0.1 colour=red' => 'unknown parameter "colour"',
    'redis://127.0.0.1,127.0.0.2' => 'has several addresses, which needs',
    'redis://127.0.0.1/1 cluster=on' => 'takes no database with "cluster=on"',
    'redis://127.0.0.1 cluster=on sentinel=a' => 'not both',
    'redis://127.0.0.1 "prefix={a}"' => 'a name without braces',
    'redis://u@127.0.0.1' => 'names a user, but no password',
    'rediss://127.0.0.1' => 'needs "tls_name="',
    'redis://:env:NO_SUCH@127.0.0.1' => '"NO_SUCH" is not set',
    'redis://127.0.0.1; llm_redis redis://127.0.0.1' => 'is duplicate',
);

for my $url (sort keys %wrong) {
    my $said = main::refused_conf($url);
    like($said, qr/\Q$wrong{$url}\E/, $url);
    like($said, qr/nginx\.conf:5/, 'with its line');
}

unlike(main::refused_conf('redis://u:se-cret@127.0.0.1:x'), qr/se-cret/,
       'no message has a password');
