
/*
 * What Redis is owed, since it was not told when it was away; and what it is
 * told of requests whose worker died.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_books.h"
#include "ngx_http_llm_quota.h"
#include "ngx_http_llm_redis.h"


/* words of a settlement: the number of keys, then keys, mode, id, amount */
#define NGX_HTTP_LLM_REDIS_KEYS    2
#define NGX_HTTP_LLM_REDIS_HEAD    6

/* entries that are sent at once */
#define NGX_HTTP_LLM_REDIS_OWED    64


/* an entry of the tally under way */

typedef struct {
    ngx_llm_tally_ticket_t     ticket;
} ngx_http_llm_redis_owed_t;


static ngx_int_t ngx_http_llm_redis_pay_entry(ngx_llm_tally_entry_t *entry);
static ngx_uint_t ngx_http_llm_redis_pay_words(ngx_llm_tally_entry_t *entry,
    ngx_str_t *name, ngx_str_t *argv, u_char *p);
static void ngx_http_llm_redis_paid(void *data, ngx_int_t rc,
    redisReply *reply);
static void ngx_http_llm_redis_lost_attempt(ngx_http_llm_main_conf_t *lmcf,
    ngx_llm_quota_lost_t *lost, ngx_str_t *id);


/* see llm_limit_script_text.c for the words */

ngx_str_t *
ngx_http_llm_redis_owe(ngx_str_t *argv)
{
    ngx_str_t             *w, *key, *full;
    ngx_int_t              n, i, ttl, subjects;
    ngx_llm_tally_item_t   items[NGX_LLM_TALLY_ITEMS];

    subjects = ngx_atoi(argv[2].data, argv[2].len) / 2;
    key = &argv[3];
    full = NULL;

    w = ngx_http_llm_redis_mode(argv) + NGX_HTTP_LLM_REDIS_HEAD;

    for ( /* void */ ; subjects; subjects--, key += 2) {

        ttl = ngx_atoi(w[0].data, w[0].len);
        n = ngx_atoi(w[1].data, w[1].len);
        w += 2;

        for (i = 0; i < n && i < NGX_LLM_TALLY_ITEMS; i++) {

            items[i].kind = w[0].data[0];
            items[i].id = ngx_atoi(w[1].data, w[1].len);

            /* s id length had has mark, or c id start used */

            items[i].place = ngx_atoi(w[2].data, w[2].len);

            if (items[i].kind == 's') {
                items[i].amount = ngx_atoi(w[4].data, w[4].len);
                w += 6;

            } else {
                items[i].amount = ngx_atoi(w[3].data, w[3].len);
                w += 4;
            }
        }

        if (i && ngx_llm_tally_add(ngx_http_llm_redis_worker()->tally, key,
                                   ttl, items, i)
                 != NGX_OK)
        {
            full = key;
        }
    }

    return full;
}


ngx_uint_t
ngx_http_llm_redis_pay(void)
{
    ngx_uint_t                    n;
    ngx_llm_tally_entry_t         entry;
    ngx_http_llm_redis_worker_t  *worker;

    worker = ngx_http_llm_redis_worker();

    for (n = 0; n < NGX_HTTP_LLM_REDIS_OWED; n++) {

        if (worker->client == NULL
            || !ngx_llm_redis_available(worker->client)
            || ngx_llm_tally_take(worker->tally, &entry) != NGX_OK
            || ngx_http_llm_redis_pay_entry(&entry) != NGX_OK)
        {
            return 0;
        }
    }

    return 1;
}


static ngx_int_t
ngx_http_llm_redis_pay_entry(ngx_llm_tally_entry_t *entry)
{
    u_char                      text[64 + (5 + 5 * NGX_LLM_TALLY_ITEMS)
                                          * NGX_INT64_LEN
                                     + 2 * NGX_LLM_TALLY_NAME];
    ngx_str_t                   name, argv[16 + 6 * NGX_LLM_TALLY_ITEMS];
    ngx_uint_t                  argc;
    ngx_http_llm_redis_owed_t  *owed;

    owed = ngx_alloc(sizeof(ngx_http_llm_redis_owed_t), ngx_cycle->log);

    if (owed) {
        owed->ticket = entry->ticket;

        name.data = entry->name;
        name.len = entry->len;

        argc = ngx_http_llm_redis_pay_words(entry, &name, argv, text);

        if (ngx_llm_redis_eval(ngx_http_llm_redis_worker()->client,
                               &ngx_http_llm_redis_settlement, argv, argc,
                               ngx_http_llm_redis_paid, owed))
        {
            return NGX_OK;
        }

        ngx_free(owed);
    }

    ngx_llm_tally_end(ngx_http_llm_redis_worker()->tally, &entry->ticket, 0);

    return NGX_BUSY;
}


/* the words of a settlement without a reservation, of one subject */

