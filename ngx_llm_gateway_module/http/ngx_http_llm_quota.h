
/*
 * Limits of a request.  _quota.c reserves and settles, _quota_ask.c says how
 * much, _quota_stream.c has answers that outrun it, _quota_tell.c says so to
 * people, _quota_look.c tells what would be said, _quota_zone.c counts in this
 * host's zone.
 */


#ifndef _NGX_HTTP_LLM_QUOTA_H_INCLUDED_
#define _NGX_HTTP_LLM_QUOTA_H_INCLUDED_


#include "ngx_http_llm_usage.h"
#include "ngx_llm_quota.h"


/*
 * Where limits are counted.  Functions answer as those of ngx_llm_quota.h do:
 * NGX_OK; NGX_BUSY with the limit that refuses; NGX_ERROR: cannot tell, the
 * request is refused, or the route left out.  reserve() and extend() may answer
 * NGX_AGAIN: when it is known, ngx_http_llm_quota_told() is called, and they
 * are called once more for their answer.
 */

typedef struct {
    /* q->asked; q->verdict tells how limits stand */
    ngx_int_t           (*reserve)(ngx_http_llm_ctx_t *ctx,
                                   ngx_http_llm_quota_t *q);
    /* nobody waits for an answer any more: nothing is to be held of what was
       asked for.  NULL where it is never NGX_AGAIN */
    void                (*forget)(ngx_http_llm_quota_t *q);
    /* more than q->asked, which the caller adds it to after NGX_OK; q->stop is
       the limit that refuses, q->verdict stays as it is */
    ngx_int_t           (*extend)(ngx_http_llm_ctx_t *ctx,
                                  ngx_http_llm_quota_t *q,
                                  llm_amount_t *more);
    /* something may be spent from now on */
    void                (*sent)(ngx_http_llm_quota_t *q);
    /* called once for each that reserve() said NGX_OK to */
    void                (*settle)(ngx_http_llm_ctx_t *ctx,
                                  ngx_http_llm_quota_t *q,
                                  llm_amount_t *used);
    /* extend() takes its time: to be asked before all is used up */
    ngx_uint_t            ahead;
} ngx_http_llm_quota_backend_t;


/* settlements that Redis is to be told of: ngx_http_llm_redis.h */

typedef struct ngx_http_llm_redis_mail_s  ngx_http_llm_redis_mail_t;


/* what a request, or an attempt of it, holds */

struct ngx_http_llm_quota_s {
    const ngx_http_llm_quota_backend_t  *backend;
    ngx_http_llm_attempt_t    *attempt;       /* whose it is; NULL: the
                                                 request's */
    llm_subject_t             *subjects[NGX_LLM_QUOTA_SUBJECTS];
    ngx_uint_t                 n;
    llm_amount_t               asked;         /* reserved */
    llm_verdict_t              verdict;
    llm_standing_t             stop;          /* the limit that had no more;
                                                 limit NULL: nobody can tell */
    llm_amount_t               wanted;        /* more, asked for last, and */
    llm_amount_t               room;          /* what there was, if scarce */
    ngx_llm_quota_lease_t     *lease;         /* in the zone */
    void                      *data;          /* private to the backend */
    ngx_uint_t                 number;        /* of what an attempt holds in
                                                 Redis; 0: nothing */
    unsigned                   money:1;       /* some budget holds */
    unsigned                   bounded:1;     /* some limit on output or money
                                                 holds */
    unsigned                   priced:1;      /* asked.money is known */
    unsigned                   held:1;        /* reserved, not settled yet */
    unsigned                   growing:1;     /* wanted is asked for, by the
                                                 ladder, */
    unsigned                   topping:1;     /* or by an answer that comes, */
    unsigned                   scarce:1;      /* and was not there last time */
};


/* _quota_zone.c */

/* init_process, exit_process */
ngx_int_t ngx_http_llm_quota_init(ngx_cycle_t *cycle,
    ngx_http_llm_main_conf_t *lmcf);
