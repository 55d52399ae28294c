
/*
 * A POST to .../explain with "path", "key", "class" and "address" as arguments
 * and the body of a request answers what would be decided for it, and calls
 * nobody.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_admin.h"
#include "ngx_http_llm_ladder.h"
#include "ngx_http_llm_quota.h"


static ngx_int_t ngx_http_llm_admin_address(ngx_http_llm_ctx_t *ctx,
    ngx_str_t *text);
static ngx_int_t ngx_http_llm_admin_foresee(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t **cand, llm_move_e *move, ngx_msec_t *wait);
static void ngx_http_llm_admin_limit(void *data, llm_standing_t *s);


/* whose request, to what, in which class, is to be explained */

ngx_int_t
ngx_http_llm_admin_subject(ngx_http_llm_ctx_t *ctx)
{
    ngx_str_t            path, args, name;
    ngx_http_request_t  *r;

    static ngx_str_t     post = ngx_string("POST");
    static ngx_str_t     chat = ngx_string("/v1/chat/completions");

    r = ctx->request;

    if (ngx_http_llm_admin_arg(r, "path", &path) != NGX_OK) {
        path = chat;
    }

    ngx_str_null(&args);

    if (llm_endpoint_find(ngx_http_llm_pure(&post), ngx_http_llm_pure(&path),
                          ngx_http_llm_pure(&args), &ctx->target)
        != LLM_OK
        || (ctx->target.op->flags & LLM_OP_LOCAL))
    {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_UNKNOWN_ENDPOINT, "path",
                                   "no endpoint answers POST \"%V\"", &path);
    }

    if (ngx_http_llm_admin_arg(r, "key", &name) == NGX_OK) {

        ctx->key = ngx_http_llm_conf_key_by_name(ctx->lmcf, &name);

        if (ctx->key == NULL) {
            ctx->key = ngx_http_llm_runtime_by_name(ctx, &name);
        }

        if (ctx->key == NULL) {
            return ngx_http_llm_refuse(ctx, LLM_ERROR_INVALID_API_KEY, "key",
                                       "key \"%V\" is not configured", &name);
        }
    }

    if (ngx_http_llm_admin_arg(r, "class", &name) == NGX_OK) {

        ctx->asked_class = ngx_http_llm_conf_find_class(ctx->lmcf, &name);

        if (ctx->asked_class == NULL) {
            return ngx_http_llm_refuse(ctx, LLM_ERROR_NO_ROUTE, "class",
                                       "class \"%V\" is not configured",
                                       &name);
        }
    }

    if (ngx_http_llm_admin_arg(r, "address", &name) == NGX_OK) {
        return ngx_http_llm_admin_address(ctx, &name);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_admin_address(ngx_http_llm_ctx_t *ctx, ngx_str_t *text)
{
    ngx_addr_t  *addr;

    addr = ngx_palloc(ctx->request->pool, sizeof(ngx_addr_t));
    if (addr == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_parse_addr(ctx->request->pool, addr, text->data, text->len)
        != NGX_OK)
    {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                   "address",
                                   "\"%V\" is no IPv4 or IPv6 address", text);
    }

    addr->name = *text;
    ctx->asked_address = addr;

    return NGX_OK;
}


