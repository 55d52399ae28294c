
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_quota.h"
#include "ngx_http_llm_redis.h"


/* numbers in one reply: 2, and for each subject 4 and 2 for each limit */
#define NGX_HTTP_LLM_REDIS_REPLY                                              \
    (2 + NGX_LLM_QUOTA_SUBJECTS * (4 + 2 * NGX_LLM_QUOTA_LIMITS))

/* bytes of the words of one call: more than the most limits that there are */
#define NGX_HTTP_LLM_REDIS_WORDS   131072

static void *ngx_http_llm_redis_sheet(void *data, size_t size);
static void ngx_http_llm_redis_renew(ngx_event_t *ev);
static void ngx_http_llm_redis_renew_lease(ngx_http_llm_redis_lease_t *lease);


static ngx_llm_redis_script_t        ngx_http_llm_redis_reserve;

static ngx_http_llm_redis_worker_t   ngx_http_llm_redis_this;
static u_char                        ngx_http_llm_redis_words
                                                  [NGX_HTTP_LLM_REDIS_WORDS];
static u_char                       *ngx_http_llm_redis_pen;
static ngx_event_t                   ngx_http_llm_redis_renew_event;
static int64_t                       ngx_http_llm_redis_offset;


ngx_int_t
ngx_http_llm_redis_init(ngx_cycle_t *cycle, ngx_http_llm_main_conf_t *lmcf)
{
    ngx_event_t                  *ev;
    ngx_http_llm_redis_worker_t  *worker;

    if (lmcf->redis == NULL) {
        return NGX_OK;
    }

    ngx_http_llm_str_set(&ngx_http_llm_redis_reserve.text,
                         &llm_script_reserve);
    ngx_llm_redis_script_init(&ngx_http_llm_redis_reserve);

    worker = &ngx_http_llm_redis_this;
    worker->conf = lmcf->redis;
    worker->zone = lmcf->zone;
    worker->tally = ngx_llm_tally_start(lmcf->zone, lmcf->state != NULL,
                                        cycle);
    ngx_queue_init(&worker->leases);

    ev = &ngx_http_llm_redis_renew_event;
    ev->handler = ngx_http_llm_redis_renew;
    ev->log = cycle->log;
    ev->cancelable = 1;

    ngx_http_llm_redis_letters_init(cycle);

    worker->client = ngx_llm_redis_start(cycle, &lmcf->redis->conf,
                                         ngx_http_llm_redis_ready, NULL);

    return worker->client ? NGX_OK : NGX_ERROR;
}


/* what is not confirmed is left to other workers, and the next ones */

void
ngx_http_llm_redis_stop(void)
{
    ngx_llm_redis_t  *client;

    client = ngx_http_llm_redis_this.client;

    if (client == NULL) {
        return;
    }

    /* those that are told now see that nothing more is sent */

    ngx_http_llm_redis_this.client = NULL;
    ngx_llm_redis_stop(client);

    ngx_http_llm_redis_letters_stop();
    ngx_llm_tally_stop(ngx_http_llm_redis_this.tally);
}


ngx_http_llm_redis_worker_t *
ngx_http_llm_redis_worker(void)
{
    return ngx_http_llm_redis_this.conf ? &ngx_http_llm_redis_this : NULL;
}


int64_t
ngx_http_llm_redis_now(void)
{
    return ngx_llm_quota_now() + ngx_http_llm_redis_offset;
}


ngx_llm_redis_command_t *
ngx_http_llm_redis_ask(const llm_script_claim_t *claim, int64_t lease_ms,
    ngx_llm_redis_handler_pt handler, void *data)
{
    llm_arena_t                   arena;
    llm_script_call_t             call;
    ngx_http_llm_redis_worker_t  *worker;

    worker = ngx_http_llm_redis_worker();

    ngx_http_llm_redis_paper(&arena);

    if (worker->client == NULL
        || !ngx_llm_redis_available(worker->client)
        || llm_script_reserve_call(claim,
                                   ngx_http_llm_pure(&worker->conf->prefix),
                                   lease_ms, ngx_http_llm_redis_now(), &arena,
                                   &call)
           != LLM_OK)
    {
        return NULL;
    }

    return ngx_llm_redis_eval(worker->client, &ngx_http_llm_redis_reserve,
                              ngx_http_llm_str(call.argv), call.argc, handler,
                              data);
}


