
#include "ngx_http_llm_block.h"


typedef struct {
    ngx_http_llm_directive_t  *table;
    void                      *object;
} ngx_http_llm_block_t;


static char *ngx_http_llm_block_line(ngx_conf_t *cf, ngx_command_t *dummy,
    void *conf);


char *
ngx_http_llm_block_parse(ngx_conf_t *cf, ngx_http_llm_directive_t *table,
    void *object)
{
    char                  *rv;
    ngx_conf_t             save;
    ngx_http_llm_block_t   block;

    block.table = table;
    block.object = object;

    save = *cf;
    cf->handler = ngx_http_llm_block_line;
    cf->handler_conf = &block;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    return rv;
}


static char *
ngx_http_llm_block_line(ngx_conf_t *cf, ngx_command_t *dummy, void *conf)
{
    ngx_http_llm_block_t *block = conf;

    char                      *rv;
    ngx_str_t                 *value;
    ngx_uint_t                 n;
    ngx_http_llm_directive_t  *d;

    value = cf->args->elts;
    n = cf->args->nelts - 1;

    if (value[0].len == 7 && ngx_strncmp(value[0].data, "include", 7) == 0) {

        if (n != 1) {
            goto invalid;
        }

        return ngx_conf_include(cf, dummy, conf);
    }

    for (d = block->table; d->name.len; d++) {

        if (d->name.len != value[0].len
            || ngx_strncmp(d->name.data, value[0].data, d->name.len) != 0)
        {
            continue;
        }

        if (n < d->min || n > d->max) {
            goto invalid;
        }

        rv = d->set(cf, d, block->object);

        if (rv == NGX_CONF_OK || rv == NGX_CONF_ERROR) {
            return rv;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" directive %s",
                           &d->name, rv);

        return NGX_CONF_ERROR;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown directive \"%V\"", &value[0]);

    return NGX_CONF_ERROR;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid number of arguments in \"%V\" directive",
                       &value[0]);

    return NGX_CONF_ERROR;
}


void
ngx_http_llm_block_place(ngx_conf_t *cf, ngx_http_llm_place_t *place)
{
    place->file = cf->conf_file->file.name.data;
    place->line = cf->conf_file->line;
}


char *
ngx_http_llm_block_error(ngx_conf_t *cf, ngx_http_llm_place_t *place,
    const char *fmt, ...)
{
    u_char   errstr[NGX_MAX_CONF_ERRSTR], *p;
    va_list  args;

    va_start(args, fmt);
    p = ngx_vslprintf(errstr, errstr + NGX_MAX_CONF_ERRSTR, fmt, args);
    va_end(args);

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "%*s in %s:%ui",
                  p - errstr, errstr, place->file, place->line);

    return NGX_CONF_ERROR;
}


char *
ngx_http_llm_block_invalid(ngx_conf_t *cf, ngx_str_t *word, const char *right)
{
    ngx_str_t  *value;

    value = cf->args->elts;

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\" in \"%V\" directive, "
                       "it must be %s", word, &value[0], right);

    return NGX_CONF_ERROR;
}


ngx_uint_t
ngx_http_llm_block_is_name(u_char *data, size_t len, size_t max)
{
    size_t  i;

    if (len == 0 || len > max) {
        return 0;
    }

    for (i = 0; i < len; i++) {

        if (data[i] <= ' ' || data[i] >= 0x7f) {
            return 0;
        }

        if (data[i] == '"' || data[i] == '\'' || data[i] == '\\') {
            return 0;
        }
    }

    return 1;
}


ngx_int_t
ngx_http_llm_block_check_name(ngx_conf_t *cf, ngx_str_t *word, size_t max)
{
    ngx_str_t  *value;

    if (ngx_http_llm_block_is_name(word->data, word->len, max)) {
        return NGX_OK;
    }

    value = cf->args->elts;

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid name \"%V\" in \"%V\" directive, it must be "
                       "1 to %uz printable ASCII characters without quotes, "
                       "spaces and backslashes", word, &value[0], max);

    return NGX_ERROR;
}


