
/*
 * llm_admin: the routes of the API.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_admin.h"


static void ngx_http_llm_admin_path(ngx_http_request_t *r, ngx_str_t *path);
static ngx_uint_t ngx_http_llm_admin_fits(ngx_http_llm_admin_route_t *route,
    ngx_str_t *path, ngx_str_t *name);
static ngx_int_t ngx_http_llm_admin_allow(ngx_http_llm_admin_t *adm,
    ngx_str_t *path);


/* a route with an action stands before the same one without */

static ngx_http_llm_admin_route_t  ngx_http_llm_admin_routes[] = {

    { NGX_HTTP_POST, ngx_string("explain"), 0, ngx_null_string, NULL },

    { NGX_HTTP_GET, ngx_string("keys"), 0, ngx_null_string,
      ngx_http_llm_admin_keys_list },

    { NGX_HTTP_POST, ngx_string("keys"), 0, ngx_null_string,
      ngx_http_llm_admin_keys_create },

    { NGX_HTTP_POST, ngx_string("keys"), 1, ngx_string("rotate"),
      ngx_http_llm_admin_keys_rotate },

    { NGX_HTTP_POST, ngx_string("keys"), 1, ngx_string("disable"),
      ngx_http_llm_admin_keys_disable },

    { NGX_HTTP_POST, ngx_string("keys"), 1, ngx_string("enable"),
      ngx_http_llm_admin_keys_enable },

    { NGX_HTTP_GET, ngx_string("keys"), 1, ngx_null_string,
      ngx_http_llm_admin_keys_get },

    { NGX_HTTP_PATCH, ngx_string("keys"), 1, ngx_null_string,
      ngx_http_llm_admin_keys_patch },

    { NGX_HTTP_PUT, ngx_string("keys"), 1, ngx_null_string,
      ngx_http_llm_admin_keys_put },

    { NGX_HTTP_DELETE, ngx_string("keys"), 1, ngx_null_string,
      ngx_http_llm_admin_keys_delete },

    { NGX_HTTP_GET, ngx_string("usage"), 0, ngx_null_string,
      ngx_http_llm_totals_get },

    { NGX_HTTP_GET, ngx_string("limits"), 0, ngx_null_string,
      ngx_http_llm_admin_limits_get },

    { NGX_HTTP_POST, ngx_string("limits"), 0, ngx_string("reset"),
      ngx_http_llm_admin_limits_reset },

    { NGX_HTTP_POST, ngx_string("limits"), 0, ngx_string("topup"),
      ngx_http_llm_admin_limits_topup },

    { NGX_HTTP_GET, ngx_string("openapi.json"), 0, ngx_null_string,
      ngx_http_llm_admin_openapi },

    { 0, ngx_null_string, 0, ngx_null_string, NULL }
};


/* what follows the location's name, with its first slash */

static void
ngx_http_llm_admin_path(ngx_http_request_t *r, ngx_str_t *path)
{
    size_t                       len;
    u_char                      *p;
    ngx_http_llm_admin_route_t  *route;
    ngx_http_core_loc_conf_t    *clcf;

    *path = r->uri;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    len = clcf->name.len;

    if (len && clcf->name.data[len - 1] == '/') {
        len--;
    }

    if (len < r->uri.len
        && ngx_memcmp(r->uri.data, clcf->name.data, len) == 0
        && r->uri.data[len] == '/'
#if (NGX_PCRE)
        && clcf->regex == NULL
#endif
       )
    {
        path->data += len;
        path->len -= len;
        return;
    }

    /* a regular expression: the first segment that a route knows */

    for (p = path->data; p < r->uri.data + r->uri.len; p++) {

        if (*p != '/') {
            continue;
        }

        path->data = p;
        path->len = r->uri.data + r->uri.len - p;

        for (route = ngx_http_llm_admin_routes; route->method; route++) {

            len = route->resource.len;

            if (path->len > len
                && ngx_memcmp(p + 1, route->resource.data, len) == 0
                && (path->len == len + 1 || p[len + 1] == '/'))
            {
                return;
            }
        }
    }

    *path = r->uri;
}


