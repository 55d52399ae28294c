# llm_key: each mistake, and that messages show no secret.

use lib 't/lib';
use LLM::Conf;

plan('no_plan');
no_long_string();
no_shuffle();
run_tests();

__DATA__

=== a key needs a secret
--- http_config
    llm_key caller { models *; }
--- error_log
no "secret" in llm_key "caller" in


=== keys have names of their own
--- http_config
    llm_key caller { secret plain:a; }
    llm_key caller { secret plain:b; }
--- error_log
duplicate llm_key "caller" (first in


=== keys have secrets of their own, in whatever form
--- http_config
    llm_key one {
        secret  plain:test;
    }
    llm_key two {
        secret  plain:other;
        secret  sha256:9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08;
    }
--- error_log
llm_key "two" has the same secret as llm_key "one" (in


=== one key has each secret once
--- http_config
    llm_key one {
        secret  plain:test until=2031-01-01;
        secret  plain:test;
    }
--- error_log
llm_key "one" has the same secret as llm_key "one" (in


=== a secret without a form is not shown
--- http_config
    llm_key caller { secret sk-very-secret; }
--- error_log
invalid value in "secret" directive, it must be "sha256:" with 64 hexadecimal digits, "env:NAME", "file:PATH" or "plain:TEXT" in
--- no_error_log
sk-very-secret


=== a digest that is too short
--- http_config
    llm_key caller { secret sha256:9f86d081; }
--- error_log
invalid value in "secret" directive, it must be "sha256:" with 64 hexadecimal digits


=== a digest that is not hexadecimal
--- http_config
    llm_key caller { secret sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00axx; }
--- error_log
invalid value in "secret" directive, it must be "sha256:" with 64 hexadecimal digits


=== a secret from an environment that lacks it
--- http_config
    llm_key caller { secret env:LLM_CONF_NOT_SET; }
--- error_log
LLM_CONF_NOT_SET


=== a secret from a file that is not there
--- http_config
    llm_key caller { secret file:/no/such/secret; }
--- error_log
"/no/such/secret" failed (2: No such file or directory) in


=== a secret from an empty file
--- user_files eval
[["empty.txt", "\n"]]
--- http_config
    llm_key caller { secret file:$TEST_NGINX_HTML_DIR/empty.txt; }
--- error_log
empty


=== a secret with an unknown parameter
--- http_config
    llm_key caller { secret plain:a from=2031-01-01; }
--- error_log
unknown parameter "from=2031-01-01" in "secret" directive, it must be "until=" in


=== a secret until a day that does not exist
--- http_config
    llm_key caller { secret plain:a until=2027-02-29; }
--- error_log
invalid value "until=2027-02-29" in "secret" directive, it must be a UTC date YYYY-MM-DD or a time YYYY-MM-DDTHH:MM:SSZ in


=== February 29 of a leap year exists
--- http_config
    llm_key caller { secret plain:a until=2028-02-29; expires 2400-02-29; }
--- request
GET /t


=== a secret until an hour that does not exist
--- http_config
    llm_key caller { secret plain:a until=2027-02-28T24:00:00Z; }
--- error_log
invalid value "until=2027-02-28T24:00:00Z" in "secret" directive


=== expires with another way to write dates
--- http_config
    llm_key caller { expires 31.12.2027; }
--- error_log
invalid value "31.12.2027" in "expires" directive, it must be a UTC date YYYY-MM-DD or a time YYYY-MM-DDTHH:MM:SSZ in


=== expires without its zone
--- http_config
    llm_key caller { expires 2027-12-31T00:00:00; }
--- error_log
invalid value "2027-12-31T00:00:00" in "expires" directive


=== expires twice
--- http_config
    llm_key caller { expires 2027-12-31; expires 2028-12-31; }
--- error_log
"expires" directive is duplicate in


=== an owner twice
--- http_config
    llm_key caller { owner a; owner b; }
--- error_log
"owner" directive is duplicate in


=== an owner that logs could not hold
--- http_config
    llm_key caller { owner "a\"b"; }
--- error_log
in "owner" directive, it must be 1 to 128 printable ASCII characters


=== what keys do not have
--- http_config
    llm_key caller { retry 1; }
--- error_log
unknown directive "retry" in


=== a model by regular expression
--- http_config
    llm_key caller { models ~^gpt; }
--- error_log
invalid value "~^gpt" in "models" directive, it must be a model's name or a pattern with "*" in


=== models of nothing
--- http_config
    llm_key caller { deny; }
--- error_log
invalid number of arguments in "deny" directive in


=== an unknown endpoint
--- http_config
    llm_key caller { endpoint all; }
--- error_log
invalid value "all" in "endpoint" directive, it must be "chat",


=== an unknown class
--- http_config
    llm_key caller { secret plain:a; class chat; }
--- error_log
unknown class "chat" in llm_key "caller", no llm_class has this name in


=== a class twice
--- http_config
    llm_key caller { class default; class default; }
--- error_log
"class" directive is duplicate in


=== a network that is none
--- http_config
    llm_key caller { cidr 10.0.0.0/40; }
--- error_log
invalid value "10.0.0.0/40" in "cidr" directive, it must be an address or a network, like "10.0.0.0/8" or "2001:db8::/32" in


=== a network with bits behind its mask
--- http_config
    llm_key caller { secret plain:a; cidr 10.1.2.3/8; }
--- request
GET /t
--- error_log
low address bits of 10.1.2.3/8 are meaningless in


=== a key is active or it is not
--- http_config
    llm_key caller { active yes; }
--- error_log
invalid value "yes" in "active" directive, it must be "on" or "off" in