void
ngx_http_llm_admin_explain(ngx_http_llm_ctx_t *ctx, llm_buf_t *b)
{
    llm_buf_t                  limits;
    ngx_int_t                  rc;
    ngx_uint_t                 i;
    ngx_msec_t                 wait;
    llm_move_e                 move;
    ngx_http_llm_candidate_t  *cand;

    ngx_memzero(&ctx->error, sizeof(llm_error_t));

    rc = ngx_http_llm_check_scope(ctx);

    if (rc == NGX_OK) {
        rc = ngx_http_llm_plan(ctx);
    }

    llm_buf_init(&limits, &ctx->arena);

    if (rc == NGX_OK) {
        rc = ngx_http_llm_quota_would(ctx, ngx_http_llm_admin_limit, &limits);
    }

    wait = 0;
    cand = NULL;
    move = LLM_MOVE_STOP;

    if (rc == NGX_OK) {
        rc = ngx_http_llm_admin_foresee(ctx, &cand, &move, &wait);
    }

    llm_buf_puts(b, "{\"allowed\":");
    llm_buf_puts(b, rc == NGX_OK ? "true" : "false");
    llm_buf_puts(b, ",\"status\":");
    llm_buf_int(b, rc == NGX_OK ? 200 : rc);

    if (ctx->error.code != LLM_ERROR_NONE) {
        ngx_http_llm_admin_print(b, "code",
            ngx_http_llm_str(&llm_error_names[ctx->error.code]));
        ngx_http_llm_admin_print(b, "message",
            ngx_http_llm_str(&ctx->error.message));
    }

    if (ctx->key) {
        ngx_http_llm_admin_print(b, "key", &ctx->key->name);
    }

    ngx_http_llm_admin_print(b, "class", &ctx->class->name);

    if (ctx->model) {
        ngx_http_llm_admin_print(b, "model", &ctx->model->name);
    }

    if (rc == NGX_OK && cand == NULL) {
        llm_buf_puts(b, ",\"rung\":\"queue\",\"wait_ms\":");
        llm_buf_int(b, wait == (ngx_msec_t) -1 ? 0 : (int64_t) wait);
    }

    if (cand) {
        ngx_http_llm_admin_print(b, "next", &cand->route->name);
        llm_buf_puts(b, move == LLM_MOVE_BACKUP ? ",\"rung\":\"backup\""
                                                : ",\"rung\":\"first\"");
    }

    llm_buf_puts(b, ",\"plan\":[");

    for (i = 0; i < ctx->nplan; i++) {

        if (i) {
            llm_buf_puts(b, ",");
        }

        llm_buf_json(b, ctx->plan[i]->route->name.data,
                     ctx->plan[i]->route->name.len);
    }

    llm_buf_puts(b, "],\"limits\":[");
    llm_buf_add(b, limits.data, limits.len);
    llm_buf_puts(b, "],\"decision\":");
    ngx_http_llm_account_print_decision(ctx, b);
    llm_buf_puts(b, "}\n");
}


/*
 * The ladder's way to its first attempt, without one: what health says of each
 * route, in the order in which they would be tried; where none is fit, what
 * the class has instead.  NGX_OK: *cand is the route, reached by *move, or
 * NULL where the request would wait; else the status that refuses it.
 */

static ngx_int_t
ngx_http_llm_admin_foresee(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t **cand, llm_move_e *move, ngx_msec_t *wait)
{
    ngx_int_t       rc;
    llm_failure_e   failure;
    llm_decision_t  d;

    ctx->ladder_start = ngx_current_msec;

    *cand = ngx_http_llm_routes_next(ctx, &failure, wait);

    if (ctx->nplan == 0) {
        failure = LLM_FAILURE_CONTEXT;
    }

    while (*cand == NULL) {

        d = ngx_http_llm_ladder_ask(ctx, NULL, failure);
        *move = d.move;

        if (d.move == LLM_MOVE_BACKUP) {

            rc = ngx_http_llm_plan_backup(ctx);

            if (rc == NGX_OK) {
                *cand = ngx_http_llm_routes_next(ctx, &failure, wait);

            } else if (rc != NGX_DECLINED) {
                return NGX_HTTP_INTERNAL_SERVER_ERROR;
            }

            continue;
        }

        if (d.move == LLM_MOVE_QUEUE) {
            break;
        }

        if (ctx->class->last_resort) {
            *cand = ngx_http_llm_routes_least_bad(ctx);
        }

        return *cand ? NGX_OK : ngx_http_llm_ladder_stop(ctx, d.reason, *wait);
    }

    return NGX_OK;
}


/* called under the zone's lock: memory alone */

static void
ngx_http_llm_admin_limit(void *data, llm_standing_t *s)
{
    llm_buf_t *b = data;

    if (b->len) {
        llm_buf_puts(b, ",");
    }

    ngx_http_llm_quota_print(b, s, s->retry_ms != 0 && !s->limit->shadow);
}
