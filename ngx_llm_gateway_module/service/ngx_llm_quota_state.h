
/*
 * What the files of the quota service share: how it lies in the zone.
 * _quota.c reserves and settles, _quota_node.c finds and forgets subjects,
 * _quota_worker.c starts, stops and ends what others left.
 */


#ifndef _NGX_LLM_QUOTA_STATE_H_INCLUDED_
#define _NGX_LLM_QUOTA_STATE_H_INCLUDED_


#include "ngx_llm_quota.h"


#define NGX_LLM_QUOTA_ROOT  "quota"

/* leases of the reserve: how many at least and at most, what share of the zone
   they take, one in, and the bytes of one */
#define NGX_LLM_QUOTA_SPARES_MIN    8
#define NGX_LLM_QUOTA_SPARES        256
#define NGX_LLM_QUOTA_SPARES_SHARE  64
#define NGX_LLM_QUOTA_SPARE_SIZE    2048

/* words that one operation may change: of each subject what it holds, its
   links, and its counters with their marks; of up to 16 parts and the lease
   their links and places; totals and the log's */
#define NGX_LLM_QUOTA_UNDO                                                    \
    (NGX_LLM_QUOTA_SUBJECTS * (12 + 6 * NGX_LLM_QUOTA_LIMITS) + 17 * 9 + 64)

#if (NGX_LLM_QUOTA_UNDO > NGX_LLM_ZONE_UNDO)
#error NGX_LLM_ZONE_UNDO is too small
#endif


typedef struct {
    llm_counter_t                c;
    int64_t                      end;       /* of the window, ms; -1: it has
                                               none; 0: smooth */
} ngx_llm_quota_counter_t;


/* a subject */

typedef struct {
    ngx_rbtree_node_t            node;      /* key: hash of id */
    ngx_queue_t                  changed;   /* link, if dirty */
    uintptr_t                    dirty;     /* to be written to the state */
    uintptr_t                    refs;      /* leases */
    llm_amount_t                 held;      /* by these */
    ngx_llm_quota_counter_t     *counters;
    uint16_t                     ncounters;
    uint16_t                     size;      /* of counters, in counters */
    uint16_t                     len;
    unsigned                     learnt:1;  /* no subject: two numbers */
    unsigned                     moved:1;   /* counters have memory of their
                                               own */
    u_char                       id[1];
} ngx_llm_quota_node_t;


/* a smooth counter's part in a lease */

typedef struct {
    uint64_t                     id;        /* of the counter */
    ngx_uint_t                   node;      /* index in the lease */
    llm_mark_t                   mark;
} ngx_llm_quota_mark_t;


/*
 *   EMPTY -> TAKEN      reserved
 *   TAKEN -> SETTLED    counted, but not in the log yet
 *   SETTLED -> gone     its record is in the log's buffer
 *
 * Each step is one change of the zone, with that of the counters or of the
 * log: state alone decides what the heir of a worker has to do.  A part is a
 * lease of a request that has one already, for an attempt's provider: it goes
 * with its request's, and lies behind it in the queue.
 */

typedef enum {
    NGX_LLM_QUOTA_EMPTY = 0,      /* nothing is taken */
    NGX_LLM_QUOTA_TAKEN,
    NGX_LLM_QUOTA_SETTLED
} ngx_llm_quota_lease_e;


struct ngx_llm_quota_lease_s {
    ngx_queue_t                  queue;     /* link in its worker's place */
    uintptr_t                    state;
    llm_amount_t                 asked;     /* at first, */
    llm_amount_t                 taken;     /* and in all */
    llm_amount_t                 used;      /* if settled; else by its parts
                                               so far */
    uintptr_t                    sent;      /* may have been spent upstream */
    ngx_uint_t                   number;    /* for who hears that it is lost */
    ngx_llm_quota_lease_t       *of;        /* whose part it is, or NULL */
    ngx_llm_quota_lease_t       *parts;     /* the last one, */
    ngx_llm_quota_lease_t       *before;    /* and that before it */
    ngx_uint_t                   spare;     /* one of the reserve */
    ngx_uint_t                   n;
    ngx_llm_quota_node_t        *nodes[NGX_LLM_QUOTA_SUBJECTS];
    ngx_uint_t                   nmarks;
    ngx_llm_quota_mark_t        *marks;     /* behind the note */
    size_t                       len;
    u_char                       note[1];
};