void ngx_http_llm_quota_stop(void);

extern const ngx_http_llm_quota_backend_t  ngx_http_llm_quota_zone;

/* reserve() of what was decided elsewhere; q->lease NULL: the zone is full */
void ngx_http_llm_quota_zone_hold(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q);
/* the same of extend(), where there is a lease */
void ngx_http_llm_quota_zone_hold_more(ngx_http_llm_quota_t *q,
    llm_amount_t *more);
/* settle(), with what Redis is to be told in the same change of the zone;
   without a lease that alone */
void ngx_http_llm_quota_zone_settle_with(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *used,
    ngx_http_llm_redis_mail_t *mail);

/* _quota_redis.c: counted in Redis, where there is an llm_redis */
extern const ngx_http_llm_quota_backend_t  ngx_http_llm_quota_redis;

/* of this worker; NULL: the zone is full */
ngx_llm_quota_t *ngx_http_llm_quota_shared(void);


/* _quota_ask.c */

/* what the request may take at most on any route of its plan */
void ngx_http_llm_quota_ask(ngx_http_llm_ctx_t *ctx, ngx_http_llm_quota_t *q);
/* what one attempt on this route may take */
void ngx_http_llm_quota_ask_route(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand, llm_amount_t *a, ngx_uint_t *priced);
/* what an attempt, or the attempts so far, came to */
void ngx_http_llm_quota_used(llm_usage_t *usage, int64_t cost,
    llm_amount_t *a);
/* tokens in this much of a model's answer */
int64_t ngx_http_llm_quota_spoken(ngx_http_llm_attempt_t *at, uint64_t bytes);
/* learns a model's bytes per token from what a provider told */
void ngx_http_llm_quota_learn(ngx_http_llm_attempt_t *at);


/* _quota_stream.c */

/*
 * An answer that comes has used so much by now.  NGX_OK: it may go on, and
 * need not be looked at before *slack more tokens have come; NGX_BUSY: what is
 * reserved is used up and no more is to be had, at->stopped tells of what.
 */
ngx_int_t ngx_http_llm_quota_stream(ngx_http_llm_attempt_t *at,
    const llm_usage_t *usage, int64_t cost, int64_t *slack);
/* what the backend's extend() came to */
void ngx_http_llm_quota_topped(ngx_http_llm_quota_t *q, ngx_int_t rc);


/* _ending.c */

/* a limit ended the answer: says so in record and log */
void ngx_http_llm_ending_tell(ngx_http_llm_attempt_t *at);


/* _quota.c */

/*
 * Reserves what the request may take on everybody who has a limit.  NGX_OK;
 * NGX_AGAIN: phases run again when it is known, and this is called again;
 * else the status of a refusal.
 */
ngx_int_t ngx_http_llm_quota_reserve(ngx_http_llm_ctx_t *ctx);
/*
 * An attempt is about to be made: limits of its provider, and what it takes
 * beyond what the request holds.  NGX_OK; NGX_BUSY with a reason; NGX_AGAIN:
 * ngx_http_llm_ladder_told() is called when it is known, and this is called
 * again, unless it is forgotten.
 */
ngx_int_t ngx_http_llm_quota_admit(ngx_http_llm_attempt_t *at,
    const char **reason, ngx_msec_t *wait);
void ngx_http_llm_quota_forget(ngx_http_llm_attempt_t *at);
/* a backend knows its answer; the request may be gone behind this */
void ngx_http_llm_quota_told(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q);
/* from now on the attempt may be billed */
void ngx_http_llm_quota_sent(ngx_http_llm_attempt_t *at);
/* the attempt's end; does nothing the second time */
void ngx_http_llm_quota_release(ngx_http_llm_attempt_t *at);
/* the request's end, as soon as all that it used is known: closes its books.
   Does nothing the second time */
void ngx_http_llm_quota_settle(ngx_http_llm_ctx_t *ctx);

/* leaves a route out because limits said so, rc; *wait in milliseconds tells
   when to ask again */
