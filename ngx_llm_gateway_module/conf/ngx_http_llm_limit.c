
/*
 * Limits: "limit" of a key, "llm_limit" of any subject, and which of them hold
 * for whom.
 */


#include "ngx_http_llm_limit.h"
#include "ngx_http_llm_lookup.h"


/* all llm_limit of one subject, as it was written: "team=search" */

typedef struct {
    llm_subject_e              kind;
    ngx_str_t                  name;          /* or "*" */
    ngx_array_t                limits;        /* llm_limit_t */
    ngx_uint_t                 used;          /* it holds for somebody */
    ngx_http_llm_place_t       place;
} ngx_http_llm_rule_t;


static ngx_http_llm_rule_t *ngx_http_llm_limit_rule(ngx_conf_t *cf,
    ngx_str_t *word);
static char *ngx_http_llm_limit_words(ngx_conf_t *cf, ngx_uint_t first,
    ngx_array_t *limits);
static char *ngx_http_llm_limit_tz(ngx_conf_t *cf, ngx_str_t *word,
    ngx_str_t *name, const llm_tz_t **tz);
static char *ngx_http_llm_limit_add(ngx_conf_t *cf, ngx_str_t *word,
    ngx_array_t *limits, ngx_uint_t before);
static ngx_int_t ngx_http_llm_limit_subject(ngx_http_llm_main_conf_t *lmcf,
    llm_subject_e kind, ngx_str_t *owner, ngx_str_t *name, ngx_array_t *own,
    ngx_pool_t *pool, llm_subject_t *subject);
static ngx_http_llm_rule_t *ngx_http_llm_limit_find(
    ngx_http_llm_main_conf_t *lmcf, llm_subject_e kind, ngx_str_t *owner,
    ngx_str_t *name);
static ngx_int_t ngx_http_llm_limit_one(ngx_conf_t *cf,
    ngx_http_llm_main_conf_t *lmcf, llm_subject_e kind, ngx_str_t *name,
    llm_subject_t **out);
static char *ngx_http_llm_limit_unused(ngx_conf_t *cf,
    ngx_http_llm_main_conf_t *lmcf);


static ngx_str_t  ngx_http_llm_limit_any = ngx_string("*");


char *
ngx_http_llm_limit_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t              *value;
    ngx_http_llm_rule_t    *rule;
    ngx_http_llm_lookup_t  *lookup;

    value = cf->args->elts;

    lookup = ngx_http_llm_lookup_get(cf);
    lookup->used = 1;

    rule = ngx_http_llm_limit_rule(cf, &value[1]);
    if (rule == NULL) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_llm_limit_words(cf, 2, &rule->limits);
}


