
#include "ngx_http_llm_lookup.h"
#include "ngx_http_llm_block.h"


#define NGX_HTTP_LLM_TABLE_MIN    64

/* bounds what a price catalogue may take of the cycle's pool */
#define NGX_HTTP_LLM_ARENA_LIMIT  (256 * 1024 * 1024)


static void *ngx_http_llm_lookup_alloc(void *data, size_t size);
static uint32_t ngx_http_llm_lookup_hash(u_char *key, size_t len);
static ngx_int_t ngx_http_llm_lookup_grow(ngx_conf_t *cf,
    ngx_http_llm_table_t *table);
static void ngx_http_llm_lookup_put(ngx_http_llm_table_t *table,
    ngx_http_llm_slot_t *slot);
static ngx_uint_t ngx_http_llm_lookup_glob(ngx_str_t *pattern,
    ngx_str_t *name);
static ngx_uint_t ngx_http_llm_lookup_any(ngx_array_t *patterns,
    ngx_str_t *name);


ngx_http_llm_lookup_t *
ngx_http_llm_lookup_create(ngx_conf_t *cf)
{
    ngx_http_llm_lookup_t  *lookup;

    lookup = ngx_pcalloc(cf->pool, sizeof(ngx_http_llm_lookup_t));
    if (lookup == NULL) {
        return NULL;
    }

    if (ngx_array_init(&lookup->globs, cf->pool, 4,
                       sizeof(ngx_http_llm_glob_t))
        != NGX_OK)
    {
        return NULL;
    }

#if (NGX_PCRE)
    if (ngx_array_init(&lookup->regexes, cf->pool, 4,
                       sizeof(ngx_http_llm_regex_t))
        != NGX_OK)
    {
        return NULL;
    }
#endif

    if (ngx_array_init(&lookup->route_providers, cf->pool, 4,
                       sizeof(ngx_http_llm_pending_t))
        != NGX_OK)
    {
        return NULL;
    }

    if (ngx_array_init(&lookup->rules, cf->pool, 4, sizeof(void *))
        != NGX_OK)
    {
        return NULL;
    }

    if (ngx_array_init(&lookup->key_classes, cf->pool, 4,
                       sizeof(ngx_http_llm_pending_t))
        != NGX_OK)
    {
        return NULL;
    }

    if (ngx_array_init(&lookup->location_classes, cf->pool, 4,
                       sizeof(ngx_http_llm_pending_t))
        != NGX_OK)
    {
        return NULL;
    }

    if (ngx_array_init(&lookup->tls, cf->pool, 4, sizeof(ngx_http_llm_tls_t))
        != NGX_OK)
    {
        return NULL;
    }

    lookup->hidden.hide_headers = NGX_CONF_UNSET_PTR;
    lookup->hidden.pass_headers = NGX_CONF_UNSET_PTR;

    lookup->arena.alloc = ngx_http_llm_lookup_alloc;
    lookup->arena.data = cf->pool;
    lookup->arena.left = NGX_HTTP_LLM_ARENA_LIMIT;

    return lookup;
}


ngx_http_llm_lookup_t *
ngx_http_llm_lookup_get(ngx_conf_t *cf)
{
    ngx_http_llm_main_conf_t  *lmcf;

    lmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_llm_gateway_module);

    return lmcf->lookup;
}


static void *
ngx_http_llm_lookup_alloc(void *data, size_t size)
{
    return ngx_palloc(data, size);
}


/* FNV-1a: nothing that a client sends gets into a table */

static uint32_t
ngx_http_llm_lookup_hash(u_char *key, size_t len)
{
    size_t    i;
    uint32_t  hash;

    hash = 2166136261u;

    for (i = 0; i < len; i++) {
        hash ^= key[i];
        hash *= 16777619u;
    }

    return hash;
}


