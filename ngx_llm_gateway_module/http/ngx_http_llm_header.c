
/*
 * Most headers are in no list: chains of names with the same first byte and
 * length, and of prefixes with the same first byte, tell that without a look
 * at the names.
 */


#include "ngx_http_llm_header.h"
#include "ngx_llm_compat.h"


#define ngx_http_llm_header_slot(c, len)                                      \
    (((u_char) (c) + (len) * 7) & (NGX_HTTP_LLM_HEADER_SLOTS - 1))


static void ngx_http_llm_header_prepare(ngx_http_llm_header_names_t *names);
static ngx_uint_t ngx_http_llm_header_chained(
    ngx_http_llm_header_names_t *names, ngx_uint_t i, u_char *name,
    size_t len);


ngx_uint_t
ngx_http_llm_header_listed(ngx_http_llm_header_names_t *names, u_char *name,
    size_t len)
{
    ngx_uint_t  same, begins;

    if (!names->ready) {
        ngx_http_llm_header_prepare(names);
    }

    if (len == 0) {
        return 0;
    }

    same = names->first[ngx_http_llm_header_slot(*name, len)];
    begins = names->first[ngx_http_llm_header_slot(*name, 0)];

    return (same && ngx_http_llm_header_chained(names, same, name, len))
           || (begins && ngx_http_llm_header_chained(names, begins, name, len));
}


static ngx_uint_t
ngx_http_llm_header_chained(ngx_http_llm_header_names_t *names, ngx_uint_t i,
    u_char *name, size_t len)
{
    const ngx_http_llm_header_name_t  *n;

    for ( /* void */ ; i; i = names->next[i]) {
        n = &names->list[i - 1];

        if ((n->len == len || (n->prefix && n->len < len))
            && ngx_memcmp(name, n->name, n->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_llm_header_prepare(ngx_http_llm_header_names_t *names)
{
    u_char                            *first;
    ngx_uint_t                         i;
    const ngx_http_llm_header_name_t  *n;

    for (i = 1; i < NGX_HTTP_LLM_HEADER_SLOTS; i++) {
        n = &names->list[i - 1];

        if (n->name == NULL) {
            break;
        }

        first = &names->first[ngx_http_llm_header_slot(*n->name,
                                                  n->prefix ? 0 : n->len)];
        names->next[i] = *first;
        *first = (u_char) i;
    }

    names->ready = 1;
}


ngx_uint_t
ngx_http_llm_header_unsafe(ngx_str_t *value)
{
    size_t  i;

    for (i = 0; i < value->len; i++) {
        if ((value->data[i] < 0x20 && value->data[i] != '\t')
            || value->data[i] == 0x7f)
        {
            return 1;
        }
    }

    return 0;
}


ngx_table_elt_t *
ngx_http_llm_header_add(ngx_http_upstream_t *u, const char *name,
    const char *lowcase, ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&u->headers_in.headers);
    if (h == NULL) {
        return NULL;
    }

    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->lowcase_key = (u_char *) lowcase;
    h->hash = ngx_hash_key(h->lowcase_key, h->key.len);
    h->value = *value;
    ngx_llm_header_single(h);

    return h;
}


ngx_str_t *
ngx_http_llm_header_in(ngx_http_request_t *r, const char *name, size_t len)
{
    ngx_table_elt_t            *h;
    ngx_http_llm_header_walk_t  walk;

    for (h = ngx_http_llm_header_first(&walk, &r->headers_in.headers);
         h;
         h = ngx_http_llm_header_next(&walk))
    {
        if (h->key.len == len
            && ngx_memcmp(h->lowcase_key, name, len) == 0)
        {
            return &h->value;
        }
    }

    return NULL;
}
