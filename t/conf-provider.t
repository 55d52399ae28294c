# llm_provider: each mistake, and who may share an upstream block.

use lib 't/lib';
use LLM::Conf;

plan('no_plan');
no_long_string();
no_shuffle();
run_tests();

__DATA__

=== a provider needs a protocol
--- http_config
    llm_provider one {
        pass  http://127.0.0.1:1;
    }
--- error_log
no "protocol" in llm_provider "one" in


=== a provider needs a pass
--- http_config
    llm_provider one {
        protocol  openai;
    }
--- error_log
no "pass" in llm_provider "one" in


=== the place of an incomplete provider is its first line
--- user_files
>>> provider.conf

llm_provider one {
    protocol  openai;


}
--- http_config
    include $TEST_NGINX_HTML_DIR/provider.conf;
--- error_log
html/provider.conf:2


=== providers have names of their own
--- http_config
    $TEST_NGINX_PROVIDER
    llm_provider mock { protocol openai; pass http://127.0.0.1:2; }
--- error_log
duplicate llm_provider "mock" (first in


=== an unknown protocol
--- http_config
    llm_provider one { protocol ollama; pass http://127.0.0.1:1; }
--- error_log
invalid value "ollama" in "protocol" directive, it must be "openai", "anthropic", "gemini" or "bedrock" in


=== two protocols
--- http_config
    llm_provider one { protocol openai; protocol gemini; }
--- error_log
"protocol" directive is duplicate in


=== a protocol with a word too much
--- http_config
    llm_provider one { protocol openai v1; }
--- error_log
invalid value "v1" in "protocol" directive, it must be "quirks=NAME,..." in


=== a forgotten semicolon
--- http_config
    llm_provider one {
        protocol openai
        pass http://127.0.0.1:1;
    }
--- error_log
invalid number of arguments in "protocol" directive in


=== what providers do not have
--- http_config
    llm_provider one { retries 3; }
--- error_log
unknown directive "retries" in


=== a pass without a scheme
--- http_config
    llm_provider one { protocol openai; pass api.openai.com/v1; }
--- error_log
invalid value "api.openai.com/v1" in "pass" directive, it must be "http://" or "https://" with an upstream


=== a pass with another scheme
--- http_config
    llm_provider one { protocol openai; pass ftp://127.0.0.1/v1; }
--- error_log
invalid value "ftp://127.0.0.1/v1" in "pass" directive


=== a pass with a query
--- http_config
    llm_provider one { protocol openai; pass http://127.0.0.1/v1?a=b; }
--- error_log
invalid value "http://127.0.0.1/v1?a=b" in "pass" directive, it must be scheme, server and base path without query, fragment, variables and credentials in


=== a pass with a fragment
--- http_config
    llm_provider one { protocol openai; pass http://127.0.0.1/v1#here; }
--- error_log
invalid value "http://127.0.0.1/v1#here" in "pass" directive


=== a pass with a variable
--- http_config
    llm_provider one { protocol openai; pass http://$host/v1; }
--- error_log
invalid value "http://$host/v1" in "pass" directive


=== a pass with credentials
--- http_config
    llm_provider one { protocol openai; pass http://user:word@127.0.0.1/v1; }
--- error_log
invalid value "http://user:word@127.0.0.1/v1" in "pass" directive


=== a pass without a host
--- http_config
    llm_provider one { protocol openai; pass http:///v1; }
--- error_log
no host in upstream "/v1" in


=== a pass with an impossible port
--- http_config
    llm_provider one { protocol openai; pass http://127.0.0.1:70000/v1; }
--- error_log
invalid port in upstream "127.0.0.1:70000/v1" in


=== a socket with a base path that is none
--- http_config
    llm_provider one { protocol openai; pass http://unix:/tmp/s:v1; }
--- error_log
a URL whose base path starts with "/"


=== two passes
--- http_config
    llm_provider one { pass http://127.0.0.1:1; pass http://127.0.0.1:2; }
--- error_log
"pass" directive is duplicate in


=== a host that cannot be found is told with the line of its pass
--- user_files
>>> provider.conf
llm_provider one {
    protocol openai;
    pass https://no-such-host.invalid/v1;
}
--- http_config
    include $TEST_NGINX_HTML_DIR/provider.conf;
--- error_log
host not found in upstream "no-such-host.invalid" in
html/provider.conf:3


=== a port beside an upstream block
--- http_config
    upstream block { server 127.0.0.1:1; }
    llm_provider one { protocol openai; pass http://block:8080/v1; }
--- error_log
upstream "block" may not have port 8080 in


=== a host with a line break
--- http_config
    llm_provider one { host "a
b"; }
--- error_log
in "host" directive, it must be a host name with an optional port in


=== a host with a path
--- http_config
    llm_provider one { host api.openai.com/v1; }
--- error_log
invalid value "api.openai.com/v1" in "host" directive, it must be a host name with an optional port in


=== a key from an environment that lacks it
--- http_config
    llm_provider one { api_key env:LLM_CONF_NOT_SET; }
--- error_log
LLM_CONF_NOT_SET


=== a key from a file that is not there
--- http_config
    llm_provider one { api_key file:/no/such/key; }
--- error_log
"/no/such/key" failed (2: No such file or directory) in


=== a key with a line break, which is not shown
--- http_config
    llm_provider one { api_key "sk-top
secret"; }
--- error_log
invalid value in "api_key" directive, the key must be printable ASCII without spaces in
--- no_error_log
sk-top


=== an empty key
--- http_config
    llm_provider one { api_key ""; }
--- error_log
secret is empty in


=== two keys
--- http_config
    llm_provider one { api_key a; api_key b; }
--- error_log
"api_key" directive is duplicate in


=== headers that the gateway sets itself
--- http_config
    llm_provider one { header transfer-encoding chunked; }
--- error_log
invalid value "transfer-encoding" in "header" directive, it must be a header that the gateway does not set itself in


=== a header whose name is no token
--- http_config
    llm_provider one { header "X Y" z; }
--- error_log
invalid value "X Y" in "header" directive, it must be a header name in


=== a header with a line break
--- http_config
    llm_provider one { header X-A "b
X-C: d"; }
--- error_log
in "header" directive, it must be text without control characters in


=== a header without a value
--- http_config
    llm_provider one { header X-A; }
--- error_log
invalid number of arguments in "header" directive in


=== a header twice
--- http_config
    llm_provider one { header X-A b; header x-a c; }
--- error_log
duplicate header "x-a" in


=== a header that is the credential, though the protocol comes later
--- user_files
>>> provider.conf
llm_provider one {
    header    authorization "Bearer x";
    pass      http://127.0.0.1:1;
    protocol  openai;
}
--- http_config
    include $TEST_NGINX_HTML_DIR/provider.conf;
--- error_log
header "authorization" holds the credential of protocol "openai", it is set by "api_key" in
html/provider.conf:2


=== the credential's header of another protocol is none
--- http_config
    llm_provider one {
        protocol  anthropic;
        pass      http://127.0.0.1:1;
        header    Authorization "Bearer x";
    }
--- request
GET /t


=== a tag without a value
--- http_config
    llm_provider one { tag region; }
--- error_log
invalid value "region" in "tag" directive, it must be NAME=VALUE in


=== a tag twice
--- http_config
    llm_provider one { tag region=eu; tag region=us; }
--- error_log
duplicate tag "region" in


=== an unknown timeout
--- http_config
    llm_provider one { timeout read=3s; }
--- error_log
unknown parameter "read=3s" in "timeout" directive, it must be "connect=", "first_byte=" or "idle=" in


=== a timeout that is no time
--- http_config
    llm_provider one { timeout idle=3 connect=fast; }
--- error_log
invalid value "connect=fast" in "timeout" directive, it must be a time above 0, like "5s" in


=== a timeout of nothing
--- http_config
    llm_provider one { timeout idle=0; }
--- error_log
invalid value "idle=0" in "timeout" directive


=== a timeout twice
--- http_config
    llm_provider one { timeout idle=1s; timeout idle=2s; }
--- error_log
duplicate parameter "idle=2s" in


=== tls_verify is on or off
--- http_config
    llm_provider one { tls_verify optional; }
--- error_log
invalid value "optional" in "tls_verify" directive, it must be "on" or "off" in


=== a CA file that is not there
--- http_config
    llm_provider one { tls_ca /no/such/ca.pem; }
--- error_log
open() "/no/such/ca.pem" failed (2: No such file or directory) in


=== a CA file without certificates
--- user_files
>>> ca.pem
nothing of the kind
--- http_config
    llm_provider one {
        protocol  openai;
        pass      https://127.0.0.1:1;
        tls_ca    $TEST_NGINX_HTML_DIR/ca.pem;
    }
--- error_log
TLS of llm_provider "one" cannot be set up in


=== providers of one block may differ in all but TLS
--- http_config
    upstream block { server 127.0.0.1:1; }
    llm_provider one {
        protocol openai; pass https://block/v1; host a.example;
        api_key a; timeout connect=1s;
    }
    llm_provider two {
        protocol anthropic; pass https://block/v2; host A.example:443;
        api_key b; timeout connect=2s;
    }
--- request
GET /t


=== providers of one block must not differ in their scheme
--- http_config
    upstream block { server 127.0.0.1:1; }
    llm_provider one { protocol openai; pass https://block; host a.example; }
    llm_provider two { protocol openai; pass http://block; host a.example; }
--- error_log
share upstream "block" but differ in scheme, use an upstream block for each in


=== providers of one block must not differ in the name they verify
--- http_config
    llm_provider one { protocol openai; pass https://block; host a.example; }
    llm_provider two { protocol openai; pass https://block; host b.example; }
    upstream block { server 127.0.0.1:1; }
--- error_log
llm_provider "two" and llm_provider "one" in
share upstream "block" but differ in TLS name ("host"), use an upstream block for each in


=== providers of one block must not differ in whether they verify
--- http_config
    upstream block { server 127.0.0.1:1; }
    llm_provider one { protocol openai; pass https://block; }
    llm_provider two { protocol openai; pass https://block; tls_verify off; }
--- error_log
share upstream "block" but differ in "tls_verify"


=== providers of one block must not differ in whom they trust
--- http_config
    upstream block { server 127.0.0.1:1; }
    llm_provider one { protocol openai; pass https://block; }
    llm_provider two {
        protocol openai; pass https://block;
        tls_ca /etc/ssl/certs/../certs/ca-certificates.crt;
    }
--- error_log
share upstream "block" but differ in "tls_ca"


=== providers of one address are like those of one block
--- http_config
    llm_provider one { protocol openai; pass https://127.0.0.1:1; host a; }
    llm_provider two { protocol openai; pass https://127.0.0.1:1; host b; }
--- error_log
share upstream "127.0.0.1" but differ in TLS name


=== what an account can take, and its probe
--- http_config
    llm_provider one {
        protocol  openai;
        pass      http://127.0.0.1:8001/v1;
        limit     rpm=5000 tpm=2m;
        limit     inflight=500;
        check     interval=500ms rise=1 fall=1000;
    }
    llm_provider two {
        protocol  openai;
        pass      http://127.0.0.1:8001/v1;
        limit     inflight=1k;
        check     rise=2;
    }
    llm_provider three {
        protocol  openai;
        pass      http://127.0.0.1:8001/v1;
        check     off;
    }
--- request
GET /t


=== a limit of what accounts do not count
--- http_config
    llm_provider one { limit rpm=10 rps=1; }
--- error_log
unknown parameter "rps=1" in "limit" directive, it must be "rpm=", "tpm=" or "inflight=" in


=== a limit without its unit
--- http_config
    llm_provider one { limit 100; }
--- error_log
unknown parameter "100" in "limit" directive, it must be "rpm=", "tpm=" or "inflight=" in


=== a limit of nothing
--- http_config
    llm_provider one { limit inflight=0; }
--- error_log
invalid value "inflight=0" in "limit" directive, it must be a count above 0, like "tpm=2m" in


=== a limit that is no count
--- http_config
    llm_provider one { limit tpm=2g; }
--- error_log
invalid value "tpm=2g" in "limit" directive, it must be a count above 0, like "tpm=2m" in


=== a limit twice, in two lines
--- http_config
    llm_provider one { limit rpm=10 tpm=1k; limit rpm=10; }
--- error_log
duplicate parameter "rpm=10" in


=== a probe without a word
--- http_config
    llm_provider one { check; }
--- error_log
invalid number of arguments in "check" directive in


=== a probe all the time
--- http_config
    llm_provider one { check interval=0; }
--- error_log
invalid value "interval=0" in "check" directive, it must be a time above 0, like "interval=5s" in


=== a probe that never rises
--- http_config
    llm_provider one { check rise=0; }
--- error_log
invalid value "rise=0" in "check" directive, it must be a number from 1 to 1000 in


=== a probe that falls after too many
--- http_config
    llm_provider one { check fall=1001; }
--- error_log
invalid value "fall=1001" in "check" directive, it must be a number from 1 to 1000 in


=== a probe with the same parameter twice
--- http_config
    llm_provider one { check fall=3 interval=1s interval=2s; }
--- error_log
duplicate parameter "interval=2s" in


=== a probe with an unknown parameter
--- http_config
    llm_provider one { check uri=/health; }
--- error_log
unknown parameter "uri=/health" in "check" directive, it must be "interval=", "rise=" or "fall=", or "off" alone in


=== a probe that is off has nothing else
--- http_config
    llm_provider one { check off fall=3; }
--- error_log
unknown parameter "fall=3" in "check" directive


=== a probe on and off
--- http_config
    llm_provider one { check off; check interval=5s; }
--- error_log
"check" directive is duplicate in
