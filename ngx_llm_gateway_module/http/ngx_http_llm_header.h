
/*
 * Lists of header names, by which headers stay behind on their way to a
 * provider or back.
 */


#ifndef _NGX_HTTP_LLM_HEADER_H_INCLUDED_
#define _NGX_HTTP_LLM_HEADER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    size_t                            len;
    const char                       *name;       /* in lower case */
    unsigned                          prefix:1;   /* all that begin so */
} ngx_http_llm_header_name_t;


/* the list ends with a NULL name; sieves are made at the first look */

typedef struct {
    const ngx_http_llm_header_name_t  *list;
    uint64_t                           names;
    uint64_t                           prefixes;
} ngx_http_llm_header_names_t;


#define ngx_http_llm_header_name(s)    { sizeof(s) - 1, s, 0 }
#define ngx_http_llm_header_prefix(s)  { sizeof(s) - 1, s, 1 }
#define ngx_http_llm_header_end        { 0, NULL, 0 }

#define ngx_http_llm_header_names(list)  { list, 0, 0 }


/* whether the list has this name, which is in lower case */
ngx_uint_t ngx_http_llm_header_listed(ngx_http_llm_header_names_t *names,
    u_char *name, size_t len);

/* whether the value has bytes that would end it, or start another header */
ngx_uint_t ngx_http_llm_header_unsafe(ngx_str_t *value);


#endif /* _NGX_HTTP_LLM_HEADER_H_INCLUDED_ */
