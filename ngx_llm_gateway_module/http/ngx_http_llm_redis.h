
/*
 * This worker's part in limits that hosts share: its connection, Redis's
 * clock, and settlements until Redis has them.
 */


#ifndef _NGX_HTTP_LLM_REDIS_H_INCLUDED_
#define _NGX_HTTP_LLM_REDIS_H_INCLUDED_


#include "llm_limit_script.h"
#include "ngx_http_llm_module.h"
#include "ngx_http_llm_quota.h"
#include "ngx_http_llm_redis_conf.h"
#include "ngx_llm_quota.h"
#include "ngx_llm_tally.h"


/* a reservation of an attempt: the request's id, and its number */
#define NGX_HTTP_LLM_REDIS_ATTEMPT  "%Vp%ui"

/* settlements of a worker that wait for Redis; more are left to whoever looks
   for them next */
#define NGX_HTTP_LLM_REDIS_LETTERS  4096

/* of one change of the zone: an attempt's, and drafts of its request's */
#define NGX_HTTP_LLM_REDIS_MAIL     (NGX_LLM_QUOTA_SUBJECTS + 1)


typedef struct {
    ngx_http_llm_redis_t      *conf;
    ngx_llm_redis_t           *client;        /* NULL: the worker ends */
    ngx_llm_zone_t            *zone;          /* may be NULL */
    ngx_llm_tally_t           *tally;

    /* what is held, by age: ngx_http_llm_redis_lease_t, the oldest first */
    ngx_queue_t                leases;
} ngx_http_llm_redis_worker_t;


/* a reservation in Redis, to be prolonged while it is held */

typedef struct {
    ngx_queue_t                queue;
    ngx_msec_t                 renewed;
    llm_script_claim_t        *claims;        /* one for each hash tag */
    ngx_uint_t                 n;
} ngx_http_llm_redis_lease_t;


/* init_process, exit_process: this worker's connection to Redis */
ngx_int_t ngx_http_llm_redis_init(ngx_cycle_t *cycle,
    ngx_http_llm_main_conf_t *lmcf);
void ngx_http_llm_redis_stop(void);

/* NULL: there is no llm_redis */
ngx_http_llm_redis_worker_t *ngx_http_llm_redis_worker(void);

/* milliseconds since the epoch by Redis's clock, as far as it is known */
int64_t ngx_http_llm_redis_now(void);
void ngx_http_llm_redis_clock(int64_t now);

/* _redis.c, for words of one call, which are copied when it is sent: none of a
   request's memory, which may ask often while it waits in the queue */
void ngx_http_llm_redis_paper(llm_arena_t *arena);

/*
 * Asks for a claim's reservation, see llm_script_reserve_call(); NULL: Redis is
 * not there, or no memory.
 */
ngx_llm_redis_command_t *ngx_http_llm_redis_ask(
    const llm_script_claim_t *claim, int64_t lease_ms,
    ngx_llm_redis_handler_pt handler, void *data);

/* what it replied, as llm_script_reserve_read() tells it; its clock is noted */
int ngx_http_llm_redis_reserved(const llm_script_claim_t *claim,
    redisReply *reply, llm_verdict_t *verdict);

/* while a reservation is held */
void ngx_http_llm_redis_hold(ngx_http_llm_redis_lease_t *lease);
void ngx_http_llm_redis_drop(ngx_http_llm_redis_lease_t *lease);


/* _redis_letter.c */

extern ngx_llm_redis_script_t  ngx_http_llm_redis_settlement;

typedef struct ngx_http_llm_redis_letter_s  ngx_http_llm_redis_letter_t;


/* settlements that belong to one change of the zone; zeroed at first */

struct ngx_http_llm_redis_mail_s {
    ngx_http_llm_redis_letter_t  *letters[NGX_HTTP_LLM_REDIS_MAIL];
    ngx_uint_t                    n;
    ngx_llm_tally_letter_t      **drafts;     /* to be replaced by those that
                                                 were written, or by none */
    ngx_uint_t                    ndrafts;
    ngx_llm_tally_letter_t       *old[NGX_LLM_QUOTA_SUBJECTS];
    ngx_str_t                    *full;       /* a subject that there was no
                                                 room for */
    unsigned                      unsafe:1;   /* they do not outlive us */
};


void ngx_http_llm_redis_letters_init(ngx_cycle_t *cycle);
/* what is not confirmed is left */
void ngx_http_llm_redis_letters_stop(void);

/*
 * Writes what a claim has come to.  FIRST and AGAIN are for what was reserved
 * in Redis, LATER for what was not.  A draft is what it has come to so far, in
 * case that its worker dies.
 */
void ngx_http_llm_redis_write(ngx_http_llm_redis_mail_t *mail,
    const llm_script_claim_t *claim, llm_script_mode_e mode,
    ngx_uint_t draft);

/*
 * Under the zone's lock, if there is a zone, before ngx_llm_zone_done(); under
 * the lock behind it; and without the lock: sends them, now or when Redis is
 * back.
 */
void ngx_http_llm_redis_keep(ngx_http_llm_redis_mail_t *mail);
void ngx_http_llm_redis_kept(ngx_http_llm_redis_mail_t *mail);
void ngx_http_llm_redis_send(ngx_http_llm_redis_mail_t *mail);

/* nothing was used; should this worker die it ends with its lease */
void ngx_http_llm_redis_give_back(llm_script_claim_t *claim,
    llm_script_mode_e mode);

/* the mode's word in those of a settlement */
ngx_str_t *ngx_http_llm_redis_mode(ngx_str_t *argv);

/* as ngx_llm_redis_ready_pt */
void ngx_http_llm_redis_ready(void *data);


/* _redis_keys.c: keys made at run time are those of all hosts */

/* init_process; exit_process */
ngx_int_t ngx_http_llm_redis_keys_init(ngx_cycle_t *cycle,
    ngx_http_llm_main_conf_t *lmcf);
void ngx_http_llm_redis_keys_stop(void);
/* one was changed here: other hosts are told at once, if Redis takes it */
void ngx_http_llm_redis_keys_tell(void);


/* _redis_owed.c */

/*
 * Under the zone's lock, before ngx_llm_zone_done(): adds a settlement's words
 * to what Redis is owed.  Returns the last subject that there was no room for.
 */
ngx_str_t *ngx_http_llm_redis_owe(ngx_str_t *argv);

/* sends what is owed; 1: there may be more, and Redis takes it */
ngx_uint_t ngx_http_llm_redis_pay(void);

/*
 * A request that died with its worker before it was settled: what it held in
 * Redis is given back.  Where its attempts are known to have used something
 * there are drafts that tell of it.
 */
void ngx_http_llm_redis_lost(ngx_http_llm_main_conf_t *lmcf,
    ngx_llm_quota_lost_t *lost);


#endif /* _NGX_HTTP_LLM_REDIS_H_INCLUDED_ */