char *
ngx_http_llm_limit_set_key(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_array_t  *limits;

    limits = (ngx_array_t *) ((char *) object + d->offset);

    if (limits->elts == NULL
        && ngx_array_init(limits, cf->pool, 4, sizeof(llm_limit_t)) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_llm_limit_words(cf, 1, limits);
}


/* the rule of "KIND=NAME", made if it is the first one */

static ngx_http_llm_rule_t *
ngx_http_llm_limit_rule(ngx_conf_t *cf, ngx_str_t *word)
{
    ngx_str_t               kind, name;
    ngx_uint_t              i;
    ngx_http_llm_rule_t    *rule, **slot;
    ngx_http_llm_lookup_t  *lookup;

    lookup = ngx_http_llm_lookup_get(cf);

    i = LLM_SUBJECT_N;

    if (ngx_http_llm_block_pair(word, &kind, &name) == NGX_OK) {

        for (i = 0; i < LLM_SUBJECT_N; i++) {
            if (kind.len == llm_subject_names[i].len
                && ngx_memcmp(kind.data, llm_subject_names[i].data, kind.len)
                   == 0)
            {
                break;
            }
        }
    }

    if (i == LLM_SUBJECT_N) {
        (void) ngx_http_llm_block_invalid(cf, word,
                   "\"key=\", \"app=\", \"team=\", \"owner=\", \"env=\", "
                   "\"model=\" or \"provider=\" and a name, or \"*\" for each "
                   "of them");
        return NULL;
    }

    if (ngx_http_llm_block_check_name(cf, &name, 2 * NGX_HTTP_LLM_NAME_MAX)
        != NGX_OK)
    {
        return NULL;
    }

    rule = ngx_http_llm_lookup_find(&lookup->limits, word->data, word->len);

    if (rule) {
        return rule;
    }

    rule = ngx_pcalloc(cf->pool, sizeof(ngx_http_llm_rule_t));
    slot = ngx_array_push(&lookup->rules);

    if (rule == NULL || slot == NULL) {
        return NULL;
    }

    *slot = rule;

    rule->kind = (llm_subject_e) i;
    rule->name = name;
    ngx_http_llm_block_place(cf, &rule->place);

    if (ngx_array_init(&rule->limits, cf->pool, 4, sizeof(llm_limit_t))
        != NGX_OK
        || ngx_http_llm_lookup_add(cf, &lookup->limits, word->data, word->len,
                                   rule)
           != NGX_OK)
    {
        return NULL;
    }

    return rule;
}


/* the words of one directive from this one on */

static char *
ngx_http_llm_limit_words(ngx_conf_t *cf, ngx_uint_t first, ngx_array_t *limits)
{
    char            *rv;
    ngx_str_t       *word, name, value;
    ngx_uint_t       i, before, shadow;
    llm_limit_t     *limit;
    const llm_tz_t  *tz;

    word = cf->args->elts;
    before = limits->nelts;
    shadow = 0;
    tz = NULL;

    for (i = first; i < cf->args->nelts; i++) {

        if (llm_str_is(&word[i], "shadow")) {

            if (shadow) {
                return ngx_http_llm_block_invalid(cf, &word[i],
                                                  "one \"shadow\"");
            }

            shadow = 1;
            continue;
        }

        if (ngx_http_llm_block_pair(&word[i], &name, &value) == NGX_OK
            && llm_str_is(&name, "tz"))
        {
            rv = ngx_http_llm_limit_tz(cf, &word[i], &value, &tz);

        } else {
            rv = ngx_http_llm_limit_add(cf, &word[i], limits, before);
        }

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    if (limits->nelts == before) {
        return "names no limit, like \"rpm=600\" or \"budget=10/day\"";
    }

    limit = limits->elts;

    for (i = before; i < limits->nelts; i++) {
        limit[i].shadow = shadow;

        if (tz) {
            llm_limit_set_tz(&limit[i], tz);
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_limit_tz(ngx_conf_t *cf, ngx_str_t *word, ngx_str_t *name,
    const llm_tz_t **tz)
{
    int  rc;

    if (*tz) {
        return ngx_http_llm_block_invalid(cf, word, "one time zone");
    }

    rc = ngx_http_llm_limit_zone(name, tz);

    if (rc == LLM_DECLINED || rc == LLM_LIMIT) {
        return ngx_http_llm_block_invalid(cf, word,
                   "a time zone that this system knows, like "
                   "\"tz=Europe/Berlin\" (its data is in package tzdata)");
    }

    return rc == LLM_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_llm_limit_add(ngx_conf_t *cf, ngx_str_t *word, ngx_array_t *limits,
    ngx_uint_t before)
{
    llm_str_t     text;
    ngx_uint_t    i;
    const char   *err;
    llm_limit_t   limit, *other;

    text.data = word->data;
    text.len = word->len;

    if (llm_limit_parse(&text, &limit, &err) != LLM_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid limit \"%V\": %s", word, err);
        return NGX_CONF_ERROR;
    }

    other = limits->elts;

    for (i = before; i < limits->nelts; i++) {
        if (other[i].id == limit.id && other[i].kind == limit.kind) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "limit \"%V\" counts the same as \"%V\" before "
                               "it", word, ngx_http_llm_limit_text(&other[i]));
            return NGX_CONF_ERROR;
        }
    }

    if (limits->nelts == NGX_HTTP_LLM_LIMITS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "more than %d limits of one subject",
                           NGX_HTTP_LLM_LIMITS_MAX);
        return NGX_CONF_ERROR;
    }

    other = ngx_array_push(limits);
    if (other == NULL) {
        return NGX_CONF_ERROR;
    }

    *other = limit;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_llm_limit_bind(ngx_http_llm_main_conf_t *lmcf,
    ngx_http_llm_key_t *key, ngx_pool_t *pool)
{
    ngx_int_t       rc;
    ngx_uint_t      i, n;
    llm_subject_t   found[LLM_SUBJECT_ENV + 1];

    static ngx_str_t  none = ngx_null_string;

    struct {
        llm_subject_e   kind;
        ngx_str_t      *owner;
        ngx_str_t      *name;
        ngx_array_t    *own;
    } subjects[] = {
        { LLM_SUBJECT_KEY, &key->owner, &key->name, &key->limits },
        { LLM_SUBJECT_APP, &key->owner, &key->app, NULL },
        { LLM_SUBJECT_TEAM, &key->owner, &key->team, NULL },
        { LLM_SUBJECT_OWNER, &key->owner, &key->owner, NULL },
        { LLM_SUBJECT_ENV, &none, &key->env, NULL }
    };

    n = 0;

    for (i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {

        if (subjects[i].name->len == 0) {
            continue;
        }

        rc = ngx_http_llm_limit_subject(lmcf, subjects[i].kind,
                                        subjects[i].owner, subjects[i].name,
                                        subjects[i].own, pool, &found[n]);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_OK) {
            n++;
        }
    }

    key->nsubjects = n;

    if (n == 0) {
        return NGX_OK;
    }

    key->subjects = ngx_palloc(pool, n * sizeof(llm_subject_t));
    if (key->subjects == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(key->subjects, found, n * sizeof(llm_subject_t));

    return NGX_OK;
}


/*
 * A subject and all that limits it: its own limits, those by its name, those
 * of its whole kind.  NGX_DECLINED: nothing does.
 */

static ngx_int_t
ngx_http_llm_limit_subject(ngx_http_llm_main_conf_t *lmcf, llm_subject_e kind,
    ngx_str_t *owner, ngx_str_t *name, ngx_array_t *own, ngx_pool_t *pool,
    llm_subject_t *subject)
{
    u_char               *p;
    ngx_str_t            *word, qualified;
    ngx_uint_t            i, n;
    llm_limit_t          *limit;
    ngx_array_t          *lists[4];
    ngx_http_llm_rule_t  *rules[3];

    ngx_memzero(subject, sizeof(llm_subject_t));

    /* apps and teams of two owners may have one name */

    word = (ngx_str_t *) &llm_subject_names[kind];
    qualified.len = 0;

    if (owner->len && (kind == LLM_SUBJECT_APP || kind == LLM_SUBJECT_TEAM)) {
        qualified = *owner;
    }

    rules[0] = qualified.len
               ? ngx_http_llm_limit_find(lmcf, kind, &qualified, name) : NULL;
    rules[1] = ngx_http_llm_limit_find(lmcf, kind, NULL, name);
    rules[2] = ngx_http_llm_limit_find(lmcf, kind, NULL,
                                       &ngx_http_llm_limit_any);

    lists[0] = own;

    for (i = 0; i < 3; i++) {
        lists[i + 1] = NULL;

        if (rules[i]) {
            rules[i]->used = 1;
            lists[i + 1] = &rules[i]->limits;
        }
    }

    n = 0;

    for (i = 0; i < 4; i++) {
        n += lists[i] ? lists[i]->nelts : 0;
    }

    if (n == 0) {
        return NGX_DECLINED;
    }

    limit = ngx_palloc(pool, n * sizeof(llm_limit_t));
    p = ngx_pnalloc(pool, word->len + qualified.len + name->len + 2);

    if (limit == NULL || p == NULL) {
        return NGX_ERROR;
    }

    subject->kind = kind;
    subject->limits = limit;
    subject->nlimits = n;
    subject->owner.data = owner->data;
    subject->owner.len = owner->len;

    for (i = 0; i < 4; i++) {
        if (lists[i] && lists[i]->nelts) {
            ngx_memcpy(limit, lists[i]->elts,
                       lists[i]->nelts * sizeof(llm_limit_t));
            limit += lists[i]->nelts;
        }
    }

    subject->id.data = p;

    p = ngx_cpymem(p, word->data, word->len);
    *p++ = '=';

    subject->name.data = p;

    if (qualified.len) {
        p = ngx_cpymem(p, qualified.data, qualified.len);
        *p++ = '/';
    }

    p = ngx_cpymem(p, name->data, name->len);

    subject->name.len = p - subject->name.data;
    subject->id.len = p - subject->id.data;
    subject->hash = llm_subject_hash(subject->id.data, subject->id.len);

    return NGX_OK;
}


static ngx_http_llm_rule_t *
ngx_http_llm_limit_find(ngx_http_llm_main_conf_t *lmcf, llm_subject_e kind,
    ngx_str_t *owner, ngx_str_t *name)
{
    u_char                 *p;
    u_char                  word[2 * NGX_HTTP_LLM_NAME_MAX + 32];
    ngx_http_llm_lookup_t  *lookup;

    lookup = lmcf->lookup;

    if ((owner ? owner->len : 0) + name->len > 2 * NGX_HTTP_LLM_NAME_MAX) {
        return NULL;
    }

    p = ngx_cpymem(word, llm_subject_names[kind].data,
                   llm_subject_names[kind].len);
    *p++ = '=';

    if (owner) {
        p = ngx_cpymem(p, owner->data, owner->len);
        *p++ = '/';
    }

    p = ngx_cpymem(p, name->data, name->len);

    return ngx_http_llm_lookup_find(&lookup->limits, word, p - word);
}


char *
ngx_http_llm_limit_init(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf)
{
    ngx_uint_t                 i;
    ngx_http_llm_key_t       **key;
    ngx_http_llm_model_t     **model;
    ngx_http_llm_provider_t  **provider;

    key = lmcf->keys.elts;

    for (i = 0; i < lmcf->keys.nelts; i++) {
        if (ngx_http_llm_limit_bind(lmcf, key[i], cf->pool) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    model = lmcf->models.elts;

    for (i = 0; i < lmcf->models.nelts; i++) {
        if (ngx_http_llm_limit_one(cf, lmcf, LLM_SUBJECT_MODEL,
                                   &model[i]->name, &model[i]->subject)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    provider = lmcf->providers.elts;

    for (i = 0; i < lmcf->providers.nelts; i++) {
        if (ngx_http_llm_limit_one(cf, lmcf, LLM_SUBJECT_PROVIDER,
                                   &provider[i]->name, &provider[i]->subject)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    return ngx_http_llm_limit_unused(cf, lmcf);
}


static ngx_int_t
ngx_http_llm_limit_one(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf,
    llm_subject_e kind, ngx_str_t *name, llm_subject_t **out)
{
    ngx_int_t      rc;
    llm_subject_t  found;

    static ngx_str_t  none = ngx_null_string;

    rc = ngx_http_llm_limit_subject(lmcf, kind, &none, name, NULL, cf->pool,
                                    &found);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    *out = ngx_palloc(cf->pool, sizeof(llm_subject_t));
    if (*out == NULL) {
        return NGX_ERROR;
    }

    **out = found;

    return NGX_OK;
}


/*
 * Models and providers are all known by now.  A key, and with it its team or
 * app, may also come to be at run time.
 */

static char *
ngx_http_llm_limit_unused(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf)
{
    ngx_str_t               *kind;
    ngx_uint_t               i;
    ngx_http_llm_rule_t    **rule;
    ngx_http_llm_lookup_t   *lookup;

    lookup = lmcf->lookup;
    rule = lookup->rules.elts;

    for (i = 0; i < lookup->rules.nelts; i++) {

        if (rule[i]->used || llm_str_is(&rule[i]->name, "*")) {
            continue;
        }

        kind = (ngx_str_t *) &llm_subject_names[rule[i]->kind];

        if (rule[i]->kind == LLM_SUBJECT_MODEL
            || rule[i]->kind == LLM_SUBJECT_PROVIDER)
        {
            return ngx_http_llm_block_error(cf, &rule[i]->place,
                            "unknown %V \"%V\" in llm_limit, no llm_%V has "
                            "this name", kind, &rule[i]->name, kind);
        }

        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "llm_limit %V=%V in %s:%ui holds for no llm_key",
                      kind, &rule[i]->name, rule[i]->place.file,
                      rule[i]->place.line);
    }

    return NGX_CONF_OK;
}
