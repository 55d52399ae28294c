
/*
 * The access phase: who asks, for which endpoint, with which body.  The only
 * file besides _body.c that suspends the phase.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <openssl/rand.h>

#include "ngx_http_llm_module.h"
#include "ngx_http_llm_quota.h"


#define NGX_HTTP_LLM_ID_LEN  32


static ngx_uint_t ngx_http_llm_access_probe(ngx_http_request_t *r);
static ngx_int_t ngx_http_llm_check_key(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_check_address(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_check_endpoint(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_authorize(ngx_http_llm_ctx_t *ctx);
static ngx_int_t ngx_http_llm_set_id(ngx_http_llm_ctx_t *ctx);
static void ngx_http_llm_ctx_cleanup(void *data);


ngx_int_t
ngx_http_llm_access_handler(ngx_http_request_t *r)
{
    uint64_t                  start;
    ngx_int_t                 rc;
    ngx_http_llm_ctx_t       *ctx;
    ngx_http_llm_loc_conf_t  *llcf;

    llcf = ngx_http_get_module_loc_conf(r, ngx_http_llm_gateway_module);

    if (llcf->admin) {
        return ngx_http_llm_admin_access(r);
    }

    if (!llcf->enable) {
        return NGX_DECLINED;
    }

    start = ngx_http_llm_clock_us();

    ctx = ngx_http_llm_create_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->state == NGX_HTTP_LLM_START) {

        r->connection->log->action = "checking llm key";

        if (ctx->target.op == NULL && ngx_http_llm_access_probe(r)) {
            ctx->state = NGX_HTTP_LLM_PLANNED;
            ctx->authorized = 1;
            return NGX_OK;
        }

        rc = ngx_http_llm_authenticate(ctx);
        if (rc == NGX_OK) {
            rc = ngx_http_llm_check_scope(ctx);
        }

        ctx->overhead_us += ngx_http_llm_clock_us() - start;

        if (rc != NGX_OK) {
            return rc;
        }

        ctx->state = NGX_HTTP_LLM_BODY;
    }

    if (ctx->state == NGX_HTTP_LLM_BODY) {

        rc = ngx_http_llm_body_read(ctx);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (ctx->state == NGX_HTTP_LLM_BODY
        || ctx->state == NGX_HTTP_LLM_RESERVING)
    {
        start = ngx_http_llm_clock_us();
        r->connection->log->action = "choosing llm routes";

        rc = ngx_http_llm_authorize(ctx);

        ctx->overhead_us += ngx_http_llm_clock_us() - start;

        return rc;
    }

    return ctx->authorized ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


/* whether a client asks for no more than that somebody is there: HEAD of the
   location itself */

