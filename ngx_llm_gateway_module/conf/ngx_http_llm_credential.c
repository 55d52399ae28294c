
/*
 * What is known of a request's head before there is a request: extra headers
 * and the credential, in the protocol's own form.
 */


#include "ngx_http_llm_provider.h"
#include "ngx_http_llm_block.h"


typedef struct {
    ngx_str_t                  name;
    ngx_str_t                  header;        /* credential's name */
    ngx_str_t                  prefix;        /* and what it starts with */
} ngx_http_llm_protocol_t;


/* by llm_protocol_e */

static ngx_http_llm_protocol_t  ngx_http_llm_protocols[] = {

    { ngx_null_string, ngx_null_string, ngx_null_string },

    { ngx_string("openai"), ngx_string("Authorization"),
      ngx_string("Bearer ") },

    { ngx_string("anthropic"), ngx_string("x-api-key"), ngx_null_string },

    { ngx_string("gemini"), ngx_string("x-goog-api-key"), ngx_null_string },

    /* with a Bedrock API key; else requests are signed */

    { ngx_string("bedrock"), ngx_string("Authorization"),
      ngx_string("Bearer ") }
};

/* of Azure, whatever it speaks */

static ngx_http_llm_protocol_t  ngx_http_llm_azure =
    { ngx_string("openai"), ngx_string("api-key"), ngx_null_string };

#define NGX_HTTP_LLM_NPROTOCOLS                                               \
    (sizeof(ngx_http_llm_protocols) / sizeof(ngx_http_llm_protocol_t))


static char *ngx_http_llm_credential_quirks(ngx_conf_t *cf,
    ngx_http_llm_provider_t *p, ngx_str_t *word);


/* what the gateway itself says of a connection and a message */

static ngx_str_t  ngx_http_llm_own_headers[] = {
    ngx_string("Host"),
    ngx_string("Content-Length"),
    ngx_string("Transfer-Encoding"),
    ngx_string("Connection"),
    ngx_string("Keep-Alive"),
    ngx_string("TE"),
    ngx_string("Trailer"),
    ngx_string("Upgrade"),
    ngx_string("Expect"),
    ngx_null_string
};


char *
ngx_http_llm_credential_set_protocol(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object)
{
    ngx_http_llm_provider_t *p = object;

    ngx_str_t   *value, *name;
    ngx_uint_t   i;

    if (p->protocol != LLM_PROTOCOL_NONE) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = LLM_PROTOCOL_OPENAI; i < NGX_HTTP_LLM_NPROTOCOLS; i++) {

        name = &ngx_http_llm_protocols[i].name;

        if (value[1].len == name->len
            && ngx_strncmp(value[1].data, name->data, name->len) == 0)
        {
            p->protocol = i;

            return cf->args->nelts > 2
                   ? ngx_http_llm_credential_quirks(cf, p, &value[2])
                   : NGX_CONF_OK;
        }
    }

    return ngx_http_llm_block_invalid(cf, &value[1],
                                  "\"openai\", \"anthropic\", \"gemini\" or "
                                  "\"bedrock\"");
}


/* "quirks=NAME,...": what this provider does differently */

