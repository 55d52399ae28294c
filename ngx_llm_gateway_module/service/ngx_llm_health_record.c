
/*
 * Records of upstreams in the zone: found by name, kept while a worker that
 * asked for them lives, and what these workers have in flight.
 */


#include "ngx_llm_health_state.h"


#define NGX_LLM_HEALTH_ROOT      "health"
#define NGX_LLM_HEALTH_NAME_MAX  511
#define NGX_LLM_HEALTH_HASH      512

/* how often, at most, it is asked which workers are alive */
#define NGX_LLM_HEALTH_REAP      1000


typedef struct {
    ngx_uint_t                   used;     /* get() counts, for LRU */
    ngx_uint_t                   stuck;    /* nothing to evict at swept */
    ngx_msec_t                   swept;
    ngx_llm_health_sh_t         *hash[NGX_LLM_HEALTH_HASH];
} ngx_llm_health_root_t;


static ngx_llm_health_sh_t *ngx_llm_health_find(ngx_llm_health_root_t *root,
    ngx_str_t *name, uint32_t hash);
static ngx_llm_health_sh_t *ngx_llm_health_create(ngx_llm_zone_t *zone,
    ngx_llm_health_root_t *root, ngx_str_t *name, uint32_t hash);
static ngx_llm_health_slot_t *ngx_llm_health_register(ngx_llm_zone_t *zone,
    ngx_llm_health_root_t *root, ngx_llm_health_sh_t *sh);
static void *ngx_llm_health_alloc(ngx_llm_zone_t *zone,
    ngx_llm_health_root_t *root, size_t size, ngx_llm_health_sh_t *keep);
static ngx_int_t ngx_llm_health_evict(ngx_llm_zone_t *zone,
    ngx_llm_health_root_t *root, ngx_llm_health_sh_t *keep);
static ngx_uint_t ngx_llm_health_in_use(ngx_llm_health_sh_t *sh);
static ngx_uint_t ngx_llm_health_alive(ngx_pid_t pid);
static void ngx_llm_health_reap(ngx_llm_health_t *h);


ngx_llm_health_t *
ngx_llm_health_get(ngx_llm_zone_t *zone, ngx_str_t *name)
{
    uint32_t                hash;
    ngx_uint_t              i;
    ngx_llm_health_t       *h;
    ngx_llm_health_sh_t    *sh;
    ngx_llm_health_root_t  *root;

    if (zone == NULL || name->len == 0 || name->len > NGX_LLM_HEALTH_NAME_MAX)
    {
        return NULL;
    }

    h = ngx_pcalloc(ngx_cycle->pool, sizeof(ngx_llm_health_t));
    if (h == NULL) {
        return NULL;
    }

    root = ngx_llm_zone_root(zone, NGX_LLM_HEALTH_ROOT,
                             sizeof(ngx_llm_health_root_t));
    if (root == NULL) {
        return NULL;
    }

    hash = 0;

    for (i = 0; i < name->len; i++) {
        hash = (uint32_t) ngx_hash(hash, name->data[i]);
    }

    ngx_llm_zone_lock(zone);

    sh = ngx_llm_health_find(root, name, hash);

    if (sh == NULL) {
        sh = ngx_llm_health_create(zone, root, name, hash);
    }

    if (sh) {
        sh->used = ++root->used;

        h->sh = sh;
        h->zone = zone;
        h->slot = ngx_llm_health_register(zone, root, sh);
    }

    ngx_llm_zone_unlock(zone);

    return h->slot ? h : NULL;
}


static ngx_llm_health_sh_t *
ngx_llm_health_find(ngx_llm_health_root_t *root, ngx_str_t *name,
    uint32_t hash)
{
    ngx_llm_health_sh_t  *sh;

    for (sh = root->hash[hash % NGX_LLM_HEALTH_HASH]; sh; sh = sh->next) {

        if (sh->hash == hash
            && sh->len == name->len
            && ngx_memcmp(sh->name, name->data, name->len) == 0)
        {
            return sh;
        }
    }

    return NULL;
}


static ngx_llm_health_sh_t *
ngx_llm_health_create(ngx_llm_zone_t *zone, ngx_llm_health_root_t *root,
    ngx_str_t *name, uint32_t hash)
{
    size_t                 size;
    ngx_msec_t             now;
    ngx_llm_health_sh_t   *sh, **head;

    size = offsetof(ngx_llm_health_sh_t, name) + name->len;
    size = ngx_max(size, sizeof(ngx_llm_health_sh_t));

    sh = ngx_llm_health_alloc(zone, root, size, NULL);
    if (sh == NULL) {
        return NULL;
    }

    ngx_memzero(sh, size);

    now = ngx_current_msec;

    ngx_llm_health_ring_init(&sh->results.ring, sh->results.cells,
                             NGX_LLM_HEALTH_SECONDS, now);
    ngx_llm_health_ring_init(&sh->budget.ring, sh->budget.cells,
                             NGX_LLM_HEALTH_SECONDS, now);

    sh->reaped = now;

    sh->hash = hash;
    sh->len = (uint16_t) name->len;
    ngx_memcpy(sh->name, name->data, name->len);

    /* last: a worker that dies before has only lost the memory */

    head = &root->hash[hash % NGX_LLM_HEALTH_HASH];
    sh->next = *head;

    ngx_memory_barrier();
    *head = sh;

    return sh;
}


/*
 * Takes this worker's slot, which may be that of a worker that died: nginx
 * starts the next one in its place.
 */

