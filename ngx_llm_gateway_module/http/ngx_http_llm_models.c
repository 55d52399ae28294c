
/*
 * GET .../models and GET .../models/{id}: what the key may use, in the shape
 * that the client's own headers ask for.
 */


#include "ngx_http_llm_admin.h"
#include "ngx_http_llm_header.h"


/* what an answer may take, however many models there are */
#define NGX_HTTP_LLM_MODELS_MAX    (16 * 1024 * 1024)

/* Anthropic's own ceiling of "limit", and the default here, so that a client
   that does not ask for the next page has them all */
#define NGX_HTTP_LLM_MODELS_LIMIT  1000

#define ngx_http_llm_models_text(b, s)  llm_buf_add(b, s, sizeof(s) - 1)


typedef struct {
    ngx_str_t                  after;
    ngx_str_t                  before;
    ngx_int_t                  limit;
} ngx_http_llm_models_page_t;


static ngx_int_t ngx_http_llm_models_one(ngx_http_llm_ctx_t *ctx,
    llm_buf_t *b);
static ngx_int_t ngx_http_llm_models_list(ngx_http_llm_ctx_t *ctx,
    llm_buf_t *b);
static ngx_http_llm_model_t **ngx_http_llm_models_usable(
    ngx_http_llm_ctx_t *ctx, ngx_uint_t *n);
static ngx_int_t ngx_http_llm_models_page(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_models_page_t *page);
static ngx_int_t ngx_http_llm_models_arg(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);
static ngx_http_llm_model_t **ngx_http_llm_models_cut(
    ngx_http_llm_models_page_t *page, ngx_http_llm_model_t **models,
    ngx_uint_t *n, ngx_uint_t *more);
static void ngx_http_llm_models_print(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_model_t *model, ngx_str_t *name, llm_buf_t *b);
static void ngx_http_llm_models_print_gemini(ngx_http_llm_model_t *model,
    ngx_str_t *name, llm_buf_t *b);
static void ngx_http_llm_models_print_id(ngx_str_t *name, llm_buf_t *b);


/* no model tells when it was made: the configuration's age has to do */

static time_t  ngx_http_llm_models_created;


void
ngx_http_llm_models_init(void)
{
    ngx_http_llm_models_created = ngx_time();
}


