
/*
 * Requests that wait for a route with room.  They stand in one line per
 * model, by the priority of their class and then by arrival; a line's head is
 * looked at when room came, and else when its routes said that it may come.
 * Nobody is polled but the heads.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_ladder.h"


/* room that another worker gives back is seen after at most this, ms */
#define NGX_HTTP_LLM_QUEUE_TICK      20

/* a known wait is not slept through in one piece, ms */
#define NGX_HTTP_LLM_QUEUE_MAX_TICK  500


typedef struct {
    ngx_queue_t            waiting;     /* ngx_http_llm_ctx_t */
    ngx_uint_t             n;
    ngx_event_t            event;       /* the next look at the head */
} ngx_http_llm_line_t;


static void ngx_http_llm_queue_event(ngx_event_t *ev);
static void ngx_http_llm_queue_timeout(ngx_event_t *ev);
static ngx_uint_t ngx_http_llm_queue_count(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_line_t *line);


/* by model->index; of this process */

static ngx_http_llm_line_t  *ngx_http_llm_lines;


ngx_int_t
ngx_http_llm_queue_init(ngx_cycle_t *cycle, ngx_http_llm_main_conf_t *lmcf)
{
    ngx_uint_t            i;
    ngx_http_llm_line_t  *line;

    ngx_http_llm_lines = ngx_pcalloc(cycle->pool,
                                     (lmcf->models.nelts + 1)
                                     * sizeof(ngx_http_llm_line_t));
    if (ngx_http_llm_lines == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < lmcf->models.nelts; i++) {

        line = &ngx_http_llm_lines[i];

        ngx_queue_init(&line->waiting);

        line->event.handler = ngx_http_llm_queue_event;
        line->event.data = line;
        line->event.log = cycle->log;
        line->event.cancelable = 0;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_queue_add(ngx_http_llm_ctx_t *ctx)
{
    ngx_msec_t            left;
    ngx_queue_t          *q;
    ngx_http_llm_ctx_t   *other;
    ngx_http_llm_line_t  *line;

    line = &ngx_http_llm_lines[ctx->model->index];

    if (ngx_http_llm_queue_count(ctx, line) >= ctx->class->queue_size) {
        return NGX_DECLINED;
    }

    /* behind the last of its own priority, or of a more urgent one */

    for (q = ngx_queue_last(&line->waiting);
         q != ngx_queue_sentinel(&line->waiting);
         q = ngx_queue_prev(q))
    {
        other = ngx_queue_data(q, ngx_http_llm_ctx_t, queue);

        if (other->class->queue_priority <= ctx->class->queue_priority) {
            break;
        }
    }

    ngx_queue_insert_after(q, &ctx->queue);
    line->n++;

    ctx->state = NGX_HTTP_LLM_QUEUED;
    ctx->queued_at = ngx_current_msec;
    ctx->has_queued = 1;
    ctx->waiting = 1;

    left = ctx->class->queue_time - ngx_min(ctx->queue_ms,
                                            ctx->class->queue_time);

    ctx->timer.handler = ngx_http_llm_queue_timeout;
    ngx_add_timer(&ctx->timer, left);

    if (!line->event.timer_set) {
        ngx_add_timer(&line->event, NGX_HTTP_LLM_QUEUE_TICK);
    }

    return NGX_OK;
}


/* lines are bounded by class: how many of its requests wait here */

static ngx_uint_t
ngx_http_llm_queue_count(ngx_http_llm_ctx_t *ctx, ngx_http_llm_line_t *line)
{
    ngx_uint_t           n;
    ngx_queue_t         *q;
    ngx_http_llm_ctx_t  *other;

    if (line->n < ctx->class->queue_size) {
        return line->n;
    }

    n = 0;

    for (q = ngx_queue_head(&line->waiting);
         q != ngx_queue_sentinel(&line->waiting);
         q = ngx_queue_next(q))
    {
        other = ngx_queue_data(q, ngx_http_llm_ctx_t, queue);
        n += (other->class == ctx->class);
    }

    return n;
}


void
ngx_http_llm_queue_remove(ngx_http_llm_ctx_t *ctx)
{
    if (!ctx->waiting) {
        return;
    }

    ctx->waiting = 0;
    ctx->queue_ms += ngx_current_msec - ctx->queued_at;

    ngx_queue_remove(&ctx->queue);
    ngx_http_llm_lines[ctx->model->index].n--;

    if (ctx->timer.timer_set) {
        ngx_del_timer(&ctx->timer);
    }
}


void
ngx_http_llm_queue_kick(ngx_http_llm_model_t *model)
{
    ngx_http_llm_line_t  *line;

    line = &ngx_http_llm_lines[model->index];

    if (line->n) {
        ngx_post_event(&line->event, &ngx_posted_events);
    }
}


void
ngx_http_llm_queue_rest(ngx_http_llm_model_t *model, ngx_msec_t wait)
{
    ngx_http_llm_line_t  *line;

    line = &ngx_http_llm_lines[model->index];

    if (line->n && !line->event.timer_set) {
        wait = ngx_min(wait, NGX_HTTP_LLM_QUEUE_MAX_TICK);
        ngx_add_timer(&line->event, ngx_max(wait, NGX_HTTP_LLM_QUEUE_TICK));
    }
}


static void
ngx_http_llm_queue_event(ngx_event_t *ev)
{
    ngx_int_t             rc;
    ngx_msec_t            wait;
    ngx_queue_t          *q;
    ngx_connection_t     *c;
    ngx_http_llm_ctx_t   *ctx;
    ngx_http_llm_line_t  *line;

    line = ev->data;

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    ev->timedout = 0;

    while (!ngx_queue_empty(&line->waiting)) {

        q = ngx_queue_head(&line->waiting);
        ctx = ngx_queue_data(q, ngx_http_llm_ctx_t, queue);
        c = ctx->request->connection;

        wait = 0;
        rc = ngx_http_llm_ladder_wake(ctx, &wait);

        if (rc == NGX_AGAIN) {
            return;
        }

        if (rc == NGX_BUSY) {
            ngx_http_llm_queue_rest(ctx->model, wait);
            return;
        }

        /* the request may be gone: only its connection is known */

        ngx_http_run_posted_requests(c);
    }
}


static void
ngx_http_llm_queue_timeout(ngx_event_t *ev)
{
    ngx_connection_t    *c;
    ngx_http_llm_ctx_t  *ctx;

    ctx = ev->data;
    c = ctx->request->connection;

    ngx_http_set_log_request(c->log, ctx->request);

    ngx_http_llm_ladder_expire(ctx);

    ngx_http_run_posted_requests(c);
}
