# llm_model: each mistake.

use lib 't/lib';
use LLM::Conf;

plan('no_plan');
no_long_string();
no_shuffle();
run_tests();

__DATA__

=== a model needs a route
--- http_config
    llm_model gpt { max_tokens 10; }
--- error_log
no "route" in llm_model "gpt" in


=== models have names of their own
--- http_config
    $TEST_NGINX_MODEL
    llm_model gpt { route mock; }
--- error_log
duplicate model name "gpt", it is a name of llm_model "gpt" (in


=== a name is not another model's alias
--- http_config
    $TEST_NGINX_MODEL
    llm_model other { alias gpt; route mock; }
--- error_log
duplicate model name "gpt", it is a name of llm_model "gpt" (in


=== an alias is not another model's name
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model one { alias two; route mock; }
    llm_model two { route mock; }
--- error_log
duplicate model name "two", it is a name of llm_model "one" (in


=== an alias is not another model's alias
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model one { alias same; route mock; }
    llm_model two { alias other same; route mock; }
--- error_log
duplicate model name "same", it is a name of llm_model "one" (in


=== a model's name is no pattern
--- http_config
    llm_model gpt-* { }
--- error_log
invalid value "gpt-*" in "llm_model" directive, it must be one model's name


=== names of models hold what providers put into theirs
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model meta-llama/Llama-3.1-8B:free { route mock; }
    llm_model ft:gpt-4o-mini@2024 { route mock; }
--- request
GET /t


=== a regular expression that does not compile
--- http_config
    llm_model gpt { alias "~(gpt"; }
--- error_log
failed: missing closing parenthesis in "(gpt"


=== a regular expression of nothing
--- http_config
    llm_model gpt { alias ~*; }
--- error_log
invalid value "~*" in "alias" directive, it must be "~" and a regular expression in


=== a regular expression with ten captures
--- http_config
    llm_model gpt { alias "~(1)(2)(3)(4)(5)(6)(7)(8)(9)(10)"; }
--- error_log
in "alias" directive, it must be a regular expression with at most 9 captures in


=== an alias with a quote
--- http_config
    llm_model gpt { alias 'a"b'; }
--- error_log
invalid name "a"b" in "alias" directive


=== what models do not have
--- http_config
    llm_model gpt { fallback other; }
--- error_log
unknown directive "fallback" in


=== an unknown endpoint
--- http_config
    llm_model gpt { endpoint chat talk; }
--- error_log
invalid value "talk" in "endpoint" directive, it must be "chat", "responses", "completions", "embeddings", "moderations", "rerank", "images", "audio", "video", "messages", "gemini" or "models" in


=== a route to nobody
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model gpt {
        route  mock;
        route  nobody;
    }
--- error_log
unknown provider "nobody" in "route" directive of llm_model "gpt", no llm_provider has this name in


=== a route with an unknown parameter
--- http_config
    llm_model gpt { route mock cost=3; }
--- error_log
unknown parameter "cost=3" in "route" directive, it must be "model=", "priority=", "weight=", "active=", "context=", "without=" or "api=" in


=== a route with the same parameter twice
--- http_config
    llm_model gpt { route mock weight=1 weight=2; }
--- error_log
duplicate parameter "weight=2" in


=== a priority below the first
--- http_config
    llm_model gpt { route mock priority=0; }
--- error_log
invalid value "priority=0" in "route" directive, it must be a number of at least 1 in


=== a weight below nothing
--- http_config
    llm_model gpt { route mock weight=-1; }
--- error_log
invalid value "weight=-1" in "route" directive, it must be a number from 0 to 1000000 in


=== a route is active or it is not
--- http_config
    llm_model gpt { route mock active=maybe; }
--- error_log
invalid value "active=maybe" in "route" directive, it must be "on" or "off" in


=== a route with an upstream model of no name
--- http_config
    llm_model gpt { route mock model=; }
--- error_log
invalid value "model=" in "route" directive, it must be 1 to 256 printable ASCII characters


=== a route with a variable
--- http_config
    llm_model gpt { route mock model=$host; }
--- error_log
invalid value "model=$host" in "route" directive, it must be a model's name, "$" may only stand before 1 to 9 in


=== what a route holds and lacks
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model gpt {
        contract  context=128k tools json vision;
        route     mock model=whole context=1m;
        route     mock model=small context=32k without=tools,json,vision,stream;
    }
--- request
GET /t


=== a route with a context of nothing
--- http_config
    llm_model gpt { route mock context=0; }
--- error_log
invalid value "context=0" in "route" directive, it must be a count above 0, like "context=128k" in


=== a route with two contexts
--- http_config
    llm_model gpt { route mock context=32k context=32k; }
--- error_log
duplicate parameter "context=32k" in


=== a route without what nobody asks for
--- http_config
    llm_model gpt { route mock without=tools,speed; }
--- error_log
invalid value "without=tools,speed" in "route" directive, it must be different ones of "tools", "json", "vision" and "stream", separated by commas in


=== a route without nothing
--- http_config
    llm_model gpt { route mock without=; }
--- error_log
invalid value "without=" in "route" directive


=== a route without the same twice
--- http_config
    llm_model gpt { route mock without=tools,json,tools; }
--- error_log
invalid value "without=tools,json,tools" in "route" directive


=== a route with two lists of what it lacks
--- http_config
    llm_model gpt { route mock without=tools without=json; }
--- error_log
duplicate parameter "without=json" in


=== a contract over several lines, and names that only backups are held to
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model gpt {
        contract  tools;
        contract  context=128k citations;
        route     mock;
    }
--- request
GET /t


=== a contract of nothing
--- http_config
    llm_model gpt { contract; }
--- error_log
invalid number of arguments in "contract" directive in


=== a contract with a context that is no count
--- http_config
    llm_model gpt { contract context=long; }
--- error_log
invalid value "context=long" in "contract" directive, it must be a count above 0, like "context=128k" in


=== a contract with two contexts
--- http_config
    llm_model gpt { contract context=1k; contract tools context=2k; }
--- error_log
duplicate parameter "context=2k" in


=== a contract with the same twice
--- http_config
    llm_model gpt { contract tools json tools; }
--- error_log
duplicate parameter "tools" in


=== a contract with an unknown parameter
--- http_config
    llm_model gpt { contract output=4k; }
--- error_log
unknown parameter "output=4k" in "contract" directive, it must be "context=" or the name of a feature in


=== a contract with a feature that logs could not hold
--- http_config
    llm_model gpt { contract "function calls"; }
--- error_log
invalid name "function calls" in "contract" directive, it must be 1 to 128 printable ASCII characters


=== a contract that no route keeps: context
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model gpt {
        contract  context=128k;
        route     mock model=a context=32k;
        route     mock model=b context=64k;
    }
--- error_log
the "contract" of llm_model "gpt" says context=128000, but its routes hold 64000 at most in


=== a contract that no route keeps: a feature
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model gpt {
        contract  tools vision;
        route     mock model=a without=tools,vision;
        route     mock model=b without=vision;
    }
--- error_log
the "contract" of llm_model "gpt" says "vision", but all of its routes are without in


=== captures without a regular expression
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model gpt {
        alias  gpt-*;
        route  mock model=gpt-$1;
    }
--- error_log
"model=gpt-$1" takes captures, but llm_model "gpt" has no alias that is a regular expression in


=== more captures than a regular expression has
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model gpt {
        alias  ~^gpt-(.)(.)$ ~^g-(.)$;
        route  mock model=gpt-$2;
    }
--- error_log
"model=gpt-$2" takes capture 2, but a regular expression of llm_model "gpt" has 1 of them in


=== the same route twice
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model gpt {
        route  mock;
        route  mock model=gpt priority=2;
    }
--- error_log
duplicate route to "mock" with model "gpt" in llm_model "gpt" (first in


=== a price of an unknown unit
--- http_config
    llm_model gpt { price input=1 words=2; }
--- error_log
unknown parameter "words=2" in "price" directive, it must be a unit and its price in USD, like "input=2.50" in


=== a price that is no number
--- http_config
    llm_model gpt { price input=cheap; }
--- error_log
invalid value "input=cheap" in "price" directive, it must be a decimal number of USD, like "input=2.50" in


=== a price below nothing
--- http_config
    llm_model gpt { price input=-1; }
--- error_log
invalid value "input=-1" in "price" directive


=== a price twice
--- http_config
    llm_model gpt { price input=1; price input=2; }
--- error_log
duplicate parameter "input=2" in


=== max_tokens that is no count
--- http_config
    llm_model gpt { max_tokens many; }
--- error_log
invalid value "many" in "max_tokens" directive, it must be a count above 0, like "16384" or "16k" in


=== max_tokens beyond all numbers
--- http_config
    llm_model gpt { max_tokens 9223372036854775807m; }
--- error_log
invalid value "9223372036854775807m" in "max_tokens" directive


=== a default without a value
--- http_config
    llm_model gpt { default temperature; }
--- error_log
invalid value "temperature" in "default" directive, it must be NAME=VALUE in


=== a default whose JSON is broken
--- http_config
    llm_model gpt { default 'format={"type":"json"'; }
--- error_log
invalid JSON "format={"type":"json"" in "default" directive:


=== a default for what the gateway acts on
--- http_config
    llm_model gpt { override stream=true; }
--- error_log
invalid value "stream=true" in "override" directive, it must be a member other than "model" and "stream", which the gateway acts on in


=== a member in two places
--- http_config
    llm_model gpt {
        default  temperature=1;
        drop     user temperature;
    }
--- error_log
duplicate member "temperature" in "drop" directive, a member may be named once in "default", "override" and "drop" in
