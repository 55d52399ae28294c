# Usage by day, key, owner, team and model, and the description of the API.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;

use POSIX ();
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

our $Http = providers(a => '', b => '') . <<'_EOC_';
    llm_usage_log $DIR/logs/usage.jsonl flush=100ms;

    llm_model m { route a; price input=1 output=2; }
    llm_model n { route b; price input=3 output=5; }

    llm_key one   { secret plain:sk-test; owner acme; team ops; models *; }
    llm_key two   { secret plain:sk-two; owner acme; team dev; models *; }
    llm_key three { secret plain:sk-three; models m; }
_EOC_

our $Script = "a:\n    $Ok\nb:\n    $Ok\n";

sub admin {
    my ($n, $method, $path, $body) = @_;

    return LLM::Steps::ask($method, "/llm$path", $body, port => $n->port,
                           key => 'the-admin-token');
}

sub ask_chat {
    my ($n, $key, $model) = @_;

    return LLM::Steps::post('/v1/chat/completions',
                            { model => $model, messages => [] },
                            key => $key, port => $n->port);
}

sub usage {
    my ($n, $args) = @_;

    my $r = admin($n, 'GET', "/usage$args");

    return map {
        my $u = $_;
        join ' ', (map { "$_=" . ($u->{$_} // '-') }
                       grep { exists $u->{$_} } qw(day key owner team model)),
                  map { "$_=$u->{$_}" }
                      qw(requests input_tokens output_tokens cost);
    } @{ $r->{json}{usage} };
}

run_tests();

__DATA__

=== TEST 1: sums by what is asked for are the sums of the log
--- config
    location /t { return 200; }
--- provider eval: $::Script
--- steps
my $n = nginx(http => "llm_zone 8m;\n$::Http", config => $::Admin,
              workers => 4);
my $today = POSIX::strftime('%Y-%m-%d', gmtime);

main::ask_chat($n, 'sk-test', 'm') for 1 .. 3;
main::ask_chat($n, 'sk-test', 'n') for 1 .. 2;
main::ask_chat($n, 'sk-two', 'm') for 1 .. 4;
main::ask_chat($n, 'sk-three', 'm');
main::ask_chat($n, 'sk-three', 'n');      # refused: counts nowhere

# 8 input and 3 output tokens each: 14e-6 USD of m, 39e-6 of n

is(join("\n", main::usage($n, '')),
   'requests=10 input_tokens=80 output_tokens=30 cost=0.00019', 'all');

is(join("\n", main::usage($n, '?group_by=key')), <<'END' =~ s/\n\z//r, 'key');
key=one requests=5 input_tokens=40 output_tokens=15 cost=0.00012
key=three requests=1 input_tokens=8 output_tokens=3 cost=0.000014
key=two requests=4 input_tokens=32 output_tokens=12 cost=0.000056
END

is(join("\n", main::usage($n, '?group_by=team,model')),
   <<'END' =~ s/\n\z//r, 'team and model');
team=- model=m requests=1 input_tokens=8 output_tokens=3 cost=0.000014
team=dev model=m requests=4 input_tokens=32 output_tokens=12 cost=0.000056
team=ops model=m requests=3 input_tokens=24 output_tokens=9 cost=0.000042
team=ops model=n requests=2 input_tokens=16 output_tokens=6 cost=0.000078
END

is(join("\n", main::usage($n, '?group_by=day,owner&owner=acme')),
   "day=$today owner=acme requests=9 input_tokens=72 output_tokens=27"
   . ' cost=0.000176', 'of one owner by day');

is(join("\n", main::usage($n, "?from=$today&to=$today&key=two")),
   'requests=4 input_tokens=32 output_tokens=12 cost=0.000056', 'of today');
is(join("\n", main::usage($n, '?to=2020-01-01')), '', 'not of long ago');
is(join("\n", main::usage($n, '?from=2999-01-01')), '', 'nor of one day');

my $r = main::admin($n, 'GET', '/usage?group_by=key&limit=2');
holds($r, 'usage.length=2 truncated=true');
holds(main::admin($n, 'GET', '/usage?group_by=key'),
      'truncated=false usage.0.usage.input=40');

for ([ 'group_by=colour', 'group_by' ], [ 'from=yesterday', 'from' ],
     [ 'to=2020-01-01T00:00:00Z', 'to' ], [ 'limit=0', 'limit' ])
{
    $r = main::admin($n, 'GET', "/usage?$_->[0]");
    is("$r->{status} $r->{json}{error}{param}", "400 $_->[1]", $_->[0]);
}

# the log is the ledger

my @records = grep { $_->{outcome} ne 'rejected' }
                   records(11, $n->usage_file);
my $cost = 0;
$cost += $_->{cost} * 1e9 for @records;
is(sprintf('%.0f', $cost), '190000', 'the log says the same');



=== TEST 2: sums survive
--- config
    location /t { return 200; }
--- provider eval: $::Script
--- steps
my $n = nginx(http => "llm_zone 8m state=\$DIR/state;\n$::Http",
              config => $::Admin, workers => 2);

main::ask_chat($n, 'sk-test', 'm') for 1 .. 3;
$n->reload;
main::ask_chat($n, 'sk-two', 'n');

# a request is counted behind its answer

my $sums;

wait_for(5, sub {
    $sums = join "\n", main::usage($n, '?group_by=day,key,owner,team,model');
    return $sums =~ /key=one.*requests=3.*\n.*key=two.*requests=1/;
});
like($sums, qr/key=one.*requests=3.*\n.*key=two.*requests=1/, 'over a reload');

$n->quit;
$n->start;
is(join("\n", main::usage($n, '?group_by=day,key,owner,team,model')), $sums,
   'a restart');

main::ask_chat($n, 'sk-test', 'm');
my $more;

wait_for(5, sub {
    $more = join "\n", main::usage($n, '?group_by=key');
    return $more =~ /key=one requests=4/;
});
like($more, qr/key=one requests=4/, 'one more');
sleep 1.2;

$n->quit('KILL');
$n->start;
is(join("\n", main::usage($n, '?group_by=key')), $more, 'and kill -9');
quiet($n);



=== TEST 3: the description is whole, and what it names answers
--- config
    location /t { return 200; }
--- steps
my $n = nginx(http => "llm_zone 8m;\n$::Http", config => $::Admin);
my $r = main::admin($n, 'GET', '/openapi.json');

is($r->{status}, 200, 'served');
is($r->{headers}{'content-type'}, 'application/json', 'as JSON');

my $doc = $r->{json};

like($doc->{openapi}, qr/^3\.1\./, 'a version');
ok($doc->{info}{title} && $doc->{info}{version}, 'a title');
is($doc->{components}{securitySchemes}{token}{scheme}, 'bearer', 'a token');

my (%ids, @refs, $routes);

my $walk; $walk = sub {
    my ($v) = @_;
    if (ref $v eq 'HASH') {
        push @refs, $v->{'$ref'} if exists $v->{'$ref'};
        $walk->($_) for values %$v;
    } elsif (ref $v eq 'ARRAY') {
        $walk->($_) for @$v;
    }
};
$walk->($doc);

for my $ref (@refs) {
    my $at = $doc;
    my (undef, @path) = split '/', $ref;
    $at = ref $at eq 'HASH' ? $at->{$_} : undef for @path;
    ok($at, "$ref is there") or last;
}

main::admin($n, 'POST', '/keys', { name => 'probe' });

for my $path (sort keys %{ $doc->{paths} }) {
    my $item = $doc->{paths}{$path};

    for my $method (sort grep { $_ ne 'parameters' } keys %$item) {
        my $op = $item->{$method};

        ok(!$ids{ $op->{operationId} }++, "$method $path has an id of its own");
        ok($op->{summary} && $op->{responses}, 'says what it does');

        my ($good) = grep { /^2/ } keys %{ $op->{responses} };
        ok($good, 'and answers');

        if ($path =~ /\{name\}/) {
            is($item->{parameters}[0]{name}, 'name', 'names its parameter');
        }

        next if $method eq 'delete' || $path =~ m{^/limits/};

        my $real = $path =~ s/\{name\}/probe/r;
        my $body = $op->{requestBody}
                   ? $path eq '/keys' ? { name => 'second' }
                     : $path eq '/explain' ? { model => 'm', messages => [] }
                     : {} : undef;

        is(main::admin($n, uc $method, $real, $body)->{status}, $good,
           'as it says');
        $routes++;
    }
}

is(main::admin($n, 'DELETE', '/keys/probe')->{status}, 200, 'and the last');
ok($routes >= 11, 'all of them');

# no path is left out: what the code knows stands in the description

my ($code) = map { local (@ARGV, $/) = $_; <> }
    "$ENV{TEST_NGINX_TOP}/ngx_llm_gateway_module/http/"
    . 'ngx_http_llm_admin_route.c';
my %known;

while ($code =~ /\{ NGX_HTTP_(\w+), ngx_string\("([^"]+)"\), ([01]), (\S+?),/g)
{
    my ($m, $resource, $named, $action) = (lc $1, $2, $3, $4);
    my $path = "/$resource" . ($named ? '/{name}' : '');

    $path .= "/$1" if $action =~ /ngx_string\("([^"]+)"\)/;
    ok($doc->{paths}{$path}{$m}, "$m $path is described");
    $known{"$m $path"} = 1;
}

is(scalar keys %known, $routes + 3, 'and nothing else');
