
/*
 * Headers: a list of them, one after the other, and lists of names by which
 * they stay behind on their way to a provider or back.
 */


#ifndef _NGX_HTTP_LLM_HEADER_H_INCLUDED_
#define _NGX_HTTP_LLM_HEADER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


typedef struct {
    size_t                            len;
    const char                       *name;       /* in lower case */
    unsigned                          prefix:1;   /* all that begin so */
} ngx_http_llm_header_name_t;


#define NGX_HTTP_LLM_HEADER_SLOTS      64

/*
 * The list ends with a NULL name and has fewer than 64; chains, of indices
 * from 1 on, are made at the first look.
 */

typedef struct {
    const ngx_http_llm_header_name_t  *list;
    ngx_uint_t                         ready;
    u_char                             first[NGX_HTTP_LLM_HEADER_SLOTS];
    u_char                             next[NGX_HTTP_LLM_HEADER_SLOTS];
} ngx_http_llm_header_names_t;


#define ngx_http_llm_header_name(s)    { sizeof(s) - 1, s, 0 }
#define ngx_http_llm_header_prefix(s)  { sizeof(s) - 1, s, 1 }
#define ngx_http_llm_header_end        { 0, NULL, 0 }

#define ngx_http_llm_header_names(list)  { list, 0, { 0 }, { 0 } }


/* where a walk over a list of headers stands */

typedef struct {
    ngx_list_part_t                   *part;
    ngx_uint_t                         i;
} ngx_http_llm_header_walk_t;


/* NULL: that was the last one */

static ngx_inline ngx_table_elt_t *
ngx_http_llm_header_next(ngx_http_llm_header_walk_t *walk)
{
    ngx_table_elt_t  *h;

    while (walk->i >= walk->part->nelts) {

        if (walk->part->next == NULL) {
            return NULL;
        }

        walk->part = walk->part->next;
        walk->i = 0;
    }

    h = walk->part->elts;

    return &h[walk->i++];
}


static ngx_inline ngx_table_elt_t *
ngx_http_llm_header_first(ngx_http_llm_header_walk_t *walk, ngx_list_t *list)
{
    walk->part = &list->part;
    walk->i = 0;

    return ngx_http_llm_header_next(walk);
}


/* whether the list has this name, which is in lower case */
ngx_uint_t ngx_http_llm_header_listed(ngx_http_llm_header_names_t *names,
    u_char *name, size_t len);

/*
 * Adds a header to those of an upstream's answer, as if it had come with it;
 * names are not copied.  NULL: no memory.
 */
ngx_table_elt_t *ngx_http_llm_header_add(ngx_http_upstream_t *u,
    const char *name, const char *lowcase, ngx_str_t *value);

/* the value of a request header by its name in lower case, or NULL */
ngx_str_t *ngx_http_llm_header_in(ngx_http_request_t *r, const char *name,
    size_t len);

/* whether the value has bytes that would end it, or start another header */
ngx_uint_t ngx_http_llm_header_unsafe(ngx_str_t *value);


#endif /* _NGX_HTTP_LLM_HEADER_H_INCLUDED_ */
