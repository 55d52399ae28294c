
/*
 * Keys as JSON: what the admin API takes and gives, and what the zone keeps of
 * a key that was made at run time.  Members are named as the directives of
 * llm_key and follow their rules.
 */


#ifndef _NGX_HTTP_LLM_KEY_JSON_H_INCLUDED_
#define _NGX_HTTP_LLM_KEY_JSON_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_conf.h"


typedef struct {
    llm_arena_t               *arena;         /* for what is decoded */
    ngx_pool_t                *pool;          /* for what the key holds */
    ngx_http_llm_main_conf_t  *lmcf;

    ngx_array_t                limits;        /* ngx_str_t: words of "limit" as
                                                 they were given */

    /* what is wrong, where something is */
    const char                *param;         /* NULL: not a member */
    ngx_str_t                  error;
} ngx_http_llm_key_json_t;


/* what a key is that nothing was said of; name is not copied */
ngx_int_t ngx_http_llm_key_json_init(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_str_t *name);

/*
 * Sets the key's members from an object that the scanner has passed; each that
 * it names replaces what was there, null is what is so without it.  What is
 * told but cannot be set ("name", "secrets" ...) is passed over.  NGX_OK;
 * NGX_DECLINED: see kj->error; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_llm_key_json_read(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_str_t *object);

/*
 * Appends its members, each with a comma before it, all but name and secrets;
 * words are those of "limit", NULL for a key of the configuration.
 */
void ngx_http_llm_key_json_print(ngx_http_llm_key_t *key, ngx_array_t *words,
    llm_buf_t *b);

/* appends "2027-01-01T00:00:00Z" with its quotes, or null for 0 */
void ngx_http_llm_key_json_time(time_t t, llm_buf_t *b);


#endif /* _NGX_HTTP_LLM_KEY_JSON_H_INCLUDED_ */
