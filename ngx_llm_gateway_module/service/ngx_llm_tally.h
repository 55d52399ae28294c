
/*
 * What this host owes to a store that several share: use that was counted
 * while it was away.  Kept in the zone, summed up for each name, so that a
 * long outage takes no more room than its subjects, and no worker's death
 * loses any.
 *
 * An entry has an id, and grows no more once it is taken to be sent: sent again
 * under this id it counts once.  One with a claim ends what the store may have
 * ended already, never grows, and is told by that claim.
 *
 * With a state it survives the host, as it was a moment before.
 */


#ifndef _NGX_LLM_TALLY_H_INCLUDED_
#define _NGX_LLM_TALLY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_llm_state.h"
#include "ngx_llm_zone.h"


#define NGX_LLM_TALLY_ITEMS  32
#define NGX_LLM_TALLY_NAME   512
#define NGX_LLM_TALLY_ID     16
#define NGX_LLM_TALLY_CLAIM  64


typedef struct ngx_llm_tally_s  ngx_llm_tally_t;


/* sums with the same kind, id and place are one */

typedef struct {
    ngx_uint_t               kind;
    uint64_t                 id;
    int64_t                  place;      /* such as the window's start */
    int64_t                  amount;     /* 0 or more; stops at INT64_MAX */
    int64_t                  had;        /* of a claim: what it took, */
    int64_t                  mark;       /* and where */
} ngx_llm_tally_item_t;


/* what the store may hold, and what is its name there; len 0: nothing */

typedef struct {
    size_t                   len;
    u_char                   id[NGX_LLM_TALLY_CLAIM];
    int64_t                  asked[4];
} ngx_llm_tally_claim_t;


/* an entry that is being sent */

typedef struct {
    u_char                   id[NGX_LLM_TALLY_ID];    /* hexadecimal */
    uint64_t                 number;                  /* the same, and */
    uint32_t                 hash;                    /* where it is found */
} ngx_llm_tally_ticket_t;


typedef struct {
    ngx_llm_tally_ticket_t   ticket;
    ngx_llm_tally_claim_t    claim;
    size_t                   len;
    u_char                   name[NGX_LLM_TALLY_NAME];
    int64_t                  ttl;        /* the longest that was given */
    ngx_uint_t               n;
    ngx_llm_tally_item_t     items[NGX_LLM_TALLY_ITEMS];
} ngx_llm_tally_entry_t;


/* while the configuration is read: entries are kept in the zone's journal */
ngx_int_t ngx_llm_tally_journal(ngx_conf_t *cf, ngx_llm_zone_t *zone,
    ngx_llm_state_t *state);

/* init_process; journal: there is one.  NULL: the zone is full or absent,
   functions take it so */
ngx_llm_tally_t *ngx_llm_tally_start(ngx_llm_zone_t *zone,
    ngx_uint_t journal, ngx_cycle_t *cycle);

/*
 * Adds up to NGX_LLM_TALLY_ITEMS under a name, or, with a claim, as an entry of
 * its own.  NGX_ERROR: there is no room, or the name is too long.
 */
ngx_int_t ngx_llm_tally_add(ngx_llm_tally_t *tally, ngx_str_t *name,
    int64_t ttl, ngx_llm_tally_item_t *items, ngx_uint_t n,
    ngx_llm_tally_claim_t *claim);

/*
 * The next entry that nobody is sending, as a copy; it is this worker's until
 * end() is called with its ticket.  NGX_DECLINED: there is none.
 */
ngx_int_t ngx_llm_tally_take(ngx_llm_tally_t *tally,
    ngx_llm_tally_entry_t *entry);

/* counted: it is forgotten; else it may be taken again, under the same id */
void ngx_llm_tally_end(ngx_llm_tally_t *tally, ngx_llm_tally_ticket_t *ticket,
    ngx_uint_t counted);

/* entries, for metrics and for who asks whether anything is owed */
ngx_uint_t ngx_llm_tally_count(ngx_llm_tally_t *tally);


#endif /* _NGX_LLM_TALLY_H_INCLUDED_ */
