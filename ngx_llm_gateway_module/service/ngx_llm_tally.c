
#include "ngx_llm_tally.h"

#include <signal.h>

#include <openssl/rand.h>


/* of them a few hundred are looked through under the lock */
#define NGX_LLM_TALLY_BUCKETS  256


typedef struct ngx_llm_tally_node_s  ngx_llm_tally_node_t;

struct ngx_llm_tally_node_s {
    ngx_llm_tally_node_t    *next;       /* of the same bucket */
    uint32_t                 hash;
    ngx_pid_t                sender;     /* 0: nobody sends it */
    uint64_t                 number;     /* 0: it still grows; else its id */
    int64_t                  ttl;
    ngx_uint_t               n;
    ngx_llm_tally_item_t     items[NGX_LLM_TALLY_ITEMS];
    size_t                   len;
    u_char                   name[1];
};


typedef struct {
    ngx_atomic_t             count;
    ngx_llm_tally_node_t    *buckets[NGX_LLM_TALLY_BUCKETS];
} ngx_llm_tally_sh_t;


struct ngx_llm_tally_s {
    ngx_llm_zone_t          *zone;
    ngx_llm_tally_sh_t      *sh;
    ngx_uint_t               bucket;     /* where the last entry was found */
};


static ngx_llm_tally_node_t *ngx_llm_tally_node(ngx_llm_tally_t *tally,
    uint32_t hash, ngx_str_t *name);
static ngx_int_t ngx_llm_tally_merge(ngx_llm_tally_node_t *node,
    ngx_llm_tally_item_t *items, ngx_uint_t n);
static ngx_uint_t ngx_llm_tally_free(ngx_llm_tally_node_t *node);
static void ngx_llm_tally_copy(ngx_llm_tally_node_t *node,
    ngx_llm_tally_entry_t *entry);


ngx_llm_tally_t *
ngx_llm_tally_start(ngx_llm_zone_t *zone, ngx_cycle_t *cycle)
{
    ngx_llm_tally_t  *tally;

    if (zone == NULL) {
        return NULL;
    }

    tally = ngx_pcalloc(cycle->pool, sizeof(ngx_llm_tally_t));
    if (tally == NULL) {
        return NULL;
    }

    tally->zone = zone;

    tally->sh = ngx_llm_zone_root(zone, "tally", sizeof(ngx_llm_tally_sh_t));

    if (tally->sh == NULL) {
        ngx_log_error(NGX_LOG_ERR, cycle->log, 0,
                      "the zone has no room for what is owed to redis; make "
                      "llm_zone larger");
        return NULL;
    }

    return tally;
}


ngx_int_t
ngx_llm_tally_add(ngx_llm_tally_t *tally, ngx_str_t *name, int64_t ttl,
    ngx_llm_tally_item_t *items, ngx_uint_t n)
{
    uint32_t               hash;
    ngx_int_t              rc;
    ngx_llm_tally_node_t  *node;

    if (tally == NULL || name->len > NGX_LLM_TALLY_NAME
        || n > NGX_LLM_TALLY_ITEMS)
    {
        return NGX_ERROR;
    }

    hash = ngx_crc32_short(name->data, name->len);

    ngx_llm_zone_lock(tally->zone);

    for (node = tally->sh->buckets[hash % NGX_LLM_TALLY_BUCKETS];
         node;
         node = node->next)
    {
        if (node->hash == hash && node->number == 0
            && node->len == name->len
            && ngx_memcmp(node->name, name->data, name->len) == 0
            && ngx_llm_tally_merge(node, items, n) == NGX_OK)
        {
            node->ttl = ngx_max(node->ttl, ttl);
            ngx_llm_zone_unlock(tally->zone);
            return NGX_OK;
        }
    }

    rc = NGX_ERROR;
    node = ngx_llm_tally_node(tally, hash, name);

    if (node) {
        node->ttl = ttl;
        rc = ngx_llm_tally_merge(node, items, n);
    }

    ngx_llm_zone_unlock(tally->zone);

    return rc;
}


static ngx_llm_tally_node_t *
ngx_llm_tally_node(ngx_llm_tally_t *tally, uint32_t hash, ngx_str_t *name)
{
    size_t                  size;
    ngx_llm_tally_node_t   *node, **bucket;

    size = offsetof(ngx_llm_tally_node_t, name) + name->len;

    node = ngx_llm_zone_alloc_locked(tally->zone, size);
    if (node == NULL) {
        return NULL;
    }

    ngx_memzero(node, size);

    node->hash = hash;
    node->len = name->len;
    ngx_memcpy(node->name, name->data, name->len);

    bucket = &tally->sh->buckets[hash % NGX_LLM_TALLY_BUCKETS];
    node->next = *bucket;

    /* last: a worker that dies before has only lost the memory */

    ngx_memory_barrier();
    *bucket = node;

    (void) ngx_atomic_fetch_add(&tally->sh->count, 1);

    return node;
}


