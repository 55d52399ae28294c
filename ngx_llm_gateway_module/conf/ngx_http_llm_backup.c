
/*
 * Models that may stand in for another one: approved by name, and bound to
 * keep the promises of the model that they replace.
 */


#include "ngx_http_llm_model.h"
#include "ngx_http_llm_lookup.h"


/* where the search for cycles stands with a model */

typedef struct {
    ngx_uint_t                 next;          /* index in its backups */
    ngx_uint_t                 on_path;
    ngx_uint_t                 done;
} ngx_http_llm_backup_visit_t;


static char *ngx_http_llm_backup_classes(ngx_conf_t *cf, ngx_str_t *word,
    ngx_str_t *list);
static char *ngx_http_llm_backup_resolve(ngx_conf_t *cf,
    ngx_http_llm_main_conf_t *lmcf, ngx_http_llm_model_t *model,
    ngx_http_llm_backup_t *backup, ngx_str_t classes);
static char *ngx_http_llm_backup_fits(ngx_conf_t *cf,
    ngx_http_llm_model_t *model, ngx_http_llm_backup_t *backup);
static char *ngx_http_llm_backup_covers(ngx_conf_t *cf,
    ngx_http_llm_model_t *model, ngx_http_llm_backup_t *backup);
static char *ngx_http_llm_backup_cycles(ngx_conf_t *cf,
    ngx_http_llm_main_conf_t *lmcf);
static char *ngx_http_llm_backup_cycle(ngx_conf_t *cf,
    ngx_http_llm_backup_t *backup, ngx_http_llm_model_t **path,
    ngx_uint_t depth);