void ngx_http_llm_quota_skip(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand, ngx_int_t rc, llm_standing_t *refused,
    ngx_msec_t *wait);
/* refuses the request since limits cannot be checked; its status */
ngx_int_t ngx_http_llm_quota_unavailable(ngx_http_llm_ctx_t *ctx);

/* the error that limits left a route out for; NONE: they did not */
llm_error_e ngx_http_llm_quota_reason(ngx_http_llm_candidate_t *cand);

/* the status of a refusal, where limits of providers are all that keeps the
   request from its routes; else NGX_DECLINED */
ngx_int_t ngx_http_llm_quota_refused(ngx_http_llm_ctx_t *ctx);


/* what was reserved, where money is known: what never left took nothing */
#define ngx_http_llm_quota_priced(ctx)                                        \
    ((ctx)->quota && (ctx)->quota->priced && (ctx)->attempts.nelts)

/* _record.c: the time as records have it */
void ngx_http_llm_record_stamp(llm_buf_t *b);


/* _quota_look.c: how limits would stand, where nothing is reserved */

typedef struct {
    ngx_http_llm_ctx_t        *ctx;
    llm_subject_t             *subjects[NGX_LLM_QUOTA_SUBJECTS];
    ngx_uint_t                 n;
    llm_amount_t               asked;
    void                     (*handler)(void *data, ngx_int_t rc);
    void                      *data;

    /* the answer */
    llm_verdict_t              verdict;
    llm_standing_t            *standings;     /* of each limit, in order */
    ngx_uint_t                 nstandings;    /* 0 where nobody tells */
    ngx_uint_t                 away;          /* Redis did not: on_error */

    /* while Redis is asked, of one subject after the other */
    ngx_uint_t                 current;
    ngx_uint_t                 tries;
    void                      *command;
    unsigned                   watched:1;
} ngx_http_llm_quota_look_t;

/*
 * NGX_OK: there is room; NGX_BUSY: look->verdict.refused has none; NGX_ERROR:
 * nobody can tell; NGX_AGAIN: handler is called with one of these, unless the
 * request ends before.  May be called again for another question.
 */
ngx_int_t ngx_http_llm_quota_look(ngx_http_llm_quota_look_t *look);

/* sets who has limits that the request must fit into, and what it may take of
   them; NGX_DECLINED: nobody; NGX_ERROR */
ngx_int_t ngx_http_llm_quota_would(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_look_t *look);


/* _quota_tell.c */

/* the limit that refused the request, or ended its answer: subject and text;
   nothing where none did */
void ngx_http_llm_quota_name(ngx_http_llm_ctx_t *ctx, llm_buf_t *b);
/* X-RateLimit-*, in place of those of a provider */
ngx_int_t ngx_http_llm_quota_headers(ngx_http_llm_ctx_t *ctx);
/* "12s", "6m0s", "1h0m0s", "350ms"; p has room for 32 bytes */
u_char *ngx_http_llm_quota_duration(u_char *p, int64_t ms);

/* refuses the request because of this limit; its status */
ngx_int_t ngx_http_llm_quota_refuse(ngx_http_llm_ctx_t *ctx,
    llm_standing_t *s);
/* a limit in shadow would have refused it */
void ngx_http_llm_quota_shadow(ngx_http_llm_ctx_t *ctx, llm_standing_t *s);
/* a limit's amount: USD of a budget, else a count */
void ngx_http_llm_quota_number(llm_buf_t *b, const llm_limit_t *limit,
    int64_t n);
/* appends {"limit","subject","kept",...}, as "decision" has it */
void ngx_http_llm_quota_print(llm_buf_t *b, llm_standing_t *s,
    ngx_uint_t refused);
/* the error's code, which is also a reason in the decision */
llm_error_e ngx_http_llm_quota_code(const llm_limit_t *limit);


#endif /* _NGX_HTTP_LLM_QUOTA_H_INCLUDED_ */
