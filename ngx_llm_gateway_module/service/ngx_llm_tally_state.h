
/*
 * What the files of the tally share: how it lies in the zone.  _tally.c sums
 * up, _tally_letter.c keeps letters, _tally_journal.c has both on disk.
 */


#ifndef _NGX_LLM_TALLY_STATE_H_INCLUDED_
#define _NGX_LLM_TALLY_STATE_H_INCLUDED_


#include "ngx_llm_tally.h"


/* of them a few hundred are looked through under the lock */
#define NGX_LLM_TALLY_BUCKETS  256

/* letters take one in so many bytes of the zone at most */
#define NGX_LLM_TALLY_SHARE    8


typedef struct ngx_llm_tally_node_s  ngx_llm_tally_node_t;

/* sums under one name */

struct ngx_llm_tally_node_s {
    ngx_llm_tally_node_t    *next;       /* of the same bucket */
    uint32_t                 hash;
    ngx_pid_t                sender;     /* 0: nobody sends it */
    uintptr_t                grows;
    ngx_uint_t               over;       /* counted; kept until that is
                                            written to the journal */
    uintptr_t                dirty;      /* to be written */
    uint64_t                 number;     /* its id */
    int64_t                  ttl;
    uintptr_t                n;
    ngx_llm_tally_item_t     items[NGX_LLM_TALLY_ITEMS];
    size_t                   len;
    u_char                   name[1];
};


/*
 *   UNDER WAY -> gone         a worker's: it lies in its place
 *   UNDER WAY -> LEFT         nobody's: whoever finds it sends it
 *   LEFT -> UNDER WAY
 *   UNDER WAY -> OVER         confirmed, which the journal has to be told
 *   OVER -> gone
 */

struct ngx_llm_tally_letter_s {
    ngx_queue_t              queue;      /* a place's, those that are left, or
                                            those that are over */
    uint64_t                 number;     /* where it is found on disk */
    ngx_msec_t               born;
    ngx_uint_t               sent;       /* and may have been executed */
    ngx_uint_t               draft;      /* to be sent by an heir alone */
    ngx_uint_t               written;    /* the journal has it */
    ngx_uint_t               pass;       /* of the journal, see all() */
    uintptr_t                n;          /* words, each behind its length */
    size_t                   len;
    u_char                   text[1];
};


typedef struct {
    volatile uintptr_t       count;      /* sums, and */
    volatile uintptr_t       nleft;      /* letters that are left */
    uintptr_t                bytes;      /* that letters take */
    ngx_uint_t               journal;
    ngx_uint_t               ready;      /* queues are initialised */
    ngx_uint_t               pass;
    uint64_t                 number;     /* of the last letter */
    ngx_queue_t              left;
    ngx_queue_t              over;
    ngx_llm_zone_place_t    *places;
    ngx_llm_tally_node_t    *buckets[NGX_LLM_TALLY_BUCKETS];
} ngx_llm_tally_sh_t;


struct ngx_llm_tally_s {
    ngx_llm_zone_t          *zone;
    ngx_llm_tally_sh_t      *sh;
    ngx_llm_zone_place_t    *place;
    ngx_uint_t               bucket;     /* where the last entry was found */
};


/* _tally.c */

/* finds the root of the zone, or makes it; NGX_ERROR: the zone is full */
ngx_int_t ngx_llm_tally_attach(ngx_llm_tally_t *tally);

/* under the lock: zeroed, with its name; NULL: the zone is full */
ngx_llm_tally_node_t *ngx_llm_tally_node(ngx_llm_tally_t *tally,
    ngx_str_t *name);
/* under the lock; 2 words are saved */
void ngx_llm_tally_insert(ngx_llm_tally_t *tally, ngx_llm_tally_node_t *node);


/* _tally_letter.c; under the lock */

/* one of so many bytes that is in no queue yet; NULL: the zone is full */
ngx_llm_tally_letter_t *ngx_llm_tally_letter(ngx_llm_tally_t *tally,
    size_t len);
/* adds one to those that are left, or takes one out; 7 words are saved */
void ngx_llm_tally_letter_left(ngx_llm_tally_t *tally,
    ngx_llm_tally_letter_t *letter);
void ngx_llm_tally_letter_found(ngx_llm_tally_t *tally,
    ngx_llm_tally_letter_t *letter);
/* whether its words are as many as it says */
ngx_uint_t ngx_llm_tally_letter_whole(ngx_llm_tally_letter_t *letter);
/* behind what was saved: it is in no queue any more */
void ngx_llm_tally_letter_free(ngx_llm_tally_t *tally,
    ngx_llm_tally_letter_t *letter);


#endif /* _NGX_LLM_TALLY_STATE_H_INCLUDED_ */
