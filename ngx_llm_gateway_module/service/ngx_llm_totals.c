
/*
 * What was used, summed up by day and by who and what.
 *
 * A hash table of chains: a worker that is killed leaves it whole, since what
 * joins or leaves a chain does so by one store.
 */


#include "ngx_llm_totals.h"


#define NGX_LLM_TOTALS_ROOT    "totals"
#define NGX_LLM_TOTALS_HASH    4096
#define NGX_LLM_TOTALS_SHARE   4          /* of the zone: one in */
#define NGX_LLM_TOTALS_TELL    3600       /* seconds */


typedef struct ngx_llm_totals_node_s  ngx_llm_totals_node_t;

struct ngx_llm_totals_node_s {
    ngx_llm_totals_node_t   *next;
    ngx_llm_totals_node_t   *changed;     /* next of those that did, */
    ngx_uint_t               dirty;       /* of which this is one */
    uint32_t                 hash;
    uint32_t                 day;
    time_t                   used;        /* added to last */
    int64_t                  units[NGX_LLM_TOTALS_UNITS];
    size_t                   len;
    u_char                   id[1];
};


typedef struct {
    size_t                   size;        /* bytes of all */
    ngx_uint_t               journal;
    time_t                   told;
    ngx_llm_totals_node_t   *changed;
    ngx_llm_totals_node_t   *hash[NGX_LLM_TOTALS_HASH];
} ngx_llm_totals_sh_t;


struct ngx_llm_totals_s {
    ngx_llm_zone_t          *zone;
    ngx_llm_state_t         *state;
    ngx_llm_totals_sh_t     *sh;          /* NULL: not started */
    ngx_log_t               *log;
    size_t                   max;         /* bytes */
    ngx_uint_t               full;        /* to be told */
};


static ngx_int_t ngx_llm_totals_attach(ngx_llm_totals_t *totals,
    ngx_log_t *log);
static uint32_t ngx_llm_totals_hash(uint32_t day, ngx_str_t *id);
static ngx_llm_totals_node_t *ngx_llm_totals_find(ngx_llm_totals_sh_t *sh,
    uint32_t hash, uint32_t day, ngx_str_t *id);
static ngx_llm_totals_node_t *ngx_llm_totals_create(ngx_llm_totals_t *totals,
    uint32_t hash, uint32_t day, ngx_str_t *id);
static ngx_uint_t ngx_llm_totals_evict(ngx_llm_totals_t *totals);
static size_t ngx_llm_totals_size(size_t len);
static ngx_llm_totals_node_t *ngx_llm_totals_behind(ngx_llm_totals_sh_t *sh,
    uint32_t day, ngx_str_t *id);
static ngx_int_t ngx_llm_totals_load(void *data, ngx_str_t *key,
    ngx_str_t *value);
static ngx_int_t ngx_llm_totals_changed(void *data,
    ngx_llm_state_writer_t *w);
static ngx_int_t ngx_llm_totals_all(void *data, ngx_llm_state_writer_t *w,
    ngx_str_t *after);
static ngx_int_t ngx_llm_totals_put(ngx_llm_totals_node_t *node,
    ngx_llm_state_writer_t *w);


ngx_llm_totals_t *
ngx_llm_totals_add(ngx_conf_t *cf, ngx_llm_zone_t *zone,
    ngx_llm_state_t *state)
{
    ngx_llm_totals_t      *totals;
    ngx_llm_state_kind_t   kind;

    totals = ngx_pcalloc(cf->pool, sizeof(ngx_llm_totals_t));
    if (totals == NULL) {
        return NULL;
    }

    totals->zone = zone;
    totals->state = state;
    totals->max = ngx_llm_zone_size(zone) / NGX_LLM_TOTALS_SHARE;

    if (state == NULL) {
        return totals;
    }

    kind.kind = NGX_LLM_STATE_TOTAL;
    kind.name = "total";
    kind.data = totals;
    kind.load = ngx_llm_totals_load;
    kind.changed = ngx_llm_totals_changed;
    kind.all = ngx_llm_totals_all;

    return ngx_llm_state_register(state, &kind) == NGX_OK ? totals : NULL;
}


