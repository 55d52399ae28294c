
/*
 * The gateway's shared memory of one host: who made it, its secret, named
 * roots that the other services hang their data on, and what a worker that is
 * killed among several changes leaves to be taken back.
 */


#include "ngx_llm_zone.h"

#include <signal.h>

#include <openssl/rand.h>


#define NGX_LLM_ZONE_MAGIC     0x6c6c6d7a
#define NGX_LLM_ZONE_VERSION   2
#define NGX_LLM_ZONE_ROOTS     16
#define NGX_LLM_ZONE_NAME_LEN  15


typedef struct {
    u_char              name[NGX_LLM_ZONE_NAME_LEN + 1];
    size_t              size;
    void               *data;        /* NULL: this one is free */
} ngx_llm_zone_root_t;


/* what words were before; a worker that is killed leaves these behind */

typedef struct {
    uintptr_t          *p;
    uintptr_t           was;
} ngx_llm_zone_word_t;


typedef struct {
    ngx_uint_t           n;
    ngx_llm_zone_word_t  words[NGX_LLM_ZONE_UNDO];
} ngx_llm_zone_undo_t;


/* the first three tell whether the memory was laid out by code like this */

typedef struct {
    uint32_t              magic;
    uint32_t              version;
    size_t                size;

    u_char                secret[NGX_LLM_ZONE_SECRET_LEN];
    ngx_llm_zone_undo_t  *undo;        /* NULL: nobody asked for it */
    ngx_llm_zone_root_t   roots[NGX_LLM_ZONE_ROOTS];
} ngx_llm_zone_sh_t;


struct ngx_llm_zone_s {
    ngx_llm_zone_sh_t    *sh;
    ngx_slab_pool_t      *shpool;
    ngx_shm_zone_t       *shm_zone;
    ngx_uint_t            is_new;
};


static ngx_int_t ngx_llm_zone_init(ngx_shm_zone_t *shm_zone, void *data);
static ngx_int_t ngx_llm_zone_attach(ngx_llm_zone_t *zone,
    ngx_slab_pool_t *shpool);
static ngx_int_t ngx_llm_zone_create(ngx_llm_zone_t *zone);


ngx_llm_zone_t *
ngx_llm_zone_add(ngx_conf_t *cf, ngx_str_t *name, size_t size, void *tag)
{
    ngx_llm_zone_t  *zone;
    ngx_shm_zone_t  *shm_zone;

    if (size < (size_t) (8 * ngx_pagesize)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" is too small, at least %uz bytes "
                           "are needed", name, (size_t) (8 * ngx_pagesize));
        return NULL;
    }

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_llm_zone_t));
    if (zone == NULL) {
        return NULL;
    }

    shm_zone = ngx_shared_memory_add(cf, name, size, tag);
    if (shm_zone == NULL) {
        return NULL;
    }

    if (shm_zone->data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" is already bound", name);
        return NULL;
    }

    shm_zone->init = ngx_llm_zone_init;
    shm_zone->data = zone;

    zone->shm_zone = shm_zone;

    return zone;
}


/*
 * Runs in the master while workers of the old cycle still use the memory:
 * what is there already is not touched.
 */

static ngx_int_t
ngx_llm_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_llm_zone_t *ozone = data;

    ngx_llm_zone_t   *zone;
    ngx_slab_pool_t  *shpool;

    zone = shm_zone->data;

    if (ozone) {
        return ngx_llm_zone_attach(zone, ozone->shpool);
    }

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (shm_zone->shm.exists) {
        return ngx_llm_zone_attach(zone, shpool);
    }

    zone->shpool = shpool;

    return ngx_llm_zone_create(zone);
}


static ngx_int_t
ngx_llm_zone_attach(ngx_llm_zone_t *zone, ngx_slab_pool_t *shpool)
{
    ngx_llm_zone_sh_t  *sh;

    sh = shpool->data;

    if (sh == NULL
        || sh->magic != NGX_LLM_ZONE_MAGIC
        || sh->version != NGX_LLM_ZONE_VERSION
        || sh->size != sizeof(ngx_llm_zone_sh_t))
    {
        ngx_log_error(NGX_LOG_EMERG, zone->shm_zone->shm.log, 0,
                      "zone \"%V\" was made by another version of the module, "
                      "restart is needed", &zone->shm_zone->shm.name);
        return NGX_ERROR;
    }

    zone->sh = sh;
    zone->shpool = shpool;

    return NGX_OK;
}


