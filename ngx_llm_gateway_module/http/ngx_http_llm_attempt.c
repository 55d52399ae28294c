
/*
 * One attempt: the subrequest's upstream and the request that goes out.  The
 * only file that touches u->conf before the answer and u->request_bufs.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_edit.h"
#include "ngx_http_llm_header.h"
#include "ngx_http_llm_module.h"
#include "ngx_http_llm_translate.h"


/* most heads fit, so that their buffer does not grow */
#define NGX_HTTP_LLM_HEAD_SIZE  1024

/* a body up to this is copied behind its head: each buf of its own, and each
   piece that is written, costs more than the copy */
#define NGX_HTTP_LLM_BODY_SIZE  4096


static ngx_int_t ngx_http_llm_attempt_create_request(ngx_http_request_t *r);
static ngx_int_t ngx_http_llm_attempt_bufs(ngx_http_llm_attempt_t *at,
    ngx_http_llm_edits_t *edits, ngx_uint_t small, llm_buf_t *b);
static ngx_int_t ngx_http_llm_attempt_lend(ngx_http_request_t *r);
static ngx_int_t ngx_http_llm_attempt_reinit_request(ngx_http_request_t *r);
static void ngx_http_llm_attempt_abort_request(ngx_http_request_t *r);
static ngx_int_t ngx_http_llm_attempt_uri(ngx_http_llm_attempt_t *at,
    llm_buf_t *b);
static int ngx_http_llm_attempt_path(ngx_http_llm_attempt_t *at,
    llm_str_t *id, llm_buf_t *b);
static ngx_uint_t ngx_http_llm_attempt_has(ngx_http_llm_attempt_t *at,
    u_char *name, size_t len);
static void ngx_http_llm_attempt_args(ngx_str_t *args, llm_buf_t *b);
static ngx_int_t ngx_http_llm_attempt_headers(ngx_http_llm_attempt_t *at,
    llm_buf_t *b);
static ngx_uint_t ngx_http_llm_attempt_keeps(ngx_http_llm_attempt_t *at,
    ngx_table_elt_t *h);
static ngx_uint_t ngx_http_llm_attempt_neutral(ngx_table_elt_t *h);
static void ngx_http_llm_attempt_connection(ngx_http_llm_attempt_t *at,
    llm_buf_t *b);
static ngx_uint_t ngx_http_llm_attempt_hop(llm_buf_t *names,
    ngx_table_elt_t *h);


/* client headers that never travel on */

static const ngx_http_llm_header_name_t  ngx_http_llm_dropped_headers[] = {

    /* hop by hop, or said anew */

    ngx_http_llm_header_name("host"),
    ngx_http_llm_header_name("content-length"),
    ngx_http_llm_header_name("connection"),
    ngx_http_llm_header_name("keep-alive"),
    ngx_http_llm_header_name("te"),
    ngx_http_llm_header_name("trailer"),
    ngx_http_llm_header_name("transfer-encoding"),
    ngx_http_llm_header_name("upgrade"),
    ngx_http_llm_header_name("http2-settings"),
    ngx_http_llm_header_name("expect"),
    ngx_http_llm_header_name("accept-encoding"),
    ngx_http_llm_header_prefix("proxy-"),

    /* the caller's credentials and identity */

    ngx_http_llm_header_name("authorization"),
    ngx_http_llm_header_name("x-api-key"),
    ngx_http_llm_header_name("x-goog-api-key"),
    ngx_http_llm_header_name("api-key"),
    ngx_http_llm_header_name("cookie"),
    ngx_http_llm_header_name("openai-organization"),
    ngx_http_llm_header_name("openai-project"),
    ngx_http_llm_header_name("x-goog-user-project"),
    ngx_http_llm_header_name("forwarded"),
    ngx_http_llm_header_name("via"),
    ngx_http_llm_header_name("x-real-ip"),
    ngx_http_llm_header_name("origin"),
    ngx_http_llm_header_name("referer"),
    ngx_http_llm_header_prefix("x-forwarded-"),
    ngx_http_llm_header_prefix("x-claude-code-"),
    ngx_http_llm_header_prefix("x-llm-"),

    /* an answer of "not modified" would be none */

    ngx_http_llm_header_prefix("if-"),

    ngx_http_llm_header_end
};