void *
ngx_http_llm_lookup_find(ngx_http_llm_table_t *table, u_char *key, size_t len)
{
    uint32_t              hash;
    ngx_uint_t            i;
    ngx_http_llm_slot_t  *slot;

    if (table->nelts == 0) {
        return NULL;
    }

    hash = ngx_http_llm_lookup_hash(key, len);

    for (i = hash & (table->size - 1);
         table->slots[i].value;
         i = (i + 1) & (table->size - 1))
    {
        slot = &table->slots[i];

        if (slot->hash == hash
            && slot->key.len == len
            && ngx_llm_secret_equal(slot->key.data, key, len))
        {
            return slot->value;
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_llm_lookup_add(ngx_conf_t *cf, ngx_http_llm_table_t *table,
    u_char *key, size_t len, void *value)
{
    ngx_http_llm_slot_t  slot;

    /* at most half full, so that probing stays short and always ends */

    if (2 * (table->nelts + 1) > table->size) {
        if (ngx_http_llm_lookup_grow(cf, table) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    slot.key.len = len;
    slot.key.data = key;
    slot.hash = ngx_http_llm_lookup_hash(key, len);
    slot.value = value;

    ngx_http_llm_lookup_put(table, &slot);
    table->nelts++;

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_lookup_grow(ngx_conf_t *cf, ngx_http_llm_table_t *table)
{
    ngx_uint_t            i;
    ngx_http_llm_table_t  old;

    old = *table;

    table->size = old.size ? 2 * old.size : NGX_HTTP_LLM_TABLE_MIN;

    table->slots = ngx_pcalloc(cf->pool,
                               table->size * sizeof(ngx_http_llm_slot_t));
    if (table->slots == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < old.size; i++) {
        if (old.slots[i].value) {
            ngx_http_llm_lookup_put(table, &old.slots[i]);
        }
    }

    if (old.slots) {
        (void) ngx_pfree(cf->pool, old.slots);
    }

    return NGX_OK;
}


static void
ngx_http_llm_lookup_put(ngx_http_llm_table_t *table, ngx_http_llm_slot_t *slot)
{
    ngx_uint_t  i;

    i = slot->hash & (table->size - 1);

    while (table->slots[i].value) {
        i = (i + 1) & (table->size - 1);
    }

    table->slots[i] = *slot;
}


ngx_int_t
ngx_http_llm_lookup_defer(ngx_conf_t *cf, ngx_array_t *pending, void *object,
    ngx_str_t *name)
{
    ngx_http_llm_pending_t  *p;

    p = ngx_array_push(pending);
    if (p == NULL) {
        return NGX_ERROR;
    }

    p->object = object;
    p->name = *name;
    ngx_http_llm_block_place(cf, &p->place);

    return NGX_OK;
}


ngx_http_llm_key_t *
ngx_http_llm_conf_find_key(ngx_http_llm_main_conf_t *lmcf, u_char *digest,
    ngx_http_llm_secret_t **secret)
{
    ngx_http_llm_lookup_t  *lookup;
    ngx_http_llm_secret_t  *found;

    lookup = lmcf->lookup;

    found = ngx_http_llm_lookup_find(&lookup->secrets, digest,
                                     NGX_LLM_DIGEST_LEN);
    if (found == NULL) {
        return NULL;
    }

    if (secret) {
        *secret = found;
    }

    return found->key;
}


ngx_http_llm_model_t *
ngx_http_llm_conf_find_model(ngx_http_llm_main_conf_t *lmcf, ngx_str_t *name,
    int *captures, ngx_uint_t *ncaptures, ngx_log_t *log)
{
    ngx_uint_t              i;
    ngx_http_llm_glob_t    *glob;
    ngx_http_llm_model_t   *model;
    ngx_http_llm_lookup_t  *lookup;
#if (NGX_PCRE)
    ngx_int_t               n;
    ngx_http_llm_regex_t   *re;
#endif

    lookup = lmcf->lookup;
    *ncaptures = 0;

    /* a name of any length would make patterns costly */

    if (name->len == 0 || name->len > NGX_HTTP_LLM_MODEL_MAX) {
        return NULL;
    }

    model = ngx_http_llm_lookup_find(&lookup->models, name->data, name->len);
    if (model) {
        return model;
    }

    glob = lookup->globs.elts;

    for (i = 0; i < lookup->globs.nelts; i++) {
        if (ngx_http_llm_lookup_glob(&glob[i].pattern, name)) {
            return glob[i].model;
        }
    }

#if (NGX_PCRE)

    re = lookup->regexes.elts;

    for (i = 0; i < lookup->regexes.nelts; i++) {

        n = ngx_regex_exec(re[i].regex, name, captures,
                           NGX_HTTP_LLM_CAPTURES);

        if (n == NGX_REGEX_NO_MATCHED) {
            continue;
        }

        if (n < 0) {
            ngx_log_error(NGX_LOG_ERR, log, 0,
                          ngx_regex_exec_n " failed: %i on \"%V\" "
                          "using \"%V\"", n, name, &re[i].pattern);
            continue;
        }

        /* 0 would tell of more captures than there is room for */

        if (n == 0 || n > NGX_HTTP_LLM_CAPTURES / 3) {
            n = NGX_HTTP_LLM_CAPTURES / 3;
        }

        *ncaptures = n;

        return re[i].model;
    }

#endif

    return NULL;
}


ngx_http_llm_route_t *
ngx_http_llm_conf_find_route(ngx_http_llm_main_conf_t *lmcf, u_char *tag)
{
    ngx_http_llm_lookup_t  *lookup;

    lookup = lmcf->lookup;

    return ngx_http_llm_lookup_find(&lookup->tags, tag,
                                    NGX_HTTP_LLM_ROUTE_TAG_LEN);
}


ngx_http_llm_class_t *
ngx_http_llm_conf_find_class(ngx_http_llm_main_conf_t *lmcf, ngx_str_t *name)
{
    ngx_http_llm_lookup_t  *lookup;

    lookup = lmcf->lookup;

    return ngx_http_llm_lookup_find(&lookup->classes, name->data, name->len);
}


ngx_uint_t
ngx_http_llm_conf_has_tag(ngx_http_llm_provider_t *p, ngx_keyval_t *tag)
{
    ngx_uint_t     i;
    ngx_keyval_t  *own;

    own = p->tags.elts;

    for (i = 0; i < p->tags.nelts; i++) {
        if (own[i].key.len == tag->key.len
            && own[i].value.len == tag->value.len
            && ngx_strncmp(own[i].key.data, tag->key.data, tag->key.len) == 0
            && ngx_strncmp(own[i].value.data, tag->value.data, tag->value.len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_llm_conf_upstream_model(ngx_http_llm_route_t *route, ngx_str_t *name,
    int *captures, ngx_uint_t ncaptures, ngx_pool_t *pool, ngx_str_t *out)
{
    u_char      *p, *last, *dst;
    size_t       start, len;
    ngx_uint_t   n;

    if (!route->captures) {
        *out = route->upstream_model;
        return NGX_OK;
    }

    /* the model was asked for by a name that no regex has matched */

    if (ncaptures == 0) {
        return NGX_DECLINED;
    }

    dst = ngx_pnalloc(pool, NGX_HTTP_LLM_MODEL_MAX);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    out->data = dst;
    out->len = 0;

    p = route->upstream_model.data;
    last = p + route->upstream_model.len;

    for ( /* void */ ; p < last; p++) {

        if (*p != '$') {
            if (out->len == NGX_HTTP_LLM_MODEL_MAX) {
                return NGX_DECLINED;
            }

            dst[out->len++] = *p;
            continue;
        }

        n = *++p - '0';

        /* a group that took no part in the match is an empty text */

        if (n >= ncaptures || captures[2 * n] < 0) {
            continue;
        }

        start = captures[2 * n];
        len = captures[2 * n + 1] - start;

        if (len > NGX_HTTP_LLM_MODEL_MAX - out->len) {
            return NGX_DECLINED;
        }

        (void) ngx_cpymem(dst + out->len, name->data + start, len);

        out->len += len;
    }

    if (!ngx_http_llm_block_is_name(dst, out->len, NGX_HTTP_LLM_MODEL_MAX)) {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_llm_conf_key_allows(ngx_http_llm_key_t *key,
    ngx_http_llm_model_t *model, ngx_str_t *asked)
{
    if (ngx_http_llm_conf_key_denies(key, &model->name)
        || ngx_http_llm_conf_key_denies(key, asked))
    {
        return 0;
    }

    if (ngx_http_llm_lookup_any(&key->models, &model->name)) {
        return 1;
    }

    return model->captures && ngx_http_llm_lookup_any(&key->models, asked);
}


ngx_http_llm_key_t *
ngx_http_llm_conf_key_by_name(ngx_http_llm_main_conf_t *lmcf, ngx_str_t *name)
{
    ngx_http_llm_lookup_t  *lookup;

    lookup = lmcf->lookup;

    return ngx_http_llm_lookup_find(&lookup->keys, name->data, name->len);
}


ngx_uint_t
ngx_http_llm_conf_key_denies(ngx_http_llm_key_t *key, ngx_str_t *name)
{
    return ngx_http_llm_lookup_any(&key->deny, name);
}


static ngx_uint_t
ngx_http_llm_lookup_any(ngx_array_t *patterns, ngx_str_t *name)
{
    ngx_str_t   *pattern;
    ngx_uint_t   i;

    pattern = patterns->elts;

    for (i = 0; i < patterns->nelts; i++) {
        if (ngx_http_llm_lookup_glob(&pattern[i], name)) {
            return 1;
        }
    }

    return 0;
}


/*
 * '*' stands for any bytes, none and '/' included.  On a mismatch only the
 * last star takes one byte more: earlier ones never need to, which bounds
 * the time by the product of both lengths.
 */

static ngx_uint_t
ngx_http_llm_lookup_glob(ngx_str_t *pattern, ngx_str_t *name)
{
    u_char  *p, *n, *plast, *nlast, *star, *retry;

    p = pattern->data;
    plast = p + pattern->len;

    n = name->data;
    nlast = n + name->len;

    star = NULL;
    retry = NULL;

    while (n < nlast) {

        if (p < plast && *p == '*') {
            star = ++p;
            retry = n;
            continue;
        }

        if (p < plast && *p == *n) {
            p++;
            n++;
            continue;
        }

        if (star == NULL) {
            return 0;
        }

        p = star;
        n = ++retry;
    }

    while (p < plast && *p == '*') {
        p++;
    }

    return p == plast;
}
