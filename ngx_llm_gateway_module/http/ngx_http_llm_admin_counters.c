
/*
 * llm_admin: what is counted for subjects where hosts share them.  This host
 * knows who has limits, Redis how much they use.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_admin.h"
#include "ngx_http_llm_redis.h"


/* HMGET, its key, what is held, and of each counter its time and spent */
#define NGX_HTTP_LLM_ADMIN_HELD   4
#define NGX_HTTP_LLM_ADMIN_WORDS                                              \
    (2 + NGX_HTTP_LLM_ADMIN_HELD + 2 * NGX_LLM_QUOTA_LIMITS)


/* while Redis is asked, of one subject after the other */

typedef struct {
    ngx_http_llm_admin_t      *adm;
    ngx_http_llm_admin_sheet_t  sheet;
    llm_buf_t                  b;
    ngx_llm_redis_command_t   *command;
} ngx_http_llm_admin_counters_t;


static ngx_int_t ngx_http_llm_admin_counters_ask(
    ngx_http_llm_admin_counters_t *co);
static void ngx_http_llm_admin_counters_told(void *data, ngx_int_t rc,
    redisReply *reply);
static void ngx_http_llm_admin_counters_take(ngx_llm_quota_entry_t *entry,
    redisReply *reply);
static int64_t ngx_http_llm_admin_counters_number(redisReply *reply,
    ngx_uint_t i);
static void ngx_http_llm_admin_counters_cleanup(void *data);