static ngx_uint_t
ngx_http_llm_redis_pay_words(ngx_llm_tally_entry_t *entry, ngx_str_t *name,
    ngx_str_t *argv, u_char *p)
{
    ngx_str_t             *w;
    ngx_uint_t             i;
    ngx_llm_tally_item_t  *item;

#define ngx_http_llm_redis_word(fmt, value)                                   \
    w->data = p; p = ngx_sprintf(p, fmt, value); w->len = p - w->data; w++

    w = &argv[NGX_HTTP_LLM_REDIS_KEYS];

    ngx_str_set(w, "2");
    w++;
    ngx_http_llm_redis_word("%V", name);
    ngx_http_llm_redis_word("%V:leases", name);

    ngx_str_set(w, "l");
    w++;
    w->data = entry->ticket.id;
    w->len = NGX_LLM_TALLY_ID;
    w++;

    for (i = 0; i < 4; i++) {
        ngx_str_set(w, "0");
        w++;
    }

    ngx_http_llm_redis_word("%L", entry->ttl);
    ngx_http_llm_redis_word("%ui", entry->n);

    for (i = 0; i < entry->n; i++) {
        item = &entry->items[i];

        if (item->kind == 's') {
            ngx_str_set(w, "s");
            w++;
            ngx_http_llm_redis_word("%uL", item->id);
            ngx_http_llm_redis_word("%L", item->place);
            ngx_str_set(w, "0");
            w++;
            ngx_http_llm_redis_word("%L", item->amount);
            ngx_str_set(w, "0");
            w++;

        } else {
            ngx_str_set(w, "c");
            w++;
            ngx_http_llm_redis_word("%uL", item->id);
            ngx_http_llm_redis_word("%L", item->place);
            ngx_http_llm_redis_word("%L", item->amount);
        }
    }

#undef ngx_http_llm_redis_word

    return w - argv;
}


static void
ngx_http_llm_redis_paid(void *data, ngx_int_t rc, redisReply *reply)
{
    ngx_http_llm_redis_owed_t *owed = data;

    ngx_llm_tally_end(ngx_http_llm_redis_worker()->tally, &owed->ticket,
                      rc == NGX_OK || rc == NGX_ERROR);
    ngx_free(owed);

    if (rc == NGX_OK
        && ngx_llm_tally_count(ngx_http_llm_redis_worker()->tally) == 0)
    {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "redis has all that was used while it was unavailable");
    }
}


/*
 * A key made at run time may be gone by now, and its counters with it.  One
 * subject at a time: whatever their hash tags are.
 */

void
ngx_http_llm_redis_lost(ngx_http_llm_main_conf_t *lmcf,
    ngx_llm_quota_lost_t *lost)
{
    ngx_str_t             id, name;
    ngx_uint_t            i;
    ngx_http_llm_key_t   *key;
    llm_script_claim_t    claim;
    const llm_subject_t  *subject;

    if (ngx_http_llm_redis_worker()->client == NULL
        || ngx_http_llm_lost_member(&lost->note, "\"id\":\"", &id) != NGX_OK)
    {
        return;
    }

    if (lost->open.number) {
        ngx_http_llm_redis_lost_attempt(lmcf, lost, &id);
    }

    if (lost->used.requests
        || ngx_http_llm_lost_member(&lost->note, "\"key\":\"", &name) != NGX_OK)
    {
        return;
    }

    key = ngx_http_llm_conf_key_by_name(lmcf, &name);

    if (key == NULL) {
        return;
    }

    ngx_memzero(&claim, sizeof(llm_script_claim_t));

    claim.id = *ngx_http_llm_pure(&id);
    claim.asked = lost->asked;
    claim.subjects = &subject;
    claim.n = 1;

    for (i = 0; i < key->nsubjects; i++) {
        subject = &key->subjects[i];
        ngx_http_llm_redis_give_back(&claim, LLM_SCRIPT_AGAIN);
    }
}


/* the attempt that its worker died in the middle of, if Redis counts it */

static void
ngx_http_llm_redis_lost_attempt(ngx_http_llm_main_conf_t *lmcf,
    ngx_llm_quota_lost_t *lost, ngx_str_t *id)
{
    u_char                     text[NGX_LLM_TALLY_NAME];
    ngx_uint_t                 i;
    llm_script_claim_t         claim;
    const llm_subject_t       *subject;
    ngx_http_llm_provider_t  **provider;

    ngx_memzero(&claim, sizeof(llm_script_claim_t));

    claim.id.data = text;
    claim.id.len = ngx_snprintf(text, sizeof(text),
                                NGX_HTTP_LLM_REDIS_ATTEMPT, id,
                                lost->open.number)
                   - text;
    claim.asked = lost->open.asked;
    claim.subjects = &subject;
    claim.n = 1;

    provider = lmcf->providers.elts;

    for (i = 0; i < lmcf->providers.nelts; i++) {

        subject = provider[i]->subject;

        if (subject
            && subject->id.len == lost->open.id.len
            && ngx_memcmp(subject->id.data, lost->open.id.data,
                          subject->id.len)
               == 0)
        {
            ngx_http_llm_redis_give_back(&claim, LLM_SCRIPT_AGAIN);
            return;
        }
    }
}