static ngx_llm_health_slot_t *
ngx_llm_health_register(ngx_llm_zone_t *zone, ngx_llm_health_root_t *root,
    ngx_llm_health_sh_t *sh)
{
    ngx_uint_t               first, n;
    ngx_llm_health_slot_t   *slot;
    ngx_llm_health_block_t  *block;

    n = (ngx_uint_t) ngx_process_slot % NGX_LLM_HEALTH_SLOTS;
    first = (ngx_uint_t) ngx_process_slot - n;

    for (block = sh->blocks; block; block = block->next) {
        if (block->first == first) {
            break;
        }
    }

    if (block == NULL) {
        block = ngx_llm_health_alloc(zone, root,
                                     sizeof(ngx_llm_health_block_t), sh);
        if (block == NULL) {
            return NULL;
        }

        ngx_memzero(block, sizeof(ngx_llm_health_block_t));

        block->first = first;
        block->next = sh->blocks;

        ngx_memory_barrier();
        sh->blocks = block;
    }

    slot = &block->slots[n];

    /* two names may be one, as two routes to one upstream model */

    if (slot->pid != ngx_pid) {
        slot->inflight = 0;

        ngx_memory_barrier();
        slot->pid = ngx_pid;
    }

    return slot;
}


static void *
ngx_llm_health_alloc(ngx_llm_zone_t *zone, ngx_llm_health_root_t *root,
    size_t size, ngx_llm_health_sh_t *keep)
{
    void  *p;

    for ( ;; ) {
        p = ngx_llm_zone_alloc_locked(zone, size);

        if (p) {
            return p;
        }

        /* workers start with many names: the zone is searched once */

        if (root->stuck
            && ngx_llm_health_since(root->swept, ngx_current_msec)
               < NGX_LLM_HEALTH_REAP)
        {
            return NULL;
        }

        if (ngx_llm_health_evict(zone, root, keep) != NGX_OK) {
            root->stuck = 1;
            root->swept = ngx_current_msec;
            return NULL;
        }

        root->stuck = 0;
    }
}


/* frees the record that was not asked for the longest; NGX_DECLINED: none */

static ngx_int_t
ngx_llm_health_evict(ngx_llm_zone_t *zone, ngx_llm_health_root_t *root,
    ngx_llm_health_sh_t *keep)
{
    ngx_uint_t               i;
    ngx_llm_health_sh_t     *sh, **prev, **oldest;
    ngx_llm_health_block_t  *block, *next;

    oldest = NULL;

    for (i = 0; i < NGX_LLM_HEALTH_HASH; i++) {

        for (prev = &root->hash[i]; *prev; prev = &(*prev)->next) {
            sh = *prev;

            if (sh == keep || (oldest && sh->used >= (*oldest)->used)) {
                continue;
            }

            if (!ngx_llm_health_in_use(sh)) {
                oldest = prev;
            }
        }
    }

    if (oldest == NULL) {
        return NGX_DECLINED;
    }

    sh = *oldest;
    *oldest = sh->next;

    ngx_memory_barrier();

    for (block = sh->blocks; block; block = next) {
        next = block->next;
        ngx_llm_zone_free_locked(zone, block);
    }

    if (sh->minute) {
        ngx_llm_zone_free_locked(zone, sh->minute);
    }

    ngx_llm_zone_free_locked(zone, sh);

    return NGX_OK;
}


static ngx_uint_t
ngx_llm_health_in_use(ngx_llm_health_sh_t *sh)
{
    ngx_uint_t               i;
    ngx_llm_health_block_t  *block;

    for (block = sh->blocks; block; block = block->next) {
        for (i = 0; i < NGX_LLM_HEALTH_SLOTS; i++) {

            if (block->slots[i].pid
                && ngx_llm_health_alive(block->slots[i].pid))
            {
                return 1;
            }
        }
    }

    return 0;
}


static ngx_uint_t
ngx_llm_health_alive(ngx_pid_t pid)
{
    return pid == ngx_pid || kill(pid, 0) == 0 || ngx_errno != NGX_ESRCH;
}


ngx_uint_t
ngx_llm_health_inflight(ngx_llm_health_t *h)
{
    ngx_uint_t               i, n;
    ngx_llm_health_block_t  *block;

    if (h == NULL) {
        return 0;
    }

    if (ngx_llm_health_since(h->sh->reaped, ngx_current_msec)
        >= NGX_LLM_HEALTH_REAP)
    {
        ngx_llm_health_reap(h);
    }

    n = 0;

    for (block = h->sh->blocks; block; block = block->next) {
        for (i = 0; i < NGX_LLM_HEALTH_SLOTS; i++) {
            n += block->slots[i].inflight;
        }
    }

    return n;
}


static void
ngx_llm_health_reap(ngx_llm_health_t *h)
{
    ngx_pid_t                pid;
    ngx_uint_t               i;
    ngx_llm_health_slot_t   *slot;
    ngx_llm_health_block_t  *block;

    h->sh->reaped = ngx_current_msec;

    for (block = h->sh->blocks; block; block = block->next) {
        for (i = 0; i < NGX_LLM_HEALTH_SLOTS; i++) {
            slot = &block->slots[i];
            pid = slot->pid;

            if (pid == 0
                || slot->inflight == 0
                || ngx_llm_health_alive(pid))
            {
                continue;
            }

            /* the next worker may have taken the slot meanwhile */

            ngx_llm_zone_lock(h->zone);

            if (slot->pid == pid) {
                slot->inflight = 0;
                slot->pid = 0;
            }

            ngx_llm_zone_unlock(h->zone);
        }
    }
}
