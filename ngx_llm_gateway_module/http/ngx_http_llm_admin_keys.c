
/*
 * llm_admin: keys, as they are told.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_admin.h"
#include "ngx_http_llm_key_json.h"

#include "llm_scan.h"
#include "llm_walk.h"


#define NGX_HTTP_LLM_ADMIN_SECRET_ID  8      /* bytes of a digest */


/* which keys are asked for, and which one is looked at */

typedef struct {
    ngx_http_llm_admin_t  *adm;
    ngx_str_t              owner;
    ngx_str_t              team;
    ngx_str_t              after;
    ngx_http_llm_key_t    *configured;       /* the next of nginx.conf */
    ngx_llm_keys_entry_t   entry;            /* the next of the zone */
    ngx_uint_t             in_zone;
} ngx_http_llm_admin_page_t;


static ngx_int_t ngx_http_llm_admin_keys_look(ngx_http_llm_admin_page_t *page);
static ngx_http_llm_key_t *ngx_http_llm_admin_keys_behind(
    ngx_http_llm_main_conf_t *lmcf, ngx_str_t *name);
static ngx_int_t ngx_http_llm_admin_keys_compare(ngx_str_t *a, ngx_str_t *b);
static ngx_uint_t ngx_http_llm_admin_keys_wanted(
    ngx_http_llm_admin_page_t *page);
static ngx_uint_t ngx_http_llm_admin_keys_is(ngx_str_t *text,
    const char *name, ngx_str_t *value);
static void ngx_http_llm_admin_keys_configured(ngx_http_llm_key_t *key,
    llm_buf_t *b);
static void ngx_http_llm_admin_keys_secret(u_char *digest, int64_t until,
    ngx_uint_t first, llm_buf_t *b);


