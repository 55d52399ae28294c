
/*
 * Usage summed up by day, key, owner, team and model: what every request adds,
 * and what llm_admin tells of it.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_admin.h"
#include "ngx_http_llm_block.h"
#include "ngx_http_llm_books.h"
#include "ngx_http_llm_key.h"

#include "llm_price.h"


#define NGX_HTTP_LLM_TOTALS_GROUPS      1000
#define NGX_HTTP_LLM_TOTALS_GROUPS_MAX  10000

/* units of an entry: those of usage, and these behind them */

#define NGX_HTTP_LLM_TOTALS_COUNT  LLM_USAGE_N
#define NGX_HTTP_LLM_TOTALS_COST   (LLM_USAGE_N + 1)

#if (NGX_LLM_TOTALS_UNITS < LLM_USAGE_N + 2)
#error NGX_LLM_TOTALS_UNITS is too small
#endif


/* names of an identity, in this order, each with a byte behind it that no
   name has */

typedef enum {
    NGX_HTTP_LLM_TOTALS_KEY = 0,
    NGX_HTTP_LLM_TOTALS_OWNER,
    NGX_HTTP_LLM_TOTALS_TEAM,
    NGX_HTTP_LLM_TOTALS_MODEL,
    NGX_HTTP_LLM_TOTALS_DAY,             /* none of its names */
    NGX_HTTP_LLM_TOTALS_N
} ngx_http_llm_totals_e;

#define NGX_HTTP_LLM_TOTALS_END  '\n'


typedef struct {
    ngx_str_node_t         node;
    ngx_str_t              names[NGX_HTTP_LLM_TOTALS_N];
    uint32_t               day;
    int64_t                units[NGX_LLM_TOTALS_UNITS];
} ngx_http_llm_totals_group_t;


typedef struct {
    ngx_http_llm_admin_t  *adm;
    ngx_uint_t             by;           /* bits of what is grouped by */
    ngx_str_t              only[NGX_HTTP_LLM_TOTALS_N];
    uint32_t               from;         /* days since the epoch */
    uint32_t               to;
    ngx_uint_t             max;
    ngx_array_t            groups;       /* ngx_http_llm_totals_group_t * */
    ngx_rbtree_t           tree;
    ngx_rbtree_node_t      sentinel;
    ngx_uint_t             truncated;
} ngx_http_llm_totals_query_t;


static ngx_int_t ngx_http_llm_totals_query(ngx_http_llm_totals_query_t *q);
static ngx_int_t ngx_http_llm_totals_by(ngx_http_llm_totals_query_t *q);
static ngx_int_t ngx_http_llm_totals_day(ngx_http_llm_totals_query_t *q,
    const char *name, uint32_t *day);
static ngx_int_t ngx_http_llm_totals_add(ngx_http_llm_totals_query_t *q,
    ngx_llm_totals_entry_t *entry);
static ngx_http_llm_totals_group_t *ngx_http_llm_totals_group(
    ngx_http_llm_totals_query_t *q, ngx_llm_totals_entry_t *entry,
    ngx_str_t *names);
static int ngx_libc_cdecl ngx_http_llm_totals_compare(const void *one,
    const void *two);
static void ngx_http_llm_totals_print(ngx_http_llm_totals_query_t *q,
    llm_buf_t *b);
static void ngx_http_llm_totals_print_units(int64_t *units, llm_buf_t *b);


static const char  *ngx_http_llm_totals_names[NGX_HTTP_LLM_TOTALS_N] = {
    "key", "owner", "team", "model", "day"
};


void
ngx_http_llm_totals_of(ngx_http_llm_books_t *books, ngx_http_llm_ctx_t *ctx)
{
    ngx_str_t      names[NGX_HTTP_LLM_BOOKS_NAMES];

    static u_char  text[NGX_LLM_TOTALS_ID_MAX];

    if (ctx->outcome == NGX_HTTP_LLM_OUTCOME_REJECTED) {
        return;
    }

    ngx_memzero(names, sizeof(names));

    if (ctx->key) {
        names[NGX_HTTP_LLM_TOTALS_KEY] = ctx->key->name;
        names[NGX_HTTP_LLM_TOTALS_OWNER] = ctx->key->owner;
        names[NGX_HTTP_LLM_TOTALS_TEAM] = ctx->key->team;
    }

    if (ctx->model) {
        names[NGX_HTTP_LLM_TOTALS_MODEL] = ctx->model->name;
    }

    ngx_http_llm_totals_name(books, names, text);

    ngx_memcpy(books->units, ctx->usage.units, sizeof(ctx->usage.units));
    ngx_http_llm_totals_cost(books, ctx->has_cost ? ctx->cost : 0);
}


