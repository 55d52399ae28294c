
/*
 * Counters of limits and reservations in the zone, shared by all workers.
 * Knows subjects, limits and amounts, but no request: a reservation is all or
 * nothing over its subjects, under the zone's lock, which is never held
 * longer than that.
 *
 * A reservation is a lease in the zone, in the list of the worker that made
 * it.  It is settled when its request has used what it uses, and closed with
 * the request's record, in one change of the zone with it.  Whoever finds that
 * a worker is gone, a new worker or one that is about to refuse a request,
 * ends its leases: one that was settled still lacks its record; of one that
 * was not, all is given back but what its parts were settled with.
 */


#ifndef _NGX_LLM_QUOTA_H_INCLUDED_
#define _NGX_LLM_QUOTA_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "llm_limit.h"
#include "ngx_llm_state.h"
#include "ngx_llm_zone.h"


#define NGX_LLM_QUOTA_SUBJECTS  8    /* of one lease */
#define NGX_LLM_QUOTA_LIMITS    32   /* of one subject */
#define NGX_LLM_QUOTA_NOTE_MAX  1024 /* bytes */
#define NGX_LLM_QUOTA_PARTS     16   /* of one lease that are told */


typedef struct ngx_llm_quota_s        ngx_llm_quota_t;
typedef struct ngx_llm_quota_lease_s  ngx_llm_quota_lease_t;

/* what a worker that is gone has left of a request */

typedef struct {
    ngx_llm_quota_lease_t  *lease;
    ngx_str_t               note;
    llm_amount_t            asked;     /* reserved at first, */
    llm_amount_t            held;      /* and in all */
    llm_amount_t            used;      /* and what counters say it used */
    ngx_uint_t              sent;
    ngx_uint_t              settled;
    struct {
        ngx_str_t           id;        /* of its subject */
        llm_amount_t        asked;
        ngx_uint_t          number;    /* as sent() was told; 0: there is
                                          none */
    }                       open;      /* it, or its part, that was sent and
                                          not settled */
    ngx_uint_t              nparts;    /* in order */
    struct {
        ngx_str_t           id;        /* of its subject */
        llm_amount_t        used;
    }                       parts[NGX_LLM_QUOTA_PARTS];
} ngx_llm_quota_lost_t;

/*
 * Called without the lock for each of these.  It takes the lock, calls
 * ngx_llm_quota_close() for the lease, with whatever else belongs to this
 * change, and ngx_llm_quota_closed() behind it.
 */
typedef void (*ngx_llm_quota_lost_pt)(void *data, ngx_llm_quota_t *q,
    ngx_llm_quota_lost_t *lost);

/* called for each limit of the subjects, in their order */
typedef void (*ngx_llm_quota_each_pt)(void *data, llm_standing_t *s);


/*
 * init_process: takes a place among the host's workers and ends the leases of
 * those that are gone; journal: counters are kept on disk, and none of them
 * goes before it was written.  NULL: the zone has no room, which is logged;
 * functions below take NULL for a full zone.
 */
ngx_llm_quota_t *ngx_llm_quota_start(ngx_llm_zone_t *zone, ngx_cycle_t *cycle,
    ngx_uint_t journal, ngx_llm_quota_lost_pt lost, void *data);

/* while the configuration is read: counters are kept in the zone's journal */
ngx_int_t ngx_llm_quota_journal(ngx_conf_t *cf, ngx_llm_zone_t *zone,
    ngx_llm_state_t *state);

/* exit_process: ends what leases are left, as for a worker that is gone */
void ngx_llm_quota_stop(ngx_llm_quota_t *q);

/* milliseconds since the epoch, as all workers tell them */
int64_t ngx_llm_quota_now(void);

/*
 * Reserves ask on every subject, or nothing.  Subjects and their limits must
 * outlive the lease.  note is given back should this worker die; a part of
 * another lease, which is not closed yet, needs none.  now in milliseconds
 * since the epoch.
 *
 * NGX_OK: *lease is set, v tells what is left after this request; NGX_BUSY: v
 * tells which limit refused; NGX_ERROR: no room in the zone.  Without a v no
 * limit is asked: it was decided elsewhere.
 */
