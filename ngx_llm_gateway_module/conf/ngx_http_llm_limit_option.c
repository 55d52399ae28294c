
/* options of limits: time zones, shadow */


#include "ngx_http_llm_limit.h"


/* of one process; an operator may name as many */
#define NGX_HTTP_LLM_ZONES      64

/* bytes of all of them */
#define NGX_HTTP_LLM_ZONE_DATA  (4 * 1024 * 1024)


typedef struct {
    llm_str_t        name;
    const llm_tz_t  *tz;
} ngx_http_llm_limit_zone_t;


static ngx_http_llm_limit_zone_t  ngx_http_llm_limit_zones[NGX_HTTP_LLM_ZONES];
static ngx_uint_t                 ngx_http_llm_limit_nzones;
static llm_arena_t               *ngx_http_llm_limit_arena;


int
ngx_http_llm_limit_zone(ngx_str_t *name, const llm_tz_t **tz)
{
    int                         rc;
    llm_str_t                   text;
    ngx_uint_t                  i;
    ngx_http_llm_limit_zone_t  *zone;

    for (i = 0; i < ngx_http_llm_limit_nzones; i++) {

        zone = &ngx_http_llm_limit_zones[i];

        if (zone->name.len == name->len
            && ngx_memcmp(zone->name.data, name->data, name->len) == 0)
        {
            *tz = zone->tz;
            return LLM_OK;
        }
    }

    if (i == NGX_HTTP_LLM_ZONES) {
        return LLM_LIMIT;
    }

    if (ngx_http_llm_limit_arena == NULL) {

        ngx_http_llm_limit_arena = llm_arena_create(NGX_HTTP_LLM_ZONE_DATA);

        if (ngx_http_llm_limit_arena == NULL) {
            return LLM_NOMEM;
        }
    }

    zone = &ngx_http_llm_limit_zones[i];

    text.data = name->data;
    text.len = name->len;

    rc = llm_tz_load(ngx_http_llm_limit_arena, &text, &zone->tz);

    if (rc == LLM_OK) {
        rc = llm_str_dup(ngx_http_llm_limit_arena, &zone->name, name->data,
                         name->len);
    }

    if (rc != LLM_OK) {
        return rc;
    }

    *tz = zone->tz;
    ngx_http_llm_limit_nzones++;

    return LLM_OK;
}


int
ngx_http_llm_limit_options(llm_str_t *text, ngx_uint_t *shadow,
    const llm_tz_t **tz)
{
    int         rc;
    u_char     *p, *last, *space;
    ngx_str_t   word;

    *shadow = 0;
    *tz = NULL;

    last = text->data + text->len;
    space = ngx_strlchr(text->data, last, ' ');

    if (space) {
        text->len = space - text->data;
    }

    while (space) {

        p = space + 1;
        space = ngx_strlchr(p, last, ' ');

        word.data = p;
        word.len = (space ? space : last) - p;

        if (word.len == sizeof("shadow") - 1
            && ngx_memcmp(p, "shadow", word.len) == 0)
        {
            *shadow = 1;
            continue;
        }

        if (word.len <= sizeof("tz=") - 1 || ngx_memcmp(p, "tz=", 3) != 0
            || *tz)
        {
            return LLM_INVALID;
        }

        word.data += sizeof("tz=") - 1;
        word.len -= sizeof("tz=") - 1;

        rc = ngx_http_llm_limit_zone(&word, tz);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    return LLM_OK;
}
