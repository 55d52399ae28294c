# llm_class: each mistake, and what is none; backups, which classes choose.

use lib 't/lib';
use LLM::Conf;

# models that promise, to be backed up

$ENV{TEST_NGINX_PROMISE} = "$ENV{TEST_NGINX_PROVIDER}
    llm_model large { contract context=200k tools json vision; route mock; }
    llm_model small { contract context=32k tools; route mock; }
    llm_model plain { route mock; }
";

plan('no_plan');
no_long_string();
no_shuffle();
run_tests();

__DATA__

=== everything that a class can say
--- http_config
    llm_provider eu {
        protocol  openai;
        pass      http://127.0.0.1:1/v1;
        tag       region=eu retention=zero;
    }
    llm_class chat {
        retry     1 on=connect,timeout,5xx backoff=100ms,2s;   # same route
        switch    on=connect,timeout,5xx,429;                  # other route of the same model
        backup    off;                                         # another, approved model
        queue     off;                                         # or: queue 30s size=1000 on=429,limit
        attempts  4;  deadline 60s;  retry_budget 10%;
        require   region=eu;                                   # holds on every rung, backups too
        missing_price block;                                   # block | warn | allow
        order     weight;                                      # weight | latency | price | least_inflight
    }
    llm_class all {
        retry         15 backoff=3s on=connect,timeout,reset,429,5xx,invalid;
        switch        on=connect,timeout,reset,429,5xx,invalid,auth;
        backup        on=connect,timeout,reset,429,5xx,invalid,auth,context;
        queue         1m priority=10 on=limit,429 size=10k;
        attempts      16;
        deadline      1h;
        retry_budget  100%;
        require       region=eu;
        require       retention=zero;
        missing_price allow;
        order         least_inflight;
        last_resort   on;
    }
    llm_class one   { order latency; missing_price warn; attempts 1; retry_budget 1%; switch on=auth; }
    llm_class two   { order price; queue 30s; last_resort off; retry off; switch off; }
    llm_class three { queue 500ms on=429; }
    llm_class nothing { }
--- request
GET /t


=== the example of a queue
--- http_config
    llm_class batch { queue 30s size=1000 on=429,limit; }
--- request
GET /t


=== few attempts bound retries, they do not contradict them
--- http_config
    llm_class once { retry 5 on=5xx; switch on=5xx; attempts 1; }
--- request
GET /t


=== the class "default" is replaced whole, wherever it stands
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model one { route mock; backup two class=default; }
    llm_model two { route mock; }
    llm_class default { retry 1 on=timeout; }
--- request
GET /t


=== what classes do not have
--- http_config
    llm_class chat { route mock; }
--- error_log
unknown directive "route" in


=== a retry without a number
--- http_config
    llm_class chat { retry on=connect; }
--- error_log
invalid value "on=connect" in "retry" directive, it must be "off" or a number from 1 to 15 in


=== a retry of none
--- http_config
    llm_class chat { retry 0 on=connect; }
--- error_log
invalid value "0" in "retry" directive, it must be "off" or a number from 1 to 15 in


=== more retries than a request may have
--- http_config
    llm_class chat { retry 16 on=connect; }
--- error_log
invalid value "16" in "retry" directive


=== a retry that does not say on what
--- http_config
    llm_class chat { retry 2 backoff=100ms,2s; }
--- error_log
"retry" directive needs "on=" with the failures to retry on in


=== a retry on a kind that does not exist
--- http_config
    llm_class chat { retry 1 on=connect,500; }
--- error_log
invalid value "on=connect,500" in "retry" directive, it must be different ones of "connect", "timeout", "reset", "429", "5xx", "invalid" and "auth", separated by commas in


=== a retry on a prompt that is too long
--- http_config
    llm_class chat { retry 1 on=timeout,context; }
--- error_log
invalid value "on=timeout,context" in "retry" directive


=== a retry on what only a queue can wait for
--- http_config
    llm_class chat { retry 1 on=limit; }
--- error_log
invalid value "on=limit" in "retry" directive


=== a retry on what the gateway calls by names of its own
--- http_config
    llm_class chat { retry 1 on=none; }
--- error_log
invalid value "on=none" in "retry" directive


=== a retry on nothing
--- http_config
    llm_class chat { retry 1 on=; }
--- error_log
invalid value "on=" in "retry" directive


=== a retry on something, and nothing
--- http_config
    llm_class chat { retry 1 on=connect,; }
--- error_log
invalid value "on=connect," in "retry" directive


=== a retry on the same kind twice
--- http_config
    llm_class chat { retry 1 on=5xx,connect,5xx; }
