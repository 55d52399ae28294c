
#include "ngx_http_llm_conf.h"
#include "ngx_http_llm_block.h"
#include "ngx_http_llm_class.h"
#include "ngx_http_llm_key.h"
#include "ngx_http_llm_label.h"
#include "ngx_http_llm_limit.h"
#include "ngx_http_llm_location.h"
#include "ngx_http_llm_lookup.h"
#include "ngx_http_llm_model.h"
#include "ngx_http_llm_prices.h"
#include "ngx_http_llm_provider.h"
#include "ngx_http_llm_redis_conf.h"
#include "ngx_llm_quota.h"


#define NGX_HTTP_LLM_ZONE_SIZE    (8 * 1024 * 1024)

#define NGX_HTTP_LLM_LOG_BUFFER   65536
#define NGX_HTTP_LLM_LOG_FLUSH    1000


static char *ngx_http_llm_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_llm_zone_t *ngx_http_llm_zone_add(ngx_conf_t *cf, size_t size);
static char *ngx_http_llm_usage_log(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_llm_usage_log_param(ngx_conf_t *cf,
    ngx_str_t *word, ssize_t *buffer, ngx_int_t *flush);
static ngx_int_t ngx_http_llm_usage_log_check(ngx_conf_t *cf,
    ngx_str_t *path);
static char *ngx_http_llm_id_secret(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


ngx_command_t  ngx_http_llm_commands[] = {

    { ngx_string("llm_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_llm_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("llm_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_llm_redis_set,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("llm_prices"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_llm_prices_set,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("llm_usage_log"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_llm_usage_log,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("llm_id_secret"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_llm_id_secret,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("llm_provider"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_llm_provider_block,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("llm_model"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_llm_model_block,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("llm_class"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_llm_class_block,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("llm_key"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_llm_key_block,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("llm_limit"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_2MORE,
      ngx_http_llm_limit_set,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("llm_route"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE123,
      ngx_http_llm_location_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("llm_admin"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_llm_admin_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


void *
ngx_http_llm_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_llm_main_conf_t  *lmcf;

    /*
     * set by ngx_pcalloc():
     *
     *     lmcf->zone = NULL;
     *     lmcf->state = NULL;
     *     lmcf->prices = NULL;
     *     lmcf->redis = NULL;
     *     lmcf->id_secret = { 0, NULL };
     */

    lmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_llm_main_conf_t));
    if (lmcf == NULL) {
        return NULL;
    }

    lmcf->usage_log = NGX_CONF_UNSET_PTR;

    if (ngx_array_init(&lmcf->providers, cf->pool, 4,
                       sizeof(ngx_http_llm_provider_t *))
        != NGX_OK)
    {
        return NULL;
    }

    if (ngx_array_init(&lmcf->models, cf->pool, 4,
                       sizeof(ngx_http_llm_model_t *))
        != NGX_OK)
    {
        return NULL;
    }

    if (ngx_array_init(&lmcf->classes, cf->pool, 4,
                       sizeof(ngx_http_llm_class_t *))
        != NGX_OK)
    {
        return NULL;
    }

    if (ngx_array_init(&lmcf->keys, cf->pool, 4, sizeof(ngx_http_llm_key_t *))
        != NGX_OK)
    {
        return NULL;
    }

    lmcf->lookup = ngx_http_llm_lookup_create(cf);
    if (lmcf->lookup == NULL) {
        return NULL;
    }

    lmcf->default_class = ngx_http_llm_class_create_default(cf, lmcf);
    if (lmcf->default_class == NULL) {
        return NULL;
    }

    return lmcf;
}


char *
ngx_http_llm_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_llm_main_conf_t *lmcf = conf;

    ngx_http_llm_lookup_t  *lookup;

    lookup = lmcf->lookup;

    ngx_conf_init_ptr_value(lmcf->usage_log, NULL);

    if (lmcf->zone == NULL && lookup->used) {
        lmcf->zone = ngx_http_llm_zone_add(cf, NGX_HTTP_LLM_ZONE_SIZE);
        if (lmcf->zone == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (lmcf->state
        && ngx_llm_quota_journal(cf, lmcf->zone, lmcf->state) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (lmcf->zone) {
        lmcf->runtime_keys = ngx_llm_keys_add(cf, lmcf->zone, lmcf->state,
                                              lmcf->redis != NULL);
        if (lmcf->runtime_keys == NULL) {
            return NGX_CONF_ERROR;
        }

        lmcf->totals = ngx_llm_totals_add(cf, lmcf->zone, lmcf->state);
        if (lmcf->totals == NULL) {
            return NGX_CONF_ERROR;
        }

        if (lmcf->redis && lmcf->state
            && ngx_llm_tally_journal(cf, lmcf->zone, lmcf->state) != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_http_llm_provider_init(cf, lmcf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_llm_route_init(cf, lmcf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_llm_backup_init(cf, lmcf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_llm_class_init(cf, lmcf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_llm_key_init(cf, lmcf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_llm_limit_init(cf, lmcf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_llm_location_init(cf, lmcf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_llm_label_init(cf, lmcf);
}


static char *
ngx_http_llm_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_llm_main_conf_t *lmcf = conf;

    ssize_t     size;
    ngx_str_t  *value, name, dir;

    if (lmcf->zone) {
        return "is duplicate";
    }

    value = cf->args->elts;

    size = ngx_parse_size(&value[1]);

    if (size == NGX_ERROR) {
        return ngx_http_llm_block_invalid(cf, &value[1],
                                          "a size, like \"8m\"");
    }

    lmcf->zone = ngx_http_llm_zone_add(cf, size);

    if (lmcf->zone == NULL) {
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    if (ngx_http_llm_block_pair(&value[2], &name, &dir) != NGX_OK
        || !llm_str_is(&name, "state"))
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown parameter \"%V\" in \"llm_zone\" "
                           "directive, it must be \"state=DIR\"", &value[2]);
        return NGX_CONF_ERROR;
    }

    if (dir.len == 0) {
        return ngx_http_llm_block_invalid(cf, &value[2],
                                          "\"state=\" and a directory");
    }

    lmcf->state = ngx_llm_state_add(cf, &dir, lmcf->zone);

    return lmcf->state ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static ngx_llm_zone_t *
ngx_http_llm_zone_add(ngx_conf_t *cf, size_t size)
{
    static ngx_str_t  name = ngx_string("llm");

    return ngx_llm_zone_add(cf, &name, size, &ngx_http_llm_gateway_module);
}


static char *
ngx_http_llm_usage_log(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_llm_main_conf_t *lmcf = conf;

    ssize_t                 buffer;
    ngx_int_t               flush;
    ngx_str_t              *value;
    ngx_uint_t              i;
    ngx_http_llm_lookup_t  *lookup;

    if (lmcf->usage_log != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    lookup = lmcf->lookup;
    lookup->used = 1;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {

        if (cf->args->nelts != 2) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "unknown parameter \"%V\"", &value[2]);
            return NGX_CONF_ERROR;
        }

        lmcf->usage_log = NULL;

        return NGX_CONF_OK;
    }

    buffer = NGX_CONF_UNSET;
    flush = NGX_CONF_UNSET;

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_llm_usage_log_param(cf, &value[i], &buffer, &flush)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    ngx_conf_init_value(buffer, NGX_HTTP_LLM_LOG_BUFFER);
    ngx_conf_init_value(flush, NGX_HTTP_LLM_LOG_FLUSH);

    if (ngx_http_llm_usage_log_check(cf, &value[1]) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    lmcf->usage_log = ngx_llm_log_add(cf, &value[1], (size_t) buffer,
                                      (ngx_msec_t) flush);

    return lmcf->usage_log ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_llm_usage_log_param(ngx_conf_t *cf, ngx_str_t *word, ssize_t *buffer,
    ngx_int_t *flush)
{
    ngx_str_t  name, value;

    if (ngx_http_llm_block_pair(word, &name, &value) != NGX_OK) {
        goto unknown;
    }

    if (llm_str_is(&name, "buffer")) {

        if (*buffer != NGX_CONF_UNSET) {
            goto duplicate;
        }

        *buffer = ngx_parse_size(&value);

        if (*buffer == NGX_ERROR || *buffer == 0) {
            (void) ngx_http_llm_block_invalid(cf, word,
                                          "a size above 0, like \"64k\"");
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    if (llm_str_is(&name, "flush")) {

        if (*flush != NGX_CONF_UNSET) {
            goto duplicate;
        }

        *flush = ngx_parse_time(&value, 0);

        if (*flush == NGX_ERROR || *flush == 0) {
            (void) ngx_http_llm_block_invalid(cf, word,
                                          "a time above 0, like \"1s\"");
            return NGX_ERROR;
        }

        return NGX_OK;
    }

unknown:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown parameter \"%V\" in \"llm_usage_log\" "
                       "directive, it must be \"buffer=\" or \"flush=\"",
                       word);

    return NGX_ERROR;

duplicate:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "duplicate parameter \"%V\"", word);

    return NGX_ERROR;
}


/* nginx opens the file when all has been read, and forgets the place then */

static ngx_int_t
ngx_http_llm_usage_log_check(ngx_conf_t *cf, ngx_str_t *path)
{
    ngx_fd_t   fd;
    ngx_str_t  full;

    full = *path;

    if (ngx_conf_full_name(cf->cycle, &full, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    fd = ngx_open_file(full.data, NGX_FILE_APPEND, NGX_FILE_CREATE_OR_OPEN,
                       NGX_FILE_DEFAULT_ACCESS);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", &full);
        return NGX_ERROR;
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", &full);
    }

    return NGX_OK;
}


static char *
ngx_http_llm_id_secret(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_llm_main_conf_t *lmcf = conf;

    ngx_str_t              *value;
    ngx_http_llm_lookup_t  *lookup;

    if (lmcf->id_secret.data) {
        return "is duplicate";
    }

    lookup = lmcf->lookup;
    lookup->used = 1;

    value = cf->args->elts;

    if (ngx_llm_secret_resolve(cf, &value[1], 1, &lmcf->id_secret) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (lmcf->id_secret.len == 0) {
        return "takes a secret that is not empty";
    }

    return NGX_CONF_OK;
}
