
#include "ngx_llm_tally.h"

#include <signal.h>

#include <openssl/rand.h>


/* of them a few hundred are looked through under the lock */
#define NGX_LLM_TALLY_BUCKETS  256

#define NGX_LLM_TALLY_VERSION  1


typedef struct ngx_llm_tally_node_s  ngx_llm_tally_node_t;

struct ngx_llm_tally_node_s {
    ngx_llm_tally_node_t    *next;       /* of the same bucket */
    uint32_t                 hash;
    ngx_pid_t                sender;     /* 0: nobody sends it */
    ngx_uint_t               grows;
    ngx_uint_t               over;       /* counted; kept until that is
                                            written to the journal */
    ngx_uint_t               dirty;      /* to be written */
    uint64_t                 number;     /* its id */
    ngx_llm_tally_claim_t    claim;
    int64_t                  ttl;
    ngx_uint_t               n;
    ngx_llm_tally_item_t     items[NGX_LLM_TALLY_ITEMS];
    size_t                   len;
    u_char                   name[1];
};


typedef struct {
    ngx_atomic_t             count;
    ngx_uint_t               journal;
    ngx_llm_tally_node_t    *buckets[NGX_LLM_TALLY_BUCKETS];
} ngx_llm_tally_sh_t;


/* the value of a record */

typedef struct {
    int64_t                  version;
    uint64_t                 number;
    ngx_llm_tally_claim_t    claim;
    int64_t                  ttl;
    ngx_uint_t               n;
    ngx_llm_tally_item_t     items[NGX_LLM_TALLY_ITEMS];
} ngx_llm_tally_value_t;


struct ngx_llm_tally_s {
    ngx_llm_zone_t          *zone;
    ngx_llm_tally_sh_t      *sh;
    ngx_uint_t               bucket;     /* where the last entry was found */
};


static ngx_llm_tally_node_t *ngx_llm_tally_node(ngx_llm_tally_t *tally,
    ngx_str_t *name);
static void ngx_llm_tally_insert(ngx_llm_tally_t *tally,
    ngx_llm_tally_node_t *node);
static ngx_int_t ngx_llm_tally_merge(ngx_llm_tally_node_t *node,
    ngx_llm_tally_item_t *items, ngx_uint_t n);
static ngx_uint_t ngx_llm_tally_free(ngx_llm_tally_node_t *node);
static void ngx_llm_tally_copy(ngx_llm_tally_node_t *node,
    ngx_llm_tally_entry_t *entry);
static ngx_int_t ngx_llm_tally_attach(ngx_llm_tally_t *tally);
static ngx_int_t ngx_llm_tally_load(void *data, ngx_str_t *key,
    ngx_str_t *value);
static ngx_int_t ngx_llm_tally_changed(void *data,
    ngx_llm_state_writer_t *w);
static ngx_int_t ngx_llm_tally_all(void *data, ngx_llm_state_writer_t *w,
    ngx_str_t *after);
static ngx_int_t ngx_llm_tally_put(ngx_llm_tally_node_t *node,
    ngx_llm_state_writer_t *w);


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

    tally->sh = ngx_llm_zone_root(zone, "tally", sizeof(ngx_llm_tally_sh_t));

    if (tally->sh == NULL) {
        ngx_log_error(NGX_LOG_ERR, cycle->log, 0,
                      "the zone has no room for what is owed to redis; make "
                      "llm_zone larger");
        return NULL;
    }

    tally->sh->journal = journal;

    return tally;
}


ngx_int_t
ngx_llm_tally_add(ngx_llm_tally_t *tally, ngx_str_t *name, int64_t ttl,
    ngx_llm_tally_item_t *items, ngx_uint_t n, ngx_llm_tally_claim_t *claim)
{
    uint32_t               hash;
    uint64_t               number;
    ngx_int_t              rc;
    ngx_llm_tally_node_t  *node;

    if (tally == NULL || name->len > NGX_LLM_TALLY_NAME
        || n > NGX_LLM_TALLY_ITEMS
        || RAND_bytes((u_char *) &number, sizeof(number)) != 1)
    {
        return NGX_ERROR;
    }

    hash = ngx_crc32_short(name->data, name->len);

    ngx_llm_zone_lock(tally->zone);

    for (node = tally->sh->buckets[hash % NGX_LLM_TALLY_BUCKETS];
         node;
         node = node->next)
    {
        if (claim == NULL && node->hash == hash && node->grows
            && node->len == name->len
            && ngx_memcmp(node->name, name->data, name->len) == 0
            && ngx_llm_tally_merge(node, items, n) == NGX_OK)
        {
            node->ttl = ngx_max(node->ttl, ttl);
            node->dirty = 1;
            ngx_llm_zone_unlock(tally->zone);
            return NGX_OK;
        }
    }

    rc = NGX_ERROR;
    node = ngx_llm_tally_node(tally, name);

    if (node) {
        node->number = number;
        node->ttl = ttl;
        rc = ngx_llm_tally_merge(node, items, n);

        if (claim) {
            node->claim = *claim;
        }

        node->grows = (claim == NULL);
        node->dirty = 1;

        ngx_llm_tally_insert(tally, node);
    }

    ngx_llm_zone_unlock(tally->zone);

    return rc;
}


