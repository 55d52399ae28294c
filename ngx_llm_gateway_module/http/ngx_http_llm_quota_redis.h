
/*
 * A request that is limited in Redis: shared by _quota_redis.c,
 * _quota_redis_more.c and _quota_redis_top.c alone.
 */


#ifndef _NGX_HTTP_LLM_QUOTA_REDIS_H_INCLUDED_
#define _NGX_HTTP_LLM_QUOTA_REDIS_H_INCLUDED_


#include "ngx_http_llm_quota.h"
#include "ngx_http_llm_redis.h"


/* moves of one request that take more */
#define NGX_HTTP_LLM_QUOTA_EXTRAS  16

/* and what its answer was topped up by */
#define NGX_HTTP_LLM_QUOTA_TOPS    64


/*
 *   ASKING -> REDIS      all claims are reserved there
 *   ASKING -> REFUSED    one was not; the others were given back
 *   ASKING -> LOCAL      Redis is unavailable: on_error
 *   ASKING -> OPEN
 *   ASKING -> CLOSED
 *
 * REFUSED, and what was given back, -> ASKING: an attempt that waits in the
 * queue asks again, under another id
 */

typedef enum {
    NGX_HTTP_LLM_QUOTA_ASKING = 0,
    NGX_HTTP_LLM_QUOTA_REDIS,
    NGX_HTTP_LLM_QUOTA_REFUSED,
    NGX_HTTP_LLM_QUOTA_LOCAL,
    NGX_HTTP_LLM_QUOTA_OPEN,
    NGX_HTTP_LLM_QUOTA_CLOSED
} ngx_http_llm_quota_where_e;


typedef struct ngx_http_llm_quota_redis_s  ngx_http_llm_quota_redis_t;

struct ngx_http_llm_quota_redis_s {
    ngx_http_llm_quota_where_e   where;
    ngx_http_llm_redis_lease_t   lease;      /* the claims, by hash tag */
    ngx_http_llm_quota_redis_t  *tops;       /* reservations for more of the
                                                answer, the last one first */
    ngx_http_llm_quota_redis_t  *next;       /* this one is such */
    ngx_uint_t                   ntops;
    ngx_http_llm_ctx_t          *ctx;
    ngx_http_llm_quota_t        *q;
    ngx_llm_redis_command_t     *command;    /* under way */
    ngx_uint_t                   current;    /* claim that is asked for */
    ngx_uint_t                   tries;
    ngx_int_t                    rc;         /* reserve()'s answer */
    u_char                      *name;       /* room for an attempt's id */
    llm_script_claim_t          *extras[NGX_HTTP_LLM_QUOTA_EXTRAS];
    ngx_uint_t                   nextras;
    llm_verdict_t                verdict;    /* of all claims so far */
    unsigned                     top:1;
    unsigned                     open:1;     /* asked, and not told of yet */
};


/* _quota_redis.c */

/* a reservation of its own, with its cleanup; NULL without memory */
ngx_http_llm_quota_redis_t *ngx_http_llm_quota_redis_create(
    ngx_http_llm_ctx_t *ctx, ngx_http_llm_quota_t *q);
/* of so much, under this id, which outlives it */
void ngx_http_llm_quota_redis_begin(ngx_http_llm_quota_redis_t *st,
    llm_str_t *id, llm_amount_t *asked);
/* ends a question that is under way: what it reserves is given back */
void ngx_http_llm_quota_redis_cleanup(void *data);
/* asks for the claim that is next; NGX_OK, or NGX_ERROR: Redis is away */
ngx_int_t ngx_http_llm_quota_redis_ask(ngx_http_llm_quota_redis_t *st);


/* _quota_redis_top.c */

/* the backend's top_up() */
ngx_int_t ngx_http_llm_quota_redis_top_up(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *more);
/* its question was answered: st->where tells how */
void ngx_http_llm_quota_redis_topped(ngx_http_llm_quota_redis_t *st);
/* the request ends: all of its tops with it */
void ngx_http_llm_quota_redis_tops_end(ngx_http_llm_quota_redis_t *st);


/* _quota_redis_more.c */


/* the backend's extend() */
ngx_int_t ngx_http_llm_quota_redis_extend(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *more);


#endif /* _NGX_HTTP_LLM_QUOTA_REDIS_H_INCLUDED_ */