static ngx_uint_t
ngx_http_llm_access_probe(ngx_http_request_t *r)
{
    ngx_str_t                  name, uri;
    ngx_http_core_loc_conf_t  *clcf;

    if (r->method != NGX_HTTP_HEAD) {
        return 0;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    name = clcf->name;
    uri = r->uri;

    if (name.len > 1 && name.data[name.len - 1] == '/') {
        name.len--;
    }

    if (uri.len > 1 && uri.data[uri.len - 1] == '/') {
        uri.len--;
    }

    return uri.len == name.len
           && ngx_memcmp(uri.data, name.data, uri.len) == 0;
}


static ngx_int_t
ngx_http_llm_authorize(ngx_http_llm_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (!(ctx->target.op->flags & LLM_OP_LOCAL)) {

        if (ctx->state == NGX_HTTP_LLM_BODY) {
            rc = ngx_http_llm_plan(ctx);
            if (rc != NGX_OK) {
                return rc;
            }
        }

        rc = ngx_http_llm_quota_reserve(ctx);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    ctx->state = NGX_HTTP_LLM_PLANNED;
    ctx->authorized = 1;

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_check_scope(ngx_http_llm_ctx_t *ctx)
{
    ngx_int_t  rc;

    ngx_http_llm_plan_fixed_class(ctx);

    if (ctx->key) {
        rc = ngx_http_llm_check_key(ctx);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return ngx_http_llm_check_endpoint(ctx);
}


static ngx_int_t
ngx_http_llm_check_key(ngx_http_llm_ctx_t *ctx)
{
    ngx_http_llm_key_t  *key;

    key = ctx->key;

    if (key->expires && key->expires <= ngx_time()) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_EXPIRED_API_KEY, NULL,
                                   "key \"%V\" has expired", &key->name);
    }

    if (!key->active) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_KEY_DISABLED, NULL,
                                   "key \"%V\" is disabled", &key->name);
    }

    if (key->cidr) {
        return ngx_http_llm_check_address(ctx);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_check_address(ngx_http_llm_ctx_t *ctx)
{
    ngx_addr_t         addr;
    ngx_connection_t  *c;

    c = ctx->request->connection;

    addr.sockaddr = c->sockaddr;
    addr.name = c->addr_text;

    if (ctx->llcf->admin) {

        /* a question is about somebody else's address, if about any */

        if (ctx->asked_address == NULL) {
            return NGX_OK;
        }

        addr = *ctx->asked_address;
    }

    if (ngx_cidr_match(addr.sockaddr, ctx->key->cidr) == NGX_OK) {
        return NGX_OK;
    }

    return ngx_http_llm_refuse(ctx, LLM_ERROR_ADDRESS_NOT_ALLOWED, NULL,
                               "key \"%V\" may not be used from address %V",
                               &ctx->key->name, &addr.name);
}


static ngx_int_t
ngx_http_llm_check_endpoint(ngx_http_llm_ctx_t *ctx)
{
    ngx_http_request_t  *r;
    llm_endpoint_e       endpoint;

    r = ctx->request;

    if (ctx->target.op == NULL) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_UNKNOWN_ENDPOINT, NULL,
                                   "no endpoint answers %V \"%V\"",
                                   &r->method_name, &r->uri);
    }

    endpoint = ctx->target.op->endpoint;

    if (ctx->key && !(ctx->key->endpoints & ((uint32_t) 1 << endpoint))) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_ENDPOINT_NOT_ALLOWED, NULL,
                                   "key \"%V\" may not use endpoint \"%V\"",
                                   &ctx->key->name,
                                   ngx_http_llm_str(
                                       &llm_endpoint_names[endpoint]));
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_refuse(ngx_http_llm_ctx_t *ctx, llm_error_e code,
    const char *param, const char *fmt, ...)
{
    u_char       *p;
    va_list       args;
    llm_error_t  *err;

    err = &ctx->error;

    ngx_memzero(err, sizeof(llm_error_t));

    err->code = code;

    if (param) {
        err->param.data = (u_char *) param;
        err->param.len = ngx_strlen(param);
    }

    err->message.data = ngx_pnalloc(ctx->request->pool,
                                    NGX_HTTP_LLM_MAX_MESSAGE);

    if (err->message.data) {
        va_start(args, fmt);
        p = ngx_vslprintf(err->message.data,
                          err->message.data + NGX_HTTP_LLM_MAX_MESSAGE, fmt,
                          args);
        va_end(args);

        err->message.len = p - err->message.data;
    }

    return ngx_http_llm_refused(ctx);
}


ngx_int_t
ngx_http_llm_refused(ngx_http_llm_ctx_t *ctx)
{
    u_char      *p, text[256];
    size_t       i, len;
    ngx_int_t    status;
    ngx_uint_t   level;

    ctx->state = NGX_HTTP_LLM_DONE;

    /* before the client hears of it, and may ask again */

    ngx_http_llm_quota_settle(ctx);

    status = llm_error_status(&ctx->error);
    level = (status >= 500) ? NGX_LOG_ERR : NGX_LOG_INFO;

    /* what a provider did wrong the ladder has told, without its words */

    if (ctx->error.code == LLM_ERROR_UPSTREAM_ERROR
        || ctx->error.code == LLM_ERROR_UPSTREAM_TIMEOUT)
    {
        return status;
    }

    /* names that the client sent make no lines of their own */

    p = ctx->error.message.data;
    len = ngx_min(ctx->error.message.len, sizeof(text));

    for (i = 0; i < len; i++) {
        text[i] = (p[i] < 0x20 || p[i] == 0x7f) ? '?' : p[i];
    }

    ngx_log_error(level, ctx->request->connection->log, 0,
                  "llm request refused, %V: \"%*s\"",
                  ngx_http_llm_str(&llm_error_names[ctx->error.code]),
                  len, text);

    return status;
}


