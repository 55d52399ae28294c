
#include "ngx_http_llm_model.h"
#include "ngx_http_llm_lookup.h"
#include "ngx_http_llm_prices.h"


typedef struct {
    ngx_str_t     name;
    ngx_uint_t    bit;        /* each may be given once */
    char       *(*set)(ngx_conf_t *cf, ngx_http_llm_route_t *route,
                       ngx_str_t *word, ngx_str_t *value);
} ngx_http_llm_route_param_t;


static char *ngx_http_llm_route_params(ngx_conf_t *cf,
    ngx_http_llm_route_t *route);
static char *ngx_http_llm_route_upstream_model(ngx_conf_t *cf,
    ngx_http_llm_route_t *route, ngx_str_t *word, ngx_str_t *model);
static char *ngx_http_llm_route_priority(ngx_conf_t *cf,
    ngx_http_llm_route_t *route, ngx_str_t *word, ngx_str_t *value);
static char *ngx_http_llm_route_weight(ngx_conf_t *cf,
    ngx_http_llm_route_t *route, ngx_str_t *word, ngx_str_t *value);
static char *ngx_http_llm_route_active(ngx_conf_t *cf,
    ngx_http_llm_route_t *route, ngx_str_t *word, ngx_str_t *value);
static char *ngx_http_llm_route_dialect(ngx_conf_t *cf,
    ngx_http_llm_route_t *route, ngx_str_t *word, ngx_str_t *value);
static char *ngx_http_llm_route_number(ngx_conf_t *cf, ngx_str_t *word,
    ngx_str_t *value, ngx_int_t min, ngx_int_t max, const char *right,
    ngx_uint_t *out);
static char *ngx_http_llm_route_context(ngx_conf_t *cf,
    ngx_http_llm_route_t *route, ngx_str_t *word, ngx_str_t *value);
static char *ngx_http_llm_route_without(ngx_conf_t *cf,
    ngx_http_llm_route_t *route, ngx_str_t *word, ngx_str_t *list);
static char *ngx_http_llm_route_captures(ngx_conf_t *cf,
    ngx_http_llm_model_block_t *block, ngx_http_llm_route_t *route);
static ngx_int_t ngx_http_llm_route_cmp(const void *one, const void *two);
static char *ngx_http_llm_route_to(ngx_conf_t *cf,
    ngx_http_llm_route_t *route);
static char *ngx_http_llm_route_tag(ngx_conf_t *cf,
    ngx_http_llm_route_t *route);


static ngx_http_llm_route_param_t  ngx_http_llm_route_parameters[] = {
    { ngx_string("model"), 0x01, ngx_http_llm_route_upstream_model },
    { ngx_string("priority"), 0x02, ngx_http_llm_route_priority },
    { ngx_string("weight"), 0x04, ngx_http_llm_route_weight },
    { ngx_string("active"), 0x08, ngx_http_llm_route_active },
    { ngx_string("context"), 0x10, ngx_http_llm_route_context },
    { ngx_string("without"), 0x20, ngx_http_llm_route_without },
    { ngx_string("api"), 0x40, ngx_http_llm_route_dialect },
    { ngx_null_string, 0, NULL }
};


