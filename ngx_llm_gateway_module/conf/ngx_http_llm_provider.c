
#include "ngx_http_llm_provider.h"
#include "ngx_http_llm_block.h"
#include "ngx_http_llm_lookup.h"
#include "ngx_http_llm_model.h"


#define NGX_HTTP_LLM_CONNECT_TIMEOUT     5000
#define NGX_HTTP_LLM_FIRST_BYTE_TIMEOUT  120000
#define NGX_HTTP_LLM_IDLE_TIMEOUT        60000


static ngx_http_llm_provider_t *ngx_http_llm_provider_create(ngx_conf_t *cf,
    ngx_http_llm_main_conf_t *lmcf, ngx_str_t *name);
static char *ngx_http_llm_provider_finish(ngx_conf_t *cf,
    ngx_http_llm_provider_block_t *block);
static void ngx_http_llm_provider_host(ngx_http_llm_provider_block_t *block);

static char *ngx_http_llm_provider_pass(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
static char *ngx_http_llm_provider_pass_base(ngx_conf_t *cf,
    ngx_http_llm_provider_t *p, ngx_url_t *u);
static char *ngx_http_llm_provider_set_host(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
static char *ngx_http_llm_provider_tag(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
static char *ngx_http_llm_provider_api(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
static char *ngx_http_llm_provider_timeout(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
static char *ngx_http_llm_provider_tls_ca(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);


static ngx_http_llm_directive_t  ngx_http_llm_provider_directives[] = {

    { ngx_string("protocol"), 1, 2, ngx_http_llm_credential_set_protocol, 0 },

    { ngx_string("api"), 1, 1, ngx_http_llm_provider_api, 0 },

    { ngx_string("api_version"), 1, 1, ngx_http_llm_block_set_name,
      offsetof(ngx_http_llm_provider_t, api_version) },

    { ngx_string("pass"), 1, 1, ngx_http_llm_provider_pass, 0 },

    { ngx_string("host"), 1, 1, ngx_http_llm_provider_set_host, 0 },

    { ngx_string("api_key"), 1, 1, ngx_http_llm_credential_set_api_key, 0 },

    { ngx_string("credential"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_cloud_set_credential, 0 },

    { ngx_string("header"), 2, 2, ngx_http_llm_credential_set_header, 0 },

    { ngx_string("tag"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_provider_tag, 0 },

    { ngx_string("timeout"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_provider_timeout, 0 },

    { ngx_string("limit"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_capacity_set_limit, 0 },

    { ngx_string("check"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_capacity_set_check, 0 },

    { ngx_string("tls_verify"), 1, 1, ngx_http_llm_block_set_flag,
      offsetof(ngx_http_llm_provider_t, tls_verify) },

    { ngx_string("tls_ca"), 1, 1, ngx_http_llm_provider_tls_ca, 0 },

      ngx_http_llm_directive_null
};


char *
ngx_http_llm_provider_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_llm_main_conf_t *lmcf = conf;

    char                     *rv;
    ngx_str_t                *value;
    ngx_http_llm_provider_t  *p;

    value = cf->args->elts;

    p = ngx_http_llm_provider_create(cf, lmcf, &value[1]);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    rv = ngx_http_llm_block_parse(cf, ngx_http_llm_provider_directives, p);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_http_llm_provider_finish(cf,
                                        (ngx_http_llm_provider_block_t *) p);
}


static ngx_http_llm_provider_t *
ngx_http_llm_provider_create(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf,
    ngx_str_t *name)
{
    ngx_http_llm_lookup_t          *lookup;
    ngx_http_llm_provider_t        *p, **pp;
    ngx_http_llm_provider_block_t  *block;

    if (ngx_http_llm_block_check_name(cf, name, NGX_HTTP_LLM_NAME_MAX)
        != NGX_OK)
    {
        return NULL;
    }

    lookup = lmcf->lookup;
    lookup->used = 1;

    p = ngx_http_llm_lookup_find(&lookup->providers, name->data, name->len);

    if (p) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate llm_provider \"%V\" (first in %s:%ui)",
                           name, p->place.file, p->place.line);
        return NULL;
    }

    block = ngx_pcalloc(cf->pool, sizeof(ngx_http_llm_provider_block_t));
    if (block == NULL) {
        return NULL;
    }

    p = &block->provider;

    p->name = *name;
    p->tls_verify = NGX_CONF_UNSET;
    p->connect_timeout = NGX_CONF_UNSET_MSEC;
    p->first_byte_timeout = NGX_CONF_UNSET_MSEC;
    p->idle_timeout = NGX_CONF_UNSET_MSEC;
    p->index = lmcf->providers.nelts;

    ngx_http_llm_block_place(cf, &p->place);

    if (ngx_array_init(&p->headers, cf->pool, 2, sizeof(ngx_keyval_t))
        != NGX_OK)
    {
        return NULL;
    }

    if (ngx_array_init(&p->tags, cf->pool, 2, sizeof(ngx_keyval_t))
        != NGX_OK)
    {
        return NULL;
    }

    if (ngx_array_init(&block->header_places, cf->pool, 2,
                       sizeof(ngx_http_llm_place_t))
        != NGX_OK)
    {
        return NULL;
    }

    pp = ngx_array_push(&lmcf->providers);
    if (pp == NULL) {
        return NULL;
    }

    *pp = p;

    if (ngx_http_llm_lookup_add(cf, &lookup->providers, p->name.data,
                                p->name.len, p)
        != NGX_OK)
    {
        return NULL;
    }

    return p;
}


static char *
ngx_http_llm_provider_finish(ngx_conf_t *cf,
    ngx_http_llm_provider_block_t *block)
{
    llm_str_t                 host;
    ngx_http_llm_provider_t  *p;

    p = &block->provider;

    if (p->protocol == LLM_PROTOCOL_NONE) {
        return ngx_http_llm_block_error(cf, &p->place,
                          "no \"protocol\" in llm_provider \"%V\"", &p->name);
    }

    if (p->api != LLM_DIALECT_NONE && p->protocol != LLM_PROTOCOL_OPENAI) {
        return ngx_http_llm_block_error(cf, &p->place,
                          "\"api\" in llm_provider \"%V\" is for protocol "
                          "\"openai\"", &p->name);
    }

    if (p->api_version.len && !(p->quirks & LLM_QUIRK(AZURE))) {
        return ngx_http_llm_block_error(cf, &p->place,
                          "\"api_version\" in llm_provider \"%V\" is for "
                          "\"protocol openai quirks=azure\"", &p->name);
    }

    if (p->pass.data == NULL) {
        return ngx_http_llm_block_error(cf, &p->place,
                              "no \"pass\" in llm_provider \"%V\"", &p->name);
    }

    ngx_conf_init_value(p->tls_verify, 1);
    ngx_conf_init_msec_value(p->connect_timeout, NGX_HTTP_LLM_CONNECT_TIMEOUT);
    ngx_conf_init_msec_value(p->first_byte_timeout,
                             NGX_HTTP_LLM_FIRST_BYTE_TIMEOUT);
    ngx_conf_init_msec_value(p->idle_timeout, NGX_HTTP_LLM_IDLE_TIMEOUT);

    ngx_http_llm_provider_host(block);

    if (p->protocol == LLM_PROTOCOL_OPENAI) {
        host.len = p->tls_name.len;
        host.data = p->tls_name.data;

        p->quirks |= llm_quirk_of_host(&host);
    }

    if (ngx_http_llm_cloud_finish(cf, p) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_llm_upstream_finish(cf, p) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_llm_credential_finish(cf, block);
}


static char *
ngx_http_llm_provider_api(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_provider_t *p = object;

    ngx_str_t  *value;

    if (p->api != LLM_DIALECT_NONE) {
        return "is duplicate";
    }

    value = cf->args->elts;

    p->api = ngx_http_llm_route_api(&value[1]);

    if (p->api == LLM_DIALECT_NONE) {
        return ngx_http_llm_block_invalid(cf, &value[1],
                                          "\"chat\" or \"responses\"");
    }

    return NGX_CONF_OK;
}


static void
ngx_http_llm_provider_host(ngx_http_llm_provider_block_t *block)
{
    u_char                   *p, *last;
    ngx_http_llm_provider_t  *provider;

    provider = &block->provider;

    if (provider->host.data == NULL) {
        provider->host = block->pass_host;
    }

    provider->tls_name = provider->host;

    p = provider->host.data;
    last = p + provider->host.len;

    if (p < last && *p == '[') {
        p = ngx_strlchr(p, last, ']');
        if (p == NULL) {
            return;
        }
    }

    p = ngx_strlchr(p, last, ':');

    if (p) {
        provider->tls_name.len = p - provider->tls_name.data;
    }
}


static char *
ngx_http_llm_provider_pass(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_provider_block_t *block = object;

    size_t                    add;
    u_char                    c;
    ngx_str_t                *value;
    ngx_url_t                 u;
    ngx_uint_t                i;
    ngx_http_llm_provider_t  *p;

    p = &block->provider;

    if (p->pass.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 0; i < value[1].len; i++) {
        c = value[1].data[i];

        if (c <= ' ' || c >= 0x7f || c == '?' || c == '#' || c == '$'
            || c == '@' || c == '"' || c == '\\')
        {
            return ngx_http_llm_block_invalid(cf, &value[1],
                       "scheme, server and base path without query, "
                       "fragment, variables and credentials");
        }
    }

    ngx_memzero(&u, sizeof(ngx_url_t));

    if (value[1].len > 7
        && ngx_strncasecmp(value[1].data, (u_char *) "http://", 7) == 0)
    {
        add = 7;
        u.default_port = 80;

    } else if (value[1].len > 8
               && ngx_strncasecmp(value[1].data, (u_char *) "https://", 8)
                  == 0)
    {
        add = 8;
        u.default_port = 443;
        p->tls = 1;

    } else {
        return ngx_http_llm_block_invalid(cf, &value[1],
                       "\"http://\" or \"https://\" with an upstream, a host "
                       "or \"unix:PATH:\", and a base path");
    }

    p->pass = value[1];

    u.url.len = value[1].len - add;
    u.url.data = value[1].data + add;
    u.uri_part = 1;
    u.no_resolve = 1;

    /* here, not in init_main_conf: nginx resolves its upstreams before */

    p->upstream = ngx_http_upstream_add(cf, &u, 0);
    if (p->upstream == NULL) {
        return NGX_CONF_ERROR;
    }

    if (u.family == AF_UNIX) {
        ngx_str_set(&block->pass_host, "localhost");

    } else {
        block->pass_host = u.host;

        if (!u.no_port && u.port != u.default_port) {
            block->pass_host.len += 1 + u.port_text.len;
        }
    }

    return ngx_http_llm_provider_pass_base(cf, p, &u);
}


static char *
ngx_http_llm_provider_pass_base(ngx_conf_t *cf, ngx_http_llm_provider_t *p,
    ngx_url_t *u)
{
    if (u->uri.len && u->uri.data[0] != '/') {
        return ngx_http_llm_block_invalid(cf, &p->pass,
                                      "a URL whose base path starts with "
                                      "\"/\"");
    }

    p->base = u->uri;

    while (p->base.len && p->base.data[p->base.len - 1] == '/') {
        p->base.len--;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_provider_set_host(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_provider_t *p = object;

    u_char       c;
    ngx_str_t   *value;
    ngx_uint_t   i;

    if (p->host.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 0; i < value[1].len; i++) {
        c = value[1].data[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
            || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_'
            || c == ':' || c == '[' || c == ']')
        {
            continue;
        }

        break;
    }

    if (i == 0 || i < value[1].len) {
        return ngx_http_llm_block_invalid(cf, &value[1],
                                          "a host name with an optional port");
    }

    p->host = value[1];

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_provider_tag(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_provider_t *p = object;

    return ngx_http_llm_block_tags(cf, &p->tags);
}


static char *
ngx_http_llm_provider_timeout(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_provider_t *p = object;

    ngx_int_t    ms;
    ngx_str_t   *word, key, value;
    ngx_uint_t   n;
    ngx_msec_t  *field;

    word = cf->args->elts;

    for (n = 1; n < cf->args->nelts; n++) {

        field = NULL;

        if (ngx_http_llm_block_pair(&word[n], &key, &value) == NGX_OK) {

            if (llm_str_is(&key, "connect")) {
                field = &p->connect_timeout;

            } else if (llm_str_is(&key, "first_byte")) {
                field = &p->first_byte_timeout;

            } else if (llm_str_is(&key, "idle")) {
                field = &p->idle_timeout;
            }
        }

        if (field == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "unknown parameter \"%V\" in \"timeout\" "
                               "directive, it must be \"connect=\", "
                               "\"first_byte=\" or \"idle=\"", &word[n]);
            return NGX_CONF_ERROR;
        }

        if (*field != NGX_CONF_UNSET_MSEC) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate parameter \"%V\"", &word[n]);
            return NGX_CONF_ERROR;
        }

        ms = ngx_parse_time(&value, 0);

        if (ms == NGX_ERROR || ms == 0) {
            return ngx_http_llm_block_invalid(cf, &word[n],
                                              "a time above 0, like \"5s\"");
        }

        *field = (ngx_msec_t) ms;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_provider_tls_ca(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_provider_t *p = object;

    ngx_str_t  *value;

    if (p->tls_ca.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    p->tls_ca = value[1];

    return ngx_http_llm_upstream_check_ca(cf, &p->tls_ca);
}


char *
ngx_http_llm_provider_init(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf)
{
    u_char                    *p;
    ngx_str_t                  text;
    ngx_uint_t                 i;
    ngx_http_llm_provider_t  **provider;

    static ngx_str_t  label = ngx_string("llm id");

    provider = lmcf->providers.elts;

    for (i = 0; i < lmcf->providers.nelts; i++) {

        if (lmcf->id_secret.len) {
            provider[i]->sign_secret = lmcf->id_secret;
            continue;
        }

        if (provider[i]->api_key.len == 0) {
            continue;
        }

        text.len = label.len + provider[i]->api_key.len;
        text.data = ngx_pnalloc(cf->temp_pool, text.len);
        if (text.data == NULL) {
            return NGX_CONF_ERROR;
        }

        p = ngx_cpymem(text.data, label.data, label.len);
        (void) ngx_cpymem(p, provider[i]->api_key.data,
                          provider[i]->api_key.len);

        p = ngx_pnalloc(cf->pool, NGX_LLM_DIGEST_LEN);
        if (p == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_llm_secret_digest(&text, p);
        ngx_explicit_memzero(text.data, text.len);

        provider[i]->sign_secret.len = NGX_LLM_DIGEST_LEN;
        provider[i]->sign_secret.data = p;
    }

    return NGX_CONF_OK;
}