ngx_int_t
ngx_http_llm_admin_keys_list(ngx_http_llm_admin_t *adm, llm_buf_t *b)
{
    ngx_int_t                  rc;
    ngx_uint_t                 n, max, looked, more;
    ngx_http_request_t        *r;
    ngx_http_llm_admin_page_t  page;

    r = adm->ctx->request;
    max = NGX_HTTP_LLM_ADMIN_PAGE;

    rc = ngx_http_llm_admin_arg_number(adm, "limit", &max,
                                       NGX_HTTP_LLM_ADMIN_PAGE_MAX);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_memzero(&page, sizeof(ngx_http_llm_admin_page_t));

    page.adm = adm;

    if (ngx_http_llm_admin_arg(r, "owner", &page.owner) == NGX_ERROR
        || ngx_http_llm_admin_arg(r, "team", &page.team) == NGX_ERROR
        || ngx_http_llm_admin_arg(r, "after", &page.after) == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    llm_buf_puts(b, "{\"keys\":[");

    n = 0;

    for (looked = 0; /* void */ ; looked++) {

        rc = ngx_http_llm_admin_keys_look(&page);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        more = (rc == NGX_OK);

        if (!more || n == max || looked == NGX_HTTP_LLM_ADMIN_LOOK_MAX) {
            break;
        }

        if (ngx_http_llm_admin_keys_wanted(&page)) {

            if (n++) {
                llm_buf_puts(b, ",");
            }

            if (page.in_zone) {
                ngx_http_llm_admin_keys_print(&page.entry, b);

            } else {
                ngx_http_llm_admin_keys_configured(page.configured, b);
            }

            llm_buf_puts(b, "}");
        }

        page.after = page.in_zone ? page.entry.name : page.configured->name;
    }

    llm_buf_puts(b, "],\"next\":");

    if (more) {
        llm_buf_json(b, page.after.data, page.after.len);

    } else {
        llm_buf_puts(b, "null");
    }

    llm_buf_puts(b, ",\"total\":");
    llm_buf_int(b, ngx_llm_keys_count(adm->ctx->lmcf->runtime_keys)
                   + adm->ctx->lmcf->keys.nelts);
    llm_buf_puts(b, "}\n");

    return NGX_OK;
}


/* the next key behind page->after, of both sources; NGX_DECLINED: none */

static ngx_int_t
ngx_http_llm_admin_keys_look(ngx_http_llm_admin_page_t *page)
{
    ngx_int_t                  rc;
    ngx_http_llm_main_conf_t  *lmcf;

    lmcf = page->adm->ctx->lmcf;

    if (page->configured == NULL
        || ngx_http_llm_admin_keys_compare(&page->configured->name,
                                           &page->after)
           <= 0)
    {
        page->configured = ngx_http_llm_admin_keys_behind(lmcf, &page->after);
    }

    rc = ngx_llm_keys_next(lmcf->runtime_keys, &page->after,
                           page->adm->ctx->request->pool, &page->entry);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    page->in_zone = (rc == NGX_OK);

    if (page->configured == NULL) {
        return rc;
    }

    if (page->in_zone
        && ngx_http_llm_admin_keys_compare(&page->configured->name,
                                           &page->entry.name)
           <= 0)
    {
        page->in_zone = 0;
    }

    return NGX_OK;
}


/* the first one with a later name */

static ngx_http_llm_key_t *
ngx_http_llm_admin_keys_behind(ngx_http_llm_main_conf_t *lmcf, ngx_str_t *name)
{
    ngx_uint_t            low, high, mid;
    ngx_http_llm_key_t  **key;

    key = lmcf->keys.elts;
    low = 0;
    high = lmcf->keys.nelts;

    while (low < high) {
        mid = low + (high - low) / 2;

        if (ngx_http_llm_admin_keys_compare(&key[mid]->name, name) > 0) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }

    return low < lmcf->keys.nelts ? key[low] : NULL;
}


static ngx_int_t
ngx_http_llm_admin_keys_compare(ngx_str_t *a, ngx_str_t *b)
{
    return ngx_memn2cmp(a->data, b->data, a->len, b->len);
}


static ngx_uint_t
ngx_http_llm_admin_keys_wanted(ngx_http_llm_admin_page_t *page)
{
    if (page->in_zone) {
        return (page->owner.len == 0
                || ngx_http_llm_admin_keys_is(&page->entry.text, "owner",
                                              &page->owner))
               && (page->team.len == 0
                   || ngx_http_llm_admin_keys_is(&page->entry.text, "team",
                                                 &page->team));
    }

    return (page->owner.len == 0
            || ngx_http_llm_admin_keys_compare(&page->owner,
                                               &page->configured->owner)
               == 0)
           && (page->team.len == 0
               || ngx_http_llm_admin_keys_compare(&page->team,
                                                  &page->configured->team)
                  == 0);
}


/* names need no escapes, so that their texts can be compared */

static ngx_uint_t
ngx_http_llm_admin_keys_is(ngx_str_t *text, const char *name, ngx_str_t *value)
{
    llm_str_t   object, member, v;
    llm_walk_t  w;

    llm_walk_text(&w, text->data, text->len);

    if (!llm_walk_element(&w, &object)) {
        return 0;
    }

    llm_walk_open(&w, &object);

    while (llm_walk_member(&w, &member, &v)) {
        if (member.len == ngx_strlen(name) + 2
            && ngx_memcmp(member.data + 1, name, member.len - 2) == 0)
        {
            return v.len == value->len + 2
                   && ngx_memcmp(v.data + 1, value->data, value->len) == 0;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_llm_admin_keys_get(ngx_http_llm_admin_t *adm, llm_buf_t *b)
{
    ngx_int_t              rc;
    ngx_http_llm_key_t    *key;
    ngx_http_llm_ctx_t    *ctx;
    ngx_llm_keys_entry_t   entry;

    ctx = adm->ctx;

    key = ngx_http_llm_conf_key_by_name(ctx->lmcf, &adm->name);

    if (key) {
        ngx_http_llm_admin_keys_configured(key, b);

    } else {
        rc = ngx_llm_keys_get(ctx->lmcf->runtime_keys, &adm->name,
                              ctx->request->pool, &entry);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED) {
            return ngx_http_llm_refuse(ctx, LLM_ERROR_KEY_NOT_FOUND, NULL,
                                       "there is no key \"%V\"", &adm->name);
        }

        ngx_http_llm_admin_keys_print(&entry, b);

        key = ngx_http_llm_runtime_by_name(ctx, &adm->name);
    }

    if (key) {
        rc = ngx_http_llm_admin_live(adm, key, b);

        if (rc != NGX_DECLINED) {
            return rc;
        }

        ngx_http_llm_admin_limits_key(key, b);
    }

    llm_buf_puts(b, "}\n");

    return NGX_OK;
}


void
ngx_http_llm_admin_keys_print(ngx_llm_keys_entry_t *entry, llm_buf_t *b)
{
    ngx_uint_t  i;

    llm_buf_puts(b, "{\"name\":");
    llm_buf_json(b, entry->name.data, entry->name.len);
    llm_buf_puts(b, ",\"source\":\"runtime\"");

    /* what is kept is an object: its members, and what is before them */

    if (entry->text.len > 2) {
        llm_buf_puts(b, ",");
        llm_buf_add(b, entry->text.data + 1, entry->text.len - 2);
    }

    llm_buf_puts(b, ",\"secrets\":[");

    for (i = 0; i < entry->nsecrets; i++) {
        ngx_http_llm_admin_keys_secret(entry->secrets[i].digest,
                                       entry->secrets[i].until, i == 0, b);
    }

    llm_buf_puts(b, "]");
}


static void
ngx_http_llm_admin_keys_configured(ngx_http_llm_key_t *key, llm_buf_t *b)
{
    ngx_uint_t              i;
    ngx_http_llm_secret_t  *secret;

    llm_buf_puts(b, "{\"name\":");
    llm_buf_json(b, key->name.data, key->name.len);
    llm_buf_puts(b, ",\"source\":\"config\"");

    ngx_http_llm_key_json_print(key, NULL, b);

    llm_buf_puts(b, ",\"secrets\":[");

    secret = key->secrets.elts;

    for (i = 0; i < key->secrets.nelts; i++) {
        ngx_http_llm_admin_keys_secret(secret[i].digest, secret[i].until,
                                       i == 0, b);
    }

    llm_buf_puts(b, "]");
}


/* a secret of 256 bits is not found by a part of its digest */

static void
ngx_http_llm_admin_keys_secret(u_char *digest, int64_t until,
    ngx_uint_t first, llm_buf_t *b)
{
    u_char  hex[2 * NGX_HTTP_LLM_ADMIN_SECRET_ID];

    ngx_hex_dump(hex, digest, NGX_HTTP_LLM_ADMIN_SECRET_ID);

    llm_buf_puts(b, first ? "{\"id\":" : ",{\"id\":");
    llm_buf_json(b, hex, sizeof(hex));
    llm_buf_puts(b, ",\"until\":");
    ngx_http_llm_key_json_time((time_t) until, b);
    llm_buf_puts(b, "}");
}