--- error_log
invalid value "on=5xx,connect,5xx" in "retry" directive, it must be different ones of


=== a retry with two lists
--- http_config
    llm_class chat { retry 1 on=5xx on=connect; }
--- error_log
duplicate parameter "on=connect" in


=== a retry with an unknown parameter
--- http_config
    llm_class chat { retry 1 on=5xx delay=1s; }
--- error_log
unknown parameter "delay=1s" in "retry" directive, it must be "on=" or "backoff=" in


=== a retry that is off has nothing else
--- http_config
    llm_class chat { retry off on=5xx; }
--- error_log
unknown parameter "on=5xx" in "retry" directive, it must be "off" alone in


=== a retry twice
--- http_config
    llm_class chat { retry off; retry 1 on=5xx; }
--- error_log
"retry" directive is duplicate in


=== a back-off that ends before it begins
--- http_config
    llm_class chat { retry 1 on=5xx backoff=2s,100ms; }
--- error_log
invalid value "backoff=2s,100ms" in "retry" directive, it must be one or two times above 0, the first not above the second, like "backoff=100ms,2s" in


=== a back-off of three times
--- http_config
    llm_class chat { retry 1 on=5xx backoff=1s,2s,3s; }
--- error_log
invalid value "backoff=1s,2s,3s" in "retry" directive


=== a back-off of nothing
--- http_config
    llm_class chat { retry 1 on=5xx backoff=0,1s; }
--- error_log
invalid value "backoff=0,1s" in "retry" directive


=== a back-off that is no time
--- http_config
    llm_class chat { retry 1 on=5xx backoff=100ms,late; }
--- error_log
invalid value "backoff=100ms,late" in "retry" directive


=== two back-offs
--- http_config
    llm_class chat { retry 1 backoff=1s,1s on=5xx backoff=1s,1s; }
--- error_log
duplicate parameter "backoff=1s,1s" in


=== a switch that does not say on what
--- http_config
    llm_class chat { switch on; }
--- error_log
unknown parameter "on" in "switch" directive, it must be "on=" or "off" in


=== a switch with a number
--- http_config
    llm_class chat { switch 2 on=5xx; }
--- error_log
invalid number of arguments in "switch" directive in


=== a switch for a prompt that no route of the model can hold
--- http_config
    llm_class chat { switch on=context; }
--- error_log
invalid value "on=context" in "switch" directive, it must be different ones of "connect", "timeout", "reset", "429", "5xx", "invalid" and "auth", separated by commas in


=== a switch twice
--- http_config
    llm_class chat { switch on=5xx; switch on=429; }
--- error_log
"switch" directive is duplicate in


=== a backup on what only a queue can wait for
--- http_config
    llm_class chat { backup on=limit; }
--- error_log
invalid value "on=limit" in "backup" directive, it must be different ones of "connect", "timeout", "reset", "429", "5xx", "invalid", "auth" and "context", separated by commas in


=== a class does not name the backup
--- http_config
    llm_class chat { backup claude; }
--- error_log
unknown parameter "claude" in "backup" directive, it must be "on=" or "off" in


=== a backup twice
--- http_config
    llm_class chat { backup off; backup off; }
--- error_log
"backup" directive is duplicate in


=== a queue without its time
--- http_config
    llm_class chat { queue on=429; }
--- error_log
invalid value "on=429" in "queue" directive, it must be "off" or a time above 0, like "30s" in


=== a queue of no time
--- http_config
    llm_class chat { queue 0; }
--- error_log
invalid value "0" in "queue" directive


=== a queue for an error that waiting does not mend
--- http_config
    llm_class chat { queue 30s on=429,5xx; }
--- error_log
invalid value "on=429,5xx" in "queue" directive, it must be "429", "limit" or both, separated by a comma in


=== a queue with two lists
--- http_config
    llm_class chat { queue 30s on=429 on=limit; }
--- error_log
duplicate parameter "on=limit" in


=== a queue for nobody
--- http_config
    llm_class chat { queue 30s size=0; }
--- error_log
invalid value "size=0" in "queue" directive, it must be a number from 1 to 1000000 in


=== a queue for everybody
--- http_config
    llm_class chat { queue 30s size=2m; }
--- error_log
invalid value "size=2m" in "queue" directive


=== a queue of two sizes
--- http_config
    llm_class chat { queue 30s size=10 size=20; }
--- error_log
duplicate parameter "size=20" in


=== a queue before the first
--- http_config
    llm_class chat { queue 30s priority=0; }
--- error_log
invalid value "priority=0" in "queue" directive, it must be a number from 1 to 1000000 in


=== a queue with an unknown parameter
--- http_config
    llm_class chat { queue 30s order=lifo; }
