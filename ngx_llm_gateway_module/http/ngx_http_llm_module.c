
/*
 * The two nginx modules of the .so: the gateway, whose handlers run after
 * nginx's own access checks, and its filters.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_module.h"
#include "ngx_http_llm_quota.h"
#include "ngx_http_llm_translate.h"
#include "ngx_http_llm_redis.h"


#define NGX_HTTP_LLM_WARM_HEAP  (1024 * 1024)


static ngx_int_t ngx_http_llm_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_llm_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_llm_filter_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_llm_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_llm_init_process(ngx_cycle_t *cycle);
static void ngx_http_llm_warm_heap(ngx_cycle_t *cycle);
static void ngx_http_llm_exit_process(ngx_cycle_t *cycle);


ngx_http_handler_pt  ngx_http_llm_route_handler = ngx_http_llm_content_handler;
ngx_http_handler_pt  ngx_http_llm_admin_handler = ngx_http_llm_admin_content;


static ngx_http_module_t  ngx_http_llm_gateway_module_ctx = {
    ngx_http_llm_preconfiguration,         /* preconfiguration */
    ngx_http_llm_postconfiguration,        /* postconfiguration */

    ngx_http_llm_create_main_conf,         /* create main configuration */
    ngx_http_llm_init_main_conf,           /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_llm_create_loc_conf,          /* create location configuration */
    ngx_http_llm_merge_loc_conf            /* merge location configuration */
};


ngx_module_t  ngx_http_llm_gateway_module = {
    NGX_MODULE_V1,
    &ngx_http_llm_gateway_module_ctx,      /* module context */
    ngx_http_llm_commands,                 /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_llm_init_module,              /* init module */
    ngx_http_llm_init_process,             /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_llm_exit_process,             /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_http_module_t  ngx_http_llm_filter_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_llm_filter_init,              /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_llm_filter_module = {
    NGX_MODULE_V1,
    &ngx_http_llm_filter_module_ctx,       /* module context */
    NULL,                                  /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_llm_preconfiguration(ngx_conf_t *cf)
{
    ngx_http_llm_models_init();
    ngx_http_llm_check_configured();

    return ngx_http_llm_add_variables(cf);
}


static ngx_int_t
ngx_http_llm_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_llm_access_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_llm_account_log_handler;

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_filter_init(ngx_conf_t *cf)
{
    if (ngx_http_llm_body_init(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_llm_output_init(cf);
}


/* what was saved is back before there is a worker */

static ngx_int_t
ngx_http_llm_init_module(ngx_cycle_t *cycle)
{
    ngx_http_llm_main_conf_t  *lmcf;

    lmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_llm_gateway_module);

    if (lmcf == NULL || lmcf->state == NULL) {
        return NGX_OK;
    }

    return ngx_llm_state_load(lmcf->state, cycle);
}


static ngx_int_t
ngx_http_llm_init_process(ngx_cycle_t *cycle)
{
    ngx_http_llm_main_conf_t  *lmcf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    lmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_llm_gateway_module);

    if (lmcf == NULL) {
        return NGX_OK;
    }

    if (lmcf->models.nelts) {
        ngx_http_llm_warm_heap(cycle);
    }

    if (lmcf->usage_log
        && ngx_llm_log_start(lmcf->usage_log, lmcf->zone, cycle) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* where there is no room requests are served, and not summed up */

    if (lmcf->totals) {
        (void) ngx_llm_totals_start(lmcf->totals, cycle);
    }

    if (ngx_http_llm_health_init(cycle, lmcf) != NGX_OK
        || ngx_http_llm_redis_init(cycle, lmcf) != NGX_OK
        || ngx_http_llm_quota_init(cycle, lmcf) != NGX_OK
        || ngx_http_llm_queue_init(cycle, lmcf) != NGX_OK
        || ngx_http_llm_check_init(cycle, lmcf) != NGX_OK
        || ngx_http_llm_authorize_init(cycle, lmcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (lmcf->runtime_keys
        && ngx_llm_keys_start(lmcf->runtime_keys, cycle) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_llm_redis_keys_init(cycle, lmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    return lmcf->state ? ngx_llm_state_start(lmcf->state, cycle) : NGX_OK;
}


/*
 * glibc gives the top of its heap back to the kernel as soon as 128 kB are
 * free, which a few requests at once take and leave all the time: page faults
 * were a tenth of a busy worker's time.  It keeps twice as much as the largest
 * block that was ever freed, so it is shown one.  Elsewhere this does nothing.
 */

static void
ngx_http_llm_warm_heap(ngx_cycle_t *cycle)
{
    void  *p;

    p = ngx_alloc(NGX_HTTP_LLM_WARM_HEAP, cycle->log);

    if (p) {
        ngx_free(p);
    }
}


static void
ngx_http_llm_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_llm_main_conf_t  *lmcf;

    ngx_http_llm_check_stop();
    ngx_http_llm_quota_stop();
    ngx_http_llm_redis_keys_stop();
    ngx_http_llm_redis_stop();
    ngx_http_llm_arena_stop();

    lmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_llm_gateway_module);

    if (lmcf == NULL) {
        return;
    }

    if (lmcf->usage_log) {
        ngx_llm_log_stop(lmcf->usage_log);
    }

    if (lmcf->state) {
        ngx_llm_state_stop(lmcf->state);
    }
}
