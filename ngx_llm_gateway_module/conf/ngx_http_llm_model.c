
#include "ngx_http_llm_model.h"
#include "ngx_http_llm_lookup.h"
#include "llm_scan.h"


/* the conversation families */

#define NGX_HTTP_LLM_ENDPOINTS                                                \
    ((1 << LLM_ENDPOINT_CHAT) | (1 << LLM_ENDPOINT_RESPONSES)                 \
     | (1 << LLM_ENDPOINT_MESSAGES) | (1 << LLM_ENDPOINT_GEMINI))


static ngx_http_llm_model_t *ngx_http_llm_model_create(ngx_conf_t *cf,
    ngx_http_llm_main_conf_t *lmcf, ngx_str_t *name);
static ngx_int_t ngx_http_llm_model_unique(ngx_conf_t *cf, ngx_str_t *name);
static char *ngx_http_llm_model_price(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
static char *ngx_http_llm_model_max_tokens(ngx_conf_t *cf,
    ngx_http_llm_directive_t *d, void *object);
static ngx_int_t ngx_http_llm_alias_exact(ngx_conf_t *cf,
    ngx_http_llm_model_t *model, ngx_str_t *name);
static ngx_int_t ngx_http_llm_alias_regex(ngx_conf_t *cf,
    ngx_http_llm_model_block_t *block, ngx_str_t *alias);
static char *ngx_http_llm_member_value(ngx_conf_t *cf,
    ngx_http_llm_member_t *member, ngx_str_t *word, ngx_str_t *value);


static ngx_http_llm_directive_t  ngx_http_llm_model_directives[] = {

    { ngx_string("alias"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_alias_set, 0 },

    { ngx_string("endpoint"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_block_set_endpoints,
      offsetof(ngx_http_llm_model_t, endpoints) },

    { ngx_string("route"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_route_set, 0 },

    { ngx_string("contract"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_contract_set, 0 },

    { ngx_string("backup"), 1, 2, ngx_http_llm_backup_set, 0 },

    { ngx_string("price"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_model_price, 0 },

    { ngx_string("max_tokens"), 1, 1, ngx_http_llm_model_max_tokens, 0 },

    { ngx_string("default"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_member_set, NGX_HTTP_LLM_MEMBER_DEFAULT },

    { ngx_string("override"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_member_set, NGX_HTTP_LLM_MEMBER_OVERRIDE },

    { ngx_string("drop"), 1, NGX_HTTP_LLM_ARGS_ANY,
      ngx_http_llm_member_set, NGX_HTTP_LLM_MEMBER_DROP },

      ngx_http_llm_directive_null
};


char *
ngx_http_llm_model_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_llm_main_conf_t *lmcf = conf;

    char                  *rv;
    ngx_str_t             *value;
    ngx_http_llm_model_t  *model;

    value = cf->args->elts;

    model = ngx_http_llm_model_create(cf, lmcf, &value[1]);
    if (model == NULL) {
        return NGX_CONF_ERROR;
    }

    rv = ngx_http_llm_block_parse(cf, ngx_http_llm_model_directives, model);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (model->endpoints == 0) {
        model->endpoints = NGX_HTTP_LLM_ENDPOINTS;
    }

    rv = ngx_http_llm_route_finish(cf, (ngx_http_llm_model_block_t *) model);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_http_llm_contract_finish(cf, model);
}


static ngx_http_llm_model_t *
ngx_http_llm_model_create(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf,
    ngx_str_t *name)
{
    ngx_http_llm_model_t        *model, **mp;
    ngx_http_llm_lookup_t       *lookup;
    ngx_http_llm_model_block_t  *block;

    if (ngx_http_llm_block_check_name(cf, name, NGX_HTTP_LLM_NAME_MAX)
        != NGX_OK)
    {
        return NULL;
    }

    if (name->data[0] == '~'
        || ngx_strlchr(name->data, name->data + name->len, '*')
        || ngx_strlchr(name->data, name->data + name->len, '$'))
    {
        (void) ngx_http_llm_block_invalid(cf, name,
                   "one model's name, without \"*\", \"$\" and a leading "
                   "\"~\"; patterns belong to \"alias\"");
        return NULL;
    }

    if (ngx_http_llm_model_unique(cf, name) != NGX_OK) {
        return NULL;
    }

    lookup = lmcf->lookup;
    lookup->used = 1;

    block = ngx_pcalloc(cf->pool, sizeof(ngx_http_llm_model_block_t));
    if (block == NULL) {
        return NULL;
    }

    model = &block->model;

    model->name = *name;
    model->max_tokens = -1;
    model->contract.context = -1;
    model->index = lmcf->models.nelts;
    ngx_http_llm_block_place(cf, &model->place);

    if (ngx_array_init(&model->routes, cf->pool, 2,
                       sizeof(ngx_http_llm_route_t *))
        != NGX_OK)
    {
        return NULL;
    }

    if (ngx_array_init(&model->members, cf->pool, 2,
                       sizeof(ngx_http_llm_member_t))
        != NGX_OK)
    {
        return NULL;
    }

    if (ngx_array_init(&model->price_fields, cf->pool, 2,
                       sizeof(ngx_keyval_t))
        != NGX_OK)
    {
        return NULL;
    }

    if (ngx_array_init(&model->contract.names, cf->pool, 4, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NULL;
    }

    if (ngx_array_init(&model->backups, cf->pool, 1,
                       sizeof(ngx_http_llm_backup_t))
        != NGX_OK)
    {
        return NULL;
    }

    if (ngx_array_init(&block->backup_classes, cf->pool, 1, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NULL;
    }

    mp = ngx_array_push(&lmcf->models);
    if (mp == NULL) {
        return NULL;
    }

    *mp = model;

    if (ngx_http_llm_lookup_add(cf, &lookup->models, name->data, name->len,
                                model)
        != NGX_OK)
    {
        return NULL;
    }

    return model;
}


static ngx_int_t
ngx_http_llm_model_unique(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_http_llm_model_t   *other;
    ngx_http_llm_lookup_t  *lookup;

    lookup = ngx_http_llm_lookup_get(cf);

    other = ngx_http_llm_lookup_find(&lookup->models, name->data, name->len);
    if (other == NULL) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "duplicate model name \"%V\", it is a name of "
                       "llm_model \"%V\" (in %s:%ui)", name, &other->name,
                       other->place.file, other->place.line);

    return NGX_ERROR;
}


char *
ngx_http_llm_alias_set(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_model_block_t *block = object;

    ngx_int_t               rc;
    ngx_str_t              *value;
    ngx_uint_t              i;
    ngx_http_llm_glob_t    *glob;
    ngx_http_llm_lookup_t  *lookup;

    lookup = ngx_http_llm_lookup_get(cf);
    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (value[i].len && value[i].data[0] == '~') {
            rc = ngx_http_llm_alias_regex(cf, block, &value[i]);

        } else if (ngx_http_llm_block_check_name(cf, &value[i],
                                                 NGX_HTTP_LLM_MODEL_MAX)
                   != NGX_OK)
        {
            rc = NGX_ERROR;

        } else if (ngx_strlchr(value[i].data, value[i].data + value[i].len,
                               '*'))
        {
            glob = ngx_array_push(&lookup->globs);
            if (glob == NULL) {
                return NGX_CONF_ERROR;
            }

            glob->pattern = value[i];
            glob->model = &block->model;
            rc = NGX_OK;

        } else {
            rc = ngx_http_llm_alias_exact(cf, &block->model, &value[i]);
        }

        if (rc != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_llm_alias_exact(ngx_conf_t *cf, ngx_http_llm_model_t *model,
    ngx_str_t *name)
{
    ngx_http_llm_lookup_t  *lookup;

    if (ngx_http_llm_model_unique(cf, name) != NGX_OK) {
        return NGX_ERROR;
    }

    lookup = ngx_http_llm_lookup_get(cf);

    return ngx_http_llm_lookup_add(cf, &lookup->models, name->data, name->len,
                                   model);
}


static ngx_int_t
ngx_http_llm_alias_regex(ngx_conf_t *cf, ngx_http_llm_model_block_t *block,
    ngx_str_t *alias)
{
#if (NGX_PCRE)
    u_char                  errstr[NGX_MAX_CONF_ERRSTR];
    ngx_regex_compile_t     rc;
    ngx_http_llm_regex_t   *re;
    ngx_http_llm_lookup_t  *lookup;

    ngx_memzero(&rc, sizeof(ngx_regex_compile_t));

    rc.pattern.len = alias->len - 1;
    rc.pattern.data = alias->data + 1;

    if (rc.pattern.len && rc.pattern.data[0] == '*') {
        rc.pattern.len--;
        rc.pattern.data++;
        rc.options = NGX_REGEX_CASELESS;
    }

    if (rc.pattern.len == 0) {
        (void) ngx_http_llm_block_invalid(cf, alias,
                                          "\"~\" and a regular expression");
        return NGX_ERROR;
    }

    rc.pool = cf->pool;
    rc.err.len = NGX_MAX_CONF_ERRSTR;
    rc.err.data = errstr;

    if (ngx_regex_compile(&rc) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%V", &rc.err);
        return NGX_ERROR;
    }

    if (rc.captures > 9) {
        (void) ngx_http_llm_block_invalid(cf, alias,
                            "a regular expression with at most 9 captures");
        return NGX_ERROR;
    }

    lookup = ngx_http_llm_lookup_get(cf);

    re = ngx_array_push(&lookup->regexes);
    if (re == NULL) {
        return NGX_ERROR;
    }

    re->pattern = *alias;
    re->regex = rc.regex;
    re->model = &block->model;

    if (block->regexes++ == 0) {
        block->captures = rc.captures;

    } else {
        block->captures = ngx_min(block->captures, (ngx_uint_t) rc.captures);
    }

    return NGX_OK;

#else

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "using regex \"%V\" requires PCRE library", alias);

    return NGX_ERROR;

#endif
}


static char *
ngx_http_llm_model_price(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_model_t *model = object;

    int                     rc;
    ngx_str_t              *word, key, value;
    ngx_uint_t              i, n;
    llm_price_t            *price;
    ngx_keyval_t           *field;
    ngx_http_llm_lookup_t  *lookup;

    lookup = ngx_http_llm_lookup_get(cf);
    word = cf->args->elts;

    /* only tries the fields: their base is known when all has been read */

    price = llm_price_inline(&lookup->arena, NULL);
    if (price == NULL) {
        return NGX_CONF_ERROR;
    }

    for (n = 1; n < cf->args->nelts; n++) {

        rc = LLM_DECLINED;

        if (ngx_http_llm_block_pair(&word[n], &key, &value) == NGX_OK) {
            rc = llm_price_set(price, (llm_str_t *) &key,
                               (llm_str_t *) &value);
        }

        if (rc == LLM_DECLINED) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "unknown parameter \"%V\" in \"price\" "
                               "directive, it must be a unit and its price "
                               "in USD, like \"input=2.50\"", &word[n]);
            return NGX_CONF_ERROR;
        }

        if (rc != LLM_OK) {
            return ngx_http_llm_block_invalid(cf, &word[n],
                                          "a decimal number of USD, like "
                                          "\"input=2.50\"");
        }

        field = model->price_fields.elts;

        for (i = 0; i < model->price_fields.nelts; i++) {
            if (field[i].key.len == key.len
                && ngx_strncmp(field[i].key.data, key.data, key.len) == 0)
            {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "duplicate parameter \"%V\"", &word[n]);
                return NGX_CONF_ERROR;
            }
        }

        field = ngx_array_push(&model->price_fields);
        if (field == NULL) {
            return NGX_CONF_ERROR;
        }

        field->key = key;
        field->value = value;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_model_max_tokens(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_model_t *model = object;

    ngx_int_t   n;
    ngx_str_t  *value;

    if (model->max_tokens != -1) {
        return "is duplicate";
    }

    value = cf->args->elts;

    n = ngx_http_llm_block_count(&value[1]);

    if (n == NGX_ERROR || n == 0) {
        return ngx_http_llm_block_invalid(cf, &value[1],
                                      "a count above 0, like \"16384\" or "
                                      "\"16k\"");
    }

    model->max_tokens = n;

    return NGX_CONF_OK;
}


char *
ngx_http_llm_member_set(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_model_t *model = object;

    ngx_str_t              *word, name, value;
    ngx_uint_t              i, n;
    ngx_http_llm_member_t  *member;

    word = cf->args->elts;

    for (n = 1; n < cf->args->nelts; n++) {

        if (d->offset == NGX_HTTP_LLM_MEMBER_DROP) {
            name = word[n];

        } else if (ngx_http_llm_block_pair(&word[n], &name, &value)
                   != NGX_OK)
        {
            return ngx_http_llm_block_invalid(cf, &word[n], "NAME=VALUE");
        }

        if (ngx_http_llm_block_check_name(cf, &name, NGX_HTTP_LLM_NAME_MAX)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        if (llm_str_is(&name, "model") || llm_str_is(&name, "stream")) {
            return ngx_http_llm_block_invalid(cf, &word[n],
                              "a member other than \"model\" and \"stream\", "
                              "which the gateway acts on");
        }

        member = model->members.elts;

        for (i = 0; i < model->members.nelts; i++) {
            if (member[i].name.len == name.len
                && ngx_strncmp(member[i].name.data, name.data, name.len) == 0)
            {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "duplicate member \"%V\" in \"%V\" "
                                   "directive, a member may be named once in "
                                   "\"default\", \"override\" and \"drop\"",
                                   &name, &word[0]);
                return NGX_CONF_ERROR;
            }
        }

        member = ngx_array_push(&model->members);
        if (member == NULL) {
            return NGX_CONF_ERROR;
        }

        member->kind = (ngx_http_llm_member_e) d->offset;
        member->name = name;
        ngx_str_null(&member->json);

        if (d->offset != NGX_HTTP_LLM_MEMBER_DROP
            && ngx_http_llm_member_value(cf, member, &word[n], &value)
               != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/*
 * A value that is JSON stays as it is written; other text becomes a string.
 * What starts like an object, an array or a string must be one: a forgotten
 * brace should not become a text.
 */

static char *
ngx_http_llm_member_value(ngx_conf_t *cf, ngx_http_llm_member_t *member,
    ngx_str_t *word, ngx_str_t *value)
{
    llm_buf_t               b;
    llm_scan_t             *scan;
    ngx_http_llm_lookup_t  *lookup;

    lookup = ngx_http_llm_lookup_get(cf);

    scan = llm_scan_create(&lookup->arena, NULL, 0, 0);
    if (scan == NULL) {
        return NGX_CONF_ERROR;
    }

    if (llm_scan_feed(scan, value->data, value->len) == LLM_OK
        && llm_scan_end(scan) == LLM_OK)
    {
        member->json = *value;
        return NGX_CONF_OK;
    }

    if (value->len && ngx_strchr("{[\"", value->data[0]) != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid JSON \"%V\" in \"%V\" directive: %s",
                           word, &((ngx_str_t *) cf->args->elts)[0],
                           llm_scan_error(scan));
        return NGX_CONF_ERROR;
    }

    llm_buf_init(&b, &lookup->arena);
    llm_buf_json(&b, value->data, value->len);

    if (b.failed) {
        return NGX_CONF_ERROR;
    }

    member->json.len = b.len;
    member->json.data = b.data;

    return NGX_CONF_OK;
}
