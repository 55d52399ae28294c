
/*
 * llm_admin: keys that are made, changed, rotated and removed.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_admin.h"
#include "ngx_http_llm_block.h"
#include "ngx_http_llm_key_json.h"
#include "ngx_http_llm_redis.h"

#include "llm_scan.h"
#include "llm_walk.h"

#include <openssl/rand.h>


#define NGX_HTTP_LLM_ADMIN_PREFIX     "sk-llm-"
#define NGX_HTTP_LLM_ADMIN_RANDOM     32         /* bytes */
#define NGX_HTTP_LLM_ADMIN_GRACE      86400      /* seconds */
#define NGX_HTTP_LLM_ADMIN_GRACE_MAX  (366 * 86400)

/* another worker may change a key while this one does, over and over */
#define NGX_HTTP_LLM_ADMIN_TRIES      16


/* what is done to a record; NGX_OK, or a refusal */
typedef ngx_int_t (*ngx_http_llm_admin_change_pt)(ngx_http_llm_admin_t *adm,
    ngx_llm_keys_entry_t *entry, void *data);


typedef struct {
    time_t                   grace;
    ngx_llm_keys_secret_t    secret;
} ngx_http_llm_admin_rotation_t;


static ngx_int_t ngx_http_llm_admin_key_name(ngx_http_llm_admin_t *adm,
    ngx_str_t *name);
static ngx_int_t ngx_http_llm_admin_key_secret(ngx_http_llm_admin_t *adm,
    ngx_str_t *text, ngx_llm_keys_secret_t *secret);
static ngx_int_t ngx_http_llm_admin_key_text(ngx_http_llm_admin_t *adm,
    ngx_llm_keys_entry_t *entry, ngx_uint_t keep, ngx_str_t *body);
static void ngx_http_llm_admin_key_created(ngx_llm_keys_entry_t *entry,
    llm_buf_t *b);
static ngx_int_t ngx_http_llm_admin_key_change(ngx_http_llm_admin_t *adm,
    ngx_http_llm_admin_change_pt change, void *data,
    ngx_llm_keys_entry_t *entry);
static ngx_int_t ngx_http_llm_admin_key_find(ngx_http_llm_admin_t *adm,
    ngx_llm_keys_entry_t *entry);
static ngx_int_t ngx_http_llm_admin_key_stored(ngx_http_llm_admin_t *adm,
    ngx_int_t rc);
static ngx_int_t ngx_http_llm_admin_key_update(ngx_http_llm_admin_t *adm,
    ngx_uint_t keep, ngx_str_t *body, llm_buf_t *b);
static ngx_int_t ngx_http_llm_admin_key_set(ngx_http_llm_admin_t *adm,
    ngx_llm_keys_entry_t *entry, void *data);
static ngx_int_t ngx_http_llm_admin_key_replace(ngx_http_llm_admin_t *adm,
    ngx_llm_keys_entry_t *entry, void *data);
static ngx_int_t ngx_http_llm_admin_key_turn(ngx_http_llm_admin_t *adm,
    ngx_llm_keys_entry_t *entry, void *data);
static ngx_int_t ngx_http_llm_admin_key_grace(ngx_http_llm_admin_t *adm,
    time_t *grace);
static void ngx_http_llm_admin_key_tell(ngx_http_llm_admin_t *adm,
    ngx_str_t *name, const char *what);


