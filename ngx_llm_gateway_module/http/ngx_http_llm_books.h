
/*
 * A request's entry into the books: its record, the sums that it adds to, and
 * what it held of limits, all in one change of the zone.
 */


#ifndef _NGX_HTTP_LLM_BOOKS_H_INCLUDED_
#define _NGX_HTTP_LLM_BOOKS_H_INCLUDED_


#include "ngx_http_llm_module.h"
#include "ngx_llm_quota.h"


/* of a request's sums: key, owner, team, model */
#define NGX_HTTP_LLM_BOOKS_NAMES   4

/* leases of a request that has none itself: those of its attempts */
#define NGX_HTTP_LLM_BOOKS_LEASES  32


typedef struct {
    ngx_llm_quota_t         *quota;      /* NULL: there are no leases */
    ngx_llm_quota_lease_t   *leases[NGX_HTTP_LLM_BOOKS_LEASES];
    ngx_uint_t               nleases;
    ngx_str_t                line;       /* empty: no record */
    ngx_str_t                total;      /* identity of the sums; empty: none */
    int64_t                  units[NGX_LLM_TOTALS_UNITS];
} ngx_http_llm_books_t;


/* _account.c: does it */
void ngx_http_llm_account_enter(ngx_http_llm_main_conf_t *lmcf,
    ngx_http_llm_books_t *books);

/*
 * _totals.c: who it is summed up for, the text of which is to hold
 * NGX_LLM_TOTALS_ID_MAX bytes; one request of this cost; and a request that is
 * over, unless it was refused.
 */
void ngx_http_llm_totals_name(ngx_http_llm_books_t *books, ngx_str_t *names,
    u_char *text);
void ngx_http_llm_totals_cost(ngx_http_llm_books_t *books, int64_t cost);
void ngx_http_llm_totals_of(ngx_http_llm_books_t *books,
    ngx_http_llm_ctx_t *ctx);

/* _lost.c */

/* as ngx_llm_quota_lost_pt; data: the main configuration */
void ngx_http_llm_lost(void *data, ngx_llm_quota_t *q,
    ngx_llm_quota_lost_t *lost);
/* a text of a lease's note, which is as a record begins: name as in
   "\"key\":\"" */
ngx_int_t ngx_http_llm_lost_member(ngx_str_t *note, const char *name,
    ngx_str_t *value);

/* _quota.c: takes the leases of a request that is settled */
void ngx_http_llm_quota_leave(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_books_t *books);


#endif /* _NGX_HTTP_LLM_BOOKS_H_INCLUDED_ */
