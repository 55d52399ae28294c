
/*
 * Labels: the members by which usage records tell of an object of the
 * configuration, rendered once.  Objects that are made later have none, and
 * are rendered each time.
 */


#include "ngx_http_llm_label.h"


/* what the longest label may take, bytes */
#define NGX_HTTP_LLM_LABEL_MAX  (1024 * 1024)


typedef void (*ngx_http_llm_label_pt)(void *object, llm_buf_t *b);


static char *ngx_http_llm_label_set(ngx_conf_t *cf, llm_buf_t *b,
    ngx_str_t *label, ngx_http_llm_label_pt print, void *object);
static void ngx_http_llm_label_print_key(void *object, llm_buf_t *b);
static void ngx_http_llm_label_print_route(void *object, llm_buf_t *b);
static void *ngx_http_llm_label_alloc(void *data, size_t size);


char *
ngx_http_llm_label_init(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf)
{
    llm_buf_t                b;
    ngx_uint_t               i, n;
    llm_arena_t              arena;
    ngx_http_llm_key_t     **key;
    ngx_http_llm_model_t   **model;
    ngx_http_llm_route_t   **route;

    arena.alloc = ngx_http_llm_label_alloc;
    arena.data = cf->temp_pool;
    arena.left = NGX_HTTP_LLM_LABEL_MAX;

    llm_buf_init(&b, &arena);

    key = lmcf->keys.elts;

    for (i = 0; i < lmcf->keys.nelts; i++) {
        if (ngx_http_llm_label_set(cf, &b, &key[i]->label,
                                   ngx_http_llm_label_print_key, key[i])
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    model = lmcf->models.elts;

    for (i = 0; i < lmcf->models.nelts; i++) {
        route = model[i]->routes.elts;

        for (n = 0; n < model[i]->routes.nelts; n++) {
            if (ngx_http_llm_label_set(cf, &b, &route[n]->label,
                                       ngx_http_llm_label_print_route,
                                       route[n])
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_label_set(ngx_conf_t *cf, llm_buf_t *b, ngx_str_t *label,
    ngx_http_llm_label_pt print, void *object)
{
    b->len = 0;

    print(object, b);

    if (b->failed) {
        return NGX_CONF_ERROR;
    }

    label->data = ngx_pnalloc(cf->pool, b->len);
    if (label->data == NULL) {
        return NGX_CONF_ERROR;
    }

    label->len = b->len;
    ngx_memcpy(label->data, b->data, b->len);

    return NGX_CONF_OK;
}


static void
ngx_http_llm_label_print_key(void *object, llm_buf_t *b)
{
    ngx_http_llm_key_t *key = object;

    ngx_http_llm_label_str(b, "key", &key->name);
    ngx_http_llm_label_str(b, "owner", &key->owner);
    ngx_http_llm_label_str(b, "team", &key->team);
    ngx_http_llm_label_str(b, "app", &key->app);
    ngx_http_llm_label_str(b, "env", &key->env);
}


void
ngx_http_llm_label_key(ngx_http_llm_key_t *key, llm_buf_t *b)
{
    if (key->label.len) {
        llm_buf_add(b, key->label.data, key->label.len);
        return;
    }

    ngx_http_llm_label_print_key(key, b);
}


/* without the upstream model, which a request may have had a part in */

static void
ngx_http_llm_label_print_route(void *object, llm_buf_t *b)
{
    ngx_http_llm_route_t *route = object;

    ngx_http_llm_label_str(b, "provider", &route->provider->name);
    ngx_http_llm_label_str(b, "route", &route->name);
}


void
ngx_http_llm_label_route(ngx_http_llm_route_t *route, llm_buf_t *b)
{
    if (route->label.len) {
        llm_buf_add(b, route->label.data, route->label.len);
        return;
    }

    ngx_http_llm_label_print_route(route, b);
}


static void *
ngx_http_llm_label_alloc(void *data, size_t size)
{
    return ngx_palloc(data, size);
}