ngx_int_t
ngx_llm_totals_start(ngx_llm_totals_t *totals, ngx_cycle_t *cycle)
{
    return ngx_llm_totals_attach(totals, cycle->log);
}


static ngx_int_t
ngx_llm_totals_attach(ngx_llm_totals_t *totals, ngx_log_t *log)
{
    totals->log = log;

    totals->sh = ngx_llm_zone_root(totals->zone, NGX_LLM_TOTALS_ROOT,
                                   sizeof(ngx_llm_totals_sh_t));

    if (totals->sh == NULL) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "no room in the zone to sum up usage");
        return NGX_DECLINED;
    }

    totals->sh->journal = (totals->state != NULL);

    return NGX_OK;
}


void
ngx_llm_totals_count(ngx_llm_totals_t *totals, uint32_t day, ngx_str_t *id,
    int64_t *units)
{
    uint32_t                hash;
    ngx_uint_t              i;
    ngx_llm_totals_sh_t    *sh;
    ngx_llm_totals_node_t  *node;

    sh = totals->sh;

    if (sh == NULL || id->len > NGX_LLM_TOTALS_ID_MAX - sizeof(uint32_t)) {
        return;
    }

    hash = ngx_llm_totals_hash(day, id);

    node = ngx_llm_totals_find(sh, hash, day, id);

    if (node == NULL) {
        node = ngx_llm_totals_create(totals, hash, day, id);
    }

    if (node == NULL) {
        totals->full = 1;
        return;
    }

    ngx_llm_zone_save(totals->zone, node->units, sizeof(node->units));

    for (i = 0; i < NGX_LLM_TOTALS_UNITS; i++) {
        node->units[i] += units[i];
    }

    node->used = ngx_time();

    if (sh->journal && !node->dirty) {
        ngx_llm_zone_save(totals->zone, &node->changed, sizeof(uintptr_t));
        ngx_llm_zone_save(totals->zone, &sh->changed, sizeof(uintptr_t));
        ngx_llm_zone_save(totals->zone, &node->dirty, sizeof(uintptr_t));

        node->changed = sh->changed;
        sh->changed = node;
        node->dirty = 1;
    }
}


void
ngx_llm_totals_counted(ngx_llm_totals_t *totals)
{
    ngx_llm_totals_sh_t  *sh;

    sh = totals->sh;

    if (!totals->full || ngx_time() - sh->told <= NGX_LLM_TOTALS_TELL) {
        return;
    }

    totals->full = 0;
    sh->told = ngx_time();

    ngx_log_error(NGX_LOG_ERR, totals->log, 0,
                  "llm_zone has no room to sum up usage by key and day");
}


static uint32_t
ngx_llm_totals_hash(uint32_t day, ngx_str_t *id)
{
    size_t    i;
    uint32_t  hash;

    hash = 2166136261u ^ day;

    for (i = 0; i < id->len; i++) {
        hash ^= id->data[i];
        hash *= 16777619u;
    }

    return hash;
}


static ngx_llm_totals_node_t *
ngx_llm_totals_find(ngx_llm_totals_sh_t *sh, uint32_t hash, uint32_t day,
    ngx_str_t *id)
{
    ngx_llm_totals_node_t  *node;

    for (node = sh->hash[hash % NGX_LLM_TOTALS_HASH]; node; node = node->next)
    {
        if (node->hash == hash
            && node->day == day
            && node->len == id->len
            && ngx_memcmp(node->id, id->data, id->len) == 0)
        {
            return node;
        }
    }

    return NULL;
}


static size_t
ngx_llm_totals_size(size_t len)
{
    size_t  size;

    size = offsetof(ngx_llm_totals_node_t, id) + len;

    return ngx_max(size, sizeof(ngx_llm_totals_node_t));
}


