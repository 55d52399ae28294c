package LLM::Conf;

# Suites of configurations.  A block without a request is a mistake that
# nginx has to refuse, and a line of "error_log" is what it has to say; one
# with a request is a configuration that has to start.

use strict;
use warnings;

BEGIN {
    use Cwd ();
    use File::Basename ();

    my $top = Cwd::abs_path(File::Basename::dirname(__FILE__) . '/../../..');

    require LLM::Port;
    LLM::Port::server();

    $ENV{TEST_NGINX_BINARY} ||= '/usr/sbin/nginx';
    $ENV{TEST_NGINX_LOAD_MODULES}
        //= "$top/build/ngx_llm_gateway_module.so";
}

use Test::Nginx::Socket -Base;

$ENV{TEST_NGINX_HTML_DIR} ||= html_dir();

# what a correct configuration is made of, for those that add one mistake

$ENV{TEST_NGINX_PROVIDER} = '
    llm_provider mock {
        protocol  openai;
        pass      http://127.0.0.1:1/v1;
    }
';

$ENV{TEST_NGINX_MODEL} = "$ENV{TEST_NGINX_PROVIDER}
    llm_model gpt {
        route  mock;
    }
";

add_block_preprocessor(sub {
    my ($block) = @_;

    my $config = $block->config // '';

    $block->set_value('config', $config . '
        location = /t {
            return 200 "started\n";
        }
');

    if (!defined $block->request) {
        my $said = $block->error_log // '';

        $said =~ s/\n*\z/\n[emerg]\n/;

        $block->set_value('error_log', $said);
        $block->set_value('must_die', '');
        return;
    }

    $block->set_value('response_body', "started\n")
        if !defined $block->response_body;

    $block->set_value('no_error_log', "[alert]\n[crit]\n[emerg]")
        if !defined $block->no_error_log;
});


1;