static char *
ngx_http_llm_credential_quirks(ngx_conf_t *cf, ngx_http_llm_provider_t *p,
    ngx_str_t *word)
{
    uint64_t   bits;
    ngx_str_t  key, list, name;

    if (ngx_http_llm_block_pair(word, &key, &list) != NGX_OK
        || !llm_str_is(&key, "quirks"))
    {
        return ngx_http_llm_block_invalid(cf, word, "\"quirks=NAME,...\"");
    }

    while (ngx_http_llm_block_item(&list, &name) == NGX_OK) {

        if (llm_quirk_by_name((llm_str_t *) &name, &bits) != LLM_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "unknown quirk \"%V\" in \"protocol\" "
                               "directive", &name);
            return NGX_CONF_ERROR;
        }

        p->quirks |= bits;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_llm_credential_set_api_key(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_provider_t *p = object;

    u_char       c;
    ngx_str_t   *value;
    ngx_uint_t   i;

    if (p->api_key.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_llm_secret_resolve(cf, &value[1], 1, &p->api_key) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < p->api_key.len; i++) {
        c = p->api_key.data[i];

        if (c <= ' ' || c >= 0x7f) {
            break;
        }
    }

    if (i == 0 || i < p->api_key.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value in \"api_key\" directive, the key "
                           "must be printable ASCII without spaces");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_llm_credential_set_header(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_provider_block_t *block = object;

    u_char                c;
    ngx_str_t            *value, *own;
    ngx_uint_t            i;
    ngx_keyval_t         *h;
    ngx_http_llm_place_t *place;

    value = cf->args->elts;

    for (i = 0; i < value[1].len; i++) {
        c = value[1].data[i];

        if (c <= ' ' || c >= 0x7f
            || ngx_strchr("\"(),/:;<=>?@[\\]{}", c) != NULL)
        {
            break;
        }
    }

    if (i == 0 || i < value[1].len) {
        return ngx_http_llm_block_invalid(cf, &value[1], "a header name");
    }

    for (own = ngx_http_llm_own_headers; own->len; own++) {

        if (value[1].len == own->len
            && ngx_strncasecmp(value[1].data, own->data, own->len) == 0)
        {
            return ngx_http_llm_block_invalid(cf, &value[1],
                                  "a header that the gateway does not set "
                                  "itself");
        }
    }

    for (i = 0; i < value[2].len; i++) {
        c = value[2].data[i];

        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return ngx_http_llm_block_invalid(cf, &value[2],
                                          "text without control characters");
        }
    }

    h = block->provider.headers.elts;

    for (i = 0; i < block->provider.headers.nelts; i++) {

        if (h[i].key.len == value[1].len
            && ngx_strncasecmp(h[i].key.data, value[1].data, value[1].len)
               == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate header \"%V\"", &value[1]);
            return NGX_CONF_ERROR;
        }
    }

    h = ngx_array_push(&block->provider.headers);
    if (h == NULL) {
        return NGX_CONF_ERROR;
    }

    h->key = value[1];
    h->value = value[2];

    place = ngx_array_push(&block->header_places);
    if (place == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_http_llm_block_place(cf, place);

    return NGX_CONF_OK;
}


/* all that is known of the request's head before there is a request */

char *
ngx_http_llm_credential_finish(ngx_conf_t *cf,
    ngx_http_llm_provider_block_t *block)
{
    size_t                    len;
    u_char                   *last;
    ngx_uint_t                i;
    ngx_keyval_t             *h;
    ngx_http_llm_place_t     *place;
    ngx_http_llm_protocol_t  *protocol;
    ngx_http_llm_provider_t  *p;

    p = &block->provider;
    protocol = (p->quirks & LLM_QUIRK(AZURE))
               ? &ngx_http_llm_azure : &ngx_http_llm_protocols[p->protocol];

    h = p->headers.elts;
    place = block->header_places.elts;
    len = 0;

    for (i = 0; i < p->headers.nelts; i++) {

        if (h[i].key.len == protocol->header.len
            && ngx_strncasecmp(h[i].key.data, protocol->header.data,
                               h[i].key.len)
               == 0)
        {
            return ngx_http_llm_block_error(cf, &place[i],
                                      "header \"%V\" holds the credential of "
                                      "protocol \"%V\", it is set by "
                                      "\"api_key\"", &h[i].key,
                                      &protocol->name);
        }

        len += h[i].key.len + h[i].value.len + sizeof(": " CRLF) - 1;
    }

    if (p->api_key.len) {
        len += protocol->header.len + protocol->prefix.len + p->api_key.len
               + sizeof(": " CRLF) - 1;
    }

    p->headers_text.data = ngx_pnalloc(cf->pool, len + 1);
    if (p->headers_text.data == NULL) {
        return NGX_CONF_ERROR;
    }

    last = p->headers_text.data;

    for (i = 0; i < p->headers.nelts; i++) {
        last = ngx_sprintf(last, "%V: %V" CRLF, &h[i].key, &h[i].value);
    }

    if (p->api_key.len) {
        last = ngx_sprintf(last, "%V: %V%V" CRLF, &protocol->header,
                           &protocol->prefix, &p->api_key);
    }

    p->headers_text.len = last - p->headers_text.data;

    return NGX_CONF_OK;
}