static ngx_llm_totals_node_t *
ngx_llm_totals_create(ngx_llm_totals_t *totals, uint32_t hash, uint32_t day,
    ngx_str_t *id)
{
    size_t                   size;
    ngx_llm_totals_sh_t     *sh;
    ngx_llm_totals_node_t   *node, **head;

    sh = totals->sh;
    size = ngx_llm_totals_size(id->len);

    node = NULL;

    if (sh->size + size <= totals->max) {
        node = ngx_llm_zone_alloc_locked(totals->zone, size);
    }

    if (node == NULL) {

        if (!ngx_llm_totals_evict(totals)) {
            return NULL;
        }

        node = ngx_llm_zone_alloc_locked(totals->zone, size);
        if (node == NULL) {
            return NULL;
        }
    }

    ngx_memzero(node, size);

    node->hash = hash;
    node->day = day;
    node->len = id->len;
    ngx_memcpy(node->id, id->data, id->len);

    head = &sh->hash[hash % NGX_LLM_TOTALS_HASH];
    node->next = *head;

    ngx_memory_barrier();
    *head = node;

    sh->size += size;

    return node;
}


/*
 * The oldest day goes; if there is but one, the half that was not added to for
 * longest.  What is not in the journal yet stays.
 */

static ngx_uint_t
ngx_llm_totals_evict(ngx_llm_totals_t *totals)
{
    time_t                   oldest, newest, before;
    uint32_t                 first, last;
    ngx_uint_t               i, n;
    ngx_llm_totals_sh_t     *sh;
    ngx_llm_totals_node_t   *node, **p;

    sh = totals->sh;

    first = (uint32_t) -1;
    last = 0;
    oldest = NGX_MAX_TIME_T_VALUE;
    newest = 0;

    for (i = 0; i < NGX_LLM_TOTALS_HASH; i++) {
        for (node = sh->hash[i]; node; node = node->next) {
            first = ngx_min(first, node->day);
            last = ngx_max(last, node->day);
            oldest = ngx_min(oldest, node->used);
            newest = ngx_max(newest, node->used);
        }
    }

    before = (first == last) ? oldest + (newest - oldest) / 2 + 1
                             : NGX_MAX_TIME_T_VALUE;
    n = 0;

    for (i = 0; i < NGX_LLM_TOTALS_HASH; i++) {

        p = &sh->hash[i];

        while (*p) {
            node = *p;

            if (node->dirty || node->day != first || node->used >= before) {
                p = &node->next;
                continue;
            }

            *p = node->next;

            sh->size -= ngx_llm_totals_size(node->len);
            ngx_llm_zone_free_locked(totals->zone, node);
            n++;
        }
    }

    return n;
}


ngx_int_t
ngx_llm_totals_next(ngx_llm_totals_t *totals, ngx_llm_totals_entry_t *entry)
{
    ngx_llm_totals_node_t  *node;

    if (totals->sh == NULL) {
        return NGX_DONE;
    }

    ngx_llm_zone_lock(totals->zone);

    node = ngx_llm_totals_behind(totals->sh, entry->day, &entry->id);

    if (node) {
        entry->day = node->day;
        entry->id.len = node->len;
        entry->id.data = entry->text;
        ngx_memcpy(entry->text, node->id, node->len);
        ngx_memcpy(entry->units, node->units, sizeof(node->units));
    }

    ngx_llm_zone_unlock(totals->zone);

    return node ? NGX_OK : NGX_DONE;
}


/*
 * Sums join a chain at its head, so that whoever goes on behind one sees all
 * that were there before.  Of one that went meanwhile the chain is over.
 */

static ngx_llm_totals_node_t *
ngx_llm_totals_behind(ngx_llm_totals_sh_t *sh, uint32_t day, ngx_str_t *id)
{
    uint32_t                hash;
    ngx_uint_t              i;
    ngx_llm_totals_node_t  *node;

    i = 0;

    if (id->len) {
        hash = ngx_llm_totals_hash(day, id);
        node = ngx_llm_totals_find(sh, hash, day, id);

        if (node && node->next) {
            return node->next;
        }

        i = hash % NGX_LLM_TOTALS_HASH + 1;
    }

    for ( /* void */ ; i < NGX_LLM_TOTALS_HASH; i++) {
        if (sh->hash[i]) {
            return sh->hash[i];
        }
    }

    return NULL;
}


/* in the journal: the day and the identity, and units as far as they go */