ngx_int_t
ngx_http_llm_block_pair(ngx_str_t *word, ngx_str_t *name, ngx_str_t *value)
{
    u_char  *p, *last;

    last = word->data + word->len;
    p = ngx_strlchr(word->data, last, '=');

    if (p == NULL || p == word->data) {
        return NGX_DECLINED;
    }

    name->data = word->data;
    name->len = p - word->data;

    value->data = p + 1;
    value->len = last - value->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_block_item(ngx_str_t *list, ngx_str_t *item)
{
    u_char  *p, *last;

    if (list->data == NULL) {
        return NGX_DONE;
    }

    *item = *list;

    last = list->data + list->len;
    p = ngx_strlchr(list->data, last, ',');

    if (p == NULL) {
        ngx_str_null(list);
        return NGX_OK;
    }

    item->len = p - item->data;

    list->data = p + 1;
    list->len = last - list->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_block_count(ngx_str_t *word)
{
    size_t     len;
    ngx_int_t  n, scale;

    len = word->len;

    if (len == 0) {
        return NGX_ERROR;
    }

    switch (word->data[len - 1]) {

    case 'k':
    case 'K':
        scale = 1000;
        len--;
        break;

    case 'm':
    case 'M':
        scale = 1000000;
        len--;
        break;

    default:
        scale = 1;
    }

    n = ngx_atoi(word->data, len);

    if (n == NGX_ERROR || n > NGX_MAX_INT_T_VALUE / scale) {
        return NGX_ERROR;
    }

    return n * scale;
}


ngx_int_t
ngx_http_llm_block_flag(ngx_conf_t *cf, ngx_str_t *word, ngx_str_t *value,
    ngx_flag_t *flag)
{
    if (value->len == 2 && ngx_strncasecmp(value->data, (u_char *) "on", 2)
                           == 0)
    {
        *flag = 1;
        return NGX_OK;
    }

    if (value->len == 3 && ngx_strncasecmp(value->data, (u_char *) "off", 3)
                           == 0)
    {
        *flag = 0;
        return NGX_OK;
    }

    (void) ngx_http_llm_block_invalid(cf, word, "\"on\" or \"off\"");

    return NGX_ERROR;
}


char *
ngx_http_llm_block_set_name(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_str_t  *value, *field;

    field = (ngx_str_t *) ((char *) object + d->offset);

    if (field->data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_http_llm_block_check_name(cf, &value[1], NGX_HTTP_LLM_NAME_MAX)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    *field = value[1];

    return NGX_CONF_OK;
}


char *
ngx_http_llm_block_set_flag(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_str_t   *value;
    ngx_flag_t  *field;

    field = (ngx_flag_t *) ((char *) object + d->offset);

    if (*field != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_http_llm_block_flag(cf, &value[1], &value[1], field) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_llm_block_set_endpoints(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    uint32_t        *field;
    ngx_str_t       *value;
    ngx_uint_t       i;
    llm_endpoint_e   endpoint;

    field = (uint32_t *) ((char *) object + d->offset);
    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        endpoint = llm_endpoint_by_name((llm_str_t *) &value[i]);

        if (endpoint == LLM_ENDPOINT_NONE) {
            return ngx_http_llm_block_invalid(cf, &value[i],
                       "\"chat\", \"responses\", \"completions\", "
                       "\"embeddings\", \"moderations\", \"rerank\", "
                       "\"images\", \"audio\", \"video\", \"messages\", "
                       "\"gemini\" or \"models\"");
        }

        *field |= (uint32_t) 1 << endpoint;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_llm_block_tags(ngx_conf_t *cf, ngx_array_t *tags)
{
    ngx_str_t     *word, key, value;
    ngx_uint_t     i, n;
    ngx_keyval_t  *tag;

    word = cf->args->elts;

    for (n = 1; n < cf->args->nelts; n++) {

        if (ngx_http_llm_block_pair(&word[n], &key, &value) != NGX_OK
            || value.len == 0)
        {
            return ngx_http_llm_block_invalid(cf, &word[n], "NAME=VALUE");
        }

        if (ngx_http_llm_block_check_name(cf, &word[n],
                                          2 * NGX_HTTP_LLM_NAME_MAX)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        tag = tags->elts;

        for (i = 0; i < tags->nelts; i++) {
            if (tag[i].key.len == key.len
                && ngx_strncmp(tag[i].key.data, key.data, key.len) == 0)
            {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "duplicate tag \"%V\"", &key);
                return NGX_CONF_ERROR;
            }
        }

        tag = ngx_array_push(tags);
        if (tag == NULL) {
            return NGX_CONF_ERROR;
        }

        tag->key = key;
        tag->value = value;
    }

    return NGX_CONF_OK;
}