ngx_int_t
ngx_http_llm_admin_keys_create(ngx_http_llm_admin_t *adm, llm_buf_t *b)
{
    ngx_int_t              rc;
    ngx_str_t              secret;
    ngx_llm_keys_entry_t   entry;
    ngx_http_llm_ctx_t    *ctx;

    ctx = adm->ctx;

    ngx_memzero(&entry, sizeof(ngx_llm_keys_entry_t));

    rc = ngx_http_llm_admin_key_name(adm, &entry.name);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_llm_conf_key_by_name(ctx->lmcf, &entry.name)) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_KEY_EXISTS, "name",
                                   "key \"%V\" stands in nginx's "
                                   "configuration", &entry.name);
    }

    rc = ngx_http_llm_admin_key_text(adm, &entry, 0, &adm->body);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_llm_admin_key_secret(adm, &secret, &entry.secrets[0])
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    entry.nsecrets = 1;
    entry.stamp = ngx_http_llm_redis_now();

    rc = ngx_llm_keys_set(ctx->lmcf->runtime_keys, &entry);

    if (rc == NGX_AGAIN) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_KEY_EXISTS, "name",
                                   "there is a key \"%V\" already",
                                   &entry.name);
    }

    if (rc != NGX_OK) {
        return ngx_http_llm_admin_key_stored(adm, rc);
    }

    ngx_http_llm_admin_key_tell(adm, &entry.name, "created");

    adm->status = NGX_HTTP_CREATED;

    ngx_http_llm_admin_keys_print(&entry, b);
    ngx_http_llm_admin_print(b, "secret", &secret);
    llm_buf_puts(b, "}\n");

    return NGX_OK;
}


/* one that a path can hold, beside what names in the configuration may be */

static ngx_int_t
ngx_http_llm_admin_key_name(ngx_http_llm_admin_t *adm, ngx_str_t *name)
{
    size_t     i;
    ngx_int_t  rc;

    rc = ngx_http_llm_admin_string(adm, "name", name);

    if (rc == NGX_DECLINED) {

        /* "id" is what many would write */
        rc = ngx_http_llm_admin_string(adm, "id", name);
    }

    if (rc == NGX_DECLINED) {
        return ngx_http_llm_refuse(adm->ctx, LLM_ERROR_MISSING_PARAMETER,
                                   "name", "\"name\" is missing");
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (!ngx_http_llm_block_is_name(name->data, name->len,
                                    NGX_HTTP_LLM_NAME_MAX))
    {
        goto invalid;
    }

    for (i = 0; i < name->len; i++) {
        if (ngx_strchr("/?#%*", name->data[i])) {
            goto invalid;
        }
    }

    if (name->data[0] != '.') {
        return NGX_OK;
    }

invalid:

    return ngx_http_llm_refuse(adm->ctx, LLM_ERROR_BAD_REQUEST, "name",
                               "\"name\" must be 1 to %d printable ASCII "
                               "characters without quotes, spaces, "
                               "backslashes and any of \"/?#%%*\", and not "
                               "begin with a dot", NGX_HTTP_LLM_NAME_MAX);
}


static ngx_int_t
ngx_http_llm_admin_key_secret(ngx_http_llm_admin_t *adm, ngx_str_t *text,
    ngx_llm_keys_secret_t *secret)
{
    u_char     random[NGX_HTTP_LLM_ADMIN_RANDOM], *p;
    ngx_str_t  src, dst;

    if (RAND_bytes(random, sizeof(random)) != 1) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(adm->ctx->request->pool,
                    sizeof(NGX_HTTP_LLM_ADMIN_PREFIX)
                    + ngx_base64_encoded_length(sizeof(random)));
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    dst.data = ngx_cpymem(p, NGX_HTTP_LLM_ADMIN_PREFIX,
                          sizeof(NGX_HTTP_LLM_ADMIN_PREFIX) - 1);
    src.data = random;
    src.len = sizeof(random);

    ngx_encode_base64url(&dst, &src);

    text->len = sizeof(NGX_HTTP_LLM_ADMIN_PREFIX) - 1 + dst.len;

    ngx_explicit_memzero(random, sizeof(random));

    ngx_llm_secret_digest(text, secret->digest);
    secret->until = 0;

    return NGX_OK;
}


/*
 * What is kept of a key: its members, checked and put in order.  Those that
 * body does not name stay as they were where keep is 1.
 */

static ngx_int_t
ngx_http_llm_admin_key_text(ngx_http_llm_admin_t *adm,
    ngx_llm_keys_entry_t *entry, ngx_uint_t keep, ngx_str_t *body)
{
    llm_buf_t                 b;
    ngx_int_t                 rc;
    ngx_http_llm_ctx_t       *ctx;
    ngx_http_llm_key_t        key;
    ngx_http_llm_key_json_t   kj;

    ctx = adm->ctx;

    kj.arena = &ctx->arena;
    kj.pool = ctx->request->pool;
    kj.lmcf = ctx->lmcf;

    if (ngx_http_llm_key_json_init(&kj, &key, &entry->name) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = NGX_OK;

    if (keep) {
        rc = ngx_http_llm_key_json_read(&kj, &key, &entry->text);
    }

    if (rc == NGX_OK && body->len) {
        rc = ngx_http_llm_key_json_read(&kj, &key, body);
    }

    if (rc == NGX_DECLINED) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_BAD_REQUEST, kj.param, "%V",
                                   &kj.error);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    llm_buf_init(&b, &ctx->arena);

    llm_buf_puts(&b, "{\"created\":");
    ngx_http_llm_admin_key_created(entry, &b);
    llm_buf_puts(&b, ",\"updated\":");
    ngx_http_llm_key_json_time(ngx_time(), &b);

    ngx_http_llm_key_json_print(&key, &kj.limits, &b);

    llm_buf_puts(&b, "}");

    if (b.failed) {
        return NGX_ERROR;
    }

    if (b.len > NGX_LLM_KEYS_TEXT_MAX) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_REQUEST_TOO_LARGE, NULL,
                                   "a key takes no more than %d bytes",
                                   NGX_LLM_KEYS_TEXT_MAX);
    }

    entry->text.data = b.data;
    entry->text.len = b.len;

    return NGX_OK;
}


