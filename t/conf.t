# Directives of the http block and of locations; blocks and include.

use lib 't/lib';
use LLM::Conf;

env_to_nginx('LLM_CONF_SECRET');
$ENV{LLM_CONF_SECRET} = 'sk-from-environment';

plan('no_plan');
no_long_string();
no_shuffle();
run_tests();

__DATA__

=== everything together starts
--- user_files
>>> prices.json
{"gpt-4o": {"input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05}}
>>> newer.json
{"gpt-4o": {"input_cost_per_token": 1e-06, "output_cost_per_token": 1e-05}}
>>> key.txt
sk-from-a-file
--- http_config
    llm_zone       1m;
    llm_prices     $TEST_NGINX_HTML_DIR/prices.json;
    llm_prices     $TEST_NGINX_HTML_DIR/newer.json;
    llm_usage_log  logs/usage.jsonl buffer=16k flush=100ms;
    llm_id_secret  "a literal secret";

    llm_provider oa {
        protocol    openai;
        pass        https://declared_later/v1/;
        host        api.openai.com;
        api_key     file:$TEST_NGINX_HTML_DIR/key.txt;
        header      OpenAI-Organization org-1;
        header      OpenAI-Project "project one";
        tag         region=eu retention=zero;
        tag         tier=1;
        timeout     connect=2s first_byte=30s idle=500ms;
        tls_verify  off;
    }

    llm_provider an {
        protocol  anthropic;
        pass      http://127.0.0.1:8001;
        api_key   env:LLM_CONF_SECRET;
    }

    llm_provider ge {
        protocol  gemini;
        pass      http://unix:/tmp/gemini.sock:/v1beta;
        api_key   literal-key;
    }

    llm_provider six {
        protocol  openai;
        pass      http://[::1]:8001/v1;
    }

    llm_model gpt-4o {
        alias       gpt-4o-latest openai/gpt-4o gpt-4o-*;
        endpoint    chat responses;
        endpoint    embeddings;
        route       oa model=gpt-4o-2024-11-20 weight=3;
        route       oa model=other weight=0 priority=2 active=off;
        price       input=2.50 cached_input=1.25 output=10;
        max_tokens  16k;
        default     temperature=0.7 stop=END;
        default     'response_format={"type":"json_object"}';
        override    service_tier=default;
        drop        user metadata;
    }

    llm_model claude {
        alias     "~^claude-(\d+)-(?<size>\w+)$" "~*^CLAUDE(.)(.)";
        endpoint  messages;
        route     an model=claude-$2-$1;
        route     ge;
    }

    llm_class chat { }
    llm_class default { }

    llm_key caller {
        secret    plain:first;
        secret    env:LLM_CONF_SECRET until=2031-12-31T10:00:00Z;
        secret    sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 until=2031-12-31;
        owner acme;  team search;  app web;  env production;
        models    gpt-4o claude*;
        models    *-mini;
        deny      o1-*;
        endpoint  chat responses embeddings;
        class     later;
        cidr      10.0.0.0/8 ::1;
        cidr      127.0.0.1;
        expires   2031-01-01;
        active    on;
    }

    llm_class later { }

    upstream declared_later {
        server     127.0.0.1:8002;
        keepalive  4;
    }

    map $arg_batch $llm_conf_class {
        default  chat;
        1        later;
    }
--- config
    location /v1/ {
        llm_route;

        location /v1/status {
            return 204;
        }

        limit_except GET POST {
            deny all;
        }
    }

    location /batch/ { llm_route later; }
    location /map/   { llm_route $llm_conf_class query_key=on; }
    location /open/  { llm_route key=off query_key=off chat; }
    location /must/  { llm_route key=required; }
--- request
GET /t


=== no directive at all: the module only lies there
--- request
GET /t


=== blocks are split over files, by name and by wildcard
--- user_files
>>> split-key.conf
secret plain:one;
models *;
>>> split-routes-1.conf
route one;
>>> split-routes-2.conf
route one model=other priority=2; # a comment
--- http_config
    llm_provider one {
        protocol  openai;
        pass      http://127.0.0.1:8001/v1;
    }
    llm_model gpt {
        include $TEST_NGINX_HTML_DIR/split-routes-*.conf;
        include $TEST_NGINX_HTML_DIR/there-is-none-*.conf;
    }
    llm_class chat { include $TEST_NGINX_HTML_DIR/there-is-none-*.conf; }
    llm_key caller {
        include $TEST_NGINX_HTML_DIR/split-key.conf;
        owner me;
    }
--- request
GET /t


=== a mistake in an included file is told with its line there
--- user_files
>>> provider.conf
protocol  openai;

pass      http://127.0.0.1:8001;
retries   3;
--- http_config
    llm_provider one { include $TEST_NGINX_HTML_DIR/provider.conf; }
--- error_log
unknown directive "retries" in
html/provider.conf:4


=== what is found out at the end is told with the place of the object
--- user_files
>>> models.conf
# two lines of
# comments
llm_model gpt {
    route  nobody;
}
--- http_config
    include $TEST_NGINX_HTML_DIR/models.conf;
--- error_log
unknown provider "nobody" in "route" directive of llm_model "gpt", no llm_provider has this name in
html/models.conf:4


=== a file that is not there cannot be included
--- http_config
    llm_provider one { include no/such.conf; }
--- error_log
no/such.conf" failed (2: No such file or directory) in


=== include takes one file
--- http_config
    llm_provider one { include a.conf b.conf; }
--- error_log
invalid number of arguments in "include" directive in


=== a file must not close the block that includes it
--- user_files
>>> close.conf
protocol openai; }
--- http_config
    llm_provider one { include $TEST_NGINX_HTML_DIR/close.conf; }
--- error_log
unexpected "}" in
html/close.conf:1


=== a block in a block
--- http_config
    llm_provider one { tag { } }
--- error_log
unexpected "{" in


=== a block that is not a block
--- http_config
    llm_provider one;
--- error_log
directive "llm_provider" has no opening "{" in


=== a block without a name
--- http_config
    llm_key { }
--- error_log
invalid number of arguments in "llm_key" directive in


=== a block with two names
--- http_config
    llm_model gpt-4o gpt-4 { }
--- error_log
invalid number of arguments in "llm_model" directive in


=== a block outside http
--- config
    llm_class chat { }
--- error_log
"llm_class" directive is not allowed here in


=== a name that logs could not hold
--- http_config
    llm_class "my class" { }
--- error_log
invalid name "my class" in "llm_class" directive, it must be 1 to 128 printable ASCII characters without quotes, spaces and backslashes in


=== directives that do not exist
--- http_config
    llm_retries 3;
--- error_log
unknown directive "llm_retries" in


=== a zone must have a size
--- http_config
    llm_zone big;
--- error_log
invalid value "big" in "llm_zone" directive, it must be a size, like "8m" in


=== a zone must not be tiny
--- http_config
    llm_zone 8k;
--- error_log
zone "llm" is too small


=== a zone takes no other parameter
--- http_config
    llm_zone 8m color=blue;
--- error_log
unknown parameter "color=blue"


=== one zone is enough
--- http_config
    llm_zone 8m;
    llm_zone 8m;
--- error_log
"llm_zone" directive is duplicate in


=== prices that are not there
--- http_config
    llm_prices no-such-prices.json;
--- error_log
no-such-prices.json" failed (2: No such file or directory) in


=== prices that are a directory
--- http_config
    llm_prices $TEST_NGINX_HTML_DIR;
--- error_log
html" must be a file of at most 67108864 bytes in


=== prices that are not JSON
--- user_files
>>> prices.json
{"gpt-4o": {"input_cost_per_token": 1e-06,}}
--- http_config
    llm_prices $TEST_NGINX_HTML_DIR/prices.json;
--- error_log
prices.json" cannot be used: invalid JSON at byte


=== prices without a file
--- http_config
    llm_prices;
--- error_log
invalid number of arguments in "llm_prices" directive in


=== a usage log that cannot be opened
--- http_config
    llm_usage_log /no/such/directory/usage.jsonl;
--- error_log
open() "/no/such/directory/usage.jsonl" failed (2: No such file or directory) in


=== a usage log with an unknown parameter
--- http_config
    llm_usage_log logs/usage.jsonl gzip=1;
--- error_log
unknown parameter "gzip=1" in "llm_usage_log" directive, it must be "buffer=" or "flush=" in


=== a usage log with a buffer of no size
--- http_config
    llm_usage_log logs/usage.jsonl buffer=0;
--- error_log
invalid value "buffer=0" in "llm_usage_log" directive, it must be a size above 0, like "64k" in


=== a usage log with a flush that is no time
--- http_config
    llm_usage_log logs/usage.jsonl flush=soon;
--- error_log
invalid value "flush=soon" in "llm_usage_log" directive, it must be a time above 0, like "1s" in


=== a usage log with two buffers
--- http_config
    llm_usage_log logs/usage.jsonl buffer=4k buffer=8k;
--- error_log
duplicate parameter "buffer=8k" in


=== a usage log that is off takes nothing else
--- http_config
    llm_usage_log off flush=1s;
--- error_log
unknown parameter "flush=1s" in


=== one usage log is enough
--- http_config
    llm_usage_log off;
    llm_usage_log logs/usage.jsonl;
--- error_log
"llm_usage_log" directive is duplicate in


=== a secret for ids that is not there
--- http_config
    llm_id_secret env:LLM_CONF_NOT_SET;
--- error_log
LLM_CONF_NOT_SET


=== a class is declared once
--- http_config
    llm_class default { }
    llm_class default { }
--- error_log
duplicate llm_class "default" (first in


=== a class that llm_route could not name
--- http_config
    llm_class key=off { }
--- error_log
invalid value "key=off" in "llm_class" directive, it must be a name without "=" and a leading "$"


=== a location with an unknown class
--- config
    location / { llm_route chat; }
--- error_log
unknown class "chat" in "llm_route" directive, no llm_class has this name in


=== a location with two classes
--- config
    location / { llm_route default other; }
--- error_log
unknown parameter "other" in "llm_route" directive, it takes one class in


=== a location with an unknown variable
--- config
    location /v1/ { llm_route $no_such_variable_here; }
--- error_log
unknown "no_such_variable_here" variable


=== a location with an unknown parameter
--- config
    location / { llm_route keys=off; }
--- error_log
unknown parameter "keys=off" in "llm_route" directive, it must be a class, "key=" or "query_key=" in


=== a location whose key is neither required nor off
--- config
    location / { llm_route key=on; }
--- error_log
invalid value "key=on" in "llm_route" directive, it must be "key=required" or "key=off" in


=== a location whose query_key is neither on nor off
--- config
    location / { llm_route query_key=yes; }
--- error_log
invalid value "query_key=yes" in "llm_route" directive, it must be "on" or "off" in


=== a location with the same parameter twice
--- config
    location / { llm_route key=off key=off; }
--- error_log
duplicate parameter "key=off" in


=== a location with two llm_route
--- config
    location / { llm_route; llm_route; }
--- error_log
"llm_route" directive is duplicate in


=== llm_route belongs into a location, not into if
--- config
    location / { if ($arg_a) { llm_route; } }
--- error_log
"llm_route" directive is not allowed here in


=== llm_route belongs into a location, not into a server
--- config
    llm_route;
--- error_log
"llm_route" directive is not allowed here in