ngx_http_llm_ctx_t *
ngx_http_llm_get_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t  *cln;
    ngx_http_llm_ctx_t  *ctx;

    r = r->main;

    ctx = ngx_http_get_module_ctx(r, ngx_http_llm_gateway_module);

    if (ctx || !(r->internal || r->filter_finalize)) {
        return ctx;
    }

    /* an internal redirect cleared it: it is still with the pool */

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_llm_ctx_cleanup) {
            return cln->data;
        }
    }

    return NULL;
}


ngx_http_llm_ctx_t *
ngx_http_llm_create_ctx(ngx_http_request_t *r)
{
    ngx_time_t          *tp;
    ngx_pool_cleanup_t  *cln;
    ngx_http_llm_ctx_t  *ctx;

    r = r->main;

    ctx = ngx_http_llm_get_ctx(r);
    if (ctx) {
        return ctx;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_llm_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_http_llm_ctx_t));

    cln->handler = ngx_http_llm_ctx_cleanup;

    ctx->request = r;
    ctx->lmcf = ngx_http_get_module_main_conf(r, ngx_http_llm_gateway_module);
    ctx->llcf = ngx_http_get_module_loc_conf(r, ngx_http_llm_gateway_module);
    ctx->class = ctx->lmcf->default_class;

    tp = ngx_timeofday();
    ctx->start = ngx_current_msec
                 - (ngx_msec_t) ((tp->sec - r->start_sec) * 1000
                                 + (ngx_msec_int_t) (tp->msec
                                                     - r->start_msec));

    ngx_http_llm_arena_init(ctx);

    ctx->protocol = LLM_PROTOCOL_OPENAI;

    if (ngx_http_llm_set_id(ctx) != NGX_OK) {
        return NULL;
    }

    if (ngx_array_init(&ctx->attempts, r->pool, 2,
                       sizeof(ngx_http_llm_attempt_t *))
        != NGX_OK)
    {
        return NULL;
    }

    if (llm_endpoint_find(ngx_http_llm_pure(&r->method_name),
                          ngx_http_llm_pure(&r->uri),
                          ngx_http_llm_pure(&r->args), &ctx->target)
        == LLM_OK)
    {
        ctx->protocol = (ctx->target.op->endpoint == LLM_ENDPOINT_MODELS)
                        ? ngx_http_llm_models_shape(r)
                        : ctx->target.op->protocol;

    } else {
        ctx->target.op = NULL;
    }

    ngx_http_set_ctx(r, ctx, ngx_http_llm_gateway_module);

    return ctx;
}


/* found by its address in the pool's list, too */

static void
ngx_http_llm_ctx_cleanup(void *data)
{
    ngx_http_llm_account_leave(data);
    ngx_http_llm_arena_done(data);
}


/*
 * 128 bits: a random start per process, stepped and mixed by a bijection, so
 * that no two requests of a process share one and no system call is made.
 */

static ngx_int_t
ngx_http_llm_set_id(ngx_http_llm_ctx_t *ctx)
{
    uint64_t           z[2];
    ngx_uint_t         i;

    static uint64_t    seed[2];
    static ngx_pid_t   pid;

    if (pid != ngx_pid) {
        if (RAND_bytes((u_char *) seed, sizeof(seed)) != 1) {
            return NGX_ERROR;
        }

        pid = ngx_pid;
    }

    seed[0]++;

    z[0] = seed[0];
    z[1] = seed[0] ^ seed[1];

    for (i = 0; i < 2; i++) {
        z[i] ^= z[i] >> 30;
        z[i] *= 0xbf58476d1ce4e5b9ULL;
        z[i] ^= z[i] >> 27;
        z[i] *= 0x94d049bb133111ebULL;
        z[i] ^= z[i] >> 31;
    }

    ctx->id.data = llm_alloc(&ctx->arena, NGX_HTTP_LLM_ID_LEN);
    if (ctx->id.data == NULL) {
        return NGX_ERROR;
    }

    ngx_hex_dump(ctx->id.data, (u_char *) z, sizeof(z));
    ctx->id.len = NGX_HTTP_LLM_ID_LEN;

    return NGX_OK;
}


uint64_t
ngx_http_llm_clock_us(void)
{
    struct timespec  ts;

    if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1) {
        return 0;
    }

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