static void
ngx_http_llm_admin_key_created(ngx_llm_keys_entry_t *entry, llm_buf_t *b)
{
    llm_str_t   object, name, value;
    llm_walk_t  w;

    llm_walk_text(&w, entry->text.data, entry->text.len);

    if (entry->text.len && llm_walk_element(&w, &object)) {

        llm_walk_open(&w, &object);

        while (llm_walk_member(&w, &name, &value)) {
            if (llm_str_is(&name, "\"created\"")) {
                llm_buf_add(b, value.data, value.len);
                return;
            }
        }
    }

    ngx_http_llm_key_json_time(ngx_time(), b);
}


/*
 * Reads a record, changes the copy and stores it, again where it was changed
 * by another worker meanwhile.
 */

static ngx_int_t
ngx_http_llm_admin_key_change(ngx_http_llm_admin_t *adm,
    ngx_http_llm_admin_change_pt change, void *data,
    ngx_llm_keys_entry_t *entry)
{
    ngx_int_t   rc;
    ngx_uint_t  tries;

    for (tries = 0; tries < NGX_HTTP_LLM_ADMIN_TRIES; tries++) {

        rc = ngx_http_llm_admin_key_find(adm, entry);
        if (rc != NGX_OK) {
            return rc;
        }

        rc = change(adm, entry, data);
        if (rc != NGX_OK) {
            return rc;
        }

        entry->stamp = ngx_http_llm_redis_now();

        rc = ngx_llm_keys_set(adm->ctx->lmcf->runtime_keys, entry);

        if (rc != NGX_AGAIN) {
            return ngx_http_llm_admin_key_stored(adm, rc);
        }
    }

    return NGX_ERROR;
}


/* NGX_OK, or a refusal */

static ngx_int_t
ngx_http_llm_admin_key_find(ngx_http_llm_admin_t *adm,
    ngx_llm_keys_entry_t *entry)
{
    ngx_int_t            rc;
    ngx_http_llm_ctx_t  *ctx;

    ctx = adm->ctx;

    rc = ngx_llm_keys_get(ctx->lmcf->runtime_keys, &adm->name,
                          ctx->request->pool, entry);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (ngx_http_llm_conf_key_by_name(ctx->lmcf, &adm->name)) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_KEY_READ_ONLY, NULL,
                                   "key \"%V\" stands in nginx's "
                                   "configuration, and is changed there",
                                   &adm->name);
    }

    return ngx_http_llm_refuse(ctx, LLM_ERROR_KEY_NOT_FOUND, NULL,
                               "there is no key \"%V\"", &adm->name);
}


