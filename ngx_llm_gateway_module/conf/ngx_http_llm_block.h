
/*
 * Parsing of the llm_* blocks: each block has a table of the directives that
 * may stand in it.
 */


#ifndef _NGX_HTTP_LLM_BLOCK_H_INCLUDED_
#define _NGX_HTTP_LLM_BLOCK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_conf.h"


#define NGX_HTTP_LLM_ARGS_ANY    ((ngx_uint_t) -1)

#define NGX_HTTP_LLM_NAME_MAX    128    /* bytes of a name in the language */
#define NGX_HTTP_LLM_MODEL_MAX   256    /* of an upstream model, of a name
                                           that is asked for */


/*
 * One row.  min and max count the words behind the directive's name.  The
 * setter gets the block's object; it returns NGX_CONF_OK, NGX_CONF_ERROR
 * after it logged, or a text that completes "\"NAME\" directive ...".
 */

typedef struct ngx_http_llm_directive_s  ngx_http_llm_directive_t;

struct ngx_http_llm_directive_s {
    ngx_str_t                  name;
    ngx_uint_t                 min;
    ngx_uint_t                 max;
    char                    *(*set)(ngx_conf_t *cf,
                                   ngx_http_llm_directive_t *d, void *object);
    size_t                     offset;
};

#define ngx_http_llm_directive_null  { ngx_null_string, 0, 0, NULL, 0 }


/* reads the block that was just opened; "include" works in it */
char *ngx_http_llm_block_parse(ngx_conf_t *cf, ngx_http_llm_directive_t *table,
    void *object);

/* where the parser stands */
void ngx_http_llm_block_place(ngx_conf_t *cf, ngx_http_llm_place_t *place);

/* logs at emerg, and names the place; returns NGX_CONF_ERROR */
char *ngx_http_llm_block_error(ngx_conf_t *cf, ngx_http_llm_place_t *place,
    const char *fmt, ...);

/*
 * Logs that word is no value for the directive being read, and what would be
 * one, in words; returns NGX_CONF_ERROR.
 */
char *ngx_http_llm_block_invalid(ngx_conf_t *cf, ngx_str_t *word,
    const char *right);

/*
 * Whether these bytes may be a name: printable ASCII but quotes, spaces and
 * backslashes, so that it needs no escaping in JSON, headers and logs.
 */
ngx_uint_t ngx_http_llm_block_is_name(u_char *data, size_t len, size_t max);

/* the same, logged for the directive being read */
ngx_int_t ngx_http_llm_block_check_name(ngx_conf_t *cf, ngx_str_t *word,
    size_t max);

/* cuts "name=value"; NGX_DECLINED: no '=' or no name */
ngx_int_t ngx_http_llm_block_pair(ngx_str_t *word, ngx_str_t *name,
    ngx_str_t *value);

/* cuts the next item, empty or not, off a list "a,b"; NGX_DONE: none left */
ngx_int_t ngx_http_llm_block_item(ngx_str_t *list, ngx_str_t *item);

/* a count with an optional suffix k (1000) or m (1000000), or NGX_ERROR */
ngx_int_t ngx_http_llm_block_count(ngx_str_t *word);

/* "on" or "off" into *flag, else logs and returns NGX_ERROR */
ngx_int_t ngx_http_llm_block_flag(ngx_conf_t *cf, ngx_str_t *word,
    ngx_str_t *value, ngx_flag_t *flag);


/* setters for common types, at d->offset of the object */

/* ngx_str_t, a name; once */
char *ngx_http_llm_block_set_name(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object);
/* ngx_flag_t, NGX_CONF_UNSET before; once */
char *ngx_http_llm_block_set_flag(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object);
/* uint32_t, bits of llm_endpoint_e; repeatable */
char *ngx_http_llm_block_set_endpoints(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);

/* adds "NAME=VALUE ..." of the directive being read to tags, an array of
   ngx_keyval_t; each name once */
char *ngx_http_llm_block_tags(ngx_conf_t *cf, ngx_array_t *tags);


#endif /* _NGX_HTTP_LLM_BLOCK_H_INCLUDED_ */
