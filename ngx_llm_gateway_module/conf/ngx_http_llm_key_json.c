
/*
 * Keys as JSON: reading.
 */


#include "ngx_http_llm_key_json.h"
#include "ngx_http_llm_block.h"
#include "ngx_http_llm_key.h"
#include "ngx_http_llm_limit.h"
#include "ngx_http_llm_lookup.h"

#include "llm_limit.h"
#include "llm_scan.h"
#include "llm_walk.h"


#define NGX_HTTP_LLM_KEY_WORDS       64      /* of one member */
#define NGX_HTTP_LLM_KEY_WORD        512     /* bytes */


typedef struct ngx_http_llm_key_member_s  ngx_http_llm_key_member_t;

/*
 * One row.  The reader gets the member's words: those of an array, or of one
 * string, which holds what would follow the directive's name.
 */

struct ngx_http_llm_key_member_s {
    ngx_str_t       name;
    ngx_int_t     (*read)(ngx_http_llm_key_json_t *kj, ngx_http_llm_key_t *key,
                          ngx_http_llm_key_member_t *m, ngx_array_t *words);
    size_t          offset;
    unsigned        one:1;          /* takes one word */
};


static ngx_uint_t ngx_http_llm_key_json_told(ngx_str_t *name);
static ngx_int_t ngx_http_llm_key_json_member(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_str_t *name, llm_str_t *value);
static ngx_int_t ngx_http_llm_key_json_words(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_member_t *m, llm_str_t *value, ngx_array_t *words);
static ngx_int_t ngx_http_llm_key_json_split(ngx_http_llm_key_json_t *kj,
    llm_str_t *raw, ngx_array_t *words, ngx_uint_t split);
static ngx_int_t ngx_http_llm_key_json_name(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_http_llm_key_member_t *m,
    ngx_array_t *words);
static ngx_int_t ngx_http_llm_key_json_models(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_http_llm_key_member_t *m,
    ngx_array_t *words);
static ngx_int_t ngx_http_llm_key_json_endpoint(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_http_llm_key_member_t *m,
    ngx_array_t *words);
static ngx_int_t ngx_http_llm_key_json_class(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_http_llm_key_member_t *m,
    ngx_array_t *words);
static ngx_int_t ngx_http_llm_key_json_limit(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_http_llm_key_member_t *m,
    ngx_array_t *words);
static ngx_int_t ngx_http_llm_key_json_cidr(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_http_llm_key_member_t *m,
    ngx_array_t *words);
static ngx_int_t ngx_http_llm_key_json_expires(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_http_llm_key_member_t *m,
    ngx_array_t *words);
static ngx_int_t ngx_http_llm_key_json_active(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_http_llm_key_member_t *m,
    ngx_array_t *words);
static ngx_int_t ngx_http_llm_key_json_error(ngx_http_llm_key_json_t *kj,
    const char *fmt, ...);


static ngx_http_llm_key_member_t  ngx_http_llm_key_members[] = {

    { ngx_string("owner"), ngx_http_llm_key_json_name,
      offsetof(ngx_http_llm_key_t, owner), 1 },

    { ngx_string("team"), ngx_http_llm_key_json_name,
      offsetof(ngx_http_llm_key_t, team), 1 },

    { ngx_string("app"), ngx_http_llm_key_json_name,
      offsetof(ngx_http_llm_key_t, app), 1 },

    { ngx_string("env"), ngx_http_llm_key_json_name,
      offsetof(ngx_http_llm_key_t, env), 1 },

    { ngx_string("models"), ngx_http_llm_key_json_models,
      offsetof(ngx_http_llm_key_t, models), 0 },

    { ngx_string("deny"), ngx_http_llm_key_json_models,
      offsetof(ngx_http_llm_key_t, deny), 0 },

    { ngx_string("endpoint"), ngx_http_llm_key_json_endpoint, 0, 0 },

    { ngx_string("class"), ngx_http_llm_key_json_class, 0, 1 },

    { ngx_string("limit"), ngx_http_llm_key_json_limit, 0, 0 },

    { ngx_string("cidr"), ngx_http_llm_key_json_cidr, 0, 0 },

    { ngx_string("expires"), ngx_http_llm_key_json_expires, 0, 1 },

    { ngx_string("active"), ngx_http_llm_key_json_active, 0, 1 },

    { ngx_null_string, NULL, 0, 0 }
};