--- error_log
unknown parameter "order=lifo" in "queue" directive, it must be "size=", "on=" or "priority=" in


=== a queue that is off has nothing else
--- http_config
    llm_class chat { queue off size=10; }
--- error_log
unknown parameter "size=10" in "queue" directive, it must be "off" alone in


=== a queue twice
--- http_config
    llm_class chat { queue 1s; queue off; }
--- error_log
"queue" directive is duplicate in


=== no attempt at all
--- http_config
    llm_class chat { attempts 0; }
--- error_log
invalid value "0" in "attempts" directive, it must be a number from 1 to 16 in


=== more attempts than nginx has subrequests for
--- http_config
    llm_class chat { attempts 17; }
--- error_log
invalid value "17" in "attempts" directive


=== attempts twice
--- http_config
    llm_class chat { attempts 2; attempts 2; }
--- error_log
"attempts" directive is duplicate in


=== a deadline at once
--- http_config
    llm_class chat { deadline 0; }
--- error_log
invalid value "0" in "deadline" directive, it must be a time above 0, like "60s" in


=== a deadline that is no time
--- http_config
    llm_class chat { deadline soon; }
--- error_log
invalid value "soon" in "deadline" directive


=== a deadline twice
--- http_config
    llm_class chat { deadline 1s; deadline 1s; }
--- error_log
"deadline" directive is duplicate in


=== a deadline that passes before any retry
--- http_config
    llm_class chat {
        retry     1 on=5xx backoff=2s,4s;
        deadline  1s;
    }
--- error_log
the "deadline" of llm_class "chat" passes before the back-off of its "retry" ends in


=== a deadline that passes before a back-off that nobody takes
--- http_config
    llm_class chat { retry off; deadline 1ms; }
--- request
GET /t


=== a retry budget that is no share
--- http_config
    llm_class chat { retry_budget 10; }
--- error_log
invalid value "10" in "retry_budget" directive, it must be a share from "1%" to "100%" in


=== a retry budget of nothing
--- http_config
    llm_class chat { retry_budget 0%; }
--- error_log
invalid value "0%" in "retry_budget" directive


=== a retry budget of more than all
--- http_config
    llm_class chat { retry_budget 101%; }
--- error_log
invalid value "101%" in "retry_budget" directive


=== a retry budget without its number
--- http_config
    llm_class chat { retry_budget %; }
--- error_log
invalid value "%" in "retry_budget" directive


=== a retry budget twice
--- http_config
    llm_class chat { retry_budget 1%; retry_budget 1%; }
--- error_log
"retry_budget" directive is duplicate in


=== a tag without a value
--- http_config
    llm_class chat { require region; }
--- error_log
invalid value "region" in "require" directive, it must be NAME=VALUE in


=== a tag with two values, which no provider can have
--- http_config
    llm_class chat { require region=eu; require retention=zero region=us; }
--- error_log
duplicate tag "region" in


=== a tag that no provider has: it starts, and says so
--- http_config
    $TEST_NGINX_MODEL
    llm_class chat { require region=eu; }
--- request
GET /t
--- error_log
[warn]
no llm_provider has the tag "region=eu" that llm_class "chat" requires, in


=== a missing price that is neither
--- http_config
    llm_class chat { missing_price deny; }
--- error_log
invalid value "deny" in "missing_price" directive, it must be "block", "warn" or "allow" in


=== a missing price twice
--- http_config
    llm_class chat { missing_price warn; missing_price warn; }
--- error_log
"missing_price" directive is duplicate in


=== an unknown order
--- http_config
    llm_class chat { order random; }
--- error_log
invalid value "random" in "order" directive, it must be "weight", "latency", "price" or "least_inflight" in


=== two orders
--- http_config
    llm_class chat { order price; order price; }
--- error_log
"order" directive is duplicate in


=== a last resort that is neither on nor off
--- http_config
    llm_class chat { last_resort maybe; }
--- error_log
invalid value "maybe" in "last_resort" directive, it must be "on" or "off" in


=== a last resort twice
--- http_config
    llm_class chat { last_resort on; last_resort on; }
--- error_log
"last_resort" directive is duplicate in


=== backups that cover what is promised
--- http_config
    $TEST_NGINX_PROMISE
    llm_class chat { backup on=5xx; }
    llm_class batch { backup on=5xx; }
    llm_model gpt {
        contract  context=32k tools;
        route     mock;
        backup    small class=chat,default;
        backup    large class=later;
    }
    llm_model free { route mock; backup plain; backup small; }
    llm_model chain { contract tools; route mock; backup gpt class=batch; backup large; }
    llm_class later { backup on=5xx; }
