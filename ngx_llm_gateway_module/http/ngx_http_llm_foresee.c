
/*
 * The ladder's way to its first attempt, without one: what limits say of the
 * request, then health and limits of each route, in the order in which they
 * would be tried; where none is fit, what the class has instead.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_foresee.h"
#include "ngx_http_llm_ladder.h"


static void ngx_http_llm_foresee_look(ngx_http_llm_foresight_t *fs,
    ngx_http_llm_quota_look_t *look);
static void ngx_http_llm_foresee_told(void *data, ngx_int_t rc);
static ngx_int_t ngx_http_llm_foresee_own(ngx_http_llm_foresight_t *fs,
    ngx_int_t rc);
static ngx_int_t ngx_http_llm_foresee_walk(ngx_http_llm_foresight_t *fs,
    ngx_int_t rc);
static ngx_int_t ngx_http_llm_foresee_next(ngx_http_llm_foresight_t *fs);
static ngx_int_t ngx_http_llm_foresee_move(ngx_http_llm_foresight_t *fs);
static ngx_int_t ngx_http_llm_foresee_route(ngx_http_llm_foresight_t *fs);
static ngx_int_t ngx_http_llm_foresee_more(ngx_http_llm_foresight_t *fs,
    ngx_int_t rc);
static ngx_int_t ngx_http_llm_foresee_provider(ngx_http_llm_foresight_t *fs);
static ngx_int_t ngx_http_llm_foresee_judge(ngx_http_llm_foresight_t *fs,
    ngx_http_llm_quota_look_t *look, ngx_int_t rc);
static void ngx_http_llm_foresee_tell(ngx_http_llm_foresight_t *fs,
    ngx_http_llm_quota_look_t *look);


ngx_int_t
ngx_http_llm_foresee(ngx_http_llm_foresight_t *fs)
{
    ngx_int_t            rc;
    ngx_http_llm_ctx_t  *ctx;

    ctx = fs->ctx;
    ctx->ladder_start = ngx_current_msec;

    llm_buf_init(&fs->limits, &ctx->arena);

    ngx_http_llm_foresee_look(fs, &fs->own);
    ngx_http_llm_foresee_look(fs, &fs->provider);

    rc = ngx_http_llm_quota_would(ctx, &fs->own);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_OK) {
        fs->part = NGX_HTTP_LLM_FORESEE_OWN;
        fs->held = fs->own.asked;

        rc = ngx_http_llm_quota_look(&fs->own);

        if (rc == NGX_AGAIN) {
            return NGX_AGAIN;
        }

        rc = ngx_http_llm_foresee_own(fs, rc);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return ngx_http_llm_foresee_walk(fs, NGX_BUSY);
}


static void
ngx_http_llm_foresee_look(ngx_http_llm_foresight_t *fs,
    ngx_http_llm_quota_look_t *look)
{
    look->ctx = fs->ctx;
    look->handler = ngx_http_llm_foresee_told;
    look->data = fs;
}


static void
ngx_http_llm_foresee_told(void *data, ngx_int_t rc)
{
    ngx_http_llm_foresight_t *fs = data;

    switch (fs->part) {

    case NGX_HTTP_LLM_FORESEE_OWN:
        rc = ngx_http_llm_foresee_own(fs, rc);

        if (rc == NGX_OK) {
            rc = ngx_http_llm_foresee_walk(fs, NGX_BUSY);
        }

        break;

    case NGX_HTTP_LLM_FORESEE_MORE:
        rc = ngx_http_llm_foresee_more(fs, rc);

        if (rc == NGX_OK) {
            rc = ngx_http_llm_foresee_provider(fs);
        }

        rc = ngx_http_llm_foresee_walk(fs, rc);
        break;

    default: /* NGX_HTTP_LLM_FORESEE_PROVIDER */
        rc = ngx_http_llm_foresee_judge(fs, &fs->provider, rc);
        rc = ngx_http_llm_foresee_walk(fs, rc);
    }

    if (rc != NGX_AGAIN) {
        fs->handler(fs->data, rc);
    }
}


/* NGX_OK, or the status of a refusal */

static ngx_int_t
ngx_http_llm_foresee_own(ngx_http_llm_foresight_t *fs, ngx_int_t rc)
{
    ngx_http_llm_foresee_tell(fs, &fs->own);

    switch (rc) {

    case NGX_OK:
        return NGX_OK;

    case NGX_BUSY:
        return ngx_http_llm_quota_refuse(fs->ctx, &fs->own.verdict.refused);

    default: /* NGX_ERROR */
        return ngx_http_llm_quota_unavailable(fs->ctx);
    }
}


/*
 * rc is of the route that was looked at last: NGX_BUSY, it will not do, and the
 * next one is looked at; NGX_DECLINED: there is none.
 */

static ngx_int_t
ngx_http_llm_foresee_walk(ngx_http_llm_foresight_t *fs, ngx_int_t rc)
{
    for ( ;; ) {

        if (rc == NGX_DECLINED) {
            rc = ngx_http_llm_foresee_move(fs);

        } else if (rc != NGX_BUSY) {
            return rc;

        } else if (fs->resort) {
            return ngx_http_llm_ladder_stop(fs->ctx, fs->reason, fs->wait);

        } else {
            rc = ngx_http_llm_foresee_next(fs);
        }
    }
}