static ngx_int_t
ngx_llm_zone_create(ngx_llm_zone_t *zone)
{
    size_t              len;
    ngx_str_t          *name;
    ngx_slab_pool_t    *shpool;
    ngx_llm_zone_sh_t  *sh;

    shpool = zone->shpool;
    name = &zone->shm_zone->shm.name;

    sh = ngx_slab_calloc(shpool, sizeof(ngx_llm_zone_sh_t));
    if (sh == NULL) {
        return NGX_ERROR;
    }

    len = sizeof(" in llm zone \"\"") + name->len;

    shpool->log_ctx = ngx_slab_alloc(shpool, len);
    if (shpool->log_ctx == NULL) {
        return NGX_ERROR;
    }

    ngx_sprintf(shpool->log_ctx, " in llm zone \"%V\"%Z", name);

    /* callers tell what a full zone means for them */

    shpool->log_nomem = 0;

    if (RAND_bytes(sh->secret, NGX_LLM_ZONE_SECRET_LEN) != 1) {
        ngx_log_error(NGX_LOG_EMERG, zone->shm_zone->shm.log, 0,
                      "RAND_bytes() failed for zone \"%V\"", name);
        return NGX_ERROR;
    }

    sh->magic = NGX_LLM_ZONE_MAGIC;
    sh->version = NGX_LLM_ZONE_VERSION;
    sh->size = sizeof(ngx_llm_zone_sh_t);

    shpool->data = sh;
    zone->sh = sh;
    zone->is_new = 1;

    return NGX_OK;
}


ngx_uint_t
ngx_llm_zone_is_new(ngx_llm_zone_t *zone)
{
    return zone->is_new;
}


size_t
ngx_llm_zone_size(ngx_llm_zone_t *zone)
{
    return zone->shm_zone->shm.size;
}


u_char *
ngx_llm_zone_secret(ngx_llm_zone_t *zone)
{
    return zone->sh->secret;
}


void *
ngx_llm_zone_alloc(ngx_llm_zone_t *zone, size_t size)
{
    return ngx_slab_alloc(zone->shpool, size);
}


void *
ngx_llm_zone_alloc_locked(ngx_llm_zone_t *zone, size_t size)
{
    return ngx_slab_alloc_locked(zone->shpool, size);
}


void
ngx_llm_zone_free(ngx_llm_zone_t *zone, void *p)
{
    ngx_slab_free(zone->shpool, p);
}


void
ngx_llm_zone_free_locked(ngx_llm_zone_t *zone, void *p)
{
    ngx_slab_free_locked(zone->shpool, p);
}


void *
ngx_llm_zone_root(ngx_llm_zone_t *zone, const char *name, size_t size)
{
    void                 *data;
    size_t                len;
    ngx_uint_t            i;
    ngx_llm_zone_root_t  *root, *spare;

    len = ngx_strlen(name);

    if (len == 0 || len > NGX_LLM_ZONE_NAME_LEN) {
        return NULL;
    }

    data = NULL;
    spare = NULL;

    ngx_shmtx_lock(&zone->shpool->mutex);

    for (i = 0; i < NGX_LLM_ZONE_ROOTS; i++) {
        root = &zone->sh->roots[i];

        if (root->data == NULL) {
            if (spare == NULL) {
                spare = root;
            }

            continue;
        }

        if (ngx_strcmp(root->name, name) == 0) {

            if (root->size == size) {
                data = root->data;
            }

            goto done;
        }
    }

    if (spare == NULL) {
        goto done;
    }

    data = ngx_slab_calloc_locked(zone->shpool, size);
    if (data == NULL) {
        goto done;
    }

    ngx_memcpy(spare->name, name, len + 1);
    spare->size = size;

    /* last: a worker that dies before has only lost the memory */

    ngx_memory_barrier();
    spare->data = data;

done:

    ngx_shmtx_unlock(&zone->shpool->mutex);

    return data;
}