void
ngx_http_llm_totals_name(ngx_http_llm_books_t *books, ngx_str_t *names,
    u_char *text)
{
    u_char      *p;
    ngx_uint_t   i;

    p = text;

    for (i = 0; i < NGX_HTTP_LLM_TOTALS_DAY; i++) {

        if ((size_t) (text + NGX_LLM_TOTALS_ID_MAX - p) <= names[i].len) {
            return;
        }

        p = ngx_cpymem(p, names[i].data, names[i].len);
        *p++ = NGX_HTTP_LLM_TOTALS_END;
    }

    books->total.data = text;
    books->total.len = p - text;
}


void
ngx_http_llm_totals_cost(ngx_http_llm_books_t *books, int64_t cost)
{
    books->units[NGX_HTTP_LLM_TOTALS_COUNT] = 1;
    books->units[NGX_HTTP_LLM_TOTALS_COST] = cost;
}


ngx_int_t
ngx_http_llm_totals_get(ngx_http_llm_admin_t *adm, llm_buf_t *b)
{
    ngx_int_t                     rc;
    ngx_uint_t                    n;
    ngx_llm_totals_entry_t       *entry;
    ngx_http_llm_totals_query_t   q;

    ngx_memzero(&q, sizeof(ngx_http_llm_totals_query_t));

    q.adm = adm;

    rc = ngx_http_llm_totals_query(&q);
    if (rc != NGX_OK) {
        return rc;
    }

    entry = ngx_palloc(adm->ctx->request->pool,
                       sizeof(ngx_llm_totals_entry_t));
    if (entry == NULL) {
        return NGX_ERROR;
    }

    entry->day = 0;
    ngx_str_null(&entry->id);

    /* more than a zone of a gigabyte holds: a table that changes all the time
       keeps nobody here */

    for (n = 0; n < 1000000; n++) {

        if (ngx_llm_totals_next(adm->ctx->lmcf->totals, entry) != NGX_OK) {
            break;
        }

        if (ngx_http_llm_totals_add(&q, entry) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ngx_qsort(q.groups.elts, q.groups.nelts, sizeof(void *),
              ngx_http_llm_totals_compare);

    ngx_http_llm_totals_print(&q, b);

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_totals_query(ngx_http_llm_totals_query_t *q)
{
    ngx_int_t            rc;
    ngx_uint_t           i;
    ngx_http_request_t  *r;

    r = q->adm->ctx->request;

    q->max = NGX_HTTP_LLM_TOTALS_GROUPS;
    q->to = (uint32_t) -1;

    ngx_rbtree_init(&q->tree, &q->sentinel, ngx_str_rbtree_insert_value);

    if (ngx_array_init(&q->groups, r->pool, 16, sizeof(void *)) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_llm_admin_arg_number(q->adm, "limit", &q->max,
                                       NGX_HTTP_LLM_TOTALS_GROUPS_MAX);
    if (rc != NGX_OK) {
        return rc;
    }

    for (i = 0; i < NGX_HTTP_LLM_TOTALS_DAY; i++) {
        if (ngx_http_llm_admin_arg(r, ngx_http_llm_totals_names[i],
                                   &q->only[i])
            == NGX_ERROR)
        {
            return NGX_ERROR;
        }
    }

    rc = ngx_http_llm_totals_by(q);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_llm_totals_day(q, "from", &q->from);

    return rc == NGX_OK ? ngx_http_llm_totals_day(q, "to", &q->to) : rc;
}


static ngx_int_t
ngx_http_llm_totals_by(ngx_http_llm_totals_query_t *q)
{
    ngx_int_t   rc;
    ngx_str_t   list, item;
    ngx_uint_t  i;

    rc = ngx_http_llm_admin_arg(q->adm->ctx->request, "group_by", &list);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    while (ngx_http_llm_block_item(&list, &item) == NGX_OK) {

        for (i = 0; i < NGX_HTTP_LLM_TOTALS_N; i++) {
            if (item.len == ngx_strlen(ngx_http_llm_totals_names[i])
                && ngx_memcmp(item.data, ngx_http_llm_totals_names[i],
                              item.len)
                   == 0)
            {
                break;
            }
        }

        if (i == NGX_HTTP_LLM_TOTALS_N) {
            return ngx_http_llm_refuse(q->adm->ctx, LLM_ERROR_BAD_REQUEST,
                       "group_by", "\"group_by\" takes \"day\", \"key\", "
                       "\"owner\", \"team\" and \"model\", with commas");
        }

        q->by |= (ngx_uint_t) 1 << i;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_totals_day(ngx_http_llm_totals_query_t *q, const char *name,
    uint32_t *day)
{
    time_t      t;
    ngx_int_t   rc;
    ngx_str_t   text;
    ngx_uint_t  date;

    rc = ngx_http_llm_admin_arg(q->adm->ctx->request, name, &text);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : rc;
    }

    t = ngx_http_llm_secret_time(&text, &date);

    if (t == (time_t) NGX_ERROR || !date) {
        return ngx_http_llm_refuse(q->adm->ctx, LLM_ERROR_BAD_REQUEST, name,
                                   "\"%s\" must be a UTC date YYYY-MM-DD",
                                   name);
    }

    *day = (uint32_t) (t / 86400);

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_totals_add(ngx_http_llm_totals_query_t *q,
    ngx_llm_totals_entry_t *entry)
{
    u_char                       *p, *last, *end;
    ngx_str_t                     names[NGX_HTTP_LLM_TOTALS_N];
    ngx_uint_t                    i;
    ngx_http_llm_totals_group_t  *group;

    if (entry->day < q->from || entry->day > q->to) {
        return NGX_OK;
    }

    p = entry->id.data;
    last = p + entry->id.len;

    for (i = 0; i < NGX_HTTP_LLM_TOTALS_DAY; i++) {

        end = ngx_strlchr(p, last, NGX_HTTP_LLM_TOTALS_END);

        if (end == NULL) {
            return NGX_OK;
        }

        names[i].data = p;
        names[i].len = end - p;
        p = end + 1;

        if (q->only[i].len
            && (q->only[i].len != names[i].len
                || ngx_memcmp(q->only[i].data, names[i].data, names[i].len)
                   != 0))
        {
            return NGX_OK;
        }
    }

    group = ngx_http_llm_totals_group(q, entry, names);

    if (group == NULL) {
        return q->truncated ? NGX_OK : NGX_ERROR;
    }

    for (i = 0; i < NGX_LLM_TOTALS_UNITS; i++) {
        group->units[i] += entry->units[i];
    }

    return NGX_OK;
}


/* the group of these names, made if it is the first; NULL: no more groups, or
   no memory */

static ngx_http_llm_totals_group_t *
ngx_http_llm_totals_group(ngx_http_llm_totals_query_t *q,
    ngx_llm_totals_entry_t *entry, ngx_str_t *names)
{
    u_char                        text[NGX_LLM_TOTALS_ID_MAX + 16], *p;
    uint32_t                      hash;
    ngx_str_t                     id;
    ngx_uint_t                    i;
    ngx_pool_t                   *pool;
    ngx_http_llm_totals_group_t  *group, **slot;

    p = text;

    if (q->by & 1 << NGX_HTTP_LLM_TOTALS_DAY) {
        p = ngx_sprintf(p, "%010uD", entry->day);
    }

    for (i = 0; i < NGX_HTTP_LLM_TOTALS_DAY; i++) {
        if (q->by & (ngx_uint_t) 1 << i) {
            p = ngx_cpymem(p, names[i].data, names[i].len);
        }

        *p++ = NGX_HTTP_LLM_TOTALS_END;
    }

    id.data = text;
    id.len = p - text;
    hash = ngx_crc32_short(id.data, id.len);

    group = (ngx_http_llm_totals_group_t *)
            ngx_str_rbtree_lookup(&q->tree, &id, hash);

    if (group) {
        return group;
    }

    if (q->groups.nelts == q->max) {
        q->truncated = 1;
        return NULL;
    }

    pool = q->adm->ctx->request->pool;

    group = ngx_pcalloc(pool, sizeof(ngx_http_llm_totals_group_t));
    slot = ngx_array_push(&q->groups);

    if (group == NULL || slot == NULL) {
        return NULL;
    }

    group->day = entry->day;
    group->node.node.key = hash;
    group->node.str.len = id.len;
    group->node.str.data = ngx_pstrdup(pool, &id);

    if (group->node.str.data == NULL) {
        return NULL;
    }

    for (i = 0; i < NGX_HTTP_LLM_TOTALS_DAY; i++) {

        if (!(q->by & (ngx_uint_t) 1 << i)) {
            continue;
        }

        group->names[i].len = names[i].len;
        group->names[i].data = ngx_pnalloc(pool, names[i].len + 1);

        if (group->names[i].data == NULL) {
            return NULL;
        }

        ngx_memcpy(group->names[i].data, names[i].data, names[i].len);
    }

    ngx_rbtree_insert(&q->tree, &group->node.node);
    *slot = group;

    return group;
}


/* by day, then by names */

static int ngx_libc_cdecl
ngx_http_llm_totals_compare(const void *one, const void *two)
{
    ngx_http_llm_totals_group_t  *a, *b;

    a = *(ngx_http_llm_totals_group_t **) one;
    b = *(ngx_http_llm_totals_group_t **) two;

    return (int) ngx_memn2cmp(a->node.str.data, b->node.str.data,
                              a->node.str.len, b->node.str.len);
}


static void
ngx_http_llm_totals_print(ngx_http_llm_totals_query_t *q, llm_buf_t *b)
{
    u_char                         text[sizeof("2027-01-01")];
    size_t                         len;
    ngx_tm_t                       tm;
    ngx_uint_t                     i, k;
    ngx_http_llm_totals_group_t  **group;

    llm_buf_puts(b, "{\"usage\":[");

    group = q->groups.elts;

    for (i = 0; i < q->groups.nelts; i++) {

        llm_buf_puts(b, i ? ",{" : "{");

        if (q->by & 1 << NGX_HTTP_LLM_TOTALS_DAY) {
            ngx_gmtime((time_t) group[i]->day * 86400, &tm);

            len = ngx_sprintf(text, "%4d-%02d-%02d", tm.ngx_tm_year,
                              tm.ngx_tm_mon, tm.ngx_tm_mday)
                  - text;

            llm_buf_puts(b, "\"day\":");
            llm_buf_json(b, text, len);
            llm_buf_puts(b, ",");
        }

        for (k = 0; k < NGX_HTTP_LLM_TOTALS_DAY; k++) {

            if (q->by & (ngx_uint_t) 1 << k) {
                llm_buf_puts(b, "\"");
                llm_buf_puts(b, ngx_http_llm_totals_names[k]);
                llm_buf_puts(b, "\":");

                if (group[i]->names[k].len) {
                    llm_buf_json(b, group[i]->names[k].data,
                                 group[i]->names[k].len);

                } else {
                    llm_buf_puts(b, "null");
                }

                llm_buf_puts(b, ",");
            }
        }

        ngx_http_llm_totals_print_units(group[i]->units, b);
        llm_buf_puts(b, "}");
    }

    llm_buf_puts(b, "],\"truncated\":");
    llm_buf_puts(b, q->truncated ? "true}\n" : "false}\n");
}


static void
ngx_http_llm_totals_print_units(int64_t *units, llm_buf_t *b)
{
    ngx_uint_t   i;
    llm_usage_t  usage;

    usage.known = 0;
    usage.estimated = 0;

    for (i = 0; i < LLM_USAGE_N; i++) {
        usage.units[i] = units[i];

        if (units[i]) {
            usage.known |= (uint32_t) 1 << i;
        }
    }

    llm_buf_puts(b, "\"requests\":");
    llm_buf_int(b, units[NGX_HTTP_LLM_TOTALS_COUNT]);
    llm_buf_puts(b, ",\"input_tokens\":");
    llm_buf_int(b, llm_usage_input(&usage));
    llm_buf_puts(b, ",\"output_tokens\":");
    llm_buf_int(b, llm_usage_output(&usage));
    llm_buf_puts(b, ",\"usage\":");
    llm_usage_print(&usage, b);
    llm_buf_puts(b, ",\"cost\":\"");
    llm_price_print(units[NGX_HTTP_LLM_TOTALS_COST], b);
    llm_buf_puts(b, "\"");
}
