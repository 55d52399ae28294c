
/*
 * Sums of what the store was not told of.
 */


#include "ngx_llm_tally_state.h"

#include <signal.h>

#include <openssl/rand.h>


static ngx_llm_tally_node_t *ngx_llm_tally_growing(ngx_llm_tally_t *tally,
    ngx_str_t *name);
static ngx_int_t ngx_llm_tally_merge(ngx_llm_tally_t *tally,
    ngx_llm_tally_node_t *node, ngx_llm_tally_item_t *items, ngx_uint_t n);
static ngx_uint_t ngx_llm_tally_free(ngx_llm_tally_node_t *node);
static void ngx_llm_tally_copy(ngx_llm_tally_node_t *node,
    ngx_llm_tally_entry_t *entry);


ngx_llm_tally_t *
ngx_llm_tally_start(ngx_llm_zone_t *zone, ngx_uint_t journal,
    ngx_cycle_t *cycle)
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

    if (ngx_llm_tally_attach(tally) != NGX_OK) {
        goto full;
    }

    tally->place = ngx_llm_zone_place(zone, &tally->sh->places);

    if (tally->place == NULL) {
        goto full;
    }

    tally->sh->journal = journal;

    return tally;

full:

    ngx_log_error(NGX_LOG_ERR, cycle->log, 0,
                  "the zone has no room for what is owed to redis; make "
                  "llm_zone larger");

    return NULL;
}


ngx_int_t
ngx_llm_tally_attach(ngx_llm_tally_t *tally)
{
    ngx_llm_tally_sh_t  *sh;

    if (tally->sh) {
        return NGX_OK;
    }

    sh = ngx_llm_zone_root(tally->zone, "tally", sizeof(ngx_llm_tally_sh_t));

    if (sh == NULL || ngx_llm_zone_keep_undo(tally->zone) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_llm_zone_lock(tally->zone);

    if (!sh->ready) {
        ngx_queue_init(&sh->left);
        ngx_queue_init(&sh->over);

        /* unlike those that come back from disk */

        (void) RAND_bytes((u_char *) &sh->number, sizeof(uint64_t));

        ngx_memory_barrier();
        sh->ready = 1;
    }

    ngx_llm_zone_unlock(tally->zone);

    tally->sh = sh;

    return NGX_OK;
}


ngx_int_t
ngx_llm_tally_add(ngx_llm_tally_t *tally, ngx_str_t *name, int64_t ttl,
    ngx_llm_tally_item_t *items, ngx_uint_t n)
{
    uint64_t               number;
    ngx_llm_tally_node_t  *node;

    if (tally == NULL || name->len > NGX_LLM_TALLY_NAME
        || n > NGX_LLM_TALLY_ITEMS)
    {
        return NGX_ERROR;
    }

    node = ngx_llm_tally_growing(tally, name);

    if (node && ngx_llm_tally_merge(tally, node, items, n) == NGX_OK) {

        ngx_llm_zone_save(tally->zone, &node->ttl, sizeof(int64_t));
        node->ttl = ngx_max(node->ttl, ttl);

        ngx_llm_zone_save(tally->zone, &node->dirty, sizeof(uintptr_t));
        node->dirty = 1;

        return NGX_OK;
    }

    if (RAND_bytes((u_char *) &number, sizeof(number)) != 1) {
        return NGX_ERROR;
    }

    node = ngx_llm_tally_node(tally, name);
    if (node == NULL) {
        return NGX_ERROR;
    }

    node->number = number;
    node->ttl = ttl;
    node->grows = 1;
    node->dirty = 1;
    node->n = n;
    ngx_memcpy(node->items, items, n * sizeof(ngx_llm_tally_item_t));

    ngx_llm_tally_insert(tally, node);

    return NGX_OK;
}


static ngx_llm_tally_node_t *
ngx_llm_tally_growing(ngx_llm_tally_t *tally, ngx_str_t *name)
{
    uint32_t               hash;
    ngx_llm_tally_node_t  *node;

    hash = ngx_crc32_short(name->data, name->len);

    for (node = tally->sh->buckets[hash % NGX_LLM_TALLY_BUCKETS];
         node;
         node = node->next)
    {
        if (node->hash == hash && node->grows && node->len == name->len
            && ngx_memcmp(node->name, name->data, name->len) == 0)
        {
            return node;
        }
    }

    return NULL;
}


ngx_llm_tally_node_t *
ngx_llm_tally_node(ngx_llm_tally_t *tally, ngx_str_t *name)
{
    size_t                 size;
    ngx_llm_tally_node_t  *node;

    size = offsetof(ngx_llm_tally_node_t, name) + name->len;

    node = ngx_llm_zone_alloc_locked(tally->zone, size);
    if (node == NULL) {
        return NULL;
    }

    ngx_memzero(node, size);

    node->hash = ngx_crc32_short(name->data, name->len);
    node->len = name->len;
    ngx_memcpy(node->name, name->data, name->len);

    return node;
}


void
ngx_llm_tally_insert(ngx_llm_tally_t *tally, ngx_llm_tally_node_t *node)
{
    ngx_llm_tally_node_t  **bucket;

    bucket = &tally->sh->buckets[node->hash % NGX_LLM_TALLY_BUCKETS];
    node->next = *bucket;

    ngx_llm_zone_save(tally->zone, bucket, sizeof(uintptr_t));
    *bucket = node;

    ngx_llm_zone_save(tally->zone, (void *) &tally->sh->count,
                      sizeof(uintptr_t));
    tally->sh->count++;
}


/* all items, or none where there is no room for them, and another node may */

static ngx_int_t
ngx_llm_tally_merge(ngx_llm_tally_t *tally, ngx_llm_tally_node_t *node,
    ngx_llm_tally_item_t *items, ngx_uint_t n)
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

        ngx_llm_zone_save(tally->zone, &item->amount, sizeof(int64_t));

        item->amount = item->amount > INT64_MAX - items[i].amount
                       ? INT64_MAX : item->amount + items[i].amount;
    }

    ngx_llm_zone_save(tally->zone, &node->n, sizeof(uintptr_t));
    node->n = used;

    return NGX_OK;
}


ngx_int_t
ngx_llm_tally_take(ngx_llm_tally_t *tally, ngx_llm_tally_entry_t *entry)
{
    ngx_uint_t             i;
    ngx_llm_tally_node_t  *node;

    if (tally == NULL || tally->sh->count == 0) {
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
            node->grows = 0;

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
    if (node->over) {
        return 0;
    }

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

        if (node->number != ticket->number || node->over) {
            p = &node->next;
            continue;
        }

        if (!counted) {
            node->sender = 0;
            break;
        }

        ngx_llm_zone_save(tally->zone, (void *) &tally->sh->count,
                          sizeof(uintptr_t));
        tally->sh->count--;

        if (tally->sh->journal) {
            ngx_llm_zone_save(tally->zone, &node->over, sizeof(uintptr_t));
            node->over = 1;

            ngx_llm_zone_save(tally->zone, &node->dirty, sizeof(uintptr_t));
            node->dirty = 1;

            ngx_llm_zone_done(tally->zone);
            break;
        }

        ngx_llm_zone_save(tally->zone, p, sizeof(uintptr_t));
        *p = node->next;

        ngx_llm_zone_done(tally->zone);
        ngx_llm_zone_free_locked(tally->zone, node);
        break;
    }

    ngx_llm_zone_unlock(tally->zone);
}


ngx_uint_t
ngx_llm_tally_count(ngx_llm_tally_t *tally)
{
    return tally ? tally->sh->count + tally->sh->nleft : 0;
}