typedef struct {
    ngx_uint_t                   ready;     /* the rest is initialised */
    ngx_rbtree_t                 tree;
    ngx_rbtree_node_t            sentinel;
    ngx_queue_t                  changed;   /* nodes that are dirty */
    ngx_uint_t                   journal;   /* somebody writes them down */
    ngx_llm_zone_place_t        *workers;
    ngx_rbtree_key_t             hand;      /* where eviction goes on */
    time_t                       reaped;    /* when workers were counted */

    /* leases that are kept for when the zone is full: subjects that it has
       go on then, while there is no room for others */
    uintptr_t                    nspares;
    ngx_llm_quota_lease_t       *spares[NGX_LLM_QUOTA_SPARES];
} ngx_llm_quota_root_t;


struct ngx_llm_quota_s {
    ngx_llm_zone_t              *zone;
    ngx_llm_quota_root_t        *sh;
    ngx_llm_zone_place_t        *worker;
    ngx_llm_quota_lost_pt        lost;
    void                        *data;
    time_t                       told;      /* when a full zone was */
};


/* _quota_lease.c; both under the lock */

/* fills the reserve, for a new zone */
void ngx_llm_quota_spare_leases(ngx_llm_quota_t *q);
/* one for these subjects, filled in; NULL: the zone is full.  It is there for
   good only with what was saved behind it */
ngx_llm_quota_lease_t *ngx_llm_quota_lease(ngx_llm_quota_t *q,
    llm_subject_t **subjects, ngx_uint_t n, ngx_str_t *note,
    ngx_llm_quota_node_t **nodes);
/* inside of what is saved: nobody needs it any more; and behind that */
void ngx_llm_quota_forget(ngx_llm_quota_t *q, ngx_llm_quota_lease_t *lease);
void ngx_llm_quota_free_lease(ngx_llm_quota_t *q,
    ngx_llm_quota_lease_t *lease);


/* under the lock: the subject has no more in flight of this lease */
void ngx_llm_quota_unhold(ngx_llm_quota_t *q, ngx_llm_quota_lease_t *lease,
    ngx_llm_quota_node_t *node);


/* _quota_node.c; all under the lock */

ngx_llm_quota_node_t *ngx_llm_quota_find(ngx_llm_quota_t *q, uint32_t hash,
    u_char *id, size_t len);
/* room for n counters; NULL: the zone is full.  keep is not evicted */
ngx_llm_quota_node_t *ngx_llm_quota_add(ngx_llm_quota_t *q, uint32_t hash,
    u_char *id, size_t len, ngx_uint_t n, ngx_llm_quota_node_t **keep,
    ngx_uint_t nkeep);
/* the counter of this id, looked for at index i first; NULL: there is none */
ngx_llm_quota_counter_t *ngx_llm_quota_counter(ngx_llm_quota_node_t *node,
    uint64_t id, ngx_uint_t i);
/* makes those that the subject's limits lack; NGX_ERROR: the zone is full */
ngx_int_t ngx_llm_quota_counters(ngx_llm_quota_t *q,
    ngx_llm_quota_node_t *node, llm_subject_t *subject,
    ngx_llm_quota_node_t **keep, ngx_uint_t nkeep);
/* the first behind this place in the order of the tree, or NULL */
ngx_llm_quota_node_t *ngx_llm_quota_after(ngx_llm_quota_t *q,
    ngx_rbtree_key_t hash, u_char *id, size_t len);
/* whether nothing of it counts any more */
ngx_uint_t ngx_llm_quota_over(ngx_llm_quota_node_t *node, int64_t now);
void ngx_llm_quota_free(ngx_llm_quota_t *q, ngx_llm_quota_node_t *node);
/* memory of the zone, for which idle subjects are forgotten */
void *ngx_llm_quota_alloc(ngx_llm_quota_t *q, size_t size,
    ngx_llm_quota_node_t **keep, ngx_uint_t nkeep);
/* it is to be written to the state; inside of what is saved */
void ngx_llm_quota_dirty(ngx_llm_quota_t *q, ngx_llm_quota_node_t *node);


/* _quota_worker.c */

/* finds the root of the zone, or makes it; NGX_ERROR: the zone is full */
ngx_int_t ngx_llm_quota_attach(ngx_llm_quota_t *q);

/* under the lock: ends a lease that nobody will settle */
void ngx_llm_quota_end(ngx_llm_quota_t *q, ngx_llm_quota_lease_t *lease,
    int64_t now);

/* ends leases of workers that are gone, at most once a second; whether there
   were any.  Without the lock */
ngx_uint_t ngx_llm_quota_reap(ngx_llm_quota_t *q);


#endif /* _NGX_LLM_QUOTA_STATE_H_INCLUDED_ */