static ngx_http_llm_header_names_t  ngx_http_llm_dropped =
    ngx_http_llm_header_names(ngx_http_llm_dropped_headers);


ngx_int_t
ngx_http_llm_attempt_handler(ngx_http_request_t *r, ngx_http_llm_attempt_t *at)
{
    ngx_int_t                 rc;
    ngx_http_upstream_t      *u;
    ngx_http_llm_provider_t  *provider;

    if (ngx_http_upstream_create(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_llm_answer_init(r, at) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    u = r->upstream;
    provider = at->route->provider;

    u->output.tag = (ngx_buf_tag_t) &ngx_http_llm_gateway_module;

    u->conf = &provider->conf;
    u->ssl = provider->tls;
    u->buffering = 0;

    if (provider->tls) {
        ngx_str_set(&u->schema, "https://");

    } else {
        ngx_str_set(&u->schema, "http://");
    }

    u->create_request = ngx_http_llm_attempt_create_request;
    u->reinit_request = ngx_http_llm_attempt_reinit_request;
    u->abort_request = ngx_http_llm_attempt_abort_request;
    u->process_header = ngx_http_llm_answer_process_header;
    u->finalize_request = ngx_http_llm_answer_finalize;
    u->input_filter_init = ngx_http_llm_answer_filter_init;
    u->input_filter = ngx_http_llm_answer_filter;
    u->input_filter_ctx = r;

    rc = ngx_http_llm_authorize_wait(at);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_AGAIN && ngx_http_llm_client_watch(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->main->count++;

    if (rc == NGX_OK) {
        ngx_http_upstream_init(r);
    }

    return NGX_DONE;
}


static ngx_int_t
ngx_http_llm_attempt_create_request(ngx_http_request_t *r)
{
    size_t                    size;
    llm_buf_t                 b;
    llm_str_t                 uri;
    ngx_uint_t                small;
    ngx_http_llm_ctx_t       *ctx;
    ngx_http_llm_edits_t      edits;
    ngx_http_llm_attempt_t   *at;

    ctx = ngx_http_llm_get_ctx(r);
    at = ctx->current;

    if (ngx_http_llm_body_edit(at, &edits) != NGX_OK) {
        return NGX_ERROR;
    }

    llm_buf_init(&b, &ctx->arena);

    small = (edits.length <= NGX_HTTP_LLM_BODY_SIZE);
    size = NGX_HTTP_LLM_HEAD_SIZE + (small ? (size_t) edits.length : 0);

    if (llm_buf_reserve(&b, size) != LLM_OK) {
        return NGX_ERROR;
    }

    if (at->convert && !at->convert->call.raw) {
        llm_buf_add(&b, at->convert->call.method.data,
                    at->convert->call.method.len);

    } else {
        llm_buf_add(&b, r->main->method_name.data, r->main->method_name.len);
    }

    llm_buf_add(&b, " ", 1);

    if (ngx_http_llm_attempt_uri(at, &b) != NGX_OK) {
        return NGX_ERROR;
    }

    uri = *ngx_http_llm_pure(&r->upstream->uri);

    llm_buf_puts(&b, " HTTP/1.1" CRLF "Host: ");
    llm_buf_add(&b, at->route->provider->host.data,
                at->route->provider->host.len);
    llm_buf_puts(&b, CRLF);

    if (edits.length || (r->main->method & NGX_HTTP_POST)) {
        llm_buf_puts(&b, "Content-Length: ");
        llm_buf_int(&b, edits.length);
        llm_buf_puts(&b, CRLF);
    }

    if (ngx_http_llm_attempt_headers(at, &b) != NGX_OK
        || ngx_http_llm_authorize_headers(at, &uri, &b) != NGX_OK)
    {
        return NGX_ERROR;
    }

    llm_buf_puts(&b, CRLF);

    return ngx_http_llm_attempt_bufs(at, &edits, small, &b);
}


/* what is sent: the head in b, and the body */

static ngx_int_t
ngx_http_llm_attempt_bufs(ngx_http_llm_attempt_t *at,
    ngx_http_llm_edits_t *edits, ngx_uint_t small, llm_buf_t *b)
{
    ngx_buf_t           *buf;
    ngx_chain_t         *cl;
    ngx_http_request_t  *r;

    r = at->request;

    cl = ngx_alloc_chain_link(r->pool);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    cl->next = NULL;

    if ((!small || ngx_http_llm_body_print(at, edits, b) != NGX_OK)
        && ngx_http_llm_body_chain(at, edits, &cl->next) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (b->failed) {
        return NGX_ERROR;
    }

    buf = ngx_calloc_buf(r->pool);
    if (buf == NULL) {
        return NGX_ERROR;
    }

    buf->temporary = 1;
    buf->start = buf->pos = b->data;
    buf->end = buf->last = b->data + b->len;

    cl->buf = buf;

    r->upstream->request_bufs = cl;

    while (cl->next) {
        cl = cl->next;
    }

    cl->buf->flush = 1;

    return ngx_http_llm_attempt_lend(r);
}


/*
 * A body that lies in a file is sent through the buffer that it was read by,
 * as nginx does for a request itself, but not for subrequests, since many
 * might ask for it at once: attempts come one after another.  A buffer of its
 * own would cost the faults of all of its pages.
 */

static ngx_int_t
ngx_http_llm_attempt_lend(ngx_http_request_t *r)
{
    ngx_buf_t            *b;
    ngx_http_upstream_t  *u;

    if (r->request_body == NULL
        || r->request_body->temp_file == NULL
        || r->request_body->buf == NULL)
    {
        return NGX_OK;
    }

    u = r->upstream;
    b = r->request_body->buf;

    u->output.free = ngx_alloc_chain_link(r->pool);
    if (u->output.free == NULL) {
        return NGX_ERROR;
    }

    u->output.free->buf = b;
    u->output.free->next = NULL;
    u->output.allocated = 1;

    b->pos = b->start;
    b->last = b->start;
    b->tag = u->output.tag;

    return NGX_OK;
}


/* nginx starts over inside a block only while nothing was sent */

static ngx_int_t
ngx_http_llm_attempt_reinit_request(ngx_http_request_t *r)
{
    return ngx_http_llm_answer_init(r, ngx_http_llm_get_ctx(r)->current);
}


static void
ngx_http_llm_attempt_abort_request(ngx_http_request_t *r)
{
    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "llm attempt aborted");
}


static ngx_int_t
ngx_http_llm_attempt_uri(ngx_http_llm_attempt_t *at, llm_buf_t *b)
{
    size_t               start;
    llm_str_t            id;
    ngx_http_llm_ctx_t  *ctx;
    ngx_http_upstream_t *u;

    ctx = at->ctx;
    u = at->request->upstream;

    start = b->len;

    llm_buf_add(b, at->route->provider->base.data,
                at->route->provider->base.len);

    id = *ngx_http_llm_pure(&ctx->provider_id);

    if (at->convert) {
        if (ngx_http_llm_convert_path(at, b) != NGX_OK) {
            return NGX_ERROR;
        }

    } else if (ngx_http_llm_attempt_path(at, &id, b) != LLM_OK) {
        ngx_log_error(NGX_LOG_ERR, at->request->connection->log, 0,
                      "llm upstream model \"%V\" can be no part of a path",
                      &at->upstream_model);
        return NGX_ERROR;
    }

    if (at->route->provider->api_version.len) {
        llm_buf_puts(b, "?api-version=");
        llm_buf_add(b, at->route->provider->api_version.data,
                    at->route->provider->api_version.len);

    } else if (at->op == ctx->target.op && !ngx_http_llm_attempt_foreign(at)) {
        ngx_http_llm_attempt_args(&ctx->request->args, b);

    } else if (at->op->op == LLM_OP_GENERATE_STREAM) {
        llm_buf_puts(b, "?alt=sse");
    }

    if (b->failed) {
        return NGX_ERROR;
    }

    /* for the error log; the query stays out of it */

    u->uri.len = b->len - start;
    u->uri.data = ngx_pnalloc(at->request->pool, u->uri.len);
    if (u->uri.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(u->uri.data, b->data + start, u->uri.len);

    return NGX_OK;
}


/* behind the base: where a host has other paths than the protocol's own */

static int
ngx_http_llm_attempt_path(ngx_http_llm_attempt_t *at, llm_str_t *id,
    llm_buf_t *b)
{
    llm_str_t                *model;
    ngx_http_llm_provider_t  *provider;

    provider = at->route->provider;
    model = ngx_http_llm_pure(&at->upstream_model);

    if (provider->api_version.len
        && (at->op->flags & LLM_OP_MODEL_BODY)
        && at->op->op != LLM_OP_RESPONSES)
    {
        /* Azure: a deployment has the path of its own */

        llm_buf_puts(b, "/deployments");

        if (llm_endpoint_segment(model, b) != LLM_OK) {
            return LLM_INVALID;
        }

        llm_buf_add(b, at->op->path.data, at->op->path.len);

        return LLM_OK;
    }

    return llm_endpoint_path(at->op, model, id, b);
}


/* the client's query without "key", which may be its credential */

static void
ngx_http_llm_attempt_args(ngx_str_t *args, llm_buf_t *b)
{
    u_char  *p, *end, *next, sep;

    sep = '?';

    p = args->data;
    end = p + args->len;

    for ( /* void */ ; p < end; p = next + 1) {

        next = ngx_strlchr(p, end, '&');
        if (next == NULL) {
            next = end;
        }

        if (next == p
            || (next - p >= 3 && ngx_strncmp(p, "key", 3) == 0
                && (next - p == 3 || p[3] == '=')))
        {
            continue;
        }

        llm_buf_add(b, &sep, 1);
        llm_buf_add(b, p, next - p);
        sep = '&';
    }
}


static ngx_int_t
ngx_http_llm_attempt_headers(ngx_http_llm_attempt_t *at, llm_buf_t *b)
{
    llm_buf_t                   names;
    llm_str_t                   text;
    ngx_uint_t                  version;
    ngx_table_elt_t            *h;
    ngx_http_request_t         *r;
    ngx_http_llm_header_walk_t  walk;

    r = at->ctx->request;
    version = 0;

    ngx_http_llm_attempt_connection(at, &names);

    if (names.failed) {
        return NGX_ERROR;
    }

    for (h = ngx_http_llm_header_first(&walk, &r->headers_in.headers);
         h;
         h = ngx_http_llm_header_next(&walk))
    {
        if (!ngx_http_llm_attempt_keeps(at, h)
            || ngx_http_llm_attempt_hop(&names, h)
            || (ngx_http_llm_attempt_foreign(at)
                && !ngx_http_llm_attempt_neutral(h)))
        {
            continue;
        }

        if (h->key.len == sizeof("anthropic-version") - 1
            && ngx_memcmp(h->lowcase_key, "anthropic-version",
                          sizeof("anthropic-version") - 1)
               == 0)
        {
            version = 1;
        }

        llm_buf_add(b, h->key.data, h->key.len);
        llm_buf_add(b, ": ", 2);
        llm_buf_add(b, h->value.data, h->value.len);
        llm_buf_add(b, CRLF, 2);
    }

    /* usage is read from the answer as it passes */

    llm_buf_puts(b, "Accept-Encoding: identity" CRLF);

    if (at->translate) {
        text = llm_translate_headers(at->translate);

        llm_buf_puts(b, "Content-Type: application/json" CRLF);
        llm_buf_add(b, text.data, text.len);

    } else if (at->convert && at->translated.len) {
        llm_buf_puts(b, "Content-Type: application/json" CRLF);
    }

    if (at->route->provider->protocol == LLM_PROTOCOL_ANTHROPIC && !version
        && !ngx_http_llm_attempt_has(at, (u_char *) "anthropic-version",
                                     sizeof("anthropic-version") - 1))
    {
        llm_buf_puts(b, "anthropic-version: 2023-06-01" CRLF);
    }

    llm_buf_add(b, at->route->provider->headers_text.data,
                at->route->provider->headers_text.len);

    return NGX_OK;
}


static ngx_uint_t
ngx_http_llm_attempt_keeps(ngx_http_llm_attempt_t *at, ngx_table_elt_t *h)
{
    return !ngx_http_llm_header_listed(&ngx_http_llm_dropped, h->lowcase_key,
                                       h->key.len)
           && !ngx_http_llm_header_unsafe(&h->value)
           && !ngx_http_llm_attempt_has(at, h->lowcase_key, h->key.len);
}


/*
 * Headers that mean the same in every protocol: the others of a client are
 * for a provider that speaks as it does.
 */

static ngx_uint_t
ngx_http_llm_attempt_neutral(ngx_table_elt_t *h)
{
    ngx_uint_t  i;

    static ngx_str_t  names[] = {
        ngx_string("user-agent"),
        ngx_string("traceparent"),
        ngx_string("tracestate"),
        ngx_string("baggage"),
        ngx_string("x-request-id"),
        ngx_string("idempotency-key"),
        ngx_null_string
    };

    for (i = 0; names[i].len; i++) {
        if (h->key.len == names[i].len
            && ngx_memcmp(h->lowcase_key, names[i].data, names[i].len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* what the provider's "header" says wins over the client */

static ngx_uint_t
ngx_http_llm_attempt_has(ngx_http_llm_attempt_t *at, u_char *name, size_t len)
{
    ngx_uint_t     i;
    ngx_keyval_t  *kv;

    kv = at->route->provider->headers.elts;

    for (i = 0; i < at->route->provider->headers.nelts; i++) {
        if (kv[i].key.len == len
            && ngx_strncasecmp(kv[i].key.data, name, len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/*
 * What the client's Connection headers name.  They are looked for, since
 * nginx before 1.23 keeps no pointer to them.
 */

static void
ngx_http_llm_attempt_connection(ngx_http_llm_attempt_t *at, llm_buf_t *b)
{
    ngx_table_elt_t            *h;
    ngx_http_llm_header_walk_t  walk;

    llm_buf_init(b, &at->ctx->arena);

    for (h = ngx_http_llm_header_first(&walk,
                                       &at->ctx->request->headers_in.headers);
         h;
         h = ngx_http_llm_header_next(&walk))
    {
        if (h->key.len != sizeof("connection") - 1
            || ngx_memcmp(h->lowcase_key, "connection",
                          sizeof("connection") - 1)
               != 0)
        {
            continue;
        }

        /* most name nothing */

        if (ngx_strcasecmp(h->value.data, (u_char *) "keep-alive") == 0
            || ngx_strcasecmp(h->value.data, (u_char *) "close") == 0)
        {
            continue;
        }

        llm_buf_add(b, ",", 1);
        llm_buf_add(b, h->value.data, h->value.len);
    }
}


static ngx_uint_t
ngx_http_llm_attempt_hop(llm_buf_t *names, ngx_table_elt_t *h)
{
    u_char  *p, *end, *last;

    p = names->data;
    last = p + names->len;

    for ( /* void */ ; p < last; p = end) {

        while (p < last && (*p == ',' || *p == ' ' || *p == '\t')) {
            p++;
        }

        end = p;

        while (end < last && *end != ',' && *end != ' ' && *end != '\t') {
            end++;
        }

        if ((size_t) (end - p) == h->key.len
            && ngx_strncasecmp(p, h->lowcase_key, h->key.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}