char *
ngx_http_llm_backup_set(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_model_block_t *block = object;

    ngx_str_t              *word, *classes, key, value;
    ngx_uint_t              i;
    ngx_http_llm_model_t   *model;
    ngx_http_llm_backup_t  *backup;

    model = &block->model;
    word = cf->args->elts;

    if (ngx_http_llm_block_check_name(cf, &word[1], NGX_HTTP_LLM_NAME_MAX)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_str_null(&value);

    if (cf->args->nelts == 3) {

        if (ngx_http_llm_block_pair(&word[2], &key, &value) != NGX_OK
            || !llm_str_is(&key, "class"))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "unknown parameter \"%V\" in \"backup\" "
                               "directive, it must be \"class=\"", &word[2]);
            return NGX_CONF_ERROR;
        }

        if (ngx_http_llm_backup_classes(cf, &word[2], &value)
            != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    backup = model->backups.elts;

    for (i = 0; i < model->backups.nelts; i++) {
        if (backup[i].name.len == word[1].len
            && ngx_strncmp(backup[i].name.data, word[1].data, word[1].len)
               == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate backup \"%V\" (first in %s:%ui)",
                               &word[1], backup[i].place.file,
                               backup[i].place.line);
            return NGX_CONF_ERROR;
        }
    }

    backup = ngx_array_push(&model->backups);
    if (backup == NULL) {
        return NGX_CONF_ERROR;
    }

    backup->name = word[1];
    backup->model = NULL;
    ngx_http_llm_block_place(cf, &backup->place);

    if (ngx_array_init(&backup->classes, cf->pool, 1,
                       sizeof(ngx_http_llm_class_t *))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    classes = ngx_array_push(&block->backup_classes);
    if (classes == NULL) {
        return NGX_CONF_ERROR;
    }

    *classes = value;

    return NGX_CONF_OK;
}


/* names without one another's repetition; list is looked at, not changed */

static char *
ngx_http_llm_backup_classes(ngx_conf_t *cf, ngx_str_t *word, ngx_str_t *list)
{
    ngx_str_t  rest, name, others, other;

    rest = *list;

    while (ngx_http_llm_block_item(&rest, &name) == NGX_OK) {

        if (name.len == 0) {
            return ngx_http_llm_block_invalid(cf, word,
                                          "names of classes, separated by "
                                          "commas");
        }

        others = rest;

        while (ngx_http_llm_block_item(&others, &other) == NGX_OK) {
            if (other.len == name.len
                && ngx_strncmp(other.data, name.data, name.len) == 0)
            {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "duplicate class \"%V\" in \"%V\"",
                                   &name, word);
                return NGX_CONF_ERROR;
            }
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_http_llm_backup_init(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf)
{
    ngx_str_t                   *classes;
    ngx_uint_t                   i, n;
    ngx_http_llm_model_t       **model;
    ngx_http_llm_backup_t       *backup;
    ngx_http_llm_model_block_t  *block;

    model = lmcf->models.elts;

    for (i = 0; i < lmcf->models.nelts; i++) {

        block = (ngx_http_llm_model_block_t *) model[i];

        backup = model[i]->backups.elts;
        classes = block->backup_classes.elts;

        for (n = 0; n < model[i]->backups.nelts; n++) {

            if (ngx_http_llm_backup_resolve(cf, lmcf, model[i], &backup[n],
                                            classes[n])
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }

            if (ngx_http_llm_backup_fits(cf, model[i], &backup[n])
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }

            if (ngx_http_llm_backup_covers(cf, model[i], &backup[n])
                != NGX_CONF_OK)
            {
                return NGX_CONF_ERROR;
            }
        }
    }

    return ngx_http_llm_backup_cycles(cf, lmcf);
}


static char *
ngx_http_llm_backup_resolve(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf,
    ngx_http_llm_model_t *model, ngx_http_llm_backup_t *backup,
    ngx_str_t classes)
{
    ngx_str_t                name;
    ngx_http_llm_class_t   **cp, *class;
    ngx_http_llm_model_t    *other;
    ngx_http_llm_lookup_t   *lookup;

    lookup = lmcf->lookup;

    other = ngx_http_llm_lookup_find(&lookup->models, backup->name.data,
                                     backup->name.len);
    if (other == NULL) {
        return ngx_http_llm_block_error(cf, &backup->place,
                          "unknown model \"%V\" in \"backup\" directive of "
                          "llm_model \"%V\", no llm_model has this name",
                          &backup->name, &model->name);
    }

    if (other == model) {
        return ngx_http_llm_block_error(cf, &backup->place,
                          "llm_model \"%V\" is a backup of itself",
                          &model->name);
    }

    /* who approves of a model names it, not what else may lead to it */

    if (other->name.len != backup->name.len
        || ngx_strncmp(other->name.data, backup->name.data, other->name.len)
           != 0)
    {
        return ngx_http_llm_block_error(cf, &backup->place,
                          "\"%V\" in \"backup\" directive of llm_model "
                          "\"%V\" is an alias, name llm_model \"%V\" itself",
                          &backup->name, &model->name, &other->name);
    }

    backup->model = other;

    while (ngx_http_llm_block_item(&classes, &name) == NGX_OK) {

        class = ngx_http_llm_conf_find_class(lmcf, &name);
        if (class == NULL) {
            return ngx_http_llm_block_error(cf, &backup->place,
                              "unknown class \"%V\" in \"backup\" directive "
                              "of llm_model \"%V\", no llm_class has this "
                              "name", &name, &model->name);
        }

        cp = ngx_array_push(&backup->classes);
        if (cp == NULL) {
            return NGX_CONF_ERROR;
        }

        *cp = class;
    }

    return NGX_CONF_OK;
}


/* whether there is a request that the backup could take over */

static char *
ngx_http_llm_backup_fits(ngx_conf_t *cf, ngx_http_llm_model_t *model,
    ngx_http_llm_backup_t *backup)
{
    ngx_uint_t              i;
    ngx_http_llm_route_t  **route;

    if (!(model->endpoints & backup->model->endpoints)) {
        return ngx_http_llm_block_error(cf, &backup->place,
                          "backup \"%V\" serves no \"endpoint\" of llm_model "
                          "\"%V\"", &backup->name, &model->name);
    }

    route = backup->model->routes.elts;

    for (i = 0; i < backup->model->routes.nelts; i++) {
        if (!route[i]->captures) {
            return NGX_CONF_OK;
        }
    }

    return ngx_http_llm_block_error(cf, &backup->place,
                          "all routes of backup \"%V\" of llm_model \"%V\" "
                          "take captures, which only a name that was asked "
                          "for has", &backup->name, &model->name);
}


static char *
ngx_http_llm_backup_covers(ngx_conf_t *cf, ngx_http_llm_model_t *model,
    ngx_http_llm_backup_t *backup)
{
    ngx_str_t                *name;
    ngx_uint_t                i;
    ngx_http_llm_contract_t  *own, *other;

    if (!model->has_contract) {
        return NGX_CONF_OK;
    }

    if (!backup->model->has_contract) {
        return ngx_http_llm_block_error(cf, &backup->place,
                          "backup \"%V\" has no \"contract\" to cover that "
                          "of llm_model \"%V\"", &backup->name, &model->name);
    }

    own = &model->contract;
    other = &backup->model->contract;

    if (own->context != -1 && other->context == -1) {
        return ngx_http_llm_block_error(cf, &backup->place,
                          "backup \"%V\" does not cover the \"contract\" of "
                          "llm_model \"%V\": it says no \"context\", but "
                          "%i is needed", &backup->name, &model->name,
                          own->context);
    }

    if (other->context < own->context) {
        return ngx_http_llm_block_error(cf, &backup->place,
                          "backup \"%V\" does not cover the \"contract\" of "
                          "llm_model \"%V\": its context is %i, but %i is "
                          "needed", &backup->name, &model->name,
                          other->context, own->context);
    }

    name = own->names.elts;

    for (i = 0; i < own->names.nelts; i++) {
        if (!ngx_http_llm_contract_has(&other->names, &name[i])) {
            return ngx_http_llm_block_error(cf, &backup->place,
                              "backup \"%V\" does not cover the \"contract\" "
                              "of llm_model \"%V\": it lacks \"%V\"",
                              &backup->name, &model->name, &name[i]);
        }
    }

    return NGX_CONF_OK;
}


/* walks from backup to backup, each model once, with a stack of its own */

static char *
ngx_http_llm_backup_cycles(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf)
{
    ngx_uint_t                    i, n, depth;
    ngx_http_llm_model_t        **model, **path, *top;
    ngx_http_llm_backup_t        *backup;
    ngx_http_llm_backup_visit_t  *visit, *v;

    n = lmcf->models.nelts;

    if (n == 0) {
        return NGX_CONF_OK;
    }

    visit = ngx_pcalloc(cf->temp_pool,
                        n * sizeof(ngx_http_llm_backup_visit_t));
    if (visit == NULL) {
        return NGX_CONF_ERROR;
    }

    path = ngx_palloc(cf->temp_pool, n * sizeof(ngx_http_llm_model_t *));
    if (path == NULL) {
        return NGX_CONF_ERROR;
    }

    model = lmcf->models.elts;

    for (i = 0; i < n; i++) {

        if (visit[i].done) {
            continue;
        }

        path[0] = model[i];
        depth = 1;
        visit[i].on_path = 1;

        while (depth) {
            top = path[depth - 1];
            v = &visit[top->index];

            if (v->next == top->backups.nelts) {
                v->on_path = 0;
                v->done = 1;
                depth--;
                continue;
            }

            backup = top->backups.elts;
            backup += v->next++;

            v = &visit[backup->model->index];

            if (v->on_path) {
                return ngx_http_llm_backup_cycle(cf, backup, path, depth);
            }

            if (!v->done) {
                v->on_path = 1;
                path[depth++] = backup->model;
            }
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_backup_cycle(ngx_conf_t *cf, ngx_http_llm_backup_t *backup,
    ngx_http_llm_model_t **path, ngx_uint_t depth)
{
    u_char      *p;
    ngx_str_t    chain;
    ngx_uint_t   i, first;

    for (first = 0; path[first] != backup->model; first++) { /* void */ }

    chain.len = backup->model->name.len;

    for (i = first; i < depth; i++) {
        chain.len += path[i]->name.len + sizeof(" -> ") - 1;
    }

    chain.data = ngx_pnalloc(cf->temp_pool, chain.len);
    if (chain.data == NULL) {
        return NGX_CONF_ERROR;
    }

    p = chain.data;

    for (i = first; i < depth; i++) {
        p = ngx_cpymem(p, path[i]->name.data, path[i]->name.len);
        p = ngx_cpymem(p, " -> ", sizeof(" -> ") - 1);
    }

    (void) ngx_cpymem(p, backup->model->name.data, backup->model->name.len);

    return ngx_http_llm_block_error(cf, &backup->place,
                          "backups of llm_model lead in a circle: %V",
                          &chain);
}
