# Keys that are made at run time, through llm_admin.

use lib 't/lib';
use LLM 'no_plan';

use LLM::Ladder;

use Digest::SHA ();

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
    llm_class batch { switch off; }

    llm_model gpt-4o  { route a; price input=1 output=2; }
    llm_model gpt-4.1 { route a; price input=1 output=2; }
    llm_model other   { route b; price input=1 output=2; }

    llm_key zulu    { secret plain:sk-zulu; models *; }
    llm_key fixed   { secret plain:sk-test; owner acme; team ops; models *;
                      cidr 127.0.0.0/8; expires 2999-01-01; }
_EOC_

our $Script = "a:\n    $Ok\nb:\n    $Ok\n";

sub admin {
    my ($method, $path, $body, %o) = @_;

    return LLM::Steps::ask($method, "/llm$path", $body,
                           key => 'the-admin-token', %o);
}

sub ask_chat {
    my ($key, $model, %o) = @_;

    return LLM::Steps::post('/v1/chat/completions',
                            { model => $model // 'gpt-4o', messages => [] },
                            key => $key, %o);
}

run_tests();

__DATA__

=== TEST 1: a key is made, used, and its secret is told once
--- http_config eval: $::Http
--- config eval: $::Admin
--- provider eval: $::Script
--- steps
my $r = main::admin('POST', '/keys', {
    name => 'acme-search', owner => 'acme', team => 'search', app => 'web',
    env => 'production', models => ['gpt-4*'], deny => ['gpt-4.1'],
    endpoint => ['chat', 'models'], class => 'batch',
    limit => ['rpm=600', 'budget=10/day'], cidr => ['127.0.0.0/8', '::1'],
    expires => '2999-12-31' });

is($r->{status}, 201, 'created');
is($r->{headers}{'content-type'}, 'application/json', 'as JSON');

holds($r, 'name=acme-search source=runtime owner=acme team=search app=web'
          . ' env=production models.0=gpt-4* deny.0=gpt-4.1 endpoint.0=chat'
          . ' endpoint.length=2 class=batch limit.0=rpm=600'
          . ' limit.1=budget=10/day cidr.0=127.0.0.0/8 cidr.1=::1/128'
          . ' expires=2999-12-31T00:00:00Z active=true secrets.length=1'
          . ' secret~^sk-llm-[A-Za-z0-9_-]{43}$ created~^2');

my $secret = $r->{json}{secret};
my $digest = Digest::SHA::sha256_hex($secret);

is($r->{json}{secrets}[0]{id}, substr($digest, 0, 16), 'known by its digest');

is(main::ask_chat($secret)->{status}, 200, 'it works');
is(main::ask_chat(substr($secret, 0, -1))->{status}, 401, 'and no part of it');
is(main::ask_chat($secret, 'gpt-4.1')->{json}{error}{code}, 'model_not_allowed',
   'deny holds');
is(main::ask_chat($secret, 'other')->{json}{error}{code}, 'model_not_allowed',
   'models hold');

$r = post('/v1/embeddings', { model => 'gpt-4o', input => 'x' },
          key => $secret);
is($r->{json}{error}{code}, 'endpoint_not_allowed', 'endpoints hold');

is(get('/v1/models', key => $secret)->{json}{data}[0]{id}, 'gpt-4o',
   'models are those of the key');

my @r = records(6);
my ($first) = grep { $_->{status} == 200 && $_->{model} } @r;

is("$first->{key} $first->{owner} $first->{team} $first->{app} $first->{env} "
   . $first->{class}, 'acme-search acme search web production batch',
   'the record names it');

$r = main::admin('GET', '/keys/acme-search');

is($r->{status}, 200, 'it is told');
holds($r, 'name=acme-search !secret secrets.length=1 owner=acme');
unlike($r->{content}, qr/\Q$secret\E|\Q$digest\E/, 'but not its secret');



=== TEST 2: changes hold at once: patch, put, disable, enable, delete
--- http_config eval: $::Http
--- config eval: $::Admin
--- provider eval: $::Script
--- steps
my $r = main::admin('POST', '/keys', { id => 'k2', owner => 'o',
                                        models => 'gpt-4o other' });
my $secret = $r->{json}{secret};

is($r->{json}{name}, 'k2', 'an id is a name');

is(main::ask_chat($secret)->{status}, 200, 'works');

$r = main::admin('PATCH', '/keys/k2', { models => ['other'], team => 't' });

is($r->{status}, 200, 'patched');
holds($r, 'models.length=1 models.0=other owner=o team=t !secret');

is(main::ask_chat($secret)->{status}, 403, 'the old model is refused');
is(main::ask_chat($secret, 'other')->{status}, 200, 'the new one is not');

holds(main::admin('PATCH', '/keys/k2', { team => undef }),
      'owner=o models.0=other');
is(main::admin('GET', '/keys/k2')->{json}{team}, undef, 'null removes');

$r = main::admin('PUT', '/keys/k2', { models => ['gpt-4o'] });

is($r->{status}, 200, 'put');
is($r->{json}{owner}, undef, 'what it does not name is gone');
is(main::ask_chat($secret)->{status}, 200, 'the secret stays');

is(main::admin('POST', '/keys/k2/disable')->{json}{active},
   JSON::PP::false, 'disabled');
is(main::ask_chat($secret)->{json}{error}{code}, 'key_disabled', 'and refused');

is(main::admin('POST', '/keys/k2/enable')->{json}{active},
   JSON::PP::true, 'enabled');
is(main::ask_chat($secret)->{status}, 200, 'and works');

# what was read can be changed and sent back

my $doc = main::admin('GET', '/keys/k2')->{json};
$doc->{expires} = '2001-01-01T00:00:00Z';
is(main::admin('PUT', '/keys/k2', $doc)->{status}, 200, 'sent back');
is(main::ask_chat($secret)->{json}{error}{code}, 'expired_api_key', 'expired');

$r = main::admin('DELETE', '/keys/k2');

is($r->{status}, 200, 'deleted');
holds($r, 'name=k2 deleted=true');
is(main::ask_chat($secret)->{status}, 401, 'unknown');
is(main::admin('GET', '/keys/k2')->{status}, 404, 'and gone');
is(main::admin('DELETE', '/keys/k2')->{json}{error}{code}, 'key_not_found',
   'once');

is(main::admin('POST', '/keys', { name => 'k2' })->{status}, 201,
   'its name is free');
main::admin('DELETE', '/keys/k2');



=== TEST 3: rotation: a new secret, and a grace for the old
--- http_config eval: $::Http
--- config eval: $::Admin
--- provider eval: $::Script
--- steps
my $r = main::admin('POST', '/keys', { name => 'k3', models => ['*'] });
my $old = $r->{json}{secret};

$r = main::admin('POST', '/keys/k3/rotate');

is($r->{status}, 200, 'rotated');
holds($r, 'secrets.length=2 secrets.0.until~^2');
is($r->{json}{secrets}[1]{until}, undef, 'the new one has no end');

my $new = $r->{json}{secret};

isnt($new, $old, 'another secret');
is(main::ask_chat($old)->{status}, 200, 'the old one works');
is(main::ask_chat($new)->{status}, 200, 'the new one too');

$r = main::admin('POST', '/keys/k3/rotate', { grace => 0 });

is(main::ask_chat($old)->{status}, 401, 'without grace the old ones are gone');
is(main::ask_chat($new)->{status}, 401, 'both');
is(main::ask_chat($r->{json}{secret})->{status}, 200, 'the newest works');

my $third = $r->{json}{secret};

$r = main::admin('POST', '/keys/k3/rotate', { grace => '1s' });
is(main::ask_chat($third)->{status}, 200, 'within its grace');
ok(wait_for(4, sub { main::ask_chat($third)->{status} == 401 }), 'not after');
is(main::ask_chat($third)->{json}{error}{code}, 'expired_api_key',
   'which is told');

is(main::admin('POST', '/keys/k3/rotate', { grace => $_ })
   ->{json}{error}{param}, 'grace', "no grace of $_")
    for 'soon', -1, '2y', 1e12;

main::admin('POST', '/keys/k3/rotate') for 1 .. 7;
is(main::admin('POST', '/keys/k3/rotate')->{status}, 400,
   'there is an end to secrets');
is(main::admin('POST', '/keys/k3/rotate', { grace => 0 })->{status}, 200,
   'but not to rotation');

main::admin('DELETE', '/keys/k3');



=== TEST 4: what a key may not be
--- http_config eval: $::Http
--- config eval: $::Admin
--- steps
my @bad = (
    [ {}, 'missing_parameter', 'name' ],
    [ { name => '' }, 'bad_request', 'name' ],
    [ { name => 'a b' }, 'bad_request', 'name' ],
    [ { name => 'a/b' }, 'bad_request', 'name' ],
    [ { name => '..' }, 'bad_request', 'name' ],
    [ { name => 'x' x 129 }, 'bad_request', 'name' ],
    [ { name => 5 }, 'bad_request', 'name' ],
    [ { name => "a\x{0}b" }, 'bad_request', 'name' ],
    [ { name => 'a', colour => 'red' }, 'bad_request', 'colour' ],
    [ { name => 'a', secret => 'mine' }, 'bad_request', 'secret' ],
    [ { name => 'a', owner => 'a b' }, 'bad_request', 'owner' ],
    [ { name => 'a', owner => ['a'] }, 'bad_request', 'owner' ],
    [ { name => 'a', owner => JSON::PP::true }, 'bad_request', 'owner' ],
    [ { name => 'a', models => 5 }, 'bad_request', 'models' ],
    [ { name => 'a', models => [5] }, 'bad_request', 'models' ],
    [ { name => 'a', models => [['x']] }, 'bad_request', 'models' ],
    [ { name => 'a', models => ['~re'] }, 'bad_request', 'models' ],
    [ { name => 'a', models => [('m') x 65] }, 'bad_request', 'models' ],
    [ { name => 'a', deny => ["\x{e9}"] }, 'bad_request', 'deny' ],
    [ { name => 'a', endpoint => ['chats'] }, 'bad_request', 'endpoint' ],
    [ { name => 'a', class => 'none' }, 'bad_request', 'class' ],
    [ { name => 'a', limit => ['rpm=x'] }, 'bad_request', 'limit' ],
    [ { name => 'a', limit => ['budget=1'] }, 'bad_request', 'limit' ],
    [ { name => 'a', cidr => ['10.0.0.0/33'] }, 'bad_request', 'cidr' ],
    [ { name => 'a', expires => 'soon' }, 'bad_request', 'expires' ],
    [ { name => 'a', expires => '2027-02-30' }, 'bad_request', 'expires' ],
    [ { name => 'a', active => 'maybe' }, 'bad_request', 'active' ],
    [ { name => 'a', active => 1 }, 'bad_request', 'active' ],
    [ '{"name": "a", "name": "b"}', 'invalid_json', undef ],
    [ '{"name": "a"', 'invalid_json', undef ],
    [ '[]', 'invalid_json', undef ],
    [ '{"name": "a"} x', 'invalid_json', undef ],
    [ '{"name": "' . ('a' x 66000) . '"}', 'request_too_large', undef ],
);

for my $bad (@bad) {
    my ($body, $code, $param) = @$bad;
    my $r = main::admin('POST', '/keys', $body);
    my $name = ref $body ? JSON::PP->new->canonical->ascii->encode($body)
                         : substr $body, 0, 30;

    is("$r->{status} $r->{json}{error}{code}",
       ($code eq 'request_too_large' ? 413 : 400) . " $code",
       "$code: " . substr $name, 0, 60);
    is($r->{json}{error}{param}, $param, 'and names ' . ($param // 'nothing'));
}

holds(main::admin('GET', '/keys'), 'keys.length=2 total=2', 'nothing came');

main::admin('POST', '/keys', { name => 'a', models => ['x'] });

is(main::admin('PATCH', '/keys/a', { models => [5] })->{status}, 400,
   'a bad change');
is(main::admin('PATCH', '/keys/a', { name => 'b' })->{json}{error}{param},
   'name', 'no other name');
holds(main::admin('GET', '/keys/a'), 'models.0=x', 'changes nothing');
is(main::admin('POST', '/keys', { name => 'a' })->{json}{error}{code},
   'key_exists', 'there is one of this name');
main::admin('DELETE', '/keys/a');



=== TEST 5: keys of the configuration are told, and stay as they are
--- http_config eval: $::Http
--- config eval: $::Admin
--- steps
my $r = main::admin('GET', '/keys/fixed');

is($r->{status}, 200, 'told');
holds($r, 'name=fixed source=config owner=acme team=ops models.0=*'
          . ' cidr.0=127.0.0.0/8 expires=2999-01-01T00:00:00Z active=true'
          . ' secrets.length=1 !secret');
unlike($r->{content}, qr/sk-test/, 'without its secret');

for ([ 'PATCH', '' ], [ 'PUT', '' ], [ 'DELETE', '' ], [ 'POST', '/rotate' ],
     [ 'POST', '/disable' ], [ 'POST', '/enable' ])
{
    $r = main::admin($_->[0], "/keys/fixed$_->[1]", {});
    is("$r->{status} $r->{json}{error}{code}", '409 key_read_only',
       "$_->[0] $_->[1]");
    like($r->{json}{error}{message}, qr/configuration/, 'which is said');
}

$r = main::admin('POST', '/keys', { name => 'fixed' });
is("$r->{status} $r->{json}{error}{code}", '409 key_exists', 'nor doubled');



=== TEST 6: the list: in order, in pages, by owner and team
--- http_config eval: $::Http
--- config eval: $::Admin
--- steps
main::admin('POST', '/keys', { name => sprintf('k-%02d', $_),
                               owner => $_ % 2 ? 'acme' : 'emca',
                               team => $_ % 3 ? 'ops' : 'dev' }) for 0 .. 24;

my $r = main::admin('GET', '/keys');

is(join(' ', map { $_->{name} } @{ $r->{json}{keys} }),
   join(' ', 'fixed', (map { sprintf 'k-%02d', $_ } 0 .. 24), 'zulu'),
   'both kinds, in order');
holds($r, 'total=27');
is($r->{json}{next}, undef, 'that is all');

my ($after, @names, $pages) = ('');

do {
    $r = main::admin('GET', "/keys?limit=7&after=$after");
    push @names, map { $_->{name} } @{ $r->{json}{keys} };
    $after = $r->{json}{next};
} while (++$pages < 10 && defined $after);

is($pages, 4, 'pages');
is(scalar @names, 27, 'hold all');
is(scalar keys %{{ map { $_ => 1 } @names }}, 27, 'each once');

is(scalar @{ main::admin('GET', '/keys?owner=acme')->{json}{keys} }, 13,
   'by owner');
is(scalar @{ main::admin('GET', '/keys?team=dev')->{json}{keys} }, 9,
   'by team');
is(scalar @{ main::admin('GET', '/keys?owner=acme&team=ops')
             ->{json}{keys} }, 9, 'by both');
is(scalar @{ main::admin('GET', '/keys?owner=acm')->{json}{keys} }, 0,
   'by the whole name');
is(main::admin('GET', "/keys?limit=$_")->{json}{error}{param}, 'limit',
   "no limit of $_") for 0, 1001, 'x', -1;

main::admin('DELETE', sprintf '/keys/k-%02d', $_) for 0 .. 24;
holds(main::admin('GET', '/keys'), 'total=2');



=== TEST 7: who asks, and for what
--- http_config eval: $::Http
--- config eval: $::Admin
--- steps
for my $key (undef, 'wrong-admin-token', 'sk-test', '') {
    my $r = main::admin('GET', '/keys', undef, key => $key);
    is("$r->{status} $r->{json}{error}{code}", '401 invalid_api_key',
       'no token: ' . ($key // 'none'));
}

is(main::admin('POST', '/keys', { name => 'x' }, key => 'wrong')->{status},
   401, 'nor to make one');
is(main::ask_chat('the-admin-token')->{status}, 401, 'and it is no key');

my $r = main::admin('GET', '/nothing');
is("$r->{status} $r->{json}{error}{code}", '404 unknown_endpoint', 'no path');
is(main::admin('GET', $_)->{status}, 404, "no $_")
    for '/', '/keysx', '/keys/x/rotated/y', '/keys/none';

$r = main::admin('DELETE', '/keys');
is("$r->{status} $r->{json}{error}{code}", '405 method_not_allowed', 'method');
is($r->{headers}{allow}, 'GET, POST', 'what is allowed');

$r = main::admin('GET', '/keys/x/rotate');
is($r->{headers}{allow} // '', '', 'a name may be like that')
    if $r->{status} == 404;
is(main::admin('PATCH', '/keys/x/rotate')->{status}, 404, 'no such key');



=== TEST 8: all workers see a change at once
--- steps
my $n = nginx(http => "llm_zone 8m;\n$::Http", config => $::Admin,
              workers => 4);
my %o = (port => $n->port);

my ($bad, $late) = (0, 0);

# each request is a connection of its own, to any worker

for my $i (1 .. 40) {
    my $r = main::admin('POST', '/keys', { name => "k$i", models => ['*'] },
                        %o);
    $bad++ if $r->{status} != 201;
    my $key = $r->{json}{secret};

    $late++ if get('/v1/models', key => $key, %o)->{status} != 200;
    main::admin('POST', "/keys/k$i/disable", undef, %o);
    $late++ if get('/v1/models', key => $key, %o)->{status} != 403;
    main::admin('DELETE', "/keys/k$i", undef, %o);
    $late++ if get('/v1/models', key => $key, %o)->{status} != 401;
}

is("$bad $late", '0 0', 'never late');

# one name, from all sides: it is made once

my @pids;

for my $i (1 .. 8) {
    my $pid = fork // die;
    next if $pid and push @pids, $pid;

    my $made = 0;

    for (1 .. 20) {
        $made++ if main::admin('POST', '/keys', { name => "same$_" }, %o)
                   ->{status} == 201;
        main::admin('PATCH', "/keys/same$_",
                    { ($i % 2 ? 'owner' : 'team') => "from$i" }, %o);
    }

    POSIX::_exit($made);
}

my $made = 0;
waitpid($_, 0), $made += $? >> 8 for @pids;

is($made, 20, 'each once');

my $r = main::admin('GET', '/keys', undef, %o);
is((grep { /^same/ && 1 } map { $_->{name} } @{ $r->{json}{keys} }), 20,
   'all there');
is((grep { $_->{name} =~ /^same/ && !($_->{owner} && $_->{team}) }
    @{ $r->{json}{keys} }), 0, 'no change got lost');

quiet($n);



=== TEST 9: limits of a key hold, are told live, and budgets are topped up
--- http_config eval: $::Http
--- config eval: $::Admin
--- provider eval: $::Script
--- steps
my $r = main::admin('POST', '/keys', { name => 'limited', owner => 'acme',
    models => ['*'], limit => ['requests=2/day', 'budget=1/total'] });
my $secret = $r->{json}{secret};

is($r->{status}, 201, 'made');
is(main::ask_chat($secret)->{status}, 200, "request $_") for 1 .. 2;
is(main::ask_chat($secret)->{status}, 429, 'and no more');

$r = main::admin('GET', '/keys/limited');
holds($r, 'usage.length=2 usage.0.subject=key=limited'
          . ' usage.0.limit=requests=2/day usage.0.spent=2 usage.0.reserved=0'
          . ' usage.0.left=0 usage.0.resets~^2'
          . ' usage.1.limit=budget=1/total usage.1.spent=0.000028');

my %reset = (subject => 'key=limited', limit => 'requests=2/day');

is(main::admin('POST', '/limits/reset', \%reset)->{status}, 200, 'reset');
is(main::ask_chat($secret)->{status}, 200, 'there is room again');

main::admin('PATCH', '/keys/limited', { limit => ['budget=0.00005/total'] });
is(main::ask_chat($secret)->{status}, 402, 'no money');

is(main::admin('POST', '/limits/topup', { subject => 'key=limited',
    limit => 'budget=0.00005/total', amount => '1' })->{status}, 200,
   'topped up');
is(main::ask_chat($secret)->{status}, 200, 'it is spent');

# by as much as numbers hold, and more

my %top = (subject => 'key=limited', limit => 'budget=0.00005/total');

is(main::admin('POST', '/limits/topup', { %top, amount => $_ })->{status},
   $_ eq '9223372036.854775807' ? 400 : 200, "topped up by $_")
    for '9223372036.854775807', '9000000000', '9000000000', '5';
($r) = grep { $_->{subject} eq 'key=limited' }
       @{ main::admin('GET', '/limits')->{json}{limits} };
($r) = grep { $_->{counts} eq 'budget' && $_->{spent} < 0 }
       @{ $r->{counters} };
is($r->{spent}, '-9223372036854775807', 'it stops where numbers do');
is(main::ask_chat($secret)->{status}, 200, 'there is room');

ok((grep { $_->{subject} eq 'key=limited' }
    @{ main::admin('GET', '/limits')->{json}{limits} }), 'it is listed');

for ([ {}, 'subject' ], [ { subject => 'key=limited' }, 'limit' ],
     [ { subject => 'key=limited', limit => 'rpm=1' }, 'limit' ],
     [ { subject => 'key=nobody', limit => 'budget=1/day' }, 'subject' ])
{
    $r = main::admin('POST', '/limits/reset', $_->[0]);
    is("$r->{status} $r->{json}{error}{param}", "400 $_->[1]",
       "no $_->[1]");
}

main::admin('DELETE', '/keys/limited');

=== TEST 10: a limit's time zone, and its shadow
--- http_config eval: $::Http
--- config eval: $::Admin
--- provider eval: $::Script
--- steps
my $r = main::admin('POST', '/keys', { name => 'far', models => ['*'],
    limit => ['requests=2/day tz=Asia/Tokyo', 'budget=1/day shadow'] });

is($r->{status}, 201, 'made');
is(join(', ', @{ $r->{json}{limit} }),
   'requests=2/day tz=Asia/Tokyo, budget=1/day shadow', 'as it was said');

is(main::ask_chat($r->{json}{secret})->{status}, 200, 'used');

$r = main::admin('GET', '/keys/far');
like($r->{json}{usage}[0]{resets}, qr/T15:00:00Z/, 'its midnight');
like($r->{json}{usage}[1]{resets}, qr/T00:00:00Z/, 'and that of others');

for ('requests=2/day tz=Nowhere/Land', 'requests=2/day loud',
     'requests=2/day tz=UTC tz=UTC')
{
    $r = main::admin('POST', '/keys', { name => 'x', limit => [$_] });
    is("$r->{status} $r->{json}{error}{param}", '400 limit', $_);
}

main::admin('DELETE', '/keys/far');