char *
ngx_http_llm_route_set(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_model_block_t *block = object;

    u_char                 *p;
    ngx_str_t              *value;
    ngx_http_llm_model_t   *model;
    ngx_http_llm_route_t   *route, **rp;
    ngx_http_llm_lookup_t  *lookup;

    model = &block->model;
    value = cf->args->elts;

    if (ngx_http_llm_block_check_name(cf, &value[1], NGX_HTTP_LLM_NAME_MAX)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    route = ngx_pcalloc(cf->pool, sizeof(ngx_http_llm_route_t));
    if (route == NULL) {
        return NGX_CONF_ERROR;
    }

    route->model = model;
    route->priority = NGX_CONF_UNSET_UINT;
    route->weight = NGX_CONF_UNSET_UINT;
    route->active = NGX_CONF_UNSET;
    route->context = -1;
    ngx_http_llm_block_place(cf, &route->place);

    if (ngx_http_llm_route_params(cf, route) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (route->upstream_model.data == NULL) {
        route->upstream_model = model->name;
    }

    ngx_conf_init_uint_value(route->priority, 1);
    ngx_conf_init_uint_value(route->weight, 1);
    ngx_conf_init_value(route->active, 1);

    rp = ngx_array_push(&model->routes);
    if (rp == NULL) {
        return NGX_CONF_ERROR;
    }

    *rp = route;

    p = ngx_pnalloc(cf->pool, model->name.len + 1 + NGX_INT_T_LEN);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    route->name.data = p;
    route->name.len = ngx_sprintf(p, "%V#%ui", &model->name,
                                  model->routes.nelts)
                      - p;

    lookup = ngx_http_llm_lookup_get(cf);

    if (ngx_http_llm_lookup_defer(cf, &lookup->route_providers, route,
                                  &value[1])
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_route_params(ngx_conf_t *cf, ngx_http_llm_route_t *route)
{
    ngx_str_t                   *word, key, value;
    ngx_uint_t                   i, given;
    ngx_http_llm_route_param_t  *param;

    word = cf->args->elts;
    given = 0;

    for (i = 2; i < cf->args->nelts; i++) {

        param = ngx_http_llm_route_parameters;

        if (ngx_http_llm_block_pair(&word[i], &key, &value) == NGX_OK) {

            while (param->name.len
                   && (param->name.len != key.len
                       || ngx_memcmp(param->name.data, key.data, key.len)
                          != 0))
            {
                param++;
            }

        } else {
            ngx_str_null(&key);
        }

        if (key.len == 0 || param->name.len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "unknown parameter \"%V\" in \"route\" "
                               "directive, it must be \"model=\", "
                               "\"priority=\", \"weight=\", \"active=\", "
                               "\"context=\", \"without=\" or \"api=\"",
                               &word[i]);
            return NGX_CONF_ERROR;
        }

        if (given & param->bit) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate parameter \"%V\"", &word[i]);
            return NGX_CONF_ERROR;
        }

        given |= param->bit;

        if (param->set(cf, route, &word[i], &value) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_route_priority(ngx_conf_t *cf, ngx_http_llm_route_t *route,
    ngx_str_t *word, ngx_str_t *value)
{
    return ngx_http_llm_route_number(cf, word, value, 1, NGX_MAX_INT_T_VALUE,
                                     "a number of at least 1",
                                     &route->priority);
}


static char *
ngx_http_llm_route_weight(ngx_conf_t *cf, ngx_http_llm_route_t *route,
    ngx_str_t *word, ngx_str_t *value)
{
    return ngx_http_llm_route_number(cf, word, value, 0, 1000000,
                                     "a number from 0 to 1000000",
                                     &route->weight);
}


static char *
ngx_http_llm_route_active(ngx_conf_t *cf, ngx_http_llm_route_t *route,
    ngx_str_t *word, ngx_str_t *value)
{
    return ngx_http_llm_block_flag(cf, word, value, &route->active) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_llm_route_dialect(ngx_conf_t *cf, ngx_http_llm_route_t *route,
    ngx_str_t *word, ngx_str_t *value)
{
    route->api = ngx_http_llm_route_api(value);

    if (route->api == LLM_DIALECT_NONE) {
        return ngx_http_llm_block_invalid(cf, word, "\"api=chat\" or "
                                          "\"api=responses\"");
    }

    return NGX_CONF_OK;
}


llm_dialect_e
ngx_http_llm_route_api(ngx_str_t *name)
{
    if (llm_str_is(name, "chat")) {
        return LLM_DIALECT_CHAT;
    }

    if (llm_str_is(name, "responses")) {
        return LLM_DIALECT_RESPONSES;
    }

    return LLM_DIALECT_NONE;
}


static char *
ngx_http_llm_route_number(ngx_conf_t *cf, ngx_str_t *word, ngx_str_t *value,
    ngx_int_t min, ngx_int_t max, const char *right, ngx_uint_t *out)
{
    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);

    if (n == NGX_ERROR || n < min || n > max) {
        return ngx_http_llm_block_invalid(cf, word, right);
    }

    *out = n;

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_route_context(ngx_conf_t *cf, ngx_http_llm_route_t *route,
    ngx_str_t *word, ngx_str_t *value)
{
    ngx_int_t  n;

    n = ngx_http_llm_block_count(value);

    if (n == NGX_ERROR || n == 0) {
        return ngx_http_llm_block_invalid(cf, word, "a count above 0, like "
                                          "\"context=128k\"");
    }

    route->context = n;

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_route_without(ngx_conf_t *cf, ngx_http_llm_route_t *route,
    ngx_str_t *word, ngx_str_t *list)
{
    uint32_t   bit;
    ngx_str_t  name;

    while (ngx_http_llm_block_item(list, &name) == NGX_OK) {

        bit = ngx_http_llm_contract_feature(&name);

        if (bit == 0 || (route->without & bit)) {
            return ngx_http_llm_block_invalid(cf, word,
                       "different ones of \"tools\", \"json\", \"vision\" "
                       "and \"stream\", separated by commas");
        }

        route->without |= bit;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_route_upstream_model(ngx_conf_t *cf, ngx_http_llm_route_t *route,
    ngx_str_t *word, ngx_str_t *model)
{
    ngx_uint_t  i;

    if (!ngx_http_llm_block_is_name(model->data, model->len,
                                    NGX_HTTP_LLM_MODEL_MAX))
    {
        return ngx_http_llm_block_invalid(cf, word,
                   "1 to 256 printable ASCII characters without quotes, "
                   "spaces and backslashes");
    }

    route->upstream_model = *model;

    for (i = 0; i < model->len; i++) {

        if (model->data[i] != '$') {
            continue;
        }

        if (++i == model->len
            || model->data[i] < '1' || model->data[i] > '9')
        {
            return ngx_http_llm_block_invalid(cf, word,
                       "a model's name, \"$\" may only stand before 1 to 9");
        }

        route->captures = 1;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_llm_route_finish(ngx_conf_t *cf, ngx_http_llm_model_block_t *block)
{
    ngx_uint_t              i;
    ngx_http_llm_model_t   *model;
    ngx_http_llm_route_t  **route;

    model = &block->model;

    if (model->routes.nelts == 0) {
        return ngx_http_llm_block_error(cf, &model->place,
                                "no \"route\" in llm_model \"%V\"",
                                &model->name);
    }

    route = model->routes.elts;

    for (i = 0; i < model->routes.nelts; i++) {

        if (!route[i]->captures) {
            continue;
        }

        model->captures = 1;

        if (ngx_http_llm_route_captures(cf, block, route[i]) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    ngx_sort(route, model->routes.nelts, sizeof(ngx_http_llm_route_t *),
             ngx_http_llm_route_cmp);

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_route_captures(ngx_conf_t *cf, ngx_http_llm_model_block_t *block,
    ngx_http_llm_route_t *route)
{
    ngx_str_t   *text;
    ngx_uint_t   i, n, capture;

    text = &route->upstream_model;
    n = 0;

    for (i = 0; i < text->len; i++) {
        if (text->data[i] == '$') {
            capture = text->data[++i] - '0';
            n = ngx_max(n, capture);
        }
    }

    if (block->regexes == 0) {
        return ngx_http_llm_block_error(cf, &route->place,
                            "\"model=%V\" takes captures, but llm_model "
                            "\"%V\" has no alias that is a regular "
                            "expression", text, &block->model.name);
    }

    if (n > block->captures) {
        return ngx_http_llm_block_error(cf, &route->place,
                            "\"model=%V\" takes capture %ui, but a regular "
                            "expression of llm_model \"%V\" has %ui of them",
                            text, n, &block->model.name, block->captures);
    }

    return NGX_CONF_OK;
}


/* ngx_sort() is stable: what is equal stays as it was declared */

static ngx_int_t
ngx_http_llm_route_cmp(const void *one, const void *two)
{
    ngx_http_llm_route_t  *first, *second;

    first = *(ngx_http_llm_route_t **) one;
    second = *(ngx_http_llm_route_t **) two;

    if (first->priority != second->priority) {
        return first->priority > second->priority ? 1 : -1;
    }

    return (first->weight == 0) - (second->weight == 0);
}


char *
ngx_http_llm_route_init(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf)
{
    ngx_uint_t               i;
    ngx_http_llm_route_t    *route;
    ngx_http_llm_lookup_t   *lookup;
    ngx_http_llm_pending_t  *pending;

    lookup = lmcf->lookup;
    pending = lookup->route_providers.elts;

    lmcf->nroutes = lookup->route_providers.nelts;

    for (i = 0; i < lookup->route_providers.nelts; i++) {

        route = pending[i].object;

        if (route->without & NGX_HTTP_LLM_FEATURE_VISION) {
            lmcf->blind_routes = 1;
        }

        route->provider = ngx_http_llm_lookup_find(&lookup->providers,
                                                   pending[i].name.data,
                                                   pending[i].name.len);
        if (route->provider == NULL) {
            return ngx_http_llm_block_error(cf, &pending[i].place,
                            "unknown provider \"%V\" in \"route\" directive "
                            "of llm_model \"%V\", no llm_provider has this "
                            "name", &pending[i].name, &route->model->name);
        }

        route->index = i;

        if (ngx_http_llm_route_to(cf, route) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }

        if (ngx_http_llm_route_tag(cf, route) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }

        if (ngx_http_llm_prices_route(cf, lmcf, route) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }

        if (route->to.max_output < 0 && route->price) {
            route->to.max_output = llm_price_max_output(route->price);
        }
    }

    return NGX_CONF_OK;
}


/* what translation has to know of the route's other side */

static char *
ngx_http_llm_route_to(ngx_conf_t *cf, ngx_http_llm_route_t *route)
{
    llm_to_t                 *to;
    ngx_http_llm_provider_t  *p;

    static const llm_dialect_e  dialects[] = {
        LLM_DIALECT_NONE,
        LLM_DIALECT_CHAT,
        LLM_DIALECT_MESSAGES,
        LLM_DIALECT_GENERATE,
        LLM_DIALECT_CONVERSE
    };

    p = route->provider;
    to = &route->to;

    if (route->api != LLM_DIALECT_NONE
        && p->protocol != LLM_PROTOCOL_OPENAI)
    {
        return ngx_http_llm_block_error(cf, &route->place,
                            "\"api=\" in \"route\" directive of llm_model "
                            "\"%V\" is for providers of protocol \"openai\", "
                            "which \"%V\" is not", &route->model->name,
                            &p->name);
    }

    if (route->api == LLM_DIALECT_NONE) {
        route->api = p->api;
    }

    to->dialect = route->api != LLM_DIALECT_NONE ? route->api
                                                 : dialects[p->protocol];
    to->model.len = route->upstream_model.len;
    to->model.data = route->upstream_model.data;
    to->max_output = route->model->max_tokens;
    to->quirks = p->quirks;

    /* Claude's own protocol loses nothing that Converse has no word for */

    if (p->protocol == LLM_PROTOCOL_BEDROCK
        && ngx_strlcasestrn(to->model.data, to->model.data + to->model.len,
                            (u_char *) "claude", sizeof("claude") - 1 - 1))
    {
        to->dialect = LLM_DIALECT_MESSAGES;
        to->quirks |= LLM_QUIRK(BEDROCK);
    }

    if (!route->captures) {
        to->quirks |= llm_quirk_of_model(to->dialect, &to->model);
    }

    return NGX_CONF_OK;
}


/*
 * The tag names a route in ids that providers made: it must come out the same
 * after a reload and on another host, whatever else the configuration says.
 */

static char *
ngx_http_llm_route_tag(ngx_conf_t *cf, ngx_http_llm_route_t *route)
{
    u_char                 *p, digest[NGX_LLM_DIGEST_LEN];
    u_char                  buf[ngx_base64_encoded_length(NGX_LLM_DIGEST_LEN)];
    ngx_str_t               text, src, dst;
    ngx_http_llm_route_t   *other;
    ngx_http_llm_lookup_t  *lookup;

    text.len = route->model->name.len + 1 + route->provider->name.len + 1
               + route->upstream_model.len;

    text.data = ngx_pnalloc(cf->temp_pool, text.len);
    if (text.data == NULL) {
        return NGX_CONF_ERROR;
    }

    p = ngx_cpymem(text.data, route->model->name.data,
                   route->model->name.len);
    *p++ = '\0';
    p = ngx_cpymem(p, route->provider->name.data, route->provider->name.len);
    *p++ = '\0';
    (void) ngx_cpymem(p, route->upstream_model.data,
                      route->upstream_model.len);

    ngx_llm_secret_digest(&text, digest);

    src.len = NGX_LLM_DIGEST_LEN;
    src.data = digest;
    dst.data = buf;

    ngx_encode_base64url(&dst, &src);
    ngx_memcpy(route->tag, buf, NGX_HTTP_LLM_ROUTE_TAG_LEN);

    lookup = ngx_http_llm_lookup_get(cf);

    other = ngx_http_llm_lookup_find(&lookup->tags, route->tag,
                                     NGX_HTTP_LLM_ROUTE_TAG_LEN);
    if (other == NULL) {
        if (ngx_http_llm_lookup_add(cf, &lookup->tags, route->tag,
                                    NGX_HTTP_LLM_ROUTE_TAG_LEN, route)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    if (other->model == route->model
        && other->provider == route->provider
        && other->upstream_model.len == route->upstream_model.len
        && ngx_strncmp(other->upstream_model.data,
                       route->upstream_model.data, route->upstream_model.len)
           == 0)
    {
        return ngx_http_llm_block_error(cf, &route->place,
                          "duplicate route to \"%V\" with model \"%V\" in "
                          "llm_model \"%V\" (first in %s:%ui)",
                          &route->provider->name, &route->upstream_model,
                          &route->model->name, other->place.file,
                          other->place.line);
    }

    return ngx_http_llm_block_error(cf, &route->place,
                          "route \"%V\" has the same tag as route \"%V\" "
                          "(in %s:%ui), rename one of their models",
                          &route->name, &other->name, other->place.file,
                          other->place.line);
}