static ngx_int_t
ngx_http_llm_foresee_next(ngx_http_llm_foresight_t *fs)
{
    ngx_http_llm_ctx_t  *ctx;

    ctx = fs->ctx;

    fs->cand = ngx_http_llm_routes_next(ctx, &fs->failure, &fs->wait);

    if (fs->cand) {
        return ngx_http_llm_foresee_route(fs);
    }

    ngx_http_llm_ladder_busy(ctx, &fs->failure, &fs->wait);

    if (ctx->nplan == 0) {
        fs->failure = LLM_FAILURE_CONTEXT;
    }

    return NGX_DECLINED;
}


/* no route of the plan is fit */

static ngx_int_t
ngx_http_llm_foresee_move(ngx_http_llm_foresight_t *fs)
{
    ngx_int_t            rc;
    llm_decision_t       d;
    ngx_http_llm_ctx_t  *ctx;

    ctx = fs->ctx;

    for ( ;; ) {

        d = ngx_http_llm_ladder_ask(ctx, NULL, fs->failure);
        fs->move = d.move;

        switch (d.move) {

        case LLM_MOVE_BACKUP:
            rc = ngx_http_llm_plan_backup(ctx);

            if (rc == NGX_DECLINED) {
                break;
            }

            return rc == NGX_OK ? NGX_BUSY : NGX_HTTP_INTERNAL_SERVER_ERROR;

        case LLM_MOVE_QUEUE:
            return NGX_OK;

        default: /* LLM_MOVE_STOP */
            fs->resort = 1;
            fs->reason = d.reason;

            if (ctx->class->last_resort) {
                fs->cand = ngx_http_llm_routes_least_bad(ctx);
            }

            return fs->cand ? ngx_http_llm_foresee_route(fs) : NGX_BUSY;
        }
    }
}


/* what a ladder asks for before an attempt: NGX_OK, NGX_BUSY or NGX_AGAIN */

static ngx_int_t
ngx_http_llm_foresee_route(ngx_http_llm_foresight_t *fs)
{
    ngx_int_t            rc;
    ngx_uint_t           priced;
    llm_amount_t         more;
    ngx_http_llm_ctx_t  *ctx;

    ctx = fs->ctx;

    if (fs->cand->convert == LLM_CONVERT_LOCAL) {
        return NGX_OK;
    }

    ngx_http_llm_quota_ask_route(ctx, fs->cand, &fs->need, &priced);

    if (fs->own.n && ctx->served != ctx->model) {

        more = fs->need;
        llm_amount_sub(&more, &fs->held);
        more.requests = 0;

        if (more.input_tokens || more.output_tokens || more.money) {

            fs->part = NGX_HTTP_LLM_FORESEE_MORE;
            fs->own.asked = fs->held;
            llm_amount_add(&fs->own.asked, &more);

            rc = ngx_http_llm_quota_look(&fs->own);

            if (rc == NGX_AGAIN) {
                return NGX_AGAIN;
            }

            rc = ngx_http_llm_foresee_more(fs, rc);

            if (rc != NGX_OK) {
                return rc;
            }
        }
    }

    return ngx_http_llm_foresee_provider(fs);
}


static ngx_int_t
ngx_http_llm_foresee_more(ngx_http_llm_foresight_t *fs, ngx_int_t rc)
{
    if (rc == NGX_OK) {
        fs->held = fs->own.asked;
    }

    return ngx_http_llm_foresee_judge(fs, &fs->own, rc);
}


static ngx_int_t
ngx_http_llm_foresee_provider(ngx_http_llm_foresight_t *fs)
{
    ngx_int_t       rc;
    llm_subject_t  *subject;

    subject = fs->cand->route->provider->subject;

    if (subject == NULL) {
        return NGX_OK;
    }

    fs->part = NGX_HTTP_LLM_FORESEE_PROVIDER;

    fs->provider.subjects[0] = subject;
    fs->provider.n = 1;
    fs->provider.asked = fs->need;
    fs->provider.asked.requests = 1;

    rc = ngx_http_llm_quota_look(&fs->provider);

    return rc == NGX_AGAIN ? rc
           : ngx_http_llm_foresee_judge(fs, &fs->provider, rc);
}


/* NGX_OK; NGX_BUSY: the route is left out, with a reason */

static ngx_int_t
ngx_http_llm_foresee_judge(ngx_http_llm_foresight_t *fs,
    ngx_http_llm_quota_look_t *look, ngx_int_t rc)
{
    ngx_http_llm_candidate_t  *cand;

    ngx_http_llm_foresee_tell(fs, look);

    if (rc == NGX_OK) {
        return NGX_OK;
    }

    cand = fs->cand;

    ngx_http_llm_quota_skip(fs->ctx, cand, rc, &look->verdict.refused,
                            &cand->wait);

    cand->busy = 1;
    cand->kept = 0;

    fs->cand = NULL;
    fs->wait = cand->wait;

    return NGX_BUSY;
}


static void
ngx_http_llm_foresee_tell(ngx_http_llm_foresight_t *fs,
    ngx_http_llm_quota_look_t *look)
{
    ngx_uint_t       i;
    llm_standing_t  *s;

    fs->looked = 1;
    fs->away |= look->away;

    for (i = 0; i < look->nstandings; i++) {

        s = &look->standings[i];

        if (fs->limits.len) {
            llm_buf_puts(&fs->limits, ",");
        }

        ngx_http_llm_quota_print(&fs->limits, s,
                                 s->retry_ms != 0 && !s->limit->shadow);
    }
}