ngx_int_t
ngx_llm_zone_keep_undo(ngx_llm_zone_t *zone)
{
    ngx_llm_zone_undo_t  *undo;

    ngx_llm_zone_lock(zone);

    if (zone->sh->undo == NULL) {
        undo = ngx_slab_calloc_locked(zone->shpool,
                                      sizeof(ngx_llm_zone_undo_t));
        ngx_memory_barrier();
        zone->sh->undo = undo;
    }

    ngx_llm_zone_unlock(zone);

    return zone->sh->undo ? NGX_OK : NGX_ERROR;
}


void
ngx_llm_zone_lock(ngx_llm_zone_t *zone)
{
    ngx_llm_zone_undo_t  *undo;
    ngx_llm_zone_word_t  *w;

    ngx_shmtx_lock(&zone->shpool->mutex);

    undo = zone->sh->undo;

    if (undo == NULL) {
        return;
    }

    while (undo->n) {
        w = &undo->words[undo->n - 1];
        *w->p = w->was;

        ngx_memory_barrier();
        undo->n--;
    }
}


void
ngx_llm_zone_unlock(ngx_llm_zone_t *zone)
{
    ngx_shmtx_unlock(&zone->shpool->mutex);
}


void
ngx_llm_zone_save(ngx_llm_zone_t *zone, void *p, size_t size)
{
    uintptr_t            *word;
    ngx_llm_zone_word_t  *w;
    ngx_llm_zone_undo_t  *undo;

    undo = zone->sh->undo;

    if (undo == NULL) {
        return;
    }

    /* those who save are held to less when they are compiled */

    if (size / sizeof(uintptr_t) > NGX_LLM_ZONE_UNDO - undo->n) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "a change of the zone has more than %d words: it would "
                      "not be taken back whole", NGX_LLM_ZONE_UNDO);
        return;
    }

    word = p;
    w = &undo->words[undo->n];

    for ( /* void */ ; size; size -= sizeof(uintptr_t)) {
        w->p = word;
        w->was = *word;

        ngx_memory_barrier();
        undo->n++;

        w++;
        word++;
    }

    ngx_memory_barrier();
}


void
ngx_llm_zone_done(ngx_llm_zone_t *zone)
{
    if (zone->sh->undo) {
        ngx_memory_barrier();
        zone->sh->undo->n = 0;
    }
}


void
ngx_llm_zone_link(ngx_llm_zone_t *zone, ngx_queue_t *head, ngx_queue_t *x)
{
    ngx_llm_zone_save(zone, x, sizeof(ngx_queue_t));
    ngx_llm_zone_save(zone, head, sizeof(ngx_queue_t));
    ngx_llm_zone_save(zone, head->prev, sizeof(ngx_queue_t));

    ngx_queue_insert_tail(head, x);
}


void
ngx_llm_zone_unlink(ngx_llm_zone_t *zone, ngx_queue_t *x)
{
    /* its own, too: a debugging nginx clears them */

    ngx_llm_zone_save(zone, x, sizeof(ngx_queue_t));
    ngx_llm_zone_save(zone, x->prev, sizeof(ngx_queue_t));
    ngx_llm_zone_save(zone, x->next, sizeof(ngx_queue_t));

    ngx_queue_remove(x);
}


ngx_llm_zone_place_t *
ngx_llm_zone_place(ngx_llm_zone_t *zone, ngx_llm_zone_place_t **places)
{
    ngx_llm_zone_place_t  *place;

    ngx_llm_zone_lock(zone);

    for (place = *places; place; place = place->next) {
        if (place->pid == 0) {
            break;
        }
    }

    if (place == NULL) {
        place = ngx_slab_alloc_locked(zone->shpool,
                                      sizeof(ngx_llm_zone_place_t));

        if (place == NULL) {
            ngx_llm_zone_unlock(zone);
            return NULL;
        }

        ngx_queue_init(&place->things);

        place->pid = 0;
        place->next = *places;
        ngx_memory_barrier();
        *places = place;
    }

    place->pid = ngx_pid;

    ngx_llm_zone_unlock(zone);

    return place;
}


ngx_uint_t
ngx_llm_zone_place_gone(ngx_llm_zone_place_t *place, ngx_llm_zone_place_t *own)
{
    if (place == own || place->pid == 0) {
        return 0;
    }

    return place->pid == ngx_pid || (kill(place->pid, 0) == -1
                                     && ngx_errno == NGX_ESRCH);
}