ngx_int_t ngx_llm_quota_reserve(ngx_llm_quota_t *q, llm_subject_t **subjects,
    ngx_uint_t n, llm_amount_t *ask, ngx_str_t *note,
    ngx_llm_quota_lease_t *of, int64_t now, ngx_llm_quota_lease_t **lease,
    llm_verdict_t *v);

/* the same without reserving anything; each may be NULL */
ngx_int_t ngx_llm_quota_check(ngx_llm_quota_t *q, llm_subject_t **subjects,
    ngx_uint_t n, llm_amount_t *ask, int64_t now, llm_verdict_t *v,
    ngx_llm_quota_each_pt each, void *data);

/* reserves more on the lease's subjects, which are given again; NGX_OK or
   NGX_BUSY, the lease then being as before.  Without a v no limit is asked */
ngx_int_t ngx_llm_quota_extend(ngx_llm_quota_t *q,
    ngx_llm_quota_lease_t *lease, llm_subject_t **subjects,
    llm_amount_t *more, int64_t now, llm_verdict_t *v);

/* from now on something may be spent upstream; number is the caller's own */
void ngx_llm_quota_sent(ngx_llm_quota_lease_t *lease, ngx_uint_t number);

/*
 * Under the zone's lock, before ngx_llm_zone_done(): gives back what the lease
 * holds and counts what was used; subjects are those of its reservation.  It is
 * kept for close(), unless this returns 1, for nothing was used: then settled()
 * frees it, behind done().
 */
ngx_uint_t ngx_llm_quota_settle(ngx_llm_quota_t *q,
    ngx_llm_quota_lease_t *lease, llm_subject_t **subjects,
    llm_amount_t *used, int64_t now);
void ngx_llm_quota_settled(ngx_llm_quota_t *q, ngx_llm_quota_lease_t *lease);

/* words of the zone that settle() saves at most: of each subject what it
   holds, its links and counters; and those of the lease */
#define NGX_LLM_QUOTA_SETTLE                                                  \
    (NGX_LLM_QUOTA_SUBJECTS * (12 + 4 * NGX_LLM_QUOTA_LIMITS) + 24)

/*
 * Under the zone's lock, before ngx_llm_zone_done(): the lease's request is in
 * the books, and it and its parts go; closed(), behind it, frees them.
 */
void ngx_llm_quota_close(ngx_llm_quota_t *q, ngx_llm_quota_lease_t *lease,
    int64_t now);
void ngx_llm_quota_closed(ngx_llm_quota_t *q, ngx_llm_quota_lease_t *lease);


/*
 * Two numbers per name that are learnt and kept for good, such as a model's
 * bytes per token; they are read and written without the lock.  NULL: no
 * room.
 */
volatile int64_t *ngx_llm_quota_learnt(ngx_llm_quota_t *q, llm_str_t *id);


/* copies for people */

typedef struct {
    u_char                   id[320];      /* "team=acme/search" */
    size_t                   len;
    llm_amount_t             held;         /* by requests in flight */
    ngx_uint_t               ncounters;
    struct {
        llm_counter_t        counter;
        int64_t              end;          /* of its window, ms; -1: none;
                                              0: smooth */
    }                        counters[NGX_LLM_QUOTA_LIMITS];
} ngx_llm_quota_entry_t;

/* the subject with this id; NGX_DECLINED: nothing of it counts */
ngx_int_t ngx_llm_quota_read(ngx_llm_quota_t *q, llm_str_t *id,
    ngx_llm_quota_entry_t *entry);

/*
 * The next subject in an order that does not change, behind the one in entry
 * (len 0: the first).  NGX_DONE: there is none.
 */
ngx_int_t ngx_llm_quota_next(ngx_llm_quota_t *q,
    ngx_llm_quota_entry_t *entry);

/* what sets a counter to nothing spent */
#define NGX_LLM_QUOTA_RESET  INT64_MIN

/*
 * Adds to what a calendar counter has spent, or resets it; a budget is topped
 * up by a negative number.  Sums stop at INT64_MAX and -INT64_MAX.
 * NGX_DECLINED: there is no such counter.
 */
ngx_int_t ngx_llm_quota_adjust(ngx_llm_quota_t *q, llm_str_t *id,
    uint64_t counter, int64_t add);


#endif /* _NGX_LLM_QUOTA_H_INCLUDED_ */