static ngx_llm_tally_node_t *
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


static void
ngx_llm_tally_insert(ngx_llm_tally_t *tally, ngx_llm_tally_node_t *node)
{
    ngx_llm_tally_node_t  **bucket;

    bucket = &tally->sh->buckets[node->hash % NGX_LLM_TALLY_BUCKETS];
    node->next = *bucket;

    /* last: a worker that dies before has only lost the memory */

    ngx_memory_barrier();
    *bucket = node;

    (void) ngx_atomic_fetch_add(&tally->sh->count, 1);
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

    entry->claim = node->claim;
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

        if (counted && tally->sh->journal) {
            node->over = 1;
            node->dirty = 1;
            (void) ngx_atomic_fetch_add(&tally->sh->count, -1);

        } else if (counted) {
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


/*
 * On disk: the id and the name are the key, an entry as it is given out the
 * value.  One that comes back may have been sent, and so grows no more.
 */

ngx_int_t
ngx_llm_tally_journal(ngx_conf_t *cf, ngx_llm_zone_t *zone,
    ngx_llm_state_t *state)
{
    ngx_llm_tally_t       *tally;
    ngx_llm_state_kind_t   kind;

    tally = ngx_pcalloc(cf->pool, sizeof(ngx_llm_tally_t));
    if (tally == NULL) {
        return NGX_ERROR;
    }

    tally->zone = zone;

    kind.kind = NGX_LLM_STATE_LEDGER;
    kind.name = "owed";
    kind.data = tally;
    kind.load = ngx_llm_tally_load;
    kind.changed = ngx_llm_tally_changed;
    kind.all = ngx_llm_tally_all;

    return ngx_llm_state_register(state, &kind);
}


static ngx_int_t
ngx_llm_tally_attach(ngx_llm_tally_t *tally)
{
    if (tally->sh == NULL) {
        tally->sh = ngx_llm_zone_root(tally->zone, "tally",
                                      sizeof(ngx_llm_tally_sh_t));
    }

    return tally->sh ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_llm_tally_load(void *data, ngx_str_t *key, ngx_str_t *value)
{
    ngx_llm_tally_t *tally = data;

    ngx_str_t               name;
    ngx_llm_tally_node_t   *node, **p;
    ngx_llm_tally_value_t   v;

    if (ngx_llm_tally_attach(tally) != NGX_OK) {
        return NGX_ERROR;
    }

    if (key->len <= sizeof(v.number)
        || key->len > sizeof(v.number) + NGX_LLM_TALLY_NAME
        || (value->len && value->len != sizeof(v)))
    {
        return NGX_DECLINED;
    }

    ngx_memzero(&v, sizeof(v));
    ngx_memcpy(&v, value->data, value->len);
    ngx_memcpy(&v.number, key->data, sizeof(v.number));

    if (value->len
        && (v.version != NGX_LLM_TALLY_VERSION || v.n > NGX_LLM_TALLY_ITEMS
            || v.claim.len > NGX_LLM_TALLY_CLAIM))
    {
        return NGX_DECLINED;
    }

    name.data = key->data + sizeof(v.number);
    name.len = key->len - sizeof(v.number);

    ngx_llm_zone_lock(tally->zone);

    p = &tally->sh->buckets[ngx_crc32_short(name.data, name.len)
                            % NGX_LLM_TALLY_BUCKETS];

    while (*p && (*p)->number != v.number) {
        p = &(*p)->next;
    }

    node = *p;

    if (node && value->len == 0) {
        *p = node->next;
        (void) ngx_atomic_fetch_add(&tally->sh->count, -1);
        ngx_llm_zone_free_locked(tally->zone, node);
    }

    if (value->len) {

        if (node == NULL) {
            node = ngx_llm_tally_node(tally, &name);

            if (node) {
                node->number = v.number;
                ngx_llm_tally_insert(tally, node);
            }
        }

        if (node) {
            node->claim = v.claim;
            node->ttl = v.ttl;
            node->n = v.n;
            ngx_memcpy(node->items, v.items, sizeof(node->items));
        }
    }

    ngx_llm_zone_unlock(tally->zone);

    return (value->len && node == NULL) ? NGX_ERROR : NGX_OK;
}


/* changed and all of them alike: there are few, but in an outage */

static ngx_int_t
ngx_llm_tally_changed(void *data, ngx_llm_state_writer_t *w)
{
    ngx_llm_tally_t *tally = data;

    ngx_int_t               rc;
    ngx_uint_t              i;
    ngx_llm_tally_node_t   *node, **p;

    if (ngx_llm_tally_attach(tally) != NGX_OK) {
        return NGX_OK;
    }

    rc = NGX_OK;

    for (i = 0; rc == NGX_OK && i < NGX_LLM_TALLY_BUCKETS; i++) {

        if (tally->sh->buckets[i] == NULL) {
            continue;
        }

        ngx_llm_zone_lock(tally->zone);

        p = &tally->sh->buckets[i];

        while (*p) {
            node = *p;

            if (node->dirty) {
                rc = ngx_llm_tally_put(node, w);

                if (rc != NGX_OK) {
                    break;
                }

                node->dirty = 0;
            }

            if (node->over) {
                *p = node->next;
                ngx_llm_zone_free_locked(tally->zone, node);
                continue;
            }

            p = &node->next;
        }

        ngx_llm_zone_unlock(tally->zone);
    }

    return rc;
}


/* in the order of buckets, and in a bucket of the chain, which grows at its
   head */

static ngx_int_t
ngx_llm_tally_all(void *data, ngx_llm_state_writer_t *w, ngx_str_t *after)
{
    ngx_llm_tally_t *tally = data;

    uint64_t               number;
    ngx_int_t              rc;
    ngx_uint_t             i;
    ngx_llm_tally_node_t  *node;

    if (ngx_llm_tally_attach(tally) != NGX_OK) {
        return NGX_OK;
    }

    i = 0;
    number = 0;

    if (after->len > sizeof(number)) {
        ngx_memcpy(&number, after->data, sizeof(number));
        i = ngx_crc32_short(after->data + sizeof(number),
                            after->len - sizeof(number))
            % NGX_LLM_TALLY_BUCKETS;
    }

    rc = NGX_OK;

    for ( /* void */ ; rc == NGX_OK && i < NGX_LLM_TALLY_BUCKETS; i++) {

        ngx_llm_zone_lock(tally->zone);

        node = tally->sh->buckets[i];

        if (number) {

            while (node && node->number != number) {
                node = node->next;
            }

            /* one that went meanwhile: its bucket from the first on, since to
               write one twice does no harm */

            node = node ? node->next : tally->sh->buckets[i];
            number = 0;
        }

        for ( /* void */ ; rc == NGX_OK && node; node = node->next) {
            if (!node->over) {
                rc = ngx_llm_tally_put(node, w);
            }
        }

        ngx_llm_zone_unlock(tally->zone);
    }

    return rc;
}


static ngx_int_t
ngx_llm_tally_put(ngx_llm_tally_node_t *node, ngx_llm_state_writer_t *w)
{
    u_char                 text[sizeof(uint64_t) + NGX_LLM_TALLY_NAME];
    ngx_str_t              key, value;
    ngx_llm_tally_value_t  v;

    ngx_memcpy(text, &node->number, sizeof(uint64_t));
    ngx_memcpy(text + sizeof(uint64_t), node->name, node->len);

    key.data = text;
    key.len = sizeof(uint64_t) + node->len;

    value.data = (u_char *) &v;
    value.len = 0;

    if (!node->over) {
        ngx_memzero(&v, sizeof(v));

        v.version = NGX_LLM_TALLY_VERSION;
        v.number = node->number;
        v.claim = node->claim;
        v.ttl = node->ttl;
        v.n = node->n;
        ngx_memcpy(v.items, node->items, sizeof(v.items));

        value.len = sizeof(v);
    }

    return ngx_llm_state_put(w, &key, &value);
}
