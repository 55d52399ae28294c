
#include "ngx_http_llm_key.h"
#include "ngx_http_llm_limit.h"
#include "ngx_http_llm_lookup.h"


/* a key while its block is read; the key comes first, so that the table's
   offsets are its own */

typedef struct {
    ngx_http_llm_key_t         key;
    ngx_uint_t                 class;         /* 1: "class" was given */
} ngx_http_llm_key_block_t;


static ngx_http_llm_key_t *ngx_http_llm_key_create(ngx_conf_t *cf,
    ngx_http_llm_main_conf_t *lmcf, ngx_str_t *name);
static char *ngx_http_llm_key_models(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
static char *ngx_http_llm_key_class(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
static char *ngx_http_llm_key_cidr(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
static char *ngx_http_llm_key_expires(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
static int ngx_libc_cdecl ngx_http_llm_key_compare(const void *one,
    const void *two);


static ngx_http_llm_directive_t  ngx_http_llm_key_directives[] = {

    { ngx_string("secret"), 1, 2, ngx_http_llm_secret_set, 0 },

    { ngx_string("owner"), 1, 1, ngx_http_llm_block_set_name,
      offsetof(ngx_http_llm_key_t, owner) },

    { ngx_string("team"), 1, 1, ngx_http_llm_block_set_name,
      offsetof(ngx_http_llm_key_t, team) },

    { ngx_string("app"), 1, 1, ngx_http_llm_block_set_name,
      offsetof(ngx_http_llm_key_t, app) },

    { ngx_string("env"), 1, 1, ngx_http_llm_block_set_name,
      offsetof(ngx_http_llm_key_t, env) },

    { ngx_string("models"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_key_models, offsetof(ngx_http_llm_key_t, models) },

    { ngx_string("deny"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_key_models, offsetof(ngx_http_llm_key_t, deny) },

    { ngx_string("endpoint"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_block_set_endpoints,
      offsetof(ngx_http_llm_key_t, endpoints) },

    { ngx_string("class"), 1, 1, ngx_http_llm_key_class, 0 },

    { ngx_string("cidr"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_key_cidr, 0 },

    { ngx_string("expires"), 1, 1, ngx_http_llm_key_expires, 0 },

    { ngx_string("limit"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_limit_set_key, offsetof(ngx_http_llm_key_t, limits) },

    { ngx_string("active"), 1, 1, ngx_http_llm_block_set_flag,
      offsetof(ngx_http_llm_key_t, active) },

      ngx_http_llm_directive_null
};


char *
ngx_http_llm_key_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_llm_main_conf_t *lmcf = conf;

    char                *rv;
    ngx_str_t           *value;
    ngx_http_llm_key_t  *key;

    value = cf->args->elts;

    key = ngx_http_llm_key_create(cf, lmcf, &value[1]);
    if (key == NULL) {
        return NGX_CONF_ERROR;
    }

    rv = ngx_http_llm_block_parse(cf, ngx_http_llm_key_directives, key);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    ngx_conf_init_value(key->active, 1);

    if (key->endpoints == 0) {
        key->endpoints = NGX_HTTP_LLM_ALL_ENDPOINTS;
    }

    return ngx_http_llm_secret_finish(cf, key);
}


static ngx_http_llm_key_t *
ngx_http_llm_key_create(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf,
    ngx_str_t *name)
{
    ngx_http_llm_key_t        *key, **kp;
    ngx_http_llm_lookup_t     *lookup;
    ngx_http_llm_key_block_t  *block;

    if (ngx_http_llm_block_check_name(cf, name, NGX_HTTP_LLM_NAME_MAX)
        != NGX_OK)
    {
        return NULL;
    }

    lookup = lmcf->lookup;
    lookup->used = 1;

    key = ngx_http_llm_lookup_find(&lookup->keys, name->data, name->len);

    if (key) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate llm_key \"%V\" (first in %s:%ui)",
                           name, key->place.file, key->place.line);
        return NULL;
    }

    block = ngx_pcalloc(cf->pool, sizeof(ngx_http_llm_key_block_t));
    if (block == NULL) {
        return NULL;
    }

    key = &block->key;

    key->name = *name;
    key->active = NGX_CONF_UNSET;
    ngx_http_llm_block_place(cf, &key->place);

    if (ngx_array_init(&key->models, cf->pool, 2, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NULL;
    }

    if (ngx_array_init(&key->deny, cf->pool, 1, sizeof(ngx_str_t)) != NGX_OK) {
        return NULL;
    }

    if (ngx_array_init(&key->secrets, cf->pool, 1,
                       sizeof(ngx_http_llm_secret_t))
        != NGX_OK)
    {
        return NULL;
    }

    kp = ngx_array_push(&lmcf->keys);
    if (kp == NULL) {
        return NULL;
    }

    *kp = key;

    if (ngx_http_llm_lookup_add(cf, &lookup->keys, name->data, name->len, key)
        != NGX_OK)
    {
        return NULL;
    }

    return key;
}


static char *
ngx_http_llm_key_models(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_str_t    *value, *pattern;
    ngx_uint_t    i;
    ngx_array_t  *patterns;

    patterns = (ngx_array_t *) ((char *) object + d->offset);
    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_llm_block_check_name(cf, &value[i],
                                          NGX_HTTP_LLM_MODEL_MAX)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        if (value[i].data[0] == '~') {
            return ngx_http_llm_block_invalid(cf, &value[i],
                              "a model's name or a pattern with \"*\"");
        }

        pattern = ngx_array_push(patterns);
        if (pattern == NULL) {
            return NGX_CONF_ERROR;
        }

        *pattern = value[i];
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_key_class(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_key_block_t *block = object;

    ngx_str_t              *value;
    ngx_http_llm_lookup_t  *lookup;

    if (block->class) {
        return "is duplicate";
    }

    block->class = 1;

    value = cf->args->elts;
    lookup = ngx_http_llm_lookup_get(cf);

    if (ngx_http_llm_lookup_defer(cf, &lookup->key_classes, &block->key,
                                  &value[1])
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_key_cidr(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_key_t *key = object;

    ngx_int_t    rc;
    ngx_str_t   *value;
    ngx_uint_t   i;
    ngx_cidr_t  *cidr;

    if (key->cidr == NULL) {
        key->cidr = ngx_array_create(cf->pool, 2, sizeof(ngx_cidr_t));
        if (key->cidr == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        cidr = ngx_array_push(key->cidr);
        if (cidr == NULL) {
            return NGX_CONF_ERROR;
        }

        rc = ngx_ptocidr(&value[i], cidr);

        if (rc == NGX_ERROR) {
            return ngx_http_llm_block_invalid(cf, &value[i],
                                  "an address or a network, like "
                                  "\"10.0.0.0/8\" or \"2001:db8::/32\"");
        }

        if (rc == NGX_DONE) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "low address bits of %V are meaningless",
                               &value[i]);
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_key_expires(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_key_t *key = object;

    time_t       t;
    ngx_str_t   *value;
    ngx_uint_t   date;

    if (key->expires) {
        return "is duplicate";
    }

    value = cf->args->elts;

    /* a date is the first day on which the key is expired */

    t = ngx_http_llm_secret_time(&value[1], &date);

    if (t == (time_t) NGX_ERROR) {
        return ngx_http_llm_block_invalid(cf, &value[1],
                                      "a UTC date YYYY-MM-DD or a time "
                                      "YYYY-MM-DDTHH:MM:SSZ");
    }

    key->expires = t;

    return NGX_CONF_OK;
}


char *
ngx_http_llm_key_init(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf)
{
    ngx_uint_t               i;
    ngx_http_llm_key_t      *key;
    ngx_http_llm_lookup_t   *lookup;
    ngx_http_llm_pending_t  *pending;

    lookup = lmcf->lookup;
    pending = lookup->key_classes.elts;

    for (i = 0; i < lookup->key_classes.nelts; i++) {

        key = pending[i].object;

        key->class = ngx_http_llm_conf_find_class(lmcf, &pending[i].name);

        if (key->class == NULL) {
            return ngx_http_llm_block_error(cf, &pending[i].place,
                            "unknown class \"%V\" in llm_key \"%V\", no "
                            "llm_class has this name", &pending[i].name,
                            &key->name);
        }
    }

    /* so that they are listed page by page without a look at all of them */

    ngx_qsort(lmcf->keys.elts, lmcf->keys.nelts, sizeof(ngx_http_llm_key_t *),
              ngx_http_llm_key_compare);

    return NGX_CONF_OK;
}


static int ngx_libc_cdecl
ngx_http_llm_key_compare(const void *one, const void *two)
{
    ngx_http_llm_key_t  *a, *b;

    a = *(ngx_http_llm_key_t **) one;
    b = *(ngx_http_llm_key_t **) two;

    return (int) ngx_memn2cmp(a->name.data, b->name.data, a->name.len,
                              b->name.len);
}