int
ngx_http_llm_redis_reserved(const llm_script_claim_t *claim, redisReply *reply,
    llm_verdict_t *verdict)
{
    int          rc;
    size_t       i;
    int64_t      now, n[NGX_HTTP_LLM_REDIS_REPLY];
    redisReply  *item;

    if (reply->type != REDIS_REPLY_ARRAY
        || reply->elements > NGX_HTTP_LLM_REDIS_REPLY)
    {
        return LLM_INVALID;
    }

    for (i = 0; i < reply->elements; i++) {
        item = reply->element[i];

        if (item->type != REDIS_REPLY_STRING) {
            return LLM_INVALID;
        }

        n[i] = strtoll(item->str, NULL, 10);
    }

    rc = llm_script_reserve_read(claim, n, reply->elements, &now, verdict);

    if (rc != LLM_INVALID) {
        ngx_http_llm_redis_clock(now);
    }

    return rc;
}


void
ngx_http_llm_redis_clock(int64_t now)
{
    ngx_http_llm_redis_offset = now - ngx_llm_quota_now();
}


void
ngx_http_llm_redis_paper(llm_arena_t *arena)
{
    ngx_http_llm_redis_pen = ngx_http_llm_redis_words;

    arena->alloc = ngx_http_llm_redis_sheet;
    arena->data = &ngx_http_llm_redis_pen;
    arena->left = NGX_HTTP_LLM_REDIS_WORDS;
}


static void *
ngx_http_llm_redis_sheet(void *data, size_t size)
{
    u_char *p, *last, **pen = data;

    p = ngx_align_ptr(*pen, NGX_ALIGNMENT);
    last = ngx_http_llm_redis_words + NGX_HTTP_LLM_REDIS_WORDS;

    if (p >= last || size > (size_t) (last - p)) {
        return NULL;
    }

    *pen = p + size;

    return p;
}


void
ngx_http_llm_redis_hold(ngx_http_llm_redis_lease_t *lease)
{
    lease->renewed = ngx_current_msec;
    ngx_queue_insert_tail(&ngx_http_llm_redis_this.leases, &lease->queue);

    if (!ngx_http_llm_redis_renew_event.timer_set) {
        ngx_add_timer(&ngx_http_llm_redis_renew_event,
                      ngx_http_llm_redis_this.conf->lease / 3);
    }
}


void
ngx_http_llm_redis_drop(ngx_http_llm_redis_lease_t *lease)
{
    ngx_queue_remove(&lease->queue);
}


/* those that are a third of a lease old; what is missed is tried again */

static void
ngx_http_llm_redis_renew(ngx_event_t *ev)
{
    ngx_msec_t                    third;
    ngx_queue_t                  *q;
    ngx_http_llm_redis_lease_t   *lease;
    ngx_http_llm_redis_worker_t  *worker;

    worker = &ngx_http_llm_redis_this;
    third = worker->conf->lease / 3;

    while (!ngx_queue_empty(&worker->leases)) {

        q = ngx_queue_head(&worker->leases);
        lease = ngx_queue_data(q, ngx_http_llm_redis_lease_t, queue);

        if (ngx_current_msec - lease->renewed < third
            || worker->client == NULL
            || !ngx_llm_redis_available(worker->client))
        {
            break;
        }

        ngx_http_llm_redis_renew_lease(lease);

        lease->renewed = ngx_current_msec;
        ngx_queue_remove(q);
        ngx_queue_insert_tail(&worker->leases, q);
    }

    if (!ngx_queue_empty(&worker->leases)) {
        ngx_add_timer(ev, ngx_max(third / 4, 1));
    }
}


static void
ngx_http_llm_redis_renew_lease(ngx_http_llm_redis_lease_t *lease)
{
    unsigned                      s;
    ngx_uint_t                    i;
    llm_arena_t                  *arena;
    llm_script_call_t             call;
    ngx_http_llm_redis_worker_t  *worker;

    worker = &ngx_http_llm_redis_this;

    arena = llm_arena_create(64 * 1024);
    if (arena == NULL) {
        return;
    }

    for (i = 0; i < lease->n; i++) {
        for (s = 0; s < lease->claims[i].n; s++) {

            if (llm_script_renew_call(&lease->claims[i], s,
                                ngx_http_llm_pure(&worker->conf->prefix),
                                ngx_http_llm_redis_now()
                                + (int64_t) worker->conf->lease,
                                arena, &call)
                == LLM_OK)
            {
                (void) ngx_llm_redis_command(worker->client,
                                          ngx_http_llm_str(&call.argv[1]),
                                          ngx_http_llm_str(call.argv),
                                          call.argc, NULL, NULL);
            }
        }
    }

    llm_arena_free(arena);
}
