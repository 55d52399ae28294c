
#ifndef _NGX_HTTP_LLM_LABEL_H_INCLUDED_
#define _NGX_HTTP_LLM_LABEL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "llm_base.h"
#include "ngx_http_llm_conf.h"


#define ngx_http_llm_label_text(b, s)  llm_buf_add(b, s, sizeof(s) - 1)

/* a member whose string is left out where it is empty */

#define ngx_http_llm_label_str(b, name, s)                                    \
    do {                                                                      \
        if ((s)->len) {                                                       \
            ngx_http_llm_label_text(b, ",\"" name "\":");                     \
            llm_buf_json(b, (s)->data, (s)->len);                             \
        }                                                                     \
    } while (0)


/* init_main_conf, the last step: renders the labels of keys and routes */
char *ngx_http_llm_label_init(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf);

/* append the members that tell of a key; of a route, without its upstream
   model */
void ngx_http_llm_label_key(ngx_http_llm_key_t *key, llm_buf_t *b);
void ngx_http_llm_label_route(ngx_http_llm_route_t *route, llm_buf_t *b);


#endif /* _NGX_HTTP_LLM_LABEL_H_INCLUDED_ */