static ngx_int_t
ngx_http_llm_admin_key_stored(ngx_http_llm_admin_t *adm, ngx_int_t rc)
{
    switch (rc) {

    case NGX_OK:
        return NGX_OK;

    case NGX_BUSY:
        return NGX_ERROR;

    default:
        ngx_log_error(NGX_LOG_ERR, adm->ctx->request->connection->log, 0,
                      "no room in the zone for another llm key");

        return ngx_http_llm_refuse(adm->ctx, LLM_ERROR_ZONE_FULL, NULL,
                                   "there is no room in llm_zone, make it "
                                   "larger");
    }
}


ngx_int_t
ngx_http_llm_admin_keys_patch(ngx_http_llm_admin_t *adm, llm_buf_t *b)
{
    return ngx_http_llm_admin_key_update(adm, 1, &adm->body, b);
}


ngx_int_t
ngx_http_llm_admin_keys_put(ngx_http_llm_admin_t *adm, llm_buf_t *b)
{
    return ngx_http_llm_admin_key_update(adm, 0, &adm->body, b);
}


ngx_int_t
ngx_http_llm_admin_keys_disable(ngx_http_llm_admin_t *adm, llm_buf_t *b)
{
    static ngx_str_t  body = ngx_string("{\"active\":false}");

    return ngx_http_llm_admin_key_update(adm, 1, &body, b);
}


ngx_int_t
ngx_http_llm_admin_keys_enable(ngx_http_llm_admin_t *adm, llm_buf_t *b)
{
    static ngx_str_t  body = ngx_string("{\"active\":true}");

    return ngx_http_llm_admin_key_update(adm, 1, &body, b);
}