ngx_int_t
ngx_http_llm_models_handler(ngx_http_llm_ctx_t *ctx)
{
    llm_buf_t    b;
    ngx_int_t    rc;
    llm_arena_t  arena;

    static ngx_str_t  json = ngx_string("application/json");

    ctx->protocol = ngx_http_llm_models_shape(ctx->request);

    arena = ctx->arena;
    arena.left = NGX_HTTP_LLM_MODELS_MAX;

    llm_buf_init(&b, &arena);

    if (ctx->target.op->op == LLM_OP_MODEL) {
        rc = ngx_http_llm_models_one(ctx, &b);

    } else {
        rc = ngx_http_llm_models_list(ctx, &b);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (b.failed) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_discard_request_body(ctx->request);

    if (rc != NGX_OK) {
        return rc;
    }

    ctx->state = NGX_HTTP_LLM_DONE;

    return ngx_http_llm_send(ctx->request, NGX_HTTP_OK, &json, &b);
}


llm_protocol_e
ngx_http_llm_models_shape(ngx_http_request_t *r)
{
    size_t                      len;
    u_char                     *p;
    llm_protocol_e              shape;
    ngx_table_elt_t            *h;
    ngx_http_llm_header_walk_t  walk;

    if (ngx_strlcasestrn(r->uri.data, r->uri.data + r->uri.len,
                         (u_char *) "/v1beta/", sizeof("/v1beta/") - 2)
        != NULL)
    {
        return LLM_PROTOCOL_GEMINI;
    }

    shape = LLM_PROTOCOL_OPENAI;

    for (h = ngx_http_llm_header_first(&walk, &r->headers_in.headers);
         h;
         h = ngx_http_llm_header_next(&walk))
    {
        len = h->key.len;
        p = h->lowcase_key;

        if (len == sizeof("x-goog-api-key") - 1
            && ngx_memcmp(p, "x-goog-api-key", len) == 0)
        {
            return LLM_PROTOCOL_GEMINI;
        }

        if ((len == sizeof("anthropic-version") - 1
             && ngx_memcmp(p, "anthropic-version", len) == 0)
            || (len == sizeof("x-api-key") - 1
                && ngx_memcmp(p, "x-api-key", len) == 0))
        {
            shape = LLM_PROTOCOL_ANTHROPIC;
        }
    }

    return shape;
}


static ngx_int_t
ngx_http_llm_models_one(ngx_http_llm_ctx_t *ctx, llm_buf_t *b)
{
    int                    captures[NGX_HTTP_LLM_CAPTURES];
    ngx_str_t             *name;
    ngx_http_llm_model_t  *model;

    name = ngx_http_llm_str(&ctx->target.model);

    ctx->asked = *name;

    model = ngx_http_llm_conf_find_model(ctx->lmcf, name, captures,
                                         &ctx->ncaptures,
                                         ctx->request->connection->log);

    if (model == NULL) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_MODEL_NOT_FOUND, "model",
                                   "model \"%V\" is not configured", name);
    }

    ctx->model = model;

    if (ctx->key && !ngx_http_llm_conf_key_allows(ctx->key, model, name)) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_MODEL_NOT_ALLOWED, "model",
                                   "key \"%V\" may not use model \"%V\"",
                                   &ctx->key->name, name);
    }

    ngx_http_llm_models_print(ctx, model, name, b);

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_models_list(ngx_http_llm_ctx_t *ctx, llm_buf_t *b)
{
    ngx_uint_t                   i, n, more;
    ngx_http_llm_model_t       **models;
    ngx_http_llm_models_page_t   page;

    models = ngx_http_llm_models_usable(ctx, &n);
    if (models == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    more = 0;

    switch (ctx->protocol) {

    case LLM_PROTOCOL_ANTHROPIC:

        if (ngx_http_llm_models_page(ctx, &page) != NGX_OK) {
            return llm_error_status(&ctx->error);
        }

        models = ngx_http_llm_models_cut(&page, models, &n, &more);
        ngx_http_llm_models_text(b, "{\"data\":[");
        break;

    case LLM_PROTOCOL_GEMINI:
        ngx_http_llm_models_text(b, "{\"models\":[");
        break;

    default:
        ngx_http_llm_models_text(b, "{\"object\":\"list\",\"data\":[");
    }

    for (i = 0; i < n; i++) {
        if (i) {
            ngx_http_llm_models_text(b, ",");
        }

        ngx_http_llm_models_print(ctx, models[i], &models[i]->name, b);
    }

    ngx_http_llm_models_text(b, "]");

    if (ctx->protocol == LLM_PROTOCOL_ANTHROPIC) {

        if (more) {
            ngx_http_llm_models_text(b, ",\"has_more\":true,\"first_id\":");

        } else {
            ngx_http_llm_models_text(b, ",\"has_more\":false,\"first_id\":");
        }

        ngx_http_llm_models_print_id(n ? &models[0]->name : NULL, b);
        ngx_http_llm_models_text(b, ",\"last_id\":");
        ngx_http_llm_models_print_id(n ? &models[n - 1]->name : NULL, b);
    }

    ngx_http_llm_models_text(b, "}");

    return NGX_OK;
}


/* the models that the key may call by name and by some endpoint */

static ngx_http_llm_model_t **
ngx_http_llm_models_usable(ngx_http_llm_ctx_t *ctx, ngx_uint_t *n)
{
    ngx_uint_t              i;
    ngx_array_t            *all;
    ngx_http_llm_key_t     *key;
    ngx_http_llm_model_t  **models, **usable;

    key = ctx->key;
    all = &ctx->lmcf->models;
    models = all->elts;

    *n = 0;

    usable = ngx_palloc(ctx->request->pool,
                        (all->nelts + 1) * sizeof(ngx_http_llm_model_t *));
    if (usable == NULL) {
        return NULL;
    }

    for (i = 0; i < all->nelts; i++) {

        if (key
            && ((key->endpoints & models[i]->endpoints) == 0
                || !ngx_http_llm_conf_key_allows(key, models[i],
                                                 &models[i]->name)))
        {
            continue;
        }

        usable[(*n)++] = models[i];
    }

    return usable;
}


/* the page that an Anthropic client asks for, or a refusal in ctx->error */

static ngx_int_t
ngx_http_llm_models_page(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_models_page_t *page)
{
    ngx_str_t            limit;
    ngx_http_request_t  *r;

    r = ctx->request;

    page->limit = NGX_HTTP_LLM_MODELS_LIMIT;

    if (ngx_http_llm_models_arg(r, "after_id", &page->after) != NGX_OK
        || ngx_http_llm_models_arg(r, "before_id", &page->before) != NGX_OK)
    {
        (void) ngx_http_llm_refuse(ctx, LLM_ERROR_INTERNAL_ERROR, NULL,
                                   "no memory");
        return NGX_ERROR;
    }

    if (ngx_http_arg(r, (u_char *) "limit", sizeof("limit") - 1, &limit)
        != NGX_OK)
    {
        return NGX_OK;
    }

    page->limit = ngx_atoi(limit.data, limit.len);

    if (page->limit < 1 || page->limit > NGX_HTTP_LLM_MODELS_LIMIT) {
        (void) ngx_http_llm_refuse(ctx, LLM_ERROR_BAD_REQUEST, "limit",
                                   "\"limit\" must be from 1 to %d",
                                   NGX_HTTP_LLM_MODELS_LIMIT);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* an argument of the query, decoded; empty if absent */

static ngx_int_t
ngx_http_llm_models_arg(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_str_null(value);

    return ngx_http_llm_admin_arg(r, name, value) == NGX_ERROR ? NGX_ERROR
                                                               : NGX_OK;
}


/*
 * The part of the list that the page is; an id that is not in the list bounds
 * nothing.
 */

static ngx_http_llm_model_t **
ngx_http_llm_models_cut(ngx_http_llm_models_page_t *page,
    ngx_http_llm_model_t **models, ngx_uint_t *n, ngx_uint_t *more)
{
    ngx_str_t   *name;
    ngx_uint_t   i, from, to;

    from = 0;
    to = *n;

    for (i = 0; i < *n; i++) {
        name = &models[i]->name;

        if (name->len == page->after.len
            && ngx_memcmp(name->data, page->after.data, name->len) == 0)
        {
            from = i + 1;
        }

        if (name->len == page->before.len
            && ngx_memcmp(name->data, page->before.data, name->len) == 0)
        {
            to = i;
        }
    }

    if (from > to) {
        from = to;
    }

    *more = 0;

    if (to - from > (ngx_uint_t) page->limit) {
        *more = 1;

        if (page->before.len) {
            from = to - page->limit;

        } else {
            to = from + page->limit;
        }
    }

    *n = to - from;

    return models + from;
}


static void
ngx_http_llm_models_print(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_model_t *model, ngx_str_t *name, llm_buf_t *b)
{
    u_char                  time[sizeof("2026-11-22T13:05:07Z") - 1];
    ngx_tm_t                tm;
    ngx_http_llm_route_t  **routes;

    switch (ctx->protocol) {

    case LLM_PROTOCOL_ANTHROPIC:
        ngx_gmtime(ngx_http_llm_models_created, &tm);

        (void) ngx_snprintf(time, sizeof(time),
                            "%4d-%02d-%02dT%02d:%02d:%02dZ",
                            tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                            tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec);

        ngx_http_llm_models_text(b, "{\"type\":\"model\",\"id\":");
        llm_buf_json(b, name->data, name->len);
        ngx_http_llm_models_text(b, ",\"display_name\":");
        llm_buf_json(b, name->data, name->len);
        ngx_http_llm_models_text(b, ",\"created_at\":\"");
        llm_buf_add(b, time, sizeof(time));
        ngx_http_llm_models_text(b, "\"}");
        return;

    case LLM_PROTOCOL_GEMINI:
        ngx_http_llm_models_print_gemini(model, name, b);
        return;

    default:
        ngx_http_llm_models_text(b, "{\"id\":");
        llm_buf_json(b, name->data, name->len);
        ngx_http_llm_models_text(b, ",\"object\":\"model\",\"created\":");
        llm_buf_int(b, ngx_http_llm_models_created);
        ngx_http_llm_models_text(b, ",\"owned_by\":");

        if (model->routes.nelts) {
            routes = model->routes.elts;
            llm_buf_json(b, routes[0]->provider->name.data,
                         routes[0]->provider->name.len);

        } else {
            ngx_http_llm_models_text(b, "\"gateway\"");
        }

        ngx_http_llm_models_text(b, "}");
    }
}


static void
ngx_http_llm_models_print_gemini(ngx_http_llm_model_t *model,
    ngx_str_t *name, llm_buf_t *b)
{
    llm_buf_t    full;
    ngx_uint_t   i, n;

    static const struct {
        uint32_t     endpoint;    /* a model of it takes the method, */
        ngx_str_t    method;
    } methods[] = {
        { 0, ngx_string("\"generateContent\"") },
        { 0, ngx_string("\"countTokens\"") },
        { 1 << LLM_ENDPOINT_EMBEDDINGS, ngx_string("\"embedContent\"") },
        { 1 << LLM_ENDPOINT_EMBEDDINGS, ngx_string("\"batchEmbedContents\"") },
        { 1 << LLM_ENDPOINT_VIDEO, ngx_string("\"predictLongRunning\"") }
    };

    /* 0: one that converses, by what else it is for if it does not say */

    static const uint32_t  talks = 1 << LLM_ENDPOINT_CHAT
                                   | 1 << LLM_ENDPOINT_RESPONSES
                                   | 1 << LLM_ENDPOINT_MESSAGES;
    static const uint32_t  other = 1 << LLM_ENDPOINT_EMBEDDINGS
                                   | 1 << LLM_ENDPOINT_VIDEO;

    llm_buf_init(&full, b->arena);
    ngx_http_llm_models_text(&full, "models/");
    llm_buf_add(&full, name->data, name->len);

    if (full.failed) {
        b->failed = 1;
        return;
    }

    ngx_http_llm_models_text(b, "{\"name\":");
    llm_buf_json(b, full.data, full.len);
    ngx_http_llm_models_text(b, ",\"displayName\":");
    llm_buf_json(b, name->data, name->len);
    ngx_http_llm_models_text(b, ",\"supportedGenerationMethods\":[");

    n = 0;

    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {

        /* all of them are of the endpoint "gemini" */

        if (!(model->endpoints & (1 << LLM_ENDPOINT_GEMINI))
            || (methods[i].endpoint
                ? !(model->endpoints & methods[i].endpoint)
                : !(model->endpoints & talks) && (model->endpoints & other)))
        {
            continue;
        }

        if (n++) {
            ngx_http_llm_models_text(b, ",");
        }

        llm_buf_add(b, methods[i].method.data, methods[i].method.len);
    }

    ngx_http_llm_models_text(b, "]}");
}


static void
ngx_http_llm_models_print_id(ngx_str_t *name, llm_buf_t *b)
{
    if (name) {
        llm_buf_json(b, name->data, name->len);

    } else {
        ngx_http_llm_models_text(b, "null");
    }
}
