
/*
 * Requests that died with their worker: their records, and what they were
 * counted for.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_books.h"
#include "ngx_http_llm_quota.h"
#include "ngx_http_llm_redis.h"

#include "llm_price.h"


#define NGX_HTTP_LLM_LOST_SIZE  4096


static void ngx_http_llm_lost_print(ngx_llm_quota_lost_t *lost, llm_buf_t *b);
static void ngx_http_llm_lost_parts(ngx_llm_quota_lost_t *lost, llm_buf_t *b);
static void ngx_http_llm_lost_names(ngx_str_t *note, ngx_str_t *names);


/*
 * One that was settled lacks nothing but its record.  Of one that was not, all
 * is given back but the attempts that are known: its record has their cost.
 */

void
ngx_http_llm_lost(void *data, ngx_llm_quota_t *q, ngx_llm_quota_lost_t *lost)
{
    ngx_http_llm_main_conf_t *lmcf = data;

    u_char                line[NGX_HTTP_LLM_LOST_SIZE];
    u_char                text[NGX_LLM_TOTALS_ID_MAX];
    llm_buf_t             b;
    ngx_str_t             names[NGX_HTTP_LLM_BOOKS_NAMES];
    llm_arena_t           arena;
    ngx_http_llm_books_t  books;

    ngx_memzero(&books, sizeof(ngx_http_llm_books_t));

    books.quota = q;
    books.leases[0] = lost->lease;
    books.nleases = 1;

    ngx_memzero(&arena, sizeof(llm_arena_t));

    llm_buf_init(&b, &arena);
    b.data = line;
    b.size = NGX_HTTP_LLM_LOST_SIZE;

    if (lost->sent && lost->note.len && lmcf->usage_log) {

        ngx_http_llm_lost_print(lost, &b);

        if (!b.failed) {
            books.line.data = b.data;
            books.line.len = b.len;
        }

        ngx_http_llm_lost_names(&lost->note, names);
        ngx_http_llm_totals_name(&books, names, text);
        ngx_http_llm_totals_cost(&books, lost->used.money);
    }

    if (lmcf->redis && !lost->settled) {
        ngx_http_llm_redis_lost(lmcf, lost);
    }

    ngx_http_llm_account_enter(lmcf, &books);
}


static void
ngx_http_llm_lost_print(ngx_llm_quota_lost_t *lost, llm_buf_t *b)
{
    ngx_http_llm_record_time(b);
    llm_buf_add(b, lost->note.data, lost->note.len);
    llm_buf_puts(b, ",\"outcome\":\"truncated\",\"code\":\"internal_error\","
                    "\"attempts\":[");
    ngx_http_llm_lost_parts(lost, b);
    llm_buf_puts(b, "]");

    if (lost->used.money) {
        llm_buf_puts(b, ",\"cost\":\"");
        llm_price_print(lost->used.money, b);
        llm_buf_puts(b, "\"");
    }

    llm_buf_puts(b, ",\"reserved\":\"");
    llm_price_print(lost->held.money, b);
    llm_buf_puts(b, "\"}\n");
}


/* attempts at providers that have limits; of others nothing is kept */

static void
ngx_http_llm_lost_parts(ngx_llm_quota_lost_t *lost, llm_buf_t *b)
{
    ngx_str_t   id;
    ngx_uint_t  i, n;

    static ngx_str_t  kind = ngx_string("provider=");

    for (i = 0, n = 0; i < lost->nparts; i++) {
        id = lost->parts[i].id;

        if (id.len < kind.len
            || ngx_strncmp(id.data, kind.data, kind.len) != 0)
        {
            continue;
        }

        llm_buf_puts(b, n++ ? ",{\"provider\":" : "{\"provider\":");
        llm_buf_json(b, id.data + kind.len, id.len - kind.len);
        llm_buf_puts(b, ",\"cost\":\"");
        llm_price_print(lost->parts[i].used.money, b);
        llm_buf_puts(b, "\"}");
    }
}


/*
 * Names of the note, which is as the usage record: where they have no escapes,
 * as names of the configuration have none.
 */

static void
ngx_http_llm_lost_names(ngx_str_t *note, ngx_str_t *names)
{
    ngx_uint_t  i;

    static const char  *members[NGX_HTTP_LLM_BOOKS_NAMES] = {
        "\"key\":\"", "\"owner\":\"", "\"team\":\"", "\"model\":\""
    };

    for (i = 0; i < NGX_HTTP_LLM_BOOKS_NAMES; i++) {
        if (ngx_http_llm_lost_member(note, members[i], &names[i]) != NGX_OK) {
            ngx_str_null(&names[i]);
        }
    }
}


ngx_int_t
ngx_http_llm_lost_member(ngx_str_t *note, const char *name, ngx_str_t *value)
{
    u_char  *p, *last;

    p = ngx_strnstr(note->data, (char *) name, note->len);
    if (p == NULL) {
        return NGX_DECLINED;
    }

    p += ngx_strlen(name);
    last = ngx_strlchr(p, note->data + note->len, '"');

    if (last == NULL) {
        return NGX_DECLINED;
    }

    value->data = p;
    value->len = last - p;

    return NGX_OK;
}