static ngx_int_t
ngx_http_llm_admin_key_update(ngx_http_llm_admin_t *adm, ngx_uint_t keep,
    ngx_str_t *body, llm_buf_t *b)
{
    ngx_int_t             rc;
    ngx_str_t             name;
    ngx_llm_keys_entry_t  entry;

    rc = ngx_http_llm_admin_string(adm, "name", &name);

    if (rc != NGX_OK && rc != NGX_DECLINED) {
        return rc;
    }

    if (rc == NGX_OK
        && (name.len != adm->name.len
            || ngx_memcmp(name.data, adm->name.data, name.len) != 0))
    {
        return ngx_http_llm_refuse(adm->ctx, LLM_ERROR_BAD_REQUEST, "name",
                                   "a key cannot get another name");
    }

    rc = ngx_http_llm_admin_key_change(adm,
                                       keep ? ngx_http_llm_admin_key_set
                                            : ngx_http_llm_admin_key_replace,
                                       body, &entry);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_llm_admin_key_tell(adm, &entry.name, "updated");

    ngx_http_llm_admin_keys_print(&entry, b);
    llm_buf_puts(b, "}\n");

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_admin_key_set(ngx_http_llm_admin_t *adm,
    ngx_llm_keys_entry_t *entry, void *data)
{
    return ngx_http_llm_admin_key_text(adm, entry, 1, data);
}


static ngx_int_t
ngx_http_llm_admin_key_replace(ngx_http_llm_admin_t *adm,
    ngx_llm_keys_entry_t *entry, void *data)
{
    return ngx_http_llm_admin_key_text(adm, entry, 0, data);
}


ngx_int_t
ngx_http_llm_admin_keys_rotate(ngx_http_llm_admin_t *adm, llm_buf_t *b)
{
    ngx_int_t                       rc;
    ngx_str_t                       secret;
    ngx_llm_keys_entry_t            entry;
    ngx_http_llm_admin_rotation_t   rotation;

    rc = ngx_http_llm_admin_key_grace(adm, &rotation.grace);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_llm_admin_key_secret(adm, &secret, &rotation.secret)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_http_llm_admin_key_change(adm, ngx_http_llm_admin_key_turn,
                                       &rotation, &entry);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_llm_admin_key_tell(adm, &entry.name, "rotated");

    ngx_http_llm_admin_keys_print(&entry, b);
    ngx_http_llm_admin_print(b, "secret", &secret);
    llm_buf_puts(b, "}\n");

    return NGX_OK;
}


/* old secrets last no longer than the grace, and those that ended go */

static ngx_int_t
ngx_http_llm_admin_key_turn(ngx_http_llm_admin_t *adm,
    ngx_llm_keys_entry_t *entry, void *data)
{
    ngx_http_llm_admin_rotation_t *rotation = data;

    time_t                  until;
    ngx_uint_t              i, n;
    ngx_llm_keys_secret_t  *s;

    until = ngx_time() + rotation->grace;

    for (i = 0, n = 0; i < entry->nsecrets; i++) {

        s = &entry->secrets[i];

        if (s->until == 0 || s->until > until) {
            s->until = until;
        }

        if (s->until > ngx_time()) {
            entry->secrets[n++] = *s;
        }
    }

    if (n == NGX_LLM_KEYS_SECRETS) {
        return ngx_http_llm_refuse(adm->ctx, LLM_ERROR_BAD_REQUEST, "grace",
                                   "key \"%V\" has %d secrets that are still "
                                   "good; a grace of 0 ends them",
                                   &entry->name, NGX_LLM_KEYS_SECRETS);
    }

    entry->secrets[n++] = rotation->secret;
    entry->nsecrets = n;

    return ngx_http_llm_admin_key_text(adm, entry, 1, &entry->text);
}


/* "grace": seconds, or a time like "24h" */

static ngx_int_t
ngx_http_llm_admin_key_grace(ngx_http_llm_admin_t *adm, time_t *grace)
{
    int64_t    n;
    ngx_int_t  rc;
    ngx_str_t  text;
    llm_str_t  raw;

    *grace = NGX_HTTP_LLM_ADMIN_GRACE;

    if (ngx_http_llm_admin_member(adm, "grace", &raw) == NULL) {
        return NGX_OK;
    }

    if (raw.data[0] == '"') {

        rc = ngx_http_llm_admin_string(adm, "grace", &text);
        if (rc != NGX_OK) {
            return rc;
        }

        n = ngx_parse_time(&text, 1);

    } else if (llm_json_int(&raw, &n) != LLM_OK) {
        n = -1;
    }

    if (n < 0 || n > NGX_HTTP_LLM_ADMIN_GRACE_MAX) {
        return ngx_http_llm_refuse(adm->ctx, LLM_ERROR_BAD_REQUEST, "grace",
                                   "\"grace\" must be a number of seconds, or "
                                   "a time like \"24h\", of at most a year");
    }

    *grace = (time_t) n;

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_admin_keys_delete(ngx_http_llm_admin_t *adm, llm_buf_t *b)
{
    ngx_int_t             rc;
    ngx_uint_t            tries;
    ngx_llm_keys_entry_t  entry;

    tries = 0;

    do {
        rc = ngx_http_llm_admin_key_find(adm, &entry);
        if (rc != NGX_OK) {
            return rc;
        }

        entry.stamp = ngx_http_llm_redis_now();

        rc = ngx_llm_keys_remove(adm->ctx->lmcf->runtime_keys, &entry);

    } while (rc == NGX_AGAIN && ++tries < NGX_HTTP_LLM_ADMIN_TRIES);

    if (rc == NGX_AGAIN) {
        return NGX_ERROR;
    }

    if (rc != NGX_OK) {
        return ngx_http_llm_admin_key_stored(adm, rc);
    }

    ngx_http_llm_admin_key_tell(adm, &entry.name, "deleted");

    llm_buf_puts(b, "{\"name\":");
    llm_buf_json(b, entry.name.data, entry.name.len);
    llm_buf_puts(b, ",\"deleted\":true}\n");

    return NGX_OK;
}


static void
ngx_http_llm_admin_key_tell(ngx_http_llm_admin_t *adm, ngx_str_t *name,
    const char *what)
{
    ngx_log_error(NGX_LOG_NOTICE, adm->ctx->request->connection->log, 0,
                  "llm key \"%V\" was %s", name, what);

    ngx_http_llm_redis_keys_tell();
}