ngx_int_t
ngx_http_llm_admin_counters(ngx_http_llm_admin_t *adm,
    ngx_http_llm_admin_sheet_t *sheet, llm_buf_t *b)
{
    ngx_http_cleanup_t             *cln;
    ngx_http_request_t             *r;
    ngx_http_llm_redis_worker_t    *worker;
    ngx_http_llm_admin_counters_t  *co;

    r = adm->ctx->request;
    worker = ngx_http_llm_redis_worker();

    if (worker == NULL || worker->client == NULL) {
        return NGX_DECLINED;
    }

    co = ngx_pcalloc(r->pool, sizeof(ngx_http_llm_admin_counters_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (co == NULL || cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_llm_admin_counters_cleanup;
    cln->data = co;

    co->adm = adm;
    co->sheet = *sheet;
    co->b = *b;

    if (ngx_http_llm_admin_named(adm, &co->sheet) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_llm_admin_sheet_next(&co->sheet) != NGX_OK
        || ngx_http_llm_admin_counters_ask(co) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    r->main->count++;

    return NGX_DONE;
}


static ngx_int_t
ngx_http_llm_admin_counters_ask(ngx_http_llm_admin_counters_t *co)
{
    u_char                       *p;
    llm_buf_t                     key;
    ngx_str_t                     id, name, argv[NGX_HTTP_LLM_ADMIN_WORDS];
    ngx_uint_t                    i, n;
    llm_subject_t                 s;
    ngx_llm_quota_entry_t        *entry;
    ngx_http_llm_redis_worker_t  *worker;
    u_char                        text[2 * NGX_LLM_QUOTA_LIMITS
                                       * (NGX_INT64_LEN + 1)];

    worker = ngx_http_llm_redis_worker();
    entry = &co->sheet.entry;

    if (co->sheet.subject) {
        s = *co->sheet.subject;

    } else {
        id.data = entry->id;
        id.len = entry->len;

        ngx_http_llm_admin_shared_subject(co->adm, &id, &s);
    }

    llm_buf_init(&key, &co->adm->ctx->arena);
    llm_script_key(&s, ngx_http_llm_pure(&worker->conf->prefix), &key);

    if (key.failed) {
        return NGX_ERROR;
    }

    ngx_http_llm_str_set(&name, &key);

    ngx_str_set(&argv[0], "HMGET");
    argv[1] = name;
    ngx_str_set(&argv[2], "r");
    ngx_str_set(&argv[3], "i");
    ngx_str_set(&argv[4], "o");
    ngx_str_set(&argv[5], "m");

    n = 2 + NGX_HTTP_LLM_ADMIN_HELD;
    p = text;

    for (i = 0; i < 2 * entry->ncounters; i++, n++) {
        argv[n].data = p;
        p = ngx_sprintf(p, "%c%uL", i % 2 ? 's' : 't',
                        entry->counters[i / 2].counter.id & INT64_MAX);
        argv[n].len = p - argv[n].data;
    }

    co->command = ngx_llm_redis_available(worker->client)
                  ? ngx_llm_redis_command(worker->client, &name, argv, n,
                                          ngx_http_llm_admin_counters_told, co)
                  : NULL;

    return co->command ? NGX_OK : NGX_ERROR;
}


/* from where Redis does not tell on it is what this host counts meanwhile */

static void
ngx_http_llm_admin_counters_told(void *data, ngx_int_t rc, redisReply *reply)
{
    ngx_http_llm_admin_counters_t *co = data;

    co->command = NULL;

    if (ngx_http_llm_redis_worker()->client == NULL) {
        return;
    }

    if (rc == NGX_OK) {
        ngx_http_llm_admin_counters_take(&co->sheet.entry, reply);
    }

    for ( ;; ) {

        if (rc == NGX_OK || co->sheet.counted) {
            ngx_http_llm_admin_sheet_print(&co->sheet, &co->b);
        }

        if (ngx_http_llm_admin_sheet_next(&co->sheet) != NGX_OK) {
            break;
        }

        if (rc == NGX_OK) {
            rc = ngx_http_llm_admin_counters_ask(co);
        }

        if (co->command) {
            return;
        }
    }

    ngx_http_llm_admin_sheet_close(&co->sheet, &co->b);

    ngx_http_llm_admin_finish(co->adm->ctx->request, co->adm->status, &co->b);
}


/*
 * What flows off keeps this host's word.  Of a window that has turned since
 * this host counted last nobody tells the end here.
 */

static void
ngx_http_llm_admin_counters_take(ngx_llm_quota_entry_t *entry,
    redisReply *reply)
{
    int64_t         began;
    ngx_uint_t      i, k;
    llm_counter_t  *counter;

    if (reply->type != REDIS_REPLY_ARRAY
        || reply->elements != NGX_HTTP_LLM_ADMIN_HELD + 2 * entry->ncounters)
    {
        return;
    }

    entry->held.requests = ngx_http_llm_admin_counters_number(reply, 0);
    entry->held.input_tokens = ngx_http_llm_admin_counters_number(reply, 1);
    entry->held.output_tokens = ngx_http_llm_admin_counters_number(reply, 2);
    entry->held.money = ngx_http_llm_admin_counters_number(reply, 3);

    for (i = 0; i < entry->ncounters; i++) {

        if (entry->counters[i].end == 0) {
            continue;
        }

        k = NGX_HTTP_LLM_ADMIN_HELD + 2 * i;
        counter = &entry->counters[i].counter;
        began = ngx_http_llm_admin_counters_number(reply, k);

        if (began < counter->time) {
            counter->spent = 0;
            continue;
        }

        if (began > counter->time) {
            counter->time = began;
            entry->counters[i].end = -1;
        }

        counter->spent = ngx_http_llm_admin_counters_number(reply, k + 1);
    }
}


static int64_t
ngx_http_llm_admin_counters_number(redisReply *reply, ngx_uint_t i)
{
    redisReply  *item;

    item = reply->element[i];

    return item->type == REDIS_REPLY_STRING ? strtoll(item->str, NULL, 10) : 0;
}


static void
ngx_http_llm_admin_counters_cleanup(void *data)
{
    ngx_http_llm_admin_counters_t *co = data;

    if (co->command) {
        ngx_llm_redis_forget(co->command);
        co->command = NULL;
    }
}
