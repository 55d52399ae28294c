
/*
 * Most headers are in no list: a sieve of first byte and length tells that
 * without a look at the names.
 */


#include "ngx_http_llm_header.h"


#define ngx_http_llm_header_sieve(c, len)                                     \
    ((uint64_t) 1 << (((u_char) (c) + (len) * 7) & 63))


static void ngx_http_llm_header_prepare(ngx_http_llm_header_names_t *names);


ngx_uint_t
ngx_http_llm_header_listed(ngx_http_llm_header_names_t *names, u_char *name,
    size_t len)
{
    const ngx_http_llm_header_name_t  *n;

    if (names->names == 0) {
        ngx_http_llm_header_prepare(names);
    }

    if (len == 0
        || (!(names->names & ngx_http_llm_header_sieve(*name, len))
            && !(names->prefixes & ngx_http_llm_header_sieve(*name, 0))))
    {
        return 0;
    }

    for (n = names->list; n->name; n++) {

        if ((n->len == len || (n->prefix && n->len < len))
            && *name == (u_char) *n->name
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
    const ngx_http_llm_header_name_t  *n;

    for (n = names->list; n->name; n++) {

        /* a prefix alone is a name, too */

        names->names |= ngx_http_llm_header_sieve(*n->name, n->len);

        if (n->prefix) {
            names->prefixes |= ngx_http_llm_header_sieve(*n->name, 0);
        }
    }
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