ngx_int_t
ngx_http_llm_key_json_init(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_str_t *name)
{
    ngx_memzero(key, sizeof(ngx_http_llm_key_t));

    key->name = *name;
    key->active = 1;
    key->endpoints = NGX_HTTP_LLM_ALL_ENDPOINTS;

    kj->param = NULL;
    ngx_str_null(&kj->error);

    if (ngx_array_init(&kj->limits, kj->pool, 4, sizeof(ngx_str_t)) != NGX_OK
        || ngx_array_init(&key->models, kj->pool, 4, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_array_init(&key->deny, kj->pool, 2, sizeof(ngx_str_t));
}


ngx_int_t
ngx_http_llm_key_json_read(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_str_t *object)
{
    ngx_int_t   rc;
    ngx_str_t   bare;
    llm_str_t   text, name, value;
    llm_walk_t  w;

    llm_walk_text(&w, object->data, object->len);

    if (!llm_walk_element(&w, &text)) {
        return ngx_http_llm_key_json_error(kj, "an object is expected");
    }

    llm_walk_open(&w, &text);

    while (llm_walk_member(&w, &name, &value)) {

        bare.data = name.data + 1;
        bare.len = name.len - 2;

        if (ngx_http_llm_key_json_told(&bare)) {
            continue;
        }

        rc = ngx_http_llm_key_json_member(kj, key, &bare, &value);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/*
 * What is told of a key but cannot be set: passed over, so that what was read
 * may be changed and sent back.
 */

static ngx_uint_t
ngx_http_llm_key_json_told(ngx_str_t *name)
{
    return llm_str_is(name, "name")
           || llm_str_is(name, "id")
           || llm_str_is(name, "source")
           || llm_str_is(name, "created")
           || llm_str_is(name, "updated")
           || llm_str_is(name, "secrets")
           || llm_str_is(name, "usage");
}


static ngx_int_t
ngx_http_llm_key_json_member(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_str_t *name, llm_str_t *value)
{
    ngx_int_t                   rc;
    ngx_array_t                 words;
    ngx_http_llm_key_member_t  *m;

    for (m = ngx_http_llm_key_members; m->name.len; m++) {

        /* "limits" and "endpoints" are what many would write */

        if (name->len - (name->len == m->name.len + 1
                         && name->data[m->name.len] == 's')
            == m->name.len
            && ngx_memcmp(m->name.data, name->data, m->name.len) == 0)
        {
            break;
        }
    }

    if (m->name.len == 0) {
        kj->param = (char *) ngx_pnalloc(kj->pool, name->len + 1);

        if (kj->param == NULL) {
            return NGX_ERROR;
        }

        (void) ngx_cpystrn((u_char *) kj->param, name->data, name->len + 1);

        return ngx_http_llm_key_json_error(kj, "a key has no member \"%V\"",
                                           name);
    }

    kj->param = (char *) m->name.data;

    if (ngx_array_init(&words, kj->pool, 4, sizeof(ngx_str_t)) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_llm_key_json_words(kj, m, value, &words);

    return rc == NGX_OK ? m->read(kj, key, m, &words) : rc;
}


/* no words: null, or an empty list */

static ngx_int_t
ngx_http_llm_key_json_words(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_member_t *m, llm_str_t *value, ngx_array_t *words)
{
    ngx_int_t    rc;
    ngx_str_t   *word;
    llm_str_t    element;
    llm_walk_t   w;

    switch (value->data[0]) {

    case 'n':
        return NGX_OK;

    case 't':
    case 'f':

        if (m->read != ngx_http_llm_key_json_active) {
            break;
        }

        word = ngx_array_push(words);
        if (word == NULL) {
            return NGX_ERROR;
        }

        word->len = (value->data[0] == 't') ? 2 : 3;
        word->data = (u_char *) (value->data[0] == 't' ? "on" : "off");

        return NGX_OK;

    case '"':
        return ngx_http_llm_key_json_split(kj, value, words, !m->one);

    case '[':

        if (m->one) {
            break;
        }

        llm_walk_open(&w, value);

        while (llm_walk_element(&w, &element)) {

            if (element.data[0] != '"') {
                return ngx_http_llm_key_json_error(kj,
                           "\"%V\" is a list of strings", &m->name);
            }

            /* an element of "limit" may tell of "shadow" and "tz=" */

            rc = ngx_http_llm_key_json_split(kj, &element, words, 0);
            if (rc != NGX_OK) {
                return rc;
            }
        }

        return NGX_OK;

    default:
        break;
    }

    return ngx_http_llm_key_json_error(kj, "\"%V\" must be %s", &m->name,
               m->read == ngx_http_llm_key_json_active ? "true or false"
               : m->one ? "a string" : "a list of strings");
}


static ngx_int_t
ngx_http_llm_key_json_split(ngx_http_llm_key_json_t *kj, llm_str_t *raw,
    ngx_array_t *words, ngx_uint_t split)
{
    int         rc;
    u_char     *p, *last, *space;
    llm_str_t   text;
    ngx_str_t  *word;

    rc = llm_json_string(kj->arena, raw, &text);

    if (rc == LLM_NOMEM) {
        return NGX_ERROR;
    }

    if (rc != LLM_OK || text.len == 0 || text.len > NGX_HTTP_LLM_KEY_WORD) {
        return ngx_http_llm_key_json_error(kj,
                   "\"%s\" must have 1 to %d bytes of text", kj->param,
                   NGX_HTTP_LLM_KEY_WORD);
    }

    p = text.data;
    last = p + text.len;

    while (p < last) {

        space = split ? ngx_strlchr(p, last, ' ') : NULL;

        if (space == NULL) {
            space = last;
        }

        if (space > p) {

            if (words->nelts == NGX_HTTP_LLM_KEY_WORDS) {
                return ngx_http_llm_key_json_error(kj,
                           "\"%s\" has more than %d values", kj->param,
                           NGX_HTTP_LLM_KEY_WORDS);
            }

            word = ngx_array_push(words);
            if (word == NULL) {
                return NGX_ERROR;
            }

            word->data = p;
            word->len = space - p;
        }

        p = space + 1;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_key_json_name(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_http_llm_key_member_t *m, ngx_array_t *words)
{
    ngx_str_t  *field, *word;

    field = (ngx_str_t *) ((char *) key + m->offset);
    word = words->elts;

    if (words->nelts == 0) {
        ngx_str_null(field);
        return NGX_OK;
    }

    if (!ngx_http_llm_block_is_name(word->data, word->len,
                                    NGX_HTTP_LLM_NAME_MAX))
    {
        return ngx_http_llm_key_json_error(kj,
                   "\"%V\" must be 1 to %d printable ASCII characters "
                   "without quotes, spaces and backslashes", &m->name,
                   NGX_HTTP_LLM_NAME_MAX);
    }

    *field = *word;

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_key_json_models(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_http_llm_key_member_t *m, ngx_array_t *words)
{
    ngx_str_t   *word;
    ngx_uint_t   i;

    word = words->elts;

    for (i = 0; i < words->nelts; i++) {

        if (!ngx_http_llm_block_is_name(word[i].data, word[i].len,
                                        NGX_HTTP_LLM_MODEL_MAX)
            || word[i].data[0] == '~')
        {
            return ngx_http_llm_key_json_error(kj,
                       "\"%V\" takes models' names and patterns with \"*\", "
                       "of at most %d characters", &m->name,
                       NGX_HTTP_LLM_MODEL_MAX);
        }
    }

    *(ngx_array_t *) ((char *) key + m->offset) = *words;

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_key_json_endpoint(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_http_llm_key_member_t *m, ngx_array_t *words)
{
    ngx_str_t       *word;
    ngx_uint_t       i;
    llm_endpoint_e   endpoint;

    word = words->elts;
    key->endpoints = words->nelts ? 0 : NGX_HTTP_LLM_ALL_ENDPOINTS;

    for (i = 0; i < words->nelts; i++) {

        endpoint = llm_endpoint_by_name((llm_str_t *) &word[i]);

        if (endpoint == LLM_ENDPOINT_NONE) {
            return ngx_http_llm_key_json_error(kj,
                       "there is no endpoint \"%V\"", &word[i]);
        }

        key->endpoints |= (uint32_t) 1 << endpoint;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_key_json_class(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_http_llm_key_member_t *m, ngx_array_t *words)
{
    ngx_str_t  *word;

    key->class = NULL;

    if (words->nelts == 0) {
        return NGX_OK;
    }

    word = words->elts;

    key->class = ngx_http_llm_conf_find_class(kj->lmcf, word);

    if (key->class == NULL) {
        return ngx_http_llm_key_json_error(kj, "class \"%V\" is not "
                                           "configured", word);
    }

    return NGX_OK;
}


/* each word is a line of "limit": "rpm=5", "budget=1/day shadow" */

static ngx_int_t
ngx_http_llm_key_json_limit(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_http_llm_key_member_t *m, ngx_array_t *words)
{
    int              rc;
    ngx_str_t       *word;
    llm_str_t        text;
    ngx_uint_t       i, k, shadow;
    const char      *err;
    llm_limit_t     *limit;
    const llm_tz_t  *tz;

    if (ngx_array_init(&key->limits, kj->pool, NGX_HTTP_LLM_LIMITS_MAX,
                       sizeof(llm_limit_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (words->nelts > NGX_HTTP_LLM_LIMITS_MAX) {
        return ngx_http_llm_key_json_error(kj, "\"limit\" has more than %d "
                                           "limits", NGX_HTTP_LLM_LIMITS_MAX);
    }

    word = words->elts;

    for (i = 0; i < words->nelts; i++) {

        text.data = word[i].data;
        text.len = word[i].len;

        limit = ngx_array_push(&key->limits);

        rc = ngx_http_llm_limit_options(&text, &shadow, &tz);

        if (rc == LLM_NOMEM) {
            return NGX_ERROR;
        }

        if (rc != LLM_OK) {
            return ngx_http_llm_key_json_error(kj, "invalid limit \"%V\": "
                       "%s", &word[i],
                       rc == LLM_INVALID
                       ? "behind it may stand \"shadow\" and \"tz=\""
                       : "this system knows no such time zone");
        }

        rc = llm_limit_parse(&text, limit, &err);

        if (rc != LLM_OK) {
            return ngx_http_llm_key_json_error(kj, "invalid limit \"%V\": %s",
                                               &word[i], err);
        }

        limit->shadow = shadow;

        if (tz) {
            llm_limit_set_tz(limit, tz);
        }

        for (k = 0; k < i; k++) {
            if (limit[-1 - (ngx_int_t) k].id == limit->id
                && limit[-1 - (ngx_int_t) k].kind == limit->kind)
            {
                return ngx_http_llm_key_json_error(kj, "limit \"%V\" counts "
                           "the same as another one", &word[i]);
            }
        }
    }

    kj->limits = *words;

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_key_json_cidr(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_http_llm_key_member_t *m, ngx_array_t *words)
{
    ngx_str_t   *word;
    ngx_uint_t   i;
    ngx_cidr_t  *cidr;

    key->cidr = NULL;

    if (words->nelts == 0) {
        return NGX_OK;
    }

    key->cidr = ngx_array_create(kj->pool, words->nelts, sizeof(ngx_cidr_t));
    if (key->cidr == NULL) {
        return NGX_ERROR;
    }

    word = words->elts;

    for (i = 0; i < words->nelts; i++) {

        cidr = ngx_array_push(key->cidr);
        if (cidr == NULL) {
            return NGX_ERROR;
        }

        if (ngx_ptocidr(&word[i], cidr) == NGX_ERROR) {
            return ngx_http_llm_key_json_error(kj,
                       "\"%V\" is no address or network, like \"10.0.0.0/8\" "
                       "or \"2001:db8::/32\"", &word[i]);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_key_json_expires(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_http_llm_key_member_t *m, ngx_array_t *words)
{
    ngx_uint_t  date;

    key->expires = 0;

    if (words->nelts == 0) {
        return NGX_OK;
    }

    key->expires = ngx_http_llm_secret_time(words->elts, &date);

    if (key->expires == (time_t) NGX_ERROR) {
        return ngx_http_llm_key_json_error(kj,
                   "\"expires\" must be a UTC date YYYY-MM-DD or a time "
                   "YYYY-MM-DDTHH:MM:SSZ");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_key_json_active(ngx_http_llm_key_json_t *kj,
    ngx_http_llm_key_t *key, ngx_http_llm_key_member_t *m, ngx_array_t *words)
{
    ngx_str_t  *word;

    key->active = 1;

    if (words->nelts == 0) {
        return NGX_OK;
    }

    word = words->elts;

    if (llm_str_is(word, "off")) {
        key->active = 0;
        return NGX_OK;
    }

    if (llm_str_is(word, "on")) {
        return NGX_OK;
    }

    return ngx_http_llm_key_json_error(kj, "\"active\" must be true or false");
}


static ngx_int_t
ngx_http_llm_key_json_error(ngx_http_llm_key_json_t *kj, const char *fmt, ...)
{
    va_list  args;

    kj->error.data = ngx_pnalloc(kj->pool, NGX_MAX_CONF_ERRSTR);
    if (kj->error.data == NULL) {
        return NGX_ERROR;
    }

    va_start(args, fmt);
    kj->error.len = ngx_vslprintf(kj->error.data,
                                  kj->error.data + NGX_MAX_CONF_ERRSTR, fmt,
                                  args)
                    - kj->error.data;
    va_end(args);

    return NGX_DECLINED;
}
