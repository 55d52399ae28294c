
/*
 * What this host has to tell a store that several share, and what lies in the
 * zone until the store has confirmed it, so that no worker's death loses any.
 *
 * Sums are what was counted while the store was away, added up for each name:
 * a long outage takes no more room than its subjects.  An entry has an id, and
 * grows no more once it is taken to be sent: sent again under this id it counts
 * once.
 *
 * Letters are what a worker tells the store by itself, word by word: whoever
 * finds that it is gone sends them again.  They are such that this does no
 * harm.
 *
 * With a state both survive the host, as they were a moment before.
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

/* words of the zone that add() saves at most, keep(), and void() */
#define NGX_LLM_TALLY_ADD    (NGX_LLM_TALLY_ITEMS + 3)
#define NGX_LLM_TALLY_KEEP   6
#define NGX_LLM_TALLY_VOID   12


typedef struct ngx_llm_tally_s         ngx_llm_tally_t;
typedef struct ngx_llm_tally_letter_s  ngx_llm_tally_letter_t;


/* sums with the same kind, id and place are one */

typedef struct {
    ngx_uint_t               kind;
    uint64_t                 id;
    int64_t                  place;      /* such as the window's start */
    int64_t                  amount;     /* 0 or more; stops at INT64_MAX */
} ngx_llm_tally_item_t;


/* an entry that is being sent */

typedef struct {
    u_char                   id[NGX_LLM_TALLY_ID];    /* hexadecimal */
    uint64_t                 number;                  /* the same, and */
    uint32_t                 hash;                    /* where it is found */
} ngx_llm_tally_ticket_t;


typedef struct {
    ngx_llm_tally_ticket_t   ticket;
    size_t                   len;
    u_char                   name[NGX_LLM_TALLY_NAME];
    int64_t                  ttl;        /* the longest that was given */
    ngx_uint_t               n;
    ngx_llm_tally_item_t     items[NGX_LLM_TALLY_ITEMS];
} ngx_llm_tally_entry_t;


/* while the configuration is read: it is kept in the zone's journal */
ngx_int_t ngx_llm_tally_journal(ngx_conf_t *cf, ngx_llm_zone_t *zone,
    ngx_llm_state_t *state);

/* init_process; journal: there is one.  NULL: the zone is full or absent,
   functions take it so, unless they are given a letter of it */
ngx_llm_tally_t *ngx_llm_tally_start(ngx_llm_zone_t *zone,
    ngx_uint_t journal, ngx_cycle_t *cycle);
/* exit_process: what was not forgotten is left */
void ngx_llm_tally_stop(ngx_llm_tally_t *tally);

/*
 * Under the zone's lock, before ngx_llm_zone_done(): adds up to
 * NGX_LLM_TALLY_ITEMS under a name.  NGX_ERROR: there is no room, or the name
 * is too long.
 */
ngx_int_t ngx_llm_tally_add(ngx_llm_tally_t *tally, ngx_str_t *name,
    int64_t ttl, ngx_llm_tally_item_t *items, ngx_uint_t n);

/*
 * The next entry that nobody is sending, as a copy; it is this worker's until
 * end() is called with its ticket.  NGX_DECLINED: there is none.
 */
ngx_int_t ngx_llm_tally_take(ngx_llm_tally_t *tally,
    ngx_llm_tally_entry_t *entry);

/* counted: it is forgotten; else it may be taken again, under the same id */
void ngx_llm_tally_end(ngx_llm_tally_t *tally, ngx_llm_tally_ticket_t *ticket,
    ngx_uint_t counted);

/* sums, and letters that are nobody's: for who asks whether there are any */
ngx_uint_t ngx_llm_tally_count(ngx_llm_tally_t *tally);


/* _tally_letter.c */

/*
 * Under the zone's lock, before ngx_llm_zone_done(): keeps these words for this
 * worker, until it forgets them or leaves them.  A draft is not to be sent
 * unless this worker dies, and is not kept on disk.  NULL: there is no room, or
 * letters have their share of it.
 */
ngx_llm_tally_letter_t *ngx_llm_tally_keep(ngx_llm_tally_t *tally,
    ngx_str_t *words, ngx_uint_t n, ngx_uint_t draft);

/* told before it is sent, and if it turns out that it was not */
void ngx_llm_tally_sent(ngx_llm_tally_letter_t *letter, ngx_uint_t sent);

/* confirmed; without the lock */
void ngx_llm_tally_forget(ngx_llm_tally_t *tally,
    ngx_llm_tally_letter_t *letter);

/* the same as a part of a change: under the lock before ngx_llm_zone_done(),
   and behind it */
void ngx_llm_tally_void(ngx_llm_tally_t *tally,
    ngx_llm_tally_letter_t *letter);
void ngx_llm_tally_voided(ngx_llm_tally_t *tally,
    ngx_llm_tally_letter_t *letter);

/* not confirmed, and nobody's from now on; without the lock */
void ngx_llm_tally_leave(ngx_llm_tally_t *tally,
    ngx_llm_tally_letter_t *letter);

/*
 * The next letter that is nobody's, or of a worker that is gone: now it is
 * ours.  n is set to its words, sent to whether it may have been sent.  NULL:
 * there is none.
 */
ngx_llm_tally_letter_t *ngx_llm_tally_adopt(ngx_llm_tally_t *tally,
    ngx_uint_t *n, ngx_uint_t *sent);

/* its words, which are gone with it */
void ngx_llm_tally_read(ngx_llm_tally_letter_t *letter, ngx_str_t *words);


#endif /* _NGX_LLM_TALLY_H_INCLUDED_ */
