
/*
 * One question over HTTP to a server that the gateway itself has something to
 * ask, over a connection of its own, in nginx's event loop.
 */


#ifndef _NGX_LLM_FETCH_H_INCLUDED_
#define _NGX_LLM_FETCH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


/* the longest answer that is gathered, head and body, bytes */
#define NGX_LLM_FETCH_MAX  65536


typedef struct ngx_llm_fetch_s  ngx_llm_fetch_t;


/*
 * Called once for each question that came to an end: status and body of the
 * answer (the body lives until this returns), or 0 and the reason why there
 * is none.
 */
typedef void (*ngx_llm_fetch_handler_pt)(void *data, ngx_uint_t status,
    ngx_str_t *body, const char *reason);


/* where it goes; lives as long as the question */

typedef struct {
    struct sockaddr           *sockaddr;
    socklen_t                  socklen;
    ngx_str_t                 *peer;          /* in text */

    ngx_ssl_t                 *ssl;           /* NULL: plain */
    ngx_str_t                  server_name;   /* SNI, and what is verified */
    ngx_flag_t                 verify;

    ngx_str_t                  request;       /* as it is sent */
    ngx_msec_t                 connect_timeout;
    ngx_msec_t                 timeout;       /* until the answer is whole */

    unsigned                   gather:1;      /* 0: the status alone counts;
                                                 1: the body too, of a server
                                                 that closes behind it */
} ngx_llm_fetch_conf_t;


/*
 * Prepares questions, one at a time; NULL: no memory.  Lives as long as the
 * pool; log is copied, and its handler used for what is logged.
 */
ngx_llm_fetch_t *ngx_llm_fetch_create(ngx_pool_t *pool, ngx_log_t *log,
    ngx_llm_fetch_handler_pt handler, void *data);

/*
 * Starts one; the handler may be called before this returns.  NGX_ERROR: it
 * failed for want of our own connections or memory, the handler is not
 * called.
 */
ngx_int_t ngx_llm_fetch_start(ngx_llm_fetch_t *fetch,
    ngx_llm_fetch_conf_t *conf);

/* whether one is without an answer yet */
ngx_uint_t ngx_llm_fetch_busy(ngx_llm_fetch_t *fetch);

/* breaks off what is under way; the handler is not called */
void ngx_llm_fetch_stop(ngx_llm_fetch_t *fetch);


#endif /* _NGX_LLM_FETCH_H_INCLUDED_ */