static ngx_int_t
ngx_llm_totals_load(void *data, ngx_str_t *key, ngx_str_t *value)
{
    ngx_llm_totals_t *totals = data;

    u_char                 *p;
    uint32_t                day, hash;
    ngx_str_t               id;
    ngx_uint_t              i, n;
    ngx_llm_totals_node_t  *node;

    if (totals->sh == NULL
        && ngx_llm_totals_attach(totals, ngx_cycle->log) != NGX_OK)
    {
        return NGX_ERROR;
    }

    n = value->len / sizeof(int64_t);

    if (key->len <= sizeof(uint32_t)
        || value->len % sizeof(int64_t)
        || n > NGX_LLM_TOTALS_UNITS)
    {
        return NGX_DECLINED;
    }

    day = 0;

    for (i = 0; i < sizeof(uint32_t); i++) {
        day = day << 8 | key->data[i];
    }

    if ((int64_t) day + NGX_LLM_TOTALS_DAYS < ngx_time() / 86400) {
        return NGX_OK;
    }

    id.data = key->data + sizeof(uint32_t);
    id.len = key->len - sizeof(uint32_t);

    hash = ngx_llm_totals_hash(day, &id);

    ngx_llm_zone_lock(totals->zone);

    node = ngx_llm_totals_find(totals->sh, hash, day, &id);

    if (node == NULL) {
        node = ngx_llm_totals_create(totals, hash, day, &id);
    }

    if (node) {
        p = value->data;

        for (i = 0; i < n; i++) {
            ngx_memcpy(&node->units[i], p, sizeof(int64_t));
            p += sizeof(int64_t);
        }
    }

    ngx_llm_zone_unlock(totals->zone);

    return node ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_llm_totals_changed(void *data, ngx_llm_state_writer_t *w)
{
    ngx_llm_totals_t *totals = data;

    ngx_int_t               rc;
    ngx_llm_totals_sh_t    *sh;
    ngx_llm_totals_node_t  *node;

    sh = totals->sh;

    if (sh == NULL) {
        return NGX_OK;
    }

    rc = NGX_OK;

    ngx_llm_zone_lock(totals->zone);

    while (sh->changed) {

        node = sh->changed;

        rc = ngx_llm_totals_put(node, w);

        if (rc != NGX_OK) {
            break;
        }

        sh->changed = node->changed;
        node->dirty = 0;
    }

    ngx_llm_zone_unlock(totals->zone);

    return rc;
}


static ngx_int_t
ngx_llm_totals_all(void *data, ngx_llm_state_writer_t *w, ngx_str_t *after)
{
    ngx_llm_totals_t *totals = data;

    uint32_t                day;
    ngx_int_t               rc;
    ngx_str_t               id;
    ngx_uint_t              i;
    ngx_llm_totals_node_t  *node;

    if (totals->sh == NULL) {
        return NGX_OK;
    }

    day = 0;
    ngx_str_null(&id);

    if (after->len) {

        for (i = 0; i < sizeof(uint32_t); i++) {
            day = day << 8 | after->data[i];
        }

        id.data = after->data + sizeof(uint32_t);
        id.len = after->len - sizeof(uint32_t);
    }

    rc = NGX_OK;

    ngx_llm_zone_lock(totals->zone);

    for (node = ngx_llm_totals_behind(totals->sh, day, &id);
         node;
         node = ngx_llm_totals_behind(totals->sh, node->day, &id))
    {
        rc = ngx_llm_totals_put(node, w);

        if (rc != NGX_OK) {
            break;
        }

        id.data = node->id;
        id.len = node->len;
    }

    ngx_llm_zone_unlock(totals->zone);

    return rc;
}


static ngx_int_t
ngx_llm_totals_put(ngx_llm_totals_node_t *node, ngx_llm_state_writer_t *w)
{
    ngx_str_t      key, value;
    ngx_uint_t     i;

    static u_char  text[NGX_LLM_TOTALS_ID_MAX];

    key.data = text;
    key.len = sizeof(uint32_t) + node->len;

    for (i = 0; i < sizeof(uint32_t); i++) {
        text[i] = (u_char) (node->day >> (24 - 8 * i));
    }

    ngx_memcpy(text + sizeof(uint32_t), node->id, node->len);

    value.data = (u_char *) node->units;
    value.len = sizeof(node->units);

    return ngx_llm_state_put(w, &key, &value);
}
