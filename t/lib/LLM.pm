package LLM;

# Test::Nginx for the gateway: see t/lib/README.md.

BEGIN {
    use Cwd ();
    use File::Basename ();

    my $top = Cwd::abs_path(File::Basename::dirname(__FILE__) . '/../..');

    # ports and directories of its own for each test file, so that files
    # may run side by side

    require LLM::Port;
    LLM::Port::server();

    $ENV{TEST_NGINX_BINARY} ||= '/usr/sbin/nginx';
    $ENV{TEST_NGINX_LOAD_MODULES}
        //= ($ENV{BUILD} || "$top/build") =~ m{^/}
            ? ($ENV{BUILD} || "$top/build") . '/ngx_llm_gateway_module.so'
            : "$top/$ENV{BUILD}/ngx_llm_gateway_module.so";
    $ENV{TEST_NGINX_TOP} = $top;

    chdir $top;
}

use Test::Nginx::Socket -Base;

use Test::Nginx::Util qw($ServerPort);
use LLM::Checks;
use LLM::Provider;


LLM::Provider::start();

# two for each request, and some blocks send hundreds

worker_connections(1024);

$ENV{TEST_NGINX_USAGE_LOG} = server_root() . '/logs/usage.jsonl';


# One provider, one model, one key: what most blocks need.

our $basic = <<'_EOC_';
    llm_provider mock {
        protocol  openai;
        pass      http://127.0.0.1:$TEST_NGINX_PROVIDER_PORT/chat/v1;
        api_key   sk-upstream;
    }

    llm_model gpt-4o {
        route  mock;
    }

    llm_key caller {
        secret  plain:sk-test;
        models  *;
    }
_EOC_


add_block_preprocessor(sub {
    my ($block) = @_;

    LLM::Checks::defaults($block);
    http2_by_listen($block);
});


# Test::Nginx writes "http2 on" for any nginx since 1.19.9, as OpenResty has
# it; others know it since 1.25.1, and have it in "listen" before.

my $version;

sub http2_by_listen {
    my $block = $self;

    $version //= $Test::Nginx::Util::NginxVersion;

    $Test::Nginx::Util::NginxVersion
        = defined $block->http2 && $version < 1.025001 ? 1.019 : $version;
}


my $run = $Test::Nginx::Util::RunTestHelper;

$Test::Nginx::Util::RunTestHelper = LLM::Checks::around($run);

add_response_body_check(LLM::Checks::body_check());


1;