/* all items, or none where there is no room for them */

static ngx_int_t
ngx_llm_tally_merge(ngx_llm_tally_node_t *node, ngx_llm_tally_item_t *items,
    ngx_uint_t n)
{
    ngx_uint_t             i, k, place[NGX_LLM_TALLY_ITEMS], used;
    ngx_llm_tally_item_t  *item;

    used = node->n;

    for (i = 0; i < n; i++) {

        for (k = 0; k < node->n; k++) {
            item = &node->items[k];

            if (item->kind == items[i].kind && item->id == items[i].id
                && item->place == items[i].place)
            {
                break;
            }
        }

        if (k == node->n) {
            if (used == NGX_LLM_TALLY_ITEMS) {
                return NGX_DECLINED;
            }

            k = used++;
        }

        place[i] = k;
    }

    for (i = 0; i < n; i++) {
        item = &node->items[place[i]];

        if (place[i] >= node->n) {
            *item = items[i];
            continue;
        }

        item->amount = item->amount > INT64_MAX - items[i].amount
                       ? INT64_MAX : item->amount + items[i].amount;
    }

    node->n = used;

    return NGX_OK;
}


ngx_int_t
ngx_llm_tally_take(ngx_llm_tally_t *tally, ngx_llm_tally_entry_t *entry)
{
    uint64_t               number;
    ngx_uint_t             i;
    ngx_llm_tally_node_t  *node;

    if (tally == NULL || tally->sh->count == 0) {
        return NGX_DECLINED;
    }

    if (RAND_bytes((u_char *) &number, sizeof(number)) != 1) {
        return NGX_DECLINED;
    }

    ngx_llm_zone_lock(tally->zone);

    for (i = 0; i < NGX_LLM_TALLY_BUCKETS; i++) {

        node = tally->sh->buckets[tally->bucket];

        while (node && !ngx_llm_tally_free(node)) {
            node = node->next;
        }

        if (node) {
            node->sender = ngx_pid;

            if (node->number == 0) {
                node->number = number | 1;
            }

            ngx_llm_tally_copy(node, entry);
            ngx_llm_zone_unlock(tally->zone);

            (void) ngx_sprintf(entry->ticket.id, "%016xL",
                               entry->ticket.number);
            return NGX_OK;
        }

        tally->bucket = (tally->bucket + 1) % NGX_LLM_TALLY_BUCKETS;
    }

    ngx_llm_zone_unlock(tally->zone);

    return NGX_DECLINED;
}


/* a sender that is gone may have sent it or not: that is what the id is for */

static ngx_uint_t
ngx_llm_tally_free(ngx_llm_tally_node_t *node)
{
    if (node->sender == 0) {
        return 1;
    }

    return node->sender != ngx_pid
           && kill(node->sender, 0) == -1 && ngx_errno == ESRCH;
}


static void
ngx_llm_tally_copy(ngx_llm_tally_node_t *node, ngx_llm_tally_entry_t *entry)
{
    entry->ticket.number = node->number;
    entry->ticket.hash = node->hash;

    entry->len = node->len;
    ngx_memcpy(entry->name, node->name, node->len);

    entry->ttl = node->ttl;
    entry->n = node->n;
    ngx_memcpy(entry->items, node->items,
               node->n * sizeof(ngx_llm_tally_item_t));
}


void
ngx_llm_tally_end(ngx_llm_tally_t *tally, ngx_llm_tally_ticket_t *ticket,
    ngx_uint_t counted)
{
    ngx_llm_tally_node_t   *node, **p;

    ngx_llm_zone_lock(tally->zone);

    p = &tally->sh->buckets[ticket->hash % NGX_LLM_TALLY_BUCKETS];

    for (node = *p; node; node = *p) {

        if (node->number != ticket->number) {
            p = &node->next;
            continue;
        }

        if (counted) {
            *p = node->next;
            (void) ngx_atomic_fetch_add(&tally->sh->count, -1);
            ngx_llm_zone_free_locked(tally->zone, node);

        } else {
            node->sender = 0;
        }

        break;
    }

    ngx_llm_zone_unlock(tally->zone);
}


ngx_uint_t
ngx_llm_tally_count(ngx_llm_tally_t *tally)
{
    return tally ? tally->sh->count : 0;
}