--- request
GET /t


=== a backup that is not there
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model gpt {
        route   mock;
        backup  claude;
    }
--- error_log
unknown model "claude" in "backup" directive of llm_model "gpt", no llm_model has this name in


=== a backup by an alias
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model gpt { route mock; backup sonnet; }
    llm_model claude { alias sonnet; route mock; }
--- error_log
"sonnet" in "backup" directive of llm_model "gpt" is an alias, name llm_model "claude" itself in


=== a backup of itself
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model gpt { route mock; backup gpt; }
--- error_log
llm_model "gpt" is a backup of itself in


=== a backup of itself by an alias
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model gpt { alias again; route mock; backup again; }
--- error_log
llm_model "gpt" is a backup of itself in


=== two models that back each other up
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model one { route mock; backup two; }
    llm_model two { route mock; backup one; }
--- error_log
backups of llm_model lead in a circle: one -> two -> one in


=== a longer circle, entered from outside, with ways that end
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model end { route mock; }
    llm_model in { route mock; backup end; backup a; }
    llm_model a { route mock; backup end; backup b; }
    llm_model b { route mock; backup c; }
    llm_model c { route mock; backup end; backup d class=default; }
    llm_model d { route mock; backup a; }
--- error_log
backups of llm_model lead in a circle: a -> b -> c -> d -> a in


=== many ways to one end are no circle
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model a { route mock; backup b; backup c; backup d; }
    llm_model b { route mock; backup d; backup c; }
    llm_model c { route mock; backup d; }
    llm_model d { route mock; }
--- request
GET /t


=== a backup with a smaller context
--- http_config
    $TEST_NGINX_PROMISE
    llm_model gpt { contract context=128k; route mock; backup small; }
--- error_log
backup "small" does not cover the "contract" of llm_model "gpt": its context is 32000, but 128000 is needed in


=== a backup that tells no context
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model gpt { contract context=128k; route mock; backup other; }
    llm_model other { contract tools; route mock; }
--- error_log
backup "other" does not cover the "contract" of llm_model "gpt": it says no "context", but 128000 is needed in


=== a backup that lacks what was promised
--- http_config
    $TEST_NGINX_PROMISE
    llm_model gpt { contract tools vision; route mock; backup large; backup small; }
--- error_log
backup "small" does not cover the "contract" of llm_model "gpt": it lacks "vision" in


=== a backup that lacks what only the configuration knows
--- http_config
    $TEST_NGINX_PROMISE
    llm_model gpt { contract tools citations; route mock; backup large; }
--- error_log
backup "large" does not cover the "contract" of llm_model "gpt": it lacks "citations" in


=== a backup that promises nothing
--- http_config
    $TEST_NGINX_PROMISE
    llm_model gpt { contract tools; route mock; backup plain; }
--- error_log
backup "plain" has no "contract" to cover that of llm_model "gpt" in


=== a backup for other endpoints
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model gpt { endpoint chat responses; route mock; backup embed; }
    llm_model embed { endpoint embeddings; route mock; }
--- error_log
backup "embed" serves no "endpoint" of llm_model "gpt" in


=== a backup that would need the name that was asked for
--- http_config
    $TEST_NGINX_PROVIDER
    llm_model gpt { route mock; backup own; }
    llm_model own { alias ~^own/(.+)$; route mock model=$1; }
--- error_log
all routes of backup "own" of llm_model "gpt" take captures, which only a name that was asked for has in


=== a backup for a class that is not there
--- http_config
    $TEST_NGINX_PROMISE
    llm_model gpt { route mock; backup plain class=default,batch; }
--- error_log
unknown class "batch" in "backup" directive of llm_model "gpt", no llm_class has this name in


=== a backup for no class
--- http_config
    llm_model gpt { route mock; backup plain class=; }
--- error_log
invalid value "class=" in "backup" directive, it must be names of classes, separated by commas in


=== a backup for a class twice
--- http_config
    llm_model gpt { route mock; backup plain class=chat,batch,chat; }
--- error_log
duplicate class "chat" in "class=chat,batch,chat" in


=== a backup twice
--- http_config
    llm_model gpt {
        route   mock;
        backup  plain class=chat;
        backup  plain class=batch;
    }
--- error_log
duplicate backup "plain" (first in


=== a backup with an unknown parameter
--- http_config
    llm_model gpt { route mock; backup plain on=5xx; }
--- error_log
unknown parameter "on=5xx" in "backup" directive, it must be "class=" in


=== two backups in one line
--- http_config
    llm_model gpt { route mock; backup plain large small; }
--- error_log
invalid number of arguments in "backup" directive in