ngx_int_t
ngx_http_llm_admin_find(ngx_http_llm_admin_t *adm)
{
    ngx_str_t                    path;
    ngx_uint_t                   known, method;
    ngx_http_request_t          *r;
    ngx_http_llm_admin_route_t  *route;

    r = adm->ctx->request;
    known = 0;

    ngx_http_llm_admin_path(r, &path);

    method = (r->method == NGX_HTTP_HEAD) ? NGX_HTTP_GET : r->method;

    for (route = ngx_http_llm_admin_routes; route->method; route++) {

        if (!ngx_http_llm_admin_fits(route, &path, &adm->name)) {
            continue;
        }

        if (route->method == method) {
            adm->route = route;
            return NGX_OK;
        }

        known |= (route->handler != NULL);
    }

    if (!known) {
        return ngx_http_llm_refuse(adm->ctx, LLM_ERROR_UNKNOWN_ENDPOINT, NULL,
                                   "nothing answers %V \"%V\" here; see "
                                   ".../openapi.json",
                                   &r->method_name, &r->uri);
    }

    if (ngx_http_llm_admin_allow(adm, &path) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_llm_refuse(adm->ctx, LLM_ERROR_METHOD_NOT_ALLOWED, NULL,
                               "\"%V\" does not take %V", &r->uri,
                               &r->method_name);
}


/* a name may have slashes: what stands behind the last may be an action */

static ngx_uint_t
ngx_http_llm_admin_fits(ngx_http_llm_admin_route_t *route, ngx_str_t *path,
    ngx_str_t *name)
{
    size_t   tail;
    u_char  *p, *last;

    p = path->data + 1;
    last = path->data + path->len;

    if ((size_t) (last - p) < route->resource.len
        || ngx_memcmp(p, route->resource.data, route->resource.len) != 0)
    {
        return 0;
    }

    p += route->resource.len;

    if (p == last || (p + 1 == last && *p == '/')) {
        return !route->named && route->action.len == 0;
    }

    if (*p++ != '/') {
        return 0;
    }

    if (!route->named) {
        tail = route->action.len;

        return tail && (size_t) (last - p) == tail
               && ngx_memcmp(p, route->action.data, tail) == 0;
    }

    if (route->action.len) {
        tail = route->action.len + 1;

        if ((size_t) (last - p) <= tail
            || last[-(ssize_t) tail] != '/'
            || ngx_memcmp(last - route->action.len, route->action.data,
                          route->action.len)
               != 0)
        {
            return 0;
        }

        last -= tail;
    }

    name->data = p;
    name->len = last - p;

    return 1;
}


static ngx_int_t
ngx_http_llm_admin_allow(ngx_http_llm_admin_t *adm, ngx_str_t *path)
{
    u_char                      *p;
    ngx_str_t                    name;
    ngx_uint_t                   i;
    ngx_table_elt_t             *h;
    ngx_http_request_t          *r;
    ngx_http_llm_admin_route_t  *route;

    static struct {
        ngx_uint_t   method;
        const char  *name;
    } methods[] = {
        { NGX_HTTP_GET, "GET, " },
        { NGX_HTTP_POST, "POST, " },
        { NGX_HTTP_PUT, "PUT, " },
        { NGX_HTTP_PATCH, "PATCH, " },
        { NGX_HTTP_DELETE, "DELETE, " },
    };

    r = adm->ctx->request;

    p = ngx_pnalloc(r->pool, 64);
    if (p == NULL) {
        return NGX_ERROR;
    }

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    ngx_str_set(&h->key, "Allow");
    h->value.data = p;
    ngx_llm_header_single(h);

    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {

        for (route = ngx_http_llm_admin_routes; route->method; route++) {

            if (route->method == methods[i].method
                && ngx_http_llm_admin_fits(route, path, &name))
            {
                p = ngx_cpymem(p, methods[i].name,
                               ngx_strlen(methods[i].name));
                break;
            }
        }
    }

    h->value.len = p - h->value.data - 2;

    return NGX_OK;
}
