
#include "ngx_http_llm_prices.h"
#include "ngx_http_llm_block.h"
#include "ngx_http_llm_lookup.h"


#define NGX_HTTP_LLM_PRICES_MAX   (64 * 1024 * 1024)
#define NGX_HTTP_LLM_VERSION_LEN  12


static ngx_int_t ngx_http_llm_prices_read(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *text);


char *
ngx_http_llm_prices_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_llm_main_conf_t *lmcf = conf;

    int                     rc;
    u_char                  digest[NGX_LLM_DIGEST_LEN];
    u_char                 *p;
    ngx_str_t              *value, text;
    llm_str_t               version, err;
    ngx_http_llm_lookup_t  *lookup;

    lookup = lmcf->lookup;
    lookup->used = 1;

    value = cf->args->elts;

    if (ngx_conf_full_name(cf->cycle, &value[1], 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (lmcf->prices == NULL) {
        lmcf->prices = llm_prices_create(&lookup->arena);
        if (lmcf->prices == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_http_llm_prices_read(cf, &value[1], &text) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_llm_secret_digest(&text, digest);

    p = ngx_pnalloc(cf->pool, 2 * NGX_LLM_DIGEST_LEN);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    (void) ngx_hex_dump(p, digest, NGX_LLM_DIGEST_LEN);

    version.len = NGX_HTTP_LLM_VERSION_LEN;
    version.data = p;

    err.len = 0;
    err.data = NULL;

    rc = llm_prices_load(lmcf->prices, text.data, text.len, &version, &err);

    if (rc != LLM_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "price catalogue \"%V\" cannot be used: %V",
                           &value[1], (ngx_str_t *) &err);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_llm_prices_read(ngx_conf_t *cf, ngx_str_t *name, ngx_str_t *text)
{
    size_t           size;
    ssize_t          n;
    ngx_int_t        rc;
    ngx_file_t       file;
    ngx_file_info_t  fi;

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name = *name;
    file.log = cf->log;

    file.fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", name);
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    if (ngx_fd_info(file.fd, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" failed", name);
        goto done;
    }

    if (!ngx_is_file(&fi) || ngx_file_size(&fi) > NGX_HTTP_LLM_PRICES_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" must be a file of at most %uz bytes",
                           name, (size_t) NGX_HTTP_LLM_PRICES_MAX);
        goto done;
    }

    size = (size_t) ngx_file_size(&fi);

    text->len = size;
    text->data = ngx_pnalloc(cf->pool, size + 1);
    if (text->data == NULL) {
        goto done;
    }

    n = ngx_read_file(&file, text->data, size, 0);

    if (n != (ssize_t) size) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, n == -1 ? ngx_errno : 0,
                           ngx_read_fd_n " \"%V\" returned %z of %uz bytes",
                           name, n, size);
        goto done;
    }

    rc = NGX_OK;

done:

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", name);
    }

    return rc;
}


unsigned
ngx_http_llm_prices_prefixes(ngx_http_llm_provider_t *provider,
    llm_str_t *prefixes)
{
    unsigned          n;
    ngx_uint_t        i;
    const llm_str_t  *name;

    /* names of protocols in the catalogue, by llm_protocol_e */

    static const llm_str_t  names[][2] = {
        { llm_string(""), llm_string("") },
        { llm_string("openai"), llm_string("") },
        { llm_string("anthropic"), llm_string("") },
        { llm_string("gemini"), llm_string("vertex_ai") },
        { llm_string("bedrock"), llm_string("bedrock_converse") }
    };

    prefixes[0].len = provider->name.len;
    prefixes[0].data = provider->name.data;
    n = 1;

    name = names[provider->protocol];

    for (i = 0; i < 2; i++) {
        if (name[i].len) {
            prefixes[n++] = name[i];
        }
    }

    return n;
}


char *
ngx_http_llm_prices_route(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf,
    ngx_http_llm_route_t *route)
{
    int                     rc;
    unsigned                n;
    llm_str_t               prefixes[NGX_HTTP_LLM_PREFIXES], model;
    ngx_uint_t              i;
    llm_price_t            *price;
    ngx_keyval_t           *field;
    ngx_http_llm_lookup_t  *lookup;

    if (lmcf->prices) {
        n = ngx_http_llm_prices_prefixes(route->provider, prefixes);

        /* which model captures will make is not known here */

        model.len = route->captures ? 0 : route->upstream_model.len;
        model.data = route->upstream_model.data;

        route->price = llm_prices_find(lmcf->prices, prefixes, n, &model,
                                       (llm_str_t *) &route->model->name);
    }

    if (route->model->price_fields.nelts == 0) {
        return NGX_CONF_OK;
    }

    lookup = lmcf->lookup;

    price = llm_price_inline(&lookup->arena, route->price);
    if (price == NULL) {
        return NGX_CONF_ERROR;
    }

    field = route->model->price_fields.elts;

    for (i = 0; i < route->model->price_fields.nelts; i++) {

        rc = llm_price_set(price, (llm_str_t *) &field[i].key,
                           (llm_str_t *) &field[i].value);

        if (rc != LLM_OK) {
            return ngx_http_llm_block_error(cf, &route->model->place,
                              "price \"%V=%V\" of llm_model \"%V\" cannot be "
                              "laid over the catalogue's", &field[i].key,
                              &field[i].value, &route->model->name);
        }
    }

    route->price = price;

    return NGX_CONF_OK;
}
