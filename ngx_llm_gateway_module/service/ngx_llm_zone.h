
/*
 * The gateway's shared memory of one host.
 */


#ifndef _NGX_LLM_ZONE_H_INCLUDED_
#define _NGX_LLM_ZONE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_LLM_ZONE_SECRET_LEN  32

/* words that may change between ngx_llm_zone_lock() and ngx_llm_zone_done(): as
   many as the pages that they need have room for */
#define NGX_LLM_ZONE_UNDO        2047

typedef struct ngx_llm_zone_s        ngx_llm_zone_t;
typedef struct ngx_llm_zone_place_s  ngx_llm_zone_place_t;

/* a process, and what hangs on it until it is gone */

struct ngx_llm_zone_place_s {
    ngx_llm_zone_place_t    *next;
    ngx_pid_t                pid;       /* 0: nobody's */
    ngx_queue_t              things;
};


/* declares the zone; size in bytes, at least 8 pages; tag is the module */
ngx_llm_zone_t *ngx_llm_zone_add(ngx_conf_t *cf, ngx_str_t *name, size_t size,
    void *tag);

/*
 * Random bytes made with the zone: the same in all workers and over reload.
 * Only valid in workers and after the zone's start.
 */
u_char *ngx_llm_zone_secret(ngx_llm_zone_t *zone);

/*
 * Whether the memory was made for this configuration: after a reload it comes
 * from the one before it, unless its size has changed.
 */
ngx_uint_t ngx_llm_zone_is_new(ngx_llm_zone_t *zone);

/* bytes in all, as configured */
size_t ngx_llm_zone_size(ngx_llm_zone_t *zone);

/*
 * Memory of the zone that outlives a worker, or NULL if it is full.  The
 * "locked" ones are for callers that hold the zone's lock; the others, and
 * ngx_llm_zone_root(), take it and must not be called under it.
 */
void *ngx_llm_zone_alloc(ngx_llm_zone_t *zone, size_t size);
void *ngx_llm_zone_alloc_locked(ngx_llm_zone_t *zone, size_t size);
void ngx_llm_zone_free(ngx_llm_zone_t *zone, void *p);
void ngx_llm_zone_free_locked(ngx_llm_zone_t *zone, void *p);

/*
 * A named root pointer in the zone, created zeroed with this size on the
 * first call and found again after reload: what the usage log hangs its
 * buffers on.  At most 16 names of at most 15 bytes.  NULL: no memory, no name
 * left, or the root has another size.
 */
void *ngx_llm_zone_root(ngx_llm_zone_t *zone, const char *name, size_t size);

/*
 * The zone's lock.  Whoever takes it first takes back what a worker that was
 * killed under it left half done.
 */
void ngx_llm_zone_lock(ngx_llm_zone_t *zone);
void ngx_llm_zone_unlock(ngx_llm_zone_t *zone);

/*
 * Several changes that are made all or not at all, whenever their worker is
 * killed: under the lock each is saved before it is made, p being on a word
 * and size in whole words, and done() makes all that were saved for good, at
 * one store.  What is freed is freed behind done().  Services may save into
 * one such change together.
 *
 * keep_undo() makes room for it, once for a zone; NGX_ERROR: the zone is
 * full, and changes are made without.
 */
ngx_int_t ngx_llm_zone_keep_undo(ngx_llm_zone_t *zone);
void ngx_llm_zone_save(ngx_llm_zone_t *zone, void *p, size_t size);
void ngx_llm_zone_done(ngx_llm_zone_t *zone);

/* saves the links that change, 6 words, and adds to the end of a queue, or
   takes out of it */
void ngx_llm_zone_link(ngx_llm_zone_t *zone, ngx_queue_t *head,
    ngx_queue_t *x);
void ngx_llm_zone_unlink(ngx_llm_zone_t *zone, ngx_queue_t *x);


/*
 * Takes a place among these, which are never freed, for this process; one that
 * is nobody's has nothing on it.  NULL: the zone is full.
 */
ngx_llm_zone_place_t *ngx_llm_zone_place(ngx_llm_zone_t *zone,
    ngx_llm_zone_place_t **places);

/* whether its process is gone; one that had our number is, ours is not */
ngx_uint_t ngx_llm_zone_place_gone(ngx_llm_zone_place_t *place,
    ngx_llm_zone_place_t *own);


#endif /* _NGX_LLM_ZONE_H_INCLUDED_ */
