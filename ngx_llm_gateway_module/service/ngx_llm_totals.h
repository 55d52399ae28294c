
/*
 * What was used, summed up by day and by who and what: numbers in the zone,
 * saved by the journal.  Which names make up an identity, and what each unit
 * is, is the caller's matter.
 */


#ifndef _NGX_LLM_TOTALS_H_INCLUDED_
#define _NGX_LLM_TOTALS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_llm_state.h"
#include "ngx_llm_zone.h"


#define NGX_LLM_TOTALS_UNITS   18
#define NGX_LLM_TOTALS_ID_MAX  NGX_LLM_STATE_KEY_MAX    /* bytes */
#define NGX_LLM_TOTALS_DAYS    400                      /* kept */


typedef struct ngx_llm_totals_s  ngx_llm_totals_t;


typedef struct {
    uint32_t     day;                            /* since the epoch, UTC */
    ngx_str_t    id;                             /* copied where it is put */
    int64_t      units[NGX_LLM_TOTALS_UNITS];
    u_char       text[NGX_LLM_TOTALS_ID_MAX];    /* what id points to where it
                                                    is given out */
} ngx_llm_totals_entry_t;


/* state may be NULL: sums live as long as the zone */
ngx_llm_totals_t *ngx_llm_totals_add(ngx_conf_t *cf, ngx_llm_zone_t *zone,
    ngx_llm_state_t *state);

/* init_process; NGX_ERROR: no room in the zone, logged */
ngx_int_t ngx_llm_totals_start(ngx_llm_totals_t *totals, ngx_cycle_t *cycle);

/*
 * Adds units to the sums of this day and identity, under the zone's lock, as
 * part of a change that ngx_llm_zone_done() ends.  Sums take a quarter of the
 * zone at most: where there is no room for new ones the oldest day goes, or,
 * if there is but one, what was not added to for longest, which is logged.
 */
void ngx_llm_totals_count(ngx_llm_totals_t *totals, uint32_t day,
    ngx_str_t *id, int64_t *units);

/* without the lock, behind it: logs that there was no room */
void ngx_llm_totals_counted(ngx_llm_totals_t *totals);

/*
 * The sums behind those in entry, in no order; id.len 0: the first.  NGX_DONE:
 * there are no more.  Sums may be added to between two calls.
 */
ngx_int_t ngx_llm_totals_next(ngx_llm_totals_t *totals,
    ngx_llm_totals_entry_t *entry);


#endif /* _NGX_LLM_TOTALS_H_INCLUDED_ */
